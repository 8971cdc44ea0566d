"""Routing where a law depends on the clock or on the load on board: solutions of published instances.

``rifki``: travel times of the Lyon road network by the hour (Rifki, Chiabaut and Solnon 2020), windows, total duration;
the gap to the best known solution. ``uk``: pollution routing (Demir, Bektaş and Laporte 2012), windows, distance ×
(curb weight + load); against the plan that is shortest, found in the same time, each of its routes driven in the
direction that costs less and keeps the windows. Every plan is priced and checked on the law by the problem itself.

PyVRP, which plans at frozen travel times or loads, stands beside what :func:`kanopt.solve` does, in the same time.
With ``--kayros`` so does Kayros (PyPI kayros and mamut-routing-lib, MIT), which searches on arrival functions, on
``rifki``; its routes are priced by the problem too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from _bench import asked, footer, print_table
from _law_instances import read_any

import kanopt as ko
from kanopt.engines.base import SearchClock
from kanopt.routing.instances import Instance
from kanopt.routing.search.pyvrp_search import PyVrpRun

SETS = {"rifki": ("rifki2020", "*.vrp.json"), "uk": ("pollution_uk", "*.txt")}


@dataclass(frozen=True)
class Run:
    """One instance, one seed, for so many seconds."""

    path: Path
    seed: int
    seconds: float
    kayros: bool = False


def frozen_plan(problem: ko.RoutingProblem, run: Run) -> ko.routing.RoutingPlan | None:
    """Return the plan of PyVRP at planning values, leaving when the law says it is best."""
    search = PyVrpRun(problem, run.seed, SearchClock(), lambda step: None)
    search.search(None, run.seconds, run.seconds, lambda: False)
    return None if search.plan is None else problem.assess(search.plan).settled().plan


def shortest_plan(problem: ko.RoutingProblem, run: Run) -> ko.routing.RoutingPlan | None:
    """Return the plan of least distance, each route in the cheaper direction of those that keep the windows."""
    vehicles = [replace(vehicle, unit_distance_cost=1.0) for vehicle in problem.vehicles]
    plan = frozen_plan(replace(problem, cost={}, vehicles=vehicles), run)
    if plan is None:
        return None
    kept = []
    for route in plan.routes:
        both = (route, replace(route, clients=route.clients[::-1]))
        ways = [way for way in both if problem.check(problem.plan_from([way])).only_unserved or way is route]
        kept.append(min(ways, key=lambda way: problem.price(problem.plan_from([way])).objective))
    return problem.plan_from(kept)


def kayros_plan(problem: ko.RoutingProblem, run: Run) -> ko.routing.RoutingPlan | None:
    """Return the plan of Kayros; its clients are numbered in the order of the file."""
    import kayros

    found = kayros.solve(run.path, time_limit=run.seconds, seed=run.seed)
    names = [client.name for client in problem.clients]
    vehicle, depot = problem.vehicles[0].name, problem.depots[0].name
    routes = [
        ko.routing.Route(vehicle, number, depot, tuple(names[place - 1] for place in stops))
        for number, stops in enumerate(found.routes, 1)
    ]
    return problem.plan_from(routes)


def measured(
    problem: ko.RoutingProblem, find: Callable[[], ko.routing.RoutingPlan | None]
) -> tuple[float, float]:
    """Return price on the law, infinite without a plan that keeps all rules, and CPU seconds."""
    cpu = time.process_time()
    plan = find()
    spent = time.process_time() - cpu
    if plan is None or not problem.check(plan).ok:
        return float("inf"), spent
    return problem.price(plan).objective, spent


def row(run: Run) -> dict[str, object]:
    """Solve one instance with frozen laws and on the law."""
    instance: Instance = read_any(run.path)
    problem = instance.problem
    other = shortest_plan if instance.kind == "pollution" else frozen_plan
    before, before_cpu = measured(problem, lambda: other(problem, run))
    result = ko.solve(problem, time_limit=run.seconds, seed=run.seed, days_in_time=None)
    found, cpu = measured(problem, lambda: result.plan)
    peer: dict[str, object] = {}
    reference = before if instance.best_known is None else instance.best_known
    if run.kayros:
        price, spent = measured(problem, lambda: kayros_plan(problem, run))
        peer = {"kayros": price, "kayros %": 100 * (price / reference - 1), "kayros CPU s": spent}
    return {
        "instance": instance.name,
        "clients": len(problem.clients),
        "seed": run.seed,
        "reference": reference,
        "frozen": before,
        "frozen %": 100 * (before / reference - 1),
        "frozen CPU s": before_cpu,
        "kanopt": found,
        "kanopt %": 100 * (found / reference - 1),
        "kanopt CPU s": cpu + result.cpu_seconds,
        **peer,
    }


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return means and worst cases per size."""
    by = table.groupby("clients")
    found = {"runs": by.size()}
    for who in ("frozen", "kanopt", "kayros"):
        if f"{who} %" in table:
            gaps, cpu = by[f"{who} %"], by[f"{who} CPU s"]
            found |= {f"{who} mean %": gaps.mean(), f"{who} max %": gaps.max(), f"{who} CPU s": cpu.mean()}
    return pd.DataFrame(found)


def instances(data: Path, which: str, sizes: Sequence[int]) -> list[Path]:
    """Return the files of a set, in order of size."""
    folder, pattern = SETS[which]
    found = [(len(read_any(path).problem.clients), path) for path in (data / folder).rglob(pattern)]
    return [path for size, path in sorted(found) if not sizes or size in sizes]


def main() -> None:
    given = asked(
        __doc__,
        data=(..., "folder with rifki2020 and pollution_uk"),
        set=("rifki", "which instances", SETS),
        sizes=([int], "numbers of clients; all, where left out"),
        seconds=(30.0, "wall seconds for each plan"),
        seeds=(1, "searches of each instance"),
        kayros=(False, "solve by Kayros too"),
    )
    runs = [
        Run(path, seed, given.seconds, given.kayros)
        for path in instances(given.data, given.set, given.sizes or ())
        for seed in range(given.seeds)
    ]
    table = pd.DataFrame([row(run) for run in runs])
    print_table(table, ",.6g")
    print_table(summary(table), ".3f", index=True)
    cheaper, dearer = (
        table["kanopt"] < table["frozen"] * (1 - 1e-9),
        table["kanopt"] > table["frozen"] * (1 + 1e-9),
    )
    print(f"\ncheaper than the frozen plan in {cheaper.sum()} runs of {len(table)}, dearer in {dearer.sum()}")
    print(f"mean over all {table['kanopt %'].mean():+.3f} %, frozen {table['frozen %'].mean():+.3f} %")
    print(f"\n{footer(['ortools', 'pyvrp'], f'0 to {given.seeds - 1}')}")


if __name__ == "__main__":
    main()
