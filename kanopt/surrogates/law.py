"""A fitted law: a network as a formula of curves, with what is known of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Constant, Formula, Maximum, Product, Variable
from kanopt.formulas.variables import category_label
from kanopt.kan.links import Logistic, Softplus
from kanopt.surrogates.conformal import ResidualRange, residual_range
from kanopt.surrogates.curves import in_units, linked, network_output, place_name
from kanopt.surrogates.encoding import Feature, FeatureEncoding

LARGEST = 650.0
"""Logarithms beyond this are cut off, far outside any data: their exponentials would not be numbers."""
FLOOR_BUDGET = 1_000
"""Boxes in which a law is to be proved to stay above zero; one that is not is held there."""
LEAST = float(np.finfo(np.float64).tiny)
"""What a positive law falls to at least, far outside any data, where its exponentials would be zero."""


@dataclass(frozen=True, eq=False)
class FittedLaw:
    """The result of a fit.

    Parameters
    ----------
    encoding, network, log_target, smearing, link
        The law: ``network(encoded)``, ``smearing × exp(network(encoded))`` for a log target, or
        ``link(network(encoded))`` for a positive or bounded one. The domain of the network is that of the training
        rows.
    loss
        The loss of the fit.
    variance, edf
        Residual variance, and effective number of parameters.
    residuals, residual_weights, middle
        Leave-one-out residuals of the training rows, sorted, of the logarithm for a log target; how many independent
        rows each stands for; and what the law says of these rows, on the scale of the residuals.
    sample
        Encoded sample of training rows over which effects are averaged; (rows, inputs).
    importance
        Importance of every column, see :func:`kanopt.surrogates.summary.feature_importances`.
    measures
        Measures of fit on the training rows, in-sample and leave-one-out.
    lowest
        Smallest target of the training rows.
    floor
        What the law is held at where the network falls below it; None for nothing. Without a link and logarithm only.
    """

    encoding: FeatureEncoding
    network: Formula
    log_target: bool
    smearing: float
    loss: str
    variance: float
    edf: float
    residuals: Floats
    residual_weights: Floats
    middle: Floats
    sample: Floats
    importance: Floats
    measures: dict[str, dict[str, float]]
    lowest: float
    link: Softplus | Logistic | None = None
    floor: float | None = None

    def formula(self, target: str, units: Mapping[str, str] = MappingProxyType({})) -> Formula:
        """Return what the law predicts as a formula of the columns, over the box of the training rows.

        Where an exponential overflows, far outside any data, a prediction is cut off and the formula is not.
        """
        features = self.encoding.inputs
        root = in_units(self.network.root, features)
        if self.log_target:
            root = Product((Constant(self.smearing), Apply("exp", root)))
        elif self.link is not None:
            root = linked(self.link, root)
        elif self.floor is not None:
            root = Maximum((Constant(self.floor), root))
        inputs = [
            _number(each, units.get(each.name, ""))
            if each.is_numeric
            else Variable(each.name, kind="category", categories=tuple(map(category_label, each.categories)))
            for each in features
        ]
        return Formula(root, tuple(inputs), Variable(target))

    def predict(self, encoded: Floats) -> Floats:
        """Return the target for encoded rows, shape (n,)."""
        value = self.on_residual_scale(encoded)
        if self.log_target:
            return np.maximum(self.smearing * np.exp(np.minimum(value, LARGEST)), LEAST)
        stays_positive = isinstance(self.link, Softplus) and self.link.low == 0.0
        return np.maximum(value, LEAST) if stays_positive else value

    def outside(self, encoded: Floats) -> NDArray[np.bool_]:
        """Return a mask of the encoded rows outside the domain of the training rows; (n,)."""
        numbers = encoded.T[: len(self.encoding.numeric)]
        return self.network.domain.outside({place_name(k): column for k, column in enumerate(numbers)})

    def on_residual_scale(self, encoded: Floats) -> Floats:
        """Return what the law says of rows on the scale of its residuals: the logarithm for a log target; (n,)."""
        numeric = len(self.encoding.numeric)
        output = network_output(self.network, encoded[:, :numeric], encoded[:, numeric:].astype(np.int64))
        if self.link is not None:
            return self.link(output)
        return output if self.floor is None else np.maximum(output, self.floor)

    def residual(self, encoded: Floats, target: Floats) -> Floats:
        """Return the residuals of rows, of the logarithm for a log target; (n,)."""
        middle = self.on_residual_scale(encoded)
        return (np.log(target) if self.log_target else target) - middle

    def residual_range(self, coverage: float) -> ResidualRange:
        """Return the range into which the residual of a new row falls with probability `coverage`."""
        return residual_range(self.residuals, self.middle, self.residual_weights, coverage)

    def interval_around(self, encoded: Floats, around: ResidualRange) -> tuple[Floats, Floats]:
        """Return the ends of the interval that a range of residuals leaves around every prediction; each (n,)."""
        middle = self.on_residual_scale(encoded)
        low, high = (middle + end for end in around.at(middle))
        if self.log_target:
            return np.exp(np.minimum(low, LARGEST)), np.exp(np.minimum(high, LARGEST))
        ends = (-np.inf, np.inf) if self.link is None else self.link.ends
        return np.clip(low, *ends), np.clip(high, *ends)


def held_positive(law: FittedLaw) -> FittedLaw:
    """Return a law of a positive target held at the smallest one, unless it is proved to stay above zero by itself."""
    if not law.lowest > 0.0:
        return law
    try:
        proved = law.formula("target").prove(low=0.0, boxes=FLOOR_BUDGET).proved
    except FormulaError:  # a network too large to be written as a formula
        proved = False
    return law if proved else replace(law, floor=law.lowest)


def _number(feature: Feature, unit: str) -> Variable:
    """Return a column of numbers as an input, over the range of the training rows or over its period."""
    low, high = (0.0, feature.scale) if feature.kind == "cycle" else (feature.low, feature.high)
    return Variable(feature.name, unit, low=low, high=high)
