"""Planning values: what a solver sees in place of the load and the clock, and the matrices that follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kanopt.arc_blocks import of_types, tail_blocks
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.leg_laws import DURATION, LegInputs, RoutingLaws
from kanopt.problems.routing.planning_points import PlanningPoints, arcs_between
from kanopt.problems.routing.service_times import SERVICE, StopInputs


@dataclass(frozen=True, eq=False)
class PlanStates:
    """Load and clock time at which a plan leaves each node, and serves it; by vehicle type and node, NaN where never.

    Parameters
    ----------
    load, clock
        Means over the legs of the plan that leave a node; (types, n).
    load_there, begin
        Means over the legs that lead to a node, of what is on board and of when service begins; (types, n).
    """

    load: Floats
    clock: Floats
    load_there: Floats
    begin: Floats

    @classmethod
    def of(cls, shape: tuple[int, int], legs: LegInputs, begin: Floats) -> PlanStates:
        """Collect them from the legs of a plan, and when service at the head of each begins."""
        left = _means(shape, (legs.vehicle, legs.tail), (legs.load, legs.clock))
        served = _means(shape, (legs.vehicle, legs.head), (legs.load, begin))
        return cls(*left, *served)


def _means(
    shape: tuple[int, int], at: tuple[Ints, Ints], values: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return means of loads and of clock times by vehicle type and node, where the time is known."""
    known = np.isfinite(values[1])
    kind, node = at[0][known], at[1][known]
    count, found = np.zeros(shape), []
    np.add.at(count, (kind, node), 1.0)
    for each in values:
        total, mean = np.zeros(shape), np.full(shape, np.nan)
        np.add.at(total, (kind, node), each[known])
        found.append(np.divide(total, count, out=mean, where=count > 0))
    return found[0], found[1]


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
    """The planning values of every law, and each law's matrix under them.

    Parameters
    ----------
    laws
        The laws.
    stated
        Values the user fixed: ``"state.load"``, ``"clock.hour"`` or ``"clock.minute"``, for all laws or for one, as in
        ``"duration.clock.hour"``.
    plan_states
        Loads and clock times of a plan, which take precedence over all others.

    Raises
    ------
    ProblemError
        If a key is unknown or a value is not a finite number.
    """

    def __init__(self, laws: RoutingLaws, stated: Mapping[str, Any], seen: PlanStates | None = None) -> None:
        self.laws = laws
        self.plan_states = seen
        self.points = PlanningPoints(laws, stated)
        self._averages: dict[int, Floats] = {}

    @property
    def data(self) -> RoutingData:
        """The problem's data."""
        return self.laws.data

    def state(self, name: str, vehicle: Ints, tail: Ints) -> tuple[Floats, Floats]:
        """Return the load and clock at which a law is planned on legs that leave some nodes."""
        moment = self.points.of(name)
        load, clock = moment.load[vehicle], moment.clock[vehicle]
        if self.plan_states is None:
            return load, clock
        known = self.plan_states.load[vehicle, tail], self.plan_states.clock[vehicle, tail]
        return np.where(np.isnan(known[0]), load, known[0]), np.where(np.isnan(known[1]), clock, known[1])

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

    def _whole(self, rows: Callable[[Ints], Floats]) -> Floats:
        every = np.arange(len(self.data.names))
        found: Floats | None = None
        for tails in tail_blocks(every, len(every)):
            block = rows(tails)
            if found is None:
                found = np.empty((len(block), len(every), len(every)))
            found[:, tails] = block
        assert found is not None  # there is a depot
        return of_types(found, len(self.data.vehicles))

    def arcs_from(self, tails: Ints) -> tuple[Floats, Floats]:
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

    def duration(self, vehicle: Ints, tail: Ints, head: Ints) -> Floats:
        """Return the travel time of legs at planning values."""
        if self.data.keeps_matrices:
            return self.durations[vehicle, tail, head]
        if isinstance(self.laws.duration, ArrivalFunctions) and self.points.stated_for(DURATION)[1] is None:
            return self.durations[vehicle, tail, head]
        load, clock = self.state(DURATION, vehicle, tail)
        return self.laws.evaluate(DURATION, LegInputs(vehicle, tail, head, load, clock, np.zeros(())))

    @cached_property
    def service(self) -> Floats:
        """Service time of each vehicle type at each node at planning values, at depots of a reload; (types, n)."""
        times = self.data.service_times
        if not times.plan_inputs:
            return times.stated
        moment, first = self.points.of(SERVICE), len(self.data.depots)
        kinds, nodes = np.arange(len(self.data.vehicles))[:, None], np.arange(first, len(self.data.names))
        load, clock = moment.load[:, None], moment.clock[:, None]
        if self.plan_states is not None:
            known = self.plan_states.load_there[:, nodes], self.plan_states.begin[:, nodes]
            load, clock = (
                np.where(np.isnan(seen), planned, seen)
                for seen, planned in zip(known, (load, clock), strict=True)
            )
        found = times.stated.copy()
        found[:, first:] = times.evaluate(StopInputs(kinds, nodes[None, :], load, clock))
        return found

    def _known_durations(self, tails: Ints) -> Floats:
        if self.data.keeps_matrices:
            return _first_of_equal(self.durations)[:, tails]
        return self._durations_from(tails)

    def _durations_from(self, tails: Ints) -> Floats:
        return np.stack(
            [self._rows(DURATION, kind, tails, np.zeros(())) for kind in self._told_apart(DURATION)]
        )

    def _costs_from(self, tails: Ints, durations: Floats) -> Floats:
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
        kinds = len(self.data.vehicles)
        return range(kinds if any(map(self._differs, names)) else 1)

    def _differs(self, name: str) -> bool:
        """Say whether what a law says of arcs at planning values may differ by vehicle type."""
        reads = self.laws.reads
        if reads(name, "vehicle") or (self.plan_states is not None and reads(name, "state", "clock")):
            return True
        if name != DURATION and reads(name, "arc.duration") and self._differs(DURATION):
            return True
        if isinstance(self.laws.law(name), ArrivalFunctions) and self.points.stated_for(name)[1] is None:
            _, start, end = self.points.bounds
            return bool((start != start[0]).any() or (end != end[0]).any())
        moment = self.points.of(name) if reads(name, "state", "clock") else None
        return moment is not None and bool(
            (reads(name, "state.load") and (moment.load != moment.load[0]).any())
            or (reads(name, "clock") and (moment.clock != moment.clock[0]).any())
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
        full, _, _ = self.points.bounds
        nodes = np.arange(len(self.data.names))
        for name in self.laws.cost:
            if not self.laws.reads(name, "state.load"):
                continue
            for place in range(len(self.data.vehicles)):
                _, clock = self.state(name, np.asarray(place), nodes[:, None])
                empty, loaded = (
                    self.laws.evaluate(
                        name, arcs_between(place, nodes, nodes, load, clock, self.durations[place])
                    )
                    for load in (0.0, full[place])
                )
                finite = np.isfinite(empty) & np.isfinite(loaded)
                rise = np.where(finite, loaded, 0.0) - np.where(finite, empty, 0.0)
                planned = self._rows(name, place, nodes, self.durations[place])
                costs[place] += np.where(finite, empty, 0.0) - np.where(finite, planned, 0.0)
                slopes[place] += rise / full[place] if full[place] > 0 else 0.0
        return costs, slopes

    def _rows(self, name: str, vehicle: int, tails: Ints, duration: Floats) -> Floats:
        """Return what a law says of all arcs that leave some nodes, given their travel time; (tails, n)."""
        law, heads = self.laws.law(name), np.arange(len(self.data.names))
        average = None
        if isinstance(law, ArrivalFunctions) and self.points.stated_for(name)[1] is None:
            average = self._average(law, vehicle)[tails]
            if self.plan_states is None:
                return average
        load, clock = self.state(name, np.asarray(vehicle), tails[:, None])
        values = self.laws.evaluate(name, arcs_between(vehicle, tails, heads, load, clock, duration))
        rows = np.broadcast_to(values, (len(tails), len(heads)))
        if average is None or self.plan_states is None:
            return rows
        return np.where(np.isnan(self.plan_states.clock[vehicle, tails])[:, None], average, rows)

    def _average(self, law: ArrivalFunctions, vehicle: int) -> Floats:
        """Return each arc's average travel time of the shift.

        With the longest one instead, no plan could be late on the law, but plans were up to 5 % longer than the best
        known ones, against 2 %, on instances of the Lyon road network.
        """
        if vehicle not in self._averages:
            _, start, end = self.points.bounds
            every = np.arange(len(self.data.names))
            roads = self.laws.roads(every[:, None], every[None, :])
            average = law.average(float(start[vehicle]), float(end[vehicle]))
            self._averages[vehicle] = np.where(roads, average, np.inf)
        return self._averages[vehicle]


def _first_of_equal(values: Floats) -> Floats:
    """Return an array by vehicle type as one of one type, where all types share it."""
    return values[:1] if values.strides[0] == 0 else values
