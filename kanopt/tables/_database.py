"""Read what a query returns from a database, in a connection that can only read.

SQLite files are opened with ``mode=ro`` and an authorizer that admits reading alone
(https://www.sqlite.org/c3ref/set_authorizer.html). Elsewhere one statement is sent that begins with a word for
reading, in a transaction that the database itself is told to be read-only where it knows such a thing, and that is
rolled back everywhere.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from kanopt.errors import TableError
from kanopt.interrupt import Interrupt
from kanopt.tables._raw import require_file

if TYPE_CHECKING:
    from sqlalchemy import URL

MOST_ROWS = 5_000_000
"""So many rows a query may return."""
MOST_SECONDS = 300.0
"""So long a query may take."""
_MOST_CELL = 10_000_000  # bytes of one text in SQLite, which otherwise makes texts of 1 GB from ten letters
_ROWS_AT_ONCE = 10_000
_STEPS = 10_000  # instructions of SQLite between two looks at the clock
_READING = ("select", "with", "values", "table")
_KNOWS_READ_ONLY = ("postgresql", "mysql", "mariadb", "oracle")


def query_rows(url: str, query: str) -> tuple[str, pd.DataFrame]:
    """Return the source's name without its password, and what the query returns.

    Raises
    ------
    TableError
        If the URL, the driver or the query is wrong, the query does more than read, or it returns or takes too much;
        the database's own words are passed on, the password never is.
    KeyboardInterrupt
        After Ctrl-C, also where it came within what SQLite calls, which makes an answer of every exception.
    """
    with Interrupt(keeps=False) as stop:
        return _query_rows(url, query, stop)


def _query_rows(url: str, query: str, stop: Interrupt) -> tuple[str, pd.DataFrame]:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = sa.make_url(url)
        shown = parsed.render_as_string(hide_password=True)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        raise TableError("the SQL source is no SQLAlchemy URL such as 'sqlite:///trips.db'") from None
    read = _read_sqlite if parsed.get_backend_name() == "sqlite" else _read_server
    stop.check()
    try:
        return shown, read(parsed, query, stop)
    except _QueryError as error:
        raise TableError(f"{shown}: {error}; the query was: {query.strip()[:200]}") from None


class _QueryError(Exception):
    """What is wrong with a query or a connection; its place is told by the caller."""


def _read_sqlite(url: URL, query: str, stop: Interrupt) -> pd.DataFrame:
    if url.query:
        raise TableError(
            f"{url.render_as_string()}: a SQLite URL is a path alone; leave out what follows the '?'"
        )
    if any(part is not None for part in (url.host, url.port, url.username, url.password)):
        raise TableError(
            f"{url.render_as_string()}: a SQLite URL is a path alone, behind three slashes: sqlite:///trips.db"
        )
    in_memory = url.database in (None, "", ":memory:")
    if not in_memory:
        require_file(Path(str(url.database)), "a database")
    place = ":memory:" if in_memory else f"file:{quote(str(Path(str(url.database)).absolute()))}?mode=ro"
    end = time.monotonic() + MOST_SECONDS
    try:
        with closing(sqlite3.connect(place, uri=not in_memory)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_CELL)
            connection.set_authorizer(_admit_reading)
            connection.set_progress_handler(lambda: stop.asked or time.monotonic() > end, _STEPS)
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return _fetch(names, cursor.fetchmany, end)
    except (
        sqlite3.Error,
        sqlite3.Warning,
        ValueError,
    ) as error:  # the last for NUL and lone surrogates in the query
        stop.check()
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise _late() from None
        raise _QueryError(_explained(error)) from None


def _admit_reading(action: int, _: str | None, name: str | None, *others: str | None) -> int:
    """Admit reading of tables and evaluation of functions; see https://www.sqlite.org/c3ref/c_alter_table.html."""
    recursive = 33  # SQLITE_RECURSIVE, which Python does not name
    if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, recursive):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and name != "load_extension":
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _explained(error: BaseException) -> str:
    """Return what SQLite found wrong; for what its authorizer denied, what to do."""
    text = first_line(error)
    if getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY):
        return f"the query does more than read ({text}); write a SELECT"
    return text


def _read_server(url: URL, query: str, stop: Interrupt) -> pd.DataFrame:
    import sqlalchemy as sa
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    _require_one_selection(query)
    name = url.get_backend_name()
    seconds = {"connect_args": {"options": f"-c statement_timeout={1000 * MOST_SECONDS:.0f}"}}
    try:
        engine = sa.create_engine(url, **(seconds if name == "postgresql" else {}))
    except (NoSuchModuleError, ImportError) as error:
        raise _QueryError(f"no driver for this database is installed: {first_line(error)}") from None
    end = time.monotonic() + MOST_SECONDS
    try:
        with engine.connect() as connection:  # what was begun is rolled back when it is closed
            if name in _KNOWS_READ_ONLY:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            stop.check()
            result = connection.execution_options(stream_results=True).exec_driver_sql(query)
            return _fetch(list(result.keys()), result.fetchmany, end)
    except SQLAlchemyError as error:
        raise _QueryError(first_line(getattr(error, "orig", None) or error)) from None
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
    while part := fetch(_ROWS_AT_ONCE):
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
