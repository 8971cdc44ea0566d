"""Which inputs of a law act together and which apart, read from its structure as a tree of modules.

A sum splits into parts that share no input, a product into factors that share none, and each part splits again. The
logarithm of a product is a sum, the exponential of a sum and a power of a product are products. What is neither is a
function of its inputs, in which some of them may still enter as one: a step of the graph through which all that the
law reads of these inputs passes (a dominator of theirs).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kanopt.errors import nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.nodes import Apply, Constant, Extreme, Node, Power, Product, Sum, postorder
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import simplify_graph

OPERATORS = ("quadratic", "power", "exp", "gaussian", "log", "sine", "hinge", "step", "curve")
"""Operators that may be forbidden in a law."""
NO_SHAPE: Mapping[str, str] = {
    "category": "is a category, which has no order",
    "cycle": "is periodic, and a curve that comes back to its start is not",
}
"""Why a column that is no plain number cannot be monotone, convex or concave, by its kind."""
NO_PERIOD = "is a category; only numbers can be periodic"
"""Why a column cannot be periodic."""


def operator_words(given: Any) -> tuple[str, ...]:
    """Return one operator, or several, as a tuple without repetitions.

    Raises
    ------
    ValueError
        If it is neither, or one is not known.

    Examples
    --------
    >>> operator_words("sine"), operator_words(["log", "power", "log"])
    (('sine',), ('log', 'power'))
    """
    words = (given,) if isinstance(given, str) else given
    if isinstance(words, Mapping) or not isinstance(words, Iterable):
        raise ValueError(f'must be an operator such as "sine", or a list of several, not {given!r}')
    words = tuple(words)
    for word in words:
        if word not in OPERATORS:
            raise ValueError(f"no operator {word!r} can be forbidden; {nearest(str(word), OPERATORS)}")
    return tuple(dict.fromkeys(words))


Kind = Literal["sum", "product", "function", "column"]


@dataclass(frozen=True)
class Module:
    """A part of a law, composed of smaller ones.

    Attributes
    ----------
    kind
        - ``"sum"`` and ``"product"``: of its children, which share no column;
        - ``"function"``: a function of its children that is neither, such as ``max(a, b)`` or the square root of a sum;
        - ``"column"``: a function of one column.
    columns
        Names of the columns below it.
    text
        This part of the law as a formula.
    children
        Its parts; none for a column.

    Examples
    --------
    >>> km, load = Module("column", ("km",), "km"), Module("column", ("load",), "1 + 0.02 · load")
    >>> print(Module("product", ("km", "load"), "0.3 · km · (1 + 0.02 · load)", (km, load)))
    product: 0.3 · km · (1 + 0.02 · load)
      km
      load: 1 + 0.02 · load
    """

    kind: Kind
    columns: tuple[str, ...]
    text: str
    children: tuple[Module, ...] = ()

    @property
    def leaves(self) -> Iterator[Module]:
        """The columns, in the order in which the tree is read."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves

    @property
    def depth(self) -> int:
        """The number of levels of modules below it; 0 for a column."""
        return 1 + max(child.depth for child in self.children) if self.children else 0

    def plot(self, ax: Any = None) -> Any:
        """Draw the tree, from the columns at the left to the law at the right, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_modules(self, ax)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        name = self.columns[0] if self.kind == "column" and self.columns else self.kind
        yield name if name == self.text else f"{name}: {self.text}"
        for child in self.children:
            yield from (f"  {line}" for line in child._lines())


def modules_of(formula: BaseFormula) -> Module:
    """Return which inputs act together and which apart: a tree of sums and products of parts that share no input.

    A part that is neither is a function of its inputs, of which some may still enter as one, such as a ratio.

    Returns
    -------
    Module
        Printed, it is the tree; ``modules().plot()`` draws it.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> inputs = [Variable(name) for name in ("km", "volume", "capacity")]
    >>> print(parse_formula("km * (1 + 0.15 * (volume / capacity)^4)", inputs, Variable("time")).modules())
    product: km · (1 + 0.15 · (volume / capacity)^4)
      km
      function: 1 + 0.15 · (volume / capacity)^4
        product: volume / capacity
          volume
          capacity: 1 / capacity
    """
    return _module(simplify_graph(formula.root))


def _module(node: Node) -> Module:
    columns, text = _inputs(node), to_infix(node)
    if len(columns) < 2:
        return Module("column", columns, text)
    splits: tuple[tuple[Kind, type[Sum] | type[Product], list[Node]], ...] = (
        ("sum", Sum, _terms(node)),
        ("product", Product, _factors(node)),
    )
    for kind, join, parts in splits:
        groups = _groups(parts)
        if len(groups) > 1:
            return Module(kind, columns, text, tuple(_module(_joined(join, group)) for group in groups))
    return Module("function", columns, text, _parts_of_function(node, columns))


def _parts_of_function(root: Node, columns: tuple[str, ...]) -> tuple[Module, ...]:
    """Return the largest parts through which a law reads their columns, and the other columns."""
    candidates = [part for node in postorder(root)[:-1] for part in _entering_as_one(root, node)]
    # of parts with the same columns the deepest comes first, so that a chain of functions is one function
    candidates.sort(key=lambda part: -len(_inputs(part)))
    found: dict[str, Module] = {}
    for part in candidates:
        names = _inputs(part)
        if found.keys() & set(names):
            continue
        module = _module(part)
        if names == columns and module.kind == "function":
            return module.children
        found |= dict.fromkeys(names, module)
    found |= {name: Module("column", (name,), name) for name in columns if name not in found}
    return tuple(dict.fromkeys(found[name] for name in columns))


def _entering_as_one(root: Node, node: Node) -> Iterator[Node]:
    """Yield the node, or some of its parts, if of two columns or more that nothing else in the law reads."""
    read_elsewhere = _inputs_without(root, node)
    nary = isinstance(node, Sum | Product | Extreme)
    groups = _groups(node.children) if nary else [[node]]
    own = [group for group in groups if all(read_elsewhere.isdisjoint(_inputs(part)) for part in group)]
    if len(own) < len(groups):
        node = node.with_children([part for group in own for part in group]) if own else Constant(1.0)
    if len(_inputs(node)) > 1:
        yield node


def _terms(node: Node) -> list[Node]:
    """Return the terms of a sum, or of the logarithm of a product."""
    match node:
        case Sum(terms=terms):
            return [each for term in terms for each in _terms(term)]
        case Apply(function="log", argument=argument):
            return [Apply("log", _joined(Product, group)) for group in _groups(_factors(argument))]
    return [node]


def _factors(node: Node) -> list[Node]:
    """Return the factors of a product, of an exponential of a sum, of a power, or those that all terms share."""
    match node:
        case Product(factors=factors):
            return [each for factor in factors for each in _factors(factor)]
        case Apply(function="exp", argument=argument):
            return [Apply("exp", _joined(Sum, group)) for group in _groups(_terms(argument))]
        case Power(base=Constant() as base, exponent=exponent):
            return [Power(base, _joined(Sum, group)) for group in _groups(_terms(exponent))]
        case Power(base=base, exponent=exponent):
            return [Power(factor, exponent) for factor in _factors(base)]
        case Sum(terms=terms):
            return _shared_factors(terms)
    return [node]


def _shared_factors(terms: Iterable[Node]) -> list[Node]:
    """Return the factors that all terms of a sum share, and the sum without them."""
    each = [Counter(_factors(term)) for term in terms]
    shared = each[0]
    for factors in each[1:]:
        shared = shared & factors
    if not shared:
        return [Sum(tuple(terms))]
    rest = (_joined(Product, list((factors - shared).elements())) for factors in each)
    return [*shared.elements(), Sum(tuple(rest))]


def _groups(parts: Sequence[Node]) -> list[list[Node]]:
    """Group the parts of a sum or a product that share inputs, in reading order; constants belong to none."""
    groups: list[tuple[set[str], list[Node]]] = []
    for part in parts:
        names = set(_inputs(part))
        if not names:
            continue
        alone = [group for group in groups if group[0].isdisjoint(names)]
        touched = [group for group in groups if not group[0].isdisjoint(names)]
        merged = [member for _, members in touched for member in members]
        groups = [*alone, (names.union(*(known for known, _ in touched)), [*merged, part])]
    order = {part: place for place, part in enumerate(parts)}
    return sorted(
        (members for _, members in groups), key=lambda members: min(map(order.__getitem__, members))
    )


def _joined(kind: type[Sum] | type[Product], parts: list[Node]) -> Node:
    if not parts:
        return Constant(1.0)
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _inputs(node: Node) -> tuple[str, ...]:
    """Return the inputs that a node reads, in reading order."""
    return tuple(dict.fromkeys(name for each in postorder(node) for name in each.names))


def _inputs_without(root: Node, node: Node) -> set[str]:
    """Return the inputs that a graph reads other than through a node of it."""
    seen: set[Node] = {node}
    names: set[str] = set()
    stack = [root]
    while stack:
        step = stack.pop()
        if step not in seen:
            seen.add(step)
            names.update(step.names)
            stack.extend(step.children)
    return names
