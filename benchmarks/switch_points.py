"""Switch points by crossing exact prices, beside a fine grid by solving the problem at each of its points.

A switch of the grid lies between two neighbouring points at which a decision differs; its middle is compared with the
switch point of the same decision. "off" is the distance as a share of the range, of which the grid itself knows no more
than half a step; "missed" are switches of the grid, of any decision, to which ours has none within 0.5 % of the range,
"extra" are ours without one of the grid's (two that lie within one step, or a tie of plans). "unknown" are those of
ours that are told to lie inside the noise, or whose noise was not measured.

Where searches prove nothing, what a grid takes for a switch may be luck. So all plans that either of the two has found
are priced exactly at every point of the grid, and its plans are the best of them. "luck" counts the switches at which
the plans on both sides never differ by more than the noise of the grid's searches, however far from the place.

    python benchmarks/switch_points.py --cases 1 --networks 11 12 13
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from _bench import asked, footer
from _example_supply import make_supply_network

import kanopt as ko
from kanopt.solvers.clock import cpu_seconds
from kanopt.whatif.questions.plan_decisions import decisions_of

if TYPE_CHECKING:
    from kanopt.problems.base import Problem

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CASES = {
    "supply, shipments by rail ×": ("supply_network.toml", "lanes[mode=rail].shipment_t", 0.5, 2.0),
    "supply, people of markets ×": ("supply_network.toml", "markets.population_k", 0.7, 1.3),
    "supply, cost of site C ×": ("supply_network.toml", "sites[name=site C].fixed_cost", 0.5, 8.0),
    "workshop, price of power ×": ("workshop.toml", "power.price", 0.5, 4.0),
    "workshop, cost of lateness ×": ("workshop.toml", "jobs.tardiness_cost", 0.0, 2.0),
}
OF_NETWORKS = {
    "people of markets ×": ("markets.population_k", 0.7, 1.3),
    "room of sites ×": ("sites.capacity", 0.7, 1.3),
}
WITHIN = 0.005
PARTS = ("suppliers", "sites", "markets", "products", "periods", "lanes")


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    scenario: ko.Scenario
    path: str
    low: float
    high: float

    @property
    def proved(self) -> bool:
        """Whether searches end by a proof."""
        return not self.name.startswith("workshop")

    def options(self, arguments: argparse.Namespace) -> ko.SweepOptions:
        """Return how both search."""
        limit = None if self.proved else arguments.time_limit
        return ko.SweepOptions(
            time_limit=limit, repeats=1 if self.proved else arguments.repeats, seed=arguments.seed
        )


def cases(arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield what is asked for; a network of another seed lies elsewhere, its laws are those of the example."""
    for number in arguments.cases:
        name, (file, path, low, high) = list(CASES.items())[number]
        scenario = ko.load_scenario(SCENARIOS / file)
        if file.startswith("workshop") and arguments.deterministic:
            scenario = scenario.set("solver.deterministic", True).named(scenario.name)
        yield Case(name, scenario, path, low, high)
    for seed in arguments.networks:
        drawn, scenario = (
            make_supply_network(seed=seed),
            ko.load_scenario(SCENARIOS / "supply_network.toml"),
        )
        tables = {name: getattr(drawn, name) for name in PARTS}
        scenario = replace(scenario, tables={**scenario.tables, **tables})
        for name, (path, low, high) in OF_NETWORKS.items():
            yield Case(f"network {seed}, {name}", scenario, path, low, high)


def compared(case: Case, arguments: argparse.Namespace) -> dict[str, object]:
    """Return one line of the table."""
    options, width = case.options(arguments), case.high - case.low
    began, cpu = time.perf_counter(), cpu_seconds()
    values = {case.path: ko.factors(case.low, case.high, arguments.start)}
    ours = ko.switch_points(
        case.scenario, values, decisions=arguments.decisions, options=options, most_solves=arguments.most
    )
    wall, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    print(ours, flush=True)
    began, grid_cpu = time.perf_counter(), cpu_seconds()
    fine = {case.path: ko.factors(case.low, case.high, arguments.points)}
    grid = ko.sweep(case.scenario, fine, options=options)
    grid_wall, grid_cpu = time.perf_counter() - began, cpu_seconds() - grid_cpu
    theirs, lucky = grid_switches(case, grid, ours, arguments)
    frame = ours.frame
    settled = frame[frame["verdict"] == "known"]
    hit = [_is_found(frame, place, thing, WITHIN * width) for place, thing in theirs]
    off = [
        min(
            (abs(row.switch_point - place) / width for place, thing in theirs if thing == row.decision),
            default=1,
        )
        for row in settled.itertuples()
    ]
    near = [one for one in off if one <= WITHIN]
    return {
        "case": case.name,
        "switches": frame["switch_point"].nunique(),
        "decisions": len(frame),
        "unknown": len(frame) - len(settled),
        "on grid": len(theirs),
        "luck": sum(lucky),
        "missed": hit.count(False),
        "missed, no luck": sum(not found and not luck for found, luck in zip(hit, lucky, strict=True)),
        "extra": len(off) - len(near),
        "worst off": f"{100 * max(near, default=0):.2f} %",
        "solves": sum(axis.solves for axis in ours.axes),
        "CPU s": f"{cpu:.0f}",
        "wall s": f"{wall:.0f}",
        "grid solves": arguments.points * options.repeats,
        "grid CPU s": f"{grid_cpu:.0f}",
        "grid wall s": f"{grid_wall:.0f}",
    }


def _is_found(frame: pd.DataFrame, place: float, thing: str, within: float) -> bool:
    """Say whether ours tells that a decision may change at a place."""
    told = frame.loc[frame["decision"] == thing, ["low", "high"]].to_numpy()
    return any(low - within <= place <= high + within for low, high in told)


def grid_switches(
    case: Case, grid: ko.Sweep, ours: ko.SwitchPoints, arguments: argparse.Namespace
) -> tuple[list[tuple[float, str]], list[bool]]:
    """Return the switches of a grid: the middle between two points, what is decided otherwise; and which are luck."""
    kinds = {"in use", "term"} if arguments.decisions == "in use" else {"in use", "term", "assignment"}
    values = [value for (value,) in grid.design_points]
    problems = [problem_at(case, value) for value in values]
    plans = [grid.base.plan if found.plan is None else found.plan for found in grid.results]
    best = list(range(len(values)))
    if not case.proved:
        plans += [plan for axis in ours.axes for plan in axis.plans]
        plans = list({plan.to_frame().to_csv(): plan for plan in plans}.values())
        prices = np.array([[ko.evaluate(problem, plan).objective for plan in plans] for problem in problems])
        best = prices.argmin(axis=1).tolist()
    noise = max(found.noise for found in grid.results)
    decided = []
    for problem, number in zip(problems, best, strict=True):
        found = decisions_of(ko.evaluate(problem, plans[number]), case.scenario.problem, grid.base)
        decided.append({one.thing: way for one, way in found.items() if one.kind in kinds})
    switches, lucky = [], []
    for at, (before, after) in enumerate(pairwise(decided)):
        things = [
            thing for thing in dict.fromkeys([*before, *after]) if before.get(thing) != after.get(thing)
        ]
        luck = False
        if not case.proved and best[at] != best[at + 1]:
            gain = prices[:, best[at]] - prices[:, best[at + 1]]
            luck = bool(-gain[: at + 1].min() <= noise or gain[at + 1 :].max() <= noise)
        switches += [(0.5 * (values[at] + values[at + 1]), thing) for thing in things]
        lucky += [luck] * len(things)
    return switches, lucky


def problem_at(case: Case, value: float) -> Problem[Any]:
    """Return the problem of a point."""
    table, _, column = case.path.partition(".")
    name, _, where = table.partition("[")
    changed = case.scenario.scale(
        f"{name}.{column}", value, where=dict([where.rstrip("]").split("=")]) if where else None
    )
    return changed.build(changed.formulas(LAWS[case.scenario.name]))


LAWS: dict[str, dict[str, ko.Formula]] = {}
"""The learned laws of each scenario, which plans are priced on."""


def learn_laws(scenario: ko.Scenario, seed: int) -> None:
    """Learn the laws of a scenario before anything is timed."""
    from kanopt.whatif.law_cache import LawCache
    from kanopt.whatif.learn import learn

    if scenario.name not in LAWS:
        learned = learn(scenario, seed, lambda _: None, LawCache(relearn=False))
        LAWS[scenario.name] = {law: one.formula for law, one in learned.items()}


def main() -> None:
    """Print the table."""
    arguments = asked(
        __doc__,
        cases=(list(range(len(CASES))), "numbers, from 0"),
        networks=([int], "seeds of further supply networks, two axes each"),
        points=(201, "of the grid"),
        start=(5, "values that ours begins with"),
        most=(60, "solves of ours at most"),
        decisions=("all", "", ("all", "in use")),
        time_limit=(3.0, "seconds for a search in the workshop"),
        deterministic=(False, "count work in the workshop, not seconds"),
        repeats=(2, "searches for a point in the workshop"),
        seed=(7, ""),
    )
    rows = []
    for case in cases(arguments):
        learn_laws(case.scenario, arguments.seed)
        rows.append(compared(case, arguments))
        print(pd.DataFrame(rows[-1:]).set_index("case").T.to_string(), flush=True)
    frame = pd.DataFrame(rows)
    print(frame.set_index("case").T.to_string())
    lost, total = np.sum(frame["missed"]), np.sum(frame["on grid"])
    print(f"{lost} of {total} missed; decisions: {arguments.decisions}")
    print(footer(["ortools", "highspy"], arguments.seed))


if __name__ == "__main__":
    main()
