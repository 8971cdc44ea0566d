"""Formulas made of straight pieces, for solvers that take no others, with a proof of how far they are from the law.

:meth:`kanopt.formulas.Formula.piecewise` makes them.
"""

from kanopt.formulas.lowering.program import (
    AffineDefinition,
    Curvature,
    Definition,
    Jump,
    NodeBound,
    PieceCertificate,
    PieceDefinition,
    Pieces,
    Piecewise,
    Quantity,
    Shape,
    Side,
)

__all__ = [
    "AffineDefinition",
    "Curvature",
    "Definition",
    "Jump",
    "NodeBound",
    "PieceCertificate",
    "PieceDefinition",
    "Pieces",
    "Piecewise",
    "Quantity",
    "Shape",
    "Side",
]
