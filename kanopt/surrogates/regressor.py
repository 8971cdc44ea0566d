"""A regression model whose every edge is a curve one can look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from kanopt.errors import FitError, nearest
from kanopt.interrupt import Interrupt
from kanopt.surrogates.encoding import LEAST_ROWS, encoding_of
from kanopt.surrogates.given import (
    has_several,
    indicators_of,
    target_of,
    warn_if_stopped,
    watch_of,
    weights_of,
)
from kanopt.surrogates.intervals import conformal_ends
from kanopt.surrogates.law import Law
from kanopt.surrogates.missing import Indicators
from kanopt.surrogates.readings import Readings
from kanopt.surrogates.storage import Stored
from kanopt.tables.batches import is_source

if TYPE_CHECKING:
    from kanopt.surrogates.distill.mixed import Rows
    from kanopt.surrogates.settings import FitProgress, Watch

__all__ = ["KANRegressor"]

Floats = NDArray[np.float64]
_OF_COLUMNS = ("n_features_in_", "feature_names_in_")


class KANRegressor(Readings, Stored, RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learn a smooth law from a table with a Kolmogorov-Arnold network.

    Every edge of the network is a cubic spline of one variable, or a table over the values of a category.
    What is left at "auto" is decided on the training rows: hidden nodes, logarithms of the target and of
    features, smoothing, and whether outliers are held back. The simplest structure wins unless a richer
    one is clearly more accurate on rows left out.

    Parameters
    ----------
    hidden : "auto" or sequence of int
        Widths of the hidden layers. ``()`` is additive: one curve per column.
    products : "auto" or sequence of int
        How many nodes of every hidden layer multiply two sums instead of adding; "auto" is none where `hidden` is
        given, and tries one where it is not.
    grid_size : "auto" or int
        Intervals of a spline; "auto" begins with few and doubles them while the cross-validation score falls by a
        tenth. Fewer are used where a table has few different rows.
    smoothing : "auto", "evidence" or float
        Weight of the roughness of the curves. "auto" chooses one per column: in additive laws by generalised
        cross-validation, behind hidden nodes by the marginal likelihood, checked on rows held out where there is noise.
        "evidence" takes the marginal likelihood in additive laws too.
    starts : int
        Random starts trained side by side where there are hidden nodes; the best few go on.
    monotone : None, mapping or sequence
        +1 for columns the target rises with, -1 for those it falls with, by name or one per column. Held
        exactly, also through hidden layers and outside the data.
    convex, concave : None or list
        Columns in which the target is convex (concave), jointly in all that are listed, whatever the others are held
        at. Held exactly, also through hidden layers and outside the data.
    positive : bool
        Keep the law above zero everywhere.
    bounds : None or pair of float
        Keep the law between two ends everywhere.
    log_target : "auto" or bool
        Learn the logarithm of the target; predictions are corrected so that sums come out right.
    log_features : "auto" or list
        Columns, by name or position, that enter as logarithms.
    periodic : None or mapping
        Columns that start anew after a period, such as ``{"hour": 24, "weekday": 7}``: the curve meets itself.
    missing : "error" or "indicator"
        What a gap is: a mistake, or something that says of itself: then a number gets an effect of its gaps (see
        :mod:`kanopt.surrogates.missing`), a category a value "missing".
    loss : "auto", "squared", "huber" or "tukey"
        "auto" turns to "huber" where residuals have tails that squares would follow.
    precision : "double" or "mixed"
        "mixed" multiplies large matrices in single precision; the optimum is the same.
    seed : int
        The same seed gives the same model.
    device : str
        Where to train: "auto" is CUDA where there is one.

    Attributes
    ----------
    network_ : kanopt.kan.Network
        The network in numpy; it gives the target, or its logarithm, or what :attr:`link_` takes.
    encoding_ : Encoding
        How columns enter the network: kind, logarithm, scale, range, categories.
    log_target_ : bool
        Whether the network gives the logarithm of the target.
    link_ : Link or None
        From the network to a positive or bounded target.
    smearing_ : float
        Factor on exp(network) of a log target (Duan 1983).
    covariance_ : ndarray
        Of the network's parameters in its flat order, edges centred.
    standard_errors_ : ndarray
        Their standard errors; NaN where a parameter is held at an active bound, whose error is not symmetric, and for
        networks of more than 2,000 parameters, which have no covariance.
    loss_ : str
        The loss used; "poisson" is squares over the mean, of a law behind an exponential.
    alternatives_ : DataFrame
        Every structure tried, with its error on rows left out, in the units of the target.
    outputs_ : dict
        Of a fit to several targets: one model for each, by name. Everything but `predict` is asked of these.
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

    _law: Law
    _rows: Rows | None
    n_features_in_: int

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
        positive: bool = False,
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

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        columns: list[str] | None = None,
        progress: Callable[[FitProgress], None] | None = None,
    ) -> Self:
        """Learn the law.

        Ctrl-C ends the search and keeps the best law found so far, with a warning.

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
        columns : list of str, optional
            For a path or a callable: the columns to learn from, by default all others.
        progress : callable, optional
            Called with a :class:`FitProgress` after every step.

        Raises
        ------
        FitError
            For missing or infinite values, constant columns, too few rows, and arguments that are not
            allowed.
        """
        if is_source(X):
            return self._fit_source(X, y, sample_weight, columns, progress)
        if columns is not None:
            raise FitError("columns is for tables read from a path; pass the frame with the columns you mean")
        from kanopt.surrogates.threads import one_thread

        if has_several(y):
            return self._fit_targets(X, y, sample_weight, progress)
        with one_thread(), Interrupt() as interrupt:
            self._fit_table(X, y, sample_weight, watch_of(progress, interrupt))
        warn_if_stopped(interrupt, len(self.alternatives_))
        return self

    def predict(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Return the expected target of every row, shape (n,) or (n, targets), in the units of the target.

        Raises
        ------
        FitError
            For missing values, and for categories that did not occur in training.
        """
        if hasattr(self, "outputs_"):
            return np.column_stack([model.predict(X) for model in self.outputs_.values()])
        encoded = self._encode(X)
        return self._law.predict(*encoded)

    def predict_interval(
        self,
        X: ArrayLike | pd.DataFrame,
        coverage: float = 0.9,
        calibration: tuple[Any, Any] | None = None,
    ) -> pd.DataFrame:
        """Return an interval for every row that a new observation falls into with probability `coverage`.

        The width comes from the residuals of the training rows left out one at a time, or from those of rows that
        the model has not seen. For a log target it is a factor, otherwise a constant. The coverage is an average over
        rows like those of the table; it is not promised for every single kind of row, nor outside the data.

        Parameters
        ----------
        X
            Rows.
        coverage
            Probability.
        calibration : (X, y), optional
            Rows the model was not fitted on. With them the coverage is at least as promised for any law and any
            noise, as long as new rows are like these (split conformal prediction, Lei et al. 2018, JASA 113).

        Returns
        -------
        DataFrame
            Columns lower, prediction and upper; the index of `X`.
        """
        if not 0.0 < coverage < 1.0:
            raise FitError(f"coverage={coverage!r} must lie between 0 and 1, such as 0.9")
        encoded = self._encode(X)
        if calibration is None:
            lower, upper = self._law.interval(*encoded, coverage)
        else:
            seen = self._encode(calibration[0])
            residuals = self._law.residual(*seen, self._calibration_target(calibration[1], len(seen[0])))
            lower, upper = self._law.around(*encoded, *conformal_ends(residuals, coverage))
        index = X.index if isinstance(X, pd.DataFrame) else None
        columns = {"lower": lower, "prediction": self._law.predict(*encoded), "upper": upper}
        return pd.DataFrame(columns, index=index)

    def _fit_table(self, X: Any, y: Any, sample_weight: Any, watch: Watch) -> None:
        """Fit one target of a table in memory."""
        frame = self._frame(X, reset=True)
        target = target_of(y)
        check_consistent_length(frame, target)
        weights = weights_of(sample_weight, frame)
        used = weights > 0
        if not used.all():
            frame, target, weights = frame.loc[used], target[used], weights[used]
        if len(frame) < LEAST_ROWS:
            raise FitError(
                f"n_samples = {len(frame)}: a law needs at least {LEAST_ROWS} rows with a weight above 0"
            )
        # Imported here, so that a saved model predicts without loading torch.
        from kanopt.surrogates.fitting import learn
        from kanopt.surrogates.options import periods_of, settings_of, warn_of_contradictions
        from kanopt.surrogates.trials import Table

        self._indicators = indicators_of(self.missing, frame, weights)
        encoding = encoding_of(self._indicators.filled(frame))
        encoding = encoding.with_periods(periods_of(self.periodic, encoding))
        numbers, codes = encoding.split(self._indicators.filled(frame))
        weights = weights / min(1.0, float(weights.mean()))
        table = Table(numbers, codes, target, weights, encoding)
        settings = settings_of(self, encoding, watch)
        warn_of_contradictions(target, weights, settings)
        law, self.alternatives_, self._rows = learn(table, settings)
        name = getattr(y, "name", None)
        self._adopt(law, "target" if name is None else str(name))

    def _fit_targets(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        progress: Callable[[FitProgress], None] | None,
    ) -> Self:
        """Fit one model per target; a law per target is what can be read, so that no node is shared."""
        from kanopt.surrogates.threads import one_thread

        targets = y if isinstance(y, pd.DataFrame) else pd.DataFrame(np.asarray(y))
        names = [str(name) if isinstance(name, str) else f"target{name}" for name in targets.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FitError(f"two targets are called {twice!r}; rename or drop one of them")
        models: dict[str, Self] = {name: clone(self) for name in names}
        with one_thread(), Interrupt() as interrupt:
            for place, (name, model) in enumerate(models.items()):
                target = targets.iloc[:, place].rename(name)
                model._fit_table(X, target, sample_weight, watch_of(progress, interrupt))
        self._frame(X, reset=True)
        for name in [name for name in vars(self) if name.endswith("_") and name not in _OF_COLUMNS]:
            delattr(self, name)
        self.outputs_ = models
        warn_if_stopped(interrupt, sum(len(model.alternatives_) for model in models.values()))
        return self

    def _fit_source(
        self,
        source: Any,
        target: Any,
        weights: Any,
        columns: list[str] | None,
        progress: Callable[[FitProgress], None] | None,
    ) -> Self:
        """Fit a table that is read batch by batch."""
        from kanopt.surrogates.streaming import learn_streamed
        from kanopt.surrogates.threads import one_thread

        for value, what in ((target, "y"), (weights, "sample_weight")):
            if not isinstance(value, str) and not (value is None and what == "sample_weight"):
                raise FitError(
                    f"{what} must be the name of a column where X is a path or a callable, not {value!r}"
                )
        if self.missing != "error":
            raise FitError(
                "missing='indicator' is not there for tables read batch by batch; fill the gaps before"
            )
        with one_thread(), Interrupt() as interrupt:
            found = learn_streamed(
                source,
                target,
                self,
                features=columns,
                weights=weights,
                periods=self.periodic,
                watch=watch_of(progress, interrupt),
            )
        self._indicators = Indicators({})
        self.alternatives_, self._rows = found.alternatives, found.rows
        self.feature_names_in_ = np.array(found.law.encoding.names, dtype=object)
        self.n_features_in_ = len(found.law.encoding.features)
        self._adopt(found.law, target)
        warn_if_stopped(interrupt, len(self.alternatives_))
        return self

    def _adopt(self, law: Law, target: str) -> None:
        self.__dict__.pop("outputs_", None)
        self._law = law
        self.target_name_ = target
        self.network_ = law.network
        self.encoding_ = law.encoding
        self.log_target_ = law.log_target
        self.link_ = law.link
        self.smearing_ = law.smearing
        self.covariance_ = law.covariance
        self.standard_errors_ = law.standard_errors
        self.loss_ = law.loss

    def _frame(self, X: ArrayLike | pd.DataFrame, *, reset: bool) -> pd.DataFrame:
        """Return `X` as a frame, with the checks of scikit-learn on shape and names."""
        if isinstance(X, pd.DataFrame):
            if X.columns.has_duplicates:
                name = X.columns[X.columns.duplicated()][0]
                raise FitError(f"column {name!r} occurs twice; rename or drop one of them")
            validate_data(self, X, skip_check_array=True, reset=reset)
            return X
        array = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=reset)
        return pd.DataFrame(array, columns=[f"x{index}" for index in range(array.shape[1])])

    def _encode(self, X: ArrayLike | pd.DataFrame) -> tuple[Floats, NDArray[np.int64]]:
        self._check_single()
        frame = self._frame(X, reset=False)
        # scikit-learn compares names that are text; of numbered columns it looks at how many there are alone.
        given, fitted = [str(name) for name in frame.columns], list(self.encoding_.names[: frame.shape[1]])
        if given != fitted and sorted(given) == sorted(fitted):
            raise FitError(
                f"the columns come as {', '.join(map(repr, given))}, and the model was fitted to "
                f"{', '.join(map(repr, fitted))}; put them into this order"
            )
        return self.encoding_.transform(self._indicators.filled(frame))

    def _calibration_target(self, y: Any, rows: int) -> Floats:
        """Return the targets of calibration rows, checked."""
        target = target_of(y)
        if len(target) != rows:
            raise FitError(f"calibration: {rows} rows and {len(target)} targets; pass one for each row")
        if self.log_target_ and target.min() <= 0:
            row = int(target.argmin())
            raise FitError(
                f"calibration: the law is of the logarithm of the target, and row {row} has {target[row]:g}; "
                "leave such rows out, or fit with log_target=False"
            )
        return target

    def _check_single(self) -> None:
        check_is_fitted(self)
        if hasattr(self, "outputs_"):
            first = next(iter(self.outputs_))
            raise FitError(
                f"this model has {len(self.outputs_)} targets; ask the model of one of them, such as "
                f"model.outputs_[{first!r}]"
            )

    def _held_out(self, test: pd.DataFrame | tuple[Any, Any], target: str | None) -> tuple[Any, Any]:
        if isinstance(test, tuple):
            return test
        names, wanted = list(self.encoding_.names[: self.n_features_in_]), target or self.target_name_
        for name in [*names, wanted]:
            if name not in test.columns:
                role = "target" if name == wanted else "column"
                raise FitError(f"the held-out rows have no {role} {name!r}; {nearest(name, test.columns)}")
        return test[names], test[wanted]
