"""Refitting all parameters of a network of closed forms and curves together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.least_squares import levenberg_marquardt
from kanopt.surrogates.distill.mixed import Bases, Edge, Mixed, Rows

__all__ = ["Refit", "refit"]

Array = NDArray[np.float64]

ITERATIONS = 30
RIDGE = 1e-10
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Refit:
    """A refitted network: weighted squared residuals, effective number of parameters, covariance of parameters.

    The squares are infinite, and there is no covariance, where the network has no value or no derivative to start with.
    """

    model: Mixed
    squares: float
    parameters: float
    covariance: Array


@dataclass(eq=False)
class _OfNetwork:
    """Weighted, penalised residuals; see :class:`kanopt.formulas.estimation.least_squares.LeastSquares`."""

    model: Mixed
    rows: Rows
    penalty: Array

    def __post_init__(self) -> None:
        self.root = np.sqrt(self.rows.precision)
        self.bases = Bases(self.rows.inputs)
        self.shaped = any(
            edge.form.name == "curve" and (edge.sign or edge.convexity) for edge in self.model.edges
        )

    def cost(self, theta: Array) -> float:
        """Return squared residuals and penalty; infinite where they are not finite."""
        self.model = self.model.with_parameters(theta)
        self.signals = self.model.signals(self.rows.inputs, self.bases)
        self.residual = self.root * (self.rows.target - self.signals.nodes[-1][:, 0])
        cost = float(self.residual @ self.residual) + float(theta @ self.penalty @ theta)
        return cost if np.isfinite(cost) else np.inf

    def normal_equations(self, theta: Array) -> tuple[Array, Array]:
        self.rows.work.done += len(self.root) * len(theta) ** 2
        weighted = self.model.jacobian(self.signals, self.bases)
        weighted *= self.root
        return weighted @ weighted.T + self.penalty, weighted @ self.residual - self.penalty @ theta

    def projected(self, theta: Array) -> Array:
        """Put every curve that has lost its shape back into it."""
        return _projected(self.model.with_parameters(theta)).parameters if self.shaped else theta


def refit(model: Mixed, rows: Rows, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Refit:
    """Refit every parameter jointly, from the values they have, see :mod:`kanopt.formulas.estimation.least_squares`.

    Curves with a sign are projected back onto monotone coefficients after every step. An iteration that lowers the
    loss by less than `tolerance` of it is the last.
    """
    penalty = model.penalty(rows.total)
    best = levenberg_marquardt(_OfNetwork(model, rows, penalty), model.parameters, iterations, tolerance)
    if not np.isfinite(best.cost):
        return Refit(model, np.inf, float(len(penalty)), np.full_like(penalty, np.nan))
    model = model.with_parameters(best.theta)
    squares = max(best.cost - float(best.theta @ penalty @ best.theta), 0.0)
    hessian = best.curvature - penalty
    inverse = _inverse(best.curvature)
    freedom = float(np.trace(inverse @ hessian))
    variance = squares / max(rows.total - freedom, 1.0)
    return Refit(model, squares, freedom, variance * inverse @ hessian @ inverse)


def _inverse(matrix: Array) -> Array:
    """Return the inverse over the parameters that have an effect; zero elsewhere."""
    used = np.flatnonzero(np.diag(matrix) > 0.0)
    # scaled first: beside a curvature of 1e30 one of 1 would count as none
    size = np.sqrt(np.diag(matrix)[used])
    block = matrix[np.ix_(used, used)] / np.outer(size, size)
    inverse = np.zeros_like(matrix)
    inverse[np.ix_(used, used)] = np.linalg.pinv(
        block + RIDGE * np.eye(len(used)), hermitian=True
    ) / np.outer(size, size)
    return inverse


def _projected(model: Mixed) -> Mixed:
    """Return the network with every curve that has lost its shape put back into it."""
    edges = [
        _shaped(edge) if edge.form.name == "curve" and (edge.sign or edge.convexity) else edge
        for edge in model.edges
    ]
    return replace(model, edges=tuple(edges))


def _shaped(edge: Edge) -> Edge:
    """Clip the second differences of the coefficients, then the first; the mean slope and the mean stay."""
    slopes = np.diff(edge.theta)
    if edge.convexity:
        steps = edge.convexity * np.maximum(edge.convexity * np.diff(slopes), 0.0)
        bent = np.concatenate([[0.0], np.cumsum(steps)])
        slopes = bent + slopes.mean() - bent.mean()
    if edge.sign:
        slopes = edge.sign * np.maximum(edge.sign * slopes, 0.0)
    theta = np.concatenate([[0.0], np.cumsum(slopes)])
    return replace(edge, theta=theta + edge.theta.mean() - theta.mean())
