from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.problems import Client, Depot, Progress, Route, RoutingPlan, RoutingProblem, Status, VehicleType
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.routing.integers import RoutingIntegers
from kanopt.solvers.routing.ortools import OrToolsRouting, _Search
from tests.cases.patience import found_soon, little_patience
from tests.cases.routing import best_by_trying_all, random_problem
from tests.cases.supply import small as supply_problem


def solved(problem: RoutingProblem, **options: object) -> Outcome:
    return OrToolsRouting().solve(problem, SolveOptions(**{"time_limit": 20.0, **options}))


def euclidean(clients: int, seed: int = 0, **vehicle: object) -> RoutingProblem:
    rng = np.random.default_rng(seed)
    points = [Client(f"c{i}", *rng.uniform(0, 20, 2), demand=1.0, service_duration=5) for i in range(clients)]
    fleet = VehicleType(
        "van", **{"num_available": 3, "capacity": clients / 2.5, "shift_end": 1440.0, **vehicle}
    )
    given = RoutingProblem([Depot("depot", 10, 10)], points, [fleet], {}, np.zeros((clients + 1,) * 2))
    distance = given.data.distance
    return replace(given, cost={"fuel": 0.4 * distance}, duration=2.0 * distance)


@pytest.mark.parametrize("seed", range(8))
def test_small_problems_are_solved_as_by_trying_everything(seed):
    problem = random_problem(seed, clients=4 if seed < 6 else 5, rates=seed % 2 == 0)
    missed, best = best_by_trying_all(problem)
    outcome = found_soon(
        lambda: solved(problem, seed=seed),
        lambda found: problem.price(found.plan, frozen=True).objective <= best + 2 * found.rounding_bound,
    )
    left = [c.name for c in problem.clients if c.mandatory and c.name in outcome.plan.unserved]
    assert len(left) == missed
    price = problem.price(outcome.plan, frozen=True).objective
    assert price == pytest.approx(best, abs=2 * outcome.rounding_bound)
    assert abs(outcome.objective - price) <= outcome.rounding_bound
    assert outcome.bound is None
    assert problem.assess(outcome.plan).status is outcome.status
    assert "ended by itself" in outcome.message


def test_several_depots_serve_their_own_side():
    line = np.array([0.0, 100, 10, 20, 80, 90])
    distance = np.abs(np.subtract.outer(line, line))
    problem = RoutingProblem(
        [Depot("west"), Depot("east")],
        [Client(name) for name in "abcd"],
        [VehicleType("w", start_depot="west"), VehicleType("e", start_depot="east")],
        distance,
        distance,
        distance,
    )
    plan = solved(problem).plan
    assert {route.label: (route.depot, set(route.clients)) for route in plan.routes} == {
        "w 1": ("west", {"a", "b"}),
        "e 1": ("east", {"c", "d"}),
    }


@pytest.mark.parametrize("count", [0, 1])
def test_a_depot_without_vehicles_is_no_stop(count):
    line = np.array([0.0, 10, 5, 20])
    distance = np.abs(np.subtract.outer(line, line))
    fleet = [
        VehicleType("w", start_depot="west"),
        VehicleType("e", num_available=count, start_depot="east", fixed_cost=1e3),
    ]
    problem = RoutingProblem(
        [Depot("west"), Depot("east")], [Client("a"), Client("b")], fleet, distance, distance, distance
    )
    plan = solved(problem).plan
    assert [(route.label, set(route.clients)) for route in plan.routes] == [("w 1", {"a", "b"})]
    assert problem.check(plan).ok


def test_a_shift_may_start_before_midnight():
    minutes = np.array([[0.0, 10, 10], [10, 0, 5], [10, 5, 0]])
    clients = [
        Client("night", earliest=-45, latest=-40, service_duration=5),
        Client("day", earliest=5, latest=20, prize=50.0),
    ]
    van = VehicleType("van", shift_start=-60, shift_end=30, unit_duration_cost=0.1)
    problem = RoutingProblem([Depot("depot")], clients, [van], {}, minutes, minutes)
    outcome = solved(problem)
    assert outcome.plan.routes[0].clients == ("night", "day")
    assert outcome.plan.routes[0].departure == pytest.approx(-50)
    assert outcome.objective == pytest.approx(6.5)
    assert problem.price(outcome.plan).objective == pytest.approx(6.5)
    assert problem.check(outcome.plan).ok


def test_a_shift_that_ends_before_midnight_is_no_mistake():
    minutes = np.array([[0.0, 10], [10, 0]])
    van = VehicleType("van", shift_start=-60, shift_end=-30)
    problem = RoutingProblem([Depot("depot")], [Client("a", earliest=-60)], [van], minutes, minutes, minutes)
    assert solved(problem, time_limit=0.5).objective == pytest.approx(20.0)


def test_a_shift_without_a_real_end_does_not_coarsen_prices():
    given = random_problem(3)
    fleet = [replace(vehicle, shift_end=1e15) for vehicle in given.vehicles]
    integers = RoutingIntegers(replace(given, vehicles=fleet))
    assert integers.size * integers.money.bound < 0.01


def test_loads_may_be_tiny():
    minutes = np.array([[0.0, 10, 10], [10, 0, 5], [10, 5, 0]])
    clients = [Client("a", demand=1e-9), Client("b", demand=2e-9)]
    for capacity, routes in ((3e-9, 1), (2.5e-9, 2)):
        fleet = [VehicleType("van", 2, capacity=capacity, fixed_cost=1.0)]
        problem = RoutingProblem([Depot("depot")], clients, fleet, minutes, minutes, minutes)
        plan = solved(problem).plan
        assert (len(plan.routes), plan.unserved) == (routes, ())


def test_a_start_of_another_kind_is_refused():
    with pytest.raises(SolverError, match="starts from a RoutingPlan, not from a list"):
        OrToolsRouting().solve(euclidean(4), SolveOptions(initial=[["c0"]]))


def test_what_cannot_be_served_is_left_and_its_penalty_stays_out_of_the_objective():
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
    assert problem.check(outcome.plan).only_unserved


def test_with_nobody_to_drive_or_to_serve_the_plan_is_empty():
    one = np.ones((2, 2))
    nobody = RoutingProblem([Depot("d")], [Client("a", prize=2.0)], [VehicleType("v", 0)], one, one, one)
    outcome = solved(nobody)
    assert (outcome.status, outcome.objective, outcome.plan.unserved) == (Status.FEASIBLE, 2.0, ("a",))
    zero = np.zeros((1, 1))
    outcome = solved(RoutingProblem([Depot("d")], [], [VehicleType("v")], zero, zero, zero))
    assert (outcome.status, outcome.objective) == (Status.FEASIBLE, 0.0)
    heavy = RoutingProblem(
        [Depot("d")], [Client("a", demand=2)], [VehicleType("v", capacity=1)], one, one, one
    )
    assert solved(heavy).status is Status.PARTIAL


@little_patience()
def test_the_same_seed_gives_the_same_plan_and_seeds_order_the_clients():
    problem = euclidean(8)
    first, again = solved(problem, seed=3), solved(problem, seed=3)
    assert "ended by itself" in first.message
    assert first.plan == again.plan
    orders = {tuple(RoutingIntegers(problem, seed).nodes) for seed in range(5)}
    assert len(orders) == 5
    assert {order[0] for order in orders} == {0}


def test_only_routing_problems_are_accepted():
    solver = OrToolsRouting()
    assert solver.accepts(euclidean(2)) == ""
    assert solver.accepts(supply_problem()) == "solves routing problems, not supply"
    assert solver.name.startswith("OR-Tools routing 9.")


def test_no_time_means_no_plan():
    outcome = solved(euclidean(5), time_limit=1e-9)
    assert (outcome.plan, outcome.status, outcome.objective) == (None, Status.NO_PLAN, None)
    assert outcome.message == "no plan within the time limit"


def initial(*routes: Route) -> SolveOptions:
    return SolveOptions(time_limit=20.0, initial=RoutingPlan(routes))


@little_patience()
def test_a_start_is_repaired_to_what_there_is_now():
    problem = euclidean(6, num_available=2, capacity=3.0)
    start = initial(
        Route("van", 1, "depot", ("c0", "gone", "c1", "c2", "c3")),  # one too many, one unknown
        Route("van", 9, "depot", ("c4", "c0")),  # no such van, one twice
        Route("bike", 1, "yard", ("c5",)),  # no such type, and no vehicle left for it
    )
    outcome = OrToolsRouting().solve(problem, start)
    assert outcome.status is Status.FEASIBLE
    assert problem.assess(outcome.plan).status is Status.FEASIBLE
    from_scratch = solved(problem)
    assert outcome.objective == pytest.approx(from_scratch.objective)


@little_patience()
def test_a_start_is_never_made_worse():
    problem = euclidean(8)
    best = solved(problem)
    again = OrToolsRouting().solve(problem, SolveOptions(time_limit=20.0, seed=5, initial=best.plan))
    assert again.objective <= best.objective + best.rounding_bound
    assert again.history[0].objective == pytest.approx(best.objective)
    assert OrToolsRouting().solve(problem, initial()).status is Status.FEASIBLE


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


SCRIPT = """
import json
from tests.solvers.routing.test_ortools import euclidean, solved
problem = euclidean(60, num_available=4)
outcome = solved(problem, time_limit=120.0, progress=lambda p: print("incumbent", flush=True))
print(json.dumps([outcome.interrupted, len(outcome.plan.routes), len(outcome.plan.unserved)]))
"""


@pytest.mark.slow
def test_ctrl_c_from_outside_keeps_the_plan():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "incumbent\n"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=100)
    interrupted, routes, unserved = json.loads(rest.strip().split("\n")[-1])
    assert process.returncode == 0
    assert interrupted
    assert (routes, unserved) == (3, 0)


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
def test_memory_is_given_back_after_every_search():
    problem, searches = euclidean(8), []

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def search() -> None:
        given = RoutingIntegers(problem)
        with Interrupt() as interrupt:
            made = _Search(given, SolveOptions(time_limit=0.02), interrupt)
            searches.append(weakref.ref(made))
            made.run(None)

    search()
    before = resident()
    for _ in range(15):
        search()
    assert [known() for known in searches] == [None] * 16
    # the model of one search is 2 MB
    assert resident() - before < 10e6


def test_outside_the_main_thread_signals_are_left_alone():
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(solved, euclidean(5)).result()
    assert outcome.status is Status.FEASIBLE


def test_a_search_for_one_client_ends_by_itself():
    minutes = np.array([[0.0, 10], [10, 0]])
    vans = [VehicleType("van", fixed_cost=9.0), VehicleType("bike", fixed_cost=1.0)]
    problem = RoutingProblem([Depot("depot")], [Client("a")], vans, minutes, minutes, minutes)
    outcome = solved(problem, time_limit=60.0)
    assert outcome.objective == pytest.approx(21.0)
    assert "ended by itself" in outcome.message
