"""Steps from one law to the next, each foretold without fitting it.

A step looks at a place of a law, a sum or a term, and yields what may stand there instead, each with the share of the
squares that it is foretold to take by the score test: a thousand growths are ranked for the price of one fit. Whoever
has another step adds it to those of sums, of terms, or of the whole law as one term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from kanopt.array_types import Floats
from kanopt.surrogates.search.dictionary import Dictionary, kind_of
from kanopt.surrogates.search.fitting import OuterSum, OuterTerm, Scores, Start, Target
from kanopt.surrogates.search.program import Columns, Part, parts
from kanopt.surrogates.search.rewriting import exchanges
from kanopt.surrogates.search.structure import (
    MINUS_ONE,
    ONE,
    ZERO,
    Applied,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Tabulated,
    Term,
    Wave,
    as_factor,
    changed,
    fixed,
    in_lookups,
    signature,
    values_of,
)

LEAST, MOST = 0.2, 5.0
"""Ends of the numbers with which a table is begun that multiplies."""
PER_PART, FEW = 4, 2
"""Products, and other words, of one kind that are tried in a place."""
STARTED = 12
"""Brackets whose size is scanned before the best are tried."""
DECAYS = 64
DEEPEST = 3
ANGLES = 1.01 * np.pi / 2
"""Radians up to which a sine rises; rows of a quarter turn may pass it by their noise."""
NEAR_ONE = (0.6, 1.1)
"""Exponents of a power that a sine of such radians may pass for."""
CLUMP, CLUMPED = 3.0, 0.02
"""Standard errors up to which rows neither rise nor fall, and the share of all rows that is no accident of a few."""


@dataclass(frozen=True, eq=False)
class Move:
    """A law to try, and by how much its description is foretold to be shorter, in nats."""

    law: Law
    gain: float


@dataclass(frozen=True, eq=False)
class Place:
    """A sum or a term of a fitted law, on the rows on which steps are ranked.

    Parameters
    ----------
    part
        The sum or term; the whole law as one bracket where steps of terms are tried on it.
    scores
        The score test at the law.
    words
        The ready-made factors, on the same rows.
    to
        The rows.
    alone
        The test without the term, where it is one of the outermost sum.
    """

    part: Part
    scores: Scores
    words: Dictionary
    to: Target
    alone: OuterTerm | None = None

    @property
    def term(self) -> Term:
        """The term."""
        assert isinstance(self.part.part, Term)
        return self.part.part

    @property
    def sum(self) -> Law:
        """The sum."""
        assert isinstance(self.part.part, Law)
        return self.part.part

    @property
    def steps(self) -> tuple[Step, ...]:
        """What may be tried here."""
        if isinstance(self.part.part, Law):
            return OF_SUMS
        return OF_TERMS if self.part.path else OF_WHOLES

    @property
    def factor_flow(self) -> Floats:
        """Derivative of the law in the logarithm of what stands here, (n,)."""
        return self.part.flow * self.part.value

    @property
    def lookups(self) -> list[Tabulated]:
        """Tables and curves."""
        return [*self.words.tables, *self.words.curves]


Found: TypeAlias = Iterator[tuple[float, Law | Term]]
"""Shares of the squares that are taken, and what then stands in the place."""
Step: TypeAlias = Callable[[Place], Found]


def steps(law: Law, to: Target, words: Dictionary, rows: float, *, signomial: bool = False) -> Iterator[Move]:
    """Yield larger laws, place by place, and those with other terms.

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
    before, looked_up, numbers = to.rules.price(law), in_lookups(law), len(values_of(law))

    def move(share: float, other: Law, more: int) -> Move:
        price = more * np.log(rows) + to.rules.price(other) - before
        return Move(other, float(-rows * np.log1p(-share)) - price)

    for place in _places(law, to, words, signomial=signomial):
        to.heed()
        for step in place.steps:
            for share, new in step(place) if step in PLAIN or not signomial else ():
                whole = Law((new,)) if isinstance(new, Term) and not place.part.path else new
                grown = changed(law, place.part.path, whole)
                # the numbers of a table are as many parameters; other steps are foretold for one
                yield move(share, grown, max(in_lookups(grown) - looked_up, 1))
    own = signature(law)
    for share, other in exchanges(law, words, to, signomial=signomial):
        to.heed()
        if signature(other) != own:
            yield move(share, other, len(values_of(other)) - numbers)


def _places(law: Law, to: Target, words: Dictionary, *, signomial: bool) -> Iterator[Place]:
    """Yield where a law may grow: its sums, its terms, and all of it as one bracket."""
    scores = Scores.of_law(law, to)
    outer = None if to.log or signomial else OuterSum.of(law, to)
    for part in parts(law, to.columns):
        if len(part.path) > 2 * DEEPEST or not np.isfinite(part.flow).all() or part.part == Term(ONE):
            continue  # a one is what a bracket begins with
        alone = outer.without(part.path) if outer and len(part.path) == 1 else None
        yield Place(part, scores, words, to, alone)
        if not part.path and len(law.terms) > 1:
            yield Place(replace(part, part=as_factor(law)), scores, words, to)


def _times(term: Term, factor: Factor, coefficient: float | None = None) -> Term:
    """Return a term times a factor, with another coefficient where one is given and may be."""
    c = term.coefficient
    if coefficient is not None and c.free:
        c = replace(c, value=coefficient)
    return Term(c, (*term.factors, factor))


def _held_and_free(factors: tuple[Factor, ...], columns: Columns) -> list[tuple[Factor, ...]]:
    """Return factors as they are, and with the exponents free that may take any value."""
    freed = tuple(
        replace(f, exponent=Parameter(f.exponent.value))
        if isinstance(f, Power) and kind_of(columns, f.column) == "positive"
        else f
        for f in factors
    )
    return list(dict.fromkeys((factors, freed)))


def _best(share: Floats, count: int) -> list[int]:
    return [int(k) for k in np.argsort(-share, kind="stable")[:count] if share[k] > 0.0]


def _bracket(slope: float, factors: tuple[Factor, ...], exponent: float = 1.0) -> Group:
    return Group(Law((Term(ONE), Term(Parameter(slope), factors))), fixed(exponent))


def _waves(place: Place, flow: Floats) -> Iterator[tuple[float, float, Wave]]:
    """Yield the share, the amplitude and the wave of the best one of a known period, and of any other."""
    words = place.words
    share, sine, cosine = place.scores.of_pairs(*words.wave_values, flow)
    free = np.array([frequency.free for _, frequency in words.waves], dtype=bool)
    for kind in (free, ~free):
        for k in _best(np.where(kind, share, 0.0), 1):
            yield share[k], *words.wave(k, sine[k], cosine[k])


# ── steps of sums ──


def with_product(place: Place) -> Found:
    """Add a product of powers, its exponents as they are or free."""
    words = place.words
    share, slope = place.scores.of(words.product_values, place.part.flow)
    for k in _best(share, PER_PART):
        for own in _held_and_free(words.products[k], words.columns):
            yield share[k], Law((*place.sum.terms, Term(Parameter(float(slope[k])), own)))


def with_function(place: Place) -> Found:
    """Add a decay, a logarithm, hinge or step, a shape with a name, or a wave."""
    words, flow = place.words, place.part.flow

    for family, count in [(words.decays, FEW), (words.others, FEW), *((each, 1) for each in words.families)]:
        share, slope = place.scores.of(family.values, flow)
        for k in _best(share, count):
            yield share[k], Law((*place.sum.terms, family.times(k, float(slope[k]))))
    for taken, amplitude, wave in _waves(place, flow):
        yield taken, Law((*place.sum.terms, Term(Parameter(amplitude), (wave,))))


def with_lookup(place: Place) -> Found:
    """Add a table or curve to the outermost sum, unless it has a constant, which that would be."""
    terms = place.sum.terms
    if place.part.path or any(not term.factors for term in terms):
        return
    # a sum of several tables has one constant to share
    looked_up = any(all(isinstance(f, Tabulated) for f in term.factors) for term in terms)
    for lookup in place.lookups:
        told = [each.free or not looked_up for each in lookup.values]
        share, slopes, _ = place.scores.of_block(place.words.columns.basis(lookup)[:, told], place.part.flow)
        supply = iter(slopes.tolist())
        numbers = tuple(Parameter(next(supply)) if free else ZERO for free in told)
        yield share, Law((*terms, Term(ONE, (replace(lookup, values=numbers),))))


def limited(place: Place) -> Found:
    """Hold the whole law at a least, at a most, or between the two."""
    if place.part.path:
        return
    to, law = place.to, place.sum
    with np.errstate(all="ignore"):
        values = np.log(place.part.value) if to.log else place.part.value
    if not np.isfinite(values).all():
        return
    squares = to.weight * (to.target - values) ** 2
    limits = {
        function: found
        for function, sign in (("max", 1.0), ("min", -1.0))
        if (found := _clump(sign * values, squares, to)) is not None
    }
    for chosen in (("max",), ("min",), ("max", "min")):
        if set(chosen) <= limits.keys():
            whole = law.terms[0] if len(law.terms) == 1 else Term(ONE, (Group(law),))
            for function in chosen:
                level = limits[function][1]
                limit = Term(Parameter(float(np.exp(level)) if to.log else level))
                whole = Term(ONE, (Applied(function, Law((limit, whole))),))
            taken = sum(limits[function][0] for function in chosen) / float(squares.sum())
            yield min(taken, 1.0 - 1e-12), Law((whole,))


def _clump(values: Floats, squares: Floats, to: Target) -> tuple[float, float] | None:
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


# ── steps of terms ──


def as_sine(place: Place) -> Found:
    """Take the sine of an input that stands alone and may be an angle in radians: small ones hardly differ from it.

    Where all angles are above zero, powers and roots of them are as near to a sine as the angle itself. The frequency
    is then held at one radian, so that no arc of a longer wave passes for a power.
    """
    term, columns = place.term, place.words.columns
    for at, factor in enumerate(term.factors):
        if not isinstance(factor, Power) or not NEAR_ONE[0] <= abs(factor.exponent.value) <= NEAR_ONE[1]:
            continue
        j, upright = factor.column, factor.exponent.value > 0.0
        scale = float(columns.scales[j])
        if scale * max(-columns.low[j], columns.high[j]) > ANGLES:
            continue
        # what log sin(x) adds to log x is -x² / 6
        share, _ = place.scores.of((columns.of(j) ** 2)[:, None], place.factor_flow)
        free = columns.low[j] < 0.0
        sine = Wave(j, Parameter(scale, free=free), ZERO)
        new: Factor = sine if upright else Group(Law((Term(ONE, (sine,)),)), MINUS_ONE)
        factors = (*term.factors[:at], new, *term.factors[at + 1 :])
        c = term.coefficient
        value_ = c.value / scale if upright else c.value * scale
        yield float(share[0]), Term(replace(c, value=value_) if c.free else c, factors)


def with_power(place: Place) -> Found:
    """Multiply by a power of an input, or set the exponent free of one that is there."""
    term, columns = place.term, place.words.columns
    curved = {f.column for f in term.factors if isinstance(f, Tabulated)}
    free = [j for j in place.words.straight if kind_of(columns, j) == "positive" and j not in curved]
    logs = np.column_stack([np.zeros((len(columns), 0)), *(columns.log(j) for j in free)])
    share, slope = place.scores.of(logs, place.factor_flow)
    powers = {f.column: (k, f) for k, f in enumerate(term.factors) if isinstance(f, Power)}
    for j, taken, step in zip(free, share.tolist(), slope.tolist(), strict=True):
        if j not in powers:
            exponent = float(np.sign(step) * np.clip(abs(step), 0.1, 1.0))
            yield taken, _times(term, Power(j, Parameter(exponent)))
        elif not powers[j][1].exponent.free:
            k, power = powers[j]
            freed = replace(power, exponent=Parameter(power.exponent.value))
            yield taken, replace(term, factors=(*term.factors[:k], freed, *term.factors[k + 1 :]))


def with_bracket(place: Place) -> Found:
    """Multiply by 1 + a · M, or divide by that, with M a product of powers."""
    words, alone = place.words, place.alone
    share, slope = place.scores.of(words.product_values, place.factor_flow)
    chosen = _best(share, STARTED)
    values = words.product_values[:, chosen]
    limits = 0.5 / np.abs(values).max(axis=0, initial=0.0)
    for exponent in (1.0, -1.0):
        slight = np.clip(slope[chosen] * exponent, -limits, limits)
        started = alone.scanned(values, exponent) if alone else [None] * len(chosen)
        ranked: list[tuple[Start, int]] = [
            (begun or (float(share[k]), None, float(size)), k)
            for begun, k, size in zip(started, chosen, slight, strict=True)
        ]
        ranked.sort(key=lambda entry: -entry[0][0])
        # of the whole law there are few, and none that bends: most of what they explain a term explains in fewer words
        whole = not place.part.path
        for (taken, c, a), k in ranked[: FEW if whole else PER_PART]:
            for own in _held_and_free(words.products[k], words.columns)[: 1 if whole else None]:
                yield taken, _times(place.term, _bracket(a, own, exponent), c)


def with_shape(place: Place) -> Found:
    """Multiply by a shape, by 1 + a · shape or 1 + a · wave, or divide by 1 + a · decay."""
    words, alone, term = place.words, place.alone, place.term
    for family in words.families:
        share, slope = place.scores.of(family.values, place.factor_flow)
        for k in _best(share, 1):
            least = -0.9 / max(float(family.values[:, k].max()), 1e-300)
            bent = _bracket(max(float(slope[k]), least), family.terms[k].factors)
            yield share[k], _times(term, bent)
    for taken, amplitude, wave in _waves(place, place.factor_flow):
        yield taken, _times(term, _bracket(min(amplitude, 0.9), (wave,)))
    if alone is None:
        return
    decays = words.decays
    share, _ = place.scores.of(decays.values, place.factor_flow)
    chosen = _best(share, DECAYS)
    starts = zip(alone.scanned(decays.values[:, chosen], -1.0), chosen, strict=True)
    found = sorted(((start, k) for start, k in starts if start), key=lambda entry: -entry[0][0])
    for (taken, c, a), k in found[:PER_PART]:
        inside = decays.times(k, a)
        yield taken, _times(term, _bracket(inside.coefficient.value, inside.factors, -1.0), c)
    for family in words.families:
        shares, coefficients = alone.multiplied(family.values)
        for k in _best(shares, 1):
            yield shares[k], _times(term, family.terms[k].factors[0], float(coefficients[k]))


def with_table(place: Place) -> Found:
    """Multiply by a table or curve; one for a constant takes its place."""
    term, columns = place.term, place.words.columns
    taken = {f.column for f in term.factors if isinstance(f, Tabulated)}
    for lookup in (each for each in place.lookups if each.column not in taken):
        free = [each.free for each in lookup.values]
        share, slopes, _ = place.scores.of_block(columns.basis(lookup)[:, free], place.factor_flow)
        supply = iter(np.clip(1.0 + slopes, LEAST, MOST).tolist())
        begun = [replace(each, value=next(supply)) if each.free else each for each in lookup.values]
        if term.factors or not term.coefficient.free:
            yield share, replace(term, factors=(*term.factors, replace(lookup, values=tuple(begun))))
        else:
            values = tuple(Parameter(term.coefficient.value * each.value) for each in begun)
            yield share, Term(ONE, (replace(lookup, values=values),))


OF_SUMS: tuple[Step, ...] = (with_product, with_function, with_lookup, limited)
OF_TERMS: tuple[Step, ...] = (as_sine, with_power, with_bracket, with_shape, with_table)
OF_WHOLES: tuple[Step, ...] = (with_bracket, with_shape, with_table)
PLAIN = {with_product, with_lookup, as_sine, with_power, with_table}
"""Steps that lead to sums of products."""
