"""Formulas spread over cells: a step for what is long, deep or used more than once, ranges for curves and tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.export.cells import free_name
from kanopt.formulas.export.excel import Spreadsheet, Values
from kanopt.formulas.export.sheets import SheetBook
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
)
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import to_infix
from kanopt.formulas.spelling import WORD, TextPart, Writer

_LONG = 400  # characters of a part, from which on it is a step of its own
_WIDE = 12  # parts of a sum that stand in one cell
_DEEP = 8  # levels in one cell, each of up to four brackets, of which Excel takes 64
_NAME = 40  # characters
_READABLE = 1_000


class StepWriter(Spreadsheet):
    """The worksheet language with steps, and ranges for curves and tables.

    Parameters
    ----------
    formula
        The law.
    sheets
        The workbook, whose sheet Tables takes curves and tables.
    taken
        Names of cells that the workbook has already, in lower case; new ones are added.
    size
        How many rows the law is computed for.
    """

    counted = 100

    def __init__(self, formula: BaseFormula, sheets: SheetBook, taken: set[str], size: int = 1) -> None:
        super().__init__({}, formula)
        self.sheets, self.size = sheets, size
        self.values: dict[bytes, Any] = {}
        self.constants: dict[bytes, str] = {}
        self.taken = taken

    @abstractmethod
    def step(self, text: str, value: Any, what: str) -> str:
        """Write a step into cells of its own, and return what formulas call it."""

    def value_of(self, node: Node) -> Array:
        """Return what a node comes to in every row, for programs that show values without computing them."""
        return np.broadcast_to(np.asarray(self.values.get(node.key, np.nan), dtype=float), (self.size,))

    def compute(self, inputs: Mapping[str, Any]) -> None:
        """Compute every step at these inputs."""

        def visit(node: Node, parts: list[Any]) -> Any:
            self.values[node.key] = node.compute(parts, inputs)
            return self.values[node.key]

        with np.errstate(all="ignore"):
            try:
                fold(self.formula.root, visit)
            except FormulaError:  # no table knows the categories together: the cells show it
                self.values.clear()

    def fresh(self, name: str) -> str:
        """Return an unused defined name, short enough for a dozen of them in one formula."""
        return free_name(name[:_NAME], self.taken)

    def count(self, cells: Sequence[str], *, alone: bool) -> str:
        """Write how many of some cells hold numbers; many cells are split over several steps."""
        text = super().count(cells, alone=alone)
        known = np.full(self.size, float(len(cells)))
        return text if alone else self.step(text, known, "how many of the numbers are given")

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node; long, deep or shared nodes get their own cell."""
        if node.key in self.constants:
            return TextPart(self.constants[node.key], WORD)
        if isinstance(node, Sum | Product | Maximum | Minimum):
            node, parts = self._narrowed(node, parts)
        elif isinstance(node, Apply | Power | Curve):
            parts = [self._named(child, part) for child, part in zip(node.children, parts, strict=True)]
        written = Writer.visit(self, node, parts)
        return self._named(node, written) if self.needs_own_step(node, written) else written

    def needs_own_step(self, node: Node, written: TextPart) -> bool:
        """Return whether a node gets its own step."""
        if node.key == self.formula.root.key or isinstance(node, Constant | Input):
            return False
        often = self.uses[node.key] > 1 or node.depth % _DEEP == 0
        return often or isinstance(node, Curve | Step | Table) or len(written.text) > _LONG

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        """Write a power; a constant exponent can be changed to any value in the workbook."""
        changes = exponent.text in self.constants.values()
        return super().power(base, exponent, None if changes else value)

    def _narrowed(self, node: Node, parts: list[TextPart]) -> tuple[Node, list[TextPart]]:
        """Split a long sum, product, maximum or minimum into steps of a dozen parts each."""
        while len(parts) > _WIDE:
            groups = []
            for place in range(0, len(parts), _WIDE):
                group = node.with_children(node.children[place : place + _WIDE])
                below = [self.values.get(child.key, np.nan) for child in group.children]
                self.values[group.key] = group.compute(below, {})
                text = Writer.visit(self, group, parts[place : place + _WIDE])
                groups.append((group, self._named(group, text)))
            node, parts = node.with_children([group for group, _ in groups]), [text for _, text in groups]
        return node, parts

    def _named(self, node: Node, written: TextPart) -> TextPart:
        """Return the name of a cell with the value of a node."""
        if written.level == WORD:
            return written
        small = node.size <= _READABLE
        what = to_infix(node) if small else f"a {type(node).__name__.lower()} of {node.size:,} parts"
        return TextPart(self.step(written.text, self.value_of(node), what), WORD)

    def block(self, curve: Curve, rows: Sequence[Sequence[float]]) -> str:
        """Write the coefficients of a curve, and return the name of their range."""
        edges = [curve.low + place * curve.width for place in range(curve.grid_size)] + [curve.high]
        outside = ("before", "after") if curve.periodic else ("below", "above")
        columns: dict[str, Values] = {
            "from": [outside[0], *(f"{edge:.6g}" for edge in edges[:-1]), outside[1]]
        }
        columns |= {f"t^{power}": [row[power] for row in rows] for power in range(4)}
        title = f"{curve.name}: coefficients of the powers of t, which runs from 0 to 1 in every span"
        places = self.sheets.block(title, columns)
        name = self.fresh(curve.name)
        self.sheets.name(name, f"{places[1].partition(':')[0]}:{places[4].partition(':')[2]}")
        return name

    def columns(self, node: Step | Table, values: Mapping[str, Values]) -> list[str]:
        """Write the columns of a step function or a table, and return the names of their ranges."""
        headers = ["from", "value"] if isinstance(node, Step) else [*node.inputs, "value of the table"]
        places = self.sheets.block(node.name, dict(zip(headers, values.values(), strict=True)))
        names = [f"{node.name}_{what}" for what in values]
        for place, wanted in enumerate(names):
            names[place] = self.fresh(wanted)
            self.sheets.name(names[place], places[place])
        return names
