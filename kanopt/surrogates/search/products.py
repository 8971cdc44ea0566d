"""A product of powers and other functions, which is linear in logarithms: x · exp(−x / θ) rises and falls again.

Growth does not lead there from x alone, which says nothing of what both rises and falls. An exponent may depend on
another input: first · unit^(log r / log 2) is the time for a unit where each doubling takes the share r (Wright 1936,
*Factors affecting the cost of airplanes*), and life · q^((4 − t) / 10) what is left where ten degrees count q times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.dictionary import NARROWEST, Dictionary
from kanopt.surrogates.search.evaluation import Columns, value
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.scores import ranked_sets
from kanopt.surrogates.search.shapes import kind_of
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Law,
    Logarithm,
    Parameter,
    Power,
    Term,
)

Array = NDArray[np.float64]

SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Exponents that are taken for what an estimate means."""
NEAR, LOOSE = 3.0, 0.15
"""Standard errors within which it does, and the largest of one that tells."""
NOTHING = 1e-6
"""Difference of exponents that is none: without noise there is no error to compare with."""
LEAST = 0.05
"""Size of a target beside its mean from which on its logarithm says something."""
FEW = 8
"""Inputs up to which exponents that depend on another one are looked at."""
FUNCTIONS = 2
"""Functions in a product that are no powers, at most."""
SIZES = (0.1, 0.4, 0.8)
"""Quantiles of an input that it is compared with where it saturates."""


def products_of_functions(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield the product of powers and one other function that explains the logarithm of the target best, and of two.

    Parameters
    ----------
    to
        The rows; those of which the target is not well above zero are left out.
    words
        Tells which inputs there are, on the same rows.
    """
    y, root = to.of_values()
    used = y > LEAST * float(np.abs(y).mean())
    columns = words.columns
    powers = [j for j in words.straight if kind_of(columns, j) == "positive"]
    inside = [each for j in words.straight for each in _of_one(words, j)]
    inside += _of_two(words, powers) if len(powers) <= FEW else []
    extra: list[_InExponential | _Saturation] = [_InExponential(each) for each in inside]
    extra += [each for j in powers for each in _saturations(columns, j)]
    extra = [each for each in extra if words.admits(Law((Term(ONE, (each.factor(1.0),)),)))]
    if not extra or used.sum() < 2 * (len(powers) + 1 + FUNCTIONS):
        return
    target, root = np.log(y[used]), (root * y)[used, None]
    base = np.column_stack([*(columns.log(j) for j in powers), np.ones(len(y))])[used]
    more = np.column_stack([np.broadcast_to(each.argument(columns), len(y)) for each in extra])[used]
    basis = np.linalg.qr(root * base)[0]
    with np.errstate(all="ignore"):
        beside = root * more - basis @ (basis.T @ (root * more))
    left = root[:, 0] * target
    left = left - basis @ (basis.T @ left)
    for size in range(1, FUNCTIONS + 1):
        sets = np.array(list(combinations(range(len(extra)), size)), dtype=np.intp).reshape(-1, size)
        for chosen in ranked_sets(beside, left, sets)[:1]:
            rates = np.linalg.lstsq(beside[:, chosen], left, rcond=None)[0]
            factors = [extra[k].factor(rate) for k, rate in zip(chosen, rates.tolist(), strict=True)]
            coefficient, exponents = product_of_powers(
                base, target - more[:, chosen] @ rates, root[:, 0] ** 2
            )
            if np.isfinite(coefficient):  # a range far from zero: the exponential there is no number
                factors += [Power(j, e) for j, e in zip(powers, exponents, strict=True) if e.value or e.free]
                yield Law((Term(Parameter(coefficient), tuple(factors)),))


@dataclass(frozen=True)
class _InExponential:
    """An exponential of a product."""

    inside: tuple[Factor, ...]

    def argument(self, columns: Columns) -> Array:
        return value(Law((Term(ONE, self.inside),)), columns)

    def factor(self, rate: float) -> Factor:
        return _exponential(rate, self.inside)


@dataclass(frozen=True)
class _Saturation:
    """1 + x / size, multiplied by or divided by: what more hands, or more belts, help less and less."""

    column: int
    size: float

    def argument(self, columns: Columns) -> Array:
        return np.asarray(np.log1p(columns.of(self.column) / self.size))

    def factor(self, rate: float) -> Factor:
        beside = Term(Parameter(1.0 / self.size), (Power(self.column, ONE),))
        return Group(Law((Term(ONE), beside)), ONE if rate > 0.0 else MINUS_ONE)


def _saturations(columns: Columns, j: int) -> Iterator[_Saturation]:
    sizes = [*np.quantile(columns.of(j), SIZES), 3.0 * columns.high[j]]
    return (_Saturation(j, float(size)) for size in np.unique(sizes))


OF = {1.0: "x", 2.0: "x^2", -1.0: "1/x"}
"""What stands in an exponential of one input, by its exponent."""


def _exponential(rate: float, inside: tuple[Factor, ...]) -> Factor:
    (first, *others) = inside
    if isinstance(first, Power) and not others:
        return Exponential(first.column, Parameter(rate), OF[first.exponent.value])
    return Applied("exp", Law((Term(Parameter(rate), inside),)))


def _of_one(words: Dictionary, j: int) -> Iterator[tuple[Factor, ...]]:
    """Yield an input, its square and its reciprocal."""
    columns = words.columns
    wide = kind_of(columns, j) == "positive" and columns.high[j] > NARROWEST * columns.low[j]
    for exponent in OF:
        if wide or exponent > 0.0:
            yield (Power(j, Parameter(exponent, free=False)),)


def _of_two(words: Dictionary, powers: list[int]) -> Iterator[tuple[Factor, ...]]:
    """Yield u · log v and log u · log v, for v^(c · u) and v^(c · log u); u · v, u / v and its square."""
    for i, j in combinations(powers, 2):
        yield Logarithm(i), Logarithm(j)
        yield Power(i, ONE), Power(j, ONE)
    for i, j in permutations(powers, 2):
        for exponent in (1.0, 2.0):
            yield Power(i, Parameter(exponent, free=False)), Power(j, Parameter(-exponent, free=False))
    yield from ((Power(i, ONE), Logarithm(j)) for i in words.straight for j in powers if i != j)


def product_of_powers(rows: Array, target: Array, weight: Array) -> tuple[float, list[Parameter]]:
    """Return the coefficient of a product and its exponents, held where they are what a simple one would give.

    Parameters
    ----------
    rows
        Logarithms of the inputs, and a column of ones, shape (n, k + 1).
    target
        Logarithm of the target, shape (n,).
    weight
        Of the rows, shape (n,).
    """
    root = np.sqrt(weight)
    scaled, aim = root[:, None] * rows, root * target
    found = np.linalg.lstsq(scaled, aim, rcond=None)[0]
    noise = float(((aim - scaled @ found) ** 2).sum()) / max(len(rows) - len(found), 1)
    errors = np.sqrt(noise * np.maximum(np.diag(np.linalg.pinv(scaled.T @ scaled)), 0.0))
    exponents = []
    for estimate, error in zip(found[:-1].tolist(), errors[:-1].tolist(), strict=True):
        nearest = min(SIMPLE, key=lambda simple: abs(simple - estimate))
        told = error < LOOSE and abs(nearest - estimate) > max(NEAR * error, NOTHING)
        exponents.append(Parameter(estimate) if told else Parameter(nearest, free=False))
    rest = aim - scaled[:, :-1] @ np.array([each.value for each in exponents])
    with np.errstate(over="ignore"):
        return float(np.exp(rest @ root / weight.sum())), exponents
