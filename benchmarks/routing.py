"""How good plans are against the best known ones, beside PyVRP alone.

Four tables, each with its own budget: CVRPLIB X with 60 wall seconds and two workers; every instance of X in the folder
with 40 s, Solomon's with 30 s, and instances with 1,000 clients with 120 s, all with one worker, so that wall seconds
are CPU seconds on an idle machine. Each engine has one thread.

"gap" is the mean over seeds of the plan's price on the law over the best known one, in percent; "CPU s" is the mean of
all processes together. "alone" is PyVRP on its own reading of the same file with its own defaults, for the same wall
seconds on one thread. A plan that breaks a constraint on the law, or whose certificate does not hold, ends the
benchmark. Distances are rounded as the best known value of each set was: to whole numbers (X), down to a tenth (the
others).
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import pyvrp
from _bench import asked, footer, print_table
from pyvrp.stop import MaxRuntime

import kanopt as ko
from kanopt.routing.instances import Instance


@dataclass(frozen=True)
class Table:
    """Some instances under one budget."""

    title: str
    files: tuple[str, ...]
    seconds: float
    workers: int
    seeds: int
    alone: bool


TABLES = {
    "x": Table(
        "CVRPLIB X",
        tuple(f"cvrplib_x/X-{name}.vrp" for name in ("n101-k25", "n200-k36", "n502-k39")),
        60.0,
        workers=2,
        seeds=5,
        alone=True,
    ),
    "x_one_core": Table("CVRPLIB X, one core", ("cvrplib_x/*.vrp",), 40.0, workers=1, seeds=1, alone=True),
    "solomon": Table("Solomon", ("solomon/*.txt",), 30.0, workers=1, seeds=1, alone=False),
    "large": Table(
        "1,000 clients",
        ("cvrplib_x/X-n1001-k43.vrp", "gehring_homberger/*_10_1.vrp"),
        120.0,
        workers=1,
        seeds=1,
        alone=True,
    ),
}


@dataclass(frozen=True)
class Found:
    """What one run found."""

    objective: float
    cpu: float
    by: str


def planned(instance: Instance, seconds: float, workers: int, seed: int) -> Found:
    """Solve with kanopt, and insist on what it promises."""
    result = ko.solve(instance.problem, time_limit=seconds, workers=workers, seed=seed)
    if result.objective is None or not result.check.ok:
        raise SystemExit(f"{instance.name}, seed {seed}: {result}")
    if result.certificate is None or not result.certificate.holds:
        raise SystemExit(f"{instance.name}, seed {seed}: the certificate does not hold\n{result}")
    winner = next((run.name.split()[0] for run in result.engines if run.won), "")
    return Found(result.objective, result.cpu_seconds, winner)


def alone(instance: Instance, seconds: float, seed: int) -> Found:
    """Solve with PyVRP alone, on its own reading of the file."""
    tenths = instance.rounding == "dimacs"
    data = pyvrp.read(instance.path, round_func="dimacs" if tenths else "round")
    cpu = time.process_time()
    found = pyvrp.solve(data, MaxRuntime(seconds), seed=seed, collect_stats=False, display=False)
    return Found(found.cost() / (10.0 if tenths else 1.0), time.process_time() - cpu, "PyVRP")


def best_known(instance: Instance) -> float:
    """Return the best known price: of the solution beside the file, or from the list in its folder."""
    if instance.best_known is not None:
        return instance.best_known
    with (instance.path.parent / "best_known.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["instance"].lower() == instance.path.stem.lower():
                return float(row["bks_distance_trunc1"])
    raise SystemExit(f"{instance.path}: no best known price")


def measure(table: Table, files: Sequence[Path], given: argparse.Namespace) -> None:
    """Run one table and print it."""
    seconds, workers = given.budget or table.seconds, given.workers or table.workers
    seeds = range(1, (given.seeds or table.seeds) + 1)
    rows = []
    for path in files:
        instance = ko.read_instance(path)
        best = best_known(instance)
        runs = [planned(instance, seconds, workers, seed) for seed in seeds]
        row = {"instance": instance.name, "clients": len(instance.problem.clients), "best known": best}
        row |= gaps(runs, best, "") | {
            "plan of": ", ".join(f"{by} {n}" for by, n in Counter(r.by for r in runs).items())
        }
        if table.alone and given.peer:
            row |= gaps([alone(instance, seconds, seed) for seed in seeds], best, "PyVRP alone, ")
        print(row, flush=True)
        rows.append(row)
    print(f"\n{table.title}: {seconds:g} wall s, workers={workers}, seeds {', '.join(map(str, seeds))}")
    print_table(rows, ",.6g")
    means = {name: fmean(row[name] for row in rows) for name in rows[0] if name.endswith("gap %")}
    print(", ".join(f"mean {name} {mean:.3f}" for name, mean in means.items()))


def gaps(runs: list[Found], best: float, who: str) -> dict[str, float]:
    """Return mean and worst gap to the best known price, and the mean of the CPU seconds."""
    off = [100 * (run.objective / best - 1) for run in runs]
    return {f"{who}gap %": fmean(off), f"{who}worst": max(off), f"{who}CPU s": fmean(run.cpu for run in runs)}


def main() -> None:
    given = asked(
        __doc__,
        data=(..., "folder with cvrplib_x, solomon, gehring_homberger"),
        tables=(list(TABLES), "which", TABLES),
        instances=([str], "only files whose names contain one of these"),
        seeds=(int, "runs per instance, instead of what the table says"),
        budget=(float, "wall seconds, instead of what the table says"),
        workers=(int, "instead of what the table says"),
        peer=(True, "run PyVRP alone too"),
    )
    wanted = [word.lower() for word in given.instances or ("",)]
    for name in given.tables:
        files = [path for pattern in TABLES[name].files for path in sorted(given.data.glob(pattern))]
        files = [path for path in files if any(word in path.stem.lower() for word in wanted)]
        if files:
            measure(TABLES[name], files, given)
    print(f"\n{footer(['pyvrp', 'ortools'], ' '.join(sys.argv[1:]))}")


if __name__ == "__main__":
    main()
