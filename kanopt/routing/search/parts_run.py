"""Thousands of clients: a search on part after part of a plan, each the routes around a client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from math import ceil
from typing import Any, TypeAlias

import numpy as np

from kanopt.arc_blocks import tail_blocks
from kanopt.array_types import Floats, Indices
from kanopt.engines.base import SolveOptions, asks_to_stop
from kanopt.plans.base import Rank
from kanopt.plans.result import Progress
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.leg_laws import RoutingLaws
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules import BY_NAME, LIMITS
from kanopt.routing.rules.rule import slack
from kanopt.routing.search.racer.search import RacerRun, StoppingCriteria, left_out_text
from kanopt.routing.simulate.departures import drive
from kanopt.routing.simulate.referee import route_costs

# Part of a problem: some clients and some vehicles of it, as a problem of its own.


Vehicle = tuple[str, int]
"""Type and number of a vehicle."""


def _renamed(routes: Iterable[Route], numbers: Mapping[Vehicle, Vehicle]) -> tuple[Route, ...]:
    """Return the routes of some vehicles as those of others."""
    return tuple(
        replace(route, vehicle=number[0], index=number[1])
        for route in routes
        if (number := numbers.get((route.vehicle, route.index))) is not None
    )


def part_of_problem(
    problem: RoutingProblem, clients: Collection[str], vehicles: Collection[Vehicle]
) -> tuple[RoutingProblem, dict[Vehicle, Vehicle]]:
    """Return some clients and vehicles of a problem as a problem, on the same laws, with all depots.

    It is not read again: what is a mistake or a question in the whole has been told.

    Parameters
    ----------
    problem
        The whole, of which no route is under way.
    clients
        Names. Clients that are served together come together, those of one vehicle with it.
    vehicles
        Type and number of each.

    Returns
    -------
    RoutingProblem, dict
        The part, in which the vehicles of a type are numbered anew; and what each is there.
    """
    data, laws, counts = problem.data, problem.leg_laws, Counter[str]()
    kept = [client for client in problem.clients if client.name in clients]
    nodes = [*range(len(data.depots)), *(data.index[client.name] for client in kept)]
    numbers: dict[Vehicle, Vehicle] = {}
    for name, index in sorted(vehicles):
        counts[name] += 1
        numbers[name, index] = name, counts[name]
    pins: dict[str, list[str]] = {}
    for name, vehicle in data.pinned.items():
        if name in clients:
            pins.setdefault("{} {}".format(*numbers[vehicle]), []).append(name)
    part = object.__new__(type(problem))
    part.__dict__.update({item.name: getattr(problem, item.name) for item in fields(problem)})
    part.__dict__.update(
        clients=kept,
        vehicles=[replace(vehicle, num_available=counts[vehicle.name]) for vehicle in problem.vehicles],
        cost={name: law_between(law, nodes) for name, law in laws.cost.items()},
        duration=law_between(laws.duration, nodes),
        distance=law_between(data.distances, nodes) if isinstance(data.distances, np.ndarray) else None,
        policy=replace(problem.policy, pinned={label: tuple(names) for label, names in pins.items()}),
    )
    return part, numbers


def law_between(law: Any, nodes: Sequence[int]) -> Any:
    """Return a law between some of the nodes.

    Parameters
    ----------
    law
        A matrix, arrival functions, or what finds its legs by itself: a formula, a road network, a frame with names.
    nodes
        Positions among depots and clients.

    Examples
    --------
    >>> law_between([[0, 1, 2], [3, 0, 4], [5, 6, 0]], [0, 2]).tolist()
    [[0, 2], [5, 0]]
    """
    if isinstance(law, ArrivalFunctions):
        return replace(law, arc=law.arc[np.ix_(nodes, nodes)])
    if isinstance(law, np.ndarray | list | tuple):
        return np.asarray(law)[np.ix_(nodes, nodes)]
    return law


# A first plan for thousands of clients: savings over near neighbours.
#
# Savings are those of Clarke and Wright (1964), of arcs to near clients alone (Toth and Vigo 2003). No
# matrix of all arcs is kept: a route is made of arcs between neighbours, and of arcs from and to its
# depots.

_NEAR = 40


def savings_plan(problem: RoutingProblem, over: Callable[[], bool]) -> RoutingPlan:
    """Return a plan of routes that keep every rule; clients who are on none of them are left to a search.

    Clients who are loaded at others, or belong to one vehicle, are among these. Routes are joined at planning values,
    with shifts that are shorter by the breaks; a route that breaks another rule is dropped.

    Parameters
    ----------
    problem
        What is planned.
    over
        Whether to stop joining.
    """
    savings = _Savings(problem)
    savings.join(over)
    plan = problem.plan_from(RoutingPlan(tuple(savings.routes())))
    broken = {one.where for one in problem.check(plan).violations if one.constraint != "unserved"}
    kept = [
        route
        for route in plan.routes
        if route.label not in broken and broken.isdisjoint(f"client {name}" for name in route.clients)
    ]
    kept_plan = problem.plan_from(RoutingPlan(tuple(kept)))
    check = problem.check(kept_plan)
    return kept_plan if check.ok or check.only_unserved else problem.plan_from(RoutingPlan(()))


_Stops: TypeAlias = tuple[int, ...]


class _Savings:
    """Routes that are joined until nothing is saved, then given to vehicles.

    The referee drives all routes of a round together: those of all pairs of neighbours that save more than any other
    pair with one of their routes, so that routes are joined as if the largest saving always came first.
    """

    def __init__(self, problem: RoutingProblem) -> None:
        data, laws = problem.data, problem.leg_laws
        self.data, self.planning, self.first = data, problem.planning_values, len(data.depots)
        self.kinds = [kind for kind, vehicle in enumerate(data.vehicles) if vehicle.num_available]
        rests = [sum(each.length for each in breaks) for breaks in data.breaks]
        fleet = (
            replace(one, breaks="", shift_end=one.shift_end - rest, max_duration=one.max_duration - rest)
            for one, rest in zip(data.vehicles, rests, strict=True)
        )
        rested = replace(data, vehicles=tuple(fleet))
        self.laws = RoutingLaws(rested, laws.cost, laws.duration, lenient=True)
        bound = {node for nodes in data.served_together if len(nodes) > 1 for node in nodes}
        bound |= {data.index[name] for name in data.pinned}
        alone: list[_Stops] = [(node,) for node in range(self.first, len(data.names)) if node not in bound]
        prices, kinds = self._offers(alone, self.kinds)
        self.load = data.demand.copy()  # of each route at its first stop
        # of each route its stops, its price and the vehicle type that drives it best, by its first stop
        self.known = {
            stops[0]: (stops, price, kind)
            for stops, price, kind in zip(alone, prices, kinds, strict=True)
            if np.isfinite(price)
        }

    def _offers(self, routes: Sequence[_Stops], kinds: Sequence[int]) -> tuple[list[float], list[int]]:
        """Return what each route costs, infinite where none of some vehicle types drives it, and which does it best."""
        if not routes or not kinds:
            return [np.inf] * len(routes), [0] * len(routes)
        data, names, trips = self.data, self.data.names, []
        for kind in kinds:
            vehicle = data.vehicles[kind].name
            home = data.depot_of[vehicle]
            trips += [Route(vehicle, 1, home, tuple(names[node] for node in stops)) for stops in routes]
        driven = drive(self.laws, self.planning, trips, frozen=True)
        prices = route_costs(self.laws, trips, driven)
        for rule in (*LIMITS, BY_NAME["road"]):
            prices[rule.breaking(self.laws.data, driven)] = np.inf
        prices = prices.reshape(len(kinds), -1)
        prices[~np.array([[data.allowed[kind, stops].all() for stops in routes] for kind in kinds])] = np.inf
        best = prices.argmin(axis=0)
        return prices.min(axis=0).tolist(), [kinds[place] for place in best]

    def join(self, over: Callable[[], bool]) -> None:
        """Join the end of one route to the begin of another, the largest saving first."""
        load, most = self.load, max(self.data.capacities[0, self.kinds], default=0.0)
        # the route of each of its ends, by its first stop; of others no node
        starts, ends = np.full(len(load), -1), np.full(len(load), -1)
        starts[[*self.known]] = ends[[*self.known]] = [*self.known]
        tails, heads = self._pairs()
        while not over():
            one, other = ends[tails], starts[heads]
            alive = (one >= 0) & (other >= 0) & (one != other)
            alive &= load[one] + load[other] <= most + slack(np.array(most))
            tails, heads, one, other = tails[alive], heads[alive], one[alive], other[alive]
            if not len(tails):
                return
            rank, best = np.arange(len(tails)), np.full(len(load), len(tails))
            np.minimum.at(best, one, rank)
            np.minimum.at(best, other, rank)
            chosen = np.flatnonzero((best[one] == rank) & (best[other] == rank))
            pairs = list(zip(one[chosen].tolist(), other[chosen].tolist(), strict=True))
            joined = [self.known[a][0] + self.known[b][0] for a, b in pairs]
            for (a, b), stops, price, kind in zip(
                pairs, joined, *self._offers(joined, self.kinds), strict=True
            ):
                if price < self.known[a][1] + self.known[b][1]:
                    ends[self.known[a][0][-1]] = starts[b] = -1
                    ends[stops[-1]] = a
                    load[a] += load[b]
                    self.known[a] = stops, price, kind
                    del self.known[b]
            kept = np.ones(len(tails), dtype=bool)
            kept[chosen] = False
            tails, heads = tails[kept], heads[kept]

    def _pairs(self) -> tuple[Indices, Indices]:
        """Return neighbours by what an arc saves against a way back and a way out, the most first."""
        data = self.data
        kind = max(self.kinds, key=lambda kind: float(data.capacities[0, kind]), default=0)
        vehicle = data.vehicles[kind]

        def paid(tails: Indices) -> Floats:
            times, prices = (each[min(kind, len(each) - 1)] for each in self.planning.arcs_from(tails))
            there = np.isfinite(times)
            return np.where(there, prices + vehicle.unit_duration_cost * np.where(there, times, 0.0), np.inf)

        out, every = paid(data.homes[[kind]])[0], np.arange(self.first, len(data.names))
        found = []
        for tails in tail_blocks(every, len(data.names)):
            weights = paid(tails)
            back = weights[:, data.ends[kind]].copy() if vehicle.returns else np.zeros(len(tails))
            weights[np.arange(len(tails)), tails] = np.inf
            near = np.argsort(weights[:, self.first :], axis=1, kind="stable")[:, :_NEAR] + self.first
            with np.errstate(invalid="ignore"):
                saved = back[:, None] + out[near] - np.take_along_axis(weights, near, axis=1)
            found.append((np.repeat(tails, near.shape[1]), near.ravel(), saved.ravel()))
        tails, heads, saved = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.argsort(-saved, kind="stable")
        order = order[np.isfinite(saved[order])]
        return tails[order], heads[order]

    def routes(self) -> Iterator[Route]:
        """Yield routes of vehicles, the fullest first."""
        data, pinned = self.data, set(self.data.pinned.values())
        free = {
            kind: [one for one in range(1, vehicle.num_available + 1) if (vehicle.name, one) not in pinned]
            for kind, vehicle in enumerate(data.vehicles)
        }
        for stops, price, kind in sorted(self.known.values(), key=lambda one: -float(self.load[one[0][0]])):
            if not free[kind]:
                (price,), (kind,) = self._offers([stops], [each for each in self.kinds if free[each]])
            if np.isfinite(price):
                vehicle, names = data.vehicles[kind].name, tuple(data.names[node] for node in stops)
                yield Route(vehicle, free[kind].pop(0), data.depot_of[vehicle], names)


_CLIENTS = 300
_SECONDS = 1.0
"""How long a part is searched in the first sweep; twice as long in the second, and so on."""
_SHORTEST = 0.2


class PartsRun:
    """One search on a problem of thousands of clients, with the attributes of the racer's run.

    What a search keeps of an arc, up to some hundred bytes, it keeps of a few hundred clients at a time: the routes
    around one client, those beside them, clients on no route there, and idle vehicles of each type. One sweep is parts
    around clients drawn at random until every client was in one. So what a route costs must not depend on those that
    other vehicles drive: a price of the longest route is not for this search.

    Parameters
    ----------
    problem, plan
        As in :class:`~kanopt.routing.search.racer.search.RacerRun`; the plan may be empty.
    options
        Seed, clock and threads of the searches on parts.
    progress
        Called with each better plan.

    Attributes
    ----------
    parts, steps
        How many parts were searched, and in how many steps.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan,
        options: SolveOptions,
        progress: Callable[[Progress], None],
    ) -> None:
        self.clock = options.clock
        self.began = self.clock.now()
        self.problem = problem
        self.given = plan
        self.options = options
        self.progress = progress
        self.rng = np.random.default_rng(options.seed)
        self.routes: dict[Vehicle, Route] = {(route.vehicle, route.index): route for route in plan.routes}
        self._rank = problem.assess(plan).rank
        self.steps, self.parts = 0, 0
        self.ended, self.stopped = False, False

    def run(self, limits: StoppingCriteria) -> RoutingPlan:
        """Search until a limit of seconds is met or it is asked to stop, and return the best plan.

        First routes are made by savings where there are none, and all who are on no route are inserted, however long
        that takes.
        """
        sweep = 0
        if not self.routes:
            plan = savings_plan(self.problem, lambda: self.stopped or limits.stop_requested())
            self.routes = {(route.vehicle, route.index): route for route in plan.routes}
            self._rank = self.problem.assess(plan).rank
        while not (self.stopped or limits.stop_requested()) and (not sweep or not self._is_over(limits)):
            self._sweep(sweep * _SECONDS, limits)
            sweep += 1
        best = self.problem.plan_from(RoutingPlan(tuple(self.routes.values())))
        return best if self.problem.assess(best).rank < self.problem.assess(self.given).rank else self.given

    def _seconds_left(self, limits: StoppingCriteria) -> float:
        left = np.inf if limits.seconds is None else limits.seconds
        return float(left - (self.clock.now() - self.began))

    def _is_over(self, limits: StoppingCriteria) -> bool:
        return self.stopped or limits.stop_requested() or self._seconds_left(limits) < _SHORTEST

    def _sweep(self, seconds: float, limits: StoppingCriteria) -> None:
        """Search on parts until every client was in one, beginning with clients that are on no route.

        Parameters
        ----------
        seconds
            How long a part is searched at most; 0 for parts around those on no route, who are inserted.
        limits
            When the whole search is to end.
        """
        served = {name for route in self.routes.values() for name in route.clients}
        names = [client.name for client in self.problem.clients]
        drawn = [names[place] for place in self.rng.permutation(len(names))]
        # where there is no time for a whole sweep, parts are searched for less
        share = self._seconds_left(limits) * _CLIENTS / max(len(names), 1)
        longest = min(seconds, max(_SHORTEST, share))
        seen: set[str] = set()
        for name in sorted(drawn, key=served.__contains__):
            over = (
                self._is_over(limits)
                if seconds
                else name in served or self.stopped or limits.stop_requested()
            )
            if name not in seen and not over:
                part, numbers = self._part_around(name)
                seen.update(client.name for client in part.clients)
                left = max(0.0, min(longest, self._seconds_left(limits)))
                self._improve(part, numbers, replace(limits, seconds=left))

    def _part_around(self, client: str) -> tuple[RoutingProblem, dict[Vehicle, Vehicle]]:
        """Return the routes around a client, those to which arcs cost least first, and idle vehicles."""
        data = self.problem.data
        at = {name: vehicle for vehicle, route in self.routes.items() for name in route.clients}
        at |= data.pinned
        costs = self.problem.planning_values.arcs_from(np.array([data.index[client]]))[1][:, 0].min(axis=0)
        order = np.argsort(costs[len(data.depots) :], kind="stable") + len(data.depots)
        clients: dict[str, None] = {}
        vehicles: set[Vehicle] = set()
        for name in (client, *(data.names[node] for node in order)):
            if len(clients) >= _CLIENTS:
                break
            for one in self._groups[name]:
                clients[one] = None
                if one in at and at[one] not in vehicles:
                    vehicles.add(at[one])
                    route = self.routes.get(at[one])
                    clients |= dict.fromkeys(route.clients if route else ())
        depots = {depot.name for depot in data.depots}
        routed = {name for route in self.routes.values() for name in route.clients}
        alone = len(clients.keys() - depots - routed)
        share = alone / max(1, len(data.clients) - len(routed - depots))
        return part_of_problem(
            self.problem, clients.keys() - depots, vehicles | self._idle(len(vehicles), alone, share)
        )

    @cached_property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        """The clients that are served together or not at all, by each of them."""
        data = self.problem.data
        together = (tuple(data.names[node] for node in nodes) for nodes in data.served_together)
        return {name: names for names in together for name in names}

    def _idle(self, beside: int, alone: int, share: float) -> set[Vehicle]:
        """Return vehicles without a route.

        Parameters
        ----------
        beside
            As many are there of each type beside others, and one.
        alone, share
            How many clients are on no route, and which share of all such clients that is. As large a share of the idle
            vehicles of each type is for them, so that others find some, too.
        """
        pinned = set(self.problem.data.pinned.values())
        found: set[Vehicle] = set()
        for vehicle in self.problem.vehicles:
            every = ((vehicle.name, index) for index in range(1, vehicle.num_available + 1))
            idle = [one for one in every if one not in self.routes and one not in pinned]
            found.update(idle[: beside + 1 + min(alone, ceil(share * len(idle)))])
        return found

    def _improve(
        self, part: RoutingProblem, numbers: Mapping[Vehicle, Vehicle], limits: StoppingCriteria
    ) -> None:
        """Search on a part, and put what is better into the plan."""
        before = part.plan_from(RoutingPlan(_renamed(self.routes.values(), numbers)))
        seed, options = int(self.rng.integers(2**31)), self.options
        search = RacerRun(part, before, seed, None, options.clock, options.workers)
        after = search.run(limits)
        self.steps += search.steps
        self.parts += 1
        was, now = part.assess(before).rank, part.assess(after).rank
        if not now.is_better_than(was):
            return
        for vehicle in numbers:
            self.routes.pop(vehicle, None)
        found = _renamed(after.routes, {there: here for here, there in numbers.items()})
        self.routes |= {(route.vehicle, route.index): route for route in found}
        # every part of a plan is as good as it was or better, and what the plan costs is the sum of them
        violations = self._rank.violations + now.violations - was.violations
        unserved = round(self._rank.unserved + now.unserved - was.unserved)
        price = self._rank.objective + now.objective - was.objective
        self._rank = Rank(violations > 0, unserved, violations, price)
        step = Progress(self.clock.now() - self.began, price, message=left_out_text(unserved))
        self.stopped |= asks_to_stop(self.progress, step)
