"""Goods that are ready only at a time of the day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.plans.coverage import RuleWords
from kanopt.routing.rules.capacity import trips_of
from kanopt.routing.rules.rule import Drive, DrivenPlan, Limit, LoneTrip, Measure
from kanopt.routing.service_times import RoutingData
from kanopt.text import amount_text, clock_text


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
    even_alone = True

    def too_late(self, data: RoutingData) -> Iterator[tuple[str, str]]:
        """Yield clients whose goods are ready only when their last window has closed, whatever the laws say."""
        unit = data.units.time
        for client, windows in zip(data.clients, data.windows, strict=True):
            closes = windows[-1][1]
            if client.release_time > closes and client.unit_lateness_cost is None:
                yield (
                    client.name,
                    f"client {client.name}: its goods are ready at {clock_text(client.release_time, unit)}, after its "
                    f"last window closes at {clock_text(closes, unit)}",
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


def ready_earlier(trip: LoneTrip) -> str:
    """Say how much earlier the goods of a client must be ready, where that would do."""
    data, place = trip.data, trip.place
    source = data.source[place]
    several = source >= 0 and len(data.windows[source - len(data.depots)]) > 1
    if several or data.service_times.plan_inputs:
        # by how much depends on the window in which they are loaded, or on how long that and service take then
        return ", or its goods ready earlier"
    begins_by = trip.vehicle.shift_end - (trip.stay + trip.back)
    windows = data.windows[place - len(data.depots)]
    arrivals = [min(closes, begins_by) for opens, closes in windows if opens <= begins_by]
    if data.has_soft_window[place] and begins_by > windows[-1][1]:
        arrivals.append(begins_by)
    if not arrivals:
        return ""
    return f", or its goods ready {amount_text(trip.arrive - max(arrivals), data.units.time)} earlier"
