"""What a header says of a column of a history: whether it is an outcome or known before, what it measures and in what.

Headers are compared with the words of ``[history]`` in ``kanopt/records/words.toml``. Units that no header states are
guessed from values and from what other columns say; each such guess is marked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from kanopt.records.headers import IDENTIFIERS, measured_in
from kanopt.scenarios.init.parts import GuessedUnit, header_unit
from kanopt.scenarios.init.sources import ColumnFacts, SourceTable

_READ: dict[str, Any] = tomllib.loads((files("kanopt.records") / "words.toml").read_text("utf-8"))["history"]


def _sets(table: dict[str, Any]) -> dict[str, frozenset[str]]:
    return {name: frozenset(text.split()) for name, text in table.items() if isinstance(text, str)}


WORDS = _sets(_READ)
"""Words of headers by what they say."""
_WIDEST = 0.25  # part of a period without rows across which it is joined
_MEASURES, _PERIODS = _sets(_READ["measures"]), _sets(_READ["periods"])
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
    if low >= 19_000_101 and high <= 21_001_231:
        return bool((values // 100 % 100).between(1, 12).all() and (values % 100).between(1, 31).all())
    return False


def period_of(column: ColumnFacts) -> int:
    """Return after how much a column starts anew, as hours do after 24; 0 where it does not.

    Of hours of the day alone nothing is known of the night, and a curve across it may go anywhere.
    """
    found = words_of(column)
    period = next((int(period) for period, words in _PERIODS.items() if found & words), 0)
    if not period or column.kind != "number" or column.distinct < 3:
        return 0
    if not column.values.between(0, period).all():
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
    numbers = [column for column in table.columns.values() if column.kind == "number" and len(column.values)]
    imperial = is_imperial(table.columns.values())
    found: dict[str, GuessedUnit] = {}
    for column in numbers:
        stated = header_unit(column, money) is not None or is_clock_number(column)
        if not stated and (unit := _usual_unit(column, money, imperial=imperial)):
            found[column.name] = GuessedUnit(unit, "no unit is stated", False)
    return found


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
