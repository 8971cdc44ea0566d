"""Laws that no growth leads to, as neither of the products in them says much without the other.

A sum divided by a sum is one, (T₁ + T₂ + T₃) / (1 + b · R): a mean price, a load at another lever, growth that levels
off. With R and b given it is linear in its coefficients, so that they are scanned and the best products found for each
(separable least squares: Golub and Pereyra 1973, SIAM J. Numer. Anal. 10).

A power of a sum is another: the root of a sum of squares, the reciprocal of a sum of reciprocals, a sum of two sizes.
Of 1/y, or of y², such a law is a plain sum of products, which is linear in its coefficients (Box and Cox 1964, *An
analysis of transformations*, J. R. Stat. Soc. B 26). Two products are chosen together, as neither of them says much
alone. A constant beside a root, y = c + √S, is told by y² = 2 c y − c² + S.
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
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    Applied,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Term,
)

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
PAIRS = 3
"""Pairs of products that are tried, of either power, with and without a constant beside it."""
TRIED = 4
"""How many times as many are looked at."""
SMALL = 0.05
"""Size of a target beside its mean from which on its rows count fully: the weight of a smaller one has no end."""


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


def powers_of_sums(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield c + √(T₁ + T₂), √(T₁ + T₂), 1 / (T₁ + T₂), 1 / (c + T₁ + T₂) and c + √T₁ + √T₂, the best pairs of products.

    The last where T₁ and T₂ have squares of inputs of both signs: ways along aisles, where the others are straight.

    Parameters
    ----------
    to
        The rows.
    words
        The products, on the same rows.
    """
    y = np.exp(to.target) if to.log else to.target
    size = float(np.abs(y).mean())
    if not words.products or not np.isfinite(y).all() or not size > 0.0:
        return
    y = y / size  # squares and reciprocals of what is large or small are no numbers
    near = np.maximum(np.abs(y), SMALL)
    # errors of y² and 1/y are those of y, or of its logarithm, times the slope
    of_square, of_reciprocal = (near**2, 1.0 / near) if to.log else (near, near**-2)
    one = np.ones((len(y), 1))
    squares = [k for k, factors in enumerate(words.products) if _has_a_root(factors, words)]
    if squares:
        weight = to.weight / near**2 if to.log else to.weight
        roots = np.sqrt(words.product_values[:, squares])
        for (i, j), sizes, (middle,) in _best_pairs(roots, y, weight, one):
            terms = [
                _root(size * c, words.products[squares[k]], words) for c, k in zip(sizes, (i, j), strict=True)
            ]
            yield Law((Term(Parameter(size * float(middle))), *terms))
    products, values = [(), *words.products], np.column_stack([one, words.product_values])
    for beside in (None, np.column_stack([one, y])):
        weight = to.weight / of_square**2
        for (i, j), sizes, known in _best_pairs(values, y**2, weight, beside):
            middle = 0.5 * float(known[1]) if beside is not None else 0.0
            if beside is None or 0.0 < abs(middle) < float(np.abs(y).max()):
                yield _power_of_sum(words, (products[i], products[j]), sizes * size**2, 0.5, size * middle)
    if y.min() > 0.0:
        weight = to.weight / of_reciprocal**2
        for (i, j), sizes, _ in _best_pairs(values, 1.0 / y, weight, None):
            yield _power_of_sum(words, (products[i], products[j]), sizes / size, -1.0, 0.0)
        for (i, j), sizes, (constant,) in _best_pairs(values[:, 1:], 1.0 / y, weight, one):
            yield _reciprocal((products[i + 1], products[j + 1]), sizes / size, float(constant) / size)


def _reciprocal(
    products: tuple[tuple[Factor, ...], tuple[Factor, ...]], sizes: Array, constant: float
) -> Law:
    """Return 1 / (c + T₁ + T₂), what rises with an input until too much of it hinders (Haldane 1930, *Enzymes*)."""
    first, second = ({f.column: f.exponent.value for f in each if isinstance(f, Power)} for each in products)

    def over_first(powers: dict[int, float]) -> tuple[Power, ...]:
        left = {j: powers.get(j, 0.0) - first.get(j, 0.0) for j in {**first, **powers}}
        return tuple(Power(j, Parameter(e, free=False)) for j, e in left.items() if e)

    inside = Term(Parameter(constant / float(sizes[0])), over_first({}))
    other = Term(Parameter(float(sizes[1] / sizes[0])), over_first(second))
    group = Group(Law((Term(ONE), inside, other)), Parameter(-1.0, free=False))
    return Law((Term(Parameter(1.0 / float(sizes[0])), (*over_first({}), group)),))


def _has_a_root(factors: tuple[Factor, ...], words: Dictionary) -> bool:
    """Whether a product has a square of an input of both signs, and no other power of one."""
    signed = [f for f in factors if isinstance(f, Power) and kind_of(words.columns, f.column) == "signed"]
    return bool(signed) and all(f.exponent.value == 2.0 for f in signed)


def _root(size: float, factors: tuple[Factor, ...], words: Dictionary) -> Term:
    """Return the root of a product: sizes of inputs that it has squares of."""
    roots: list[Factor] = []
    for f in factors:
        assert isinstance(f, Power)
        if kind_of(words.columns, f.column) == "signed":
            roots.append(Applied("abs", Law((Term(ONE, (Power(f.column, ONE),)),))))
        else:
            roots.append(Power(f.column, Parameter(0.5 * f.exponent.value, free=False)))
    return Term(Parameter(float(size)), tuple(roots))


def _best_pairs(
    products: Array, target: Array, weight: Array, beside: Array | None
) -> Iterator[tuple[tuple[int, int], Array, Array]]:
    """Yield the numbers of two products that explain a target best, their coefficients, and those of what is beside.

    One coefficient may be below zero; pairs of which the sum is not above zero on every row are left out.
    """
    root = np.sqrt(weight)
    with np.errstate(all="ignore"):
        columns, aim = root[:, None] * products, root * target
        basis = np.zeros((len(aim), 0)) if beside is None else np.linalg.qr(root[:, None] * beside)[0]
        columns = columns - basis @ (basis.T @ columns)
        size = np.sqrt((columns**2).sum(axis=0))
        whole = np.isfinite(size) & (size > 1e-9 * np.sqrt(((root[:, None] * products) ** 2).sum(axis=0)))
    kept = np.flatnonzero(whole)
    if len(kept) < 2:
        return
    columns, size = columns[:, kept] / size[kept], size[kept]
    left = aim - basis @ (basis.T @ aim)
    gram, told = columns.T @ columns, columns.T @ left
    rest = np.maximum(1.0 - gram**2, 1e-12)
    first = (told[:, None] - gram * told[None, :]) / rest
    taken = first * told[:, None] + first.T * told[None, :]
    sound = (np.abs(gram) < ALIKE) & ((first > 0.0) | (first.T > 0.0))
    taken = np.where(np.triu(sound, 1), taken, -np.inf)
    found = 0
    most = min(TRIED * PAIRS, taken.size)
    largest = np.argpartition(taken, -most, axis=None)[
        -most:
    ]  # of thousands of products there are millions of pairs
    for flat in largest[np.argsort(-taken.flat[largest], kind="stable")]:
        i, j = np.unravel_index(flat, taken.shape)
        if not np.isfinite(taken[i, j]) or found == PAIRS:
            return
        if first[i, j] < 0.0:
            i, j = j, i
        sizes = np.array([first[i, j] / size[i], first[j, i] / size[j]])
        said = products[:, kept[[i, j]]] @ sizes
        if said.min() <= 0.0:
            continue
        found += 1
        known = np.zeros(0)
        if beside is not None:
            known = np.linalg.lstsq(root[:, None] * beside, aim - root * said, rcond=None)[0]
        yield (int(kept[i]), int(kept[j])), sizes, known


def _power_of_sum(
    words: Dictionary,
    products: tuple[tuple[Factor, ...], tuple[Factor, ...]],
    sizes: Array,
    exponent: float,
    middle: float,
) -> Law:
    """Return c + S^p, with the powers outside that both terms have.

    The first term stands in the units of the inputs themselves, so that the second may be told to count as much.
    """
    columns = words.columns
    first, second = ({f.column: f.exponent.value for f in each if isinstance(f, Power)} for each in products)
    positive = {j: e for j, e in first.items() if kind_of(columns, j) == "positive"}
    # a difference reads a / (1 − a), not 1 / (1 / a − 1)
    shared = positive if sizes[1] < 0.0 else {j: e for j, e in positive.items() if second.get(j) == e}

    def without(powers: dict[int, float]) -> tuple[Power, ...]:
        left = {j: powers.get(j, 0.0) - shared.get(j, 0.0) for j in {**powers, **shared}}
        return tuple(Power(j, Parameter(e, free=False)) for j, e in left.items() if e)

    inside = without(first)
    unit = float(np.prod([columns.scales[f.column] ** f.exponent.value for f in inside]))
    one = Term(Parameter(unit, free=False), inside)
    other = Term(Parameter(float(sizes[1] / sizes[0]) * unit), without(second))
    power = Group(Law((one, other)), Parameter(exponent, free=False))
    outside = tuple(Power(j, Parameter(e * exponent, free=False)) for j, e in shared.items())
    term = Term(Parameter(float((sizes[0] / unit) ** exponent)), (*outside, power))
    return Law((Term(Parameter(middle)), term) if middle else (term,))
