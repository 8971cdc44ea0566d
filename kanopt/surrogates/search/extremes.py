"""The largest or the smallest of several products: a minimum charge, a chargeable weight, the slower of two resources.

In logarithms a product of powers is a plane, and the largest of several products the highest of several planes. These
are fitted by turns, every row to the plane that is the highest there (Magnani and Boyd 2009, *Convex piecewise-linear
fitting*, Optimization and Engineering 10; of products: Hoburg, Kirschen and Abbeel 2016, *Data fitting with
geometric-programming-compatible softmax functions*, ibid. 17).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.products import product_of_powers
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Factor,
    Law,
    Parameter,
    Power,
    Term,
    inputs_of,
)

__all__ = ["extremes"]

Array = NDArray[np.float64]

PIECES = (2, 3)
STARTS, TURNS = 12, 30
"""Beginnings, and how often the rows are dealt out anew, at most."""
FEW = 8
"""Inputs up to which planes are looked for."""
ABOVE = 0.8
"""Share of the rows on which an input is above zero, at least."""
TINY = 1e-300
RIDGE = 1e-9
"""Keeps a plane determined that no row is dealt to."""


def extremes(to: Target, inputs: Sequence[int]) -> Iterator[Law]:
    """Yield the largest, and the smallest, of two and three products of powers, where they say more than one product.

    Parameters
    ----------
    to
        The rows, the first of them as good as drawn; nothing is found where the target is not positive.
    inputs
        Numbers of the inputs; those are left out that may be below zero, or are zero on many rows.
    """
    inputs = [j for j in inputs if to.columns.low[j] >= 0.0 and np.mean(to.columns.of(j) > 0.0) > ABOVE]
    if not 0 < len(inputs) <= FEW or not (to.log or to.target.min() > 0.0):
        return
    # a parcel without a volume has no logarithm of it: such rows tell of the law once it is fitted
    to = to.take(np.flatnonzero((to.columns.inputs[:, inputs] > 0.0).all(axis=1)))
    target = to.target if to.log else np.log(to.target)
    rows = np.column_stack([*(to.columns.log(j) for j in inputs), np.ones(len(target))])
    if len(rows) < max(PIECES) * rows.shape[1]:
        return
    nothing_more = _squares_of_one(rows, target, to.weight)
    for function, sign in (("max", 1.0), ("min", -1.0)):
        for count in PIECES:
            dealt, squares = _highest_planes(rows, sign * target, to.weight, count)
            price = np.log(to.total) * (count - 1) * rows.shape[1]
            if to.total * np.log(max(nothing_more, TINY) / max(squares, TINY)) < price:
                break
            products = [
                product_of_powers(rows[of], target[of], to.weight[of])
                for of in dealt
                if of.sum() > rows.shape[1]
            ]
            apart = len({tuple(each.value for each in exponents) for _, exponents in products}) == count
            if apart and not _bends(law := _written(function, products, inputs)):
                yield law


def _bends(law: Law) -> bool:
    """Whether all products are powers of one and the same input: a line that bends says that in a plainer way."""
    (extreme,) = (f for f in law.terms[0].factors if isinstance(f, Applied))
    return len(inputs_of(extreme)) < 2 and all(term.factors for term in extreme.inner.terms)


def _squares_of_one(rows: Array, target: Array, weight: Array) -> float:
    root = np.sqrt(weight)
    found = np.linalg.lstsq(root[:, None] * rows, root * target, rcond=None)[0]
    return float(weight @ (target - rows @ found) ** 2)


def _highest_planes(rows: Array, target: Array, weight: Array, count: int) -> tuple[NDArray[np.bool_], float]:
    """Return which rows are dealt to which plane, shape (count, n), and what the highest ones leave of the target."""
    width = np.maximum(rows[:, :-1].std(axis=0), 1e-300)
    starts = min(STARTS, len(rows) // count)
    centres = rows[: starts * count, :-1].reshape(starts, count, -1) / width
    far = ((centres[:, :, None, :] - rows[:, :-1] / width) ** 2).sum(axis=3)
    dealt = far.argmin(axis=1)
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


def _written(function: str, products: list[tuple[float, list[Parameter]]], inputs: list[int]) -> Law:
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
