"""Check units, compare their dimensions, and convert values between them."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import UnitError
from kanopt.units.parsing import parse


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
