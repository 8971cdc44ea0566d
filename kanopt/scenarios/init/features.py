"""Which columns of a history a law may depend on, and why each of the others is left out.

Names and cells speak first; then an auditor of tables finds what is the target once more. Of the rest those are
features that tell most of the target, each beside those before it: parabolas of ranks, by least squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.variables import check_name
from kanopt.records.headers import IDENTIFIERS
from kanopt.scenarios.init.parts import (
    WORDS,
    is_clock_number,
    is_date,
    is_outcome,
    measure_of,
    outcome_rank,
    words_of,
)
from kanopt.scenarios.init.sources import ColumnFacts, SourceTable
from kanopt.text import list_names

_UNREAD = {"date": "dates", "flag": "yes and no", "clock": "times of day", "windows": "times of day"}
_MOST_FEATURES, _MOST_CATEGORIES, _FEW_CATEGORIES = 8, 60, 30
_THERE = 0.6
_ONCE_MORE, _CALLED_ALIKE = 0.98, 0.9  # correlation of ranks
_SAMPLE = 4_000
_LEAST_ADDED = 0.002  # share of the target's variance that a feature adds
_AS_GOOD = 0.9  # of the largest gain: so much is as good, and the first such column is taken

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LeftOut:
    """Why a column is no feature, and whether that is certain."""

    why: str
    sure: bool = True


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
    rows = sampled(table.frame[table.frame[target.name].notna()])
    left_out: dict[str, LeftOut] = {}
    may_be = [column for column in table.columns.values() if column.name != target.name]
    for column in may_be:
        reason = _unfit(rows, column) or (_known_afterwards(column) if usable is None else None)
        if usable is not None and not usable(column):
            reason = LeftOut("nothing in the plan tells it")
        if reason is not None:
            left_out[column.name] = reason
    may_be = [column for column in may_be if column.name not in left_out]
    if usable is None:
        left_out |= _once_more(rows, target, may_be)
    free = [column for column in may_be if column.name not in left_out]
    unsure = [name for name, reason in left_out.items() if not reason.sure]
    doubt = f"left out {list_names(unsure, 3)}: known beforehand?" if unsure else ""
    chosen = _most_telling(rows, target.name, free)
    if not chosen and free:
        chosen, doubt = free[:1], "hardly linked with the target"
    little = LeftOut("tells little of the target beside the others")
    return chosen, left_out | {c.name: little for c in free if c not in chosen}, doubt


def sampled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows evenly spread over a table, few enough to be looked at in a moment."""
    few = np.linspace(0, len(frame) - 1, _SAMPLE).astype(int)
    return frame.iloc[few] if len(frame) > _SAMPLE else frame


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


def _once_more(rows: pd.DataFrame, target: ColumnFacts, columns: Sequence[ColumnFacts]) -> dict[str, LeftOut]:
    """Return the columns that are the target once more: written otherwise, parts of it, made of it."""
    from kanopt.surrogates.audit import leaks

    numbers = {column.name: column for column in columns if column.kind == "number"}
    found: dict[str, LeftOut] = {}
    while True:
        left = [target.name, *(name for name in numbers if name not in found)]
        # no formula can name some
        frame = rows[left].set_axis([f"c{place}" for place in range(len(left))], axis="columns")
        told = [
            (each.kind, [left[int(column[1:])] for column in each.columns]) for each in leaks(frame, "c0")
        ]
        new = dict(_leaking(target, numbers, told))
        if not new:
            break
        found |= new
    for name, column in numbers.items():
        if _nearly_the_same(rows, target, column):
            found.setdefault(name, LeftOut("nearly the target once more", sure=False))
    return found


def _leaking(
    target: ColumnFacts, numbers: dict[str, ColumnFacts], told: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[str, LeftOut]]:
    """Return what an auditor found; of a product that is the target only what is made of the target."""
    found: list[tuple[str, LeftOut]] = []
    for kind, names in told:
        if kind == "copy of the target":
            # a time that follows exactly from a way is a law, one that follows from another time is the same
            same = [name for name in names if measure_of(numbers[name]) in ("", measure_of(target))]
            why = f"follows from {target.name} without error: the same, written otherwise"
            found += [(name, LeftOut(why)) for name in same]
        elif kind == "parts of the target":
            why = f"a part of {target.name}: {list_names(names, 3)} add up to it"
            found += [(name, LeftOut(why)) for name in names]
        elif kind == "factors of the target":
            why = f"made of {target.name}: {list_names(names, 3)} give it exactly"
            made = [n for n in names if words_of(numbers[n]) & (WORDS["ratios"] | words_of(target))]
            found += [(name, LeftOut(why)) for name in made[:1]]
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
    return (
        len(both) >= 10 and (alike or same_size) and abs(float(both.rank().corr().to_numpy()[0, 1])) > limit
    )


def _most_telling(rows: pd.DataFrame, target: str, columns: Sequence[ColumnFacts]) -> list[ColumnFacts]:
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
