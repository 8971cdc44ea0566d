"""How a correction ends: within the rows it was learned from it counts in full, a little beyond them not at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Curve, Input, Node, Product
from kanopt.formulas.nodes import postorder

__all__ = ["FADE", "faded"]

FADE = 0.2
"""How far beyond the rows a correction is gone, as a share of the range of the column."""


def faded(root: Node, columns: Mapping[str, NDArray[np.generic]], periods: Mapping[str, float]) -> Node:
    """Return a correction times a curve for every number that it reads: one where rows are, zero beyond.

    Periodic columns have no ends, and a table gives a category that was not seen no effect of itself.

    Parameters
    ----------
    root
        The correction.
    columns
        The rows, (n,) each.
    periods
        Periodic columns.

    Examples
    --------
    >>> km = Input("km")
    >>> from kanopt.formulas import Formula, Variable
    >>> law = Formula(faded(2.0 * km, {"km": np.array([10.0, 20.0])}, {}), (Variable("km"),), Variable("cost"))
    >>> law.evaluate({"km": [5.0, 8.0, 10.0, 20.0, 22.0]}).round(9).tolist()
    [0.0, 0.0, 20.0, 40.0, 0.0]
    """
    read = {name for node in postorder(root) if isinstance(node, Input) for name in node.names}
    windows = [
        _window(name, values.astype(np.float64))
        for name, values in columns.items()
        if name in read and name not in periods
    ]
    return Product((*windows, root)) if windows else root


def _window(name: str, values: NDArray[np.float64]) -> Curve:
    """Return a cubic curve that is one over the values and falls to zero, value and slope, over three spans."""
    low, high = float(values.min()), float(values.max())
    margin = FADE * (high - low) or FADE * abs(low) or FADE
    spans = round(3 * (high - low) / margin) + 6
    coefficients = (0.0,) * 3 + (1.0,) * (spans - 3) + (0.0,) * 3
    return Curve(f"within_{name}", Input(name), coefficients, low - margin, high + margin)
