"""Bounds of a formula and its derivatives over many boxes at once.

Forward automatic differentiation in intervals (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*,
ch. 9): every step of the graph carries its value, its first derivatives, and its second derivatives with respect to
one input x and the others. The bounds are valid beyond smooth steps:

* A first derivative bounds every difference quotient between two points of the box that differ only in that input
  (Neumaier 1990, *Interval Methods for Systems of Equations*, sec. 2.3): sums, products and functions propagate
  quotients by the same rules. So the formula is non-decreasing where it is not negative, also at the kink of a maximum
  and across the breakpoints of a step function, where it is unbounded in the direction of the jump.
* A second derivative is that of the formula smoothed at its kinks, where it is unbounded on one side; if it is bounded
  from below by zero for all smoothings, the formula is convex in the limit.

In a *jump* (:class:`kanopt.formulas.shapes.boxes.FormulaBoxes`) the first derivative in x is replaced by the height of
the step, so that simultaneous jumps add up exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import and_, or_

import numpy as np

from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Constant, Node, Power
from kanopt.formulas.shapes.arithmetic import (
    NOTHING,
    TRUE,
    UPWARDS,
    Flags,
    Pair,
    chosen,
    hull,
    minus,
    negated,
    plus,
    power_bounds,
    square,
    times,
    total,
    variable_power_bounds,
)
from kanopt.formulas.shapes.jet_matrices import (
    matrix_of_function,
    matrix_of_larger,
    matrix_of_product,
    matrix_of_sum,
)
from kanopt.formulas.shapes.matrices import weighted
from kanopt.formulas.shapes.ranges import range_over

__all__ = [
    "Jet",
    "JetOrders",
    "compose",
    "compose_all",
    "constant_jet",
    "count_parts",
    "function_of",
    "maximum_of",
    "minimum_of",
    "needs_derivative",
    "power_of",
    "product_of",
    "sum_of",
]

_KEEP_POSITIVE = frozenset({"sqrt", "square", "abs", "relu", "log1p", "tanh", "atan"})


@dataclass(frozen=True)
class JetOrders:
    """The requested derivatives.

    Parameters
    ----------
    x
        Position of the number in question; −1 for none.
    along
        Positions of the numbers of the first derivatives, including `x`. A category, whose position follows those of
        the numbers, has the largest difference between two of its labels for one.
    second
        Whether to compute second derivatives in `x` and each of `along`.
    inputs
        Positions of the numbers in which to bound the matrix of second derivatives; they are among `along`.
    keep
        How the rank-one terms of that matrix are bounded (:func:`kanopt.formulas.shapes.matrices.outer`).
    sides
        Whether derivatives at a kink include both sides. If not, one side is used, so that at points only rounding
        widens the bounds.
    closed
        Whether to include faces of the whole box on which a number is zero, where a logarithm has no finite value.
    """

    x: int = -1
    along: tuple[int, ...] = ()
    second: bool = False
    inputs: tuple[int, ...] = ()
    keep: bool = True
    sides: bool = True
    closed: bool = False


@dataclass(frozen=True)
class Jet:
    """Bounds at a step of the graph, arrays that broadcast to (boxes,); missing derivatives are zero.

    Parameters
    ----------
    value
        Bounds of the step's value.
    slope
        First derivatives by position of the number.
    curvature
        Second derivatives in `x` and another number, by position of the latter.
    defined
        Whether it has a finite value everywhere in the box, except on a face of the whole where a number is zero. There
        it is the limit from within, or has no finite value.
    positive
        Whether it is above zero everywhere in the box, except on such a face.
    matrix
        Second derivatives in the numbers asked for together, shape (boxes, m, m), in the order of positive semidefinite
        matrices; None for zero.
    """

    value: Pair
    slope: Mapping[int, Pair]
    curvature: Mapping[int, Pair]
    defined: Flags
    positive: Flags
    matrix: Pair | None = None


def needs_derivative(order: int, u: Jet, wanted: JetOrders) -> bool:
    """Return whether the derivative of that order of a function of `u` is needed."""
    if order == 0 or not u.slope:
        return order == 0
    bent = wanted.second and wanted.x in u.slope
    return order == 1 or bent or any(place in u.slope for place in wanted.inputs)


def constant_jet(value: Pair) -> Jet:
    """Return the jet of a step that depends on no number."""
    return Jet(value, {}, {}, TRUE, np.asarray(value[0] > 0.0))


def count_parts(node: Node, parts: Sequence[Jet]) -> list[tuple[Jet, int]]:
    """Return the different parts of a sum or a product and how often each occurs."""
    counts = Counter(child.key for child in node.children)
    by_key = {child.key: part for child, part in zip(node.children, parts, strict=True)}
    return [(part, counts[key]) for key, part in by_key.items()]


def _times_constant(factor: float, u: Jet) -> Jet:
    if factor == -1.0:
        scaled = negated
    else:
        value = np.asarray(factor)

        def scaled(x: Pair) -> Pair:
            return times((value, value), x)

    slope = {place: scaled(pair) for place, pair in u.slope.items()}
    bend = {place: scaled(pair) for place, pair in u.curvature.items()}
    value = np.full(1, factor)
    matrix = None if u.matrix is None else weighted((value, value), u.matrix)
    return Jet(scaled(u.value), slope, bend, u.defined, u.positive & (factor > 0.0), matrix)


def _added(terms: Sequence[Mapping[int, Pair]]) -> dict[int, Pair]:
    by_place: dict[int, list[Pair]] = {}
    for term in terms:
        for place, pair in term.items():
            by_place.setdefault(place, []).append(pair)
    return {place: total(pairs) for place, pairs in by_place.items()}


def sum_of(parts: Sequence[tuple[Jet, int]], wanted: JetOrders) -> Jet:
    """Return the jet of a sum of parts, each with how often it occurs."""
    terms = [part if count == 1 else _times_constant(float(count), part) for part, count in parts]
    value = total([term.value for term in terms])
    positive = reduce(or_, [term.positive for term in terms])
    for term in terms:
        positive = positive & (term.positive | (term.value[0] >= 0.0))
    return Jet(
        value,
        _added([term.slope for term in terms]),
        _added([term.curvature for term in terms]) if wanted.second else {},
        reduce(and_, [term.defined for term in terms]),
        positive | (value[0] > 0.0),
        matrix_of_sum([term.matrix for term in terms]),
    )


def product_of(parts: Sequence[tuple[Jet, int]], wanted: JetOrders) -> Jet:
    """Return the jet of a product of parts, each with how often it occurs."""
    factors = [part if count == 1 else _raised(part, float(count), wanted) for part, count in parts]
    return reduce(partial(_times_jets, wanted=wanted), factors)


def _times_jets(u: Jet, v: Jet, wanted: JetOrders) -> Jet:
    value = times(u.value, v.value)
    slope = _added([_scaled(u.value, v.slope), _scaled(v.value, u.slope)])
    bend: dict[int, Pair] = {}
    if wanted.second:
        crossed = [
            {place: times(a.slope[wanted.x], pair) for place, pair in b.slope.items()}
            for a, b in ((u, v), (v, u))
            if wanted.x in a.slope
        ]
        bend = _added([_scaled(u.value, v.curvature), _scaled(v.value, u.curvature), *crossed])
    positive = (u.positive & v.positive) | (value[0] > 0.0)
    return Jet(value, slope, bend, u.defined & v.defined, positive, matrix_of_product(u, v, wanted))


def _scaled(factor: Pair, derivatives: Mapping[int, Pair]) -> dict[int, Pair]:
    return {place: times(factor, pair) for place, pair in derivatives.items()}


def maximum_of(parts: Sequence[Jet], wanted: JetOrders) -> Jet:
    """Return the jet of a maximum."""
    return reduce(partial(_larger, wanted=wanted), parts)


def minimum_of(parts: Sequence[Jet], wanted: JetOrders) -> Jet:
    """Return the jet of a minimum."""
    least = _times_constant(-1.0, maximum_of([_times_constant(-1.0, part) for part in parts], wanted))
    return replace(least, positive=reduce(and_, [part.positive for part in parts]))


def _larger(u: Jet, v: Jet, wanted: JetOrders) -> Jet:
    """Return the jet of the maximum of two: if neither is larger everywhere, the slope is that of either."""
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
    matrix = matrix_of_larger(u, v, np.asarray(first & apart), np.asarray(second & apart), wanted)
    return Jet(value, slope, bend, u.defined & v.defined, u.positive | v.positive, matrix)


def compose(u: Jet, orders: tuple[Pair, Pair, Pair], wanted: JetOrders) -> Jet:
    """Return the jet of a function of u, given bounds of its value and derivatives over the range of u."""
    value, first, second = orders
    bend: dict[int, Pair] = {}
    if wanted.second and wanted.x in u.slope:
        x = u.slope[wanted.x]
        curved = {j: square(x) if j == wanted.x else times(x, pair) for j, pair in u.slope.items()}
        bend = _added([_scaled(first, u.curvature), _scaled(second, curved)])
    elif wanted.second:
        bend = _scaled(first, u.curvature)
    matrix = matrix_of_function(u, first, second, wanted) if wanted.inputs else None
    return Jet(value, _scaled(first, u.slope), bend, u.defined, np.asarray(value[0] > 0.0), matrix)


def compose_all(u: Jet, orders: Mapping[int, Pair], wanted: JetOrders) -> list[Jet]:
    """Return the jets of several functions of u, whose bounds have shape (functions, boxes)."""
    found = compose(u, (orders[0], orders.get(1, NOTHING), orders.get(2, NOTHING)), wanted)
    shape = found.value[0].shape

    def each(pair: Pair) -> Pair:
        return np.broadcast_to(pair[0], shape), np.broadcast_to(pair[1], shape)

    slope = {place: each(pair) for place, pair in found.slope.items()}
    bend = {place: each(pair) for place, pair in found.curvature.items()}
    return [
        Jet(
            (found.value[0][k], found.value[1][k]),
            {place: (low[k], high[k]) for place, (low, high) in slope.items()},
            {place: (low[k], high[k]) for place, (low, high) in bend.items()},
            found.defined,
            found.positive[k],
            None if found.matrix is None else (found.matrix[0][k], found.matrix[1][k]),
        )
        for k in range(shape[0])
    ]


def function_of(name: str, u: Jet, wanted: JetOrders) -> Jet:
    """Return the jet of a function of the library."""
    function = function_named(name)
    low, high = u.value
    orders = [range_over(function, 0, low, high), NOTHING, NOTHING]
    if function.kinked and not wanted.sides:
        # away from the kink by as little as can be
        middle = 0.5 * low + 0.5 * high
        low = high = np.where(middle == 0.0, 1.0, middle)
    for order in (1, 2):
        if needs_derivative(order, u, wanted):
            orders[order] = range_over(function, order, low, high)
    if function.kinked:
        orders[2] = chosen(u.positive, NOTHING, orders[2])
    found = compose(u, (orders[0], orders[1], orders[2]), wanted)
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
    return replace(found, defined=defined, positive=positive)


def _bent_as_it_grows(u: Jet, found: Jet, wanted: JetOrders) -> Jet:
    """Return the jet of an exponential, all of whose derivatives are one number: exp(u) · (u″ + u′ u′)."""
    one = np.ones(1), np.ones(1)
    plain = compose(u, (u.value, one, one), wanted)
    value = np.atleast_1d(found.value[0]), np.atleast_1d(found.value[1])
    matrix = None if plain.matrix is None else weighted(value, plain.matrix)
    return replace(found, curvature=_scaled(found.value, plain.curvature), matrix=matrix)


def power_of(node: Power, parts: Sequence[Jet], wanted: JetOrders) -> Jet:
    """Return the jet of a base to an exponent."""
    base, exponent = parts
    if isinstance(node.exponent, Constant):
        return _raised(base, node.exponent.value, wanted)
    # x ** y = exp(y log x)
    general = function_of("exp", _times_jets(exponent, function_of("log", base, wanted), wanted), wanted)
    value = variable_power_bounds(base.value, exponent.value)
    return replace(general, value=value, positive=base.positive)


def _raised(base: Jet, power: float, wanted: JetOrders) -> Jet:
    orders = [power_bounds(base.value, power), NOTHING, NOTHING]
    factor = 1.0
    for order in (1, 2):
        factor *= power - order + 1
        if needs_derivative(order, base, wanted):
            steep = np.asarray(factor)
            orders[order] = times((steep, steep), power_bounds(base.value, power - order))
    found = compose(base, (orders[0], orders[1], orders[2]), wanted)
    whole = power == np.floor(power)
    if power >= 0.0:
        sound = TRUE if whole else (base.value[0] >= 0.0) | base.positive
    else:
        sound = base.positive | ((base.value[1] < 0.0) if whole else ~TRUE)
    positive = found.positive | base.positive
    return replace(found, defined=base.defined & sound, positive=positive)
