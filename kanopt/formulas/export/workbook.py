"""Laws in a workbook to play with: their constants and inputs in cells, and formulas over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.dimensions.analysis import dimensions
from kanopt.formulas.export.excel import Spreadsheet, Values, free_name
from kanopt.formulas.functions import WORD, TextPart, Writer
from kanopt.formulas.nodes import Apply, Constant, Extreme, Input, Node, Power, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import short_text
from kanopt.text import with_unit

if TYPE_CHECKING:
    import xlsxwriter


# The sheets of a workbook: how texts, numbers, formulas, tables and named cells are written.

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


# A law on a sheet with a row for each place at which it is used: inputs in cells, the law as formulas over
# them.

_ROW = "\ue000"
"""Stands for the number of the row; no text of a formula has it, since categories and names stand in cells."""
_FIRST_COLUMNS = 24
_LONG = 400  # characters of a part, from which on it is a step of its own
_WIDE = 12  # parts of a sum that stand in one cell
_DEEP = 8  # levels in one cell, each of up to four brackets, of which Excel takes 64
_NAME = 40  # characters
_NO_AMOUNT = "the law is computed anew on this sheet, and no cost follows from it"


@dataclass(frozen=True, eq=False)
class LawRows:
    """What one sheet shows.

    Parameters
    ----------
    title
        What the law is.
    formula
        The law.
    arguments
        Its inputs in its own units, each of the same length.
    labels
        By head, the texts at the beginning of each row; none for a sheet of one row.
    factor
        By what each value is multiplied to be an amount; None where no amounts follow, which the sheet says.
    cut_off
        Whether an amount below zero is zero.
    amount
        Head of the amounts.
    """

    title: str
    formula: BaseFormula
    arguments: Mapping[str, NDArray[Any]]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    factor: NDArray[np.float64] | None = None
    cut_off: bool = False
    amount: str = "amount"


@dataclass(frozen=True)
class RowCells:
    """The cells of the values of a law, of the amounts that follow, if any, and of the inputs of the first row."""

    values: tuple[str, ...]
    amounts: tuple[str, ...]
    inputs: Mapping[str, str]


def write_law_rows(sheets: SheetBook, sheet: Any, rows: LawRows, taken: set[str]) -> RowCells:
    """Fill a sheet with the places of a law.

    Constants, and inputs that are the same everywhere, stand above in named cells; all others in the row of the place.
    Curves and tables go to the sheet Tables, steps of long laws to columns at the right.

    Parameters
    ----------
    sheets
        The workbook.
    sheet
        An empty sheet of it, whose name has letters, digits and spaces alone.
    rows
        What it shows.
    taken
        Names of cells that the workbook has already, in lower case; new ones are added.
    """
    return _Rows(sheets, sheet, rows, taken).fill()


class _Rows(Spreadsheet):
    """The formulas of all rows, which differ in the number of the row alone.

    Long, deep and shared steps have columns of their own, curves and tables ranges on the sheet Tables.
    """

    counted = 100

    def __init__(self, sheets: SheetBook, sheet: Any, rows: LawRows, taken: set[str]) -> None:
        formula = rows.formula
        super().__init__({}, formula)
        self.sheets, self.sheet, self.rows, self.taken = sheets, sheet, rows, taken
        self.size = len(next(iter(rows.labels.values()), ("",)))
        self.values: dict[bytes, Any] = {}
        self.constants: dict[bytes, str] = {}
        sheet.set_column(0, _FIRST_COLUMNS, 16)
        follows = (
            "what is computed from them follows" if rows.factor is not None or not rows.labels else _NO_AMOUNT
        )
        change = f"Change the yellow cells; {follows}."
        self.page = Page(sheets, sheet, rows.title, f"{formula.output.name} = {formula}", change)
        self.inputs = [variable for variable in formula.inputs if variable.name in formula.used]
        self.arguments = {v.name: np.asarray(rows.arguments[v.name]) for v in self.inputs}
        self.head = self.column = 0

    def fill(self) -> RowCells:
        """Write everything."""
        rows, formula, sheet = self.rows, self.formula, self.sheet
        self.compute(self.arguments)
        self.constants = self.page.constants(formula, self.fresh)
        varying = self._write_shared()
        self.head = self.page.row + 1
        for head, labels in rows.labels.items():
            self._column(head, labels, self.page.write)
        for variable in varying:
            head = with_unit(variable.name, variable.unit)
            self.names[variable.name] = self._given(head, self.arguments[variable.name])
        place = self.column
        self.column += 1 if rows.factor is None else 3  # steps stand to the right of what they lead to
        written = self.guarded(self.write(formula.root))
        self.column = place
        worth = self.value_of(formula.root)
        values = self._formulas(with_unit(formula.output.name, formula.output.unit), written, worth)
        amounts: list[str] = []
        if rows.factor is not None:
            factor = self._given("times", rows.factor)
            text = f"MAX(0,{values})*{factor}" if rows.cut_off else f"{values}*{factor}"
            known = (np.maximum(worth, 0.0) if rows.cut_off else worth) * rows.factor
            amounts = self._cells(self._formulas(rows.amount, text, known))
        sheet.freeze_panes(self.head + 1, len(rows.labels))
        inputs = {each.name: self.names[each.name].replace(_ROW, f"{self.head + 2}") for each in varying}
        return RowCells(tuple(self._cells(values)), tuple(amounts), inputs)

    def step(self, text: str, value: Any, what: str) -> str:
        """Write a step into a column of its own, and return its cell in the same row."""
        return self._formulas(what, text, value)

    def _write_shared(self) -> list[Any]:
        """Write the inputs that are the same everywhere, and return the others."""
        shared = [v for v in self.inputs if self.size > 1 and _is_one(self.arguments[v.name])]
        if shared:
            self.page.heading("The same in every row", "Value", "Unit")
        for variable in shared:
            cell = self.names[variable.name] = self.fresh(variable.name)
            row = self.page.line(cell, variable.name, variable.unit)
            self.page.given(row, 1, self.arguments[variable.name].flat[0])
        return [variable for variable in self.inputs if variable not in shared]

    def _column(self, head: str, values: Iterable[Any], write: Callable[[int, int, Any], None]) -> str:
        """Write the next column, and return its cell in the same row."""
        from xlsxwriter.utility import xl_col_to_name

        self.page.write(self.head, self.column, head, "heading")
        for line, value in enumerate(values, start=self.head + 1):
            write(line, self.column, value)
        self.column += 1
        return f"${xl_col_to_name(self.column - 1)}{_ROW}"

    def _given(self, head: str, values: NDArray[Any]) -> str:
        return self._column(head, np.broadcast_to(values, (self.size,)).tolist(), self.page.given)

    def _formulas(self, head: str, text: str, values: Floats) -> str:
        def write(line: int, column: int, value: float) -> None:
            self.sheets.formula(self.sheet, (line, column), text.replace(_ROW, f"{line + 1}"), value)

        return self._column(head, values.tolist(), write)

    def _cells(self, cell: str) -> list[str]:
        """Return the cell in every row."""
        lines = range(self.head + 2, self.head + 2 + self.size)
        return [f"{quoted(self.sheet)}!{cell.replace(_ROW, f'${line}')}" for line in lines]

    def value_of(self, node: Node) -> Floats:
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
        if isinstance(node, Sum | Product | Extreme):
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
        return TextPart(self.step(written.text, self.value_of(node), short_text(node)), WORD)

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


def _is_one(values: NDArray[Any]) -> bool:
    """Whether all values are the same, and given."""
    flat = values.ravel()
    first = flat[0]
    return bool((flat == first).all()) and (isinstance(first, str) or bool(np.isfinite(first)))
