"""Bounds of a network's output and its derivatives over boxes of inputs, carried forwards layer by layer.

With node values h, the first derivatives ∂h/∂x_k and the second ones ∂²h/∂x_i∂x_k, an edge f adds f(h) to the value
of its sub-node, f′(h) ∂h/∂x_k to the first and f′(h) ∂²h/∂x_i∂x_k + f″(h) ∂h/∂x_i ∂h/∂x_k to the second (automatic
differentiation in intervals: Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*, ch. 9).
The first layer adds functions of one input each, so its bounds are as tight as rounding lets them be. Later
values lie also in the mean-value form h(c) + Σ_k ∂h/∂x_k (x_k − c_k) around the centre c (ibid., ch. 6), whose
excess width shrinks with the square of the box; both bounds are used. At the ends of a spline's range the second
derivative jumps to zero: the bounds hold both sides, which is all that the mean-value form needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from kanopt.kan.description import Layer, Network
from kanopt.kan.verify.boxes import NetworkBoxes
from kanopt.kan.verify.intervals import EPS, Floats, Integers, Pair, dot, meet, plus, square, times, total
from kanopt.kan.verify.matrices import outer, scaled, scaled_squares, symmetric_product, widened
from kanopt.kan.verify.runs import RangeExtrema
from kanopt.kan.verify.splines import BoundedSplines, EdgeBounds

__all__ = ["NetworkBoundPropagator", "NodeBounds", "SecondDerivatives", "swing"]


@dataclass(frozen=True)
class SecondDerivatives:
    """Which second derivatives are wanted.

    Parameters
    ----------
    left, right
        ∂²/∂x_left∂x_right, entry by entry.
    inputs
        Bounds of the whole matrix in these inputs, in the order of positive semidefinite matrices.
    keep
        How the rank-one terms of that matrix are bounded (:func:`kanopt.kan.verify.matrices.outer`).
    """

    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()
    keep: bool = False


@dataclass(frozen=True)
class NodeBounds:
    """Bounds at the nodes of a layer.

    Parameters
    ----------
    value
        Shape (boxes, nodes).
    gradient
        With respect to every number, shape (boxes, nodes, numbers).
    second
        Shape (boxes, nodes, entries).
    matrix
        Shape (boxes, nodes, m, m).
    """

    value: Pair
    gradient: Pair
    second: Pair
    matrix: Pair

    @property
    def pairs(self) -> tuple[Pair, Pair, Pair, Pair]:
        """Return all four."""
        return self.value, self.gradient, self.second, self.matrix

    def take(self, index: slice) -> NodeBounds:
        """Return some of the nodes."""
        return NodeBounds(*((low[:, index], high[:, index]) for low, high in self.pairs))


def _concatenated(parts: list[EdgeBounds]) -> EdgeBounds:
    if len(parts) == 1:
        return parts[0]
    pairs = [[(part.value, part.slope, part.curvature)[order] for part in parts] for order in range(3)]
    return EdgeBounds(*(_joined(pair) for pair in pairs))


def _joined(pairs: list[Pair]) -> Pair:
    """Return intervals put side by side along the second axis."""
    return np.concatenate([low for low, _ in pairs], axis=1), np.concatenate(
        [high for _, high in pairs], axis=1
    )


class NetworkBoundPropagator:
    """A network ready to be bounded over boxes.

    Parameters
    ----------
    network
        The network.
    output
        Which output is looked at.
    codes
        For every categorical input the category codes that may occur.
    """

    def __init__(self, network: Network, output: int, codes: tuple[Integers, ...]) -> None:
        layers = [*network.layers[:-1], _one_output(network.layers[-1], output)]
        self.network, self.output, self.codes = network, output, codes
        self.layers = layers
        first = layers[0]
        self._groups: list[BoundedSplines] = []
        if first.inputs:
            self._groups.append(BoundedSplines(first.lower, first.upper, first.coefficients))
        if len(first.periodic):
            ends = np.zeros(len(first.periodic)), np.ones(len(first.periodic))
            self._groups.append(BoundedSplines(*ends, first.periodic, periodic=True))
        self._tables = [
            RangeExtrema(table[code], table[code]) for table, code in zip(first.tables, codes, strict=True)
        ]
        self._later = [BoundedSplines(layer.lower, layer.upper, layer.coefficients) for layer in layers[1:]]

    @property
    def numbers(self) -> int:
        """How many numeric inputs there are, with the periodic ones."""
        return self.layers[0].inputs + len(self.layers[0].periodic)

    def arriving(self, boxes: NetworkBoxes) -> tuple[EdgeBounds, list[Pair]]:
        """Return bounds of the first layer's edges, and of its tables' values (boxes, sub-nodes)."""
        parts, start = [], 0
        for splines in self._groups:
            end = start + len(splines.lower)
            parts.append(splines.bounds(boxes.low[:, start:end], boxes.high[:, start:end]))
            start = end
        if not parts:
            nothing = np.zeros((len(boxes), 0, self.layers[0].subnodes))
            parts.append(EdgeBounds((nothing, nothing), (nothing, nothing), (nothing, nothing)))
        tables = [
            runs.over(boxes.first[:, column], boxes.last[:, column])
            for column, runs in enumerate(self._tables)
        ]
        return _concatenated(parts), tables

    def trace(
        self, boxes: NetworkBoxes, second: SecondDerivatives | None = None, anchor: list[Pair] | None = None
    ) -> list[NodeBounds]:
        """Return bounds at the nodes of all layers; the last has the one output.

        Parameters
        ----------
        boxes
            Where.
        second
            The second derivatives wanted, if any.
        anchor
            Bounds of the values of all layers at the centres of the boxes, for the mean-value form.
        """
        return [
            nodes
            for _, nodes in self._propagate(boxes, SecondDerivatives() if second is None else second, anchor)
        ]

    def arrivals(self, boxes: NetworkBoxes) -> list[Pair]:
        """Return bounds of the values that arrive at the sub-nodes of all layers."""
        return [arriving.value for arriving, _ in self._propagate(boxes, SecondDerivatives(), None)]

    def _propagate(
        self, boxes: NetworkBoxes, wanted: SecondDerivatives, anchor: list[Pair] | None
    ) -> Iterator[tuple[NodeBounds, NodeBounds]]:
        """Yield bounds at the sub-nodes and at the nodes of layer after layer."""
        arriving = nodes = self._first(boxes, wanted)
        for depth, layer in enumerate(self.layers):
            if depth:
                arriving = _through(self._later[depth - 1].bounds(*nodes.value), nodes, layer.bias, wanted)
            nodes = _multiplied(arriving, layer.products, wanted)
            if anchor is not None and (depth or layer.products):
                nodes = replace(
                    nodes, value=meet(nodes.value, _mean_value(anchor[depth], nodes.gradient, boxes))
                )
            yield arriving, nodes

    def _first(self, boxes: NetworkBoxes, wanted: SecondDerivatives) -> NodeBounds:
        edges, tables = self.arriving(boxes)
        layer, rows = self.layers[0], len(boxes)
        bias = np.broadcast_to(layer.bias, (rows, 1, layer.subnodes))
        by_table = [(low[:, None], high[:, None]) for low, high in tables]
        value = total(_joined([edges.value, *by_table, (bias, bias)]), axis=1)
        gradient = edges.slope[0].swapaxes(1, 2), edges.slope[1].swapaxes(1, 2)
        curved = edges.curvature[0].swapaxes(1, 2), edges.curvature[1].swapaxes(1, 2)
        own = np.equal(wanted.left, wanted.right)
        second = _pick(curved, wanted.left)
        unit = np.eye(len(wanted.inputs))
        bent = _pick(curved, wanted.inputs)
        return NodeBounds(
            value,
            gradient,
            (np.where(own, second[0], 0.0), np.where(own, second[1], 0.0)),
            (bent[0][..., None] * unit, bent[1][..., None] * unit),
        )


def _one_output(layer: Layer, output: int) -> Layer:
    """Return the last layer with the sub-nodes of one output alone."""
    sums = layer.subnodes - 2 * layer.products
    place = sums + 2 * (output - sums)
    kept = [output] if output < sums else [place, place + 1]
    return replace(
        layer,
        coefficients=layer.coefficients[:, kept],
        cycles=layer.periodic[:, kept],
        tables=tuple(table[:, kept] for table in layer.tables),
        bias=layer.bias[kept],
        products=len(kept) - 1,
    )


def _pick(pair: Pair, index: tuple[int, ...]) -> Pair:
    return pair[0][..., list(index)], pair[1][..., list(index)]


def _cross(left: Pair, right: Pair, wanted: SecondDerivatives) -> Pair:
    """Return the extremes of left_i · right_k over the wanted pairs."""
    crossed = times(_pick(left, wanted.left), _pick(right, wanted.right))
    if left is not right:
        return crossed
    own = np.equal(wanted.left, wanted.right)
    alone = square(_pick(left, wanted.left))
    return np.where(own, alone[0], crossed[0]), np.where(own, alone[1], crossed[1])


def _through(edges: EdgeBounds, nodes: NodeBounds, bias: Floats, wanted: SecondDerivatives) -> NodeBounds:
    """Return bounds at the sub-nodes of the next layer."""
    offset = np.broadcast_to(bias, (len(edges.value[0]), 1, len(bias)))
    value = total(_joined([edges.value, (offset, offset)]), axis=1)
    gradient = dot(edges.slope, nodes.gradient)
    bent = dot(edges.curvature, _cross(nodes.gradient, nodes.gradient, wanted))
    second = plus(dot(edges.slope, nodes.second), bent)
    return NodeBounds(value, gradient, second, _matrices_through(edges, nodes, wanted))


def _matrices_through(edges: EdgeBounds, nodes: NodeBounds, wanted: SecondDerivatives) -> Pair:
    if not wanted.inputs:
        nothing = np.zeros((len(edges.value[0]), edges.value[0].shape[2], 0, 0))
        return nothing, nothing
    moved, size = scaled(edges.slope, nodes.matrix)
    squares = outer(_pick(nodes.gradient, wanted.inputs), wanted.keep)
    bent, more = scaled_squares(edges.curvature, squares)
    terms = 8 * edges.slope[0].shape[1]
    return widened((moved[0] + bent[0], moved[1] + bent[1]), size + more, terms)


def _multiplied(nodes: NodeBounds, products: int, wanted: SecondDerivatives) -> NodeBounds:
    """Return the nodes of a layer from its sub-nodes: the sums, then the products of neighbours."""
    if not products:
        return nodes
    sums = nodes.value[0].shape[1] - 2 * products
    made = _product(nodes.take(slice(sums, None, 2)), nodes.take(slice(sums + 1, None, 2)), wanted)
    kept = nodes.take(slice(0, sums))
    return NodeBounds(*(_joined([*both]) for both in zip(kept.pairs, made.pairs, strict=True)))


def _product(u: NodeBounds, v: NodeBounds, wanted: SecondDerivatives) -> NodeBounds:
    """Return bounds of the products of nodes, by the product rule."""
    wide_u = u.value[0][..., None], u.value[1][..., None]
    wide_v = v.value[0][..., None], v.value[1][..., None]
    gradient = plus(times(wide_u, v.gradient), times(wide_v, u.gradient))
    second = plus(
        times(wide_u, v.second),
        times(wide_v, u.second),
        _cross(u.gradient, v.gradient, wanted),
        _cross(v.gradient, u.gradient, wanted),
    )
    return NodeBounds(plus(times(u.value, v.value)), gradient, second, _matrices_of_product(u, v, wanted))


def _matrices_of_product(u: NodeBounds, v: NodeBounds, wanted: SecondDerivatives) -> Pair:
    if not wanted.inputs:
        return u.matrix
    (low, high), size = _scaled_nodes(u.value, v.matrix)
    (low2, high2), size2 = _scaled_nodes(v.value, u.matrix)
    slopes = _pick(u.gradient, wanted.inputs), _pick(v.gradient, wanted.inputs)
    (low3, high3), size3 = symmetric_product(*slopes, wanted.keep)
    return widened((low + low2 + low3, high + high2 + high3), size + size2 + size3, 16)


def _scaled_nodes(weights: Pair, bounds: Pair) -> tuple[Pair, Floats]:
    """Return bounds of weights[:, j] · H[:, j], node by node, and their size."""
    rows, nodes, size = *weights[0].shape, bounds[0].shape[-1]
    flat = (weights[0].reshape(-1, 1, 1), weights[1].reshape(-1, 1, 1))
    stacked = (bounds[0].reshape(-1, 1, size, size), bounds[1].reshape(-1, 1, size, size))
    (low, high), length = scaled(flat, stacked)
    shape = (rows, nodes, size, size)
    return (low.reshape(shape), high.reshape(shape)), length.reshape(rows, nodes)


def _mean_value(anchor: Pair, gradient: Pair, boxes: NetworkBoxes) -> Pair:
    """Return the mean-value form of node values around the centres of the boxes."""
    return plus(anchor, swing(gradient, boxes))


def swing(gradient: Pair, boxes: NetworkBoxes) -> Pair:
    """Return bounds of Σ_k gradient[..., k] · (x_k − centre_k) over the boxes."""
    centre = boxes.centre
    below = (boxes.low - centre) * (1.0 + 2.0 * EPS)
    above = (boxes.high - centre) * (1.0 + 2.0 * EPS)
    middle = (1,) * (gradient[0].ndim - 2)
    shape = (len(boxes), *middle, below.shape[1])
    return total(times(gradient, (below.reshape(shape), above.reshape(shape))), axis=-1)
