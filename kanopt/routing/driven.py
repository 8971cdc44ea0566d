"""A day as it was driven: a table of stops with their times, joined with the plan of that day."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, nearest
from kanopt.faults import MAY_BE_BLANK, Name
from kanopt.records.declaration import field, other_columns, record
from kanopt.records.fields import CLOCK
from kanopt.records.reading import Attribute, RecordReader
from kanopt.routing.entities import split_label
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.text import clock_text, count_text, list_names
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.routing.assessment import RoutingAssessment

KnownClock = Annotated[float, CLOCK, MAY_BE_BLANK]
"""A clock time, no number where nobody wrote it down."""


_SHOWN = 5
_Visit: TypeAlias = tuple[float, float, float, float]
"""Arrival, end and load of a stop, and when the vehicle left the last place on the way that the problem does not know:
no number where there was none, minus infinity where nobody wrote it down."""


@record("driven", key=("vehicle", "client", "arrival"), of_day=True)
class DrivenStop:
    """A stop as it was driven.

    Examples
    --------
    >>> DrivenStop("van 2", "Lyon", arrival=610.0, end=625.0).client
    'Lyon'
    """

    vehicle: Name = field(doc='The vehicle, as plans call it: ``"van 2"``.')
    client: Name = field(doc="The client; the depot where the vehicle loaded again on the way.")
    arrival: KnownClock = field(
        default=math.nan,
        unit="time",
        words="arrived, arrival time, ankunft, arrivee, llegada, przyjazd",
        doc="Clock time of arrival, from midnight; blank where nobody wrote it down.",
    )
    end: KnownClock = field(
        default=math.nan,
        unit="time",
        words="finished, left, service end, abfahrt, fertig, depart, fin, salida, odjazd",
        doc="Clock time at which the vehicle drove on.",
    )
    index: Annotated[float, MAY_BE_BLANK] = field(
        default=math.nan,
        doc="Which vehicle of its type, from 1, where `vehicle` names the type, as in frames of plans.",
    )
    stop: Annotated[float, MAY_BE_BLANK] = field(
        default=math.nan,
        doc="Its number on the route; where it is blank, arrivals say the order, and else the rows.",
    )
    departure: KnownClock = field(
        default=math.nan, unit="time", doc="When the vehicle left its depot, in any row of the vehicle."
    )
    back: KnownClock = field(
        default=math.nan, unit="time", doc="When the vehicle was back, in any row of the vehicle."
    )
    load: Annotated[float, MAY_BE_BLANK] = field(
        default=math.nan,
        unit="load",
        doc="What was on board on arrival; where it is blank, what the plan's demands say.",
    )
    attributes: Mapping[str, Attribute] = other_columns("Whatever else is known of it.")


@dataclass(frozen=True, eq=False)
class DrivenDay:
    """Routes as they were driven; arrays of shape (routes, legs), as routes are laid out to be driven.

    Parameters
    ----------
    plan
        The routes, with their departures.
    arrive, end, load
        When each stop was reached and left, and what was on board on arrival; the last leg of a route that returns has
        the return. NaN where unknown.
    left_detour
        When vehicles left the last place on a leg that the problem does not know, NaN where there was none; minus
        infinity where nobody wrote that down.
    notes
        What was wrong, missing or unknown in the table, in sentences.
    """

    plan: RoutingPlan
    arrive: Floats
    end: Floats
    load: Floats
    left_detour: Floats
    notes: tuple[str, ...]

    @property
    def detour(self) -> NDArray[np.bool_]:
        """Which legs led over places that the problem does not know."""
        return ~np.isnan(self.left_detour)


def read_driven(planned: RoutingAssessment, driven: Any) -> DrivenDay:
    """Read what was driven, and join it with the plan of the day.

    A planned stop that is not in the table was left out.

    Parameters
    ----------
    planned
        The plan of the day on the laws.
    driven
        A frame with the columns of :class:`DrivenStop`, or such records.

    Raises
    ------
    ProblemError
        With every mistake in the table; with vehicles that the problem does not know, and where nothing of the table is
        of this day.
    """
    problem = planned.problem
    if isinstance(driven, pd.DataFrame) and "arrival" not in driven.columns:
        driven = driven.rename(columns={"arrive": "arrival"})  # as frames of plans call it
    reader = RecordReader(problem.data.day)
    stops: Sequence[DrivenStop] = reader.read(driven, problem.units.table(DrivenStop))
    reader.finish()
    if not stops:
        raise ProblemError("driven: the table has no row; give one for each stop")
    return _Reading(planned, stops).day()


class _Reading:
    """Makes routes of rows."""

    def __init__(self, planned: RoutingAssessment, stops: Sequence[DrivenStop]) -> None:
        self.problem, self.planned, self.stops = planned.problem, planned.plan, stops
        self.notes: list[str] = []
        self.unknown: list[str] = []
        self.backwards: list[str] = []
        self.twice: list[str] = []

    def day(self) -> DrivenDay:
        """Return the day."""
        rows = self._vehicles()
        self._check_day()
        found = [self._route(vehicle, part) for vehicle, part in rows.items()]
        found = [each for each in found if each[0].clients]
        if not found:
            raise ProblemError(
                "driven: none of the clients is one of the plan; is it the table of another day? "
                f"{nearest(self.stops[0].client, [client.name for client in self.problem.data.clients])}"
            )
        longest = max(len(route.clients) for route, _ in found) + 1
        known = np.full((4, len(found), longest), np.nan)
        for place, (_, times) in enumerate(found):
            known[:, place, : len(times)] = np.transpose(times)
        routes = tuple(route for route, _ in found)
        served = {name for route in routes for name in route.clients}
        names = [client.name for client in self.problem.data.clients]
        plan = RoutingPlan(routes, tuple(name for name in names if name not in served))
        if len(self.backwards) > np.isfinite(known[:2]).sum():
            raise ProblemError(
                f"driven: most times run backwards, such as {'; '.join(self.backwards[:_SHOWN])}; are vehicles told "
                f"apart, and stops numbered in the order in which they were made?"
            )
        self._tell(plan)
        arrive, end, load, left_detour = known
        return DrivenDay(plan, arrive, end, load, left_detour, tuple(self.notes))

    def _vehicles(self) -> dict[tuple[str, int], list[DrivenStop]]:
        """Return the stops of each vehicle, by its type and number.

        Raises
        ------
        ProblemError
            Naming all vehicles that the problem does not know.
        """
        types, rows = self.problem.data.type_index, dict[tuple[str, int], list[DrivenStop]]()
        labels = {route.label: (route.vehicle, route.index) for route in self.planned.routes}
        mistakes: dict[str, None] = {}
        for stop in self.stops:
            label, is_numbered = stop.vehicle, math.isfinite(stop.index)
            name, index = split_label(label, types)
            number = stop.index if is_numbered else index
            available = self.problem.data.vehicles[types[name]].num_available if name in types else 0
            if label in labels and not is_numbered:
                rows.setdefault(labels[label], []).append(stop)
            elif number not in range(1, available + 1):
                mistakes[f"unknown vehicle {label!r}; {nearest(label, [*labels, *types])}"] = None
            elif label == name and not is_numbered and available > 1:
                mistakes[
                    f"{label!r} is a type of several vehicles; give their numbers in a column 'index'"
                ] = None
            else:
                rows.setdefault((name, int(number)), []).append(stop)
        if mistakes:
            advice = f"; call vehicles as the plan does, {list_names([*labels])}" if labels else ""
            raise ProblemError("\n".join(f"driven: {mistake}{advice}" for mistake in mistakes))
        return rows

    def _check_day(self) -> None:
        """Refuse clock times that are of another day."""
        hours = [
            convert(clock, self.problem.units.time, "h")
            for stop in self.stops
            for clock in (stop.arrival, stop.end)
            if math.isfinite(clock)
        ]
        if hours and not -24.0 <= float(np.median(hours)) <= 72.0:
            raise ProblemError(
                f"driven: the times are of another day than the plan's, {self.problem.data.day}; keep the rows of "
                f"that day, or state the day of the plan"
            )

    def _route(self, vehicle: tuple[str, int], stops: list[DrivenStop]) -> tuple[Route, list[_Visit]]:
        """Return a route, with what is known of each stop and of the return.

        Behind its last client a vehicle returns where it comes to its end, whatever it does after that.
        """
        data = self.problem.data
        depot, end, label = data.depot_of[vehicle[0]], data.end_of[vehicle[0]], f"{vehicle[0]} {vehicle[1]}"
        stops = self._in_order(stops)
        leaves, back = (_first(getattr(stop, name) for stop in stops) for name in ("departure", "back"))
        own = [data.index.get(stop.client, 0) >= len(data.depots) for stop in stops]
        last = max(np.flatnonzero(own), default=-1)
        names: list[str] = []
        times: list[_Visit] = []
        clock, detour = leaves, math.nan
        for place, stop in enumerate(stops):
            before = clock
            arrival, clock = self._next(clock, stop.arrival, label, stop.client)
            left, clock = self._next(clock, stop.end, label, stop.client)
            known = stop.client == depot or (own[place] and stop.client not in names)
            if stop.client == depot and not names:
                leaves = left if math.isfinite(left) else leaves
            elif place > last and stop.client in (depot, end):
                clock, back = before, back if math.isfinite(back) else arrival
                break
            elif known:
                names.append(stop.client)
                times.append((arrival, left, stop.load, detour))
                detour = math.nan
            else:
                (self.twice if stop.client in names else self.unknown).append(stop.client)
                detour = clock if math.isfinite(left) or math.isfinite(arrival) else -math.inf
        back, _ = self._next(clock, back, label, "its return")
        times.append((back, back, math.nan, detour))
        return Route(*vehicle, depot, tuple(names), leaves if math.isfinite(leaves) else None), times

    def _in_order(self, stops: list[DrivenStop]) -> list[DrivenStop]:
        """Return stops by their numbers, else by their arrivals, of which those past midnight come last."""
        if all(math.isfinite(stop.stop) for stop in stops):
            return sorted(stops, key=lambda stop: stop.stop)
        if all(math.isfinite(stop.arrival) for stop in stops):
            latest, day = max(stop.arrival for stop in stops), convert(24.0, "h", self.problem.units.time)
            return sorted(stops, key=lambda stop: stop.arrival + day * (latest - stop.arrival > day / 2.0))
        return stops

    def _next(self, clock: float, value: float, vehicle: str, where: str) -> tuple[float, float]:
        """Return a time, and the latest one that is known.

        One that lies more than half a day before that is of the next day. One that still runs backwards is told, and
        counts as unknown.
        """
        time = self.problem.units.time
        day = convert(24.0, "h", time)
        value = value + day if clock - value > day / 2.0 else value
        if value < clock:
            told = " after ".join(clock_text(each, time) for each in (value, clock))
            self.backwards.append(f"{vehicle} at {where} ({told})")
            value = math.nan
        return value, value if math.isfinite(value) else clock

    def _tell(self, plan: RoutingPlan) -> None:
        """Note what is missing, unknown or impossible."""
        before = {name for route in self.planned.routes for name in route.clients}
        missing = [name for name in plan.unserved if name in before]
        for names, one, many, words in (
            (missing, "planned stop", "", "not in the table and taken as left out"),
            (self.unknown, "stop", "", "at places that the plan does not know, which count as detours"),
            (self.twice, "client", "", "reached more than once, of which the first visit counts"),
            (self.backwards, "time that runs", "times that run", "backwards and count as unknown"),
        ):
            if names:
                told = list_names(names, quoted=one != "time that runs")
                self.notes.append(f"{count_text(len(names), one, many)} {words}: {told}")


def _first(values: Iterator[float] | Any) -> float:
    return next((value for value in values if math.isfinite(value)), math.nan)
