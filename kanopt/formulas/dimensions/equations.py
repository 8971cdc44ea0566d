"""Equations between products of units, some of them unknown, solved exactly.

An unknown unit is a word that begins with a question mark. In terms of exponents these are linear equations over the
rationals, with the same coefficients for every base dimension and for the scale, so that an unknown represents a
whole vector of exponents and Gaussian elimination solves for all of them at once.
"""

from __future__ import annotations

from fractions import Fraction

from kanopt.units import UnitPowers

MOST_WORK = 40_000
_LONGEST = 8
_MOST_BITS = 2048

ONE = UnitPowers()


class TooMuchWorkError(Exception):
    """Solving the equations would take too long."""


def _unknowns(unit: UnitPowers) -> dict[str, Fraction]:
    """Return the exponents of the unknowns in a unit."""
    return {word: power for word, power in unit.words if word[0] == "?"}


def _without(unit: UnitPowers, word: str) -> tuple[Fraction, UnitPowers]:
    """Return the exponent of a word, and the unit without it."""
    return dict(unit.words)[word], UnitPowers(tuple(pair for pair in unit.words if pair[0] != word))


class Equations:
    """A system of equations, solved incrementally: an equation without a solution is reported at once.

    Each solution contains only unknowns that were unsolved when it was found, so that substitution terminates.

    Examples
    --------
    >>> from kanopt.units import powers_of
    >>> equations = Equations()
    >>> rate, km = equations.unknown(), powers_of("km")
    >>> equations.equate(rate * km, powers_of("EUR"))
    >>> print(equations.value(rate))
    EUR/km
    >>> str(equations.equate(rate, km))
    'EUR/km^2'
    """

    def __init__(self) -> None:
        self._made = 0
        self._solved: dict[str, tuple[int, UnitPowers]] = {}
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

    def unknown(self) -> UnitPowers:
        """Return a new unknown unit."""
        self._made += 1
        return UnitPowers(((f"?{self._made:06}", Fraction(1)),))

    def raised(self, unit: UnitPowers, power: Fraction) -> UnitPowers:
        """Return a power of a unit.

        Raises
        ------
        TooMuchWorkError
            If an exponent has too many digits.
        """
        found = unit**power
        for _, each in found.words:
            if max(each.numerator.bit_length(), each.denominator.bit_length()) > _MOST_BITS:
                raise TooMuchWorkError
        return found

    def substitute(self, unit: UnitPowers) -> UnitPowers:
        """Return a unit with every solved unknown replaced by its solution."""
        while solved := [word for word in _unknowns(unit) if word in self._solved]:
            oldest = min(solved, key=lambda word: self._solved[word][0])
            power, rest = _without(unit, oldest)
            solution = self._solved[oldest][1]
            self.count_work(len(unit.words) + len(_unknowns(solution)))
            unit = rest * self.raised(solution, power)
        return unit

    def equate(self, first: UnitPowers, second: UnitPowers) -> UnitPowers | None:
        """Require that two units are equal; return their quotient if they cannot be, else None.

        An inconsistent equation leaves the system unchanged.
        """
        ratio = self.substitute(first / second)
        if not _unknowns(ratio):
            return None if ratio.is_one else ratio
        self._solve(ratio, max(_unknowns(ratio)))
        return None

    def _solve(self, ratio: UnitPowers, word: str) -> None:
        """Solve ``ratio = 1`` for one of its unknowns."""
        power, rest = _without(ratio, word)
        self.count_work(len(_unknowns(ratio)))
        self._solved[word] = (len(self._solved), self.raised(rest, -1 / power))

    def back_substitute(self) -> None:
        """Substitute every solution into the others, the newest first, so that one look-up suffices."""
        for word, (when, solution) in sorted(self._solved.items(), key=lambda item: -item[1][0]):
            self._solved[word] = (when, self.substitute(solution))

    def shortened(self, unit: UnitPowers) -> UnitPowers:
        """Return an equal unit with fewer unknowns: a product of unknowns that occurs only here becomes one unknown."""
        if len(unit.words) <= _LONGEST:
            return unit
        unit = self.substitute(unit)
        if not _unknowns(unit):
            return unit
        short = self.unknown()
        self._solve(unit / short, max(_unknowns(unit)))
        return short

    def value(self, unit: UnitPowers) -> UnitPowers | None:
        """Return the unit, or None if it contains an unknown."""
        unit = self.substitute(unit)
        return None if _unknowns(unit) else unit
