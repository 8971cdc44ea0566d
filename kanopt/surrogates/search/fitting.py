"""Fitting the parameters of a law to rows, and the length of the description that results."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import FLOOR, levenberg_marquardt
from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.search.program import Columns, Program, value, value_and_jacobian
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Hinge,
    Law,
    Logarithm,
    Power,
    Term,
    Wave,
    factors_of_inputs,
    freedom,
    inputs_of,
    operators,
    walk,
    with_values,
)
from kanopt.units import UnitPowers

# What decides between laws beside the rows: the price of reading them, and units.


def bends(law: Law, column: int) -> tuple[int, int]:
    """Return how many different factors of a law read an input that are no powers of it, and how many with powers."""
    applied = [f for f in walk(law) if isinstance(f, Applied)]
    own = {f for f in (*factors_of_inputs(law), *applied) if column in inputs_of(f)}
    return sum(not isinstance(f, Power) for f in own), len(own)


def winds(law: Law) -> bool:
    """Whether a law says of an input with several words, one of which is no power, what a curve may say."""
    several = Counter(f.column for f in factors_of_inputs(law))
    return any(count > 1 and bends(law, column)[0] for column, count in several.items())


def imitates_a_curve(law: Law) -> bool:
    """Whether several waves, bumps and bends of one input say with many words what a curve would.

    Waves of a known period may be several; a second wave of another, or a third wave, bump or bend, is too many.
    """
    waves, bumps = Counter[int](), Counter[int]()
    for factor in walk(law):
        if isinstance(factor, Wave) and factor.frequency.free:
            waves[factor.column] += 1
        elif isinstance(factor, Applied) and factor.function == "exp":
            bumps.update(inputs_of(factor))
        elif isinstance(factor, Hinge):
            bumps[factor.column] += 1
    return any(count > 1 for count in waves.values()) or any(count > 2 for count in (waves + bumps).values())


@dataclass(frozen=True, eq=False)
class Rules:
    """What laws cost.

    Parameters
    ----------
    operator
        Length of the description of one operator, in nats.
    units
        Units of the inputs, None where one is not declared; empty for none at all.
    output
        Unit of the target, None where it is not declared.
    """

    operator: float
    units: tuple[UnitPowers | None, ...] = ()
    output: UnitPowers | None = None

    def price(self, law: Law) -> float:
        """Return the length of the description of the operators of a law, in nats."""
        return self.operator * float(operators(law))

    def may_be_one(self, term: Term, *, inner: bool) -> bool:
        """Whether the coefficient of a term may be the pure number ±1, as far as the declared units tell.

        Parameters
        ----------
        term
            Of powers; other factors are taken for pure numbers.
        inner
            Whether it stands beside a 1 in a bracket, and not in the outermost sum.
        """
        wanted = UnitPowers() if inner else self.output
        if not self.units or wanted is None:
            return True
        found = UnitPowers()
        for factor in term.factors:
            if isinstance(factor, Power):
                unit = self.units[factor.column]
                if unit is None:
                    return True
                found = found * unit ** Fraction(factor.exponent.value).limit_denominator(100)
            elif isinstance(factor, Hinge | Logarithm):
                return True
        return (found / wanted).is_one


WHOLE, LEAST = 2000, 0.25
"""Rows of a refit that counts as one, and what one counts at least, however few its rows are."""


@dataclass(eq=False)
class Budget:
    """How many refits a search may still do, each on :data:`WHOLE` rows; on fewer rows one counts for less.

    Parameters
    ----------
    left
        What is left.
    watch
        Is told of every refit, and may stop the search; None for nobody.
    """

    left: float
    watch: FitMonitor | None = None

    def spend(self, rows: int) -> None:
        """Count a refit on so many rows.

        Raises
        ------
        SearchStopped
            If there are to be no more, although some are left.
        """
        work = max(rows / WHOLE, LEAST)
        self.left -= work
        if self.watch is not None and self.watch.count(work):
            raise SearchStopped


@dataclass(frozen=True, eq=False)
class Target:
    """What a law is fitted to.

    Parameters
    ----------
    columns
        The inputs, n rows.
    target
        Shape (n,); its logarithm where `log`.
    weight
        How many rows each stands for, shape (n,).
    log
        Whether residuals are those of the logarithm of the law.
    rules
        What laws cost, and which are let in.
    budget
        Counts the refits; None for no count.
    """

    columns: Columns
    target: Floats
    weight: Floats
    log: bool
    rules: Rules
    budget: Budget | None = None

    @cached_property
    def root(self) -> Floats:
        """Square roots of the weights."""
        return np.asarray(np.sqrt(self.weight))

    @cached_property
    def total(self) -> float:
        """The number of rows."""
        return float(self.weight.sum())

    @cached_property
    def spread(self) -> float:
        """Weighted variance of the target."""
        mean = float(self.weight @ self.target) / self.total
        return max(float(self.weight @ (self.target - mean) ** 2) / self.total, 1e-300)

    @cached_property
    def is_even(self) -> bool:
        """Whether every row counts once."""
        return bool((self.weight == 1.0).all())

    def residual(self, output: Floats) -> Floats:
        """Return the weighted residuals of a law's values; not finite where it has no logarithm.

        Warnings of numpy are the caller's: searches come here a hundred thousand times.
        """
        gap = self.target - (np.log(output) if self.log else output)
        return gap if self.is_even else self.root * gap

    def weighted(self, derivatives: Floats, output: Floats) -> Floats:
        """Return derivatives of a law's values, shape (p, n), as those of the weighted residuals, but for the sign."""
        if self.log:
            return np.asarray(derivatives * (self.root / output))
        return derivatives if self.is_even else derivatives * self.root

    def of_values(self) -> tuple[Floats, Floats]:
        """Return the target itself and roots of weights, where it is a logarithm those of errors beside its size."""
        if not self.log:
            return self.target, self.root
        values = np.exp(self.target)
        return values, self.root / values

    def length(self, law: Law, squares: float) -> float:
        """Return the description length of a law with these squared residuals.

        It is rounded, so that of two spellings of one law the first found is taken, whatever the processor.
        """
        noise = squares / self.total + FLOOR**2 * self.spread
        length = self.total * np.log(noise) + np.log(self.total) * freedom(law) + self.rules.price(law)
        return round(float(length), 4)

    def heed(self) -> None:
        """Look whether the search is to end.

        Raises
        ------
        SearchStopped
            If whoever watches asks for it.
        """
        if self.budget is not None and self.budget.watch is not None and self.budget.watch.should_stop():
            raise SearchStopped

    def take(self, rows: NDArray[np.int64]) -> Target:
        """Return some of the rows."""
        columns = self.columns.take(rows)
        return Target(columns, self.target[rows], self.weight[rows], self.log, self.rules, self.budget)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A law fitted to rows: its squared residuals and the length of its description."""

    law: Law
    squares: float
    length: float
    hessian: Floats = field(repr=False)

    def variances(self, total: float) -> Floats:
        """Return the variances of the free parameters, shape (p,); infinite where the rows do not tell them."""
        p = len(self.hessian)
        if not p:
            return np.zeros(0)
        scale = np.sqrt(np.maximum(np.diag(self.hessian), 1e-300))
        scaled = self.hessian / scale[:, None] / scale[None, :]
        sigma2 = self.squares / max(total - p, 1.0)
        values, vectors = np.linalg.eigh(scaled)
        sound = values > 1e-12 * max(float(values[-1]), 1e-300)
        out = sigma2 * ((vectors[:, sound] ** 2) / values[sound]).sum(axis=1) / scale**2
        # what leans on an undetermined direction has no variance of its own
        lost = (vectors[:, ~sound] ** 2).sum(axis=1) > 1e-6
        return np.where(lost, np.inf, out)


def fitted(law: Law, to: Target, iterations: int = 40, tolerance: float = 1e-7) -> Fitted | None:
    """Fit the free parameters of a law from the values they have, see :mod:`kanopt.formulas.estimation.least_squares`.

    The last iteration is the one after which the linear model promises, or the law keeps, less than `tolerance` of the
    squares. None where the law is not defined on all rows from the start.
    """
    if to.budget is not None:
        to.budget.spend(len(to.target))
    program = Program(law, to.columns)
    enough = (0.01 * FLOOR) ** 2 * to.spread * to.total
    best = levenberg_marquardt(_OfLaw(program, to), program.theta, iterations, tolerance, enough)
    if not math.isfinite(best.cost):
        return None
    law = with_values(law, best.theta)
    return Fitted(law, best.cost, to.length(law, best.cost), best.curvature)


@dataclass(eq=False)
class _OfLaw:
    """The squared residuals of a law; see :class:`kanopt.formulas.estimation.least_squares.LeastSquares`."""

    program: Program
    to: Target
    output: Floats = field(init=False)
    residual: Floats = field(init=False)

    def cost(self, theta: Floats) -> float:
        self.output = self.program.forward(theta)
        self.residual = self.to.residual(self.output)
        return float(self.residual @ self.residual)

    def normal_equations(self, theta: Floats) -> tuple[Floats, Floats]:
        weighted = self.to.weighted(self.program.backward(theta).derivative, self.output)
        return weighted @ weighted.T, weighted @ self.residual

    def projected(self, theta: Floats) -> Floats:
        return theta


# ── the score test: by how much a larger law fits better, foretold without fitting it ──
#
# A new parameter has a derivative column v, and the share of the squared residual that it will take is
# (r·v⊥)² / (v⊥·v⊥ · r·r), with v⊥ the part of v that the present parameters cannot imitate (Rao 1948). Where a term of
# the outermost sum is to give way, its own parameters are left out of the present ones. All other coefficients of the
# sum are at their best then, since it is linear in them.


BLOCK = 1e-5
"""Share of a direction of several columns that is left below which the present parameters imitate it."""
RIDGE = 1e-10
"""Keeps the normal equations of columns that are nearly one solvable."""
SLOPES = (-0.9, -0.6, -0.3, 0.3, 1.0, 4.0, 20.0, 150.0)
"""Sizes of the second part of a group against the first at which fits are started."""
SOLVED = 3
"""Sets of columns that are solved for with more care than they were ranked with."""
NOTHING = 1e-8
"""Share of the target that a term must say to stay."""

Start = tuple[float, float | None, float]
"""Share of the squares taken, coefficient of the term where it changes, and slope in its new group."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The score test on a set of rows.

    Parameters
    ----------
    basis
        Orthonormal columns that span the derivatives of the present parameters, shape (n, k).
    residual
        What these leave of the target, weighted, shape (n,).
    squares
        Squared residuals of the law as it is.
    weight
        What derivatives of the law's values are multiplied by, shape (n,).
    """

    basis: Floats
    residual: Floats
    squares: float
    weight: Floats

    @classmethod
    def of_law(cls, law: Law, to: Target) -> Scores:
        """Return the test at a law, all its parameters present."""
        output, jacobian = value_and_jacobian(law, to.columns)
        with np.errstate(all="ignore"):
            residual = to.residual(output)
        weight = to.root / output if to.log else to.root
        squares = max(float(residual @ residual), 1e-300)
        return cls(_spanned(jacobian * weight[:, None]), residual, squares, weight)

    def _beside(self, columns: Floats) -> Floats:
        """Return columns without what the present parameters say of them."""
        return np.asarray(columns - self.basis @ (self.basis.T @ columns))

    def _share(self, taken: Any) -> Any:
        """Return the share of the squares; below zero where a term that is gone took more."""
        left = float(self.residual @ self.residual) - taken
        return np.minimum(1.0 - left / self.squares, 1.0 - 1e-12)

    def of(self, columns: Floats, flow: Floats) -> tuple[Floats, Floats]:
        """Return share of the squares taken and slope of each new column, shapes (m,)."""
        with np.errstate(all="ignore"):  # what has no value on some row takes nothing
            v = columns * (flow * self.weight)[:, None]
            before = (v * v).sum(axis=0)
            v = self._beside(v)
            after = (v * v).sum(axis=0)
            dot = self.residual @ v
            share = np.where(after > 1e-10 * before, self._share(dot * dot / after), 0.0)
            slope = dot / after
        return np.nan_to_num(np.maximum(share, 0.0)), np.nan_to_num(slope)

    def of_pairs(self, first: Floats, second: Floats, flow: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the share taken by two columns together, and their slopes."""
        with np.errstate(all="ignore"):
            scaled = (flow * self.weight)[:, None]
            a, b = self._beside(first * scaled), self._beside(second * scaled)
            aa, bb, ab = (a * a).sum(axis=0), (b * b).sum(axis=0), (a * b).sum(axis=0)
            ra, rb = self.residual @ a, self.residual @ b
            det = aa * bb - ab * ab
            s, c = (bb * ra - ab * rb) / det, (aa * rb - ab * ra) / det
            share = np.where(det > 1e-8 * aa * bb, self._share(s * ra + c * rb), 0.0)
        return np.nan_to_num(np.maximum(share, 0.0)), np.nan_to_num(s), np.nan_to_num(c)

    def of_block(self, columns: Floats, flow: Floats | float = 1.0) -> tuple[float, Floats, bool]:
        """Return the share taken by several columns (n, m) together, their slopes (m,), and whether all are told."""
        with np.errstate(all="ignore"):
            v = columns * (flow * self.weight)[:, None]
            norm = np.sqrt((v * v).sum(axis=0))
            v = self._beside(v / np.where(norm > 0.0, norm, 1.0))
        if not np.isfinite(v).all():
            return 0.0, np.zeros(len(norm)), False
        left, sizes, right = np.linalg.svd(v, full_matrices=False)
        sound = sizes > BLOCK
        taken = left[:, sound].T @ self.residual
        slopes = right[sound].T @ (taken / sizes[sound])
        told = bool(sound.all() and norm.min(initial=1.0) > 0.0)
        return float(self._share(taken @ taken)), slopes / np.where(norm > 0.0, norm, np.inf), told


def _spanned(columns: Floats) -> Floats:
    """Return orthonormal columns that span others."""
    norm = np.sqrt((columns**2).sum(axis=0))
    return np.asarray(np.linalg.qr(columns / np.where(norm > 0.0, norm, 1.0))[0])


@dataclass(frozen=True, eq=False)
class OuterSum:
    """The outermost sum of a law.

    Errors of a logarithm are taken for those of the target beside its size.

    Parameters
    ----------
    bare
        Values of the terms without their coefficients, weighted, each (n,).
    target
        Weighted, shape (n,).
    root
        Roots of the weights, shape (n,).
    squares
        Squared residuals of the law as it is.
    """

    bare: list[Floats]
    target: Floats
    root: Floats
    squares: float

    @classmethod
    def of(cls, law: Law, to: Target) -> OuterSum:
        """Return the sum on rows."""
        target, root = to.of_values()
        alone = [value(Law((replace(t, coefficient=ONE),)), to.columns) for t in law.terms]
        with np.errstate(all="ignore"):  # what has no value on some row is no part of it
            whole = sum(
                (t.coefficient.value * v for t, v in zip(law.terms, alone, strict=True)), 0.0 * target
            )
            now = root * (target - whole)
            bare = [root * each for each in alone]
        return cls(bare, target * root, root, max(float(now @ now), 1e-300))

    def without(self, places: Sequence[int]) -> OuterTerm | None:
        """Return the first of the terms at `places`, without the others of them; None where one has no value."""
        own = self.bare[places[0]]
        rest = [column for place, column in enumerate(self.bare) if place not in places]
        if not all(np.isfinite(column).all() for column in (own, *rest)):
            return None
        others = np.column_stack(rest) if rest else np.zeros((len(own), 0))
        basis = _spanned(others)
        residual = self.target - basis @ (basis.T @ self.target)
        return OuterTerm(basis, residual, self.squares, self.root, own, others, self.target)


@dataclass(frozen=True, eq=False)
class OuterTerm(Scores):
    """The test without a term of the outermost sum: what it may be multiplied by or give way to.

    Parameters
    ----------
    bare
        Values of the term without its coefficient, weighted, shape (n,).
    others
        Values of the other terms without their coefficients, weighted, shape (n, k).
    target
        Weighted, shape (n,).
    """

    bare: Floats
    others: Floats
    target: Floats

    def multiplied(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the share taken by the term times every column of (n, m) values, and its coefficients, (m,)."""
        return self.of(values, self.bare / self.weight)

    def exchanged(self, values: Floats) -> tuple[float, Floats]:
        """Return the share taken by all columns of (n, m) values instead of the term, and their coefficients, (m,)."""
        share, found, told = self.of_block(values)
        return share if told else -np.inf, found

    def best_of(self, values: Floats, sets: NDArray[np.intp]) -> tuple[float, Floats, list[int]]:
        """Return what the best of several sets of columns takes instead of the term, its coefficients and its numbers.

        The sets, shape (m, k), are ranked on the normal equations, which are quick, and the best few solved for.
        """
        with np.errstate(all="ignore"):
            columns = self._beside(self.weight[:, None] * values)
        best = ranked_sets(columns, self.residual, sets)[:SOLVED].tolist()
        tried = [(*self.exchanged(values[:, chosen]), chosen) for chosen in best]
        return max(tried, key=lambda entry: entry[0], default=(-np.inf, np.zeros(0), []))

    def coefficients_beside(self, values: Floats, coefficients: Floats) -> Floats:
        """Return the coefficients of the other terms beside columns of (n, m) values, (k,); 0 where it says nothing."""
        left = self.target - self.weight * (values @ coefficients)
        size = np.sqrt((self.others**2).sum(axis=0))
        size = np.where(size > 0.0, size, 1.0)
        found = np.linalg.lstsq(self.others / size, left, rcond=1e-10)[0]
        nothing = np.abs(found) < NOTHING * np.sqrt(float(self.target @ self.target))
        return np.where(nothing, 0.0, found / size)

    def scanned(self, values: Floats, exponent: float) -> list[Start | None]:
        """Return the best of a few slopes for every column of (n, m) values; None where none of them is sound."""
        found: list[Start | None] = []
        for m in values.T:
            if not np.isfinite(m).all():
                found.append(None)
                continue
            largest = float(m[np.argmax(np.abs(m))])
            slopes = np.array(SLOPES) / (largest if largest else 1.0)
            slopes = slopes[(1.0 + slopes[:, None] * m).min(axis=1) > 0.02]
            share, coefficients = self.multiplied((1.0 + slopes * m[:, None]) ** exponent)
            if not len(share) or not share.max() > 0.0:
                found.append(None)
                continue
            k = int(share.argmax())
            found.append((float(share[k]), float(coefficients[k]), float(slopes[k])))
        return found


def ranked_sets(columns: Floats, target: Floats, sets: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return sets of columns, those that take most of the squares of a target first, shape (up to s, k).

    Sets with a column that is zero, or no number on some row, are left out. Normal equations are quick, and good enough
    to rank; coefficients are for whoever takes the best to solve for.

    Parameters
    ----------
    columns
        Shape (n, m).
    target
        Shape (n,).
    sets
        Numbers of columns, shape (s, k).

    Examples
    --------
    >>> columns = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
    >>> ranked_sets(columns, np.array([3.0, 8.0, 0.0]), np.array([[0, 2], [0, 1]])).tolist()
    [[0, 1], [0, 2]]
    """
    with np.errstate(all="ignore"):
        size = np.sqrt((columns**2).sum(axis=0))
    sound = np.isfinite(size) & (size > 0.0)
    sets = sets[sound[sets].all(axis=1)]
    if not len(sets):
        return sets
    scaled = np.where(sound, columns, 0.0) / np.where(sound, size, 1.0)
    gram, told = scaled.T @ scaled + RIDGE * np.eye(len(size)), scaled.T @ target
    found = np.linalg.solve(gram[sets[:, :, None], sets[:, None, :]], told[sets][..., None])[..., 0]
    return sets[np.argsort(-(found * told[sets]).sum(axis=1), kind="stable")]
