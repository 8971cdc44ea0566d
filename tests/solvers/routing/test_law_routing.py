"""Engines at planning values, then the search on the law: never worse, the best there is where that can be known."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from kanopt.solvers.routing.law_routing import LawRouting
from kanopt.solvers.routing.portfolio import RoutingPortfolio

import kanopt as ko
from kanopt.errors import SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Progress, RoutingProblem, Status, VehicleType
from kanopt.problems.routing.simulate import route_costs
from kanopt.refs import arc, clock, state
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.clock import SearchClock

KM = Variable("km", "km")


def city(seed: int, clients: int = 5, *, vans: int = 1) -> RoutingProblem:
    """One town: fuel grows with the load, driving is slow at eight."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 20, (clients + 1, 2)).round(2)
    demand = rng.uniform(0.2, 3.0, clients).round(2)
    fuel = parse_formula("0.2 * km * (1 + load)", [KM, Variable("load", "t")], Variable("fuel", "EUR"))
    minutes = parse_formula(
        "1.7 * km * (1 + 0.8 * exp(-((hour - 8) / 0.7) ^ 2))",
        [KM, Variable("hour", "h")],
        Variable("m", "min"),
    )
    return RoutingProblem(
        [Depot("depot", *places[0])],
        [
            Client(f"c{k}", *place, demand=d, service_duration=5.0)
            for k, (place, d) in enumerate(zip(places[1:], demand, strict=True))
        ],
        [VehicleType("van", vans, capacity=20.0, unit_duration_cost=0.4, shift_start=420, shift_end=1200)],
        fuel.bind(km=arc.distance, load=state.load),
        minutes.bind(km=arc.distance, hour=clock.hour),
    )


def cheapest(problem: RoutingProblem) -> float:
    """Return the price of the best order, each leaving as late as it can without finishing later, or at any minute."""
    names = [client.name for client in problem.clients]
    plans = [problem.plan_from({"van 1": list(order)}) for order in permutations(names)]
    routes = [plan.routes[0] for plan in plans]
    routes += [replace(route, departure=float(at)) for route in routes for at in range(420, 720, 5)]
    costs = route_costs(problem.leg_laws, problem.planning_values, routes, problem.drive(routes))
    assert costs[0] == pytest.approx(problem.price(plans[0]).objective)
    return float(costs.min())


@pytest.mark.parametrize("seed", range(3))
def test_orders_and_departures_are_as_good_as_trying_them_all(seed: int) -> None:
    problem = city(seed, clients=4)
    outcome = LawRouting().solve(problem, SolveOptions(time_limit=30.0, seed=seed))
    assert problem.price(outcome.plan).objective <= cheapest(problem) + 1e-6
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None


@pytest.mark.parametrize("seed", range(3))
def test_the_plan_is_never_worse_on_the_law_than_that_of_the_engines(seed: int) -> None:
    problem = city(seed, clients=9, vans=2)
    engines = RoutingPortfolio().solve(problem, SolveOptions(time_limit=2.0, seed=seed))
    both = LawRouting().solve(problem, SolveOptions(time_limit=8.0, seed=seed, initial=engines.plan))
    assert problem.price(both.plan).objective <= problem.price(engines.plan).objective + 1e-9


def test_what_is_said_of_the_plan_agrees_with_the_law() -> None:
    problem = city(1)
    told: list[Progress] = []
    result = ko.solve(problem, time_limit=20.0, seed=3, progress=told.append)
    last = result.engines[-1]
    assert last.name == "search on the law"
    assert f"{result.objective:,.2f} on the law" in last.message
    assert result.certificate.holds
    assert result.certificate.law_objective == result.objective
    assert result.bound is None
    assert sum(run.won for run in result.engines) == 1
    assert [step.seconds for step in told] == sorted(step.seconds for step in told)


def test_the_same_seed_gives_the_same_plan_where_every_search_ends_by_itself() -> None:
    problem = city(2, clients=4)
    first, second = (LawRouting().solve(problem, SolveOptions(time_limit=60.0, seed=5)) for _ in range(2))
    assert "same seed gives the same plan" in first.message
    assert first.plan == second.plan


def test_only_problems_in_which_something_is_frozen_are_taken() -> None:
    km = np.array([[0.0, 3.0], [3.0, 0.0]])
    plain = RoutingProblem([Depot("d")], [Client("a")], [VehicleType("van")], km, km, km)
    assert "no law reads load or clock" in LawRouting().accepts(plain)
    assert LawRouting().accepts(city(0)) == ""
    with pytest.raises(SolverError, match="no law reads load or clock"):
        ko.solve(plain, solver=LawRouting())
    assert not ko.solve(plain, time_limit=1.0).engines[-1].name.startswith("search")


def test_a_town_without_clients_needs_no_search() -> None:
    problem = replace(city(0), clients=[])
    outcome = LawRouting().solve(problem, SolveOptions(time_limit=5.0))
    assert outcome.plan.routes == ()


def test_without_time_the_engines_have_the_last_word() -> None:
    outcome = LawRouting().solve(city(0), SolveOptions(time_limit=0.0))
    assert outcome.plan is None
    assert outcome.status is Status.NO_PLAN


def test_a_search_that_has_no_time_left_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(SearchClock):
        passed = 0.0

        def now(self) -> float:
            return super().now() + self.passed

    found, slow = RoutingPortfolio.raise_plan, Slow()

    def late(*arguments: Any) -> Any:
        outcome = found(*arguments)
        slow.passed = 60.0
        return outcome

    monkeypatch.setattr(RoutingPortfolio, "raise_plan", late)
    outcome = LawRouting().solve(city(0), SolveOptions(time_limit=5.0, clock=slow))
    assert outcome.plan is not None
    assert (
        outcome.engines[-1].message
        == "not begun: the time limit was over, so that no plan was searched on the law"
    )


def test_routes_leave_when_the_law_says_and_not_at_frozen_times() -> None:
    outcome = LawRouting().solve(city(3), SolveOptions(time_limit=6.0))
    assert all(route.departure is not None for route in outcome.plan.routes)
    told = [step.message for step in outcome.history]
    assert told[-1].startswith("on the law") or "on the law" not in " ".join(told)
