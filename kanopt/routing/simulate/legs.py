"""Routes laid out as arrays of legs: what is on board, how long a leg takes, when service begins at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.routing.arrays import RoutingData
from kanopt.routing.leg_laws import DURATION, SERVICE, LegInputs, RoutingLaws, at_stops
from kanopt.routing.plan import Route
from kanopt.routing.planning_values import PlanningValues

_BY_ROUTE = (
    "kind", "tail", "head", "valid", "stay", "ready", "earliest", "has_left", "fixed", "stops", "travel_errors",
    "service_errors",
)  # fmt: skip
_NOTHING = 1e-12
_SLACK = 1e-7


class TimeErrors(Protocol):
    """By how much times of legs, or of services at their heads, differ from what the laws say."""

    def __getitem__(self, routes: Integers) -> Self:
        """Return those of some routes, each as often as it is named."""

    def apply(self, leg: int, times: Floats) -> Floats:
        """Return how long one leg of each route takes, given what the law says; (routes,)."""


@dataclass(frozen=True, eq=False)
class ChangedTimes:
    """Times that are longer by a factor and by something more, at least nothing in all; (routes, legs) each."""

    factor: Floats
    more: Floats

    def __getitem__(self, routes: Integers) -> ChangedTimes:
        """Return those of some routes, each as often as it is named."""
        return ChangedTimes(self.factor[routes], self.more[routes])

    def apply(self, leg: int, times: Floats) -> Floats:
        """Return how long one leg of each route takes, given what the law says; (routes,)."""
        return np.maximum(times * self.factor[:, leg] + self.more[:, leg], 0.0)


@dataclass(frozen=True, eq=False)
class PaddedRoutes:
    """Routes padded to one length, so that many are driven at once; arrays of shape (routes, legs).

    Parameters
    ----------
    laws
        The problem's laws.
    kind
        Vehicle type of each route, as a position; (routes,).
    tail, head
        Nodes at which each leg starts and ends.
    valid
        Which legs are driven: those that are no padding and do not stay where they are. The others take no time.
    loads
        On board during each leg in every measure, the load first; (measures, routes, legs).
    stay
        How long service at the head takes; NaN where it depends on when it begins, see :meth:`service`.
    ready
        When service at the head may begin as far as goods must be ready: where it is a source; where it is a reload so
        that the next trip leaves no earlier than when all that it carries is ready.
    earliest
        When each route may leave at the earliest; (routes,). Of a route under way it is when it has left, where that is
        known, and then it leaves at no other time.
    has_left
        Of which routes it is known when they have left; (routes,).
    fixed
        Travel times, where they do not depend on the clock; else None.
    by_clock
        Terms of the cost laws that the clock moves.
    stops
        How many stops each route has; (routes,).
    travel_errors, service_errors
        By how much legs and services take longer or shorter than the laws say; None where they take as long.
    """

    laws: RoutingLaws
    kind: Integers
    tail: Integers
    head: Integers
    valid: NDArray[np.bool_]
    loads: Floats
    stay: Floats
    ready: Floats
    earliest: Floats
    has_left: NDArray[np.bool_]
    fixed: Floats | None
    by_clock: tuple[str, ...]
    stops: Integers
    travel_errors: TimeErrors | None = None
    service_errors: TimeErrors | None = None

    def select(self, routes: Integers) -> PaddedRoutes:
        """Return some of the routes, each as often as it is named."""
        given = {name: getattr(self, name) for name in _BY_ROUTE}
        found: dict[str, Any] = {name: each[routes] for name, each in given.items() if each is not None}
        return replace(self, loads=self.loads[:, routes], **found)

    @property
    def nodes(self) -> Integers:
        """Nodes of each route from its depot on; (routes, legs + 1)."""
        return np.concatenate([self.tail[:, :1], self.head], axis=1)

    def with_demands(self, carried: Floats) -> PaddedRoutes:
        """Return the routes with other demands, of the load at each node; shape of :attr:`nodes`."""
        data = self.laws.data
        return self.with_load(_load_on_board(data, self.nodes, carried, data.pickup[self.nodes]))

    def with_load(self, load: Floats) -> PaddedRoutes:
        """Return the routes with another load on board, (routes, legs), and the times that follow from it."""
        laws, data, fixed, stay = self.laws, self.laws.data, self.fixed, self.stay
        if fixed is not None and laws.reads(DURATION, "state"):
            fixed = np.where(self.valid, _durations(laws, (self.kind, self.tail, self.head), load), 0.0)
        if laws.reads(SERVICE, "state"):
            at_clients = self.valid & (self.head >= len(data.depots))
            stay = np.where(at_clients, _service(laws, self.kind, self.head, load), stay)
        return replace(self, loads=np.concatenate([load[None], self.loads[1:]]), fixed=fixed, stay=stay)

    @property
    def has_breaks(self) -> NDArray[np.bool_]:
        """Which routes have breaks; (routes,)."""
        by_type = np.array([bool(breaks) for breaks in self.laws.data.breaks], dtype=bool)
        return np.asarray(by_type[self.kind] & self.valid.any(axis=1))

    @property
    def has_timed_stops(self) -> bool:
        """Whether service times depend on the clock."""
        return bool(np.isnan(self.stay).any())

    def service(self, leg: int, begin: Floats) -> Floats:
        """Return how long service at the head of one leg of each route takes, beginning at times of shape (routes,)."""
        stay = self.stay[:, leg]
        unknown = np.isnan(stay)
        if unknown.any():
            found, asked = np.where(unknown, 0.0, stay), unknown & np.isfinite(begin)
            here = self.kind[asked], self.head[asked, leg], self.loads[0, asked, leg], begin[asked]
            found[asked] = self.laws.evaluate(SERVICE, at_stops(*here))
            stay = found
        if self.service_errors is not None:
            served = self.valid[:, leg] & (self.head[:, leg] >= len(self.laws.data.depots))
            stay = np.where(served, self.service_errors.apply(leg, stay), stay)
        return np.asarray(stay)

    def price(self, leg: int, clock: Floats, spent: Floats, begin: Floats) -> Floats:
        """Return what one leg of each route costs as far as the clock decides; arrays of shape (routes,).

        Parameters
        ----------
        leg
            The leg.
        clock, spent, begin
            When it begins, how long it takes, and when service at its head begins; infinite where nobody gets there.
        """
        data, found = self.laws.data, np.zeros(len(clock))
        some = np.flatnonzero(self.valid[:, leg] & np.isfinite(begin))
        head, begins = self.head[some, leg], begin[some]
        late = np.maximum(begins - data.latest[head], 0.0)
        found[some] = data.lateness_rate[head] * late
        if self.by_clock:
            tail, load = self.tail[some, leg], self.loads[0, some, leg]
            inputs = LegInputs(self.kind[some], tail, head, load, clock[some], spent[some], late)
            for name in self.by_clock:
                found[some] += self.laws.evaluate(name, inputs)
        return found

    def duration(self, leg: int, clock: Floats) -> Floats:
        """Return the travel time of one leg of each route, leaving at clock times of shape (routes,)."""
        spent = self._law_duration(leg, clock)
        if self.travel_errors is None:
            return spent
        return np.where(self.valid[:, leg], self.travel_errors.apply(leg, spent), spent)

    def _law_duration(self, leg: int, clock: Floats) -> Floats:
        if self.fixed is not None:
            return np.asarray(self.fixed[:, leg])
        valid, spent = self.valid[:, leg], np.zeros(len(clock))
        if valid.any():
            tail, head, load = self.tail[valid, leg], self.head[valid, leg], self.loads[0, valid, leg]
            inputs = LegInputs(self.kind[valid], tail, head, load, clock[valid], np.zeros(()))
            spent[valid] = self.laws.evaluate(DURATION, inputs)
        return spent


def pad_routes(
    laws: RoutingLaws, planning: PlanningValues, routes: Sequence[Route], *, frozen: bool = False
) -> PaddedRoutes:
    """Lay routes out as arrays; `frozen` takes travel times at their planning values."""
    data = laws.data
    lengths = np.array([len(route.clients) for route in routes], dtype=np.intp)
    longest = int(lengths.max(initial=0)) + 1
    nodes = np.empty((len(routes), longest + 1), dtype=np.intp)
    for place, route in enumerate(routes):
        way = [data.index[name] for name in data.way_of(route)]
        nodes[place] = way[-1] if way[-1] < len(data.depots) else way[0]
        nodes[place, : len(way)] = way
    kind = np.array([data.type_index[route.vehicle] for route in routes], dtype=np.intp)
    returns = np.array([data.vehicles[one].returns for one in kind], dtype=bool)
    tail, head, legs = nodes[:, :-1], nodes[:, 1:], np.arange(longest)
    valid = (legs < (lengths + returns)[:, None]) & (tail != head)
    loads = _loads_on_board(data, nodes)
    served = valid & (legs < lengths[:, None])
    stay = planning.service[kind[:, None], head] if frozen else _service(laws, kind, head, loads[0])
    stay = np.where(served, stay, 0.0)
    ready, released = _goods_ready(laws, kind, nodes)
    earliest = np.maximum(np.maximum(data.of_vehicles("shift_start")[kind], released), data.not_before)
    has_left = np.zeros(len(routes), dtype=bool)
    if data.is_under_way:
        _wait_for_now(laws, routes, (kind, head), ready)
        known = [data.started_of.get((route.vehicle, route.index)) for route in routes]
        earliest = np.array([data.leaves_from(route) for route in routes], dtype=float)
        has_left = np.array(
            [one is not None and one.route.departure is not None for one in known], dtype=bool
        )
    fixed = None
    if frozen or not laws.reads(DURATION, "state", "clock"):
        fixed = np.where(valid, planning.duration(kind[:, None], tail, head), 0.0)
    elif not laws.reads(DURATION, "clock"):
        fixed = np.where(valid, _durations(laws, (kind, tail, head), loads[0]), 0.0)
    moved = () if frozen else tuple(name for name in laws.cost if laws.is_moved_by_clock(name))
    routed = kind, tail, head, valid, loads, stay, ready, earliest, has_left, fixed
    return PaddedRoutes(laws, *routed, moved, lengths)


def _durations(laws: RoutingLaws, legs: tuple[Integers, Integers, Integers], load: Floats) -> Floats:
    """Return travel times that read the load and no clock, of vehicle types, tails and heads; (routes, legs)."""
    kind, tail, head = legs
    unknown = np.zeros(())
    vehicle = np.broadcast_to(kind[:, None], tail.shape)
    return laws.evaluate(DURATION, LegInputs(vehicle, tail, head, load, unknown, unknown))


def _service(laws: RoutingLaws, kind: Integers, head: Integers, load: Floats) -> Floats:
    """Return how long service at each stop takes, NaN where only the clock decides; (routes, legs)."""
    stay = laws.stated_service[kind[:, None], head]
    asked = np.isnan(stay)
    if laws.reads(SERVICE, "clock") or not asked.any():
        return np.asarray(stay)
    kinds = np.broadcast_to(kind[:, None], head.shape)
    stay[asked] = laws.evaluate(SERVICE, at_stops(kinds[asked], head[asked], load[asked], np.zeros(())))
    return stay


def _goods_ready(laws: RoutingLaws, kind: Integers, nodes: Integers) -> tuple[Floats, Floats]:
    """Return when service at each stop may begin, (routes, legs), and each route may leave, for goods to be ready."""
    data, head = laws.data, nodes[:, 1:]
    ready, trip = np.full(head.shape, -np.inf), np.full(len(nodes), -np.inf)
    if not data.has_releases:
        return ready, trip
    for leg in reversed(range(head.shape[1])):
        reload = head[:, leg] < len(data.depots)
        ready[:, leg] = np.where(reload, trip - laws.stated_service[kind, head[:, leg]], -np.inf)
        trip = np.where(reload, -np.inf, np.maximum(trip, data.ready_at_depot[head[:, leg]]))
    for route, stop in np.argwhere(data.source[head] >= 0):
        at = np.flatnonzero(head[route] == data.source[head[route, stop]])[:1]
        ready[route, at] = np.maximum(ready[route, at], data.release[head[route, stop]])
    return ready, trip


def _wait_for_now(
    laws: RoutingLaws, routes: Sequence[Route], legs: tuple[Integers, Integers], ready: Floats
) -> None:
    """Let no trip that is not under way begin in the past: change when service at a reload may begin."""
    data, (kind, head) = laws.data, legs
    for place, route in enumerate(routes):
        known = data.started_of.get((route.vehicle, route.index))
        stops = np.arange(0 if known is None else len(known.kept), len(route.clients))
        reloads = stops[head[place, stops] < len(data.depots)]
        begins = data.not_before - laws.stated_service[kind[place], head[place, reloads]]
        ready[place, reloads] = np.maximum(ready[place, reloads], begins)


def _loads_on_board(data: RoutingData, nodes: Integers) -> Floats:
    """Return what is on board on each leg, in every measure; (measures, routes, legs).

    Parameters
    ----------
    data
        The problem's data.
    nodes
        Nodes of each route from depot to depot, depots for reloads among them and as padding; (routes, legs + 1).
    """
    nothing = np.zeros(nodes.shape)
    return np.stack(
        [
            _load_on_board(data, nodes, carried[nodes], nothing if measure else data.pickup[nodes])
            for measure, carried in enumerate(data.demands)
        ]
    )


def _load_on_board(data: RoutingData, nodes: Integers, carried: Floats, picked_up: Floats) -> Floats:
    """Return what is on board on each leg, (routes, legs), of one measure.

    A trip begins with all demands on it that are loaded at the depot. At a client its demand goes off board, and what
    it gives comes on: its pickup, and the demands on the route whose source it is.

    Parameters
    ----------
    data, nodes
        As of :func:`_loads_on_board`.
    carried, picked_up
        Demand and pickup at each node of each route; shape of `nodes`.
    """
    tail, head = nodes[:, :-1], nodes[:, 1:]
    first, last = _trips(tail, head, len(data.depots))
    demand = carried[:, 1:]
    loaded = np.where(data.source[head] < 0, demand, 0.0)
    change = picked_up[:, :-1] - carried[:, :-1]
    if data.has_sources:
        change = change + _loaded_for_others(data, nodes, carried)[:, :-1]
    reached = np.cumsum(loaded, axis=1)
    total = np.take_along_axis(reached, last, axis=1) - np.take_along_axis(reached - loaded, first, axis=1)
    changed = np.cumsum(change, axis=1)
    load = total + changed - np.take_along_axis(changed, first, axis=1)
    # sums that should cancel leave rounding noise, and no load is negative
    noise = _NOTHING * (demand.sum(axis=1) + picked_up[:, 1:].sum(axis=1))
    return np.asarray(np.where(load <= noise[:, None], 0.0, load))


def _trips(tail: Integers, head: Integers, depots: int) -> tuple[Integers, Integers]:
    """Return for each leg the first and the last leg of its trip."""
    legs = np.broadcast_to(np.arange(tail.shape[1]), tail.shape)
    first = np.maximum.accumulate(np.where(tail < depots, legs, 0), axis=1)
    ends = np.where(head < depots, legs, tail.shape[1] - 1)
    last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _loaded_for_others(data: RoutingData, nodes: Integers, carried: Floats) -> Floats:
    """Return what each stop gives to clients on its route; shape of `nodes`."""
    given = np.zeros(nodes.shape)
    source = data.source[nodes]
    for route, position in np.argwhere(source >= 0):
        at = np.flatnonzero(nodes[route] == source[route, position])
        given[route, at[:1]] += carried[route, position]
    return given


def service_begin(data: RoutingData, head: Integers, arrive: Floats) -> Floats:
    """Return when service begins for those who arrive at a time: at once, when a window opens, or too late.

    Parameters
    ----------
    data
        The problem's data.
    head
        Nodes.
    arrive
        Clock times; broadcasts against `head`.
    """
    if len(data.opens) == 1:
        return np.asarray(np.maximum(arrive, data.earliest[head]))
    opens, closes = data.opens[:, head], data.closes[:, head]
    begin = np.where(arrive <= closes + _SLACK, np.maximum(arrive, opens), np.inf).min(axis=0)
    return np.asarray(np.where(np.isfinite(begin), begin, arrive))
