"""The tables a scaffold is made from, read as they stand, and what can be seen of their columns."""

from __future__ import annotations

import os
import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain, count, permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype, is_string_dtype

from kanopt.errors import TableError
from kanopt.faults import said
from kanopt.formulas.variables import is_name
from kanopt.records.headers import (
    CLOSED,
    COORDINATES,
    FIELD_WORDS,
    HISTORY,
    IDENTIFIERS,
    IN_USE,
    NO_THINGS,
    STATE,
    TOTALS,
    names_part,
    read_header,
)
from kanopt.records.matching import NO, YES_NO, ColumnFacts, naming_column
from kanopt.tables import TextFormat, read_table, report_of, units_of
from kanopt.tables._convert import both_readings, count_matches, two_ways
from kanopt.tables._text import GUESSED, RawTable, require_file, text_header_row
from kanopt.tables._workbook import WORKBOOKS, open_workbook
from kanopt.tables.table_reading import TEXT_FILES, load_table
from kanopt.text import list_names
from kanopt.units import UNIT_WORDS

__all__ = ["ColumnFacts", "SourceTable", "read_sources"]


# How the cells of a table are written, which only its values tell, and what columns of dates give.
#
# Dates that are not written as ISO 8601 has them, numbers with signs that can be read in two ways, and how
# long something took, with the hour and the weekday at which it began.
_ORDERS = ("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%Y/%m/%d")
_DAYS = tuple(day.replace("/", sign) for day, sign in product(_ORDERS, "/.-"))
_NAMED = ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_LOOKS_DATED = r"^\s*\w{1,9}[-/. ]\w{1,9}[-/., ]+\d{2,4}"
_NUMBER = rf"{two_ways('.')}|{two_ways(',')}|^[+-]?\d+$"
_ORDERED = 0.95
_SHORTEST, _LONGEST = 1.0, 3 * 1_440.0  # minutes of the median
_CALENDAR = {
    "weekday": {"weekday", "wday", "dow", "day", "wochentag"},
    "hour": {"hour", "hr", "stunde"},
    "month": {"month", "monat", "mois", "mes"},
}
_LEAST_DAYS, _A_YEAR = 14, 300
_LEAST_TRIPS = 25  # fewer rows from place to place are orders
STRAIGHT = "straight_distance"
"""What the way as the crow flies is called that coordinates give."""


def date_formats(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Return the format of each column of texts that are dates, which fits all of them, and another that does as well.

    Where the day and the month could be either, rows that follow each other in time tell them apart; else the day is
    taken to come first, or the month where times have am and pm, and the other format is named.

    Parameters
    ----------
    frame
        A table as it was read: what it does not take for dates are texts.

    Examples
    --------
    >>> date_formats(pd.DataFrame({"left": ["3/14/2024 6:05", "4/2/2024 16:30"]}))
    {'left': ['%m/%d/%Y %H:%M']}
    """
    columns = _text_columns(frame)
    return {name: found for name, values in columns if (found := _date_formats(values.astype(str)))}


def _text_columns(frame: pd.DataFrame) -> list[tuple[str, pd.Series[Any]]]:
    texts = [(str(n), v.dropna()) for n, v in frame.items() if is_string_dtype(v) or v.dtype == object]
    return [(name, values) for name, values in texts if len(values)]


def _date_formats(texts: pd.Series[Any]) -> list[str]:
    if not texts.str.contains(_LOOKS_DATED, regex=True).all():
        return []
    fitting: dict[str, pd.Series[Any]] = {}
    for form in map("".join, product((*_DAYS, *_NAMED), _TIMES)):
        if pd.notna(pd.to_datetime(texts.iloc[0], format=form, errors="coerce")):
            dates = pd.to_datetime(texts, format=form, errors="coerce")
            fitting |= {form: dates} if dates.notna().all() else {}
    in_order = [form for form, dates in fitting.items() if dates.is_monotonic_increasing]
    if len(in_order) == 1 and fitting[in_order[0]].nunique() > 2:
        return in_order
    # the day stands first in the list, and am and pm are written where the month does
    return sorted(fitting, key=lambda form: "%p" in form and form.startswith("%d"))[:2]


def number_format(raw: RawTable, table: SourceTable, decimal: str, *, commas: bool) -> dict[str, str | int]:
    """Return the keys of ``form`` that a text file needs for its numbers; none where it is read rightly without them.

    Of numbers that can be read in two ways, a comma stands between thousands in a file whose cells are parted by
    commas; elsewhere they are read as those of the files beside it where these have decimal commas.

    Parameters
    ----------
    raw, table
        The cells of the file, and how it is read without them.
    decimal
        What stands before decimals; empty where the numbers tell it.
    commas
        Whether files beside it have decimal commas.

    Raises
    ------
    TableError
        If the numbers of a column can be read in two ways.
    """
    if decimal and table.path.suffix.lower() != ".parquet":
        return {"decimal": decimal, "thousands": "." if decimal == "," else ","}
    frame = _quietly(read_table, raw, on_bad="text") if table.on_bad else table.frame
    report = report_of(frame)
    if report.signs.get("decimal") == ",":
        return dict(report.signs)
    parted = report.format.partition("separator ")[2].startswith(("comma", "','"))
    form: dict[str, str | int] = {}
    for name, values in _text_columns(frame):
        texts = pa.array([text.strip() for text in map(str, values)], pa.string())
        if 2 * count_matches(texts, _NUMBER) <= len(texts) or not (told := both_readings(texts)):
            continue
        pointed = bool(count_matches(texts, two_ways(".")))
        if not pointed and parted:
            form = {"decimal": ".", "thousands": ","}
        elif commas:
            form |= {"decimal": ",", "thousands": "."} if pointed else {"decimal": ","}
        else:
            raise TableError(
                f"{report.source}: the numbers of column {name!r} can be read in two ways: {said(told)}; write them "
                "without signs between thousands, or with four decimals; or say what stands before decimals: "
                "--decimal , in Python decimal=','"
            )
    return form


def propose_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return new columns that dates and coordinates give, each with the text that is computed for it.

    Weekdays count from 1, a Monday, to 7.

    Parameters
    ----------
    frame
        A table as it was read.

    Examples
    --------
    >>> start = pd.Series(pd.date_range("2024-03-01 06:00", periods=60, freq="7h"))
    >>> back = start + pd.to_timedelta(range(20, 80), "min")
    >>> propose_columns(pd.DataFrame({"left": start, "back": back}))
    {'minutes': 'minutes_between(left, back)', 'left_hour': 'hour(left)', 'left_weekday': 'weekday(left)'}
    """
    dates = [str(name) for name in frame.columns if is_datetime64_any_dtype(frame[name])]
    pieces = {piece for name in frame.columns for piece in read_header(str(name)).pieces}
    found: dict[str, str] = {}
    if pair := _began_and_ended(frame, dates):
        name = "minutes" if "minutes" not in frame.columns else f"{slug(pair[0])}_to_{slug(pair[1])}_minutes"
        found[name] = _call(frame, "minutes_between", *pair)
    # of what ended nothing is known beforehand
    for name in (pair or dates)[:1]:
        values = frame[name].dropna()
        days = (values.max() - values.min()).days
        hours = (values.dt.hour + values.dt.minute).nunique()
        varies = {"hour": hours > 2, "weekday": days >= _LEAST_DAYS, "month": days >= _A_YEAR}
        for word, is_told in varies.items():
            if is_told and not pieces & _CALENDAR[word]:
                found[f"{slug(name)}_{word}"] = _call(frame, word, name)
    places = coordinate_ends(name for name in map(str, frame.columns) if is_numeric_dtype(frame[name]))
    degrees = [ends for ends in places if ends.keys() == {"lat", "lon"}]
    if len(degrees) == 2 and len(frame) >= _LEAST_TRIPS:
        names = [ends[end] for ends in degrees for end in ("lat", "lon")]
        found[STRAIGHT] = _call(frame, "straight_distance", *names)
    return {name: text for name, text in found.items() if text and name not in frame.columns}


def coordinate_ends(headers: Iterable[str]) -> list[dict[str, str]]:
    """Return the headers that say where a row is, place by place: each end of a place to its column.

    Examples
    --------
    >>> coordinate_ends(["start_lat", "start_lng", "crates", "lat", "end_lat", "end_lng"])
    [{'lat': 'start_lat', 'lon': 'start_lng'}, {'lat': 'end_lat', 'lon': 'end_lng'}]
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in headers:
        header = read_header(name)
        for end in COORDINATES:
            if called_so := {*FIELD_WORDS[end].split(", ")} & {*header.pieces}:
                apart = tuple(word for word in header.words if word not in called_so)
                found.setdefault(apart, {}).setdefault(end, name)
                break
    return [ends for ends in found.values() if ends.keys() in ({"x", "y"}, {"lat", "lon"})]


def _began_and_ended(frame: pd.DataFrame, dates: list[str]) -> tuple[str, ...]:
    """Return the two times between which something took place; nothing where no two are so."""
    for began, ended in permutations(dates, 2):
        if str(frame[began].dtype) != str(frame[ended].dtype):
            continue
        took = (frame[ended] - frame[began]).dropna().dt.total_seconds() / 60
        ordered = len(took) > 0 and float((took >= 0).mean()) >= _ORDERED and took.nunique() > 2
        if ordered and _SHORTEST <= float(took.median()) <= _LONGEST:
            return began, ended
    return ()


def _call(frame: pd.DataFrame, function: str, *names: str) -> str:
    """Return the text of a function of columns; empty where no text can name them, as with back-quotes in a header."""
    meant = f"{function}({', '.join(names)})"
    if not is_name(meant) or meant in frame.columns:
        return ""
    quoted = (name if name.isidentifier() else f"`{name}`" for name in names)
    return f"{function}({', '.join(quoted)})"


_PLAIN_SHEET = re.compile(r"(sheet|tabelle|feuil|hoja|foglio|planilha) ?\d*", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[\[(](.*)[\])]\s*$")
_THINGS = frozenset(["unit", "einheit", "einheiten", "unite", "unidad", "unidade"])
_FEWEST = 2
_SENTENCE = 4  # words
_HISTORY = 25  # rows from which on a table may be a history
_CALLED = 0.5  # of the rows of a table, that another one calls by their names
_POUNDS = frozenset(["mi", "mile", "miles", "ft", "feet", "lb", "lbs", "pounds", "gal", "gallons", "mph"])
_TIME_UNITS = ("min", "h")
"""Headers that are units of time beside one that is a unit as well, such as km; alone they may be anything."""


@dataclass(frozen=True, eq=False)
class SourceTable:
    """A table that was read.

    Parameters
    ----------
    name
        What the file calls it.
    path
        Where it was read.
    frame
        Its rows.
    on_bad
        What had to be done with bad cells for it to be read at all.
    title
        The file's name without its ending, or the sheet's, as people wrote it.
    sheet
        Of a workbook, the sheet.
    form
        How the file is written, as ``form`` of a scenario file: the row of the names, decimal commas.
    dates
        How dates are written that do not speak for themselves, and how they may be written as well.
    derive
        Columns of the frame that are computed from others, with how.
    made
        Why it is made of others and written beside the scenario; empty of a table that was read.
    units
        Of a table that is made, the units of its columns that their headers do not say.
    of
        Of a table that is made, the names of those that it is made of.
    reads
        Columns of those tables that it was made of.
    computed
        Columns that were computed in those tables: they tell what laws may learn, and nothing of a plan.
    dropped
        The rules that leave out rows that are no part of a plan, each with what these are: sums of the others, closed.
    square
        Of pairs of places, the square table that holds them, which a scenario reads as it is.
    blanked
        Cells that had to be set missing for it to be read, a text each.
    keyed
        The column by which other tables call its rows; empty where that cannot be told.
    """

    name: str
    path: Path
    frame: pd.DataFrame
    on_bad: str
    title: str
    sheet: str = ""
    form: dict[str, str | int] = field(default_factory=dict)
    dates: dict[str, list[str]] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)
    made: str = ""
    units: dict[str, str] = field(default_factory=dict)
    of: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    computed: frozenset[str] = frozenset()
    dropped: tuple[tuple[str, str], ...] = ()
    square: SourceTable | None = None
    blanked: tuple[str, ...] = ()
    keyed: str = ""

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"{self.path.name}, sheet {self.sheet!r}" if self.sheet else self.path.name

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its title."""
        return read_header(self.title).pieces

    @property
    def is_history(self) -> bool:
        """Whether its title is that of a record of what happened."""
        return bool(HISTORY & {*self.words})

    @cached_property
    def columns(self) -> dict[str, ColumnFacts]:
        """Header to what can be seen of the column."""
        units = units_of(self.frame) | self.units
        names = list(map(str, self.frame.columns))
        told = {name: units.get(name, "") for name in names}
        headers = {name: read_header(name) for name in names}
        bare = any(h.unit and not h.words for h in headers.values())
        if bare and not any(name.lower() == "max" for name in names):
            told |= {name: told[name] or name.lower() for name in names if name.lower() in _TIME_UNITS}
        if any(_POUNDS & {*header.pieces} for header in headers.values()):
            tons = [name for name, header in headers.items() if {"ton", "tons"} & {*header.pieces}]
            told |= {name: told[name] or re.sub(r"\bt$", "short_ton", headers[name].unit) for name in tons}
        frame = self.frame
        return {name: ColumnFacts(name, frame[name].dropna(), len(frame), told[name]) for name in names}

    @cached_property
    def given(self) -> dict[str, ColumnFacts]:
        """The columns that are matched: those that are not computed from others."""
        computed = self.computed | self.derive.keys()
        return {name: column for name, column in self.columns.items() if name not in computed}

    @cached_property
    def key(self) -> ColumnFacts | None:
        """The column that names its rows."""
        return self.given.get(self.keyed) or naming_column(self.given)

    @property
    def numbers(self) -> list[ColumnFacts]:
        """The columns that may be cells of a wide table: numbers that are not its key."""
        return [c for c in self.given.values() if c.kind == "number" and c is not self.key]

    @property
    def may_teach(self) -> bool:
        """Whether it has rows and numbers enough for a law."""
        numbers = any(column.kind == "number" for column in self.columns.values())
        return numbers and not self.made and len(self.frame) >= _HISTORY and len(self.columns) > 1

    def is_called(self, part: str) -> bool:
        """Say whether the name of its file tells of a part."""
        return any(names_part(word, part) for word in self.words)

    def naming(self, names: Collection[str], share: float = 1.0) -> list[ColumnFacts]:
        """Return the columns whose values, or a share of them, are names of other rows."""
        named = [c for c in self.given.values() if c.kind in ("text", "number") and c.texts]
        return [c for c in named if len(c.texts.intersection(names)) >= share * len(c.texts)]

    def remade(
        self,
        frame: pd.DataFrame,
        units: Mapping[str, str] | None = None,
        *,
        title: str = "",
        end: str = "",
        reads: Collection[str] = (),
    ) -> SourceTable:
        """Return a table that is made of this one, to be written beside the scenario.

        Parameters
        ----------
        frame
            Its rows.
        units
            Units of columns that their headers do not say.
        title
            What it is called; left out, as this one.
        end
            What tells its name from those of others that are made of this one.
        reads
            Columns of this table that it says in other words.
        """
        given = {name: column.declared for name, column in self.columns.items()} | (units or {})  # type: ignore[operator]
        return SourceTable(
            name=f"{self.name}_{end}",
            path=self.path,
            frame=frame.reset_index(drop=True),
            on_bad="",
            title=title or self.title,
            sheet=self.sheet,
            made=f"made of {self.called}",
            units={column: unit for column, unit in given.items() if unit and column in frame},
            of=self.of | {self.name},
            reads=self.reads | {*reads},
            computed=(self.computed | self.derive.keys()) - {*reads},
            dropped=self.dropped,
            keyed=self.keyed,
        )

    def as_part(self, part: str) -> SourceTable:
        """Return a table that is made under the name of the part that it is, without what was computed for laws."""
        if not self.made:
            return self
        frame = self.frame.drop(columns=[*self.computed], errors="ignore")
        return replace(self, name=f"made_{part}", frame=frame, of=self.of | {self.name})


Tables = Sequence[SourceTable]


def with_keys(tables: Tables) -> list[SourceTable]:
    """Return tables that know by which of their columns other tables call their rows: by a number, or by a name.

    Where every row has a name and a number, either may stand first. Numbers count only where a column that measures
    nothing has all of them, since small whole numbers are everywhere. What happened again and again, as trips between
    zones did, calls nothing by its name.
    """
    callers = []
    for table in tables:
        names = [c.name for c in table.given.values() if c.kind == "text"]
        if not names or len(table.frame) < _HISTORY or not table.frame.duplicated(names).any():
            callers.append(table)

    def share(column: ColumnFacts, own: SourceTable) -> float:
        columns = [[*other.given.values()] for other in callers if other is not own]
        cells = [c.texts for each in columns for c in each if c.kind == column.kind and not c.unit]
        cells += [frozenset(c.plain_name for c in each) for each in columns]
        known = max((len(column.texts & texts) for texts in cells), default=0) / len(column.texts)
        return known if column.kind == "text" else float(known == 1.0)

    def refers(column: ColumnFacts, own: SourceTable) -> bool:
        """Say whether a column names the rows of another table, which is more than numbers by names."""
        columns = [[*other.given.values()] for other in tables if other is not own]
        named = [each for each in columns if any(c.kind != "number" for c in each[1:])]
        return any(c.is_unique and column.texts <= c.texts for each in named for c in each)

    keyed = []
    for table in tables:
        named = [c for c in table.given.values() if c.is_unique and c.texts and _may_call(c, table)]
        usual = naming_column(table.given)
        named = [c for c in named if len(named) > 1 and (c is usual or not refers(c, table))]
        shares = {c: share(c, table) for c in named}
        best = max(shares, key=lambda c: shares[c], default=usual)
        if usual and best and shares.get(best, 0.0) == shares.get(usual, 0.0):
            best = usual
        # of two texts the first names the rows, unless one of them is called a number or a code
        both = {c: c.kind for c in (usual, best) if c}
        coded = any(IDENTIFIERS & {*c.header.pieces[-1:]} for c in both)
        told = best and shares.get(best, 0.0) >= _CALLED and (coded or [*both.values()] != ["text"] * 2)
        keyed.append(replace(table, keyed=best.name) if best and told else table)
    return keyed


def with_counted_things(tables: Tables) -> list[SourceTable]:
    """Return tables that count in words of their own, such as Fm, EUR/Fm and Fm/week, as counting things.

    A word in brackets that is no unit is one where another table has it in brackets, or as a header, too.
    """

    def words(text: str) -> set[str]:
        pieces = read_header(text).pieces
        return {w.rstrip("s") for w in pieces if w not in UNIT_WORDS and w not in NO_THINGS}

    columns = [(column, table.name) for table in tables for column in table.given.values()]
    brackets = {c: found[1] for c, _ in columns if not c.declared and (found := _IN_BRACKETS.search(c.name))}
    counted = {(word, name) for column, name in columns for word in words(brackets.get(column, ""))}
    where = counted | {(column.name.lower().rstrip("s"), name) for column, name in columns}
    tables_with = Counter(word for word, _ in where)
    things = {word for word, _ in counted if word in _THINGS or tables_with[word] > 1}
    told = []
    for table in tables:
        units, frame = {}, table.frame
        for name, column in table.given.items():
            text = brackets.get(column, "")
            a_rate = {"h", "min", "s"} & {UNIT_WORDS.get(word) for word in read_header(text).pieces}
            if column.kind == "number" and len(words(text)) == 1 and words(text) <= things and not a_rate:
                units[name] = read_header(f"x ({_in_pieces(text, things)})").unit.replace("pcs", "item")
            elif column.kind == "number" and not text and name.lower().rstrip("s") in things:
                units[name] = "item"
            cells = [_in_pieces(cell, things) for cell in column.values] if column.kind == "text" else []
            if cells != [*column.values] and cells and all(map(is_unit, cells)):
                frame = frame.assign(**{name: pd.Series(cells, index=column.values.index)})
        changed = units or frame is not table.frame
        told.append(replace(table, frame=frame, units=table.units | units) if changed else table)
    return told


def _in_pieces(text: str, things: Collection[str]) -> str:
    """Return a unit with pieces in place of things that are counted."""
    words = re.split(r"([^\W\d_]+)", text)
    return "".join("pcs" if word.lower().rstrip("s") in things else word for word in words)


def is_unit(text: str) -> bool:
    """Say whether a text is a unit and nothing else."""
    header = read_header(text)
    return bool(header.unit) and not header.words


def _may_call(column: ColumnFacts, table: SourceTable) -> bool:
    """Say whether rows may be called by a column: by texts but yes and no, or by numbers that are said to be names."""
    if column.kind == "number":
        first = next(iter(table.given)) == column.name
        return not column.unit and (first or bool(IDENTIFIERS & {*column.header.pieces[-1:]}))
    return column.kind == "text" and not {text.lower() for text in column.texts} <= YES_NO


def read_sources(
    paths: Sequence[str | os.PathLike[str]], decimal: str = ""
) -> tuple[list[SourceTable], list[str]]:
    """Read tables, of workbooks every sheet that is one; bad cells are set missing where one cannot be read otherwise.

    Parameters
    ----------
    paths
        The files.
    decimal
        What stands before the decimals of text files whose numbers can be read in two ways.

    Returns
    -------
    tables : list of SourceTable
        The tables.
    notes : list of str
        Sheets that are none, and what is said of files, a sentence each.

    Raises
    ------
    TableError
        If a file is no table, or none is given.
    """
    if not paths:
        raise TableError("no table was given; name at least one file, such as trips.csv")
    notes = list[str]()
    read = [each for path in map(Path, paths) for each in _tables_of(path, notes)]
    commas = any(report_of(t.frame).signs.get("decimal") == "," for _, t in read if not t.sheet)
    found: dict[str, SourceTable] = {}
    for raw, plain in read:
        table, form = plain, {} if plain.sheet else number_format(raw, plain, decimal, commas=commas)
        if form:
            frame, on_bad = _read(raw, form)
            form_of = {**table.form, **form}
            table = replace(table, frame=frame, on_bad=on_bad, form=form_of, blanked=_blanked(frame, on_bad))
            between = {",": "commas", ".": "points"}.get(str(form.get("thousands")), "signs")
            signs = "decimal commas" if form.get("decimal") == "," else f"{between} between thousands"
            notes.append(f"{table.path.name} is read with {signs}, as its numbers are written")
        names = chain([table.name], (f"{table.name}_{number}" for number in count(2)))
        name = next(each for each in names if each not in found)
        found[name] = _with_dates(replace(table, name=name))
    every = [_without_total(_without_remarks(table, notes), notes) for table in found.values()]
    left = [_without_closed(table, notes) for table in every]
    for whole, table in zip(every, left, strict=True):
        left = [_without_names(each, whole, table, notes) for each in left] if table is not whole else left
    return left, notes


def _without_remarks(table: SourceTable, notes: list[str]) -> SourceTable:
    """Return a table without last rows that have a remark and nothing else, which is blank where numbers stand."""
    filled = table.frame.notna().sum(axis="columns")
    first = str(table.frame.columns[0])

    def is_remark(text: str) -> bool:
        """Say whether a text is no name but a sentence, or stands behind a star."""
        return text.startswith("*") or len(text.split()) >= _SENTENCE

    is_row = filled.gt(1) | (filled.eq(1) & ~table.frame[first].fillna("").astype(str).map(is_remark))
    rows = table.frame.loc[: is_row[is_row].last_valid_index()] if is_row.any() else table.frame
    told = [c for c in map(str, rows) if rows[c].notna().all() and c != first and "`" not in c]
    if len(rows) == len(table.frame) or len(rows.columns) <= _FEWEST or not told:
        return table
    return _without_last(table, rows, f"missing(`{told[0]}`)", "is a remark", notes)


def _without_last(
    table: SourceTable, rows: pd.DataFrame, rule: str, why: str, notes: list[str]
) -> SourceTable:
    """Return a table without its last rows, and without what was no number there."""
    whole = tuple(f"{str(name)!r} holds" for name in rows if rows[name].notna().all())
    blanked = tuple(cell for cell in table.blanked if not cell.startswith(whole))
    why = f"the last row of {table.called}, which {why}"
    return _leaving(replace(table, blanked=blanked), rows, rule, why, notes)


def _leaving(
    table: SourceTable, rows: pd.DataFrame, rule: str, why: str, notes: list[str], are: str = ", is"
) -> SourceTable:
    """Return a table with the rows that a rule leaves of it, and note why the others are left out."""
    notes.append(f"{why}{are} left out")
    return replace(table, frame=rows, dropped=(*table.dropped, (rule, why)))


def _without_total(table: SourceTable, notes: list[str]) -> SourceTable:
    """Return a table without its last row where that has the sums of the others and is called so, or is nameless."""
    *others, last = table.frame.index
    rows, row = table.frame.loc[others], table.frame.loc[last]
    numbers = table.frame.select_dtypes("number").columns
    filled = [name for name in numbers if pd.notna(row[name]) and rows[name].any()]
    is_sum = [bool(np.isclose(rows[name].sum(), row[name])) for name in filled]
    first = str(table.frame.columns[0])
    if not others or not any(is_sum) or "`" in first:
        return table
    texts = [c.name for c in table.columns.values() if c.kind == "text" and pd.notna(row[c.name])]
    called_so = [name for name in texts if TOTALS & {*read_header(str(row[name])).pieces}]
    if plain := [name for name in called_so if not {"`", "'"} & {*name, *str(row[name])}]:
        rule = f"`{plain[0]}` == '{row[plain[0]]}'"
    elif all(is_sum) and pd.isna(row[first]) and rows[first].notna().all():
        rule = f"missing(`{first}`)"
    else:
        named = list_names([str(name) for name in filled], 3)
        if all(is_sum) and len(others) >= _FEWEST:
            told = "where it is no row of its own, take it out of the file, or it is planned as one"
            notes.append(f"the last row of {table.called} is the sum of the others in {named}: {told}")
        return table
    return _without_last(table, rows, rule, "has the sums of the others", notes)


def _without_closed(table: SourceTable, notes: list[str]) -> SourceTable:
    """Return a table without the rows that a column of yes and no, or of states, says are closed or not in use."""
    for column in table.given.values() if not table.may_teach else ():
        called = "_".join(piece for piece in column.header.pieces if piece not in YES_NO)
        said = column.values.astype(str).str.strip().str.lower()
        unused = said.isin(NO) if called in IN_USE else ~said.isin(NO)
        is_told = called in CLOSED | IN_USE and bool(said.isin([*YES_NO]).all())
        if called in STATE and column.kind == "text":
            unused = said.map(lambda text: "_".join(read_header(text).pieces) in CLOSED)
            is_told = True
        if not is_told or not 0 < unused.sum() < len(table.frame) or "`" in column.name:
            continue
        cells = sorted({str(cell) for cell in column.values[unused]})
        told = cells if column.kind == "number" else map(repr, cells)
        rule = " or ".join(f"`{column.name}` == {cell}" for cell in told)
        if column.kind == "flag":
            rule = f"not `{column.name}`" if called in IN_USE else f"`{column.name}`"
        why = f"{unused.sum()} of {len(table.frame)} rows of {table.called}, of which {column.name!r} says {cells[0]}"
        left = table.frame.drop(index=column.values.index[unused], errors="ignore")
        table = _leaving(table, left, rule, why, notes, ", are")
    return table


def all_in_use(column: ColumnFacts) -> bool:
    """Say whether a column of states says of every row that it is in use."""
    states = {"_".join(read_header(text).pieces) for text in column.texts}
    return "_".join(column.header.pieces) in STATE and states <= IN_USE


def _without_names(
    table: SourceTable, whole: SourceTable, left: SourceTable, notes: list[str]
) -> SourceTable:
    """Return a table without rows that name what was left out of another one, beside what was not."""
    key = whole.key
    if key is None or table.name == left.name or table.may_teach:
        return table
    kept = left.given[key.name].texts
    for column in table.given.values():
        gone = sorted(column.texts & (key.texts - kept))
        rows = texts(table.frame[column.name]).isin(gone)
        told = column.kind == "text" and gone and column.texts & kept and "`" not in column.name
        if told and not {*gone} & {*table.frame.columns}:
            rule = " or ".join(f"`{column.name}` == {name!r}" for name in gone)
            why = f"{rows.sum()} rows of {table.called} that name {list_names(gone, 3)}"
            table = _leaving(table, table.frame[~rows], rule, why, notes, ", are")
    return table


def _tables_of(path: Path, notes: list[str]) -> Iterator[tuple[RawTable, SourceTable]]:
    """Yield the cells of a file, or of each sheet that is a table, and what they are read as."""
    if path.suffix.lower() not in WORKBOOKS:
        is_text = path.suffix.lower() in TEXT_FILES and path.is_file()
        header = text_header_row(path) if is_text else 1
        raw = load_table(path, TextFormat(header=header))
        notes += [f"{path.name} is {note}" for note in raw.notes if note.startswith(GUESSED)]
        yield raw, _as_read(raw, path, header, path.stem)
        return
    require_file(path, "a file")
    with open_workbook(path) as book:
        names, left = book.names, list[str]()
        for sheet in names:
            titled = path.stem if _PLAIN_SHEET.fullmatch(sheet) else f"{path.stem} {sheet}"
            alone = len(names) == 1
            try:
                header = book.header_row(sheet)
                raw = book.read(sheet, TextFormat(header=header))
                table = _as_read(raw, path, header, titled if alone else sheet)
            except TableError as error:
                left.append(f"sheet {sheet!r} of {path.name} is left out: {error}")
                continue
            yield raw, replace(table, name=slug(path.stem if alone else sheet), sheet=sheet)
    if len(left) == len(names):
        raise TableError(f"{path.name}: no sheet is a table; {'; '.join(left)}")
    notes += left


def _as_read(raw: RawTable, path: Path, header: int, title: str) -> SourceTable:
    frame, on_bad = _read(raw, {})
    if not len(frame):
        raise TableError(f"{path.name}: there is no row to guess from; leave the file out")
    form: dict[str, str | int] = {"header": header} if header > 1 else {}
    return SourceTable(slug(title), path, frame, on_bad, title, form=form, blanked=_blanked(frame, on_bad))


def _blanked(frame: pd.DataFrame, on_bad: str) -> tuple[str, ...]:
    """Say which cells count as blank since they are no numbers, the first of each column."""
    bad = [f"{each.column!r} holds {each.value!r}" for each in report_of(frame).examples] if on_bad else []
    return tuple(dict.fromkeys(bad))


def _with_dates(table: SourceTable) -> SourceTable:
    """Return a table with its dates, and with the columns that they give."""
    frame, dates = table.frame, date_formats(table.frame)
    read = partial(_quietly, read_table, on_bad="missing")
    frame = read(frame, dates={name: forms[0] for name, forms in dates.items()}) if dates else frame
    if derive := propose_columns(frame):
        frame = read(frame, derive=derive)
    return replace(table, frame=frame, dates=dates, derive=derive)


def _read(raw: RawTable, form: Mapping[str, Any]) -> tuple[pd.DataFrame, str]:
    """Return a table, and what had to be done with bad cells for it to be read at all."""
    read = partial(_quietly, read_table, raw, form=TextFormat(**form))
    try:
        return read(), ""
    except TableError as error:
        try:
            return read(on_bad="missing"), "missing"
        except TableError:
            raise error from None


def _quietly(read: Callable[..., pd.DataFrame], *given: Any, **named: Any) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever loads the file hears them
        return read(*given, **named)


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as texts; whole numbers without a point."""
    return values.map(lambda v: str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip())


def slug(text: str) -> str:
    """Return a text as a name that needs no quotes.

    Examples
    --------
    >>> slug("Touren März (2)"), slug("…")
    ('touren_marz_2', 'table')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "_".join(re.findall(r"[a-z0-9]+", plain)) or "table"
