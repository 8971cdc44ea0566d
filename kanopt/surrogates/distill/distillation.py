"""``KANRegressor.to_formula``: from a trained network to the law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Alternative, Constant, Domain, Fit, Formula, Node, Product, Range, Variable
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.simplify import simplified
from kanopt.kan.basis import cyclic_roughness, roughness
from kanopt.kan.description import Layer
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.closed import Closed, closed_law, description_length
from kanopt.surrogates.distill.control import Scale
from kanopt.surrogates.distill.curves import curve_form, cycle_form, table_form
from kanopt.surrogates.distill.forms import CYCLIC, OF_PRODUCTS
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.distill.refitting import Refit
from kanopt.surrogates.distill.response import polished, working_rows
from kanopt.surrogates.distill.search import OPERATOR, Candidate, Price, priced, search
from kanopt.surrogates.distill.shaped import shaped
from kanopt.surrogates.distill.trained import HeldOut, Trained
from kanopt.surrogates.encoding import Feature

__all__ = ["HeldOut", "Trained", "distill"]

Array = NDArray[np.float64]


def distill(trained: Trained, held_out: HeldOut, min_r2: float) -> Formula:
    """Turn a trained network into a formula.

    Selection uses the training rows only; the held-out rows report and gate.

    Raises
    ------
    FormulaError
        If the formula's R² on the held-out rows is below `min_r2`, with both figures.
    """
    names = [feature.name for feature in trained.features]
    inputs = tuple(_variable(feature, held_out.units) for feature in trained.features)
    draft = _drafted(trained)
    used = Formula(draft.root, inputs, held_out.output).used
    if trained.control:
        trained.control.check_law(draft.root, names, used, _ways(trained))
    kept = tuple(variable for variable in inputs if variable.name in used)
    formula = Formula(draft.root, kept, held_out.output, held_out.per)
    predicted = np.broadcast_to(formula.evaluate(held_out.frame), len(held_out.frame))
    actual = held_out.frame[held_out.output.name].to_numpy(dtype=np.float64)
    rows = trained.rows
    fit = Fit.of(
        actual, predicted, rows_train=len(rows.target), data_hash=rows.digest, smearing=draft.smearing
    )
    if fit.r2 < min_r2:
        raise FormulaError(
            f"the law for {held_out.output.name!r} is refused: R² {fit.r2:.3f} on {fit.rows_test:,} held-out rows is "
            f"below {min_r2:g}; the formula found is {formula}. Add columns that explain the target, clean the "
            "table, or lower min_r2 knowingly"
        )
    law = replace(
        formula,
        fit=fit,
        domain=_domain(trained, kept),
        provenance={
            "learned by": f"KANRegressor, {trained.structure}",
            "written by": draft.how,
            "rows": f"{fit.rows_train:,} learned from, {fit.rows_test:,} held out",
            **trained.control.recorded,
            **({"dropped": ", ".join(n for n in names if n not in used)} if len(kept) < len(names) else {}),
        },
        alternatives=draft.alternatives,
        covariance=draft.covariance,
    )
    return shaped(law, trained)


@dataclass(frozen=True, eq=False)
class _Draft:
    """The graph of a law and what is known of it; the smearing factor is in it already."""

    root: Node
    how: str
    alternatives: tuple[Alternative, ...]
    smearing: float = 1.0
    covariance: Covariance | None = None


def _drafted(trained: Trained) -> _Draft:
    """Return the law found on the rows, or the one read from the network, whichever has the shorter description."""
    edges = [edge for edge in mixed_of(trained).edges if not edge.is_zero]
    kinds = {trained_name(e, trained): "" if e.layer else trained.features[e.source].kind for e in edges}
    trained.control.check_names(trained.features, kinds)
    closed = closed_law(trained, OPERATOR)
    if closed is not None and closed.squares <= _network_squares(trained, closed):
        return _from_rows(closed, "no larger error than the network's")
    try:
        fit, front = _read(trained)
    except FitError:
        if closed is None:
            raise
        return _from_rows(closed, "the network has no edges that can become what was asked for")
    rows = trained.rows
    if closed is not None:
        errors = _residuals(trained, fit.model.predict(rows.inputs))
        squares = float(rows.weight @ errors**2)
        price = OPERATOR * priced(fit.model, _priced_by(trained))
        length = description_length(rows, squares, fit.parameters, price, log=trained.log_target)
        if closed.length < length:
            return _from_rows(closed, "a shorter description than the network's edges", front)
        front = (*(replace(each, chosen=False) for each in closed.front), *front)
    return _from_network(trained, fit, front)


def _residuals(trained: Trained, output: Array) -> Array:
    """Return target minus law, given the outputs of the network."""
    rows, link = trained.rows, trained.link
    return rows.target - (output if link is None else link(output))


def _network_squares(trained: Trained, closed: Closed) -> float:
    """Return the squares that a law found on the rows may leave to have no larger error than the network."""
    rows = trained.rows
    residual = _residuals(trained, mixed_of(trained).predict(rows.inputs))
    if trained.log_target and not closed.log:
        smearing = float(rows.weight @ np.exp(residual)) / rows.total
        residual = np.exp(rows.target) - smearing * np.exp(rows.target - residual)
    squares = float(rows.weight @ residual**2)
    return squares * max(rows.total - closed.parameters, 1.0) / max(rows.total - trained.edf, 1.0)


def _from_rows(closed: Closed, why: str, front: tuple[Alternative, ...] = ()) -> _Draft:
    others = tuple(replace(each, chosen=False) for each in front)
    how = f"a sum of products found on the rows: {why}"
    law, factor = closed.smeared() if closed.log else (closed.formula, 1.0)
    return _Draft(law.root, how, (*closed.front, *others), factor, law.covariance)


def _read(trained: Trained) -> tuple[Refit, tuple[Alternative, ...]]:
    """Return the network with closed forms for edges, and the steps that led to it."""
    start, rows, link = _controlled(mixed_of(trained), trained), trained.rows, trained.link
    found = search(
        start,
        rows if link is None else working_rows(rows, link, start.predict(rows.inputs)),
        seed=trained.seed,
        log_target=trained.log_target,
        log_inputs=frozenset(i for i, feature in enumerate(trained.features) if feature.log),
        name=lambda edge: trained_name(edge, trained),
        price=_priced_by(trained),
    )
    best = found.fit if link is None else polished(found.fit, rows, link)
    return best, tuple(map(_alternative, found.front))


def _from_network(trained: Trained, best: Refit, front: tuple[Alternative, ...]) -> _Draft:
    model, rows = best.model, trained.rows
    smearing = None
    if trained.log_target:
        residual = rows.target - model.predict(rows.inputs)
        smearing = float(rows.weight @ np.exp(residual) / rows.weight.sum())
    root = graph(model, trained.features, smearing, _errors(best, bool(trained.network.hidden)), trained.link)
    if trained.log_target:
        root = _without_factor_one(root, best.squares, rows.total)
    return _Draft(root, "edges of the network, closed forms and curves", front, smearing or 1.0)


def mixed_of(trained: Trained) -> Mixed:
    """Return the network with every numeric edge a curve and every category a table; what is zero is no edge."""
    layers = trained.network.layers
    groups = iter(trained.smoothing)
    edges: list[Edge] = []
    for index, layer in enumerate(layers):
        shapes = trained.wanted.of_layer(index, layer.inputs)
        if index == 0:
            columns = layer.inputs + len(layer.periodic) + len(layer.tables)
            weights = [float(next(groups)) for _ in range(columns)]
        else:
            weights = [float(next(groups))] * layer.inputs
        edges += chain(
            _curves(index, layer, shapes, weights), _cycles(layer, weights), _tables(index, layer, weights)
        )
    bias = tuple(np.array(layer.bias) for layer in layers)
    model = Mixed(tuple(edges), bias, tuple(layer.products for layer in layers))
    after_products = [e for e in edges if e.layer and e.source >= model.sums(e.layer - 1)]
    return model.replaced(*(replace(edge, family=OF_PRODUCTS) for edge in after_products)).tidied()


def _kept(edge: Edge) -> Edge:
    """Return the edge, or none where it was pruned: it stays so."""
    return edge if edge.theta.any() else edge.dropped()


def _curves(
    index: int, layer: Layer, shapes: Sequence[tuple[int, int]], weights: Sequence[float]
) -> list[Edge]:
    bend = roughness(layer.grid_size).numpy()
    edges = []
    for source in range(layer.inputs):
        low, high = float(layer.lower[source]), float(layer.upper[source])
        form = curve_form(low, high, layer.grid_size)
        for target in range(layer.subnodes):
            theta = np.array(layer.coefficients[source, target])
            sign, convexity = shapes[source]
            edge = Edge(index, source, target, form, theta, sign, weights[source], bend, (low, high))
            edges.append(replace(edge, convexity=convexity))
    return [_kept(edge) for edge in edges]


def _cycles(layer: Layer, weights: Sequence[float]) -> list[Edge]:
    """Return the edges of the periodic inputs, which only a first layer has."""
    bend = cyclic_roughness(layer.grid_size).numpy()
    form = cycle_form(layer.grid_size)
    edges = []
    for place, coefficients in enumerate(layer.periodic):
        source = layer.inputs + place
        for target, theta in enumerate(coefficients):
            edge = Edge(0, source, target, form, np.array(theta), penalty=weights[source], bend=bend)
            edges.append(replace(edge, family=CYCLIC))
    return [_kept(edge) for edge in edges]


def _tables(index: int, layer: Layer, weights: Sequence[float]) -> list[Edge]:
    edges = []
    for column, table in enumerate(layer.tables):
        source = layer.inputs + len(layer.periodic) + column
        form = table_form(len(table))
        for target in range(layer.subnodes):
            theta = np.array(table[:, target])
            edges.append(
                Edge(index, source, target, form, theta, penalty=weights[source], bend=np.eye(len(table)))
            )
    return [_kept(edge) for edge in edges]


def trained_name(edge: Edge, trained: Trained) -> str:
    """Return what an edge is called in the alternatives of a formula."""
    layers = trained.network.layers
    source = trained.features[edge.source].name if edge.layer == 0 else f"node {edge.source + 1}"
    if not trained.network.hidden:
        return source
    sums = layers[edge.layer].subnodes - 2 * layers[edge.layer].products
    if edge.target < sums:
        return f"{source} → node {edge.target + 1}"
    place, factor = divmod(edge.target - sums, 2)
    return f"{source} → node {sums + place + 1}, factor {factor + 1}"


def _scale(edge: Edge, trained: Trained) -> Scale:
    """Return where an edge stands; what is added to the logarithm of the target are the edges of the last layer."""
    last = edge.layer == len(trained.network.layers) - 1
    log_input = edge.layer == 0 and trained.features[edge.source].log
    return Scale(log_input, trained.log_target and last, not last, edge.layer > 0)


def _ways(trained: Trained) -> str:
    """Say how the model was fitted, where that brings operators into the law."""
    logs = [feature.name for feature in trained.features if feature.log]
    ways = [
        *(["log_target=True"] if trained.log_target else []),
        *([f"log_features={logs!r}"] if logs else []),
        *(["positive=True or bounds"] if trained.link is not None else []),
    ]
    return f", which was fitted with {' and '.join(ways)}" if ways else ""


def _controlled(model: Mixed, trained: Trained) -> Mixed:
    """Return the network with what a person decided about its edges."""
    control = trained.control
    if not control:
        return model
    edges = []
    for edge in model.edges:
        if not edge.is_zero:
            column = [trained.features[edge.source].name] if edge.layer == 0 else []
            names = dict.fromkeys([*column, trained_name(edge, trained)])
            edge = control.on_edge(edge, names, _scale(edge, trained))
        edges.append(edge)
    return replace(model, edges=tuple(edges)).tidied()


def _priced_by(trained: Trained) -> Price:
    return lambda edge: trained.control.price(edge, _scale(edge, trained))


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
        if feature.is_numeric:
            rows[feature.name] = feature.decode(encoded)
        else:
            rows[feature.name] = np.array(feature.categories, dtype=object)[encoded.astype(np.int64)]
    return rows


def _domain(trained: Trained, kept: Sequence[Variable]) -> Domain:
    """Return where the formula is valid. A periodic input goes together with every value of the others."""
    rows = _decoded(trained, kept)
    periods = {feature.name: feature.scale for feature in trained.features if feature.kind == "cycle"}
    domain = Domain.from_rows([v for v in kept if v.name not in periods], rows)
    ranges = {item.name: item for item in domain.ranges}
    for name in periods.keys() & rows.keys():
        ranges[name] = Range(name, *cycle_range(rows[name].astype(np.float64), periods[name]))
    ordered = (ranges[variable.name] for variable in kept if variable.name in ranges)
    return replace(domain, ranges=tuple(ordered))


def cycle_range(values: Array, period: float) -> tuple[float, float]:
    """Return the range of a periodic column, which is a whole period where the rows go all the way round.

    They do where the step from the last value on to the first of the next period is hardly wider than a step between.

    Examples
    --------
    >>> cycle_range(np.arange(24.0), 24.0), cycle_range(np.arange(6.0, 20.0), 24.0)
    ((0.0, 24.0), (6.0, 19.0))
    """
    low, high = float(values.min()), float(values.max())
    if high - low >= period or high == low:
        return low, high
    widest = float(np.diff(np.unique(values)).max())
    if low + period - high >= 2.0 * widest:
        return low, high
    first = float(np.floor(low / period)) * period
    return (first, first + period) if high <= first + period else (low, low + period)


def _alternative(candidate: Candidate) -> Alternative:
    return Alternative(
        candidate.complexity, candidate.rmse, candidate.chosen, candidate.what, candidate.length
    )
