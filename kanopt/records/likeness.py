"""Which field of a problem the header of a column looks like: by its words, and by what it measures.

A header looks like a field where the words of one of its names stand in it (:mod:`kanopt.records.words`; a
word spelt nearly so counts for less), unless units say that it measures something else. All of it serves hints: nothing
is read because of a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

from kanopt.errors import nearest
from kanopt.records.declaration import Field, Table, Usual
from kanopt.records.headers import Header, measured_in, read_header
from kanopt.records.words import (
    ELSEWHERE,
    FIELD_WORDS,
    IDENTIFIERS,
    LIMITS,
    MONEY,
    NO_FIELD,
    OTHER,
    OWNERS,
    PLAIN_FIELDS,
    PRICE,
    WEAK,
)

__all__ = [
    "TableColumn",
    "TableField",
    "column_hint",
    "field_hint",
    "field_likeness",
    "fields_measured_alike",
    "is_called",
    "is_planning_word",
    "likely_fields",
    "nearest_column",
    "place_elsewhere",
    "resembled_field",
]

COORDINATES = ("x", "y", "lat", "lon")
_ENOUGH, _CLOSE = 0.62, 0.15
_SURE = 0.9  # of a column of texts: most of them describe
_WEIGHT_OF_WEAK, _WEIGHT_OF_OWNER, _WEIGHT_OF_OTHER = 0.35, 0.1, 4.0
_ENDS_ALIKE = 0.8  # start_depot, setup_family
_MEASURED = 0.8  # how much a unit is the word for what it measures
_SPELT_ALIKE = 0.84
_COORDINATES = ("x", "y", "lat", "lon")
_LONG = ("/day", "/week", "/month", "/year")


@dataclass(frozen=True)
class TableField:
    """A field of the records of a table.

    Parameters
    ----------
    name
        Its name.
    unit
        What the problem counts it in; empty where that is nothing in particular.
    kind
        ``float``, ``int``, ``bool`` or ``str``.
    filled
        Whether a column fills it.
    clock
        Whether it holds clock times.
    usual
        What is usual of it, if anything is.
    words
        What people call it, beside the words of the vocabulary; parted by semicolons.
    """

    name: str
    unit: str = ""
    kind: type = float
    filled: bool = False
    clock: bool = False
    usual: Usual | None = None
    words: str = ""

    @classmethod
    def of(cls, item: Field, table: Table, *, filled: bool = False) -> TableField:
        """Return a declared field of a table."""
        kind = str if item.is_text else item.type
        unit = "" if kind is str else table.units.get(item.name, "")
        return cls(item.name, unit, kind, filled, item.clock, item.usual, item.words)


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, as far as hints go.

    Parameters
    ----------
    name
        Its header.
    unit
        Its declared unit.
    numeric
        Whether it holds numbers, or clock times.
    texts
        The texts in it, each once; none where they were not looked at.
    """

    name: str
    unit: str = ""
    numeric: bool = True
    texts: frozenset[str] = frozenset()

    @property
    def hinted_unit(self) -> str:
        """Its declared unit, else the one its header hints at."""
        return self.unit or read_header(self.name).unit


def resembled_field(table: str, column: TableColumn, fields: Iterable[TableField]) -> TableField | None:
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
    >>> money = [TableField("unit_distance_cost", "EUR/km"), TableField("unit_duration_cost", "EUR/min")]
    >>> resembled_field("vehicles", TableColumn("cost_per_mile"), money).name
    'unit_distance_cost'
    >>> resembled_field("vehicles", TableColumn("eur_h"), money).name
    'unit_duration_cost'
    """
    found = likely_fields(table, column, fields)
    return found[0][1] if found else None


def likely_fields(
    table: str, column: TableColumn, fields: Iterable[TableField]
) -> list[tuple[float, TableField]]:
    """Return the fields that a column looks like, each with how much from 0 to 1.1, the most alike first.

    Parameters
    ----------
    table, column, fields
        As of :func:`resembled_field`.

    Examples
    --------
    >>> ends = [TableField("earliest", "min"), TableField("latest", "min"), TableField("demand", "t")]
    >>> [field.name for _, field in likely_fields("clients", TableColumn("window_end"), ends)]
    ['latest', 'earliest']
    """
    scored = [(_score(table, column, field), field) for field in fields]
    header = read_header(column.name)
    known = max(
        (_likeness(header, phrase) for phrase in _phrases_without_field() if not set(phrase) <= MONEY),
        default=0.0,
    )
    if max((likeness for likeness, _ in scored), default=0.0) < max(_ENOUGH, known - _CLOSE):
        return []
    return sorted((pair for pair in scored if pair[0] >= _ENOUGH), key=lambda pair: -pair[0])


def fields_measured_alike(column: TableColumn, fields: Iterable[TableField]) -> list[TableField]:
    """Return the fields that a column of numbers with a unit could fill by what it measures, whatever it is called.

    Examples
    --------
    >>> fields = [TableField("x", "km"), TableField("demand", "t"), TableField("service_duration", "min")]
    >>> [field.name for field in fields_measured_alike(TableColumn("ordered_kg"), fields)]
    ['demand']
    """
    measured = measured_in(column.hinted_unit)
    if not measured or not column.numeric:
        return []
    return [
        field for field in fields if field.name not in COORDINATES and measured_in(field.unit) == measured
    ]


def nearest_column(table: str, field: TableField, columns: Sequence[str]) -> str:
    """Return the column that looks most like a field; empty where none does.

    Examples
    --------
    >>> nearest_column("lanes", TableField("tail", kind=str), ["from_site", "to_site", "km"])
    'from_site'
    """
    scored = [
        (_score(table, TableColumn(name, numeric=field.kind is not str), field), name) for name in columns
    ]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] >= _ENOUGH else ""


def column_hint(table: str, field: TableField, columns: Iterable[str]) -> str:
    """Return a hint, to end a message, that names the column which looks most like a field that is missing.

    Examples
    --------
    >>> column_hint("lanes", TableField("head", kind=str), ["from_site", "to_site"])
    "did you mean 'to_site'?"
    """
    names = [str(name) for name in columns]
    found = nearest_column(table, field, names)
    return f"did you mean {found!r}?" if found else nearest(field.name, names)


def field_hint(table: str, word: str, fields: Sequence[TableField]) -> str:
    """Return a hint, to end a message, that names the field which a word that is none looks most like.

    Examples
    --------
    >>> field_hint("vehicles", "payload_kg", [TableField("capacity", "t"), TableField("num_available", kind=int)])
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
    enough = _ENOUGH if column.numeric else _SURE
    return any(_likeness(header, phrase) >= enough for phrase in _phrases_of_planning())


def place_elsewhere(table: str, column: TableColumn, fields: Iterable[TableField]) -> str:
    """Say where the problem has what a column seems to hold, if not in a field of its kind; empty where it has not.

    Examples
    --------
    >>> place_elsewhere("tasks", TableColumn("predecessor", numeric=False), ())
    'for that there is the field order'
    >>> place_elsewhere("vehicles", TableColumn("lunch"), [TableField("breaks", kind=str)])
    'like breaks, a field of texts'
    """
    header = read_header(column.name)
    for tables, place, words in ELSEWHERE:
        if table in tables and any(_likeness(header, phrase) >= _ENOUGH for phrase in _phrases(words)):
            return f"for that there is {place}"
    other_kind = replace(column, numeric=not column.numeric)
    field = resembled_field(table, other_kind, fields)
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


def field_likeness(table: str, column: TableColumn, field: TableField) -> float:
    """Say from 0 to 1.1 how much a column looks like a field, whatever other fields it looks like.

    Parameters
    ----------
    table
        The name of the table in the problem, such as ``"clients"``.
    column, field
        Which.

    Examples
    --------
    >>> field_likeness("clients", TableColumn("Standzeit [min]"), TableField("service_duration", "min"))
    1.1
    """
    return _score(table, column, field)


def _score(table: str, column: TableColumn, field: TableField) -> float:
    """Say from 0 to 1 how much a column looks like a field."""
    header = read_header(column.name)
    if not header.pieces:
        return 0.0  # a header of signs alone
    if header.pieces == tuple(field.name.split("_")):
        return 1.1
    if _is_identifier(header) and field.name not in ("name", "order"):
        return 0.0
    if (field.kind is str) == column.numeric:
        return 0.0
    agrees = _units_agree(column, field)
    if agrees is False:
        return 0.0
    words = max(
        (_likeness(header, phrase) for phrase in _names_of(table, field.name, field.words)), default=0.0
    )
    if header.pieces[-1] == field.name:
        words = max(words, _ENDS_ALIKE)
    if agrees is None:
        return words
    # money over time says what it is; a time alone may be anything
    telling = len(measured_in(column.hinted_unit) or ()) > 1 or not header.words
    return max(words, _ENOUGH if telling and field.name not in COORDINATES else 0.0) + (0.1 if words else 0.0)


def _units_agree(column: TableColumn, field: TableField) -> bool | None:
    """Say whether a column measures what a field does; None where one of them does not say."""
    measured, wanted = measured_in(column.hinted_unit), measured_in(field.unit)
    if not column.unit and column.hinted_unit.endswith(_LONG) and "money" in dict(wanted or {}):
        # the money of a day or a year may be that of the whole plan; it hardly is a price of time
        return None if dict(wanted or {}) == {"money": 1} else False
    if measured is None:
        # money of an unknown kind still is no time
        priced = bool(MONEY & set(read_header(column.name).pieces))
        return False if priced and wanted is not None and "money" not in dict(wanted) else None
    if wanted is None:
        return None if field.kind is str or dict(measured).keys() <= {"amount"} else False
    return measured == wanted


def _is_identifier(header: Header) -> bool:
    return len(header.pieces) > 1 and header.pieces[-1] in IDENTIFIERS


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    every = ",".join([*FIELD_WORDS.values(), NO_FIELD])
    return OTHER | frozenset(map(_stem, every.replace(",", " ").split()))


@lru_cache(maxsize=512)
def _names_of(table: str, field: str, declared: str = "") -> tuple[tuple[str, ...], ...]:
    """Return what a field is called: its own name, and what stands in the vocabulary."""
    own = field.replace("_", " ")
    more = [FIELD_WORDS.get(field, ""), FIELD_WORDS.get(f"{table}.{field}", ""), declared.replace(";", ",")]
    return _phrases(own, *more)


@lru_cache(maxsize=1)
def _phrases_of_planning() -> tuple[tuple[str, ...], ...]:
    """Return words of planning: those without a field, and the fields of all tables that are more than a weak word."""
    of_fields = [words for field, words in FIELD_WORDS.items() if field not in PLAIN_FIELDS]
    telling = [phrase for phrase in _phrases(*of_fields) if not set(phrase) <= WEAK | OWNERS]
    return (*_phrases_without_field(), *telling)


@lru_cache(maxsize=1)
def _phrases_without_field() -> tuple[tuple[str, ...], ...]:
    return _phrases(NO_FIELD)


def _phrases(*lists: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in ",".join(lists).split(",") if phrase.strip())


@lru_cache(maxsize=65536)
def _likeness(header: Header, phrase: tuple[str, ...]) -> float:
    """Say from 0 to 1 how far the words of a phrase are in a header, and the header is no more than the phrase."""
    named = [piece for piece in header.pieces if piece in header.words or piece in phrase]
    words = named or header.pieces
    if not words:
        return 0.0
    joined, run_together = "".join(words), "".join(phrase)
    if joined == run_together:
        return 1.0
    found = {part: max((_alike(word, part), word) for word in words) for part in phrase}
    for part in header.measures & set(phrase):
        found[part] = max(found[part], (_MEASURED, ""))
    whole = sum(_weight(part) for part in phrase)
    there = sum(_weight(part) * likeness for part, (likeness, _) in found.items())
    if there < whole and all(_weight(part) < 1 for part in phrase):
        return 0.0  # words that many headers share must all be there
    used = {word for likeness, word in found.values() if likeness}
    of_header = sum(_weight(word) for word in used if word) / sum(_weight_in_header(word) for word in words)
    likeness = (there / whole) ** 2 * (0.5 + 0.5 * of_header)
    return max(likeness, _run_together(joined, run_together))


def _run_together(joined: str, phrase: str) -> float:
    """Compare words that are written without a gap, such as ``servicetime``."""
    return _spelling(joined, phrase) if min(len(joined), len(phrase)) >= 7 else 0.0


def _spelling(word: str, known: str) -> float:
    """Return how much of two texts is alike; 0 where that is too little."""
    both = len(word) + len(known)
    # texts of such lengths, and of such letters, have no more alike: to look for it takes ten times as long
    if 2 * min(len(word), len(known)) < _SPELT_ALIKE * both:
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
    if word in OWNERS or word.rstrip("s") in OWNERS:
        return _WEIGHT_OF_OWNER
    return _WEIGHT_OF_WEAK if word in WEAK or word.rstrip("s") in WEAK else 1.0


def _weight_in_header(word: str) -> float:
    return _WEIGHT_OF_OTHER if word in OTHER else _weight(word)


@lru_cache(maxsize=65536)
def _alike(word: str, known: str) -> float:
    """Say from 0 to 1 how much a word is spelt like a known one; a word that is itself known is that alone."""
    if word == known or _stem(word) == _stem(known):
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
