"""Columns as other models read them: logarithms, splines, turns of a period, one column for each category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from kanopt.surrogates.encoding import FeatureEncoding

__all__ = ["PeerColumns", "encoder"]

Floats = NDArray[np.float64]

KNOTS = 10
"""Knots of a spline at most, at the quantiles of its column."""


@dataclass(frozen=True)
class PeerColumns:
    """The columns that a model is of.

    Parameters
    ----------
    numbers
        Those that are numbers, and have no period.
    categories
        Those that are none.
    periods
        The period of those that start anew after one.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...] = ()
    periods: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, encoding: FeatureEncoding, periods: Mapping[str, float]) -> PeerColumns:
        """Return the columns of an encoding."""
        names = [feature.name for feature in encoding.numeric if feature.name not in periods]
        return cls(tuple(names), tuple(feature.name for feature in encoding.categories), periods)

    def frame(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the columns of rows as float64 and text."""
        named = rows.set_axis([str(name) for name in rows.columns], axis=1)
        kept = named[[*self.numbers, *self.periods]].astype(np.float64)
        return kept.assign(**{name: named[name].astype(str) for name in self.categories})

    def above_zero(self, rows: pd.DataFrame) -> tuple[str, ...]:
        """Return the numbers that are above zero in all rows, which have logarithms."""
        return tuple(name for name in self.numbers if rows[name].min() > 0.0)


def encoder(columns: PeerColumns, logs: Sequence[str], *, splines: bool) -> Any:
    """Return what makes a matrix of columns, `logs` of them by their logarithms.

    Parameters
    ----------
    columns
        All columns.
    logs
        Of these the logarithm is read.
    splines
        Whether numbers are expanded into splines, for a sum of curves; else they are standardised.
    """
    plain = [name for name in columns.numbers if name not in logs]
    shape: Any = SplineColumns if splines else StandardScaler
    turns: Any = SplineColumns if splines else Turns
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(columns.categories)),
        (shape(), plain),
        (make_pipeline(Logarithms(), shape()), list(logs)),
        *((turns(period), [name]) for name, period in columns.periods.items()),
    )


class Logarithms(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Logarithms of columns; what is not above zero later on is taken for the smallest number of the fit."""

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Note the smallest number of every column."""
        self.lowest_ = np.asarray(X, dtype=np.float64).min(axis=0)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Return the logarithms."""
        values = np.asarray(X, dtype=np.float64)
        return np.log(np.where(values > 0.0, values, self.lowest_))


class Turns(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Cosine and sine of periodic columns."""

    def __init__(self, period: float) -> None:
        self.period = period

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Nothing is learned."""
        self.fitted_ = True
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """Return two columns for each."""
        angle = 2.0 * np.pi * np.asarray(X, dtype=np.float64) / self.period
        return np.hstack([np.cos(angle), np.sin(angle)])


class SplineColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Cubic B-splines of every column, with knots at its quantiles; beyond its ends lines, or the next period.

    scikit-learn's own quantiles coincide in a column of few values, where splines of no width are no numbers.
    """

    def __init__(self, period: float | None = None) -> None:
        self.period = period

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Place the knots."""
        values = np.asarray(X, dtype=np.float64)
        self.splines_ = [self._spline(column).fit(column[:, None]) for column in values.T]
        return self

    def _spline(self, column: Floats) -> Any:
        if self.period is not None:
            knots = np.linspace(0.0, self.period, KNOTS)
            return SplineTransformer(knots=knots[:, None], extrapolation="periodic", include_bias=False)
        knots = np.unique(np.quantile(column, np.linspace(0.0, 1.0, KNOTS)))
        degree = min(3, len(knots) - 1)  # a column of two values is a line
        return SplineTransformer(
            degree=degree, knots=knots[:, None], extrapolation="linear", include_bias=False
        )

    def transform(self, X: ArrayLike) -> Floats:
        """Return the splines of all columns side by side."""
        values = np.asarray(X, dtype=np.float64)
        parts = [
            spline.transform(column[:, None]) for spline, column in zip(self.splines_, values.T, strict=True)
        ]
        return np.hstack(parts) if parts else np.empty((len(values), 0))
