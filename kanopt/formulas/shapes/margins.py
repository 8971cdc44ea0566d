"""Facts as margins: a quantity that must be non-negative everywhere in the box, and points where it is negative.

The margin of monotonicity is the first derivative, that of convexity the second, that of a bound the distance to it
(:mod:`kanopt.formulas.shapes.derivatives`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.nodes import Array, Node, computed
from kanopt.formulas.shapes.arithmetic import Flags, Integers, Pair
from kanopt.formulas.shapes.bound_propagation import FormulaBoundPropagator
from kanopt.formulas.shapes.boxes import BoxSides, FormulaBoxes
from kanopt.formulas.shapes.facts import Point
from kanopt.formulas.shapes.jets import Jet, JetOrders

__all__ = ["DefinedMargin", "FormulaMargin", "MarginBounds", "PointEvaluator"]


class PointEvaluator:
    """A formula evaluated at points (points, numbers), with categories given as indices `labels` of their labels."""

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        self._tracer = FormulaBoundPropagator(root, sides)

    def enclosures(self, points: Array, labels: Integers) -> tuple[Pair, Flags]:
        """Return bounds of the exact values, and a mask of the points where one is proved to exist."""
        boxes = self.sides.points(points, labels)
        jet = self._tracer.jet(boxes, JetOrders())
        known = jet.defined & ~self._tracer.has_no_entry(boxes) & np.isfinite(jet.value[0] + jet.value[1])
        return jet.value, known

    def has_no_entry(self, boxes: FormulaBoxes) -> Flags:
        """Return a mask of the boxes for which some table has no entry."""
        return self._tracer.has_no_entry(boxes)

    def values(self, points: Array, labels: Integers) -> Array:
        """Return its values, which may be non-finite, shape (points,); every table must have an entry."""
        data: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {
            name: points[:, place] for place, name in enumerate(self.sides.numbers)
        }
        for place, (name, known) in enumerate(zip(self.sides.categories, self.sides.labels, strict=True)):
            data[name] = np.array(known, dtype=object)[labels[:, place]]
        return np.broadcast_to(computed(self.root, data), len(points))

    def point(self, place: Array, labels: Integers, value: float) -> Point:
        """Return a point, of shapes (numbers,) and (categories,), with the value there."""
        chosen = zip(self.sides.categories, self.sides.labels, labels, strict=True)
        return Point(
            tuple(zip(self.sides.numbers, map(float, place), strict=True)),
            tuple((name, known[label]) for name, known, label in chosen),
            float(value) if np.isfinite(value) else None,
        )


_ZERO = 2.0**20
"""How many times what rounding hides counts as zero: a billionth of the terms that something is the sum of."""
_SURE, _SHARE = 2.0**6, 1e-6
"""That many times it does so in any case; more of it up to this share of the largest margin, as it may be magnified."""
_FAR = 2.0**10
_ALWAYS, _CORNERS = 3, 4


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

    low: Array
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
    x
        Position of the number in question; −1 for bounds.
    sign
        −1 if the fact is one about minus the formula.
    core
        The part of the formula that determines the fact, of which the margin is computed, and its sign.
    """

    def __init__(
        self, law: PointEvaluator, x: int, sign: int, core: tuple[FormulaBoundPropagator, int]
    ) -> None:
        self.law, self.sides, self.x, self.sign = law, law.sides, x, sign
        self.tracer, direction = core
        self.core_sign = sign * direction
        self.everyone = tuple(range(len(self.sides.numbers) + len(self.sides.categories)))

    @property
    @abstractmethod
    def own_orders(self) -> JetOrders:
        """The derivatives of which the margin consists."""

    @abstractmethod
    def of(self, jet: Jet) -> Pair:
        """Return bounds of the margin."""

    @abstractmethod
    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes, with centres and derivatives where available."""

    def low(self, boxes: FormulaBoxes) -> Array:
        """Return lower bounds of the margin, shape (boxes,)."""
        jet = self.tracer.jet(boxes, self.own_orders)
        return self._claimed(self.of(jet)[0], jet, boxes)

    def _claimed(self, low: Array, jet: Jet, boxes: FormulaBoxes) -> Array:
        """Return the bound, −∞ where the formula may be undefined, +∞ where a table has no entry."""
        return np.where(self.tracer.has_no_entry(boxes), np.inf, np.where(jet.defined, low, -np.inf))

    def hidden_by_rounding(self, boxes: FormulaBoxes, finding: MarginBounds, size: float) -> Flags:
        """Return a mask of the boxes where rounding hides whether the margin is below zero.

        This is checked at three points of each box, since rounding error of an exponential at one end may be negligible
        at the other, with the middle, the first and the last of its labels. Points at which the margin is exact and not
        negative, as where a law is held at a constant, tell nothing; where all three are of that kind, other corners
        are looked at.

        Parameters
        ----------
        boxes, finding
            The boxes, and the bounds there.
        size
            The largest margin in a sample of the whole box.
        """
        low, width = finding.low, finding.at_centre[1] - finding.at_centre[0]
        # between several stairs it is not rounding that widens the bounds
        stairs = (boxes.first == boxes.last)[:, : len(self.sides.numbers)]
        found = np.asarray((low < 0.0) & np.isfinite(low) & stairs.all(axis=1))
        # far beyond what rounding does at the centre there is nothing to look for
        found &= ~((width > 0.0) & (low < -_FAR * _ZERO * width))
        told = np.zeros(len(boxes), dtype=bool)
        for place, (numbers, labels) in enumerate(_places(boxes)):
            rows = np.flatnonzero(found & ~told) if place >= _ALWAYS else np.flatnonzero(found)
            if not len(rows):
                break
            least, width = self._at_points(boxes[rows], numbers[rows], labels[rows])
            allowed = np.minimum(_ZERO * width, np.maximum(_SURE * width, _SHARE * size))
            exact = (width == 0.0) & (least >= 0.0)
            found[rows] = exact | (np.isfinite(width) & (low[rows] >= -allowed))
            told[rows] |= ~exact
        return found & told

    def _at_points(self, boxes: FormulaBoxes, numbers: Array, labels: Integers) -> Pair:
        """Return lower bounds of the margin at points of boxes, and the widths of its bounds."""
        here = replace(boxes, first=labels, last=labels)
        jet = self.tracer.jet(
            here.at(np.where(np.isfinite(numbers), numbers, boxes.centre)),
            replace(self.own_orders, sides=False),
        )
        least, most = self.of(jet)
        return least, np.where(jet.defined, most - least, 0.0)

    @abstractmethod
    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return points at which the formula itself contradicts the fact, if any are found.

        Parameters
        ----------
        boxes
            The boxes to search.
        finding
            What is known of the margin there: the search continues around the centres where it is most negative.
        """

    def _labels(self, boxes: FormulaBoxes) -> Integers:
        """Return the indices of the middle labels, shape (boxes, categories)."""
        return (boxes.first + boxes.last)[:, len(self.sides.numbers) :] // 2


class DefinedMargin(FormulaMargin):
    """Zero where the formula is proved to be finite, and −∞ elsewhere."""

    def __init__(self, law: PointEvaluator, graph: FormulaBoundPropagator) -> None:
        super().__init__(law, -1, 1, (graph, 1))

    @property
    def own_orders(self) -> JetOrders:
        """The value only, including the faces of the whole box."""
        return JetOrders(closed=True)

    def of(self, jet: Jet) -> Pair:
        """Return it."""
        nowhere = np.where(jet.defined, 0.0, -np.inf)
        return nowhere, nowhere

    def _claimed(self, low: Array, jet: Jet, boxes: FormulaBoxes) -> Array:
        # of an endless box the values may be endless and yet each of them finite
        endless = ~np.isfinite(boxes.width).all(axis=1)
        finite = np.isfinite(jet.value[0]) & np.isfinite(jet.value[1])
        return super()._claimed(np.where(finite | endless, low, -np.inf), jet, boxes)

    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return it over boxes."""
        low = self.low(boxes)
        return MarginBounds(low, (low, low), {}, np.ones(len(boxes), dtype=bool))

    def contradiction(self, boxes: FormulaBoxes, finding: MarginBounds | None = None) -> tuple[Point, ...]:
        """Return a point, at a corner or in the middle of a box, at which the formula has no finite value."""
        labels = self._labels(boxes)
        for place in (boxes.centre, boxes.low, boxes.high):
            rows = np.flatnonzero(np.isfinite(place).all(axis=1))
            rows = rows[~self.law.has_no_entry(self.sides.points(place[rows], labels[rows]))]
            said = self.law.values(place[rows], labels[rows])
            wrong = rows[~np.isfinite(said)]
            if len(wrong):
                return (self.law.point(place[wrong[0]], labels[wrong[0]], np.nan),)
        return ()


def _places(boxes: FormulaBoxes) -> Iterator[tuple[Array, Integers]]:
    """Yield points of boxes and their labels: the middle, two opposite corners, and others if there are few sides."""
    yield boxes.centre, (boxes.first + boxes.last) // 2
    yield boxes.low, boxes.first
    yield boxes.high, boxes.last
    wide = np.flatnonzero((boxes.low < boxes.high).any(axis=0))
    if len(wide) <= _CORNERS:
        for upper in product((False, True), repeat=len(wide)):
            corner = boxes.low.copy()
            corner[:, wide] = np.where(upper, boxes.high[:, wide], corner[:, wide])
            yield corner, boxes.first
