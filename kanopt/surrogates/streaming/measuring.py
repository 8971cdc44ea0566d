"""The last pass: measure the fit on all rows, and estimate the factor or shift that corrects the bias of sums.

Both are estimated in the pass that measures. With e = p − y at the current factor (shift) and q the derivative of p in
its relative (absolute) change d, the errors at the new one are e + d q, so that

    Σ w (e + d q)² = Σ w e² + 2 d Σ w e q + d² Σ w q²

exactly, and Σ w |e + d q| = Σ w |e| + d Σ w q sign e to first order in d, which is far below a percent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.description import Network
from kanopt.surrogates.density import weighted_quantile
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.streaming.survey import Survey
from kanopt.surrogates.trials import GROSS, TrainingTable

__all__ = ["measure_law"]

Floats = NDArray[np.float64]


@dataclass
class Totals:
    """Sums over the rows: of weights, errors e, target y less its centre, predictions p, and q (see the module)."""

    centre: float
    rows: int = 0
    sums: NDArray[np.float64] | float = 0.0

    def add(self, table: TrainingTable, predicted: Floats, change: Floats) -> None:
        """Add some rows."""
        error, centred = predicted - table.target, table.target - self.centre
        terms = [
            np.ones_like(error),
            centred,
            centred**2,
            predicted,
            change,
            error**2,
            error * change,
            change**2,
            np.abs(error),
            np.sign(error) * change,
        ]
        self.rows += len(table)
        self.sums = self.sums + np.array([table.weights @ term for term in terms])

    def measures(self, moved: float) -> dict[str, float]:
        """Return the measures of :func:`kanopt.surrogates.summary.fit_measures` after a change d of `moved`."""
        weight, y, yy, p, q, ee, eq, qq, size, signed = (float(value) for value in np.atleast_1d(self.sums))
        squares = ee + moved * (2.0 * eq + moved * qq)
        spread = yy - y**2 / weight
        actual = y + weight * self.centre
        return {
            "rows": float(self.rows),
            "r2": 1.0 - squares / spread if spread > 0.0 else float("nan"),
            "rmse": float(np.sqrt(max(squares, 0.0) / weight)),
            "mae": (size + moved * signed) / weight,
            "ratio": (p + moved * q) / actual if actual != 0.0 else float("nan"),
        }


def measure_law(found: Survey, law: NetworkLaw) -> NetworkLaw:
    """Return the law with smearing factor (or shift) and measures of fit from all rows."""
    limit = np.inf
    if law.loss != "squared":
        limit = GROSS * weighted_quantile(np.abs(law.residuals), law.residual_weights, 0.5) / 0.6745
    shifted = law.loss != "squared" and law.link is None and not law.log_target
    totals = Totals(float(np.average(found.sample.target, weights=found.sample.weights)))
    usual = over = 0.0
    for table in found.tables():
        numbers = law.encoding.encode_numbers(table.numbers)
        predicted = law.predict(numbers, table.codes)
        residual = law.residual(numbers, table.codes, table.target)
        weights = table.weights * (np.abs(residual) <= limit)
        usual += float(weights.sum())
        # The factor wanted over the factor of now is the mean of exp(residual) / smearing.
        over += float(weights @ (table.target / predicted if law.log_target else residual))
        held = predicted == law.floor  # a shift of the network does not move these
        totals.add(table, predicted, predicted if law.log_target else np.where(held, 0.0, float(shifted)))
    moved = over / usual - float(law.log_target) if law.log_target or shifted else 0.0
    measures = {**law.measures, "training": totals.measures(moved)}
    if law.log_target:
        return replace(law, smearing=law.smearing * (1.0 + moved), measures=measures)
    last = law.network.layers[-1]
    layers = (*law.network.layers[:-1], replace(last, bias=last.bias + moved))
    return replace(law, network=Network(layers), measures=measures)
