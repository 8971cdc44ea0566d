"""A plan as a workbook in which the laws live: change an input or a constant, and the costs follow."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Lines, words_of
from kanopt.formulas.export.law_rows import LawRows, RowCells, write_law_rows
from kanopt.formulas.export.sheets import SheetBook, cell_text
from kanopt.pages.exports.frame_book import FrameBook
from kanopt.pages.exports.plan_tables import figures_frame, in_order, plan_forms, plan_tables
from kanopt.pages.story import story
from kanopt.pages.subject import ReportSubject
from kanopt.plans.law_use import LawUse
from kanopt.plans.result import Result
from kanopt.text import join_list

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
_LIVING = (
    "The laws live: the yellow cells of their sheets are the inputs and constants with which the plan was priced, "
    "and what is changed there changes the costs. What is decided, the times and whatever follows from them stay as "
    "they are{}."
)


def workbook(subject: ReportSubject) -> bytes:
    """Return the content of an XLSX file: summary, plan, costs, laws, and the tables of their curves.

    Each law has a sheet with a row for every leg, stop, task or flow at which the plan uses it. The lines of the price
    that a law makes are formulas; the others are numbers. Whatever comes from data is written as text.
    """
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
        self.cells: set[str] = set()

    @property
    def _earns(self) -> bool:
        """Whether more comes in than is paid."""
        return (self.result.objective or 0.0) < 0

    def _living(self) -> str:
        """Say what follows from what is changed, and from which laws nothing does."""
        assert self.result.assessment is not None
        idle = dict.fromkeys(use.law for use in self.result.assessment.law_uses if not use.term)
        return _LIVING.format(f"; no cost follows from {join_list(list(idle))}" if idle else "")

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
        uses = [use for use in self.result.assessment.law_uses if use.shape[0] <= _MOST_PLACES]
        pages = [self.sheet(f"Law {use.law.removeprefix('law ')}") for use in uses]
        written = [self._law(page, use) for page, use in zip(pages, uses, strict=True)]
        total = self._costs(costs, uses, written)
        self._summary(summary, total)

    def _law(self, sheet: Any, use: LawUse) -> RowCells:
        count = use.shape[0]
        where = use.where() if use.where is not None else [("", f"{place}") for place in range(1, count + 1)]
        unit = self.result.problem.unit
        heads = {"where": [group for group, _ in where], "what": [item for _, item in where]}
        labels = {head: texts for head, texts in heads.items() if any(texts)} or {
            "what": ["the plan"] * count
        }
        rows = LawRows(
            title=use.law,
            formula=use.formula,
            arguments=use.arguments,
            labels=labels,
            factor=np.broadcast_to(use.rise, use.shape) if use.term else None,
            cut_off=use.cut_off,
            amount=f"amount ({unit})" if unit else "amount",
        )
        return write_law_rows(self.sheets, sheet, rows, self.cells)

    def _costs(self, sheet: Any, uses: Sequence[LawUse], written: Sequence[RowCells]) -> str:
        """Write the costs by term and line by line, and return the cell of their sum."""
        pricing = self.result.pricing
        assert pricing is not None
        terms = pricing.terms()
        order = pricing.lines["term"].map({term: place for place, term in enumerate(terms.index)})
        lines = pricing.lines.iloc[order.argsort(kind="stable")].reset_index(drop=True)
        living: dict[int, str] = {}
        if len(lines) <= _MOST_LINES:
            lines, living = _living_lines(lines, uses, written)
        else:
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
            f"Amounts of laws follow their sheets; yellow cells may be changed here{comes_in}.",
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
            if row - first in living:
                self.sheets.formula(sheet, (row, 3), living[row - first], float(amount), "money")
            elif np.isfinite(amount):
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
        told.append(("This workbook", self._living()))
        assert result.assessment is not None
        large = [use.law for use in result.assessment.law_uses if use.shape[0] > _MOST_PLACES]
        told += [
            ("", f"{law} is used in more than {_MOST_PLACES:,} places, whose prices are numbers.")
            for law in large
        ]
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


def _living_lines(
    lines: pd.DataFrame, uses: Sequence[LawUse], written: Sequence[RowCells]
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Return the lines of a price, and for those that a law makes the formula, by position.

    A line is left a number where the law's amount is not the line's, such as a leg that is priced at another value.
    """
    places: Mapping[tuple[str, str, str], deque[int]] = defaultdict(deque)
    groups: Mapping[tuple[str, str], list[int]] = defaultdict(list)
    for place, (term, group, item) in enumerate(lines[["term", "group", "item"]].itertuples(index=False)):
        places[term, group, item].append(place)
        groups[term, group].append(place)
    amounts: NDArray[np.float64] = lines["amount"].to_numpy(dtype=float).copy()
    items = lines["item"].tolist()
    living: dict[int, str] = {}
    gone: set[int] = set()
    for use, cells in zip(uses, written, strict=True):
        if not use.term or use.where is None:
            continue
        for (group, item), cell, worth in zip(use.where(), cells.amounts, use.amounts.tolist(), strict=True):
            if not item and len(parts := groups[use.term, group]):
                if _equal(amounts[parts].sum(), worth):
                    living[parts[0]], items[parts[0]] = cell, ""
                    amounts[parts[0]] = worth
                    gone.update(parts[1:])
            elif (queue := places[use.term, group, item]) and _equal(amounts[queue[0]], worth):
                living[queue.popleft()] = cell
    kept = [place for place in range(len(lines)) if place not in gone]
    found = lines.assign(amount=amounts, item=items).iloc[kept].reset_index(drop=True)
    return found, {new: living[old] for new, old in enumerate(kept) if old in living}


def _equal(amount: float, other: float) -> bool:
    return bool(abs(amount - other) <= 1e-9 * max(1.0, abs(amount)))
