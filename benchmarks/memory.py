"""How much memory searches leave behind in one process: the resident set after a first search, and after n more.

Each engine solves the same small problem again and again, for a moment each: routing by both engines in turns, by
OR-Tools alone and with breaks (where OR-Tools calls back at every branch), a schedule, flows (HiGHS, in a process of
its own), and decisions. "MB" is what the resident set (/proc/self/statm) has grown by in all, after Python's collector
has run; needs Linux.

    python benchmarks/memory.py --n 100
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer

import kanopt as ko
from kanopt import routing, scheduling, supply
from kanopt.solvers.routing.ortools import OrToolsRouting

SECONDS = 0.05


def town(clients: int, seed: int, **of_van: Any) -> ko.RoutingProblem:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 20, (clients + 1, 2))
    minutes = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    people = [routing.Client(f"c{k}", demand=1.0, service_duration=5.0) for k in range(clients)]
    fleet = [routing.VehicleType("van", 4, capacity=clients / 3, shift_end=1440.0, **of_van)]
    return ko.RoutingProblem([routing.Depot("depot")], people, fleet, minutes, minutes, minutes)


def shop(jobs: int, seed: int) -> ko.SchedulingProblem:
    rng = np.random.default_rng(seed)
    tasks = [scheduling.Task(f"t{j}.{k}", f"j{j}") for j in range(jobs) for k in range(3)]
    modes = [
        scheduling.Mode(task.name, f"m{rng.integers(3)}", duration=float(rng.integers(1, 60)))
        for task in tasks
    ]
    machines = [scheduling.Machine(f"m{m}") for m in range(3)]
    return ko.SchedulingProblem(
        [scheduling.Job(f"j{j}") for j in range(jobs)], tasks, machines, modes, makespan_cost=1.0
    )


def network() -> ko.SupplyProblem:
    return ko.SupplyProblem(
        suppliers=[supply.Supplier("mill", "flour", capacity=50.0, unit_cost=2.0)],
        facilities=[supply.Facility("north", fixed_cost=30.0), supply.Facility("south", fixed_cost=90.0)],
        markets=[supply.Market("Lyon")],
        products=[supply.Product("flour", shortage_cost=9.0)],
        periods=[supply.Period("1")],
        lanes=[
            supply.Lane(*pair)
            for pair in (("mill", "north"), ("north", "Lyon"), ("mill", "south"), ("south", "Lyon"))
        ],
        tariff=1.0,
        demand=20.0,
    )


def wave() -> ko.DecisionProblem:
    law = ko.parse_formula("sin(3 * x) + x^2", [ko.Variable("x")], ko.Variable("cost"))
    return ko.DecisionProblem({"x": (-2, 2)}, law)


def resident() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def searches(clients: int, seed: int) -> dict[str, Callable[[], object]]:
    plain, rested = town(clients, seed), town(clients, seed, breaks="30 in 100-300")
    ortools = OrToolsRouting()
    return {
        "routing": lambda: ko.solve(plain, time_limit=SECONDS),
        "routing, OR-Tools": lambda: ko.solve(plain, time_limit=SECONDS, solver=ortools),
        "routing with breaks, OR-Tools": lambda: ko.solve(rested, time_limit=SECONDS, solver=ortools),
        "scheduling": lambda: ko.solve(shop(6, seed), time_limit=SECONDS),
        "supply": lambda: ko.solve(network(), time_limit=5.0),
        "decisions": lambda: ko.solve(wave(), time_limit=5.0),
    }


def main() -> None:
    arguments = asked(
        __doc__,
        n=(100, "searches of each kind"),
        clients=(20, "clients of routing problems"),
        seed=(0, "seed of the problems"),
    )
    lines = []
    for name, search in searches(arguments.clients, arguments.seed).items():
        search()
        before = resident()
        for _ in range(arguments.n):
            search()
        grown = resident() - before
        lines.append({"search": name, "n": arguments.n, "MB": grown, "kB each": 1000 * grown / arguments.n})
    print(pd.DataFrame(lines).to_string(index=False, float_format=lambda value: f"{value:.1f}"))
    print(f"\n{footer(['ortools', 'pyvrp', 'highspy'], arguments.seed)}")


if __name__ == "__main__":
    main()
