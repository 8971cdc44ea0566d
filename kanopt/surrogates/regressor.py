"""A scikit-learn regressor with a Kolmogorov-Arnold network, whose edges are curves that can be inspected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from kanopt.array_types import Floats
from kanopt.errors import FitError, knows_arguments
from kanopt.formulas import Formula, Variable
from kanopt.surrogates.audit import audit
from kanopt.surrogates.categories import (
    in_known_words,
    pools,
    predict_pooled,
    unseen_rows,
    warn_of_unseen,
    with_categories,
)
from kanopt.surrogates.fits import OF_COLUMNS, fit_memory, fit_source
from kanopt.surrogates.groups import grouped
from kanopt.surrogates.input_checks import refuse_names, refuse_unmeasured
from kanopt.surrogates.monitor import watched
from kanopt.surrogates.readings import FittedModel, structure_text, warn_of_rows_outside
from kanopt.tables.stores import is_source

if TYPE_CHECKING:
    from kanopt.surrogates.ladder import Trained
    from kanopt.surrogates.monitor import FitProgress


# The law of a fitted model as a formula.


class FormulaReading(FittedModel):
    """A fitted :class:`kanopt.KANRegressor` as a formula."""

    def to_formula(
        self,
        X: Any,
        y: Any = None,
        *,
        min_r2: float = 0.5,
        unit: str | None = None,
        per: str = "",
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
            If `min_r2` is no number of at most 1, there is one row or a target that does not vary, or a held-out row
            has a category that did not occur in training.
        FormulaError
            If the formula explains less than `min_r2` of the held-out rows.

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
        from kanopt.formulas.simplify import round_measures
        from kanopt.surrogates.ladder import HeldOut, find_law
        from kanopt.surrogates.monitor import warn_if_stopped, watched
        from kanopt.tables import units_of

        check_is_fitted(self)
        name = y if isinstance(y, str) else self.target_name_
        rows, actual = self._held_out(X, y)
        by, together = "" if self._groups is None else self._groups.name, None
        if by and isinstance(X, pd.DataFrame) and by in X:
            together = X[by].to_numpy(dtype=object)
        pooled = pools(unseen)
        encoded = self.encoding_.transform(self._of_law(rows), pooled=pooled)
        if lacking := unseen_rows(self.encoding_, encoded):
            warn_of_unseen(rows, lacking, "they judge nothing")
            known = ~np.any(list(lacking.values()), axis=0)
            rows, actual = rows[known], actual[known]
            together = None if together is None else together[known]
        refuse_unmeasured(actual, name, min_r2)
        declared = X if isinstance(X, pd.DataFrame) else rows
        # the columns are converted to the units of the fit, where there were any
        units = {**(units_of(declared) if isinstance(declared, pd.DataFrame) else {}), **self._units}
        output = Variable(name, units.get(name, "") if unit is None else unit)
        trained = _trained(self, units, output.unit)
        known_rows = in_known_words(self._of_law(rows), self.encoding_)
        held_out = HeldOut(known_rows.assign(**{name: actual}), output, per)
        with watched(progress, budget) as watch:
            formula = find_law(replace(trained, watch=watch), held_out, min_r2)
        warn_if_stopped(watch)
        categories = self._rows.inputs[:, len(self.encoding_.numeric) :]
        formula = with_categories(formula, self.encoding_, categories, self._rows.weight, pooled=pooled)
        learned = in_known_words(self._known_rows, self.encoding_).rename(columns={self.target_name_: name})
        if self._groups is not None:
            formula = self._groups.with_shared_noise(formula, learned, (known_rows, actual, together))
        fit = formula.fit
        assert fit is not None
        findings = (*fit.findings, *audit(formula, learned, held_out.frame, name))
        return replace(formula, fit=round_measures(replace(fit, findings=findings)))


def _trained(model: FittedModel, units: Mapping[str, str], output_unit: str) -> Trained:
    """Return the network of a model, with all that a formula is read from."""
    from kanopt.surrogates.ladder import Trained
    from kanopt.surrogates.options import settings_of

    law, rows = model._law, model._rows
    settings = settings_of(model, law.encoding)
    return Trained(
        network=law.network,
        features=law.encoding.inputs,
        rows=rows,
        wanted=settings.shape_constraints,
        structure=structure_text(law),
        edf=law.edf,
        link=law.link,
        units=units,
        output_unit=output_unit,
        lowest=None if np.isnan(law.lowest) else law.lowest,
        floor=law.lowest if settings.hold_positive and law.lowest > 0 else None,
        stopped=model.stopped_,
    )


@knows_arguments
class KANRegressor(FormulaReading):
    """Learn a smooth law from a table with a Kolmogorov-Arnold network.

    Every edge of the network is a cubic spline of one variable, or a table over the values of a category.
    Arguments at "auto" are chosen on the training rows: hidden nodes, logarithms of the target and of
    features, smoothing, and the robustness of the loss. The simplest structure is selected unless a more
    complex one is clearly more accurate on left-out rows.

    Parameters
    ----------
    hidden : "auto" or sequence of int
        Widths of the hidden layers. ``()`` is additive: one curve per column. "auto" tries four nodes and two, too.
    grid_size : "auto" or int
        Intervals of a spline; "auto" starts with few and doubles them while the cross-validation score falls by a
        tenth. Fewer are used for a table with few distinct rows.
    smoothing : "auto" or float
        Weight of the roughness of the curves. "auto" chooses one per column by the marginal likelihood; behind hidden
        nodes it is checked on rows held out.
    starts : int
        Number of random starts trained in parallel with hidden nodes; only the best few are trained to convergence.
    monotone : None, mapping or sequence
        +1 for columns in which the target is increasing, -1 for decreasing, by name or one per column. Guaranteed
        exactly, also with hidden layers and outside the data.
    positive : "auto" or bool
        True keeps the law above zero everywhere by its form. "auto": where all targets are above zero and the law could
        fall below zero among its data, it is held at the smallest target, in predictions and in the formula. False does
        neither; nor does "auto" with `bounds`.
    bounds : None or pair of float
        Keep the law between two ends everywhere.
    log_target : "auto" or bool
        Learn the logarithm of the target; predictions are corrected for the bias of sums.
    log_features : "auto" or list
        Columns, by name or position, of which the logarithm is taken.
    periodic : None or mapping
        Periodic columns, such as ``{"hour": 24, "weekday": 7}``, whose curves are periodic splines.
    loss : "auto", "squared", "huber" or "tukey"
        "auto" chooses "huber" for residuals with heavy tails.
    seed : int
        The same seed gives the same model.
    device : str
        Where to train: "auto" is CUDA if available.

    Attributes
    ----------
    network_ : kanopt.Formula
        The network as a formula of curves; its output is the target, or its logarithm, or the argument of
        :attr:`link_`. Its inputs are the encoded columns, ``c0`` and so on: numbers, periodic ones, categories by code.
    formula_ : kanopt.Formula
        What is predicted as a formula of curves over the columns: it is saved, exported and proved to rise or to stay
        within bounds like any formula (:meth:`kanopt.Formula.save`, :meth:`kanopt.Formula.prove`).
    encoding_ : FeatureEncoding
        The encoding of the columns: kind, logarithm, scale, range, categories.
    log_target_ : bool
        Whether the network's output is the logarithm of the target.
    link_ : Link or None
        From the network to a positive or bounded target.
    smearing_ : float
        Factor on exp(network) of a log target (Duan 1983).
    loss_ : str
        The loss used; "poisson" is squared errors divided by the mean, with an exponential link.
    idle_features_
        Of a table with more than twelve columns those that say nothing about the target, and so have no part in the law
        (:mod:`kanopt.surrogates.screening`); none is left out where an argument speaks of single columns.
    stopped_ : str
        By what the search was stopped before its end, Ctrl-C or its budget, and after how many structures; empty where
        it was not.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trips = pd.DataFrame({"km": rng.uniform(5, 80, 200), "load_t": rng.uniform(1, 10, 200)})
    >>> cost = 2.0 * trips["km"] ** 0.9 * trips["load_t"] ** 0.3
    >>> model = KANRegressor(seed=1).fit(trips, cost)
    >>> bool(abs(model.predict(trips.head(1))[0] / cost[0] - 1.0) < 1e-3)
    True
    >>> model.encoding_.names
    ('km', 'load_t')
    """

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters off the signature
        self,
        hidden: Any = "auto",
        *,
        grid_size: int | Literal["auto"] = "auto",
        smoothing: float | Literal["auto"] = "auto",
        starts: int = 16,
        monotone: Any = None,
        positive: bool | Literal["auto"] = "auto",
        bounds: Any = None,
        log_target: bool | Literal["auto"] = "auto",
        log_features: Any = "auto",
        periodic: Any = None,
        loss: str = "auto",
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.hidden = hidden
        self.grid_size = grid_size
        self.smoothing = smoothing
        self.starts = starts
        self.monotone = monotone
        self.positive = positive
        self.bounds = bounds
        self.log_target = log_target
        self.log_features = log_features
        self.periodic = periodic
        self.loss = loss
        self.seed = seed
        self.device = device

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        columns: list[str] | None = None,
        budget: float | None = None,
        progress: Callable[[FitProgress], None] | bool | None = None,
    ) -> Self:
        """Learn the law from rows, and return the model.

        How long it searches is counted in work, so that a seed gives its law on every machine. Ctrl-C and `budget`
        end the search; the best law found so far is kept, :attr:`stopped_` and a warning say so.

        Parameters
        ----------
        X : DataFrame, array of shape (n, columns), path, or list of paths
            Numbers, and in a DataFrame also categories (text, category or bool columns). The Parquet file of a path,
            or of several, is read batch by batch, so that a table may be larger than memory.
        y : array of shape (n,) or str
            Target. The name of a Series is remembered. For a path the name of the target's column.
        sample_weight : array of shape (n,), optional
            A weight of k counts as k equal rows, 0 as none; weights with a mean below one are scaled to mean
            one. For a path the name of a column.
        groups : str or array of shape (n,), optional
            What rows share an error in: the day, route or vehicle of each, as a column of `X`, from which nothing is
            learned then, or as values. Rows of a group are held out together, smoothing counts what they say once, and
            intervals are those of rows of new groups. Rows that share an error and are taken for independent ones are
            followed too closely, and intervals are then too narrow.
        columns : list of str, optional
            For a path: the columns to learn from, by default all others.
        budget : float, optional
            Seconds by the clock after which the search ends. What is longer than any search changes nothing.
        progress : callable or bool, optional
            Called with a :class:`FitProgress` after every step; if it raises KeyboardInterrupt, that is a Ctrl-C. By
            default a line at a terminal and in a notebook tells the same from the second second on, with False nothing
            does.

        Returns
        -------
        KANRegressor
            The model itself.

        Raises
        ------
        FitError
            For missing or infinite values, constant columns, a target that is called like a column, too few rows,
            and arguments that are not allowed.
        """
        before = {name: value for name, value in vars(self).items() if name in OF_COLUMNS}
        try:
            with watched(progress, budget) as watch:
                if is_source(X):
                    fit_source(self, X, (y, sample_weight, groups), columns, watch)
                    return self
                if columns is not None:
                    raise FitError(
                        "columns is for tables read from a path; pass the frame with the columns you mean"
                    )
                refuse_names(y, sample_weight)
                X, groups = grouped(X, groups, y)
                fit_memory(self, X, y, sample_weight, watch, groups)
                return self
        except BaseException:
            # scikit-learn notes the columns before anything is learned: a refused refit leaves the model as it was.
            for name in OF_COLUMNS:
                self.__dict__.pop(name, None)
            self.__dict__.update(before)
            raise

    def predict(self, X: ArrayLike | pd.DataFrame, *, unseen: str = "error") -> Floats:
        """Return the expected target of every row, shape (n,), in the units of the target.

        One :class:`~kanopt.DomainWarning` counts the rows that lie outside the data by more than a tenth of the range
        of a column (of its logarithm, where the law reads that), and says how many of them are predicted below zero
        where no target was; ``formula_.outside(X)`` tells which lie outside.

        Parameters
        ----------
        X
            Rows.
        unseen : "error" or "pooled"
            What to do about categories that did not occur in training. "pooled" predicts the mean over those that did,
            as often as they did, and a :class:`~kanopt.DomainWarning` counts such rows.

        Raises
        ------
        FitError
            For missing values, and for categories that did not occur in training, unless they are pooled.
        """
        if pools(unseen):
            encoded = self.encoding_.transform(self._of_law(X), pooled=True)
            found = predict_pooled(self._law, encoded)
            warn_of_unseen(
                X, unseen_rows(self.encoding_, encoded), "they are predicted as the mean of the known ones"
            )
        else:
            encoded = self._encode(X)
            found = self._law.predict(encoded)
        warn_of_rows_outside(self, X, encoded, (found < 0.0) & (self._law.lowest >= 0.0))
        return found

    def predict_interval(
        self,
        X: ArrayLike | pd.DataFrame,
        coverage: float = 0.9,
        calibration: Any = None,
    ) -> pd.DataFrame:
        """Return an interval for every row that a new observation falls into with probability `coverage`.

        The width comes from the residuals of the training rows left out one at a time, and follows the prediction: at
        every size it is that of an eighth of the rows, 100 at least, of which the law says about as much. In tables of
        fewer than 200 rows it is the same everywhere (for a log target, the same factor). With ``positive="auto"`` no
        interval reaches below zero where no target did. The coverage is an average over rows like those of the table;
        it is not promised for every single kind of row, nor outside the data.

        Of a small table behind hidden nodes, residuals of rows left out one at a time are a little too small, since the
        curves of the hidden layers were chosen with these rows: with 60 to 100 rows and ``hidden=(2,)``, intervals of
        90 % cover 85 to 90 % on average (``benchmarks/interval_coverage.py``). Pass `calibration` there.

        Parameters
        ----------
        X
            Rows.
        coverage
            Probability.
        calibration : DataFrame or (X, y), optional
            Rows with their target that the model was not fitted on, by which the widths are stretched. With them the
            coverage is at least as promised for any law and any noise, as long as new rows are like these (split
            conformal prediction, Lei et al. 2018, JASA 113).

        Returns
        -------
        DataFrame
            Columns lower, prediction and upper, and outside: whether the row lies beyond the data the law was learned
            from, where the interval is as narrow as inside and promises nothing. The index is
            that of `X`.
        """
        asked: Any = coverage
        if isinstance(asked, bool) or not isinstance(asked, Real) or not 0.0 < float(asked) < 1.0:
            raise FitError(f"coverage={coverage!r} must lie between 0 and 1, such as 0.9")
        encoded = self._encode(X)
        around = self._law.residual_range(coverage)
        if calibration is not None:
            rows, target = self._held_out(calibration, None)
            if self.log_target_ and target.min() <= 0.0:
                raise FitError(
                    "calibration: the law is of the logarithm of the target, which some row does not have; leave "
                    "such rows out, or fit with log_target=False"
                )
            known = self._encode(rows)
            around = around.calibrated(
                self._law.residual(known, target), self._law.on_residual_scale(known), coverage
            )
        lower, upper = self._law.interval_around(encoded, around)
        index = X.index if isinstance(X, pd.DataFrame) else None
        predicted = self._law.predict(encoded)
        if self.positive is not False and self._law.lowest > 0.0:
            # new targets above zero are covered as before
            lower = np.maximum(lower, np.minimum(predicted, 0.0))
        columns = {"lower": lower, "prediction": predicted, "upper": upper}
        return pd.DataFrame({**columns, "outside": self._law.outside(encoded)}, index=index)
