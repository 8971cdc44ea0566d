"""How much the header of a column looks like a field: by its words, and by what it measures.

A header looks like a field where the words of one of its names stand in it (:mod:`kanopt.records.headers`; a
word spelt nearly so counts for less), unless its unit measures something else, or its words are nearer to those for
which there is no field. :mod:`kanopt.records.matching` adds what the values of columns say. Where there is no column
but only a word, as of a key in a file, it ends the message with a hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TypeVar

from kanopt.errors import nearest
from kanopt.records.fields import Field
from kanopt.records.headers import (
    ELSEWHERE,
    FIELD_WORDS,
    IDENTIFIERS,
    LIMITS,
    LONG_TIMES,
    MONEY,
    OTHER,
    PLAIN_FIELDS,
    PRICE,
    WEIGHTS,
    Header,
    measured_in,
    read_header,
    without_things,
)

ENOUGH, _CLOSE = 0.62, 0.15
"""What is alike enough to be taken for it; and how near a word without a field must be to outweigh one."""
_SURE = 0.9  # of a column of texts: most of them describe
_WEIGHT_OF_OTHER = 4.0
_MEASURED = 0.8  # how much a unit is the word for what it measures
_SPELT_ALIKE = 0.84
COORDINATES = ("x", "y", "lat", "lon")
_OF_AMOUNTS = frozenset([("money", 1), ("amount", -1)])
_LONG = ("/day", "/week", "/month", "/year")
ThingT = TypeVar("ThingT")
_Phrases = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class TableColumn:
    """A column of which no more than the header is looked at.

    Parameters
    ----------
    name
        Its header.
    unit
        Its declared unit.
    numeric
        Whether it holds numbers, or clock times.
    """

    name: str
    unit: str = ""
    numeric: bool = True


def field_likeness(table: str, column: TableColumn, field: Field) -> float:
    """Say from 0 to 1.1 how much a column looks like a field; 0 where that is not enough to be taken for it.

    Parameters
    ----------
    table
        The name of the table in the problem, such as ``"clients"``.
    column, field
        Which.

    Examples
    --------
    >>> field_likeness("clients", TableColumn("Standzeit [min]"), Field("service_duration", "min"))
    1.1
    >>> field_likeness("clients", TableColumn("shelf_life"), Field("demand", "t"))
    0.0
    """
    found = _likeness_alone(table, column, field)
    return found if found >= _like_no_field(read_header(column.name)) - _CLOSE else 0.0


def resembled_field(table: str, column: TableColumn, fields: Iterable[Field]) -> Field | None:
    """Return the field that a column looks most like; None where it looks like none.

    Parameters
    ----------
    table
        The name of the table in the problem, such as ``"clients"``.
    column
        The column.
    fields
        The fields that come into question.

    Examples
    --------
    >>> money = [Field("unit_distance_cost", "EUR/km"), Field("unit_duration_cost", "EUR/min")]
    >>> resembled_field("vehicles", TableColumn("cost_per_mile"), money).name
    'unit_distance_cost'
    >>> resembled_field("vehicles", TableColumn("eur_h"), money).name
    'unit_duration_cost'
    """
    return _best((field_likeness(table, column, field), field) for field in fields)


def nearest_column(table: str, field: Field, columns: Iterable[str]) -> str:
    """Return the column that looks most like a field; empty where none does.

    Examples
    --------
    >>> nearest_column("lanes", Field("tail", kind=str), ["from_site", "to_site", "km"])
    'from_site'
    """
    columns_as = ((TableColumn(name, numeric=not field.is_text), name) for name in columns)
    return _best((_likeness_alone(table, column, field), name) for column, name in columns_as) or ""


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
    found = resembled_field(table, TableColumn(word), fields) or resembled_field(
        table, TableColumn(word, numeric=False), fields
    )
    return f"did you mean {found.name!r}?" if found else nearest(word, [field.name for field in fields])


def is_planning_word(column: TableColumn) -> bool:
    """Say whether a header is a word of planning, though no field of its table.

    Examples
    --------
    >>> is_planning_word(TableColumn("safety_stock")), is_planning_word(TableColumn("colour"))
    (True, False)
    """
    header = read_header(column.name)
    if _is_identifier(header):
        return False
    if column.numeric and (LIMITS | MONEY) & set(header.words):
        return True
    enough = ENOUGH if column.numeric else _SURE
    return any(_likeness(header, phrase) >= enough for phrase in _phrases_of_planning())


def place_elsewhere(table: str, column: TableColumn, fields: Iterable[Field]) -> str:
    """Say where the problem has what a column seems to hold, if not in a field of its kind; empty where it has not.

    Examples
    --------
    >>> place_elsewhere("tasks", TableColumn("successor", numeric=False), ())
    'for that there is the field after'
    >>> place_elsewhere("vehicles", TableColumn("lunch"), [Field("breaks", kind=str)])
    'like breaks, a field of texts'
    """
    header = read_header(column.name)
    for place, words in ELSEWHERE.items():
        tables, _, there = place.partition(": ")
        if table in tables.split() and any(_likeness(header, phrase) >= ENOUGH for phrase in _phrases(words)):
            return f"for that there is {there}"
    field = resembled_field(table, replace(column, numeric=not column.numeric), fields)
    return f"like {field.name}, a field of {'texts' if column.numeric else 'numbers'}" if field else ""


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


def _likeness_alone(table: str, column: TableColumn, field: Field) -> float:
    """Say how much a column looks like a field, whatever else its header may mean."""
    header = read_header(column.name)
    if header.pieces and header.pieces == tuple(field.name.split("_")):
        return 1.1
    if not header.pieces or (field.kind is str) == column.numeric:
        return 0.0
    if _is_identifier(header) and field.name not in ("name", "order"):
        return 0.0
    unit = column.unit or header.unit
    agrees = _units_agree(header, unit, field, declared=bool(column.unit))
    if measured_in(field.unit) == _OF_AMOUNTS:
        header = read_header(without_things(column.name))
        agrees = None if is_price_of_pieces(column.name, unit) else agrees
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
    """Say whether a header is that of a price of things that are no unit, such as trays.

    Examples
    --------
    >>> is_price_of_pieces("Cost per tray", "EUR"), is_price_of_pieces("Cost", "EUR")
    (True, False)
    """
    return measured_in(unit) == frozenset([("money", 1)]) and without_things(name) != name


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
        priced = bool(MONEY & set(header.pieces))
        return False if priced and wanted is not None and not money else None
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
    if not words:
        return 0.0
    joined, run_together = "".join(words), "".join(phrase)
    if joined == run_together:
        return 1.0
    found = {part: max((_alike(word, part), word) for word in words) for part in phrase}
    for part in header.measures & set(phrase):
        found[part] = max(found[part], (_MEASURED, ""))
    whole = sum(map(_weight, phrase))
    there = sum(_weight(part) * likeness for part, (likeness, _) in found.items())
    if there < whole and all(_weight(part) < 1 for part in phrase):
        return 0.0  # words that many headers share must all be there
    used = {word for likeness, word in found.values() if likeness and word}
    of_header = sum(map(_weight, used)) / sum(
        _WEIGHT_OF_OTHER if word in OTHER else _weight(word) for word in words
    )
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
