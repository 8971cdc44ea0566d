"""What a plan pays for its time where legs and services take longer or shorter than planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.simulate import Drive
from kanopt.problems.routing.simulate.legs import service_begin

if TYPE_CHECKING:
    from kanopt.problems.routing.problem import RoutingProblem

Changes = Callable[[Floats], Floats]


class Delays:
    """The routes of a plan, driven again with other durations.

    Vehicles leave when they left, drive in the same order, wait for windows to open and rest for as long as before. A
    leg that is over sooner is paid less only as far as the vehicle need not wait then; one that takes longer makes all
    that follows later, up to where it would have waited. Travel times do not change with the clock.

    Parameters
    ----------
    problem, driven
        The plan as it is driven on the laws.
    """

    def __init__(self, problem: RoutingProblem, driven: Drive) -> None:
        self.data, self.driven = problem.data, driven
        self.legs = [np.flatnonzero(driven.route == route) for route in range(len(driven.finish))]

    def of_legs(self, factor: float, legs: Ints) -> Changes:
        """Return the change of price with changes of the duration of some legs, each times a factor."""

        def change(changes: Floats) -> Floats:
            longer = np.zeros((len(changes), len(self.driven.route)))
            longer[:, legs] = factor * changes
            return self._price_change(longer, np.zeros_like(longer))

        return change

    def of_services(self, factor: float, legs: Ints) -> Changes:
        """Return the change of price with changes of how long service at the head of some legs takes."""

        def change(changes: Floats) -> Floats:
            longer = np.zeros((len(changes), len(self.driven.route)))
            longer[:, legs] = factor * changes
            return self._price_change(np.zeros_like(longer), longer)

        return change

    def of_links(self, factor: float, driven_on: Floats) -> Changes:
        """Return the change of price with changes of the time of links; `driven_on` counts them, (links, legs)."""

        def change(changes: Floats) -> Floats:
            longer = factor * (changes @ driven_on)
            return self._price_change(longer, np.zeros_like(longer))

        return change

    def _price_change(self, driving: Floats, serving: Floats) -> Floats:
        planned = np.zeros((1, driving.shape[1]))
        return np.asarray(self._price(driving, serving) - self._price(planned, planned))

    def _price(self, driving: Floats, serving: Floats) -> Floats:
        """Return what is paid for time and lateness with changes of legs and services, each (draws, legs)."""
        data, driven = self.data, self.driven
        rates = {
            name: data.of_vehicles(name)
            for name in ("unit_duration_cost", "unit_overtime_cost", "shift_duration")
        }
        total, longest = np.zeros(len(driving)), np.zeros(len(driving))
        for route, legs in enumerate(self.legs):
            if not len(legs) or not np.isfinite(driven.finish[route]):
                continue
            took, late = self._drive(route, legs, driving, serving)
            kind = int(driven.vehicle[legs[0]])
            total += rates["unit_duration_cost"][kind] * took + late
            if np.isfinite(rates["shift_duration"][kind]):
                over = np.maximum(took - rates["shift_duration"][kind], 0.0)
                total += rates["unit_overtime_cost"][kind] * over
            longest = np.maximum(longest, took)
        return np.asarray(total + data.policy.longest_route_cost * longest)

    def _drive(self, route: int, legs: Ints, driving: Floats, serving: Floats) -> tuple[Floats, Floats]:
        """Return how long a route takes, and what is paid for being late on it; each (draws,)."""
        data, driven = self.data, self.driven
        clock = np.full(len(driving), float(driven.leave[legs[0]]))
        late = np.zeros(len(driving))
        for leg, following in zip(legs, [*legs[1:], None], strict=True):
            head = int(driven.head[leg])
            rest = float(driven.arrive[leg] - driven.leave[leg] - driven.duration[leg])
            arrive = clock + np.maximum(driven.duration[leg] + driving[:, leg], 0.0) + rest
            there = np.maximum(arrive, driven.ready[leg])
            begin = service_begin(data, np.full(len(arrive), head), there)
            over = np.maximum(begin - data.latest[head], 0.0) if np.isfinite(data.latest[head]) else 0.0
            late = late + data.lateness_rate[head] * over
            end = driven.finish[route] if following is None else driven.leave[following]
            after = float(end - driven.begin[leg] - driven.stay[leg])
            clock = begin + np.maximum(driven.stay[leg] + serving[:, leg], 0.0) + after
        return clock - driven.departure[route], late
