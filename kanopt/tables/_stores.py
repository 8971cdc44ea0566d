"""Read Parquet files and frames: sources that declare the kinds of their columns."""

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
from kanopt.faults import half_text
from kanopt.tables._text import RawTable, as_strings, file_hash
from kanopt.tables.report import KEY, declared_units, hash_rows

UNPACKED, MOST_PACKED = 1 << 28, 50
"""Bytes that any Parquet file may unpack to, and how often its own size a larger one may."""
_BUFFER = 4_096
"""Bytes that a reader holds of a column; without a buffer, one that is to read no row reads all columns."""
_WIDTHS = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
"""Bytes of a value in memory, by what Parquet calls its type; of others at least one."""


def read_parquet(path: Path) -> RawTable:
    """Read a Parquet file.

    Raises
    ------
    TableError
        If it is not one, or is damaged.
    """
    try:
        table = _read_to_limit(path)
    except TableError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
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


def _normalised_names(units: Mapping[str, str]) -> dict[str, str]:
    """Spell the columns as :class:`RawTable` does."""
    return {" ".join(str(name).split()): unit for name, unit in units.items()}


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
    names = [" ".join(str(name).split()) for name in frame.columns]
    columns = [column for column, _ in pairs]
    mixed = tuple(is_mixed for _, is_mixed in pairs)
    raw = _raw_table("a frame in memory", "frame", hash_rows(frame), names, columns, mixed)
    return replace(raw, units=_normalised_names(declared_units(frame, "frame")))


def _array(column: pd.Series[Any], decimal: str | None) -> tuple[Any, bool]:
    """Return a column as an Arrow array, and whether its cells were of different types."""
    values = column.to_numpy() if column.dtype == object else column
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.chunked_array([pa.array(as_strings(column, decimal), pa.string())]), True
    whole = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _without_views(whole), False


def _without_views(array: Any) -> Any:
    """Return texts and bytes in the layout that all functions of Arrow know."""
    kind = str(array.type)
    if kind not in ("string_view", "binary_view"):
        return array
    return array.cast(pa.string() if kind == "string_view" else pa.binary())


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


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its name."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
