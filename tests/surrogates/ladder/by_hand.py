"""Small networks written down by hand, whose edges are known functions on [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas import Formula, Variable
from kanopt.kan.ranges import ShapeConstraints
from kanopt.kan.trainer import Link
from kanopt.surrogates import Feature
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder import HeldOut, Trained, find_law
from kanopt.surrogates.ladder.curve_rungs import network_rung
from tests.cases.hand_networks import Layer, Network, cycle_of, spline_of

Floats = NDArray[np.float64]
Shape = Callable[[Floats], Floats]
LOW, HIGH, CELLS = 0.0, 1.0, 6
NUMBER = Feature("a", "number", low=0.0, high=1.0), Feature("b", "number", low=0.0, high=1.0)
HOUR = Feature("hour", "cycle", scale=24.0, low=0.0, high=24.0)
MODE = Feature("mode", "category", categories=("road", "sea"))


def spline(curve: Shape | None = None) -> Floats:
    """Coefficients of a curve on [0, 1], exact for cubics."""
    return np.zeros(CELLS + 3) if curve is None else spline_of(curve, LOW, HIGH, CELLS)


def cycle(curve: Shape) -> Floats:
    """Coefficients of a curve of period 1."""
    return cycle_of(curve, CELLS)


def layer(
    curves: Sequence[Sequence[Shape | None]],
    bias: Sequence[float],
    *,
    tables: Sequence[Sequence[Sequence[float]]] = (),
    cycles: Floats | None = None,
    products: int = 0,
) -> Layer:
    """A layer of curves on [0, 1], one row per input and one column per sub-node."""
    inputs = len(curves)
    coefficients = np.array([[spline(curve) for curve in row] for row in curves])
    return Layer(
        np.full(inputs, LOW),
        np.full(inputs, HIGH),
        coefficients.reshape(inputs, len(bias), CELLS + 3),
        tuple(map(np.array, tables)),
        np.array(bias),
        cycles=cycles,
        products=products,
    )


def times(factor: float, shift: float = 0.0) -> Shape:
    return lambda x: factor * (x - shift)


def trained(
    network: Network, features: tuple[Feature, ...], inputs: Floats, target: Floats, link: Link | None = None
) -> Trained:
    rows = Rows(inputs, target, np.ones(len(target)))
    return Trained(network.formula, features, rows, ShapeConstraints(), "by hand", link)


def decoded(features: Sequence[Feature], inputs: Floats) -> pd.DataFrame:
    columns = {}
    for feature, column in zip(features, inputs.T, strict=True):
        known = np.array(feature.categories, dtype=object)
        columns[feature.name] = feature.decode(column) if feature.is_numeric else known[column.astype(int)]
    return pd.DataFrame(columns)


def law_of(model: Trained, target: Floats) -> Formula:
    frame = decoded(model.features, model.rows.inputs).assign(y=target)
    return find_law(model, HeldOut(frame, Variable("y"), ""), 0.5)


def written(model: Trained, data: dict[str, Floats]) -> Floats:
    """What the network gives once it is written as a formula of curves."""
    inputs = tuple(map(model.variable, model.features))
    (network,) = network_rung(model)
    return Formula(network.root, inputs, Variable("y")).evaluate(data)
