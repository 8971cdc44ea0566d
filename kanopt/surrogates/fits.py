"""How a KANRegressor is fitted: to a table in memory, to several targets, to a table that is read batch by batch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from kanopt.array_types import Floats
from kanopt.errors import FitError, KanoptWarning
from kanopt.surrogates.calendar import warn_of_periods
from kanopt.surrogates.categories import rare_categories, warn_of_rare, with_rare
from kanopt.surrogates.encoding import LEAST_ROWS, encoding_of, row_name
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
from kanopt.surrogates.missing import indicator_name, indicators_of
from kanopt.surrogates.monitor import FitMonitor
from kanopt.text import count_text, number_text

if TYPE_CHECKING:
    from kanopt.surrogates.groups import Groups
    from kanopt.surrogates.options import Settings
    from kanopt.surrogates.readings import FittedModel


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
    from kanopt.surrogates.streaming import drawn_rows, measure_on_all_rows

    sampled = drawn_rows(model, source, target, weights, groups, columns, watch)
    X, shared = grouped(sampled.frame[sampled.features], groups)
    equal = (sampled.row_weights == sampled.row_weights[0]).all()
    try:
        fit_memory(model, X, sampled.frame[target], None if equal else sampled.row_weights, watch, shared)
    except FitError as error:
        raise FitError(f"{sampled.name}: {error}") from None
    measure_on_all_rows(model, sampled, watch)
