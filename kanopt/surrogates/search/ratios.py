"""A sum divided by a sum, (T₁ + T₂ + T₃) / (1 + b · R): a mean price, a load at another lever, growth that levels off.

With R and b given such a law is linear in its coefficients, so that they are scanned and the best products found for
each (separable least squares: Golub and Pereyra 1973, SIAM J. Numer. Anal. 10). Growth from one product does
not lead there, since neither the sum nor the divisor says much without the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.shapes import kind_of
from kanopt.surrogates.search.structure import MINUS_ONE, ONE, Factor, Group, Law, Parameter, Power, Term

__all__ = ["ratios_of_sums"]

Array = NDArray[np.float64]

MOST_PRODUCTS = 150
"""Products up to which all pairs of them are tried; of more, those of three inputs are left out."""
SIZES = tuple(np.geomspace(0.03, 30.0, 19).tolist())
"""Sizes b · R at the median of R at which the scan stands."""
SCANNED = 250
"""Rows of the scan."""
REFINED, YIELDED = 12, 3
"""Divisors for which b is made exact, and laws that are returned, of two products and of three."""
WIDTH = 1.5
"""Factor around a size of the scan in which b is looked for."""
COMPLETED = 8
"""Pairs to which a third product is looked for."""
ALIKE = 0.999
"""Correlation beyond which two products are one."""


def ratios_of_sums(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield (T₁ + T₂) / (1 + b · R) with products of inputs and reciprocals of them, and with T₃, the best ones first.

    Parameters
    ----------
    to
        The rows; the first of them are scanned.
    words
        The products, on the same rows.
    """
    rows = slice(SCANNED)
    y = (np.exp(to.target) if to.log else to.target)[rows]
    root = to.root[rows] / y if to.log else to.root[rows]
    chosen = [k for k, factors in enumerate(words.products) if _is_plain(factors)]
    if len(chosen) > MOST_PRODUCTS:
        chosen = [k for k in chosen if len(words.products[k]) < 3]
    if not chosen or len(chosen) > MOST_PRODUCTS or not np.isfinite(root @ y):
        return
    products: list[tuple[Factor, ...]] = [(), *(words.products[k] for k in chosen)]
    values = np.column_stack([np.ones(len(y)), words.product_values[rows, chosen]])
    found: tuple[list[_Ratio], list[_Ratio]] = [], []
    for r, factors in enumerate(products):
        if not 0 < len(factors) < 3 or any(kind_of(words.columns, j) != "positive" for j in _inputs(factors)):
            continue
        middle = float(np.median(values[:, r]))
        trials: tuple[list[_Ratio], list[_Ratio]] = [], []
        for size in SIZES:
            columns = root[:, None] * values / (1.0 + size / middle * values[:, [r]])
            for (squares, above), tried in zip(_best_sets(columns, root * y), trials, strict=False):
                tried.append((squares, r, size / middle, above))
        for tried, of_all in zip(trials, found, strict=True):
            of_all += [min(tried)] if tried else []
    for ratios in found:
        refined = sorted(_refined(each, values, root, y) for each in sorted(ratios)[:REFINED])
        for _, r, b, above in refined[:YIELDED]:
            columns = root[:, None] * values[:, above] / (1.0 + b * values[:, [r]])
            sizes = np.asarray(np.linalg.lstsq(columns, root * y, rcond=None)[0], dtype=np.float64)
            if sizes.all():
                yield _law([products[k] for k in above], sizes, products[r], b)


_Ratio: TypeAlias = "tuple[float, int, float, tuple[int, ...]]"
"""Squares left, the number of R, b, and the numbers of the products above."""


def _is_plain(factors: tuple[Factor, ...]) -> bool:
    """Whether a product is one of inputs and reciprocals of them, or the square of one input."""
    exponents = [f.exponent.value for f in factors if isinstance(f, Power)]
    return exponents == [2.0] or all(abs(e) == 1.0 for e in exponents)


def _inputs(factors: tuple[Factor, ...]) -> list[int]:
    return [f.column for f in factors if isinstance(f, Power)]


def _best_sets(columns: Array, target: Array) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield the squares that the best two columns leave of a target, and their numbers; then those with a third."""
    with np.errstate(all="ignore"):
        size = np.sqrt((columns**2).sum(axis=0))
        scaled = columns / size
    sound = np.isfinite(scaled).all(axis=0)
    scaled = np.where(sound, scaled, 0.0)
    gram, told = scaled.T @ scaled, scaled.T @ target
    rest = np.maximum(1.0 - gram**2, 1e-12)
    taken = (told[:, None] ** 2 + told[None, :] ** 2 - 2.0 * gram * told[:, None] * told[None, :]) / rest
    may_be = (np.abs(gram) < ALIKE) & sound & sound[:, None]
    taken = np.where(np.triu(may_be, 1), taken, -np.inf)
    count = min(COMPLETED, int(np.isfinite(taken).sum()))
    if not count:
        return
    best = np.argpartition(-taken, count - 1, axis=None)[:count]
    i, j = np.unravel_index(best, taken.shape)
    gains = taken[i, j]
    squares, first = float(target @ target), int(gains.argmax())
    yield squares - float(gains[first]), (int(i[first]), int(j[first]))
    # what a third column has beside each pair, and what of the target lies along it
    turned = (gram[i] - gram[i, j][:, None] * gram[j]) / rest[i, j][:, None]
    left = (gram[j] - gram[i, j][:, None] * gram[i]) / rest[i, j][:, None]
    own = 1.0 - gram[i] * turned - gram[j] * left
    along = told - told[i][:, None] * turned - told[j][:, None] * left
    more = np.where((own > 1.0 - ALIKE**2) & sound, along**2 / np.maximum(own, 1e-12), 0.0)
    third = more.argmax(axis=1)
    whole = gains + more[np.arange(count), third]
    first = int(whole.argmax())
    if more[first, third[first]] > 0.0:
        yield squares - float(whole[first]), (int(i[first]), int(j[first]), int(third[first]))


def _refined(found: _Ratio, values: Array, root: Array, y: Array) -> _Ratio:
    """Return what was found with the b that leaves the least squares."""
    _, r, b, above = found

    def left(log_b: float) -> float:
        columns = root[:, None] * values[:, above] / (1.0 + np.exp(log_b) * values[:, [r]])
        sizes = np.linalg.lstsq(columns, root * y, rcond=None)[0]
        return float(((root * y - columns @ sizes) ** 2).sum())

    near = np.log(b) - np.log(WIDTH), np.log(b) + np.log(WIDTH)
    best = minimize_scalar(left, bounds=near, method="bounded", options={"maxiter": 20})
    return float(best.fun), r, float(np.exp(best.x)), above


def _law(products: list[tuple[Factor, ...]], sizes: Array, divisor: tuple[Factor, ...], b: float) -> Law:
    """Return T₁ · (1 + c · T₂ / T₁ + …) / (1 + b · R)."""
    first, *others = ({f.column: f.exponent.value for f in each if isinstance(f, Power)} for each in products)
    terms = [Term(ONE)]
    for size, other in zip(sizes[1:], others, strict=True):
        ratio = {j: other.get(j, 0.0) - first.get(j, 0.0) for j in {**first, **other}}
        inside = tuple(Power(j, Parameter(e, free=False)) for j, e in ratio.items() if e)
        terms.append(Term(Parameter(float(size / sizes[0])), inside))
    below = Group(Law((Term(ONE), Term(Parameter(b), divisor))), MINUS_ONE)
    return Law((Term(Parameter(float(sizes[0])), (*products[0], Group(Law(tuple(terms))), below)),))
