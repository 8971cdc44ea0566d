"""Which inputs of a law act together and which apart, read from its structure.

A sum splits into parts that share no input, a product into factors that share none, and each part splits again. The
logarithm of a product is a sum, the exponential of a sum and a power of a product are products.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.nodes import Apply, Constant, Node, Power, Product, Sum, postorder
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import simplify_graph

NO_SHAPE: Mapping[str, str] = {
    "category": "is a category, which has no order",
    "cycle": "is periodic, and a curve that comes back to its start is not",
}
"""Why a column that is no plain number cannot be monotone, convex or concave, by its kind."""
NO_PERIOD = "is a category; only numbers can be periodic"
"""Why a column cannot be periodic."""


def modules(formula: BaseFormula) -> str:
    """Return which inputs act together and which apart: a tree of sums and products of parts that share no input.

    A part that is neither a sum nor a product of such parts is a function of what stands below it.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> inputs = [Variable(name) for name in ("km", "volume", "capacity")]
    >>> print(parse_formula("km * (1 + 0.15 * (volume / capacity)^4)", inputs, Variable("time")).modules())
    product: km · (1 + 0.15 · (volume / capacity)^4)
      km
      function: 1 + 0.15 · (volume / capacity)^4
        product: 0.15 · (volume / capacity)^4
          volume: volume^4
          capacity: (1 / capacity)^4
    """
    return "\n".join(_lines(simplify_graph(formula.root)))


def _lines(node: Node) -> Iterator[str]:
    columns, text = _inputs(node), to_infix(node)
    if len(columns) < 2:
        name = columns[0] if columns else "number"
        yield name if name == text else f"{name}: {text}"
        return
    for kind, join, parts in (("sum", Sum, _terms(node)), ("product", Product, _factors(node))):
        groups = _groups(parts)
        if len(groups) > 1:
            yield f"{kind}: {text}"
            for group in groups:
                yield from (f"  {line}" for line in _lines(_joined(join, group)))
            return
    yield f"function: {text}"
    groups = _groups(node.children)
    while len(groups) == 1 and len(groups[0]) == 1:
        (inner,) = groups[0]
        splits = len(_groups(_terms(inner))) > 1 or len(_groups(_factors(inner))) > 1
        groups = [[inner], []] if splits else _groups(inner.children)
    if len(groups) > 1:
        for part in (part for group in groups for part in group):
            yield from (f"  {line}" for line in _lines(part))
    else:
        yield from (f"  {name}" for name in columns)


def _terms(node: Node) -> list[Node]:
    """Return the terms of a sum, or of the logarithm of a product."""
    match node:
        case Sum(terms=terms):
            return [each for term in terms for each in _terms(term)]
        case Apply(function="log", argument=argument):
            return [Apply("log", _joined(Product, group)) for group in _groups(_factors(argument))]
    return [node]


def _factors(node: Node) -> list[Node]:
    """Return the factors of a product, of an exponential of a sum, or of a power."""
    match node:
        case Product(factors=factors):
            return [each for factor in factors for each in _factors(factor)]
        case Apply(function="exp", argument=argument):
            return [Apply("exp", _joined(Sum, group)) for group in _groups(_terms(argument))]
        case Power(base=Constant() as base, exponent=exponent):
            return [Power(base, _joined(Sum, group)) for group in _groups(_terms(exponent))]
        case Power(base=base, exponent=exponent):
            return [Power(factor, exponent) for factor in _factors(base)]
    return [node]


def _groups(parts: Sequence[Node]) -> list[list[Node]]:
    """Group the parts that share inputs, in reading order; constants belong to none."""
    groups: list[list[Node]] = []
    for part in parts:
        names = set(_inputs(part))
        touched = [group for group in groups if any(names & set(_inputs(member)) for member in group)]
        if touched:
            touched[0].append(part)
            for other in touched[1:]:
                touched[0].extend(other)
                groups.remove(other)
        elif names:
            groups.append([part])
    return groups


def _joined(kind: type[Sum] | type[Product], parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _inputs(node: Node) -> tuple[str, ...]:
    """Return the inputs that a node reads, in reading order."""
    return tuple(dict.fromkeys(name for each in postorder(node) for name in each.names))
