"""Names that problems import from here."""

from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.references import Reference, ReferenceValue, Resolver, Scope

__all__ = ["BoundFormula", "Reference", "ReferenceValue", "Resolver", "Scope"]
