"""The first page of a plan and of an answer: what to do, the figures, why, how sure, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from kanopt.display import Chart, Figures, Grid, Lines, Link, Notice, Notices, Part, Section
from kanopt.pages.svg import to_svg
from kanopt.questions.answer import Said
from kanopt.scenarios.init.sources import slug
from kanopt.text import amount_text, count_text, join_list, shorten

if TYPE_CHECKING:
    from kanopt.scenarios import LearnedLaw
    from kanopt.tables import TableReport


# How builders of pages make blocks: tables of frames, charts in two sizes.

LONGEST = 240
"""Letters of a line on a first page."""
WIDE, NARROW = 860, 350
"""Pixels of a picture as wide as the page, and of one for phones."""
_LONGEST_ID = 40
_LONGEST_NAME = 40


def plain(name: str) -> str:
    """Return a name as people write it.

    Examples
    --------
    >>> plain("travel_time")
    'travel time'
    """
    return shorten(name.replace("_", " "), _LONGEST_NAME)


def ids_by_name(prefix: str, names: Iterable[object]) -> dict[str, str]:
    """Return an id for each of some names that differ; all ids are different, whatever the names are.

    Examples
    --------
    >>> ids_by_name("van", ["Van 1", "van-1", "<b>"])
    {'Van 1': 'van-van-1', 'van-1': 'van-van-1-2', '<b>': 'van-b'}
    """
    found: dict[str, str] = {}
    for name in map(str, names):
        start = f"{prefix}-{slug(name)[:_LONGEST_ID].replace('_', '-')}"
        numbered = (f"{start}-{number}" for number in count(2))
        found[name] = next(one for one in chain([start], numbered) if one not in found.values())
    return found


def chart_of(
    draw: Callable[[Any], object],
    *,
    caption: str,
    label: str,
    size: tuple[int, int],
    narrow: tuple[int, int] | None = None,
    titled: bool = True,
    **how: Any,
) -> Chart:
    """Draw a picture for desktops and one for phones; small pictures are the same on both.

    Parameters
    ----------
    draw
        As for :func:`~kanopt.pages.svg.to_svg`.
    caption, label
        What it shows, and the alternative text.
    size, narrow
        Pixels for desktops and for phones; a height of 0 is what the drawing wants.
    titled
        Whether the caption is a title.
    **how
        Tooltips and data, as for :func:`~kanopt.pages.svg.to_svg`.
    """
    wide = to_svg(draw, width=size[0], height=size[1], label=label, **how)
    small = ""
    if narrow is not None:
        size = narrow
        small = to_svg(draw, width=size[0], height=size[1], taller=1.1, label=f"{label}, narrow", **how)
    return Chart(wide, small, caption, titled)


def text_block(text: str, look: Any = "quiet") -> Lines:
    """Return one sentence that looks so."""
    return Lines((text,), look)


def box(look: str, *parts: Any) -> Section:
    """Return parts that are laid out together, without a heading."""
    return Section("", tuple(parts), look=look, level=0)


def listed(title: str, items: Iterable[str], anchor: str = "", short: str = "") -> list[Section]:
    """Return a section with a list, or none where nothing is in it."""
    told = tuple(items)
    return [Section(title, (Lines(told, "changes"),), anchor, short=short)] if told else []


def first_lines(lines: Sequence[str], longest: int = LONGEST, most: int = 6) -> tuple[str, ...]:
    """Return the first few lines, as a first page has room for, and how many more there are."""
    found = [shorten(line, longest) for line in lines[:most]]
    return (*found, *([f"And {len(lines) - most:,} more below."] if len(lines) > most else []))


_MOST_LINES = 2
_MOST_LAWS = _MOST_TABLES = 6
_MOST_CHANGES = 2
_MOST_CAUTIONS = 3
_MOST_FIGURES = 12


@dataclass(frozen=True)
class Basis:
    """What a first page rests on.

    Parameters
    ----------
    changes
        What a what-if changes.
    laws, tables
        What was learned from data, and the tables that were read.
    """

    changes: tuple[str, ...] = ()
    laws: Mapping[str, LearnedLaw] = field(default_factory=dict)
    tables: Mapping[str, TableReport] = field(default_factory=dict)


def first_page(
    said: Said,
    basis: Basis,
    heads: tuple[str, str],
    *,
    chart: Chart | None = None,
    choices: Grid | None = None,
) -> tuple[Part, ...]:
    """Return what the first page of a plan or of an answer shows.

    Parameters
    ----------
    said
        What it says; what is wrong with the plan stands above all else.
    basis
        What it rests on.
    heads
        Heads of what to do, and of why.
    chart
        A picture that is the answer itself; None where the figures say it.
    choices
        What else could be had, at what price; None where nothing is known of that.
    """
    alarms = tuple(_brief(notice) for notice in said.notices if notice.level == "bad")
    found: list[Part] = [Notices(alarms)] if alarms else []
    if basis.changes:
        found.append(text_block("What-if: against the tables as they are, this scenario changes"))
        found.append(Lines(first_lines(basis.changes, most=_MOST_CHANGES), "changes"))
    if said.answer:
        found.append(Section(heads[0], (Lines(said.answer, "answer"),), "todo"))
    found.append(Figures(said.figures[:_MOST_FIGURES]))
    found += [chart] if chart is not None else []
    rests: list[Part] = [laws_table(basis.laws)] if basis.laws else []
    rests += [text_block(_read_text(basis.tables))] if basis.tables else []
    told = [one.text if one.short is None else one.short for one in said.notices if one.level == "care"]
    careful = first_lines(list(filter(None, told)), most=_MOST_CAUTIONS)
    sections: tuple[tuple[str, str, Sequence[Part]], ...] = (
        (heads[1], "why", _items(said.lines)),
        ("How sure", "sure", _items(said.sure)),
        ("In time, and at what price", "choices", [choices] if choices else []),
        ("What is assumed", "assumes", _items(said.assumed)),
        ("What it rests on", "rests", rests),
        ("Be careful", "careful", _items(careful)),
    )
    shown = [Section(title, tuple(parts), anchor) for title, anchor, parts in sections if parts]
    return (*found, box("twofold", *shown))


def _items(sentences: tuple[str, ...]) -> list[Part]:
    return [Lines(sentences, "plain")] if sentences else []


def _read_text(tables: Mapping[str, TableReport]) -> str:
    shown = [
        f"{plain(name)} ({count_text(tables[name].rows, 'row')})" for name in list(tables)[:_MOST_TABLES]
    ]
    more = len(tables) - len(shown)
    return f"Tables read: {', '.join([*shown, *([f'{more:,} more'] if more else [])])}."


def law_ids(laws: Mapping[str, LearnedLaw]) -> dict[str, str]:
    """Return the id of the section of each law."""
    return ids_by_name("law", laws)


def unanswered_notices(lines: Sequence[str]) -> tuple[Notice, ...]:
    """Return warnings of what only the user knows and did not say."""
    return tuple(Notice("bad", line, label="Not answered") for line in lines)


def laws_table(laws: Mapping[str, LearnedLaw]) -> Grid:
    """Return what was learned, where from, how far it is off, and the verdict."""
    ids = law_ids(laws)
    rows = tuple(
        (Link(plain(name), ids[name]), *_law_cells(law)) for name, law in [*laws.items()][:_MOST_LAWS]
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
