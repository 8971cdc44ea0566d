"""The tables a scaffold is made from, read as they stand, and what can be seen of their columns."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from kanopt.errors import TableError
from kanopt.records.headers import read_header
from kanopt.records.matching import ColumnFacts, TableFacts
from kanopt.tables import TextFormat, read_table, report_of, units_of
from kanopt.tables._raw import RawTable, require_file
from kanopt.tables._workbook import TOLD, WORKBOOKS, open_workbook
from kanopt.whatif.scaffolding.cell_formats import DateFormat, date_formats, number_format, propose_columns
from kanopt.whatif.scaffolding.toml_writing import slug

__all__ = ["ColumnFacts", "SourceTable", "read_sources"]


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
    words
        The words of the file's name, or of the sheet's.
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
        Of a table that is made, the units of its columns.
    """

    name: str
    path: Path
    frame: pd.DataFrame
    on_bad: str
    words: tuple[str, ...]
    sheet: str = ""
    form: dict[str, str | int] = field(default_factory=dict)
    dates: dict[str, DateFormat] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)
    made: str = ""
    units: dict[str, str] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """What messages call it."""
        return f"{self.path.name}, sheet {self.sheet!r}" if self.sheet else self.path.name

    @cached_property
    def columns(self) -> dict[str, ColumnFacts]:
        """Header to what can be seen of the column."""
        units = units_of(self.frame) | self.units
        return {
            name: ColumnFacts(name, self.frame[name].dropna(), len(self.frame), units.get(name, ""))
            for name in map(str, self.frame.columns)
        }

    @cached_property
    def facts(self) -> TableFacts:
        """It as far as matching goes: without columns that are derived."""
        columns = {name: column for name, column in self.columns.items() if name not in self.derive}
        return TableFacts(self.name, self.words, columns)


def read_sources(paths: Sequence[str | os.PathLike[str]]) -> tuple[list[SourceTable], list[str]]:
    """Read tables, of workbooks every sheet that is one; bad cells are set missing where one cannot be read otherwise.

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
    found: list[SourceTable] = []
    notes: list[str] = []
    read = {path: _read(path) for path in map(Path, paths) if path.suffix.lower() not in WORKBOOKS}
    commas = any(report_of(frame).signs.get("decimal") == "," for frame, _ in read.values())
    for path in map(Path, paths):
        taken = [table.name for table in found]
        if path in read:
            frame, on_bad = read[path]
            form = number_format(_read_texts(path) if on_bad else frame, commas=commas)
            if form:
                frame, on_bad = _read(path, form=form)
            if not len(frame):
                raise TableError(f"{path.name}: there is no row to guess from; leave the file out")
            name = _unique(slug(path.stem), taken)
            table = _table(name, path, frame, on_bad, read_header(path.stem).pieces)
            found.append(replace(table, form=form))
            signs = "decimal commas" if form.get("decimal") == "," else "commas between thousands"
            notes += [f"{path.name} is read with {signs}, as its numbers are written"] if form else []
            continue
        sheets, others = _read_workbook(path, taken)
        found += sheets
        notes += others
    return found, notes


def _read_workbook(path: Path, taken: list[str]) -> tuple[list[SourceTable], list[str]]:
    """Return the sheets of a workbook that are tables, and why others are none."""
    require_file(path, "file")
    found: list[SourceTable] = []
    notes: list[str] = []
    with open_workbook(path) as book:
        raw: dict[str, RawTable | TableError] = {}
        names, headers = book.names, dict[str, int]()
        for sheet in names:
            try:
                headers[sheet] = book.header_row(sheet)
                raw[sheet] = book.read(sheet, TextFormat(header=headers[sheet]))
            except TableError as error:
                raw[sheet] = error
    for sheet, table in raw.items():
        words = path.stem if len(names) == 1 else sheet
        try:
            if isinstance(table, TableError):
                raise table
            frame, on_bad = _read(table)
        except TableError as error:
            notes.append(f"sheet {sheet!r} of {path.name} is left out: {error}")
            continue
        header = headers[sheet]
        if len(frame):
            told = [note for note in report_of(frame).notes if note.startswith(TOLD)]
            notes += [f"{path.name}, sheet {sheet!r}, is read all the same: {note}" for note in told]
            name = _unique(slug(words), [*taken, *(table.name for table in found)])
            made = _table(name, path, frame, on_bad, read_header(words).pieces)
            found.append(replace(made, sheet=sheet, form={"header": header} if header > 1 else {}))
        else:
            notes.append(f"sheet {sheet!r} of {path.name} is left out: it has no rows")
    if not found:
        raise TableError(f"{path.name}: no sheet is a table; {'; '.join(notes)}")
    return found, notes


def _table(name: str, path: Path, frame: pd.DataFrame, on_bad: str, words: tuple[str, ...]) -> SourceTable:
    """Return a table with its dates, and with the columns that they give."""
    dates = date_formats(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever loads the file hears them
        if dates:
            formats = {column: form.format for column, form in dates.items()}
            frame = read_table(frame, dates=formats, on_bad="missing")
        if derive := propose_columns(frame):
            frame = read_table(frame, derive=derive, on_bad="missing")
    return SourceTable(name, path, frame, on_bad, words, dates=dates, derive=derive)


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


def _read_texts(path: Path) -> pd.DataFrame:
    """Return a table in which a column with a cell that it cannot hold is text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever loads the file hears them
        return read_table(path, on_bad="text")


def _unique(name: str, taken: Sequence[str]) -> str:
    number, made = 2, name
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made
