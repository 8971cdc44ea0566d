"""What a routing problem knows of its legs, and the laws evaluated on it.

A law is evaluated on arrays of legs: an n × n matrix per vehicle type when a solver asks, the legs of a plan
when it is priced. Both go through :class:`Laws`, so that solver and re-pricing cannot disagree about
what a law says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError, ProblemError, nearest
from kanopt.formulas.binding import BoundFormula, Known, Reference, Resolver
from kanopt.problems.records import known
from kanopt.problems.routing.arrivals import ArrivalFunctions
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType, words_of
from kanopt.units import convert

__all__ = ["DURATION", "Facts", "Floats", "Inputs", "Ints", "Law", "Laws"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Law = BoundFormula | ArrivalFunctions | Floats
DURATION = "duration"
_POINT_FIELDS = ("x", "y", "demand", "service", "earliest", "latest", "prize", "name")


@dataclass(frozen=True)
class Inputs:
    """The legs a law is evaluated on; all arrays broadcast against each other.

    Parameters
    ----------
    vehicle, tail, head
        Vehicle type, start and end of each leg, as positions.
    load, clock, duration
        Load on board, clock time at the start of the leg, and travel time, in the problem's units.
    """

    vehicle: Ints
    tail: Ints
    head: Ints
    load: Floats
    clock: Floats
    duration: Floats


@dataclass(frozen=True, eq=False)
class Facts:
    """The data of a routing problem as arrays over its nodes (depots, then clients) and vehicle types."""

    depots: tuple[Depot, ...]
    clients: tuple[Client, ...]
    vehicles: tuple[VehicleType, ...]
    distance: Floats
    units: RoutingUnits

    @cached_property
    def points(self) -> tuple[Depot | Client, ...]:
        """The nodes: depots, then clients."""
        return (*self.depots, *self.clients)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes."""
        return tuple(point.name for point in self.points)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each node."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def type_index(self) -> Mapping[str, int]:
        """Position of each vehicle type."""
        return {vehicle.name: place for place, vehicle in enumerate(self.vehicles)}

    @cached_property
    def depot_of(self) -> Mapping[str, str]:
        """Name of the depot of each vehicle type."""
        return {vehicle.name: vehicle.depot or self.depots[0].name for vehicle in self.vehicles}

    def of_nodes(self, field: str, at_depot: float = 0.0) -> Floats:
        """Return a field of every node; depots have `at_depot`."""
        values = [getattr(client, field) for client in self.clients]
        return np.array([at_depot] * len(self.depots) + values, dtype=float)

    @cached_property
    def demand(self) -> Floats:
        """Demand of each node."""
        return self.of_nodes("demand")

    @cached_property
    def service(self) -> Floats:
        """Service time at each node."""
        return self.of_nodes("service")

    @cached_property
    def earliest(self) -> Floats:
        """Start of each node's window; a depot has none."""
        return self.of_nodes("earliest", -np.inf)

    @cached_property
    def latest(self) -> Floats:
        """End of each node's window; a depot has none."""
        return self.of_nodes("latest", np.inf)

    def of_vehicles(self, field: str) -> Floats:
        """Return a field of every vehicle type."""
        return np.array([getattr(vehicle, field) for vehicle in self.vehicles], dtype=float)

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Which vehicle types may serve each node: with all skills it needs, and among its types; (types, n)."""
        allowed = np.ones((len(self.vehicles), len(self.points)), dtype=bool)
        for place, client in enumerate(self.clients, start=len(self.depots)):
            needs, names = words_of(client.needs), words_of(client.vehicles)
            if needs or names:
                for kind, vehicle in enumerate(self.vehicles):
                    named = not names or vehicle.name in names
                    allowed[kind, place] = named and needs <= words_of(vehicle.skills)
        return allowed

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which arcs have a length: between different places with a finite distance; (n, n)."""
        usable: NDArray[np.bool_] = np.isfinite(self.distance)
        np.fill_diagonal(usable, val=False)
        return usable

    @cached_property
    def stand_in(self) -> Floats:
        """Distances with a harmless number on arcs that cannot be driven, so that laws stay finite there."""
        driven = self.distance[self.usable]
        return np.where(self.usable, self.distance, np.median(driven) if driven.size else 1.0)

    def client_values(self, field: str, law: str) -> Known:
        """Return ``client.<field>`` for every node as the head of a leg.

        On the way back the depot is the head: it demands nothing, and its own attributes count.
        """
        units = self.units.of_points()
        if field in ("demand", "service", "earliest", "latest"):
            return Known(getattr(self, field), units[field])
        if field == "prize":
            raise ProblemError(f"law {law!r}: a law cannot read 'client.prize'; a prize is not paid per leg")
        for depot in self.depots:
            if field not in depot.attributes and field not in _POINT_FIELDS:
                self._refuse_missing(depot, field, law)
        return known(self.points, field, units=units, where=f"law {law!r}: clients and depots")

    def _refuse_missing(self, depot: Depot, field: str, law: str) -> None:
        if any(field in client.attributes for client in self.clients):
            raise ProblemError(
                f"law {law!r}: depot {depot.name!r} has no {field!r}, which the law reads on the way back; "
                f"add the column to the depots"
            )
        attributes = {name for client in self.clients for name in client.attributes}
        hint = nearest(field, [*_POINT_FIELDS, *attributes])
        raise ProblemError(f"law {law!r}: clients have no {field!r}; {hint}")


class Laws:
    """The laws of a routing problem, evaluated on legs.

    Parameters
    ----------
    facts
        What the problem knows.
    cost
        Price per leg, by term.
    duration
        Travel time per leg.
    """

    def __init__(self, facts: Facts, cost: Mapping[str, Law], duration: Law) -> None:
        self.facts = facts
        self.cost = dict(cost)
        self.duration = duration
        self._client_values: dict[str, Known] = {}

    @cached_property
    def roads(self) -> NDArray[np.bool_]:
        """Which arcs can be driven: with a length, and finite in every matrix of times and prices; (n, n)."""
        roads = self.facts.usable
        for law in (self.duration, *self.cost.values()):
            if isinstance(law, ArrivalFunctions):
                roads = roads & law.roads
            elif not isinstance(law, BoundFormula):
                roads = roads & np.isfinite(law)
        return roads

    def law(self, name: str) -> Law:
        """Return a cost law by its term, or the law of travel time."""
        return self.duration if name == DURATION else self.cost[name]

    def formulas(self) -> dict[str, BoundFormula]:
        """Return the laws that are formulas, travel time first."""
        named = {DURATION: self.duration, **self.cost}
        return {name: law for name, law in named.items() if isinstance(law, BoundFormula)}

    def reads(self, name: str, *references: str) -> bool:
        """Say whether a law reads any of the references, given as ``scope`` or ``scope.field``."""
        law = self.law(name)
        if isinstance(law, ArrivalFunctions):
            return any(reference.partition(".")[0] == "clock" for reference in references)
        if not isinstance(law, BoundFormula):
            return False
        return any(str(found) in references or found.scope in references for found in law.references)

    def unit(self, name: str) -> str:
        """Return the unit a law is evaluated in."""
        return self.facts.units.time if name == DURATION else self.facts.units.money

    def evaluate(self, name: str, inputs: Inputs) -> Floats:
        """Evaluate a law on legs.

        A value below zero is taken as zero, for the solver and for re-pricing alike; ``outside`` says where. Legs
        that cannot be driven are infinite.

        Raises
        ------
        ProblemError
            If the law gives no number on a leg that can be driven; names the law and the place.
        """
        raw = self.raw(name, inputs)
        return np.where(np.isnan(raw), np.inf, np.maximum(raw, 0.0))

    def raw(self, name: str, inputs: Inputs) -> Floats:
        """Evaluate a law as it is, with NaN on legs that cannot be driven."""
        law, tail, head = self.law(name), inputs.tail, inputs.head
        usable = self.roads[tail, head]
        if name != DURATION:
            usable = usable & np.isfinite(inputs.duration)
        if isinstance(law, ArrivalFunctions):
            return np.where(usable, law.duration(tail, head, inputs.clock), np.nan)
        if not isinstance(law, BoundFormula):
            return np.where(usable, law[tail, head], np.nan)
        try:
            values = law.evaluate(self.resolver(name, inputs), self.unit(name))
        except FormulaError as error:
            raise ProblemError(f"law {name!r}: {error}") from error
        return np.where(usable, values, np.nan)

    def outside(self, name: str, inputs: Inputs) -> NDArray[np.bool_]:
        """Say which legs lie outside the data the law was learned from; all False for a matrix.

        Arrival functions are known between their first and last point.
        """
        law = self.law(name)
        shape = np.broadcast_shapes(inputs.tail.shape, inputs.head.shape)
        if isinstance(law, ArrivalFunctions):
            return np.array(np.broadcast_to(law.outside(inputs.tail, inputs.head, inputs.clock), shape))
        if not isinstance(law, BoundFormula):
            return np.zeros(shape, dtype=bool)
        outside = law.outside(self.resolver(name, inputs))
        reached = self.roads[inputs.tail, inputs.head]
        return np.asarray(np.broadcast_to(outside, shape) & reached)

    def resolver(self, name: str, inputs: Inputs) -> Resolver:
        """Return the function that looks references up for these legs."""

        def resolve(reference: Reference) -> Known:
            if reference.scope == "vehicle":
                values = self._vehicle_values(reference.field, name)
                return Known(values.values[inputs.vehicle], values.unit)
            if reference.scope == "client":
                values = self._head_values(reference.field, name)
                return Known(values.values[inputs.head], values.unit)
            return self._moving(reference, name, inputs)

        return resolve

    def _moving(self, reference: Reference, law: str, inputs: Inputs) -> Known:
        """Look up arc, load and clock."""
        units = self.facts.units
        what = str(reference)
        if what == "arc.distance":
            return Known(self.facts.stand_in[inputs.tail, inputs.head], units.distance)
        if what == "arc.duration" and law != DURATION:
            return Known(np.where(np.isfinite(inputs.duration), inputs.duration, 1.0), units.time)
        if what == "state.load":
            return Known(inputs.load, units.load)
        if what in ("clock.hour", "clock.minute"):
            unit, day = ("h", 24.0) if reference.field == "hour" else ("min", 1440.0)
            finite = np.where(np.isfinite(inputs.clock), inputs.clock, 0.0)
            return Known(np.mod(convert(finite, units.time, unit), day), unit)
        if what == "arc.duration":
            raise ProblemError(
                f"law {law!r}: the law of travel time cannot read 'arc.duration', which it gives"
            )
        hint = nearest(what, KNOWN)
        raise ProblemError(f"law {law!r}: a routing problem does not know {what!r}; {hint}")

    def _vehicle_values(self, field: str, law: str) -> Known:
        vehicles: Sequence[Any] = self.facts.vehicles
        return known(vehicles, field, units=self.facts.units.of_vehicles(), where=f"law {law!r}: vehicles")

    def _head_values(self, field: str, law: str) -> Known:
        if field not in self._client_values:
            self._client_values[field] = self.facts.client_values(field, law)
        return self._client_values[field]


KNOWN = (
    "arc.distance",
    "arc.duration",
    "state.load",
    "clock.hour",
    "clock.minute",
    "client.demand",
    "vehicle.capacity",
)
