"""A trained network as a drawing: nodes, and edges with their curves, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kanopt.kan.description import Layer, Network
    from kanopt.surrogates.encoding import Encoding

__all__ = ["Diagram", "DiagramEdge", "diagram_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DiagramEdge:
    """One learned function of one variable.

    Parameters
    ----------
    layer
        Counts from 0, the inputs' side.
    source, target
        Positions of its ends among the nodes of their layers.
    x, y
        The curve, sampled over the range it was learned on; both of shape (points,). For a category `x`
        counts its labels, and `y` holds one number for each.
    labels
        The labels of a category, else empty.
    strength
        Spread of the curve, as a fraction of the widest of its layer: an edge near 0 hardly matters.
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
        Names of the nodes, layer by layer: first the inputs, last the output; hidden nodes have empty names.
        Every node is the sum of the edges that end in it.
    edges
        In order of layer, source and target.
    """

    layers: tuple[tuple[str, ...], ...]
    edges: tuple[DiagramEdge, ...]


def diagram_of(
    network: Network, encoding: Encoding, *, output: str, log_output: bool = False, points: int = 41
) -> Diagram:
    """Sample every edge of a network.

    Parameters
    ----------
    network, encoding
        As a fitted model holds them.
    output
        Name of the target.
    log_output
        Whether the network gives the target's logarithm.
    points
        How many points of a curve.

    Returns
    -------
    Diagram
        The curves of the first layer run over the columns in their own units, or over their logarithms where
        the network takes those.
    """
    numbers = [f"log {feature.name}" if feature.log else feature.name for feature in encoding.numbers]
    inputs = (*numbers, *(feature.name for feature in encoding.categories))
    hidden = [("",) * layer.outputs for layer in network.layers[:-1]]
    edges: list[DiagramEdge] = []
    for index, layer in enumerate(network.layers):
        edges += _edges(index, layer, encoding, points)
    return Diagram((inputs, *hidden, (f"log {output}" if log_output else output,)), tuple(edges))


def _edges(index: int, layer: Layer, encoding: Encoding, points: int) -> list[DiagramEdge]:
    curves: list[tuple[int, int, Floats, Floats, tuple[str, ...]]] = []
    for source in range(layer.inputs):
        encoded = np.linspace(layer.lower[source], layer.upper[source], points)
        values = layer.edges(source, encoded)
        own = index == 0 and not encoding.numbers[source].log
        x = encoding.numbers[source].decode(encoded) if own else encoded
        curves += [(source, target, x, values[:, target], ()) for target in range(layer.outputs)]
    for column, table in enumerate(layer.tables):
        labels = tuple(str(label) for label in encoding.categories[column].categories)
        x = np.arange(len(table), dtype=np.float64)
        source = layer.inputs + column
        curves += [(source, target, x, table[:, target], labels) for target in range(layer.outputs)]
    spread = [float(np.ptp(y)) for _, _, _, y, _ in curves]
    widest = max(spread, default=0.0) or 1.0
    return [
        DiagramEdge(index, source, target, x, y, labels, width / widest)
        for (source, target, x, y, labels), width in zip(curves, spread, strict=True)
    ]
