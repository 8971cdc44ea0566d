"""Columns that are the target once more: written otherwise, parts of it, made of it, or shares of a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kanopt.text import list_names
from kanopt.whatif.scaffolding.header_words import OUTCOMES, PLANNED, RATIOS, WEAKER, words_of
from kanopt.whatif.scaffolding.outcomes import is_lever, measure_of
from kanopt.whatif.scaffolding.relations import factors_of_product, parts_of_sum, same_order
from kanopt.whatif.scaffolding.screening import sampled
from kanopt.whatif.scaffolding.sources import ColumnFacts
from kanopt.whatif.scaffolding.targets import made_by_name

__all__ = ["LeftOut", "made_of", "once_more"]

_TWINS = 0.98  # of ranks
_CALLED_ALIKE = 0.85
_SAME_MEASURE = 0.95
_SHARES = 0.02  # of a whole, where shares were rounded
_LEAST_LETTERS = 4
_NAMED = frozenset().union(*OUTCOMES.values(), WEAKER)
NEARLY = "nearly the target once more"


@dataclass(frozen=True)
class LeftOut:
    """Why a column is no feature, and whether that is certain."""

    why: str
    sure: bool = True


def made_of(frame: pd.DataFrame, target: ColumnFacts, columns: Sequence[ColumnFacts]) -> dict[str, str]:
    """Return the columns that the target is made of, or that are made of it, and what they are.

    Parameters
    ----------
    frame
        The table.
    target, columns
        What is predicted, and what may be a feature.
    """
    found: dict[str, str] = {}
    rows = sampled(frame)
    measured = measure_of(target)
    numbers = [column for column in columns if column.kind == "number"]
    for column in numbers:
        # a time that follows exactly from a way is a law, one that follows from another time is the same once more
        other = measure_of(column)
        if (not other or other == measured) and same_order(rows[target.name], rows[column.name]):
            found[column.name] = f"follows from {target.name} without error: the same, written otherwise"
    rest = [column.name for column in numbers if column.name not in found]
    weights = parts_of_sum(rows, target.name, rest)
    if weights and all(abs(abs(weight) - 1) < 1e-4 for weight in weights.values()):
        found |= {
            name: f"a part of {target.name}: {list_names(list(weights), 3)} add up to it" for name in weights
        }
    return found


def once_more(frame: pd.DataFrame, target: ColumnFacts, columns: Sequence[ColumnFacts]) -> dict[str, LeftOut]:
    """Return the columns that are the target but for little, that are made of it and of others, or shares of a whole.

    Parameters
    ----------
    frame
        The table.
    target, columns
        What is predicted, and what may be a feature.
    """
    numbers = [column for column in columns if column.kind == "number"]
    rows = sampled(frame)
    made = made_by_name([target.name, *(column.name for column in numbers)])
    found = {
        column.name: LeftOut(NEARLY, sure=False)
        for column in numbers
        if _is_changed_target(made, column.name, target.name) or _nearly_the_same(rows, target, column)
    }
    found |= _of_a_product(rows, target, numbers)
    return found | _shares(rows, [name for name in frame.columns if name != target.name])


def _is_changed_target(made: dict[str, str], name: str, target: str) -> bool:
    """Say whether a column is the target changed by its name, or that again: clrent of lrent of rent."""
    seen: set[str] = set()
    while name in made and name not in seen:
        seen.add(name)
        name = made[name]
        if name == target:
            return True
    return made.get(target) == name or (target in made and made[target] == name)


def _nearly_the_same(rows: pd.DataFrame, target: ColumnFacts, column: ColumnFacts) -> bool:
    """Say whether a column is the target but for little: of one measure or size or called alike, and going with it."""
    one, other = target.name.lower(), column.name.lower()
    measure = measure_of(target)
    same_measure = bool(measure) and measure_of(column) == measure
    named_alike = bool(words_of(column) & words_of(target) & _NAMED)
    if words_of(column) & PLANNED and (same_measure or named_alike):
        limit = _TWINS
    elif min(len(one), len(other)) >= _LEAST_LETTERS and (one in other or other in one):
        limit = _CALLED_ALIKE
    elif named_alike or (same_measure and not is_lever(column)):
        limit = _SAME_MEASURE
    elif same_measure or not (measure and measure_of(column)):
        limit = _TWINS
    else:
        return False
    both = rows[[target.name, column.name]].dropna()
    if not (same_measure or named_alike or limit < _TWINS) and not _of_one_scale(both):
        return False
    ranks = both.rank()
    return len(both) >= 10 and abs(float(ranks[target.name].corr(ranks[column.name]))) > limit


def _of_one_scale(both: pd.DataFrame) -> bool:
    """Say whether two columns hold numbers of one size that go with each other in a straight line."""
    first, second = (abs(float(both[name].median())) for name in both)
    alike = min(first, second) > 0.5 * max(first, second) > 0
    return alike and abs(float(both.corr().to_numpy()[0, 1])) > _TWINS


def _of_a_product(
    rows: pd.DataFrame, target: ColumnFacts, columns: Sequence[ColumnFacts]
) -> dict[str, LeftOut]:
    """Return the ratios that give the target with another column: a price per square foot, a share of a list price."""
    said, measure = words_of(target), measure_of(target)
    ratios = [
        column.name
        for column in columns
        if words_of(column) & (RATIOS | said) or (measure and measure_of(column) == measure)
    ]
    found: dict[str, LeftOut] = {}
    numbers = [column.name for column in columns]
    while powers := factors_of_product(
        rows, target.name, [name for name in ratios if name not in found], numbers
    ):
        why = f"made of {target.name}: {list_names(list(powers), 3)} give it exactly"
        found[next(iter(powers))] = LeftOut(why)
    return found


def _shares(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, LeftOut]:
    """Return shares of one whole, by their names and since they add up to 1 or 100: known with it, not before."""
    columns = [ColumnFacts(name, rows[name].dropna(), len(rows)) for name in names]
    shares = [column.name for column in columns if column.kind == "number" and words_of(column) & RATIOS]
    if len(shares) < 2:
        return {}
    whole = rows[shares].sum(axis="columns")[rows[shares].notna().all(axis="columns")]
    if len(whole) and any(np.isclose(whole, total, rtol=_SHARES).mean() > 0.9 for total in (1.0, 100.0)):
        why = f"shares of a whole, known with it: {list_names(shares, 3)} add up to {whole.mean():.0f}"
        return {name: LeftOut(why, sure=False) for name in shares}
    return {}
