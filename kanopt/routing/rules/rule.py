"""What a rule of routing is, and what it is asked about: records and driven plans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import ProblemError
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.records.fields import next_day_hint
from kanopt.routing.arrays import RoutingData, RoutingPolicy
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.leg_laws import LegInputs, at_stops
from kanopt.routing.plan import RoutingPlan
from kanopt.text import amount_text, clock_text, join_list, number_text

Flags = NDArray[np.bool_]
Kind = Literal["load", "time", "who"]

_ABSOLUTE, _RELATIVE = 1e-6, 1e-9
_RECORDS: Mapping[str, type] = {"clients": Client, "vehicles": VehicleType, "policy": RoutingPolicy}


def exceeds(value: float, limit: float) -> bool:
    """Say whether a value passes a limit by more than the noise of floating-point sums.

    Examples
    --------
    >>> exceeds(0.1 + 0.2, 0.3), exceeds(0.31, 0.3)
    (False, True)
    """
    return bool(value > limit + _ABSOLUTE * min(1.0, max(abs(limit), 1e-3)) + _RELATIVE * abs(limit))


def slack(limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much values may pass limits before they exceed them; an infinite limit has none.

    Examples
    --------
    >>> slack(np.array([5.0, np.inf]))
    array([1.005e-06, 0.000e+00])
    """
    size = np.where(np.isfinite(limits), np.abs(limits), 0.0)
    return np.asarray(
        np.where(np.isfinite(limits), _ABSOLUTE * np.minimum(1.0, np.maximum(size, 1e-3)), 0.0)
        + _RELATIVE * size
    )


@dataclass(frozen=True, eq=False)
class Drive:
    """Routes driven forward. Arrays over legs, in the order of routes and stops, then arrays over routes.

    Parameters
    ----------
    route, vehicle, tail, head
        Route, vehicle type, start and end of each leg, as positions.
    loads
        On board during each leg in every measure, the load first; (measures, legs).
    leave, duration, arrive, begin
        Clock times and travel time of each leg; service at its head begins at `begin`, after waiting for the window. A
        break or a rest on the way is part of neither: one arrives later by it.
    late, stay, ready
        By how much service at the head of each leg begins after its last window, how long it takes, and when it may
        begin as far as goods must be ready.
    breaks_taken
        How many breaks are taken on each leg.
    kind
        Vehicle type of each route, as a position.
    departure, finish
        Clock times at which each route leaves and returns, or ends its last service where it need not return.
    ends_with
        On board of each route when it returns, or at the end of its last service, in every measure; (measures, routes).
    breaks_missed, breaks_before
        How many breaks of each route could not be taken, and how many were over when it left.
    """

    route: Integers
    vehicle: Integers
    tail: Integers
    head: Integers
    loads: Floats
    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    late: Floats
    stay: Floats
    ready: Floats
    breaks_taken: Integers
    kind: Integers
    departure: Floats
    finish: Floats
    ends_with: Floats
    breaks_missed: Integers
    breaks_before: Integers

    @property
    def load(self) -> Floats:
        """Load on board during each leg."""
        return np.asarray(self.loads[0])

    @property
    def route_durations(self) -> Floats:
        """How long each route takes."""
        return np.asarray(
            np.where(np.isfinite(self.finish), self.finish - np.nan_to_num(self.departure), np.inf)
        )

    @property
    def inputs(self) -> LegInputs:
        """The legs as inputs of a law, with the true load and clock."""
        return LegInputs(self.vehicle, self.tail, self.head, self.load, self.leave, self.duration, self.late)

    def stops(self, legs: Integers) -> LegInputs:
        """Return the stops at clients to which some legs lead, as inputs of a law of service times."""
        return at_stops(self.vehicle[legs], self.head[legs], self.load[legs], self.begin[legs])

    def of_route(self, place: int, legs: slice) -> Drive:
        """Return one of the routes, which has some of the legs."""
        names = [item.name for item in fields(self)]
        first = names.index("kind")
        own = slice(place, place + 1)
        parts = {
            name: getattr(self, name)[..., own if number >= first else legs]
            for number, name in enumerate(names)
        }
        return Drive(**{**parts, "route": np.zeros_like(parts["route"])})

    def side_by_side(self, count: int, kinds: int) -> Drive:
        """Return the routes so many times, each time with the vehicle types behind those of the time before.

        Parameters
        ----------
        count
            How often.
        kinds
            How many vehicle types there are.
        """
        shift = np.arange(count, dtype=np.intp)
        parts = {
            item.name: np.concatenate([getattr(self, item.name)] * count, axis=-1) for item in fields(self)
        }
        parts["vehicle"] = parts["vehicle"] + np.repeat(shift, len(self.tail)) * kinds
        parts["route"] = parts["route"] + np.repeat(shift, len(self.tail)) * len(self.departure)
        parts["kind"] = parts["kind"] + np.repeat(shift, len(self.departure)) * kinds
        return Drive(**parts)


class DrivenPlan(NamedTuple):
    """A plan that was driven on the law.

    Parameters
    ----------
    data, plan, driven
        The problem's data, a plan, and how it is driven.
    whole
        Whether the plan is all of it, so that every route under way must be in it.
    """

    data: RoutingData
    plan: RoutingPlan
    driven: Drive
    whole: bool = True

    def label(self, route: int) -> str:
        """Return the name of the vehicle of a route."""
        return self.plan.routes[route].label

    def vehicle(self, route: int) -> VehicleType:
        """Return the vehicle type of a route."""
        return self.data.vehicles[self.data.type_index[self.plan.routes[route].vehicle]]


class Given(NamedTuple):
    """What a problem is made of, while it is read."""

    depots: Sequence[Depot]
    clients: Sequence[Client]
    vehicles: Sequence[VehicleType]
    policy: RoutingPolicy
    units: RoutingUnits


class Rule(ABC):
    """A rule of routing: what it reads, when a plan breaks it and by how much, what it costs, and its words.

    A rule that is none of these says nothing to the question: each method has an answer that changes nothing.

    Attributes
    ----------
    name
        What it is called: the constraint of its violations, and what engines say they model.
    what
        What a problem has that has it, in a few words.
    words
        How its breaking is told of one and of several; None where it cannot be broken.
    fields
        The fields that state it, such as ``vehicles.shift_end``: it is stated where one of them is not as it is unless
        given.
    tables
        The tables that must be read before its faults are looked for.
    kind
        What of a vehicle is short where it is broken: room, time, or whom it may serve; else its name.
    must_hold
        Whether no relaxation of it is ever proposed.
    mend
        What would mend it at a place: a text with the amount as ``{by}``, and with ``{where}``.
    bottleneck
        What stands in the way of clients that no vehicle can serve for it, in a clause.
    limit_text
        What of a place would have to be more where several limits of time are passed.
    term
        The term of the price that it adds, if any.
    by_time
        Whether what happens on the way decides if a route breaks it.
    """

    name: ClassVar[str]
    what: ClassVar[str] = ""
    words: ClassVar[RuleWords | None] = None
    fields: ClassVar[tuple[str, ...]] = ()
    tables: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind | Literal[""]] = ""
    must_hold: ClassVar[bool] = False
    mend: ClassVar[str] = ""
    bottleneck: ClassVar[str] = ""
    limit_text: ClassVar[str] = ""
    term: ClassVar[str] = ""
    by_time: ClassVar[bool] = False

    # ---- records

    def stated(self, data: RoutingData) -> bool:
        """Say whether a problem has the rule."""
        records = {"clients": data.clients, "vehicles": data.vehicles, "policy": (data.policy,)}
        return any(
            any(getattr(record, field) != _blank(table, field) for record in records[table])
            for table, field in (stated.split(".") for stated in self.fields)
        )

    def faults(self, given: Given) -> Iterable[Fault]:
        """Yield what of the rule contradicts itself or names nothing."""
        return ()

    def remarks(self, data: RoutingData) -> Iterable[str]:
        """Yield what looks like a mistake, in a sentence with numbers."""
        return ()

    # ---- driven plans

    def broken(self, case: DrivenPlan) -> Iterable[Violation]:
        """Yield where a driven plan breaks the rule."""
        return ()

    def breaking(self, data: RoutingData, driven: Drive) -> Flags:
        """Say which routes break the rule on the way; (routes,)."""
        return np.zeros(len(driven.finish), dtype=bool)

    # ---- reasons

    def relaxed(self, data: RoutingData, broken: Sequence[Violation]) -> str:
        """Say what would have to be relaxed for a place that breaks the rule."""
        return join_list(list(dict.fromkeys(self.relaxed_by(data, each) for each in broken)))

    def relaxed_by(self, data: RoutingData, violation: Violation) -> str:
        """Say the same of one violation."""
        by = amount_text(violation.amount, violation.unit)
        return self.mend.format(by=by, where=violation.where) if self.mend else violation.message


@cache
def _blank(table: str, field: str) -> Any:
    return next(item.default for item in fields(_RECORDS[table]) if item.name == field)


class Measure(NamedTuple):
    """Numbers of a drive that may not exceed limits.

    Parameters
    ----------
    route
        The route of each.
    values, limits
        The numbers and their limits; what is infinite or unknown breaks no limit.
    unit
        Of both.
    text
        What is said of a vehicle that passes a limit, behind its name, with ``{value}``, ``{limit}``, by how much
        ``{over}``, and ``{what}``.
    clock
        Whether both are clock times.
    what
        What else is told, given the driven plan and the position.
    of_client
        Whether that is the client at which the limit is passed, in place of the vehicle.
    """

    route: Integers
    values: Floats
    limits: Floats
    unit: str
    text: str
    clock: bool = False
    what: Callable[[DrivenPlan, int], object] | None = None
    of_client: bool = False

    def violation(self, rule: str, case: DrivenPlan, place: int) -> Violation:
        """Return that a limit is passed at a position."""
        label, unit = case.label(int(self.route[place])), self.unit
        value, limit = float(self.values[place]), float(self.limits[place])
        words = [clock_text(each, unit) if self.clock else amount_text(each, unit) for each in (value, limit)]
        what = "" if self.what is None else self.what(case, place)
        over = amount_text(value - limit, unit)
        message = label + self.text.format(value=words[0], limit=words[1], over=over, what=what)
        where = f"client {what}" if self.of_client else label
        return Violation(rule, where, value - limit, unit, message)

    @property
    def over(self) -> Floats:
        """By how much the limits are passed, not at all where they are kept."""
        known = np.isfinite(self.values) & np.isfinite(self.limits)
        over = np.zeros(len(self.values))
        np.subtract(self.values, self.limits, out=over, where=known)
        return np.maximum(over, 0.0)

    @property
    def is_over(self) -> Flags:
        """Which limits are passed by more than noise."""
        return np.asarray(np.isfinite(self.values) & (self.values > self.limits + slack(self.limits)))


class Limit(Rule):
    """A rule by which numbers of a drive keep to limits."""

    by_time = True

    @abstractmethod
    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield the numbers and their limits."""

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield every limit that is passed."""
        for measure in self.measures(case.data, case.driven):
            for place in np.flatnonzero(measure.is_over).tolist():
                yield measure.violation(self.name, case, place)

    def breaking(self, data: RoutingData, driven: Drive) -> Flags:
        """Say which routes pass a limit; (routes,)."""
        found = np.zeros(len(driven.finish), dtype=bool)
        for measure in self.measures(data, driven):
            found[measure.route[measure.is_over]] = True
        return found

    def excess(self, data: RoutingData, driven: Drive) -> Floats:
        """Return by how much each route passes limits in all; (routes,)."""
        count = len(driven.finish)
        over = [
            np.bincount(measure.route, weights=measure.over, minlength=count)
            for measure in self.measures(data, driven)
        ]
        return np.asarray(np.sum(over, axis=0), dtype=float)


class Pause(Rule):
    """A rule that asks drivers to pause on the way.

    Attributes
    ----------
    numbers
        The fields of vehicle types that decide it; ``routing/search/racer/kernel/pauses.h`` reads them in this order.
    word
        What one of its pauses is called.
    """

    numbers: ClassVar[tuple[str, ...]] = ()
    word: ClassVar[str]

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield vehicles that state some of the fields that decide it, but not all: they would never pause."""
        for one in given.vehicles:
            open_ones = [name for name in self.numbers if getattr(one, name) == _blank("vehicles", name)]
            stated = [name for name in self.numbers if name not in open_ones]
            if stated and open_ones:
                value = amount_text(getattr(one, stated[0]), given.units.time)
                also = join_list(open_ones)
                advice = f"write {also} (in {given.units.time}) as well, or leave {join_list(stated)} blank"
                yield Fault(
                    "vehicles", f"{value} says nothing without {also}", (one.name,), stated[0], advice=advice
                )

    @abstractmethod
    def pause(self, data: RoutingData, kind: Integers, before: Floats, after: Floats) -> Floats:
        """Return how long drivers pause on a leg; (routes,).

        Parameters
        ----------
        data
            The problem's data.
        kind
            Vehicle type of each route.
        before, after
            How long each driver is at the wheel in all before the leg and after it.
        """

    @abstractmethod
    def taken(
        self, data: RoutingData, kind: int, before: float, after: float
    ) -> Iterable[tuple[float, float]]:
        """Return the pauses on one leg, as :meth:`pause` sums them: after how long at the wheel, and how long."""


class Price(Rule):
    """A rule that adds a price, by a rate.

    Attributes
    ----------
    rate
        The field of vehicle types that is it.
    """

    rate: ClassVar[str]

    def rates(self, data: RoutingData) -> Floats:
        """Return the rates, by vehicle type unless said otherwise."""
        return data.of_vehicles(self.rate)

    def is_paid(self, data: RoutingData) -> bool:
        """Say whether a problem pays it."""
        return bool(self.rates(data).any())


class LegPrice(Price):
    """A rule that adds a price of each leg."""

    @abstractmethod
    def amounts(self, data: RoutingData, driven: Drive) -> Floats:
        """Return the price of each leg."""


class RoutePrice(Price):
    """A rule that adds a price of each route."""

    @abstractmethod
    def amounts(self, data: RoutingData, kind: Integers, spent: Floats) -> Floats:
        """Return the price of each route, given its vehicle type and how long it takes."""


def sum_by_route(driven: Drive, amounts: Floats) -> Floats:
    """Return the sums of what legs amount to; (routes,)."""
    return np.bincount(driven.route, weights=amounts, minlength=len(driven.finish)).astype(np.float64)


def early_ends(
    table: str, records: Sequence[Any], ends: tuple[str, str], what: str, time: str
) -> Iterator[Fault]:
    """Yield what ends before it begins, and how the next day is written.

    Parameters
    ----------
    table, records
        The table and its records.
    ends
        The fields with begin and end.
    what, time
        What is wrong, and the unit of time.
    """
    begin, end = ends
    wrong = [one for one in records if not getattr(one, begin) <= getattr(one, end)]
    if wrong:
        last = [getattr(one, end) for one in wrong]
        shown = f"{number_text(getattr(wrong[0], begin), 6)} to {number_text(last[0], 6)}"
        hint = next_day_hint(last, time).removeprefix("; ")
        yield Fault(table, f"{what} ({shown})", tuple(one.name for one in wrong), advice=hint)


def unreadable(
    table: str, field: str, records: Sequence[Any], read: Callable[[str], object]
) -> Iterator[Fault]:
    """Yield texts of a field that cannot be read."""
    for record in records:
        try:
            read(getattr(record, field))
        except ProblemError as error:
            yield Fault(table, str(error), (record.name,), field)
