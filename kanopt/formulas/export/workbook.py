"""A formula as an interactive Excel workbook.

One sheet has the inputs, the result, the constants and facts about the law; another the steps, one per cell; a third
the curves and tables. All operands are named cells, so that the formulas read like the law. User-supplied names and
categories are always written as text, never as formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.files import replace_file
from kanopt.formulas.export.cells import free_name
from kanopt.formulas.export.excel import Spreadsheet, Values
from kanopt.formulas.export.sheets import WorkbookSheets
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
from kanopt.formulas.printing import WORD, InfixWriter, TextPart, to_infix
from kanopt.formulas.validity import valid_range
from kanopt.formulas.variables import Variable

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["save_excel"]

_LONG = 400  # characters of a part, from which on it is a step of its own
_WIDE = 12  # parts of a sum that stand in one cell
_DEEP = 8  # levels in one cell, each of up to four brackets, of which Excel takes 64
_NAME = 40  # characters
_READABLE = 1_000


def save_excel(formula: Formula, path: str | Path) -> Path:
    """Write a workbook (XLSX) in which the law can be played with, of any size.

    Its sheet Formula has a cell for every input, with its unit and the range in which the law is valid, the result, and
    the constants with their standard errors; all are named cells, and changing one changes the result. Parts that are
    long or used more than once stand on the sheet Steps, curves and tables on the sheet Tables. Names and categories
    are written as texts, never as formulas. The result agrees with :meth:`kanopt.Formula.evaluate` as in
    :meth:`kanopt.Formula.to_excel`.

    Parameters
    ----------
    formula
        The law.
    path
        Of the file, in a folder that exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FormulaError
        If a category is longer than a cell takes, or the tables are longer than a sheet.
    """
    import xlsxwriter

    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _Workbook(formula, WorkbookSheets(book)).fill()
    return replace_file(path, content.getvalue())


class _Workbook(Spreadsheet):
    """The worksheet language with a cell for every step, and ranges for curves and tables."""

    counted = 100

    def __init__(self, formula: Formula, sheets: WorkbookSheets) -> None:
        super().__init__({}, formula)
        self.sheets = sheets
        self.inputs = [variable for variable in formula.inputs if variable.name in formula.used]
        self.start = _start(formula)
        self.values: dict[bytes, Any] = {}
        self.constants: dict[bytes, str] = {}
        self.taken: set[str] = set()
        self.steps = 0

    def fill(self) -> None:
        """Write all sheets."""
        formula, sheets = self.formula, self.sheets
        self._compute()
        per = f" per {formula.per}" if formula.per else ""
        sheets.title(f"{formula.output}{per}", f"{formula.output.name} = {formula}")
        sheets.heading("Input", "Value", "Unit", "From", "To", "Check")
        for variable in self.inputs:
            low, high = valid_range(formula, variable)
            cell = self._fresh(variable.name)
            self.names[variable.name] = cell
            if variable.is_category:
                known = _known(formula, variable)
                place = self.sheets.block(f"{variable.name}: known categories", {"category": known})[0]
                sheets.name(self._fresh(f"{cell}_known"), place)
                sheets.category(variable, cell, str(self.start[variable.name]), place)
            else:
                sheets.number(variable, cell, float(self.start[variable.name]), (low, high))
        result = sheets.place_for_result()
        self._write_constants()
        text = self.guarded(self.write(formula.root))
        cell = self._fresh(formula.output.name)
        sheets.result(result, formula.output, cell, text, self._value(formula.root))
        sheets.notes(_notes(formula))

    def _compute(self) -> None:
        """Compute every step at the initial inputs, for programs that display cached values without computing."""

        def visit(node: Node, parts: list[Any]) -> Any:
            self.values[node.key] = node.compute(parts, self.start)
            return self.values[node.key]

        with np.errstate(all="ignore"):
            try:
                fold(self.formula.root, visit)
            except FormulaError:  # no table knows the categories together: the cells show it
                self.values.clear()

    def _value(self, node: Node) -> float | str:
        value = float(self.values.get(node.key, np.nan))
        return value if np.isfinite(value) else "#N/A"

    def _fresh(self, name: str) -> str:
        """Return an unused defined name, short enough for a dozen of them in one formula."""
        return free_name(name[:_NAME], self.taken)

    def count(self, cells: Sequence[str], *, alone: bool) -> str:
        """Write how many of some cells hold numbers; many cells are split over several steps."""
        text = super().count(cells, alone=alone)
        return text if alone else self._step(text, len(cells), "how many of the numbers are given")

    def _write_constants(self) -> None:
        units = self.formula.dimensions()
        found = dict.fromkeys(self.formula.constants)
        if found:
            self.sheets.heading("Constant", "Value", "Unit", "Standard error")
        for constant in found:
            cell = self._fresh(constant.name or "constant_1")
            self.constants[constant.key] = cell
            self.sheets.constant(constant, cell, units.unit_of(constant) or "")

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node; long, deep or shared nodes get their own cell."""
        if node.key in self.constants:
            return TextPart(self.constants[node.key], WORD)
        if isinstance(node, Sum | Product | Maximum | Minimum):
            node, parts = self._narrowed(node, parts)
        elif isinstance(node, Apply | Power | Curve):
            parts = [self._named(child, part) for child, part in zip(node.children, parts, strict=True)]
        written = InfixWriter.visit(self, node, parts)
        return self._named(node, written) if self.needs_own_step(node, written) else written

    def needs_own_step(self, node: Node, written: TextPart) -> bool:
        """Return whether a node gets its own step."""
        if node.key == self.formula.root.key or isinstance(node, Constant | Input):
            return False
        often = self.uses[node.key] > 1 or node.depth % _DEEP == 0
        return often or isinstance(node, Curve | Step | Table) or len(written.text) > _LONG

    def power(self, node: Power, base: TextPart, exponent: TextPart) -> TextPart:
        """Write a power; a constant exponent can be changed to any value in the workbook."""
        changes = node.exponent.key in self.constants
        return self.raised(base, exponent) if changes else super().power(node, base, exponent)

    def _narrowed(self, node: Node, parts: list[TextPart]) -> tuple[Node, list[TextPart]]:
        """Split a long sum, product, maximum or minimum into steps of a dozen parts each."""
        while len(parts) > _WIDE:
            groups = []
            for place in range(0, len(parts), _WIDE):
                group = node.with_children(node.children[place : place + _WIDE])
                below = [self.values.get(child.key, np.nan) for child in group.children]
                self.values[group.key] = group.compute(below, {})
                text = InfixWriter.visit(self, group, parts[place : place + _WIDE])
                groups.append((group, self._named(group, text)))
            node, parts = node.with_children([group for group, _ in groups]), [text for _, text in groups]
        return node, parts

    def _named(self, node: Node, written: TextPart) -> TextPart:
        """Return the name of a cell with the value of a node."""
        if written.level == WORD:
            return written
        small = node.size <= _READABLE
        what = to_infix(node) if small else f"a {type(node).__name__.lower()} of {node.size:,} parts"
        return TextPart(self._step(written.text, self._value(node), what), WORD)

    def _step(self, text: str, value: float | str, what: str) -> str:
        self.steps += 1
        cell = self._fresh(f"step_{self.steps}")
        self.sheets.step(cell, text, value, what)
        return cell

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
        name = self._fresh(curve.name)
        self.sheets.name(name, f"{places[1].partition(':')[0]}:{places[4].partition(':')[2]}")
        return name

    def columns(self, node: Step | Table, values: Mapping[str, Values]) -> list[str]:
        """Write the columns of a step function or a table, and return the names of their ranges."""
        headers = ["from", "value"] if isinstance(node, Step) else [*node.inputs, "value of the table"]
        places = self.sheets.block(node.name, dict(zip(headers, values.values(), strict=True)))
        names = [f"{node.name}_{what}" for what in values]
        for place, wanted in enumerate(names):
            names[place] = self._fresh(wanted)
            self.sheets.name(names[place], places[place])
        return names


def _known(formula: Formula, variable: Variable) -> list[str]:
    """Return the selectable categories: those of the domain, of the declaration or of the tables."""
    declared = formula.domain.categories_of(variable.name) or variable.categories
    if declared:
        return list(declared)
    tables = [
        node for node in postorder(formula.root) if isinstance(node, Table) and variable.name in node.inputs
    ]
    return list(
        dict.fromkeys(
            label for table in tables for label in table.categories[table.inputs.index(variable.name)]
        )
    )


def _start(formula: Formula) -> dict[str, Any]:
    """Return initial inputs inside the domain: the means if known, else the middle of the range."""
    centres: dict[str, float] = {}
    for joint in formula.domain.joints:
        if not any(joint.log):
            centres |= dict(zip(joint.names, joint.centre, strict=True))
    found: dict[str, Any] = {}
    for variable in formula.inputs:
        if variable.is_category:
            found[variable.name] = np.array((_known(formula, variable) or [""])[0], dtype=object)
            continue
        low, high = valid_range(formula, variable)
        middle = 1.0 if low is None or high is None else low + (high - low) / 2
        value = float(f"{centres.get(variable.name, middle):.3g}")
        value = value if low is None else max(value, low)
        found[variable.name] = np.asarray(value if high is None else min(value, high))
    for node in reversed(postorder(formula.root)):
        if isinstance(node, Table):  # categories that occur together
            found |= {
                name: np.array(label, dtype=object)
                for name, label in zip(node.inputs, node.entries[0][0], strict=True)
            }
    return found


def _notes(formula: Formula) -> list[tuple[str, str]]:
    """Return facts about the law other than its inputs and constants."""
    found = [pair for pair in formula.facts() if pair[0] not in ("output", "input", "constant")]
    if formula.domain.joints:
        names = " and ".join(dict.fromkeys(name for joint in formula.domain.joints for name in joint.names))
        found.append(
            ("domain", f"that {names} fit together is not checked here; Formula.outside in kanopt checks it")
        )
    return found + [(f"provenance: {what}", text) for what, text in formula.provenance.items()]
