"""A regression model whose every edge is a curve one can look at."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from kanopt.errors import FileFormatError, FitError, FormulaError, nearest
from kanopt.surrogates.effects import marginal_effects
from kanopt.surrogates.encoding import check_numbers, encoding_of
from kanopt.surrogates.law import Law, law_from_parts, law_to_parts
from kanopt.surrogates.storage import read_model, write_model
from kanopt.surrogates.summary import Summary, fit_measures

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.diagram import Diagram
    from kanopt.surrogates.distill.mixed import Rows

__all__ = ["KANRegressor"]

Floats = NDArray[np.float64]
LEAST_ROWS = 5


class KANRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learn a smooth law from a table with a Kolmogorov-Arnold network.

    Every edge of the network is a cubic spline of one variable, or a table over the values of a category.
    What is left at "auto" is decided on the training rows: hidden nodes, logarithms of the target and of
    features, smoothing, and whether outliers are held back. The simplest structure wins unless a richer
    one is clearly more accurate on rows left out.

    Parameters
    ----------
    hidden : "auto" or sequence of int
        Widths of the hidden layers. ``()`` is additive: one curve per column.
    grid_size : int
        Intervals of a spline; fewer are used where a table has few different rows.
    smoothing : "auto" or float
        Weight of the roughness of the curves; "auto" chooses one per column by generalised cross-validation.
    starts : int
        Random starts trained side by side where there are hidden nodes.
    monotone : None, mapping or sequence
        +1 for columns the target rises with, -1 for those it falls with, by name or one per column. Held
        exactly, also through hidden layers and outside the data.
    log_target : "auto" or bool
        Learn the logarithm of the target; predictions are corrected so that sums come out right.
    log_features : "auto" or list
        Columns, by name or position, that enter as logarithms.
    loss : "auto", "squared", "huber" or "tukey"
        "auto" turns to "huber" where residuals have tails that squares would follow.
    seed : int
        The same seed gives the same model.
    device : str
        Where to train: "auto" is CUDA where there is one.

    Attributes
    ----------
    network_ : kanopt.kan.Network
        The network in numpy; it gives the target, or its logarithm.
    encoding_ : Encoding
        How columns enter the network: kind, logarithm, scale, range, categories.
    log_target_ : bool
        Whether the network gives the logarithm of the target.
    smearing_ : float
        Factor on exp(network) of a log target (Duan 1983).
    covariance_ : ndarray
        Of the network's parameters in its flat order, edges centred.
    loss_ : str
        The loss used.
    alternatives_ : DataFrame
        Every structure tried, with its error on rows left out, in the units of the target.
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
        grid_size: int = 10,
        smoothing: float | Literal["auto"] = "auto",
        starts: int = 6,
        monotone: Any = None,
        log_target: bool | Literal["auto"] = "auto",
        log_features: Any = "auto",
        loss: str = "auto",
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.hidden = hidden
        self.grid_size = grid_size
        self.smoothing = smoothing
        self.starts = starts
        self.monotone = monotone
        self.log_target = log_target
        self.log_features = log_features
        self.loss = loss
        self.seed = seed
        self.device = device

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the law.

        Parameters
        ----------
        X : DataFrame or array of shape (n, columns)
            Numbers, and in a DataFrame also categories (text, category or bool columns).
        y : array of shape (n,)
            Target. The name of a Series is remembered.
        sample_weight : array of shape (n,), optional
            A weight of k counts as k equal rows, 0 as none; weights with a mean below one are scaled to mean
            one.

        Raises
        ------
        FitError
            For missing or infinite values, constant columns, too few rows, and arguments that are not
            allowed.
        """
        frame = self._frame(X, reset=True)
        target = _target(y)
        check_consistent_length(frame, target)
        weights = np.asarray(_check_sample_weight(sample_weight, frame, dtype=np.float64))
        if weights.min() < 0 or weights.max() <= 0:
            raise FitError("sample_weight must be at least 0 everywhere and above 0 somewhere")
        used = weights > 0
        if not used.all():
            frame, target, weights = frame.loc[used], target[used], weights[used]
        if len(frame) < LEAST_ROWS:
            raise FitError(
                f"n_samples = {len(frame)}: a law needs at least {LEAST_ROWS} rows with a weight above 0"
            )
        # Imported here, so that a saved model predicts without loading torch.
        from kanopt.surrogates.fitting import learn
        from kanopt.surrogates.options import settings_of
        from kanopt.surrogates.selection import Table
        from kanopt.surrogates.threads import one_thread

        encoding = encoding_of(frame)
        settings = settings_of(self, encoding)
        numbers, codes = encoding.split(frame)
        weights = weights / min(1.0, float(weights.mean()))
        with one_thread():
            law, self.alternatives_, self._rows = learn(
                Table(numbers, codes, target, weights, encoding), settings
            )
        name = getattr(y, "name", None)
        self.target_name_ = "target" if name is None else str(name)
        self._adopt(law)
        return self

    def predict(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Return the expected target of every row, shape (n,), in the units of the target.

        Raises
        ------
        FitError
            For missing values, and for categories that did not occur in training.
        """
        encoded = self._encode(X)
        return self._law.predict(*encoded)

    def predict_interval(self, X: ArrayLike | pd.DataFrame, coverage: float = 0.9) -> pd.DataFrame:
        """Return an interval for every row that a new observation falls into with probability `coverage`.

        The width comes from the residuals of the training rows left out one at a time. For a log target it is
        a factor, otherwise a constant. The coverage is an average over rows like those of the training
        table; it is not promised for every single kind of row, nor outside the data.

        Returns
        -------
        DataFrame
            Columns lower, prediction and upper; the index of `X`.
        """
        if not 0.0 < coverage < 1.0:
            raise FitError(f"coverage={coverage!r} must lie between 0 and 1, such as 0.9")
        encoded = self._encode(X)
        lower, upper = self._law.interval(*encoded, coverage)
        index = X.index if isinstance(X, pd.DataFrame) else None
        columns = {"lower": lower, "prediction": self._law.predict(*encoded), "upper": upper}
        return pd.DataFrame(columns, index=index)

    def effects(self, grid: int = 50) -> pd.DataFrame:
        """Return the marginal effect of every column as a tidy frame: feature, value, effect.

        An effect is the mean prediction over a sample of training rows with the column set to the value, less
        the mean prediction; in the units of the target. Numbers get `grid` values, categories all of theirs.
        """
        check_is_fitted(self)
        law = self._law
        return marginal_effects(law.predict, law.encoding, (law.numbers, law.codes), grid)

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
        check_is_fitted(self)
        measures = dict(self._law.measures)
        if test is not None:
            X, y = self._held_out(test, target)
            measures["held out"] = fit_measures(_target(y), self.predict(X))
        fit = pd.DataFrame.from_dict(measures, orient="index").astype({"rows": int})
        return Summary(self.target_name_, self._law.structure, fit, self._effect_table())

    def to_formula(
        self,
        test: pd.DataFrame,
        target: str | None = None,
        *,
        min_r2: float = 0.5,
        unit: str | None = None,
        per: str = "",
    ) -> Formula:
        """Return the law as a formula: closed forms where they are as good as the curves, curves where not.

        Parameters
        ----------
        test : DataFrame
            Held-out rows with the columns of the model and the target. They report and gate; they select
            nothing. Units that the frame declares become the units of the formula.
        target : str, optional
            Column of `test` that is the target; by default the name of the series the model was fitted to.
        min_r2 : float
            The least R² on the held-out rows with which the law is let through.
        unit : str, optional
            Unit of the target; by default the one that `test` declares.
        per : str
            What one row is: ``"leg"``, ``"task"``, ``"lane-period"``.

        Raises
        ------
        FormulaError
            If the formula explains less than `min_r2` of the held-out rows, or the model was loaded from a
            file, which holds no training rows.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> trips = pd.DataFrame({"km": rng.uniform(5, 80, 300), "load_t": rng.uniform(1, 10, 300)})
        >>> trips["cost"] = 2.0 * trips["km"] ** 1.5 * trips["load_t"] ** 0.5
        >>> train, test = trips[:250], trips[250:]
        >>> model = KANRegressor(seed=1).fit(train[["km", "load_t"]], train["cost"])
        >>> print(model.to_formula(test))
        2 · km^1.5 · sqrt(load_t)
        """
        from kanopt.formulas import Variable
        from kanopt.surrogates.distill import HeldOut, Trained, distill
        from kanopt.surrogates.options import settings_of
        from kanopt.surrogates.threads import one_thread
        from kanopt.tables import units_of

        check_is_fitted(self)
        if self._rows is None:
            raise FormulaError(
                "a model loaded from a file holds no training rows, on which a formula is chosen; fit it again, or "
                "save the formula instead (formula.save)"
            )
        wanted = target or self.target_name_
        self._held_out(test, wanted)
        units = units_of(test)
        law = self._law
        trained = Trained(
            network=law.network,
            features=(*law.encoding.numbers, *law.encoding.categories),
            rows=self._rows,
            signs=settings_of(self, law.encoding).signs,
            smoothing=law.smoothing,
            log_target=law.log_target,
            seed=self.seed,
            structure=law.structure,
        )
        output = Variable(wanted, units.get(wanted, "") if unit is None else unit)
        with one_thread():
            return distill(trained, HeldOut(test, output, units, per), min_r2)

    def diagram(self, points: int = 41) -> Diagram:
        """Return the network as nodes, and edges with their sampled curves, ready to be drawn."""
        from kanopt.surrogates.diagram import diagram_of

        check_is_fitted(self)
        return diagram_of(
            self.network_,
            self.encoding_,
            output=self.target_name_,
            log_output=self.log_target_,
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
        check_is_fitted(self)
        header, arrays = law_to_parts(self._law)
        header["target"] = self.target_name_
        header["named"] = hasattr(self, "feature_names_in_")
        header["arguments"] = {name: _plain(value) for name, value in self.get_params().items()}
        header["alternatives"] = json.loads(self.alternatives_.to_json(orient="records", double_precision=15))
        write_model(path, header, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model written by :meth:`save`; nothing in the file is executed.

        Raises
        ------
        FileFormatError
            Where the file is damaged or something else.
        """
        header, arrays = read_model(path)
        law = law_from_parts(header, arrays)
        try:
            model = cls(**{name: _tuples(value) for name, value in header["arguments"].items()})
            model.target_name_ = str(header["target"])
            model.alternatives_ = _alternatives(header["alternatives"])
            named = bool(header["named"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise FileFormatError(f"{path}: the header of the saved model is incomplete ({error})") from error
        model.n_features_in_ = len(law.encoding.features)
        if named:
            model.feature_names_in_ = np.array(law.encoding.names, dtype=object)
        model._rows = None
        model._adopt(law)
        return model

    def _adopt(self, law: Law) -> None:
        self._law = law
        self.network_ = law.network
        self.encoding_ = law.encoding
        self.log_target_ = law.log_target
        self.smearing_ = law.smearing
        self.covariance_ = law.covariance
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
        check_is_fitted(self)
        return self.encoding_.transform(self._frame(X, reset=False))

    def _held_out(self, test: pd.DataFrame | tuple[Any, Any], target: str | None) -> tuple[Any, Any]:
        if isinstance(test, tuple):
            return test
        names, wanted = list(self.encoding_.names), target or self.target_name_
        for name in [*names, wanted]:
            if name not in test.columns:
                role = "target" if name == wanted else "column"
                raise FitError(f"the held-out rows have no {role} {name!r}; {nearest(name, test.columns)}")
        return test[names], test[wanted]

    def _effect_table(self) -> pd.DataFrame:
        effects = self.effects(grid=25)
        rows = []
        for feature, importance in zip(self.encoding_.features, self._law.importance, strict=True):
            curve = effects.loc[effects["feature"] == feature.name, "effect"].to_numpy()
            number = feature.kind == "number"
            rows.append(
                {
                    "feature": feature.name,
                    "kind": feature.kind,
                    "from": f"{feature.low:g}" if number else f"{len(feature.categories)} values",
                    "to": f"{feature.high:g}" if number else "",
                    "lowest_effect": curve.min(),
                    "highest_effect": curve.max(),
                    "direction": _direction(curve) if number else "",
                    "importance": importance,
                }
            )
        return pd.DataFrame(rows).sort_values("importance", ascending=False, ignore_index=True)


def _direction(curve: Floats) -> str:
    steps = np.diff(curve)
    least = 1e-3 * float(np.ptp(curve))
    if (steps >= -least).all():
        return "rises" if (steps > least).any() else "flat"
    return "falls" if (steps <= least).all() else "rises and falls"


def _target(y: Any) -> Floats:
    if y is None:
        raise FitError("KANRegressor requires y to be passed, but the target y is None")
    flat = column_or_1d(y, warn=True)
    try:
        values = np.asarray(flat, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FitError(f"the target holds something that is no number ({error}); convert it first") from error
    check_numbers(values, f"target {getattr(y, 'name', None) or 'y'!r}")
    return values


def _plain(value: Any) -> Any:
    """Return an argument as JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _alternatives(records: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{name: _tuples(value) for name, value in row.items()} for row in records])
