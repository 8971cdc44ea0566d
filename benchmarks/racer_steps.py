"""Steps of the racer a CPU second: a tenth of the clients taken out, put back, driven and judged.

Towns with windows in which fuel reads the load and the hour and travel time reads both as well, without more rules and
with a break of half an hour and a reload allowed. Prices are those of the plans when the time was over.

    python benchmarks/racer_steps.py --sizes 60 300 1000 --seconds 5

With limits, :func:`kanopt.solve` plans each town without more rules in so many wall seconds on one core instead; the
gain is what its plan costs less than that of the engines, which see load and clock at planning values; the column of
the search says both.

    taskset -c 0 python benchmarks/racer_steps.py --sizes 1000 --limits 60 600
"""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd
from _bench import asked, footer

import kanopt as ko
from kanopt import RoutingProblem
from kanopt.refs import arc, clock, state
from kanopt.routing import Client, Depot, RoutingPlan, VehicleType
from kanopt.routing.search.racer.plan_data import PlanData
from kanopt.routing.search.racer.search import RacerSearch

HEAT = 0.02  # of the price for each client, about the middle of a search


def town(clients: int, seed: int, *, rests: bool) -> RoutingProblem:
    """Return a town of 40 by 40 km whose laws read load and clock."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0.0, 40.0, (clients + 1, 2))
    km = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    inputs = [ko.Variable("km", "km"), ko.Variable("load", "t"), ko.Variable("hour", "h")]
    reads = {"km": arc.distance, "load": state.load, "hour": clock.hour}
    fuel = ko.parse_formula(
        "0.1 * km * (1 + load) * (1 + 0.5 * sin(hour))", inputs, ko.Variable("fuel", "EUR")
    )
    minutes = ko.parse_formula(
        "1.2 * km * (1 + 0.05 * load) * (1 + 0.5 * exp(-(hour - 9)^2))", inputs, ko.Variable("time", "min")
    )
    opens = rng.uniform(420.0, 800.0, clients)
    people = [
        Client(
            f"c{place}",
            demand=float(rng.uniform(0.05, 0.2)),
            service_duration=4.0,
            earliest=float(opens[place]),
            latest=float(opens[place] + rng.uniform(120.0, 300.0)),
        )
        for place in range(clients)
    ]
    van = VehicleType(
        "van", max(2, clients // 6), 1.5, 20.0, unit_duration_cost=0.3, shift_start=400.0, shift_end=1080.0,
        breaks="30 in 11:00-13:00" if rests else "", max_reloads=int(rests), reload_time=15.0,
    )  # fmt: skip
    return RoutingProblem(
        [Depot("depot")], people, [van], {"fuel": fuel.bind(**reads)}, minutes.bind(**reads), km
    )


def row(clients: int, seconds: float, seed: int, *, rests: bool) -> dict[str, object]:
    """Measure one town."""
    problem = town(clients, seed, rests=rests)
    began = time.process_time()
    search = RacerSearch(PlanData(problem), seed)
    compiled = time.process_time() - began
    search.begin(RoutingPlan(()))
    first, removed = search.report, max(1, clients // 10)
    heat = HEAT * first.best_price / clients
    began = time.process_time()
    while time.process_time() - began < seconds:
        search.take_steps(max(1, 600 // clients), heat, removed=removed)
    spent, last = time.process_time() - began, search.report
    plan = search.best_plan()
    assert problem.check(plan).ok
    return {
        "clients": clients,
        "rules": "break, reload" if rests else "windows",
        "removed": removed,
        "steps/s": last.steps / spent,
        "legs/s": (last.legs - first.legs) / spent,
        "first plan": first.best_price,
        "price": problem.price(plan).objective,
        "compiled in s": compiled,
    }


def solved(clients: int, limits: list[float], seed: int) -> list[dict[str, object]]:
    """Plan one town in each of several limits, the shortest first."""
    rows = []
    for limit in sorted(limits):
        problem = town(clients, seed, rests=False)
        began, cpu = time.perf_counter(), time.process_time()
        result = ko.solve(problem, time_limit=limit, seed=seed, workers=1, days_in_time=None)
        spent, cpu = time.perf_counter() - began, time.process_time() - cpu
        assert result.check is not None
        assert result.check.ok
        message = next(run.message for run in result.engines if run.won)
        rows.append(
            {
                "clients": clients,
                "limit": limit,
                "price": result.objective,
                "over the limit, s": spent - limit,
                "CPU s": cpu,
                "GB so far": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
                "search": message,
            }
        )
    return rows


def main() -> None:
    given = asked(
        __doc__,
        sizes=([60, 300, 1000], "numbers of clients"),
        seconds=(5.0, "CPU seconds for each town"),
        limits=([float], "wall seconds of whole plans instead"),
        seed=(0, ""),
    )
    if given.limits:
        planned = [row for size in given.sizes for row in solved(size, given.limits, given.seed)]
        print(pd.DataFrame(planned).to_string(index=False, float_format=lambda value: f"{value:,.2f}"))
        print(footer([], str(given.seed)))
        return
    rows = [
        row(size, given.seconds, given.seed, rests=rests) for rests in (False, True) for size in given.sizes
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:,.2f}"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\nmost memory {most:.2f} GB, Python and its packages included")
    print(footer([], str(given.seed)))


if __name__ == "__main__":
    main()
