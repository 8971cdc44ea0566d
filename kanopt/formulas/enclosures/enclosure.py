"""What is asked about a step of a formula over boxes, and what is known of it.

How far floating point may be off is worked out beside the bounds: each step hands on what its parts are off by, times
its slope over their ranges, and adds a few units in the last place of its own (Higham 2002, *Accuracy and Stability
of Numerical Algorithms*, sec. 3.3). Where products, powers and sums of one sign keep a relative error small, that is
handed on as well: the slope of a root at zero is unbounded, but half the relative error of its argument is all that
it makes. At a stair nothing is counted: where rounding alone decides on which stair an argument stands, the law
itself is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.enclosures.arithmetic import EPS, TRUE, Flags, Pair, largest
from kanopt.formulas.pieces import Curve

# Symmetric matrices between which a matrix of second derivatives lies.
#
# A ⪯ B says that B − A is positive semidefinite (Horn and Johnson 2013, *Matrix Analysis*, sec. 7.7).
# Bounds in this order say more about convexity than an interval for every entry: the second derivatives of
# g(x + y) with g convex are g″ · [[1, 1], [1, 1]], of which entrywise bounds forget that the four entries
# move together, while 0 ⪯ remains.
#
# With weights p ≤ s ≤ q, matrices L ⪯ H ⪯ U and their parts L = L⁺ − L⁻, U = U⁺ − U⁻ into positive
# semidefinite matrices,
#
# p⁺ L⁺ − q⁺ L⁻ + p⁻ U⁺ − q⁻ U⁻ ⪯ s H ⪯ q⁺ U⁺ − p⁺ U⁻ + q⁻ L⁺ − p⁻ L⁻,
#
# where x⁺ = max(x, 0) and x⁻ = min(x, 0). For v = c + δ with |δ| ≤ r, and any 0 < t ≤ 1,
#
# (1 − t) c cᵀ − (1/t − 1) D ⪯ v vᵀ ⪯ (1 + t) c cᵀ + (1 + 1/t) D, D = diag(r_i Σ_k r_k) ⪰ δ δᵀ,
#
# by 2 |c·z| |δ·z| ≤ t (c·z)² + (δ·z)² / t and Gershgorin's circles. Every bound is pushed outwards by a
# multiple of the unit matrix that is larger than the rounding of its entries; what is exactly zero stays
# so. NaN stands for no bound.

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
    known = _finite(matrix)
    least = np.linalg.eigvalsh(_or_zero(matrix, known))[..., 0] - _rounding(matrix) * _norm(matrix)
    return np.where(known, least, -np.inf)


def least_eigenvalue_above(matrix: Floats) -> Floats:
    """Return an upper bound of the least eigenvalue: its value is a minimum over directions, so one will do."""
    known = _finite(matrix)
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


def _finite(matrix: Floats) -> Flags:
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
    known = _finite(matrix)
    if not matrix.any():
        return matrix, matrix
    values, vectors = np.linalg.eigh(_or_zero(matrix, known))
    positive = (vectors * np.maximum(values, 0.0)[..., None, :]) @ vectors.swapaxes(-1, -2)
    positive = np.where(known[..., None, None], positive, np.nan)
    return positive, positive - matrix


@dataclass(frozen=True)
class Orders:
    """What is asked for.

    Parameters
    ----------
    order
        0 for values alone, 1 with first derivatives, 2 with second derivatives.
    along
        Positions of the numbers of the first derivatives, including `x`. A category, whose position follows those of
        the numbers, has the largest difference between two of its labels for one.
    x
        Position of the number of which second derivatives in it and each of `along` are wanted, and which moves in a
        jump; −1 for none.
    inputs
        Positions of the numbers in which to bound the matrix of second derivatives; they are among `along`.
    keep
        How the rank-one terms of that matrix are bounded (:func:`kanopt.formulas.enclosures.enclosure.outer`).
    sides
        Whether derivatives at a kink include both sides. If not, one side is used, so that at points only rounding
        widens the bounds.
    closed
        Whether to include faces of the whole box on which a number is zero, where a logarithm has no finite value.
    errors
        Whether to bound also how far floating point may be off.
    """

    order: int = 0
    along: tuple[int, ...] = ()
    x: int = -1
    inputs: tuple[int, ...] = ()
    keep: bool = True
    sides: bool = True
    closed: bool = False
    errors: bool = False

    @property
    def second(self) -> bool:
        """Whether second derivatives in `x` are wanted."""
        return self.order == 2 and self.x >= 0


class Error(NamedTuple):
    """How far floating point may be off, and how far in proportion to the value; arrays that broadcast."""

    off: Floats
    share: Floats


EXACT = Error(np.zeros(()), np.zeros(()))


class Enclosure(NamedTuple):
    """Bounds at a step of the graph, arrays that broadcast to (boxes,); missing derivatives are zero.

    Parameters
    ----------
    value
        Bounds of the step's value.
    slope
        First derivatives by position of the number.
    curvature
        Second derivatives in `x` and another number, by position of the latter.
    defined
        Whether it has a finite value everywhere in the box, except on a face of the whole where a number is zero. There
        it is the limit from within, or has no finite value.
    positive
        Whether it is above zero everywhere in the box, except on such a face.
    matrix
        Second derivatives in the numbers asked for together, shape (boxes, m, m), in the order of positive semidefinite
        matrices; None for zero.
    error
        How far floating point may be off, if that is asked for.
    """

    value: Pair
    slope: Mapping[int, Pair]
    curvature: Mapping[int, Pair]
    defined: Flags
    positive: Flags
    matrix: Pair | None = None
    error: Error = EXACT

    @classmethod
    def of(cls, value: Pair, error: Error = EXACT) -> Enclosure:
        """Return that of something that depends on no number."""
        return cls(value, {}, {}, TRUE, np.asarray(value[0] > 0.0), None, error)

    @property
    def moved(self) -> Pair:
        """The range of what floating point makes of it."""
        return self.value[0] - self.error.off, self.value[1] + self.error.off

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value; infinite where it may have no finite one."""
        low, high = float(self.value[0].min()), float(self.value[1].max())
        return (-np.inf if np.isnan(low) else low), (np.inf if np.isnan(high) else high)

    @property
    def number(self) -> float | None:
        """The number that it is everywhere; None where there are several."""
        low, high = self.ends
        return low if low == high and not self.slope else None


_KEEPS = {"sqrt": 0.5, "square": 2.0, "abs": 1.0, "relu": 1.0, "tanh": 1.0, "atan": 1.0}
"""What such a function makes of a relative error."""
_OWN = 8.0 * EPS  # what one elementary function is off by, of its value
_TINY = 1e-3
_MORE = 1.01  # (1 + r)^p is 1 + p r but for squares of what is tiny
_ENDLESS = np.array(np.inf)


def settled(value: Pair, off: Floats, share: Floats = _ENDLESS) -> Error:
    """Return the error of a step with some bounds, the smaller of the two ways to know it."""
    return Error(np.fmin(off, share * largest(value)), share)


def error_of_number(value: Floats) -> Error:
    """Return the error of a constant, which counts as computed."""
    return Error(0.5 * _OWN * np.abs(value), np.asarray(0.5 * _OWN))


def error_of_sum(value: Pair, parts: Sequence[Enclosure]) -> Error:
    """Return the error of a sum."""
    size = reduce(np.add, [largest(part.value) + part.error.off for part in parts])
    off = reduce(np.add, [part.error.off for part in parts]) + (len(parts) - 1) * EPS * size
    return settled(value, off, _of_one_sign(parts) + len(parts) * EPS)


def error_of_larger(value: Pair, parts: Sequence[Enclosure]) -> Error:
    """Return the error of the largest or the smallest."""
    return settled(value, reduce(np.maximum, [part.error.off for part in parts]), _of_one_sign(parts))


def _of_one_sign(parts: Sequence[Enclosure]) -> Floats:
    """Return the largest relative error of parts where all have one sign, so that nothing cancels."""
    above = reduce(np.logical_and, [part.value[0] >= 0.0 for part in parts])
    below = reduce(np.logical_and, [part.value[1] <= 0.0 for part in parts])
    return np.where(above | below, reduce(np.maximum, [part.error.share for part in parts]), np.inf)


def error_of_product(parts: Sequence[Enclosure]) -> Error:
    """Return the error of a product, multiplied one after the other."""
    most, error = largest(parts[0].value), parts[0].error
    for part in parts[1:]:
        size, other = most + error.off, largest(part.value) + part.error.off
        off = _known(size * part.error.off) + _known(other * error.off) + EPS * _known(size * other)
        share = error.share + part.error.share + error.share * part.error.share + EPS
        most = _known(most * largest(part.value))
        error = Error(np.fmin(off, share * most), share)
    return error


def _known(value: Floats) -> Floats:
    """Return a product of a size and an error, where nothing times something unbounded is nothing."""
    return np.where(np.isnan(value), 0.0, value)


def error_of_power(u: Enclosure, value: Pair, slope: Pair, power: float) -> Error:
    """Return the error of a power, given bounds of its slope over what floating point makes of its base."""
    off = _carried(value, slope, u.error.off)
    if 0.0 < power < 1.0:
        # it changes by at most the power of the change
        off = np.minimum(off, np.power(u.error.off, power) + _OWN * largest(value))
    return settled(value, off, _kept(u.error.share, abs(power)))


def error_of_function(name: str, u: Enclosure, value: Pair, slope: Pair) -> Error:
    """Return the error of a function of the library."""
    if name == "sqrt":
        return error_of_power(u, value, slope, 0.5)
    off, share = _carried(value, slope, u.error.off), u.error.share
    if name == "exp":
        return settled(value, off, np.where(u.error.off < _TINY, _MORE * u.error.off + _OWN, np.inf))
    if name == "log":
        by_share = np.where(share < _TINY, _MORE * share + _OWN * largest(value), np.inf)
        return settled(value, np.fmin(off, by_share))
    return settled(value, off, _kept(share, _KEEPS[name]) if name in _KEEPS else _ENDLESS)


def error_of_curve(curve: Curve, u: Enclosure, value: Pair, slope: Pair) -> Error:
    """Return the error of a curve, whose argument is first placed between its knots."""
    place = 4.0 * EPS * (largest(u.value) + u.error.off + abs(curve.low) + abs(curve.high))
    size = 64.0 * EPS * float(np.abs(np.asarray(curve.coefficients)).max())
    return settled(value, _carried(value, slope, u.error.off + place) + size)


def _carried(value: Pair, slope: Pair, off: Floats) -> Floats:
    return np.where(off == 0.0, 0.0, largest(slope) * off) + _OWN * largest(value)


def _kept(share: Floats, factor: float) -> Floats:
    """Return the relative error of something that multiplies that of its argument by a factor."""
    return np.where(max(factor, 1.0) * share < _TINY, _MORE * factor * share + _OWN, np.inf)
