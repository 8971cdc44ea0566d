"""Marginal effects and importances of single columns.

A marginal effect is the mean prediction over sample rows with one column set to a value (partial dependence,
Friedman 2001, Ann. Stat. 29, section 8.2). The importance of a column is its total Sobol index: the mean
squared change of the prediction when the column is shuffled, halved, over the variance of the prediction
(Jansen 1999, eq. 13).

The attribution of :mod:`kanopt.surrogates.attribution` is a related measure inside the network: it replaces the edges
of a column by their means, where the importance replaces the column by that of another row. If columns are independent
and have linear edges, the square of a share of attribution is the total Sobol index. The importance is in the units of
the target, needs only predictions, depends on the shuffle, and extrapolates if columns are correlated; attribution is
in the units of the network's output (logarithms for a log target), is exact for the given rows, and covers edges and
nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part, Shown, grid_of
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.text import number_text

__all__ = ["Effects", "Predictor", "feature_importances", "marginal_effects"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Predictor = Callable[[Floats, Integers], Floats]


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


def feature_importances(
    predict: Predictor, encoding: FeatureEncoding, rows: tuple[Floats, Integers], seed: int
) -> Floats:
    """Return the importance of every column, scaled to sum to one; shape (columns,)."""
    numbers, codes = rows
    order = np.random.default_rng(seed).permutation(len(numbers))
    base = predict(numbers, codes)
    total = np.empty(len(encoding.features))
    for index, place in enumerate(_matrix_columns(encoding)):
        shuffled_numbers, shuffled_codes = numbers.copy(), codes.copy()
        if encoding.features[index].is_numeric:
            shuffled_numbers[:, place] = numbers[order, place]
        else:
            shuffled_codes[:, place] = codes[order, place]
        total[index] = 0.5 * np.mean((predict(shuffled_numbers, shuffled_codes) - base) ** 2)
    return total / total.sum() if total.sum() > 0 else np.zeros_like(total)


def marginal_effects(
    predict: Predictor, encoding: FeatureEncoding, rows: tuple[Floats, Integers], grid: int
) -> pd.DataFrame:
    """Return the marginal effect of every column as a tidy frame: feature, value, effect.

    Effects are mean predictions less the mean prediction of the sample rows.
    """
    numbers, codes = rows
    mean = float(predict(numbers, codes).mean())
    parts = []
    for feature, place in zip(encoding.features, _matrix_columns(encoding), strict=True):
        if feature.is_numeric:
            settings = np.linspace(*feature.bounds, grid)
            values = feature.decode(settings).astype(object)
        else:
            settings = np.arange(len(feature.categories), dtype=np.float64)
            values = np.array(feature.categories, dtype=object)
        effect = np.empty(len(settings))
        for step, setting in enumerate(settings):
            changed_numbers, changed_codes = numbers, codes
            if feature.is_numeric:
                changed_numbers = numbers.copy()
                changed_numbers[:, place] = setting
            else:
                changed_codes = codes.copy()
                changed_codes[:, place] = int(setting)
            effect[step] = predict(changed_numbers, changed_codes).mean() - mean
        parts.append(pd.DataFrame({"feature": feature.name, "value": values, "effect": effect}))
    return pd.concat(parts, ignore_index=True)


def _matrix_columns(encoding: FeatureEncoding) -> list[int]:
    """Return the index of every feature's column in the matrix of the numbers or of the codes."""
    order = {
        feature.name: place
        for group in (encoding.numeric, encoding.categories)
        for place, feature in enumerate(group)
    }
    return [order[feature.name] for feature in encoding.features]
