"""The part of a formula that solvers take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from kanopt.formulas.lowering.certificate import Side
from kanopt.formulas.lowering.program import Piecewise

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Approximations"]


class Approximations:
    """What a formula can be made of instead."""

    def piecewise(
        self,
        tolerance: float,
        *,
        side: Side = "nearest",
        fixed: Mapping[str, Any] | None = None,
        ranges: Mapping[str, Any] | None = None,
        max_segments: int = 10_000,
    ) -> Piecewise:
        """Return it made of straight pieces, proved to be within a tolerance of the law everywhere in a box.

        Parameters
        ----------
        tolerance
            How far from the law it may be, in the unit of the output.
        side
            ``"nearest"``, to both sides; ``"over"``, never below the law; ``"under"``, never above it.
        fixed
            Inputs that are given, by name: numbers, or labels of categories. Every category that the law reads must
            be given; make pieces for each label where it is to be decided.
        ranges
            Input name to ``(low, high)`` or a number; inputs not named take the domain's range, or their declared
            bounds.
        max_segments
            How many pieces all functions of one variable may have together.

        Returns
        -------
        Piecewise
            Sums of multiples, and functions of one variable made of pieces, in the order in which they are computed,
            with a certificate no larger than the tolerance. Staircases, hinges, absolute values and extremes are exact.
            Next to a jump, where rounding alone decides on which side an argument is, the value may be that of either.

        Raises
        ------
        FormulaError
            If a range is infinite, the law has no finite value somewhere in it or could not be shown to have one, it
            jumps in something that pieces only approximate, or the tolerance takes too many pieces.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> cost = parse_formula("km * (0.6 + 0.1 * load^0.7)", [Variable("km", "km"), Variable("load", "t")],
        ...                      Variable("cost", "EUR"))
        >>> leg = cost.piecewise(0.05, side="over", fixed={"km": 12.0}, ranges={"load": (0, 3.5)})
        >>> print(leg.certificate)
        never below and at most 0.033 above the law (0.05 asked for), 4 segments
        >>> above = leg.evaluate({"load": [0.0, 2.0]}) - cost.evaluate({"km": 12.0, "load": [0.0, 2.0]})
        >>> [round(float(gap), 3) for gap in above]
        [0.033, 0.011]
        """
        from kanopt.formulas.lowering.lowering import piecewise

        given: dict[str, Any] = {"side": side, "fixed": fixed, "ranges": ranges, "max_segments": max_segments}
        return piecewise(cast("Formula", self), tolerance, **given)
