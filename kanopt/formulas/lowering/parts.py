"""What a formula comes apart into before it is lowered: inputs, sums, functions of one variable, products, extremes.

Parts are no nodes, since a part knows the bounds of its value and what it is a function of, however many steps lie
between, and since a product stays one until its share of the tolerance is known. Written as nodes instead, with every
product as two squares before anything is taken apart, laws took about twice the pieces: the bound of what a product is
off by, |u| dv + |v| du, is lost in that of two squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kanopt.formulas.enclosures.arithmetic import EPS
from kanopt.formulas.lowering.pieces import Pieces
from kanopt.formulas.lowering.profile import Profile

K = TypeVar("K", bound=Hashable)
J = TypeVar("J", bound=Hashable)


@dataclass(frozen=True)
class Combination(Generic[K]):
    """A constant and multiples of things: of a variable, of parts of a formula, of quantities of a program.

    Parameters
    ----------
    constant
        What is added.
    terms
        The coefficient of each thing, zeros left out.
    weight, bulk
        The absolute values of everything that was added up to the constant, and to the coefficient of each thing: what
        cancels leaves its rounding behind.

    Examples
    --------
    >>> Combination.of("x").times(2.0).plus(Combination.of("x", constant=3.0), -2.0)
    Combination(constant=-6.0, terms={}, weight=6.0, bulk={'x': 4.0})
    """

    constant: float
    terms: Mapping[K, float]
    weight: float
    bulk: Mapping[K, float]

    @classmethod
    def of(cls, *things: K, constant: float = 0.0) -> Combination[K]:
        """Return the sum of different things and a constant."""
        terms = dict.fromkeys(things, 1.0)
        return cls(constant, terms, abs(constant), terms)

    def plus(self, other: Combination[K], factor: float = 1.0, size: float | None = None) -> Combination[K]:
        """Return this and a multiple of another; `size` is what the factor would be if nothing in it had cancelled."""
        size = abs(factor) if size is None else size
        terms, bulk = dict(self.terms), dict(self.bulk)
        for thing, coefficient in other.terms.items():
            terms[thing] = terms.get(thing, 0.0) + factor * coefficient
        # nothing of a thing is no multiple of it, however large it may be
        for thing, each in other.bulk.items() if size else ():
            bulk[thing] = bulk.get(thing, 0.0) + size * each
        kept = {thing: coefficient for thing, coefficient in terms.items() if coefficient}
        return Combination(
            self.constant + factor * other.constant, kept, self.weight + size * other.weight, bulk
        )

    def times(self, factor: float, size: float | None = None) -> Combination[K]:
        """Return a multiple; `size` as in :meth:`plus`."""
        return Combination[K].of().plus(self, factor, size)

    def put(self, made: Mapping[K, Combination[J]]) -> Combination[J]:
        """Return it with each thing replaced by what it is made of.

        Examples
        --------
        >>> Combination.of("x", constant=1.0).times(2.0).put({"x": Combination.of("y", constant=-3.0)})
        Combination(constant=-4.0, terms={'y': 2.0}, weight=8.0, bulk={'y': 2.0})
        """
        total = Combination[J](self.constant, {}, self.weight, {})
        for thing, size in self.bulk.items():
            total = total.plus(made[thing], self.terms.get(thing, 0.0), size)
        return total

    @property
    def settled(self) -> Combination[K]:
        """The same, whose rounding up to here was counted, so that what cancelled is forgotten."""
        sizes = {thing: abs(coefficient) for thing, coefficient in self.terms.items()}
        return Combination(self.constant, self.terms, abs(self.constant), sizes)

    def range(self, ends: Callable[[K], tuple[float, float]]) -> tuple[float, float]:
        """Return the smallest and the largest value, given those of each thing; rounding is not counted."""
        low = high = self.constant
        for thing, coefficient in self.terms.items():
            least, most = sorted(coefficient * end for end in ends(thing))
            low, high = low + least, high + most
        return low, high

    def size(self, ends: Callable[[K], tuple[float, float]]) -> float:
        """Return what it could be at most if nothing cancelled, given the ends of each thing."""
        return self.weight + sum(size * max(map(abs, ends(thing))) for thing, size in self.bulk.items())


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
