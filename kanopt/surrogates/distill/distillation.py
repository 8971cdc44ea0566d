"""``KANRegressor.to_formula``: from a trained network to the law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Alternative, Constant, Domain, Fit, Formula, Node, Product, Variable
from kanopt.formulas.simplify import simplified
from kanopt.kan.basis import roughness
from kanopt.kan.description import Layer, Network
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.mixed import Edge, Mixed, Refit, Rows, curve_form, table_form
from kanopt.surrogates.distill.search import Candidate, search
from kanopt.surrogates.encoding import Feature

__all__ = ["HeldOut", "Trained", "distill"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, and the rows and choices it was trained with.

    Parameters
    ----------
    network
        Gives the target, or its logarithm.
    features
        The numbers, then the categories, in the order of the network's inputs.
    rows
        Encoded training rows, the target on the scale of the network's output.
    signs
        Monotone sign per number; empty for none.
    smoothing
        Roughness weight of every group: one per input column, then one per later layer.
    log_target
        Whether the network gives the logarithm of the target.
    seed
        Seed of the search.
    structure
        The structure in words, for the provenance.
    """

    network: Network
    features: tuple[Feature, ...]
    rows: Rows
    signs: tuple[int, ...]
    smoothing: Array
    log_target: bool
    seed: int
    structure: str


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows and what is known about their columns.

    Parameters
    ----------
    frame
        Columns of the model and the target.
    output
        The target, with its unit.
    units
        Units of the features.
    per
        What one row is.
    """

    frame: pd.DataFrame
    output: Variable
    units: dict[str, str]
    per: str


def distill(trained: Trained, held_out: HeldOut, min_r2: float) -> Formula:
    """Turn a trained network into a formula.

    Selection uses the training rows only; the held-out rows report and gate.

    Raises
    ------
    FormulaError
        If the formula's R² on the held-out rows is below `min_r2`, with both figures.
    """
    names = [feature.name for feature in trained.features]
    logs = frozenset(i for i, feature in enumerate(trained.features) if feature.log)

    def name(edge: Edge) -> str:
        source = names[edge.source] if edge.layer == 0 else f"node {edge.source + 1}"
        return source if not trained.network.hidden else f"{source} → node {edge.target + 1}"

    found = search(
        mixed_of(trained),
        trained.rows,
        seed=trained.seed,
        log_target=trained.log_target,
        log_inputs=logs,
        name=name,
    )
    model, rows = found.fit.model, trained.rows
    smearing = None
    if trained.log_target:
        residual = rows.target - model.predict(rows.inputs)
        smearing = float(rows.weight @ np.exp(residual) / rows.weight.sum())
    root = graph(model, trained.features, smearing, _errors(found.fit, bool(trained.network.hidden)))
    if trained.log_target:
        root = _without_factor_one(root, found.fit.squares, float(rows.weight.sum()))
    inputs = tuple(_variable(feature, held_out.units) for feature in trained.features)
    used = Formula(root, inputs, held_out.output).used
    kept = tuple(variable for variable in inputs if variable.name in used)
    formula = Formula(root, kept, held_out.output, held_out.per)
    predicted = np.broadcast_to(formula.evaluate(held_out.frame), len(held_out.frame))
    actual = held_out.frame[held_out.output.name].to_numpy(dtype=np.float64)
    fit = Fit.of(
        actual,
        predicted,
        rows_train=len(rows.target),
        data_hash=rows.digest,
        smearing=1.0 if smearing is None else smearing,
    )
    if fit.r2 < min_r2:
        raise FormulaError(
            f"the law for {held_out.output.name!r} is refused: R² {fit.r2:.3f} on {fit.rows_test:,} held-out rows is "
            f"below {min_r2:g}; the formula found is {formula}. Add columns that explain the target, clean the "
            "table, or lower min_r2 knowingly"
        )
    return Formula(
        root,
        kept,
        held_out.output,
        held_out.per,
        fit=fit,
        domain=Domain.from_rows(kept, _decoded(trained, kept)),
        provenance={
            "learned by": f"KANRegressor, {trained.structure}",
            "rows": f"{fit.rows_train:,} learned from, {fit.rows_test:,} held out",
            **({"dropped": ", ".join(n for n in names if n not in used)} if len(kept) < len(names) else {}),
        },
        alternatives=tuple(map(_alternative, found.front)),
    )


def mixed_of(trained: Trained) -> Mixed:
    """Return the network with every numeric edge a curve and every category a table."""
    layers = trained.network.layers
    groups = iter(trained.smoothing)
    edges: list[Edge] = []
    signed = any(trained.signs)
    for index, layer in enumerate(layers):
        if index == 0:
            signs: Sequence[int] = trained.signs or [0] * layer.inputs
            weights = [float(next(groups)) for _ in range(layer.inputs + len(layer.tables))]
        else:
            signs = [int(signed)] * layer.inputs
            weights = [float(next(groups))] * layer.inputs
        edges += chain(_curves(index, layer, signs, weights), _tables(index, layer, weights))
    return Mixed(tuple(edges), tuple(np.array(layer.bias) for layer in layers))


def _curves(index: int, layer: Layer, signs: Sequence[int], weights: Sequence[float]) -> list[Edge]:
    bend = roughness(layer.grid_size).numpy()
    edges = []
    for source in range(layer.inputs):
        low, high = float(layer.lower[source]), float(layer.upper[source])
        form = curve_form(low, high, layer.grid_size)
        for target in range(layer.outputs):
            theta = np.array(layer.coefficients[source, target])
            edges.append(
                Edge(index, source, target, form, theta, signs[source], weights[source], bend, (low, high))
            )
    return edges


def _tables(index: int, layer: Layer, weights: Sequence[float]) -> list[Edge]:
    edges = []
    for column, table in enumerate(layer.tables):
        source = layer.inputs + column
        form = table_form(len(table))
        for target in range(layer.outputs):
            theta = np.array(table[:, target])
            edges.append(
                Edge(index, source, target, form, theta, penalty=weights[source], bend=np.eye(len(table)))
            )
    return edges


def _errors(fit: Refit, hidden: bool) -> Array:
    """Return standard errors; behind hidden nodes a constant can trade with another and has none of its own."""
    variances = np.diag(fit.covariance)
    return np.full(len(variances), np.nan) if hidden else np.sqrt(np.maximum(variances, 0.0))


def _without_factor_one(root: Node, squares: float, total: float) -> Node:
    """Drop a leading factor that the rows cannot tell from 1: within two standard errors of a mean residual."""
    if not isinstance(root, Product) or not isinstance(root.factors[0], Constant) or len(root.factors) < 2:
        return root
    if abs(np.log(max(root.factors[0].value, 1e-300))) > 2 * np.sqrt(squares) / total:
        return root
    return simplified(Product(root.factors[1:]))


def _variable(feature: Feature, units: dict[str, str]) -> Variable:
    if feature.kind == "category":
        return Variable(feature.name, kind="category")
    return Variable(feature.name, units.get(feature.name, ""))


def _decoded(trained: Trained, kept: Sequence[Variable]) -> dict[str, NDArray[np.generic]]:
    """Return the training rows of the inputs that the formula kept, in the units of the table."""
    names = {variable.name for variable in kept}
    rows: dict[str, NDArray[np.generic]] = {}
    for column, feature in enumerate(trained.features):
        encoded = trained.rows.inputs[:, column]
        if feature.name not in names:
            continue
        if feature.kind == "number":
            rows[feature.name] = feature.decode(encoded)
        else:
            rows[feature.name] = np.array(feature.categories, dtype=object)[encoded.astype(np.int64)]
    return rows


def _alternative(candidate: Candidate) -> Alternative:
    return Alternative(candidate.complexity, candidate.rmse, candidate.chosen, candidate.what)
