"""Values of a law on rows, their derivatives in its parameters, and in each of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.signomials.columns import Columns
from kanopt.surrogates.signomials.program import CompiledSum, Program
from kanopt.surrogates.signomials.structure import ONE, Law, Term

__all__ = ["Columns", "Part", "Path", "cancels", "parts", "value", "value_and_jacobian"]

Array: TypeAlias = NDArray[np.float64]
Path: TypeAlias = tuple[int, ...]

LIVES = 0.05
"""A sum of which half of the rows have less than this share of its terms lives on cancellation."""


def value(law: Law, columns: Columns) -> Array:
    """Return the values of a law, shape (n,); NaN where it is not defined."""
    program = Program(law, columns)
    return program.value(program.theta)


def value_and_jacobian(law: Law, columns: Columns) -> tuple[Array, Array]:
    """Return the values (n,) and the derivatives in the free parameters (n, p), in the order of `values_of`."""
    program = Program(law, columns)
    return program.value(program.theta), program.derivatives(program.theta).T


def cancels(law: Law, columns: Columns) -> bool:
    """Whether a sum is mostly a small difference of large terms, a x - b x^1.003: it says nothing of any of them.

    Brackets that begin with 1 are looked at where they are evaluated.
    """
    program = Program(law, columns)
    program.value(program.theta)
    with np.errstate(all="ignore"):
        return _cancels(program.sum)


def _cancels(part: CompiledSum) -> bool:
    if len(part.terms) > 1 and Term(ONE) not in part.law.terms:
        terms = np.column_stack([term.out for term in part.terms])
        share = np.abs(terms.sum(axis=1)) / np.abs(terms).sum(axis=1)
        if np.median(share) < LIVES:
            return True
    return any(_cancels(group.inner) for term in part.terms for _, group in term.groups)


@dataclass(frozen=True, eq=False)
class Part:
    """A sum or term somewhere in a law.

    Parameters
    ----------
    path
        Where it stands: alternately the number of a term and of a factor of it.
    part
        The sum or term.
    value
        Its values, shape (n,).
    flow
        Derivative of the law's value in this part's value, shape (n,).
    """

    path: Path
    part: Law | Term
    value: Array
    flow: Array


def parts(law: Law, columns: Columns) -> Iterator[Part]:
    """Yield every sum and every term of a law, the law itself first."""
    program = Program(law, columns)
    program.value(program.theta)
    yield from _of_sum(program.sum, program.theta, (), np.ones(len(columns)))


def _of_sum(part: CompiledSum, theta: Array, path: Path, flow: Array) -> Iterator[Part]:
    yield Part(path, part.law, part.out, flow)
    for number, term in enumerate(part.terms):
        here = (*path, number)
        yield Part(here, term.term, term.out, flow)
        for place, group in term.groups:
            with np.errstate(all="ignore"):
                below = np.asarray(flow * term.beside(term.others.index(group)) * group.slope(theta))
            yield from _of_sum(group.inner, theta, (*here, place), below)
