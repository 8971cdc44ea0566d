from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from kanopt.solvers.routing.arrays import RoutingArrays
from kanopt.solvers.routing.engines import ORTOOLS, PYVRP, EngineOrder, engine_name
from kanopt.solvers.routing.portfolio import RoutingPortfolio
from kanopt.solvers.routing.reversed_routes import reverse_routes

from kanopt.errors import SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.interrupt import Interrupt
from kanopt.problems import Progress, RoutingProblem, Status, VehicleType
from kanopt.problems.result import EngineRun
from kanopt.refs import arc, state
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.routing import engine_child
from kanopt.solvers.routing.integers import lower
from kanopt.solvers.solve import solve
from kanopt.worker import WorkerEnd, run_workers
from tests.cases.routing import random_problem, random_routes
from tests.cases.routing_brute_force import best_of_all_plans
from tests.cases.routing_variants import variant
from tests.cases.supply import small as supply_problem
from tests.solvers.routing.ortools_engine.test_solver import euclidean


def solved(problem: RoutingProblem, **options: object) -> Outcome:
    return RoutingPortfolio().solve(problem, SolveOptions(**{"time_limit": 30.0, **options}))


@pytest.mark.parametrize("seed", range(3))
def test_in_turn_the_engines_find_the_best_plan_and_are_both_reported(seed):
    problem = random_problem(seed, clients=5)
    outcome = solved(problem, seed=seed)
    price = problem.price(outcome.plan, frozen=True).objective
    assert price == pytest.approx(best_of_all_plans(problem)[1], abs=2 * outcome.rounding_bound)
    first, second = outcome.engines
    assert (first.name, second.name) == (engine_name(PYVRP), engine_name(ORTOOLS))
    assert (first.won, second.won) == (True, False)
    assert second.objective == first.objective == outcome.objective
    assert first.cpu_seconds > 0
    assert outcome.message == "every engine ended by itself: the same seed gives the same plan"
    assert outcome.history[-1].message == engine_name(PYVRP)


@pytest.fixture
def apart(monkeypatch):
    """Let engines run side by side however small the problem is."""
    monkeypatch.setattr("kanopt.solvers.routing.portfolio._SMALL", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("apart")
def test_the_same_seed_gives_the_same_plan_in_turn_and_side_by_side():
    problem = euclidean(10)
    first, again, apart = (solved(problem, seed=2, workers=workers) for workers in (1, 1, 2))
    for outcome in (first, apart):
        assert "the same seed gives the same plan" in outcome.message
        assert outcome.status is Status.FEASIBLE
    assert first.plan == again.plan == apart.plan


def test_more_workers_are_more_seeds_of_pyvrp(monkeypatch):
    asked = []

    def run(_: str, orders: list[tuple[RoutingArrays, EngineOrder]], **__: object) -> list[WorkerEnd]:
        asked.extend(order for _, order in orders)
        return [WorkerEnd(failed=True, message="failed: it is a test") for _ in orders]

    monkeypatch.setattr("kanopt.solvers.routing.portfolio.run_workers", run)
    with pytest.raises(
        SolverError, match=r"every engine failed before it had a plan: PyVRP 0\S+ failed: it is"
    ):
        solved(euclidean(30), workers=4, seed=7)
    assert [(order.engine, order.seed % 1_000_003) for order in asked] == [
        (PYVRP, 7),
        (ORTOOLS, 7),
        (PYVRP, 7),
        (PYVRP, 7),
    ]
    assert len({order.seed for order in asked}) == 3
    asked.clear()
    # what is over before a process has started stays here
    assert solved(euclidean(20), workers=4, time_limit=0.5).plan is not None
    assert solved(euclidean(30), workers=4, time_limit=0.5).plan is not None
    assert solved(variant("breaks", 0), workers=4, time_limit=0.5).plan is not None
    assert asked == []


def race(*engines: str, **options: object) -> tuple[list[WorkerEnd], set[int]]:
    """Run engines side by side until all were heard; return their ends, and who was heard."""
    heard: set[int] = set()
    settings = {
        "seconds_left": lambda: 0.0 if len(heard) == len(engines) else 60.0,
        "stop_requested": lambda: False,
        **options,
    }
    arrays = lower(euclidean(40)).without_names()
    ends = run_workers(
        engine_child.__file__,
        [(arrays, EngineOrder(engine, seed)) for seed, engine in enumerate(engines)],
        on_message=lambda number, told: heard.add(number),
        **settings,
    )
    return ends, heard


def test_a_process_of_an_engine_loads_neither_tables_nor_problems():
    """What it loads is waited for before it searches."""
    code = (
        "import pickle, sys; pickle.load(sys.stdin.buffer)\n"
        "import kanopt.solvers.routing.pyvrp_engine.search, kanopt.solvers.routing.ortools_engine.search\n"
        "print(sorted({'pandas', 'scipy', 'pydantic', 'kanopt.problems', 'kanopt.formulas'} & set(sys.modules)))"
    )
    order = pickle.dumps((lower(euclidean(8)).without_names(), EngineOrder(PYVRP, 1)))
    run = subprocess.run([sys.executable, "-c", code], input=order, capture_output=True, check=True)
    assert run.stdout.strip() == b"[]"


def test_when_the_time_is_over_the_engines_are_asked_to_stop_and_end_in_order():
    ends, heard = race(PYVRP, ORTOOLS)
    assert [(end.failed, end.message) for end in ends] == [(False, ""), (False, "")]
    assert heard == {0, 1}
    assert all(end.cpu_seconds > 0 for end in ends)


def test_a_crash_of_one_engine_leaves_what_both_had_found(monkeypatch, apart):
    started, killed = [], []
    start = subprocess.Popen

    def note(*given: object, **options: object) -> subprocess.Popen:
        started.append(start(*given, **options))
        return started[-1]

    monkeypatch.setattr("kanopt.worker.subprocess.Popen", note)
    problem = euclidean(12)

    def kill(_: Progress) -> None:
        if not killed:
            killed.append(started[0].pid)
            started[0].kill()

    outcome = solved(problem, workers=2, progress=kill)
    assert problem.assess(outcome.plan).status is Status.FEASIBLE
    crashed, other = outcome.engines
    assert crashed.message.startswith("failed: its process ended with code ")
    assert "ended by itself" in other.message
    assert other.objective is not None


def test_engines_that_cannot_begin_say_why(monkeypatch):
    monkeypatch.setattr(RoutingArrays, "without_names", lambda _: None)
    with pytest.raises(SolverError, match=r"every engine failed before it had a plan: .*AttributeError"):
        solved(euclidean(30), workers=2)


def test_an_engine_that_does_not_answer_is_ended():
    ends, _ = race(ORTOOLS, seconds_left=lambda: 0.0, grace=0.0)
    assert [(end.failed, end.message) for end in ends] == [(False, "")]


def test_a_failing_progress_callback_is_heard_and_ends_the_engines():
    def fail(_: Progress) -> None:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        solved(euclidean(30), workers=2, progress=fail)


SCRIPT = """
import json
from tests.solvers.routing.ortools_engine.test_solver import euclidean
from tests.solvers.routing.test_portfolio import solved
print("once", flush=True)
told = lambda step: print("incumbent", flush=True)
outcome = solved(euclidean(60, num_available=4), time_limit=120.0, workers=2, progress=told)
print(json.dumps([outcome.interrupted, len(outcome.plan.unserved), [run.message for run in outcome.engines]]))
"""


@pytest.mark.slow
def test_ctrl_c_keeps_the_plan_in_a_script_without_a_guard():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert [process.stdout.readline() for _ in range(2)] == ["once\n", "incumbent\n"]
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    assert "once" not in rest
    assert json.loads(rest.strip().split("\n")[-1]) == [True, 0, ["stopped", "stopped"]]


def test_ctrl_c_in_turn_keeps_the_plan():
    outcome = solved(euclidean(40), time_limit=60.0, progress=lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert outcome.interrupted
    assert [run.message for run in outcome.engines] == ["stopped"]
    assert euclidean(40).assess(outcome.plan).status is Status.FEASIBLE


def test_where_ctrl_c_came_before_any_engine_had_a_plan_clients_are_inserted(monkeypatch):
    monkeypatch.setattr("kanopt.interrupt.PATIENCE", -1.0)
    problem = euclidean(12)
    with Interrupt() as stop:
        stop.ask()
        outcome = solved(problem, time_limit=60.0)
    assert outcome.interrupted
    assert [run.name for run in outcome.engines if run.won] == ["insertion"]
    assert problem.assess(outcome.plan).status is Status.FEASIBLE


@pytest.mark.parametrize("workers", [1, 2])
def test_where_pyvrp_does_not_model_all_its_plan_is_the_start(workers):
    given = euclidean(8)
    vans = [VehicleType("van", 3, capacity=3.2, shift_end=1440.0, breaks="45 in 0-1440")]
    rested = replace(given, vehicles=vans)
    outcome = solved(rested, workers=workers)
    first, second = outcome.engines
    assert first.message == "start only: does not model driver breaks"
    assert second.objective <= first.objective
    assert "ended by itself" in second.message
    assert outcome.objective == pytest.approx(solved(given).objective)
    assert outcome.status is Status.FEASIBLE


def test_a_start_counts_for_both_engines():
    problem = euclidean(12)
    best = solved(problem)
    again = solved(problem, seed=4, initial=best.plan)
    assert again.objective <= best.objective + best.rounding_bound
    assert again.history[0].objective == pytest.approx(best.objective)
    stopped = solved(
        replace(problem, vehicles=[VehicleType("van", 3, capacity=4.8, breaks="1 in 0-1440")]),
        initial=best.plan,
        progress=lambda _: os.kill(os.getpid(), signal.SIGINT),
    )
    assert stopped.objective <= best.objective + best.rounding_bound


def test_no_time_means_no_plan_and_nobody_means_an_empty_one():
    outcome = solved(euclidean(5), time_limit=1e-9)
    assert (outcome.plan, outcome.status, outcome.message) == (
        None,
        Status.NO_PLAN,
        "no plan within the time limit",
    )
    assert [str(run).split(":")[1] for run in outcome.engines] == [" no plan, 0.0 CPU s; time limit"] * 2
    nobody = replace(euclidean(3), vehicles=[VehicleType("van", 0)])
    assert solved(nobody).status is Status.PARTIAL
    assert RoutingPortfolio().accepts(supply_problem()) == "solves routing problems, not supply"


def test_a_result_shows_every_engine():
    result = solve(random_problem(1), time_limit=10.0)
    text = str(result)
    for run in result.engines:
        assert str(run) in text
    assert str(EngineRun("PyVRP 0.14.1", 12.0, 3, 1.0, 0.5)) == "PyVRP 0.14.1: 12.00, 3 left out, 0.5 CPU s"


def heavy_first(seed: int) -> RoutingProblem:
    given = random_problem(seed, clients=6)
    km, load = Variable("km", "km"), Variable("load", "t")
    law = parse_formula("km * (0.2 + load)", [km, load], Variable("fuel", "EUR"))
    free = [replace(client, earliest=0.0, latest=np.inf, prize=None) for client in given.clients]
    symmetric = given.distance + given.distance.T
    return replace(
        given,
        clients=free,
        distance=symmetric,
        duration=symmetric / 10,
        cost={"fuel": law.bind(km=arc.distance, load=state.load)},
    )


@pytest.mark.parametrize("seed", range(5))
def test_routes_are_turned_round_where_that_is_better_on_the_law(seed):
    problem = heavy_first(seed)
    integers = lower(problem)
    ways = [
        integers.trimmed(kind, [integers.node_of[name] for name in route.clients], set())
        for (kind, _), route in zip(integers.fleet, random_routes(problem, seed), strict=True)
    ]
    options = [[way, way[::-1]] for way in ways]
    least = min(problem.price(integers.plan([a, b])).objective for a in options[0] for b in options[1])
    found = reverse_routes(integers, ways)
    assert problem.price(integers.plan(found)).objective == pytest.approx(least)
    assert integers.objective(found) == integers.objective(ways)
    assert reverse_routes(integers, found) == found
    still = random_problem(seed)
    assert reverse_routes(lower(still), ways) is ways


class RecordingChannel:
    """A channel that keeps what it is told."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.stop_requested, self.told = seconds, False, []

    def ready(self) -> float:
        return self.seconds

    def send(self, content: object) -> None:
        self.told.append(json.loads(json.dumps(content)))

    def finish(self, message: str) -> None:
        # what ends the process would end the test
        self.told.append(message)


@pytest.mark.parametrize(("engine", "seconds"), [(PYVRP, 20.0), (ORTOOLS, 0.5)])
def test_a_child_tells_of_every_better_plan(engine, seconds):
    integers = lower(euclidean(8))
    start, heard = [[*range(1, 4)], [], []], RecordingChannel(seconds)
    engine_child.work((integers.without_names(), EngineOrder(engine, 1, start)), heard)
    plans = [told for told in heard.told if not isinstance(told, str)]
    assert plans[0] == [start, list(integers.rank(start))]
    assert [list(integers.rank(ways)) for ways, _ in plans] == [rank for _, rank in plans]
    ranks = [rank for _, rank in plans]
    assert ranks == sorted(ranks, reverse=True)
