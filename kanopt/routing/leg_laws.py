"""The laws of a routing problem, evaluated on its legs.

A law is evaluated on arrays of legs: an n × n matrix per vehicle type when a solver asks, the legs of a plan
when it is priced. Both go through :class:`RoutingLaws`, so that solver and re-pricing cannot disagree about
what a law says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import arcs_of
from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError, ProblemError
from kanopt.formulas.columns import read_columns
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import computed
from kanopt.formulas.pieces import gap_inputs
from kanopt.formulas.references import Reference, ReferenceValue, Resolver
from kanopt.plans.plan_day import day_value
from kanopt.records.record import field_values
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.data import RoutingData
from kanopt.routing.entities import VehicleType
from kanopt.units import convert

RoutingLaw = BoundFormula | ArrivalFunctions | Floats
DURATION = "duration"


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
        return LegInputs(
            self.vehicle[legs],
            self.tail[legs],
            self.head[legs],
            self.load[legs],
            self.clock[legs],
            self.duration[legs],
            None if self.late is None else self.late[legs],
        )


class RoutingLaws:
    """The laws of a routing problem, evaluated on legs.

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
        self._place_values: dict[str, ReferenceValue] = {}

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

    def law(self, name: str) -> RoutingLaw:
        """Return a cost law by its term, or the law of travel time."""
        return self.duration if name == DURATION else self.cost[name]

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
        return self.data.units.time if name == DURATION else self.data.units.money

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
        usable = self.roads(tail, head)
        if name != DURATION:
            usable = usable & np.isfinite(inputs.duration)
        if isinstance(law, ArrivalFunctions):
            return np.where(usable, law.duration(tail, head, inputs.clock), np.nan)
        if not isinstance(law, BoundFormula):
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
                values = self._vehicle_values(reference.field, name)
                return ReferenceValue(values.values[inputs.vehicle], values.unit)
            if reference.scope == "client":
                values = self._of_places(reference.field, name)
                return ReferenceValue(values.values[inputs.head], values.unit)
            if reference.end is not None:
                end, field = reference.end
                values = self._of_places(field, name)
                return ReferenceValue(
                    values.values[inputs.tail if end == "from" else inputs.head], values.unit
                )
            if reference.scope == "day":
                return day_value(self.data.day, reference)
            return self._plan_dependent(reference, name, inputs)

        return resolve

    def _plan_dependent(self, reference: Reference, law: str, inputs: LegInputs) -> ReferenceValue:
        """Look up arc, load and clock."""
        units = self.data.units
        what = str(reference)
        if what == "arc.distance":
            return ReferenceValue(self.data.finite_lengths(inputs.tail, inputs.head), units.distance)
        if what in ("arc.straight_distance", "arc.eastward", "arc.northward"):
            return self.data.straight(reference.field, law, inputs.tail, inputs.head)
        if what == "arc.duration" and law != DURATION:
            return ReferenceValue(np.where(np.isfinite(inputs.duration), inputs.duration, 1.0), units.time)
        if what == "state.load":
            return ReferenceValue(inputs.load, units.load)
        if what in ("clock.hour", "clock.minute"):
            unit, day = ("h", 24.0) if reference.field == "hour" else ("min", 1440.0)
            finite = np.where(np.isfinite(inputs.clock), inputs.clock, 0.0)
            return ReferenceValue(np.mod(convert(finite, units.time, unit), day), unit)
        if what == "clock.late" and law != DURATION:
            return ReferenceValue(np.zeros(()) if inputs.late is None else inputs.late, units.time)
        if what == "clock.late":
            raise ProblemError(f"law {law!r}: the law of travel time cannot read how late one will be")
        # a problem refuses laws that are bound to anything else
        raise ProblemError(f"law {law!r}: the law of travel time cannot read 'arc.duration', which it gives")

    def _vehicle_values(self, field: str, law: str) -> ReferenceValue:
        vehicles: Sequence[Any] = self.data.vehicles
        return field_values(
            vehicles, field, units=self.data.units.of(VehicleType), where=f"law {law!r}: vehicles"
        )

    def _of_places(self, field: str, law: str) -> ReferenceValue:
        if field not in self._place_values:
            self._place_values[field] = self.data.place_values(field, law)
        return self._place_values[field]


def _where_known(law: BoundFormula, resolve: Resolver, unit: str) -> Floats:
    """Evaluate a law, NaN where it has no value."""
    formula = law.formula
    columns = read_columns(formula.inputs, law.arguments(resolve), formula.used, gap_inputs(formula.root))
    with np.errstate(all="ignore"):
        values = np.asarray(computed(formula.root, columns), dtype=float)
    known = np.where(np.isfinite(values), values, np.nan)
    return np.asarray(ReferenceValue(known, formula.output.unit).to(unit), dtype=float)
