"""Read Parquet files, SQL queries and frames: sources that declare the kinds of their columns."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kanopt.errors import TableError
from kanopt.faults import half_text
from kanopt.interrupt import Interrupt
from kanopt.tables._text import RawTable, as_strings, file_hash, require_file
from kanopt.tables.report import KEY, declared_units, hash_cells

if TYPE_CHECKING:
    from sqlalchemy import URL

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
    """Read what a query returns, in a connection that can only read; cells of one column may be of several types.

    One statement is sent that begins with a word for reading; SQLite files are opened with ``mode=ro``, and elsewhere
    the transaction is read-only where the database knows such a thing, and rolled back everywhere.

    Raises
    ------
    TableError
        If the URL, the driver or the query is wrong, the query does more than read, or it returns or takes too much;
        the database's own words are passed on, the password never is.
    KeyboardInterrupt
        After Ctrl-C, also where it came within what SQLite calls, which makes an answer of every exception.
    """
    with Interrupt(keeps=False) as stop:
        shown, rows = _query_rows(url, query, stop)
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


MOST_ROWS = 5_000_000
"""So many rows a query may return."""
MOST_SECONDS = 300.0
"""So long a query may take."""
_MOST_CELL = 10_000_000  # bytes of one text in SQLite, which otherwise makes texts of 1 GB from ten letters
_FETCHED = 10_000
_STEPS = 10_000  # instructions of SQLite between two looks at the clock
_READING = ("select", "with", "values", "table")
_KNOWS_READ_ONLY = ("postgresql", "mysql", "mariadb", "oracle")


def _query_rows(url: str, query: str, stop: Interrupt) -> tuple[str, pd.DataFrame]:
    """Return the source's name without its password, and what the query returns."""
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = sa.make_url(url)
        shown = parsed.render_as_string(hide_password=True)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        raise TableError("the SQL source is no SQLAlchemy URL such as 'sqlite:///trips.db'") from None
    stop.check()
    try:
        return shown, _read_server(parsed, query, stop)
    except _QueryError as error:
        raise TableError(f"{shown}: {error}; the query was: {query.strip()[:200]}") from None


class _QueryError(Exception):
    """What is wrong with a query or a connection; its place is told by the caller."""


def _read_only(url: URL, stop: Interrupt, end: float) -> Callable[[], sqlite3.Connection]:
    """Return what opens a SQLite file to be read, for as long as a query may take."""
    if url.query or any(part is not None for part in (url.host, url.port, url.username, url.password)):
        raise TableError(
            f"{url.render_as_string()}: a SQLite URL is a path alone, behind three slashes: sqlite:///trips.db"
        )
    in_memory = url.database in (None, "", ":memory:")
    if not in_memory:
        require_file(Path(str(url.database)), "a database")
    place = ":memory:" if in_memory else f"file:{quote(str(Path(str(url.database)).absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(place, uri=not in_memory)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL)
        connection.set_progress_handler(lambda: stop.asked or time.monotonic() > end, _STEPS)
        return connection

    return connect


def _read_server(url: URL, query: str, stop: Interrupt) -> pd.DataFrame:
    import sqlalchemy as sa
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    _require_one_selection(query)
    name, end = url.get_backend_name(), time.monotonic() + MOST_SECONDS
    how: dict[str, Any] = {}
    if name == "sqlite":
        how = {"creator": _read_only(url, stop, end), "poolclass": sa.NullPool}
    elif name == "postgresql":
        how = {"connect_args": {"options": f"-c statement_timeout={1000 * MOST_SECONDS:.0f}"}}
    try:
        engine = sa.create_engine("sqlite://" if name == "sqlite" else url, **how)
    except (NoSuchModuleError, ImportError) as error:
        raise _QueryError(f"no driver for this database is installed: {first_line(error)}") from None
    try:
        with engine.connect() as connection:  # what was begun is rolled back when it is closed
            if name in _KNOWS_READ_ONLY:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            stop.check()
            result = connection.execution_options(stream_results=True).exec_driver_sql(query)
            return _fetch(list(result.keys()), result.fetchmany, end)
    except (SQLAlchemyError, ValueError) as error:  # the last for NUL and lone surrogates in the query
        stop.check()
        cause = getattr(error, "orig", None) or error
        if getattr(cause, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise _late() from None
        raise _QueryError(first_line(cause)) from None
    finally:
        engine.dispose()


def _require_one_selection(query: str) -> None:
    """Refuse what does not begin by reading, holds a second statement, or writes a file.

    A read-only transaction forbids changes, but not ``SELECT … INTO OUTFILE`` of MySQL or ``COPY … TO`` of PostgreSQL.

    Raises
    ------
    _QueryError
        If it may do more than read.
    """
    bare = re.sub(r"--[^\n]*|/\*(?!!).*?\*/", " ", query, flags=re.DOTALL).strip().rstrip(";")
    first = re.match(r"[\s(]*([a-z]*)", bare, flags=re.IGNORECASE)
    if first is None or first[1].lower() not in _READING:
        raise _QueryError(
            "the query must begin with SELECT or WITH; kanopt reads databases and changes nothing"
        )
    for pattern, what in (
        (";", "a semicolon"),
        (r"\binto\b", "the word INTO"),
        (r"/\*!", "a comment that is run"),
    ):
        if re.search(pattern, bare, flags=re.IGNORECASE):
            raise _QueryError(f"the query holds {what}; write one SELECT that writes nothing")


def _fetch(names: list[str], fetch: Callable[[int], Sequence[Sequence[Any]]], end: float) -> pd.DataFrame:
    if not names:
        raise _QueryError("the query returns no table; write a SELECT")
    rows: list[Sequence[Any]] = []
    while part := fetch(_FETCHED):
        rows += part
        if len(rows) > MOST_ROWS:
            raise _QueryError(
                f"the query returns more than {MOST_ROWS:,} rows; ask for fewer with WHERE or LIMIT"
            )
        if time.monotonic() > end:
            raise _late()
    return pd.DataFrame([tuple(row) for row in rows], columns=names, dtype=object)


def _late() -> _QueryError:
    return _QueryError(f"the query takes longer than {MOST_SECONDS:g} s; ask for less")


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its name."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
