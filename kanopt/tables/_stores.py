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
import pyarrow.parquet as pq

from kanopt.errors import TableError, nearest
from kanopt.tables._raw import RawTable, as_strings, file_hash
from kanopt.tables.report import KEY, hash_cells, units_of

__all__ = ["read_frame", "read_parquet", "read_sql", "require_file"]


def read_parquet(path: Path) -> RawTable:
    """Read a Parquet file.

    Raises
    ------
    TableError
        If it is not one, or is damaged.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(f"{path.name}: is not a Parquet file, or is damaged: {_first_line(error)}") from None
    # the row labels of a frame are not a column of the table
    keep = [place for place, name in enumerate(table.column_names) if not name.startswith("__index_level_")]
    names = [" ".join(table.column_names[place].split()) for place in keep]
    columns = [table.column(place) for place in keep]
    raw = _raw_table(str(path), "Parquet", file_hash(path), names, columns)
    return replace(raw, units=_normalised_names(_declared(table.schema.metadata or {})))


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


def read_frame(frame: pd.DataFrame) -> RawTable:
    """Take a frame that is in memory already."""
    pairs = [_array(frame.iloc[:, place]) for place in range(frame.shape[1])]
    names = [" ".join(str(name).split()) for name in frame.columns]
    columns = [column for column, _ in pairs]
    digest = _digest(names, columns)
    raw = _raw_table("a frame in memory", "frame", digest, names, columns, tuple(mixed for _, mixed in pairs))
    return replace(raw, units=_normalised_names(units_of(frame)))


def read_sql(url: str, query: str) -> RawTable:
    """Read what a query returns.

    Raises
    ------
    TableError
        If the URL, the driver or the query is wrong; the database's own words are passed on, the password
        never is.
    """
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    try:
        parsed = sa.make_url(url)
        shown = parsed.render_as_string(hide_password=True)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        raise TableError("the SQL source is no SQLAlchemy URL such as 'sqlite:///trips.db'") from None
    try:
        engine = sa.create_engine(parsed)
    except (NoSuchModuleError, ImportError) as error:
        raise TableError(f"{shown}: no driver for this database is installed: {_first_line(error)}") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        require_file(Path(str(parsed.database)), "database")
    try:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(query)
            if not result.returns_rows:
                raise TableError(f"{shown}: the query returns no table; write a SELECT")
            names = [" ".join(str(name).split()) for name in result.keys()]  # noqa: SIM118
            cells = list(zip(*result.fetchall(), strict=True)) or [()] * len(names)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise TableError(f"{shown}: {_first_line(cause)}; the query was: {query.strip()[:200]}") from None
    finally:
        engine.dispose()
    pairs = [_array(pd.Series(list(column), dtype=object)) for column in cells]
    columns = [column for column, _ in pairs]
    mixed = tuple(mixed for _, mixed in pairs)
    return _raw_table(shown, "SQL query", _digest(names, columns), names, columns, mixed)


def require_file(path: Path, what: str) -> None:
    """Raise a TableError that names the nearest file where there is none."""
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        hint = nearest(path.name, beside)
        advice = f"; {hint}" if hint.startswith("did you mean") else ""
        raise TableError(f"no such {what}: {path}{advice}")


def _array(column: pd.Series[Any]) -> tuple[Any, bool]:
    """Return a column as an Arrow array, and whether its cells were of different types."""
    values = column.to_numpy() if column.dtype == object else column
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.chunked_array([pa.array(as_strings(column), pa.string())]), True
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]), False


def _digest(names: list[str], columns: list[Any]) -> str:
    plain = [c if _writable(c.type) else pa.chunked_array([as_strings(c.to_pylist())]) for c in columns]
    return hash_cells(pa.table(plain, names=names))


def _writable(kind: Any) -> bool:
    extension = isinstance(kind, pa.BaseExtensionType)
    return not (
        pa.types.is_nested(kind) or pa.types.is_dictionary(kind) or pa.types.is_decimal(kind) or extension
    )


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


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
