"""Convert rows given by the user to a frame with the columns of the model."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from kanopt.errors import FitError
from kanopt.tables import units_of, with_units
from kanopt.tables.report import declared_units
from kanopt.units import convert
from kanopt.validation import half_text

__all__ = ["ordered_as", "table_of"]


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
    if _is_flat(X):
        raise FitError(
            f"X has one dimension ({len(X)} values), and a table has rows and columns: pass frame[['km']], or an array "
            "of shape (rows, columns). Reshape your data: array.reshape(-1, 1) is one column, array.reshape(1, -1) one "
            "row"
        )
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


def _is_flat(X: Any) -> bool:
    if isinstance(X, (list, tuple)):
        return bool(X) and all(isinstance(value, Number) for value in X)
    return getattr(X, "ndim", None) == 1


def ordered_as(frame: pd.DataFrame, fitted: list[str]) -> pd.DataFrame:
    """Return the frame after checking the order of its columns.

    scikit-learn compares only names that are text; for numbered columns it only checks their number.

    Raises
    ------
    FitError
        If they are the columns of the fit in another order.
    """
    given = [str(name) for name in frame.columns]
    if given != fitted and sorted(given) == sorted(fitted):
        raise FitError(
            f"the columns come as {', '.join(map(repr, given))}, and the model was fitted to "
            f"{', '.join(map(repr, fitted))}; put them into this order"
        )
    return frame
