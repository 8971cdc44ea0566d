"""A first plan for thousands of clients: savings over near neighbours, and what is left over where there is room.

Savings are those of Clarke and Wright (1964), of arcs to near nodes alone (Toth and Vigo 2003). Every route that is
joined is one that :meth:`RoutingArrays.fits` lets pass, so that the plan keeps every rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import tail_blocks
from kanopt.solvers.routing.arrays import Integers, NodeRoutes, RoutingArrays
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.insertion_start import route_price
from kanopt.solvers.routing.shared_rows import distinct

Nodes = NDArray[np.intp]
_NEAR = 40
_FAR = np.int64(2**62)
_PATIENCE = 10.0  # seconds: a plan that is some seconds late is better than none


def nearest_nodes(arrays: RoutingArrays, count: int = _NEAR) -> Nodes:
    """Return for each client the clients that are cheapest to reach from it, time included, the cheapest first.

    Parameters
    ----------
    arrays
        The problem.
    count
        How many for each, or all others where there are fewer.

    Returns
    -------
    array
        Nodes; (clients, count).
    """
    first, size = arrays.depots, arrays.size
    count = min(count, size - first - 1)
    found = np.zeros((size - first, max(count, 0)), dtype=np.intp)
    if count <= 0:
        return found
    for tails in tail_blocks(np.arange(first, size), size - first):
        weight = _weights(arrays, tails)
        weight[np.arange(len(tails)), tails - first] = _FAR
        part = np.argpartition(weight, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(weight, part, axis=1), axis=1, kind="stable")
        found[tails - first] = np.take_along_axis(part, order, axis=1) + first
    return found


def _weights(arrays: RoutingArrays, tails: Nodes) -> Integers:
    """Return what arcs from some nodes to every client cost at least, time included; (tails, clients)."""
    heads = slice(arrays.depots, None)
    cost, transit = distinct(arrays.cost), distinct(arrays.transit)
    found: Integers | None = None
    for kind in range(max(len(cost), len(transit))):
        rate = arrays.per_time.min() if len(cost) == len(transit) == 1 else arrays.per_time[kind]
        minutes = transit[min(kind, len(transit) - 1), tails, heads].astype(np.int64)
        priced = cost[min(kind, len(cost) - 1), tails, heads] + int(rate) * minutes
        priced[minutes > arrays.horizon] = _FAR
        found = priced if found is None else np.minimum(found, priced)
    assert found is not None  # there is a vehicle type
    return found


def offer_first_plan(
    incumbents: Incumbents, start: NodeRoutes | None, time_limit: float, stop_requested: Callable[[], bool]
) -> None:
    """Offer a plan that is given, and where there is none or it leaves somebody out, one of savings.

    Parameters
    ----------
    incumbents
        Takes them.
    start
        A plan that fits, or None.
    time_limit
        Seconds since the beginning of `incumbents`; the plan may come ten seconds from now all the same.
    stop_requested
        Whether to stop with what there is.
    """
    if start is not None:
        incumbents.offer(start)
    arrays = incumbents.arrays
    if incumbents.rank is None or incumbents.rank[0] > arrays.unreachable_mandatory:
        # joined halfway, routes are more than there are vehicles
        last = max(time_limit, incumbents.seconds + _PATIENCE)
        plan = savings_plan(arrays, lambda: stop_requested() or incumbents.seconds >= last)
        incumbents.offer(plan, by="savings")


def savings_plan(arrays: RoutingArrays, over: Callable[[], bool]) -> list[list[int]]:
    """Return a plan that fits.

    Clients who are loaded at others, or belong to one vehicle, are left to a search that knows why.

    Parameters
    ----------
    arrays
        The problem.
    over
        Whether to stop; then the plan is what there is.
    """
    plan = _SavingsPlan(arrays, over)
    if arrays.fleet:
        plan.join()
        plan.give_vehicles()
        plan.insert_left()
    return plan.routes


class _SavingsPlan:
    """Routes that are joined until nothing is saved, then given to vehicles.

    Attributes
    ----------
    routes
        By vehicle of the fleet.
    route_of
        The route of each client before it is given to a vehicle: one list for all that are on it.
    """

    def __init__(self, arrays: RoutingArrays, over: Callable[[], bool]) -> None:
        self.arrays, self.over = arrays, over
        self.routes: list[list[int]] = [[] for _ in arrays.fleet]
        self.free: dict[int, list[int]] = {}
        for place, (kind, _) in reversed(list(enumerate(arrays.fleet))):
            self.free.setdefault(kind, []).append(place)
        self.kinds = sorted(self.free)
        self.near = nearest_nodes(arrays)
        self.route_of: dict[int, list[int]] = {}
        self.price: dict[int, int] = {}
        bound = set(arrays.rules.dependents) | set(np.flatnonzero(arrays.rules.source >= 0).tolist())
        bound |= set(np.flatnonzero(arrays.rules.pinned >= 0).tolist())
        for node in range(arrays.depots, arrays.size):
            offer = None if node in bound else self._offer([node], self.kinds)
            if offer is not None:
                self.route_of[node], self.price[node] = [node], offer[0]

    def _offer(self, route: Sequence[int], kinds: Sequence[int]) -> tuple[int, int] | None:
        """Return the price of a route and the vehicle type that drives it best, None where none of some can."""
        load, room = int(self.arrays.demand[route].sum()), self.arrays.capacity
        able = [kind for kind in kinds if load <= room[kind] and self.arrays.fits(kind, route)]
        return min(((route_price(self.arrays, kind, route), kind) for kind in able), default=None)

    def join(self) -> None:
        """Join the end of one route to the begin of another, the largest saving first."""
        load, most = self.arrays.demand, int(self.arrays.capacity[self.kinds].max())
        loads = {node: int(load[node]) for node in self.route_of}
        for tail, head in self._pairs():
            one, other = self.route_of.get(tail), self.route_of.get(head)
            if one is None or other is None or one is other or one[-1] != tail or other[0] != head:
                continue
            together = loads[one[0]] + loads[other[0]]
            if together > most:
                continue
            if self.over():
                return
            offer = self._offer([*one, *other], self.kinds)
            if offer is not None and offer[0] < self.price[one[0]] + self.price[other[0]]:
                self.price[one[0]], loads[one[0]] = offer[0], together
                one += other
                for node in other:
                    self.route_of[node] = one

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Yield arcs by what they save against a way back and a way out, the most first."""
        arrays = self.arrays
        kind = max(self.kinds, key=lambda kind: int(arrays.capacity[kind]))
        home, last, first = arrays.depot(kind), arrays.last(kind), arrays.depots
        tails, heads = np.repeat(np.arange(first, arrays.size), self.near.shape[1]), self.near.ravel()
        price, time, rate = arrays.cost[kind], arrays.transit[kind], int(arrays.per_time[kind])
        there = time[tails, heads] <= arrays.horizon
        tails, heads = tails[there], heads[there]

        def cost(tail: Nodes | int, head: Nodes | int) -> Integers:
            return np.asarray(price[tail, head] + rate * time[tail, head].astype(np.int64))

        order = np.argsort(cost(tails, heads) - cost(tails, last) - cost(home, heads), kind="stable")
        return zip(tails[order].tolist(), heads[order].tolist(), strict=True)

    def give_vehicles(self) -> None:
        """Give each route a vehicle, the fullest first, or cut it where only smaller ones are left."""
        arrays = self.arrays
        routes = {id(route): route for route in self.route_of.values()}
        for route in sorted(routes.values(), key=lambda route: -int(arrays.demand[route].sum())):
            rest = route if arrays.mandatory[route].all() else self._worthwhile(route)
            while rest:
                taken = self._give(rest) or self._add_trip(rest)
                rest = rest[taken:] if taken else []

    def _worthwhile(self, route: list[int]) -> list[int]:
        """Return a route without clients who may be left out and cost more than their prize, empty if it does."""
        arrays = self.arrays
        kept, offer = route, self._offer(route, self.kinds)
        while offer is not None:
            stops = np.array([arrays.depot(offer[1]), *kept, arrays.last(offer[1])])
            cost = arrays.cost[offer[1]]
            saved = cost[stops[:-2], stops[1:-1]] + cost[stops[1:-1], stops[2:]].astype(np.int64)
            saved -= cost[stops[:-2], stops[2:]] + arrays.prize[kept]
            saved[arrays.mandatory[kept]] = 0
            place = int(np.argmax(saved))
            fewer = [*kept[:place], *kept[place + 1 :]]
            after = self._offer(fewer, self.kinds) if fewer and saved[place] > 0 else None
            if after is None or offer[0] - after[0] <= arrays.prize[kept[place]]:
                break
            kept, offer = fewer, after
        pays = offer is not None and (arrays.mandatory[kept].any() or offer[0] < arrays.prize[kept].sum())
        return kept if pays else []

    def _give(self, route: list[int]) -> int:
        """Give the first stops of a route, as many as fit, to the best free vehicle; return how many."""
        kinds = [kind for kind in self.kinds if self.free[kind]]
        offer = self._offer(route, kinds)
        if offer is not None:
            count, kind = len(route), offer[1]
        else:
            count, kind = max(((self._fitting(kind, route), kind) for kind in kinds), default=(0, -1))
        if count:
            self.routes[self.free[kind].pop()] = route[:count]
        return count

    def _fitting(self, kind: int, route: list[int]) -> int:
        """Return how many stops of a route fit if it ends behind them."""
        room = self.arrays.capacity[kind]
        count = int(np.searchsorted(np.cumsum(self.arrays.demand[route]), room, "right"))
        while count and not self.arrays.fits(kind, route[:count]):
            count -= 1
        return count

    def _add_trip(self, route: list[int]) -> int:
        """Let a vehicle that may reload drive a route after its own; return how many stops that are."""
        for place, (kind, _) in enumerate(self.arrays.fleet):
            if self.routes[place] and self.arrays.rules.most_reloads(kind):
                longer = [*self.routes[place], self.arrays.depot(kind), *route]
                if self.arrays.fits(kind, longer, place):
                    self.routes[place] = longer
                    return len(route)
        return 0

    def insert_left(self) -> None:
        """Put clients that are on no route beside near ones, the cheapest arcs first, where that fits."""
        arrays, first = self.arrays, self.arrays.depots
        at = {node: place for place, route in enumerate(self.routes) for node in route if node >= first}
        for node in self.route_of:
            if node in at or self.over():
                continue
            places = sorted({at[near] for near in self.near[node - first].tolist() if near in at})
            options = sorted(option for place in places for option in self._insertions(place, node))
            for more, place, position in options:
                if not arrays.mandatory[node] and more >= arrays.prize[node]:
                    break
                longer = [*self.routes[place][:position], node, *self.routes[place][position:]]
                if arrays.fits(arrays.fleet[place][0], longer, place):
                    self.routes[place], at[node] = longer, place
                    break

    def _insertions(self, place: int, node: int) -> list[tuple[int, int, int]]:
        """Return by how much longer arcs get where a client is put into a route, with the vehicle and the position."""
        kind = self.arrays.fleet[place][0]
        cost = self.arrays.cost[kind]
        stops = np.array([self.arrays.depot(kind), *self.routes[place], self.arrays.last(kind)])
        more = cost[stops[:-1], node].astype(np.int64) + cost[node, stops[1:]] - cost[stops[:-1], stops[1:]]
        return [(each, place, position) for position, each in enumerate(more.tolist())]
