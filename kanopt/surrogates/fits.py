"""How a KANRegressor is fitted: to a table in memory, to several targets, to a table that is read batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from kanopt.array_types import Floats
from kanopt.errors import DomainWarning, FitError, KanoptWarning, nearest
from kanopt.surrogates.calendar import warn_of_periods
from kanopt.surrogates.categories import rare_categories, unseen_rows, warn_of_rare, with_rare
from kanopt.surrogates.encoding import (
    LARGEST,
    LEAST_ROWS,
    encoding_of,
    indicator_name,
    indicators_of,
    row_name,
)
from kanopt.surrogates.groups import grouped
from kanopt.surrogates.input_checks import (
    is_multi_target,
    name_of,
    refuse_leak,
    refuse_texts,
    table_of,
    used_rows,
    weights_of,
)
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.readings import FittedModel
from kanopt.tables.batches import BatchSource, SourceLike, holds_numbers, open_source
from kanopt.text import count_text, join_list, number_text

if TYPE_CHECKING:
    from kanopt.surrogates.groups import Groups
    from kanopt.surrogates.options import Settings


# Learn from a table of any length, in memory that does not grow with its rows.
#
# One reading checks all rows and draws a uniform sample of them, from which the law is learned as from a
# table in memory; another measures it on all rows. The error of a smooth law from the sample is far below
# the noise of a row: it falls as (parameters / rows of the sample).
#
# Every row gets a random key, and those with the smallest keys are the sample (Efraimidis and Spirakis
# 2006, *Weighted random sampling with a reservoir*, Inf. Proc. Letters 97, with equal weights). So it
# depends on the seed and the order of the rows, not on batches.

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
    if len(sampled.frame) == sampled.rows:
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


_OF_SINGLE_COLUMNS = ("monotone", "convex", "concave", "log_features", "periodic")
OF_COLUMNS = ("n_features_in_", "feature_names_in_", "_units")
"""What a fit notes of the columns before anything is learned."""


def fit_memory(
    model: FittedModel, X: Any, y: Any, sample_weight: Any, watch: FitMonitor, groups: Groups | None
) -> None:
    """Fit a table in memory, note whether that was stopped, and warn if it was."""
    if is_multi_target(y):
        models = _fit_targets(model, X, y, sample_weight, watch, groups)
    else:
        _fit_table(model, X, y, sample_weight, watch, groups)
        models = [model]
    for each in models:
        how = f"{watch.stopped} after {count_text(len(each.alternatives_), 'structure')}"
        each.stopped_ = how if watch.stopped else ""
    if watch.stopped:
        tried = count_text(sum(len(each.alternatives_) for each in models), "structure")
        warnings.warn(
            f"the fit was stopped {watch.stopped}; kept is the best of {tried} tried so far",
            KanoptWarning,
            stacklevel=3,
        )


@dataclass(frozen=True, eq=False)
class CheckedRows:
    """The rows of a table in memory that a law is learned from.

    Parameters
    ----------
    frame, target, weights
        Those with a weight above 0.
    used
        Which of the rows that were given they are.
    group
        The group of each, numbered from 0; None without groups.
    name
        What the target is called.
    """

    frame: pd.DataFrame
    target: Floats
    weights: Floats
    used: NDArray[np.bool_]
    group: NDArray[np.int64] | None
    name: str


def checked_rows(
    model: FittedModel, X: Any, y: Any, sample_weight: Any, groups: Groups | None
) -> CheckedRows:
    """Return the rows of a table that a law is learned from.

    Raises
    ------
    FitError
        For rows from which none can be learned.
    """
    frame = table_of(model, X, reset=True)
    name = name_of(y) or "target"
    refuse_leak(name, frame)
    weights = weights_of(sample_weight, frame)
    group = None if groups is None else groups.codes(len(frame), weights)
    used = weights > 0
    frame, target, weights = used_rows(frame, y, weights)
    if len(frame) < LEAST_ROWS:
        raise FitError(
            f"n_samples = {len(frame)}: a law needs at least {LEAST_ROWS} rows with a weight above 0"
        )
    refuse_texts(frame)
    return CheckedRows(frame, target, weights, used, group, name)


def _fit_table(
    model: FittedModel, X: Any, y: Any, sample_weight: Any, watch: FitMonitor, groups: Groups | None
) -> None:
    """Fit one target of a table in memory."""
    rows = checked_rows(model, X, y, sample_weight, groups)
    frame, target, weights, group = rows.frame, rows.target, rows.weights, rows.group
    # Imported here, so that a saved model predicts without loading torch.
    from kanopt.surrogates.fitting import learn
    from kanopt.surrogates.options import periods_of, settings_of
    from kanopt.surrogates.trials import TrainingTable

    weights = weights / min(1.0, float(weights.mean()))
    names = tuple(map(str, frame.columns))
    active = _active_columns(model, frame, target, weights)
    indicators = indicators_of(model.missing, active, weights)
    filled = indicators.transform(active)
    encoding = encoding_of(filled)
    periods = periods_of(model.periodic, encoding)
    rare, gone = rare_categories(filled, target, weights, encoding)
    encoding = encoding_of(filled[~gone]).with_periods(periods)
    group = None if group is None else np.unique(group[~gone], return_inverse=True)[1]
    table = TrainingTable(*encoding.split(filled[~gone]), target[~gone], weights[~gone], encoding, group)
    settings = settings_of(model, encoding, watch)
    _warn_of_contradictions(target, weights, settings, frame.index)
    warn_of_periods(table, settings.shape_constraints)
    law, model.alternatives_, model._rows = learn(table, settings)
    law, off = with_rare(law, filled, target, rare)
    warn_of_rare(filled, law.encoding, off)
    model._indicators = indicators
    model._columns = names
    model._set_fitted(law, rows.name)
    model._known_rows = filled.assign(**{rows.name: target})
    model._groups = None if groups is None else groups.used(rows.used)


def _warn_of_contradictions(
    target: Floats, weights: Floats, settings: Settings, index: pd.Index[Any] | None = None
) -> None:
    """Warn if many targets are outside the requested range of the law by more than a tenth of their spread.

    Raises
    ------
    FitError
        If most of them are.
    """
    if settings.target_range == "any":
        return
    low, high = settings.ends
    noise = 0.1 * float(target.std())
    beyond = (target < low - noise) | (target > high + noise)
    share = float(np.average(beyond, weights=weights))
    asked = f"bounds=({low:g}, {high:g})" if settings.target_range == "bounded" else "positive=True"
    first = int(beyond.argmax())
    message = (
        f"{asked}: the target is outside in {int(beyond.sum()):,} of {len(target):,} rows, the first "
        f"{number_text(target[first], 6)} in {row_name(index, first)}, where no such law can follow"
    )
    if share > 0.5:
        raise FitError(f"{message}; ask for other ends, or for none")
    if share > 0.05:
        warnings.warn(message, KanoptWarning, stacklevel=2)


def _active_columns(model: FittedModel, frame: pd.DataFrame, target: Floats, weights: Floats) -> pd.DataFrame:
    """Return the frame without the columns that say nothing about the target, where there are many.

    Where an argument speaks of single columns, a law of them is wanted, and all are kept.
    """
    from kanopt.surrogates.options import is_open, settings_of
    from kanopt.surrogates.screening import MANY, relevant_columns

    if frame.shape[1] <= MANY or not all(is_open(getattr(model, name)) for name in _OF_SINGLE_COLUMNS):
        return frame
    filled = indicators_of(model.missing, frame, weights).transform(frame)
    encoding = encoding_of(filled)
    seed = settings_of(model, encoding).seed
    found = relevant_columns(*encoding.split(filled), target, weights, seed)
    relevant = {feature.name for feature, kept in zip(encoding.inputs, found, strict=True) if kept}
    # a gap may say more than the numbers beside it
    return frame.loc[:, [bool({name, indicator_name(name)} & relevant) for name in map(str, frame.columns)]]


def _fit_targets(
    model: FittedModel, X: Any, y: Any, sample_weight: Any, watch: FitMonitor, groups: Groups | None
) -> list[FittedModel]:
    """Fit one model per target; a law per target is what can be read, so that no node is shared."""
    targets = y if isinstance(y, pd.DataFrame) else pd.DataFrame(np.asarray(y))
    names = [str(name) if isinstance(name, str) else f"target{name}" for name in targets.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FitError(f"two targets are called {twice!r}; rename or drop one of them")
    models: dict[str, FittedModel] = {name: clone(model) for name in names}
    for place, (name, each) in enumerate(models.items()):
        _fit_table(each, X, targets.iloc[:, place].rename(name), sample_weight, watch, groups)
    table_of(model, X, reset=True)
    of_one_law = ("_law", "_rows", "_known_rows", "_groups")
    for name in [name for name in vars(model) if name.endswith("_") or name in of_one_law]:
        if name not in OF_COLUMNS:
            delattr(model, name)
    model.outputs_ = models
    return list(models.values())


def fit_source(
    model: FittedModel,
    source: Any,
    target: Any,
    weights: Any,
    columns: list[str] | None,
    watch: FitMonitor,
    groups: Any,
) -> None:
    """Fit a table that is read batch by batch: to rows drawn from it, and measure the law on all of them."""
    sampled = drawn_rows(model, source, target, weights, groups, columns, watch)
    X, shared = grouped(sampled.frame[sampled.features], groups)
    equal = (sampled.row_weights == sampled.row_weights[0]).all()
    try:
        fit_memory(model, X, sampled.frame[target], None if equal else sampled.row_weights, watch, shared)
    except FitError as error:
        raise FitError(f"{sampled.name}: {error}") from None
    measure_on_all_rows(model, sampled, watch)
