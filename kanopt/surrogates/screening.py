"""Which of many columns say nothing about the target, so that no network has to learn it.

Trees are boosted on some of the rows, and each column is shuffled among the others: one that matters is missed
(Breiman 2001, "Random forests", section 10). Small trees see a column that acts with another one as well as one that
acts alone; faint straight lines in noise, which they do not see, are looked for by least squares. Columns are left out
only if neither trees nor lines foretell rows worse without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.error_model import robust_deviation

if TYPE_CHECKING:
    from kanopt.surrogates.groups import TrainingTable

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
        found |= _of_target(numbers, codes, each, fold, rng)
    return found if found.any() else np.ones(count, dtype=bool)


def _of_target(
    numbers: Floats, codes: Integers, target: Floats, fold: Integers, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a mask of the columns that one form of the target depends on."""
    # a quarter of a second to import, which fits of few columns do without
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    trees = HistGradientBoostingRegressor(
        learning_rate=0.2, max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, random_state=0
    )
    models = trees, make_pipeline(StandardScaler(), LinearRegression())
    tables = [np.column_stack([numbers, _means(codes, target, fold != k)]) for k in range(FOLDS)]
    before, raised = zip(*(_missed(each, tables, target, fold, rng) for each in models), strict=True)
    sure = np.max([_standard_errors(each) for each in raised], axis=0)
    for least in FAINT:
        kept = sure > least
        if kept.any() and not kept.all():
            fewer = [table[:, kept] for table in tables]
            after = [_missed(each, fewer, target, fold)[0] for each in models]
            if (_standard_errors(np.transpose(after) - np.transpose(before)) <= WORSE).all():
                return np.asarray(kept)
    return np.ones_like(sure, dtype=bool)


def _means(codes: Integers, target: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return categories as the mean target of the rows that are learned from, (n, categories)."""
    middle, columns = float(target[seen].mean()), [np.zeros((len(target), 0))]
    for code in codes.T:
        sums = np.bincount(code, seen * (target - middle))
        columns.append((middle + sums / (np.bincount(code, seen) + PRIOR))[code, None])
    return np.hstack(columns)


def _missed(
    model: Any,
    tables: Sequence[Floats],
    target: Floats,
    fold: Integers,
    rng: np.random.Generator | None = None,
) -> tuple[Floats, Floats]:
    """Return the squared errors of rows not learned from, (n,), and what each column adds if it is shuffled, (n, k)."""
    errors, raised = np.zeros(len(target)), np.zeros(tables[0].shape)
    for k, table in enumerate(tables):
        out = fold == k
        fitted, held = model.fit(table[~out], target[~out]), table[out]
        errors[out] = (target[out] - fitted.predict(held)) ** 2
        if rng is None:
            continue
        for j in range(held.shape[1]):
            other = held.copy()
            other[:, j] = rng.permutation(other[:, j])
            raised[out, j] = (target[out] - fitted.predict(other)) ** 2 - errors[out]
    return errors, raised


def _standard_errors(values: Floats) -> Floats:
    """Return the mean of every column in its standard errors."""
    spread = np.maximum(values.std(axis=0), 1e-150)
    return np.asarray(values.mean(axis=0) / spread * np.sqrt(len(values)))


INTERACTION = 0.005
"""Share of the squares below which a pair says nothing: of noise in 2,000 rows the best of many pairs says as much."""
GATE_ROWS, CELL_FOLDS, CELLS = 10_000, 5, (4, 12)
"""Rows that are looked at, folds, and cells of a number, by quantiles."""
CELL_PRIOR = 4.0
"""Rows that speak for nothing in every cell."""
CLIP = 4.0
"""Residuals are looked at as they are and cut off at so many robust standard deviations: wild rows hide what others
say, or are all that there is to see."""


def foretells_interaction(table: TrainingTable, predicted: Floats, seed: int) -> bool:
    """Return whether the cells of a pair of columns foretell what a law leaves, in the target or its logarithm.

    Parameters
    ----------
    table
        The rows.
    predicted
        What the law says of each left out, which counts as a column; (n,).
    seed
        Draws rows and folds.
    """
    rng = np.random.default_rng([seed, 0x1A7E])
    rows = rng.permutation(len(table))[:GATE_ROWS]
    fold = rng.integers(0, CELL_FOLDS, len(rows))
    target, said, weights = table.target[rows], predicted[rows], table.weights[rows]
    numbers = np.column_stack([table.numbers[rows], said])
    columns = [tuple(_cut(column, count) for count in CELLS) for column in numbers.T]
    columns += [(code.astype(np.int64),) * len(CELLS) for code in table.codes[rows].T]
    residuals = [target - said]
    if target.min() > 0.0 and said.min() > 0.0:
        residuals.append(np.log(target / said))
    for residual in residuals:
        most = CLIP * robust_deviation(residual)
        for left in (residual, np.clip(residual, -most, most)):
            if _best_pair(left, columns, weights, fold) > INTERACTION:
                return True
    return False


def _best_pair(left: Floats, columns: Sequence[Sequence[Integers]], weights: Floats, fold: Integers) -> float:
    """Return the largest share of the squares of rows held out that a pair of columns foretells and neither alone."""
    squares, best = float(weights @ left**2), 0.0
    # a law may leave something of one column, which is no interaction
    alone = [_foretold(left, column[-1], weights, fold) for column in columns] if squares > 0.0 else []
    for (one, first), (other, second) in combinations(zip(columns, alone, strict=False), 2):
        before = min(float(weights @ (left - each) ** 2) for each in (0.0, first, second, first + second))
        for cells, more in zip(one, other, strict=True):
            said = _foretold(left, cells * (int(more.max()) + 1) + more, weights, fold)
            best = max(best, (before - float(weights @ (left - said) ** 2)) / squares)
    return best


def _cut(column: Floats, count: int) -> Integers:
    """Return the cell of every number, by quantiles."""
    edges = np.unique(np.quantile(column, np.linspace(0.0, 1.0, count + 1)[1:-1]))
    return np.searchsorted(edges, column, side="right").astype(np.int64)


def _foretold(left: Floats, cells: Integers, weights: Floats, fold: Integers) -> Floats:
    """Return the averages of the other folds in the cell of every row, drawn towards nothing where rows are few."""
    both, count = cells * CELL_FOLDS + fold, int(cells.max()) + 1
    sums = np.bincount(both, weights * left, count * CELL_FOLDS).reshape(count, CELL_FOLDS)
    rows = np.bincount(both, weights, count * CELL_FOLDS).reshape(count, CELL_FOLDS)
    sums, rows = sums.sum(1, keepdims=True) - sums, rows.sum(1, keepdims=True) - rows
    return np.asarray((sums / (rows + CELL_PRIOR))[cells, fold])
