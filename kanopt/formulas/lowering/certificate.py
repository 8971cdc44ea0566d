"""What is proved of a piecewise linear formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kanopt.formulas.lowering.pieces import Shape

__all__ = ["NodeBound", "PieceCertificate", "Side"]

Side: TypeAlias = Literal["nearest", "over", "under"]


@dataclass(frozen=True)
class NodeBound:
    """What is proved of one function of one variable in it.

    Parameters
    ----------
    text
        What it stands for, such as ``sqrt(load_t)``; a product of two things is one of two squares.
    tolerance
        Its share of the tolerance, in its own unit; 0 where it is exact.
    bound
        Largest distance of the pieces from it, over the range of its argument.
    segments
        The number of pieces.
    shape
        Whether the pieces are convex or concave.
    """

    text: str
    tolerance: float
    bound: float
    segments: int
    shape: Shape


@dataclass(frozen=True)
class PieceCertificate:
    """Bounds of the difference between the pieces and the law, for every point of the ranges.

    Parameters
    ----------
    tolerance
        What was asked for.
    side
        ``"nearest"``, ``"over"`` (never below the law) or ``"under"`` (never above it).
    low, high
        The pieces minus the law lie between these, in the unit of the output.
    rounding
        The part of them that is due to floating point: both sides are evaluated in double precision.
    nodes
        The functions of one variable, in the order of the definitions.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("x^2", [Variable("x", low=0, high=1)], Variable("y"))
    >>> print(law.piecewise(0.01).certificate)
    within 0.008 of the law (0.01 asked for), 4 segments
    """

    tolerance: float
    side: Side
    low: float
    high: float
    rounding: float
    nodes: tuple[NodeBound, ...]

    @property
    def bound(self) -> float:
        """The largest distance from the law, at most the tolerance."""
        return max(self.high, -self.low, 0.0)

    @property
    def segments(self) -> int:
        """The number of pieces of all functions together."""
        return sum(node.segments for node in self.nodes)

    def __str__(self) -> str:
        where = {"nearest": "within", "over": "never below and at most", "under": "never above and at most"}
        away = {"nearest": "of", "over": "above", "under": "below"}
        return (
            f"{where[self.side]} {self.bound:.2g} {away[self.side]} the law ({self.tolerance:g} asked for), "
            f"{self.segments:,} segments"
        )
