"""Detect nested powers, which the parser refuses."""

from __future__ import annotations

from kanopt.formulas.nodes import Constant, Node, Power

__all__ = ["PowerSearch"]


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
