"""What every routing engine does: starts, limits, Ctrl-C, corner cases, and problems small enough to know the plan."""

from __future__ import annotations

import os
import signal
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kanopt as ko
from kanopt import RoutingProblem, Status
from kanopt.engines.base import Outcome, SolveOptions
from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.progress import Progress
from kanopt.routing import Client, Depot, Route, RoutingPlan, RoutingPolicy, VehicleType
from kanopt.routing.search.integers import RoutingIntegers
from kanopt.routing.search.ortools import OrToolsRouting, _Search
from kanopt.routing.search.solver import RoutingSearch
from tests.cases.routing import random_problem
from tests.cases.supply import small as supply_problem

ENGINES = [OrToolsRouting(), RoutingSearch()]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=["ortools", "search"])
Engine = OrToolsRouting | RoutingSearch


def solved(engine: Engine, problem: RoutingProblem, **options: Any) -> Outcome:
    """Return what an engine finds, after its price is that of the law and its plan keeps every rule."""
    outcome = engine.solve(problem, SolveOptions(**{"time_limit": 20.0, **options}))
    if outcome.plan is not None:
        check = problem.check(outcome.plan)
        assert check.ok or check.only_unserved, check
        price = problem.price(outcome.plan, frozen=True).objective
        assert abs(outcome.objective - price) <= outcome.rounding_bound + 1e-9 < 0.1
    return outcome


def euclidean(clients: int, seed: int = 0, **vehicle: object) -> RoutingProblem:
    rng = np.random.default_rng(seed)
    points = [Client(f"c{i}", *rng.uniform(0, 20, 2), demand=1.0, service_duration=5) for i in range(clients)]
    given = {"num_available": 3, "capacity": clients / 2.5, "shift_end": 1440.0, **vehicle}
    fleet, still = [VehicleType("van", **given)], np.zeros((clients + 1,) * 2)
    distance = RoutingProblem([Depot("depot", 10, 10)], points, fleet, {}, still).data.distance
    return RoutingProblem(
        [Depot("depot", 10, 10)], points, fleet, {"fuel": 0.4 * distance}, 2.0 * distance, distance
    )


def on_a_line(places: dict[Client, float], *vans: VehicleType, **policy: Any) -> RoutingProblem:
    """Return a problem on a line, the depot at 0: a kilometre is a minute and costs 1."""
    where = np.array([0.0, *places.values()])
    km = np.abs(np.subtract.outer(where, where))
    return RoutingProblem([Depot("depot")], list(places), vans, km, km, km, policy=RoutingPolicy(**policy))


VAN = VehicleType("van")
STORE = {
    Client("store"): 10.0,
    Client("a", demand=1.0, source="store"): 12.0,
    Client("b", demand=1.0, source="store", prize=3.0): 14.0,
}
CHEAP = {Client("store", prize=1.0): 10.0, Client("a", source="store", prize=2.0): 12.0}
NIGHT = {
    Client("night", earliest=-45, latest=-40, service_duration=5): 10.0,
    Client("day", earliest=5, latest=20, prize=90.0): 15.0,
}
TINY = {Client("a", demand=1e-9): 10.0, Client("b", demand=2e-9): -10.0}
ISLAND = np.full((5, 5), 10.0)
ISLAND[:, 4] = np.inf
LEFT = [
    Client("a", demand=0.6),
    Client("b", demand=0.6, prize=3.0),
    Client("heavy", demand=9.0),
    Client("island", prize=4.5),
]
SIDES = np.abs(np.subtract.outer(*[np.array([0.0, 100, 10, 20, 80, 90])] * 2))
WEST, EAST = VehicleType("w", start_depot="west"), VehicleType("e", start_depot="east")


def there_and_on(way_back: float) -> RoutingProblem:
    """Return a problem of two vans that end at another depot; who is not needed goes nowhere."""
    km = np.abs(np.subtract.outer(*[np.array([0.0, 40, 10, 20, 30])] * 2))
    minutes = km.copy()
    minutes[0, 1] = way_back
    van = VehicleType("van", 2, start_depot="west", end_depot="east", shift_end=600.0)
    return RoutingProblem([Depot("west"), Depot("east")], [Client(n) for n in "abc"], [van], km, minutes, km)


def two_depots(vans_in_the_east: int) -> RoutingProblem:
    fleet = [WEST, replace(EAST, num_available=vans_in_the_east)]
    return RoutingProblem([Depot("west"), Depot("east")], [Client(n) for n in "abcd"], fleet, *[SIDES] * 3)


ONE_WAY = np.array([[0.0, 5.0], [np.inf, 0.0]])


@each_engine
@pytest.mark.parametrize(
    ("problem", "price", "routes"),
    [
        (on_a_line({Client("a"): 5.0}, VAN, VehicleType("bike", fixed_cost=1.0)), 10.0, {"van 1": {"a"}}),
        (two_depots(1), 80.0, {"w 1": {"a", "b"}, "e 1": {"c", "d"}}),
        (two_depots(0), 180.0, {"w 1": {"a", "b", "c", "d"}}),  # a depot without vehicles is no stop
        (there_and_on(np.inf), 40.0, {"van 1": {"a", "b", "c"}}),
        # a shift may start, and end, before midnight
        (
            on_a_line(NIGHT, VehicleType("van", shift_start=-60, shift_end=50, unit_duration_cost=0.1)),
            30.0 + 0.1 * 70.0,
            {"van 1": {"night", "day"}},
        ),
        (
            on_a_line({Client("a", earliest=-60): 10.0}, VehicleType("van", shift_start=-60, shift_end=-30)),
            20.0,
            {"van 1": {"a"}},
        ),
        # loads may be tiny
        (on_a_line(TINY, VehicleType("van", 2, capacity=3e-9, fixed_cost=1.0)), 41.0, {"van 1": {"a", "b"}}),
        # an open route needs no road back
        (
            RoutingProblem([Depot("d")], [Client("a")], [VehicleType("van", returns=False)], *[ONE_WAY] * 3),
            5.0,
            {"van 1": {"a"}},
        ),
        # a source and its clients go together or not at all: both are loaded at once
        (on_a_line(STORE, VehicleType("van", capacity=2.0)), 28.0, {"van 1": {"store", "a", "b"}}),
        (on_a_line(CHEAP, VAN), 3.0, {}),
        # rests keep their order: the first before leaving at 30, the second on the way
        (
            on_a_line(
                {Client("a"): 100.0}, replace(VAN, breaks="20 in 10-30, 15 in 10-190", unit_duration_cost=1.0)
            ),
            400.0,
            {"van 1": {"a"}},
        ),
        (RoutingProblem([Depot("d")], [], [VAN], *[np.zeros((1, 1))] * 3), 0.0, {}),
        (on_a_line({Client("a", prize=2.0): 1.0}, VehicleType("van", 0)), 2.0, {}),
    ],
)
def test_of_small_problems_the_plan_is_known(
    engine: Engine, problem: RoutingProblem, price: float, routes: dict[str, set[str]]
) -> None:
    outcome = solved(engine, problem, time_limit=1.0)
    assert outcome.objective == pytest.approx(price)
    assert {route.label: set(route.clients) for route in outcome.plan.routes} == routes


@each_engine
def test_what_cannot_be_served_is_left_and_its_penalty_stays_out_of_the_objective(engine: Engine) -> None:
    seen: list[Progress] = []
    problem = RoutingProblem(
        [Depot("d")], LEFT, [VehicleType("van", capacity=1.0)], ISLAND / 10, ISLAND, ISLAND
    )
    outcome = solved(engine, problem, progress=seen.append, time_limit=1.0)
    assert (outcome.status, outcome.plan.unserved) == (Status.PARTIAL, ("b", "heavy", "island"))
    assert outcome.history == tuple(seen)
    assert seen[-1].objective == pytest.approx(9.5)


@each_engine
def test_a_start_is_repaired_to_what_there_is_now(engine: Engine) -> None:
    problem = euclidean(6, num_available=2, capacity=3.0)
    start = RoutingPlan(
        (
            Route("van", 1, "depot", ("c0", "gone", "c1", "c2", "c3")),  # one too many, one unknown
            Route("van", 9, "depot", ("c4", "c0")),  # no such van, one twice
            Route("bike", 1, "yard", ("c5",)),  # no such type, and no vehicle left for it
        )
    )
    outcome = solved(engine, problem, initial=start, time_limit=2.0)
    assert outcome.status is Status.FEASIBLE
    assert outcome.objective == pytest.approx(solved(engine, problem, time_limit=2.0).objective)
    with pytest.raises(SolverError, match="starts from a RoutingPlan, not from a list"):
        solved(engine, problem, initial=[["c0"]])


@each_engine
def test_a_start_is_never_made_worse_and_the_same_seed_gives_the_same_plan(engine: Engine) -> None:
    problem = euclidean(8)
    first, same = (solved(engine, problem, seed=3) for _ in range(2))
    assert "ended by itself" in first.message
    assert first.plan == same.plan
    again = solved(engine, problem, seed=5, initial=first.plan)
    assert again.objective <= first.objective + first.rounding_bound + 1e-9
    assert again.history[0].objective == pytest.approx(first.objective)
    assert solved(engine, problem, initial=RoutingPlan(()), time_limit=0.5).status is Status.FEASIBLE


@each_engine
def test_no_time_means_no_plan_and_other_problems_are_not_taken(engine: Engine) -> None:
    outcome = solved(engine, euclidean(5), time_limit=1e-9)
    assert (outcome.plan, outcome.status, outcome.objective) == (None, Status.NO_PLAN, None)
    assert outcome.message == "no plan within the time limit"
    assert engine.accepts(euclidean(2)) == ""
    assert engine.accepts(supply_problem()) == "solves routing problems, not supply"


@each_engine
def test_a_failing_progress_callback_is_heard_and_ctrl_c_keeps_the_plan(engine: Engine) -> None:
    def fail(_: Progress) -> None:
        raise ZeroDivisionError("in the callback")

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        solved(engine, euclidean(10), progress=fail)
    before = signal.getsignal(signal.SIGINT)
    for press in (stop, lambda _: os.kill(os.getpid(), signal.SIGINT)):
        outcome = solved(engine, euclidean(40), time_limit=60.0, progress=press, workers=2)
        assert outcome.interrupted
        assert outcome.plan.routes
        assert signal.getsignal(signal.SIGINT) is before


@each_engine
def test_outside_the_main_thread_signals_are_left_alone(engine: Engine) -> None:
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(solved, engine, euclidean(5), time_limit=1.0).result()
    assert outcome.status is Status.FEASIBLE


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at /proc")
def test_memory_is_given_back_after_every_search() -> None:
    problem, searches = euclidean(8), []

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def search() -> None:
        with Interrupt() as interrupt:
            made = _Search(RoutingIntegers(problem), SolveOptions(time_limit=0.02), interrupt)
            searches.append(weakref.ref(made))
            made.run(None)

    search()
    before = resident()
    for _ in range(15):
        search()
    assert [known() for known in searches] == [None] * 16
    # the model of one search is 2 MB
    assert resident() - before < 10e6


def test_seeds_order_the_clients_and_a_shift_without_a_real_end_does_not_coarsen_prices() -> None:
    orders = {tuple(RoutingIntegers(euclidean(8), seed).nodes) for seed in range(5)}
    assert (len(orders), {order[0] for order in orders}) == (5, {0})
    given = random_problem(3)
    integers = RoutingIntegers(replace(given, vehicles=[replace(v, shift_end=1e15) for v in given.vehicles]))
    assert integers.size * integers.money.bound < 0.01


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (on_a_line({Client("a"): 1.0}, VehicleType("van", max_reloads=1)), "reloads"),
        (on_a_line({Client("a", release_time=9.0): 1.0}, VAN), "release times"),
        (on_a_line({Client("a"): 1.0}, VAN, backhaul=True), "deliveries before pickups"),
        (on_a_line({Client("a"): 1.0}, VAN, longest_route_cost=1.0), "a price of the longest route"),
    ],
)
def test_a_rule_that_ortools_does_not_model_is_told_before_the_search(
    problem: RoutingProblem, told: str
) -> None:
    assert OrToolsRouting().accepts(problem) == f"does not model {told}"


def test_without_a_kernel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "no C compiler; install one, or the package ziglang"
    for module in ("solver", "ortools"):
        monkeypatch.setattr(f"kanopt.routing.search.{module}.why_no_kernel", lambda: missing)
    problem = random_problem(1)
    with pytest.raises(SolverError, match=r"no compiled kernel: no C compiler.* ziglang, or pass solver="):
        ko.solve(problem, time_limit=1.0)
    result = ko.solve(problem, solver="ortools", time_limit=0.5)
    assert result.check.ok or result.check.only_unserved
