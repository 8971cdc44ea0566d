from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import KanoptWarning, ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import (
    Client,
    Depot,
    Quantity,
    RoadNetwork,
    RoutingProblem,
    RoutingUnits,
    VehicleType,
)
from kanopt.records.reading import RecordReader
from kanopt.refs import arc, client, link, state, vehicle
from kanopt.tables import load_city, with_units
from kanopt.tables.report import renamed

DEPOT = Depot("depot", 0.0, 0.0)
CLIENTS = (Client("a", 3.0, 4.0, demand=0.4), Client("b", 6.0, 8.0, demand=0.5))
VAN = VehicleType("van", num_available=2, capacity=1.0, shift_start=480, shift_end=960)
KM = Variable("km", "km")
FUEL = parse_formula("0.2 * km", [KM], Variable("fuel", "EUR"))
MINUTES = parse_formula("2 * km", [KM], Variable("minutes", "min"))


def problem(**changes: object) -> RoutingProblem:
    given = {
        "depots": [DEPOT],
        "clients": CLIENTS,
        "vehicles": [VAN],
        "cost": {"fuel": FUEL.bind(km=arc.distance)},
        "duration": MINUTES.bind(km=arc.distance),
    }
    return RoutingProblem(**{**given, **changes})


def test_distances_come_from_coordinates_and_laws_follow():
    given = problem()
    assert given.data.distance.tolist() == [[0, 5, 10], [5, 0, 5], [10, 5, 0]]
    assert np.isinf(np.diag(given.planning_values.durations[0])).all()
    assert given.planning_values.durations[0, 0, 1:].tolist() == [10, 20]
    assert given.price(given.plan_from([["a", "b"]])).objective == pytest.approx(4.0)
    assert list(given.laws()) == ["duration", "fuel"]
    assert given.unit == "EUR"
    assert given.frozen_inputs() == ()


def test_frames_become_records_with_units():
    city, units = load_city(), RoutingUnits()
    named = {"x_km": "x", "y_km": "y", "demand_t": "demand", "ready_h": "earliest", "due_h": "latest"}
    clients = RecordReader().read(
        renamed(city.clients, named | {"service_min": "service"}), units.table(Client)
    )
    assert clients[0].latest == pytest.approx(60 * city.clients["due_h"].iloc[0])
    frame = with_units(
        pd.DataFrame(
            {"name": ["van"], "num_available": [2], "shift_start": [8.0], "shift_end": [16.0], "price": [1.5]}
        ),
        {"shift_start": "h", "shift_end": "h", "price": "EUR/l"},
    )
    clients = pd.DataFrame({"name": ["a"], "x": [3], "y": [4], "demand": [0.1]})
    with pytest.warns(KanoptWarning, match="nothing reads 'price'"):
        built = problem(clients=clients, vehicles=frame)
    assert built.vehicles == (
        VehicleType("van", 2, shift_start=480, shift_end=960, attributes={"price": Quantity(1.5, "EUR/l")}),
    )


def test_a_law_reads_fields_and_attributes_of_vehicle_client_and_depot():
    law = parse_formula(
        "price * km + fee * weight + level",
        [
            KM,
            Variable("price", "EUR/km"),
            Variable("fee", "EUR/kg"),
            Variable("weight", "kg"),
            Variable("level"),
        ],
        Variable("cost", "EUR"),
    )
    given = problem(
        depots=[replace(DEPOT, attributes={"level": 7.0})],
        clients=[replace(c, attributes={"level": float(i)}) for i, c in enumerate(CLIENTS)],
        vehicles=[replace(VAN, attributes={"price": Quantity(0.001, "EUR/m")})],
        cost={
            "all": law.bind(
                km=arc.distance, price=vehicle.price, fee=0.01, weight=client.demand, level=client.level
            )
        },
    )
    lines = given.price(given.plan_from([["a", "b"]])).lines
    # 0.001 EUR/m is 1 EUR/km; demand in t reaches the law in kg
    expected = [5 + 0.01 * 400 + 0, 5 + 0.01 * 500 + 1, 10 + 0 + 7]
    assert lines["amount"].tolist() == pytest.approx(expected)
    assert lines["item"].tolist() == ["depot → a", "a → b", "b → depot"]


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        (
            {
                "clients": [
                    Client("a", 1, 1, demand=-1, earliest=600, latest=540),
                    Client("depot", 1, 1, service_duration=np.nan),
                    Client("c", 1, 1, prize=-3.0, earliest=np.inf),
                ],
                "vehicles": [
                    VehicleType("v", capacity=np.nan, shift_start=900, shift_end=800),
                    VehicleType("w", num_available=-1, fixed_cost=np.inf, start_depot="dept"),
                ],
            },
            [
                "'depot' appears among depots and clients",
                "clients: demand of 'a': must be at least 0, not the number -1",
                "clients: service_duration of 'depot': must be a finite number, not the number nan",
                "clients: prize of 'c': must be at least 0, not the number -3.0; it may be left out",
                "clients: earliest of 'c': must be a finite number, not the number inf",
                "clients 'a': the window closes before it opens (600 to 540)",
                "vehicles: capacity of 'v': must be at least 0, not the number nan",
                "vehicles: num_available of 'w': must be at least 0, not the number -1",
                "vehicles: fixed_cost of 'w': must be a finite number, not the number inf",
                "vehicles 'v': the shift ends before it starts",
                "vehicles: start_depot of 'w': 'dept' is none of the depots; did you mean 'depot'?",
            ],
        ),
        ({"depots": [], "vehicles": []}, ["depots: there is none", "vehicles: there is none"]),
        (
            {"depots": [DEPOT, Depot("yard", 1, 1)]},
            ["vehicles 'van': say which depot it belongs to; known: 'depot', 'yard'"],
        ),
        (
            {"clients": [Client("a")]},
            ["'a': no coordinates; give x and y, or lat and lon, a table of distances or a road network"],
        ),
        ({"distance": np.ones((2, 2))}, ["distance: shape (2, 2), but there are 3 depots and clients"]),
        ({"distance": -np.ones((3, 3))}, ["distance: negative: depot → depot (−1)", "and 4 more"]),
        ({"duration": np.full((3, 3), np.nan)}, ["duration: not a number: depot → depot"]),
        ({"cost": np.array([["x"] * 3] * 3)}, ["cost 'cost': not a matrix of numbers"]),
        ({"cost": {"fixed": np.ones((3, 3))}}, ["the name 'fixed' is taken by a term of the problem"]),
        (
            {"cost": {"fuel": FUEL.bind(km=arc.distnce)}},
            ["does not know 'arc.distnce'; did you mean 'arc.distance'?"],
        ),
        (
            {"cost": {"fuel": FUEL.bind(km=client.zone)}},
            ["cost 'fuel': the problem does not know 'client.zone'"],
        ),
        ({"cost": {"fuel": FUEL.bind(km=client.prize)}}, ["a prize is not paid per leg"]),
        (
            {"cost": {"fuel": FUEL.bind(km=vehicle.fuel)}},
            ["cost 'fuel': the problem does not know 'vehicle.fuel'"],
        ),
        ({"cost": {"fuel": FUEL.bind(km=state.load)}}, ["law 'fuel'", "'km' bound to state.load", "'t'"]),
        ({"cost": {"fuel": MINUTES.bind(km=arc.distance)}}, ["law 'fuel'", "'min'", "'EUR'"]),
        ({"duration": MINUTES.bind(km=arc.duration)}, ["the law of travel time cannot read 'arc.duration'"]),
        ({"planning": {"clock.our": 8}}, ["planning: 'clock.our'; did you mean 'clock.hour'?"]),
        ({"planning": {"clock.hour": "noon", "state.load": np.nan}}, ["clock.hour = 'noon' is not a number"]),
    ],
)
def test_contradictions_are_refused_with_every_name(changes, messages):
    with pytest.raises(ProblemError) as caught:
        problem(**changes)
    for message in messages:
        assert message in str(caught.value)


def test_units_must_be_known():
    with pytest.raises(ProblemError, match="units: distance: unknown unit 'kmm'"):
        RoutingUnits(distance="kmm")


def test_an_attribute_of_clients_must_be_known_on_the_way_back():
    clients = [replace(client_, attributes={"zone": "n"}) for client_ in CLIENTS]
    law = parse_formula("1 + 0 * km", [KM], Variable("fee", "EUR"))
    with pytest.raises(
        ProblemError, match="depot 'depot' has no 'zone', which the law reads on legs from or to it"
    ):
        problem(clients=clients, cost={"fee": law.bind(km=client.zone)})


def test_a_law_without_a_value_on_a_leg_is_refused():
    log = parse_formula("log(km)", [KM], Variable("fee", "EUR"))
    same = [Client("a", 3.0, 4.0), Client("b", 3.0, 4.0)]
    with pytest.raises(ProblemError, match="law 'fee'"):
        problem(clients=same, cost={"fee": log.bind(km=arc.distance)})
    assert problem(cost={"fee": log.bind(km=arc.distance)}).planning_values.costs.shape == (1, 3, 3)


def test_values_below_zero_count_as_zero():
    law = parse_formula("km - 6", [KM], Variable("fee", "EUR"))
    given = problem(cost={"fee": law.bind(km=arc.distance)})
    plan = given.plan_from([["a", "b"]])
    assert given.price(plan).lines["amount"].tolist() == [0, 0, 4]
    (use,) = given.extrapolations(plan)
    assert use.where == "van 1: depot → a, a → b"
    assert "fee falls to −1 EUR on 2 legs" in use.message


ROADS = pd.DataFrame({"tail": [1, 2, 3, 2], "head": [2, 3, 2, 1], "length": [1000.0, 2000.0, 2000.0, 1000.0]})


def on_roads(**changes: object) -> RoutingProblem:
    law = parse_formula("30 * km", [Variable("km", "km", low=0, high=1.5)], Variable("s", "s"))
    roads = RoadNetwork(ROADS, law.bind(km=link.length), distance="m", time="s")
    clients = [Client("a", demand=0.1, attributes={"node": 2}), Client("3", demand=0.1)]
    return problem(
        depots=[Depot("depot", attributes={"node": Quantity(1.0)})],
        clients=clients,
        **{"duration": roads, **changes},
    )


def test_a_road_network_gives_times_and_distances_in_the_problem_units():
    given = on_roads()
    assert given.network_nodes == ("1", "2", "3")
    assert given.data.distance[0].tolist() == [0, 1, 3]
    assert given.planning_values.durations[0, 0, 1:].tolist() == [0.5, 1.5]
    assert set(given.laws()) == {"duration", "fuel"}
    lengths = on_roads(duration=MINUTES.bind(km=arc.distance), distance=given.duration)
    assert lengths.planning_values.durations[0, 0, 1:].tolist() == [2, 6]


def test_a_road_network_needs_units_that_measure_time():
    roads = RoadNetwork(ROADS, np.ones(4), time="km")
    with pytest.raises(ProblemError, match="road network: cannot convert 'km'"):
        on_roads(duration=roads)


@pytest.mark.parametrize(
    ("count", "rule"), [(1.5, "a whole number"), (2.0, "a whole number"), (-1, "at least 0")]
)
def test_vehicles_are_counted_in_whole_numbers(count, rule):
    one = np.ones((1, 1))
    with pytest.raises(
        ProblemError, match=f"vehicles: num_available of 'van': must be {rule}, not the number {count}"
    ):
        RoutingProblem([Depot("depot")], [], [VehicleType("van", count)], one, one, one)


def test_the_unit_of_time_measures_time():
    with pytest.raises(ProblemError, match="units: time: 'km' does not measure time"):
        RoutingUnits(time="km")
