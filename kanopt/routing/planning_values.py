"""Planning values: the load and the clock that a solver sees, why these, and the matrices that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kanopt.arc_blocks import of_types, tail_blocks
from kanopt.array_types import Floats, Integers
from kanopt.formulas.variables import Reference
from kanopt.plans.findings import FrozenInput
from kanopt.routing.arrays import RoutingData
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.leg_laws import DURATION, SERVICE, LegInputs, RoutingLaws, at_stops
from kanopt.text import amount_text, clock_text
from kanopt.units import convert

_SAMPLE = 150


@dataclass(frozen=True)
class PlanningPoint:
    """One load and one clock time per vehicle type, with the reason why."""

    load: Floats
    clock: Floats
    load_why: str
    clock_why: str


@dataclass(frozen=True, eq=False)
class RowPeaks:
    """The dearest and the longest of the arcs that leave each node.

    Parameters
    ----------
    longest
        Largest travel time to a place where the vehicle type may go, minus infinity where there is none; (types, n).
    dearest
        Largest price over all vehicle types, at least 0; (n,).
    """

    longest: Floats
    dearest: Floats


class PlanningValues:
    """One load and one clock time per vehicle type for every law, and each law's matrix under them.

    Parameters
    ----------
    laws
        The laws.
    """

    def __init__(self, laws: RoutingLaws) -> None:
        self.laws = laws
        self._points: dict[str, PlanningPoint] = {}
        self._averages: dict[int, Floats] = {}

    @property
    def data(self) -> RoutingData:
        """The problem's data."""
        return self.laws.data

    # ---- the load and the clock at which each law is planned

    def point(self, name: str) -> PlanningPoint:
        """Return the load and clock at which a law is planned.

        Cost laws are planned at half the capacity and the middle of the shift; travel and service times at the load
        and the full hour with the highest median.
        """
        if name not in self._points:
            capacity, start, end = self.bounds
            if name in self.laws.cost:
                why = "half the capacity", "middle of the shift"
                self._points[name] = PlanningPoint(capacity / 2, (start + end) / 2, *why)
            else:
                slowest = np.array([self._slowest_of(name, kind) for kind in range(len(self.data.vehicles))])
                what = "driving takes" if name == DURATION else "stops take"
                why = f"the load at which {what} longest", f"the hour of the shift at which {what} longest"
                self._points[name] = PlanningPoint(slowest[:, 0], slowest[:, 1], *why)
        return self._points[name]

    @cached_property
    def bounds(self) -> tuple[Floats, Floats, Floats]:
        """Return capacity, shift start and shift end, capped at the total demand and at midnight."""
        data = self.data
        capacity = np.minimum(data.of_vehicles("capacity"), data.total_load if data.total_load > 0 else 1.0)
        start, end = data.of_vehicles("shift_start"), data.of_vehicles("shift_end")
        midnight = convert(24.0, "h", data.units.time)
        return capacity, start, np.where(np.isfinite(end), end, np.maximum(midnight, start))

    def _slowest_of(self, name: str, vehicle: int) -> tuple[float, float]:
        """Return the load and clock at which the median time of one vehicle type is highest."""
        capacity, start, end = (values[vehicle] for values in self.bounds)
        hour = convert(1.0, "h", self.data.units.time)
        clocks, loads = [start], [capacity / 2]
        if self.laws.reads(name, "clock"):
            clocks += [*np.arange(np.ceil(start / hour) * hour, end, hour), end]
        if self.laws.reads(name, "state"):
            loads = [0.0, capacity / 2, capacity]
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
        moment = np.asarray(load), np.asarray(clock)
        if name == DURATION:
            return self.laws.evaluate(name, _arcs(vehicle, nodes, nodes, *moment, np.zeros(())))
        return self.laws.evaluate(name, at_stops(np.asarray(vehicle), nodes[nodes >= first], *moment))

    def frozen(self) -> Iterator[FrozenInput]:
        """Yield every input of a law that the solver sees at a planning value."""
        if isinstance(self.laws.duration, ArrivalFunctions):
            why = "the average travel time of each arc over the shift"
            yield FrozenInput(DURATION, "clock", "clock.minute", "all of the shift", why)
        laws = self.laws.formulas()
        if self.data.policy.service is not None:
            laws[SERVICE] = self.data.policy.service
        for name, law in laws.items():
            for variable, bound in law.bindings.items():
                if not isinstance(bound, Reference) or not bound.is_state:
                    continue
                point, reference = self.point(name), str(bound)
                if reference == "clock.late":
                    yield FrozenInput(name, variable, reference, "0", "nobody is late")
                elif reference == "state.load":
                    value = self._value_text(point.load, is_load=True)
                    yield FrozenInput(name, variable, reference, value, point.load_why)
                else:
                    value = self._value_text(point.clock, is_load=False)
                    yield FrozenInput(name, variable, reference, value, point.clock_why)

    def _value_text(self, values: Floats, *, is_load: bool) -> str:
        units = self.data.units
        texts = [
            amount_text(value, units.load) if is_load else clock_text(value, units.time) for value in values
        ]
        if len(set(texts)) == 1:
            return texts[0]
        names = [vehicle.name for vehicle in self.data.vehicles]
        return ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))

    # ---- what the laws say there

    @cached_property
    def durations(self) -> Floats:
        """Travel time of every arc by vehicle type at planning values; (types, n, n), infinite where no road is.

        What all types share is in memory once; the array cannot be written to then.
        """
        return self._whole(self._durations_from)

    @cached_property
    def costs(self) -> Floats:
        """Price of every arc by vehicle type, all cost terms and the price of distance together; (types, n, n).

        What all types share is in memory once; the array cannot be written to then.
        """
        return self._whole(lambda tails: self._costs_from(tails, self._known_durations(tails)))

    def _whole(self, rows: Callable[[Integers], Floats]) -> Floats:
        every = np.arange(len(self.data.names))
        blocks = [rows(tails) for tails in tail_blocks(every, len(every))]
        return of_types(np.concatenate(blocks, axis=1), len(self.data.vehicles))

    def arcs_from(self, tails: Integers) -> tuple[Floats, Floats]:
        """Return travel times and prices of all arcs that leave some nodes, as in :attr:`durations` and :attr:`costs`.

        Parameters
        ----------
        tails
            The nodes.

        Returns
        -------
        tuple
            Times and prices, each (types, tails, n), or (1, tails, n) where they are the same for all types.
        """
        durations = self._known_durations(tails)
        if self.data.keeps_matrices:
            return durations, _first_of_equal(self.costs)[:, tails]
        return durations, self._costs_from(tails, durations)

    def duration(self, vehicle: Integers, tail: Integers, head: Integers) -> Floats:
        """Return the travel time of legs at planning values."""
        if self.data.keeps_matrices or isinstance(self.laws.duration, ArrivalFunctions):
            return self.durations[vehicle, tail, head]
        point = self.point(DURATION)
        moment = point.load[vehicle], point.clock[vehicle]
        return self.laws.evaluate(DURATION, LegInputs(vehicle, tail, head, *moment, np.zeros(())))

    @cached_property
    def service(self) -> Floats:
        """Service time of each vehicle type at each node at planning values, at depots of a reload; (types, n)."""
        if not self.laws.service_moves:
            return self.laws.stated_service
        point, first = self.point(SERVICE), len(self.data.depots)
        kinds, nodes = np.arange(len(self.data.vehicles))[:, None], np.arange(first, len(self.data.names))
        stops = at_stops(kinds, nodes[None, :], point.load[:, None], point.clock[:, None])
        found = self.laws.stated_service.copy()
        found[:, first:] = self.laws.evaluate(SERVICE, stops)
        return found

    def _known_durations(self, tails: Integers) -> Floats:
        if self.data.keeps_matrices:
            return _first_of_equal(self.durations)[:, tails]
        return self._durations_from(tails)

    def _durations_from(self, tails: Integers) -> Floats:
        return np.stack(
            [self._rows(DURATION, kind, tails, np.zeros(())) for kind in self._told_apart(DURATION)]
        )

    def _costs_from(self, tails: Integers, durations: Floats) -> Floats:
        """Return the prices of arcs that leave some nodes, given their travel times."""
        heads = np.arange(len(self.data.names))
        rates = self.data.of_vehicles("unit_distance_cost")
        # a price is infinite where the travel time is
        kinds = self._told_apart(*self.laws.cost, *([DURATION] if self.laws.cost else []))
        if (rates != rates[0]).any():
            kinds = range(len(rates))
        there = self.data.usable(tails[:, None], heads[None, :])
        lengths = self.data.finite_lengths(tails[:, None], heads[None, :])
        total = np.empty((len(kinds), len(tails), len(heads)))
        for kind in kinds:
            total[kind] = np.where(there, lengths * rates[kind], np.inf)
            for name in self.laws.cost:
                total[kind] += self._rows(name, kind, tails, durations[min(kind, len(durations) - 1)])
        return total

    def _told_apart(self, *names: str) -> range:
        """Return the vehicle types for which laws may say something else of an arc: the first one where none does."""
        kinds = range(len(self.data.vehicles))
        alike = len({tuple(self._depends_on(name, kind) for name in names) for kind in kinds}) == 1
        return kinds[:1] if alike else kinds

    def _depends_on(self, name: str, kind: int) -> tuple[Any, ...]:
        """Return all of a vehicle type on which depends what a law says of an arc at planning values."""
        if isinstance(self.laws.law(name), ArrivalFunctions):
            return tuple(float(values[kind]) for values in self.bounds[1:])
        reads = self.laws.reads
        return (
            kind if reads(name, "vehicle") else None,
            float(self.point(name).load[kind]) if reads(name, "state.load") else None,
            float(self.point(name).clock[kind]) if reads(name, "clock") else None,
            self._depends_on(DURATION, kind) if name != DURATION and reads(name, "arc.duration") else None,
        )

    @cached_property
    def row_peaks(self) -> RowPeaks:
        """The dearest and the longest arc from each node; every law is evaluated once on every arc for it.

        Raises
        ------
        ProblemError
            If a law gives no number on an arc that can be driven.
        """
        data = self.data
        every = np.arange(len(data.names))
        longest, dearest = np.zeros((len(data.vehicles), len(every))), np.zeros(len(every))
        for tails in tail_blocks(every, len(every)):
            durations, costs = self.arcs_from(tails)
            allowed = np.isfinite(durations) & data.allowed[:, None, :]
            longest[:, tails] = np.where(allowed, durations, -np.inf).max(axis=2)
            dearest[tails] = np.where(np.isfinite(costs), costs, 0.0).max(axis=(0, 2))
        return RowPeaks(longest, dearest)

    @cached_property
    def linear_load_costs(self) -> tuple[Floats, Floats]:
        """Price of every arc for an empty vehicle, and what a unit of load adds; each (types, n, n).

        A law of the load is its secant between an empty and a full vehicle; other states are at planning values.
        """
        costs, slopes = np.array(self.costs), np.zeros_like(self.costs)
        nodes = np.arange(len(self.data.names))
        for name in self.laws.cost:
            if not self.laws.reads(name, "state.load"):
                continue
            for kind, full in enumerate(self.bounds[0]):
                times = self.durations[kind]
                empty, loaded, planned = (
                    self._rows(name, kind, nodes, times, load) for load in (0.0, float(full), None)
                )
                finite = np.isfinite(empty) & np.isfinite(loaded)
                rise = np.where(finite, loaded, 0.0) - np.where(finite, empty, 0.0)
                costs[kind] += np.where(finite, empty, 0.0) - np.where(finite, planned, 0.0)
                slopes[kind] += rise / full if full > 0 else 0.0
        return costs, slopes

    def _rows(
        self, name: str, kind: int, tails: Integers, duration: Floats, load: float | None = None
    ) -> Floats:
        """Return what a law says of all arcs that leave some nodes, (tails, n), at a load other than planned if given.

        Parameters
        ----------
        name
            The law.
        kind
            Vehicle type.
        tails, duration
            The nodes, and the travel times of the arcs.
        load
            Load on board; None for the planned one.
        """
        law, heads = self.laws.law(name), np.arange(len(self.data.names))
        if isinstance(law, ArrivalFunctions):
            return self._average(law, kind)[tails]
        point = self.point(name)
        moment = np.asarray(point.load[kind] if load is None else load), point.clock[kind]
        values = self.laws.evaluate(name, _arcs(kind, tails, heads, *moment, duration))
        return np.broadcast_to(values, (len(tails), len(heads)))

    def _average(self, law: ArrivalFunctions, vehicle: int) -> Floats:
        """Return each arc's average travel time of the shift.

        With the longest one instead, no plan could be late on the law, but plans were up to 5 % longer than the best
        known ones, against 2 %, on instances of the Lyon road network.
        """
        if vehicle not in self._averages:
            _, start, end = self.bounds
            every = np.arange(len(self.data.names))
            roads = self.laws.roads(every[:, None], every[None, :])
            average = law.average(float(start[vehicle]), float(end[vehicle]))
            self._averages[vehicle] = np.where(roads, average, np.inf)
        return self._averages[vehicle]


def _arcs(
    kind: int, tails: Integers, heads: Integers, load: Floats, clock: Floats, duration: Floats
) -> LegInputs:
    """Return every arc between some nodes for one vehicle type at one load and clock time."""
    return LegInputs(np.asarray(kind), tails[:, None], heads[None, :], load, np.asarray(clock), duration)


def _first_of_equal(values: Floats) -> Floats:
    """Return an array by vehicle type as one of one type, where all types share it."""
    return values[:1] if values.strides[0] == 0 else values
