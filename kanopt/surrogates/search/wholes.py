"""Laws that no growth leads to, as neither of the products in them says much without the other.

A power of a sum is one: the root of a sum of squares, the reciprocal of a sum of reciprocals, a sum of two sizes.
Of 1/y, or of y², such a law is a plain sum of products, which is linear in its coefficients (Box and Cox 1964, *An
analysis of transformations*, J. R. Stat. Soc. B 26). Two products are chosen together, as neither of them says much
alone. A constant beside a root, y = c + √S, is told by y² = 2 c y − c² + S.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, combinations_with_replacement, permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import plane
from kanopt.surrogates.search.dictionary import NARROWEST, Dictionary, kind_of
from kanopt.surrogates.search.fitting import Target, ranked_sets
from kanopt.surrogates.search.program import FLATTEST, value
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    ZERO,
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
    inputs_of,
    joined,
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


def wholes(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield extremes, powers of sums, also of what is left beside powers that multiply all, and products of functions.

    Parameters
    ----------
    to
        The rows, the first of them as good as drawn.
    words
        The products, on the same rows.
    """
    for kind in (extremes, powers_of_sums, products_of_functions):
        yield from kind(to, words)
    if shared := _multiplying_all(to, words):
        outside = [Power(j, fixed(e)) for j, e in shared.items()]
        size = value(Law((Term(ONE, tuple(outside)),)), to.columns)
        target = to.target - np.log(size) if to.log else to.target / size
        apart = replace(to, target=target, weight=to.weight if to.log else to.weight * size**2)
        for law in powers_of_sums(apart, replace(words, without=frozenset(shared))):
            yield Law(tuple(replace(t, factors=joined((*outside, *t.factors))) for t in law.terms))


def _multiplying_all(to: Target, words: Dictionary) -> dict[int, float]:
    """Return the inputs of which a simple power multiplies all that the others say, each with its exponent.

    The logarithm of the target is no product of such an input and another one, and does not bend with it.
    """
    y, root = to.of_values()
    used = y > LEAST * float(np.abs(y).mean())
    inputs = [j for j in words.straight if kind_of(words.columns, j) == "positive"]
    pairs = list(combinations_with_replacement(range(len(inputs)), 2))
    if not 1 < len(inputs) <= FEW or used.sum() < 2 * (1 + len(inputs) + len(pairs)):
        return {}
    logs = np.column_stack([words.columns.log(j) for j in inputs])[used]
    logs = logs - logs.mean(axis=0)
    bent = np.column_stack([logs[:, i] * logs[:, k] for i, k in pairs])
    rows = np.column_stack([logs, bent, np.ones(len(logs))])
    found, errors = plane(rows, np.log(y[used]), (root * y)[used] ** 2)
    bends = np.abs(found[len(inputs) : -1]) > SURE * errors[len(inputs) : -1]
    straight = set(range(len(inputs))).difference(
        *(pair for pair, bend in zip(pairs, bends, strict=True) if bend)
    )
    nearest = {k: min(SIMPLE, key=lambda simple: abs(simple - found[k])) for k in sorted(straight)}
    told = {
        inputs[k]: e for k, e in nearest.items() if e and abs(e - found[k]) < min(SURE * errors[k], LOOSE)
    }
    return told if len(told) < len(words.straight) else {}


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
SURE, LOOSE = 3.0, 0.15
"""Standard errors within which it does, and the largest of one that tells."""
NOTHING = 1e-6
"""Difference of exponents that is none: without noise there is no error to compare with."""
LEAST = 0.05
"""Size of a target beside its mean from which on its logarithm says something."""
FEW = 8
"""Inputs up to which exponents that depend on another one, and several planes, are looked at."""
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
    extra = list(_functions(words, powers))
    if not extra or used.sum() < 2 * (len(powers) + 1 + FUNCTIONS):
        return
    target, root = np.log(y[used]), (root * y)[used, None]
    base = np.column_stack([*(columns.log(j) for j in powers), np.ones(len(y))])[used]
    more = np.column_stack([np.broadcast_to(argument, len(y)) for argument, _ in extra])[used]
    basis = np.linalg.qr(root * base)[0]
    with np.errstate(all="ignore"):
        beside = root * more - basis @ (basis.T @ (root * more))
    left = root[:, 0] * target
    left = left - basis @ (basis.T @ left)
    for size in range(1, FUNCTIONS + 1):
        sets = np.array(list(combinations(range(len(extra)), size)), dtype=np.intp).reshape(-1, size)
        for chosen in ranked_sets(beside, left, sets)[:1]:
            rates = np.linalg.lstsq(beside[:, chosen], left, rcond=None)[0]
            factors = [extra[k][1](rate) for k, rate in zip(chosen, rates.tolist(), strict=True)]
            coefficient, exponents = product_of_powers(
                base, target - more[:, chosen] @ rates, root[:, 0] ** 2
            )
            if np.isfinite(coefficient):  # a range far from zero: the exponential there is no number
                factors += [Power(j, e) for j, e in zip(powers, exponents, strict=True) if e.value or e.free]
                yield Law((Term(Parameter(coefficient), tuple(factors)),))


def _functions(words: Dictionary, powers: list[int]) -> Iterator[tuple[Floats, Callable[[float], Factor]]]:
    """Yield functions but for their rates in a logarithm: what is multiplied by these, (n,), and what they are then.

    They are exponentials of products, and 1 + x / size, multiplied by or divided by: what more hands, or more belts,
    help less and less.
    """
    columns = words.columns
    inside = [each for j in words.straight for each in _of_one(words, j)]
    for product in (*inside, *(_of_two(words, powers) if len(powers) <= FEW else ())):
        yield value(Law((Term(ONE, product),)), columns), partial(_exponential, product)
    for j in powers:
        sizes = [*np.quantile(columns.of(j), QUANTILES), 3.0 * columns.high[j]]
        for size in np.unique(sizes).tolist():
            yield np.asarray(np.log1p(columns.of(j) / size)), partial(_saturation, j, size)


def _saturation(column: int, size: float, rate: float) -> Factor:
    beside = Term(Parameter(1.0 / size), (Power(column, ONE),))
    return Group(Law((Term(ONE), beside)), ONE if rate > 0.0 else MINUS_ONE)


OF = {1.0: "x", 2.0: "x^2", -1.0: "1/x"}
"""What stands in an exponential of one input, by its exponent."""


def _exponential(inside: tuple[Factor, ...], rate: float) -> Factor:
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
        told = error < LOOSE and abs(nearest - estimate) > max(SURE * error, NOTHING)
        told = told and abs(estimate) > FLATTEST  # a flatter one has no value
        exponents.append(Parameter(estimate) if told else fixed(nearest))
    rest = target - rows[:, :-1] @ np.array([each.value for each in exponents])
    with np.errstate(over="ignore"):
        return float(np.exp(weight @ rest / weight.sum())), exponents


# ── the largest or smallest of several products or sums: a minimum charge, the cheaper of two contracts ──
#
# In logarithms a product of powers is a plane, and the largest of several products the highest of several planes. These
# are fitted by turns, every row to the plane that is the highest there (Magnani and Boyd 2009, *Convex piecewise-linear
# fitting*, Optimization and Engineering 10; of products: Hoburg, Kirschen and Abbeel 2016, *Data fitting with
# geometric-programming-compatible softmax functions*, ibid. 17). On the scale of the target itself the planes are sums,
# of inputs and of products of two of them. One that is zero throughout makes the other a hinge: what lies beyond a sum
# of length and girth. One that is a number is a limit.


PIECES = (2, 3)
STARTS, TURNS = 12, 30
"""Beginnings, and how often the rows are dealt out anew, at most."""
FEWER = 5
"""Inputs up to which planes are those of products of two as well."""
ABOVE = 0.8
"""Share of the rows on which an input is above zero, at least."""
TINY = 1e-300
RIDGE = 1e-9
"""Keeps a plane determined that no row is dealt to."""
NEAR = (3.0, 10.0)
"""Standard errors within which coefficients of two sums are one, or zero: rows at a bend are dealt to either side."""


def extremes(to: Target, words: Dictionary) -> Iterator[Law]:
    """Yield the largest, and the smallest, of two and three products or sums, where they say more than one.

    Parameters
    ----------
    to
        The rows, the first of them as good as drawn.
    words
        Tells which inputs there are, on the same rows.
    """
    yield from _of_products(to, words.straight)
    yield from _of_sums(to, words.straight)


def _of_products(to: Target, inputs: list[int]) -> Iterator[Law]:
    """Yield extremes of products of powers; none where the target is not above zero.

    Inputs are left out that may be below zero, or are zero on many rows.
    """
    inputs = [j for j in inputs if to.columns.low[j] >= 0.0 and np.mean(to.columns.of(j) > 0.0) > ABOVE]
    if not 0 < len(inputs) <= FEW or not (to.log or to.target.min() > 0.0):
        return
    # a parcel without a volume has no logarithm of it: such rows tell of the law once it is fitted
    to = to.take(np.flatnonzero((to.columns.inputs[:, inputs] > 0.0).all(axis=1)))
    target = to.target if to.log else np.log(to.target)
    planes = _Planes(
        np.column_stack([*(to.columns.log(j) for j in inputs), np.ones(len(target))]), target, to.weight
    )
    for function, dealt in planes.highest():
        rows = ((planes.rows[of], target[of], to.weight[of]) for of in dealt)
        products = [product_of_powers(*of) for of in rows]
        apart = len({tuple(each.value for each in exponents) for _, exponents in products}) == len(dealt)
        if apart and not _bends(law := _largest_product(function, products, inputs)):
            yield law


def _of_sums(to: Target, inputs: list[int]) -> Iterator[Law]:
    """Yield extremes of sums of inputs and of products of two of them."""
    if not 0 < len(inputs) <= FEW:
        return
    pairs = combinations(inputs, 2) if len(inputs) <= FEWER else ()
    factors: list[tuple[Factor, ...]] = [(), *((Power(j, ONE),) for j in inputs)]
    factors += [(Power(i, ONE), Power(j, ONE)) for i, j in pairs]
    target, root = to.of_values()
    values = [np.prod([to.columns.of(j) for j in inputs_of(Term(ONE, each))], axis=0) for each in factors]
    planes = _Planes(
        np.column_stack([np.broadcast_to(each, len(target)) for each in (*values[1:], np.ones(1))]),
        target,
        root**2,
    )
    for function, dealt in planes.highest():
        sums = [planes.plane(of) for of in dealt]
        if np.isfinite([each for plane in sums for each in plane]).all():
            laws = (largest_sum(function, sums, [*factors[1:], ()], to.columns.scales, near) for near in NEAR)
            yield from filter(None, laws)


@dataclass(frozen=True, eq=False)
class _Planes:
    """Planes over columns of rows, the last of them ones, (n, k); with a target and weights, (n,)."""

    rows: Floats
    target: Floats
    weight: Floats

    def highest(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Yield what the planes are, and which rows are dealt to each, where several say more than one."""
        if len(self.rows) < max(PIECES) * self.rows.shape[1]:
            return
        coefficients, _ = self.plane(np.ones(len(self.rows), dtype=bool))
        one = float(self.weight @ (self.target - self.rows @ coefficients) ** 2)
        total = float(self.weight.sum())
        for function, sign in (("max", 1.0), ("min", -1.0)):
            for count in PIECES:
                dealt, squares = self._dealt(sign, count)
                price = np.log(len(self.rows)) * (count - 1) * self.rows.shape[1]
                if len(self.rows) * np.log(max(one, TINY * total) / max(squares, TINY * total)) < price:
                    break
                if (dealt.sum(axis=1) > self.rows.shape[1]).all():
                    yield function, dealt

    def plane(self, of: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Return the coefficients of the plane through some rows, and their standard errors."""
        return plane(self.rows[of], self.target[of], self.weight[of])

    def _dealt(self, sign: float, count: int) -> tuple[NDArray[np.bool_], float]:
        """Return which rows are dealt to which plane, shape (count, n), and what the highest leave of the target."""
        weight, target = self.weight, sign * self.target
        width = np.maximum(self.rows.std(axis=0), TINY)
        rows = self.rows / np.where(width > TINY, width, 1.0)
        starts = min(STARTS, len(rows) // count)
        centres = rows[: starts * count].reshape(starts, count, -1)
        dealt = ((centres[:, :, None, :] - rows) ** 2).sum(axis=3).argmin(axis=1)
        squares_of_rows = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
        ridge = RIDGE * float(weight.sum()) * np.eye(rows.shape[1])
        best: tuple[NDArray[np.intp], float] = dealt[0], np.inf
        for _ in range(TURNS):
            mine = (dealt[:, None, :] == np.arange(count)[:, None]) * weight
            left = (mine @ squares_of_rows).reshape(*mine.shape[:2], *ridge.shape) + ridge
            planes = np.linalg.solve(left, (mine @ (rows * target[:, None]))[..., None])[..., 0]
            heights = planes @ rows.T
            moved = heights.argmax(axis=1)
            squares = ((target - heights.max(axis=1)) ** 2) @ weight
            place = int(squares.argmin())
            if squares[place] < best[1]:
                best = moved[place], float(squares[place])
            if (moved == dealt).all():
                break
            dealt = moved
        return best[0] == np.arange(count)[:, None], best[1]


def _bends(law: Law) -> bool:
    """Whether all products are powers of one and the same input: a line that bends says that in a plainer way."""
    (extreme,) = (f for f in law.terms[0].factors if isinstance(f, Applied))
    return len(inputs_of(extreme)) < 2 and all(term.factors for term in extreme.inner.terms)


def _largest_product(function: str, products: list[tuple[float, list[Parameter]]], inputs: list[int]) -> Law:
    """Return the law, with the powers outside that all products have."""
    shared = {
        j: of[0]
        for j, *of in zip(inputs, *(exponents for _, exponents in products), strict=True)
        if len(set(of)) == 1 and not of[0].free
    }
    terms = []
    for coefficient, exponents in products:
        own = zip(inputs, exponents, strict=True)
        powers = tuple(Power(j, e) for j, e in own if j not in shared and (e.value or e.free))
        terms.append(Term(Parameter(coefficient), powers))
    outside: list[Factor] = [Power(j, e) for j, e in shared.items() if e.value]
    return Law((Term(ONE, (*outside, Applied(function, Law(tuple(terms))))),))


def largest_sum(
    function: str,
    sums: list[tuple[Floats, Floats]],
    factors: list[tuple[Factor, ...]],
    scales: Floats,
    near: float,
) -> Law | None:
    """Return the law, with the terms outside that all sums have; None where it is one sum, or reads |a − b|."""
    sizes, errors = (np.array(each) for each in zip(*sums, strict=True))
    error = near * np.sqrt((errors**2).sum(axis=0))
    shared, nothing = np.ptp(sizes, axis=0) <= error, np.abs(sizes) <= near * errors

    def terms_of(coefficients: Floats, told: NDArray[np.bool_]) -> tuple[Term, ...]:
        return tuple(Term(Parameter(float(coefficients[k])), factors[k]) for k in np.flatnonzero(told))

    pieces = [terms_of(size, ~(shared | gone)) for size, gone in zip(sizes, nothing, strict=True)]
    if len(set(pieces)) < len(pieces) or (np.abs(sizes.sum(axis=0)) <= error)[~shared].all():
        return None
    outside = terms_of(sizes.mean(axis=0), shared & ~nothing.all(axis=0))
    told = [piece for piece in pieces if piece]
    if len(told) == 1 and len(told[0]) > 1:
        return Law((*outside, _hinge(function, told[0], scales)))
    parts = [piece[0] if len(piece) == 1 else Term(ONE, (Group(Law(piece)),)) for piece in told]
    parts += [Term(ZERO)] * (len(pieces) - len(told))
    return Law((*outside, Term(ONE, (Applied(function, Law(tuple(parts))),))))


def _hinge(function: str, terms: tuple[Term, ...], scales: Floats) -> Term:
    """Return what lies beyond zero of a sum, as a rate times what lies beyond of a sum with a number less."""
    common = frozenset.intersection(*(frozenset(term.factors) for term in terms))
    inside = [replace(t, factors=tuple(f for f in t.factors if f not in common)) for t in terms]
    first, *rest = sorted(inside, key=lambda term: (not term.factors, term.coefficient.value < 0.0))
    unit = float(np.prod([scales[j] for j in inputs_of(first)]))
    rate = abs(first.coefficient.value) / unit
    held = Parameter(float(np.copysign(unit, first.coefficient.value)), free=False)
    beside = (replace(t, coefficient=Parameter(t.coefficient.value / rate)) for t in rest)
    beyond = Group(Law((replace(first, coefficient=held), *beside)))
    return Term(Parameter(rate), (*common, Applied(function, Law((Term(ZERO), Term(ONE, (beyond,)))))))
