"""A trained network as a model of edges: every numeric edge a curve, every category a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from kanopt.kan.basis import periodic_roughness, roughness
from kanopt.kan.description import Layer
from kanopt.surrogates.distill.curves import curve_form, cycle_form, table_form
from kanopt.surrogates.distill.forms import CYCLIC, OF_PRODUCTS
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.distill.trained import Trained
from kanopt.surrogates.encoding import Feature

__all__ = ["edge_name", "mixed_of"]


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
    bend = periodic_roughness(layer.grid_size).numpy()
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


def edge_name(edge: Edge, model: Mixed, features: Sequence[Feature]) -> str:
    """Return what an edge of a model is called in the alternatives of a formula: by where it begins and ends."""
    source = features[edge.source].name if edge.layer == 0 else f"node {edge.source + 1}"
    last = len(model.bias) - 1
    if not last:
        return source
    if edge.layer == last:
        return f"{source} → output"
    sums = model.sums(edge.layer)
    if edge.target < sums:
        return f"{source} → node {edge.target + 1}"
    place, factor = divmod(edge.target - sums, 2)
    return f"{source} → node {sums + place + 1}, factor {factor + 1}"
