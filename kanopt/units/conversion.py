"""Units in use: whether they are known, what they measure, how values convert, and what products of them are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import UnitError
from kanopt.units.parsing import Powers, Unit, merged, named, parse, raised


def check_unit(text: str) -> str:
    """Return a unit in its displayed form, or raise an error with the reason why it is invalid.

    Parameters
    ----------
    text
        A unit such as ``"km"``, ``"EUR/h"``, ``"l/100 km"``, ``"kW*h"``, ``"m^3"``; ``""`` and ``"1"``
        are dimensionless.

    Returns
    -------
    str
        The text without outer spaces; ``""`` for a dimensionless one.

    Raises
    ------
    UnitError
        If the unit is unknown (the nearest known one is named), has a zero of its own (``degC``), or
        cannot be read.

    Examples
    --------
    >>> check_unit(" km/h ")
    'km/h'
    >>> check_unit("1")
    ''
    """
    parse(text)
    stripped = text.strip()
    return "" if stripped == "1" else stripped


def same_dimension(a: str, b: str) -> bool:
    """Return whether two units have the same dimension.

    Raises
    ------
    UnitError
        If either is unknown.

    Examples
    --------
    >>> same_dimension("km/h", "m/s"), same_dimension("EUR", "USD")
    (True, False)
    """
    return parse(a).dimensions == parse(b).dimensions


@lru_cache(maxsize=1024)
def _ratio(source: str, target: str) -> Fraction:
    have, want = parse(source), parse(target)
    if have.dimensions != want.dimensions:
        raise UnitError(
            f"cannot convert {source!r} ({have.describe()}) to {target!r} ({want.describe()}): "
            "they do not measure the same thing"
        )
    return have.scale / want.scale


def factor(source: str, target: str) -> float:
    """Return the number by which a value in `source` is multiplied to be in `target`.

    Raises
    ------
    UnitError
        If either is unknown or they do not measure the same thing.

    Examples
    --------
    >>> factor("h", "min")
    60.0
    >>> factor("l/100 km", "l/km")
    0.01
    """
    ratio = _ratio(source, target)
    try:
        return float(ratio)
    except OverflowError:
        raise UnitError(f"the factor from {source!r} to {target!r} is beyond floating point") from None


def multiplier_and_divisor(source: str, target: str) -> tuple[float, float]:
    """Return the two numbers by which :func:`convert` multiplies and then divides.

    Raises
    ------
    UnitError
        If either unit is unknown or they do not measure the same thing.

    Examples
    --------
    >>> multiplier_and_divisor("min", "h")
    (1.0, 60.0)
    """
    ratio = _ratio(source, target)
    if max(ratio.numerator, ratio.denominator) < 2**53:
        return float(ratio.numerator), float(ratio.denominator)
    return factor(source, target), 1.0


@overload
def convert(values: float, source: str, target: str) -> float: ...
@overload
def convert(values: NDArray[Any], source: str, target: str) -> NDArray[np.float64]: ...
def convert(values: float | NDArray[Any], source: str, target: str) -> float | NDArray[np.float64]:
    """Convert a number or an array from one unit to another.

    Parameters
    ----------
    values
        A number, or an array of any shape, in `source`.
    source, target
        Units of the same dimension.

    Returns
    -------
    float or ndarray of float64, of the shape of `values`
        In `target`. Where the factor is a ratio of whole numbers, as from ``"min"`` to ``"h"``, the
        result is the float nearest to the exact one.

    Raises
    ------
    UnitError
        If either is unknown or they do not measure the same thing.

    Examples
    --------
    >>> convert(90, "min", "h")
    1.5
    >>> convert(np.array([36.0, 72.0]), "km/h", "m/s")
    array([10., 20.])
    """
    times, over = multiplier_and_divisor(source, target)
    numbers = np.asarray(values, dtype=np.float64)
    # a number too large for the target is infinite there, which whoever asks for finite ones will say
    with np.errstate(over="ignore"):
        result = numbers * times / over
    return result if isinstance(values, np.ndarray) else float(result)


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
