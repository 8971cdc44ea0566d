"""Laws of where a leg begins and ends and of the day: prices by hand, through the referee, engines and what-ifs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import RoutingProblem
from kanopt.errors import ProblemError
from kanopt.formulas import Table, Variable, parse_formula
from kanopt.formulas.columns import CALENDAR
from kanopt.refs import arc, day
from kanopt.routing import Client, Depot, VehicleType

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


def town(seed: int, clients: int = 5) -> RoutingProblem:
    """One town of three zones."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((52.4, 13.2), (52.6, 13.6), (clients + 1, 2))
    zones = rng.choice(ZONES, clients + 1)
    points = [
        {"lat": float(lat), "lon": float(lon), "attributes": {"zone": str(zone)}}
        for (lat, lon), zone in zip(places, zones, strict=True)
    ]
    people = [Client(f"c{k}", **point) for k, point in enumerate(points[1:])]
    parts = [Depot("depot", **points[0])], people, [VehicleType("van", 2)], {"toll": toll_law()}
    minutes = parse_formula(
        "km + month", [Variable("km", "km"), Variable("month")], Variable("minutes", "min")
    )
    return RoutingProblem(*parts, minutes.bind(km=arc.distance, month=day.month), day=TUESDAY)


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_costs_what_counting_leg_by_leg_says(seed: int) -> None:
    problem = town(seed)
    places = {point.name: point for point in (*problem.depots, *problem.clients)}
    for when in (problem.day, date(2026, 3, 8)):
        for order in list(permutations([each.name for each in problem.clients]))[::25]:
            tolls = 0.0
            for tail, head in pairwise(["depot", *order, "depot"]):
                a, b = places[tail], places[head]
                tolls += TOLLS[a.attributes["zone"], b.attributes["zone"]] + 30.0 * max(b.lat - a.lat, 0.0)
                tolls += 0.5 * when.isoweekday()
            driven = replace(problem, day=when)
            found = driven.price(driven.plan_from([list(order)])).terms()["toll"]
            assert found == pytest.approx(tolls, rel=1e-9)


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
