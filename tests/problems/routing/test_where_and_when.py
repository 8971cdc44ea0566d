"""Laws of where a leg begins and ends and of the day: prices by hand, through the referee, engines and what-ifs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import ProblemError
from kanopt.formulas import Table, Variable, parse_formula
from kanopt.formulas.calendar_functions import CALENDAR
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.refs import arc, clock, day, state

ZONES = ("north", "south", "old town")
TOLLS = {(a, b): 1.0 + 2.0 * i + 0.7 * j for i, a in enumerate(ZONES) for j, b in enumerate(ZONES)}
TUESDAY = "2026-03-03"


def toll_law() -> ko.BoundFormula:
    """A toll by pair of zones, and a surcharge on the way north and by weekday."""
    inputs = [Variable(name, kind="category") for name in ("start", "end")]
    inputs += [Variable(name, "deg") for name in ("south_lat", "north_lat")] + [Variable("weekday")]
    table = Table(("start", "end"), tuple(TOLLS.items()), name="toll")
    law = parse_formula(
        "toll(start, end) + 30 * max(north_lat - south_lat, 0) + 0.5 * weekday",
        inputs,
        Variable("toll_eur", "EUR"),
        pieces=[table],
    )
    ends = {"south_lat": arc.from_lat, "north_lat": arc.to_lat}
    return law.bind(start=arc.from_zone, end=arc.to_zone, weekday=day.weekday, **ends)


def minutes_law() -> ko.BoundFormula:
    """Minutes by the ends' coordinates, slower around eight and in spring."""
    names = ("lat0", "lon0", "lat1", "lon1")
    law = parse_formula(
        "sqrt((111 * (lat1 - lat0))^2 + (70 * (lon1 - lon0))^2) * (2 + exp(-(hour - 8)^2) + month / 10) + 1",
        [*(Variable(name, "deg") for name in names), Variable("hour", "h"), Variable("month")],
        Variable("minutes", "min"),
    )
    ends = dict(zip(names, (arc.from_lat, arc.from_lon, arc.to_lat, arc.to_lon), strict=True))
    return law.bind(hour=clock.hour, month=day.month, **ends)


def town(seed: int, clients: int = 5, vans: int = 2) -> RoutingProblem:
    """One town of three zones; fuel by the load on board."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((52.4, 13.2), (52.6, 13.6), (clients + 1, 2))
    zones = rng.choice(ZONES, clients + 1)
    fuel = parse_formula(
        "0.1 * km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("fuel", "EUR")
    )
    points = [
        {"lat": float(lat), "lon": float(lon), "attributes": {"zone": str(zone)}}
        for (lat, lon), zone in zip(places, zones, strict=True)
    ]
    people = [
        Client(f"c{k}", demand=0.5 + 0.1 * k, service_duration=5.0, **point)
        for k, point in enumerate(points[1:])
    ]
    van = VehicleType("van", vans, capacity=2.0, unit_duration_cost=0.4, shift_start=420, shift_end=1200)
    cost = {"toll": toll_law(), "fuel": fuel.bind(km=arc.distance, load=state.load)}
    return RoutingProblem([Depot("depot", **points[0])], people, [van], cost, minutes_law(), day=TUESDAY)


def by_hand(problem: RoutingProblem, order: list[str], leave: float) -> tuple[float, float]:
    """Return the tolls of one route, and the minutes it takes, counted leg by leg."""
    when = problem.day
    assert isinstance(when, date)
    places = {point.name: point for point in (*problem.depots, *problem.clients)}
    tolls, at = 0.0, leave
    for tail, head in zip(["depot", *order], [*order, "depot"], strict=True):
        a, b = places[tail], places[head]
        rise = max(b.lat - a.lat, 0.0)
        tolls += TOLLS[a.attributes["zone"], b.attributes["zone"]] + 30.0 * rise + 0.5 * when.isoweekday()
        way = np.hypot(111.0 * (b.lat - a.lat), 70.0 * (b.lon - a.lon))
        at += way * (2.0 + np.exp(-((at / 60.0 - 8.0) ** 2)) + when.month / 10.0) + 1.0
        at += 5.0 if head != "depot" else 0.0
    return tolls, at - leave


@pytest.mark.parametrize("seed", range(2))
def test_a_plan_costs_and_takes_what_counting_leg_by_leg_says(seed: int) -> None:
    problem = town(seed)
    for order in list(permutations([each.name for each in problem.clients]))[::25]:
        plan = problem.plan_from({"van 1": list(order[:3]), "van 2": list(order[3:])})
        price, driven = problem.price(plan), problem.assess(plan).simulation
        counted = [
            by_hand(problem, list(part), float(leave))
            for part, leave in zip((order[:3], order[3:]), driven.departure, strict=True)
        ]
        assert price.terms()["toll"] == pytest.approx(sum(toll for toll, _ in counted), rel=1e-9)
        assert price.terms()["time"] == pytest.approx(0.4 * sum(took for _, took in counted), rel=1e-9)


def test_the_day_of_a_plan_is_what_a_column_of_dates_gives() -> None:
    """Every function of a date that a history may hold is a reference, and gives the same number."""
    when = pd.Series([pd.Timestamp("2026-12-31 16:30")])
    for name, function in CALENDAR.items():
        if function.arguments > 1 or function.takes_clock:
            continue
        law = parse_formula("x", [Variable("x")], Variable("cost", "EUR")).bind(x=day[name])
        parts = [Depot("d", 0, 0)], [Client("a", 1, 0)], [VehicleType("van")], law, [[0, 1], [1, 0]]
        problem = RoutingProblem(*parts, day="2026-12-31")
        price = problem.price(problem.plan_from([["a"]])).objective
        assert price == pytest.approx(2 * float(function.value(when)[0]))


def test_what_is_not_stated_or_not_known_is_said() -> None:
    problem = town(0)
    by_x = parse_formula("x", [Variable("x", "km")], Variable("cost", "EUR"))
    for changes, message in (
        ({"day": None}, "(?s)'day.month', but no day.*'day.weekday', but no day is stated"),
        ({"day": "30/02"}, "'30/02' is no day"),
        ({"cost": by_x.bind(x=arc.from_lt)}, "'arc.from_lt'; did you mean 'arc.from_lat'"),
        ({"depots": [replace(problem.depots[0], attributes={})]}, "depot 'depot' has no 'zone'"),
        ({"cost": by_x.bind(x=arc.from_x)}, "'x' of places, but 'depot'.* has none"),
    ):
        with pytest.raises(ProblemError, match=message):
            replace(problem, **changes)
