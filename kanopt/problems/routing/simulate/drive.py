"""Driving a plan forward: loads, departures, waits and arrivals on the law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.leg_laws import LegInputs, RoutingLaws
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.service_times import StopInputs
from kanopt.problems.routing.simulate.departures import choose_departures
from kanopt.problems.routing.simulate.forward import LegTimes, drive_forward
from kanopt.problems.routing.simulate.legs import PaddedRoutes, pad_routes


@dataclass(frozen=True, eq=False)
class Drive:
    """Routes driven forward. Arrays over legs, in the order of routes and stops, then arrays over routes.

    Parameters
    ----------
    route, vehicle, tail, head
        Route, vehicle type, start and end of each leg, as positions.
    loads
        On board during each leg in every measure, the load first; (measures, legs).
    leave, duration, arrive, begin
        Clock times and travel time of each leg; service at its head begins at `begin`, after waiting for the window. A
        break on the way is part of neither: one arrives later by it.
    late, stay, ready
        By how much service at the head of each leg begins after its last window, how long it takes, and when it may
        begin as far as goods must be ready.
    departure, finish
        Clock times at which each route leaves and returns, or ends its last service where it need not return.
    ends_with
        On board of each route when it returns, or at the end of its last service, in every measure; (measures, routes).
    breaks_missed, breaks_before
        How many breaks of each route could not be taken, and how many were over when it left.
    breaks_taken
        How many breaks are taken on each leg.
    """

    route: Ints
    vehicle: Ints
    tail: Ints
    head: Ints
    loads: Floats
    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    late: Floats
    stay: Floats
    ready: Floats
    departure: Floats
    finish: Floats
    ends_with: Floats
    breaks_missed: Ints
    breaks_before: Ints
    breaks_taken: Ints

    @property
    def load(self) -> Floats:
        """Load on board during each leg."""
        return np.asarray(self.loads[0])

    @property
    def route_durations(self) -> Floats:
        """How long each route takes."""
        return np.asarray(
            np.where(np.isfinite(self.finish), self.finish - np.nan_to_num(self.departure), np.inf)
        )

    @property
    def inputs(self) -> LegInputs:
        """The legs as inputs of a law, with the true load and clock."""
        return LegInputs(self.vehicle, self.tail, self.head, self.load, self.leave, self.duration, self.late)

    def stops(self, legs: Ints) -> StopInputs:
        """Return the stops at clients to which some legs lead, as inputs of a law of service times."""
        return StopInputs(self.vehicle[legs], self.head[legs], self.load[legs], self.begin[legs])


def drive(
    laws: RoutingLaws, planning: PlanningValues, routes: Sequence[Route], *, frozen: bool = False
) -> Drive:
    """Drive routes forward on the law, or with travel times at their planning values.

    A vehicle waits only for a window to open and for goods to be ready. A route that states its departure keeps it.
    Another leaves when it breaks the fewest rules, then when it is late or too long by the least, then when it costs
    least; of equally good departures it takes those with the earliest return, and of these the latest. What counts is
    all of the price: time, overtime, lateness, the longest route and cost laws. The choice is exact where travel times
    are fixed or tabulated and no other law reads the clock. With breaks it is the best of all departures with which
    something changes. Where a formula reads the clock it is the best of a grid over the shift, which is made finer
    around the best four.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    routes
        With known names; a route without clients stays in its depot, and one under way leaves when it has left.
    frozen
        Use the planning values of travel time.
    """
    grid = pad_routes(laws, planning, routes, frozen=frozen)
    stated = np.array(
        [np.nan if route.departure is None else route.departure for route in routes], dtype=float
    )
    free = np.isnan(stated) & ~grid.has_left
    departure = np.where(np.isnan(stated), grid.earliest, stated)
    times = drive_forward(grid, departure)
    if free.any():
        chosen = choose_departures(grid, departure, free, times)
        if (chosen != departure).any():
            departure, times = chosen, drive_forward(grid, chosen)
    return drive_of(grid, [len(route.clients) for route in routes], departure, times)


def drive_of(grid: PaddedRoutes, stops: Sequence[int], departure: Floats, times: LegTimes) -> Drive:
    """Return routes, with so many stops, that were driven forward from given departures."""
    valid, laws = grid.valid, grid.laws
    vehicle = np.broadcast_to(grid.kind[:, None], valid.shape)
    begin, latest = times.begin[valid], laws.data.latest[grid.head[valid]]
    over = np.zeros_like(begin)
    np.subtract(begin, latest, out=over, where=np.isfinite(begin) & np.isfinite(latest))
    return Drive(
        route=np.nonzero(valid)[0],
        vehicle=vehicle[valid],
        tail=grid.tail[valid],
        head=grid.head[valid],
        loads=grid.loads[:, valid],
        leave=times.leave[valid],
        duration=times.duration[valid],
        arrive=times.arrive[valid],
        begin=begin,
        late=np.maximum(over, 0.0),
        stay=times.stay[valid],
        ready=grid.ready[valid],
        departure=departure,
        finish=times.finish,
        ends_with=grid.loads[:, np.arange(len(departure)), stops],
        breaks_missed=times.breaks.missed,
        breaks_before=times.breaks.before,
        breaks_taken=times.breaks.taken[valid],
    )
