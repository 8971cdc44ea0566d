"""Steps to laws with tables of categories and curves.

A table has a number for each category, a curve one for each of its splines. Both are linear in their numbers, so that
one score test says what all of them together will take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.evaluation import Columns, Part, value_and_jacobian
from kanopt.surrogates.search.scores import Scores
from kanopt.surrogates.search.structure import (
    ONE,
    Group,
    Law,
    Parameter,
    Tabulated,
    Term,
    changed_numbers,
    in_tables,
)

Array = NDArray[np.float64]

ZERO = Parameter(0.0, free=False)
LEAST, MOST = 0.2, 5.0
"""Ends of the numbers with which a factor is begun."""


def in_lookups(law: Law) -> int:
    """Return how many free numbers of a law stand in tables and curves.

    Examples
    --------
    >>> by = Tabulated(0, (ONE, Parameter(1.4), Parameter(2.1)))
    >>> in_lookups(Law((Term(Parameter(2.0), (by,)),)))
    2
    """
    return sum(in_tables(law))


def centred(law: Law, columns: Columns, weight: Array) -> Law:
    """Return the same law with curves that are 1 on average, where the coefficient of their term can tell the size."""
    terms = []
    for term in law.terms:
        factors, size = list(term.factors), 1.0
        for place, factor in enumerate(term.factors):
            if isinstance(factor, Tabulated) and factor.of != "category" and term.coefficient.free:
                numbers = np.array([each.value for each in factor.values])
                mean = float(weight @ (columns.basis(factor) @ numbers) / weight.sum())
                if mean > 0.0:
                    values = (replace(each, value=each.value / mean) for each in factor.values)
                    factors[place], size = replace(factor, values=tuple(values)), size * mean
        coefficient = replace(term.coefficient, value=term.coefficient.value * size)
        terms.append(Term(coefficient, tuple(factors)))
    return Law(tuple(terms))


def based(law: Law, columns: Columns) -> Law:
    """Return the law with tables that are 1 for the commonest category, where they stand beside other factors.

    A table that is a term by itself has a number for each category; once the term has other factors, its size is told
    by a coefficient.
    """
    return Law(tuple([_based(term, columns) for term in law.terms]))


def _based(term: Term, columns: Columns) -> Term:
    if len(term.factors) < 2 or term.coefficient != ONE:
        return term
    for place, factor in enumerate(term.factors):
        if isinstance(factor, Tabulated) and factor.of == "category" and all(v.free for v in factor.values):
            often = np.bincount(columns.of(factor.column).astype(np.int64), minlength=len(factor.values))
            held = int(often.argmax())
            size = factor.values[held].value
            if size == 0.0:
                return term
            values = tuple(Parameter(v.value / size, k != held) for k, v in enumerate(factor.values))
            rest = (*term.factors[:place], replace(factor, values=values), *term.factors[place + 1 :])
            return Term(Parameter(size), rest)
    return term


def felt(law: Law, columns: Columns) -> Law:
    """Return the law with numbers of tables and curves held that no row feels, as those of a type that never loads."""
    jacobian = value_and_jacobian(law, columns)[1]
    free = (np.abs(jacobian).any(axis=0) | ~np.array(in_tables(law), dtype=bool)).tolist()
    supply = iter(free)
    return changed_numbers(law, lambda parameter: replace(parameter, free=next(supply)))


def with_factors(
    part: Part, scores: Scores, lookups: Sequence[Tabulated], columns: Columns
) -> Iterator[tuple[float, Term]]:
    """Multiply a term by a table or curve; one for a constant takes its place."""
    term = part.part
    assert isinstance(term, Term)
    taken = {f.column for f in term.factors if isinstance(f, Tabulated)}
    for lookup in (each for each in lookups if each.column not in taken):
        share, begun = _factor(lookup, scores, columns, part.flow * part.value)
        if term.factors or not term.coefficient.free:
            yield share, replace(term, factors=(*term.factors, begun))
        else:
            size = term.coefficient.value
            yield share, Term(ONE, (_all_free(begun, size),))


def with_lookups(
    part: Part, scores: Scores, lookups: Sequence[Tabulated], columns: Columns
) -> Iterator[tuple[float, Law]]:
    """Add a table or curve to a sum that has no constant, which it would be; multiply the sum by one."""
    law = part.part
    assert isinstance(law, Law)
    constant = any(not term.factors for term in law.terms)
    looked_up = any(
        term.factors and all(isinstance(f, Tabulated) for f in term.factors) for term in law.terms
    )
    for lookup in lookups:
        if not constant:
            # a sum of several tables has one constant to share
            held = [not (looked_up and not each.free) for each in lookup.values]
            share, slopes, _ = scores.of_block(columns.basis(lookup)[:, held], part.flow)
            supply = iter(slopes.tolist())
            values = tuple(Parameter(next(supply)) if free else ZERO for free in held)
            yield share, Law((*law.terms, Term(ONE, (replace(lookup, values=values),))))
        if len(law.terms) > 1:
            share, begun = _factor(lookup, scores, columns, part.flow * part.value)
            yield share, Law((Term(ONE, (Group(law), begun)),))


def _factor(lookup: Tabulated, scores: Scores, columns: Columns, flow: Array) -> tuple[float, Tabulated]:
    """Return the share that a factor takes, and the factor to begin with."""
    free = [each.free for each in lookup.values]
    share, slopes, _ = scores.of_block(columns.basis(lookup)[:, free], flow)
    supply = iter(np.clip(1.0 + slopes, LEAST, MOST).tolist())
    values = tuple(Parameter(next(supply)) if each.free else each for each in lookup.values)
    return share, replace(lookup, values=values)


def _all_free(lookup: Tabulated, size: float) -> Tabulated:
    return replace(lookup, values=tuple(Parameter(size * each.value) for each in lookup.values))
