"""The same law said in another way, or nearly: what growth alone does not reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, product

import numpy as np
from scipy.optimize import minimize_scalar

from kanopt.array_types import Floats
from kanopt.surrogates.search.dictionary import Dictionary, exponents_of, kind_of
from kanopt.surrogates.search.fitting import SLOPES, OuterSum, Target
from kanopt.surrogates.search.program import Columns, parts, value
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Parameter,
    Power,
    Tabulated,
    Term,
    changed,
    cleaned,
    fixed,
    inputs_of,
    is_extreme,
    joined,
    multiplied_out,
    raised_all,
)
from kanopt.surrogates.search.wholes import Product, largest_sum

STEEPEST = 6.0
"""Rate of the steepest exponential, over the range of its input, that is tried in the place of several terms."""
NO_POLE = 0.02
"""What the denominator of a reciprocal is at least."""
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
    for places, of, plain in _alike(law, words.straight):
        if not signomial and not to.log:
            yield from _with_a_shape(law, places, of, words, outer)
        if not plain:
            yield from _with_simple_powers(law, places, of, words, outer)
    if words.with_shapes and not signomial and not to.log:
        opened = _multiplied_out(law)
        outer = OuterSum.of(opened, to)
        for places, of, plain in _alike(opened, words.straight):
            if plain:
                continue
            yield from _with_one_function(opened, places, of, words, outer)


def _multiplied_out(law: Law) -> Law:
    """Return the sum without the brackets in its terms: what they hold may be terms of one function."""
    terms: list[Term] = []
    for term in law.terms:
        brackets = (k for k, f in enumerate(term.factors) if isinstance(f, Group) and f.exponent == ONE)
        place = next(brackets, None)
        terms += [term] if place is None else multiplied_out(term, place)
    return Law(tuple(terms))


def _with_one_function(
    law: Law, places: list[int], of: tuple[int, tuple[Factor, ...]], words: Dictionary, whole: OuterSum
) -> Iterator[tuple[float, Law]]:
    """Yield the law with one exponential, power or reciprocal, with and without a constant, for several terms.

    Terms that differ in powers of one input may be its series: 1 + x + x³ is what growth finds for an exponential. The
    ready-made rates lie too far apart for a function that replaces a good fit, so its number is looked for.
    """
    column, beside = of
    places = sorted({*places, *(k for k, t in enumerate(law.terms) if set(t.factors) == set(beside))})
    outer = whole.without(places)
    if outer is None:
        return
    other = value(Law((Term(ONE, beside),)), words.columns)

    def values_with(factor: Factor, *, constant: bool) -> Floats:
        inner = value(Law((Term(ONE, (factor,)),)), words.columns)
        return np.column_stack([other * inner, other * np.ones_like(inner)][: 1 + constant])

    def left(number: float, of_number: Callable[[float], Factor], *, constant: bool) -> float:
        with np.errstate(all="ignore"):  # what has no value on some row takes nothing
            return -outer.exchanged(values_with(of_number(number), constant=constant))[0]

    for of_number, numbers in _functions_of(column, words.columns):
        for constant in (False, True):
            best = of_number(_lowest(partial(left, of_number=of_number, constant=constant), numbers))
            values = values_with(best, constant=constant)
            share, sizes = outer.exchanged(values)
            if np.isfinite(share) and sizes.all():
                others = outer.coefficients_beside(values, sizes)
                # any other power of a line fits at least as well
                freed = [replace(best, exponent=Parameter(-1.0))] if isinstance(best, Group) else []
                for factor in (best, *freed):
                    products = [(*beside, factor), beside][: len(sizes)]
                    yield share, cleaned(_exchanged(law, places, others, sizes, products))


def _functions_of(column: int, columns: Columns) -> Iterator[tuple[Callable[[float], Factor], Floats]]:
    """Yield functions of one input and a number, each with numbers between which the best is looked for."""
    rates = np.linspace(-STEEPEST, STEEPEST, 12)  # none of them is zero
    yield lambda rate: Exponential(column, Parameter(rate)), rates / np.ptp(columns.of(column))
    x = columns.of(column)
    if kind_of(columns, column) == "positive":
        yield lambda exponent: Power(column, Parameter(exponent)), np.array(LADDER)
        yield lambda rate: Exponential(column, Parameter(rate), "1/x"), rates / np.ptp(1.0 / x)
    slopes = np.array(SLOPES) / float(x[np.argmax(np.abs(x))])
    slopes = np.sort(slopes[(1.0 + slopes[:, None] * x).min(axis=1) > NO_POLE])
    line = Term(ONE, (Power(column, ONE),))
    if len(slopes):
        yield lambda a: Group(Law((Term(ONE), replace(line, coefficient=Parameter(a)))), MINUS_ONE), slopes


def _lowest(function: Callable[[float], float], numbers: Floats) -> float:
    """Return where a function of a number is lowest: at the best of some, or between its neighbours."""
    tried = [function(float(number)) for number in numbers]
    k = int(np.argmin(tried))
    low, high = numbers[max(k - 1, 0)], numbers[min(k + 1, len(numbers) - 1)]
    found = minimize_scalar(function, bounds=(low, high), method="bounded")
    return float(found.x if found.fun < tried[k] else numbers[k])


def _with_a_shape(
    law: Law, places: list[int], of: tuple[int, tuple[Factor, ...]], words: Dictionary, whole: OuterSum
) -> Iterator[tuple[float, Law]]:
    """Yield laws with a shape, or 1 + a · shape, for all that terms say of one input.

    Roots stand for what levels off, and curves and nested brackets for whatever was not thought of. A shape that is
    ready-made fits less well than these, until its numbers are its own.
    """
    column, beside = of
    outer = whole.without(places)
    if outer is None:
        return
    other = value(Law((Term(ONE, beside),)), words.columns)[:, None]
    one = np.ones((len(words.columns), 1))
    # beside nothing the one is the constant of the sum
    for kind, is_alone in product(words.of_one(column), (True, False) if beside else (True,)):
        tried = [
            (outer.exchanged(other * (values if is_alone else np.column_stack([values, one]))), bend, values)
            for bend, values in kind
        ]
        for (share, sizes), bend, values in sorted(tried, key=lambda entry: -entry[0][0])[:1]:
            if not np.isfinite(share) or not sizes.all():
                continue
            level, new = float(sizes[-1]), bend
            if len(sizes) > 1:
                size = float(sizes[0]) / level
                new = Group(Law((Term(ONE), Term(Parameter(size), (bend,)))))
                values = 1.0 + size * values
            sizes = np.array([level])
            others = outer.coefficients_beside(other * values, sizes)
            yield share, cleaned(_exchanged(law, places, others, sizes, [(*beside, new)]))


def _exchanged(law: Law, places: list[int], others: Floats, sizes: Floats, new: list[Product]) -> Law:
    """Return the law with new products of these sizes for terms; others that are free get theirs, and go at zero."""
    rest = [term for place, term in enumerate(law.terms) if place not in places]
    terms = [
        replace(term, coefficient=Parameter(float(c))) if term.coefficient.free else term
        for term, c in zip(rest, others, strict=True)
        if c or not term.coefficient.free
    ]
    return Law((*terms, *(Term(Parameter(float(c)), each) for c, each in zip(sizes, new, strict=True))))


def _alike(
    law: Law, columns: Iterable[int]
) -> Iterator[tuple[list[int], tuple[int, tuple[Factor, ...]], bool]]:
    """Yield the places of terms that differ in factors of one input only, the input and the factors beside, and more.

    That is whether it is a single term with a power of the input: with another power it is found as a growth.
    """
    for column in columns:
        found: dict[tuple[Factor, ...], list[int]] = {}
        plain: set[int] = set()
        for place, term in enumerate(law.terms):
            own = [f for f in term.factors if inputs_of(f) == {column}]
            beside = tuple(sorted((f for f in term.factors if f not in own), key=repr))
            if own and not any(column in inputs_of(f) for f in beside):
                found.setdefault(beside, []).append(place)
                plain |= {place} if len(own) == 1 and isinstance(own[0], Power) else set()
        for beside, places in found.items():
            yield places, (column, beside), len(places) == 1 and places[0] in plain


def _with_simple_powers(
    law: Law, places: list[int], of: tuple[int, tuple[Factor, ...]], words: Dictionary, whole: OuterSum
) -> Iterator[tuple[float, Law]]:
    """Yield the law with the best one, two and three simple powers, constants or bends in the place of what it has."""
    column, beside = of
    terms = whole.without(places)
    if terms is None:
        return
    parts: list[tuple[tuple[Factor, ...], Floats]] = [
        ((power,), each) for power, each in words.powers(column)
    ]
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
            products = [(*beside, *parts[k][0]) for k in chosen]
            others = terms.coefficients_beside(values[:, chosen], coefficients)
            yield share, _exchanged(law, places, others, coefficients, products)


LADDER = (-4.0, -3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0)
FLAT = 0.3
"""Exponents up to this may be logarithms: a + b · x^0.005 is a' + b' · log x."""
VANISHED = 0.05
"""Exponents up to this are none where two powers have met."""
TIED = 0.5
"""Exponents of two terms that differ by less are taken for the same."""
SLIGHT = 0.1
"""Share of a coefficient up to which the same one of the other of two sums is none, or equal to it."""


# ── the same law said in another way ──


def rewritings(law: Law, columns: Columns) -> Iterator[Law]:
    """Yield laws of the same size that say something similar in another way, to be fitted from there.

    A power becomes an exponential of the input or of its reciprocal, and back; an exponential that hardly bends becomes
    a line; a power that is nearly flat becomes a logarithm; a factor 1 + a · M turns into M times 1 + M⁻¹ / a, which is
    the same law and lets a power outside vanish against the one inside, or into its root with twice as much inside; M
    becomes its root or its square; two terms that share factors become one with a bracket; what has an absolute value
    becomes the larger or smaller of two; and a² + 2 a b + b² becomes a square.
    """
    for part in parts(law, columns):
        if isinstance(part.part, Law):
            opened = cleaned(_multiplied_out(part.part)).terms
            for sum_ in (*_tied(part.part), *_larger_of_two(opened, columns.scales), *_squared(opened)):
                yield cleaned(changed(law, part.path, sum_))
            continue
        for place, factor in enumerate(part.part.factors):
            by_another = _by_another(part.part, place, factor, columns)
            shared = _shared_by_all(part.part, place)
            for new in (*_instead(part.part, place, factor, columns), *by_another, *shared):
                yield changed(law, part.path, new)


def _instead(term: Term, place: int, factor: Factor, columns: Columns) -> Iterator[Term]:
    rest = (*term.factors[:place], *term.factors[place + 1 :])
    if isinstance(factor, Power | Exponential) and term.coefficient.free:
        rising = factor.exponent.value if isinstance(factor, Power) else factor.rate.value
        if rising > 0.0 and (isinstance(factor, Power) or factor.of == "x"):
            size = max(abs(columns.low[factor.column]), abs(columns.high[factor.column]))
            for e in exponents_of(columns, factor.column, (1.0, 2.0)):
                m = (Power(factor.column, fixed(e)),)
                group = Group(Law((Term(ONE), Term(Parameter(float(size**-e)), m))))
                yield replace(term, factors=(*rest, group))
    if isinstance(factor, Power):
        j, b = factor.column, factor.exponent.value
        middle = float(np.median(columns.of(j)))
        if middle == 0.0 or any(isinstance(f, Exponential) and f.column == j for f in rest):
            return
        if factor.exponent.free and abs(b) <= FLAT and not rest and columns.low[j] > 0.0:
            yield Term(replace(term.coefficient, value=term.coefficient.value * b), (Logarithm(j),))
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
        if (flipped := _flipped(term, factor, rest, columns)) is not None:
            yield flipped
        for by in (0.5, 2.0):
            if (bent := _bent(factor, by, columns)) is not None:
                yield replace(term, factors=(*rest, bent))
        if (rooted := _rooted(factor)) is not None:
            yield replace(term, factors=(*rest, rooted))


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


def _by_another(term: Term, place: int, table: Factor, columns: Columns) -> Iterator[Term]:
    """Yield a term with a table of another category: a depot lies in a region, and either may stand for the other."""
    if not isinstance(table, Tabulated) or table.of != "category":
        return
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


def _scaled(term: Term, factors: tuple[Factor, ...], log_by: float, middle: float, b: float) -> Term:
    """Return a term with other factors and the coefficient that keeps its value at the middle of an input."""
    c = term.coefficient
    with np.errstate(all="ignore"):  # a number beyond floating point is none, and its law has no value
        value_ = float(c.value * np.exp(log_by + b * np.log(np.abs(middle))))
    return Term(replace(c, value=value_) if c.free else c, factors)


def _flipped(term: Term, group: Group, rest: tuple[Factor, ...], columns: Columns) -> Term | None:
    """Return M · (1 + 1 / (a · M)) for 1 + a · M: a power outside may vanish against the one inside."""
    one, other = group.inner.terms
    powers = [f for f in other.factors if isinstance(f, Power)]
    exponentials = [f for f in other.factors if isinstance(f, Exponential)]
    a, p = other.coefficient.value, group.exponent.value
    whole = len(powers) + len(exponentials) == len(other.factors)
    if one != Term(ONE) or not whole or a <= 0.0 or not term.coefficient.free:
        return None
    if any(kind_of(columns, f.column) != "positive" for f in powers):
        return None
    inner, outer = (raised_all([*powers, *exponentials], each) or () for each in (MINUS_ONE, group.exponent))
    outside = joined((*rest, *outer))
    outside = tuple(f for f in outside if not (isinstance(f, Power) and abs(f.exponent.value) < VANISHED))
    coefficient = replace(other.coefficient, value=1.0 / a)
    turned = Group(Law((one, Term(coefficient, inner))), group.exponent)
    return Term(replace(term.coefficient, value=term.coefficient.value * a**p), (*outside, turned))


def _rooted(group: Group) -> Group | None:
    """Return (1 + 2 a · M)^(p/2) for (1 + a · M)^p, nearly the same where M is small; None for other groups."""
    one, other = group.inner.terms
    p = group.exponent
    if one != Term(ONE) or p.free or abs(p.value) != 1.0 or not other.coefficient.free:
        return None
    twice = replace(other, coefficient=Parameter(2.0 * other.coefficient.value))
    return Group(Law((one, twice)), fixed(0.5 * p.value))


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


def _larger_of_two(terms: tuple[Term, ...], scales: Floats) -> Iterator[Law]:
    """Yield the sum with the larger or smaller of A and B for what it has of |A − B| and A + B, half of it each.

    A bend says the same, as max(0, A − B) is half of A − B + |A − B|. What is small beside its like is left out.
    """
    for term in terms:
        for place, factor in enumerate(term.factors):
            if (difference := _bent_at(factor)) is None or not term.coefficient.free:
                continue
            beside = (*term.factors[:place], *term.factors[place + 1 :])
            own = [set(joined((*beside, *t.factors))) for t in difference.terms]
            told = [sum(t.coefficient.value for t in terms if set(t.factors) == each) for each in own]
            if not any(told):
                continue
            half = term.coefficient.value * np.array([t.coefficient.value for t in difference.terms])
            bent = is_extreme(factor)
            sizes = [np.array(told) + half, np.array(told) - (0.0 if bent else half)]
            slight = SLIGHT * np.abs(sizes).max(axis=0)
            function = "max" if term.coefficient.value > 0.0 else "min"
            pieces = [(each, slight) for each in sizes]
            new = largest_sum(function, pieces, [t.factors for t in difference.terms], scales, 1.0)
            if new is not None:
                rest = [t for t in terms if t is not term and set(t.factors) not in own]
                yield Law((*rest, *(replace(t, factors=joined((*beside, *t.factors))) for t in new.terms)))


def _bent_at(factor: Factor) -> Law | None:
    """Return the difference of which a factor is the absolute value, or what is above zero; None for other factors."""
    match factor:
        case Hinge(column=column, place=place):
            return Law((Term(ONE, (Power(column, ONE),)), Term(Parameter(-place.value))))
        case Applied(function="abs", inner=inner):
            return inner
        case Applied(
            function="max", inner=Law(terms=(Term(coefficient=Parameter(value=0.0)), Term() as other))
        ):
            return _multiplied_out(Law((other,)))
    return None


def _squared(terms: tuple[Term, ...]) -> Iterator[Law]:
    """Yield the sum with the square of a sum or difference for three of its terms."""
    roots = [raised_all(term.factors, fixed(0.5)) for term in terms]
    for i, k in combinations(range(len(terms)), 2):
        if (p := roots[i]) is None or (q := roots[k]) is None:
            continue
        first, last = terms[i].coefficient.value, terms[k].coefficient.value
        size, between = 2.0 * np.sqrt(max(first * last, 0.0)), set(joined((*p, *q)))
        for place, term in enumerate(terms):
            middle = term.coefficient.value
            if set(term.factors) != between or not abs(abs(middle) - size) < SLIGHT * size:
                continue
            shared = [f for f in p if f in q]
            sides = [tuple(f for f in each if f not in shared) for each in (p, q)]
            ratio = Parameter(float(np.copysign(np.sqrt(last / first), first * middle)))
            square = Group(Law((Term(ONE, sides[0]), Term(ratio, sides[1]))), fixed(2.0))
            new = Term(terms[i].coefficient, (*(raised_all(shared, fixed(2.0)) or ()), square))
            yield Law((*(t for at, t in enumerate(terms) if at not in (i, k, place)), new))


def _shared_by_all(term: Term, place: int) -> Iterator[Term]:
    """Yield A times the largest of 4, x and y for the largest of 4 A, A x and A y, all sums; the smallest likewise."""
    extreme = term.factors[place]
    if not is_extreme(extreme):
        return
    sums = [cleaned(_multiplied_out(Law((each,)))).terms for each in extreme.inner.terms]
    for one in (each for each in sums if len(each) > 1):
        sides = [each for each in (_ratio(other, one) for other in sums) if each]
        if len(sides) == len(sums):
            size = one[0].coefficient.value
            shares = (replace(t, coefficient=Parameter(t.coefficient.value / size)) for t in one[1:])
            group = Group(Law((Term(ONE, one[0].factors), *shares)))
            inner = Law(tuple(replace(t, coefficient=Parameter(size * t.coefficient.value)) for t in sides))
            rest = (*term.factors[:place], *term.factors[place + 1 :])
            yield replace(term, factors=(*rest, group, replace(extreme, inner=inner)))


def _ratio(other: tuple[Term, ...], one: tuple[Term, ...]) -> Term | None:
    """Return what a sum is nearly in one of as many terms; None where it is no product of that."""
    inverse = raised_all(one[0].factors, MINUS_ONE) or ()
    for m in (joined((*each.factors, *inverse)) for each in other):
        products = [(set(joined((*each.factors, *m))), each.coefficient.value) for each in one]
        found = [t.coefficient.value / c for own, c in products for t in other if set(t.factors) == own]
        middle = float(np.median(found)) if len(found) == len(one) == len(other) else 0.0
        if one[0].coefficient.value * middle > 0.0 and np.ptp(found) < 2.0 * SLIGHT * abs(middle):
            return Term(Parameter(middle), m)
    return None


def _opened(term: Term) -> Iterator[tuple[tuple[Factor, ...], tuple[Term, ...]]]:
    """Yield the factors of a term and the terms of a bracket after them: 1, or what is in a bracket that it has."""
    yield term.factors, (Term(ONE),)
    for place, factor in enumerate(term.factors):
        if isinstance(factor, Group) and factor.exponent == ONE and Term(ONE) in factor.inner.terms:
            yield (*term.factors[:place], *term.factors[place + 1 :]), factor.inner.terms


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
    apart = {c: b.get(c, 0.0) - a.get(c, 0.0) for c in sorted(a.keys() | b.keys())}
    simple = {c: min(LADDER, key=lambda e: abs(e - own)) for c, own in apart.items() if abs(own) >= TIED}
    powers = (Power(c, fixed(e)) for c, e in simple.items())
    return (*powers, *more) or None
