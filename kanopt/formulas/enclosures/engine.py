"""Bounds of a formula and of its derivatives over boxes, step by step through its graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula, Bounds
from kanopt.formulas.enclosures.arithmetic import (
    NOTHING,
    TRUE,
    CurveBounds,
    Pair,
    Stairs,
    chosen,
    minus,
    times,
    total,
)
from kanopt.formulas.enclosures.boxes import BoxSides, FormulaBoxes, entries, sides_of
from kanopt.formulas.enclosures.rules import Enclosure, Orders, along, composed, curved, enclosed
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Input, Node, Power, fold, postorder
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import short_text
from kanopt.text import number_text


class Encloser:
    """A formula's graph, prepared for bounding over boxes.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> sides = BoxSides.of({"x": (0.0, 2.0)}, ())
    >>> found = Encloser(Apply("square", Input("x")), sides).over(sides.whole(()), Orders(2, 0))
    >>> [[round(end.item(), 9) for end in pair] for pair in (found.value, found.slope, found.curvature)]
    [[0.0, 4.0], [0.0, 4.0], [2.0, 2.0]]
    """

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        nodes = postorder(root)
        self._place = {name: place for place, name in enumerate(sides.numbers)}
        self._curves = {node.key: CurveBounds(node) for node in nodes if isinstance(node, Curve)}
        self._stairs = {
            node.key: self._stairs_of(node, node.argument.name)
            for node in nodes
            if isinstance(node, Step) and isinstance(node.argument, Input)
        }
        self._tables = {
            node.key: entries(node, sides.categories, sides.labels)
            for node in nodes
            if isinstance(node, Table)
        }

    def whole(self) -> FormulaBoxes:
        """Return the whole as boxes, one for every combination of labels that it reads."""
        return self.sides.whole({name for node in postorder(self.root) for name in node.names})

    def over(self, boxes: FormulaBoxes, wanted: Orders) -> Enclosure:
        """Return bounds over boxes, in full: (boxes,), and (sides, boxes) of the derivatives that are asked for."""
        with np.errstate(all="ignore"):
            found = fold(self.root, lambda node, parts: self._visit(node, parts, boxes, wanted))
        shapes = (len(boxes),), (len(self._place), len(boxes))

        def full(pair: Pair, is_asked: bool = True) -> Pair:
            low, high = (np.broadcast_to(end, shapes[pair is not found.value]) for end in pair)
            return (low, high) if is_asked else NOTHING

        return Enclosure(
            full(found.value),
            full(found.slope, wanted.order > 0),
            full(found.curvature, wanted.second),
            np.broadcast_to(found.defined, shapes[0]),
            np.broadcast_to(found.positive, shapes[0]),
            found.off,
        )

    def steps(self, boxes: FormulaBoxes, wanted: Orders) -> dict[bytes, Enclosure]:
        """Return bounds at every step of the graph, by its key."""
        found: dict[bytes, Enclosure] = {}
        with np.errstate(all="ignore"):
            for node in postorder(self.root):
                below = [found[child.key] for child in node.children]
                found[node.key] = self._visit(node, below, boxes, wanted)
        return found

    def _visit(self, node: Node, parts: list[Enclosure], boxes: FormulaBoxes, wanted: Orders) -> Enclosure:
        if isinstance(node, Input):
            return self._input(self._place[node.name], boxes, wanted)
        if isinstance(node, Table):
            labels = boxes.labels[:, [self.sides.categories.index(name) for name in node.inputs]]
            low, high = self._tables[node.key]
            return Enclosure.of((low[tuple(labels.T)], high[tuple(labels.T)]))
        if isinstance(node, Curve):
            return curved(node, self._curves[node.key], parts[0], wanted)
        if isinstance(node, Step):
            return self._step(node, parts[0], boxes, wanted)
        return enclosed(node, parts, wanted)

    def _input(self, place: int, boxes: FormulaBoxes, wanted: Orders) -> Enclosure:
        low, high = boxes.low[:, place], boxes.high[:, place]
        slope = NOTHING
        if wanted.order:
            # across a stair nothing but the stair moves
            still = boxes.jump if place == wanted.x else np.zeros(1, dtype=bool)
            slope = ((np.arange(len(self._place)) == place)[:, None] * np.where(still, 0.0, 1.0),) * 2
        on_face = (low == 0.0) & (high > 0.0) & (self.sides.low[place] == 0.0)
        positive = (low > 0.0) if wanted.closed else (low > 0.0) | on_face
        return Enclosure((low, high), slope, NOTHING, TRUE, positive)

    def _stairs_of(self, step: Step, name: str) -> Stairs:
        """Return the values by the stairs of all step functions of an input."""
        values = np.asarray(step.values)
        edges = self.sides.step_edges[self.sides.numbers.index(name)]
        after = np.searchsorted(np.asarray(step.breakpoints), edges, side="right")
        return Stairs(np.concatenate([values[:1], values[after]]))

    def _step(self, node: Step, u: Enclosure, boxes: FormulaBoxes, wanted: Orders) -> Enclosure:
        if not isinstance(node.argument, Input):
            middle = 0.5 * u.value[0] + 0.5 * u.value[1]
            return enclosed(node, [u if wanted.sides else u._replace(value=(middle, middle))], wanted)
        stairs, place = self._stairs[node.key], self._place[node.argument.name]
        first, last = boxes.first[:, place], boxes.last[:, place]
        found = composed(u, stairs.over(first, last), wanted)
        if place != wanted.x or not boxes.jump.any():
            return found
        low, high = found.slope
        low[place], high[place] = chosen(boxes.jump, stairs.height(first, last), along(found.slope, place))
        bends = (
            found.curvature if found.curvature is NOTHING else chosen(boxes.jump, NOTHING, found.curvature)
        )
        return found._replace(curvature=bends)


def mean_value(at_centre: Pair, derivatives: Pair, boxes: FormulaBoxes, centre: Floats) -> Pair:
    """Return bounds by the mean-value form (Moore et al. 2009, ch. 6)."""
    swings = times(derivatives, minus((boxes.low.T, boxes.high.T), (centre.T, centre.T)))
    return total([at_centre, *zip(*swings, strict=True)])


# Bounds of every step of a formula over ranges of its inputs, and how far floating point may be off there.
#
# Interval arithmetic (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 2) over the
# graph, rounded outwards, so that every finite value lies within; where an input occurs several times the
# bounds are valid but not the tightest.


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
    whole = replace(sides.whole(()), labels=np.full((1, len(sides.labels)), -1))
    found = Encloser(formula.root, sides).steps(whole, Orders())
    for node in postorder(formula.root):
        _check_defined(node, found)
    return found


def _check_defined(node: Node, found: Mapping[bytes, Enclosure]) -> None:
    """Refuse a step that is defined nowhere in the range of what it is of."""
    if not isinstance(node, Apply | Power):
        return
    low, high = found[node.children[0].key].ends
    least, most = -math.inf, math.inf
    if isinstance(node, Apply):
        function = function_named(node.function)
        least, most = function.low, function.high
    elif (found[node.exponent.key].number or 0.0) % 1.0:
        least = 0.0
    if high < least or low > most:
        part, ends = short_text(node.children[0]), f"{number_text(low, 6)} and {number_text(high, 6)}"
        raise FormulaError(f"{short_text(node)} is not defined where {part} is between {ends}")


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
        found = Encloser(root, sides).steps(sides.whole(()), Orders(errors=True))
        self._ranges = {key: each.ends for key, each in found.items()}
        self.rounding = float(np.max(found[root.key].off))
        """How far the evaluated root may be from the root, at most."""

    def range(self, node: Node) -> Bounds:
        """Return bounds of a step; infinite where it may have no finite value."""
        return self._ranges[node.key]
