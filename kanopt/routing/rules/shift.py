"""Shifts of vehicles, within which routes begin and end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.routing.rules.release import RELEASE, ready_earlier
from kanopt.routing.rules.rule import (
    Drive,
    DrivenPlan,
    Given,
    Limit,
    LoneTrip,
    Measure,
    Obstacle,
    early_ends,
    exceeds,
)
from kanopt.routing.service_times import RoutingData
from kanopt.text import amount_text, clock_text


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
    even_alone = True
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

    def obstacles(self, trip: LoneTrip) -> Iterator[Obstacle]:
        """Compare the earliest end with the shift."""
        unit, vehicle = trip.data.units.time, trip.vehicle
        if not trip.reached or not exceeds(trip.ends, vehicle.shift_end):
            return
        over = trip.ends - vehicle.shift_end
        done = "is back from it" if vehicle.returns else "is done with it"
        message = (
            f"{vehicle.name}{trip.waits} {done} at {clock_text(trip.ends, unit)} at the earliest, "
            f"{amount_text(over, unit)} after its shift ends at {clock_text(vehicle.shift_end, unit)}"
        )
        delayed = trip.delay >= over
        relaxation = longer_shift(trip, over) + (ready_earlier(trip) if delayed else "")
        blamed = RELEASE if delayed else self
        yield blamed.obstacle(trip, over, message, relaxation, proved=trip.exact)


def longer_shift(trip: LoneTrip, over: float) -> str:
    """Name a shift that is longer by some time."""
    return f"the shift of {trip.vehicle.name} {amount_text(over, trip.data.units.time)} longer"
