"""Shifts of vehicles, within which routes begin and end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.rule import Drive, DrivenPlan, Given, Limit, Measure, early_ends


class Shift(Limit):
    """A route leaves no sooner than the shift starts, and ends before that ends."""

    name = "shift"
    what = "shifts"
    words = RuleWords("vehicle drives outside its shift", "vehicles drive outside their shifts")
    fields = ("vehicles.shift_start", "vehicles.shift_end")
    tables = ("vehicles",)
    kind = "time"
    mend = "its shift {by} longer"
    bottleneck = "no vehicle is done with them before its shift ends"
    limit_text = "its shift"

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield shifts that end before they start."""
        ends, what = ("shift_start", "shift_end"), "the shift ends before it starts"
        return early_ends("vehicles", given.vehicles, ends, what, given.units.time)

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield when shifts start and routes leave, and when routes end and shifts do."""
        routes, unit = np.arange(len(driven.finish)), data.units.time
        start, end = (data.of_vehicles(name)[driven.kind] for name in ("shift_start", "shift_end"))
        early = " leaves at {limit}, {over} before its shift starts at {value}"
        yield Measure(routes, start, driven.departure, unit, early, clock=True)
        late = " {what} at {value}, {over} after its shift ends at {limit}"
        yield Measure(routes, driven.finish, end, unit, late, clock=True, what=self._ends)

    @staticmethod
    def _ends(case: DrivenPlan, place: int) -> str:
        return "returns" if case.vehicle(place).returns else "is done"
