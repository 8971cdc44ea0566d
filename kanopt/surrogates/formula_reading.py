"""The law of a fitted model as a formula, and a formula as a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Fit, Formula, Variable
from kanopt.surrogates.audit import audit
from kanopt.surrogates.categories import (
    in_known_words,
    pools,
    unseen_rows,
    warn_of_unseen,
    with_categories,
)
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
from kanopt.surrogates.readings import FittedModel
from kanopt.surrogates.summary import structure_text
from kanopt.tables.batches import is_source

if TYPE_CHECKING:
    from kanopt.surrogates.ladder import Control, Trained
    from kanopt.surrogates.monitor import FitProgress

Floats = NDArray[np.float64]


class FormulaReading(FittedModel):
    """A fitted :class:`kanopt.KANRegressor` as a formula."""

    def to_formula(  # noqa: PLR0913 - what one asks for, and how long it may take
        self,
        X: Any,
        y: Any = None,
        *,
        min_r2: float = 0.5,
        unit: str | None = None,
        per: str = "",
        pin: Mapping[str, str | Iterable[str]] | None = None,
        forbid: Iterable[str] = (),
        prefer: Iterable[str] = (),
        unseen: str = "error",
        budget: float | None = None,
        progress: Callable[[FitProgress], None] | bool | None = None,
    ) -> Formula:
        """Return the law as a formula: closed forms where they are as good as the curves, curves where not.

        How long it searches is counted in refits, so that a seed gives its formula on every machine. Ctrl-C and
        `budget` end the search; the best law so far is returned, its :attr:`~kanopt.formulas.Formula.stopped` and a
        warning say so.

        Parameters
        ----------
        X : DataFrame or array
            Held-out rows with the columns of the model, and of a frame the target too if there is no `y`. They report
            and gate; they select nothing. Rows that :meth:`fit` has seen are warned of and noted in the provenance, but
            where it read its table batch by batch. Where they declare other units than the rows of the fit, columns
            are converted. Units of the fit become the units of the formula; where there were none, those of this frame.
            A frame may also hold the column of the groups that the model was fitted with; what rows of a group have in
            common of their errors is then told of new rows (``formula.fit.errors.noise_shape``).
        y : array or str, optional
            The target of every row, or which column of `X` it is; by default the one with the name of the series the
            model was fitted to.
        min_r2 : float
            The least R² on the held-out rows with which the law is let through.
        unit : str, optional
            Unit of the target; by default the one that `X` declares.
        per : str
            What one row is: ``"leg"``, ``"task"``, ``"lane-period"``.
        pin : dict, optional
            Column to the operator it is to be, or to several among which to choose: ``{"hour": "sine"}``. The operators
            are linear, quadratic, power, exp, gaussian, log, sine, hinge, step, curve, and none, which
            leaves the column out. A column that is pinned is in the law, unless "none" is among its operators.
        forbid, prefer : list of str
            Operators that are not to be used, and those that count half. A quotient is no power. What was decided by
            hand is written into the provenance of the formula.
        unseen : "error" or "pooled"
            "error" lets the formula refuse categories that did not occur in training. "pooled" gives every table of
            categories a fallback for those, what its numbers were drawn to or else the mean of its entries over the
            training rows; held-out rows with such categories are left out of the judgement.
        budget : float, optional
            Seconds by the clock after which the search ends; a moment more is taken to write down what there is.
        progress : callable or bool, optional
            As of :meth:`fit`.

        Raises
        ------
        FitError
            If `min_r2` is no number of at most 1, there is one row or a target that does not vary, a held-out row has
            a category that did not occur in training, a pin names no column, an operator is not known, no function that
            is allowed fits, the model has no use for a column that is pinned, or the way it was fitted brings in an
            operator that is forbidden.
        FormulaError
            If the formula explains less than `min_r2` of the held-out rows, or the model was loaded from a
            file, which holds no training rows.

        Examples
        --------
        >>> from kanopt import KANRegressor
        >>> rng = np.random.default_rng(0)
        >>> trips = pd.DataFrame({"km": rng.uniform(5, 80, 300), "load_t": rng.uniform(1, 10, 300)})
        >>> trips["cost"] = 2.0 * trips["km"] ** 1.5 * trips["load_t"] ** 0.5
        >>> train, test = trips[:250], trips[250:]
        >>> model = KANRegressor(seed=1).fit(train[["km", "load_t"]], train["cost"])
        >>> print(model.to_formula(test))
        2 · km^1.5 · sqrt(load_t)
        """
        from kanopt.formulas.rounding import round_measures
        from kanopt.surrogates.ladder import Control, HeldOut, find_law
        from kanopt.surrogates.monitor import warn_if_stopped, watched
        from kanopt.tables import units_of

        self._check_single()
        if self._rows is None:
            raise FormulaError(
                "a model loaded from a file holds no training rows, on which a formula is chosen; fit it again, or "
                "save the formula instead (formula.save)"
            )
        name = y if isinstance(y, str) else self.target_name_
        rows, actual = self._held_out(X, y)
        together = self._groups_in(X)
        pooled = pools(unseen)
        _, codes = self.encoding_.transform(self._filled(rows), pooled=pooled)
        if (codes < 0).any():
            warn_of_unseen(rows, unseen_rows(self.encoding_, codes), "they judge nothing")
            known = (codes >= 0).all(axis=1)
            rows, actual = rows[known], actual[known]
            together = None if together is None else together[known]
        refuse_unmeasured(actual, name, min_r2)
        declared = X if isinstance(X, pd.DataFrame) else rows
        # the columns are converted to the units of the fit, where there were any
        units = {**(units_of(declared) if isinstance(declared, pd.DataFrame) else {}), **self._units}
        output = Variable(name, units.get(name, "") if unit is None else unit)
        trained = _trained(self, Control.of(pin, forbid, prefer), units, output.unit)
        known_rows = in_known_words(self._filled(rows), self.encoding_)
        held_out = HeldOut(known_rows.assign(**{name: actual}), output, per)
        with watched(progress, budget) as watch:
            formula = find_law(replace(trained, watch=watch), held_out, min_r2)
        warn_if_stopped(watch)
        categories = self._rows.inputs[:, len(self.encoding_.numeric) :]
        formula = with_categories(formula, self.encoding_, categories, self._rows.weight, pooled=pooled)
        assert self._known_rows is not None
        learned = in_known_words(self._known_rows, self.encoding_).rename(columns={self.target_name_: name})
        if self._groups is not None:
            formula = self._groups.with_shared_noise(formula, learned, (known_rows, actual, together))
        fit = formula.fit
        assert fit is not None
        findings = (*fit.findings, *audit(formula, learned, held_out.frame, name))
        return replace(formula, fit=round_measures(replace(fit, findings=findings)))

    def _groups_in(self, X: Any) -> NDArray[np.object_] | None:
        """Return the groups of held-out rows, where they hold the column by which the model was fitted."""
        by = None if self._groups is None else self._groups.name
        return X[by].to_numpy(dtype=object) if by and isinstance(X, pd.DataFrame) and by in X else None


def _trained(model: FittedModel, control: Control, units: Mapping[str, str], output_unit: str) -> Trained:
    """Return the network of a model, with all that a formula is read from."""
    from kanopt.surrogates.ladder import Trained
    from kanopt.surrogates.options import settings_of

    law, rows = model._law, model._rows
    assert rows is not None
    settings = settings_of(model, law.encoding)
    return Trained(
        network=law.network,
        features=law.encoding.inputs,
        rows=rows,
        wanted=settings.shape_constraints,
        log_target=law.log_target,
        seed=model.seed,
        structure=structure_text(law),
        edf=law.edf,
        link=law.link,
        control=control,
        units=units,
        output_unit=output_unit,
        lowest=None if np.isnan(law.lowest) else law.lowest,
        floor=law.lowest if settings.hold_positive and law.lowest > 0 else None,
        stopped=model.stopped_,
    )


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
