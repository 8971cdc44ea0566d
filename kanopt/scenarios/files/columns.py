"""Tables of a scenario: the columns that are read, those that nothing reads, what is wrong in them and in changes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kanopt.errors import nearest
from kanopt.formulas.error_model import FEWEST_FOUND
from kanopt.records.fields import clock_value
from kanopt.records.headers import column_hint, field_hint
from kanopt.records.unread_columns import UnreadColumns, columns_of, unread_columns
from kanopt.scenarios.changes import Change, Value, cell_text
from kanopt.scenarios.files.kinds import MatrixSpec
from kanopt.scenarios.files.layers import Key, Mistake
from kanopt.scenarios.files.problem_spec import ProblemSpec
from kanopt.scenarios.files.sections import LawSpec, LearnedSpec, Sections, TableSpec

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.base import Problem


def columns_read(found: Sections, table: str, spec: TableSpec) -> frozenset[str] | None:
    """Return the columns that laws and the problem read, and those the entry of the table names; None for all."""
    laws = [law for law in found.laws.values() if isinstance(law, LearnedSpec) and law.table == table]
    on_bad = spec.on_bad if isinstance(spec.on_bad, dict) else {}
    names = {*spec.dates, *spec.minimum, *spec.maximum, *on_bad, *spec.derive} - {"*"}
    names = names.union(*(law.columns_read for law in laws))
    problem = found.problem
    if problem is None:
        return frozenset(names)
    if problem.today is not None and problem.today.table == table:
        return None
    for name, part in problem.parts_of(table).items():
        if isinstance(part, MatrixSpec) or not problem.fields_of(name):
            return None
        words = problem.readable_names(name)
        names |= {*words, *part.columns.values(), *(part.columns.get(word, word) for word in words)}
    return frozenset(names)


def is_history(found: Sections, table: str) -> bool:
    """Say whether laws are learned from a table that the problem does not read."""
    in_problem = found.problem is not None and found.problem.parts_of(table)
    learned = (law for law in found.laws.values() if isinstance(law, LearnedSpec))
    return not in_problem and any(law.table == table for law in learned)


def may_say_groups(cells: Any) -> bool:
    """Say whether a column may say which rows belong together: its cells repeat each other, or are dates.

    It is a quick look at cells as they stand in the source, so that a wide history is read as fast as its laws allow.

    Parameters
    ----------
    cells
        An Arrow array.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_temporal(cells.type):
        return True
    if cells.null_count or not len(cells):
        return False
    count = pc.count_distinct(cells).as_py()
    return count >= FEWEST_FOUND and (2 * count <= len(cells) or bool(_DATE.match(str(cells[0]))))


_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")


def unread_of_scenario(
    spec: ProblemSpec,
    problem: Problem[Any],
    tables: Mapping[str, pd.DataFrame],
    laws: Mapping[str, LawSpec],
    sections: Mapping[str, Any],
) -> tuple[UnreadColumns, ...]:
    """Return the columns that neither the problem, a law to be learned nor a rule of their table reads.

    Parameters
    ----------
    spec
        The section ``[problem]``.
    problem
        The problem built from it.
    tables
        The tables with all changes made.
    laws
        How each law is had.
    sections
        The section ``[tables]`` of the file.
    """
    from kanopt.tables.row_rules import RowRules

    parts, uses = spec.parts(), []
    for use in problem.table_uses():
        if use.table not in parts:  # a table that may be left out
            continue
        part = parts[use.table]
        entry = sections[part.table]
        read = RowRules(entry.get("derive", {}), entry.get("drop_where", ())).names()
        learned = [law for law in laws.values() if isinstance(law, LearnedSpec) and law.table == part.table]
        read = read.union(*(law.columns_read for law in learned))
        # a column that is called like a field which another column fills is read by nothing
        displaced = {*part.columns} - {*part.columns.values()} - read
        unread = [column for column in use.unread if column.name not in read]
        frame = tables[part.table]
        unread += columns_of(frame, [name for name in map(str, frame.columns) if name in displaced])
        uses.append(replace(use, unread=tuple(unread)))
    return unread_columns(uses)


def part_mistakes(
    problem: ProblemSpec, tables: Mapping[str, TableSpec], frames: Mapping[str, pd.DataFrame]
) -> Iterable[Mistake]:
    """Yield the tables and columns that the problem names and that are not there."""
    known = sorted(tables)
    parts = {**problem.parts(), **({} if problem.today is None else {"today": problem.today})}
    for name, part in parts.items():
        key: Key = ("problem", name)
        if part.table not in known:
            yield Mistake((*key, "table"), f"unknown table {part.table!r}; {nearest(part.table, known)}")
        elif part.table in frames:
            columns = [str(column) for column in frames[part.table].columns]
            words = frozenset(part.columns) if name == "today" else problem.readable_names(name)
            for field, column in part.columns.items():
                if field not in words:
                    known_fields = [problem.table_field(name, word) for word in sorted(words)]
                    message = f"there is no {field!r} to read here; {field_hint(name, field, known_fields)}"
                    yield Mistake((*key, "columns", field), message)
                if column in tables[part.table].ignore:
                    told = f"{column!r} is what [tables.{part.table}] ignores; take it from one of the two"
                    yield Mistake((*key, "columns", field), told)
                elif column not in columns:
                    # a column that fills another field, such as X_km, is not meant by Y_km
                    free = [each for each in columns if each not in part.columns.values()] or columns
                    close = nearest(column, free)
                    like = column_hint(name, problem.table_field(name, field), free)
                    hint = close if close.startswith("did you mean") else like
                    told = f"table {part.table!r} has no column {column!r}; {hint}"
                    yield Mistake((*key, "columns", field), told)


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


def in_cells(change: Change, problem: ProblemSpec, frame: pd.DataFrame) -> Change:
    """Return a change in the words of its table, which :class:`Change` can make.

    Columns have their own names, and not those that the problem has for them, and clock times are written as the cells
    of their columns are: such a column may hold numbers or times of day, and whoever changes it need not know which.
    """
    from pandas.api.types import is_numeric_dtype

    from kanopt.tables import units_of

    known = {**field_columns(problem, change.table), **{name: name for name in map(str, frame.columns)}}
    declared = units_of(frame)
    clocks = {
        column: declared.get(column) or unit or "min"
        for column, (item, unit) in problem.fields_in(change.table).items()
        if item.clock and item.type is float and column in frame
    }

    def cell(column: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(cell(column, one) for one in value)
        if column not in clocks or isinstance(value, bool):
            return value
        if is_numeric_dtype(frame[column]):
            read = clock_value(value, clocks[column])
            return value if read is None else read
        return cell_text(value) if isinstance(value, (int, float)) else value

    def cells(given: Mapping[str, Any]) -> dict[str, Any]:
        return {(column := known.get(name, name)): cell(column, value) for name, value in given.items()}

    column = known.get(change.column, change.column)
    value = cell(column, change.value) if change.action == "set" else change.value
    return replace(change, column=column, value=value, where=cells(change.where), row=cells(change.row))


def change_mistakes(change: Change, problem: ProblemSpec, frames: Frames) -> Iterable[Mistake]:
    """Yield what is wrong with a change, with keys relative to it.

    Parameters
    ----------
    change
        The change.
    problem
        What is decided.
    frames
        The tables as earlier changes left them.
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
        frame = frames[change.table]
        yield from in_cells(change, problem, frame).mistakes(frame, fields)
