"""What a routing problem reads, and what it refuses: contradictions, impossible values, laws that it cannot read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt import RoutingProblem
from kanopt.errors import KanoptWarning, ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.records.reading import Quantity
from kanopt.refs import arc, client, link, state, vehicle
from kanopt.routing import Client, Depot, RoadNetwork, RoutingPolicy, RoutingUnits, VehicleType
from kanopt.routing.arrays import parse_windows
from kanopt.tables import with_units

DEPOT = Depot("depot", 0.0, 0.0)
CLIENTS = (Client("a", 3.0, 4.0, demand=0.4), Client("b", 6.0, 8.0, demand=0.5))
VAN = VehicleType("van", num_available=2, capacity=1.0, shift_start=480, shift_end=960)
KM = Variable("km", "km")
FUEL = parse_formula("0.2 * km", [KM], Variable("fuel", "EUR"))
MINUTES = parse_formula("2 * km", [KM], Variable("minutes", "min"))
BY_KM = {"fuel": FUEL.bind(km=arc.distance)}


def problem(**changes: object) -> RoutingProblem:
    given = {
        "depots": [DEPOT],
        "clients": CLIENTS,
        "vehicles": [VAN],
        "cost": BY_KM,
        "duration": MINUTES.bind(km=arc.distance),
    }
    return RoutingProblem(**{**given, **changes})


def test_distances_come_from_coordinates_and_laws_follow():
    given = problem()
    assert given.data.distance.tolist() == [[0, 5, 10], [5, 0, 5], [10, 5, 0]]
    assert given.planning_values.durations[0, 0, 1:].tolist() == [10, 20]
    assert given.price(given.plan_from([["a", "b"]])).objective == pytest.approx(4.0)
    assert list(given.laws()) == ["duration", "fuel"]
    assert (given.unit, given.frozen_inputs()) == ("EUR", ())


def test_frames_become_records_with_units():
    van = {"name": ["van"], "num_available": [2], "shift_start": [8.0], "shift_end": [16.0], "price": [1.5]}
    frame = with_units(pd.DataFrame(van), {"shift_start": "h", "shift_end": "h", "price": "EUR/l"})
    clients = pd.DataFrame({"name": ["a"], "x": [3], "y": [4], "demand": [0.1]})
    with pytest.warns(KanoptWarning, match="nothing reads 'price'"):
        built = problem(clients=clients, vehicles=frame)
    price = {"price": Quantity(1.5, "EUR/l")}
    assert built.vehicles == (VehicleType("van", 2, shift_start=480, shift_end=960, attributes=price),)


def test_a_law_reads_fields_and_attributes_of_vehicle_client_and_depot():
    units = {"km": "km", "price": "EUR/km", "fee": "EUR/kg", "weight": "kg", "level": ""}
    inputs = [Variable(name, unit) for name, unit in units.items()]
    law = parse_formula("price * km + fee * weight + level", inputs, Variable("cost", "EUR"))
    read = {"km": arc.distance, "price": vehicle.price, "weight": client.demand, "level": client.level}
    given = problem(
        depots=[replace(DEPOT, attributes={"level": 7.0})],
        clients=[replace(c, attributes={"level": float(i)}) for i, c in enumerate(CLIENTS)],
        vehicles=[replace(VAN, attributes={"price": Quantity(0.001, "EUR/m")})],
        cost={"all": law.bind(fee=0.01, **read)},
    )
    lines = given.price(given.plan_from([["a", "b"]])).lines
    # 0.001 EUR/m is 1 EUR/km; demand in t reaches the law in kg
    expected = [5 + 0.01 * 400 + 0, 5 + 0.01 * 500 + 1, 10 + 0 + 7]
    assert lines["amount"].tolist() == pytest.approx(expected)
    assert lines["item"].tolist() == ["depot → a", "a → b", "b → depot"]


def test_mistakes_of_all_tables_are_named_at_once():
    clients = [Client("a", 1, 1, demand=-1, earliest=600, latest=540), Client("depot", 1, 1, prize=-3.0)]
    vehicles = [
        VehicleType("v", capacity=np.nan, shift_start=900, shift_end=800),
        VehicleType("w", num_available=1.5, start_depot="dept"),
    ]
    with pytest.raises(ProblemError) as caught:
        problem(clients=clients, vehicles=vehicles)
    told = str(caught.value)
    assert len(told.splitlines()) == 8
    for part in (
        "'depot' appears among depots and clients",
        "demand of 'a'",
        "prize of 'depot'",
        "clients 'a': the window closes before",
        "capacity of 'v'",
        "num_available of 'w'",
        "vehicles 'v': the shift ends before",
        "start_depot of 'w': 'dept' is none of the depots; did you mean 'depot'",
    ):
        assert part in told, part


def fuel(**bound: object) -> dict[str, object]:
    return {"cost": {"fuel": FUEL.bind(**bound)}}


def first(**fields: object) -> dict[str, object]:
    """Other fields of the first client."""
    return {"clients": [replace(CLIENTS[0], **fields), CLIENTS[1]]}


def under(**policy: object) -> dict[str, object]:
    """A policy for two clients with food."""
    people = [replace(CLIENTS[0], goods="food"), replace(CLIENTS[1], goods="food, ice")]
    return {"clients": people, "policy": RoutingPolicy(**policy)}


FALLING = parse_formula("log(km)", [KM], Variable("fee", "EUR")).bind(km=arc.distance)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda: {"depots": [], "vehicles": []}, "(?s)depots: there is none.*vehicles: there is none"),
        (lambda: {"depots": [DEPOT, Depot("yard", 1, 1)]}, "'van': say which depot .* 'depot', 'yard'"),
        (lambda: {"clients": [Client("a")]}, "'a': no coordinates"),
        (lambda: {"distance": np.ones((2, 2))}, r"distance: shape \(2, 2\), .* 3 depots and clients"),
        (lambda: {"duration": np.full((3, 3), np.nan)}, "duration: not a number: depot → depot"),
        (lambda: {"cost": {"fixed": np.ones((3, 3))}}, "'fixed' is taken by a term"),
        (lambda: fuel(km=arc.distnce), "'arc.distnce'; did you mean 'arc.distance'"),
        (lambda: fuel(km=client.prize), "a prize is not paid per leg"),
        (lambda: fuel(km=state.load), "law 'fuel'.*'km' bound to state.load.*'t'"),
        (lambda: {"cost": {"fuel": MINUTES.bind(km=arc.distance)}}, "law 'fuel'.*'min'.*'EUR'"),
        (lambda: {"duration": MINUTES.bind(km=arc.duration)}, "travel time cannot read 'arc.duration'"),
        (lambda: {"units": RoutingUnits(distance="kmm")}, "distance: unknown unit 'kmm'"),
        (lambda: {"units": RoutingUnits(time="km")}, "time: 'km' does not measure time"),
        (lambda: {**first(x=6.0, y=8.0), "cost": {"fee": FALLING}}, "law 'fee'"),
        (lambda: first(windows="8:00-9:00, 8:30-10:00"), "'8:30-10:00' opens before"),
        (lambda: first(windows="morning"), "'morning' is no window"),
        (lambda: first(windows="1-2", latest=5.0), "either windows, or earliest and latest"),
        (lambda: first(source="c"), "'c' is none of the clients"),
        (lambda: first(source="a"), "is its own source"),
        (lambda: first(needs="coled"), "needs of 'a': no vehicle has the skill 'coled'"),
        (lambda: first(vehicles="vans"), "'vans' is none of the vehicles; did you mean 'van'"),
        (lambda: {"vehicles": [VehicleType("van", breaks="noon")]}, "'noon' is no break"),
        (lambda: {"vehicles": [VehicleType("van", breaks="10 in 7-8, 10 in 6-7")]}, "comes before the one"),
        (lambda: under(pinned={"van 1": "ab"}), "is one text; give a list"),
        (lambda: under(pinned=["a"]), "pinned says which vehicle serves whom"),
        (lambda: under(pinned={"vn 2": ["a"]}), "'vn 2'; did you mean 'van'"),
        (lambda: under(pinned={"van 3": ["a"]}), "'van 3', but there are 2"),
        (lambda: under(pinned={"van 1": ["a"], "van 2": ["a"]}), "'a' is pinned to two vehicles"),
        (lambda: under(pinned={"van": ["a"]}), "say which of its 2 vehicles"),
        (lambda: under(apart=[("food",)]), "no pair of goods"),
        (lambda: under(apart=[("fod", "paint")]), "'fod', .* did you mean 'food'"),
        (lambda: under(apart=[("food", "ice")]), "clients 'b' have both"),
        (lambda: under(capacities=["pallets"]), "'van' has no 'pallets'"),
        (lambda: under(service=5.0), "service is a float"),
        (lambda: {"vehicles": [replace(VAN, max_driving=0.0, rest_duration=1.0)]}, "max_driving"),
        (lambda: {"vehicles": [replace(VAN, max_driving=9.0)]}, "max_driving of 'van': .* write rest_duration"),
        (lambda: {"vehicles": [replace(VAN, rest_duration=9.0)]}, "rest_duration of 'van': .* write max_driving"),
        (
            lambda: {"vehicles": [replace(VAN, breaks="30 in 660-780", max_driving=9.0, rest_duration=9.0)]},
            "both breaks and max_driving",
        ),
        (lambda: {"vehicles": [replace(VAN, end_depot="dept")]}, "'dept' is none of the depots; did you mean"),
        (lambda: {"vehicles": [replace(VAN, end_depot="depot", returns=False)]}, "it does not return"),
        (lambda: {"policy": {}}, "give a RoutingPolicy, not a dict"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_name(changes, message):
    with pytest.raises(ProblemError, match=message):
        problem(**changes())


def test_an_attribute_of_clients_must_be_known_on_the_way_back():
    clients = [replace(each, attributes={"zone": "n"}) for each in CLIENTS]
    with pytest.raises(ProblemError, match="depot 'depot' has no 'zone'"):
        problem(clients=clients, **fuel(km=client.zone))


def test_goods_that_nobody_has_and_windows_that_touch_are_no_mistake():
    assert not problem(
        **first(goods="food"), policy=RoutingPolicy(apart=[("food", "paint")])
    ).data.apart.any()
    assert parse_windows("8:00-10:00, 10:00-12:00", "h") == ((8.0, 10.0), (10.0, 12.0))


def test_values_below_zero_count_as_zero():
    law = parse_formula("km - 6", [KM], Variable("fee", "EUR"))
    given = problem(cost={"fee": law.bind(km=arc.distance)})
    plan = given.plan_from([["a", "b"]])
    assert given.price(plan).lines["amount"].tolist() == [0, 0, 4]
    (use,) = given.assess(plan).extrapolations
    assert use.where == "van 1: depot → a, a → b"
    assert "falls to −1 EUR on 2 legs" in use.message


LINKS = {"tail": [1, 2, 3, 2], "head": [2, 3, 2, 1], "length": [1000.0, 2000.0, 2000.0, 1000.0]}


def test_a_road_network_gives_times_and_distances_in_the_problem_units():
    law = parse_formula("30 * km", [Variable("km", "km", low=0, high=1.5)], Variable("s", "s"))
    roads = RoadNetwork(pd.DataFrame(LINKS), law.bind(km=link.length), distance="m", time="s")
    places = {
        "depots": [Depot("depot", attributes={"node": Quantity(1.0)})],
        "clients": [Client("a", attributes={"node": 2}), Client("3")],
    }
    given = problem(duration=roads, **places)
    assert given.network_nodes == ("1", "2", "3")
    assert given.data.distance[0].tolist() == [0, 1, 3]
    assert given.planning_values.durations[0, 0, 1:].tolist() == [0.5, 1.5]
    assert set(given.laws()) == {"duration", "fuel"}
    lengths = problem(distance=given.duration, **places)
    assert lengths.planning_values.durations[0, 0, 1:].tolist() == [2, 6]
    with pytest.raises(ProblemError, match="road network: cannot convert 'km'"):
        problem(duration=RoadNetwork(pd.DataFrame(LINKS), np.ones(4), time="km"), **places)
