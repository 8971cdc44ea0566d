"""Asking at points: which are done, in which order the others follow, who does them, and what came of them."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd

from kanopt.errors import KanoptError
from kanopt.faults import LARGEST
from kanopt.formulas import Formula
from kanopt.interrupt import Interrupt
from kanopt.parallel import how_far
from kanopt.plans.base import Plan, Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Result, evaluate
from kanopt.questions.answer import Answer
from kanopt.questions.axes import Axis, check_word, value_text
from kanopt.questions.point import BASE, REFUSED, REPEAT, PointResult, Verdict, of_kept, point_of
from kanopt.questions.point_search import Hands, Task, do_task, hands_of
from kanopt.questions.question import (
    PLANS,
    Place,
    PlanChoice,
    Prepared,
    Question,
    SweepOptions,
    base_results,
    prepare,
    refuse_no_plan,
)
from kanopt.questions.store import SweepStore, open_store
from kanopt.records.reading import RecordReader
from kanopt.routing.entities import VehicleType
from kanopt.routing.leg_laws import DURATION
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.simulate.referee import PRICE_FIELDS
from kanopt.scenarios.changes import Change, change_mistakes, field_columns
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.run import environment
from kanopt.scenarios.scenario import Scenario
from kanopt.tables import report_of, units_of, with_units
from kanopt.text import count_text, money_text

# One plan priced at many points at once, where only prices of vehicles change.

_MOST_LEGS = 4_000_000
"""Legs that are priced together; beyond, memory would tell."""


_BELOW_ZERO = "a cost law is below zero somewhere and counted as 0"


def price_at_once(
    question: Question, problem: Problem[Any], plan: Plan, points: Sequence[int]
) -> list[PointResult] | None:
    """Return a plan priced at points, all at once; None where that cannot be: then each point is asked alone.

    Parameters
    ----------
    question
        What varies.
    problem, plan
        At the base of it.
    points
        Numbers of points.
    """
    if not _changes_prices_alone(question, problem, plan):
        return None
    base = evaluate(problem, plan)
    assessment: Any = base.assessment
    found = of_kept(-1, base)
    size = max(1, _MOST_LEGS // max(1, len(assessment.simulation.tail)))
    priced: list[PointResult] = []
    for start in range(0, len(points), size):
        chunk = points[start : start + size]
        fleets = _fleets(question, chunk)
        if fleets is None:
            return None
        try:
            terms, below = assessment.prices_of_fleets(fleets)
        except KanoptError:  # a law has no value at one of them, which asked alone says so
            return None
        for place, point in enumerate(chunk):
            amounts = {term: float(values[place]) for term, values in terms.items()}
            price, caveat = math.fsum(amounts.values()), _BELOW_ZERO if below[place] else found.caveat
            prices: dict[str, Any] = {
                "objective": price,
                "kept_objective": price,
                "terms": amounts,
                "kept_terms": amounts,
            }
            priced.append(replace(found, point=point, caveat=caveat, result=None, **prices))
    return priced


def _changes_prices_alone(question: Question, problem: Problem[Any], plan: Plan) -> bool:
    """Say whether all that varies are prices of vehicles, which neither rules nor times nor the plan read."""
    changes = [axis.change(axis.values.items[0]) for axis in question.axes]
    spec = question.scenario.problem
    if not isinstance(problem, RoutingProblem) or any(change.is_of_section for change in changes):
        return False
    if any(list(spec.parts_of(change.table)) != ["vehicles"] for change in changes):
        return False
    times = problem.leg_laws.formulas().get(DURATION)
    read = {str(reference) for reference in (times.references if times is not None else ())}
    if problem.policy.service is not None:
        read |= {str(reference) for reference in problem.policy.service.references}
    rules = spec.fields_of("vehicles") - PRICE_FIELDS | frozenset(problem.policy.capacities)
    varied = [_field(question, change) for change in changes]
    if any(field in rules or f"vehicle.{field}" in read for field in varied):
        return False
    if any(_field(question, change, name) in varied for change in changes for name in change.where):
        return False  # which rows change depends on what changes
    # departures and breaks that are open are chosen by price
    is_open = any(route.departure is None for route in plan.routes)  # type: ignore[attr-defined]
    return not is_open and not any(vehicle.breaks for vehicle in problem.vehicles)


def _field(question: Question, change: Change, name: str | None = None) -> str:
    """Return the name under which the problem reads a column of a change; left out, the one that is changed."""
    named = change if name is None else Change("set", change.table, name, 0)
    words = field_columns(question.scenario.problem, change.table)
    column = question.scenario.in_cells(named).column
    return next((field for field, own in words.items() if own == column), column)


def _fleets(question: Question, points: Sequence[int]) -> list[Sequence[VehicleType]] | None:
    """Read the vehicles of many points as one table; None where something in it is refused."""
    scenario = question.scenario
    part = scenario.problem.parts()["vehicles"]
    frame, words = scenario.changed[part.table], field_columns(scenario.problem, part.table)
    kinds, count = len(frame), len(points)
    wide = frame.iloc[np.tile(np.arange(kinds), count)].reset_index(drop=True)
    for number, axis in enumerate(question.axes):
        given = [value for point in points if (value := question.points[point][number]) is not None]
        first = axis.change(given[0])
        if list(change_mistakes(first, scenario.problem, scenario.changed)):
            return None
        cells = scenario.in_cells(first)
        column = cells.column
        # other values are refused, or told of, one by one
        plain = [
            isinstance(one, (int, float)) and not isinstance(one, bool) and abs(one) <= LARGEST
            for one in given
        ]
        if column not in frame or len(given) < count or not all(plain):
            return None
        values = np.repeat(np.array(given, dtype=float), kinds)
        before = wide[column].to_numpy()
        chosen = np.tile(cells.rows(frame), count)
        wide[column] = np.where(chosen, before * values if first.action == "scale" else values, before)
    name = words.get("name", "name")
    names = frame[name].tolist()
    wide[name] = [f"{one} {place}" for place in range(count) for one in names]
    reader = RecordReader()
    read = reader.read(part.read(with_units(wide, units_of(frame))), scenario.problem.schemas()["vehicles"])
    if reader.faults or len(read) != kinds * count:
        return None
    return [read[place * kinds : (place + 1) * kinds] for place in range(count)]


@dataclass(frozen=True, eq=False, repr=False)
class Answers(Answer):
    """Prices and plans at points, each beside the plan of the scenario as it is.

    Parameters
    ----------
    scenario
        What was asked about.
    axes
        What was varied.
    design_points
        The value of each axis at each point; None where it was left as it is.
    base
        The plan of the scenario as it is, which every point is compared with.
    results
        What came of each point, in the order of their numbers; those that are missing were not reached.
    anew
        Whether every point was planned; else the base's plan was priced there.
    interrupted
        True where the user stopped it.
    """

    about_a_plan: ClassVar[bool] = False
    """Whether there is no answer where the scenario has no plan as it is."""

    scenario: Scenario
    axes: tuple[Axis, ...]
    design_points: tuple[Place, ...]
    base: Result
    results: tuple[PointResult, ...]
    anew: bool
    interrupted: bool = False

    @cached_property
    def as_it_is(self) -> PointResult:
        """The base, as a point."""
        return point_of(BASE, self.base)

    def verdict(self, found: PointResult) -> Verdict:
        """Return what the change of a point against the base comes to."""
        return found.verdict(self.as_it_is, anew=self.anew)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per point.

        Columns ``point``; one for each axis, by its path (with ``×`` where values are factors); ``status``;
        ``objective``; ``change`` against the base; ``kept_objective`` (the base's plan under the data of the point) and
        ``kept_status``; ``data_effect`` (the base's plan here less there) and ``replanning_effect`` (the plan of the
        point less the base's, same data), which add up to the change, and are missing where the base's plan breaks a
        rule under the data of the point; ``noise`` (how far apart lie what repeated searches say of the change);
        ``verdict``; ``unlike`` (what the plan serves instead of what the base's serves, or which rule one of them
        breaks; empty where prices compare like with like); ``unserved`` and ``violations``; ``bound``; ``seconds``;
        ``message``; ``caveat`` (what the price cannot be trusted for).
        """
        labels = [axis.label for axis in self.axes]
        columns = ["point", *labels, *_COLUMNS]
        return pd.DataFrame([self._row(found) for found in self.results], columns=columns)

    def _row(self, found: PointResult) -> list[object]:
        verdict, held = self.verdict(found), found.held_price(self.as_it_is)
        effects = held - self.as_it_is.objective, found.objective - held
        kept = found.kept_objective, found.kept_status
        price = found.status, found.objective, verdict.change, *kept, *effects
        told = verdict.noise, verdict.word, verdict.why, found.unserved, found.violations
        place = found.point, *self.design_points[found.point]
        return [*place, *price, *told, found.bound, found.seconds, found.message, found.caveat]

    @cached_property
    def terms(self) -> pd.DataFrame:
        """One row per point and cost term: columns ``point``, ``term``, ``amount`` and ``kept_amount``."""
        rows = [
            (found.point, term, found.terms.get(term, 0.0), found.kept_terms.get(term, math.nan))
            for found in self.results
            for term in dict.fromkeys([*found.terms, *found.kept_terms])
        ]
        return pd.DataFrame(rows, columns=["point", "term", "amount", "kept_amount"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"points": self.points, "costs": self.terms}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys((*_MONEY, "amount", "kept_amount"), "money")

    def to_json(self) -> dict[str, Any]:
        """Return the price of the plan of the scenario as it is."""
        return {"price": self.base.objective}

    def notes(self) -> tuple[str, ...]:
        """Return what must be said beside the prices: points without one, laws in doubt, noise that is not known."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        statuses = Counter(found.status for found in self.results)
        for status, words in _WORDS.items():
            if statuses[status]:
                first = next(found for found in self.results if found.status == status)
                told = f": {first.message}" if first.message else ""
                yield f"{count_text(statuses[status], 'point')} {words}, first {self.place_of(first)}{told}"
        unlike = [(found, told) for found in self.results if (told := found.unlike(self.as_it_is))]
        if unlike:
            first, told = unlike[0]
            yield (
                f"at {count_text(len(unlike), 'point')} prices do not compare like with like, first "
                f"{self.place_of(first)}: its plan {told}"
            )
        broken = sum(found.kept_status == Status.INFEASIBLE for found in self.results) if self.anew else 0
        if broken:
            yield f"at {count_text(broken, 'point')} the plan as it is breaks a rule"
        doubtful = [found for found in self.results if found.caveat not in ("", self.as_it_is.caveat)]
        if doubtful:
            yield (
                f"at {count_text(len(doubtful), 'point')} laws are not to be trusted, first "
                f"{self.place_of(doubtful[0])}: {doubtful[0].caveat}"
            )
        verdicts = [self.verdict(found) for found in self.results if found.status != REFUSED]
        if any(math.isnan(verdict.noise) for verdict in verdicts if not math.isnan(verdict.change)):
            yield f"the noise of the search is not measured; {REPEAT}"

    def place_of(self, found: PointResult) -> str:
        """Return the values of a point in words."""
        values = zip(self.axes, self.design_points[found.point], strict=True)
        told = [f"{axis.label} {value_text(value)}" for axis, value in values if value is not None]
        return ", ".join(told)


_MONEY = ("objective", "change", "kept_objective", "data_effect", "replanning_effect", "noise", "bound")
_COLUMNS = (
    *("status", "objective", "change", "kept_objective", "kept_status", "data_effect", "replanning_effect"),
    *("noise", "verdict", "unlike", "unserved", "violations", "bound", "seconds", "message", "caveat"),
)
_WORDS = {
    REFUSED: "refused, since the data contradict themselves",
    str(Status.NO_PLAN): "without a plan",
    str(Status.INFEASIBLE): "at which the plan breaks a rule",
    str(Status.PARTIAL): "at which something is left out",
}


AnswersT = TypeVar("AnswersT", bound=Answers)
_FLUSH_SECONDS = 2.0
"""Between two files of results."""


def ask(
    form: type[AnswersT],
    scenario: Scenario,
    axes: Sequence[Axis],
    points: Sequence[Place],
    plan: PlanChoice,
    options: SweepOptions | None,
    progress: OnEvent | None,
) -> AnswersT:
    """Ask a scenario at points: its laws are learned once, it is planned once, and all points are compared with that.

    Parameters
    ----------
    form
        What the answers are put together as.
    scenario
        What is asked about.
    axes, points
        What is varied, and the value of each axis at each point; None leaves an axis as it is.
    plan
        ``"anew"``: the points are planned; ``"kept"``: the plan of the scenario is priced there; ``"today"``: today's.
    options
        Seeds, limits, workers and where results go.
    progress
        Called with each stage.

    Raises
    ------
    ScenarioError
        If a path or a value is none, or tables, laws and problem do not fit together.
    FormulaError
        If a law predicts too poorly to be used.
    NoPlanError
        If the answer is one about the plan of the scenario, and there is none.
    """
    options, report = options or SweepOptions(), progress or ignore_event
    check_word(form.kind, "plan", plan, PLANS)
    prepared = prepare(scenario, axes, options, report, form.kind)
    question = Question.of(prepared, axes, points, anew=plan == "anew")
    words = question_words(question, prepared, plan)
    with open_store(options.out, words) as store:
        bases = base_results(prepared, plan, report, store)
        if form.about_a_plan:
            refuse_no_plan(bases[0], scenario, form.kind)
        with hands_of(options) as hands:
            run = carry_out(question, bases, report, store, hands)
    return form(
        scenario=scenario,
        axes=question.axes,
        design_points=question.points,
        base=run.base,
        results=tuple(run.results[number] for number in sorted(run.results)),
        anew=question.anew,
        interrupted=run.interrupted,
    )


def carry_out(
    question: Question,
    bases: Sequence[Result],
    report: OnEvent,
    store: SweepStore | None = None,
    hands: Hands | None = None,
) -> Asking:
    """Ask a question whose base is planned; see :func:`ask`."""
    plans = tuple(base.plan for base in bases if base.plan is not None)
    best = min(bases, key=attrgetter("rank"))
    run = Asking(replace(question, base_plans=plans), best, report, store, hands)
    run.interrupted = bases[-1].interrupted or not run.run()
    return run


class Asking:
    """A question under way.

    Parameters
    ----------
    question
        What is asked.
    base
        The plan that is kept.
    report
        Called with how far it is.
    store
        Takes the results as they come; None where they stay in memory.
    hands
        Who does the points; this process if None.

    Attributes
    ----------
    base
        The plan that is kept, a better one where points found it.
    results
        Those that are there, by point.
    interrupted
        Whether it was stopped.
    """

    def __init__(
        self,
        question: Question,
        base: Result,
        report: OnEvent,
        store: SweepStore | None = None,
        hands: Hands | None = None,
    ) -> None:
        self.question, self.base = question, base
        self.report, self.store = report, store
        self.interrupted, self.hands = False, hands or Hands()
        known = {} if store is None else store.done
        self.results = {point: found for point, found in known.items() if point >= 0}
        self._began = self._flushed = time.perf_counter()
        self._stop = Interrupt()
        self._before = len(self.results)
        self._best = min(self.results.values(), key=lambda found: found.rank, default=None)

    def run(self) -> bool:
        """Do every point that is not done; return whether it came to the end."""
        if self._before:
            self.report(
                Event("solve", f"{count_text(self._before, 'point')} from {self.store and self.store.folder}")
            )
        try:
            with Interrupt() as stop:
                self._stop = stop
                if self.question.anew:
                    self._plan_anew()
                else:
                    self._price()
        except KeyboardInterrupt:
            if self.question.in_full and self._stop.raised:  # a second one, and nothing is on disk
                raise
            if self.question.in_full:
                self._share()
            return False
        finally:
            self._flush()
        return True

    def _price(self) -> None:
        """Price the kept plan everywhere."""
        left = [point for point in range(self.question.count) if point not in self.results]
        plan = self.base.plan
        if plan is None or not left:
            return
        # what vehicles cost does not change when they leave; what changes how they drive may
        settled = plan if self.base.assessment is None else self.base.assessment.settled().plan
        priced = price_at_once(self.question, self.base.problem, settled, left)
        if priced is None:
            self._do([Task(point, plan) for point in left])
            return
        for result in priced:
            self._take(result)

    def _plan_anew(self) -> None:
        """Plan every point from one nearby, wave after wave, then offer each the plans of its neighbours."""
        for wave in self.question.waves():
            tasks = []
            for point, parent in wave:
                if point not in self.results:
                    start = None if parent is None else self.results[parent].plan
                    today = self.question.variants[point].today if self.question.variants else None
                    known = (None if today is None else today.plan, start)
                    starts = tuple(plan for plan in known if plan is not None)
                    tasks.append(Task(point, self.base.plan, starts))
            self._do(tasks)
        is_better = self._improve_base()
        # not stored: what neighbours offer is worked out again from their plans
        self._do(list(self._exchanges(is_better=is_better)), stored=False)

    def _share(self) -> None:
        """Offer the plans that were found before a stop to each other: to price them takes no search."""
        for task in self._exchanges(is_better=self._improve_base()):
            self._take(do_task(self.question, task), stored=False)

    def _improve_base(self) -> bool:
        """Take the best plan that points found for what is not changed, if it is better; return whether it is."""
        offers = [found for found in self.results.values() if not math.isnan(found.at_base)]
        best = min(offers, key=lambda found: found.at_base, default=None)
        if best is None or best.plan is None or best.plan_of is not None:
            return False
        offer = evaluate(self.base.problem, best.plan)
        if not offer.rank.is_better_than(self.base.rank):
            return False
        self.base = offer
        return True

    def _exchanges(self, *, is_better: bool) -> Iterator[Task]:
        """Yield the points that a plan of a neighbour, or a better one of the base, may be better for."""
        kept = self.base.plan if is_better else None
        near = self.question.neighbours()
        for point, own in sorted(self.results.items()):
            if own.status == REFUSED or (own.proved and kept is None):
                continue
            plans = {
                other: self.results[other].plan
                for other in near[point]
                if other in self.results and self.results[other].plan is not None
            }
            if kept is not None:
                plans[BASE] = kept
            if plans:
                yield Task(point, kept, own=own, others=plans)

    def _do(self, tasks: Sequence[Task], *, stored: bool = True) -> None:
        def take(result: PointResult) -> None:
            self._take(result, stored=stored)
            if result.interrupted:
                raise KeyboardInterrupt

        self.hands.do(do_task, self.question, tasks, take)

    def _take(self, result: PointResult, *, stored: bool = True) -> None:
        self.results[result.point] = result
        if self.store is not None and stored:
            self.store.add(result)
        self._best = min(self._best or result, result, key=lambda found: found.rank)
        if time.perf_counter() > self._flushed + _FLUSH_SECONDS:
            self._flush()
        told = how_far(len(self.results), self.question.count, "point", self._began, self._before)
        price = money_text(self._best.objective, self.base.problem.unit)
        self.report(Event("solve", f"{told}; cheapest {price}", transient=True))

    def _flush(self) -> None:
        self._flushed = time.perf_counter()
        if self.store is not None:
            self.store.flush()


def question_words(question: Question, prepared: Prepared, plan: PlanChoice) -> dict[str, Any]:
    """Return what tells one sweep from another: a folder holds the results of one."""
    scenario = question.scenario
    # as they are read from the cache, where they are the next time: a law just learned may write 1 in place of 1.0
    kept = {name: Formula.from_json(law.formula.to_json()).to_json() for name, law in prepared.laws.items()}
    texts = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in kept.items()}
    return {
        "scenario": scenario.name,
        "files": [[doc.path.name, doc.sha256] for doc in scenario.layers.documents],
        "tables": {name: report_of(frame).sha256 for name, frame in scenario.tables.items()},
        "changes": [str(change) for change in scenario.changes],
        "laws": texts,
        "axes": [asdict(axis) for axis in question.axes],
        "points": [list(point) for point in question.points],
        "plan": plan,
        "seed": question.seed,
        "time limit": question.time_limit,
        "repeats": question.repeats,
        "kanopt": environment()["kanopt"],
    }
