"""A law times a number, which its outermost coefficients take in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanopt.formulas import Constant, Curve, Formula, Node, Product, Sum, Table
from kanopt.formulas.simplify import simplify_graph


def multiplied(formula: Formula, factor: float) -> Formula:
    """Return a law times a number, which its outermost coefficients take in; it stands in front where they cannot."""
    changed: dict[str, Constant] = {}
    root = _times(formula.root, factor, changed)
    if root is None:
        return replace(formula, root=simplify_graph(Product((Constant(factor), formula.root))))
    covariance = formula.covariance
    if covariance is not None:
        scale = np.array([factor if name in changed else 1.0 for name in covariance.names])
        matrix = scale[:, None] * np.array(covariance.matrix) * scale[None, :]
        covariance = replace(covariance, matrix=tuple(map(tuple, matrix.tolist())))
    return replace(formula, root=simplify_graph(root), covariance=covariance)


def _times(node: Node, factor: float, changed: dict[str, Constant]) -> Node | None:
    """Return a node times a number; None where no number can take it in: of constants with a name, tables, curves."""
    match node:
        case Constant(name=name, value=value, standard_error=error) if name:
            changed[name] = Constant(value * factor, name, None if error is None else error * factor)
            return changed[name]
        case Table(entries=entries):
            return replace(node, entries=tuple((key, factor * number) for key, number in entries))
        case Curve(coefficients=coefficients):
            return replace(node, coefficients=tuple(factor * each for each in coefficients))
        case Sum(terms=terms):
            inside: dict[str, Constant] = {}
            new = [_times(term, factor, inside) for term in terms]
            if None in new:
                return None
            changed.update(inside)
            return Sum(tuple(term for term in new if term is not None))
        case Product(factors=factors):
            for place, part in enumerate(factors):
                if (new_part := _times(part, factor, changed)) is not None:
                    return Product((*factors[:place], new_part, *factors[place + 1 :]))
    return None
