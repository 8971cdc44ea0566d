"""The complexity of a formula: its number of operators."""

from __future__ import annotations

from kanopt.formulas.nodes import Constant, Input, Maximum, Minimum, Node, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step

__all__ = ["count_operators"]

CURVE = 5
"""A curve or staircase counts for so many: it is read from a picture."""


def count_operators(root: Node) -> int:
    """Return the number of operators as written; shared steps count at every occurrence.

    A sum, product, maximum or minimum of n parts counts n − 1; a power, function or table 1; a curve or step function
    5.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Apply
    >>> x = Input("x")
    >>> count_operators(2 + 3 * x * Apply("exp", x))
    4
    """

    def count(node: Node, below: list[int]) -> int:
        match node:
            case Constant() | Input():
                own = 0
            case Sum() | Product() | Maximum() | Minimum():
                own = len(below) - 1
            case Curve() | Step():
                own = CURVE
            case _:
                own = 1
        return own + sum(below)

    return fold(root, count)
