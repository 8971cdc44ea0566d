"""Parquet files and frames, whose columns declare their kinds: read whole to a limit, or batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kanopt.array_types import Integers
from kanopt.errors import TableError, nearest
from kanopt.faults import half_text
from kanopt.tables._text import RawTable, as_strings, file_hash, require_file
from kanopt.tables.report import KEY, declared_units, hash_rows
from kanopt.text import list_names

AnyPath: TypeAlias = str | PathLike[str]
SourceLike: TypeAlias = AnyPath | Sequence[AnyPath]
_BATCH = 1 << 15
"""Rows read of a file at a time."""
_BUFFER = 1 << 20
"""Bytes read of a column at a time, so that memory does not grow with the row groups of a file."""
UNPACKED, MOST_PACKED = 1 << 28, 50
"""Bytes that any Parquet file may unpack to, and how often its own size a larger one may."""
_LITTLE = 4_096
"""Bytes that a reader holds of a column; without a buffer, one that is to read no row reads all columns."""
_WIDTHS = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
"""Bytes of a value in memory, by what Parquet calls its type; of others at least one."""
_LABELS = "__index_level_"
"""How the names of columns begin that hold the row labels of a frame."""


def read_parquet(path: Path) -> RawTable:
    """Read a Parquet file.

    Raises
    ------
    TableError
        If it is not one, or is damaged.
    """
    try:
        table = _read_to_limit(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise error if isinstance(error, TableError) else _damaged(path, error) from None
    # the row labels of a frame are not a column of the table
    keep = [place for place, name in enumerate(table.column_names) if not name.startswith(_LABELS)]
    names = [table.column_names[place] for place in keep]
    columns = [table.column(place) for place in keep]
    units = _declared(table.schema.metadata or {})
    return _raw_table((str(path), "Parquet", file_hash(path)), names, columns, units)


def _read_to_limit(path: Path) -> Any:
    """Read a Parquet file whole, unless it is small and unpacks to something very large.

    A column of one repeated value takes some bytes on disk and gigabytes in memory: counts of values are looked at
    before anything is unpacked, and texts are read as codes and their lengths added up before they are written out.

    Raises
    ------
    TableError
        If it unpacks to more than :data:`UNPACKED` and :data:`MOST_PACKED` times its own size.
    """
    most = max(UNPACKED, MOST_PACKED * path.stat().st_size)
    file = pq.ParquetFile(path, buffer_size=_LITTLE)
    if not file.metadata.num_columns:
        raise TableError(f"{path.name}: has no columns")
    size = _least_size(file)
    if size <= most:
        schema = file.schema_arrow
        texts = [name for name, kind in zip(schema.names, schema.types, strict=True) if _is_text(kind)]
        table = pq.ParquetFile(path, read_dictionary=texts).read()
        size = sum(map(_unpacked_size, table.columns))
        if size <= most:
            return table.cast(schema)
    raise TableError(
        f"{path.name}: a file of {path.stat().st_size:,} bytes that unpacks to {size:,} or more is refused; write it "
        "anew with fewer rows or columns, or read it in parts"
    )


def _least_size(file: Any) -> int:
    """Return how many bytes the values take at least that a Parquet file says it has.

    What is wrong in the description of a column, such as the sizes of its histograms, ends the process when pyarrow
    is asked for that column; a reader that is to read no row looks at the same descriptions first, and raises.
    """
    head, size = file.metadata, 0
    for place in range(head.num_row_groups):
        # not file.iter_batches, which admits no batch of 0 rows: one row may hold a billion values
        for _ in file.reader.iter_batches(0, [place]):
            pass
        group = head.row_group(place)
        # the group may describe more columns than the schema has; asking for these ends the process, too
        for column in range(head.num_columns):
            width = _WIDTHS.get(head.schema.column(column).physical_type, 1)
            size += width * max(group.column(column).num_values, 0)
    return size


def _is_text(kind: Any) -> bool:
    return any(check(kind) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _unpacked_size(column: Any) -> int:
    """Return the bytes of a column when its codes are replaced by what they stand for."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = [pc.binary_length(chunk.dictionary).take(chunk.indices) for chunk in column.chunks]
    return sum(int(pc.sum(pc.cast(each, pa.int64())).as_py() or 0) + 4 * len(each) for each in lengths)


def _declared(metadata: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the units in what pandas writes of a frame's ``attrs`` into a Parquet file; none where it wrote none."""
    try:
        units = json.loads(metadata[b"pandas"])["attributes"][KEY]["units"]
    except (KeyError, TypeError, ValueError):
        return {}
    given = units.items() if isinstance(units, dict) else ()
    return {name: unit for name, unit in given if isinstance(unit, str)}


def read_frame(frame: pd.DataFrame, decimal: str | None = None) -> RawTable:
    """Read a frame; its declared units come along.

    Raises
    ------
    TableError
        If it has no rows or no columns, or a text in it is none.
    """
    if half := half_text(frame):
        raise TableError(f"a frame in memory: {half}")
    pairs = [_array(frame.iloc[:, place], decimal) for place in range(frame.shape[1])]
    source, units = ("a frame in memory", "frame", hash_rows(frame)), declared_units(frame, "frame")
    names, columns = [str(name) for name in frame.columns], [column for column, _ in pairs]
    return _raw_table(source, names, columns, units, tuple(is_mixed for _, is_mixed in pairs))


def _array(column: pd.Series[Any], decimal: str | None) -> tuple[Any, bool]:
    """Return a column as an Arrow array, and whether its cells were of different types."""
    values = column.to_numpy() if column.dtype == object else column
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.chunked_array([pa.array(as_strings(column, decimal), pa.string())]), True
    whole = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    # texts and bytes in the layout that all functions of Arrow know
    plain = {"string_view": pa.string(), "binary_view": pa.binary()}.get(str(whole.type))
    return (whole if plain is None else whole.cast(plain)), False


def _raw_table(
    told: tuple[str, str, str],
    names: Sequence[str],
    columns: Sequence[Any],
    units: Mapping[str, str],
    mixed: tuple[bool, ...] = (),
) -> RawTable:
    """Return columns as a table; `told` is what it is called, its format and its hash."""
    count = len(columns[0]) if columns else 0
    if not count:
        raise TableError(f"{told[0]}: has no rows" if columns else f"{told[0]}: has no columns")
    return RawTable(
        *told,
        names=tuple(" ".join(name.split()) for name in names),
        columns=tuple(columns),
        mixed_types=mixed or (False,) * len(columns),
        width=len(columns),
        rows=np.arange(1, count + 1, dtype=np.int64),
        units={" ".join(name.split()): unit for name, unit in units.items()},
    )


def _damaged(path: Path, error: BaseException) -> TableError:
    return TableError(f"{path.name}: is not a Parquet file, or is damaged: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its name."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


# Tables too large for memory.


@dataclass(frozen=True, eq=False)
class BatchSource:
    """Parquet files of the same columns, read one after the other.

    Parameters
    ----------
    paths
        The files, in the order of their names.
    ends
        How many rows there are before each file, and in all.
    columns
        Some rows from the start with all columns, by which it is known what these hold.
    """

    paths: Sequence[Path]
    ends: Integers
    columns: pd.DataFrame

    @property
    def name(self) -> str:
        """What errors call it."""
        return list_names([path.name for path in self.paths], 1, quoted=False)

    def place(self, row: int) -> str:
        """Say where a row stands, counted from 0 through all files."""
        file = int(np.searchsorted(self.ends, row, side="right")) - 1
        return f"row {row - self.ends[file]} of {self.paths[file].name}"

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Read columns from the start; the index of the frames numbers their rows.

        Raises
        ------
        TableError
            Where a file cannot be read, lacks a column, or changes from numbers to others or back on the way.
        """
        _require(columns, list(map(str, self.columns)), self.name)
        numeric = {name: holds_numbers(self.columns[name]) for name in columns}
        for frame in self._read(columns):
            for name in columns:
                known = frame.loc[frame[name].notna(), name]
                if len(known) and holds_numbers(frame[name]) != numeric[name]:
                    held = "numbers" if numeric[name] else "no numbers"
                    raise TableError(
                        f"{self.place(int(frame.index[0]))}: column {name!r} holds {held} at the start, and from here "
                        f"such as {known.head(1).to_list()[0]!r}; convert the column first"
                    )
            yield frame[list(columns)]

    def _read(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield batches of some columns, of all where none is named."""
        start = 0
        for path in self.paths:
            with _open(path) as file:
                names = [name for name in file.schema_arrow.names if not name.startswith(_LABELS)]
                if twice := next((name for name in names if names.count(name) > 1), None):
                    raise TableError(
                        f"{path.name}: column {twice!r} occurs twice; rename or drop one of them"
                    )
                _require(columns, names, path.name)
                try:
                    for batch in file.iter_batches(_BATCH, columns=list(columns or names), use_threads=False):
                        frame = _without_decimals(batch).to_pandas(ignore_metadata=True)
                        yield frame.set_axis(pd.RangeIndex(start, start + len(frame)), axis=0)
                        start += len(frame)
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
                    raise _damaged(path, error) from None


def is_source(given: Any) -> bool:
    """Return whether something is a table to be read in batches: a path, or several.

    Examples
    --------
    >>> is_source("trips.parquet"), is_source(["a.parquet", "b.parquet"]), is_source([[1.0, 2.0]])
    (True, True, False)
    """
    if isinstance(given, (list, tuple)):
        return bool(given) and all(isinstance(path, (str, PathLike)) for path in given)
    return isinstance(given, (str, PathLike))


def open_source(given: SourceLike) -> BatchSource:
    """Open the files of a path, or of several.

    Raises
    ------
    TableError
        Where one is missing or no Parquet file, and where there are no rows.
    """
    paths = sorted(Path(path) for path in ([given] if isinstance(given, (str, PathLike)) else given))
    for path in paths:
        require_file(path, "a Parquet file")
    ends = np.cumsum([0, *(_open(path).metadata.num_rows for path in paths)])
    source = BatchSource(paths, ends, pd.DataFrame())
    first = next((frame for frame in source._read(()) if len(frame)), None)
    if first is None:
        raise TableError(f"{source.name}: holds no rows")
    return replace(source, columns=first)


def _open(path: Path) -> Any:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from None


def _without_decimals(batch: Any) -> Any:
    """Return a batch with decimal numbers as floating ones."""
    fields = [
        each.with_type(pa.float64()) if pa.types.is_decimal(each.type) else each for each in batch.schema
    ]
    return batch.cast(pa.schema(fields))


def _require(columns: Sequence[str], known: Sequence[str], where: str) -> None:
    for name in columns:
        if name not in known:
            raise TableError(f"{where}: no column {name!r}; {nearest(str(name), known)}")


def holds_numbers(column: pd.Series[Any]) -> bool:
    """Whether a column is of numbers, and not of truth values."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
