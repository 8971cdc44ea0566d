"""Taking a formula apart into functions of one variable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas import nodes
from kanopt.formulas.enclosures.arithmetic import EPS
from kanopt.formulas.enclosures.engine import Enclosures
from kanopt.formulas.lowering.profile import (
    ARGUMENT,
    Graph,
    Profile,
    groups_of,
    inserted,
    over,
)
from kanopt.formulas.lowering.program import Pieces
from kanopt.formulas.lowering.tube import Combination, line_of, straight
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Sum, computed
from kanopt.formulas.printing import short_text

# What a formula comes apart into before it is lowered: inputs, sums, functions of one variable, products, extremes.
#
# Parts are no nodes, since a part knows the bounds of its value and what it is a function of, however many steps lie
# between, and since a product stays one until its share of the tolerance is known. Written as nodes instead, with
# every product as two squares before anything is taken apart, laws took about twice the pieces: the bound of what a
# product is off by, |u| dv + |v| du, is lost in that of two squares.
#
# How the tolerance is shared out over them: a function takes about effort / √t pieces for a tolerance t, and an error t
# there becomes s · t in the output. The number of all pieces is smallest where t is proportional to (effort / s)^⅔
# (Lagrange). How much s is depends on the error where the slope is unbounded, as that of √ at zero: what a step above
# makes of an error is taken from its modulus of continuity at that error, not from its slope, and the shares are found
# again until both fit.


Groups: TypeAlias = Sequence[tuple[Node | None, Node]]
"""The bases of a step, and its parts of each; see :func:`~kanopt.formulas.lowering.profile.groups_of`."""


@dataclass(frozen=True, eq=False)
class Part:
    """Something with a value.

    Parameters
    ----------
    text
        What it stands for.
    low, high
        Bounds of its value on the law.
    exact
        Whether the pieces give exactly that value, but for floating point.
    """

    text: str
    low: float
    high: float
    exact: bool

    @property
    def sources(self) -> tuple[Part, ...]:
        """What it is computed from."""
        return tuple(each for each in vars(self).values() if isinstance(each, Part))

    @property
    def ends(self) -> tuple[float, float]:
        """Its bounds."""
        return self.low, self.high


@dataclass(frozen=True, eq=False)
class Source(Part):
    """An input."""

    name: str


@dataclass(frozen=True, eq=False)
class Affine(Part):
    """A constant and multiples of other parts; `off` is what rounding may have added."""

    sum: Combination[Part]
    off: float = 0.0

    @property
    def sources(self) -> tuple[Part, ...]:
        """The parts added up."""
        return tuple(self.sum.terms)


@dataclass(frozen=True, eq=False)
class Straight(Part):
    """A function of one variable that is piecewise linear as it stands; `off` is what rounding may have added."""

    argument: Part
    pieces: Pieces
    off: float


@dataclass(frozen=True, eq=False)
class Curved(Part):
    """A function of one variable that needs pieces."""

    argument: Part
    profile: Profile


@dataclass(frozen=True, eq=False)
class Product(Part):
    """The product of two parts."""

    left: Part
    right: Part


@dataclass(frozen=True, eq=False)
class Larger(Part):
    """The larger of two parts.

    As one of them plus a hinge of the difference, which needs no kind of part of its own, it is off by the errors of
    both and not by the larger of them: random formulas took more pieces, and the joint convexity of some was lost.
    """

    left: Part
    right: Part


def sum_of(text: str, parts: Sequence[Part], bounds: tuple[float, float] = (-math.inf, math.inf)) -> Affine:
    """Return a sum of parts, multiples of the same part added up; `bounds` are known of its value.

    Examples
    --------
    >>> x = Source("x", 0.0, 2.0, True, "x")
    >>> total = sum_of("3x + 1", [x, Affine("2x + 1", 1.0, 5.0, True, Combination.of(x).times(2.0))])
    >>> list(total.sum.terms.values()), round(total.high, 9)
    ([3.0], 6.0)
    """
    total, off = Combination[Part].of(), 0.0
    for part in parts:
        total = total.plus(combined(part))
        off += part.off if isinstance(part, Affine) else 0.0
    off += 2.0 * EPS * (len(parts) + len(total.terms)) * total.size(lambda part: part.ends)
    low, high = total.range(lambda part: part.ends)
    exact = all(part.exact for part in total.terms)
    return Affine(text, max(low - off, bounds[0]), min(high + off, bounds[1]), exact, total.settled, off)


def combined(part: Part) -> Combination[Part]:
    """Return a part as a sum of others: of itself if it is none."""
    return part.sum if isinstance(part, Affine) else Combination.of(part)


_ROUNDS = 2
_FIRST = 1e-3  # error assumed of an argument at first, of its range
_POINTS = 65


def in_order(root: Part) -> list[Part]:
    """Return all parts once, each after what it is computed from."""
    found: dict[Part, None] = {}
    stack = [root]
    while stack:
        part = stack[-1]
        missing = [source for source in part.sources if source not in found]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
            found.setdefault(part)
    return list(found)


def shared_out(parts: Sequence[Part], tolerance: float) -> dict[Part, float]:
    """Return the share of each part that is approximated, in its own unit; the last part is the output.

    Examples
    --------
    >>> from kanopt.formulas.lowering.profile import ARGUMENT
    >>> x, y = (Source(name, 0.0, 1.0, True, name) for name in "xy")
    >>> a, b = (Curved(p.name, 0.0, 1.0, False, p, Profile(ARGUMENT * ARGUMENT, 0.0, 1.0)) for p in (x, y))
    >>> shares = shared_out([x, a, y, b, Affine("sum", 0.0, 2.0, False, Combination.of(a, b))], 0.1)
    >>> [round(share, 9) for share in shares.values()]
    [0.05, 0.05]
    """
    efforts: dict[Part, float] = {
        part: effort_of(part) for part in parts if isinstance(part, Curved | Product)
    }
    errors = {part: 0.0 if part.exact else _FIRST * (part.high - part.low) for part in parts}
    shares: dict[Part, float] = {}
    for _ in range(_ROUNDS if efforts else 0):
        weights = {part: max(weight, 1e-300) for part, weight in _weights(parts, errors).items()}
        wanted = {part: (effort / weights[part]) ** (2.0 / 3.0) for part, effort in efforts.items()}
        reached = sum(weights[part] * share for part, share in wanted.items())
        for _ in range(2):  # the second time by what the errors come to, which is not in proportion
            shares = {part: max(share * tolerance / reached, _least(part)) for part, share in wanted.items()}
            errors = _errors(parts, shares)
            wanted, reached = shares, errors[parts[-1]] or tolerance
    return shares


def effort_of(part: Curved | Product) -> float:
    """Return about how many pieces a part takes, times √tolerance."""
    if isinstance(part, Curved):
        found, width = part.profile.effort, part.high - part.low
    else:
        width = (part.left.high - part.left.low) * (part.right.high - part.right.low)
        found = math.sqrt(width)
    return max(found, 1e-4 * math.sqrt(abs(width)), 1e-150)


def _least(part: Part) -> float:
    """Return a share that floating point can tell: what hardly varies is given no less."""
    return 5.0 * float(part.profile.cells.noise.max()) if isinstance(part, Curved) else 1e-300


def _gains(part: Part, errors: Mapping[Part, float]) -> list[tuple[Part, float]]:
    """Return what a part is computed from, and what it makes of an error there, per unit."""
    match part:
        case Affine():
            return [(source, abs(coefficient)) for source, coefficient in part.sum.terms.items()]
        case Curved() | Straight():
            error = errors[part.argument]
            return [(part.argument, _moved(part, error) / error)] if error > 0.0 else []
        case Product():
            return [(part.left, _size(part.right)), (part.right, _size(part.left))]
    return [(source, 1.0) for source in part.sources]


def _weights(parts: Sequence[Part], errors: Mapping[Part, float]) -> dict[Part, float]:
    """Return what an error of each part becomes in the output, per unit."""
    weights = dict.fromkeys(parts, 0.0)
    weights[parts[-1]] = 1.0
    for part in reversed(parts):
        for source, gain in _gains(part, errors):
            weights[source] += weights[part] * gain
    return weights


def _errors(parts: Sequence[Part], shares: Mapping[Part, float]) -> dict[Part, float]:
    """Return about how far each part is from the law."""
    errors: dict[Part, float] = {}
    for part in parts:
        handed = [gain * errors[source] for source, gain in _gains(part, errors)]
        errors[part] = shares.get(part, 0.0) + (max(handed) if isinstance(part, Larger) else sum(handed))
        if isinstance(part, Product):
            errors[part] += errors[part.left] * errors[part.right]
    return errors


def _size(part: Part) -> float:
    return max(abs(part.low), abs(part.high))


def _moved(part: Curved | Straight, error: float) -> float:
    """Return how far a function moves where its argument does, about, but what is beyond its range."""
    if isinstance(part, Straight):
        return max(part.pieces.spread(error, error))
    profile = part.profile
    # the cells are short where it bends or has a kink
    x = np.concatenate([np.linspace(profile.low, profile.high, _POINTS), profile.cells.low])
    x = np.clip(np.concatenate([x, x + error, x - error]), profile.low, profile.high)
    here, above, below = profile.at(x).reshape(3, -1)
    return float(max(np.nanmax(np.abs(above - here)), np.nanmax(np.abs(below - here))))


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
            base for base, _ in groups if base is not None and base.key not in found and base.key != node.key
        ]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if node.key not in found:
            found[node.key] = _base(node, groups, found, known)
    return function_of(over(root, base), found[base.key], short_text(root))


def _constant(node: Node) -> Affine:
    if not isinstance(node, Constant):
        raise TypeError(f"{type(node).__name__} without inputs is no constant")
    return Affine(short_text(node), node.value, node.value, True, Combination.of(constant=node.value))


def _base(node: Node, groups: Groups, found: Mapping[bytes, Part], known: Enclosures) -> Part:
    if isinstance(node, Input):
        return Source(node.name, *known.ranges[node.name], True, node.name)
    if isinstance(node, nodes.Product):
        return multiplied(node, groups, found, known.range(node))
    parts: list[Part] = []
    for base, group in groups:
        if base is None:
            parts += _constants(node, group)
        else:
            parts.append(function_of(over(group, base), found[base.key], short_text(group)))
    if isinstance(node, Sum):
        return sum_of(short_text(node), parts, known.range(node))
    if isinstance(node, Maximum | Minimum):
        return _extreme(node, parts)
    raise TypeError(f"{type(node).__name__} has one base at most")


def _constants(node: Node, group: Node) -> list[Affine]:
    """Return the constant parts of a sum or an extreme, each computed by itself."""
    found = []
    for part in group.children if type(group) is type(node) else (group,):
        value = float(computed(part))
        if not math.isfinite(value):
            raise FormulaError(f"{short_text(node)}: its constants have no finite value")
        off = 0.0 if isinstance(part, Constant) else 4.0 * EPS * part.size * abs(value)
        found.append(
            Affine(short_text(part), value - off, value + off, True, Combination.of(constant=value), off)
        )
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
    if not low < high:
        high = low + 1e-12 * max(abs(low), 1.0)
    profile = Profile(graph, low, high, text, argument.text)
    if len(profile.jumps):
        _refuse_jumps(argument, text, float(profile.jumps[0]))
    found = straight(profile)
    if found is None:
        return Curved(text, *profile.range, False, argument, profile)
    pieces, off = found
    least, most = pieces.values
    if least == most:
        return Affine(text, least - off, most + off, True, Combination.of(constant=least), off)
    return Straight(text, least - off, most + off, argument.exact, argument, pieces, off)


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


_WIDEST = 30.0  # ratio of the ends of a factor, beyond which its logarithm is not tried
_FEW = 1e-14  # rounding of constants that that of the pieces covers


def _sign(part: Part) -> int:
    """Return +1 or −1 where a factor has one sign and its logarithm is no wonder, else 0."""
    near, far = sorted((abs(part.low), abs(part.high)))
    if part.low * part.high <= 0.0 or far > _WIDEST * near:
        return 0
    return 1 if part.low > 0.0 else -1


def multiplied(
    node: nodes.Node, groups: Groups, found: Mapping[bytes, Part], bounds: tuple[float, float]
) -> Part:
    """Return a product with several bases as parts.

    As two squares u v = ((u + v)² − (u − v)²) / 4, where one factor is first made as wide as the other; or, where all
    factors are positive and one bends, u v = exp(log u + log v), in which log u is one function of what u is a function
    of.

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
    """
    constants = [group for base, group in groups if base is None]
    constant = math.prod(map(float, map(computed, constants)))
    off = 4.0 * EPS * sum(step.size for step in constants)
    factors = []
    for base, group in groups:
        if base is not None:
            graph, argument = over(group, base), found[base.key]
            factors.append((graph, argument, function_of(graph, argument, short_text(group))))
    text = short_text(node)
    if constant == 0.0:
        return Affine(text, 0.0, 0.0, True, Combination.of())
    parts = [part for _, _, part in factors]
    if all(map(_sign, parts)) and any(isinstance(part, Curved) for part in parts):
        product = _exponential(text, constant if off < _FEW else 1.0, factors)
        if off < _FEW:
            return product
    else:
        inner = sorted((bounds[0] / constant, bounds[1] / constant))
        known = inner[0] - 2.0 * EPS * abs(inner[0]), inner[1] + 2.0 * EPS * abs(inner[1])
        # those that vary least in proportion first
        product = _chained(
            text, sorted(parts, key=lambda part: (part.high - part.low) / (_size(part) or 1.0)), known
        )
    if not constants:
        return product
    off *= abs(constant) * max(abs(product.low), abs(product.high))
    low, high = sorted((constant * product.low, constant * product.high))
    return Affine(text, low - off, high + off, False, Combination.of(product).times(constant), off)


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


def _exponential(text: str, constant: float, factors: Sequence[tuple[Node, Part, Part]]) -> Part:
    logarithms = []
    for graph, argument, part in factors:
        positive = graph if _sign(part) > 0 else -graph
        logarithms.append(function_of(_logarithm(positive), argument, f"log({part.text})"))
        constant *= _sign(part)
    exponent = sum_of(f"log({text})", logarithms)
    grown = Apply("exp", ARGUMENT)
    return function_of(grown if constant == 1.0 else Constant(constant) * grown, exponent, text)


def _logarithm(graph: Node) -> Node:
    return graph.argument if isinstance(graph, Apply) and graph.function == "exp" else Apply("log", graph)
