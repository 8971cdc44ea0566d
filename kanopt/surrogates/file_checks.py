"""Check the consistency of a law that was read from a file.

A file from a stranger is untrusted data; it is checked before anything is computed from it, so that a loaded model
never fails with an internal error or returns NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FileFormatError
from kanopt.kan.description import Layer
from kanopt.kan.links import Logistic, Softplus
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from kanopt.surrogates.law import NetworkLaw

__all__ = ["check_columns", "check_law"]

MEASURES = {"rows", "r2", "rmse", "mae", "ratio"}


def check_law(law: NetworkLaw) -> None:
    """Refuse a law with inconsistent parts or with values that are not finite.

    Raises
    ------
    FileFormatError
        Naming the part.
    """
    _check_encoding(law.encoding)
    _check_network(law)
    _check_plain(law)
    _check_statistics(law)
    _check_rows(law)
    known = {f"c{place}" for place in range(len(law.encoding.numbers))}
    named = {item.name for item in law.domain.ranges} | dict(law.domain.quantiles).keys()
    named |= {name for test in law.domain.joints for name in test.names}
    _require(
        named <= known and not law.domain.categories, "the domain", "speaks of columns that are not there"
    )
    with np.errstate(all="ignore"):
        foretold = law.predict(law.numbers, law.codes)
    _require(_finite(foretold), "the network", "gives no numbers for the rows kept in the file")


def check_columns(columns: tuple[str, ...], fills: dict[str, float | str], encoding: FeatureEncoding) -> None:
    """Refuse columns that are not those of the encoding, and replacements of missing values that no column has.

    Raises
    ------
    FileFormatError
        Naming the part.
    """
    _require(
        columns and len(set(columns)) == len(columns), "the list of columns", "is empty, or has one twice"
    )
    kinds = {feature.name: feature.is_numeric for feature in encoding.features if feature.name in columns}
    made = [feature.name for feature in encoding.features[len(kinds) :]]
    in_order = (
        list(kinds) == [name for name in columns if name in kinds] == list(encoding.names[: len(kinds)])
    )
    _require(in_order and not {*made} & {*columns}, "the list of columns", "is not that of the encoding")
    for name, fill in fills.items():
        fits = name in kinds and kinds[name] is not isinstance(fill, str)
        _require(
            fits and (isinstance(fill, str) or math.isfinite(fill)),
            f"the fill of column {name!r}",
            "does not fit",
        )


def _require(sound: Any, part: str, fault: str) -> None:
    if not sound:
        raise FileFormatError(f"{part} {fault}")


def _finite(array: NDArray[Any], kinds: str = "fiu") -> bool:
    return array.dtype.kind in kinds and bool(np.isfinite(array).all())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check_encoding(encoding: FeatureEncoding) -> None:
    features = encoding.features
    _require(features, "the encoding", "has no columns")
    _require(
        all(isinstance(feature.name, str) for feature in features),
        "the encoding",
        "has a name that is no text",
    )
    _require(len(set(encoding.names)) == len(features), "the encoding", "has two columns of one name")
    for feature in features:
        _require(_is_consistent(feature), f"the encoding of column {feature.name!r}", "does not make sense")


def _is_consistent(feature: Feature) -> bool:
    numbers = all(_is_number(value) for value in (feature.scale, feature.low, feature.high))
    if not numbers or not isinstance(feature.log, bool) or feature.scale <= 0.0:
        return False
    if feature.kind == "category":
        words = all(isinstance(value, (str, int, float)) for value in feature.categories)
        known = all(
            rare not in feature.categories and like in feature.categories for rare, like in feature.taken_for
        )
        alone = 0 < len(set(feature.categories)) == len(feature.categories)
        return words and known and alone and not feature.log
    if feature.kind not in ("number", "cycle") or feature.categories or feature.taken_for:
        return False
    return feature.low <= feature.high and not (
        feature.log and (feature.low <= 0.0 or feature.kind == "cycle")
    )


def _check_network(law: NetworkLaw) -> None:
    layers, encoding = law.network.layers, law.encoding
    _require(layers, "the network", "has no layers")
    categories = tuple(len(feature.categories) for feature in encoding.categories)
    shape = len(encoding.numbers), len(encoding.periodic), categories
    for place, layer in enumerate(layers):
        _require(
            _has_shape(layer, *shape),
            f"layer {place} of the network",
            "has parts of other shapes than its inputs",
        )
        parts = (layer.lower, layer.upper, layer.coefficients, layer.bias, layer.periodic, *layer.tables)
        _require(
            all(map(_finite, parts)), f"layer {place} of the network", "holds something that is no number"
        )
        _require(
            (layer.lower < layer.upper).all(), f"layer {place} of the network", "has a range without width"
        )
        shape = layer.outputs, 0, ()
    _require(layers[-1].outputs == 1, "the network", "has several outputs")


def _has_shape(layer: Layer, inputs: int, periodic: int, categories: tuple[int, ...]) -> bool:
    if (
        layer.coefficients.ndim != 3
        or layer.periodic.ndim != 3
        or layer.bias.ndim != 1
        or layer.grid_size < 1
    ):
        return False
    subnodes = layer.subnodes
    found = (layer.lower.shape, layer.upper.shape, layer.coefficients.shape[:2], layer.periodic.shape[:2])
    tables = tuple(table.shape for table in layer.tables)
    return (
        found == ((inputs,), (inputs,), (inputs, subnodes), (periodic, subnodes))
        and tables == tuple((count, subnodes) for count in categories)
        and (not periodic or layer.periodic.shape[2] >= 1)
        and 0 <= 2 * layer.products <= subnodes
        and subnodes >= 1
    )


def _check_plain(law: NetworkLaw) -> None:
    numbers = law.smearing, law.variance, law.edf
    _require(all(map(_is_number, numbers)), "smearing, variance or edf", "is no number")
    _require(law.smearing > 0.0 and law.variance >= 0.0, "smearing or variance", "is below zero")
    _require(
        isinstance(law.log_target, bool) and isinstance(law.loss, str),
        "log_target or loss",
        "is of another type",
    )
    _require(
        law.measures and all(set(m) == MEASURES for m in law.measures.values()), "measures", "are incomplete"
    )
    rows = [found["rows"] for found in law.measures.values()]
    _require(all(map(_is_number, rows)), "measures", "are of no number of rows")
    match law.link:
        case Softplus(scale=scale, low=low):
            _require(
                _is_number(scale) and _is_number(low) and scale > 0.0, "the link", "has no scale above zero"
            )
        case Logistic(low=low, high=high):
            _require(
                _is_number(low) and _is_number(high) and low < high, "the link", "has no two ends in order"
            )
    _require(law.link is None or not law.log_target, "the link", "is that of a log target")
    _require(law.floor is None or _is_number(law.floor), "the floor", "is no number")


def _check_statistics(law: NetworkLaw) -> None:
    parameters = law.network.parameters.size
    known = law.covariance.size == 0 or law.covariance.shape == (parameters, parameters)
    _require(known and _finite(law.covariance), "covariance", f"is not that of {parameters} parameters")
    held = law.at_bound.shape in ((0,), (parameters,)) and law.at_bound.dtype == np.bool_
    _require(held, "at_bound", f"does not speak of {parameters} parameters")
    residuals, weights = law.residuals, law.residual_weights
    _require(
        residuals.ndim == 1 and residuals.size and _finite(residuals), "residuals", "are no list of numbers"
    )
    _require((np.diff(residuals) >= 0.0).all(), "residuals", "are not in order")
    _require(
        weights.shape == residuals.shape and _finite(weights),
        "residual_weights",
        "are not those of residuals",
    )
    _require(
        (weights >= 0.0).all() and weights.sum() > 0.0, "residual_weights", "are below zero, or all zero"
    )
    known = law.middle.shape in ((0,), residuals.shape) and _finite(law.middle)
    _require(known, "middle", "does not say what the law says of every residual's row")
    _require(law.smoothing.ndim == 1 and _finite(law.smoothing), "smoothing", "is no list of numbers")
    sound = law.importance.shape == (len(law.encoding.features),) and _finite(law.importance)
    _require(sound, "importance", "is not one number per column")


def _check_rows(law: NetworkLaw) -> None:
    numbers, codes, encoding = law.numbers, law.codes, law.encoding
    rows = len(numbers) if numbers.ndim == 2 else 0
    _require(
        rows and numbers.shape == (rows, len(encoding.numeric)) and _finite(numbers), "numbers", "are no rows"
    )
    _require(
        codes.shape == (rows, len(encoding.categories)) and _finite(codes, "iu"),
        "codes",
        "are not those of rows",
    )
    most = np.array([len(feature.categories) for feature in encoding.categories], dtype=np.int64)
    _require(((codes >= 0) & (codes < most)).all(), "codes", "lie outside the categories")
