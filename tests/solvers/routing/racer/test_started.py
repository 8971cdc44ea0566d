"""The search where routes are under way: the best plan there is, and nothing touched that is fixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.problems import Client, Depot, Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.refine import refine
from kanopt.solvers.routing.racer.search import RacerSearch
from tests.cases.mixed_routing import mixed_problem, random_plan
from tests.cases.routing_simulator import Simulator, best_of_all
from tests.cases.routing_variants import VARIANTS, variant


def at_noon(problem: RoutingProblem, plan: RoutingPlan, seed: int) -> RoutingProblem:
    """Return a problem some time into a plan; some vehicles do not say when they left, or have more to choose."""
    rng = np.random.default_rng([seed, 41])
    later = problem.with_routes_under_way(plan, float(rng.integers(395, 480)))
    routes = []
    for route in later.started:
        leaves = route.departure if rng.random() < 0.8 else None
        routes.append(replace(route, departure=leaves, locked=min(route.locked, int(rng.integers(0, 5)))))
    return replace(later, started=routes)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_best_plan_there_is_is_found(name: str) -> None:
    for seed in range(2):
        problem = variant(name, seed)
        plan = refine(problem, steps=60, seed=seed)
        later = at_noon(problem, plan, seed)
        best = best_of_all(later)
        for start in (plan, RoutingPlan(())):
            found = refine(later, start, steps=2500, seed=seed)
            check = later.check(found)
            assert check.ok or check.only_unserved
            assert Simulator(later).faults(found) <= {"unserved"}
            must = {client.name for client in later.clients if client.mandatory}
            assert len(must & set(found.unserved)) == best.missed
            assert later.price(found).objective == pytest.approx(best.cost, rel=1e-6)


@pytest.mark.parametrize("seed", range(14))
def test_with_laws_of_all_kinds_what_is_fixed_stays_and_the_price_is_that_of_the_problem(seed: int) -> None:
    problem = replace(mixed_problem(seed), started=())
    first = RacerSearch(PlanData(problem), seed)
    first.begin(random_plan(problem, seed))
    first.take_steps(100, 1.0)
    plan = first.best_plan()
    later = at_noon(problem, plan, seed)
    search = RacerSearch(PlanData(later), seed)
    search.begin(plan)
    for heat in (3.0, 1.0, 0.1):
        search.take_steps(150, heat)
    found, report = search.best_plan(), search.report
    for each in later.data.started:
        (route,) = [route for route in found.routes if (route.vehicle, route.index) == each.vehicle] or [None]
        assert route is None or route.clients[: len(each.kept)] == each.kept
    bound = {name for each in later.data.started for name in each.bound}
    must = {client.name for client in later.clients if client.mandatory} | bound
    assert len(must & set(found.unserved)) == report.best_missed
    price = later.price(found).objective
    price -= sum(
        client.prize or 0.0 for client in later.clients if client.name in bound & set(found.unserved)
    )
    assert price + report.best_missed * search.plan_data.missed == pytest.approx(
        report.best_price, rel=1e-9, abs=1e-6
    )
    check = later.check(found)
    if not bound & set(found.unserved):
        assert check.ok or check.only_unserved


def test_a_route_that_cannot_go_on_is_told_and_the_others_are_planned() -> None:
    km = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0))) * 10
    clients = [Client("a", latest=5.0), Client("b")]
    started = [Route("van", 1, "depot", ("a",), 0.0, 1)]
    problem = RoutingProblem([Depot("depot")], clients, [VehicleType("van", 2)], km, km, km, started=started)
    found = refine(problem, steps=200)
    assert found.unserved == ("a",)
    assert {each.constraint for each in problem.check(found).violations} == {"unserved", "started"}
    given = problem.plan_from({"van 1": ["a"], "van 2": ["b"]})
    assert {each.constraint for each in problem.check(given).violations} == {"time window"}


def test_a_new_trip_waits_for_now() -> None:
    km = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
    van = VehicleType("van", 1, capacity=1.0, max_reloads=1, unit_duration_cost=1.0, shift_end=400.0)
    clients = [Client("a", demand=1.0), Client("b", demand=1.0)]
    policy = RoutingPolicy(not_before=100.0)
    problem = RoutingProblem(
        [Depot("depot")], clients, [van], km, km, km, policy=policy,
        started=[Route("van", 1, "depot", ("a",), 0.0, 2)],
    )  # fmt: skip
    found = refine(problem, steps=200)
    assert found.routes[0].clients == ("a", "depot", "b")
    assert problem.drive(found.routes).leave.tolist() == [0.0, 10.0, 100.0, 120.0]
    assert problem.check(found).ok
