"""Bounds of a formula and of its derivatives over boxes, step by step through its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from kanopt.formulas.nodes import (
    Apply,
    Array,
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
from kanopt.formulas.shapes.arithmetic import NOTHING, TRUE, UNBOUNDED, Flags, Pair, chosen, swing, total
from kanopt.formulas.shapes.boxes import BoxSides, FormulaBoxes
from kanopt.formulas.shapes.curve_bounds import CurveBank, bank_key
from kanopt.formulas.shapes.jets import (
    Jet,
    JetOrders,
    compose,
    compose_all,
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


@dataclass(frozen=True)
class _Run:
    """One walk through the graph: where, what is wanted, mean values to use and to record, curves bounded so far."""

    boxes: FormulaBoxes
    wanted: JetOrders
    anchor: Mapping[bytes, Pair]
    record: dict[bytes, Pair] | None
    known: dict[int, list[Jet]]

    @cached_property
    def centre(self) -> Array:
        return self.boxes.centre


class FormulaBoundPropagator:
    """A formula's graph, prepared for bounding over boxes."""

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        self._anchored = _read_in_several_ways(postorder(root))
        self._place = {name: place for place, name in enumerate(sides.numbers)}
        nodes = postorder(root)
        self._curves = _banks([node for node in nodes if isinstance(node, Curve)])
        self._steps = {node.key: StepBounds(node, sides) for node in nodes if isinstance(node, Step)}
        self._tables = {node.key: TableBounds(node, sides) for node in nodes if isinstance(node, Table)}

    def jet(
        self,
        boxes: FormulaBoxes,
        wanted: JetOrders,
        anchor: Mapping[bytes, Pair] | None = None,
        record: dict[bytes, Pair] | None = None,
    ) -> Jet:
        """Return bounds over boxes, every array of shape (boxes,); requested derivatives in `x` are always present.

        Parameters
        ----------
        boxes
            Where.
        wanted
            The derivatives; for an anchor to be used, those along every number.
        anchor
            Bounds at the centres of the boxes of the steps that read a number in several ways. Such a step lies also
            within its mean-value form (Moore et al. 2009, ch. 6), whose excess width shrinks with the square of the
            box.
        record
            Where to put such bounds, for boxes that are points.
        """
        run = _Run(boxes, wanted, {} if anchor is None else anchor, record, {})
        with np.errstate(all="ignore"):
            found = fold(self.root, partial(self._visit, run=run))
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
            self._full_matrix(found.matrix, len(boxes), len(wanted.inputs)),
        )

    @staticmethod
    def _full_matrix(matrix: Pair | None, count: int, size: int) -> Pair | None:
        if not size:
            return None
        shape = (count, size, size)
        ends = (np.zeros(()),) * 2 if matrix is None else matrix
        return np.broadcast_to(ends[0], shape), np.broadcast_to(ends[1], shape)

    def has_no_entry(self, boxes: FormulaBoxes) -> Flags:
        """Return a mask of the boxes for which some table has no entry, so that the formula has no value there."""
        empty = np.zeros(len(boxes), dtype=bool)
        for table in self._tables.values():
            empty |= table.has_no_entry(boxes)
        return empty

    def _visit(self, node: Node, parts: list[Jet], run: _Run) -> Jet:
        found = self._bounded(node, parts, run)
        if node.key not in self._anchored:
            return found
        if run.record is not None:
            run.record[node.key] = found.value
        if node.key not in run.anchor:
            return found
        low, centre, high = run.boxes.low, run.centre, run.boxes.high
        swings = [
            swing(pair, low[:, j], centre[:, j], high[:, j])
            for j, pair in found.slope.items()
            if j < len(self.sides.numbers)
        ]
        around = total([run.anchor[node.key], *swings])
        value = np.maximum(found.value[0], around[0]), np.minimum(found.value[1], around[1])
        return replace(found, value=chosen(found.defined, value, found.value))

    def _bounded(self, node: Node, parts: list[Jet], run: _Run) -> Jet:
        boxes, wanted = run.boxes, run.wanted
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
                return self._curve(node, parts[0], run)
            case Step():
                return self._step(node, parts[0], boxes, wanted)
            case Table():
                return self._table(node, run)
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

    def _curve(self, node: Curve, u: Jet, run: _Run) -> Jet:
        bank, place = self._curves[node.key]
        if id(bank) not in run.known:
            low, high = (np.broadcast_to(end, len(run.boxes)) for end in u.value)
            orders = [order for order in range(3) if needs_derivative(order, u, run.wanted)]
            run.known[id(bank)] = compose_all(u, bank.over(orders, low, high), run.wanted)
        return run.known[id(bank)][place]

    def _table(self, node: Table, run: _Run) -> Jet:
        value = self._tables[node.key].over(run.boxes)
        found = constant_jet(value)
        places = [len(self.sides.numbers) + self.sides.categories.index(name) for name in node.inputs]
        width = value[1] - value[0]
        return replace(found, slope={place: (-width, width) for place in places if place in run.wanted.along})

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


def _banks(curves: list[Curve]) -> dict[bytes, tuple[CurveBank, int]]:
    """Return for every curve the bank in which it is bounded, and its place there."""
    groups: dict[tuple[object, ...], list[Curve]] = {}
    for curve in curves:
        groups.setdefault(bank_key(curve), []).append(curve)
    banks = [(CurveBank(group), group) for group in groups.values()]
    return {curve.key: (bank, place) for bank, group in banks for place, curve in enumerate(group)}


def _read_in_several_ways(nodes: Sequence[Node]) -> frozenset[bytes]:
    """Return the sums and products, but the last step, whose parts read a common number, so that bounds add up."""
    names: dict[bytes, frozenset[str]] = {}
    found = set()
    for node in nodes:
        below = [names[child.key] for child in node.children]
        own = frozenset({node.name}) if isinstance(node, Input) else frozenset()
        names[node.key] = own.union(*below)
        if isinstance(node, Sum | Product) and sum(map(len, below)) > len(names[node.key]):
            found.add(node.key)
    return frozenset(found - {nodes[-1].key})
