"""Read Parquet files, SQL queries and frames: sources that declare the kinds of their columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kanopt.errors import TableError
from kanopt.tables._database import first_line, query_rows
from kanopt.tables._raw import RawTable, as_strings, file_hash
from kanopt.tables.report import KEY, declared_units, hash_cells
from kanopt.validation import half_text

UNPACKED, MOST_PACKED = 1 << 28, 50
"""Bytes that any Parquet file may unpack to, and how often its own size a larger one may."""
_ROWS_AT_ONCE = 65_536
_BUFFER = 4_096
"""Bytes that a reader holds of a column; without a buffer, one that is to read no row reads all columns."""
_SMALLEST_VALUE = 1  # bytes, of a truth value or a small number


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
        if isinstance(error, TableError):
            raise
        raise TableError(f"{path.name}: is not a Parquet file, or is damaged: {first_line(error)}") from None
    # the row labels of a frame are not a column of the table
    keep = [place for place, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
    names = [" ".join(table.column_names[place].split()) for place in keep]
    columns = [table.column(place) for place in keep]
    raw = _raw_table(str(path), "Parquet", file_hash(path), names, columns)
    return replace(raw, units=_normalised_names(_declared(table.schema.metadata or {})))


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
    file = pq.ParquetFile(path, buffer_size=_BUFFER)
    if not file.metadata.num_columns:
        raise TableError(f"{path.name}: has no columns")
    values = _count_values(file)
    if _SMALLEST_VALUE * values > most:
        raise _unpacks_error(path, _SMALLEST_VALUE * values)
    texts = [
        name
        for name, kind in zip(file.schema_arrow.names, file.schema_arrow.types, strict=True)
        if _is_text(kind)
    ]
    coded = pq.ParquetFile(path, read_dictionary=texts)
    parts, size = [], 0
    for batch in coded.iter_batches(_ROWS_AT_ONCE):
        size += sum(_unpacked_size(column) for column in batch.columns)
        if size > most:
            raise _unpacks_error(path, size)
        parts.append(batch)
    return pa.Table.from_batches(parts, coded.schema_arrow).cast(file.schema_arrow)


def _count_values(file: Any) -> int:
    """Return how many values a Parquet file says the columns of its schema hold.

    What is wrong in the description of a column, such as the sizes of its histograms, ends the process when pyarrow
    is asked for that column; a reader that is to read no row looks at the same descriptions first, and raises.
    """
    head, values = file.metadata, 0
    for place in range(head.num_row_groups):
        # not file.iter_batches, which admits no batch of 0 rows: one row may hold a billion values
        for _ in file.reader.iter_batches(0, [place]):
            pass
        group = head.row_group(place)
        # the group may describe more columns than the schema has; asking for these ends the process, too
        values += sum(max(group.column(column).num_values, 0) for column in range(head.num_columns))
    return values


def _is_text(kind: Any) -> bool:
    return any(check(kind) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _unpacked_size(column: Any) -> int:
    """Return the bytes of a column when its codes are replaced by what they stand for."""
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary).take(column.indices)
    return int(pc.sum(pc.cast(lengths, pa.int64())).as_py() or 0) + 4 * len(column)


def _unpacks_error(path: Path, size: int) -> TableError:
    return TableError(
        f"{path.name}: a file of {path.stat().st_size:,} bytes that unpacks to {size:,} or more is refused; write it "
        "anew with fewer rows or columns, or read it in parts"
    )


def _declared(metadata: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the units in what pandas writes of a frame's ``attrs`` into a Parquet file; none where it wrote none."""
    try:
        units = json.loads(metadata[b"pandas"])["attributes"][KEY]["units"]
    except (KeyError, TypeError, ValueError):
        return {}
    given = units.items() if isinstance(units, dict) else ()
    return {name: unit for name, unit in given if isinstance(unit, str)}


def _normalised_names(units: Mapping[str, str]) -> dict[str, str]:
    """Spell the columns as :class:`RawTable` does."""
    return {" ".join(str(name).split()): unit for name, unit in units.items()}


def read_frame(frame: pd.DataFrame, source: str = "a frame in memory", form: str = "frame") -> RawTable:
    """Read a frame; its declared units come along.

    Raises
    ------
    TableError
        If it has no rows or no columns, or a text in it is none.
    """
    if half := half_text(frame):
        raise TableError(f"{source}: {half}")
    pairs = [_array(frame.iloc[:, place]) for place in range(frame.shape[1])]
    names = [" ".join(str(name).split()) for name in frame.columns]
    columns = [column for column, _ in pairs]
    digest = _digest(names, columns)
    raw = _raw_table(source, form, digest, names, columns, tuple(mixed for _, mixed in pairs))
    return replace(raw, units=_normalised_names(declared_units(frame, "frame")))


def read_sql(url: str, query: str) -> RawTable:
    """Read what a query returns; cells of one column may be of several types."""
    shown, rows = query_rows(url, query)
    return read_frame(rows, shown, "SQL query")


def _array(column: pd.Series[Any]) -> tuple[Any, bool]:
    """Return a column as an Arrow array, and whether its cells were of different types."""
    values = column.to_numpy() if column.dtype == object else column
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.chunked_array([pa.array(as_strings(column), pa.string())]), True
    whole = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _without_views(whole), False


def _without_views(array: Any) -> Any:
    """Return texts and bytes in the layout that all functions of Arrow know."""
    kind = str(array.type)
    if kind not in ("string_view", "binary_view"):
        return array
    return array.cast(pa.string() if kind == "string_view" else pa.binary())


def _digest(names: list[str], columns: list[Any]) -> str:
    plain = [c if _writable(c.type) else pa.chunked_array([as_strings(c.to_pylist())]) for c in columns]
    return hash_cells(pa.table(plain, names=names))


def _writable(kind: Any) -> bool:
    types = pa.types
    unwritable = (types.is_nested, types.is_dictionary, types.is_decimal, types.is_interval)
    return not (isinstance(kind, pa.BaseExtensionType) or any(is_of(kind) for is_of in unwritable))


def _raw_table(
    source: str,
    form: str,
    sha256: str,
    names: list[str],
    columns: list[Any],
    mixed: tuple[bool, ...] | None = None,
) -> RawTable:
    count = len(columns[0]) if columns else 0
    if not count:
        raise TableError(f"{source}: has no rows" if columns else f"{source}: has no columns")
    return RawTable(
        source=source,
        format=form,
        sha256=sha256,
        names=tuple(names),
        columns=tuple(columns),
        mixed_types=mixed or (False,) * len(columns),
        width=len(columns),
        rows=np.arange(1, count + 1, dtype=np.int64),
    )
