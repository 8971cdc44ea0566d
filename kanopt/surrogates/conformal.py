"""Conformal prediction intervals, from calibration rows or from leave-one-out residuals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FitError

WINDOWS, LEAST_ROWS, BEYOND = 8, 100, 5
"""Share of the rows in a window, one in so many; the rows of one at least; and how many of them lie beyond each end."""
SURE, PLACES = 2.0, 65
"""Standard errors beyond which errors grow or fall with the prediction, and places that a range is given at."""
FLAT = 1e-9
"""Share of the widest range below which a range counts as this much: a law without error has none."""


@dataclass(frozen=True, eq=False)
class ResidualRange:
    """The range of a new residual as a curve of what the law says: straight between places, level beyond them.

    Parameters
    ----------
    places, lower, upper
        Values of the law, in order, and the ends there; each (k,).
    """

    places: Floats
    lower: Floats
    upper: Floats

    def at(self, middle: Floats) -> tuple[Floats, Floats]:
        """Return the ends where the law says `middle`, each (n,)."""
        return np.interp(middle, self.places, self.lower), np.interp(middle, self.places, self.upper)

    def calibrated(self, residuals: Floats, middle: Floats, coverage: float) -> ResidualRange:
        """Return the range stretched about its centre so that it holds new rows as often as these.

        The centre and half the width are of the training rows, so that residuals in their terms are scores of split
        conformal prediction, and what it promises holds (Lei et al. 2018, section 5.2; Papadopoulos, Gammerman and
        Vovk 2008, *Normalized nonconformity measures*).
        """
        lower, upper = self.at(middle)
        low, high = conformal_ends((residuals - 0.5 * (lower + upper)) / self._half(upper - lower), coverage)
        centre, half = 0.5 * (self.lower + self.upper), self._half(self.upper - self.lower)
        return ResidualRange(self.places, centre + low * half, centre + high * half)

    def _half(self, width: Floats) -> Floats:
        widest = float((self.upper - self.lower).max())
        return 0.5 * np.maximum(width, FLAT * widest) if widest > 0.0 else np.ones_like(width)


def residual_range(residuals: Floats, middle: Floats, weights: Floats, coverage: float) -> ResidualRange:
    """Return the range into which the residual of a new row falls with probability `coverage`, by what the law says.

    The ends at a place are those of the residuals in a window of rows of which the law says about as much
    (:func:`left_out_ends`; localised conformal prediction, Guan 2023, *Biometrika* 110): errors of large fares are
    larger than those of small ones, also in proportion. Windows hold an eighth of the rows, enough rows beyond both
    ends, and all rows of which the law says the same; a table of less than two windows has one for all rows. Before,
    residuals are divided by their growth with the rank of the prediction, where that is sure, so that within a window
    they are alike.

    Parameters
    ----------
    residuals
        Leave-one-out residuals, sorted; (n,).
    middle
        What the law says of these rows, on the scale of the residuals; (n,), or empty where it is not known.
    weights
        Number of independent rows each represents, (n,).
    coverage
        Probability of coverage.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> middle = rng.uniform(1.0, 10.0, 4000)
    >>> residuals = middle * rng.uniform(-1.0, 1.0, 4000)
    >>> order = residuals.argsort()
    >>> found = residual_range(residuals[order], middle[order], np.ones(4000), 0.9)
    >>> [float(end.round(1)) for end in found.at(np.array([2.0, 9.0]))[1]]
    [1.8, 8.2]
    """
    tail = 0.5 * (1.0 - coverage)
    total = float(weights.sum())
    share = max(LEAST_ROWS, BEYOND / tail, total / WINDOWS) / total
    window = math.ceil(share * len(residuals))
    if len(middle) < 2 * window:
        low, high = left_out_ends(residuals, weights, coverage)
        return ResidualRange(np.zeros(1), np.array([low]), np.array([high]))
    order = np.argsort(middle, kind="stable")
    ranked, rank = middle[order], _shares_below(middle)
    slope = _growth(residuals, rank, weights)
    even = residuals * np.exp(-slope * rank)
    places, ends = [], []
    for first in np.linspace(0, len(ranked) - window, 2 * (len(ranked) // window) - 1).round().astype(int):
        begin = int(np.searchsorted(ranked, ranked[first], side="left"))
        end = int(np.searchsorted(ranked, ranked[first + window - 1], side="right"))
        rows = order[begin:end]
        rows = rows[np.argsort(even[rows], kind="stable")]
        places.append(float(np.average(rank[rows], weights=weights[rows])))
        ends.append(left_out_ends(even[rows], weights[rows], coverage))
    known, first_of = np.unique(np.array(places), return_index=True)
    lower, upper = np.array(ends)[first_of].T
    shown = np.unique(ranked[np.linspace(0, len(ranked) - 1, PLACES).round().astype(int)])
    below = np.interp(shown, ranked, rank[order])
    grown = np.exp(slope * below)
    return ResidualRange(
        shown, grown * np.interp(below, known, lower), grown * np.interp(below, known, upper)
    )


def _shares_below(middle: Floats) -> Floats:
    """Return the share of rows of which the law says less, equal values in their middle, less a half; (n,)."""
    ordered = np.sort(middle)
    both = np.searchsorted(ordered, middle, side="left") + np.searchsorted(ordered, middle, side="right")
    return np.asarray(0.5 * both / len(middle) - 0.5)


def _growth(residuals: Floats, rank: Floats, weights: Floats) -> float:
    """Return how the logarithm of the size of residuals grows with the rank of the prediction; 0 within chance.

    Least squares: a logarithm is moved little by wild rows (Harvey 1976, Econometrica 44). What is nearly no residual
    counts as a hundredth of the median.
    """
    size = np.abs(residuals)
    logs = np.log(np.maximum(size, max(0.01 * float(np.median(size)), np.finfo(np.float64).tiny)))
    middle = np.average(rank, weights=weights)
    across = rank - middle
    spread = float(weights @ across**2)
    if spread <= 0.0:
        return 0.0
    slope = float(weights @ (across * logs)) / spread
    left = logs - np.average(logs, weights=weights) - slope * across
    error = float(np.sqrt(np.average(left**2, weights=weights) / spread))
    return slope if abs(slope) > SURE * error else 0.0


def conformal_ends(residuals: Floats, coverage: float) -> tuple[float, float]:
    """Return the residuals between which a new one falls with probability at least `coverage`.

    With n residuals in order, the ends are those of ranks ⌊(n + 1) α / 2⌋ and ⌈(n + 1) (1 − α / 2)⌉, α being
    1 − coverage (Lei et al. 2018, JASA 113, section 2.2, for each side): exact in finite samples if a new row is
    exchangeable with these.

    Raises
    ------
    FitError
        If there are too few residuals for the coverage.

    Examples
    --------
    >>> conformal_ends(np.arange(1.0, 20.0), 0.9)
    (1.0, 19.0)
    """
    count = len(residuals)
    tail = 0.5 * (1.0 - coverage)
    need = math.ceil(1.0 / tail - 1e-9) - 1
    if count < need:
        raise FitError(
            f"coverage={coverage:g} needs at least {need} calibration rows, there are {count}; pass more, or ask "
            "for less"
        )
    return left_out_ends(np.sort(residuals), np.ones(count), coverage)


def left_out_ends(residuals: Floats, weights: Floats, coverage: float) -> tuple[float, float]:
    """Return the residuals between which that of a new row falls with probability `coverage`.

    The ends are quantiles of the leave-one-out residuals, (1 − coverage) / 2 from each side, with the finite-sample
    ranks of conformal prediction (Lei et al. 2018, JASA 113; leave-one-out residuals instead of a held-out half as in
    Barber et al. 2021, Ann. Stat. 49).

    Parameters
    ----------
    residuals
        Leave-one-out residuals, sorted; (n,).
    weights
        Number of rows each represents, (n,).
    coverage
        Probability of coverage.

    Examples
    --------
    >>> left_out_ends(np.arange(1.0, 20.0), np.ones(19), 0.9)
    (1.0, 19.0)
    """
    mass = np.cumsum(weights)
    tail = 0.5 * (1.0 - coverage) * (mass[-1] + 1.0)
    last = len(residuals) - 1
    lower = max(int(np.searchsorted(mass, tail * (1.0 + 1e-12), side="right")) - 1, 0)
    upper = np.searchsorted(mass, min(mass[-1] + 1.0 - tail, mass[-1]), side="left")
    return float(residuals[min(lower, last)]), float(residuals[min(int(upper), last)])


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the weighted quantile at level `share`; a row of weight k counts as k rows."""
    order = np.argsort(values)
    mass = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(mass, share * mass[-1])])
