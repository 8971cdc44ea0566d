"""Ranges of every step of a graph, and how far floating point may be off when it is evaluated.

A running error analysis (Higham 2002, *Accuracy and Stability of Numerical Algorithms*, sec. 3.3) over a grid of
boxes: each step hands on what its arguments are off by, times its slope over their ranges, and adds a few units in the
last place of its own. Where products, powers and sums of one sign keep a relative error small, that is handed on as
well: the slope of a root at zero is unbounded, but half the relative error of its argument is all that it makes. At a
stair it counts nothing: where rounding alone decides on which stair an argument stands, the
law itself is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from kanopt.formulas.functions import function_named
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
    postorder,
)
from kanopt.formulas.pieces import Curve, Step
from kanopt.formulas.shapes.arithmetic import EPS, Pair, outward, plus, power_bounds, times
from kanopt.formulas.shapes.curve_bounds import CurveBounds
from kanopt.formulas.shapes.ranges import range_over

__all__ = ["Enclosures", "Known", "known_of"]

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
        order = postorder(root)
        names = [node.name for node in order if isinstance(node, Input)]
        low, high = _grid([ranges[name] for name in names])
        inputs = {name: (low[:, place], high[:, place]) for place, name in enumerate(names)}
        known: dict[bytes, Known] = {}
        with np.errstate(all="ignore"):
            for node in order:
                parts = [known[child.key] for child in node.children]
                known[node.key] = known_of(node, parts, inputs)
            self._ranges = {key: (float(k.low.min()), float(k.high.max())) for key, k in known.items()}
            self.rounding = float(np.max(known[root.key].off))
        """How far the evaluated root may be from the root, at most."""

    def range(self, node: Node) -> tuple[float, float]:
        """Return bounds of a step; infinite where it may have no finite value."""
        low, high = self._ranges[node.key]
        return (-np.inf if np.isnan(low) else low), (np.inf if np.isnan(high) else high)


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
            return _power(node, *parts)
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


def _power(node: Power, base: Known, exponent: Known) -> Known:
    if isinstance(node.exponent, Constant):
        power = node.exponent.value
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
    logarithm = _apply("log", base)
    found = _apply("exp", _product(exponent, logarithm))
    return Known(found.low, found.high, np.where(base.moved[0] > 0.0, found.off, np.inf))


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
