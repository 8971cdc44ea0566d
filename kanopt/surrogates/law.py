"""A fitted law in numpy: everything needed for prediction, effects, intervals and saving."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FileFormatError, FormulaError
from kanopt.formulas.domain import Domain, Range
from kanopt.formulas.joint_tests import JointTest
from kanopt.kan.description import Layer, Network
from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates.conformal import ResidualRange, residual_range
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.naming import hidden_text
from kanopt.text import fixed_text, join_list, number_text

__all__ = ["NetworkLaw", "law_from_parts", "law_to_parts"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
LARGEST = 650.0
"""Logarithms beyond this are cut off, far outside any data: their exponentials would not be numbers."""
LEAST = float(np.finfo(np.float64).tiny)
"""What a positive law falls to at least, far outside any data, where its exponentials would be zero."""


@dataclass(frozen=True, eq=False)
class NetworkLaw:
    """The result of a fit.

    Parameters
    ----------
    encoding, network, log_target, smearing, link
        The law: ``network(encoded)``, ``smearing × exp(network(encoded))`` for a log target, or
        ``link(network(encoded))`` for a positive or bounded one.
    loss
        The loss of the fit.
    covariance, variance, edf
        Covariance of the network's parameters (empty for a large network), residual variance, effective number of
        parameters.
    residuals, residual_weights
        Leave-one-out residuals of the training rows, sorted, of the logarithm for a log target; and how many
        independent rows each stands for.
    middle
        What the law says of these rows, on the scale of the residuals; empty where it is not known.
    smoothing
        Roughness weight of every group of curves, one per column and one per later layer, followed by the ridge.
    numbers, codes
        Encoded sample of training rows over which effects are averaged.
    importance
        Importance of every column, see :func:`kanopt.surrogates.effects.feature_importances`.
    measures
        Measures of fit on the training rows, in-sample and leave-one-out.
    domain
        Domain of the training rows, over the encoded columns ``c0``, ``c1`` and so on, in the order of the network.
    at_bound
        Mask of the parameters held at an active bound of a shape constraint.
    lowest
        Smallest target of the training rows; NaN if unknown.
    floor
        What the law is held at where the network falls below it; None for nothing. Without a link and logarithm only.
    """

    encoding: FeatureEncoding
    network: Network
    log_target: bool
    smearing: float
    loss: str
    covariance: Floats
    variance: float
    edf: float
    residuals: Floats
    residual_weights: Floats
    smoothing: Floats
    numbers: Floats
    codes: Integers
    importance: Floats
    measures: dict[str, dict[str, float]]
    link: Link | None = None
    domain: Domain = field(default_factory=Domain.unknown)
    at_bound: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    lowest: float = float("nan")
    floor: float | None = None
    middle: Floats = field(default_factory=lambda: np.zeros(0))

    def predict(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the target for encoded rows, shape (n,)."""
        output = self.network(numbers, codes)
        if self.log_target:
            return np.maximum(self.smearing * np.exp(np.minimum(output, LARGEST)), LEAST)
        if self.link is None:
            return self._held(output)
        target = self.link(output)
        return (
            np.maximum(target, LEAST) if isinstance(self.link, Softplus) and self.link.low == 0.0 else target
        )

    def _held(self, output: Floats) -> Floats:
        return output if self.floor is None else np.maximum(output, self.floor)

    def outside(self, numbers: Floats) -> NDArray[np.bool_]:
        """Return a mask of the encoded rows outside the domain of the training rows; (n,)."""
        columns = {f"c{place}": numbers[:, place] for place in range(len(self.encoding.numbers))}
        flags = np.zeros(len(numbers), dtype=bool)
        for beyond in self.domain.tests(columns).values():
            flags |= beyond
        return flags

    def interval_around(
        self, numbers: Floats, codes: Integers, around: ResidualRange
    ) -> tuple[Floats, Floats]:
        """Return the ends of the interval that a range of residuals leaves around every prediction; each (n,)."""
        middle = self.on_residual_scale(numbers, codes)
        low, high = around.at(middle)
        if self.log_target:
            return np.exp(np.minimum(middle + low, LARGEST)), np.exp(np.minimum(middle + high, LARGEST))
        least, most = (-np.inf, np.inf) if self.link is None else self.link.ends
        return np.clip(middle + low, least, most), np.clip(middle + high, least, most)

    def on_residual_scale(self, numbers: Floats, codes: Integers) -> Floats:
        """Return what the law says of rows on the scale of its residuals: the logarithm for a log target; (n,)."""
        output = self.network(numbers, codes)
        if self.log_target:
            return output
        return self._held(output) if self.link is None else self.link(output)

    def residual(self, numbers: Floats, codes: Integers, target: Floats) -> Floats:
        """Return the residuals of rows, of the logarithm for a log target; (n,)."""
        middle = self.on_residual_scale(numbers, codes)
        return (np.log(target) if self.log_target else target) - middle

    def residual_range(self, coverage: float) -> ResidualRange:
        """Return the range into which the residual of a new row falls with probability `coverage`."""
        return residual_range(self.residuals, self.middle, self.residual_weights, coverage)

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the network's parameters; NaN without covariance, and at an active bound."""
        if not self.covariance.size:
            return np.full(len(self.at_bound), np.nan)
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return np.where(self.at_bound, np.nan, errors)

    @property
    def structure(self) -> str:
        """The structure of the law in words."""
        hidden = self.network.hidden
        shape = f"network with {hidden_text(hidden)}" if hidden else "additive"
        products = sum(layer.products for layer in self.network.layers)
        shape = f"{shape}, {products} of them products" if products else shape
        logs = [feature.name for feature in self.encoding.numbers if feature.log]
        words = [
            f"{shape}, log target" if self.log_target else shape,
            *([f"logarithms of {join_list(logs)}"] if logs else []),
            f"{fixed_text(self.edf, 1)} effective parameters",
            f"{self.loss} loss",
            *([] if self.floor is None else [f"held at {number_text(self.floor)} or above"]),
        ]
        return "; ".join(words)


_ARRAYS = (
    "covariance",
    "residuals",
    "residual_weights",
    "smoothing",
    "numbers",
    "codes",
    "importance",
    "at_bound",
)
_LAYER = ("lower", "upper", "coefficients", "bias", "cycles")
_LINKS: dict[str, type[Link]] = {"Softplus": Softplus, "Logistic": Logistic}
_PLAIN = ("log_target", "smearing", "loss", "variance", "edf", "measures")


def law_to_parts(law: NetworkLaw) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the law as a JSON header and named arrays."""
    header: dict[str, Any] = {name: getattr(law, name) for name in _PLAIN}
    header["encoding"] = law.encoding.to_json()
    header["tables"] = [len(layer.tables) for layer in law.network.layers]
    header["link"] = _link_to_json(law.link)
    header["domain"] = asdict(law.domain)
    header["floor"] = law.floor
    header["lowest"] = None if np.isnan(law.lowest) else law.lowest
    header["products"] = [layer.products for layer in law.network.layers]
    arrays: dict[str, NDArray[Any]] = {name: getattr(law, name) for name in (*_ARRAYS, "middle")}
    for index, layer in enumerate(law.network.layers):
        arrays |= {f"layer{index}_{name}": getattr(layer, name) for name in _LAYER}
        arrays |= {f"layer{index}_table{place}": table for place, table in enumerate(layer.tables)}
    return header, arrays


def law_from_parts(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> NetworkLaw:
    """Undo :func:`law_to_parts`.

    Raises
    ------
    FileFormatError
        If a part is missing or inconsistent with the others.
    """
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise FileFormatError(f"the saved model: {name} holds {array.dtype} values, not numbers")
    try:
        layers = []
        for index, (tables, products) in enumerate(zip(header["tables"], header["products"], strict=True)):
            parts: dict[str, Any] = {name: arrays[f"layer{index}_{name}"] for name in _LAYER}
            values = tuple(arrays[f"layer{index}_table{place}"] for place in range(tables))
            layers.append(Layer(tables=values, products=int(products), **parts))
        plain: dict[str, Any] = {name: header[name] for name in _PLAIN}
        plain |= {name: arrays[name] for name in _ARRAYS}
        law = NetworkLaw(
            encoding=FeatureEncoding.from_json(header["encoding"]),
            network=Network(tuple(layers)),
            link=_link_from_json(header["link"]),
            domain=_domain_from_json(header["domain"]),
            lowest=_number_or_nan(header.get("lowest")),
            floor=header.get("floor"),  # files from before there were floors have none
            middle=arrays.get("middle", np.zeros(0)),
            **plain,
        )
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        ArithmeticError,
        FormulaError,
    ) as error:
        raise FileFormatError(
            f"the saved model lacks a part or its parts do not fit together ({type(error).__name__}: {error})"
        ) from error
    return law


def _number_or_nan(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _link_to_json(link: Link | None) -> dict[str, Any] | None:
    return None if link is None else {"kind": type(link).__name__, **asdict(link)}


def _link_from_json(data: dict[str, Any] | None) -> Link | None:
    if data is None:
        return None
    numbers = {name: float(value) for name, value in data.items() if name != "kind"}
    return _LINKS[data["kind"]](**numbers)


def _domain_from_json(data: dict[str, Any]) -> Domain:
    """Undo ``dataclasses.asdict`` of a domain."""
    joints = []
    for joint in data["joints"]:
        inverse = tuple(tuple(float(x) for x in row) for row in joint["inverse"])
        plain = {name: tuple(joint[name]) for name in ("names", "log", "centre", "scale")}
        joints.append(JointTest(**plain, inverse=inverse, threshold=float(joint["threshold"])))
    return Domain(
        tuple(Range(**item) for item in data["ranges"]),
        tuple((name, tuple(known)) for name, known in data["categories"]),
        tuple(joints),
        # files of earlier versions have none
        tuple((name, tuple(values)) for name, values in data.get("quantiles", ())),
        orders=tuple((lower, upper) for lower, upper in data.get("orders", ())),
    )
