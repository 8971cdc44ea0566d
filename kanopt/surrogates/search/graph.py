"""From a law of scaled inputs to the graph of a formula of the inputs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, count

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas import Apply, Constant, Curve, Input, Maximum, Minimum, Node, Power, Product, Sum, Table
from kanopt.formulas import Step as Staircase
from kanopt.formulas.estimation.naming import numbered
from kanopt.formulas.simplify import simplify_graph
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Parameter,
    Step,
    Tabulated,
    Term,
    Wave,
    factor_operators,
    fixed,
    is_extreme,
    joined,
    multiplied_out,
    operators,
    values_of,
)
from kanopt.surrogates.search.structure import Power as Raised

SAME = 1e-9
"""Relative difference below which a number that is held is ±1."""
_ORDER: tuple[type, ...] = (Raised, Logarithm, Hinge, Step, Exponential, Wave, Group, Applied, Tabulated)


def unscaled(law: Law, scales: Floats) -> Law:
    """Return the same law of the inputs themselves, given one of the inputs divided by `scales`.

    Numbers that are held stay so. A group of which no number is 1 is divided by its first held number.
    """
    return Law(tuple(_term(term, scales) for term in law.terms))


def _term(term: Term, scales: Floats) -> Term:
    by, factors = 1.0, list[Factor]()
    for factor in term.factors:
        extra, unit = _factor(factor, scales)
        by *= extra
        factors.append(unit)
    if not term.coefficient.free and by != 1.0:
        by, factors = _taken_in(by, factors)
    plain = Term(replace(term.coefficient, value=_rounded(term.coefficient.value * by)), tuple(factors))
    return _spread(plain)


def _taken_in(by: float, factors: list[Factor]) -> tuple[float, list[Factor]]:
    """Return the number and the factors with the number taken in by one of which every number is free.

    That is a table or curve, or the largest of several terms.
    """
    for place, factor in enumerate(factors):
        if is_extreme(factor) and by > 0.0 and all(t.coefficient.free for t in factor.inner.terms):
            terms = (replace(t, coefficient=Parameter(by * t.coefficient.value)) for t in factor.inner.terms)
            return 1.0, [*factors[:place], replace(factor, inner=Law(tuple(terms))), *factors[place + 1 :]]
        if isinstance(factor, Tabulated) and all(each.free for each in factor.values):
            values = tuple(Parameter(by * each.value) for each in factor.values)
            return 1.0, [*factors[:place], replace(factor, values=values), *factors[place + 1 :]]
    return by, factors


def _gathered(law: Law) -> Law:
    """Return a · F · M + b · F · N as F · (a · M + b · N), which has fewer operators, for any number of such terms.

    The factors that save the most operators are taken out first; brackets stay in their terms, and what their own terms
    share goes in front of them.
    """
    cleared = (_without_fractions(term) for term in law.terms)
    opened = (each for term in cleared for each in _without_needless_bracket(term))
    law = Law(tuple(map(_with_gathered_brackets, opened)))
    # of a factor that stands twice in a term only one would go
    factors = [
        {f for f in term.factors if not isinstance(f, Group) and term.factors.count(f) == 1}
        for term in law.terms
    ]
    shared = {frozenset(one & other): None for one, other in combinations(factors, 2) if one & other}

    def saved(common: frozenset[Factor]) -> int:
        terms = sum(common <= own for own in factors)
        return (terms - 1) * sum(1 + factor_operators(f) for f in common)

    common = max(shared, key=saved, default=None)
    if common is None:
        return law
    members = [place for place, own in enumerate(factors) if common <= own]
    inner = (
        replace(law.terms[place], factors=tuple(f for f in law.terms[place].factors if f not in common))
        for place in members
    )
    outside = tuple(f for f in law.terms[members[0]].factors if f in common)
    rest = (term for place, term in enumerate(law.terms) if place not in members)
    return _gathered(Law((*rest, Term(ONE, (*outside, Group(_gathered(Law(tuple(inner)))))))))


def _without_fractions(term: Term) -> Term:
    """Return a term without fractions in its brackets where that is no longer: a · (1 + b / x) / (1 + c / x)."""
    factors = list[Factor]()
    for factor in term.factors:
        if not isinstance(factor, Group) or factor.exponent.free or abs(factor.exponent.value) != 1.0:
            factors.append(factor)
            continue
        by = _denominator(factor.inner)
        terms = (replace(t, factors=joined((*t.factors, *by))) for t in factor.inner.terms)
        factors.append(replace(factor, inner=Law(tuple(terms))))
        p = -factor.exponent.value
        factors += [Raised(f.column, replace(f.exponent, value=p * f.exponent.value)) for f in by]
    cleared = replace(term, factors=joined(factors))
    return cleared if operators(Law((cleared,))) <= operators(Law((term,))) else term


def _denominator(law: Law) -> list[Raised]:
    """Return the powers that a sum of products of powers is to be multiplied by to be one without fractions."""
    held = [{f.column: f.exponent for f in t.factors if isinstance(f, Raised)} for t in law.terms]
    columns = sorted({j for powers in held for j in powers})
    found = []
    for j in columns:
        exponents = [powers[j] for powers in held if j in powers]
        least = min(e.value for e in exponents)
        if least < 0.0 and not any(e.free or e.value != int(e.value) for e in exponents):
            found.append(Raised(j, fixed(-least)))
    return found


def _without_needless_bracket(term: Term) -> tuple[Term, ...]:
    """Return a term multiplied out where that has fewer operators: x² · (1 + √y / x²) is x² + √y."""
    brackets = [k for k, f in enumerate(term.factors) if isinstance(f, Group) and f.exponent == ONE]
    if len(brackets) != 1:
        return (term,)
    terms = multiplied_out(term, brackets[0])
    whole, apart = Law((term,)), Law(terms)
    same = len(values_of(apart)) <= len(values_of(whole))
    return terms if same and operators(apart) < operators(whole) else (term,)


def _with_gathered_brackets(term: Term) -> Term:
    factors = list[Factor]()
    for factor in term.factors:
        if not isinstance(factor, Group) or factor.exponent != ONE:
            factors.append(factor)
            continue
        inner = _gathered(factor.inner)
        alone = inner.terms[0] if len(inner.terms) == 1 else None
        factors += alone.factors if alone is not None and alone.coefficient == ONE else [Group(inner)]
    return replace(term, factors=joined(factors))


def _spread(term: Term) -> Term:
    """Return c · x · (1 + r · z) as x · (c + c · r · z), which has one operator less, where all in it is free."""
    groups = [f for f in term.factors if isinstance(f, Group)]
    if len(groups) != 1 or groups[0].exponent != ONE or not term.coefficient.free or len(term.factors) < 2:
        return term
    one, *others = groups[0].inner.terms
    plain = all(t.coefficient.free and all(isinstance(f, Raised) for f in t.factors) for t in others)
    if one != Term(ONE) or not plain:
        return term
    c = term.coefficient
    spread = (replace(t, coefficient=Parameter(c.value * t.coefficient.value)) for t in others)
    group = Group(Law((Term(c), *spread)))
    return Term(ONE, tuple(group if f is groups[0] else f for f in term.factors))


def _factor(factor: Factor, scales: Floats) -> tuple[float, Factor]:
    """Return a number and a factor of the inputs themselves whose product is the factor."""
    match factor:
        case Raised(column=column, exponent=exponent):
            return float(scales[column]) ** -exponent.value, factor
        case Exponential(column=column, rate=rate, of=of):
            s = float(scales[column])
            per = {"x": 1.0 / s, "1/x": s, "x^2": 1.0 / s**2}[of]
            return 1.0, replace(factor, rate=replace(rate, value=rate.value * per))
        case Wave(column=column, frequency=frequency):
            return 1.0, replace(
                factor, frequency=replace(frequency, value=frequency.value / float(scales[column]))
            )
        case Hinge(column=column, place=place):
            s = float(scales[column])
            return 1.0 / s, replace(factor, place=replace(place, value=place.value * s))
        case Step(column=column, place=place):
            return 1.0, replace(factor, place=replace(place, value=place.value * float(scales[column])))
        case Tabulated(column=column, of=of, low=low, high=high):
            s = float(scales[column])
            ends = (low + np.log(s), high + np.log(s)) if of == "log x" else (low * s, high * s)
            return 1.0, replace(factor, low=float(ends[0]), high=float(ends[1]))
        case Applied(function=function, inner=inner):
            plain = unscaled(inner, scales)
            if function == "abs" and len(plain.terms) == 1 and not plain.terms[0].coefficient.free:
                size = abs(plain.terms[0].coefficient.value)
                return size, Applied(function, Law((replace(plain.terms[0], coefficient=ONE),)))
            return 1.0, Applied(function, plain)
        case Group(inner=inner, exponent=exponent):
            plain = unscaled(inner, scales)
            held = [t.coefficient.value for t in plain.terms if not t.coefficient.free]
            size = abs(held[0]) if held and 1.0 not in map(abs, held) else 1.0
            terms = (
                replace(t, coefficient=replace(t.coefficient, value=_rounded(t.coefficient.value / size)))
                for t in plain.terms
            )
            return size**exponent.value, Group(Law(tuple(terms)), exponent)
    return 1.0, factor


def _rounded(value: float) -> float:
    nearest = float(np.sign(value))
    return nearest if abs(value - nearest) < SAME else value


def graph(
    law: Law, names: Sequence[str], scales: Floats, labels: Mapping[int, Sequence[str]] | None = None
) -> Node:
    """Return the graph of a law of scaled inputs; its free numbers are constants with names, c1, c2, ….

    Parameters
    ----------
    law
        Of the inputs divided by `scales`.
    names
        Of the inputs.
    scales
        Shape (columns,).
    labels
        Names of the categories, of inputs that are numbers of one.
    """
    taken = set(names)
    free = (name for n in count(1) if (name := f"c{n}") not in taken)
    writer = _Writer(names, free, labels or {})
    return numbered(simplify_graph(writer.sum(_gathered(unscaled(law, scales)))))


class _Writer:
    def __init__(
        self, names: Sequence[str], free: Iterator[str], labels: Mapping[int, Sequence[str]]
    ) -> None:
        self.inputs = [Input(name) for name in names]
        self.free, self.labels = free, labels

    def number(self, parameter: Parameter, value: float | None = None) -> Constant:
        shown = parameter.value if value is None else value
        return Constant(shown, next(self.free)) if parameter.free else Constant(shown)

    def sum(self, law: Law) -> Node:
        ordered = sorted(law.terms, key=lambda term: (bool(term.factors), len(term.factors)))
        terms = [self.term(term) for term in ordered]
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def term(self, term: Term) -> Node:
        sign, factors = 1.0, list[Node]()
        for factor in term.factors:
            if isinstance(factor, Wave) and not factor.phase.free and abs(factor.phase.value) > np.pi / 4:
                sign *= 1.0 if round(factor.phase.value / (np.pi / 2)) % 4 < 2 else -1.0
        coefficient = term.coefficient
        parts: list[Node] = []
        if coefficient.free or coefficient.value * sign != 1.0 or not term.factors:
            parts.append(self.number(coefficient, coefficient.value * sign))
        for factor in sorted(term.factors, key=lambda f: (_ORDER.index(type(f)), getattr(f, "column", 0))):
            if not isinstance(factor, Exponential):
                factors.append(self.factor(factor))
        exponentials = [self.argument(f) for f in term.factors if isinstance(f, Exponential)]
        if exponentials:
            whole = exponentials[0] if len(exponentials) == 1 else Sum(tuple(exponentials))
            factors.append(Apply("exp", whole))
        parts += factors
        return parts[0] if len(parts) == 1 else Product(tuple(parts))

    def argument(self, factor: Exponential) -> Node:
        x = self.inputs[factor.column]
        to = {"x": 1.0, "1/x": -1.0, "x^2": 2.0}[factor.of]
        return Product((self.number(factor.rate), x if to == 1.0 else Power(x, Constant(to))))

    def factor(self, factor: Factor) -> Node:
        match factor:
            case Raised(column=column, exponent=exponent):
                x = self.inputs[column]
                plain = not exponent.free and exponent.value == 1.0
                return x if plain else Power(x, self.number(exponent))
            case Logarithm(column=column):
                return Apply("log", self.inputs[column])
            case Hinge(column=column, place=place):
                below = self.number(place, -place.value)
                return Maximum((Constant(0.0), Sum((self.inputs[column], below))))
            case Step(column=column, place=place):
                return Staircase(self.inputs[column], (place.value,), (0.0, 1.0), "step")
            case Wave():
                return self.wave(factor)
            case Tabulated():
                return self.tabulated(factor)
            case Applied(function=function, inner=inner):
                if is_extreme(factor):
                    kind = Maximum if function == "max" else Minimum
                    ordered = sorted(inner.terms, key=lambda term: len(term.factors))
                    return kind(tuple(self.term(term) for term in ordered))
                power = self.raised(inner) if function == "exp" else None
                return power or Apply(function, self.sum(inner))
            case Group(inner=inner, exponent=exponent):
                base = self.sum(inner)
                plain = not exponent.free and exponent.value == 1.0
                return base if plain else Power(base, self.number(exponent))
        raise TypeError(f"no graph for {type(factor).__name__}")

    def raised(self, inner: Law) -> Node | None:
        """Write exp(c · u · log v) as v^(c · u); None for others."""
        if len(inner.terms) != 1 or not any(isinstance(f, Logarithm) for f in inner.terms[0].factors):
            return None
        (term,) = inner.terms
        base = max((f for f in term.factors if isinstance(f, Logarithm)), key=lambda f: f.column)
        rest = replace(term, factors=tuple(f for f in term.factors if f is not base))
        return Power(self.inputs[base.column], self.term(rest))

    def tabulated(self, factor: Tabulated) -> Node:
        """Write a table or a curve; its numbers are its own, and no constants of the law."""
        numbers, x = [each.value for each in factor.values], self.inputs[factor.column]
        if factor.of == "category":
            entries = dict(zip(self.labels[factor.column], numbers, strict=True))
            return Table.of(entries, x.name, name="by")
        argument = Apply("log", x) if factor.of == "log x" else x
        return Curve("s", argument, tuple(numbers), factor.low, factor.high, periodic=factor.of == "turn")

    def wave(self, wave: Wave) -> Node:
        """Write a wave; where its phase is held at a multiple of a quarter turn the sign is in the coefficient.

        A wave of a known period is one of the distance from where it rises through zero: sin(2π (month − 4) / 12).
        """
        if wave.phase.free and not wave.frequency.free:
            frequency = wave.frequency.value
            zero = float(np.mod(-wave.phase.value, 2.0 * np.pi)) / frequency
            since = Sum((self.inputs[wave.column], self.number(wave.phase, -zero)))
            return Apply("sin", Product((Constant(frequency), since)))
        angle: Node = Product((self.number(wave.frequency), self.inputs[wave.column]))
        if not wave.phase.free:
            quarters = round(wave.phase.value / (np.pi / 2))
            return Apply("cos" if quarters % 2 else "sin", angle)
        return Apply("sin", Sum((angle, self.number(wave.phase))))
