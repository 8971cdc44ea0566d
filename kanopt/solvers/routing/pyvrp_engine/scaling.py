"""The integers of a routing problem in the longest steps in which they are the same problem."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import of_types
from kanopt.solvers.routing.integers import Integers, RoutingIntegers

Number = TypeVar("Number", bound=np.generic)
UNLIMITED = int(np.iinfo(np.int64).max)
"""A time that never comes."""
_MOST = 10**12  # a plan's price at most, so that prices, prizes and penalties together stay inside 64 bits
_MOST_LIMITED = 10**9  # the same where distances, which are prices, are weighed by a penalty themselves
_FAR = 2  # an arc without a road costs so many times the dearest one, so that a search keeps away from it
_AT_ONCE = 2**18  # arcs looked at at a time, so that what is in between stays in the cache
_WORTH = 3  # a client that must be served is worth so many times the dearest trip or prize


@dataclass(frozen=True, eq=False)
class ScaledIntegers:
    """A routing problem in the longest steps in which it is the same problem.

    The search of PyVRP weighs prices against loads and times by penalties per unit, all within the same limits, so
    that the size of a unit matters; to the plans and the order of their prices it does not.

    Parameters
    ----------
    cost, transit, demand, earliest, latest, prize, capacity, fixed, per_time, shift_start, shift_end
        As in :class:`RoutingIntegers`; a limit that can never be met is :data:`UNLIMITED`, and where no time can ever
        matter `transit` is zero. Demands and capacities are (measures, nodes) and (measures, types).
    release, pickup, regular, overtime, max_duration, reload_time
        As in :class:`RoutingRules`, by node and by vehicle type, also where there are none.
    roads
        Which arcs there are, (types, nodes, nodes).
    step, money
        How many steps of the arrays' time, and of their prices, are one here.
    worth
        A price for leaving out a client that must be served: more than any trip to one client saves. A search that
        may leave out such clients finds its way better with it than with a price above any plan.
    """

    cost: Integers
    transit: Integers
    roads: NDArray[np.bool_]
    demand: Integers
    earliest: Integers
    latest: Integers
    prize: Integers
    capacity: Integers
    fixed: Integers
    per_time: Integers
    shift_start: Integers
    shift_end: Integers
    release: Integers
    pickup: Integers
    regular: Integers
    overtime: Integers
    max_duration: Integers
    reload_time: Integers
    step: int
    money: int
    worth: int


@dataclass(frozen=True, eq=False)
class _ScaledTimes:
    step: int
    transit: Integers
    earliest: Integers
    latest: Integers
    shift_start: Integers
    shift_end: Integers
    release: Integers


def scale_integers(arrays: RoutingIntegers) -> ScaledIntegers:
    """Take common divisors out of times, loads and prices, and count loads so that they are as large as times.

    That changes no plan and no order of prices. Only where prices are still too long for sums in 64 bits are they
    rounded once more.

    Parameters
    ----------
    arrays
        The problem.
    """
    roads = of_types(_distinct(arrays.transit) <= arrays.horizon, len(arrays.transit))
    times = _times(arrays, roads)
    demand, pickup, capacity = _loads(arrays, arc_mean(times.transit, roads))
    per_time, overtime = arrays.per_time * times.step, _of_types(arrays, "overtime", 0) * times.step
    divisor = _divisor(arrays.cost, roads, arrays.fixed, arrays.prize, per_time, overtime)
    most = _MOST_LIMITED if arrays.rules.max_distance.size else _MOST
    divisor *= max(1, -(-(arrays.penalty // divisor) // most))
    fixed, prize, paid, more = (
        (values + divisor // 2) // divisor for values in (arrays.fixed, arrays.prize, per_time, overtime)
    )
    cost, dearest = _scaled_prices(arrays.cost, roads, divisor)
    longest = max(
        (int(rows.max(initial=0, where=there)) for rows, there in _rows(times.transit, roads)), default=0
    )
    trip = 2 * dearest + int(fixed.max(initial=0)) + 2 * longest * int((paid + more).max(initial=0))
    return ScaledIntegers(
        cost=cost,
        transit=times.transit,
        roads=roads,
        demand=demand,
        earliest=times.earliest,
        latest=times.latest,
        prize=prize,
        capacity=capacity,
        fixed=fixed,
        per_time=paid,
        shift_start=times.shift_start,
        shift_end=times.shift_end,
        release=times.release,
        pickup=pickup,
        regular=_of_types(arrays, "regular", UNLIMITED) // times.step,
        overtime=more,
        max_duration=_of_types(arrays, "max_duration", UNLIMITED) // times.step,
        reload_time=_of_types(arrays, "reload_time", 0) // times.step,
        step=times.step,
        money=divisor,
        worth=_WORTH * max(trip, int(prize.max(initial=0))),
    )


def _distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Return an array by vehicle type as one of one type, where all types share it."""
    return values[:1] if values.strides[0] == 0 else values


def _rows(values: Integers, roads: NDArray[np.bool_]) -> Iterator[tuple[Integers, NDArray[np.bool_]]]:
    """Yield arcs and which of them there are, some rows at a time; those that all vehicle types share once."""
    if values.strides[0] == roads.strides[0] == 0:
        values, roads = values[:1], roads[:1]
    size = values.shape[-1]
    count = max(1, _AT_ONCE // max(1, len(values) * size))
    for begin in range(0, size, count):
        yield values[:, begin : begin + count], roads[:, begin : begin + count]


def _scaled_prices(cost: Integers, roads: NDArray[np.bool_], divisor: int) -> tuple[Integers, int]:
    """Divide prices of arcs, and put more than the dearest where there is no road; return them and the dearest."""
    types = len(cost)
    if cost.strides[0] == roads.strides[0] == 0:
        cost, roads = cost[:1], roads[:1]
    dearest = max((int(rows.max(initial=0, where=there)) for rows, there in _rows(cost, roads)), default=0)
    dearest = max(1, (dearest + divisor // 2) // divisor)
    scaled: Integers = np.empty(cost.shape, dtype=np.int64)
    count = max(1, _AT_ONCE // max(1, len(cost) * cost.shape[-1]))
    for begin in range(0, cost.shape[-1], count):
        rows = slice(begin, begin + count)
        divided = (cost[:, rows].astype(np.int64) + divisor // 2) // divisor
        scaled[:, rows] = np.where(roads[:, rows], divided, _FAR * dearest)
    return of_types(scaled, types), dearest


def arc_mean(values: Integers, roads: NDArray[np.bool_]) -> float:
    """Return the mean of what is above zero of the arcs that there are, 0 where nothing is."""
    total, count = 0.0, 0
    for rows, there in _rows(values, roads):
        positive = rows[there & (rows > 0)]
        total, count = total + float(positive.sum(dtype=float)), count + positive.size
    return total / count if count else 0.0


def _divisor(values: Integers, roads: NDArray[np.bool_], *others: Integers) -> int:
    """Return the greatest common divisor of the arcs that there are and of others, 1 where all are zero."""
    found = _common_divisor(*others)
    if not any(some.any() for some in others):
        found = 0
    for rows, there in _rows(values, roads):
        if found == 1:
            break
        found = math.gcd(found, int(np.gcd.reduce(rows[there], initial=0)))  # beyond what the rows hold
    return found or 1


def positive_mean(values: Integers) -> float:
    """Return the mean of what is above zero, 0 where nothing is.

    Examples
    --------
    >>> positive_mean(np.array([0, 2, 4]))
    3.0
    """
    positive = values[values > 0]
    return float(positive.mean()) if positive.size else 0.0


def _common_divisor(*values: Integers) -> int:
    """Return the greatest common divisor of all values, 1 where all are zero."""
    return int(np.gcd.reduce([np.gcd.reduce(some, axis=None) for some in values if some.size])) or 1


def _of_types(arrays: RoutingIntegers, name: str, absent: int) -> Integers:
    """Return a rule of every vehicle type, also where there is none."""
    values: Integers = getattr(arrays.rules, name)
    return values if values.size else np.full(len(arrays.capacity), absent, dtype=np.int64)


def _loads(arrays: RoutingIntegers, mean_duration: float) -> tuple[Integers, Integers, Integers]:
    """Return demands and capacities in every measure, and pickups, so that a mean demand is a mean travel time."""
    rules = arrays.rules
    pickup = rules.pickup if rules.pickup.size else np.zeros_like(arrays.demand)
    measures = [(arrays.demand, arrays.capacity), *zip(rules.demands, rules.capacities, strict=True)]
    demands, capacities = [], []
    for measure, (demand, capacity) in enumerate(measures):
        picked = pickup if measure == 0 else np.zeros_like(pickup)
        weight = _common_divisor(demand, picked)
        heavy = max(1, round(mean_duration / (positive_mean(np.maximum(demand, picked) // weight) or 1.0)))
        demands.append(demand // weight * heavy)
        capacities.append(capacity // weight * heavy)
        pickup = picked // weight * heavy if measure == 0 else pickup
    return np.stack(demands), pickup, np.stack(capacities)


def _times(arrays: RoutingIntegers, roads: NDArray[np.bool_]) -> _ScaledTimes:
    """Return the times in their longest step.

    A vehicle is anywhere at sums of starts, openings and legs: whole steps, so that a limit between two steps is as
    good as the step before it.
    """
    clients = slice(arrays.depots, None)
    rules, again = arrays.rules, _of_types(arrays, "reload_time", 0)
    soonest = max(int(times.max(initial=0)) for times in (arrays.shift_start, arrays.earliest, rules.release))
    reach = soonest + int(arrays.transit.max(axis=(0, 2)).sum())
    if rules.reloads.size:
        reach += int((rules.reloads * (arrays.transit.max() + again)).max())
    first, last = int(arrays.shift_start.min()), int(arrays.shift_end.max())
    latest = np.where(arrays.latest >= last, UNLIMITED, arrays.latest)
    shift_end = arrays.shift_end
    if reach <= min(int(shift_end.min()), int(arrays.latest[clients].min(initial=last))):
        latest, shift_end = np.full_like(latest, UNLIMITED), np.full_like(shift_end, UNLIMITED)
        if not (arrays.per_time.any() or rules.max_duration.size or rules.overtime.size):
            zero = np.zeros_like(arrays.earliest)
            nothing = np.zeros_like(shift_end)
            return _ScaledTimes(
                1,
                np.broadcast_to(np.int64(0), arrays.transit.shape),
                zero,
                latest,
                nothing,
                shift_end,
                zero[:0],
            )
    earliest = np.where(arrays.earliest <= first, 0, arrays.earliest)
    ends = rules.service if rules.one_way.any() else again
    release = np.where(rules.release <= first, 0, rules.release)
    step = _divisor(arrays.transit, roads, earliest, release, arrays.shift_start, again, ends)
    never = arrays.horizon // step + 1
    legs, there = _distinct(arrays.transit), _distinct(roads)
    # an arc that is none takes a step longer than the horizon already
    whole: Integers = (
        legs if step == 1 and (there | (legs == never)).all() else np.where(there, legs // step, never)
    )
    return _ScaledTimes(
        step=step,
        transit=of_types(whole, len(arrays.transit)),
        earliest=earliest // step,
        latest=np.where(latest < UNLIMITED, latest // step, UNLIMITED),
        shift_start=arrays.shift_start // step,
        shift_end=np.where(shift_end < UNLIMITED, shift_end // step, UNLIMITED),
        release=release // step,
    )
