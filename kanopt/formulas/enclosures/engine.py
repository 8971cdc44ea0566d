"""Bounds of a formula and of its derivatives over boxes, step by step through its graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula, Bounds
from kanopt.formulas.enclosures.arithmetic import (
    NOTHING,
    TRUE,
    CurveBank,
    Flags,
    Pair,
    Stairs,
    chosen,
    minus,
    times,
    total,
    within,
)
from kanopt.formulas.enclosures.boxes import BoxSides, FormulaBoxes, entries, sides_of
from kanopt.formulas.enclosures.enclosure import Enclosure, Orders
from kanopt.formulas.enclosures.rules import composed, curves, enclosed
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Input, Node, Power, Product, Sum, fold, postorder
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.text import number_text

_ONE: Pair = (np.ones(()), np.ones(()))


@dataclass(frozen=True)
class _Walk:
    """One walk through the graph: where, what is wanted, mean values to use and to record, curves bounded so far."""

    boxes: FormulaBoxes
    wanted: Orders
    anchor: Mapping[bytes, Pair]
    record: dict[bytes, Pair] | None
    known: dict[bytes, Enclosure]

    @cached_property
    def centre(self) -> Floats:
        return self.boxes.centre


class Encloser:
    """A formula's graph, prepared for bounding over boxes.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> sides = BoxSides.of({"x": (0.0, 2.0)}, ())
    >>> found = Encloser(Apply("square", Input("x")), sides).over(sides.whole(), Orders(2, (0,), 0))
    >>> pairs = found.value, found.slope[0], found.curvature[0]
    >>> [(round(float(low[0]), 9), round(float(high[0]), 9)) for low, high in pairs]
    [(0.0, 4.0), (0.0, 4.0), (2.0, 2.0)]
    """

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        nodes = postorder(root)
        self._place = {name: place for place, name in enumerate(sides.numbers)}
        self._curves = _banks([node for node in nodes if isinstance(node, Curve)])
        self._stairs = {
            node.key: self._stairs_of(node, node.argument.name)
            for node in nodes
            if isinstance(node, Step) and isinstance(node.argument, Input)
        }
        self._tables = {node.key: _Entries(node, sides) for node in nodes if isinstance(node, Table)}

    @cached_property
    def _anchored(self) -> frozenset[bytes]:
        return _read_in_several_ways(postorder(self.root))

    def over(
        self,
        boxes: FormulaBoxes,
        wanted: Orders,
        anchor: Mapping[bytes, Pair] | None = None,
        record: dict[bytes, Pair] | None = None,
    ) -> Enclosure:
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
        walk = _Walk(boxes, wanted, {} if anchor is None else anchor, record, {})
        with np.errstate(all="ignore"):
            found = fold(self.root, partial(self._visit, walk=walk))
        shape, size = (len(boxes),), len(wanted.inputs)

        def full(pair: Pair, shape: tuple[int, ...] = shape) -> Pair:
            return np.broadcast_to(pair[0], shape), np.broadcast_to(pair[1], shape)

        still = {wanted.x: NOTHING} if wanted.x >= 0 else {}
        bend = {**still, **found.curvature} if wanted.second else {}
        return Enclosure(
            full(found.value),
            {place: full(pair) for place, pair in {**still, **found.slope}.items()},
            {place: full(pair) for place, pair in bend.items()},
            np.broadcast_to(found.defined, shape),
            np.broadcast_to(found.positive, shape),
            full(found.matrix or NOTHING, (len(boxes), size, size)) if size else None,
            found.error,
        )

    def steps(self, boxes: FormulaBoxes, wanted: Orders) -> dict[bytes, Enclosure]:
        """Return bounds at every step of the graph, by its key."""
        walk, found = _Walk(boxes, wanted, {}, None, {}), dict[bytes, Enclosure]()
        with np.errstate(all="ignore"):
            for node in postorder(self.root):
                found[node.key] = self._visit(node, [found[child.key] for child in node.children], walk)
        return found

    def has_no_entry(self, boxes: FormulaBoxes) -> Flags:
        """Return a mask of the boxes for which some table has no entry, so that the formula has no value there."""
        empty = np.zeros(len(boxes), dtype=bool)
        for table in self._tables.values():
            if table.gaps:
                low, high = table.over(boxes)
                empty |= low > high
        return empty

    def _visit(self, node: Node, parts: list[Enclosure], walk: _Walk) -> Enclosure:
        found = self._bounded(node, parts, walk)
        if walk.record is not None and node.key in self._anchored:
            walk.record[node.key] = found.value
        if node.key not in walk.anchor:
            return found
        around = mean_value(walk.anchor[node.key], found.slope, walk.boxes, walk.centre)
        value = np.maximum(found.value[0], around[0]), np.minimum(found.value[1], around[1])
        return found._replace(value=chosen(found.defined, value, found.value))

    def _bounded(self, node: Node, parts: list[Enclosure], walk: _Walk) -> Enclosure:
        if isinstance(node, Input):
            return self._input(self._place[node.name], walk.boxes, walk.wanted)
        if isinstance(node, Table):
            return self._table(node, walk)
        if isinstance(node, Curve):
            if node.key not in walk.known:
                bank, group = self._curves[node.key]
                walk.known.update(
                    zip([each.key for each in group], curves(group, bank, parts[0], walk.wanted), strict=True)
                )
            return walk.known[node.key]
        if isinstance(node, Step):
            return self._step(node, parts[0], walk)
        return enclosed(node, parts, walk.wanted)

    def _input(self, place: int, boxes: FormulaBoxes, wanted: Orders) -> Enclosure:
        low, high = boxes.low[:, place], boxes.high[:, place]
        slope = {place: _ONE} if place in wanted.along else {}
        if place == wanted.x and boxes.jump.any():
            # across a stair nothing but the stair moves
            still = np.where(boxes.jump, 0.0, 1.0)
            slope = {place: (still, still)}
        on_face = (low == 0.0) & (high > 0.0) & (self.sides.low[place] == 0.0)
        positive = (low > 0.0) if wanted.closed else (low > 0.0) | on_face
        return Enclosure((low, high), slope, {}, TRUE, positive)

    def _table(self, node: Table, walk: _Walk) -> Enclosure:
        low, high = self._tables[node.key].over(walk.boxes)
        none = low > high
        low, high = np.where(none, 0.0, low), np.where(none, 0.0, high)
        places = [len(self.sides.numbers) + self.sides.categories.index(name) for name in node.inputs]
        change = low - high, high - low
        slope = {place: change for place in places if place in walk.wanted.along}
        return Enclosure.of((low, high))._replace(slope=slope)

    def _stairs_of(self, step: Step, name: str) -> Stairs:
        """Return the values by the stairs of all step functions of an input."""
        values = np.asarray(step.values)
        edges = self.sides.step_edges[self.sides.numbers.index(name)]
        after = np.searchsorted(np.asarray(step.breakpoints), edges, side="right")
        return Stairs(np.concatenate([values[:1], values[after]]))

    def _step(self, node: Step, u: Enclosure, walk: _Walk) -> Enclosure:
        boxes, wanted = walk.boxes, walk.wanted
        if not isinstance(node.argument, Input):
            middle = 0.5 * u.value[0] + 0.5 * u.value[1]
            return enclosed(node, [u if wanted.sides else u._replace(value=(middle, middle))], wanted)
        stairs, place = self._stairs[node.key], self._place[node.argument.name]
        first, last = boxes.first[:, place], boxes.last[:, place]
        found = composed(u, stairs.over(first, last), wanted)
        if place != wanted.x or not boxes.jump.any():
            return found
        slope = chosen(boxes.jump, stairs.height(first, last), found.slope[place])
        bends = {j: chosen(boxes.jump, NOTHING, pair) for j, pair in found.curvature.items()}
        return found._replace(slope={**found.slope, place: slope}, curvature=bends)


class _Entries:
    """A table of categories over ranges of their labels."""

    def __init__(self, table: Table, sides: BoxSides) -> None:
        self._grid = entries(table, sides)
        self._columns = [len(sides.numbers) + sides.categories.index(name) for name in table.inputs]
        self.gaps = bool(np.isnan(self._grid).any())

    def over(self, boxes: FormulaBoxes) -> Pair:
        """Return the smallest and the largest entry; ∞ and −∞ where there is none."""
        first, last = boxes.first[:, self._columns], boxes.last[:, self._columns]
        if (first == last).all():
            found = self._grid[tuple(first.T)]
            none = np.isnan(found)
            return np.where(none, np.inf, found), np.where(none, -np.inf, found)
        if self._grid.ndim == 1:
            return within(self._grid, self._grid, first[:, 0], last[:, 0])
        blocks = [self._block(start, stop) for start, stop in zip(first, last, strict=True)]
        low, high = (np.array(ends) for ends in zip(*blocks, strict=True))
        return low, high

    def _block(self, first: Integers, last: Integers) -> tuple[float, float]:
        block = self._grid[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
        found = block[~np.isnan(block)]
        return (float(found.min()), float(found.max())) if found.size else (np.inf, -np.inf)


def mean_value(at_centre: Pair, derivatives: Mapping[int, Pair], boxes: FormulaBoxes, centre: Floats) -> Pair:
    """Return bounds by the mean-value form (Moore et al. 2009, ch. 6); labels of categories do not move."""
    swings = [
        times(pair, minus((boxes.low[:, j], boxes.high[:, j]), (centre[:, j], centre[:, j])))
        for j, pair in derivatives.items()
        if j < boxes.low.shape[1]
    ]
    return total([at_centre, *swings])


def _banks(nodes: list[Curve]) -> dict[bytes, tuple[CurveBank, list[Curve]]]:
    """Return for every curve the bank in which it is bounded, and the curves there."""
    groups: dict[tuple[object, ...], list[Curve]] = {}
    for curve in nodes:
        knots = curve.argument.key, curve.low, curve.high, curve.grid_size, curve.periodic
        groups.setdefault(knots, []).append(curve)
    banks = [(CurveBank(group), group) for group in groups.values()]
    return {curve.key: (bank, group) for bank, group in banks for curve in group}


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


# Bounds of every step of a formula over ranges of its inputs, and how far floating point may be off there.
#
# Interval arithmetic (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 2) over the
# graph, rounded outwards, so that every finite value lies within; where an input occurs several times the
# bounds are valid but not the tightest.

_BOXES = 256


def interval(formula: BaseFormula, ranges: Mapping[str, Any] | None = None) -> Bounds:
    """Return bounds of the formula over all values of the inputs within the given ranges.

    Parameters
    ----------
    ranges
        Input name to ``(low, high)`` or a number; for a category, to one label or several. Inputs not
        named take the domain's range, or their declared bounds.

    Raises
    ------
    FormulaError
        If a name is not an input, a range is empty, or the formula is defined nowhere in it.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> low, high = parse_formula("x^2 - 1", [Variable("x")], Variable("y")).interval({"x": (-2, 1)})
    >>> round(low, 6), round(high, 6)
    (-1.0, 3.0)
    """
    sides = sides_of(formula, {} if ranges is None else ranges)
    try:
        return _steps(formula, sides)[formula.root.key].ends
    except FormulaError as error:
        raise FormulaError(f"{formula.title}: {error}") from error


def _steps(formula: BaseFormula, sides: BoxSides) -> dict[bytes, Enclosure]:
    """Return bounds of every step over the whole ranges; refuse one that is defined nowhere in them."""
    encloser, whole = Encloser(formula.root, sides), sides.whole()
    if encloser.has_no_entry(whole).any():
        raise FormulaError("a table has no entry for the given categories")
    found = encloser.steps(whole, Orders())
    for node in postorder(formula.root):
        _check_defined(node, found)
    return found


def _check_defined(node: Node, found: Mapping[bytes, Enclosure]) -> None:
    """Refuse a step that is defined nowhere in the range of what it is of."""
    if not isinstance(node, Apply | Power):
        return
    low, high = found[node.children[0].key].ends
    between = f"something between {number_text(low, 6)} and {number_text(high, 6)}"
    if isinstance(node, Power):
        power = found[node.exponent.key].number
        if power is not None and power % 1.0 and high < 0.0:
            raise FormulaError(f"{between} to the power of {number_text(power, 6)} is not defined")
        return
    function = function_named(node.function)
    if high < function.low or low > function.high:
        known = f"from {number_text(function.low, 6)} to {number_text(function.high, 6)}"
        raise FormulaError(f"{node.function} of {between}: it is defined {known}")


class Enclosures:
    """Bounds of each step of a graph over a box of inputs, and of the rounding of the whole.

    Parameters
    ----------
    root
        The graph, without tables.
    ranges
        The range of each input.

    Examples
    --------
    >>> x = Input("x")
    >>> found = Enclosures(x * x - x, {"x": (0.0, 1.0)})
    >>> [round(end, 2) for end in found.range(x * x)], found.rounding < 1e-14
    ([0.0, 1.0], True)
    """

    def __init__(self, root: Node, ranges: Mapping[str, Bounds]) -> None:
        self.root, self.ranges = root, ranges
        nodes = postorder(root)
        read = {node.name: ranges[node.name] for node in nodes if isinstance(node, Input)}
        sides = BoxSides.of(read, nodes)
        found = Encloser(root, sides).steps(sides.boxes(*_grid(sides)), Orders(errors=True))
        self._ranges = {key: each.ends for key, each in found.items()}
        self.rounding = float(np.max(found[root.key].error.off))
        """How far the evaluated root may be from the root, at most."""

    def range(self, node: Node) -> Bounds:
        """Return bounds of a step; infinite where it may have no finite value."""
        return self._ranges[node.key]


def _grid(sides: BoxSides) -> tuple[Floats, Floats]:
    """Return the ends of boxes that fill the ranges, each of shape (boxes, numbers)."""
    low, high, count = sides.low, sides.high, len(sides.numbers)
    each = max(int(_BOXES ** (1.0 / max(count, 1)) + 1e-9), 1)
    if each == 1 or not count:
        return low[None], high[None]
    place = np.stack(np.unravel_index(np.arange(each**count), (each,) * count), axis=1)
    edges = np.linspace(low, high, each + 1)
    columns = np.arange(count)
    return edges[place, columns], edges[place + 1, columns]
