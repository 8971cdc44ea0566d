"""What a history can teach: the target of a law, and the columns it may depend on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from kanopt.whatif.scaffolding.features import LeftOut, choose_features
from kanopt.whatif.scaffolding.header_words import DAYS
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit
from kanopt.whatif.scaffolding.outcomes import measure_of, outcome_rank, period_of
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable
from kanopt.whatif.scaffolding.targets import TargetGuess, likely_targets
from kanopt.whatif.scaffolding.value_units import guess_units

__all__ = ["LawGuess", "guess_law", "guess_laws"]

_MOST_LAWS, _MOST_OTHERS = 3, 2
_MOST_DAYS = 31
_BEGINNINGS = frozenset(("built", "birth", "born", "founded", "opened", "construction", "model", "baujahr"))
_CLEAR = 1.0  # how much more must speak for a target than for any other column


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
    guessed
        Whether the target is little more than a guess, and the features with it.
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
    guesses = likely_targets(table.frame, list(table.columns.values()), measures)
    chosen_target = next((guess for guess in guesses if target in (None, guess.column)), None)
    if chosen_target is None:
        return None
    target = chosen_target.column
    choice = choose_features(table, target, usable)
    chosen = choice.chosen
    if not chosen:
        return None
    others = [] if measures else _rivals(chosen_target, guesses)
    sure = chosen_target.plain and not others
    guessed = bool(others) or outcome_rank(target) < 3
    doubt = choice.doubt or ("they go with the target, which is a guess" if guessed and not usable else "")
    unit = header_unit(target, money) or guess_units(table, money).get(target.name)
    used = [target, *chosen]
    return LawGuess(
        table=table,
        target=target.name,
        features=tuple(column.name for column in chosen),
        unit=unit,
        sure=sure,
        why=chosen_target.why + (f"; else {' or '.join(map(repr, others))}" if others and not sure else ""),
        periodic={c.name: period for c in chosen if (period := period_of(c))},
        rising=tuple(c.name for c in chosen if _rises(target, c)),
        holdout=_holdout(table, [column.name for column in used]),
        drop_missing=any(len(column.values) < column.rows for column in used),
        pooled=any(c.kind == "text" and c.values.value_counts().min() < 30 for c in chosen),
        left_out=choice.left_out,
        group=choice.group,
        doubt=doubt,
        guessed=guessed and not usable,
    )


def guess_laws(table: SourceTable, money: str) -> list[LawGuess]:
    """Return the laws that a history can teach beside a plan: of each column that plainly is an outcome, or of one."""
    guesses = likely_targets(table.frame, list(table.columns.values()))
    plain = [guess.column for guess in guesses if guess.plain]
    targets: list[ColumnFacts | None] = [*plain[:_MOST_LAWS]] or [None]
    found = [guess_law(table, money, target=column) for column in targets]
    return [law for law in found if law is not None]


def _rivals(target: TargetGuess, guesses: Sequence[TargetGuess]) -> list[str]:
    """Return the columns for which nearly as much speaks as for a target."""
    near = [guess for guess in guesses if guess.score > max(target.score - _CLEAR, 0.0)]
    return [guess.column.name for guess in near if guess.column is not target.column and not guess.plain][
        :_MOST_OTHERS
    ]


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
            ends = column.header.pieces[:1] + column.header.pieces[-1:]
            event = name in ends and column.name not in used and not _is_no_event(column)
            if event and 5 <= column.distinct <= 400:
                counts = column.values.value_counts().sort_index(ascending=False).cumsum()
                last = int((counts < 0.2 * column.rows).sum()) + 1
                if is_numeric_dtype(column.values) or is_datetime64_any_dtype(column.values):
                    held = int(counts.iloc[last - 1])
                    if len(column.values) == column.rows and 10 <= held <= 0.5 * column.rows:
                        return column.name, last
    return ()


def _is_no_event(column: ColumnFacts) -> bool:
    """Say whether a date is not when a row took place: days of a month, which come again, and years of building."""
    if _BEGINNINGS & set(column.header.pieces):
        return True
    days = column.kind == "number" and bool(DAYS & set(column.header.pieces))
    return days and float(column.values.min()) >= 1 and float(column.values.max()) <= _MOST_DAYS
