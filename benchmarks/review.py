"""Whether a review of a driven day tells its parts: known days, what of each part is told, and how surely.

Days of cities are made: some stops in another order, vans that leave up to ten minutes later, times that are longer by
--day on the whole day, a region whose roads are slower by --slow on half of the days, and noise of 8 %. Their parts are
known by construction: the same referee drives the day with the true effects. "inside" is the share of days on which the
interval of 90 % of a part holds its true value, "half-width" the mean half of that interval, and "÷ known" that over
the half-width of who knows every other part.

Beside it stands what a planner would do: the mean of all times over their law is the day, and the rest is chance.

Part "drift": 250 days of a law that is as it was ("alarms", the share of runs in which a change is found all the same),
and days until a change is found, by how much days differ, whether that is known, and how surely the law is known.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _example_city import DrawnCity, make_city
from value_of_laws import Laws, problem_of, true_laws

import kanopt as ko
from kanopt.routing.review import DAY, LAW, PARTS, ReviewedDay

NOISE = 0.08
_DAY_ERROR = 0.011
"""Standard error of the effect of one day: 60 times with that noise."""
_YEAR, _QUIET = 250, 60
_DRIFTS = (
    (0.0, 0.003, True, 0.05),
    (0.0, 0.003, False, 0.05),
    (0.03, 0.01, True, 0.05),
    (0.1, 0.01, True, 0.1),
    (0.1, 0.01, False, 0.1),
    (0.1, 0.01, True, 0.05),
)
"""How much days differ, how surely the law is known, whether the former is known, and the change."""


def known_law(city: DrawnCity) -> ko.Formula:
    """Return the true law of the city, whose constants and errors are those of its log."""
    train, test = ko.split(city.trips, by="week", holdout=4)
    law = true_laws(city.strength).minutes
    scaled = ko.parse_formula(
        "c1 * law", list(law.inputs), law.output, constants={"c1": 1.0}, laws={"law": law}, per="leg"
    )
    return scaled.refit(train, test=test)


def drive(
    city: DrawnCity,
    problem: ko.RoutingProblem,
    plan: ko.routing.RoutingPlan,
    effects: dict[str, float],
    seed: int,
) -> pd.DataFrame:
    """Return the table of a day, driven by code that shares nothing with the referee."""
    rng, data, rows = np.random.default_rng([seed, 11]), problem.data, []
    for number, route in enumerate(plan.routes):
        stops = list(route.clients)
        if number == 0 and len(stops) > 3:
            stops[1], stops[2] = stops[2], stops[1]
        clock = leaves = float(route.departure or 0.0) + rng.uniform(0.0, 10.0)
        of_route = []
        for tail, head in pairwise([route.depot, *stops, route.depot]):
            km = float(data.distance[data.index[tail], data.index[head]])
            factor = 1.0 + effects["day"] + effects["slow"] * in_region(city, problem, tail, head)
            clock += city.true_minutes(km, clock / 60.0) * factor * (1.0 + NOISE * rng.standard_normal())
            if head != route.depot:
                client = data.clients[data.index[head] - len(data.depots)]
                arrival, clock = clock, max(clock, client.earliest) + client.service_duration
                of_route.append({"vehicle": route.label, "client": head, "arrival": arrival, "end": clock})
        rows += [{**row, "departure": leaves, "back": clock} for row in of_route]
    return pd.DataFrame(rows)


def in_region(city: DrawnCity, problem: ko.RoutingProblem, tail: str, head: str) -> bool:
    """Say whether the middle of a leg lies in the quarter of the city whose roads may be slow."""
    places = problem.positions.on_map
    x, y = (places[problem.data.index[tail]] + places[problem.data.index[head]]) / 2.0
    return bool(x > 11.0 and y > 11.0)


def truth(
    city: DrawnCity, problem: ko.RoutingProblem, found: ReviewedDay, effects: dict[str, float]
) -> pd.Series:
    """Return the minutes of the day and of the law, driven by the referee with the true effects."""
    grid, names = found.routes, problem.data.names
    region = np.zeros(grid.valid.shape)
    for route, leg in np.argwhere(grid.valid):
        region[route, leg] = in_region(
            city, problem, names[grid.tail[route, leg]], names[grid.head[route, leg]]
        )
    minutes = []
    for day, slow in ((0.0, 0.0), (effects["day"], 0.0), (effects["day"], effects["slow"])):
        longer = 1.0 + day + slow * region[None]
        driven = found.replayed(longer, np.ones(longer.shape))
        minutes.append(float(driven.route_durations.sum()))
    return pd.Series({DAY: minutes[1] - minutes[0], LAW: minutes[2] - minutes[1]})


def line(seed: int, arguments: argparse.Namespace) -> list[dict[str, float]]:
    """Make the days of one city, and review them."""
    city = make_city(seed)
    problem = problem_of(city, Laws(known_law(city), true_laws(city.strength).litres))
    result = ko.solve(
        problem, time_limit=arguments.time_limit, seed=seed, deterministic=True, days_in_time=None
    )
    planned = result.assessment.settled()
    rows = []
    for number in range(arguments.days):
        rng = np.random.default_rng([seed, number])
        effects = {
            "day": arguments.day * float(rng.standard_normal()),
            "slow": arguments.slow if number % 2 else 0.0,
        }
        tick = time.process_time()
        found = ReviewedDay.of(planned, drive(city, problem, planned.plan, effects, 1000 * seed + number))
        parts = found.intervals
        seconds = time.process_time() - tick
        known = truth(city, problem, found, effects)
        gap = float((found.minutes[["planned", *PARTS]].sum(axis=1) - found.minutes["driven"]).abs().max())
        times = found.travel
        of_law = times.law.sum()
        least = 1.645 * NOISE / np.sqrt(len(times.law)) * of_law
        plain = float(np.mean(times.actual / times.law) - 1.0) * of_law
        row = {
            "slow": effects["slow"],
            "gap": gap,
            "CPU s": seconds,
            "day, plain error": abs(plain - known[DAY]),
        }
        for part in (DAY, LAW):
            low, high = parts.loc[part, "minutes low"], parts.loc[part, "minutes high"]
            row[f"{part}, inside"] = float(low - 1e-9 <= known[part] <= high + 1e-9)
            row[f"{part}, error"] = abs(float(parts.loc[part, "minutes"]) - known[part])
            row[f"{part}, half-width"] = (high - low) / 2.0
        row["day ÷ known"] = row[f"{DAY}, half-width"] / least
        row["named"] = float((found.wrong["group"] == "place").any())
        rows.append(row)
    return rows


def drifts(runs: int) -> pd.DataFrame:
    """Return how often a change is found where there is none, and after how many days where there is one."""
    rows = []
    for spread, bias, known, change in _DRIFTS:
        rng, told = np.random.default_rng(3), spread if known else None

        def found(effects: np.ndarray, bias: float = bias, told: float | None = told) -> bool:
            frame = pd.DataFrame({"effect": effects, "error": _DAY_ERROR})
            return ko.drift(frame, day_spread=told, bias_error=bias).found

        days = rng.normal(0.0, np.hypot(spread, _DAY_ERROR), (runs, _YEAR)) + bias * rng.standard_normal(
            (runs, 1)
        )
        alarms = float(np.mean([found(each) for each in days]))
        days[:, _QUIET:] += change
        after = [
            next((k for k in range(1, _YEAR - _QUIET) if found(each[: _QUIET + k])), _YEAR) for each in days
        ]
        rows.append(
            {
                "days differ by": spread,
                "known": known,
                "law known to": bias,
                "alarms": alarms,
                "change": change,
                "days, median": float(np.median(after)),
                "days, 90 %": float(np.quantile(after, 0.9)),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    given = asked(
        __doc__,
        ("part", "what is measured", ("days", "drift")),
        runs=(40, "runs of drift"),
        cities=([*range(500, 505)], "seeds of cities"),
        days=(10, "days a city"),
        day=(0.12, "spread of days"),
        slow=(0.3, "how much slower the region is"),
        time_limit=(2.0, "counted seconds a search"),
    )
    if given.part == "days":
        lines = pd.DataFrame([row for seed in given.cities for row in line(seed, given)])
        print_table(lines.groupby("slow").mean().T, ".3f", index=True)
        print(f"\ndays {len(lines)}, largest gap of the sum {lines['gap'].max():.1e}")
    else:
        print_table(drifts(given.runs))
    print(f"\n{footer(['pyvrp'], f'{given.cities}')}")


if __name__ == "__main__":
    main()
