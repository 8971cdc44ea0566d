"""Which columns of a history a law may depend on, and why others are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

from kanopt.problems.planning_words import IDENTIFIERS
from kanopt.text import list_names
from kanopt.whatif.scaffolding.outcomes import (
    can_be_read,
    is_date,
    is_lever,
    is_outcome,
    measure_of,
    outcome_rank,
)
from kanopt.whatif.scaffolding.relations import (
    is_clock_number,
    is_label,
    panel_column,
    parts_of_sum,
    same_order,
)
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable

__all__ = ["FeatureChoice", "LeftOut", "choose_features"]

_MOST_FEATURES, _MOST_CATEGORIES, _FEW_CATEGORIES, _LEAST_LINKED = 6, 60, 30, 0.05
_LEAST_ADDED = 0.002  # of the variance of the target
_TELLING = 0.1  # a column linked so much is worth a look where it is left out for its name
_SAMPLE = 20_000
_TWINS = 0.98  # of ranks and values
_LEAST_LETTERS = 4
AFTERWARDS = "known only afterwards, by its name"
NEARLY = "nearly the target once more"


@dataclass(frozen=True)
class LeftOut:
    """Why a column is no feature, and whether that is certain."""

    why: str
    sure: bool = True


@dataclass(eq=False)
class FeatureChoice:
    """Features of a law.

    Parameters
    ----------
    chosen
        The columns.
    left_out
        Column to why it is none.
    group
        The column that says which rows belong together; empty where there is none.
    doubt
        What is to be looked at; empty where nothing is.
    """

    chosen: list[ColumnFacts]
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    group: str = ""
    doubt: str = ""


def choose_features(
    table: SourceTable, target: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None
) -> FeatureChoice:
    """Return the columns most linked with the target, and why the others are left out.

    Parameters
    ----------
    table
        The history.
    target
        What is predicted.
    usable
        Says whether a column may be a feature; left out, every one may that seems to matter.
    """
    frame = table.frame[table.frame[target.name].notna()]
    left_out: dict[str, LeftOut] = {}
    open_columns: list[ColumnFacts] = []
    dates = [column for column in table.columns.values() if is_date(column)]
    for column in table.columns.values():
        if column.name == target.name:
            continue
        reason = _no_feature(frame, column, usable)
        if reason is None and usable is None and _marks_a_date(frame, column, dates):
            reason = LeftOut("marks a date, which does not come again")
        if reason is None:
            open_columns.append(column)
        else:
            left_out[column.name] = reason
    group = "" if usable is not None else _group(table, target, left_out)
    made_of = {} if usable is not None else _made_of(frame, target, open_columns)
    if usable is None:
        nearly = [c for c in open_columns if c.name not in made_of and _nearly_the_same(frame, target, c)]
        left_out |= {column.name: LeftOut(NEARLY, sure=False) for column in nearly}
        open_columns = [column for column in open_columns if column not in nearly]
    free = [column for column in open_columns if column.name not in made_of and column.name != group]
    chosen = _most_linked(frame, target, free, left_out)
    doubt = _doubts(frame, target, left_out)
    if not is_outcome(target) and usable is None:
        doubt = doubt or "they go with the target, which is a guess"
    if made_of and chosen:
        left_out |= {name: LeftOut(why) for name, why in made_of.items()}
    elif made_of:
        # nothing else tells of the target: the only columns are kept and marked
        chosen = _most_linked(frame, target, [c for c in open_columns if c.name != group], left_out)
        doubt = next(iter(made_of.values()))
    if not chosen and free:
        chosen, doubt = free[:1], "hardly linked with the target"
        del left_out[free[0].name]
    return FeatureChoice(chosen, left_out, group, doubt)


def _most_linked(
    frame: pd.DataFrame, target: ColumnFacts, columns: list[ColumnFacts], left_out: dict[str, LeftOut]
) -> list[ColumnFacts]:
    """Return the columns that tell most of the target, each beside those before; note why the others are left out."""
    sample = frame.head(_SAMPLE)
    ranks = sample[target.name].rank()
    rest, whole = ranks, float(ranks.var())
    chosen: list[ColumnFacts] = []
    groups = {column.name: _bins(sample[column.name], column) for column in columns}
    open_columns = []
    for column in columns:
        if _told(ranks, groups[column.name], whole) < _LEAST_LINKED**2:
            left_out[column.name] = LeftOut("hardly linked with the target")
        else:
            open_columns.append(column)
    while open_columns and len(chosen) < _MOST_FEATURES:
        told = {column.name: _told(rest, groups[column.name], whole) for column in open_columns}
        # of columns that say the same the plainest goes first: whole numbers rather than their logarithms
        best = max(open_columns, key=lambda each: (round(told[each.name], 3), each.whole))
        if chosen and told[best.name] < _LEAST_ADDED:
            break
        chosen.append(best)
        rest = rest - rest.groupby(groups[best.name]).transform("mean").fillna(0.0)
        open_columns.remove(best)
        for column in [each for each in open_columns if _says_the_same(sample, each, best)]:
            left_out[column.name] = LeftOut(f"says the same as {best.name}")
            open_columns.remove(column)
    for column in open_columns:
        left_out[column.name] = LeftOut("tells little of the target beside the others")
    order = list(frame.columns)
    return sorted(chosen, key=lambda column: order.index(column.name))


def _no_feature(
    frame: pd.DataFrame, column: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None
) -> LeftOut | None:
    if not can_be_read(column):
        return LeftOut("no law can name it")
    if column.kind == "date":
        return LeftOut("dates, which no law reads as they stand")
    if column.kind in ("clock", "windows"):
        return LeftOut("times of day, which no law reads as they stand")
    if usable is not None:
        return _unfit(frame, column) if usable(column) else LeftOut("nothing in the plan tells it")
    if is_clock_number(column):
        return LeftOut("times of day or dates written as numbers, which no law reads as they stand")
    rank = outcome_rank(column)
    if (rank >= 4 or (rank == 3 and measure_of(column) != "amount")) and not is_lever(column):
        return LeftOut(AFTERWARDS)
    return _unfit(frame, column)


def _unfit(frame: pd.DataFrame, column: ColumnFacts) -> LeftOut | None:
    """Return why the cells of a column do not teach a law; None where they may."""
    if column.kind == "flag":
        return LeftOut("yes and no, which no law reads as it stands")
    there = float(frame[column.name].notna().mean()) if len(frame) else 0.0
    if there < 0.5:
        return LeftOut("mostly missing")
    if column.distinct < 2:
        return LeftOut("the same in every row")
    if column.kind == "text":
        most = min(_MOST_CATEGORIES, max(column.rows // 50, min(_FEW_CATEGORIES, column.rows // 4)))
        return None if column.distinct <= most else LeftOut("too many different texts")
    pieces = column.header.pieces
    if pieces and pieces[-1] in IDENTIFIERS:
        return LeftOut("a number of something")
    if column.whole and column.is_unique and not measure_of(column) and not is_outcome(column):
        steps = column.values.diff().dropna()
        return LeftOut("a number of something", sure=bool((steps > 0).all()))
    if is_date(column):
        return LeftOut("a date, which does not come again")
    if not measure_of(column) and is_label(frame, column):
        return LeftOut("a number of something: near numbers are not alike", sure=False)
    return None


def _group(table: SourceTable, target: ColumnFacts, left_out: dict[str, LeftOut]) -> str:
    """Return the column of things that were seen several times, of which rows share an error."""
    every = table.columns
    for column in every.values():
        repeated = column.distinct >= 10 and column.rows >= 2 * column.distinct
        if repeated and column.header.pieces[-1:] == ("id",) and len(column.values) == column.rows:
            return column.name
    times = [column for column in every.values() if is_date(column)]
    things = [
        column
        for column in every.values()
        if len(column.values) == column.rows and not measure_of(column) and column.name != target.name
    ]
    numbers = [column for column in things if column.whole and not is_date(column)]
    many_texts = [column for column in things if column.kind == "text" and column.name in left_out]
    found = panel_column(table.frame, [*numbers, *many_texts], times)
    if found:
        left_out[found] = LeftOut("names what was seen at several times", sure=False)
    return found


def _made_of(frame: pd.DataFrame, target: ColumnFacts, columns: list[ColumnFacts]) -> dict[str, str]:
    """Return the columns that the target is made of, or that are made of it, and what they are."""
    found: dict[str, str] = {}
    sample = frame.head(_SAMPLE)
    measured = measure_of(target)
    numbers = [column for column in columns if column.kind == "number"]
    for column in numbers:
        # a time that follows exactly from a way is a law, one that follows from another time is the same once more
        other = measure_of(column)
        if (not other or other == measured) and same_order(sample[target.name], sample[column.name]):
            found[column.name] = f"follows from {target.name} without error: the same, written otherwise"
    rest = [column.name for column in numbers if column.name not in found]
    weights = parts_of_sum(sample, target.name, rest)
    if weights and all(abs(abs(weight) - 1) < 1e-4 for weight in weights.values()):
        found |= {
            name: f"a part of {target.name}: {list_names(list(weights), 3)} add up to it" for name in weights
        }
    return found


def _nearly_the_same(frame: pd.DataFrame, target: ColumnFacts, column: ColumnFacts) -> bool:
    """Say whether a column is the target but for little: of the same measure or called alike, and going with it."""
    if column.kind != "number":
        return False
    one, other = target.name.lower(), column.name.lower()
    alike = min(len(one), len(other)) >= _LEAST_LETTERS and (one in other or other in one)
    measure = measure_of(target)
    if not alike and (not measure or measure_of(column) != measure):
        return False
    both = frame[[target.name, column.name]].dropna().head(_SAMPLE)
    ranks = both.rank()
    return len(both) >= 10 and abs(float(ranks[target.name].corr(ranks[column.name]))) > _TWINS


def _marks_a_date(frame: pd.DataFrame, column: ColumnFacts, dates: list[ColumnFacts]) -> bool:
    """Say whether a column of two values has one of them for each value of a date, as a mark of a year has."""
    return (
        column.kind == "number"
        and column.distinct == 2
        and any(_follows(frame, column, date) for date in dates if date.name != column.name)
    )


def _follows(frame: pd.DataFrame, column: ColumnFacts, date: ColumnFacts) -> bool:
    values = frame.groupby(date.name)[column.name].nunique()
    return 2 <= len(values) <= len(frame) / 5 and int(values.max()) <= 1


def _doubts(frame: pd.DataFrame, target: ColumnFacts, left_out: dict[str, LeftOut]) -> str:
    """Say which columns that tell much of the target were left out for their names, and mark them."""
    looked_at = []
    sample = frame.head(_SAMPLE)
    ranks = sample[target.name].rank()
    for name, reason in left_out.items():
        column = ColumnFacts(name, frame[name].dropna(), len(frame))
        by_name = (
            reason.why == AFTERWARDS
            and column.kind in ("number", "text")
            and _told(ranks, _bins(sample[name], column), float(ranks.var())) > _TELLING
        )
        if by_name:
            left_out[name] = LeftOut(reason.why, sure=False)
        if by_name or not reason.sure:
            looked_at.append(name)
    return f"left out {list_names(looked_at, 3)}: known beforehand?" if looked_at else ""


def _bins(values: pd.Series, column: ColumnFacts) -> pd.Series:
    """Return groups of about equal values: categories, or eighths of the rows, in which bent links show too."""
    if column.kind == "text":
        return values.astype("str").where(values.notna())
    return pd.qcut(values.rank(method="first"), 8, labels=False)


def _told(rest: pd.Series, groups: pd.Series, whole: float) -> float:
    """Return the share of the target's variance that means of groups tell of what is not told yet."""
    there = groups.notna()
    rest, groups = rest[there], groups[there]
    count = groups.nunique()
    if len(rest) < 10 or count >= len(rest) or not whole > 0:
        return 0.0
    means = rest.groupby(groups).transform("mean")
    variance = float(rest.var())
    share = float(means.var()) / variance if variance > 0 else 0.0
    by_chance = (count - 1) / (len(rest) - 1)  # as of adjusted R²
    return max((share - by_chance) / (1 - by_chance), 0.0) * variance / whole * float(there.mean())


def _says_the_same(frame: pd.DataFrame, column: ColumnFacts, other: ColumnFacts) -> bool:
    if column.kind != other.kind:
        return False
    both = frame[[column.name, other.name]].dropna().head(_SAMPLE)
    if column.kind == "text":
        pairs = len(both.drop_duplicates())
        return pairs == both[column.name].nunique() == both[other.name].nunique()
    if not (both[column.name].std() and both[other.name].std()):
        return False
    alike = abs(float(both[column.name].corr(both[other.name])))
    by_rank = abs(float(both[column.name].rank().corr(both[other.name].rank())))
    return min(alike, by_rank) > _TWINS or same_order(both[column.name], both[other.name])
