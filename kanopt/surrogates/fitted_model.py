"""What a KANRegressor has once it is fitted: its law and columns, and how rows come to them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from kanopt.errors import FitError, nearest
from kanopt.surrogates.frames import ordered_as, table_of
from kanopt.surrogates.input_checks import held_out_target
from kanopt.surrogates.law import FittedLaw
from kanopt.surrogates.missing import MissingIndicators

if TYPE_CHECKING:
    from kanopt.surrogates.groups import GroupedRows
    from kanopt.surrogates.rows import Rows

__all__ = ["FittedModel"]

Floats = NDArray[np.float64]


class FittedModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The state of a fitted :class:`kanopt.KANRegressor`, on which its methods stand."""

    _law: FittedLaw
    _rows: Rows | None
    _known_rows: pd.DataFrame | None
    """The rows that it was learned from, with the target."""
    _grouped_rows: GroupedRows | None = None
    _indicators: MissingIndicators
    _units: Mapping[str, str] = MappingProxyType({})
    stopped_: str = ""
    _columns: tuple[str, ...] = ()
    """Names of the columns of the table, in its order, once it is fitted."""

    def _set_fitted(self, law: FittedLaw, target: str) -> None:
        self.__dict__.pop("outputs_", None)
        self._law = law
        self.target_name_ = target
        self.network_ = law.network
        self.encoding_ = law.encoding
        self.idle_features_ = tuple(name for name in self._columns if name not in law.encoding.names)
        self.log_target_ = law.log_target
        self.link_ = law.link
        self.smearing_ = law.smearing
        self.covariance_ = law.covariance
        self.standard_errors_ = law.standard_errors
        self.loss_ = law.loss

    def _encode(self, X: ArrayLike | pd.DataFrame) -> tuple[Floats, NDArray[np.int64]]:
        self._check_single()
        return self.encoding_.transform(self._filled(X))

    def _filled(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Return the columns that the law is of, by their names, with their gaps filled."""
        frame = ordered_as(table_of(self, X, reset=False), list(self._columns))
        named = frame.set_axis(list(self._columns), axis=1)
        return self._indicators.transform(named.drop(columns=list(self.idle_features_)))

    def _check_single(self) -> None:
        check_is_fitted(self)
        if hasattr(self, "outputs_"):
            first = next(iter(self.outputs_))
            raise FitError(
                f"this model has {len(self.outputs_)} targets; ask the model of one of them, such as "
                f"model.outputs_[{first!r}]"
            )

    def _held_out(self, X: Any, y: Any) -> tuple[Any, Floats]:
        """Return the rows and the targets of held-out rows, checked.

        They are given as two, as a pair, or as a frame that holds the target, which `y` may name.
        """
        target = y if isinstance(y, str) else self.target_name_
        if y is not None and not isinstance(y, str):
            rows = X
        elif isinstance(X, (tuple, list)) and len(X) == 2:
            rows, y = X
        elif isinstance(X, pd.DataFrame):
            rows, y = self._split_off(X, target)
        else:
            raise FitError(
                "held-out rows are a frame with the columns of the model and the target, or X and y, not "
                f"{type(X).__name__}"
            )
        return rows, held_out_target(rows, y, target)

    def _split_off(self, test: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
        """Return the columns of the model, and the target, of a frame that holds both."""
        names, labels = list(self._columns), [str(name) for name in test.columns]
        for name in [*names, target]:
            if name not in labels:
                role = "target" if name == target else "column"
                raise FitError(f"the held-out rows have no {role} {name!r}; {nearest(name, labels)}")
        rows = test.iloc[:, [labels.index(name) for name in names]]
        if not hasattr(self, "feature_names_in_"):
            # Fitted to an array: names that only the encoding knows would be a warning of scikit-learn.
            rows = rows.set_axis(range(len(names)), axis=1)
        return rows, test.iloc[:, labels.index(target)]
