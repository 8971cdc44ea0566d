"""Rewrite a formula's graph so that its derivatives are bounded more tightly."""

from __future__ import annotations

import math

from kanopt.formulas.nodes import Apply, Constant, Node, Power, Product, Sum, rebuild
from kanopt.formulas.simplify import simplify_graph

__all__ = ["canonicalise"]


def canonicalise(root: Node) -> Node:
    """Return an equal graph with fewer repeated steps; the names of constants are dropped.

    Products are flattened and powers merged, and log(1 + a · exp(u)), as distilled from networks, and powers of it are
    written with softplus, whose convexity is known. The result may be defined in more places, which does not invalidate
    proofs for the places where the formula is.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(canonicalise(parse_formula("x * (1 / c^2)^2 * x", [Variable("x"), Variable("c")], Variable("y")).root))
    'x^2 / c^4'
    >>> to_infix(canonicalise(parse_formula("log(1 + 2 * exp(x))", [Variable("x")], Variable("y")).root))
    'softplus(0.6931 + x)'
    """
    unnamed = rebuild(root, lambda node: Constant(node.value) if isinstance(node, Constant) else node)
    return simplify_graph(rebuild(simplify_graph(unnamed), _with_softplus))


def _with_softplus(node: Node) -> Node:
    match node:
        case Apply(function="log", argument=Sum() as inner):
            found = _soft(inner)
            return node if found is None else Sum((Constant(math.log(found[0])), found[1]))
        case Apply(function="log1p", argument=argument):
            found = _soft(Sum((Constant(1.0), argument)))
            return node if found is None else found[1]
        case Power(base=Sum() as inner, exponent=Constant(value=power)) if power > 0.0:
            found = _soft(inner)
            if found is not None:
                grown = Apply("exp", Product((Constant(power), found[1])))
                return Product((Constant(found[0] ** power), grown))
    return node


def _soft(node: Sum) -> tuple[float, Node] | None:
    """Return c and softplus(u + log(a / c)) for c + a · exp(u) with positive c and a, else None."""
    if len(node.terms) != 2 or not isinstance(node.terms[0], Constant):
        return None
    constant, scale, rest = node.terms[0].value, 1.0, node.terms[1]
    if isinstance(rest, Product) and len(rest.factors) == 2 and isinstance(rest.factors[0], Constant):
        scale, rest = rest.factors[0].value, rest.factors[1]
    if min(constant, scale) <= 0.0 or not isinstance(rest, Apply) or rest.function != "exp":
        return None
    shift = Constant(math.log(scale) - math.log(constant))
    return constant, Apply("softplus", Sum((shift, rest.argument)))
