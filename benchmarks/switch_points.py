"""Switch points by crossing exact prices, beside a fine grid by solving the problem at each of its points.

A switch of the grid lies between two neighbouring points at which a decision differs; its middle is compared with the
switch point of the same decision. "off" is the distance as a share of the range, of which the grid itself knows no more
than half a step; "missed" are switches of the grid, of any decision, to which ours has none within 0.5 % of the range,
"extra" are ours without one of the grid's (two that lie within one step, or a tie of plans). A grid knows no noise:
where searches prove nothing, what it takes for a switch may be luck. "unknown" are those of ours that are told to lie
inside the noise, or whose noise was not measured.
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import footer

import kanopt as ko
from kanopt.solvers.clock import cpu_seconds
from kanopt.whatif.sensitivity.plan_decisions import decisions_of

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CASES = {
    "supply, shipments by rail ×": ("supply_network.toml", "lanes[mode=rail].shipment_t", 0.5, 2.0),
    "supply, people of markets ×": ("supply_network.toml", "markets.population_k", 0.7, 1.3),
    "supply, cost of site C ×": ("supply_network.toml", "sites[name=site C].fixed_cost", 0.5, 8.0),
    "workshop, price of power ×": ("workshop.toml", "power.price", 0.5, 4.0),
    "workshop, cost of lateness ×": ("workshop.toml", "jobs.tardiness_cost", 0.0, 2.0),
}
WITHIN = 0.005


def compared(name: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Return one line of the table."""
    file, path, low, high = CASES[name]
    scenario = ko.load_scenario(SCENARIOS / file)
    limit = arguments.time_limit if file.startswith("workshop") else None
    options = ko.SweepOptions(
        time_limit=limit, repeats=arguments.repeats if limit else 1, seed=arguments.seed
    )
    began, cpu = time.perf_counter(), cpu_seconds()
    values = ko.factors(low, high, arguments.start)
    ours = ko.switch_points(
        scenario, {path: values}, decisions=arguments.decisions, options=options, most_solves=arguments.most
    )
    wall, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    print(ours, flush=True)
    began, grid_cpu = time.perf_counter(), cpu_seconds()
    grid = ko.sweep(scenario, {path: ko.factors(low, high, arguments.points)}, options=options)
    grid_wall, grid_cpu = time.perf_counter() - began, cpu_seconds() - grid_cpu
    theirs = grid_switches(grid, scenario, path, arguments.decisions)
    frame, width = ours.frame, high - low
    settled = frame[frame["verdict"] == "known"]
    # a switch of the grid is found wherever ours says that it may be
    hit = [
        any(
            (low_ - WITHIN * width <= place <= high_ + WITHIN * width)
            for low_, high_ in frame.loc[frame["decision"] == thing, ["low", "high"]].to_numpy()
        )
        for place, thing in theirs
    ]
    off = [
        min(
            (abs(row.switch_point - place) / width for place, thing in theirs if thing == row.decision),
            default=1,
        )
        for row in settled.itertuples()
    ]
    near = [one for one in off if one <= WITHIN]
    return {
        "case": name,
        "switches": frame["switch_point"].nunique(),
        "decisions": len(frame),
        "unknown": len(frame) - len(settled),
        "on grid": len(theirs),
        "missed": hit.count(False),
        "extra": len(off) - len(near),
        "worst off": f"{100 * max(near, default=0):.2f} %",
        "solves": sum(axis.solves for axis in ours.axes),
        "CPU s": f"{cpu:.0f}",
        "wall s": f"{wall:.0f}",
        "grid solves": arguments.points * options.repeats,
        "grid CPU s": f"{grid_cpu:.0f}",
        "grid wall s": f"{grid_wall:.0f}",
    }


def grid_switches(
    grid: ko.Sweep, scenario: ko.Scenario, path: str, decisions: str
) -> list[tuple[float, str]]:
    """Return the middle of every two neighbours of a grid whose plans differ, for each decision that differs."""
    kinds = {"in use", "term"} if decisions == "in use" else {"in use", "term", "assignment"}
    table, _, column = path.partition(".")
    name, _, where = table.partition("[")
    where = dict([where.rstrip("]").split("=")]) if where else None
    known = []
    for (value,), found in zip(grid.design_points, grid.results, strict=True):
        changed = scenario.scale(f"{name}.{column}", value, where=where)
        problem = changed.build(changed.formulas(LAWS[scenario.name]))
        plan = grid.base.plan if found.plan is None else found.plan
        decided = decisions_of(ko.evaluate(problem, plan), scenario.problem, grid.base)
        known.append((value, {one.thing: way for one, way in decided.items() if one.kind in kinds}))
    return [
        (0.5 * (low + high), thing)
        for (low, before), (high, after) in pairwise(known)
        for thing in dict.fromkeys([*before, *after])
        if before.get(thing) != after.get(thing)
    ]


LAWS: dict[str, dict[str, ko.Formula]] = {}
"""The learned laws of each scenario, which plans are priced on."""


def learn_laws(names: list[str], seed: int) -> None:
    """Learn the laws of the scenarios before anything is timed."""
    from kanopt.whatif.law_cache import LawCache
    from kanopt.whatif.learn import learn

    for name in names:
        scenario = ko.load_scenario(SCENARIOS / CASES[name][0])
        if scenario.name not in LAWS:
            learned = learn(scenario, seed, lambda _: None, LawCache(relearn=False))
            LAWS[scenario.name] = {law: one.formula for law, one in learned.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cases", nargs="+", type=int, default=list(range(len(CASES))), help="numbers, from 0"
    )
    parser.add_argument("--points", type=int, default=201, help="of the grid")
    parser.add_argument("--start", type=int, default=5, help="values that ours begins with")
    parser.add_argument("--most", type=int, default=60, help="solves of ours at most")
    parser.add_argument("--decisions", choices=("all", "in use"), default="all")
    parser.add_argument("--time-limit", type=float, default=3.0, help="seconds for a search in the workshop")
    parser.add_argument("--repeats", type=int, default=2, help="searches for a point in the workshop")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ko.KanoptWarning)
    names = [list(CASES)[number] for number in arguments.cases]
    learn_laws(names, arguments.seed)
    frame = pd.DataFrame([compared(name, arguments) for name in names])
    print(frame.set_index("case").T.to_string())
    print(f"{np.sum(frame['missed'])} of {np.sum(frame['on grid'])} missed; decisions: {arguments.decisions}")
    print(footer(["ortools", "highspy"], arguments.seed))


if __name__ == "__main__":
    main()
