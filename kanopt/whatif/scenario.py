"""A scenario: tables, laws and a problem, with the changes of a what-if."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.display import Facts, Fold, Part, Shown
from kanopt.errors import Issue, KanoptError, ScenarioError
from kanopt.faults import said
from kanopt.problems.base import told_elsewhere
from kanopt.text import count_text, list_names, shorten
from kanopt.validation import WHOLE_TEXT, is_whole
from kanopt.whatif.changes import Change, Value
from kanopt.whatif.events import OnEvent
from kanopt.whatif.given_laws import given_laws, laws_built_on
from kanopt.whatif.scenario_files.columns import (
    change_mistakes,
    field_columns,
    field_defaults,
    unread_of_scenario,
    written_as_cells,
)
from kanopt.whatif.scenario_files.laws import dimension_remarks, unit_remarks
from kanopt.whatif.scenario_files.layers import Layers, Mistake, split_messages
from kanopt.whatif.scenario_files.problem_spec import ProblemInputs, ProblemSpec
from kanopt.whatif.scenario_files.sections import columns_asked_about, missing_problem, question_about
from kanopt.whatif.scenario_files.spec import (
    GivenSpec,
    LawSpec,
    LearnedSpec,
    ReportSpec,
    SavedSpec,
    SolverSpec,
    SweepSpec,
)
from kanopt.whatif.section_changes import (
    ChangedSections,
    altered_law,
    change_sentences,
    checked_with_laws,
    make_section_changes,
)

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula
    from kanopt.problems.base import Problem
    from kanopt.records.unread_columns import UnreadColumns
    from kanopt.whatif.run import Run

Where = Mapping[str, Value | tuple[Value, ...]]


@dataclass(frozen=True, eq=False, repr=False)
class Scenario(Shown):
    """Everything a scenario file says, checked; unchangeable. A what-if is a new scenario made from it.

    Read one with :func:`~kanopt.whatif.load_scenario`. Laws are learned from the tables as they were read; the
    changes alter what the problem reads.

    Parameters
    ----------
    name, description, seed
        As in ``[scenario]``.
    tables
        The tables as read, before any change.
    sections
        The problem, the solver and how each law is had, before any change.
    drafts
        Every law as the file was checked with it: as it is, or a stand-in where it is still to be learned or is built
        on one that is.
    report
        The section of this name.
    sweep_spec
        The section ``[sweep]``: what a sweep varies; None where there is none.
    changes
        What is changed, in this order.
    layers
        The files, for messages.
    lenient
        Whether it goes on without answers.
    open_questions
        Those that the file asks, where it goes on without answers.
    """

    name: str
    description: str
    seed: int
    tables: Mapping[str, pd.DataFrame]
    sections: ChangedSections
    drafts: Mapping[str, Formula]
    report: ReportSpec
    sweep_spec: SweepSpec | None
    changes: tuple[Change, ...]
    layers: Layers = field(repr=False)
    lenient: bool = False
    open_questions: tuple[Issue, ...] = ()

    @property
    def path(self) -> Path:
        """The scenario file."""
        return self.layers.path

    @cached_property
    def changed_sections(self) -> ChangedSections:
        """The problem, the solver and the laws with all changes made."""
        return make_section_changes(self.sections, dict(enumerate(self.changes)))[0]

    @property
    def problem_spec(self) -> ProblemSpec | None:
        """The section ``[problem]``; None in a file of laws alone. Read it as :attr:`problem`."""
        return self.changed_sections.problem

    @property
    def solver(self) -> SolverSpec:
        """Limits of the search."""
        return self.changed_sections.solver

    @property
    def laws(self) -> Mapping[str, LawSpec]:
        """How each law is had: learned, written by hand, or read from a file."""
        return self.changed_sections.laws

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

    @cached_property
    def changed(self) -> Mapping[str, pd.DataFrame]:
        """The tables with all changes made: what the problem reads."""
        frames = dict(self.tables)
        for change in self.changes:
            if not change.is_of_section:
                frames[change.table] = _changed(change, self.problem, frames[change.table])
        return frames

    def set(self, path: str, to: Value, *, where: Where | None = None) -> Scenario:
        """Return the scenario with cells of a column, a key, or a constant of a law set.

        Parameters
        ----------
        path
            ``"table.column"``, by the column's own name or the problem's word for it; a key below ``problem`` or
            ``solver``, as ``"problem.bind.surcharge"`` or ``"solver.time_limit"``; or ``"surrogates.law.constant"``,
            by the name it has in ``formula.pattern``, and ``"surrogates.law.formula"`` of one written by hand.
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

    def open(self, table: str, *, where: Where) -> Scenario:
        """Return the scenario with sites open that a plan may choose to close; see :meth:`set`."""
        return self.with_change(Change("open", table, where=dict(where)))

    def close(self, table: str, *, where: Where) -> Scenario:
        """Return the scenario with sites closed; they stay in the table, so that plans can still name them."""
        return self.with_change(Change("close", table, where=dict(where)))

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
        if change.is_of_section:
            sections, mistakes = self.changed_sections.changed(change)
            mistakes = mistakes or list(checked_with_laws(sections, self.drafts, change))
        else:
            mistakes = list(change_mistakes(change, self.problem, self.changed, self.tables))
        if mistakes:
            raise ScenarioError([Issue(str(self.path), 0, str(change), said(m.message)) for m in mistakes])
        changes = (*self.changes, change)
        made = len(self.changes) and self.name.endswith(str(self.changes[-1]))
        name = f"{self.name}, {change}" if made or self.name != self.layers.name else str(change)
        if change.table == "solver":  # how is searched is no other question
            name = self.name
        return replace(self, changes=changes, name=name)

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
        return change_sentences(self, base)

    def formulas(self, learned: Mapping[str, Formula]) -> dict[str, Formula]:
        """Return every law, those written by hand with the learned ones put in.

        Raises
        ------
        ScenarioError
            If a formula cannot be read; points at its line.
        """
        changed = [change for change in self.changes if change.table == "surrogates"]
        anew = {name for name, spec in self.laws.items() if isinstance(spec, LearnedSpec)}
        anew |= {*learned, *(change.column.partition(".")[0] for change in changed)}
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
            raise self.layers.error(
                Mistake(("problem", "today"), line) for line in split_messages(error)
            ) from error

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
        unread = [] if self.problem_spec is None else self._unread_columns()
        return [(each.table, column.name) for each in unread for column in each.striking if column.is_rule]

    def _asked_columns(self) -> tuple[Issue, ...]:
        if self.problem_spec is None:
            return ()
        parts = self.problem_spec.parts()
        known = columns_asked_about(self.layers.data)
        asked = [question_about(each, parts[each.table].table, known) for each in self._unread_columns()]
        told = self.problem_spec.keyed(fault for fault in asked if fault is not None)
        return tuple(self.layers.issue(question) for question in told)

    def _unread_columns(self) -> tuple[UnreadColumns, ...]:
        """Return the columns that nothing reads, looked for once."""
        if "_unread_found" not in self.__dict__:
            built = self.build(self.drafts)
            self.__dict__["_unread_found"] = unread_of_scenario(
                self.problem, built, self.changed, self.laws, self.layers.data["tables"]
            )
        found: tuple[UnreadColumns, ...] = self.__dict__["_unread_found"]
        return found

    def remarks(self) -> tuple[Issue, ...]:
        """Return what is no mistake but may be one: columns that nothing reads, unusual numbers, :meth:`law_remarks`.

        Named are columns that look like a field or are a word of planning; :meth:`notes` has the others.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        return (*self._unread(striking=True), *self._unusual(), *self.law_remarks())

    def law_remarks(self) -> tuple[Issue, ...]:
        """Return laws without units, and laws by hand whose units do not agree."""
        found = [] if self.problem_spec is None else list(unit_remarks(self.problem_spec, self.drafts))
        found += dimension_remarks(self.laws, self.drafts)
        return tuple(self.layers.issue(remark) for remark in found)

    def reading_notes(self) -> tuple[Issue, ...]:
        """Return what became of rows and cells of the tables when they were read, at most two lines for each."""
        from kanopt.tables import report_of

        told = [
            Mistake(("tables", name), remark)
            for name, frame in self.tables.items()
            for remark in report_of(frame).remarks()
        ]
        return tuple(self.layers.issue(note) for note in told)

    def notes(self) -> tuple[Issue, ...]:
        """Return :meth:`reading_notes`, what is assumed, and tables with columns that nothing reads.

        Those look like nothing kanopt knows; :meth:`remarks` has the others.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        read = self.reading_notes()
        if self.problem_spec is None:
            return read
        built = self.build(self.drafts)
        assumed = [self.layers.issue(Mistake(("problem",), text)) for text in built.assumptions()]
        return (*read, *assumed, *self._unread(striking=False))

    def _unread(self, *, striking: bool) -> tuple[Issue, ...]:
        if self.problem_spec is None:
            return ()
        found = [each.fault() for each in self._unread_columns() if bool(each.striking) == striking]
        told = self.problem_spec.keyed(found)
        return tuple(self.layers.issue(remark) for remark in told)

    def _unusual(self) -> tuple[Issue, ...]:
        """Return questions about numbers that are unusual for what they measure."""
        if self.problem_spec is None:
            return ()
        asked = self.problem_spec.keyed(self.build(self.drafts).questions())
        return tuple(self.layers.issue(question) for question in asked)

    def unreachable(self) -> tuple[Issue, ...]:
        """Return what no road or lane of the problem leads to; laws need not be learned for it.

        Raises
        ------
        KanoptError
            If the problem cannot be built; :meth:`check` says why.
        """
        if self.problem_spec is None:
            return ()
        built = self.build(self.drafts)
        return tuple(self.layers.issue(Mistake(("problem",), text)) for text in built.unreachable())

    def run(
        self,
        *,
        seed: int | None = None,
        time_limit: float | None = None,
        progress: OnEvent | None = None,
        relearn: bool = False,
        variants: bool | None = None,
        on_time: float | None = None,
    ) -> Run:
        """Learn the laws, build the problem, solve it and explain the plan.

        Parameters
        ----------
        seed, time_limit
            In place of those of the file; seconds.
        progress
            Called with an :class:`~kanopt.whatif.Event` at each stage and incumbent.
        relearn
            Learn laws anew that were learned before from the same rows in the same way, and are kept on disk.
        variants
            Whether other fleets and demands are planned too, so that the report shows them: those that ``[report]``
            names, else the usual ones of the kind of problem. They and the plan as it is are searched twice each, for
            as long as one search may take. Left out, as the file says.
        on_time
            The share of days on which every client with a window is to be served in time, and vehicles are to be back,
            by other routes where departures are not enough. The plan is then that of :func:`~kanopt.solve_on_time`, and
            no variants stand beside it.

        Raises
        ------
        ScenarioError
            If tables, laws and problem do not fit together.
        FormulaError
            If a law predicts too poorly to be used.
        """
        from kanopt.whatif.questions.compare import run_with_variants
        from kanopt.whatif.run import run

        if on_time is not None and variants:
            message = "variants are planned without promises; leave variants or on_time out"
            raise ScenarioError([Issue(str(self.path), 0, "on_time", message)])
        said = self.report.usual_variants or bool(self.report.variants)
        if on_time is None and (variants or (variants is None and said)):
            return run_with_variants(
                self, seed=seed, time_limit=time_limit, progress=progress, relearn=relearn
            )
        return run(
            self, seed=seed, time_limit=time_limit, progress=progress, relearn=relearn, on_time=on_time
        )

    def _shown(self) -> Iterator[Part]:
        kind = "laws alone" if self.problem_spec is None else self.kind
        yield f"{self.name} ({kind}, {self.path})"
        yield from (f"  change: {change}" for change in self.changes)
        tables = [
            (
                name,
                f"{count_text(len(frame), 'row')}: {list_names(list(map(str, frame.columns)), 8, quoted=False)}",
            )
            for name, frame in self.tables.items()
        ]
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


def mistakes_of_changes(
    changes: Mapping[int, Change], problem: ProblemSpec, tables: Mapping[str, pd.DataFrame]
) -> list[Mistake]:
    """Make the changes one after the other; return what is wrong with each."""
    frames, found = dict(tables), list[Mistake]()
    for place, change in changes.items():
        if change.is_of_section:
            continue
        wrong = list(change_mistakes(change, problem, frames, tables))
        found += [Mistake(("changes", place, *mistake.key), mistake.message) for mistake in wrong]
        if not wrong:
            frames[change.table] = _changed(change, problem, frames[change.table])
    return found


def _changed(change: Change, problem: ProblemSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a change made, new cells filled as the problem reads cells that are not there."""
    words, defaults = field_columns(problem, change.table), field_defaults(problem, change.table, frame)
    return written_as_cells(change, problem, frame).apply(frame, words, defaults)
