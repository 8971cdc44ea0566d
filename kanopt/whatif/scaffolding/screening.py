"""How much columns tell of a target, each beside those before: sums of bent lines, by least squares on ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kanopt.whatif.scaffolding.sources import ColumnFacts

__all__ = ["Screened", "sampled", "screen", "told_alone"]

_SAMPLE = 4_000
_KNOTS = (0.25, 0.5, 0.75)
_FEW_ROWS = 120  # of fewer rows a curve is a parabola
_LEAST_ADDED = 0.001  # of the variance of the target, as of adjusted R²
_BY_CHANCE = 0.1
_AS_GOOD = 0.9  # of the largest gain: so much is as good, and the first such column is taken
_SMALL = 1e-9
_THIN = 1e-7  # mean square of a direction that is taken for none

_Floats = NDArray[np.float64]


@dataclass(eq=False)
class Screened:
    """Columns that tell of a target.

    Parameters
    ----------
    chosen
        The columns, the most telling first.
    linked
        Column to the share of the target's variance that it tells alone.
    """

    chosen: list[ColumnFacts] = field(default_factory=list)
    linked: dict[str, float] = field(default_factory=dict)


def sampled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows evenly spread over a table, few enough to be looked at in a moment."""
    if len(frame) <= _SAMPLE:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, _SAMPLE).astype(int)]


def told_alone(frame: pd.DataFrame, target: str, column: ColumnFacts) -> float:
    """Return the share of the variance of a target's ranks that a column tells, as adjusted R².

    Examples
    --------
    >>> km = pd.Series(np.arange(200.0))
    >>> trips = pd.DataFrame({"km": km, "minutes": 2 * km, "colour": ["red", "blue"] * 100})
    >>> [round(told_alone(trips, "minutes", ColumnFacts(name, trips[name], 200)), 2) for name in ("km", "colour")]
    [1.0, 0.0]
    """
    rest = _ranks(frame[target])
    return max(_gain(_directions(_block(frame[column.name], column)), rest, float(rest @ rest), 1)[0], 0.0)


def screen(frame: pd.DataFrame, target: str, columns: Sequence[ColumnFacts], most: int) -> Screened:
    """Return the columns that tell most of a target, each beside those before it, and what they tell alone.

    Parameters
    ----------
    frame
        Rows in which the target is known.
    target
        Its name.
    columns
        Columns to choose from; of several that tell nearly the same the first is taken.
    most
        How many to take.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame(rng.uniform(0, 1, (300, 3)), columns=["a", "b", "c"])
    >>> rows["y"] = 3 * rows["a"] + rows["c"] ** 2
    >>> found = screen(rows, "y", [ColumnFacts(name, rows[name], 300) for name in "abc"], 6)
    >>> [column.name for column in found.chosen]
    ['a', 'c']
    """
    found = Screened()
    rest = _ranks(frame[target])
    whole = float(rest @ rest)
    blocks: dict[str, _Floats] = {}
    if len(rest) < 10 or not whole > 0:
        return found
    for column in columns:
        blocks[column.name] = _block(frame[column.name], column)
        found.linked[column.name] = _gain(_directions(blocks[column.name]), rest, whole, 1)[0]
    open_columns = list(columns)
    used = 1
    while open_columns and len(found.chosen) < most:
        directions = {column.name: _directions(blocks[column.name]) for column in open_columns}
        gains = {name: _gain(each, rest, whole, used) for name, each in directions.items()}
        most_gained = max(gain for gain, _ in gains.values())
        if most_gained < _LEAST_ADDED:
            break
        best = next(column for column in open_columns if gains[column.name][0] >= _AS_GOOD * most_gained)
        if gains[best.name][1] > _BY_CHANCE:
            break
        taken = directions[best.name]
        rest = rest - taken @ (taken.T @ rest)
        used += taken.shape[1]
        found.chosen.append(best)
        open_columns.remove(best)
        for column in open_columns:
            block = blocks[column.name]
            blocks[column.name] = block - taken @ (taken.T @ block)
    return found


def _ranks(values: pd.Series) -> _Floats:
    ranks = values.rank().to_numpy(np.float64)
    return np.asarray(ranks - ranks.mean())


def _block(values: pd.Series, column: ColumnFacts) -> _Floats:
    """Return bent lines of the ranks of numbers, or zeros and ones for each text; missing values tell nothing."""
    if column.kind == "text":
        texts = values.astype("str").where(values.notna())
        block = pd.get_dummies(texts).to_numpy(np.float64)
        there = values.notna().to_numpy()
    else:
        ranks = values.rank(pct=True).to_numpy(np.float64)
        there = ~np.isnan(ranks)
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


def _gain(directions: _Floats, rest: _Floats, whole: float, used: int) -> tuple[float, float]:
    """Return what directions tell of the rest beyond chance, a share of the whole, and how likely chance tells it."""
    count, free = directions.shape[1], len(rest) - used - directions.shape[1]
    if count == 0 or free < 1 or not whole > 0:
        return 0.0, 1.0
    told = float(np.square(directions.T @ rest).sum())
    noise = max(float(rest @ rest) - told, _SMALL * whole) / free
    return (told - count * noise) / whole, float(stats.f.sf(told / count / noise, count, free))
