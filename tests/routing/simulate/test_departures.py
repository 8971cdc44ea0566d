"""The departure of a route that states none: no other one is cheaper and breaks as few rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt import RoutingProblem
from kanopt.plans.result import evaluate
from kanopt.plans.summary import today_sentence
from kanopt.routing import Client, Depot, Route, RoutingPlan, VehicleType
from kanopt.routing.rules.rule import slack
from kanopt.routing.simulate.referee import route_costs
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan

SHIFTS = np.concatenate([np.arange(-120.0, 0.0), np.arange(1.0, 121.0)])


def open_plan(problem: RoutingProblem, seed: int) -> RoutingPlan:
    """Return a random plan in which no route says when it leaves."""
    return random_plan(problem, seed).reopened()


def judged(
    problem: RoutingProblem, routes: list[Route]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return how many timed rules each route breaks, by how much, what it costs, and how long it takes."""
    data, driven = problem.data, problem.drive(routes)
    kinds = np.array([data.type_index[route.vehicle] for route in routes])
    hard = ~data.has_soft_window[driven.head]
    broken, excess = np.zeros(len(routes)), driven.breaks_missed * 1000.0
    spent = driven.route_durations
    for over, limit, route in (
        (driven.begin, np.where(hard, data.latest[driven.head], np.inf), driven.route),
        (driven.finish, data.of_vehicles("shift_end")[kinds], np.arange(len(routes))),
        (spent, data.of_vehicles("max_duration")[kinds], np.arange(len(routes))),
    ):
        late = np.zeros(len(over))
        np.subtract(over, limit, out=late, where=over > limit + slack(limit))
        broken += np.bincount(route, late > 0, len(routes))
        excess += np.bincount(route, late, len(routes))
    broken += driven.breaks_missed > 0
    return broken, excess, route_costs(problem.leg_laws, routes, driven), spent


def improvement(problem: RoutingProblem, plan: RoutingPlan) -> float:
    """Return by what share of its price a plan gets cheaper where one route leaves some minutes before or after."""
    settled = problem.assess(plan).settled().plan
    routes, most = settled.routes, 0.0
    if not routes:
        return 0.0
    rate = problem.policy.longest_route_cost
    whole = np.isfinite(problem.drive(routes).finish)
    broken, excess, cost, spent = judged(problem, list(routes))
    shifted, places = [], []
    for place, route in enumerate(routes):
        started = problem.data.started_of.get((route.vehicle, route.index))
        if not whole[place] or (started is not None and started.route.departure is not None):
            continue
        leaves = route.departure + SHIFTS
        leaves = leaves[leaves >= problem.data.leaves_from(route)]
        shifted += [replace(route, departure=float(clock)) for clock in leaves]
        places += [place] * len(leaves)
    if not shifted:
        return 0.0
    bad, over, price, length = judged(problem, shifted)
    for place in set(places):
        mine = np.array(places) == place
        others = spent[whole & (np.arange(len(routes)) != place)].max(initial=0.0)
        was = cost[place] + rate * max(spent[place], others)
        now = price[mine] + rate * np.maximum(length[mine], others)
        as_good = (bad[mine] <= broken[place]) & (over[mine] <= excess[place] + 1e-9)
        saved = np.where(as_good, was - now, 0.0)
        most = max(most, float(saved.max()) / max(1.0, abs(was)))
    return most


@pytest.mark.parametrize("law", LAWS)
def test_no_shift_of_a_departure_makes_a_plan_cheaper(law):
    for seed in range(30):
        problem = mixed_problem(seed, law)
        assert improvement(problem, open_plan(problem, seed)) <= 1e-6, seed


def test_departures_of_todays_table_are_kept_and_those_assumed_are_told():
    km = 20.0 * (1.0 - np.eye(3))
    clients = [Client("a", earliest=600.0, latest=700.0), Client("b", earliest=600.0, latest=700.0)]
    van = VehicleType("van", 2, unit_duration_cost=1.0, shift_start=420.0, shift_end=1000.0)
    problem = RoutingProblem([Depot("depot")], clients, [van], {}, km, km)
    stops = {"vehicle": ["van 1", "van 2"], "stop": [1, 1], "client": ["a", "b"]}
    stated = evaluate(problem, pd.DataFrame({**stops, "departure": ["9:00", "9:10"]}))
    assert stated.assessment.simulation.departure.tolist() == [540.0, 550.0]
    assert stated.assessment.assumed == ""
    partly = evaluate(problem, pd.DataFrame({**stops, "departure": ["9:00", None]}))
    assert partly.assessment.simulation.departure.tolist() == [540.0, 580.0]
    best = evaluate(problem, pd.DataFrame(stops))
    assert partly.objective == best.objective + 40.0
    told = today_sentence(best, partly)
    assert "departures are not all given" in told
    assert "van 2 at 09:40" in told
    assert "van 1" not in told
