"""The load and the clock at which each law is planned, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kanopt.errors import ProblemError, nearest
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.references import Reference
from kanopt.problems.findings import FrozenInput
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.leg_laws import DURATION, LegInputs, RoutingLaws
from kanopt.problems.routing.service_times import SERVICE, StopInputs
from kanopt.text import amount_text, clock_text
from kanopt.units import convert

STATES = ("state.load", "clock.hour", "clock.minute")
_SAMPLE = 150


@dataclass(frozen=True)
class PlanningPoint:
    """One load and one clock time per vehicle type, with the reason why."""

    load: Floats
    clock: Floats
    load_why: str
    clock_why: str


def arcs_between(
    vehicle: int, tails: Ints, heads: Ints, load: Any, clock: Any, duration: Floats
) -> LegInputs:
    """Return every arc between some nodes for one vehicle type at one load and clock time, or one for each tail."""
    moment = np.asarray(load), np.asarray(clock)
    return LegInputs(np.asarray(vehicle), tails[:, None], heads[None, :], *moment, duration)


class PlanningPoints:
    """One load and one clock time per vehicle type for every law, stated or chosen.

    Parameters
    ----------
    laws
        The laws.
    stated
        As in :class:`~kanopt.problems.routing.planning_values.PlanningValues`.

    Raises
    ------
    ProblemError
        If a key is unknown or a value is not a finite number.
    """

    def __init__(self, laws: RoutingLaws, stated: Mapping[str, Any]) -> None:
        self.laws = laws
        self.stated = dict(stated)
        names = [DURATION, *laws.cost, *([SERVICE] if laws.data.policy.service is not None else [])]
        keys = [*STATES, *(f"{name}.{state}" for name in names for state in STATES)]
        wrong = [f"{key!r}; {nearest(key, keys)}" for key in stated if key not in keys]
        wrong += [
            f"{key} = {value!r} is not a number"
            for key, value in stated.items()
            if not isinstance(value, int | float) or not np.isfinite(value)
        ]
        if wrong:
            raise ProblemError("planning: " + "\nplanning: ".join(wrong))
        self._found: dict[str, PlanningPoint] = {}

    @property
    def data(self) -> RoutingData:
        """The problem's data."""
        return self.laws.data

    def of(self, name: str) -> PlanningPoint:
        """Return the load and clock at which a law is planned."""
        if name not in self._found:
            slow = name == DURATION or (name == SERVICE and self.data.policy.service is not None)
            self._found[name] = self._slowest_point(name) if slow else self._mid_shift_point(name)
        return self._found[name]

    def stated_for(self, name: str) -> tuple[float | None, float | None]:
        """Return the stated load and clock of a law, in the problem's units; None where not stated."""
        units = self.data.units
        found: dict[str, float] = {}
        for state in STATES:
            value = self.stated.get(f"{name}.{state}", self.stated.get(state))
            if value is not None:
                found[state] = float(value)
        load, clock = found.get("state.load"), None
        for state, unit in (("clock.hour", "h"), ("clock.minute", "min")):
            if state in found:
                clock = convert(found[state], unit, units.time)
        return load, clock

    @cached_property
    def bounds(self) -> tuple[Floats, Floats, Floats]:
        """Return capacity, shift start and shift end, capped at the total demand and at midnight."""
        data = self.data
        total = float(data.demand.sum() + data.pickup.sum())
        capacity = np.minimum(data.of_vehicles("capacity"), total if total > 0 else 1.0)
        start, end = data.of_vehicles("shift_start"), data.of_vehicles("shift_end")
        midnight = convert(24.0, "h", data.units.time)
        return capacity, start, np.where(np.isfinite(end), end, np.maximum(midnight, start))

    def _mid_shift_point(self, name: str) -> PlanningPoint:
        """Plan a cost law at half load and the middle of the shift, unless stated."""
        capacity, start, end = self.bounds
        load, clock = self.stated_for(name)
        return PlanningPoint(
            load=capacity / 2 if load is None else np.full_like(capacity, load),
            clock=(start + end) / 2 if clock is None else np.full_like(start, clock),
            load_why="half the capacity" if load is None else "stated",
            clock_why="middle of the shift" if clock is None else "stated",
        )

    def _slowest_point(self, name: str) -> PlanningPoint:
        """Plan travel or service time at the load and the full hour with the highest median, unless stated."""
        load, clock = self.stated_for(name)
        chosen = np.array(
            [self._slowest_of(name, place, load, clock) for place in range(len(self.data.vehicles))]
        )
        what = "driving takes" if name == DURATION else "stops take"
        return PlanningPoint(
            load=chosen[:, 0],
            clock=chosen[:, 1],
            load_why=f"the load at which {what} longest" if load is None else "stated",
            clock_why=f"the hour of the shift at which {what} longest" if clock is None else "stated",
        )

    def _slowest_of(
        self, name: str, vehicle: int, load: float | None, clock: float | None
    ) -> tuple[float, float]:
        """Return the load and clock at which the median time of one vehicle type is highest."""
        capacity, start, end = (values[vehicle] for values in self.bounds)
        hour = convert(1.0, "h", self.data.units.time)
        reads = self.laws.reads if name == DURATION else self.data.service_times.reads
        scopes = (name,) if name == DURATION else ()
        clocks = [start if clock is None else clock]
        if clock is None and reads(*scopes, "clock"):
            clocks += [*np.arange(np.ceil(start / hour) * hour, end, hour), end]
        moves = load is None and reads(*scopes, "state")
        loads = [0.0, capacity / 2, capacity] if moves else [capacity / 2 if load is None else load]
        options = [(weight, time) for weight in loads for time in clocks]
        if len(options) == 1:
            return options[0]
        medians = []
        for weight, time in options:
            values = self._sampled(name, vehicle, weight, time)
            known = values[np.isfinite(values)]
            medians.append(float(np.median(known)) if known.size else 0.0)
        return options[int(np.argmax(medians))]

    def _sampled(self, name: str, vehicle: int, load: float, clock: float) -> Floats:
        """Return travel times of some arcs, or service times of some clients, at a load and a clock time."""
        first = 0 if name == DURATION else len(self.data.depots)
        nodes = np.unique(np.linspace(first, len(self.data.names) - 1, _SAMPLE).astype(np.intp))
        if name == DURATION:
            return self.laws.evaluate(name, arcs_between(vehicle, nodes, nodes, load, clock, np.zeros(())))
        stops = StopInputs(np.asarray(vehicle), nodes[nodes >= first], np.asarray(load), np.asarray(clock))
        return self.data.service_times.evaluate(stops)

    def frozen(self) -> tuple[FrozenInput, ...]:
        """List every input of a law that the solver sees at a planning value."""
        found = list(self._frozen_arrivals())
        laws = self.laws.formulas()
        if self.data.policy.service is not None:
            laws[SERVICE] = self.data.policy.service
        for name, law in laws.items():
            for variable, reference in _state_inputs(law):
                moment = self.of(name)
                if reference == "clock.late":
                    found.append(
                        FrozenInput(
                            law=name, input=variable, reference=reference, value="0", why="nobody is late"
                        )
                    )
                    continue
                is_load = reference == "state.load"
                values = moment.load if is_load else moment.clock
                found.append(
                    FrozenInput(
                        law=name,
                        input=variable,
                        reference=reference,
                        value=self._value_text(values, is_load=is_load),
                        why=moment.load_why if is_load else moment.clock_why,
                    )
                )
        return tuple(found)

    def _frozen_arrivals(self) -> Iterator[FrozenInput]:
        if not isinstance(self.laws.duration, ArrivalFunctions):
            return
        stated = self.stated_for(DURATION)[1] is not None
        value = self._value_text(self.of(DURATION).clock, is_load=False) if stated else "all of the shift"
        why = "stated" if stated else "the average travel time of each arc over the shift"
        yield FrozenInput(law=DURATION, input="clock", reference="clock.minute", value=value, why=why)

    def _value_text(self, values: Floats, *, is_load: bool) -> str:
        units = self.data.units
        texts = [
            amount_text(value, units.load) if is_load else clock_text(value, units.time) for value in values
        ]
        if len(set(texts)) == 1:
            return texts[0]
        names = [vehicle.name for vehicle in self.data.vehicles]
        return ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))


def _state_inputs(law: BoundFormula) -> list[tuple[str, str]]:
    """Return the inputs bound to load or clock, as (input, reference)."""
    return [
        (name, str(bound))
        for name, bound in law.bindings.items()
        if isinstance(bound, Reference) and bound.is_state
    ]
