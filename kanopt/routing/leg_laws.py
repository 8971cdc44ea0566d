"""The laws of a routing problem, evaluated on its legs and stops.

A law is evaluated on arrays of legs: an n × n matrix per vehicle type when a solver asks, the legs of a plan
when it is priced. Both go through :class:`RoutingLaws`, so that solver and re-pricing cannot disagree about
what a law says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import arcs_of
from kanopt.array_types import Floats, Indices, Integers
from kanopt.errors import FormulaError, ProblemError
from kanopt.formulas.columns import read_columns
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import computed
from kanopt.formulas.variables import Reference, ReferenceValue, Resolver
from kanopt.plans.law_use import day_value
from kanopt.records.reading import field_values
from kanopt.routing.arrays import RoutingData
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.entities import Client, VehicleType
from kanopt.text import amount_text, clock_text
from kanopt.units import convert

_LATER = 1e-7
_SAMPLES = 2_000_000
"""Moments at which a law of stops is looked at: each minute, or fewer where there are many clients."""

RoutingLaw = BoundFormula | ArrivalFunctions | Floats
DURATION = "duration"
SERVICE = "service"
"""What the law of service times is called."""


@dataclass(frozen=True)
class LegInputs:
    """The legs a law is evaluated on; all arrays broadcast against each other.

    Parameters
    ----------
    vehicle, tail, head
        Vehicle type, start and end of each leg, as positions.
    load, clock, duration
        Load on board, clock time at the start of the leg, and travel time, in the problem's units.
    late
        By how much service at the head begins after its last window; None where nobody is late.
    """

    vehicle: Integers
    tail: Integers
    head: Integers
    load: Floats
    clock: Floats
    duration: Floats
    late: Floats | None = None

    def select(self, legs: Integers) -> LegInputs:
        """Return some of the legs, where every array is one of legs."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        some: dict[str, Any] = {name: None if each is None else each[legs] for name, each in given.items()}
        return LegInputs(**some)


def at_stops(vehicle: Indices, node: Indices, load: Floats, clock: Floats) -> LegInputs:
    """Return stops at clients as the inputs of a law of service times: legs that stay where they are.

    Parameters
    ----------
    vehicle, node
        Vehicle type and client of each stop, as positions.
    load, clock
        What is on board when the vehicle arrives, and when service begins.
    """
    return LegInputs(vehicle, node, node, load, clock, np.zeros(()))


class RoutingLaws:
    """The laws of a routing problem, evaluated on legs; that of service times on stops.

    Parameters
    ----------
    data
        The problem's data.
    cost
        Price per leg, by term.
    duration
        Travel time per leg.
    lenient
        Whether a leg on which a formula gives no number cannot be driven, in place of being refused.
    """

    def __init__(
        self,
        data: RoutingData,
        cost: Mapping[str, RoutingLaw],
        duration: RoutingLaw,
        *,
        lenient: bool = False,
    ) -> None:
        self.lenient = lenient
        self.data = data
        self.cost = dict(cost)
        self.duration = duration
        self._place_values: dict[tuple[str, str], ReferenceValue] = {}

    def leniently(self) -> RoutingLaws:
        """Return the laws by which a leg on which a formula gives no number cannot be driven."""
        return RoutingLaws(self.data, self.cost, self.duration, lenient=True)

    def roads(self, tail: Integers, head: Integers) -> NDArray[np.bool_]:
        """Say which arcs can be driven: with a length, and finite in every matrix of times and prices."""
        roads = self.data.usable(tail, head)
        for law in (self.duration, *self.cost.values()):
            if isinstance(law, ArrivalFunctions):
                roads = roads & arcs_of(law.roads, tail, head)
            elif not isinstance(law, BoundFormula):
                roads = roads & np.isfinite(arcs_of(law, tail, head))
        return roads

    def all_lengths(self) -> Floats:
        """Return the length of every arc, infinite where there is no road; (n, n)."""
        every = np.arange(len(self.data.names))
        return np.where(self.roads(every[:, None], every[None, :]), self.data.distance, np.inf)

    def law(self, name: str) -> RoutingLaw | None:
        """Return a cost law by its term, the law of travel time, or that of service times, None where there is none."""
        own = {DURATION: self.duration, SERVICE: self.data.policy.service}
        return own[name] if name in own else self.cost[name]

    def formulas(self) -> dict[str, BoundFormula]:
        """Return the laws that are formulas, travel time first."""
        named = {DURATION: self.duration, **self.cost}
        return {name: law for name, law in named.items() if isinstance(law, BoundFormula)}

    def reads(self, name: str, *references: str) -> bool:
        """Say whether a law reads any of the references, given as ``scope`` or ``scope.field``."""
        law = self.law(name)
        if isinstance(law, ArrivalFunctions):
            return any(reference.partition(".")[0] == "clock" for reference in references)
        if not isinstance(law, BoundFormula):
            return False
        return any(str(found) in references or found.scope in references for found in law.references)

    def is_moved_by_clock(self, name: str) -> bool:
        """Say whether what a cost law says of a leg depends on when that begins, or on how late one is."""
        by_time = self.reads(name, "arc.duration") and self.reads(DURATION, "clock")
        return by_time or self.reads(name, "clock")

    def unit(self, name: str) -> str:
        """Return the unit a law is evaluated in."""
        return self.data.units.time if name in (DURATION, SERVICE) else self.data.units.money

    def evaluate(self, name: str, inputs: LegInputs) -> Floats:
        """Evaluate a law on legs.

        A value below zero is taken as zero, for the solver and for re-pricing alike; ``outside`` says where. Legs
        that cannot be driven are infinite.

        Raises
        ------
        ProblemError
            If the law gives no number on a leg that can be driven; names the law and the place.
        """
        raw = self.raw(name, inputs)
        return np.where(np.isnan(raw), np.inf, np.maximum(raw, 0.0))

    def raw(self, name: str, inputs: LegInputs) -> Floats:
        """Evaluate a law as it is, with NaN on legs that cannot be driven."""
        law, tail, head = self.law(name), inputs.tail, inputs.head
        if name == SERVICE:
            shapes = (np.shape(each) for each in (inputs.vehicle, head, inputs.load, inputs.clock))
            usable = np.ones(np.broadcast_shapes(*shapes), dtype=bool)
        else:
            usable = self.roads(tail, head)
        if name in self.cost:
            usable = usable & np.isfinite(inputs.duration)
        if isinstance(law, ArrivalFunctions):
            return np.where(usable, law.duration(tail, head, inputs.clock), np.nan)
        if not isinstance(law, BoundFormula):
            assert law is not None
            return np.where(usable, arcs_of(law, tail, head), np.nan)
        resolve = self.resolver(name, inputs)
        try:
            values = (
                _where_known(law, resolve, self.unit(name))
                if self.lenient
                else law.evaluate(resolve, self.unit(name))
            )
        except FormulaError as error:
            raise ProblemError(f"law {name!r}: {error}") from error
        return np.where(usable, values, np.nan)

    def outside(self, name: str, inputs: LegInputs) -> NDArray[np.bool_]:
        """Say which legs lie outside the data the law was learned from; all False for a matrix.

        Arrival functions are known between their first and last point.
        """
        law = self.law(name)
        shape = np.broadcast_shapes(inputs.tail.shape, inputs.head.shape)
        if isinstance(law, ArrivalFunctions):
            return np.array(np.broadcast_to(law.outside(inputs.tail, inputs.head, inputs.clock), shape))
        if not isinstance(law, BoundFormula):
            return np.zeros(shape, dtype=bool)
        outside = law.outside(self.resolver(name, inputs))
        reached = self.roads(inputs.tail, inputs.head)
        return np.asarray(np.broadcast_to(outside, shape) & reached)

    def resolver(self, name: str, inputs: LegInputs) -> Resolver:
        """Return the function that looks references up for these legs."""

        def resolve(reference: Reference) -> ReferenceValue:
            if reference.scope == "vehicle":
                vehicles: Sequence[Any] = self.data.vehicles
                units = self.data.units.of(VehicleType)
                where = f"law {name!r}: vehicles"
                values, at = field_values(vehicles, reference.field, units=units, where=where), inputs.vehicle
            elif reference.scope == "client" or reference.end is not None:
                end, field = reference.end or ("to", reference.field)
                key = name if name == SERVICE else "", field
                if key not in self._place_values:
                    self._place_values[key] = self._places(name, field)
                values, at = self._place_values[key], inputs.tail if end == "from" else inputs.head
                at = at - len(self.data.depots) if name == SERVICE else at
            else:
                return self._plan_dependent(reference, name, inputs)
            return ReferenceValue(values.values[at], values.unit)

        return resolve

    def _places(self, name: str, field: str) -> ReferenceValue:
        """Look a field of all places up; of clients alone for a law of stops, which is none of depots."""
        if name != SERVICE:
            return self.data.place_values(field, name)
        where = f"law {name!r}: clients"
        return field_values(self.data.clients, field, units=self.data.units.of(Client), where=where)

    def _plan_dependent(self, reference: Reference, law: str, inputs: LegInputs) -> ReferenceValue:
        """Look up arc, load and clock."""
        units, what = self.data.units, str(reference)
        if what == "arc.distance":
            return ReferenceValue(self.data.finite_lengths(inputs.tail, inputs.head), units.distance)
        if what in ("arc.straight_distance", "arc.eastward", "arc.northward"):
            return self.data.straight(reference.field, law, inputs.tail, inputs.head)
        if reference.scope == "day":
            return day_value(self.data.day, reference)
        if what == "state.load":
            return ReferenceValue(inputs.load, units.load)
        if what not in ("arc.duration", "clock.late"):
            unit, day = ("h", 24.0) if reference.field == "hour" else ("min", 1440.0)
            finite = np.where(np.isfinite(inputs.clock), inputs.clock, 0.0)
            return ReferenceValue(np.mod(convert(finite, units.time, unit), day), unit)
        if law == DURATION:
            # a problem refuses laws that are bound to anything else
            given = "'arc.duration', which it gives" if what == "arc.duration" else "how late one will be"
            raise ProblemError(f"law {law!r}: the law of travel time cannot read {given}")
        if what == "arc.duration":
            return ReferenceValue(np.where(np.isfinite(inputs.duration), inputs.duration, 1.0), units.time)
        return ReferenceValue(np.zeros(()) if inputs.late is None else inputs.late, units.time)

    # ---- how long stops take: a field of clients, or a law of the stop, of when it begins and of what is on board

    @cached_property
    def service_moves(self) -> bool:
        """Whether only a plan fixes how long stops take."""
        return self.reads(SERVICE, "state", "clock")

    @cached_property
    def stated_service(self) -> Floats:
        """Service time by vehicle type and node, of a reload at depots; NaN where only a plan fixes it; (types, n)."""
        data, nothing = self.data, np.zeros(())
        kinds, clients = np.arange(len(data.vehicles))[:, None], np.arange(len(data.depots), len(data.names))
        if data.policy.service is None:
            stops = data.of_nodes("service_duration")[clients]
        elif self.service_moves:
            stops = np.full(len(clients), np.nan)
        else:
            stops = self.evaluate(SERVICE, at_stops(kinds, clients[None, :], nothing, nothing))
        reloads = np.repeat(data.of_vehicles("reload_time")[:, None], len(data.depots), axis=1)
        return np.concatenate([reloads, np.broadcast_to(stops, (len(kinds), len(clients)))], axis=1)

    def check_service(self) -> None:
        """Refuse a law of service times that gives no number, or falls faster than the clock runs.

        With such a law who begins later would be done earlier. It is looked at each minute from the first start of a
        shift to midnight, or to the last end after it, for every client and vehicle type, empty, half full and full.

        Raises
        ------
        ProblemError
            Names the client, the vehicle type and the time.
        """
        if not self.service_moves or not self.data.clients:
            _ = self.stated_service
            return
        data = self.data
        shape = len(data.vehicles), len(data.clients)
        kind, node = (each.ravel() for each in np.indices(shape))
        node = node + len(data.depots)
        loads = np.array([0.0, 0.5, 1.0]) * data.most_load if self.reads(SERVICE, "state") else np.zeros(1)
        clocks = self._service_clocks(len(kind) * len(loads))
        size = max(1, _SAMPLES // (10 * len(clocks)))
        for some in (slice(begin, begin + size) for begin in range(0, len(kind), size)):
            for load in loads:
                stay = self.evaluate(
                    SERVICE, at_stops(kind[some, None], node[some, None], load, clocks[None, :])
                )
                falls = np.diff(clocks + stay, axis=1) < -_LATER
                if self.reads(SERVICE, "clock") and falls.any():
                    row, at = np.argwhere(falls)[0]
                    self._refuse_service(
                        int(kind[some][row]),
                        int(node[some][row]),
                        clocks[at : at + 2],
                        stay[row, at : at + 2],
                    )

    def _service_clocks(self, stops: int) -> Floats:
        """Return the moments at which the law is looked at."""
        data, minute = self.data, convert(1.0, "min", self.data.units.time)
        day = convert(24.0, "h", data.units.time)
        start, end = data.of_vehicles("shift_start"), data.of_vehicles("shift_end")
        # a shift that ends before midnight may be relaxed, to say what its end costs
        end = np.maximum(np.where(np.isfinite(end), end, day), np.maximum(day, start))
        first, last = float(start.min()), float(min(end.max(), start.min() + day + minute))
        if not self.reads(SERVICE, "clock"):
            return np.array([first])
        step = minute * max(1.0, np.ceil((last - first) / minute * stops / _SAMPLES))
        return np.append(np.arange(first, last, step), last - _LATER) if last > first else np.array([first])

    def _refuse_service(self, kind: int, node: int, clock: Floats, stay: Floats) -> None:
        data, unit = self.data, self.data.units.time
        begin, done = ([clock_text(float(time), unit) for time in times] for times in (clock, clock + stay))
        takes = [amount_text(float(time), unit) for time in stay]
        raise ProblemError(
            f"law 'service': at client {data.names[node]!r} a stop of {data.vehicles[kind].name!r} takes {takes[0]} "
            f"from {begin[0]} and {takes[1]} from {begin[1]}: whoever begins later is done earlier, at {done[1]} "
            f"instead of {done[0]}; give a law that falls by less than the time that passes"
        )


def _where_known(law: BoundFormula, resolve: Resolver, unit: str) -> Floats:
    """Evaluate a law, NaN where it has no value."""
    formula = law.formula
    columns = read_columns(formula.inputs, law.arguments(resolve), formula.used)
    with np.errstate(all="ignore"):
        values = np.asarray(computed(formula.root, columns), dtype=float)
    known = np.where(np.isfinite(values), values, np.nan)
    return np.asarray(ReferenceValue(known, formula.output.unit).to(unit), dtype=float)
