"""How good schedules are, beside CP-SAT as it comes.

small       ft10, la38 and ta21: makespan after --seconds.
flexible    Brandimarte's mk01 to mk10: gap to the best makespan known.
large       job shops of 500 tasks and more: seconds until there is a plan, and gaps after --seconds.
workshop    the laws of scenarios/workshop.toml, several seeds: price, proved gap, spread over the seeds.
priced      480 tasks × 3 modes at 48 prices of power (_shops.priced_shop): price against the best of three greedy
            schedules, which was the plan before; seconds to build the problem and to stop, memory of the process.
projects    PSPLIB j30, j60 and j120: how many are proved, gap to the best length known after --seconds.
search      random schedules of mixed rules, by local search and by the referee: schedules, differences.

CP-SAT as it comes gets a model of intervals in whole minutes, one worker and the same wall seconds; its model is built
within them. On `priced` it gets the model that kanopt gives it, without a start.
Seconds are wall seconds, CPU seconds those of the whole process; every plan of kanopt is checked by the referee.

    python benchmarks/scheduling.py --data FOLDER --parts small flexible
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _shops import Shop, flexible_job_shops, job_shops, mixed_shop, priced_shop
from ortools.sat.python import cp_model

import kanopt as ko
from kanopt.scheduling.instances import read_shop
from kanopt.scheduling.search.grid import choose_step, lower
from kanopt.scheduling.search.local_search import ShopSearch
from kanopt.scheduling.search.model import ScheduleModel
from kanopt.scheduling.search.solver import dispatch, dispatched

WORK = 1.2
"""What CP-SAT counts as work in a second, about, where tasks share resources."""
PARTS = ("small", "flexible", "large", "workshop", "priced", "projects", "search")
SMALL = ("ft10", "la38", "ta21")
LARGE = (
    *("ta41", "ta43", "ta45", "ta47", "ta49", "ta51", "ta53", "ta56", "ta58", "ta61", "ta64", "ta67", "ta69"),
    *("ta71", "ta75", "ta79", "swv11", "swv13", "swv15", "swv17"),
)
WORKSHOP = Path(__file__).parent.parent / "scenarios" / "workshop.toml"


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Run, and return wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def solved(problem: ko.SchedulingProblem, seconds: float, seed: int) -> dict[str, object]:
    """Return what kanopt makes of a problem."""
    found: list[ko.Result] = []
    wall, cpu = timed(
        lambda: found.append(ko.solve(problem, time_limit=seconds, seed=seed, deterministic=COUNTS_WORK))
    )
    result = found[0]
    return {
        "kanopt": result.objective,
        "bound": result.bound,
        "first plan, s": result.history[0].seconds if result.history else np.nan,
        "wall s": wall,
        "CPU s": cpu,
        "rules kept": bool(result.check and result.check.ok),
    }


def bare_cpsat(shop: Shop, seconds: float, seed: int) -> dict[str, object]:
    """Return what CP-SAT makes of a model of intervals by itself."""
    cpu, until = time.process_time(), time.perf_counter() + seconds
    model = cp_model.CpModel()
    horizon = sum(max(duration for _, duration in task) for job in shop.jobs for task in job)
    on_machine: list[list[object]] = [[] for _ in range(shop.machines)]
    makespan = model.new_int_var(0, horizon, "")
    for job in shop.jobs:
        ready = 0
        for task in job:
            start, end = model.new_int_var(0, horizon, ""), model.new_int_var(0, horizon, "")
            chosen = [model.new_bool_var("") for _ in task]
            model.add_exactly_one(chosen)
            for mode, (machine, duration) in zip(chosen, task, strict=True):
                on_machine[machine].append(
                    model.new_optional_interval_var(start, duration, end, mode, "")
                    if len(task) > 1
                    else model.new_interval_var(start, duration, end, "")
                )
            model.add(start >= ready)
            ready = end
        model.add(makespan >= ready)
    for intervals in on_machine:
        model.add_no_overlap(intervals)
    model.minimize(makespan)
    return run_bare(model, until, seed, cpu)


def run_bare(model: cp_model.CpModel, until: float, seed: int, cpu: float) -> dict[str, object]:
    """Return what CP-SAT makes of a model until some time, on one core."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    seconds = max(0.0, until - time.perf_counter())
    if COUNTS_WORK:
        solver.parameters.max_deterministic_time = WORK * seconds
    else:
        solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    found = solver.objective_value if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else np.nan
    return {
        "CP-SAT": found,
        "its bound": solver.best_objective_bound,
        "its CPU s": time.process_time() - cpu,
    }


def published(shops: Iterable[Shop], seconds: float, seed: int, *, peer: bool) -> pd.DataFrame:
    rows = []
    for shop in shops:
        began = time.perf_counter()
        problem = shop.problem()
        built = time.perf_counter() - began
        row = {"instance": shop.name, "tasks": shop.tasks, "best known": shop.best, "build s": built}
        row |= solved(problem, seconds, seed)
        row["gap, %"] = 100 * (float(str(row["kanopt"])) / shop.best - 1)
        if peer:
            row |= bare_cpsat(shop, seconds, seed)
            row["its gap, %"] = 100 * (float(str(row["CP-SAT"])) / shop.best - 1)
        rows.append(row)
        print(pd.DataFrame([row]).to_string(index=False, header=len(rows) == 1), flush=True)
    table = pd.DataFrame(rows)
    gaps = [name for name in ("gap, %", "its gap, %") if name in table]
    return table[gaps].mean().to_frame("mean").T


def projects(folder: Path, names: list[str] | None, seconds: float, seed: int) -> pd.DataFrame:
    """Return for each set of PSPLIB how many projects are proved, and how far the others are above the best known."""
    rows = []
    for group in ("j30", "j60", "j120"):
        listed = (folder / "rcpsp" / group / "best_known.csv").read_text().split()[1:]
        best = {file: int(length.split("..")[-1]) for file, length in (line.split(",") for line in listed)}
        for file in sorted((folder / "rcpsp" / group).glob("*.sm")):
            if names and file.stem not in names:
                continue
            problem, known = read_shop(file), best[file.name]
            row: dict[str, object] = {"set": group, "instance": file.stem, "best known": known}
            row |= solved(problem, seconds, seed)
            row["proved"] = row["bound"] == row["kanopt"]
            row["gap, %"] = 100 * (float(str(row["kanopt"])) / known - 1)
            rows.append(row)
            print(pd.DataFrame([row]).to_string(index=False, header=len(rows) == 1), flush=True)
    table = pd.DataFrame(rows).groupby("set", sort=False)
    counted = table.size().to_frame("projects")
    counted["proved"], counted["gap, %"] = table["proved"].sum(), table["gap, %"].mean()
    return counted.reset_index()


def workshop(seconds: float, seeds: int, data: object = None) -> pd.DataFrame:
    problem = ko.load_scenario(WORKSHOP).run(time_limit=1).result.problem
    rows = [{"seed": seed, **solved(problem, seconds, seed)} for seed in range(seeds)]
    table = pd.DataFrame(rows)
    table["gap, %"] = 100 * (1 - table["bound"] / table["kanopt"])
    table["above the best, %"] = 100 * (table["kanopt"] / table["kanopt"].min() - 1)
    return table


def priced(seconds: float, seeds: int, *, peer: bool) -> pd.DataFrame:
    rows = []
    for seed in range(seeds):
        for rules in ({}, {"setups": True, "breaks": True}):
            made: list[ko.SchedulingProblem] = []
            built, _ = timed(
                lambda made=made, seed=seed, rules=rules: made.append(priced_shop(seed=seed, **rules))
            )
            problem = made[0]
            grid = lower(problem, choose_step(problem))
            greedy = [grid.cost(*one) / grid.scale for one in dispatched(grid)]
            row = {"seed": seed, "rules": " ".join(rules) or "–", "build s": built, "greedy": min(greedy)}
            row |= solved(problem, seconds, seed)
            row["below greedy, %"] = 100 * (1 - float(str(row["kanopt"])) / min(greedy))
            row["peak GB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            rows.append(row)
    if peer:  # last, so that its memory is not in the figures above
        for row in rows:
            rules = {} if row["rules"] == "–" else {"setups": True, "breaks": True}
            row["CP-SAT"] = bare_priced(priced_shop(seed=int(str(row["seed"])), **rules), seconds)
    return pd.DataFrame(rows)


def bare_priced(problem: ko.SchedulingProblem, seconds: float) -> float:
    """Return what CP-SAT makes of the whole model without a start."""
    until = time.perf_counter() + seconds
    grid = lower(problem, choose_step(problem))
    model = ScheduleModel(grid)
    model.minimise(0)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = max(0.0, until - time.perf_counter())
    status = solver.solve(model.model)
    return solver.objective_value / grid.scale if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else np.nan


def search(count: int, seed: int) -> pd.DataFrame:
    """Compare local search with the referee on schedules that it meets."""
    schedules, kept, verdicts, prices = 0, 0, 0, 0
    for number in range(count // 10):
        problem = mixed_shop(np.random.default_rng([seed, number]))
        shop = ShopSearch(lower(problem, choose_step(problem)), number)
        dispatch(shop)
        grid, heat = shop.shop.grid, shop.scale()
        for _ in range(10):
            shop.anneal(300, heat, heat)
            modes, starts = shop.current()
            plan = problem.schedule(modes, starts * grid.step)
            schedules += 1
            holds = shop.report.over == 0
            verdicts += problem.check(plan).ok != holds
            if holds:
                kept += 1
                price = problem.price(plan).objective
                prices += abs(shop.report.cost / grid.scale - price) > grid.slack + 1e-9 * abs(price)
    return pd.DataFrame(
        [{"schedules": schedules, "that hold": kept, "other verdicts": verdicts, "other prices": prices}]
    )


def main() -> None:
    given = asked(
        __doc__,
        data=(Path, "folder with jsp, fjsp and rcpsp; for published instances"),
        parts=(PARTS, "", PARTS),
        instances=([str], "instead of those of the part"),
        seconds=(30.0, ""),
        seed=(0, ""),
        seeds=(4, "of workshop and priced"),
        schedules=(5000, "of search"),
        work=(False, "count work in place of seconds, for a machine that others use too"),
        no_peer=(False, "leave the other programs out"),
    )
    peer = not given.no_peer
    global COUNTS_WORK
    COUNTS_WORK = given.work
    for part in given.parts:
        print(f"\n{part}", flush=True)
        if part in ("small", "large", "flexible"):
            shops = flexible_job_shops(given.data) if part == "flexible" else job_shops(given.data)
            usual = {"small": SMALL, "large": LARGE, "flexible": sorted(shops)}[part]
            chosen = [shops[name] for name in given.instances or usual]
            table = published(chosen, given.seconds, given.seed, peer=peer)
        elif part == "projects":
            table = projects(given.data, given.instances, given.seconds, given.seed)
        elif part == "workshop":
            table = workshop(given.seconds, given.seeds)
        elif part == "priced":
            table = priced(given.seconds, given.seeds, peer=peer)
        else:
            table = search(given.schedules, given.seed)
        print_table(table, ",.2f")
    print("\n" + footer(["ortools"], given.seed))


COUNTS_WORK = False

if __name__ == "__main__":
    main()
