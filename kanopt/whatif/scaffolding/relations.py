"""What the values of columns say of each other: copies, parts of a sum, numbers that are names, panels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.whatif.scaffolding.sources import ColumnFacts

__all__ = ["factors_of_product", "is_clock_number", "is_label", "panel_column", "parts_of_sum", "same_order"]

_ROWS = 4_000  # looked at; a relation that holds in all of them is one
_EXACT = 1e-6  # of the spread of the target
_ROUNDED = 0.01  # of a product
_MOSTLY, _PRODUCT_ROWS = 0.9, 400
_LEAST = 10
_MOST_TERMS = 80
_STRONG, _ALIKE, _SMOOTH, _ROUGH = 0.7, 0.4, 0.6, 0.45
_LEAST_LABELS, _LEAST_TIMES = 50, 40


def same_order(first: pd.Series, second: pd.Series) -> bool:
    """Say whether one column is a rising or falling function of the other, as a logarithm or a change of unit is.

    Examples
    --------
    >>> fares = pd.Series(range(10, 40))
    >>> same_order(fares, np.log(fares).round(4)), same_order(fares, fares % 7)
    (True, False)
    """
    both = pd.DataFrame({"a": first, "b": second}).dropna()
    a, b = both["a"].nunique(), both["b"].nunique()
    if min(a, b) < _LEAST or min(a, b) < 0.5 * max(a, b):
        return False
    finer, other = ("a", "b") if a >= b else ("b", "a")
    groups = both.groupby(finer)[other]
    ends = groups.agg(["min", "max"])  # sorted by the finer column
    if not np.allclose(ends["min"], ends["max"], rtol=1e-9, atol=0):
        return False
    steps = np.diff(ends["min"].to_numpy(float))
    return bool((steps >= 0).all() or (steps <= 0).all())


def parts_of_sum(frame: pd.DataFrame, target: str, columns: Sequence[str]) -> dict[str, float]:
    """Return the fewest columns whose weighted sum is the target in every row, with their weights; empty if none is.

    Parameters
    ----------
    frame
        The table.
    target, columns
        Columns of numbers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rides = pd.DataFrame(rng.integers(0, 90, (40, 3)), columns=["casual", "regular", "wind"])
    >>> rides["all"] = rides["casual"] + rides["regular"]
    >>> {name: round(weight, 6) for name, weight in parts_of_sum(rides, "all", ["casual", "regular", "wind"]).items()}
    {'casual': 1.0, 'regular': 1.0}
    """
    rows = frame.head(_ROWS)
    there = [name for name in columns if float(rows[name].notna().mean()) >= _MOSTLY]
    data = rows[[target, *there[:_MOST_TERMS]]].dropna().astype(float)
    spread = data.std()
    names = [name for name in data.columns[1:] if spread[name] > 0]
    if len(data) < 2 * len(names) + _LEAST or not spread[target] > 0:
        return {}
    values = (data - data.mean()) / spread.where(spread > 0, 1.0)
    y = values[target].to_numpy()
    weights = _exact_weights(values[names].to_numpy(), y) if names else None
    if weights is None:
        return {}
    sizes = dict(zip(names, np.abs(weights), strict=True))
    for name in sorted(names, key=lambda name: float(sizes[name])):
        fewer = [each for each in names if each != name]
        found = _exact_weights(values[fewer].to_numpy(), y) if fewer else None
        if found is not None:
            names, weights = fewer, found
    scale = float(spread[target])
    return {
        name: float(weight) * scale / float(spread[name]) for name, weight in zip(names, weights, strict=True)
    }


def _exact_weights(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64] | None:
    weights = np.linalg.lstsq(x, y, rcond=1e-10)[0].astype(np.float64)
    return weights if float(np.abs(x @ weights - y).max()) <= _EXACT else None


def factors_of_product(
    frame: pd.DataFrame, target: str, ratios: Sequence[str], others: Sequence[str]
) -> dict[str, int]:
    """Return a ratio and another column whose product or quotient is the target but for rounding, with their powers.

    Parameters
    ----------
    frame
        The table.
    target, ratios, others
        Columns of numbers.

    Examples
    --------
    >>> homes = pd.DataFrame({"feet": np.arange(800.0, 840.0), "rooms": [2, 3, 4, 5] * 10})
    >>> homes["price"] = homes["feet"] * (90 + np.arange(40) % 7)
    >>> homes["per_foot"] = (homes["price"] / homes["feet"]).round(2)
    >>> factors_of_product(homes, "price", ["per_foot"], ["rooms", "feet"])
    {'per_foot': 1, 'feet': 1}
    """
    positive = frame.head(_PRODUCT_ROWS)[list(dict.fromkeys([target, *ratios, *others]))].astype(float)
    logs = np.log(positive.where(positive > 0))
    spread = logs.std()
    if not spread[target] > _ROUNDED:
        return {}
    for one in ratios:
        for other in others:
            if one == other or not min(spread[one], spread[other]) > _ROUNDED:
                continue
            for signs in ((1, 1), (1, -1), (-1, 1)):
                rest = (logs[target] - signs[0] * logs[one] - signs[1] * logs[other]).dropna().to_numpy()
                if len(rest) < max(_LEAST, 0.5 * len(logs)):
                    continue
                off = np.abs(rest - np.median(rest))
                if float((off < _ROUNDED).mean()) >= _MOSTLY and float(np.median(off)) < 0.1 * _ROUNDED:
                    return {one: signs[0], other: signs[1]}
    return {}


def is_clock_number(column: ColumnFacts) -> bool:
    """Say whether whole numbers are times of day or dates written without a mark: 1735 is 17:35, 20130114 a day.

    Of many numbers below 2,400 two in five end in 60 to 99, unless these are minutes.

    Examples
    --------
    >>> times = pd.Series([100 * h + m for h in range(5, 20) for m in (0, 15, 29, 45, 59)])
    >>> is_clock_number(ColumnFacts("dep", times, 75)), is_clock_number(ColumnFacts("n", times + 41, 75))
    (True, False)
    """
    if not column.whole or column.distinct < _LEAST_TIMES:
        return False
    values = column.values.astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if low >= 0 and 1_000 <= high <= 2_400:
        return bool((values % 100 < 60).all())
    if low >= 19_000_101 and high <= 21_001_231:
        return bool((values // 100 % 100).between(1, 12).all() and (values % 100).between(1, 31).all())
    return False


def is_label(frame: pd.DataFrame, column: ColumnFacts) -> bool:
    """Say whether whole numbers are names, as those of flights, routes and postcodes: near numbers mean nothing alike.

    Rows of one number are alike in other columns, rows of the next number are not. Of a quantity the means of others
    change little from one value to the next.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> number = pd.Series(rng.integers(0, 80, 800))
    >>> km = number.map(dict(enumerate(rng.uniform(5, 50, 80))))
    >>> trips = pd.DataFrame({"line": number, "km": km, "weight": number * 2.5 + rng.normal(0, 3, 800)})
    >>> line = ColumnFacts("line", number, 800)
    >>> is_label(trips[["line", "km"]], line), is_label(trips, line)
    (True, False)
    """
    if not column.whole or column.distinct < _LEAST_LABELS or column.distinct > 0.8 * len(column.values):
        return False
    known = frame[column.name].head(5 * _ROWS)
    rough = 0
    for name in frame.columns:
        if name == column.name or not pd.api.types.is_numeric_dtype(frame[name]):
            continue
        found = _likeness(known, frame[name].head(5 * _ROWS))
        if found is None:
            continue
        if found > _SMOOTH:
            return False
        rough += found < _ROUGH
    return rough >= 1


def _likeness(known: pd.Series, other: pd.Series) -> float | None:
    """Return how smoothly the means of a column follow a number; None where rows of one number are not alike."""
    both = pd.DataFrame({"known": known, "rank": other.rank()}).dropna()
    groups = both.groupby("known")["rank"]
    means, counts = groups.mean(), groups.size()
    spread = float(both["rank"].var())
    if len(means) < _LEAST_LABELS or not spread > 0 or len(both) <= len(means):
        return None
    within = float(((both["rank"] - both["known"].map(means)) ** 2).sum()) / (len(both) - len(means))
    between = float(np.average((means - np.average(means, weights=counts)) ** 2, weights=counts))
    reliable = 1 - within * len(means) / len(both) / between if between > 0 else 0.0
    if reliable < _STRONG or within > _ALIKE * spread:
        return None
    steps = np.diff(means.to_numpy())
    # von Neumann's ratio: 1 for an order that means nothing
    return 1 - float((steps**2).mean()) / (2 * float(means.var()))


def panel_column(frame: pd.DataFrame, columns: Sequence[ColumnFacts], times: Sequence[ColumnFacts]) -> str:
    """Return the column whose things were seen at several times, once at each; empty where there is none.

    Parameters
    ----------
    frame
        The table.
    columns, times
        Columns that may name things, and columns of times.

    Examples
    --------
    >>> panel = pd.DataFrame({"firm": [1, 1, 1, 2, 2, 2, 3, 3, 3], "year": [1, 2, 3] * 3})
    >>> firm, year = (ColumnFacts(name, panel[name], 9) for name in panel)
    >>> panel_column(panel, [firm], [year])
    'firm'
    """
    for time in times:
        for column in columns:
            complete = column.rows == column.distinct * time.distinct > column.distinct
            repeated = column.distinct >= 3 and (complete or column.rows >= 3 * column.distinct)
            if not repeated or column.name == time.name or time.distinct < 2:
                continue
            pairs = frame[[column.name, time.name]].dropna()
            balanced = len(pairs) >= 0.6 * column.distinct * time.distinct
            if balanced and len(pairs) == column.rows and not pairs.duplicated().any():
                return column.name
    return ""
