"""What a formula comes apart into before it is lowered: inputs, sums, functions of one variable, products, extremes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kanopt.formulas.lowering.pieces import Pieces
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.shapes.arithmetic import EPS

__all__ = ["Affine", "Curved", "Larger", "Part", "Product", "Source", "Straight", "sum_of"]


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


@dataclass(frozen=True, eq=False)
class Source(Part):
    """An input."""

    name: str


@dataclass(frozen=True, eq=False)
class Affine(Part):
    """A constant and multiples of other parts; `off` is what rounding may have added."""

    constant: float
    terms: tuple[tuple[float, Part], ...]
    off: float = 0.0

    @property
    def sources(self) -> tuple[Part, ...]:
        """The parts added up."""
        return tuple(part for _, part in self.terms)


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
    """The larger of two parts."""

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
    >>> total = sum_of("3x + 1", [x, Affine("2x + 1", 1.0, 5.0, True, 1.0, ((2.0, x),))])
    >>> total.constant, total.terms[0][0], round(total.high, 9)
    (1.0, 3.0, 7.0)
    """
    constant = off = weight = 0.0
    terms: dict[Part, float] = {}
    for part in parts:
        if isinstance(part, Affine):
            constant, off, weight = constant + part.constant, off + part.off, weight + abs(part.constant)
        for coefficient, source in part.terms if isinstance(part, Affine) else ((1.0, part),):
            terms[source] = terms.get(source, 0.0) + coefficient
            weight += abs(coefficient) * max(abs(source.low), abs(source.high))
    kept = tuple((coefficient, part) for part, coefficient in terms.items() if coefficient)
    ends = [sorted((c * part.low, c * part.high)) for c, part in kept]
    # what cancels leaves its rounding behind
    off += 2.0 * EPS * (len(parts) + len(kept)) * weight
    low = max(constant + sum(end[0] for end in ends) - off, bounds[0])
    high = min(constant + sum(end[1] for end in ends) + off, bounds[1])
    return Affine(text, low, high, all(part.exact for _, part in kept), constant, kept, off)
