"""Making a fitted law plainer where its description gets shorter: numbers that are simple, parts that go.

A free number is held at a simple value where that is more probable than a value nearby: the value is within the
interval of the estimate, and

    z² < 2 log(prior / (√(2π) · standard error · density)),

the Bayes factor of a point against a spread (Jeffreys 1961, *Theory of Probability*, section 5.2), with a prior that is
high for whole exponents, low for quarters, and a density that says how far such numbers range. A value that is merely
near to a simple one is not: 0.72 ± 0.02 stays, although 3/4 is inside of its interval. The law is then fitted again,
and the hold is kept if the description is shorter.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.surrogates.search.fitting import Fitted, Rules, Target, fitted
from kanopt.surrogates.search.program import Columns, value
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    Applied,
    Exponential,
    Group,
    Law,
    Parameter,
    Power,
    Tabulated,
    Term,
    Wave,
    changed,
    changed_numbers,
    cleaned,
    fixed,
    is_extreme,
    raised_all,
    values_of,
)

FARTHEST = 3.3
"""Standard errors from an estimate to the end of the interval that must contain the simple value: 99.9 %."""
NEGLIGIBLE = 1e-5
"""Relative difference, of numbers and of a law's values, that no one would write down."""
EXPONENTS = (
    *((e, 0.5) for e in (1.0, -1.0, 2.0, -2.0)),
    *((e, 0.2) for e in (0.5, -0.5, 3.0, -3.0, 4.0, -4.0)),
    *((e, 0.1) for e in (1.5, -1.5, 5.0, -5.0)),
    *((s * e, 0.003) for e in (1 / 3, 2 / 3, 0.25, 0.75) for s in (1.0, -1.0)),
)
"""Simple exponents and their prior."""
PER_UNIT = 0.25
"""Density of other exponents."""
_SIMPLE_EXPONENTS = [(exponent, prior, PER_UNIT) for exponent, prior in EXPONENTS]
UNIT_COEFFICIENT = 0.3
WRITTEN = 5e-4
"""Difference from 1 that four digits do not show."""
PER_E_FOLD = 0.1
"""Density of the logarithm of other coefficients."""
NEEDED = 8.0
"""Standard errors from zero beyond which no law is tried without a part."""
DRAFT = 30.0
DRAFTS = 2
PERIODS = (4.0, 7.0, 12.0, 13.0, 24.0, 26.0, 30.0, 52.0, 60.0, 168.0, 365.0, 365.25, 1440.0)
PERIOD = 0.05
PHASE = 0.2


Simple: TypeAlias = tuple[float, float, float]
"""A simple value for a free parameter, its prior, and the density of others there."""


def _simple(
    part: Any, scales: Floats, rules: Rules, *, inner: bool = False, pure: bool = True
) -> Iterator[list[Simple]]:
    """Yield the simple values of every free parameter below a part of a law of scaled inputs x / scale."""
    match part:
        case Law(terms=terms):
            for below in terms:
                yield from _simple(below, scales, rules, inner=inner, pure=pure)
        case Term():
            if part.coefficient.free:
                told = bool(part.factors) and (not pure or rules.may_be_one(part, inner=inner))
                yield _simple_coefficients(part, scales) if told else []
            for factor in part.factors:
                yield from _simple(factor, scales, rules, inner=inner)
        case Power(exponent=power):
            yield from [_SIMPLE_EXPONENTS] * power.free
        case Wave(column=column, frequency=frequency, phase=phase):
            if frequency.free:
                density = 0.3 / max(abs(frequency.value), 1e-300)
                turns = (*(2.0 * np.pi / period for period in PERIODS), 1.0)
                yield [(turn * float(scales[column]), PERIOD, density) for turn in turns]
            if phase.free:
                near = np.pi / 2 * round(phase.value / (np.pi / 2))
                yield [(float(near), PHASE, 1.0 / (2.0 * np.pi))]
        case Group(inner=below, exponent=power):
            # beside a 1 terms are pure numbers; beside each other they have one unit
            yield from _simple(below, scales, rules, inner=True, pure=Term(ONE) in below.terms)
            yield from [_SIMPLE_EXPONENTS] * power.free
        case Applied(inner=below):
            yield from _simple(below, scales, rules, inner=True, pure=not is_extreme(part))
        case _:
            yield from ([] for _ in values_of(part))


def _simple_coefficients(term: Term, scales: Floats) -> list[Simple]:
    """Return what a coefficient is where that of the inputs themselves is ±1; none beside free exponents."""
    unit = 1.0
    for factor in term.factors:
        if isinstance(factor, Power):
            if factor.exponent.free:
                return []
            unit *= float(scales[factor.column]) ** factor.exponent.value
        elif isinstance(factor, Applied) and factor.function == "abs" and len(factor.inner.terms) == 1:
            (only,) = factor.inner.terms
            powers = [f for f in only.factors if isinstance(f, Power)]
            of = float(np.prod([scales[f.column] ** f.exponent.value for f in powers]))
            unit *= of / abs(only.coefficient.value)
        elif not isinstance(factor, Group | Wave | Applied):
            return []
    density = PER_E_FOLD / max(abs(term.coefficient.value), 1e-300)
    return [(unit, UNIT_COEFFICIENT, density), (-unit, UNIT_COEFFICIENT, density)]


def _held(law: Law, number: int, value: float) -> Law:
    """Return the law with a free parameter, by its number, held at a value."""
    numbers = itertools.count()
    return changed_numbers(law, lambda parameter: fixed(value) if next(numbers) == number else parameter)


def tidied(fit: Fitted, to: Target, sample: Target) -> Fitted:
    """Return a fitted law made plainer as long as its description gets shorter.

    Parameters
    ----------
    fit
        A law of scaled inputs.
    to
        The rows.
    sample
        Some of them.
    """
    while True:
        plainer = _without_parts(fit, to, sample) or _rounded(fit, to)
        if plainer is None:
            return fit
        fit = plainer


def _rounded(fit: Fitted, to: Target) -> Fitted | None:
    """Hold the number at a simple value that is the most probable; None where none is."""
    estimates = np.array(values_of(fit.law))
    errors = np.maximum(np.sqrt(fit.variances(to.total)), 1e-9 * np.maximum(np.abs(estimates), 1e-3))
    ranked = []
    simple = _simple(fit.law, to.columns.scales, to.rules)
    for number, values in enumerate(simple):
        error = float(errors[number])
        for near, prior, density in values if np.isfinite(error) else ():
            off = abs(estimates[number] - near)
            odds = _odds(prior, density, error)
            if off < NEGLIGIBLE * abs(near) or (off / error < FARTHEST and (off / error) ** 2 < odds):
                ranked.append(((off / error) ** 2 - odds, number, near))
    # tables give rounded numbers, which are no noise: what they cannot tell apart is as simple as it can be
    enough = NEGLIGIBLE**2 * to.spread * to.total
    for _, number, near in sorted(ranked, key=lambda entry: entry[0])[:3]:
        trial = fitted(cleaned(_held(fit.law, number, near)), to)
        if trial is not None and (trial.length <= fit.length or trial.squares <= enough):
            return trial
    return None


def _odds(prior: float, density: float, error: float) -> float:
    """Return the square of the standard errors up to which a simple value is the more probable one."""
    return float(2.0 * np.log(prior / (np.sqrt(2.0 * np.pi) * error * density)))


def is_probably_one(coefficient: float, error: float | None) -> bool:
    """Whether a coefficient that is written as 1 is rather that than a number nearby, given its standard error, if any.

    Examples
    --------
    >>> is_probably_one(1.0002, 0.0006), is_probably_one(0.9, 0.1), is_probably_one(1.0, None)
    (True, False, False)
    """
    off = abs(coefficient - 1.0)
    if error is None or not error > 0.0 or off > WRITTEN:
        return False
    z = off / error
    return off < NEGLIGIBLE or (z < FARTHEST and z * z < _odds(UNIT_COEFFICIENT, PER_E_FOLD, error))


def _without_parts(fit: Fitted, to: Target, sample: Target) -> Fitted | None:
    """Leave the part out without which the description is shortest; None where every part earns its place.

    What a part is worth is first estimated on a sample of the rows.
    """
    here = fitted(fit.law, sample, iterations=0)
    if here is None:
        return None
    drafts = []
    enough = NEGLIGIBLE**2 * sample.spread * sample.total
    for law in _smaller(fit, sample, to.total):
        draft = fitted(cleaned(law), sample, iterations=8, tolerance=1e-4) if law.terms else None
        if draft is not None and (draft.length < here.length + DRAFT or draft.squares <= enough):
            drafts.append(draft)
    best: Fitted | None = None
    for draft in sorted(drafts, key=lambda each: each.length)[:DRAFTS]:
        trial = fitted(draft.law, to)
        if trial is None:
            continue
        shorter = trial.length < (fit if best is None else best).length
        if shorter or (best is None and trial.squares <= NEGLIGIBLE**2 * to.spread * to.total):
            best = trial
    return best


def _smaller(fit: Fitted, sample: Target, total: float) -> Iterator[Law]:
    """Yield the law with a term, or a factor of a term, left out that is not plainly needed.

    It is where its coefficient or exponent is many standard errors from zero (Wald's test), and not as good as zero.
    """
    law = fit.law
    faint = NEGLIGIBLE * min(float(np.std(value(law, sample.columns))), 1.0)
    least = np.maximum(NEEDED * np.sqrt(fit.variances(total)), faint)
    needed = iter(np.abs(values_of(law)) > least)

    def of_sum(here: Law, path: tuple[int, ...], largest: str = "") -> Iterator[Law]:
        attained = _attained(here, largest, sample.columns) if largest else itertools.repeat(None)
        for number, (term, rows) in enumerate(zip(here.terms, attained, strict=False)):
            place = (*path, number)
            # how far a limit is from zero does not tell whether there is one
            keep = term.coefficient.free and bool(next(needed)) and not largest
            alone = len(here.terms) == 1
            if not keep and (term.coefficient.free or not alone) and not (path and term == Term(ONE)):
                yield changed(law, place, None)
                if largest and not term.factors and term.coefficient.free:
                    yield changed(law, place, Term(fixed(0.0)))
            for k, factor in enumerate(term.factors):
                rest = (*term.factors[:k], *term.factors[k + 1 :])
                without = replace(term, factors=rest)
                if rows is not None and term.coefficient.free:
                    # a term that is the largest must stay so somewhere
                    level = float(np.median(value(Law((Term(ONE, (factor,)),)), sample.columns)[rows]))
                    size = Parameter(term.coefficient.value * level)
                    without = replace(without, coefficient=size)
                if isinstance(factor, Applied) and factor.function == "abs":
                    yield changed(law, place, replace(term, factors=(*rest, Group(factor.inner))))
                if isinstance(factor, Group) or is_extreme(factor):
                    yield from (changed(law, place, t) for t in _without_one(term, k))
                    function = factor.function if isinstance(factor, Applied) else ""
                    yield from of_sum(factor.inner, (*place, k), function)
                    if isinstance(factor, Group) and factor.exponent.free:
                        next(needed)
                    keep = False
                else:
                    flags = [bool(next(needed)) for _ in values_of(factor)]
                    keep = isinstance(factor, Power | Exponential) and (all(flags) if flags else alone)
                if not keep and (rest or term.coefficient.free):
                    yield changed(law, place, without)
                elif isinstance(factor, Tabulated) and not rest:
                    middle = float(np.mean([each.value for each in factor.values]))
                    yield changed(law, place, Term(Parameter(middle)))

    yield from of_sum(law, ())


def _attained(law: Law, function: str, columns: Columns) -> Iterator[NDArray[np.bool_] | None]:
    """Yield the rows on which each term is the largest, or smallest; None where it never is."""
    values = np.column_stack([value(Law((term,)), columns) for term in law.terms])
    extreme = values.max(axis=1) if function == "max" else values.min(axis=1)
    for own in values.T:
        rows = own == extreme
        yield rows if rows.any() else None


def _without_one(term: Term, place: int) -> Iterator[Term]:
    """Yield a term without the 1 that a bracket of it begins with: T₁ · (1 + T₂ / T₁) for 1 + T₁ + T₂.

    Where the 1 is small beside the rest it hardly shows, and numbers that should be simple are not.
    """
    group = term.factors[place]
    if not (isinstance(group, Group) and term.coefficient.free and Term(ONE) in group.inner.terms):
        return
    rest = [t for t in group.inner.terms if t != Term(ONE)]
    others = (*term.factors[:place], *term.factors[place + 1 :])
    for first in rest:
        outside = raised_all(first.factors, group.exponent)
        # alone it divides nothing, and need have no reciprocal
        inverse = raised_all(first.factors, MINUS_ONE) if len(rest) > 1 else ()
        size = first.coefficient.value
        if outside is None or inverse is None or (size <= 0.0 and group.exponent not in (ONE, MINUS_ONE)):
            continue
        shares = (
            Term(Parameter(t.coefficient.value / size), (*t.factors, *inverse))
            for t in rest
            if t is not first
        )
        bracket = Group(Law((Term(ONE), *shares)), group.exponent)
        value_ = term.coefficient.value * size**group.exponent.value
        yield Term(Parameter(value_), (*others, *outside, bracket))
