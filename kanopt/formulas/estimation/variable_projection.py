"""Estimates of a law's parameters by least squares, with variable projection.

Linear parameters are solved for exactly at every step, so that only the nonlinear ones are searched for, and the start
of the linear ones does not matter (Golub and Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least
squares problems whose variables separate", SIAM J. Numer. Anal. 10; the derivative is Kaufman's of 1975). A step to
where the law is undefined is rejected like one that raises the cost, so that logarithms and powers need no bounds.

The search is that of :mod:`kanopt.formulas.estimation.least_squares`. Its normal equations square the condition number
(Björck 1996, *Numerical Methods for Least Squares Problems*, section 2.2); from where it ends, the last steps are taken
on orthogonal factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.least_squares import levenberg_marquardt
from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.nodes import Array

STEPS = 200
TOLERANCE = 1e-14
"""Share of the squares that a step of the search has to gain."""
OFFSET = 1e-7
"""Relative offset at which the steps on orthogonal factors end."""
CONVERGED = 1e-3
"""Relative offset up to which a search that can go no further has arrived (Bates and Watts 1988, section 2.2.3)."""
TIED = 1e-9
"""Singular value of the derivative, its columns of length 1, beside the largest, from which it counts as nothing."""
_NOTHING = 1e-24
_RANK = 1e-12
_SMALL = 1e-14


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
    offset
        Relative offset of Bates and Watts: the component of the residuals in the tangent plane relative to that
        orthogonal to it, each per dimension. 0 at a minimum, independent of units and noise.
    converged
        Whether it is a minimum.
    exact
        Whether the residuals are only rounding error.
    steps
        Number of steps.
    """

    theta: Array
    residual: Array
    jacobian: Array
    cost: float
    offset: float
    converged: bool
    exact: bool
    steps: int


@dataclass(frozen=True, eq=False)
class _Point:
    """A point of the search, with optimal linear parameters."""

    theta: Array
    residual: Array
    jacobian: Array
    basis: Array  # orthonormal columns that span those of the linear numbers
    cost: float

    def across(self, curved: NDArray[np.bool_]) -> Array:
        """Return the derivative in the nonlinear parameters, but for what the linear ones say as well, (n, q)."""
        columns = self.jacobian[:, curved]
        whole = np.linalg.norm(columns, axis=0)
        columns = columns - self.basis @ (self.basis.T @ columns)
        # what a linear number says as well leaves nothing but rounding
        columns[:, np.linalg.norm(columns, axis=0) <= _RANK * whole] = 0.0
        return columns

    def tangent(self, curved: NDArray[np.bool_], left: int, count: int) -> tuple[Array, float]:
        """Return the step of Gauss and Newton in the nonlinear parameters, (q,), and the relative offset.

        There are `left` residual degrees of freedom and `count` parameters that vary.
        """
        step, plane = projection(self.across(curved), self.residual)
        along = np.concatenate([plane.T @ self.residual, self.basis.T @ self.residual])
        inside = float(along @ along)
        outside = max(self.cost - inside, 0.0)
        if inside == 0.0:
            return step, 0.0
        return step, float(np.sqrt((inside / count) / (outside / max(left, 1)))) if outside > 0 else np.inf


@dataclass(eq=False)
class _Projected:
    """Squared residuals in the nonlinear parameters alone; see :class:`LeastSquares` of the search."""

    residuals: Residuals
    theta: Array
    linear: NDArray[np.bool_]
    curved: NDArray[np.bool_]
    point: _Point | None = None

    def cost(self, theta: Array) -> float:
        whole = self.theta.copy()
        whole[self.curved] = theta
        self.point = _solve_linear_part(self.residuals, whole, self.linear)
        return np.inf if self.point is None else self.point.cost

    def normal_equations(self, theta: Array) -> tuple[Array, Array]:
        assert self.point is not None
        self.theta = self.point.theta
        columns = self.point.across(self.curved)
        return columns.T @ columns, columns.T @ self.point.residual

    def projected(self, theta: Array) -> Array:
        return theta


def minimise(
    residuals: Residuals, start: Array, free: NDArray[np.bool_] | None = None
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
    moves = np.ones(start.size, dtype=bool) if free is None else free
    count = int(moves.sum())
    curved = ~residuals.linear & moves
    theta = np.array(start, dtype=np.float64)
    # from nothing: a start far off, such as 1 for a column of 1e50, leaves residuals that are all rounding
    theta[residuals.linear & moves] = 0.0
    problem = _Projected(residuals, theta, residuals.linear & moves, curved)
    nothing = _NOTHING * residuals.target_squares
    begin = problem.theta[curved]
    found = levenberg_marquardt(problem, begin, STEPS, TOLERANCE, nothing, largest=np.inf, growing_scale=True)
    problem.cost(found.theta)
    point = problem.point
    if point is None:
        return None
    steps = found.steps
    step, offset = point.tangent(curved, residuals.count - count, count)
    while offset > OFFSET and point.cost > nothing and steps < STEPS:
        cost = problem.cost(point.theta[curved] + step)
        if problem.point is None or not cost < point.cost:
            break
        point, steps = problem.point, steps + 1
        step, offset = point.tangent(curved, residuals.count - count, count)
    exact = point.cost <= 1e4 * nothing
    arrived = exact or offset <= CONVERGED
    return LeastSquaresResult(
        point.theta, point.residual, point.jacobian, point.cost, offset, arrived, exact, steps
    )


def _solve_linear_part(residuals: Residuals, theta: Array, linear: NDArray[np.bool_]) -> _Point | None:
    """Solve for the linear parameters with the others held; None if the law has no finite value."""
    found = residuals.at(theta)
    if found is None:
        return None
    residual, jacobian = found
    basis = np.zeros((residual.size, 0))
    theta = theta.copy()
    # twice, for what rounding left where the first values were far off
    for _ in range(2 if linear.any() else 0):
        step, basis = projection(jacobian[:, linear], residual)
        theta[linear] += step
        found = residuals.at(theta)
        if found is None:
            return None
        residual, jacobian = found
        inside = basis.T @ residual
        if inside @ inside <= _SMALL * (residual @ residual):
            break
    return _Point(theta, residual, jacobian, basis, float(residual @ residual))


def projection(columns: Array, residual: Array) -> tuple[Array, Array]:
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
