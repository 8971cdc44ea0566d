"""What a search moves through: tours, and clients left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from kanopt.solvers.routing.law_search.compiled_problem import CompiledProblem
from kanopt.solvers.routing.law_search.tour_cache import Tour

__all__ = ["TourSolution"]


@dataclass(frozen=True, eq=False)
class TourSolution:
    """A plan without names.

    Parameters
    ----------
    tables
        The problem.
    tours
        The tours with clients, scored.
    unserved
        Clients on no tour.
    """

    tables: CompiledProblem
    tours: tuple[Tour, ...]
    unserved: frozenset[int]

    @cached_property
    def mandatory_unserved(self) -> int:
        """How many clients are left out that must be served."""
        return sum(bool(self.tables.mandatory[client]) for client in self.unserved)

    @cached_property
    def price(self) -> float:
        """Of all tours, and prizes missed."""
        return sum(tour.price for tour in self.tours) + float(
            sum(self.tables.prize[client] for client in self.unserved)
        )

    @property
    def rank(self) -> tuple[int, float]:
        """How good it is, the smaller the better: clients left out that must be served, then the price."""
        return self.mandatory_unserved, self.price

    def penalised_price(self, worth: float) -> float:
        """Return the price with so much for each client left out that must be served."""
        return self.price + worth * self.mandatory_unserved

    def unused_vehicles(self) -> list[int]:
        """Return how many vehicles of each type are not used."""
        used = Counter(tour.kind for tour in self.tours)
        return [int(count) - used[kind] for kind, count in enumerate(self.tables.count)]
