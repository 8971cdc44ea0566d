"""Routes for days in time: order and vehicles too, where departures alone do not bring them.

Plans are made on travel times that are longer by what brings arrivals to the quantile asked for. Whatever order of
stops is tried, those late on a route then have more time in hand than those early on it. Each plan leaves as early as
it takes on the laws as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.engines.base import Outcome, SolveOptions
from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import Constant
from kanopt.plans.days_in_time import DaysInTime
from kanopt.plans.findings import Status
from kanopt.routing import RoutingPlan
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import (
    COMMON_SEED,
    common_draws,
    drive_days,
    late_in_plan,
    routing_time_laws,
    shift_ends,
)
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.departure_choice import knows_errors, leave_in_time
from kanopt.text import list_names


@dataclass(frozen=True, eq=False)
class PlanInTime:
    """A plan on the laws as they are, and how often it is in time where it leaves as early as that takes.

    Parameters
    ----------
    typical
        The plan with the departures that cost least on typical times.
    held
        The plan with departures that are chosen for days in time.
    days
        How often it is in time then, and what it costs.
    """

    typical: RoutingAssessment
    held: RoutingAssessment
    days: DaysInTime

    @property
    def reached(self) -> bool:
        """Whether departures bring the days asked for, and promises of single clients with them."""
        return self.days.reached and not self.days.not_kept

    @property
    def rank(self) -> tuple[Any, ...]:
        """Smaller is better: rules and clients, then days in time where the target is not reached, then the mean."""
        short = 0.0 if self.reached else max(self.days.target - self.days.share, 1e-3)
        price = self.days.price if self.days.mean is None else self.days.mean
        return (*self.typical.rank[:3], len(self.days.not_kept), round(short, 3), price)


def in_time(problem: RoutingProblem, plan: RoutingPlan, options: SolveOptions) -> PlanInTime | None:
    """Return how often a plan is in time with departures that are chosen for it.

    None where nobody has to be or no law of time knows its errors, where the plan breaks a rule, and where a late day
    is beyond where a law has a value.
    """
    if options.days_in_time is None or not knows_errors(problem, options.uncertainty):
        return None
    typical: Any = problem.assess(problem.plan_from(plan.reopened())).settled()
    if typical.rank.breaks_rules or not typical.plan.routes:
        return None
    try:
        return _leave(typical, options)
    except ProblemError:
        return None


def _leave(typical: RoutingAssessment, options: SolveOptions, **told: Any) -> PlanInTime:
    """Choose departures of a plan, and measure them."""
    assert options.days_in_time is not None
    held, days = leave_in_time(
        typical,
        options.days_in_time,
        uncertainty=options.uncertainty,
        time_limit=options.time_limit,
        **told,
    )
    return PlanInTime(typical, held, days)


def outcome_in_time(problem: RoutingProblem, outcome: Outcome, options: SolveOptions) -> Outcome:
    """Return what was found with departures that are in time on enough days, and how often they are.

    Where those of its plan are not, the best of the other candidates is taken.
    """
    promised = [one.name for one in problem.clients if one.on_time is not None]
    if outcome.plan is None:
        return outcome
    if options.days_in_time is None:
        told = f"promises of being on time are not planned for: on_time of {list_names(promised)}"
        return outcome.with_message(told) if promised else outcome
    if not knows_errors(problem, options.uncertainty):
        return outcome
    plan: Any = outcome.plan
    try:
        tries = [_leave(problem.assess(plan), options)]
    except ProblemError as error:
        # a late day is beyond where a law has a value, which is no fault of the plan
        return outcome.with_message(f"it is not known how often the plan is in time: {error}")
    if not tries[0].reached:
        for plan in outcome.candidates:
            other = problem.assess(problem.plan_from(plan.reopened())).settled()
            try:
                tries.append(_leave(other, options, beside=tries[0].typical))
            except ProblemError:
                continue  # of this one it is not known how often it is in time
    best = min(tries, key=lambda each: each.rank)
    if not best.days.moved and best is tries[0]:
        return replace(outcome, days_in_time=best.days)
    # the bound of a solver is on departures that cost least
    status = Status.FEASIBLE if outcome.status is Status.OPTIMAL else outcome.status
    objective = best.held.planned_pricing.objective
    return replace(outcome, plan=best.held.plan, objective=objective, status=status, days_in_time=best.days)


def stretch_of(tried: PlanInTime, options: SolveOptions) -> float:
    """Return the factor of travel times that brings arrivals of a plan to the quantile asked for, over all of them."""
    known, level = tried.typical, tried.days.target
    problem, driven, plan = known.problem, known.simulation, known.plan
    laws = routing_time_laws(problem, options.uncertainty)
    draws = common_draws(sum(len(route.clients) for route in plan.routes))
    days = drive_days(problem, known, laws, options.uncertainty, draws, COMMON_SEED + 1, lenient=True)
    served = driven.head >= len(problem.data.depots)
    so_far = [np.cumsum(driven.duration[driven.route == each]) for each in range(len(driven.finish))]
    stops_late, routes_late = late_in_plan(known)
    limited = np.isfinite(problem.data.latest[days.client]) & ~stops_late
    ends = np.isfinite(shift_ends(known)) & ~routes_late
    later = np.concatenate(
        [
            _later(days.arrive, driven.arrive[served], level)[limited],
            _later(days.finish, driven.finish, level)[ends],
        ]
    )
    driving = np.concatenate(
        [np.concatenate(so_far)[served][limited], np.array([each[-1] for each in so_far])[ends]]
    )
    return float(1.0 + later.sum() / max(driving.sum(), 1e-9))


def _later(times: Floats, planned: Floats, level: float) -> Floats:
    """Return by how much quantiles of times lie after the planned ones; 0 where they are never."""
    found = np.quantile(times, level, axis=0, method="higher") - planned
    return np.where(np.isfinite(found), np.maximum(found, 0.0), 0.0)


def on_longer_times(problem: RoutingProblem, factor: float) -> RoutingProblem:
    """Return a problem whose travel times are longer by a factor; tables of the clock and roads are as they were."""
    duration = problem.duration
    if isinstance(duration, np.ndarray):
        return replace(problem, duration=factor * duration)
    if not isinstance(duration, BoundFormula):
        return problem
    law = duration.formula
    longer = replace(law, root=Constant(factor) * law.root, covariance=None, alternatives=())
    return replace(problem, duration=replace(duration, formula=longer))
