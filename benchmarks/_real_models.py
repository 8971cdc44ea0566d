"""The models that real_tables.py measures beside KANRegressor: those of ko.baselines, and pygam."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from pygam import LinearGAM, f, s

from kanopt.surrogates.peers import models as peers
from kanopt.surrogates.peers.columns import PeerColumns
from kanopt.surrogates.peers.models import Chosen, Regressor, Smeared, Varied

__all__ = ["MODELS", "Chosen", "Regressor", "Smeared", "additive", "boosting", "mlp"]


class AdditiveSplines:
    """pygam: a spline of every number and a factor of every category, one smoothing weight by its GCV grid."""

    def __init__(self, categories: dict[str, list[str]], logs: Sequence[str]) -> None:
        self.categories, self.logs = categories, logs

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> AdditiveSplines:
        places = range(X.shape[1])
        terms = [f(i) if X.columns[i] in self.categories else s(i) for i in places]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        model = LinearGAM(total)
        weights = np.logspace(-3, 3, 11)
        self.model = model.gridsearch(self._matrix(X), y, lam=weights, progress=False)
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


def columns_of(X: pd.DataFrame) -> PeerColumns:
    texts = tuple(X.select_dtypes(exclude="number"))
    return PeerColumns(tuple(name for name in X if name not in texts), texts)


def additive(X: pd.DataFrame, seed: int) -> Regressor:
    columns = columns_of(X)
    categories = {name: sorted(X[name].unique()) for name in columns.categories}
    return Varied(columns, lambda logs: AdditiveSplines(categories, logs), groups=None)


def linear(X: pd.DataFrame, seed: int) -> Regressor:
    return peers.linear(columns_of(X), seed)


def boosting(X: pd.DataFrame, seed: int) -> Regressor:
    return peers.boosting(columns_of(X), seed)


def mlp(X: pd.DataFrame, seed: int, parameters: int) -> Regressor:
    """One hidden layer of tanh, of as many nodes as give about `parameters` weights."""
    return peers.perceptron(columns_of(X), seed, parameters=parameters)


MODELS: dict[str, Callable[[pd.DataFrame, int], Regressor]] = {
    "additive splines (pygam)": additive,
    "HistGradientBoosting": boosting,
    "linear (ridge)": linear,
}
