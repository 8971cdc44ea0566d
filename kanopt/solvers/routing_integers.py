"""A routing problem in the integers of a solver, rounded on the safe side, with the bound on what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.units import Scaling, convert, scaling_for

__all__ = ["RoutingIntegers", "lower"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
_MINUTE_STEPS = 1e4
_MONEY_STEP = 1e-10
_LOAD_STEP = 1e-6
_LOAD_DIGITS = 9
_COARSEST = 1e-13  # of the horizon: the longest step of time that fits 64 bits, with room to spare
_LARGEST = 1e18  # a quarter of what 64 bits hold, so that sums of sums stay inside


@dataclass(frozen=True, eq=False)
class RoutingIntegers:
    """Everything a routing solver counts, as integers.

    Durations and demands are rounded up, capacities down, windows and shifts inward, so that a plan feasible
    here is feasible at the planning values. Nodes are the depots that some vehicle starts from, then the clients
    that some vehicle could carry within their window, in an order drawn from the seed. Times count from `origin`.

    Parameters
    ----------
    problem
        What is lowered.
    nodes
        Position in the problem of each node.
    fleet
        Vehicle type (position) and number of each vehicle.
    cost, transit
        Price of an arc and time from the start of service at its tail to the arrival at its head, by vehicle
        type; (types, nodes, nodes). An arc without a road takes longer than `horizon`.
    demand, earliest, latest, prize
        By node; `prize` is 0 for depots and for clients that must be served.
    capacity, fixed, per_time, shift_start, shift_end
        By vehicle type.
    missed
        Prizes of optional clients that are not among the nodes.
    horizon
        The latest time that can occur.
    origin
        Clock time of 0: midnight, or before it where a shift starts earlier.
    money, time
        The scalings.
    """

    problem: RoutingProblem
    nodes: NDArray[np.intp]
    fleet: tuple[tuple[int, int], ...]
    cost: Integers
    transit: Integers
    demand: Integers
    earliest: Integers
    latest: Integers
    prize: Integers
    capacity: Integers
    fixed: Integers
    per_time: Integers
    shift_start: Integers
    shift_end: Integers
    missed: int
    horizon: int
    origin: float
    money: Scaling
    time: Scaling

    @property
    def depots(self) -> int:
        """How many nodes are depots."""
        return int((self.nodes < len(self.problem.depots)).sum())

    @cached_property
    def mandatory(self) -> NDArray[np.bool_]:
        """Which nodes must be served."""
        facts = self.problem.facts
        must = [False] * len(facts.depots) + [client.mandatory for client in facts.clients]
        return np.array(must, dtype=bool)[self.nodes]

    @cached_property
    def node_of(self) -> dict[str, int]:
        """Position among the nodes of each depot and client, by name."""
        names = self.problem.facts.names
        return {names[place]: node for node, place in enumerate(self.nodes)}

    def depot(self, kind: int) -> int:
        """Return the node of a vehicle type's depot."""
        facts = self.problem.facts
        return self.node_of[facts.depot_of[facts.vehicles[kind].name]]

    @cached_property
    def penalty(self) -> int:
        """Price of leaving a mandatory client out: more than any plan can cost."""
        return _most(self) + 1

    def span(self, kind: int, way: Sequence[int]) -> tuple[int, int] | None:
        """Return departure and return of a route that spends as little time as it can, None if it is too late.

        Parameters
        ----------
        kind
            Vehicle type.
        way
            Client nodes in order of visit.
        """
        transit, home = self.transit[kind], self.depot(kind)
        clock, waited = int(self.shift_start[kind]), 0
        room: int | None = None
        tail = home
        for node in way:
            arrive = clock + int(transit[tail, node])
            clock = max(arrive, int(self.earliest[node]))
            if clock > self.latest[node]:
                return None
            waited += clock - arrive
            slack = waited + int(self.latest[node]) - clock
            room = slack if room is None else min(room, slack)
            tail = node
        finish = clock + int(transit[tail, home])
        if finish > self.shift_end[kind]:
            return None
        return int(self.shift_start[kind]) + min(waited, room if room is not None else 0), finish

    def fits(self, kind: int, way: Sequence[int]) -> bool:
        """Say whether a vehicle type can drive a route."""
        load = int(self.demand[list(way)].sum()) if way else 0
        return load <= self.capacity[kind] and self.span(kind, way) is not None

    def objective(self, ways: Sequence[Sequence[int]]) -> int:
        """Return the price of a plan, one route per vehicle, without penalties for mandatory clients.

        This is the solver's objective, counted again: a route costs its arcs, its vehicle and the least time
        it can take.
        """
        total = self.missed
        served = np.zeros(len(self.nodes), dtype=bool)
        for (kind, _), way in zip(self.fleet, ways, strict=True):
            times = self.span(kind, way)
            if not way or times is None:
                continue
            stops = np.array([self.depot(kind), *way, self.depot(kind)])
            served[list(way)] = True
            total += int(self.cost[kind, stops[:-1], stops[1:]].sum()) + int(self.fixed[kind])
            total += int(self.per_time[kind]) * (times[1] - times[0])
        return total + int(self.prize[~served].sum())

    def plan(self, ways: Sequence[Sequence[int]]) -> RoutingPlan:
        """Return a plan in the problem's own names, each route leaving as late as costs nothing."""
        facts = self.problem.facts
        routes = []
        for (kind, index), way in zip(self.fleet, ways, strict=True):
            times = self.span(kind, way)
            if way and times is not None:
                vehicle = facts.vehicles[kind].name
                clients = tuple(facts.names[self.nodes[node]] for node in way)
                leaves = self.origin + self.time.to_float(times[0])
                routes.append(Route(vehicle, index, facts.depot_of[vehicle], clients, leaves))
        return self.problem.plan_from(RoutingPlan(tuple(routes)))

    @cached_property
    def rounding_bound(self) -> float:
        """Proven bound on ``|objective - price at planning values|`` of any plan that fits.

        Every client contributes one arc into it or one prize, every route one more arc and its fixed cost: half
        a step of money each. The time of a route is a maximum of sums over its legs, so that rounding moves
        it by at most one step for each leg and one for the window it starts from; the rounded price of
        time is off by a known amount for every step of the longest shift.
        """
        facts = self.problem.facts
        clients, routes = len(facts.clients), min(len(self.fleet), len(self.nodes) - self.depots)
        entries = clients + routes * (1 + int(facts.of_vehicles("fixed_cost").any()))
        rate = facts.of_vehicles("cost_per_time")
        counted = self.per_time * self.time.factor / self.money.factor
        longest = (self.shift_end - self.shift_start) / self.time.factor
        off = float((np.abs(counted - rate) * longest).max()) if len(rate) else 0.0
        moved = float(rate.max()) * (clients + 2 * routes) * self.time.bound
        return entries * self.money.bound + routes * off + moved


def _most(integers: RoutingIntegers) -> int:
    """Return more than any plan without penalties can cost."""
    arcs = int(integers.cost.max(axis=(0, 2), initial=0).sum())
    routes = len(integers.fleet)
    leaving = int(integers.cost[:, : integers.depots].max(initial=0)) * routes
    fixed = int(integers.fixed.max(initial=0)) * routes
    spans = integers.per_time * (integers.shift_end - integers.shift_start)
    return arcs + leaving + fixed + int(integers.prize.sum()) + int(spans.max(initial=0)) * routes


def _fleet(problem: RoutingProblem) -> tuple[tuple[int, int], ...]:
    """Return the vehicles, of each type no more than there are clients."""
    most = len(problem.clients)
    return tuple(
        (kind, index)
        for kind, vehicle in enumerate(problem.vehicles)
        for index in range(1, min(vehicle.count, most) + 1)
    )


def _horizon(problem: RoutingProblem, transit: Floats, origin: float) -> float:
    """Return a time, counted from `origin`, by which any plan is done."""
    facts = problem.facts
    ends = facts.of_vehicles("shift_end") - origin
    longest = np.where(np.isfinite(transit), transit, 0.0).max(axis=(0, 2)).sum()
    opens = float(np.max(facts.earliest, initial=origin))
    last = max(float(facts.of_vehicles("shift_start").max()), opens) - origin + float(longest)
    # what is rounded up must fit as well: a step for each leg and for the start
    step = convert(1.0 / _MINUTE_STEPS, "min", facts.units.time) + _COARSEST * last
    return min(float(ends.max()), last + (len(facts.names) + 2) * step)


def _in_money(problem: RoutingProblem, cost: Floats, horizon: float) -> Scaling:
    """Choose the step of money so that penalties and everything else fit into 64 bits."""
    facts = problem.facts
    fleet = len(_fleet(problem))
    finite = np.where(np.isfinite(cost), cost, 0.0)
    prizes = sum(client.prize or 0.0 for client in problem.clients)
    spent = facts.of_vehicles("cost_per_time").max() * horizon + facts.of_vehicles("fixed_cost").max()
    most = finite.max(axis=(0, 2)).sum() + fleet * (finite.max() + spent) + prizes
    return scaling_for(float(most), len(problem.clients) + 3, limit=_LARGEST, target_resolution=_MONEY_STEP)


def lower(problem: RoutingProblem, seed: int = 0) -> RoutingIntegers:
    """Round a problem to a solver's integers.

    Parameters
    ----------
    problem
        The problem, at its planning values.
    seed
        Draws the order of the clients: the one thing in which two searches on the same problem differ.

    Raises
    ------
    UnitError
        If times or loads are too large for 64-bit integers.
    """
    facts = problem.facts
    travel = problem.planner.durations + facts.service[None, :, None]
    origin = min(0.0, float(facts.of_vehicles("shift_start").min()))
    horizon = _horizon(problem, travel, origin)
    step = convert(1.0 / _MINUTE_STEPS, "min", facts.units.time)
    up = scaling_for(horizon + 1.0, 4, limit=1e15, target_resolution=step, rounding="up")
    down = Scaling(up.factor, "down")
    money = _in_money(problem, problem.planner.costs, horizon)
    start = up.to_integers(facts.of_vehicles("shift_start") - origin)
    end = down.to_integers(np.minimum(facts.of_vehicles("shift_end") - origin, horizon))
    earliest = up.to_integers(np.maximum(facts.earliest - origin, 0.0))
    latest = down.to_integers(np.minimum(facts.latest - origin, horizon))
    demand, capacity = _loads(problem)
    last = int(end.max())
    roads = np.isfinite(travel) & (travel <= horizon)
    paid = np.isfinite(problem.planner.costs)
    transit = np.where(roads & paid, up.to_integers(np.where(roads, travel, 0.0)), last + 1)
    # a vehicle that stays in goes from its depot to its depot
    transit[:, np.arange(len(facts.names)), np.arange(len(facts.names))] = 0
    cost = np.where(paid & roads, problem.planner.costs, 0.0)
    in_money = money.to_integers(cost)
    nodes = _order(problem, seed, (earliest <= latest) & (earliest <= last) & (demand <= capacity.max()))
    prize = money.to_integers([0.0] * len(facts.depots) + [client.prize or 0.0 for client in facts.clients])
    kept = np.ix_(np.arange(len(facts.vehicles)), nodes, nodes)
    return RoutingIntegers(
        problem=problem,
        nodes=nodes,
        fleet=_fleet(problem),
        cost=in_money[kept],
        transit=transit[kept],
        demand=demand[nodes],
        earliest=earliest[nodes],
        latest=latest[nodes],
        prize=prize[nodes],
        capacity=capacity,
        fixed=money.to_integers(facts.of_vehicles("fixed_cost")),
        per_time=Scaling(money.factor / up.factor).to_integers(facts.of_vehicles("cost_per_time")),
        shift_start=start,
        shift_end=end,
        missed=int(prize.sum() - prize[nodes].sum()),
        horizon=last,
        origin=origin,
        money=money,
        time=up,
    )


def _loads(problem: RoutingProblem) -> tuple[Integers, Integers]:
    """Round demands up and capacities down; no capacity need pass the sum of all demands."""
    facts = problem.facts
    total = float(facts.demand.sum()) or 1.0
    step = min(_LOAD_STEP, float(10.0 ** (np.floor(np.log10(total)) - _LOAD_DIGITS)))
    up = scaling_for(total, 4, limit=1e15, target_resolution=step, rounding="up")
    demand = up.to_integers(facts.demand)
    most = int(demand.sum())
    capacity = np.minimum(facts.of_vehicles("capacity"), 2.0 * total)
    return demand, np.minimum(Scaling(up.factor, "down").to_integers(capacity), most)


def _order(problem: RoutingProblem, seed: int, possible: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the depots that vehicles start from, then the possible clients in an order drawn from the seed.

    To the solver a depot without a vehicle would be one more stop.
    """
    facts, depots = problem.facts, len(problem.depots)
    homes = {facts.index[facts.depot_of[facts.vehicles[kind].name]] for kind, _ in _fleet(problem)}
    clients = depots + np.flatnonzero(possible[depots:])
    shuffled = np.random.default_rng(seed).permutation(clients)
    return np.concatenate([np.array(sorted(homes), dtype=np.intp), shuffled])
