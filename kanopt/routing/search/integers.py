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
from kanopt.routing.arrays import DriverBreak, RoutingData
from kanopt.routing.problem import RoutingProblem
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
    up, down
        The scalings of durations and of limits.
    origin
        Clock time of 0.
    horizon
        The latest time that can occur, in the problem's unit, counted from `origin`.
    """

    up: Scaling
    down: Scaling
    origin: float
    horizon: float

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
    nodes, node_of
        Position in the problem of each node, and the node of each name.
    fleet
        Vehicle type (position) and number of each vehicle, in order of types.
    homes, ends
        Nodes of the depots where each vehicle type starts and ends; -1 of types that have no vehicle.
    depots
        How many of the nodes are depots.
    clock, money, rate
        The scalings of times, of prices, and of prices of time.
    last
        The latest time that can occur.
    demands, capacities, pickup
        In every measure; (measures, nodes), (measures, types), and (nodes,) for the load.
    earliest, latest, release
        Between which times service begins at each node (until `last` where it may be late at a price), and when what it
        receives is ready, 0 where it always is.
    due, lateness
        From when on service is late, `last` where that has no price, and the price of each step of time after it.
    fixed, per_time, max_duration, reload_time
        Prices of vehicle types and of a step of their time, how long a route may take (longer than `last` where nothing
        limits it), and how long a reload takes.
    overtime
        Duration from which on each step of time costs more, and how much more; by type.
    stay
        Service time of each vehicle type at each node of the problem, 0 at depots.
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
        data = problem.data
        self.problem, self.data, self.loaded, self.fleet = problem, data, loaded, data.fleet
        at_client = np.arange(len(data.names)) >= len(data.depots)
        self.stay = np.where(at_client, problem.planning_values.service, 0.0)
        self.clock = clock = _time_scaling(problem, self.stay)
        end = np.minimum(data.of_vehicles("shift_end") - clock.origin, clock.horizon)
        self.shift_start = clock.up.to_integers(data.of_vehicles("shift_start") - clock.origin)
        self.shift_end = clock.down.to_integers(end)
        self.last = int(self.shift_end.max())
        most = _dearest_plan(problem, self._dearest_arcs(), clock.horizon)
        room = (_LARGEST, len(problem.clients) + 3) if dearest is None else (dearest, 1)
        self.money = scaling_for(most, room[1], limit=room[0], target_resolution=_MONEY_STEP)
        self.rate = Scaling(self.money.factor / clock.up.factor)
        self.penalty = int(_ROOM * most * self.money.factor) + 1
        picked = np.concatenate([data.pickup[None], np.zeros_like(data.demands[1:])])
        loads = [_round_loads(*each) for each in zip(data.demands, picked, data.capacities, strict=True)]
        self.capacities: Integers = np.stack([capacity for _, _, capacity in loads])
        earliest = clock.up.to_integers(np.maximum(data.earliest - clock.origin, 0.0))
        latest = clock.down.to_integers(np.minimum(data.latest - clock.origin, clock.horizon))
        latest = np.where(data.has_soft_window, self.last, latest)
        release = clock.opening(data.release)
        possible = (earliest <= latest) & (earliest <= self.last)
        possible &= np.maximum(*loads[0][:2]) <= self.capacities[0].max()
        if data.has_releases:
            # goods that are ready after all shifts, or after the window of the client or of its source has closed
            limit = np.minimum(latest, np.where(data.source < 0, self.last, latest[data.source]))
            possible &= release <= limit
        within = data.demands[1:, None, :] <= data.capacities[1:, :, None]
        possible &= data.allowed.any(axis=0) & within.all(axis=0).any(axis=0)
        self.nodes = self._order(seed, possible)
        self.depots = int((self.nodes < len(data.depots)).sum())
        self.node_of = {data.names[place]: node for node, place in enumerate(self.nodes)}
        self.homes, self.ends = (
            [self.node_of.get(data.names[node], -1) for node in nodes] for nodes in (data.homes, data.ends)
        )
        self.earliest, self.latest, self.release = (each[self.nodes] for each in (earliest, latest, release))
        self.demands: Integers = np.stack([demand for demand, *_ in loads])[:, self.nodes]
        self.pickup: Integers = loads[0][1][self.nodes]
        prizes = self.money.to_integers(data.prize)
        self.prize: Integers = prizes[self.nodes]
        self.missed_prizes = int(prizes.sum() - self.prize.sum())
        self.mandatory: Flags = data.mandatory[self.nodes]
        self.unreachable_mandatory = int(data.mandatory.sum() - self.mandatory.sum())
        self.lateness = self.rate.to_integers(data.lateness_rate)[self.nodes]
        closing = np.maximum(clock.closing(data.latest)[self.nodes], 0)
        self.due = np.where(self.lateness > 0, closing, self.last)
        self.fixed = self.money.to_integers(data.of_vehicles("fixed_cost"))
        self.per_time = self.rate.to_integers(data.of_vehicles("unit_duration_cost"))
        self.max_duration = clock.limit(data.of_vehicles("max_duration"))
        self.reload_time = clock.stay(data.of_vehicles("reload_time"))
        regular, more = data.of_vehicles("shift_duration"), data.of_vehicles("unit_overtime_cost")
        paid = self.rate.to_integers(np.where(np.isfinite(regular), more, 0.0))
        self.overtime = clock.limit(regular), paid
        travel, prices = problem.planning_values.arcs_from(self.nodes[:1])
        refuse_too_large(
            "travel times and prices in whole numbers", self.size, 8.0 * (len(travel) + len(prices))
        )

    def _order(self, seed: int, possible: Flags) -> NDArray[np.intp]:
        """Return the depots where vehicles start or end, then the possible clients in an order drawn from the seed.

        To the solver a depot without a vehicle would be one more stop. Clients that are served only with others that
        cannot be served are left out.
        """
        data, kinds = self.data, [kind for kind, _ in self.fleet]
        used = {*data.homes[kinds].tolist(), *data.ends[kinds].tolist()}
        groups = (nodes for nodes in data.served_together if possible[[*nodes]].all())
        clients = sorted(node for nodes in groups for node in nodes if node >= len(data.depots))
        shuffled = np.random.default_rng(seed).permutation(np.array(clients, dtype=np.intp))
        return np.concatenate([np.array(sorted(used), dtype=np.intp), shuffled])

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.nodes)

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody to drive, or nobody who could be served."""
        return self.size == self.depots or not self.fleet

    def most_reloads(self, kind: int) -> int:
        """Return how often a vehicle type may come back to load again."""
        return min(self.data.vehicles[kind].max_reloads, max(0, len(self.data.clients) - 1))

    # Plans in nodes, and in the names of the problem.

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
        known = {(self.data.type_index[route.vehicle], route.index): route.clients for route in plan.routes}
        return [
            without_idle_reloads(
                [self.node_of[name] for name in known.get(slot, ()) if name in self.node_of], self.depots
            )
            for slot in self.fleet
        ]

    # Arcs.

    def _dearest_arcs(self) -> Floats:
        """Return the price of the dearest arc from each node of the problem."""
        planning = self.problem.planning_values
        if not self.loaded:
            return planning.row_peaks.dearest
        prices, slopes = planning.linear_load_costs
        heavy = prices + slopes * self.data.total_load
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
        for kind in self._open_ends:
            # the vehicle does not return, so that the arc back need not exist
            prices[kind, :, self.homes[kind]] = 0
            transit[kind, :, self.homes[kind]] = clock.stay(stay[kind])
        return of_types(transit, types), of_types(prices, types)

    @cached_property
    def _open_ends(self) -> list[int]:
        """Vehicle types that stay where they end."""
        vehicles = self.data.vehicles
        used = sorted({kind for kind, _ in self.fleet})
        return [kind for kind in used if not vehicles[kind].returns and not vehicles[kind].max_reloads]

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
    def lengths(self) -> tuple[Integers, Integers]:
        """Distances, (nodes, nodes), and how far each vehicle type may drive."""
        data, every = self.data, np.arange(len(self.data.names))
        lengths = np.where(data.usable(every[:, None], every[None, :]), data.distance, 0.0)
        total = float(lengths.max(axis=1).sum()) * 2 + 1.0
        up = scaling_for(total, 4, limit=1e15, target_resolution=_LENGTH_STEP, rounding="up")
        limit = np.minimum(data.of_vehicles("max_distance"), 4 * total)
        whole = up.to_integers(lengths[np.ix_(self.nodes, self.nodes)])
        return whole, Scaling(up.factor, "down").to_integers(limit)

    @cached_property
    def breaks(self) -> list[list[tuple[int, int, int]]]:
        """Length, earliest and latest begin of the breaks of each vehicle type; the earliest may lie before 0."""
        up, down, origin = self.clock.up, self.clock.down, self.clock.origin
        return [
            [
                (
                    int(up.to_integers(pause.length)),
                    int(up.to_integers(pause.earliest - origin)),
                    int(down.to_integers(pause.latest - origin)),
                )
                for pause in _required_breaks(breaks, vehicle.shift_end)
            ]
            for breaks, vehicle in zip(self.data.breaks, self.data.vehicles, strict=True)
        ]

    @cached_property
    def dependents(self) -> dict[int, list[int]]:
        """Nodes whose demand is loaded at a node."""
        groups = (nodes for nodes in self.data.served_together if len(nodes) > 1)
        named = ([self.node_of.get(self.data.names[node], -1) for node in nodes] for nodes in groups)
        return {source: sorted(rest) for source, *rest in named if source >= 0}

    @cached_property
    def pinned(self) -> dict[int, int]:
        """Vehicle of the fleet that serves a node, where only one may."""
        return {
            self.node_of[name]: self.fleet.index((self.data.type_index[vehicle], index))
            for name, (vehicle, index) in self.data.pinned.items()
            if name in self.node_of
        }

    @cached_property
    def load_costs(self) -> tuple[Integers, Integers]:
        """Price of a unit of load on each arc, (types, nodes, nodes), and what nodes take and give in such units.

        A law that falls with the load counts as one that does not read it: OR-Tools prices energy from 0 up.
        """
        data, nodes = self.data, self.nodes
        units = Scaling(_FORCES / (data.total_load or 1.0))
        slopes = np.maximum(self.problem.planning_values.linear_load_costs[1][:, nodes][:, :, nodes], 0.0)
        for kind in self._open_ends:
            slopes[kind, :, self.homes[kind]] = 0.0
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


def _time_scaling(problem: RoutingProblem, stay: Floats) -> TimeScaling:
    """Choose the step of time, the moment that is 0, and a time by which any plan is done."""
    data = problem.data
    starts, reloads = data.of_vehicles("shift_start"), data.of_vehicles("max_reloads")
    origin = min(0.0, float(starts.min()))
    farthest = problem.planning_values.row_peaks.longest
    legs = np.where(np.isfinite(farthest), farthest + stay, 0.0)
    longest = legs.max(axis=0).sum()
    opens = float(np.max(data.opens[np.isfinite(data.opens)], initial=max(origin, float(data.release.max()))))
    if pauses := [pause for breaks in data.breaks for pause in breaks]:
        opens = max(opens, max(pause.earliest for pause in pauses)) + sum(pause.length for pause in pauses)
    if reloads.any():
        # a reload brings another leg from the depot, and its own time
        longest += float((reloads * (legs.max() + data.of_vehicles("reload_time"))).max())
    last = max(float(starts.max()), opens) - origin + float(longest)
    # what is rounded up must fit as well: a step for each leg and for the start
    step = convert(1.0 / _MINUTE_STEPS, "min", data.units.time)
    room = (2 * len(data.names) + 4 * int(reloads.max()) + 8) * (step + _COARSEST * last)
    horizon = min(float((data.of_vehicles("shift_end") - origin).max()), last + room)
    up = scaling_for(horizon + 1.0, 4, limit=1e15, target_resolution=step, rounding="up")
    return TimeScaling(up, Scaling(up.factor, "down"), origin, horizon)


def _dearest_plan(problem: RoutingProblem, dearest: Floats, horizon: float) -> float:
    """Return a price above that of any plan, given the dearest arc from each node and the latest time."""
    data, clients, fleet = problem.data, len(problem.clients), len(problem.data.fleet)
    hourly = data.of_vehicles("unit_duration_cost").max() + data.of_vehicles("unit_overtime_cost").max()
    spent = hourly * horizon + data.of_vehicles("fixed_cost").max()
    reloads = sum(v.max_reloads * min(v.num_available, clients) for v in problem.vehicles)
    legs = dearest.sum() + (fleet + 2 * min(clients, reloads)) * dearest.max()
    waits = horizon * (data.lateness_rate.sum() + problem.policy.longest_route_cost)
    return float(legs + fleet * spent + sum(data.prize.tolist()) + waits)


def _round_loads(carried: Floats, picked: Floats, limit: Floats) -> tuple[Integers, Integers, Integers]:
    """Round demands and pickups up and capacities down; capacities are cut to the sum of all loads."""
    total = float(carried.sum() + picked.sum()) or 1.0
    step = min(_LOAD_STEP, float(10.0 ** (np.floor(np.log10(total)) - _LOAD_DIGITS)))
    up = scaling_for(total, 4, limit=1e15, target_resolution=step, rounding="up")
    demand, pickup = up.to_integers(carried), up.to_integers(picked)
    most = int(demand.sum() + pickup.sum())
    capacity = np.minimum(limit, 2.0 * total)
    return demand, pickup, np.minimum(Scaling(up.factor, "down").to_integers(capacity), most)


def _required_breaks(breaks: Sequence[DriverBreak], shift_end: float) -> list[DriverBreak]:
    """Return breaks without the last ones that can be taken after the shift whatever came before."""
    kept = list(breaks)
    while kept:
        free = kept[-2].latest + kept[-2].length if len(kept) > 1 else shift_end
        if kept[-1].latest < max(shift_end, free):
            break
        kept.pop()
    return kept
