"""What constants differ by: classes of rows, or a number with which they change smoothly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.nodes import Array
from kanopt.formulas.pieces import Curve

Integers = NDArray[np.intp]
Columns = tuple[str, ...]

LEVELS = "csu"
"""First letters of constants of which classes are factors: levels, steps of brackets, and ones that only classes move.

Others are exponents (p), what is added (a), and places of bends (b).
"""


@dataclass(frozen=True, eq=False)
class Classes:
    """What a constant differs by.

    Parameters
    ----------
    name
        The constant.
    columns
        The columns whose combinations are the classes.
    codes, labels
        The class of every row, (n,), and what each class is called.
    factor
        Whether a class multiplies the constant and does not add to it.
    """

    name: str
    columns: tuple[str, ...]
    codes: Integers
    labels: tuple[tuple[str, ...], ...]
    factor: bool

    @property
    def size(self) -> int:
        """How many classes there are."""
        return len(self.labels)

    @property
    def pulled(self) -> NDArray[np.bool_]:
        """Which deviations are drawn together: all."""
        return np.ones(self.size, dtype=bool)

    def spread(self, deviations: Array) -> Array:
        """Return what every row deviates by, (n,)."""
        return np.asarray(deviations[self.codes])

    def gathered(self, values: Array) -> Array:
        """Return the sums of values, (n,), over the rows of each class."""
        return np.asarray(np.bincount(self.codes, values, self.size), dtype=np.float64)

    def crossed(self, other: Deviations, values: Array) -> Array:
        """Return the sums of values over the rows of each pair of classes, (size, other.size)."""
        if isinstance(other, Smooth):
            return other.crossed(self, values).T
        pairs = self.codes * other.size + other.codes
        crossed = np.bincount(pairs, values, self.size * other.size).reshape(self.size, other.size)
        return np.asarray(crossed, dtype=np.float64)

    def matrix(self, values: Array) -> csr_array:
        """Return the derivative of what rows deviate by, each times a value, (n, size)."""
        return csr_array((values, (np.arange(len(values)), self.codes)), shape=(len(values), self.size))


@dataclass(frozen=True, eq=False)
class Smooth:
    """What a constant changes with.

    Parameters
    ----------
    name
        The constant.
    columns
        The number with which it changes.
    curve
        The curve, its coefficients zero.
    turn
        From what is free to the coefficients, (m, size): a line first, unless the curve is periodic, then its bends.
        All are zero on average over the rows.
    basis
        What each adds in every row, (n, size).
    factor
        Whether its exponential multiplies the constant, and it does not add to it.
    """

    name: str
    columns: tuple[str, ...]
    curve: Curve
    turn: Array
    basis: Array
    factor: bool

    @classmethod
    def of(cls, name: str, column: str, curve: Curve, x: Array, *, factor: bool) -> Smooth:
        """Return it for a curve with arguments x, (n,): a P-spline in coordinates in which its bends are alike."""
        count, z = len(curve.coefficients), curve.grid.basis(x)
        plain = np.column_stack([np.ones(count), *([] if curve.periodic else [np.arange(float(count))])])
        rest = np.linalg.svd(plain, full_matrices=True)[0][:, plain.shape[1] :]
        eye = np.eye(count)
        bends = (
            2.0 * eye - np.roll(eye, 1, 0) - np.roll(eye, -1, 0)
            if curve.periodic
            else np.diff(eye, 2, axis=0)
        )
        size, turned = np.linalg.eigh(rest.T @ bends.T @ bends @ rest)
        turn = np.column_stack([plain[:, 1:], rest @ turned / np.sqrt(size)])
        # the basis functions of a curve add up to one
        turn = turn - (z @ turn).mean(axis=0)
        return cls(name, (column,), curve, turn, z @ turn, factor)

    @property
    def size(self) -> int:
        """How many numbers are free."""
        return int(self.basis.shape[1])

    @property
    def labels(self) -> tuple[tuple[str, ...], ...]:
        """It has no classes."""
        return ()

    @property
    def pulled(self) -> NDArray[np.bool_]:
        """Which of them are drawn to none: the bends."""
        return np.arange(self.size) >= (0 if self.curve.periodic else 1)

    def spread(self, deviations: Array) -> Array:
        """Return what every row deviates by, (n,)."""
        return np.asarray(self.basis @ deviations)

    def gathered(self, values: Array) -> Array:
        """Return the products of values, (n,), with what each number adds."""
        return np.asarray(values @ self.basis)

    def crossed(self, other: Deviations, values: Array) -> Array:
        """Return the sums of values times what both deviate by for a number of each, (size, other.size)."""
        return np.array([other.gathered(values * column) for column in self.basis.T])

    def matrix(self, values: Array) -> csr_array:
        """Return the derivative of what rows deviate by, each times a value, (n, size)."""
        return csr_array(self.basis * values[:, None])


Deviations: TypeAlias = Classes | Smooth


def blocks(start: int, classes: Sequence[Deviations]) -> list[slice]:
    """Return the places of the deviations of each, from a place on."""
    ends = np.cumsum([start, *(each.size for each in classes)]).tolist()
    return [slice(a, b) for a, b in pairwise(ends)]


def penalties(start: int, classes: Sequence[Deviations], weights: Array) -> Array:
    """Return by how much each number is drawn to zero, the first ones not at all; (p,)."""
    own = [each.pulled * weight for each, weight in zip(classes, weights, strict=True)]
    return np.concatenate([np.zeros(start), *own])


def rowwise(
    numbers: Array, free: FreeParameters, classes: Sequence[Deviations], rows: int
) -> tuple[Array, Array]:
    """Return every constant's value in every row, and its derivative in what is drawn to; (constants, rows) each."""
    theta = np.repeat(numbers[: free.count, None], rows, axis=1)
    slope = np.ones_like(theta)
    for each, block in zip(classes, blocks(free.count, classes), strict=True):
        place = free.blocks[each.name].start
        own = each.spread(numbers[block])
        if each.factor:
            factor = np.exp(own)
            theta[place] *= factor
            slope[place] *= factor
        else:
            theta[place] += own
    return theta, slope


@dataclass(frozen=True, eq=False)
class ClassScope:
    """The rows that a law is searched on.

    Parameters
    ----------
    rows
        The rows.
    log
        Whether the logarithm of the target is fitted.
    groupings
        Categories, and pairs of them, by which constants may differ.
    read
        The columns of numbers that are tried.
    floor
        A mean square that is as good as zero.
    curves
        The curves by which constants may change.
    """

    rows: EstimationRows
    log: bool
    groupings: tuple[Columns, ...]
    read: tuple[str, ...]
    floor: float
    curves: Mapping[Columns, Smooth] = field(default_factory=dict)

    def deviations(self, name: str, columns: Columns) -> Deviations:
        """Return what a constant differs by, or changes with."""
        factor = name[0] in LEVELS
        if columns in self.curves:
            return replace(self.curves[columns], name=name, factor=factor)
        return Classes(name, columns, *self.grouping(columns), factor=factor)

    def grouping(self, columns: Columns) -> tuple[NDArray[np.intp], tuple[Columns, ...]]:
        """Return the class of every row, and the labels of all classes."""
        if columns not in self._known:
            self._known[columns] = codes_of([self.rows.columns[name] for name in columns])
        return self._known[columns]

    @cached_property
    def _known(self) -> dict[Columns, tuple[NDArray[np.intp], tuple[Columns, ...]]]:
        return {}

    def size(self, columns: Columns) -> int:
        """Return how many numbers a table or curve has."""
        return self.curves[columns].size if columns in self.curves else len(self.grouping(columns)[1])

    @property
    def varying(self) -> list[Columns]:
        """The columns by which a constant may differ, or change."""
        return [*self.groupings, *self.curves]

    @cached_property
    def numbers(self) -> list[str]:
        """The columns of numbers that vary."""
        return [name for name in self.read if np.ptp(self.rows.columns[name]) > 0]

    @cached_property
    def positive(self) -> list[str]:
        """Those that are above zero."""
        return [name for name in self.numbers if self.rows.columns[name].min() > 0]


def codes_of(columns: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.intp], tuple[Columns, ...]]:
    """Return the class of every row, and the labels of all."""
    import pandas as pd

    codes, labels = pd.factorize(pd.MultiIndex.from_arrays(list(columns)), sort=True)
    return codes.astype(np.intp), tuple(tuple(map(str, each)) for each in labels)
