"""Distances, durations and prices between places, as users give them: arrays, square tables with names, or long tables.

A long table has a row per pair: ``from``, ``to`` and a value. A square one has a row and a column per place, in any
order; the names of the rows are its index, or stand in its column ``name`` or its first column. Both directions are
asked for, and may differ. Places that the problem does not have are passed over, so that one table of the whole region
serves every day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.faults import LARGEST, coerced_numbers, float_array, too_large
from kanopt.records.fields import Field
from kanopt.records.headers import nearest_column
from kanopt.records.reading import names_of
from kanopt.records.unread_columns import TableUse, frame_use
from kanopt.tables.report import declared_units
from kanopt.text import list_names, number_text
from kanopt.units import convert

_ENDS = ("from", "to")


def read_matrix(values: Any, names: Sequence[str], what: str, unit: str = "", depots: int = 1) -> Floats:
    """Read a matrix over the nodes; infinite entries mean that there is no road.

    Parameters
    ----------
    values
        Array of shape (n, n) in the order depots, then clients; or a frame, square with names or long.
    names
        The names of the nodes.
    what
        What the matrix is called in messages; the column of a long table bears this name, or is the only further one.
    unit
        What the problem counts it in; columns that declare another unit are converted.
    depots
        How many of the nodes are depots. No vehicle drives from one to another, so that a table need not say how far
        that is; where it does not, there is no road.

    Raises
    ------
    ProblemError
        If the shape is wrong, a name or a pair is missing, or entries are negative or not numbers; names the arcs.

    Examples
    --------
    >>> pairs = pd.DataFrame({"from": ["yard", "shop"], "to": ["shop", "yard"], "km": [4.0, 5.0]})
    >>> read_matrix(pairs, ["yard", "shop"], "distance").tolist()
    [[0.0, 4.0], [5.0, 0.0]]
    """
    if isinstance(values, pd.DataFrame):
        matrix = (
            _of_pairs(values, names, what, unit)
            if is_long_table(values)
            else _of_square(values, names, what, unit)
        )
        between = np.ix_(range(depots), range(depots))
        matrix[between] = np.where(
            np.isnan(matrix[between]) & ~np.eye(depots, dtype=bool), np.inf, matrix[between]
        )
        _refuse_missing(matrix, names, what)
    else:
        matrix = _of_array(values, names, what)
    mistakes = (
        (np.isnan(matrix), "not a number"),
        (matrix < 0, "negative"),
        (too_large(matrix), f"larger than {number_text(LARGEST)}"),
    )
    for wrong, mistake in mistakes:
        places = np.argwhere(wrong)
        if len(places):
            shown = [f"{names[a]} → {names[b]} ({number_text(matrix[a, b], 6)})" for a, b in places]
            raise ProblemError(f"{what}: {mistake}: {list_names(shown, quoted=False)}")
    return matrix


def is_long_table(values: Any) -> bool:
    """Say whether a table has a row per pair of places."""
    return isinstance(values, pd.DataFrame) and set(_ENDS) <= set(map(str, values.columns))


def long_table_use(table: str, values: Any, unit: str) -> tuple[TableUse, ...]:
    """Return what is read of a long table; nothing of whatever else was given, where every column is a place."""
    if not is_long_table(values):
        return ()
    read = _value_column(values, table.removesuffix("s"))
    ends = [Field(end, kind=str) for end in _ENDS]
    return (frame_use(table, values, [*ends, Field(read, unit)]),)


def _of_array(values: Any, names: Sequence[str], what: str) -> Floats:
    try:
        matrix: Floats = np.array(float_array(values))
    except (TypeError, ValueError) as error:
        raise ProblemError(f"{what}: not a matrix of numbers: {error}") from error
    if matrix.shape != (len(names), len(names)):
        raise ProblemError(
            f"{what}: shape {matrix.shape}, but there are {len(names)} depots and clients; "
            f"give ({len(names)}, {len(names)}) in the order depots, then clients"
        )
    return matrix


def _value_column(table: pd.DataFrame, what: str) -> str:
    """Return the column of a long table that holds its values."""
    others = [str(column) for column in table.columns if str(column) not in _ENDS]
    if what in others or not others:
        return what
    if len(others) > 1:
        raise ProblemError(f"{what}: column {what!r} is missing; {nearest(what, others)}")
    return others[0]


def _numbers(table: pd.DataFrame, column: str, what: str, unit: str) -> Floats:
    """Return a column as numbers in the unit of the problem; NaN where a cell is blank."""
    numbers = coerced_numbers(table[column])
    wrong = np.flatnonzero(np.isnan(numbers) & table[column].notna().to_numpy())
    if wrong.size:
        rows = list_names([str(row + 1) for row in wrong], quoted=False)
        raise ProblemError(
            f"{what}: column {column!r}, row {rows}: must be a number, not {table[column].iloc[wrong[0]]!r:.80}"
        )
    declared = declared_units(table, what).get(column, "")
    try:
        return convert(numbers, declared, unit) if declared and unit else numbers
    except UnitError as error:
        raise ProblemError(f"{what}: column {column!r}: {error}") from error


def _of_pairs(table: pd.DataFrame, names: Sequence[str], what: str, unit: str) -> Floats:
    column = _value_column(table, what)
    if column not in table.columns:
        raise ProblemError(f"{what}: a table of pairs has the columns from, to and {column}")
    values = _numbers(table, column, what, unit)
    tails, heads = (names_of(table[end].tolist()) for end in _ENDS)
    known = dict.fromkeys([*tails, *heads])
    if missing := [name for name in names if name not in known]:
        hint = nearest(missing[0], known)
        told = f"; {hint}" if hint.startswith("did you mean") else ""
        raise ProblemError(f"{what}: no row from or to {list_names(missing)}{told}")
    pairs = list(zip(tails, heads, strict=True))
    if again := [pair for pair, times in Counter(pairs).items() if times > 1]:
        shown = [f"{tail} → {head}" for tail, head in again]
        raise ProblemError(
            f"{what}: {list_names(shown, quoted=False)} appears more than once; keep one row per pair"
        )
    square = pd.Series(values, pd.MultiIndex.from_tuples(pairs)).unstack()
    return square.reindex(index=list(names), columns=list(names)).to_numpy(dtype=np.float64, copy=True)


def _renamed_ends(columns: Sequence[str], what: str) -> str:
    """Return a hint where columns look like the ends of ways, so that the table seems to be a long one."""
    tail, head = (nearest_column("lanes", Field(end, kind=str), columns) for end in ("tail", "head"))
    if not tail or not head or tail == head:
        return ""
    meant = {name: end for name, end in ((tail, "from"), (head, "to")) if name != end}
    return f"; for a table with a row per pair of places write {what}s.rename(columns={meant})"


def _of_square(table: pd.DataFrame, names: Sequence[str], what: str, unit: str) -> Floats:
    rows, columns = names_of(table.index.tolist()), names_of(map(str, table.columns))
    if not set(names) & set(rows) and len(table.columns):
        label = "name" if "name" in table.columns else table.columns[0]
        rows = names_of(table[label].tolist())
    there = {*rows} & {*columns}
    missing = [name for name in names if name not in there]
    if missing:
        hint = nearest(missing[0], [name for name in rows if name not in names])
        told = f"; {hint}" if hint.startswith("did you mean") else _renamed_ends(columns, what)
        raise ProblemError(f"{what}: no row and column for {list_names(missing)}{told}")
    times = Counter(rows) | Counter(columns)
    twice = [name for name in names if times[name] > 1]
    if twice:
        raise ProblemError(f"{what}: {list_names(twice)} appears more than once")
    order = [rows.index(name) for name in names]
    labelled = table.set_axis(columns, axis=1)
    labelled.attrs = dict(table.attrs)
    return np.column_stack([_numbers(labelled, name, what, unit)[order] for name in names])


def _refuse_missing(matrix: Floats, names: Sequence[str], what: str) -> None:
    """Refuse pairs without a value; a place is at no distance from itself, where nothing else is said."""
    diagonal = np.diagonal(matrix)
    np.fill_diagonal(matrix, np.where(np.isnan(diagonal), 0.0, diagonal))
    missing: NDArray[np.bool_] = np.isnan(matrix)
    if not missing.any():
        return
    shown = [f"{names[tail]} → {names[head]}" for tail, head in np.argwhere(missing)]
    one_way = not (missing & missing.T).any()
    hint = "each direction is a pair of its own" if one_way else "in Python write inf where there is no road"
    raise ProblemError(f"{what}: no value for {list_names(shown, quoted=False)}; {hint}")
