"""Nonlinear least squares by Levenberg-Marquardt with variable projection.

Linear parameters are solved for exactly at every step, so that only the nonlinear ones are searched for, and the start
of the linear ones does not matter (Golub and Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least
squares problems whose variables separate", SIAM J. Numer. Anal. 10; the derivative is Kaufman's of 1975). Parameters
are scaled by the norms of their Jacobian columns (Moré 1978). A step to a point where the law is undefined is rejected
like one that raises the cost, so that logarithms and powers need no bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.nodes import Array

__all__ = ["TIED", "LeastSquaresResult", "minimise", "projection"]

STEPS = 200
OFFSET = 1e-7
"""Relative offset at which the search ends."""
CONVERGED = 1e-3
"""Relative offset up to which a search that can go no further has arrived (Bates and Watts 1988, section 2.2.3)."""
TIED = 1e-9
"""Singular value of the derivative, its columns of length 1, beside the largest, from which it counts as nothing."""
_NOTHING = 1e-24
_RANK = 1e-12
_SMALL = 1e-14
_MOST_DAMPING = 1e14


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
    """A point of the search: with optimal linear parameters, and the other columns orthogonalised against theirs."""

    theta: Array
    residual: Array
    jacobian: Array
    basis: Array  # orthonormal columns that span those of the linear numbers
    cost: float


def minimise(
    residuals: Residuals, start: Array, free: NDArray[np.bool_] | None = None
) -> LeastSquaresResult | None:
    """Minimise the sum of squared residuals from a start.

    Parameters
    ----------
    residuals
        The residuals.
    start
        Initial values of the free parameters, (p,).
    free
        Mask of the parameters to vary, (p,); None for all. The others are held.

    Returns
    -------
    Minimum
        None where the law has no finite value or derivative at the start.
    """
    moves = np.ones(start.size, dtype=bool) if free is None else free
    linear, curved = residuals.linear & moves, ~residuals.linear & moves
    point = _solve_linear_part(residuals, np.array(start, dtype=np.float64), linear)
    if point is None:
        return None
    nothing = _NOTHING * residuals.target_squares
    scale = np.zeros(int(curved.sum()))
    damping, growth, steps = 1e-3, 2.0, 0
    while True:
        local = _TangentPlane.of(point, curved, scale)
        scale = local.scale
        offset = local.offset(residuals.count - int(moves.sum()), int(moves.sum()))
        if offset <= OFFSET or point.cost <= nothing or steps >= STEPS:
            break
        better = None
        while better is None and damping < _MOST_DAMPING:
            step, predicted = local.step(damping)
            theta = point.theta.copy()
            theta[curved] += step
            trial = _solve_linear_part(residuals, theta, linear)
            gain = -1.0 if trial is None else (point.cost - trial.cost) / max(predicted, 1e-300)
            if trial is not None and gain > 0:
                better = trial
                # Nielsen 1999, "Damping parameter in Marquardt's method", section 2
                damping, growth = max(damping * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1) ** 3), 1e-14), 2.0
            else:
                damping, growth = damping * growth, growth * 2.0
        if better is None:
            break
        point, steps = better, steps + 1
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


@dataclass(frozen=True, eq=False)
class _TangentPlane:
    """The tangent plane at a point, in the nonlinear parameters: ``left · values · rightᵀ`` of the scaled columns."""

    values: Array
    right: Array
    along: Array  # the residual in the basis of the plane
    scale: Array
    cost: float
    linear: float  # square of what reaches into the columns of the linear numbers

    @classmethod
    def of(cls, point: _Point, curved: NDArray[np.bool_], scale: Array) -> _TangentPlane:
        columns = point.jacobian[:, curved]
        inside = point.basis.T @ point.residual
        whole = np.linalg.norm(columns, axis=0)
        columns = columns - point.basis @ (point.basis.T @ columns)
        size = np.linalg.norm(columns, axis=0)
        # what a linear number says as well leaves nothing but rounding
        columns[:, size <= _RANK * whole] = 0.0
        size = np.maximum(np.where(size <= _RANK * whole, 0.0, size), scale)
        divisor = np.where(size > 0, size, 1.0)
        # of columns and residual together the triangle is enough: it has the same lengths and angles
        triangle = np.asarray(np.linalg.qr(np.column_stack([columns / divisor, point.residual]), mode="r"))
        count = columns.shape[1]
        left, values, right = np.linalg.svd(triangle[:, :count], full_matrices=False)
        along = left.T @ triangle[:, count]
        return cls(values, right, along, size, point.cost, float(inside @ inside))

    def offset(self, left: int, count: int) -> float:
        """Return the relative offset, with `left` residual degrees of freedom and `count` varied parameters."""
        kept = self.values > _RANK * self.values[0] if self.values.size and self.values[0] > 0 else slice(0)
        inside = float(np.square(self.along[kept]).sum()) + self.linear
        outside = max(self.cost - inside, 0.0)
        if inside == 0.0:
            return 0.0
        return float(np.sqrt((inside / count) / (outside / max(left, 1)))) if outside > 0 else np.inf

    def step(self, damping: float) -> tuple[Array, float]:
        """Return the damped step and the decrease of the cost predicted by the linear model."""
        divisor = np.where(self.scale > 0, self.scale, 1.0)
        shrunk = self.values / (np.square(self.values) + damping)
        with np.errstate(over="ignore", invalid="ignore"):
            step = (self.right.T @ (shrunk * self.along)) / divisor
        left = damping / (np.square(self.values) + damping)
        return step, float(np.square(self.along) @ (1.0 - np.square(left)))
