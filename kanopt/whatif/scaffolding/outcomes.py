"""What a header says of a column of a history: whether it is an outcome, known before, and what it measures."""

from __future__ import annotations

from kanopt.errors import FormulaError
from kanopt.formulas.variables import check_name
from kanopt.records.headers import measured_in
from kanopt.records.words import IDENTIFIERS
from kanopt.whatif.scaffolding.header_words import (
    CALENDAR,
    DATES,
    DAYS,
    LEVERS,
    MEASURE_WORDS,
    OUTCOMES,
    PLANNED,
    THINGS,
    WEAKER,
    words_of,
)
from kanopt.whatif.scaffolding.relations import is_clock_number
from kanopt.whatif.scaffolding.sources import ColumnFacts

__all__ = [
    "can_be_read",
    "is_date",
    "is_known_before",
    "is_lever",
    "is_outcome",
    "may_be_target",
    "measure_of",
    "outcome_rank",
    "period_of",
]

_PERIODS = {
    24: frozenset(("hour", "hr", "stunde", "heure", "hora", "godzina")),
    7: frozenset(("weekday", "dow", "wochentag")),
    12: frozenset(("month", "monat", "mnth", "mois", "mes", "miesiac")),
}
_LIMITS = {"year": (1_800, 2_100), "month": (1, 12), "week": (1, 53), "day": (1, 31)}
_MOST_DAYS = 31
_DENSE = 3
_PLACES = frozenset(["lat", "lon", "long", "latitude", "longitude", "lng", "x", "y", "easting", "northing"])
_NOT_CALENDAR = frozenset(("per", "elapsed", "duration", "rate", "pay"))


def measure_of(column: ColumnFacts) -> str:
    """Return what a column measures by its header: ``time``, ``money``, ``length``, ``amount``; empty if unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> measure_of(ColumnFacts("load_kg", pd.Series([1.0]), 1)), measure_of(ColumnFacts("colour", pd.Series(["a"]), 1))
    ('amount', '')
    """
    measured = dict(measured_in(column.declared or column.header.unit) or ())
    if len(measured) == 1 and set(measured.values()) == {1}:
        return next(iter(measured))
    if measured.get("mass") and measured.get("length"):
        return "energy"
    found = words_of(column)
    if found == {"total"}:
        return "money"
    return next((measure for measure, words in MEASURE_WORDS.items() if found & words), "")


def is_outcome(column: ColumnFacts) -> bool:
    """Say whether a header names what is known only afterwards."""
    return outcome_rank(column) >= 3


def outcome_rank(column: ColumnFacts) -> int:
    """Return from 0 to 5 how likely a header names what is wanted; from 3 on it is known only afterwards."""
    found = words_of(column)
    if found & PLANNED:
        return 0
    rank = next((rank for rank, words in OUTCOMES.items() if found & words), 0)
    if found == {"total"}:
        return 3
    if "fuel" in found and column.header.unit in ("l", "gal", "kg"):
        return 4  # what was burnt, not its price
    return rank or 2 * bool(found & WEAKER)


def is_lever(column: ColumnFacts) -> bool:
    """Say whether what a header names is as often decided or known before as it is an outcome."""
    found = words_of(column) & frozenset().union(*OUTCOMES.values())
    return bool(found) and found <= LEVERS


def can_be_read(column: ColumnFacts) -> bool:
    """Say whether a formula can name a column, which those with control characters it cannot."""
    try:
        check_name(column.name, "column")
    except FormulaError:
        return False
    return True


def is_date(column: ColumnFacts) -> bool:
    """Say whether a column holds times that do not come again: years, weeks, days counted on beyond a month."""
    found = words_of(column)
    amid = set(column.header.pieces[1:-1]) - {"date", "datum"}  # stays_in_week_nights
    if column.kind == "date" or ((DATES & found) - amid and "per" not in found):
        return True
    counted = column.whole and bool(DAYS & found) and len(column.header.pieces) == 1
    return counted and float(column.values.max()) > _MOST_DAYS


def is_known_before(column: ColumnFacts) -> bool:
    """Say whether a header is that of an identifier, a calendar or a place."""
    pieces = column.header.pieces
    if not pieces or (pieces[-1] in IDENTIFIERS and len(pieces) > 1) or pieces[-1] in ("id", "x", "y"):
        return True
    place = _PLACES & set(pieces) or (column.whole and pieces[-1] in THINGS)
    calendar = CALENDAR & set(pieces) and not set(pieces) & _NOT_CALENDAR
    on_calendar = bool(calendar) and len(pieces) <= 2 and (pieces[-1] in CALENDAR or _counts_dates(column))
    if pieces == ("minute",) and column.kind == "number":
        on_calendar = column.whole and bool(column.values.between(0, 59).all())
    return bool(
        place or _numbers_rows(column) or on_calendar or set(pieces) & PLANNED or is_clock_number(column)
    )


def _numbers_rows(column: ColumnFacts) -> bool:
    """Say whether whole numbers that never repeat number the rows: they rise, or fill the range they lie in."""
    if not column.whole or not column.is_unique:
        return False
    steps = column.values.diff().dropna()
    if is_outcome(column):
        return bool((steps == 1).all())
    return bool((steps > 0).all()) or float(column.values.max() - column.values.min()) < _DENSE * column.rows


def _counts_dates(column: ColumnFacts) -> bool:
    """Say whether a header begins with a part of a date, as YearSold does, and numbers are those of one."""
    limits = next((_LIMITS[word] for word in column.header.pieces[:1] if word in _LIMITS), None)
    return limits is not None and column.whole and bool(column.values.between(*limits).all())


def may_be_target(column: ColumnFacts) -> bool:
    """Say whether a column holds several numbers, which are not those of identifiers, calendars and places."""
    several = column.kind == "number" and column.distinct >= min(10, max(3, column.rows // 10))
    return several and not is_known_before(column) and (is_outcome(column) or not is_date(column))


def period_of(column: ColumnFacts) -> int:
    """Return after how much a column starts anew, as hours do after 24; 0 where it does not."""
    found = words_of(column)
    period = next((period for period, words in _PERIODS.items() if found & words), 0)
    if not period or column.kind != "number":
        return 0
    fits = float(column.values.min()) >= 0 and float(column.values.max()) <= period
    return period if fits and column.distinct > 2 else 0
