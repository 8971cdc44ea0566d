"""A formula's graph, made ready: what is fixed is folded in, and every step is a function of one thing.

That thing, the *base* of a step, is an input, or a step where several bases meet: in exp(x + y) + (x + y)², everything
has the base x + y, so that it is one function of one variable.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.nodes import Constant, Input, Node, computed, postorder, rebuild
from kanopt.formulas.pieces import Table
from kanopt.formulas.printing import short_text

ARGUMENT = Input("u")
"""What stands for the base in a function of one variable."""


@dataclass(frozen=True)
class Called:
    """What a function of one variable and its variable are called in messages."""

    text: str
    argument: str = "u"

    def where(self, place: float) -> str:
        """Return the words for a value of the variable.

        Examples
        --------
        >>> Called("sqrt(x + y)", "x + y").where(-1.0)
        'where x + y is -1'
        """
        return f"where {self.argument} is {place:.6g}"


def folded(root: Node, numbers: Mapping[str, float], labels: Mapping[str, str]) -> Node:
    """Return the graph with inputs given as numbers or labels, every step of constants computed.

    Raises
    ------
    FormulaError
        If a table has no entry for its labels, or a step of constants has no finite value.

    Examples
    --------
    >>> short_text(folded(Input("x") * (Input("y") + 1), {"y": 2.0}, {}))
    'x · 3'
    """
    data: dict[str, NDArray[np.object_]] = {
        name: np.array([label], dtype=object) for name, label in labels.items()
    }

    def change(node: Node) -> Node:
        if isinstance(node, Input):
            return Constant(numbers[node.name]) if node.name in numbers else node
        if isinstance(node, Table):
            return Constant(float(node.compute([], data)[0]))
        if not node.children or not all(isinstance(child, Constant) for child in node.children):
            return node
        values = [np.asarray(child.value) for child in node.children if isinstance(child, Constant)]
        with np.errstate(all="ignore"):
            value = float(node.compute(values, {}))
        if not math.isfinite(value):
            raise FormulaError(f"{short_text(node)} has no finite value")
        return Constant(value)

    return rebuild(root, change)


class Graph:
    """A graph with the base of each of its steps and how often each is used."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._bases: dict[bytes, Node | None] = {}
        self._uses = Counter(child.key for node in postorder(root) for child in node.children)
        for node in postorder(root):
            found = {base.key: base for c in node.children if (base := self._bases[c.key]) is not None}
            if isinstance(node, Input) or len(found) > 1:
                self._bases[node.key] = node
            else:
                self._bases[node.key] = next(iter(found.values()), None)

    def base(self, node: Node) -> Node | None:
        """Return the base of a step; None where it is constant."""
        return self._bases[node.key]

    def own(self, node: Node) -> bool:
        """Return whether a step is used once, so that it may be taken apart."""
        return self._uses[node.key] <= 1


@dataclass(frozen=True)
class Group:
    """Parts of a sum, a product or an extreme that have the same base (None: constants), as one step of that base."""

    base: Node | None
    node: Node


def groups_of(graph: Graph, node: Node) -> list[Group]:
    """Return the parts of a step with several bases, those of the same base in one; nested ones are taken apart."""
    by_base: dict[bytes, tuple[Node | None, list[Node]]] = {}
    for part in _parts(graph, node):
        base = graph.base(part)
        by_base.setdefault(b"" if base is None else base.key, (base, []))[1].append(part)
    return [Group(base, _joined(node, found)) for base, found in by_base.values()]


def _joined(node: Node, parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else node.with_children(parts)


def _parts(graph: Graph, node: Node) -> list[Node]:
    found: list[Node] = []
    stack = list(reversed(node.children))
    while stack:
        part = stack.pop()
        if type(part) is type(node) and graph.own(part):
            stack.extend(reversed(part.children))
        else:
            found.append(part)
    return found


def over(node: Node, base: Node) -> Node:
    """Return a step as a graph of its base alone, for which :data:`ARGUMENT` stands.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> x, y = Input("x"), Input("y")
    >>> short_text(over(Apply("exp", x + y) + 1, x + y))
    'exp(u) + 1'
    """
    return rebuild(node, lambda part: ARGUMENT if part.key == base.key else part)


def inserted(outer: Node, inner: Node) -> Node:
    """Return a function of a function, both of :data:`ARGUMENT`.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> short_text(inserted(Apply("sqrt", ARGUMENT), ARGUMENT + 1))
    'sqrt(u + 1)'
    """
    return rebuild(outer, lambda node: inner if node.key == ARGUMENT.key else node)


def at(graph: Node, x: Floats) -> Floats:
    """Return the values of a function of one variable, NaN or infinite where there is none; shape of `x`.

    Examples
    --------
    >>> at(2.0 * ARGUMENT, np.array([1.0, 3.0])).tolist()
    [2.0, 6.0]
    """
    return np.broadcast_to(computed(graph, {ARGUMENT.name: x}), x.shape)


def nearest(outside: float, inside: float, holds: Callable[[float], bool]) -> float:
    """Return the number nearest to `outside` for which something holds, which it does for `inside` alone of the two.

    Examples
    --------
    >>> nearest(0.0, 4.0, lambda x: x >= 1.0)
    1.0
    """
    while True:
        middle = 0.5 * outside + 0.5 * inside
        if not min(outside, inside) < middle < max(outside, inside):
            return inside
        if holds(middle):
            inside = middle
        else:
            outside = middle
