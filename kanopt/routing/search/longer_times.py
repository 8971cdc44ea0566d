"""Routes for days in time: order and vehicles too, where departures alone do not bring them.

Plans are made on travel times that are longer by what brings arrivals to the quantile asked for. Whatever order of
stops is tried, those late on a route then have more time in hand than those early on it. Each plan leaves as early as
it takes on the laws as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.engines.base import Outcome, SolveOptions
from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import Constant
from kanopt.plans.findings import Status
from kanopt.routing import RoutingPlan
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.departure_choice import DepartureChoice, knows_errors, leave_in_time
from kanopt.text import list_names

_LOOKED = 0.25
"""Of the days on which departures are chosen in the end: on so many it is looked whether any are enough."""


@dataclass(frozen=True, eq=False)
class PlanInTime:
    """A plan on the laws as they are, and whether departures can be chosen for days in time.

    Parameters
    ----------
    typical
        The plan with the departures that cost least on typical times.
    price
        What it costs with departures that are chosen for days in time.
    reached
        Whether these bring as many as are asked for, and keep promises to single clients.
    stretch
        The factor of travel times that brings arrivals to the quantile asked for; 1 where these are enough.
    """

    typical: RoutingAssessment
    price: float
    reached: bool
    stretch: float


def in_time(problem: RoutingProblem, plan: RoutingPlan, options: SolveOptions) -> PlanInTime | None:
    """Look whether departures of a plan are in time on enough days, on few days.

    None where nobody has to be or no law of time knows its errors, where the plan breaks a rule, and where a late day
    is beyond where a law has a value.
    """
    if options.days_in_time is None or not knows_errors(problem, options.uncertainty):
        return None
    typical: Any = problem.assess(problem.plan_from(plan.reopened())).settled()
    routes = typical.plan.routes
    if typical.rank.breaks_rules or not routes:
        return None
    free, seconds = np.ones(len(routes), dtype=bool), _LOOKED * options.time_limit
    try:
        choice = DepartureChoice(typical, free, options.days_in_time, options.uncertainty, seconds)
        known, reached = choice.plan()
        return PlanInTime(typical, known.pricing.objective, reached, 1.0 if reached else choice.stretch())
    except ProblemError:
        return None


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
    typical: Any = problem.assess(plan)
    how: dict[str, Any] = {"uncertainty": options.uncertainty, "time_limit": options.time_limit}
    try:
        found, days = leave_in_time(typical, options.days_in_time, **how)
    except ProblemError as error:
        # a late day is beyond where a law has a value, which is no fault of the plan
        return outcome.with_message(f"it is not known how often the plan is in time: {error}")
    if outcome.candidates and not (days.reached and not days.not_kept):
        enough = [each for each in outcome.candidates if each.reached]
        enough = [each for each in enough if each.typical.rank[:3] <= typical.rank[:3]]
        for best in sorted(enough, key=lambda each: (each.typical.rank[:3], each.price)):
            try:
                held, known = leave_in_time(
                    best.typical, options.days_in_time, beside=typical.settled(), **how
                )
            except ProblemError:
                continue  # of this one it is not known how often it is in time
            if known.reached and not known.not_kept:
                found, days = held, known
                price = best.typical.pricing.objective
                engines = tuple(replace(each, won=each.objective == price) for each in outcome.engines)
                outcome = replace(outcome, engines=engines)
                break
        else:
            days = replace(days, searched=len(outcome.candidates) > 1)
    if not days.moved and not days.rerouted:
        return replace(outcome, days_in_time=days)
    # the bound of a solver is on departures that cost least
    status = Status.FEASIBLE if outcome.status is Status.OPTIMAL else outcome.status
    objective = found.planned_pricing.objective
    return replace(outcome, plan=found.plan, objective=objective, status=status, days_in_time=days)


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
