"""Terms of the outermost sum that give way to others.

A sum grows by the term that promises most, while later ones are missing: powers of one input are much alike, and the
first stand for those to come. So what is said of one input, beside the same other factors, is compared with all few
simple powers of it (exchanges after forward selection: Miller 2002, *Subset Selection in Regression*, section 3.9), and
a power or a curve with the shapes of the same input: a root with what levels off. To compare every term with every
other product as well lost more laws than it found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.cleaning import cleaned
from kanopt.surrogates.search.dictionary import SINGLE, Dictionary
from kanopt.surrogates.search.evaluation import value
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.scores import OuterSum
from kanopt.surrogates.search.shapes import exponents_of
from kanopt.surrogates.search.structure import (
    ONE,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Tabulated,
    Term,
    inputs_of,
)

Array = NDArray[np.float64]

PER_POWER = 2
"""Shapes that are tried in the place of a power."""
POWERS = 3
"""Powers of one input that are tried in the place of others, at most."""


def exchanges(
    law: Law, words: Dictionary, to: Target, *, signomial: bool = False
) -> Iterator[tuple[float, Law]]:
    """Yield laws with other terms in the outermost sum, and the share of the squares that they take: below zero, more.

    On the scale of a logarithm, where sums are seldom, terms only give way to bends and powers, where there are shapes.

    Parameters
    ----------
    law
        A fitted law.
    words
        The ready-made factors, on the rows of `to`.
    to
        The rows.
    signomial
        Whether only powers take the place of powers.
    """
    if to.log and not words.with_shapes:
        return
    outer = OuterSum.of(law, to)
    for place in range(0 if signomial or to.log else len(law.terms)):
        yield from _with_a_shape(law, place, words, outer)
    for column in words.straight:
        for places, beside, plain in _alike(law, column):
            if not plain:
                yield from _with_simple_powers(law, places, (column, beside), words, outer)


def _with_a_shape(law: Law, place: int, words: Dictionary, whole: OuterSum) -> Iterator[tuple[float, Law]]:
    """Yield laws with a shape, or 1 + a · shape, for a power or a curve of the same input.

    Roots stand for what levels off, and curves for whatever was not thought of.
    """
    term = law.terms[place]
    bends = [
        f
        for f in term.factors
        if isinstance(f, Power) or (isinstance(f, Tabulated) and f.of in ("x", "log x"))
    ]
    outer = whole.without([place]) if bends else None
    if outer is None:
        return
    for factor in bends:
        rest = tuple(f for f in term.factors if f is not factor)
        beside = value(Law((Term(ONE, rest),)), words.columns)[:, None]
        known = [(words.shapes[k], words.shape_values[:, [k]]) for k in words.shapes_of(factor.column)]
        known += words.exponentials(factor.column)
        known += [(power, values) for (power,), values in _powers(factor.column, words)]
        alone = [(outer.exchanged(beside * values), bend, values) for bend, values in known]
        with_one = [
            (outer.exchanged(beside * np.column_stack([values, np.ones(len(values))])), bend, values)
            for bend, values in known
            if rest  # beside nothing it is the constant of the sum
        ]
        for tried in (alone, with_one):
            for (share, sizes), bend, values in sorted(tried, key=lambda entry: -entry[0][0])[:PER_POWER]:
                if not share > 0.0 or not sizes.all():
                    continue
                level, new = float(sizes[-1]), bend
                if len(sizes) > 1:
                    size = float(sizes[0]) / level
                    new = Group(Law((Term(ONE), Term(Parameter(size), (bend,)))))
                    values = 1.0 + size * values
                others = _others(law, [place], outer.coefficients_beside(beside * values, np.array([level])))
                yield share, cleaned(Law((*others, Term(Parameter(level), (*rest, new)))))


def _powers(column: int, words: Dictionary) -> list[tuple[tuple[Factor, ...], Array]]:
    """Return the simple powers of an input, with their values, shape (n, 1)."""
    return [
        ((Power(column, Parameter(e, free=False)),), words.columns.raised(column, e)[:, None])
        for e in exponents_of(words.columns, column, SINGLE)
    ]


def _others(law: Law, places: list[int], coefficients: Array) -> list[Term]:
    """Return the terms that are not at `places`, with other coefficients where they are free; without those of zero."""
    rest = [term for place, term in enumerate(law.terms) if place not in places]
    return [
        replace(term, coefficient=Parameter(float(c))) if term.coefficient.free else term
        for term, c in zip(rest, coefficients, strict=True)
        if c or not term.coefficient.free
    ]


def _alike(law: Law, column: int) -> Iterator[tuple[list[int], tuple[Factor, ...], bool]]:
    """Yield the places of terms that differ in factors of one input only, the factors beside these, and more.

    That is whether it is a single term with a power of the input: with another power it is found as a growth.
    """
    found: dict[tuple[Factor, ...], list[int]] = {}
    plain: set[int] = set()
    for place, term in enumerate(law.terms):
        own = [f for f in term.factors if inputs_of(f) == {column}]
        beside = tuple(sorted((f for f in term.factors if f not in own), key=repr))
        if own and not any(column in inputs_of(f) for f in beside):
            found.setdefault(beside, []).append(place)
            plain |= {place} if len(own) == 1 and isinstance(own[0], Power) else set()
    for beside, places in found.items():
        yield places, beside, len(places) == 1 and places[0] in plain


def _with_simple_powers(
    law: Law, places: list[int], of: tuple[int, tuple[Factor, ...]], words: Dictionary, whole: OuterSum
) -> Iterator[tuple[float, Law]]:
    """Yield the law with the best one, two and three simple powers, constants or bends in the place of what it has."""
    column, beside = of
    terms = whole.without(places)
    if terms is None:
        return
    parts = _powers(column, words)
    if not any(k not in places and set(t.factors) == set(beside) for k, t in enumerate(law.terms)):
        parts.append(((), np.ones((len(words.columns), 1))))
    x = words.columns.of(column)[:, None]
    bends = words.hinges(column) if words.with_shapes else []
    parts += [((hinge,), np.maximum(x - hinge.place.value, 0.0)) for hinge in bends]
    other = value(Law((Term(ONE, beside),)), words.columns)[:, None]
    values = other * np.column_stack([each for _, each in parts])
    for size in range(1, POWERS + 1):
        sets = np.array(list(combinations(range(len(parts)), size)))
        share, coefficients, chosen = terms.best_of(values, sets)
        if np.isfinite(share):
            rest = _others(law, places, terms.coefficients_beside(values[:, chosen], coefficients))
            new = [
                Term(Parameter(float(c)), (*beside, *parts[k][0]))
                for c, k in zip(coefficients, chosen, strict=True)
            ]
            yield share, Law((*rest, *new))
