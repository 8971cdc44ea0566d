"""Putting clients back into tours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kanopt.solvers.exact.plans import Draft
from kanopt.solvers.exact.tables import Tables
from kanopt.solvers.exact.tours import Place, Tour, TourBook

__all__ = ["Insertions"]

_BLINK = 0.02
_NOISE = 0.02


class Insertions:
    """Ways to put clients into tours, each at its best place in turn.

    Parameters
    ----------
    book
        Scores tours and places.
    worth
        Price of leaving a client out that must be served.
    rng
        Draws.

    Notes
    -----
    Greedy insertion in some order that now and then overlooks a place ("blinks") is that of Christiaens and Vanden
    Berghe (2020, "Slack induction by string removals for vehicle routing problems", Transportation Science 54(2),
    417–433); regret insertion that of Potvin and Rousseau (1993), as in Ropke and Pisinger (2006).
    """

    def __init__(self, book: TourBook, worth: float, rng: np.random.Generator) -> None:
        self.book = book
        self.tables: Tables = book.tables
        self.worth = worth
        self.rng = rng
        tables = self.tables
        distance = np.min(tables.price.reshape(tables.kinds, tables.size, tables.size), axis=0)
        if not distance.any():
            distance = np.min(tables.fastest.reshape(tables.kinds, tables.size, tables.size), axis=0)
        self._far = distance[: tables.depots].min(axis=0)

    @property
    def named(self) -> dict[str, Callable[[Draft, set[int]], tuple[list[Tour], set[int]]]]:
        """The ways by name; each returns the tours, not all scored, and the clients left out."""
        return {
            "greedy": self.greedy,
            "regret 2": lambda draft, taken: self.regret(draft, taken, 2),
            "regret 3": lambda draft, taken: self.regret(draft, taken, 3),
        }

    def greedy(self, draft: Draft, taken: set[int]) -> tuple[list[Tour], set[int]]:
        """Put one client after the other in, in a random order, or by demand, distance or window."""
        work = _Work(self, draft, taken)
        order = self._order(work.bank)
        for place, client in enumerate(order):
            work.look(order[place:])
            options = work.options(client)
            chosen = next((option for option in options if self.rng.random() > _BLINK), None)
            if chosen is not None and chosen[0] < self._worth(client):
                work.put(client, chosen)
        return work.done()

    def regret(self, draft: Draft, taken: set[int], degree: int) -> tuple[list[Tour], set[int]]:
        """Put in first the client that would lose most if it had to take a later choice of tour."""
        work = _Work(self, draft, taken)
        left = sorted(work.bank)
        while left:
            work.look(left)
            best: tuple[float, float, int, Option] | None = None
            kept = []
            for client in left:
                options = work.options(client)
                if not options or options[0][0] >= self._worth(client):
                    continue
                kept.append(client)
                worth = self._worth(client)
                later = [min(option[0], worth) for option in options[1:degree]]
                later += [worth] * (degree - 1 - len(later))
                regret = sum(later) - (degree - 1) * options[0][0]
                regret *= 1.0 + _NOISE * self.rng.random()
                if best is None or (-regret, options[0][0]) < best[:2]:
                    best = (-regret, options[0][0], client, options[0])
            if best is None:
                break
            work.put(best[2], best[3])
            kept.remove(best[2])
            left = kept
        return work.done()

    def _worth(self, client: int) -> float:
        return self.worth if self.tables.mandatory[client] else float(self.tables.prize[client])

    def _order(self, clients: set[int]) -> list[int]:
        """Return the clients in an order drawn from several."""
        some = np.array(sorted(clients), dtype=np.intp)
        tables = self.tables
        keys = (
            self.rng.random(len(some)),
            -tables.demand[some],
            -self._far[some],
            self._far[some],
            tables.latest[some] - tables.earliest[some],
        )
        choice = int(self.rng.choice(len(keys), p=_ORDERS))
        found: list[int] = some[np.argsort(keys[choice], kind="stable")].tolist()
        return found


_ORDERS = (0.35, 0.25, 0.15, 0.1, 0.15)
Option = tuple[float, Tour, Place]
"""What it costs more, the tour, and the place in it."""


class _Work:
    """A plan that is being put together."""

    def __init__(self, ways: Insertions, draft: Draft, taken: set[int]) -> None:
        self.book = ways.book
        self.tables = ways.tables
        cut = [tour for tour in draft.tours if not taken.isdisjoint(tour.way)]
        shorter = [self.book.without(tour, taken) for tour in cut]
        self.book.score(shorter, rough=True)
        self.bank = taken | draft.left
        self.tours = [tour for tour in draft.tours if taken.isdisjoint(tour.way)]
        for tour in shorter:
            if not tour.rough < np.inf:
                # without a triangle inequality a tour may break a limit because it lost a client
                self.bank |= set(tour.way)
            elif tour.way:
                self.tours.append(tour)
        self.free = draft.free()
        for before in draft.tours:
            self.free[before.kind] += 1
        for tour in self.tours:
            self.free[tour.kind] -= 1

    def _open(self) -> list[Tour]:
        """Return the tours, and an empty one for each vehicle type with a vehicle to spare."""
        return [*self.tours, *(self.book.tour(kind, ()) for kind, free in enumerate(self.free) if free > 0)]

    def look(self, clients: Sequence[int]) -> None:
        """Find the places of clients in all tours."""
        self.book.find_places((tour, client) for tour in self._open() for client in clients)

    def options(self, client: int) -> list[Option]:
        """Return the best place in each tour, best first."""
        found = [
            (places[0][0], number, tour, places[0])
            for number, tour in enumerate(self._open())
            if (places := tour.places[client])
        ]
        found.sort(key=lambda option: option[:2])
        return [(more, tour, place) for more, _, tour, place in found]

    def put(self, client: int, option: Option) -> None:
        """Put a client in."""
        _, tour, place = option
        longer = self.book.with_client(tour, client, place)
        if tour.way:
            self.tours.remove(tour)
        else:
            self.free[tour.kind] -= 1
        self.tours.append(longer)
        self.bank.discard(client)

    def done(self) -> tuple[list[Tour], set[int]]:
        return self.tours, self.bank
