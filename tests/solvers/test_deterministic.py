"""A time limit that counts work: the same plan, whatever the clock does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import kanopt as ko
from kanopt import Result, refs, routing, scheduling
from kanopt.engines.base import SolveOptions, WorkClock
from kanopt.engines.solve import usual_solver
from kanopt.errors import SolverError
from kanopt.routing import RoutingPolicy

KM, LOAD, HOUR = ko.Variable("km", "km"), ko.Variable("load", "t"), ko.Variable("hour", "h")


def town(clients: int = 40, *, vans: int = 6, **of_van: Any) -> ko.RoutingProblem:
    """A town too large for any search to end by itself in a moment."""
    return ko.RoutingProblem(*_parts(clients, vans, **of_van), _fuel(), _minutes())


def by_the_law(clients: int = 30) -> ko.RoutingProblem:
    """A town where fuel grows with the load, and driving is slow at eight."""
    fuel = ko.parse_formula("0.2 * km * (1 + load)", [KM, LOAD], ko.Variable("fuel", "EUR"))
    minutes = ko.parse_formula(
        "1.7 * km * (1 + 0.8 * exp(-((hour - 8) / 0.7) ^ 2))", [KM, HOUR], ko.Variable("m", "min")
    )
    return ko.RoutingProblem(
        *_parts(clients, 4, unit_duration_cost=0.4),
        fuel.bind(km=refs.arc.distance, load=refs.state.load),
        minutes.bind(km=refs.arc.distance, hour=refs.clock.hour),
    )


def with_rules(clients: int = 14) -> ko.RoutingProblem:
    """A town whose drivers rest, where the longest route is paid: OR-Tools plans it, after insertions."""
    parts, policy = _parts(clients, 3, breaks="30 in 500-800"), RoutingPolicy(longest_route_cost=0.1)
    return ko.RoutingProblem(*parts, _fuel(), _minutes(), policy=policy)


def with_pairs() -> ko.RoutingProblem:
    """A town of goods brought from client to client, whose drivers rest: times are searched for."""
    depots, people, fleet = _parts(16, 3, breaks="30 in 500-620")
    half = len(people) // 2
    linked = [replace(one, source=f"c{place}") for place, one in enumerate(people[half:])]
    first = [replace(one, demand=0.0) for one in people[:half]]
    return ko.RoutingProblem(depots, [*first, *linked], fleet, _fuel(), _minutes())


def shop() -> ko.SchedulingProblem:
    """A job shop of 15 jobs on 10 machines."""
    rng = np.random.default_rng(3)
    jobs = [scheduling.Job(f"j{k}") for k in range(15)]
    machines = [scheduling.Machine(f"m{k}") for k in range(10)]
    tasks, modes = [], []
    for job in jobs:
        for place in rng.permutation(10):
            name = f"{job.name} on m{place}"
            tasks.append(scheduling.Task(name, job.name))
            modes.append(scheduling.Mode(name, f"m{place}", duration=float(rng.integers(1, 60))))
    return ko.SchedulingProblem(jobs, tasks, machines, modes, makespan_cost=1.0)


def _parts(clients: int, vans: int, **of_van: Any) -> tuple[Any, ...]:
    rng = np.random.default_rng(11)
    places = rng.uniform(0, 20, (clients + 1, 2)).round(2)
    demand = rng.uniform(0.2, 3.0, clients).round(2)
    people = [
        routing.Client(f"c{k}", *places[k + 1], demand=demand[k], service_duration=5.0)
        for k in range(clients)
    ]
    van = routing.VehicleType("van", vans, capacity=16.0, shift_start=420, shift_end=1200, **of_van)
    return [routing.Depot("depot", *places[0])], people, [van]


def _fuel() -> Any:
    return ko.parse_formula("0.3 * km", [KM], ko.Variable("fuel", "EUR")).bind(km=refs.arc.distance)


def _minutes() -> Any:
    return ko.parse_formula("1.7 * km", [KM], ko.Variable("m", "min")).bind(km=refs.arc.distance)


@pytest.fixture
def wild_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps: between two looks at it passes anything from a millisecond to a minute."""
    rng, seconds = np.random.default_rng(8), [time.perf_counter()]

    def jumping() -> float:
        seconds[0] += float(rng.choice([1e-3, 0.1, 60.0], p=[0.9, 0.09, 0.01]))
        return seconds[0]

    monkeypatch.setattr(time, "perf_counter", jumping)


def told(result: Result) -> tuple[Any, ...]:
    """All of a result but what the clock measured."""
    steps = [(step.seconds, step.objective) for step in result.history]
    return result.plan, result.objective, result.bound, steps


CASES: dict[str, tuple[Callable[[], Any], float]] = {
    "plain routes": (town, 0.4),
    "routes by laws of load and clock": (by_the_law, 0.4),
    "routes with breaks": (with_rules, 0.4),
    "pairs with breaks": (with_pairs, 0.08),
    "schedule": (shop, 0.5),
}


@cache
def undisturbed(case: str) -> Result:
    """Return what a search of counted work finds where no clock is disturbed."""
    made, limit = CASES[case]
    return ko.solve(made(), time_limit=limit, seed=5, deterministic=True)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_same_seed_gives_the_same_plan_whatever_the_clock_does(
    case: str, request: pytest.FixtureRequest
) -> None:
    made, limit = CASES[case]
    first = undisturbed(case)
    request.getfixturevalue("wild_clock")
    again = ko.solve(made(), time_limit=limit, seed=5, deterministic=True)
    assert told(first) == told(again)
    assert first.message.endswith("the time limit counted work: the same seed gives the same plan")
    assert "ended by itself" not in first.message, "the limit was not what ended the search"


@pytest.mark.parametrize("case", CASES)
def test_the_limit_is_kept_in_work(case: str) -> None:
    made, limit = CASES[case]
    options = SolveOptions(time_limit=limit, seed=5, deterministic=True)
    before = options.clock.now()
    problem = made()
    usual_solver(problem).solve(problem, options)
    assert limit * 0.5 <= options.clock.now() - before <= limit * 1.5


def test_the_clock_follows_from_the_option() -> None:
    counted = SolveOptions(workers=4, deterministic=True)
    assert (counted.workers, counted.clock.counts_work) == (1, True)
    assert not replace(counted, deterministic=False).clock.counts_work
    assert not SolveOptions(clock=WorkClock()).clock.counts_work
    assert replace(counted, time_limit=3.0).clock is counted.clock
    with pytest.raises(SolverError, match="clock must be a SearchClock or a WorkClock, not 3"):
        SolveOptions(clock=3)


def test_who_cannot_count_says_so() -> None:
    x = ko.Variable("x")
    law = ko.parse_formula("(x - 1) ^ 2", [x], ko.Variable("y", "EUR"))
    problem = ko.DecisionProblem({"x": (0.0, 3.0)}, {"cost": law})
    with pytest.raises(SolverError, match="counts no work: leave the option deterministic out"):
        ko.solve(problem, deterministic=True)
    with pytest.raises(TypeError, match="has no 'determinstic'; did you mean 'deterministic'"):
        ko.solve(problem, determinstic=True)
    with pytest.raises(SolverError, match="deterministic must be True or False, not 'yes'"):
        ko.solve(problem, deterministic="yes")
