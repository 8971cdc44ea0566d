"""Columns of a scenario's tables that nothing reads, told in the words of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kanopt.records.unread_columns import UnreadColumns, columns_of, unread_columns
from kanopt.whatif.scenario_files.columns_read import columns_of_law
from kanopt.whatif.scenario_files.problem_spec import PartSpec, ProblemSpec
from kanopt.whatif.scenario_files.spec import LawSpec, LearnedSpec

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.base import Problem

__all__ = ["unread_of_scenario"]


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
