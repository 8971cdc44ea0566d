"""The words by which people call fields and tables, and the words and the unit of a header taken apart.

Words stand in ``words.toml``: a vocabulary, not a rule. :mod:`kanopt.records.likeness` and
:mod:`kanopt.records.matching` compare the headers of tables with it. A word in no list is found all the same where it
is spelt like one that is.

``demand_kg`` most likely holds kilograms, ``cost_per_hour`` money over time. kanopt converts declared units only; what
is read here decides which field a message proposes for a column, and which unit it asks to be declared.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from kanopt.units import COUNTED, CURRENCIES, UNIT_WORDS, dimension_of

_READ: dict[str, Any] = tomllib.loads((files("kanopt.records") / "words.toml").read_text("utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_READ["words"][name].split())


FIELD_WORDS: dict[str, str] = _READ["fields"]
"""Field, or table and field, to what it is called elsewhere."""

TABLE_WORDS = {table: frozenset(words.split()) for table, words in _READ["tables"].items()}
"""Table to words in names of files, and in the headers of what names its rows."""

ELSEWHERE: dict[str, str] = {
    place: FIELD_WORDS[words[1:]] if words.startswith("@") else words
    for place, words in _READ["elsewhere"].items()
}
"""Tables that have no field for what some words mean with the place where the problem has it, as ``"tasks: the field
order"``, to the words; under ``nowhere`` the words of planning for which there is neither a field nor a place."""

PLAIN_FIELDS = _words("plain_fields")
"""Fields whose names say nothing in a table of another kind."""

LEAST = _words("least")
"""Words for what is the least that something may be."""

LIMITS = _words("limits")
"""Words for limits, which planning keeps where it knows them."""

WEIGHTS = dict.fromkeys(_words("weak"), 0.35) | dict.fromkeys(_words("owners"), 0.1)
"""How much words tell that are no whole ones: those that many headers share, so that they alone make no resemblance
unless they are all of it, and those for the thing a row is about, which say nothing of what a column holds."""

OTHER = _words("other")
"""Words of tables that have nothing to do with planning; they are not taken for others that are spelt alike."""

DESCRIBING = _words("describing")
"""What headers of texts for people are called: remarks, and what is done in words."""

IDENTIFIERS = _words("identifiers")
"""Words that make a column a name of something, whatever else stands in its header."""

PRICE = _words("price")
"""Words for a price that do not say of what; each may stand for the other."""

MONEY = PRICE | _words("money")
"""Words by which a header says that its column holds money."""

SURCHARGE = _words("surcharge")
"""Words of what is paid on top."""

WORKERS = _words("workers")
"""Words of people who do something beside a machine."""

HISTORY = _words("history")
"""Words in names of files that hold what happened."""

TOTALS = _words("totals")
"""Words of the row that has the sums of all others."""

STOP_ORDER = _words("stop_order")
"""Words of the column that says in which order a vehicle makes its stops."""


_AMBIGUOUS = frozenset(
    ["h", "d", "t", "m", "s", "l", "g", "min", "pc", "year", "years"]
)  # not at the start of a header: min_order, t_start
_NUMBER = frozenset(["n", "no", "nb", "nr", "num", "anz"])
_PER = frozenset(["per", "pro", "par", "por", "je", "za"])
_EACH = frozenset(
    ["hourly", "daily", "weekly", "monthly", "yearly", "horaire", "horario", "orario"]
)  # by themselves, what is paid
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ł": "l", "Ł": "L"}
)
_WRITTEN_OUT = 5  # letters of a unit that stands in a longer word
_VEHICLES = frozenset(["veh", "vehicles"])  # an hour, of links of roads
CURRENCY_WORDS = {word: unit for word, unit in UNIT_WORDS.items() if unit in CURRENCIES}
"""Words for currencies, each with its code."""
LONG_TIMES = frozenset(("day", "week", "month", "year"))
"""Units of periods: an amount of one is an amount, since a plan is made for one."""
_LENGTHS = frozenset(["km", "mi"])
_LOADS = frozenset(["utile", "max", "maxi", "maximale", "admissible", "volume"])
_PRICED_ENDS = ("kosten", "preis", "pauschale", "gebuehr")
_MEASURES = {"distance": "km", "dist": "km", "mileage": "km", "time": "h", "weight": "kg"}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_AREA = re.compile(r"(?<![a-z])sq(?:uare)?[\W_]*(ft|feet|foot|m|metres?|meters?)(?![a-z])", re.IGNORECASE)
_KM_PER_UUR = re.compile(r"\bkm ?/ ?u\b", re.IGNORECASE)
"""Speed in Dutch; a u alone may be a piece as well."""
_PARTED = re.compile(r"[€$£]|[^\W_€$£]+")
_CENTS = re.compile(
    r"\b(ct|cts|cents?|c€|centimes?|centimos?|grosz[ey]?|pence|p(?= ?(?:/|per\b)))(?![^\W_])", re.IGNORECASE
)
_THOUSANDS = re.compile(
    r"(?<![^\W_])(?:[kK]|T(?=€|EUR))(?=[€$£]|(?:EUR|USD|GBP|CHF|PLN)(?![^\W_]))|\b[tT]sd\.? *(?=[€$£]|EUR)"
)
"""Before a currency: k€, TEUR, Tsd. EUR."""
_COINS = {"p": "GBP", "pence": "GBP", "grosz": "PLN", "grosze": "PLN", "groszy": "PLN"}
_MANY = re.compile(r"\b(10+) ?(km|kg|lb|mi|l)\b", re.IGNORECASE)
_FOR = re.compile(r"(?: ?/|\b(?:per|pro|par|por|je|za)\b) *([^\W\d]+)", re.IGNORECASE)
_LAST_WORD = re.compile(r"[ /]*(und|and|et|y|i|per|pro|par|por|je|za)? *([^\W\d]+)[)\] ]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """A header taken apart.

    Parameters
    ----------
    pieces
        Its words in small letters without accents, those of units among them.
    words
        The same without those of units.
    unit
        The unit it hints at; empty where it hints at none.
    """

    pieces: tuple[str, ...]
    words: tuple[str, ...]
    unit: str

    @property
    def measures(self) -> frozenset[str]:
        """Words for what its unit measures, such as ``"time"``."""
        found = dict(measured_in(self.unit) or ())
        return frozenset(word for base in found for word in _MEASURED.get(base, "").split())


@lru_cache(maxsize=4096)
def read_header(text: str) -> Header:
    """Take a header apart into words and the unit that it hints at.

    Examples
    --------
    >>> read_header("demand_kg")
    Header(pieces=('demand', 'kg'), words=('demand',), unit='kg')
    >>> read_header("costPerHour").unit, read_header("cost_per_km").unit, read_header("min_order").unit
    ('EUR/h', 'EUR/km', '')
    >>> read_header("Stundensatz").unit, read_header("Stundensatz (€)").unit, read_header("Stundenlohn CHF").unit
    ('EUR/h', 'EUR/h', 'CHF/h')

    Cents, a price of many, and an amount of a period count as what they are.

    >>> [read_header(each).unit for each in ("Maut (ct/km)", "Kosten je 100 km (€)", "Límite km/día", "€/t und Monat")]
    ['cEUR/km', 'EUR/100 km', 'km', 'EUR/t']
    >>> [read_header(each).unit for each in ("Lease (k$)", "Miete TEUR", "Pacht (Tsd. €)")]
    ['kUSD', 'kEUR', 'kEUR']
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_UMLAUTS))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    plain = _KM_PER_UUR.sub("km/h", plain)
    plain = _AREA.sub(lambda area: "sqft" if area[1].lower().startswith("f") else "sqm", plain)
    cents = _CENTS.search(plain)
    plain = _CENTS.sub(_COINS.get(cents[1].lower(), "EUR"), plain) if cents else plain
    thousands = _THOUSANDS.search(plain)
    plain = _THOUSANDS.sub("", plain)
    pieces = tuple(word.lower() for piece in _PARTED.findall(plain) for word in _words_of(piece))
    if len(pieces) > 1 and pieces[0] in _NUMBER:
        pieces = ("number", *pieces[1:])
    places = [place for place, piece in enumerate(pieces) if _is_unit(pieces, place)]
    words = tuple(piece for place, piece in enumerate(pieces) if place not in places)
    unit = _unit_of(pieces, places)
    priced = unit.partition("/")[0] in CURRENCIES
    if priced and (lot := _MANY.search(plain)):
        unit = f"{unit.partition('/')[0]}/{lot[1]} {lot[2].lower()}"
    elif not cents and (whole := _without_period(plain)):
        unit = whole
    many = "c" if cents else "k" if thousands else ""
    return Header(pieces, words, f"{many}{unit}" if priced else unit)


def without_things(text: str) -> str:
    """Return a header without the things that it is counted for, where they are no unit: a price of a tray is a price.

    Examples
    --------
    >>> without_things("Freight ($/tray)"), without_things("Cost per tray"), without_things("Cost per km")
    ('Freight ($)', 'Cost', 'Cost per km')
    """
    return _FOR.sub(lambda found: found[0] if _measure(found[1].lower()) else "", text).strip()


def _without_period(text: str) -> str:
    """Return the unit of an amount of a period, such as the t of t/week; empty where a text ends otherwise."""
    ending = _LAST_WORD.search(text)
    if ending is None or UNIT_WORDS.get(ending[2].lower()) not in LONG_TIMES:
        return ""
    rest = read_header(text[: ending.start()]).unit
    return rest if rest and dict(measured_in(rest) or ()) != {"money": 1} else ""


def _words_of(piece: str) -> Sequence[str]:
    # kWh and EUR are units as they stand, not words run together; tkm are two
    if piece.lower() == "tkm":
        return ["t", "km"]
    return [piece] if piece.lower() in UNIT_WORDS else _CAMEL.split(piece)


def _is_unit(pieces: Sequence[str], place: int) -> bool:
    told = place > 0 or pieces[place] not in _AMBIGUOUS or (pieces[1:2] and pieces[1] in _PER)
    return pieces[place] in UNIT_WORDS and bool(told)


def _unit_of(pieces: Sequence[str], places: Sequence[int]) -> str:
    """Return the unit of a header: of its one unit, of money over another one, or of what stands after ``per``."""
    units = [UNIT_WORDS[pieces[place]] for place in places]
    priced = _is_priced(pieces)
    above = [unit for unit in units if unit in CURRENCIES]
    below = [unit for unit in units if unit not in CURRENCIES]
    pers = [place for place, piece in enumerate(pieces[:-1]) if piece in _PER]
    per = next((place for place in pers if _measure(pieces[place + 1])), next(iter(pers), None))
    # a price for what has no unit may have one of its own behind it
    if per is not None and (_measure(pieces[per + 1]) or not (above and below) or min(places) < per):
        measure = _measure(pieces[per + 1])
        before = [UNIT_WORDS[pieces[place]] for place in places if place < per]
        if not before and (not per or above or _is_priced(pieces[:per])):
            before = above[:1] or ["EUR"] if measure else []
        if not measure and set(above) & {*before} and len(before) > 1:
            return _unit_of(pieces[:per], [place for place in places if place < per])
        # energy of a task, weight of a piece: what is counted one by one has no unit
        before = before or above[:1] or (below if not measure else [])
        return f"{before[-1]}/{measure}" if before and measure else before[-1] if before else ""
    money = above or ["EUR"] if above or priced else []
    if money and below:
        if (
            len(below) > 1 and below[0] != below[1] and _LENGTHS & {*below}
        ):  # freight of a tonne and a kilometre
            return f"{money[0]}/({below[0]}*{below[1]})"
        return f"{money[0]}/{below[-1]}"
    if pieces and not above and set(pieces) <= _EACH:
        return f"EUR/{below[-1]}"
    if not money and len(pieces) > 1 and {pieces[place] for place in places} <= _EACH:
        return ""  # a weekly capacity is an amount
    if not below:
        within = _unit_within(pieces)
        return within.replace("EUR", above[0], 1) if within and above else within or "".join(above[:1])
    if below == ["h"] and _VEHICLES & {*pieces[-2:-1]}:
        return "vehicle/h"
    if below[-2:] == ["km", "h"]:
        return "km/h"
    # mpg_h, of highways, is no time
    return below[-2] if len(below) > 1 and len(pieces[-1]) == 1 and len(pieces[places[-2]]) > 2 else below[-1]


def _measure(piece: str) -> str:
    return UNIT_WORDS.get(piece) or _MEASURES.get(piece, "")


def _is_priced(pieces: Sequence[str]) -> bool:
    """Say whether words are about money; a charge utile is a load."""
    found = MONEY & set(pieces)
    if found <= {"charge"} and _LOADS & set(pieces):
        return False
    return bool(found) or any(piece.endswith(_PRICED_ENDS) and len(piece) > _WRITTEN_OUT for piece in pieces)


def _unit_within(pieces: Sequence[str]) -> str:
    """Return the unit of words that are run together, as Stundensatz; empty where none is money for a unit."""
    for piece in pieces:
        for word, unit in UNIT_WORDS.items():
            if len(word) >= _WRITTEN_OUT and piece.startswith(word) and piece.removeprefix(word) in MONEY:
                return f"EUR/{unit}"
    return ""


@lru_cache(maxsize=1024)
def measured_in(unit: str) -> frozenset[tuple[str, int]] | None:
    """Return what a unit measures, for comparisons in hints; None where there is no unit.

    All currencies count as one, and so do weights, volumes and things counted: what loads are counted in is chosen by
    the problem.

    Examples
    --------
    >>> measured_in("USD/h") == measured_in("EUR/min"), measured_in("kg") == measured_in("pallet")
    (True, True)
    >>> measured_in("km") == measured_in("min")
    False
    """
    if not unit:
        return None
    found = {name.strip("[]"): power for name, power in dimension_of(unit).items()}
    merged: dict[str, int] = {}
    for name, power in found.items():
        money = name not in COUNTED and (name in CURRENCIES or (name.isupper() and len(name) == 3))
        mass, volume = name == "mass" and "time" not in found, name == "length" and abs(power) == 3
        if name in COUNTED or mass or volume:
            merged["amount"] = merged.get("amount", 0) + int(power / abs(power))
        else:
            base = "money" if money else name
            merged[base] = merged.get(base, 0) + int(power)
    return frozenset((base, power) for base, power in merged.items() if power)


_MEASURED = {
    "amount": "weight quantity volume load mass",
    "time": "time duration hours",
    "length": "distance length km",
    "money": "cost price",
}
