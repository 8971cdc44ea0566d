"""What-ifs of no effect told as one, and true ones found, where no search proves its plan.

Cities drawn as that of scenarios/parcel_city.toml, with its laws; each is a sweep whose points are planned --repeats
times in --seconds each:

none       the fuel price of a van that no plan pays for, since it costs 5,000 EUR a day, times 1.1 to 2; and windows
           that open up to three hours earlier, before any van leaves: the best plan and its price stay as they are;
one, two   1 and 2 % dearer: every price of vehicles and the law of wear (all plans alike), the price of fuel alone, and
           travel times, each by what makes the plan that is kept so much dearer; the last lets other plans win, so that
           its true effect is somewhat smaller.

Told as an effect is a point whose verdict is dearer or cheaper, found is one that is dearer.

    python benchmarks/effects.py --cities 10 --seconds 10
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
from _bench import footer

import kanopt as ko

SCENARIO = Path(__file__).parent.parent / "scenarios" / "parcel_city.toml"
PRICES = ("vehicles.fuel_price", "vehicles.fixed_cost_eur", "vehicles.cost_per_hour_eur", "surrogates.wear")
FUEL, TIMES, IDLE, OPENS = (
    PRICES[0],
    "surrogates.travel_time",
    "vehicles[name=idle].fuel_price",
    "clients[ready_h=7].ready_h",
)
AXES = (*PRICES, TIMES, IDLE, OPENS)


def city(seed: int) -> ko.Scenario:
    """Return the scenario with another town, and a van that is never worth its price."""
    scenario, drawn = ko.load_scenario(SCENARIO), ko.make_city(seed=seed)
    tables = {**scenario.tables, "depots": drawn.depots, "clients": drawn.clients, "vehicles": drawn.vehicles}
    given = {name: ko.with_units(frame, ko.units_of(scenario.tables[name])) for name, frame in tables.items()}
    scenario = replace(scenario, tables=given)
    row = {name: value for name, value in drawn.vehicles.iloc[0].items() if not pd.isna(value)}
    row |= {"name": "idle", "count": 1, "fixed_cost_eur": 5000.0}
    return scenario.add("vehicles", row={name: _plain(value) for name, value in row.items()})


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else value


def factors(scenario: ko.Scenario, options: ko.SweepOptions) -> list[tuple[str, dict[str, float]]]:
    """Return the what-ifs of a city: a kind each, and the factor of each axis that is not one."""
    trial = ko.sweep(
        scenario,
        {FUEL: ko.factors(1.0, 1.1, 2), TIMES: ko.factors(1.0, 1.1, 2)},
        plan="kept",
        options=options,
    )
    price = trial.points["objective"]
    by_fuel, by_times = (price[2] - price[0]) / 0.1 / price[0], (price[1] - price[0]) / 0.1 / price[0]
    found: list[tuple[str, dict[str, float]]] = []
    found += [("none", {IDLE: factor}) for factor in (1.1, 1.3, 2.0)]
    found += [("none", {OPENS: factor}) for factor in (0.9, 0.8, 0.6)]
    for kind, size in (("one", 0.01), ("two", 0.02)):
        found.append((kind, dict.fromkeys(PRICES, 1.0 + size)))
        found.append((kind, {FUEL: 1.0 + size / by_fuel}))
        found.append((kind, {TIMES: 1.0 + size / by_times}))
    return found


def main() -> None:
    """Ask all what-ifs of all cities, and print how many were told."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cities", type=int, default=10)
    parser.add_argument("--first", type=int, default=100, help="seed of the first city (default 100)")
    parser.add_argument("--seconds", type=float, default=10.0, help="wall seconds of each search")
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    options = ko.SweepOptions(time_limit=given.seconds, repeats=given.repeats)
    rows = []
    for seed in range(given.first, given.first + given.cities):
        scenario = city(seed)
        asked = factors(scenario, options)
        axes = {path: ko.factors([each.get(path, 1.0) for _, each in asked]) for path in AXES}
        found = ko.sweep(scenario, axes, design="list", options=options)
        first = found.base.objective or math.nan
        for (kind, each), point, verdict in zip(asked, found.results, found.points["verdict"], strict=True):
            rows.append((seed, kind, next(iter(each)), (point.objective / first - 1.0) * 100.0, verdict))
        print(pd.DataFrame(rows[-len(asked) :]).to_string(index=False, header=False), flush=True)
    frame = pd.DataFrame(rows, columns=["seed", "kind", "what", "change %", "verdict"])
    frame["told"] = frame["verdict"].isin(["dearer", "cheaper"])
    frame["dearer"] = frame["verdict"] == "dearer"
    print(f"\n{frame.groupby(['kind', 'what'])[['told', 'dearer', 'change %']].mean().to_string()}")
    counts = frame.groupby("kind")[["told", "dearer"]].agg(["sum", "count"])
    print(f"\n{counts.to_string()}\n\n{footer(['ortools', 'pyvrp'], given.first)}")


if __name__ == "__main__":
    main()
