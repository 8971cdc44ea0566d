"""A graph of nodes as a tape, for values and derivatives of a law in its constants.

Steps that are used several times are computed once; what does not depend on a free parameter is computed when the tape
is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.columns import common_shape
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import (
    Apply,
    Array,
    Constant,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
)
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.tape import Applied, Backward, Extreme, LookedUp, Monomial, Number, Tape, Total
from kanopt.formulas.tape import Step as TapeStep

__all__ = ["GraphTape"]

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

    def value(self, theta: Array) -> Array:
        """Return the law's value at `theta`, (p,), in the shape of the rows; NaN where undefined."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.forward(theta), self.shape)

    def gradient(self, theta: Array) -> tuple[Array, Array]:
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
    """Adds the steps of a graph to a tape."""

    def __init__(self, tape: Tape, root: Node, columns: Columns, free: FreeParameters) -> None:
        self.tape, self.root, self.columns, self.free = tape, root, columns, free
        self.order = order = postorder(root)
        self.uses = Counter(child.key for node in order for child in node.children)
        self.fixed: dict[bytes, Array] = {}
        self.numbers = Counter[int]()
        """How often every free constant is read."""
        for node in order:
            own = free.block(node)
            if own is not None and isinstance(node, Constant):
                self.numbers[own.start] += max(self.uses[node.key], 1)
            elif own is None and all(child.key in self.fixed for child in node.children):
                self.fixed[node.key] = node.compute([self.fixed[c.key] for c in node.children], columns)
        self.places: dict[bytes, int] = {}

    def compile(self) -> None:
        for node in self.order:
            if node.depth % _SHALLOW == 0 and node.key not in self.fixed:
                self.place(node)
        self.place(self.root)

    def place(self, node: Node) -> int:
        """Return the place of a node's value; its steps are added where they are not there yet."""
        if node.key not in self.places:
            known = self.fixed.get(node.key)
            self.places[node.key] = self.tape.add(self.step(node)) if known is None else self.tape.keep(known)
        return self.places[node.key]

    def step(self, node: Node) -> TapeStep:
        own = self.free.block(node)
        match node:
            case Constant():
                assert own is not None
                return Number(own.start)
            case Sum():
                return Total([self.place(term) for term in self.moving(node)], self.still(node))
            case Product():
                return self.product(node)
            case Power() | Apply() if (exponent := self.exponent(node)) is not None:
                return Monomial(1.0, None, [exponent], [])
            case Power(base=base, exponent=power):
                moves = base.key not in self.fixed, power.key not in self.fixed
                return _Raised(self.place(base), self.place(power), moves)
            case Apply(function=function, argument=argument):
                return Applied(function_named(function), self.place(argument))
            case Maximum() | Minimum():
                choose = np.maximum if isinstance(node, Maximum) else np.minimum
                moving = [child.key not in self.fixed for child in node.children]
                return Extreme(choose, [self.place(part) for part in node.children], moving)
            case Curve() | Step() if node.argument.key not in self.fixed:
                return _OfMoving(node, self.place(node.argument), own, self.tape.shape)
        assert own is not None
        weights = _weights(node, [self.fixed[child.key] for child in node.children], self.columns)
        fallback = node.fallback if isinstance(node, Table) else None
        held = 0.0 if fallback is None else fallback * (1.0 - weights.sum(axis=-1))
        return LookedUp(own, np.ascontiguousarray(_by_number(weights, self.tape.shape)), held)

    def moving(self, node: Node) -> list[Node]:
        return [child for child in node.children if child.key not in self.fixed]

    def still(self, node: Node) -> Array | None:
        """Return the sum or product of the parts that do not move; None where there are none."""
        values = [self.fixed[child.key] for child in node.children if child.key in self.fixed]
        return node.compute(values, self.columns) if values else None

    def product(self, node: Product) -> Monomial:
        coefficient: int | None = None
        exponents: list[tuple[int, Array]] = []
        others: list[int] = []
        for factor in self.moving(node):
            number = self.alone(factor)
            own_step = self.uses[factor.key] > 1 or factor.key in self.places
            exponent = None if own_step else self.exponent(factor)
            if number is not None and coefficient is None:
                coefficient = number
            elif exponent is not None:
                exponents.append(exponent)
            else:
                others.append(self.place(factor))
        return Monomial(1.0 if coefficient is None else coefficient, self.still(node), exponents, others)

    def alone(self, node: Node) -> int | None:
        """Return the number of a free constant that nothing else reads; None for anything else."""
        own = self.free.block(node) if isinstance(node, Constant) else None
        return own.start if own is not None and self.numbers[own.start] == 1 else None

    def exponent(self, node: Node) -> tuple[int, Array] | None:
        """Return a free constant and what it multiplies in the exponential that a node is; None where it is none."""
        match node:
            case Power(base=base, exponent=power) if (number := self.alone(power)) is not None:
                known = self.fixed.get(base.key)
                return None if known is None or not np.all(known > 0.0) else (number, np.log(known))
            case Apply(function="exp", argument=Product() as argument) if self.uses[argument.key] == 1:
                moving, known = self.moving(argument), self.still(argument)
                number = self.alone(moving[0]) if len(moving) == 1 else None
                return None if number is None or known is None else (number, known)
        return None


class _Raised(TapeStep):
    """A base to an exponent, with whether they move."""

    def __init__(self, base: int, exponent: int, moves: tuple[bool, bool]) -> None:
        self.base, self.exponent, self.moves = base, exponent, moves

    def forward(self, values: list[Any], theta: Array) -> Any:
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

    def forward(self, values: list[Any], theta: Array) -> Any:
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


def _by_number(weights: Array, shape: tuple[int, ...]) -> Array:
    """Return weights (…, m) of rows as (m, *rows)."""
    return np.moveaxis(np.broadcast_to(weights, (*shape, weights.shape[-1])), -1, 0)


def _weights(node: Node, below: list[Array], columns: Columns) -> Array:
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


def _one_hot(places: NDArray[np.intp], count: int) -> Array:
    return np.asarray(places[..., None] == np.arange(count), dtype=np.float64)
