"""What a history can teach: the target of a law, and the columns it may depend on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from kanopt.whatif.scaffolding.features import LeftOut, choose_features
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit
from kanopt.whatif.scaffolding.outcomes import (
    is_outcome,
    likely_target,
    may_be_target,
    measure_of,
    outcome_rank,
    period_of,
)
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable
from kanopt.whatif.scaffolding.value_units import guess_units

__all__ = ["LawGuess", "guess_law", "guess_laws"]

_MOST_LAWS = 3


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
    group
        The column that says which rows belong together; empty where there is none.
    doubt
        What of the features is to be looked at; empty where nothing is.
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
    left_out: dict[str, LeftOut]
    group: str = ""
    doubt: str = ""


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
    target = target or likely_target(list(table.columns.values()), measures)
    if target is None:
        return None
    choice = choose_features(table, target, usable)
    chosen = choice.chosen
    if not chosen:
        return None
    unit = header_unit(target, money) or guess_units(table, money).get(target.name)
    used = [target, *chosen]
    return LawGuess(
        table=table,
        target=target.name,
        features=tuple(column.name for column in chosen),
        unit=unit,
        sure=outcome_rank(target) >= 4,
        why="its header names an outcome" if is_outcome(target) else "the last column of many numbers",
        periodic={c.name: period for c in chosen if (period := period_of(c))},
        rising=tuple(c.name for c in chosen if _rises(target, c)),
        holdout=_holdout(table, [column.name for column in used]),
        drop_missing=any(len(column.values) < column.rows for column in used),
        pooled=any(c.kind == "text" and c.values.value_counts().min() < 30 for c in chosen),
        left_out=choice.left_out,
        group=choice.group,
        doubt=choice.doubt,
    )


def guess_laws(table: SourceTable, money: str) -> list[LawGuess]:
    """Return the laws that a history can teach beside a plan: of each column that plainly is an outcome, or of one."""
    plain = [
        column for column in table.columns.values() if outcome_rank(column) >= 4 and may_be_target(column)
    ]
    targets: list[ColumnFacts | None] = [*plain[:_MOST_LAWS]] or [None]
    found = [guess_law(table, money, target=column) for column in targets]
    return [law for law in found if law is not None]


def _rises(target: ColumnFacts, column: ColumnFacts) -> bool:
    """Say whether nobody would believe a law that falls with the column: time, cost and energy with the way."""
    return (
        column.kind == "number"
        and measure_of(column) == "length"
        and measure_of(target) in ("time", "money", "energy")
        and outcome_rank(target) >= 3
    )


def _holdout(table: SourceTable, used: Collection[str]) -> tuple[str, int] | tuple[()]:
    """Return a column of weeks or periods, and how many of the last to hold out; about a fifth of the rows."""
    names: Sequence[str] = ("week", "period", "date", "day", "year", "woche", "jahr")
    for name in names:
        for column in table.columns.values():
            if name in column.header.pieces and column.name not in used and 5 <= column.distinct <= 400:
                counts = column.values.value_counts().sort_index(ascending=False).cumsum()
                last = int((counts < 0.2 * column.rows).sum()) + 1
                if is_numeric_dtype(column.values) or is_datetime64_any_dtype(column.values):
                    held = int(counts.iloc[last - 1])
                    if len(column.values) == column.rows and 10 <= held <= 0.5 * column.rows:
                        return column.name, last
    return ()
