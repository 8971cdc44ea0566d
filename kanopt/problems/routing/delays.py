"""What a plan pays for its time where legs and services take longer or shorter than planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.simulate import Drive
from kanopt.problems.routing.simulate.departures import judge_departures
from kanopt.problems.routing.simulate.legs import DrivingErrors, pad_routes

if TYPE_CHECKING:
    from kanopt.problems.routing.plan import RoutingPlan
    from kanopt.problems.routing.problem import RoutingProblem

Changes = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class _Longer:
    """By how much each leg or service takes longer, at least nothing in all; (routes, legs)."""

    longer: Floats

    def select(self, routes: Ints) -> _Longer:
        """Return those of some routes, each as often as it is named."""
        return _Longer(self.longer[routes])

    def apply(self, leg: int, times: Floats) -> Floats:
        """Return how long one leg of each route takes, given what was planned; (routes,)."""
        return np.maximum(times + self.longer[:, leg], 0.0)


class Delays:
    """The routes of a plan, driven again with other durations.

    Vehicles leave when they left, drive in the same order, wait for windows to open and rest where that costs least. A
    leg that is over sooner is paid less only as far as the vehicle need not wait then; one that takes longer makes all
    that follows later, up to where it would have waited. Travel times do not change with the clock.

    Parameters
    ----------
    problem, plan, driven
        The plan, and how it is driven on the laws.
    """

    def __init__(self, problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> None:
        self.data, self.legs = problem.data, len(driven.route)
        grid = pad_routes(problem.leg_laws, problem.planning_values, plan.routes, frozen=False)
        self.valid, self.done = grid.valid, np.flatnonzero(np.isfinite(driven.finish))
        as_driven = replace(
            grid, fixed=self._padded(driven.duration), stay=self._padded(driven.stay), by_clock=()
        )
        self.grid, self.departure = as_driven.select(self.done), driven.departure[self.done]

    def _padded(self, values: Floats) -> Floats:
        """Return numbers of legs, (…, legs), by route; (…, routes, legs)."""
        found = np.zeros((*values.shape[:-1], *self.valid.shape))
        found[..., self.valid] = values
        return found

    def of_legs(self, factor: float, legs: Ints) -> Changes:
        """Return the change of price with changes of the duration of some legs, each times a factor."""
        return lambda changes: self._price_change(self._of(factor * changes, legs), None)

    def of_services(self, factor: float, legs: Ints) -> Changes:
        """Return the change of price with changes of how long service at the head of some legs takes."""
        return lambda changes: self._price_change(None, self._of(factor * changes, legs))

    def of_links(self, factor: float, driven_on: Floats) -> Changes:
        """Return the change of price with changes of the time of links; `driven_on` counts them, (links, legs)."""
        return lambda changes: self._price_change(factor * (changes @ driven_on), None)

    def _of(self, changes: Floats, legs: Ints) -> Floats:
        longer = np.zeros((len(changes), self.legs))
        longer[:, legs] = changes
        return longer

    def _price_change(self, driving: Floats | None, serving: Floats | None) -> Floats:
        return np.asarray(self._price(driving, serving) - self._price(None, None))

    def _price(self, driving: Floats | None, serving: Floats | None) -> Floats:
        """Return what is paid for time and lateness with changes of legs or services, each (draws, legs)."""
        draws = next((len(each) for each in (driving, serving) if each is not None), 1)
        errors = [None if each is None else self._errors(each) for each in (driving, serving)]
        routes = np.tile(np.arange(len(self.done)), draws)
        leave = self.departure[routes]
        grid = replace(self.grid.select(routes), errors=DrivingErrors(*errors))
        cost, finish = (each.reshape(draws, -1) for each in judge_departures(grid, leave)[3:])
        longest = (finish - self.departure).max(axis=1, initial=0.0)
        return np.asarray(cost.sum(axis=1) + self.data.policy.longest_route_cost * longest)

    def _errors(self, longer: Floats) -> _Longer:
        by_route = self._padded(longer)[:, self.done]
        return _Longer(by_route.reshape(-1, by_route.shape[-1]))
