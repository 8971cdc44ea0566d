"""What an answer says: the same in print, in notebooks, on pages and in workbooks."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from kanopt.display import (
    Alarm,
    Formatter,
    Grid,
    KeyFigure,
    Notice,
    Part,
    Section,
    Shown,
    caution,
    number_form,
    table_of,
)
from kanopt.plans.base import Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.questions.axes import value_text
from kanopt.text import count_text, money_decimals, money_text, percent_text

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 12
"""Rows of a printed table."""
_CHANGES = ("change", "data_effect", "replanning_effect", "low_effect", "high_effect", "kept_")
_HEADS = {
    "path": "input",
    "data_effect": "new data, old plan",
    "replanning_effect": "new plan",
    "noise": "noise of the search",
    "message": "why",
    "kept_low": "plan kept, low",
    "kept_high": "plan kept, high",
    "low_effect": "change at low",
    "high_effect": "change at high",
    "q05": "5 % quantile",
    "q50": "median",
    "q95": "95 % quantile",
    "worst": "worst tenth",
    "cheapest": "is the cheapest",
    "keeps": "decided so",
    "instead": "else",
}


class Picture(NamedTuple):
    """A picture of an answer: the name of what draws it, in :mod:`kanopt.pages.row_plots`, and what it shows."""

    name: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an answer says.

    Parameters
    ----------
    title
        The question, in words.
    answer
        What came of it, a sentence each; the one that matters first.
    lines
        More of the answer, as a list.
    figures
        The figures that matter.
    sure
        How far they can be relied on.
    notices
        What must be known before believing the rest.
    tables
        Tables.
    assumed
        What is assumed where the data do not say.
    sections
        What is said of each thing that was asked about, by itself.
    pictures
        Its pictures, the one that is the answer first.
    """

    title: str
    answer: tuple[str, ...]
    lines: tuple[str, ...] = ()
    figures: tuple[KeyFigure, ...] = ()
    sure: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    tables: tuple[Grid, ...] = ()
    assumed: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def parts(self) -> Iterator[Part]:
        """Yield it as print has it."""
        yield self.title
        yield from (Alarm(f"{one.label}. {one.text}") for one in self.notices if one.level == "bad")
        yield from ("", *self.answer, *(f"  {line}" for line in self.lines))
        for one in self.figures:
            unit = f" {one.unit}" if one.unit else ""
            yield f"  {one.label}: {one.value}{unit}" + (f" ({one.note})" if one.note else "")
        for table in self.tables:
            yield from ("", table.caption, _few_rows(table))
        for section in self.sections:
            yield from ("", section)
        rest = [one.text for one in self.notices if one.level != "bad"]
        rest += [*self.sure, *([f"Assumed: {'; '.join(self.assumed)}."] if self.assumed else [])]
        yield from ("", *rest) if rest else ()


def _few_rows(table: Grid) -> Grid:
    """Return a table as print has it: of many rows the first ones."""
    left = len(table.rows) - _SHOWN
    if left <= 0:
        return table
    note = f"and {count_text(left, 'more row')}; its frame has all. {table.note}".rstrip()
    return replace(table, rows=table.rows[:_SHOWN], note=note)


class Answer(Shown):
    """An answer to a question about a scenario or a plan: it is shown, and written as a page and as a workbook."""

    kind: ClassVar[str] = "question"
    """The command by which it is asked."""
    if TYPE_CHECKING:  # fields of some answers, worked out by others

        @property
        def interrupted(self) -> bool:
            """Whether the user stopped it."""

        @property
        def scenario(self) -> Any:
            """What was asked about; None where that was no scenario."""

        @property
        def base(self) -> Any:
            """The plan that was asked about."""

    @property
    def problem(self) -> Problem[Any]:
        """What it is about, as it is."""
        found: Problem[Any] = self.base.problem
        return found

    @property
    def status(self) -> Status:
        """Whether what was asked about has a plan, and one that holds."""
        found: Status = self.base.status
        return found

    @property
    def unit(self) -> str:
        """Unit of all amounts."""
        return self.problem.unit

    @abstractmethod
    def said(self) -> Said:
        """Return what it says."""

    @abstractmethod
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Return its tables, by what they hold."""

    def forms(self) -> Mapping[str, str]:
        """Return what numbers are: column, or table, a point and column, to ``"money"`` or ``"share"``."""
        return {}

    def to_json(self) -> dict[str, Any]:
        """Return as plain data what is told besides the tables."""
        return {}

    def to_frame(self) -> pd.DataFrame:
        """Return the first of its tables."""
        return next(iter(self.tables().values()))

    def plot(self, ax: Any = None) -> Any:
        """Draw it on matplotlib axes, on those of a new figure if on none, and return them.

        Raises
        ------
        ProblemError
            If there is nothing to draw.
        """
        from kanopt.display import reports

        return reports.plot_answer(self, ax)

    def to_html(self, path: Any) -> Path:
        """Write it as a page: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_page(reports.answer_page(self), path)

    def to_xlsx(self, path: str | os.PathLike[str]) -> Path:
        """Write a workbook: what is found in sentences, and a sheet for each table.

        Whatever comes from data is text: no cell is a formula. Folders on the way are made; a file is replaced in one
        step.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        ProblemError
            If a table has more rows than a sheet.
        """
        from kanopt.display import reports

        return reports.export_tables(self._shown(), self.tables(), path, self.forms())

    def _shown(self) -> Iterator[Part]:
        title, *rest = self.said().parts()
        yield title
        if self.scenario is not None:
            yield from (f"  changed: {each}" for each in self.scenario.change_sentences())
        yield from rest

    def _table(
        self,
        name: str,
        frame: pd.DataFrame,
        caption: str,
        *,
        heads: Mapping[str, str] | None = None,
        values: Sequence[str] = (),
        note: str = "",
    ) -> Grid:
        """Write one of its tables; what the numbers of each column are, :meth:`forms` says.

        Parameters
        ----------
        name, frame
            Which table it is, and what is shown of that.
        caption, note
            What it shows, and a sentence below.
        heads
            Column to head, beyond those that all answers share.
        values
            Columns of values that were tried, which may be numbers or texts.
        """
        known = self.forms()
        kinds = {each: known.get(f"{name}.{each}", known.get(each, "")) for each in map(str, frame.columns)}
        money = [column for column, kind in kinds.items() if kind == "money"]
        decimals = money_decimals(frame[money].to_numpy(float).ravel())
        forms: dict[str, Formatter] = dict.fromkeys(values, value_text)
        forms |= {column: number_form(decimals, signed=column.startswith(_CHANGES)) for column in money}
        forms |= {column: percent_text for column, kind in kinds.items() if kind == "share"}
        return table_of(frame, caption, heads=_HEADS | dict(heads or {}), forms=forms, note=note)

    def _priced(self, words: str) -> str:
        """Return the caption of a table of prices."""
        return f"{words} ({self.unit})" if self.unit else words

    def _warnings(self, done: int, asked: str, notes: Sequence[str]) -> tuple[Notice, ...]:
        """Return what must be said beside the figures, and that not all was asked where the user stopped it."""
        where = f"after {done:,} of {asked}" if asked else "before the end"
        stopped = Notice("bad", f"The user stopped it {where}.", label="Stopped")
        return (*([stopped] if self.interrupted else []), *map(caution, notes))

    def _learned(self) -> tuple[str, ...]:
        """Say that errors of what was learned are not in the figures, where something was."""
        learned = any(law.fit is not None or law.parts for law in self.problem.laws().values())
        told = (
            "Prices are those of what was learned, without its errors; kanopt monte-carlo draws these, too."
        )
        return (told,) if learned else ()


def as_it_is(base: Result) -> KeyFigure:
    """Return the price of the plan where nothing is changed."""
    price = "–" if base.objective is None else money_text(base.objective)
    return KeyFigure("as it is", price, base.problem.unit, base.status.value)


def noise_sentence(noise: pd.Series[float] | None, unit: str) -> str:
    """Say how far repeated searches lie apart; None is where the same plan is priced everywhere."""
    if noise is None:
        return "The same plan is priced everywhere: nothing is searched, so that differences are exact."
    if not noise.notna().any():
        return "How far repeated searches lie apart was not measured: a small difference may be none."
    most = float(noise.max())
    if not most:
        return "Searches that were repeated found the same again: differences are those of the plans."
    return (
        f"Repeated searches lie up to {money_text(most, unit)} apart: what differs by less is no difference."
    )
