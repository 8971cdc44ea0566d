"""The complexity of a formula: its number of operators, and whether it has powers."""

from __future__ import annotations

from kanopt.formulas.nodes import Constant, Node, Power, fold

__all__ = ["PowerSearch", "count_operators"]


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


class PowerSearch:
    """A search for powers that caches its results, since a large law may be used in many exponents.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> has_power = PowerSearch()
    >>> has_power(1 / Input("x")), has_power(1 + Input("x") ** 2)
    (False, True)
    """

    def __init__(self) -> None:
        self._known: dict[bytes, bool] = {}

    def __call__(self, root: Node) -> bool:
        """Return whether a graph has a power other than a quotient."""
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if node.key in self._known:
                continue
            if not ready:
                stack.append((node, True))
                stack += [(child, False) for child in node.children]
                continue
            own = isinstance(node, Power) and node.exponent != Constant(-1.0)
            self._known[node.key] = own or any(self._known[child.key] for child in node.children)
        return self._known[root.key]
