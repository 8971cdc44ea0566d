"""Constants that differ between classes, or change with a number, drawn together by evidence (partial pooling).

A constant of class g is ``θ_g = μ + b_g``, or ``θ_g = μ · exp(b_g)``, with ``b_g ~ N(0, σ² / λ)``. One that changes
with a number x is ``μ + Σ b_k φ_k(x)``, where the bends of a spline are drawn to none in the same way (a varying
coefficient: Hastie and Tibshirani 1993, JRSS B 55; its penalty: Eilers and Marx 1996, Statistical Science 11). Two
steps alternate, as in Lindstrom and Bates (1990, "Nonlinear mixed effects models for repeated measures data",
Biometrics 46): with the λ held, penalised least squares for everything at once; with the law linearised there, the λ
that make the rows most probable (restricted likelihood, by the steps of Fellner and Schall: Wood and Fasiolo 2017,
Biometrics 73). One constant may differ by several columns at a time, each with a variance of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.formulas.estimation.graph_tape import FreeParameters, GraphTape
from kanopt.formulas.estimation.least_squares import Linearised, inverse_of, levenberg_marquardt, smearing
from kanopt.formulas.estimation.naming import EstimationRows
from kanopt.formulas.nodes import Node
from kanopt.formulas.pieces import Curve

Columns = tuple[str, ...]

By = tuple[tuple[str, Columns], ...]
"""Constants, and the columns by which they differ."""

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
    codes: Indices
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

    def spread(self, deviations: Floats) -> Floats:
        """Return what every row deviates by, (n,)."""
        return np.asarray(deviations[self.codes])

    def gathered(self, values: Floats) -> Floats:
        """Return the sums of values, (n,), over the rows of each class."""
        return np.asarray(np.bincount(self.codes, values, self.size), dtype=np.float64)

    def crossed(self, other: Deviations, values: Floats) -> Floats:
        """Return the sums of values over the rows of each pair of classes, (size, other.size)."""
        if isinstance(other, Smooth):
            return other.crossed(self, values).T
        pairs = self.codes * other.size + other.codes
        crossed = np.bincount(pairs, values, self.size * other.size).reshape(self.size, other.size)
        return np.asarray(crossed, dtype=np.float64)

    @property
    def basis(self) -> Floats:
        """What each deviation adds in every row, (n, size)."""
        return np.asarray(self.codes[:, None] == np.arange(self.size), dtype=np.float64)


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
    turn: Floats
    basis: Floats
    factor: bool

    @classmethod
    def of(cls, name: str, column: str, curve: Curve, x: Floats, *, factor: bool) -> Smooth:
        """Return it for a curve with arguments x, (n,): a P-spline in coordinates in which its bends are alike."""
        count, z = len(curve.coefficients), curve.grid.basis(x)
        plain = np.column_stack([np.ones(count), *([] if curve.periodic else [np.arange(float(count))])])
        rest = np.linalg.svd(plain, full_matrices=True)[0][:, plain.shape[1] :]
        bends = curve.grid.bends
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

    def spread(self, deviations: Floats) -> Floats:
        """Return what every row deviates by, (n,)."""
        return np.asarray(self.basis @ deviations)

    def gathered(self, values: Floats) -> Floats:
        """Return the products of values, (n,), with what each number adds."""
        return np.asarray(values @ self.basis)

    def crossed(self, other: Deviations, values: Floats) -> Floats:
        """Return the sums of values times what both deviate by for a number of each, (size, other.size)."""
        return np.array([other.gathered(values * column) for column in self.basis.T])


Deviations: TypeAlias = Classes | Smooth


def codes_of(columns: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.intp], tuple[Columns, ...]]:
    """Return the class of every row, and the labels of all."""
    import pandas as pd

    codes, labels = pd.factorize(pd.MultiIndex.from_arrays(list(columns)), sort=True)
    return codes.astype(np.intp), tuple(tuple(map(str, each)) for each in labels)


ROUNDS, STILL = 60, 1e-2
"""Steps towards the most probable variances, and the change of their logarithm after which they stand."""
LONGER = 1.6
"""Factor of such a step that goes on in the direction of the last one."""
STEPS, TOLERANCE = 6, 1e-6
"""Steps of least squares between two of them, and the share of the squares that a step must gain."""
LAST, EXACT = 60, 1e-10
"""The same where nothing is drawn."""
ROUGHEST, SMOOTHEST = 1e-6, 1e7
"""Weights λ, in those at which a table keeps half of its freedom."""
RIDGE = 1e-9
"""Share of its square by which a number is held where the rows do not tell it."""


class DrawnFit:
    """A law whose constants differ between classes, at its most probable numbers; see :func:`fit_drawn`.

    What it minimises are the squared residuals, and those of the deviations times their weights; see
    :class:`~kanopt.formulas.estimation.least_squares.LeastSquares`.

    Attributes
    ----------
    root
        The law with a name for every constant.
    free
        Its constants; their values are what is drawn to.
    classes, blocks
        What they differ by, and the places of the deviations among all numbers.
    held, idle
        Constants that kept their values, and their places.
    log
        Whether the logarithm was fitted.
    numbers
        Values of the constants, then deviations of all classes, (p,).
    weights, pull
        λ of each of `classes`, and by how much each number is drawn to zero, (p,).
    residual
        Weighted, of the logarithm where that was fitted; (n,).
    root_weight
        Square roots of the weights, (n,).
    theta, factors
        Every constant's value in every row, and its derivative in what is drawn to; (constants, n).
    slopes
        Weighted derivative of the fitted values in every constant, row by row, (constants, n).
    curvature, inverse
        JᵀJ of all numbers, and the inverse of JᵀJ + Λ; (p, p).
    length
        Length of the description of the rows by it, where that is known.
    """

    residual: Floats
    theta: Floats
    factors: Floats
    slopes: Floats
    curvature: Floats
    inverse: Floats
    length = np.inf

    def __init__(
        self,
        root: Node,
        rows: EstimationRows,
        classes: Sequence[Deviations],
        held: Collection[str],
        *,
        log: bool,
    ) -> None:
        self.root, self.classes, self.held, self.log = root, tuple(classes), frozenset(held), log
        self.free = free = FreeParameters.of(root, None)
        self.target = np.log(rows.target) if log else rows.target
        self.root_weight = np.sqrt(rows.weight)
        ends = np.cumsum([free.count, *(each.size for each in classes)]).tolist()
        self.blocks = [slice(a, b) for a, b in pairwise(ends)]
        self.numbers = np.concatenate([free.values, np.zeros(ends[-1] - free.count)])
        self.draw(np.ones(len(classes)))
        self._tape = GraphTape(root, rows.columns, free)
        self.idle = np.array([free.blocks[name].start for name in held if name in free.blocks], dtype=np.intp)

    def draw(self, weights: Floats) -> None:
        """Draw all deviations with these weights λ from here on."""
        own = [each.pulled * weight for each, weight in zip(self.classes, weights, strict=True)]
        self.weights, self.pull = weights, np.concatenate([np.zeros(self.free.count), *own])

    def place(self, name: str) -> int:
        """Return the place of a constant."""
        return int(self.free.blocks[name].start)

    def cost(self, theta: Floats) -> float:
        """Return the sum at these numbers; infinite where a logarithm has no value."""
        self.theta = np.repeat(theta[: self.free.count, None], self.target.size, axis=1)
        self.factors = np.ones_like(self.theta)
        for each, block in zip(self.classes, self.blocks, strict=True):
            place, own = self.place(each.name), each.spread(theta[block])
            if each.factor:
                factor = np.exp(own)
                self.theta[place] *= factor
                self.factors[place] *= factor
            else:
                self.theta[place] += own
        value = np.broadcast_to(self._tape.forward(self.theta), self.target.shape)
        self._size = self.root_weight
        if self.log:
            if not (value > 0.0).all():
                return np.inf
            self._size, value = self.root_weight / value, np.log(value)
        self.residual = self.root_weight * (self.target - value)
        return float(self.residual @ self.residual) + float(self.pull @ theta**2)

    def effect(self, name: str, *, factor: bool = False) -> Floats:
        """Return the weighted derivative of the fitted values in a constant of each row, or in its logarithm; (n,)."""
        place = self.place(name)
        return np.asarray(self.slopes[place] * self.theta[place] if factor else self.slopes[place])

    def products(self) -> tuple[Floats, Floats]:
        """Return JᵀJ and Jᵀr of all numbers, where it was last evaluated."""
        self.slopes, count = self._tape.gradient(self.theta)[1].T * self._size, self.free.count
        shared = self.slopes * self.factors
        own = [self.effect(each.name, factor=each.factor) for each in self.classes]
        size = len(self.numbers)
        curvature, descent = np.empty((size, size)), np.empty(size)
        curvature[:count, :count], descent[:count] = shared @ shared.T, shared @ self.residual
        for t, (each, block) in enumerate(zip(self.classes, self.blocks, strict=True)):
            descent[block] = each.gathered(own[t] * self.residual)
            for place in range(count):
                curvature[place, block] = each.gathered(own[t] * shared[place])
            curvature[block, :count] = curvature[:count, block].T
            for u, (other, beside) in enumerate(zip(self.classes[: t + 1], self.blocks, strict=False)):
                curvature[block, beside] = each.crossed(other, own[t] * own[u])
                curvature[beside, block] = curvature[block, beside].T
        curvature[self.idle], curvature[:, self.idle], descent[self.idle] = 0.0, 0.0, 0.0
        return curvature, descent

    def normal_equations(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return half the curvature, and half the direction of descent, where it was last evaluated."""
        curvature, descent = self.products()
        return self.stiff(curvature), descent - self.pull * theta

    def stiff(self, curvature: Floats) -> Floats:
        """Return JᵀJ + Λ; a number that is held stands alone there."""
        stiff = curvature + np.diag(self.pull)
        stiff[self.idle, self.idle] = 1.0
        return stiff

    def projected(self, theta: Floats) -> Floats:
        """Return the numbers: all are let in."""
        return theta

    @property
    def by(self) -> By:
        """Constants, and the columns by which they differ."""
        return tuple((each.name, each.columns) for each in self.classes)

    @property
    def squares(self) -> float:
        """Weighted squared residuals."""
        return float(self.residual @ self.residual)

    @cached_property
    def parameters(self) -> float:
        """Effective number of parameters."""
        return float(np.sum(self.inverse * self.curvature))

    @property
    def variance(self) -> float:
        """σ² of a row of weight 1."""
        return self.squares / max(len(self.residual) - self.parameters, 1.0)

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the errors of all numbers, (p, p).

        To that for known variances (Henderson 1975, Biometrics 31) comes how far all numbers move with the variance of
        a table, which its deviations tell as well as a sample of so many as they have freedom (Kackar and Harville
        1984, JASA 79).
        """
        found = self.variance * self.inverse
        for each, own, weight in zip(self.classes, self.blocks, self.weights.tolist(), strict=True):
            pulled = np.arange(own.start, own.stop)[each.pulled]
            freedom = len(pulled) - weight * float(self.inverse.diagonal()[pulled].sum())
            moved = weight * self.inverse[:, pulled] @ self.numbers[pulled]
            found += 2.0 / max(freedom, 1e-6) * np.outer(moved, moved)
        return np.asarray(found)

    @cached_property
    def jacobian(self) -> Floats:
        """Weighted derivative of the fitted values in all numbers, (n, p); nothing in one that is held."""
        own = (each.basis * self.effect(each.name, factor=each.factor)[:, None] for each in self.classes)
        parts = [(self.slopes * self.factors).T, *own]
        return np.asarray(np.hstack(parts) * (self.curvature.diagonal() != 0.0))

    @cached_property
    def leverage(self) -> Floats:
        """How much every fitted value depends on its own row, (n,)."""
        return np.asarray((self.jacobian @ self.inverse * self.jacobian).sum(axis=1))

    @property
    def left(self) -> Floats:
        """What the law leaves of the target, or of its logarithm, (n,)."""
        return self.residual / self.root_weight

    @property
    def smearing(self) -> float:
        """Factor that makes a law of the logarithm one of the mean."""
        return smearing(self.left, np.square(self.root_weight)) if self.log else 1.0

    def left_out(self, folds: Indices) -> Floats:
        """Return what the law says of every row without the rows of its fold, in one step; (n,)."""
        rows = np.ones(len(self.residual))
        gap = Linearised.of(self.residual, self.jacobian, rows, self.pull).left_out(folds)
        told = self.target - gap / self.root_weight
        return np.exp(told) if self.log else told

    def surprise(self, floor: float, *, constants: bool = False) -> float:
        """Return twice minus the logarithm of the likelihood of the rows, deviations integrated out (Laplace).

        Parameters
        ----------
        floor
            A mean square that is as good as zero.
        constants
            Whether the other numbers are integrated out, too, each with a prior that says as much as one row (Kass and
            Wasserman 1995, JASA 90).
        """
        count = len(self.residual)
        pull, known = self.pull, self.curvature.diagonal()
        total = self.squares + float(pull @ self.numbers**2)
        moved = np.flatnonzero((pull > 0.0) | ((known > 0.0) & constants))
        size = np.where(pull > 0.0, 1.0, np.sqrt(known / count))[moved]
        pull = np.where(pull > 0.0, pull, 1.0)[moved]
        stiff = self.curvature[np.ix_(moved, moved)] / np.outer(size, size) + np.diag(pull)
        volume = float(np.linalg.slogdet(stiff)[1] - np.log(pull).sum()) if len(moved) else 0.0
        return count * float(np.log(total / count + floor)) + volume


@np.errstate(all="ignore")
def fit_drawn(
    root: Node,
    rows: EstimationRows,
    classes: Sequence[Deviations],
    start: DrawnFit | None = None,
    *,
    log: bool,
    held: Collection[str] = (),
) -> DrawnFit | None:
    """Fit all named constants of a law, those of classes drawn together.

    Parameters
    ----------
    root
        The law; the values of its constants are the start.
    rows
        The rows.
    classes
        What constants differ by.
    start
        A fit of a law with constants and classes in common, whose values are the start of those.
    log
        Whether logarithms are compared.
    held
        Constants that keep their values, and of which only the classes deviate.

    Returns
    -------
    DrawnFit
        None where the law has no value, or no derivative, on some row at the start.
    """
    fit = DrawnFit(root, rows, classes, held, log=log)
    known = {} if start is None else _taken_over(fit, start)
    if not np.isfinite(fit.cost(fit.numbers)):
        return None
    diagonal = fit.products()[0].diagonal()
    halves = np.array([max(float(diagonal[block].mean()), 1e-300) for block in fit.blocks])
    weights = np.array([known.get(each, 0.1 * half) for each, half in zip(classes, halves, strict=True)])
    last = np.zeros(len(weights))
    for round_ in range(ROUNDS):
        fit.draw(weights)
        steps, tolerance = (STEPS, TOLERANCE) if classes else (LAST, EXACT)
        fit.numbers = levenberg_marquardt(fit, fit.numbers, steps, tolerance).theta
        if not np.isfinite(fit.cost(fit.numbers)):
            return None
        fit.curvature, _ = fit.products()
        if not np.isfinite(fit.curvature).all():
            return None
        fit.inverse = inverse_of(fit.stiff(fit.curvature), RIDGE)
        fit.inverse[fit.idle, fit.idle] = 0.0
        step = np.log(np.clip(_likelier(fit), ROUGHEST * halves, SMOOTHEST * halves)) - np.log(weights)
        if not len(weights) or np.abs(step).max() < STILL or round_ == ROUNDS - 1:
            break
        # the steps are too short where they go on in one direction
        step *= np.where(step * last > 0.0, LONGER, 1.0)
        weights, last = np.clip(weights * np.exp(step), ROUGHEST * halves, SMOOTHEST * halves), step
    return fit


def _taken_over(fit: DrawnFit, start: DrawnFit) -> dict[Deviations, float]:
    """Put the values of a fit into the numbers of another one; return the weights λ of classes that both have.

    What a constant deviates by in its former classes goes to the new ones, as far as it is the same within them.
    """
    numbers, rows = fit.numbers, len(start.residual)
    for place, name in enumerate(fit.free.names):
        if name in start.free.blocks and name not in fit.held:
            numbers[place] = start.numbers[start.place(name)]
    left, before = dict[str, Floats](), dict[tuple[str, Columns], int]()
    for place, (each, block) in enumerate(zip(start.classes, start.blocks, strict=True)):
        before[each.name, each.columns] = place
        own = each.spread(start.numbers[block])
        left[each.name] = left[each.name] + own if each.name in left else own
    known = dict[Deviations, float]()
    for each, block in zip(fit.classes, fit.blocks, strict=True):
        known_at = before.get((each.name, each.columns))
        if known_at is not None and start.classes[known_at].labels == each.labels:
            numbers[block] = start.numbers[start.blocks[known_at]]
            known[each] = float(start.weights[known_at])
        elif isinstance(each, Classes) and each.name in left and len(each.codes) == rows:
            numbers[block] = each.gathered(left[each.name]) / np.maximum(each.gathered(np.ones(rows)), 1.0)
        if each.name in left and len(left[each.name]) == len(each.spread(numbers[block])):
            left[each.name] = left[each.name] - each.spread(numbers[block])
    return known


def _likelier(fit: DrawnFit) -> Floats:
    """Return the weights λ after a step of Fellner and Schall."""
    freedom = float(np.sum(fit.inverse * fit.curvature))
    noise = fit.squares / max(len(fit.residual) - freedom, 1.0)
    wanted = np.empty(len(fit.weights))
    for place, (each, block) in enumerate(zip(fit.classes, fit.blocks, strict=True)):
        pulled = np.arange(block.start, block.stop)[each.pulled]
        own = float(fit.numbers[pulled] @ fit.numbers[pulled])
        spare = len(pulled) - fit.weights[place] * float(fit.inverse.diagonal()[pulled].sum())
        wanted[place] = max(spare, 1e-6) * max(noise, 1e-300) / max(own, 1e-300)
    return wanted
