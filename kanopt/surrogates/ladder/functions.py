"""What a column, or two together, can be in a law that is a sum: functions that are linear in their numbers.

A curve is a smoothing spline, a table has one number per category, a surface is a function of two columns: a table of
both categories, a curve for every category, or products of curves. Lines, logarithms, parabolas and waves are what a
curve may turn out to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Curve, Input, Node, Power, Product, Sum, Table
from kanopt.formulas.curves import CURVE
from kanopt.splines import SplineGrid
from kanopt.surrogates.encoding import Feature

__all__ = ["Function", "functions_of", "surface_of"]

Array = NDArray[np.float64]

SPANS, SPANS_OF_SURFACE = 20, 8
"""Spans of a curve, and of a surface along each column; roughness is weighted, so that more of them change little."""
NARROWEST = 1e-9
"""Range of a column, in the size of its values, within which a curve would be of rounding."""
FAR = 5.0
"""Distance of a column's values from zero, in their range, from which on its origin is moved: years, not kilometres."""
TURN = 2.0 * np.pi
TERMS = 3
"""Products of which a surface is a sum at most."""
DRAWN = 1e-2
"""Share of the roughness by which the numbers of a surface are drawn to zero, where it would be what curves are."""


@dataclass(frozen=True, eq=False)
class Function:
    """One function of a column, linear in its numbers.

    Parameters
    ----------
    columns
        Places of the columns, one or two.
    kind
        What it is called in a formula, of :data:`kanopt.formulas.operators.OPERATORS`; "table" for a category,
        "surface" for two columns.
    basis
        What each number is multiplied by, (n, k).
    write
        The function as a node, given its numbers.
    operators
        How many operators a reader sees.
    penalty
        Roughness, (k, k); None where it has none.
    narrowed
        Of a surface, makes of any numbers those that can be written in so few operators.
    fewer
        Of a surface, returns the one with a product less; None where there is none.
    straight
        How many directions the roughness does not weigh.
    """

    columns: tuple[int, ...]
    kind: str
    basis: Array
    write: Callable[[Array], Node]
    operators: int
    penalty: Array | None = None
    narrowed: Callable[[Array], Array] | None = None
    fewer: Callable[[], Function | None] | None = None
    straight: int = 0

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(self.basis.shape[1])


def functions_of(feature: Feature, column: int, encoded: Array, *, log_target: bool) -> list[Function]:
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
        return [_cycle(feature, column, x), _wave(feature, column, x)]
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


def _curve(feature: Feature, column: int, x: Array, spans: int = SPANS) -> Function:
    argument: Node = Input(feature.name)
    if feature.log:
        argument, x = Apply("log", argument), np.log(x)
    low, high = float(x.min()), float(x.max())
    if not high > low:
        high = low + max(abs(low), 1.0)
    grid = SplineGrid(low, high, spans)

    def write(numbers: Array) -> Node:
        return Curve("s", argument, tuple(numbers.tolist()), low, high)

    bend = np.diff(np.eye(grid.count), 2, axis=0)
    return Function((column,), "curve", grid.basis(x), write, CURVE, bend.T @ bend, straight=2)


def _cycle(feature: Feature, column: int, x: Array, spans: int = SPANS) -> Function:
    grid = SplineGrid(0.0, feature.scale, spans, periodic=True)

    def write(numbers: Array) -> Node:
        return Curve("s", Input(feature.name), tuple(numbers.tolist()), 0.0, feature.scale, periodic=True)

    turn = np.eye(grid.count)
    bend = np.roll(turn, 1, axis=1) - 2.0 * turn + np.roll(turn, -1, axis=1)
    return Function((column,), "curve", grid.basis(x), write, CURVE, bend.T @ bend, straight=1)


def _table(feature: Feature, column: int, encoded: Array) -> Function:
    codes = encoded.astype(np.int64)
    labels = [str(label) for label in feature.categories]

    def write(numbers: Array) -> Node:
        return Table.of(dict(zip(labels, numbers.tolist(), strict=True)), feature.name, name="by")

    basis = np.asarray(codes[:, None] == np.arange(len(labels)), dtype=np.float64)
    return Function((column,), "table", basis, write, 1, np.eye(len(labels)))


def _line(feature: Feature, column: int, x: Array, kind: str) -> Function:
    origin = _origin(float(x.min()), float(x.max()))

    def write(numbers: Array) -> Node:
        return Product((Constant(float(numbers[0])), _from(Input(feature.name), origin)))

    return Function((column,), kind, (x - origin)[:, None], write, 1 + bool(origin))


def _logarithm(feature: Feature, column: int, x: Array, kind: str) -> Function:
    def write(numbers: Array) -> Node:
        return Product((Constant(float(numbers[0])), Apply("log", Input(feature.name))))

    return Function((column,), kind, np.log(x)[:, None], write, 2 if kind == "log" else 1)


def _parabola(feature: Feature, column: int, x: Array, kind: str) -> Function:
    origin = _origin(float(x.min()), float(x.max()))

    def write(numbers: Array) -> Node:
        z = _from(Input(feature.name), origin)
        slope, bend = numbers.tolist()
        return Sum((Product((Constant(slope), z)), Product((Constant(bend), Power(z, Constant(2.0))))))

    z = x - origin
    return Function((column,), kind, np.column_stack([z, z * z]), write, 4 + 2 * bool(origin))


def _wave(feature: Feature, column: int, x: Array) -> Function:
    frequency = TURN / feature.scale

    def write(numbers: Array) -> Node:
        since = float(np.mod(-np.arctan2(numbers[1], numbers[0]), TURN)) / frequency
        wave = Apply("sin", Product((Constant(frequency), _from(Input(feature.name), since))))
        return Product((Constant(float(np.hypot(*numbers))), wave))

    turned = frequency * x
    return Function((column,), "sine", np.column_stack([np.sin(turned), np.cos(turned)]), write, 4)


def _from(node: Node, origin: float) -> Node:
    return Sum((node, Constant(-origin))) if origin else node


def _origin(low: float, high: float) -> float:
    """Return a round number amid values that are far from zero; 0 where they are not."""
    width = high - low
    if not width > 0.0 or low * high < 0.0 or min(abs(low), abs(high)) < FAR * width:
        return 0.0
    unit = 10.0 ** np.floor(np.log10(width))
    return float(unit * np.round(0.5 * (low + high) / unit))


@dataclass(frozen=True, eq=False)
class _Side:
    """A column as one side of a surface: basis functions that are zero on average, and a function as a node."""

    basis: Array
    write: Callable[[Array], Node]
    penalty: Array
    operators: int


def _side(feature: Feature, encoded: Array) -> _Side:
    if feature.kind == "category":
        own, operators = _table(feature, 0, encoded), 1
    else:
        x, operators = feature.decode(encoded), CURVE
        spans = SPANS_OF_SURFACE
        own = _cycle(feature, 0, x, SPANS) if feature.kind == "cycle" else _curve(feature, 0, x, spans)
    assert own.penalty is not None
    means = own.basis.mean(axis=0)
    # the basis functions of a curve, or table, add up to one
    return _Side(
        own.basis - means, lambda numbers: own.write(numbers - float(means @ numbers)), own.penalty, operators
    )


def surface_of(
    features: tuple[Feature, Feature], columns: tuple[int, int], encoded: tuple[Array, Array]
) -> Function:
    """Return a function of two columns, a sum of products of functions of one each, beside functions of either alone.

    Parameters
    ----------
    features, columns, encoded
        The columns, their places, and their rows as the network reads them, (n,) each.
    """
    sides = [_side(feature, rows) for feature, rows in zip(features, encoded, strict=True)]
    basis = np.einsum("ni,nj->nij", sides[0].basis, sides[1].basis).reshape(len(encoded[0]), -1)
    eyes = [np.eye(side.basis.shape[1]) for side in sides]
    bent = np.kron(sides[0].penalty, eyes[1]) + np.kron(eyes[0], sides[1].penalty)
    drawn = bent + DRAWN * np.eye(len(bent)) * float(np.trace(bent)) / len(bent)
    return _surface(columns, (sides[0], sides[1]), basis, drawn, TERMS)


def _surface(
    columns: tuple[int, int], sides: tuple[_Side, _Side], basis: Array, penalty: Array, terms: int
) -> Function:
    shape = sides[0].basis.shape[1], sides[1].basis.shape[1]

    def narrowed(numbers: Array) -> Array:
        left, size, right = np.linalg.svd(numbers.reshape(shape), full_matrices=False)
        return np.asarray((left[:, :terms] * size[:terms]) @ right[:terms]).ravel()

    def write(numbers: Array) -> Node:
        left, size, right = np.linalg.svd(numbers.reshape(shape), full_matrices=False)
        kept = [k for k in range(min(terms, len(size))) if size[k] > 1e-9 * max(size[0], 1e-300)]
        root = np.sqrt(size)
        products = [
            Product((sides[0].write(left[:, k] * root[k]), sides[1].write(right[k] * root[k]))) for k in kept
        ]
        return Sum(tuple(products)) if products else Constant(0.0)

    def fewer() -> Function | None:
        return _surface(columns, sides, basis, penalty, terms - 1) if terms > 1 else None

    operators = terms * (sides[0].operators + sides[1].operators + 2) - 1
    return Function(columns, "surface", basis, write, operators, penalty, narrowed, fewer)
