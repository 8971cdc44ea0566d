"""Asking at points: which are done, in which order the others follow, who does them, what they offer each other."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kanopt.errors import KanoptError
from kanopt.faults import LARGEST
from kanopt.interrupt import Interrupt
from kanopt.parallel import cluster, how_far
from kanopt.progress import told_by_line
from kanopt.questions.answers import Answers, Sweep
from kanopt.questions.axes import Axis, Design, check_word, design_points, read_axes
from kanopt.questions.point import BASE, REFUSED, PointResult, of_kept
from kanopt.questions.point_search import Hands, Task, do_task
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
    require_scenario,
)
from kanopt.questions.store import SweepStore, open_store
from kanopt.records.reading import RecordReader
from kanopt.scenarios.changes import Change
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.files.columns import change_mistakes, field_columns
from kanopt.scenarios.run import environment
from kanopt.scenarios.scenario import Scenario
from kanopt.text import count_text, money_text

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.plans.base import Plan, Problem
    from kanopt.plans.result import Result
    from kanopt.routing.entities import VehicleType


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
    from kanopt.plans.result import evaluate

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
    from kanopt.routing.leg_laws import DURATION
    from kanopt.routing.problem import RoutingProblem
    from kanopt.routing.simulate.referee import PRICE_FIELDS

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
    from kanopt.tables import units_of, with_units

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


AnswersT = TypeVar("AnswersT", bound=Answers)
_FLUSH_SECONDS = 2.0
"""Between two files of results."""


def ask(
    form: type[AnswersT],
    scenario: Scenario,
    axes: Sequence[Axis],
    points: Sequence[Place],
    *,
    plans: PlanChoice,
    options: SweepOptions,
    report: OnEvent,
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
    plans
        ``"anew"``: the points are planned; ``"kept"``: the plan of the scenario is priced there; ``"today"``: today's.
    options
        Seeds, limits, workers and where results go.
    report
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
    start = time.perf_counter()
    prepared = prepare(scenario, axes, options, report, form.kind)
    question = Question.of(prepared, axes, points, anew=plans == "anew")
    words = question_words(question, prepared, plans)
    with nullcontext() if options.out is None else open_store(Path(options.out), words) as store:
        bases = base_results(prepared, plans, report, store)
        if form.about_a_plan:
            refuse_no_plan(bases[0], scenario, form.kind)
        with cluster(options.dask) as client:
            run = carry_out(question, bases, report, store, workers=options.workers, client=client)
    return form(
        scenario=scenario,
        axes=question.axes,
        design_points=question.points,
        base=run.base,
        results=tuple(run.results[number] for number in sorted(run.results)),
        anew=question.anew,
        interrupted=run.interrupted,
        seconds=time.perf_counter() - start,
    )


def carry_out(
    question: Question,
    bases: Sequence[Result],
    report: OnEvent,
    store: SweepStore | None = None,
    *,
    workers: int = 1,
    client: Client | None = None,
) -> Asking:
    """Ask a question whose base is planned; see :func:`ask`."""
    plans = tuple(base.plan for base in bases if base.plan is not None)
    best = min(bases, key=attrgetter("rank"))
    run = Asking(replace(question, base_plans=plans), best, report, store)
    run.interrupted = bases[-1].interrupted or not run.run(workers=workers, client=client)
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
        self, question: Question, base: Result, report: OnEvent, store: SweepStore | None = None
    ) -> None:
        self.question, self.base = question, base
        self.report, self.store = report, store
        self.interrupted = False
        self.hands = Hands()
        known = {} if store is None else store.done
        self.results = {point: found for point, found in known.items() if point >= 0}
        self._began = self._flushed = time.perf_counter()
        self._stop = Interrupt()
        self._before = len(self.results)
        self._best = min(self.results.values(), key=lambda found: found.rank, default=None)

    def run(self, *, workers: int, client: Client | None) -> bool:
        """Do every point that is not done; return whether it came to the end.

        Parameters
        ----------
        workers
            Processes on this machine.
        client
            A Dask cluster in place of them.
        """
        self.hands = Hands(workers, client)
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
        from kanopt.plans.result import evaluate

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
    from kanopt.formulas import Formula
    from kanopt.tables import report_of

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


# Many what-ifs as one question: each point priced under its own data, and planned anew where that is asked.


@told_by_line
def sweep(
    scenario: Scenario,
    axes: Mapping[str, Any] | Sequence[Axis],
    *,
    design: Design = "grid",
    plan: PlanChoice = "anew",
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Sweep:
    """Ask what if at many points at once.

    Laws are learned once, the scenario is planned once, and its plan is priced under the data of every point; with
    ``plan="anew"`` every point is planned too, from the plan of a point nearby, and is offered the plans of its
    neighbours. What the new data do to the old plan and what planning anew gains stay apart.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to values: ``{"vehicles.fuel_price": ko.grid(1.0, 2.0, 11), "vehicles[name=van].num_available": [4, 5]}``,
        or
        :func:`~kanopt.factors` by which what is there is multiplied. Paths are those of :meth:`Scenario.set`.
    design
        ``"grid"`` or ``"list"``; see :func:`~kanopt.questions.axes.design_points`. Points of another design,
        such as a Latin hypercube of scipy, are asked as a list.
    plan
        ``"anew"``: each point is planned; ``"kept"``: the base's plan at every point; ``"today"``: today's
        plan, and nothing is solved.
    options
        Seeds, limits, workers and where results go.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Returns
    -------
    Sweep
        After Ctrl-C with the points until then.

    Raises
    ------
    ScenarioError
        If a path, a value or the design is none, or the first point cannot be made. A point whose data contradict
        themselves later is told of as refused.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_city.toml")           # doctest: +SKIP
    >>> prices = {"vehicles.fuel_price": ko.grid(1.0, 2.0, 11)}         # doctest: +SKIP
    >>> print(ko.sweep(base, prices, plan="kept"))                      # doctest: +SKIP
    """
    require_scenario(scenario, "sweep")
    options = options or SweepOptions()
    check_word("sweep", "plan", plan, PLANS)
    read = read_axes(axes)
    points = design_points(read, design)
    return ask(
        Sweep,
        scenario,
        read,
        points,
        plans=plan,
        options=options,
        report=progress or ignore_event,
    )
