"""Tables too large for memory, read batch by batch and as often as needed.

A :class:`BatchSource` gives Arrow record batches of the columns asked for. It is one or several Parquet files, or a
callable that makes a fresh iterator of frames for every reading; of a Dask frame its partitions are read, one after the
other. An iterator that can be read only once is written to a temporary Parquet file first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kanopt.errors import TableError, nearest
from kanopt.files import temporary_path
from kanopt.tables._raw import require_file
from kanopt.tables.cleaned_source import Cleaned, CleanedSource
from kanopt.text import list_names

__all__ = [
    "BatchSource",
    "FrameSource",
    "ParquetSource",
    "Partitioned",
    "SourceLike",
    "is_source",
    "open_source",
]


class Partitioned(Protocol):
    """A frame in partitions, each of which is computed when it is read: a Dask DataFrame."""

    def to_delayed(self) -> Sequence[Any]:
        """Return the partitions."""
        ...


Kind = Literal["number", "category", "other"]
AnyPath: TypeAlias = str | PathLike[str]
SourceLike: TypeAlias = (
    AnyPath
    | Sequence[AnyPath]
    | Callable[[], Iterable[pd.DataFrame]]
    | Iterator[pd.DataFrame]
    | Partitioned
    | Cleaned
)
BUFFER = 1 << 20
"""Bytes read of a column at a time, so that memory does not grow with the row groups of a file."""


class BatchSource(Protocol):
    """A table that is read in batches."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Column to kind: ``"number"``, ``"category"`` (texts, booleans, categories) or ``"other"``."""
        ...

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Read the columns from the start, in batches of at most so many rows.

        Numbers come as float64, and null where they are missing; other columns as the source holds them.

        Raises
        ------
        TableError
            Where the source cannot be read, lacks a column, or changes the kind of one on the way.
        """
        ...

    def place(self, row: int) -> str:
        """Say where a row stands, counted from 0 through the whole source."""
        ...


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files of the same columns, read one after the other.

    Parameters
    ----------
    paths
        The files.
    categories
        Columns to read as categories although they contain integers.
    title
        What errors call it in place of the names of the files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "trips.parquet"
    ...     pd.DataFrame({"km": [5, 8, 2], "mode": ["road", "rail", "road"]}).to_parquet(path)
    ...     source = ParquetSource((path,))
    ...     source.rows, dict(source.kinds), [len(batch) for batch in source.batches(["km"], rows=2)]
    (3, {'km': 'number', 'mode': 'category'}, [2, 1])
    """

    paths: tuple[Path, ...]
    categories: frozenset[str] = frozenset()
    title: str = ""

    @property
    def name(self) -> str:
        """The title, or the name of the first file and how many more there are."""
        return self.title or list_names([path.name for path in self.paths], 1, quoted=False)

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return self._ends[-1]

    @cached_property
    def _ends(self) -> list[int]:
        """Where each file ends, in rows of the whole source."""
        return [int(end) for end in np.cumsum([_open(path).metadata.num_rows for path in self.paths])]

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """Kinds of the columns, as the first file declares them."""
        schema = _schema(_open(self.paths[0]), self.paths[0])
        kinds = {name: kind_of(schema.field(name).type) for name in schema.names if not _is_label(name)}
        return kinds | dict.fromkeys(self.categories, "category")

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Read the columns from the start, in batches of at most so many rows."""
        for path in self.paths:
            file = _open(path)
            known = _schema(file, path).names
            for name in columns:
                if name not in known:
                    raise TableError(f"{path.name}: no column {name!r}; {nearest(name, known)}")
            try:
                for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
                    yield _as_declared_kinds(
                        batch.select(list(columns)), self.kinds, path.name, self.categories
                    )
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
                raise TableError(f"{path.name}: is damaged: {str(error).splitlines()[0]}") from None
            finally:
                file.close()

    def place(self, row: int) -> str:
        """Say in which file, and at which row of it, a row stands."""
        index = int(np.searchsorted(self._ends, row, side="right"))
        first = self._ends[index - 1] if index else 0
        return f"row {row - first} of {self.title or self.paths[index].name}"


@dataclass(frozen=True)
class FrameSource:
    """Frames from a callable that returns a fresh iterator for every pass.

    Parameters
    ----------
    make
        Returns a fresh iterator of frames, the same each time.

    Examples
    --------
    >>> source = FrameSource(lambda: (pd.DataFrame({"km": [float(k), 2.0]}) for k in range(3)))
    >>> [batch.column(0).to_pylist() for batch in source.batches(["km"], rows=10)]
    [[0.0, 2.0], [1.0, 2.0], [2.0, 2.0]]
    """

    make: Callable[[], Iterable[pd.DataFrame]]
    name: str = field(default="the batches", init=False)

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """Kinds of the columns in the first frame that has rows."""
        for frame in self._frames():
            if len(frame):
                return {name: kind_of(_array(frame[name], name, 0).type) for name in frame.columns}
        raise TableError("the batches hold no rows")

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[Any]:
        """Read the columns from the start, in batches of at most so many rows."""
        for number, frame in enumerate(self._frames()):
            for name in columns:
                if name not in frame.columns:
                    raise TableError(f"batch {number}: no column {name!r}; {nearest(name, frame.columns)}")
            for start in range(0, len(frame), rows):
                part = frame.iloc[start : start + rows]
                arrays = [_array(part[name], name, number) for name in columns]
                batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
                yield _as_declared_kinds(batch, self.kinds, f"batch {number}")

    def place(self, row: int) -> str:
        """Say at which row, counted through all batches, something stands."""
        return f"row {row} of the batches"

    def _frames(self) -> Iterator[pd.DataFrame]:
        """Make the frames; columns that are named by numbers are called by their texts, as in a table in memory."""
        made = self.make()
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
            names = [str(name) for name in frame.columns]
            _refuse_twice(names, f"batch {number}")
            yield frame if names == list(frame.columns) else frame.set_axis(names, axis="columns")


def is_source(given: Any) -> bool:
    """Return whether something is a table to be read in batches: paths, a callable, an iterator or partitions.

    Examples
    --------
    >>> is_source("trips.parquet"), is_source([[1.0, 2.0]]), is_source(iter([]))
    (True, False, True)
    """
    if isinstance(given, (list, tuple)):
        return bool(given) and all(isinstance(path, (str, PathLike)) for path in given)
    if hasattr(given, "to_delayed") or isinstance(given, Cleaned):
        return True
    return isinstance(given, (str, PathLike, Iterator)) or (callable(given) and not hasattr(given, "shape"))


@contextmanager
def open_source(given: SourceLike) -> Iterator[BatchSource]:
    """Open a source given by the user; temporary files are removed at the end.

    An iterator can be read once only, and learning takes several readings: it is written to a temporary Parquet file,
    which needs about as much room as the table would as a file of its own.

    Raises
    ------
    TableError
        Where a file is missing or no Parquet file, and where there are no rows.
    """
    if isinstance(given, Cleaned):
        with open_source(given.source) as source:
            yield CleanedSource(source, given.rules)
    elif isinstance(given, Iterator):
        with temporary_path() as path:
            yield _spool_to_parquet(given, path)
    elif hasattr(given, "to_delayed"):
        # where a client of a cluster is active, a worker computes them; each is kept here only while it is read
        yield FrameSource(lambda: (part.compute() for part in given.to_delayed()))
    elif callable(given):
        yield FrameSource(given)
    else:
        paths = tuple(Path(path) for path in ([given] if isinstance(given, (str, PathLike)) else given))
        for path in paths:
            require_file(path, "Parquet file")
        yield ParquetSource(paths)


def kind_of(declared: Any) -> Kind:
    """Return the kind of an Arrow type as an input of a law.

    Examples
    --------
    >>> kind_of(pa.int32()), kind_of(pa.bool_()), kind_of(pa.timestamp("s"))
    ('number', 'category', 'other')
    """
    types = pa.types
    if types.is_integer(declared) or types.is_floating(declared) or types.is_decimal(declared):
        return "number"
    text = types.is_string(declared) or types.is_large_string(declared) or str(declared) == "string_view"
    if text or types.is_boolean(declared) or types.is_dictionary(declared) or types.is_null(declared):
        return "category"
    return "other"


def _open(path: Path) -> Any:
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER)
    except (pa.ArrowInvalid, OSError) as error:
        cause = str(error).splitlines()[0]
        raise TableError(f"{path.name}: is not a Parquet file, or is damaged: {cause}") from None


def _schema(file: Any, path: Path) -> Any:
    """Return the columns of an opened file, none of which may occur twice."""
    _refuse_twice(file.schema_arrow.names, path.name)
    return file.schema_arrow


def _refuse_twice(names: Sequence[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise TableError(f"{where}: column {name!r} occurs twice; rename or drop one of them")
        seen.add(name)


def _is_label(name: str) -> bool:
    """Say whether a column holds the row labels of a frame, and is no column of the table."""
    return name.startswith("__index_level_")


def _array(column: pd.Series[Any], name: str, number: int) -> Any:
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        cause = str(error).splitlines()[0]
        raise TableError(
            f"batch {number}: column {name!r} holds values of different kinds ({cause}); convert it to numbers or "
            "to text first"
        ) from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _as_declared_kinds(
    batch: Any, kinds: Mapping[str, Kind], where: str, categories: frozenset[str] = frozenset()
) -> Any:
    """Return a batch with numbers as float64; refuse columns that are of another kind than at the start.

    Whole numbers may be `categories`.
    """
    arrays = []
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        wanted, found = kinds[name], kind_of(array.type)
        if wanted == "number":
            if found != "number" and array.null_count < len(array):
                shown = pc.drop_null(array)[0].as_py()
                raise TableError(
                    f"{where}: column {name!r} holds numbers at the start, and here {shown!r}; "
                    "convert the column to numbers first"
                )
            arrays.append(pc.cast(array, pa.float64(), safe=False))
        elif wanted == "category" and found == "number" and name not in categories:
            raise TableError(
                f"{where}: column {name!r} holds no numbers at the start, and here numbers; "
                "convert the column to text first"
            )
        else:
            arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _spool_to_parquet(frames: Iterator[pd.DataFrame], path: Path) -> ParquetSource:
    """Write what an iterator gives to a Parquet file."""
    first = next((frame for frame in frames if not isinstance(frame, pd.DataFrame) or len(frame)), None)
    if first is None:
        raise TableError(
            "the iterator gave no rows; if it was read before, make a new one or pass a callable"
        )
    # The kinds are those of `first`, so that asking for them takes nothing off the iterator.
    once = FrameSource(lambda: chain([first], frames))
    tables = (_without_dictionaries(batch) for batch in once.batches(list(once.kinds), rows=1 << 16))
    table = next(tables)
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        for more in tables:
            try:
                writer.write_table(more.cast(table.schema))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                cause = str(error).splitlines()[0]
                raise TableError(f"the batches do not fit together: {cause}") from None
    numbers = {name for name in table.schema.names if kind_of(table.schema.field(name).type) == "number"}
    categories = frozenset(name for name in numbers if once.kinds[name] == "category")
    return ParquetSource((path,), categories, "the batches")


def _without_dictionaries(batch: Any) -> Any:
    """Return a batch as a table without dictionaries, which differ from one batch to the next."""
    arrays = [
        array.dictionary_decode() if pa.types.is_dictionary(array.type) else array for array in batch.columns
    ]
    return pa.Table.from_arrays(arrays, names=batch.schema.names)
