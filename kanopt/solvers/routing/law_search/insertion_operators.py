"""Putting clients back into tours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.compiled_problem import CompiledProblem
from kanopt.solvers.routing.law_search.solution import TourSolution
from kanopt.solvers.routing.law_search.tour_cache import Tour, TourCache

__all__ = ["InsertionOperators"]

Floats = NDArray[np.float64]

_BLINK = 0.02
_NOISE, _TIE = 0.02, 1e-6


class InsertionOperators:
    """Ways to put clients into tours, each at its best place in turn.

    Parameters
    ----------
    cache
        Scores tours and places.
    mandatory_penalty
        Price of leaving a client out that must be served.
    rng
        Draws.

    Notes
    -----
    Greedy insertion in some order that now and then overlooks a place ("blinks") is that of Christiaens and Vanden
    Berghe (2020, "Slack induction by string removals for vehicle routing problems", Transportation Science 54(2),
    417–433); regret insertion that of Potvin and Rousseau (1993), as in Ropke and Pisinger (2006).
    """

    def __init__(self, cache: TourCache, mandatory_penalty: float, rng: np.random.Generator) -> None:
        self.cache = cache
        self.tables: CompiledProblem = cache.tables
        self.mandatory_penalty = mandatory_penalty
        self.rng = rng
        tables = self.tables
        distance = np.min(tables.price.reshape(tables.kinds, tables.size, tables.size), axis=0)
        if not distance.any():
            distance = np.min(tables.fastest.reshape(tables.kinds, tables.size, tables.size), axis=0)
        self._far = distance[: tables.depots].min(axis=0)

    @property
    def by_name(self) -> dict[str, Callable[[TourSolution, set[int]], tuple[list[Tour], set[int]]]]:
        """The operators by name; each returns the tours, not all scored, and the clients left out."""
        return {
            "greedy": self.greedy,
            "regret 2": lambda solution, taken: self.regret(solution, taken, 2),
            "regret 3": lambda solution, taken: self.regret(solution, taken, 3),
        }

    def greedy(self, solution: TourSolution, taken: set[int]) -> tuple[list[Tour], set[int]]:
        """Put one client after the other in, in a random order, or by demand, distance or window."""
        work = _PartialPlan(self.cache, solution, taken)
        order = self._order(work.unserved)
        more = work.insertion_costs(order)
        for row, client in enumerate(order if work.columns else ()):
            blinked = np.where(self.rng.random(work.columns) < _BLINK, np.inf, more[row, : work.columns])
            column = int(blinked.argmin())
            if blinked[column] < self._unserved_penalty(client):
                work.insert(row, column)
        return work.done()

    def regret(self, solution: TourSolution, taken: set[int], degree: int) -> tuple[list[Tour], set[int]]:
        """Put in first the client that would lose most if it had to take a later choice of tour."""
        work = _PartialPlan(self.cache, solution, taken)
        order = sorted(work.unserved)
        more = work.insertion_costs(order)
        worth = np.array([self._unserved_penalty(client) for client in order])
        left = np.full(len(order), work.columns > 0)
        while left.any():
            now = np.minimum(more[:, : work.columns], worth[:, None])
            first = now.min(axis=1)
            some = min(degree, now.shape[1])
            later = np.partition(now, some - 1, axis=1)[:, :some].sum(axis=1) + (degree - some) * worth
            regret = (later - degree * first) * (1.0 + _NOISE * self.rng.random(len(order)))
            # of clients without a choice the one that costs least
            rank = np.where(left & (first < worth), regret - _TIE * first, -np.inf)
            row = int(rank.argmax())
            if rank[row] == -np.inf:
                break
            work.insert(row, int(more[row, : work.columns].argmin()))
            left[row] = False
        return work.done()

    def _unserved_penalty(self, client: int) -> float:
        return self.mandatory_penalty if self.tables.mandatory[client] else float(self.tables.prize[client])

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


class _PartialPlan:
    """A plan that is being put together: clients in rows, tours in columns, and what each would cost in each."""

    def __init__(self, cache: TourCache, solution: TourSolution, taken: set[int]) -> None:
        self.cache = cache
        cut = [tour for tour in solution.tours if not taken.isdisjoint(tour.clients)]
        shorter = [cache.without_clients(tour, taken) for tour in cut]
        cache.score(shorter, rough=True)
        self.unserved = taken | solution.unserved
        self.tours = [tour for tour in solution.tours if taken.isdisjoint(tour.clients)]
        for tour in shorter:
            if not tour.rough_price < np.inf:
                # without a triangle inequality a tour may break a limit because it lost a client
                self.unserved |= set(tour.clients)
            elif tour.clients:
                self.tours.append(tour)
        used = Counter(tour.kind for tour in self.tours)
        self._free = [int(count) - used[kind] for kind, count in enumerate(cache.tables.count)]
        # an empty tour for each vehicle type with a vehicle to spare
        self.tours += [cache.tour(kind, ()) for kind, free in enumerate(self._free) if free > 0]

    @property
    def columns(self) -> int:
        """How many tours there are to choose from."""
        return len(self.tours)

    def insertion_costs(self, clients: Sequence[int]) -> Floats:
        """Return what each client would cost more in each tour; kept up to date, with room for further tours."""
        self._clients = list(clients)
        self._left = dict(enumerate(self._clients))
        self._costs = np.full((len(clients), self.columns + len(clients)), np.inf)
        self.cache.find_places((tour, client) for tour in self.tours for client in clients)
        for column in range(self.columns):
            self._price(column)
        return self._costs

    def _price(self, column: int) -> None:
        places = self.tours[column].places
        for row, client in self._left.items():
            place = places[client]
            self._costs[row, column] = np.inf if place is None else place[0]

    def insert(self, row: int, column: int) -> None:
        """Put the client of a row into the tour of a column."""
        client, tour = self._left.pop(row), self.tours[column]
        place = tour.places[client]
        assert place is not None
        longer = self.cache.with_client(tour, client, place)
        self.unserved.discard(client)
        if tour.clients:
            self.tours[column] = longer
        else:
            self._free[tour.kind] -= 1
            if not self._free[tour.kind]:
                self._costs[:, column] = np.inf
            column = self.columns
            self.tours.append(longer)
        self.cache.find_places((longer, other) for other in self._left.values())
        self._price(column)

    def done(self) -> tuple[list[Tour], set[int]]:
        """Return the tours with clients, and the clients left out."""
        return [tour for tour in self.tours if tour.clients], self.unserved
