"""The same law with less to write: powers multiplied together, brackets of one term opened, like terms added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Law,
    Parameter,
    Power,
    Term,
    is_extreme,
)


def cleaned(law: Law) -> Law:
    """Return the same law without powers of zero, groups of a one, and brackets that bracket a single term.

    Examples
    --------
    >>> plain = Power(0, Parameter(0.0, free=False))
    >>> cleaned(Law((Term(Parameter(3.0), (plain,)),)))
    Law(terms=(Term(coefficient=Parameter(value=3.0, free=True), factors=()),))
    """
    return Law(_collected([each for term in law.terms for each in _without_bracket(_plain(term))]))


def _without_bracket(term: Term) -> tuple[Term, ...]:
    """Return the terms of a bracket that stands alone: what multiplied it has gone, and it is a sum like any other."""
    match term.factors:
        case (Group(exponent=exponent),) if exponent == ONE and not term.coefficient.free:
            return multiplied_out(term, 0)
    return (term,)


def multiplied_out(term: Term, place: int) -> tuple[Term, ...]:
    """Return the terms of T · (A + B + …) for a term that has such a bracket among its factors.

    A coefficient is free where one of the two that it is made of is.
    """
    group, rest = term.factors[place], (*term.factors[:place], *term.factors[place + 1 :])
    assert isinstance(group, Group)
    assert group.exponent == ONE
    return tuple(
        Term(
            Parameter(
                term.coefficient.value * inner.coefficient.value,
                term.coefficient.free or inner.coefficient.free,
            ),
            joined((*rest, *inner.factors)),
        )
        for inner in group.inner.terms
    )


def _plain(term: Term) -> Term:
    coefficient, factors = term.coefficient, list[Factor]()
    for factor in term.factors:
        match factor:
            case Power(exponent=Parameter(value=0.0, free=False)):
                pass
            case Exponential(rate=Parameter(value=0.0, free=False)):
                pass
            case Group():
                coefficient, new = _opened(coefficient, factor)
                factors += new
            case Applied(inner=inner) if is_extreme(factor):
                terms = tuple(_plain(below) for below in inner.terms)
                size = coefficient.value
                if len(terms) > 1 and size > 0.0 and all(t.coefficient.free for t in terms):
                    # one number less says the same
                    terms = tuple(
                        replace(t, coefficient=Parameter(t.coefficient.value * size)) for t in terms
                    )
                    coefficient = ONE
                if len(terms) > 1:
                    factors.append(replace(factor, inner=Law(terms)))
                elif terms:
                    coefficient, new = _opened(coefficient, Group(Law(terms)))
                    factors += new
            case Applied(inner=inner):
                if (inner := cleaned(inner)).terms:
                    factors.append(replace(factor, inner=inner))
            case _:
                factors.append(factor)
    return Term(coefficient, joined(factors))


def _opened(coefficient: Parameter, group: Group) -> tuple[Parameter, list[Factor]]:
    """Return what a coefficient and a group beside it are in the plainest way of writing them.

    A free coefficient takes in the size of the group, which then begins with 1, or has gone where it held one term.
    """
    inner, p = cleaned(group.inner), group.exponent.value
    has_one = Term(ONE) in inner.terms
    if has_one:
        # a free constant beside the one is told by the coefficient outside
        inner = Law(tuple(t for t in inner.terms if t.factors or t == Term(ONE)))
    if inner == Law((Term(ONE),)) or not inner.terms:
        return coefficient, []
    if len(inner.terms) == 1:
        only = inner.terms[0]
        c = only.coefficient
        powers = [raised_to(f, group.exponent) for f in only.factors]
        if all(f is not None for f in powers) and (p == 1.0 or c.value > 0.0) and not group.exponent.free:
            free = coefficient.free or c.free
            value = coefficient.value * c.value**p
            return Parameter(value, free), [f for f in powers if f is not None]
    constants = [t for t in inner.terms if not t.factors]
    if not has_one and constants and coefficient.free and (size := constants[0].coefficient.value) > 0.0:
        rest = (t for t in inner.terms if t is not constants[0])
        shares = (replace(t, coefficient=Parameter(t.coefficient.value / size)) for t in rest)
        inner = Law((Term(ONE), *shares))
        coefficient = replace(coefficient, value=coefficient.value * size**p)
    return coefficient, [Group(inner, group.exponent)]


def raised_to(factor: Factor, exponent: Parameter) -> Factor | None:
    """Return a factor raised to an exponent; None where that is no factor."""
    p = exponent.value
    match factor:
        case Power(exponent=own):
            return replace(factor, exponent=replace(own, value=own.value * p))
        case Exponential(rate=own):
            return replace(factor, rate=replace(own, value=own.value * p))
        case Group(exponent=own):
            return replace(factor, exponent=replace(own, value=own.value * p))
        case Applied(function="exp", inner=inner):
            terms = (
                replace(t, coefficient=replace(t.coefficient, value=t.coefficient.value * p))
                for t in inner.terms
            )
            return replace(factor, inner=Law(tuple(terms)))
    return factor if p == 1.0 else None


def joined(factors: Iterable[Factor]) -> tuple[Factor, ...]:
    """Multiply powers, and exponentials, of the same input together."""
    out: list[Factor] = []
    for factor in factors:
        out = merged(out, factor) if isinstance(factor, Power | Exponential) else [*out, factor]
    return tuple(out)


def merged(factors: Iterable[Factor], new: Power | Exponential) -> list[Factor]:
    """Multiply factors by a power or exponential, adding exponents where there is one of the same input."""
    out: list[Factor] = []
    done = False
    for f in factors:
        if isinstance(f, Power) and isinstance(new, Power) and f.column == new.column:
            f, done = Power(f.column, _total(f.exponent, new.exponent)), True
        elif (
            isinstance(f, Exponential)
            and isinstance(new, Exponential)
            and (f.column, f.of) == (new.column, new.of)
        ):
            f, done = Exponential(f.column, _total(f.rate, new.rate), f.of), True
        zero = isinstance(f, Power) and f.exponent == Parameter(0.0, free=False)
        out += [] if zero else [f]
    return out if done else [*out, new]


def _total(a: Parameter, b: Parameter) -> Parameter:
    return Parameter(a.value + b.value, a.free or b.free)


def _collected(terms: list[Term]) -> tuple[Term, ...]:
    """Add terms up that differ in a free coefficient only."""
    out: dict[Any, Term] = {}
    for term in terms:
        key: Any = (term.factors, term.coefficient.free or term.coefficient)
        if key in out and term.coefficient.free:
            total = out[key].coefficient.value + term.coefficient.value
            term = replace(term, coefficient=Parameter(total))
        elif key in out:
            key = (key, len(out))
        out[key] = term
    return tuple(out.values())
