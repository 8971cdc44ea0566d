"""What a routing problem is made of: depots, clients, vehicle types, and the units of their fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import Field

from kanopt.faults import MAY_BE_BLANK, Amount, Count, Finite, Limit, Name, OpenLimit
from kanopt.plans.geography import place_field
from kanopt.records.declaration import (
    Table,
    TimeUnit,
    Unit,
    UnitSystem,
    check_fields,
    field,
    other_columns,
    record,
)
from kanopt.records.fields import CLOCK
from kanopt.records.reading import Attribute

Unknown: TypeAlias = Annotated[float, MAY_BE_BLANK]
"""A coordinate, no number where it is not known."""

Probability: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
"""A probability that is neither 0 nor 1."""

Moment: TypeAlias = Annotated[Finite, CLOCK, MAY_BE_BLANK]
"""A clock time, which may be left blank."""

LatestMoment: TypeAlias = Annotated[float, CLOCK, MAY_BE_BLANK]
"""A clock time, infinite where nothing is limited."""

MOST_RELOADS = 20  # each is a stop of its own for every vehicle


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
class RoutingUnits(UnitSystem):
    """The units a routing problem counts in.

    Parameters
    ----------
    distance, time, load, money
        Units of distances and coordinates, of durations and clock times (counted from midnight), of demands
        and capacities, and of every price.

    Examples
    --------
    >>> RoutingUnits(load="kg").of(VehicleType)["unit_duration_cost"]
    'EUR/min'
    """

    distance: Unit = "km"
    time: TimeUnit = "min"
    load: Unit = "t"
    money: Unit = "EUR"

    def __post_init__(self) -> None:
        check_fields(self, "units")

    def tables(self) -> tuple[Table, ...]:
        """Return the tables of a routing problem that counts in these units."""
        return tuple(map(self.table, (Depot, Client, VehicleType)))

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


@record("depots")
class Depot:
    """Where vehicles start or end.

    Examples
    --------
    >>> Depot("depot", 0.0, 0.0).name
    'depot'
    """

    name: Name = field(doc="Unique among depots and clients.")
    x: Unknown = place_field("x", math.nan)
    y: Unknown = place_field("y", math.nan)
    lat: Unknown = place_field("lat", math.nan)
    lon: Unknown = place_field("lon", math.nan)
    attributes: Mapping[str, Attribute] = other_columns(
        "Whatever else a law may read, for the legs that lead back to the depot."
    )


@record("clients", of_day=True)
class Client:
    """A place to deliver to, or to pick up from.

    Examples
    --------
    >>> Client("c1", 1.0, 2.0, demand=0.4, earliest=480, latest=600).mandatory
    True
    """

    name: Name = field(doc="Unique among depots and clients.")
    x: Unknown = place_field("x", math.nan)
    y: Unknown = place_field("y", math.nan)
    lat: Unknown = place_field("lat", math.nan)
    lon: Unknown = place_field("lon", math.nan)
    demand: Amount = field(
        default=0.0,
        unit="load",
        usual=(0.0, 100.0, "t"),
        doc="What is delivered: loaded at the depot, or at `source`.",
    )
    pickup: Amount = field(
        default=0.0,
        unit="load",
        usual=(0.0, 100.0, "t"),
        doc="What is picked up and brought to the depot.",
    )
    source: str = field(
        default="",
        refers="clients",
        doc="Name of the client at which the demand is loaded. The same vehicle goes there first, and one of the two "
        "is served only if the other is.",
    )
    service_duration: Amount = field(
        default=0.0, unit="time", usual=(0.05, 1_440.0, "min"), doc="Duration of the service."
    )
    release_time: Moment = field(
        default=0.0,
        unit="time",
        doc="Clock time at which what it receives is ready, 0 where it always is: the trip that serves it leaves the "
        "depot no earlier; with a `source`, service there begins no earlier.",
    )
    earliest: Moment = field(
        default=0.0,
        unit="time",
        doc="Clock time before which service does not begin, from midnight: a number in the unit of time, or "
        '``"8:30"``. A vehicle that comes early waits.',
    )
    latest: LatestMoment = field(
        default=math.inf, unit="time", doc="Clock time after which service does not begin, as `earliest`."
    )
    windows: Annotated[str, CLOCK] = field(
        default="",
        unit="time",
        doc='Instead of these, several windows: ``[(480, 600), ("13:00", "15:00")]``, numbers in the unit of time; '
        'in a table the text ``"480-600, 13:00-15:00"``.',
    )
    unit_lateness_cost: Amount | None = field(
        default=None,
        unit="money/time",
        price="lateness",
        needs=("latest", "windows"),
        doc="Price of each unit of time by which service begins after `latest`; None where it must not be late. Cost "
        "laws may read the lateness as ``clock.late``; a client that is late by such a law alone has 0 here.",
    )
    prize: Amount | None = field(
        default=None,
        unit="money",
        price="missed prizes",
        doc="Cost of not serving the client; None where it must be served.",
    )
    demand_sd: Amount | None = field(
        default=None,
        unit="load",
        needs="demand",
        doc="Standard deviation of the demand; None where it is certain. Plans are made for the demand, and "
        ":func:`kanopt.risk` says how often a vehicle has more to carry than it can.",
    )
    on_time: Probability | None = field(
        default=None,
        needs=("latest", "windows"),
        doc="Promised probability, between 0 and 1, that service begins before the last window closes; "
        "departures are chosen so that it holds where a law of times knows its errors. None where nothing is promised.",
    )
    needs: tuple[str, ...] = field(
        default=(),
        doc='Skills that a vehicle must have to serve it, such as ``("cooled", "tail lift")``; parted by commas in '
        "a table.",
    )
    vehicles: tuple[str, ...] = field(
        default=(),
        refers="vehicles",
        doc="Names of the vehicle types that may serve it; all, where there are none.",
    )
    goods: tuple[str, ...] = field(
        default=(), doc="Kinds of goods it receives; the policy of the problem may keep kinds apart."
    )
    attributes: Mapping[str, Attribute] = other_columns(
        "Whatever else a law may read, as ``client.<attribute>``."
    )

    @property
    def mandatory(self) -> bool:
        """Whether the client must be served."""
        return self.prize is None


@record("vehicles", of_day=True)
class VehicleType:
    """A type of identical vehicles.

    Examples
    --------
    >>> VehicleType("van", num_available=3, capacity=1.2, fixed_cost=40.0).num_available
    3
    """

    name: Name = field(
        doc='Unique; the vehicles are called ``"van 1"``, ``"van 2"``, … The only vehicle of a type whose name ends in '
        'a number, as ``"Van 7"``, has that name.'
    )
    num_available: Count = field(default=1, doc="How many there are.")
    capacity: Limit = field(
        default=math.inf, unit="load", usual=(0.005, 100.0, "t"), doc="What one can carry."
    )
    fixed_cost: Amount = field(default=0.0, unit="money", price="fixed", doc="Price of using one.")
    unit_distance_cost: Amount = field(
        default=0.0,
        unit="money/distance",
        price="distance",
        usual=(0.005, 50.0, "EUR/km"),
        doc="Price of the distance driven, besides the cost laws.",
    )
    unit_duration_cost: Amount = field(
        default=0.0,
        unit="money/time",
        price="time",
        usual=(0.5, 500.0, "EUR/h"),
        doc="Price of the time between departure and return, besides the cost laws.",
    )
    shift_start: Annotated[Finite, CLOCK] = field(
        default=0.0,
        unit="time",
        doc='Earliest departure, as a clock time from midnight: a number in the unit of time, or ``"8:30"``.',
    )
    shift_end: LatestMoment = field(
        default=math.inf, unit="time", doc="Latest return, as a clock time like `shift_start`."
    )
    start_depot: str | None = field(
        default=None,
        refers="depots",
        doc="Name of the depot where it starts; may be left out where there is only one.",
    )
    end_depot: str = field(
        default="",
        refers="depots",
        doc="Name of the depot where its routes end; where they start, if empty. Reloads are at the depot where they "
        "start.",
    )
    returns: bool = field(
        default=True,
        doc="Whether it must come to a depot at the end. If not, its routes end with the service at their last client.",
    )
    max_distance: OpenLimit = field(
        default=math.inf, unit="distance", usual=(0.5, 20_000.0, "km"), doc="Longest distance of a route."
    )
    max_duration: OpenLimit = field(
        default=math.inf,
        unit="time",
        usual=(0.1, 1_000.0, "h"),
        doc="Longest duration of a route, from departure to return.",
    )
    shift_duration: OpenLimit = field(
        default=math.inf,
        unit="time",
        price="overtime",
        needs="unit_overtime_cost",
        doc="Duration of a route above which time is overtime.",
    )
    unit_overtime_cost: Amount = field(
        default=0.0,
        unit="money/time",
        price="overtime",
        needs="shift_duration",
        usual=(0.5, 1_000.0, "EUR/h"),
        doc="Price of each unit of overtime, on top of the price of time.",
    )
    max_reloads: Annotated[int, Field(ge=0, le=MOST_RELOADS)] = field(
        default=0,
        doc="How often it may come back to its depot on the way, to unload what it picked up and load again.",
    )
    reload_time: Amount = field(
        default=0.0,
        unit="time",
        needs="max_reloads",
        usual=(0.05, 1_440.0, "min"),
        doc="Duration of a reload.",
    )
    breaks: Annotated[str, CLOCK] = field(
        default="",
        unit="time",
        doc='Breaks of the driver: ``[(30, 660, 780), (15, "15:00", "16:00")]``, in a table the text '
        '``"30 in 660-780, 15 in 15:00-16:00"``, are 30 units of time that begin between 660 and 780, and then 15 '
        "more. A break is taken before departure, after return, or while waiting or driving, but "
        "not during a service; nobody waits for one at a client who can be served before it. It is placed where the "
        "route costs least, see ``docs/planning.md``. A driver who returns before the latest begin of a break need "
        "not take it.",
    )
    max_driving: Annotated[float, Field(gt=0), MAY_BE_BLANK] = field(
        default=math.inf,
        unit="time",
        needs="rest_duration",
        usual=(0.5, 24.0, "h"),
        words="driving time before a rest; hours at the wheel; lenkzeit bis zur pause; temps de conduite continue",
        doc="Longest time at the wheel, after which the driver rests for `rest_duration` before driving on: where that "
        "is, on the road or at a stop. Waits and services are no rest. Not beside `breaks`.",
    )
    rest_duration: Amount = field(
        default=0.0,
        unit="time",
        needs="max_driving",
        usual=(0.05, 24.0, "h"),
        words="rest after driving; lenkzeitpause; duree du repos",
        doc="Duration of a rest.",
    )
    skills: tuple[str, ...] = field(default=(), doc="Skills that clients may need.")
    attributes: Mapping[str, Attribute] = other_columns(
        "Whatever else a law may read, as ``vehicle.<attribute>``."
    )

    @property
    def is_named(self) -> bool:
        """Whether the name is that of one vehicle: there is one, and its name ends in a number, as ``"Van 7"``."""
        return self.num_available == 1 and self.name[-1:].isdigit()
