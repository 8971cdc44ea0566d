"""Symmetric matrices between which a matrix of second derivatives lies.

A ⪯ B says that B − A is positive semidefinite (Horn and Johnson 2013, *Matrix Analysis*, sec. 7.7). Bounds in
this order say more about convexity than an interval for every entry: the second derivatives of g(x + y) with g
convex are g″ · [[1, 1], [1, 1]], of which entrywise bounds forget that the four entries move together, while
0 ⪯ remains.

With weights p ≤ s ≤ q, matrices L ⪯ H ⪯ U and their parts L = L⁺ − L⁻, U = U⁺ − U⁻ into positive semidefinite matrices,

    p⁺ L⁺ − q⁺ L⁻ + p⁻ U⁺ − q⁻ U⁻  ⪯  s H  ⪯  q⁺ U⁺ − p⁺ U⁻ + q⁻ L⁺ − p⁻ L⁻,

where x⁺ = max(x, 0) and x⁻ = min(x, 0). For v = c + δ with |δ| ≤ r, and any 0 < t ≤ 1,

    (1 − t) c cᵀ − (1/t − 1) D  ⪯  v vᵀ  ⪯  (1 + t) c cᵀ + (1 + 1/t) D,   D = diag(r_i Σ_k r_k) ⪰ δ δᵀ,

by 2 |c·z| |δ·z| ≤ t (c·z)² + (δ·z)² / t and Gershgorin's circles. Every bound is pushed outwards by a multiple of the
unit matrix that is larger than the rounding of its entries; what is exactly zero stays so. NaN stands for no bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.enclosures.arithmetic import EPS, Flags, Pair

_ROUNDING = 128.0 * EPS  # for every row of a matrix


def added(terms: Sequence[Pair]) -> Pair:
    """Return bounds of the sum of matrices."""
    if len(terms) == 1:
        return terms[0]
    below, above = (sum(term[end] for term in terms) for end in (0, 1))
    sizes = [sum(_norm(term[end]) for term in terms) for end in (0, 1)]
    return _pushed(np.asarray(below), np.asarray(sizes[0]), -1), _pushed(
        np.asarray(above), np.asarray(sizes[1]), 1
    )


def weighted(weight: Pair, bounds: Pair) -> Pair:
    """Return bounds of s · H for weights s, shape (n,), and H in `bounds`, shape (n, m, m)."""
    low, high = (end[..., None, None] for end in weight)
    lower, upper = _parts(bounds[0]), _parts(bounds[1])
    p_up, p_down, q_up, q_down = _sides(low, high)
    below = _of(p_up, lower[0]) - _of(q_up, lower[1]) + _of(p_down, upper[0]) - _of(q_down, upper[1])
    above = _of(q_up, upper[0]) - _of(p_up, upper[1]) + _of(q_down, lower[0]) - _of(p_down, lower[1])
    up, down = (p_up + q_up)[..., 0, 0], -(p_down + q_down)[..., 0, 0]
    low_size, high_size = (_norm(end) for end in bounds)
    return (
        _pushed(below, _of(up, low_size) + _of(down, high_size), -1),
        _pushed(above, _of(up, high_size) + _of(down, low_size), 1),
    )


def weighted_squares(weight: Pair, squares: Pair) -> Pair:
    """Return bounds of s · S for weights s, shape (n,), that may be endless, and positive semidefinite S."""
    low, high = (end[..., None, None] for end in weight)
    p_up, p_down, q_up, q_down = _sides(low, high)
    below = _of(p_up, squares[0]) + _of(p_down, squares[1])
    above = _of(q_up, squares[1]) + _of(q_down, squares[0])
    sizes = [_norm(end) for end in squares]
    return (
        _pushed(below, p_up[..., 0, 0] * sizes[0] - p_down[..., 0, 0] * sizes[1], -1),
        _pushed(above, q_up[..., 0, 0] * sizes[1] - q_down[..., 0, 0] * sizes[0], 1),
    )


def common_lower_bound(left: Floats, right: Floats) -> Floats:
    """Return matrices below two others: minus the negative parts of both."""
    parts = _parts(left)[1], _parts(right)[1]
    return _pushed(-(parts[0] + parts[1]), _norm(left) + _norm(right), -1)


def outer(vectors: Pair, keep: bool) -> Pair:
    """Return bounds of v vᵀ for v in intervals of shape (n, m).

    Without `keep` the lower bound is zero, which is best where v vᵀ must not be spoilt by other directions.
    """
    low, high = vectors
    centre = 0.5 * low + 0.5 * high
    radius = np.maximum(high - centre, centre - low) * (1.0 + 2.0 * EPS)
    spread = radius * radius.sum(axis=-1, keepdims=True)
    length = (centre * centre).sum(axis=-1)
    widest = spread.max(axis=-1)
    t = np.where(widest > 0.0, np.minimum(1.0, np.sqrt(widest / length)), 1.0)
    along = centre[..., :, None] * centre[..., None, :]
    round_about = spread[..., None] * np.eye(low.shape[-1])
    inverse = (1.0 / t)[..., None, None]
    share = np.where(widest > 0.0, t, 0.0)[..., None, None]
    most = (1.0 + share) * along + (1.0 + inverse) * round_about
    most = _pushed(most, _norm(most), 1)
    if not keep:
        return np.zeros_like(most), most
    least = (1.0 - share) * along - (inverse - 1.0) * round_about
    return _pushed(least, _norm(most), -1), most


def symmetric_product(left: Pair, right: Pair, keep: bool) -> Pair:
    """Return bounds of u vᵀ + v uᵀ = ½ (u + v)(u + v)ᵀ − ½ (u − v)(u − v)ᵀ, after u and v are made alike long."""
    sizes = [np.abs(pair[0] + pair[1]).sum(axis=-1) for pair in (left, right)]
    ratio = np.sqrt(sizes[1] / sizes[0])
    stretch = np.where(np.isfinite(ratio) & (ratio > 0.0), ratio, 1.0)[..., None]
    u = left[0] * stretch, left[1] * stretch
    v = right[0] / stretch, right[1] / stretch
    slack = [2.0 * EPS * (np.maximum(np.abs(pair[0]), np.abs(pair[1]))) for pair in (u, v)]
    slack_sum = 2.0 * (slack[0] + slack[1])
    plus = outer((u[0] + v[0] - slack_sum, u[1] + v[1] + slack_sum), keep)
    minus = outer((u[0] - v[1] - slack_sum, u[1] - v[0] + slack_sum), keep)
    return added([(0.5 * plus[0], 0.5 * plus[1]), (-0.5 * minus[1], -0.5 * minus[0])])


def least_eigenvalue(matrix: Floats) -> Floats:
    """Return a lower bound of the least eigenvalue of symmetric matrices (n, m, m); −∞ where there is no bound."""
    known = _known(matrix)
    least = np.linalg.eigvalsh(_or_zero(matrix, known))[..., 0] - _rounding(matrix) * _norm(matrix)
    return np.where(known, least, -np.inf)


def least_eigenvalue_above(matrix: Floats) -> Floats:
    """Return an upper bound of the least eigenvalue: its value is a minimum over directions, so one will do."""
    known = _known(matrix)
    finite = _or_zero(matrix, known)
    way = np.linalg.eigh(finite)[1][..., 0]
    along = np.einsum("...i,...ij,...j->...", way, finite, way)
    return np.where(known, along + _rounding(finite) * _norm(finite), np.inf)


def _sides(low: Floats, high: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the positive and the negative part of the low, then of the high end."""
    return np.maximum(low, 0.0), np.minimum(low, 0.0), np.maximum(high, 0.0), np.minimum(high, 0.0)


def _of(weight: Floats, matrix: Floats) -> Floats:
    """Return weight · matrix, where a weight of zero leaves nothing, also of what has no bound."""
    return np.where(weight == 0.0, 0.0, weight * matrix)


def _norm(matrix: Floats) -> Floats:
    return np.asarray(np.sqrt(np.square(matrix).sum(axis=(-2, -1))), dtype=np.float64)


def _known(matrix: Floats) -> Flags:
    return np.asarray(np.isfinite(matrix).all(axis=(-2, -1)), dtype=np.bool_)


def _or_zero(matrix: Floats, known: Flags) -> NDArray[np.float64]:
    return np.asarray(np.where(known[..., None, None], matrix, 0.0), dtype=np.float64)


def _rounding(matrix: Floats) -> float:
    return _ROUNDING * float(matrix.shape[-1])


def _pushed(matrix: Floats, size: Floats, sign: int) -> Floats:
    """Return bounds pushed outwards by the rounding of terms of some size."""
    return matrix + (sign * _rounding(matrix) * size)[..., None, None] * np.eye(matrix.shape[-1])


def _parts(matrix: Floats) -> tuple[Floats, Floats]:
    """Return the positive and the negative part of symmetric matrices."""
    known = _known(matrix)
    if not matrix.any():
        return matrix, matrix
    values, vectors = np.linalg.eigh(_or_zero(matrix, known))
    positive = (vectors * np.maximum(values, 0.0)[..., None, :]) @ vectors.swapaxes(-1, -2)
    positive = np.where(known[..., None, None], positive, np.nan)
    return positive, positive - matrix
