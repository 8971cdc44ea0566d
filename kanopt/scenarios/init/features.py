"""Which columns of a history a law may depend on, and why each of the others is left out.

Names and cells speak first; then an auditor of tables finds what is the target once more. Of the rest those are
features that tell most of the target, each beside those before it: bent lines, by least squares on ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.variables import check_name
from kanopt.records.headers import IDENTIFIERS
from kanopt.scenarios.init.outcomes import (
    WORDS,
    is_clock_number,
    is_date,
    is_lever,
    is_outcome,
    made_by_name,
    measure_of,
    names_alike,
    outcome_rank,
    words_of,
)
from kanopt.scenarios.init.sources import ColumnFacts, SourceTable
from kanopt.text import list_names

_UNREAD = {"date": "dates", "flag": "yes and no", "clock": "times of day", "windows": "times of day"}
_MOST_FEATURES, _MOST_CATEGORIES, _FEW_CATEGORIES = 8, 60, 30
_THERE = 0.6
_FAMILY = 3  # columns told apart by a letter or a number at the end
_TELLING = 0.1  # a column linked so much is worth a look where it is left out for its name
_HARDLY = 0.0025
_EXACTLY, _ONCE_MORE, _CALLED_ALIKE = 0.999, 0.98, 0.9  # correlation of ranks
_SHARES = 0.02  # of a whole, where shares were rounded
_LEAST_LABELS, _ALIKE, _SMOOTH = 50, 0.4, 0.5
_SAMPLE = 4_000
_KNOTS = (0.25, 0.5, 0.75)
_FEW_ROWS = 120  # of fewer rows a curve is a parabola
_LEAST_ADDED = 0.001  # share of the target's variance that a feature adds
_AS_GOOD = 0.9  # of the largest gain: so much is as good, and the first such column is taken
_THIN = 1e-7  # mean square of a direction that is taken for none

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LeftOut:
    """Why a column is no feature, and whether that is certain."""

    why: str
    sure: bool = True


def choose_features(
    table: SourceTable, target: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None, group: str = ""
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
    group
        The column that says which rows belong together, which is none.

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
    others = [column for column in table.columns.values() if column.name != target.name]
    left_out: dict[str, LeftOut] = {}
    for column in others:
        reason = _unfit(rows, column)
        if usable is None:
            reason = reason or _by_name(rows, target, column, others)
        elif not usable(column):
            reason = LeftOut("nothing in the plan tells it")
        if reason is not None:
            left_out[column.name] = reason
    if group:
        left_out.setdefault(group, LeftOut("names what was seen at several times", sure=False))
    may_be = [column for column in others if column.name not in left_out]
    suspects = {} if usable is not None else _once_more(rows, target, may_be)
    left_out |= suspects | _made_of_others(rows, may_be, others)
    free = [column for column in may_be if column.name not in left_out]
    chosen = _most_telling(rows, target.name, free, left_out)
    unsure = [name for name, reason in left_out.items() if not reason.sure]
    doubt = f"left out {list_names(unsure, 3)}: known beforehand?" if unsure else ""
    if not chosen and suspects:
        # nothing else tells of the target: what may be the target once more is kept and marked
        chosen = _most_telling(rows, target.name, [c for c in may_be if c.name in suspects], left_out)
        doubt = suspects[chosen[0].name].why if chosen else doubt
    if not chosen and free:
        chosen, doubt = free[:1], "hardly linked with the target"
    for column in chosen:
        left_out.pop(column.name, None)
    return chosen, left_out, doubt


def sampled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows evenly spread over a table, few enough to be looked at in a moment."""
    few = np.linspace(0, len(frame) - 1, _SAMPLE).astype(int)
    return frame.iloc[few] if len(frame) > _SAMPLE else frame


def most_categories(column: ColumnFacts) -> int:
    """Return how many different texts a feature may hold."""
    return min(_MOST_CATEGORIES, max(column.rows // 50, min(_FEW_CATEGORIES, column.rows // 4)))


def is_numbered(column: ColumnFacts, others: Sequence[ColumnFacts]) -> bool:
    """Say whether columns are told apart by a letter or number at the end: costA, costB, costC."""
    stem = column.header.pieces[:-1]
    alike = [each.header.pieces[-1] for each in (column, *others) if stem and each.header.pieces[:-1] == stem]
    short = {end for end in alike if len(end) == 1 or end.isdigit()}
    return len(short) >= _FAMILY and column.header.pieces[-1] in short


def audited(rows: pd.DataFrame, target: str, names: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what an auditor finds of a target among columns of numbers: kinds of leaks, and their columns."""
    from kanopt.surrogates.audit import leaks

    plain = dict(enumerate([target, *names]))  # no formula can name some
    frame = rows[list(plain.values())].set_axis([f"c{place}" for place in plain], axis="columns")
    found = leaks(frame, "c0")
    return [(each.kind, tuple(plain[int(column[1:])] for column in each.columns)) for each in found]


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
        return LeftOut("too many different texts") if column.distinct > most_categories(column) else None
    last = {*column.header.pieces[-1:]}
    if last & IDENTIFIERS:
        return LeftOut("a number of something")
    if column.whole and last & WORDS["things"]:
        return LeftOut("a number of something, by its name", sure=False)
    if not measure_of(column) and not is_outcome(column) and numbers_rows(column):
        return LeftOut("a number of something", sure=column.values.is_monotonic_increasing)
    if is_date(column):
        return LeftOut("a date, which does not come again")
    if not measure_of(column) and _is_label(rows, column):
        return LeftOut("a number of something: near numbers are not alike", sure=False)
    return None


def _is_label(rows: pd.DataFrame, column: ColumnFacts) -> bool:
    """Say whether whole numbers are names, as those of flights, routes and postcodes.

    Rows of one number are alike in other columns, rows of the next number are not. Of a quantity the means of others
    change little from one value to the next.
    """
    if not column.whole or not _LEAST_LABELS <= column.distinct <= 0.5 * len(column.values):
        return False
    smooth = []
    for name in rows.columns.drop(column.name):
        if not pd.api.types.is_numeric_dtype(rows[name]):
            continue
        ranks = rows[name].rank()
        groups = ranks.groupby(rows[column.name])
        means, within = groups.mean().dropna(), float(groups.var().mean())
        if len(means) > 2 and within < _ALIKE * float(ranks.var()):
            # von Neumann's ratio: 1 for an order that means nothing
            smooth.append(1 - float((np.diff(means) ** 2).mean()) / (2 * float(means.var())))
    return bool(smooth) and max(smooth) < _SMOOTH


def _by_name(
    rows: pd.DataFrame, target: ColumnFacts, column: ColumnFacts, others: Sequence[ColumnFacts]
) -> LeftOut | None:
    """Return why nobody knows a column beforehand, or can read it; None where that may be.

    One among several of a kind, as costs of three ways are, may be known.
    """
    if is_clock_number(column):
        return LeftOut("times of day or dates written as numbers, which no law reads as they stand")
    outcome = outcome_rank(column) > 3 or (is_outcome(column) and measure_of(column) != "amount")
    known = not outcome or is_lever(column) or is_numbered(column, others)
    if words_of(column) & WORDS["afterwards"] or not known:
        sure = _told_alone(rows, target.name, column) <= _TELLING
        return LeftOut("known only afterwards, by its name", sure)
    return None


def _once_more(rows: pd.DataFrame, target: ColumnFacts, columns: Sequence[ColumnFacts]) -> dict[str, LeftOut]:
    """Return the columns that are the target once more: written otherwise, parts of it, made of it, shares of it."""
    numbers = {column.name: column for column in columns if column.kind == "number"}
    found = _audited(rows, target, numbers)
    made = made_by_name([target.name, *numbers])
    for name, column in numbers.items():
        changed = made.get(name, name) == made.get(target.name, target.name)
        if changed or _nearly_the_same(rows, target, column):
            found.setdefault(name, LeftOut("nearly the target once more", sure=False))
    return found | _shares(rows, [column for column in columns if column.name not in found])


def _audited(
    rows: pd.DataFrame, target: ColumnFacts, numbers: Mapping[str, ColumnFacts]
) -> dict[str, LeftOut]:
    """Return what an auditor of tables finds; of a product that is the target only what is made of the target."""
    measure = measure_of(target)
    # a time that follows exactly from a way is a law, one that follows from another time is the same once more
    laws = {name for name, column in numbers.items() if measure_of(column) not in ("", measure)}
    found: dict[str, LeftOut] = {}
    while True:
        new: dict[str, LeftOut] = {}
        for kind, names in audited(rows, target.name, [name for name in numbers if name not in found]):
            if kind == "copy of the target":
                why = f"follows from {target.name} without error: the same, written otherwise"
                new |= {name: LeftOut(why) for name in names if name not in laws}
            elif kind == "parts of the target":
                why = f"a part of {target.name}: {list_names(names, 3)} add up to it"
                new |= {name: LeftOut(why) for name in names}
            elif kind == "factors of the target":
                why = f"made of {target.name}: {list_names(names, 3)} give it exactly"
                likely = max(names, key=lambda name: _is_made_of(numbers[name], target))
                new |= {likely: LeftOut(why)} if _is_made_of(numbers[likely], target) else {}
        if not new:
            return found
        found |= new


def _is_made_of(column: ColumnFacts, target: ColumnFacts) -> int:
    """Return from 0 to 2 how likely a factor of the target is made of it rather than known before, by its name."""
    said = words_of(column)
    same = bool(said & words_of(target)) or measure_of(column) == measure_of(target) != ""
    return 2 if said & WORDS["ratios"] else int(same)


def _nearly_the_same(rows: pd.DataFrame, target: ColumnFacts, column: ColumnFacts) -> bool:
    """Say whether a column is the target but for little: of one measure or size or called alike, and going with it."""
    one, other = sorted((target.name.lower(), column.name.lower()), key=len)
    measures = {measure_of(target), measure_of(column)} - {""}
    same_measure = measure_of(target) == measure_of(column) != "" and not is_lever(column)
    alike = same_measure or names_alike(column, target) or (len(one) > 3 and one in other)
    if len(measures) > 1 and not alike:
        return False
    both = rows[[target.name, column.name]].dropna()
    planned = bool(words_of(column) & WORDS["planned"])
    sizes = both.abs().median()
    same_size = float(sizes.min()) > 0.5 * float(sizes.max())
    limit = _CALLED_ALIKE if alike and not planned else _ONCE_MORE
    going = float(both.rank().corr().to_numpy()[0, 1])
    return len(both) >= 10 and (alike or same_size) and abs(going) > limit


def _shares(rows: pd.DataFrame, columns: Sequence[ColumnFacts]) -> dict[str, LeftOut]:
    """Return shares of one whole, by their names and since they add up to 1 or 100: known with it, not before."""
    names = [c.name for c in columns if c.kind == "number" and words_of(c) & WORDS["ratios"]]
    whole = rows[names].dropna().sum(axis="columns")
    sums = (float(np.isclose(whole, total, rtol=_SHARES).mean()) for total in (1.0, 100.0))
    if len(names) < 2 or not len(whole) or max(sums) < 0.9:
        return {}
    why = f"shares of a whole, known with it: {list_names(names, 3)} add up to {whole.mean():.0f}"
    return {name: LeftOut(why, sure=False) for name in names}


def _made_of_others(
    rows: pd.DataFrame, columns: Sequence[ColumnFacts], others: Sequence[ColumnFacts]
) -> dict[str, LeftOut]:
    """Return the columns that other ones tell: logarithms and squares, and marks of dates and of texts."""
    numbers = [column for column in columns if column.kind == "number"]
    found = {
        name: LeftOut(f"made of {base}, which is there by itself")
        for name, base in made_by_name([column.name for column in numbers]).items()
        if abs(float(rows[[name, base]].rank().corr().to_numpy()[0, 1])) > _EXACTLY
    }
    marked = [each for each in others if is_date(each) or (each.kind == "text" and each in columns)]
    marked = [each for each in marked if 5 * each.distinct <= len(rows)]
    for column in (each for each in numbers if each.distinct == 2):
        for other in marked:
            if int(rows.groupby(other.name)[column.name].nunique().max()) < 2:
                found[column.name] = LeftOut(f"marks values of {other.name}")
    return found


def _most_telling(
    rows: pd.DataFrame, target: str, columns: Sequence[ColumnFacts], left_out: dict[str, LeftOut]
) -> list[ColumnFacts]:
    """Return the columns that tell most of the target, each beside those before; note why the others are left out."""
    # of columns that say the same the plainest goes first: whole numbers rather than those made of them
    open_columns = sorted(columns, key=lambda column: not column.whole)
    blocks = {column.name: _block(rows[column.name], column) for column in columns}
    rest = ranks = _ranks(rows[target])
    alone, before, chosen = dict[str, float](), dict[str, float](), list[ColumnFacts]()
    while open_columns and len(chosen) < _MOST_FEATURES:
        directions = {column.name: _directions(blocks[column.name]) for column in open_columns}
        told = {name: _told(each, rest) / float(ranks @ ranks) for name, each in directions.items()}
        alone = alone or told
        for name, share in told.items():
            if chosen and before[name] - share > 0.5 * alone[name] > _HARDLY:
                left_out[name] = LeftOut(f"says what {chosen[-1].name} says")
        most, before = max(told.values()), told
        if most < _LEAST_ADDED:
            break
        best = next(column for column in open_columns if told[column.name] >= _AS_GOOD * most)
        chosen.append(best)
        open_columns.remove(best)
        taken = directions[best.name]
        rest = rest - taken @ (taken.T @ rest)
        blocks = {name: block - taken @ (taken.T @ block) for name, block in blocks.items()}
    for column in open_columns:
        little = "hardly linked with the target" if alone[column.name] < _HARDLY else ""
        left_out.setdefault(column.name, LeftOut(little or "tells little of the target beside the others"))
    return [column for column in columns if column in chosen]


def _told_alone(rows: pd.DataFrame, target: str, column: ColumnFacts) -> float:
    """Return the share of the variance of a target's ranks that a column tells of new rows."""
    ranks = _ranks(rows[target])
    return _told(_directions(_block(rows[column.name], column)), ranks) / float(ranks @ ranks)


def _ranks(values: pd.Series) -> _Floats:
    ranks = values.rank().to_numpy(np.float64)
    return np.asarray(ranks - ranks.mean())


def _block(values: pd.Series, column: ColumnFacts) -> _Floats:
    """Return bent lines of the ranks of numbers, or zeros and ones for each text; missing values tell nothing."""
    there = values.notna().to_numpy()
    if column.kind == "text":
        block = pd.get_dummies(values.astype("str").where(values.notna())).to_numpy(np.float64)
    else:
        ranks = values.rank(pct=True).to_numpy(np.float64)
        bends = [ranks**2] if len(ranks) < _FEW_ROWS else [np.maximum(ranks - knot, 0.0) for knot in _KNOTS]
        block = np.column_stack([ranks, *bends])
    block = block - block[there].mean(axis=0) if there.any() else np.zeros_like(block)
    block[~there] = 0.0
    return np.asarray(block)


def _directions(block: _Floats) -> _Floats:
    """Return an orthonormal basis of what columns span, without what is hardly there."""
    squares, turned = np.linalg.eigh(block.T @ block)  # few columns, many rows
    there = squares > _THIN * len(block)
    return np.asarray(block @ turned[:, there] / np.sqrt(squares[there]))


def _told(directions: _Floats, rest: _Floats) -> float:
    """Return how much of the squares of a rest directions tell of new rows, by Akaike's final prediction error."""
    rows, count = len(rest), directions.shape[1] + 1
    if rows <= count:
        return 0.0
    whole = float(rest @ rest)
    left = whole - float(np.square(directions.T @ rest).sum())
    penalty = (rows + count) / (rows - count) * (rows - 1) / (rows + 1)
    return float(whole - left * penalty)
