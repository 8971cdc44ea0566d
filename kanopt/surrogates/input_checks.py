"""Check and convert the arguments of fits and predictions."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from kanopt.array_types import Floats
from kanopt.errors import FitError, nearest
from kanopt.faults import half_text
from kanopt.surrogates.encoding import check_numbers, row_name
from kanopt.tables import units_of, with_units
from kanopt.tables.report import declared_units
from kanopt.text import number_text
from kanopt.units import convert


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
        if isinstance(y, pd.Series) and pd.api.types.is_any_real_numeric_dtype(y):
            # Gaps of nullable types would make objects of all numbers.
            y = y.to_numpy(dtype=np.float64, na_value=np.nan)
        flat = column_or_1d(y, warn=True)
        if flat.dtype.kind in "mMc" or (isinstance(y, pd.Series) and pd.api.types.is_datetime64_any_dtype(y)):
            raise TypeError("complex numbers" if flat.dtype.kind == "c" else "dates or durations")
        return np.asarray(flat, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        name, index = getattr(y, "name", None), y.index if isinstance(y, pd.Series) else None
        texts = (
            f"{value!r} in {row_name(index, place)}"
            for place, value in enumerate(np.ravel(np.asarray(y, dtype=object)))
            if isinstance(value, str) and not _is_numeral(value)
        )
        # scikit-learn goes on to print the target.
        why = next(texts, str(error).partition("\n")[0])
        raise FitError(
            f"the target{'' if name is None else f' {str(name)!r}'} holds something that is no number ({why}); convert "
            "it first, or predict a column of numbers"
        ) from error


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


def held_out_rows(X: Any, y: Any, columns: Sequence[str], target: str) -> tuple[Any, Floats]:
    """Return held-out rows and the target of each, given as two, as a pair, or as a frame that holds both.

    Parameters
    ----------
    X, y
        The rows; the targets, or the name of the column of the frame that holds them.
    columns, target
        Which columns of a frame with a target are wanted, and what the target is called where `y` does not say.
    """
    target = y if isinstance(y, str) else target
    named = y is None or isinstance(y, str)
    if named and isinstance(X, (tuple, list)) and len(X) == 2:
        X, y = X
    elif named:
        if not isinstance(X, pd.DataFrame):
            raise FitError(
                "held-out rows are a frame with the columns of the model and the target, or X and y, not "
                f"{type(X).__name__}"
            )
        labels = [str(name) for name in X.columns]
        for name in (*columns, target):
            if name not in labels:
                role = "target" if name == target else "column"
                raise FitError(f"the held-out rows have no {role} {name!r}; {nearest(name, labels)}")
        y = X.iloc[:, labels.index(target)]
        X = X.iloc[:, [labels.index(name) for name in columns]]
    actual = target_of(y)
    if not len(actual) or len(actual) != len(X):
        raise FitError(
            f"the held-out rows are {len(X)} and their targets {len(actual)}; pass one for each row"
        )
    index = X.index if isinstance(X, pd.DataFrame) else None
    check_numbers(actual, f"held-out target {target!r}", index)
    return X, actual


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


def table_of(estimator: Any, X: Any, *, reset: bool) -> pd.DataFrame:
    """Return `X` as a frame, with scikit-learn's checks of shape and names.

    Additional columns are dropped if all columns of the model are present; a different order alone is an error, as in
    scikit-learn. Columns that declare another unit than in the fit are converted.

    Raises
    ------
    FitError
        For one-dimensional data, duplicate column names, and names other than those of the fit.
    UnitError
        For a unit of another dimension than in the fit.
    """
    if not isinstance(X, pd.DataFrame):
        try:
            array = validate_data(estimator, X, dtype=np.float64, ensure_all_finite=False, reset=reset)
        except ValueError as error:
            text = "; categories need a DataFrame" if "convert string" in str(error) else ""
            raise FitError(f"{error}{text}") from error
        if reset:
            estimator._units = {}
        return pd.DataFrame(array, columns=[f"x{index}" for index in range(array.shape[1])])
    if X.columns.has_duplicates:
        name = X.columns[X.columns.duplicated()][0]
        raise FitError(f"column {name!r} occurs twice; rename or drop one of them")
    known = list(getattr(estimator, "feature_names_in_", ()))
    wider = not reset and known and X.shape[1] > len(known) and set(known) <= set(X.columns)
    frame: pd.DataFrame = X.loc[:, known] if wider else X
    try:
        validate_data(estimator, frame, skip_check_array=True, reset=reset)
    except (TypeError, ValueError) as error:
        if not known:
            raise FitError(str(error)) from error
        missing = [name for name in known if name not in X.columns]
        advice = f"add {', '.join(map(repr, missing))}" if missing else "pass X[model.feature_names_in_]"
        raise FitError(f"{error}; {advice}") from error
    if reset:
        half = half_text(frame)
        if half:
            raise FitError(half)
        estimator._units = declared_units(frame, "X")
        return frame
    return _converted(frame, estimator._units)


def _converted(frame: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Return the frame converted to the units of the fit where it declares others."""
    declared = units_of(frame)
    others = {name: unit for name, unit in units.items() if declared.get(name, unit) != unit}
    if not others:
        return frame
    columns = {
        name: convert(frame[name].to_numpy(np.float64), declared[name], unit) for name, unit in others.items()
    }
    return with_units(frame.assign(**columns), {**declared, **others})


MANY = 50
"""Categories up to which a column is no identifier, however few rows there are."""
MOST = 1_000
"""Most values a category may have: each has a parameter in every node of the first layer."""


def refuse_texts(frame: pd.DataFrame) -> None:
    """Refuse text columns that hold numbers, name the rows, or have more values than can be learned.

    Raises
    ------
    FitError
        If half or more of the distinct values of a column are numbers, unless its dtype is categorical; if it has more
        than 50 values, and more than half as many as there are rows; or more than a thousand.
    """
    for place, name in enumerate(map(str, frame.columns)):
        column = frame.iloc[:, place]
        declared = isinstance(column.dtype, pd.CategoricalDtype)
        if not declared and not column.map(lambda value: isinstance(value, str)).any():
            continue
        values = list(column.dropna().unique())
        odd = [value for value in values if declared or not _is_numeral(value)]
        if 2 * len(odd) <= len(values):
            where = np.flatnonzero(column.isin(odd))[:3]
            cells = ", ".join(f"{column.iloc[row]!r} in {row_name(column.index, row)}" for row in where)
            raise FitError(
                f"column {name!r} holds numbers kept as text{f', but for {cells}' if cells else ''}. Read the table "
                "with ko.read_table(…, on_bad='missing' or 'drop'), or convert the column with "
                "pd.to_numeric(…, errors='coerce'); where they are codes, use .astype('category')"
            )
        told = f"column {name!r} has {len(values):,} different values in {len(frame):,} rows"
        if len(values) > MANY and 2 * len(values) > len(frame.drop_duplicates()):
            raise FitError(
                f"{told}, such as {values[0]!r}: an id, of which nothing can be learned for other rows; leave it out, "
                "or derive groups or numbers from it"
            )
        if len(values) > MOST:
            raise FitError(
                f"{told}, and a law learns at most {MOST:,}; put rare ones together, or into groups that have "
                "something in common (a zone, a class of size), or leave the column out"
            )


def _is_numeral(value: Hashable) -> bool:
    """Whether a cell is a number or the text of a number, also with a decimal comma."""
    if isinstance(value, bool):
        return False
    for text in (str(value), str(value).replace(",", "."), str(value).replace(",", "")):
        with contextlib.suppress(ValueError):
            return math.isfinite(float(text))
    return False
