"""Routes under way: what of them is fixed when the rest is planned anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanopt.problems.routing.plan import Route


@dataclass(frozen=True)
class StartedRoute:
    """A route that is under way.

    Parameters
    ----------
    route
        The route.
    kept
        Its first stops, which stay as they are.
    goes_home
        Whether it is on its way to a depot behind these, so that nothing but that depot may follow.
    aboard
        Clients whose goods are on board: those of the trip that the vehicle is on, of which more cannot be loaded.
    """

    route: Route
    kept: tuple[str, ...]
    goes_home: bool
    aboard: frozenset[str]

    @property
    def vehicle(self) -> tuple[str, int]:
        """Vehicle type and number."""
        return self.route.vehicle, self.route.index

    @property
    def bound(self) -> frozenset[str]:
        """Clients that stay on the vehicle."""
        return self.aboard | (frozenset(self.kept) - {self.route.depot})

    @property
    def trip(self) -> int:
        """How many reloads are behind the vehicle."""
        return self.kept.count(self.route.depot)


def trip_after(stops: Sequence[str], place: int, depot: str) -> tuple[str, ...]:
    """Return the stops from a place up to the next visit of the depot.

    Examples
    --------
    >>> trip_after(("a", "b", "yard", "c"), 1, "yard")
    ('b',)
    """
    rest = tuple(stops[place:])
    return rest[: rest.index(depot)] if depot in rest else rest
