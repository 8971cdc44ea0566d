"""The first page of a plan and of an answer: what to do, the figures, why, how sure, and what it rests on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

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
    Tone,
    grid_of,
    words_of,
)
from kanopt.pages.svg import to_svg
from kanopt.scenarios.init.sources import slug
from kanopt.text import amount_text, capital, column_decimals, count_text, fixed_text, join_list, shorten

if TYPE_CHECKING:
    from kanopt.scenarios import LearnedLaw
    from kanopt.tables import TableReport


# How builders of pages make blocks: sentences that lead somewhere, tables of frames, charts in two sizes.

Formatter = Callable[[Any], str]
MOST_ROWS = 400
LONGEST = 240
"""Letters of a line on a first page."""
WIDE, NARROW = 860, 350
"""Pixels of a picture as wide as the page, and of one for phones."""
_LONGEST_CELL = 300
_LONGEST_ID = 40
_LONGEST_NAME = 40
_SOONER_SHOWN = 1.25


def tone_of(change: float) -> Tone:
    """Return how a price that changes is coloured: less is good, more is bad, and nothing has no colour."""
    return "good" if change < 0 else "bad" if change > 0 else ""


def plain(name: str) -> str:
    """Return a name as people write it.

    Examples
    --------
    >>> plain("travel_time")
    'travel time'
    """
    return shorten(name.replace("_", " "), _LONGEST_NAME)


def say(words: str, *parts: str | Link | Sentence) -> Sentence:
    """Put parts into the places ``{}`` of a sentence.

    Examples
    --------
    >>> say("It costs {}, {} less.", Link("7 EUR", "cost"), "2 EUR")
    ('It costs ', Link(text='7 EUR', anchor='cost'), ', ', '2 EUR', ' less.')
    """
    pieces = words.split("{}")
    found: list[str | Link] = [pieces[0]]
    for part, piece in zip(parts, pieces[1:], strict=True):
        found += [*part] if isinstance(part, tuple) else [part]
        found.append(piece)
    return tuple(each for each in found if each)


def join_sentences(parts: Iterable[Sentence], between: str = " ", last: str = "") -> Sentence:
    """Put sentences one after the other, with `last` before the last of them.

    Examples
    --------
    >>> join_sentences([("a",), ("b",), ("c",)], ", ", " and ")
    ('a', ', ', 'b', ' and ', 'c')
    """
    shown = [part for part in parts if part]
    found: list[str | Link] = []
    for place, part in enumerate(shown):
        if place:
            found.append(last if last and place == len(shown) - 1 else between)
        found += part
    return tuple(found)


def linked(text: str, anchors: Mapping[str, str]) -> Sentence:
    """Let the words of a sentence that are known lead to their places, the longest first.

    Parameters
    ----------
    text
        The sentence.
    anchors
        From words, such as a number with its unit, to the place to which they lead.

    Examples
    --------
    >>> linked("It serves 5 of 15 clients.", {"5 of 15": "served", "15": "all"})
    ('It serves ', Link(text='5 of 15', anchor='served'), ' clients.')
    """
    known = sorted(filter(None, anchors), key=len, reverse=True)
    if not known:
        return (text,) if text else ()
    found = re.split(rf"(?<![\w.,])({'|'.join(map(re.escape, known))})(?![\w]|[.,]\d)", text)
    parts = (Link(part, anchors[part]) if place % 2 else part for place, part in enumerate(found))
    return tuple(part for part in parts if part)


def row_ids(prefix: str, names: Iterable[object]) -> tuple[str, ...]:
    """Return an id for each name, all different whatever the names are.

    Examples
    --------
    >>> row_ids("van", ["Van 1", "van-1", "<b>"])
    ('van-van-1', 'van-van-1-2', 'van-b')
    """
    found: dict[str, None] = {}
    for name in names:
        start = f"{prefix}-{slug(str(name))[:_LONGEST_ID].replace('_', '-')}"
        numbered = (f"{start}-{number}" for number in count(2))
        found[next(one for one in chain([start], numbered) if one not in found)] = None
    return tuple(found)


def ids_by_name(prefix: str, names: Iterable[object]) -> dict[str, str]:
    """Return the id of each of some names that differ."""
    known = [str(name) for name in names]
    return dict(zip(known, row_ids(prefix, known), strict=True))


def table_of(
    frame: pd.DataFrame,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    forms: Mapping[str, Formatter] | None = None,
    note: str = "",
    most: int = MOST_ROWS,
) -> Grid:
    """Write a frame for people.

    Parameters
    ----------
    frame
        Its index is not shown; columns without any value are left out.
    caption
        What it shows.
    heads
        Column to head; the column's name with spaces for underscores if not given.
    forms
        Column to a function from value to text; numbers get the decimals their column needs if not given.
    note
        A sentence below.
    most
        Rows beyond these are counted instead of shown.
    """
    shown = frame.dropna(axis="columns", how="all") if len(frame) else frame
    known = {str(name): (forms or {}).get(str(name)) or _form_of(shown[name]) for name in shown.columns}
    # a few rows more are sooner shown than counted
    grid = grid_of(shown, str, forms=known, most=most if len(shown) > _SOONER_SHOWN * most else None)
    told = f"{capital(grid.note)}. {note}" if grid.note else note
    words = tuple((heads or {}).get(name, name.replace("_", " ")) for name in grid.heads)
    return replace(grid, heads=words, caption=caption, note=told.strip())


def _form_of(column: pd.Series[Any]) -> Formatter:
    if is_bool_dtype(column):
        return lambda value: "yes" if value else "no"
    if not is_numeric_dtype(column):
        return lambda value: shorten(str(value), _LONGEST_CELL)
    return number_form(column_decimals(column.dropna().astype(float)))


def number_form(decimals: int, *, signed: bool = False) -> Formatter:
    """Return how the numbers of a column are written that share their decimals."""
    return lambda value: fixed_text(float(value), decimals, signed=signed)


def bar_lengths(values: Sequence[float]) -> list[float]:
    """Return the lengths of bars in per cent of the longest."""
    sizes = pd.Series(values, dtype=float).abs().replace(float("inf"), float("nan")).fillna(0.0)
    return list(100 * sizes / (sizes.max() or 1.0)) if len(sizes) else []


def chart_of(
    draw: Callable[[Any], object],
    *,
    caption: str,
    label: str,
    size: tuple[int, int],
    narrow: tuple[int, int] | None = None,
    table: Grid | None = None,
    titled: bool = True,
    **how: Any,
) -> Chart:
    """Draw a picture for desktops and one for phones; small pictures are the same on both.

    Parameters
    ----------
    draw
        Draws on the axes it is given.
    caption, table
        What it shows, and its exact values.
    label
        Alternative text.
    size, narrow
        Pixels for desktops and for phones.
    titled
        Whether the caption is a title.
    **how
        Tooltips and data, as for :func:`~kanopt.pages.svg.to_svg`.
    """
    wide = to_svg(draw, width=size[0], height=size[1], label=label, **how)
    small = (
        ""
        if narrow is None
        else to_svg(draw, width=narrow[0], height=narrow[1], label=f"{label}, narrow", **how)
    )
    return Chart(wide, small, caption, table, titled)


def text_block(text: str, look: Any = "quiet") -> Lines:
    """Return one sentence that looks so."""
    return Lines((text,), look)


def box(look: str, *parts: Any) -> Section:
    """Return parts that are laid out together, without a heading."""
    return Section("", tuple(parts), look=look, level=0)


def first_lines(
    lines: Sequence[str], anchor: str, longest: int = LONGEST, most: int = 6
) -> tuple[Sentence, ...]:
    """Return the first few lines, as a first page has room for, and where the others are."""
    found: list[Sentence] = [(shorten(line, longest),) for line in lines[:most]]
    if len(lines) > most:
        found.append((Link(f"And {count_text(len(lines) - most, 'more', 'more')} below.", anchor),))
    return tuple(found)


def caution(note: str) -> Notice:
    """Return a notice of what must be said beside the figures, as a sentence; a name at its head stays as it is."""
    is_word = note.partition(" ")[0].isalpha()
    return Notice("care", (capital(note) if is_word else note).rstrip(".") + ".")


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
            found.append(Lines(first_lines(self.changes, "provenance", most=_MOST_CHANGES), "changes"))
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
            if notice.level == "care"
        ]
        lines = first_lines(list(filter(None, told)), "cautions", most=_MOST_CAUTIONS)
        return tuple((Link("".join(map(words_of, line)), "cautions"),) for line in lines)


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


def _brief(notice: Notice) -> Notice:
    """Return a warning as the first page has room for; whole it stands among the others."""
    few = tuple(shorten(line, LONGEST) for line in notice.lines[:_MOST_LINES])
    text = shorten(notice.short or notice.text, LONGEST)
    return replace(notice, label=shorten(notice.label, LONGEST), text=text, lines=few)
