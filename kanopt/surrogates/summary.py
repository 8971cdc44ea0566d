"""The summary of a fitted model: fit, structure, and the effect of every column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.display import Part, Shown, grid_of
from kanopt.surrogates.curves import layers_of
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.law import FittedLaw
from kanopt.text import count_text, fixed_text, join_list, number_text


def fit_measures(actual: Floats, predicted: Floats, weights: Floats | None = None) -> dict[str, float]:
    """Return rows, R², RMSE, MAE and Σpredicted / Σactual, in the units of the target.

    Examples
    --------
    >>> fit_measures(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))["mae"]
    0.3333333333333333
    """
    weights = np.ones(len(actual)) if weights is None else weights
    total = weights.sum()
    error = predicted - actual
    mean = (weights * actual).sum() / total
    squares, spread = (weights * error**2).sum(), (weights * (actual - mean) ** 2).sum()
    actual_sum = (weights * actual).sum()
    return {
        "rows": float(len(actual)),
        "r2": float(1.0 - squares / spread) if spread > 0 else float("nan"),
        "rmse": float(np.sqrt(squares / total)),
        "mae": float((weights * np.abs(error)).sum() / total),
        "ratio": float((weights * predicted).sum() / actual_sum) if actual_sum != 0 else float("nan"),
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
    hidden = [layer.sums + layer.products for layer in layers[:-1]]
    products = sum(layer.products for layer in layers)
    logs = [feature.name for feature in law.encoding.numbers if feature.log]
    words = [
        (f"network with {hidden_text(hidden)}" if hidden else "additive")
        + (f", {products} of them products" if products else "")
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
