from __future__ import annotations

import os
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.pyvrp_engine.route_pool import SolutionPool
from kanopt.solvers.routing.pyvrp_engine.solver import PyVrpRouting
from pyvrp import RandomNumberGenerator, Solution
from tests.solvers.routing.ortools_engine.test_solver import euclidean

from kanopt.errors import SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import (
    Client,
    Depot,
    Progress,
    Route,
    RoutingPlan,
    RoutingProblem,
    RoutingUnits,
    Status,
    VehicleType,
)
from kanopt.refs import arc, clock, state, vehicle
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.integers import lower
from kanopt.solvers.routing.pyvrp_engine import scaling as pyvrp_steps
from kanopt.solvers.routing.pyvrp_engine.model import pyvrp_model
from kanopt.solvers.routing.pyvrp_engine.scaling import UNLIMITED, scale_integers
from kanopt.solvers.routing.pyvrp_engine.search import PyVrpSearch, _cost
from tests.cases.routing import best_by_trying_all, random_problem, random_routes
from tests.cases.routing_brute_force import best_of_all_plans
from tests.cases.supply import small as supply_problem


def solved(problem: RoutingProblem, **options: object) -> Outcome:
    return PyVrpRouting().solve(problem, SolveOptions(**{"time_limit": 20.0, **options}))


def assert_optimal(problem: RoutingProblem, **options: object) -> Outcome:
    outcome = solved(problem, **options)
    missed, best = best_of_all_plans(problem)
    left = [c.name for c in problem.clients if c.mandatory and c.name in outcome.plan.unserved]
    assert len(left) == missed
    price = problem.price(outcome.plan, frozen=True).objective
    assert price == pytest.approx(best, abs=2 * outcome.rounding_bound + 1e-9)
    assert abs(outcome.objective - price) <= outcome.rounding_bound + 1e-9
    assert outcome.bound is None
    assert "ended by itself" in outcome.message
    if not problem.frozen_inputs():
        assert problem.assess(outcome.plan).status is outcome.status
    return outcome


@pytest.mark.parametrize("seed", range(10))
def test_windows_prizes_shifts_and_a_mixed_fleet_are_solved_as_by_trying_everything(seed):
    problem = random_problem(seed, clients=4 + seed % 3, rates=seed % 2 == 0)
    outcome = assert_optimal(problem, seed=seed)
    if len(problem.clients) < 6:
        assert best_of_all_plans(problem) == pytest.approx(best_by_trying_all(problem))
    assert outcome.status is Status.FEASIBLE


@pytest.mark.parametrize("seed", range(6))
def test_a_fleet_too_small_serves_as_many_as_it_can(seed):
    given = random_problem(seed, clients=6, optional=seed % 2 == 0)
    vehicles = [replace(vehicle, capacity=vehicle.capacity / 2) for vehicle in given.vehicles]
    problem = replace(given, vehicles=vehicles[:1] if seed < 3 else vehicles)
    outcome = assert_optimal(problem, seed=seed)
    assert outcome.plan.unserved or seed >= 3


def many_depots(seed: int, clients: int = 6) -> RoutingProblem:
    """Three types in two depots, two vehicles of one; every type has its own prices and speeds, by a law."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 30, (clients + 2, 2)).round(2)
    km = Variable("km", "km")
    fuel = parse_formula("km * rate + 1.5", [km, Variable("rate", "EUR/km")], Variable("fuel", "EUR"))
    time = parse_formula("60 * km / speed", [km, Variable("speed", "km/h")], Variable("minutes", "min"))
    kinds = [
        ("a", 2, "north", 3.0, 0.3, 50.0),
        ("b", 1, "south", 5.0, 0.4, 80.0),
        ("c", 1, "north", 9.0, 0.9, 60.0),
    ]
    return RoutingProblem(
        [Depot("north", *places[0]), Depot("south", *places[1])],
        [
            Client(f"c{i}", *place, demand=float(rng.integers(1, 4)), service_duration=5.0, latest=300.0)
            for i, place in enumerate(places[2:])
        ],
        [
            VehicleType(
                name,
                count,
                capacity=capacity,
                fixed_cost=20.0 - 2 * capacity,
                shift_end=420.0,
                start_depot=depot,
                attributes={"rate": rate, "speed": speed},
            )
            for name, count, depot, capacity, rate, speed in kinds
        ],
        {"fuel": fuel.bind(km=arc.distance, rate=vehicle.rate)},
        time.bind(km=arc.distance, speed=vehicle.speed),
        units=RoutingUnits(),
    )


@pytest.mark.parametrize("seed", range(4))
def test_several_depots_and_laws_by_vehicle_type(seed):
    assert_optimal(many_depots(seed))


@pytest.mark.parametrize("seed", range(3))
def test_skills_and_named_vehicle_types_are_kept(seed):
    given = many_depots(seed)
    needs = ["cooled", "", "lift, cooled", "", "", ""]
    names = ["", "b, c", "", "a", "", ""]
    problem = replace(
        given,
        clients=[
            replace(client, needs=need, vehicles=some)
            for client, need, some in zip(given.clients, needs, names, strict=True)
        ],
        vehicles=[
            replace(vehicle, skills=skills)
            for vehicle, skills in zip(given.vehicles, ["cooled", "", "cooled, lift"], strict=True)
        ],
    )
    assert PyVrpRouting().accepts(problem) == ""
    assert_optimal(problem)


def test_laws_that_read_load_and_clock_are_planned_at_their_planning_values():
    given = random_problem(1)
    km, load, hour = Variable("km", "km"), Variable("load", "t"), Variable("hour", "h")
    law = parse_formula("km * (1 + load) * (1 + hour / 24)", [km, load, hour], Variable("fuel", "EUR"))
    problem = replace(given, cost={"fuel": law.bind(km=arc.distance, load=state.load, hour=clock.hour)})
    assert PyVrpRouting().accepts(problem) == ""
    assert {item.reference for item in problem.frozen_inputs()} == {"state.load", "clock.hour"}
    assert_optimal(problem)


@settings(max_examples=25)
@given(st.integers(0, 100_000), st.booleans())
def test_pyvrp_counts_as_the_integers_do(seed, rates):
    problem = random_problem(seed, rates=rates)
    integers = lower(problem, seed)
    model = pyvrp_model(integers, complete=False)
    ways = [
        integers.trimmed(
            kind, [integers.node_of[name] for name in route.clients if name in integers.node_of], set()
        )
        for (kind, _), route in zip(integers.fleet, random_routes(problem, seed), strict=True)
    ]
    solution = model.solution(ways)
    steps = scale_integers(integers)
    assert solution.is_feasible()
    assert model.node_routes(solution) == ways
    counted = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
    served = {node for way in ways for node in way}
    prizes = sum(int(integers.prize[node]) for node in range(integers.size) if node not in served)
    exact = integers.objective(ways) - prizes - integers.missed_prizes
    assert counted * (int(integers.fixed[0]) // int(steps.fixed[0])) == exact


def test_steps_keep_every_price_and_limit():
    integers = lower(random_problem(3))
    steps = scale_integers(integers)
    for name in ("cost", "fixed", "prize"):
        given, short = getattr(integers, name), getattr(steps, name)
        unit = int(integers.fixed[0]) // int(steps.fixed[0])
        kept = steps.roads if name == "cost" else np.ones(given.shape, dtype=bool)
        assert (short[kept].astype(np.int64) * unit == given[kept]).all()
    assert (np.diff(np.argsort(steps.demand)) == np.diff(np.argsort(integers.demand))).all()
    assert steps.demand.max() / steps.transit[steps.roads].max() == pytest.approx(1.0, abs=0.9)
    assert steps.worth > steps.prize.max()


@pytest.mark.parametrize("money", [1e-6, np.pi, 1e7])
@pytest.mark.parametrize("load", [1e-4 / 3, np.e, 1e5 / 3])
def test_neither_units_nor_long_decimals_matter(money, load):
    given = random_problem(7, clients=5)
    clients = [
        replace(c, demand=c.demand * load, prize=None if c.prize is None else c.prize * money)
        for c in given.clients
    ]
    vehicles = [
        replace(
            v,
            capacity=v.capacity * load,
            fixed_cost=v.fixed_cost * money,
            unit_duration_cost=v.unit_duration_cost * money,
            unit_distance_cost=v.unit_distance_cost * money,
        )
        for v in given.vehicles
    ]
    duration = given.duration * (1 + 1e-6 * np.sqrt(2))
    assert_optimal(
        replace(given, clients=clients, vehicles=vehicles, cost=given.cost["fuel"] * money, duration=duration)
    )


def best_of_pool(pool: SolutionPool, seen: list[Solution]) -> int:
    """Return the least cost of a plan made of routes of some plans, by trying all."""
    routes = {(r.vehicle_type(), str(r)): r for plan in seen for r in plan.routes() if r.is_feasible()}
    best = {0: 0}
    for kind, fleet in enumerate(pool.model.data.vehicle_types()):
        for _ in range(fleet.num_available):
            longer = dict(best)
            for done, cost in best.items():
                for (of, _), route in routes.items():
                    served = sum(1 << stop.idx for stop in route if stop.is_client())
                    price = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
                    if of == kind and not done & served:
                        longer[done | served] = min(longer.get(done | served, 10**18), cost + price)
            best = longer
    clients = pool.model.data.clients()
    return min(
        cost + sum(client.prize for place, client in enumerate(clients) if not done >> place & 1)
        for done, cost in best.items()
        if all(done >> place & 1 for place, client in enumerate(clients) if client.required)
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_best_plan_is_put_together_from_routes_of_all(seed, monkeypatch):
    monkeypatch.setattr("kanopt.solvers.routing.set_partitioning._KEPT", 40 if seed % 2 else 8000)
    model = pyvrp_model(lower(random_problem(seed, clients=6, rates=seed % 2 == 0)), complete=seed % 3 > 0)
    pool, seen, rng = SolutionPool(model), [], RandomNumberGenerator(seed)
    known = None
    while len(seen) < 60 or known is None:
        plan = Solution.make_random(model.data, rng)
        seen.append(plan)
        pool.add(plan)
        if plan.is_feasible() and (known is None or _cost(plan) > _cost(known)):
            known = plan
    better = pool.best_combination(known, SearchClock())
    if better is not None:
        assert better.is_feasible()
        assert _cost(better) < _cost(known)
    best = best_of_pool(pool, seen)
    assert _cost(better or known) == best or (seed % 2 and _cost(better or known) >= best)
    assert pool.best_combination(better or known, SearchClock()) is None
    assert len(pool) <= 40 or seed % 2 == 0


def test_times_that_can_never_matter_are_left_out():
    problem = euclidean(5, shift_end=100.0)
    assert scale_integers(lower(problem)).transit.any()
    free = replace(problem, vehicles=[replace(problem.vehicles[0], shift_end=np.inf)])
    steps = scale_integers(lower(free))
    assert not steps.transit.any()
    assert (steps.latest == UNLIMITED).all()
    paid = replace(problem, vehicles=[replace(free.vehicles[0], unit_duration_cost=0.1)])
    steps = scale_integers(lower(paid))
    assert steps.transit.any()
    assert (steps.shift_end == UNLIMITED).all()


def test_prices_too_long_for_sums_are_rounded_once_more(monkeypatch):
    problem = random_problem(5, clients=5)
    monkeypatch.setattr(pyvrp_steps, "_MOST", 2000)
    integers = lower(problem)
    assert scale_integers(integers).cost.max() < 2000
    outcome = solved(problem)
    price = problem.price(outcome.plan, frozen=True).objective
    assert abs(outcome.objective - price) <= outcome.rounding_bound
    assert price <= 1.1 * best_of_all_plans(problem)[1]


def test_arrays_travel_to_another_process():
    integers = lower(many_depots(1))
    read = pickle.loads(pickle.dumps(integers.without_names()))
    assert read.fleet == integers.fleet
    assert (read.cost == integers.cost).all()
    assert (read.penalty, read.unreachable_mandatory, read.money) == (
        integers.penalty,
        integers.unreachable_mandatory,
        integers.money,
    )
    ways = [[int(integers.depots)], *([] for _ in integers.fleet[1:])]
    assert read.rank(ways) == integers.rank(ways)


def test_what_pyvrp_does_not_model_is_named():
    solver = PyVrpRouting()
    problem = euclidean(3)
    assert solver.accepts(problem) == ""
    assert solver.accepts(supply_problem()) == "solves routing problems, not supply"
    assert solver.name.startswith("PyVRP 0.")
    rested = replace(problem, vehicles=[VehicleType("van", 2, breaks="45 in 100-600")])
    assert solver.unsupported_rules(rested) == ("driver breaks",)
    assert solver.accepts(rested) == "does not model driver breaks"


def test_a_road_that_is_missing_is_not_driven():
    minutes = np.full((4, 4), 10.0)
    minutes[1, 2] = minutes[0, 3] = np.inf
    clients = [Client("a"), Client("b", prize=100.0), Client("c")]
    problem = RoutingProblem([Depot("d")], clients, [VehicleType("van")], minutes, minutes, minutes)
    outcome = assert_optimal(problem)
    assert outcome.plan.unserved == ()


def test_what_cannot_be_served_is_left_and_its_prize_stays_out_of_the_objective():
    minutes = np.full((5, 5), 10.0)
    minutes[:, 4] = np.inf
    clients = [
        Client("a", demand=0.6),
        Client("b", demand=0.6, prize=3.0),
        Client("heavy", demand=9.0),
        Client("island", prize=4.5),
    ]
    problem = RoutingProblem(
        [Depot("depot")], clients, [VehicleType("van", capacity=1.0)], minutes / 10, minutes, minutes
    )
    seen: list[Progress] = []
    outcome = solved(problem, progress=seen.append)
    assert outcome.status is Status.PARTIAL
    assert outcome.plan.unserved == ("b", "heavy", "island")
    assert outcome.objective == pytest.approx(2.0 + 3.0 + 4.5)
    assert outcome.history == tuple(seen)
    assert seen[-1].objective == pytest.approx(9.5)
    assert seen[-1].message == "1 client that must be served is left out"


def test_with_nobody_to_drive_or_to_serve_the_plan_is_empty():
    one = np.ones((2, 2))
    nobody = RoutingProblem([Depot("d")], [Client("a", prize=2.0)], [VehicleType("v", 0)], one, one, one)
    outcome = solved(nobody)
    assert (outcome.status, outcome.objective, outcome.plan.unserved) == (Status.FEASIBLE, 2.0, ("a",))
    heavy = RoutingProblem(
        [Depot("d")], [Client("a", demand=2)], [VehicleType("v", capacity=1)], one, one, one
    )
    assert solved(heavy).status is Status.PARTIAL
    alone = RoutingProblem([Depot("d")], [Client("a")], [VehicleType("v")], one, one, one)
    assert solved(alone).objective == pytest.approx(2.0)
    nothing = RoutingProblem([Depot("d")], [Client("a")], [VehicleType("v")], 0 * one, 0 * one, 0 * one)
    assert solved(nothing).status is Status.FEASIBLE


def test_the_same_seed_gives_the_same_plan():
    problem = euclidean(10)
    first, again = solved(problem, seed=3), solved(problem, seed=3)
    assert "ended by itself" in first.message
    assert first.plan == again.plan
    assert [step.objective for step in first.history] == [step.objective for step in again.history]


def test_no_time_means_no_plan():
    outcome = solved(euclidean(5), time_limit=1e-9)
    assert (outcome.plan, outcome.status, outcome.objective) == (None, Status.NO_PLAN, None)
    assert outcome.message == "no plan within the time limit"


def searching(problem: RoutingProblem, limit: float, asked: object) -> PyVrpSearch:
    integers = lower(problem)
    return PyVrpSearch(integers, Incumbents(integers), time_limit=limit, seed=1, stop_requested=asked)


def test_a_time_limit_is_looked_at_in_every_iteration():
    search = searching(euclidean(40), 1e3, lambda: False)
    clock = iter(range(0, 10_000))
    Ticking = type("Ticking", (Incumbents,), {"seconds": property(lambda self: float(next(clock)))})
    search.incumbents.__class__ = Ticking
    search.run(None)
    # a glance before the first step, one in each iteration, one at each better plan, one after the end
    assert 1000 <= next(clock) <= 1002
    assert search.incumbents.best is not None


def test_ctrl_c_is_looked_at_in_every_iteration():
    asked = iter([False] * 50 + [True] * 50)
    search = searching(euclidean(40), 1e3, lambda: next(asked))
    search.run(None)
    assert len(list(asked)) >= 48
    assert search.incumbents.best is not None


def test_where_no_complete_plan_was_found_in_time_what_fits_is_the_plan():
    # nobody can serve both: the search for a complete plan ends without one
    minutes = np.full((3, 3), 10.0)
    clients = [Client("a", latest=10.0), Client("b", latest=10.0)]
    problem = RoutingProblem([Depot("d")], clients, [VehicleType("v")], minutes, minutes, minutes)
    calls = iter(range(1000))
    search = searching(problem, 1e3, lambda: next(calls) > 20)
    search.run(None)
    assert search.incumbents.rank[0] == 1
    assert sum(len(way) for way in search.incumbents.best) == 1


def initial(*routes: Route) -> SolveOptions:
    return SolveOptions(time_limit=20.0, initial=RoutingPlan(routes))


def test_a_start_is_repaired_and_never_made_worse():
    problem = euclidean(6, num_available=2, capacity=3.0)
    start = initial(
        Route("van", 1, "depot", ("c0", "gone", "c1", "c2", "c3")),  # one too many, one unknown
        Route("van", 9, "depot", ("c4", "c0")),  # no such van, one twice
    )
    outcome = PyVrpRouting().solve(problem, start)
    assert outcome.status is Status.FEASIBLE
    assert outcome.objective == pytest.approx(solved(problem).objective)
    best = solved(euclidean(8))
    again = solved(euclidean(8), seed=5, initial=best.plan)
    assert again.objective == pytest.approx(best.objective)
    assert again.history[0].objective == pytest.approx(best.objective)
    with pytest.raises(SolverError, match="starts from a RoutingPlan, not from a list"):
        solved(problem, initial=[["c0"]])


def test_a_failing_progress_callback_is_heard():
    def fail(_: Progress) -> None:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        solved(euclidean(6), progress=fail)


def test_ctrl_c_keeps_the_plan_and_the_old_handler():
    before = signal.getsignal(signal.SIGINT)
    outcome = solved(euclidean(40), time_limit=60.0, progress=lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert outcome.interrupted
    assert euclidean(40).assess(outcome.plan).status is Status.FEASIBLE
    assert signal.getsignal(signal.SIGINT) is before


def test_keyboard_interrupt_from_the_callback_keeps_the_plan():
    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    outcome = solved(euclidean(20), time_limit=60.0, progress=stop)
    assert outcome.interrupted
    assert outcome.plan.routes


def test_outside_the_main_thread_signals_are_left_alone():
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(solved, euclidean(5)).result()
    assert outcome.status is Status.FEASIBLE
