"""Edges of a law: thresholds of steps, and places where another part of a maximum or minimum counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.nodes import Maximum, Minimum, Node, fold, postorder
from kanopt.formulas.pieces import Step
from kanopt.formulas.printing import to_infix
from kanopt.text import number_text


@dataclass(frozen=True)
class Edge:
    """One edge of a law.

    Parameters
    ----------
    name
        The output of the law.
    text
        What happens there: ``"weight_t reaches 5"``.

    Examples
    --------
    >>> print(Edge("tariff", "weight_t reaches 5"))
    tariff: weight_t reaches 5
    """

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def crossed_edges(before: BaseFormula, after: BaseFormula, old: Any, new: Any) -> tuple[Edge, ...]:
    """Return the edges that lie between two sets of rows, which are paired.

    Parameters
    ----------
    before, after
        The law, with its constants as they are at either.
    old, new
        Data as :meth:`Formula.evaluate` reads them.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> fee = parse_formula("max(5, 2 * km)", [Variable("km", "km")], Variable("fee", "EUR"))
    >>> [str(edge) for edge in crossed_edges(fee, fee, {"km": np.array([1.0])}, {"km": np.array([3.0])})]
    ['fee: 2 · km passes 5']
    """
    found = {}
    for (node, one), (_, other) in zip(_pieces(before, old), _pieces(after, new), strict=False):
        if one.shape != other.shape:
            continue
        for place in np.flatnonzero((one != other).ravel())[:1]:
            text = _text(node, int(one.ravel()[place]), int(other.ravel()[place]))
            found[text] = Edge(before.output.name, text)
    return tuple(found.values())


def _pieces(formula: BaseFormula, data: Any) -> Iterator[tuple[Node, NDArray[np.int64]]]:
    """Yield the nodes that consist of pieces, each with the number of the piece that counts in every row."""
    columns = formula.columns_of(data)
    for node in postorder(formula.root):
        if isinstance(node, (Step, Maximum, Minimum)):
            yield node, _piece_of(node, columns)


def _piece_of(node: Node, columns: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    children = [_values(child, columns) for child in node.children]
    if isinstance(node, Step):
        return np.asarray(np.searchsorted(np.asarray(node.breakpoints), children[0], side="right"))
    stacked = np.stack(np.broadcast_arrays(*children))
    return np.asarray(stacked.argmax(axis=0) if isinstance(node, Maximum) else stacked.argmin(axis=0))


def _values(node: Node, columns: dict[str, NDArray[Any]]) -> Floats:
    with np.errstate(all="ignore"):
        return np.atleast_1d(fold(node, lambda part, values: part.compute(values, columns)))


def _text(node: Node, before: int, after: int) -> str:
    if isinstance(node, Step):
        passed = node.breakpoints[min(before, after) : max(before, after)]
        return f"{to_infix(node.argument)} reaches {' and '.join(number_text(one) for one in passed)}"
    texts = sorted((to_infix(node.children[place]) for place in (before, after)), key=_is_number)
    return f"{texts[0]} passes {texts[1]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
