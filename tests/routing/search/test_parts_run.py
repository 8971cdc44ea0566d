"""First plans and the search in parts: plans that keep every rule and only get better, and what memory allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import kanopt as ko
from kanopt import refs, routing
from kanopt.engines.base import SolveOptions
from kanopt.engines.compiled.library import why_no_kernel
from kanopt.engines.solve import search_and_assess
from kanopt.errors import SolverError
from kanopt.progress import Progress
from kanopt.routing import RoutingPlan
from kanopt.routing.search import parts_run
from kanopt.routing.search.integers import RoutingIntegers
from kanopt.routing.search.parts_run import PartsRun, savings_plan
from kanopt.routing.search.racer.search import StoppingCriteria
from tests.cases.mixed_routing import LAWS, mixed_problem
from tests.cases.routing_variants import VARIANTS, variant

pytestmark = pytest.mark.skipif(bool(why_no_kernel()), reason="no compiled search on the law")


KM = ko.Variable("km", "km")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_run, "_CLIENTS", 12)
    monkeypatch.setattr(parts_run, "_SECONDS", 0.2)
    monkeypatch.setattr("kanopt.routing.search.solver.LARGE", 3)


def town(seed: int, clients: int = 60, *, windows: bool = False, reloads: int = 0) -> ko.RoutingProblem:
    """Return a town of two depots, with vans and dearer lorries."""
    rng = np.random.default_rng(seed)
    people = []
    for number, (x, y) in enumerate(rng.uniform(0, 30, (clients, 2)).tolist()):
        opens = float(rng.uniform(480, 900)) if windows else 0.0
        window = {"earliest": opens, "latest": opens + 150.0} if windows else {}
        load = float(rng.integers(1, 9))
        people.append(routing.Client(f"c{number}", x=x, y=y, demand=load, service_duration=4.0, **window))
    each = clients // (12 if windows else 12 * (1 + reloads))
    shared = {"fixed_cost": 20.0, "unit_duration_cost": 0.3, "max_reloads": reloads}
    fleet = [
        routing.VehicleType("van", each, 40.0, unit_distance_cost=0.5, start_depot="west", **shared),
        routing.VehicleType("lorry", each, 90.0, unit_distance_cost=0.8, start_depot="east", **shared),
    ]
    depots = [routing.Depot("west", x=5.0, y=15.0), routing.Depot("east", x=25.0, y=15.0)]
    minutes = ko.parse_formula("2 * km", [KM], ko.Variable("minutes", "min")).bind(km=refs.arc.distance)
    return ko.RoutingProblem(depots, people, fleet, {}, minutes)


def parts_on_law(
    problem: ko.RoutingProblem, plan: RoutingPlan, progress: Callable[[Progress], None] = lambda step: None
) -> PartsRun:
    """Return a search of parts on the law that counts work."""
    return PartsRun(problem, plan, SolveOptions(seed=3, deterministic=True), progress)


@pytest.mark.parametrize("reloads", [0, 1])
def test_every_step_of_progress_is_the_price_of_a_plan(reloads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_run, "_CLIENTS", 25)
    problem = town(1, reloads=reloads, windows=True)
    seen: list[Progress] = []
    run = parts_on_law(problem, RoutingPlan(()), seen.append)
    plan = run.run(StoppingCriteria(2.0, None, lambda: False))
    assert problem.check(plan).ok
    assert run.parts > 5
    whole = [step.objective for step in seen if not step.message]
    assert whole == sorted(whole, reverse=True)
    assert math.isclose(whole[-1], problem.price(plan).objective, rel_tol=1e-9)


def test_clients_left_out_are_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_run, "_CLIENTS", 25)
    problem = town(4)
    served = ko.solve(problem, time_limit=0.5, deterministic=True).plan
    half = [replace(route, clients=route.clients[::2]) for route in served.routes]
    run = parts_on_law(problem, problem.plan_from(half))
    assert problem.check(run.run(StoppingCriteria(2.0, None, lambda: False))).ok


def test_the_limit_of_work_is_kept_and_the_same_seed_gives_the_same_plan() -> None:
    problem = town(2)
    plans = []
    for _ in range(2):
        run = parts_on_law(problem, RoutingPlan(()))
        plans.append(run.run(StoppingCriteria(1.5, None, lambda: False)))
        assert 1.2 <= run.clock.now() <= 1.6
    assert plans[0] == plans[1]


def test_asked_to_stop_it_returns_the_plan_so_far() -> None:
    problem = town(2)

    def stop(step: object) -> None:
        raise KeyboardInterrupt

    run = parts_on_law(problem, RoutingPlan(()), stop)
    plan = run.run(StoppingCriteria(60.0, None, lambda: False))
    assert run.stopped
    assert run.parts == 1
    check = problem.check(plan)
    assert check.ok or check.only_unserved


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("longest", "mixed")])
def test_problems_of_every_rule_are_solved_in_parts(name: str) -> None:
    problem = variant(name, 2)
    result = ko.solve(problem, time_limit=0.3, deterministic=True)
    assert result.check.ok or result.check.only_unserved
    assert "part" in result.engines[-1].message
    assert result.objective is not None
    assert math.isclose(result.objective, problem.price(result.plan).objective, rel_tol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_problems_of_every_kind_of_law_are_solved_in_parts(law: str) -> None:
    drawn = mixed_problem(1, law)
    # a price of the longest route ties all parts together
    problem = replace(drawn, policy=replace(drawn.policy, longest_route_cost=0.0), started=())
    result = search_and_assess(problem, SolveOptions(time_limit=0.3, deterministic=True))
    assert result.check.ok or result.check.only_unserved
    assert "part" in result.engines[-1].message


@pytest.mark.parametrize("name", VARIANTS)
def test_plans_keep_every_rule_of_the_referee(name: str) -> None:
    for seed in range(4):
        problem = variant(name, seed)
        plan = savings_plan(problem, lambda: False)
        check = problem.check(plan)
        assert check.ok or check.only_unserved, (name, seed, check.violations)
        visited = [client for route in plan.routes for client in route.clients if client != route.depot]
        assert len(visited) == len(set(visited))


def test_a_search_that_is_over_ends_with_a_plan_that_holds() -> None:
    problem = variant(next(iter(VARIANTS)), 0)
    check = problem.check(savings_plan(problem, lambda: True))
    assert check.ok or check.only_unserved


def test_what_does_not_fit_in_memory_is_refused_with_how_much_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kanopt.routing.search.integers.available_bytes", lambda: 5000.0)
    with pytest.raises(SolverError, match=r"between 32 places: travel times and prices .* GB are free"):
        RoutingIntegers(town(1, 30))
    monkeypatch.undo()
    monkeypatch.setattr("kanopt.routing.search.solver.available_bytes", lambda: 1000.0)
    fuel = ko.parse_formula("km * (1 + load)", [KM, ko.Variable("load", "t")], ko.Variable("fuel", "EUR"))
    loaded = replace(town(1, 24), cost=fuel.bind(km=refs.arc.distance, load=refs.state.load))
    with pytest.raises(SolverError, match=r"it needs .* GB, and .* GB are free"):
        ko.solve(loaded, time_limit=1.0)
    # part after part fits
    monkeypatch.setattr("kanopt.routing.search.solver.LARGE", 10)
    assert ko.solve(loaded, time_limit=1.0).check.ok
