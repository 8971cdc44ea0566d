"""What may be claimed of a network's output, and what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from kanopt.kan.verify.intervals import Floats, Integers

__all__ = [
    "Bounded",
    "Claim",
    "Concave",
    "Convex",
    "Decreasing",
    "Increasing",
    "Outcome",
    "Verdict",
    "Witness",
]

Outcome: TypeAlias = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True)
class Increasing:
    """The output never decreases when the number at position `input` grows."""

    input: int


@dataclass(frozen=True)
class Decreasing:
    """The output never increases when the number at position `input` grows."""

    input: int


@dataclass(frozen=True)
class Convex:
    """The output is convex jointly in the numbers at positions `inputs`, whatever the others are held at."""

    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Concave:
    """The output is concave jointly in the numbers at positions `inputs`, whatever the others are held at."""

    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Bounded:
    """The output lies between `low` and `high`."""

    low: float = -math.inf
    high: float = math.inf


Claim: TypeAlias = Increasing | Decreasing | Convex | Concave | Bounded


@dataclass(frozen=True, eq=False)
class Witness:
    """Points at which a claim fails.

    Parameters
    ----------
    numbers
        One row a point, shape (points, numbers). :class:`Increasing`, :class:`Decreasing`: two points that differ in
        the input alone, the smaller first. :class:`Convex`, :class:`Concave`: two points and, last, the middle between
        them. :class:`Bounded`: one point.
    codes
        The category codes at all of them, shape (tables,).
    values
        What the network says there, shape (points,).
    """

    numbers: Floats
    codes: Integers
    values: Floats

    def __post_init__(self) -> None:
        for name in ("numbers", "codes", "values"):
            array = np.array(getattr(self, name))
            array.setflags(write=False)
            object.__setattr__(self, name, array)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What came of a claim.

    Parameters
    ----------
    claim
        The claim.
    verdict
        ``"proved"``, ``"refuted"``, or ``"undecided"`` where the budget ran out or rounding hides the answer.
    boxes
        How many boxes were bounded; 0 where the coefficients alone, or sampled points, decided.
    witness
        Where a refuted claim fails.
    slack
        How far below zero the bound of what must not be negative (the derivative in question, the least
        eigenvalue of the second derivatives, the distance to a bound) was allowed to be; 0 where it nowhere
        was. Only a proved claim has one.
    """

    claim: Claim
    verdict: Outcome
    boxes: int
    witness: Witness | None = None
    slack: float = 0.0

    @property
    def proved(self) -> bool:
        """Whether the claim holds."""
        return self.verdict == "proved"

    @property
    def refuted(self) -> bool:
        """Whether the claim fails."""
        return self.verdict == "refuted"
