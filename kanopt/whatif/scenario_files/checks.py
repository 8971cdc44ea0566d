"""Changes of tables: what is wrong with them, and how they are written as the cells of a table are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kanopt.errors import nearest
from kanopt.records.clock_times import clock_value
from kanopt.whatif.changes import Change, Value, cell_text, column_names, conditions_text
from kanopt.whatif.scenario_files.mistakes import Mistake
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

Frames = Mapping[str, "pd.DataFrame"]


def field_columns(problem: ProblemSpec, table: str) -> dict[str, str]:
    """Return the problem's own words for the columns of a table, field to column."""
    return {
        field: column for part in problem.parts_of(table).values() for field, column in part.columns.items()
    }


def field_defaults(problem: ProblemSpec, table: str, frame: pd.DataFrame) -> dict[str, Value]:
    """Return what the cells of a new row or column hold that a change leaves blank, by column.

    That is the default of the field that the column fills, where a blank would be refused. A limit that is infinite by
    default is left to be stated, and so is a default that would mean something else in the unit of the column.
    """
    from kanopt.tables import units_of

    declared = units_of(frame)
    return {
        column: item.default
        for column, (item, unit) in problem.fields_in(table).items()
        if not (item.required or item.may_be_blank or item.default == math.inf)
        and (declared.get(column, "") in ("", unit) or not item.default)
    }


def written_as_cells(change: Change, problem: ProblemSpec, frame: pd.DataFrame) -> Change:
    """Return a change with its clock times written as the cells of their columns are.

    A column of clock times may hold numbers or times of day; whoever changes it need not know which.
    """
    from pandas.api.types import is_numeric_dtype

    from kanopt.tables import units_of

    declared, known = units_of(frame), column_names(frame, field_columns(problem, change.table))
    clocks = {
        column: declared.get(column) or unit or "min"
        for column, (item, unit) in problem.fields_in(change.table).items()
        if item.clock and item.type is float
    }

    def cell(name: str, value: Any) -> Any:
        column = known.get(name, name)
        if isinstance(value, tuple):
            return tuple(cell(name, one) for one in value)
        if column not in clocks or column not in frame or isinstance(value, bool):
            return value
        if is_numeric_dtype(frame[column]):
            read = clock_value(value, clocks[column])
            return value if read is None else read
        return cell_text(value) if isinstance(value, (int, float)) else value

    return replace(
        change,
        value=cell(change.column, change.value) if change.action == "set" else change.value,
        where={name: cell(name, value) for name, value in change.where.items()},
        row={name: cell(name, value) for name, value in change.row.items()},
    )


def change_mistakes(
    change: Change, problem: ProblemSpec, frames: Frames, unchanged: Frames
) -> Iterable[Mistake]:
    """Yield what is wrong with a change, with keys relative to it.

    Parameters
    ----------
    change
        The change.
    problem
        What is decided.
    frames
        The tables as earlier changes left them.
    unchanged
        The tables before any change.
    """
    read = {part.table for part in problem.parts().values()}
    key: Key = (change.action,)
    if change.table not in frames:
        part = problem.parts().get(change.table)
        hint = (
            nearest(change.table, frames)
            if part is None
            else f"{change.table} of the problem reads the table {part.table!r}: write that name"
        )
        yield Mistake(key, f"unknown table {change.table!r}; {hint}")
    elif change.table not in read:
        yield Mistake(
            key,
            f"the problem does not read the table {change.table!r}, and laws are learned from the unchanged tables, "
            f"so this would change nothing; {nearest(change.table, read)}",
        )
    else:
        fields = frozenset[str]().union(*map(problem.fields_of, problem.parts_of(change.table)))
        yield from _cell_mistakes(change, problem, fields, frames[change.table], unchanged[change.table])


def _cell_mistakes(
    change: Change, problem: ProblemSpec, fields: frozenset[str], frame: pd.DataFrame, before: pd.DataFrame
) -> Iterable[Mistake]:
    """Yield what is wrong with the cells or conditions of a change; rows that are gone are told as such."""
    words = field_columns(problem, change.table)
    found = written_as_cells(change, problem, frame).mistakes(frame, words, fields)
    gone = frame is not before and any(mistake.key[:1] == ("where",) for mistake in found)
    known = written_as_cells(change, problem, before).mistakes(before, words, fields) if gone else found
    for mistake in found:
        if mistake.key[:1] == ("where",) and all(other.key[:1] != ("where",) for other in known):
            rows = conditions_text(change.where)
            message = f"an earlier change took out, or altered, every row of {change.table!r} with {rows}"
            yield Mistake(mistake.key, message)
        else:
            yield mistake
