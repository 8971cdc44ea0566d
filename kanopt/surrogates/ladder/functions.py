"""What a column, or two together, can be in a law that is a sum: functions that are linear in their numbers.

A curve is a smoothing spline, a table has one number per category. Lines, logarithms, parabolas and waves are what a
curve may turn out to be. A product of two functions is linear in the numbers of one while the other is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas import Apply, Constant, Curve, Input, Node, Power, Product, Sum, Table
from kanopt.formulas.nodes import count_operators
from kanopt.formulas.pieces import CURVE
from kanopt.formulas.simplify import simplify_graph
from kanopt.splines import SplineGrid
from kanopt.surrogates.encoding import Feature

SPANS = 20
"""Spans of a curve; roughness is weighted, so that more of them change little."""
SPARSE = 0.01
"""Share of the rows at either end among which a curve is straight: few rows are no reason for a bend."""
NARROWEST = 1e-9
"""Range of a column, in the size of its values, within which a curve would be of rounding."""
FAR = 5.0
"""Distance of a column's values from zero, in their range, from which on its origin is moved: years, not kilometres."""
RECIPROCAL = "reciprocal"
TURN = 2.0 * np.pi


@dataclass(frozen=True, eq=False)
class Component:
    """One function of a column, linear in its numbers.

    Parameters
    ----------
    columns
        Places of the columns, one or two.
    kind
        What it is called: "linear", "log", "quadratic", "sine", "curve" or the like; "table" for a category,
        "product" for two columns.
    basis
        What each number is multiplied by, (n, k).
    write
        The function as a node, given its numbers.
    operators
        How many operators a reader sees.
    penalty
        Roughness, (k, k); None where it has none.
    straight
        How many directions the roughness does not weigh.
    spent
        Effective number of parameters of the factor of a product that is held.
    """

    columns: tuple[int, ...]
    kind: str
    basis: Floats
    write: Callable[[Floats], Node]
    operators: int
    penalty: Floats | None = None
    straight: int = 0
    spent: float = 0.0

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(self.basis.shape[1])


def functions_of(feature: Feature, column: int, encoded: Floats, *, log_target: bool) -> list[Component]:
    """Return what a column may be in the law, the one that can be any of the others first.

    Parameters
    ----------
    feature, column
        The column and its place.
    encoded
        Its rows, as the network reads them, (n,).
    log_target
        Whether the sum is the logarithm of the target, so that a line is an exponential.
    """
    if feature.kind == "category":
        return [_table(feature, column, encoded)]
    x = feature.decode(encoded)
    if feature.kind == "cycle":
        return [_curve(feature, column, x, SPANS), _wave(feature, column, x)]
    line = _line(feature, column, x, "exp" if log_target else "linear")
    distinct = len(np.unique(x))
    if distinct <= 2:
        return [line]
    low, high = float(x.min()), float(x.max())
    if not high - low > NARROWEST * max(abs(low), abs(high)):
        return [line]
    found = [_curve(feature, column, x, min(SPANS, distinct - 1)), line]
    if x.min() > 0.0 and not _origin(float(x.min()), float(x.max())):
        found.append(_logarithm(feature, column, x, "power" if log_target else "log"))
    found.append(_parabola(feature, column, x, "gaussian" if log_target else "quadratic"))
    return found


def most_flexible(feature: Feature, column: int, encoded: Floats, spans: int) -> Component:
    """Return a function of a column that can be any other, in so many spans."""
    if feature.kind == "category":
        return _table(feature, column, encoded)
    return _curve(feature, column, feature.decode(encoded), spans)


def product_of(free: Component, held: Component, numbers: Floats, spent: float) -> Component:
    """Return the product of two functions, linear in the numbers of the one that is free.

    Parameters
    ----------
    free, held
        The functions.
    numbers
        Of the one that is held, (k,).
    spent
        Effective number of parameters of that one.
    """
    beside = held.write(numbers)

    def write(own: Floats) -> Node:
        return Product((free.write(own), beside))

    basis = free.basis * (held.basis @ numbers)[:, None]
    operators = count_operators(simplify_graph(write(np.full(free.size, 2.0))))
    columns = (*free.columns, *held.columns)
    return Component(columns, "product", basis, write, operators, free.penalty, free.straight, spent)


def reciprocal(name: str, column: int, x: Floats) -> Component:
    """Return a number divided by a column."""

    def write(numbers: Floats) -> Node:
        return Product((Constant(float(numbers[0])), Power(Input(name), Constant(-1.0))))

    return Component((column,), RECIPROCAL, (1.0 / x)[:, None], write, 1)


def _curve(feature: Feature, column: int, x: Floats, spans: int) -> Component:
    argument: Node = Input(feature.name)
    goes_round = feature.kind == "cycle"
    if feature.log:
        argument, x = Apply("log", argument), np.log(x)
    low, high = np.quantile(x, (SPARSE, 1.0 - SPARSE), method="inverted_cdf").tolist()
    if not high - low > 0.5 * float(np.ptp(x)) / spans:
        low, high = float(x.min()), float(x.max())
    if not high > low:
        high = low + max(abs(low), 1.0)
    if goes_round:
        low, high = 0.0, feature.scale
    grid = SplineGrid(low, high, spans, goes_round)

    def write(numbers: Floats) -> Node:
        return Curve("s", argument, tuple(numbers.tolist()), low, high, periodic=goes_round)

    penalty = grid.bends.T @ grid.bends
    straight = 1 if goes_round else 2
    return Component((column,), "curve", grid.basis(x), write, CURVE, penalty, straight)


def _table(feature: Feature, column: int, encoded: Floats) -> Component:
    codes = encoded.astype(np.int64)
    labels = [str(label) for label in feature.categories]

    def write(numbers: Floats) -> Node:
        return Table.of(dict(zip(labels, numbers.tolist(), strict=True)), feature.name, name="by")

    basis = np.asarray(codes[:, None] == np.arange(len(labels)), dtype=np.float64)
    return Component((column,), "table", basis, write, 1, np.eye(len(labels)))


def _line(feature: Feature, column: int, x: Floats, kind: str) -> Component:
    origin = _origin(float(x.min()), float(x.max()))

    def write(numbers: Floats) -> Node:
        return Product((Constant(float(numbers[0])), _from(Input(feature.name), origin)))

    return Component((column,), kind, (x - origin)[:, None], write, 1 + bool(origin))


def _logarithm(feature: Feature, column: int, x: Floats, kind: str) -> Component:
    def write(numbers: Floats) -> Node:
        return Product((Constant(float(numbers[0])), Apply("log", Input(feature.name))))

    return Component((column,), kind, np.log(x)[:, None], write, 2 if kind == "log" else 1)


def _parabola(feature: Feature, column: int, x: Floats, kind: str) -> Component:
    origin = _origin(float(x.min()), float(x.max()))

    def write(numbers: Floats) -> Node:
        z = _from(Input(feature.name), origin)
        slope, bend = numbers.tolist()
        return Sum((Product((Constant(slope), z)), Product((Constant(bend), Power(z, Constant(2.0))))))

    z = x - origin
    return Component((column,), kind, np.column_stack([z, z * z]), write, 4 + 2 * bool(origin))


def _wave(feature: Feature, column: int, x: Floats) -> Component:
    frequency = TURN / feature.scale

    def write(numbers: Floats) -> Node:
        since = float(np.mod(-np.arctan2(numbers[1], numbers[0]), TURN)) / frequency
        wave = Apply("sin", Product((Constant(frequency), _from(Input(feature.name), since))))
        return Product((Constant(float(np.hypot(*numbers))), wave))

    turned = frequency * x
    return Component((column,), "sine", np.column_stack([np.sin(turned), np.cos(turned)]), write, 4)


def _from(node: Node, origin: float) -> Node:
    return Sum((node, Constant(-origin))) if origin else node


def _origin(low: float, high: float) -> float:
    """Return a round number amid values that are far from zero; 0 where they are not."""
    width = high - low
    if not width > 0.0 or low * high < 0.0 or min(abs(low), abs(high)) < FAR * width:
        return 0.0
    unit = 10.0 ** np.floor(np.log10(width))
    return float(unit * np.round(0.5 * (low + high) / unit))
