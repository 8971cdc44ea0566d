"""An equal graph of which better functions of one variable can be made.

√(x y) is a product of √x and √y, each of an input that is known exactly, while the product can only be approximated and
a root at zero makes much of little. What is rewritten is equal for every value in the ranges, not only nearly.
"""

from __future__ import annotations

from kanopt.formulas.intervals import Enclosures
from kanopt.formulas.lowering.graphs import Graph
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
)

__all__ = ["rewritten"]


def rewritten(known: Enclosures) -> Node:
    """Return a graph equal to one that is bounded, wherever the inputs are in their ranges.

    Roots and logarithms go over to the factors of a product and to the parts of an extreme, where these are all in
    their domain, and x^y becomes exp(y · log(x)).

    Examples
    --------
    >>> from kanopt.formulas.lowering.graphs import shown
    >>> x, y = Input("x"), Input("y")
    >>> shown(rewritten(Enclosures(Apply("sqrt", 2 * x * y) + x**y, {"x": (0.0, 1.0), "y": (1.0, 2.0)})))
    'sqrt(2) · sqrt(x) · sqrt(y) + exp(y · log(x))'
    """
    return _Rewriter(known).result()


class _Rewriter:
    def __init__(self, known: Enclosures) -> None:
        self._root, self._known, self._graph = known.root, known, Graph(known.root)
        self._made: dict[bytes, Node] = {}

    def result(self) -> Node:
        for node in postorder(self._root):
            self._made[node.key] = self._visit(node)
        return self._made[self._root.key]

    def _visit(self, node: Node) -> Node:
        children = [self._made[child.key] for child in node.children]
        match node:
            case Power(exponent=Constant(value=power)) if power < 1.0 and power != 0.0:
                return self._spread(node, node.base)
            case Apply(function="sqrt" | "log", argument=argument):
                return self._spread(node, argument)
            case Power(base=base, exponent=exponent) if not any(
                isinstance(c, Constant) for c in (base, exponent)
            ):
                return Apply("exp", Product((children[1], Apply("log", children[0]))))
        return node.with_children(children) if children else node

    def _spread(self, outer: Node, inner: Node) -> Node:
        """Return a root, negative power or logarithm of a step, as one of each of its parts where that is of use."""
        useful = isinstance(inner, Product) or (
            isinstance(inner, Maximum | Minimum)
            and not all(isinstance(part, Input | Constant) for part in inner.children)
        )
        power = (
            outer.exponent.value if isinstance(outer, Power) and isinstance(outer.exponent, Constant) else 0.5
        )
        lows = [self._known.range(part)[0] for part in inner.children]
        # where there is a pole at zero, zero is not defined
        defined = all(low > 0.0 if power < 0.0 or _is_log(outer) else low >= 0.0 for low in lows)
        # a whole power goes over to factors of either sign
        defined = defined or (power % 1.0 == 0.0 and isinstance(inner, Product))
        if not (useful and defined and self._graph.own(inner)):
            return outer.with_children((self._made[inner.key], *outer.children[1:]))
        parts = tuple(self._spread(outer, part) for part in inner.children)
        if isinstance(inner, Product):
            return Sum(parts) if _is_log(outer) else Product(parts)
        return Minimum(parts) if isinstance(inner, Maximum) == (power < 0.0) else Maximum(parts)


def _is_log(node: Node) -> bool:
    return isinstance(node, Apply) and node.function == "log"
