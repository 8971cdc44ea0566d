"""Fitting the parameters of a law to rows, and the length of the description that results."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import FLOOR, levenberg_marquardt
from kanopt.surrogates.monitor import FitMonitor, SearchStopped
from kanopt.surrogates.search.program import Columns, Program
from kanopt.surrogates.search.structure import (
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
        if self.watch is not None and self.watch.count(work=work):
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
