"""The additive terms of a formula."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanopt.formulas.nodes import Node, Sum, postorder

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Term", "terms_of"]


@dataclass(frozen=True)
class Term:
    """An additive term of a formula.

    Parameters
    ----------
    text
        The term in one line.
    formula
        The term as a formula over the inputs it uses.
    """

    text: str
    formula: Formula


def terms_of(formula: Formula) -> tuple[Term, ...]:
    """Return the additive terms of a formula; see :attr:`kanopt.formulas.Formula.terms`."""
    parts = formula.root.terms if isinstance(formula.root, Sum) else (formula.root,)
    return tuple(Term(str(part), part) for part in (_formula_over(formula, root) for root in parts))


def _formula_over(formula: Formula, root: Node) -> Formula:
    """Return a formula of the same output with another graph, over the inputs the graph uses."""
    names = {name for node in postorder(root) for name in node.names}
    kept = tuple(variable for variable in formula.inputs if variable.name in names)
    return replace(formula, root=root, inputs=kept, fit=None, provenance={}, alternatives=(), covariance=None)
