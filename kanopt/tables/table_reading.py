"""Read a table, check every cell, and account for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from kanopt.errors import FormulaError, TableError, UnitError, knows_arguments, nearest, warn_user
from kanopt.faults import Message, Setting
from kanopt.tables._convert import (
    NO_NUMBER,
    TWO_WAYS,
    Cells,
    Kind,
    final_column,
    form_shown,
    infer_kind,
    natural_kind,
    notation_hint,
    parse_column,
)
from kanopt.tables._text import RawTable, TextFormat, read_text, require_file
from kanopt.tables._workbook import WORKBOOKS, open_workbook
from kanopt.tables.report import BadCell, TableReport, attach_report
from kanopt.tables.row_rules import Fault, RowRules, key_error, sort_of
from kanopt.tables.stores import read_frame, read_parquet
from kanopt.text import count_text, list_names, number_text, shorten
from kanopt.units import check_unit

if TYPE_CHECKING:
    from kanopt.formulas.row_parser import RowText

OnBad = Literal["error", "missing", "drop", "text"]
OnDuplicate = Literal["keep", "drop"]
TEXT_FILES, _PARQUET = (".csv", ".txt", ".tsv", ".tab"), (".parquet", ".pq")
TABLE_FILES = (*TEXT_FILES, *_PARQUET, *WORKBOOKS)
"""Endings of the names of the files that are read."""
_SHOWN = 3
_LONGEST = 60
_NO_VALUE = "no finite value"
_MOST_TOLD = 100
"""Rows of a derived column without a value of which it is told what they were computed from."""


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


@dataclass
class TableReading:
    """The steps of reading one table: ragged rows, repeated rows, kinds, faults, report.

    Parameters
    ----------
    raw
        The source's cells.
    form, dates, minimum, maximum
        As given to :func:`~kanopt.tables.read_table`.
    units
        Unit of each column that has one.
    actions
        What to do with the faults of each column, and under ``"*"`` with ragged rows.
    ruled
        Columns that texts on columns and rows may name: where their cells show dates, they are read as dates.
    """

    raw: RawTable
    units: dict[str, str]
    form: TextFormat
    actions: dict[str, str]
    dates: Mapping[str, str]
    minimum: Mapping[str, float]
    maximum: Mapping[str, float]
    ruled: frozenset[str]
    keep: NDArray[np.bool_] = field(init=False)
    cells: dict[str, Cells] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    set_missing: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[BadCell] = field(default_factory=list)
    notes: list[str] = field(init=False)
    derived: dict[str, str] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    duplicates: int = 0

    def __post_init__(self) -> None:
        self.keep = np.ones(len(self.raw.rows), dtype=bool)
        self.form, told = form_shown(self.raw, self.form)
        self.notes = [*self.raw.notes, *([told] if told else [])]
        if told:
            signs = {"decimal": self.form.decimal or "", "thousands": self.form.thousands}
            self.signs = {key: sign for key, sign in signs.items() if sign}

    def leave_out(self, mask: NDArray[np.bool_], why: str) -> None:
        """Drop rows and count those that had been kept so far."""
        if count := int((mask & self.keep).sum()):
            self.left_out[why] = self.left_out.get(why, 0) + count
            self.keep &= ~mask

    def treat_rows(self, *, drop_duplicates: bool) -> None:
        """Refuse rows with too few or too many cells, or count them; count or drop rows that repeat an earlier one."""
        raw, ragged = self.raw, self.raw.ragged
        if len(ragged) and self.actions["*"] == "error":
            shown = list_names([f"{raw.row_word} {row:,} has {n}" for row, n in ragged], _SHOWN, quoted=False)
            text = (
                f"{raw.source}: {count_text(len(ragged), 'row')} of {len(ragged) + len(raw.rows):,} with another "
                f"number of cells than the header's {raw.width}: {shown}. To go on: mend them (a separator inside a "
                "cell needs quotes around the cell), say where the header stands and what divides the cells, as in "
            )
            form = Setting("form", {"header": 3, "separator": ";"}, "TextFormat")
            raise TableError((text, form, ", or ", Setting("on_bad", "drop"), " leaves them out"))
        for cells, count in zip(*np.unique(ragged[:, 1], return_counts=True), strict=True):
            self.left_out[f"{cells} cells instead of {raw.width}"] = int(count)
        plain = {str(k): c for k, c in enumerate(raw.columns) if natural_kind(c.type) is not None}
        repeated = pa.table(plain).to_pandas().duplicated().to_numpy() if plain else ~self.keep
        if drop_duplicates:
            self.leave_out(repeated, "repeats an earlier row in every column")
        else:
            self.duplicates = int(repeated.sum())

    def convert(self, name: str, place: int) -> None:
        """Convert one column to the kind that is declared, or that its cells show."""
        kind, date_form = self._kind(name, place)
        try:
            cells = parse_column(self.raw.columns[place], kind, self.form, date_form)
        except TableError as error:
            raise TableError(f"{self.raw.source}: column {name!r}: {error}") from None
        self.cells[name] = cells.check_limits(self.minimum.get(name), self.maximum.get(name))

    def _kind(self, name: str, place: int) -> tuple[Kind, str | None]:
        """Return what a column is, dates with their form: as declared, by a unit or a limit too, else as it shows."""
        if name in self.dates:
            return "datetime", self.dates[name]
        array, natural = self.raw.columns[place], natural_kind(self.raw.columns[place].type)
        if name in self.units or name in self.minimum or name in self.maximum:
            return "integer" if natural == "integer" else "number", None
        if natural != "text":
            return natural or "text", None
        kind, doubt, date_form = infer_kind(array, self.form)
        if kind == "datetime" and name in self.ruled:
            return kind, date_form
        if not self.raw.mixed_types[place] and kind != "text":
            doubt = f"is text in the source but reads like {kind}; units, minimum or dates say that it is so"
            kind, date_form = "text", None
        if doubt and self.actions[name] != "text":
            self.notes.append(f"{name} {doubt}")
        return kind, date_form

    def apply_rules(self, rules: RowRules) -> None:
        """Add the derived columns, and leave out the rows of which a condition holds.

        Raises
        ------
        TableError
            If a text is none, or a condition holds of every row.
        """
        sorts = {name: sort_of(cells.kind) for name, cells in self.cells.items()}
        derived, drops = rules.parsed(sorts, {*self.cells, *self.raw.names}, self.raw.source)
        faults = list[Fault]()
        for name, made in derived.items():
            try:
                self._derive(name, made)
            except (FormulaError, UnitError) as error:
                faults.append((("derive", name), str(error)))
        values = {name: cells.values for name, cells in self.cells.items()}
        before = self.keep.copy()
        for place, text in enumerate(() if faults else drops):
            try:
                holds, fails = text.masks(values, len(before))
                if not (before & ~holds).any():
                    raise FormulaError(f"{text.text!r:.80} holds of every row, so that nothing would be left")
            except FormulaError as error:
                faults.append((("drop_where", place), str(error)))
                continue
            rule = f"drop_where {text.text}"
            self.leave_out(holds, rule)
            unknown = int((before & ~holds & ~fails).sum())
            rows = count_text(unknown, "row")
            if not (holds & before).any():
                also = f", and of {rows} without a value it is not known" if unknown else ""
                self.notes.append(f"{rule}: no row is so{also}")
            elif unknown:
                self.notes.append(f"{rule}: {rows} without a value that it needs stay")
        if faults:
            raise key_error(self.raw.source, faults)

    def _derive(self, name: str, text: RowText) -> None:
        """Add a column that is computed from others."""
        rows, read = len(self.keep), {each: self.cells[each] for each in text.reads}
        values = {each: cells.values for each, cells in read.items()}
        if text.is_condition:
            holds, fails = text.masks(values, rows)
            found, gone = np.where(holds, 1.0, np.where(fails, 0.0, np.nan)), ~holds & ~fails
        else:
            gone = np.zeros(rows, dtype=bool)
            for cells in read.values():
                gone |= cells.missing | cells.wrong
            found = np.where(gone, np.nan, text.values(values, rows))
        if unit := text.unit(name, self.units.get(name, ""), self.units):
            self.units[name] = unit
        made = Cells(found, gone, None, "boolean" if text.is_condition else "number")
        made.refuse(_NO_VALUE, ~np.isfinite(found))
        made.check_floats().check_limits(self.minimum.get(name), self.maximum.get(name))
        # of each row without a value it is told what it was computed from
        shown = np.full(rows, None, dtype=object)
        for place in np.flatnonzero(made.wrong)[:_MOST_TOLD]:
            shown[place] = ", ".join(
                f"{each}={_plain(column[int(place)])}" for each, column in values.items()
            )
        made.shown = pa.chunked_array([pa.array(shown, pa.string())])
        self.cells[name], self.derived[name] = made, text.text

    def forget(self, names: Iterable[str]) -> None:
        """Leave columns out that were read only because others are computed from them."""
        for name in names:
            self.cells.pop(name, None)
            self.units.pop(name, None)

    def apply_actions(self) -> None:
        """Treat every fault: drop rows, then refuse all bad columns at once, then set cells missing."""
        for name, cells in list(self.cells.items()):
            if self.actions[name] == "text" and cells.faults and name not in self.derived:
                self.cells[name] = parse_column(cells.shown, "text", self.form)
                self.units.pop(name, None)
            elif self.actions[name] == "drop":
                for why, at in cells.faults.items():
                    self.examples += self._bad_cells(name, why, at & self.keep)
                    self.leave_out(at, f"{name}: {why}")
        refused, most = dict[str, list[Any]](), list[str]()
        for name, cells in self.cells.items():
            faults = {why: at & self.keep for why, at in cells.faults.items() if (at & self.keep).any()}
            if faults and self.actions[name] == "error":
                refused[name] = self._told_of(name, faults)
                continue
            for why, at in faults.items():
                self.examples += self._bad_cells(name, why, at)
                self.set_missing.setdefault(name, {})[why] = int(at.sum())
            dropped = self.actions[name] == "drop"
            there = np.ones_like(self.keep) if dropped else self.keep & ~cells.missing
            gone = int((cells.wrong & there).sum())
            if 2 * gone > there.sum():  # which suggests a wrong kind or format
                what = "rows were left out for" if dropped else "values were set missing in"
                most.append(f"most {what} {name!r} ({gone:,} of {int(there.sum()):,})")
        if refused:
            raise TableError(self._refusal(refused))
        if most:
            warn_user(f"{self.raw.source}: {'; '.join(most)}")

    def _bad_cells(self, name: str, why: str, at: NDArray[np.bool_]) -> list[BadCell]:
        """Return the first cells with one fault, as written in the source."""
        found, shown = [], self.cells[name].shown
        for place in map(int, np.flatnonzero(at)[:_SHOWN]):
            cell = shown[place].as_py()
            text = shorten("" if cell is None else str(cell), _LONGEST)
            found.append(BadCell(int(self.raw.rows[place]), name, text, why))
        return found

    def _told_of(self, name: str, faults: Mapping[str, NDArray[np.bool_]]) -> list[Any]:
        """Describe the faults of one column: how many, of which kinds, and the positions of the first ones."""
        cells = self.cells[name]
        parts: list[Any] = [f"\n  {name!r} ({cells.kind}):"]
        for why, at in faults.items():
            parts.append(f"\n    {int(at.sum()):,} of {len(at):,} values: {why}")
            first = self._bad_cells(name, why, at)
            parts += [f"\n      {self.raw.row_word} {cell.row:,}: {cell.value!r}" for cell in first]
        for why in (NO_NUMBER, TWO_WAYS):
            if why in faults and (advice := notation_hint(cells.shown.filter(faults[why]), self.form)):
                parts += ["\n    ", *((advice,) if isinstance(advice, str) else advice)]
        return parts

    def _refusal(self, refused: Mapping[str, list[Any]]) -> Message:
        """Return the message of a table refused for its cells, given what is told of each column."""
        what = "1 column holds" if len(refused) == 1 else f"{len(refused)} columns hold"
        return (
            f"{self.raw.source}: {what} values that do not fit",
            *(piece for part in refused.values() for piece in part),
            "\nTo go on: ",
            Setting("on_bad", "missing"),
            " sets such cells missing and counts them, ",
            Setting("on_bad", "drop"),
            " leaves their rows out, ",
            Setting("on_bad", {next(iter(refused)): "drop"}),
            " does so for one column; minimum and maximum declare another range.",
        )

    def frame(self) -> pd.DataFrame:
        """Return the kept rows."""
        if not self.keep.any():
            raise TableError(f"{self.raw.source}: no row is left; left out were {self.left_out}")
        return pd.DataFrame({name: final_column(cells, self.keep) for name, cells in self.cells.items()})

    def report(self, frame: pd.DataFrame, columns_left_out: tuple[str, ...]) -> TableReport:
        """Account for what was read."""
        missing = {name: int((cells.missing & self.keep).sum()) for name, cells in self.cells.items()}
        return TableReport(
            source=self.raw.source,
            format=self.raw.format,
            sha256=self.raw.sha256,
            rows_read=len(self.raw.rows) + len(self.raw.ragged),
            rows=len(frame),
            left_out=self.left_out,
            set_missing=self.set_missing,
            missing={name: count for name, count in missing.items() if count},
            derived=self.derived,
            duplicates=self.duplicates,
            columns_left_out=columns_left_out,
            units=self.units,
            signs=self.signs,
            notes=tuple(self.notes),
            examples=tuple(self.examples),
        )


def _plain(value: Any) -> str:
    return number_text(float(value), 6) if isinstance(value, (float, np.number)) else str(value)
