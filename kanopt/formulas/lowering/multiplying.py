"""Products of things that vary: as two squares, or as the exponential of a sum of logarithms, whichever is cheaper.

u v = ((u + v)² − (u − v)²) / 4, where one factor is first made as wide as the other; and where all factors are
positive, u v = exp(log u + log v), in which log u is one function of what u is a function of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kanopt.formulas import nodes
from kanopt.formulas.lowering.graphs import ARGUMENT, Group, over, shown
from kanopt.formulas.lowering.parts import Affine, Combination, Curved, Part, Product, Straight, sum_of
from kanopt.formulas.lowering.profile import effort_of
from kanopt.formulas.nodes import Apply, Constant, Node, computed
from kanopt.formulas.shapes.arithmetic import EPS

__all__ = ["multiplied"]

_WIDEST = 1e9  # ratio of the ends of a factor, beyond which its logarithm is not tried
_SAMPLES = 129
_FEW = 1e-14  # rounding of constants that that of the pieces covers

FunctionOf = Callable[[Node, Part, str], Part]


@dataclass(frozen=True)
class _Factor:
    """A factor: as a function of its base, and as a part."""

    graph: Node
    base: Part
    part: Part

    @property
    def most(self) -> float:
        return max(abs(self.part.low), abs(self.part.high))

    @property
    def width(self) -> float:
        return self.part.high - self.part.low

    @property
    def sign(self) -> int:
        """+1 or −1 where it has one sign and its logarithm is no wonder, else 0."""
        near, far = sorted((abs(self.part.low), abs(self.part.high)))
        if self.part.low * self.part.high <= 0.0 or far > _WIDEST * near:
            return 0
        return 1 if self.part.low > 0.0 else -1


def multiplied(
    node: nodes.Node,
    groups: Sequence[Group],
    found: Mapping[bytes, Part],
    bounds: tuple[float, float],
    function_of: FunctionOf,
) -> Part:
    """Return a product with several bases as parts.

    Parameters
    ----------
    node
        The product.
    groups
        Its factors, those of one base in one.
    found
        The parts of the bases.
    bounds
        Bounds of its value.
    function_of
        Makes a part of a function of one variable of a part, with a text for people.
    """
    constants = [group.node for group in groups if group.base is None]
    constant = math.prod(map(float, map(computed, constants)))
    off = 4.0 * EPS * sum(step.size for step in constants)
    factors = []
    for group in groups:
        if group.base is not None:
            graph, base = over(group.node, group.base), found[group.base.key]
            factors.append(_Factor(graph, base, function_of(graph, base, shown(group.node))))
    text = shown(node)
    if constant == 0.0:
        return Affine(text, 0.0, 0.0, True, Combination.of())
    if all(factor.sign for factor in factors) and _by_logarithms(factors) < _by_squares(factors):
        product = _exponential(text, constant if off < _FEW else 1.0, factors, function_of)
        if off < _FEW:
            return product
    else:
        inner = sorted((bounds[0] / constant, bounds[1] / constant))
        known = inner[0] - 2.0 * EPS * abs(inner[0]), inner[1] + 2.0 * EPS * abs(inner[1])
        product = _chained(text, [factor.part for factor in _ordered(factors)], known)
    if not constants:
        return product
    off *= abs(constant) * max(abs(product.low), abs(product.high))
    low, high = sorted((constant * product.low, constant * product.high))
    return Affine(text, low - off, high + off, False, Combination.of(product).times(constant), off)


def _ordered(factors: Sequence[_Factor]) -> list[_Factor]:
    """Return the factors, those that vary least in proportion first."""
    return sorted(factors, key=lambda factor: factor.width / (factor.most or 1.0))


def _chained(text: str, parts: Sequence[Part], bounds: tuple[float, float]) -> Part:
    total = parts[0]
    for place, part in enumerate(parts[1:], 2):
        corners = [a * b for a in (total.low, total.high) for b in (part.low, part.high)]
        slack = 1e-15 * max(map(abs, corners))
        low, high = min(corners) - slack, max(corners) + slack
        if place == len(parts):
            low, high = max(low, bounds[0]), min(high, bounds[1])
        total = Product(text, low, high, False, total, part)
    return total


def _exponential(text: str, constant: float, factors: Sequence[_Factor], function_of: FunctionOf) -> Part:
    logarithms = []
    for factor in factors:
        graph = factor.graph if factor.sign > 0 else -factor.graph
        logarithms.append(function_of(_logarithm(graph), factor.base, f"log({factor.part.text})"))
        constant *= factor.sign
    exponent = sum_of(f"log({text})", logarithms)
    grown = Apply("exp", ARGUMENT)
    return function_of(grown if constant == 1.0 else Constant(constant) * grown, exponent, text)


def _logarithm(graph: Node) -> Node:
    return graph.argument if isinstance(graph, Apply) and graph.function == "exp" else Apply("log", graph)


def _by_squares(factors: Sequence[_Factor]) -> float:
    """Return what the pieces cost: Σ effort^⅔ · sensitivity^⅓, whose power 3/2 over √tolerance is their number."""
    whole = math.prod(factor.most for factor in factors)
    total = sum(_cost(_effort(factor, logarithm=False), whole / factor.most) for factor in factors)
    width, most, left = 0.0, 0.0, whole
    for place, factor in enumerate(_ordered(factors)):
        left /= factor.most
        if place:
            total += _cost(math.sqrt(width * factor.width), left)
            width = width * factor.most + most * factor.width
            most *= factor.most
        else:
            width, most = factor.width, factor.most
    return total


def _by_logarithms(factors: Sequence[_Factor]) -> float:
    most = math.prod(factor.most for factor in factors)
    least = math.prod(min(abs(factor.part.low), abs(factor.part.high)) for factor in factors)
    total = _cost(0.5 * (math.sqrt(most) - math.sqrt(least)), 1.0)
    return total + sum(_cost(_effort(factor, logarithm=True), most) for factor in factors)


def _cost(effort: float, sensitivity: float) -> float:
    return float(np.cbrt(effort * effort * sensitivity))


def _effort(factor: _Factor, logarithm: bool) -> float:
    part = factor.part
    if isinstance(part, Curved):
        if not logarithm:
            return part.profile.effort
        points = (run.points for run in part.profile.cells.runs)
        return sum(effort_of(x, np.log(np.abs(y))) for x, y in points)
    if not logarithm:
        return 0.0
    if isinstance(part, Straight):
        x = np.linspace(part.pieces.low, part.pieces.high, _SAMPLES)
        return effort_of(x, np.log(np.abs(part.pieces.at(x))))
    near, far = sorted((abs(part.low), abs(part.high)))
    return 0.25 * math.log(far / near)
