"""Asking at points: which are done, in which order the others follow, who does them, what they offer each other."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kanopt.interrupt import Interrupt
from kanopt.parallel import cluster, how_far, run_tasks
from kanopt.questions.answers import Answers
from kanopt.questions.axes import Axis
from kanopt.questions.kept_plan import price_at_once
from kanopt.questions.point import BASE, REFUSED, PointResult
from kanopt.questions.point_search import Task, do_task
from kanopt.questions.prepare import base_results, prepare, refuse_no_plan
from kanopt.questions.question import Place, PlanChoice, Prepared, Question, SweepOptions
from kanopt.questions.store import SweepStore, open_store
from kanopt.scenarios.events import Event, OnEvent
from kanopt.scenarios.run import environment
from kanopt.scenarios.scenario import Scenario
from kanopt.text import count_text, money_text

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.plans.result import Result

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
    question = prepared.question(axes, points, anew=plans == "anew")
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
        self.workers, self.client = 1, None
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
        self.workers, self.client = workers, client
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
                    starts = (*self.question.known_plans(point), *(() if start is None else (start,)))
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
        from kanopt.plans.evaluate import evaluate

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
        done = run_tasks(do_task, self.question, tasks, workers=self.workers, client=self.client)
        # while workers are at work this process waits, and what is done is kept already: it may stop at once
        with Interrupt(keeps=self.workers == 1 and self.client is None):
            for result in done:
                self._take(result, stored=stored)
                if self._stop.asked or result.interrupted:
                    raise KeyboardInterrupt

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
