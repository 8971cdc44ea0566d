"""Read a table, check every cell, and account for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from kanopt.errors import TableError, nearest
from kanopt.files import require_path
from kanopt.tables._convert import natural_kind
from kanopt.tables._raw import RawTable, require_file
from kanopt.tables._reading import OnBad, OnDuplicate, TableReading
from kanopt.tables._stores import read_frame, read_parquet, read_sql
from kanopt.tables._text import TextFormat, read_text
from kanopt.tables._workbook import WORKBOOKS, open_workbook
from kanopt.tables.report import attach_report
from kanopt.tables.row_rules import RowRules
from kanopt.tables.schema import NUMERIC, Column, Schema
from kanopt.units import check_unit

__all__ = ["TABLE_FILES", "TEXT_FILES", "OnBad", "OnDuplicate", "load_table", "read_table"]

TEXT_FILES, _PARQUET = (".csv", ".txt", ".tsv", ".tab"), (".parquet", ".pq")
TABLE_FILES = (*TEXT_FILES, *_PARQUET, *WORKBOOKS)
"""Endings of the names of the files that are read."""


def read_table(  # noqa: PLR0913 - each is a step of reading, by the name it has in a scenario file
    source: str | Path | pd.DataFrame | RawTable,
    *,
    schema: Schema | None = None,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    dates: Mapping[str, str] | None = None,
    derive: Mapping[str, str] | None = None,
    drop_where: Sequence[str] = (),
    on_bad: OnBad | Mapping[str, OnBad] = "error",
    on_duplicate: OnDuplicate = "keep",
    query: str | None = None,
    sheet: str | None = None,
    form: TextFormat | None = None,
) -> pd.DataFrame:
    r"""Read a table and check every cell; nothing is changed or left out without being counted.

    Parameters
    ----------
    source
        Path of a text file (``.csv``, ``.txt``, ``.tsv``, ``.tab``), a Parquet file (``.parquet``, ``.pq``) or a
        workbook (``.xlsx``, ``.xlsm``, by the optional package openpyxl); a SQLAlchemy URL such as
        ``"sqlite:///trips.db"``, with `query`; or a frame in memory, to be checked.
    schema
        What the columns must hold. Where one is given and `columns` is not, the schema's columns are read and
        no others.
    columns
        Names of the columns to read, or a mapping from the name in the frame to the name in the source; no
        others are read. `schema`, `units` and `on_bad` speak of the names in the frame.
    units
        Column to the unit its values have in the source. Such a column holds numbers. Units that a frame, or a
        Parquet file that pandas wrote of one, declares itself count where none is given here. Where the schema
        declares another unit of the same dimension, values are converted.
    dates
        Column to how its dates are written, as in :meth:`datetime.datetime.strptime`:
        ``{"pickup": "%d.%m.%Y %H:%M"}``. A cell that is written otherwise is a bad cell.
    derive
        New columns, each with a text that is computed row by row:
        ``{"minutes": "seconds / 60", "start": "hour(pickup)"}``. It may use all columns of the source, and others that
        are derived. A number that is not finite, as one divided
        by zero, is a bad cell; one of a cell that is missing is missing. A condition makes a column of truth values.
        Units follow from those of the columns where they can, and `units` may declare them.
    drop_where
        Conditions such as ``"miles <= 0"`` or ``"status == 'void' or minutes > 180"``; rows of which one holds are left
        out and counted, whatever else is in them. Where a value that it needs is missing, a row stays.
    on_bad
        What happens to a cell that does not fit its column (text among numbers, a value out of range), and to
        a row with too few or too many cells. ``"error"`` refuses the table and shows the first rows;
        ``"missing"`` sets such cells missing, and leaves such rows out, since there it cannot be known which
        cell is which; ``"drop"`` leaves the rows out; ``"text"`` takes the whole column for text. A mapping decides
        per column; ``"*"`` in it stands for all others and for rows, which otherwise are errors.
    on_duplicate
        What happens to a row that repeats an earlier one in every column of the source, or in the schema's key:
        ``"keep"`` counts repeated rows but refuses repeated keys, ``"drop"`` keeps the first, ``"error"`` refuses
        both.
    query
        What to ask a database for.
    sheet
        Which sheet of a workbook, where it has several. Of a formula the value counts that the spreadsheet left.
    form
        How a text file is written, where it does not speak for itself: separator, decimal comma, thousands,
        encoding, words for missing values.

    Returns
    -------
    DataFrame
        One column per column read. :func:`report_of` tells what was read, set missing and left out, and why;
        :func:`units_of` gives the units. Without a declared kind, a column is read as numbers, ISO dates, dates such as
        31.12.2025 or booleans where its cells are; where at least half of them are, the others are bad cells. Elsewhere
        it is text.

    Raises
    ------
    TableError
        If the source cannot be read, a column is missing, a condition holds of every row, or cells are refused. All bad
        columns are named at once, with counts, the first rows and values. Rows of text files are counted with the
        header as row 1.
    UnitError
        If a unit is unknown or does not convert to the schema's.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "trips.csv"
    >>> _ = file.write_text("trip;distance\n1;12.5\n2;see trip 1\n3;8\n")
    >>> trips = read_table(file, units={"distance": "km"}, on_bad="drop")
    >>> trips["distance"].tolist()
    [12.5, 8.0]
    >>> from kanopt.tables import report_of
    >>> dict(report_of(trips).left_out)
    {'distance: not a number': 1}
    >>> short = read_table(trips, derive={"metres": "1000 * distance"}, drop_where=["metres > 10000"])
    >>> short["metres"].tolist(), dict(report_of(short).left_out)
    ([8000.0], {'drop_where metres > 10000': 1})
    """
    form = form or TextFormat()
    rules = RowRules({} if derive is None else derive, drop_where)
    _check_choice("on_duplicate", on_duplicate, ("keep", "drop", "error"))
    raw = source if isinstance(source, RawTable) else load_table(source, query, form, sheet)
    places = _select(raw, columns, schema, rules)
    helpers = _helpers(raw, places, rules)
    actions = _actions(on_bad, [*places, *helpers, *rules.derive])
    every = {
        name: place
        for name, place in {**places, **helpers}.items()
        if actions[name] != "text" or natural_kind(raw.columns[place].type) is not None
    }
    reading = TableReading(
        raw=raw,
        schema=schema or Schema(()),
        units=_units(raw, units or {}, every, schema, rules),
        form=form,
        actions=actions,
        dates=_dates(raw, dates or {}, every, schema),
        ruled=frozenset(rules.names()),
    )
    reading.treat_ragged()
    reading.treat_duplicates(on_duplicate)
    for name, place in every.items():
        reading.convert(name, place)
    if rules:
        reading.apply_rules(rules)
    reading.apply_actions()
    reading.forget(helpers)
    frame = reading.frame(on_duplicate)
    left = tuple(name for place, name in enumerate(raw.names) if place not in every.values())
    return attach_report(frame, reading.report(frame, left), reading.raw.rows[reading.keep])


def load_table(
    source: str | Path | pd.DataFrame, query: str | None, form: TextFormat, sheet: str | None = None
) -> RawTable:
    """Return the cells of a table, none of which was looked at yet, for :func:`read_table`."""
    if sheet is not None and Path(str(source)).suffix.lower() not in WORKBOOKS:
        raise TableError(f"sheet={sheet!r} is for a workbook such as 'book.xlsx'")
    if isinstance(source, pd.DataFrame):
        return read_frame(source)
    if isinstance(source, str) and "://" in source:
        if query is None:
            raise TableError('a database needs query=, such as "SELECT * FROM trips"')
        return read_sql(source, query)
    if query is not None:
        raise TableError("query= is for a SQLAlchemy URL such as 'sqlite:///trips.db', not for a file")
    path = Path(source)
    require_path(path)
    if path.is_dir():
        require_file(path, "a file")
    if path.suffix.lower() not in TABLE_FILES:
        raise TableError(
            f"{path.name}: kanopt reads {', '.join(TABLE_FILES)} and SQLAlchemy URLs; save the table as CSV"
        )
    require_file(path, "a file")
    if path.suffix.lower() in WORKBOOKS:
        with open_workbook(path) as book:
            return book.read(sheet, form)
    return read_parquet(path) if path.suffix.lower() in _PARQUET else read_text(path, form)


def _select(
    raw: RawTable, columns: Sequence[str] | Mapping[str, str] | None, schema: Schema | None, rules: RowRules
) -> dict[str, int]:
    """Return the place in the source of each column to be read, by its name in the frame; without those derived.

    Raises
    ------
    TableError
        If a column is not there, is there twice, or is required and not read.
    """
    wanted = {
        name: source
        for name, source in _source_names(raw, columns, schema).items()
        if name not in rules.derive or source in raw.names
    }
    absent = [source for source in wanted.values() if source not in raw.names]
    if absent:
        lines = [f"no column {source!r}; {nearest(source, raw.names)}" for source in absent]
        raise TableError(f"{raw.source}: " + "\n  ".join(lines))
    counts = Counter(raw.names)
    for source in wanted.values():
        if counts[source] > 1:
            at = ", ".join(str(place) for place, name in enumerate(raw.names, start=1) if name == source)
            raise TableError(
                f"{raw.source}: the column name {source!r} stands {counts[source]} times (columns {at}), so it is "
                "not clear which is meant; rename them in the source, or read only others by columns"
            )
    for column in schema.columns if schema is not None else ():
        if column.required and column.name not in {*wanted, *rules.derive}:
            raise TableError(f"the schema requires {column.name!r}, which columns= does not read")
    return {name: raw.names.index(source) for name, source in wanted.items()}


def _helpers(raw: RawTable, places: Mapping[str, int], rules: RowRules) -> dict[str, int]:
    """Return the place of each column that is read only because a text on columns and rows names it."""
    counts = Counter(raw.names)
    return {
        name: place
        for place, name in enumerate(raw.names)
        if name in rules.names() and name not in places and counts[name] == 1
    }


def _source_names(
    raw: RawTable, columns: Sequence[str] | Mapping[str, str] | None, schema: Schema | None
) -> dict[str, str]:
    """Return the source's name of each column by its name in the frame."""
    if isinstance(columns, str):
        raise TableError(f"columns= wants several names: write columns=[{columns!r}]")
    if isinstance(columns, Mapping):
        return {name: " ".join(source.split()) for name, source in columns.items()}
    if columns is not None:
        return {" ".join(name.split()): " ".join(name.split()) for name in columns}
    if schema is not None:
        return {c.name: c.name for c in schema.columns if c.required or c.name in raw.names}
    return {name: name for name in raw.names}


def _check_choice(what: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise TableError(f"unknown {what}={given!r}; {nearest(str(given), known)}")


def _actions(on_bad: OnBad | Mapping[str, OnBad], names: list[str]) -> dict[str, str]:
    """Return what to do per column, and for whole rows under ``"*"``."""
    given = {"*": on_bad} if isinstance(on_bad, str) else dict(on_bad)
    for name, action in given.items():
        _check_choice("on_bad", action, ("error", "missing", "drop", "text"))
        if name != "*" and name not in names and action != "text":
            raise TableError(f"on_bad names no column of the table: {name!r}; {nearest(name, names)}")
    return {name: given.get(name, given.get("*", "error")) for name in [*names, "*"]}


def _dates(
    raw: RawTable, dates: Mapping[str, str], places: Mapping[str, int], schema: Schema | None
) -> dict[str, str]:
    """Return the formats of the columns that are read.

    Raises
    ------
    TableError
        If there is no such column, a format is none, or the schema declares the column.
    """
    faults = []
    for name, form in dates.items():
        try:
            if name not in places and name not in raw.names:
                raise TableError(f"no column {name!r}; {nearest(name, [*places, *raw.names])}")
            if schema is not None and schema.get(name) is not None:
                raise TableError(f"dates= and schema= both declare {name!r}; leave one of them out")
            Column(name, "datetime", format=form)
        except TableError as error:
            faults.append((("dates", name), str(error).removeprefix(f"schema: column {name!r}: ")))
    if faults:
        raise TableError(
            "\n".join(f"{raw.source}: dates {key[1]!r}: {told}" for key, told in faults), faults=faults
        )
    return {name: form for name, form in dates.items() if name in places}


def _units(
    raw: RawTable,
    units: Mapping[str, str],
    places: Mapping[str, int],
    schema: Schema | None,
    rules: RowRules,
) -> dict[str, str]:
    """Return the unit of each column in the source: as given, else as the source declares it."""
    for name, unit in units.items():
        if name not in places and name not in rules.derive and name not in raw.names:
            raise TableError(
                f"{raw.source}: no column {name!r} for the unit {unit!r}; {nearest(name, places)}"
            )
    found: dict[str, str] = {}
    for name, place in places.items():
        column = schema.get(name) if schema is not None else None
        if column is None or column.kind in NUMERIC:
            found |= {name: raw.units[raw.names[place]]} if raw.names[place] in raw.units else {}
    read = {*places, *rules.derive}
    return {name: check_unit(unit) for name, unit in {**found, **units}.items() if name in read}
