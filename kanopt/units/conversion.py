"""Units in use: whether they are known, what they measure, how values convert, and what products of them are."""

from __future__ import annotations

import ast
import math
import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import UnitError, nearest

if TYPE_CHECKING:
    import pint


_CALLED: dict[str, str] = tomllib.loads((files("kanopt.units") / "words.toml").read_text("utf-8"))
UNIT_WORDS = {word: unit for unit, words in _CALLED.items() for word in words.split()}
"""Word to the unit that is meant, for hints in messages and for what a header may mean; never to convert anything."""


_CODES = """AUD BRL CAD CHF CNY CZK DKK EUR GBP HUF IDR ILS INR JPY KRW MXN NOK NZD PLN RON SEK SGD THB TRY
USD ZAR"""
CURRENCIES = tuple(_CODES.split())
_PACKED = "bag bin box cage carton case container crate drum item package pallet parcel roll sack tote"
COUNTED = (*_PACKED.split(), "piece", "trip", "vehicle", "order", "job", "stop", "TEU")
"""What is counted: each a dimension of its own, since only data say how many boxes stand on a pallet."""
_COUNTED_WORDS = {
    **{name: (name, 1) for name in COUNTED},
    **{f"{name}s": (name, 1) for name in COUNTED if name not in ("box", "TEU")},
    **{"boxes": ("box", 1), "pcs": ("piece", 1), "veh": ("vehicle", 1), "FEU": ("TEU", 2)},
}
"""Word to what it counts, and how many of them it is: a container of forty feet is two of twenty (ISO 668)."""
_WORDS = """mm cm dm m km ft yd mi mile s sec min minute h hr hour d day week month year
mg g kg t tonne short_ton long_ton lb oz l L litre ml hl gal J kJ MJ Wh kWh MWh W kW MW km/h m/s mph kph %
percent"""
_FACTORS = {
    "[length]": "mm 0.001 cm 0.01 dm 0.1 m 1 km 1000 ft 0.3048 yd 0.9144 mi 1609.344 mile 1609.344",
    "[time]": "s 1 sec 1 min 60 minute 60 h 3600 hr 3600 hour 3600 d 86400 day 86400 week 604800",
    "[mass]": "mg 1e-6 g 0.001 kg 1 t 1000 tonne 1000 lb 0.45359237",
    "[length]^3": "ml 1e-6 l 0.001 L 0.001 litre 0.001 hl 0.1",
    "[length]^2 [mass] [time]^-2": "J 1 kJ 1000 MJ 1e6 Wh 3600 kWh 3.6e6 MWh 3.6e9",
    "[length]^2 [mass] [time]^-3": "W 1 kW 1000 MW 1e6",
    "[length] [time]^-1": "mph 0.44704 kph 5/18",
    "": "% 0.01 percent 0.01",
    **{f"[{code}]": f"{code} 1" for code in CURRENCIES},
}
"""What units measure, to units and their factors to base units, as the registry of pint has them: where these are all
that a file has, that registry, half a second of every command, is not loaded."""
# What an analyst is likely to mean; used for hints and to refuse look-alikes such as 'Min' (a megainch).
COMMON = (*CURRENCIES, *_COUNTED_WORDS, *_WORDS.split())
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
_PART = re.compile(
    r"(?P<number>\d{1,6}(?:\.\d{1,6})?)?\s*"
    r"(?P<name>[^\W\d]+|[°µμ%€£$][^\W\d]*)(?P<power>\s*(?:\*\*|\^)\s*(?:\(-?\d\)|-?\d(?!\d))|[²³]|[23](?!\d))?"
    r"|(?P<alone>\d{1,6}(?:\.\d{1,6})?)"
)
"""A unit with its power, and the number in front of it; or a number alone."""
_SIGNS = re.compile(r"[\s_\d*/()]*")
_LONGEST = 80


Powers: TypeAlias = tuple[tuple[str, Fraction], ...]


def merged(first: Powers, second: Powers) -> Powers:
    """Return the exponents of a product, those of nothing left out, in the order of first appearance."""
    powers = dict(first)
    for name, power in second:
        powers[name] = powers.get(name, Fraction(0)) + power
    return tuple((name, power) for name, power in powers.items() if power)


def raised(base: Powers, power: Fraction | int) -> Powers:
    """Return the exponents of a power."""
    return tuple((name, exponent * power) for name, exponent in base) if power else ()


@dataclass(frozen=True)
class Unit:
    """What a word stands for: an exact factor to base units, and the exponents of the dimensions."""

    scale: Fraction
    dimensions: Powers = ()


def _measured(name: str, power: Fraction) -> str:
    word = name.strip("[]")
    return word if power == 1 else f"{word}^{power}"


@lru_cache(maxsize=1)
def _usual() -> dict[str, Unit]:
    """Return the units of :data:`_FACTORS`."""
    found = {}
    for measured, units in _FACTORS.items():
        parts = [part.partition("^")[::2] for part in measured.split()]
        dimensions = tuple((name, Fraction(power or 1)) for name, power in parts)
        words = units.split()
        for name, factor in zip(words[::2], words[1::2], strict=True):
            found[name] = Unit(Fraction(factor), dimensions)
    return found


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(non_int_type=Fraction)
    for code in CURRENCIES:
        registry.define(f"{code} = [{code}]")
    return registry


@lru_cache(maxsize=1024)
def named(name: str) -> Unit | str:
    """Look up a unit name; a returned string is the reason why it cannot be used."""
    return _usual().get(name) or named_by_registry(name)


def named_by_registry(name: str) -> Unit | str:
    """Look up a unit name in the registry of pint, but for what is refused, and what is counted."""
    if name in _REFUSED:
        return f"unit {name!r} is not accepted; {_REFUSED[name]}"
    if name in _COUNTED_WORDS:  # before the registry, to which a bag is a weight of 94 lb
        thing, number = _COUNTED_WORDS[name]
        return Unit(Fraction(number), ((f"[{thing}]", Fraction(1)),))
    lookalikes = [word for word in COMMON if word.lower() == name.lower()]
    if lookalikes and name not in lookalikes:
        return f"unknown unit {name!r}; did you mean {lookalikes[0]!r}?"
    import pint

    meant = _meant(name)
    registry = _registry()
    try:
        one = registry.Quantity(Fraction(1), name)
        dimensions = one.dimensionality
    except (pint.PintError, ValueError, AssertionError):
        hint = f"did you mean {meant!r}?" if meant else nearest(name, COMMON)
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
    powers = tuple(sorted((str(n), Fraction(str(p))) for n, p in dimensions.items()))
    # to the registry kilos are a thousand seconds, and a pc is a parsec
    if meant and powers_of(meant).dimension != dict(powers):
        return f"unknown unit {name!r}; did you mean {meant!r}?"
    return Unit(scale, powers)


def _meant(name: str) -> str:
    """Return the unit that a word of everyday language stands for; empty where it is none, or a unit itself."""
    plain = unicodedata.normalize("NFKD", name.lower())
    found = UNIT_WORDS.get("".join(sign for sign in plain if not unicodedata.combining(sign)), "")
    return "" if found == name else found


def _part(found: re.Match[str], text: str) -> UnitPowers:
    """Return what a number, a unit or both are."""
    number, name = found["number"] or found["alone"] or "1", found["name"]
    if not Fraction(number):
        raise UnitError(f"unit {text!r}: a unit cannot be zero")
    part = UnitPowers(((number, Fraction(1)),) if Fraction(number) != 1 else ())
    if not name:
        return part
    if isinstance(wrong := named(name), str):
        raise UnitError(wrong if name == text else f"{wrong} (in {text!r})")
    power = (found["power"] or "1").strip(" *^()").translate(str.maketrans("²³", "23"))
    return part * UnitPowers(((name, Fraction(int(power))),))


def _product(node: ast.AST, parts: Sequence[UnitPowers]) -> UnitPowers:
    """Return the parts, which are called by their places, as they are multiplied and divided."""
    match node:
        case ast.BinOp(left, ast.Mult() | ast.Div() as sign, right):
            power = 1 if isinstance(sign, ast.Mult) else -1
            return _product(left, parts) * _product(right, parts) ** power
        case ast.Name(name):
            return parts[int(name.strip("_"))]
    raise SyntaxError


def powers_of(text: object) -> UnitPowers:
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
    if not isinstance(text, str):
        raise UnitError(f"a unit is a text such as 'km' or 'EUR/h', not {text!r}")
    return _parse_text(text.strip())


@lru_cache(maxsize=4096)
def _parse_text(text: str) -> UnitPowers:
    if not text:
        return UnitPowers()
    if len(text) > _LONGEST:
        raise UnitError(f"unit {text[:30]!r}… is longer than {_LONGEST} characters")
    parts: list[UnitPowers] = []

    def placed(found: re.Match[str]) -> str:
        parts.append(_part(found, text))
        return f" _{len(parts) - 1} "

    signs = _PART.sub(placed, text).replace("·", "*")
    try:
        if not _SIGNS.fullmatch(signs):
            raise SyntaxError
        return _product(ast.parse(" ".join(signs.split()), mode="eval").body, parts)
    except SyntaxError:
        raise UnitError(
            f"unit {text!r}: cannot read it; put '*' or '/' between its parts, as in 'EUR/km' or 'kg/(m^2*s)'"
        ) from None


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
    powers_of(text)
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
    return powers_of(a).dimension == powers_of(b).dimension


@lru_cache(maxsize=1024)
def _ratio(source: str, target: str) -> Fraction:
    have, want = powers_of(source), powers_of(target)
    if have.dimension != want.dimension:
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

    @property
    def scale(self) -> Fraction:
        """What one of it is in base units, exactly, where its powers are whole."""
        found = Fraction(1)
        for word, power in self.words:
            found *= _meaning(word).scale ** int(power)
        return found

    def describe(self) -> str:
        """Name the dimension in words: ``length/time``."""
        above = [_measured(n, p) for n, p in self.dimension.items() if p > 0]
        below = [_measured(n, -p) for n, p in self.dimension.items() if p < 0]
        top = "*".join(above) or ("1" if below else "dimensionless")
        return "/".join([top, *below])

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
    return dict(powers_of(text).dimension)
