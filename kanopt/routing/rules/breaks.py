"""Breaks of drivers in windows of the day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.routing.arrays import RoutingData, parse_breaks
from kanopt.routing.rules.rule import Drive, DrivenPlan, Given, Limit, Measure, unreadable


class Breaks(Limit):
    """No break is missed; where each is taken is chosen as the route is driven (``simulate/drive.py``)."""

    name = "break"
    what = "driver breaks"
    words = RuleWords("vehicle has no time for its breaks", "vehicles have no time for their breaks")
    fields = ("vehicles.breaks",)
    tables = ("vehicles",)
    mend = "{by} of its breaks left out"

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield breaks that cannot be read."""
        return unreadable(
            "vehicles", "breaks", given.vehicles, lambda text: parse_breaks(text, given.units.time)
        )

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield how many breaks are missed on routes that come to their end."""
        missed = np.where(np.isfinite(driven.finish), driven.breaks_missed, 0.0)
        lost = ": {value} of the driver's {what} breaks cannot be taken when they must be"
        yield Measure(np.arange(len(missed)), missed, np.zeros(len(missed)), "", lost, what=self._breaks)

    @staticmethod
    def _breaks(case: DrivenPlan, place: int) -> int:
        return len(case.data.breaks[case.driven.kind[place]])
