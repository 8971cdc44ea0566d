"""Values and derivatives of a law in its constants, by reverse-mode automatic differentiation.

A forward pass computes the value, a backward pass the derivatives in all constants at once (Griewank and Walther 2008,
*Evaluating Derivatives*, ch. 3). Every step is elementwise, so that the derivative of a row depends only on that row.
Steps that depend on no free parameter are computed once, when the tape is built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.columns import common_shape, read_columns
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
from kanopt.formulas.pieces import Curve, Step, Table, gap_inputs

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Gradient", "Tape", "gradient"]

Columns = Mapping[str, NDArray[Any]]


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
    value: Array
    derivative: Array


def gradient(formula: Formula, data: Any, only: Iterable[str] | None = None) -> Gradient:
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
        columns = read_columns(formula.inputs, data, formula.used, gap_inputs(formula.root))
        shape = common_shape(columns)
        tape = Tape(formula.root, columns, free)
    except FormulaError as error:
        raise FormulaError(f"formula for {formula.output.name!r}: {error}") from error
    value, derivative = tape.gradient(free.values)
    return Gradient(
        free.names,
        np.array(np.broadcast_to(value, shape)),
        np.array(np.broadcast_to(derivative, (*shape, free.count))),
    )


@dataclass(frozen=True, eq=False)
class _ActiveStep:
    """A step that depends on a free parameter: the node, its index and those of its children, its own parameters."""

    node: Node
    place: int
    children: tuple[int, ...]
    own_numbers: slice | None
    weights: Array | None  # of its own numbers, where its argument is fixed


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
        order = postorder(root)
        place_of = {node.key: place for place, node in enumerate(order)}
        self.free = free
        self._columns = columns
        self._shape = common_shape(columns)
        self._values: list[Any] = []
        self._steps: list[_ActiveStep] = []
        moves: list[bool] = []
        with np.errstate(all="ignore"):
            for place, node in enumerate(order):
                children = tuple(place_of[child.key] for child in node.children)
                own = free.block(node)
                moves.append(own is not None or any(moves[child] for child in children))
                below = [self._values[child] for child in children]
                if not moves[place]:
                    self._values.append(node.compute(below, columns))
                    continue
                self._values.append(None)
                fixed = own is not None and not any(moves[child] for child in children)
                weights = _weights(node, below, columns) if fixed else None
                self._steps.append(_ActiveStep(node, place, children, own, weights))
        self._moves = moves

    def value(self, theta: Array) -> Array:
        """Return the law's value at `theta`, (p,), in the shape of the rows; NaN where undefined."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(self._forward(theta)[-1], self._shape)

    def gradient(self, theta: Array) -> tuple[Array, Array]:
        """Return values, in the shape of the rows, and derivatives, with an additional axis of length p, at `theta`."""
        with np.errstate(all="ignore"):
            values = self._forward(theta)
            derivative = self._backward(values, theta)
        return np.broadcast_to(values[-1], self._shape), derivative

    def _forward(self, theta: Array) -> list[Any]:
        values = list(self._values)
        for step in self._steps:
            below = [values[child] for child in step.children]
            if step.own_numbers is not None:
                values[step.place] = self._own_value(step, below, theta)
            elif isinstance(step.node, Power):
                base, exponent = below
                # a Python number lets numpy take its short cuts for 2, 0.5 and -1
                values[step.place] = base ** (float(exponent) if exponent.ndim == 0 else exponent)
            else:
                values[step.place] = step.node.compute(below, self._columns)
        return values

    def _own_value(self, step: _ActiveStep, below: list[Array], theta: Array) -> Array:
        assert step.own_numbers is not None
        if isinstance(step.node, Constant):
            return np.asarray(theta[step.own_numbers.start])
        weights = self._own_weights(step, below)
        value: Array = weights @ theta[step.own_numbers]
        if isinstance(step.node, Table) and step.node.fallback is not None:
            value = value + step.node.fallback * (1.0 - weights.sum(axis=-1))
        return value

    def _own_weights(self, step: _ActiveStep, below: list[Array]) -> Array:
        weights = _weights(step.node, below, self._columns) if step.weights is None else step.weights
        assert weights is not None
        return weights

    def _backward(self, values: list[Any], theta: Array) -> Array:
        derivative = np.zeros((self.free.count, *self._shape))
        sensitivity: dict[int, Array] = {len(values) - 1: np.ones(())}
        for step in reversed(self._steps):
            above = sensitivity.pop(step.place, None)
            if above is None:
                continue
            below = [values[child] for child in step.children]
            if step.own_numbers is not None:
                self._add_own(derivative, step, below, above)
            wanted = [self._moves[child] for child in step.children]
            if not any(wanted):
                continue
            partials = _partials(step, wanted, below, values[step.place], theta)
            for child, partial in zip(step.children, partials, strict=True):
                if partial is not None:
                    part = _times(above, partial)
                    known = sensitivity.get(child)
                    sensitivity[child] = part if known is None else known + part
        return np.moveaxis(derivative, 0, -1)

    def _add_own(self, derivative: Array, step: _ActiveStep, below: list[Array], above: Array) -> None:
        assert step.own_numbers is not None
        if isinstance(step.node, Constant):
            derivative[step.own_numbers.start] += above
            return
        weights = self._own_weights(step, below)
        part = np.broadcast_to(_times(above[..., None], weights), (*self._shape, weights.shape[-1]))
        derivative[step.own_numbers] += np.moveaxis(part, -1, 0)


def _times(above: Array, partial: Array) -> Array:
    """Return the product of two derivatives, zero if either is zero although the other is infinite."""
    product = above * partial
    if not np.isfinite(product).all():
        product = np.where((above == 0) | (partial == 0), 0.0, product)
    return product


def _partials(
    step: _ActiveStep, wanted: list[bool], below: list[Array], value: Array, theta: Array
) -> list[Array | None]:
    """Return the derivative of a step in each wanted child; None for the others, and for zero derivatives."""
    node = step.node
    match node:
        case Sum():
            return [np.ones(()) if want else None for want in wanted]
        case Product():
            return [_others(below, place) if want else None for place, want in enumerate(wanted)]
        case Maximum() | Minimum():
            return _of_extreme(wanted, below, value)
        case Power():
            return _of_power(wanted, below, value)
        case Apply():
            return [np.asarray(function_named(node.function).derivative(below[0]))]
        case Curve():
            numbers = np.asarray(node.coefficients) if step.own_numbers is None else theta[step.own_numbers]
            return [node.grid.slopes(below[0], node.grid.powers(numbers))]
    return [None for _ in wanted]  # a staircase is flat


def _others(factors: list[Array], place: int) -> Array:
    product = np.ones(())
    for other, factor in enumerate(factors):
        if other != place:
            product = product * factor
    return product


def _of_extreme(wanted: list[bool], below: list[Array], value: Array) -> list[Array | None]:
    """Return derivative 1 for the first part that attains the extremum, 0 for the others."""
    partials: list[Array | None] = []
    left = np.asarray(True)
    for part, want in zip(below, wanted, strict=True):
        attains = left & (part == value)
        partials.append(attains.astype(np.float64) if want else None)
        left = left & ~attains
    return partials


def _of_power(wanted: list[bool], below: list[Array], value: Array) -> list[Array | None]:
    base, exponent = below
    in_base = in_exponent = None
    if wanted[0]:
        power = exponent - 1.0
        in_base = exponent * base ** (float(power) if power.ndim == 0 else power)
    if wanted[1]:
        # 0 to a positive power stays 0 whatever the power
        in_exponent = np.where((base == 0) & (exponent > 0), 0.0, value * np.log(base))
    return [in_base, in_exponent]


def _weights(node: Node, below: list[Array], columns: Columns) -> Array | None:
    """Return the basis functions of a piece's coefficients at each row, along the last axis; None for a constant."""
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
    return None


def _one_hot(places: NDArray[np.intp], count: int) -> Array:
    return np.asarray(places[..., None] == np.arange(count), dtype=np.float64)
