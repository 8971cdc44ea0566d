"""What is no law is told with what to write, together with the other mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import routing
from tests.records.test_missing_data import refused, town
from tests.records.test_unread_columns import WAY, net, routing_frames, shop

KM, HOUR, LOAD = ko.Variable("distance_km", "km"), ko.Variable("hour", "h"), ko.Variable("load_t", "t")
MINUTES = ko.parse_formula("distance_km * (2 + hour)", [KM, HOUR], ko.Variable("minutes", "min"))
FUEL_INPUTS = [KM, LOAD, ko.Variable("fuel_price")]
FUEL = ko.parse_formula("distance_km * fuel_price * (1 + load_t)", FUEL_INPUTS, ko.Variable("fuel", "EUR"))
PACE = ko.parse_formula("pace * 3", ["pace"], ko.Variable("minutes", "min"))
RATE = ko.parse_formula("km * 3", [ko.Variable("km", "km")], ko.Variable("rate", "EUR/t"))
LEG = ko.parse_formula("2 * km", [ko.Variable("km", "km")], ko.Variable("minutes", "min"))
LINKS = pd.DataFrame({"tail": ["a"], "head": ["b"], "length": [1.0], "pace": [3.0]})


def priced(**changes: Any) -> ko.RoutingProblem:
    frames = routing_frames(vehicles_fuel_price=[1.5])
    return town(vehicles=frames["vehicles"], **changes)


def on_roads(law: Any) -> routing.RoadNetwork:
    return routing.RoadNetwork(LINKS, law)


@pytest.mark.parametrize(
    ("call", "changes", "words"),
    [
        # a formula is told how its inputs are bound
        (priced, {"duration": MINUTES}, "law.bind(distance_km=refs.arc.distance, hour=refs.clock.hour)"),
        (priced, {"cost": {"fuel": FUEL}}, "load_t=refs.state.load, fuel_price=refs.vehicle.fuel_price)"),
        (
            on_roads,
            {"law": PACE},
            "links: the formula for 'minutes' is not bound; write law.bind(pace=refs.link.pace)",
        ),
        (
            shop,
            {"duration": PACE, "machines": shop().machines.assign(pace=2.0)},
            "law.bind(pace=refs.machine.pace)",
        ),
        (net, {"tariff": RATE}, "law.bind(km=refs.lane.distance)"),
        # other things what to make of them
        (priced, {"duration": None}, "duration: is None; give a bound formula or a matrix"),
        (priced, {"duration": "2 * km"}, "the text '2 * km'; make a formula of it with parse_formula"),
        (priced, {"duration": lambda km: 2 * km}, "is a function of Python"),
        (priced, {"duration": ko.KANRegressor()}, "a KANRegressor; give its formula, law.to_formula(test)"),
        (priced, {"cost": None}, "cost: is None; give a bound formula or a matrix, or {}"),
        (shop, {"energy": "kwh"}, "energy: is the text 'kwh'"),
        (net, {"demand": None}, "demand: is None; give a bound formula, a reference, a number"),
        # and a reference what is meant
        (town, {"duration": LEG.bind(km=ko.refs.arc.lenght)}, "'arc.lenght'; did you mean 'arc.distance'?"),
        (
            town,
            {"duration": LEG.bind(km=ko.refs.lane.distance)},
            "'lane.distance'; did you mean 'arc.distance'?",
        ),
        (
            town,
            {"policy": routing.RoutingPolicy(service=LEG.bind(km=ko.refs.client.demnd))},
            "'client.demnd'; did you mean 'client.demand'?",
        ),
        (
            shop,
            {"duration": LEG.bind(km=ko.refs.mode.durtion)},
            "'mode.durtion'; did you mean 'mode.duration'?",
        ),
        (net, {"tariff": ko.refs.lane.distnce}, "'lane.distnce'; did you mean 'lane.distance'?"),
        (net, {"demand": ko.refs.market.wanted}, "'market.wanted'; known: 'market.lat', 'market.lon'"),
    ],
)
def test_what_is_no_law_is_told_what_to_write(call: Any, changes: dict[str, Any], words: str) -> None:
    assert words in refused(call, **changes)


@pytest.mark.parametrize("law", [None, LEG.bind(km=ko.refs.arc.lenght)])
def test_laws_are_told_together_with_the_records_but_not_of_what_could_not_be_read(law: Any) -> None:
    vehicles = pd.DataFrame({"name": ["van"], "fixed_cost": [1.0], "shift_start": [540], "shift_end": [480]})
    told = refused(town, vehicles=vehicles, duration=law).splitlines()
    assert [line.partition(":")[0] for line in told] == ["duration", "vehicles 'van'"]
    unread = refused(town, clients=pd.DataFrame({"nam": ["a"]}), duration=LEG.bind(km=ko.refs.client.way))
    assert "does not know" not in unread


@pytest.mark.filterwarnings("ignore:.*nothing reads 'fuel_price':kanopt.errors.KanoptWarning")
def test_matrices_and_bound_formulas_are_laws() -> None:
    bound = MINUTES.bind(distance_km=ko.refs.arc.distance, hour=8.0)
    assert priced(duration=bound, cost={"fuel": np.zeros((3, 3)), "wear": WAY}).clients
