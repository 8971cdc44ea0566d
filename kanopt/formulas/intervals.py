"""Bounds of a formula over ranges of its inputs, by interval arithmetic.

Interval arithmetic (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 2) over the graph, rounded
outwards after every step, so that every finite value the formula takes lies within. Curves are bounded by the
exact extrema of their cubic pieces. Where an input occurs several times the bounds are valid but not the
tightest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.functions import function_named
from kanopt.formulas.input_ranges import Bounds, given_ranges
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.text import number_text

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["interval", "is_finite_throughout"]

_EPS = float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)
_EXACT = (Constant, Input, Maximum, Minimum, Step, Table)  # nothing is computed, nothing is rounded
_UNBOUNDED = (-math.inf, math.inf)


def interval(formula: Formula, ranges: Mapping[str, Any]) -> Bounds:
    """Return bounds of the formula; see :meth:`kanopt.formulas.Formula.interval`."""
    numbers, labels = given_ranges(formula, ranges)
    try:
        with np.errstate(all="ignore"):
            return fold(formula.root, lambda node, parts: _visit(node, parts, numbers, labels))
    except FormulaError as error:
        raise FormulaError(f"formula for {formula.output.name!r}: {error}") from error


def is_finite_throughout(formula: Formula, ranges: Mapping[str, Any]) -> bool:
    """Return whether no step of the formula has a pole, or grows beyond floating point, within ranges of its inputs.

    A logarithm of something that may be zero has one, whether or not the formula is finite there. Where bounds are wide
    because an input occurs several times, the answer may be False although there is none.

    Parameters
    ----------
    formula
        The formula.
    ranges
        Input to its range, as in :func:`interval`.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("x * log(x)", [Variable("x")], Variable("cost"))
    >>> is_finite_throughout(law, {"x": (0.5, 2)}), is_finite_throughout(law, {"x": (0, 2)})
    (True, False)
    """
    numbers, labels = given_ranges(formula, ranges)
    finite = True

    def visit(node: Node, parts: list[Bounds]) -> Bounds:
        nonlocal finite
        low, high = _visit(node, parts, numbers, labels)
        # a power with a variable exponent is that of the logarithm of its base
        by_logarithm = isinstance(node, Power) and parts[1][0] < parts[1][1] and parts[0][0] <= 0
        finite &= math.isfinite(low) and math.isfinite(high) and not by_logarithm
        return low, high

    with np.errstate(all="ignore"):
        fold(formula.root, visit)
    return finite


def _outward(low: float, high: float) -> Bounds:
    """Widen by a few units in the last place; NaN becomes unbounded."""
    low = -math.inf if math.isnan(low) else low - 8 * _EPS * abs(low) - _TINY
    high = math.inf if math.isnan(high) else high + 8 * _EPS * abs(high) + _TINY
    # an infinite bound minus an infinite slack is NaN
    return (-math.inf if math.isnan(low) else low), (math.inf if math.isnan(high) else high)


def _visit(
    node: Node, parts: list[Bounds], numbers: Mapping[str, Bounds], labels: Mapping[str, frozenset[str]]
) -> Bounds:
    bounds = _bounds(node, parts, numbers, labels)
    return bounds if isinstance(node, _EXACT) else _outward(*bounds)


def _bounds(
    node: Node, parts: list[Bounds], numbers: Mapping[str, Bounds], labels: Mapping[str, frozenset[str]]
) -> Bounds:
    match node:
        case Constant():
            return node.value, node.value
        case Input():
            return numbers[node.name]
        case Sum():
            return sum(low for low, _ in parts), sum(high for _, high in parts)
        case Product():
            product = parts[0]
            for part in parts[1:]:
                product = _outward(*_corners(product, part, _times))
            return product
        case Maximum():
            return max(low for low, _ in parts), max(high for _, high in parts)
        case Minimum():
            return min(low for low, _ in parts), min(high for _, high in parts)
        case Power():
            return _power(*parts)
        case Apply():
            return function_named(node.function).range_over(*parts[0])
        case Curve():
            return _curve(node, *parts[0])
        case Step():
            first, last = (int(np.searchsorted(node.breakpoints, end, side="right")) for end in parts[0])
            values = node.values[first : last + 1]
            return min(values), max(values)
        case Table():
            return _table(node, labels)
    raise TypeError(f"no bounds for {type(node).__name__}")


def _times(x: float, y: float) -> float:
    # an unbounded factor times nothing is nothing: the bound itself is never reached
    return 0.0 if x == 0 or y == 0 else x * y


def _corners(x: Bounds, y: Bounds, operation: Any) -> Bounds:
    values = [operation(a, b) for a, b in itertools.product(x, y)]
    return min(values), max(values)


def _power(base: Bounds, exponent: Bounds) -> Bounds:
    if exponent[0] < exponent[1]:
        return _general_power(base, exponent)
    power = exponent[0]
    low, high = base
    if power == 0:
        return 1.0, 1.0
    if power != math.floor(power):
        if high < 0:
            between = f"between {number_text(low, 6)} and {number_text(high, 6)}"
            raise FormulaError(f"something {between} to the power of {number_text(power, 6)} is not defined")
        low = max(low, 0.0)
    if low < 0 < high and power < 0:
        # the pole at zero lies inside: an even power stays above its lower end, an odd one goes both ways
        return (min(_raise(low, power), _raise(high, power)), math.inf) if power % 2 == 0 else _UNBOUNDED
    ends = [_raise(low, power), _raise(high, power)]
    if power < 0 and low == 0:
        ends[0] = math.inf
    if power < 0 and high == 0:
        ends[1] = math.inf if power % 2 == 0 else -math.inf
    least = 0.0 if low < 0 < high and power % 2 == 0 else min(ends)
    return least, max(ends)


def _general_power(base: Bounds, exponent: Bounds) -> Bounds:
    """Bound x**y; y·log(x) is bilinear, so its extrema over a box lie at the corners."""
    low, high = base
    if low >= 0:
        return _corners(base, exponent, _raise)
    # below zero the power is defined for whole exponents only, and of either sign
    _, most = _corners((0.0, max(abs(low), abs(high))), exponent, _raise)
    return -most, most


def _raise(x: float, y: float) -> float:
    return float(np.power(x, y))


def _curve(curve: Curve, low: float, high: float) -> Bounds:
    """Bound a curve by its values at both ends, at the knots between, and at the extrema of its pieces."""
    powers = curve.powers
    start, stop = (low - curve.low) / curve.width, (high - curve.low) / curve.width
    size = float(np.abs(powers).sum(axis=0).max())
    reach = 1.0 + curve.grid_size
    found: list[float] = []
    if curve.periodic:
        if not stop - start < curve.grid_size:
            start, stop = 0.0, float(curve.grid_size)
        reach += max(abs(start), abs(stop))
        turn = math.floor(start / curve.grid_size) * curve.grid_size
        start, stop = start - turn, stop - turn
        powers = np.tile(powers, 2)
    else:
        found = [_linear_tail(curve, end) for end in (low, high) if not curve.low <= end <= curve.high]
    spans = np.arange(powers.shape[1])
    first, last = np.clip(start - spans, 0.0, 1.0), np.clip(stop - spans, 0.0, 1.0)
    touched = (stop >= spans) & (start <= spans + 1)
    c0, c1, c2, c3 = powers
    # where the derivative c1 + 2 c2 t + 3 c3 t² vanishes, in the form that does not cancel (Numerical Recipes 5.6)
    root = np.sqrt(np.maximum(c2 * c2 - 3 * c1 * c3, 0.0))
    q = -(c2 + np.copysign(root, c2))
    places = [first, last] + [np.clip(np.nan_to_num(t), first, last) for t in (q / (3 * c3), c1 / q)]
    for t in places:
        values = ((c3 * t + c2) * t + c1) * t + c0
        found += values[touched].tolist()
    slack = 64 * _EPS * size * reach
    return min(found) - slack, max(found) + slack


def _linear_tail(curve: Curve, x: float) -> float:
    """Return the curve beyond its knots, at infinity too."""
    first, first_slope, last, last_slope = curve.ends
    value, slope, beyond = (
        (first, first_slope, x - curve.low) if x < curve.low else (last, last_slope, x - curve.high)
    )
    return value + _times(slope, beyond)


def _table(table: Table, labels: Mapping[str, frozenset[str]]) -> Bounds:
    """Bound a table by the entries with the given labels, and by its fallback if a label has none."""
    allowed = [labels.get(name) for name in table.inputs]
    values = [
        number
        for key, number in table.entries
        if all(known is None or part in known for part, known in zip(key, allowed, strict=True))
    ]
    count = math.prod(
        len(seen) if known is None else len(known)
        for seen, known in zip(table.categories, allowed, strict=True)
    )
    # with every combination asked for in the table, the fallback is out of reach
    if table.fallback is not None and (None in allowed or len(values) < count):
        values.append(table.fallback)
    if not values:
        raise FormulaError(f"table {table.name!r} has no entry for the given categories")
    return min(values), max(values)
