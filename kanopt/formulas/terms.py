"""The parts that add up to a formula's output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanopt.formulas.nodes import Node, Sum, postorder

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Term", "terms_of"]


@dataclass(frozen=True)
class Term:
    """One of the parts that add up to a formula's output.

    Parameters
    ----------
    text
        The part in one line.
    formula
        The part as a formula over the inputs it reads.
    """

    text: str
    formula: Formula


def terms_of(formula: Formula) -> tuple[Term, ...]:
    """Return the parts that add up to a formula's output; see :attr:`kanopt.formulas.Formula.terms`."""
    parts = formula.root.terms if isinstance(formula.root, Sum) else (formula.root,)
    return tuple(Term(str(part), part) for part in (_formula_over(formula, root) for root in parts))


def _formula_over(formula: Formula, root: Node) -> Formula:
    """Return a formula of the same output for another graph over the inputs it reads."""
    names = {name for node in postorder(root) for name in node.names}
    kept = tuple(variable for variable in formula.inputs if variable.name in names)
    return replace(formula, root=root, inputs=kept, fit=None, provenance={}, alternatives=(), covariance=None)
