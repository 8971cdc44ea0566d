"""Changes of keys and laws, which a scenario reads besides its tables, and all that it changes in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError, nearest
from kanopt.text import join_list
from kanopt.validation import describe_value
from kanopt.whatif.changes import Change, cell_text, scaling_text
from kanopt.whatif.scenario_files.columns import field_columns
from kanopt.whatif.scenario_files.laws import binding_mistakes
from kanopt.whatif.scenario_files.layers import FileModel, Mistake, validate
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.sections import answered
from kanopt.whatif.scenario_files.spec import GivenSpec, LawSpec, LearnedSpec, SolverSpec
from kanopt.whatif.scenario_files.toml_positions import Key, write_key

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.whatif.scenario import Scenario

_TEXT = "formula"
"""The key of a law written by hand that holds its text."""


@dataclass(frozen=True)
class ChangedSections:
    """The sections that changes of keys and laws alter, as those made so far left them.

    Parameters
    ----------
    data
        The merged keys of the file.
    problem
        What is to be decided; None where the file has laws alone.
    solver
        Limits of the search.
    laws
        How each law is had.
    """

    data: Mapping[str, Any]
    problem: ProblemSpec | None
    solver: SolverSpec
    laws: Mapping[str, LawSpec]

    def changed(self, change: Change) -> tuple[ChangedSections, list[Mistake]]:
        """Return the sections with one more change made, and what is wrong with it, with keys relative to it."""
        if change.action not in ("set", "scale") or change.where:
            message = f"{change.table}: keys and laws are set or scaled, without where; rows of tables have the others"
            return self, [Mistake((change.action,), message)]
        if change.table == "surrogates":
            return self._with_law(change)
        return self._with_key(change)

    def value(self, change: Change) -> Any:
        """Return what a change of a key or of the text of a law replaces; None where nothing is written."""
        if change.table == "surrogates":
            spec = self.laws.get(change.column.partition(".")[0])
            return spec.formula if isinstance(spec, GivenSpec) else None
        found: Any = self.solver if change.table == "solver" else self.problem
        for word in change.column.split("."):
            found = found.get(word) if isinstance(found, Mapping) else getattr(found, word, None)
        return found

    def _with_key(self, change: Change) -> tuple[ChangedSections, list[Mistake]]:
        model: FileModel | None = self.solver if change.table == "solver" else self.problem
        if model is None:
            message = "changes alter what the problem reads; the section [problem] is missing"
            return self, [Mistake((change.action,), message)]
        key = (change.table, *change.column.split("."))
        if wrong := self._not_changeable(change, model):
            return self, [Mistake((change.action,), f"{write_key(key)}: {wrong}")]
        value = change.value
        if change.action == "scale":
            value = self.value(change) * float(change.value or 0.0)
        data = _with_value(self.data, key, value)
        read, mistakes = validate(type(model), data[change.table], (change.table,))
        if read is None:
            # whatever is wrong came with this change
            told = dict.fromkeys(f"{write_key(mistake.key)}: {mistake.message}" for mistake in mistakes)
            return self, [Mistake((change.action,), message) for message in told]
        if isinstance(read, ProblemSpec):
            return replace(self, data=data, problem=read), []
        assert isinstance(read, SolverSpec)
        return replace(self, data=data, solver=read), []

    def _not_changeable(self, change: Change, model: FileModel) -> str:
        """Say why a key cannot be changed; empty where it can."""
        words = change.column.split(".")
        tables = {"today", *model.parts()} if isinstance(model, ProblemSpec) else set()
        if words[0] in {"kind", *tables}:
            return "what is decided and which tables are read is no what-if; write another file with this one as base"
        before = self.value(change)
        if change.action == "scale" and (isinstance(before, bool) or not isinstance(before, (int, float))):
            holds = "nothing" if before is None else describe_value(before)
            return f"it holds {holds}, and only a number can be scaled; use set instead of scale"
        plain = before is None or isinstance(before, (int, float, str, date)) or hasattr(before, "scope")
        if not plain:
            inside = sorted(before) if isinstance(before, Mapping) else list(type(before).model_fields)
            inner = f"; it has {', '.join(map(str, inside))}" if inside else ""
            return f"it is no value but a table of them{inner}"
        return ""

    def _with_law(self, change: Change) -> tuple[ChangedSections, list[Mistake]]:
        name, _, constant = change.column.partition(".")
        spec = self.laws.get(name)
        if spec is None:
            return self, [Mistake((change.action,), f"there is no law {name!r}; {nearest(name, self.laws)}")]
        if constant == _TEXT and isinstance(spec, GivenSpec) and change.action == "set":
            read, mistakes = validate(GivenSpec, {**spec.model_dump(), _TEXT: change.value}, ())
            if read is None:
                return self, [Mistake(("to",), mistake.message) for mistake in mistakes]
            return replace(self, laws={**self.laws, name: read}), []
        number = change.value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            message = f"a law is changed by numbers, not by {describe_value(number)}"
            return self, [Mistake((change.action,), message)]
        if change.action == "set" and not constant:
            message = (
                f"law {name!r}: name one of its constants, as surrogates.{name}.c1, or scale the law as a whole"
                + (f", or set surrogates.{name}.{_TEXT}" if isinstance(spec, GivenSpec) else "")
            )
            return self, [Mistake(("set",), message)]
        if change.action == "scale" and number < 0:
            return self, [Mistake(("by",), f"a law is multiplied by zero or more, not by {number:g}")]
        return self, []


def _with_value(data: Mapping[str, Any], key: Key, value: Any) -> dict[str, Any]:
    """Return nested tables with one value put in."""
    first, *rest = key
    below = data.get(str(first))
    inner = below if isinstance(below, Mapping) else {}
    return {**data, str(first): _with_value(inner, tuple(rest), value) if rest else value}


def make_section_changes(
    sections: ChangedSections, changes: Mapping[int, Change]
) -> tuple[ChangedSections, list[Mistake]]:
    """Make the changes of a file that concern keys and laws; return what is wrong with each under its place."""
    found: list[Mistake] = []
    for place, change in changes.items():
        if change.is_of_section:
            sections, wrong = sections.changed(change)
            found += [Mistake(("changes", place, *mistake.key), mistake.message) for mistake in wrong]
    return sections, found


def altered_law(name: str, law: Formula, changes: Iterable[Change]) -> Formula:
    """Return a law with the changes made that concern it as a whole or its constants.

    Raises
    ------
    FormulaError
        If it has no such constant.
    """
    for change in changes:
        if change.table == "surrogates" and change.column.partition(".")[0] == name:
            law = _altered(name, law, change)
    return law


def _altered(name: str, law: Formula, change: Change) -> Formula:
    from kanopt.formulas import parse_formula

    constant, number = change.column.partition(".")[2], change.value
    if constant == _TEXT:  # which was read instead of the text of the file
        return law
    assert isinstance(number, (int, float))
    if not constant:
        return parse_formula(f"{float(number)!r} * {name}", [], law.output, {name: law}, law.per)
    if change.action == "scale":
        from kanopt.formulas.parameters import parameters_of

        number = float(number) * parameters_of(law.root).get(constant, 1.0)
    return law.fixed({constant: float(number)})


def checked_with_laws(
    sections: ChangedSections, drafts: Mapping[str, Formula], change: Change
) -> Iterator[Mistake]:
    """Yield what is wrong with a change given the laws, as far as that is known before they are learned.

    Parameters
    ----------
    sections
        With the change made.
    drafts
        The laws written by hand, and stand-ins of those to be learned.
    change
        A constant that the law does not have; a binding of an input that no law has.
    """
    if change.table == "problem" and sections.problem is not None:
        key = ("problem", *change.column.split("."))
        for mistake in binding_mistakes(sections.problem, sections.laws, drafts, {}):
            if mistake.key == key:
                yield Mistake((change.action,), f"{write_key(key)}: {mistake.message}")
    name = change.column.partition(".")[0]
    if change.table != "surrogates" or name not in drafts or isinstance(sections.laws.get(name), LearnedSpec):
        return
    try:
        _altered(name, drafts[name], change)
    except KanoptError as error:
        yield Mistake((change.action,), f"law {name!r}: {error}")


def section_sentence(before: ChangedSections, change: Change) -> str:
    """Say what a change of a key or a law does, with what was there before."""
    if change.action == "scale":
        return f"{change.path} {scaling_text(float(change.value or 0.0))}"
    was = before.value(change)
    instead = "" if was is None or isinstance(was, Mapping) else f" instead of {cell_text(was)}"
    return f"{change.path} is {cell_text(change.value)}{instead}"


# What a scenario changes against another, in sentences.


_OTHER = ("scenario", "report", "changes", "tables", "surrogates")
"""Sections that change no plan, and those that are told in another way."""
_ABSENT = object()


def change_sentences(scenario: Scenario, base: Scenario | None = None) -> tuple[str, ...]:
    """Say what a scenario changes, a sentence each without a full stop.

    Parameters
    ----------
    scenario
        The scenario.
    base
        What it is compared with; left out, the file at the bottom of its own bases, with the tables as they are.
    """
    layers = scenario.layers
    if base is None:
        # the answers to its own questions make the file whole, and change nothing
        bottom = layers.documents[-1:]
        data = answered(replace(layers, documents=bottom, data=bottom[0].data)).layers.data
    else:
        data = base.layers.data
    return (*_table_changes(scenario, base), *_key_changes(data, layers.data))


def _table_changes(scenario: Scenario, base: Scenario | None) -> Iterator[str]:
    shared = [] if base is None else list(base.changes)
    frames, sections = dict(scenario.tables), scenario.sections
    for change in scenario.changes:
        is_new = change not in shared
        if not is_new:
            shared.remove(change)
        if change.is_of_section:
            if is_new:
                yield section_sentence(sections, change)
            sections, _ = sections.changed(change)
            continue
        words = field_columns(scenario.problem, change.table)
        if is_new:
            yield change.sentence(frames[change.table], words)
        frames[change.table] = change.apply(frames[change.table], words)
    yield from (f"it does without this change of the base: {change}" for change in shared)


def _key_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for section, word in (("tables", "table"), ("surrogates", "law")):
        yield from _entry_changes(word, before.get(section, {}), after.get(section, {}))
    old, new = dict(_leaves(before)), dict(_leaves(after))
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
        if was == now or key[0] in _OTHER:
            continue
        if now is _ABSENT:
            yield f"{_subject(key)} is no longer {_value(was)}"
        elif was is _ABSENT:
            yield f"{_subject(key)} is set to {_value(now)}"
        else:
            yield f"{_subject(key)} is {_value(now)} instead of {_value(was)}"


def _entry_changes(word: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Say which tables or laws are had in another way; an entry has many keys that say so together."""
    for name in dict.fromkeys([*after, *before]):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if was is None or now is None:
            yield f"the {word} {name} is {'new' if was is None else 'gone'}"
        elif _source(was) != _source(now):
            yield f"the {word} {name} is {_source(now)} instead of {_source(was)}"
        else:
            keys = [str(key) for key in dict.fromkeys([*now, *was]) if now.get(key) != was.get(key)]
            yield f"the {word} {name} is had with other settings: {join_list(keys, 5)}"


def _source(entry: Mapping[str, Any]) -> str:
    """Say where a table or a law comes from."""
    words = {"path": "", "url": "", "formula": "", "file": "read from ", "table": "learned from table "}
    return next((f"{words[key]}{entry[key]}" for key in words if key in entry), "")


def _leaves(data: Mapping[str, Any], key: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _subject(key: Key) -> str:
    if key[:2] != ("problem", "bind"):
        return write_key(key)
    return f"{key[3]} of the law {key[2]}" if len(key) == 4 else f"{key[2]} of every law that reads it"


def _value(value: Any) -> str:
    return ", ".join(map(cell_text, value)) if isinstance(value, list) else cell_text(value)
