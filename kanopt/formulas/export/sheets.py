"""The layout and format of the sheets of a formula's workbook."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from kanopt.errors import FormulaError
from kanopt.formulas.nodes import Constant
from kanopt.formulas.variables import Variable

if TYPE_CHECKING:
    import xlsxwriter

__all__ = ["MOST_ROWS", "SheetBook", "WorkbookSheets", "cell_text"]

Values: TypeAlias = Sequence[float] | Sequence[str]

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
        sheet.write_formula(*place, f"={text}", self.formats[how], value)


class WorkbookSheets(SheetBook):
    """The sheets Formula, Steps and Tables, filled from top to bottom.

    Parameters
    ----------
    book
        An empty workbook.
    """

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        super().__init__(book)
        self.main = book.add_worksheet("Formula")
        self.main.set_column(0, 0, 28)
        self.main.set_column(1, 5, 16)
        self.main.set_landscape()
        self.main.fit_to_pages(1, 0)
        self.row = 0
        self._steps: Any = None
        self._step_row = 1

    def title(self, title: str, text: str) -> None:
        """Write the title and description of the workbook."""
        self.text(self.main, 0, 0, title, "title")
        self.text(self.main, 1, 0, cell_text(text))
        self.text(self.main, 2, 0, "Change the yellow cells; everything else follows from them.")
        self.row = 3

    def heading(self, *words: str) -> None:
        """Begin a section of the first sheet."""
        self.row += 1
        for column, word in enumerate(words):
            self.text(self.main, self.row, column, word, "heading")
        self.row += 1

    def number(
        self, variable: Variable, cell: str, value: float, limits: tuple[float | None, float | None]
    ) -> None:
        """Write a row for a numeric input."""
        low, high = limits
        row = self._input(variable, cell)
        self.main.write_number(row, 1, value, self.formats["input"])
        outside = []
        for column, (bound, sign) in enumerate(((low, "<"), (high, ">")), start=3):
            if bound is not None:
                self.main.write_number(row, column, bound)
                outside.append(f"{cell}{sign}{'DE'[column - 3]}{row + 1}")
        check = f'IF(OR({",".join(outside)}),"outside","ok")' if outside else '"ok"'
        self.formula(self.main, (row, 5), f'IF(COUNT({cell})=0,"missing",{check})', "ok")
        if outside:
            between = {"criteria": "between", "minimum": low, "maximum": high}
            above, below = {"criteria": ">=", "value": low}, {"criteria": "<=", "value": high}
            kind = above if high is None else below if low is None else between
            self._validate(row, variable, {"validate": "decimal", **kind}, _range_text(low, high))

    def category(self, variable: Variable, cell: str, value: str, known: str) -> None:
        """Write a row for a categorical input, whose known categories are in the range `known`."""
        row = self._input(variable, cell)
        self.text(self.main, row, 1, value, "category")
        check = f'IF({cell}="","missing",IF(SUMPRODUCT(--EXACT({cell},{known}))=0,"unknown","ok"))'
        self.formula(self.main, (row, 5), check, "ok")
        self._validate(row, variable, {"validate": "list", "source": f"={known}"}, "one of the list")

    def _input(self, variable: Variable, cell: str) -> int:
        row = self.row
        self.row += 1
        self.text(self.main, row, 0, variable.name)
        self.text(self.main, row, 2, variable.unit)
        self.name(cell, f"Formula!$B${row + 1}")
        return row

    def _validate(self, row: int, variable: Variable, rule: Mapping[str, Any], what: str) -> None:
        """Let Excel warn about a value outside the domain, but accept it on confirmation."""
        message = {"error_type": "warning", "error_title": "Outside what the law knows"}
        message["error_message"] = f"{variable.name[:100]}: {what}. Keep it all the same?"
        self.main.data_validation(row, 1, row, 1, {**rule, **message})

    def place_for_result(self) -> int:
        """Reserve a row for the result below the inputs."""
        self.heading("Output", "Value", "Unit")
        self.row += 1
        return self.row - 1

    def result(self, row: int, output: Variable, cell: str, text: str, value: float | str) -> None:
        """Write the result."""
        self.text(self.main, row, 0, output.name)
        self.formula(self.main, (row, 1), text, value, "result")
        self.text(self.main, row, 2, output.unit)
        self.name(cell, f"Formula!$B${row + 1}")

    def constant(self, constant: Constant, cell: str, unit: str) -> None:
        """Write a row for a constant."""
        self.text(self.main, self.row, 0, constant.name or cell)
        self.main.write_number(self.row, 1, constant.value, self.formats["input"])
        self.text(self.main, self.row, 2, unit)
        if constant.standard_error is not None:
            self.main.write_number(self.row, 3, constant.standard_error)
        self.name(cell, f"Formula!$B${self.row + 1}")
        self.row += 1

    def notes(self, notes: Sequence[tuple[str, str]]) -> None:
        """Write facts about the law."""
        if notes:
            self.heading("What is known", "")
        for what, text in notes:
            self.text(self.main, self.row, 0, cell_text(what))
            self.text(self.main, self.row, 1, cell_text(text))
            self.row += 1

    def step(self, cell: str, text: str, value: float | str, what: str) -> str:
        """Write a step into its own cell, and return what formulas call it."""
        if self._steps is None:
            self._steps = self.book.add_worksheet("Steps")
            self._steps.set_column(0, 1, 16)
            self._steps.set_column(2, 2, 80)
            for column, word in enumerate(("Step", "Value", "What it is")):
                self.text(self._steps, 0, column, word, "heading")
        self.text(self._steps, self._step_row, 0, cell)
        self.formula(self._steps, (self._step_row, 1), text, value)
        self.text(self._steps, self._step_row, 2, cell_text(what))
        self.name(cell, f"Steps!$B${self._step_row + 1}")
        self._step_row += 1
        return cell


def cell_text(text: str) -> str:
    """Return a text shortened and without characters that are invalid in a cell."""
    clean = re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "\ufffd", text)
    return clean if len(clean) <= _LONGEST_NOTE else f"{clean[:_LONGEST_NOTE]}…"


def _range_text(low: float | None, high: float | None) -> str:
    ends = [] if low is None else [f"from {low:.6g}"]
    return "the law is valid " + " ".join(ends if high is None else [*ends, f"to {high:.6g}"])
