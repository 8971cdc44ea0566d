"""Solve equations between products of units, some of them unknown, exactly.

In terms of exponents these are linear equations over the rationals, with the same coefficients for every base dimension
and for the scale, so that an unknown represents a whole vector of exponents and Gaussian elimination solves for all of
them at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from kanopt.units import UnitPowers

__all__ = ["ONE", "Equations", "TooMuchWorkError", "UnitMonomial"]

MOST_WORK = 40_000
_LONGEST = 8
_MOST_BITS = 2048


class TooMuchWorkError(Exception):
    """Solving the equations would take too long."""


@dataclass(frozen=True)
class UnitMonomial:
    """A known unit times powers of unknown units.

    Parameters
    ----------
    known
        The part in declared units.
    unknown
        Index of an unknown to its exponent, which is not zero.
    """

    known: UnitPowers = field(default_factory=UnitPowers)
    unknown: Mapping[int, Fraction] = field(default_factory=dict)

    def __mul__(self, other: UnitMonomial) -> UnitMonomial:
        if not other.unknown:
            return UnitMonomial(self.known * other.known, self.unknown) if other.known.words else self
        return UnitMonomial(self.known * other.known, _merged(self.unknown, other.unknown))

    def __pow__(self, power: Fraction | int) -> UnitMonomial:
        if power == 1:
            return self
        powers = {one: exponent * power for one, exponent in self.unknown.items()} if power else {}
        if any(_bits(exponent) > _MOST_BITS for exponent in powers.values()):
            raise TooMuchWorkError
        return UnitMonomial(self.known**power, powers)

    def __truediv__(self, other: UnitMonomial) -> UnitMonomial:
        return self * other**-1

    @property
    def is_dimensionless(self) -> bool:
        """Whether it is dimensionless even before any equation is used."""
        return not self.unknown and not self.known.words


ONE = UnitMonomial()


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _merged(first: Mapping[int, Fraction], second: Mapping[int, Fraction]) -> dict[int, Fraction]:
    powers = dict(first)
    for one, power in second.items():
        total = powers.get(one, 0) + power
        if total:
            powers[one] = total
        else:
            del powers[one]
    return powers


class Equations:
    """A system of equations, solved incrementally: an equation without a solution is reported at once.

    Each solution contains only unknowns that were unsolved when it was found, so that substitution terminates.

    Examples
    --------
    >>> from kanopt.units import powers_of
    >>> equations = Equations()
    >>> rate, km = equations.unknown(), UnitMonomial(powers_of("km"))
    >>> equations.equate(rate * km, UnitMonomial(powers_of("EUR")))
    >>> equations.text(rate)
    'EUR/km'
    >>> str(equations.equate(rate, km))
    'EUR/km^2'
    """

    def __init__(self) -> None:
        self._made = 0
        self._solved: dict[int, tuple[int, UnitMonomial]] = {}
        self._work = 0

    def count_work(self, work: int) -> None:
        """Count steps.

        Raises
        ------
        TooMuchWorkError
            If there were too many.
        """
        self._work += work
        if self._work > MOST_WORK:
            raise TooMuchWorkError

    def unknown(self) -> UnitMonomial:
        """Return a new unknown unit."""
        self._made += 1
        return UnitMonomial(unknown={self._made: Fraction(1)})

    def substitute(self, monomial: UnitMonomial) -> UnitMonomial:
        """Return `monomial` with every solved unknown replaced by its solution."""
        while solved := [one for one in monomial.unknown if one in self._solved]:
            oldest = min(solved, key=lambda one: self._solved[one][0])
            power = monomial.unknown[oldest]
            rest = {one: exponent for one, exponent in monomial.unknown.items() if one != oldest}
            solution = self._solved[oldest][1]
            self.count_work(len(rest) + len(solution.unknown) + len(monomial.known.words))
            monomial = UnitMonomial(monomial.known, rest) * solution**power
        return monomial

    def equate(self, first: UnitMonomial, second: UnitMonomial) -> UnitPowers | None:
        """Require that two units are equal; return their quotient if they cannot be, else None.

        An inconsistent equation leaves the system unchanged.
        """
        ratio = self.substitute(first / second)
        if not ratio.unknown:
            return None if ratio.known.is_one else ratio.known
        self._solve(max(ratio.unknown), ratio)
        return None

    def _solve(self, one: int, ratio: UnitMonomial) -> None:
        """Solve ``ratio = 1`` for one of its unknowns."""
        power = ratio.unknown[one]
        rest = {other: exponent for other, exponent in ratio.unknown.items() if other != one}
        self.count_work(len(rest) + 1)
        self._solved[one] = (len(self._solved), UnitMonomial(ratio.known, rest) ** (-1 / power))

    def back_substitute(self) -> None:
        """Substitute every solution into the others, the newest first, so that one look-up suffices."""
        for one, (when, solution) in sorted(self._solved.items(), key=lambda item: -item[1][0]):
            self._solved[one] = (when, self.substitute(solution))

    def shortened(self, monomial: UnitMonomial) -> UnitMonomial:
        """Return an equal unit with fewer unknowns: a product of unknowns that occurs only here becomes one unknown."""
        if len(monomial.unknown) + len(monomial.known.words) <= _LONGEST:
            return monomial
        monomial = self.substitute(monomial)
        if not monomial.unknown:
            return monomial
        short = self.unknown()
        self._solve(max(monomial.unknown), monomial / short)
        return short

    def value(self, monomial: UnitMonomial) -> UnitPowers | None:
        """Return the unit, or None if it contains an unknown."""
        monomial = self.substitute(monomial)
        return None if monomial.unknown else monomial.known

    def text(self, monomial: UnitMonomial) -> str | None:
        """Return the unit as a text, or None if it contains an unknown."""
        value = self.value(monomial)
        return None if value is None else str(value)
