"""A power of a sum: the root of a sum of squares, the reciprocal of a sum of reciprocals; or a sum of two sizes.

Of 1/y, or of y², such a law is a plain sum of products, which is linear in its coefficients (Box and Cox 1964, *An
analysis of transformations*, J. R. Stat. Soc. B 26). Two products are chosen together, as neither of them says much
alone. A constant beside a root, y = c + √S, is told by y² = 2 c y − c² + S.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.shapes import kind_of
from kanopt.surrogates.search.structure import ONE, Applied, Factor, Group, Law, Parameter, Power, Term

__all__ = ["powers_of_sums"]

Array = NDArray[np.float64]

PAIRS = 3
"""Pairs of products that are tried, of either power, with and without a constant beside it."""
TRIED = 4
"""How many times as many are looked at."""
ALIKE = 0.999
"""Correlation beyond which two products are one."""
LEAST = 0.05
"""Size of a target beside its mean from which on its rows count fully: the weight of a smaller one has no end."""


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
    near = np.maximum(np.abs(y), LEAST)
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
                yield _law(words, (products[i], products[j]), sizes * size**2, 0.5, size * middle)
    if y.min() > 0.0:
        weight = to.weight / of_reciprocal**2
        for (i, j), sizes, _ in _best_pairs(values, 1.0 / y, weight, None):
            yield _law(words, (products[i], products[j]), sizes / size, -1.0, 0.0)
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


def _law(
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
