"""The same law said in another way, or nearly: what growth alone does not reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from kanopt.surrogates.search.cleaning import merged, multiplied_out
from kanopt.surrogates.search.evaluation import Columns, Path, parts, value
from kanopt.surrogates.search.moves import changed
from kanopt.surrogates.search.shapes import exponents_of, kind_of
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Law,
    Logarithm,
    Parameter,
    Power,
    Tabulated,
    Term,
    is_extreme,
)

LADDER = (-4.0, -3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0)
FLAT = 0.3
"""Exponents up to this may be logarithms: a + b · x^0.005 is a' + b' · log x."""
TIED = 0.5
"""Exponents of two terms that differ by less are taken for the same."""
ALIKE = 0.6
"""Ratio of two rates that may be the same."""


def rewritings(law: Law, columns: Columns) -> Iterator[Law]:
    """Yield laws of the same size that say something similar in another way, to be fitted from there.

    A power becomes an exponential of the input or of its reciprocal, and back; an exponential that hardly bends becomes
    a line; a power that is nearly flat becomes a logarithm; an exponent that is held moves to its neighbours; a factor
    1 + a · M turns into M times 1 + M⁻¹ / a, which is the same law and lets a power outside vanish against the one
    inside; or M becomes its root or its square.
    """
    for part in parts(law, columns):
        if isinstance(part.part, Law):
            for tied in (*_tied(part.part), *_with_one_table(part.part)):
                yield changed(law, part.path, tied)
            continue
        for new in _differences(part.part, columns):
            yield changed(law, part.path, new)
        for place, factor in enumerate(part.part.factors):
            for new in _instead(part.part, place, factor, columns):
                yield changed(law, part.path, new)
            if isinstance(factor, Tabulated) and factor.of == "category":
                for new in _by_another(part.part, place, factor, columns):
                    yield changed(law, part.path, new)
            parent = part.path[:-1]
            if (within := _sum_at(law, parent)) is None:
                continue
            if (several := _multiplied_out(part.part, place, columns)) is not None:
                without = [t for t in within.terms if t is not part.part]
                yield changed(law, parent, Law((*without, *several)))


def _instead(term: Term, place: int, factor: Factor, columns: Columns) -> Iterator[Term]:
    rest = (*term.factors[:place], *term.factors[place + 1 :])
    if isinstance(factor, Power | Exponential) and term.coefficient.free:
        rising = factor.exponent.value if isinstance(factor, Power) else factor.rate.value
        if rising > 0.0 and (isinstance(factor, Power) or factor.of == "x"):
            size = max(abs(columns.low[factor.column]), abs(columns.high[factor.column]))
            for e in exponents_of(columns, factor.column, (1.0, 2.0)):
                m = (Power(factor.column, Parameter(e, free=False)),)
                group = Group(Law((Term(ONE), Term(Parameter(float(size**-e)), m))))
                yield replace(term, factors=(*rest, group))
    if isinstance(factor, Power):
        j, b = factor.column, factor.exponent.value
        middle = float(np.median(columns.of(j)))
        if middle == 0.0 or any(isinstance(f, Exponential) and f.column == j for f in rest):
            return
        if factor.exponent.free and abs(b) <= FLAT and not rest and columns.low[j] > 0.0:
            yield Term(replace(term.coefficient, value=term.coefficient.value * b), (Logarithm(j),))
        if not factor.exponent.free:
            for e in _neighbours(b, columns, j):
                moved = Power(j, Parameter(e, free=False))
                yield _scaled(term, (*rest, moved), 0.0, middle, b - e)
        yield _scaled(term, (*rest, Exponential(j, Parameter(b / middle))), -b, middle, b)
        if columns.low[j] > 0.0:
            yield _scaled(term, (*rest, Exponential(j, Parameter(-b * middle), "1/x")), b, middle, b)
    elif isinstance(factor, Exponential) and kind_of(columns, factor.column) == "positive":
        j, r = factor.column, factor.rate.value
        middle = float(np.median(columns.of(j)))
        if factor.of != "x" or any(isinstance(f, Power) and f.column == j for f in rest):
            return
        yield _scaled(term, (*rest, Power(j, Parameter(r * middle))), r * middle, middle, -r * middle)
    elif isinstance(factor, Group) and len(factor.inner.terms) == 2:
        if (difference := _difference(term, factor, rest, columns)) is not None:
            yield difference
        flipped = _flipped(term, factor, rest, columns)
        if flipped is not None:
            yield flipped
        for by in (0.5, 2.0):
            if (bent := _bent(factor, by, columns)) is not None:
                yield replace(term, factors=(*rest, bent))
        if (rooted := _rooted(factor)) is not None:
            yield replace(term, factors=(*rest, rooted))


def _differences(term: Term, columns: Columns) -> Iterator[Term]:
    """Yield T · (a − b) for T · exp(r a − s b), where r and s are about the same in the units of a and b."""
    exponentials = [f for f in term.factors if isinstance(f, Exponential) and f.of == "x"]
    for first, second in permutations(exponentials, 2):
        i, j = first.column, second.column
        up, down = (f.rate.value / float(columns.scales[f.column]) for f in (first, second))
        if not (up > 0.0 > down and ALIKE < -up / down < 1.0 / ALIKE and term.coefficient.free):
            continue
        size, other = float(columns.scales[i]), float(columns.scales[j])
        gap = size * columns.of(i) - other * columns.of(j)
        middle = float(np.median(gap))
        if middle:
            held = Parameter(size, free=False), Parameter(-other, free=False)
            bracket = Law((Term(held[0], (Power(i, ONE),)), Term(held[1], (Power(j, ONE),))))
            now = float(
                np.exp(np.median(first.rate.value * columns.of(i) + second.rate.value * columns.of(j)))
            )
            c = replace(term.coefficient, value=term.coefficient.value * now / middle)
            rest = (f for f in term.factors if f not in (first, second))
            yield Term(c, (*rest, Group(bracket)))


def _difference(term: Term, group: Group, rest: tuple[Factor, ...], columns: Columns) -> Term | None:
    """Return x − c for x^p · (1 − a · x^q) and x^p · (1 − a · exp(r x)), which is zero at the same place.

    Over a range that is narrow beside its distance from there, all of them are nearly straight.
    """
    one, other = group.inner.terms
    size = -other.coefficient.value
    if one != Term(ONE) or group.exponent != ONE or not size > 0.0 or len(other.factors) != 1:
        return None
    inner = other.factors[0]
    with np.errstate(all="ignore"):
        match inner:
            case Power(exponent=Parameter(value=q)) if q:
                zero = float(np.float64(size) ** (-1.0 / q))
            case Exponential(rate=Parameter(value=r), of="x") if r:
                zero = float(-np.log(size) / r)
            case _:
                return None
    j, middle = inner.column, float(np.median(columns.of(inner.column)))
    beside = tuple(f for f in rest if not (isinstance(f, Power) and f.column == j))
    now = Law((Term(ONE, (*(f for f in rest if f not in beside), group)),))
    place = int(np.argmin(np.abs(columns.of(j) - middle)))
    level = float(np.broadcast_to(value(now, columns), len(columns))[place])
    if not np.isfinite(zero) or middle == zero or not term.coefficient.free:
        return None
    c = replace(term.coefficient, value=term.coefficient.value * level / (middle - zero))
    bracket = Law((Term(ONE, (Power(j, ONE),)), Term(Parameter(-zero))))
    return Term(c, (*beside, Group(bracket)))


def _by_another(term: Term, place: int, table: Tabulated, columns: Columns) -> Iterator[Term]:
    """Yield a term with a table of another category: a depot lies in a region, and either may stand for the other."""
    taken = {f.column for f in term.factors if isinstance(f, Tabulated)}
    free = all(each.free for each in table.values)
    codes = columns.of(table.column).astype(np.int64)
    numbers = np.array([each.value for each in table.values])[codes]
    for j, count in columns.categories.items():
        if j in taken:
            continue
        other = columns.of(j).astype(np.int64)
        often = np.bincount(other, minlength=count)
        means = np.bincount(other, weights=numbers, minlength=count) / np.maximum(often, 1)
        held = int(often.argmax())
        size = 1.0 if free else float(means[held]) or 1.0
        values = tuple(Parameter(float(m) / size, free or k != held) for k, m in enumerate(means))
        c = replace(term.coefficient, value=term.coefficient.value * size)
        rest = (*term.factors[:place], Tabulated(j, values), *term.factors[place + 1 :])
        yield Term(c if term.coefficient.free else term.coefficient, rest)


def _neighbours(exponent: float, columns: Columns, column: int) -> list[float]:
    """Return the next smaller and the next larger simple exponent that an input allows."""
    allowed = sorted(exponents_of(columns, column, LADDER))
    below = [e for e in allowed if e < exponent - 1e-9]
    above = [e for e in allowed if e > exponent + 1e-9]
    return below[-1:] + above[:1]


def _scaled(term: Term, factors: tuple[Factor, ...], log_by: float, middle: float, b: float) -> Term:
    """Return a term with other factors and the coefficient that keeps its value at the middle of an input."""
    c = term.coefficient
    with np.errstate(all="ignore"):  # a number beyond floating point is none, and its law has no value
        value_ = float(c.value * np.exp(log_by + b * np.log(np.abs(middle))))
    return Term(replace(c, value=value_) if c.free else c, factors)


def _flipped(term: Term, group: Group, rest: tuple[Factor, ...], columns: Columns) -> Term | None:
    one, other = group.inner.terms
    powers = [f for f in other.factors if isinstance(f, Power)]
    exponentials = [f for f in other.factors if isinstance(f, Exponential)]
    a, p = other.coefficient.value, group.exponent.value
    whole = len(powers) + len(exponentials) == len(other.factors)
    if one != Term(ONE) or not whole or a <= 0.0 or not term.coefficient.free:
        return None
    if any(kind_of(columns, f.column) != "positive" for f in powers):
        return None
    inner: list[Factor] = [replace(f, exponent=replace(f.exponent, value=-f.exponent.value)) for f in powers]
    inner += [replace(f, rate=replace(f.rate, value=-f.rate.value)) for f in exponentials]
    outside = list(rest)
    for f in powers:
        outside = merged(outside, Power(f.column, replace(f.exponent, value=p * f.exponent.value)))
    for e in exponentials:
        outside = merged(outside, Exponential(e.column, replace(e.rate, value=p * e.rate.value), e.of))
    coefficient = replace(other.coefficient, value=1.0 / a)
    turned = Group(Law((one, Term(coefficient, tuple(inner)))), group.exponent)
    return Term(replace(term.coefficient, value=term.coefficient.value * a**p), (*outside, turned))


def _rooted(group: Group) -> Group | None:
    """Return (1 + 2 a · M)^(p/2) for (1 + a · M)^p, nearly the same where M is small; None for other groups."""
    one, other = group.inner.terms
    p = group.exponent
    if one != Term(ONE) or p.free or abs(p.value) != 1.0 or not other.coefficient.free:
        return None
    twice = replace(other, coefficient=Parameter(2.0 * other.coefficient.value))
    return Group(Law((one, twice)), Parameter(0.5 * p.value, free=False))


def _bent(group: Group, by: float, columns: Columns) -> Group | None:
    """Return a group 1 + a · M with another power of M, equal where M is at its median."""
    one, other = group.inner.terms
    if one != Term(ONE) or not other.factors:
        return None
    factors: list[Factor] = []
    for f in other.factors:
        if not isinstance(f, Power):
            return None
        exponent = by * f.exponent.value
        if kind_of(columns, f.column) != "positive" and exponent != int(exponent):
            return None
        factors.append(replace(f, exponent=replace(f.exponent, value=exponent)))
    m = float(np.median(value(Law((replace(other, coefficient=ONE),)), columns)))
    if not m > 0.0:
        return None
    a = other.coefficient.value * m ** (1.0 - by)
    return replace(group, inner=Law((one, Term(Parameter(a), tuple(factors)))))


def _multiplied_out(term: Term, place: int, columns: Columns) -> tuple[Term, ...] | None:
    """Return the terms of T · (A + B + …), or of T · (1 + r · u) for an exponential; None for other factors."""
    group = term.factors[place]
    if isinstance(group, Exponential) and group.of != "x^2":
        j, r = group.column, group.rate
        if (group.of == "1/x" and kind_of(columns, j) != "positive") or not term.coefficient.free:
            return None
        power = Power(j, Parameter(1.0 if group.of == "x" else -1.0, free=False))
        group = Group(Law((Term(ONE), Term(Parameter(r.value), (power,)))))
        term = replace(term, factors=(*term.factors[:place], group, *term.factors[place + 1 :]))
    return multiplied_out(term, place) if isinstance(group, Group) and group.exponent == ONE else None


def _tied(law: Law) -> Iterator[Law]:
    """Yield the sum with two terms in one: T₁ + T₂ as T₁ · (1 + a · M), T₁ · (1 + S) + T₂ as T₁ · (1 + S + a · M).

    M holds what the second has beside the first, and the powers in which the two differ, to the next simple exponent;
    where they differ by little they are taken to agree.
    """
    for i, first in enumerate(law.terms):
        for j, second in enumerate(law.terms):
            if i == j or not first.factors or not first.coefficient.free or not second.coefficient.free:
                continue
            for outside, inner in _opened(first):
                if (m := _beside(outside, second)) is not None:
                    ratio = Parameter(second.coefficient.value / first.coefficient.value)
                    group = Group(Law((*inner, Term(ratio, m))))
                    whole = replace(first, factors=(*outside, group))
                    rest = [t for k, t in enumerate(law.terms) if k not in (i, j)]
                    yield Law((*rest, whole))


def _opened(term: Term) -> Iterator[tuple[tuple[Factor, ...], tuple[Term, ...]]]:
    """Yield the factors of a term and the terms of a bracket after them: 1, or what is in a bracket that it has."""
    yield term.factors, (Term(ONE),)
    for place, factor in enumerate(term.factors):
        if isinstance(factor, Group) and factor.exponent == ONE and Term(ONE) in factor.inner.terms:
            yield (*term.factors[:place], *term.factors[place + 1 :]), factor.inner.terms


def _with_one_table(law: Law) -> Iterator[Law]:
    """Yield the sum with by(m) · (S + r · T) for S · by(m) + T · by'(m): what is hard to cut is so for every part.

    Terms that grow one after the other get a table each, although one says all, up to a ratio.
    """
    for (i, first), (j, second) in permutations(enumerate(law.terms), 2):
        for table in (f for f in first.factors if isinstance(f, Tabulated) and f.of == "category"):
            for other in (f for f in second.factors if isinstance(f, Tabulated)):
                if other.column != table.column or other.of != "category":
                    continue
                levels = [float(np.mean([each.value for each in f.values])) for f in (table, other)]
                if not levels[0] or not first.coefficient.value:
                    continue
                ratio = second.coefficient.value * levels[1] / (first.coefficient.value * levels[0])
                own, more = (
                    _summands(tuple(f for f in term.factors if f is not out))
                    for term, out in ((first, table), (second, other))
                )
                scaled = (replace(t, coefficient=Parameter(ratio * t.coefficient.value)) for t in more)
                factors = (table, Group(Law((*own, *scaled))))
                rest = (t for k, t in enumerate(law.terms) if k not in (i, j))
                yield Law((*rest, replace(first, factors=factors)))


def _summands(factors: tuple[Factor, ...]) -> tuple[Term, ...]:
    """Return the terms of a bracket that stands alone, or the factors as one term."""
    if len(factors) == 1 and isinstance(factors[0], Group) and factors[0].exponent == ONE:
        return factors[0].inner.terms
    return (Term(ONE, factors),)


def _beside(outside: tuple[Factor, ...], second: Term) -> tuple[Factor, ...] | None:
    """Return what a term is beside factors, powers taken to agree that are alike; None where it is not a part of it."""
    others = [f for f in outside if not isinstance(f, Power)]
    more = [f for f in second.factors if not isinstance(f, Power)]
    if any(f not in more for f in others):
        return None
    more = [f for f in more if f not in others]
    a = {f.column: f.exponent.value for f in outside if isinstance(f, Power)}
    b = {f.column: f.exponent.value for f in second.factors if isinstance(f, Power)}
    if not (a.keys() & b.keys() or others):
        return None
    m = {c: _simplest(b.get(c, 0.0) - a.get(c, 0.0)) for c in sorted(a.keys() | b.keys())}
    powers = (Power(c, Parameter(e, free=False)) for c, e in m.items() if e)
    return (*powers, *more) or None


def _simplest(exponent: float) -> float:
    """Return the simple exponent next to a difference of two, zero where it is less than a half."""
    return 0.0 if abs(exponent) < TIED else min(LADDER, key=lambda e: abs(e - exponent))


def _sum_at(law: Law, path: Path) -> Law | None:
    """Return the sum at a path; None where the largest of the terms counts."""
    here: Law | None = law
    for step in range(0, len(path), 2):
        factor = law.terms[path[step]].factors[path[step + 1]]
        assert isinstance(factor, Group | Applied)
        law, here = factor.inner, None if is_extreme(factor) else factor.inner
    return here
