"""Which of many columns say nothing about the target, so that no network has to learn it.

Trees are boosted on some of the rows, and each column is shuffled among the others: one that matters is missed
(Breiman 2001, "Random forests", section 10). Small trees see a column that acts with another one as well as one that
acts alone; faint straight lines in noise, which they do not see, are looked for by least squares. Columns are left out
only if neither trees nor lines foretell rows worse without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers

MANY = 12
"""Columns up to which all are learned from: a network shrinks the idle among few columns by itself."""
LEAST_ROWS, MOST_ROWS = 300, 6_000
FOLDS = 3
MISSED = 3.0
"""Standard errors by which shuffling a column must raise the error: an idle one does once in 700 times."""
FAINT = (MISSED, 1.5, 0.5)
"""The same, lowered where trees without the others foretell rows worse."""
WORSE = 0.5
"""Standard errors by which they then do; without idle columns they foretell better, as they overfit less."""
PRIOR = 10.0
"""Rows that speak for the mean of all in the mean of a category."""


def relevant_columns(
    numbers: Floats, codes: Integers, target: Floats, weights: Floats, seed: int
) -> NDArray[np.bool_]:
    """Return a mask of the columns that say something about the target, alone or together; (i + c,).

    Parameters
    ----------
    numbers
        Columns of numbers, shape (n, i).
    codes
        Columns of categories, shape (n, c).
    target
        Shape (n,); where it is positive, its logarithm is asked too.
    weights
        How many rows each stands for, shape (n,).
    seed
        Draws rows, folds and shuffles.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(1, 5, (1000, 15))
    >>> y = x[:, 3] * x[:, 7] + rng.standard_normal(1000)
    >>> found = relevant_columns(x, np.zeros((1000, 0), int), y, np.ones(1000), 0)
    >>> np.flatnonzero(found).tolist()
    [3, 7]
    """
    count = numbers.shape[1] + codes.shape[1]
    if count <= MANY or len(target) < LEAST_ROWS:
        return np.ones(count, dtype=bool)
    rng = np.random.default_rng([seed, 0x5C4E])
    rows = rng.permutation(len(target))[:MOST_ROWS]
    folds = rng.integers(0, FOLDS, len(target))
    if (weights != weights[0]).any():
        # drawn by their weights rather than weighted, which trees are slow at; copies stay in one fold
        rows = rng.choice(rows, len(rows), p=weights[rows] / weights[rows].sum())
    numbers, codes, target, fold = numbers[rows], codes[rows], target[rows], folds[rows]
    targets = [target, np.log(target)] if target.min() > 0.0 else [target]
    found = np.zeros(count, dtype=bool)
    for each in targets:
        found |= _of_target(_Rows(numbers, codes, each, fold), rng)
    return found if found.any() else np.ones(count, dtype=bool)


class _Rows:
    """Rows in folds; categories as the mean target of the rows that are learned from."""

    def __init__(self, numbers: Floats, codes: Integers, target: Floats, fold: Integers) -> None:
        self.target, self.fold = target, fold
        self.folds = [np.column_stack([numbers, self._means(codes, fold != k)]) for k in range(FOLDS)]

    def _means(self, codes: Integers, seen: NDArray[np.bool_]) -> Floats:
        middle = float(self.target[seen].mean())
        columns = []
        for code in codes.T:
            sums = np.bincount(code, seen * (self.target - middle))
            columns.append((middle + sums / (np.bincount(code, seen) + PRIOR))[code])
        return np.column_stack(columns) if columns else np.zeros((len(self.target), 0))

    def lines(self, kept: NDArray[np.bool_]) -> Floats:
        """Return the squared errors of rows that straight lines were not fitted to, (n,)."""
        errors = np.zeros(len(self.target))
        for k, table in enumerate(self.folds):
            design, out = _design(table[:, kept]), self.fold == k
            slopes = np.linalg.lstsq(design[~out], self.target[~out], rcond=1e-10)[0]
            errors[out] = (self.target[out] - design[out] @ slopes) ** 2
        return errors

    def slopes(self) -> Floats:
        """Return the slope of every column beside all others, in its standard errors; (k,)."""
        design = _design(self.folds[0])
        inverse = np.linalg.pinv(design.T @ design, rcond=1e-10, hermitian=True)
        slopes = inverse @ (design.T @ self.target)
        left = self.target - design @ slopes
        variance = float(left @ left) / max(len(left) - design.shape[1], 1)
        errors = np.sqrt(np.maximum(variance * np.diag(inverse), 1e-300))
        return np.asarray(np.abs(slopes) / errors)[:-1]

    def foretold(
        self, kept: NDArray[np.bool_], rng: np.random.Generator, *, shuffled: bool = False
    ) -> tuple[Floats, Floats]:
        """Return the squared errors of rows not learned from, (n,), and what shuffled columns add to them, (n, k)."""
        # a quarter of a second to import, which fits of few columns do without
        from sklearn.ensemble import HistGradientBoostingRegressor

        errors = np.zeros(len(self.target))
        raised = np.zeros((len(self.target), int(kept.sum())))
        for k, table in enumerate(self.folds):
            x, out = table[:, kept], self.fold == k
            trees = HistGradientBoostingRegressor(
                learning_rate=0.2, max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
            )
            trees.fit(x[~out], self.target[~out])
            held, actual = x[out], self.target[out]
            errors[out] = (actual - trees.predict(held)) ** 2
            for j in range(held.shape[1] if shuffled else 0):
                other = held.copy()
                other[:, j] = rng.permutation(other[:, j])
                raised[out, j] = (actual - trees.predict(other)) ** 2 - errors[out]
        return errors, raised


def _of_target(rows: _Rows, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a mask of the columns that one form of the target depends on."""
    everything = np.ones(rows.folds[0].shape[1], dtype=bool)
    before, raised = rows.foretold(everything, rng, shuffled=True)
    lines_before = rows.lines(everything)
    sure = np.maximum(_standard_errors(raised), rows.slopes())
    for least in FAINT:
        kept = sure > least
        if kept.all():
            break
        if not kept.any():
            continue
        worse = np.column_stack([rows.foretold(kept, rng)[0] - before, rows.lines(kept) - lines_before])
        if (_standard_errors(worse) <= WORSE).all():
            return np.asarray(kept)
    return everything


def _design(table: Floats) -> Floats:
    """Return columns of one size, and one of ones behind them."""
    spread = table.std(axis=0)
    scaled = (table - table.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return np.column_stack([scaled, np.ones(len(table))])


def _standard_errors(values: Floats) -> Floats:
    """Return the mean of every column in its standard errors."""
    spread = np.maximum(values.std(axis=0), 1e-150)
    return np.asarray(values.mean(axis=0) / spread * np.sqrt(len(values)))


INTERACTION = 0.005
"""Share of the squares below which a pair says nothing: of noise in 2,000 rows the best of many pairs says as much."""
CELL_FOLDS = 5
CUTS = (4, 8, 16)
"""Cells of a number."""
MAIN = 2
"""Which of them tell what is left of one column alone: the finest by quantiles."""
CELL_PRIOR = 4.0
"""Rows that speak for nothing in every cell."""
CLIP = 4.0
"""Residuals are looked at as they are and cut off at so many robust standard deviations: wild rows hide what others
say, or are all that there is to see."""


def interaction_gain(residual: Floats, numbers: Floats, codes: Integers, weights: Floats, seed: int) -> float:
    """Return the largest share of the squares that the cells of a pair of columns foretell.

    Parameters
    ----------
    residual
        Of an additive law, shape (n,).
    numbers
        Columns of numbers, shape (n, i).
    codes
        Columns of categories, shape (n, c); they count on from those of numbers.
    weights
        How many rows each stands for, shape (n,).
    seed
        Draws the rows that are held out.

    Returns
    -------
    float
        Of the squared residuals of rows held out; zero or less where no pair foretells anything.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (2000, 3))
    >>> noise, none = rng.standard_normal(2000), np.zeros((2000, 0), dtype=np.int64)
    >>> ones = np.ones(2000)
    >>> interaction_gain(noise, x, none, ones, 0) <= 0.0
    True
    >>> round(interaction_gain(noise + 1.5 * x[:, 0] * x[:, 2], x, none, ones, 0), 1)
    0.2
    """
    fold = np.random.default_rng([seed, 0x1A7E]).integers(0, CELL_FOLDS, len(residual))
    columns = [_cut(column) for column in numbers.T]
    columns += [[(code.astype(np.int64), int(code.max(initial=0)) + 1)] * (len(CUTS) + 1) for code in codes.T]
    middle = float(np.median(np.abs(residual))) / 0.6745
    best = -np.inf
    for most in (np.inf, CLIP * middle):
        left = np.clip(residual, -most, most)
        squares = float(weights @ left**2)
        if squares <= 0.0:
            continue
        # an additive law may leave something of one column, which is no interaction
        alone = [_foretold(left, [column[MAIN]], weights, fold) for column in columns]
        after_one = [float(weights @ (left - each) ** 2) for each in alone]
        for first, second in combinations(range(len(columns)), 2):
            both = float(weights @ (left - alone[first] - alone[second]) ** 2)
            before = min(squares, after_one[first], after_one[second], both)
            for pair in zip(columns[first], columns[second], strict=True):
                after = float(weights @ (left - _foretold(left, pair, weights, fold)) ** 2)
                best = max(best, (before - after) / squares)
    return best if np.isfinite(best) else 0.0


Cells = tuple[Integers, int]
"""The cell of every row, shape (n,), and how many cells there are."""


def _cut(column: Floats) -> list[Cells]:
    """Return the cells of a number, for every fineness: by quantiles, and the finest by equal widths."""
    out: list[Cells] = []
    for count in CUTS:
        edges = np.unique(np.quantile(column, np.linspace(0.0, 1.0, count + 1)[1:-1]))
        out.append((np.searchsorted(edges, column, side="right"), len(edges) + 1))
    low, high = float(column.min()), float(column.max())
    edges = np.linspace(low, high, CUTS[-1] + 1)[1:-1]
    return [*out, (np.searchsorted(edges, column, side="right"), len(edges) + 1)]


def _foretold(residual: Floats, cells: Sequence[Cells], weights: Floats, fold: Integers) -> Floats:
    """Return the averages of the other folds in the cell of every row, drawn towards nothing where rows are few."""
    place, count = np.zeros(len(residual), dtype=np.int64), 1
    for each, many in cells:
        place, count = place * many + each, count * many
    place, count = _dense(place, count)
    both = place * CELL_FOLDS + fold
    sums = np.bincount(both, weights * residual, count * CELL_FOLDS).reshape(count, CELL_FOLDS)
    rows = np.bincount(both, weights, count * CELL_FOLDS).reshape(count, CELL_FOLDS)
    sums, rows = sums.sum(1, keepdims=True) - sums, rows.sum(1, keepdims=True) - rows
    return np.asarray((sums / (rows + CELL_PRIOR))[place, fold])


def _dense(place: Integers, count: int) -> Cells:
    """Return cells numbered by those that occur, where there could be far more."""
    if count <= 8 * len(place):
        return place, count
    known, dense = np.unique(place, return_inverse=True)
    return dense.astype(np.int64), len(known)
