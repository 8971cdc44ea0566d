"""Routes, and the formats in which a user may give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pandas as pd

from kanopt.plans.base import Plan
from kanopt.routing.entities import VehicleType, split_label

Value = TypeVar("Value")

COLUMNS = ["vehicle", "index", "depot", "stop", "client", "departure"]


@dataclass(frozen=True)
class Route:
    """One vehicle's tour from its depot to where it ends: back there, at another depot, or at its last client.

    Parameters
    ----------
    vehicle
        Name of the vehicle type.
    index
        Which vehicle of that type, counted from 1.
    depot
        Where it starts; where it ends, its vehicle type says.
    clients
        In order of visit; the name of the depot among them is a return to unload and load again.
    departure
        Clock time of leaving the depot, which is kept; None where it is to be chosen: the cheapest one that breaks the
        fewest rules, see :func:`~kanopt.routing.simulate.departures.drive`.
    locked
        Of a route that is under way, how many of its first stops stay as they are; one more than it has where it is on
        its way to its end. Of no meaning in a plan.
    named
        Whether the name of the type is that of the vehicle, as :attr:`VehicleType.is_named` has it; a plan that is
        assessed knows.

    Examples
    --------
    >>> Route("van", 2, "depot", ("c1", "c4")).label, Route("Van 7", 1, "depot", ("c1",), named=True).label
    ('van 2', 'Van 7')
    """

    vehicle: str
    index: int
    depot: str
    clients: tuple[str, ...]
    departure: float | None = None
    locked: int = 0
    named: bool = field(default=False, compare=False, repr=False)

    @property
    def label(self) -> str:
        """Name of the vehicle: its type and number, or the name of the type where that is one."""
        return self.vehicle if self.named and self.index == 1 else f"{self.vehicle} {self.index}"


@dataclass(frozen=True)
class RoutingPlan(Plan):
    """The routes of the vehicles, and the clients that are not served.

    Parameters
    ----------
    routes
        The routes; unused vehicles have none.
    unserved
        Clients on no route.
    """

    routes: tuple[Route, ...]
    unserved: tuple[str, ...] = ()

    def with_names(self, vehicles: Iterable[VehicleType]) -> RoutingPlan:
        """Return the plan whose vehicles are called by the names of their types where those are names of vehicles."""
        counts = {vehicle.name: vehicle.num_available for vehicle in vehicles}
        named = {vehicle.name for vehicle in vehicles if vehicle.is_named}
        for name in list(named):
            other, number = split_label(name, ())
            if other != name and number <= counts.get(other, 0):  # "van 1" is one of the vans, too
                named.remove(name)
        if all(route.named == (route.vehicle in named) for route in self.routes):
            return self
        return replace(self, routes=tuple(replace(one, named=one.vehicle in named) for one in self.routes))

    def reopened(self) -> RoutingPlan:
        """Return the plan with every departure left open."""
        return self.leaving([None] * len(self.routes))

    def leaving(self, departures: Sequence[float | None]) -> RoutingPlan:
        """Return the plan whose routes leave at some times; this one where they do already."""
        routes = zip(self.routes, departures, strict=True)
        plan = replace(self, routes=tuple(replace(route, departure=clock) for route, clock in routes))
        return self if plan == self else plan

    def to_frame(self) -> pd.DataFrame:
        """Return one row per stop; clients left out have no vehicle.

        Returns
        -------
        DataFrame
            Columns ``vehicle``, ``index``, ``depot``, ``stop`` (from 1), ``client``, ``departure`` (of the route).
        """
        rows: list[tuple[Any, ...]] = [
            (route.vehicle, route.index, route.depot, stop, client, route.departure)
            for route in self.routes
            for stop, client in enumerate(route.clients, start=1)
        ]
        rows += [(None, None, None, None, client, None) for client in self.unserved]
        frame = pd.DataFrame(rows, columns=COLUMNS)
        frame["departure"] = frame["departure"].astype(float)
        return frame.astype({"index": "Int64", "stop": "Int64"})


@dataclass(frozen=True)
class StartedRoute:
    """A route that is under way.

    Parameters
    ----------
    route
        The route.
    kept
        Its first stops, which stay as they are.
    goes_home
        Whether it is on its way to a depot behind these, so that nothing but that depot may follow.
    aboard
        Clients whose goods are on board: those of the trip that the vehicle is on, of which more cannot be loaded.
    """

    route: Route
    kept: tuple[str, ...]
    goes_home: bool
    aboard: frozenset[str]

    @property
    def vehicle(self) -> tuple[str, int]:
        """Vehicle type and number."""
        return self.route.vehicle, self.route.index

    @property
    def bound(self) -> frozenset[str]:
        """Clients that stay on the vehicle."""
        return self.aboard | (frozenset(self.kept) - {self.route.depot})

    @property
    def trip(self) -> int:
        """How many reloads are behind the vehicle."""
        return self.kept.count(self.route.depot)


def trip_after(stops: Sequence[str], place: int, depot: str) -> tuple[str, ...]:
    """Return the stops from a place up to the next visit of the depot.

    Examples
    --------
    >>> trip_after(("a", "b", "yard", "c"), 1, "yard")
    ('b',)
    """
    rest = tuple(stops[place:])
    return rest[: rest.index(depot)] if depot in rest else rest
