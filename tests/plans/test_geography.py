"""Latitudes and longitudes: distances, maps, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt import RoutingProblem, SupplyProblem
from kanopt.errors import ProblemError
from kanopt.plans.geography import EARTH_RADIUS_KM, Positions, great_circle_km, looks_like_degrees
from kanopt.routing import Client, Depot, RoutingUnits, VehicleType
from kanopt.supply import Facility, Lane, Period, Product, Supplier
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


def renamed(**named):
    return {"depots": BERLIN.rename(columns=named), "clients": TOWNS.rename(columns=named)}


def supply(**given):
    problem = {
        "suppliers": [Supplier("Paris", "flour", unit_cost=2.0, lat=48.8566, lon=2.3522)],
        "facilities": [Facility("Milan", lat=45.4642, lon=9.19)],
        "markets": pd.DataFrame(
            {"name": ["Rome", "Lyon"], "lat": [41.9028, 45.764], "lon": [12.4964, 4.8357]}
        ),
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


def by_law_of_cosines(lat, lon):
    """Great circles by another formula, exact enough for places that do not lie close together."""
    lat, lon = np.radians(lat), np.radians(lon)
    turn = np.cos(lon[:, None] - lon[None, :])
    cosine = np.sin(lat)[:, None] * np.sin(lat) + np.cos(lat)[:, None] * np.cos(lat) * turn
    return EARTH_RADIUS_KM * np.arccos(np.clip(cosine, -1, 1))


def test_great_circles_are_those_of_the_sphere_and_maps_are_true_to_them_around_their_middle():
    quarter = EARTH_RADIUS_KM * np.pi / 2
    assert great_circle_km(np.array([10.0, 179.0]), np.array([-10.0, -1.0])) == pytest.approx(2 * quarter)
    rng = np.random.default_rng(3)
    places = np.column_stack([rng.uniform(-90, 90, 40), rng.uniform(-180, 180, 40)])
    found = great_circle_km(places[:, None], places[None, :])
    assert np.allclose(found, by_law_of_cosines(*places.T), atol=1e-3)
    # also across the date line
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
    records = [
        Client(row.Name, lat=row.lat, lon=row.lon)
        for row in TOWNS.rename(columns={"name": "Name"}).itertuples()
    ]
    by_hand = routing([Depot("Berlin", lat=52.52, lon=13.405)], records)
    assert np.array_equal(by_hand.data.distance, problem.data.distance)
    (view, *_) = problem.assess(problem.plan_from([["Potsdam"]])).views()
    drawn = view.points.set_index("name")[["x", "y"]]
    assert np.linalg.norm(drawn.loc["Berlin"] - drawn.loc["Potsdam"]) == pytest.approx(crow, rel=0.02)


def test_lanes_are_as_long_as_great_circles_times_the_detour():
    problem = supply()
    lengths, drawn = problem.network.distances, problem.network.positions.on_map
    crow = by_law_of_cosines([48.8566, 45.4642], [2.3522, 9.19])[0, 1]
    assert (lengths[0], lengths[2]) == (pytest.approx(1.3 * crow), 512.0)
    assert problem.assumptions() == ("distances are great-circle × 1.3 (detour)",)
    assert supply(detour=1.5).network.distances[1] == pytest.approx(lengths[1] * 1.5 / 1.3)
    assert np.linalg.norm(drawn[0] - drawn[1]) == pytest.approx(crow, rel=0.03)


FLAT = pd.DataFrame(
    {"name": ["Rome", "Lyon", "Nice"], "x": [12.4964, 4.8357, 7.262], "y": [41.9028, 45.764, 43.7102]}
)
HERE = {"suppliers": [Supplier("Paris", "flour", unit_cost=1.0)], "facilities": [Facility("Milan")]}
EAST = {"depots": BERLIN.assign(lon=113.4), "clients": TOWNS.assign(lon=[113.1, 113.2, 113.3])}
DEGREES = {"lat": "y", "lon": "x"}
ROUGH = pd.DataFrame({"name": list("abcd"), "x": [-9.4, -9.4, -9.2, -8.4], "y": [38.7, 38.8, 39.8, 39.4]})


@pytest.mark.parametrize(
    ("make", "given", "message"),
    [
        (
            routing,
            {"clients": TOWNS.assign(lat=[113.1, 113.5, 113.8])},
            "lat of 'Potsdam' .* are lat and lon swapped",
        ),
        (routing, {"clients": TOWNS.assign(lon=[13.1, None, 13.9])}, "'Bernau': give both lat and lon"),
        (routing, {"clients": FLAT}, "'Rome' has x and y, but 'Berlin' of depots has lat and lon"),
        (
            supply,
            {"suppliers": [Supplier("Paris", "flour", x=1.0, y=2.0)]},
            "'Paris' has x and y, but 'Milan'",
        ),
        (routing, {"detour": 0.9}, "detour must be a number of at least 1"),
        (routing, {"detour": 1.2, "distance": np.ones((4, 4))}, "detour is a factor on distances between"),
        # degrees in columns for kilometres are asked back, with what to write
        (
            routing,
            renamed(**DEGREES),
            r"look like degrees .*depots.rename\(columns=\{'x': 'lon', 'y': 'lat'\}\)",
        ),
        (
            routing,
            {name: table.rename(columns={"lat": "x", "lon": "y"}) for name, table in EAST.items()},
            "as far as y is the longitude",
        ),
        (routing, {"depots": ROUGH[:1].round(0), "clients": ROUGH[1:].round(0)}, "look like degrees"),
        (supply, {"markets": FLAT, **HERE}, "markets: column 'x' and column 'y' look like degrees"),
        # and so are columns of other names
        (
            routing,
            renamed(lat="Breitengrad", lon="geo_lng"),
            "'Breitengrad' .the field lat.*'geo_lng' .the field lon",
        ),
    ],
)
def test_coordinates_that_cannot_be_are_refused_or_asked_about(make, given, message):
    with pytest.raises(ProblemError, match=message):
        make(**given)


def test_a_declared_unit_or_given_distances_answer_the_question():
    tables = renamed(**DEGREES)
    declared = with_units(tables["clients"], {"x": "km", "y": "km"})
    assert routing(tables["depots"], declared).data.distance[0, 1] < 1
    routing(**tables, distance=np.ones((4, 4)))
    metres = with_units(FLAT.assign(x=FLAT["x"] * 1000, y=FLAT["y"] * 1000), {"x": "m", "y": "m"})
    assert supply(markets=metres, **HERE).network.positions.on_map[-1].tolist() == pytest.approx(
        [7.262, 43.7102]
    )
    # records built by hand are remarked upon
    places = [Client("a", 13.0657, 52.3989), Client("b", 13.5875, 52.6788)]
    assert any("look like degrees" in each for each in routing([Depot("d", 13.405, 52.52)], places).remarks())


def test_places_at_one_point_are_asked_about_in_every_kind_of_problem():
    frame = pd.DataFrame({"name": ["b", "c"], "x": [-9, -9], "y": [39, 39]})
    for clients in (frame, [Client("b", -9, 39), Client("c", -9, 39)]):
        [asked] = routing([Depot("a", -9, 39)], clients).unusual()
        assert "all 3 places of depots and clients lie at one point (−9, 39)" in asked
    assert not routing([Depot("a", -9, 39)], [Client("b", -9, 39), Client("c", -9, 40)]).unusual()
    assert not routing([Depot("a", -9, 39)], frame, distance=np.ones((3, 3))).unusual()
    here = {"lat": 48.9, "lon": 2.4}
    suppliers, sites = [Supplier("Paris", "flour", unit_cost=2.0, **here)], [Facility("Milan", **here)]
    markets = pd.DataFrame({"name": ["Rome", "Lyon"]}).assign(**here)
    [asked] = supply(suppliers=suppliers, facilities=sites, markets=markets).unusual()
    assert "all 4 places of suppliers, facilities and markets lie at one point (48.9, 2.4)" in asked


@pytest.mark.parametrize("seed", range(10))
def test_degrees_are_told_from_kilometres(seed):
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
        assert looks_like_degrees(near.tolist())
        assert looks_like_degrees(near[:, ::-1].tolist())
    many = rng.uniform(0, [[10.0, 100.0][seed % 2]] * 2, (n + 9, 2))
    metres = rng.uniform([386_000, 5_810_000], [398_000, 5_825_000], (n, 2)).round(2)
    for flat in (rng.integers(0, 100, (n, 2)), many, many - many.mean(axis=0), metres):
        assert not looks_like_degrees(flat.tolist())
