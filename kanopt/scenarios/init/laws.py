"""What a history can teach: the target of a law, the columns it may depend on, and what a problem knows these as."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from kanopt.scenarios.init.features import (
    LeftOut,
    audited,
    choose_features,
    is_numbered,
    most_categories,
    numbers_rows,
    sampled,
)
from kanopt.scenarios.init.keys import Entry
from kanopt.scenarios.init.outcomes import (
    WORDS,
    guess_units,
    is_date,
    is_known_before,
    is_lever,
    is_outcome,
    made_by_name,
    measure_of,
    names_alike,
    outcome_rank,
    period_of,
    words_of,
)
from kanopt.scenarios.init.parts import GuessedUnit, PartGuess, header_unit
from kanopt.scenarios.init.sources import STRAIGHT, ColumnFacts, SourceTable

_MOST_LAWS, _MOST_OTHERS = 3, 2
_MOST_DAYS = 31
_CLEAR = 1.0  # how much more must speak for a target than for any other column
_PLAIN = 4.0
_LEVER, _FIRST, _LAST, _WHOLE, _RATIO, _MANY, _NO_TARGET = 1.25, 1.0, 0.5, 1.5, 1.5, 2.0, 3.0
_SPENT = ("time", "money", "energy")  # which never fall with the way
_RARE = 30  # rows of a category


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
    settings
        The other keys of its section.
    left_out
        Column to why it is no feature.
    group
        The column that says which rows belong together; empty where there is none.
    doubt
        What of the features is to be looked at; empty where nothing is.
    guessed
        Whether the target is little more than a guess, and the features with it.
    """

    table: SourceTable
    target: str
    features: tuple[str, ...]
    unit: GuessedUnit | None
    sure: bool
    why: str
    settings: dict[str, Entry]
    left_out: dict[str, LeftOut]
    group: str = ""
    doubt: str = ""
    guessed: bool = False


@dataclass(frozen=True)
class TargetGuess:
    """A column that may be wanted to be known, how much speaks for it, and what."""

    column: ColumnFacts
    score: float
    why: str

    @property
    def plain(self) -> bool:
        """Whether its header plainly names an outcome, and nothing speaks against it."""
        return outcome_rank(self.column) >= _PLAIN and self.score >= _PLAIN


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
    guesses = likely_targets(table, measures)
    chosen = next((guess for guess in guesses if target in (None, guess.column)), None)
    if chosen is None:
        return None
    target = chosen.column
    group = "" if usable is not None else _group(table, target)
    features, left_out, doubt = choose_features(table, target, usable, group)
    if not features:
        return None
    near = [each for each in guesses if each.score > max(chosen.score - _CLEAR, 0.0) and not each.plain]
    rivals = [each.column.name for each in near if each is not chosen and not measures][:_MOST_OTHERS]
    guessed = usable is None and (bool(rivals) or outcome_rank(target) < 3)
    used = [target, *features]
    settings = dict(_settings(table, target, features))
    if group and group not in [column.name for column in features]:
        settings["groups"] = Entry(group, "its rows share an error", False)
    if any(len(column.values) < column.rows for column in used):
        settings["on_missing"] = Entry("drop", "rows without a value are left out and counted")
    if any(c.kind == "text" and c.values.value_counts().min() < _RARE for c in features):
        settings["unseen"] = Entry("pooled", "some categories are rare")
    return LawGuess(
        table=table,
        target=target.name,
        features=tuple(column.name for column in features),
        unit=header_unit(target, money) or guess_units(table, money).get(target.name),
        sure=chosen.plain and not rivals,
        why=chosen.why + (f"; else {' or '.join(map(repr, rivals))}" if rivals else ""),
        settings=settings,
        left_out=left_out,
        group=group,
        doubt=doubt or ("they go with the target, which is a guess" if guessed else ""),
        guessed=guessed,
    )


def _settings(
    table: SourceTable, target: ColumnFacts, features: Sequence[ColumnFacts]
) -> Iterator[tuple[str, Entry]]:
    """Yield the shapes of a law and the rows that it is judged by."""
    ways = [each.name for each in features if each.kind == "number" and measure_of(each) == "length"]
    if ways and is_outcome(target) and measure_of(target) in _SPENT:
        yield "monotone", Entry(dict.fromkeys(ways, 1), "it never falls with the way")
    if periodic := {column.name: period for column in features if (period := period_of(column))}:
        yield "periodic", Entry(periodic, "the last joins on to the first")
    if held := _holdout(table, [column.name for column in (target, *features)]):
        yield "holdout", Entry(dict(zip(("by", "last"), held, strict=True)), "the rows it is judged by")


def guess_laws(table: SourceTable, money: str) -> list[LawGuess]:
    """Return the laws that a history can teach beside a plan: of each column that plainly is an outcome, or of one."""
    plain = [guess.column for guess in likely_targets(table) if guess.plain]
    targets: list[ColumnFacts | None] = [*plain[:_MOST_LAWS]] or [None]
    found = [guess_law(table, money, target=column) for column in targets]
    return [law for law in found if law is not None]


def likely_targets(table: SourceTable, measures: str = "") -> list[TargetGuess]:
    """Return the columns that may be wanted to be known, the most likely first.

    Parameters
    ----------
    table
        The history.
    measures
        What the target must measure; empty for anything.
    """
    columns = [column for column in table.columns.values() if column.kind == "number"]
    able = [
        column
        for column in columns
        if _may_be_target(column, columns) and (not measures or measure_of(column) == measures)
    ]
    made = made_by_name([column.name for column in columns])
    plain = [column for column in able if column.name not in made] or able
    rows = sampled(table.frame)
    return sorted((_judged(rows, column, plain, made) for column in able), key=lambda guess: -guess.score)


def _may_be_target(column: ColumnFacts, columns: Sequence[ColumnFacts]) -> bool:
    """Say whether a column holds several numbers, which are not those of identifiers, calendars and places."""
    if column.header.pieces == ("y",):
        return not any(each.header.pieces == ("x",) for each in columns)
    several = column.distinct >= min(10, max(3, column.rows // 10))
    dated = is_date(column) and not is_outcome(column)
    return several and not dated and not is_known_before(column) and not numbers_rows(column)


def _judged(
    rows: pd.DataFrame, column: ColumnFacts, candidates: Sequence[ColumnFacts], made: dict[str, str]
) -> TargetGuess:
    """Return how much speaks for a column: its words, its place among others, and what it is to them."""
    rank, found = outcome_rank(column), words_of(column)
    score = _LEVER if rank == 3 and is_lever(column) else float(rank)
    if found & WORDS["conditions"] and rank < 4:
        score = min(score, 0.0) - _NO_TARGET
    place = _place(column, candidates)
    whole = rank >= 2 and _is_a_whole(rows, column, candidates)
    score += place + _WHOLE * whole - _NO_TARGET * (column.name in made)
    score -= _RATIO * _is_a_ratio(column, candidates) + _MANY * is_numbered(column, candidates)
    where = {_FIRST: "the first", _LAST: "the last"}.get(place, "a")
    by_name = "its header names an outcome" if rank >= 2 else f"{where} column of many numbers"
    return TargetGuess(column, score, "others add up to it" if whole else by_name)


def _is_a_ratio(column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> bool:
    """Say whether a header is that of a share, or of so much per something where the whole is there as well."""
    found = words_of(column)
    wholes = [each for each in candidates if each is not column and "per" not in words_of(each)]
    whole = any(names_alike(column, each) or measure_of(each) == measure_of(column) != "" for each in wholes)
    return bool(found & WORDS["ratios"]) and ("per" not in found or whole)


def _place(column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> float:
    """Return what the place in the table says: people write the outcome first or last."""
    names = [each.name for each in candidates if not words_of(each) & WORDS["conditions"]]
    if column.name not in names:
        return 0.0
    if len(candidates) == 2 and names[-1] == column.name:
        return 2 * _FIRST  # x and y
    return _FIRST if names[0] == column.name else _LAST if names[-1] == column.name else 0.0


def _is_a_whole(rows: pd.DataFrame, column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> bool:
    """Say whether a column is the sum of others of the table, each of which is less."""
    others = [each.name for each in candidates if each is not column]
    parts = [names for kind, names in audited(rows, column.name, others) if kind == "parts of the target"]
    return any(bool((rows[[*names]].max(axis="columns") <= rows[column.name]).all()) for names in parts)


def _holdout(table: SourceTable, used: Sequence[str]) -> tuple[str, int] | tuple[()]:
    """Return a column of weeks or periods, and how many of the last to hold out; about a fifth of the rows."""
    for word in ("week", "period", "date", "day", "year", "woche", "jahr"):
        for column in table.columns.values():
            ends = column.header.pieces[:1] + column.header.pieces[-1:]
            if word in ends and column.name not in used and _is_event(column):
                counts = column.values.value_counts().sort_index(ascending=False).cumsum()
                last = int((counts < 0.2 * column.rows).sum()) + 1
                if 10 <= int(counts.iloc[last - 1]) <= 0.5 * column.rows:
                    return column.name, last
    return ()


def _is_event(column: ColumnFacts) -> bool:
    """Say whether a column tells of every row when it took place: no days of a month, and no years of building."""
    values, pieces = column.values, set(column.header.pieces)
    if not (column.kind == "number" or is_datetime64_any_dtype(values)) or WORDS["beginnings"] & pieces:
        return False
    of_month = (
        column.kind == "number" and bool(WORDS["days"] & pieces) and values.between(1, _MOST_DAYS).all()
    )
    return not of_month and len(values) == column.rows and 5 <= column.distinct <= 400


def _group(table: SourceTable, target: ColumnFacts) -> str:
    """Return the column of things that were seen several times, once at each of several times; empty for none."""
    times = [column for column in table.columns.values() if is_date(column) and column.distinct > 1]
    things = [
        column
        for column in table.columns.values()
        if (column.whole or (column.kind == "text" and column.distinct > most_categories(column)))
        and len(column.values) == column.rows
        and not (measure_of(column) or column is target or words_of(column) & WORDS["calendar"])
    ]
    for column in sorted(things, key=lambda column: not column.whole):
        if column.header.pieces[-1:] == ("id",) and 10 <= column.distinct <= column.rows / 2:
            return column.name
        for time in times:
            several = column.rows >= column.distinct * min(3, time.distinct) > column.distinct > 2
            balanced = column.rows >= 0.6 * column.distinct * time.distinct
            if several and balanced and not table.frame[[column.name, time.name]].dropna().duplicated().any():
                return column.name
    return ""


_FAR = 5.0
_HOURS = frozenset(("hour", "hr", "stunde", "heure", "hora"))


class References:
    """What the problem knows the columns of a history as, each reference used once for a law."""

    def __init__(
        self, parts: Mapping[str, PartGuess], scopes: Mapping[str, str], usual: Mapping[str, str]
    ) -> None:
        self.parts = {scope: parts[name] for scope, name in scopes.items() if name in parts}
        self.usual = usual
        self.found: dict[str, str] = {}
        self.sure: set[str] = set()
        carried = self.parts["vehicle"].column("capacity") if "vehicle" in self.parts else None
        self.most = math.inf
        if carried is not None and len(carried.values):  # in any unit of mass that a header may not state
            self.most = float(carried.values.max()) * (1_000.0 if carried.header.unit == "t" else 1.0)

    def __call__(self, column: ColumnFacts) -> bool:
        """Say whether the problem knows a column, and note as what."""
        reference = self._reference(column)
        if not reference or reference in self.found.values():
            return False
        self.found[column.name] = reference
        return True

    def of(self, law: LawGuess) -> dict[str, str]:
        """Return the bindings of a law."""
        return {feature: self.found[feature] for feature in law.features}

    def _reference(self, column: ColumnFacts) -> str:
        if column.name == STRAIGHT:
            self.sure.add(column.name)
            ends = self.parts["client"].fields if "client" in self.parts else set()
            return "arc.straight_distance" if "lat" in ends else ""
        measure = measure_of(column)
        if is_outcome(column) and measure != "amount":
            return ""
        hours = column.kind == "number" and bool(_HOURS & set(column.header.pieces))
        if hours and "hour" in self.usual and measure in ("time", ""):
            self.sure.add(column.name)
            return self.usual["hour"] if float(column.values.max()) <= 24 else ""
        if found := self._same_column(column):
            self.sure.add(column.name)
            return found
        far = (
            measure == "amount" and column.kind == "number" and float(column.values.max()) > _FAR * self.most
        )
        if column.kind != "number" or is_outcome(column) or far:
            return ""
        if column.header.unit or measure == "length":
            self.sure.add(column.name)
        return self.usual.get(measure, "")

    def _same_column(self, column: ColumnFacts) -> str:
        """Return the column of a part that is called so, or the names of its rows."""
        for scope, guess in self.parts.items():
            own = guess.table.columns.get(column.name)
            if own is not None and own.kind == column.kind and _fits(column, own):
                return f"{scope}.{guess.field_of(column.name) or column.name}"
        for scope, guess in self.parts.items():
            for each in guess.filled:
                if column.kind == each.column.kind == "text" and _fits(column, each.column):
                    return f"{scope}.{each.field.name}"
        return ""


def _fits(column: ColumnFacts, own: ColumnFacts) -> bool:
    """Say whether a law that learned from a column can read another one: its categories must all be known."""
    whole = len(own.values) == own.rows
    return whole and (column.kind != "text" or (bool(own.texts) and own.texts <= column.texts))
