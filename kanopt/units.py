"""Units of columns and formulas, and the step from floats to the integers that solvers count in.

Units are those of `pint <https://pint.readthedocs.io>`_, read by a stricter grammar: products, quotients,
whole powers, and a number that binds to the unit behind it, so that ``"l/100 km"`` is a consumption
and not litres times kilometres. On top come

* currencies (``EUR``, ``USD``, …): each its own dimension, because an exchange rate is data, not a unit;
* things that are counted (``trip``, ``piece``, ``pallet``, ``vehicle``, …): each its own dimension too,
  so that ``EUR/trip`` and ``EUR/km`` are never mixed up. ``""`` and ``"1"`` are dimensionless.

Units with a zero of their own (``degC``, ``dB``) are refused: a formula multiplies by a factor and
nothing else. The word ``ton`` is refused as well, since it names three different weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanopt.errors import UnitError, nearest

if TYPE_CHECKING:
    import pint

__all__ = ["Scaling", "check_unit", "convert", "factor", "same_dimension", "scaling_for"]

Rounding = Literal["nearest", "up", "down"]

_CODES = """AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF IDR ILS INR JPY KRW MXN NOK NZD PLN RON SEK SGD THB TRY
USD ZAR"""
CURRENCIES = tuple(_CODES.split())
COUNTED = {
    "trip": "trip",
    "piece": "pcs",
    "pallet": "pallet",
    "parcel": "parcel",
    "vehicle": "veh",
    "order": "order",
    "job": "job",
    "stop": "stop",
    "container": "TEU",
}
_WORDS = """mm cm dm m km ft yd mi mile s sec min minute h hr hour d day week month year
mg g kg t tonne short_ton long_ton lb oz l L ml hl gal J kJ MJ Wh kWh MWh W kW MW km/h m/s mph kph %
percent"""
# What an analyst is likely to mean; used for hints and to refuse look-alikes such as 'Min' (a megainch).
COMMON = (*CURRENCIES, *COUNTED, *COUNTED.values(), *_WORDS.split())
_REFUSED = {
    "ton": "write 't' (1,000 kg), 'short_ton' (2,000 lb) or 'long_ton' (2,240 lb)",
    "tons": "write 't' (1,000 kg), 'short_ton' (2,000 lb) or 'long_ton' (2,240 lb)",
    "mt": "write 't' for metric tons (in SI this would be a thousandth of one)",
    "MT": "write 't' for metric tons (in SI these would be a million teslas)",
    "ct": "write 'cEUR' for cents of a euro, or 'carat' for the weight",
    "€": "write 'EUR'",
    "£": "write 'GBP'",
    "$": "write the currency's code, such as 'USD'",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,6}(?:\.\d{1,6})?)"
    r"|(?P<name>[^\W\d]+|[°µμ%€£$][^\W\d]*)(?P<power>\s*(?:\*\*|\^)\s*\(?-?\d\)?|[²³]|[23](?!\d))?"
    r"|(?P<sign>[*·/()]))"
)
_LONGEST = 80


@dataclass(frozen=True)
class _Unit:
    """An exact factor to base units and the exponents of the dimensions."""

    scale: Fraction
    dimensions: tuple[tuple[str, Fraction], ...] = ()

    def __mul__(self, other: _Unit) -> _Unit:
        powers = dict(self.dimensions)
        for name, power in other.dimensions:
            powers[name] = powers.get(name, Fraction(0)) + power
        return _Unit(self.scale * other.scale, tuple(sorted((n, p) for n, p in powers.items() if p)))

    def __pow__(self, power: int) -> _Unit:
        return _Unit(self.scale**power, tuple((n, p * power) for n, p in self.dimensions if power))

    def describe(self) -> str:
        """Name the dimension in words: ``length/time``."""
        above = [_with_power(n, p) for n, p in self.dimensions if p > 0]
        below = [_with_power(n, -p) for n, p in self.dimensions if p < 0]
        top = "*".join(above) or ("1" if below else "dimensionless")
        return "/".join([top, *below])


def _with_power(name: str, power: Fraction) -> str:
    word = name.strip("[]")
    return word if power == 1 else f"{word}^{power}"


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(non_int_type=Fraction)
    for code in CURRENCIES:
        registry.define(f"{code} = [{code}]")
    for name, symbol in COUNTED.items():
        registry.define(f"{name} = [{name}]" + (f" = {symbol}" if symbol != name else ""))
    return registry


@lru_cache(maxsize=1024)
def _named(name: str) -> _Unit | str:
    """Look one unit name up; a string says why it cannot be used."""
    import pint

    if name in _REFUSED:
        return f"unit {name!r} is not accepted; {_REFUSED[name]}"
    lookalikes = [word for word in COMMON if word.lower() == name.lower()]
    if lookalikes and name not in lookalikes:
        return f"unknown unit {name!r}; did you mean {lookalikes[0]!r}?"
    registry = _registry()
    try:
        one = registry.Quantity(Fraction(1), name)
        dimensions = one.dimensionality
    except (pint.PintError, ValueError, AssertionError):
        hint = nearest(name, COMMON)
        if not hint.startswith("did you mean"):
            hint = "units look like 'km', 'min', 't', 'EUR/km' or 'kWh'"
        return f"unknown unit {name!r}; {hint}"
    try:
        zero = registry.Quantity(Fraction(0), name).to_base_units().magnitude
    except TypeError:  # a logarithmic unit wants a float to take the logarithm of
        zero = Fraction(1)
    if zero != 0:
        return (
            f"unit {name!r} has a zero of its own or is logarithmic, so it is not a factor; "
            "for temperatures use 'K' or 'delta_degC'"
        )
    scale = Fraction(str(one.to_base_units().magnitude))
    return _Unit(scale, tuple(sorted((str(n), Fraction(str(p))) for n, p in dimensions.items())))


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, text, power) for each sign, number and name of a unit."""
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise UnitError(
                f"unit {text!r}: cannot read {text[place:].strip()!r}; write for example 'EUR/km'"
            )
        place = match.end()
        if name := match["name"]:
            power = (match["power"] or "1").strip(" *^()").translate(str.maketrans("²³", "23"))
            yield "name", name, int(power)
        elif number := match["number"]:
            yield "number", number, 1
        else:
            yield match["sign"].replace("·", "*"), "", 1


class _Reader:
    """Recursive descent over ``expr = term {(*|/) term}``, ``term = [number] name | number | (expr)``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [*_tokens(text), ("end", "", 1)]
        self.place = 0

    def take(self) -> tuple[str, str, int]:
        token = self.tokens[self.place]
        self.place = min(self.place + 1, len(self.tokens) - 1)
        return token

    def peek(self) -> str:
        return self.tokens[self.place][0]

    def whole(self) -> _Unit:
        unit = self.product()
        if self.peek() != "end":
            raise UnitError(f"unit {self.text!r}: put '*' or '/' between its parts, as in 'EUR/km' or 'kW*h'")
        return unit

    def product(self) -> _Unit:
        unit = self.term()
        while self.peek() in ("*", "/"):
            sign, _, _ = self.take()
            unit = unit * self.term() ** (1 if sign == "*" else -1)
        return unit

    def term(self) -> _Unit:
        kind, word, power = self.take()
        if kind == "(":
            unit = self.product()
            if self.take()[0] != ")":
                raise UnitError(f"unit {self.text!r}: a bracket is not closed")
            return unit
        if kind == "number":
            number = _Unit(Fraction(word))
            if not number.scale:
                raise UnitError(f"unit {self.text!r}: a unit cannot be zero")
            return number * self.term() if self.peek() == "name" else number
        if kind == "name":
            found = _named(word)
            if isinstance(found, str):
                raise UnitError(found if word == self.text else f"{found} (in {self.text!r})")
            return found**power
        where = "at the end" if kind == "end" else f"before {kind!r}"
        raise UnitError(f"unit {self.text!r}: a unit is missing {where}")


def _parse(text: object) -> _Unit:
    if not isinstance(text, str):
        raise UnitError(f"a unit is a text such as 'km' or 'EUR/h', not {text!r}")
    return _parse_text(text.strip())


@lru_cache(maxsize=4096)
def _parse_text(text: str) -> _Unit:
    if not text:
        return _Unit(Fraction(1))
    if len(text) > _LONGEST:
        raise UnitError(f"unit {text[:30]!r}… is longer than {_LONGEST} characters")
    return _Reader(text).whole()


def check_unit(text: str) -> str:
    """Return a unit as it will be shown, or say why it is none.

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
    _parse(text)
    stripped = text.strip()
    return "" if stripped == "1" else stripped


def same_dimension(a: str, b: str) -> bool:
    """Say whether two units measure the same thing.

    Raises
    ------
    UnitError
        If either is unknown.

    Examples
    --------
    >>> same_dimension("km/h", "m/s"), same_dimension("EUR", "USD")
    (True, False)
    """
    return _parse(a).dimensions == _parse(b).dimensions


def _ratio(source: str, target: str) -> Fraction:
    have, want = _parse(source), _parse(target)
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
    ratio = _ratio(source, target)
    numbers = np.asarray(values, dtype=np.float64)
    if max(ratio.numerator, ratio.denominator) < 2**53:
        result = numbers * float(ratio.numerator) / float(ratio.denominator)
    else:
        result = numbers * factor(source, target)
    return result if isinstance(values, np.ndarray) else float(result)


_NOISE = 1e-9
_EPS = float(np.finfo(np.float64).eps)
_INT64_MAX = float(2**63 - 1024)  # the largest float below 2**63


@dataclass(frozen=True)
class Scaling:
    """How floats become the integers of a solver, and what that costs at most.

    Parameters
    ----------
    factor
        Integer steps per original unit: 1000 keeps three decimals.
    rounding
        ``"up"`` for what must not be underestimated (durations, demands), ``"down"`` for what must not
        be overestimated (capacities), ``"nearest"`` for an objective.

    Raises
    ------
    UnitError
        If the factor is not a positive number or the rounding is unknown.

    Examples
    --------
    >>> up = Scaling(10.0, "up")
    >>> up.to_integers(np.array([0.3, 0.31])).tolist()
    [3, 4]
    >>> up.bound, up.to_float(4)
    (0.1, 0.4)
    """

    factor: float
    rounding: Rounding = "nearest"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.factor) and self.factor > 0):
            raise UnitError(f"a scaling factor is a positive number, not {self.factor!r}")
        if self.rounding not in ("nearest", "up", "down"):
            hint = nearest(str(self.rounding), ("nearest", "up", "down"))
            raise UnitError(f"unknown rounding {self.rounding!r}; {hint}")

    @property
    def bound(self) -> float:
        """The largest rounding error of one entry, in original units."""
        return (0.5 if self.rounding == "nearest" else 1.0) / self.factor

    def to_integers(self, values: ArrayLike) -> NDArray[np.int64]:
        """Scale and round.

        A value within 1e-9 steps of an integer multiple (or within the floating-point noise of the
        product, where that is larger) is taken for that multiple, so that 0.3 at ten steps per unit is
        3 and never 4.

        Parameters
        ----------
        values
            Array of any shape, in original units.

        Returns
        -------
        ndarray of int64, same shape

        Raises
        ------
        UnitError
            If a value is not finite, or leaves the range of 64-bit integers when scaled.
        """
        numbers = np.asarray(values, dtype=np.float64)
        scaled = numbers * self.factor
        wrong = ~(np.abs(scaled) <= _INT64_MAX)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise UnitError(
                f"value {float(numbers[place])!r} at position {place} cannot become an integer: it is not "
                f"finite, or too large for 64 bits at {self.factor:g} steps per unit"
            )
        rounded: NDArray[np.float64] = np.rint(scaled)
        if self.rounding != "nearest":
            away = np.abs(scaled - rounded) > _NOISE + 4 * _EPS * np.abs(scaled)
            directed = np.ceil(scaled) if self.rounding == "up" else np.floor(scaled)
            rounded = np.where(away, directed, rounded)
        return rounded.astype(np.int64)

    def to_float(self, number: int) -> float:
        """Return a solver's integer in original units."""
        return int(number) / self.factor


def scaling_for(
    max_abs: float,
    count: int,
    *,
    limit: float = 4e18,
    target_resolution: float = 1e-6,
    rounding: Rounding = "nearest",
) -> Scaling:
    """Choose a scaling from ranges, so that no sum of the scaled values passes a limit.

    The factor is ``1 / target_resolution`` where that fits, else the largest power of ten that does:
    ``count * (max_abs * factor + 1) <= limit``. Read :attr:`Scaling.bound` for the error this means.

    Parameters
    ----------
    max_abs
        The largest absolute value, in original units.
    count
        How many such values a sum may hold.
    limit
        The largest integer a sum may reach; 64-bit solvers stop at 9.2e18.
    target_resolution
        The finest step that is of use, in original units.
    rounding
        Direction of the rounding.

    Raises
    ------
    UnitError
        If an argument is not a positive number (`max_abs` may be zero), or `count` alone passes the limit.

    Examples
    --------
    >>> scaling_for(500.0, 1000).factor
    1000000.0
    >>> scaling_for(1e12, 100_000).factor
    10.0
    """
    given = {"max_abs": max_abs, "count": count, "limit": limit, "target_resolution": target_resolution}
    for name, value in given.items():
        if not np.isfinite(value) or value < 0 or (value == 0 and name != "max_abs"):
            raise UnitError(f"{name} must be a positive number, not {value!r}")
    room = limit / count - 1
    if room <= 0:
        raise UnitError(f"a sum of {count:,} integers cannot stay below {limit:g}")
    wanted = 1 / target_resolution
    if max_abs * wanted <= room:
        return Scaling(wanted, rounding)
    power = np.floor(np.log10(room) - np.log10(max_abs))
    # log10 rounds; step down where the power it names just does not fit
    while max_abs * 10.0**power > room:
        power -= 1
    return Scaling(float(10.0**power), rounding)
