"""Claims as margins: what must not be negative anywhere in the box.

For :class:`Rises` the margin is the derivative, for :class:`Convex` the least eigenvalue of the second derivatives,
for :class:`Bounded` the distance to a bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.verify.boxes import NetworkBoxes
from kanopt.kan.verify.claims import Witness
from kanopt.kan.verify.intervals import EPS, Floats, Integers, Pair, meet, plus
from kanopt.kan.verify.matrices import least_eigenvalue
from kanopt.kan.verify.trace import NetworkBoundPropagator, SecondDerivatives, swing

__all__ = [
    "NetworkBoundMargin",
    "NetworkCurvatureMargin",
    "NetworkMargin",
    "NetworkMarginBounds",
    "NetworkSlopeMargin",
]

_Scalar = TypeVar("_Scalar", np.float64, np.int64)
_LARGEST_ROUND = 512
_LARGEST_PRODUCT = 2_000_000
_STEPS = 2.0 ** -np.arange(24.0)


@dataclass(frozen=True)
class NetworkMarginBounds:
    """What is known of the margin over boxes.

    Parameters
    ----------
    low
        Lower bounds, shape (boxes,).
    at_centre
        Upper bounds of the margin at the centres, shape (boxes,).
    derivative
        Bounds of the derivative of the margin with respect to the numbers, shape (boxes, numbers), if known.
    influence
        How much the sides matter: numbers, then categorical inputs; shape (boxes, numbers + tables).
    """

    low: Floats
    at_centre: Floats
    derivative: Pair | None
    influence: Floats


class NetworkMargin(Protocol):
    """What must not be negative."""

    @property
    def ends(self) -> Pair:
        """The ends of the ranges of the first layer's splines, each of shape (numbers,)."""

    @property
    def batch_size(self) -> int:
        """How many boxes to examine at a time."""

    def examine(self, boxes: NetworkBoxes) -> NetworkMarginBounds:
        """Return bounds over boxes."""

    def at(self, boxes: NetworkBoxes) -> Pair:
        """Return bounds of the margin at the centres of boxes, shape (boxes,)."""

    def confirm(self, centres: NetworkBoxes, root: NetworkBoxes) -> Witness | None:
        """Return points of the network itself, near the centres, at which the claim fails, if there are any."""


def _negated(pair: Pair) -> Pair:
    return -pair[1], -pair[0]


def _signed(pair: Pair, sign: int) -> Pair:
    return pair if sign > 0 else _negated(pair)


def _rows(array: NDArray[_Scalar], shape: tuple[int, ...]) -> NDArray[_Scalar]:
    """Return an array (..., columns), repeated to `shape` but for the columns, as rows."""
    columns = array.shape[-1]
    return np.broadcast_to(array, (*shape, columns)).reshape(math.prod(shape), columns)


class _NetworkMarginBase:
    """The network, and how much the inputs move the first layer's sub-nodes."""

    def __init__(self, tracer: NetworkBoundPropagator, root: NetworkBoxes) -> None:
        self.tracer = tracer
        arriving = tracer.arrivals(root)[0]
        width = (arriving[1] - arriving[0])[0]
        wide = width >= np.finfo(np.float64).tiny  # a smaller one has no reciprocal
        self._share = np.where(wide, 1.0 / np.where(wide, width, 1.0), 0.0)
        self._sides = np.where(root.width[0] > 0.0, root.width[0], 1.0)

    @property
    def ends(self) -> Pair:
        """The ends of the ranges of the first layer's splines; periodic ones have none."""
        first = self.tracer.layers[0]
        none = np.full(len(first.periodic), np.inf)
        return np.concatenate([first.lower, -none]), np.concatenate([first.upper, none])

    @property
    def batch_size(self) -> int:
        """How many boxes to examine at a time: many, but wide networks must fit in memory."""
        layers = self.tracer.layers
        widest = max(layer.subnodes * max(layer.inputs, 1) * self.tracer.numbers for layer in layers)
        return int(np.clip(_LARGEST_PRODUCT // max(widest, 1), 8, _LARGEST_ROUND))

    def _spread(self, boxes: NetworkBoxes) -> Floats:
        """Return how far each input moves the sub-nodes, in shares of how far all do in the whole box."""
        edges, tables = self.tracer.arriving(boxes)
        numbers = (edges.value[1] - edges.value[0]) @ self._share
        by_table = [(high - low) @ self._share for low, high in tables]
        return np.column_stack([numbers, *by_table])

    def _influence(self, boxes: NetworkBoxes, derivative: Pair) -> Floats:
        """Return |derivative| × side for the numbers, and the same in proportion for categorical inputs."""
        smear = np.maximum(np.abs(derivative[0]), np.abs(derivative[1])) * boxes.width
        if not self.tracer.codes:
            return smear
        spread = self._spread(boxes)
        numbers = smear.shape[1]
        most = spread[:, :numbers].max(axis=1, initial=0.0)
        rate = np.where(most > 0.0, smear.max(axis=1, initial=0.0) / np.where(most > 0.0, most, 1.0), 0.0)
        rate = np.where(rate > 0.0, rate, 1.0)
        return np.column_stack([smear, spread[:, numbers:] * rate[:, None]])

    def _values(self, numbers: Floats, codes: Integers) -> Floats:
        """Return what the network says at points (..., numbers), shape (...)."""
        said = self.tracer.network(_rows(numbers, numbers.shape[:-1]), _rows(codes, numbers.shape[:-1]))
        said = said if said.ndim == 1 else said[:, self.tracer.output]
        return said.reshape(numbers.shape[:-1])

    def _enclosed(self, low: Floats, high: Floats, places: Integers) -> Pair:
        """Return bounds of the output over small boxes (..., numbers) with categories at `places`, shape (...)."""
        shape = low.shape[:-1]
        rows = _rows(places, shape)
        boxes = NetworkBoxes(_rows(low, shape), _rows(high, shape), rows, rows)
        value = self.tracer.trace(boxes)[-1].value
        return value[0][:, 0].reshape(shape), value[1][:, 0].reshape(shape)

    def _codes(self, places: Integers) -> Integers:
        """Return the category codes at places in the lists of allowed ones, shape of `places`."""
        columns = [allowed[places[..., column]] for column, allowed in enumerate(self.tracer.codes)]
        return np.stack(columns, axis=-1) if columns else np.zeros((*places.shape[:-1], 0), dtype=np.int64)


class NetworkSlopeMargin(_NetworkMarginBase):
    """± ∂output/∂x_i."""

    def __init__(self, tracer: NetworkBoundPropagator, root: NetworkBoxes, number: int, sign: int) -> None:
        super().__init__(tracer, root)
        self.number, self.sign = number, sign
        everyone = tuple(range(tracer.numbers))
        self._second = SecondDerivatives(left=(number,) * len(everyone), right=everyone)

    def at(self, boxes: NetworkBoxes) -> Pair:
        """Return bounds of the slope at the centres."""
        return self._slope(self.tracer.trace(boxes.at(boxes.centre))[-1].gradient)

    def _slope(self, gradient: Pair) -> Pair:
        return _signed((gradient[0][:, 0, self.number], gradient[1][:, 0, self.number]), self.sign)

    def examine(self, boxes: NetworkBoxes) -> NetworkMarginBounds:
        """Return bounds over boxes, the better of the natural and the mean-value form."""
        centre = self.tracer.trace(boxes.at(boxes.centre))
        here = self.tracer.trace(boxes, self._second, [layer.value for layer in centre])[-1]
        derivative = _signed((here.second[0][:, 0], here.second[1][:, 0]), self.sign)
        middle = self._slope(centre[-1].gradient)
        low, _ = meet(self._slope(here.gradient), plus(middle, swing(derivative, boxes)))
        return NetworkMarginBounds(low, middle[1], derivative, self._influence(boxes, derivative))

    def confirm(self, centres: NetworkBoxes, root: NetworkBoxes) -> Witness | None:
        """Return two points between which the output moves the wrong way."""
        i = self.number
        reach = 0.5 * root.width[0, i] * _STEPS
        points = np.repeat(np.repeat(centres.centre[:, None, None], len(reach), axis=1), 2, axis=2)
        points[:, :, 0, i] = np.maximum(points[:, :, 0, i] - reach, root.low[0, i])
        points[:, :, 1, i] = np.minimum(points[:, :, 1, i] + reach, root.high[0, i])
        places = centres.first[:, None, None]
        low, high = _signed(self._enclosed(points, points, places), self.sign)
        said = self.sign * self._values(points, self._codes(places))
        wrong = (
            (points[..., 1, i] > points[..., 0, i])
            & (high[..., 1] < low[..., 0])
            & (said[..., 1] < said[..., 0])
        )
        if not wrong.any():
            return None
        drop = np.where(wrong, said[..., 0] - said[..., 1], -np.inf)
        row, step = np.unravel_index(int(drop.argmax()), drop.shape)
        codes = self._codes(centres.first[row])
        return Witness(points[row, step], codes, self._values(points[row, step], codes))


class NetworkCurvatureMargin(_NetworkMarginBase):
    """The least eigenvalue of ± the second derivatives in some inputs."""

    def __init__(
        self, tracer: NetworkBoundPropagator, root: NetworkBoxes, inputs: tuple[int, ...], sign: int
    ) -> None:
        super().__init__(tracer, root)
        self.inputs, self.sign = inputs, sign
        keeps = (True, False) if len(inputs) > 1 else (True,)
        self._seconds = [SecondDerivatives(inputs=inputs, keep=keep) for keep in keeps]

    def _matrix(self, matrix: Pair) -> Pair:
        return _signed((matrix[0][:, 0], matrix[1][:, 0]), self.sign)

    def at(self, boxes: NetworkBoxes) -> Pair:
        """Return bounds of the least eigenvalue at the centres."""
        low, high = self._matrix(self.tracer.trace(boxes.at(boxes.centre), self._seconds[0])[-1].matrix)
        return least_eigenvalue(low), _least_eigenvalue_upper_bound(high)

    def examine(self, boxes: NetworkBoxes) -> NetworkMarginBounds:
        """Return bounds over boxes by the order of positive semidefinite matrices."""
        centre = self.tracer.trace(boxes.at(boxes.centre), self._seconds[0])
        anchor = [layer.value for layer in centre]
        low = np.maximum.reduce(
            [
                least_eigenvalue(self._matrix(self.tracer.trace(boxes, second, anchor)[-1].matrix)[0])
                for second in self._seconds
            ]
        )
        influence = self._spread(boxes)
        inputs = list(self.inputs)
        influence[:, inputs] += (boxes.width / self._sides)[:, inputs]
        return NetworkMarginBounds(
            low, _least_eigenvalue_upper_bound(self._matrix(centre[-1].matrix)[1]), None, influence
        )

    def confirm(self, centres: NetworkBoxes, root: NetworkBoxes) -> Witness | None:
        """Return three points on a line, of which the middle lies above the chord."""
        matrix = self._matrix(self.tracer.trace(centres.at(centres.centre), self._seconds[0])[-1].matrix)[1]
        inputs = list(self.inputs)
        way = np.zeros_like(centres.low)
        way[:, inputs] = np.linalg.eigh(matrix)[1][..., 0]
        with np.errstate(divide="ignore"):
            fits = np.where(way != 0.0, root.width / np.abs(way), np.inf).min(axis=1)
        reach = (0.5 * fits[:, None] * _STEPS)[..., None] * way[:, None]
        middle = centres.centre[:, None]
        # a chord that would leave the box moves inwards
        ends = np.stack([middle - reach, middle + reach], axis=2)
        shift = np.maximum(root.low[0] - ends.min(axis=2), 0.0) - np.maximum(
            ends.max(axis=2) - root.high[0], 0.0
        )
        ends = np.clip(ends + shift[:, :, None], root.low[0], root.high[0])
        points = np.concatenate([ends, 0.5 * ends.sum(axis=2, keepdims=True)], axis=2)
        places = centres.first[:, None, None]
        # the middle is a rounded one: bound the output all around it
        rounded = (np.arange(3)[:, None] == 2) & np.isin(np.arange(points.shape[-1]), inputs)
        below, above = (np.where(rounded, np.nextafter(points, end), points) for end in (-np.inf, np.inf))
        low, high = _signed(self._enclosed(below, above, places), self.sign)
        said = self.sign * self._values(points, self._codes(places))
        chord = 0.5 * high[..., 0] + 0.5 * high[..., 1]
        wrong = low[..., 2] > chord + 4.0 * EPS * (np.abs(high[..., 0]) + np.abs(high[..., 1]))
        excess = said[..., 2] - 0.5 * (said[..., 0] + said[..., 1])
        wrong &= excess > 0.0
        if not wrong.any():
            return None
        row, step = np.unravel_index(int(np.where(wrong, excess, -np.inf).argmax()), excess.shape)
        codes = self._codes(centres.first[row])
        return Witness(points[row, step], codes, self._values(points[row, step], codes))


def _least_eigenvalue_upper_bound(matrix: Floats) -> Floats:
    """Return an upper bound of the least eigenvalue: its value is a minimum over directions, so one will do."""
    way = np.linalg.eigh(matrix)[1][..., 0]
    along = np.einsum("...i,...ij,...j->...", way, matrix, way)
    size = np.abs(matrix).sum(axis=(-2, -1))
    return np.asarray(along + 1e-14 * size)


class NetworkBoundMargin(_NetworkMarginBase):
    """± (output − bound)."""

    def __init__(self, tracer: NetworkBoundPropagator, root: NetworkBoxes, bound: float, sign: int) -> None:
        super().__init__(tracer, root)
        self.bound, self.sign = bound, sign

    def _distance(self, value: Pair) -> Pair:
        bound = np.full(len(value[0]), -self.bound)
        return _signed(plus((value[0][:, 0], value[1][:, 0]), (bound, bound)), self.sign)

    def at(self, boxes: NetworkBoxes) -> Pair:
        """Return bounds of the distance at the centres."""
        return self._distance(self.tracer.trace(boxes.at(boxes.centre))[-1].value)

    def examine(self, boxes: NetworkBoxes) -> NetworkMarginBounds:
        """Return bounds over boxes, the better of the natural and the mean-value form."""
        centre = self.tracer.trace(boxes.at(boxes.centre))
        here = self.tracer.trace(boxes, None, [layer.value for layer in centre])[-1]
        derivative = _signed((here.gradient[0][:, 0], here.gradient[1][:, 0]), self.sign)
        middle = self._distance(centre[-1].value)
        low, _ = meet(self._distance(here.value), plus(middle, swing(derivative, boxes)))
        return NetworkMarginBounds(low, middle[1], derivative, self._influence(boxes, derivative))

    def confirm(self, centres: NetworkBoxes, root: NetworkBoxes) -> Witness | None:
        """Return the point at which the output is farthest beyond the bound."""
        points = centres.centre
        _, high = _signed(self._enclosed(points, points, centres.first), self.sign)
        said = self.sign * self._values(points, self._codes(centres.first))
        wrong = (high < self.sign * self.bound) & (said < self.sign * self.bound)
        if not wrong.any():
            return None
        row = int(np.where(wrong, said, np.inf).argmin())
        codes = self._codes(centres.first[row])
        return Witness(points[[row]], codes, self._values(points[[row]], codes))
