"""Goods that are ready only at a time of the day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.plans.coverage import RuleWords
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.capacity import trips_of
from kanopt.routing.rules.rule import Drive, DrivenPlan, Limit, Measure
from kanopt.text import clock_text


class Release(Limit):
    """A route leaves no sooner than the goods of its first trip are ready; those of later trips are waited for."""

    name = "release"
    what = "release times"
    words = RuleWords(
        "vehicle leaves before its goods are ready", "vehicles leave before their goods are ready"
    )
    fields = ("clients.release_time",)
    by_time = False
    bottleneck = "their goods are ready too late"

    def too_late(self, data: RoutingData) -> Iterator[str]:
        """Tell of clients whose goods are ready only when their last window has closed, whatever the laws say."""
        unit = data.units.time
        for client, windows in zip(data.clients, data.windows, strict=True):
            closes = windows[-1][1]
            if client.release_time > closes and client.unit_lateness_cost is None:
                yield (
                    f"client {client.name}: its goods are ready at {clock_text(client.release_time, unit)}, after its "
                    f"last window closes at {clock_text(closes, unit)}"
                )

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield when the goods of each first trip are ready, and when that leaves."""
        ready = np.full(len(driven.finish), -np.inf)
        if data.has_releases:
            first = np.ones(len(driven.route), dtype=bool)
            first[1:] = driven.route[1:] != driven.route[:-1]
            leg = np.arange(len(first))
            begins = np.maximum.accumulate(np.where(first, leg, 0))
            again = np.cumsum((driven.tail < len(data.depots)) & ~first)
            of_first = again == again[begins]
            np.maximum.at(ready, driven.route[of_first], data.ready_at_depot[driven.head[of_first]])
        routes = np.arange(len(ready))
        early = " leaves at {limit}, {over} before what client {what} receives is ready at {value}"
        yield Measure(routes, ready, driven.departure, data.units.time, early, clock=True, what=self._last)

    @staticmethod
    def _last(case: DrivenPlan, place: int) -> str:
        first, data = trips_of(case.plan.routes[place])[0], case.data
        return data.names[max((data.index[name] for name in first), key=data.ready_at_depot.__getitem__)]


RELEASE = Release()
