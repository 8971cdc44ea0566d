"""The points of a sweep: what each asks, and how it is solved or priced, by whichever worker."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kanopt.errors import KanoptError, ProblemError
from kanopt.problems.result import Status
from kanopt.whatif.changes import Value
from kanopt.whatif.scenario_files.file_model import split_messages
from kanopt.whatif.sweeps.axes import Axis

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result
    from kanopt.whatif.scenario import Scenario

__all__ = [
    "BASE",
    "REFUSED",
    "PlanChoice",
    "PointResult",
    "SweepQuestion",
    "exchange_plans",
    "point_of",
    "solve_point",
]

PlanChoice: TypeAlias = Literal["anew", "kept", "today"]
BASE = -1
"""The number under which the plan of the scenario as it is stands."""
REFUSED = "refused"
"""The status of a point whose data contradict themselves, so that there is no problem to solve."""


@dataclass(frozen=True, eq=False)
class SweepQuestion:
    """What a sweep asks, all that a worker needs.

    Parameters
    ----------
    scenario
        The scenario at the base of it.
    formulas
        Its learned laws, before any change.
    axes
        What is varied.
    points
        The value of each axis at each point.
    anew
        Whether each point is planned anew; else the plan of the base is priced there.
    seed, time_limit, repeats
        Of each search; seconds.
    base_plans
        The plans that repeated searches found where nothing is changed.
    """

    scenario: Scenario
    formulas: Mapping[str, Formula]
    axes: tuple[Axis, ...]
    points: tuple[tuple[Value, ...], ...]
    anew: bool
    seed: int
    time_limit: float
    repeats: int
    base_plans: tuple[Any, ...] = ()

    @cached_property
    def base_problem(self) -> Problem[Any]:
        """The problem where nothing is changed."""
        return self.scenario.build(self.scenario.formulas(self.formulas))

    def scenario_at(self, point: int) -> Scenario:
        """Return the scenario of a point.

        Raises
        ------
        ScenarioError
            If a value does not belong where it is put.
        """
        found = self.scenario
        for axis, value in zip(self.axes, self.points[point], strict=True):
            found = found.with_change(axis.change(value))
        return found

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a point.

        Raises
        ------
        KanoptError
            If its data contradict themselves.
        """
        scenario = self.scenario_at(point)
        return scenario.build(scenario.formulas(self.formulas))


@dataclass(frozen=True, eq=False)
class PointResult:
    """What came of a point.

    Parameters
    ----------
    point
        Its number.
    status
        That of its plan, or ``"refused"`` where its data contradict themselves.
    objective, bound
        Price of its plan on the laws, and the proved bound; NaN where there is none.
    searches
        The objectives of independent searches; a proved one is alone.
    differences
        What each search says that the change of data costs: it and the search of the base that belongs to it, priced
        under both data and each taking the better plan. How far they lie apart is the noise.
    at_base
        The price of the best plan found here where nothing is changed; NaN where it cannot be carried out there.
    kept_status, kept_objective
        The base's plan under the data of this point; empty and NaN where that cannot be carried out.
    terms, kept_terms
        Both prices by term.
    unserved, violations
        What the plan leaves out of what must be served, and how many other rules it breaks.
    plan
        The plan, as a frame where it was read from disk; None where there is none, or the base's was kept.
    plan_of
        The point at which the plan was found, where that is another one.
    seconds
        Wall seconds that it took.
    message
        Why it was refused, or has no plan.
    caveat
        What its price cannot be trusted for: laws below zero that count as zero, or used outside their data.
    """

    point: int
    status: str
    objective: float = math.nan
    bound: float = math.nan
    searches: tuple[float, ...] = ()
    differences: tuple[float, ...] = ()
    at_base: float = math.nan
    kept_status: str = ""
    kept_objective: float = math.nan
    terms: Mapping[str, float] = field(default_factory=dict)
    kept_terms: Mapping[str, float] = field(default_factory=dict)
    unserved: int = 0
    violations: int = 0
    plan: Plan | pd.DataFrame | None = None
    plan_of: int | None = None
    seconds: float = 0.0
    message: str = ""
    caveat: str = ""

    @property
    def proved(self) -> bool:
        """Whether no plan is better."""
        return self.status == Status.OPTIMAL

    @property
    def rank(self) -> tuple[bool, int, int, float]:
        """How good its plan is, the smaller the better; see :class:`~kanopt.problems.assessment.Rank`."""
        nothing = math.isnan(self.objective)
        return (
            nothing or self.violations > 0,
            self.unserved,
            self.violations,
            math.inf if nothing else self.objective,
        )

    @property
    def noise(self) -> float:
        """How far independent searches lie apart; NaN where that was not measured."""
        if self.proved:
            return 0.0
        return max(self.searches) - min(self.searches) if len(self.searches) > 1 else math.nan

    @property
    def noise_of_difference(self) -> float:
        """How far apart lie what searches say of the difference from the base; NaN where that was not measured."""
        known = [value for value in self.differences if not math.isnan(value)]
        return max(known) - min(known) if len(known) > 1 else math.nan


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
        found = _of_kept(point, before)
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
        priced = _of_kept(own.point, _priced(problem, kept))
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
        taken = replace(_with_plan(own, offer), plan_of=None if number == BASE else number)
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
    planned = replace(_with_plan(found, best), searches=alike, differences=tuple(differences))
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


def _terms(result: Result | None) -> dict[str, float]:
    if result is None or result.pricing is None:
        return {}
    return {str(term): float(amount) for term, amount in result.pricing.terms().items()}


def _of_kept(point: int, kept: Result | None) -> PointResult:
    if kept is None or kept.objective is None:
        return PointResult(point, Status.NO_PLAN, message="the base's plan names what is not there")
    rank = kept.rank
    return PointResult(
        point,
        str(kept.status),
        objective=kept.objective,
        kept_status=str(kept.status),
        kept_objective=kept.objective,
        terms=_terms(kept),
        kept_terms=_terms(kept),
        unserved=rank.unserved,
        violations=rank.violations,
        caveat=_caveat(kept),
    )


def _caveat(result: Result) -> str:
    return "" if result.assessment is None else "; ".join(result.assessment.law_caveats)


def _with_plan(found: PointResult, result: Result) -> PointResult:
    if result.objective is None:
        return replace(
            found,
            status=str(result.status),
            objective=math.nan,
            terms={},
            unserved=0,
            violations=0,
            message="no plan was found",
        )
    return replace(
        found,
        status=str(result.status),
        objective=result.objective,
        bound=math.nan if result.bound is None else result.bound,
        terms=_terms(result),
        unserved=result.rank.unserved,
        violations=result.rank.violations,
        plan=result.plan,
        message="",
        caveat=_caveat(result),
    )


def point_of(point: int, result: Result) -> PointResult:
    """Return a result as that of a point at which nothing was kept."""
    return _with_plan(PointResult(point, str(result.status)), result)
