"""Departures with which everyone is in time on a share of days, chosen on days that are drawn together for all routes.

The order of stops stays. Of each route and each day it is known until when the vehicle may leave so that everybody on
it is in time; departures are chosen among those times, the cheapest ones with which all routes are in time together on
enough days.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.plans.days_in_time import DaysInTime
from kanopt.plans.uncertainty import Uncertainty
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import (
    COMMON_SEED,
    common_draws,
    drive_days,
    in_time,
    routing_time_laws,
)
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.departure_choice import DepartureChoice
from kanopt.text import number_text

_AS_LEARNED = Uncertainty()
_FRONTIER = (0.8, 0.9, 0.99)
"""Shares of days at which the price of punctuality is told."""
_APART = 0.01
"""Shares of days that are told apart."""


def knows_errors(problem: object, uncertainty: Uncertainty = _AS_LEARNED) -> bool:
    """Say whether a problem is one of routes where something has to be in time and a law of time knows its errors."""
    if not isinstance(problem, RoutingProblem):
        return False
    data = problem.data
    limited = np.isfinite(data.latest[len(data.depots) :]).any()
    limited = limited or np.isfinite(data.of_vehicles("shift_end")).any()
    return bool(limited) and any(law.model is not None for law in routing_time_laws(problem, uncertainty))


def leave_in_time(
    assessment: RoutingAssessment,
    target: float,
    *,
    keep_given: bool = False,
    uncertainty: Uncertainty = _AS_LEARNED,
    beside: RoutingAssessment | None = None,
    stretch: float = 1.0,
    time_limit: float = math.inf,
) -> tuple[RoutingAssessment, DaysInTime]:
    """Choose departures with which everyone is in time on a share of days, and measure that on fresh days.

    Parameters
    ----------
    assessment
        A plan with departures that cost least on typical times.
    target
        Share of days on which everyone is to be in time. It is reached where its lower bound is.
    keep_given
        Whether routes that state their departure keep it.
    uncertainty
        What is taken to be uncertain.
    beside
        The plan that is cheapest on typical times, which is told beside; left out, the one given.
    stretch
        Factor of travel times on which the routes were planned, which is told.
    time_limit
        Seconds of the whole search, of which the choice takes a part: for fewer, departures are chosen on fewer days.

    Returns
    -------
    RoutingAssessment, DaysInTime
        The plan that says when it leaves: the one given where that is in time often enough; the most punctual one, as
        far as the days tell, where no departures reach the target.
    """
    problem: Any = assessment.problem
    plan = assessment.plan
    typical = assessment.settled()
    free = np.array([not keep_given or route.departure is None for route in plan.routes], dtype=bool)
    choice = DepartureChoice(typical, free, target, uncertainty, time_limit)
    chosen, reached = choice.departures()
    moved = chosen != typical.simulation.departure
    found = typical
    if moved.any():
        routes = zip(plan.routes, chosen.tolist(), strict=True)
        found = problem.assess(
            replace(plan, routes=tuple(replace(route, departure=clock) for route, clock in routes))
        )
        if found.rank.breaks_rules > typical.rank.breaks_rules:
            found, moved = typical, np.zeros_like(moved)
    if keep_given and moved.any():
        often = f"{number_text(100.0 * target, 6)} % of days" if reached else "as many days as they allow"
        when = f"vehicles leave so that everyone is in time on {often}"
        found.__dict__["assumed"] = found.departures_text(plan, when)
    elif keep_given:
        found = assessment
    beside = typical if beside is None else beside
    draws = min(_draws(found), _draws(beside))
    (share, costs), (typical_share, typical_costs) = (
        _measured(each, uncertainty, draws) for each in (found, beside)
    )
    # means are told beside each other: of the days on which both plans have a price
    priced = np.isfinite(costs) & np.isfinite(typical_costs)
    mean = typical_mean = error = None
    if priced.sum() > 1:
        mean, typical_mean = float(costs[priced].mean()), float(typical_costs[priced].mean())
        error = float(costs[priced].std(ddof=1)) / math.sqrt(priced.sum())
    earlier = (typical.simulation.departure - found.simulation.departure)[moved]
    return found, DaysInTime(
        target=target,
        reached=reached,
        share=share,
        price=found.pricing.objective,
        mean=mean,
        typical_share=typical_share,
        typical_price=beside.pricing.objective,
        typical_mean=typical_mean,
        mean_error=error,
        earlier=float(earlier.max(initial=0.0)),
        moved=int(moved.sum()),
        stretch=stretch,
        not_kept=choice.not_kept,
        draws=draws,
        unpriced=int(draws - priced.sum()),
        money=problem.unit,
        time=problem.units.time,
    )


def punctuality_frontier(
    assessment: RoutingAssessment, *, uncertainty: Uncertainty = _AS_LEARNED
) -> list[tuple[float, float]]:
    """Return the share of days in time and the price of a plan's routes, the earlier they leave the dearer.

    Parameters
    ----------
    assessment
        The plan.
    uncertainty
        What is taken to be uncertain.

    Returns
    -------
    list of tuple
        Share and price on typical times, the cheapest first; each share is higher than the one before.
    """
    problem: Any = assessment.problem
    typical = problem.assess(assessment.plan.reopened()).settled()
    free = np.ones(len(typical.plan.routes), dtype=bool)
    choice = DepartureChoice(typical, free, _FRONTIER[-1], uncertainty)
    plans = [typical.simulation.departure, *choice.frontier(_FRONTIER)]
    found: list[tuple[float, float]] = []
    for leaves in plans:
        routes = zip(typical.plan.routes, leaves.tolist(), strict=True)
        plan = replace(typical.plan, routes=tuple(replace(route, departure=clock) for route, clock in routes))
        one = problem.assess(plan)
        share = _measured(one, uncertainty, _draws(one))[0]
        if not found or share > found[-1][0] + _APART:
            found.append((share, one.pricing.objective))
    return found


def _draws(assessment: RoutingAssessment) -> int:
    """Return on how many days a plan is measured."""
    return common_draws(sum(len(route.clients) for route in assessment.plan.routes))


def _measured(
    assessment: RoutingAssessment, uncertainty: Uncertainty, draws: int
) -> tuple[float, NDArray[np.float64]]:
    """Return the share of days in time and what each day costs, on the days that are the same for all plans.

    A day on which a law has no value has no finite price.
    """
    problem, laws = assessment.problem, routing_time_laws(assessment.problem, uncertainty)
    days = drive_days(problem, assessment, laws, uncertainty, draws, COMMON_SEED, lenient=True)
    return float(in_time(assessment, days).mean()), days.cost
