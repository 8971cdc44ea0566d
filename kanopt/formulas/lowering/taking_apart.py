"""Taking a formula apart into functions of one variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from kanopt.errors import FormulaError
from kanopt.formulas import nodes
from kanopt.formulas.lowering.enclosures import Enclosures
from kanopt.formulas.lowering.exact import exact_pieces, line_of
from kanopt.formulas.lowering.graphs import Called, Graph, Group, groups_of, inserted, over, shown
from kanopt.formulas.lowering.jumps import with_plain_steps
from kanopt.formulas.lowering.multiplying import multiplied
from kanopt.formulas.lowering.parts import Affine, Curved, Larger, Part, Source, Straight, sum_of
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.nodes import Constant, Input, Maximum, Minimum, Node, Sum

__all__ = ["function_of", "taken_apart"]


def taken_apart(root: Node, ranges: Mapping[str, tuple[float, float]]) -> Part:
    """Return a graph of numbers as parts.

    Parameters
    ----------
    root
        Without tables and without inputs whose range is a single number.
    ranges
        The range of every input.

    Raises
    ------
    FormulaError
        If a function has no finite value somewhere in its range, or a staircase stands on what can only be
        approximated.
    """
    graph, known = Graph(root), Enclosures(root, ranges)
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
            found[node.key] = _base(node, groups, found, known.range(node), ranges)
    return function_of(over(root, base), found[base.key], shown(root))


def _constant(node: Node) -> Affine:
    if not isinstance(node, Constant):
        raise TypeError(f"{type(node).__name__} without inputs is no constant")
    return Affine(shown(node), node.value, node.value, True, node.value, ())


def _base(
    node: Node,
    groups: Sequence[Group],
    found: Mapping[bytes, Part],
    bounds: tuple[float, float],
    ranges: Mapping[str, tuple[float, float]],
) -> Part:
    if isinstance(node, Input):
        return Source(node.name, *ranges[node.name], True, node.name)
    if isinstance(node, nodes.Product):
        return multiplied(node, groups, found, bounds, function_of)
    parts = [
        _constant(group.node)
        if group.base is None
        else function_of(over(group.node, group.base), found[group.base.key], shown(group.node))
        for group in _folded(node, groups)
    ]
    if isinstance(node, Sum):
        return sum_of(shown(node), parts, bounds)
    if isinstance(node, Maximum | Minimum):
        return _extreme(node, parts)
    raise TypeError(f"{type(node).__name__} has one base at most")


def _folded(node: Node, groups: Sequence[Group]) -> list[Group]:
    """Return the groups, that of constants as one constant."""
    folded = []
    for group in groups:
        if group.base is not None or isinstance(group.node, Constant):
            folded.append(group)
            continue
        value = float(nodes.fold(group.node, lambda step, values: step.compute(values, {})))
        if not math.isfinite(value):
            raise FormulaError(f"{shown(node)}: its constants have no finite value")
        folded.append(Group(None, Constant(value)))
    return folded


def _extreme(node: Node, parts: Sequence[Part]) -> Part:
    """Return the largest as a chain of larger ones, and the smallest as minus the largest of the negatives."""
    if isinstance(node, Minimum):
        return _times(_chain([_times(part, -1.0) for part in parts]), -1.0)
    return _chain(parts)


def _chain(parts: Sequence[Part]) -> Part:
    total = parts[0]
    for part in parts[1:]:
        low, high = max(total.low, part.low), max(total.high, part.high)
        exact = total.exact and part.exact
        total = Larger(f"max({total.text}, {part.text})", low, high, exact, total, part)
    return total


def _times(part: Part, factor: float) -> Affine:
    low, high = sorted((factor * part.low, factor * part.high))
    text = f"−{part.text}" if factor == -1.0 else part.text
    if isinstance(part, Affine):
        terms = tuple((factor * coefficient, source) for coefficient, source in part.terms)
        return Affine(text, low, high, part.exact, factor * part.constant, terms, abs(factor) * part.off)
    return Affine(text, low, high, part.exact, 0.0, ((factor, part),))


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
        return _line(text, argument, *line)
    low, high = argument.low, argument.high
    if not (math.isfinite(low) and math.isfinite(high)):
        raise FormulaError(
            f"{text}: {argument.text} could not be bounded (from {low:g} to {high:g}); narrow the ranges of its inputs"
        )
    if isinstance(argument, Curved):
        # a function of a function of something is one function of it
        return function_of(inserted(graph, argument.profile.graph), argument.argument, text)
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
        return Affine(text, least - off, most + off, True, least, (), off)
    return Straight(text, least - off, most + off, argument.exact, argument, pieces, off)


def _line(text: str, argument: Part, slope: float, constant: float) -> Part:
    if slope == 1.0 and constant == 0.0:
        return argument
    ends = sorted((slope * argument.low, slope * argument.high)) if slope else (0.0, 0.0)
    slack = 1e-15 * max(map(abs, ends))
    inner = argument.terms if isinstance(argument, Affine) else ((1.0, argument),)
    shift = argument.constant if isinstance(argument, Affine) else 0.0
    terms = tuple((slope * coefficient, part) for coefficient, part in inner if slope * coefficient)
    low, high = constant + ends[0] - slack, constant + ends[1] + slack
    off = abs(slope) * argument.off if isinstance(argument, Affine) else 0.0
    return Affine(text, low, high, argument.exact, constant + slope * shift, terms, off)


def _refuse_jumps(argument: Part, text: str, place: float) -> None:
    if not argument.exact:
        raise FormulaError(
            f"{text} jumps where {argument.text} is {place:.6g}, which straight pieces only approximate, so that "
            "neither side of the jump is certain; fix inputs of it, or let it depend on one input or on a sum of "
            "multiples of inputs"
        )
