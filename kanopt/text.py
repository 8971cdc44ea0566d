"""How numbers, times and lists are written for people: the one place that decides.

======================  =========================================================================================
money, objectives       two decimals and thousands separators, ``1,234.50 EUR``; below a cent three significant
                        digits. Figures that add up share their decimals
other quantities        four significant digits, ``0.4124 t``, none before the point rounded away; from 10,000 on
                        thousands separators (years have none). Six digits where a value is repeated that
                        somebody typed, or where two are compared that may nearly agree
things counted          ``1 pallet``, ``3 pallets``, however their unit is written
shares                  whole per cent from 10 % on, two significant digits below: ``49 %``, ``3.1 %``
R², ratios to actual    four decimals
times of day            ``08:30``, and ``01:00 +1 d`` on another day than the first
minus                   a true minus sign, ``−3``, and never before a zero
no number, infinity     ``–``, ``∞``
lists                   name the first few and count the others: ``a, b and 3 more``
======================  =========================================================================================

What machines read (JSON, CSV, saved formulas, the text of a formula) is written elsewhere, with all digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from kanopt.units import COUNTED, convert

MINUS = "−"
_SEPARATED_FROM = 10_000
_SMALLEST, _LARGEST = -4, 15  # powers of ten within which a number is written in full
_NOISE = 1e-9  # money below it is what rounding left
_PLURALS = {name: "boxes" if name == "box" else f"{name}s" for name in COUNTED if name.islower()}
_SINGULARS = {many: one for one, many in _PLURALS.items()}


def number_text(value: float, digits: int = 4, *, signed: bool = False) -> str:
    """Write a quantity with so many significant digits, without needless zeros.

    Examples
    --------
    >>> number_text(0.412398), number_text(1234.5), number_text(1234567.8), number_text(-3.0)
    ('0.4124', '1234', '1,234,568', '−3')
    >>> number_text(2e-7), number_text(12.0, signed=True), number_text(float("nan"))
    ('2e−7', '+12', '–')
    """
    if not math.isfinite(value) or value == 0:
        return fixed_text(value, 0, signed=signed)
    exponent = math.floor(math.log10(abs(value)))
    if not _SMALLEST <= exponent < _LARGEST:
        mantissa, power = f"{abs(value):.{digits - 1}e}".split("e")
        text = f"{_strip_zeros(mantissa)}e{int(power)}".replace("-", MINUS)
        return _with_sign(text, value, signed)
    decimals = max(digits - 1 - exponent, 0)
    rounded = round(abs(value), decimals)
    text = f"{rounded:,.{decimals}f}" if rounded >= _SEPARATED_FROM else f"{rounded:.{decimals}f}"
    return _with_sign(_strip_zeros(text), value, signed)


def amount_text(value: float, unit: str, digits: int = 4, *, signed: bool = False) -> str:
    """Write a quantity with its unit.

    Examples
    --------
    >>> amount_text(0.5, "t"), amount_text(12345.6, "kg"), amount_text(7.0, "")
    ('0.5 t', '12,346 kg', '7')
    >>> amount_text(3, "box"), amount_text(1, "pallets"), amount_text(150, "pallet")
    ('3 boxes', '1 pallet', '150 pallets')
    """
    number = number_text(value, digits, signed=signed)
    counted = _SINGULARS.get(unit, unit) if number.lstrip(f"+{MINUS}") == "1" else _PLURALS.get(unit, unit)
    return f"{number} {counted}".rstrip()


def with_unit(name: str, unit: str) -> str:
    """Return a name with its unit, for axes and table heads; once, where it ends in its unit already.

    Examples
    --------
    >>> with_unit("cost", "EUR"), with_unit("load share", ""), with_unit("Strecke (km)", "km")
    ('cost (EUR)', 'load share', 'Strecke (km)')
    """
    return name if not unit or name.endswith((f"({unit})", f"[{unit}]")) else f"{name} ({unit})"


def fixed_text(value: float, decimals: int, *, signed: bool = False) -> str:
    """Write a number with so many decimals and thousands separators.

    Examples
    --------
    >>> fixed_text(1234.5, 1), fixed_text(-0.001, 2), fixed_text(12, 2, signed=True), fixed_text(float("-inf"), 2)
    ('1,234.5', '0.00', '+12.00', '−∞')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else _with_sign("∞", value, signed)
    rounded = round(float(value), decimals)
    return _with_sign(f"{abs(rounded):,.{decimals}f}", rounded, signed)


def money_text(value: float, unit: str = "", decimals: int | None = None, *, signed: bool = False) -> str:
    """Write a price, a cost or an objective, with `decimals` where others stand beside it.

    Examples
    --------
    >>> money_text(1234.5, "EUR"), money_text(-0.25), money_text(0.00214), money_text(3, signed=True)
    ('1,234.50 EUR', '−0.25', '0.00214', '+3.00')
    """
    places = money_decimals([value]) if decimals is None else decimals
    return f"{fixed_text(value, places, signed=signed)} {unit}".rstrip()


def round_money(value: float, unit: str) -> str:
    """Write money as a sentence for people does: large amounts without what is behind the point.

    Examples
    --------
    >>> round_money(703.394, "EUR"), round_money(5858332.72, "EUR")
    ('703.39 EUR', '5,858,333 EUR')
    """
    return money_text(value, unit, 0 if abs(value) >= _SEPARATED_FROM else None)


def money_decimals(values: Iterable[float]) -> int:
    """Return how many decimals figures of money share, so that they can be added up.

    Examples
    --------
    >>> money_decimals([612.3, 40.0]), money_decimals([0.00214, 0.001]), money_decimals([0.0])
    (2, 5, 2)
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return 2 if largest >= 0.01 or largest < _NOISE else 2 - math.floor(math.log10(largest))


def column_decimals(values: Iterable[float]) -> int:
    """Return how many decimals a column of figures shares: none where all are whole, else two, or three digits below 1.

    Examples
    --------
    >>> column_decimals([3, 7, float("nan")]), column_decimals([3.5, 7]), column_decimals([-0.082, 0.204])
    (0, 2, 3)
    """
    finite = [value for value in values if math.isfinite(value)]
    if all(value == round(value) for value in finite):
        return 0
    largest = max(map(abs, finite))
    return 2 if largest >= 1 or largest < _NOISE else 2 - math.floor(math.log10(largest))


def percent_text(share: float, *, signed: bool = False) -> str:
    """Write a fraction as a percentage.

    Examples
    --------
    >>> percent_text(0.4931), percent_text(0.0312, signed=True), percent_text(0.00004), percent_text(0.0)
    ('49 %', '+3.1 %', 'under 0.01 %', '0 %')
    """
    points = 100 * share
    if not math.isfinite(points):
        return "–"
    return "under 0.01 %" if 0 < abs(points) < 0.005 else f"{number_text(points, 2, signed=signed)} %"


def sure_text(share: float) -> str:
    """Write a share of days, of which only all of them are 100 %.

    Examples
    --------
    >>> sure_text(0.999), sure_text(1.0), sure_text(0.984)
    ('over 99 %', '100 %', '98 %')
    """
    return "over 99 %" if 0.99 < share < 1.0 else percent_text(share)


def score_text(value: float) -> str:
    """Write an R² or a ratio of predicted to actual.

    Examples
    --------
    >>> score_text(0.96981), score_text(-1.5)
    ('0.9698', '−1.5000')
    """
    return fixed_text(value, 4)


def seconds_text(seconds: float) -> str:
    """Write how long something took.

    Examples
    --------
    >>> seconds_text(0.04), seconds_text(1234.56)
    ('0.0 s', '1,234.6 s')
    """
    return f"{fixed_text(seconds, 1)} s"


def clock_text(value: float, unit: str = "min") -> str:
    """Write a time counted from midnight as time of day.

    Examples
    --------
    >>> clock_text(510), clock_text(8.5, "h"), clock_text(1500), clock_text(-30)
    ('08:30', '08:30', '01:00 +1 d', '23:30 −1 d')
    """
    if not math.isfinite(value):
        return "–"
    day, minute = divmod(round(convert(value, unit, "min")), 1440)
    text = f"{minute // 60:02d}:{minute % 60:02d}"
    return text if day == 0 else f"{text} {number_text(day, signed=True)} d"


def range_text(low: float, high: float, unit: str = "", digits: int = 6) -> str:
    """Write from where to where something reaches.

    Examples
    --------
    >>> range_text(0, 12.5, "km"), range_text(3, float("inf")), range_text(-float("inf"), 7), range_text(2, 2)
    ('0 to 12.5 km', 'at least 3', 'at most 7', '2')
    """
    if low == high or not math.isfinite(high):
        head = "" if low == high else "at least "
        return head + amount_text(low, unit, digits)
    if not math.isfinite(low):
        return f"at most {amount_text(high, unit, digits)}"
    return f"{number_text(low, digits)} to {amount_text(high, unit, digits)}"


def count_text(n: int, one: str, many: str = "") -> str:
    """Write how many there are of a thing.

    Examples
    --------
    >>> count_text(1, "place"), count_text(1200, "place"), count_text(2, "is", "are")
    ('1 place', '1,200 places', '2 are')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def join_list(items: Sequence[str], most: int | None = None) -> str:
    """Join items as a sentence does; beyond `most`, count them.

    Examples
    --------
    >>> join_list(["fuel"]), join_list(["fuel", "wages", "tolls"]), join_list(["a", "b", "c", "d"], 2)
    ('fuel', 'fuel, wages and tolls', 'a, b and 2 more')
    """
    if most is not None and len(items) > most:
        return join_list([*items[:most], f"{len(items) - most:,} more"])
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def list_names(names: Sequence[str], most: int = 5, *, quoted: bool = True) -> str:
    """List names by commas, as errors do; beyond `most`, count them.

    Examples
    --------
    >>> list_names(["a", "b"]), list_names(["a", "b", "c"], 2, quoted=False)
    ("'a', 'b'", 'a, b and 1 more')
    """
    shown = ", ".join(repr(name) if quoted else name for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def capital(text: str) -> str:
    """Return a clause as a sentence begins.

    Examples
    --------
    >>> capital("two vans are full"), capital("")
    ('Two vans are full', '')
    """
    return text[:1].upper() + text[1:]


def shorten(text: str, most: int) -> str:
    """Cut a text that is too long for its place.

    Examples
    --------
    >>> shorten("Rotterdam Maasvlakte", 10), shorten("Ghent", 10)
    ('Rotterdam…', 'Ghent')
    """
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def shorten_middle(name: str, most: int) -> str:
    """Cut a name that is too long in its middle: names that begin alike mostly differ at their ends.

    Examples
    --------
    >>> shorten_middle("a_rather_long_column_07", 14), shorten_middle("km", 14)
    ('a_rath…lumn_07', 'km')
    """
    if len(name) <= most:
        return name
    tail = max((most - 1) * 3 // 5, 1)
    return f"{name[: max(most - 1 - tail, 0)]}…{name[-tail:]}"


def _strip_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_sign(text: str, value: float, signed: bool) -> str:
    if value < 0:
        return MINUS + text
    return f"+{text}" if signed and value > 0 else text
