"""``KANRegressor.from_formula``: a law that is known, corrected by rows, on scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Fit, Formula, Variable
from kanopt.surrogates.input_checks import (
    held_out_rows,
    is_multi_target,
    name_of,
    refuse_leak,
    refuse_texts,
    refuse_unmeasured,
    used_rows,
    weights_of,
)
from kanopt.tables.batches import is_source

Floats = NDArray[np.float64]


class KnownLaw(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A law that is known, and corrected where rows insist; :meth:`KANRegressor.from_formula` makes one.

    Before :meth:`fit` it predicts as the law does. A fit corrects it as :meth:`kanopt.Formula.correct` does, by all
    columns of the rows.

    Parameters
    ----------
    formula : Formula
        The law that is known.
    scale : "auto", "additive" or "factor"
        Whether columns add to the law or multiply it; "auto" takes what describes the rows in fewer words.
    interactions : bool
        Whether pairs of columns may correct it, too.
    periodic : dict, optional
        Periods of columns that start anew, such as ``{"hour": 24}``.

    Attributes
    ----------
    formula_ : Formula
        The corrected law; its provenance says what was corrected.

    Examples
    --------
    >>> from kanopt import parse_formula
    >>> known = parse_formula("minutes * (1 + 0.10 * load^4)", ["minutes", "load"], "time")
    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame({"minutes": rng.uniform(2, 10, 30), "load": rng.uniform(0, 1.5, 30)})
    >>> model = KnownLaw(known)
    >>> model.predict(rows.head(1)).round(3) == known.evaluate(rows.head(1)).round(3)
    array([ True])
    >>> print(model.fit(rows, rows["minutes"] * (1 + 0.15 * rows["load"] ** 4)).formula_)
    minutes · (1 + 0.15 · load^4)
    """

    formula_: Formula

    def __init__(
        self,
        formula: Formula,
        *,
        scale: str = "auto",
        interactions: bool = True,
        periodic: Mapping[str, float] | None = None,
    ) -> None:
        self.formula = formula
        self.scale = scale
        self.interactions = interactions
        self.periodic = periodic

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Correct the law by rows, and return the model.

        Parameters
        ----------
        X : DataFrame or array of shape (n, inputs)
            The rows; an array holds the inputs of the law in their order. Other columns may correct the law.
        y : array of shape (n,)
            The target, in the unit of the law.
        sample_weight : array of shape (n,), optional
            How many rows each stands for.

        Raises
        ------
        FitError
            For a target that is no column of numbers, and columns that identify rows or hold numbers as text.
        FormulaError
            If an input of the law is missing or has missing values.
        """
        if not isinstance(self.formula, Formula):
            raise FitError(f"formula={self.formula!r:.80} must be a Formula; make one with ko.parse_formula")
        if is_source(X):
            raise FitError(
                "a known law is corrected on tables in memory; read the table first (ko.read_table)"
            )
        if is_multi_target(y):
            raise FitError("a known law is of one target; fit one model for each")
        frame = self._frame(X, self._inputs)
        target_name = name_of(y) or self.formula.output.name
        refuse_leak(target_name, frame)
        frame, target, weights = used_rows(frame, y, weights_of(sample_weight, frame))
        others = [name for name in frame.columns if name not in self.formula.used]
        refuse_texts(frame[others])
        known = replace(self.formula, output=Variable(target_name, self.formula.output.unit))
        self.formula_ = known.correct(
            frame.assign(**{target_name: target}),
            others,
            periodic=self.periodic,
            scale=self.scale,
            interactions=self.interactions,
            weight=weights,
        )
        self.feature_names_in_ = np.array(list(frame.columns), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        self.rows_ = len(frame)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Say that the model predicts: it has a law."""
        return True

    def predict(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Return the expected target of every row, shape (n,), in the unit of the law.

        Raises
        ------
        FormulaError
            For missing values, and where the law has no finite value.
        """
        frame = self._frame(X, list(getattr(self, "feature_names_in_", self._inputs)))
        return np.array(np.broadcast_to(self._law.evaluate(frame), len(frame)))

    def to_formula(self, X: Any, y: Any = None, *, min_r2: float = 0.5, per: str = "") -> Formula:
        """Return the law with its fit on held-out rows.

        Parameters
        ----------
        X : DataFrame or array
            Held-out rows, with the target in a column of its name if there is no `y`.
        y : array or str, optional
            The target of every row, or which column of `X` it is.
        min_r2 : float
            The least R² on the held-out rows with which the law is let through.
        per : str
            What one row is: ``"leg"``, ``"task"``, ``"lane-period"``.

        Raises
        ------
        FormulaError
            If the law explains less than `min_r2` of the held-out rows.
        """
        law = self._law
        name = y if isinstance(y, str) else law.output.name
        read = list(getattr(self, "feature_names_in_", self._inputs))
        X, actual = held_out_rows(X, y, read, name)
        refuse_unmeasured(actual, name, min_r2)
        fit = Fit.of(actual, self.predict(X), rows_train=getattr(self, "rows_", 0))
        if fit.r2 < min_r2:
            raise FormulaError(
                f"the law for {name!r} is refused: R² {fit.r2:.3f} on {fit.rows_test:,} held-out rows is below "
                f"{min_r2:g}; the formula is {law}. Correct the law, add rows or columns that explain the target, or "
                "lower min_r2 knowingly"
            )
        return replace(law, fit=fit, per=per or law.per)

    @property
    def _law(self) -> Formula:
        """The law as it is corrected, or as it is known."""
        return getattr(self, "formula_", self.formula)

    @property
    def _inputs(self) -> list[str]:
        """The inputs that the law reads, in their order."""
        return [variable.name for variable in self.formula.inputs if variable.name in self.formula.used]

    def _frame(self, X: Any, names: list[str]) -> pd.DataFrame:
        """Return rows as a frame; the columns of an array have `names`."""
        if isinstance(X, pd.DataFrame):
            named = X.set_axis([str(name) for name in X.columns], axis=1)
            named.attrs = X.attrs
            return named
        array = np.asarray(X)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise FitError(
                f"X has the shape {array.shape}, and the law reads {len(names)} columns, "
                f"{', '.join(map(repr, names))}; pass a frame with these columns"
            )
        return pd.DataFrame(array, columns=names)
