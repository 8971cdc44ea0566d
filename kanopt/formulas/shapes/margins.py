"""Facts as margins: a quantity that must be non-negative everywhere in the box, and points where it is negative.

The margin of monotonicity is the first derivative, that of convexity the second, that of a bound the distance to it
(:mod:`kanopt.formulas.shapes.derivatives`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kanopt.formulas.nodes import Array
from kanopt.formulas.shapes.arithmetic import Flags, Integers, Pair
from kanopt.formulas.shapes.bound_propagation import FormulaBoundPropagator
from kanopt.formulas.shapes.boxes import FormulaBoxes
from kanopt.formulas.shapes.facts import Point
from kanopt.formulas.shapes.jets import Jet, JetOrders
from kanopt.formulas.shapes.point_evaluation import PointEvaluator

__all__ = ["ZERO", "DefinedMargin", "FormulaMargin", "MarginBounds"]

ZERO = 2.0**20
"""How many times what rounding hides counts as zero: a billionth of the terms that something is the sum of."""


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
        Bounds of the margin's derivatives by position of the number, as far as known.
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
        self.everyone = tuple(range(len(self.sides.numbers)))

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

    def hidden_by_rounding(self, boxes: FormulaBoxes, low: Array) -> Flags:
        """Return a mask of the boxes where rounding hides whether the margin is below zero.

        This is checked at three points of each box, since rounding error of an exponential at one end may be negligible
        at the other.
        """
        wanted = JetOrders(self.own_orders.x, self.own_orders.along, self.own_orders.second, sides=False)
        # between several stairs or labels it is not rounding that widens the bounds
        found = np.asarray((low < 0.0) & np.isfinite(low) & (boxes.first == boxes.last).all(axis=1))
        for name in ("centre", "low", "high"):
            rows = np.flatnonzero(found)
            if not len(rows):
                break
            here = boxes[rows]
            place = getattr(here, name)
            jet = self.tracer.jet(here.at(np.where(np.isfinite(place), place, here.centre)), wanted)
            least, most = self.of(jet)
            width = np.where(jet.defined, most - least, 0.0)
            found[rows] = np.isfinite(width) & (low[rows] >= -ZERO * width)
        return found

    @abstractmethod
    def contradiction(self, boxes: FormulaBoxes, at_centre: Array | None = None) -> tuple[Point, ...]:
        """Return points at which the formula itself contradicts the fact, if any are found.

        Parameters
        ----------
        boxes
            The boxes to search.
        at_centre
            Upper bounds of the margin at the centres, shape (boxes,): the search continues around the most negative.
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

    def contradiction(self, boxes: FormulaBoxes, at_centre: Array | None = None) -> tuple[Point, ...]:
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
