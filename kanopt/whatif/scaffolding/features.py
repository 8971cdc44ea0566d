"""Which columns of a history a law may depend on, and why others are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from kanopt.records.words import IDENTIFIERS
from kanopt.text import list_names
from kanopt.whatif.scaffolding.header_words import AFTERWARDS, THINGS, words_of
from kanopt.whatif.scaffolding.leaks import LeftOut, made_of, once_more
from kanopt.whatif.scaffolding.outcomes import (
    can_be_read,
    is_date,
    is_lever,
    is_outcome,
    measure_of,
    outcome_rank,
)
from kanopt.whatif.scaffolding.relations import is_clock_number, is_label, panel_column, same_order
from kanopt.whatif.scaffolding.screening import sampled, screen, told_alone
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable
from kanopt.whatif.scaffolding.targets import is_numbered, made_by_name

__all__ = ["FeatureChoice", "LeftOut", "choose_features"]

_MOST_FEATURES, _MOST_CATEGORIES, _FEW_CATEGORIES = 8, 60, 30
_LEAST_LINKED = 0.0025
_TELLING = 0.1  # a column linked so much is worth a look where it is left out for its name
_TWINS = 0.98  # of ranks and values
_THERE = 0.6
_LAGS = ("_1", "_2", "lag")
_DENSE = 3  # whole numbers that never repeat number rows where they fill so small a range
_LINKED_QUANTITY = 0.3
KNOWN_AFTERWARDS = "known only afterwards, by its name"


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
    several = [
        column for column in table.columns.values() if is_numbered(column, list(table.columns.values()))
    ]
    for column in table.columns.values():
        if column.name == target.name:
            continue
        reason = _no_feature(frame, column, usable, among=column in several)
        if reason is None and usable is None and _marks_a_date(frame, column, dates):
            reason = LeftOut("marks a date, which does not come again")
        if reason is None:
            open_columns.append(column)
        else:
            left_out[column.name] = reason
    group = "" if usable is not None else _group(table, target, left_out)
    parts = {} if usable is not None else made_of(frame, target, open_columns)
    nearly: dict[str, LeftOut] = {}
    if usable is None:
        nearly = once_more(frame, target, [column for column in open_columns if column.name not in parts])
        left_out |= nearly
        open_columns = [column for column in open_columns if column.name not in nearly]
    free = [column for column in open_columns if column.name not in parts and column.name != group]
    chosen = _most_telling(frame, target, free, left_out)
    doubt = _doubts(frame, target, left_out)
    if parts and chosen:
        left_out |= {name: LeftOut(why) for name, why in parts.items()}
    elif parts:
        # nothing else tells of the target: the only columns are kept and marked
        chosen = _most_telling(frame, target, [c for c in open_columns if c.name != group], left_out)
        doubt = next(iter(parts.values()))
    elif not chosen and usable is None and nearly:
        chosen = _most_telling(frame, target, [c for c in table.columns.values() if c.name in nearly], {})
        doubt = next(iter(nearly.values())).why
        left_out = {name: out for name, out in left_out.items() if name not in {c.name for c in chosen}}
    if not chosen and free:
        chosen, doubt = free[:1], "hardly linked with the target"
        del left_out[free[0].name]
    return FeatureChoice(chosen, left_out, group, doubt)


def _most_telling(
    frame: pd.DataFrame, target: ColumnFacts, columns: Sequence[ColumnFacts], left_out: dict[str, LeftOut]
) -> list[ColumnFacts]:
    """Return the columns that tell most of the target, each beside those before; note why the others are left out."""
    rows = sampled(frame)
    made = made_by_name([column.name for column in columns if column.kind == "number"])
    for name in [each for each in made if not each.lower().endswith(_LAGS)]:
        exactly = same_order(rows[name], rows[made[name]])
        left_out[name] = LeftOut(f"made of {made[name]}, which is there by itself", sure=exactly)
    for column in columns:
        if (text := _marks_a_text(rows, column, columns)) and column.name not in left_out:
            left_out[column.name] = LeftOut(f"marks values of {text}")
    columns = [column for column in columns if column.name not in left_out]
    # of columns that say the same the plainest goes first: whole numbers rather than those made of them
    plainest = sorted(columns, key=lambda column: not column.whole)
    found = screen(rows, target.name, plainest, _MOST_FEATURES)
    chosen = found.chosen
    names = [column.name for column in chosen]
    numbers = rows[[column.name for column in columns if column.kind == "number"]].rank()
    alike = {name: numbers.corrwith(numbers[name]).abs() for name in names if name in numbers}
    for column in columns:
        if column.name in names:
            continue
        near = [
            each for each in chosen if each.kind == "text" or alike[each.name].get(column.name, 0.0) > _TWINS
        ]
        same = next((each for each in near if _says_the_same(rows, column, each)), None)
        if same is not None:
            left_out[column.name] = LeftOut(f"says the same as {same.name}")
        elif found.linked.get(column.name, 0.0) < _LEAST_LINKED:
            left_out[column.name] = LeftOut("hardly linked with the target")
        else:
            left_out[column.name] = LeftOut("tells little of the target beside the others")
    order = list(frame.columns)
    return sorted(chosen, key=lambda column: order.index(column.name))


def _no_feature(
    frame: pd.DataFrame, column: ColumnFacts, usable: Callable[[ColumnFacts], bool] | None, *, among: bool
) -> LeftOut | None:
    """Return why a column is no feature; one among several of a kind, as costs of three ways are, may be one."""
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
    if words_of(column) & AFTERWARDS:
        return LeftOut(KNOWN_AFTERWARDS)
    known = rank >= 4 or (rank == 3 and measure_of(column) != "amount")
    if known and not among and not is_lever(column):
        return LeftOut(KNOWN_AFTERWARDS)
    return _unfit(frame, column)


def _unfit(frame: pd.DataFrame, column: ColumnFacts) -> LeftOut | None:
    """Return why the cells of a column do not teach a law; None where they may."""
    if column.kind == "flag":
        return LeftOut("yes and no, which no law reads as it stands")
    there = float(frame[column.name].notna().mean()) if len(frame) else 0.0
    if there < _THERE:
        return LeftOut("mostly missing")
    if column.distinct < 2:
        return LeftOut("the same in every row")
    if column.kind == "text":
        most = min(_MOST_CATEGORIES, max(column.rows // 50, min(_FEW_CATEGORIES, column.rows // 4)))
        return None if column.distinct <= most else LeftOut("too many different texts")
    pieces = column.header.pieces
    if pieces and pieces[-1] in IDENTIFIERS:
        return LeftOut("a number of something")
    if column.whole and column.header.pieces[-1:] and column.header.pieces[-1] in THINGS:
        return LeftOut("a number of something, by its name", sure=False)
    unique = column.whole and column.is_unique and not measure_of(column) and not is_outcome(column)
    if unique and (reason := _counts_rows(frame, column)):
        return reason
    if is_date(column):
        return LeftOut("a date, which does not come again")
    if not measure_of(column) and is_label(frame, column):
        return LeftOut("a number of something: near numbers are not alike", sure=False)
    return None


def _counts_rows(frame: pd.DataFrame, column: ColumnFacts) -> LeftOut | None:
    """Say that whole numbers that never repeat number the rows; None where they are more likely a quantity."""
    steps = column.values.diff().dropna()
    if (steps > 0).all():
        return LeftOut("a number of something")
    span = float(column.values.max() - column.values.min())
    numbers = sampled(frame).select_dtypes("number")
    links = numbers.rank().corr()[column.name].drop(column.name).abs()
    if span > _DENSE * column.rows and float(links.max()) > _LINKED_QUANTITY:
        return None
    return LeftOut("a number of something", sure=False)


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


def _marks_a_date(frame: pd.DataFrame, column: ColumnFacts, dates: list[ColumnFacts]) -> bool:
    """Say whether a column of two values has one of them for each value of a date, as a mark of a year has."""
    return (
        column.kind == "number"
        and column.distinct == 2
        and any(_follows(frame, column, date) for date in dates if date.name != column.name)
    )


def _marks_a_text(frame: pd.DataFrame, column: ColumnFacts, columns: Sequence[ColumnFacts]) -> str:
    """Return the column of few texts of which a column of two numbers marks some; empty where there is none."""
    if column.kind != "number" or column.distinct != 2:
        return ""
    texts = [each.name for each in columns if each.kind == "text" and 5 * each.distinct <= each.rows]
    return next((name for name in texts if int(frame.groupby(name)[column.name].nunique().max()) <= 1), "")


def _follows(frame: pd.DataFrame, column: ColumnFacts, date: ColumnFacts) -> bool:
    values = frame.groupby(date.name)[column.name].nunique()
    return 2 <= len(values) <= len(frame) / 5 and int(values.max()) <= 1


def _doubts(frame: pd.DataFrame, target: ColumnFacts, left_out: dict[str, LeftOut]) -> str:
    """Say which columns that tell much of the target were left out for their names, and mark them."""
    looked_at = []
    rows = sampled(frame)
    for name, reason in left_out.items():
        column = ColumnFacts(name, frame[name].dropna(), len(frame))
        by_name = (
            reason.why == KNOWN_AFTERWARDS
            and column.kind in ("number", "text")
            and told_alone(rows, target.name, column) > _TELLING
        )
        if by_name:
            left_out[name] = LeftOut(reason.why, sure=False)
        if by_name or not reason.sure:
            looked_at.append(name)
    return f"left out {list_names(looked_at, 3)}: known beforehand?" if looked_at else ""


def _says_the_same(rows: pd.DataFrame, column: ColumnFacts, other: ColumnFacts) -> bool:
    """Say whether either of two columns will do; numbers among them go in about the same order."""
    if column.kind != other.kind:
        return False
    both = rows[[column.name, other.name]].dropna()
    if column.kind == "text":
        pairs = len(both.drop_duplicates())
        return pairs == both[column.name].nunique() == both[other.name].nunique()
    straight = abs(float(both[column.name].corr(both[other.name])))
    return straight > _TWINS or same_order(both[column.name], both[other.name])
