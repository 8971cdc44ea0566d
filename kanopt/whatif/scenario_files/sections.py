"""The sections of a merged scenario file, each validated by its model, all mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from kanopt.errors import nearest
from kanopt.faults import Message
from kanopt.validation import describe_value
from kanopt.whatif.changes import Action, Change
from kanopt.whatif.scenario_files.kinds import kinds
from kanopt.whatif.scenario_files.mistakes import FileModel, Mistake, read_entry, validate
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.spec import (
    ChangeSpec,
    GivenSpec,
    HeadSpec,
    LawSpec,
    LearnedSpec,
    ReportSpec,
    SavedSpec,
    SolverSpec,
    SweepSpec,
    TableSpec,
)
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["Sections", "missing_problem", "read_law", "read_sections"]

_KNOWN = ("scenario", "tables", "surrogates", "problem", "changes", "sweep", "solver", "report", "questions")


@dataclass
class Sections:
    """What could be read, with what is wrong in it.

    Entries are read without the keys that hold mistakes (:func:`read_entry`), so that what does not depend on these is
    checked all the same. `names` has those, too, of which nothing could be read, so that nothing is said to be unknown
    that was merely misspelt inside.
    """

    head: HeadSpec = field(default_factory=HeadSpec)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    laws: dict[str, LawSpec] = field(default_factory=dict)
    problem: ProblemSpec | None = None
    changes: dict[int, Change] = field(default_factory=dict)
    solver: SolverSpec = field(default_factory=SolverSpec)
    sweep: SweepSpec | None = None
    report: ReportSpec = field(default_factory=ReportSpec)
    mistakes: list[Mistake] = field(default_factory=list)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def add(self, key: Key, message: Message) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(key, message))

    def below(self, key: Key) -> list[Mistake]:
        """Return the mistakes under a key."""
        return [mistake for mistake in self.mistakes if mistake.key[: len(key)] == key]


def read_sections(data: Mapping[str, Any]) -> Sections:
    """Validate the merged keys of a scenario file."""
    found = Sections()
    for name in data:
        if name not in _KNOWN:
            found.add((name,), f"unknown section; {nearest(name, _KNOWN)}")

    def one(section: str, model: type[FileModel]) -> Any:
        read, mistakes = validate(model, data.get(section, {}), (section,))
        found.mistakes += mistakes
        return read or model()

    found.head, found.solver, found.report = (
        one("scenario", HeadSpec),
        one("solver", SolverSpec),
        one("report", ReportSpec),
    )
    found.sweep = one("sweep", SweepSpec) if "sweep" in data else None
    found.tables = _each(found, data, "tables", lambda entry, key: read_entry(TableSpec, entry, key))
    found.laws = _each(found, data, "surrogates", read_law)
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


def _each(
    found: Sections,
    data: Mapping[str, Any],
    section: str,
    read: Callable[[Any, Key], tuple[Any, list[Mistake]]],
) -> dict[str, Any]:
    entries = data.get(section, {})
    if not isinstance(entries, dict):
        found.add((section,), f"must be tables such as [{section}.x], not {describe_value(entries)}")
        return {}
    every = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            found.add((section, name), f"must be a table [{section}.{name}], not {describe_value(entry)}")
            continue
        value, mistakes = read(entry, (section, name))
        found.mistakes += mistakes
        if value is not None:
            every[name] = value
    return every


def read_law(entry: Mapping[str, Any], key: Key) -> tuple[LawSpec | None, list[Mistake]]:
    """Read a law without the keys that hold mistakes, so that the others can be checked all the same.

    Parameters
    ----------
    entry
        What stands under ``[surrogates.x]``.
    key
        The key of the entry.

    Returns
    -------
    law
        None if what is left is no law. Of a mistaken ``on_missing`` nothing is judged; a formula whose inputs are
        mistaken is none.
    mistakes
        Those in it.

    Examples
    --------
    >>> law = {"table": "t", "target": "y", "features": ["x"], "forbid": ["expp"], "pin": {"z": ["log"]}}
    >>> read_law(law, ())[0].pin
    {'z': ('log',)}
    """
    law, mistakes = read_entry(_law_model(entry), entry, key)
    wrong = {str(mistake.key[len(key)]) for mistake in mistakes if mistake.key[len(key) :]}
    if isinstance(law, GivenSpec) and wrong & {"formula", "inputs"}:
        return None, mistakes
    if isinstance(law, LearnedSpec) and "on_missing" in wrong:
        law = law.model_copy(update={"on_missing": "drop"})
    return law, mistakes


def _law_model(data: Mapping[str, Any]) -> type[LearnedSpec | GivenSpec | SavedSpec]:
    """Return the model that the keys of a ``[surrogates.x]`` call for."""
    if "formula" in data:
        return GivenSpec
    return SavedSpec if "file" in data else LearnedSpec


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
    likely = _likely_kind(kind, section.keys())
    if not likely:
        return
    found.problem, mistakes = read_entry(known[likely], {**section, "kind": likely}, ("problem",))
    if found.problem is not None:
        wrong = {mistake.key[1:2] for mistake in mistakes}
        gaps = [(key, message) for key, message in found.problem.gaps() if not key or key[0] not in section]
        # what contradicts another key may be the one with the mistake
        mistakes += [Mistake(("problem", *key), message) for key, message in gaps if key or not wrong]
    found.mistakes += mistakes


def _likely_kind(kind: object, keys: Collection[str]) -> str:
    """Return the kind of problem that a section speaks of most likely, by its word or else by its keys."""
    if isinstance(kind, str) and kind in kinds():
        return kind
    shared = {word: len(keys & model.model_fields.keys()) for word, model in kinds().items()}
    first, second, *_ = sorted(shared, key=lambda word: -shared[word])
    return first if shared[first] > shared[second] else ""


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
