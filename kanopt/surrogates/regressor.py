"""A scikit-learn regressor with a Kolmogorov-Arnold network, whose edges are curves that can be inspected."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from kanopt.errors import FitError, nearest
from kanopt.surrogates import readings
from kanopt.surrogates.effects import marginal_effects
from kanopt.surrogates.fits import OF_COLUMNS, fit_memory, fit_source
from kanopt.surrogates.frames import ordered_as, table_of
from kanopt.surrogates.groups import grouped, refuse_groups
from kanopt.surrogates.input_checks import (
    calibration_of,
    coverage_of,
    held_out_target,
    refuse_names,
    whole_number,
)
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.missing import MissingIndicators
from kanopt.surrogates.storage import load_model, model_parts, write_model
from kanopt.surrogates.summary import Summary
from kanopt.surrogates.unseen import pools, predict_pooled, unseen_rows, warn_of_unseen
from kanopt.surrogates.watching import watched
from kanopt.tables.batches import is_source

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.diagnostics import Attribution
    from kanopt.surrogates.diagnostics import SeparabilityTests as Separability
    from kanopt.surrogates.diagram import Diagram
    from kanopt.surrogates.distill.mixed import Rows
    from kanopt.surrogates.known_law import KnownLaw
    from kanopt.surrogates.monitor import FitProgress

__all__ = ["KANRegressor"]

Floats = NDArray[np.float64]


class KANRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learn a smooth law from a table with a Kolmogorov-Arnold network.

    Every edge of the network is a cubic spline of one variable, or a table over the values of a category.
    Arguments at "auto" are chosen on the training rows: hidden nodes, logarithms of the target and of
    features, smoothing, and the robustness of the loss. The simplest structure is selected unless a more
    complex one is clearly more accurate on left-out rows.

    Parameters
    ----------
    hidden : "auto" or sequence of int
        Widths of the hidden layers. ``()`` is additive: one curve per column.
    products : "auto" or sequence of int
        Number of product nodes in every hidden layer, which multiply two sums; "auto" is none if `hidden` is given, and
        tries one otherwise.
    grid_size : "auto" or int
        Intervals of a spline; "auto" starts with few and doubles them while the cross-validation score falls by a
        tenth. Fewer are used for a table with few distinct rows.
    smoothing : "auto", "evidence" or float
        Weight of the roughness of the curves. "auto" chooses one per column: in additive laws by generalised
        cross-validation, behind hidden nodes by the marginal likelihood, checked on rows held out where there is noise.
        "evidence" takes the marginal likelihood in additive laws too.
    starts : int
        Number of random starts trained in parallel with hidden nodes; only the best few are trained to convergence.
    monotone : None, mapping or sequence
        +1 for columns in which the target is increasing, -1 for decreasing, by name or one per column. Guaranteed
        exactly, also with hidden layers and outside the data.
    convex, concave : None or list
        Columns in which the target is convex (concave), jointly in all that are listed, for all values of the others.
        Guaranteed exactly, also with hidden layers and outside the data.
    positive : "auto" or bool
        True keeps the law above zero everywhere by its form. "auto": where all targets are above zero and the law could
        fall below zero among its data, it is held at the smallest target, in predictions and in the formula. False does
        neither; nor does "auto" with `bounds`, and with `concave`, of which it would make something else.
    bounds : None or pair of float
        Keep the law between two ends everywhere.
    log_target : "auto" or bool
        Learn the logarithm of the target; predictions are corrected for the bias of sums.
    log_features : "auto" or list
        Columns, by name or position, of which the logarithm is taken.
    periodic : None or mapping
        Periodic columns, such as ``{"hour": 24, "weekday": 7}``, whose curves are periodic splines.
    missing : "error" or "indicator"
        Whether missing values are an error, or information: then a number gets an additional indicator (see
        :mod:`kanopt.surrogates.missing`), a category a value "missing".
    loss : "auto", "squared", "huber" or "tukey"
        "auto" chooses "huber" for residuals with heavy tails.
    precision : "double" or "mixed"
        "mixed" multiplies large matrices in single precision; the optimum is the same.
    seed : int
        The same seed gives the same model.
    device : str
        Where to train: "auto" is CUDA if available.

    Attributes
    ----------
    network_ : kanopt.kan.Network
        The network in numpy; its output is the target, or its logarithm, or the argument of :attr:`link_`.
    encoding_ : FeatureEncoding
        The encoding of the columns: kind, logarithm, scale, range, categories.
    log_target_ : bool
        Whether the network's output is the logarithm of the target.
    link_ : Link or None
        From the network to a positive or bounded target.
    smearing_ : float
        Factor on exp(network) of a log target (Duan 1983).
    covariance_ : ndarray
        Covariance of the network's parameters in its flat order, edges centred.
    standard_errors_ : ndarray
        Their standard errors; NaN for a parameter at an active bound, whose error is not symmetric, and for networks of
        more than 2,000 parameters, which have no covariance.
    loss_ : str
        The loss used; "poisson" is squared errors divided by the mean, with an exponential link.
    alternatives_ : DataFrame
        Every structure tried, with its leave-one-out error, in the units of the target; of rows that share an error,
        the error without what a group shares.
    outputs_ : dict
        For several targets: one model for each, by name. All methods except `predict` are called on these.
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

    _law: NetworkLaw
    _rows: Rows | None
    _indicators: MissingIndicators
    _simpler_laws: tuple[tuple[NetworkLaw, Rows], ...] = ()
    _units: Mapping[str, str] = MappingProxyType({})
    stopped_: str = ""

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters off the signature
        self,
        hidden: Any = "auto",
        *,
        products: Any = "auto",
        grid_size: int | Literal["auto"] = "auto",
        smoothing: float | Literal["auto", "evidence"] = "auto",
        starts: int = 16,
        monotone: Any = None,
        convex: Any = None,
        concave: Any = None,
        positive: bool | Literal["auto"] = "auto",
        bounds: Any = None,
        log_target: bool | Literal["auto"] = "auto",
        log_features: Any = "auto",
        periodic: Any = None,
        missing: str = "error",
        loss: str = "auto",
        precision: str = "double",
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.hidden = hidden
        self.products = products
        self.grid_size = grid_size
        self.smoothing = smoothing
        self.starts = starts
        self.monotone = monotone
        self.convex = convex
        self.concave = concave
        self.positive = positive
        self.bounds = bounds
        self.log_target = log_target
        self.log_features = log_features
        self.periodic = periodic
        self.missing = missing
        self.loss = loss
        self.precision = precision
        self.seed = seed
        self.device = device

    @classmethod
    def from_formula(
        cls,
        formula: Formula,
        *,
        scale: str = "auto",
        interactions: bool = True,
        periodic: Mapping[str, float] | None = None,
    ) -> KnownLaw:
        """Return a model that predicts as a formula does, and is corrected by a fit where rows insist that it is wrong.

        Parameters
        ----------
        formula : Formula
            The law that is known.
        scale, interactions, periodic
            How it is corrected; see :class:`~kanopt.surrogates.known_law.KnownLaw`, and :meth:`kanopt.Formula.correct`
            for a law that is no model.
        """
        from kanopt.surrogates.known_law import KnownLaw

        return KnownLaw(formula, scale=scale, interactions=interactions, periodic=periodic)

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
        X : DataFrame, array of shape (n, columns), path, list of paths, or callable
            Numbers, and in a DataFrame also categories (text, category or bool columns). The path of a Parquet file,
            or several, or a callable that returns a fresh iterator of frames, is read batch by batch, so that a table
            may be larger than memory.
        y : array of shape (n,) or (n, targets), or str
            Target. The name of a Series is remembered. Several targets are fitted one after the other, see
            ``outputs_``. For a path or a callable the name of the target's column.
        sample_weight : array of shape (n,), optional
            A weight of k counts as k equal rows, 0 as none; weights with a mean below one are scaled to mean
            one. For a path or a callable the name of a column.
        groups : str or array of shape (n,), optional
            What rows share an error in: the day, route or vehicle of each, as a column of `X`, from which nothing is
            learned then, or as values. Rows of a group are held out together, smoothing counts what they say once, and
            intervals are those of rows of new groups. Rows that share an error and are taken for independent ones are
            followed too closely, and intervals are then too narrow.
        columns : list of str, optional
            For a path or a callable: the columns to learn from, by default all others.
        budget : float, optional
            Seconds by the clock after which the search ends, in all for several targets. What is longer than any
            search changes nothing.
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
                    refuse_groups(groups, "tables read batch by batch")
                    fit_source(self, X, y, sample_weight, columns, watch)
                    return self
                if columns is not None:
                    raise FitError(
                        "columns is for tables read from a path; pass the frame with the columns you mean"
                    )
                refuse_names(y, sample_weight)
                X, groups = grouped(X, groups)
                fit_memory(self, X, y, sample_weight, watch, groups)
                return self
        except BaseException:
            # scikit-learn notes the columns before anything is learned: a refused refit leaves the model as it was.
            for name in OF_COLUMNS:
                self.__dict__.pop(name, None)
            self.__dict__.update(before)
            raise

    def predict(self, X: ArrayLike | pd.DataFrame, *, unseen: str = "error") -> Floats:
        """Return the expected target of every row, shape (n,) or (n, targets), in the units of the target.

        One :class:`~kanopt.DomainWarning` counts the rows that lie outside the data by more than a tenth of the range
        of a column (of its logarithm, where the law reads that), and says how many of them are predicted below zero
        where no target was; :meth:`outside` names all that lie outside.

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
        models = list(self.outputs_.values()) if hasattr(self, "outputs_") else [self]
        if pools(unseen):
            encoded = [model.encoding_.transform(model._filled(X), pooled=True) for model in models]
            found = [predict_pooled(model._law, *each) for model, each in zip(models, encoded, strict=True)]
            unseen_by_column: dict[str, NDArray[np.bool_]] = {}
            for model, (_, codes) in zip(models, encoded, strict=True):  # each reads other columns
                unseen_by_column |= unseen_rows(model.encoding_, codes)
            warn_of_unseen(X, unseen_by_column, "they are predicted as the mean of the known ones")
        else:
            encoded = [model._encode(X) for model in models]
            found = [model._law.predict(*each) for model, each in zip(models, encoded, strict=True)]
        negative = [
            (output < 0.0) & (model._law.lowest >= 0.0) for model, output in zip(models, found, strict=True)
        ]
        numbers = [each for each, _ in encoded]
        readings.warn_of_rows_outside(models, X, numbers, np.any(negative, axis=0))
        return np.column_stack(found) if hasattr(self, "outputs_") else found[0]

    def predict_interval(
        self,
        X: ArrayLike | pd.DataFrame,
        coverage: float = 0.9,
        calibration: tuple[Any, Any] | None = None,
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
        calibration : (X, y), optional
            Rows the model was not fitted on, by which the widths are stretched. With them the coverage is at least as
            promised for any law and any noise, as long as new rows are like these (split conformal prediction, Lei et
            al. 2018, JASA 113).

        Returns
        -------
        DataFrame
            Columns lower, prediction and upper, and outside: whether the row lies beyond the data the law was learned
            from (see :meth:`outside`), where the interval is as narrow as inside and promises nothing. The index is
            that of `X`.
        """
        coverage = coverage_of(coverage)
        encoded = self._encode(X)
        around = self._law.residual_range(coverage)
        if calibration is not None:
            rows, target = calibration_of(calibration, self.log_target_)
            known = self._encode(rows)
            around = around.calibrated(
                self._law.residual(*known, target), self._law.on_residual_scale(*known), coverage
            )
        lower, upper = self._law.interval_around(*encoded, around)
        index = X.index if isinstance(X, pd.DataFrame) else None
        predicted = self._law.predict(*encoded)
        if self.positive is not False and self._law.lowest > 0.0:
            # new targets above zero are covered as before
            lower = np.maximum(lower, np.minimum(predicted, 0.0))
        columns = {"lower": lower, "prediction": predicted, "upper": upper}
        return pd.DataFrame({**columns, "outside": self._law.outside(encoded[0])}, index=index)

    def effects(self, grid: int = 50) -> pd.DataFrame:
        """Return the marginal effect of every column as a tidy frame: feature, value, effect.

        An effect is the mean prediction over a sample of training rows with the column set to the value, less
        the mean prediction; in the units of the target. Numbers get `grid` values, categories all of theirs.
        """
        self._check_single()
        law = self._law
        return marginal_effects(
            law.predict, law.encoding, (law.numbers, law.codes), whole_number(grid, "effects: grid", 1)
        )

    def summary(
        self,
        test: pd.DataFrame | tuple[Any, Any] | None = None,
        target: str | None = None,
    ) -> Summary:
        """Return fit, structure and effect of every column.

        Parameters
        ----------
        test : DataFrame or (X, y), optional
            Held-out rows. A frame holds the columns of the model and the target.
        target : str, optional
            Column of `test` that is the target; by default the name of the series the model was fitted to.
        """
        return readings.summary_of(self, test, target)

    def attribution(self) -> Attribution:
        """Return how much of the output comes through every edge, node and column.

        Scores follow the signal from the output back: an edge into a node that nothing listens to scores nothing. A
        share is a score over the standard deviation of the output; shares need not sum to one, see
        :class:`~kanopt.surrogates.diagnostics.Attribution`.
        """
        from kanopt.surrogates.diagnostics import attribution_of

        self._check_single()
        return attribution_of(self._law, output=self.target_name_)

    def separability(self, tolerance: float = 0.02) -> Separability:
        """Test which columns act apart, as a sum or as a product, and for symmetries of pairs, against the noise.

        "no product of smaller parts" means that the law is not the product of functions of fewer columns each; the
        strength of a symmetry is 1 where it is perfect and 0 where the departure is as large as what the columns do.

        Parameters
        ----------
        tolerance
            Departures below this share of the target's standard deviation are of no account.
        """
        from kanopt.surrogates.diagnostics import structure_of

        self._check_single()
        return structure_of(self._law, tolerance=tolerance)

    def outside(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Return for every row whether it lies outside the data the law was learned from, and in which columns.

        A row is outside where a number leaves the range of the training rows, or where several numbers do not fit
        together as they did there (leverage). Periodic columns have no ends and are left out. Categories that did not
        occur are refused, as by `predict`.

        Returns
        -------
        DataFrame
            Columns outside (bool) and columns (text, those to blame); the index of `X`.
        """
        return readings.outside_of(self, X)

    def verify(
        self,
        *,
        monotone: Mapping[str, int] | None = None,
        convex: Iterable[str] | None = None,
        concave: Iterable[str] | None = None,
        bounds: tuple[float | None, float | None] | None = None,
        budget: int = 50_000,
    ) -> pd.DataFrame:
        """Prove or refute shapes of the law over the box of the training data, by interval arithmetic.

        Without arguments, what the model was asked to hold is verified.

        Parameters
        ----------
        monotone
            +1 or -1 by column.
        convex, concave
            Columns in which the law is jointly so.
        bounds
            The least and the largest value; None for no bound on that side.
        budget
            How many boxes may be looked at for one claim.

        Returns
        -------
        DataFrame
            One row per claim: claim, verdict ("proved", "refuted" or "undecided"), boxes, and for a refuted claim the
            rows between which it fails, in words.
        """
        return readings.verify(
            self, monotone=monotone, convex=convex, concave=concave, bounds=bounds, budget=budget
        )

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
            and gate; they select nothing. Where they declare other units than the rows of the fit, columns are
            converted. Units of the fit become the units of the formula; where there were none, those of this frame.
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
            are linear, quadratic, power, exp, gaussian, log, sine, tanh, softplus, hinge, step, curve, and none, which
            leaves the column out. A column that is pinned is in the law, unless "none" is among its operators. An edge
            of the network can be pinned by its name in `alternatives`; the law is then read from the network.
        forbid, prefer : list of str
            Operators that are not to be used, and those that count half. A quotient is no power. What was decided by
            hand is written into the provenance of the formula.
        unseen : "error" or "pooled"
            "pooled" gives every table of categories a fallback for those that did not occur in training, the mean of
            its entries over the training rows; held-out rows with such categories are left out of the judgement.
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
        return readings.formula_of(
            self,
            X,
            y,
            min_r2=min_r2,
            unit=unit,
            per=per,
            pin=pin,
            forbid=forbid,
            prefer=prefer,
            unseen=unseen,
            budget=budget,
            progress=progress,
        )

    def diagram(self, points: int = 41) -> Diagram:
        """Return the network as nodes, and edges with their sampled curves, ready to be drawn."""
        from kanopt.surrogates.diagram import diagram_of

        self._check_single()
        return diagram_of(
            self.network_,
            self.encoding_,
            output=self.target_name_,
            log_output=self.log_target_,
            rows=(self._law.numbers, self._law.codes),
            points=points,
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw the network, every edge as the curve it is, and return the matplotlib axes."""
        from kanopt.reports import plot_diagram

        return plot_diagram(self.diagram(), ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file: plain arrays and JSON, no pickle.

        The file holds a sample of at most 256 encoded training rows, over which effects are averaged.
        """
        self._check_single()
        write_model(path, *model_parts(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model written by :meth:`save`; nothing in the file is executed.

        Raises
        ------
        FileFormatError
            Where the file is damaged or something else.
        """
        return load_model(cls, path)

    _columns: tuple[str, ...] = ()
    """Names of the columns of the table, in its order, once it is fitted."""

    def _set_fitted(self, law: NetworkLaw, target: str) -> None:
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
