"""A fitted law written exactly as a formula: every edge of its network a curve, nothing replaced by a closed form.

What is proved of that formula (:meth:`kanopt.formulas.Formula.prove`) holds for the law. Columns are called by their
places, ``c0`` and so on in the order of the network, and categories by their codes, since a table may have names that
no formula can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
from kanopt.kan.description import Layer, Network
from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.law import NetworkLaw

__all__ = ["formula_of_curves", "linked", "network_node", "nodes_of_layers", "place_name"]

Floats = NDArray[np.float64]

_NARROW = 1e-9
"""Knots as near to each other as that, for their size, are counted from the first of them."""


def place_name(place: int) -> str:
    """Return what the formula calls a column of the network."""
    return f"c{place}"


def formula_of_curves(law: NetworkLaw) -> Formula:
    """Return a formula that computes what the law predicts, over the box of the training rows.

    Where an exponential overflows, far outside any data, a prediction is cut off and the formula is not.
    """
    encoding = law.encoding
    numbers = [_number(place, feature) for place, feature in enumerate(encoding.numeric)]
    labels = [_category(len(numbers) + place, feature) for place, feature in enumerate(encoding.categories)]
    called = [replace(f, name=variable.name) for f, variable in zip(encoding.numeric, numbers, strict=True)]
    tables = [
        replace(f, name=variable.name, categories=variable.categories or ())
        for f, variable in zip(encoding.categories, labels, strict=True)
    ]
    output = network_node(law.network, [*called, *tables])
    return Formula(_target(law, output), (*numbers, *labels), Variable("target"))


def network_node(network: Network, features: Sequence[Feature]) -> Node:
    """Return what a network computes, every edge a curve or a table.

    Parameters
    ----------
    network
        The network.
    features
        Its columns, those with numbers first.
    """
    numeric = [feature for feature in features if feature.is_numeric]
    tables = [feature for feature in features if not feature.is_numeric]
    nodes: list[Node] = [_argument(feature) for feature in numeric]
    scales = [1.0 if feature.log else feature.scale for feature in numeric]
    return nodes_of_layers(network.layers, nodes, scales, tables)[0]


def nodes_of_layers(
    layers: Sequence[Layer],
    inputs: Sequence[Node],
    scales: Sequence[float] | None = None,
    tables: Sequence[Feature] = (),
) -> list[Node]:
    """Return the outputs of layers as nodes of a formula, every edge a curve or a table.

    Parameters
    ----------
    layers
        The layers, with their periodic inputs after the others.
    inputs
        What the numeric inputs of the first are.
    scales
        How many units of an input one unit of its knots is; None for one of all.
    tables
        The categorical inputs.
    """
    nodes, widths = list(inputs), scales or [1.0] * len(inputs)
    for layer in layers:
        nodes = _through(layer, nodes, widths, tables)
        widths, tables = [1.0] * len(nodes), ()
    return nodes


def _number(place: int, feature: Feature) -> Variable:
    low, high = (0.0, feature.scale) if feature.kind == "cycle" else (feature.low, feature.high)
    return Variable(place_name(place), low=low, high=high)


def _category(place: int, feature: Feature) -> Variable:
    codes = tuple(str(code) for code in range(len(feature.categories)))
    return Variable(place_name(place), kind="category", categories=codes)


def _argument(feature: Feature) -> Node:
    number = Input(feature.name)
    if not feature.log:
        return number
    scaled = number if feature.scale == 1.0 else Product((Constant(1.0 / feature.scale), number))
    return Apply("log", scaled)


def _through(
    layer: Layer, nodes: Sequence[Node], scales: Sequence[float], tables: Sequence[Feature]
) -> list[Node]:
    """Return the nodes of a layer; a node of the one before is `scales` times what its knots are counted in."""
    arrived = [
        Sum((Constant(float(layer.bias[target])), *_edges(layer, target, nodes, scales, tables)))
        for target in range(layer.subnodes)
    ]
    sums = layer.subnodes - 2 * layer.products
    pairs = zip(arrived[sums::2], arrived[sums + 1 :: 2], strict=True)
    return [*arrived[:sums], *(Product(pair) for pair in pairs)]


def _edges(
    layer: Layer, target: int, nodes: Sequence[Node], scales: Sequence[float], tables: Sequence[Feature]
) -> list[Node]:
    """Return the edges that end in a sub-node."""
    found: list[Node] = []
    for source, (node, scale) in enumerate(zip(nodes, scales, strict=True)):
        if source < layer.inputs:
            low, high = float(layer.lower[source]) * scale, float(layer.upper[source]) * scale
            found.append(_curve(node, layer.coefficients[source, target], low, high))
        else:
            # the formula's curve reads coefficients k … k + 3 on its span k, the network k − 1 … k + 2
            turned = np.roll(layer.periodic[source - layer.inputs, target], 1)
            found.append(Curve("s", node, tuple(turned.tolist()), 0.0, scale, periodic=True))
    for feature, table in zip(tables, layer.tables, strict=True):
        values = zip(map(str, feature.categories), table[:, target].tolist(), strict=True)
        found.append(Table.of(dict(values), feature.name, name="by"))
    return found


def _curve(node: Node, coefficients: Floats, low: float, high: float) -> Node:
    if high - low <= _NARROW * max(abs(low), abs(high)):
        node, low, high = Sum((node, Constant(-low))), 0.0, high - low
    return Curve("s", node, tuple(coefficients.tolist()), low, high)


def _target(law: NetworkLaw, output: Node) -> Node:
    """Return what the law makes of the output of its network."""
    if law.log_target:
        return Product((Constant(law.smearing), Apply("exp", output)))
    if law.link is not None:
        return linked(law.link, output)
    return output if law.floor is None else Maximum((Constant(law.floor), output))


def linked(link: Link, output: Node) -> Node:
    """Return what a link makes of the output of a network."""
    match link:
        case Softplus(scale=scale, low=low):
            bent = Apply("softplus", Product((Constant(1.0 / scale), output)))
            return Sum((Constant(low), Product((Constant(scale), bent))))
        case Logistic(low=low, high=high):
            return Sum((Constant(low), Product((Constant(high - low), Apply("logistic", output)))))
    raise TypeError(f"formulas have no function for the link {link!r}")
