"""The steps a formula is made of: constants, inputs, sums, products, powers and functions.

A formula is a directed acyclic graph of frozen nodes. Nodes know their children and how to compute their value from the
children's values; everything else (printing, bounds, exports, saving) is a :func:`fold` over the graph, so that no
algorithm recurses and a shared step is computed once. Two nodes are equal if they represent the same graph.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.functions import function_named
from kanopt.formulas.variables import check_label, check_name
from kanopt.splines import SplineGrid, Spots

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


class Node:
    """One step of a formula. Frozen; compares and hashes by content.

    A search writes and evaluates thousands of laws and compares few, so the digest of the content is made when it is
    first asked for, and the order in which a graph is computed is kept once it was.

    Attributes
    ----------
    depth, size
        Longest path to a leaf, and the number of nodes when written out as a tree.

    Raises
    ------
    FormulaError
        If the graph nests deeper than 250 or written out has more than 200,000 nodes.
    """

    depth: int
    size: int

    def __post_init__(self) -> None:
        depth, size = 0, 1
        for child in self.children:
            depth = max(depth, child.depth)
            size += child.size
        if depth >= DEEPEST or size > LARGEST:
            raise FormulaError(
                f"the formula is too large: at most {DEEPEST} levels deep and {LARGEST:,} steps, "
                f"this one has {depth + 1} and {size:,}"
            )
        self.__dict__.update(depth=depth + 1, size=size)

    @cached_property
    def key(self) -> bytes:
        """A digest of the whole graph below, the same for equal graphs."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting[-1]
            below = [child for child in node.children if "key" not in child.__dict__]
            if below:
                waiting.extend(below)
                continue
            waiting.pop()
            own = _reader(type(node))(node.__dict__)
            digest = hashlib.blake2b(type(node).__name__.encode(), digest_size=16)
            digest.update(repr((own, len(node.children))).encode("utf-8", "surrogatepass"))
            for child in node.children:
                digest.update(child.key)
            node.__dict__["key"] = digest.digest()
        found: bytes = self.__dict__["key"]
        return found

    @property
    def schedule(self) -> Schedule:
        """The order in which the graph is computed."""
        known: Schedule | None = self.__dict__.get("_schedule")
        if known is None:
            known = self.__dict__["_schedule"] = Schedule.of(self)
        return known

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes this one is computed from."""
        raise NotImplementedError

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return this node over other children."""
        raise NotImplementedError

    def compute(self, values: Sequence[Array], data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the value, given the children's values and the inputs by name; all broadcast."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs this node itself reads."""
        return ()

    @property
    def grid(self) -> SplineGrid | None:
        """The knots of a curve; None for what is none."""
        return None

    @property
    def powers(self) -> Array:
        """Polynomial coefficients of a curve in each span between its knots; see :meth:`SplineGrid.powers`."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is worked out again when it is asked for."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_schedule", "key")}

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Node) and self.key == other.key)

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


_READERS: dict[type, Callable[[dict[str, Any]], Any]] = {}


def _reader(kind: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what reads off a node of a kind all that it holds beside its children."""
    known = _READERS.get(kind)
    if known is None:
        names = [field.name for field in fields(kind) if "Node" not in str(field.type)]
        known = _READERS[kind] = itemgetter(*names) if names else _nothing
    return known


def _nothing(held: dict[str, Any]) -> None:
    """Read nothing: the node is its children."""


def postorder(root: Node) -> tuple[Node, ...]:
    """Return every node of the graph once, children before parents.

    Examples
    --------
    >>> x = Input("x")
    >>> len(postorder(x * x + x))
    3
    """
    return (*root.schedule.below, root)


def fold(root: Node, visit: Callable[[Node, list[T]], T]) -> T:
    """Compute something for every node from its children's results, each node once, and return the root's.

    A result is released as soon as its last parent has used it, so that matrices do not accumulate.

    Examples
    --------
    >>> x = Input("x")
    >>> fold(x * x + 1, lambda node, below: 1 + max(below, default=0))
    3
    """
    return root.schedule.run(root, visit)


def computed(root: Node, data: Mapping[str, NDArray[Any]] | None = None) -> Array:
    """Return the value of a graph, given its inputs; NaN or infinite where there is no finite one.

    Examples
    --------
    >>> computed(Apply("log", Input("x")), {"x": np.array([1.0, 0.0])}).tolist()
    [0.0, -inf]
    """
    with np.errstate(all="ignore"):
        return np.asarray(root.schedule.compute(root, {} if data is None else data))


@dataclass(frozen=True, eq=False)
class Schedule:
    """The order in which a graph is computed, children first and equal nodes once.

    Parameters
    ----------
    below
        The nodes of the graph without its root, which keeps this order and would otherwise keep itself alive.
    children
        Places of each one's children, those of the root at the end.

    Examples
    --------
    >>> x = Input("x")
    >>> Schedule.of(x * x + 1).children
    ((), (0, 0), (), (1, 2))
    """

    below: tuple[Node, ...]
    children: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, root: Node) -> Schedule:
        """Find the order for a graph."""
        nodes: list[Node] = []
        children: list[tuple[int, ...]] = []
        known: dict[tuple[Any, ...], int] = {}
        places: dict[int, int] = {}  # by identity, as equal nodes have equal children in the same places
        stack = [root]
        while stack:
            node = stack[-1]
            parts = node.children
            below: tuple[int, ...] = ()
            if parts:
                waiting = [child for child in parts if id(child) not in places]
                if waiting:
                    stack.extend(reversed(waiting))
                    continue
                below = tuple([places[id(child)] for child in parts])
            stack.pop()
            kind = type(node)
            new = len(nodes)
            place = known.setdefault((kind, _reader(kind)(node.__dict__), below), new)
            if place == new:
                nodes.append(node)
                children.append(below)
            places[id(node)] = place
        return cls(tuple(nodes[:-1]), tuple(children))

    @cached_property
    def done(self) -> tuple[tuple[int, ...], ...]:
        """Places of the nodes that nothing needs any longer after each one."""
        last = {below: place for place, children in enumerate(self.children) for below in children}
        return tuple(
            tuple({below for below in children if last[below] == place})
            for place, children in enumerate(self.children)
        )

    def compute(self, root: Node, data: Mapping[str, NDArray[Any]]) -> Array:
        """Return the value of the graph; among which knots an argument lies is found once for all its curves."""
        results: list[Any] = []
        spots: dict[int, dict[SplineGrid, Spots]] = {}
        for node, children, done in zip((*self.below, root), self.children, self.done, strict=True):
            grid = node.grid
            if grid is None:
                results.append(node.compute([results[place] for place in children], data))
            else:
                (argument,) = children
                known = spots.setdefault(argument, {})
                if grid not in known:
                    known[grid] = grid.locate(results[argument])
                results.append(grid.values_at(known[grid], node.powers))
            for place in done:
                results[place] = None
                spots.pop(place, None)
        value: Array = results[-1]
        return value

    def run(self, root: Node, visit: Callable[[Node, list[T]], T]) -> T:
        """Fold the graph; see :func:`fold`."""
        results: list[Any] = []
        for node, children, done in zip((*self.below, root), self.children, self.done, strict=True):
            results.append(visit(node, [results[place] for place in children]))
            for place in done:
                results[place] = None
        found: T = results[-1]
        return found


def rebuild(root: Node, change: Callable[[Node], Node]) -> Node:
    """Return the graph with `change` applied to every node, children first; what does not change is kept."""

    def visit(node: Node, children: list[Node]) -> Node:
        same = all(old is new for old, new in zip(node.children, children, strict=True))
        return change(node if same else node.with_children(children))

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
            object.__setattr__(self, "standard_error", float(self.standard_error) + 0.0)
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
        object.__setattr__(self, "name", str(check_name(self.name, "input")))
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

    field: ClassVar[str]

    def __post_init__(self) -> None:
        self.__dict__[self.field] = tuple(self.__dict__[self.field])
        if not self.children:
            raise FormulaError(f"a {type(self).__name__.lower()} needs at least one part")
        super().__post_init__()

    @property
    def children(self) -> tuple[Node, ...]:
        """The parts."""
        parts: tuple[Node, ...] = self.__dict__[self.field]
        return parts

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return the same kind of node over other parts."""
        return type(self)(tuple(children))  # type: ignore[call-arg]


@dataclass(frozen=True, eq=False)
class Sum(_NaryNode):
    """A sum of terms."""

    field: ClassVar[str] = "terms"
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

    field: ClassVar[str] = "factors"
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

    field: ClassVar[str] = "parts"
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

    field: ClassVar[str] = "parts"
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
