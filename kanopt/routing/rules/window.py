"""Windows of clients, hard ones and those that may be missed at a price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.routing.arrays import RoutingData, parse_windows
from kanopt.routing.rules.rule import (
    Drive,
    DrivenPlan,
    Given,
    LegPrice,
    Limit,
    Measure,
    Rule,
    early_ends,
    unreadable,
)
from kanopt.text import clock_text, list_names


class Window(Limit):
    """Service begins before the last window closes, unless that is allowed at a price."""

    name = "time window"
    what = "time windows"
    words = RuleWords(
        "client is served after its window closes", "clients are served after their windows close"
    )
    fields = ("clients.earliest", "clients.latest", "clients.windows")
    tables = ("clients",)
    kind = "time"
    mend = "the window of {where} {by} later"
    bottleneck = "no vehicle reaches them before their windows close"
    limit_text = "the windows"

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield windows that are given twice, close before they open, or cannot be read."""
        both = tuple(c.name for c in given.clients if c.windows and (c.earliest, c.latest) != (0.0, np.inf))
        if both:
            yield Fault("clients", "give either windows, or earliest and latest", both)
        what = "the window closes before it opens"
        yield from early_ends("clients", given.clients, ("earliest", "latest"), what, given.units.time)
        yield from unreadable(
            "clients", "windows", given.clients, lambda text: parse_windows(text, given.units.time)
        )

    def remarks(self, data: RoutingData) -> Iterator[str]:
        """Yield windows that close before any shift starts, as windows written in hours do."""
        unit = data.units.time
        starts = [vehicle.shift_start for vehicle in data.vehicles if vehicle.num_available > 0]
        first = min(starts, default=-np.inf)
        early = [
            (client.name, windows[-1][1])
            for client, windows in zip(data.clients, data.windows, strict=True)
            if windows[-1][1] < first and client.unit_lateness_cost is None
        ]
        if early:
            name, closes = early[0]
            yield (
                f"clients {list_names([each for each, _ in early])}: the last window closes before any shift starts "
                f"at {clock_text(first, unit)}, that of {name!r} at {clock_text(closes, unit)}; times are counted in "
                f"{unit} from midnight"
            )

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield when service begins, and when the last window closes."""
        late = " reaches client {what} at {value}, {over} after its window closes at {limit}"
        due, unit = data.due[driven.head], data.units.time
        how: Any = {"clock": True, "what": self._client, "of_client": True}
        yield Measure(driven.route, driven.begin, due, unit, late, **how)

    @staticmethod
    def _client(case: DrivenPlan, leg: int) -> str:
        name: str = case.data.names[case.driven.head[leg]]
        return name


class SeveralWindows(Rule):
    """A client may be served in each of several windows; service waits for the next one."""

    name = "several windows"
    what = "several time windows"
    fields = ("clients.windows",)

    def stated(self, data: RoutingData) -> bool:
        """Say whether any client has more than one."""
        return len(data.opens) > 1


class SoftWindow(LegPrice):
    """Service may begin late at clients that say what that costs."""

    name = "soft window"
    what = "service that is late at a price"
    fields = ("clients.unit_lateness_cost",)
    term = "lateness"

    def stated(self, data: RoutingData) -> bool:
        """Say whether any client has a price of lateness that is more than nothing."""
        return self.is_paid(data)

    def rates(self, data: RoutingData) -> Floats:
        """Return the price of lateness at each node."""
        return data.lateness_rate

    def amounts(self, data: RoutingData, driven: Drive) -> Floats:
        """Return the price of lateness at the head of each leg."""
        return np.asarray(data.lateness_rate[driven.head] * driven.late)
