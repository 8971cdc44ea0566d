"""Margins for monotonicity, convexity and bounds: signed derivatives and values.

:mod:`kanopt.formulas.shapes.jets` defines derivatives at kinks and at breakpoints of step functions.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from kanopt.formulas.nodes import Array
from kanopt.formulas.shapes.arithmetic import EPS, Integers, Pair, minus, signed, swing, total
from kanopt.formulas.shapes.bound_propagation import FormulaBoundPropagator
from kanopt.formulas.shapes.boxes import FormulaBoxes
from kanopt.formulas.shapes.facts import Point
from kanopt.formulas.shapes.jets import Jet, JetOrders
from kanopt.formulas.shapes.margins import FormulaMargin, MarginBounds, PointEvaluator
from kanopt.formulas.shapes.matrices import least_eigenvalue, least_eigenvalue_above

__all__ = ["BoundMargin", "CurvatureMargin", "JointCurvatureMargin", "SlopeMargin"]

_STEPS = 2.0 ** -np.arange(24.0)
_CANDIDATES = 16
_PLAIN = 4.0
"""How many times the widths of the bounds of values they must contradict a fact by, to refute it."""


class _PointRefutedMargin(FormulaMargin):
    """A margin that is refuted by points at which the values of the formula contradict the fact."""

    @abstractmethod
    def _ends(self, boxes: FormulaBoxes) -> Array:
        """Return, for each box, candidate points for a contradiction, shape (boxes, tries, points, numbers)."""

    @abstractmethod
    def _near(self, points: Array, labels: Integers) -> Array:
        """Return, for each point, candidate points around it, shape (points, tries, points, numbers)."""

    @abstractmethod
    def _violation(self, points: Array, low: Array, high: Array) -> Array:
        """Return the smallest violation of the fact by values between `low` and `high` (rows, points)."""

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return points at which the formula itself contradicts the fact, if any are found."""
        labels = self._labels(boxes)
        if finding is None:
            return self._confirmed(self._ends(boxes), labels)
        # a jump is a contradiction by itself, whatever the bounds say
        likely = np.union1d(np.argsort(finding.low)[:_CANDIDATES], np.flatnonzero(boxes.jump))
        found = self._confirmed(self._ends(boxes[likely]), labels[likely])
        if found:
            return found
        at_centre = finding.at_centre[1]
        worst = np.argsort(at_centre)[:_CANDIDATES]
        worst = worst[at_centre[worst] < 0.0]
        if not len(worst):
            return ()
        return self._confirmed(self._near(boxes.centre[worst], labels[worst]), labels[worst])

    def _confirmed(self, tries: Array, labels: Integers) -> tuple[Point, ...]:
        """Return the points with the largest violation of the fact, if it exceeds the rounding tolerance."""
        places, each, count, numbers = tries.shape
        rows, labels = places * each, np.repeat(labels, each, axis=0)
        points = tries.reshape(rows, count, numbers)
        value, known = self.law.enclosures(
            points.reshape(rows * count, numbers), np.repeat(labels, count, axis=0)
        )
        low, high = (end.reshape(rows, count) for end in signed(value, self.sign))
        with np.errstate(invalid="ignore", over="ignore"):
            beyond = self._violation(points, low, high) - _PLAIN * (high - low).sum(axis=1)
        sound = known.reshape(rows, count).all(axis=1) & (beyond > 0.0)
        beyond = np.where(sound, beyond, -np.inf)
        for row in np.argsort(-beyond)[:_CANDIDATES]:
            if beyond[row] == -np.inf:
                break
            said = self.law.values(points[row], np.repeat(labels[[row]], count, axis=0))
            exact = self.sign * said[None]
            if np.isfinite(said).all() and self._violation(points[[row]], exact, exact)[0] > 0.0:
                at = zip(points[row], said, strict=True)
                return tuple(self.law.point(place, labels[row], value) for place, value in at)
        return ()

    def _window(self, boxes: FormulaBoxes) -> tuple[Array, Array, Array]:
        """Return a finite low end, centre and high end of x in every box; a jump begins just before it."""
        low, centre, high = boxes.low[:, self.x], boxes.centre[:, self.x], boxes.high[:, self.x]
        low = np.where(np.isinf(low), np.minimum(2.0 * centre - high, centre - 1.0), low)
        low = np.where(np.isfinite(low), low, centre - 1.0)
        high = np.where(np.isinf(high), np.maximum(2.0 * centre - low, centre + 1.0), high)
        first, last = (end[self.x] for end in self.sides.window())
        before = np.maximum(low - 1e-6 * (last - first), first)
        return np.where(boxes.jump, before, low), centre, high

    def _with_x(self, points: Array, *values: Array) -> Array:
        """Return points (rows, numbers) with x at each of the values (rows, …), shape (rows, …, values, numbers)."""
        x = np.stack(values, axis=-1)
        middle = points.reshape(len(points), *(1,) * (x.ndim - 1), points.shape[1])
        found = np.broadcast_to(middle, (*x.shape, points.shape[1])).copy()
        found[..., self.x] = x
        return found


class SlopeMargin(_PointRefutedMargin):
    """± the first derivative by x."""

    @property
    def own_orders(self) -> JetOrders:
        """The first derivative alone."""
        return JetOrders(self.x, (self.x,))

    def of(self, jet: Jet) -> Pair:
        """Return bounds of it."""
        return signed(jet.slope[self.x], self.core_sign)

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes, the better of the natural and the mean-value form."""
        centre, anchor = boxes.centre, dict[bytes, Pair]()
        at_centre = self.of(self.tracer.jet(boxes.at(centre), self.own_orders, record=anchor))
        jet = self.tracer.jet(boxes, JetOrders(self.x, self.everyone, second=True), anchor)
        derivative = {j: signed(pair, self.core_sign) for j, pair in jet.curvature.items()}
        low = _mean_value(self.of(jet)[0], at_centre, derivative, boxes, centre)
        return MarginBounds(self._claimed(low, jet, boxes), at_centre, derivative, jet.defined)

    def _ends(self, boxes: FormulaBoxes) -> Array:
        low, _, high = self._window(boxes)
        return self._with_x(boxes.centre, low, high)[:, None]

    def _near(self, points: Array, labels: Integers) -> Array:
        low, high = (end[self.x] for end in self.sides.window())
        reach = 0.5 * (high - low) * _STEPS
        x = points[:, [self.x]]
        return self._with_x(points, np.maximum(x - reach, low), np.minimum(x + reach, high))

    def _violation(self, points: Array, low: Array, high: Array) -> Array:
        drop = low[:, 0] - high[:, 1]
        return np.where(points[:, 1, self.x] > points[:, 0, self.x], drop, -np.inf)


class CurvatureMargin(_PointRefutedMargin):
    """± the second derivative by x."""

    @property
    def own_orders(self) -> JetOrders:
        """The second derivative alone."""
        return JetOrders(self.x, (self.x,), second=True)

    def of(self, jet: Jet) -> Pair:
        """Return bounds of it."""
        return signed(jet.curvature[self.x], self.core_sign)

    def _claimed(self, low: Array, jet: Jet, boxes: FormulaBoxes) -> Array:
        # a stair between points of the range breaks a convex shape, whichever way it goes
        return super()._claimed(np.where(boxes.jump, -np.inf, low), jet, boxes)

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes."""
        anchor: dict[bytes, Pair] = {}
        at_centre = self.of(self.tracer.jet(boxes.at(boxes.centre), self.own_orders, record=anchor))
        jet = self.tracer.jet(boxes, JetOrders(self.x, self.everyone, second=True), anchor)
        low = self._claimed(self.of(jet)[0], jet, boxes)
        return MarginBounds(low, at_centre, {}, np.ones(len(boxes), dtype=bool))

    def _ends(self, boxes: FormulaBoxes) -> Array:
        low, centre, high = self._window(boxes)
        first, last = (end[self.x] for end in self.sides.window())
        after = np.minimum(high + 1e-6 * (last - first), last)
        across = self._with_x(boxes.centre, low, centre, np.where(boxes.jump, after, high))
        # a kink may lie where boxes meet
        reach = np.minimum(0.5 * (high - low), np.minimum(low - first, last - low))
        return np.stack([across, self._with_x(boxes.centre, low - reach, low, low + reach)], axis=1)

    def _near(self, points: Array, labels: Integers) -> Array:
        low, high = (end[self.x] for end in self.sides.window())
        reach = 0.5 * (high - low) * _STEPS
        x = np.clip(points[:, [self.x]], low + reach, high - reach)
        return self._with_x(points, np.maximum(x - reach, low), x, np.minimum(x + reach, high))

    def _violation(self, points: Array, low: Array, high: Array) -> Array:
        first, middle, last = (points[:, place, self.x] for place in range(3))
        ordered = (first < middle) & (middle < last)
        length = np.where(ordered, last - first, 1.0)
        chord = (last - middle) / length * high[:, 0] + (middle - first) / length * high[:, 2]
        chord += 8.0 * EPS * (np.abs(high[:, 0]) + np.abs(high[:, 2]))
        return np.where(ordered, low[:, 1] - chord, -np.inf)


class JointCurvatureMargin(_PointRefutedMargin):
    """The least eigenvalue of ± the matrix of second derivatives in several inputs.

    Parameters
    ----------
    law
        The formula, for evaluating counterexamples.
    inputs
        Positions of the numbers.
    sign
        −1 for concave.
    core
        The part of the formula that determines the fact, and its sign.
    """

    def __init__(
        self,
        law: PointEvaluator,
        inputs: tuple[int, ...],
        sign: int,
        core: tuple[FormulaBoundPropagator, int],
    ) -> None:
        super().__init__(law, -1, sign, core)
        self.inputs = inputs

    @property
    def own_orders(self) -> JetOrders:
        """The matrix alone."""
        return JetOrders(along=self.inputs, inputs=self.inputs)

    def of(self, jet: Jet) -> Pair:
        """Return bounds of the least eigenvalue."""
        low, high = self._matrix(jet)
        return least_eigenvalue(low), least_eigenvalue_above(high)

    def _matrix(self, jet: Jet) -> Pair:
        assert jet.matrix is not None
        return signed(jet.matrix, self.core_sign)

    def _claimed(self, low: Array, jet: Jet, boxes: FormulaBoxes) -> Array:
        # a stair between points of the range breaks a convex shape, whichever way it goes
        on_stair = np.zeros(len(boxes), dtype=bool)
        for place in self.inputs:
            for edge in self.sides.step_edges[place]:
                on_stair |= (boxes.low[:, place] <= edge) & (edge <= boxes.high[:, place])
        return super()._claimed(np.where(on_stair, -np.inf, low), jet, boxes)

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes, the better of both ways to bound the rank-one terms."""
        anchor: dict[bytes, Pair] = {}
        at_centre = self.of(self.tracer.jet(boxes.at(boxes.centre), self.own_orders, record=anchor))
        return MarginBounds(self._better(boxes, anchor), at_centre, {}, np.ones(len(boxes), dtype=bool))

    def low(self, boxes: FormulaBoxes) -> Array:
        """Return lower bounds of the least eigenvalue."""
        return self._better(boxes, {})

    def _better(self, boxes: FormulaBoxes, anchor: Mapping[bytes, Pair]) -> Array:
        low = np.full(len(boxes), -np.inf)
        for keep in (True, False):
            jet = self.tracer.jet(
                boxes, JetOrders(along=self.everyone, inputs=self.inputs, keep=keep), anchor
            )
            low = np.maximum(low, self._claimed(least_eigenvalue(self._matrix(jet)[0]), jet, boxes))
        return low

    def _ends(self, boxes: FormulaBoxes) -> Array:
        """Return chords through the middle of the boxes, along their diagonal and along every side."""
        first, last = self.sides.window()
        half = 0.5 * np.where(np.isfinite(boxes.width), boxes.width, (last - first)[None])
        ways = np.eye(half.shape[1])[[*self.inputs]]
        ways = np.concatenate([ways.sum(axis=0, keepdims=True), ways])
        return self._chords(boxes.centre, half[:, None] * ways)

    def _near(self, points: Array, labels: Integers) -> Array:
        """Return chords, ever shorter, along which the second derivatives are least."""
        matrix = self._matrix(self.tracer.jet(self.sides.points(points, labels), self.own_orders))[1]
        matrix = np.where(np.isfinite(matrix), matrix, 0.0)
        first, last = self.sides.window()
        way = np.zeros_like(points)
        way[:, [*self.inputs]] = np.linalg.eigh(matrix)[1][..., 0]
        fits = np.where(way != 0.0, (last - first) / np.abs(way), np.inf).min(axis=1)
        return self._chords(points, (0.5 * fits[:, None] * _STEPS)[..., None] * way[:, None])

    def _chords(self, middle: Array, reach: Array) -> Array:
        """Return both ends and the exact middle of chords (points, tries), moved inwards where they leave the range."""
        first, last = self.sides.window()
        # on multiples of a small power of two sums and halves are exact
        unit = 2.0 ** (np.ceil(np.log2(np.maximum(np.maximum(np.abs(first), np.abs(last)), 1e-300))) - 48.0)
        reach = np.clip(reach, -0.5 * (last - first), 0.5 * (last - first))
        size = np.abs(reach)
        centre = np.clip(middle[:, None], first + size, last - size)
        moved = np.isin(np.arange(len(first)), self.inputs)
        centre = np.where(moved, np.round(centre / unit) * unit, middle[:, None])
        room = np.minimum(centre - first, last - centre)
        reach = np.where(moved, np.trunc(np.clip(reach, -room, room) / unit) * unit, 0.0)
        return np.stack([centre - reach, centre, centre + reach], axis=2)

    def _violation(self, points: Array, low: Array, high: Array) -> Array:
        inside = ((points >= self.sides.low) & (points <= self.sides.high)).all(axis=(1, 2))
        chord = 0.5 * high[:, 0] + 0.5 * high[:, 2]
        chord += 8.0 * EPS * (np.abs(high[:, 0]) + np.abs(high[:, 2]))
        return np.where(inside & (points[:, 0] != points[:, 2]).any(axis=1), low[:, 1] - chord, -np.inf)


class BoundMargin(_PointRefutedMargin):
    """± (formula − bound)."""

    def __init__(self, law: PointEvaluator, bound: float, sign: int, graph: FormulaBoundPropagator) -> None:
        super().__init__(law, -1, sign, (graph, 1))
        self.bound = np.asarray(bound)

    @property
    def own_orders(self) -> JetOrders:
        """The value alone."""
        return JetOrders()

    def of(self, jet: Jet) -> Pair:
        """Return bounds of it."""
        return signed(minus(jet.value, (self.bound, self.bound)), self.sign)

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes, the better of the natural and the mean-value form."""
        centre, anchor = boxes.centre, dict[bytes, Pair]()
        at_centre = self.of(self.tracer.jet(boxes.at(centre), self.own_orders, record=anchor))
        jet = self.tracer.jet(boxes, JetOrders(along=self.everyone), anchor)
        derivative = {j: signed(pair, self.sign) for j, pair in jet.slope.items()}
        natural = self.of(jet)[0]
        mean_value = _mean_value(natural, at_centre, derivative, boxes, centre)
        low = np.where(jet.defined, mean_value, natural)
        return MarginBounds(self._claimed(low, jet, boxes), at_centre, derivative, jet.defined)

    def _claimed(self, low: Array, jet: Jet, boxes: FormulaBoxes) -> Array:
        # bounds hold for every finite value, on both sides of a place without one
        return np.where(self.tracer.has_no_entry(boxes), np.inf, low)

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return a point beyond the bound, if the margin is negative at a centre."""
        if finding is not None and not (finding.at_centre[1] < 0.0).any():
            return ()
        return super().contradiction(boxes, finding)

    def _ends(self, boxes: FormulaBoxes) -> Array:
        return boxes.centre[:, None, None]

    def _near(self, points: Array, labels: Integers) -> Array:
        return points[:, None, None]

    def _violation(self, points: Array, low: Array, high: Array) -> Array:
        return self.sign * self.bound - high[:, 0]


def _mean_value(
    low: Array, at_centre: Pair, derivative: Mapping[int, Pair], boxes: FormulaBoxes, centre: Array
) -> Array:
    """Return the larger of a lower bound and that of the mean-value form (Moore et al. 2009, ch. 6)."""
    with np.errstate(all="ignore"):
        swings = [
            swing(pair, boxes.low[:, j], centre[:, j], boxes.high[:, j])
            for j, pair in derivative.items()
            if j < boxes.low.shape[1]
        ]
        around = total([at_centre, *swings])
    # across several stairs or labels the centre is no single point, but its bounds hold for all of them
    return np.maximum(low, around[0])
