"""Read a table, check every cell, and account for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from kanopt.errors import TableError, knows_arguments, nearest
from kanopt.tables._convert import natural_kind
from kanopt.tables._reading import TableReading
from kanopt.tables._text import RawTable, TextFormat, read_text, require_file
from kanopt.tables._workbook import WORKBOOKS, open_workbook
from kanopt.tables.report import attach_report
from kanopt.tables.row_rules import RowRules, key_error
from kanopt.tables.stores import read_frame, read_parquet
from kanopt.units import check_unit

OnBad = Literal["error", "missing", "drop", "text"]
OnDuplicate = Literal["keep", "drop"]
TEXT_FILES, _PARQUET = (".csv", ".txt", ".tsv", ".tab"), (".parquet", ".pq")
TABLE_FILES = (*TEXT_FILES, *_PARQUET, *WORKBOOKS)
"""Endings of the names of the files that are read."""


@knows_arguments
def read_table(  # noqa: PLR0913 - each is a step of reading, by the name it has in a scenario file
    source: str | Path | pd.DataFrame | RawTable,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    dates: Mapping[str, str] | None = None,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    derive: Mapping[str, str] | None = None,
    drop_where: Sequence[str] = (),
    on_bad: OnBad | Mapping[str, OnBad] = "error",
    on_duplicate: OnDuplicate = "keep",
    sheet: str | None = None,
    form: TextFormat | None = None,
) -> pd.DataFrame:
    r"""Read a table and check every cell; nothing is changed or left out without being counted.

    Parameters
    ----------
    source
        Path of a text file (``.csv``, ``.txt``, ``.tsv``, ``.tab``), a Parquet file (``.parquet``, ``.pq``) or a
        workbook (``.xlsx``, ``.xlsm``, by the optional package openpyxl); or a frame in memory, to be checked.
    columns
        Names of the columns to read, or a mapping from the name in the frame to the name in the source; no
        others are read. What else is declared speaks of the names in the frame.
    units
        Column to the unit of its values. Such a column holds numbers. Units that a frame, or a Parquet file that pandas
        wrote of one, declares itself count where none is given here.
    dates
        Column to how its dates are written, as in :meth:`datetime.datetime.strptime`:
        ``{"pickup": "%d.%m.%Y %H:%M"}``. A cell that is written otherwise is a bad cell.
    minimum, maximum
        Column to the smallest or largest number that it may hold; one beyond it is a bad cell.
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
        What happens to a row that repeats an earlier one in every column of the source: ``"keep"`` counts it,
        ``"drop"`` keeps the first.
    sheet
        Which sheet of a workbook, where it has several. Of a formula the value counts that the spreadsheet left.
    form
        How a text file is written, where it does not speak for itself: separator, decimal comma, thousands,
        encoding, words for missing values.

    Returns
    -------
    DataFrame
        One column per column read. :func:`report_of` tells what was read, set missing and left out, and why;
        :func:`units_of` gives the units. A column is read as numbers, ISO dates, dates such as
        31.12.2025 or booleans where its cells are; where at least half of them are, the others are bad cells. Elsewhere
        it is text.

    Raises
    ------
    TableError
        If the source cannot be read, a column is missing, a condition holds of every row, or cells are refused. All bad
        columns are named at once, with counts, the first rows and values. Rows of text files are counted with the
        header as row 1.
    UnitError
        If a unit is unknown.

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
    if not isinstance(form, TextFormat):
        raise TableError(f"form must be a TextFormat, such as TextFormat(decimal=','), not {form!r:.100}")
    rules = RowRules({} if derive is None else derive, drop_where)
    _check_choice("on_duplicate", on_duplicate, ("keep", "drop"))
    raw = source if isinstance(source, RawTable) else load_table(source, form, sheet)
    declared: dict[str, Any] = {"units": units, "dates": dates, "minimum": minimum, "maximum": maximum}
    declared = {word: given or {} for word, given in declared.items()}
    places = _select(raw, columns, rules)
    _check_names(raw, declared, places, rules)
    counts, named = Counter(raw.names), rules.names()
    # columns that are read only because a text on columns and rows names them
    helpers = {
        name: place
        for place, name in enumerate(raw.names)
        if name in named and name not in places and counts[name] == 1
    }
    actions = _actions(on_bad, [*places, *helpers, *rules.derive])
    every = {
        name: place
        for name, place in {**places, **helpers}.items()
        if actions[name] != "text" or natural_kind(raw.columns[place].type) is not None
    }
    known = {
        name: raw.units.get(raw.names[at], "") for name, at in every.items() if name not in declared["dates"]
    }
    known = {name: unit for name, unit in known.items() if unit} | declared.pop("units")
    reading = TableReading(
        raw=raw,
        units={n: check_unit(unit) for n, unit in known.items() if n in every or n in rules.derive},
        form=form,
        actions=actions,
        ruled=frozenset(named),
        **declared,
    )
    reading.treat_rows(drop_duplicates=on_duplicate == "drop")
    for name, place in every.items():
        reading.convert(name, place)
    if rules:
        reading.apply_rules(rules)
    reading.apply_actions()
    reading.forget(helpers)
    frame = reading.frame()
    left = tuple(name for place, name in enumerate(raw.names) if place not in every.values())
    return attach_report(frame, reading.report(frame, left), raw.rows[reading.keep])


def load_table(source: str | Path | pd.DataFrame, form: TextFormat, sheet: str | None = None) -> RawTable:
    """Return the cells of a table, none of which was looked at yet, for :func:`read_table`."""
    if sheet is not None and Path(str(source)).suffix.lower() not in WORKBOOKS:
        raise TableError(f"sheet={sheet!r} is for a workbook such as 'book.xlsx'")
    if isinstance(source, pd.DataFrame):
        return read_frame(source, form.decimal)
    if isinstance(source, str) and "://" in source:
        raise TableError(
            "of a database read the rows with pandas: ko.read_table(pandas.read_sql(query, connection))"
        )
    path = Path(source)
    require_file(path, "a file")
    if path.suffix.lower() not in TABLE_FILES:
        raise TableError(f"{path.name}: kanopt reads {', '.join(TABLE_FILES)}; save the table as CSV")
    if path.suffix.lower() in WORKBOOKS:
        with open_workbook(path) as book:
            return book.read(sheet, form)
    return read_parquet(path) if path.suffix.lower() in _PARQUET else read_text(path, form)


def _select(
    raw: RawTable, columns: Sequence[str] | Mapping[str, str] | None, rules: RowRules
) -> dict[str, int]:
    """Return the place in the source of each column to be read, by its name in the frame; without those derived.

    Raises
    ------
    TableError
        If a column is not there, or is there twice.
    """
    if isinstance(columns, str):
        raise TableError(f"columns= wants several names: write columns=[{columns!r}]")
    named = raw.names if columns is None else columns
    pairs = named.items() if isinstance(named, Mapping) else zip(named, named, strict=True)
    wanted = {
        name if isinstance(named, Mapping) else " ".join(name.split()): " ".join(source.split())
        for name, source in pairs
    }
    wanted = {name: at for name, at in wanted.items() if name not in rules.derive or at in raw.names}
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
    return {name: raw.names.index(source) for name, source in wanted.items()}


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


def _check_names(
    raw: RawTable, declared: Mapping[str, Mapping[str, Any]], places: Mapping[str, int], rules: RowRules
) -> None:
    """Refuse units, forms of dates and limits of columns that are not there, or that cannot have them.

    Raises
    ------
    TableError
        With all of them.
    """
    known = [*dict.fromkeys([*places, *rules.derive, *raw.names])]
    faults = []
    for word, named in declared.items():
        # X_km, of which something is declared as well, is not meant by Y_km
        free = [name for name in known if name not in named] or known
        for name, given in named.items():
            if name not in known:
                faults.append(((word, name), f"there is no column {name!r}; {nearest(name, free)}"))
            elif word == "dates" and not _names_a_day(given):
                told = (
                    f"{given!r:.60} is no format of dates, such as '%d.%m.%Y' or '%m/%d/%Y %I:%M %p': %d is the day, "
                    "%m the month (%b by name), %Y the year, %H:%M the time (%I:%M %p with am or pm)"
                )
                faults.append(((word, name), told))
            elif word != "dates" and name in declared["dates"]:
                told = f"{name!r} holds dates, which have no {word}; leave rows out by drop_where, as in "
                faults.append(((word, name), f"{told}\"{name} < '2024-01-31'\""))
            elif word in ("minimum", "maximum") and (
                not isinstance(given, (int, float)) or isinstance(given, bool) or given != given
            ):
                faults.append(((word, name), f"must be a number, not {given!r:.60}"))
    if faults:
        raise key_error(raw.source, faults)


def _names_a_day(form: str) -> bool:
    """Say whether a format tells one day from all others, so that what it writes can be read again."""
    try:
        return all(
            datetime.strptime(day.strftime(form), form).date() == day.date()
            for day in (datetime(2001, 2, 3, tzinfo=UTC), datetime(2024, 12, 30, tzinfo=UTC))
        )
    except ValueError:
        return False
