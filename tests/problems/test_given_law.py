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
FUEL = ko.parse_formula(
    "distance_km * fuel_price * (1 + load_t)",
    [KM, LOAD, ko.Variable("fuel_price")],
    ko.Variable("fuel", "EUR"),
)


def priced(**changes: Any) -> ko.RoutingProblem:
    frames = routing_frames(vehicles_fuel_price=[1.5])
    return town(vehicles=frames["vehicles"], **changes)


def test_formulas_without_bindings_are_told_how_to_be_bound():
    assert refused(priced, duration=MINUTES, cost={"fuel": FUEL}).splitlines() == [
        "duration: the formula for 'minutes' is not bound; write law.bind(distance_km=refs.arc.distance, "
        "hour=refs.clock.hour), with refs from kanopt",
        "cost 'fuel': the formula for 'fuel' is not bound; write law.bind(distance_km=refs.arc.distance, "
        "load_t=refs.state.load, fuel_price=refs.vehicle.fuel_price), with refs from kanopt",
    ]


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (None, "duration: is None; give a bound formula or a matrix, a RoadNetwork or ArrivalFunctions"),
        (
            "2 * km",
            "duration: is the text '2 * km'; make a formula of it with parse_formula and bind its inputs",
        ),
        (lambda km: 2 * km, "duration: is a function of Python, of which nothing can be proved; give"),
        (
            ko.KANRegressor(),
            "duration: is a KANRegressor; give its formula, law.to_formula(test), with its inputs",
        ),
    ],
)
def test_what_is_no_law_is_told_what_to_write(law, words):
    assert refused(priced, duration=law).startswith(words)


def test_no_price_at_all_is_an_empty_mapping():
    told = refused(priced, cost=None)
    assert told == "cost: is None; give a bound formula or a matrix, or {} where only vehicles cost money"


def test_laws_are_told_together_with_the_records():
    vehicles = pd.DataFrame({"name": ["van"], "fixed_cost": [1.0], "shift_start": [540], "shift_end": [480]})
    told = refused(town, vehicles=vehicles, duration=None).splitlines()
    assert [line.partition(":")[0] for line in told] == ["duration", "vehicles 'van'"]


def test_the_law_of_links_is_told_alike():
    links = pd.DataFrame({"tail": ["a"], "head": ["b"], "length": [1.0], "speed": [3.0]})
    law = ko.parse_formula("60 / speed", ["speed"], ko.Variable("time", "min"))
    assert refused(routing.RoadNetwork, links, law) == (
        "links: the formula for 'time' is not bound; write law.bind(speed=refs.link.speed), with refs from kanopt"
    )


def test_laws_of_schedules_and_networks_are_told_alike():
    minutes = ko.parse_formula("pace * 3", ["pace"], ko.Variable("minutes", "min"))
    machines = shop().machines.assign(pace=2.0)
    assert refused(shop, duration=minutes, machines=machines) == (
        "duration: the formula for 'minutes' is not bound; write law.bind(pace=refs.machine.pace), with refs from "
        "kanopt"
    )
    assert "energy: is the text 'kwh'" in refused(shop, energy="kwh")
    rate = ko.parse_formula("km * 3", [ko.Variable("km", "km")], ko.Variable("rate", "EUR/t"))
    assert refused(net, tariff=rate, demand=None).splitlines() == [
        "tariff: the formula for 'rate' is not bound; write law.bind(km=refs.lane.distance), with refs from kanopt",
        "demand: is None; give a bound formula, a reference, a number or an array, or a frame",
    ]


@pytest.mark.filterwarnings("ignore:.*nothing reads 'fuel_price':kanopt.errors.KanoptWarning")
def test_matrices_and_bound_formulas_are_laws():
    bound = MINUTES.bind(distance_km=ko.refs.arc.distance, hour=8.0)
    assert priced(duration=bound, cost={"fuel": np.zeros((3, 3)), "wear": WAY}).clients


LEG = ko.parse_formula("2 * km", [ko.Variable("km", "km")], ko.Variable("minutes", "min"))


def test_a_wrong_reference_is_told_with_the_nearest_one_together_with_the_records():
    vehicles = pd.DataFrame({"name": ["van"], "fixed_cost": [1.0], "shift_start": [540], "shift_end": [480]})
    told = refused(town, vehicles=vehicles, duration=LEG.bind(km=ko.refs.arc.lenght)).splitlines()
    assert told[0] == "duration: the problem does not know 'arc.lenght'; did you mean 'arc.distance'?"
    assert told[1].startswith("vehicles 'van': the shift ends")


@pytest.mark.parametrize(
    ("call", "changes", "words"),
    [
        (town, {"duration": LEG.bind(km=ko.refs.client.srvice_duration)},
            "'client.srvice_duration'; did you mean 'client.service_duration'?"),
        (town, {"duration": LEG.bind(km=ko.refs.lane.distance)}, "'lane.distance'; did you mean 'arc.distance'?"),
        (
            town,
            {"policy": routing.RoutingPolicy(service=LEG.bind(km=ko.refs.client.demnd))},
            "'client.demnd'; did you mean 'client.demand'?",
        ),
        (shop, {"duration": LEG.bind(km=ko.refs.mode.durtion)}, "'mode.durtion'; did you mean 'mode.duration'?"),
        (net, {"tariff": ko.refs.lane.distnce}, "'lane.distnce'; did you mean 'lane.distance'?"),
        (net, {"demand": ko.refs.market.wanted}, "'market.wanted'; known: 'market.lat', 'market.lon'"),
        (net, {"tariff": LEG.bind(km=ko.refs.state.quantty)}, "'state.quantty'; did you mean 'state.quantity'?"),
    ],
)  # fmt: skip
def test_what_a_problem_does_not_know_is_told_with_what_is_meant(call, changes, words):
    assert f"the problem does not know {words}" in refused(call, **changes)


def test_of_a_table_that_could_not_be_read_nothing_is_said():
    clients = pd.DataFrame({"nam": ["a"]})
    told = refused(town, clients=clients, duration=LEG.bind(km=ko.refs.client.way))
    assert "does not know" not in told
