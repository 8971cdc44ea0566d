"""Evaluate a formula at points, to refute facts by counterexample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.nodes import Array, Node, computed
from kanopt.formulas.shapes.arithmetic import Flags, Integers, Pair
from kanopt.formulas.shapes.bound_propagation import FormulaBoundPropagator
from kanopt.formulas.shapes.boxes import BoxSides, FormulaBoxes
from kanopt.formulas.shapes.facts import Point
from kanopt.formulas.shapes.jets import JetOrders

__all__ = ["PointEvaluator"]


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
