"""The words by which people call fields and tables, and the words and the unit of a header taken apart.

Words stand in ``words.toml``: a vocabulary, not a rule. :mod:`kanopt.records.headers` and
:mod:`kanopt.records.matching` compare the headers of tables with it. A word in no list is found all the same where it
is spelt like one that is.

``demand_kg`` most likely holds kilograms, ``cost_per_hour`` money over time. kanopt converts declared units only; what
is read here decides which field a message proposes for a column, and which unit it asks to be declared.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from kanopt.errors import nearest
from kanopt.records.fields import Field
from kanopt.units import COUNTED, CURRENCIES, UNIT_WORDS, dimension_of

_READ: dict[str, Any] = tomllib.loads((files("kanopt.records") / "words.toml").read_text("utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_READ["words"][name].split())


FIELD_WORDS: dict[str, str] = _READ["fields"]
"""Field, or table and field, to what it is called elsewhere."""

TABLE_WORDS = {table: frozenset(words.split()) for table, words in _READ["tables"].items()}
"""Table to words in names of files, and in the headers of what names its rows."""
_PARTS_WORDS = frozenset().union(*TABLE_WORDS.values())

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

WORK = _words("work")
"""Words by which a header of hours and minutes says how long something takes."""

OTHER = _words("other")
"""Words of tables that have nothing to do with planning; they are not taken for others that are spelt alike."""

DESCRIBING = _words("describing")
"""What headers of texts for people are called: remarks, and what is done in words."""

IDENTIFIERS = _words("identifiers")
"""Words that make a column a name of something, whatever else stands in its header."""

ALTERNATIVES = _words("alternatives")
"""Words of columns that name what does as well."""

PRICE = _words("price")
"""Words for a price that do not say of what; each may stand for the other."""

MONEY = PRICE | _words("money")
"""Words by which a header says that its column holds money."""

SURCHARGE = _words("surcharge")
"""Words of what is paid on top."""

WORKERS = _words("workers")
"""Words of people who do something beside a machine."""

HISTORY_WORDS: dict[str, Any] = _READ["history"]
"""What words say in headers of tables of what happened."""

PERIOD_WORDS: dict[str, str] = _READ["periods"]
"""What headers that are periods are called."""

NO_THINGS = _words("no_things")
"""Words in brackets behind a header that are no things which are counted."""

HISTORY = _words("history")
"""Words in names of files that hold what happened."""

TOTALS = _words("totals")
"""Words of the row that has the sums of all others."""

CLOSED, IN_USE, STATE = map(_words, ("closed", "in_use", "state"))
"""Headers of a column of yes and no that says which rows are out of the plan, or in it, and of one that has such words
in its cells: words joined by a low line."""

WORKPLACE = _words("workplace")
"""Words for any machine, which say nothing of what it does."""

VISITS = _words("visits")
"""Words by which the most stops that a vehicle makes are counted."""

STOP_ORDER = _words("stop_order")
"""Words of the column that says in which order a vehicle makes its stops."""


# not at the start of a header: min_order, t_start
_AMBIGUOUS = frozenset(["h", "d", "t", "m", "s", "l", "g", "min", "pc", "year", "years"])
_NUMBER = frozenset(["n", "no", "nb", "nr", "num", "anz"])
_PER = frozenset(["per", "pro", "par", "por", "je", "za"])
# by themselves, what is paid
_EACH = frozenset(["hourly", "daily", "weekly", "monthly", "yearly", "horaire", "horario", "orario"])
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
_METRES_PER_SECOND = re.compile(r"\bm ?/ ?s(?:ec|eg|ek)?\b")
_LETTER_IN_BRACKETS = re.compile(r"[(\[] ?([a-zA-Z]) ?[)\]] ?$")
"""A unit of one letter for sure, whatever other units stand before it: Caja (l), Sack [t]."""
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
_BURNT = re.compile(
    r"\b(l|lit(?:er|re)s?|kwh) *(?:/|per|pro|par|por|je|auf|aux) *(100)? *(km|mi)\b", re.IGNORECASE
)
_APIECE = frozenset(["unit", "unite", "unitaire", "unitario", "unidad", "piece", "each"])
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

    Cents, a price of many, an amount of a period and what a way burns count as what they are.

    >>> [read_header(each).unit for each in ("Maut (ct/km)", "Kosten je 100 km (€)", "Límite km/día", "€/t und Monat")]
    ['cEUR/km', 'EUR/100 km', 'km', 'EUR/t']
    >>> [read_header(each).unit for each in ("Verbrauch [l/100 km]", "kWh per km")]
    ['l/100 km', 'kWh/km']
    >>> [read_header(each).unit for each in ("Caja (l)", "Velocidad (m/s)")]
    ['l', 'm/s']
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
    elif burnt := _BURNT.search(plain):
        what, many, way = (each.lower() for each in burnt.groups(""))
        unit = f"{UNIT_WORDS.get(what, what)}/{f'{many} {way}'.strip()}"
    elif not cents and (whole := _without_period(plain)):
        unit = whole
    if _METRES_PER_SECOND.search(plain):
        unit = "m/s"
    elif not priced and (letter := _LETTER_IN_BRACKETS.search(plain)) and not _PER & {*pieces}:
        unit = UNIT_WORDS.get(letter[1].lower(), unit)
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
        both = len(below) > 1 and below[0] != below[1] and _LENGTHS & {*below}  # of a tonne and a kilometre
        return f"{money[0]}/({below[0]}*{below[1]})" if both else f"{money[0]}/{below[-1]}"
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
    """Say whether words are about money; a charge utile is a load, and so is a charge in kg."""
    found, units = MONEY & set(pieces), {UNIT_WORDS.get(piece) for piece in pieces}
    if found <= {"charge"} and (_LOADS & {*pieces} or ({"kg", "t", "lb"} & units and not _PER & {*pieces})):
        return False
    return bool(found) or any(piece.endswith(_PRICED_ENDS) and len(piece) > _WRITTEN_OUT for piece in pieces)


def _unit_within(pieces: Sequence[str]) -> str:
    """Return the unit of words that are run together, as Stundensatz; empty where none is money for a unit."""
    long = {word: unit for word, unit in UNIT_WORDS.items() if len(word) >= _WRITTEN_OUT or word == "uur"}
    begins = ((piece, word) for piece in pieces for word in long if piece.startswith(word))
    units = (long[word] for piece, word in begins if piece.removeprefix(word) in MONEY)
    return next((f"EUR/{unit}" for unit in units), "")


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
    merged = Counter[str]()
    for name, power in found.items():
        money = name in CURRENCIES or (name.isupper() and len(name) == 3)
        mass, volume = name == "mass" and "time" not in found, name == "length" and abs(power) == 3
        if name in COUNTED or mass or volume:
            merged["amount"] += int(power / abs(power))
        else:
            merged["money" if money else name] += int(power)
    return frozenset((base, power) for base, power in merged.items() if power)


_MEASURED = {
    "amount": "weight quantity volume load mass",
    "time": "time duration hours",
    "length": "distance length km",
    "money": "cost price",
}


# How much the header of a column looks like a field: by its words, and by what it measures.
#
# A header looks like a field where the words of one of its names stand in it
# (:mod:`kanopt.records.headers`; a word spelt nearly so counts for less), unless its unit measures
# something else, or its words are nearer to those for which there is no field.
# :mod:`kanopt.records.matching` adds what the values of columns say. Where there is no column but only a
# word, as of a key in a file, it ends the message with a hint.

ENOUGH, _CLOSE = 0.62, 0.15
"""What is alike enough to be taken for it; and how near a word without a field must be to outweigh one."""
_SURE = 0.9  # of a column of texts: most of them describe
_WEIGHT_OF_OTHER = 4.0
_LIKE_BY_MEASURE = 0.8  # how much a unit is the word for what it measures
_SPELT_ALIKE = 0.84
COORDINATES = ("x", "y", "lat", "lon")
_OF_AMOUNTS = frozenset([("money", 1), ("amount", -1)])
_LONG = ("/day", "/week", "/month", "/year")
ThingT = TypeVar("ThingT")
_Phrases = tuple[tuple[str, ...], ...]


def field_likeness(table: str, name: str, field: Field, unit: str = "", *, numeric: bool = True) -> float:
    """Say from 0 to 1.1 how much a column looks like a field; 0 where that is not enough to be taken for it.

    Parameters
    ----------
    table
        The name of the table in the problem, such as ``"clients"``.
    name, unit
        The header of the column, and the unit that it declares.
    field
        The field.
    numeric
        Whether the column holds numbers, or clock times.

    Examples
    --------
    >>> field_likeness("clients", "Standzeit [min]", Field("service_duration", "min"))
    1.1
    >>> field_likeness("clients", "shelf_life", Field("demand", "t"))
    0.0
    """
    found = _likeness_alone(table, name, field, unit, numeric=numeric)
    return found if found >= _like_no_field(read_header(name)) - _CLOSE else 0.0


def resembled_field(
    table: str, name: str, fields: Iterable[Field], unit: str = "", *, numeric: bool = True
) -> Field | None:
    """Return the field that a column looks most like; None where it looks like none.

    Examples
    --------
    >>> money = [Field("unit_distance_cost", "EUR/km"), Field("unit_duration_cost", "EUR/min")]
    >>> resembled_field("vehicles", "cost_per_mile", money).name
    'unit_distance_cost'
    >>> resembled_field("vehicles", "eur_h", money).name
    'unit_duration_cost'
    """
    return _best((field_likeness(table, name, field, unit, numeric=numeric), field) for field in fields)


def nearest_column(table: str, field: Field, columns: Iterable[str]) -> str:
    """Return the column that looks most like a field; empty where none does.

    Examples
    --------
    >>> nearest_column("lanes", Field("tail", kind=str), ["from_site", "to_site", "km"])
    'from_site'
    """
    numeric = not field.is_text
    return _best((_likeness_alone(table, name, field, numeric=numeric), name) for name in columns) or ""


def _best(scored: Iterable[tuple[float, ThingT]]) -> ThingT | None:
    likeness, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return best if likeness else None


def column_hint(table: str, field: Field, columns: Iterable[str]) -> str:
    """Return a hint, to end a message, that names the column which looks most like a field that is missing.

    Examples
    --------
    >>> column_hint("lanes", Field("head", kind=str), ["from_site", "to_site"])
    "did you mean 'to_site'?"
    """
    names = [str(name) for name in columns]
    found = nearest_column(table, field, names)
    return f"did you mean {found!r}?" if found else nearest(field.name, names)


def field_hint(table: str, word: str, fields: Sequence[Field]) -> str:
    """Return a hint, to end a message, that names the field which a word that is none looks most like.

    Examples
    --------
    >>> field_hint("vehicles", "payload_kg", [Field("capacity", "t"), Field("num_available", kind=int)])
    "did you mean 'capacity'?"
    """
    # the word may stand for a field of any kind
    found = resembled_field(table, word, fields) or resembled_field(table, word, fields, numeric=False)
    return f"did you mean {found.name!r}?" if found else nearest(word, [field.name for field in fields])


def is_planning_word(name: str, *, numeric: bool = True) -> bool:
    """Say whether a header is a word of planning, though no field of its table.

    Examples
    --------
    >>> is_planning_word("safety_stock"), is_planning_word("colour")
    (True, False)
    """
    header, enough = read_header(name), ENOUGH if numeric else _SURE
    if _is_identifier(header):
        return False
    told = numeric and bool((LIMITS | MONEY) & set(header.words))
    return told or any(_likeness(header, phrase) >= enough for phrase in _phrases_of_planning())


def place_elsewhere(table: str, name: str, fields: Iterable[Field], *, numeric: bool = True) -> str:
    """Say where the problem has what a column seems to hold, if not in a field of its kind; empty where it has not.

    Examples
    --------
    >>> place_elsewhere("tasks", "successor", (), numeric=False)
    'for that there is the field after'
    >>> place_elsewhere("vehicles", "lunch", [Field("breaks", kind=str)])
    'like breaks, a field of texts'
    """
    header = read_header(name)
    for place, words in ELSEWHERE.items():
        tables, _, there = place.partition(": ")
        if table in tables.split() and any(_likeness(header, phrase) >= ENOUGH for phrase in _phrases(words)):
            return f"for that there is {there}"
    field = resembled_field(table, name, fields, numeric=not numeric)
    return f"like {field.name}, a field of {'texts' if numeric else 'numbers'}" if field else ""


def is_called(word: str, words: frozenset[str]) -> bool:
    """Say whether a word of a name is one of some, or is made of one, as ``kundenstamm`` is.

    Examples
    --------
    >>> is_called("kundenstamm", frozenset(["kunde"])), is_called("trucks", frozenset(["truck"]))
    (True, True)
    """
    if word in words or _stem(word) in map(_stem, words):
        return True
    return any(len(known) > 4 and (word.endswith(known) or word.startswith(known)) for known in words)


def names_part(word: str, part: str) -> bool:
    """Say whether a word of a name is one of a part, or is made of one where no part has it as it stands.

    Examples
    --------
    >>> names_part("producteurs", "suppliers"), names_part("producteurs", "products")
    (True, False)
    """
    words = TABLE_WORDS.get(part, frozenset())
    as_it_stands = _stem(word) in map(_stem, words)
    return as_it_stands or (word not in _PARTS_WORDS and is_called(word, words))


def _likeness_alone(table: str, name: str, field: Field, declared: str = "", *, numeric: bool) -> float:
    """Say how much a column looks like a field, whatever else its header may mean."""
    header = read_header(name)
    if header.pieces and header.pieces == tuple(field.name.split("_")):
        return 1.1
    if not header.pieces or (field.kind is str) == numeric:
        return 0.0
    if _is_identifier(header) and field.name not in ("name", "order"):
        return 0.0
    unit = declared or header.unit
    agrees = _units_agree(header, unit, field, declared=bool(declared))
    if measured_in(field.unit) == _OF_AMOUNTS:
        header = read_header(without_things(name))
        agrees = None if is_price_of_pieces(name, unit) else agrees
    if agrees is False:
        return 0.0
    names = _names_of(table, field.name, field.words)
    found = max((_likeness(header, phrase) for phrase in names), default=0.0)
    if agrees:
        # money over time says what it is; a time alone may be anything
        telling = len(measured_in(unit) or ()) > 1 or not header.words
        enough = ENOUGH if telling and field.name not in COORDINATES else 0.0
        found = max(found, enough) + (0.1 if found else 0.0)
    return found if found >= ENOUGH else 0.0


def is_price_of_pieces(name: str, unit: str) -> bool:
    """Say whether a header is that of a price of things that are no unit, such as trays, or of a unit of whatever.

    Examples
    --------
    >>> [is_price_of_pieces(each, "EUR") for each in ("Cost per tray", "Unit cost", "Cost")]
    [True, True, False]
    """
    words = read_header(name).words
    apiece = any(word in _APIECE or word.startswith("stueck") for word in words)
    return measured_in(unit) == frozenset([("money", 1)]) and (apiece or without_things(name) != name)


def _units_agree(header: Header, unit: str, field: Field, *, declared: bool) -> bool | None:
    """Say whether a column measures what a field is counted in; None where one of them does not say."""
    measured, wanted = measured_in(unit), measured_in(field.unit)
    money = "money" in dict(wanted or {})
    if not declared and field.kind is int and unit in LONG_TIMES:
        return None  # so many a day
    if not declared and unit.endswith(_LONG) and money:
        # the money of a day or a year may be that of the whole plan; it hardly is a price of time
        return None if dict(wanted or {}) == {"money": 1} else False
    if measured is None:
        # money of an unknown kind still is no time
        return False if MONEY & {*header.pieces} and wanted is not None and not money else None
    if wanted is None:
        return None if field.is_text or dict(measured).keys() <= {"amount"} else False
    return measured == wanted


def _is_identifier(header: Header) -> bool:
    return len(header.pieces) > 1 and header.pieces[-1] in IDENTIFIERS


@lru_cache(maxsize=4096)
def _like_no_field(header: Header) -> float:
    """Say how much a header looks like words of planning without a field; of money alone, every header may be one."""
    phrases = [phrase for phrase in _phrases(ELSEWHERE["nowhere"]) if not set(phrase) <= MONEY]
    return max(_likeness(header, phrase) for phrase in phrases)


def is_beyond_plan(name: str) -> bool:
    """Say whether a header is one of the words of planning for which there is neither a field nor a place.

    Examples
    --------
    >>> is_beyond_plan("Opening stock (t)"), is_beyond_plan("Capacity (t)")
    (True, False)
    """
    return _like_no_field(read_header(name)) >= ENOUGH


@lru_cache(maxsize=512)
def _names_of(table: str, field: str, declared: str = "") -> _Phrases:
    """Return what a field is called: its own name, and what stands in the vocabulary."""
    more = [FIELD_WORDS.get(field, ""), FIELD_WORDS.get(f"{table}.{field}", ""), declared.replace(";", ",")]
    return _phrases(field.replace("_", " "), *more)


@lru_cache(maxsize=1)
def _phrases_of_planning() -> _Phrases:
    """Return words of planning: those without a field, and the fields of all tables that are more than a weak word."""
    of_fields = [words for field, words in FIELD_WORDS.items() if field not in PLAIN_FIELDS]
    telling = [phrase for phrase in _phrases(*of_fields) if not set(phrase) <= WEIGHTS.keys()]
    return (*_phrases(ELSEWHERE["nowhere"]), *telling)


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    every = ",".join([*FIELD_WORDS.values(), ELSEWHERE["nowhere"]])
    return OTHER | frozenset(map(_stem, every.replace(",", " ").split()))


@lru_cache(maxsize=64)
def _phrases(*lists: str) -> _Phrases:
    return tuple(tuple(phrase.split()) for phrase in ",".join(lists).split(",") if phrase.strip())


@lru_cache(maxsize=65536)
def _likeness(header: Header, phrase: tuple[str, ...]) -> float:
    """Say from 0 to 1 how far the words of a phrase are in a header, and the header is no more than the phrase."""
    words = [piece for piece in header.pieces if piece in header.words or piece in phrase] or header.pieces
    joined, run_together = "".join(words), "".join(phrase)
    if not words or joined == run_together:
        return 1.0 if words else 0.0
    found = {part: max((_alike(word, part), word) for word in words) for part in phrase}
    for part in header.measures & set(phrase):
        found[part] = max(found[part], (_LIKE_BY_MEASURE, ""))
    whole = sum(map(_weight, phrase))
    there = sum(_weight(part) * likeness for part, (likeness, _) in found.items())
    if there < whole and all(_weight(part) < 1 for part in phrase):
        return 0.0  # words that many headers share must all be there
    used = {word for likeness, word in found.values() if likeness and word}
    weights = [_WEIGHT_OF_OTHER if word in OTHER else _weight(word) for word in words]
    of_header = sum(map(_weight, used)) / sum(weights)
    likeness = (there / whole) ** 2 * (0.5 + 0.5 * of_header)
    # words that are written without a gap, such as servicetime
    spelt = _spelling(joined, run_together) if min(len(joined), len(run_together)) >= 7 else 0.0
    return max(likeness, spelt)


def _spelling(word: str, known: str) -> float:
    """Return how much of two texts is alike; 0 where that is too little."""
    # texts of such lengths, and of such letters, have no more alike: to look for it takes ten times as long
    if 2 * min(len(word), len(known)) < _SPELT_ALIKE * (len(word) + len(known)):
        return 0.0
    compared = SequenceMatcher(None, word, known)
    ratio = compared.ratio() if compared.quick_ratio() >= _SPELT_ALIKE else 0.0
    return ratio if ratio >= _SPELT_ALIKE else 0.0


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    for ending in ("ing", "es", "ed", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 3:
            return word.removesuffix(ending)
    return word.removesuffix("s")


def _weight(word: str) -> float:
    return min(WEIGHTS.get(word, 1.0), WEIGHTS.get(word.rstrip("s"), 1.0))


@lru_cache(maxsize=65536)
def _alike(word: str, known: str) -> float:
    """Say from 0 to 1 how much a word is spelt like a known one; a word that is itself known is that alone."""
    if word == known or (_stem(word) == _stem(known) and word not in OTHER):
        return 1.0
    if word in PRICE and known in PRICE:
        return 0.95
    if word in OTHER or _stem(word) in _known_words() or min(len(word), len(known)) < 3:
        return 0.0
    if known.startswith(word):  # cap, serv
        return 0.85
    if len(known) >= 5 and known in word:  # lieferfenster
        return 0.8
    return _spelling(word, known) if len(word) > 3 else 0.0
