"""Tours that a search has met, each scored once, with what it costs to put a client into them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.forward import RouteBatch
from kanopt.solvers.routing.law_search.scorer import RouteScorer

__all__ = ["InsertionPlace", "Tour", "TourCache"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
InsertionPlace = tuple[float, int]
"""What a tour costs more with a client at a position, and the position."""

_MOST_TOURS = 30_000
_NEAREST = 5
"""Positions looked at in a tour, where driving it takes long."""


class Tour:
    """Clients in order of visit, on a vehicle of a type.

    Parameters
    ----------
    kind
        Vehicle type.
    clients
        Clients, as nodes.
    load
        What they demand.

    Attributes
    ----------
    rough_price
        Price at one of a few departures; NaN before it was scored.
    price, departure
        Price at the best departure found, infinite where a limit is broken, and that departure; NaN before it was
        scored.
    places
        By client, the best place to put it in, None where there is none.
    improved
        The best tour of the same clients found by moving them about; None before it was looked for.
    """

    __slots__ = ("clients", "departure", "improved", "kind", "load", "places", "price", "rough_price")

    def __init__(self, kind: int, clients: tuple[int, ...], load: float) -> None:
        self.kind = kind
        self.clients = clients
        self.load = load
        self.rough_price = self.price = self.departure = float("nan")
        self.places: dict[int, InsertionPlace | None] = {}
        self.improved: Tour | None = None


class TourCache:
    """Every tour met so far, so that none is scored twice.

    Parameters
    ----------
    scorer
        Scores tours.
    """

    def __init__(self, scorer: RouteScorer) -> None:
        self.scorer = scorer
        self.tables = tables = scorer.tables
        self._tours: dict[tuple[int, tuple[int, ...]], Tour] = {}
        arc = np.arange(tables.kinds * tables.size**2).reshape(tables.kinds, tables.size, tables.size)
        soonest = np.maximum(
            tables.start[:, None], tables.earliest + tables.service.reshape(tables.kinds, tables.size)
        )
        reached = soonest[:, :, None] + tables.fastest[arc]
        self._follows: NDArray[np.bool_] = (
            (reached <= tables.closes)
            & (reached <= tables.end[:, None, None])
            & np.isfinite(tables.price[arc])
        ).ravel()

    def tour(self, kind: int, clients: tuple[int, ...]) -> Tour:
        """Return a tour, which may not be scored yet."""
        key = (kind, clients)
        found = self._tours.get(key)
        if found is None:
            found = self._tours[key] = Tour(kind, clients, float(self.tables.demand[list(clients)].sum()))
            if not clients:
                found.rough_price = found.price = 0.0
        return found

    def score(self, tours: Iterable[Tour], *, rough: bool = False) -> None:
        """Score the tours that are not scored yet.

        Parameters
        ----------
        tours
            The tours.
        rough
            Only :attr:`Tour.rough_price` is needed.
        """
        name = "rough_price" if rough else "price"
        new = list({id(tour): tour for tour in tours if math.isnan(getattr(tour, name))}.values())
        if not new:
            return
        scores = self.scorer.score_routes([(tour.kind, tour.clients) for tour in new], rough=rough)
        both = self.scorer.rough_is_exact
        known = zip(new, scores.cost().tolist(), scores.departure.tolist(), strict=True)
        for tour, price, departure in known:
            if rough or both or math.isnan(tour.rough_price):
                tour.rough_price = price
            if not rough or both:
                tour.price, tour.departure = price, departure

    def evict(self, kept: Iterable[Tour]) -> None:
        """Forget the older half of the tours where there are too many, but not the ones given.

        A forgotten tour is scored again when it is met again.
        """
        if len(self._tours) > _MOST_TOURS:
            later = list(self._tours.items())[_MOST_TOURS // 2 :]
            self._tours = {(tour.kind, tour.clients): tour for tour in kept} | dict(later)

    def find_places(self, pairs: Iterable[tuple[Tour, int]]) -> None:
        """Find the best place for clients in tours, where it is not known."""
        tables = self.tables
        groups: dict[int, list[tuple[Tour, int]]] = {}
        for tour, client in pairs:
            if client not in tour.places:
                if tour.load + tables.demand[client] > tables.capacity[tour.kind]:
                    tour.places[client] = None
                else:
                    groups.setdefault(len(tour.clients), []).append((tour, client))
        if groups:
            self._fill(groups)

    def _fill(self, groups: dict[int, list[tuple[Tour, int]]]) -> None:
        """Score the insertion of clients into tours of equal lengths, all groups together."""
        tables = self.tables
        widest = max(groups) + 3
        kinds, nodes, masks = [], [], []
        for length, pairs in groups.items():
            kind = np.array([tour.kind for tour, _ in pairs], dtype=np.intp)
            home = tables.home[kind]
            clients = np.array([tour.clients for tour, _ in pairs], dtype=np.intp).reshape(len(pairs), length)
            client = np.array([client for _, client in pairs], dtype=np.intp)
            source = np.concatenate([home[:, None], clients, home[:, None], client[:, None]], axis=1)
            fits = self._fits(kind, source[:, :-2], client) & self._fits(kind, client, source[:, 1:-1])
            if self.scorer.rough_is_slow and length >= _NEAREST:
                fits &= self._nearest_positions(kind, source[:, :-1], client, fits)
            row, position = np.nonzero(fits)
            inserted = source[row[:, None], _inserting(length)[position]]
            padded = np.repeat(home[row][:, None], widest, axis=1)
            padded[:, : length + 3] = inserted
            kinds.append(kind[row])
            nodes.append(padded)
            masks.append(fits)
        price = np.zeros(0)
        batch = RouteBatch(tables, np.concatenate(kinds), np.concatenate(nodes))
        if len(batch):
            price = self.scorer.score_batch(batch, rough=True).cost()
        begin = 0
        for pairs, fits in zip(groups.values(), masks, strict=True):
            count = int(fits.sum())
            found = np.full(fits.shape, np.inf)
            found[fits] = price[begin : begin + count]
            begin += count
            self._store_best(pairs, found)

    def _fits(self, kind: Ints, tail: Ints, head: Ints) -> NDArray[np.bool_]:
        """Say whether heads may follow tails at all; one of the two has a column for each position."""
        if tail.ndim == 1:
            tail = tail[:, None]
        if head.ndim == 1:
            head = head[:, None]
        size = self.tables.size
        fits: NDArray[np.bool_] = self._follows[(kind[:, None] * size + tail) * size + head]
        return fits

    def _nearest_positions(
        self, kind: Ints, nodes: Ints, client: Ints, fits: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Say which positions on routes are among the few that take least on free roads, of those that fit."""
        fastest, size = self.tables.fastest, self.tables.size
        base, new = (kind * size)[:, None], client[:, None]
        there = fastest[(base + nodes[:, :-1]) * size + new] + fastest[(base + new) * size + nodes[:, 1:]]
        more = np.where(fits, there - fastest[(base + nodes[:, :-1]) * size + nodes[:, 1:]], np.inf)
        limit = np.partition(more, _NEAREST - 1, axis=1)[:, _NEAREST - 1, None]
        near: NDArray[np.bool_] = more <= limit
        return near

    @staticmethod
    def _store_best(pairs: Sequence[tuple[Tour, int]], price: Floats) -> None:
        """Keep the best place of each pair."""
        position = price.argmin(axis=1)
        best = price[np.arange(len(price)), position]
        for (tour, client), value, at in zip(pairs, best.tolist(), position.tolist(), strict=True):
            tour.places[client] = (value - tour.rough_price, at) if value < np.inf else None

    def with_client(self, tour: Tour, client: int, place: InsertionPlace) -> Tour:
        """Return a tour with a client put in at a place that was found."""
        more, position = place
        longer = self.tour(tour.kind, (*tour.clients[:position], client, *tour.clients[position:]))
        if math.isnan(longer.rough_price):
            longer.rough_price = tour.rough_price + more
        return longer

    def without_clients(self, tour: Tour, clients: set[int]) -> Tour:
        """Return a tour without some clients; it may not be scored yet."""
        return self.tour(tour.kind, tuple(client for client in tour.clients if client not in clients))


_TEMPLATES: dict[int, Ints] = {}


def _inserting(length: int) -> Ints:
    """Return how depot, clients, depot and a new client are put in a row, for each position of the new one."""
    if length not in _TEMPLATES:
        rows = [
            [*range(position + 1), length + 2, *range(position + 1, length + 2)]
            for position in range(length + 1)
        ]
        _TEMPLATES[length] = np.array(rows, dtype=np.intp)
    return _TEMPLATES[length]
