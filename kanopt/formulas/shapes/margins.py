"""Facts as margins: what must not be negative anywhere in the box, and points that show where it is.

For a fact that a formula rises the margin is its first derivative, for convex the second, for bounds the distance to
the bound (:mod:`kanopt.formulas.shapes.derivatives`).
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
    """What is known of the margin over boxes.

    Parameters
    ----------
    low
        Lower bounds, shape (boxes,); −∞ where the formula may have no finite value.
    at_centre
        Bounds at the centres, each of shape (boxes,).
    derivative
        Bounds of the margin's derivatives by position of the number, as far as they are known.
    defined
        Where the formula certainly has a finite value, without which derivatives say nothing; shape (boxes,).
    """

    low: Array
    at_centre: Pair
    derivative: Mapping[int, Pair]
    defined: Flags

    def take(self, rows: Flags | Integers) -> MarginBounds:
        """Return what is known of some of the boxes."""
        pairs = {j: (low[rows], high[rows]) for j, (low, high) in self.derivative.items()}
        at_centre = self.at_centre[0][rows], self.at_centre[1][rows]
        return MarginBounds(self.low[rows], at_centre, pairs, self.defined[rows])


class FormulaMargin(ABC):
    """What must not be negative.

    Parameters
    ----------
    law
        The formula, which points must contradict.
    x
        Position of the number in question; −1 for bounds.
    sign
        −1 where the fact is that of minus the formula.
    core
        What the margin is taken of, the part of the formula that settles the fact, and the sign of that part.
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
        """What the margin itself needs."""

    @abstractmethod
    def of(self, jet: Jet) -> Pair:
        """Return bounds of the margin."""

    @abstractmethod
    def examine(self, boxes: FormulaBoxes) -> MarginBounds:
        """Return bounds over boxes, with all that is known."""

    def low(self, boxes: FormulaBoxes) -> Array:
        """Return lower bounds of the margin, shape (boxes,)."""
        jet = self.tracer.jet(boxes, self.own_orders)
        return self._claimed(self.of(jet)[0], jet, boxes)

    def _claimed(self, low: Array, jet: Jet, boxes: FormulaBoxes) -> Array:
        """Return the bound, −∞ where the formula may have no finite value, +∞ where a table has no entry."""
        return np.where(self.tracer.has_no_entry(boxes), np.inf, np.where(jet.defined, low, -np.inf))

    def hidden_by_rounding(self, boxes: FormulaBoxes, low: Array) -> Flags:
        """Return where rounding hides that the margin is below zero: where `low` counts as zero at points of the box.

        It must do so at three places of each box, since what rounding hides of an exponential at one end may be a lot
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
            Looked at from end to end.
        at_centre
            Upper bounds of the margin at the centres, shape (boxes,): those where it is most negative are looked
            around.
        """

    def _labels(self, boxes: FormulaBoxes) -> Integers:
        """Return the positions of labels in the middle of the runs, shape (boxes, categories)."""
        return (boxes.first + boxes.last)[:, len(self.sides.numbers) :] // 2


class DefinedMargin(FormulaMargin):
    """Zero where the formula has a finite value for certain, and −∞ elsewhere."""

    def __init__(self, law: PointEvaluator, graph: FormulaBoundPropagator) -> None:
        super().__init__(law, -1, 1, (graph, 1))

    @property
    def own_orders(self) -> JetOrders:
        """The value alone, on the faces of the whole too."""
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
