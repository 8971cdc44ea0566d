"""The steps a formula is made of: constants, inputs, sums, products, powers and functions.

A formula is a directed acyclic graph of frozen nodes. Nodes know their children and how to compute their value from the
children's values; everything else (printing, bounds, exports, saving) is a :func:`fold` over the graph, so that no
algorithm recurses and a shared step is computed once. Two nodes are equal if they represent the same graph.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.functions import function_named
from kanopt.formulas.variables import check_label, check_name

__all__ = [
    "Apply",
    "Constant",
    "Input",
    "Maximum",
    "Minimum",
    "Node",
    "Power",
    "Product",
    "Schedule",
    "Sum",
    "computed",
    "fold",
    "postorder",
    "rebuild",
]

Array: TypeAlias = NDArray[np.float64]
T = TypeVar("T")

DEEPEST = 250
LARGEST = 200_000


class Node(ABC):
    """One step of a formula. Frozen; compares and hashes by content.

    Attributes
    ----------
    key
        A digest of the whole graph below, the same for equal graphs.
    depth, size
        Longest path to a leaf, and the number of nodes when written out as a tree.

    Raises
    ------
    FormulaError
        If the graph nests deeper than 250 or written out has more than 200,000 nodes.
    """

    key: bytes
    depth: int
    size: int

    def __post_init__(self) -> None:
        digest = hashlib.blake2b(type(self).__name__.encode(), digest_size=16)
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, Node):
                digest.update(value.key)
            elif isinstance(value, tuple) and value and isinstance(value[0], Node):
                digest.update(b"%d" % len(value) + b"".join(child.key for child in value))
            else:
                digest.update(repr(value).encode("utf-8", "surrogatepass"))
            digest.update(b"\x00")
        depth = 1 + max((child.depth for child in self.children), default=0)
        size = 1 + sum(child.size for child in self.children)
        if depth > DEEPEST or size > LARGEST:
            raise FormulaError(
                f"the formula is too large: at most {DEEPEST} levels deep and {LARGEST:,} steps, "
                f"this one has {depth} and {size:,}"
            )
        for name, value in (("key", digest.digest()), ("depth", depth), ("size", size)):
            object.__setattr__(self, name, value)

    @property
    @abstractmethod
    def children(self) -> tuple[Node, ...]:
        """The nodes this one is computed from."""

    @abstractmethod
    def with_children(self, children: Sequence[Node]) -> Node:
        """Return this node over other children."""

    @abstractmethod
    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the value, given the children's values and the inputs by name; all broadcast."""

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs this node itself reads."""
        return ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: Node | float) -> Node:
        return Sum((self, _node(other)))

    def __radd__(self, other: float) -> Node:
        return Sum((_node(other), self))

    def __sub__(self, other: Node | float) -> Node:
        return Sum((self, -_node(other)))

    def __rsub__(self, other: float) -> Node:
        return Sum((_node(other), -self))

    def __mul__(self, other: Node | float) -> Node:
        return Product((self, _node(other)))

    def __rmul__(self, other: float) -> Node:
        return Product((_node(other), self))

    def __truediv__(self, other: Node | float) -> Node:
        return Product((self, Power(_node(other), Constant(-1.0))))

    def __rtruediv__(self, other: float) -> Node:
        return Product((_node(other), Power(self, Constant(-1.0))))

    def __pow__(self, other: Node | float) -> Node:
        return Power(self, _node(other))

    def __neg__(self) -> Node:
        return Product((Constant(-1.0), self))


def _node(value: Node | float) -> Node:
    return value if isinstance(value, Node) else Constant(float(value))


def postorder(root: Node) -> tuple[Node, ...]:
    """Return every node of the graph once, children before parents.

    Examples
    --------
    >>> x = Input("x")
    >>> len(postorder(x * x + x))
    3
    """
    order: list[Node] = []
    seen: set[bytes] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node.key not in seen:
            seen.add(node.key)
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))
    return tuple(order)


def fold(root: Node, visit: Callable[[Node, list[T]], T]) -> T:
    """Compute something for every node from its children's results, each node once, and return the root's.

    A result is released as soon as its last parent has used it, so that matrices do not accumulate.

    Examples
    --------
    >>> x = Input("x")
    >>> fold(x * x + 1, lambda node, below: 1 + max(below, default=0))
    3
    """
    return Schedule(root).run(visit)


def computed(root: Node, data: Mapping[str, NDArray[Any]] | None = None) -> Array:
    """Return the value of a graph, given its inputs; NaN or infinite where there is no finite one.

    Examples
    --------
    >>> computed(Apply("log", Input("x")), {"x": np.array([1.0, 0.0])}).tolist()
    [0.0, -inf]
    """
    columns = {} if data is None else data
    with np.errstate(all="ignore"):
        return np.asarray(_schedule(root).run(lambda node, values: node.compute(values, columns)))


class Schedule:
    """The nodes of a graph, children first, for folding it many times.

    Examples
    --------
    >>> x = Input("x")
    >>> Schedule(x * x + 1).run(lambda node, below: 1 + max(below, default=0))
    3
    """

    def __init__(self, root: Node) -> None:
        self.nodes = postorder(root)
        last = {child.key: place for place, node in enumerate(self.nodes) for child in node.children}
        self._steps = [
            (node, [c.key for c in node.children], {c.key for c in node.children if last[c.key] == place})
            for place, node in enumerate(self.nodes)
        ]

    def run(self, visit: Callable[[Node, list[T]], T]) -> T:
        """Fold the graph; see :func:`fold`."""
        results: dict[bytes, T] = {}
        for node, children, done in self._steps:
            results[node.key] = visit(node, [results[key] for key in children])
            for key in done:
                del results[key]
        return results[self.nodes[-1].key]


@lru_cache(maxsize=64)
def _schedule(root: Node) -> Schedule:
    """Return the order in which a graph is computed: a search asks for the same few laws leg by leg."""
    return Schedule(root)


def rebuild(root: Node, change: Callable[[Node], Node]) -> Node:
    """Return the graph with `change` applied to every node, children first."""

    def visit(node: Node, children: list[Node]) -> Node:
        return change(node.with_children(children) if children else node)

    return fold(root, visit)


@dataclass(frozen=True, eq=False)
class Constant(Node):
    """A number, with an optional name and, if it was estimated, its standard error.

    Examples
    --------
    >>> Constant(0.98, "elasticity", standard_error=0.01).value
    0.98
    """

    value: float
    name: str = ""
    standard_error: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value) + 0.0)  # -0.0 becomes 0.0
        if not math.isfinite(self.value):
            raise FormulaError(f"constant {self.name or ''}: {self.value!r} is not a finite number")
        check_label(self.name or "", "constant, its name")
        if self.standard_error is not None:
            object.__setattr__(self, "standard_error", float(self.standard_error))
            if not (math.isfinite(self.standard_error) and self.standard_error >= 0):
                raise FormulaError(
                    f"constant {self.name or self.value}: standard error {self.standard_error!r}"
                )
        super().__post_init__()

    @property
    def children(self) -> tuple[Node, ...]:
        """None."""
        return ()

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return itself."""
        return self

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the number."""
        return np.asarray(self.value)


@dataclass(frozen=True, eq=False)
class Input(Node):
    """A number read from the data.

    Examples
    --------
    >>> Input("distance_km").names
    ('distance_km',)
    """

    name: str

    def __post_init__(self) -> None:
        check_name(self.name, "input")
        super().__post_init__()

    @property
    def children(self) -> tuple[Node, ...]:
        """None."""
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name."""
        return (self.name,)

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return itself."""
        return self

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the column."""
        return np.asarray(data[self.name])


class _NaryNode(Node):
    """A node over one tuple of children, whose field the concrete class names."""

    def __post_init__(self) -> None:
        object.__setattr__(self, self._field(), tuple(self.children))
        if not self.children:
            raise FormulaError(f"a {type(self).__name__.lower()} needs at least one part")
        super().__post_init__()

    def _field(self) -> str:
        return fields(self)[0].name  # type: ignore[arg-type]

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts."""
        parts: tuple[Node, ...] = getattr(self, self._field())
        return parts

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return the same kind of node over other parts."""
        return type(self)(tuple(children))  # type: ignore[call-arg]


@dataclass(frozen=True, eq=False)
class Sum(_NaryNode):
    """A sum of terms."""

    terms: tuple[Node, ...]

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the sum."""
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total


@dataclass(frozen=True, eq=False)
class Product(_NaryNode):
    """A product of factors; a quotient is a factor to the power of −1."""

    factors: tuple[Node, ...]

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the product."""
        product = values[0]
        for value in values[1:]:
            product = product * value
        return product


@dataclass(frozen=True, eq=False)
class Maximum(_NaryNode):
    """The largest of its parts."""

    parts: tuple[Node, ...]

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the largest."""
        largest = values[0]
        for value in values[1:]:
            largest = np.maximum(largest, value)
        return largest


@dataclass(frozen=True, eq=False)
class Minimum(_NaryNode):
    """The smallest of its parts."""

    parts: tuple[Node, ...]

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the smallest."""
        smallest = values[0]
        for value in values[1:]:
            smallest = np.minimum(smallest, value)
        return smallest


@dataclass(frozen=True, eq=False)
class Power(Node):
    """A base to an exponent; a negative base is defined for whole exponents only."""

    base: Node
    exponent: Node

    @property
    def children(self) -> tuple[Node, ...]:
        """Base and exponent."""
        return (self.base, self.exponent)

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return a power of another base to another exponent."""
        return Power(*children)

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return base ** exponent."""
        base, exponent = values
        if isinstance(self.exponent, Constant):
            # a Python number lets numpy take its short cuts for 2, 0.5 and -1
            return np.asarray(base**self.exponent.value)
        return np.power(base, exponent)


@dataclass(frozen=True, eq=False)
class Apply(Node):
    """A function of the library (see :data:`~kanopt.formulas.functions.FUNCTIONS`) of one argument.

    Examples
    --------
    >>> Apply("log", Input("load_t")).function
    'log'
    """

    function: str
    argument: Node

    def __post_init__(self) -> None:
        function_named(self.function)
        super().__post_init__()

    @property
    def children(self) -> tuple[Node, ...]:
        """The argument."""
        return (self.argument,)

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return the function of another argument."""
        return Apply(self.function, *children)

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the function's value."""
        return np.asarray(function_named(self.function).value(values[0]))
