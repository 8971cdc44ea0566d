"""The complexity of a formula: its number of operators."""

from __future__ import annotations

from kanopt.formulas.nodes import Node, fold


def count_operators(root: Node) -> int:
    """Return the number of operators as written; shared steps count at every occurrence.

    A sum, product, maximum or minimum of n parts counts n − 1; a power, function or table 1; a curve or step function
    5. Each kind says so itself.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Apply, Input
    >>> x = Input("x")
    >>> count_operators(2 + 3 * x * Apply("exp", x))
    4
    """

    def count(node: Node, below: list[int]) -> int:
        own = len(below) - 1 if node.operators is None else node.operators
        return own + sum(below)

    return fold(root, count)
