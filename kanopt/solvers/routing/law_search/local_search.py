"""Local search on one tour: clients are moved until no neighbouring order is better."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.forward import RouteBatch
from kanopt.solvers.routing.law_search.tour_cache import Tour, TourCache

__all__ = ["improve_tour", "move_to_cheaper_vehicles", "neighbouring_orders"]

Ints = NDArray[np.intp]

_LONGEST_SEGMENT = 3
_SHORT = 20  # clients; in a longer tour moves reach less far, so that there are not too many
_TRIED = 6  # orders scored finely, where rough scores are not fine
_MOST = 2_000
_SHORTEST = 64  # orders driven at all, where that takes long


@cache
def neighbouring_orders(length: int) -> Ints:
    """Return orders that differ from 0, 1, … by one move: a segment moved or turned, two clients swapped.

    Parameters
    ----------
    length
        How many clients there are.

    Returns
    -------
    array
        Shape (moves, length); the reversal of all is among them, so that both directions are priced.

    Examples
    --------
    >>> neighbouring_orders(3).tolist()
    [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    """
    here = tuple(range(length))
    reach = length if length <= _SHORT else max(2, _SHORT**2 // length)
    found = {here[::-1]}
    for first in range(length):
        for last in range(first + 1, min(length, first + reach) + 1):
            part, rest = here[first:last], here[:first] + here[last:]
            found.add(here[:first] + part[::-1] + here[last:])
            if last - first <= _LONGEST_SEGMENT:
                for place in range(max(0, first - reach), min(len(rest), first + reach) + 1):
                    found.add(rest[:place] + part + rest[place:])
                    found.add(rest[:place] + part[::-1] + rest[place:])
        for other in range(first + 1, min(length, first + reach)):
            swapped = list(here)
            swapped[first], swapped[other] = other, first
            found.add(tuple(swapped))
    found.discard(here)
    return np.array(sorted(found), dtype=np.intp).reshape(len(found), length)


def improve_tour(tour_cache: TourCache, tour: Tour, rng: np.random.Generator) -> Tour:
    """Return the best tour found by moving the clients of a tour about, one move after the other.

    Parameters
    ----------
    tour_cache
        Scores tours; what was found for a tour is kept there.
    tour
        The tour, scored.
    rng
        Draws which moves are tried on a tour that has too many.
    """
    trail = []
    while tour.improved is None:
        trail.append(tour)
        better = _best_neighbour(tour_cache, tour, rng)
        if better is None:
            tour.improved = tour
            break
        tour = better
    for step in trail:
        step.improved = tour.improved
    return tour.improved


def _best_neighbour(tour_cache: TourCache, tour: Tour, rng: np.random.Generator) -> Tour | None:
    """Return the best tour one move away, None where none is better."""
    if len(tour.clients) < 2:
        return None
    orders = neighbouring_orders(len(tour.clients))
    if len(orders) > _MOST:
        orders = orders[rng.choice(len(orders), _MOST, replace=False)]
    tables = tour_cache.tables
    nodes = np.full((len(orders), len(tour.clients) + 2), tables.home[tour.kind], dtype=np.intp)
    clients = np.array(tour.clients, dtype=np.intp)
    nodes[:, 1:-1] = clients[orders]
    if tour_cache.scorer.rough_is_slow and len(orders) > _SHORTEST:
        # an order that takes much longer on free roads is not better on busy ones either
        arcs = (tour.kind * tables.size + nodes[:, :-1]) * tables.size + nodes[:, 1:]
        shortest = np.argsort(tables.fastest[arcs].sum(axis=1), kind="stable")[:_SHORTEST]
        orders, nodes = orders[shortest], nodes[shortest]
    cost = tour_cache.scorer.score_batch(
        RouteBatch(tables, np.full(len(orders), tour.kind), nodes), rough=True
    ).cost()
    tried = np.argsort(cost, kind="stable")[:_TRIED]
    tried = tried[cost[tried] < (tour.rough_price if tour_cache.scorer.rough_is_exact else np.inf)]
    near = [tour_cache.tour(tour.kind, tuple(clients[orders[place]].tolist())) for place in tried]
    tour_cache.score(near)
    best = min(near, key=lambda other: other.price, default=tour)
    return best if best.price < tour.price - 1e-12 * abs(tour.price) else None


def move_to_cheaper_vehicles(tour_cache: TourCache, tours: Sequence[Tour], free: Sequence[int]) -> list[Tour]:
    """Return tours on cheaper vehicles, one after the other, as long as there are any to spare.

    Parameters
    ----------
    tour_cache
        Scores tours.
    tours
        The tours, scored.
    free
        How many vehicles of each type are not used.
    """
    kinds, spare = range(tour_cache.tables.kinds), list(free)
    options = [[tour_cache.tour(kind, tour.clients) for kind in kinds] for tour in tours]
    tour_cache.score(tour for row in options for tour in row)
    found = []
    for tour, row in zip(tours, options, strict=True):
        best = min(
            (other for other in row if other is tour or spare[other.kind] > 0), key=lambda other: other.price
        )
        spare[tour.kind] += 1
        spare[best.kind] -= 1
        found.append(best)
    return found
