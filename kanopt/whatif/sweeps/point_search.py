"""How a point of a sweep is solved or priced, by whichever worker."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError, ProblemError
from kanopt.problems.result import Status
from kanopt.whatif.scenario_files.file_model import split_messages
from kanopt.whatif.sweeps.point_result import BASE, REFUSED, PointResult, of_kept, with_plan
from kanopt.whatif.sweeps.question import SweepQuestion

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result

__all__ = ["exchange_plans", "solve_point"]


def solve_point(
    question: SweepQuestion, point: int, kept: Plan | None, starts: Sequence[Plan | pd.DataFrame]
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
        before = _priced(problem, kept)
        found = of_kept(point, before)
        if question.anew:
            found = _planned(question, problem, found, before, starts)
    except KanoptError as error:
        found = PointResult(point, REFUSED, message=split_messages(error)[0])
    return replace(found, seconds=time.perf_counter() - began)


def exchange_plans(
    question: SweepQuestion, own: PointResult, others: Mapping[int, Any], kept: Any = None
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
        priced = of_kept(own.point, _priced(problem, kept))
        own = replace(
            own,
            kept_status=priced.kept_status,
            kept_objective=priced.kept_objective,
            kept_terms=priced.kept_terms,
        )
    best = own
    for number, plan in others.items():
        offer = _priced(problem, plan)
        if offer is None:
            continue
        taken = replace(with_plan(own, offer), plan_of=None if number == BASE else number)
        best = taken if taken.rank < best.rank else best
    return replace(best, seconds=own.seconds + time.perf_counter() - began)


def _planned(
    question: SweepQuestion,
    problem: Problem[Any],
    found: PointResult,
    kept: Result | None,
    starts: Sequence[Any],
) -> PointResult:
    """Search as often as is asked, or until what the difference from the base comes to is known.

    Each search begins with the base's plan of its own, so that two of them agree no more than they know.
    """
    results: list[Result] = []
    offers = [kept] if kept is not None else []
    differences: list[float] = []
    at_base: list[float] = []
    for repeat in range(question.repeats):
        # the only plan of the base is the one that is kept, which is priced already
        is_other = 1 < len(question.base_plans) > repeat
        own = _priced(problem, question.base_plans[repeat]) if is_other else kept
        near = [_priced(problem, plan) for plan in starts] if repeat == 0 else []
        result = _search(question, problem, repeat, [own, *near])
        results.append(result)
        offers += [offer for offer in (own, *near) if offer is not None]
        difference, there = _difference(question, repeat, result, own)
        differences.append(difference)
        at_base.append(there)
        if result.status == Status.OPTIMAL or _is_known(differences):
            break
    best = min([*results, *(offer for offer in offers if offer.plan is not None)], key=attrgetter("rank"))
    finest = min(result.rank[:3] for result in results)
    alike = tuple(r.objective for r in results if r.objective is not None and r.rank[:3] == finest)
    known = [value for value in at_base if not math.isnan(value)]
    planned = replace(with_plan(found, best), searches=alike, differences=tuple(differences))
    return replace(planned, at_base=min(known, default=math.nan))


def _is_known(differences: Sequence[float]) -> bool:
    """Say whether repeated searches agree on a difference to half of it, or all find none."""
    if len(differences) < 2 or any(math.isnan(value) for value in differences):
        return False
    return max(differences) - min(differences) <= 0.5 * abs(sum(differences) / len(differences))


def _search(
    question: SweepQuestion, problem: Problem[Any], repeat: int, starts: Sequence[Result | None]
) -> Result:
    """Search once, from the best of some plans.

    Raises
    ------
    KeyboardInterrupt
        If it was cut short: the point is done again, and not taken for one that was not.
    """
    from kanopt.solvers.base import SolveOptions
    from kanopt.solvers.solve import search_and_assess

    known = [start for start in starts if start is not None and start.plan is not None]
    options = SolveOptions(
        time_limit=question.time_limit,
        seed=question.seed + repeat,
        initial=min(known, key=attrgetter("rank")).plan if known else None,
        workers=question.scenario.solver.workers,
        deterministic=question.scenario.solver.deterministic,
    )
    result = search_and_assess(problem, options)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _difference(
    question: SweepQuestion, repeat: int, result: Result, own: Result | None
) -> tuple[float, float]:
    """Return the better of two plans here less the better of them at the base, and the price of the one there.

    Parameters
    ----------
    question
        What is asked.
    repeat
        The number of the search.
    result
        What it found here.
    own
        The base's plan of this search, under the data of this point.
    """
    if repeat >= len(question.base_plans):
        return math.nan, math.nan
    there = _priced(question.base_problem, result.plan)
    base = _priced(question.base_problem, question.base_plans[repeat])
    here_best = min((r for r in (result, own) if r is not None), key=attrgetter("rank"))
    base_best = min((r for r in (base, there) if r is not None), key=attrgetter("rank"), default=None)
    alike = there is not None and there.objective is not None and there.status != Status.INFEASIBLE
    price_there = there.objective if there is not None and there.objective is not None and alike else math.nan
    if base_best is None or here_best.rank[:3] != base_best.rank[:3]:
        return math.nan, price_there
    if here_best.objective is None or base_best.objective is None:
        return math.nan, price_there
    return here_best.objective - base_best.objective, price_there


def _priced(problem: Problem[Any], plan: Plan | pd.DataFrame | None) -> Result | None:
    """Return a plan priced under a problem's data; None where it cannot be carried out there."""
    from kanopt.problems.evaluate import evaluate

    if plan is None:
        return None
    try:
        return evaluate(problem, plan)
    except ProblemError:
        return None
