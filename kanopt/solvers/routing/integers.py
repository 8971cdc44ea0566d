"""A routing problem in the whole numbers of an engine, rounded on the safe side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.solvers.routing.integer_rules import RoutingRules
from kanopt.solvers.routing.rounding import (
    TimeScaling,
    fits_capacity,
    round_arcs,
    round_loads,
    round_rules,
    with_load_costs,
    without_broken_groups,
)
from kanopt.units import Scaling, convert, scaling_for

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NodeRoutes = Sequence[Sequence[int]]
"""Client nodes in order of visit, one route for each vehicle of the fleet; the node of its depot is a reload."""
_MINUTE_STEPS = 1e4
_MONEY_STEP = 1e-10
_COARSEST = 1e-13  # of the horizon: the longest step of time that fits 64 bits, with room to spare
_LARGEST = 1e18  # a quarter of what 64 bits hold, so that sums of sums stay inside


@dataclass(frozen=True, eq=False, kw_only=True)
class RoutingIntegers:
    """A routing problem in whole numbers, as engines see it.

    Durations and demands are rounded up, capacities down, windows and shifts inward, so that a plan feasible
    here is feasible at the planning values. Nodes are the depots where some vehicle starts or ends, then the clients
    that some vehicle could carry within their window, in an order drawn from the seed.

    Parameters
    ----------
    problem
        What was rounded, at its planning values.
    nodes
        Position in the problem of each node.
    fleet
        Vehicle type (position) and number of each vehicle, in order of types.
    home, end
        Nodes of the depots where each vehicle type starts and ends, shape (types,); -1 where there is no such vehicle.
    cost, transit
        Price of an arc and time from the start of service at its tail to the arrival at its head, by vehicle
        type; (types, nodes, nodes). An arc without a road takes longer than `horizon`. What all types share is in
        memory once.
    demand, earliest, latest, prize, mandatory
        By node; `prize` is 0 for depots and for clients that must be served.
    capacity, fixed, per_time, shift_start, shift_end
        By vehicle type.
    depots
        How many of the nodes are depots.
    missed_prizes
        Prizes of optional clients that are not among the nodes.
    unreachable_mandatory
        How many clients that must be served are not among the nodes.
    horizon
        The latest time that can occur, counted from midnight, or from before it where a shift starts earlier.
    money
        The scaling of prices.
    rules
        All other rules.
    """

    problem: RoutingProblem
    nodes: NDArray[np.intp]
    fleet: tuple[tuple[int, int], ...]
    home: Integers
    end: Integers
    cost: Integers
    transit: Integers
    demand: Integers
    earliest: Integers
    latest: Integers
    prize: Integers
    mandatory: NDArray[np.bool_]
    capacity: Integers
    fixed: Integers
    per_time: Integers
    shift_start: Integers
    shift_end: Integers
    depots: int
    missed_prizes: int
    unreachable_mandatory: int
    horizon: int
    money: Scaling
    rules: RoutingRules = field(default_factory=RoutingRules)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.demand)

    def depot(self, kind: int) -> int:
        """Return the node of a vehicle type's depot."""
        return int(self.home[kind])

    def last(self, kind: int) -> int:
        """Return the node of the depot where a vehicle type ends, if it comes to one."""
        return int(self.end[kind])

    @cached_property
    def penalty(self) -> int:
        """Price of leaving a mandatory client out: more than any plan can cost."""
        arcs = int(self.cost.max(axis=(0, 2), initial=0).sum())
        routes = len(self.fleet)
        leaving = int(self.cost[:, : self.depots].max(initial=0)) * routes
        fixed = int(self.fixed.max(initial=0)) * routes
        spans = self.per_time * (self.shift_end - self.shift_start)
        most = arcs + leaving + fixed + int(self.prize.sum()) + int(spans.max(initial=0)) * routes + 1
        return most if self.rules.is_empty else most + self._rule_cost_bound()

    def _rule_cost_bound(self) -> int:
        """Return a number above all that the rules can add to the price of a plan."""
        rules, routes = self.rules, len(self.fleet)
        again = sum(rules.most_reloads(kind) for kind, _ in self.fleet)
        most = 2 * int(self.cost.max(initial=0)) * min(again, self.size)
        spans = self.shift_end - self.shift_start
        if rules.overtime.size:
            most += int((rules.overtime * spans).max(initial=0)) * routes
        if rules.lateness.size:
            most += sum(
                int(rate) * (self.horizon - int(due))
                for rate, due in zip(rules.lateness, rules.due, strict=True)
            )
        if rules.load_cost.size:
            # no vehicle carries more than the sum of all loads
            carried = int(rules.load_units.sum())
            legs = routes + min(again, self.size)
            most += (
                int(rules.load_cost.max(axis=(0, 2)).sum()) + legs * int(rules.load_cost.max())
            ) * carried
        return most + rules.longest * int(spans.max(initial=0))

    @cached_property
    def node_of(self) -> dict[str, int]:
        """Position among the nodes of each depot and client, by name."""
        names = self.problem.data.names
        return {names[place]: node for node, place in enumerate(self.nodes)}

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody to drive, or nobody who could be served."""
        return self.size == self.depots or not self.fleet

    def plan(self, routes: NodeRoutes) -> RoutingPlan:
        """Return a plan in the problem's own names.

        When a route leaves is for the laws to say: times rounded and frozen for an engine do not know.
        """
        data, named = self.problem.data, []
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
            slot = self.problem.data.type_index[route.vehicle], route.index
            stops = [self.node_of[name] for name in route.clients if name in self.node_of]
            routes[place[slot]] = without_idle_reloads(stops, self.depots)
        return routes


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


def _fleet(problem: RoutingProblem) -> tuple[tuple[int, int], ...]:
    """Return the vehicles: of each type no more than there are clients, and those that clients are pinned to."""
    most, pins = len(problem.clients), set(problem.data.pinned.values())
    fleet = {
        (kind, index)
        for kind, vehicle in enumerate(problem.vehicles)
        for index in range(1, min(vehicle.num_available, most) + 1)
    }
    return tuple(sorted(fleet | {(problem.data.type_index[name], index) for name, index in pins}))


def _horizon(problem: RoutingProblem, stay: Floats, origin: float) -> float:
    """Return a time, counted from `origin`, by which any plan is done."""
    data = problem.data
    ends = data.of_vehicles("shift_end") - origin
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
    step = convert(1.0 / _MINUTE_STEPS, "min", data.units.time) + _COARSEST * last
    return min(float(ends.max()), last + (2 * len(data.names) + 4 * int(reloads.max()) + 8) * step)


def _money_scaling(problem: RoutingProblem, dearest: Floats, horizon: float) -> Scaling:
    """Choose the step of money so that penalties and everything else fit into 64 bits.

    Parameters
    ----------
    problem
        The problem.
    dearest
        The dearest arc from each node.
    horizon
        The latest time that can occur.
    """
    data = problem.data
    fleet = len(_fleet(problem))
    prizes = sum(client.prize or 0.0 for client in problem.clients)
    hourly = data.of_vehicles("unit_duration_cost").max() + data.of_vehicles("unit_overtime_cost").max()
    spent = hourly * horizon + data.of_vehicles("fixed_cost").max()
    most = dearest.sum() + fleet * (dearest.max() + spent) + prizes
    again = min(
        len(problem.clients),
        int(sum(v.max_reloads * min(v.num_available, len(problem.clients)) for v in problem.vehicles)),
    )
    most += 2 * again * dearest.max() + horizon * (
        data.lateness_rate.sum() + problem.policy.longest_route_cost
    )
    return scaling_for(float(most), len(problem.clients) + 3, limit=_LARGEST, target_resolution=_MONEY_STEP)


def lower(problem: RoutingProblem, seed: int = 0, *, loaded: bool = False) -> RoutingIntegers:
    """Round a problem to a solver's integers.

    Parameters
    ----------
    problem
        The problem, at its planning values.
    seed
        Draws the order of the clients: the one thing in which two searches on the same problem differ.
    loaded
        Whether what is on board is priced on each leg: laws of the load as straight lines instead of at one load. No
        bound on the rounding is claimed then.

    Raises
    ------
    UnitError
        If times or loads are too large for 64-bit integers.
    """
    data = problem.data
    stay = np.where(np.arange(len(data.names)) < len(data.depots), 0.0, problem.planning_values.service)
    origin = min(0.0, float(data.of_vehicles("shift_start").min()))
    horizon = _horizon(problem, stay, origin)
    step = convert(1.0 / _MINUTE_STEPS, "min", data.units.time)
    up = scaling_for(horizon + 1.0, 4, limit=1e15, target_resolution=step, rounding="up")
    prices, dearest = None, problem.planning_values.row_peaks.dearest
    if loaded:
        prices, slopes = problem.planning_values.linear_load_costs
        heavy = prices + slopes * float(data.demand.sum() + data.pickup.sum())
        dearest = np.where(np.isfinite(heavy), heavy, 0.0).max(axis=(0, 2))
    money = _money_scaling(problem, dearest, horizon)
    clock = TimeScaling(up, origin, horizon, 0)
    start = up.to_integers(data.of_vehicles("shift_start") - origin)
    end = clock.down.to_integers(np.minimum(data.of_vehicles("shift_end") - origin, horizon))
    last = int(end.max())
    clock = TimeScaling(up, origin, horizon, last)
    earliest = up.to_integers(np.maximum(data.earliest - origin, 0.0))
    latest = clock.down.to_integers(np.minimum(data.latest - origin, horizon))
    latest = np.where(data.has_soft_window, last, latest)
    demand, pickup, capacity = round_loads(data.demand, data.pickup, data.of_vehicles("capacity"))
    possible = (earliest <= latest) & (earliest <= last) & (np.maximum(demand, pickup) <= capacity.max())
    if data.has_releases:
        # goods that are ready after all shifts, or after the window of the client or of its source has closed
        limit = np.minimum(latest, np.where(data.source < 0, last, latest[data.source]))
        possible &= clock.opening(data.release) <= limit
    possible = without_broken_groups(data, possible & data.allowed.any(axis=0) & fits_capacity(data))
    nodes = _order(problem, seed, possible)
    prize = money.to_integers([0.0] * len(data.depots) + [client.prize or 0.0 for client in data.clients])
    transit, cost = round_arcs(problem, nodes, stay, clock, money, prices)
    must = np.array([False] * len(data.depots) + [client.mandatory for client in data.clients])
    rules = round_rules(problem, nodes, clock, money, _fleet(problem))
    return RoutingIntegers(
        problem=problem,
        nodes=nodes,
        fleet=_fleet(problem),
        home=_depots(problem, nodes, data.depot_of),
        end=_depots(problem, nodes, data.end_of),
        cost=cost,
        transit=transit,
        demand=demand[nodes],
        earliest=earliest[nodes],
        latest=latest[nodes],
        prize=prize[nodes],
        mandatory=must[nodes],
        capacity=capacity,
        fixed=money.to_integers(data.of_vehicles("fixed_cost")),
        per_time=Scaling(money.factor / up.factor).to_integers(data.of_vehicles("unit_duration_cost")),
        shift_start=start,
        shift_end=end,
        depots=int((nodes < len(data.depots)).sum()),
        missed_prizes=int(prize.sum() - prize[nodes].sum()),
        unreachable_mandatory=int(must.sum() - must[nodes].sum()),
        horizon=last,
        money=money,
        rules=with_load_costs(problem, rules, nodes, money) if loaded else rules,
    )


def _order(problem: RoutingProblem, seed: int, possible: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the depots where vehicles start or end, then the possible clients in an order drawn from the seed.

    To the solver a depot without a vehicle would be one more stop.
    """
    data, depots = problem.data, len(problem.depots)
    kinds = {kind for kind, _ in _fleet(problem)}
    used = {
        data.index[ends[data.vehicles[kind].name]] for ends in (data.depot_of, data.end_of) for kind in kinds
    }
    clients = depots + np.flatnonzero(possible[depots:])
    shuffled = np.random.default_rng(seed).permutation(clients)
    return np.concatenate([np.array(sorted(used), dtype=np.intp), shuffled])


def _depots(problem: RoutingProblem, nodes: NDArray[np.intp], of: Mapping[str, str]) -> Integers:
    """Return the node of a depot of each vehicle type, -1 where the type has no vehicle."""
    data = problem.data
    place = {int(position): node for node, position in enumerate(nodes[: len(data.depots)])}
    used = {kind for kind, _ in _fleet(problem)}
    depots = [data.index[of[vehicle.name]] for vehicle in data.vehicles]
    return np.array(
        [place[depot] if kind in used else -1 for kind, depot in enumerate(depots)], dtype=np.int64
    )
