"""How often the recommended plan is in time, and what that costs beside the plan that is cheapest on typical times.

Two searches a city, deterministic: for the plan that costs least on typical times ("cheapest"), and for one in which
everyone is in time on --target of the days, by departures, and by other routes where these are not enough ("held").
Then both are driven on days that neither search nor choice has seen:

- "told" is the share of days that the plan itself tells (1,000 days of learned errors, one seed for all plans);
- "learned" is that of --days days of learned errors, drawn with another seed;
- "true" is that of --days days of the city's true laws, driven by code that shares nothing with the referee, without
  the gross errors of the log.

"extra" is what the held plan costs more than the cheapest one on typical times, "extra true" on the mean of the true
days. "rerouted" says whether its routes are others than the cheapest ones. "CPU s" are those of its search.

Part "parcel": scenarios/parcel_city, once for each of --seeds. Part "cities": cities of make_city, without and with an
error that all trips of a day share (--effects). The constants of the choice were set on city 300 and the
example; the default cities are others.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd
from _bench import asked, footer, print_table, tell
from _city_days import day_problem, learned_minutes, told, true_days
from _example_city import DrawnCity, make_city

import kanopt as ko
from kanopt import Uncertainty
from kanopt.scenarios.events import ignore_event
from kanopt.scenarios.learn import laws_of, learn
from kanopt.scenarios.run import build


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
    """Search for both plans, and drive them on days not seen."""
    how: dict[str, Any] = {"time_limit": arguments.time_limit, "seed": seed, "deterministic": True}
    typical = ko.solve(problem, days_in_time=None, **how)
    tick = time.process_time()
    found = ko.solve(problem, days_in_time=arguments.target, **how)
    seconds = time.process_time() - tick
    known, held = found.days_in_time, ko.evaluate(problem, found.plan)
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
        "price": typical.objective,
        "extra": held.objective - typical.objective,
        "rerouted": float(known.rerouted),
        "extra true": true_cost[1] - true_cost[0],
        "reached": float(known.reached),
        "CPU s": seconds,
    }
    tell(
        f"effect {city.day_effect:g}, seed {seed}: true {line['cheapest, true']:.3f} to {line['held, true']:.3f} "
        f"for {line['extra']:.2f}"
    )
    return line


PARTS = {"parcel": parcel, "cities": cities}


def main() -> None:
    given = asked(
        __doc__,
        parts=(list(PARTS), "which", PARTS),
        target=(0.95, "share of days asked for"),
        seeds=([*range(5)], "seeds of parcel"),
        cities=([*range(400, 408)], "seeds of cities"),
        effects=([0.0, 0.1], "day effects"),
        days=(2000, "days of each kind"),
        time_limit=(3.0, "counted seconds a search"),
    )
    for part in given.parts:
        lines = PARTS[part](given)
        print_table(lines, ".3f")
        print_table(lines.groupby("day effect").mean().drop(columns="seed"), ".3f", index=True)
    print(footer(["pyvrp"], f"{given.seeds} and {given.cities}"))


if __name__ == "__main__":
    main()
