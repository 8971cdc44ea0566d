"""Facts as margins: a quantity that must be non-negative everywhere in the box, and points where it is negative.

The margin of monotonicity is the first derivative, that of convexity the second, or the least eigenvalue of the matrix
of second derivatives, in intervals for every entry (Rohn 1994, SIAM J. Matrix Anal. Appl. 15), that of a bound the
distance to it. :mod:`kanopt.formulas.enclosures.rules` defines derivatives
at kinks and at breakpoints of step functions.

A fact is refuted by points at which the values of the formula itself contradict it. They are looked for along *chords*:
a place, and both ends of a line through it, along the inputs in question (:mod:`kanopt.formulas.enclosures.margins`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.enclosures.arithmetic import EPS, NOTHING, Flags, Pair, minus, signed
from kanopt.formulas.enclosures.boxes import BoxSides, FormulaBoxes
from kanopt.formulas.enclosures.engine import Encloser, mean_value
from kanopt.formulas.enclosures.facts import Point
from kanopt.formulas.enclosures.rules import Enclosure, Orders
from kanopt.formulas.nodes import Node, computed

_STEPS = 2.0 ** -np.arange(24.0)
_ROUNDING = 64.0 * EPS  # of the entries of a matrix: what its eigenvalues may be off by
_ACROSS = 1e-6  # of the range: how far the chord across a jump goes to both sides


class PointEvaluator:
    """A formula evaluated at points (points, numbers), with categories given as indices `labels` of their labels."""

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        self.encloser = Encloser(root, sides)

    def enclosures(self, points: Floats, labels: Integers) -> tuple[Pair, Flags]:
        """Return bounds of the exact values, and a mask of the points where one is proved to exist."""
        boxes = self.sides.points(points, labels)
        found = self.encloser.over(boxes, Orders())
        known = found.defined & ~self.encloser.has_no_entry(boxes)
        return found.value, known & np.isfinite(found.value[0] + found.value[1])

    def values(self, points: Floats, labels: Integers) -> Floats:
        """Return its values, which may be non-finite, shape (points,); every table must have an entry."""
        data: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {
            name: points[:, place] for place, name in enumerate(self.sides.numbers)
        }
        for place, (name, known) in enumerate(zip(self.sides.categories, self.sides.labels, strict=True)):
            data[name] = np.array(known, dtype=object)[labels[:, place]]
        return np.broadcast_to(computed(self.root, data), len(points))

    def point(self, place: Floats, labels: Integers, value: float) -> Point:
        """Return a point, of shapes (numbers,) and (categories,), with the value there."""
        chosen = zip(self.sides.categories, self.sides.labels, labels, strict=True)
        return Point(
            tuple(zip(self.sides.numbers, map(float, place), strict=True)),
            tuple((name, known[label]) for name, known, label in chosen),
            float(value) if np.isfinite(value) else None,
        )


def chords_across(sides: BoxSides, inputs: tuple[int, ...], boxes: FormulaBoxes) -> Floats:
    """Return chords across every box, shape (boxes, tries, 3, numbers): along its diagonal and every side."""
    if not inputs:
        return np.repeat(boxes.centre[:, None, None], 3, axis=2)
    half = 0.5 * boxes.width
    half = np.where(boxes.jump[:, None], np.maximum(half, _ACROSS * (sides.high - sides.low)), half)
    ways = np.eye(half.shape[1])[[*inputs]]
    if len(ways) > 1:
        ways = np.concatenate([ways.sum(axis=0, keepdims=True), ways])
    reach = half[:, None] * ways
    centre = np.broadcast_to(boxes.centre[:, None], reach.shape)
    # a kink may lie where boxes meet
    corner = np.where(ways != 0.0, boxes.low[:, None], centre)
    middle, reach = np.concatenate([centre, corner], axis=1), np.concatenate([reach, reach], axis=1)
    return _chords(sides, inputs, middle, reach)


def chords_near(sides: BoxSides, inputs: tuple[int, ...], points: Floats, way: Floats) -> Floats:
    """Return ever shorter chords through points, in directions of shape (points, numbers)."""
    if not inputs:
        return np.repeat(points[:, None, None], 3, axis=2)
    fits = np.where(way != 0.0, (sides.high - sides.low) / np.abs(way), np.inf).min(axis=1)
    reach = (0.5 * fits[:, None] * _STEPS)[..., None] * way[:, None]
    return _chords(sides, inputs, np.broadcast_to(points[:, None], reach.shape), reach)


def _chords(sides: BoxSides, inputs: tuple[int, ...], middle: Floats, reach: Floats) -> Floats:
    """Return both ends and the exact middle of chords, moved inwards where they leave the range."""
    first, last = sides.low, sides.high
    reach = np.clip(reach, -0.5 * (last - first), 0.5 * (last - first))
    size = np.abs(reach)
    centre = np.clip(middle, first + size, last - size)
    # on multiples of a small power of two sums and halves are exact
    unit = 2.0 ** (np.ceil(np.log2(np.maximum(np.abs(centre) + size, 1e-300))) - 48.0)
    moved = np.isin(np.arange(len(first)), inputs)
    centre = np.where(moved, np.round(centre / unit) * unit, middle)
    room = np.maximum(np.minimum(centre - first, last - centre), 0.0)
    reach = np.where(moved, np.trunc(np.clip(reach, -room, room) / unit) * unit, 0.0)
    return np.stack([centre - reach, centre, centre + reach], axis=2)


_ZERO = 2.0**20
"""How many times what rounding hides counts as zero: a billionth of the terms that something is the sum of."""
_SURE, _SHARE = 2.0**6, 1e-6
"""That many times it does so in any case; more of it up to this share of the largest margin, as it may be magnified."""
_CANDIDATES = 16
_PLAIN = 4.0
"""How many times the widths of the bounds of values they must contradict a fact by, to refute it."""


Core: TypeAlias = tuple[Encloser, int]
"""The part of a formula that determines a fact, and −1 where it is minus that part that does."""


@dataclass(frozen=True)
class MarginBounds:
    """Bounds of a margin over boxes.

    Parameters
    ----------
    low
        Lower bounds, shape (boxes,); −∞ where the formula may have no finite value.
    at_centre
        Bounds at the centres, each of shape (boxes,).
    derivative
        Bounds of the margin's derivatives by position of the number, or of the category, as far as known.
    defined
        Mask of the boxes where the formula is proved finite, a condition for the use of derivatives; shape (boxes,).
    """

    low: Floats
    at_centre: Pair
    derivative: Mapping[int, Pair]
    defined: Flags

    def take(self, rows: Flags | Integers) -> MarginBounds:
        """Return the bounds of some of the boxes."""
        pairs = {j: (low[rows], high[rows]) for j, (low, high) in self.derivative.items()}
        at_centre = self.at_centre[0][rows], self.at_centre[1][rows]
        return MarginBounds(self.low[rows], at_centre, pairs, self.defined[rows])


class FormulaMargin(ABC):
    """A quantity that must not be negative.

    Parameters
    ----------
    law
        The formula, for evaluating counterexamples.
    inputs
        Positions of the numbers in question; none for bounds.
    sign
        −1 if the fact is one about minus the formula.
    core
        The part of the formula that determines the fact, of which the margin is computed, and its sign.
    """

    x = -1
    """Position of the number whose jumps are boxes of their own; −1 for none."""
    chord: tuple[int, ...] = (0, 1, 2)
    """Which points of a chord tell about the fact: its ends, 0 and 2, or its middle, 1."""
    own_orders: tuple[Orders, ...] = (Orders(),)
    """The derivatives of which the margin consists."""
    finer_orders: tuple[Orders, ...]
    """Those that tell more over a box."""

    def __init__(self, law: PointEvaluator, inputs: tuple[int, ...], sign: int, core: Core) -> None:
        self.law, self.sides, self.inputs, self.sign = law, law.sides, inputs, sign
        self.encloser, direction = core
        self.core_sign = sign * direction
        self.everyone = tuple(range(len(self.sides.numbers) + len(self.sides.categories)))

    @abstractmethod
    def of(self, found: Sequence[Enclosure]) -> Pair:
        """Return bounds of the margin."""

    def derivatives(self, found: Enclosure) -> Mapping[int, Pair]:
        """Return bounds of the derivatives of the margin, if they are known."""
        return {}

    def over(self, boxes: FormulaBoxes, orders: Sequence[Orders]) -> list[Enclosure]:
        """Return what is known over boxes of the part of the formula that determines the fact."""
        return [self.encloser.over(boxes, each) for each in orders]

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes: the better of the natural form and, with derivatives, the mean-value form."""
        centre = boxes.centre
        at_centre = self.of(self.over(boxes.at(centre), self.own_orders))
        found = self.over(boxes, self.finer_orders)
        low, derivative = self.of(found)[0], self.derivatives(found[0])
        if derivative:
            # across several stairs or labels the centre is no single point, but its bounds hold for all of them
            with np.errstate(all="ignore"):
                around = mean_value(at_centre, derivative, boxes, centre)[0]
            low = np.where(found[0].defined, np.maximum(low, around), low)
        return MarginBounds(self._claimed(low, found[0], boxes), at_centre, derivative, found[0].defined)

    def low(self, boxes: FormulaBoxes) -> Floats:
        """Return lower bounds of the margin, shape (boxes,)."""
        found = self.over(boxes, self.own_orders)
        return self._claimed(self.of(found)[0], found[0], boxes)

    def _claimed(self, low: Floats, found: Enclosure, boxes: FormulaBoxes) -> Floats:
        """Return the bound, −∞ where the formula may be undefined, +∞ where a table has no entry."""
        return np.where(self.encloser.has_no_entry(boxes), np.inf, np.where(found.defined, low, -np.inf))

    def hidden_by_rounding(self, boxes: FormulaBoxes, finding: MarginBounds, size: float) -> Flags:
        """Return a mask of the boxes where rounding hides whether the margin is below zero.

        Parameters
        ----------
        boxes, finding
            The boxes, and the bounds there.
        size
            The largest margin in a sample of the whole box.
        """
        # between several stairs or labels it is not rounding that widens the bounds
        alone = (boxes.first == boxes.last).all(axis=1)
        rows = np.flatnonzero(alone & (finding.low < 0.0) & np.isfinite(finding.low))
        hidden = np.zeros(len(boxes), dtype=bool)
        if not len(rows):
            return hidden
        here, orders = boxes[rows], [replace(each, sides=False) for each in self.own_orders]
        found = self.over(here.at(here.centre), orders)
        least, most = self.of(found)
        width = np.where(found[0].defined, most - least, 0.0)
        allowed = np.minimum(_ZERO * width, np.maximum(_SURE * width, _SHARE * size))
        # where the margin is exact, as where a law is held at a constant, nothing is hidden
        hidden[rows] = (width > 0.0) & np.isfinite(width) & (finding.low[rows] >= -allowed)
        return hidden

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return points at which the formula itself contradicts the fact, if any are found.

        Parameters
        ----------
        boxes
            The boxes to search.
        finding
            What is known of the margin there: the search continues around the centres where it is most negative.
        """
        if finding is None:
            return self._confirmed(chords_across(self.sides, self.inputs, boxes), self._labels(boxes))
        # a jump is a contradiction by itself, whatever the bounds say
        likely = boxes[np.union1d(np.argsort(finding.low)[:_CANDIDATES], np.flatnonzero(boxes.jump))]
        found = self._confirmed(chords_across(self.sides, self.inputs, likely), self._labels(likely))
        if found:
            return found
        at_centre = finding.at_centre[1]
        worst = np.argsort(at_centre)[:_CANDIDATES]
        worst = worst[at_centre[worst] < 0.0]
        if not len(worst):
            return ()
        points, labels = boxes.centre[worst], self._labels(boxes[worst])
        way = self._way(points, labels)
        return self._confirmed(chords_near(self.sides, self.inputs, points, way), labels)

    def _labels(self, boxes: FormulaBoxes) -> Integers:
        """Return the indices of the middle labels, shape (boxes, categories)."""
        return (boxes.first + boxes.last)[:, len(self.sides.numbers) :] // 2

    def _way(self, points: Floats, labels: Integers) -> Floats:
        """Return the direction along which the fact most likely fails at points, shape (points, numbers)."""
        moved = np.isin(np.arange(points.shape[1]), self.inputs)
        return np.broadcast_to(moved.astype(np.float64), points.shape)

    @abstractmethod
    def _violation(self, points: Floats, low: Floats, high: Floats) -> Floats:
        """Return the smallest violation of the fact by values between `low` and `high`, shape (rows, points)."""

    def _confirmed(self, chords: Floats, labels: Integers) -> tuple[Point, ...]:
        """Return the points with the largest violation of the fact, if it exceeds the rounding tolerance."""
        tries = chords[:, :, [*self.chord]]
        places, each, count, numbers = tries.shape
        rows, labels = places * each, np.repeat(labels, each, axis=0)
        points = tries.reshape(rows, count, numbers)
        value, known = self.law.enclosures(
            points.reshape(rows * count, numbers), np.repeat(labels, count, axis=0)
        )
        low, high = (end.reshape(rows, count) for end in signed(value, self.sign))
        with np.errstate(invalid="ignore", over="ignore"):
            beyond = self._violation(points, low, high) - _PLAIN * (high - low).sum(axis=1)
        inside = ((points >= self.sides.low) & (points <= self.sides.high)).all(axis=(1, 2))
        sound = known.reshape(rows, count).all(axis=1) & inside & (beyond > 0.0)
        beyond = np.where(sound, beyond, -np.inf)
        row = int(np.argmax(beyond))
        if beyond[row] == -np.inf:
            return ()
        said = self.law.values(points[row], np.repeat(labels[[row]], count, axis=0))
        exact = self.sign * said[None]
        if not (np.isfinite(said).all() and self._violation(points[[row]], exact, exact)[0] > 0.0):
            return ()
        at = zip(points[row], said, strict=True)
        return tuple(self.law.point(place, labels[row], value) for place, value in at)


class SlopeMargin(FormulaMargin):
    """± the first derivative by an input."""

    chord = (0, 2)

    def __init__(self, law: PointEvaluator, inputs: tuple[int, ...], sign: int, core: Core) -> None:
        super().__init__(law, inputs, sign, core)
        self.x = inputs[0]
        self.own_orders = (Orders(1, inputs, self.x),)
        self.finer_orders = (Orders(2, self.everyone, self.x),)

    def of(self, found: Sequence[Enclosure]) -> Pair:
        """Return bounds of it."""
        return signed(found[0].slope[self.x], self.core_sign)

    def derivatives(self, found: Enclosure) -> Mapping[int, Pair]:
        """Return bounds of the second derivatives."""
        return {j: signed(pair, self.core_sign) for j, pair in found.curvature.items()}

    def _violation(self, points: Floats, low: Floats, high: Floats) -> Floats:
        return np.where(points[:, 1, self.x] > points[:, 0, self.x], low[:, 0] - high[:, 1], -np.inf)


class CurvatureMargin(FormulaMargin):
    """± the second derivative by an input, or the least eigenvalue of ± the matrix of them by several."""

    def __init__(self, law: PointEvaluator, inputs: tuple[int, ...], sign: int, core: Core) -> None:
        super().__init__(law, inputs, sign, core)
        self.own_orders = tuple(Orders(2, inputs, x) for x in inputs)
        self.finer_orders = tuple(Orders(2, self.everyone, x) for x in inputs)

    def of(self, found: Sequence[Enclosure]) -> Pair:
        """Return bounds of it."""
        if len(found) == 1:
            return signed(found[0].curvature[self.inputs[0]], self.core_sign)
        middle, radius = self._matrix(found)
        known = np.isfinite(radius)
        least = np.linalg.eigvalsh(middle)[..., 0]
        return np.where(known, least - radius, -np.inf), np.where(known, least + radius, np.inf)

    def _matrix(self, found: Sequence[Enclosure]) -> tuple[Floats, Floats]:
        """Return symmetric matrices (boxes, m, m), and how far the eigenvalues of those in question are from theirs."""
        shape = found[0].value[0].shape
        entries = [
            [np.broadcast_to(end, shape) for end in each.curvature.get(j, NOTHING)]
            for each in found
            for j in self.inputs
        ]
        low, high = np.array(entries).reshape(len(found), len(found), 2, -1).transpose(2, 3, 0, 1)
        with np.errstate(invalid="ignore"):
            middle, spread = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        known = np.asarray(np.isfinite(spread).all(axis=(1, 2)))
        middle = np.where(known[:, None, None], 0.5 * (middle + middle.swapaxes(1, 2)), 0.0)
        spread = 0.5 * (spread + spread.swapaxes(1, 2)) + _ROUNDING * np.abs(middle).sum(
            axis=2, keepdims=True
        )
        return self.core_sign * middle, np.where(known, spread.sum(axis=2).max(axis=1), np.inf)

    def _claimed(self, low: Floats, found: Enclosure, boxes: FormulaBoxes) -> Floats:
        # a jump between points of the range breaks a convex shape, whichever way it goes; what a box holds of it counts
        # as unbounded, what lies between boxes is told here
        on_stair = np.zeros(len(boxes), dtype=bool)
        for place in self.inputs:
            start, stop, first, last = (
                each[:, place] for each in (boxes.low, boxes.high, boxes.first, boxes.last)
            )
            for stair, edge in enumerate(self.sides.step_edges[place]):
                on_stair |= (stop == edge) & (last == stair)
                on_stair |= (start == edge) & (first > stair) & (edge > self.sides.low[place])
        return super()._claimed(np.where(on_stair, -np.inf, low), found, boxes)

    def _way(self, points: Floats, labels: Integers) -> Floats:
        """Return the direction in which the second derivatives are least."""
        if len(self.inputs) == 1:
            return super()._way(points, labels)
        matrix, _ = self._matrix(self.over(self.sides.points(points, labels), self.own_orders))
        way = np.zeros_like(points)
        way[:, [*self.inputs]] = np.linalg.eigh(matrix)[1][..., 0]
        return way

    def _violation(self, points: Floats, low: Floats, high: Floats) -> Floats:
        chord = 0.5 * high[:, 0] + 0.5 * high[:, 2]
        chord += 8.0 * EPS * (np.abs(high[:, 0]) + np.abs(high[:, 2]))
        apart = (points[:, 0] != points[:, 2]).any(axis=1)
        return np.where(apart, low[:, 1] - chord, -np.inf)


class BoundMargin(FormulaMargin):
    """± (formula − bound)."""

    chord = (1,)

    def __init__(self, law: PointEvaluator, bound: float, sign: int, graph: Encloser) -> None:
        super().__init__(law, (), sign, (graph, 1))
        self.bound = np.asarray(bound)
        self.finer_orders = (Orders(1, self.everyone),)

    def of(self, found: Sequence[Enclosure]) -> Pair:
        """Return bounds of it."""
        return signed(minus(found[0].value, (self.bound, self.bound)), self.sign)

    def derivatives(self, found: Enclosure) -> Mapping[int, Pair]:
        """Return bounds of the first derivatives."""
        return {j: signed(pair, self.sign) for j, pair in found.slope.items()}

    def _claimed(self, low: Floats, found: Enclosure, boxes: FormulaBoxes) -> Floats:
        # bounds hold for every finite value, on both sides of a place without one
        return np.where(self.encloser.has_no_entry(boxes), np.inf, low)

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return a point beyond the bound, if the margin is negative at a centre."""
        if finding is not None and not (finding.at_centre[1] < 0.0).any():
            return ()
        return super().contradiction(boxes, finding)

    def _violation(self, points: Floats, low: Floats, high: Floats) -> Floats:
        return np.asarray(self.sign * self.bound - high[:, 0])


class DefinedMargin(FormulaMargin):
    """Zero where the formula is proved to be finite, and −∞ elsewhere."""

    def __init__(self, law: PointEvaluator) -> None:
        super().__init__(law, (), 1, (law.encloser, 1))
        # including the faces of the whole box
        self.own_orders = self.finer_orders = (Orders(closed=True),)

    def of(self, found: Sequence[Enclosure]) -> Pair:
        """Return it."""
        nowhere = np.where(found[0].defined, 0.0, -np.inf)
        return nowhere, nowhere

    def _claimed(self, low: Floats, found: Enclosure, boxes: FormulaBoxes) -> Floats:
        finite = np.isfinite(found.value[0]) & np.isfinite(found.value[1])
        return super()._claimed(np.where(finite, low, -np.inf), found, boxes)

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return a point, at a corner or in the middle of a box, at which the formula has no finite value."""
        labels = self._labels(boxes)
        for place in (boxes.centre, boxes.low, boxes.high):
            points = self.sides.points(place, labels)
            rows = np.flatnonzero(~self.encloser.has_no_entry(points))
            said = self.law.values(place[rows], labels[rows])
            wrong = rows[~np.isfinite(said)]
            if len(wrong):
                return (self.law.point(place[wrong[0]], labels[wrong[0]], np.nan),)
        return ()

    def _violation(self, points: Floats, low: Floats, high: Floats) -> Floats:
        raise NotImplementedError  # no values tell
