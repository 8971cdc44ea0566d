"""Numbers and lists in words: the one place that decides how a figure is written for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

__all__ = [
    "amount_text",
    "clock_text",
    "count_text",
    "decimals_for",
    "first_few",
    "join_list",
    "number_text",
    "percent_text",
    "shorten",
    "significant_text",
]

MINUS = "−"
_MINUTES = {"min": 1.0, "minute": 1.0, "h": 60.0, "hour": 60.0, "s": 1 / 60, "sec": 1 / 60, "d": 1440.0}


def decimals_for(values: Iterable[float]) -> int:
    """Return how many decimals a column of figures needs to be read and added up.

    Whole numbers need none; from 100,000 upwards decimals are noise; below 1 three significant digits
    are kept.

    Examples
    --------
    >>> decimals_for([612.3, 40.0]), decimals_for([3, 7]), decimals_for([125_000.4]), decimals_for([0.00214])
    (2, 0, 0, 5)
    """
    finite = np.asarray([value for value in values if math.isfinite(value)], dtype=float)
    largest = float(np.max(np.abs(finite), initial=0.0))
    if largest >= 1e5 or largest == 0.0 or bool(np.all(finite == np.round(finite))):
        return 0
    if largest >= 1.0:
        return 2
    return min(2 - math.floor(math.log10(largest)), 12)


def number_text(value: float, decimals: int | None = None, *, signed: bool = False) -> str:
    """Write a number with thousands separators and a true minus sign.

    Examples
    --------
    >>> number(1234.5), number(-0.25), number(3.0), number(12.0, 2, signed=True)
    ('1,234.50', '−0.250', '3', '+12.00')
    >>> number(float("nan"))
    '–'
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    places = decimals_for([value]) if decimals is None else decimals
    rounded = round(value, places)
    text = f"{abs(rounded):,.{places}f}"
    if rounded < 0:
        return MINUS + text
    return "+" + text if signed and rounded > 0 else text


def significant_text(value: float, digits: int = 4) -> str:
    """Write a number with so many significant digits, without needless zeros.

    Examples
    --------
    >>> significant(0.412398), significant(1234567.0), significant(2e-7), significant(-3.0)
    ('0.4124', '1,235,000', '2e−7', '−3')
    """
    if not math.isfinite(value) or value == 0:
        return number_text(value)
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4 or exponent > 8:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(power)}".replace("-", MINUS)
    rounded = round(value, digits - 1 - exponent)
    text = f"{abs(rounded):,.{max(digits - 1 - exponent, 0)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return MINUS + text if rounded < 0 else text


def amount_text(value: float, unit: str, decimals: int | None = None, *, signed: bool = False) -> str:
    """Write a number with its unit.

    Examples
    --------
    >>> amount(1234.5, "EUR"), amount(7.0, "")
    ('1,234.50 EUR', '7')
    """
    return f"{number_text(value, decimals, signed=signed)} {unit}".rstrip()


def percent_text(share: float, *, signed: bool = False) -> str:
    """Write a fraction as a percentage: whole from 10 % upwards, else with the digits that matter.

    Examples
    --------
    >>> percent(0.4931), percent(0.0312, signed=True), percent(0.00004), percent(0.0)
    ('49 %', '+3.1 %', 'under 0.1 %', '0 %')
    """
    if not math.isfinite(share):
        return "–"
    points = 100 * share
    if 0 < abs(points) < 0.05:
        return "under 0.1 %"
    return f"{number_text(points, 0 if abs(points) >= 9.95 or points == 0 else 1, signed=signed)} %"


def clock_text(value: float, unit: str = "min") -> str:
    """Write a time since midnight as time of day.

    Examples
    --------
    >>> clock_time(510), clock_time(8.5, "h"), clock_time(1500)
    ('08:30', '08:30', '01:00 +1 d')
    """
    if not math.isfinite(value):
        return "–"
    minutes = round(value * _MINUTES.get(unit, 1.0))
    day, minute = divmod(minutes, 1440)
    text = f"{minute // 60:02d}:{minute % 60:02d}"
    return text if day == 0 else f"{text} {number_text(day, 0, signed=True)} d"


def count_text(n: int, one: str, many: str = "") -> str:
    """Write how many there are of a thing.

    Examples
    --------
    >>> count(1, "place"), count(1200, "place"), count(2, "is", "are")
    ('1 place', '1,200 places', '2 are')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def join_list(items: Sequence[str]) -> str:
    """Join items as a sentence does.

    Examples
    --------
    >>> listing(["fuel"]), listing(["fuel", "wages", "tolls"])
    ('fuel', 'fuel, wages and tolls')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def first_few(items: Sequence[str], most: int = 5) -> str:
    """Join the first items and say how many more there are.

    Examples
    --------
    >>> few(["a", "b", "c", "d"], most=2), few(["a", "b"], most=2)
    ('a, b and 2 more', 'a and b')
    """
    if len(items) <= most:
        return join_list(items)
    return join_list([*items[:most], f"{len(items) - most:,} more"])


def shorten(text: str, most: int) -> str:
    """Cut a text that is too long for its place.

    Examples
    --------
    >>> shorten("Rotterdam Maasvlakte", 10), shorten("Ghent", 10)
    ('Rotterdam…', 'Ghent')
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
