"""What a user gives to a fit, brought into shape or refused in words."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight

from kanopt.errors import FitError, KanoptWarning
from kanopt.interrupt import Interrupt
from kanopt.surrogates.encoding import check_numbers
from kanopt.surrogates.missing import Indicators

if TYPE_CHECKING:
    from kanopt.surrogates.settings import FitProgress, Watch

__all__ = ["has_several", "indicators_of", "target_of", "warn_if_stopped", "watch_of", "weights_of"]

Floats = NDArray[np.float64]


def has_several(y: Any) -> bool:
    """Whether `y` holds several targets, one per column."""
    if isinstance(y, (list, tuple)):
        return bool(y) and isinstance(y[0], (list, tuple)) and len(y[0]) > 1
    return isinstance(y, (np.ndarray, pd.DataFrame)) and y.ndim == 2 and y.shape[1] > 1


def indicators_of(missing: Any, frame: pd.DataFrame, weights: Floats) -> Indicators:
    """Return what stands for gaps."""
    if missing == "error":
        return Indicators({})
    if missing != "indicator":
        raise FitError(f"missing={missing!r} is unknown; use 'error' or 'indicator'")
    return Indicators.of(frame, weights)


def watch_of(progress: Callable[[FitProgress], None] | None, interrupt: Interrupt) -> Watch:
    """Return a watch that tells `progress`, and stops when Ctrl-C was pressed."""
    from kanopt.surrogates.settings import Watch

    return Watch(progress, lambda: interrupt.asked)


def warn_if_stopped(interrupt: Interrupt, tried: int) -> None:
    """Say that a fit was stopped, and what is kept."""
    if interrupt.asked:
        warnings.warn(
            f"the fit was stopped; kept is the best of {tried} structures tried so far",
            KanoptWarning,
            stacklevel=3,
        )


def target_of(y: Any) -> Floats:
    """Return the target of every row."""
    if y is None:
        raise FitError("KANRegressor requires y to be passed, but the target y is None")
    try:
        flat = column_or_1d(y, warn=True)
        if flat.dtype.kind in "mM":
            raise TypeError("dates or durations")
        values = np.asarray(flat, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FitError(f"the target holds something that is no number ({error}); convert it first") from error
    check_numbers(values, f"target {getattr(y, 'name', None) or 'y'!r}")
    return values


def weights_of(given: Any, frame: pd.DataFrame) -> Floats:
    """Return the weight of every row."""
    if given is None:
        return np.ones(len(frame))
    try:
        weights = np.asarray(_check_sample_weight(given, frame, dtype=np.float64))
    except ValueError as error:
        raise FitError(f"sample_weight: {error}") from error
    if len(weights) and (weights.min() < 0 or weights.max() <= 0):
        raise FitError("sample_weight must be at least 0 everywhere and above 0 somewhere")
    return weights
