"""Refitting all parameters of a network of closed forms and curves together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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


def refit(model: Mixed, rows: Rows, iterations: int = ITERATIONS, tolerance: float = TOLERANCE) -> Refit:
    """Refit every parameter jointly by Levenberg-Marquardt (Moré 1978) on weighted, penalised residuals.

    Curves with a sign are projected back onto monotone coefficients after every step. An iteration that lowers the
    loss by less than `tolerance` of it is the last.
    """
    penalty = model.penalty(rows.total)
    root = np.sqrt(rows.precision)
    bases = Bases(rows.inputs)

    def loss(candidate: Mixed) -> tuple[float, float]:
        with np.errstate(all="ignore"):
            residual = root * (rows.target - candidate.predict(rows.inputs, bases))
            squares = float(residual @ residual)
        theta = candidate.parameters
        return (
            (squares, squares + float(theta @ penalty @ theta)) if np.isfinite(squares) else (np.inf, np.inf)
        )

    squares, best = loss(model)
    damping = 1e-3
    hessian = np.eye(len(model.parameters))
    for round_ in range(iterations):
        with np.errstate(all="ignore"):
            output, weighted = model.jacobian(rows.inputs, bases)
            weighted *= root[:, None]
            curvature = weighted.T @ weighted
            gradient = weighted.T @ (root * (rows.target - output)) - penalty @ model.parameters
        if not (np.isfinite(curvature).all() and np.isfinite(gradient).all()):
            # without a derivative there is no refit; from here the last one has to do
            squares = squares if round_ else np.inf
            break
        hessian, improved = curvature, False
        while damping < 1e8:
            step = _solve(hessian + penalty, gradient, damping)
            candidate = _projected(model.with_parameters(model.parameters + step))
            new_squares, new = loss(candidate)
            if new < best:
                gain = (best - new) / max(best, 1e-300)
                model, squares, best, improved = candidate, new_squares, new, True
                damping = max(damping / 5, 1e-12)
                break
            damping *= 4
        if not improved or gain < tolerance:
            break
        damping = min(damping, 1e2)
    if not np.isfinite(squares):
        return Refit(model, np.inf, float(len(hessian)), np.full_like(hessian, np.nan))
    inverse = _inverse(hessian + penalty)
    freedom = float(np.trace(inverse @ hessian))
    variance = squares / max(rows.total - freedom, 1.0)
    return Refit(model, squares, freedom, variance * inverse @ hessian @ inverse)


def _inverse(matrix: Array) -> Array:
    """Return the inverse over the parameters that have an effect; zero elsewhere."""
    used = np.flatnonzero(np.diag(matrix) > 0.0)
    block = matrix[np.ix_(used, used)]
    inverse = np.zeros_like(matrix)
    inverse[np.ix_(used, used)] = np.linalg.pinv(block + np.diag(RIDGE * np.diag(block)), hermitian=True)
    return inverse


def _solve(matrix: Array, gradient: Array, damping: float) -> Array:
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix / scale[:, None] / scale[None, :]
    scaled[np.diag_indices_from(scaled)] += damping + RIDGE
    return np.asarray(np.linalg.solve(scaled, gradient / scale) / scale)


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
