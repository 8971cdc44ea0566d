"""Read every published instance in a folder, and price the published solutions beside them again.

A solution's stated cost is what its authors counted; it is compared with the price of the same routes in kanopt, and
every constraint is checked. Solutions of time-dependent instances are priced twice: leaving when the file says, and
when kanopt finds it quickest. Instances without a solution are only read, and what the input checks find is counted.

Columns: clients; how distances are rounded; routes of the solution; stated cost; priced, and their difference; broken
constraints; milliseconds to read the file and build the problem.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
from _bench import asked, footer, print_table
from _law_instances import best_known, read_any, read_best_known

from kanopt.routing.instances import Instance

PATTERNS = ("*.vrp", "*.txt", "*.vrp.json")


def instances(folder: Path) -> list[tuple[Instance, float]]:
    """Return every instance in a folder and its folders, and the seconds it took to read."""
    found = []
    for path in sorted({path for pattern in PATTERNS for path in folder.rglob(pattern)}):
        if path.name.lower().startswith(("readme", "license", "source")):
            continue
        tick = time.perf_counter()
        instance = read_any(path)
        found.append((instance, time.perf_counter() - tick))
    return found


def repriced(instance: Instance, seconds: float) -> list[dict[str, object]]:
    """Return a row for each way in which the published solution is priced, or none where there is none."""
    beside = best_known(instance.path)
    if not beside.is_file():
        return []
    problem, (solution, leaves) = instance.problem, read_best_known(beside)
    plans = {"": solution.plan(problem)}
    stated = plans[""]
    if leaves:
        routes = [replace(route, departure=at) for route, at in zip(stated.routes, leaves, strict=True)]
        plans = {"departures stated": problem.plan_from(routes), "departures found": stated}
    rows = []
    for how, plan in plans.items():
        priced = problem.price(plan).objective
        rows.append(
            {
                "folder": instance.path.parent.name,
                "instance": instance.name,
                "clients": len(problem.clients),
                "rounding": instance.rounding,
                "routes": len(stated.routes),
                "": how,
                "stated": solution.cost,
                "priced": priced,
                "difference": priced - (solution.cost or 0.0),
                "broken": len(problem.check(plan).violations),
                "ms": 1000 * seconds,
            }
        )
    return rows


def main() -> None:
    given = asked(__doc__, data=(..., "folder of instances; its folders are read too"))
    found = instances(given.data)
    table = pd.DataFrame([row for instance, seconds in found for row in repriced(instance, seconds)])
    if table.empty:
        raise SystemExit(f"no solution lies beside any of {len(found)} instances in {given.data}")
    print_table(table, ",.6g")
    relative = (table["difference"].abs() / table["stated"]).max()
    solutions, broken = len(table.groupby(["folder", "instance"])), int((table["broken"] > 0).sum())
    print(f"\n{len(table)} prices of {solutions} solutions; {broken} with a broken constraint")
    print(f"largest relative difference {relative:.1e}; instances that input checks remark on:", end=" ")
    print(sum(bool(instance.problem.data_remarks()) for instance, _ in found), f"of {len(found)}")
    print(f"\n{footer([], 'none')}")


if __name__ == "__main__":
    main()
