"""Sweeps: prices at many points, points planned anew by one and two workers, what a worker costs, and kills.

prices      scenarios/parcel_city.toml, today's plan at --points prices of fuel: seconds of the whole call in this
            process, laws from the cache, beside pricing each of some points as a scenario of its own.
anew        scenarios/supply_network.toml, 100 points (surcharge of the tariff times demand), each planned until it is
            proved, with one worker and with two, in turns; the objectives must agree.
overhead    what handing a task to a worker costs beside the task itself: tasks of 0.1 s that share the question of
            supply_network and bring back a plan, on two processes and on a Dask cluster of two workers on this machine;
            milliseconds a task, start of the workers apart; and how many tasks of no time are handed out and taken back
            in a second, which says how many workers one process keeps at work.
kills       kanopt sweep with --out and two workers, killed at a random moment --n times (by SIGKILL, and SIGINT in
            turns) and started again until it is done: points that are missing, doubled, or other than without a kill.

    python benchmarks/sweeps.py --parts prices anew overhead kills
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, installed

import kanopt as ko
from kanopt.parallel import cluster, run_tasks
from kanopt.questions.question import Question, prepare
from kanopt.scenarios.events import ignore_event

ROOT = Path(__file__).parent.parent / "scenarios"
TASK_SECONDS = 0.1
SUPPLY = {
    "problem.bind.tariff.surcharge": ko.grid(0.8, 1.5, 10),
    "surrogates.demand": ko.factors(0.8, 1.1, 10),
}


def prices(points: int) -> pd.DataFrame:
    """Return the seconds for one plan at many prices, all at once and one by one."""
    scenario = ko.load_scenario(ROOT / "parcel_city.toml")
    axes = {"vehicles.fuel_price": ko.grid(1.0, 2.0, points)}
    ko.sweep(scenario, {"vehicles.fuel_price": [1.0]}, plan="today")  # laws are learned, modules loaded
    wall, cpu = time.perf_counter(), time.process_time()
    found = ko.sweep(scenario, axes, plan="today")
    at_once = (time.perf_counter() - wall, time.process_time() - cpu)
    plan = found.base.plan
    laws = {name: law.formula for name, law in scenario.run(time_limit=0.1).laws.items()}
    some = np.linspace(0, points - 1, 20).astype(int)
    wall, cpu = time.perf_counter(), time.process_time()
    each = []
    for point in some:
        changed = scenario.set("vehicles.fuel_price", found.design_points[point][0])
        each.append(ko.evaluate(changed.build(changed.formulas(laws)), plan).objective)
    one_by_one = (time.perf_counter() - wall, time.process_time() - cpu)
    off = max(abs(a / found.results[p].objective - 1.0) for a, p in zip(each, some, strict=True))
    rows = [
        ("all at once", points, *at_once, off),
        ("one by one", len(some), *one_by_one, 0.0),
    ]
    return pd.DataFrame(rows, columns=["way", "points", "wall s", "CPU s", "off"])


def anew(repeats: int) -> pd.DataFrame:
    """Return the seconds of planning 100 points anew with one worker and with two."""
    scenario = ko.load_scenario(ROOT / "supply_network.toml")
    rows, objectives = [], {}
    for repeat in range(repeats):
        for workers in (1, 2):
            start, before = time.perf_counter(), _cpu()
            found = ko.sweep(scenario, SUPPLY, options=ko.SweepOptions(workers=workers))
            wall = time.perf_counter() - start
            objectives[repeat, workers] = found.points["objective"].to_numpy()
            proved = int((found.points["status"] == "optimal").sum())
            rows.append((workers, wall, _cpu() - before, proved))
    frame = pd.DataFrame(rows, columns=["workers", "wall s", "CPU s", "proved"]).groupby("workers").median()
    first = objectives[0, 1]
    frame["largest difference"] = max(
        float(np.abs(other / first - 1.0).max()) for other in objectives.values()
    )
    frame["times one worker"] = frame["wall s"].loc[1] / frame["wall s"]
    return frame.reset_index()


def _cpu() -> float:
    return sum(os.times()[:4])


@dataclass(frozen=True)
class Nap:
    """A task that takes a known time."""

    point: int
    plan: Any
    seconds: float = TASK_SECONDS


def nap(question: Any, task: Nap) -> Nap:
    """Sleep, read the question and bring back a plan."""
    time.sleep(task.seconds)
    return replace(task, plan=task.plan if question.points else None)


def overhead(tasks: int) -> pd.DataFrame:
    """Return what a task costs beside its own time."""
    scenario = ko.load_scenario(ROOT / "supply_network.toml")
    prepared = prepare(scenario, (), ko.SweepOptions(), ignore_event)
    question = Question.of(prepared, (), [()])
    plan = ko.solve(prepared.problem, time_limit=20).plan
    rows = [("processes", *_milliseconds(question, plan, tasks, workers=2))]
    if installed("distributed"):
        from distributed import LocalCluster

        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as local,
            cluster(local.scheduler_address) as client,
        ):
            rows.append(("Dask", *_milliseconds(question, plan, tasks, client=client)))
    return pd.DataFrame(rows, columns=["workers", "ms a task", "tasks a second"])


def _milliseconds(question: Any, plan: Any, tasks: int, **where: Any) -> tuple[float, float]:
    naps = [Nap(number, plan) for number in range(tasks)]
    list(run_tasks(nap, question, naps[:4], **where))  # workers have started and read the question
    start = time.perf_counter()
    done = list(run_tasks(nap, question, naps, **where))
    wall = time.perf_counter() - start
    assert sorted(each.point for each in done) == list(range(tasks))
    start = time.perf_counter()
    list(run_tasks(nap, question, [replace(each, seconds=0.0) for each in naps], **where))
    return 1e3 * (2.0 * wall / tasks - TASK_SECONDS), tasks / (time.perf_counter() - start)


def kills(count: int, seed: int) -> pd.DataFrame:
    """Return what is left of sweeps that were killed and gone on with."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        start = time.perf_counter()
        _command(whole).wait()
        span = time.perf_counter() - start
        expected = pd.read_parquet(whole / "points.parquet")
        rows, number, done = [], 0, 0
        while done < count:
            out, attempts = Path(folder) / f"s{number}", 0
            while True:
                process = _command(out)
                killed = done < count
                if killed:
                    time.sleep(float(rng.uniform(0.2, 1.0) * span))
                    process.send_signal(signal.SIGKILL if done % 3 else signal.SIGINT)
                    done, attempts = done + 1, attempts + 1
                if process.wait() == 0:
                    break
            rows.append((number, attempts, *_compared(out, expected)))
            number += 1
    return pd.DataFrame(rows, columns=["sweep", "kills", "points", "missing", "doubled", "other"])


def _command(out: Path) -> subprocess.Popen[bytes]:
    arguments = ["sweep", str(ROOT / "supply_network.toml"), "--workers", "2", "--quiet", "--out", str(out)]
    arguments += [
        "--set",
        "problem.bind.tariff.surcharge=0.8:1.5:6",
        "--scale",
        "surrogates.demand=0.8:1.1:5",
    ]
    return subprocess.Popen([sys.executable, "-m", "kanopt", *arguments], stdout=subprocess.DEVNULL)


def _compared(out: Path, expected: pd.DataFrame) -> tuple[int, int, int, int]:
    found = pd.read_parquet(out / "points.parquet")
    _, *lines = (out / "points.jsonl").read_text("utf-8").splitlines()  # the first says what is asked
    written = pd.Series([json.loads(line)["point"] for line in lines])
    missing = len(set(expected["point"]) - set(written) | set(expected["point"]) - set(found["point"]))
    both = expected.merge(found, on="point", suffixes=("", " found"))
    other = int((np.abs(both["objective"] / both["objective found"] - 1.0) > 1e-9).sum())
    return len(found), missing, int(written.duplicated().sum() + found["point"].duplicated().sum()), other


def main() -> None:
    """Run the parts that are asked for."""
    every = ["prices", "anew", "overhead", "kills"]
    given = asked(
        __doc__,
        parts=(every, "", every),
        points=(1000, "prices of part 'prices'"),
        repeats=(1, "runs of part 'anew'"),
        n=(20, "kills"),
        seed=(0, ""),
    )
    made = {
        "prices": lambda: prices(given.points),
        "anew": lambda: anew(given.repeats),
        "overhead": lambda: overhead(200),
        "kills": lambda: kills(given.n, given.seed),
    }
    for part in given.parts:
        print(f"\n{part}\n{made[part]().to_string(index=False, float_format='{:.4g}'.format)}", flush=True)
    print(f"\n{footer(['ortools', 'highspy', 'joblib'], given.seed)}")


if __name__ == "__main__":
    main()
