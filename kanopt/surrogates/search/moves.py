"""Steps from one law to the next, most promising first.

Whether a larger law fits better is foretold without fitting it, by the score test: a thousand growths are ranked for
the price of one fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.dictionary import Dictionary, kind_of
from kanopt.surrogates.search.fitting import Target
from kanopt.surrogates.search.program import Part, parts, value_and_jacobian
from kanopt.surrogates.search.rewriting import exchanges
from kanopt.surrogates.search.scores import OuterSum, Scores, Start
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    Applied,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Tabulated,
    Term,
    Wave,
    changed,
    changed_numbers,
    in_tables,
    signature,
    values_of,
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


PER_PART = 4
STARTED = 12
"""Groups whose size is scanned before the best are tried."""
DECAYS = 64
DEEPEST = 3
ANGLES = 1.01 * np.pi / 2
"""Radians up to which a sine rises; rows of a quarter turn may pass it by their noise."""
NEAR_ONE = (0.6, 1.1)
"""Exponents of a power that a sine of such radians may pass for."""

CLUMP, CLUMPED = 3.0, 0.02
"""Standard errors up to which rows neither rise nor fall, and the share of all rows that is no accident of a few."""

_Found: TypeAlias = Iterator[tuple[float, Law | Term]]
"""Shares of the squares that are taken, and what then stands in the place of a part."""


@dataclass(frozen=True, eq=False)
class Move:
    """A law to try, and by how much its description is foretold to be shorter, in nats."""

    law: Law
    gain: float


def growths(law: Law, to: Target, words: Dictionary, rows: float, *, signomial: bool = False) -> list[Move]:
    """Return larger laws, the most promising first; see :func:`steps`."""
    return sorted(steps(law, to, words, rows, signomial=signomial), key=lambda move: -move.gain)


def steps(law: Law, to: Target, words: Dictionary, rows: float, *, signomial: bool = False) -> Iterator[Move]:
    """Yield larger laws, part by part.

    Parameters
    ----------
    law
        A fitted law.
    to
        Rows on which the steps are ranked, the same as those of `words`.
    words
        The ready-made factors.
    rows
        How many rows the law is fitted to.
    signomial
        Whether only terms, powers and tables are tried.

    Raises
    ------
    SearchStopped
        If the search is to end: of many inputs there are so many steps that no refit may come for a while.
    """
    before, looked_up, numbers_before = to.rules.price(law), in_lookups(law), len(values_of(law))
    for part, found in _of_parts(law, to, words, signomial):
        for share, new in found:
            grown = changed(law, part.path, new)
            # the numbers of a table are as many parameters; other steps are foretold for one
            numbers = max(in_lookups(grown) - looked_up, 1)
            price = numbers * np.log(rows) + to.rules.price(grown) - before
            yield Move(grown, float(-rows * np.log1p(-share)) - price)
    own = signature(law)
    for share, other in exchanges(law, words, to, signomial=signomial):
        to.heed()
        if signature(other) == own:
            continue
        price = (len(values_of(other)) - numbers_before) * np.log(rows) + to.rules.price(other) - before
        yield Move(other, float(-rows * np.log1p(-share)) - price)


def _of_parts(law: Law, to: Target, words: Dictionary, signomial: bool) -> Iterator[tuple[Part, _Found]]:
    """Yield the parts of a law, and what may stand in the place of each."""
    scores = Scores.of_law(law, to)
    outer = None if to.log or signomial else OuterSum.of(law, to)
    lookups = [*words.tables, *words.curves]
    for part in parts(law, to.columns):
        if len(part.path) > 2 * DEEPEST or not np.isfinite(part.flow).all():
            continue
        found: list[_Found] = []
        if isinstance(part.part, Law):
            found.append(_terms(part, scores, words, signomial))
            found += [] if signomial else [_wrapped(law, part, scores, words)]
            found += [] if part.path else [with_lookups(part, scores, lookups, words.columns)]
            found += [] if part.path or signomial else [_limited(law, part, to)]
        elif part.part == Term(ONE):
            continue  # the one that a group begins with
        else:
            found.append(_powers(part, scores, words))
            found += [] if signomial else [_groups(part, scores, words, outer)]
        if isinstance(part.part, Term):
            found.append(with_factors(part, scores, lookups, words.columns))
        to.heed()
        yield part, chain.from_iterable(found)


def _times(term: Term, factor: Factor, coefficient: float | None = None) -> Term:
    """Return a term times a factor, with another coefficient where one is given and may be."""
    c = term.coefficient
    if coefficient is not None and c.free:
        c = replace(c, value=coefficient)
    return Term(c, (*term.factors, factor))


def _freed(factors: tuple[Factor, ...], columns: Columns) -> tuple[Factor, ...]:
    """Return the factors with the exponents free that may take any value."""
    return tuple(
        replace(f, exponent=Parameter(f.exponent.value))
        if isinstance(f, Power) and kind_of(columns, f.column) == "positive"
        else f
        for f in factors
    )


def _best(share: Array, count: int) -> list[int]:
    return [int(k) for k in np.argsort(-share, kind="stable")[:count] if share[k] > 0.0]


def _terms(part: Part, scores: Scores, words: Dictionary, signomial: bool) -> _Found:
    """Add a term to a sum: a product of powers, its exponents as they are or free; a function; a wave."""
    assert isinstance(part.part, Law)
    terms = part.part.terms

    def with_(coefficient: float, factors: tuple[Factor, ...]) -> Law:
        return Law((*terms, Term(Parameter(coefficient), factors)))

    share, slope = scores.of(words.product_values, part.flow)
    for k in _best(share, PER_PART):
        factors = words.products[k]
        for own in dict.fromkeys((factors, _freed(factors, words.columns))):
            yield share[k], with_(float(slope[k]), own)
    if signomial:
        return
    share, slope = scores.of(words.decay_values, part.flow)
    for k in _best(share, 2):
        yield share[k], with_(float(slope[k]) * words.coefficient(k), words.decays[k])
    share, slope = scores.of(words.other_values, part.flow)
    for k in _best(share, 2):
        yield share[k], with_(float(slope[k]), words.others[k])
    share, slope = scores.of(words.shape_values, part.flow)
    for k in words.best_shapes(share):
        yield share[k], with_(float(slope[k]), (words.shapes[k],))
    for taken, amplitude, wave in _waves(scores, words, part.flow):
        yield taken, with_(amplitude, (wave,))


def _waves(scores: Scores, words: Dictionary, flow: Array) -> Iterator[tuple[float, float, Wave]]:
    """Yield the share, the amplitude and the wave of the best one of a known period, and of any other."""
    share, sine, cosine = scores.of_pairs(*words.wave_values, flow)
    free = np.array([frequency.free for _, frequency in words.waves], dtype=bool)
    for kind in (free, ~free):
        for k in _best(np.where(kind, share, 0.0), 1):
            yield share[k], *words.wave(k, sine[k], cosine[k])


def _powers(part: Part, scores: Scores, words: Dictionary) -> _Found:
    """Multiply a term by a power of an input, or set the exponent free of one that is there."""
    assert isinstance(part.part, Term)
    columns = words.columns
    yield from _angles(part, scores, columns)
    curved = {f.column for f in part.part.factors if isinstance(f, Tabulated)}
    free = [j for j in words.straight if kind_of(columns, j) == "positive" and j not in curved]
    if not free:
        return
    logs = np.column_stack([columns.log(j) for j in free])
    share, slope = scores.of(logs, part.flow * part.value)
    places = {f.column: k for k, f in enumerate(part.part.factors) if isinstance(f, Power)}
    for j, taken, step in zip(free, share, slope, strict=True):
        if j not in places:
            exponent = float(np.sign(step) * np.clip(abs(step), 0.1, 1.0))
            yield float(taken), _times(part.part, Power(j, Parameter(exponent)))
            continue
        k = places[j]
        power = part.part.factors[k]
        if isinstance(power, Power) and not power.exponent.free:
            freed = replace(power, exponent=Parameter(power.exponent.value))
            factors = part.part.factors
            yield float(taken), replace(part.part, factors=(*factors[:k], freed, *factors[k + 1 :]))


def _angles(part: Part, scores: Scores, columns: Columns) -> _Found:
    """Take the sine of an input that stands alone and may be an angle in radians: small ones hardly differ from it.

    Where all angles are above zero, powers and roots of them are as near to a sine as the angle itself. The frequency
    is then held at one radian, so that no arc of a longer wave passes for a power.
    """
    assert isinstance(part.part, Term)
    for place, factor in enumerate(part.part.factors):
        if not isinstance(factor, Power) or not NEAR_ONE[0] <= abs(factor.exponent.value) <= NEAR_ONE[1]:
            continue
        j, upright = factor.column, factor.exponent.value > 0.0
        scale = float(columns.scales[j])
        if scale * max(-columns.low[j], columns.high[j]) > ANGLES:
            continue
        # what log sin(x) adds to log x is -x² / 6
        share, _ = scores.of((columns.of(j) ** 2)[:, None], part.flow * part.value)
        free = columns.low[j] < 0.0
        sine = Wave(j, Parameter(scale, free=free), Parameter(0.0, free=False))
        new: Factor = sine if upright else Group(Law((Term(ONE, (sine,)),)), MINUS_ONE)
        factors = (*part.part.factors[:place], new, *part.part.factors[place + 1 :])
        c = part.part.coefficient
        value_ = c.value / scale if upright else c.value * scale
        yield float(share[0]), Term(replace(c, value=value_) if c.free else c, factors)


def _group(factors: tuple[Factor, ...], slope: float, exponent: float) -> Group:
    return Group(Law((Term(ONE), Term(Parameter(slope), factors))), Parameter(exponent, free=False))


def _groups(part: Part, scores: Scores, words: Dictionary, outer: OuterSum | None) -> _Found:
    """Multiply a term by 1 + a · M, or divide it by that, with M a product of powers; or by 1 + a wave."""
    assert isinstance(part.part, Term)
    flow = part.flow * part.value
    begun = outer.without(part.path) if outer and len(part.path) == 1 else None
    share, slope = scores.of(words.product_values, flow)
    chosen = _best(share, STARTED)
    values = words.product_values[:, chosen]
    for exponent in (1.0, -1.0):
        limits = 0.5 / np.abs(values).max(axis=0, initial=0.0)
        slight = np.clip(slope[chosen] * exponent, -limits, limits)
        ranked: list[tuple[Start, int]] = []
        started = begun.scanned(values, exponent) if begun else [None] * len(chosen)
        for place, k in enumerate(chosen):
            ranked.append((started[place] or (float(share[k]), None, float(slight[place])), k))
        ranked.sort(key=lambda entry: -entry[0][0])
        for (taken, c, a), k in ranked[:PER_PART]:
            factors = words.products[k]
            for own in dict.fromkeys((factors, _freed(factors, words.columns))):
                yield taken, _times(part.part, _group(own, a, exponent), c)
    if begun:
        share, _ = scores.of(words.decay_values, flow)
        chosen = _best(share, DECAYS)
        decays = zip(begun.scanned(words.decay_values[:, chosen], -1.0), chosen, strict=True)
        found = sorted(((start, k) for start, k in decays if start), key=lambda entry: -entry[0][0])
        for (taken, c, a), k in found[:PER_PART]:
            group = _group(words.decays[k], a * words.coefficient(k), -1.0)
            yield taken, _times(part.part, group, c)
        shares, coefficients = begun.multiplied(words.shape_values)
        for k in words.best_shapes(shares):
            yield shares[k], _times(part.part, words.shapes[k], float(coefficients[k]))
    share, slope = scores.of(words.shape_values, flow)
    for k in words.best_shapes(share):
        least = -0.9 / max(float(words.shape_values[:, k].max()), 1e-300)
        inner = Law((Term(ONE), Term(Parameter(max(float(slope[k]), least)), (words.shapes[k],))))
        yield share[k], _times(part.part, Group(inner))
    for taken, amplitude, wave in _waves(scores, words, flow):
        yield taken, _times(part.part, Group(Law((Term(ONE), Term(Parameter(min(amplitude, 0.9)), (wave,))))))


def _wrapped(law: Law, part: Part, scores: Scores, words: Dictionary) -> _Found:
    """Multiply the whole law by 1 + a · M, or divide it by that; or multiply it by 1 + a wave."""
    if part.path or len(law.terms) < 2:
        return
    flow = part.flow * part.value

    def around(factor: Factor) -> Law:
        return Law((Term(ONE, (Group(law), factor)),))

    share, slope = scores.of(words.product_values, flow)
    for k in _best(share, 2):
        size = float(np.abs(words.product_values[:, k]).max())
        for exponent in (1.0, -1.0):
            start = float(np.clip(slope[k] * exponent, -0.5 / size, 0.5 / size))
            yield share[k], around(_group(words.products[k], start, exponent))
    for taken, amplitude, wave in _waves(scores, words, flow):
        yield taken, around(Group(Law((Term(ONE), Term(Parameter(min(amplitude, 0.9)), (wave,))))))


def _limited(law: Law, part: Part, to: Target) -> _Found:
    """Hold the whole law at a least, at a most, or between the two."""
    with np.errstate(all="ignore"):
        values = np.log(part.value) if to.log else part.value
    if not np.isfinite(values).all():
        return
    squares = to.weight * (to.target - values) ** 2
    limits = {
        function: found
        for function, sign in (("max", 1.0), ("min", -1.0))
        if (found := _clump(sign * values, squares, to)) is not None
    }
    whole = law.terms[0] if len(law.terms) == 1 else Term(ONE, (Group(law),))
    for chosen in (("max",), ("min",), ("max", "min")):
        if set(chosen) <= limits.keys():
            limited = whole
            for function in chosen:
                level = limits[function][1]
                limit = Term(Parameter(float(np.exp(level)) if to.log else level))
                limited = Term(ONE, (Applied(function, Law((limit, limited))),))
            taken = sum(limits[function][0] for function in chosen) / float(squares.sum())
            yield min(taken, 1.0 - 1e-12), Law((limited,))


def _clump(values: Array, squares: Array, to: Target) -> tuple[float, float] | None:
    """Return the squares that a limit takes at the rows of which a law says least, and that limit; None for none.

    It is the mean of a clump, as rows at a limit are (a target censored at a known place: Tobin 1958, Econometrica 26):
    among them the target neither rises nor falls with the law. Where something levels off by and by it does.
    """
    order = np.argsort(values, kind="stable")
    weight, x, y, gone = (each[order] for each in (to.weight, values, to.target, squares))
    x, y = x - x[0], y - y[0]
    count, sx, sy = (np.cumsum(each) for each in (weight, weight * x, weight * y))
    xx = np.cumsum(weight * x * x) - sx * sx / count
    yy = np.cumsum(weight * y * y) - sy * sy / count
    xy = np.cumsum(weight * x * y) - sx * sy / count
    with np.errstate(all="ignore"):
        rising = xy**2 / xx
        clump = rising * (count - 2.0) < CLUMP**2 * (yy - rising)
    taken = np.where(clump & (count > CLUMPED * count[-1]), np.cumsum(gone) - yy, 0.0)
    k = int(taken.argmax())
    if not taken[k] > 0.0 or k + 1 == len(x):
        return None
    return float(taken[k]), float(sy[k] / count[k] + to.target[order[0]])
