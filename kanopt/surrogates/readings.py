"""What a fitted model can be asked besides a prediction and a formula."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from kanopt.array_types import Floats
from kanopt.display import Facts, Fold, Part, Shown, grid_of
from kanopt.errors import DomainWarning
from kanopt.formulas import Formula
from kanopt.formulas.domain import Domain
from kanopt.surrogates.curves import FittedLaw, layers_of, place_name
from kanopt.surrogates.encoding import FeatureEncoding, row_name
from kanopt.surrogates.input_checks import held_out_rows, table_of, whole_number
from kanopt.text import count_text, fixed_text, join_list, number_text, shorten

if TYPE_CHECKING:
    from kanopt.surrogates.curves import Diagram
    from kanopt.surrogates.groups import Groups, Rows


# The summary of a fitted model: fit, structure, and the effect of every column.


def fit_measures(actual: Floats, predicted: Floats, weights: Floats | None = None) -> dict[str, float]:
    """Return rows, R², RMSE, MAE and Σpredicted / Σactual, in the units of the target.

    Examples
    --------
    >>> fit_measures(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))["mae"]
    0.3333333333333333
    """
    weights = np.ones(len(actual)) if weights is None else weights
    centre = float(np.average(actual, weights=weights))
    return measures_of(error_sums(actual - centre, predicted - actual, weights), centre)


def error_sums(target: Floats, error: Floats, weights: Floats) -> Floats:
    """Return the sums over rows from which their fit is told, given their targets less a centre; (7,)."""
    terms = (np.ones(len(error)), target, target**2, error, error**2, np.abs(error))
    return np.array([len(error), *(weights @ term for term in terms)])


def measures_of(sums: Floats, centre: float) -> dict[str, float]:
    """Return the measures of :func:`fit_measures` of such sums, which may be those of several tables."""
    rows, weight, centred, squares, errors, squared_errors, sizes = map(float, sums)
    spread, actual = squares - centred**2 / weight, centred + weight * centre
    return {
        "rows": rows,
        "r2": 1.0 - squared_errors / spread if spread > 0.0 else float("nan"),
        "rmse": float(np.sqrt(squared_errors / weight)),
        "mae": sizes / weight,
        "ratio": 1.0 + errors / actual if actual != 0.0 else float("nan"),
    }


@dataclass(frozen=True, repr=False)
class Summary(Shown):
    """Fit and effects of a model.

    Attributes
    ----------
    target
        Name of the target.
    structure
        The structure of the law in words.
    fit
        One row per set of rows (training, left out, held out): rows, r2, rmse, mae, ratio (Σpredicted /
        Σactual).
    effects
        One row per column: kind, from, to, lowest and highest marginal effect in the units of the target,
        direction, and importance (total Sobol index: the share of the prediction's variance due to the column; the
        shares of interacting columns overlap, so they are scaled to sum to one).
    """

    target: str
    structure: str
    fit: pd.DataFrame
    effects: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the effects, one row per column."""
        return self.effects.copy()

    def _shown(self) -> list[Part]:
        fit = grid_of(self.fit.rename_axis("").reset_index(), number_text, missing="NaN")
        effects = grid_of(self.effects, lambda value: number_text(value, 3), missing="NaN")
        return [f"{self.target}: {self.structure}", "", fit, "", effects]


def hidden_text(hidden: Sequence[int]) -> str:
    """Return the hidden layers of a network in words.

    Examples
    --------
    >>> hidden_text((1,)), hidden_text((2, 1))
    ('1 hidden node', '2 + 1 hidden nodes')
    """
    return f"{' + '.join(map(str, hidden))} hidden {'node' if sum(hidden) == 1 else 'nodes'}"


def structure_text(law: FittedLaw) -> str:
    """Return the structure of a law in words."""
    layers = layers_of(law.network)
    hidden = [len(layer.bias) for layer in layers[:-1]]
    logs = [feature.name for feature in law.encoding.numbers if feature.log]
    words = [
        (f"network with {hidden_text(hidden)}" if hidden else "additive")
        + (", log target" if law.log_target else ""),
        *([f"logarithms of {join_list(logs)}"] if logs else []),
        f"{fixed_text(law.edf, 1)} effective parameters",
        f"{law.loss} loss",
        *([] if law.floor is None else [f"held at {number_text(law.floor)} or above"]),
    ]
    return "; ".join(words)


def effect_table(effects: pd.DataFrame, law: FittedLaw) -> pd.DataFrame:
    """Return one row per column from its marginal effects, see :attr:`Summary.effects`."""
    rows = []
    for feature, importance in zip(law.encoding.features, law.importance, strict=True):
        curve = effects.loc[effects["feature"] == feature.name, "effect"].to_numpy(dtype=np.float64)
        values = count_text(len(feature.categories), "value")
        rows.append(
            {
                "feature": feature.name,
                "kind": feature.kind,
                "from": number_text(feature.low, 6) if feature.is_numeric else values,
                "to": number_text(feature.high, 6) if feature.is_numeric else "",
                "lowest_effect": curve.min(),
                "highest_effect": curve.max(),
                "direction": _direction(curve) if feature.is_numeric else "",
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


Predictor = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False, repr=False)
class Effects(Shown):
    """The marginal effect of every column of a model.

    Parameters
    ----------
    target
        Name of the target, in whose units effects are.
    frame
        Tidy: columns feature, value, effect.
    units
        Unit of each column, in their order; empty where none is declared.
    categories
        The columns that are of categories.
    """

    target: str
    frame: pd.DataFrame
    units: Mapping[str, str]
    categories: frozenset[str] = frozenset()

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of :attr:`frame`."""
        return self.frame.copy()

    def _shown(self) -> list[Part]:
        ends = self.frame.groupby("feature", sort=False)["effect"].agg(["min", "max"]).reset_index()
        units = ends["feature"].map(dict(self.units))
        ends["column"] = ends["feature"] + [f" [{unit}]" if unit else "" for unit in units]
        shown = ends[["column", "min", "max"]].set_axis(["column", "lowest effect", "highest effect"], axis=1)
        return [
            f"effects on {self.target}",
            "",
            grid_of(shown, lambda value: number_text(value, 3, signed=True)),
        ]

    def plot(self, column: str = "", ax: Any = None) -> Any:
        """Draw the effect of one column, or of each of them in a panel of its own.

        All panels have the same scale of effects, so that a column that does little is seen to.

        Parameters
        ----------
        column
            The one to draw; all if empty.
        ax
            Where to draw: matplotlib axes for one column, an array of them for several (``plt.subplots(1, 3)[1]``); a
            new figure if None.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of them
            The axes of one column, an array of those of several.

        Raises
        ------
        FitError
            If there is no such column.
        PlotError
            If `ax` is no axes, or fewer than there are columns to draw.
        """
        from kanopt.display import reports

        return reports.plot_effects(self, column, ax)


def feature_importances(predict: Predictor, encoding: FeatureEncoding, rows: Floats, seed: int) -> Floats:
    """Return the importance of every column, scaled to sum to one; shape (columns,)."""
    order = np.random.default_rng(seed).permutation(len(rows))
    base = predict(rows)
    total = np.empty(len(encoding.features))
    for index, feature in enumerate(encoding.features):
        place = encoding.inputs.index(feature)
        total[index] = 0.5 * np.mean((predict(_changed(rows, place, rows[order, place])) - base) ** 2)
    return total / total.sum() if total.sum() > 0 else np.zeros_like(total)


def marginal_effects(predict: Predictor, encoding: FeatureEncoding, rows: Floats, grid: int) -> pd.DataFrame:
    """Return the marginal effect of every column as a tidy frame: feature, value, effect.

    Effects are mean predictions less the mean prediction of the sample rows.
    """
    mean = float(predict(rows).mean())
    parts = []
    for feature in encoding.features:
        place = encoding.inputs.index(feature)
        if feature.is_numeric:
            settings = np.linspace(*feature.bounds, grid)
            values = feature.decode(settings).astype(object)
        else:
            settings = np.arange(len(feature.categories), dtype=np.float64)
            values = np.array(feature.categories, dtype=object)
        effect = [predict(_changed(rows, place, each)).mean() - mean for each in settings]
        parts.append(pd.DataFrame({"feature": feature.name, "value": values, "effect": effect}))
    return pd.concat(parts, ignore_index=True)


def _changed(rows: Floats, place: int, values: Any) -> Floats:
    """Return rows with other values in one column."""
    changed = rows.copy()
    changed[:, place] = values
    return changed


_LONGEST = 200
_BEYOND = 0.1
"""Share of the range of a column up to which a row beyond its ends is no news."""


class FittedModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted :class:`kanopt.KANRegressor`: its law, how rows come to its columns, and what it tells of itself."""

    _law: FittedLaw
    _rows: Rows
    _known_rows: pd.DataFrame
    """The rows that it was learned from, with the target."""
    _groups: Groups | None = None
    _units: Mapping[str, str] = MappingProxyType({})
    stopped_: str = ""
    _columns: tuple[str, ...] = ()
    """Names of the columns of the table, in its order, once it is fitted."""

    def _set_fitted(self, law: FittedLaw, target: str) -> None:
        self._law = law
        self.target_name_ = target
        self.network_ = law.network
        self.encoding_ = law.encoding
        self.idle_features_ = tuple(name for name in self._columns if name not in law.encoding.names)
        self.log_target_ = law.log_target
        self.link_ = law.link
        self.smearing_ = law.smearing
        self.loss_ = law.loss

    def _encode(self, X: ArrayLike | pd.DataFrame) -> Floats:
        check_is_fitted(self)
        return self.encoding_.transform(self._of_law(X))

    def _of_law(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Return the columns that the law is of, by their names."""
        frame, known = table_of(self, X, reset=False), list(self._columns)
        names = [str(name) for name in frame.columns]
        # an array has no names, and numbered columns may come in any order
        named = frame.set_axis(names if sorted(names) == sorted(known) else known, axis=1)
        return named[[name for name in known if name not in self.idle_features_]]

    def _held_out(self, X: Any, y: Any) -> tuple[Any, Floats]:
        """Return the rows and the targets of held-out rows, checked; see :func:`held_out_rows`."""
        rows, actual = held_out_rows(X, y, self._columns, self.target_name_)
        if rows is not X and isinstance(rows, pd.DataFrame) and not hasattr(self, "feature_names_in_"):
            # Fitted to an array: names that only the encoding knows would be a warning of scikit-learn.
            rows = rows.set_axis(range(rows.shape[1]), axis=1)
        return rows, actual

    @property
    def formula_(self) -> Formula:
        """What the model predicts, as a formula of curves over the columns."""
        check_is_fitted(self)
        formula = self._law.formula(self.target_name_, self._units)
        periods = {feature.name: feature.scale for feature in self.encoding_.periodic}
        return replace(formula, domain=Domain.from_rows(formula.inputs, self._known_rows, periods))

    def effects(self, grid: int = 50) -> Effects:
        """Return the marginal effect of every column: as a tidy frame (``.frame``), or drawn (``.plot()``).

        An effect is the mean prediction over a sample of training rows with the column set to the value, less
        the mean prediction; in the units of the target. Numbers get `grid` values, categories all of theirs.
        """
        check_is_fitted(self)
        law, features = self._law, self._law.encoding.features
        frame = marginal_effects(
            law.predict, law.encoding, law.sample, whole_number(grid, "effects: grid", 1)
        )
        units = {feature.name: self._units.get(feature.name, "") for feature in features}
        labelled = frozenset(feature.name for feature in features if not feature.is_numeric)
        return Effects(self.target_name_, frame, units, labelled)

    def summary(
        self, test: pd.DataFrame | tuple[Any, Any] | None = None, target: str | None = None
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
            measures["held out"] = fit_measures(y, self._law.predict(self._encode(X)))
        fit = pd.DataFrame.from_dict(measures, orient="index").astype({"rows": int})
        effects = effect_table(self.effects(grid=25).frame, self._law)
        structure = structure_text(self._law)
        if self.idle_features_:
            structure += f"; {count_text(len(self.idle_features_), 'column')} without effect left out"
        if self.stopped_:
            structure += f"; the best law until the fit was stopped {self.stopped_}"
        return Summary(self.target_name_, structure, fit, effects)

    def diagram(self, points: int = 41) -> Diagram:
        """Return the network as nodes, and edges with their sampled curves, ready to be drawn."""
        from kanopt.surrogates.curves import diagram_of

        check_is_fitted(self)
        return diagram_of(
            self.network_,
            self.encoding_,
            output=self.target_name_,
            log_output=self.log_target_,
            rows=self._law.sample,
            points=points,
        )

    def _repr_html_(self) -> str:
        from kanopt.display import reports

        return reports.shown_html(self._shown())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # in place of scikit-learn's, which shows the arguments alone
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _shown(self) -> Iterator[Part]:
        """Yield what a notebook shows: fit and effects once it is fitted, and what was asked for."""
        if hasattr(self, "_law"):
            yield from self.summary()._shown()
        else:
            yield f"{type(self).__name__}, not fitted"
        usual = type(self)().get_params(deep=False)
        given = [(name, repr(value)) for name, value in self.get_params(deep=False).items()]
        asked = [(name, shorten(text, _LONGEST)) for name, text in given if text != repr(usual[name])]
        if asked:
            yield Fold(count_text(len(asked), "argument"), (Facts(tuple(asked), between=" = "),))

    def plot(self, ax: Any = None) -> Any:
        """Draw the network, every edge as the curve it is, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_diagram(self.diagram(), ax)


def warn_of_rows_outside(
    model: FittedModel, X: ArrayLike | pd.DataFrame, encoded: Floats, below_zero: NDArray[np.bool_]
) -> None:
    """Warn once of all rows whose encoded numbers lie outside the data by more than a share of a column's range.

    Which rows are predicted below zero, as no target was, is told too. A combination of columns is blamed only where no
    column alone is.
    """
    names = [feature.name for feature in model.encoding_.numbers]
    domain = model._law.network.domain.widened(_BEYOND)
    tests = domain.tests({place_name(place): encoded[:, place] for place in range(len(names))})
    flags = np.logical_or.reduce([np.zeros(len(encoded), dtype=bool), *tests.values()])
    if not flags.any():
        return
    columns = [name for k, name in enumerate(names) if tests.get((place_name(k),), flags[:0]).any()]
    first = row_name(X.index if isinstance(X, pd.DataFrame) else None, int(flags.argmax()))
    count, negative = int(flags.sum()), int((flags & below_zero).sum())
    told = f", {negative:,} of them to below zero, where no target was" if negative else ""
    warnings.warn(
        f"{count:,} of {count_text(len(flags), 'row')} {'lies' if count == 1 else 'lie'} outside the data the law was "
        f"learned from (by {join_list(columns, 5) or 'several columns together'}; the first is {first}): what is "
        f"predicted there is extrapolated{told}; outside() of its formula_ tells which",
        DomainWarning,
        stacklevel=3,
    )
