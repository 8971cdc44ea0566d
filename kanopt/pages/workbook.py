"""A plan as a workbook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_numeric_dtype

from kanopt.display import Lines, words_of
from kanopt.errors import ProblemError
from kanopt.files import csv_text
from kanopt.formulas.export.excel import MOST_ROWS, cell_text
from kanopt.pages.figure_rows import figure_rows, figure_table
from kanopt.pages.story import ReportSubject, story
from kanopt.plans.findings import GanttView
from kanopt.plans.plan_figures import Roster
from kanopt.plans.result import Result
from kanopt.text import clock_text, column_decimals

# Workbooks of tables: what a table holds is text and numbers, and no cell is a formula.

FORMS: Mapping[str, str] = {"money": "#,##0.00", "share": "0.0%", "clock": "hh:mm"}
"""What numbers may be, and how a spreadsheet writes them; of a clock texts such as 08:30 become times."""
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")

_A4 = 9
"""Number of the paper in Office Open XML (ECMA-376, 18.3.1.63)."""
_PAGE_WIDTH = 125.0
"""Letters that fit beside each other on it, across, at full size and within its usual margins."""
_MOST_BREAKS = 1023
"""Page breaks that Excel takes."""


_LONGEST_TEXT, _LONGEST_FORMULA = 32_767, 8_191
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
    """A workbook with its formats.

    Parameters
    ----------
    book
        An empty workbook.
    """

    def __init__(self, book: Any) -> None:
        self.book = book
        self.formats = {name: book.add_format(dict(how)) for name, how in _FORMATS.items()}

    def text(self, sheet: Any, row: int, column: int, text: str, how: str = "text") -> None:
        """Write a text as text, even if it begins like a formula."""
        if len(text) > _LONGEST_TEXT:
            raise ProblemError(
                f"text {text[:60]!r}: a cell of Excel takes at most {_LONGEST_TEXT:,} characters"
            )
        sheet.write_string(row, column, text, self.formats[how])

    def formula(
        self, sheet: Any, place: tuple[int, int], text: str, value: float | str, how: str = "plain"
    ) -> None:
        """Write a formula, and its value for programs that do not compute."""
        if len(text) > _LONGEST_FORMULA:
            raise ProblemError(
                f"a part of the formula has {len(text):,} characters, more than a cell of Excel takes"
            )
        known = value if isinstance(value, str) or np.isfinite(value) else "#N/A"
        sheet.write_formula(*place, f"={text}", self.formats[how], known)


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


# The tables of a plan, with times as time of day beside those in the problem's unit.

_ROSTERS = ("vehicles", "jobs", "machines", "sites", "markets")
TABLES = ("figures", *_ROSTERS, "plan", "timetable", "open_sites", "costs", "reasons")
"""Every table there may be, in their order."""
_CLOCKS = ("departure", "leave", "arrive", "begin", "start", "end")
_SPANS = ("late", "breaks")


def plan_tables(subject: ReportSubject, *, in_units: bool = True) -> dict[str, pd.DataFrame]:
    """Return the tables of a plan that say something, by name.

    Parameters
    ----------
    subject
        What is exported.
    in_units
        Whether times of day stand in the problem's unit as well.

    Returns
    -------
    dict
        ``figures`` as the first page has them; ``vehicles``, ``jobs``, ``machines``, ``sites`` or ``markets`` with what
        becomes of each; ``plan`` as :meth:`kanopt.Result.to_frame` has it, ``timetable`` of vehicles, ``open_sites`` of
        networks, ``costs`` line by line, and ``reasons`` why things are left out or late.
    """
    why = subject.explanation
    result = why.result
    found = {"plan": result.to_frame()}
    timed = {"figures": figures_frame(subject)}
    if result.assessment is not None:
        found |= result.assessment.details()
        for roster in result.assessment.rosters():
            timed[f"{roster.key}s"] = _roster_frame(roster)
    unit, clock = _time_of(result)
    for name, frame in found.items():
        timed[name] = _with_times(frame, unit, _CLOCKS if clock else (), in_units=in_units)
    unit = result.problem.unit
    costs = why.terms("item").drop(columns="share")
    timed["costs"] = costs.rename(columns={"amount": f"amount ({unit})" if unit else "amount"})
    timed["reasons"] = why.reasons()
    return {name: timed[name] for name in TABLES if name in timed and len(timed[name])}


def plan_forms(subject: ReportSubject) -> dict[str, str]:
    """Return what numbers of the tables are, by column: money, shares, and times of day."""
    known = subject.explanation.result.assessment
    rosters = () if known is None else known.rosters()
    found = dict.fromkeys(_CLOCKS, "clock")
    for roster in rosters:
        found |= dict.fromkeys(roster.clocks, "clock") | dict.fromkeys(roster.shares, "share")
        found |= dict.fromkeys(roster.money, "money")
    return found


def figures_frame(subject: ReportSubject) -> pd.DataFrame:
    """Return the figures of the first page, as it writes them; empty without a plan."""
    table = figure_table(figure_rows(subject))
    if table is None:
        return pd.DataFrame()
    return pd.DataFrame(list(table.rows), columns=list(table.heads))


def _roster_frame(roster: Roster) -> pd.DataFrame:
    """Return a roster with its numbers as they are, and times as time of day too."""
    named = roster.frame.rename(columns={"": "verdict"})
    return _with_times(named, roster.time, roster.clocks, in_units=True)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return tasks by machine and in order of their start; other tables as they are."""
    keys = [name for name in frame.columns if str(name).startswith(("machine", "start ("))]
    return frame.sort_values(keys, kind="stable") if "machine" in keys else frame


def plan_csv(subject: ReportSubject, *, commas: bool = False) -> Mapping[str, str]:
    """Return the tables as CSV in which no text is a formula to a spreadsheet, by file name."""
    return {f"{name}.csv": csv_text(frame, commas=commas) for name, frame in plan_tables(subject).items()}


def _time_of(result: Result) -> tuple[str, bool]:
    """Return the unit of times in a plan, empty where there are none, and whether zero is midnight."""
    views = () if result.assessment is None else result.assessment.views()
    for view in views:
        if isinstance(view, GanttView):
            return view.unit, view.clock
    return "", False


def _with_times(frame: pd.DataFrame, unit: str, clocks: Sequence[str], *, in_units: bool) -> pd.DataFrame:
    """Return a frame with a column of times of day before each column of clock times, whose head gets the unit.

    So do the heads of other columns of times.
    """
    if not unit:
        return frame
    columns: dict[str, pd.Series[str] | pd.Series[float]] = {}
    for name in map(str, frame.columns):
        if name in clocks:
            columns[name] = frame[name].map(lambda value: clock_text(value, unit) if pd.notna(value) else "")
            if not in_units:
                continue
        timed = name in clocks or name in _CLOCKS or name in _SPANS
        columns[f"{name} ({unit})" if timed else name] = frame[name]
    return pd.DataFrame(columns, index=frame.index)


_MOST_PLACES = 20_000
"""Places of a law beyond which its values are numbers: Excel computes a formula for each of them at every change."""
_MOST_LINES = 200_000
"""Lines of a price beyond which those of a vehicle, machine or lane are summed up."""
_PAGES = {"timetable": "vehicle", "plan": "machine"}
"""Whoever gets a page of a table."""
_HIGHEST = 409
"""Points that a row of Excel is high at most."""
_WIDTHS = (28, 24, 18, 18, 60)
"""Widths of the summary's columns; a sentence goes over all but the first."""


def workbook(subject: ReportSubject) -> bytes:
    """Return the content of an XLSX file: summary, plan and costs."""
    import xlsxwriter

    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _PlanBook(SheetBook(book), subject).fill()
    return content.getvalue()


class _PlanBook(FrameBook):
    """The sheets, in their order."""

    def __init__(self, sheets: SheetBook, subject: ReportSubject) -> None:
        super().__init__(sheets, ("tables", "steps", "formula"))
        self.subject = subject
        self.result: Result = subject.explanation.result

    @property
    def _earns(self) -> bool:
        """Whether more comes in than is paid."""
        return (self.result.objective or 0.0) < 0

    def fill(self) -> None:
        """Write everything."""
        assert self.result.assessment is not None
        summary = self.sheet("Summary")
        forms = plan_forms(self.subject)
        for name, frame in plan_tables(self.subject).items():
            if name not in ("figures", "costs"):
                title = name.replace("_", " ").capitalize()
                self.frame(self.sheet(title), in_order(frame), pages=_PAGES.get(name, ""), forms=forms)
        costs = self.sheet("Costs")
        total = self._costs(costs)
        self._summary(summary, total)

    def _costs(self, sheet: Any) -> str:
        """Write the costs by term and line by line, and return the cell of their sum."""
        pricing = self.result.pricing
        assert pricing is not None
        terms = pricing.terms()
        order = pricing.lines["term"].map({term: place for place, term in enumerate(terms.index)})
        lines = pricing.lines.iloc[order.argsort(kind="stable")].reset_index(drop=True)
        if len(lines) > _MOST_LINES:
            lines = lines.groupby(["term", "group"], sort=False)["amount"].sum().reset_index()
            lines.insert(2, "item", "")
        unit = self.result.problem.unit
        money = f" ({unit})" if unit else ""
        sheet.set_column(0, 2, 24)
        sheet.set_column(3, 5, 16)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        text = self.sheets.text
        comes_in = "; what comes in is below zero" if (terms < 0).any() else ""
        text(sheet, 0, 0, "What the plan earns" if self._earns else "What the plan costs", "title")
        text(
            sheet,
            1,
            0,
            f"Yellow cells may be changed here{comes_in}.",
        )
        heading = 3
        for column, word in enumerate(("term", f"amount{money}", f"as planned{money}", f"change{money}")):
            text(sheet, heading, column, word, "heading")
        first = heading + len(terms) + 5  # of the lines
        begin = first
        for line, (term, amount) in enumerate(terms.items(), start=heading + 1):
            text(sheet, line, 0, cell_text(str(term)))
            end = begin + int((lines["term"] == term).sum())  # a term's lines stand together
            self._sum(sheet, line, f"SUM($D${begin + 1}:$D${end})", float(amount))
            begin = end
        line = heading + 1 + len(terms)
        text(sheet, line, 0, "total", "heading")
        self._sum(sheet, line, f"SUM(B{heading + 2}:B{line})" if len(terms) else "0", pricing.objective)
        for column, word in enumerate(("term", "where", "what", f"amount{money}", f"as planned{money}")):
            text(sheet, first - 1, column, word, "heading")
        sheet.autofilter(first - 1, 0, first - 1 + len(lines), 4)
        for row, (term, group, item, amount) in enumerate(lines.itertuples(index=False), start=first):
            for column, word in enumerate((term, group, item)):
                text(sheet, row, column, cell_text(str(word)))
            if np.isfinite(amount):
                sheet.write_number(row, 3, float(amount), self.sheets.formats["money input"])
            if np.isfinite(amount):
                sheet.write_number(row, 4, float(amount), self.sheets.formats["money"])
        return f"Costs!$B${line + 1}"

    def _sum(self, sheet: Any, line: int, text: str, value: float) -> None:
        """Write a sum that follows the cells, what it was when planned, and the difference."""
        shown = value if np.isfinite(value) else "#N/A"
        self.sheets.formula(sheet, (line, 1), text, shown, "money")
        if np.isfinite(value):
            sheet.write_number(line, 2, value, self.sheets.formats["money"])
        self.sheets.formula(sheet, (line, 3), f"B{line + 1}-C{line + 1}", 0.0, "money")

    def _summary(self, sheet: Any, total: str) -> None:
        subject, result = self.subject, self.result
        text = self.sheets.text
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        text(sheet, 0, 0, cell_text(subject.title), "title")
        told = [("", subject.description)]
        for section in story(subject).values():
            for part in section.parts:
                lines = part.items if isinstance(part, Lines) else (str(part),)
                told += [("" if place else section.title, words_of(line)) for place, line in enumerate(lines)]
        line = 2
        unit = f" ({result.problem.unit})" if result.problem.unit else ""
        text(sheet, line, 0, f"{'earns' if self._earns else 'costs'} now{unit}")
        price, sign = result.objective, -1.0 if self._earns else 1.0
        shown = sign * price if price is not None and np.isfinite(price) else "#N/A"
        self.sheets.formula(sheet, (line, 1), f"-{total}" if self._earns else total, shown, "money result")
        for word, said in told:
            if said:
                line += 1
                text(sheet, line, 0, word)
                self._sentence(sheet, line, cell_text(said))
        line = self._figures(sheet, line + 2) + 1
        for name, said in subject.provenance.items():
            line += 1
            text(sheet, line, 0, cell_text(name))
            text(sheet, line, 1, cell_text(said))

    def _sentence(self, sheet: Any, line: int, said: str) -> None:
        """Write a sentence over several columns, in a row as high as it takes, which spreadsheets do not look after."""
        last = len(_WIDTHS) - 1
        sheet.merge_range(line, 1, line, last, "", self.sheets.formats["long"])
        self.sheets.text(sheet, line, 1, said, "long")
        lines = sum(-(-max(len(part), 1) // sum(_WIDTHS[1:])) for part in said.split("\n"))
        sheet.set_row(line, min(15 * lines, _HIGHEST))

    def _figures(self, sheet: Any, line: int) -> int:
        """Write the figures of the first page, as they were planned, and return the line after them."""
        frame = figures_frame(self.subject)
        # today's are left out where there are none
        places = [0, 1, *([2, 3] if "today" in frame else []), 4]
        for column, name in zip(places, frame.columns, strict=True):
            head = "as planned" if name == "this plan" else str(name)
            self.sheets.text(sheet, line, column, head, "heading")
            for row, value in enumerate(frame[name], start=line + 1):
                self.sheets.text(sheet, row, column, cell_text(value), "long" if column == 4 else "text")
        return line + 1 + len(frame)
