"""Tables whose things stand in columns, turned so that each of them is a row."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kanopt.records.headers import read_header
from kanopt.whatif.scaffolding.sources import SourceTable

_FEWEST = 2


def things_in_rows(tables: Sequence[SourceTable]) -> list[SourceTable]:
    """Turn the tables that have a column for each thing and a row for each fact of it.

    Units tell them: headers have units, names of things have none.
    """
    return [_turned(table) if _has_things_in_columns(table) else table for table in tables]


def _has_things_in_columns(table: SourceTable) -> bool:
    """Say whether the first column holds headers, of several units, and no header has a unit."""
    facts, *things = table.facts.columns.values()
    if facts.kind != "text" or not facts.is_unique or len(things) < _FEWEST:
        return False
    units = {unit for text in facts.texts if (unit := read_header(text).unit)}
    return len(units) >= _FEWEST and not any(column.header.unit for column in things)


def _turned(table: SourceTable) -> SourceTable:
    first, *_ = table.facts.columns
    frame = table.frame.set_index(first).T.rename_axis(index=table.title, columns=None).reset_index()
    # cells of one fact are of one kind, those of one thing are not
    frame = frame.apply(_as_numbers)
    return table.remade(frame, f"{table.called} with a row for each of its columns", end="turned")


def _as_numbers(values: pd.Series) -> pd.Series:
    """Return values as numbers where all of them are."""
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers if numbers.notna().equals(values.notna()) else values
