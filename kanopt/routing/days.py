"""A routing plan driven on many days, each with other errors: what comes on time, what breaks, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.money_at_stake import draw_price_errors
from kanopt.plans.uncertainty import (
    UncertainLaw,
    Uncertainty,
    demand_deviations,
    draw_log_normal,
    uncertain_law,
)
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.model import RoutingModel
from kanopt.routing.rules.rule import Flags, slack
from kanopt.routing.simulate.drive import drive_of
from kanopt.routing.simulate.legs import PaddedRoutes, pad_routes
from kanopt.routing.simulate.referee import broken_rules_of_routes, price_side_by_side

MOST_LEGS = 400_000
"""Legs that are driven at once: some tens of megabytes."""
_TRAVEL, _SERVICE, _DEMAND, _PRICE = range(4)  # streams of random numbers


@dataclass(frozen=True, eq=False)
class DrivenDays:
    """A plan on many days.

    Parameters
    ----------
    route, client
        Route of each stop at a client, and the client, as positions of the plan and of the data; (stops,).
    arrive, begin
        When each stop is reached, and when service begins; infinite where it is not reached; (days, stops).
    finish
        When each route is back; (days, routes).
    cost
        What each day costs; (days,).
    broken
        Rule to the routes that break it on each day; (days, routes).
    """

    route: Integers
    client: Integers
    arrive: Floats
    begin: Floats
    finish: Floats
    cost: Floats
    broken: Mapping[str, Flags]


def drive_days(
    problem: RoutingModel,
    assessment: RoutingAssessment,
    laws: Sequence[UncertainLaw],
    uncertainty: Uncertainty,
    days: int,
    seed: int,
    *,
    lenient: bool = False,
) -> DrivenDays:
    """Drive a plan on many days, in its order and leaving when it says.

    Parameters
    ----------
    problem, assessment
        The plan on the laws.
    laws
        Errors of travel times and of service times.
    uncertainty
        What is taken to be uncertain.
    days, seed
        How many, and the seed of what happens.
    lenient
        Whether who is under way when a law has no value never arrives, at an infinite price; else that is refused.
    """
    routes = assessment.plan.routes
    on_days = problem.leg_laws.leniently() if lenient else problem.leg_laws
    grid = pad_routes(on_days, problem.planning_values, routes)
    streams = [np.random.default_rng([seed, part]) for part in range(4)]
    size = max(1, MOST_LEGS // max(grid.valid.size, 1))
    parts = []
    for begin in range(0, days, size):
        count = min(size, days - begin)
        drawn = draw_days(problem, grid, count, laws, uncertainty, streams)
        parts.append(_drive_block(assessment, drawn, count))
    first = parts[0]
    extra = draw_price_errors(assessment.law_uses, days, streams[_PRICE])
    arrive, starts, finish, cost = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("arrive", "begin", "finish", "cost")
    )
    broken = {rule: np.concatenate([part.broken[rule] for part in parts]) for rule in first.broken}
    return DrivenDays(first.route, first.client, arrive, starts, finish, cost + extra, broken)


def _drive_block(assessment: RoutingAssessment, drawn: PaddedRoutes, days: int) -> DrivenDays:
    """Drive the routes of some days, one after the other, which leave when the plan says."""
    data = assessment.problem.data
    driven = drive_of(drawn, np.tile(assessment.simulation.departure, days))
    legs = len(driven.head) // days
    served = np.flatnonzero(driven.head[:legs] >= len(data.depots))
    arrive, begin = (each.reshape(days, legs)[:, served] for each in (driven.arrive, driven.begin))
    terms = price_side_by_side(drawn.laws, assessment.plan, driven, days)
    broken = broken_rules_of_routes(data, driven)
    return DrivenDays(
        driven.route[served],
        driven.head[served],
        np.where(np.isfinite(arrive), arrive, np.inf),
        np.where(np.isfinite(begin), begin, np.inf),
        driven.finish.reshape(days, -1),
        sum(terms.values(), np.zeros(days)),
        {rule: flags.reshape(days, -1) for rule, flags in broken.items()},
    )


def draw_days(
    problem: RoutingModel,
    plan: PaddedRoutes,
    days: int,
    laws: Sequence[UncertainLaw],
    uncertainty: Uncertainty,
    streams: Sequence[np.random.Generator],
) -> PaddedRoutes:
    """Return the routes of a plan, one after the other for each day, with the errors and demands of that day."""
    routes, legs = plan.valid.shape
    shape = days, routes, legs
    travel, service = (law.draw(shape, rng) for law, rng in zip(laws, streams, strict=False))
    grid = plan.select(np.tile(np.arange(routes), days))
    grid = replace(grid, travel_errors=travel, service_errors=service)
    mean, stated = problem.data.demand, np.nan_to_num(problem.data.of_nodes("demand_sd"))
    deviation = demand_deviations(mean, stated, uncertainty)
    if not (deviation * mean).any():
        return grid
    demands = draw_log_normal(mean, deviation, days, uncertainty.shared_demand or 0.0, streams[_DEMAND])
    nodes = grid.nodes.reshape(days, routes, legs + 1)
    carried = demands[np.arange(days)[:, None, None], nodes]
    return grid.with_demands(carried.reshape(days * routes, legs + 1))


def routing_time_laws(problem: RoutingModel, uncertainty: Uncertainty) -> tuple[UncertainLaw, UncertainLaw]:
    """Return what is known of the errors of travel times and of service times."""
    travel, unit = problem.leg_laws.duration, problem.units.time
    law = travel if isinstance(travel, BoundFormula) else None
    return (
        uncertain_law("travel times", "legs", law, uncertainty.travel, uncertainty, unit),
        uncertain_law(
            "service times", "stops", problem.policy.service, uncertainty.service, uncertainty, unit
        ),
    )


def in_time(assessment: RoutingAssessment, days: DrivenDays) -> Flags:
    """Say on which days everyone is in time whom the plan itself has in time; (days,).

    Clients are served by the end of their last window, and vehicles are back by the end of their shift.
    """
    late_stops, late_routes = late_in_plan(assessment)
    data = assessment.problem.data
    latest, ends = data.latest[days.client], shift_ends(assessment)
    served = np.isfinite(days.begin) & (days.begin <= latest + slack(latest))
    back = np.isfinite(days.finish) & (days.finish <= ends + slack(ends))
    return np.asarray((served | late_stops).all(axis=1) & (back | late_routes).all(axis=1))


def late_in_plan(assessment: RoutingAssessment) -> tuple[Flags, Flags]:
    """Say at which stops service begins too late in the plan itself, and which routes are back after their shift."""
    data, driven, ends = assessment.problem.data, assessment.simulation, shift_ends(assessment)
    served = driven.head >= len(data.depots)
    return (driven.late > slack(data.latest[driven.head]))[served], np.asarray(
        driven.finish > ends + slack(ends)
    )


def shift_ends(assessment: RoutingAssessment) -> Floats:
    """Return when the shift of the vehicle of each route ends, infinite where it does not; (routes,)."""
    data = assessment.problem.data
    kinds = [data.type_index[route.vehicle] for route in assessment.plan.routes]
    return np.asarray(data.of_vehicles("shift_end")[kinds], dtype=float)
