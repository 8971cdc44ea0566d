"""The models that an analyst would try first, made as well as they can be made without thinking about the table.

They are scikit-learn's. Where it can matter, the better of target and log target, and of columns and logarithms of
those above zero, is chosen by three folds of the training rows, as KANRegressor chooses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, GroupShuffleSplit, ShuffleSplit
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
)

from kanopt.array_types import Floats

PEERS = (
    "mean",
    "linear",
    "splines",
    "boosting",
    *(["explainable boosting"] if find_spec("interpret") else []),
    "perceptron",
)
"""Names of the models that are installed."""
_KNOTS = 10
"""Knots of a spline at most, at the quantiles of its column."""
_ENOUGH = 10_000
"""Rows by which a model is chosen, drawn from more."""
_MOST_CATEGORIES = 250
"""Of a column; boosting has 255 bins, and takes rarer ones together."""
_DECAYS = [1e-3, 10.0]
_PENALTIES = np.logspace(-4.0, 4.0, 17)


def peer_model(
    name: str,
    rows: pd.DataFrame,
    periods: Mapping[str, float],
    groups: bool = False,
    *,
    seed: int = 0,
    size: int = 0,
) -> Any:
    """Return a model that is not fitted yet.

    Parameters
    ----------
    name
        One of :data:`PEERS`.
    rows
        Rows to learn from: numbers, and texts for categories.
    periods
        The period of numbers that start anew after one.
    groups
        Whether ``fit`` is told ``groups``, which are then held out together where a form of the model is chosen.
    seed
        Of what is random.
    size
        How many numbers a perceptron may learn. Its one hidden layer is as wide as that allows.
    """
    match name:
        case "mean":
            return DummyRegressor()
        case "explainable boosting":
            machine: Any = import_module("interpret.glassbox").ExplainableBoostingRegressor
            return machine(random_state=seed, n_jobs=1)
        case "boosting":
            model, choices = _boosting(rows, seed), {}
        case "perceptron":
            read = _encoder(rows, periods, splines=False)
            width = max(1, round((size - 1) / (clone(read).fit_transform(rows).shape[1] + 2)))
            # on tables of this size L-BFGS is as good as Adam with early stopping, in half the time
            network = MLPRegressor(
                hidden_layer_sizes=width, activation="tanh", solver="lbfgs", max_iter=500, random_state=seed
            )
            model = _pipeline(read, TransformedTargetRegressor(network, transformer=StandardScaler()))
            choices = {**_with_logarithms(rows), "model__regressor__alpha": _DECAYS}
        case _:
            read = _encoder(rows, periods, splines=name == "splines")
            model, choices = _pipeline(read, RidgeCV(_PENALTIES)), _with_logarithms(rows)
    return better_of(model, len(rows), groups, **choices)


def better_of(model: Any, rows: int, groups: bool = False, **choices: list[Any]) -> Any:
    """Return what chooses, by three random thirds of the rows, between target and log target, and further `choices`."""
    kind = GroupShuffleSplit if groups else ShuffleSplit
    third = min(1.0, _ENOUGH / rows) / 3.0
    return GridSearchCV(
        Smeared(model),
        {"log_target": [False, True], **{f"model__{name}": values for name, values in choices.items()}},
        scoring="neg_mean_squared_error",
        cv=kind(3, test_size=third, train_size=2.0 * third, random_state=0),
        error_score=-np.inf,  # a form whose fit fails or whose predictions are no numbers is not chosen
    )


class Smeared(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A regressor of y or, with `log_target`, of log y, corrected by Duan's (1983) smearing factor."""

    def __init__(self, model: Any, log_target: bool = True) -> None:
        self.model = model
        self.log_target = log_target

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn the target or its logarithm."""
        target = np.asarray(y, dtype=np.float64)
        if self.log_target and target.min() <= 0.0:
            raise ValueError("the target has no logarithm where it is not above 0")
        learned = np.log(target) if self.log_target else target
        self.model_ = clone(self.model).fit(X, learned)
        self.factor_ = np.mean(np.exp(learned - self.model_.predict(X))) if self.log_target else 1.0
        return self

    def predict(self, X: Any) -> Floats:
        """Return the expected target."""
        predicted = np.asarray(self.model_.predict(X))
        with np.errstate(over="ignore"):
            return np.exp(predicted) * self.factor_ if self.log_target else predicted


def _encoder(rows: pd.DataFrame, periods: Mapping[str, float], *, splines: bool) -> Any:
    """Return what makes a matrix of columns; numbers become splines, for a sum of curves, or are standardised."""
    curves = SplineTransformer(_KNOTS, knots="quantile", extrapolation="linear", include_bias=False)
    shape = curves if splines else StandardScaler()
    positive = [name for name in _positive(rows) if name not in periods]
    others = [name for name in rows.select_dtypes("number") if name not in (*periods, *positive)]
    return ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), _texts(rows)),
            ("positive", Pipeline([("logarithms", "passthrough"), ("shape", clone(shape))]), positive),
            ("others", shape, others),
            *((name, _turn(period, splines), [name]) for name, period in periods.items()),
        ]
    )


def _with_logarithms(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the choice between columns and logarithms of those above zero."""
    positive = _positive(rows)
    logarithms = FunctionTransformer(_logarithms, kw_args={"lowest": rows[positive].min().to_numpy()})
    return {"columns__positive__logarithms": ["passthrough", logarithms]} if positive else {}


def _logarithms(X: ArrayLike, lowest: Floats) -> Floats:
    """Return logarithms; what is not above zero later on is taken for the lowest number of the training rows."""
    values = np.asarray(X, dtype=np.float64)
    return np.log(np.where(values > 0.0, values, lowest))


def _turn(period: float, splines: bool) -> Any:
    """Return what reads a periodic column."""
    if not splines:
        return FunctionTransformer(_cosine_and_sine, kw_args={"period": period})
    knots = np.linspace(0.0, period, _KNOTS)[:, None]
    return SplineTransformer(knots=knots, extrapolation="periodic", include_bias=False)


def _cosine_and_sine(X: ArrayLike, period: float) -> Floats:
    angle = 2.0 * np.pi * np.asarray(X, dtype=np.float64) / period
    return np.hstack([np.cos(angle), np.sin(angle)])


def _texts(rows: pd.DataFrame) -> list[str]:
    return list(rows.select_dtypes(exclude="number").columns)


def _positive(rows: pd.DataFrame) -> list[str]:
    lowest = rows.select_dtypes("number").min()
    return list(lowest.index[lowest > 0.0])


def _boosting(rows: pd.DataFrame, seed: int) -> Any:
    """Return gradient-boosted trees, which split between the same rows with and without logarithms of columns."""
    categories = _texts(rows)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, max_categories=_MOST_CATEGORIES
    )
    trees = HistGradientBoostingRegressor(
        random_state=seed, categorical_features=list(range(len(categories)))
    )
    return make_pipeline(make_column_transformer((codes, categories), remainder="passthrough"), trees)


def _pipeline(columns: Any, model: Any) -> Any:
    return Pipeline([("columns", columns), ("model", model)])


def count_parameters(model: Any) -> int:
    """Return how many numbers a model has learned.

    Of trees the value of every leaf and the threshold of every split; of an explainable boosting machine the score of
    every bin.
    """
    match model:
        case GridSearchCV():
            return count_parameters(model.best_estimator_.model_[-1])
        case DummyRegressor():
            return 1
        case RidgeCV():
            return int(model.coef_.size) + 1
        case HistGradientBoostingRegressor():
            return int(sum(len(tree.nodes) for stage in model._predictors for tree in stage))
        case TransformedTargetRegressor():
            network = model.regressor_
            return int(sum(each.size for each in (*network.coefs_, *network.intercepts_)))
    return int(sum(np.size(scores) for scores in model.term_scores_)) + 1
