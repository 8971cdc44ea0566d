"""The data of a routing problem as arrays over nodes and vehicle types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import MOST_KEPT, arcs_of, tail_blocks
from kanopt.array_types import Floats, Indices
from kanopt.errors import FormulaError, ProblemError, nearest
from kanopt.faults import WHOLE_TEXT, Amount, Finite, is_whole
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import ReferenceValue
from kanopt.plans.geography import Positions
from kanopt.records.declaration import check_fields, declared_fields
from kanopt.records.fields import moment, next_day_hint, read_spans
from kanopt.records.reading import field_values
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType, split_label
from kanopt.routing.plan import Route, StartedRoute
from kanopt.text import list_names

# Windows and breaks, parsed from text.


@dataclass(frozen=True)
class DriverBreak:
    """A break of a driver.

    Parameters
    ----------
    length
        How long it takes.
    earliest, latest
        When it may begin, as clock times from midnight.
    """

    length: float
    earliest: float
    latest: float


def parse_windows(text: str, unit: str = "min") -> tuple[tuple[float, float], ...]:
    """Read windows, one after the other.

    Parameters
    ----------
    text
        Separated by commas or semicolons; clock times as numbers in `unit`, or as hours and minutes.
    unit
        Unit of time of the numbers, and of what is returned.

    Raises
    ------
    ProblemError
        If it cannot be read, or a window closes before it opens or opens before the one before it closes.

    Examples
    --------
    >>> parse_windows("480-600, 13:00-15:30")
    ((480.0, 600.0), (780.0, 930.0))
    """
    found: list[tuple[float, float]] = []
    for part, span in read_spans(text, unit):
        if span is None or span[0] is not None:
            raise ProblemError(f"{part!r} is no window; write one such as '480-600' or '8:00-10:00'")
        _, opens, closes = span
        if closes < opens:
            raise ProblemError(f"the window {part!r} closes before it opens{next_day_hint([closes], unit)}")
        if found and opens < found[-1][1]:
            raise ProblemError(f"the window {part!r} opens before the one before it closes")
        found.append((opens, closes))
    return tuple(found)


def parse_breaks(text: str, unit: str = "min") -> tuple[DriverBreak, ...]:
    """Read breaks, one after the other.

    Parameters
    ----------
    text
        Separated by commas or semicolons; lengths in `unit`, clock times as numbers in `unit` or as hours and minutes.
    unit
        Unit of time.

    Raises
    ------
    ProblemError
        If it cannot be read, or breaks are not in the order of their windows.

    Examples
    --------
    >>> parse_breaks("30 in 11:00-13:00")
    (DriverBreak(length=30.0, earliest=660.0, latest=780.0),)
    """
    found: list[DriverBreak] = []
    for part, span in read_spans(text, unit):
        if span is None or (length := span[0]) is None:
            raise ProblemError(
                f"{part!r} is no break; write one such as '30 in 660-780' or '30 in 11:00-13:00'"
            )
        _, earliest, latest = span
        if latest < earliest:
            raise ProblemError(f"the break {part!r} must begin before it may")
        if found and (earliest < found[-1].earliest or latest < found[-1].latest):
            raise ProblemError(f"the break {part!r} comes before the one written before it")
        found.append(DriverBreak(length, earliest, latest))
    return tuple(found)


# Rules and prices of a whole routing plan, beyond those of single clients and vehicles.


@dataclass(frozen=True)
class RoutingPolicy:
    """Rules and prices of a whole routing plan.

    Parameters
    ----------
    service
        Law of how long a stop takes, instead of the clients' field ``service_duration``; it may read ``client.<…>``,
        ``vehicle.<…>``, ``day.<…>``, ``clock.hour`` and ``clock.minute``, when service begins, and ``state.load``, what
        is on board when the vehicle arrives. Whoever begins later must not be done earlier: a law that falls faster
        than the clock runs is refused.
    capacities
        Further measures of the load: names of attributes that are a demand of clients and a capacity of vehicle types.
        They are delivered like the demand, so that on a route without reloads their sum is limited.
    apart
        Pairs of goods that may not be on one route; a pair of the same goods twice allows one client with them per
        route.
    backhaul
        Whether a vehicle delivers everything it has loaded before it picks anything up.
    longest_route_cost
        Price of each unit of time of the route that takes longest, which spreads work evenly.
    not_before
        Clock time before which no trip begins that is not under way: a number in the problem's unit, or ``"10:30"``;
        None where trips may begin at any time.
    pinned
        Which vehicle, such as ``"van 2"``, serves which clients.

    Raises
    ------
    ProblemError
        If a text stands where a list of names belongs, or the price is negative.

    Examples
    --------
    >>> RoutingPolicy(capacities=("pallets",), apart=(("food", "paint"),), pinned={"van 2": ("c1",)}).backhaul
    False
    """

    service: BoundFormula | None = None
    capacities: Sequence[str] = ()
    apart: Sequence[tuple[str, str]] = ()
    backhaul: bool = False
    longest_route_cost: Amount = 0.0
    not_before: Finite | str | None = None
    pinned: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, "policy")
        if self.service is not None and not isinstance(self.service, BoundFormula):
            raise ProblemError(
                f"policy: service is a {type(self.service).__name__}; give a formula with its inputs bound, as "
                f"law.bind(demand=client.demand)"
            )
        if not isinstance(self.pinned, Mapping):
            raise ProblemError("policy: pinned says which vehicle serves whom, as {'van 2': ['c1', 'c4']}")
        texts = {
            "capacities": self.capacities,
            **{f"pinned[{name!r}]": names for name, names in self.pinned.items()},
        }
        for name, value in texts.items():
            if isinstance(value, str):
                raise ProblemError(
                    f"policy: {name} = {value!r} is one text; give a list of names, as [{value!r}]"
                )
        given = [*self.capacities, *self.pinned, *(goods for pair in self.apart for goods in pair)]
        for text in (*given, *(client for names in self.pinned.values() for client in names)):
            if isinstance(text, str) and not is_whole(text):
                raise ProblemError(f"policy: {text!r:.80} must be {WHOLE_TEXT}")


_SAMPLE = 200
"""Rows of arcs of which the median stands for arcs that cannot be driven."""
_POINT_FIELDS = tuple(
    item.name for item in declared_fields(Client) if not item.is_text or item.name == "name"
)


@dataclass(frozen=True, eq=False)
class RoutingData:
    """The data of a routing problem as arrays over its nodes (depots, then clients) and vehicle types.

    Parameters
    ----------
    depots, clients, vehicles, units, policy
        As in :class:`RoutingProblem`.
    distances
        Length of each arc, (n, n), or where the nodes lie, from which it follows.
    started
        Routes under way.
    day
        The day of the plan; None where none is stated.
    """

    depots: tuple[Depot, ...]
    clients: tuple[Client, ...]
    vehicles: tuple[VehicleType, ...]
    distances: Floats | Positions
    units: RoutingUnits
    policy: RoutingPolicy = field(default_factory=RoutingPolicy)
    started: tuple[StartedRoute, ...] = ()
    day: date | None = None

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
    def homes(self) -> Indices:
        """Node of the depot at which each vehicle type starts; (types,)."""
        return np.array([self.index[self.depot_of[each.name]] for each in self.vehicles], dtype=np.intp)

    @cached_property
    def ends(self) -> Indices:
        """Node of the depot at which each vehicle type ends, where it comes to one; (types,)."""
        return np.array([self.index[self.end_of[each.name]] for each in self.vehicles], dtype=np.intp)

    @cached_property
    def fleet(self) -> tuple[tuple[int, int], ...]:
        """Type, by its position, and number of each vehicle that a plan may need.

        Of a type no more than there are clients, those to which clients are pinned, and those under way.
        """
        kinds = enumerate(self.vehicles)
        most = len(self.clients)
        found = {
            (kind, number) for kind, one in kinds for number in range(1, min(one.num_available, most) + 1)
        }
        named = (*self.pinned.values(), *self.started_of)
        return tuple(sorted(found | {(self.type_index[name], number) for name, number in named}))

    @cached_property
    def depot_of(self) -> Mapping[str, str]:
        """Name of the depot of each vehicle type."""
        return {vehicle.name: vehicle.start_depot or self.depots[0].name for vehicle in self.vehicles}

    @cached_property
    def end_of(self) -> Mapping[str, str]:
        """Name of the depot at which each vehicle type ends, where it comes to one."""
        return {vehicle.name: vehicle.end_depot or self.depot_of[vehicle.name] for vehicle in self.vehicles}

    def way_of(self, route: Route) -> tuple[str, ...]:
        """Return the places of a route in order, the depots from which it leaves and at which it ends included."""
        vehicle = self.vehicles[self.type_index[route.vehicle]]
        ends = [vehicle.end_depot or route.depot] if vehicle.returns and route.clients else []
        return (route.depot, *route.clients, *ends)

    def of_nodes(self, field: str) -> Floats:
        """Return a field of every node; depots have 0."""
        values = [getattr(client, field) for client in self.clients]
        return np.array([0.0] * len(self.depots) + values, dtype=float)

    @cached_property
    def demand(self) -> Floats:
        """Demand of each node."""
        return self.of_nodes("demand")

    @cached_property
    def prize(self) -> Floats:
        """What it costs to leave out each node; 0 of one that must be served."""
        prizes = [client.prize or 0.0 for client in self.clients]
        return np.array([0.0] * len(self.depots) + prizes)

    @cached_property
    def mandatory(self) -> NDArray[np.bool_]:
        """Which nodes must be served."""
        return np.array([False] * len(self.depots) + [client.mandatory for client in self.clients])

    @cached_property
    def pickup(self) -> Floats:
        """What is picked up at each node and brought to the depot."""
        return self.of_nodes("pickup")

    @cached_property
    def source(self) -> Indices:
        """Node at which the demand of each node is loaded; -1 where that is the depot."""
        sources = [self.index[client.source] if client.source else -1 for client in self.clients]
        return np.array([-1] * len(self.depots) + sources, dtype=np.intp)

    @cached_property
    def release(self) -> Floats:
        """When what each node receives is ready; minus infinity where it always is."""
        stated = self.of_nodes("release_time")
        return np.where(stated == 0.0, -np.inf, stated)

    @cached_property
    def ready_at_depot(self) -> Floats:
        """When what is loaded at the depot for each node is ready; minus infinity where it always is."""
        return np.where(self.source < 0, self.release, -np.inf)

    @cached_property
    def has_releases(self) -> bool:
        """Whether anything is not ready at any time."""
        return bool(np.isfinite(self.release).any())

    def released(self, route: Route) -> float:
        """Return when all that a route takes along when it leaves is ready."""
        first = takewhile(lambda name: name != route.depot, route.clients)
        return max((float(self.ready_at_depot[self.index[name]]) for name in first), default=-np.inf)

    def leaves_from(self, route: Route) -> float:
        """Return when a route may leave at the earliest; of one under way when it has left, where that is known."""
        known = self.started_of.get((route.vehicle, route.index))
        if known is not None and known.route.departure is not None:
            return known.route.departure
        soonest = max(self.vehicles[self.type_index[route.vehicle]].shift_start, self.released(route))
        return soonest if known is not None else max(soonest, self.not_before)

    @cached_property
    def not_before(self) -> float:
        """When trips may begin that are not under way; minus infinity for at any time."""
        stated = self.policy.not_before
        return -np.inf if stated is None else moment(str(stated), self.units.time)

    @cached_property
    def started_of(self) -> Mapping[tuple[str, int], StartedRoute]:
        """Routes under way, by vehicle type and number."""
        return {each.vehicle: each for each in self.started}

    @property
    def is_under_way(self) -> bool:
        """Whether anything is fixed because time has passed."""
        return bool(self.started) or np.isfinite(self.not_before)

    @cached_property
    def bound_to(self) -> Mapping[str, tuple[str, int]]:
        """Vehicle type and number of the route under way on which a client stays, by the client's name."""
        return {name: each.vehicle for each in self.started for name in each.bound}

    @cached_property
    def is_loaded(self) -> NDArray[np.bool_]:
        """Which nodes receive anything that is loaded at the depot."""
        return np.asarray((self.demands > 0).any(axis=0) & (self.source < 0))

    @cached_property
    def has_sources(self) -> bool:
        """Whether any demand is loaded at a client."""
        return bool((self.source >= 0).any())

    @cached_property
    def served_together(self) -> tuple[tuple[int, ...], ...]:
        """The nodes that are served together or not at all, each after the one at which it is loaded.

        What a client loads for others is loaded at the depot: no source has a source.
        """
        members: dict[int, list[int]] = {}
        for node in np.lexsort((np.arange(len(self.names)), self.source >= 0)).tolist():
            members.setdefault(int(self.source[node]) if self.source[node] >= 0 else node, []).append(node)
        return tuple(tuple(members[node]) for node in sorted(members))

    @cached_property
    def total_load(self) -> float:
        """All that is delivered and picked up, added up."""
        return float(self.demand.sum() + self.pickup.sum())

    @cached_property
    def most_load(self) -> float:
        """The most that is ever on board of a vehicle that keeps to its capacity."""
        return min(self.total_load, float(self.capacities[0].max(initial=0.0)))

    @cached_property
    def demands(self) -> Floats:
        """Demand of each node in every measure, the load first; (measures, n)."""
        return np.stack([self.demand, *(self._attribute(name, "clients") for name in self.policy.capacities)])

    @cached_property
    def capacities(self) -> Floats:
        """Capacity of each vehicle type in every measure, the load first; (measures, types)."""
        others = (self._attribute(name, "vehicles") for name in self.policy.capacities)
        return np.stack([self.of_vehicles("capacity"), *others])

    def unit_of(self, measure: int) -> str:
        """Return the unit of a measure by its position."""
        if measure == 0:
            return self.units.load
        name = self.policy.capacities[measure - 1]
        unit: str = field_values(self.vehicles, name, where="vehicles").unit
        return unit

    def _attribute(self, name: str, where: str) -> Floats:
        """Return an attribute that is a measure of the load, of all clients or vehicles; depots have 0."""
        unit = field_values(self.vehicles, name, where="vehicles").unit
        owners: Sequence[Client | VehicleType] = self.clients if where == "clients" else self.vehicles
        found = field_values(owners, name, where=where)
        try:
            values: Floats = np.asarray(found.to(unit) if owners else np.zeros(0), dtype=float)
        except (FormulaError, ValueError, TypeError) as error:
            raise ProblemError(f"{where}: {name!r}, a capacity, must be a number: {error}") from error
        if not (values >= 0).all():
            wrong = [owner.name for owner, value in zip(owners, values, strict=True) if not value >= 0]
            raise ProblemError(f"{where} {list_names(wrong)}: {name}, a capacity, must be at least 0")
        depots: Floats = np.zeros(len(self.depots) if where == "clients" else 0)
        return np.concatenate([depots, values])

    @cached_property
    def windows(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Windows of each client, in order."""
        return tuple(
            parse_windows(client.windows, self.units.time) or ((client.earliest, client.latest),)
            for client in self.clients
        )

    @cached_property
    def opens(self) -> Floats:
        """Opening of each node's windows, its last one repeated; (most windows, n); depots are always open."""
        return self._of_windows(0, -np.inf)

    @cached_property
    def closes(self) -> Floats:
        """Closing of each node's windows, as `opens`."""
        return self._of_windows(1, np.inf)

    def _of_windows(self, end: int, at_depot: float) -> Floats:
        most = max(map(len, self.windows), default=1)
        rows = [[windows[min(row, len(windows) - 1)][end] for row in range(most)] for windows in self.windows]
        return np.array([[at_depot] * most] * len(self.depots) + rows, dtype=float).T

    @cached_property
    def earliest(self) -> Floats:
        """First opening of each node; a depot has none."""
        return np.asarray(self.opens[0])

    @cached_property
    def latest(self) -> Floats:
        """Last closing of each node; a depot has none."""
        return np.asarray(self.closes[-1])

    @cached_property
    def due(self) -> Floats:
        """Last closing of each node; infinite at depots and where service may be late."""
        return np.where(self.has_soft_window, np.inf, self.latest)

    @cached_property
    def has_soft_window(self) -> NDArray[np.bool_]:
        """At which nodes service may begin after the last window."""
        late = [client.unit_lateness_cost is not None for client in self.clients]
        return np.array([False] * len(self.depots) + late)

    @cached_property
    def lateness_rate(self) -> Floats:
        """Price of each unit of time by which service begins too late, where it may."""
        rates = [client.unit_lateness_cost or 0.0 for client in self.clients]
        return np.array([0.0] * len(self.depots) + rates)

    @cached_property
    def breaks(self) -> tuple[tuple[DriverBreak, ...], ...]:
        """Breaks of each vehicle type."""
        return tuple(parse_breaks(vehicle.breaks, self.units.time) for vehicle in self.vehicles)

    @cached_property
    def apart(self) -> NDArray[np.bool_]:
        """Which clients may not be on one route; (n, n)."""
        goods = [frozenset[str]()] * len(self.depots) + [frozenset(client.goods) for client in self.clients]
        found = np.zeros((len(goods), len(goods)), dtype=bool)
        for one, other in self.policy.apart:
            first = np.array([one in words for words in goods])
            second = np.array([other in words for words in goods])
            both = first[:, None] & second[None, :]
            found |= both | both.T
        np.fill_diagonal(found, val=False)
        return found

    @cached_property
    def pinned(self) -> Mapping[str, tuple[str, int]]:
        """Vehicle type and number that serves a client, by the client's name."""
        types = [vehicle.name for vehicle in self.vehicles]
        return {
            name: split_label(label, types) for label, names in self.policy.pinned.items() for name in names
        }

    def of_vehicles(self, field: str) -> Floats:
        """Return a field of every vehicle type."""
        return np.array([getattr(vehicle, field) for vehicle in self.vehicles], dtype=float)

    @cached_property
    def has_skills(self) -> NDArray[np.bool_]:
        """Which vehicle types can serve each node: with all skills it needs, and among its types; (types, n)."""
        can_serve = np.ones((len(self.vehicles), len(self.points)), dtype=bool)
        for place, client in enumerate(self.clients, start=len(self.depots)):
            needs, names = frozenset(client.needs), frozenset(client.vehicles)
            if needs or names:
                for kind, vehicle in enumerate(self.vehicles):
                    named = not names or vehicle.name in names
                    can_serve[kind, place] = named and needs <= frozenset(vehicle.skills)
        return can_serve

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Which vehicle types may serve each node: those that can, but only its own for a pinned client; (types, n)."""
        allowed = self.has_skills.copy()
        for name, (vehicle, _) in self.pinned.items():
            allowed[:, self.index[name]] &= np.arange(len(self.vehicles)) == self.type_index[vehicle]
        return allowed

    @property
    def keeps_matrices(self) -> bool:
        """Whether prices and times of all arcs are kept; else they are worked out again where they are asked for."""
        return len(self.vehicles) * len(self.points) ** 2 <= MOST_KEPT

    @cached_property
    def distance(self) -> Floats:
        """Length of each arc; (n, n)."""
        if not isinstance(self.distances, Positions):
            return self.distances
        every = np.arange(len(self.points))
        found = np.empty((len(every), len(every)))
        for tails in tail_blocks(every, len(every)):
            found[tails] = self.distances.lengths(tails[:, None], every[None, :])
        return found

    def lengths(self, tail: Indices, head: Indices) -> Floats:
        """Return the length of arcs, infinite where there is no road."""
        if isinstance(self.distances, Positions) and not self.keeps_matrices:
            return self.distances.lengths(tail, head)
        return arcs_of(self.distance, tail, head)

    def usable(self, tail: Indices, head: Indices) -> NDArray[np.bool_]:
        """Say which arcs have a length: between different places with a finite distance."""
        apart: NDArray[np.bool_] = tail != head
        if isinstance(self.distances, Positions):
            return apart
        return apart & np.isfinite(arcs_of(self.distances, tail, head))

    @cached_property
    def _stand_in(self) -> float:
        """A length that some arc has, 1 where none can be driven."""
        every = np.arange(len(self.points))
        tails, heads = every[:_SAMPLE, None], every[None, :]
        driven = self.lengths(tails, heads)[self.usable(tails, heads)]
        return float(np.median(driven)) if driven.size else 1.0

    def finite_lengths(self, tail: Indices, head: Indices) -> Floats:
        """Return the length of arcs, a harmless one of those that cannot be driven, so that laws stay finite there."""
        return np.where(self.usable(tail, head), self.lengths(tail, head), self._stand_in)

    @cached_property
    def _as_the_crow_flies(self) -> Positions:
        return Positions.of(self.points, self.units.distance, 1.0)

    def straight(self, field: str, law: str, tail: Indices, head: Indices) -> ReferenceValue:
        """Return ``arc.straight_distance``, ``arc.eastward`` or ``arc.northward`` of legs."""
        there = self._as_the_crow_flies
        lost = [name for name, place in zip(self.names, there.given, strict=True) if np.isnan(place).any()]
        if lost:
            raise ProblemError(
                f"law {law!r}: it reads 'arc.{field}', but {list_names(lost)} has no coordinates; give them"
            )
        if field == "straight_distance":
            return ReferenceValue(there.lengths(tail, head), self.units.distance)
        return ReferenceValue(there.directions(tail, head)[field == "northward"])

    def place_values(self, field: str, law: str) -> ReferenceValue:
        """Return a field or attribute of every node as the end of a leg.

        A depot demands nothing, and its own attributes count.
        """
        units = self.units.of(Client)
        if field in ("service_duration", "release_time"):
            return ReferenceValue(self.of_nodes(field), units[field])
        if field in ("demand", "pickup", "earliest", "latest"):
            return ReferenceValue(getattr(self, field), units[field])
        if field == "prize":
            raise ProblemError(f"law {law!r}: a law cannot read 'client.prize'; a prize is not paid per leg")
        for depot in self.depots:
            if field not in depot.attributes and field not in _POINT_FIELDS:
                self._refuse_missing(depot, field, law)
        found = field_values(self.points, field, units=units, where=f"law {law!r}: clients and depots")
        if field in ("x", "y", "lat", "lon") and np.isnan(found.values).any():
            lost = [self.names[node] for node in np.flatnonzero(np.isnan(found.values))]
            raise ProblemError(
                f"law {law!r}: it reads {field!r} of places, but {list_names(lost)} has none; give it"
            )
        return found

    def _refuse_missing(self, depot: Depot, field: str, law: str) -> None:
        if any(field in client.attributes for client in self.clients):
            raise ProblemError(
                f"law {law!r}: depot {depot.name!r} has no {field!r}, which the law reads on legs from or to it; "
                f"add the column to the depots"
            )
        attributes = {name for client in self.clients for name in client.attributes}
        hint = nearest(field, [*_POINT_FIELDS, *attributes])
        raise ProblemError(f"law {law!r}: clients have no {field!r}; {hint}")
