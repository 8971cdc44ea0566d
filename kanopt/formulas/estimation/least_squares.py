"""Least squares by Levenberg-Marquardt on normal equations: the one search for the constants of laws.

Searches that fit laws by the hundred take its minimum as it is. Estimates that are printed with their errors go on from
there on orthogonal factors, and solve for linear parameters (:mod:`kanopt.formulas.estimation.variable_projection`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats

FLOOR = 1e-8
"""Error, in spreads of the target, below which laws are equally good: that of the arithmetic, with a margin."""
ROUNDING = 1e-13
"""Share of the largest eigenvalue below which one is of rounding."""
RIDGE = 1e-10
LARGEST = 1e12
"""Parameters of scaled inputs beyond this are none."""
_MOST_DAMPING = 1e16


class LeastSquares(Protocol):
    """A sum of squares to be minimised, that of residuals and perhaps of a quadratic penalty.

    It remembers what it was last evaluated at, so that the derivative there costs no second evaluation.
    """

    def cost(self, theta: Floats) -> float:
        """Return the sum at these parameters, shape (p,); not finite where it has no value."""

    def normal_equations(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return half the curvature (p, p), and half the direction of descent (p,), where it was last evaluated."""

    def projected(self, theta: Floats) -> Floats:
        """Return the nearest parameters that are let in."""


@dataclass(frozen=True, eq=False)
class SearchEnd:
    """Where a search ended.

    Parameters
    ----------
    theta
        The parameters, shape (p,).
    cost
        The sum there; infinite where it has no value or no derivative at the start.
    curvature
        Half the second derivative, Gauss-Newton's, shape (p, p), at the last point but one, or there.
    steps
        How many steps led there.
    """

    theta: Floats
    cost: float
    curvature: Floats
    steps: int = 0


# far from the minimum there may be no value; that is told by what is not finite
@np.errstate(all="ignore")
def levenberg_marquardt(
    problem: LeastSquares,
    theta: Floats,
    iterations: int,
    tolerance: float,
    enough: float = 0.0,
    *,
    largest: float = LARGEST,
    growing_scale: bool = False,
) -> SearchEnd:
    """Minimise a sum of squares from a start.

    Parameters
    ----------
    problem
        The sum.
    theta
        The start, shape (p,).
    iterations
        Steps at most.
    tolerance
        The last step is the one after which the linear model promises, or the sum loses, less than this share of it.
    enough
        A sum that is as good as zero.
    largest
        Parameters from here on are none.
    growing_scale
        Whether the scale of a parameter is the largest on the way (Moré 1978), not that of the place: steps are more
        careful, and more of the bad starts lead to the minimum.
    """
    from scipy.linalg.lapack import dposv

    cost, size = problem.cost(theta), len(theta)
    nowhere = SearchEnd(theta, math.inf, np.full((size, size), math.nan))
    if not math.isfinite(cost):
        return nowhere
    damping, growth, steps = 1e-3, 2.0, 0
    curvature, largest_scale = np.zeros((size, size)), np.zeros(size)
    for round_ in range(iterations + 1):
        found, descent = problem.normal_equations(theta)
        if not math.isfinite(found.sum() + descent.sum()):
            # without a derivative there is no further step; from here the last one has to do
            return SearchEnd(theta, cost, curvature, steps) if round_ else nowhere
        curvature = found
        if round_ == iterations or cost <= enough or not size:
            break
        scale = np.sqrt(np.maximum(curvature.diagonal(), 1e-200))
        if growing_scale:
            scale = largest_scale = np.maximum(scale, largest_scale)
        scaled, downhill = curvature / (scale[:, None] * scale), descent / scale
        before, improved = cost, False
        while damping < _MOST_DAMPING:
            damped = scaled.copy()
            damped.flat[:: size + 1] += damping + RIDGE
            _, step, failed = dposv(damped, downhill)
            # 2 g·s − s·H·s, with H·s = g − λ s; damping makes the matrix definite in the end
            promised = float(step @ downhill + damping * (step @ step)) if not failed else math.inf
            if not promised > tolerance * cost:
                break
            trial = problem.projected(theta + step / scale)
            reached = problem.cost(trial) if not failed and np.abs(trial).max() < largest else math.inf
            if reached < cost:
                # Nielsen 1999, "Damping parameter in Marquardt's method", section 2
                gain = (cost - reached) / promised
                damping = max(damping * max(1 / 8, 1 - (2 * min(gain, 1.0) - 1) ** 3), 1e-14)
                theta, cost, growth, steps, improved = trial, reached, 2.0, steps + 1, True
                break
            damping, growth = damping * growth, growth * 2.0
        if not improved or before - cost < tolerance * before:
            break
    return SearchEnd(theta, cost, curvature, steps)


def inverse_of(matrix: Floats, ridge: float = 1e-13) -> Floats:
    """Return the inverse of a positive definite matrix; where rounding has made it none, of its certain part.

    Parameters
    ----------
    matrix
        Such as JᵀJ and what holds the numbers beside the rows, (p, p).
    ridge
        Share of its square by which a number is held where the rows do not tell it: its variance is large then.
    """
    from scipy.linalg.lapack import dpotrf, dpotri

    if not len(matrix):
        return matrix
    size = np.sqrt(np.maximum(matrix.diagonal(), 0.0))
    size = np.where(size > 0.0, size, 1.0)
    scaled = matrix / np.outer(size, size)
    scaled.flat[:: len(scaled) + 1] += ridge
    root, failed = dpotrf(scaled, lower=True)
    half, failed = dpotri(root, lower=True) if not failed else (scaled, failed)
    # only the lower half has been written
    whole = np.tril(half) + np.tril(half, -1).T
    found = np.linalg.pinv(scaled, rcond=ROUNDING, hermitian=True) if failed else whole
    return np.asarray(found / np.outer(size, size))


@dataclass(frozen=True, eq=False)
class Linearised:
    """A fitted law that is linear in its numbers, or taken for one: what it says of rows that it has not seen.

    Parameters
    ----------
    residual
        What the law that was fitted to all rows leaves of them, (n,).
    slopes
        Derivatives of the law in its numbers, (n, p).
    weight
        Of the rows, (n,).
    stiff
        Weighted products of the slopes, and what holds the numbers beside the rows, (p, p).
    """

    residual: Floats
    slopes: Floats
    weight: Floats
    stiff: Floats

    def part_of(self, own: NDArray[np.bool_]) -> Floats:
        """Return what some rows add to the numbers of the law, (p,)."""
        back = (self.weight[own, None] * self.slopes[own]).T
        return np.asarray(
            inverse_of(self.stiff - back @ self.slopes[own], RIDGE) @ (back @ self.residual[own])
        )

    def left_out(self, blocks: NDArray[np.integer[Any]]) -> Floats:
        """Return what is left of every row by the law that is fitted to the other blocks, (n,).

        Rows of a block below zero are never left out.
        """
        moved = self.residual.copy()
        for block in np.unique(blocks[blocks >= 0]):
            own = blocks == block
            moved[own] += self.slopes[own] @ self.part_of(own)
        return moved


def plane(rows: Floats, target: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return the coefficients of columns (n, k) that fit a target best, and their standard errors, (k,)."""
    root = np.sqrt(weight)
    scaled, aim = root[:, None] * rows, root * target
    found = np.linalg.lstsq(scaled, aim, rcond=None)[0]
    noise = float(((aim - scaled @ found) ** 2).sum()) / max(len(aim) - len(found), 1)
    size = np.maximum(np.sqrt((scaled**2).sum(axis=0)), 1e-300)
    inverse = np.linalg.pinv((scaled / size).T @ (scaled / size), hermitian=True)
    errors = np.sqrt(noise * np.maximum(np.diag(inverse), 0.0)) / size
    return np.asarray(found, dtype=np.float64), np.asarray(errors, dtype=np.float64)
