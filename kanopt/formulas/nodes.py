"""The steps a formula is made of: constants, inputs, sums, products, powers and functions.

A formula is a directed acyclic graph of frozen nodes, and a :func:`fold` over it does anything with it, so that no
algorithm recurses and a shared step is computed once. Two nodes are equal if they represent the same graph.

A kind of node declares itself once, in its class: its fields, of which those that hold nodes are its children and all
are what a file holds; how it is computed; how it is written, in general and, by methods ``spell_…``, in families of
languages; its unit; its learned numbers; how many operators it counts for.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, reduce
from operator import itemgetter
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.functions import TextPart, Writer, function_named
from kanopt.formulas.variables import check_label, check_name
from kanopt.splines import SplineGrid, Spots

T = TypeVar("T")

DEEPEST = 250
LARGEST = 200_000

FILED = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
"""How pydantic reads files of formulas: with no key too many, and no type for another."""

KINDS: dict[str, type[Node]] = {}
"""Every kind of node, by the word that stands for it in files."""


def kind_of(node: type[Node]) -> str:
    """Return the word for a kind of node.

    Examples
    --------
    >>> kind_of(Sum)
    'sum'
    """
    return node.__name__.lower()


class Node:
    """One step of a formula. Frozen; compares and hashes by content.

    A search writes and evaluates thousands of laws and compares few, so the digest of the content is made when it is
    first asked for, and the order in which a graph is computed is kept once it was.

    Attributes
    ----------
    children
        The nodes it is computed from: what its fields hold.
    depth, size
        Longest path to a leaf, and the number of nodes when written out as a tree.

    Raises
    ------
    FormulaError
        If the graph nests deeper than 250 or written out has more than 200,000 nodes.
    """

    children: tuple[Node, ...]
    depth: int
    size: int
    operators: ClassVar[int | None] = 1
    """How many operators it counts for, beside those of its children; None for one between every two of these."""
    unit_rule: ClassVar[str]
    """How its unit follows from those of its children: a rule of :mod:`kanopt.formulas.dimensions`."""

    def __init_subclass__(cls, *, is_kind: bool = True) -> None:
        if is_kind:
            KINDS[kind_of(cls)] = cls

    __pydantic_config__: ClassVar[Any] = FILED

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Read a kind of node by its fields, and a node in them as the place of one that was read before."""
        if source is not Node:
            return handler(source)
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(_read_before)

    def __post_init__(self) -> None:
        kind: Any = type(self)
        depth, size = 0, 1
        held = self.__dict__
        children = held["children"] = _below(kind)(held)
        for child in children:
            depth = max(depth, child.depth)
            size += child.size
        if depth >= DEEPEST or size > LARGEST:
            raise FormulaError(
                f"the formula is too large: at most {DEEPEST} levels deep and {LARGEST:,} steps, "
                f"this one has {depth + 1} and {size:,}"
            )
        held["depth"], held["size"] = depth + 1, size

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
            kind: Any = type(node)
            own = _reader(kind)(node.__dict__)
            digest = hashlib.blake2b(kind.__name__.encode(), digest_size=16)
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

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return this node over other children."""
        if not self.children:
            return self
        kind: Any = type(self)
        held = dict(zip(_below_names(kind), children, strict=True))
        return replace(self, **held)  # type: ignore[type-var]

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the value, given the children's values and the inputs by name; all broadcast."""
        raise NotImplementedError

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write it, given its children as they are written."""
        raise NotImplementedError

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of its own that are learned from rows."""
        return ()

    def with_numbers(self, numbers: Sequence[float]) -> Node:
        """Return it with other learned numbers."""
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs this node itself reads."""
        return ()

    @property
    def grid(self) -> SplineGrid | None:
        """The knots of a curve; None for what is none."""
        return None

    @property
    def powers(self) -> Floats:
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


def _read_before(place: Any, info: Any) -> Node:
    nodes: list[Node] = info.context
    if type(place) is not int or not 0 <= place < len(nodes):
        raise ValueError(
            f"expected the position of one of the {len(nodes)} nodes before it, found {place!r:.60}"
        )
    return nodes[place]


def _node(value: Node | float) -> Node:
    return value if isinstance(value, Node) else Constant(float(value))


@cache
def _below_names(kind: Any) -> tuple[str, ...]:
    """Return the fields of a kind that hold nodes."""
    return tuple(field.name for field in fields(kind) if "Node" in str(field.type))


@cache
def _below(kind: Any) -> Callable[[dict[str, Any]], tuple[Node, ...]]:
    """Return what reads off a node of a kind its children."""
    names = _below_names(kind)
    if len(names) > 1 or issubclass(kind, _Several):
        return itemgetter(*names)
    return (lambda held: (held[names[0]],)) if names else lambda held: ()


@cache
def _reader(kind: Any) -> Callable[[dict[str, Any]], Any]:
    """Return what reads off a node of a kind all that it holds beside its children."""
    names = [field.name for field in fields(kind) if field.name not in _below_names(kind)]
    return itemgetter(*names) if names else lambda held: None


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


def computed(root: Node, data: Mapping[str, NDArray[Any]] | None = None) -> Floats:
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
            kind: Any = type(node)
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

    def compute(self, root: Node, data: Mapping[str, NDArray[Any]]) -> Floats:
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
        value: Floats = results[-1]
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

    operators: ClassVar[int | None] = 0
    unit_rule: ClassVar[str] = "constant"
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

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the number."""
        return np.asarray(self.value)

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write the number."""
        return writer.constant(self.value)

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its value, where it has a name: then it is a parameter of the law, unless that is π."""
        return (self.value,) if self.name and (self.name, self.value) != ("pi", math.pi) else ()

    def with_numbers(self, numbers: Sequence[float]) -> Node:
        """Return it with another value."""
        return replace(self, value=numbers[0])


@dataclass(frozen=True, eq=False)
class Input(Node):
    """A number read from the data.

    Examples
    --------
    >>> Input("distance_km").names
    ('distance_km',)
    """

    operators: ClassVar[int | None] = 0
    unit_rule: ClassVar[str] = "input"
    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", str(check_name(self.name, "input")))
        super().__post_init__()

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name."""
        return (self.name,)

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the column."""
        return np.asarray(data[self.name])

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write its name."""
        return writer.input(self.name)


class _Several(Node, is_kind=False):
    """A node over one tuple of children, which are joined one after the other."""

    operators: ClassVar[int | None] = None
    join: ClassVar[Callable[[Floats, Floats], Floats]]

    def __post_init__(self) -> None:
        kind: Any = type(self)
        (field,) = _below_names(kind)
        self.__dict__[field] = tuple(self.__dict__[field])
        if not self.__dict__[field]:
            raise FormulaError(f"a {kind_of(kind)} needs at least one part")
        super().__post_init__()

    def with_children(self, children: Sequence[Node]) -> Node:
        """Return the same kind of node over other parts."""
        return type(self)(tuple(children))  # type: ignore[call-arg]

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return what the parts come to."""
        return reduce(type(self).join, values)


@dataclass(frozen=True, eq=False)
class Sum(_Several):
    """A sum of terms."""

    unit_rule: ClassVar[str] = "sum"
    join: ClassVar[Callable[[Floats, Floats], Floats]] = np.add
    terms: tuple[Node, ...]

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write its terms with signs between them."""
        return writer.sum(parts)


@dataclass(frozen=True, eq=False)
class Product(_Several):
    """A product of factors; a quotient is a factor to the power of −1."""

    unit_rule: ClassVar[str] = "product"
    join: ClassVar[Callable[[Floats, Floats], Floats]] = np.multiply
    factors: tuple[Node, ...]

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write its factors, those to a negative power as the denominator."""
        return writer.product(parts)


class Extreme(_Several, is_kind=False):
    """A node that is one of its parts."""

    unit_rule: ClassVar[str] = "extreme"
    word: ClassVar[str]
    parts: tuple[Node, ...]

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write a call; of one part there is nothing to choose."""
        return writer.extreme(self.word, parts) if len(parts) > 1 else parts[0]


@dataclass(frozen=True, eq=False)
class Maximum(Extreme):
    """The largest of its parts."""

    join: ClassVar[Callable[[Floats, Floats], Floats]] = np.maximum
    word: ClassVar[str] = "max"
    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Minimum(Extreme):
    """The smallest of its parts."""

    join: ClassVar[Callable[[Floats, Floats], Floats]] = np.minimum
    word: ClassVar[str] = "min"
    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Power(Node):
    """A base to an exponent; a negative base is defined for whole exponents only."""

    unit_rule: ClassVar[str] = "power"
    base: Node
    exponent: Node

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return base ** exponent."""
        base, exponent = values
        if isinstance(self.exponent, Constant):
            # a Python number lets numpy take its short cuts for 2, 0.5 and -1
            return np.asarray(base**self.exponent.value)
        return np.power(base, exponent)

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write a power, a root or a quotient."""
        value = self.exponent.value if isinstance(self.exponent, Constant) else None
        return writer.power(parts[0], parts[1], value)


@dataclass(frozen=True, eq=False)
class Apply(Node):
    """A function of the library (see :data:`~kanopt.formulas.functions.FUNCTIONS`) of one argument.

    Examples
    --------
    >>> Apply("log", Input("load_t")).function
    'log'
    """

    unit_rule: ClassVar[str] = "function"
    function: str
    argument: Node

    def __post_init__(self) -> None:
        function_named(self.function)
        super().__post_init__()

    def compute(self, values: Sequence[Floats], data: Mapping[str, NDArray[Any]]) -> Floats:
        """Return the function's value."""
        return np.asarray(function_named(self.function).value(values[0]))

    def spell(self, writer: Writer, parts: list[TextPart]) -> TextPart:
        """Write it as its function is spelled in the language."""
        return writer.apply(self.function, parts[0])


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
