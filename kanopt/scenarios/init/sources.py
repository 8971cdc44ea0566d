"""The tables a scaffold is made from, read as they stand, and what can be seen of their columns."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import TableError
from kanopt.records.headers import HISTORY, TOTALS, read_header
from kanopt.records.likeness import TableColumn, is_planning_word
from kanopt.records.matching import ColumnFacts, naming_column
from kanopt.scenarios.init.cell_formats import DateFormat, date_formats, number_format, propose_columns
from kanopt.scenarios.init.keys import slug
from kanopt.tables import TextFormat, read_table, report_of, units_of
from kanopt.tables._convert import two_ways
from kanopt.tables._raw import RawTable, require_file
from kanopt.tables._text import text_header_row
from kanopt.tables._workbook import TOLD, WORKBOOKS, open_workbook
from kanopt.tables.table_reading import TEXT_FILES
from kanopt.text import list_names

__all__ = ["ColumnFacts", "SourceTable", "read_sources"]

_PLAIN_SHEET = re.compile(r"(sheet|tabelle|feuil|hoja|foglio|planilha) ?\d*", re.IGNORECASE)
_FEWEST = 2
_TIMES = ("min", "h")
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
        How dates are written that do not speak for themselves.
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
    total
        The rule that leaves out its last row, which has the sums of the others; empty where there is none.
    square
        Of pairs of places, the square table that holds them, which a scenario reads as it is.
    """

    name: str
    path: Path
    frame: pd.DataFrame
    on_bad: str
    title: str
    sheet: str = ""
    form: dict[str, str | int] = field(default_factory=dict)
    dates: dict[str, DateFormat] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)
    made: str = ""
    units: dict[str, str] = field(default_factory=dict)
    of: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    total: str = ""
    square: SourceTable | None = None

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
        if any((header := read_header(name)).unit and not header.words for name in names):
            told |= {name: told[name] or name for name in names if name in _TIMES}
        return {
            name: ColumnFacts(name, self.frame[name].dropna(), len(self.frame), told[name]) for name in names
        }

    @cached_property
    def given(self) -> dict[str, ColumnFacts]:
        """The columns that are matched: those that are not derived."""
        return {name: column for name, column in self.columns.items() if name not in self.derive}

    @cached_property
    def key(self) -> ColumnFacts | None:
        """The column that names its rows."""
        return naming_column(self.given)

    def remade(
        self,
        frame: pd.DataFrame,
        why: str,
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
        why
            What it is, in words.
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
            made=why,
            units={column: unit for column, unit in given.items() if unit and column in frame},
            of=self.of | {self.name},
            reads=self.reads | {*reads},
        )

    def as_part(self, part: str) -> SourceTable:
        """Return a table that is made under the name of the part that it is."""
        return replace(self, name=f"made_{part}", of=self.of | {self.name}) if self.made else self


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
    found, notes = _sources(paths, decimal)
    return [_without_total(table, notes) for table in found], notes


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
        notes += [
            f"the last row of {table.called} is the sum of the others in {named}: where it is no row of its own, take "
            "it out of the file, or it is planned as one"
        ] * (all(is_sum) and len(others) >= _FEWEST)
        return table
    notes.append(f"the last row of {table.called} has the sums of the others and is left out")
    return replace(table, frame=rows, total=rule)


def _sources(paths: Sequence[str | os.PathLike[str]], decimal: str) -> tuple[list[SourceTable], list[str]]:
    if not paths:
        raise TableError("no table was given; name at least one file, such as trips.csv")
    found: list[SourceTable] = []
    notes: list[str] = []
    headers = {path: _header_form(path) for path in map(Path, paths)}
    read = {path: _read(path, headers[path]) for path in headers if path.suffix.lower() not in WORKBOOKS}
    commas = any(report_of(frame).signs.get("decimal") == "," for frame, _ in read.values())
    for path in map(Path, paths):
        if path not in read:
            sheets, others = _read_workbook(path, [table.name for table in found])
            found += sheets
            notes += others
            continue
        frame, on_bad = read[path]
        texts = _read_texts(path, headers[path]) if on_bad else frame
        if form := _number_form(path, texts, decimal, commas=commas):
            frame, on_bad = _read(path, {**headers[path], **form})
        if path.suffix.lower() in TEXT_FILES and (settings := _settings(frame)) is not None:
            name = _unique(slug(path.stem), [table.name for table in found])
            found.append(
                SourceTable(name, path, settings, "", path.stem, made=f"the settings of {path.name}")
            )
            continue
        if not len(frame):
            raise TableError(f"{path.name}: there is no row to guess from; leave the file out")
        name = _unique(slug(path.stem), [table.name for table in found])
        table = _table(name, path, frame, on_bad, path.stem)
        found.append(replace(table, form={**headers[path], **form}))
        between = {",": "commas", ".": "points"}.get(str(form.get("thousands")), "signs")
        signs = "decimal commas" if form.get("decimal") == "," else f"{between} between thousands"
        notes += [f"{path.name} is read with {signs}, as its numbers are written"] if form else []
    return found, notes


def _settings(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return a file of names and numbers without headers, whose first line was read as these; None for any other."""
    first, *others = map(str, frame.columns)
    number = pd.to_numeric(others[0].replace(",", "."), errors="coerce") if len(others) == 1 else None
    if number is None or pd.isna(number) or not is_planning_word(TableColumn(first)):
        return None
    if any(re.match(two_ways(sign), others[0]) for sign in ".,"):
        return None  # thousands or thousandths
    rows = frame.set_axis(["setting", "value"], axis="columns")
    return pd.concat([pd.DataFrame({"setting": [first], "value": [number]}), rows], ignore_index=True)


def _header_form(path: Path) -> dict[str, str | int]:
    """Return the key of ``form`` that says where the names of columns stand in a text file below a title."""
    if path.suffix.lower() not in TEXT_FILES or not path.is_file():
        return {}
    header = text_header_row(path)
    return {"header": header} if header > 1 else {}


def _number_form(path: Path, frame: pd.DataFrame, decimal: str, *, commas: bool) -> dict[str, str | int]:
    """Return how the numbers of a text file are written: as is said, or as they tell."""
    if decimal and path.suffix.lower() != ".parquet":
        return {"decimal": decimal, "thousands": "." if decimal == "," else ","}
    try:
        return number_format(frame, commas=commas)
    except TableError as error:
        raise TableError(
            f"{error}; or say what stands before decimals: --decimal , in Python decimal=','"
        ) from None


def _read_workbook(path: Path, taken: list[str]) -> tuple[list[SourceTable], list[str]]:
    """Return the sheets of a workbook that are tables, and why others are none."""
    require_file(path, "a file")
    found: list[SourceTable] = []
    notes: list[str] = []
    with open_workbook(path) as book:
        for sheet in book.names:
            alone = len(book.names) == 1
            plain = _PLAIN_SHEET.fullmatch(sheet) is not None
            title = (path.stem if plain else f"{path.stem} {sheet}") if alone else sheet
            try:
                header = book.header_row(sheet)
                frame, on_bad = _read(book.read(sheet, TextFormat(header=header)))
            except TableError as error:
                notes.append(f"sheet {sheet!r} of {path.name} is left out: {error}")
                continue
            if not len(frame):
                notes.append(f"sheet {sheet!r} of {path.name} is left out: it has no rows")
                continue
            told = [note for note in report_of(frame).notes if note.startswith(TOLD)]
            notes += [f"{path.name}, sheet {sheet!r}, is read all the same: {note}" for note in told]
            name = _unique(slug(path.stem if alone else sheet), [*taken, *(table.name for table in found)])
            form: dict[str, str | int] = {"header": header} if header > 1 else {}
            found.append(replace(_table(name, path, frame, on_bad, title), sheet=sheet, form=form))
    if not found:
        raise TableError(f"{path.name}: no sheet is a table; {'; '.join(notes)}")
    return found, notes


def _table(name: str, path: Path, frame: pd.DataFrame, on_bad: str, title: str) -> SourceTable:
    """Return a table with its dates, and with the columns that they give."""
    dates = date_formats(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever loads the file hears them
        if dates:
            formats = {column: form.format for column, form in dates.items()}
            frame = read_table(frame, dates=formats, on_bad="missing")
        if derive := propose_columns(frame):
            frame = read_table(frame, derive=derive, on_bad="missing")
    return SourceTable(name, path, frame, on_bad, title, dates=dates, derive=derive)


def _read(source: Path | RawTable, form: Mapping[str, Any] | None = None) -> tuple[pd.DataFrame, str]:
    read = partial(read_table, source, form=TextFormat(**(form or {})))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever loads the file hears them
        try:
            return read(), ""
        except TableError as error:
            if isinstance(source, Path) and not source.is_file():
                raise
            try:
                return read(on_bad="missing"), "missing"
            except TableError:
                raise error from None


def _read_texts(path: Path, form: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table in which a column with a cell that it cannot hold is text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever loads the file hears them
        return read_table(path, on_bad="text", form=TextFormat(**form))


def _unique(name: str, taken: Sequence[str]) -> str:
    number, made = 2, name
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as texts; whole numbers without a point."""
    return values.map(lambda v: str(int(v)) if isinstance(v, float) and v.is_integer() else str(v).strip())
