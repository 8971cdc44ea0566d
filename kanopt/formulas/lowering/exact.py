"""Functions of one variable that are piecewise linear as they stand: their pieces, with nothing approximated.

Sums, multiples, absolute values, hinges, largest and smallest, staircases of the variable and what is made of them are
carried out on pieces. What floating point adds on the way is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from kanopt.formulas.enclosures.arithmetic import EPS
from kanopt.formulas.enclosures.enclosure import Enclosure, Orders, settled
from kanopt.formulas.enclosures.rules import enclosed
from kanopt.formulas.lowering.graphs import ARGUMENT
from kanopt.formulas.lowering.parts import Combination
from kanopt.formulas.lowering.program import Pieces
from kanopt.formulas.nodes import (
    Apply,
    Array,
    Constant,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
)
from kanopt.formulas.pieces import Curve, Step

_MOST = 20_000


@dataclass(frozen=True)
class Exact:
    """Pieces, and how far floating point may have moved them."""

    pieces: Pieces
    off: float

    @classmethod
    def of(cls, x: Array, start: Array, stop: Array, off: float) -> Exact:
        """Return pieces with these breakpoints and values at both ends of each."""
        return cls(Pieces(tuple(x), tuple(start), tuple(stop)), off)

    @property
    def size(self) -> float:
        """The largest absolute value."""
        return max(map(abs, self.pieces.values))

    @property
    def level(self) -> bool:
        """Whether it is constant but for jumps."""
        return self.pieces.start == self.pieces.stop


def exact_pieces(graph: Node, low: float, high: float) -> tuple[Pieces, float] | None:
    """Return a function's own pieces on a range and what rounding may have added, or None if it has none.

    Examples
    --------
    >>> found = exact_pieces(Apply("relu", 2 * ARGUMENT - 3) + 1, 0.0, 4.0)
    >>> found[0].x, found[0].start, found[0].stop
    ((0.0, 1.5, 4.0), (1.0, 1.0), (1.0, 6.0))
    """
    found: dict[bytes, Exact] = {}
    ends = np.array([low, high])
    for node in postorder(graph):
        parts = [found[child.key] for child in node.children if child.key in found]
        if len(parts) < len(node.children):
            return None
        made = (
            Exact.of(ends, ends[:-1], ends[1:], 0.0)
            if node.key == ARGUMENT.key
            else _visit(node, parts, ends)
        )
        if made is None or len(made.pieces) > _MOST:
            return None
        found[node.key] = made
    return _merged(found[graph.key])


def line_of(graph: Node) -> Combination[Node] | None:
    """Return a straight line that is written as sums and multiples of the variable; None for anything else.

    Examples
    --------
    >>> line = line_of(3 * (1 + 2 * ARGUMENT) - ARGUMENT)
    >>> line.constant, line.terms[ARGUMENT], line.weight, line.bulk[ARGUMENT]
    (3.0, 5.0, 3.0, 7.0)
    """
    lines: dict[bytes, Combination[Node]] = {}
    for node in postorder(graph):
        parts = [lines[child.key] for child in node.children if child.key in lines]
        if len(parts) < len(node.children):
            return None
        found: Combination[Node] | None = None
        if node.key == ARGUMENT.key:
            found = Combination.of(node)
        elif isinstance(node, Constant):
            found = Combination.of(constant=node.value)
        elif isinstance(node, Sum):
            found = reduce(Combination.plus, parts)
        elif isinstance(node, Product):
            found = _multiple(parts)
        if found is None:
            return None
        lines[node.key] = found
    line = lines[graph.key]
    return line if math.isfinite(line.size(lambda _: (1.0, 1.0))) else None


def _multiple(parts: list[Combination[Node]]) -> Combination[Node] | None:
    sloped = [part for part in parts if part.bulk]
    if len(sloped) > 1:
        return None
    factor = math.prod(part.constant for part in parts if not part.bulk)
    size = math.prod(part.weight for part in parts if not part.bulk)
    return (sloped[0] if sloped else Combination[Node].of(constant=1.0)).times(factor, size)


def _visit(node: Node, parts: list[Exact], ends: Array) -> Exact | None:
    match node:
        case Constant(value=value):
            return _level(ends, value, 4.0 * EPS * abs(value))
        case Sum():
            return reduce(_added, parts)
        case Product():
            return _product(parts)
        case Power(exponent=Constant(value=1.0)):
            return parts[0]
        case Maximum():
            return reduce(_larger, parts)
        case Minimum():
            return _scaled(reduce(_larger, [_scaled(part, -1.0) for part in parts]), -1.0)
        case Apply(function="abs"):
            return _larger(parts[0], _scaled(parts[0], -1.0))
        case Apply(function="relu"):
            return _larger(parts[0], _level(ends, 0.0, 0.0))
        case Step(argument=argument) if argument.key == ARGUMENT.key:
            return _stairs(node, ends)
        case Apply() | Power() | Curve():
            return _of_levels(node, parts)
    return None


def _level(ends: Array, value: float, off: float) -> Exact:
    return Exact.of(ends, np.array([value]), np.array([value]), off)


def _of_levels(node: Node, parts: list[Exact]) -> Exact | None:
    """Return a function of staircases, which is one too; None where an argument is none."""
    if not all(part.level for part in parts):
        return None
    x = np.array(parts[0].pieces.x)
    levels = [np.array(part.pieces.start) for part in parts]
    if len(parts) == 2:
        x, (first, _), (second, _) = _aligned(*parts)
        levels = [first, second]
    with np.errstate(all="ignore"):
        ends = [(level, level) for level in levels]
        errors = [
            settled(pair, np.full(len(x) - 1, part.off)) for pair, part in zip(ends, parts, strict=True)
        ]
        found = enclosed(node, list(map(Enclosure.of, ends, errors)), Orders(errors=True))
        value = np.broadcast_to(node.compute(levels, {}), levels[0].shape)
    off = float(np.max(found.error.off))
    return Exact.of(x, value, value, off) if np.isfinite(value).all() and np.isfinite(off) else None


def _stairs(node: Step, ends: Array) -> Exact:
    edges = np.array([edge for edge in node.breakpoints if ends[0] < edge <= ends[1]])
    values = np.asarray(node.values)[np.searchsorted(node.breakpoints, [ends[0], *edges], side="right")]
    return Exact.of(np.array([ends[0], *edges, ends[1]]), values, values, 0.0)


def _aligned(a: Exact, b: Exact) -> tuple[Array, tuple[Array, Array], tuple[Array, Array]]:
    """Return the breakpoints of both, and the values of each at both ends of the pieces between them."""
    x = np.union1d(a.pieces.x, b.pieces.x)
    if a.pieces.ends_in_a_point or b.pieces.ends_in_a_point:
        x = np.append(x, x[-1])
    return x, a.pieces.on(x), b.pieces.on(x)


def _combined(a: Exact, b: Exact, operation: Callable[[Array, Array], Array], off: float) -> Exact:
    x, on_a, on_b = _aligned(a, b)
    start, stop = (operation(u, v) for u, v in zip(on_a, on_b, strict=True))
    size = float(np.abs([start, stop]).max())
    return Exact.of(x, start, stop, off + 4.0 * EPS * (a.size + b.size + size))


def _added(a: Exact, b: Exact) -> Exact:
    return _combined(a, b, np.add, a.off + b.off)


def _scaled(a: Exact, factor: float) -> Exact:
    off = abs(factor) * (a.off + (0.0 if abs(factor) == 1.0 else 2.0 * EPS * a.size))
    return Exact(a.pieces.times(factor), off)


def _product(parts: list[Exact]) -> Exact | None:
    total: Exact | None = parts[0]
    for part in parts[1:]:
        total = None if total is None else _times(total, part)
    return total


def _times(a: Exact, b: Exact) -> Exact | None:
    if not (a.level or b.level):
        return None
    return _combined(
        a, b, np.multiply, a.off * b.size + b.off * a.size + a.off * b.off + EPS * a.size * b.size
    )


def _larger(a: Exact, b: Exact) -> Exact:
    """Return the larger of two, cut where they cross."""
    x, on_a, on_b = _aligned(a, b)
    before, after = on_a[0] - on_b[0], on_a[1] - on_b[1]
    crossed = np.flatnonzero(before * after < 0.0)
    share = before[crossed] / (before[crossed] - after[crossed])
    places = x[crossed] + share * (x[crossed + 1] - x[crossed])
    fresh = np.union1d(x, places)
    if x[-1] == x[-2]:
        fresh = np.append(fresh, fresh[-1])
    fine_a, fine_b = (Exact.of(fresh, *part.pieces.on(fresh), part.off) for part in (a, b))
    return _combined(fine_a, fine_b, np.maximum, max(a.off, b.off))


def _merged(found: Exact) -> tuple[Pieces, float]:
    """Join pieces that go on along the same line, but for rounding."""
    x, start, stop = (np.array(getattr(found.pieces, name)) for name in ("x", "start", "stop"))
    tiny = 8.0 * EPS * found.size
    kept_x, kept_start, kept_stop = [x[0]], [start[0]], [stop[0]]
    begin, last = 0, len(start) - 1
    for k in range(1, len(start)):
        joins = abs(stop[k - 1] - start[k]) <= tiny and x[k] < x[k + 1]
        if joins and _straight(x, start, stop, begin, k, tiny):
            kept_stop[-1] = stop[k]
            continue
        begin = k
        kept_x.append(x[k])
        kept_start.append(start[k])
        kept_stop.append(stop[k])
    kept_x.append(x[last + 1])
    return Pieces(tuple(kept_x), tuple(kept_start), tuple(kept_stop)), found.off + 2.0 * tiny


def _straight(x: Array, start: Array, stop: Array, begin: int, end: int, tiny: float) -> bool:
    """Return whether all that lies from the start of one piece to the end of another is near its chord."""
    rise = (stop[end] - start[begin]) / (x[end + 1] - x[begin])
    line = start[begin] + rise * (x[begin + 1 : end + 1] - x[begin])
    return bool((np.abs(line - stop[begin:end]) <= tiny).all())
