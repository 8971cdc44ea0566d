"""The price of a routing plan as it stands, wherever a reader moves a price, the load or the departures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.slider_prices import MovedTerm, Pricing, Slider, SliderPrices, moved_prices
from kanopt.records.declaration import declared_fields
from kanopt.records.reading import Quantity, field_values
from kanopt.routing.entities import VehicleType
from kanopt.routing.leg_laws import DURATION, RoutingLaws
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules import BY_NAME, EVEN_WORK, PRIZES
from kanopt.routing.simulate import (
    PRICE_FIELDS,
    Drive,
    broken_rules_of_routes,
    price_side_by_side,
    slack,
)
from kanopt.routing.simulate.drive import drive_forward, drive_of
from kanopt.routing.simulate.legs import PaddedRoutes, pad_routes
from kanopt.text import list_names
from kanopt.units import convert

_LOAD, _SHIFT = "load", "departures"
_STEPS = ((0.1, 10.0), (0.25, 20.0), (0.5, 40.0), (0.5, 120.0))
"""Steps of the load, as a share, and of departures, in minutes: the larger the plan, the fewer states are told."""
_MOST_LOAD, _MOST_MINUTES = 0.5, 120.0
_MOST_LEGS = 400_000
"""Legs that are driven at once: some tens of megabytes."""
_WHOLE_TERMS = {
    "soft window": Slider("client.unit_lateness_cost", "cost per lateness", "price"),
    EVEN_WORK.name: Slider("policy.longest_route_cost", "cost of the longest route", "price"),
}

_Move = Callable[[RoutingLaws, float], RoutingLaws]


def slider_prices(
    problem: RoutingModel, plan: RoutingPlan, driven: Drive, pricing: Pricing
) -> SliderPrices | None:
    """Return the price of a plan wherever sliders are; None of one that cannot be driven to its end.

    The stops stay in their order. Prices are moved by a factor. Loads are, where no law reads the demand itself.
    Departures are moved together, but of routes that have left, and the routes are driven from them: breaks are taken
    where that is best at the prices of the plan.
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
        sliders = [slider for slider, _ in self._moves.values()]
        terms, kept, refused = moved_prices(self._price, sliders)
        data = self.problem.data
        rules = {BY_NAME[name]: slider for name, slider in _WHOLE_TERMS.items()}
        whole = {rule.term: slider for rule, slider in rules.items() if rule.stated(data)}
        terms = [replace(each, slider=whole[each.name].key) if each.name in whole else each for each in terms]
        missed = PRIZES.missed(data, self.plan)
        if missed:
            terms.append(MovedTerm(PRIZES.term, np.full(self._states, sum(missed.values()))))
        return SliderPrices(
            (*kept, *whole.values(), *self._state_sliders),
            pricing.unit,
            self._stays,
            tuple(terms),
            self._axes,
            self._doubts(),
            refused,
        )

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
        return pad_routes(laws, planning, self.plan.routes, frozen=False)

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
            yield Slider(key, labels[key], "shift" if key == _SHIFT else "load", unit, None, low, high, step)

    @property
    def _load_matters(self) -> bool:
        """Whether something reads the load, and no law reads demands, which would move with it."""
        laws, data = self.problem.leg_laws, self.problem.data
        read = any(laws.reads(name, "state.load") for name in (*laws.cost, DURATION))
        read = read or data.service_times.reads("state.load")
        every = (*laws.formulas().values(), data.policy.service)
        references = {str(each) for law in every if law is not None for each in law.references}
        return bool(read and self.driven.load.any() and not references & {"client.demand", "client.pickup"})

    @property
    def _departure_matters(self) -> bool:
        laws, data = self.problem.leg_laws, self.problem.data
        moved = any(laws.is_moved_by_clock(name) for name in laws.cost)
        timed = laws.reads(DURATION, "clock") or data.service_times.reads("clock")
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
        stops = [len(route.clients) for route in self.plan.routes] * states
        return drive_of(grid, stops, departure, drive_forward(grid, departure))

    # ---- prices

    @cached_property
    def _moves(self) -> dict[str, tuple[Slider, _Move]]:
        """The prices that move what the plan costs and nothing else, and how they are moved, by key."""
        data = self.problem.data
        found = {}
        for name in self._price_fields():
            values = field_values(
                data.vehicles, name, units=data.units.of(VehicleType), where=f"vehicles: {name}"
            )
            numbers = np.asarray(values.values, dtype=float)
            base = float(numbers[0]) if len(np.unique(numbers)) == 1 else None
            key = f"vehicle.{name}"
            found[key] = (
                Slider(key, name.replace("_", " "), "price", values.unit, base),
                _scaling_of_field(name),
            )
        for name, unit, value in self._constants():
            key = f"{name} = {value} {unit}"
            slider = Slider(key, name.replace("_", " "), "price", unit, value)
            found[key] = slider, _scaling_of_constant(name, unit, value)
        return found

    def _price_fields(self) -> Iterator[str]:
        """Return the fields of vehicles that are a rate, or that a cost law reads, and that are no rule and no time."""
        laws, data = self.problem.leg_laws, self.problem.data
        by_time = {str(each) for law in self._laws_of_time for each in law.references}
        read = {
            each.field
            for law in laws.cost.values()
            if isinstance(law, BoundFormula)
            for each in law.references
            if each.scope == "vehicle"
        }
        declared = {item.name: item for item in declared_fields(VehicleType)}
        rates = {name for name, item in declared.items() if item.is_price}
        own = {*declared, *data.policy.capacities} - (PRICE_FIELDS - {"shift_duration"})
        for name in sorted(rates | read - own):
            if f"vehicle.{name}" in by_time:
                continue
            values = field_values(
                data.vehicles, name, units=data.units.of(VehicleType), where=f"vehicles: {name}"
            ).values
            if np.asarray(values).dtype != object and (np.asarray(values) > 0).any():
                yield name

    def _constants(self) -> Iterator[tuple[str, str, float]]:
        """Return name, unit and value of each positive constant of cost laws that no law of time has, too."""
        by_time = {name for law in self._laws_of_time for name in law.bindings}
        found = dict.fromkeys(
            (variable.name, variable.unit, law.bindings[variable.name])
            for law in self.problem.leg_laws.cost.values()
            if isinstance(law, BoundFormula)
            for variable in law.formula.inputs
        )
        for name, unit, value in found:
            if isinstance(value, int | float) and value > 0 and name not in by_time:
                yield name, unit, float(value)

    @property
    def _laws_of_time(self) -> list[BoundFormula]:
        laws = (self.problem.leg_laws.duration, self.problem.data.policy.service)
        return [law for law in laws if isinstance(law, BoundFormula)]

    def _price(self, factors: Mapping[str, float]) -> dict[str, Floats]:
        """Return the price of each state by term, with prices multiplied by factors; (states,) each."""
        laws = self.problem.leg_laws
        for key, factor in factors.items():
            laws = self._moves[key][1](laws, factor)
        return price_side_by_side(laws, self.problem.planning_values, self._moved, self._states)

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


def _scaling_of_field(name: str) -> _Move:
    """Return what multiplies a field of all vehicles."""

    def scaled(vehicle: VehicleType, factor: float) -> VehicleType:
        if name not in vehicle.attributes:
            return replace(vehicle, **{name: getattr(vehicle, name) * factor})
        value = vehicle.attributes[name]
        if isinstance(value, Quantity):
            moved: Quantity | float = replace(value, value=value.value * factor)
        else:
            moved = float(value) * factor
        return replace(vehicle, attributes={**vehicle.attributes, name: moved})

    def move(laws: RoutingLaws, factor: float) -> RoutingLaws:
        vehicles = tuple(scaled(each, factor) for each in laws.data.vehicles)
        return RoutingLaws(replace(laws.data, vehicles=vehicles), laws.cost, laws.duration)

    return move


def _scaling_of_constant(name: str, unit: str, value: float) -> _Move:
    """Return what multiplies a constant of a value and unit wherever a cost law has it."""

    def scaled(law: object, factor: float) -> object:
        if not isinstance(law, BoundFormula):
            return law
        bound = {each.name: each.unit for each in law.formula.inputs if law.bindings[each.name] == value}
        if bound.get(name) != unit:
            return law
        return replace(law, bindings={**law.bindings, name: value * factor})

    def move(laws: RoutingLaws, factor: float) -> RoutingLaws:
        cost = {term: scaled(law, factor) for term, law in laws.cost.items()}
        return RoutingLaws(laws.data, cost, laws.duration)  # type: ignore[arg-type]

    return move
