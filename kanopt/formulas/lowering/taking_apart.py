"""Taking a formula apart into functions of one variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas import nodes
from kanopt.formulas.intervals import Enclosures
from kanopt.formulas.lowering.exact import exact_pieces, line_of
from kanopt.formulas.lowering.graphs import (
    ARGUMENT,
    Called,
    Graph,
    Group,
    at,
    groups_of,
    inserted,
    over,
    shown,
)
from kanopt.formulas.lowering.jumps import with_plain_steps
from kanopt.formulas.lowering.multiplying import multiplied
from kanopt.formulas.lowering.parts import (
    Affine,
    Combination,
    Curved,
    Larger,
    Part,
    Source,
    Straight,
    combined,
    sum_of,
)
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.nodes import Constant, Input, Maximum, Minimum, Node, Sum, computed
from kanopt.formulas.shapes.arithmetic import EPS

__all__ = ["function_of", "taken_apart"]


def taken_apart(known: Enclosures) -> Part:
    """Return a graph of numbers as parts.

    Parameters
    ----------
    known
        The graph, without tables and without inputs whose range is a single number, with the bounds of its steps.

    Raises
    ------
    FormulaError
        If a function has no finite value somewhere in its range, or a staircase stands on what can only be
        approximated.
    """
    root, graph = known.root, Graph(known.root)
    found: dict[bytes, Part] = {}
    base = graph.base(root)
    if base is None:
        return _constant(root)
    stack = [base]
    while stack:
        node = stack[-1]
        groups = [] if isinstance(node, Input) else groups_of(graph, node)
        missing = [
            group.base
            for group in groups
            if group.base is not None and group.base.key not in found and group.base.key != node.key
        ]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if node.key not in found:
            found[node.key] = _base(node, groups, found, known)
    return function_of(over(root, base), found[base.key], shown(root))


def _constant(node: Node) -> Affine:
    if not isinstance(node, Constant):
        raise TypeError(f"{type(node).__name__} without inputs is no constant")
    return Affine(shown(node), node.value, node.value, True, Combination.of(constant=node.value))


def _base(
    node: Node,
    groups: Sequence[Group],
    found: Mapping[bytes, Part],
    known: Enclosures,
) -> Part:
    if isinstance(node, Input):
        return Source(node.name, *known.ranges[node.name], True, node.name)
    if isinstance(node, nodes.Product):
        return multiplied(node, groups, found, known.range(node), function_of)
    parts: list[Part] = []
    for group in groups:
        if group.base is None:
            parts += _constants(node, group.node)
        else:
            made = function_of(over(group.node, group.base), found[group.base.key], shown(group.node))
            parts.append(made)
    if isinstance(node, Sum):
        return sum_of(shown(node), parts, known.range(node))
    if isinstance(node, Maximum | Minimum):
        return _extreme(node, parts)
    raise TypeError(f"{type(node).__name__} has one base at most")


def _constants(node: Node, group: Node) -> list[Affine]:
    """Return the constant parts of a sum or an extreme, each computed by itself."""
    found = []
    for part in group.children if type(group) is type(node) else (group,):
        value = float(computed(part))
        if not math.isfinite(value):
            raise FormulaError(f"{shown(node)}: its constants have no finite value")
        off = 0.0 if isinstance(part, Constant) else 4.0 * EPS * part.size * abs(value)
        found.append(Affine(shown(part), value - off, value + off, True, Combination.of(constant=value), off))
    return found


def _extreme(node: Node, parts: Sequence[Part]) -> Part:
    """Return the largest as a chain of larger ones, and the smallest as minus the largest of the negatives."""
    if isinstance(node, Minimum):
        return _negative(_chain([_negative(part) for part in parts]))
    return _chain(parts)


def _chain(parts: Sequence[Part]) -> Part:
    total = parts[0]
    for part in parts[1:]:
        low, high = max(total.low, part.low), max(total.high, part.high)
        exact = total.exact and part.exact
        total = Larger(f"max({total.text}, {part.text})", low, high, exact, total, part)
    return total


def _negative(part: Part) -> Affine:
    text = f"−({part.text})" if " " in part.text else f"−{part.text}"
    off = part.off if isinstance(part, Affine) else 0.0
    return Affine(text, -part.high, -part.low, part.exact, combined(part).times(-1.0), off)


def function_of(graph: Node, argument: Part, text: str) -> Part:
    """Return a function of one variable of a part.

    Raises
    ------
    FormulaError
        If the range of the part is unbounded, the function has no finite value somewhere there, or it jumps where its
        argument is only known approximately.
    """
    line = line_of(graph)
    if line is not None:
        return _line(text, argument, line, graph.size)
    low, high = argument.low, argument.high
    if not (math.isfinite(low) and math.isfinite(high)):
        raise FormulaError(
            f"{text}: {argument.text} could not be bounded (from {low:g} to {high:g}); narrow the ranges of its inputs"
        )
    if isinstance(argument, Curved):
        # a function of a function of something is one function of it
        return function_of(inserted(graph, argument.profile.graph), argument.argument, text)
    low, high = (low, high) if isinstance(argument, Source) else _where_defined(graph, low, high)
    if not low < high:
        high = low + 1e-12 * max(abs(low), 1.0)
    called = Called(text, argument.text)
    plain = with_plain_steps(graph, low, high, called)
    found = exact_pieces(plain, low, high)
    if found is None:
        profile = Profile(plain, low, high, called)
        if len(profile.jumps):
            _refuse_jumps(argument, text, float(profile.jumps[0]))
        return Curved(text, *profile.range, False, argument, profile)
    pieces, off = found
    if pieces.jumps:
        _refuse_jumps(argument, text, pieces.jumps[0].x)
    least, most = pieces.values
    if least == most:
        return Affine(text, least - off, most + off, True, Combination.of(constant=least), off)
    return Straight(text, least - off, most + off, argument.exact, argument, pieces, off)


def _where_defined(graph: Node, low: float, high: float) -> tuple[float, float]:
    """Return the range without ends at which a function has no value because the range was widened for rounding.

    A root of 1 − x y over the unit square has the argument 0 at one corner, and a little less by interval arithmetic.
    Where the law has no value nothing is claimed. A pole is not cut off: the function must be settled at the end.
    """
    near = 1e-9 * (high - low)
    places = np.array([low, low + near, *np.linspace(low, high, 9)[1:-1], high - near, high])
    values = at(graph, places)
    if np.isfinite(values[[0, -1]]).all() or not np.isfinite(values[1:-1]).all():
        return low, high
    ends = []
    for out, inside in ((0, 1), (-1, -2)):
        end = places[out] if np.isfinite(values[out]) else _last_defined(graph, places[out], places[inside])
        settled = abs(float(at(graph, np.array([end]))[0]) - values[inside]) <= 0.1 * np.ptp(values[1:-1])
        ends.append(float(end) if settled else float(places[out]))
    return ends[0], ends[1]


def _last_defined(graph: Node, outside: float, inside: float) -> float:
    """Return the number nearest to one without a value that has one, given one that has."""
    while True:
        middle = 0.5 * outside + 0.5 * inside
        if not min(outside, inside) < middle < max(outside, inside):
            return inside
        if np.isfinite(at(graph, np.array([middle]))[0]):
            inside = middle
        else:
            outside = middle


def _line(text: str, argument: Part, line: Combination[Node], steps: int) -> Part:
    """Return a multiple of a part and a constant, computed in so many steps."""
    if line == Combination.of(ARGUMENT):
        return argument
    slope = line.terms.get(ARGUMENT, 0.0)
    total = line.put({ARGUMENT: combined(argument)})
    off = 2.0 * EPS * (steps + 4) * total.size(lambda part: part.ends)
    off += abs(slope) * argument.off if isinstance(argument, Affine) else 0.0
    low, high = line.range(lambda _: argument.ends)
    return Affine(text, low - off, high + off, argument.exact, total.settled, off)


def _refuse_jumps(argument: Part, text: str, place: float) -> None:
    if not argument.exact:
        raise FormulaError(
            f"{text} jumps where {argument.text} is {place:.6g}, which straight pieces only approximate, so that "
            "neither side of the jump is certain; fix inputs of it, or let it depend on one input or on a sum of "
            "multiples of inputs"
        )
