"""What a search moves through: tours, and clients left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from kanopt.solvers.routing.law_search.compiled_problem import Tables
from kanopt.solvers.routing.law_search.tour_cache import Tour

__all__ = ["Draft"]


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan without names.

    Parameters
    ----------
    tables
        The problem.
    tours
        The tours with clients, scored.
    left
        Clients on no tour.
    """

    tables: Tables
    tours: tuple[Tour, ...]
    left: frozenset[int]

    @cached_property
    def missing(self) -> int:
        """How many clients are left out that must be served."""
        return sum(bool(self.tables.mandatory[client]) for client in self.left)

    @cached_property
    def price(self) -> float:
        """Of all tours, and prizes missed."""
        return sum(tour.price for tour in self.tours) + float(
            sum(self.tables.prize[client] for client in self.left)
        )

    @property
    def rank(self) -> tuple[int, float]:
        """How good it is, the smaller the better: clients left out that must be served, then the price."""
        return self.missing, self.price

    def value(self, worth: float) -> float:
        """Return the price with so much for each client left out that must be served."""
        return self.price + worth * self.missing

    def free(self) -> list[int]:
        """Return how many vehicles of each type are not used."""
        used = Counter(tour.kind for tour in self.tours)
        return [int(count) - used[kind] for kind, count in enumerate(self.tables.count)]
