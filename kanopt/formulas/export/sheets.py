"""The sheets of a workbook: their formats, names and tables, and pages that are filled from top to bottom."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.dimensions.analysis import dimensions
from kanopt.formulas.export.excel import Spreadsheet, Values, free_name
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

if TYPE_CHECKING:
    import xlsxwriter

MOST_ROWS, _LONGEST_TEXT, _LONGEST_NOTE, _LONGEST_FORMULA = 1_048_576, 32_767, 2_000, 8_191
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "text": {"quote_prefix": True},
    "long": {"quote_prefix": True, "text_wrap": True, "valign": "top"},
    "title": {"quote_prefix": True, "bold": True, "font_size": 14},
    "heading": {"bold": True, "bottom": 1, "quote_prefix": True},
    "input": {"bg_color": "#FFF4CC", "border": 1, "border_color": "#BFBFBF"},
    # as text, so that a category such as =1+1 or 007 stays what it is when it is typed or picked
    "category": {
        "bg_color": "#FFF4CC",
        "border": 1,
        "border_color": "#BFBFBF",
        "num_format": "@",
        "quote_prefix": True,
    },
    "result": {"bold": True, "border": 1},
    "money": {"num_format": "#,##0.00"},
    "money input": {"bg_color": "#FFF4CC", "border": 1, "border_color": "#BFBFBF", "num_format": "#,##0.00"},
    "money result": {"bold": True, "border": 1, "num_format": "#,##0.00"},
}


class SheetBook:
    """A workbook with its formats, names, and the sheet Tables, which is filled from top to bottom.

    Parameters
    ----------
    book
        An empty workbook.
    """

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.formats = {name: book.add_format(dict(how)) for name, how in _FORMATS.items()}
        self._tables: Any = None
        self._table_row = 0

    def name(self, name: str, place: str) -> None:
        """Give a cell or range a name."""
        self.book.define_name(name, f"={place}")

    def block(self, title: str, columns: Mapping[str, Values]) -> list[str]:
        """Write a table of columns of equal length, and return the range of each.

        Raises
        ------
        FormulaError
            If the sheet is full, or a text is too long for a cell.
        """
        if self._tables is None:
            self._tables = self.book.add_worksheet("Tables")
            self._tables.set_column(0, 5, 18)
        first = self._table_row + 2
        last = first + max(map(len, columns.values())) - 1
        if last >= MOST_ROWS:
            raise FormulaError(f"{title}: the curves and tables have more rows than a sheet, {MOST_ROWS:,}")
        from xlsxwriter.utility import xl_range_abs

        self.text(self._tables, self._table_row, 0, title, "title")
        places = []
        for column, (header, values) in enumerate(columns.items()):
            self.text(self._tables, first - 1, column, header, "heading")
            for row, value in enumerate(values, start=first):
                if isinstance(value, str):
                    self.text(self._tables, row, column, value)
                else:
                    self._tables.write_number(row, column, value)
            places.append(f"Tables!{xl_range_abs(first, column, last, column)}")
        self._table_row = last + 2
        return places

    def text(self, sheet: Any, row: int, column: int, text: str, how: str = "text") -> None:
        """Write a text as text, even if it begins like a formula."""
        if len(text) > _LONGEST_TEXT:
            raise FormulaError(
                f"text {text[:60]!r}: a cell of Excel takes at most {_LONGEST_TEXT:,} characters"
            )
        sheet.write_string(row, column, text, self.formats[how])

    def formula(
        self, sheet: Any, place: tuple[int, int], text: str, value: float | str, how: str = "plain"
    ) -> None:
        """Write a formula, and its value for programs that do not compute."""
        if len(text) > _LONGEST_FORMULA:
            raise FormulaError(
                f"a part of the formula has {len(text):,} characters, more than a cell of Excel takes"
            )
        known = value if isinstance(value, str) or np.isfinite(value) else "#N/A"
        sheet.write_formula(*place, f"={text}", self.formats[how], known)


class Page:
    """A sheet that is filled from top to bottom: headings, and rows of a label, a named value and its unit.

    Parameters
    ----------
    sheets
        The workbook.
    sheet
        An empty sheet of it.
    texts
        What stands above, the title first; none for a sheet that begins with a heading.
    """

    def __init__(self, sheets: SheetBook, sheet: Any, *texts: str) -> None:
        self.sheets, self.sheet = sheets, sheet
        for row, text in enumerate(texts):
            self.write(row, 0, text, "text" if row else "title")
        self.row = len(texts)

    def write(self, row: int, column: int, text: str, how: str = "text") -> None:
        """Write a text of any length into a cell."""
        self.sheets.text(self.sheet, row, column, cell_text(text), how)

    def given(self, row: int, column: int, value: Any) -> None:
        """Write a value that may be changed; a gap where there is none."""
        if isinstance(value, str):
            self.sheets.text(self.sheet, row, column, value, "category")
        elif value is None or not np.isfinite(value):
            self.sheet.write_blank(row, column, None, self.sheets.formats["input"])
        else:
            self.sheet.write_number(row, column, float(value), self.sheets.formats["input"])

    def heading(self, *words: str) -> None:
        """Begin a section."""
        self.row += 1 if self.row else 0
        for column, word in enumerate(words):
            self.write(self.row, column, word, "heading")
        self.row += 1

    def line(self, cell: str, label: str, unit: str) -> int:
        """Begin a row whose value, yet to be written, is called `cell`; return its number."""
        self.write(self.row, 0, label)
        self.write(self.row, 2, unit)
        self.sheets.name(cell, f"{quoted(self.sheet)}!$B${self.row + 1}")
        self.row += 1
        return self.row - 1

    def constants(self, formula: BaseFormula, fresh: Callable[[str], str]) -> dict[bytes, str]:
        """Write the constants of a law with their units and errors; return their cells by the nodes' keys."""
        units, found = dimensions(formula), {}
        if formula.constants:
            self.heading("Constant", "Value", "Unit", "Standard error")
        for constant in dict.fromkeys(formula.constants):
            cell = found[constant.key] = fresh(constant.name or "constant_1")
            row = self.line(cell, constant.name or cell, units.unit_of(constant) or "")
            self.given(row, 1, constant.value)
            if constant.standard_error is not None:
                self.sheet.write_number(row, 3, constant.standard_error)
        return found


def cell_text(text: str) -> str:
    """Return a text shortened and without characters that are invalid in a cell."""
    clean = re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)
    return clean if len(clean) <= _LONGEST_NOTE else f"{clean[:_LONGEST_NOTE]}…"


def quoted(sheet: Any) -> str:
    """Return the name of a sheet as formulas write it."""
    from xlsxwriter.utility import quote_sheetname

    name: str = quote_sheetname(sheet.get_name())
    return name


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
