"""Trials: structures of a law, fitted and scored by leave-one-out predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.kan.fit import FittedNetwork
from kanopt.kan.trainer import Link
from kanopt.kan.training import TrainedBatch
from kanopt.surrogates.conformal import student_density, weighted_quantile
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.readings import hidden_text

GROSS = 6.0
"""Residuals beyond this many scales are taken for recording errors where the loss is robust."""
MISSED = 0.01
"""Share of the sum of all targets by which a smearing factor may miss it."""
EXACT = 1e-7
"""Share of the target's standard deviation below which residuals count as none."""
FEWEST = 5
SHARE = 0.005
"""Share of the rows that an outermost cell of the knots must hold, from so many rows on that this is a few."""


@dataclass(frozen=True, eq=False)
class TrainingTable:
    """The rows to learn from: numbers (n, i) as in the table, codes (n, c), target (n,), weights (n,).

    Rows of one of the `groups`, numbered from 0, (n,), share an error; None where rows are independent.
    """

    numbers: Floats
    codes: Integers
    target: Floats
    weights: Floats
    encoding: FeatureEncoding
    groups: Integers | None = None

    def __len__(self) -> int:
        return len(self.target)

    def target_deviation(self, log_target: bool) -> float:
        """Return the standard deviation of the target, or of its logarithm; if zero, its magnitude."""
        target = np.log(self.target) if log_target else self.target
        mean = np.average(target, weights=self.weights)
        spread = float(np.sqrt(np.average((target - mean) ** 2, weights=self.weights)))
        return spread if spread > 1e-12 * abs(mean) else float(abs(mean)) or 1.0

    def robust_deviation(self, log_target: bool) -> float:
        """Return a robust standard deviation from the interquartile range; if zero, the ordinary one."""
        target = np.log(self.target) if log_target else self.target
        low, high = (weighted_quantile(target, self.weights, share) for share in (0.25, 0.75))
        return (high - low) / 1.349 or self.target_deviation(log_target)


@dataclass(frozen=True)
class LawStructure:
    """The structure of a law.

    Parameters
    ----------
    log_target, logs
        Whether the logarithm of the target, and of each number, is taken.
    hidden, products
        Widths of the hidden layers, and the number of product nodes among them.
    loss
        The loss. ``"poisson"`` requires a log target: the network is the logarithm of the mean, and squared errors
        divided by the mean are minimised in the units of the target.
    """

    log_target: bool
    logs: tuple[bool, ...]
    hidden: tuple[int, ...]
    loss: str
    products: tuple[int, ...] = ()

    def __str__(self) -> str:
        shape = hidden_text(self.hidden) if self.hidden else "additive"
        multiplied = f", {sum(self.products)} of them products" if any(self.products) else ""
        return f"{shape}{multiplied}{', log target' if self.log_target else ''}"

    @property
    def has_log_link(self) -> bool:
        """Whether the target is fitted with an exponential link, rather than its logarithm."""
        return self.loss == "poisson"


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """Held-out rows (m,), and the predictions for them in the units of the target."""

    rows: Integers
    predicted: Floats


@dataclass(frozen=True, eq=False)
class Trial:
    """A fitted structure.

    Attributes
    ----------
    unit
        Divisor of the target.
    link
        From the network's output to the target over `unit`; None is the identity, or exp for a log target.
    smearing
        Factor that corrects the bias of sums for a log target: the mean of exp(residual) (Duan 1983, JASA 78), or, if
        that leaves a bias of more than 1 %, as with noise that depends on the size of the target, Σ target /
        Σ exp(output); else 1.
    shift
        Mean residual of rows without gross errors, added to the prediction of a robust loss; else 0.
    predicted
        Leave-one-out prediction of every row, in the units of the target; (n,).
    rmse, mean_absolute_error
        Root mean square and mean absolute leave-one-out error, in the units of the target.
    density, scale
        Leave-one-out log density of every row, and the scale of the residuals, see
        :mod:`kanopt.surrogates.fitting`.
    held_out
        Held-out rows when the smoothing of a network with hidden nodes was chosen, and the predictions for them, with
        the same bias correction; None if there were none.
    outlier_share, outlier_squares_share
        Share of rows with a residual beyond five robust standard deviations, and the share of these rows in the sum of
        squares: one outlier among thousands of rows may dominate the sum.
    log_burden
        Penalty of the choice of logarithms, in effective parameters, see :meth:`ArchitectureSearch.log_burden`.
    """

    structure: LawStructure
    encoding: FeatureEncoding
    trained: TrainedBatch
    fitted: FittedNetwork
    unit: float
    link: Link | None
    smearing: float
    shift: float
    predicted: Floats
    rmse: float
    mean_absolute_error: float
    density: Floats
    scale: float
    outlier_share: float
    outlier_squares_share: float
    log_burden: float
    held_out: HeldOutPredictions | None = None

    @property
    def complexity(self) -> tuple[int, float]:
        """Sort key: the number of hidden sums, two per product, then effective parameters with `log_burden`."""
        nodes = sum(self.structure.hidden) + sum(self.structure.products)
        return nodes, self.fitted.edf + self.log_burden


def scores(
    table: TrainingTable, structure: LawStructure, fitted: FittedNetwork, unit: float, link: Link | None
) -> dict[str, Any]:
    """Return the leave-one-out predictions and scores of a :class:`Trial`, in the units of the target."""
    weights, target = table.weights, table.target
    residual, left_out = fitted.residual, fitted.output + fitted.residual - fitted.left_out_residual
    if structure.has_log_link:
        left_out = np.log(np.maximum(left_out, 1e-3 * fitted.output) * unit)
        residual = np.log(target / unit) - np.log(fitted.output)
    middle = weighted_quantile(np.abs(residual), weights, 0.5) / 0.6745
    usual = weights
    if structure.loss in ("huber", "tukey"):
        usual = weights * (np.abs(residual) <= GROSS * middle)
    smearing, shift = 1.0, 0.0
    if structure.log_target:
        smearing = smearing_factor(target, residual, usual, by_sums=structure.has_log_link)
        predicted = smearing * np.exp(np.minimum(left_out, np.log(target.max()) + 2.0))
        gap = np.log(target) - left_out
    else:
        plain = usual is weights or link is not None
        shift = 0.0 if plain else float(np.average(residual, weights=usual))
        predicted = (left_out + shift) * unit
        gap = target - predicted
    scale, density = student_density(gap, weights, EXACT * table.target_deviation(structure.log_target))
    far = weights * (np.abs(residual) > 5.0 * middle)
    squares = max(float(weights @ residual**2), np.finfo(float).tiny)
    return {
        "smearing": smearing,
        "shift": shift,
        "predicted": predicted,
        "rmse": float(np.sqrt(np.average((target - predicted) ** 2, weights=weights))),
        "mean_absolute_error": float(np.average(np.abs(target - predicted), weights=weights)),
        "density": density - np.log(target) if structure.log_target else density,
        "scale": scale,
        "outlier_share": float(far.sum() / weights.sum()),
        "outlier_squares_share": float(far @ residual**2) / squares,
    }


def smearing_factor(target: Floats, residual: Floats, weights: Floats, *, by_sums: bool) -> float:
    """Return the factor on exp(network), given the residuals of its logarithm."""
    counted = weights > 0.0
    target, residual, weights = target[counted], residual[counted], weights[counted]
    ratio = np.exp(residual)
    mean = float(np.average(ratio, weights=weights))
    sums = float(weights @ target) / float(weights @ (target / ratio))
    return sums if by_sums or abs(mean / sums - 1.0) > MISSED else mean


def knot_range(encoded: Floats, grid_size: int, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the first and last knot of every column, each (columns,).

    They span the data, unless there are a thousand rows or more and an outermost cell would hold fewer than half a
    percent of them. Then the range is cut at that quantile, and the linear tail covers the rows beyond it: a cubic
    fitted to a few outlying rows should not be extrapolated. A row of weight k counts as k rows.

    Examples
    --------
    >>> column = np.append(np.linspace(0.0, 1.0, 999), 50.0)[:, None]
    >>> low, high = knot_range(column, grid_size=10)
    >>> float(low[0]), float(high[0].round(3))
    (0.0, 0.997)
    """
    weights = np.ones(len(encoded)) if weights is None else weights
    low, high = encoded.min(axis=0), encoded.max(axis=0)
    count = round(SHARE * float(weights.sum()))
    if count < FEWEST or not encoded.shape[1]:
        return low, high
    cell = (high - low) / grid_size
    few_below = weights @ (encoded < low + cell) < count
    few_above = weights @ (encoded > high - cell) < count
    share = count / float(weights.sum()) * (1.0 - 1e-12)
    first = np.array([weighted_quantile(column, weights, share) for column in encoded.T])
    last = np.array([-weighted_quantile(-column, weights, share) for column in encoded.T])
    trimmed = np.where(few_below, first, low), np.where(few_above, last, high)
    spread = trimmed[1] > trimmed[0]
    return np.where(spread, trimmed[0], low), np.where(spread, trimmed[1], high)
