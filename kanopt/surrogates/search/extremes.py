"""The largest or the smallest of several products, or of several sums: a minimum charge, the cheaper of two contracts.

In logarithms a product of powers is a plane, and the largest of several products the highest of several planes. These
are fitted by turns, every row to the plane that is the highest there (Magnani and Boyd 2009, *Convex piecewise-linear
fitting*, Optimization and Engineering 10; of products: Hoburg, Kirschen and Abbeel 2016, *Data fitting with
geometric-programming-compatible softmax functions*, ibid. 17).

On the scale of the target itself the planes are sums, of inputs and of products of two of them. One that is zero
throughout makes the other a hinge: what lies beyond a sum of length and girth, or hours beyond an agreed share. One
that is a number is a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import plane
from kanopt.surrogates.search.dictionary import Dictionary
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.structure import (
    ONE,
    ZERO,
    Applied,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Term,
    inputs_of,
)
from kanopt.surrogates.search.wholes import product_of_powers

PIECES = (2, 3)
STARTS, TURNS = 12, 30
"""Beginnings, and how often the rows are dealt out anew, at most."""
FEW, FEWER = 8, 5
"""Inputs up to which planes are looked for, and those up to which they are planes of products of two as well."""
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
            laws = (
                _largest_sum(function, sums, [*factors[1:], ()], to.columns.scales, near) for near in NEAR
            )
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


def _largest_sum(
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
