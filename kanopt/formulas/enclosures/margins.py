"""Facts as margins: a quantity that must be non-negative everywhere in the box, and points where it is negative.

The margin of a bound is the distance to it, that of monotonicity the first derivative, that of convexity the second.
:mod:`kanopt.formulas.enclosures.rules` defines derivatives at kinks and at breakpoints of step functions.

A fact is refuted by points at which the values of the formula itself contradict it. They are looked for along *chords*:
a place, and both ends of a line through it, along the input in question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.enclosures.arithmetic import EPS, NOTHING, Flags, Pair, minus, signed
from kanopt.formulas.enclosures.boxes import FormulaBoxes
from kanopt.formulas.enclosures.engine import Encloser, mean_value
from kanopt.formulas.enclosures.facts import Point
from kanopt.formulas.enclosures.rules import Enclosure, Orders, along
from kanopt.formulas.nodes import computed

_STEPS = 2.0 ** -np.arange(24.0)
_ACROSS = 1e-6  # of the range: how far the chord across a jump goes to both sides
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
        Bounds of the margin's derivatives by every side, (sides, boxes); nothing where they are not known.
    defined
        Mask of the boxes where the formula is proved finite, a condition for the use of derivatives; shape (boxes,).
    """

    low: Floats
    at_centre: Pair
    derivative: Pair
    defined: Flags

    def take(self, rows: Flags | Integers) -> MarginBounds:
        """Return the bounds of some of the boxes."""
        least, most = self.derivative
        derivative = NOTHING if self.derivative is NOTHING else (least[:, rows], most[:, rows])
        at_centre = self.at_centre[0][rows], self.at_centre[1][rows]
        return MarginBounds(self.low[rows], at_centre, derivative, self.defined[rows])


class FormulaMargin:
    """A quantity that must not be negative.

    Parameters
    ----------
    law
        The formula, for evaluating counterexamples.
    core
        The part of the formula that determines the fact, of which the margin is computed, and its sign.
    sign
        −1 if the fact is one about minus the formula.
    order
        0 for the formula less a bound, 1 for its slope and 2 for its curvature.
    x
        Position of the number along which these are taken.
    bound
        The bound.
    """

    def __init__(
        self, law: Encloser, core: Core, sign: int, order: int, x: int = -1, bound: float = 0.0
    ) -> None:
        self.law, self.sides, self.sign, self.order, self.x, self.bound = (
            law,
            law.sides,
            sign,
            order,
            x,
            bound,
        )
        self.encloser, direction = core
        self.core_sign = sign * direction
        self.jumping = x if order == 1 else -1
        """Position of the number whose jumps are boxes of their own; −1 for none."""
        self.own_orders, self.finer_orders = Orders(order, x), Orders(min(order + 1, 2), x)

    def of(self, found: Enclosure) -> Pair:
        """Return bounds of the margin."""
        if self.order:
            pair = along((found.slope, found.curvature)[self.order - 1], self.x)
        else:
            pair = minus(found.value, (np.asarray(self.bound),) * 2)
        return signed(pair, self.core_sign)

    def derivatives(self, found: Enclosure) -> Pair:
        """Return bounds of the derivatives of the margin, if they are known."""
        pair = (found.slope, found.curvature, NOTHING)[self.order]
        return pair if pair is NOTHING else signed(pair, self.core_sign)

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes: the better of the natural form and, with derivatives, the mean-value form."""
        centre = boxes.centre
        at_centre = self.of(self.encloser.over(boxes.at(centre), self.own_orders))
        found = self.encloser.over(boxes, self.finer_orders)
        low, derivative = self.of(found)[0], self.derivatives(found)
        if derivative is not NOTHING:
            # across several stairs the centre is no single point, but its bounds hold for all of them
            with np.errstate(all="ignore"):
                around = mean_value(at_centre, derivative, boxes, centre)[0]
            low = np.where(found.defined, np.maximum(low, around), low)
        return MarginBounds(self._claimed(low, found, boxes), at_centre, derivative, found.defined)

    def low(self, boxes: FormulaBoxes) -> Floats:
        """Return lower bounds of the margin, shape (boxes,)."""
        found = self.encloser.over(boxes, self.own_orders)
        return self._claimed(self.of(found)[0], found, boxes)

    def _claimed(self, low: Floats, found: Enclosure, boxes: FormulaBoxes) -> Floats:
        """Return the bound, −∞ where the formula may be undefined."""
        if self.order:  # bounds hold for every finite value, on both sides of a place without one
            low = np.where(found.defined, low, -np.inf)
        if self.order == 2:
            # a jump between points of the range breaks a convex shape, whichever way it goes; what a box holds of it
            # counts as unbounded, what lies between boxes is told here
            ends = boxes.low, boxes.high, boxes.first, boxes.last
            start, stop, first, last = (end[:, self.x] for end in ends)
            for stair, edge in enumerate(self.sides.step_edges[self.x]):
                after = (start == edge) & (first > stair) & (edge > self.sides.low[self.x])
                low = np.where(after | ((stop == edge) & (last == stair)), -np.inf, low)
        return low

    def hidden_by_rounding(self, boxes: FormulaBoxes, finding: MarginBounds, size: float) -> Flags:
        """Return a mask of the boxes where rounding hides whether the margin is below zero.

        Parameters
        ----------
        boxes, finding
            The boxes, and the bounds there.
        size
            The largest margin in a sample of the whole box.
        """
        # between several stairs it is not rounding that widens the bounds
        alone = (boxes.first == boxes.last).all(axis=1)
        rows = np.flatnonzero(alone & (finding.low < 0.0) & np.isfinite(finding.low))
        hidden = np.zeros(len(boxes), dtype=bool)
        if not len(rows):
            return hidden
        here = boxes[rows]
        found = self.encloser.over(here.at(here.centre), replace(self.own_orders, sides=False))
        least, most = self.of(found)
        width = np.where(found.defined, most - least, 0.0)
        allowed = np.minimum(_ZERO * width, np.maximum(_SURE * width, _SHARE * size))
        # where the margin is exact, as where a law is held at a constant, nothing is hidden
        hidden[rows] = (width > 0.0) & np.isfinite(width) & (finding.low[rows] >= -allowed)
        return hidden

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return the points with the largest violation of the fact, if it exceeds the rounding tolerance.

        Parameters
        ----------
        boxes
            The boxes to search.
        finding
            What is known of the margin there: the search goes where it is most negative.
        """
        if finding is not None:
            # a jump is a contradiction by itself, whatever the bounds say
            worst = [np.argsort(end)[:_CANDIDATES] for end in (finding.low, finding.at_centre[1])]
            boxes = boxes[np.unique([*worst[0], *worst[1], *np.flatnonzero(boxes.jump)])]
        if (boxes.labels < 0).any():  # of all labels together nothing is known at a point
            return ()
        tries = self._tries(boxes)
        places, each, count, numbers = tries.shape
        rows, labels = places * each, np.repeat(boxes.labels, each, axis=0)
        points = tries.reshape(rows, count, numbers)
        at = self.sides.points(points.reshape(rows * count, numbers), np.repeat(labels, count, axis=0))
        found = self.law.over(at, Orders())
        known = found.defined & np.isfinite(found.value[0] + found.value[1])
        low, high = (end.reshape(rows, count) for end in signed(found.value, self.sign))
        with np.errstate(invalid="ignore", over="ignore"):
            beyond = self._violation(points, low, high) - _PLAIN * (high - low).sum(axis=1)
        inside = ((points >= self.sides.low) & (points <= self.sides.high)).all(axis=(1, 2))
        sound = known.reshape(rows, count).all(axis=1) & inside & (beyond > 0.0)
        row = int(np.argmax(np.where(sound, beyond, -np.inf)))
        if not sound[row]:
            return ()
        said = self._values(points[row], np.repeat(labels[[row]], count, axis=0))
        exact = self.sign * said[None]
        if not (np.isfinite(said).all() and self._violation(points[[row]], exact, exact)[0] > 0.0):
            return ()
        return tuple(self._point(*each, labels[row]) for each in zip(points[row], said, strict=True))

    def _tries(self, boxes: FormulaBoxes) -> Floats:
        """Return the points of chords in every box, shape (boxes, tries, points of a chord, numbers).

        Chords cross the box, or its corner, where a kink may lie at which boxes meet, and ever shorter ones go through
        its centre. The middle of a chord is exact.
        """
        centre = boxes.centre
        if not self.order:
            return centre[:, None, None]
        low, high = self.sides.low[self.x], self.sides.high[self.x]
        half = 0.5 * boxes.width[:, self.x]
        half = np.where(boxes.jump, np.maximum(half, _ACROSS * (high - low)), half)[:, None]
        middle = np.repeat(centre[:, [self.x]], 2 + len(_STEPS), axis=1)
        middle[:, 1] = boxes.low[:, self.x]
        shorter = np.broadcast_to(0.5 * (high - low) * _STEPS, (len(boxes), len(_STEPS)))
        reach = np.minimum(np.concatenate([half, half, shorter], axis=1), 0.5 * (high - low))
        middle = np.clip(middle, low + reach, high - reach)
        # on multiples of a small power of two sums and halves are exact
        unit = 2.0 ** (np.ceil(np.log2(np.maximum(np.abs(middle) + reach, 1e-300))) - 48.0)
        middle = np.round(middle / unit) * unit
        room = np.maximum(np.minimum(middle - low, high - middle), 0.0)
        reach = np.trunc(np.minimum(reach, room) / unit) * unit
        chords = np.stack([middle - reach, middle, middle + reach], axis=2)[..., :: 3 - self.order]
        points = np.broadcast_to(centre[:, None, None], (*chords.shape, centre.shape[1])).copy()
        points[..., self.x] = chords
        return points

    def _violation(self, points: Floats, low: Floats, high: Floats) -> Floats:
        """Return the smallest violation of the fact by values between `low` and `high`, shape (rows, points)."""
        if not self.order:
            return np.asarray(self.sign * self.bound - high[:, 0])
        length = points[:, -1, self.x] - points[:, 0, self.x]
        if self.order == 1:
            return np.where(length > 0.0, low[:, 0] - high[:, 1], -np.inf)
        chord = 0.5 * high[:, 0] + 0.5 * high[:, 2]
        chord += 8.0 * EPS * (np.abs(high[:, 0]) + np.abs(high[:, 2]))
        return np.where(length > 0.0, low[:, 1] - chord, -np.inf)

    def _values(self, points: Floats, labels: Integers) -> Floats:
        """Return the formula's values, which may be non-finite, shape (points,)."""
        data: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {
            name: points[:, place] for place, name in enumerate(self.sides.numbers)
        }
        for place, (name, known) in enumerate(zip(self.sides.categories, self.sides.labels, strict=True)):
            data[name] = np.array(known, dtype=object)[labels[:, place]]
        return np.broadcast_to(computed(self.law.root, data), len(points))

    def _point(self, place: Floats, value: float, labels: Integers) -> Point:
        """Return a point, of shapes (numbers,) and (categories,), with the value there."""
        chosen = zip(self.sides.categories, self.sides.labels, labels, strict=True)
        return Point(
            tuple(zip(self.sides.numbers, map(float, place), strict=True)),
            tuple((name, known[label]) for name, known, label in chosen),
            float(value) if np.isfinite(value) else None,
        )


class DefinedMargin(FormulaMargin):
    """Zero where the formula is proved to be finite, and −∞ elsewhere."""

    def __init__(self, law: Encloser) -> None:
        super().__init__(law, (law, 1), 1, 0)
        # including the faces of the whole box
        self.own_orders = self.finer_orders = Orders(closed=True)

    def of(self, found: Enclosure) -> Pair:
        """Return it."""
        finite = found.defined & np.isfinite(found.value[0]) & np.isfinite(found.value[1])
        nowhere = np.where(finite, 0.0, -np.inf)
        return nowhere, nowhere

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return a point, at a corner or in the middle of a box, at which the formula has no finite value."""
        for place in (boxes.centre, boxes.low, boxes.high) if (boxes.labels >= 0).all() else ():
            wrong = np.flatnonzero(~np.isfinite(self._values(place, boxes.labels)))
            if len(wrong):
                return (self._point(place[wrong[0]], np.nan, boxes.labels[wrong[0]]),)
        return ()
