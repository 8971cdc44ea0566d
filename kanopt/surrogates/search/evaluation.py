"""Values of a law on rows, their derivatives in its parameters, and in each of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.program import Path, Program
from kanopt.surrogates.search.structure import ONE, Applied, Group, Law, Power, Term, is_extreme

__all__ = ["Columns", "Part", "Path", "cancels", "parts", "value", "value_and_jacobian"]

Array: TypeAlias = NDArray[np.float64]

LIVES = 0.05
"""A sum of which half of the rows have less than this share of its terms lives on cancellation."""
OPPOSITE = 0.02
"""Share by which the coefficients of a difference of two inputs may differ."""


def value(law: Law, columns: Columns) -> Array:
    """Return the values of a law, shape (n,); NaN where it is not defined."""
    return np.asarray(_evaluated(law, columns).values[-1])


def value_and_jacobian(law: Law, columns: Columns) -> tuple[Array, Array]:
    """Return the values (n,) and the derivatives in the free parameters (n, p), in the order of `values_of`."""
    program = _evaluated(law, columns)
    with np.errstate(all="ignore"):
        return program.values[-1], program.backward(program.theta).derivative.T


def _evaluated(law: Law, columns: Columns) -> Program:
    program = Program(law, columns)
    with np.errstate(all="ignore"):
        program.forward(program.theta)
    return program


def cancels(law: Law, columns: Columns) -> bool:
    """Whether a sum is mostly a small difference of large terms, a x - b x^1.003: it says nothing of any of them.

    Brackets that begin with 1 are looked at where they are evaluated.
    """
    program = _evaluated(law, columns)
    return any(
        isinstance(part, Law)
        and _cancels(
            part, [program.values[program.places[(*path, k)]] for k in range(len(part.terms))], columns.scales
        )
        for path, part in _walk(law, ())
    )


def _cancels(law: Law, terms: list[Array], scales: Array) -> bool:
    if len(terms) < 2 or Term(ONE) in law.terms or _is_line(law):
        return False
    for i, j in _differences(law, scales):
        terms[i], terms[j] = terms[i] + terms[j], np.zeros_like(terms[j])
    if sum(bool(term.any()) for term in terms) < 2:
        return False
    with np.errstate(all="ignore"):
        stacked = np.column_stack(terms)
        share = np.abs(stacked.sum(axis=1)) / np.abs(stacked).sum(axis=1)
        return bool(np.median(share) < LIVES)


def _is_line(law: Law) -> bool:
    """Whether a sum is a line in one input: that it crosses zero, as above freezing, is a fact of its own."""
    first, second = sorted(law.terms, key=lambda term: len(term.factors))[:2]
    inputs = [f for f in second.factors if isinstance(f, Power) and f.exponent == ONE]
    return len(law.terms) == 2 and not first.factors and len(second.factors) == len(inputs) == 1


def _differences(law: Law, scales: Array) -> Iterator[tuple[int, int]]:
    """Yield the places of terms M · a and −M · b with inputs a and b: a difference is a quantity of its own."""
    for (i, first), (j, second) in combinations(enumerate(law.terms), 2):
        one, other = ({repr(f): f for f in term.factors} for term in (first, second))
        own = [one[key] for key in one.keys() - other.keys()] + [
            other[key] for key in other.keys() - one.keys()
        ]
        if len(first.factors) != len(second.factors) or len(own) != 2:
            continue
        a, b = own
        if isinstance(a, Power) and isinstance(b, Power) and a.exponent == b.exponent == ONE:
            sizes = first.coefficient.value / scales[a.column], second.coefficient.value / scales[b.column]
            if abs(sum(sizes)) < OPPOSITE * abs(sizes[0]):
                yield i, j


def _walk(law: Law, path: Path) -> Iterator[tuple[Path, Law | Term]]:
    """Yield every sum and every term of a law with its path, the law itself first."""
    yield path, law
    yield from _below(law, path)


def _below(law: Law, path: Path) -> Iterator[tuple[Path, Law | Term]]:
    """Yield what is below a sum, or below terms of which the largest counts."""
    for number, term in enumerate(law.terms):
        here = (*path, number)
        yield here, term
        for place, factor in enumerate(term.factors):
            if isinstance(factor, Group | Applied):
                walk = _below if is_extreme(factor) else _walk
                yield from walk(factor.inner, (*here, place))


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
    program = _evaluated(law, columns)
    with np.errstate(all="ignore"):
        flows = program.backward(program.theta).flows
    for path, part in _walk(law, ()):
        place = program.places[path]
        yield Part(path, part, program.values[place], np.broadcast_to(flows[place], program.shape))
