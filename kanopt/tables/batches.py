"""Parquet files too large for memory, read batch by batch and as often as needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kanopt.array_types import Integers
from kanopt.errors import TableError, nearest
from kanopt.tables._text import require_file
from kanopt.text import list_names

AnyPath: TypeAlias = str | PathLike[str]
SourceLike: TypeAlias = AnyPath | Sequence[AnyPath]
_BATCH = 1 << 15
"""Rows read of a file at a time."""
_BUFFER = 1 << 20
"""Bytes read of a column at a time, so that memory does not grow with the row groups of a file."""


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
                # a column of that name holds the row labels of a frame
                names = [name for name in file.schema_arrow.names if not name.startswith("__index_level_")]
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
                    raise TableError(f"{path.name}: is damaged: {str(error).splitlines()[0]}") from None


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
        cause = str(error).splitlines()[0]
        raise TableError(f"{path.name}: is not a Parquet file, or is damaged: {cause}") from None


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
