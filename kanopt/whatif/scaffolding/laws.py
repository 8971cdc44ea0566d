"""What a history can teach: the target of a law, and the columns it may depend on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kanopt.errors import FormulaError
from kanopt.formulas.variables import check_name
from kanopt.problems.column_units import measured_in
from kanopt.problems.planning_words import IDENTIFIERS
from kanopt.units import convert
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable

__all__ = ["LawGuess", "guess_law", "guess_laws", "is_outcome", "measure_of"]

_OUTCOMES = {
    5: "target outcome response y label",
    4: "duration minutes travel traveltime fahrzeit dauer duree cost costs fare freight fracht kosten consumption "
    "verbrauch demand sales sold kwh energy fuel bags pallets strength wage",
    3: "time minute total delay price amount seconds sec secs elapsed revenue qty quantity rate hours tip tolls "
    "demanded mpg rentals bikers count value",
}
"""Words of headers by how likely what they name is wanted to be known."""
_CALENDAR = frozenset(
    (
        "hour",
        "hr",
        "std",
        "stunde",
        "day",
        "dow",
        "weekday",
        "tag",
        "week",
        "woche",
        "month",
        "monat",
        "year",
        "jahr",
    )
) | {"date", "period"}
_PERIODS = {"hour": 24, "hr": 24, "stunde": 24, "weekday": 7, "dow": 7, "month": 12, "monat": 12, "mnth": 12}
_MOST_LAWS, _MOST_FEATURES, _MOST_CATEGORIES, _LEAST_LINKED = 3, 6, 30, 0.05
_SAMPLE = 20_000
_SPEEDS = (3.0, 130.0)  # km/h on roads


@dataclass(frozen=True)
class LawGuess:
    """A law to be learned.

    Parameters
    ----------
    table, target, features
        What from what.
    unit
        The unit of the target, if one can be told.
    sure
        Whether the header of the target says that it is an outcome.
    why
        What speaks for the target.
    periodic
        Column to the period after which it starts anew.
    rising
        Columns with which the target must rise.
    holdout
        The column by which the last rows are held out, with how many of its values; empty for a share.
    drop_missing
        Whether rows lack a value.
    pooled
        Whether some category is rare.
    left_out
        Column to why it is no feature.
    """

    table: SourceTable
    target: str
    features: tuple[str, ...]
    unit: GuessedUnit | None
    sure: bool
    why: str
    periodic: dict[str, int]
    rising: tuple[str, ...]
    holdout: tuple[str, int] | tuple[()]
    drop_missing: bool
    pooled: bool
    left_out: dict[str, str]


def guess_law(
    table: SourceTable,
    money: str,
    measures: str = "",
    usable: Callable[[ColumnFacts], bool] | None = None,
    target: ColumnFacts | None = None,
) -> LawGuess | None:
    """Return the law that a history can teach; None where no column can be its target.

    Parameters
    ----------
    table
        The history.
    money
        The currency where a header states none.
    measures
        What the target must measure: ``"time"``, ``"money"``, ``"energy"`` or ``"amount"``; empty for anything.
    usable
        Says whether a column may be a feature; left out, every one may that seems to matter.
    target
        The target, where it is known.
    """
    target = target or _target(table, measures)
    if target is None:
        return None
    chosen, left_out = _features(table, target, usable)
    if not chosen:
        return None
    unit = header_unit(target, money) or _time_by_speed(table, target)
    used = [target, *chosen]
    return LawGuess(
        table=table,
        target=target.name,
        features=tuple(column.name for column in chosen),
        unit=unit,
        sure=_rank(target) >= 4,
        why="its header names an outcome" if is_outcome(target) else "the last column of many numbers",
        periodic={c.name: period for c in chosen if (period := _period(c))},
        rising=tuple(c.name for c in chosen if _rises(target, c)),
        holdout=_holdout(table, [column.name for column in used]),
        drop_missing=any(len(column.values) < column.rows for column in used),
        pooled=any(c.kind == "text" and c.values.value_counts().min() < 30 for c in chosen),
        left_out=left_out,
    )


def guess_laws(table: SourceTable, money: str) -> list[LawGuess]:
    """Return the laws that a history can teach beside a plan: of each column that plainly is an outcome, or of one."""
    plain = [column for column in table.columns.values() if _rank(column) >= 4 and _may_be_target(column)]
    targets: list[ColumnFacts | None] = [*plain[:_MOST_LAWS]] or [None]
    found = [guess_law(table, money, target=column) for column in targets]
    return [law for law in found if law is not None]


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
    for measure, words in _MEASURE_WORDS.items():
        if pieces & set(words):
            return measure
    return ""


_MEASURE_WORDS = {
    "length": ("distance", "dist", "length", "mileage", "entfernung", "strecke", "distancia"),
    "time": ("duration", "time", "travel", "elapsed", "dauer", "fahrzeit", "duree", "delay"),
    "money": ("cost", "costs", "fare", "freight", "price", "kosten", "fracht", "total", "charge"),
    "energy": ("energy", "energie", "consumption", "electricity"),
    "amount": (
        "load",
        "weight",
        "demand",
        "quantity",
        "qty",
        "volume",
        "sales",
        "gewicht",
        "ladung",
        "menge",
        "bags",
    ),
}


def is_outcome(column: ColumnFacts) -> bool:
    """Say whether a header names what is known only afterwards."""
    return _rank(column) >= 3


def _rank(column: ColumnFacts) -> int:
    pieces = set(column.header.pieces)
    return next((rank for rank, words in _OUTCOMES.items() if pieces & set(words.split())), 0)


def _target(table: SourceTable, measures: str) -> ColumnFacts | None:
    columns = list(table.columns.values())
    able = [
        (place, column)
        for place, column in enumerate(columns)
        if column.kind == "number"
        and column.distinct >= min(10, max(3, column.rows // 10))
        # identifiers, calendars and places are known before
        and not _is_known_before(column)
        and (not measures or measure_of(column) == measures)
    ]
    if not able:
        return None
    return max(able, key=lambda pair: (_rank(pair[1]), not pair[1].whole, pair[0]))[1]


def _may_be_target(column: ColumnFacts) -> bool:
    numbers = (
        column.kind == "number"
        and _can_be_read(column)
        and column.distinct >= min(10, max(3, column.rows // 10))
    )
    return numbers and not _is_known_before(column)


def _can_be_read(column: ColumnFacts) -> bool:
    """Say whether a formula can name a column, which those with control characters it cannot."""
    try:
        check_name(column.name, "column")
    except FormulaError:
        return False
    return True


def _is_known_before(column: ColumnFacts) -> bool:
    """Say whether a header is that of an identifier, a calendar or a place."""
    pieces = column.header.pieces
    if not pieces or (pieces[-1] in IDENTIFIERS and len(pieces) > 1) or pieces[-1] in ("id", "x", "y"):
        return True
    place = {"lat", "lon", "latitude", "longitude", "lng", "x", "y"} & set(pieces)
    calendar = _CALENDAR & set(pieces) and not set(pieces) & {
        "per",
        "elapsed",
        "duration",
        "sales",
        "rate",
        "pay",
    }
    counter = column.whole and column.is_unique and bool((column.values.diff().dropna() == 1).all())
    return bool(place or counter or (calendar and len(pieces) <= 2 and pieces[-1] in _CALENDAR))


def _features(
    table: SourceTable, target: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None
) -> tuple[list[ColumnFacts], dict[str, str]]:
    """Return the columns most linked with the target, and why the others are left out."""
    left_out: dict[str, str] = {}
    linked: list[tuple[float, ColumnFacts]] = []
    for column in table.columns.values():
        if column.name == target.name:
            continue
        reason = _no_feature(column, usable)
        strength = 0.0 if reason else _link(table.frame, target.name, column)
        if not reason and strength < _LEAST_LINKED:
            reason = "hardly linked with the target"
        if reason:
            left_out[column.name] = reason
        else:
            linked.append((strength, column))
    chosen: list[ColumnFacts] = []
    for _, column in sorted(linked, key=lambda pair: -pair[0]):
        twin = next((other for other in chosen if _says_the_same(table.frame, column, other)), None)
        if twin is not None:
            left_out[column.name] = f"says the same as {twin.name}"
        elif len(chosen) >= _MOST_FEATURES:
            left_out[column.name] = "less linked with the target than others"
        else:
            chosen.append(column)
    order = list(table.columns)
    return sorted(chosen, key=lambda column: order.index(column.name)), left_out


def _no_feature(column: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None) -> str:
    if not _can_be_read(column):
        return "no law can name it"
    if usable is not None:
        if not usable(column):
            return "nothing in the plan tells it"
    elif _rank(column) >= 4 or (_rank(column) == 3 and measure_of(column) != "amount"):
        return "known only afterwards"
    if column.kind in ("date", "clock", "windows", "flag"):
        return f"a column of {'yes and no' if column.kind == 'flag' else 'times'}, which no law reads as it stands"
    if len(column.values) < 0.7 * column.rows:
        return "mostly missing" if len(column.values) < 0.3 * column.rows else "often missing"
    if column.distinct < 2:
        return "the same in every row"
    if column.kind == "text":
        few = column.distinct <= min(_MOST_CATEGORIES, column.rows // 4)
        return "" if few else "too many different texts"
    pieces = column.header.pieces
    counter = column.whole and column.is_unique and not measure_of(column)
    if (pieces and pieces[-1] in IDENTIFIERS) or counter:
        return "a number of something"
    if {"year", "week", "period", "jahr", "woche"} & set(pieces) and "per" not in pieces:
        return "a date, which does not come again"
    return ""


def _link(frame: pd.DataFrame, target: str, column: ColumnFacts) -> float:
    """Return from 0 to 1 how much of the target goes with a column: ranks of numbers, means of categories."""
    both = frame[[target, column.name]].dropna().head(_SAMPLE)
    if len(both) < 10:
        return 0.0
    ranks = both[target].rank()
    if column.kind == "text":
        means = ranks.groupby(both[column.name].astype(str)).transform("mean")
        return float(np.sqrt(means.var() / ranks.var())) if ranks.var() else 0.0
    bins = pd.qcut(both[column.name].rank(method="first"), 8, labels=False)
    means = ranks.groupby(bins).transform("mean")  # bent links count too, as that of the hour
    return float(np.sqrt(means.var() / ranks.var())) if ranks.var() else 0.0


def _says_the_same(frame: pd.DataFrame, column: ColumnFacts, other: ColumnFacts) -> bool:
    if column.kind != other.kind:
        return False
    both = frame[[column.name, other.name]].dropna().head(_SAMPLE)
    if column.kind == "text":
        pairs = len(both.drop_duplicates())
        return pairs == both[column.name].nunique() == both[other.name].nunique()
    return (
        bool(both[column.name].std() and both[other.name].std())
        and abs(float(both[column.name].corr(both[other.name]))) > 0.9999
    )


def _time_by_speed(table: SourceTable, target: ColumnFacts) -> GuessedUnit | None:
    """Return the unit of times under which speeds are those of roads."""
    if measure_of(target) != "time":
        return None
    away = next((c for c in table.columns.values() if c.kind == "number" and measure_of(c) == "length"), None)
    if away is None:
        return GuessedUnit("min", "no unit is stated", False)
    told = header_unit(away, "EUR")
    way = convert(1.0, told.unit if told else "km", "km")
    both = table.frame[[away.name, target.name]].dropna()
    both = both[(both[target.name] > 0) & (both[away.name] > 0)]
    fits = []
    for unit in ("min", "h", "s"):
        speed = float((both[away.name] * way / (both[target.name] * convert(1.0, unit, "h"))).median())
        if _SPEEDS[0] <= speed <= _SPEEDS[1]:
            fits.append(unit)
    if not fits:
        return GuessedUnit("min", "no unit is stated, and no unit gives speeds of roads", False)
    return GuessedUnit(fits[0], "under it speeds are those of roads", False)


def _period(column: ColumnFacts) -> int:
    period = next((_PERIODS[piece] for piece in column.header.pieces if piece in _PERIODS), 0)
    if not period or column.kind != "number":
        return 0
    fits = float(column.values.min()) >= 0 and float(column.values.max()) <= period
    return period if fits and column.distinct > 2 else 0


def _rises(target: ColumnFacts, column: ColumnFacts) -> bool:
    """Say whether nobody would believe a law that falls with the column: time, cost and energy with the way."""
    return (
        column.kind == "number"
        and measure_of(column) == "length"
        and measure_of(target) in ("time", "money", "energy")
        and _rank(target) >= 3
    )


def _holdout(table: SourceTable, used: Collection[str]) -> tuple[str, int] | tuple[()]:
    """Return a column of weeks or periods, and how many of the last to hold out; about a fifth of the rows."""
    names: Sequence[str] = ("week", "period", "date", "day", "year", "woche", "jahr")
    for name in names:
        for column in table.columns.values():
            if name in column.header.pieces and column.name not in used and 5 <= column.distinct <= 400:
                counts = column.values.value_counts().sort_index(ascending=False).cumsum()
                last = int((counts < 0.2 * column.rows).sum()) + 1
                if column.kind in ("number", "date") and len(column.values) == column.rows:
                    held = int(counts.iloc[last - 1])
                    if 10 <= held <= 0.5 * column.rows:
                        return column.name, last
    return ()
