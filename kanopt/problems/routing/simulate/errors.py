"""By how much the legs and services of routes take longer or shorter than the laws say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from kanopt.problems.routing.data import Floats, Ints


class TimeErrors(Protocol):
    """By how much times of legs, or of services at their heads, differ from what the laws say."""

    def select(self, routes: Ints) -> Self:
        """Return those of some routes, each as often as it is named."""

    def apply(self, leg: int, times: Floats) -> Floats:
        """Return how long one leg of each route takes, given what the law says; (routes,)."""


@dataclass(frozen=True, eq=False)
class DrivingErrors:
    """Errors of travel times and of service times; None where they are as the laws say."""

    travel: TimeErrors | None = None
    service: TimeErrors | None = None

    def select(self, routes: Ints) -> DrivingErrors:
        """Return those of some routes, each as often as it is named."""
        travel, service = (
            None if each is None else each.select(routes) for each in (self.travel, self.service)
        )
        return DrivingErrors(travel, service)
