"""What-ifs of no effect told as one, and true ones found, where no search proves its plan.

Cities drawn as that of scenarios/parcel_city.toml, with its laws; each is a sweep whose points are planned --repeats
times in --seconds each:

none       the fuel price of a van that no plan pays for, since it costs 5,000 EUR a day, times 1.1 to 2; and windows
           that open up to three hours earlier, before any van leaves: the best plan and its price stay as they are;
one, two   1 and 2 % dearer: every price of vehicles and the law of wear (all plans alike), the price of fuel alone, and
           travel times, each by what makes the plan that is kept so much dearer; the last lets other plans win, so that
           its true effect is somewhat smaller.

Told as an effect is a point whose verdict is dearer or cheaper, found is one that is dearer.

A city is 6 what-ifs without an effect, 3 of 1 % and 3 of 2 %, so that 67 cities are 200 of each at least; at 10 s one
takes some five minutes of a core. With --out a run goes on where it was stopped, with --minutes it stops by itself:

    python benchmarks/effects.py --cities 67 --seconds 10 --workers 2 --out effects --minutes 60
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
from _bench import asked, footer
from _example_city import make_city

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
    scenario, drawn = ko.load_scenario(SCENARIO), make_city(seed=seed)
    tables = {**scenario.tables, "depots": drawn.depots, "clients": drawn.clients, "vehicles": drawn.vehicles}
    given = {name: ko.with_units(frame, ko.units_of(scenario.tables[name])) for name, frame in tables.items()}
    scenario = replace(scenario, tables=given)
    row = {name: value for name, value in drawn.vehicles.iloc[0].items() if not pd.isna(value)}
    row |= {"name": "idle", "num_available": 1, "fixed_cost_eur": 5000.0}
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
    if trial.interrupted:
        raise KeyboardInterrupt
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


def _into(options: ko.SweepOptions, folder: Path | None, name: str) -> ko.SweepOptions:
    return options if folder is None else replace(options, out=folder / name)


def main() -> None:
    """Ask all what-ifs of all cities, and print how many were told."""
    given = asked(
        __doc__,
        cities=(10, ""),
        first=(100, "seed of the first city"),
        seconds=(10.0, "wall seconds of each search"),
        repeats=(2, ""),
        workers=(1, "processes side by side"),
        out=(Path, "folder of what is done, from which a later run goes on"),
        minutes=(math.inf, "after which no further city is begun"),
    )
    began, rows = time.perf_counter(), []
    for seed in range(given.first, given.first + given.cities):
        if time.perf_counter() - began > 60 * given.minutes:
            print(f"stopped before the city of seed {seed}")
            break
        options = ko.SweepOptions(time_limit=given.seconds, repeats=given.repeats, workers=given.workers)
        scenario = city(seed)
        what_ifs = factors(scenario, _into(options, given.out, f"first look {seed}"))
        options = _into(options, given.out, f"city {seed}")
        axes = {path: ko.factors([each.get(path, 1.0) for _, each in what_ifs]) for path in AXES}
        found = ko.sweep(scenario, axes, design="list", options=options)
        if found.interrupted:
            break
        first = found.base.objective or math.nan
        for (kind, each), point, verdict in zip(
            what_ifs, found.results, found.points["verdict"], strict=True
        ):
            rows.append((seed, kind, next(iter(each)), (point.objective / first - 1.0) * 100.0, verdict))
        print(pd.DataFrame(rows[-len(what_ifs) :]).to_string(index=False, header=False), flush=True)
    frame = pd.DataFrame(rows, columns=["seed", "kind", "what", "change %", "verdict"])
    frame["told"] = frame["verdict"].isin(["dearer", "cheaper"])
    frame["dearer"] = frame["verdict"] == "dearer"
    print(f"\n{frame.groupby(['kind', 'what'])[['told', 'dearer', 'change %']].mean().to_string()}")
    counts = frame.groupby("kind")[["told", "dearer"]].agg(["sum", "count"])
    print(f"\n{counts.to_string()}\n\n{footer(['ortools', 'pyvrp'], given.first)}")


if __name__ == "__main__":
    main()
