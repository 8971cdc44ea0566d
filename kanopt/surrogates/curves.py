"""A network as a formula of curves: written down, in the units of a table, and read back layer by layer.

Encoded columns are called by their places, ``c0`` and so on, and categories by their codes: a table may have names that
no formula can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Node,
    Product,
    Sum,
    Table,
    Variable,
)
from kanopt.formulas.nodes import computed, rebuild
from kanopt.formulas.variables import category_label
from kanopt.kan.trainer import Link, Logistic, Softplus
from kanopt.surrogates.conformal import ResidualRange, residual_range
from kanopt.surrogates.encoding import Feature, FeatureEncoding

if TYPE_CHECKING:
    from kanopt.kan.network import InputTensors, KANBatch


BLOCK = 8192
"""Rows that are computed together: what stays in a CPU's cache."""
_NARROW = 1e-9
"""Knots as near to each other as that, for their size, are counted from the first of them."""


def place_name(place: int) -> str:
    """Return what the formula of a network calls a column."""
    return f"c{place}"


def places_of(encoding: FeatureEncoding) -> tuple[Variable, ...]:
    """Return the encoded columns as inputs of the formula of a network."""
    return tuple(
        Variable(place_name(place))
        if each.is_numeric
        else Variable(
            place_name(place), kind="category", categories=tuple(map(str, range(len(each.categories))))
        )
        for place, each in enumerate(encoding.inputs)
    )


def network_output(network: Formula, numbers: Floats, codes: Integers) -> Floats:
    """Return what the formula of a network gives for encoded rows, block by block; (n,)."""
    columns = [*zip(network.inputs, (*numbers.T, *codes.T), strict=True)]
    found = np.empty(len(numbers))
    for start in range(0, len(numbers), BLOCK):
        rows = slice(start, start + BLOCK)
        found[rows] = computed(network.root, {each.name: column[rows] for each, column in columns})
    return found


def curves_of(
    network: KANBatch,
    rows: InputTensors,
    inputs: Sequence[Node],
    tables: Sequence[str] = (),
    *,
    weights: Floats | None = None,
    unit: float = 1.0,
    shift: float = 0.0,
) -> list[Node]:
    """Return the outputs of a trained network as nodes of a formula, every edge a curve or a table.

    Parameters
    ----------
    network
        The network, as the first of a batch.
    rows, weights
        Those over which edges are centred; what is taken from an edge is in the constant of its node.
    inputs
        What its numeric inputs are.
    tables
        Names of its categories.
    unit, shift
        The outputs are moved by the shift, and then multiplied by the unit.
    """
    import torch

    from kanopt.kan.network import by_kind

    nodes = list(inputs)
    trust = None if weights is None else torch.as_tensor(weights, device=rows.numbers.device)
    layers = [*zip(network.architecture.layers, network.centred(0, rows, trust), strict=True)]
    for place, (sizes, (block, bias)) in enumerate(layers):
        if place == len(layers) - 1:
            block, bias = block * unit, (bias + shift) * unit
        splines, cycles, values = (part[0].cpu().numpy().T for part in by_kind(sizes, block[None]))
        ends = [*zip(network.lower.tolist(), network.upper.tolist(), strict=True)]
        ends = [(0.0, 1.0)] * sizes.splines if place else ends
        ends_of_tables = np.cumsum(sizes.tables).tolist()
        arrived: list[Node] = []
        for target in range(sizes.nodes):
            edges: list[Node] = [
                curve_between(node, splines[target, :, source], *ends[source])
                for source, node in enumerate(nodes[: sizes.splines])
            ]
            # the formula's curve reads coefficients k … k + 3 on its span k, the network k − 1 … k + 2
            edges += [
                Curve("s", node, np.roll(cycles[target, :, source], 1).tolist(), 0.0, 1.0, periodic=True)
                for source, node in enumerate(nodes[sizes.splines :])
            ]
            edges += [
                Table.of({str(code): each for code, each in enumerate(own.tolist())}, name, name="by")
                for name, own in zip(
                    tables if place == 0 else (), np.split(values[target], ends_of_tables)[:-1], strict=True
                )
            ]
            arrived.append(Sum((Constant(float(bias[target])), *edges)))
        nodes = arrived
    return nodes


def curve_between(node: Node, coefficients: Floats, low: float, high: float) -> Node:
    """Return a curve of a node between two knots, however near to each other."""
    if high - low <= _NARROW * max(abs(low), abs(high)):
        node, low, high = Sum((node, Constant(-low))), 0.0, high - low
    return Curve("s", node, tuple(coefficients.tolist()), low, high)


def in_units(root: Node, features: Sequence[Feature]) -> Node:
    """Return the graph of a network as one over the columns of a table, in their units and by their names.

    Parameters
    ----------
    root
        Over the encoded columns, see :func:`places_of`.
    features
        The columns in the order of the network.
    """
    known = {place_name(place): feature for place, feature in enumerate(features)}

    def encoded(feature: Feature) -> Node:
        number = Input(feature.name)
        scaled = number if feature.scale == 1.0 else Product((Constant(1.0 / feature.scale), number))
        return Apply("log", scaled) if feature.log else scaled

    def change(node: Node) -> Node:
        match node:
            case Curve(argument=Input(name=name), low=low, high=high):
                feature = known[name]
                if feature.log:
                    return replace(node, argument=encoded(feature))
                number, scale = Input(feature.name), feature.scale
                return replace(node, argument=number, low=low * scale, high=high * scale)
            case Sum(terms=(Input(name=name), Constant() as first)):
                return Sum((encoded(known[name]), first))
            case Table(inputs=(name,)):
                labels = known[name].categories
                entries = {category_label(labels[int(code)]): value for (code,), value in node.entries}
                return Table.of(entries, known[name].name, name=node.name)
        return node

    return rebuild(root, change)


def linked(link: Link, output: Node) -> Node:
    """Return what a link makes of the output of a network."""
    match link:
        case Softplus(scale=scale, low=low):
            bent = Apply("softplus", Product((Constant(1.0 / scale), output)))
            return Sum((Constant(low), Product((Constant(scale), bent))))
        case Logistic(low=low, high=high):
            return Sum((Constant(low), Product((Constant(high - low), Apply("logistic", output)))))
    raise TypeError(f"formulas have no function for the link {link!r}")


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a network that is a formula of curves.

    Parameters
    ----------
    edges
        For every source, and every node, a curve or a table. Categories are the last sources of the first layer.
    bias
        The constant of every node, (nodes,).
    """

    edges: tuple[tuple[Node, ...], ...]
    bias: Floats

    def knots(self, source: int) -> tuple[float, float]:
        """Return the first and the last knot of the curves that leave a source."""
        curve = self.edges[source][0]
        assert isinstance(curve, Curve)
        shift = _start(curve)[1]
        return curve.low - shift, curve.high - shift

    def leaving(self, source: int, signal: Floats) -> Floats:
        """Return the values (n, nodes) of all edges that leave a source, given its values or codes (n,)."""
        edges = self.edges[source]
        arguments, codes = [signal + _start(edges[0])[1]], signal.astype(np.int64)
        return np.column_stack([edge.compute(arguments, dict.fromkeys(edge.names, codes)) for edge in edges])


def layers_of(network: Formula) -> tuple[Layer, ...]:
    """Return the layers of a network, from the inputs to the output."""
    layers: list[Layer] = []
    nodes: Sequence[Node] = (network.root,)
    while nodes and nodes[0].children:
        bias = [float(computed(node.children[0], {})) for node in nodes]
        rows = tuple(zip(*(node.children[1:] for node in nodes), strict=True))
        layers.append(Layer(rows, np.array(bias)))
        nodes = [_start(row[0])[0] for row in rows]
    return tuple(layers[::-1])


def _start(edge: Node) -> tuple[Node, float]:
    """Return what an edge starts from: a node, or an input; and what is added to it before the knots."""
    match edge:
        case Curve(argument=Sum(terms=(start, Constant(value=shift)))):
            return start, shift
        case Curve(argument=start):
            return start, 0.0
    return Input(edge.names[0]), 0.0


# A fitted law: a network as a formula of curves, with what is known of its errors.

LARGEST = 650.0
"""Logarithms beyond this are cut off, far outside any data: their exponentials would not be numbers."""
FLOOR_BUDGET = 1_000
"""Boxes in which a law is to be proved to stay above zero; one that is not is held there."""
LEAST = float(np.finfo(np.float64).tiny)
"""What a positive law falls to at least, far outside any data, where its exponentials would be zero."""


@dataclass(frozen=True, eq=False)
class FittedLaw:
    """The result of a fit.

    Parameters
    ----------
    encoding, network, log_target, smearing, link
        The law: ``network(encoded)``, ``smearing × exp(network(encoded))`` for a log target, or
        ``link(network(encoded))`` for a positive or bounded one. The domain of the network is that of the training
        rows.
    loss
        The loss of the fit.
    edf
        Effective number of parameters.
    residuals, residual_weights, middle
        Leave-one-out residuals of the training rows, sorted, of the logarithm for a log target; how many independent
        rows each stands for; and what the law says of these rows, on the scale of the residuals.
    sample
        Encoded sample of training rows over which effects are averaged; (rows, inputs).
    importance
        Importance of every column, see :func:`kanopt.surrogates.readings.feature_importances`.
    measures
        Measures of fit on the training rows, in-sample and leave-one-out.
    lowest
        Smallest target of the training rows.
    floor
        What the law is held at where the network falls below it; None for nothing. Without a link and logarithm only.
    """

    encoding: FeatureEncoding
    network: Formula
    log_target: bool
    smearing: float
    loss: str
    edf: float
    residuals: Floats
    residual_weights: Floats
    middle: Floats
    sample: Floats
    importance: Floats
    measures: dict[str, dict[str, float]]
    lowest: float
    link: Softplus | Logistic | None = None
    floor: float | None = None

    def formula(self, target: str, units: Mapping[str, str] = MappingProxyType({})) -> Formula:
        """Return what the law predicts as a formula of the columns, over the box of the training rows.

        Where an exponential overflows, far outside any data, a prediction is cut off and the formula is not.
        """
        features = self.encoding.inputs
        root = in_units(self.network.root, features)
        if self.log_target:
            root = Product((Constant(self.smearing), Apply("exp", root)))
        elif self.link is not None:
            root = linked(self.link, root)
        elif self.floor is not None:
            root = Maximum((Constant(self.floor), root))
        inputs = [
            _number(each, units.get(each.name, ""))
            if each.is_numeric
            else Variable(each.name, kind="category", categories=tuple(map(category_label, each.categories)))
            for each in features
        ]
        return Formula(root, tuple(inputs), Variable(target))

    def predict(self, encoded: Floats) -> Floats:
        """Return the target for encoded rows, shape (n,)."""
        value = self.on_residual_scale(encoded)
        if self.log_target:
            return np.maximum(self.smearing * np.exp(np.minimum(value, LARGEST)), LEAST)
        stays_positive = isinstance(self.link, Softplus) and self.link.low == 0.0
        return np.maximum(value, LEAST) if stays_positive else value

    def outside(self, encoded: Floats) -> NDArray[np.bool_]:
        """Return a mask of the encoded rows outside the domain of the training rows; (n,)."""
        numbers = encoded.T[: len(self.encoding.numeric)]
        return self.network.domain.outside({place_name(k): column for k, column in enumerate(numbers)})

    def on_residual_scale(self, encoded: Floats) -> Floats:
        """Return what the law says of rows on the scale of its residuals: the logarithm for a log target; (n,)."""
        numeric = len(self.encoding.numeric)
        output = network_output(self.network, encoded[:, :numeric], encoded[:, numeric:].astype(np.int64))
        if self.link is not None:
            return self.link(output)
        return output if self.floor is None else np.maximum(output, self.floor)

    def residual(self, encoded: Floats, target: Floats) -> Floats:
        """Return the residuals of rows, of the logarithm for a log target; (n,)."""
        middle = self.on_residual_scale(encoded)
        return (np.log(target) if self.log_target else target) - middle

    def residual_range(self, coverage: float) -> ResidualRange:
        """Return the range into which the residual of a new row falls with probability `coverage`."""
        return residual_range(self.residuals, self.middle, self.residual_weights, coverage)

    def interval_around(self, encoded: Floats, around: ResidualRange) -> tuple[Floats, Floats]:
        """Return the ends of the interval that a range of residuals leaves around every prediction; each (n,)."""
        middle = self.on_residual_scale(encoded)
        low, high = (middle + end for end in around.at(middle))
        if self.log_target:
            return np.exp(np.minimum(low, LARGEST)), np.exp(np.minimum(high, LARGEST))
        ends = (-np.inf, np.inf) if self.link is None else self.link.ends
        return np.clip(low, *ends), np.clip(high, *ends)


def held_positive(law: FittedLaw) -> FittedLaw:
    """Return a law of a positive target held at the smallest one, unless it is proved to stay above zero by itself."""
    if not law.lowest > 0.0:
        return law
    try:
        proved = law.formula("target").prove(low=0.0, boxes=FLOOR_BUDGET).proved
    except FormulaError:  # a network too large to be written as a formula
        proved = False
    return law if proved else replace(law, floor=law.lowest)


def _number(feature: Feature, unit: str) -> Variable:
    """Return a column of numbers as an input, over the range of the training rows or over its period."""
    low, high = (0.0, feature.scale) if feature.kind == "cycle" else (feature.low, feature.high)
    return Variable(feature.name, unit, low=low, high=high)


# A trained network as data for drawing: nodes, and edges with their curves, as plain arrays.


@dataclass(frozen=True, eq=False)
class DiagramEdge:
    """One learned function of one variable.

    Parameters
    ----------
    layer
        Index of the layer, from 0 at the inputs.
    source, target
        Positions of its ends among the nodes of their layers.
    x, y
        The curve, sampled over its training range, or over a period; both of shape (points,). For a category `x`
        numbers its labels, and `y` has one value for each.
    labels
        The labels of a category, else empty.
    strength
        How much the edge varies over the rows, as a fraction of the largest of its layer; one near 0 is unimportant.
    """

    layer: int
    source: int
    target: int
    x: Floats
    y: Floats
    labels: tuple[str, ...]
    strength: float


@dataclass(frozen=True, eq=False)
class Diagram:
    """A network as nodes and edges.

    Parameters
    ----------
    layers
        Names of the nodes, layer by layer: first the inputs (of a periodic one with its period), last the output;
        hidden nodes have empty names.
    edges
        In order of layer, source and target.
    """

    layers: tuple[tuple[str, ...], ...]
    edges: tuple[DiagramEdge, ...]


def diagram_of(
    network: Formula,
    encoding: FeatureEncoding,
    *,
    rows: Floats,
    output: str,
    log_output: bool = False,
    points: int = 41,
) -> Diagram:
    """Sample every edge of a network.

    Parameters
    ----------
    network, encoding
        As a fitted model holds them.
    rows
        Encoded rows, (n, inputs), over which edges vary.
    output
        Name of the target.
    log_output
        Whether the network gives the target's logarithm.
    points
        Number of points per curve.

    Returns
    -------
    Diagram
        The curves of the first layer are functions of the columns in their own units, or of their logarithms if the
        network takes those.
    """
    layers, signal, edges = layers_of(network), rows.T, list[DiagramEdge]()
    for index, layer in enumerate(layers):
        leaving = np.array([layer.leaving(source, each) for source, each in enumerate(signal)])
        features = encoding.inputs if index == 0 else (None,) * len(layer.edges)
        edges += _edges(index, layer, features, points, leaving.std(axis=1))
        signal = (layer.bias + leaving.sum(axis=0)).T
    inputs = tuple(_named(feature) for feature in encoding.inputs)
    hidden = [("",) * len(layer.bias) for layer in layers[:-1]]
    names = (inputs, *hidden, (f"log {output}" if log_output else output,))
    return Diagram(names, tuple(edges))


def _named(feature: Feature) -> str:
    if feature.kind == "cycle":
        return f"{feature.name} mod {feature.scale:g}"
    return f"log {feature.name}" if feature.log else feature.name


def _edges(
    index: int, layer: Layer, features: Sequence[Feature | None], points: int, scores: Floats
) -> list[DiagramEdge]:
    curves = [_sampled(layer, source, feature, points) for source, feature in enumerate(features)]
    strongest = float(scores.max(initial=0.0)) or 1.0
    edges = []
    for source, (x, values, labels) in enumerate(curves):
        for target, y in enumerate(values.T):
            strength = float(scores[source, target]) / strongest
            edges.append(DiagramEdge(index, source, target, x, y, labels, strength))
    return edges


def _sampled(
    layer: Layer, source: int, feature: Feature | None, points: int
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Return for an input of a layer the sample points, the values of its edges (points, nodes), and labels."""
    if feature is not None and not feature.is_numeric:
        codes = np.arange(len(feature.categories), dtype=np.float64)
        return codes, layer.leaving(source, codes), tuple(str(label) for label in feature.categories)
    encoded = np.linspace(*layer.knots(source), points)
    x = encoded if feature is None or feature.log else feature.decode(encoded)
    return x, layer.leaving(source, encoded), ()
