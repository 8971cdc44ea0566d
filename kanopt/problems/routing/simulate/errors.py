"""By how much the legs and services of routes take longer or shorter than the laws say."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.problems.law_errors import LawErrors
from kanopt.problems.routing.data import Ints


@dataclass(frozen=True, eq=False)
class DrivingErrors:
    """Errors of travel times and of service times; None where they are as the laws say."""

    travel: LawErrors | None = None
    service: LawErrors | None = None

    def select(self, routes: Ints) -> DrivingErrors:
        """Return those of some routes, each as often as it is named."""
        travel, service = (
            None if each is None else each.select(routes) for each in (self.travel, self.service)
        )
        return DrivingErrors(travel, service)
