"""KAN or something else: the question, answered on the user's own rows."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from kanopt.array_types import Floats
from kanopt.errors import FitError
from kanopt.surrogates.fits import checked_rows
from kanopt.surrogates.groups import grouped
from kanopt.surrogates.input_checks import whole_number
from kanopt.surrogates.monitor import FOR_FIT, checked_budget
from kanopt.surrogates.regressor import KANRegressor
from kanopt.text import count_text

_PENALTIES = np.logspace(-4.0, 4.0, 17)
_MOST_CATEGORIES = 250
"""Of a column; boosting has 255 bins, and takes rarer ones together."""


def baselines(
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    folds: int = 5,
    seed: int = 0,
    budget: float | None = None,
    model: KANRegressor | None = None,
) -> pd.DataFrame:
    """Measure a KAN and its formula beside the models one would try first, on the same blocked folds.

    The others are scikit-learn's ridge regression, the same of logarithms where the target is above 0, a random forest
    and gradient boosting. Each fold is a block of neighbouring rows, or whole groups, which is learned from all others.

    Parameters
    ----------
    X : DataFrame or array
        Columns, as of :meth:`KANRegressor.fit`: numbers, and in a DataFrame categories.
    y : array or Series
        Target.
    groups : str or array, optional
        What rows share an error in, as of :meth:`KANRegressor.fit`: such rows are held out together.
    folds : int
        Number of folds, each of which is held out once.
    seed : int
        For all models.
    budget : float, optional
        Seconds by the clock for each formula of a KAN.
    model : KANRegressor, optional
        The KAN, not fitted: ``KANRegressor(monotone=…)`` for shapes. Its seed is
        `seed`.

    Returns
    -------
    DataFrame
        One row per model, that of least error first: ``rmse``, ``mae`` and ``r2``, means over the folds; ``spread``,
        the standard deviation of ``rmse`` over the folds; ``fit_seconds`` of a fold. A solver of kanopt takes the
        formula only.

    Raises
    ------
    FitError
        For rows and arguments that :class:`KANRegressor` refuses, and fewer rows or groups than folds.

    Examples
    --------
    >>> baselines(trips[["km", "hour"]], trips["minutes"], groups=trips["day"])    # doctest: +SKIP
    """
    kan = (KANRegressor() if model is None else clone(model)).set_params(seed=whole_number(seed, "seed", 0))
    X, shared = grouped(X, groups, y)
    rows = checked_rows(clone(kan), X, y, None, shared)
    # numbered from 0, so that the groups of a fold's rows are found by their index
    frame = rows.frame.set_axis([str(name) for name in rows.frame.columns], axis=1).reset_index(drop=True)
    target = pd.Series(rows.target, index=frame.index, name=rows.name)
    count, what, kind = len(frame), "row", KFold
    if rows.group is not None:
        count, what, kind = int(rows.group.max()) + 1, "group", GroupKFold
    if count < whole_number(folds, "folds", 2):
        raise FitError(f"folds={folds}: there are only {count_text(count, what)}; ask for fewer folds")
    found = []
    models = {"formula": FormulaOfKAN(kan, checked_budget(budget), rows.group), **peers(frame, target, seed)}
    for name, each in models.items():
        scores = cross_validate(
            each, frame, target, groups=rows.group, cv=kind(folds), scoring=_errors, error_score="raise"
        )
        for part in ("formula", "network") if name == "formula" else (name,):
            of_part = f"test_{part} " if name == "formula" else "test_"
            errors = {key: scores[of_part + key] for key in ("rmse", "mae", "r2")}
            means = {key: values.mean() for key, values in errors.items()}
            spread = errors["rmse"].std(ddof=1)
            found.append({"model": part, **means, "spread": spread, "fit_seconds": scores["fit_time"].mean()})
    return pd.DataFrame(found).sort_values("rmse", kind="stable", ignore_index=True)


def peers(frame: pd.DataFrame, target: ArrayLike, seed: int) -> dict[str, Any]:
    """Return the models that are tried beside a KAN, not fitted, by what they are called."""
    found: dict[str, Any] = {"linear": make_pipeline(_columns(frame), RidgeCV(_PENALTIES))}
    if np.min(target) > 0.0:
        of_logs = make_pipeline(_columns(frame, logarithms=True), RidgeCV(_PENALTIES))
        found["log-linear"] = TransformedTargetRegressor(of_logs, func=np.log, inverse_func=np.exp)
    texts = _texts(frame)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, max_categories=_MOST_CATEGORIES
    )
    trees = HistGradientBoostingRegressor(random_state=seed, categorical_features=list(range(len(texts))))
    return found | {
        "forest": make_pipeline(_columns(frame), RandomForestRegressor(random_state=seed)),
        "boosting": make_pipeline(make_column_transformer((codes, texts), remainder="passthrough"), trees),
    }


def _columns(frame: pd.DataFrame, logarithms: bool = False) -> Any:
    """Return what makes a matrix of standardised columns and of categories."""
    lowest = frame.select_dtypes("number").min()
    logs = list(lowest.index[lowest > 0.0]) if logarithms else []
    rest = [name for name in lowest.index if name not in logs]
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), _texts(frame)),
        (make_pipeline(FunctionTransformer(np.log), StandardScaler()), logs),
        (StandardScaler(), rest),
    )


def _texts(frame: pd.DataFrame) -> list[str]:
    return list(frame.select_dtypes(exclude="number").columns)


class FormulaOfKAN(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A KAN and its formula, both learned from the same rows."""

    def __init__(self, kan: KANRegressor, budget: float | None = None, groups: Any = None) -> None:
        self.kan = kan
        self.budget = budget
        self.groups = groups

    def fit(self, X: pd.DataFrame, y: pd.Series[float]) -> Self:
        """Learn both; the formula is measured elsewhere."""
        shares = (None, None) if self.budget is None else (FOR_FIT * self.budget, (1 - FOR_FIT) * self.budget)
        groups = None if self.groups is None else self.groups[X.index]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.kan_ = clone(self.kan).fit(X, y, groups=groups, budget=shares[0], progress=False)
            self.formula_ = self.kan_.to_formula(
                X, y, min_r2=-np.inf, unseen="pooled", budget=shares[1], progress=False
            )
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return what the formula says."""
        return np.broadcast_to(self.formula_.evaluate(self.kan_._of_law(X)), len(X))


def _errors(model: Any, X: pd.DataFrame, y: pd.Series[float]) -> dict[str, float]:
    """Return the errors on held-out rows, of a KAN those of network and formula."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if isinstance(model, FormulaOfKAN):
            said = {"formula": model.predict(X), "network": model.kan_.predict(X, unseen="pooled")}
        else:
            said = {"": model.predict(X)}
    measures = {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2_score}
    return {
        f"{part} {key}".strip(): measure(y, each)
        for part, each in said.items()
        for key, measure in measures.items()
    }
