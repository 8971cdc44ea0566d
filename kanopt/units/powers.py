"""Units as products of powers: the arithmetic of dimensional analysis, and its results as text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from kanopt.units.parsing import Powers, Unit, merged, named, parse, raised


@dataclass(frozen=True)
class UnitPowers:
    """A product of rational powers of units, in the unit names as declared.

    Parameters
    ----------
    words
        Pairs of a unit's name and its exponent; a name made of digits is a number, as in ``l/100 km``.

    Examples
    --------
    >>> rate = powers_of("EUR") / powers_of("km") ** Fraction("0.72")
    >>> str(rate), rate.dimension
    ('EUR/km^0.72', {'[EUR]': Fraction(1, 1), '[length]': Fraction(-18, 25)})
    >>> str(powers_of("l") / powers_of("km*t"))
    'l/(km·t)'
    """

    words: Powers = ()

    def __mul__(self, other: UnitPowers) -> UnitPowers:
        return UnitPowers(merged(self.words, other.words)) if other.words else self

    def __truediv__(self, other: UnitPowers) -> UnitPowers:
        return self * other**-1

    def __pow__(self, power: Fraction | int) -> UnitPowers:
        return UnitPowers(raised(self.words, power))

    @cached_property
    def dimension(self) -> dict[str, Fraction]:
        """Exponents of the base dimensions, such as ``{'[length]': 1, '[time]': -1}``; empty for a number."""
        powers: Powers = ()
        for word, power in self.words:
            powers = merged(powers, raised(_meaning(word).dimensions, power))
        return dict(sorted(powers))

    @cached_property
    def log_scale(self) -> Fraction:
        """Natural logarithm of what one of it is in base units, exact but for the logarithm of each word."""
        return sum((power * _log(_meaning(word).scale) for word, power in self.words), Fraction(0))

    @property
    def is_one(self) -> bool:
        """Whether it is the pure number one: dimensionless, and not a percentage or an angle in degrees."""
        return not self.dimension and abs(self.log_scale) < Fraction(1, 10**9)

    def __str__(self) -> str:
        """Return a text such as ``EUR/km``, ``l/(km·t)`` or ``EUR/km^0.72``; empty for the number one.

        A short one whose powers are whole and below ten is a unit that :func:`kanopt.units.check_unit` accepts.
        """
        number, spelt = self._spelt()
        above = [_with_power(word, power) for word, power in spelt if power > 0]
        below = [_with_power(word, -power) for word, power in spelt if power < 0]
        top = " ".join(filter(None, (number, "·".join(above)))) or ("1" if below else "")
        if not below:
            return top
        return f"{top}/({'·'.join(below)})" if len(below) > 1 else f"{top}/{below[0]}"

    def _spelt(self) -> tuple[str, Powers]:
        """Return the number in front, empty for one, and the units, each meaning in its first spelling."""
        spelling: dict[tuple[Fraction, Powers], str] = {}
        spelt: Powers = ()
        log = Fraction(0)
        for word, power in self.words:
            meaning = _meaning(word)
            if word[0].isdigit():
                log += power * _log(meaning.scale)
            else:
                known = spelling.setdefault((meaning.scale, meaning.dimensions), word)
                spelt = merged(spelt, ((known, power),))
        if abs(log) < Fraction(1, 10**9):
            return "", spelt
        if abs(log) < 700:
            return f"{math.exp(log):.6g}", spelt
        return (f"10^{float(log) / math.log(10):.4g}" if abs(log) < 10**9 else "10^…"), spelt


@lru_cache(maxsize=4096)
def _meaning(word: str) -> Unit:
    found = Unit(Fraction(word)) if word[0].isdigit() else named(word)
    if isinstance(found, str):  # powers are made of units that were read before
        raise AssertionError(found)
    return found


@lru_cache(maxsize=4096)
def _log(scale: Fraction) -> Fraction:
    # the logarithm of a whole number has no overflow, however long it is
    return Fraction(math.log(scale.numerator)) - Fraction(math.log(scale.denominator))


def _with_power(word: str, power: Fraction) -> str:
    if power == 1:
        return word
    if power.denominator in (3, 6, 7, 9):
        return f"{word}^({power})"
    return f"{word}^{float(power):.4g}" if power < 10**9 else f"{word}^…"


def powers_of(text: str) -> UnitPowers:
    """Return a unit as a product of powers, in the words it is written in.

    Raises
    ------
    UnitError
        If the text is no unit.

    Examples
    --------
    >>> powers_of("kg*m/s^2").words
    (('kg', Fraction(1, 1)), ('m', Fraction(1, 1)), ('s', Fraction(-2, 1)))
    """
    return UnitPowers(parse(text).words)


def dimension_of(text: str) -> dict[str, Fraction]:
    """Return the dimension of a unit as exponents of base dimensions; empty for a number such as ``"%"``.

    Raises
    ------
    UnitError
        If the text is no unit.

    Examples
    --------
    >>> dimension_of("l/100 km"), dimension_of("%")
    ({'[length]': Fraction(2, 1)}, {})
    """
    return dict(parse(text).dimensions)
