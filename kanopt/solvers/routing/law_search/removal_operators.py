"""Which clients to take out of a plan, so that putting them back may make a better one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.compiled_problem import CompiledProblem
from kanopt.solvers.routing.law_search.solution import TourSolution

__all__ = ["RemovalOperators"]

Floats = NDArray[np.float64]

_MEAN = 7  # clients taken out by strings, on average
_LONGEST = 10
_SPLIT, _DEEPER = 0.5, 0.01
_PICK = 4.0


class RemovalOperators:
    """Ways to choose clients, all random.

    Parameters
    ----------
    tables
        The problem.
    rng
        Draws.

    Notes
    -----
    Random, worst and related removal are those of Ropke and Pisinger (2006, "An adaptive large neighborhood search
    heuristic for the pickup and delivery problem with time windows", Transportation Science 40(4), 455–472); related
    removal is Shaw's (1998); strings are those of Christiaens and Vanden Berghe (2020, "Slack induction by string
    removals for vehicle routing problems", Transportation Science 54(2), 417–433).
    """

    def __init__(self, tables: CompiledProblem, rng: np.random.Generator) -> None:
        self.tables = tables
        self.rng = rng

    @property
    def by_name(self) -> dict[str, Callable[[TourSolution], set[int]]]:
        """The operators by name."""
        return {
            "strings": self.strings,
            "related": self.related,
            "random": self.random,
            "worst": self.worst,
            "tour": self.whole_tour,
        }

    @cached_property
    def relatedness(self) -> Floats:
        """How far apart two nodes are in price, time and window; (nodes, nodes)."""
        tables = self.tables
        shape = (tables.kinds, tables.size, tables.size)
        price = np.min(tables.price.reshape(shape), axis=0)
        travel = np.min(tables.fastest.reshape(shape), axis=0)
        service = tables.service.reshape(tables.kinds, tables.size).min(axis=0)
        with np.errstate(invalid="ignore"):
            # time lost between the windows when one is served right after the other, at the least
            ready = tables.earliest[:, None] + service[:, None] + travel
            close = np.where(np.isfinite(tables.latest), tables.latest, np.inf)
            wait = np.fmax(tables.earliest[None, :] - (close[:, None] + service[:, None] + travel), 0.0)
            late = np.where(ready > tables.closes[None, :], np.inf, 0.0)
        apart: Floats = (
            _scaled(price) + _scaled(travel) + np.nan_to_num(wait / _typical(travel), nan=0.0) + late
        )
        apart = np.minimum(apart, apart.T)
        np.fill_diagonal(apart, 0.0)
        return apart

    @cached_property
    def neighbours(self) -> list[list[int]]:
        """For each node the clients, nearest first, itself among them."""
        clients = np.array(self.tables.clients)
        order = np.argsort(self.relatedness[:, clients], axis=1, kind="stable")
        return [clients[row].tolist() for row in order]

    def _removal_count(self, served: int) -> int:
        """Draw how many clients to take out."""
        most = max(2, min(2 * _MEAN, round(0.4 * served)))
        return min(served, int(self.rng.integers(1, most + 1)))

    def random(self, solution: TourSolution) -> set[int]:
        """Any clients."""
        served = [client for tour in solution.tours for client in tour.clients]
        return set(self.rng.choice(served, self._removal_count(len(served)), replace=False).tolist())

    def related(self, solution: TourSolution) -> set[int]:
        """Clients near to one of them, each near to one taken before."""
        served = {client for tour in solution.tours for client in tour.clients}
        amount = self._removal_count(len(served))
        taken = [int(self.rng.choice(sorted(served)))]
        while len(taken) < amount:
            seed = taken[int(self.rng.integers(len(taken)))]
            near = [client for client in self.neighbours[seed] if client in served and client not in taken]
            taken.append(near[int(self.rng.random() ** _PICK * len(near))])
        return set(taken)

    def worst(self, solution: TourSolution) -> set[int]:
        """Clients that lie far out of the way of their tour."""
        tables = self.tables
        detours: list[tuple[float, int]] = []
        for tour in solution.tours:
            home = int(tables.home[tour.kind])
            base = tour.kind * tables.size
            stops = (home, *tour.clients, home)
            for before, client, after in zip(stops, stops[1:], stops[2:], strict=False):
                legs = [
                    (base + a) * tables.size + b
                    for a, b in ((before, client), (client, after), (before, after))
                ]
                there, on, past = (self._length[leg] for leg in legs)
                detours.append((float(past - there - on), client))
        detours.sort()
        taken: set[int] = set()
        for _ in range(self._removal_count(len(detours))):
            taken.add(detours.pop(int(self.rng.random() ** _PICK * len(detours)))[1])
        return taken

    @cached_property
    def _length(self) -> Floats:
        """What an arc costs at the least, time included."""
        tables = self.tables
        rate = np.repeat(tables.cost_per_time, tables.size**2)
        length = np.where(np.isfinite(tables.fastest), rate * tables.fastest, 0.0)
        length = length + np.where(np.isfinite(tables.price), tables.price, 0.0)
        if tables.per_load is not None:
            length = length + tables.per_load * float(tables.demand.max()) / 2
        if not length.any():
            length = np.where(np.isfinite(tables.fastest), tables.fastest, 0.0)
        return length

    def whole_tour(self, solution: TourSolution) -> set[int]:
        """All clients of a tour, short ones more often."""
        weights = np.array([1.0 / len(tour.clients) for tour in solution.tours])
        place = int(self.rng.choice(len(weights), p=weights / weights.sum()))
        taken = set(solution.tours[place].clients)
        return taken if len(taken) <= 3 * _MEAN else set(list(solution.tours[place].clients)[: 3 * _MEAN])

    def strings(self, solution: TourSolution) -> set[int]:
        """Strings of clients that follow each other, from tours near to each other."""
        home = {client: tour for tour in solution.tours for client in tour.clients}
        mean_length = len(home) / len(solution.tours)
        longest = min(_LONGEST, mean_length)
        most = 4 * _MEAN / (1 + longest) - 1
        count = int(self.rng.uniform(1, most + 1))
        clients = sorted(home)
        seed = clients[int(self.rng.integers(len(clients)))]
        taken: set[int] = set()
        ruined: set[int] = set()
        for client in self.neighbours[seed]:
            tour = home.get(client)
            if tour is None or id(tour) in ruined:
                continue
            length = int(self.rng.uniform(1, min(len(tour.clients), longest) + 1))
            taken |= self._string(tour.clients, tour.clients.index(client), length)
            ruined.add(id(tour))
            if len(ruined) >= count:
                break
        return taken

    def _string(self, clients: tuple[int, ...], at: int, length: int) -> set[int]:
        """Return some clients in a row, one of them given; sometimes with a gap of clients that stay."""
        gap = 0
        if 1 < length < len(clients) and self.rng.random() < _SPLIT:
            gap = 1
            while length + gap < len(clients) and self.rng.random() < _DEEPER:
                gap += 1
        whole = length + gap
        first = int(self.rng.integers(max(0, at - whole + 1), min(at, len(clients) - whole) + 1))
        string = list(clients[first : first + whole])
        if gap:
            begin = int(self.rng.integers(length + 1))
            del string[begin : begin + gap]
        return set(string)


def _typical(values: Floats) -> float:
    finite = values[np.isfinite(values) & (values > 0)]
    return float(np.median(finite)) if finite.size else 1.0


def _scaled(values: Floats) -> Floats:
    return values / _typical(values)
