"""How often the recommended plan is in time, and what that costs beside the plan that is cheapest on typical times.

One search a city, deterministic. Its routes leave when that costs least on typical times ("cheapest"), and as early as
it takes for everyone to be in time on --target of the days ("held"). Then both are driven on days that neither search
nor choice has seen:

- "told" is the share of days that the plan itself tells (1,000 days of learned errors, one seed for all plans);
- "learned" is that of --days days of learned errors, drawn with another seed;
- "true" is that of --days days of the city's true laws, driven by code that shares nothing with the referee, without
  the gross errors of the log.

"extra" is what the held plan costs more on typical times, "extra true" on the mean of the true days. "CPU s" is the
choice of departures, and the measurement of both plans in it.

Part "parcel": scenarios/parcel_city, once for each of --seeds. Part "cities": cities of make_city, without and with an
error that all trips of a day share (--effects). The constants of the choice were set on city 300 and the
example; the default cities are others.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from _bench import footer
from _city_days import day_problem, learned_minutes, told, true_days
from _example_city import DrawnCity, make_city

import kanopt as ko
from kanopt import Uncertainty
from kanopt.solvers.routing.days_in_time import leave_in_time
from kanopt.whatif.events import ignore_event
from kanopt.whatif.learn import laws_of, learn
from kanopt.whatif.run import build


def parcel(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each seed of the example city of the repository."""
    root = Path(__file__).resolve().parents[1]
    scenario = ko.load_scenario(root / "scenarios" / "parcel_city.toml")
    problem = build(scenario, laws_of(scenario, learn(scenario, scenario.seed, ignore_event)))
    city = make_city(7)
    return pd.DataFrame([_line(problem, city, seed, arguments) for seed in arguments.seeds])


def cities(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each city and effect of the day."""
    rows = []
    for effect in arguments.effects:
        for seed in arguments.cities:
            city = make_city(seed, day_effect=effect)
            rows.append(_line(day_problem(city, learned_minutes(city, seed)), city, seed, arguments))
    return pd.DataFrame(rows)


def _line(
    problem: ko.RoutingProblem, city: DrawnCity, seed: int, arguments: argparse.Namespace
) -> dict[str, float]:
    """Search once, choose departures, and drive both plans on days not seen."""
    typical = ko.solve(
        problem, time_limit=arguments.time_limit, seed=seed, deterministic=True, days_in_time=None
    )
    tick = time.process_time()
    _, known = leave_in_time(typical.assessment, arguments.target)
    seconds = time.process_time() - tick
    held = ko.evaluate(problem, leave_in_time(typical.assessment, arguments.target)[0].plan)
    line: dict[str, float] = {"day effect": city.day_effect, "seed": seed}
    true_cost = []
    for name, result in (("cheapest", typical), ("held", held)):
        fresh = ko.risk(result, Uncertainty(), draws=arguments.days, seed=900_001 + seed)
        plan = told(problem, result).plan
        days = true_days(city, problem, plan, arguments.days, 900_001 + seed)
        in_time = (days.begin <= days.latest + 1e-6).all(axis=1)
        true_cost.append(float(days.cost.mean()))
        line[f"{name}, told"] = known.typical_share if name == "cheapest" else known.share
        line[f"{name}, learned"] = fresh.on_time
        line[f"{name}, true"] = float(in_time.mean())
    line |= {
        "price": known.price,
        "extra": known.extra,
        "extra true": true_cost[1] - true_cost[0],
        "reached": float(known.reached),
        "CPU s": seconds,
    }
    print(
        f"effect {city.day_effect:g}, seed {seed}: true {line['cheapest, true']:.3f} to {line['held, true']:.3f} "
        f"for {known.extra:.2f}",
        file=sys.stderr,
        flush=True,
    )
    return line


PARTS = {"parcel": parcel, "cities": cities}


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help="which parts (default all)")
    parser.add_argument("--target", type=float, default=0.95, help="share of days asked for (default 0.95)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[*range(5)], help="parcel (default 0 to 4)")
    parser.add_argument(
        "--cities", type=int, nargs="+", default=[*range(400, 408)], help="default 400 to 407"
    )
    parser.add_argument("--effects", type=float, nargs="+", default=[0.0, 0.1], help="default 0 and 0.1")
    parser.add_argument("--days", type=int, default=2000, help="days of each kind (default 2000)")
    parser.add_argument("--time-limit", type=float, default=3.0, help="counted seconds a search (default 3)")
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ko.KanoptWarning)
        for part in given.part or PARTS:
            lines = PARTS[part](given)
            print(lines.round(3).to_string(index=False), end="\n\n")
            means = lines.groupby("day effect").mean().drop(columns="seed")
            print(means.round(3).to_string(), end="\n\n")
    print(footer(["pyvrp"], f"{given.seeds} and {given.cities}"))


if __name__ == "__main__":
    main()
