"""What a page is made of: tables, figures, key figures and notices, as plain data for the templates."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from kanopt.reports.svg import to_svg
from kanopt.text import column_decimals, count_text, fixed_text, shorten
from kanopt.whatif.scaffolding.keys import slug

Tone = Literal["", "good", "bad"]

MOST_ROWS = 400
_LONGEST = 300  # letters of a cell
_LONGEST_ID = 40
NARROW = 350


def tone_of(change: float) -> Tone:
    """Return how a price that changes is coloured: less is good, more is bad, and nothing has no colour."""
    return "good" if change < 0 else "bad" if change > 0 else ""


@dataclass(frozen=True)
class Link:
    """Words that lead to another place of the page, such as the row of a table that has the number."""

    text: str
    anchor: str


Sentence = tuple[str | Link, ...]
"""Words, some of which lead somewhere."""


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
        return (text,)
    found = re.split(rf"(?<![\w.,])({'|'.join(map(re.escape, known))})(?![\w]|[.,]\d)", text)
    parts = (Link(part, anchors[part]) if place % 2 else part for place, part in enumerate(found))
    return tuple(part for part in parts if part)


def row_ids(prefix: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return an id for each name, all different whatever the names are.

    Examples
    --------
    >>> row_ids("van", ["Van 1", "van-1", "<b>"])
    ('van-van-1', 'van-van-1-2', 'van-b')
    """
    found: dict[str, None] = {}
    for name in names:
        plain = slug(name)[:_LONGEST_ID].replace("_", "-")
        numbered = (f"{prefix}-{plain}-{number}" for number in count(2))
        found[next(one for one in chain([f"{prefix}-{plain}"], numbered) if one not in found)] = None
    return tuple(found)


@dataclass(frozen=True)
class TableColumn:
    """Head of a table's column; numbers stand to the right."""

    head: str
    numeric: bool = False


@dataclass(frozen=True)
class CellBar:
    """A bar in a table's cell: its length, and that of a paler one above it, in per cent of the widest."""

    length: float
    before: float | None = None


Cell = str | CellBar | Link


@dataclass(frozen=True)
class PageTable:
    """A table ready to print.

    Parameters
    ----------
    caption
        What it shows.
    columns
        One head per cell of a row.
    rows
        Cells, each a text, a link or a bar.
    total
        A last row set apart, or none.
    note
        A sentence below.
    ids, total_id
        An id for each row, or none; and one for the last row that is set apart.
    groups
        What each row belongs to, or none; rows of one group follow each other, below a row that names it.
    of
        The driver or machine of each row, by which the page's script filters, or none.
    """

    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()
    note: str = ""
    ids: tuple[str, ...] = ()
    total_id: str = ""
    groups: tuple[str, ...] = ()
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A picture in two sizes, and what it shows."""

    wide: str
    narrow: str
    caption: str
    table: PageTable | None = None


@dataclass(frozen=True)
class KeyFigure:
    """One number that matters, with what it is and what to compare it with.

    What stands `first`, above the number, is what the plan serves; it is coloured where the plan `lacks` something.
    The number leads to its `anchor`, where it has one.
    """

    label: str
    value: str
    unit: str = ""
    note: str = ""
    tone: Tone = ""
    first: str = ""
    lacks: bool = False
    anchor: str = ""


@dataclass(frozen=True)
class Notice:
    """Something the reader must know before believing the rest; `label` in place of the word for its level.

    The first page says it in `short`; where that is None as it is, and where it is empty not at all.
    """

    level: Literal["bad", "care", "note"]
    text: str
    lines: tuple[str, ...] = ()
    label: str = ""
    short: str | None = None


@dataclass(frozen=True)
class ReasonRow:
    """Why one thing is as it is, what would mend it, and how that is known, where there is something to say."""

    subject: str
    message: str
    relaxation: str
    evidence: str
    anchor: str = ""


@dataclass(frozen=True)
class FactList:
    """Pairs of a word and what is to be said about it, and an id for each, or none."""

    pairs: tuple[tuple[str, str], ...] = field(default=())
    ids: tuple[str, ...] = ()


Formatter = Callable[[Any], str]


def table_of(
    frame: pd.DataFrame,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    forms: Mapping[str, Formatter] | None = None,
    note: str = "",
    most: int = MOST_ROWS,
) -> PageTable:
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
    forms = dict(forms or {})
    shown = frame.dropna(axis="columns", how="all") if len(frame) else frame
    columns = columns_of(shown, heads or {})
    cut = shown if len(shown) <= 1.25 * most else shown.head(most)
    cells = [_cells(cut[name], forms.get(str(name)) or _formatter(shown[name])) for name in shown.columns]
    if len(shown) > 1.25 * most:  # a few rows more are sooner shown than counted
        more = f"The first {most:,} of {count_text(len(shown), 'row')}."
        note = f"{more} {note}".strip()
    rows = tuple(zip(*cells, strict=True)) if cells else ()
    return PageTable(caption, columns, rows, note=note)


def columns_of(frame: pd.DataFrame, heads: Mapping[str, str]) -> tuple[TableColumn, ...]:
    """Return the heads of a frame's columns."""
    return tuple(
        TableColumn(heads.get(str(name), str(name).replace("_", " ")), _is_number(frame[name]))
        for name in frame.columns
    )


def figure_of(
    draw: Callable[[Any], object],
    *,
    caption: str,
    label: str,
    size: tuple[int, int],
    narrow: tuple[int, int] | None = None,
    table: PageTable | None = None,
) -> Figure:
    """Draw a picture for desktops and one for phones; small pictures are the same on both."""
    wide = to_svg(draw, width=size[0], height=size[1], label=label)
    if narrow is None:
        return Figure(wide, "", caption, table)
    return Figure(
        wide, to_svg(draw, width=narrow[0], height=narrow[1], label=f"{label}, narrow"), caption, table
    )


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def _formatter(column: pd.Series[Any]) -> Formatter:
    if is_bool_dtype(column):
        return lambda value: "yes" if value else "no"
    if not _is_number(column):
        return lambda value: shorten(str(value), _LONGEST)
    decimals = column_decimals(column.dropna().astype(float))
    return lambda value: fixed_text(float(value), decimals)


def _cells(column: pd.Series[Any], form: Formatter) -> list[str]:
    return ["–" if _is_missing(value) else form(value) for value in column]


def _is_missing(value: Any) -> bool:
    if value is None or value is pd.NA:
        return True
    return isinstance(value, (float, np.floating)) and math.isnan(value)


def bar_lengths(values: Sequence[float]) -> list[float]:
    """Return the lengths of bars in per cent of the longest."""
    longest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return [100 * abs(value) / longest if longest and math.isfinite(value) else 0.0 for value in values]
