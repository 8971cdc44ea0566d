"""Routes of thousands of clients: seconds and memory to build the problem, and to a first plan.

Clients lie uniformly in a square, demand 1 to 20, and two vehicle types differ in capacity and fixed price; all drive
1.5 minutes a kilometre. "same" pays 0.6 EUR a kilometre for both types, "plain" 0.6 and 0.9, so that prices of arcs
differ by type, and "load" 0.3 and a law of distance and load on top of it.

Each line is a process of its own, so that its peak is its own. "build" and "plan" are CPU seconds of
``RoutingProblem(...)`` and of a first plan, part after part by insertion; "left" is how many that leaves out, "peak MB"
the largest resident set by then. With ``--limit`` seconds the problem is solved as well: "first" and "first cpu" are
wall and CPU seconds of the first plan in which nobody is left out, "cost" the price of the last plan on the law,
"served" how many are on a route, "wall" and "cpu" the seconds of it all, and "solving MB" the largest sum of resident
sets of the process and of those that it starts. PyVRP alone, on the same integers with its own defaults, is the peer
(``--peer``). What needs more than ``--memory`` gigabytes of address space ends in an error, which the line says.

    python benchmarks/large_routing.py --sizes 3000 5000 --limit 120
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, in_own_process, print_table
from _process_memory import PeakMemory

import kanopt as ko
from kanopt import refs, routing
from kanopt.engines.base import SolveOptions
from kanopt.plans.result import Progress
from kanopt.routing import RoutingPlan
from kanopt.routing.search.parts_run import PartsRun
from kanopt.routing.search.racer.search import StoppingCriteria

CASES = ("same", "plain", "load")


def town(clients: int, case: str, seed: int) -> ko.RoutingProblem:
    """Return a problem of a size; vans and lorries, enough of them for all."""
    rng = np.random.default_rng(seed)
    places, demand = rng.uniform(0, 100, (clients + 1, 2)), rng.integers(1, 21, clients)
    people = [
        routing.Client(f"c{k}", x=float(x), y=float(y), demand=float(d), service_duration=2.0)
        for k, ((x, y), d) in enumerate(zip(places[1:], demand, strict=True))
    ]
    each = int(demand.sum() / 200 * 0.7) + 2
    rate = {"same": (0.6, 0.6), "plain": (0.6, 0.9), "load": (0.3, 0.3)}[case]
    shared: dict[str, Any] = {"unit_duration_cost": 0.4, "shift_end": 1440.0}
    fleet = [
        routing.VehicleType("van", each, 150.0, fixed_cost=60.0, unit_distance_cost=rate[0], **shared),
        routing.VehicleType("lorry", each, 300.0, fixed_cost=110.0, unit_distance_cost=rate[1], **shared),
    ]
    km, load = ko.Variable("km", "km"), ko.Variable("load", "t")
    minutes = ko.parse_formula("1.5 * km", [km], ko.Variable("minutes", "min"))
    cost = {}
    if case == "load":
        fuel = ko.parse_formula("km * (0.2 + 0.002 * load)", [km, load], ko.Variable("fuel", "EUR"))
        cost = {"fuel": fuel.bind(km=refs.arc.distance, load=refs.state.load)}
    depot = routing.Depot("depot", x=float(places[0, 0]), y=float(places[0, 1]))
    return ko.RoutingProblem([depot], people, fleet, cost, minutes.bind(km=refs.arc.distance))


def resident_peak() -> float:
    """Return the megabytes of the largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def built(clients: int, case: str, seed: int) -> dict[str, Any]:
    """Build a problem, and make a first plan."""
    found: dict[str, Any] = {}
    began = time.process_time()
    problem = town(clients, case, seed)
    found["build"] = time.process_time() - began
    began = time.process_time()
    search = PartsRun(problem, RoutingPlan(()), SolveOptions(seed=seed), lambda step: None)
    plan = search.run(StoppingCriteria(0.0, None, lambda: False))
    found["plan"] = time.process_time() - began
    return found | {"left": len(plan.unserved), "peak MB": resident_peak()}


def solved(clients: int, case: str, seed: int, limit: float, workers: int) -> dict[str, Any]:
    """Solve, and note when the first plan was there that leaves nobody out."""
    problem = town(clients, case, seed)
    began, worked, first = time.perf_counter(), time.process_time(), [np.nan, np.nan]

    def watch(step: Progress) -> None:
        if np.isnan(first[0]) and "left out" not in step.message:
            first[:] = time.perf_counter() - began, time.process_time() - worked

    with PeakMemory() as memory:
        result = ko.solve(problem, time_limit=limit, seed=seed, workers=workers, progress=watch)
    spent = time.perf_counter() - began
    found = {"first": first[0], "first cpu": first[1], "status": str(result.status), "wall": spent}
    found |= {"solving MB": memory.megabytes}
    found |= {"cost": result.objective, "cpu": result.cpu_seconds, "engines": str(result.engines)}
    if result.plan is not None:
        found["served"] = clients - len(result.plan.unserved)
    return found


def peer(clients: int, case: str, seed: int, limit: float, workers: int) -> dict[str, Any]:
    """Solve the same integers by PyVRP alone, with its own defaults."""
    import pyvrp
    from pyvrp.stop import MaxRuntime

    from kanopt.routing.search.pyvrp_model import PyVrpModel, integers_of

    arrays = integers_of(town(clients, case, seed), seed)
    began, worked = time.perf_counter(), time.process_time()
    model = PyVrpModel(arrays, complete=True)
    found = pyvrp.solve(model.data, MaxRuntime(limit), seed=seed, collect_stats=False, display=False)
    spent, cpu = time.perf_counter() - began, time.process_time() - worked
    if not found.is_feasible():
        return {"status": "no plan", "wall": spent, "cpu": cpu, "solving MB": resident_peak()}
    cost = model.price(found.cost())
    return {"status": "feasible", "wall": spent, "cpu": cpu, "solving MB": resident_peak(), "cost": cost}


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Do what a child is asked to."""
    resource.setrlimit(resource.RLIMIT_AS, (int(order["memory"] * 2**30),) * 2)
    size, case, seed = order["size"], order["case"], order["seed"]
    if order["what"] == "build":
        return built(size, case, seed)
    run = peer if order["what"] == "peer" else solved
    return run(size, case, seed, order["limit"], order["workers"])


def main() -> None:
    arguments = asked(
        __doc__,
        sizes=([3000, 5000, 10000], "clients"),
        cases=(list(CASES), "which problems", CASES),
        limit=(0.0, "seconds to solve for"),
        workers=(1, "as of kanopt.solve"),
        memory=(8.0, "GiB of address space at most"),
        seed=(0, "seed of places, demands and searches"),
        peer=(False, "run PyVRP alone as well"),
        child=(str, argparse.SUPPRESS),
    )
    if arguments.child:
        print(json.dumps(work(json.loads(arguments.child))))
        return

    lines = []
    for size in arguments.sizes:
        for case in arguments.cases:
            line: dict[str, Any] = {"clients": size, "case": case}
            for what in ["build", *(["solve"] if arguments.limit else []), *(["peer"] * arguments.peer)]:
                order = {"what": what, "size": size, "case": case}
                order |= {name: getattr(arguments, name) for name in ("seed", "limit", "workers", "memory")}
                found = in_own_process(order)
                print(f"{size} {case} {what}: {found}", file=sys.stderr, flush=True)
                line |= {f"peer {name}": value for name, value in found.items()} if what == "peer" else found
            lines.append(line)
    print_table(pd.DataFrame(lines).drop(columns="engines", errors="ignore"), ".2f")
    print(f"\n{footer(['ortools', 'pyvrp'], arguments.seed)}")


if __name__ == "__main__":
    main()
