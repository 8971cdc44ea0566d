"""The first page of a plan and of an answer: what to do, the figures, why, how sure, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kanopt.display import (
    Chart,
    Figures,
    Grid,
    KeyFigure,
    Lines,
    Link,
    Notice,
    Notices,
    Part,
    Section,
    Sentence,
)
from kanopt.pages.blocks import LONGEST, box, ids_by_name, join_sentences, plain, say, text_block
from kanopt.text import amount_text, count_text, join_list, shorten

if TYPE_CHECKING:
    from kanopt.scenarios import LearnedLaw
    from kanopt.tables import TableReport

_MOST_LINES = 2
_MOST_LAWS = _MOST_TABLES = 6
_MOST_CHANGES = 4
_MOST_CAUTIONS = 3
_MOST_FIGURES = 12


@dataclass(frozen=True)
class FirstPage:
    """What the first page says.

    Parameters
    ----------
    todo
        What to do, what it costs and what it saves; of a question the answer.
    figures
        The figures that matter.
    why, sure
        What it comes from, and how far the figures can be relied on.
    notices
        What must be known before believing the rest; what is wrong with the plan stands above all else.
    changes
        What a what-if changes.
    laws, tables
        What was learned from data, and the tables that were read.
    tables_anchor
        Where the rest of the tables is.
    assumed
        What is assumed where the data do not say, such as how much longer roads are than straight lines.
    choices
        What else could be had, at what price; None where nothing is known of that.
    chart
        A picture that is the answer itself; None where the figures say it.
    heading, second
        Heads of what to do and of why.
    """

    todo: tuple[Sentence, ...]
    figures: tuple[KeyFigure, ...]
    why: tuple[Sentence, ...] = ()
    sure: tuple[Sentence, ...] = ()
    notices: tuple[Notice, ...] = ()
    changes: tuple[str, ...] = ()
    laws: Mapping[str, LearnedLaw] = field(default_factory=dict)
    tables: Mapping[str, TableReport] = field(default_factory=dict)
    tables_anchor: str = "tables"
    assumed: tuple[Sentence, ...] = ()
    choices: Grid | None = None
    chart: Chart | None = None
    heading: str = "What to do"
    second: str = "Why"

    def parts(self) -> tuple[Part, ...]:
        """Return its blocks."""
        alarms = tuple(_brief(notice) for notice in self.notices if notice.level == "bad")
        found: list[Part] = [Notices(alarms)] if alarms else []
        if self.changes:
            found.append(text_block("What-if: against the tables as they are, this scenario changes"))
            found.append(Lines(_first_changes(self.changes), "changes"))
        if self.todo:
            found.append(Section(self.heading, (Lines(self.todo, "answer"),), "todo"))
        found.append(Figures(self.figures[:_MOST_FIGURES]))
        found += [self.chart] if self.chart is not None else []
        told: tuple[tuple[str, str, Sequence[Part]], ...] = (
            (self.second, "why", _listed(self.why)),
            ("How sure", "sure", _listed(self.sure)),
            ("In time, and at what price", "choices", [self.choices] if self.choices else []),
            ("What is assumed", "assumes", _listed(self.assumed)),
            ("What it rests on", "rests", [*([laws_table(self.laws)] if self.laws else []), *self._tables()]),
            ("Be careful", "careful", _listed(self._cautions())),
        )
        sections = [Section(title, tuple(parts), anchor) for title, anchor, parts in told if parts]
        return (*found, box("twofold", *sections))

    def _tables(self) -> list[Part]:
        """Return the tables that were read, each with the way to what is said of it, and to the rest of them."""
        names = list(self.tables)
        if not names:
            return []
        ids = table_ids(names)
        shown = [
            say("{} ({})", plain(name), Link(count_text(self.tables[name].rows, "row"), ids[name]))
            for name in names[:_MOST_TABLES]
        ]
        if len(names) > _MOST_TABLES:
            more = count_text(len(names) - _MOST_TABLES, "more", "more")
            shown.append((Link(more, self.tables_anchor),))
        return [Lines((say("Tables read: {}.", join_sentences(shown, ", ")),), "quiet")]

    def _cautions(self) -> tuple[Sentence, ...]:
        """Return the first few warnings, each with the way to all that is said of it."""
        told = [
            notice.text if notice.short is None else notice.short
            for notice in self.notices
            if notice.level == "care" and notice.short != ""
        ]
        found: list[Sentence] = [
            (Link(shorten(text, LONGEST), "cautions"),) for text in told[:_MOST_CAUTIONS]
        ]
        if len(told) > _MOST_CAUTIONS:
            more = f"And {count_text(len(told) - _MOST_CAUTIONS, 'more', 'more')} below."
            found.append((Link(more, "cautions"),))
        return tuple(found)


def _listed(sentences: tuple[Sentence, ...]) -> list[Part]:
    return [Lines(sentences, "plain")] if sentences else []


def law_ids(laws: Mapping[str, LearnedLaw]) -> dict[str, str]:
    """Return the id of the section of each law."""
    return ids_by_name("law", laws)


def table_ids(names: Sequence[str]) -> dict[str, str]:
    """Return the id of what is said of each table that was read."""
    return ids_by_name("table", names)


def unanswered_notices(lines: Sequence[str]) -> tuple[Notice, ...]:
    """Return warnings of what only the user knows and did not say."""
    return tuple(Notice("bad", line, label="Not answered") for line in lines)


def laws_table(laws: Mapping[str, LearnedLaw]) -> Grid:
    """Return what was learned, where from, how far it is off, and the verdict."""
    ids = law_ids(laws)
    rows = tuple(
        (Link(plain(name), ids[name]), *_law_cells(law)) for name, law in list(laws.items())[:_MOST_LAWS]
    )
    hidden = len(laws) - len(rows)
    note = f"And {count_text(hidden, 'more law')} below." if hidden > 0 else ""
    heads = ("what", "known from", "usual error", "verdict")
    return Grid(heads, (False,) * 4, rows, note, caption="What it rests on")


def _law_cells(law: LearnedLaw) -> tuple[str, str, str]:
    formula, fit = law.formula, law.formula.fit
    verdict = formula.verdict
    level = "low trust" if not law.trusted else "–" if verdict is None else verdict.level
    if fit is None:
        inside = join_list([plain(part.output.name) for part in formula.parts], 3)
        return (f"worked out from {inside}" if inside else law.note or "given", "–", level)
    rows = count_text(fit.rows_train + fit.rows_test, "past row")
    return (rows, amount_text(fit.mae, formula.output.unit, 3), level)


def _first_changes(sentences: Sequence[str]) -> tuple[str, ...]:
    found = [shorten(each, LONGEST) for each in sentences[:_MOST_CHANGES]]
    if len(sentences) > _MOST_CHANGES:
        found.append(f"and {count_text(len(sentences) - _MOST_CHANGES, 'more change')}")
    return tuple(found)


def _brief(notice: Notice) -> Notice:
    """Return a warning as the first page has room for; whole it stands among the others."""
    few = tuple(shorten(line, LONGEST) for line in notice.lines[:_MOST_LINES])
    text = shorten(notice.short or notice.text, LONGEST)
    return replace(notice, label=shorten(notice.label, LONGEST), text=text, lines=few)
