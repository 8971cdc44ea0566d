"""When and how long: goods that are ready, shifts, windows, breaks and rests, and limits and prices of a route."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from kanopt.faults import Fault
from kanopt.problems.broken_rules import RuleWords
from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.entities import Client, VehicleType
from kanopt.problems.routing.rules.loads import trips_of
from kanopt.problems.routing.rules.rule import (
    Drive,
    DrivenPlan,
    Given,
    LegPrice,
    Limit,
    LoneTrip,
    Measure,
    Obstacle,
    Pause,
    RoutePrice,
    Rule,
    early_ends,
    exceeds,
    more_than,
    sum_by_route,
    unreadable,
)
from kanopt.problems.routing.windows import parse_breaks, parse_windows
from kanopt.text import amount_text, clock_text, list_names


class Release(Limit):
    """A route leaves no sooner than the goods of its first trip are ready; those of later trips are waited for."""

    name = "release"
    what = "release times"
    words = RuleWords(
        "vehicle leaves before its goods are ready", "vehicles leave before their goods are ready"
    )
    fields = ("clients.release_time",)
    by_time = False
    bottleneck = "their goods are ready too late"
    even_alone = True
    given_up = ("release", "releases")
    freed = fields

    def too_late(self, data: RoutingData) -> Iterator[tuple[str, str]]:
        """Yield clients whose goods are ready only when their last window has closed, whatever the laws say."""
        unit = data.units.time
        for client, windows in zip(data.clients, data.windows, strict=True):
            closes = windows[-1][1]
            if client.release_time > closes and client.unit_lateness_cost is None:
                yield (
                    client.name,
                    f"client {client.name}: its goods are ready at {clock_text(client.release_time, unit)}, after its "
                    f"last window closes at {clock_text(closes, unit)}",
                )

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield when the goods of each first trip are ready, and when that leaves."""
        ready = np.full(len(driven.finish), -np.inf)
        if data.has_releases:
            first = np.ones(len(driven.route), dtype=bool)
            first[1:] = driven.route[1:] != driven.route[:-1]
            leg = np.arange(len(first))
            begins = np.maximum.accumulate(np.where(first, leg, 0))
            again = np.cumsum((driven.tail < len(data.depots)) & ~first)
            of_first = again == again[begins]
            np.maximum.at(ready, driven.route[of_first], data.ready_at_depot[driven.head[of_first]])
        routes = np.arange(len(ready))
        yield Measure(routes, ready, driven.departure, data.units.time, self._early)

    @staticmethod
    def _early(case: DrivenPlan, place: int) -> tuple[str, str]:
        data, route, unit = case.data, case.plan.routes[place], case.data.units.time
        leaves, ready = float(case.driven.departure[place]), data.released(route)
        last = max((data.index[name] for name in trips_of(route)[0]), key=data.ready_at_depot.__getitem__)
        return route.label, (
            f"{route.label} leaves at {clock_text(leaves, unit)}, {amount_text(ready - leaves, unit)} before what "
            f"client {data.names[last]} receives is ready at {clock_text(ready, unit)}"
        )

    def binds(self, data: RoutingData, names: Collection[str]) -> Iterator[str]:
        """Yield the clients whose goods are ready after a shift has begun."""
        fleet = [vehicle.shift_start for vehicle in data.vehicles if vehicle.num_available]
        starts = min(fleet, default=0.0)
        for client in data.clients:
            if client.name in names and data.release[data.index[client.name]] > starts:
                yield client.name


RELEASE = Release()


def ready_earlier(trip: LoneTrip) -> str:
    """Say how much earlier the goods of a client must be ready, where that would do."""
    data, place = trip.data, trip.place
    source = data.source[place]
    several = source >= 0 and len(data.windows[source - len(data.depots)]) > 1
    if several or data.service_times.plan_inputs:
        # by how much depends on the window in which they are loaded, or on how long that and service take then
        return ", or its goods ready earlier"
    begins_by = trip.vehicle.shift_end - (trip.stay + trip.back)
    windows = data.windows[place - len(data.depots)]
    arrivals = [min(closes, begins_by) for opens, closes in windows if opens <= begins_by]
    if data.has_soft_window[place] and begins_by > windows[-1][1]:
        arrivals.append(begins_by)
    if not arrivals:
        return ""
    return f", or its goods ready {amount_text(trip.arrive - max(arrivals), data.units.time)} earlier"


class Shift(Limit):
    """A route leaves no sooner than the shift starts, and ends before that ends."""

    name = "shift"
    what = "shifts"
    words = RuleWords("vehicle drives outside its shift", "vehicles drive outside their shifts")
    fields = ("vehicles.shift_start", "vehicles.shift_end")
    tables = ("vehicles",)
    kind = "time"
    mend = "its shift {by} longer"
    bottleneck = "no vehicle is done with them before its shift ends"
    even_alone = True
    given_up = ("shift", "shifts")
    freed = ("vehicles.shift_end",)

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield shifts that end before they start."""
        ends, what = ("shift_start", "shift_end"), "the shift ends before it starts"
        return early_ends("vehicles", given.vehicles, ends, what, given.units.time)

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield when shifts start and routes leave, and when routes end and shifts do."""
        routes, unit = np.arange(len(driven.finish)), data.units.time
        start, end = (data.of_vehicles(name)[driven.kind] for name in ("shift_start", "shift_end"))
        yield Measure(routes, start, driven.departure, unit, self._early)
        yield Measure(routes, driven.finish, end, unit, self._late)

    @staticmethod
    def _early(case: DrivenPlan, place: int) -> tuple[str, str]:
        unit, starts, label = case.data.units.time, case.vehicle(place).shift_start, case.label(place)
        leaves = float(case.driven.departure[place])
        return label, (
            f"{label} leaves at {clock_text(leaves, unit)}, {amount_text(starts - leaves, unit)} before its shift "
            f"starts at {clock_text(starts, unit)}"
        )

    @staticmethod
    def _late(case: DrivenPlan, place: int) -> tuple[str, str]:
        unit, vehicle, label = case.data.units.time, case.vehicle(place), case.label(place)
        ends, done = float(case.driven.finish[place]), "returns" if vehicle.returns else "is done"
        return label, (
            f"{label} {done} at {clock_text(ends, unit)}, {amount_text(ends - vehicle.shift_end, unit)} after its "
            f"shift ends at {clock_text(vehicle.shift_end, unit)}"
        )

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Compare the earliest end with the shift."""
        unit, vehicle = trip.data.units.time, trip.vehicle
        if not trip.reached or not exceeds(trip.ends, vehicle.shift_end):
            return
        over = trip.ends - vehicle.shift_end
        done = "is back from it" if vehicle.returns else "is done with it"
        message = (
            f"{vehicle.name}{trip.waits} {done} at {clock_text(trip.ends, unit)} at the earliest, "
            f"{amount_text(over, unit)} after its shift ends at {clock_text(vehicle.shift_end, unit)}"
        )
        delayed = trip.delay >= over
        relaxation = longer_shift(trip, over) + (ready_earlier(trip) if delayed else "")
        blamed = RELEASE if delayed else self
        yield blamed.obstacle(trip, over, message, relaxation, proved=trip.exact)


def longer_shift(trip: LoneTrip, over: float) -> str:
    """Name a shift that is longer by some time."""
    return f"the shift of {trip.vehicle.name} {amount_text(over, trip.data.units.time)} longer"


class Window(Limit):
    """Service begins before the last window closes, unless that is allowed at a price."""

    name = "time window"
    what = "time windows"
    words = RuleWords(
        "client is served after its window closes", "clients are served after their windows close"
    )
    fields = ("clients.earliest", "clients.latest", "clients.windows")
    tables = ("clients",)
    kind = "time"
    mend = "the window of {where} {by} later"
    bottleneck = "no vehicle reaches them before their windows close"
    even_alone = True
    given_up = ("window", "windows")

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield windows that are given twice, close before they open, or cannot be read."""
        both = tuple(c.name for c in given.clients if c.windows and (c.earliest, c.latest) != (0.0, np.inf))
        if both:
            yield Fault("clients", "give either windows, or earliest and latest", both)
        what = "the window closes before it opens"
        yield from early_ends("clients", given.clients, ("earliest", "latest"), what, given.units.time)
        yield from unreadable(
            "clients", "windows", given.clients, lambda text: parse_windows(text, given.units.time)
        )

    def remarks(self, data: RoutingData) -> Iterator[tuple[str, str]]:
        """Yield windows that close before any shift starts, as windows written in hours do."""
        unit = data.units.time
        starts = [vehicle.shift_start for vehicle in data.vehicles if vehicle.num_available > 0]
        first = min(starts, default=-np.inf)
        early = [
            (client.name, windows[-1][1])
            for client, windows in zip(data.clients, data.windows, strict=True)
            if windows[-1][1] < first and client.unit_lateness_cost is None
        ]
        if early:
            name, closes = early[0]
            yield (
                name,
                f"clients {list_names([each for each, _ in early])}: the last window closes before any shift starts "
                f"at {clock_text(first, unit)}, that of {name!r} at {clock_text(closes, unit)}; times are counted in "
                f"{unit} from midnight",
            )

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield when service begins, and when the last window closes."""
        latest = np.where(data.has_soft_window[driven.head], np.inf, data.latest[driven.head])
        yield Measure(driven.route, driven.begin, latest, data.units.time, self._late)

    @staticmethod
    def _late(case: DrivenPlan, leg: int) -> tuple[str, str]:
        data, driven, unit = case.data, case.driven, case.data.units.time
        latest, begin = float(data.latest[driven.head[leg]]), float(driven.begin[leg])
        where = f"client {data.names[driven.head[leg]]}"
        return where, (
            f"{case.label(driven.route[leg])} reaches {where} at {clock_text(begin, unit)}, "
            f"{amount_text(begin - latest, unit)} after its window closes at {clock_text(latest, unit)}"
        )

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Compare the earliest arrival with the last window."""
        data, unit, place = trip.data, trip.data.units.time, trip.place
        latest = float(data.latest[place])
        if not trip.reached or not exceeds(trip.arrive, latest) or data.has_soft_window[place]:
            return
        late, over = trip.arrive - latest, max(trip.ends - trip.vehicle.shift_end, 0.0)
        over = over if exceeds(trip.ends, trip.vehicle.shift_end) else 0.0
        start = clock_text(trip.vehicle.shift_start, unit)
        leaving = f", leaving {data.depot_of[trip.vehicle.name]} at {start},"
        message = (
            f"{trip.vehicle.name}{trip.waits or leaving} reaches it at {clock_text(trip.arrive, unit)} at the "
            f"earliest, {amount_text(late, unit)} after its window closes at {clock_text(latest, unit)}"
        )
        relaxation = f"its window {amount_text(late, unit)} later"
        relaxation += f" and {longer_shift(trip, over)}" if over else ""
        relaxation += ready_earlier(trip) if trip.delay >= max(late, over) else ""
        proved = trip.exact or trip.client.release_time > latest  # whatever the way to it takes
        blamed = RELEASE if trip.delay >= late else self
        yield blamed.obstacle(trip, late + over, message, relaxation, proved=proved)

    def binds(self, data: RoutingData, names: Collection[str]) -> Iterator[str]:
        """Yield clients that must be waited for, or reached in time."""
        fleet = [vehicle.shift_start for vehicle in data.vehicles if vehicle.num_available]
        starts = min(fleet, default=0.0)
        for client in data.clients:
            place = data.index[client.name]
            closes = np.isfinite(data.latest[place]) and not data.has_soft_window[place]
            if client.name in names and (data.earliest[place] > starts or closes):
                yield client.name

    def free(self, data: RoutingData, owner: Client | VehicleType, load: float) -> Mapping[str, Any]:
        """Return a window that is always open."""
        if not isinstance(owner, Client):
            return {}
        starts = min(0.0, *(vehicle.shift_start for vehicle in data.vehicles))
        return {"earliest": starts, "latest": np.inf, "windows": ""}


class SeveralWindows(Rule):
    """A client may be served in each of several windows; service waits for the next one."""

    name = "several windows"
    what = "several time windows"
    fields = ("clients.windows",)

    def stated(self, data: RoutingData) -> bool:
        """Say whether any client has more than one."""
        return len(data.opens) > 1


class SoftWindow(LegPrice):
    """Service may begin late at clients that say what that costs."""

    name = "soft window"
    what = "service that is late at a price"
    fields = ("clients.unit_lateness_cost",)
    term = "lateness"

    def stated(self, data: RoutingData) -> bool:
        """Say whether any client has a price of lateness that is more than nothing."""
        return self.is_paid(data)

    def is_paid(self, data: RoutingData) -> bool:
        """Say whether any client has such a price."""
        return bool(data.lateness_rate.any())

    def amounts(self, data: RoutingData, driven: Drive) -> Floats:
        """Return the price of lateness at the head of each leg."""
        return np.asarray(data.lateness_rate[driven.head] * driven.late)


class Breaks(Limit):
    """No break is missed; where each is taken is chosen as the route is driven (``simulate/breaks.py``)."""

    name = "break"
    what = "driver breaks"
    words = RuleWords("vehicle has no time for its breaks", "vehicles have no time for their breaks")
    fields = ("vehicles.breaks",)
    tables = ("vehicles",)
    given_up = ("breaks", "breaks")
    freed = fields

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield breaks that cannot be read."""
        return unreadable(
            "vehicles", "breaks", given.vehicles, lambda text: parse_breaks(text, given.units.time)
        )

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield how many breaks are missed on routes that come to their end."""
        missed = np.where(np.isfinite(driven.finish), driven.breaks_missed, 0.0)
        yield Measure(np.arange(len(missed)), missed, np.zeros(len(missed)), "", self._missed)

    @staticmethod
    def _missed(case: DrivenPlan, place: int) -> tuple[str, str]:
        label, breaks = case.label(place), len(case.data.breaks[case.driven.kind[place]])
        count = int(case.driven.breaks_missed[place])
        return label, f"{label}: {count} of the driver's {breaks} breaks cannot be taken when they must be"

    def relaxed_by(self, data: RoutingData, violation: Violation) -> str:
        """Say how many breaks would have to be left out."""
        more = amount_text(violation.amount, violation.unit)
        return "a break left out" if violation.amount == 1 else f"{more} breaks left out"


_NOISE = 1e-9
"""Share of the longest time at the wheel that is rounding; pauses.h has the same."""


class DrivingRest(Pause):
    """Who has been at the wheel for the longest time that is allowed rests before driving on.

    The time at the wheel counts from the departure, or from the rest before, over stops and waits, which are no rest.
    The driver rests wherever that time is over, on the road as well, and not before; a route that ends by then needs no
    rest. So the rule is never broken: it makes routes late.
    """

    name = "driving rest"
    what = "rests after driving"
    fields = ("vehicles.max_driving",)
    tables = ("vehicles",)
    numbers = ("max_driving", "rest_duration")
    word = "rest"
    given_up = ("rest after driving", "rests after driving")
    freed = ("vehicles.max_driving", "vehicles.rest_duration")

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield vehicles with half of a rest, or with breaks besides, of which it is not known which are rests."""
        yield from super().faults(given)
        both = tuple(one.name for one in given.vehicles if one.breaks and np.isfinite(one.max_driving))
        if both:
            advice = "give breaks at times of the day, or max_driving and rest_duration"
            yield Fault("vehicles", "both breaks and max_driving", both, advice=advice)

    def pause(self, data: RoutingData, kind: Ints, before: Floats, after: Floats) -> Floats:
        """Return the rests that come due on a leg."""
        most = data.of_vehicles("max_driving")[kind]
        rests = _rests(after, most) - _rests(before, most)
        return np.asarray(data.of_vehicles("rest_duration")[kind] * rests)

    def taken(
        self, data: RoutingData, kind: int, before: float, after: float
    ) -> Iterator[tuple[float, float]]:
        """Yield the rests on a leg: each is due after another longest time at the wheel."""
        vehicle = data.vehicles[kind]
        first, last = _rests(np.array([before, after]), np.asarray(vehicle.max_driving)).astype(int)
        for number in range(first + 1, last + 1):
            yield number * vehicle.max_driving, vehicle.rest_duration


def _rests(driven: Floats, most: Floats) -> Floats:
    """Return how many rests are over when a driver has been so long at the wheel in all."""
    full = np.where(np.isfinite(driven), driven, 0.0) / most - _NOISE
    return np.asarray(np.maximum(np.ceil(full) - 1.0, 0.0))


class Distance(Limit, LegPrice):
    """A route is no longer than its vehicle may drive; each unit of distance has a price."""

    name = "distance"
    what = "limits of distance beside prices of something else"
    words = RuleWords("route is longer than it may be", "routes are longer than they may be")
    fields = ("vehicles.max_distance",)
    by_time = False
    mend = "its longest distance {by} longer"
    bottleneck = "even the shortest route to them is longer than any vehicle may drive"
    even_alone = True
    given_up = ("longest distance", "longest distances")
    freed = fields
    term = "distance"

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield the lengths of routes."""
        legs = np.nan_to_num(data.lengths(driven.tail, driven.head), posinf=0.0)
        lengths = sum_by_route(driven, legs)
        limits, unit = data.of_vehicles("max_distance")[driven.kind], data.units.distance

        def say(case: DrivenPlan, place: int) -> tuple[str, str]:
            label, value, limit = case.label(place), float(lengths[place]), float(limits[place])
            return label, f"{label} is long {amount_text(value, unit)}, {more_than(value, limit, unit)}"

        yield Measure(np.arange(len(lengths)), lengths, limits, unit, say)

    def is_paid(self, data: RoutingData) -> bool:
        """Say whether any vehicle type pays for distance."""
        return bool(data.of_vehicles("unit_distance_cost").any())

    def amounts(self, data: RoutingData, driven: Drive) -> Floats:
        """Return the price of the distance of each leg."""
        distance = data.lengths(driven.tail, driven.head)
        with np.errstate(invalid="ignore"):
            paid = data.of_vehicles("unit_distance_cost")[driven.vehicle] * distance
        return np.where(np.isfinite(distance), paid, np.inf)

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Compare the shortest route with the longest one that the vehicle may drive."""
        value, most, unit = trip.distance, trip.vehicle.max_distance, trip.data.units.distance
        if trip.reached and exceeds(value, most):
            name, over = trip.vehicle.name, amount_text(value - most, unit)
            told = f"is {amount_text(value, unit)} long, {over} more than it may"
            message = f"the shortest route of {name} to it {told}"
            yield self.obstacle(trip, value - most, message, f"the longest distance of {name} {over} longer")


class Duration(Limit, RoutePrice):
    """A route takes no longer than its vehicle may be out; each unit of time has a price."""

    name = "duration"
    what = "limits of duration"
    words = RuleWords("route takes longer than it may", "routes take longer than they may")
    fields = ("vehicles.max_duration",)
    kind = "time"
    mend = "its longest duration {by} longer"
    bottleneck = "even the shortest route to them takes longer than any vehicle may drive"
    even_alone = True
    given_up = ("longest duration", "longest durations")
    freed = fields
    term = "time"

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield how long routes take."""
        limits = data.of_vehicles("max_duration")[driven.kind]
        spent = driven.route_durations
        yield Measure(np.arange(len(spent)), spent, limits, data.units.time, self._long)

    @staticmethod
    def _long(case: DrivenPlan, place: int) -> tuple[str, str]:
        label, unit = case.label(place), case.data.units.time
        value, limit = float(case.driven.route_durations[place]), case.vehicle(place).max_duration
        return label, f"{label} takes {amount_text(value, unit)}, {more_than(value, limit, unit)}"

    def is_paid(self, data: RoutingData) -> bool:
        """Say whether any vehicle type pays for time."""
        return bool(data.of_vehicles("unit_duration_cost").any())

    def amounts(self, data: RoutingData, kind: Ints, spent: Floats) -> Floats:
        """Return the price of the time that each route takes."""
        rates = data.of_vehicles("unit_duration_cost")[kind]
        return np.asarray(rates * np.where(rates > 0, spent, 0.0))

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Compare the quickest route with the longest time that the vehicle may be out."""
        value, most, unit = trip.duration, trip.vehicle.max_duration, trip.data.units.time
        if trip.reached and exceeds(value, most):
            name, over = trip.vehicle.name, amount_text(value - most, unit)
            message = f"the shortest route of {name} to it takes {amount_text(value, unit)}, {over} more than it may"
            relaxation = f"the longest duration of {name} {over} longer"
            yield self.obstacle(trip, value - most, message, relaxation, proved=trip.exact)


class Overtime(RoutePrice):
    """Time of a route beyond what is regular has a price on top."""

    name = "overtime"
    what = "overtime"
    fields = ("vehicles.unit_overtime_cost",)
    term = "overtime"

    def is_paid(self, data: RoutingData) -> bool:
        """Say whether any vehicle type that has a regular time pays for overtime."""
        return bool(self._rates(data).any())

    def amounts(self, data: RoutingData, kind: Ints, spent: Floats) -> Floats:
        """Return what the overtime of each route costs."""
        regular, rates = data.of_vehicles("shift_duration"), self._rates(data)[kind]
        regular = np.where(np.isfinite(regular), regular, 0.0)[kind]
        return np.asarray(rates * np.where(rates > 0, np.maximum(spent - regular, 0.0), 0.0))

    @staticmethod
    def _rates(data: RoutingData) -> Floats:
        limited = np.isfinite(data.of_vehicles("shift_duration"))
        return np.where(limited, data.of_vehicles("unit_overtime_cost"), 0.0)


class EvenWork(Rule):
    """The time of the longest route has a price, which spreads work evenly."""

    name = "even work"
    what = "a price of the longest route"
    fields = ("policy.longest_route_cost",)
    term = "longest route"

    def cost(self, data: RoutingData, spent: Floats) -> Floats:
        """Return the price of the longest of some routes, which are along the last axis."""
        return np.asarray(data.policy.longest_route_cost * spent.max(axis=-1))
