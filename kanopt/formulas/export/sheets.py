"""The sheets of a workbook: how texts, numbers, formulas, tables and named cells are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.dimensions.analysis import dimensions
from kanopt.formulas.export.excel import Values

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
