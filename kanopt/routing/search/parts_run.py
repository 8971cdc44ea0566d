"""Thousands of clients: a search on part after part of a plan, each the routes around a client."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np

from kanopt.arc_blocks import tail_blocks
from kanopt.array_types import Floats
from kanopt.engines.base import SolveOptions, asks_to_stop
from kanopt.plans.base import Rank
from kanopt.plans.result import Progress
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.leg_laws import ArrivalFunctions
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.racer.search import RacerRun, StoppingCriteria, left_out_text

# Part of a problem: some clients and some vehicles of it, as a problem of its own.


Vehicle = tuple[str, int]
"""Type and number of a vehicle."""


@dataclass(frozen=True)
class ProblemPart:
    """Some clients and vehicles of a problem.

    Parameters
    ----------
    problem
        They as a problem, in which the vehicles of a type are numbered anew.
    numbers
        Type and number in the part of each vehicle, by type and number in the whole.
    """

    problem: RoutingProblem
    numbers: Mapping[Vehicle, Vehicle]

    def inside(self, routes: Iterable[Route]) -> RoutingPlan:
        """Return those of the whole's routes that its vehicles drive, as a plan of the part."""
        return RoutingPlan(_renamed(routes, self.numbers))

    def outside(self, plan: RoutingPlan) -> tuple[Route, ...]:
        """Return the routes of a plan of the part as routes of the whole."""
        return _renamed(plan.routes, {there: here for here, there in self.numbers.items()})


def _renamed(routes: Iterable[Route], numbers: Mapping[Vehicle, Vehicle]) -> tuple[Route, ...]:
    return tuple(
        replace(route, vehicle=number[0], index=number[1])
        for route in routes
        if (number := numbers.get((route.vehicle, route.index))) is not None
    )


def part_of_problem(
    problem: RoutingProblem, clients: Collection[str], vehicles: Collection[Vehicle]
) -> ProblemPart:
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
    """
    data = problem.data
    kept = [client for client in problem.clients if client.name in clients]
    nodes = [*range(len(data.depots)), *(data.index[client.name] for client in kept)]
    numbers: dict[Vehicle, Vehicle] = {}
    counts = dict.fromkeys(data.type_index, 0)
    for name, index in sorted(vehicles):
        counts[name] += 1
        numbers[name, index] = name, counts[name]
    pins: dict[str, list[str]] = {}
    for name, vehicle in data.pinned.items():
        if name in clients:
            pins.setdefault("{} {}".format(*numbers[vehicle]), []).append(name)
    laws = problem.leg_laws
    part = object.__new__(type(problem))
    given = {item.name: getattr(problem, item.name) for item in fields(problem)}
    part.__dict__.update(given)
    part.__dict__.update(
        clients=kept,
        vehicles=[replace(vehicle, num_available=counts[vehicle.name]) for vehicle in problem.vehicles],
        cost={name: law_between(law, nodes) for name, law in laws.cost.items()},
        duration=law_between(laws.duration, nodes),
        distance=law_between(data.distances, nodes) if isinstance(data.distances, np.ndarray) else None,
        policy=replace(problem.policy, pinned={label: tuple(names) for label, names in pins.items()}),
    )
    return ProblemPart(part, numbers)


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

    Clients who are loaded at others, or belong to one vehicle, are among these. Loads, time windows, shifts and skills
    are looked at while routes are joined; a route that breaks another rule is dropped.

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


class _Savings:
    """Routes that are joined until nothing is saved, then given to vehicles."""

    def __init__(self, problem: RoutingProblem) -> None:
        data = self.data = problem.data
        self.first, self.planning = len(data.depots), problem.planning_values
        self.kinds = [kind for kind, vehicle in enumerate(data.vehicles) if vehicle.num_available]
        self.rate, self.start = data.of_vehicles("unit_duration_cost"), data.of_vehicles("shift_start")
        rests = np.array([sum(each.length for each in breaks) for breaks in data.breaks])
        self.longest = data.of_vehicles("max_duration") - rests
        self.end = data.of_vehicles("shift_end") - rests
        self.latest = data.due
        self.load = np.maximum(
            data.demands, np.where(np.arange(len(data.demands))[:, None] == 0, data.pickup, 0.0)
        )
        bound = {node for nodes in data.served_together if len(nodes) > 1 for node in nodes}
        bound |= {data.index[name] for name in data.pinned}
        self._look_up()
        self.route_of: dict[int, list[int]] = {}
        self.price: dict[int, float] = {}
        for node in range(self.first, len(data.names)):
            offer = None if node in bound else self._offer([node], self.kinds)
            if offer is not None:
                self.route_of[node], self.price[node] = [node], offer[0]

    def _look_up(self) -> None:
        """Keep the time and the price of arcs to neighbours, and from and to depots; (2, types, …)."""
        data, size = self.data, len(self.data.names)
        types, count = len(data.vehicles), max(0, min(_NEAR, size - self.first - 1))
        self.near = np.zeros((size, count), dtype=np.intp)
        self.hop, self.out, self.back = (np.zeros((2, types, size, *more)) for more in ((count,), (), ()))
        for kind, home in enumerate(data.homes.tolist()):
            self.out[:, kind] = [
                each[min(kind, len(each) - 1), 0] for each in self.planning.arcs_from(np.array([home]))
            ]
        for tails in tail_blocks(np.arange(self.first, size), size):
            arcs = [
                np.broadcast_to(each, (types, *each.shape[1:])) for each in self.planning.arcs_from(tails)
            ]
            weight = _paid(arcs, self.rate[:, None, None]).min(axis=0)
            weight[np.arange(len(tails)), tails] = np.inf
            self.near[tails] = (
                np.argsort(weight[:, self.first :], axis=1, kind="stable")[:, :count] + self.first
            )
            rows = np.arange(len(tails))[:, None]
            for part, each in enumerate(arcs):
                self.hop[part][:, tails] = each[:, rows, self.near[tails]]
                for kind, vehicle in enumerate(data.vehicles):
                    self.back[part, kind, tails] = each[kind, :, data.ends[kind]] if vehicle.returns else 0.0

    def _offer(self, route: Sequence[int], kinds: Sequence[int]) -> tuple[float, int] | None:
        """Return the price of a route and the vehicle type that drives it best, None where none of some can."""
        load = self.load[:, route].sum(axis=1)
        able = [kind for kind in kinds if (load <= self.data.capacities[:, kind]).all()]
        offers = [(price, kind) for kind in able if np.isfinite(price := self._price(kind, route))]
        return min(offers, default=None)

    def _price(self, kind: int, route: Sequence[int]) -> float:
        """Return what a route costs that leaves as late as it can, infinite where it cannot be driven."""
        if not self.data.allowed[kind, route].all():
            return np.inf
        hops = [int(np.flatnonzero(self.near[tail] == head)[0]) for tail, head in pairwise(route)]
        legs = np.array(
            [
                self.out[:, kind, route[0]],
                *(self.hop[:, kind, tail, hop] for tail, hop in zip(route, hops, strict=False)),
            ]
        )
        clock = max(self.start[kind], float(self.data.release[route].max()))
        service, waited, room = self.planning.service[kind], 0.0, np.inf
        departure = clock
        for node, spent in zip(route, legs[:, 0].tolist(), strict=True):
            arrive = clock + spent
            clock = max(arrive, float(self.data.earliest[node]))
            if not clock <= self.latest[node]:
                return float(np.inf)
            waited += clock - arrive
            room = min(room, waited + float(self.latest[node]) - clock)
            clock += float(service[node])
        finish = clock + float(self.back[0, kind, route[-1]])
        spent = finish - departure - min(waited, room)
        if not (finish <= self.end[kind] and spent <= self.longest[kind]):
            return float(np.inf)
        fixed = self.data.vehicles[kind].fixed_cost
        return float(legs[:, 1].sum() + self.back[1, kind, route[-1]] + fixed + self.rate[kind] * spent)

    def join(self, over: Callable[[], bool]) -> None:
        """Join the end of one route to the begin of another, the largest saving first."""
        load, most = self.load[0], max((self.data.capacities[0, kind] for kind in self.kinds), default=0.0)
        loads = {node: float(load[node]) for node in self.route_of}
        for tail, head in self._pairs():
            one, other = self.route_of.get(tail), self.route_of.get(head)
            if one is None or other is None or one is other or one[-1] != tail or other[0] != head:
                continue
            together = loads[one[0]] + loads[other[0]]
            if together > most:
                continue
            if over():
                return
            offer = self._offer([*one, *other], self.kinds)
            if offer is not None and offer[0] < self.price[one[0]] + self.price[other[0]]:
                self.price[one[0]], loads[one[0]] = offer[0], together
                one += other
                self.route_of.update(dict.fromkeys(other, one))

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Yield neighbours by what an arc saves against a way back and a way out, the most first."""
        kind = max(self.kinds, key=lambda kind: self.data.capacities[0, kind], default=0)
        tails = np.repeat(np.arange(self.first, len(self.near)), self.near.shape[1])
        heads = self.near[self.first :].ravel()
        hop, back, out = (
            _paid(each[:, kind], float(self.rate[kind])) for each in (self.hop, self.back, self.out)
        )
        with np.errstate(invalid="ignore"):
            saved = back[tails] + out[heads] - hop[self.first :].ravel()
        order = np.argsort(-saved[np.isfinite(saved)], kind="stable")
        there = np.flatnonzero(np.isfinite(saved))[order]
        return zip(tails[there].tolist(), heads[there].tolist(), strict=True)

    def routes(self) -> Iterator[Route]:
        """Yield routes of vehicles, the fullest first, cut where only smaller vehicles are left."""
        data = self.data
        taken = dict.fromkeys(self.kinds, 0)
        pinned = set(data.pinned.values())
        unique = {id(route): route for route in self.route_of.values()}
        for route in sorted(unique.values(), key=lambda route: -float(self.load[0, route].sum())):
            rest = route
            while rest:
                free = [kind for kind in self.kinds if taken[kind] < data.vehicles[kind].num_available]
                count, offer = self._first_stops(rest, free)
                if offer is None:
                    break
                vehicle = data.vehicles[offer[1]].name
                taken[offer[1]] += 1
                if (vehicle, taken[offer[1]]) in pinned:
                    continue
                names = tuple(data.names[node] for node in rest[:count])
                yield Route(vehicle, taken[offer[1]], data.depot_of[vehicle], names)
                rest = rest[count:]

    def _first_stops(
        self, route: Sequence[int], kinds: Sequence[int]
    ) -> tuple[int, tuple[float, int] | None]:
        """Return how many of the first stops of a route some vehicle type drives, and what that costs."""
        for count in range(len(route), 0, -1):
            offer = self._offer(route[:count], kinds)
            if offer is not None:
                return count, offer
        return 0, None


def _paid(arcs: Sequence[Floats] | Floats, rate: Floats | float) -> Floats:
    """Return what arcs cost with their time; infinite where no road leads, whatever time costs."""
    there = np.isfinite(arcs[0])
    return np.where(there, arcs[1] + rate * np.where(there, arcs[0], 0.0), np.inf)


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
                part = self._part_around(name)
                seen.update(client.name for client in part.problem.clients)
                left = max(0.0, min(longest, self._seconds_left(limits)))
                self._improve(part, replace(limits, seconds=left))

    def _part_around(self, client: str) -> ProblemPart:
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

    def _improve(self, part: ProblemPart, limits: StoppingCriteria) -> None:
        """Search on a part, and put what is better into the plan."""
        before = part.problem.plan_from(part.inside(tuple(self.routes.values())))
        seed, options = int(self.rng.integers(2**31)), self.options
        search = RacerRun(part.problem, before, seed, None, options.clock, options.workers)
        after = search.run(limits)
        self.steps += search.steps
        self.parts += 1
        was, now = part.problem.assess(before).rank, part.problem.assess(after).rank
        if not now.is_better_than(was):
            return
        for vehicle in part.numbers:
            self.routes.pop(vehicle, None)
        self.routes |= {(route.vehicle, route.index): route for route in part.outside(after)}
        # every part of a plan is as good as it was or better, and what the plan costs is the sum of them
        violations = self._rank.violations + now.violations - was.violations
        unserved = round(self._rank.unserved + now.unserved - was.unserved)
        price = self._rank.objective + now.objective - was.objective
        self._rank = Rank(violations > 0, unserved, violations, price)
        step = Progress(self.clock.now() - self.began, price, message=left_out_text(unserved))
        self.stopped |= asks_to_stop(self.progress, step)
