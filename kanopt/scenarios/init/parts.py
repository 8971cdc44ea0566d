"""Tables as parts of a problem: which fields their columns fill, what these count in, and how much speaks for that."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from itertools import product
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import KanoptError
from kanopt.records.declaration import Field, Table
from kanopt.records.headers import (
    CURRENCY_WORDS,
    HISTORY_WORDS,
    IDENTIFIERS,
    LIMITS,
    LONG_TIMES,
    field_likeness,
    measured_in,
    names_part,
    resembled_field,
)
from kanopt.records.matching import (
    ColumnFacts,
    Columns,
    FilledField,
    Names,
    assign_tables,
    fill_fields,
    may_not_be_negative,
    table_score,
)
from kanopt.scenarios.init.sources import SourceTable, texts
from kanopt.units import COUNTED, UNIT_WORDS, check_unit, factor, same_dimension

_GLUED = re.compile(r"[a-z][A-Z]$")  # highT holds no tonnes
_MOST_HOURS, _MOST_MINUTES = 72, 7 * 1_440  # plans of three days in hours, of a week in minutes


@dataclass(frozen=True)
class GuessedUnit:
    """A unit, where it is taken from, and whether that is certain."""

    unit: str
    why: str
    sure: bool


def header_unit(column: ColumnFacts, money: str) -> GuessedUnit | None:
    """Return the unit that a header states; where it states money of no currency, that of the other tables."""
    unit, header = column.unit, column.header
    if column.declared:
        short = unit.endswith("short_ton")
        why = "tons beside pounds or miles are short ones" if short else "declared in the file"
        return GuessedUnit(unit, why, True)
    is_flag = column.kind == "number" and column.distinct == 2 and column.values.isin((0, 1)).all()
    ends = {UNIT_WORDS.get(piece) for piece in (*header.pieces[:1], *header.pieces[-1:])}
    # a number of a week is no length of time
    amid = unit in LONG_TIMES and not (header.words and unit in ends)
    glued = bool(_GLUED.search(column.name))
    if not unit or is_flag or amid or (glued and not header.measures & {*header.words}):
        return None
    stated = bool(CURRENCY_WORDS.keys() & {*header.pieces})
    if unit.startswith("EUR") and not stated:
        unit = unit.replace("EUR", money, 1)
    if glued:
        unit = unit.partition("/")[0]  # costH is no cost of an hour
    try:
        check_unit(unit)
    except KanoptError:
        return None
    sure = stated or "money" not in dict(measured_in(unit) or ())
    return GuessedUnit(unit, "by its header" if sure else "money of a currency that no header says", sure)


def unit_of_field(part: str, filled: FilledField, counted: str, money: str) -> GuessedUnit | None:
    """Return the unit of a column that fills a field; None where it needs none.

    Parameters
    ----------
    part
        The part of the problem.
    filled
        The field and its column.
    counted
        The unit the problem counts the field in.
    money
        The currency.
    """
    column, usual = filled.column, filled.field.usual
    if not counted or counted == "deg" or column.kind != "number":
        return None
    told = header_unit(column, money)
    if told is not None and same_dimension(told.unit, counted):
        return told
    by_values = partial(GuessedUnit, why="by its values; no unit is stated", sure=False)
    if filled.field.clock:  # nobody plans the first minutes after midnight
        high = float(column.values.max()) if len(column.values) else 0.0
        return by_values("h" if high <= _MOST_HOURS else "min" if high <= _MOST_MINUTES else "s")
    whole, _, each = counted.partition("/")
    if told and each in COUNTED and measured_in(whole) == measured_in(told.unit) == measured_in(each):
        return replace(told, unit=f"{told.unit}/{each}")  # the weight of a bag is so many kg a bag
    values = column.values[column.values != 0]
    if usual is not None and len(values):
        usual = replace(usual, unit=usual.unit.replace("EUR", money))
        for unit in (counted, *usual.alternatives) if same_dimension(usual.unit, counted) else ():
            if (values * factor(unit, usual.unit)).between(usual.low, usual.high).all():
                return by_values(unit)
    return GuessedUnit(counted, "no unit is stated", False)


PLACES = (("x", "y"), ("lat", "lon"))
"""The fields that say where something is."""


@dataclass(frozen=True)
class PartGuess:
    """A table as a part of a problem.

    Parameters
    ----------
    part, table
        Which.
    filled
        The fields its columns fill.
    role
        What it is tried as, where that is not what the part is called.
    """

    part: Table
    table: SourceTable
    filled: tuple[FilledField, ...]
    role: str = ""

    @cached_property
    def score(self) -> float:
        """How much speaks for it."""
        return table_score(self.table.words, len(self.table.given), self.part, self.filled)

    @property
    def called_so(self) -> bool:
        """Whether the name of the file says it."""
        return self.table.is_called(self.part.name)

    @property
    def keyed_so(self) -> bool:
        """Whether the header of what names its rows says it."""
        name = self.column("name")
        return name is not None and any(names_part(piece, self.part.name) for piece in name.header.pieces)

    @property
    def why(self) -> str:
        """What speaks for it, in words."""
        fields = ", ".join(each.field.name for each in self.filled[:5])
        return f"{'the name of the file; ' if self.called_so else ''}columns for {fields}"

    @property
    def is_placed(self) -> bool:
        """Whether its columns say where its rows are."""
        return any({*pair} <= self.fields for pair in PLACES)

    def column(self, field: str) -> ColumnFacts | None:
        """Return the column that fills a field; None where none does."""
        return next((each.column for each in self.filled if each.field.name == field), None)

    def texts_of(self, field: str) -> pd.Series[Any]:
        """Return the names in the column that fills a field, without blanks."""
        return texts(self[field].values)

    def __getitem__(self, field: str) -> ColumnFacts:
        """Return the column that fills a field; a :class:`KeyError` where none does."""
        column = self.column(field)
        if column is None:
            raise KeyError(field)
        return column

    def field_of(self, column: str) -> str:
        """Return the field that a column fills; empty where it fills none."""
        return next((each.field.name for each in self.filled if each.column.name == column), "")

    @property
    def fields(self) -> set[str]:
        """The fields that are filled."""
        return {each.field.name for each in self.filled}

    @property
    def names(self) -> frozenset[str]:
        """The names of its rows."""
        column = self.column("name")
        return frozenset() if column is None else column.texts

    @property
    def left(self) -> list[ColumnFacts]:
        """The columns that fill no field."""
        return [column for name, column in self.table.given.items() if not self.field_of(name)]

    def declared(self, field: str) -> Field:
        """Return the declaration of a field."""
        return next(item for item in self.part.fields if item.name == field)

    def filling(
        self, field: str, column: ColumnFacts, likeness: float = 0.9, *, named: bool = False
    ) -> PartGuess:
        """Return the part with one more field filled, whatever filled it before."""
        rest = [each for each in self.filled if each.field.name != field and each.column is not column]
        own = FilledField(self.declared(field), column, likeness, "its values fit", named)
        return replace(self, filled=(*rest, own))

    def completed(self, field: str, columns: Columns, likeness: float = 0.9) -> PartGuess:
        """Return the part with a field that nothing fills filled by the first of some columns, if there is one."""
        is_open = columns and self.column(field) is None
        return self.filling(field, columns[0], likeness) if is_open else self

    def on(self, table: SourceTable) -> PartGuess:
        """Return the part on a table that has all its columns."""
        kept = tuple(replace(each, column=table.columns[each.column.name]) for each in self.filled)
        return replace(self, table=table, filled=kept)

    def with_column(
        self, field: str, frame: pd.DataFrame, column: str = "", *, end: str, reads: Collection[str] = ()
    ) -> PartGuess:
        """Return the part on a table that is made of its own, with a column that fills one more field."""
        made = self.table.remade(frame, end=end, reads=reads)
        return self.on(made).filling(field, made.columns[column or field])

    def matched(
        self,
        table: SourceTable | None = None,
        names: Names | None = None,
        key: ColumnFacts | None = None,
    ) -> PartGuess:
        """Return the part matched anew, of a table that was made of its own or with more known; else as it is."""
        return match_part(table or self.table, self.part, names, key=key) or self

    def without(self, *fields: str) -> PartGuess:
        """Return the part without fields."""
        return replace(self, filled=tuple(each for each in self.filled if each.field.name not in fields))


Parts = dict[str, PartGuess]
Declared = Mapping[str, Table]


def match_part(
    table: SourceTable,
    part: Table,
    names: Names | None = None,
    without: Collection[str] = (),
    key: ColumnFacts | None = None,
) -> PartGuess | None:
    """Return a table as a part; None where a field that is needed is not filled, or rows repeat its key.

    Parameters
    ----------
    table, part
        Which.
    names
        Other parts to the names of their rows, as far as they are known.
    without
        Columns that fill nothing.
    key
        The column that fills the first field of the key, where values say which one does.
    """
    if key is None and part.key == ("name",):
        key = table.given.get(table.keyed)
    out = [*without, key.name] if key is not None else without
    guess = _with_partners(PartGuess(part, table, tuple(fill_fields(table.given, part, names, out))))
    # a limit that only a unit speaks for is none: the hours of a driver may be those from which he is paid more; and
    # how rows of the same table are related stays open where nothing but their names speaks for it
    related = [part.name in e.field.refers and not (e.field.required or e.named) for e in guess.filled]
    bare = [e for e, is_bare in zip(guess.filled, related, strict=True) if is_bare or is_bare_limit(e)]
    guess = guess.without(*(each.field.name for each in bare))
    if key is not None:
        guess = guess.filling(part.key[0], key, 1.0)
    if not guess.filled or any(item.required and item.name not in guess.fields for item in part.fields):
        return None
    if table.may_teach and table.is_history and not guess.called_so:
        return None
    columns = [column.name for name in part.key if (column := guess.column(name)) is not None]
    return guess if columns and not table.frame.duplicated(columns).any() else None


def is_bare_limit(filled: FilledField) -> bool:
    """Say whether nothing but its unit speaks for a column as a hard limit."""
    return filled.field.name.startswith("max_") and not (filled.named and filled.column.header.words)


def _with_partners(guess: PartGuess) -> PartGuess:
    """Fill fields that need another one, where a column is called so and another measures what they need.

    A price of overtime says that the only hours beside it are those from which it is paid, and no limit.
    """
    for item in guess.part.fields:
        is_open = item.needs and not guess.fields & {item.name, *item.needs}
        column = _called_rather(guess, item) if is_open else None
        for need in item.needs if column is not None else ():
            unit = measured_in(guess.part.units.get(need, ""))
            mild = [
                each.column
                for each in guess.filled
                if not (each.named and each.column.header.words)
                or (each.field.name.startswith("max_") and not LIMITS & {*each.column.header.pieces})
            ]
            fitting = (c for c in (*guess.left, *mild) if c is not column and c.kind == "number")
            partner = next((c for c in fitting if unit and measured_in(c.unit) == unit), None)
            if column is not None and partner is not None:
                guess = guess.filling(item.name, column, named=True).filling(need, partner, 0.5)
                break
    return guess


def _called_rather(guess: PartGuess, item: Field) -> ColumnFacts | None:
    """Return the column that is called like a field, and more so than like the one that it fills; None for none."""

    def likeness(column: ColumnFacts, field: Field) -> float:
        numeric = column.kind in ("number", "clock")
        return field_likeness(guess.part.name, column.name, field, column.declared, numeric=numeric)

    taken = {each.column.name: likeness(each.column, each.field) for each in guess.filled}
    columns = guess.table.given.items()
    return next((c for name, c in columns if likeness(c, item) > taken.get(name, 0.0)), None)


_OTHER_END = {"x": "y", "y": "x", "lat": "lon", "lon": "lat"}


def hindrances(table: SourceTable, part: Table) -> list[str]:
    """Say what keeps a table that is called like a part from being it."""
    columns = [c for c in table.given.values() if c.minutes is None] if table.is_called(part.name) else ()
    field = partial(resembled_field, part.name, fields=part.fields)
    fields = {c: field(c.name, unit=c.declared, numeric=c.kind == "number") for c in columns}
    names, told = {item.name for item in fields.values() if item}, []
    for column, item in fields.items():
        shown, again = f"{column.name!r} of {table.called}", column.values[column.values.duplicated()]
        keyed = any(names_part(piece, part.name) for piece in column.header.pieces)
        if part.key == ("name",) and (keyed or (item and item.name == "name")) and len(again):
            told.append(f"{str(again.iloc[0])!r} stands twice in {shown}, where names must be unique")
        elif item and _OTHER_END.get(item.name, item.name) not in names:
            told.append(f"{shown} says {item.name} of places, and no column says {_OTHER_END[item.name]}")
        elif item and column.kind == "number" and may_not_be_negative(item) and column.values.min() < 0:
            told.append(f"{shown} holds {column.values.min():g}, and no {item.name} is below 0")
    return told


def as_named(
    table: SourceTable, part: Table, columns: Mapping[str, ColumnFacts | None] | None = None
) -> PartGuess:
    """Return a table as a part by the column of each field; left out, of a made table by columns called so."""
    guess, names = PartGuess(part, table, ()), {item.name for item in part.fields}
    for name, column in (columns or table.columns).items():
        if column is not None and name in names:
            guess = guess.filling(name, column, 0.9 if columns else 1.0)
    return guess


def named_by(table: SourceTable, names: Iterable[str], part: Table) -> PartGuess:
    """Return a part of names alone, which another table has."""
    made = pd.DataFrame({"name": [*names]})
    return as_named(table.remade(made, title=part.name, end=part.name), part)


def assigned(
    tables: Iterable[SourceTable],
    parts: Iterable[str],
    read: Callable[[SourceTable, str], PartGuess | None],
    worth: Callable[[PartGuess], float] = attrgetter("score"),
) -> Parts:
    """Assign tables to parts for the best sum of what speaks for each.

    Parameters
    ----------
    tables, parts
        Which.
    read
        Returns a table as a part of a name; None where it cannot be.
    worth
        Returns how much speaks for it; 0 where it is none.
    """
    pairs = product(parts, tables)
    guesses = {(name, table.name): guess for name, table in pairs if (guess := read(table, name))}
    chosen = assign_tables({pair: worth(guess) for pair, guess in guesses.items()})
    return {name: guesses[name, table] for name, table in chosen.items()}


# What a header says of a column of a history: whether it is an outcome or known before, what it measures and in what.
# Units that no header states are guessed from values and from what other columns say; each such guess is marked.


def _sets(table: dict[str, Any]) -> dict[str, frozenset[str]]:
    return {name: frozenset(text.split()) for name, text in table.items() if isinstance(text, str)}


WORDS = _sets(HISTORY_WORDS)
"""Words of headers by what they say."""
_WIDEST = 0.25  # part of a period without rows across which it is joined
_MEASURES, _PERIODS = _sets(HISTORY_WORDS["measures"]), _sets(HISTORY_WORDS["periods"])
_RANKS = {"target": 5, "plain": 4, "likely": 3, "possible": 2}
OUTCOMES = frozenset().union(*(WORDS[name] for name in _RANKS))
_SHARES = WORDS["ratios"] - {"per", "pct", "index"}
_KNOWN = OUTCOMES.union(_SHARES, WORDS["conditions"], WORDS["calendar"], *_MEASURES.values())
_LONGEST_FIRST = sorted((word for word in _KNOWN if len(word) > 2), key=lambda word: (-len(word), word))
_ABBREVIATED = frozenset(("qty", "prc"))  # with a letter behind, as those of buyers a and b
_MOST_BEFORE = {3: 0, 4: 2, 5: 3, 6: 4}  # letters before a word of so many; before longer ones any
_LIMITS = {"year": (1_800, 2_100), "month": (1, 12), "week": (1, 53), "day": (1, 31)}
_LEAST_TIMES = 40


def words_of(column: ColumnFacts) -> frozenset[str]:
    """Return the words of a header, those among them that are run together with others too.

    Examples
    --------
    >>> import pandas as pd
    >>> sorted(words_of(ColumnFacts("totqty", pd.Series([1]), 1)))
    ['qty', 'tot', 'totqty']
    """
    return frozenset(word for piece in column.header.pieces for word in _taken_apart(piece))


@lru_cache(maxsize=4096)
def _taken_apart(piece: str) -> tuple[str, ...]:
    """Return a piece and the known word that it begins or ends with: Transportkosten, tsales, prca."""
    if piece in _KNOWN or piece in WORDS["by_chance"]:
        return (piece,)
    for word in _LONGEST_FIRST:
        if piece.endswith(word):
            before = piece.removesuffix(word)
            if before in WORDS["before"]:
                return (piece, before, word)
            if word in WORDS["compounds"] or len(before) <= _MOST_BEFORE.get(len(word), 99):
                return (piece, word)
        behind = 2 if len(word) > 4 else len(word) > 3 or word in _ABBREVIATED
        if piece.startswith(word) and len(piece) - len(word) <= behind:
            return (piece, word)
    return (piece,)


def measure_of(column: ColumnFacts) -> str:
    """Return what a column measures by its header: ``time``, ``money``, ``length``, ``amount``; empty if unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> measure_of(ColumnFacts("load_kg", pd.Series([1.0]), 1)), measure_of(ColumnFacts("colour", pd.Series(["a"]), 1))
    ('amount', '')
    """
    measured = dict(measured_in(column.unit) or ())
    if len(measured) == 1 and set(measured.values()) == {1}:
        return next(iter(measured))
    if measured.get("mass") and measured.get("length"):
        return "energy"
    found = words_of(column)
    if found == {"total"}:
        return "money"
    return next((measure for measure, words in _MEASURES.items() if found & words), "")


def outcome_rank(column: ColumnFacts) -> int:
    """Return from 0 to 5 how likely a header names what is wanted; from 3 on it is known only afterwards."""
    found = words_of(column)
    if found & WORDS["planned"]:
        return 0
    if "fuel" in found and column.header.unit in ("l", "gal", "kg"):
        return 4  # what was burnt, not its price
    rank = next((rank for name, rank in _RANKS.items() if found & WORDS[name]), 0)
    return 3 if found == {"total"} else rank


def is_outcome(column: ColumnFacts) -> bool:
    """Say whether a header names what is known only afterwards."""
    return outcome_rank(column) >= 3


def is_date(column: ColumnFacts) -> bool:
    """Say whether a column holds times that do not come again: years, weeks, days counted on beyond a month."""
    pieces, found = column.header.pieces, words_of(column)
    amid = set(pieces[1:-1]) - {"date", "datum"}  # stays_in_week_nights
    if column.kind == "date" or ((WORDS["dates"] & found) - amid and "per" not in found):
        return True
    counted = column.whole and bool(WORDS["days"] & found) and len(pieces) == 1
    return counted and float(column.values.max()) > _LIMITS["day"][1]


def is_known_before(column: ColumnFacts) -> bool:
    """Say whether a header is that of an identifier, a calendar or a place, or numbers are those of a clock."""
    pieces = column.header.pieces
    if not pieces or pieces[-1] in ("id", "x", "y") or (pieces[-1] in IDENTIFIERS and len(pieces) > 1):
        return True
    if set(pieces) & (WORDS["places"] | WORDS["planned"]) or (column.whole and pieces[-1] in WORDS["things"]):
        return True
    if pieces == ("minute",) and column.kind == "number":
        return column.whole and bool(column.values.between(0, 59).all())
    first = _LIMITS.get(pieces[0])  # YearSold
    counted = first is not None and column.whole and bool(column.values.between(*first).all())
    calendar = bool(WORDS["calendar"] & set(pieces)) and not set(pieces) & WORDS["timeless"]
    named = len(pieces) <= 2 and (pieces[-1] in WORDS["calendar"] or counted)
    on_calendar = calendar and (named or set(pieces) <= WORDS["calendar"] | {"of", "in"})
    return on_calendar or is_clock_number(column)


def is_clock_number(column: ColumnFacts) -> bool:
    """Say whether whole numbers are times of day or dates written without a mark: 1735 is 17:35, 20130114 a day.

    Of many numbers below 2,400 two in five end in 60 to 99, unless these are minutes.

    Examples
    --------
    >>> import pandas as pd
    >>> times = pd.Series([100 * h + m for h in range(5, 20) for m in (0, 15, 29, 45, 59)])
    >>> is_clock_number(ColumnFacts("dep", times, 75)), is_clock_number(ColumnFacts("n", times + 41, 75))
    (True, False)
    """
    if not column.whole or column.distinct < _LEAST_TIMES:
        return False
    values = column.values.astype("int64")
    low, high = int(values.min()), int(values.max())
    if low >= 0 and 1_000 <= high <= 2_400:
        return bool((values % 100 < 60).all())
    dates = low >= 19_000_101 and high <= 21_001_231 and (values // 100 % 100).between(1, 12).all()
    return bool(dates and (values % 100).between(1, 31).all())


def period_of(column: ColumnFacts) -> int:
    """Return after how much a column starts anew, as hours do after 24; 0 where it does not.

    Of hours of the day alone nothing is known of the night, and a curve across it may go anywhere.
    """
    found = words_of(column)
    period = next((int(period) for period, words in _PERIODS.items() if found & words), 0)
    counted = period and column.kind == "number" and column.distinct >= 3
    if not counted or not column.values.between(0, period).all():
        return 0
    seen = np.unique(column.values)
    return period if np.diff(seen, append=seen[0] + period).max() <= _WIDEST * period else 0


def is_imperial(columns: Iterable[ColumnFacts]) -> bool:
    """Say whether a table is one of the United States: miles, pounds, gallons, dollars, zip codes."""
    return any(WORDS["imperial"] & set(column.header.pieces) for column in columns)


def guess_units(table: SourceTable, money: str) -> dict[str, GuessedUnit]:
    """Return units of columns that measure something by their names and state no unit.

    Parameters
    ----------
    table
        The table.
    money
        The currency where a header states none.
    """
    imperial = is_imperial(table.columns.values())
    numbers = [c for c in table.columns.values() if c.kind == "number" and len(c.values)]
    unstated = [c for c in numbers if header_unit(c, money) is None and not is_clock_number(c)]
    units = {c.name: _usual_unit(c, money, imperial=imperial) for c in unstated}
    return {name: GuessedUnit(unit, "no unit is stated", False) for name, unit in units.items() if unit}


def _usual_unit(column: ColumnFacts, money: str, *, imperial: bool) -> str:
    """Return the unit in which most people count what a column measures; empty where that is unknown."""
    pieces, measure = set(column.header.pieces), measure_of(column)
    high, middle = float(column.values.max()), float(column.values.median())
    if measure == "money" or ("value" in pieces and len(pieces) > 1):
        return money if middle >= 0 else ""
    if measure == "amount" and pieces & WORDS["weights"] and high > 2:
        return "lb" if imperial else "kg" if high > 100 else "t"
    if pieces & WORDS["rain"]:
        return "in" if imperial else "mm"
    if measure == "length":
        return "mi" if imperial else "km"
    if measure == "time" and words_of(column) & _MEASURES["time"] and not is_known_before(column):
        return "s" if middle > 1_440 else "min"
    return ""
