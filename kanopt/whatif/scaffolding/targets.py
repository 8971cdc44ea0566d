"""Which column of a history is most likely wanted to be known: by words, by its place, and by what is made of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from kanopt.whatif.scaffolding.header_words import (
    CHANGED,
    CONDITIONS,
    MEASURE_WORDS,
    OUTCOMES,
    RATIOS,
    WEAKER,
    words_of,
)
from kanopt.whatif.scaffolding.outcomes import is_lever, may_be_target, measure_of, outcome_rank
from kanopt.whatif.scaffolding.relations import parts_of_sum
from kanopt.whatif.scaffolding.screening import sampled
from kanopt.whatif.scaffolding.sources import ColumnFacts

__all__ = ["TargetGuess", "is_numbered", "likely_targets", "made_by_name"]

_SURE = 4.0
_LEVER = 1.5
_FIRST, _LAST = 1.2, 0.8
_WHOLE, _NO_TARGET = 1.5, 3.0
_FAMILY, _ALIKE = 3, 0.9
_LEAST_LETTERS = 3
_RATIO = 1.5
_OUTCOME_WORDS = frozenset().union(*OUTCOMES.values(), WEAKER)


@dataclass(frozen=True)
class TargetGuess:
    """A column that may be wanted to be known.

    Parameters
    ----------
    column
        Which.
    score
        How much speaks for it.
    why
        What speaks for it.
    """

    column: ColumnFacts
    score: float
    why: str

    @property
    def plain(self) -> bool:
        """Whether its header plainly names an outcome, and nothing speaks against it."""
        return outcome_rank(self.column) >= _SURE and self.score >= _SURE


def likely_targets(
    frame: pd.DataFrame, columns: Sequence[ColumnFacts], measures: str = ""
) -> list[TargetGuess]:
    """Return the columns that may be wanted to be known, the most likely first.

    Parameters
    ----------
    frame
        The table.
    columns
        Its columns.
    measures
        What the target must measure; empty for anything.

    Examples
    --------
    >>> days = pd.DataFrame({"wind": [k % 17 for k in range(60)], "trips": [k * k % 31 for k in range(60)]})
    >>> columns = [ColumnFacts(name, days[name], 60) for name in days]
    >>> [guess.column.name for guess in likely_targets(days, columns)]
    ['trips', 'wind']
    """
    headers = [column.header.pieces for column in columns]
    alone = [] if ("x",) in headers else [column for column in columns if column.header.pieces == ("y",)]
    able = [
        column
        for column in columns
        if (may_be_target(column) or (column in alone and column.kind == "number"))
        and (not measures or measure_of(column) == measures)
    ]
    made = made_by_name([column.name for column in columns if column.kind == "number"])
    plain = [column for column in able if column.name not in made] or able
    rows = sampled(frame)
    guesses = []
    for column in able:
        place = _place(column, plain)
        plainly = outcome_rank(column) >= 3
        score = _by_words(column) - _NO_TARGET * (column.name in made)
        score += 0.3 * place if plainly and place == _LAST else place
        score -= _RATIO * _is_a_ratio(column, plain)
        score -= 2.0 * _is_one_of_many(rows, column, plain)
        score += 0.1 * (not column.whole)
        whole = outcome_rank(column) >= 2 and _is_a_whole(rows, column, plain)
        guesses.append(TargetGuess(column, score + _WHOLE * whole, _why(column, place, whole=whole)))
    return sorted(guesses, key=lambda guess: -guess.score)


def made_by_name(names: Collection[str]) -> dict[str, str]:
    """Return columns that are another one changed, by their names, with that one: logarithms, squares, lags.

    Examples
    --------
    >>> made_by_name(["fare", "lfare", "fare_sq", "log(fare)", "distance", "tip_1", "tips"])
    {'lfare': 'fare', 'fare_sq': 'fare', 'log(fare)': 'fare', 'tip_1': 'tips'}
    """
    found: dict[str, str] = {}
    plain = {"".join(sign for sign in name.lower() if sign.isalnum()): name for name in names}
    for text, name in plain.items():
        others = [each for each in plain if each != text and len(each) >= _LEAST_LETTERS]
        for other in sorted(others, key=len, reverse=True):
            if other in text and text.replace(other, "", 1) in CHANGED:
                found[name] = plain[other]
                break
        stem, _, number = name.lower().rpartition("_")
        if name not in found and len(stem) >= _LEAST_LETTERS and number in ("1", "2", "lag"):
            base = next((each for each in others if each.startswith(stem) and not each[-1].isdigit()), "")
            found |= {name: plain[base]} if base else {}
    return found


def _by_words(column: ColumnFacts) -> float:
    """Return how much the words of a header speak for it."""
    found, rank = words_of(column), outcome_rank(column)
    score = _LEVER if rank == 3 and is_lever(column) else float(rank)
    if found & CONDITIONS and rank < 4:
        score = min(score, 0.0) - _NO_TARGET
    return score - 2.0 * (measure_of(column) == "length")


def _is_a_ratio(column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> bool:
    """Say whether a header is that of a share, or of so much per something where the whole is there as well."""
    found = words_of(column)
    if not found & RATIOS:
        return False
    alike = [words for words in (*MEASURE_WORDS.values(), _OUTCOME_WORDS & found) if words & found]
    others = [words_of(each) for each in candidates if each.name != column.name]
    whole = any(words & each and "per" not in each for each in others for words in alike)
    return "per" not in found or whole


def _place(column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> float:
    """Return what the place in the table says: people write the outcome first or last."""
    names = [each.name for each in candidates if not words_of(each) & CONDITIONS]
    if column.name not in names:
        return 0.0
    if len(candidates) == 2 and names[-1] == column.name:
        return 2 * _FIRST  # x and y
    return _FIRST if names[0] == column.name else _LAST if names[-1] == column.name else 0.0


def _is_one_of_many(frame: pd.DataFrame, column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> bool:
    """Say whether several columns are of one kind, as prices of several goods are, and not nearly the same."""
    if is_numbered(column, candidates):
        return True
    words = words_of(column) & _OUTCOME_WORDS
    if words & {"total", "tot"}:
        return False
    alike = [each for each in candidates if words and words <= words_of(each) and each.name != column.name]
    if len(alike) < _FAMILY - 1:
        return False
    ranks = frame[[column.name, *(each.name for each in alike)]].rank().corr()[column.name]
    return int((ranks.drop(column.name).abs() < _ALIKE).sum()) >= _FAMILY - 1


def is_numbered(column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> bool:
    """Say whether columns are told apart by a letter or number at the end: costA, costB, costC."""
    *stem, end = column.header.pieces or ("",)
    if not stem or not (len(end) == 1 or end.isdigit()):
        return False
    alike = [each.header.pieces for each in candidates if each.header.pieces[:-1] == tuple(stem)]
    return sum(len(pieces[-1]) == 1 or pieces[-1].isdigit() for pieces in alike) >= _FAMILY


def _is_a_whole(frame: pd.DataFrame, column: ColumnFacts, candidates: Sequence[ColumnFacts]) -> bool:
    """Say whether a column is the sum of others of the table."""
    others = [each.name for each in candidates if each.name != column.name]
    weights = parts_of_sum(frame, column.name, others)
    return len(weights) > 1 and all(abs(weight - 1) < 1e-4 for weight in weights.values())


def _why(column: ColumnFacts, place: float, *, whole: bool) -> str:
    if whole:
        return "others add up to it"
    if outcome_rank(column) >= 2:
        return "its header names an outcome"
    where = "the first" if place == _FIRST else "the last" if place else "a"
    return f"{where} column of many numbers"
