"""Laws that no growth leads to, as neither of the products in them says much without the other.

A power of a sum is one: the root of a sum of squares, the reciprocal of a sum of reciprocals, a sum of two sizes.
Of 1/y, or of y², such a law is a plain sum of products, which is linear in its coefficients (Box and Cox 1964, *An
analysis of transformations*, J. R. Stat. Soc. B 26). Two products are chosen together, as neither of them says much
alone. A constant beside a root, y = c + √S, is told by y² = 2 c y − c² + S.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import plane
from kanopt.surrogates.search.dictionary import NARROWEST, Dictionary, kind_of
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.program import FLATTEST, Columns, value
from kanopt.surrogates.search.scores import ranked_sets
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
    fixed,
)

Product: TypeAlias = "tuple[Factor, ...]"

ALIKE = 0.999
"""Correlation beyond which two products are one."""
PAIRS, TRIED, BEGUN = 3, 12, 100
"""Pairs of products that are returned, of either power, with and without a constant beside it; that are looked at; and
that a third product is looked for to."""
SMALL = 0.05
"""Size of a target beside its mean from which on its rows count fully: the weight of a smaller one has no end."""


@dataclass(frozen=True, eq=False)
class _Columns:
    """Columns that are compared with a target in pairs, by their normal equations; zero where one is no number."""

    gram: Floats
    told: Floats

    @classmethod
    def of(cls, columns: Floats, target: Floats) -> _Columns:
        with np.errstate(all="ignore"):
            size = np.sqrt((columns**2).sum(axis=0))
            scaled = columns / size
        scaled = np.where(np.isfinite(scaled).all(axis=0), scaled, 0.0)
        return cls(scaled.T @ scaled, scaled.T @ target)

    def pairs(self, most: int, *, rising: bool = False) -> tuple[NDArray[np.intp], Floats]:
        """Return the pairs that take most of the squares, best first, shape (k, 2), and what they take.

        Where they are to be `rising` one coefficient of a pair is above zero.
        """
        rest = np.maximum(1.0 - self.gram**2, 1e-12)
        first = (self.told[:, None] - self.gram * self.told[None, :]) / rest
        taken = first * self.told[:, None] + first.T * self.told[None, :]
        sound = np.diag(self.gram) > 0.5
        sound = (np.abs(self.gram) < ALIKE) & sound & sound[:, None]
        if rising:
            sound &= (first > 0.0) | (first.T > 0.0)
        taken = np.where(np.triu(sound, 1), taken, -np.inf)
        most = min(most, int(np.isfinite(taken).sum()))
        # of thousands of products there are millions of pairs
        largest = np.argpartition(-taken, most - 1, axis=None)[:most] if most else np.zeros(0, dtype=np.intp)
        largest = largest[np.argsort(-taken.flat[largest], kind="stable")]
        return np.column_stack(np.unravel_index(largest, taken.shape)), taken.flat[largest]

    def completed(self, pairs: NDArray[np.intp], gains: Floats) -> tuple[tuple[int, ...], float]:
        """Return the best of some pairs with a third column, and what the three take."""
        i, j = pairs.T
        between = self.gram[i, j][:, None]
        rest = np.maximum(1.0 - between**2, 1e-12)
        # what a third column has beside each pair, and what of the target lies along it
        turned = (self.gram[i] - between * self.gram[j]) / rest
        left = (self.gram[j] - between * self.gram[i]) / rest
        own = np.diag(self.gram) - self.gram[i] * turned - self.gram[j] * left
        along = self.told - self.told[i][:, None] * turned - self.told[j][:, None] * left
        more = np.where(own > 1.0 - ALIKE**2, along**2 / np.maximum(own, 1e-12), 0.0)
        place = int((gains + more.max(axis=1)).argmax())
        third = int(more[place].argmax())
        return (int(i[place]), int(j[place]), third), float(gains[place] + more[place, third])


def _powers(factors: Product) -> dict[int, float]:
    """Return the exponents of a product by input."""
    return {f.column: f.exponent.value for f in factors if isinstance(f, Power)}


def powers_of_sums(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield c + √(T₁ + T₂), √(T₁ + T₂), 1 / (T₁ + T₂), 1 / (c + T₁ + T₂) and c + √T₁ + √T₂, the best pairs of products.

    The last where T₁ and T₂ have squares of inputs of both signs: ways along aisles, where the others are straight. A
    reciprocal with a constant rises with an input until too much of it hinders (Haldane 1930, *Enzymes*).

    Parameters
    ----------
    to
        The rows.
    words
        The products, on the same rows.
    """
    y, _ = to.of_values()
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
        for pair, sizes, (middle,) in _best_pairs(roots, y, weight, one):
            terms = [
                _root(size * c, words.products[squares[k]], words) for c, k in zip(sizes, pair, strict=True)
            ]
            yield Law((Term(Parameter(size * float(middle))), *terms))
    products, values = [(), *words.products], np.column_stack([one, words.product_values])
    for beside in (None, np.column_stack([one, y])):
        for pair, sizes, known in _best_pairs(values, y**2, to.weight / of_square**2, beside):
            middle = 0.5 * float(known[1]) if beside is not None else 0.0
            if beside is None or 0.0 < abs(middle) < float(np.abs(y).max()):
                chosen = [products[k] for k in pair]
                root = _sum_to_power(words, chosen, sizes * size**2, 0.5, divided=bool(sizes.min() < 0.0))
                yield Law((Term(Parameter(size * middle)), root) if middle else (root,))
    if y.min() > 0.0:
        for beside in (None, one):
            for pair, sizes, known in _best_pairs(values, 1.0 / y, to.weight / of_reciprocal**2, beside):
                chosen = [*(products[k] for k in pair), *([()] if len(known) else [])]
                every = np.r_[sizes, known] / size
                divided = bool(len(known) or sizes.min() < 0.0)
                yield Law((_sum_to_power(words, chosen, every, -1.0, divided=divided),))


def _has_a_root(factors: Product, words: Dictionary) -> bool:
    """Whether a product has a square of an input of both signs, and no other power of one."""
    signed = [e for j, e in _powers(factors).items() if kind_of(words.columns, j) == "signed"]
    return bool(signed) and all(e == 2.0 for e in signed)


def _root(size: float, factors: Product, words: Dictionary) -> Term:
    """Return the root of a product: sizes of inputs that it has squares of."""
    roots: list[Factor] = []
    for j, e in _powers(factors).items():
        if kind_of(words.columns, j) == "signed":
            roots.append(Applied("abs", Law((Term(ONE, (Power(j, ONE),)),))))
        else:
            roots.append(Power(j, fixed(0.5 * e)))
    return Term(Parameter(float(size)), tuple(roots))


def _best_pairs(
    products: Floats, target: Floats, weight: Floats, beside: Floats | None
) -> Iterator[tuple[list[int], Floats, Floats]]:
    """Yield the numbers of products that explain a target best, their coefficients, and those of what is beside.

    One coefficient is above zero; those of which the sum is not above zero on every row are left out.
    """
    root = np.sqrt(weight)[:, None]
    aim = root[:, 0] * target
    beside = np.zeros((len(aim), 0)) if beside is None else beside
    basis = np.linalg.qr(root * beside)[0]
    with np.errstate(all="ignore"):
        whole = root * products
        columns = whole - basis @ (basis.T @ whole)
        nothing = ~((columns**2).sum(axis=0) > 1e-18 * (whole**2).sum(axis=0))
        columns[:, nothing] = np.nan
    normal = _Columns.of(columns, aim - basis @ (basis.T @ aim))
    pairs, gains = normal.pairs(BEGUN, rising=True)
    if not len(pairs):
        return
    found = 0
    for chosen in (list(normal.completed(pairs, gains)[0]), *pairs[:TRIED].tolist()):
        own = len(chosen)
        sizes = np.linalg.lstsq(root * np.column_stack([products[:, chosen], beside]), aim, rcond=None)[0]
        if found <= PAIRS and (products[:, chosen] @ sizes[:own]).min() > 0.0:
            found += 1
            order = np.argsort(-sizes[:own] > 0.0, kind="stable")
            yield [chosen[k] for k in order], sizes[order], sizes[own:]


def _sum_to_power(
    words: Dictionary, products: Sequence[Product], sizes: Floats, exponent: float, *, divided: bool
) -> Term:
    """Return a sum to a power, with the powers outside that all products have.

    The first product stands in the units of the inputs themselves, so that another may be told to count as much. Where
    the sum is to be `divided` by it, it stands outside: a difference reads a / (1 − a), not 1 / (1 / a − 1).
    """
    first, *others = map(_powers, products)
    shared = {j: e for j, e in first.items() if kind_of(words.columns, j) == "positive"}
    if not divided:
        shared = {j: e for j, e in shared.items() if all(other.get(j) == e for other in others)}

    def without(powers: dict[int, float]) -> tuple[Power, ...]:
        left = {j: powers.get(j, 0.0) - shared.get(j, 0.0) for j in {**powers, **shared}}
        return tuple(Power(j, fixed(e)) for j, e in left.items() if e)

    inside = without(first)
    unit = float(np.prod([words.columns.scales[f.column] ** f.exponent.value for f in inside]))
    terms = [Term(fixed(unit), inside)]
    for size, other in zip(sizes[1:].tolist(), others, strict=True):
        terms.append(Term(Parameter(size / float(sizes[0]) * unit), without(other)))
    outside = (Power(j, fixed(e * exponent)) for j, e in shared.items())
    group = Group(Law(tuple(terms)), fixed(exponent))
    return Term(Parameter(float((sizes[0] / unit) ** exponent)), (*outside, group))


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
QUANTILES = (0.1, 0.4, 0.8)
"""Quantiles of an input that it is compared with where it saturates."""


# ── products of powers and other functions, which are linear in logarithms ──


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

    def argument(self, columns: Columns) -> Floats:
        return value(Law((Term(ONE, self.inside),)), columns)

    def factor(self, rate: float) -> Factor:
        return _exponential(rate, self.inside)


@dataclass(frozen=True)
class _Saturation:
    """1 + x / size, multiplied by or divided by: what more hands, or more belts, help less and less."""

    column: int
    size: float

    def argument(self, columns: Columns) -> Floats:
        return np.asarray(np.log1p(columns.of(self.column) / self.size))

    def factor(self, rate: float) -> Factor:
        beside = Term(Parameter(1.0 / self.size), (Power(self.column, ONE),))
        return Group(Law((Term(ONE), beside)), ONE if rate > 0.0 else MINUS_ONE)


def _saturations(columns: Columns, j: int) -> Iterator[_Saturation]:
    sizes = [*np.quantile(columns.of(j), QUANTILES), 3.0 * columns.high[j]]
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
            yield (Power(j, fixed(exponent)),)


def _of_two(words: Dictionary, powers: list[int]) -> Iterator[tuple[Factor, ...]]:
    """Yield u · log v and log u · log v, for v^(c · u) and v^(c · log u); u · v, u / v and its square."""
    for i, j in combinations(powers, 2):
        yield Logarithm(i), Logarithm(j)
        yield Power(i, ONE), Power(j, ONE)
    for i, j in permutations(powers, 2):
        for exponent in (1.0, 2.0):
            yield Power(i, fixed(exponent)), Power(j, fixed(-exponent))
    yield from ((Power(i, ONE), Logarithm(j)) for i in words.straight for j in powers if i != j)


def product_of_powers(rows: Floats, target: Floats, weight: Floats) -> tuple[float, list[Parameter]]:
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
    found, errors = plane(rows, target, weight)
    exponents = []
    for estimate, error in zip(found[:-1].tolist(), errors[:-1].tolist(), strict=True):
        nearest = min(SIMPLE, key=lambda simple: abs(simple - estimate))
        told = error < LOOSE and abs(nearest - estimate) > max(NEAR * error, NOTHING)
        told = told and abs(estimate) > FLATTEST  # a flatter one has no value
        exponents.append(Parameter(estimate) if told else fixed(nearest))
    rest = target - rows[:, :-1] @ np.array([each.value for each in exponents])
    with np.errstate(over="ignore"):
        return float(np.exp(weight @ rest / weight.sum())), exponents
