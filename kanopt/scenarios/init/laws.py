"""What a history can teach: the target of a law, the columns it may depend on, and what a problem knows these as."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype

from kanopt.errors import FormulaError
from kanopt.formulas.variables import check_name
from kanopt.records.headers import IDENTIFIERS
from kanopt.records.matching import Columns
from kanopt.scenarios.init.parts import (
    PLACES,
    WORDS,
    GuessedUnit,
    PartGuess,
    guess_units,
    header_unit,
    is_clock_number,
    is_date,
    is_known_before,
    is_outcome,
    measure_of,
    outcome_rank,
    period_of,
    words_of,
)
from kanopt.scenarios.init.sources import STRAIGHT, ColumnFacts, SourceTable, coordinate_ends
from kanopt.text import list_names

_MOST_LAWS = 3
_MOST_DAYS = 31
_CLEAR = 1.0  # how much more must speak for a target than for any other column
_PLAIN = 4.0
_FIRST, _LAST, _RATIO, _NO_TARGET = 1.0, 0.5, 1.5, 3.0
_SPENT = ("time", "money", "energy")  # which never fall with the way
_RARE = 30  # rows of a category
_FAR = 5.0
_UNREAD = {"date": "dates", "flag": "yes and no", "clock": "times of day", "windows": "times of day"}
_MOST_FEATURES, _MOST_CATEGORIES, _FEW_CATEGORIES = 8, 60, 30
_THERE = 0.6
_ONCE_MORE, _CALLED_ALIKE = 0.98, 0.9  # correlation of ranks
_SAMPLE = 4_000
_LEAST_ADDED = 0.002  # share of the target's variance that a feature adds
_AS_GOOD = 0.9  # of the largest gain: so much is as good, and the first such column is taken
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """What stands under a key.

    Parameters
    ----------
    value
        A text, a number, a truth value, a list or a mapping of these.
    why
        A comment behind it.
    sure
        Whether it is certain; if not, the comment begins with ``check``.
    needed
        Whether its table falls without it.
    """

    value: Any
    why: str = ""
    sure: bool = True
    needed: bool = False


@dataclass(frozen=True)
class LeftOut:
    """Why a column is no feature, and whether that is certain."""

    why: str
    sure: bool = True


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
    doubt: str = ""
    guessed: bool = False


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
    ranked = likely_targets(table, measures)
    chosen = target or next(iter(ranked), None)
    if chosen is None or chosen not in ranked:
        return None
    features, left_out, doubt = choose_features(table, chosen, usable)
    if not features:
        return None
    rank, score = outcome_rank(chosen), ranked[chosen]
    plain = min(rank, score) >= _PLAIN
    rivals = [c for c, other in ranked.items() if c is not chosen and other > max(score - _CLEAR, 0.0)]
    guessed = usable is None and not plain and (bool(rivals) or rank < 3)
    named = "its header names an outcome" if rank >= 2 else "a column of many numbers"
    return LawGuess(
        table=table,
        target=chosen.name,
        features=tuple(column.name for column in features),
        unit=header_unit(chosen, money) or guess_units(table, money).get(chosen.name),
        sure=plain,
        why=named + (f"; else {rivals[0].name!r}" if rivals and not measures else ""),
        settings=dict(_settings(table, chosen, features)),
        left_out=left_out,
        doubt=doubt or ("they go with the target, which is a guess" if guessed else ""),
        guessed=guessed,
    )


def _settings(table: SourceTable, target: ColumnFacts, features: Columns) -> Iterator[tuple[str, Entry]]:
    """Yield the shapes of a law, the rows that it is judged by, and what is done with odd ones."""
    ways = [each.name for each in features if each.kind == "number" and measure_of(each) == "length"]
    if ways and is_outcome(target) and measure_of(target) in _SPENT:
        yield "monotone", Entry(dict.fromkeys(ways, 1), "it never falls with the way")
    if periodic := {column.name: period for column in features if (period := period_of(column))}:
        yield "periodic", Entry(periodic, "the last joins on to the first")
    used = (target, *features)
    if held := _holdout(table, [column.name for column in used]):
        yield "holdout", Entry(dict(zip(("by", "last"), held, strict=True)), "the rows it is judged by")
    if not all(column.is_full for column in used):
        yield "on_missing", Entry("drop", "rows without a value are left out and counted")
    if any(c.kind == "text" and c.values.value_counts().min() < _RARE for c in features):
        yield "unseen", Entry("pooled", "some categories are rare")


def guess_laws(table: SourceTable, money: str) -> list[LawGuess]:
    """Return the laws that a history can teach beside a plan: of each column that plainly is an outcome, or of one."""
    ranked = likely_targets(table)
    plain = [column for column, score in ranked.items() if outcome_rank(column) >= _PLAIN <= score]
    targets: list[ColumnFacts | None] = [*plain[:_MOST_LAWS]] or [None]
    found = [guess_law(table, money, target=column) for column in targets]
    return [law for law in found if law is not None]


def likely_targets(table: SourceTable, measures: str = "") -> dict[ColumnFacts, float]:
    """Return the columns that may be wanted to be known, the most likely first, each with how much speaks for it.

    Parameters
    ----------
    table
        The history.
    measures
        What the target must measure; empty for anything.
    """
    columns = [column for column in table.columns.values() if column.kind == "number"]
    able = [c for c in columns if _may_be_target(c, columns) and measures in ("", measure_of(c))]
    scores = {column: _target_score(column, able) for column in able}
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))


def _may_be_target(column: ColumnFacts, columns: Columns) -> bool:
    """Say whether a column holds several numbers, which are not those of identifiers, calendars and places."""
    if column.header.pieces == ("y",):
        return not any(each.header.pieces == ("x",) for each in columns)
    several = column.distinct >= min(10, max(3, column.rows // 10))
    dated = is_date(column) and not is_outcome(column)
    return several and not dated and not is_known_before(column) and not numbers_rows(column)


def _target_score(column: ColumnFacts, candidates: Columns) -> float:
    """Return how much speaks for a column as a target: its words, and its place among others."""
    rank, found = outcome_rank(column), words_of(column)
    score = float(rank)
    if found & WORDS["conditions"] and rank < _PLAIN:
        score = min(score, 0.0) - _NO_TARGET
    whole = any(c is not column and measure_of(c) == measure_of(column) for c in candidates)
    ratio = found & WORDS["ratios"] and ("per" not in found or whole)
    return score + _place(column, candidates) - _RATIO * bool(ratio)


def _place(column: ColumnFacts, candidates: Columns) -> float:
    """Return what the place in the table says: people write the outcome first or last."""
    names = [each.name for each in candidates if not words_of(each) & WORDS["conditions"]]
    if column.name not in names:
        return 0.0
    if len(candidates) == 2 and names[-1] == column.name:
        return 2 * _FIRST  # x and y
    return _FIRST if names[0] == column.name else _LAST if names[-1] == column.name else 0.0


def _holdout(table: SourceTable, used: Sequence[str]) -> tuple[str, int] | tuple[()]:
    """Return a column of weeks or periods, and how many of the last to hold out; about a fifth of the rows."""
    words = ("week", "period", "date", "day", "year", "woche", "jahr")
    columns = [column for column in table.columns.values() if column.name not in used and _is_event(column)]
    for word, column in product(words, columns):
        if word in column.header.pieces[:1] + column.header.pieces[-1:]:
            counts = column.values.value_counts().sort_index(ascending=False).cumsum()
            last = int((counts < 0.2 * column.rows).sum()) + 1
            if 10 <= int(counts.iloc[last - 1]) <= 0.5 * column.rows:
                return column.name, last
    return ()


def _is_event(column: ColumnFacts) -> bool:
    """Say whether a column tells of every row when it took place: no days of a month, and no years of building."""
    values, pieces, is_number = column.values, {*column.header.pieces}, column.kind == "number"
    if not (is_number or is_datetime64_any_dtype(values)) or WORDS["beginnings"] & pieces:
        return False
    of_month = is_number and bool(WORDS["days"] & pieces) and values.between(1, _MOST_DAYS).all()
    return not of_month and column.is_full and 5 <= column.distinct <= 400


# Which columns of a history a law may depend on, and why each of the others is left out: names and cells speak first;
# then an auditor of tables finds what is the target once more. Of the rest those are features that tell most of the
# target, each beside those before it: parabolas of ranks, by least squares.


def choose_features(
    table: SourceTable, target: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None
) -> tuple[list[ColumnFacts], dict[str, LeftOut], str]:
    """Choose the columns that tell most of the target.

    Parameters
    ----------
    table
        The history.
    target
        What is predicted.
    usable
        Says whether a column may be a feature; left out, every one may that seems to matter.

    Returns
    -------
    features : list of ColumnFacts
        The columns.
    left_out : dict
        Other column to why it is none.
    doubt : str
        What is to be looked at; empty where nothing is.
    """
    rows = table.frame[table.frame[target.name].notna()]
    if len(rows) > _SAMPLE:  # evenly spread, few enough to be looked at in a moment
        rows = rows.iloc[np.linspace(0, len(rows) - 1, _SAMPLE).astype(int)]
    left_out: dict[str, LeftOut] = {}
    others = [column for column in table.columns.values() if column.name != target.name]
    for column in others:
        reason = _unfit(rows, column) or (_known_afterwards(column) if usable is None else None)
        if usable is not None and not usable(column):
            reason = LeftOut("nothing in the plan tells it")
        left_out |= {column.name: reason} if reason else {}
    if usable is None:
        left_out |= _once_more(rows, target, [c for c in others if c.name not in left_out])
    free = [column for column in others if column.name not in left_out]
    unsure = [name for name, reason in left_out.items() if not reason.sure]
    doubt = f"left out {list_names(unsure, 3)}: known beforehand?" if unsure else ""
    chosen = _most_telling(rows, target.name, free)
    if not chosen and free:
        chosen, doubt = free[:1], "hardly linked with the target"
    little = LeftOut("tells little of the target beside the others")
    return chosen, left_out | {c.name: little for c in free if c not in chosen}, doubt


def numbers_rows(column: ColumnFacts) -> bool:
    """Say whether whole numbers number the rows: they rise, or lie too close for numbers that never repeat."""
    from kanopt.surrogates.audit import numbers_rows

    if not column.whole or not column.is_unique:
        return False
    steps = column.values.diff().dropna()
    if is_outcome(column):
        return bool((steps == 1).all())
    return bool((steps > 0).all()) or numbers_rows(column.values.to_numpy(np.float64))


def _unfit(rows: pd.DataFrame, column: ColumnFacts) -> LeftOut | None:
    """Return why the cells of a column do not teach a law; None where they may."""
    try:
        check_name(column.name, "column")
    except FormulaError:
        return LeftOut("no law can name it")
    if column.kind in _UNREAD:
        return LeftOut(f"{_UNREAD[column.kind]}, which no law reads as they stand")
    if len(rows) and float(rows[column.name].notna().mean()) < _THERE:
        return LeftOut("mostly missing")
    if column.distinct < 2:
        return LeftOut("the same in every row")
    if column.kind == "text":
        most = min(_MOST_CATEGORIES, max(column.rows // 50, min(_FEW_CATEGORIES, column.rows // 4)))
        return LeftOut("too many different texts") if column.distinct > most else None
    last = {*column.header.pieces[-1:]}
    numbers = not measure_of(column) and not is_outcome(column) and numbers_rows(column)
    if last & IDENTIFIERS or numbers or (column.whole and last & WORDS["things"]):
        return LeftOut("a number of something", sure=bool(last & IDENTIFIERS))
    return LeftOut("a date, which does not come again") if is_date(column) else None


def _known_afterwards(column: ColumnFacts) -> LeftOut | None:
    """Return why nobody knows a column beforehand, or can read it; None where that may be."""
    if is_clock_number(column):
        return LeftOut("times of day or dates written as numbers, which no law reads as they stand")
    outcome = outcome_rank(column) > 3 or (is_outcome(column) and measure_of(column) != "amount")
    if outcome or words_of(column) & WORDS["afterwards"]:
        return LeftOut("known only afterwards, by its name", sure=False)
    return None


def _once_more(rows: pd.DataFrame, target: ColumnFacts, columns: Columns) -> dict[str, LeftOut]:
    """Return the columns that are the target once more: written otherwise, parts of it, made of it."""
    from kanopt.surrogates.audit import leaks

    numbers = {column.name: column for column in columns if column.kind == "number"}
    found: dict[str, LeftOut] = {}
    new: dict[str, LeftOut] | None = None
    while new is None or new:
        new, left = {}, [target.name, *(name for name in numbers if name not in found)]
        # no formula can name some
        frame = rows[left].set_axis([f"c{place}" for place in range(len(left))], axis="columns")
        for leak in leaks(frame, "c0"):
            names = [left[int(column[1:])] for column in leak.columns]
            why = f"follows from {target.name} without error: the same, written otherwise"
            if leak.kind == "copy of the target":
                # a time that follows exactly from a way is a law, one that follows from another time is the same
                names = [name for name in names if measure_of(numbers[name]) in ("", measure_of(target))]
            elif leak.kind == "parts of the target":
                why = f"a part of {target.name}: {list_names(names, 3)} add up to it"
            else:  # of a product that is the target only what is made of the target
                why = f"made of {target.name}: {list_names(names, 3)} give it exactly"
                made = WORDS["ratios"] | words_of(target)
                names = [name for name in names if words_of(numbers[name]) & made][:1]
            new |= dict.fromkeys(names, LeftOut(why))
        found |= new
    for name, column in numbers.items():
        if _nearly_the_same(rows, target, column):
            found.setdefault(name, LeftOut("nearly the target once more", sure=False))
    return found


def _nearly_the_same(rows: pd.DataFrame, target: ColumnFacts, column: ColumnFacts) -> bool:
    """Say whether a column is the target but for little: of one measure or size or called alike, and going with it."""
    one, other = sorted((target.name.lower(), column.name.lower()), key=len)
    alike = measure_of(target) == measure_of(column) != "" or (len(one) > 3 and one in other)
    if len({measure_of(target), measure_of(column)} - {""}) > 1 and not alike:
        return False
    both = rows[[target.name, column.name]].dropna()
    sizes = both.abs().median()
    same_size = float(sizes.min()) > 0.5 * float(sizes.max())
    limit = _CALLED_ALIKE if alike and not words_of(column) & WORDS["planned"] else _ONCE_MORE
    told = len(both) >= 10 and (alike or same_size)
    return told and abs(float(both.rank().corr().to_numpy()[0, 1])) > limit


def _most_telling(rows: pd.DataFrame, target: str, columns: Columns) -> list[ColumnFacts]:
    """Return the columns that tell most of the target, each beside those before."""
    # of columns that say the same the plainest goes first: whole numbers rather than those made of them
    left = {c.name: _block(rows[c.name], c) for c in sorted(columns, key=lambda column: not column.whole)}
    chosen: dict[str, _Floats] = {}
    rest = ranks = _centred(rows[target].rank().to_numpy(np.float64))
    while left and len(chosen) < _MOST_FEATURES:
        gains = {name: _gain(block, rest) for name, block in left.items()}
        most = max(gains.values())
        if most < _LEAST_ADDED * float(ranks @ ranks):
            break
        best = next(name for name, gain in gains.items() if gain >= _AS_GOOD * most)
        chosen[best] = left.pop(best)
        rest = ranks - _fitted(np.hstack([*chosen.values()]), ranks)
    return [column for column in columns if column.name in chosen]


def _centred(values: Any) -> _Floats:
    return np.nan_to_num(np.asarray(values - np.nanmean(values, axis=0), np.float64))


def _block(values: pd.Series, column: ColumnFacts) -> _Floats:
    """Return ranks and their squares, or zeros and ones for each text; missing values tell nothing."""
    if column.kind == "text":
        return _centred(pd.get_dummies(values.astype("str").where(values.notna())).to_numpy(np.float64))
    ranks = values.rank(pct=True).to_numpy(np.float64)
    return _centred(np.column_stack([ranks, ranks**2, ranks**3]))


def _fitted(block: _Floats, wanted: _Floats) -> _Floats:
    return np.asarray(block @ np.linalg.lstsq(block, wanted, rcond=1e-6)[0])


def _gain(block: _Floats, rest: _Floats) -> float:
    """Return how much of the squares of a rest a block tells of new rows, by Akaike's final prediction error."""
    rows, count = len(rest), block.shape[1] + 1
    if rows <= count:
        return 0.0
    left = float(np.square(rest - _fitted(block, rest)).sum())
    return float(rest @ rest - left * (rows + count) / (rows - count) * (rows - 1) / (rows + 1))


_HOURS = frozenset(("hour", "hr", "stunde", "heure", "hora"))


class References:
    """What the problem knows the columns of a history as, each reference used once for a law."""

    def __init__(
        self,
        table: SourceTable,
        parts: Mapping[str, PartGuess],
        scopes: Mapping[str, str],
        usual: Mapping[str, str],
    ) -> None:
        self.parts = {scope: parts[name] for scope, name in scopes.items() if name in parts}
        self.usual, self.plain = usual, _of_ends(table, parts)
        self.found, self.sure = dict[str, str](), set[str]()
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
        """Return what the problem knows a column as, and note whether that is sure; empty where it does not know it."""
        measure, is_number = measure_of(column), column.kind == "number"
        hours = is_number and bool(_HOURS & {*column.header.pieces}) and "hour" in self.usual
        found = self.plain.get(column.name, "")
        if column.name == STRAIGHT:
            ends = self.parts["client"].fields if "client" in self.parts else set()
            found = "arc.straight_distance" if "lat" in ends else ""
        elif not found and is_outcome(column) and measure != "amount":
            return ""
        elif not found and hours and measure in ("time", ""):
            found = self.usual["hour"] if float(column.values.max()) <= 24 else ""
        elif not found and not (found := self._same_column(column)):
            far = measure == "amount" and is_number and float(column.values.max()) > _FAR * self.most
            if not is_number or is_outcome(column) or far:
                return ""
            if column.header.unit or measure == "length":
                self.sure.add(column.name)
            return self.usual.get(measure, "")
        self.sure.add(column.name)
        return found

    def _same_column(self, column: ColumnFacts) -> str:
        """Return the column of a part that is called so, or the names of its rows."""
        name, parts = column.name, self.parts.items()
        called = ((f"{scope}.{g.field_of(name) or name}", g.table.columns.get(name)) for scope, g in parts)
        filled = ((f"{scope}.{each.field.name}", each.column) for scope, g in parts for each in g.filled)
        known = chain(called, filled if column.kind == "text" else ())
        fitting = (told for told, own in known if own and own.kind == column.kind and _fits(column, own))
        return next(fitting, "")


def _of_ends(table: SourceTable, parts: Mapping[str, PartGuess]) -> dict[str, str]:
    """Return the columns that say what matters of a date, or where a way begins and ends, as the plan knows it.

    The day of the plan has weekday and month. Two pairs of coordinates are the ends of a way, and so are two columns of
    texts that hold all that one column of clients and depots says, such as their zone.
    """
    functions = {name: text.partition("(")[0] for name, text in table.derive.items()}
    found = {name: f"day.{each}" for name, each in functions.items() if each in ("weekday", "month")}
    if not {"clients", "depots", "vehicles"} <= parts.keys():
        return found
    clients, depots = parts["clients"], parts["depots"]
    places = coordinate_ends(table.given)
    for names in PLACES:
        ends = [place for place in places if place.keys() == {*names}]
        if len(ends) == 2 and {*names} <= clients.fields & depots.fields:
            for way, place in zip(("from", "to"), ends, strict=True):
                found |= {place[name]: f"arc.{way}_{name}" for name in names}
    for own in clients.table.given.values():
        home = depots.table.given.get(own.name)
        if own.kind != "text" or home is None or not own.name.isidentifier() or not own.is_full:
            continue
        both = [c for c in table.given.values() if c.kind == "text" and own.texts | home.texts <= c.texts]
        if len(both) == 2:
            field = clients.field_of(own.name) or own.name
            found |= {c.name: f"arc.{way}_{field}" for way, c in zip(("from", "to"), both, strict=True)}
    return found


def _fits(column: ColumnFacts, own: ColumnFacts) -> bool:
    """Say whether a law that learned from a column can read another one: its categories must all be known."""
    return own.is_full and (column.kind != "text" or (bool(own.texts) and own.texts <= column.texts))
