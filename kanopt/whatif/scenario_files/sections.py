"""The sections of a merged scenario file, each validated by its model, all mistakes and questions collected.

Questions of the file, and columns that look like a rule and are not read, are mistakes until they are answered, so that
no plan rests on a guess. A question names the answers that it may have, and what each of them sets; a column is
answered where it is mapped, or ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from kanopt.errors import nearest
from kanopt.faults import Fault, Message, Setting, said
from kanopt.records.unread_columns import UnreadColumns
from kanopt.validation import describe_value
from kanopt.whatif.changes import Action, Change
from kanopt.whatif.scenario_files.kinds import kinds
from kanopt.whatif.scenario_files.layers import FileModel, Layers, Mistake, validate
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.spec import (
    CHANGES,
    GivenSpec,
    HeadSpec,
    LawSpec,
    LearnedSpec,
    QuestionSpec,
    ReportSpec,
    SavedSpec,
    SolverSpec,
    SweepSpec,
    TableSpec,
)
from kanopt.whatif.scenario_files.toml_positions import Key, paths, split_key, write_key

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
        given = [name for name in CHANGES if isinstance(entry, dict) and name in entry]
        if len(given) != 1:
            *others, last = CHANGES
            found.add(("changes", place), f"a change has exactly one of {', '.join(others)} and {last}")
            continue
        spec, mistakes = validate(CHANGES[given[0]], entry, ("changes", place))
        found.mistakes += mistakes
        if spec is not None and (change := _change(found, given[0], dict(spec), place)):
            read[place] = change
    return read


def _change(found: Sections, action: str, given: Mapping[str, Any], place: int) -> Change | None:
    named, rows = str(given[action]), {name: given[name] for name in ("where", "row") if name in given}
    if action not in ("set", "scale"):
        return Change(cast("Action", action), named, **rows)
    table, dot, column = named.partition(".")
    if not dot or not column:
        found.add(
            ("changes", place, action), f"{named!r} must be 'table.column', such as 'vehicles.fuel_price'"
        )
        return None
    value = given["to" if action == "set" else "by"]
    return Change(cast("Action", action), table, column, value, **rows)


@dataclass(frozen=True)
class Answered:
    """A scenario file with its answers given.

    Parameters
    ----------
    layers
        The file; its keys are those that the answers set, too.
    mistakes
        What is wrong with questions and answers.
    asked
        The questions without an answer.
    """

    layers: Layers
    mistakes: tuple[Mistake, ...] = ()
    asked: tuple[Mistake, ...] = ()


def answered(layers: Layers) -> Answered:
    """Return a file with the keys that the answers to its questions set."""
    entries = layers.data.get("questions", [])
    if not isinstance(entries, list):
        message = (
            f"must be a list, not {describe_value(entries)}: write each question under its own [[questions]]"
        )
        return Answered(layers, (Mistake(("questions",), message),))
    mistakes, asked = list[Mistake](), list[Mistake]()
    for place, entry in enumerate(entries):
        key: Key = ("questions", place)
        question, wrong = validate(QuestionSpec, entry, key)
        mistakes += wrong
        if question is None:
            continue
        if not question.answer:
            parts = (question.text, " Write ", _possible(question.answers))
            asked.append(Mistake((*key, "answer"), said(parts, in_file=True)))
        elif question.answer not in question.answers:
            message = f"unknown answer {question.answer!r}; {nearest(question.answer, question.answers)}"
            mistakes.append(Mistake((*key, "answer"), message))
        else:
            layers, wrong = _with_answer(layers, (*key, "answers", question.answer), question)
            mistakes += wrong
    return Answered(layers, tuple(mistakes), tuple(asked))


def columns_asked_about(data: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the columns that the questions of a file ask about, each behind its table.

    Examples
    --------
    >>> ignored = {"tables.stops.ignore": ["rank"]}
    >>> columns_asked_about({"questions": [{"text": "?", "answers": {"ignore": ignored}}]})
    frozenset({('stops', 'rank')})
    """
    answers = [keys for entry in data.get("questions", ()) for keys in entry["answers"].values()]
    ignored = [(split_key(key), columns) for keys in answers for key, columns in keys.items()]
    return frozenset(
        (str(key[1]), str(column))
        for key, columns in ignored
        if len(key) == 3 and (key[0], key[2]) == ("tables", "ignore") and isinstance(columns, list)
        for column in columns
    )


def _possible(answers: Mapping[str, Any]) -> str:
    first, *others = [Setting("answer", answer).in_file() for answer in answers]
    return " or ".join([first, *(each.removeprefix("answer = ") for each in others)])


def _with_answer(layers: Layers, key: Key, question: QuestionSpec) -> tuple[Layers, list[Mistake]]:
    """Set the keys of an answer that stands under `key`, and note that they stand there."""
    data, positions, mistakes = dict(layers.data), dict(layers.key_positions), list[Mistake]()
    document, place = layers.place(key)
    for word, value in question.answers[question.answer].items():
        target, place_of_word = split_key(word), (*place, word)
        known = set(paths(data))
        try:
            data = _with_value(data, target, value)
        except KeyError as error:
            above = write_key(target[: error.args[0]])
            mistakes.append(Mistake((*key, word), f"sets a key below {above}, which is no table"))
            continue
        positions |= dict.fromkeys(set(paths(data)) - known, (document, place_of_word))
        positions.setdefault(target, (document, place_of_word))
    return replace(layers, data=data, key_positions=positions), mistakes


def _with_value(data: Mapping[str, Any], key: Key, value: Any, depth: int = 1) -> dict[str, Any]:
    """Return a table with a key set: what a list has already stays in it, and so do the keys of a table.

    Raises
    ------
    KeyError
        With the number of parts that lead to something that is no table.
    """
    name, old = str(key[0]), data.get(str(key[0]))
    if len(key) > 1:
        if old is not None and not isinstance(old, dict):
            raise KeyError(depth)
        return {**data, name: _with_value(old or {}, key[1:], value, depth + 1)}
    if isinstance(old, list) and isinstance(value, list):
        value = [*old, *(each for each in value if each not in old)]
    if isinstance(old, dict) and isinstance(value, dict):
        value = {**old, **value}
    return {**data, name: value}


def question_about(
    found: UnreadColumns, table: str, asked_about: Collection[tuple[str, str]] = ()
) -> Fault | None:
    """Return the question that columns ask which look like a rule; None where none does.

    Parameters
    ----------
    found
        Columns that nothing reads.
    table
        What the file calls their table.
    asked_about
        Columns that a question of the file asks about, each behind its table.
    """
    rules = tuple(
        column for column in found.striking if column.is_rule and (table, column.name) not in asked_about
    )
    if not rules:
        return None
    asked = replace(found, striking=rules, others=())
    ignored = Setting("ignore", [column.name for column in rules])
    meant = ("where that is meant, write ", asked.renaming, "; ") if asked.meant else ()
    under = f" under [{write_key(('tables', table))}]"
    looks = "they look like rules" if len(rules) > 1 else "it looks like a rule"
    what = f"{asked.sentence}, and {looks}"
    return Fault(
        found.table, what, advice=(*meant, "for what means nothing to the plan, write ", ignored, under)
    )
