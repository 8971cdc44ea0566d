"""The price of a routing plan as it stands, wherever a reader moves a price, the load or the departures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.plans.slider_prices import Pricing, Slider, SliderPrices, priced_by_terms
from kanopt.routing.leg_laws import DURATION, SERVICE
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules import BY_NAME, PRIZES
from kanopt.routing.rules.rule import Drive, slack
from kanopt.routing.simulate.drive import drive_of
from kanopt.routing.simulate.legs import PaddedRoutes, pad_routes
from kanopt.routing.simulate.referee import broken_rules_of_routes, price_side_by_side
from kanopt.text import list_names
from kanopt.units import convert

_LOAD, _SHIFT = "load", "departures"
_STEPS = ((0.1, 10.0), (0.25, 20.0), (0.5, 40.0), (0.5, 120.0))
"""Steps of the load, as a share, and of departures, in minutes: the larger the plan, the fewer states are told."""
_MOST_LOAD, _MOST_MINUTES = 0.5, 120.0
_MOST_LEGS = 400_000
"""Legs that are driven at once: some tens of megabytes."""


def slider_prices(
    problem: RoutingModel, plan: RoutingPlan, driven: Drive, pricing: Pricing
) -> SliderPrices | None:
    """Return the price of a plan wherever sliders are; None of one that cannot be driven to its end.

    The stops stay in their order. What a term is paid by is moved by a factor; so are loads, where no law reads the
    demand itself. Departures are moved together, but of routes that have left, and the routes are driven from them:
    breaks are taken where that is best at the prices of the plan.
    """
    known = np.isfinite(driven.duration).all() and np.isfinite(driven.begin).all()
    if not known or not np.isfinite(driven.finish).all():
        return None
    return _MovedPlan(problem, plan, driven).prices(pricing)


@dataclass(frozen=True, eq=False)
class _MovedPlan:
    """A plan that is driven with every load and from every departure at once."""

    problem: RoutingModel
    plan: RoutingPlan
    driven: Drive

    def prices(self, pricing: Pricing) -> SliderPrices:
        """Return the price of each state, each term in proportion to what it is paid by."""
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        terms = price_side_by_side(laws, planning, self._moved, self._states)
        missed = PRIZES.missed(self.problem.data, self.plan)
        terms |= {PRIZES.term: np.full(self._states, sum(missed.values()))} if missed else {}
        found = priced_by_terms(
            terms, {term: f"price of {term}" for term in terms}, pricing.unit, self._stays
        )
        sliders = (*found.sliders, *self._state_sliders)
        return replace(found, sliders=sliders, axes=self._axes, doubts=self._doubts())

    @property
    def _stays(self) -> str:
        """What does not change, and what follows what is moved, in a clause."""
        told = ["the same vehicles", "the same stops in the same order"]
        if not self._can_leave.all():
            told.append("routes that have left keep the time at which they did")
        if any(self.problem.data.breaks[kind] for kind in self._grid.kind):
            told.append("breaks are taken where that is best at the prices of the plan")
        return ", ".join(told)

    # ---- the states: loads and departures

    @cached_property
    def _grid(self) -> PaddedRoutes:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return pad_routes(laws, planning, self.plan.routes)

    @cached_property
    def _can_leave(self) -> NDArray[np.bool_]:
        """Which routes can leave at another time: those of which it is not known when they have left."""
        started = self.problem.data.started_of
        known = [started.get((route.vehicle, route.index)) for route in self.plan.routes]
        return np.array([one is None or one.route.departure is None for one in known], dtype=bool)

    @cached_property
    def _axes(self) -> dict[str, Floats]:
        minute = convert(1.0, "min", self.problem.units.time)
        for load, minutes in _STEPS:
            axes = {}
            if self._load_matters:
                axes[_LOAD] = 1.0 + _around_zero(_MOST_LOAD, load)
            if self._departure_matters:
                axes[_SHIFT] = _around_zero(_MOST_MINUTES, minutes) * minute
            if np.prod([len(each) for each in axes.values()]) * self._grid.valid.size <= _MOST_LEGS:
                break
        return axes

    @property
    def _states(self) -> int:
        return int(np.prod([len(values) for values in self._axes.values()], dtype=int))

    @property
    def _state_sliders(self) -> Iterator[Slider]:
        labels = {
            _LOAD: "load on board",
            _SHIFT: "departure of all vehicles"
            if self._can_leave.all()
            else "departure of those still there",
        }
        for key, values in self._axes.items():
            unit = self.problem.units.time if key == _SHIFT else ""
            low, high, step = float(values[0]), float(values[-1]), float(values[1] - values[0])
            yield Slider(key, labels[key], "shift" if key == _SHIFT else "load", unit, low, high, step)

    @property
    def _load_matters(self) -> bool:
        """Whether something reads the load, and no law reads demands, which would move with it."""
        laws, data = self.problem.leg_laws, self.problem.data
        read = any(laws.reads(name, "state.load") for name in (*laws.cost, DURATION))
        read = read or laws.reads(SERVICE, "state.load")
        every = (*laws.formulas().values(), data.policy.service)
        references = {str(each) for law in every if law is not None for each in law.references}
        return bool(read and self.driven.load.any() and not references & {"client.demand", "client.pickup"})

    @property
    def _departure_matters(self) -> bool:
        laws, data = self.problem.leg_laws, self.problem.data
        moved = any(laws.is_moved_by_clock(name) for name in laws.cost)
        timed = laws.reads(DURATION, "clock") or laws.reads(SERVICE, "clock")
        opens = bool(np.isfinite(data.opens[:, self.driven.head]).any())
        return bool(self._can_leave.any()) and (moved or timed or opens or bool(data.lateness_rate.any()))

    @cached_property
    def _moved(self) -> Drive:
        """The routes of each state, one state after the other, and how they are driven."""
        states, routes = self._states, len(self.plan.routes)
        values = dict(zip(self._axes, np.meshgrid(*self._axes.values(), indexing="ij"), strict=True))
        nothing = np.zeros(states)
        loads = values.get(_LOAD, nothing + 1.0).reshape(-1)
        shifts = values.get(_SHIFT, nothing).reshape(-1)
        grid = self._grid.select(np.tile(np.arange(routes), states))
        grid = grid.with_load(grid.loads[0] * np.repeat(loads, routes)[:, None])
        departure = (self.driven.departure + shifts[:, None] * self._can_leave).reshape(-1)
        return drive_of(grid, departure)

    # ---- what is to be known of each state

    def _doubts(self) -> list[list[str]]:
        if not self._axes:
            return []
        data, laws, driven = self.problem.data, self.problem.leg_laws, self._moved
        states, routes = self._states, len(self.plan.routes)
        earliest = np.tile([data.leaves_from(route) for route in self.plan.routes], states)
        broken = {"leaves before it may": driven.departure < earliest - slack(earliest)}
        for rule, flags in broken_rules_of_routes(data, driven).items():
            words = BY_NAME[rule].words
            assert words is not None
            broken[words.one] = flags
        labels = np.array([route.label for route in self.plan.routes], dtype=object)
        found: list[list[str]] = [[] for _ in range(states)]
        for said, each in broken.items():
            flags = np.reshape(each, (states, routes))
            for state in np.flatnonzero(flags.any(axis=1)):
                names = list_names(list(labels[flags[state]]), 3, quoted=False)
                found[state].append(f"{names}: {said}.")
        state_of_leg = driven.route // max(routes, 1)
        for name in laws.formulas():
            counts = np.bincount(state_of_leg, weights=laws.outside(name, driven.inputs), minlength=states)
            for state in np.flatnonzero(counts):
                legs = f"{counts[state]:.0f} {'leg' if counts[state] == 1 else 'legs'}"
                found[state].append(f"The law of {name} is used beyond what it was learned from on {legs}.")
        return found


def _around_zero(most: float, step: float) -> Floats:
    return np.asarray(np.arange(-round(most / step), round(most / step) + 1) * step)
