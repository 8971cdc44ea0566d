"""Bounds of every step of a formula over ranges of its inputs, and how far floating point may be off there.

Interval arithmetic (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 2) over the graph, rounded
outwards, so that every finite value lies within; where an input occurs several times the bounds are valid but not the
tightest. Beside it runs an error analysis (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, sec. 3.3):
each step hands on what its arguments are off by, times its slope over their ranges, and adds a few units in the last
place of its own. Where products, powers and sums of one sign keep a relative error small, that is handed on as
well: the slope of a root at zero is unbounded, but half the relative error of its argument is all that it makes. At a
stair it counts nothing: where rounding alone decides on which stair an argument stands, the law itself is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.functions import function_named
from kanopt.formulas.input_ranges import Bounds, given_ranges
from kanopt.formulas.nodes import (
    Apply,
    Array,
    Constant,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    fold,
    postorder,
)
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.shapes.arithmetic import (
    EPS,
    Pair,
    outward,
    plus,
    power_bounds,
    times,
    variable_power_bounds,
)
from kanopt.formulas.shapes.curve_bounds import CurveBounds
from kanopt.formulas.shapes.ranges import range_over
from kanopt.text import number_text

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Enclosures", "Known", "interval", "is_finite_throughout", "known_of"]

_BOXES = 256
_KEEPS = {
    "sqrt": 0.5,
    "square": 2.0,
    "abs": 1.0,
    "relu": 1.0,
    "tanh": 1.0,
    "atan": 1.0,
}  # of a relative error
_OWN = 8.0 * EPS  # what one elementary function is off by, of its value


def interval(formula: Formula, ranges: Mapping[str, Any]) -> Bounds:
    """Return bounds of the formula; see :meth:`kanopt.formulas.Formula.interval`."""
    numbers, labels = given_ranges(formula, ranges)

    def visit(node: Node, parts: list[Known]) -> Known:
        _check_defined(node, parts)
        return _over_ranges(node, parts, numbers, labels)

    try:
        with np.errstate(all="ignore"):
            return fold(formula.root, visit).ends
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

    def visit(node: Node, parts: list[Known]) -> Known:
        nonlocal finite
        _check_defined(node, parts)
        found = _over_ranges(node, parts, numbers, labels)
        # a power with a variable exponent is that of the logarithm of its base
        by_logarithm = isinstance(node, Power) and parts[1].number is None and parts[0].ends[0] <= 0
        finite &= all(map(math.isfinite, found.ends)) and not by_logarithm
        return found

    with np.errstate(all="ignore"):
        fold(formula.root, visit)
    return finite


def _over_ranges(
    node: Node, parts: list[Known], numbers: Mapping[str, Bounds], labels: Mapping[str, frozenset[str]]
) -> Known:
    """Return what is known of a step over one range of every input."""
    if isinstance(node, Input):
        return _between(*numbers[node.name])
    if isinstance(node, Table):
        return _between(*_table(node, labels))
    return known_of(node, parts, {})


def _between(low: float, high: float) -> Known:
    return Known(np.array(low), np.array(high), np.zeros(()), np.zeros(()))


def _check_defined(node: Node, parts: list[Known]) -> None:
    """Refuse a step that is defined nowhere in the range of what it is of."""
    if not isinstance(node, Apply | Power):
        return
    low, high = parts[0].ends
    between = f"something between {number_text(low, 6)} and {number_text(high, 6)}"
    if isinstance(node, Power):
        power = parts[1].number
        if power is not None and power % 1.0 and high < 0.0:
            raise FormulaError(f"{between} to the power of {number_text(power, 6)} is not defined")
        return
    function = function_named(node.function)
    if high < function.low or low > function.high:
        known = f"from {number_text(function.low, 6)} to {number_text(function.high, 6)}"
        raise FormulaError(f"{node.function} of {between}: it is defined {known}")


@dataclass(frozen=True)
class Known:
    """Bounds of a step and how far floating point may be off, also in proportion to the value; arrays of one shape."""

    low: Array
    high: Array
    off: Array
    share: Array = field(default_factory=lambda: np.array(np.inf))

    def __post_init__(self) -> None:
        with np.errstate(all="ignore"):
            least = np.fmin(self.off, self.share * np.maximum(np.abs(self.low), np.abs(self.high)))
        object.__setattr__(self, "off", least)

    @property
    def pair(self) -> Pair:
        """The bounds."""
        return self.low, self.high

    @property
    def ends(self) -> Bounds:
        """The smallest and the largest value; infinite where it may have no finite one."""
        low, high = float(self.low.min()), float(self.high.max())
        return (-math.inf if math.isnan(low) else low), (math.inf if math.isnan(high) else high)

    @property
    def number(self) -> float | None:
        """The number that it is everywhere; None where there are several."""
        low, high = self.ends
        return low if low == high else None

    @property
    def moved(self) -> Pair:
        """The range of what floating point makes of it."""
        return self.low - self.off, self.high + self.off

    @property
    def size(self) -> Array:
        """The largest absolute value that floating point may make of it."""
        return np.maximum(np.abs(self.low), np.abs(self.high)) + self.off


class Enclosures:
    """Bounds of each step of a graph over a box of inputs.

    Parameters
    ----------
    root
        The graph, without tables.
    ranges
        The range of each input.

    Examples
    --------
    >>> x = Input("x")
    >>> found = Enclosures(x * x - x, {"x": (0.0, 1.0)})
    >>> [round(end, 2) for end in found.range(x * x)], found.rounding < 1e-14
    ([0.0, 1.0], True)
    """

    def __init__(self, root: Node, ranges: Mapping[str, tuple[float, float]]) -> None:
        self.root, self.ranges = root, ranges
        order = postorder(root)
        names = [node.name for node in order if isinstance(node, Input)]
        low, high = _grid([ranges[name] for name in names])
        inputs = {name: (low[:, place], high[:, place]) for place, name in enumerate(names)}
        known: dict[bytes, Known] = {}
        with np.errstate(all="ignore"):
            for node in order:
                parts = [known[child.key] for child in node.children]
                known[node.key] = known_of(node, parts, inputs)
            self._ranges = {key: each.ends for key, each in known.items()}
            self.rounding = float(np.max(known[root.key].off))
        """How far the evaluated root may be from the root, at most."""

    def range(self, node: Node) -> tuple[float, float]:
        """Return bounds of a step; infinite where it may have no finite value."""
        return self._ranges[node.key]


def _grid(ranges: list[tuple[float, float]]) -> tuple[Array, Array]:
    """Return the ends of boxes that fill the ranges, each of shape (boxes, inputs)."""
    each = max(int(_BOXES ** (1.0 / max(len(ranges), 1)) + 1e-9), 1)
    low, high = (np.array([ends[side] for ends in ranges], dtype=np.float64) for side in range(2))
    if each == 1 or not ranges:
        return low[None], high[None]
    place = np.stack(np.unravel_index(np.arange(each ** len(ranges)), (each,) * len(ranges)), axis=1)
    edges = np.linspace(low, high, each + 1)
    columns = np.arange(len(ranges))
    return edges[place, columns], edges[place + 1, columns]


def known_of(node: Node, parts: list[Known], inputs: Mapping[str, Pair]) -> Known:
    """Return what is known of a step, given what is known of its arguments and the ranges of the inputs."""
    match node:
        case Constant():
            value = np.asarray(node.value)
            return Known(value, value, 0.5 * _OWN * np.abs(value), np.asarray(0.5 * _OWN))
        case Input():
            low, high = inputs[node.name]
            return Known(low, high, np.zeros_like(low), np.zeros_like(low))
        case Sum():
            return _sum(parts)
        case Product():
            return reduce(_product, parts)
        case Maximum() | Minimum():
            choose = np.maximum if isinstance(node, Maximum) else np.minimum
            low, high = (reduce(choose, [getattr(part, end) for part in parts]) for end in ("low", "high"))
            return Known(low, high, reduce(np.maximum, [part.off for part in parts]), _of_one_sign(parts))
        case Power():
            return _power(*parts)
        case Apply():
            return _apply(node.function, parts[0])
        case Curve():
            return _curve(node, parts[0])
        case Step():
            stairs, values = np.asarray(node.breakpoints), np.asarray(node.values)
            first, last = (np.searchsorted(stairs, end, side="right") for end in parts[0].moved)
            reached = [np.where((first <= k) & (k <= last), values[k], np.nan) for k in range(len(values))]
            return Known(reduce(np.fmin, reached), reduce(np.fmax, reached), np.zeros_like(parts[0].off))
    raise TypeError(f"no bounds for {type(node).__name__}")


def _of_one_sign(parts: list[Known]) -> Array:
    """Return the largest relative error of parts where all have one sign, so that nothing cancels."""
    above = reduce(np.logical_and, [part.low >= 0.0 for part in parts])
    below = reduce(np.logical_and, [part.high <= 0.0 for part in parts])
    return np.where(above | below, reduce(np.maximum, [part.share for part in parts]), np.inf)


def _sum(parts: list[Known]) -> Known:
    low, high = reduce(plus, [part.pair for part in parts])
    size = reduce(np.add, [part.size for part in parts])
    off = reduce(np.add, [part.off for part in parts]) + (len(parts) - 1) * EPS * size
    return Known(low, high, off, _of_one_sign(parts) + len(parts) * EPS)


def _product(a: Known, b: Known) -> Known:
    low, high = times(a.pair, b.pair)
    off = _less_nan(a.size * b.off) + _less_nan(b.size * a.off) + EPS * _less_nan(a.size * b.size)
    return Known(low, high, off, a.share + b.share + a.share * b.share + EPS)


def _less_nan(value: Array) -> Array:
    """Return a product of a size and an error, where nothing times something unbounded is nothing."""
    return np.where(np.isnan(value), 0.0, value)


def _sloped(value: Pair, slope: Pair, off: Array) -> Array:
    steep = np.maximum(np.abs(slope[0]), np.abs(slope[1]))
    return np.where(off == 0.0, 0.0, steep * off) + _OWN * np.maximum(np.abs(value[0]), np.abs(value[1]))


def _root_like(value: Pair, off: Array, power: float) -> Array:
    """Return the error of t^power, 0 < power < 1, which changes by at most the power of the change."""
    return np.power(off, power) + _OWN * np.maximum(np.abs(value[0]), np.abs(value[1]))


def _power(base: Known, exponent: Known) -> Known:
    power = exponent.number
    if power is not None:
        value = power_bounds(base.pair, power)
        steep = np.asarray(power)
        slope = times((steep, steep), power_bounds(base.moved, power - 1.0))
        off = _sloped(value, slope, base.off)
        if 0.0 < power < 1.0:
            off = np.minimum(off, _root_like(value, base.off, power))
        # (1 + r)^p is 1 + p r but for squares of what is tiny
        share = np.where(abs(power) * base.share < 1e-3, 1.01 * abs(power) * base.share + _OWN, np.inf)
        return Known(*value, off, share)
    # x^y = exp(y · log x), where x is positive; elsewhere nothing is known of its rounding
    by_logarithm = _apply("exp", _product(exponent, _apply("log", base)))
    value = variable_power_bounds(base.pair, exponent.pair)
    return Known(*value, np.where(base.moved[0] > 0.0, by_logarithm.off, np.inf))


def _apply(name: str, part: Known) -> Known:
    function = function_named(name)
    value = range_over(function, 0, part.low, part.high)
    slope = range_over(function, 1, *part.moved)
    off = _sloped(value, slope, part.off)
    tiny = part.share < 1e-3
    if name == "sqrt":
        off = np.minimum(off, _root_like(value, part.off, 0.5))
    elif name == "log":
        own = _OWN * np.maximum(np.abs(value[0]), np.abs(value[1]))
        off = np.where(tiny, np.fmin(off, 1.01 * part.share + own), off)
    elif name == "exp":
        return Known(*value, off, np.where(part.off < 1e-3, 1.01 * part.off + _OWN, np.inf))
    factor = _KEEPS.get(name, np.inf)
    return Known(*value, off, np.where(tiny, 1.01 * factor * part.share + _OWN, np.inf))


def _curve(node: Curve, part: Known) -> Known:
    bounds = CurveBounds(node)
    low, high = np.broadcast_arrays(part.low, part.high)
    shape = low.shape
    value = bounds.over(0, low.reshape(-1), high.reshape(-1))
    slope = bounds.over(1, (low - part.off).reshape(-1), (high + part.off).reshape(-1))
    place = 4.0 * EPS * (part.size + abs(node.low) + abs(node.high))
    size = 64.0 * EPS * float(np.abs(np.asarray(node.coefficients)).max())
    off = _sloped(value, slope, (part.off + place).reshape(-1)) + size
    value = outward(value)
    return Known(value[0].reshape(shape), value[1].reshape(shape), off.reshape(shape))


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
