"""Bounds of every step of a formula over ranges of its inputs, and how far floating point may be off there.

Interval arithmetic (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 2) over the graph, rounded
outwards, so that every finite value lies within; where an input occurs several times the bounds are valid but not the
tightest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula, Bounds
from kanopt.formulas.enclosures.boxes import BoxSides, sides_of
from kanopt.formulas.enclosures.enclosure import Enclosure, Orders
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Input, Node, Power, postorder
from kanopt.text import number_text

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
