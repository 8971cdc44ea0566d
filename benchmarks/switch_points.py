"""Switch points by crossing exact prices, beside a fine grid by solving the problem at each of its points.

Every search ends by a proof. A switch of the grid lies between two neighbouring points at which a decision differs; its
middle is compared with the switch point of the same decision. "off" is the distance as a share of the range, of which
the grid itself knows no more than half a step; "missed" are switches of the grid, of any decision, to which ours has
none within 0.5 % of the range, "extra" are ours without one of the grid's (two that lie within one step, or a tie of
plans). "unknown" are those of ours that are not narrowed down.

    python benchmarks/switch_points.py --cases 1
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd
from _bench import asked, footer, print_table

import kanopt as ko
from kanopt.engines.base import cpu_seconds
from kanopt.questions import Sweep
from kanopt.questions.point import decisions_of

SUPPLY = Path(__file__).parents[1] / "scenarios" / "supply_network.toml"
WITHIN = 0.005
Laws = dict[str, ko.Formula]


@dataclass(frozen=True)
class Case:
    """One line of the table: what is multiplied, from where to where."""

    name: str
    path: str
    low: float
    high: float


CASES = (
    Case("shipments by rail ×", "lanes[mode=rail].shipment_t", 0.5, 2.0),
    Case("people of markets ×", "markets.population_k", 0.7, 1.3),
    Case("cost of site C ×", "sites[name=site C].fixed_cost", 0.5, 8.0),
)


def compared(case: Case, scenario: ko.Scenario, laws: Laws, given: argparse.Namespace) -> dict[str, object]:
    """Return one line of the table."""
    options, width = ko.SweepOptions(seed=given.seed), case.high - case.low
    cpu = cpu_seconds()
    values = {case.path: ko.factors(case.low, case.high, given.start)}
    ours = ko.switch_points(
        scenario, values, decisions=given.decisions, options=options, most_solves=given.most
    )
    cpu = cpu_seconds() - cpu
    print(ours, flush=True)
    grid_cpu = cpu_seconds()
    grid = ko.sweep(scenario, {case.path: ko.factors(case.low, case.high, given.points)}, options=options)
    grid_cpu = cpu_seconds() - grid_cpu
    theirs, frame = grid_switches(case, scenario, laws, grid, given.decisions), ours.frame
    known = frame[frame["verdict"] == "known"]
    missed = [one for one in theirs if not is_found(frame, *one, WITHIN * width)]
    off = [
        min((abs(row.switch_point - at) / width for at, thing in theirs if thing == row.decision), default=1)
        for row in known.itertuples()
    ]
    near = [one for one in off if one <= WITHIN]
    return {
        "case": case.name,
        "switches": frame["switch_point"].nunique(),
        "decisions": len(frame),
        "unknown": len(frame) - len(known),
        "on grid": len(theirs),
        "missed": len(missed),
        "extra": len(off) - len(near),
        "worst off": f"{100 * max(near, default=0):.2f} %",
        "solves": len(ours.points),
        "CPU s": f"{cpu:.0f}",
        "grid solves": given.points,
        "grid CPU s": f"{grid_cpu:.0f}",
    }


def is_found(frame: pd.DataFrame, place: float, thing: str, within: float) -> bool:
    """Say whether ours tells that a decision may change at a place."""
    told = frame.loc[frame["decision"] == thing, ["low", "high"]].to_numpy()
    return any(low - within <= place <= high + within for low, high in told)


def grid_switches(
    case: Case, scenario: ko.Scenario, laws: Laws, grid: Sweep, decisions: str
) -> list[tuple[float, str]]:
    """Return the switches of a grid: the middle between two points, and what is decided otherwise."""
    kinds = {"in use", "term"} | ({"assignment"} if decisions == "all" else set())
    table, _, column = case.path.partition(".")
    name, _, where = table.partition("[")
    rows = dict([where.rstrip("]").split("=")]) if where else None
    decided = []
    for (value,), point in zip(grid.design_points, grid.results, strict=True):
        changed = scenario.scale(f"{name}.{column}", value, where=rows)
        plan = grid.base.plan if point.plan is None else point.plan
        result = ko.evaluate(changed.build(changed.formulas(laws)), plan)
        found = decisions_of(result, scenario.problem, grid.base)
        decided.append((value, {one.thing: way for one, way in found.items() if one.kind in kinds}))
    switches = []
    for (low, before), (high, after) in pairwise(decided):
        things = dict.fromkeys([*before, *after])
        switches += [(0.5 * (low + high), thing) for thing in things if before.get(thing) != after.get(thing)]
    return switches


def main() -> None:
    given = asked(
        __doc__,
        cases=([*range(len(CASES))], "numbers, from 0"),
        points=(201, "of the grid"),
        start=(5, "values that ours begins with"),
        most=(60, "solves of ours at most"),
        decisions=("all", "which count", ("all", "in use")),
        seed=(7, "seed of searches"),
    )
    scenario = ko.load_scenario(SUPPLY)
    # laws are learned before anything is timed
    laws = {name: law.formula for name, law in scenario.run(time_limit=1.0).laws.items()}
    rows = [compared(CASES[number], scenario, laws, given) for number in given.cases]
    print_table(pd.DataFrame(rows).set_index("case").T, index=True)
    print(f"\ndecisions: {given.decisions}; {footer(['highspy'], given.seed)}")


if __name__ == "__main__":
    main()
