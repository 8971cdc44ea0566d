"""Which columns of its tables a scenario reads, so that what is in the others neither stops nor delays it."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.whatif.scenario_files.problem_spec import PartSpec, ProblemSpec
from kanopt.whatif.scenario_files.routing_spec import MatrixSpec
from kanopt.whatif.scenario_files.sections import Sections
from kanopt.whatif.scenario_files.spec import LearnedSpec, TableSpec

__all__ = ["ColumnsRead", "columns_of_law", "columns_read"]


@dataclass(frozen=True)
class ColumnsRead:
    """The columns of a table that are read.

    Parameters
    ----------
    names
        Their names, there or not; None where all may be.
    in_problem
        Whether the table is part of the problem, which names the columns that it does not read.
    """

    names: frozenset[str] | None
    in_problem: bool


def columns_of_law(law: LearnedSpec) -> frozenset[str]:
    """Return the columns that a law is learned from, or split by."""
    return frozenset([law.target, *law.features, *filter(None, (law.holdout.by, law.groups))])


def columns_read(found: Sections, table: str, spec: TableSpec) -> ColumnsRead:
    """Return the columns of a table that the laws, the problem and the changes read, and those the file speaks of."""
    laws = [law for law in found.every_law.values() if isinstance(law, LearnedSpec) and law.table == table]
    on_bad = spec.on_bad if isinstance(spec.on_bad, dict) else {}
    names = {*spec.dates, *spec.minimum, *spec.maximum, *on_bad, *spec.derive} - {"*"}
    names = names.union(*(columns_of_law(law) for law in laws))
    unread_laws = found.names["surrogates"] - set(found.every_law)
    problem = found.partial_problem
    if unread_laws or (problem is None and found.below(("problem",))):
        return ColumnsRead(None, in_problem=True)
    parts = {} if problem is None else {str(key[0]): part for key, part in problem.parts().items()}
    used = {name: part for name, part in parts.items() if part.table == table}
    if problem is not None and problem.today is not None and problem.today.table == table:
        return ColumnsRead(None, in_problem=True)
    for name, part in used.items():
        assert problem is not None
        if isinstance(part, MatrixSpec) or not problem.fields_of(name):
            return ColumnsRead(None, in_problem=True)
        names |= _columns_of_part(found, problem, name, part)
    return ColumnsRead(frozenset(names), in_problem=bool(used) or not laws)


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
