"""How long stops take: a field of clients, or a law of the stop, of the time it begins and of what is on board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kanopt.array_types import Floats, Indices
from kanopt.errors import FormulaError, ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference, ReferenceValue, Resolver
from kanopt.plans.law_use import day_value
from kanopt.records.reading import field_values
from kanopt.routing.arrays import RoutingArrays
from kanopt.routing.entities import Client, VehicleType
from kanopt.text import amount_text, clock_text
from kanopt.units import convert

SERVICE = "service"
"""What the law of service times is called."""
STOP_REFERENCES = ("clock.hour", "clock.minute", "state.load")
"""What such a law may read of the plan."""

_NOISE = 1e-7
_SAMPLES = 2_000_000
"""Moments at which a law is looked at: each minute, or fewer where there are many clients."""


@dataclass(frozen=True)
class StopInputs:
    """The stops a law is evaluated at; all arrays broadcast against each other.

    Parameters
    ----------
    vehicle, node
        Vehicle type and client of each stop, as positions.
    load
        What is on board when the vehicle arrives.
    clock
        When service begins.
    """

    vehicle: Indices
    node: Indices
    load: Floats
    clock: Floats


def of_plan(data: RoutingArrays, reference: Reference, load: Floats, clock: Floats) -> ReferenceValue:
    """Return what a law reads of the day, of the load on board and of the clock."""
    if reference.scope == "day":
        return day_value(data.day, reference)
    if str(reference) == "state.load":
        return ReferenceValue(load, data.units.load)
    unit, day = ("h", 24.0) if reference.field == "hour" else ("min", 1440.0)
    finite = np.where(np.isfinite(clock), clock, 0.0)
    return ReferenceValue(np.mod(convert(finite, data.units.time, unit), day), unit)


class ServiceTimes:
    """How long stops take.

    Parameters
    ----------
    data
        The problem's data; without a law of service times the field of the clients says it.
    """

    def __init__(self, data: RoutingArrays) -> None:
        self.data = data
        self.law: BoundFormula | None = data.policy.service
        self._values: dict[Reference, ReferenceValue] = {}

    def reads(self, *references: str) -> bool:
        """Say whether the law reads any of the references to the plan, given as ``scope`` or ``scope.field``."""
        return any(str(each) in references or each.scope in references for each in self.plan_inputs.values())

    @cached_property
    def plan_inputs(self) -> Mapping[str, Reference]:
        """The inputs that the law uses and only a plan fixes, by name."""
        if self.law is None:
            return {}
        used = self.law.formula.used
        return {
            name: bound
            for name, bound in self.law.bindings.items()
            if name in used and isinstance(bound, Reference) and bound.is_state
        }

    @cached_property
    def stated(self) -> Floats:
        """Service time by vehicle type and node, of a reload at depots; NaN where only a plan fixes it; (types, n)."""
        data = self.data
        kinds, clients = np.arange(len(data.vehicles))[:, None], np.arange(len(data.depots), len(data.names))
        if self.law is None:
            stops = data.of_nodes("service_duration")[clients]
        elif self.plan_inputs:
            stops = np.full(len(clients), np.nan)
        else:
            nothing = np.zeros(())
            stops = self._at_clients(StopInputs(kinds, clients[None, :], nothing, nothing))
        reloads = np.repeat(data.of_vehicles("reload_time")[:, None], len(data.depots), axis=1)
        return np.concatenate([reloads, np.broadcast_to(stops, (len(kinds), len(clients)))], axis=1)

    def evaluate(self, stops: StopInputs) -> Floats:
        """Return how long stops at clients take; a value of the law below zero counts as zero.

        Raises
        ------
        ProblemError
            If the law gives no number; names the client, the vehicle type and the time.
        """
        if not self.plan_inputs:
            return self.stated[stops.vehicle, stops.node]
        return self._at_clients(stops)

    def raw(self, stops: StopInputs) -> Floats:
        """Return what the law says of stops, as it is."""
        assert self.law is not None
        try:
            return np.asarray(self.law.evaluate(self.resolver(stops), self.data.units.time), dtype=float)
        except FormulaError as error:
            raise ProblemError(f"law 'service': {error}") from error

    def _at_clients(self, stops: StopInputs) -> Floats:
        arrays = (stops.vehicle, stops.node, stops.load, stops.clock)
        values = np.broadcast_to(self.raw(stops), np.broadcast_shapes(*(np.shape(each) for each in arrays)))
        if not np.isfinite(values).all():
            place = tuple(np.argwhere(~np.isfinite(values))[0])
            kind, node, load, clock = (np.broadcast_to(each, values.shape)[place] for each in arrays)
            data = self.data
            when = f" at {clock_text(float(clock), data.units.time)}" if self.reads("clock") else ""
            when += (
                f" with {amount_text(float(load), data.units.load)} on board" if self.reads("state") else ""
            )
            raise ProblemError(
                f"law 'service': no number at client {data.names[node]!r} for {data.vehicles[kind].name!r}{when}"
            )
        return np.asarray(np.maximum(values, 0.0))

    def resolver(self, stops: StopInputs) -> Resolver:
        """Return the function that looks references up for these stops."""

        def resolve(reference: Reference) -> ReferenceValue:
            if reference.scope in ("client", "vehicle"):
                found = self._field(reference)
                at = stops.node - len(self.data.depots) if reference.scope == "client" else stops.vehicle
                return ReferenceValue(found.values[at], found.unit)
            # a problem refuses laws that are bound to anything else
            return of_plan(self.data, reference, stops.load, stops.clock)

        return resolve

    def _field(self, reference: Reference) -> ReferenceValue:
        if reference not in self._values:
            data, scope = self.data, reference.scope
            units = data.units.of(Client if scope == "client" else VehicleType)
            owners: Any = data.clients if scope == "client" else data.vehicles
            self._values[reference] = field_values(
                owners, reference.field, units=units, where=f"law 'service': {scope}s"
            )
        return self._values[reference]

    @cached_property
    def least(self) -> Floats:
        """No stop takes less, whenever it begins and whatever is on board; by vehicle type and node, (types, n).

        A stop whose time only a plan fixes counts as none.
        """
        return np.nan_to_num(self.stated, nan=0.0)

    def check(self) -> None:
        """Refuse a law that gives no number, or falls faster than the clock runs.

        With such a law who begins later would be done earlier. It is looked at each minute from the first start of a
        shift to midnight, or to the last end after it, for every client and vehicle type, empty, half full and full.

        Raises
        ------
        ProblemError
            Names the client, the vehicle type and the time.
        """
        if not self.plan_inputs or not self.data.clients:
            _ = self.stated
            return
        data = self.data
        shape = len(data.vehicles), len(data.clients)
        kind, node = (each.ravel() for each in np.indices(shape))
        node = node + len(data.depots)
        loads = np.array([0.0, 0.5, 1.0]) * data.most_load if self.reads("state") else np.zeros(1)
        clocks = self._clocks(len(kind) * len(loads))
        size = max(1, _SAMPLES // (10 * len(clocks)))
        for some in (slice(begin, begin + size) for begin in range(0, len(kind), size)):
            for load in loads:
                stops = StopInputs(kind[some, None], node[some, None], load, clocks[None, :])
                stay = np.broadcast_to(self.evaluate(stops), (len(kind[some]), len(clocks)))
                falls = np.diff(clocks + stay, axis=1) < -_NOISE
                if self.reads("clock") and falls.any():
                    row, at = np.argwhere(falls)[0]
                    self._refuse(
                        int(kind[some][row]),
                        int(node[some][row]),
                        clocks[at : at + 2],
                        stay[row, at : at + 2],
                    )

    def _clocks(self, stops: int) -> Floats:
        """Return the moments at which the law is looked at."""
        data, minute = self.data, convert(1.0, "min", self.data.units.time)
        day = convert(24.0, "h", data.units.time)
        start, end = data.of_vehicles("shift_start"), data.of_vehicles("shift_end")
        # a shift that ends before midnight may be relaxed, to say what its end costs
        end = np.maximum(np.where(np.isfinite(end), end, day), np.maximum(day, start))
        first, last = float(start.min()), float(min(end.max(), start.min() + day + minute))
        if not self.reads("clock"):
            return np.array([first])
        step = minute * max(1.0, np.ceil((last - first) / minute * stops / _SAMPLES))
        return np.append(np.arange(first, last, step), last - _NOISE) if last > first else np.array([first])

    def _refuse(self, kind: int, node: int, clock: Floats, stay: Floats) -> None:
        data, unit = self.data, self.data.units.time
        begin, done = ([clock_text(float(time), unit) for time in times] for times in (clock, clock + stay))
        takes = [amount_text(float(time), unit) for time in stay]
        raise ProblemError(
            f"law 'service': at client {data.names[node]!r} a stop of {data.vehicles[kind].name!r} takes {takes[0]} "
            f"from {begin[0]} and {takes[1]} from {begin[1]}: whoever begins later is done earlier, at {done[1]} "
            f"instead of {done[0]}; give a law that falls by less than the time that passes"
        )


# The data of a routing problem: its arrays, and how long stops take.


@dataclass(frozen=True, eq=False)
class RoutingData(RoutingArrays):
    """What a routing problem consists of, as arrays over depots, then clients; as :class:`RoutingArrays`."""

    @cached_property
    def service_times(self) -> ServiceTimes:
        """How long stops take."""
        return ServiceTimes(self)
