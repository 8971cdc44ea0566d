"""Least squares by Levenberg-Marquardt on normal equations: the one search for the constants of laws.

Searches that fit laws by the hundred take its minimum as it is. Estimates that are printed with their errors go on from
there on orthogonal factors, and solve for linear parameters (:mod:`kanopt.formulas.estimation.least_squares`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.graph_tape import FreeParameters, GraphTape, linear_in
from kanopt.formulas.estimation.naming import EstimationRows
from kanopt.formulas.nodes import Node

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
    """
    from scipy.linalg.lapack import dposv

    cost, size = problem.cost(theta), len(theta)
    nowhere = SearchEnd(theta, math.inf, np.full((size, size), math.nan))
    if not math.isfinite(cost):
        return nowhere
    damping, growth, steps = 1e-3, 2.0, 0
    curvature = np.zeros((size, size))
    for round_ in range(iterations + 1):
        found, descent = problem.normal_equations(theta)
        if not math.isfinite(found.sum() + descent.sum()):
            # without a derivative there is no further step; from here the last one has to do
            return SearchEnd(theta, cost, curvature, steps) if round_ else nowhere
        curvature = found
        if round_ == iterations or cost <= enough or not size:
            break
        scale = np.sqrt(np.maximum(curvature.diagonal(), 1e-200))
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
            reached = problem.cost(trial) if not failed and np.abs(trial).max() < LARGEST else math.inf
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

    @classmethod
    def of(cls, residual: Floats, slopes: Floats, weight: Floats, pull: Floats | float = 0.0) -> Linearised:
        """Return a law of which every number is drawn to its value, by so much (p,), and as if by one of its rows.

        Of a category whose rows are all left out, or of what is beyond a bracket, others say nothing.
        """
        stiff = (weight[:, None] * slopes).T @ slopes
        known = stiff.diagonal()
        held = np.where(known > 0.0, pull + known / np.maximum(np.count_nonzero(slopes, axis=0), 1), 1.0)
        return cls(residual, slopes, weight, stiff + np.diag(held))

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


# Estimates of a law's parameters by least squares, with variable projection.
#
# Linear parameters are solved for exactly at every step, so that only the nonlinear ones are searched for,
# and the start of the linear ones does not matter (Golub and Pereyra 1973, "The differentiation of pseudo-
# inverses and nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10; the
# derivative is Kaufman's of 1975). A step to where the law is undefined is rejected like one that raises
# the cost, so that logarithms and powers need no bounds.
#
# The search is that of MINPACK (Moré 1978), which takes its steps on orthogonal factors: normal equations square the
# condition number (Björck 1996, *Numerical Methods for Least Squares Problems*, section 2.2).

ESTIMATE_ROUNDING = 1e-9
"""Logarithm of a smearing factor that is rounding."""


def smearing(residual: Floats, weight: Floats) -> float:
    """Return the factor that makes a law of a logarithm one of the mean (Duan 1983); 1 where chance may be it.

    Parameters
    ----------
    residual, weight
        What the law leaves of the logarithm of every row, and how many rows each stands for, (n,).
    """
    factor = float(weight @ np.exp(residual) / weight.sum())
    chance = 2.0 * float(np.sqrt(weight @ residual**2)) / float(weight.sum())
    return 1.0 if abs(float(np.log(factor))) <= max(chance, ESTIMATE_ROUNDING) else factor


@dataclass(frozen=True, eq=False)
class Residuals:
    """Weighted residuals ``√w · (y − f(θ))``, or ``√w · (log y − log f(θ))``, and their derivative.

    Parameters
    ----------
    tape
        The law over the rows.
    target
        The fitted target, (n,): y, or its logarithm.
    root_weight
        Square roots of the weights, (n,).
    log
        Whether logarithms are fitted.
    linear
        Mask of the free parameters in which the fitted values are jointly linear, (p,).
    """

    tape: GraphTape
    target: Floats
    root_weight: Floats
    log: bool
    linear: NDArray[np.bool_]

    @classmethod
    def of(cls, root: Node, free: FreeParameters, rows: EstimationRows, log: bool = False) -> Residuals:
        """Build the residuals of a graph on rows."""
        linear = np.zeros(free.count, dtype=bool) if log else linear_in(root, free)
        target = np.log(rows.target) if log else rows.target
        return cls(GraphTape(root, rows.columns, free), target, np.sqrt(rows.weight), log, linear)

    @property
    def count(self) -> int:
        """The number of rows, n."""
        return self.target.size

    @property
    def target_squares(self) -> float:
        """Weighted sum of squares of the target, the reference for negligible residuals."""
        weighted = self.root_weight * self.target
        return float(weighted @ weighted)

    def at(self, theta: Floats) -> tuple[Floats, Floats] | None:
        """Return residuals, (n,), and the derivative of the fitted values, (n, p), both times the root of the weight.

        None if the law has no finite value or derivative in some row, or one too large to be squared.
        """
        value, derivative = self.tape.gradient(theta)
        if self.log:
            if not (value > 0).all():
                return None
            with np.errstate(all="ignore"):
                derivative = derivative / value[:, None]
            value = np.log(value)
        with np.errstate(all="ignore"):
            residual = self.root_weight * (self.target - value)
            weighted = derivative * self.root_weight[:, None]
            # what is too large to be squared is as good as infinite, and one sum shows it
            size = float(residual @ residual) + float(np.einsum("ij,ij->", weighted, weighted))
        return (residual, weighted) if np.isfinite(size) else None

    def squares(self, theta: Floats) -> float:
        """Return the sum of the squared residuals; infinite where there is none."""
        found = self.at(theta)
        return np.inf if found is None else float(found[0] @ found[0])


STEPS = 200
TOLERANCE = 1e-14
"""Share of the squares that a step of the search has to gain."""
CONVERGED = 1e-3
"""Relative offset up to which a search that can go no further has arrived (Bates and Watts 1988, section 2.2.3)."""
HALVINGS = 20
"""Lengths of a step that are tried where a law bends."""
TIED = 1e-9
"""Singular value of the derivative, its columns of length 1, beside the largest, from which it counts as nothing."""
_NOTHING = 1e-24
_NOWHERE = 1e100
"""A residual where the law has no value: a step there is refused."""
_RANK = 1e-12

Solved: TypeAlias = tuple[Floats, Floats, Floats, Floats]


@dataclass(frozen=True, eq=False)
class LeastSquaresResult:
    """The result of a search.

    Parameters
    ----------
    theta
        The free parameters, (p,).
    residual, jacobian
        Weighted residuals, (n,), and the derivative of the fitted values in all p parameters, (n, p).
    cost
        Sum of the squared residuals.
    converged
        Whether it is a minimum: the residuals have little in the tangent plane, beside what is across it.
    exact
        Whether the residuals are only rounding error.
    steps
        Number of steps.
    """

    theta: Floats
    residual: Floats
    jacobian: Floats
    cost: float
    converged: bool
    exact: bool
    steps: int


def minimise(
    residuals: Residuals, start: Floats, free: NDArray[np.bool_] | None = None
) -> LeastSquaresResult | None:
    """Minimise the sum of squared residuals from a start.

    Parameters
    ----------
    residuals
        The residuals.
    start
        Initial values of the free parameters, (p,). Those of linear ones that vary are not used.
    free
        Mask of the parameters to vary, (p,); None for all. The others are held.

    Returns
    -------
    LeastSquaresResult
        None where the law has no finite value or derivative at the start.
    """
    from scipy.optimize import least_squares

    moves = np.ones(start.size, dtype=bool) if free is None else free
    linear, curved = residuals.linear & moves, ~residuals.linear & moves
    last: dict[bytes, Solved | None] = {}

    def solved(at: Floats) -> Solved | None:
        """Return parameters, residuals and derivatives with the best linear parameters, and what these span."""
        if at.tobytes() not in last:
            last.clear()
            # from nothing: a start far off, such as 1 for a column of 1e50, leaves residuals that are all rounding
            theta = np.where(linear, 0.0, start)
            theta[curved] = at
            found, basis = residuals.at(theta), np.zeros((residuals.count, 0))
            for _ in range(2 if linear.any() else 0):  # once more for what rounding left
                if found is not None:
                    step, basis = projection(found[1][:, linear], found[0])
                    theta = theta.copy()
                    theta[linear] += step
                    found = residuals.at(theta)
            last[at.tobytes()] = None if found is None else (theta, *found, basis)
        return last[at.tobytes()]

    def left(at: Floats) -> Floats:
        found = solved(at)
        return np.full(residuals.count, _NOWHERE) if found is None else found[1]

    def slopes(at: Floats) -> Floats:
        found = solved(at)
        assert found is not None
        columns, basis = found[2][:, curved], found[3]
        across = columns - basis @ (basis.T @ columns)
        # what a linear number says as well leaves nothing but rounding
        across[:, np.linalg.norm(across, axis=0) <= _RANK * np.linalg.norm(columns, axis=0)] = 0.0
        return -across

    best, steps, count = solved(start[curved]), 0, int(moves.sum())
    if best is None:
        return None
    nothing = _NOTHING * residuals.target_squares
    # of bad starts each way leads some to the minimum that the other leads astray
    for method in ("trf", "lm") if curved.any() and best[1] @ best[1] > nothing else ():
        limits = dict.fromkeys(("ftol", "xtol", "gtol"), TOLERANCE)
        with np.errstate(all="ignore"):
            end = least_squares(
                left, start[curved], slopes, method=method, x_scale="jac", max_nfev=STEPS, **limits
            )
        found = solved(end.x)
        best = found if found is not None and found[1] @ found[1] < best[1] @ best[1] else best
        steps = max(steps, int(end.nfev))
    theta, residual, jacobian, _ = best
    cost = float(residual @ residual)
    step, basis = projection(jacobian[:, moves], residual)
    inside = float(np.square(basis.T @ residual).sum())
    outside = max(cost - inside, 0.0) / max(residuals.count - count, 1)
    if residuals.tape.bends:
        # a minimum may lie where a row is at a bend, beyond which nothing of what the tangents promise is gained
        there = np.repeat(theta[:, None], HALVINGS, axis=1)
        there[moves] += np.outer(step, 0.5 ** np.arange(HALVINGS))
        inside = min(inside, max(cost - min(map(residuals.squares, there.T)), 0.0))
    offset = 0.0 if inside == 0.0 else np.inf if outside == 0.0 else float(np.sqrt(inside / count / outside))
    exact = cost <= 1e4 * nothing
    return LeastSquaresResult(theta, residual, jacobian, cost, exact or offset <= CONVERGED, exact, steps)


def projection(columns: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Return the step that projects the residual out of the span of the columns, (k,), and a basis of it, (n, r)."""
    if not columns.shape[1]:
        return np.zeros(0), np.zeros((residual.size, 0))
    size = np.linalg.norm(columns, axis=0)
    size[size == 0] = 1.0
    left, values, right = np.linalg.svd(columns / size, full_matrices=False)
    kept = values > _RANK * values[0] if values[0] > 0 else np.zeros(values.size, dtype=bool)
    left, values, right = left[:, kept], values[kept], right[kept]
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # a step too far has no finite value, and is refused for that
        return (right.T @ ((left.T @ residual) / values)) / size, left


ROWS = 200
DRAWS = 48
SEARCHES = 6
_ROUNDING = 1e-24
_CHANGED_SIGN = 2.0
_GAIN = 0.9  # a little better on a few rows is no better on all


# ── from one start, good or bad: random ones on all scales are tried on a sample of the rows ──


def search_minimum(
    root: Node, free: FreeParameters, rows: EstimationRows, log: bool = False
) -> tuple[Residuals, LeastSquaresResult | None]:
    """Search for the least squares from the values in the graph, and from random ones if these are a bad start.

    Parameters
    ----------
    root
        The law.
    free
        Its free parameters, whose values are the start.
    rows
        The rows.
    log
        Whether logarithms are fitted; all values of the output are positive then.

    Returns
    -------
    residuals, minimum
        The residuals as a function of the free parameters, and the best result; None if the law has no finite value in
        some row at every start.
    """
    residuals = Residuals.of(root, free, rows, log)
    found = minimise(residuals, free.values)
    if log and (found is None or not found.converged or found.steps > 20):
        # relative residuals are nearly those of logarithms, and linear numbers need no start there
        relative = EstimationRows(rows.columns, rows.target, rows.weight / np.square(rows.target))
        near = search_minimum(root, free, relative)[1]
        found = found if near is None else _better(minimise(residuals, near.theta), found)
    if found is not None and found.converged and (residuals.linear.all() or found.exact):
        return residuals, found
    few = residuals if rows.count <= ROWS else Residuals.of(root, free, rows.sample(ROWS), log)
    limit = np.inf if found is None or not found.converged else _GAIN * few.squares(found.theta)
    for count, start in enumerate(_better_starts(few, free.values, limit), start=1):
        found = _better(minimise(residuals, start), found)
        if count == SEARCHES or (found is not None and found.converged and few.squares(found.theta) < limit):
            break
    return residuals, found


def _better_starts(residuals: Residuals, start: Floats, limit: float) -> Iterator[Floats]:
    """Yield starts at which the squares sum to less than `limit`, the best first."""
    rng = np.random.default_rng(0)
    curved = ~residuals.linear
    found: list[tuple[float, int, Floats]] = []
    for draw in range(DRAWS):
        theta = np.where(curved, start, 0.0)
        theta[curved] = _perturb(start[curved], rng)
        at = residuals.at(theta)
        if at is None:
            continue
        residual, jacobian = at
        step, basis = projection(jacobian[:, residuals.linear], residual)
        size = float(residual @ residual)
        for _ in range(2):  # twice, for what rounding left where the linear numbers were far off
            residual = residual - basis @ (basis.T @ residual)
        cost = max(float(residual @ residual), _ROUNDING * size)
        if cost < limit:
            theta[residuals.linear] += step
            # many laws are the same with two signs changed, and those of the start are what is meant
            changed = int((np.sign(theta[curved]) * np.sign(start[curved]) < 0).sum())
            found.append((cost * _CHANGED_SIGN**changed, draw, theta))
    yield from (theta for _, _, theta in sorted(found, key=lambda item: item[:2]))


def _perturb(start: Floats, rng: np.random.Generator) -> Floats:
    """Return random parameters around `start`: mostly of its sign and within a factor of 40; one in four unchanged."""
    factor = np.exp(rng.normal(scale=1.8, size=start.size)) * np.where(
        rng.random(start.size) < 0.2, -1.0, 1.0
    )
    drawn = np.where(start == 0.0, 1.0, start) * factor
    return np.where(rng.random(start.size) < 0.25, start, drawn)


def _better(one: LeastSquaresResult | None, other: LeastSquaresResult | None) -> LeastSquaresResult | None:
    """Return the better of two results: a converged one first, then the one with the lower cost."""
    if one is None or other is None:
        return one or other
    return min(other, one, key=lambda end: (not end.converged, end.cost))
