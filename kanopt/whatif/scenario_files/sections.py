"""The sections of a merged scenario file, each validated by its model, all mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from kanopt.errors import nearest
from kanopt.validation import describe_value
from kanopt.whatif.changes import Action, Change
from kanopt.whatif.scenario_files.file_model import FileModel, Mistake, validate
from kanopt.whatif.scenario_files.partial_sections import (
    likely_kind,
    read_partial,
    read_partial_law,
    read_partial_problem,
)
from kanopt.whatif.scenario_files.problem_kinds import kinds
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.spec import (
    ChangeSpec,
    HeadSpec,
    LawSpec,
    ReportSpec,
    SolverSpec,
    SweepSpec,
    TableSpec,
    law_model,
)
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["Sections", "missing_problem", "read_sections"]

ModelT = TypeVar("ModelT", bound=FileModel)
_KNOWN = ("scenario", "tables", "surrogates", "problem", "changes", "sweep", "solver", "report", "questions")


@dataclass
class Sections:
    """What could be read, and what could not.

    Entries that hold mistakes are left out; `names` has them all, so that nothing is said to be unknown that was
    merely misspelt inside. What could be read of entries with mistakes is in `partial_tables`, `partial_laws` and
    `partial_problem`, which is the problem itself where that holds none.
    """

    head: HeadSpec = field(default_factory=HeadSpec)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    laws: dict[str, LawSpec] = field(default_factory=dict)
    partial_laws: dict[str, LawSpec] = field(default_factory=dict)
    partial_tables: dict[str, TableSpec] = field(default_factory=dict)
    problem: ProblemSpec | None = None
    partial_problem: ProblemSpec | None = None
    changes: dict[int, Change] = field(default_factory=dict)
    solver: SolverSpec = field(default_factory=SolverSpec)
    sweep: SweepSpec | None = None
    report: ReportSpec = field(default_factory=ReportSpec)
    mistakes: list[Mistake] = field(default_factory=list)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def add(self, key: Key, message: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(key, message))

    @property
    def every_law(self) -> dict[str, LawSpec]:
        """The laws, those with mistakes as far as they could be read."""
        return {**self.laws, **self.partial_laws}

    def below(self, key: Key) -> list[Mistake]:
        """Return the mistakes under a key."""
        return [mistake for mistake in self.mistakes if mistake.key[: len(key)] == key]


def read_sections(data: Mapping[str, Any]) -> Sections:
    """Validate the merged keys of a scenario file."""
    found = Sections()
    for name in data:
        if name not in _KNOWN:
            found.add((name,), f"unknown section; {nearest(name, _KNOWN)}")
    found.head = _one(found, data, "scenario", HeadSpec) or HeadSpec()
    found.solver = _one(found, data, "solver", SolverSpec) or SolverSpec()
    found.report = _one(found, data, "report", ReportSpec) or ReportSpec()
    found.sweep = _one(found, data, "sweep", SweepSpec) if "sweep" in data else None
    found.tables = _each(found, data, "tables", lambda entry: TableSpec)
    found.laws = _each(found, data, "surrogates", law_model)
    found.partial_laws = _partial_entries(
        found, data, "surrogates", lambda entry, key: read_partial_law(entry, key, found.below(key))
    )
    found.partial_tables = _partial_entries(
        found, data, "tables", lambda entry, key: read_partial(TableSpec, entry, key, found.below(key))
    )
    found.names = {name: frozenset(_table(data.get(name))) for name in ("tables", "surrogates")}
    _read_problem(found, data)
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


def _partial_entries(
    found: Sections, data: Mapping[str, Any], section: str, read: Callable[[Mapping[str, Any], Key], Any]
) -> dict[str, Any]:
    """Read the entries of a section that hold mistakes without them."""
    whole = found.tables if section == "tables" else found.laws
    entries = {
        name: read(entry, (section, name))
        for name, entry in _table(data.get(section)).items()
        if name not in whole and isinstance(entry, dict)
    }
    return {name: entry for name, entry in entries.items() if entry is not None}


def _read_problem(found: Sections, data: Mapping[str, Any]) -> None:
    section = data.get("problem")
    if not isinstance(section, dict):
        if section is not None:
            found.add(("problem",), f"must be a table, not {describe_value(section)}")
        elif not found.names["surrogates"]:
            found.mistakes.append(missing_problem())
        return
    known, kind = kinds(), section.get("kind")
    if kind is None:
        found.add(("problem", "kind"), f"is missing; {nearest('', known)}")
    elif not isinstance(kind, str) or kind not in known:
        found.add(("problem", "kind"), f"unknown kind {kind!r}; {nearest(str(kind), known)}")
    model = likely_kind(kind, section.keys(), known)
    if model is None:
        return
    found.problem, mistakes = validate(model, section, ("problem",))
    mistakes = [mistake for mistake in mistakes if mistake.key != ("problem", "kind")]
    found.mistakes += mistakes
    found.partial_problem = found.problem or read_partial_problem(model, section, mistakes)


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
    action = cast("Action", spec.action)
    named = str(getattr(spec, action))
    if action not in ("set", "scale"):
        return Change(action, named, where=spec.where, row=spec.row)
    table, dot, column = named.partition(".")
    if not dot or not column:
        found.add(
            ("changes", place, action), f"{named!r} must be 'table.column', such as 'vehicles.fuel_price'"
        )
        return None
    return Change(action, table, column, spec.to if action == "set" else spec.by, where=spec.where)
