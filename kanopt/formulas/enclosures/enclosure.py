"""What is asked about a step of a formula over boxes, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kanopt.formulas.enclosures.arithmetic import TRUE, Flags, Pair
from kanopt.formulas.nodes import Array


@dataclass(frozen=True)
class Orders:
    """What is asked for.

    Parameters
    ----------
    order
        0 for values alone, 1 with first derivatives, 2 with second derivatives.
    along
        Positions of the numbers of the first derivatives, including `x`. A category, whose position follows those of
        the numbers, has the largest difference between two of its labels for one.
    x
        Position of the number of which second derivatives in it and each of `along` are wanted, and which moves in a
        jump; −1 for none.
    inputs
        Positions of the numbers in which to bound the matrix of second derivatives; they are among `along`.
    keep
        How the rank-one terms of that matrix are bounded (:func:`kanopt.formulas.enclosures.matrices.outer`).
    sides
        Whether derivatives at a kink include both sides. If not, one side is used, so that at points only rounding
        widens the bounds.
    closed
        Whether to include faces of the whole box on which a number is zero, where a logarithm has no finite value.
    errors
        Whether to bound also how far floating point may be off.
    """

    order: int = 0
    along: tuple[int, ...] = ()
    x: int = -1
    inputs: tuple[int, ...] = ()
    keep: bool = True
    sides: bool = True
    closed: bool = False
    errors: bool = False

    @property
    def second(self) -> bool:
        """Whether second derivatives in `x` are wanted."""
        return self.order == 2 and self.x >= 0


class Error(NamedTuple):
    """How far floating point may be off, and how far in proportion to the value; arrays that broadcast."""

    off: Array
    share: Array


EXACT = Error(np.zeros(()), np.zeros(()))


class Enclosure(NamedTuple):
    """Bounds at a step of the graph, arrays that broadcast to (boxes,); missing derivatives are zero.

    Parameters
    ----------
    value
        Bounds of the step's value.
    slope
        First derivatives by position of the number.
    curvature
        Second derivatives in `x` and another number, by position of the latter.
    defined
        Whether it has a finite value everywhere in the box, except on a face of the whole where a number is zero. There
        it is the limit from within, or has no finite value.
    positive
        Whether it is above zero everywhere in the box, except on such a face.
    matrix
        Second derivatives in the numbers asked for together, shape (boxes, m, m), in the order of positive semidefinite
        matrices; None for zero.
    error
        How far floating point may be off, if that is asked for.
    """

    value: Pair
    slope: Mapping[int, Pair]
    curvature: Mapping[int, Pair]
    defined: Flags
    positive: Flags
    matrix: Pair | None = None
    error: Error = EXACT

    @classmethod
    def of(cls, value: Pair, error: Error = EXACT) -> Enclosure:
        """Return that of something that depends on no number."""
        return cls(value, {}, {}, TRUE, np.asarray(value[0] > 0.0), None, error)

    @property
    def moved(self) -> Pair:
        """The range of what floating point makes of it."""
        return self.value[0] - self.error.off, self.value[1] + self.error.off

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value; infinite where it may have no finite one."""
        low, high = float(self.value[0].min()), float(self.value[1].max())
        return (-np.inf if np.isnan(low) else low), (np.inf if np.isnan(high) else high)

    @property
    def number(self) -> float | None:
        """The number that it is everywhere; None where there are several."""
        low, high = self.ends
        return low if low == high and not self.slope else None
