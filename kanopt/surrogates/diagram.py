"""A trained network as data for drawing: nodes, and edges with their curves, as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kanopt.array_types import Floats
from kanopt.surrogates.attribution import attribution
from kanopt.surrogates.curves import layers_of

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.curves import Layer
    from kanopt.surrogates.encoding import Feature, FeatureEncoding


PRUNED = 1e-12
"""A curve that spans less than this share of the widest of its layer is none."""


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
        Attribution score of the edge, as a fraction of the largest one in its layer; an edge near 0 is unimportant.
    factor
        0 if the target is a sum, 1 or 2 for the factors of a product.
    pruned
        Whether the edge was pruned: its curve is zero everywhere.
    """

    layer: int
    source: int
    target: int
    x: Floats
    y: Floats
    labels: tuple[str, ...]
    strength: float
    factor: int = 0
    pruned: bool = False


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
    products
        Number of product nodes of every layer, which are the last ones; factors and all other nodes are sums of their
        incoming edges. Empty for none.
    """

    layers: tuple[tuple[str, ...], ...]
    edges: tuple[DiagramEdge, ...]
    products: tuple[int, ...] = ()

    def is_product(self, layer: int, node: int) -> bool:
        """Whether a node multiplies."""
        count = self.products[layer] if self.products else 0
        return node >= len(self.layers[layer]) - count


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
        Encoded rows, (n, inputs), over which edges are scored (:mod:`kanopt.surrogates.attribution`).
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
    inputs = tuple(_named(feature) for feature in encoding.inputs)
    layers = layers_of(network)
    hidden = [("",) * (layer.sums + layer.products) for layer in layers[:-1]]
    scores = attribution(network, rows, names=inputs, output=output).edge_scores
    edges: list[DiagramEdge] = []
    for index, (layer, strengths) in enumerate(zip(layers, scores, strict=True)):
        edges += _edges(index, layer, encoding, points, strengths)
    names = (inputs, *hidden, (f"log {output}" if log_output else output,))
    return Diagram(names, tuple(edges), (0, *(layer.products for layer in layers)))


def _named(feature: Feature) -> str:
    if feature.kind == "cycle":
        return f"{feature.name} mod {feature.scale:g}"
    return f"log {feature.name}" if feature.log else feature.name


def _edges(
    index: int, layer: Layer, encoding: FeatureEncoding, points: int, scores: Floats
) -> list[DiagramEdge]:
    curves = list(_curves(index, layer, encoding, points))
    spread = np.array([np.ptp(values, axis=0) for _, values, _ in curves])
    widest = float(spread.max(initial=0.0)) or 1.0
    strongest = float(scores.max(initial=0.0)) or 1.0
    edges = []
    for source, (x, values, labels) in enumerate(curves):
        for subnode, y in enumerate(values.T):
            pair, side = divmod(subnode - layer.sums, 2)
            target, factor = (subnode, 0) if pair < 0 else (layer.sums + pair, 1 + side)
            strength = float(scores[source, subnode]) / strongest
            pruned = bool(spread[source, subnode] <= PRUNED * widest)
            edges.append(DiagramEdge(index, source, target, x, y, labels, strength, factor, pruned))
    return edges


def _curves(
    index: int, layer: Layer, encoding: FeatureEncoding, points: int
) -> Iterator[tuple[Floats, Floats, tuple[str, ...]]]:
    """Yield for every input of a layer the sample points, the values of its edges (points, subnodes), and labels."""
    for source in range(len(layer.edges)):
        feature = encoding.inputs[source] if index == 0 else None
        if feature is not None and not feature.is_numeric:
            codes = np.arange(len(feature.categories), dtype=np.float64)
            yield codes, layer.leaving(source, codes), tuple(str(label) for label in feature.categories)
            continue
        encoded = np.linspace(*layer.knots(source), points)
        x = encoded if feature is None or feature.log else feature.decode(encoded)
        yield x, layer.leaving(source, encoded), ()
