"""What every kind of step does to bounds: of its value, its derivatives, and what floating point makes of it.

Forward automatic differentiation in intervals (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*,
ch. 9): every step of the graph carries its value, its first derivatives, and its second derivatives with respect to
one input x and the others. The bounds are valid beyond smooth steps:

* A first derivative bounds every difference quotient between two points of the box that differ only in that input
  (Neumaier 1990, *Interval Methods for Systems of Equations*, sec. 2.3): sums, products and functions propagate
  quotients by the same rules. So the formula is non-decreasing where it is not negative, also at the kink of a maximum
  and across the breakpoints of a step function, where it is unbounded in the direction of the jump.
* A second derivative is that of the formula smoothed at its kinks, where it is unbounded on one side; if it is bounded
  from below by zero for all smoothings, the formula is convex in the limit. Second derivatives in several inputs
  together are bounded in the order of positive semidefinite matrices (:mod:`kanopt.formulas.enclosures.enclosure`).

Beside them runs an error analysis (:mod:`kanopt.formulas.enclosures.enclosure`). Each is computed only where it is
asked for, so that values alone cost no more than values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from operator import and_, or_

import numpy as np

from kanopt.formulas.enclosures import enclosure
from kanopt.formulas.enclosures import enclosure as rounding
from kanopt.formulas.enclosures.arithmetic import (
    NOTHING,
    TRUE,
    UPWARDS,
    CurveBank,
    Flags,
    Pair,
    Stairs,
    chosen,
    hull,
    minus,
    negated,
    plus,
    power_bounds,
    range_over,
    square,
    times,
    total,
    variable_power_bounds,
)
from kanopt.formulas.enclosures.enclosure import EXACT, Enclosure, Orders
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Constant, Maximum, Minimum, Node, Power, Product, Sum
from kanopt.formulas.pieces import Curve, Step

_KEEP_POSITIVE = frozenset({"sqrt", "square", "abs", "relu", "log1p", "tanh", "atan"})


def enclosed(node: Node, parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    """Return what is known of a step, given what is known of its parts; arrays may have any shape for values alone."""
    match node:
        case Constant():
            value = np.asarray(node.value)
            return Enclosure.of((value, value), rounding.error_of_number(value) if wanted.errors else EXACT)
        case Sum():
            return _sum(node, parts, wanted)
        case Product():
            return _product(node, parts, wanted)
        case Maximum():
            return _maximum(parts, wanted)
        case Minimum():
            return _minimum(parts, wanted)
        case Power():
            return _power(parts[0], parts[1], wanted)
        case Apply():
            return _function(node.function, parts[0], wanted)
        case Step():
            edges = np.asarray(node.breakpoints)
            first, last = (
                np.searchsorted(edges, end, side="right").astype(np.int64) for end in parts[0].moved
            )
            return composed(parts[0], Stairs(np.asarray(node.values)).over(first, last), wanted)
    raise TypeError(f"no bounds for {type(node).__name__}")


def _counted(node: Node, parts: Sequence[Enclosure]) -> list[tuple[Enclosure, int]]:
    """Return the different parts of a sum or a product and how often each occurs."""
    keys = [child.key for child in node.children]
    different = dict(zip(keys, parts, strict=True))
    if len(different) == len(keys):
        return [(part, 1) for part in parts]
    counts = Counter(keys)
    return [(part, counts[key]) for key, part in different.items()]


def _chained(
    value: Pair,
    parts: Sequence[tuple[Enclosure, Pair | None]],
    wanted: Orders,
    bends: Sequence[Mapping[int, Pair]] = (),
    bent: Sequence[Pair] = (),
) -> Enclosure:
    """Return bounds at a function of several parts, by the chain rule.

    Parameters
    ----------
    value
        Bounds of its value.
    parts
        The parts, and bounds of the derivative by each of them; None for 1.
    wanted
        What is asked for.
    bends, bent
        What its second derivatives add to the second derivatives, and to their matrix.
    """
    curvature: dict[int, Pair] = {}
    if wanted.second:
        curvature = _added([*(_scaled(steep, u.curvature) for u, steep in parts), *bends])
    bounds = [
        u.matrix if steep is None else enclosure.weighted(steep, u.matrix)
        for u, steep in parts
        if u.matrix is not None
    ]
    bounds += bent
    return Enclosure(
        value,
        _added([_scaled(steep, u.slope) for u, steep in parts]),
        curvature,
        reduce(and_, [u.defined for u, _ in parts]),
        np.asarray(value[0] > 0.0),
        enclosure.added(bounds) if bounds else None,
    )


def _scaled(factor: Pair | None, derivatives: Mapping[int, Pair]) -> Mapping[int, Pair]:
    if factor is None:
        return derivatives
    return {place: times(factor, pair) for place, pair in derivatives.items()}


def _added(terms: Sequence[Mapping[int, Pair]]) -> dict[int, Pair]:
    by_place: dict[int, list[Pair]] = {}
    for term in terms:
        for place, pair in term.items():
            by_place.setdefault(place, []).append(pair)
    return {place: total(pairs) for place, pairs in by_place.items()}


def _gradient(u: Enclosure, inputs: Sequence[int]) -> Pair | None:
    """Return the first derivatives in some numbers, shape (boxes, m); None if all are zero."""
    if not any(place in u.slope for place in inputs):
        return None
    ends = [np.broadcast_arrays(*(u.slope.get(i, NOTHING)[end] for i in inputs)) for end in (0, 1)]
    low, high = (np.stack([np.atleast_1d(part) for part in parts], axis=-1) for parts in ends)
    return low, high


def _sum(node: Node, parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    terms = [
        (part, None if count == 1 else (np.asarray(float(count)),) * 2)
        for part, count in _counted(node, parts)
    ]
    found = _chained(total([part.value for part in parts]), terms, wanted)
    positive = reduce(or_, [part.positive for part in parts])
    for part in parts:
        positive = positive & (part.positive | (part.value[0] >= 0.0))
    error = rounding.error_of_sum(found.value, parts) if wanted.errors else EXACT
    return found._replace(positive=found.positive | positive, error=error)


def _product(node: Node, parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    factors = [
        part if count == 1 else _raised(part, float(count), wanted) for part, count in _counted(node, parts)
    ]
    found = reduce(partial(_times, wanted=wanted), factors)
    return found._replace(error=rounding.error_of_product(parts)) if wanted.errors else found


def _times(u: Enclosure, v: Enclosure, wanted: Orders) -> Enclosure:
    bends = [
        _scaled(a.slope[wanted.x], b.slope)
        for a, b in ((u, v), (v, u))
        if wanted.second and wanted.x in a.slope
    ]
    first, second = _gradient(u, wanted.inputs), _gradient(v, wanted.inputs)
    bent = (
        [] if first is None or second is None else [enclosure.symmetric_product(first, second, wanted.keep)]
    )
    found = _chained(times(u.value, v.value), [(u, v.value), (v, u.value)], wanted, bends, bent)
    return found._replace(positive=found.positive | (u.positive & v.positive))


def _maximum(parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    found = reduce(partial(_larger, wanted=wanted), parts)
    return found._replace(error=rounding.error_of_larger(found.value, parts)) if wanted.errors else found


def _minimum(parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    least = _negated(_maximum([_negated(part) for part in parts], wanted))
    return least._replace(positive=reduce(and_, [part.positive for part in parts]))


def _negated(u: Enclosure) -> Enclosure:
    slope, curvature = (
        {place: negated(pair) for place, pair in each.items()} for each in (u.slope, u.curvature)
    )
    matrix = None if u.matrix is None else negated(u.matrix)
    return u._replace(value=negated(u.value), slope=slope, curvature=curvature, positive=~TRUE, matrix=matrix)


def _larger(u: Enclosure, v: Enclosure, wanted: Orders) -> Enclosure:
    """Return the bounds of the maximum of two: if neither is larger everywhere, the slope is that of either."""
    first, second = u.value[0] >= v.value[1], v.value[0] >= u.value[1]
    # where both meet at an end, the kink may lie between this box and the next
    apart = (u.value[0] > v.value[1]) | (v.value[0] > u.value[1])
    if not wanted.sides:
        first = u.value[0] + u.value[1] >= v.value[0] + v.value[1]
        second, apart = ~first, TRUE
    value = np.maximum(u.value[0], v.value[0]), np.maximum(u.value[1], v.value[1])
    slope, bend = {}, {}
    for place in u.slope.keys() | v.slope.keys():
        x, y = u.slope.get(place, NOTHING), v.slope.get(place, NOTHING)
        slope[place] = chosen(first, x, chosen(second, y, hull(x, y)))
    if wanted.second and wanted.x in slope:
        # max(u, v) = u + relu(v − u), whose kink bends upwards by the product of the slopes of v − u
        gap = {j: minus(v.slope.get(j, NOTHING), u.slope.get(j, NOTHING)) for j in slope}
        for place in slope:
            x, y = u.curvature.get(place, NOTHING), v.curvature.get(place, NOTHING)
            steep = square(gap[place]) if place == wanted.x else times(gap[wanted.x], gap[place])
            bent = plus(hull(x, y), times(UPWARDS, steep))
            bend[place] = chosen(apart, chosen(first, x, y), bent)
    matrix = _larger_matrix(u, v, np.asarray(first & apart), np.asarray(second & apart), wanted)
    return Enclosure(value, slope, bend, u.defined & v.defined, u.positive | v.positive, matrix)


def _larger_matrix(u: Enclosure, v: Enclosure, first: Flags, second: Flags, wanted: Orders) -> Pair | None:
    """Return the matrix of a maximum; a kink bends upwards without end, and not below what both have in common."""
    if not any(place in part.slope for part in (u, v) for place in wanted.inputs):
        return None
    zero = np.zeros((1, len(wanted.inputs), len(wanted.inputs)))
    x, y = ((zero, zero) if part.matrix is None else part.matrix for part in (u, v))
    below = enclosure.common_lower_bound(x[0], y[0])
    flags = [np.atleast_1d(flag)[..., None, None] for flag in (first, second)]
    low = np.where(flags[0], x[0], np.where(flags[1], y[0], below))
    return low, np.where(flags[0], x[1], np.where(flags[1], y[1], np.nan))


def needed(u: Enclosure, wanted: Orders) -> tuple[int, ...]:
    """Return the orders of the derivatives of a function of `u` that are needed."""
    if not u.slope:
        return (0,)
    bent = (wanted.second and wanted.x in u.slope) or any(place in u.slope for place in wanted.inputs)
    return (0, 1, 2) if bent else (0, 1)


def composed(u: Enclosure, orders: Mapping[int, Pair], wanted: Orders) -> Enclosure:
    """Return bounds at a function of u, given those of its value and its derivatives over the range of u."""
    first, second = orders.get(1, NOTHING), orders.get(2, NOTHING)
    bends, bent = list[Mapping[int, Pair]](), list[Pair]()
    if wanted.second and wanted.x in u.slope:
        x = u.slope[wanted.x]
        curved = {j: square(x) if j == wanted.x else times(x, pair) for j, pair in u.slope.items()}
        bends.append(_scaled(second, curved))
    slope = _gradient(u, wanted.inputs)
    if slope is not None:
        bent.append(enclosure.weighted_squares(second, enclosure.outer(slope, wanted.keep)))
    return _chained(orders[0], [(u, first)], wanted, bends, bent)


def curves(nodes: Sequence[Curve], bank: CurveBank, u: Enclosure, wanted: Orders) -> list[Enclosure]:
    """Return bounds at several curves of u, which are bounded together."""
    found = composed(u, bank.over(needed(u, wanted), *u.value), wanted)

    def at(pair: Pair, place: int) -> Pair:
        low, high = (np.broadcast_to(end, found.value[0].shape)[place] for end in pair)
        return low, high

    made = [
        found._replace(
            value=at(found.value, k),
            slope={place: at(pair, k) for place, pair in found.slope.items()},
            curvature={place: at(pair, k) for place, pair in found.curvature.items()},
            positive=found.positive[k],
            matrix=None if found.matrix is None else (found.matrix[0][k], found.matrix[1][k]),
        )
        for k in range(len(nodes))
    ]
    if not wanted.errors:
        return made
    steep = bank.over((1,), *u.moved)[1]
    return [
        each._replace(error=rounding.error_of_curve(node, u, each.value, (low, high)))
        for node, each, low, high in zip(nodes, made, *steep, strict=True)
    ]


def _function(name: str, u: Enclosure, wanted: Orders) -> Enclosure:
    function = function_named(name)
    low, high = u.value
    orders = {0: range_over(function, 0, low, high)}
    if function.kinked and not wanted.sides:
        # away from the kink by as little as can be
        middle = 0.5 * low + 0.5 * high
        low = high = np.where(middle == 0.0, 1.0, middle)
    for order in needed(u, wanted)[1:]:
        orders[order] = range_over(function, order, low, high)
    if function.kinked and 2 in orders:
        orders[2] = chosen(u.positive, NOTHING, orders[2])
    found = composed(u, orders, wanted)
    if name == "exp":
        found = _bent_as_it_grows(u, found, wanted)
    defined = u.defined
    if name == "log":
        defined = defined & u.positive
    elif name == "log1p":
        defined = defined & (u.value[0] > function.low)
    elif name == "sqrt":
        defined = defined & ((u.value[0] >= function.low) | u.positive)
    positive = found.positive | (u.positive & (name in _KEEP_POSITIVE))
    error = EXACT
    if wanted.errors:
        error = rounding.error_of_function(name, u, found.value, range_over(function, 1, *u.moved))
    return found._replace(defined=defined, positive=positive, error=error)


def _bent_as_it_grows(u: Enclosure, found: Enclosure, wanted: Orders) -> Enclosure:
    """Return the bounds at an exponential, all of whose derivatives are one number: exp(u) · (u″ + u′ u′)."""
    if wanted.order < 2:
        return found
    one = np.ones(1), np.ones(1)
    plain = composed(u, {0: u.value, 1: one, 2: one}, wanted)
    matrix = None if plain.matrix is None else enclosure.weighted(found.value, plain.matrix)
    return found._replace(curvature=_scaled(found.value, plain.curvature), matrix=matrix)


def _power(base: Enclosure, exponent: Enclosure, wanted: Orders) -> Enclosure:
    if exponent.number is not None:
        return _raised(base, exponent.number, wanted)
    # x ** y = exp(y log x)
    logarithm = _function("log", base, wanted)
    grown = _times(exponent, logarithm, wanted)
    if wanted.errors:
        grown = grown._replace(error=rounding.error_of_product([exponent, logarithm]))
    general = _function("exp", grown, wanted)
    value = variable_power_bounds(base.value, exponent.value)
    # where the base is not positive, nothing is known of its rounding
    off = np.where(base.moved[0] > 0.0, general.error.off, np.inf)
    error = rounding.settled(value, off) if wanted.errors else EXACT
    return general._replace(value=value, positive=base.positive, error=error)


def _raised(base: Enclosure, power: float, wanted: Orders) -> Enclosure:
    orders = {0: power_bounds(base.value, power)}
    factor = 1.0
    for order in needed(base, wanted)[1:]:
        factor *= power - order + 1
        orders[order] = times((np.asarray(factor),) * 2, power_bounds(base.value, power - order))
    found = composed(base, orders, wanted)
    whole = power == np.floor(power)
    if power >= 0.0:
        sound = TRUE if whole else (base.value[0] >= 0.0) | base.positive
    else:
        sound = base.positive | ((base.value[1] < 0.0) if whole else ~TRUE)
    error = EXACT
    if wanted.errors:
        slope = times((np.asarray(power),) * 2, power_bounds(base.moved, power - 1.0))
        error = rounding.error_of_power(base, found.value, slope, power)
    return found._replace(defined=base.defined & sound, positive=found.positive | base.positive, error=error)
