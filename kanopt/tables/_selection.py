"""Which columns of a source are read, and under which names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from kanopt.errors import TableError, nearest
from kanopt.tables._raw import RawTable
from kanopt.tables.schema import Schema

__all__ = ["select"]


def select(
    raw: RawTable, columns: Sequence[str] | Mapping[str, str] | None, schema: Schema | None
) -> dict[str, int]:
    """Return the place in the source of each column to be read, by its name in the frame.

    Raises
    ------
    TableError
        If a column is not there, is there twice, or is required and not read.
    """
    wanted = _source_names(raw, columns, schema)
    absent = [source for source in wanted.values() if source not in raw.names]
    if absent:
        lines = [f"no column {source!r}; {nearest(source, raw.names)}" for source in absent]
        raise TableError(f"{raw.source}: " + "\n  ".join(lines))
    counts = Counter(raw.names)
    for source in wanted.values():
        if counts[source] > 1:
            at = ", ".join(str(place) for place, name in enumerate(raw.names, start=1) if name == source)
            raise TableError(
                f"{raw.source}: the column name {source!r} stands {counts[source]} times (columns {at}), so it is "
                "not clear which is meant; rename them in the source, or read only others with columns="
            )
    for column in schema.columns if schema is not None else ():
        if column.required and column.name not in wanted:
            raise TableError(f"the schema requires {column.name!r}, which columns= does not read")
    return {name: raw.names.index(source) for name, source in wanted.items()}


def _source_names(
    raw: RawTable, columns: Sequence[str] | Mapping[str, str] | None, schema: Schema | None
) -> dict[str, str]:
    """Return the source's name of each column by its name in the frame."""
    if isinstance(columns, str):
        raise TableError(f"columns= wants several names: write columns=[{columns!r}]")
    if isinstance(columns, Mapping):
        return {name: " ".join(source.split()) for name, source in columns.items()}
    if columns is not None:
        return {" ".join(name.split()): " ".join(name.split()) for name in columns}
    if schema is not None:
        return {c.name: c.name for c in schema.columns if c.required or c.name in raw.names}
    return {name: name for name in raw.names}
