"""Rules of routing in whole numbers: engines, integers and the law agree on which plans fit and what they cost."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from kanopt.solvers.routing.arrays import RoutingArrays
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.insertion_start import ruin_and_recreate
from kanopt.solvers.routing.integer_routes import without_idle_reloads
from kanopt.solvers.routing.ortools_engine.model import OrToolsModel
from kanopt.solvers.routing.ortools_engine.search import OrToolsSearch
from kanopt.solvers.routing.reversed_routes import reverse_routes
from ortools.constraint_solver import pywrapcp

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.refs import arc, state
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.integers import RoutingIntegers, lower
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.pyvrp_engine.model import pyvrp_model
from kanopt.solvers.routing.pyvrp_engine.relaxed import relaxed_for_pyvrp
from kanopt.solvers.routing.pyvrp_engine.scaling import scale_integers
from kanopt.solvers.routing.pyvrp_engine.search import _cost
from kanopt.solvers.routing.solver import RoutingSearch
from kanopt.solvers.solve import solve
from tests.cases.routing_variants import VARIANTS, variant

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


def random_ways(integers: RoutingIntegers, rng: np.random.Generator) -> list[list[int]]:
    """Return some clients in some order on some vehicles, most often on one, with reloads where there may be some."""
    ways: list[list[int]] = [[] for _ in integers.fleet]
    nodes = rng.permutation(np.arange(integers.depots, integers.size)).tolist()
    only = int(rng.integers(len(ways))) if rng.random() < 0.7 else None
    for node in nodes[: int(rng.integers(1, len(nodes) + 1))]:
        way = ways[int(rng.integers(len(ways))) if only is None else only]
        way.insert(int(rng.integers(len(way) + 1)), node)
    for place, (kind, _) in enumerate(integers.fleet):
        for _ in range(integers.rules.most_reloads(kind)):
            if rng.random() < 0.7:
                ways[place].insert(int(rng.integers(len(ways[place]) + 1)), integers.depot(kind))
        ways[place] = without_idle_reloads(integers, ways[place])
    return ways


def all_fit(arrays: RoutingArrays, ways: list[list[int]]) -> bool:
    return all(
        not way or arrays.fits(kind, way, place)
        for place, ((kind, _), way) in enumerate(zip(arrays.fleet, ways, strict=True))
    )


def named(integers: RoutingIntegers, ways: list[list[int]]) -> RoutingPlan:
    """Return the plan without departures, whether it fits or not."""
    data = integers.problem.data
    routes = [
        Route(
            data.vehicles[kind].name,
            index,
            "depot",
            tuple(data.names[integers.nodes[node]] for node in way),
        )
        for (kind, index), way in zip(integers.fleet, ways, strict=True)
        if way
    ]
    return integers.problem.plan_from(RoutingPlan(tuple(routes)))


def agrees_with_the_referee(problem: RoutingProblem, seed: int) -> int:
    """Compare random routes in whole numbers with the check and the price on the law; return how many of them fit."""
    integers, rng = lower(problem, seed), np.random.default_rng(seed)
    fitting = 0
    for _ in range(25):
        ways = random_ways(integers, rng)
        on_law = problem.check(named(integers, ways))
        fits = all_fit(integers, ways)
        assert fits == (on_law.ok or on_law.only_unserved)
        if integers.rules.is_empty and not fits:
            continue  # without further rules no load is looked at again
        plan = integers.plan(ways)
        check = problem.check(plan)
        assert check.ok or check.only_unserved
        price = problem.price(plan, frozen=True).objective
        bound = integers.rounding_bound(ways)
        assert abs(integers.money.to_float(integers.objective(ways)) - price) <= bound < 0.1
        fitting += fits
    return fitting


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", VARIANTS)
def test_integers_and_law_agree(name, seed):
    assert agrees_with_the_referee(variant(name, seed, uneven=seed == 1), seed) > 0


def test_integers_and_law_agree_where_four_rules_come_together():
    assert sum(agrees_with_the_referee(variant("mixed", seed, uneven=True), seed) for seed in range(2, 6)) > 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("longest", "mixed")])
def test_or_tools_and_integers_agree(name, seed):
    problem = variant(name, seed, uneven=seed == 1)
    integers, rng = lower(problem, seed), np.random.default_rng(seed)
    built = OrToolsModel(integers)
    built.model.CloseModelWithParameters(pywrapcp.DefaultRoutingSearchParameters())
    for _ in range(20):
        ways = random_ways(integers, rng)
        found = built.model.ReadAssignmentFromRoutes(built.index_routes(ways), True)
        assert (found is not None) == all_fit(integers, ways)
        if found is not None:
            missed, objective = integers.rank(ways)
            counted = (
                found.ObjectiveValue()
                - (missed - integers.unreachable_mandatory) * integers.penalty
                + integers.missed_prizes
            )
            assert counted == objective


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NATIVE)
def test_pyvrp_and_integers_agree(name, seed):
    problem = variant(name, seed, uneven=seed == 1)
    assert RoutingSearch().accepts(problem) == ""
    integers, rng = lower(problem, seed), np.random.default_rng(seed)
    model, steps = pyvrp_model(integers, complete=False), scale_integers(integers)
    unit = int(integers.fixed[0]) / int(steps.fixed[0])
    for _ in range(20):
        ways = random_ways(integers, rng)
        solution = model.solution(ways)
        assert solution.is_feasible() == all_fit(integers, ways)
        assert integers.rank(model.node_routes(solution)) == integers.rank(ways)
        if solution.is_feasible():
            counted = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
            served = {node for way in ways for node in way}
            prizes = sum(int(integers.prize[node]) for node in range(integers.size) if node not in served)
            exact = integers.objective(ways) - prizes - integers.missed_prizes
            # prices of fractions of a minute are rounded once more for PyVRP
            assert counted * unit == pytest.approx(exact, rel=1e-5 if seed == 1 else 1e-9)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_certificate_holds_where_engines_round(name):
    problem = variant(name, 3, uneven=True)
    result = solve(problem, solver=RoutingSearch(), time_limit=0.3)
    assert result.certificate.holds
    assert 0 < result.certificate.rounding_bound < 0.1
    assert result.check.ok or result.check.only_unserved


@pytest.mark.parametrize("name", VARIANTS)
def test_rules_travel_to_another_process(name):
    integers, rng = lower(variant(name, 1), 1), np.random.default_rng(1)
    read = pickle.loads(pickle.dumps(integers.without_names()))
    assert type(read) is RoutingArrays
    for _ in range(5):
        ways = random_ways(integers, rng)
        assert read.rank(ways) == integers.rank(ways)
    assert read.penalty == integers.penalty


@pytest.mark.parametrize("name", VARIANTS)
def test_a_start_is_repaired_to_what_fits(name):
    for seed in range(3):
        problem = variant(name, seed)
        integers, rng = lower(problem, seed), np.random.default_rng(seed)
        for _ in range(5):
            given = random_ways(integers, rng)
            ways = integers.node_routes(named(integers, given))
            assert all_fit(integers, ways)
            if all_fit(integers, given):
                assert integers.rank(ways) == integers.rank(given)


@pytest.mark.parametrize("name", ["source", "reload", "breaks", "goods"])
def test_a_plan_is_put_together_again(name):
    integers = lower(variant(name, 0), 0)
    heard = []
    ways = ruin_and_recreate(integers, None, 0, lambda: False, lambda ways, rank: heard.append(rank))
    assert all_fit(integers, ways)
    assert heard == sorted(heard, reverse=True)
    assert heard[-1] == integers.rank(ways)
    assert ruin_and_recreate(integers, None, 0, lambda: False, lambda *_: None) == ways
    assert integers.rank(
        ruin_and_recreate(integers, ways, 1, lambda: False, lambda *_: None)
    ) <= integers.rank(ways)


def test_what_pyvrp_does_not_model_is_said_in_a_few_words():
    minutes = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    plain = RoutingProblem(
        [Depot("depot")], [Client("a"), Client("b")], [VehicleType("van", 2)], minutes, minutes, minutes
    )

    def beyond(
        policy: RoutingPolicy | None = None, vehicle: dict[str, object] | None = None, **client: object
    ) -> str:
        clients = [replace(plain.clients[0], **client), plain.clients[1]]
        vehicles = [replace(plain.vehicles[0], **(vehicle or {}))]
        changed = replace(plain, clients=clients, vehicles=vehicles, policy=policy or RoutingPolicy())
        return RoutingSearch().accepts(changed).removeprefix("does not model ")

    assert beyond() == ""
    assert beyond(vehicle={"breaks": "10 in 0-5"}) == "driver breaks"
    assert beyond(windows="0-5, 8-9") == "several time windows"
    assert beyond(unit_lateness_cost=2.0) == "service that is late at a price"
    assert beyond(source="b") == "loading at clients"
    assert beyond(RoutingPolicy(apart=(("x", "y"),)), goods="x") == ""
    assert beyond(RoutingPolicy(pinned={"van 2": ("a",)})) == "clients pinned to one of several vehicles"
    assert beyond(RoutingPolicy(pinned={"van 1": ("a",)}), {"num_available": 1}) == ""
    assert beyond(RoutingPolicy(longest_route_cost=1.0)) == "a price of the longest route"
    assert beyond(vehicle={"max_distance": 9.0}) == ""
    other = "limits of distance beside prices of something else"
    assert beyond(vehicle={"max_distance": 9.0, "unit_distance_cost": 1.0}) == ""
    uneven = replace(plain, cost=minutes**2, vehicles=[VehicleType("van", max_distance=9.0)])
    assert RoutingSearch().unsupported_rules(uneven) == (other,)
    assert beyond(RoutingPolicy(backhaul=True), pickup=1.0) == "deliveries before pickups"


def test_pyvrp_makes_a_start_without_the_rules_it_does_not_model():
    integers = lower(variant("breaks", 0), 0)
    seen = relaxed_for_pyvrp(integers)
    assert seen.rules.is_empty
    late = lower(variant("soft", 0), 0)
    assert (relaxed_for_pyvrp(late).latest <= late.rules.due).all()
    plain = lower(variant("max_duration", 0), 0)
    assert all_fit(relaxed_for_pyvrp(plain), [[] for _ in plain.fleet])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reload", "breaks", "source"])
def test_engines_side_by_side_know_the_rules(name, monkeypatch):
    monkeypatch.setattr("kanopt.solvers.routing.portfolio._SMALL", 0)
    monkeypatch.setattr("kanopt.solvers.routing.portfolio._SHORT", 0.0)
    problem = variant(name, 0)
    alone = RoutingSearch().solve(problem, SolveOptions(time_limit=4.0))

    def stop_when_as_good(step):
        if step.objective <= alone.objective + 2 * alone.rounding_bound:
            raise KeyboardInterrupt

    options = SolveOptions(time_limit=60.0, workers=2, progress=stop_when_as_good)
    outcome = RoutingSearch().solve(problem, options)
    check = problem.check(outcome.plan)
    assert check.ok or check.only_unserved
    assert not any("failed" in run.message for run in outcome.engines)
    assert outcome.objective == pytest.approx(alone.objective, abs=2 * outcome.rounding_bound)


def test_a_route_is_not_turned_against_a_rule():
    km = np.array([[0.0, 10, 12], [10, 0, 10], [12, 10, 0]])
    law = parse_formula(
        "km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("fuel", "EUR")
    )
    for source in ("", "store"):
        clients = [Client("store", demand=1.0), Client("shop", demand=3.0, source=source)]
        fuel = law.bind(km=arc.distance, load=state.load)
        problem = RoutingProblem([Depot("depot")], clients, [VehicleType("van")], fuel, km, km)
        integers = lower(problem)
        way = [integers.node_of["store"], integers.node_of["shop"]]
        assert reverse_routes(integers, [way]) == [way if source else way[::-1]]


def test_a_route_is_not_turned_where_that_makes_the_longest_route_dearer():
    km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    minutes = np.array([[0.0, 50, 10], [10, 0, 50], [50, 10, 0]])
    law = parse_formula(
        "km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("fuel", "EUR")
    ).bind(km=arc.distance, load=state.load)
    clients = [Client("a", demand=1.0), Client("b", demand=0.1)]
    for price, turns in ((0.0, True), (0.01, True), (10.0, False)):
        policy = RoutingPolicy(longest_route_cost=price)
        problem = RoutingProblem(
            [Depot("depot")], clients, [VehicleType("van")], law, minutes, km, policy=policy
        )
        integers = lower(problem)
        way = [integers.node_of["b"], integers.node_of["a"]]
        assert reverse_routes(integers, [way]) == [way[::-1] if turns else way]


def many(vehicle: dict[str, object], each: Callable[[int], dict[str, object]], **more: object):
    """Return a problem of a dozen clients, far apart and not at whole numbers."""
    rng = np.random.default_rng(3)
    where = rng.uniform(0, 50, (13, 2))
    km = np.hypot(*(where[:, None] - where[None]).transpose(2, 0, 1))
    loads = rng.uniform(0.5, 1.0, 12).tolist()
    clients = [Client(f"c{place}", **{"demand": load, **each(place)}) for place, load in enumerate(loads)]
    return RoutingProblem([Depot("depot")], clients, [VehicleType("van", 12, **vehicle)], km, km, km, **more)


@pytest.mark.parametrize(
    "problem",
    [
        many({"capacity": 5.0, "max_distance": 150.0}, lambda _: {}),
        many(
            {"capacity": 1.0, "attributes": {"pallets": 4.0, "crates": 3.0}},
            lambda place: {"attributes": {"pallets": np.sqrt(place + 2), "crates": np.cbrt(place + 2)}},
            policy=RoutingPolicy(capacities=("pallets", "crates")),
        ),
        many(
            {"max_duration": 60.0, "shift_duration": 50.0, "unit_overtime_cost": 0.3, "shift_end": 9000.0},
            lambda place: {"demand": 0.0, **({"latest": 150.0} if place % 2 else {"earliest": 8000.0})},
        ),
        many({"capacity": 2.0, "max_reloads": 2, "reload_time": 50.0, "shift_end": 90.0}, lambda _: {}),
    ],
    ids=["distance", "loads", "times", "reloads"],
)
def test_no_penalty_of_pyvrp_leaves_64_bits(problem):
    integers, rng = lower(problem), np.random.default_rng(0)
    model = pyvrp_model(integers, complete=True)
    nodes = np.arange(integers.depots, integers.size)
    odd = (integers.latest[nodes] < integers.horizon).astype(int)
    first = [nodes[odd == 0], nodes[odd == 1]]
    orders = [rng.permutation(nodes).tolist() for _ in range(5)]
    orders.append(
        [int(node) for pair in zip(*first, strict=False) for node in pair] if odd.any() else orders[0]
    )
    for order in orders:
        solution = model.solution([order, *([] for _ in integers.fleet[1:])])
        too_much = solution.excess_distance() + sum(solution.excess_load()) + solution.time_warp()
        assert too_much > 0
        assert model.largest * too_much + _cost(solution) < 2.0**62


def test_pyvrp_ends_where_distances_with_fractions_are_limited():
    problem = many({"capacity": 5.0, "max_distance": 150.0}, lambda _: {})
    outcome = RoutingSearch().solve(problem, SolveOptions(time_limit=0.3))
    assert problem.check(outcome.plan).ok


@pytest.mark.parametrize(
    "breaks",
    [
        "30 in 660-780",
        "30 in 590-780",
        "20 in 595-599, 10 in 700-720",
        "30 in 450-660, 15 in 655-670",
        "30 in 10-20, 15 in 610-620",
    ],
)
def test_a_break_may_lie_outside_of_every_shift(breaks):
    km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    van = VehicleType("van", 2, shift_start=400, shift_end=600, breaks=breaks)
    problem = RoutingProblem([Depot("depot")], [Client("a"), Client("b")], [van], km, km, km)
    assert problem.check(problem.plan_from([["a", "b"]])).ok
    integers = lower(problem)
    way = [integers.node_of["a"], integers.node_of["b"]]
    assert all_fit(integers, [way, []])
    built = OrToolsModel(integers)
    built.model.CloseModelWithParameters(pywrapcp.DefaultRoutingSearchParameters())
    found = built.model.ReadAssignmentFromRoutes(built.index_routes([way, []]), True)
    assert found is not None
    assert found.ObjectiveValue() == integers.objective([way, []])


def test_a_break_that_follows_another_after_the_shift_may_come_too_late():
    km = np.array([[0.0, 100], [100, 0]])
    # who is back at 600 rests until 700 at the soonest
    for last, fits in ((699, False), (700, True)):
        breaks = f"100 in 600-660, 10 in 610-{last}"
        van = VehicleType("van", shift_start=400, shift_end=600, breaks=breaks)
        clients = [Client("a", earliest=500, latest=500)]
        problem = RoutingProblem([Depot("depot")], clients, [van], km, km, km)
        assert problem.check(problem.plan_from([["a"]])).ok == fits
        assert all_fit(lower(problem), [[1]]) == fits


def test_a_client_may_be_pinned_to_a_vehicle_beyond_the_number_of_clients():
    km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    policy = RoutingPolicy(pinned={"van 5": ("a",)})
    clients = [Client("a"), Client("b")]
    problem = RoutingProblem([Depot("depot")], clients, [VehicleType("van", 5)], km, km, km, policy=policy)
    integers = lower(problem)
    assert integers.fleet == ((0, 1), (0, 2), (0, 5))
    plan = problem.plan_from({"van 5": ["a", "b"]})
    assert all_fit(integers, integers.node_routes(plan))
    assert integers.money.to_float(integers.objective(integers.node_routes(plan))) == pytest.approx(42.0)
    outcome = RoutingSearch().solve(problem, SolveOptions(time_limit=0.3))
    assert problem.check(outcome.plan).ok
    assert outcome.objective == pytest.approx(42.0)


def test_the_load_counts_on_the_way_to_a_reload_of_a_vehicle_that_does_not_come_back():
    km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    law = parse_formula(
        "km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("fuel", "EUR")
    )
    clients = [Client("a", pickup=2.0), Client("b", demand=1.0, pickup=1.0)]
    van = VehicleType("van", capacity=3.0, max_reloads=1, returns=False)
    fuel = law.bind(km=arc.distance, load=state.load)
    problem = RoutingProblem([Depot("depot")], clients, [van], fuel, km, km)
    integers = lower(problem, loaded=True)
    for stops, price in ((["a", "depot", "b"], 10 + 30 + 40), (["b", "a"], 40 + 24)):
        plan = problem.plan_from({"van": stops})
        assert problem.price(plan).objective == pytest.approx(price)
        ways = integers.node_routes(plan)
        assert integers.money.to_float(integers.objective(ways)) == pytest.approx(price, rel=1e-5)
        built = OrToolsModel(integers)
        built.model.CloseModelWithParameters(pywrapcp.DefaultRoutingSearchParameters())
        found = built.model.ReadAssignmentFromRoutes(built.index_routes(ways), True)
        assert found.ObjectiveValue() == integers.objective(ways)


def test_the_longest_route_waits_between_windows():
    km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    clients = [Client("a", windows="0-5, 100-110"), Client("b", latest=20)]
    policy = RoutingPolicy(longest_route_cost=1.0)
    problem = RoutingProblem([Depot("depot")], clients, [VehicleType("van")], km, km, km, policy=policy)
    integers = lower(problem)
    ways = [[integers.node_of["b"], integers.node_of["a"]]]
    assert OrToolsModel(integers).may_wait
    assert integers.money.to_float(integers.objective(ways)) == pytest.approx(152.0)
    outcome = OrToolsRouting().solve(problem, SolveOptions(time_limit=1.0))
    assert outcome.objective == pytest.approx(152.0)


def test_a_search_that_finds_no_times_stops_when_asked():
    integers = lower(variant("breaks", 0), 0)
    search = OrToolsSearch(
        integers, Incumbents(integers), time_limit=60.0, seed=0, stop_requested=lambda: True
    )
    assert not search._is_over()
    search.limit_checks = 255
    assert search._is_over()
