"""What is bounded and proved of a formula: its range, its shape, and pieces that are near it everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanopt.formulas.formula_methods import FormulaMethods

if TYPE_CHECKING:
    from kanopt.formulas.lowering.certificate import Side
    from kanopt.formulas.lowering.program import Piecewise
    from kanopt.formulas.shapes import ShapeProof
    from kanopt.formulas.shapes.proof import Convexity

__all__ = ["FormulaProofs"]


class FormulaProofs(FormulaMethods):
    """Bounds, proofs and pieces of a formula."""

    def interval(self, ranges: Mapping[str, Any] | None = None) -> tuple[float, float]:
        """Return bounds of the formula over all values of the inputs within the given ranges.

        Parameters
        ----------
        ranges
            Input name to ``(low, high)`` or a number; for a category, to one label or several. Inputs not
            named take the domain's range, or their declared bounds.

        Raises
        ------
        FormulaError
            If a name is not an input, a range is empty, or the formula is defined nowhere in it.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> low, high = parse_formula("x^2 - 1", [Variable("x")], Variable("y")).interval({"x": (-2, 1)})
        >>> round(low, 6), round(high, 6)
        (-1.0, 3.0)
        """
        from kanopt.formulas.intervals import interval

        return interval(self._formula, {} if ranges is None else ranges)

    def prove(
        self,
        *,
        monotone: Mapping[str, int] | None = None,
        convex: Convexity | None = None,
        low: float | None = None,
        high: float | None = None,
        ranges: Mapping[str, Any] | None = None,
        boxes: int = 2000,
        finite: bool = False,
    ) -> ShapeProof:
        """Prove or refute that it is monotone, convex or concave, or within bounds, everywhere in a box.

        Parameters
        ----------
        monotone
            Input name to +1, non-decreasing, or −1, non-increasing, for all values of the other inputs.
        convex
            Inputs in which it is convex, or input name to +1 or, for concave, −1; separately in each input, for all
            values of the others. A tuple of names in place of a name asks whether it is so in all of them jointly,
            which it need not be if it is in each.
        low, high
            Bounds of every value.
        ranges, boxes
            Ranges as for :meth:`interval`, with every combination of the categories there; and the maximum number of
            boxes per fact, after which it is undecided.
        finite
            Whether to decide also that it has a finite value everywhere, including the ends of the ranges.

        Returns
        -------
        ShapeProof
            For each fact ``"proved"``, ``"refuted"`` with points at which the formula itself contradicts it by more
            than rounding, or ``"undecided"`` with the remaining share of the volume and the reason. Facts other than
            finiteness do not cover places without a finite value.

        Raises
        ------
        FormulaError
            If a name is not a numeric input, a sign is invalid, `low` is above `high`, or a range is empty.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> fuel = parse_formula("0.12 * km^1.5", [Variable("km", "km", low=0, high=90)], Variable("fuel", "l"))
        >>> print(fuel.prove(monotone={"km": +1}, convex=["km"], high=100))
        rises with km: proved
        convex in km: proved
        at most 100: refuted (102.4578 at km = 90)
        >>> area = parse_formula("a * b", [Variable("a", low=1, high=2), Variable("b", low=1, high=2)], Variable("m2"))
        >>> [fact.verdict for fact in area.prove(convex=["a", "b", ("a", "b")]).facts]
        ['proved', 'proved', 'refuted']
        """
        from kanopt.formulas.shapes import prove

        bounds: dict[str, Any] = {"low": low, "high": high, "finite": finite}
        return prove(self._formula, monotone=monotone, convex=convex, ranges=ranges, boxes=boxes, **bounds)

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

        return piecewise(
            self._formula, tolerance, side=side, fixed=fixed, ranges=ranges, max_segments=max_segments
        )
