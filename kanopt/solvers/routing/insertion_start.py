"""Plans made by inserting clients one after the other, with those they belong to: a start where rules are many.

Other insertions ask the law, one plan at a time: :class:`~kanopt.problems.routing.insertion.InsertionFinder` drives,
checks and prices every place for a client, because people read its reasons. Here a place is a few sums of whole
numbers, thousands a second; groups are put in greedily, one client after the other, and of the places on a route the
first that fits is taken, cheapest arcs first. One mechanism for both would find other plans, or be too slow to begin a
search with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kanopt.solvers.routing.arrays import NodeRoutes, Rank, RoutingArrays
from kanopt.solvers.routing.integer_routes import arc_cost, without_idle_reloads

_STEPS, _LARGEST_SHARE = 60, 0.4
_TRIED = 40
"""Places looked at for a client on a route, the cheapest first."""


def ruin_and_recreate(
    arrays: RoutingArrays,
    start: NodeRoutes | None,
    seed: int,
    over: Callable[[], bool],
    on_better: Callable[[NodeRoutes, Rank], object],
) -> NodeRoutes:
    """Return a plan improved by ruin and recreate, for as long as that makes it better.

    Clients that belong together are moved together, which single moves of a search cannot do.

    Parameters
    ----------
    arrays
        The problem.
    start
        A plan that fits, or None.
    seed
        Draws what is taken out.
    over
        Whether to stop.
    on_better
        Called with each better plan and its rank.
    """
    rng = np.random.default_rng(seed)
    groups = _groups(arrays)
    routes = insert_groups(arrays, start if start is not None else [[] for _ in arrays.fleet], groups, over)
    best = arrays.rank(routes)
    on_better(routes, best)
    idle = 0
    while idle < _STEPS + len(groups) and not over():
        idle += 1
        count = int(rng.integers(1, max(2, int(_LARGEST_SHARE * len(groups))) + 1))
        out = {node for place in rng.permutation(len(groups))[:count] for node in groups[place]}
        kept = []
        for place, ((kind, _), route) in enumerate(zip(arrays.fleet, routes, strict=True)):
            left = without_idle_reloads(arrays, [node for node in route if node not in out])
            # without some stops a route may be longer
            kept.append(left if not left or arrays.fits(kind, left, place) else list(route))
        order = [groups[place] for place in rng.permutation(len(groups))]
        tried = insert_groups(arrays, kept, order, over)
        rank = arrays.rank(tried)
        if rank < best:
            routes, best, idle = tried, rank, 0
            on_better(routes, best)
    return routes


def _groups(arrays: RoutingArrays) -> list[list[int]]:
    """Return clients with those they are served with, sources first; who must be served comes first."""
    dependents = arrays.rules.dependents
    alone = [
        node
        for node in range(arrays.depots, arrays.size)
        if not (arrays.rules.source.size and arrays.rules.source[node] >= 0)
    ]
    groups = [[node, *dependents.get(node, ())] for node in alone]
    return sorted(groups, key=lambda group: not arrays.mandatory[group].any())


def insert_all(arrays: RoutingArrays, over: Callable[[], bool]) -> NodeRoutes:
    """Return a plan in which everybody is inserted who fits and pays, one after the other.

    Parameters
    ----------
    arrays
        The problem.
    over
        Whether to stop.
    """
    return insert_groups(arrays, [[] for _ in arrays.fleet], _groups(arrays), over)


def insert_groups(
    arrays: RoutingArrays, routes: NodeRoutes, groups: Sequence[Sequence[int]], over: Callable[[], bool]
) -> list[list[int]]:
    """Insert the groups that are on no route where they cost least, as far as they fit and pay.

    Parameters
    ----------
    arrays
        The problem.
    routes
        A plan that fits.
    groups
        Clients that are served together, in the order in which they are inserted.
    over
        Whether to stop.
    """
    found = [list(route) for route in routes]
    served = {node for route in found for node in route}
    for group in groups:
        if over():
            return found
        if not served.isdisjoint(group):
            continue
        prize = int(arrays.prize[list(group)].sum())
        must = bool(arrays.mandatory[list(group)].any())
        best: tuple[int, int, list[int]] | None = None
        for place in _vehicles(arrays, found):
            kind = arrays.fleet[place][0]
            before = route_price(arrays, kind, found[place])
            for route in _route_with_group(arrays, place, found[place], group):
                more = route_price(arrays, kind, route) - before
                if best is None or more < best[0]:
                    best = more, place, route
        if best is not None and (must or best[0] < prize):
            found[best[1]] = best[2]
            served.update(group)
    return found


def _vehicles(arrays: RoutingArrays, routes: NodeRoutes) -> list[int]:
    """Return vehicles worth trying: of several empty ones of a type only the first."""
    pinned, empty, found = arrays.rules.pinned, set(), []
    for place, ((kind, _), route) in enumerate(zip(arrays.fleet, routes, strict=True)):
        if route or kind not in empty or (pinned == place).any():
            found.append(place)
        if not route:
            empty.add(kind)
    return found


def route_price(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> int:
    """Return the price of a route as if it were the longest one."""
    if not route:
        return 0
    times = arrays.best_times(kind, route)
    assert times is not None  # only routes that fit are priced
    return (
        arc_cost(arrays, kind, route)
        + int(arrays.fixed[kind])
        + times.price
        + arrays.rules.longest * times.duration
    )


def _route_with_group(
    arrays: RoutingArrays, place: int, route: Sequence[int], group: Sequence[int]
) -> list[list[int]]:
    """Return the first route found with a group in it, or none."""
    kind = arrays.fleet[place][0]
    current = list(route)
    for number, node in enumerate(group):
        whole = number == len(group) - 1
        options = _routes_with_node(arrays, kind, current, node, after=group[0] if number else None)
        fitting = (each for each in options if arrays.fits(kind, each, place, whole=whole))
        chosen = next(fitting, None)
        if chosen is None:
            return []
        current = chosen
    return [current]


def _routes_with_node(
    arrays: RoutingArrays, kind: int, route: Sequence[int], node: int, after: int | None
) -> list[list[int]]:
    """Return routes with a node in them, beginning with the cheapest arcs; also with a reload before or after it."""
    first = 0 if after is None else list(route).index(after) + 1
    home, options = arrays.depot(kind), []
    for position in range(first, len(route) + 1):
        head, rest = list(route[:position]), list(route[position:])
        options.append([*head, node, *rest])
        if arrays.rules.most_reloads(kind) and route:
            options += [
                [*head, home, node, *rest],
                [*head, node, home, *rest],
                [*head, home, node, home, *rest],
            ]
    options = [each for each in options if without_idle_reloads(arrays, each) == each]
    return sorted(options, key=lambda each: arc_cost(arrays, kind, each))[:_TRIED]
