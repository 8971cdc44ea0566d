"""Engines find the optimum with every rule, and agree with the referee on which plans fit in whole numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ortools.constraint_solver import pywrapcp

from kanopt import RoutingProblem
from kanopt.engines.base import SolveOptions
from kanopt.engines.solve import solve
from kanopt.routing import Client, Depot, RoutingPlan, RoutingPolicy, VehicleType
from kanopt.routing.search.integers import RoutingIntegers, without_idle_reloads
from kanopt.routing.search.ortools import OrToolsModel, OrToolsRouting
from kanopt.routing.search.pyvrp_model import PyVrpModel, integers_of, unsupported_rules
from kanopt.routing.search.solver import RoutingSearch
from tests.cases import routing_brute_force
from tests.cases.patience import found_soon, little_patience
from tests.cases.routing import random_problem
from tests.cases.routing_simulator import Simulator
from tests.cases.routing_variants import VARIANTS, optimum, variant


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(
    ("engine", "seed"),
    [(RoutingSearch(), 1), (OrToolsRouting(), 0)],
    ids=["search-1", "ortools-0"],
)
def test_the_plan_is_the_best_of_all(engine: RoutingSearch | OrToolsRouting, name: str, seed: int) -> None:
    problem, best = variant(name, seed), optimum(name, seed)
    if engine.accepts(problem):
        pytest.skip("a rule that it does not model")
    options = SolveOptions(time_limit=3.0, seed=seed)
    if isinstance(engine, OrToolsRouting):
        outcome = found_soon(
            lambda: engine.solve(problem, options),
            lambda found: found.objective <= best.cost + 2 * found.rounding_bound + 1e-6,
        )
    else:  # with more patience its second engine begins elsewhere, and the search is another
        outcome = engine.solve(problem, options)
    check = problem.check(outcome.plan)
    assert check.ok or check.only_unserved
    assert Simulator(problem).faults(outcome.plan) <= {"unserved"}
    missed = sum(client.mandatory and client.name in outcome.plan.unserved for client in problem.clients)
    assert missed == best.missed
    close = 2 * outcome.rounding_bound + 1e-6
    assert outcome.objective == pytest.approx(best.cost, abs=close)
    assert problem.price(outcome.plan).objective == pytest.approx(best.cost, abs=close)


def with_skills(given: RoutingProblem) -> RoutingProblem:
    """A problem of which two clients need a skill, and one may be served by the last type only."""
    vehicles = [replace(given.vehicles[0], skills="cooled, tail lift"), *given.vehicles[1:]]
    may = ({"needs": "cooled"}, {"needs": "tail lift,cooled"}, {"vehicles": vehicles[-1].name}, {}, {})
    clients = [replace(client, **fields) for client, fields in zip(given.clients, may, strict=False)]
    return replace(given, clients=clients, vehicles=vehicles)


@pytest.mark.parametrize("seed", range(7))
def test_random_problems_are_solved_by_ortools_as_by_trying_everything(seed: int) -> None:
    given, engine = random_problem(seed, clients=4 if seed < 5 else 5, rates=seed % 2 == 0), OrToolsRouting()
    problem = with_skills(given) if seed > 3 else given
    missed, best = routing_brute_force.optimum(problem, frozen=True)
    outcome = found_soon(
        lambda: engine.solve(problem, SolveOptions(time_limit=20.0, seed=seed)),
        lambda found: problem.price(found.plan, frozen=True).objective <= best + 2 * found.rounding_bound,
    )
    left = [c.name for c in problem.clients if c.mandatory and c.name in outcome.plan.unserved]
    assert len(left) == missed
    price = problem.price(outcome.plan, frozen=True).objective
    assert price == pytest.approx(best, abs=2 * outcome.rounding_bound)
    assert abs(outcome.objective - price) <= outcome.rounding_bound
    assert (outcome.bound, problem.assess(outcome.plan).status) == (None, outcome.status)
    assert "ended by itself" in outcome.message


NATIVE = (
    "capacities",
    "service_law",
    "open",
    "max_duration",
    "overtime",
    "pickup",
    "reload",
    "end",
    "release",
)
"""What PyVRP models in full."""
ORTOOLS = [name for name in VARIANTS if not OrToolsRouting().accepts(variant(name, 0)) and name != "mixed"]
CLOSE = 0.1
"""How far rounding moves a price at most."""


def random_ways(integers: RoutingIntegers, rng: np.random.Generator) -> list[list[int]]:
    """Return some clients in some order on some vehicles, most often on one, with reloads where there may be some."""
    ways: list[list[int]] = [[] for _ in integers.fleet]
    nodes = rng.permutation(np.arange(integers.depots, integers.size)).tolist()
    only = int(rng.integers(len(ways))) if rng.random() < 0.7 else None
    for node in nodes[: int(rng.integers(1, len(nodes) + 1))]:
        way = ways[int(rng.integers(len(ways))) if only is None else only]
        way.insert(int(rng.integers(len(way) + 1)), node)
    for place, (kind, _) in enumerate(integers.fleet):
        for _ in range(integers.most_reloads(kind)):
            if rng.random() < 0.7:
                ways[place].insert(int(rng.integers(len(ways[place]) + 1)), integers.homes[kind])
        ways[place] = without_idle_reloads(ways[place], integers.depots)
    return ways


def settled(integers: RoutingIntegers, ways: list[list[int]]) -> tuple[bool, RoutingPlan]:
    """Return whether a plan keeps all rules at planning values, and the plan as it leaves when that is best."""
    plan = integers.problem.assess(integers.plan(ways)).settled().plan
    check = integers.problem.check(plan)
    return check.ok or check.only_unserved, plan


def stops(plan: RoutingPlan) -> set[tuple[str, tuple[str, ...]]]:
    """Return the stops of each type of vehicle."""
    return {(route.vehicle, route.clients) for route in plan.routes}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ORTOOLS)
def test_ortools_and_the_referee_agree(name: str, seed: int) -> None:
    problem = variant(name, seed, uneven=seed == 1)
    integers, rng = RoutingIntegers(problem, seed), np.random.default_rng(seed)
    built = OrToolsModel(integers)
    built.model.CloseModelWithParameters(pywrapcp.DefaultRoutingSearchParameters())
    for _ in range(20):
        ways = random_ways(integers, rng)
        found = built.model.ReadAssignmentFromRoutes(built.index_routes(ways), True)
        fits, plan = settled(integers, ways)
        assert (found is not None) == fits
        if found is not None:
            served = {node for way in ways for node in way}
            left = sum(integers.mandatory[node] and node not in served for node in range(integers.size))
            counted = found.ObjectiveValue() - int(left) * integers.penalty + integers.missed_prizes
            price = problem.price(plan, frozen=True).objective
            assert abs(integers.money.to_float(counted) - price) < CLOSE


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NATIVE)
def test_pyvrp_and_the_referee_agree(name: str, seed: int) -> None:
    problem = variant(name, seed, uneven=seed == 1)
    assert unsupported_rules(problem) == ()
    integers, rng = integers_of(problem, seed), np.random.default_rng(seed)
    model = PyVrpModel(integers, complete=False)
    for _ in range(20):
        ways = random_ways(integers, rng)
        solution = model.solution(ways)
        fits, plan = settled(integers, ways)
        assert solution.is_feasible() == fits
        if fits:
            assert stops(settled(integers, model.node_routes(solution))[1]) == stops(plan)
            counted = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
            missed = sum(each.prize or 0.0 for each in problem.clients if each.name in plan.unserved)
            price = problem.price(plan, frozen=True).objective - missed
            prizes = integers.money.to_float(integers.missed_prizes)
            assert model.price(counted) - prizes == pytest.approx(price, rel=1e-4, abs=CLOSE)


@pytest.mark.parametrize("name", ORTOOLS)
def test_the_certificate_of_ortools_holds(name: str) -> None:
    problem = variant(name, 3, uneven=True)
    with little_patience():  # a busy machine needs this long for a first plan
        result = solve(problem, solver=OrToolsRouting(), time_limit=1.5)
    assert result.certificate is not None
    assert result.certificate.holds
    assert 0 <= result.certificate.rounding_bound < CLOSE
    assert result.check.ok or result.check.only_unserved


WAYS = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])


def pair(van: dict[str, object] | None = None, cost: object = WAYS, **client: object) -> RoutingProblem:
    """Return a problem of two clients; fields of its policy begin with ``policy_``."""
    policy = {
        key.removeprefix("policy_"): client.pop(key) for key in list(client) if key.startswith("policy_")
    }
    people = [Client("a", **client), Client("b")]
    fleet = [VehicleType("van", **{"num_available": 2, **(van or {})})]
    return RoutingProblem([Depot("depot")], people, fleet, cost, WAYS, WAYS, policy=RoutingPolicy(**policy))


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (pair(), ""),
        (pair({"breaks": "10 in 0-5"}), "driver breaks"),
        (pair(windows="0-5, 8-9"), "several time windows"),
        (pair(unit_lateness_cost=2.0), "service that is late at a price"),
        (pair(source="b"), "loading at clients"),
        (pair(policy_apart=(("x", "y"),), goods="x"), ""),
        (pair(policy_pinned={"van 2": ("a",)}), "clients pinned to one of several vehicles"),
        (pair({"num_available": 1}, policy_pinned={"van 1": ("a",)}), ""),
        (pair(policy_longest_route_cost=1.0), "a price of the longest route"),
        (pair({"max_distance": 9.0}, WAYS**2), "limits of distance beside prices of something else"),
        (pair(policy_backhaul=True, pickup=1.0), "deliveries before pickups"),
    ],
)
def test_what_pyvrp_does_not_model_is_said(problem: RoutingProblem, told: str) -> None:
    assert ", ".join(unsupported_rules(problem)) == told


@pytest.mark.parametrize(
    ("breaks", "latest", "fits"),
    [
        ("30 in 660-780", np.inf, True),
        ("30 in 590-780", np.inf, True),
        ("20 in 595-599, 10 in 700-720", np.inf, True),
        ("30 in 450-660, 15 in 655-670", np.inf, True),
        ("30 in 10-20, 15 in 610-620", np.inf, True),
        # who is back at 600 rests until 700 at the soonest
        ("100 in 600-660, 10 in 610-699", 568.0, False),
        ("100 in 600-660, 10 in 610-700", 568.0, True),
    ],
)
def test_a_break_may_lie_outside_of_every_shift(breaks: str, latest: float, fits: bool) -> None:
    late = {} if np.isinf(latest) else {"earliest": latest, "latest": latest}
    van = {"shift_start": 400, "shift_end": 600, "breaks": breaks}
    problem = pair(van, **late)
    order = ["a", "b"]
    plan = problem.plan_from([order])
    assert problem.check(plan).ok == fits
    integers = RoutingIntegers(problem)
    built = OrToolsModel(integers)
    built.model.CloseModelWithParameters(pywrapcp.DefaultRoutingSearchParameters())
    way = [integers.node_of[name] for name in order]
    found = built.model.ReadAssignmentFromRoutes(built.index_routes([way, []]), True)
    assert (found is not None) == fits
    if fits:
        assert integers.money.to_float(found.ObjectiveValue()) == pytest.approx(42.0)


def test_a_client_may_be_pinned_to_a_vehicle_beyond_the_number_of_clients():
    problem = pair({"num_available": 5}, policy_pinned={"van 5": ("a",)})
    integers = RoutingIntegers(problem)
    assert integers.fleet == ((0, 1), (0, 2), (0, 5))
    plan = problem.plan_from({"van 5": ["a", "b"]})
    assert integers.node_routes(plan)[2] == [integers.node_of["a"], integers.node_of["b"]]
    outcome = RoutingSearch().solve(problem, SolveOptions(time_limit=0.3))
    assert problem.check(outcome.plan).ok
    assert outcome.objective == pytest.approx(42.0)
