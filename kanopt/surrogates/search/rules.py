"""What decides between laws beside the rows: the price of reading them, what a person has asked for, and units.

The price of a law is that of its operators. An operator that a person prefers costs half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Power,
    Step,
    Tabulated,
    Term,
    Wave,
    factor_operators,
    factors_of_inputs,
    inputs_of,
    operators,
    walk,
)
from kanopt.units import UnitPowers

KINDS = ("linear", "power", "exp", "gaussian", "log", "sine", "hinge", "step", "table", "curve")
"""What a factor of one input may be."""
PREFERRED = 0.5
"""Share of its price that an operator costs which is preferred."""


def kind_of_factor(factor: Factor) -> str:
    """Return what a factor is called; empty for a bracket.

    Examples
    --------
    >>> kind_of_factor(Power(0, ONE)), kind_of_factor(Logarithm(0))
    ('linear', 'log')
    """
    match factor:
        case Power(exponent=exponent):
            return "linear" if not exponent.free and exponent.value == 1.0 else "power"
        case Exponential(of=of):
            return "gaussian" if of == "x^2" else "exp"
        case Logarithm():
            return "log"
        case Wave():
            return "sine"
        case Hinge():
            return "hinge"
        case Step():
            return "step"
        case Tabulated(of=of):
            return "table" if of == "category" else "curve"
        case Applied(function=function):
            return "exp" if function == "exp" else "hinge"
    return ""


def bends(law: Law, column: int) -> tuple[int, int]:
    """Return how many different factors of a law read an input that are no powers of it, and how many with powers."""
    applied = [f for f in walk(law) if isinstance(f, Applied)]
    own = {f for f in (*factors_of_inputs(law), *applied) if column in inputs_of(f)}
    return sum(not isinstance(f, Power) for f in own), len(own)


def winds(law: Law) -> bool:
    """Whether a law says of an input with several words, one of which is no power, what a curve may say."""
    several = Counter(f.column for f in factors_of_inputs(law))
    return any(count > 1 and bends(law, column)[0] for column, count in several.items())


def imitates_a_curve(law: Law) -> bool:
    """Whether several waves, bumps and bends of one input say with many words what a curve would.

    Waves of a known period may be several; a second wave of another, or a third wave, bump or bend, is too many.
    """
    waves, bumps = Counter[int](), Counter[int]()
    for factor in walk(law):
        if isinstance(factor, Wave) and factor.frequency.free:
            waves[factor.column] += 1
        elif isinstance(factor, Applied) and factor.function == "exp":
            bumps.update(inputs_of(factor))
        elif isinstance(factor, Hinge):
            bumps[factor.column] += 1
    return any(count > 1 for count in waves.values()) or any(count > 2 for count in (waves + bumps).values())


@dataclass(frozen=True, eq=False)
class Rules:
    """What laws cost, and which are let in.

    Parameters
    ----------
    operator
        Length of the description of one operator, in nats.
    allowed
        Kinds of factors in which an input may stand, by its number; an input that is not named may stand in any.
    forbidden, preferred
        Kinds of factors that no law may have, and those that cost half.
    units
        Units of the inputs, None where one is not declared; empty for none at all.
    output
        Unit of the target, None where it is not declared.
    required
        Inputs without which a law will not do.

    Examples
    --------
    >>> from kanopt.surrogates.search.structure import Parameter
    >>> law = Law((Term(Parameter(2.0), (Exponential(0, Parameter(0.1)),)),))
    >>> Rules(5.0).admits(law), Rules(5.0, forbidden=frozenset({"exp"})).admits(law)
    (True, False)
    >>> Rules(5.0).price(law), Rules(5.0, preferred=frozenset({"exp"})).price(law)
    (15.0, 10.0)
    """

    operator: float
    allowed: Mapping[int, frozenset[str]] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    preferred: frozenset[str] = frozenset()
    units: tuple[UnitPowers | None, ...] = ()
    output: UnitPowers | None = None
    required: frozenset[int] = frozenset()

    def admits(self, law: Law) -> bool:
        """Whether every factor of a law is one that may stand there.

        An input with kinds of its own stands once in a term, and in no bracket that is raised to a power: x / (1 + x)
        is not linear in x, although every factor is.
        """
        if not (self.allowed or self.forbidden):
            return True
        return all(self._admits(term, bent=False) for term in law.terms)

    def _admits(self, term: Term, *, bent: bool) -> bool:
        pinned = [f.column for f in factors_of_inputs(term) if f.column in self.allowed]
        if len(set(pinned)) < len(pinned) or (bent and pinned):
            return False
        for factor in term.factors:
            if self._forbids(factor):
                return False
            if isinstance(factor, Group | Applied):
                inside = bent or isinstance(factor, Applied) or factor.exponent != ONE
                if not all(self._admits(below, bent=inside) for below in factor.inner.terms):
                    return False
                continue
            if kind_of_factor(factor) not in self.allowed.get(factor.column, KINDS):
                return False
        return True

    def _forbids(self, factor: Factor) -> bool:
        """Whether a factor is forbidden; a quotient is no power, and a square is quadratic too."""
        match factor:
            case Power(exponent=exponent) | Group(exponent=exponent):
                raised = exponent.free or abs(exponent.value) != 1.0
                square = isinstance(factor, Power) and not exponent.free and exponent.value == 2.0
                words = {"power": raised, "quadratic": square, "linear": kind_of_factor(factor) == "linear"}
                return any(words.get(word, False) for word in self.forbidden)
        return kind_of_factor(factor) in self.forbidden

    def suffices(self, law: Law) -> bool:
        """Whether all inputs are in a law that must be.

        Examples
        --------
        >>> Rules(5.0, required=frozenset({1})).suffices(Law((Term(ONE, (Power(0, ONE),)),)))
        False
        """
        return self.required <= inputs_of(law)

    def price(self, law: Law) -> float:
        """Return the length of the description of the operators of a law, in nats."""
        count = float(operators(law))
        if self.preferred:
            liked = (f for f in factors_of_inputs(law) if kind_of_factor(f) in self.preferred)
            count -= (1.0 - PREFERRED) * sum(map(factor_operators, liked))
        return self.operator * count

    def may_be_one(self, term: Term, *, inner: bool) -> bool:
        """Whether the coefficient of a term may be the pure number ±1, as far as the declared units tell.

        Parameters
        ----------
        term
            Of powers; other factors are taken for pure numbers.
        inner
            Whether it stands beside a 1 in a bracket, and not in the outermost sum.
        """
        wanted = UnitPowers() if inner else self.output
        if not self.units or wanted is None:
            return True
        found = UnitPowers()
        for factor in term.factors:
            if isinstance(factor, Power):
                unit = self.units[factor.column]
                if unit is None:
                    return True
                found = found * unit ** Fraction(factor.exponent.value).limit_denominator(100)
            elif isinstance(factor, Hinge | Logarithm):
                return True
        return (found / wanted).is_one
