"""A routing problem in the whole numbers of an engine, rounded on the safe side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import of_types
from kanopt.array_types import Floats, Integers
from kanopt.errors import SolverError
from kanopt.parallel import available_bytes, gigabytes
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.arrays import DriverBreak
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.service_times import RoutingData
from kanopt.units import Scaling, convert, scaling_for

Flags = NDArray[np.bool_]
NodeRoutes = Sequence[Sequence[int]]
"""Client nodes in order of visit, one route for each vehicle of the fleet; the node of its depot is a reload."""
_MINUTE_STEPS = 1e4
_MONEY_STEP = 1e-10
_LOAD_STEP = 1e-6
_LOAD_DIGITS = 9
_LENGTH_STEP = 1e-6
_COARSEST = 1e-13  # of the horizon: the longest step of time that fits 64 bits, with room to spare
_LARGEST = 1e18  # a quarter of what 64 bits hold, so that sums of sums stay inside
_ROOM = 2.0  # between the dearest plan before rounding and the price of leaving a client out
_FORCES = 1e5  # units in which all that is carried is counted where it is priced


@dataclass(frozen=True)
class TimeScaling:
    """How times become whole numbers.

    Parameters
    ----------
    up
        The scaling of durations.
    origin
        Clock time of 0.
    horizon
        The latest time that can occur, in the problem's unit, counted from `origin`.
    """

    up: Scaling
    origin: float
    horizon: float

    @property
    def down(self) -> Scaling:
        """The scaling of limits."""
        return Scaling(self.up.factor, "down")

    def opening(self, moments: Floats) -> Integers:
        """Round clock times before which nothing may happen."""
        return self.up.to_integers(np.clip(moments - self.origin, 0.0, self.horizon + 1.0))

    def closing(self, moments: Floats) -> Integers:
        """Round clock times after which nothing may happen."""
        return self.down.to_integers(np.clip(moments - self.origin, -1.0, self.horizon))

    def limit(self, lengths: Floats) -> Integers:
        """Round limits of durations."""
        return self.down.to_integers(np.minimum(lengths, self.horizon + 1.0))

    def stay(self, lengths: Floats) -> Integers:
        """Round durations, none longer than the horizon and a little more."""
        return self.up.to_integers(np.minimum(lengths, self.horizon + 1.0))


class RoutingIntegers:
    """A routing problem in whole numbers, as engines see it.

    Durations and demands are rounded up, capacities down, windows and shifts inward, so that a plan feasible
    here is feasible at the planning values. Nodes are the depots where some vehicle starts or ends, then the clients
    that some vehicle could carry within their window, in an order drawn from the seed.

    Parameters
    ----------
    problem
        What is rounded, at its planning values.
    seed
        Draws the order of the clients: the one thing in which two searches on the same problem differ.
    loaded
        Whether what is on board is priced on each leg: laws of the load as straight lines instead of at one load. No
        bound on the rounding is claimed then.
    dearest
        What a plan may cost at most in whole numbers, where an engine needs room for penalties of its own; None where
        all of 64 bits is there.

    Attributes
    ----------
    nodes
        Position in the problem of each node.
    fleet
        Vehicle type (position) and number of each vehicle, in order of types.
    depots
        How many of the nodes are depots.
    clock, money
        The scalings of times and of prices.
    last
        The latest time that can occur.
    demands, capacities, pickup
        In every measure; (measures, nodes), (measures, types), and (nodes,) for the load.
    penalty
        Price of leaving a mandatory client out: more than any plan can cost.

    Raises
    ------
    UnitError
        If times or loads are too large for 64-bit integers.
    SolverError
        If the machine has no memory for the arcs.
    """

    def __init__(
        self, problem: RoutingProblem, seed: int = 0, *, loaded: bool = False, dearest: float | None = None
    ) -> None:
        self.problem, self.data, self.loaded = problem, problem.data, loaded
        self.fleet = _fleet(problem)
        self.clock = _time_scaling(problem)
        ends = np.minimum(self.data.of_vehicles("shift_end") - self.clock.origin, self.clock.horizon)
        self.shift_start = self.clock.up.to_integers(self.data.of_vehicles("shift_start") - self.clock.origin)
        self.shift_end = self.clock.down.to_integers(ends)
        self.last = int(self.shift_end.max())
        most = _dearest_plan(problem, self._dearest_arcs(), self.clock.horizon, self.fleet)
        room = (_LARGEST, len(problem.clients) + 3) if dearest is None else (dearest, 1)
        self.money = scaling_for(most, room[1], limit=room[0], target_resolution=_MONEY_STEP)
        self.penalty = int(_ROOM * most * self.money.factor) + 1
        none = np.zeros_like(self.data.pickup)
        rounded = [
            _round_loads(carried, none if measure else self.data.pickup, limit)
            for measure, (carried, limit) in enumerate(
                zip(self.data.demands, self.data.capacities, strict=True)
            )
        ]
        self.capacities: Integers = np.stack([capacity for _, _, capacity in rounded])
        possible = self._possible(rounded[0][0], rounded[0][1])
        self.nodes = self._order(seed, possible)
        self.depots = int((self.nodes < len(self.data.depots)).sum())
        self.demands: Integers = np.stack([demand for demand, _, _ in rounded])[:, self.nodes]
        self.pickup: Integers = rounded[0][1][self.nodes]
        prizes = self.money.to_integers([client.prize or 0.0 for client in self.data.clients])
        whole = np.concatenate([np.zeros(len(self.data.depots), dtype=np.int64), prizes])
        self.prize: Integers = whole[self.nodes]
        self.missed_prizes = int(whole.sum() - self.prize.sum())
        must = np.array([False] * len(self.data.depots) + [each.mandatory for each in self.data.clients])
        self.mandatory: Flags = must[self.nodes]
        self.unreachable_mandatory = int(must.sum() - self.mandatory.sum())
        travel, paid = problem.planning_values.arcs_from(self.nodes[:1])
        refuse_too_large(
            "travel times and prices in whole numbers", self.size, 8.0 * (len(travel) + len(paid))
        )

    # What may be visited at all.

    def _possible(self, demand: Integers, pickup: Integers) -> Flags:
        """Say which nodes of the problem some vehicle could serve, apart from the others."""
        data, clock = self.data, self.clock
        earliest = clock.up.to_integers(np.maximum(data.earliest - clock.origin, 0.0))
        latest = self._latest_of_all
        possible = (earliest <= latest) & (earliest <= self.last)
        possible &= np.maximum(demand, pickup) <= self.capacities[0].max()
        if data.has_releases:
            # goods that are ready after all shifts, or after the window of the client or of its source has closed
            limit = np.minimum(latest, np.where(data.source < 0, self.last, latest[data.source]))
            possible &= clock.opening(data.release) <= limit
        within = data.demands[1:, None, :] <= data.capacities[1:, :, None]
        possible &= data.allowed.any(axis=0) & within.all(axis=0).any(axis=0)
        return _without_broken_groups(data, possible)

    def _order(self, seed: int, possible: Flags) -> NDArray[np.intp]:
        """Return the depots where vehicles start or end, then the possible clients in an order drawn from the seed.

        To the solver a depot without a vehicle would be one more stop.
        """
        data, kinds = self.data, {kind for kind, _ in self.fleet}
        used = {
            data.index[ends[data.vehicles[kind].name]]
            for ends in (data.depot_of, data.end_of)
            for kind in kinds
        }
        clients = len(data.depots) + np.flatnonzero(possible[len(data.depots) :])
        shuffled = np.random.default_rng(seed).permutation(clients)
        return np.concatenate([np.array(sorted(used), dtype=np.intp), shuffled])

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.nodes)

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody to drive, or nobody who could be served."""
        return self.size == self.depots or not self.fleet

    # Plans in nodes, and in the names of the problem.

    def depot(self, kind: int) -> int:
        """Return the node of the depot where a vehicle type starts."""
        return self.node_of[self.data.depot_of[self.data.vehicles[kind].name]]

    def last_depot(self, kind: int) -> int:
        """Return the node of the depot where a vehicle type ends, if it comes to one."""
        return self.node_of[self.data.end_of[self.data.vehicles[kind].name]]

    @cached_property
    def node_of(self) -> dict[str, int]:
        """Position among the nodes of each depot and client, by name."""
        return {self.data.names[place]: node for node, place in enumerate(self.nodes)}

    def plan(self, routes: NodeRoutes) -> RoutingPlan:
        """Return a plan in the problem's own names.

        When a route leaves is for the laws to say: times rounded and frozen for an engine do not know.
        """
        data, named = self.data, []
        for (kind, index), route in zip(self.fleet, routes, strict=True):
            if route:
                vehicle = data.vehicles[kind].name
                clients = tuple(data.names[self.nodes[node]] for node in route)
                named.append(Route(vehicle, index, data.depot_of[vehicle], clients))
        return self.problem.plan_from(RoutingPlan(tuple(named)))

    def node_routes(self, plan: RoutingPlan) -> list[list[int]]:
        """Return the stops of each vehicle of a plan, without clients that are not among the nodes."""
        place = {slot: number for number, slot in enumerate(self.fleet)}
        routes: list[list[int]] = [[] for _ in self.fleet]
        for route in plan.routes:
            slot = self.data.type_index[route.vehicle], route.index
            stops = [self.node_of[name] for name in route.clients if name in self.node_of]
            routes[place[slot]] = without_idle_reloads(stops, self.depots)
        return routes

    # Arcs.

    def _dearest_arcs(self) -> Floats:
        """Return the price of the dearest arc from each node of the problem."""
        planning, data = self.problem.planning_values, self.data
        if not self.loaded:
            return planning.row_peaks.dearest
        prices, slopes = planning.linear_load_costs
        heavy = prices + slopes * float(data.demand.sum() + data.pickup.sum())
        found: Floats = np.where(np.isfinite(heavy), heavy, 0.0).max(axis=(0, 2))
        return found

    @property
    def transit(self) -> Integers:
        """Time from the start of service at the tail of an arc to the arrival at its head; (types, nodes, nodes).

        An arc without a road takes longer than `last`. What all types share is in memory once.
        """
        return self._arcs[0]

    @property
    def cost(self) -> Integers:
        """Price of each arc; (types, nodes, nodes)."""
        return self._arcs[1]

    @cached_property
    def _arcs(self) -> tuple[Integers, Integers]:
        """Return times and prices of the arcs between nodes."""
        data, clock, nodes, types = self.data, self.clock, self.nodes, len(self.data.vehicles)
        if not len(nodes):
            none = np.zeros((types, 0, 0), dtype=np.int64)
            return none, none
        travel, costs = self.problem.planning_values.arcs_from(nodes)
        if self.loaded:
            costs = self.problem.planning_values.linear_load_costs[0][:, nodes]
        travel, costs = travel[:, :, nodes], costs[:, :, nodes]
        allowed, stay = data.allowed[:, nodes], self.stay[:, nodes]
        if not self._open_ends and (allowed == allowed[0]).all() and (stay == stay[0]).all():
            allowed, stay = allowed[:1], stay[:1]
        total = np.where(allowed[:, None, :], travel, np.inf) + stay[:, :, None]
        roads = np.isfinite(total) & (total <= clock.horizon)
        if any(data.breaks):
            # a break may come between the two, so that each is rounded on its own
            spent = clock.up.to_integers(np.where(roads, travel, 0.0)) + clock.stay(stay)[:, :, None]
        else:
            spent = clock.up.to_integers(np.where(roads, total, 0.0))
        if self.problem.policy.backhaul and splits_at_pickups(data):
            roads &= ~((self.pickup > 0)[:, None] & (self.demands[0] > 0)[None, :])
        paid = np.isfinite(costs) & roads
        transit = np.where(paid, spent, self.last + 1)
        # an idle vehicle goes from its depot to its depot
        transit[:, np.arange(len(nodes)), np.arange(len(nodes))] = 0
        prices = self.money.to_integers(np.where(paid, costs, 0.0))
        for kind, home in self._open_ends:
            # the vehicle does not return, so that the arc back need not exist
            prices[kind, :, home] = 0
            transit[kind, :, home] = clock.stay(stay[kind])
        return of_types(transit, types), of_types(prices, types)

    @cached_property
    def _open_ends(self) -> list[tuple[int, int]]:
        """Vehicle types that stay where they end, and the node of the depot to which they do not return."""
        used = {kind for kind, _ in self.fleet}
        return [
            (kind, self.depot(kind))
            for kind, vehicle in enumerate(self.data.vehicles)
            if kind in used and not vehicle.returns and not vehicle.max_reloads
        ]

    @cached_property
    def stay(self) -> Floats:
        """Service time of each vehicle type at each node of the problem, 0 at depots."""
        at_client = np.arange(len(self.data.names)) >= len(self.data.depots)
        return np.where(at_client, self.problem.planning_values.service, 0.0)

    @cached_property
    def service(self) -> Integers:
        """Time of service, (types, nodes), where it has to be known apart from the drive."""
        return self.clock.stay(self.stay[:, self.nodes])

    # Times of nodes.

    @cached_property
    def _latest_of_all(self) -> Integers:
        data, clock = self.data, self.clock
        latest = clock.down.to_integers(np.minimum(data.latest - clock.origin, clock.horizon))
        return np.where(data.has_soft_window, self.last, latest)

    @property
    def latest(self) -> Integers:
        """The latest begin of service at each node; `last` where it may be late at a price."""
        return self._latest_of_all[self.nodes]

    @cached_property
    def earliest(self) -> Integers:
        """The earliest begin of service at each node."""
        opens = np.maximum(self.data.earliest - self.clock.origin, 0.0)
        return self.clock.up.to_integers(opens)[self.nodes]

    @cached_property
    def windows(self) -> tuple[Integers, Integers]:
        """Windows of each node where some have several, the last one repeated; both (windows, nodes)."""
        opens, closes = self.clock.opening(self.data.opens), self.clock.closing(self.data.closes)
        # a window that rounding has closed gives way to one beside it
        for row in (*range(1, len(opens)), *range(len(opens) - 2, -1, -1)):
            beside = row - 1 if row else 1
            empty = (opens[row] > closes[row]) & (opens[beside] <= closes[beside])
            opens[row] = np.where(empty, opens[beside], opens[row])
            closes[row] = np.where(empty, closes[beside], closes[row])
        return opens[:, self.nodes], closes[:, self.nodes]

    @cached_property
    def release(self) -> Integers:
        """When what each node receives is ready; 0 where it always is."""
        return self.clock.opening(self.data.release)[self.nodes]

    @cached_property
    def lateness(self) -> Integers:
        """The price of each step of time after `due`."""
        return self.rate.to_integers(self.data.lateness_rate)[self.nodes]

    @cached_property
    def due(self) -> Integers:
        """From when on service is late: the last closing of each node, `last` where lateness has no price."""
        closing = np.maximum(self.clock.closing(self.data.latest)[self.nodes], 0)
        return np.where(self.lateness > 0, closing, self.last)

    # Vehicles.

    @property
    def rate(self) -> Scaling:
        """The scaling of prices of time."""
        return Scaling(self.money.factor / self.clock.up.factor)

    @cached_property
    def fixed(self) -> Integers:
        """Price of using a vehicle, by type."""
        return self.money.to_integers(self.data.of_vehicles("fixed_cost"))

    @cached_property
    def per_time(self) -> Integers:
        """Price of a step of time, by type."""
        return self.rate.to_integers(self.data.of_vehicles("unit_duration_cost"))

    @cached_property
    def max_duration(self) -> Integers:
        """How long a route may take, by type; longer than `last` where nothing limits it."""
        return self.clock.limit(self.data.of_vehicles("max_duration"))

    @cached_property
    def overtime(self) -> tuple[Integers, Integers]:
        """Duration from which on each step of time costs more, and how much more; by type."""
        regular, more = self.data.of_vehicles("shift_duration"), self.data.of_vehicles("unit_overtime_cost")
        return self.clock.limit(regular), self.rate.to_integers(np.where(np.isfinite(regular), more, 0.0))

    @cached_property
    def lengths(self) -> tuple[Integers, Integers]:
        """Distances, (nodes, nodes), and how far each vehicle type may drive."""
        data, every = self.data, np.arange(len(self.data.names))
        lengths = np.where(data.usable(every[:, None], every[None, :]), data.distance, 0.0)
        total = float(lengths.max(axis=1).sum()) * 2 + 1.0
        up = scaling_for(total, 4, limit=1e15, target_resolution=_LENGTH_STEP, rounding="up")
        limit = np.minimum(data.of_vehicles("max_distance"), 4 * total)
        whole = up.to_integers(lengths[np.ix_(self.nodes, self.nodes)])
        return whole, Scaling(up.factor, "down").to_integers(limit)

    @property
    def limits_distance(self) -> bool:
        """Whether some vehicle type may drive only so far."""
        return bool(np.isfinite(self.data.of_vehicles("max_distance")).any())

    def most_reloads(self, kind: int) -> int:
        """Return how often a vehicle type may come back to load again."""
        return min(self.data.vehicles[kind].max_reloads, max(0, len(self.data.clients) - 1))

    @cached_property
    def reload_time(self) -> Integers:
        """How long a reload takes, by type."""
        return self.clock.stay(self.data.of_vehicles("reload_time"))

    @cached_property
    def breaks(self) -> list[list[tuple[int, int, int]]]:
        """Length, earliest and latest begin of the breaks of each vehicle type; the earliest may lie before 0."""
        clock, found = self.clock, []
        for breaks, vehicle in zip(self.data.breaks, self.data.vehicles, strict=True):
            found.append(
                [
                    (
                        int(clock.up.to_integers(pause.length)),
                        int(clock.up.to_integers(pause.earliest - clock.origin)),
                        int(clock.down.to_integers(pause.latest - clock.origin)),
                    )
                    for pause in _required_breaks(breaks, vehicle.shift_end)
                ]
            )
        return found

    # Which clients belong together, or apart.

    @cached_property
    def source(self) -> Integers:
        """Node at which the demand of each node is loaded, -1 where that is the depot."""
        place = {int(position): node for node, position in enumerate(self.nodes)}
        return np.array([place.get(int(at), -1) for at in self.data.source[self.nodes]], dtype=np.int64)

    @cached_property
    def dependents(self) -> dict[int, list[int]]:
        """Nodes whose demand is loaded at a node."""
        found: dict[int, list[int]] = {}
        for node in np.flatnonzero(self.source >= 0).tolist():
            found.setdefault(int(self.source[node]), []).append(node)
        return found

    @cached_property
    def apart(self) -> Flags:
        """Which nodes may not be on one route, (nodes, nodes)."""
        return self.data.apart[np.ix_(self.nodes, self.nodes)]

    @property
    def pinned(self) -> dict[int, int]:
        """Vehicle of the fleet that serves a node, where only one may."""
        place = {slot: number for number, slot in enumerate(self.fleet)}
        return {
            self.node_of[name]: place[self.data.type_index[vehicle], index]
            for name, (vehicle, index) in self.data.pinned.items()
            if name in self.node_of
        }

    # What is on board, where it has a price.

    @cached_property
    def load_costs(self) -> tuple[Integers, Integers]:
        """Price of a unit of load on each arc, (types, nodes, nodes), and what nodes take and give in such units.

        A law that falls with the load counts as one that does not read it: OR-Tools prices energy from 0 up.
        """
        data, nodes = self.data, self.nodes
        units = Scaling(_FORCES / (float(data.demand.sum() + data.pickup.sum()) or 1.0))
        slopes = np.maximum(self.problem.planning_values.linear_load_costs[1][:, nodes][:, :, nodes], 0.0)
        for kind, home in self._open_ends:
            slopes[kind, :, home] = 0.0
        energy = Scaling(self.money.factor / units.factor).to_integers(slopes)
        return energy, units.to_integers(np.stack([data.demand[nodes], data.pickup[nodes]]))


def without_idle_reloads(stops: Sequence[int], depots: int) -> list[int]:
    """Return the stops of a route without visits of a depot before or after which there is nothing to do.

    Examples
    --------
    >>> without_idle_reloads([0, 4, 0, 0, 5, 0], depots=1)
    [4, 0, 5]
    """
    kept: list[int] = []
    for node in stops:
        if node >= depots or (kept and kept[-1] >= depots):
            kept.append(node)
    return kept[:-1] if kept and kept[-1] < depots else kept


def splits_at_pickups(data: RoutingData) -> bool:
    """Say whether deliveries before pickups is a matter of single arcs: every client has one of the two."""
    clients = slice(len(data.depots), None)
    return bool(((data.demand > 0) | (data.pickup > 0))[clients].all())


def refuse_too_large(what: str, nodes: int, bytes_per_arc: float) -> None:
    """Raise an error where a number of bytes for each arc is more than there is.

    Parameters
    ----------
    what
        What is to be made.
    nodes
        How many nodes there are.
    bytes_per_arc
        Over all vehicle types.

    Raises
    ------
    SolverError
        If so; says how much is needed and what to do.
    """
    needed, there = bytes_per_arc * nodes**2, available_bytes()
    if needed > there:
        raise SolverError(
            f"routing between {nodes:,} places: {what} need {gigabytes(needed)}, and {gigabytes(there)} are free; plan "
            f"parts of the region apart, each by the depot or day that serves it, or use a "
            f"machine with more memory"
        )


def _fleet(problem: RoutingProblem) -> tuple[tuple[int, int], ...]:
    """Return the vehicles: of each type no more than there are clients, and those that clients are pinned to."""
    most, pins = len(problem.clients), set(problem.data.pinned.values())
    fleet = {
        (kind, index)
        for kind, vehicle in enumerate(problem.vehicles)
        for index in range(1, min(vehicle.num_available, most) + 1)
    }
    return tuple(sorted(fleet | {(problem.data.type_index[name], index) for name, index in pins}))


def _time_scaling(problem: RoutingProblem) -> TimeScaling:
    """Choose the step of time, the moment that is 0, and a time by which any plan is done."""
    data = problem.data
    origin = min(0.0, float(data.of_vehicles("shift_start").min()))
    ends = data.of_vehicles("shift_end") - origin
    stay = np.where(np.arange(len(data.names)) < len(data.depots), 0.0, problem.planning_values.service)
    farthest = problem.planning_values.row_peaks.longest
    legs = np.where(np.isfinite(farthest), farthest + stay, 0.0)
    longest = legs.max(axis=0).sum()
    opens = float(np.max(data.opens[np.isfinite(data.opens)], initial=max(origin, float(data.release.max()))))
    if any(data.breaks):
        pauses = [pause for breaks in data.breaks for pause in breaks]
        opens = max(opens, max(pause.earliest for pause in pauses)) + sum(pause.length for pause in pauses)
    reloads = data.of_vehicles("max_reloads")
    if reloads.any():
        # a reload brings another leg from the depot, and its own time
        longest += float((reloads * (legs.max() + data.of_vehicles("reload_time"))).max())
    last = max(float(data.of_vehicles("shift_start").max()), opens) - origin + float(longest)
    # what is rounded up must fit as well: a step for each leg and for the start
    step = convert(1.0 / _MINUTE_STEPS, "min", data.units.time)
    room = (2 * len(data.names) + 4 * int(reloads.max()) + 8) * (step + _COARSEST * last)
    horizon = min(float(ends.max()), last + room)
    up = scaling_for(horizon + 1.0, 4, limit=1e15, target_resolution=step, rounding="up")
    return TimeScaling(up, origin, horizon)


def _dearest_plan(
    problem: RoutingProblem, dearest: Floats, horizon: float, fleet: Sequence[tuple[int, int]]
) -> float:
    """Return a price above that of any plan.

    Parameters
    ----------
    problem
        The problem.
    dearest
        The dearest arc from each node.
    horizon
        The latest time that can occur.
    fleet
        The vehicles.
    """
    data, clients = problem.data, len(problem.clients)
    prizes = sum(client.prize or 0.0 for client in problem.clients)
    hourly = data.of_vehicles("unit_duration_cost").max() + data.of_vehicles("unit_overtime_cost").max()
    spent = hourly * horizon + data.of_vehicles("fixed_cost").max()
    reloads = sum(v.max_reloads * min(v.num_available, clients) for v in problem.vehicles)
    legs = dearest.sum() + (len(fleet) + 2 * min(clients, reloads)) * dearest.max()
    waits = horizon * (data.lateness_rate.sum() + problem.policy.longest_route_cost)
    return float(legs + len(fleet) * spent + prizes + waits)


def _round_loads(carried: Floats, picked: Floats, limit: Floats) -> tuple[Integers, Integers, Integers]:
    """Round demands and pickups up and capacities down; capacities are cut to the sum of all loads."""
    total = float(carried.sum() + picked.sum()) or 1.0
    step = min(_LOAD_STEP, float(10.0 ** (np.floor(np.log10(total)) - _LOAD_DIGITS)))
    up = scaling_for(total, 4, limit=1e15, target_resolution=step, rounding="up")
    demand, pickup = up.to_integers(carried), up.to_integers(picked)
    most = int(demand.sum() + pickup.sum())
    capacity = np.minimum(limit, 2.0 * total)
    return demand, pickup, np.minimum(Scaling(up.factor, "down").to_integers(capacity), most)


def _without_broken_groups(data: RoutingData, possible: Flags) -> Flags:
    """Leave out clients that are served only with others that cannot be served."""
    sourced = np.flatnonzero(data.source >= 0)
    for _ in range(2 if sourced.size else 0):
        sources = data.source[sourced]
        together = possible[sourced] & possible[sources]
        possible = possible.copy()
        possible[sources[~together]] = False
        possible[sourced[~together]] = False
    return possible


def _required_breaks(breaks: Sequence[DriverBreak], shift_end: float) -> list[DriverBreak]:
    """Return breaks without the last ones that can be taken after the shift whatever came before."""
    kept = list(breaks)
    while kept:
        free = kept[-2].latest + kept[-2].length if len(kept) > 1 else shift_end
        if kept[-1].latest < max(shift_end, free):
            break
        kept.pop()
    return kept
