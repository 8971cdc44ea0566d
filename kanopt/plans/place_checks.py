"""Mistakes in where places lie, for every kind of problem that has places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kanopt.faults import Fault, Renaming
from kanopt.plans.geography import looks_like_degrees
from kanopt.records.reading import RecordCheck, RecordReader
from kanopt.records.unread_columns import TableUse, lookalikes
from kanopt.text import join_list, list_names, number_text

_COORDINATES = ("x", "y", "lat", "lon")
_ENDS = {"lat": 90.0, "lon": 180.0}
_TOLD_APART = 3  # two places may well lie at one point
_MEANING = {"lat": "latitude", "lon": "longitude"}


def place_checks(
    places: Mapping[str, Sequence[Any]],
    reader: RecordReader,
    uses: Callable[[], Iterable[TableUse]],
    unit: str,
    *,
    measured: bool,
    needed: bool,
) -> list[RecordCheck]:
    """Look for coordinates that are none, that are mixed or missing, and for degrees that are passed as a distance.

    Parameters
    ----------
    places
        Table to its records, which have ``x``, ``y``, ``lat`` and ``lon``.
    reader
        What read the tables.
    uses
        Returns what the problem makes of its tables; asked where coordinates are missing.
    unit
        The problem's unit of distance.
    measured
        Whether distances follow from coordinates.
    needed
        Whether every place must have some for it.
    """
    tables = [*places]
    return [
        *(RecordCheck(_halves(table, places[table], uses), [table]) for table in tables),
        *(RecordCheck(_beyond(table, places[table]), [table]) for table in tables),
        RecordCheck(_mixed(places), tables),
        RecordCheck(_degrees(places, reader, unit) if measured else (), tables),
        RecordCheck(_nowhere(places, uses) if measured and needed else (), tables),
    ]


def _halves(table: str, places: Sequence[Any], uses: Callable[[], Iterable[TableUse]]) -> Iterable[Fault]:
    for pair in (("x", "y"), ("lat", "lon")):
        half = [place.name for place in places if len({_known(getattr(place, name)) for name in pair}) == 2]
        if half:
            like = lookalikes([use for use in uses() if use.table == table], pair)
            yield Fault(table, (f"give both {pair[0]} and {pair[1]}, or neither", *like), tuple(half))


def _nowhere(places: Mapping[str, Sequence[Any]], uses: Callable[[], Iterable[TableUse]]) -> Iterable[Fault]:
    """Yield the places without coordinates, which distances should follow from."""
    lost = [
        place.name
        for records in places.values()
        for place in records
        if not any(_known(getattr(place, name)) for name in _COORDINATES)
    ]
    if lost:
        advice = "give x and y, or lat and lon, a table of distances or a road network"
        what = f"no coordinates; {advice}"
        yield Fault([*places][-1], (what, *lookalikes(uses(), _COORDINATES)), tuple(lost))


def _beyond(table: str, places: Sequence[Any]) -> Iterable[Fault]:
    """Yield latitudes and longitudes that are none, and that they may stand in each other's column."""
    for name, end in _ENDS.items():
        wrong = [
            place for place in places if _known(getattr(place, name)) and not abs(getattr(place, name)) <= end
        ]
        if wrong:
            shown = [f"{place.name!r} ({number_text(getattr(place, name), 6)})" for place in wrong]
            swapped = name == "lat" and all(abs(place.lat) <= 180 and abs(place.lon) <= 90 for place in wrong)
            hint = "are lat and lon swapped?" if swapped else "give degrees"
            ends = f"{number_text(-end)} and {number_text(end)}"
            what = f"of {list_names(shown, quoted=False)} is no {_MEANING[name]}, which lies between {ends}"
            yield Fault(table, f"{name} {what}", advice=hint)


def _mixed(places: Mapping[str, Sequence[Any]]) -> Iterable[Fault]:
    every = [(table, place) for table, records in places.items() for place in records]
    planar = [(table, place.name) for table, place in every if _known(place.x) or _known(place.y)]
    earthly = [(table, place.name) for table, place in every if _known(place.lat) or _known(place.lon)]
    if planar and earthly:
        (table, name), (other, on_earth) = planar[0], earthly[0]
        what = f"{name!r} has x and y, but {on_earth!r} of {other} has lat and lon"
        advice = "give all places the same, so that the distances between them are known"
        yield Fault(table, what, advice=advice)


def _degrees(places: Mapping[str, Sequence[Any]], reader: RecordReader, unit: str) -> Iterable[Fault]:
    """Yield a question where x and y of tables look like degrees and no unit says that they are none."""
    read = [table for table in places if {"x", "y"} <= reader.filled.get(table, frozenset())]
    if not read or any({"x", "y"} & reader.declared[table] for table in read):
        return
    every = [place for table in read for place in places[table]]
    if asked := degrees_question(every, unit):
        # by themselves most people write the longitude first
        east, north = "yx" if any(_known(place.y) and abs(place.y) > 90 for place in every) else "xy"
        written: list[str | Renaming] = []
        for table in read:
            written += [" and " if written else "", Renaming(table, {east: "lon", north: "lat"})]
        end = f", as far as {east} is the longitude; if they are {unit}, declare {unit!r} as their unit"
        advice = ("if they are degrees, write ", *written, end)
        yield Fault(read[0], f"column 'x' and column 'y' {asked}", advice=advice)


def degrees_question(places: Sequence[Any], unit: str) -> str:
    """Return why x and y of some places look like degrees; empty where they do not."""
    if not looks_like_degrees([(place.x, place.y) for place in places]):
        return ""
    ranges = []
    for name in ("x", "y"):
        values = np.array([getattr(place, name) for place in places], dtype=float)
        ranges.append(f"{name} from {number_text(np.nanmin(values))} to {number_text(np.nanmax(values))}")
    return f"look like degrees ({', '.join(ranges)}), but would count in {unit}"


def at_one_point(places: Mapping[str, Sequence[Any]]) -> Iterable[Fault]:
    """Yield a question where all places lie at one point, so that every distance between them is 0."""
    every = [place for records in places.values() for place in records]
    points = {
        tuple(getattr(place, name) for name in _COORDINATES if _known(getattr(place, name)))
        for place in every
    }
    if len(every) >= _TOLD_APART and len(points) == 1 and (point := points.pop()):
        shown = ", ".join(number_text(value, 6) for value in point)
        what = (
            f"all {len(every)} places of {join_list([*places])} lie at one point ({shown}), so that no way has a "
            "length; are their coordinates rounded too far?"
        )
        yield Fault([*places][-1], what)


def detour_mistakes(detour: float | None, *, measured: bool) -> Iterable[Fault]:
    """Yield what is wrong with a detour factor.

    Parameters
    ----------
    detour
        The factor; None where it is not given.
    measured
        Whether distances follow from coordinates.
    """
    if detour is None:
        return
    if isinstance(detour, bool) or not isinstance(detour, (int, float)) or not 1 <= detour < np.inf:
        yield Fault("problem", f"detour must be a number of at least 1, such as 1.3, not {detour!r}")
    elif not measured:
        what = "detour is a factor on distances between coordinates, but distances are given"
        yield Fault("problem", what, advice="leave it out")


def _known(value: float | None) -> bool:
    return value is not None and value == value
