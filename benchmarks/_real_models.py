"""The models that real_tables.py measures beside KANRegressor: those of ko.baselines, and pygam."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin

from kanopt.surrogates.baselines import peers


class AdditiveSplines(RegressorMixin, BaseEstimator):
    """pygam: a spline of every number and a factor of every category, one smoothing weight by its GCV grid.

    Categories are those of `table`; with `logarithms` numbers above zero in it are read by their logarithms.
    """

    def __init__(self, table: pd.DataFrame, logarithms: bool = False) -> None:
        self.table = table
        self.logarithms = logarithms

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        from pygam import LinearGAM, f, s

        numbers = set(self.table.select_dtypes("number"))
        terms = [s(i) if name in numbers else f(i) for i, name in enumerate(X.columns)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        weights = np.logspace(-3, 3, 11)
        self.model_ = LinearGAM(total).gridsearch(self._matrix(X), y, lam=weights, progress=False)
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model_.predict(self._matrix(X))

    def _matrix(self, X: pd.DataFrame) -> np.ndarray:
        columns = []
        for name, known in self.table.items():
            if not pd.api.types.is_numeric_dtype(known):
                columns.append(pd.Categorical(X[name], sorted(known.unique())).codes.astype(float))
            else:
                columns.append(np.log(X[name]) if self.logarithms and known.min() > 0 else X[name])
        return np.column_stack(columns)


def additive(X: pd.DataFrame, seed: int) -> Any:
    return AdditiveSplines(X)


MODELS = {
    "additive splines (pygam)": additive,
    "HistGradientBoosting": lambda X, seed: peers(X, [1.0], seed)["boosting"],
    "linear (ridge)": lambda X, seed: peers(X, [1.0], seed)["linear"],
}
