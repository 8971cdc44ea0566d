"""Bounds of the matrix of second derivatives at a step of the graph, from those at its parts.

The rules are those of :mod:`kanopt.formulas.shapes.jets` for all pairs of some numbers at once, in the order of
positive semidefinite matrices (:mod:`kanopt.formulas.shapes.matrices`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kanopt.formulas.shapes.arithmetic import NOTHING, Flags, Pair
from kanopt.formulas.shapes.matrices import (
    added,
    common_lower_bound,
    outer,
    symmetric_product,
    weighted,
    weighted_squares,
)

if TYPE_CHECKING:
    from kanopt.formulas.shapes.jets import Jet, JetOrders

__all__ = ["matrix_of_function", "matrix_of_larger", "matrix_of_product", "matrix_of_sum"]


def matrix_of_sum(terms: Sequence[Pair | None]) -> Pair | None:
    """Return the sum of matrices, of which None is zero."""
    known = [term for term in terms if term is not None]
    return added(known) if known else None


def matrix_of_product(u: Jet, v: Jet, wanted: JetOrders) -> Pair | None:
    """Return the matrix of a product."""
    if not wanted.inputs:
        return None
    terms = [
        weighted((np.atleast_1d(a.value[0]), np.atleast_1d(a.value[1])), b.matrix)
        for a, b in ((u, v), (v, u))
        if b.matrix is not None
    ]
    first, second = _gradient(u, wanted.inputs), _gradient(v, wanted.inputs)
    if first is not None and second is not None:
        terms.append(symmetric_product(first, second, wanted.keep))
    return matrix_of_sum(terms)


def matrix_of_larger(u: Jet, v: Jet, first: Flags, second: Flags, wanted: JetOrders) -> Pair | None:
    """Return the matrix of a maximum; a kink bends upwards without end, and not below what both have in common."""
    if not any(place in part.slope for part in (u, v) for place in wanted.inputs):
        return None
    zero = np.zeros((1, len(wanted.inputs), len(wanted.inputs)))
    x, y = ((zero, zero) if part.matrix is None else part.matrix for part in (u, v))
    below = common_lower_bound(x[0], y[0])
    flags = [np.atleast_1d(flag)[..., None, None] for flag in (first, second)]
    low = np.where(flags[0], x[0], np.where(flags[1], y[0], below))
    return low, np.where(flags[0], x[1], np.where(flags[1], y[1], np.nan))


def matrix_of_function(u: Jet, first: Pair, second: Pair, wanted: JetOrders) -> Pair | None:
    """Return the matrix of a function of u, given bounds of its derivatives."""
    steep, bent = ((np.atleast_1d(low), np.atleast_1d(high)) for low, high in (first, second))
    terms = [] if u.matrix is None else [weighted(steep, u.matrix)]
    slope = _gradient(u, wanted.inputs)
    if slope is not None:
        terms.append(weighted_squares(bent, outer(slope, wanted.keep)))
    return matrix_of_sum(terms)


def _gradient(u: Jet, inputs: Sequence[int]) -> Pair | None:
    """Return the first derivatives in some numbers, shape (boxes, m); None if all are zero."""
    if not any(place in u.slope for place in inputs):
        return None
    ends = [np.broadcast_arrays(*(u.slope.get(i, NOTHING)[end] for i in inputs)) for end in (0, 1)]
    low, high = (np.stack([np.atleast_1d(part) for part in parts], axis=-1) for parts in ends)
    return low, high
