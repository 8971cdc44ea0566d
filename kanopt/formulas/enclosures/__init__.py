"""Shapes of formulas: monotonicity, convexity and bounds, proved or refuted by interval arithmetic.

:meth:`kanopt.formulas.Formula.prove` decides them, and a learned law stores the facts decided for it.
"""

from kanopt.formulas.enclosures.facts import Point, ShapeFact, ShapeProof
from kanopt.formulas.enclosures.proof import basis_of, prove

__all__ = ["Point", "ShapeFact", "ShapeProof", "basis_of", "prove"]
