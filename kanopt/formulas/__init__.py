"""Formulas: laws that can be read, evaluated, bounded, exported and bound to a problem.

A :class:`Formula` is a frozen graph of sums, products, powers and functions of one variable over named
inputs, and of tabulated functions: :class:`Curve`, :class:`Step` and :class:`Table`.
"""

from kanopt.formulas.base_formula import Alternative
from kanopt.formulas.dimensions import ConstantUnit, Dimensions
from kanopt.formulas.domain import Domain, JointTest, Range
from kanopt.formulas.enclosures.facts import ShapeFact, ShapeProof
from kanopt.formulas.error_model import ErrorModel
from kanopt.formulas.estimation import with_named_constants
from kanopt.formulas.fit import Fit
from kanopt.formulas.formula import BoundFormula, Formula, parse_formula
from kanopt.formulas.functions import FUNCTIONS, Function
from kanopt.formulas.lowering.program import (
    AffineDefinition,
    PieceCertificate,
    PieceDefinition,
    Pieces,
    Piecewise,
    Quantity,
)
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.variables import Reference, ReferenceValue, Variable, category_label
from kanopt.formulas.verdict import LawVerdict, VerdictReason, learned_laws, weak_laws

__all__ = [
    "FUNCTIONS",
    "AffineDefinition",
    "Alternative",
    "Apply",
    "BoundFormula",
    "Constant",
    "ConstantUnit",
    "Covariance",
    "Curve",
    "Dimensions",
    "Domain",
    "ErrorModel",
    "Fit",
    "Formula",
    "Function",
    "Input",
    "JointTest",
    "LawVerdict",
    "Maximum",
    "Minimum",
    "Node",
    "PieceCertificate",
    "PieceDefinition",
    "Pieces",
    "Piecewise",
    "Power",
    "Product",
    "Quantity",
    "Range",
    "Reference",
    "ReferenceValue",
    "ShapeFact",
    "ShapeProof",
    "Step",
    "Sum",
    "Table",
    "Variable",
    "VerdictReason",
    "category_label",
    "learned_laws",
    "parse_formula",
    "weak_laws",
    "with_named_constants",
]
