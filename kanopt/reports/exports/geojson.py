"""A plan as GeoJSON (RFC 7946, Butler et al. 2016), which maps and geographic information systems read."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from kanopt.errors import ProblemError
from kanopt.problems.base import Problem
from kanopt.problems.earth import EarthLine, EarthPoint, Property
from kanopt.reports.subject import ReportSubject

_DECIMALS = 7  # of a degree: a centimetre; section 11.2 advises against more than are known
_SURROGATE = re.compile("[\ud800-\udfff]")
Place = tuple[float, float]


def geojson_text(subject: ReportSubject) -> str:
    """Return the lines and the places of a plan as a collection of features.

    Positions are longitude, latitude on WGS 84, the one reference system of the format. A line across the antimeridian
    is cut there into several (section 3.1.9).

    Raises
    ------
    ProblemError
        If places are no latitudes and longitudes: the format has no way to say what other coordinates mean.
    """
    result = subject.explanation.result
    earth = None if result.assessment is None else result.assessment.on_earth()
    if earth is None:
        raise ProblemError(no_map(result.problem))
    features = [*map(_line, earth.lines), *map(_point, earth.points)]
    text = json.dumps({"type": "FeatureCollection", "features": features}, allow_nan=False, indent=1)
    # so that a page that holds the text in a script cannot be ended by a name
    return text.replace("<", "\\u003c") + "\n"


def no_map(problem: Problem[Any]) -> str:
    """Say why there can be no such map of a plan of a problem; empty where there can."""
    if problem.on_earth:
        return ""
    return (
        "GeoJSON has longitudes and latitudes (RFC 7946), and the places of this plan have none; "
        "give every place a lat and a lon in degrees in place of x and y, or leave the export 'geojson' out"
    )


def _point(point: EarthPoint) -> dict[str, Any]:
    return _feature("Point", _position(point.lat, point.lon), point.properties)


def _line(line: EarthLine) -> dict[str, Any]:
    parts = _cut([(_turned(lon), lat) for lat, lon in line.places])
    rounded = [[_position(lat, lon) for lon, lat in part] for part in parts]
    if len(rounded) == 1:
        return _feature("LineString", rounded[0], line.properties)
    return _feature("MultiLineString", rounded, line.properties)


def _feature(kind: str, coordinates: Any, properties: Mapping[str, Property]) -> dict[str, Any]:
    said = {key: _value(value) for key, value in properties.items()}
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": said}


def _value(value: Property) -> Property:
    """Return a property as JSON can hold it: a number that is none is null."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _position(lat: float, lon: float) -> list[float]:
    return [round(_turned(lon), _DECIMALS), round(lat, _DECIMALS)]


def _turned(lon: float) -> float:
    """Return a longitude between -180 and 180."""
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180


def _cut(way: Sequence[Place]) -> list[list[Place]]:
    """Cut a way of (lon, lat) wherever the shorter way between two places leads across the antimeridian.

    Examples
    --------
    >>> _cut([(170.0, 0.0), (-170.0, 10.0)])
    [[(170.0, 0.0), (180.0, 5.0)], [(-180.0, 5.0), (-170.0, 10.0)]]
    """
    parts = [[way[0]]]
    for (lon, lat), (to_lon, to_lat) in pairwise(way):
        if abs(to_lon - lon) > 180:
            side = math.copysign(180.0, lon)
            ahead = to_lon + 2 * side
            # both on the antimeridian: the way runs along it
            share = (side - lon) / (ahead - lon) if ahead != lon else 0.0
            crossing = lat + share * (to_lat - lat)
            parts[-1].append((side, crossing))
            parts.append([(-side, crossing)])
        parts[-1].append((to_lon, to_lat))
    return parts
