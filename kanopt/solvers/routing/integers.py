"""A routing problem in the integers of an engine, rounded on the safe side, with the bound on what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import SolverError
from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.solvers.routing.arrays import Integers, NodeRoutes, RoutingArrays
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
_MINUTE_STEPS = 1e4
_MONEY_STEP = 1e-10
_COARSEST = 1e-13  # of the horizon: the longest step of time that fits 64 bits, with room to spare
_NARROW = 2e9  # what 32 bits hold
_LARGEST = 1e18  # a quarter of what 64 bits hold, so that sums of sums stay inside


@dataclass(frozen=True, eq=False, kw_only=True)
class RoutingIntegers(RoutingArrays):
    """A routing problem in integers, with the names of the problem it was rounded from.

    Nodes are the depots where some vehicle starts or ends, then the clients that some vehicle could carry within their
    window, in an order drawn from the seed. Times count from `origin`.

    Parameters
    ----------
    problem
        What is lowered.
    nodes
        Position in the problem of each node.
    origin
        Clock time of 0: midnight, or before it where a shift starts earlier.
    time
        The scaling of times.
    """

    problem: RoutingProblem
    nodes: NDArray[np.intp]
    origin: float
    time: Scaling

    @cached_property
    def node_of(self) -> dict[str, int]:
        """Position among the nodes of each depot and client, by name."""
        names = self.problem.data.names
        return {names[place]: node for node, place in enumerate(self.nodes)}

    def plan(self, routes: NodeRoutes) -> RoutingPlan:
        """Return a plan in the problem's own names, without routes that do not fit.

        When a route leaves is for the laws to say: times rounded and frozen for an engine do not know.
        """
        data = self.problem.data
        named = []
        spans: Sequence[tuple[int, ...] | None]
        if self.rules.is_empty:
            spans = [self.span(kind, route) for (kind, _), route in zip(self.fleet, routes, strict=True)]
        else:
            spans = self.times(routes)
        for (kind, index), route, times in zip(self.fleet, routes, spans, strict=True):
            if route and times is not None:
                vehicle = data.vehicles[kind].name
                clients = tuple(data.names[self.nodes[node]] for node in route)
                named.append(Route(vehicle, index, data.depot_of[vehicle], clients))
        return self.problem.plan_from(RoutingPlan(tuple(named)))

    @property
    def is_idle(self) -> bool:
        """Whether there is nobody to drive, or nobody who could be served."""
        return self.size == self.depots or not self.fleet

    def node_routes(self, plan: object) -> list[list[int]]:
        """Fit a plan to the fleet and clients there are now.

        Clients and vehicles that no longer exist are left out; a route whose vehicle is gone goes to a free one; a
        stop that no longer fits is dropped, to be inserted again by the search.

        Raises
        ------
        SolverError
            If it is no :class:`~kanopt.problems.RoutingPlan`.
        """
        if not isinstance(plan, RoutingPlan):
            raise SolverError(
                f"a routing problem starts from a RoutingPlan, not from a {type(plan).__name__}; problem.plan_from "
                "reads one from lists, a mapping or a table"
            )
        slots = {slot: place for place, slot in enumerate(self.fleet)}
        names = [vehicle.name for vehicle in self.problem.vehicles]
        routes: list[list[int]] = [[] for _ in self.fleet]
        seen: set[int] = set()
        homeless: list[Route] = []
        for route in plan.routes:
            slot = (names.index(route.vehicle), route.index) if route.vehicle in names else None
            place = slots.get(slot) if slot is not None else None
            if place is None or routes[place]:
                homeless.append(route)
            else:
                routes[place] = self._node_route(place, route, seen)
        for route in homeless:
            free = next((place for place, nodes in enumerate(routes) if not nodes), None)
            if free is not None:
                routes[free] = self._node_route(free, route, seen)
        return routes

    def _node_route(self, vehicle: int, route: Route, seen: set[int]) -> list[int]:
        kind = self.fleet[vehicle][0]
        known = [self.node_of[name] for name in route.clients if name in self.node_of]
        stops = [node for node in known if node >= self.depots or node == self.depot(kind)]
        if not self.rules.most_reloads(kind):
            stops = [node for node in stops if node >= self.depots]
        return self.trimmed(kind, stops, seen, vehicle)

    def rounding_bound(self, routes: NodeRoutes) -> float:
        """Return a proven bound on ``|objective - price at planning values|`` of a plan that fits.

        A leg, a prize that is missed and the fixed cost of a route are rounded by half a step of money each. The time
        of a route is a maximum of sums over its legs, so that rounding moves it by at most one step for each leg and
        one for the window it starts from; the rounded price of time is off by a known amount for every step of the
        longest shift. What is not covered: a window or break that is missed by less than a step for each leg before it.

        Parameters
        ----------
        routes
            The plan.
        """
        rate = self.problem.data.of_vehicles("unit_duration_cost")
        counted = self.per_time * self.time.factor / self.money.factor
        off = np.abs(counted - rate) * (self.shift_end - self.shift_start) / self.time.factor
        used = [(kind, route) for (kind, _), route in zip(self.fleet, routes, strict=True) if route]
        served = sum(node >= self.depots for _, route in used for node in route)
        bound = (len(self.problem.clients) - served) * self.money.bound
        for kind, route in used:
            legs = len(route) + 1
            bound += (legs + 1) * self.money.bound + float(off[kind])
            bound += float(rate[kind]) * (legs + 1) * self.time.bound
        return bound if self.rules.is_empty else bound + self._bound_of_rules(used)

    def _bound_of_rules(self, used: Sequence[tuple[int, Sequence[int]]]) -> float:
        """Return a bound on how far rounding the rules changes a price.

        A rounded time is late by at most a step for each leg, stop, break and window before it. What is not covered: a
        window or break that is missed by less than that, and one that is met is far from it.
        """
        data, rules = self.problem.data, self.rules
        price = self.money.factor / self.time.factor
        longest = (self.shift_end - self.shift_start) / self.time.factor
        rate, extra = data.of_vehicles("unit_duration_cost"), data.of_vehicles("unit_overtime_cost")
        extra = np.where(np.isfinite(data.of_vehicles("shift_duration")), extra, 0.0)
        step, bound, most = self.time.bound, 0.0, 0.0
        for kind, route in used:
            moved = (2 * len(route) + 4 + len(data.breaks[kind])) * step
            bound, most = bound + float(rate[kind]) * moved, max(most, moved)
            if rules.overtime.size:
                off = abs(float(rules.overtime[kind]) / price - float(extra[kind]))
                bound += off * float(longest[kind]) + float(extra[kind]) * (moved + step)
            if rules.lateness.size:
                late = rules.lateness[list(route)] / price - data.lateness_rate[self.nodes[list(route)]]
                bound += float(np.abs(late).sum()) * self.horizon / self.time.factor
                bound += float(data.lateness_rate[self.nodes[list(route)]].sum()) * moved
        if rules.longest:
            off = abs(rules.longest / price - self.problem.policy.longest_route_cost)
            bound += off * float(longest.max(initial=0.0)) + self.problem.policy.longest_route_cost * most
        return bound


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
    step = _MONEY_STEP
    if not data.keeps_matrices:
        # prices of arcs fit into 32 bits: half the memory, and rounded by less than a billionth of the dearest
        step = max(step, float(10.0 ** np.ceil(np.log10(max(float(dearest.max()), 1.0) / _NARROW))))
    return scaling_for(float(most), len(problem.clients) + 3, limit=_LARGEST, target_resolution=step)


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
    transit, cost = round_arcs(problem, nodes, stay, clock, money, prices, float(dearest.max()))
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
        origin=origin,
        money=money,
        time=up,
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
