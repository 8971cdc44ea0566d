"""The largest or the smallest of several products: a minimum charge, a chargeable weight, the slower of two resources.

In logarithms a product of powers is a plane, and the largest of several products the highest of several planes. These
are fitted by turns, every row to the plane that is the highest there (Magnani and Boyd 2009, *Convex piecewise-linear
fitting*, Optimization and Engineering 10; of products: Hoburg, Kirschen and Abbeel 2016, *Data fitting with
geometric-programming-compatible softmax functions*, ibid. 17).

A target may also have a limit of its own, a minimum charge or a capacity: max(c, f), where f is what the other rows
tell. It shows by itself: many rows within the noise of the least value, or of the largest, and few just beyond (a
target censored at a known place: Tobin 1958, *Estimation of relationships for limited dependent variables*,
Econometrica 26).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.products import product_of_powers
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Term,
    inputs_of,
)

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
SHARES = tuple(np.geomspace(0.04, 0.8, 28).tolist())
"""Shares of the rows that may be at a limit."""
BEYOND = 0.25
"""Rows just beyond a limit, for one at it: a density that only begins there has about as many."""
NARROW = 0.1
"""Width of the rows at a limit, at most, as a share of the range of nearly all."""
NEARLY_ALL = (0.02, 0.98)
LEAST = 1e-3
"""Their least width: without noise they are all at one place."""
ENOUGH = 100
"""Rows between the limits, at least."""


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


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of a target, and the rows between them.

    Parameters
    ----------
    low, high
        The limits; None for none.
    between
        Numbers of the rows between them.
    """

    low: float | None
    high: float | None
    between: NDArray[np.intp]

    def around(self, law: Law) -> Law:
        """Return a law of the rows between the limits with the limits around it."""
        term = law.terms[0] if len(law.terms) == 1 else Term(ONE, (Group(law),))
        for limit, function in ((self.low, "max"), (self.high, "min")):
            if limit is not None:
                term = Term(ONE, (Applied(function, Law((Term(Parameter(limit)), term))),))
        return Law((term,))


def limits(target: Array, *, log: bool = False) -> Limits | None:
    """Return the limits of a target; None where it has none, or hardly any rows between them.

    Parameters
    ----------
    target
        Shape (n,).
    log
        Whether it is a logarithm; limits are those of the target itself.

    Examples
    --------
    >>> x = np.linspace(0.0, 10.0, 400)
    >>> found = limits(np.maximum(3.0, x))
    >>> found.low, found.high, len(found.between)
    (3.0, None, 280)
    >>> limits(x) is None
    True
    """
    # a limit of prices that differ a hundredfold is as wide as the small ones in all
    scale = target if log or target.min() <= 0.0 else np.log(target)
    low, high = _least(scale), _least(-scale)
    between = np.ones(len(target), dtype=bool)
    if low is not None:
        between &= scale > low[1]
    if high is not None:
        between &= -scale > high[1]
    if (low is None and high is None) or between.sum() < ENOUGH:
        return None
    values = np.exp(target) if log else target

    def level(end: tuple[float, float] | None, sign: float) -> float | None:
        return None if end is None else float(np.median(values[sign * scale <= end[1]]))

    return Limits(level(low, 1.0), level(high, -1.0), np.flatnonzero(between))


def _least(values: Array) -> tuple[float, float] | None:
    """Return the least value and the end of the rows at it, where there are many there and few just beyond."""
    ordered = np.sort(values)
    n, first = len(ordered), float(ordered[0])
    ends = np.quantile(ordered, NEARLY_ALL)
    wide = float(ordered[-1] - first) if ends[0] == ends[1] else float(ends[1] - ends[0])
    end: float | None = None
    least = BEYOND
    for share in SHARES:
        width = max(float(ordered[int(share * n)]) - first, LEAST * wide)
        if width > NARROW * wide:
            break
        at, near = (np.searchsorted(ordered, first + width * times, side="right") for times in (1.0, 2.0))
        if (near - at) / at < least:
            # rows at the limit whose noise is larger than that of most are no rows beyond it
            end, least = first + 2.0 * width, float(near - at) / float(at)
    return None if end is None else (first, end)
