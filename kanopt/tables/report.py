"""Metadata of a frame: units, and the report of how it was read.

Both live in ``frame.attrs["kanopt"]`` as plain dictionaries, so that they survive slicing, copying and a
Parquet round trip; read them with :func:`units_of` and :func:`report_of`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype
from pydantic import TypeAdapter

from kanopt.display import Part, Shown
from kanopt.errors import TableError, nearest, warn_user
from kanopt.text import count_text, join_list, list_names
from kanopt.units import check_unit

KEY = "kanopt"
_MOST_REASONS, _MOST_NOTES = 3, 4
"""So many of them a remark names."""


@dataclass(frozen=True)
class BadCell:
    """One cell that violates the specification of its column.

    Parameters
    ----------
    row
        The row of the file, the header being row 1; in Parquet, SQL and frames, the record counted from 1.
    column, value
        The column's name in the frame, and the cell as it stands in the source.
    reason
        The fault.
    """

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, repr=False)
class TableReport(Shown):
    """How a table was read: what was found, what was left out, and why.

    Parameters
    ----------
    source
        The path, or the database without its password.
    format
        Kind, encoding, separator and line ends.
    sha256
        Hash of the file's bytes, or of the records a query returned.
    rows_read
        Data rows found in the source.
    rows
        Rows in the frame.
    left_out
        Reason to number of rows.
    set_missing
        Column to reason to number of cells that were there and are missing now.
    missing
        Column to number of cells that were blank, or marked as missing, in the source.
    duplicates
        Rows that repeat an earlier one and were kept.
    columns_left_out
        Columns of the source that were not asked for.
    derived
        Columns that were computed from others, each with its text.
    units
        Column to unit.
    signs
        Decimal sign and sign between thousands, as keys of :class:`TextFormat`, where the cells of the file showed that
        they are not a point and none.
    notes
        Whatever else was decided while reading, one sentence each.
    examples
        The first bad cells of each kind.

    Examples
    --------
    >>> print(TableReport("trips.csv", "CSV", "ab" * 32, 3, 2, left_out={"minutes: not a number": 1}))
    trips.csv (CSV), sha256 abababababab…
      3 rows read, 2 kept, 1 left out
        1 row left out: minutes: not a number
    """

    source: str
    format: str
    sha256: str
    rows_read: int
    rows: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    set_missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    columns_left_out: tuple[str, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    examples: tuple[BadCell, ...] = ()

    def _shown(self) -> list[Part]:
        lines: list[Part] = [f"{self.source} ({self.format}), sha256 {self.sha256[:12]}…"]
        gone = self.rows_read - self.rows
        left = f"{gone:,}" if gone else "none"
        lines.append(f"  {count_text(self.rows_read, 'row')} read, {self.rows:,} kept, {left} left out")
        lines += [f"    {count_text(n, 'row')} left out: {why}" for why, n in self.left_out.items()]
        lines += [f"  derived: {name} = {text}" for name, text in self.derived.items()]
        for column, reasons in self.set_missing.items():
            lines += [f"  {column}: {n:,} set missing: {why}" for why, n in reasons.items()]
        for column, n in self.missing.items():
            lines.append(f"  {column}: {n:,} missing{'' if column in self.derived else ' in the source'}")
        if self.duplicates:
            lines.append(
                f"  {count_text(self.duplicates, 'row')} kept although an earlier row is the same in every column"
            )
        lines += [f"  note: {note}" for note in self.notes]
        if self.columns_left_out:
            lines.append(f"  not asked for: {list_names(self.columns_left_out, 12, quoted=False)}")
        if self.units:
            lines.append("  units: " + ", ".join(f"{c} [{u or '1'}]" for c, u in self.units.items()))
        lines += [f"  row {b.row:,}, {b.column}: {b.value!r}: {b.reason}" for b in self.examples]
        return lines

    def remarks(self) -> tuple[str, ...]:
        """Return in at most two lines what became of rows and cells, and what was decided about the others.

        Blank cells, and columns that were not asked for, are no matter of reading.

        Examples
        --------
        >>> bad = BadCell(3, "minutes", "soon", "not a number")
        >>> left = {"minutes: not a number": 1}
        >>> TableReport("trips.csv", "CSV", "ab", 3, 2, left_out=left, examples=(bad,)).remarks()
        ("1 of 3 rows left out: 1 × minutes: not a number (such as 'soon' in row 3)",)
        """
        told = []
        if gone := self.rows_read - self.rows:
            rows = count_text(self.rows_read, "row")
            told.append(f"{gone:,} of {rows} left out: {self._reasons(self.left_out)}")
        emptied = {
            f"{column}: {why}": count
            for column, each in self.set_missing.items()
            for why, count in each.items()
        }
        if emptied:
            cells = count_text(sum(emptied.values()), "cell")
            told.append(f"{cells} set missing: {self._reasons(emptied)}")
        if self.duplicates:
            repeat = (
                "repeats an earlier one and is" if self.duplicates == 1 else "repeat an earlier one and are"
            )
            told.append(f"{count_text(self.duplicates, 'row')} {repeat} kept")
        decided = list(self.notes)
        if len(decided) > _MOST_NOTES:
            decided[_MOST_NOTES:] = [f"{len(decided) - _MOST_NOTES:,} more"]
            decided[-2:] = [" and ".join(decided[-2:])]
        return tuple(filter(None, ("; ".join(told), "; ".join(decided))))

    def _reasons(self, counts: Mapping[str, int]) -> str:
        """List the most frequent reasons with their numbers and the first cell of each."""
        first: dict[str, str] = {}
        for cell in self.examples:
            first.setdefault(
                f"{cell.column}: {cell.reason}", f" (such as {cell.value!r} in row {cell.row:,})"
            )
        ranked = sorted(counts.items(), key=lambda entry: -entry[1])
        return join_list([f"{count:,} × {why}{first.get(why, '')}" for why, count in ranked], _MOST_REASONS)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries and lists, ready for JSON."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TableReport:
        """Rebuild a report from :meth:`to_dict`."""
        return _adapter().validate_python(plain)


@cache
def _adapter() -> TypeAdapter[TableReport]:
    return TypeAdapter(TableReport)


def report_of(frame: pd.DataFrame) -> TableReport:
    """Return how a frame was read.

    Raises
    ------
    TableError
        If the frame carries no report.

    Examples
    --------
    >>> from kanopt.tables import load_city
    >>> report_of(load_city().trips).rows
    5000
    """
    plain = frame.attrs.get(KEY, {}).get("report")
    if plain is None:
        raise TableError(
            "this frame carries no report: it did not come from read_table, or an operation such as merge "
            "made a new frame of it; pass it through read_table(frame) for one"
        )
    return TableReport.from_dict(plain)


def units_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the declared units of the columns a frame has; columns without one are absent.

    Examples
    --------
    >>> units_of(with_units(pd.DataFrame({"distance": [1.0]}), {"distance": "km"}))
    {'distance': 'km'}
    """
    units: Mapping[str, str] = frame.attrs.get(KEY, {}).get("units", {})
    return {column: unit for column, unit in units.items() if column in frame.columns}


def with_units(frame: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Return the frame with units declared for some of its columns; values are not converted.

    Raises
    ------
    TableError
        If a column is unknown.
    UnitError
        If a unit is unknown.

    Examples
    --------
    >>> with_units(pd.DataFrame({"distance": [1.0]}), {"distnce": "km"})
    Traceback (most recent call last):
    ...
    kanopt.errors.TableError: no column 'distnce' to give the unit 'km'; did you mean 'distance'?
    """
    checked = {}
    for column, unit in units.items():
        if column not in frame.columns:
            raise TableError(
                f"no column {column!r} to give the unit {unit!r}; {nearest(column, map(str, frame.columns))}"
            )
        checked[column] = check_unit(unit)
    stored = dict(frame.attrs.get(KEY, {}))
    result = frame.copy(deep=False)
    columns = stored.get("columns", _names(frame))
    result.attrs[KEY] = {
        **stored,
        "units": {**stored.get("units", {}), **checked},
        "columns": [*columns, *(name for name in map(str, checked) if name not in columns)],
    }
    return result


def renamed(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the frame with columns called otherwise, old name to new, and their units with them.

    Examples
    --------
    >>> units_of(renamed(with_units(pd.DataFrame({"km": [1.0]}), {"km": "km"}), {"km": "distance"}))
    {'distance': 'km'}
    """
    units = {names.get(column, column): unit for column, unit in units_of(frame).items()}
    result = frame.rename(columns=names)
    result.attrs[KEY] = {**frame.attrs.get(KEY, {}), "units": units, "columns": _names(result)}
    return result


def declared_units(frame: pd.DataFrame, what: str) -> dict[str, str]:
    """Return the units of a frame as :func:`units_of` does, to whoever reads it.

    pandas knows nothing of units, which are kept by the names of columns: ``frame.rename`` loses them. So units of
    columns that are gone, beside columns that came later and have none, are told of.

    Parameters
    ----------
    frame
        The frame.
    what
        What it is called in the warning.

    Warns
    -----
    KanoptWarning
        If units may have been lost.
    """
    stored = frame.attrs.get(KEY, {})
    found = units_of(frame)
    lost = {column: unit for column, unit in stored.get("units", {}).items() if column not in found and unit}
    if not lost:
        return found
    came = [
        str(name)
        for name, kind in frame.dtypes.items()
        if str(name) not in stored.get("columns", ()) and name not in found and is_numeric_dtype(kind)
    ]
    if came:
        told = list_names([f"{column!r} ({unit})" for column, unit in lost.items()], quoted=False)
        alike = len(lost) == len(came)
        again = ", ".join(
            f"{name!r}: {unit!r}" if alike else f"{name!r}: …"
            for name, unit in zip(came, lost.values() if alike else came, strict=True)
        )
        warn_user(
            f"{what}: no unit is declared for {list_names(came)}, but there are units of columns that are gone: "
            f"{told}; a frame renamed by pandas loses them: declare them again, ko.with_units({what}, {{{again}}})"
        )
    return found


def _names(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns]


def attach_report(
    frame: pd.DataFrame, report: TableReport, rows: NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """Store a report, the units it names, and where `rows` are in the source in the frame itself; return the frame."""
    frame.attrs[KEY] = {"units": dict(report.units), "columns": _names(frame), "report": report.to_dict()}
    if rows is not None:
        # attributes are copied with every slice: a text is, by reference
        starts = np.flatnonzero(np.diff(rows, prepend=rows[:1] - 2) != 1)
        ends = np.append(starts[1:], len(rows)) - 1
        frame.attrs[KEY]["rows"] = " ".join(f"{rows[i]}-{rows[k]}" for i, k in zip(starts, ends, strict=True))
    return frame


def rows_in_source(frame: pd.DataFrame) -> NDArray[np.int64] | None:
    """Return for each row of a frame which one it is in what it was read from, counted as a person would; (n,).

    None where that is not known: the frame was not read, or has other rows than then.

    Examples
    --------
    >>> report = TableReport("trips.csv", "CSV", "ab" * 32, rows_read=4, rows=3)
    >>> read = attach_report(pd.DataFrame({"km": [1, 2, 4]}), report, np.array([2, 3, 5]))
    >>> rows_in_source(read), rows_in_source(read[1:])
    (array([2, 3, 5]), None)
    """
    told = frame.attrs.get(KEY, {}).get("rows", "")
    runs = [tuple(map(int, run.split("-"))) for run in told.split()]
    rows = [np.arange(first, last + 1) for first, last in runs]
    found = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    as_read = pd.RangeIndex(len(frame))
    return found if rows and len(found) == len(frame) and as_read.equals(frame.index) else None


def with_report(
    frame: pd.DataFrame, source: str, units: Mapping[str, str], *, how: str = "made by kanopt"
) -> pd.DataFrame:
    """Give a frame that was made, or ships with the package, its units and a report."""
    named = with_units(frame, units)
    report = TableReport(
        source=source,
        format=how,
        sha256=hash_cells(pa.Table.from_pandas(frame, preserve_index=False)),
        rows_read=len(frame),
        rows=len(frame),
        units=units_of(named),
    )
    return attach_report(named, report)


def hash_cells(table: Any) -> str:
    """Return the sha256 of an Arrow table written as CSV, so that it does not depend on where it was kept."""
    sha256, header = hashlib.sha256(), True
    for batch in table.to_batches(1 << 16) or [table]:
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=header))
        sha256.update(sink.getvalue())
        header = False
    return sha256.hexdigest()
