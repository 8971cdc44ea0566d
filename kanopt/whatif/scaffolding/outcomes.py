"""What a header says of a column of a history: whether it is an outcome, known before, and what it measures."""

from __future__ import annotations

from kanopt.errors import FormulaError
from kanopt.formulas.variables import check_name
from kanopt.problems.column_units import measured_in
from kanopt.problems.planning_words import IDENTIFIERS
from kanopt.whatif.scaffolding.relations import is_clock_number
from kanopt.whatif.scaffolding.sources import ColumnFacts

__all__ = [
    "can_be_read",
    "is_date",
    "is_known_before",
    "is_lever",
    "is_outcome",
    "likely_target",
    "may_be_target",
    "measure_of",
    "outcome_rank",
    "period_of",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OUTCOMES = {
    5: _words("target outcome response y label"),
    4: _words(
        "duration minutes travel traveltime fahrzeit dauer duree cost costs fare freight fracht kosten consumption "
        "verbrauch demand sales sold kwh energy fuel bags pallets strength"
    ),
    3: _words(
        "time minute total delay price amount seconds sec secs elapsed revenue qty quantity rate hours tip tolls "
        "demanded mpg rentals bikers riders passengers traffic count value wage"
    ),
}
"""Words of headers by how likely what they name is wanted to be known."""
_LEVERS = _words("price rate value count passengers hours wage")
"""Words of outcomes that are as often decided or known before: prices, numbers of people."""
_PLANNED = _words("sched scheduled planned geplant prevu expected promised")
_CALENDAR = _words(
    "hour hr std stunde minute day dow weekday tag week woche month mnth monat year jahr date period"
)
_DATES = _words("year week period date jahr woche yr")
_DAYS, _MOST_DAYS = _words("day tag"), 31
_PERIODS = {"hour": 24, "hr": 24, "stunde": 24, "weekday": 7, "dow": 7, "month": 12, "monat": 12, "mnth": 12}
_NOT_CALENDAR = _words("per elapsed duration sales rate pay")
_MEASURE_WORDS = {
    "length": _words("distance dist length mileage entfernung strecke distancia"),
    "time": _words("duration time travel elapsed dauer fahrzeit duree delay"),
    "money": _words(
        "cost costs fare freight price kosten fracht total charge tip tolls toll insurance revenue"
    ),
    "energy": _words("energy energie consumption electricity"),
    "amount": _words("load weight demand quantity qty volume sales gewicht ladung menge bags"),
}


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
    pieces = set(column.header.pieces)
    return next((measure for measure, words in _MEASURE_WORDS.items() if pieces & words), "")


def is_outcome(column: ColumnFacts) -> bool:
    """Say whether a header names what is known only afterwards."""
    return outcome_rank(column) >= 3


def outcome_rank(column: ColumnFacts) -> int:
    """Return from 0 to 5 how likely a header names what is wanted to be known."""
    pieces = set(column.header.pieces)
    if pieces & _PLANNED:
        return 0
    return next((rank for rank, words in _OUTCOMES.items() if pieces & words), 0)


def is_lever(column: ColumnFacts) -> bool:
    """Say whether what a header names is as often decided or known before as it is an outcome."""
    found = set(column.header.pieces) & frozenset().union(*_OUTCOMES.values())
    return bool(found) and found <= _LEVERS


def can_be_read(column: ColumnFacts) -> bool:
    """Say whether a formula can name a column, which those with control characters it cannot."""
    try:
        check_name(column.name, "column")
    except FormulaError:
        return False
    return True


def is_date(column: ColumnFacts) -> bool:
    """Say whether a column holds times that do not come again: years, weeks, days counted on beyond a month."""
    pieces = set(column.header.pieces)
    if column.kind == "date" or (_DATES & pieces and "per" not in pieces):
        return True
    counted = column.whole and bool(_DAYS & pieces) and len(pieces) == 1
    return counted and float(column.values.max()) > _MOST_DAYS


def is_known_before(column: ColumnFacts) -> bool:
    """Say whether a header is that of an identifier, a calendar or a place."""
    pieces = column.header.pieces
    if not pieces or (pieces[-1] in IDENTIFIERS and len(pieces) > 1) or pieces[-1] in ("id", "x", "y"):
        return True
    place = {"lat", "lon", "latitude", "longitude", "lng", "x", "y"} & set(pieces)
    calendar = _CALENDAR & set(pieces) and not set(pieces) & _NOT_CALENDAR
    counter = column.whole and column.is_unique and bool((column.values.diff().dropna() == 1).all())
    on_calendar = bool(calendar) and len(pieces) <= 2 and pieces[-1] in _CALENDAR
    if pieces == ("minute",) and column.kind == "number":
        on_calendar = column.whole and bool(column.values.between(0, 59).all())
    return bool(place or counter or on_calendar or set(pieces) & _PLANNED or is_clock_number(column))


def likely_target(columns: list[ColumnFacts], measures: str) -> ColumnFacts | None:
    """Return the column that is most likely wanted to be known; None where none can be."""
    able = [
        (place, column)
        for place, column in enumerate(columns)
        if _can_be_predicted(column) and (not measures or measure_of(column) == measures)
    ]
    if not able:
        return None
    return max(able, key=lambda pair: (outcome_rank(pair[1]), not pair[1].whole, pair[0]))[1]


def may_be_target(column: ColumnFacts) -> bool:
    """Say whether a column holds numbers that can be predicted, under a name that a formula can hold."""
    return can_be_read(column) and _can_be_predicted(column)


def _can_be_predicted(column: ColumnFacts) -> bool:
    """Say whether a column holds several numbers, which are not those of identifiers, calendars and places."""
    several = column.kind == "number" and column.distinct >= min(10, max(3, column.rows // 10))
    return several and not is_known_before(column)


def period_of(column: ColumnFacts) -> int:
    """Return after how much a column starts anew, as hours do after 24; 0 where it does not."""
    period = next((_PERIODS[piece] for piece in column.header.pieces if piece in _PERIODS), 0)
    if not period or column.kind != "number":
        return 0
    fits = float(column.values.min()) >= 0 and float(column.values.max()) <= period
    return period if fits and column.distinct > 2 else 0
