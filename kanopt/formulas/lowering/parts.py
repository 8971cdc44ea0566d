"""What a formula comes apart into before it is lowered: inputs, sums, functions of one variable, products, extremes."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.formulas.lowering.pieces import Pieces
from kanopt.formulas.lowering.profile import Profile

__all__ = ["Affine", "Curved", "Larger", "Part", "Product", "Source", "Straight"]


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
    """A constant and multiples of other parts."""

    constant: float
    terms: tuple[tuple[float, Part], ...]

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
