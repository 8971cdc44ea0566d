"""Columns of the tables of a scenario: those that are read, those that nothing reads, and those of another table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kanopt.formulas.group_errors import FEWEST_FOUND
from kanopt.records.unread_columns import UnreadColumns, columns_of, unread_columns
from kanopt.text import list_names
from kanopt.whatif.scenario_files.kinds import MatrixSpec
from kanopt.whatif.scenario_files.mistakes import Mistake
from kanopt.whatif.scenario_files.problem_spec import PartSpec, ProblemSpec
from kanopt.whatif.scenario_files.sections import Sections
from kanopt.whatif.scenario_files.spec import LawSpec, LearnedSpec, TableSpec

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.base import Problem

__all__ = [
    "columns_of_law",
    "columns_read",
    "is_history",
    "may_say_groups",
    "unread_of_scenario",
    "wrong_tables",
]


def columns_of_law(law: LearnedSpec) -> frozenset[str]:
    """Return the columns that a law is learned from, or split by."""
    return frozenset([law.target, *law.features, *filter(None, (law.holdout.by, law.groups))])


def columns_read(found: Sections, table: str, spec: TableSpec) -> frozenset[str] | None:
    """Return the columns that laws, the problem and changes read, and those the file speaks of; None for all."""
    laws = [law for law in found.laws.values() if isinstance(law, LearnedSpec) and law.table == table]
    on_bad = spec.on_bad if isinstance(spec.on_bad, dict) else {}
    names = {*spec.dates, *spec.minimum, *spec.maximum, *on_bad, *spec.derive} - {"*"}
    names = names.union(*(columns_of_law(law) for law in laws))
    unread_laws = found.names["surrogates"] - set(found.laws)
    problem = found.problem
    if unread_laws or (problem is None and found.below(("problem",))):
        return None
    parts = {} if problem is None else {str(key[0]): part for key, part in problem.parts().items()}
    used = {name: part for name, part in parts.items() if part.table == table}
    if problem is not None and problem.today is not None and problem.today.table == table:
        return None
    for name, part in used.items():
        assert problem is not None
        if isinstance(part, MatrixSpec) or not problem.fields_of(name):
            return None
        names |= _columns_of_part(found, problem, name, part)
    return frozenset(names)


def is_history(found: Sections, table: str) -> bool:
    """Say whether laws are learned from a table that the problem does not read."""
    parts = {} if found.problem is None else found.problem.parts()
    in_problem = any(part.table == table for part in parts.values())
    return not in_problem and any(
        isinstance(law, LearnedSpec) and law.table == table for law in found.laws.values()
    )


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


def _columns_of_part(found: Sections, problem: ProblemSpec, name: str, part: PartSpec) -> set[str]:
    """Return the columns of a part that fill its fields, that laws are bound to, and that changes speak of."""
    words = set(problem.readable_names(name))
    for change in found.changes.values():
        words |= {change.column, *change.where, *change.row}
        if isinstance(change.value, str):  # a change of what a law is bound to
            words.add(change.value.rpartition(".")[2])
    sweep = found.sweep
    for path in () if sweep is None else (*sweep.set, *sweep.scale):
        words |= {path, path.rpartition(".")[2]}
    return {*words, *part.columns.values(), *(part.columns.get(word, word) for word in words)}


def unread_of_scenario(
    spec: ProblemSpec,
    problem: Problem[Any],
    tables: Mapping[str, pd.DataFrame],
    laws: Mapping[str, LawSpec],
) -> tuple[UnreadColumns, ...]:
    """Return the columns that neither the problem nor a law to be learned reads.

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
    """
    parts = {str(key[0]): part for key, part in spec.parts().items()}
    uses = []
    for use in problem.table_uses():
        if use.table not in parts:  # a table that may be left out
            continue
        part = parts[use.table]
        learned = _read_by_laws(part.table, laws.values())
        unread = [column for column in use.unread if column.name not in learned]
        uses.append(replace(use, unread=(*unread, *_displaced(part, tables[part.table], learned))))
    return unread_columns(uses)


def _read_by_laws(table: str, laws: Iterable[LawSpec]) -> frozenset[str]:
    """Return the columns of a table that laws are learned from."""
    found: set[str] = set()
    for law in laws:
        if isinstance(law, LearnedSpec) and law.table == table:
            found |= columns_of_law(law)
    return frozenset(found)


def _displaced(part: PartSpec, frame: pd.DataFrame, learned: frozenset[str]) -> tuple[Any, ...]:
    """Return the columns that are called like a field which another column fills."""
    names = set(part.columns) - set(part.columns.values()) - learned
    return columns_of(frame, [name for name in map(str, frame.columns) if name in names])


_FEW, _MANY = 1, 3
"""Columns of a part that a table of another part may have (it has names, too), and those that its own table has."""


def wrong_tables(problem: ProblemSpec, tables: Mapping[str, pd.DataFrame]) -> Iterator[Mistake]:
    """Yield a mistake for each part whose table is that of another part, while a third has its columns."""
    parts = {str(place[0]): part for place, part in problem.parts().items() if len(place) == 1}
    words = {
        name: _columns_of_problem(problem, name, part)
        for name, part in parts.items()
        if problem.fields_of(name)
    }
    have = {table: frozenset(map(str, frame.columns)) for table, frame in tables.items()}
    for name, wanted in words.items():
        table = parts[name].table
        own = have.get(table, wanted)
        owner = max(
            (other for other in words if other != name), key=lambda each: len(words[each] & own), default=name
        )
        right = max(have, key=lambda each: len(wanted & have[each]), default=table)
        if (
            len(wanted & own) <= _FEW
            and len(words[owner] & own) >= _MANY
            and len(wanted & have.get(right, frozenset())) >= _MANY
        ):
            theirs, ours = (
                list_names(sorted(each), 4) for each in (words[owner] & own, wanted & have[right])
            )
            told = f"table {table!r} has columns of {owner}, {theirs}; those of {name}, {ours}, are in table {right!r}"
            yield Mistake(("problem", name, "table"), f"{told}: are two tables, or their files, swapped?")


def _columns_of_problem(problem: ProblemSpec, name: str, part: PartSpec) -> frozenset[str]:
    """Return the columns that a part can read, as the file calls them."""
    return frozenset(part.columns.get(field, field) for field in problem.fields_of(name)) | {
        *part.columns.values()
    }
