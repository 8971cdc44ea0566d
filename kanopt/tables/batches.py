"""Tables too large for memory, read batch by batch and as often as needed.

A :class:`BatchSource` gives frames of the columns asked for: of Parquet files, or of a callable that makes a fresh
iterator of frames for every reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kanopt.errors import TableError, nearest
from kanopt.tables._text import require_file
from kanopt.text import list_names

AnyPath: TypeAlias = str | PathLike[str]
SourceLike: TypeAlias = AnyPath | Sequence[AnyPath] | Callable[[], Iterable[pd.DataFrame]]
Read: TypeAlias = Callable[[Sequence[str] | None], Iterator[tuple[str, pd.DataFrame]]]
_BATCH = 1 << 15
"""Rows read of a file at a time."""
_BUFFER = 1 << 20
"""Bytes read of a column at a time, so that memory does not grow with the row groups of a file."""


@dataclass(frozen=True, eq=False)
class BatchSource:
    """A table that is read in batches.

    Parameters
    ----------
    name
        What errors call it.
    read
        Reads some columns, or all for None, from the start: frames, each with what errors call it.
    place
        Says where a row stands, counted from 0 through the whole source.
    columns
        Some rows from its start with all columns, by which it is known what these hold.

    Examples
    --------
    >>> source = open_source(lambda: (pd.DataFrame({"km": [float(k), 2.0], "t": 1.0}) for k in range(3)))
    >>> [frame["km"].to_list() for frame in source.frames(["km"])], source.place(2)
    ([[0.0, 2.0], [1.0, 2.0], [2.0, 2.0]], 'row 2 of the batches')
    """

    name: str
    read: Read
    place: Callable[[int], str]
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)

    def opened(self) -> BatchSource:
        """Return the source with its first rows read.

        Raises
        ------
        TableError
            If there are none.
        """
        first = next((frame for frame in self._numbered(None) if len(frame)), None)
        if first is None:
            raise TableError(f"{self.name}: holds no rows")
        return replace(self, columns=first)

    def frames(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Read columns from the start; the index of the frames numbers their rows.

        Raises
        ------
        TableError
            Where the source cannot be read, lacks a column, or changes from numbers to others or back on the way.
        """
        _require(columns, list(map(str, self.columns)), self.name)
        numeric = {name: holds_numbers(self.columns[name]) for name in columns}
        for frame in self._numbered(columns):
            for name in columns:
                known = frame.loc[frame[name].notna(), name]
                if len(known) and holds_numbers(frame[name]) != numeric[name]:
                    held = "numbers" if numeric[name] else "no numbers"
                    raise TableError(
                        f"{self.place(int(frame.index[0]))}: column {name!r} holds {held} at the start, and from here "
                        f"such as {known.head(1).to_list()[0]!r}; convert the column first"
                    )
            yield frame[list(columns)]

    def _numbered(self, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        start = 0
        for where, frame in self.read(columns):
            # columns that are named by numbers are called by their texts
            names = [str(name) for name in frame.columns]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise TableError(f"{where}: column {twice!r} occurs twice; rename or drop one of them")
            _require(columns or (), names, where)
            yield frame.set_axis(names, axis=1).set_axis(pd.RangeIndex(start, start + len(frame)), axis=0)
            start += len(frame)


def is_source(given: Any) -> bool:
    """Return whether something is a table to be read in batches: paths or a callable.

    Examples
    --------
    >>> is_source("trips.parquet"), is_source([[1.0, 2.0]]), is_source(lambda: iter([]))
    (True, False, True)
    """
    if isinstance(given, (list, tuple)):
        return bool(given) and all(isinstance(path, (str, PathLike)) for path in given)
    return isinstance(given, (str, PathLike)) or (callable(given) and not hasattr(given, "shape"))


def open_source(given: SourceLike) -> BatchSource:
    """Open a source given by the user.

    Raises
    ------
    TableError
        Where a file is missing or no Parquet file, where there are no rows, and where texts of what is derived and
        dropped cannot be read.
    """
    if callable(given):
        return _of_frames(given).opened()
    paths = [Path(path) for path in ([given] if isinstance(given, (str, PathLike)) else given)]
    for path in paths:
        require_file(path, "a Parquet file")
    return _of_files(sorted(paths)).opened()


def _of_files(paths: Sequence[Path]) -> BatchSource:
    """Return Parquet files of the same columns, read one after the other."""
    ends = np.cumsum([0, *(_open(path).metadata.num_rows for path in paths)])

    def read(columns: Sequence[str] | None) -> Iterator[tuple[str, pd.DataFrame]]:
        for path in paths:
            with _open(path) as file:
                # a column of that name holds the row labels of a frame
                names = [name for name in file.schema_arrow.names if not name.startswith("__index_level_")]
                try:
                    for batch in file.iter_batches(_BATCH, columns=list(columns or names), use_threads=False):
                        yield path.name, _without_decimals(batch).to_pandas(ignore_metadata=True)
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
                    raise TableError(f"{path.name}: is damaged: {str(error).splitlines()[0]}") from None

    def place(row: int) -> str:
        file = int(np.searchsorted(ends, row, side="right")) - 1
        return f"row {row - ends[file]} of {paths[file].name}"

    return BatchSource(list_names([path.name for path in paths], 1, quoted=False), read, place)


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


def _of_frames(make: Callable[[], Any]) -> BatchSource:
    """Return the frames of a callable."""

    def read(columns: Sequence[str] | None) -> Iterator[tuple[str, pd.DataFrame]]:
        made = make()
        if isinstance(made, (pd.DataFrame, Mapping, str)) or not isinstance(made, Iterable):
            raise TableError(
                f"the callable returned a {type(made).__name__}; it must return a fresh iterator of DataFrames, such "
                "as iter([frame])"
            )
        for number, frame in enumerate(made):
            if not isinstance(frame, pd.DataFrame):
                raise TableError(
                    f"batch {number} is a {type(frame).__name__}; every batch must be a DataFrame that holds the "
                    "features and the target"
                )
            yield f"batch {number}", frame

    return BatchSource("the batches", read, lambda row: f"row {row} of the batches")


def _require(columns: Iterable[str], known: Sequence[str], where: str) -> None:
    for name in columns:
        if name not in known:
            raise TableError(f"{where}: no column {name!r}; {nearest(str(name), known)}")


def holds_numbers(column: pd.Series[Any]) -> bool:
    """Whether a column is of numbers, and not of truth values."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
