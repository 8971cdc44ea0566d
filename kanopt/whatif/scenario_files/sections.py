"""The sections of a merged scenario file, each validated by its model, all mistakes collected.

A mistake must not hide others: what does not depend on it is checked all the same. So each entry that is mistaken is
read once more without the keys that are. What is read in this way is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel, create_model, model_validator

from kanopt.errors import nearest
from kanopt.validation import describe_value
from kanopt.whatif.changes import Action, Change
from kanopt.whatif.scenario_files.decision_spec import DecisionSpec
from kanopt.whatif.scenario_files.mistakes import FileModel, Mistake, validate
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.routing_spec import RoutingSpec
from kanopt.whatif.scenario_files.scheduling_spec import SchedulingSpec
from kanopt.whatif.scenario_files.spec import (
    ChangeSpec,
    GivenSpec,
    HeadSpec,
    LawSpec,
    LearnedSpec,
    ReportSpec,
    SolverSpec,
    SweepSpec,
    TableSpec,
    law_model,
)
from kanopt.whatif.scenario_files.supply_spec import SupplySpec
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["Sections", "kinds", "likely_kind", "missing_problem", "read_partial_law", "read_sections"]

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


def kinds() -> Mapping[str, type[ProblemSpec]]:
    """Return the kinds of problems, by the word a file uses."""
    return {
        "routing": RoutingSpec,
        "scheduling": SchedulingSpec,
        "supply": SupplySpec,
        "decision": DecisionSpec,
    }


PartT = TypeVar("PartT", bound=BaseModel)

_HARMLESS = frozenset(("unit", "per"))
"""Keys without which a formula says the same of its inputs."""


def read_partial(
    model: type[PartT], entry: Mapping[str, Any], key: Key, mistakes: Iterable[Mistake]
) -> PartT | None:
    """Read an entry without the keys that hold mistakes; None where what is left is none.

    Parameters
    ----------
    model
        What it is read as.
    entry
        What stands under `key`.
    key
        The key of the entry.
    mistakes
        Those in it.
    """
    left, wrong = dict(entry), list(mistakes)
    while True:
        before = left
        for mistake in wrong:
            left = _without(left, mistake.key[len(key) :])
        if wrong and left == before:  # it is the entry as a whole that is wrong
            return None
        found, wrong = validate(model, left, key)
        if found is not None:
            return found


def read_partial_law(entry: Mapping[str, Any], key: Key, mistakes: Iterable[Mistake]) -> LawSpec | None:
    """Read a law without the keys that hold mistakes, so that the others can be checked all the same.

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
    LawSpec or None
        None if what is left is no law. Of a mistaken ``on_missing`` or ``holdout`` nothing is judged; a formula whose
        inputs are mistaken is none.

    Examples
    --------
    >>> law = {"table": "t", "target": "y", "features": ["x"], "forbid": ["expp"], "pin": {"z": ["log"]}}
    >>> read_partial_law(law, (), [Mistake(("forbid",), "unknown operator 'expp'")]).pin
    {'z': ('log',)}
    """
    wrong = list(mistakes)
    model = law_model(entry)
    if model is GivenSpec and not {
        str(mistake.key[len(key)]) for mistake in wrong if mistake.key[len(key) :]
    } <= (_HARMLESS | (entry.keys() - GivenSpec.model_fields.keys())):
        return None
    law = read_partial(model, entry, key, wrong)
    if isinstance(law, LearnedSpec) and "on_missing" in entry and any("on_missing" in m.key for m in wrong):
        return law.model_copy(update={"on_missing": "drop"})
    return law


def read_partial_problem(
    kind: type[ProblemSpec], section: Mapping[str, Any], mistakes: Iterable[Mistake]
) -> ProblemSpec | None:
    """Read the section ``[problem]`` without the keys that hold mistakes; a part that is missing is none."""
    left = {**section, "kind": kind.model_fields["kind"].annotation.__args__[0]}  # type: ignore[union-attr]
    return read_partial(_with_optional_parts(kind), left, ("problem",), mistakes)


def _or_none(annotation: Any) -> Any:
    return annotation | None


@cache
def _with_optional_parts(kind: type[ProblemSpec]) -> type[ProblemSpec]:
    """Return the model of a kind of problem with nothing required but the kind."""
    optional: dict[str, Any] = {
        name: (_or_none(item.annotation), None)
        for name, item in kind.model_fields.items()
        if item.is_required() and name != "kind"
    }
    # what must stand beside what is not asked either
    unasked: dict[str, Any] = {
        name: model_validator(mode="after")(_as_it_is)
        for name in kind.__pydantic_decorators__.model_validators
    }
    return create_model(f"Partial{kind.__name__}", __base__=kind, __validators__=unasked, **optional)


def _as_it_is(model: Any) -> Any:
    return model


def likely_kind(
    kind: object, keys: Collection[str], kinds: Mapping[str, type[ProblemSpec]]
) -> type[ProblemSpec] | None:
    """Return the kind of problem that a section speaks of most likely, by its word or else by its keys.

    Examples
    --------
    >>> likely_kind("ruting", ["jobs", "tasks", "bind"], kinds()).__name__
    'SchedulingSpec'
    """
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    shared = {word: len(keys & model.model_fields.keys()) for word, model in kinds.items()}
    ranked = sorted(shared, key=lambda word: -shared[word])
    return kinds[ranked[0]] if shared[ranked[0]] > shared[ranked[1]] else None


def _without(entry: Mapping[str, Any], path: Key) -> dict[str, Any]:
    """Return a table without the key that a path leads to, or the last table's key on the way."""
    first, inner = path[:1], entry.get(str(path[0])) if path else None
    if len(path) > 1 and isinstance(inner, dict) and path[1] in inner:
        return {**entry, str(path[0]): _without(inner, path[1:])}
    return {name: value for name, value in entry.items() if (name,) != first}
