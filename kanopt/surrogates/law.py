"""A fitted law in numpy: all that prediction, effects, intervals and saving need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FileFormatError
from kanopt.kan.description import Layer, Network
from kanopt.surrogates.encoding import Encoding

__all__ = ["Law", "law_from_parts", "law_to_parts"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Law:
    """What a fit leaves behind.

    Parameters
    ----------
    encoding, network, log_target, smearing
        The law: ``network(encoded)``, or ``smearing × exp(network(encoded))`` of a log target.
    loss
        The loss it was fitted with.
    covariance, variance, edf
        Covariance of the network's parameters, residual variance, effective number of parameters, all on the
        scale of the network's output.
    residuals, residual_weights
        Residuals of the training rows, each as if left out, sorted, on the scale of the network's output.
    smoothing
        Roughness weight of every group of curves: one per column, then one per later layer; last, the ridge.
    numbers, codes
        Encoded sample of training rows over which effects are averaged.
    importance
        Importance of every column, see :func:`kanopt.surrogates.effects.importances`.
    measures
        Fit on the training rows, and on them left out one at a time.
    """

    encoding: Encoding
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

    def predict(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the target for encoded rows, shape (n,)."""
        output = self.network(numbers, codes)
        return self.smearing * np.exp(output) if self.log_target else output

    def interval(self, numbers: Floats, codes: Integers, coverage: float) -> tuple[Floats, Floats]:
        """Return the ends between which a new row falls with probability `coverage`; each (n,).

        The residuals of rows left out are ordered, and the ends cut (1 − coverage) / 2 off on each side
        with the finite-sample ranks of conformal prediction (Lei et al. 2018, JASA 113; leave-one-out
        residuals in place of a held-out half as in Barber et al. 2021, Ann. Stat. 49).
        """
        mass = np.cumsum(self.residual_weights)
        tail = 0.5 * (1.0 - coverage) * (mass[-1] + 1.0)
        last = len(self.residuals) - 1
        lower = np.searchsorted(mass, max(tail, 0.0), side="left")
        upper = np.searchsorted(mass, min(mass[-1] + 1.0 - tail, mass[-1]), side="left")
        output = self.network(numbers, codes)
        low = output + self.residuals[min(int(lower), last)]
        high = output + self.residuals[min(int(upper), last)]
        return (np.exp(low), np.exp(high)) if self.log_target else (low, high)

    @property
    def structure(self) -> str:
        """How the law is written, in words."""
        hidden = self.network.hidden
        shape = f"network with {' + '.join(map(str, hidden))} hidden nodes" if hidden else "additive"
        logs = [feature.name for feature in self.encoding.numbers if feature.log]
        words = [
            f"{shape}, log target" if self.log_target else shape,
            *([f"logarithms of {', '.join(logs)}"] if logs else []),
            f"{self.edf:.1f} effective parameters",
            f"{self.loss} loss",
        ]
        return "; ".join(words)


_ARRAYS = ("covariance", "residuals", "residual_weights", "smoothing", "numbers", "codes", "importance")
_LAYER = ("lower", "upper", "coefficients", "bias", "cycles")
_PLAIN = ("log_target", "smearing", "loss", "variance", "edf", "measures")


def law_to_parts(law: Law) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the law as a JSON header and named arrays."""
    header: dict[str, Any] = {name: getattr(law, name) for name in _PLAIN}
    header["encoding"] = law.encoding.to_json()
    header["tables"] = [len(layer.tables) for layer in law.network.layers]
    header["products"] = [layer.products for layer in law.network.layers]
    arrays: dict[str, NDArray[Any]] = {name: getattr(law, name) for name in _ARRAYS}
    for index, layer in enumerate(law.network.layers):
        arrays |= {f"layer{index}_{name}": getattr(layer, name) for name in _LAYER}
        arrays |= {f"layer{index}_table{place}": table for place, table in enumerate(layer.tables)}
    return header, arrays


def law_from_parts(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Law:
    """Undo :func:`law_to_parts`.

    Raises
    ------
    FileFormatError
        Where a part is missing or does not fit the others.
    """
    try:
        layers = []
        for index, (tables, products) in enumerate(zip(header["tables"], header["products"], strict=True)):
            parts: dict[str, Any] = {name: arrays[f"layer{index}_{name}"] for name in _LAYER}
            values = tuple(arrays[f"layer{index}_table{place}"] for place in range(tables))
            layers.append(Layer(tables=values, products=int(products), **parts))
        plain: dict[str, Any] = {name: header[name] for name in _PLAIN}
        plain |= {name: arrays[name] for name in _ARRAYS}
        law = Law(
            encoding=Encoding.from_json(header["encoding"]),
            network=Network(tuple(layers)),
            **plain,
        )
        law.predict(law.numbers[:1], law.codes[:1])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise FileFormatError(
            "the saved model lacks a part or its parts do not fit together "
            f"({type(error).__name__}: {error}); save the model again"
        ) from error
    return law
