"""What every kind of step does to bounds: of its value, its derivatives, and what floating point makes of it.

Forward automatic differentiation in intervals (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*,
ch. 9): every step of the graph carries its value, its first derivatives, and its second derivatives with respect to
one input x and the others. The bounds are valid beyond smooth steps:

* A first derivative bounds every difference quotient between two points of the box that differ only in that input
  (Neumaier 1990, *Interval Methods for Systems of Equations*, sec. 2.3): sums, products and functions propagate
  quotients by the same rules. So the formula is non-decreasing where it is not negative, also at the kink of a maximum
  and across the breakpoints of a step function, where it is unbounded in the direction of the jump.
* A second derivative is that of the formula smoothed at its kinks, where it is unbounded on one side; if it is bounded
  from below by zero for all smoothings, the formula is convex in the limit.

Beside them runs an error analysis: each step hands on what its parts are off by, times its slope over their ranges, and
adds a few units in the last place of its own (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, sec. 3.3).
At a stair nothing is counted: where rounding alone decides on which stair an argument stands, the law itself is
undecided. Each is computed only where it is asked for, so that values alone cost no more than values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import and_, or_
from typing import NamedTuple

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.enclosures.arithmetic import (
    EPS,
    NOTHING,
    TRUE,
    UPWARDS,
    CurveBounds,
    Flags,
    Pair,
    Stairs,
    chosen,
    hull,
    largest,
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
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Constant, Maximum, Minimum, Node, Power, Product, Sum
from kanopt.formulas.pieces import Curve, Step


@dataclass(frozen=True)
class Orders:
    """What is asked for.

    Parameters
    ----------
    order
        0 for values alone, 1 with first derivatives, 2 with second derivatives, if there is an `x`.
    x
        Position of the number of which second derivatives in it and each other side are wanted, and which moves in a
        jump; −1 for none.
    sides
        Whether derivatives at a kink include both sides. If not, one side is used, so that at points only rounding
        widens the bounds.
    closed
        Whether to include faces of the whole box on which a number is zero, where a logarithm has no finite value.
    errors
        Whether to bound also how far floating point may be off.
    """

    order: int = 0
    x: int = -1
    sides: bool = True
    closed: bool = False
    errors: bool = False

    @property
    def second(self) -> bool:
        """Whether second derivatives in `x` are wanted."""
        return self.order == 2 and self.x >= 0


EXACT: Floats = np.zeros(())


class Enclosure(NamedTuple):
    """Bounds at a step of the graph, arrays that broadcast to (boxes,), or (sides, boxes) for derivatives.

    Parameters
    ----------
    value
        Bounds of the step's value.
    slope
        First derivatives by every side. That by a category, which follow the numbers, is the largest difference between
        two of its labels. Of what depends on no side they are :data:`NOTHING`.
    curvature
        Second derivatives in `x` and each side.
    defined
        Whether it has a finite value everywhere in the box, except on a face of the whole where a number is zero. There
        it is the limit from within, or has no finite value.
    positive
        Whether it is above zero everywhere in the box, except on such a face.
    off
        How far floating point may be off, if that is asked for.
    """

    value: Pair
    slope: Pair
    curvature: Pair
    defined: Flags
    positive: Flags
    off: Floats = EXACT

    @classmethod
    def of(cls, value: Pair, off: Floats = EXACT) -> Enclosure:
        """Return that of something that depends on no number."""
        return cls(value, NOTHING, NOTHING, TRUE, np.asarray(value[0] > 0.0), off)

    @property
    def moved(self) -> Pair:
        """The range of what floating point makes of it."""
        return self.value[0] - self.off, self.value[1] + self.off

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value; infinite where it may have no finite one."""
        low, high = float(self.value[0].min()), float(self.value[1].max())
        return (-np.inf if np.isnan(low) else low), (np.inf if np.isnan(high) else high)

    @property
    def number(self) -> float | None:
        """The number that it is everywhere; None where there are several."""
        low, high = self.ends
        return low if low == high and self.slope is NOTHING else None


_OWN = 8.0 * EPS  # what one elementary function is off by, of its value


def off_of_product(parts: Sequence[Enclosure]) -> Floats:
    """Return how far a product is off, multiplied one after the other."""
    most, off = largest(parts[0].value), parts[0].off
    for part in parts[1:]:
        size, other = most + off, largest(part.value) + part.off
        # nothing times something unbounded is nothing
        errors = [size * part.off, other * off, EPS * size * other]
        off = reduce(np.add, [np.nan_to_num(each, nan=0.0) for each in errors])
        most = np.nan_to_num(most * largest(part.value), nan=0.0)
    return off


def off_of_function(u: Enclosure, value: Pair, slope: Pair, power: float = 1.0) -> Floats:
    """Return how far a function of u is off, given its slope over what floating point makes of u.

    A root at zero, whose slope is unbounded, changes by at most the power of the change.
    """
    carried = np.where(u.off == 0.0, 0.0, largest(slope) * u.off)
    if 0.0 < power < 1.0:
        carried = np.minimum(carried, np.power(u.off, power))
    return carried + _OWN * largest(value)


_KEEP_POSITIVE = frozenset({"sqrt", "square", "abs", "relu", "log1p", "tanh", "atan"})


def enclosed(node: Node, parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    """Return what is known of a step, given what is known of its parts; arrays may have any shape for values alone."""
    match node:
        case Constant():
            value = np.asarray(node.value)
            # it counts as computed
            return Enclosure.of((value, value), 0.5 * _OWN * np.abs(value) if wanted.errors else EXACT)
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
    value: Pair, parts: Sequence[tuple[Enclosure, Pair | None]], wanted: Orders, bends: Sequence[Pair] = ()
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
    bends
        What its second derivatives add.
    """
    curvature = NOTHING
    if wanted.second:
        curvature = _added([*(_scaled(steep, u.curvature) for u, steep in parts), *bends])
    return Enclosure(
        value,
        _added([_scaled(steep, u.slope) for u, steep in parts]),
        curvature,
        reduce(and_, [u.defined for u, _ in parts]),
        np.asarray(value[0] > 0.0),
    )


def _scaled(factor: Pair | None, derivatives: Pair) -> Pair:
    return derivatives if factor is None or derivatives is NOTHING else times(factor, derivatives)


def _added(terms: Sequence[Pair]) -> Pair:
    moving = [term for term in terms if term is not NOTHING]
    return total(moving) if moving else NOTHING


def along(derivatives: Pair, side: int) -> Pair:
    """Return the derivatives by one side; nothing where there are none."""
    return NOTHING if derivatives is NOTHING else (derivatives[0][side], derivatives[1][side])


def _crossed(slope: Pair, x: int) -> Pair:
    """Return the slope along `x` times that along each side."""
    low, high = times(along(slope, x), slope)
    low[x], high[x] = square(along(slope, x))
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
    off = EXACT
    if wanted.errors:
        size = reduce(np.add, [largest(part.value) + part.off for part in parts])
        off = reduce(np.add, [part.off for part in parts]) + (len(parts) - 1) * EPS * size
    return found._replace(positive=found.positive | positive, off=off)


def _product(node: Node, parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    factors = [
        part if count == 1 else _raised(part, float(count), wanted) for part, count in _counted(node, parts)
    ]
    found = reduce(partial(_times, wanted=wanted), factors)
    return found._replace(off=off_of_product(parts)) if wanted.errors else found


def _times(u: Enclosure, v: Enclosure, wanted: Orders) -> Enclosure:
    bends = []
    if wanted.second:
        bends = [
            _scaled(along(a.slope, wanted.x), b.slope) for a, b in ((u, v), (v, u)) if a.slope is not NOTHING
        ]
    found = _chained(times(u.value, v.value), [(u, v.value), (v, u.value)], wanted, bends)
    return found._replace(positive=found.positive | (u.positive & v.positive))


def _maximum(parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    found = reduce(partial(_larger, wanted=wanted), parts)
    return found._replace(off=reduce(np.maximum, [part.off for part in parts]))


def _minimum(parts: Sequence[Enclosure], wanted: Orders) -> Enclosure:
    least = _negated(_maximum([_negated(part) for part in parts], wanted))
    return least._replace(positive=reduce(and_, [part.positive for part in parts]))


def _negated(u: Enclosure) -> Enclosure:
    slope, curvature = (each if each is NOTHING else negated(each) for each in (u.slope, u.curvature))
    return u._replace(value=negated(u.value), slope=slope, curvature=curvature, positive=~TRUE)


def _larger(u: Enclosure, v: Enclosure, wanted: Orders) -> Enclosure:
    """Return the bounds of the maximum of two: if neither is larger everywhere, the slope is that of either."""
    first, second = u.value[0] >= v.value[1], v.value[0] >= u.value[1]
    # where both meet at an end, the kink may lie between this box and the next
    apart = (u.value[0] > v.value[1]) | (v.value[0] > u.value[1])
    if not wanted.sides:
        first = u.value[0] + u.value[1] >= v.value[0] + v.value[1]
        second, apart = ~first, TRUE
    value = np.maximum(u.value[0], v.value[0]), np.maximum(u.value[1], v.value[1])
    slope = bend = NOTHING
    if not (u.slope is NOTHING and v.slope is NOTHING):
        slope = chosen(first, u.slope, chosen(second, v.slope, hull(u.slope, v.slope)))
    if wanted.second and slope is not NOTHING:
        # max(u, v) = u + relu(v − u), whose kink bends upwards by the product of the slopes of v − u
        kink = times(UPWARDS, _crossed(minus(v.slope, u.slope), wanted.x))
        bent = plus(hull(u.curvature, v.curvature), kink)
        bend = chosen(apart, chosen(first, u.curvature, v.curvature), bent)
    return Enclosure(value, slope, bend, u.defined & v.defined, u.positive | v.positive)


def needed(u: Enclosure, wanted: Orders) -> tuple[int, ...]:
    """Return the orders of the derivatives of a function of `u` that are needed."""
    return (0,) if u.slope is NOTHING else (0, 1, 2) if wanted.second else (0, 1)


def composed(u: Enclosure, orders: Mapping[int, Pair], wanted: Orders) -> Enclosure:
    """Return bounds at a function of u, given those of its value and its derivatives over the range of u."""
    bends = []
    if wanted.second and u.slope is not NOTHING:
        bends.append(_scaled(orders[2], _crossed(u.slope, wanted.x)))
    return _chained(orders[0], [(u, orders.get(1, NOTHING))], wanted, bends)


def curved(node: Curve, bounds: CurveBounds, u: Enclosure, wanted: Orders) -> Enclosure:
    """Return bounds at a curve of u."""
    found = composed(u, bounds.over(needed(u, wanted), *u.value), wanted)
    if not wanted.errors:
        return found
    # its argument is first placed between its knots
    place = 4.0 * EPS * (largest(u.value) + u.off + abs(node.low) + abs(node.high))
    size = 64.0 * EPS * float(np.abs(np.asarray(node.coefficients)).max())
    steep = bounds.over((1,), *u.moved)[1]
    return found._replace(off=off_of_function(u._replace(off=u.off + place), found.value, steep) + size)


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
    defined = u.defined
    if name == "log":
        defined = defined & u.positive
    elif name == "log1p":
        defined = defined & (u.value[0] > function.low)
    elif name == "sqrt":
        defined = defined & ((u.value[0] >= function.low) | u.positive)
    positive = found.positive | (u.positive & (name in _KEEP_POSITIVE))
    off = EXACT
    if wanted.errors:
        power = 0.5 if name == "sqrt" else 1.0
        off = off_of_function(u, found.value, range_over(function, 1, *u.moved), power)
    return found._replace(defined=defined, positive=positive, off=off)


def _power(base: Enclosure, exponent: Enclosure, wanted: Orders) -> Enclosure:
    if exponent.number is not None:
        return _raised(base, exponent.number, wanted)
    # x ** y = exp(y log x)
    logarithm = _function("log", base, wanted)
    grown = _times(exponent, logarithm, wanted)
    if wanted.errors:
        grown = grown._replace(off=off_of_product([exponent, logarithm]))
    general = _function("exp", grown, wanted)
    value = variable_power_bounds(base.value, exponent.value)
    # where the base is not positive, nothing is known of its rounding
    off = np.where(base.moved[0] > 0.0, general.off, np.inf) if wanted.errors else EXACT
    return general._replace(value=value, positive=base.positive, off=off)


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
    off = EXACT
    if wanted.errors:
        slope = times((np.asarray(power),) * 2, power_bounds(base.moved, power - 1.0))
        off = off_of_function(base, found.value, slope, power)
    return found._replace(defined=base.defined & sound, positive=found.positive | base.positive, off=off)
