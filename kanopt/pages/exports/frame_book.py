"""Workbooks of tables: what a table holds is text and numbers, and no cell is a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_numeric_dtype

from kanopt.errors import ProblemError
from kanopt.formulas.export.sheets import MOST_ROWS, SheetBook, cell_text
from kanopt.text import column_decimals

FORMS: Mapping[str, str] = {"money": "#,##0.00", "share": "0.0%", "clock": "hh:mm"}
"""What numbers may be, and how a spreadsheet writes them; of a clock texts such as 08:30 become times."""
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")

_A4 = 9
"""Number of the paper in Office Open XML (ECMA-376, 18.3.1.63)."""
_PAGE_WIDTH = 125.0
"""Letters that fit beside each other on it, across, at full size and within its usual margins."""
_MOST_BREAKS = 1023
"""Page breaks that Excel takes."""


class FrameBook:
    """A workbook with sheets of tables.

    Parameters
    ----------
    sheets
        An empty workbook with its formats.
    taken
        Names in small letters that other sheets have.
    """

    def __init__(self, sheets: SheetBook, taken: Iterable[str] = ()) -> None:
        self.sheets = sheets
        self.names: set[str] = {"history", *taken}  # the first is Excel's own
        self._codes: dict[str, Any] = {}

    def sheet(self, wanted: str) -> Any:
        """Add a sheet; its name is short and has letters, digits and spaces alone, so that references are simple."""
        word = " ".join(re.sub(r"[^\w ]", " ", wanted).split())[:25] or "Sheet"
        name, number = word, 2
        while name.lower() in self.names:
            name, number = f"{word} {number}", number + 1
        self.names.add(name.lower())
        return self.sheets.book.add_worksheet(name)

    def frame(
        self, sheet: Any, frame: pd.DataFrame, *, pages: str = "", forms: Mapping[str, str] | None = None
    ) -> None:
        """Write a table with a heading that stays in view and on every printed page, and a filter in it.

        Parameters
        ----------
        sheet
            An empty sheet.
        frame
            The table; of one without rows the heading.
        pages
            A column, for each of whose values, which follow each other, a page is begun in print.
        forms
            Column to what its numbers are, one of `FORMS`; others get the decimals that they need.

        Raises
        ------
        ProblemError
            If it has more rows than a sheet.
        """
        if len(frame) >= MOST_ROWS:
            raise ProblemError(
                f"a table of {len(frame):,} rows has more than a sheet; write it as CSV or Parquet"
            )
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(frame), max(len(frame.columns) - 1, 0))
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.repeat_rows(0)
        widths = 0.0
        for column, name in enumerate(frame.columns):
            values = frame.iloc[:, column]  # two may have one name
            form = (forms or {}).get(str(name), "")
            numeric = is_numeric_dtype(values)
            shown = [len(str(name)), *([] if numeric else (len(str(value)) for value in values.head(200)))]
            width = min(max(max(shown) + 2, 12 if numeric else 0), 30 if numeric else 60)
            how = self._form(form, values)
            sheet.set_column(column, column, width)
            widths += width
            self.sheets.text(sheet, 0, column, cell_text(str(name)), "heading")
            for line, value in enumerate(values.tolist(), start=1):
                self._cell(sheet, line, column, _days(value) if form == "clock" else value, how)
        if pages in frame and frame[pages].nunique() > 1:
            # Excel knows no page breaks where it fits a sheet to pages
            starts = np.flatnonzero(frame[pages].ne(frame[pages].shift()).to_numpy())[1:] + 1
            sheet.set_h_pagebreaks([int(start) for start in starts[:_MOST_BREAKS]])
            sheet.set_print_scale(int(np.clip(100 * _PAGE_WIDTH / max(widths, 1.0), 10, 100)))
        else:
            sheet.fit_to_pages(1, 0)

    def _form(self, form: str, values: pd.Series[Any]) -> Any:
        """Return the format of a column's numbers; None for that of all cells."""
        code = FORMS.get(form, "")
        if not code and is_float_dtype(values):
            decimals = column_decimals(values.dropna().astype(float))
            code = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        if not code:
            return None
        if code not in self._codes:
            self._codes[code] = self.sheets.book.add_format({"num_format": code})
        return self._codes[code]

    def _cell(self, sheet: Any, line: int, column: int, value: Any, how: Any) -> None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if np.isfinite(value):
                sheet.write_number(line, column, float(value), how)
        elif not pd.api.types.is_scalar(value) or not pd.isna(value):
            self.sheets.text(sheet, line, column, cell_text(str(value)))


def _days(value: Any) -> Any:
    """Return a time of day as a spreadsheet counts it, in days; one of another day, and whatever is none, stay text.

    Examples
    --------
    >>> _days("06:00"), _days("01:00 +1 d")
    (0.25, '01:00 +1 d')
    """
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else (60 * int(found[1]) + int(found[2])) / 1440


def frame_book(
    told: Sequence[str], frames: Mapping[str, pd.DataFrame], forms: Mapping[str, str] | None = None
) -> bytes:
    """Return the content of an XLSX file: a sheet of sentences, then one for each table.

    Parameters
    ----------
    told
        What is to be said, the title first.
    frames
        Tables by the name of their sheets; those without a row are left out.
    forms
        Column, or table, a point and column, to what its numbers are, one of `FORMS`.

    Raises
    ------
    ProblemError
        If a table has more rows than a sheet.
    """
    import xlsxwriter

    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        book = FrameBook(SheetBook(workbook))
        first = book.sheet("Summary")
        first.set_column(0, 0, 120)
        for line, said in enumerate(told):
            book.sheets.text(first, line, 0, cell_text(said), "long" if line else "title")
        for name, frame in frames.items():
            if len(frame):
                own = {str(c): form for c in frame if (form := _form_of(forms or {}, name, str(c)))}
                book.frame(book.sheet(name), frame, forms=own)
    return content.getvalue()


def _form_of(forms: Mapping[str, str], table: str, column: str) -> str:
    return forms.get(f"{table}.{column}", forms.get(column, ""))
