"""Latitudes and longitudes: distances, maps, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import (
    Client,
    Depot,
    Facility,
    Lane,
    Period,
    Product,
    RoutingProblem,
    RoutingUnits,
    Supplier,
    SupplyProblem,
    VehicleType,
)
from kanopt.problems.geography import EARTH_RADIUS_KM, Positions, great_circle_km, looks_like_degrees
from kanopt.tables import with_units

VAN = [VehicleType("van", fixed_cost=1.0)]
TOWNS = pd.DataFrame(
    {
        "name": ["Potsdam", "Bernau", "Strausberg"],
        "lat": [52.3989, 52.6788, 52.5787],
        "lon": [13.0657, 13.5875, 13.8874],
    }
)
BERLIN = pd.DataFrame({"name": ["Berlin"], "lat": [52.52], "lon": [13.405]})


def routing(depots=BERLIN, clients=TOWNS, **given):
    n = len(depots) + len(clients)
    return RoutingProblem(depots, clients, VAN, {}, np.ones((n, n)), **given)


def by_law_of_cosines(lat, lon):
    """Great circles by another formula, exact enough for places that do not lie close together."""
    lat, lon = np.radians(lat), np.radians(lon)
    turn = np.cos(lon[:, None] - lon[None, :])
    cosine = np.sin(lat)[:, None] * np.sin(lat) + np.cos(lat)[:, None] * np.cos(lat) * turn
    return EARTH_RADIUS_KM * np.arccos(np.clip(cosine, -1, 1))


def test_great_circles_are_those_of_the_sphere():
    quarter = EARTH_RADIUS_KM * np.pi / 2
    assert great_circle_km(np.array([0.0, 0.0]), np.array([90.0, 7.0])) == pytest.approx(quarter)
    assert great_circle_km(np.array([10.0, 179.0]), np.array([-10.0, -1.0])) == pytest.approx(2 * quarter)
    assert great_circle_km(np.array([50.0, 9.0]), np.array([50.0, 9.0])) == 0.0
    rng = np.random.default_rng(3)
    lat, lon = rng.uniform(-90, 90, 40), rng.uniform(-180, 180, 40)
    places = np.column_stack([lat, lon])
    found = great_circle_km(places[:, None], places[None, :])
    assert np.allclose(found, by_law_of_cosines(lat, lon), atol=1e-3)


def test_a_map_is_true_to_distances_around_its_middle_also_across_the_date_line():
    rng = np.random.default_rng(5)
    for lat, lon in ((52.5, 13.4), (-36.8, 179.99), (0.0, -180.0)):
        degrees = np.column_stack([lat + rng.uniform(-0.2, 0.2, 12), lon + rng.uniform(-0.2, 0.2, 12)])
        drawn = Positions(np.full((12, 2), np.nan), degrees, "km").on_map
        apart = np.linalg.norm(drawn[:, None] - drawn[None, :], axis=2)
        assert np.allclose(apart, great_circle_km(degrees[:, None], degrees[None, :]), rtol=5e-3, atol=1e-6)


def test_distances_are_great_circles_times_a_detour_that_is_told():
    problem = routing()
    crow = great_circle_km(*(problem.positions.degrees[[0, 1]]))
    assert 26 < crow < 28  # Berlin to Potsdam
    assert problem.data.distance[0, 1] == pytest.approx(1.3 * crow)
    assert "distances are great-circle × 1.3 (detour)" in problem.remarks()
    flown = routing(detour=1.0, units=RoutingUnits(distance="m"))
    assert flown.data.distance[0, 1] == pytest.approx(1000 * crow)
    assert "distances are great-circle × 1 (detour)" in flown.remarks()


def test_records_and_frames_give_the_same_distances():
    by_hand = routing(
        [Depot("Berlin", lat=52.52, lon=13.405)],
        [
            Client(row.name_, lat=row.lat, lon=row.lon)
            for row in TOWNS.rename(columns={"name": "name_"}).itertuples()
        ],
    )
    assert np.array_equal(by_hand.data.distance, routing().data.distance)


def test_a_detour_lengthens_straight_lines_where_it_is_given():
    problem = routing([Depot("d", 0, 0)], [Client("a", 3, 4)], detour=1.2)
    assert problem.data.distance[0, 1] == pytest.approx(6.0)
    assert "distances are straight lines × 1.2 (detour)" in problem.remarks()
    assert not routing([Depot("d", 0, 0)], [Client("a", 3, 4)]).assumptions()


@pytest.mark.parametrize(
    ("clients", "message"),
    [
        (
            TOWNS.rename(columns={"lat": "lon", "lon": "lat"}).assign(lat=[113.1, 113.5, 113.8]),
            "clients: lat of 'Potsdam' (113.1), 'Bernau' (113.5), 'Strausberg' (113.8) is no latitude, which lies "
            "between −90 and 90; are lat and lon swapped?",
        ),
        (
            TOWNS.assign(lon=[13.1, 200.0, 13.9]),
            "clients: lon of 'Bernau' (200) is no longitude, which lies between −180 and 180; give degrees",
        ),
        (TOWNS.assign(lon=[13.1, None, 13.9]), "clients 'Bernau': give both lat and lon, or neither"),
        (
            pd.DataFrame({"name": ["a"], "x": [3.0], "y": [4.0]}),
            "clients: 'a' has x and y, but 'Berlin' of depots has lat and lon; give all places the same, so that the "
            "distances between them are known",
        ),
    ],
)
def test_coordinates_that_cannot_be_are_refused(clients, message):
    with pytest.raises(ProblemError) as caught:
        routing(clients=clients)
    assert message in str(caught.value).split("\n")


@pytest.mark.parametrize("detour", [0.9, float("nan"), float("inf"), "1.3", True])
def test_a_detour_shorter_than_a_straight_line_is_refused(detour):
    with pytest.raises(ProblemError, match="detour must be a number of at least 1"):
        routing(detour=detour)


def test_a_detour_beside_given_distances_is_refused():
    with pytest.raises(ProblemError, match="detour is a factor on distances between coordinates"):
        routing(distance=np.ones((4, 4)), detour=1.2)


DEGREES = {"lat": "y", "lon": "x"}


def test_degrees_in_x_and_y_of_tables_are_asked_back():
    with pytest.raises(ProblemError) as caught:
        routing(BERLIN.rename(columns=DEGREES), TOWNS.rename(columns=DEGREES))
    assert str(caught.value) == (
        "depots: column 'x' and column 'y' look like degrees (x from 13.07 to 13.89, y from 52.4 to 52.68), but would "
        "count in km; if they are degrees, write depots.rename(columns={'x': 'lon', 'y': 'lat'}) and "
        "clients.rename(columns={'x': 'lon', 'y': 'lat'}), as far as x is the longitude; if they are km, declare 'km' "
        "as their unit"
    )


def test_degrees_of_which_y_can_be_the_longitude_only_are_asked_back_so():
    with pytest.raises(
        ProblemError, match=r"rename\(columns=\{'y': 'lon', 'x': 'lat'\}\), as far as y is the long"
    ):
        routing(
            BERLIN.assign(lon=113.4).rename(columns={"lat": "x", "lon": "y"}),
            TOWNS.assign(lon=[113.1, 113.2, 113.3]).rename(columns={"lat": "x", "lon": "y"}),
        )


@pytest.mark.parametrize("decimals", [1, 0])
def test_rounded_degrees_are_asked_back_too(decimals):
    places = pd.DataFrame(
        {"name": list("abcd"), "x": [-9.4, -9.4, -9.2, -8.4], "y": [38.7, 38.8, 39.8, 39.4]}
    )
    with pytest.raises(ProblemError, match="look like degrees"):
        routing(places[:1].round(decimals), places[1:].round(decimals))


def test_places_at_one_point_are_asked_about_in_every_kind_of_problem():
    told = (
        "clients: all 3 places of depots and clients lie at one point (−9, 39), so that no way has a length"
    )
    frame = pd.DataFrame({"name": ["b", "c"], "x": [-9, -9], "y": [39, 39]})
    for clients in (frame, [Client("b", -9, 39), Client("c", -9, 39)]):
        [asked] = routing([Depot("a", -9, 39)], clients).unusual()
        assert asked.startswith(told)
    assert not routing([Depot("a", -9, 39)], [Client("b", -9, 39), Client("c", -9, 40)]).unusual()
    assert not routing([Depot("a", -9, 39)], frame, distance=np.ones((3, 3))).unusual()
    here = {"lat": 48.9, "lon": 2.4}
    [asked] = supply(
        suppliers=[Supplier("Paris", "flour", unit_cost=2.0, **here)],
        facilities=[Facility("Milan", **here)],
        markets=pd.DataFrame({"name": ["Rome", "Lyon"]}).assign(**here),
    ).unusual()
    assert asked.startswith(
        "markets: all 4 places of suppliers, facilities and markets lie at one point (48.9, 2.4)"
    )


def test_a_declared_unit_or_given_distances_answer_the_question():
    clients = with_units(TOWNS.rename(columns=DEGREES), {"x": "km", "y": "km"})
    assert routing(BERLIN.rename(columns=DEGREES), clients).data.distance[0, 1] < 1
    routing(BERLIN.rename(columns=DEGREES), TOWNS.rename(columns=DEGREES), distance=np.ones((4, 4)))


def test_degrees_in_records_built_by_hand_are_remarked():
    depot, *clients = [
        Depot("d", 13.405, 52.52),
        Client("a", 13.0657, 52.3989),
        Client("b", 13.5875, 52.6788),
    ]
    assert any("look like degrees" in remark for remark in routing([depot], clients).remarks())


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_degrees_are_told_from_kilometres(seed, swap):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 60))
    towns = [
        (13.4, 52.5),
        (2.35, 48.86),
        (-0.13, 51.5),
        (-87.6, 41.9),
        (139.7, 35.7),
        (103.8, 1.35),
        (-70.7, -33.4),
    ]
    for east, north in towns:
        near = np.column_stack([east + rng.normal(0, 0.2, n), north + rng.normal(0, 0.1, n)]).round(4)
        assert looks_like_degrees((near[:, ::-1] if swap else near).tolist())
    assert not looks_like_degrees(rng.integers(0, 100, (n, 2)).tolist())
    many = rng.uniform(0, [[10.0, 100.0][seed % 2]] * 2, (n + 9, 2))
    assert not looks_like_degrees(many.tolist())
    assert not looks_like_degrees((many - many.mean(axis=0)).tolist())
    metres = rng.uniform([386_000, 5_810_000], [398_000, 5_825_000], (n, 2)).round(2)
    assert not looks_like_degrees(metres.tolist())


def supply(**given):
    markets = pd.DataFrame({"name": ["Rome", "Lyon"], "lat": [41.9028, 45.764], "lon": [12.4964, 4.8357]})
    problem = {
        "suppliers": [Supplier("Paris", "flour", unit_cost=2.0, lat=48.8566, lon=2.3522)],
        "facilities": [Facility("Milan", lat=45.4642, lon=9.19)],
        "markets": markets,
        "products": [Product("flour")],
        "periods": [Period("1")],
        "lanes": [
            Lane("Paris", "Milan"),
            Lane("Milan", "Rome"),
            Lane("Paris", "Lyon", "rail", distance=512.0),
        ],
        "tariff": 1.0,
        "demand": 1.0,
    }
    return SupplyProblem(**{**problem, **given})


def test_lanes_are_as_long_as_great_circles_times_the_detour():
    problem = supply()
    lengths = problem.network.distances
    crow = by_law_of_cosines([48.8566, 45.4642], [2.3522, 9.19])[0, 1]
    assert lengths[0] == pytest.approx(1.3 * crow)
    assert lengths[2] == 512.0
    assert problem.assumptions() == ("distances are great-circle × 1.3 (detour)",)
    assert supply(detour=1.5).network.distances[1] == pytest.approx(lengths[1] * 1.5 / 1.3)
    drawn = problem.network.coordinates
    assert np.linalg.norm(drawn[0] - drawn[1]) == pytest.approx(crow, rel=0.03)


def test_places_of_a_supply_problem_are_checked_in_the_same_way():
    with pytest.raises(
        ProblemError, match="suppliers: 'Paris' has x and y, but 'Milan' of facilities has lat and lon"
    ):
        supply(suppliers=[Supplier("Paris", "flour", x=1.0, y=2.0)])
    flat = pd.DataFrame(
        {"name": ["Rome", "Lyon", "Nice"], "x": [12.4964, 4.8357, 7.262], "y": [41.9028, 45.764, 43.7102]}
    )
    here = {"suppliers": [Supplier("Paris", "flour", unit_cost=1.0)], "facilities": [Facility("Milan")]}
    with pytest.raises(ProblemError, match="markets: column 'x' and column 'y' look like degrees"):
        supply(markets=flat, **here)
    declared = with_units(flat.assign(x=flat["x"] * 1000, y=flat["y"] * 1000), {"x": "m", "y": "m"})
    assert supply(markets=declared, **here).network.coordinates[-1].tolist() == pytest.approx(
        [7.262, 43.7102]
    )


def test_a_plan_is_drawn_in_kilometres():
    problem = routing()
    plan = problem.plan_from([["Potsdam", "Bernau", "Strausberg"]])
    (view, *_) = problem.assess(plan).views()
    drawn = view.points.set_index("name")[["x", "y"]]
    assert np.linalg.norm(drawn.loc["Berlin"] - drawn.loc["Potsdam"]) == pytest.approx(26.6, rel=0.02)
    assert view.unit == "km"
    again = replace(problem, clients=problem.clients[:2], duration=np.ones((3, 3)))
    assert again.data.distance[0, 1] == problem.data.distance[0, 1]


@pytest.mark.parametrize("lat", ["latitude", "Lat", "geo_lat", "breitengrad", "lat"])
@pytest.mark.parametrize("lon", ["longitude", "Long", "geo_lng", "laengengrad", "lng"])
def test_columns_that_look_like_degrees_are_named_where_coordinates_are_missing(lat, lon):
    named = {"lat": lat, "lon": lon}
    with pytest.raises(ProblemError) as caught:
        routing(BERLIN.rename(columns=named), TOWNS.rename(columns=named))
    told = str(caught.value)
    assert f"{lon!r} (the field lon, in deg?)" in told
    assert f"{lon!r}: 'lon'}})" in told
    assert (f"{lat!r} (the field lat, in deg?)" in told) == (lat != "lat")
