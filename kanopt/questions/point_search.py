"""How a point of a sweep is solved or priced, by whichever worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from kanopt.errors import KanoptError, ProblemError
from kanopt.interrupt import Interrupt
from kanopt.parallel import cluster, run_tasks
from kanopt.plans.base import NO_PLAN, Plan, Problem, Rank
from kanopt.plans.findings import Status
from kanopt.plans.result import Result, evaluate
from kanopt.questions.point import BASE, KEPT, REFUSED, PointResult, of_kept, with_plan
from kanopt.questions.question import Question, SweepOptions
from kanopt.scenarios.files.layers import split_messages
from kanopt.scenarios.run import leaving_in_time

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client


@dataclass(frozen=True, eq=False)
class Task:
    """One point for a worker."""

    point: int
    kept: Plan | None
    starts: tuple[Any, ...] = ()
    own: PointResult | None = None
    others: Mapping[int, Any] | None = None


@dataclass(frozen=True, eq=False)
class Hands:
    """Who does tasks: processes of this machine, or a Dask cluster in place of them."""

    workers: int = 1
    client: Client | None = None

    def do(
        self, work: Callable[[Any, Any], Any], shared: Any, tasks: Sequence[Task], take: Callable[[Any], None]
    ) -> None:
        """Take what comes of tasks in the order in which they are done, until the user stops it.

        While workers are at work this process waits, and what is done is kept already: it may stop at once.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, when what was under way in this process is done.
        """
        with Interrupt(keeps=self.workers == 1 and self.client is None) as stop:
            for found in run_tasks(work, shared, tasks, workers=self.workers, client=self.client):
                take(found)
                if stop.asked:
                    raise KeyboardInterrupt


@contextmanager
def hands_of(options: SweepOptions) -> Iterator[Hands]:
    """Yield who does the tasks of a question, as its options say."""
    with cluster(options.dask) as client:
        yield Hands(options.workers, client)


def do_task(question: Question, task: Task) -> PointResult:
    """Do what a task asks; workers call it."""
    if task.own is not None:
        return exchange_plans(question, task.own, task.others or {}, task.kept)
    return solve_point(question, task.point, task.kept, task.starts)


def solve_point(
    question: Question, point: int, kept: Plan | None, starts: Sequence[Plan | pd.DataFrame]
) -> PointResult:
    """Price the base's plan under the data of a point, and plan anew where that is asked.

    Parameters
    ----------
    question
        What is asked.
    point
        The number of the point.
    kept
        The base's plan.
    starts
        Plans to start from: that of a point nearby.
    """
    began = time.perf_counter()
    try:
        problem = question.problem_at(point)
        before = kept_plan(problem, kept)
        found = of_kept(point, before)
        if question.anew:
            found = _planned(question, problem, found, None if isinstance(before, str) else before, starts)
    except KanoptError as error:
        if question.in_full:  # of a comparison no variant may be missing
            raise
        found = PointResult(point, REFUSED, message=split_messages(error)[0])
    return _told(question, found, began)


def exchange_plans(
    question: Question, own: PointResult, others: Mapping[int, Any], kept: Any = None
) -> PointResult:
    """Price plans of other points under the data of one, and take over the best of them if it is better.

    Parameters
    ----------
    question
        What is asked.
    own
        What came of the point.
    others
        Plans of other points, by their number.
    kept
        The base's plan, where another one was found for it since the point was done.
    """
    began = time.perf_counter()
    problem = question.problem_at(own.point)
    if kept is not None:
        priced = of_kept(own.point, kept_plan(problem, kept))
        own = replace(own, **{name: getattr(priced, name) for name in KEPT})
    best, share = own, question.days_in_time(own.point)
    # departures of an offer are chosen anew, by which the own plan may gain as much as that of another point
    anew = {} if share is None or own.plan is None else {own.point: own.plan}
    for number, plan in (anew | dict(others)).items():
        offer = _offered(problem, plan, share)
        if offer is not None and _is_plan_beside(offer, best.rank) and offer.rank.is_better_than(best.rank):
            best = replace(with_plan(own, offer), plan_of=None if number in (BASE, own.point) else number)
    return _told(question, best, began)


def _told(question: Question, found: PointResult, began: float) -> PointResult:
    """Return what a question wants to know of a point, with the time that it took."""
    seconds = found.seconds + time.perf_counter() - began
    figures = found.figures if found.result is None else question.figures(found.point, found.result)
    kept = found.result if question.in_full else None
    return replace(found, seconds=seconds, figures=figures, result=kept)


def _planned(
    question: Question,
    problem: Problem[Any],
    found: PointResult,
    kept: Result | None,
    starts: Sequence[Any],
) -> PointResult:
    """Search as often as is asked, or until what the difference from the base comes to is known.

    Each search begins with the base's plan of its own, so that two of them agree no more than they know. A plan that
    was proved is not searched for again, but compared with all of the base's.
    """
    results: list[Result] = []
    share = question.days_in_time(found.point)
    if kept is not None and share is not None:  # plans compete that are in time as often
        kept = _offered(problem, kept.plan, share)
    offers = [kept] if kept is not None else []
    pairs: list[_Pair | None] = []
    at_base: list[float] = []
    plans = question.base_plans
    for repeat in range(question.repeats):
        base_plan = plans[min(repeat, len(plans) - 1)] if plans else None
        own = kept if base_plan is None else _offered(problem, base_plan, share)
        if not results or results[-1].status != Status.OPTIMAL:
            near = [_offered(problem, plan, share) for plan in starts] if repeat == 0 else []
            known = [start for start in (own, *near) if start is not None and start.plan is not None]
            offers += known
            initial = min(known, key=attrgetter("rank")).plan if known else None
            results.append(question.search(found.point, problem, repeat, initial))
        pair, there = _compared(question, base_plan, results[-1], own)
        pairs.append(pair)
        at_base.append(there)
        differences = _differences(pairs)
        if results[-1].interrupted or _is_known(differences):
            break
    found_rank = min(result.rank for result in results)
    best = min([*results, *(o for o in offers if _is_plan_beside(o, found_rank))], key=attrgetter("rank"))
    finest = found_rank[:3]
    return replace(
        with_plan(found, best),
        searches=tuple(r.objective for r in results if r.objective is not None and r.rank[:3] == finest),
        differences=differences,
        at_base=next((price for r, price in zip(results, at_base, strict=False) if r is best), math.nan),
        interrupted=results[-1].interrupted,
    )


def _is_plan_beside(offer: Result, found: Rank) -> bool:
    """Say whether a plan made for other data may be that of a point; one that breaks a rule takes no place of none."""
    return offer.plan is not None and (found != NO_PLAN or not offer.rank.breaks_rules)


def _is_known(differences: Sequence[float]) -> bool:
    """Say whether repeated searches agree on a difference to half of it, or all find none."""
    if len(differences) < 2 or any(math.isnan(value) for value in differences):
        return False
    return max(differences) - min(differences) <= 0.5 * abs(sum(differences) / len(differences))


class _Pair(NamedTuple):
    """A search here and one of the base: what the better of their two plans leaves out and costs, in both places."""

    here: Rank
    base: Rank


def _differences(pairs: Sequence[_Pair | None]) -> tuple[float, ...]:
    """Return what each pair says of the difference; NaN where it leaves out more, or breaks more rules, than others."""
    known = [pair for pair in pairs if pair is not None]
    finest = (
        min((pair.here[:3] for pair in known), default=None),
        min((pair.base[:3] for pair in known), default=None),
    )
    return tuple(
        pair.here.objective - pair.base.objective
        if pair is not None and (pair.here[:3], pair.base[:3]) == finest
        else math.nan
        for pair in pairs
    )


def _compared(
    question: Question, base_plan: Any, result: Result, own: Result | None
) -> tuple[_Pair | None, float]:
    """Return the better of two plans here and at the base, and the price at the base of the one found here.

    Parameters
    ----------
    question
        What is asked; it has the problem of the base.
    base_plan
        The base's plan of this search; None where none is compared with.
    result
        What the search found here.
    own
        The base's plan, under the data of this point.
    """
    if base_plan is None:
        return None, math.nan
    problem, share = question.base_problem, question.days_in_time(BASE)
    there, base = _offered(problem, result.plan, share), _priced(problem, base_plan)
    here_best = min(one.rank for one in (result, own) if one is not None)
    base_best = min((one.rank for one in (base, there) if one is not None), default=NO_PLAN)
    is_alike = there is not None and there.rank[:3] == base_best[:3]
    price_there = there.rank.objective if there is not None and is_alike else math.nan
    return (None if NO_PLAN in (here_best, base_best) else _Pair(here_best, base_best)), price_there


def _priced(problem: Problem[Any], plan: Plan | pd.DataFrame | None) -> Result | None:
    """Return a plan priced under a problem's data; None where it cannot be carried out there."""
    if plan is None:
        return None
    try:
        return evaluate(problem, plan)
    except ProblemError:
        return None


def _offered(
    problem: Problem[Any], plan: Plan | pd.DataFrame | None, share: float | None = None
) -> Result | None:
    """Return a plan that was made for other data priced, as it is or with times that follow, whichever is better.

    Where everyone is to be in time on a share of days, departures are chosen for that, as those of a new plan are.
    None where it cannot be carried out, or a law has no value where it goes: that is no fault of this point.
    """
    try:
        stated = _priced(problem, plan)
        if stated is None or stated.plan is None:
            return stated
        followed = problem.carried_over(stated.plan)
        if followed is stated.plan:
            return stated
        chosen = _priced(problem, followed)
        if chosen is not None and (held := leaving_in_time(chosen, share)).days_in_time is not None:
            return held
    except KanoptError:
        return None
    return chosen if chosen is not None and chosen.rank.is_better_than(stated.rank) else stated


def kept_plan(problem: Problem[Any], plan: Plan | pd.DataFrame | None) -> Result | str:
    """Return the base's plan priced as it is; with times that follow where only so it breaks fewer rules.

    A text says why it cannot be carried out.
    """
    if plan is None:
        return "the base has no plan"
    try:
        stated = evaluate(problem, plan)
    except ProblemError as error:
        return str(error)
    if not stated.rank.breaks_rules:
        return stated
    followed = _offered(problem, plan)
    return followed if followed is not None and followed.rank[:3] < stated.rank[:3] else stated
