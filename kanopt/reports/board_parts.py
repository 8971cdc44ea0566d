"""What first pages of plans and of answers to what-ifs are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanopt.reports.board_why import plain
from kanopt.reports.page_parts import (
    Figure,
    KeyFigure,
    Link,
    Notice,
    PageTable,
    Sentence,
    TableColumn,
    row_ids,
    say,
)
from kanopt.text import amount_text, count_text, join_list, shorten

if TYPE_CHECKING:
    from kanopt.tables import TableReport
    from kanopt.whatif import LearnedLaw

LONGEST = 240
"""Letters of a line on a first page."""
MOST_LINES = 2
_MOST_LAWS = 6
_MOST_TABLES = 6
_MOST_CHANGES = 4
_MOST_CAUTIONS = 3


@dataclass(frozen=True)
class BoardPage:
    """What the first page says.

    Parameters
    ----------
    kicker
        What kind of page it is.
    alarms
        What is wrong with the plan, above all else.
    changes
        What a what-if changes, the first few.
    todo
        What to do, what it costs and what it saves.
    keys
        The figures that matter.
    why
        Three sentences.
    sure
        How far the figures can be relied on.
    laws
        What was learned from data, how far it is off, and the verdict.
    tables
        The tables that were read.
    assumed
        What is assumed where the data do not say, such as how much longer roads are than straight lines.
    cautions
        What to be careful about, the first few.
    figure
        A picture that is the answer itself; None where the figures say it.
    heading, second
        Heads of what to do and of why.
    """

    kicker: str
    alarms: tuple[Notice, ...]
    changes: tuple[str, ...]
    todo: tuple[Sentence, ...]
    keys: tuple[KeyFigure, ...]
    why: tuple[Sentence, ...]
    sure: tuple[Sentence, ...]
    laws: PageTable | None
    tables: Sentence
    assumed: tuple[Sentence, ...]
    cautions: tuple[Sentence, ...]
    figure: Figure | None = None
    heading: str = "What to do"
    second: str = "Why"


def law_ids(laws: Mapping[str, LearnedLaw]) -> dict[str, str]:
    """Return the id of the section of each law."""
    return dict(zip(laws, row_ids("law", list(laws)), strict=True))


def table_ids(names: list[str]) -> dict[str, str]:
    """Return the id of what is said of each table that was read."""
    return dict(zip(names, row_ids("table", names), strict=True))


def first_changes(sentences: Sequence[str]) -> tuple[str, ...]:
    """Return what a what-if changes, the first few."""
    found = [shorten(each, LONGEST) for each in sentences[:_MOST_CHANGES]]
    if len(sentences) > _MOST_CHANGES:
        found.append(f"and {count_text(len(sentences) - _MOST_CHANGES, 'more change')}")
    return tuple(found)


def unanswered_notices(lines: Iterable[str]) -> tuple[Notice, ...]:
    """Return warnings of what only the user knows and did not say."""
    return tuple(Notice("bad", line, label="Not answered") for line in lines)


def brief(notice: Notice) -> Notice:
    """Return a warning as the first page has room for; whole it stands among the others."""
    few = tuple(shorten(line, LONGEST) for line in notice.lines[:MOST_LINES])
    return replace(
        notice,
        label=shorten(notice.label, LONGEST),
        text=shorten(notice.short or notice.text, LONGEST),
        lines=few,
    )


def laws_table(laws: Mapping[str, LearnedLaw]) -> PageTable | None:
    """Return what was learned, where from, how far it is off, and the verdict."""
    if not laws:
        return None
    ids = law_ids(laws)
    rows = tuple(
        (Link(plain(name), ids[name]), *_law_cells(law)) for name, law in list(laws.items())[:_MOST_LAWS]
    )
    hidden = len(laws) - len(rows)
    note = f"And {count_text(hidden, 'more law')} below." if hidden > 0 else ""
    heads = ("what", "known from", "usual error", "verdict")
    columns = tuple(TableColumn(head) for head in heads)
    return PageTable("What it rests on", columns, rows, note=note)


def _law_cells(law: LearnedLaw) -> tuple[str, str, str]:
    formula, fit = law.formula, law.formula.fit
    verdict = formula.verdict
    level = "low trust" if not law.trusted else "–" if verdict is None else verdict.level
    if fit is None:
        inside = join_list([plain(part.output.name) for part in formula.parts], 3)
        return (f"worked out from {inside}" if inside else law.note or "given", "–", level)
    rows = count_text(fit.rows_train + fit.rows_test, "past row")
    return (rows, amount_text(fit.mae, formula.output.unit, 3), level)


def tables_sentence(tables: Mapping[str, TableReport], rest: str = "tables") -> Sentence:
    """Return the tables that were read, each with the way to what is said of it, and to the rest of them."""
    names = list(tables)
    if not names:
        return ()
    ids = table_ids(names)
    shown = [
        say("{} ({})", plain(name), Link(count_text(tables[name].rows, "row"), ids[name]))
        for name in names[:_MOST_TABLES]
    ]
    if len(names) > _MOST_TABLES:
        shown.append((Link(count_text(len(names) - _MOST_TABLES, "more", "more"), rest),))
    parts: list[str | Link] = []
    for place, sentence in enumerate(shown):
        parts += [", ", *sentence] if place else [*sentence]
    return say("Tables read: {}.", tuple(parts))


def first_cautions(notices: Sequence[Notice]) -> tuple[Sentence, ...]:
    """Return the first few warnings, each with the way to all that is said of it."""
    told = [
        notice.text if notice.short is None else notice.short
        for notice in notices
        if notice.level == "care" and notice.short != ""
    ]
    found: list[Sentence] = [(Link(shorten(text, LONGEST), "cautions"),) for text in told[:_MOST_CAUTIONS]]
    if len(told) > _MOST_CAUTIONS:
        found.append((Link(f"And {count_text(len(told) - _MOST_CAUTIONS, 'more')} below.", "cautions"),))
    return tuple(found)
