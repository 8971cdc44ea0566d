"""Symmetric matrices between which a matrix of second derivatives lies.

A ⪯ B says that B − A is positive semidefinite (Horn and Johnson 2013, *Matrix Analysis*, sec. 7.7). Bounds in
this order say more about convexity than an interval for every entry: the second derivatives of g(x + y) with g
convex are g″ · [[1, 1], [1, 1]], of which entrywise bounds forget that the four entries move together, while
0 ⪯ remains.

With weights p ≤ s ≤ q, matrices L ⪯ H ⪯ U and their parts L = L⁺ − L⁻, U = U⁺ − U⁻ into positive semidefinite matrices,

    p⁺ L⁺ − q⁺ L⁻ + p⁻ U⁺ − q⁻ U⁻  ⪯  s H  ⪯  q⁺ U⁺ − p⁺ U⁻ + q⁻ L⁺ − p⁻ L⁻,

where x⁺ = max(x, 0) and x⁻ = min(x, 0). For v = c + δ with |δ| ≤ r, and any 0 < t ≤ 1,

    (1 − t) c cᵀ − (1/t − 1) D  ⪯  v vᵀ  ⪯  (1 + t) c cᵀ + (1 + 1/t) D,   D = diag(r_i Σ_k r_k) ⪰ δ δᵀ,

by 2 |c·z| |δ·z| ≤ t (c·z)² + (δ·z)² / t and Gershgorin's circles. All matrices are pushed apart by a
multiple of the unit matrix that is larger than the rounding of their entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.kan.verify.intervals import EPS, Floats, Pair, square

__all__ = ["least_eigenvalue", "outer", "scaled", "scaled_squares", "symmetric_product", "widened"]


@dataclass(frozen=True)
class _Parts:
    """The positive and the negative part of symmetric matrices (..., m, m)."""

    positive: Floats
    negative: Floats


def _norm(matrix: Floats) -> Floats:
    return np.asarray(np.sqrt(np.square(matrix).sum(axis=(-2, -1))), dtype=np.float64)


def _parts(matrix: Floats) -> _Parts:
    if matrix.shape[-1] == 1:
        return _Parts(np.maximum(matrix, 0.0), np.maximum(-matrix, 0.0))
    values, vectors = np.linalg.eigh(matrix)
    positive = (vectors * np.maximum(values, 0.0)[..., None, :]) @ vectors.swapaxes(-1, -2)
    return _Parts(positive, positive - matrix)


def _margin(matrix: Floats, terms: int) -> float:
    return EPS * float(64 + 16 * matrix.shape[-1] + 4 * terms)


def widened(bounds: Pair, size: Floats, terms: int) -> Pair:
    """Return the bounds pushed apart by the rounding of sums of `terms` matrices of norms adding up to `size`."""
    unit = np.eye(bounds[0].shape[-1])
    slack = (_margin(bounds[0], terms) * size)[..., None, None] * unit
    return bounds[0] - slack, bounds[1] + slack


def scaled(weights: Pair, bounds: Pair) -> tuple[Pair, Floats]:
    """Return bounds of Σ_j weights[:, j, s] · H[:, j], and the sum of the sizes of the terms.

    Parameters
    ----------
    weights
        Shape (boxes, j, s).
    bounds
        Of H, shape (boxes, j, m, m).
    """
    low, high = weights
    lower, upper = _parts(bounds[0]), _parts(bounds[1])
    p_up, p_down = np.maximum(low, 0.0), np.minimum(low, 0.0)
    q_up, q_down = np.maximum(high, 0.0), np.minimum(high, 0.0)

    def mix(*terms: tuple[Floats, Floats]) -> Floats:
        weight = np.concatenate([weight for weight, _ in terms], axis=1)
        matrix = np.concatenate([matrix for _, matrix in terms], axis=1)
        flat = matrix.reshape(*matrix.shape[:2], -1)
        mixed: Floats = weight.swapaxes(1, 2) @ flat
        return mixed.reshape(*weight.shape[::2], *matrix.shape[2:])

    below = mix(
        (p_up, lower.positive), (-q_up, lower.negative), (p_down, upper.positive), (-q_down, upper.negative)
    )
    above = mix(
        (q_up, upper.positive), (-p_up, upper.negative), (q_down, lower.positive), (-p_down, lower.negative)
    )
    size = np.maximum(np.abs(low), np.abs(high)) * (_norm(bounds[0]) + _norm(bounds[1]))[:, :, None]
    return (below, above), size.sum(axis=1)


def scaled_squares(weights: Pair, squares: Pair) -> tuple[Pair, Floats]:
    """Return bounds of Σ_j weights[:, j, s] · S[:, j] for S that are positive semidefinite, and their size."""
    low, high = weights

    def mix(up: Floats, upper: Floats, down: Floats, lower: Floats) -> Floats:
        flat = np.concatenate([upper, lower], axis=1).reshape(len(low), 2 * low.shape[1], -1)
        weight = np.concatenate([up, down], axis=1)
        mixed: Floats = weight.swapaxes(1, 2) @ flat
        return mixed.reshape(len(low), low.shape[2], *upper.shape[2:])

    below = mix(np.maximum(low, 0.0), squares[0], np.minimum(low, 0.0), squares[1])
    above = mix(np.maximum(high, 0.0), squares[1], np.minimum(high, 0.0), squares[0])
    size = (np.maximum(np.abs(low), np.abs(high)) * _norm(squares[1])[:, :, None]).sum(axis=1)
    return (below, above), size


def outer(vectors: Pair, keep: bool) -> Pair:
    """Return bounds of v vᵀ for v in intervals of shape (..., m).

    Without `keep` the lower bound is zero, which is best where v vᵀ must not be spoilt by other directions.
    """
    low, high = vectors
    if low.shape[-1] == 1:
        least, most = square(vectors)
        return least[..., None], most[..., None]
    centre = 0.5 * low + 0.5 * high
    radius = np.maximum(high - centre, centre - low) * (1.0 + 2.0 * EPS)
    spread = radius * radius.sum(axis=-1, keepdims=True)
    length = (centre * centre).sum(axis=-1)
    widest = spread.max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(widest > 0.0, np.minimum(1.0, np.sqrt(widest / length)), 1.0)
    along = centre[..., :, None] * centre[..., None, :]
    round_about = spread[..., None] * np.eye(low.shape[-1])
    inverse = (1.0 / t)[..., None, None]
    share = np.where(widest > 0.0, t, 0.0)[..., None, None]
    most = (1.0 + share) * along + (1.0 + inverse) * round_about
    least = (1.0 - share) * along - (inverse - 1.0) * round_about
    return (least if keep else np.zeros_like(least)), most


def symmetric_product(left: Pair, right: Pair, keep: bool) -> tuple[Pair, Floats]:
    """Return bounds of u vᵀ + v uᵀ = ½ (u + v)(u + v)ᵀ − ½ (u − v)(u − v)ᵀ, after u and v are made alike long."""
    sizes = [np.abs(pair[0] + pair[1]).sum(axis=-1) for pair in (left, right)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(sizes[1] / sizes[0])
    stretch = np.where(np.isfinite(ratio) & (ratio > 0.0), ratio, 1.0)[..., None]
    u = left[0] * stretch, left[1] * stretch
    v = right[0] / stretch, right[1] / stretch
    slack = [2.0 * EPS * (np.maximum(np.abs(pair[0]), np.abs(pair[1]))) for pair in (u, v)]
    slack_sum = 2.0 * (slack[0] + slack[1])
    added = outer((u[0] + v[0] - slack_sum, u[1] + v[1] + slack_sum), keep)
    taken = outer((u[0] - v[1] - slack_sum, u[1] - v[0] + slack_sum), keep)
    size = _norm(added[1]) + _norm(taken[1])
    return (0.5 * added[0] - 0.5 * taken[1], 0.5 * added[1] - 0.5 * taken[0]), size


def least_eigenvalue(matrix: Floats) -> Floats:
    """Return a lower bound of the least eigenvalue of symmetric matrices (..., m, m)."""
    if matrix.shape[-1] == 1:
        return matrix[..., 0, 0]
    return np.asarray(np.linalg.eigvalsh(matrix)[..., 0] - _margin(matrix, 1) * _norm(matrix))
