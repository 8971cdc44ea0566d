"""Maps are GeoJSON by the rules of RFC 7946, written down here once more."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import ProblemError
from kanopt.problems import evaluate
from kanopt.problems.earth import EarthLine
from kanopt.reports.exports.export import _line
from tests.reports.exports.conftest import NAMES, city


def check_position(place: object) -> None:
    """Section 3.1.1: longitude, latitude, and at most a height."""
    assert isinstance(place, list)
    assert len(place) in (2, 3)
    assert all(type(number) in (int, float) and math.isfinite(number) for number in place)
    assert -180 <= place[0] <= 180
    assert -90 <= place[1] <= 90


def check_line(places: list) -> None:
    """Sections 3.1.4 and 3.1.9: two or more positions, none beyond the antimeridian from the one before."""
    assert len(places) >= 2
    for place in places:
        check_position(place)
    assert all(abs(b[0] - a[0]) <= 180 for a, b in pairwise(places))


CHECKS = {
    "Point": check_position,
    "LineString": check_line,
    "MultiLineString": lambda lines: [check_line(places) for places in lines],
}


def check(document: dict) -> None:
    """Sections 3.2, 3.3, 4 and 7.1: a collection of features, no reference system, no members out of place."""
    assert set(document) == {"type", "features"}
    assert document["type"] == "FeatureCollection"
    for feature in document["features"]:
        assert set(feature) == {"type", "geometry", "properties"}
        assert feature["type"] == "Feature"
        assert isinstance(feature["properties"], dict)
        assert set(feature["geometry"]) == {"type", "coordinates"}
        CHECKS[feature["geometry"]["type"]](feature["geometry"]["coordinates"])


def read(path):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    text = path.read_text("utf-8")
    assert "<" not in text
    return json.loads(text, parse_constant=refuse)


def test_routes_are_lines_and_stops_are_points(routed, tmp_path):
    document = read(routed.to_geojson(tmp_path / "new" / "plan.geojson"))
    check(document)
    lines = [f for f in document["features"] if f["geometry"]["type"] == "LineString"]
    points = {f["properties"]["name"]: f for f in document["features"] if f["geometry"]["type"] == "Point"}
    assert [line["properties"]["name"] for line in lines] == ["van 1", "van 2"]
    assert lines[0]["properties"]["clients"] == 3
    hub, first = [13.35, 52.5], [13.4, 52.52]
    assert lines[0]["geometry"]["coordinates"][:2] == [hub, first]
    assert lines[0]["geometry"]["coordinates"][-1] == hub
    assert list(points) == ["hub", *NAMES]
    assert points[NAMES[0]]["geometry"]["coordinates"] == first
    assert points[NAMES[0]]["properties"]["vehicle"] == "van 1"
    assert points[NAMES[0]]["properties"]["begin"] == "08:00"
    assert points[NAMES[5]]["properties"]["role"] == "unserved"
    assert points[NAMES[5]]["properties"]["vehicle"] is None
    timetable = routed.assessment.timetable()
    on_first = timetable[timetable["vehicle"] == "van 1"]["distance"].sum()
    assert lines[0]["properties"]["distance"] == pytest.approx(on_first)


def test_places_on_a_plane_are_refused(planar, tmp_path):
    with pytest.raises(ProblemError, match=r"give every place a lat and a lon in degrees"):
        planar.to_geojson(tmp_path / "plan.geojson")
    assert not list(tmp_path.iterdir())


def test_a_route_across_the_antimeridian_is_cut_there(tmp_path):
    places = [(-17.0, lon) for lon in (178.0, 179.5, -179.0, -178.5, 179.0, 178.5)]
    problem = replace(city(places), depots=[replace(city().depots[0], lat=-17.0, lon=178.0)])
    document = read(evaluate(problem, [NAMES[:4], NAMES[4:]]).to_geojson(tmp_path / "fiji.geojson"))
    check(document)
    cut, whole = [f["geometry"] for f in document["features"] if f["geometry"]["type"] != "Point"]
    assert whole["type"] == "LineString"
    assert cut["type"] == "MultiLineString"
    assert [(part[0][0], part[-1][0]) for part in cut["coordinates"]] == [
        (178.0, 180.0),
        (-180.0, -180.0),
        (180.0, 178.0),
    ]


place = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(st.lists(place, min_size=2, max_size=6))
def test_any_line_on_earth_is_valid(places):
    geometry = _line(EarthLine(tuple(places), {}))["geometry"]
    CHECKS[geometry["type"]](geometry["coordinates"])
