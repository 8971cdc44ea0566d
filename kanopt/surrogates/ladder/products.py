"""Products of functions of two columns in a law that is a sum, those first that explain most of what is left.

The rows say by a coarse table of two columns how much a function of both would explain (the screening of Lou and others
2013, *Accurate Intelligible Models with Pairwise Interactions*). What is written is the product of two functions that
comes nearest to it, each fitted in turn while the other is held; two of the same columns make a surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.estimation.least_squares import inverse_of
from kanopt.formulas.estimation.naming import order_of_rows
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.additive import AdditiveLaw, Choice, additive_laws, fitted_alone
from kanopt.surrogates.ladder.functions import Component, most_flexible, product_of

PRODUCTS = 8
"""Products that a law may have, and pairs of columns that are tried again after each."""
SCREENED, SPANS, WIDEST = 2000, 5, 400
"""Rows, spans and numbers at most of the coarse tables."""
TURNS = 3
"""Times that both factors of a product are fitted."""


@dataclass(frozen=True, eq=False)
class _ColumnPair:
    """Two columns, what a table of both would explain, and the values that the second factor begins with."""

    columns: tuple[int, int]
    gain: float
    values: Floats


def with_products(
    choice: Choice, rows: Rows, features: Sequence[Feature], plain: AdditiveLaw
) -> tuple[AdditiveLaw, AdditiveLaw] | None:
    """Return a sum with products of functions, and the same in few enough operators to read; None where none helps.

    Parameters
    ----------
    choice, rows
        What the columns may be, and the rows.
    features
        The columns.
    plain
        The sum without products.
    """
    free = [place for place, shape in enumerate(choice.shapes) if choice.groups[place] and not any(shape)]
    coarse = {place: most_flexible(features[place], place, rows.inputs[:, place], SPANS) for place in free}
    pairs = list(combinations(free, 2))
    standing = {place for function in plain.functions for place in function.columns}
    groups = [group for place, group in enumerate(choice.groups) if place in standing]
    some = order_of_rows(rows.inputs, rows.target)[:SCREENED]
    found, laws, refused = plain, None, set[tuple[int, int]]()
    for _ in range(PRODUCTS):
        left = replace(rows, target=rows.target - found.values)
        tried = [_screened(pair, coarse, left, some) for pair in pairs if pair not in refused]
        tried.sort(key=lambda pair: pair.gain, reverse=True)
        pairs = [pair.columns for pair in tried[:PRODUCTS]]
        if not tried or tried[0].gain <= 0.0 or choice.should_stop():
            break
        options = _products(tried[0], choice, left)
        more = additive_laws(choice.with_groups([*groups, options]), rows) if options else (found, found)
        if more[0].length < found.length and _pairs(more[0]) > _pairs(found):
            laws, found, groups = more, more[0], [*groups, options]
        else:
            refused.add(tried[0].columns)
    return laws


def _pairs(law: AdditiveLaw) -> int:
    return sum(len(function.columns) > 1 for function in law.functions)


def _screened(
    columns: tuple[int, int], coarse: dict[int, Component], rows: Rows, some: NDArray[np.intp]
) -> _ColumnPair:
    """Return how much a coarse table of two columns explains of what a law leaves, beyond what it would of chance."""
    sides = [coarse[column] for column in columns]
    if sides[0].size * sides[1].size > WIDEST:
        return _ColumnPair(columns, 0.0, rows.target)
    left, weight = rows.target[some], rows.precision[some]
    left = left - float(weight @ left) / float(weight.sum())
    parts = [side.basis[some] - side.basis[some].mean(axis=0) for side in sides]
    table = np.einsum("ni,nj->nij", *parts).reshape(len(some), -1)
    gram = table.T @ (weight[:, None] * table)
    held = gram + np.eye(len(gram)) * float(np.trace(gram)) / len(gram) / 4.0
    inverse, moments = inverse_of(held), table.T @ (weight * left)
    numbers = inverse @ moments
    noise = float(weight @ left**2) / len(some)
    gain = float(2.0 * numbers @ moments - numbers @ gram @ numbers) - noise * float(np.sum(inverse * gram))
    second = np.linalg.svd(numbers.reshape(parts[0].shape[1], -1))[2][0]
    return _ColumnPair(columns, gain, sides[1].basis @ second)


def _products(pair: _ColumnPair, choice: Choice, left: Rows) -> tuple[Component, ...]:
    """Return the products that two columns may have: of what is most flexible, or a line, of either."""
    kinds = [
        [f for f in choice.groups[column] if f.penalty is not None or f.kind in ("linear", "exp")]
        for column in pair.columns
    ]
    found = [_product(first, second, pair.values, left, choice) for first in kinds[0] for second in kinds[1]]
    return tuple(each for each in found if each.basis.any())


def _product(first: Component, second: Component, values: Floats, left: Rows, choice: Choice) -> Component:
    """Return the product of two functions that explains most of what is left; each is fitted beside the other."""
    for _ in range(TURNS):
        numbers, spent = _factor(first, values, left, choice)
        values = first.basis @ numbers
        others, own = _factor(second, values, left, choice)
        values = second.basis @ others
    if first.size >= second.size:
        return product_of(first, second, others, own)
    numbers, spent = _factor(first, values, left, choice)
    return product_of(second, first, numbers, spent)


def _factor(function: Component, values: Floats, left: Rows, choice: Choice) -> tuple[Floats, float]:
    """Return the numbers of a function beside the values of another one, and its effective number of parameters."""
    times = replace(function, columns=(*function.columns, -1), basis=function.basis * _sized(values)[:, None])
    numbers, spent = fitted_alone(times, left, choice)
    if function.penalty is not None:
        # its basis functions add up to one, and what it is on average is for the other one alone
        numbers = numbers - float(function.basis.mean(axis=0) @ numbers)
    size = float(np.sqrt(np.mean((function.basis @ numbers) ** 2)))
    return numbers / max(size, 1e-300), spent


def _sized(values: Floats) -> Floats:
    return np.asarray(values / max(float(np.sqrt(np.mean(values**2))), 1e-300))
