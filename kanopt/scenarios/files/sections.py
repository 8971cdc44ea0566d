"""The sections of a merged scenario file, each validated by its model, all mistakes and questions collected.

Questions of the file, and columns that look like a rule and are not read, are mistakes until they are answered, so that
no plan rests on a guess. A question names the answers that it may have, and what each of them sets; a column is
answered where it is mapped, or ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from kanopt.errors import nearest
from kanopt.faults import Fault, Setting, describe_value, toml_value
from kanopt.plans.days_in_time import DAYS_IN_TIME
from kanopt.records.declaration import Unit
from kanopt.records.unread_columns import UnreadColumns
from kanopt.scenarios.changes import Action, Change
from kanopt.scenarios.files.layers import (
    FileModel,
    Key,
    Layers,
    Mistake,
    Name,
    model_of,
    paths,
    split_key,
    unknown,
    validate,
    write_key,
)
from kanopt.scenarios.files.problem_spec import ProblemSpec, kinds
from kanopt.tables import TextFormat
from kanopt.text import list_names

# The sections of a scenario file, each a strict model; ``[problem]`` has models of its own in
# ``problem_spec``.

Several: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A number of things, one at least."""


def _scalar(value: Any) -> Any:
    """Let a cell be a text, a number or a truth value, and nothing else."""
    if isinstance(value, (str, int, float)):
        return value
    raise ValueError(f"must be a text, a number or a truth value, not {describe_value(value)}")


def _cells(value: Any) -> Any:
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list matches no row")
        return tuple(_scalar(item) for item in value)
    return _scalar(value)


def _by_column(value: Any) -> Any:
    """Let ``on_bad`` be one word for all columns, or a word for each of some."""
    return value if isinstance(value, dict) else {"*": value}


def _path(text: str) -> str:
    """Refuse a path with a sign that TOML makes of a backslash, as Windows writes them."""
    if any(sign in text for sign in "\b\t\n\f\r"):
        shown = repr(text)[1:-1].replace("\\", "/")
        told = "TOML reads \\ in a text as a sign of its own: write / between folders"
        raise ValueError(f'{told}, as in "{shown}"')
    return text


OnBad: TypeAlias = Literal["error", "missing", "drop", "text"]
Words: TypeAlias = Annotated[tuple[str, ...], Field(strict=False)]
Cell: TypeAlias = Annotated[Any, BeforeValidator(_scalar)]
Cells: TypeAlias = Annotated[Any, BeforeValidator(_cells)]


FormSpec: Any = model_of(TextFormat)
"""``form`` of a table: the format of a text file."""


class HeadSpec(FileModel):
    """``[scenario]``: what this is, and the file it varies."""

    name: Name | None = None
    base: Name | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    description: str = ""


class TableSpec(FileModel):
    """``[tables.x]``: where a table comes from, its units, and what to do with bad cells."""

    path: Annotated[Name, AfterValidator(_path)]
    sheet: Name | None = None
    columns: Words = ()
    ignore: Words = ()
    units: dict[str, Unit] = Field(default_factory=dict)
    dates: dict[str, Name] = Field(default_factory=dict)
    minimum: dict[str, float] = Field(default_factory=dict)
    maximum: dict[str, float] = Field(default_factory=dict)
    derive: dict[Name, Name] = Field(default_factory=dict)
    drop_where: Words = ()
    on_bad: Annotated[dict[str, OnBad], BeforeValidator(_by_column)] = Field(default_factory=dict)
    on_duplicate: Literal["keep", "drop"] = "keep"
    form: FormSpec = FormSpec()


class QuestionSpec(FileModel):
    """``[[questions]]``: what only the user knows, and the keys that each answer sets."""

    about: str = ""
    text: Name
    answer: str = ""
    answers: Annotated[dict[Name, dict[Name, Any]], Field(min_length=1)]


class HoldoutSpec(FileModel):
    """Which rows a law is tested on: the last groups of a column, or a share drawn at random."""

    by: Name | None = None
    last: Several | None = None
    share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> HoldoutSpec:
        if (self.by is None) != (self.last is None):
            raise ValueError('by and last belong together: { by = "week", last = 4 }')
        if (self.by is None) == (self.share is None):
            raise ValueError('write { by = "week", last = 4 } or { share = 0.2 }')
        return self


class NetworkSpec(FileModel):
    """``[surrogates.x.network]``: what of the network is not to be chosen by itself."""

    hidden: Annotated[tuple[Several, ...], Field(strict=False)] | None = None
    grid_size: Several | None = None
    smoothing: Annotated[float, Field(ge=0)] | None = None
    starts: Several | None = None
    log_target: bool | None = None
    log_features: Words | None = None
    loss: Literal["squared", "huber", "tukey"] | None = None


class LearnedSpec(FileModel):
    """``[surrogates.x]`` with a table: a law to be learned."""

    table: Name
    target: Name
    features: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    monotone: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    positive: Literal["auto", True, False] = "auto"
    bounds: Annotated[tuple[float, float], Field(strict=False)] | None = None
    periodic: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    min_r2: Annotated[float, Field(le=1)] = 0.5
    on_low: Literal["refuse", "mark"] = "refuse"
    on_missing: Literal["error", "drop"] = "error"
    holdout: HoldoutSpec = HoldoutSpec(share=0.2)
    groups: Name | None = None
    unseen: Literal["error", "pooled"] = "error"
    budget: Annotated[float, Field(gt=0, le=86_400)] | None = None
    network: NetworkSpec = NetworkSpec()
    per: str = ""

    @property
    def columns_read(self) -> frozenset[str]:
        """The columns of its table that it needs, those that say how rows are held out and share errors among them."""
        return frozenset([self.target, *self.features, *filter(None, (self.holdout.by, self.groups))])


class GivenSpec(FileModel):
    """``[surrogates.x]`` with a formula: a law written by hand, in terms of inputs and other laws."""

    formula: Name
    inputs: dict[str, Unit] = Field(default_factory=dict)
    unit: Unit = ""
    per: str = ""


class SavedSpec(FileModel):
    """``[surrogates.x]`` with a file: a law that ``kanopt fit --out`` saved."""

    file: Name


LawSpec: TypeAlias = LearnedSpec | GivenSpec | SavedSpec


def _change(action: str, **keys: Any) -> type[FileModel]:
    """Return the model of an entry of ``[[changes]]``."""
    named: dict[str, Any] = {action: (Name, ...), **keys}
    return create_model(f"{action.title()}Spec", __base__=FileModel, **named)


_SOME_ROWS: Any = (dict[str, Cells], Field(default_factory=dict))
_THESE_ROWS: Any = (Annotated[dict[str, Cells], Field(min_length=1)], ...)
CHANGES = {
    "set": _change("set", to=(Cell, ...), where=_SOME_ROWS),
    "scale": _change("scale", by=(float, ...), where=_SOME_ROWS),
    "remove": _change("remove", where=_THESE_ROWS),
    "add": _change("add", row=(Annotated[dict[str, Cell], Field(min_length=1)], ...)),
}
"""``[[changes]]``: each action with what it needs."""


class SolverSpec(FileModel):
    """``[solver]``: what to search with, how long, with how many threads, by the clock or by counted work, how sure."""

    name: Literal["ortools"] | None = None
    time_limit: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    workers: Several = 1
    deterministic: bool = False
    days_in_time: Annotated[float, Field(gt=0, lt=1)] | Literal["none"] = DAYS_IN_TIME

    @property
    def share_in_time(self) -> float | None:
        """Share of days on which everyone is to be in time; None where that is not asked for."""
        return None if self.days_in_time == "none" else self.days_in_time


class ReportSpec(FileModel):
    """``[report]``."""

    title: str = ""
    plans_per_year: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    assumed: Words = ()


class FileSpec(FileModel):
    """The sections of a file; entries whose model depends on what stands in them are read by themselves."""

    scenario: HeadSpec = HeadSpec()
    tables: dict[str, TableSpec] = Field(default_factory=dict)
    surrogates: dict[str, dict[str, Any]] = Field(default_factory=dict)
    problem: dict[str, Any] | None = None
    changes: list[dict[str, Any]] = Field(default_factory=list)
    solver: SolverSpec = SolverSpec()
    report: ReportSpec = ReportSpec()
    questions: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True)
class Sections:
    """What a file says.

    Parameters
    ----------
    data
        Its keys, which a change of one of them is made in.
    file
        The sections that need no other to be read.
    laws
        Name to law.
    problem
        The section of the problem; None where there is none.
    changes
        The changes, in the order of the file.
    """

    data: Mapping[str, Any] = field(repr=False)
    file: FileSpec
    laws: Mapping[str, LawSpec]
    problem: ProblemSpec | None
    changes: tuple[Change, ...]

    def learned(self) -> dict[str, LearnedSpec]:
        """Return the laws that are to be learned, by their names."""
        return {name: law for name, law in self.laws.items() if isinstance(law, LearnedSpec)}

    def columns_of_laws(self, table: str) -> frozenset[str]:
        """Return the columns of a table that laws to be learned need."""
        read = (law.columns_read for law in self.learned().values() if law.table == table)
        return frozenset[str]().union(*read)


def read_sections(data: Mapping[str, Any]) -> tuple[Sections | None, list[Mistake]]:
    """Validate the merged keys of a scenario file; return what they say, None with every mistake in them."""
    file, mistakes = validate(FileSpec, data, ())
    laws = {}
    for name, entry in _entries(data, "surrogates"):
        model: Any = GivenSpec if "formula" in entry else SavedSpec if "file" in entry else LearnedSpec
        laws[str(name)], wrong = validate(model, entry, ("surrogates", name))
        mistakes += wrong
    problem, wrong = _read_problem(data)
    changes = [_read_change(entry, ("changes", place)) for place, entry in _entries(data, "changes")]
    mistakes += [*wrong, *(each for _, told in changes for each in told)]
    if file is not None:
        mistakes += _unfit_solver(file.solver, problem)
    if file is None or mistakes:
        return None, mistakes
    return Sections(
        data, file, cast("Any", laws), problem, tuple(change for change, _ in changes if change)
    ), []


def _entries(data: Mapping[str, Any], section: str) -> Iterator[tuple[str | int, dict[str, Any]]]:
    """Yield the tables of a section by name or place; whatever else stands there is told by the model of the file."""
    below = data.get(section)
    pairs = below.items() if isinstance(below, dict) else enumerate(below if isinstance(below, list) else ())
    yield from ((at, entry) for at, entry in pairs if isinstance(entry, dict))


def _unfit_solver(solver: SolverSpec, problem: ProblemSpec | None) -> Iterator[Mistake]:
    """Yield the keys of ``[solver]`` that the solvers of a kind of problem do not know."""
    if problem is None:
        return
    given = solver.model_fields_set - (set() if solver.deterministic else {"deterministic"})
    for key, (why, kinds_fit) in _FIT.items():
        if key in given and problem.kind not in kinds_fit:
            yield Mistake(("solver", key), f"{why}, not {problem.kind} problems; leave it out")


_TIMED = ("routing", "scheduling")
_FIT = {
    "deterministic": (
        "work is counted, in place of seconds, by the solvers of routing and scheduling",
        _TIMED,
    ),
    "name": ("OR-Tools routing solves routing problems", ("routing",)),
    "days_in_time": ("days in time are of routes and schedules", _TIMED),
}
"""Keys of ``[solver]`` that not all kinds of problems know: what they are of, and the kinds."""


def missing_problem() -> Mistake:
    """Return what is wrong with a scenario that has no problem where one is needed."""
    *others, last = map(repr, kinds())
    message = (
        "the section [problem] is missing; it says what is to be decided: write [problem] with kind = "
        f"{', '.join(others)} or {last}, and the tables and laws of that kind; kanopt fit learns laws without it"
    )
    return Mistake(("problem",), message)


def _read_problem(data: Mapping[str, Any]) -> tuple[ProblemSpec | None, list[Mistake]]:
    section = data.get("problem")
    if not isinstance(section, dict):
        return None, [] if section is not None or data.get("surrogates") else [missing_problem()]
    known, kind = kinds(), section.get("kind")
    if not isinstance(kind, str) or kind not in known:
        what = "is missing" if kind is None else f"unknown kind {kind!r}"
        return None, [Mistake(("problem", "kind"), f"{what}; {nearest(str(kind or ''), known)}")]
    found, mistakes = validate(known[kind], section, ("problem",))
    gaps = () if found is None else found.gaps()
    return found, [*mistakes, *(Mistake(("problem", *key), message) for key, message in gaps)]


def _read_change(entry: Mapping[str, Any], key: Key) -> tuple[Change | None, list[Mistake]]:
    given = [name for name in CHANGES if name in entry]
    if len(given) != 1:
        *others, last = CHANGES
        beside = {name for model in CHANGES.values() for name in model.model_fields} - CHANGES.keys()
        stated = given or [name for name in entry if name not in beside]
        told = f", not {list_names(stated)}" if stated else ""
        return None, [Mistake(key, f"a change has exactly one of {', '.join(others)} and {last}{told}")]
    action = cast("Action", given[0])
    spec, mistakes = validate(CHANGES[action], entry, key)
    if spec is None:
        return None, mistakes
    read = dict(spec)
    named, rows = str(read[action]), {name: read[name] for name in ("where", "row") if name in read}
    if action not in ("set", "scale"):
        return Change(action, named, **rows), []
    table, _, column = named.partition(".")
    if not column:
        message = f"{named!r} must be 'table.column', such as 'vehicles.fuel_price'"
        return None, [Mistake((*key, action), message)]
    return Change(action, table, column, read["to" if action == "set" else "by"], **rows), []


def answered(layers: Layers) -> tuple[Layers, list[Mistake], list[Mistake]]:
    """Return a file with the keys that its answers set, what is wrong with these, and the open questions."""
    entries = layers.data.get("questions", [])
    mistakes, asked = list[Mistake](), list[Mistake]()
    if not isinstance(entries, list):
        told = (
            f"must be a list, not {describe_value(entries)}: write each question under its own [[questions]]"
        )
        return layers, [Mistake(("questions",), told)], asked
    for place, entry in enumerate(entries):
        key: Key = ("questions", place)
        question, wrong = validate(QuestionSpec, entry, key)
        mistakes += wrong
        if question is None:
            continue
        answer, possible = question.answer, question.answers
        if not answer:
            told = f"{question.text} Write answer = {' or '.join(map(toml_value, possible))}"
            asked.append(Mistake((*key, "answer"), told))
        elif answer in possible:
            layers, wrong = _with_answer(layers, (*key, "answers", answer), possible[answer])
            mistakes += wrong
        else:
            mistakes += unknown((*key, "answer"), f"unknown answer {answer!r}", answer, possible)
    return layers, mistakes, asked


def columns_asked_about(data: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Return the columns that the questions of a file ask about, each behind its table.

    Examples
    --------
    >>> ignored = {"tables.stops.ignore": ["rank"]}
    >>> columns_asked_about({"questions": [{"text": "?", "answers": {"ignore": ignored}}]})
    frozenset({('stops', 'rank')})
    """
    answers = [keys for entry in data.get("questions", ()) for keys in entry["answers"].values()]
    said = [(split_key(key), columns) for keys in answers for key, columns in keys.items()]
    lists = [(key, columns) for key, columns in said if len(key) == 3 and isinstance(columns, list)]
    ignored = [(key[1], columns) for key, columns in lists if (key[0], key[2]) == ("tables", "ignore")]
    return frozenset((table, str(column)) for table, columns in ignored for column in columns)


def _with_answer(layers: Layers, key: Key, keys: Mapping[str, Any]) -> tuple[Layers, list[Mistake]]:
    """Set the keys of an answer that stands under `key`, and note that they stand there."""
    data, positions, mistakes = dict(layers.data), dict(layers.key_positions), list[Mistake]()
    document, place = layers.place(key)
    for word, value in keys.items():
        target, known = split_key(word), set(paths(data))
        try:
            data = with_value(data, target, value)
        except NoTableError as error:
            mistakes.append(Mistake((*key, word), str(error)))
            continue
        positions |= dict.fromkeys(set(paths(data)) - known, (document, (*place, word)))
        positions.setdefault(target, (document, (*place, word)))
    return replace(layers, data=data, key_positions=positions), mistakes


class NoTableError(ValueError):
    """A key lies below something that is no table."""


def with_value(data: Mapping[str, Any], key: Key, value: Any, depth: int = 1) -> dict[str, Any]:
    """Return a table with a key set: what a list has already stays in it, and so do the keys of a table.

    Raises
    ------
    NoTableError
        If the key lies below something that is no table.
    """
    name, old = str(key[depth - 1]), data.get(str(key[depth - 1]))
    if depth < len(key):
        if old is not None and not isinstance(old, dict):
            raise NoTableError(f"sets a key below {write_key(key[:depth])}, which is no table")
        return {**data, name: with_value(old or {}, key, value, depth + 1)}
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
    rules = [column for column in found.striking if column.is_rule]
    if not (rules := [column for column in rules if (table, column.name) not in asked_about]):
        return None
    asked = replace(found, striking=tuple(rules), others=())
    ignored = Setting("ignore", [column.name for column in rules])
    meant = ("where that is meant, write ", asked.renaming, "; ") if asked.renaming.fields else ()
    under = f" under [{write_key(('tables', table))}]"
    what = f"{asked.sentence}, and {'they look like rules' if len(rules) > 1 else 'it looks like a rule'}"
    advice = (*meant, "for what means nothing to the plan, write ", ignored, under)
    return Fault(found.table, what, advice=advice)
