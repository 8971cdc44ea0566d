"""A scenario: tables, laws and a problem, with the changes of a what-if."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from kanopt.display import Facts, Fold, Part, Shown
from kanopt.errors import Issue, KanoptError, ScenarioError, nearest
from kanopt.faults import WHOLE_TEXT, Fault, describe_value, is_whole, said
from kanopt.formulas import Formula, parse_formula
from kanopt.formulas.parameters import parameters_of
from kanopt.plans.base import Problem, told_elsewhere
from kanopt.records.unread_columns import UnreadColumns, columns_of, unread_columns
from kanopt.scenarios.changes import Change, Value, cell_text, change_mistakes, field_defaults, in_cells
from kanopt.scenarios.events import OnEvent
from kanopt.scenarios.files.laws import (
    binding_mistakes,
    dimension_remarks,
    given_laws,
    laws_built_on,
    unit_remarks,
)
from kanopt.scenarios.files.layers import Key, Layers, Mistake, write_key
from kanopt.scenarios.files.problem_spec import ProblemInputs, ProblemSpec
from kanopt.scenarios.files.sections import (
    GivenSpec,
    LawSpec,
    LearnedSpec,
    NoTableError,
    ReportSpec,
    SavedSpec,
    Sections,
    SolverSpec,
    answered,
    columns_asked_about,
    missing_problem,
    question_about,
    read_sections,
    with_value,
)
from kanopt.tables import report_of
from kanopt.tables.row_rules import RowRules
from kanopt.text import count_text, list_names, shorten

# Changes of what a file says besides tables: keys of the problem and the solver, laws and their constants.
#
# A key is set in what the file says, and the file is read again, so that its models judge the change. A law
# is scaled, or a constant of it set, once it is there.


def changed_sections(
    sections: Sections, drafts: Mapping[str, Formula], change: Change
) -> tuple[Sections, list[Mistake]]:
    """Return what a file says with a key or a law changed, and what is wrong with the change.

    Parameters
    ----------
    sections
        What it says.
    drafts
        Its laws as far as they are known before any is learned.
    change
        The change.
    """
    found = sections
    if change.action not in ("set", "scale") or change.where:
        told = "keys and laws are set or scaled, without where; rows of tables have the others"
        wrong_with = [f"{change.table}: {told}"]
    elif change.table == "surrogates":
        wrong_with = [_wrong_law(sections.laws, drafts, change)]
    elif wrong := _not_changeable(sections, change):
        wrong_with = [f"{change.path}: {wrong}"]
    else:
        found, wrong_with = _with_key(sections, drafts, change)
    return found, [Mistake((change.action,), message) for message in dict.fromkeys(filter(None, wrong_with))]


def _with_key(
    sections: Sections, drafts: Mapping[str, Formula], change: Change
) -> tuple[Sections, list[str]]:
    key: Key = (change.table, *change.column.split("."))
    value = change.value
    if change.action == "scale":
        value = _value(sections, change) * float(change.value or 0.0)
    try:
        read, mistakes = read_sections(with_value(sections.data, key, value))
    except NoTableError as error:
        return sections, [str(error)]
    if read is not None and read.problem is not None and change.table == "problem":
        every = binding_mistakes(read.problem, read.laws, drafts)
        mistakes += [mistake for mistake in every if mistake.key == key]
    # whatever is wrong came with this change
    return read or sections, [f"{write_key(mistake.key)}: {mistake.message}" for mistake in mistakes]


def _not_changeable(sections: Sections, change: Change) -> str:
    """Say why no single value stands at a key, or none that can be scaled; empty where one does."""
    words = change.column.split(".")
    problem = sections.problem if change.table == "problem" else None
    if problem is not None and words[0] in {"kind", "today", *problem.parts()}:
        return "what is decided and which tables are read is no what-if; write another file with this one as base"
    before = _value(sections, change)
    if change.action == "scale" and (isinstance(before, bool) or not isinstance(before, (int, float))):
        holds = "nothing" if before is None else describe_value(before)
        return f"it holds {holds}, and only a number can be scaled; use set instead of scale"
    if before is None or isinstance(before, (int, float, str, date)) or hasattr(before, "scope"):
        return ""
    inside = sorted(before) if isinstance(before, Mapping) else [*getattr(type(before), "model_fields", ())]
    inner = f"; it has {', '.join(map(str, inside))}" if inside else ""
    return f"it is no value but several of them{inner}"


def _value(sections: Sections, change: Change) -> Any:
    """Return what stands at the key of a change, its default where it is left out; None for nothing."""
    roots = {"solver": sections.file.solver, "problem": sections.problem, "surrogates": sections.laws}
    found: Any = roots[change.table]
    for word in change.column.split("."):
        found = found.get(word) if isinstance(found, Mapping) else getattr(found, word, None)
    return found


def _wrong_law(laws: Mapping[str, LawSpec], drafts: Mapping[str, Formula], change: Change) -> str:
    """Say why a law, or a constant of it, cannot be changed so; empty where it can."""
    (name, _, constant), number = change.column.partition("."), change.value
    if name not in laws:
        return f"there is no law {name!r}; {nearest(name, laws)}"
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return f"a law is changed by numbers, not by {describe_value(number)}"
    if change.action == "set" and not constant:
        told = f"name one of its constants, as surrogates.{name}.c1, or scale the law as a whole"
        return f"law {name!r}: {told}"
    if change.action == "scale" and number < 0:
        return f"a law is multiplied by zero or more, not by {number:g}"
    try:
        if name in drafts and not isinstance(laws[name], LearnedSpec):
            altered_law(name, drafts[name], [change])
    except KanoptError as error:
        return f"law {name!r}: {error}"
    return ""


def altered_law(name: str, law: Formula, changes: Iterable[Change]) -> Formula:
    """Return a law with the changes of it made, one after another; each as the file names it.

    Raises
    ------
    FormulaError
        If it has no constant of a name.
    """
    for change in changes:
        (changed, _, constant), number = change.column.partition("."), change.value
        if change.table != "surrogates" or changed != name:
            continue
        assert isinstance(number, (int, float))
        if not constant:
            law = parse_formula(f"{float(number)!r} * {name}", [], law.output, {name: law}, law.per)
            continue
        before = parameters_of(law.root).get(constant, 1.0) if change.action == "scale" else 1.0
        law = law.fixed({constant: before * number})
    return law


_UNTOLD = ("scenario", "report", "changes")
"""Sections that change no plan, and the one that is told by its changes."""


def key_changes(was: Mapping[str, Any], now: Mapping[str, Any], key: Key = ()) -> Iterator[str]:
    """Yield a sentence for each key in which two files differ."""
    for name in dict.fromkeys([*now, *was]):
        old, new, here = was.get(name), now.get(name), (*key, name)
        if old == new or here[0] in _UNTOLD:
            continue
        lists = [each if isinstance(each, list) else [each] for each in (old, new)]
        before, after = (", ".join(map(cell_text, each)) for each in lists)
        if here[0] in ("tables", "surrogates") and len(here) == 2 and None in (old, new):
            yield f"{write_key(here)} is {'new' if old is None else 'gone'}"
        elif isinstance(old or new, Mapping) and isinstance(new or old, Mapping):
            yield from key_changes(old or {}, new or {}, here)
        elif None in (old, new):
            yield f"{write_key(here)} is {f'set to {after}' if old is None else f'no longer {before}'}"
        else:
            yield f"{write_key(here)} is {after} instead of {before}"


Where = Mapping[str, Value | tuple[Value, ...]]


@dataclass(frozen=True, eq=False, repr=False)
class Scenario(Shown):
    """Everything a scenario file says, checked; unchangeable. A what-if is a new scenario made from it.

    Read one with :func:`~kanopt.scenarios.load_scenario`. Laws are learned from the tables as they were read; the
    changes alter what the problem reads.

    Parameters
    ----------
    name
        As in ``[scenario]``.
    tables
        The tables as read, before any change.
    sections
        What the file says besides tables, with all changes made.
    drafts
        Every law as the file was checked with it: as it is, or a stand-in where it is still to be learned or is built
        on one that is.
    report
        The section of this name.
    layers
        The files, for messages.
    changes
        What is changed, in this order.
    told
        A sentence for each of them.
    altered
        The tables that they altered.
    lenient
        Whether it goes on without answers.
    open_questions
        Those that the file asks, where it goes on without answers.
    """

    name: str
    tables: Mapping[str, pd.DataFrame]
    sections: Sections
    drafts: Mapping[str, Formula]
    report: ReportSpec
    layers: Layers = field(repr=False)
    changes: tuple[Change, ...] = ()
    told: tuple[str, ...] = ()
    altered: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    lenient: bool = False
    open_questions: tuple[Issue, ...] = ()

    @property
    def path(self) -> Path:
        """The scenario file."""
        return self.layers.path

    @property
    def description(self) -> str:
        """What the file says of itself."""
        return self.sections.file.scenario.description

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        return self.sections.file.scenario.seed

    @property
    def problem_spec(self) -> ProblemSpec | None:
        """The section ``[problem]``; None in a file of laws alone. Read it as :attr:`problem`."""
        return self.sections.problem

    @property
    def solver(self) -> SolverSpec:
        """Limits of the search."""
        return self.sections.file.solver

    @property
    def laws(self) -> Mapping[str, LawSpec]:
        """How each law is had: learned, written by hand, or read from a file."""
        return self.sections.laws

    @property
    def problem(self) -> ProblemSpec:
        """What is to be decided.

        Raises
        ------
        ScenarioError
            If the file has laws alone.
        """
        if self.problem_spec is None:
            raise self.layers.error([missing_problem()])
        return self.problem_spec

    @property
    def kind(self) -> str:
        """What is to be decided: ``"routing"``, ``"scheduling"``, ``"supply"`` or ``"decision"``."""
        return self.problem.kind

    @property
    def changed(self) -> Mapping[str, pd.DataFrame]:
        """The tables with all changes made: what the problem reads."""
        return {**self.tables, **self.altered}

    def set(self, path: str, to: Value, *, where: Where | None = None) -> Scenario:
        """Return the scenario with cells of a column, a key, or a constant of a law set.

        Parameters
        ----------
        path
            ``"table.column"``, by the column's own name or the problem's word for it; a key below ``problem`` or
            ``solver``, as ``"problem.bind.surcharge"`` or ``"solver.time_limit"``; or ``"surrogates.law.constant"``,
            by the name it has in ``formula.pattern``.
        to
            The new value, in the unit of the column.
        where
            Column to the value, or values, a row must have; every row if left out.

        Raises
        ------
        ScenarioError
            If there is no such table, column, row, key or constant, or the value does not belong there.
        """
        table, _, column = path.partition(".")
        return self.with_change(Change("set", table, column, to, where=dict(where or {})))

    def scale(self, path: str, by: float, *, where: Where | None = None) -> Scenario:
        """Return the scenario with something multiplied by a factor; see :meth:`set`.

        A law is multiplied as a whole by ``"surrogates.law"``, and so are those written by hand that name it.
        """
        table, _, column = path.partition(".")
        return self.with_change(Change("scale", table, column, by, where=dict(where or {})))

    def remove(self, table: str, *, where: Where) -> Scenario:
        """Return the scenario with rows of a table taken out; see :meth:`set`."""
        return self.with_change(Change("remove", table, where=dict(where)))

    def add(self, table: str, *, row: Mapping[str, Value]) -> Scenario:
        """Return the scenario with a row added to a table; see :meth:`set`."""
        return self.with_change(Change("add", table, row=dict(row)))

    def named(self, name: str) -> Scenario:
        """Return the scenario under another name.

        Raises
        ------
        ScenarioError
            If no file can hold the name.
        """
        if not is_whole(name):
            raise ScenarioError([Issue(str(self.path), 0, "", f"the name {name!r:.80} must be {WHOLE_TEXT}")])
        return replace(self, name=name)

    def with_change(self, change: Change) -> Scenario:
        """Return the scenario with one more change, named after it, behind a name that :meth:`named` gave.

        Raises
        ------
        ScenarioError
            If the change does not fit the tables.
        """
        made, mistakes = self.after(change)
        if mistakes:
            raise ScenarioError([Issue(str(self.path), 0, str(change), said(m.message)) for m in mistakes])
        is_made = len(self.changes) and self.name.endswith(str(self.changes[-1]))
        name = f"{self.name}, {change}" if is_made or self.name != self.layers.name else str(change)
        # how is searched is no other question
        return made if change.table == "solver" else replace(made, name=name)

    def after(self, change: Change) -> tuple[Scenario, list[Mistake]]:
        """Return the scenario with one more change, under its own name, and what is wrong with the change."""
        if self.problem_spec is None and change.table not in ("solver", "surrogates"):
            message = "changes alter what the problem reads; the section [problem] is missing"
            return self, [Mistake((change.action,), message)]
        made: dict[str, Any]
        if change.is_of_section:
            sections, mistakes = changed_sections(self.sections, self.drafts, change)
            made = {"sections": sections}
            was = None if mistakes else _value(self.sections, change)
            told = "" if mistakes else change.told([] if was is None or isinstance(was, Mapping) else [was])
        else:
            mistakes = list(change_mistakes(change, self.problem, self.changed))
            if mistakes:
                return self, mistakes
            frame, cells = self.changed[change.table], self.in_cells(change)
            told = change.sentence(frame, cells)
            changed = cells.apply(frame, field_defaults(self.problem, change.table, frame))
            made = {"altered": {**self.altered, change.table: changed}}
        return replace(self, changes=(*self.changes, change), told=(*self.told, told), **made), mistakes

    def in_cells(self, change: Change) -> Change:
        """Return a change of a table in the words of the table as it is with all changes made."""
        return in_cells(change, self.problem, self.changed[change.table])

    @property
    def headline(self) -> str:
        """The title of its report, with its own name where it varies another scenario."""
        title = self.report.title or self.name
        varies = bool(self.changes) or len(self.layers.documents) > 1
        return f"{title} – {self.name}" if varies and self.name not in title else title

    def change_sentences(self, base: Scenario | None = None) -> tuple[str, ...]:
        """Say what it changes: cells and rows of tables, bindings, laws and other keys, a sentence each.

        Parameters
        ----------
        base
            What it is compared with; left out, the file at the bottom of its bases, with the tables as they are.
        """
        shared, found = [] if base is None else list(base.changes), list[str]()
        for change, sentence in zip(self.changes, self.told, strict=True):
            if change in shared:
                shared.remove(change)
            else:
                found.append(sentence)
        found += [f"it does without this change of the base: {change}" for change in shared]
        # the answers to its own questions make the file whole, and change nothing
        bottom = self.layers.documents[-1:]
        own = replace(self.layers, documents=bottom, data=bottom[0].data)
        before = answered(own)[0] if base is None else base.layers
        return (*found, *key_changes(before.data, self.layers.data))

    def formulas(self, learned: Mapping[str, Formula]) -> dict[str, Formula]:
        """Return every law, those written by hand with the learned ones put in.

        Raises
        ------
        ScenarioError
            If a formula cannot be read; points at its line.
        """
        changed = [change for change in self.changes if change.table == "surrogates"]
        anew = {*self.sections.learned(), *learned, *(change.column.partition(".")[0] for change in changed)}
        waiting = laws_built_on(self.laws, anew)
        given = {name for name, spec in self.laws.items() if isinstance(spec, GivenSpec)}
        known = {name: law for name, law in self.drafts.items() if name not in waiting or name not in given}
        have = {name: altered_law(name, law, changed) for name, law in {**known, **learned}.items()}
        found, mistakes = given_laws(self.laws, have, alter=partial(altered_law, changes=changed))
        if mistakes:
            raise self.layers.error(mistakes)
        return found

    def problem_inputs(self, formulas: Mapping[str, Formula]) -> ProblemInputs:
        """Return what the problem is built from."""
        return ProblemInputs(self.changed, formulas, self.problem)

    def build(self, formulas: Mapping[str, Formula]) -> Problem[Any]:
        """Return the problem with these laws; it is built once for the same ones.

        Raises
        ------
        ProblemError, FormulaError, UnitError
            If tables and laws do not fit together.
        """
        used = [formulas[name] for name in self.problem.law_uses().values()]
        known: tuple[list[Formula], Problem[Any]] | None = self.__dict__.get("_built")
        if known is None or not all(map(operator.is_, known[0], used)):
            with told_elsewhere():  # a scenario tells of it in the words of its file
                known = used, self.problem.build(self.problem_inputs(formulas))
            self.__dict__["_built"] = known
        return known[1]

    def check(self, *, planning: bool = False) -> None:
        """Build the problem with stand-ins for the laws to be learned, so that mistakes in the data show at once.

        Today's plan is read as well, except under changes, which may take away what it names. Of a scenario without
        a problem the laws are checked.

        Parameters
        ----------
        planning
            Whether a scenario without a problem is refused.

        Raises
        ------
        ScenarioError
            With everything that was found.
        """
        question = self.problem if planning else self.problem_spec
        if question is None:
            return
        try:
            built = self.build(self.drafts)
        except KanoptError as error:
            raise self.layers.error(question.mistakes_of(error)) from error
        if not self.lenient and (asked := self._asked_columns()):
            raise ScenarioError(asked)
        if self.changes:
            return
        try:
            question.read_today(built, self.problem_inputs(self.drafts))
        except KanoptError as error:
            raise self.layers.error_at(("problem", "today"), error) from error

    def unanswered(self) -> tuple[Issue, ...]:
        """Return what it goes on without: open questions, and columns that look like a rule and are not read.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        return (*self.open_questions, *self._asked_columns()) if self.lenient else ()

    def rule_columns(self) -> list[tuple[str, str]]:
        """Return the columns that nothing reads and that look like a rule, each behind its part of the problem."""
        striking = [(each.table, column) for each in self._unread_columns for column in each.striking]
        return [(table, column.name) for table, column in striking if column.is_rule]

    def _asked_columns(self) -> tuple[Issue, ...]:
        parts = {} if self.problem_spec is None else self.problem_spec.parts()
        known = columns_asked_about(self.layers.data)
        asked = [question_about(each, parts[each.table].table, known) for each in self._unread_columns]
        return self._issues(filter(None, asked))

    @cached_property
    def _unread_columns(self) -> tuple[UnreadColumns, ...]:
        """The columns that neither the problem, a law to be learned nor a rule of their table reads."""
        if self.problem_spec is None:
            return ()
        parts, uses = self.problem.parts(), []
        for use in self.build(self.drafts).table_uses():
            if use.table not in parts:  # a table that may be left out
                continue
            part = parts[use.table]
            entry, frame = self.sections.file.tables[part.table], self.changed[part.table]
            read = RowRules(entry.derive, entry.drop_where).names()
            read |= self.sections.columns_of_laws(part.table)
            # a column that is called like a field which another column fills is read by nothing
            displaced = {*part.columns} - {*part.columns.values()} - read
            unread = [column for column in use.unread if column.name not in read]
            unread += columns_of(frame, [name for name in map(str, frame.columns) if name in displaced])
            uses.append(replace(use, unread=tuple(unread)))
        return unread_columns(uses)

    def _issues(self, found: Iterable[Fault | Mistake | str]) -> tuple[Issue, ...]:
        """Return what is told of the problem, each where it stands in the files; a text is about all of it."""
        plain = [Mistake(("problem",), each) if isinstance(each, str) else each for each in found]
        told = ([each] if isinstance(each, Mistake) else self.problem.keyed([each]) for each in plain)
        return tuple(self.layers.issue(mistake) for mistakes in told for mistake in mistakes)

    def remarks(self) -> tuple[Issue, ...]:
        """Return what is no mistake but may be one: columns that nothing reads, unusual numbers, :meth:`law_remarks`.

        Named are columns that look like a field or are a word of planning; :meth:`notes` has the others.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        unread = [each.fault() for each in self._unread_columns if each.striking]
        unusual = () if self.problem_spec is None else self.build(self.drafts).questions()
        return (*self._issues([*unread, *unusual]), *self.law_remarks())

    def law_remarks(self) -> tuple[Issue, ...]:
        """Return laws without units, and laws by hand whose units do not agree."""
        found = [] if self.problem_spec is None else unit_remarks(self.problem_spec, self.drafts)
        return self._issues([*found, *dimension_remarks(self.laws, self.drafts)])

    def reading_notes(self) -> tuple[Issue, ...]:
        """Return what became of rows and cells of the tables when they were read, at most two lines for each."""
        told = {name: report_of(frame).remarks() for name, frame in self.tables.items()}
        return self._issues(Mistake(("tables", name), each) for name, every in told.items() for each in every)

    def notes(self) -> tuple[Issue, ...]:
        """Return :meth:`reading_notes`, what is assumed, and tables with columns that nothing reads.

        Those look like nothing kanopt knows; :meth:`remarks` has the others.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        assumed = () if self.problem_spec is None else self.build(self.drafts).assumptions()
        unread = [each.fault() for each in self._unread_columns if not each.striking]
        return (*self.reading_notes(), *self._issues([*assumed, *unread]))

    def unreachable(self) -> tuple[Issue, ...]:
        """Return what no road or lane of the problem leads to; laws need not be learned for it.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        return () if self.problem_spec is None else self._issues(self.build(self.drafts).unreachable())

    def run(
        self,
        *,
        seed: int | None = None,
        time_limit: float | None = None,
        progress: OnEvent | None = None,
        relearn: bool = False,
    ) -> Any:
        """Learn the laws, build the problem, solve it and explain the plan.

        Parameters
        ----------
        seed, time_limit
            In place of those of the file; seconds.
        progress
            Called with an :class:`~kanopt.scenarios.Event` at each stage and incumbent.
        relearn
            Learn laws anew that were learned before from the same rows in the same way, and are kept on disk.

        Returns
        -------
        Run
            The plan with all that is behind it.

        Raises
        ------
        ScenarioError
            If tables, laws and problem do not fit together.
        FormulaError
            If a law predicts too poorly to be used.
        """
        # a run imports scenarios, which call it by its name
        run: Any = import_module("kanopt.scenarios.run").run
        return run(self, seed=seed, time_limit=time_limit, progress=progress, relearn=relearn)

    def _shown(self) -> Iterator[Part]:
        kind = "laws alone" if self.problem_spec is None else self.kind
        yield f"{self.name} ({kind}, {self.path})"
        yield from (f"  change: {change}" for change in self.changes)
        tables = []
        for name, frame in self.tables.items():
            columns = list_names(list(map(str, frame.columns)), 8, quoted=False)
            tables.append((name, f"{count_text(len(frame), 'row')}: {columns}"))
        laws = [(name, _origin(spec)) for name, spec in self.laws.items()]
        yield Fold(count_text(len(tables), "table"), (Facts(tuple(tables)),))
        yield Fold(count_text(len(laws), "law"), (Facts(tuple(laws)),))


def _origin(spec: LawSpec) -> str:
    """Say how a law is had."""
    match spec:
        case LearnedSpec(target=target, table=table, features=features):
            return f"learned: {target} of table {table} from {list_names(list(features), 8, quoted=False)}"
        case GivenSpec(formula=text):
            return f"written by hand: {shorten(text, 200)}"
        case SavedSpec(file=file):
            return f"read from {file}"
