"""Learn from a table of any length, in memory that does not grow with its rows.

One reading checks all rows and draws a uniform sample of them, from which the law is learned as from a table in memory;
another measures it on all rows. The error of a smooth law from the sample is far below the noise of a row: it falls as
(parameters / rows of the sample).

Every row gets a random key, and those with the smallest keys are the sample (Efraimidis and Spirakis 2006, *Weighted
random sampling with a reservoir*, Inf. Proc. Letters 97, with equal weights). So it depends on the seed and the order
of the rows, not on batches.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.errors import DomainWarning, FitError, nearest
from kanopt.surrogates.categories import unseen_rows
from kanopt.surrogates.encoding import LARGEST
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.readings import FittedModel
from kanopt.tables.batches import BatchSource, SourceLike, holds_numbers, open_source
from kanopt.text import count_text, join_list, number_text

SAMPLE = 100_000
"""Rows from which the law is learned."""
STREAM = 0x6B616E
"""Parts the random numbers of the sample from all others that begin with the same seed."""


@dataclass(frozen=True, eq=False)
class SampledRows:
    """Rows drawn from a table that is read in batches.

    Attributes
    ----------
    target, weights
        Names of columns; `weights` is None where rows count alike.
    frame
        The rows drawn, with the rows that hold the least and the largest number of each column.
    row_weights
        Weights of these rows. Rows that are there only because they hold such a number count as much as one row does
        in the whole table, so that ranges are those of all rows and the law is that of the sample.
    rows
        Number of rows of the table with a weight above 0.
    """

    source: BatchSource
    features: list[str]
    target: str
    weights: str | None
    frame: pd.DataFrame
    row_weights: Floats
    rows: int

    @property
    def name(self) -> str:
        """What errors of the fit call the rows."""
        part = "" if len(self.frame) == self.rows else f", in a sample of {len(self.frame):,} rows"
        return f"{self.source.name}{part}"


def drawn_rows(
    model: FittedModel,
    given: SourceLike,
    target: Any,
    weights: Any,
    groups: Any,
    columns: Sequence[str] | None,
    watch: FitMonitor,
) -> SampledRows:
    """Read all rows once, check them, and draw those from which the law is learned.

    Raises
    ------
    FitError
        For columns that are not there, for missing and infinite values, and if the time is over while reading.
    KeyboardInterrupt
        On Ctrl-C: nothing is known of the rows that were not read.
    """
    for value, what in ((target, "y"), (weights, "sample_weight"), (groups, "groups")):
        if not isinstance(value, str) and not (value is None and what != "y"):
            raise FitError(
                f"{what} must be the name of a column where X is a path or a callable, not {value!r}"
            )
    source = open_source(given)
    features = _features(source, columns, target, weights, groups)
    # a stream of its own: the rows may come from that of the seed itself. A wrong seed is refused with the fit
    seed = model.seed if isinstance(model.seed, int) and model.seed >= 0 else 0
    generator = np.random.default_rng([seed, STREAM])
    sample: list[pd.DataFrame] = []
    keys: list[Floats] = []
    ends, limit, rows = source.columns[:0], 1.0, 0
    for frame in _read(source, features, target, weights):
        _check_time(watch)
        _refuse_bad(source, frame, features, target, gaps=model.missing == "indicator")
        drawn = generator.random(len(frame))
        rows += len(frame)
        sample.append(frame.loc[drawn < limit])
        keys.append(drawn[drawn < limit])
        if sum(map(len, keys)) > 2 * SAMPLE:
            sample, keys, limit = _smallest(sample, keys)
        ends = _ends(pd.concat([ends, frame]) if len(ends) else frame, [*features, target])
    if not rows:
        raise FitError(f"{source.name}: n_samples = 0: no row has a weight above 0")
    (chosen,), _, _ = _smallest(sample, keys)
    whole = pd.concat([chosen, ends.loc[~ends.index.isin(chosen.index)]]).sort_index()
    own = whole[weights].to_numpy(dtype=np.float64) if weights else np.ones(len(whole))
    share = np.where(whole.index.isin(chosen.index), 1.0, len(chosen) / rows)
    return SampledRows(source, features, target, weights, whole, own * share, rows)


def _smallest(
    frames: list[pd.DataFrame], keys: list[Floats]
) -> tuple[list[pd.DataFrame], list[Floats], float]:
    """Return the rows with the smallest keys, and the least key that is not among theirs."""
    frame, key = pd.concat(frames), np.concatenate(keys)
    limit = float(np.partition(key, SAMPLE)[SAMPLE]) if len(key) > SAMPLE else 1.0
    return [frame.loc[key < limit]], [key[key < limit]], limit


def _ends(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the rows that hold the least and the largest number of each column."""
    numbers = frame[list(columns)].select_dtypes("number").astype(np.float64).dropna(axis=1, how="all")
    held = {*numbers.idxmin(), *numbers.idxmax()} if len(numbers) else set()
    return frame.loc[frame.index.isin(held)]


def _features(
    source: BatchSource, columns: Any, target: str, weights: str | None, groups: str | None
) -> list[str]:
    """Return the columns to learn from, by default all others, and that of the groups."""
    known, apart = [str(name) for name in source.columns], [target, *([weights] if weights else [])]
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns or ()):
        raise FitError(f"columns={columns!r} must be a list of names of columns, such as ['km', 'mode']")
    chosen = [name for name in known if name not in apart] if columns is None else list(columns)
    if groups is not None and groups not in chosen:
        chosen.append(groups)
    for name in (*apart, *chosen):
        if name not in known:
            raise FitError(f"{source.name}: no column {name!r}; {nearest(name, known)}")
        if name in apart and not holds_numbers(source.columns[name]):
            raise FitError(f"{source.name}: column {name!r} must hold numbers; convert it first")
    if len({*apart, *chosen}) < len(apart) + len(chosen):
        raise FitError(f"columns={chosen!r} holds a column twice, or the target or the weight")
    return chosen


def _read(
    source: BatchSource, features: Sequence[str], target: str, weights: str | None
) -> Iterator[pd.DataFrame]:
    """Yield the rows with a weight above 0."""
    for frame in source.frames([*features, target, *([weights] if weights else [])]):
        if weights is None:
            yield frame
            continue
        _refuse(source, ~(frame[weights] >= 0.0), f"the weights {weights!r} must be numbers of at least 0")
        yield frame.loc[frame[weights] > 0.0]


def _check_time(watch: FitMonitor) -> None:
    if not watch.should_stop():
        return
    if watch.is_out_of_time:
        raise FitError(
            f"the budget of {number_text(watch.budget or 0.0)} s was over while the table was read for the first "
            "time; nothing was learned yet, give more"
        )
    raise KeyboardInterrupt("stopped while the table was read for the first time; nothing was learned yet")


def _refuse_bad(
    source: BatchSource, frame: pd.DataFrame, features: Sequence[str], target: str, *, gaps: bool
) -> None:
    """Refuse missing values, unless gaps are information, infinite ones, and those whose powers overflow."""
    for name in (*features, target):
        column, role = frame[name], "target" if name == target else "column"
        advice = "leave such rows out, or fill them in: a callable may give frames that pandas has changed"
        if name == target or not gaps:
            _refuse(source, column.isna(), f"{role} {name!r} is missing; {advice}")
        if pd.api.types.is_numeric_dtype(column):
            largest = number_text(LARGEST)
            _refuse(source, column.abs() > LARGEST, f"{role} {name!r} is beyond {largest}; {advice}")


def _refuse(source: BatchSource, wrong: pd.Series[Any], told: str) -> None:
    """Raise an error that names the first row where something is wrong."""
    if wrong.any():
        raise FitError(
            f"{source.place(wrong.index[int(wrong.to_numpy().argmax())])} (counted from 0): {told}"
        )


def measure_on_all_rows(model: FittedModel, sampled: SampledRows, watch: FitMonitor) -> None:
    """Measure a fitted model on all rows, in a second reading; where that is stopped, the sample's measures stay."""
    if len(sampled.frame) == sampled.rows or sampled.source.once:
        return
    # sums of the target less this keep their digits
    centre = float(sampled.frame[sampled.target].mean())
    sums, rows = np.zeros(6), 0
    unseen = dict.fromkeys([feature.name for feature in model.encoding_.categories], 0)
    for frame in _read(sampled.source, sampled.features, sampled.target, sampled.weights):
        if watch.should_stop():
            return
        X, target = frame[list(model.feature_names_in_)], frame[sampled.target].to_numpy(dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            error = model.predict(X, unseen="pooled") - target
        weights = (
            frame[sampled.weights].to_numpy(dtype=np.float64) if sampled.weights else np.ones(len(frame))
        )
        terms = [np.ones(len(frame)), target - centre, (target - centre) ** 2, error, error**2, np.abs(error)]
        sums, rows = sums + [weights @ term for term in terms], rows + len(frame)
        encoded = model.encoding_.transform(model._filled(X), pooled=True)
        for name, lacking in unseen_rows(model.encoding_, encoded).items():
            unseen[name] += int(lacking.sum())
    if rows != sampled.rows:
        raise FitError(
            f"{sampled.source.name}: gave {sampled.rows} rows at the first reading and {rows} at a later one; a "
            "callable must return a fresh iterator over the same rows each time, and files must not change meanwhile"
        )
    weight, centred, squares, errors, squared_errors, sizes = map(float, sums)
    spread, actual = squares - centred**2 / weight, centred + weight * centre
    measures = {
        "rows": float(rows),
        "r2": 1.0 - squared_errors / spread if spread > 0.0 else float("nan"),
        "rmse": float(np.sqrt(squared_errors / weight)),
        "mae": sizes / weight,
        "ratio": 1.0 + errors / actual if actual != 0.0 else float("nan"),
    }
    model._law = replace(model._law, measures={**model._law.measures, "training": measures})
    if told := [f"{name} in {count_text(count, 'row')}" for name, count in unseen.items() if count]:
        warnings.warn(
            f"{sampled.name}: the law does not know the categories of {join_list(told, 5)} of {rows:,}",
            DomainWarning,
            stacklevel=4,
        )
