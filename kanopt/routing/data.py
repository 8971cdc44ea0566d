"""The data of a routing problem: its arrays, and how long stops take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kanopt.routing.arrays import RoutingArrays
from kanopt.routing.service_times import ServiceTimes


@dataclass(frozen=True, eq=False)
class RoutingData(RoutingArrays):
    """What a routing problem consists of, as arrays over depots, then clients; as :class:`RoutingArrays`."""

    @cached_property
    def service_times(self) -> ServiceTimes:
        """How long stops take."""
        return ServiceTimes(self)
