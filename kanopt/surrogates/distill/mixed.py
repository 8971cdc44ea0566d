"""A network whose edges are partly closed forms and partly curves.

The mathematics is that of the trained network (:mod:`kanopt.kan.network`): the derivative of the output in a parameter
of an edge is the sensitivity that flows back to the sub-node where the edge arrives times the derivative of the edge
itself. Only here every edge may be of another kind, and there is one small network instead of a batch.

It is no graph of nodes, since steps towards closed forms ask edge by edge what arrives, how much the output minds it
and what a curve costs. Nor would a refit be faster on the tape of its formula: values with derivatives take about as
long there, values alone, which every step that is tried needs, longer, and the tape has to be made first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.distill.forms import CYCLIC, FORMS, OF_PRODUCTS, ZERO, Form
from kanopt.surrogates.groups import SharedErrors

__all__ = ["Bases", "Edge", "Mixed", "Rows", "Signals"]

Array = NDArray[np.float64]

WHOLE = (FORMS, CYCLIC, OF_PRODUCTS)
"""Families that nobody restricted."""


@dataclass(frozen=True, eq=False)
class Edge:
    """An edge from node `source` to sub-node `target` of the next layer.

    Parameters
    ----------
    layer, source, target
        Where it stands; sources of layer 0 are the columns of the encoded features.
    form, theta
        What it computes.
    sign
        +1 or −1 where the edge must increase or decrease, else 0.
    convexity
        +1 or −1 where the edge must be convex or concave, else 0.
    penalty
        Weight of the roughness penalty of a curve, per unit of row weight.
    bend
        Roughness matrix S of a curve: θᵀ S θ is its integrated squared second derivative.
    span
        Ends of the knots of a curve.
    family
        The closed forms that may stand here.
    keeps
        Whether a curve may stay here.
    """

    layer: int
    source: int
    target: int
    form: Form
    theta: Array
    sign: int = 0
    penalty: float = 0.0
    bend: Array | None = None
    span: tuple[float, float] = (0.0, 1.0)
    family: tuple[Form, ...] = FORMS
    convexity: int = 0
    keeps: bool = True

    @property
    def place(self) -> tuple[int, int, int]:
        """Layer, source and target."""
        return self.layer, self.source, self.target

    @property
    def is_zero(self) -> bool:
        """Whether there is no edge."""
        return self.form.name == "zero"

    def keeps_shape(self, low: float, high: float) -> bool:
        """Whether the edge has the shape required on [low, high]: exact for curves, on a grid for the rest."""
        if not (self.sign or self.convexity) or self.form.name in ("zero", "table"):
            return True
        if self.form.name == "curve":
            slopes = np.diff(self.theta)
        else:
            slopes = self.form.slope(np.linspace(low, high, 257), self.theta)
        least = -1e-9 * float(np.abs(slopes).max(initial=0.0))
        bends = self.convexity * np.diff(slopes)
        return bool(np.all(self.sign * slopes >= min(least, -1e-12)) and np.all(bends >= min(least, -1e-12)))

    def admits(self, form: Form) -> bool:
        """Whether a closed form may stand here; of a family that was not restricted, every one."""
        return self.family in WHOLE or any(form.name == each.name for each in self.family)

    def restricted(self, family: tuple[Form, ...], *, keeps: bool) -> Edge:
        """Return the edge with a smaller family."""
        return replace(self, family=family, keeps=keeps)

    def dropped(self) -> Edge:
        """Return the place without an edge."""
        return replace(self, form=ZERO, theta=np.zeros(0), bend=None, penalty=0.0)


@dataclass(eq=False)
class Work:
    """A count of work, the same on every machine: multiplications in the normal equations of refits."""

    done: float = 0.0


@dataclass(frozen=True, eq=False)
class Rows:
    """Encoded rows.

    Parameters
    ----------
    inputs
        Shape (n, columns).
    target
        On the scale of the network's output, shape (n,).
    weight
        How many rows each stands for, shape (n,).
    slope
        Slope of a link behind the output, shape (n,): a residual times its slope is the residual of what the link
        gives, which is what counts. None for no link.
    shared
        What rows of a group share of their errors; the target is what is left without it. None where they share none.
    work
        Counts what refits of these rows, and of some of them, have cost.
    """

    inputs: Array
    target: Array
    weight: Array
    slope: Array | None = None
    shared: SharedErrors | None = None
    work: Work = field(default_factory=Work)

    @property
    def total(self) -> float:
        """The number of rows."""
        return float(self.weight.sum())

    @property
    def lift(self) -> float:
        """Factor by which what groups share raises the mean of a target whose logarithm they share; else 1."""
        return 1.0 if self.shared is None else self.shared.lift

    @property
    def precision(self) -> Array:
        """Weight of every squared residual."""
        return self.weight if self.slope is None else self.weight * self.slope**2

    @property
    def digest(self) -> str:
        """SHA-256 of inputs and target."""
        parts = (np.ascontiguousarray(part) for part in (self.inputs, self.target))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()

    def take(self, count: int, seed: int) -> Rows:
        """Return at most `count` rows, drawn without replacement."""
        if len(self.target) <= count:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.target), count, replace=False))
        slope = None if self.slope is None else self.slope[chosen]
        shared = None if self.shared is None else self.shared.take(chosen)
        inputs, target, weight = self.inputs[chosen], self.target[chosen], self.weight[chosen]
        return Rows(inputs, target, weight, slope, shared, self.work)


@dataclass(frozen=True, eq=False)
class Signals:
    """Values on the way through a network.

    Parameters
    ----------
    nodes
        The inputs, then the nodes of every layer; the last has shape (n, 1).
    arrived
        What arrives at the sub-nodes of every layer.
    """

    nodes: tuple[Array, ...]
    arrived: tuple[Array, ...]


class Bases:
    """Derivatives of the first layer's edges in their parameters, where those do not depend on the parameters.

    The inputs stay the same while a network is refitted, so that every curve's basis is needed once.
    """

    def __init__(self, inputs: Array) -> None:
        self.inputs = inputs
        self._known: dict[tuple[int, int], tuple[Form, Array]] = {}

    def of(self, edge: Edge) -> Array | None:
        """Return the derivative (size, n) of an edge, or None where it depends on its parameters."""
        if edge.layer or not edge.form.is_linear:
            return None
        key = edge.source, id(edge.form)
        if key not in self._known:
            z = self.inputs[:, edge.source]
            basis = edge.form.gradient(z, np.zeros(edge.form.size))
            self._known[key] = edge.form, np.ascontiguousarray(basis.T)
        return self._known[key][1]


@dataclass(frozen=True, eq=False)
class Mixed:
    """A network of mixed edges.

    Parameters
    ----------
    edges
        All edges.
    bias
        One array per layer, over its sub-nodes.
    products
        Product nodes of every layer: the last 2 · products sub-nodes of a layer are multiplied two by two. Empty for
        none.
    pinned
        Layer and sub-node of biases that are zero and stay so.
    """

    edges: tuple[Edge, ...]
    bias: tuple[Array, ...]
    products: tuple[int, ...] = ()
    pinned: frozenset[tuple[int, int]] = frozenset()

    @property
    def parameters(self) -> Array:
        """Every θ and bias in one vector."""
        return np.concatenate([*(edge.theta for edge in self.edges), *self.bias])

    def with_parameters(self, vector: Array) -> Mixed:
        """Return the same structure with other parameters."""
        edges, at = [], 0
        for edge in self.edges:
            edges.append(replace(edge, theta=vector[at : at + edge.form.size]))
            at += edge.form.size
        bias = []
        for block in self.bias:
            bias.append(vector[at : at + len(block)])
            at += len(block)
        return replace(self, edges=tuple(edges), bias=tuple(bias))

    def replaced(self, *edges: Edge) -> Mixed:
        """Return the network with `edges` in the places of the edges that stand there."""
        new = {edge.place: edge for edge in edges}
        return replace(self, edges=tuple(new.get(edge.place, edge) for edge in self.edges))

    def shifted(self, layer: int, target: int, shift: float) -> Mixed:
        """Return the network with `shift` added to a bias."""
        bias = list(self.bias)
        bias[layer] = bias[layer].copy()
        bias[layer][target] += shift
        return replace(self, bias=tuple(bias), pinned=self.pinned - {(layer, target)})

    def without_bias(self, layer: int, target: int) -> Mixed:
        """Return the network with a bias pinned to zero."""
        model = self.shifted(layer, target, -float(self.bias[layer][target]))
        return replace(model, pinned=self.pinned | {(layer, target)})

    def sums(self, layer: int) -> int:
        """Return how many nodes behind a layer are sums; the others are products."""
        return len(self.bias[layer]) - 2 * self._products(layer)

    def subnodes(self, layer: int, node: int) -> tuple[int, ...]:
        """Return where the edges of a node behind a layer arrive: one sub-node, or the two of a product."""
        sums = self.sums(layer)
        first = sums + 2 * (node - sums)
        return (node,) if node < sums else (first, first + 1)

    def factors(self) -> Iterator[tuple[int, int]]:
        """Yield layer and sub-node of every factor of a product node."""
        for layer, bias in enumerate(self.bias):
            for target in range(self.sums(layer), len(bias)):
                yield layer, target

    def arriving(self, layer: int, target: int) -> list[Edge]:
        """Return the edges that arrive at a sub-node."""
        return [e for e in self.edges if e.layer == layer and e.target == target and not e.is_zero]

    def signals(self, inputs: Array, bases: Bases | None = None) -> Signals:
        """Return the values on the way of `inputs` (n, columns) through the network."""
        nodes, arrivals = [inputs], []
        for index, bias in enumerate(self.bias):
            arrived = np.tile(bias, (len(inputs), 1))
            for edge in self.edges:
                if edge.layer == index and not edge.is_zero:
                    basis = None if bases is None else bases.of(edge)
                    z = nodes[index][:, edge.source]
                    value = edge.form.value(z, edge.theta) if basis is None else edge.theta @ basis
                    arrived[:, edge.target] += value
            arrivals.append(arrived)
            sums = self.sums(index)
            multiplied = arrived[:, sums::2] * arrived[:, sums + 1 :: 2]
            nodes.append(np.hstack([arrived[:, :sums], multiplied]) if multiplied.size else arrived)
        return Signals(tuple(nodes), tuple(arrivals))

    def predict(self, inputs: Array, bases: Bases | None = None) -> Array:
        """Return the output, shape (n,)."""
        return self.signals(inputs, bases).nodes[-1][:, 0]

    def sensitivities(self, signals: Signals) -> list[Array]:
        """Return the derivative of the output in what arrives at every sub-node, layer by layer from the first."""
        flows: list[Array] = []
        flow = np.ones_like(signals.nodes[-1])
        for index in range(len(self.bias) - 1, -1, -1):
            flows.insert(0, self._through_products(index, signals.arrived[index], flow))
            if index == 0:
                break
            flow = np.zeros_like(signals.nodes[index])
            for edge in self.edges:
                if edge.layer == index and not edge.is_zero:
                    slope = edge.form.slope(signals.nodes[index][:, edge.source], edge.theta)
                    flow[:, edge.source] += flows[0][:, edge.target] * slope
        return flows

    def _products(self, layer: int) -> int:
        return self.products[layer] if self.products else 0

    def _through_products(self, layer: int, arrived: Array, flow: Array) -> Array:
        """Carry sensitivities at the nodes behind a layer back to its sub-nodes: through a · b flows b to a."""
        sums = self.sums(layer)
        if sums == arrived.shape[1]:
            return flow
        out = np.empty_like(arrived)
        out[:, :sums] = flow[:, :sums]
        out[:, sums::2] = flow[:, sums:] * arrived[:, sums + 1 :: 2]
        out[:, sums + 1 :: 2] = flow[:, sums:] * arrived[:, sums::2]
        return out

    def jacobian(self, signals: Signals, bases: Bases | None = None) -> Array:
        """Return the derivative of the output in every parameter (p, n)."""
        out = np.empty((len(self.parameters), len(signals.nodes[0])))
        flows = [flow.T for flow in self.sensitivities(signals)]
        at = 0
        for edge in self.edges:
            if edge.form.size:
                basis = None if bases is None else bases.of(edge)
                if basis is None:
                    basis = edge.form.gradient(signals.nodes[edge.layer][:, edge.source], edge.theta).T
                np.multiply(flows[edge.layer][edge.target], basis, out=out[at : at + edge.form.size])
                at += edge.form.size
        for index, flow in enumerate(flows):
            out[at : at + len(flow)] = flow
            for layer, target in self.pinned:
                if layer == index:
                    out[at + target] = 0.0
            at += len(flow)
        return out

    def penalty(self, total_weight: float) -> Array:
        """Return the penalty matrix of all parameters, shape (p, p)."""
        size = len(self.parameters)
        matrix = np.zeros((size, size))
        at = 0
        for edge in self.edges:
            if edge.bend is not None:
                block = slice(at, at + edge.form.size)
                matrix[block, block] = total_weight * edge.penalty * edge.bend
            at += edge.form.size
        return matrix

    def tidied(self) -> Mixed:
        """Return the same function without edges that nothing reads, and without edges that leave a constant node."""
        model = self
        while True:
            layers = range(1, len(model.bias))
            places = [(layer, node) for layer in layers for node in range(model._nodes(layer - 1))]
            useless = next(filter(None, (model._useless(*place) for place in places)), ())
            if not useless:
                return model
            for edge in useless:
                if edge.layer and (constant := model._constant(edge.layer, edge.source)) is not None:
                    value = edge.form.value(np.array([constant]), edge.theta)
                    model = model.shifted(edge.layer, edge.target, float(value[0]))
                model = model.replaced(edge.dropped())

    def _nodes(self, layer: int) -> int:
        return len(self.bias[layer]) - self._products(layer)

    def _useless(self, layer: int, node: int) -> tuple[Edge, ...]:
        """Return the edges to and from a node that read a layer's input and could go."""
        leaving = [e for e in self.edges if e.layer == layer and e.source == node and not e.is_zero]
        below = [e for target in self.subnodes(layer - 1, node) for e in self.arriving(layer - 1, target)]
        if leaving and self._constant(layer, node) is not None:
            return tuple(leaving)
        return () if leaving else tuple(below)

    def _constant(self, layer: int, node: int) -> float | None:
        """Return the value of the node that is input `node` of a layer, where it is always the same."""
        factors = self.subnodes(layer - 1, node)
        fixed = [
            float(self.bias[layer - 1][target]) for target in factors if not self.arriving(layer - 1, target)
        ]
        if 0.0 in fixed:
            return 0.0
        return float(np.prod(fixed)) if len(fixed) == len(factors) else None
