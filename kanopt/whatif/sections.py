"""The sections of a merged scenario file, each validated by its model, all mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kanopt.errors import nearest
from kanopt.validation import describe_value
from kanopt.whatif.changes import Change
from kanopt.whatif.file_model import FileModel, Mistake, validate
from kanopt.whatif.problem_kinds import kinds
from kanopt.whatif.problem_spec import ProblemSpec
from kanopt.whatif.spec import (
    ChangeSpec,
    HeadSpec,
    LawSpec,
    LearnedSpec,
    ReportSpec,
    SolverSpec,
    TableSpec,
    law_model,
)
from kanopt.whatif.toml_positions import Key

__all__ = ["Sections", "missing_problem", "read_partial_law", "read_sections"]

ModelT = TypeVar("ModelT", bound=FileModel)
_KNOWN = ("scenario", "tables", "surrogates", "problem", "changes", "solver", "report")


@dataclass
class Sections:
    """What could be read, and what could not.

    Entries that hold mistakes are left out; `names` has them all, so that nothing is said to be unknown that was
    merely misspelt inside, and `partial_laws` has what could be read of laws with mistakes.
    """

    head: HeadSpec = field(default_factory=HeadSpec)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    laws: dict[str, LawSpec] = field(default_factory=dict)
    partial_laws: dict[str, LearnedSpec] = field(default_factory=dict)
    problem: ProblemSpec | None = None
    changes: dict[int, Change] = field(default_factory=dict)
    solver: SolverSpec = field(default_factory=SolverSpec)
    report: ReportSpec = field(default_factory=ReportSpec)
    mistakes: list[Mistake] = field(default_factory=list)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def add(self, key: Key, message: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(key, message))


def read_sections(data: Mapping[str, Any]) -> Sections:
    """Validate the merged keys of a scenario file."""
    found = Sections()
    for name in data:
        if name not in _KNOWN:
            found.add((name,), f"unknown section; {nearest(name, _KNOWN)}")
    found.head = _one(found, data, "scenario", HeadSpec) or HeadSpec()
    found.solver = _one(found, data, "solver", SolverSpec) or SolverSpec()
    found.report = _one(found, data, "report", ReportSpec) or ReportSpec()
    found.tables = _each(found, data, "tables", lambda entry: TableSpec)
    found.laws = _each(found, data, "surrogates", law_model)
    found.partial_laws = _read_partial_laws(found, data)
    found.names = {name: frozenset(_table(data.get(name))) for name in ("tables", "surrogates")}
    found.problem = _problem(found, data)
    found.changes = _changes(found, data)
    if found.solver.deterministic and found.problem is not None and not found.problem.counts_work:
        found.add(
            ("solver", "deterministic"),
            f"solvers of {found.problem.kind} problems stop by the clock and count no work; leave it out: the same "
            "seed gives the same plan where they end by themselves before the time limit",
        )
    return found


def missing_problem() -> Mistake:
    """Return what is wrong with a scenario that has no problem where one is needed."""
    *others, last = map(repr, kinds())
    message = (
        "the section [problem] is missing; it says what is to be decided: write [problem] with kind = "
        f"{', '.join(others)} or {last}, and the tables and laws of that kind; kanopt fit learns laws without it"
    )
    return Mistake(("problem",), message)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _one(found: Sections, data: Mapping[str, Any], section: str, model: type[ModelT]) -> ModelT | None:
    read, mistakes = validate(model, data.get(section, {}), (section,))
    found.mistakes += mistakes
    return read


def _each(
    found: Sections, data: Mapping[str, Any], section: str, model_of: Callable[[Any], type[Any]]
) -> dict[str, Any]:
    entries = data.get(section, {})
    if not isinstance(entries, dict):
        found.add((section,), f"must be tables such as [{section}.x], not {describe_value(entries)}")
        return {}
    read = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            found.add((section, name), f"must be a table [{section}.{name}], not {describe_value(entry)}")
            continue
        value, mistakes = validate(model_of(entry), entry, (section, name))
        found.mistakes += mistakes
        if value is not None:
            read[name] = value
    return read


def _read_partial_laws(found: Sections, data: Mapping[str, Any]) -> dict[str, LearnedSpec]:
    read = {}
    for name, entry in _table(data.get("surrogates")).items():
        if name not in found.laws and isinstance(entry, dict) and law_model(entry) is LearnedSpec:
            key: Key = ("surrogates", name)
            partial = read_partial_law(entry, key, [m for m in found.mistakes if m.key[:2] == key])
            if partial is not None:
                read[name] = partial
    return read


def read_partial_law(entry: Mapping[str, Any], key: Key, mistakes: Iterable[Mistake]) -> LearnedSpec | None:
    """Read a law to be learned without the keys that hold mistakes, so that the others can be checked all the same.

    Parameters
    ----------
    entry
        What stands under ``[surrogates.x]``.
    key
        The key of the entry.
    mistakes
        Those in it.

    Returns
    -------
    LearnedSpec or None
        None if what is left is no law. Of a mistaken ``on_missing`` or ``holdout`` nothing is judged.

    Examples
    --------
    >>> law = {"table": "t", "target": "y", "features": ["x"], "forbid": ["expp"], "pin": {"z": ["log"]}}
    >>> read_partial_law(law, (), [Mistake(("forbid",), "unknown operator 'expp'")]).pin
    {'z': ('log',)}
    """
    partial = dict(entry)
    for mistake in mistakes:
        partial = _without(partial, mistake.key[len(key) :])
    if "on_missing" in entry and "on_missing" not in partial:
        partial["on_missing"] = "drop"
    return validate(LearnedSpec, partial, key)[0]


def _without(entry: Mapping[str, Any], path: Key) -> dict[str, Any]:
    """Return a table without the key that a path leads to, or the last table's key on the way."""
    first, inner = path[:1], entry.get(str(path[0])) if path else None
    if len(path) > 1 and isinstance(inner, dict) and path[1] in inner:
        return {**entry, str(path[0]): _without(inner, path[1:])}
    return {name: value for name, value in entry.items() if (name,) != first}


def _problem(found: Sections, data: Mapping[str, Any]) -> ProblemSpec | None:
    section = data.get("problem")
    if not isinstance(section, dict):
        if section is not None:
            found.add(("problem",), f"must be a table, not {describe_value(section)}")
        elif not found.names["surrogates"]:
            found.mistakes.append(missing_problem())
        return None
    known, kind = kinds(), section.get("kind")
    if kind is None:
        found.add(("problem", "kind"), f"is missing; {nearest('', known)}")
        return None
    if not isinstance(kind, str) or kind not in known:
        found.add(("problem", "kind"), f"unknown kind {kind!r}; {nearest(str(kind), known)}")
        return None
    problem, mistakes = validate(known[kind], section, ("problem",))
    found.mistakes += mistakes
    return problem


def _changes(found: Sections, data: Mapping[str, Any]) -> dict[int, Change]:
    entries = data.get("changes", [])
    if not isinstance(entries, list):
        found.add(("changes",), "must be a list: write each change under its own [[changes]]")
        return {}
    read: dict[int, Change] = {}
    for place, entry in enumerate(entries):
        spec, mistakes = validate(ChangeSpec, entry, ("changes", place))
        found.mistakes += mistakes
        if spec is not None and (change := _change(found, spec, place)):
            read[place] = change
    return read


def _change(found: Sections, spec: ChangeSpec, place: int) -> Change | None:
    if spec.close is not None:
        return Change("close", spec.close, where=spec.where)
    if spec.add is not None:
        return Change("add", spec.add, row=spec.row)
    action, path = ("set", spec.set) if spec.set is not None else ("scale", spec.scale)
    table, dot, column = str(path).partition(".")
    if not dot or not column:
        found.add(
            ("changes", place, action), f"{path!r} must be 'table.column', such as 'vehicles.fuel_price'"
        )
        return None
    value = spec.to if action == "set" else spec.by
    return Change("set" if action == "set" else "scale", table, column, value, where=spec.where)
