"""The sections of a merged scenario file, each validated by its model, all mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from kanopt.errors import nearest
from kanopt.faults import Message
from kanopt.validation import describe_value
from kanopt.whatif.changes import Action, Change
from kanopt.whatif.scenario_files.kinds import kinds
from kanopt.whatif.scenario_files.mistakes import FileModel, Mistake, validate
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

_KNOWN = ("scenario", "tables", "surrogates", "problem", "changes", "sweep", "solver", "report", "questions")


@dataclass
class Sections:
    """What could be read, with what is wrong in it; an entry with mistakes is left out."""

    head: HeadSpec = field(default_factory=HeadSpec)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    laws: dict[str, LawSpec] = field(default_factory=dict)
    problem: ProblemSpec | None = None
    changes: dict[int, Change] = field(default_factory=dict)
    solver: SolverSpec = field(default_factory=SolverSpec)
    sweep: SweepSpec | None = None
    report: ReportSpec = field(default_factory=ReportSpec)
    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, key: Key, message: Message) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(key, message))


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
    found.tables = _each(found, data, "tables", lambda entry, key: validate(TableSpec, entry, key))
    found.laws = _each(found, data, "surrogates", read_law)
    _read_problem(found, data)
    found.changes = _changes(found, data)
    if found.solver.deterministic and found.problem is not None and not found.problem.counts_work:
        found.add(
            ("solver", "deterministic"),
            f"solvers of {found.problem.kind} problems stop by the clock and count no work; leave it out: the same "
            "seed gives the same plan where they end by themselves before the time limit",
        )
    if found.solver.name and found.problem is not None and found.problem.kind != "routing":
        found.add(
            ("solver", "name"),
            f"OR-Tools routing solves routing problems, not {found.problem.kind}; leave it out",
        )
    if "days_in_time" in found.solver.model_fields_set and found.problem and found.problem.kind != "routing":
        found.add(
            ("solver", "days_in_time"),
            f"days in time are those of routes, and this is a {found.problem.kind} problem; leave it out",
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
    """Read what stands under a key ``[surrogates.x]``; return the law, None for none, and every mistake in it."""
    model: Any = GivenSpec if "formula" in entry else SavedSpec if "file" in entry else LearnedSpec
    return validate(model, entry, key)


def _read_problem(found: Sections, data: Mapping[str, Any]) -> None:
    section = data.get("problem")
    if not isinstance(section, dict):
        if section is not None:
            found.add(("problem",), f"must be a table, not {describe_value(section)}")
        elif not data.get("surrogates"):
            found.mistakes.append(missing_problem())
        return
    known, kind = kinds(), section.get("kind")
    if not isinstance(kind, str) or kind not in known:
        what = "is missing" if kind is None else f"unknown kind {kind!r}"
        found.add(("problem", "kind"), f"{what}; {nearest(str(kind or ''), known)}")
        return
    found.problem, mistakes = validate(known[kind], section, ("problem",))
    gaps = () if found.problem is None else found.problem.gaps()
    found.mistakes += [*mistakes, *(Mistake(("problem", *key), message) for key, message in gaps)]


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
