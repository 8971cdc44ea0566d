"""A graph of nodes as a tape, for values and derivatives of a law in its constants.

Steps that are used several times are computed once; what does not depend on a free parameter is computed when the tape
is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import common_shape, read_columns
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    computed,
    fold,
    postorder,
    rebuild,
)
from kanopt.formulas.parameters import is_parameter, parameters_of, piece_numbers
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.tape import Applied, Backward, Extreme, LookedUp, Monomial, Number, Tape, Total
from kanopt.formulas.tape import Step as TapeStep

# The free parameters of a graph as one vector: extract them, and substitute new values.

Piece: TypeAlias = Curve | Step | Table
PIECES = (Curve, Step, Table)


@dataclass(frozen=True, eq=False)
class FreeParameters:
    """The free parameters, in reading order.

    Parameters
    ----------
    names
        Names of the p parameters: ``a`` for a constant, ``s[0]`` for a coefficient of a tabulated function.
    values
        Their values in the graph, (p,).
    blocks
        For each constant or tabulated function by name, the slice of its parameters in the vector.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> law = Constant(0.12, "a") * Input("km") ** Constant(0.98, "b")
    >>> free = FreeParameters.of(law, None)
    >>> free.names, free.values.tolist()
    (('a', 'b'), [0.12, 0.98])
    >>> from kanopt.formulas.printing import to_infix
    >>> to_infix(free.substitute(law, np.array([0.2, 1.5])))
    '0.2 · km^1.5'
    """

    names: tuple[str, ...]
    values: Floats
    blocks: Mapping[str, slice]

    @classmethod
    def of(cls, root: Node, only: Iterable[str] | None) -> FreeParameters:
        """Collect all constants with a name, or only the constants and pieces named.

        Parameters
        ----------
        root
            The graph.
        only
            Names of constants, and of curves, steps and tables, all of whose coefficients are free. None for every
            constant with a name and no piece.

        Raises
        ------
        FormulaError
            If a name is not in the graph (suggests the nearest), or is that of two different things.
        """
        constants = parameters_of(root)
        wanted = (
            list(constants)
            if only is None
            else list(dict.fromkeys([only] if isinstance(only, str) else only))
        )
        pieces = _pieces_of(root, wanted)
        for name in wanted:
            if name not in constants and name not in pieces:
                known = [*constants, *(node.name for node in postorder(root) if isinstance(node, PIECES))]
                raise FormulaError(
                    f"no constant, curve, step or table of the law is called {name!r:.80}; {nearest(str(name), known)}"
                )
        numbers: dict[str, float] = {}
        blocks: dict[str, slice] = {}
        for name in [*constants, *pieces]:
            if name in wanted:
                found = {name: constants[name]} if name in constants else piece_numbers(pieces[name])
                if numbers.keys() & found.keys() or (name in constants and name in pieces):
                    raise FormulaError(f"{name!r} is the name of two different things in the law; rename one")
                blocks[name] = slice(len(numbers), len(numbers) + len(found))
                numbers.update(found)
        return cls(tuple(numbers), np.array(list(numbers.values()), dtype=np.float64), blocks)

    @property
    def count(self) -> int:
        """The number of free parameters, p."""
        return len(self.names)

    def block(self, node: Node) -> slice | None:
        """Return the slice of a node's own parameters; None if they are not free."""
        if isinstance(node, Constant):
            return self.blocks.get(node.name) if is_parameter(node) else None
        return self.blocks.get(node.name) if isinstance(node, PIECES) else None

    def substitute(self, root: Node, values: Floats, errors: Floats | None = None) -> Node:
        """Return the graph with other values of the parameters.

        Parameters
        ----------
        root
            The graph that the parameters were collected from.
        values
            The new values, (p,).
        errors
            Standard errors of the constants, (p,); None for none.
        """

        def put(node: Node) -> Node:
            block = self.block(node)
            if block is None:
                return node
            if isinstance(node, Constant):
                error = None if errors is None else float(errors[block.start])
                return Constant(float(values[block.start]), node.name, error)
            return node.with_numbers(values[block].tolist())

        return rebuild(root, put)


def _pieces_of(root: Node, names: Sequence[str]) -> dict[str, Piece]:
    """Return the pieces with the given names; pieces with one name must have the same coefficients."""
    found: dict[str, Piece] = {}
    for node in postorder(root):
        if isinstance(node, PIECES) and node.name in names:
            known = found.setdefault(node.name, node)
            if type(known) is not type(node) or piece_numbers(known) != piece_numbers(node):
                raise FormulaError(
                    f"{node.name!r} is the name of two different things in the law; rename one"
                )
    return found


def linear_in(root: Node, free: FreeParameters) -> NDArray[np.bool_]:
    """Return a mask of free parameters c in which the law is jointly linear: with the others held it is f₀ + Φ·c.

    Chosen greedily in reading order, so that of two factors of one product the first is chosen.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> law = Constant(3.0, "c") + Constant(0.12, "a") * Input("km") ** Constant(0.98, "b")
    >>> linear_in(law, FreeParameters.of(law, None)).tolist()
    [True, True, False]
    """
    chosen = np.zeros(free.count, dtype=bool)
    for block in free.blocks.values():
        chosen[block] = True
        if fold(root, lambda node, below: _degree(node, below, free, chosen)) > 1:
            chosen[block] = False
    return chosen


def _degree(node: Node, below: list[int], free: FreeParameters, chosen: NDArray[np.bool_]) -> int:
    """Return the degree of a step in the chosen parameters: 0, 1, or 2 for any higher degree."""
    block = free.block(node)
    own = int(block is not None and bool(chosen[block].all()))
    if isinstance(node, Sum):
        return max(below)
    if isinstance(node, Product):
        return min(sum(below), 2)
    return own if not any(below) else 2


Columns = Mapping[str, NDArray[Any]]

_SHALLOW = 50
"""Nodes of so many levels, and of multiples, come first, so that nothing recurs deeper."""


class GraphTape(Tape):
    """A graph compiled for given rows, to be evaluated at many values of its free parameters.

    Parameters
    ----------
    root
        The graph.
    columns
        The inputs, as :func:`~kanopt.formulas.columns.read_columns` returns them; they broadcast to the shape of the
        rows.
    free
        The free parameters.
    """

    def __init__(self, root: Node, columns: Columns, free: FreeParameters) -> None:
        super().__init__(free.count, common_shape(columns))
        self.free = free
        with np.errstate(all="ignore"):
            _Compiler(self, root, columns, free).compile()

    def value(self, theta: Floats) -> Floats:
        """Return the law's value at `theta`, (p,), in the shape of the rows; NaN where undefined."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.forward(theta), self.shape)

    def gradient(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return values, in the shape of the rows, and derivatives, with an additional axis of length p, at `theta`."""
        with np.errstate(all="ignore"):
            value = self.forward(theta)
            derivative = self.backward(theta).derivative
            if not np.isfinite(derivative).all():
                derivative = self.backward(theta, _times).derivative
        return np.broadcast_to(value, self.shape), np.moveaxis(derivative, 0, -1)


def _times(above: Any, partial: Any) -> Any:
    """Return the product of two derivatives, zero if either is zero although the other is infinite."""
    product = above * partial
    if not np.isfinite(product).all():
        product = np.where((above == 0) | (partial == 0), 0.0, product)
    return product


class _Compiler:
    """Adds the steps of a graph to a tape; nodes are told by their place in the graph's schedule."""

    def __init__(self, tape: Tape, root: Node, columns: Columns, free: FreeParameters) -> None:
        self.tape, self.columns, self.free = tape, columns, free
        self.nodes, self.children = postorder(root), root.schedule.children
        self.uses = Counter(child for below in self.children for child in below)
        self.fixed: dict[int, Floats] = {}
        self.numbers = Counter[int]()
        """How often every free constant is read."""
        for place, (node, below) in enumerate(zip(self.nodes, self.children, strict=True)):
            own = free.block(node)
            if own is not None and isinstance(node, Constant):
                self.numbers[own.start] += max(self.uses[place], 1)
            elif own is None and all(child in self.fixed for child in below):
                self.fixed[place] = node.compute([self.fixed[child] for child in below], columns)
        self.places: dict[int, int] = {}
        """Places on the tape of the nodes that are there."""

    def compile(self) -> None:
        for number, node in enumerate(self.nodes):
            if node.depth % _SHALLOW == 0 and number not in self.fixed:
                self.place(number)
        self.place(len(self.nodes) - 1)

    def place(self, number: int) -> int:
        """Return the place of a node's value; its steps are added where they are not there yet."""
        if number not in self.places:
            known = self.fixed.get(number)
            self.places[number] = self.tape.add(self.step(number)) if known is None else self.tape.keep(known)
        return self.places[number]

    def step(self, number: int) -> TapeStep:
        node, below = self.nodes[number], self.children[number]
        own = self.free.block(node)
        match node:
            case Constant():
                assert own is not None
                return Number(own.start)
            case Sum():
                return Total([self.place(term) for term in self.moving(number)], self.still(number))
            case Product():
                return self.product(number)
            case Power() | Apply() if (exponent := self.exponent(number)) is not None:
                return Monomial(1.0, None, [exponent], [])
            case Power():
                base, power = below
                moves = base not in self.fixed, power not in self.fixed
                return _Raised(self.place(base), self.place(power), moves)
            case Apply(function=function):
                return Applied(function_named(function), self.place(below[0]))
            case Maximum() | Minimum():
                choose = np.maximum if isinstance(node, Maximum) else np.minimum
                moving = [child not in self.fixed for child in below]
                return Extreme(choose, [self.place(part) for part in below], moving)
            case Curve() | Step() if below[0] not in self.fixed:
                return _OfMoving(node, self.place(below[0]), own, self.tape.shape)
        assert own is not None
        weights = _weights(node, [self.fixed[child] for child in below], self.columns)
        fallback = node.fallback if isinstance(node, Table) else None
        held = 0.0 if fallback is None else fallback * (1.0 - weights.sum(axis=-1))
        return LookedUp(own, np.ascontiguousarray(_by_number(weights, self.tape.shape)), held)

    def moving(self, number: int) -> list[int]:
        return [child for child in self.children[number] if child not in self.fixed]

    def still(self, number: int) -> Floats | None:
        """Return the sum or product of the parts that do not move; None where there are none."""
        values = [self.fixed[child] for child in self.children[number] if child in self.fixed]
        return self.nodes[number].compute(values, self.columns) if values else None

    def product(self, number: int) -> Monomial:
        coefficient: int | None = None
        exponents: list[tuple[int, Floats]] = []
        others: list[int] = []
        for factor in self.moving(number):
            alone = self.alone(factor)
            own_step = self.uses[factor] > 1 or factor in self.places
            exponent = None if own_step else self.exponent(factor)
            if alone is not None and coefficient is None:
                coefficient = alone
            elif exponent is not None:
                exponents.append(exponent)
            else:
                others.append(self.place(factor))
        return Monomial(1.0 if coefficient is None else coefficient, self.still(number), exponents, others)

    def alone(self, number: int) -> int | None:
        """Return which free constant a node is, where nothing else reads that; None for anything else."""
        node = self.nodes[number]
        own = self.free.block(node) if isinstance(node, Constant) else None
        return own.start if own is not None and self.numbers[own.start] == 1 else None

    def exponent(self, number: int) -> tuple[int, Floats] | None:
        """Return a free constant and what it multiplies in the exponential that a node is; None where it is none."""
        node, below = self.nodes[number], self.children[number]
        if isinstance(node, Power):
            alone, known = self.alone(below[1]), self.fixed.get(below[0])
            if alone is None or known is None or not np.all(known > 0.0):
                return None
            return alone, np.log(known)
        if isinstance(node, Apply) and node.function == "exp" and self.uses[below[0]] == 1:
            if not isinstance(self.nodes[below[0]], Product):
                return None
            moving, known = self.moving(below[0]), self.still(below[0])
            alone = self.alone(moving[0]) if len(moving) == 1 else None
            return None if alone is None or known is None else (alone, known)
        return None


class _Raised(TapeStep):
    """A base to an exponent, with whether they move."""

    def __init__(self, base: int, exponent: int, moves: tuple[bool, bool]) -> None:
        self.base, self.exponent, self.moves = base, exponent, moves

    def forward(self, values: list[Any], theta: Floats) -> Any:
        return _raised(values[self.base], values[self.exponent])

    def backward(self, above: Any, run: Backward) -> None:
        base, exponent, value = (run.values[place] for place in (self.base, self.exponent, self.place))
        if self.moves[0]:
            run.hand(self.base, run.times(above, exponent * _raised(base, exponent - 1.0)))
        if self.moves[1]:
            # 0 to a positive power stays 0 whatever the power
            slope = np.where((base == 0) & (exponent > 0), 0.0, value * np.log(base))
            run.hand(self.exponent, run.times(above, slope))


def _raised(base: Any, exponent: Any) -> Any:
    # a Python number lets numpy take its short cuts for 2, 0.5 and -1
    return base ** (float(exponent) if np.ndim(exponent) == 0 else exponent)


class _OfMoving(TapeStep):
    """A curve or a staircase whose argument moves; `own` are its numbers where they are free."""

    def __init__(self, node: Curve | Step, argument: int, own: slice | None, shape: tuple[int, ...]) -> None:
        self.node, self.argument, self.own, self.shape = node, argument, own, shape

    def forward(self, values: list[Any], theta: Floats) -> Any:
        if self.own is None:
            return self.node.compute([values[self.argument]], {})
        self.weights = _by_number(_weights(self.node, [values[self.argument]], {}), self.shape)
        return np.tensordot(theta[self.own], self.weights, axes=1)

    def backward(self, above: Any, run: Backward) -> None:
        if self.own is not None:
            run.derivative[self.own] += run.times(self.weights, above)
        if isinstance(self.node, Curve):  # a staircase is flat
            grid = self.node.grid
            powers = self.node.powers if self.own is None else grid.powers(run.theta[self.own])
            run.hand(self.argument, run.times(above, grid.slopes(run.values[self.argument], powers)))


def _by_number(weights: Floats, shape: tuple[int, ...]) -> Floats:
    """Return weights (…, m) of rows as (m, *rows)."""
    return np.moveaxis(np.broadcast_to(weights, (*shape, weights.shape[-1])), -1, 0)


def _weights(node: Node, below: list[Floats], columns: Columns) -> Floats:
    """Return the basis functions of a piece's coefficients at each row, along the last axis."""
    match node:
        case Curve():
            return node.grid.basis(below[0])
        case Step():
            stair = np.searchsorted(np.asarray(node.breakpoints), below[0], side="right")
            weights = _one_hot(np.asarray(stair), len(node.values))
            return np.where(np.isnan(below[0])[..., None], np.nan, weights)
        case Table():
            places = tuple((key, float(place)) for place, (key, _) in enumerate(node.entries))
            fallback = None if node.fallback is None else -1.0
            found = Table(node.inputs, places, fallback, node.name).compute([], columns)
            return _one_hot(found.astype(np.intp), len(places))
    raise TypeError(f"no numbers in {type(node).__name__}")


def _one_hot(places: NDArray[np.intp], count: int) -> Floats:
    return np.asarray(places[..., None] == np.arange(count), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Gradient:
    """Values of a law at given rows, and their derivatives in its parameters.

    Parameters
    ----------
    names
        Names of the p parameters, the columns of `derivative`.
    value
        The law's value, in the output's unit; in the shape to which the rows' columns broadcast, such as (n,).
    derivative
        Derivative of the value in each parameter, (n, p).
    """

    names: tuple[str, ...]
    value: Floats
    derivative: Floats


def gradient(formula: BaseFormula, data: Any, only: Iterable[str] | None = None) -> Gradient:
    """Return value and derivative of a formula in its named constants.

    Parameters
    ----------
    formula
        The law.
    data
        Rows, as for :meth:`kanopt.formulas.Formula.evaluate`.
    only
        Names of constants, and of curves, steps and tables, each of whose coefficients gets a column. None for all
        constants that have a name.

    Returns
    -------
    Gradient
        At a kink (of a maximum or an absolute value) the derivative is one-sided. Where it does not exist, as in the
        exponent of a negative base, it is NaN.

    Raises
    ------
    FormulaError
        If a name is unknown, or the data do not fit the formula.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> fuel = parse_formula("a * km ^ b", [Variable("km")], Variable("fuel"), constants={"a": 2.0, "b": 1.0})
    >>> found = gradient(fuel, {"km": [1.0, 10.0]})
    >>> found.names, found.value.tolist(), found.derivative.round(3).tolist()
    (('a', 'b'), [2.0, 20.0], [[1.0, 0.0], [10.0, 46.052]])
    """
    try:
        free = FreeParameters.of(formula.root, only)
        columns = read_columns(formula.inputs, data, formula.used)
        shape = common_shape(columns)
        tape = GraphTape(formula.root, columns, free)
    except FormulaError as error:
        raise FormulaError(f"formula for {formula.output.name!r}: {error}") from error
    value, derivative = computed(formula.root, columns), tape.gradient(free.values)[1]
    return Gradient(
        free.names,
        np.array(np.broadcast_to(value, shape)),
        np.array(np.broadcast_to(derivative, (*shape, free.count))),
    )
