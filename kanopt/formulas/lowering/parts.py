"""What a formula comes apart into before it is lowered: inputs, sums, functions of one variable, products, extremes.

Parts are no nodes, since a part knows the bounds of its value and what it is a function of, however many steps lie
between, and since a product stays one until its share of the tolerance is known. Written as nodes instead, with every
product as two squares before anything is taken apart, laws took about twice the pieces: the bound of what a product is
off by, |u| dv + |v| du, is lost in that of two squares.

How the tolerance is shared out over them: a function takes about effort / √t pieces for a tolerance t, and an error t
there becomes s · t in the output. The number of all pieces is smallest where t is proportional to (effort / s)^⅔
(Lagrange). How much s is depends on the error where the slope is unbounded, as that of √ at zero: what a step above
makes of an error is taken from its modulus of continuity at that error, not from its slope, and the shares are found
again until both fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kanopt.formulas.enclosures.arithmetic import EPS
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.lowering.program import Pieces
from kanopt.formulas.lowering.tube import Combination


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


_ROUNDS = 6
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
    if not efforts:
        return {}
    errors = {part: 0.0 if part.exact else _FIRST * (part.high - part.low) for part in parts}
    shares: dict[Part, float] = {}
    for _ in range(_ROUNDS):
        weights = _weights(parts, errors)
        wanted = {
            part: (effort / max(weights[part], 1e-300)) ** (2.0 / 3.0) for part, effort in efforts.items()
        }
        total = sum(weights[part] * share for part, share in wanted.items())
        scale = tolerance / total if total > 0.0 else 0.0
        # no use in more than the whole of what it may be
        shares = {
            part: min(scale * share, _whole(part)) if weights[part] > 0.0 else _whole(part)
            for part, share in wanted.items()
        }
        errors = _errors(parts, shares)
        reached = errors[parts[-1]]
        if reached > 0.0:
            shares = {part: min(share * tolerance / reached, _whole(part)) for part, share in shares.items()}
            errors = _errors(parts, shares)
    reached = errors[parts[-1]]
    scale = min(1.0, tolerance / reached) if reached > 0.0 else 1.0
    return {part: max(share * scale, _least(part)) for part, share in shares.items()}


def effort_of(part: Part) -> float:
    """Return about how many pieces a part takes, times √tolerance."""
    if isinstance(part, Curved):
        found, width = part.profile.effort, part.high - part.low
    elif isinstance(part, Product):
        width = _area(part)
        found = math.sqrt(width)
    else:
        raise TypeError(f"{type(part).__name__} is not approximated")
    return max(found, 1e-4 * math.sqrt(abs(width)), 1e-150)


def pieces_of(part: Part, share: float) -> float:
    """Return about how many pieces a part takes for its share; a product of what hardly varies is a line."""
    if isinstance(part, Product) and 0.25 * _area(part) <= share:
        return 0.0
    return max(effort_of(part) / math.sqrt(share), 1.0)


def _area(part: Product) -> float:
    return (part.left.high - part.left.low) * (part.right.high - part.right.low)


def _whole(part: Part) -> float:
    """Return a share beyond which there is no gain."""
    return max(part.high - part.low, 0.26 * _area(part) if isinstance(part, Product) else 0.0, 1e-300)


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
