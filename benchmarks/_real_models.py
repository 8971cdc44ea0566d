"""The models that real_tables.py measures beside KANRegressor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pygam import LinearGAM, f, s
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

__all__ = ["MODELS", "Regressor", "mlp"]


class Regressor(Protocol):
    """What is measured."""

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Any: ...

    def predict(self, X: pd.DataFrame) -> np.ndarray: ...


class Smeared:
    """A regressor of log y whose predictions are corrected by Duan's (1983) smearing factor."""

    def __init__(self, model: Regressor) -> None:
        self.model = model

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Smeared:
        self.model.fit(X, np.log(y))
        self.factor = float(np.mean(np.exp(np.log(y) - self.model.predict(X))))
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.exp(self.model.predict(X)) * self.factor


class Chosen:
    """The candidate of least squared error over three folds of the training rows, fitted on all of them."""

    def __init__(self, candidates: Sequence[Callable[[], Regressor]]) -> None:
        self.candidates = candidates

    def fit(self, X: pd.DataFrame, y: pd.Series) -> Chosen:
        errors = [0.0] * len(self.candidates)
        for train, test in KFold(3, shuffle=True, random_state=0).split(X):
            for place, make in enumerate(self.candidates):
                model = make().fit(X.iloc[train], y.iloc[train])
                errors[place] += float(((y.iloc[test] - model.predict(X.iloc[test])) ** 2).sum())
        self.model = self.candidates[int(np.argmin(errors))]().fit(X, y)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(X)


class AdditiveSplines:
    """pygam: a spline of every number and a factor of every category, one smoothing weight by its GCV grid."""

    def __init__(self, categories: dict[str, list[str]], logs: Sequence[str]) -> None:
        self.categories, self.logs = categories, logs

    def fit(self, X: pd.DataFrame, y: pd.Series) -> AdditiveSplines:
        places = range(X.shape[1])
        terms = [f(i) if X.columns[i] in self.categories else s(i) for i in places]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        model = LinearGAM(total)
        weights = np.logspace(-3, 3, 11)
        self.model = model.gridsearch(self._matrix(X), y.to_numpy(), lam=weights, progress=False)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(self._matrix(X))

    def _matrix(self, X: pd.DataFrame) -> np.ndarray:
        columns = []
        for name in X:
            if name in self.categories:
                columns.append(pd.Categorical(X[name], self.categories[name]).codes.astype(float))
            else:
                columns.append(np.log(X[name]) if name in self.logs else X[name])
        return np.column_stack(columns)


def texts(X: pd.DataFrame) -> list[str]:
    return list(X.select_dtypes(exclude="number"))


def variants(X: pd.DataFrame, make: Callable[[list[str]], Regressor]) -> Iterator[Callable[[], Regressor]]:
    """Yield a model with and without logarithms of the positive numbers, and of the target."""
    positive = [name for name in X if name not in texts(X) and X[name].min() > 0]
    for logs, log_target in product([[], positive] if positive else [[]], [False, True]):
        yield lambda logs=logs, log_target=log_target: Smeared(make(logs)) if log_target else make(logs)


def additive(X: pd.DataFrame, seed: int) -> Regressor:
    categories = {name: sorted(X[name].unique()) for name in texts(X)}
    return Chosen(list(variants(X, lambda logs: AdditiveSplines(categories, logs))))


def encoded(X: pd.DataFrame, logs: list[str], *, scaled: bool) -> Any:
    """One-hot categories; numbers, or their logarithms, standardised where `scaled`."""
    numbers = [name for name in X if name not in texts(X) and name not in logs]
    scale = [StandardScaler()] if scaled else []
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts(X)),
        (make_pipeline(FunctionTransformer(np.log), *scale), logs),
        (make_pipeline(FunctionTransformer(), *scale), numbers),
    )


def linear(X: pd.DataFrame, seed: int) -> Regressor:
    def make(logs: list[str]) -> Regressor:
        return make_pipeline(encoded(X, logs, scaled=False), LinearRegression())

    return Chosen(list(variants(X, make)))


def boosting(X: pd.DataFrame, seed: int) -> Regressor:
    def make() -> Regressor:
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        columns = make_column_transformer((encoder, texts(X)), remainder="passthrough")
        places = list(range(len(texts(X))))
        return make_pipeline(
            columns, HistGradientBoostingRegressor(random_state=seed, categorical_features=places)
        )

    return Chosen([make, lambda: Smeared(make())])


def mlp(X: pd.DataFrame, seed: int, parameters: int) -> Regressor:
    """One hidden layer of tanh, of as many nodes as give about `parameters` weights; early stopping."""
    inputs = sum(X[name].nunique() if name in texts(X) else 1 for name in X)
    width = max(1, round((parameters - 1) / (inputs + 2)))

    def make(logs: list[str]) -> Regressor:
        network = MLPRegressor(
            hidden_layer_sizes=(width,),
            activation="tanh",
            learning_rate_init=0.01,
            early_stopping=True,
            n_iter_no_change=20,
            max_iter=500,
            random_state=seed,
        )
        model = TransformedTargetRegressor(network, transformer=StandardScaler())
        return make_pipeline(encoded(X, logs, scaled=True), model)

    return Chosen(list(variants(X, make)))


MODELS: dict[str, Callable[[pd.DataFrame, int], Regressor]] = {
    "additive splines (pygam)": additive,
    "HistGradientBoosting": boosting,
    "linear regression": linear,
}
