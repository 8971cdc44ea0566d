"""A sweep under way: which points are done, in which order the others follow, and who does them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanopt.interrupt import Interrupt
from kanopt.parallel import run_tasks
from kanopt.text import count_text, money_text, seconds_text
from kanopt.whatif.events import Event, OnEvent
from kanopt.whatif.sweeps.kept_plan import PricedBy, price_at_once, way_of_pricing
from kanopt.whatif.sweeps.point_result import BASE, REFUSED, PointResult
from kanopt.whatif.sweeps.point_search import exchange_plans, solve_point
from kanopt.whatif.sweeps.question import Question, SweepQuestion
from kanopt.whatif.sweeps.sweep_store import SweepStore

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result

_FLUSH_SECONDS = 2.0
"""Between two files of results."""


@dataclass(frozen=True, eq=False)
class _Task:
    """One point for a worker."""

    point: int
    kept: Plan | None
    starts: tuple[Any, ...] = ()
    own: PointResult | None = None
    others: Mapping[int, Any] | None = None


def _do(question: Question, task: _Task) -> PointResult:
    """Do what a task asks; workers call it."""
    if task.own is not None:
        return exchange_plans(question, task.own, task.others or {}, task.kept)
    return solve_point(question, task.point, task.kept, task.starts)


class SweepRun:
    """A sweep under way.

    Parameters
    ----------
    question
        What is asked.
    problem
        That of the scenario as it is.
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
    priced_by
        How the kept plan was priced; None where points are planned anew.
    """

    def __init__(
        self,
        question: Question,
        problem: Problem[Any],
        base: Result,
        report: OnEvent,
        store: SweepStore | None,
    ) -> None:
        self.question, self.problem, self.base = question, problem, base
        self.report, self.store = report, store
        self.workers, self.client = 1, None
        known = {} if store is None else store.done
        self.results = {point: found for point, found in known.items() if point >= 0}
        self.priced_by: PricedBy | None = None
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
        assert isinstance(self.question, SweepQuestion), "the points of a comparison are planned anew"
        left = [point for point in range(self.question.count) if point not in self.results]
        plan = self.base.plan
        if plan is None or not left:
            return
        # what vehicles cost does not change when they leave; what changes how they drive may
        settled = plan if self.base.assessment is None else self.base.assessment.settled().plan
        self.priced_by = way_of_pricing(self.question, self.problem, settled)
        priced = None
        if self.priced_by is PricedBy.AT_ONCE:
            priced = price_at_once(self.question, self.problem, settled, left)
            self.priced_by = PricedBy.REFUSED if priced is None else PricedBy.AT_ONCE
        if priced is None:
            self._do([_Task(point, plan) for point in left])
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
                    tasks.append(_Task(point, self.base.plan, starts))
            self._do(tasks)
        is_better = self._improve_base()
        # not stored: what neighbours offer is worked out again from their plans
        self._do(list(self._exchanges(is_better=is_better)), stored=False)

    def _share(self) -> None:
        """Offer the plans that were found before a stop to each other: to price them takes no search."""
        for task in self._exchanges(is_better=self._improve_base()):
            self._take(_do(self.question, task), stored=False)

    def _improve_base(self) -> bool:
        """Take the best plan that points found for what is not changed, if it is better; return whether it is."""
        from kanopt.problems.evaluate import evaluate

        offers = [found for found in self.results.values() if not math.isnan(found.at_base)]
        best = min(offers, key=lambda found: found.at_base, default=None)
        if best is None or best.plan is None or best.plan_of is not None:
            return False
        offer = evaluate(self.problem, best.plan)
        if not offer.rank.is_better_than(self.base.rank):
            return False
        self.base = offer
        return True

    def _exchanges(self, *, is_better: bool) -> Iterator[_Task]:
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
                yield _Task(point, kept, own=own, others=plans)

    def _do(self, tasks: Sequence[_Task], *, stored: bool = True) -> None:
        done = run_tasks(_do, self.question, tasks, workers=self.workers, client=self.client)
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
        now = time.perf_counter()
        if now > self._flushed + _FLUSH_SECONDS:
            self._flush()
        self.report(Event("solve", self._progress(now, self._best), transient=True))

    def _flush(self) -> None:
        self._flushed = time.perf_counter()
        if self.store is not None:
            self.store.flush()

    def _progress(self, now: float, best: PointResult) -> str:
        done, count = len(self.results), self.question.count
        rate = (done - self._before) / (now - self._began)
        left = f", {seconds_text((count - done) / rate)} left" if rate > 0 and done < count else ""
        price = money_text(best.objective, self.problem.unit)
        return f"{done:,} of {count_text(count, 'point')}{left}; cheapest {price}"
