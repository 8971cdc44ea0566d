"""How a KANRegressor is fitted: to a table in memory, to several targets, to a table that is read batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import DomainWarning, FitError, KanoptWarning, nearest
from kanopt.surrogates.calendar import warn_of_periods
from kanopt.surrogates.categories import rare_categories, with_rare
from kanopt.surrogates.encoding import (
    LARGEST,
    LEAST_ROWS,
    encoding_of,
    row_name,
)
from kanopt.surrogates.groups import TrainingTable, grouped
from kanopt.surrogates.input_checks import (
    name_of,
    refuse_leak,
    refuse_texts,
    table_of,
    used_rows,
    weights_of,
)
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.readings import FittedModel, error_sums, measures_of
from kanopt.tables.stores import BatchSource, SourceLike, holds_numbers, open_source
from kanopt.text import count_text, number_text

if TYPE_CHECKING:
    from kanopt.surrogates.groups import Groups
    from kanopt.surrogates.options import Settings


# Learn from a table of any length, in memory that does not grow with its rows: one reading checks all rows and draws a
# uniform sample of them, from which the law is learned as from a table in memory; another measures it on all rows.

SAMPLE = 100_000
"""Rows from which the law is learned."""
STREAM = 0x6B616E
"""Parts the random numbers of the sample from all others that begin with the same seed."""


@dataclass(frozen=True, eq=False)
class SampledRows:
    """Rows drawn from a table that is read in batches, and how many it has with a weight above 0."""

    source: BatchSource
    features: list[str]
    target: str
    weights: str | None
    frame: pd.DataFrame
    rows: int

    def read(self) -> Iterator[pd.DataFrame]:
        """Yield the rows with a weight above 0."""
        for frame in self.source.frames(
            [*self.features, self.target, *([self.weights] if self.weights else [])]
        ):
            if self.weights and (wrong := ~(frame[self.weights] >= 0.0)).any():
                raise FitError(
                    f"{_first(self.source, wrong)}: the weights {self.weights!r} must be numbers of at least 0"
                )
            yield frame if self.weights is None else frame.loc[frame[self.weights] > 0.0]


def drawn_rows(
    model: FittedModel, given: SourceLike, names: Sequence[Any], columns: Any, watch: FitMonitor
) -> SampledRows:
    """Read all rows once, check them, and draw those from which the law is learned.

    The sample are the rows with the smallest of random keys: it depends on the seed and the order of the rows, not on
    batches. `names` are the columns of the target, the weights and the groups.
    """
    for value, what in zip(names, ("y", "sample_weight", "groups"), strict=True):
        if not isinstance(value, str) and not (value is None and what != "y"):
            raise FitError(f"{what} must be the name of a column where X is a path, not {value!r}")
    if isinstance(columns, str) or not all(isinstance(name, str) for name in columns or ()):
        raise FitError(f"columns={columns!r} must be a list of names of columns, such as ['km', 'mode']")
    target, weights, groups = names
    source = open_source(given)
    known, apart = [str(name) for name in source.columns], {target, *([weights] if weights else [])}
    features = [name for name in known if name not in apart] if columns is None else list(columns)
    features += [groups] if groups is not None and groups not in features else []
    for name in (*apart, *features):
        if name not in known:
            raise FitError(f"{source.name}: no column {name!r}; {nearest(name, known)}")
        if name in apart and not holds_numbers(source.columns[name]):
            raise FitError(f"{source.name}: column {name!r} must hold numbers; convert it first")
    if len({*apart, *features}) < len(apart) + len(features):
        raise FitError(f"columns={features!r} holds a column twice, or the target or the weight")
    table = SampledRows(source, features, target, weights, source.columns[:0], 0)
    # a wrong seed is refused with the fit
    seed = model.seed if isinstance(model.seed, int) and model.seed >= 0 else 0
    generator, sample, rows = np.random.default_rng([seed, STREAM]), [], 0
    for frame in table.read():
        if watch.should_stop():
            raise (FitError if watch.is_out_of_time else KeyboardInterrupt)(
                f"the fit was stopped {watch.stopped} while the table was read for the first time"
            )
        for name in (*features, target):
            wrong = frame[name].isna()
            if holds_numbers(frame[name]):
                wrong |= frame[name].abs() > LARGEST
            if wrong.any():
                told = f"column {name!r} is missing or beyond {number_text(LARGEST)}; leave such rows out, or fill them"
                raise FitError(f"{_first(source, wrong)}: {told}")
        rows += len(frame)
        sample.append((generator.random(len(frame)), frame))
        if sum(len(keys) for keys, _ in sample) > 2 * SAMPLE:
            sample = [_smallest(sample)]
    if not rows:
        raise FitError(f"{source.name}: n_samples = 0: no row has a weight above 0")
    return replace(table, frame=_smallest(sample)[1], rows=rows)


def _first(source: BatchSource, wrong: pd.Series[Any]) -> str:
    """Say where the first wrong row stands."""
    return f"{source.place(wrong.index[int(wrong.to_numpy().argmax())])} (counted from 0)"


def _smallest(sample: list[tuple[Floats, pd.DataFrame]]) -> tuple[Floats, pd.DataFrame]:
    """Return the rows with the smallest keys, in their order."""
    keys, frame = np.concatenate([key for key, _ in sample]), pd.concat([frame for _, frame in sample])
    kept = np.sort(np.argsort(keys)[:SAMPLE])
    return keys[kept], frame.iloc[kept]


def measure_on_all_rows(model: FittedModel, sampled: SampledRows, watch: FitMonitor) -> None:
    """Measure a fitted model on all rows, in a second reading; where that is stopped, the sample's measures stay."""
    if len(sampled.frame) == sampled.rows:
        return
    # sums of the target less this keep their digits
    centre = float(sampled.frame[sampled.target].mean())
    sums = np.zeros(7)
    for frame in sampled.read():
        if watch.should_stop():
            return
        target = frame[sampled.target].to_numpy(dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DomainWarning)
            error = model.predict(frame[list(model.feature_names_in_)], unseen="pooled") - target
        weights = frame[sampled.weights].to_numpy(np.float64) if sampled.weights else np.ones(len(frame))
        sums += error_sums(target - centre, error, weights)
    if sums[0] != sampled.rows:
        raise FitError(
            f"{sampled.source.name}: gave {sampled.rows} rows at the first reading and {sums[0]:.0f} at a later one; a "
            "file was changed meanwhile"
        )
    measures = measures_of(sums, centre)
    model._law = replace(model._law, measures={**model._law.measures, "training": measures})


_OF_SINGLE_COLUMNS = ("monotone", "log_features", "periodic")
OF_COLUMNS = ("n_features_in_", "feature_names_in_", "_units")
"""What a fit notes of the columns before anything is learned."""


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


def fit_memory(
    model: FittedModel, X: Any, y: Any, sample_weight: Any, watch: FitMonitor, groups: Groups | None
) -> None:
    """Fit a table in memory, note whether that was stopped, and warn if it was."""
    rows = checked_rows(model, X, y, sample_weight, groups)
    frame, target, weights, group = rows.frame, rows.target, rows.weights, rows.group
    # Imported here, so that a saved model predicts without loading torch.
    from kanopt.surrogates.fitting import learn
    from kanopt.surrogates.options import periods_of, settings_of

    weights = weights / min(1.0, float(weights.mean()))
    names = tuple(map(str, frame.columns))
    filled = _active_columns(model, frame, target, weights)
    filled = filled.set_axis([str(name) for name in filled.columns], axis=1)
    encoding = encoding_of(filled)
    periods = periods_of(model.periodic, encoding)
    rare, gone = rare_categories(filled, target, weights, encoding)
    encoding = encoding_of(filled[~gone]).with_periods(periods)
    group = None if group is None else np.unique(group[~gone], return_inverse=True)[1]
    table = TrainingTable(*encoding.split(filled[~gone]), target[~gone], weights[~gone], encoding, group)
    settings = settings_of(model, encoding, watch)
    _warn_of_contradictions(target, weights, settings, frame.index)
    warn_of_periods(table, settings.shape_constraints)
    law, structures, model._rows = learn(table, settings)
    law = with_rare(law, filled, target, rare)
    model._columns = names
    model._set_fitted(law, rows.name)
    model._known_rows = filled.assign(**{rows.name: target})
    model._groups = None if groups is None else groups.used(rows.used)
    tried = count_text(structures, "structure")
    model.stopped_ = f"{watch.stopped} after {tried}" if watch.stopped else ""
    if watch.stopped:
        told = f"the fit was stopped {watch.stopped}; kept is the best of {tried} tried so far"
        warnings.warn(told, KanoptWarning, stacklevel=3)


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
    encoding = encoding_of(frame)
    seed = settings_of(model, encoding).seed
    found = relevant_columns(*encoding.split(frame), target, weights, seed)
    relevant = {feature.name for feature, kept in zip(encoding.inputs, found, strict=True) if kept}
    return frame.loc[:, [str(name) in relevant for name in frame.columns]]


def fit_source(
    model: FittedModel, source: Any, names: Sequence[Any], columns: list[str] | None, watch: FitMonitor
) -> None:
    """Fit a table that is read batch by batch: to rows drawn from it, and measure the law on all of them."""
    sampled = drawn_rows(model, source, names, columns, watch)
    X, shared = grouped(sampled.frame[sampled.features], names[2])
    weights = sampled.frame[sampled.weights] if sampled.weights else None
    try:
        fit_memory(model, X, sampled.frame[sampled.target], weights, watch, shared)
    except FitError as error:
        part = "" if len(sampled.frame) == sampled.rows else f", in a sample of {len(sampled.frame):,} rows"
        raise FitError(f"{sampled.source.name}{part}: {error}") from None
    measure_on_all_rows(model, sampled, watch)
