"""PyVRP, then the search on the law: never worse, the best there is where that can be known."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

import kanopt as ko
from kanopt.errors import SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Progress, Route, RoutingPlan, RoutingProblem, Status, VehicleType
from kanopt.problems.routing.simulate import route_costs
from kanopt.refs import arc, clock, state
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.routing import random_problem
from tests.cases.routing_brute_force import best_of_all_plans
from tests.cases.supply import small as supply_problem
from tests.solvers.routing.test_ortools import euclidean

KM = Variable("km", "km")


def solved(problem: RoutingProblem, **options: object) -> Outcome:
    return RoutingSearch().solve(problem, SolveOptions(**{"time_limit": 30.0, **options}))


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
    outcome = solved(problem, seed=seed)
    assert problem.price(outcome.plan).objective <= cheapest(problem) + 1e-6
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None


@pytest.mark.parametrize("seed", range(3))
def test_both_searches_are_reported_and_find_the_best_plan(seed: int) -> None:
    problem = random_problem(seed, clients=5)
    outcome = solved(problem, seed=seed)
    assert problem.price(outcome.plan, frozen=True).objective == pytest.approx(best_of_all_plans(problem)[1])
    first, second = outcome.engines
    assert first.name.startswith("PyVRP 0.")
    assert second.name == "search on the law"
    assert (first.won, second.won) == (False, True)
    assert second.objective == pytest.approx(outcome.objective)
    assert outcome.message == "every search ended by itself: the same seed gives the same plan"


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_to_start_from_is_never_made_worse(seed: int) -> None:
    problem = city(seed, clients=9, vans=2)
    given = OrToolsRouting().solve(problem, SolveOptions(time_limit=1.0, seed=seed)).plan
    for limit in (0.0, 3.0):
        both = solved(problem, time_limit=limit, seed=seed, initial=given)
        assert problem.price(both.plan).objective <= problem.price(given).objective + 1e-9


def test_a_start_is_repaired_to_what_there_is_now() -> None:
    problem = euclidean(6, num_available=2, capacity=3.0)
    start = RoutingPlan(
        (
            Route("van", 1, "depot", ("c0", "gone", "c1", "c2", "c3")),  # one too many, one unknown
            Route("van", 9, "depot", ("c4", "c0")),  # no such van, one twice
            Route("bike", 1, "yard", ("c5",)),  # no such type, and no vehicle left for it
        )
    )
    outcome = solved(problem, initial=start, time_limit=2.0)
    assert outcome.status is Status.FEASIBLE
    assert outcome.objective == pytest.approx(solved(problem, time_limit=2.0).objective)
    with pytest.raises(SolverError, match="starts from a RoutingPlan, not from a list"):
        solved(problem, initial=[["c0"]])


def test_what_is_said_of_the_plan_agrees_with_the_law() -> None:
    problem = city(1)
    told: list[Progress] = []
    result = ko.solve(problem, time_limit=20.0, seed=3, progress=told.append)
    last = result.engines[-1]
    assert last.name == "search on the law"
    assert f"{result.objective:,.2f} on the law" in last.message
    assert result.certificate is not None
    assert result.certificate.holds
    assert result.certificate.law_objective == result.objective
    assert result.bound is None
    assert sum(run.won for run in result.engines) == 1
    assert [step.seconds for step in told] == sorted(step.seconds for step in told)
    for run in result.engines:
        assert str(run) in str(result)


def test_the_same_seed_gives_the_same_plan_where_every_search_ends_by_itself() -> None:
    problem = city(2, clients=4)
    first, second = (solved(problem, time_limit=60.0, seed=5) for _ in range(2))
    assert "same seed gives the same plan" in first.message
    assert first.plan == second.plan


def test_a_town_without_clients_or_vehicles_needs_no_search() -> None:
    assert solved(replace(city(0), clients=[]), time_limit=5.0).plan.routes == ()
    nobody = solved(replace(city(0), vehicles=[VehicleType("van", 0, capacity=1.0)]), time_limit=5.0)
    assert (nobody.status, nobody.plan.routes) == (Status.PARTIAL, ())
    assert RoutingSearch().accepts(supply_problem()) == "solves routing problems, not supply"


def test_no_time_means_no_plan() -> None:
    outcome = solved(city(0), time_limit=0.0)
    assert (outcome.plan, outcome.status) == (None, Status.NO_PLAN)
    assert outcome.message == "no plan within the time limit"


def test_ctrl_c_keeps_the_plan() -> None:
    outcome = solved(
        euclidean(40), time_limit=60.0, progress=lambda _: os.kill(os.getpid(), signal.SIGINT), workers=2
    )
    assert outcome.interrupted
    assert euclidean(40).assess(outcome.plan).status is Status.FEASIBLE

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    outcome = solved(euclidean(20), time_limit=60.0, progress=stop)
    assert outcome.interrupted
    assert outcome.plan.routes


def test_a_failing_progress_callback_is_heard() -> None:
    def fail(_: Progress) -> None:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        solved(euclidean(10), progress=fail)


def test_without_a_kernel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "no C compiler; install one, or the package ziglang"
    monkeypatch.setattr("kanopt.solvers.routing.solver.why_no_kernel", lambda: missing)
    monkeypatch.setattr("kanopt.solvers.routing.ortools.why_no_kernel", lambda: missing)
    problem = random_problem(1)
    with pytest.raises(SolverError, match=r"no compiled kernel: no C compiler.* ziglang, or pass solver="):
        ko.solve(problem, time_limit=1.0)
    result = ko.solve(problem, solver="ortools", time_limit=0.5)
    assert result.check.ok or result.check.only_unserved
    assert ko.solve(problem, solver=OrToolsRouting(), time_limit=0.5).solver == result.solver
