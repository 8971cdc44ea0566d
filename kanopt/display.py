"""The blocks of which all that kanopt shows is made, and the one call upward to the reports.

An object sums itself up as parts: sentences, figures, tables, charts, laws, and folds and sections of them. Print
writes them as text (:func:`told`), notebooks and pages as HTML, and a summary as Markdown, so that all say the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from kanopt.text import (
    capital,
    column_decimals,
    count_text,
    fixed_text,
    money_decimals,
    percent_text,
    shorten,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes


class Reports(Protocol):
    """What objects ask of the reports, which lie above them: drawings, pages and files."""

    days_text: Callable[..., str]
    export: Callable[..., Path]
    export_tables: Callable[..., Path]
    plot_costs: Callable[..., Axes]
    plot_result: Callable[..., Axes]
    shown_html: Callable[..., str]
    write_explanation: Callable[..., Path]
    write_page: Callable[..., Path]
    write_report: Callable[..., Path]

    def __getattr__(self, name: str, /) -> Any: ...


reports: Reports


def __getattr__(name: str) -> Any:
    # by name, at the first use: drawing libraries are loaded by whoever draws, and imports point one way
    if name != "reports":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("kanopt.pages")


class Alarm(str):
    """A sentence that must not be overlooked."""

    __slots__ = ()


@dataclass(frozen=True)
class Link:
    """Words of a cell that lead to another place of the page, or to another page."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Lines:
    """Sentences below each other, all looking alike: as answers, as quiet notes, or as the items of a list."""

    items: tuple[str, ...]
    look: Literal["", "kicker", "answer", "quiet", "note", "code", "plain", "changes", "title", "alarm"] = ""


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
class Notices:
    """Warnings, the gravest first."""

    items: tuple[Notice, ...]


@dataclass(frozen=True)
class Facts:
    r"""Pairs of a word and what is to be said about it; `indent` and `between` are how print writes them.

    A page gives a pair the id in its place of `ids`.

    Examples
    --------
    >>> told([Facts((("bound", "70.00 EUR"), ("gap", "3 %")), between=": ")])
    'bound: 70.00 EUR\ngap: 3 %'
    """

    pairs: tuple[tuple[str, ...], ...]
    between: str = " "
    indent: str = ""
    ids: tuple[str, ...] = ()


Tone: TypeAlias = Literal["", "good", "bad"]


@dataclass(frozen=True)
class KeyFigure:
    """One number that matters, with what it is and what to compare it with.

    What stands `first`, above it, is what the plan serves, coloured where that `lacks` something; it leads to `anchor`.
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
class Figures:
    """The numbers that matter, beside each other."""

    items: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class CellBar:
    """A bar in a table's cell: its length, and that of a paler one above it, in per cent of the widest."""

    length: float
    before: float | None = None


Cell: TypeAlias = str | CellBar | Link


@dataclass(frozen=True)
class Grid:
    """A table.

    Parameters
    ----------
    heads, numeric
        The heads of its columns, and which of them are numbers.
    rows
        Cells, each a text, a link or a bar.
    note
        A sentence below.
    indent
        How print moves it to the right.
    caption
        What it shows.
    total
        A last row set apart, or none.
    ids
        An id for each row, or none.
    groups
        What each row belongs to, or none; rows of one group follow each other, below a row that names it.
    of
        The driver or machine of each row, by which the page's script filters, or none.
    """

    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    indent: str = ""
    caption: str = ""
    total: tuple[Cell, ...] = ()
    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A picture for desktops and one for phones, where that is another, with what it shows."""

    wide: str
    narrow: str
    caption: str
    titled: bool = True


@dataclass(frozen=True)
class Law:
    """A formula, set as mathematics where that can be done; `name` is what print calls it by."""

    formula: Any
    name: str = ""


@dataclass(frozen=True)
class Fold:
    """What a notebook and a page show at a click, and print leaves out."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Section:
    """What stands together on a page: below a heading where there is a `title`, and laid out as its `look` says.

    `level` is that of the heading; the list of sections at the head of a page has those of the second level, as
    `short`. `badge` stands beside the heading, and `data` is what a page's script reads.
    """

    title: str
    parts: tuple[Part, ...]
    anchor: str = ""
    look: str = ""
    level: int = 2
    short: str = ""
    badge: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


Part: TypeAlias = str | Lines | Notices | Facts | Figures | Grid | Chart | Law | Fold | Section
"""A sentence (below the one before it, where it is indented; a gap, where it is empty), or one of the above."""


@dataclass(frozen=True)
class Page:
    """A page: its title above what `first` says, which is one sheet of paper, and the `rest`."""

    kicker: str
    title: str
    first: tuple[Part, ...]
    rest: tuple[Part, ...]
    is_live: bool = False

    @property
    def sections(self) -> tuple[Section, ...]:
        """What the list at the head of the page leads to."""
        found = [part for part in self.rest if isinstance(part, Section)]
        inner = [each for part in found if not part.level for each in part.parts if isinstance(each, Section)]
        return tuple(each for each in (*found, *inner) if each.short)


class Shown(ABC):
    """An object that shows the same in print and in notebooks."""

    @abstractmethod
    def _shown(self) -> Iterable[Part]:
        """Yield what it shows, beginning with a title."""

    def _repr_html_(self) -> str:
        from kanopt.display import reports

        return reports.shown_html(self._shown())

    def text(self) -> str:
        """Return what it shows as text."""
        return told(self._shown())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)


def told(parts: Iterable[Part]) -> str:
    """Write parts as text.

    Examples
    --------
    >>> table = Grid(("path", "swing"), (False, True), (("fuel", "1.50"), ("wages", "–")), note="a note")
    >>> print(told(["two inputs", "", table]))
    two inputs
    <BLANKLINE>
     path  swing
     fuel   1.50
    wages      –
    a note
    """
    lines: list[str] = []
    for part in parts:
        match part:
            case str():
                lines.append(str(part))
            case Facts():
                lines += [f"{part.indent}{part.between.join(pair)}" for pair in part.pairs]
            case Grid():
                lines += [f"{part.indent}{line}" for line in _grid_lines(part)]
            case Law():
                lines.append(f"{part.name or part.formula.output.name} = {part.formula}")
            case Lines():
                lines += part.items
            case Notices():
                lines += [f"{one.label}. {one.text}".removeprefix(". ") for one in part.items]
            case Section():
                lines += [*filter(None, [part.title]), told(part.parts)]
    return "\n".join(lines)


def words_of(cell: Cell) -> str:
    """Return the words of a cell; of a bar none."""
    return cell.text if isinstance(cell, Link) else "" if isinstance(cell, CellBar) else cell


def _grid_lines(grid: Grid) -> list[str]:
    """Write a table as pandas does: to the right, numbers a space further from what stands before them."""
    heads = [f"{' ' * is_number}{head}" for head, is_number in zip(grid.heads, grid.numeric, strict=True)]
    rows = [*grid.rows, *([grid.total] if grid.total else [])]
    table = [tuple(heads), *(tuple(map(words_of, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [" ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return lines + ([grid.note] if grid.note else [])


Formatter: TypeAlias = Callable[[Any], str]
MOST_ROWS = 400
_LONGEST_CELL = 300
_SOONER_SHOWN = 1.25


def grid_of(
    frame: pd.DataFrame,
    form: Callable[[float], str],
    *,
    forms: Mapping[str, Callable[[Any], str]] | None = None,
    most: int | None = None,
    rest: str = "",
    missing: str = "–",
) -> Grid:
    """Return a frame as a table, without its index.

    Parameters
    ----------
    frame
        The frame.
    form
        From a number that is not whole to its text.
    forms
        Column to a form of its own.
    most
        Rows beyond these are counted; all are shown where None.
    rest
        Where the others are: ``"sweep.points has all"``.
    missing
        What stands for no value.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"path": ["fuel", "wages"], "swing": [1.5, float("nan")]})
    >>> grid_of(frame, "{:.2f}".format, most=1, rest="tornado.frame has all").note
    'the first of 2 rows; tornado.frame has all'
    """
    from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

    cut = frame if most is None else frame.head(most)
    forms = forms or {}
    columns = []
    for name in cut.columns:
        known = forms.get(str(name)) or (form if is_float_dtype(cut[name]) else str)
        gone = cut[name].isna()
        columns.append([missing if no else known(value) for value, no in zip(cut[name], gone, strict=True)])
    numeric = tuple(
        bool(is_numeric_dtype(cut[name]) and not is_bool_dtype(cut[name])) for name in cut.columns
    )
    left = len(frame) > len(cut)
    first = "the first" if len(cut) == 1 else f"the first {len(cut):,}"
    note = "; ".join(filter(None, (f"{first} of {count_text(len(frame), 'row')}", rest))) if left else ""
    heads = tuple(str(name) for name in cut.columns)
    return Grid(heads, numeric, tuple(zip(*columns, strict=True)) if columns else (), note)


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
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_bool_dtype(column):
        return lambda value: "yes" if value else "no"
    if not is_numeric_dtype(column):
        return lambda value: shorten(str(value), _LONGEST_CELL)
    return number_form(column_decimals(column.dropna().astype(float)))


def number_form(decimals: int, *, signed: bool = False) -> Formatter:
    """Return how the numbers of a column are written that share their decimals."""
    return lambda value: fixed_text(float(value), decimals, signed=signed)


def tone_of(change: float) -> Tone:
    """Return how a price that changes is coloured: less is good, more is bad, and nothing has no colour."""
    return "good" if change < 0 else "bad" if change > 0 else ""


def caution(note: str) -> Notice:
    """Return a notice of what must be said beside the figures, as a sentence; a name at its head stays as it is."""
    is_word = note.partition(" ")[0].isalpha()
    return Notice("care", (capital(note) if is_word else note).rstrip(".") + ".")


def bar_lengths(values: Sequence[float]) -> list[float]:
    """Return the lengths of bars in per cent of the longest."""
    import pandas as pd

    sizes = pd.Series(values, dtype=float).abs().replace(float("inf"), float("nan")).fillna(0.0)
    return list(100 * sizes / (sizes.max() or 1.0)) if len(sizes) else []


def change_table(frame: pd.DataFrame, caption: str, heads: Mapping[str, str]) -> Grid:
    """Return the terms of two plans beside each other, with a pair of bars in each row.

    Parameters
    ----------
    frame
        Columns ``term``, ``before``, ``after`` and ``change``, and others that are parts of the change.
    caption
        What it shows.
    heads
        Column to head, in their order.
    """
    sums = frame[list(heads)].sum(min_count=1)
    decimals = money_decimals([*frame["before"], *frame["after"], sums["before"], sums["after"]])

    def cells(name: str, row: pd.Series[float]) -> tuple[str, ...]:
        told = [
            fixed_text(float(row[column]), decimals, signed=column not in ("before", "after"))
            for column in heads
        ]
        old = row["before"]
        share = percent_text((row["after"] - old) / abs(old), signed=True) if old else "–"
        return (name, *told, share)

    lengths = bar_lengths([*frame["before"], *frame["after"]])
    rows: tuple[tuple[str | CellBar, ...], ...] = tuple(
        (*cells(str(term), row), CellBar(lengths[len(frame) + place], lengths[place]))
        for place, (term, (_, row)) in enumerate(
            zip(frame["term"], frame[list(heads)].iterrows(), strict=True)
        )
    )
    numeric = (False, *(True for _ in heads), True, False)
    words = ("term", *heads.values(), "%", "")
    return Grid(words, numeric, rows, caption=caption, total=(*cells("total", sums), ""))
