"""Check and convert the arguments of fits and predictions."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight

from kanopt.errors import FitError
from kanopt.surrogates.encoding import check_numbers, row_name
from kanopt.surrogates.missing import MissingIndicators
from kanopt.text import number_text

__all__ = [
    "calibration_of",
    "coverage_of",
    "held_out_target",
    "indicators_of",
    "is_multi_target",
    "name_of",
    "refuse_leak",
    "refuse_names",
    "refuse_unmeasured",
    "target_of",
    "used_rows",
    "weights_of",
    "whole_number",
]

Floats = NDArray[np.float64]


def is_multi_target(y: Any) -> bool:
    """Whether `y` holds several targets, one per column."""
    if isinstance(y, (list, tuple)):
        return bool(y) and isinstance(y[0], (list, tuple)) and len(y[0]) > 1
    return isinstance(y, (np.ndarray, pd.DataFrame)) and y.ndim == 2 and y.shape[1] > 1


def indicators_of(missing: Any, frame: pd.DataFrame, weights: Floats) -> MissingIndicators:
    """Return the missing-value indicators of a frame."""
    if not isinstance(missing, str) or missing not in ("error", "indicator"):
        raise FitError(f"missing={missing!r} is unknown; use 'error' or 'indicator'")
    return MissingIndicators({}) if missing == "error" else MissingIndicators.from_frame(frame, weights)


def refuse_names(y: Any, sample_weight: Any) -> None:
    """Refuse column names in place of columns, which are accepted only for tables read in batches."""
    for value, what in ((y, "y"), (sample_weight, "sample_weight")):
        if isinstance(value, str):
            raise FitError(
                f"{what}={value!r} is a name, which is for tables read from a path; pass frame[{value!r}], and the "
                "columns to learn from as X"
            )


def name_of(y: Any) -> str | None:
    """Return the name of a target: that of a series, or of the only column of a frame."""
    name = y.columns[0] if isinstance(y, pd.DataFrame) and y.shape[1] == 1 else getattr(y, "name", None)
    return None if name is None else str(name)


def refuse_leak(target: str, frame: pd.DataFrame) -> None:
    """Refuse a target with the name of a feature, which a formula could not distinguish."""
    if target in (str(name) for name in frame.columns):
        raise FitError(
            f"the target is called {target!r}, and so is a column of X, whether it is the target itself or another; "
            f'leave the column out (X.drop(columns={target!r})), or rename the target (y.rename("..."))'
        )


def refuse_unmeasured(actual: Floats, target: str, min_r2: Any) -> None:
    """Refuse, before the search for a formula, held-out rows without an R² and an invalid minimum R²."""
    number = isinstance(min_r2, Real) and not isinstance(min_r2, (bool, np.bool_))
    if not number or not float(min_r2) <= 1.0:
        raise FitError(
            f"min_r2={min_r2!r:.80} must be a number of at most 1, such as 0.5; -inf lets every law through"
        )
    what = f"held-out target {target!r}"
    if len(actual) < 2:
        raise FitError(f"{what}: {len(actual)} row is too few to measure a formula; hold out two or more")
    if np.ptp(actual) == 0.0 or float(actual.sum()) == 0.0:
        told = f"is {number_text(actual[0], 6)} in every row" if np.ptp(actual) == 0.0 else "sums to zero"
        raise FitError(f"{what} {told}, which measures no formula; hold out rows in which it differs")


def target_of(y: Any) -> Floats:
    """Return the target of every row as numbers, not yet checked to be finite; see :func:`used_rows`."""
    if y is None:
        raise FitError("KANRegressor requires y to be passed, but the target y is None")
    y = y.iloc[:, 0] if isinstance(y, pd.DataFrame) and y.shape[1] == 1 else y
    try:
        if isinstance(y, pd.Series) and pd.api.types.is_datetime64_any_dtype(y):
            raise TypeError("dates or durations")
        if isinstance(y, pd.Series) and pd.api.types.is_any_real_numeric_dtype(y):
            # Gaps of nullable types would make objects of all numbers.
            y = y.to_numpy(dtype=np.float64, na_value=np.nan)
        flat = column_or_1d(y, warn=True)
        if flat.dtype.kind in "mMc":
            raise TypeError("complex numbers" if flat.dtype.kind == "c" else "dates or durations")
        return np.asarray(flat, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        # scikit-learn goes on to print the target.
        why = str(error).partition("\n")[0]
        name = getattr(y, "name", None)
        what = "the target" if name is None else f"the target {str(name)!r}"
        raise FitError(
            f"{what} holds something that is no number ({_first_text(y) or why}); convert it first, or predict a "
            "column of numbers"
        ) from error


def _first_text(y: Any) -> str:
    """Return the first text among the values of a target that is no number, and its row; empty where there is none."""
    for place, value in enumerate(np.ravel(np.asarray(y, dtype=object))):
        if isinstance(value, str) and np.isnan(pd.to_numeric(value, errors="coerce")):
            return f"{value!r} in {row_name(y.index if isinstance(y, pd.Series) else None, place)}"
    return ""


def used_rows(frame: pd.DataFrame, y: Any, weights: Floats) -> tuple[pd.DataFrame, Floats, Floats]:
    """Return the rows with a weight above 0, their targets and their weights.

    Raises
    ------
    FitError
        If the target of such a row is missing, infinite or too large; rows of weight 0 are not checked.
    """
    target = target_of(y)
    if len(frame) != len(target):
        raise FitError(f"X has {len(frame)} rows and y {len(target)} values; pass one target for each row")
    used = weights > 0
    if not used.all():
        frame, target, weights = frame.loc[used], target[used], weights[used]
    check_numbers(target, f"target {name_of(y) or 'y'!r}", frame.index)
    return frame, target, weights


def held_out_target(rows: Any, y: Any, target: str) -> Floats:
    """Return the target of every held-out row, checked."""
    actual = target_of(y)
    if not len(actual) or len(actual) != len(rows):
        raise FitError(
            f"the held-out rows are {len(rows)} and their targets {len(actual)}; pass one for each row"
        )
    index = rows.index if isinstance(rows, pd.DataFrame) else None
    check_numbers(actual, f"held-out target {target!r}", index)
    return actual


def coverage_of(given: Any) -> float:
    """Return the coverage of an interval, checked."""
    if isinstance(given, bool) or not isinstance(given, Real) or not 0.0 < float(given) < 1.0:
        raise FitError(f"coverage={given!r} must lie between 0 and 1, such as 0.9")
    return float(given)


def calibration_of(given: Any, log_target: bool) -> tuple[Any, Floats]:
    """Return rows and targets for calibration, checked."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise FitError(
            f"calibration must be (X, y): rows that the model was not fitted on, and their targets; it is a "
            f"{type(given).__name__}"
        )
    rows, y = given
    target, count = target_of(y), len(rows)
    if not count:
        raise FitError("calibration: there are no rows; pass rows that the model was not fitted on")
    if len(target) != count:
        raise FitError(f"calibration: {count} rows and {len(target)} targets; pass one for each row")
    index = y.index if isinstance(y, (pd.Series, pd.DataFrame)) else None
    check_numbers(target, f"calibration: target {name_of(y) or 'y'!r}", index)
    if log_target and target.min() <= 0:
        row = int(target.argmin())
        raise FitError(
            "calibration: the law is of the logarithm of the target, and "
            f"{row_name(index, row)} has {number_text(target[row], 6)}; "
            "leave such rows out, or fit with log_target=False"
        )
    return rows, target


def weights_of(given: Any, frame: pd.DataFrame) -> Floats:
    """Return the weight of every row."""
    given = given.iloc[:, 0] if isinstance(given, pd.DataFrame) and given.shape[1] == 1 else given
    if given is None:
        return np.ones(len(frame))
    try:
        weights = np.asarray(_check_sample_weight(given, frame, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise FitError(f"sample_weight: {error}") from error
    if len(weights) and (weights.min() < 0 or weights.max() <= 0):
        raise FitError("sample_weight must be at least 0 everywhere and above 0 somewhere")
    return weights


def whole_number(value: Any, name: str, least: int) -> int:
    """Return an argument that must be an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise FitError(f"{name}={value!r} must be a whole number of at least {least}")
    return int(value)
