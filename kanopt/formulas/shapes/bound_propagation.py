"""Bounds of a formula and of its derivatives over boxes, step by step through its graph."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    fold,
    postorder,
)
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.shapes.arithmetic import NOTHING, TRUE, UNBOUNDED, Flags, Pair, chosen
from kanopt.formulas.shapes.boxes import BoxSides, FormulaBoxes
from kanopt.formulas.shapes.curve_bounds import CurveBounds
from kanopt.formulas.shapes.jets import (
    Jet,
    JetOrders,
    compose,
    constant_jet,
    count_parts,
    function_of,
    maximum_of,
    minimum_of,
    needs_derivative,
    power_of,
    product_of,
    sum_of,
)
from kanopt.formulas.shapes.tabulated import StepBounds, TableBounds

__all__ = ["FormulaBoundPropagator"]

_ONE: Pair = (np.ones(()), np.ones(()))


class FormulaBoundPropagator:
    """A formula's graph, prepared for bounding over boxes."""

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        self._place = {name: place for place, name in enumerate(sides.numbers)}
        nodes = postorder(root)
        self._curves = {node.key: CurveBounds(node) for node in nodes if isinstance(node, Curve)}
        self._steps = {node.key: StepBounds(node, sides) for node in nodes if isinstance(node, Step)}
        self._tables = {node.key: TableBounds(node, sides) for node in nodes if isinstance(node, Table)}

    def jet(self, boxes: FormulaBoxes, wanted: JetOrders) -> Jet:
        """Return bounds over boxes, every array of shape (boxes,); requested derivatives in `x` are always present."""
        with np.errstate(all="ignore"):
            found = fold(self.root, partial(self._visit, boxes=boxes, wanted=wanted))
        shape = (len(boxes),)

        def full(pair: Pair) -> Pair:
            return np.broadcast_to(pair[0], shape), np.broadcast_to(pair[1], shape)

        still = {wanted.x: NOTHING} if wanted.x >= 0 else {}
        bend = {**still, **found.curvature} if wanted.second else {}
        return Jet(
            full(found.value),
            {place: full(pair) for place, pair in {**still, **found.slope}.items()},
            {place: full(pair) for place, pair in bend.items()},
            np.broadcast_to(found.defined, shape),
            np.broadcast_to(found.positive, shape),
        )

    def has_no_entry(self, boxes: FormulaBoxes) -> Flags:
        """Return a mask of the boxes for which some table has no entry, so that the formula has no value there."""
        empty = np.zeros(len(boxes), dtype=bool)
        for table in self._tables.values():
            empty |= table.has_no_entry(boxes)
        return empty

    def _visit(self, node: Node, parts: list[Jet], boxes: FormulaBoxes, wanted: JetOrders) -> Jet:
        match node:
            case Constant():
                value = np.asarray(node.value)
                return Jet((value, value), {}, {}, TRUE, np.asarray(value > 0.0))
            case Input():
                return self._input(self._place[node.name], boxes, wanted)
            case Sum():
                return sum_of(count_parts(node, parts), wanted)
            case Product():
                return product_of(count_parts(node, parts), wanted)
            case Maximum():
                return maximum_of(parts, wanted)
            case Minimum():
                return minimum_of(parts, wanted)
            case Power():
                return power_of(node, parts, wanted)
            case Apply():
                return function_of(node.function, parts[0], wanted)
            case Curve():
                return self._curve(node, parts[0], boxes, wanted)
            case Step():
                return self._step(node, parts[0], boxes, wanted)
            case Table():
                return constant_jet(self._tables[node.key].over(boxes))
        raise TypeError(f"no bounds for {type(node).__name__}")

    def _input(self, place: int, boxes: FormulaBoxes, wanted: JetOrders) -> Jet:
        low, high = boxes.low[:, place], boxes.high[:, place]
        slope = {place: _ONE} if place in wanted.along else {}
        if place == wanted.x and boxes.jump.any():
            # across a stair nothing but the stair moves
            still = np.where(boxes.jump, 0.0, 1.0)
            slope = {place: (still, still)}
        on_face = (low == 0.0) & (high > 0.0) & (self.sides.low[place] == 0.0)
        positive = (low > 0.0) if wanted.closed else (low > 0.0) | on_face
        return Jet((low, high), slope, {}, TRUE, positive)

    def _curve(self, node: Curve, u: Jet, boxes: FormulaBoxes, wanted: JetOrders) -> Jet:
        curve = self._curves[node.key]
        low, high = (np.broadcast_to(end, len(boxes)) for end in u.value)
        orders = [
            curve.over(order, low, high) if needs_derivative(order, u, wanted) else NOTHING
            for order in range(3)
        ]
        if not wanted.sides:
            orders = [(a - size, b + size) for (a, b), size in zip(orders, curve.rounding, strict=True)]
        return compose(u, (orders[0], orders[1], orders[2]), wanted)

    def _step(self, node: Step, u: Jet, boxes: FormulaBoxes, wanted: JetOrders) -> Jet:
        steps = self._steps[node.key]
        place = self._place[node.argument.name] if isinstance(node.argument, Input) else None
        if place is None:
            low, high = (np.broadcast_to(end, len(boxes)) for end in u.value)
            if not wanted.sides:
                low = high = 0.5 * low + 0.5 * high
            value, quotient, jumps = steps.anywhere(low, high)
        else:
            value, quotient, jumps = steps.on_stairs(boxes.first[:, place], boxes.last[:, place])
        bend = chosen(jumps, UNBOUNDED, NOTHING)
        found = compose(u, (value, quotient, bend), wanted)
        if place is None or place != wanted.x or not boxes.jump.any():
            return found
        height = steps.height(boxes.first[:, place], boxes.last[:, place])
        slope = chosen(boxes.jump, height, found.slope[place])
        bends = {j: chosen(boxes.jump, NOTHING, pair) for j, pair in found.curvature.items()}
        return replace(found, slope={**found.slope, place: slope}, curvature=bends)
