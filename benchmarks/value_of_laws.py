"""What a law learned from a trip log is worth in a plan, against averages from the same log.

The city of `_example_city.py` has true laws of travel time and fuel, which depend on hour and load with a given
strength. From its log of 5,000 trips, with noise and gross errors, three planners learn. "laws" takes laws:
KANRegressor with everything at its default (monotone in distance and load), written as formulas. "averages" takes
minutes and litres per kilometre over the whole log, and pays drivers by the hour. "per km" takes one mean cost per
kilometre, in which hours, fuel and wear of the log are counted, and one mean speed: it plans as those do who pay a
carrier by the kilometre, and sees no cost in waiting. Each plans
the same sixty clients and six vans with the same solver and the same time, and decides who drives where in which
order, and when each van leaves. All plans are then driven on the true laws.

"predicted" is what the planner thought its plan would cost, "realised" what it costs on the true laws, and "late" the
minutes by which clients are reached after their windows and vans are back after their shifts, which cost nothing in
these figures; "left out" counts clients that a plan leaves out, which costs nothing either. "saving" is how much less
the plan on laws costs, realised, than that of another planner, with the interval of its mean (Student's t, 95 %).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _example_city import make_city
from scipy.stats import t as student

import kanopt as ko
from kanopt import refs, routing
from kanopt.plans.findings import Check
from kanopt.tables.report import (
    BUMPS,
    DRAG,
    FREE_SPEED,
    FUEL_PRICE,
    IDLE,
    LOAD_CAPACITY,
    LOAD_EFFECT,
    ROLL,
    WEAR,
    City,
)

KM, HOUR, LOAD = ko.Variable("distance_km", "km"), ko.Variable("hour", "h"), ko.Variable("load_t", "t")
MINUTES, LITRES = ko.Variable("minutes", "min"), ko.Variable("fuel_l", "l")
EUROS = ko.Variable("cost", "EUR")
OTHERS = ("averages", "per km")
PLANNERS = ("laws", *OTHERS)
"""In the order in which they are shown."""
KNOWN = {"distance_km": refs.arc.distance, "hour": refs.clock.hour, "load_t": refs.state.load}


@dataclass(frozen=True)
class Laws:
    """What a planner knows of a trip."""

    minutes: ko.Formula
    litres: ko.Formula


def true_laws(strength: float) -> Laws:
    """Write down the laws of :class:`kanopt.tables.report.City`."""
    bumps = " + ".join(
        f"{strength * height!r} * exp(-((hour - {at!r}) / {width!r}) ^ 2 / 2)" for height, at, width in BUMPS
    )
    slow = f"(1 + {bumps})" if strength else "1"
    minutes = f"{60.0 / FREE_SPEED!r} * distance_km * {slow}"
    per_km = f"({IDLE / FREE_SPEED!r} * {slow} + {ROLL!r} + {DRAG * FREE_SPEED**2!r} / {slow} ^ 2)"
    litres = f"distance_km * {per_km}"
    if strength:
        litres += f" * (1 + {LOAD_EFFECT * strength / LOAD_CAPACITY!r} * load_t)"
    # a law without effects reads distance alone
    moving = (HOUR, LOAD) if strength else ()
    return Laws(
        ko.parse_formula(minutes, [KM, *moving[:1]], MINUTES, per="leg"),
        ko.parse_formula(litres, [KM, *moving], LITRES, per="leg"),
    )


def averages(trips: pd.DataFrame) -> Laws:
    """Take minutes and litres per kilometre over a log."""
    per_km = trips[["minutes", "fuel_l"]].sum() / trips["distance_km"].sum()
    return Laws(_per_km(float(per_km["minutes"]), MINUTES), _per_km(float(per_km["fuel_l"]), LITRES))


def _per_km(rate: float, output: ko.Variable) -> ko.Formula:
    return ko.parse_formula(f"{rate!r} * distance_km", [KM], output, per="leg")


def learned(trips: pd.DataFrame, seed: int) -> Laws:
    """Learn laws from a log."""
    train, test = ko.split(trips, by="week", holdout=4)
    found = []
    for target, features in (
        ("minutes", ["distance_km", "hour"]),
        ("fuel_l", ["distance_km", "load_t", "hour"]),
    ):
        monotone = {name: 1 for name in features if name != "hour"}
        model = ko.KANRegressor(monotone=monotone, seed=seed).fit(train[features], train[target])
        found.append(model.to_formula(test, target, per="leg"))
    return Laws(*found)


def problem_of(city: City, laws: Laws) -> ko.RoutingProblem:
    """Return the day of a city as a planner with these laws sees it, who pays drivers by the hour."""
    fuel = ko.parse_formula(
        f"{FUEL_PRICE!r} * fuel + {WEAR!r} * distance_km",
        [*laws.litres.inputs, *([] if "distance_km" in laws.litres.used else [KM])],
        EUROS,
        laws={"fuel": laws.litres},
        per="leg",
    )
    return _day(city, fuel, laws.minutes, hourly=1.0)


def problem_per_km(city: City, laws: Laws) -> ko.RoutingProblem:
    """Return the day of a city as a planner sees it who knows one cost of a kilometre, from averages."""
    wage = float(city.vehicles["cost_per_hour_eur"].mean()) / 60.0
    one_km = pd.DataFrame({"distance_km": [1.0]})
    minutes, litres = (float(law.evaluate(one_km)[0]) for law in (laws.minutes, laws.litres))
    return _day(city, _per_km(wage * minutes + FUEL_PRICE * litres + WEAR, EUROS), laws.minutes, hourly=0.0)


def _day(city: City, cost: ko.Formula, minutes: ko.Formula, *, hourly: float) -> ko.RoutingProblem:
    """Return the day of a city at a cost of legs; `hourly` is the share of wages that is paid beside it."""
    table, vans = city.clients, city.vehicles
    clients = pd.DataFrame(
        {
            "name": table["name"],
            "x": table["x_km"],
            "y": table["y_km"],
            "demand": table["demand_t"],
            "service_duration": table["service_min"],
            "earliest": 60.0 * table["ready_h"],
            "latest": 60.0 * table["due_h"],
        }
    )
    vehicles = pd.DataFrame(
        {
            "name": vans["name"],
            "num_available": vans["num_available"],
            "capacity": vans["capacity_t"],
            "fixed_cost": vans["fixed_cost_eur"],
            "unit_duration_cost": hourly * vans["cost_per_hour_eur"] / 60.0,
            "shift_start": 60.0 * vans["shift_start_h"],
            "shift_end": 60.0 * vans["shift_end_h"],
        }
    )
    depots = pd.DataFrame({"name": city.depots["name"], "x": city.depots["x_km"], "y": city.depots["y_km"]})

    def bound(law: ko.Formula) -> object:
        return law.bind(**{name: KNOWN[name] for name in law.used})

    return ko.RoutingProblem(
        depots, clients, vehicles, cost={"driving": bound(cost)}, duration=bound(minutes)
    )


def lateness(check: Check) -> float:
    """Return the minutes by which windows and shifts are missed."""
    return sum(v.amount for v in check.violations if v.constraint in ("time window", "shift"))


def driven(planner: ko.RoutingProblem, plan: routing.RoutingPlan) -> routing.RoutingPlan:
    """Return a plan with the departures that the planner would tell its drivers."""
    leaves = planner.drive(plan.routes).departure
    routes = (replace(route, departure=float(at)) for route, at in zip(plan.routes, leaves, strict=True))
    return replace(plan, routes=tuple(routes))


def one(strength: float, seed: int, seconds: float) -> dict[str, object]:
    """Plan one city by all, in so many seconds each, and drive the plans."""
    tick = time.process_time()
    city = make_city(seed, strength=strength)
    truth = problem_of(city, true_laws(strength))
    row: dict[str, object] = {"strength": strength, "seed": seed}
    means = averages(city.trips)
    planners = {
        "laws": problem_of(city, learned(city.trips, seed)),
        "averages": problem_of(city, means),
        "per km": problem_per_km(city, means),
    }
    for name, planner in planners.items():
        result = ko.solve(planner, time_limit=seconds, seed=seed, days_in_time=None)
        plan = driven(planner, result.plan)
        row |= {
            f"{name}: predicted": result.objective,
            f"{name}: realised": truth.price(plan).objective,
            f"{name}: late": lateness(truth.check(plan)),
            f"{name}: left out": len(plan.unserved),
        }
    for name in OTHERS:
        row[f"saving on {name}"] = 1.0 - row["laws: realised"] / row[f"{name}: realised"]
    row["CPU s"] = time.process_time() - tick
    told = (
        f"{name} {row[f'{name}: predicted']:.2f} predicted, {row[f'{name}: realised']:.2f} realised, "
        f"{row[f'{name}: late']:.0f} min late"
        for name in PLANNERS
    )
    print(f"strength {strength:g}, seed {seed}: {'; '.join(told)}", flush=True)
    return row


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return means by strength, with the interval of the mean saving."""
    found = []
    for strength, part in rows.groupby("strength"):
        n = len(part)
        row = {"strength": strength, "cities": n} | {
            f"{who}: {what}": part[f"{who}: {what}"].mean()
            for who in PLANNERS
            for what in ("predicted", "realised", "late", "left out")
        }
        for name in OTHERS:
            saving = part[f"saving on {name}"].to_numpy(dtype=float)
            half = student.ppf(0.975, n - 1) * saving.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
            row |= {f"saving on {name}, %": 100 * saving.mean(), f"± of saving on {name}": 100 * half}
        found.append(row)
    return pd.DataFrame(found).set_index("strength").T


def main() -> None:
    given = asked(
        __doc__,
        strengths=([0.0, 0.5, 1.0], "shares of the true laws that are effect of hour and load"),
        seeds=(20, "cities per strength"),
        time_limit=(10.0, "wall seconds per plan"),
    )
    cases = [(strength, seed) for seed in range(given.seeds) for strength in given.strengths]
    rows = [one(*case, given.time_limit) for case in cases]
    print_table(summary(pd.DataFrame(rows)), ".2f", index=True)
    print(f"\n{footer(['ortools', 'pyvrp'], f'0-{given.seeds - 1}')}")


if __name__ == "__main__":
    main()
