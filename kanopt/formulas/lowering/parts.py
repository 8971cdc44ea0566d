"""What a formula comes apart into before it is lowered: inputs, sums, functions of one variable, products, extremes.

Parts are no nodes, since a part knows the bounds of its value and what it is a function of, however many steps lie
between, and since a product stays one until its share of the tolerance is known. Written as nodes instead, with every
product as two squares before anything is taken apart, laws took about twice the pieces: the bound of what a product is
off by, |u| dv + |v| du, is lost in that of two squares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kanopt.formulas.lowering.combination import Combination
from kanopt.formulas.lowering.pieces import Pieces
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.shapes.arithmetic import EPS

__all__ = ["Affine", "Curved", "Larger", "Part", "Product", "Source", "Straight", "combined", "sum_of"]


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
        return ()

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

    @property
    def sources(self) -> tuple[Part, ...]:
        """The argument."""
        return (self.argument,)


@dataclass(frozen=True, eq=False)
class Curved(Part):
    """A function of one variable that needs pieces."""

    argument: Part
    profile: Profile

    @property
    def sources(self) -> tuple[Part, ...]:
        """The argument."""
        return (self.argument,)


@dataclass(frozen=True, eq=False)
class Product(Part):
    """The product of two parts."""

    left: Part
    right: Part

    @property
    def sources(self) -> tuple[Part, ...]:
        """Both factors."""
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class Larger(Part):
    """The larger of two parts.

    As one of them plus a hinge of the difference, which needs no kind of part of its own, it is off by the errors of
    both and not by the larger of them: random formulas took more pieces, and the joint convexity of some was lost.
    """

    left: Part
    right: Part

    @property
    def sources(self) -> tuple[Part, ...]:
        """Both."""
        return (self.left, self.right)


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
