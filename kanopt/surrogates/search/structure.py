"""Sums of products, and what grows out of them: the laws that the search writes down.

A law is a sum of terms, a term a coefficient times factors. A factor is a power of an input, an exponential of one, a
wave, a hinge, a table of categories or a curve, or a whole sum raised to a power or in an exponential, so that laws
nest:
60 · lam / (mu · (mu − lam)) is one term with three factors. With powers alone these are the signomials of geometric
programming (Boyd et al. 2007, *A tutorial on geometric programming*, section 9.1); most laws of logistics are one, or a
few steps from one.

A law is frozen; its parameters stand in it as :class:`Parameter`, each free or held. :func:`values_of` and
:func:`with_values` take the free ones out and put others in, in the order in which they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias, TypeGuard, cast

from kanopt.formulas.pieces import CURVE

EXTREMES = ("max", "min")
"""Functions of the terms of a sum."""


@dataclass(frozen=True)
class Parameter:
    """A number in a law: estimated where it is free, part of the structure where not."""

    value: float
    free: bool = True


def fixed(value: float) -> Parameter:
    """Return a number that is part of the structure."""
    return Parameter(value, free=False)


ONE, MINUS_ONE, ZERO = fixed(1.0), fixed(-1.0), fixed(0.0)


@dataclass(frozen=True)
class Power:
    """An input to a power."""

    column: int
    exponent: Parameter


@dataclass(frozen=True)
class Exponential:
    """``exp(rate · u)``, where u is the input, its reciprocal or its square."""

    column: int
    rate: Parameter
    of: str = "x"


@dataclass(frozen=True)
class Wave:
    """``sin(frequency · x + phase)``."""

    column: int
    frequency: Parameter
    phase: Parameter


@dataclass(frozen=True)
class Logarithm:
    """``log x``."""

    column: int


@dataclass(frozen=True)
class Hinge:
    """``max(0, x − place)``."""

    column: int
    place: Parameter


@dataclass(frozen=True)
class Step:
    """1 from `place` on, 0 before; the place is not estimated by derivatives."""

    column: int
    place: Parameter


@dataclass(frozen=True)
class Tabulated:
    """Numbers that are looked up: one per category of an input, or the coefficients of a cubic spline of it.

    Parameters
    ----------
    column
        The input; the number of a category where it is one.
    values
        Where the coefficient of the term can do what all of them together do, one is held at 1.
    of
        "category"; "x" or "log x" for a spline of that; "turn" for one that goes round.
    low, high
        Ends of the knots, or of the turn.
    """

    column: int
    values: tuple[Parameter, ...]
    of: str = "category"
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Group:
    """A sum raised to a power; 1 for a plain bracket."""

    inner: Law
    exponent: Parameter = ONE


Path: TypeAlias = tuple[int, ...]
"""Where a sum or term stands: alternately the number of a term and of a factor of it."""

Factor: TypeAlias = "Power | Exponential | Wave | Logarithm | Hinge | Step | Tabulated | Group | Applied"


@dataclass(frozen=True)
class Applied:
    """A function of a whole sum, ``exp`` or ``abs``; or of its terms, ``max`` or ``min``, the largest or smallest."""

    function: str
    inner: Law


@dataclass(frozen=True)
class Term:
    """A coefficient times factors; a constant where there are none."""

    coefficient: Parameter
    factors: tuple[Factor, ...] = ()


@dataclass(frozen=True)
class Law:
    """A sum of terms."""

    terms: tuple[Term, ...]


_KINDS = (Law, Term, Parameter, Power, Exponential, Wave, Logarithm, Hinge, Step, Tabulated, Group, Applied)
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS}
_PARTS = {
    kind: tuple(field.name for field in fields(kind) if field.type not in ("int", "float", "str", "bool"))
    for kind in _KINDS
}
"""Fields that hold parameters and parts; looked up once, as laws are walked many times."""


def walk(part: Any) -> list[Any]:
    """Return a part of a law and all parts and parameters below it, in the order in which they are written."""
    found = [part]
    for name in _PARTS[type(part)]:
        value = getattr(part, name)
        for below in value if isinstance(value, tuple) else (value,):
            found += walk(below)
    return found


def free_parameters(part: Any) -> list[Parameter]:
    """Return the free parameters below a law, term or factor.

    Examples
    --------
    >>> term = Term(Parameter(2.0), (Power(0, Parameter(0.5)), Power(1, ONE)))
    >>> [p.value for p in free_parameters(term)]
    [2.0, 0.5]
    """
    return [each for each in walk(part) if isinstance(each, Parameter) and each.free]


def lookups(part: Any) -> list[Tabulated]:
    """Return the tables and curves below a law, term or factor."""
    return [each for each in walk(part) if isinstance(each, Tabulated)]


def in_lookups(law: Law) -> int:
    """Return how many free numbers of a law stand in tables and curves.

    Examples
    --------
    >>> by = Tabulated(0, (ONE, Parameter(1.4), Parameter(2.1)))
    >>> in_lookups(Law((Term(Parameter(2.0), (by,)),)))
    2
    """
    return sum(len(free_parameters(each)) for each in lookups(law))


def exponents(part: Any) -> list[Parameter]:
    """Return the free exponents of powers of inputs below a law, term or factor."""
    return [each.exponent for each in walk(part) if isinstance(each, Power) and each.exponent.free]


def values_of(part: Any) -> list[float]:
    """Return the values of the free parameters."""
    return [parameter.value for parameter in free_parameters(part)]


def factors_of_inputs(part: Any) -> list[Any]:
    """Return the factors of one input each below a law, term or factor."""
    return [each for each in walk(part) if hasattr(each, "column")]


def inputs_of(part: Any) -> frozenset[int]:
    """Return the inputs that a law, term or factor reads.

    Examples
    --------
    >>> sorted(inputs_of(Term(ONE, (Power(2, ONE), Applied("exp", Law((Term(ONE, (Power(0, ONE),)),)))))))
    [0, 2]
    """
    return frozenset(each.column for each in factors_of_inputs(part))


def without_input(law: Law, column: int) -> Law:
    """Return a law without all that it says of an input; a term of this input alone goes with it.

    Examples
    --------
    >>> x, y = Power(0, ONE), Power(1, ONE)
    >>> without_input(Law((Term(ONE, (x, y)), Term(ONE, (y,)))), 1) == Law((Term(ONE, (x,)),))
    True
    """
    terms = []
    for term in law.terms:
        factors: list[Factor] = []
        for factor in term.factors:
            if column not in (read := inputs_of(factor)):
                factors.append(factor)
            elif len(read) > 1 and isinstance(factor, Group | Applied):
                factors.append(replace(factor, inner=without_input(factor.inner, column)))
        if factors or not term.factors:
            terms.append(Term(term.coefficient, tuple(factors)))
    return Law(tuple(terms))


def freedom(law: Law) -> int:
    """Return how many numbers of a law were chosen by the rows: the free ones, and the places of steps.

    Examples
    --------
    >>> freedom(Law((Term(Parameter(2.0), (Step(0, fixed(1.5)),)),)))
    2
    """
    return len(values_of(law)) + sum(isinstance(each, Step) for each in walk(law))


def size(law: Law) -> int:
    """Return how many free numbers a law has, those of a table or curve counted as one.

    Examples
    --------
    >>> by = Tabulated(0, (ONE, Parameter(1.4), Parameter(2.1)))
    >>> law = Law((Term(Parameter(2.0), (by,)),))
    >>> size(law), freedom(law)
    (2, 3)
    """
    return len(values_of(law)) - in_lookups(law) + len(lookups(law))


def with_values(part: Law, values: Iterable[float]) -> Law:
    """Return the same law with other values of its free parameters."""
    supply = iter(values)
    return changed_numbers(part, lambda parameter: Parameter(float(next(supply))))


def changed_numbers(part: Law, change: Callable[[Parameter], Parameter]) -> Law:
    """Return the same law with something else for each of its free parameters, in the order in which they are written.

    A search comes here a thousand times.
    """

    def of(old: Any) -> Any:
        kind = type(old)
        if kind is Parameter:
            return change(old) if old.free else old
        if kind is tuple:
            return tuple([of(each) for each in old])
        names = _FIELDS.get(kind)
        return old if names is None else kind(*[of(getattr(old, name)) for name in names])

    return cast("Law", of(part))


def changed(law: Law, path: Path, new: Law | Term | None) -> Law:
    """Return a law with another part at a path; with nothing for a term, it is left out."""

    def in_law(part: Law, rest: Path) -> Law:
        if not rest:
            assert isinstance(new, Law)
            return new
        terms = list(part.terms)
        term = in_term(terms[rest[0]], rest[1:])
        terms[rest[0] : rest[0] + 1] = [] if term is None else [term]
        return Law(tuple(terms))

    def in_term(term: Term, rest: Path) -> Term | None:
        if not rest:
            assert not isinstance(new, Law)
            return new
        factors = list(term.factors)
        group = factors[rest[0]]
        assert isinstance(group, Group | Applied)
        factors[rest[0]] = replace(group, inner=in_law(group.inner, rest[1:]))
        return replace(term, factors=tuple(factors))

    return in_law(law, path)


def signature(part: Any, *, held: bool = True) -> Any:
    """Return what two laws share that differ in the values of free parameters only; the order does not count.

    Parameters
    ----------
    part
        A law, or a part of one. A sum and a term keep it: most of a law that has grown is as it was.
    held
        Whether values that are held count; without them it is the structure alone.
    """
    if not isinstance(part, Law | Term):
        return _signature(part, held=held)
    kept: dict[bool, Any] = part.__dict__.setdefault("_signatures", {})
    if held not in kept:
        kept[held] = _signature(part, held=held)
    return kept[held]


def _signature(part: Any, *, held: bool) -> Any:
    if isinstance(part, Parameter):
        return "free" if part.free or not held else round(part.value, 12)
    if isinstance(part, tuple):
        return tuple(sorted([signature(item, held=held) for item in part], key=repr))
    if isinstance(part, int | float | str):
        return part
    inside = [signature(getattr(part, name), held=held) for name in _FIELDS[type(part)]]
    return (type(part).__name__, *inside)


def operators(law: Law) -> int:
    """Return how many operators a reader sees: +, ·, /, powers, functions.

    Examples
    --------
    >>> tariff = Law((Term(Parameter(45.0)), Term(Parameter(2.6), (Power(0, Parameter(0.72)),))))
    >>> operators(tariff)  # 45 + 2.6 · d^0.72
    3
    """
    return len(law.terms) - 1 + sum(map(_of_term, law.terms))


def _of_term(term: Term) -> int:
    with_coefficient = term.coefficient.free or abs(term.coefficient.value) != 1.0 or not term.factors
    parts = len(term.factors) + bool(with_coefficient)
    return max(parts - 1, 0) + sum(map(factor_operators, term.factors))


def is_extreme(factor: Factor) -> TypeGuard[Applied]:
    """Whether a factor is the largest or smallest of several terms, which are no sum."""
    return isinstance(factor, Applied) and factor.function in EXTREMES


def factor_operators(factor: Factor) -> int:
    """Return how many operators a factor has by itself."""
    match factor:
        case Power(exponent=exponent):
            return 0 if not exponent.free and abs(exponent.value) == 1.0 else 1
        case Exponential(of=of):
            return 2 if of == "x" else 3
        case Wave(phase=phase):
            return 2 if not phase.free and phase.value == 0.0 else 3
        case Logarithm():
            return 1
        case Hinge() | Step():
            return 2
        case Tabulated(of=of):
            return 1 if of == "category" else CURVE
        case Applied(function=function, inner=inner):
            return operators(inner) + (function not in EXTREMES)  # a comma for every plus
        case Group(inner=inner, exponent=exponent):
            plain = not exponent.free and abs(exponent.value) == 1.0
            return operators(inner) + (0 if plain else 1)


# ── the same law with less to write: powers multiplied, brackets of one term opened, like terms added up ──


def cleaned(law: Law) -> Law:
    """Return the same law without powers of zero, groups of a one, and brackets that bracket a single term.

    Examples
    --------
    >>> plain = Power(0, ZERO)
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
        powers = raised_all(only.factors, group.exponent)
        if powers is not None and (p == 1.0 or c.value > 0.0) and not group.exponent.free:
            return Parameter(coefficient.value * c.value**p, coefficient.free or c.free), list(powers)
    constants = [t for t in inner.terms if not t.factors]
    if not has_one and constants and coefficient.free and (size := constants[0].coefficient.value) > 0.0:
        rest = (t for t in inner.terms if t is not constants[0])
        shares = (replace(t, coefficient=Parameter(t.coefficient.value / size)) for t in rest)
        inner = Law((Term(ONE), *shares))
        coefficient = replace(coefficient, value=coefficient.value * size**p)
    return coefficient, [Group(inner, group.exponent)]


def as_factor(law: Law) -> Term:
    """Return a sum as one term, which may be multiplied: c · (1 + …) where a constant of it tells its size.

    Examples
    --------
    >>> whole = as_factor(Law((Term(Parameter(2.0)), Term(Parameter(3.0), (Power(0, ONE),)))))
    >>> whole.coefficient.value, [term.coefficient.value for term in whole.factors[0].inner.terms]
    (2.0, [1.0, 1.5])
    """
    constants = [t for t in law.terms if not t.factors and t.coefficient.value > 0.0]
    if len(constants) != 1 or not all(t.coefficient.free for t in law.terms):
        return Term(ONE, (Group(law),))
    size = constants[0].coefficient.value
    rest = (t for t in law.terms if t is not constants[0])
    shares = (replace(t, coefficient=Parameter(t.coefficient.value / size)) for t in rest)
    return Term(Parameter(size), (Group(Law((Term(ONE), *shares))),))


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


def raised_all(factors: Iterable[Factor], exponent: Parameter) -> tuple[Factor, ...] | None:
    """Return factors raised to an exponent; None where one of them cannot be."""
    out = [raised_to(factor, exponent) for factor in factors]
    return None if None in out else tuple(f for f in out if f is not None)


def joined(factors: Iterable[Factor]) -> tuple[Factor, ...]:
    """Multiply powers, and exponentials, of the same input together; without powers of zero."""
    out: dict[Any, Factor] = {}
    for number, factor in enumerate(factors):
        match factor:
            case Power(column=column, exponent=exponent):
                known = out.get((Power, column))
                total = _total(known.exponent, exponent) if isinstance(known, Power) else exponent
                out[Power, column] = Power(column, total)
            case Exponential(column=column, rate=rate, of=of):
                known = out.get((column, of))
                total = _total(known.rate, rate) if isinstance(known, Exponential) else rate
                out[column, of] = Exponential(column, total, of)
            case _:
                out[number] = factor
    return tuple(f for f in out.values() if not (isinstance(f, Power) and f.exponent == ZERO))


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
