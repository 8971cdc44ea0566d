"""A product of powers and exponentials, which is linear in logarithms: x · exp(−x / θ) rises and falls again.

Growth does not lead there from x alone, which says nothing of what both rises and falls.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.signomials.dictionary import NARROWEST, Dictionary
from kanopt.surrogates.signomials.fitting import Target
from kanopt.surrogates.signomials.shapes import kind_of
from kanopt.surrogates.signomials.structure import Exponential, Factor, Law, Parameter, Power, Term

__all__ = ["product_of_powers", "products_with_exponentials"]

Array = NDArray[np.float64]

SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Exponents that are taken for what an estimate means."""
NEAR, LOOSE = 3.0, 0.15
"""Standard errors within which it does, and the largest of one that tells."""
NOTHING = 1e-6
"""Difference of exponents that is none: without noise there is no error to compare with."""
LEAST = 0.05
"""Size of a target beside its mean from which on its logarithm says something."""
EXPONENTIALS = 2
"""Exponentials of a product, at most."""
RIDGE = 1e-12


def products_with_exponentials(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield the product of powers and one exponential that explains the logarithm of the target best, and that of two.

    Parameters
    ----------
    to
        The rows; those of which the target is not well above zero are left out.
    words
        Tells which inputs there are, on the same rows.
    """
    y = np.exp(to.target) if to.log else to.target
    used = y > LEAST * float(np.abs(y).mean())
    columns = words.columns
    powers = [j for j in words.straight if kind_of(columns, j) == "positive"]
    extra = [factor for j in words.straight for factor in _exponentials(words, j)]
    if not extra or used.sum() < 2 * (len(powers) + 1 + EXPONENTIALS):
        return
    target = np.log(y[used])
    weight = to.weight[used] * (1.0 if to.log else y[used] ** 2)
    base = np.column_stack([*(columns.log(j) for j in powers), np.ones(len(y))])[used]
    more = np.column_stack([_argument(words, factor) for factor in extra])[used]
    for size in range(1, EXPONENTIALS + 1):
        sets = np.array(list(combinations(range(len(extra)), size)))
        chosen, rates = _best_set(base, more, target, weight, sets)
        factors: list[Factor] = [
            Exponential(extra[k].column, Parameter(rate), extra[k].of)
            for k, rate in zip(chosen, rates.tolist(), strict=True)
        ]
        coefficient, exponents = product_of_powers(base, target - more[:, chosen] @ rates, weight)
        if not np.isfinite(coefficient):
            continue  # a range far from zero: the exponential there is no number
        factors += [Power(j, e) for j, e in zip(powers, exponents, strict=True) if e.value or e.free]
        yield Law((Term(Parameter(coefficient), tuple(factors)),))


def _exponentials(words: Dictionary, j: int) -> Iterator[Exponential]:
    columns = words.columns
    wide = columns.high[j] > NARROWEST * columns.low[j]
    kinds = ("x", "x^2", "1/x") if kind_of(columns, j) == "positive" and wide else ("x", "x^2")
    for of in kinds:
        factor = Exponential(j, Parameter(1.0), of)
        if words.admits(Law((Term(Parameter(1.0), (factor,)),))):
            yield factor


def _argument(words: Dictionary, factor: Exponential) -> Array:
    x = words.columns.of(factor.column)
    return {"x": x, "x^2": x * x}[factor.of] if factor.of != "1/x" else 1.0 / x


def _best_set(
    base: Array, more: Array, target: Array, weight: Array, sets: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Array]:
    """Return which set of columns explains a target best beside others, and its coefficients."""
    root = np.sqrt(weight)[:, None]
    basis = np.linalg.qr(root * base)[0]
    columns, left = root * more, root[:, 0] * target
    columns, left = columns - basis @ (basis.T @ columns), left - basis @ (basis.T @ left)
    size = np.maximum(np.sqrt((columns**2).sum(axis=0)), 1e-300)
    scaled = columns / size
    gram, told = scaled.T @ scaled + RIDGE * np.eye(len(size)), scaled.T @ left
    found = np.linalg.solve(gram[sets[:, :, None], sets[:, None, :]], told[sets][..., None])[..., 0]
    best = int((found * told[sets]).sum(axis=1).argmax())
    return sets[best], found[best] / size[sets[best]]


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
    for value, error in zip(found[:-1].tolist(), errors[:-1].tolist(), strict=True):
        nearest = min(SIMPLE, key=lambda simple: abs(simple - value))
        told = error < LOOSE and abs(nearest - value) > max(NEAR * error, NOTHING)
        exponents.append(Parameter(value) if told else Parameter(nearest, free=False))
    rest = aim - scaled[:, :-1] @ np.array([each.value for each in exponents])
    with np.errstate(over="ignore"):
        return float(np.exp(rest @ root / weight.sum())), exponents
