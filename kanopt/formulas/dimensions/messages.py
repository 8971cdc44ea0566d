"""Equations between products of units, some of them unknown, solved exactly, and what is said where they contradict.

An unknown unit is a word that begins with a question mark. In terms of exponents these are linear equations over the
rationals, with the same coefficients for every base dimension and for the scale, so that an unknown represents a
whole vector of exponents and Gaussian elimination solves for all of them at once.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from kanopt.formulas.nodes import Apply, Constant, Node, Power, Sum
from kanopt.formulas.printing import short_text
from kanopt.text import number_text
from kanopt.units import UnitPowers

if TYPE_CHECKING:
    from kanopt.formulas.variables import Variable

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
    >>> equations.text(rate)
    'EUR/km'
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

    def text(self, unit: UnitPowers) -> str | None:
        """Return the unit as a text, or None if it contains an unknown."""
        value = self.value(unit)
        return None if value is None else str(value)


class DimensionWording:
    """Messages that show units as far as the equations determine them."""

    def __init__(self, equations: Equations) -> None:
        self._equations = equations

    def unequal_units(
        self,
        node: Node,
        first: tuple[Node, UnitPowers],
        other: tuple[Node, UnitPowers],
        ratio: UnitPowers,
    ) -> str:
        """Say that two parts of a sum or of max and min do not have the same unit."""
        a, b = (self._equations.value(unit) for _, unit in (first, other))
        names = [short_text(part) for part, _ in (first, other)]
        if a is None or b is None:
            return (
                f"{short_text(node)}: the units of {names[0]} and {names[1]} differ by {ratio}, which no constant "
                "takes up; correct a declared unit, or multiply one of them by a constant"
            )
        told = f"{short_text(node)}: {_is_in(names[0], a)}, {_is_in(names[1], b)}"
        if not ratio.dimension:
            both = f"{a} {'+' if isinstance(node, Sum) else 'and'} {b}: " if str(a) and str(b) else ""
            return f"{told}; {both}convert first ({_conversion(a, b)})"
        if isinstance(other[0], Constant) and not other[0].name and not str(b):
            return (
                f"{told}; if it stands for {names[1]} {a}, make it a named constant or an input with that unit, else "
                "divide by a constant"
            )
        joined = "added" if isinstance(node, Sum) else "compared"
        return f"{told}; they cannot be {joined}: multiply one by a constant, or correct a declared unit"

    def output(self, root: Node, unit: UnitPowers, output: Variable, ratio: UnitPowers) -> str:
        """Say that the formula's unit is not that of the declared output."""
        value = self._equations.value(unit)
        if value is None:
            return (
                f"{short_text(root)}: its unit differs from that of {output.name}, {output.unit}, by {ratio}, which no "
                "constant takes up; correct a declared unit, or multiply by a constant"
            )
        told = f"{_is_in(short_text(root), value)}, but {output.name} is declared in {output.unit}"
        if not ratio.dimension:
            return f"{told}: convert first ({_conversion(value, value / ratio)})"
        return f"{told}; multiply by a constant, or correct a declared unit"

    def not_pure(self, node: Node, child: Node, unit: UnitPowers) -> str:
        """Say that a function or an exponent needs a dimensionless argument."""
        match node:
            case Apply(function=function):
                what = f"{function} takes a pure number"
            case Power(exponent=exponent) if exponent is child:
                what = "an exponent is a pure number"
            case _:
                what = "what is raised to a varying power is a pure number"
        told = f"{short_text(node)}: {_is_in(short_text(child), unit)}, but {what}"
        if not unit.dimension:
            return f"{told}; convert first ({_conversion(unit, ONE)})"
        return f"{told}; divide it by a constant in {unit}"

    def shifted(self, log: Apply, unit: UnitPowers) -> str:
        """Say that a logarithm depends on the unit of its argument."""
        text = self._equations.text(unit)
        argument = short_text(log.argument)
        return (
            f"{short_text(log)}: {argument} is {f'in {text}' if text else 'not a pure number'}, and no constant "
            f"takes that unit up; divide {argument} by a constant, or add one to the logarithm"
        )


def _is_in(name: str, unit: UnitPowers) -> str:
    return f"{name} is in {unit}" if str(unit) else f"{name} is a pure number"


def _conversion(a: UnitPowers, b: UnitPowers) -> str:
    """Return the conversion factor between two units in words."""
    log = a.log_scale - b.log_scale
    if log < 0:
        a, b, log = b, a, -log
    much = number_text(math.exp(log), 6) if log < 700 else "very many"
    return f"1 {a} = {much} {b}".replace("  ", " ").rstrip()
