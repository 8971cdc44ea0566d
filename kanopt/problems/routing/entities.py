"""What a routing problem is made of: depots, clients, vehicle types, and the units of their fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from pydantic import Field

from kanopt.problems.clock_times import CLOCK
from kanopt.problems.record_rules import TimeUnit, Unit, check_fields
from kanopt.problems.records import Attribute
from kanopt.problems.table_schema import TableSchema
from kanopt.validation import MAY_BE_BLANK, Amount, Count, Finite, Limit, Name, OpenLimit

__all__ = ["Client", "Depot", "RoutingUnits", "VehicleType", "split_label", "split_list"]

Unknown: TypeAlias = Annotated[float, MAY_BE_BLANK]
"""A coordinate, no number where it is not known."""

Probability: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
"""A probability that is neither 0 nor 1."""

MOST_RELOADS = 20  # each is a stop of its own for every vehicle


def split_list(text: str) -> frozenset[str]:
    """Return the words of a list that is written with commas.

    Examples
    --------
    >>> sorted(split_list("cooled, tail lift"))
    ['cooled', 'tail lift']
    """
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def split_label(label: str, types: Iterable[str]) -> tuple[str, int]:
    """Split ``"van 2"`` into type and number; a bare type name is its first vehicle.

    Examples
    --------
    >>> split_label("big van 2", ["big van"]), split_label("van", ["van"])
    (('big van', 2), ('van', 1))
    """
    if label in types:
        return label, 1
    name, _, number = label.rpartition(" ")
    return (name, int(number)) if name and number.isdecimal() else (label, 1)


@dataclass(frozen=True)
class RoutingUnits:
    """The units a routing problem counts in.

    Parameters
    ----------
    distance, time, load, money
        Units of distances and coordinates, of durations and clock times (counted from midnight), of demands
        and capacities, and of every price.

    Examples
    --------
    >>> RoutingUnits(load="kg").of_vehicles()["cost_per_time"]
    'EUR/min'
    """

    distance: Unit = "km"
    time: TimeUnit = "min"
    load: Unit = "t"
    money: Unit = "EUR"

    def __post_init__(self) -> None:
        check_fields(self, "units")

    def tables(self) -> tuple[TableSchema, ...]:
        """Return the tables of a routing problem that counts in these units."""
        points = self.of_points()
        return (
            TableSchema("depots", Depot, points),
            TableSchema("clients", Client, points, of_day=True),
            TableSchema("vehicles", VehicleType, self.of_vehicles(), of_day=True),
        )

    def references(self) -> dict[str, str]:
        """Return what laws may read of legs, the load and the clock, each with its unit."""
        return {
            "arc.distance": self.distance,
            "arc.duration": self.time,
            "arc.straight_distance": self.distance,
            "arc.eastward": "",
            "arc.northward": "",
            "state.load": self.load,
            "clock.hour": "h",
            "clock.minute": "min",
            "clock.late": self.time,
        }

    def of_points(self) -> dict[str, str]:
        """Return the unit of each field of a depot or client."""
        return {
            "x": self.distance,
            "y": self.distance,
            "lat": "deg",
            "lon": "deg",
            "demand": self.load,
            "demand_sd": self.load,
            "pickup": self.load,
            "service": self.time,
            "release": self.time,
            "earliest": self.time,
            "latest": self.time,
            "windows": self.time,
            "cost_per_lateness": f"{self.money}/{self.time}",
            "prize": self.money,
        }

    def of_vehicles(self) -> dict[str, str]:
        """Return the unit of each field of a vehicle type."""
        return {
            "capacity": self.load,
            "fixed_cost": self.money,
            "cost_per_distance": f"{self.money}/{self.distance}",
            "cost_per_time": f"{self.money}/{self.time}",
            "shift_start": self.time,
            "shift_end": self.time,
            "breaks": self.time,
            "max_distance": self.distance,
            "max_duration": self.time,
            "regular_time": self.time,
            "cost_per_overtime": f"{self.money}/{self.time}",
            "reload_time": self.time,
        }


@dataclass(frozen=True)
class Depot:
    """Where vehicles start or end.

    Parameters
    ----------
    name
        Unique among depots and clients.
    x, y
        Coordinates in the problem's distance unit; needed where distances come from coordinates, and for maps.
    lat, lon
        Instead of these, latitude and longitude in degrees; see :mod:`kanopt.problems.geography`.
    attributes
        Whatever else a law may read, for the legs that lead back to the depot.

    Examples
    --------
    >>> Depot("depot", 0.0, 0.0).name
    'depot'
    """

    name: Name
    x: Unknown = math.nan
    y: Unknown = math.nan
    lat: Unknown = field(default=math.nan, kw_only=True)
    lon: Unknown = field(default=math.nan, kw_only=True)
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Client:
    """A place to deliver to, or to pick up from.

    Parameters
    ----------
    name
        Unique among depots and clients.
    x, y
        Coordinates in the problem's distance unit.
    lat, lon
        Instead of these, latitude and longitude in degrees.
    demand
        What is delivered, in the load unit: loaded at the depot, or at `source`.
    demand_sd
        Standard deviation of the demand, in the load unit; None where it is certain. Plans are made for the demand, and
        :func:`kanopt.risk` says how often a vehicle has more to carry than it can.
    pickup
        What is picked up and brought to the depot, in the load unit.
    source
        Name of the client at which the demand is loaded. The same vehicle goes there first, and one of the two is
        served only if the other is.
    service
        Duration of the service.
    release
        Clock time at which what it receives is ready, 0 where it always is: the trip that serves it leaves the depot no
        earlier; with a `source`, service there begins no earlier.
    earliest, latest
        The window in which service may begin, as clock times from midnight: numbers in the time unit, or ``"8:30"``.
        A vehicle that comes early waits.
    windows
        Instead of these, several windows: ``"480-600, 780-900"`` in the time unit, or ``"8:00-10:00, 13:00-15:00"``.
    cost_per_lateness
        Price of each unit of time by which service begins after `latest`; None where it must not be late. Cost laws
        may read the lateness as ``clock.late``; a client that is late by such a law alone has 0 here.
    on_time
        Promised probability, between 0 and 1, that service begins before the last window closes;
        :func:`kanopt.solve_on_time` plans so that it holds. None where nothing is promised.
    prize
        Cost of not serving the client; None where it must be served.
    needs
        Skills that a vehicle must have to serve it, separated by commas: ``"cooled, tail lift"``.
    vehicles
        Names of the vehicle types that may serve it, separated by commas; all, where empty.
    goods
        Kinds of goods it receives, separated by commas; the policy of the problem may keep kinds apart.
    attributes
        Whatever else a law may read, as ``client.<attribute>``.

    Examples
    --------
    >>> Client("c1", 1.0, 2.0, demand=0.4, earliest=480, latest=600).mandatory
    True
    """

    name: Name
    x: Unknown = math.nan
    y: Unknown = math.nan
    lat: Unknown = field(default=math.nan, kw_only=True)
    lon: Unknown = field(default=math.nan, kw_only=True)
    demand: Amount = 0.0
    pickup: Amount = 0.0
    source: str = ""
    service: Amount = 0.0
    release: Annotated[Finite, CLOCK, MAY_BE_BLANK] = 0.0
    earliest: Annotated[Finite, CLOCK, MAY_BE_BLANK] = 0.0
    latest: Annotated[float, CLOCK, MAY_BE_BLANK] = math.inf
    windows: Annotated[str, CLOCK] = ""
    cost_per_lateness: Amount | None = None
    prize: Amount | None = None
    demand_sd: Amount | None = None
    on_time: Probability | None = None
    needs: str = ""
    vehicles: str = ""
    goods: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False)

    @property
    def mandatory(self) -> bool:
        """Whether the client must be served."""
        return self.prize is None


@dataclass(frozen=True)
class VehicleType:
    """A type of identical vehicles.

    Parameters
    ----------
    name
        Unique; the vehicles are called ``"van 1"``, ``"van 2"``, …
    count
        How many there are.
    capacity
        What one can carry, in the load unit.
    fixed_cost
        Price of using one.
    cost_per_distance, cost_per_time
        Prices of distance driven and of time between departure and return, besides the cost laws.
    shift_start, shift_end
        Earliest departure and latest return, as clock times from midnight: numbers in the time unit, or ``"8:30"``.
    depot
        Name of the depot; may be left out where there is only one.
    end
        Name of the depot where its routes end; where they start, if empty. Reloads are at the depot where they start.
    returns
        Whether it must come to a depot at the end. If not, its routes end with the service at their last client.
    max_distance, max_duration
        Longest distance of a route, and longest duration from departure to return.
    regular_time, cost_per_overtime
        Duration of a route above which time is overtime, and the price of each unit of overtime on top.
    reloads
        How often it may come back to its depot on the way, to unload what it picked up and load again.
    reload_time
        Duration of a reload.
    breaks
        Breaks of the driver: ``"30 in 660-780, 15 in 15:00-16:00"`` are 30 units of time that begin between 660 and
        780, and then 15 more. A break is taken before departure, after return, or while waiting or driving, but not
        during a service; nobody waits for one at a client who can be served before it. It is placed where the route
        costs least, see ``docs/planning.md``. A driver who returns before the latest begin of a break need not take it.
    skills
        Skills that clients may need, separated by commas.
    attributes
        Whatever else a law may read, as ``vehicle.<attribute>``.

    Examples
    --------
    >>> VehicleType("van", count=3, capacity=1.2, fixed_cost=40.0).count
    3
    """

    name: Name
    count: Count = 1
    capacity: Limit = math.inf
    fixed_cost: Amount = 0.0
    cost_per_distance: Amount = 0.0
    cost_per_time: Amount = 0.0
    shift_start: Annotated[Finite, CLOCK] = 0.0
    shift_end: Annotated[float, CLOCK, MAY_BE_BLANK] = math.inf
    depot: str | None = None
    end: str = ""
    returns: bool = True
    max_distance: OpenLimit = math.inf
    max_duration: OpenLimit = math.inf
    regular_time: OpenLimit = math.inf
    cost_per_overtime: Amount = 0.0
    reloads: Annotated[int, Field(ge=0, le=MOST_RELOADS)] = 0
    reload_time: Amount = 0.0
    breaks: Annotated[str, CLOCK] = ""
    skills: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False)
