"""Routes driven in integers: what is on board, which rules hold, and when it is best to leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kanopt.solvers.routing.arrays import RoutingArrays

Integers = NDArray[np.int64]
_NEVER = 2**60


class RouteTimes(NamedTuple):
    """When a route leaves and returns, and the price of that: time, overtime and lateness."""

    departure: int
    finish: int
    price: int

    @property
    def duration(self) -> int:
        """How long the route takes."""
        return self.finish - self.departure


class _IntegerLeg(NamedTuple):
    """A leg: where it leads, how long it takes, how long the stop at its head, and when that may begin."""

    head: int
    drive: int
    stay: int
    ready: int


def split_trips(arrays: RoutingArrays, route: Sequence[int]) -> list[list[int]]:
    """Split a route at its reloads."""
    found: list[list[int]] = [[]]
    for node in route:
        if node < arrays.depots:
            found.append([])
        else:
            found[-1].append(node)
    return found


def without_idle_reloads(arrays: RoutingArrays, route: Sequence[int]) -> list[int]:
    """Return a route without reloads before or after which there is nothing to do."""
    found: list[int] = []
    for trip in split_trips(arrays, route):
        if trip and found:
            found.append(next(node for node in route if node < arrays.depots))
        found += trip
    return found


def loads_fit(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> bool:
    """Say whether what is on board never passes a capacity, in any measure."""
    rules = arrays.rules
    served = set(route)
    for measure in range(1 + len(rules.demands)):
        carried = arrays.demand if measure == 0 else rules.demands[measure - 1]
        room = int(arrays.capacity[kind] if measure == 0 else rules.capacities[measure - 1, kind])
        for trip in split_trips(arrays, route):
            loaded = [node for node in trip if not rules.source.size or rules.source[node] < 0]
            level = int(carried[loaded].sum()) if loaded else 0
            if level > room:
                return False
            for node in trip:
                level -= int(carried[node])
                if measure == 0 and rules.pickup.size:
                    level += int(rules.pickup[node])
                level += sum(int(carried[one]) for one in rules.dependents.get(node, ()) if one in served)
                if level > room:
                    return False
    return True


def keeps_rules(
    arrays: RoutingArrays, kind: int, route: Sequence[int], vehicle: int | None = None, *, whole: bool = True
) -> bool:
    """Say whether a route keeps all rules but those of load, length and time.

    Parameters
    ----------
    arrays
        The problem.
    kind
        Vehicle type.
    route
        Nodes in order of visit.
    vehicle
        Position in the fleet, where known, for clients that one vehicle serves.
    whole
        Whether a source without all its clients is a mistake.
    """
    rules = arrays.rules
    parts = split_trips(arrays, route)
    elsewhere = any(node < arrays.depots and node != arrays.depot(kind) for node in route)
    if elsewhere or len(parts) - 1 > rules.most_reloads(kind):
        return False
    if vehicle is not None and rules.pinned.size:
        where = rules.pinned[list(route)] if route else rules.pinned[:0]
        if ((where >= 0) & (where != vehicle)).any():
            return False
    if rules.apart.size and route and rules.apart[np.ix_(list(route), list(route))].any():
        return False
    return all(_trip_allowed(arrays, trip, whole=whole) for trip in parts)


def _trip_allowed(arrays: RoutingArrays, trip: Sequence[int], *, whole: bool) -> bool:
    rules = arrays.rules
    if rules.source.size:
        place = {node: position for position, node in enumerate(trip)}
        for node in trip:
            source = int(rules.source[node])
            if source >= 0 and not place.get(source, len(trip)) < place[node]:
                return False
            if whole and any(one not in place for one in rules.dependents.get(node, ())):
                return False
    if rules.backhaul and rules.pickup.size and trip:
        demand, pickup = arrays.demand[list(trip)] > 0, rules.pickup[list(trip)] > 0
        if (np.cumsum(pickup)[:-1] * demand[1:]).any():
            return False
    return True


def route_length(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> int:
    """Return the length of a route."""
    stops = _stops(arrays, kind, route)
    return int(arrays.rules.length[stops[:-1], stops[1:]].sum())


def _stops(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> Integers:
    """Return the nodes of a route with its depots; without the last one where the vehicle does not return."""
    ends = [arrays.last(kind)] if arrays.rules.returns(kind) else []
    return np.array([arrays.depot(kind), *route, *ends])


def arc_cost(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> int:
    """Return the price of the arcs of a route."""
    stops = _stops(arrays, kind, route)
    return int(arrays.cost[kind, stops[:-1], stops[1:]].sum())


def load_cost(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> int:
    """Return the price of what is on board on the arcs of a route."""
    rules, total = arrays.rules, 0
    if not rules.load_cost.size:
        return 0
    taken, given = rules.load_units
    served, tail, home = set(route), arrays.depot(kind), arrays.depot(kind)
    parts = split_trips(arrays, route)
    for number, trip in enumerate(parts, start=1):
        level = sum(int(taken[node]) for node in trip if not rules.source.size or rules.source[node] < 0)
        for node in trip:
            total += int(rules.load_cost[kind, tail, node]) * level
            level += int(given[node]) - int(taken[node])
            level += sum(int(taken[one]) for one in rules.dependents.get(node, ()) if one in served)
            tail = node
        if number < len(parts) or rules.returns(kind):
            to = home if number < len(parts) else arrays.last(kind)
            total += int(rules.load_cost[kind, tail, to]) * level
        tail = home
    return total


def _legs(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> Iterator[_IntegerLeg]:
    """Yield the legs, that back to the depot included if there is one."""
    rules, tail = arrays.rules, arrays.depot(kind)
    ready = [*_goods_ready(arrays, kind, route), 0]
    for place, node in enumerate([*route, arrays.last(kind)] if rules.returns(kind) else route):
        # at a depot nothing of the arc's time is service
        inside = 0 if tail < arrays.depots else rules.stay(kind, tail)
        drive = int(arrays.transit[kind, tail, node]) - inside
        stay = rules.reload_of(kind) if node < arrays.depots else rules.stay(kind, node)
        yield _IntegerLeg(node, drive, stay, ready[place])
        tail = node


def _goods_ready(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> list[int]:
    """Return when service at each stop may begin: at a source, and at a reload so that its trip leaves in time."""
    rules = arrays.rules
    if not rules.release.size:
        return [0] * len(route)
    served, trips = set(route), iter(split_trips(arrays, route)[1:])
    return [
        _trip_ready(arrays, next(trips)) - rules.reload_of(kind)
        if node < arrays.depots
        else max(
            (int(rules.release[one]) for one in rules.dependents.get(node, ()) if one in served), default=0
        )
        for node in route
    ]


def _trip_ready(arrays: RoutingArrays, trip: Sequence[int]) -> int:
    """Return when all that a trip takes along from the depot is ready."""
    return int(arrays.rules.ready_at_depot[list(trip)].max(initial=0)) if arrays.rules.release.size else 0


def _earliest(arrays: RoutingArrays, kind: int, legs: Sequence[_IntegerLeg]) -> int:
    """Return when a route may leave at the earliest."""
    first = list(takewhile(lambda node: node >= arrays.depots, (leg.head for leg in legs)))
    return max(int(arrays.shift_start[kind]), _trip_ready(arrays, first))


def route_times(arrays: RoutingArrays, kind: int, route: Sequence[int]) -> list[RouteTimes]:
    """Return the best times of a route, an empty list if it cannot be driven in time.

    Where the longest route costs money there may be several: the shorter ones are the dearer ones. Of equally good
    ones the route leaves as late as it can.
    """
    rules = arrays.rules
    legs = list(_legs(arrays, kind, route))
    if rules.returns(kind):
        legs[-1] = legs[-1]._replace(stay=0)
    nodes = list(route)
    late = bool(rules.due.size and (rules.due[nodes] < arrays.latest[nodes]).any())
    several = bool(len(rules.opens) > 1 and (rules.opens[0, nodes] != rules.opens[-1, nodes]).any())
    if late or several or rules.breaks(kind):
        return _search_departures(arrays, kind, legs)
    found = _drive_with_slack(arrays, kind, legs)
    return [] if found is None else [found]


def _drive_with_slack(arrays: RoutingArrays, kind: int, legs: Sequence[_IntegerLeg]) -> RouteTimes | None:
    """Return the times of a route that nobody need wait for, found by its slack."""
    start = _earliest(arrays, kind, legs)
    clock, waited, room = start, 0, _NEVER
    for head, drive, stay, ready in legs:
        arrive = clock + drive
        clock = max(arrive, ready)
        if head >= arrays.depots:
            clock = max(clock, int(arrays.earliest[head]))
            if clock > arrays.latest[head]:
                return None
            room = min(room, waited + int(arrays.latest[head]) - arrive)
        waited += clock - arrive
        clock += stay
    if clock > arrays.shift_end[kind]:
        return None
    departure = start + min(waited, room)
    rules = arrays.rules
    if rules.max_duration.size and clock - departure > rules.max_duration[kind]:
        return None
    return RouteTimes(departure, clock, _time_price(arrays, kind, clock - departure))


def _time_price(arrays: RoutingArrays, kind: int, duration: int) -> int:
    rules = arrays.rules
    price = int(arrays.per_time[kind]) * duration
    if rules.overtime.size:
        price += int(rules.overtime[kind]) * max(0, duration - int(rules.regular[kind]))
    return price


def _search_departures(arrays: RoutingArrays, kind: int, legs: Sequence[_IntegerLeg]) -> list[RouteTimes]:
    """Return the best times among all departures at which anything can change."""
    rules = arrays.rules
    first = _departures(arrays, kind, legs)
    departures, finish, late = _forward(arrays, kind, legs, first)
    kinks = [limit for limit in (rules.regular, rules.max_duration) if limit.size]
    more = np.unique(np.concatenate([finish - limit[kind] for limit in kinks])) if kinks else first[:0]
    more = more[(more > first[0]) & (more < arrays.shift_end[kind])]
    if more.size:
        departures, finish, late = _forward(arrays, kind, legs, np.union1d(first, more))
    spent = finish - departures
    price = late + arrays.per_time[kind] * spent
    if rules.overtime.size:
        price = price + rules.overtime[kind] * np.maximum(0, spent - rules.regular[kind])
    fits = finish <= arrays.shift_end[kind]
    if rules.max_duration.size:
        fits &= spent <= rules.max_duration[kind]
    order = np.lexsort((-departures[fits], finish[fits], price[fits]))
    found: list[RouteTimes] = []
    for place in order:
        times = RouteTimes(*(int(values[fits][place]) for values in (departures, finish, price)))
        if not found or (rules.longest and times.duration < found[-1].duration):
            found.append(times)
        if not rules.longest:
            break
    return found


def _departures(arrays: RoutingArrays, kind: int, legs: Sequence[_IntegerLeg]) -> Integers:
    """Return the departures between which finish and lateness of a route rise steadily or not at all.

    Each is a moment at which something changes, an opening or a break, carried back along the route without waiting.
    """
    rules = arrays.rules
    rests = rules.breaks(kind)
    offsets = {
        sum(rest[0] for rest in rests[a:b]) for a in range(len(rests) + 1) for b in range(a, len(rests) + 1)
    }
    moments = {
        first + sum(rest[0] for rest in rests[place:end])
        for place, (_, first, _) in enumerate(rests)
        for end in range(place, len(rests) + 1)
    } | {last for _, _, last in rests}
    points: list[tuple[int, set[int]]] = [(0, moments)]
    gone = 0
    for head, drive, stay, ready in legs:
        gone += drive
        edges = {ready} if ready else set[int]()
        if head >= arrays.depots:
            edges |= {int(arrays.earliest[head]), int(arrays.latest[head])}
            if rules.due.size:
                edges.add(int(rules.due[head]))
            if len(rules.opens) > 1:
                edges.update(rules.opens[:, head].tolist(), rules.closes[:, head].tolist())
        points.append((gone, edges | moments))
        gone += stay
        points.append((gone, moments))
    points.append((gone, {int(arrays.shift_end[kind])}))
    start, end = _earliest(arrays, kind, legs), int(arrays.shift_end[kind])
    found = {edge - gone - offset for gone, edges in points for edge in edges for offset in offsets}
    return np.array(sorted({start} | {moment for moment in found if start < moment <= end}), dtype=np.int64)


def _forward(
    arrays: RoutingArrays, kind: int, legs: Sequence[_IntegerLeg], departures: Integers
) -> tuple[Integers, Integers, Integers]:
    """Drive a route from several departures; return those that succeed, their finish and the price of lateness.

    A break is taken as soon as it may be on its leg; which leg that is, is found by dynamic programming over legs
    and breaks taken, of which the soonest counts.
    """
    rests = arrays.rules.breaks(kind)
    shape = (len(rests) + 1, len(departures))
    clock, late = np.full(shape, _NEVER, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    free, could = np.full(len(departures), -_NEVER, dtype=np.int64), np.ones(len(departures), dtype=bool)
    clock[0] = departures
    for taken, (length, first, last) in enumerate(rests, start=1):
        begins = np.maximum(free, first)
        free = begins + length
        could = could & (begins <= last) & (free <= departures)
        clock[taken] = np.where(could, departures, _NEVER)
    for leg in legs:
        clock, late = _drive_leg(arrays, rests, leg, clock, late)
    finish, late_price = (
        np.full(len(departures), _NEVER, dtype=np.int64),
        np.zeros(len(departures), dtype=np.int64),
    )
    for taken in range(len(rests) + 1):
        ends, ok = clock[taken], clock[taken] < _NEVER
        free = ends
        for length, first, last in rests[taken:]:
            begins = np.maximum(free, first)
            ok, free = ok & (begins <= last), begins + length
        wins = ok & (ends < finish)
        finish, late_price = np.where(wins, ends, finish), np.where(wins, late[taken], late_price)
    done = finish < _NEVER
    return departures[done], finish[done], late_price[done]


def _drive_leg(
    arrays: RoutingArrays,
    rests: Sequence[tuple[int, int, int]],
    leg: _IntegerLeg,
    clock: Integers,
    late: Integers,
) -> tuple[Integers, Integers]:
    """Drive a leg from every state, with no break or as many as can be taken on it."""
    best, late_price = np.full_like(clock, _NEVER), np.zeros_like(late)
    for start in range(len(clock)):
        now, left = clock[start], np.full_like(clock[start], leg.drive)
        possible = now < _NEVER
        for taken in range(start, len(clock)):
            if taken > start:
                length, first, last = rests[taken - 1]
                begins = np.maximum(now, first)
                left = left - np.minimum(begins - now, left)
                possible = possible & (begins <= last)
                now = begins + length
            begin, over, opened = _service_begin(arrays, leg.head, np.maximum(now + left, leg.ready))
            wins = possible & opened & (begin + leg.stay < best[taken])
            best[taken] = np.where(wins, begin + leg.stay, best[taken])
            late_price[taken] = np.where(wins, late[start] + over, late_price[taken])
    return best, late_price


def _service_begin(
    arrays: RoutingArrays, head: int, arrive: Integers
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Return when service begins, the price of being late, and whether it may begin at all."""
    rules = arrays.rules
    if head < arrays.depots:
        return arrive, np.zeros_like(arrive), np.ones(len(arrive), dtype=bool)
    begin = np.maximum(arrive, arrays.earliest[head])
    if len(rules.opens) > 1:
        begin = np.full_like(arrive, _NEVER)
        for opens, closes in zip(rules.opens[:, head], rules.closes[:, head], strict=True):
            at = np.maximum(arrive, opens)
            begin = np.where((at <= closes) & (at < begin), at, begin)
        begin = np.where(begin < _NEVER, begin, arrive)
    over = np.zeros_like(arrive)
    if rules.due.size:
        over = rules.lateness[head] * np.maximum(0, np.minimum(begin, arrays.horizon) - rules.due[head])
    return begin, over, begin <= arrays.latest[head]


def choose_times(options: Sequence[Sequence[RouteTimes]], longest: int) -> list[RouteTimes]:
    """Choose the times of each route so that all of them and the longest one cost least together."""
    if not longest:
        return [each[0] for each in options]
    best: tuple[int, list[RouteTimes]] | None = None
    for limit in sorted({times.duration for each in options for times in each}):
        within = [[times for times in each if times.duration <= limit] for each in options]
        if all(within):
            chosen = [each[0] for each in within]
            total = sum(times.price for times in chosen) + longest * max(times.duration for times in chosen)
            if best is None or total < best[0]:
                best = total, chosen
    return best[1] if best is not None else []
