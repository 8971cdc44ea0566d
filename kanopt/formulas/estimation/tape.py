"""Values and derivatives of a law in its constants, by reverse-mode automatic differentiation.

A forward pass computes the value, a backward pass the derivatives in all constants at once (Griewank and Walther 2008,
*Evaluating Derivatives*, ch. 3). Every step is elementwise, so that the derivative of a row depends only on that row.
Steps that depend on no free parameter are computed once, when the tape is built, and so are logarithms of fixed bases.

The search for laws (:mod:`kanopt.surrogates.signomials.program`) has a program of its own: it fits another law every
time, and nodes take several times as long to be built and compiled as its terms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

__all__ = ["Tape"]

Columns = Mapping[str, NDArray[Any]]


class Tape:
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
        self.free = free
        self._shape = common_shape(columns)
        self._values: list[Any] = []
        self._steps: list[_Step] = []
        places: dict[bytes, int] = {}
        moving: set[int] = set()
        with np.errstate(all="ignore"):
            for node in postorder(root):
                own = free.block(node)
                below = [places[child.key] for child in node.children]
                place = places[node.key] = len(self._values)
                if own is None and moving.isdisjoint(below):
                    self._values.append(node.compute([self._values[child] for child in below], columns))
                    continue
                moving.add(place)
                self._values.append(None)
                children = [(child, None if child in moving else self._values[child]) for child in below]
                self._steps.append(_step(node, place, children, own, columns))

    def value(self, theta: Array) -> Array:
        """Return the law's value at `theta`, (p,), in the shape of the rows; NaN where undefined."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(self._forward(theta)[-1], self._shape)

    def gradient(self, theta: Array) -> tuple[Array, Array]:
        """Return values, in the shape of the rows, and derivatives, with an additional axis of length p, at `theta`."""
        with np.errstate(all="ignore"):
            values = self._forward(theta)
            derivative = self._backward(values, theta, np.multiply)
            if not np.isfinite(derivative).all():
                derivative = self._backward(values, theta, _times)
        return np.broadcast_to(values[-1], self._shape), np.moveaxis(derivative, 0, -1)

    def _forward(self, theta: Array) -> list[Any]:
        values = list(self._values)
        for step in self._steps:
            values[step.place] = step.forward(values, theta)
        return values

    def _backward(self, values: list[Any], theta: Array, times: Callable[[Any, Any], Array]) -> Array:
        flows: list[Any] = [None] * len(values)
        flows[-1] = np.ones(())
        derivative = np.zeros((self.free.count, *self._shape))
        run = _Backward(values, theta, flows, derivative, times)
        for step in reversed(self._steps):
            above = flows[step.place]
            if above is not None:
                step.backward(above, run)
        return derivative


def _times(above: Array, partial: Array) -> Array:
    """Return the product of two derivatives, zero if either is zero although the other is infinite."""
    product = above * partial
    if not np.isfinite(product).all():
        product = np.where((above == 0) | (partial == 0), 0.0, product)
    return product


@dataclass(eq=False)
class _Backward:
    """A backward pass: values of all steps, free parameters, and what is known of the derivatives of the law."""

    values: list[Any]
    theta: Array
    flows: list[Any]  # in every step; None for no dependence
    derivative: Array  # in the free parameters, (p, *rows)
    times: Callable[[Any, Any], Array]  # how two derivatives are multiplied

    def hand(self, place: int, part: Array) -> None:
        """Add a part of the derivative in a step."""
        known = self.flows[place]
        self.flows[place] = part if known is None else known + part


Children = Sequence[tuple[int, Any]]  # places of the nodes below, with the value of those that do not move


def _step(node: Node, place: int, children: Children, own: slice | None, columns: Columns) -> _Step:
    match node:
        case Sum() | Product():
            still = [value for _, value in children if value is not None]
            fixed = node.compute(still, columns) if still else None
            kind = _Terms if isinstance(node, Sum) else _Factors
            return kind(place, [child for child, value in children if value is None], fixed)
        case Power():
            return _Raised(place, *children)
        case Apply():
            return _Applied(place, node, children[0][0])
        case Maximum() | Minimum():
            return _Extreme(place, node, children)
    assert own is not None or isinstance(node, Curve | Step)
    if isinstance(node, Constant):
        return _Number(place, own.start if own else 0)
    return _Piece(place, node, children, own, columns)


@dataclass(eq=False)
class _Step(ABC):
    """A step that depends on a free parameter, and the place of its value."""

    place: int

    @abstractmethod
    def forward(self, values: list[Any], theta: Array) -> Array:
        """Return the value, given those of the steps before."""

    @abstractmethod
    def backward(self, above: Array, run: _Backward) -> None:
        """Hand on the derivative of the law in the value."""


@dataclass(eq=False)
class _Number(_Step):
    """A free constant."""

    number: int

    def forward(self, values: list[Any], theta: Array) -> Array:
        return np.asarray(theta[self.number])

    def backward(self, above: Array, run: _Backward) -> None:
        run.derivative[self.number] += above


@dataclass(eq=False)
class _Terms(_Step):
    """A sum; `fixed` are the terms that do not move."""

    moving: list[int]
    fixed: Any

    def forward(self, values: list[Any], theta: Array) -> Array:
        first, *others = self.moving
        total = values[first] if self.fixed is None else self.fixed + values[first]
        for child in others:
            total = total + values[child]
        return np.asarray(total)

    def backward(self, above: Array, run: _Backward) -> None:
        for child in self.moving:
            run.hand(child, above)


@dataclass(eq=False)
class _Factors(_Step):
    """A product; `fixed` are the factors that do not move."""

    moving: list[int]
    fixed: Any

    def forward(self, values: list[Any], theta: Array) -> Array:
        first, *others = self.moving
        product = values[first] if self.fixed is None else self.fixed * values[first]
        for child in others:
            product = product * values[child]
        return np.asarray(product)

    def backward(self, above: Array, run: _Backward) -> None:
        if self.fixed is not None:
            above = run.times(above, self.fixed)
        for number, child in enumerate(self.moving):
            part = above
            for other, factor in enumerate(self.moving):
                if other != number:
                    part = run.times(part, run.values[factor])
            run.hand(child, part)


class _Raised(_Step):
    """A base to an exponent."""

    def __init__(self, place: int, base: tuple[int, Any], exponent: tuple[int, Any]) -> None:
        super().__init__(place)
        (self.base, still), (self.exponent, fixed) = base, exponent
        self.moves = still is None, fixed is None
        self.log = np.log(still) if still is not None and np.all(still > 0.0) else None
        """Logarithm of a base that does not move."""

    def forward(self, values: list[Any], theta: Array) -> Array:
        exponent = values[self.exponent]
        if self.log is not None:
            return np.asarray(np.exp(exponent * self.log))
        return np.asarray(_raised(values[self.base], exponent))

    def backward(self, above: Array, run: _Backward) -> None:
        base, exponent, value = (run.values[place] for place in (self.base, self.exponent, self.place))
        if self.moves[0]:
            run.hand(self.base, run.times(above, exponent * _raised(base, exponent - 1.0)))
        if self.moves[1]:
            if self.log is not None:
                slope = value * self.log
            else:  # 0 to a positive power stays 0 whatever the power
                slope = np.where((base == 0) & (exponent > 0), 0.0, value * np.log(base))
            run.hand(self.exponent, run.times(above, slope))


def _raised(base: Any, exponent: Any) -> Any:
    # a Python number lets numpy take its short cuts for 2, 0.5 and -1
    return base ** (float(exponent) if np.ndim(exponent) == 0 else exponent)


class _Applied(_Step):
    """A function of one variable."""

    def __init__(self, place: int, node: Apply, argument: int) -> None:
        super().__init__(place)
        self.function, self.argument = function_named(node.function), argument

    def forward(self, values: list[Any], theta: Array) -> Array:
        return np.asarray(self.function.value(values[self.argument]))

    def backward(self, above: Array, run: _Backward) -> None:
        if self.function.name == "exp":
            slope = run.values[self.place]
        else:
            slope = self.function.derivative(run.values[self.argument])
        run.hand(self.argument, run.times(above, slope))


@dataclass(eq=False)
class _Extreme(_Step):
    """The largest or the smallest of its parts."""

    node: Node
    children: Children

    def forward(self, values: list[Any], theta: Array) -> Array:
        return self.node.compute([values[child] for child, _ in self.children], {})

    def backward(self, above: Array, run: _Backward) -> None:
        """Hand on to the first part that is the extreme."""
        left = np.asarray(True)
        for child, fixed in self.children:
            attains = left & (run.values[child] == run.values[self.place])
            left = left & ~attains
            if fixed is None:
                run.hand(child, run.times(above, attains.astype(np.float64)))


class _Piece(_Step):
    """A curve, a step function or a table, whose numbers are free (`own`), or whose argument moves."""

    def __init__(
        self, place: int, node: Node, children: Children, own: slice | None, columns: Columns
    ) -> None:
        super().__init__(place)
        self.node, self.own, self.columns = node, own, columns
        self.argument = next((child for child, fixed in children if fixed is None), None)
        still = [fixed for _, fixed in children]
        self.known = _weights(node, still, columns) if self.argument is None else np.zeros(0)

    def weights(self, values: list[Any]) -> Array:
        """Return what its numbers are multiplied by in every row, along the last axis."""
        if self.argument is None:
            return self.known
        return _weights(self.node, [values[self.argument]], self.columns)

    def forward(self, values: list[Any], theta: Array) -> Array:
        if self.own is None:
            return self.node.compute([values[self.argument or 0]], self.columns)
        weights = self.weights(values)
        value: Array = weights @ theta[self.own]
        if isinstance(self.node, Table) and self.node.fallback is not None:
            value = value + self.node.fallback * (1.0 - weights.sum(axis=-1))
        return value

    def backward(self, above: Array, run: _Backward) -> None:
        if self.own is not None:
            weights = self.weights(run.values)
            part = run.times(np.asarray(above)[..., None], weights)
            shape = *run.derivative.shape[1:], weights.shape[-1]
            run.derivative[self.own] += np.moveaxis(np.broadcast_to(part, shape), -1, 0)
        if self.argument is not None and isinstance(self.node, Curve):  # a staircase is flat
            grid = self.node.grid
            powers = self.node.powers if self.own is None else grid.powers(run.theta[self.own])
            run.hand(self.argument, run.times(above, grid.slopes(run.values[self.argument], powers)))


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
