"""A network as a formula of curves: written down, in the units of a table, and read back layer by layer.

Encoded columns are called by their places, ``c0`` and so on, and categories by their codes: a table may have names that
no formula can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Constant, Curve, Formula, Input, Node, Product, Sum, Table, Variable
from kanopt.formulas.nodes import computed, rebuild
from kanopt.formulas.variables import category_label
from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates.encoding import Feature, FeatureEncoding

if TYPE_CHECKING:
    from kanopt.kan.architecture import InputTensors
    from kanopt.kan.network import KANBatch


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
        ends = [*zip(network.lower[place][0].tolist(), network.upper[place][0].tolist(), strict=True)]
        ends_of_tables = np.cumsum(sizes.tables).tolist()
        arrived = []
        for target in range(sizes.subnodes):
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
        factors = arrived[sizes.sums :]
        pairs = zip(factors[::2], factors[1::2], strict=True)
        nodes = [*arrived[: sizes.sums], *(Product(pair) for pair in pairs)]
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
        For every source, and every sub-node, a curve or a table. Categories are the last sources of the first layer.
    bias
        The constant of every sub-node, (subnodes,).
    products
        Number of product nodes: the last 2 · products sub-nodes are multiplied in pairs.
    """

    edges: tuple[tuple[Curve | Table, ...], ...]
    bias: Floats
    products: int

    @property
    def sums(self) -> int:
        """Number of sub-nodes that are nodes."""
        return len(self.bias) - 2 * self.products

    @property
    def parameters(self) -> int:
        """Number of coefficients and of entries of tables."""
        return sum(
            len(each.coefficients if isinstance(each, Curve) else each.entries)
            for row in self.edges
            for each in row
        )

    def knots(self, source: int) -> tuple[float, float]:
        """Return the first and the last knot of the curves that leave a source."""
        curve = self.edges[source][0]
        shift = _shift(curve)
        return (curve.low - shift, curve.high - shift) if isinstance(curve, Curve) else (0.0, 0.0)

    def reads(self, source: int) -> bool:
        """Return whether an edge from a source is not zero everywhere."""
        return any(
            any(edge.coefficients if isinstance(edge, Curve) else [number for _, number in edge.entries])
            for edge in self.edges[source]
        )

    def leaving(self, source: int, signal: Floats) -> Floats:
        """Return the values (n, subnodes) of all edges that leave a source, given its values or codes (n,)."""
        edges = self.edges[source]
        arguments, codes = [signal + _shift(edges[0])], signal.astype(np.int64)
        return np.column_stack([edge.compute(arguments, dict.fromkeys(edge.names, codes)) for edge in edges])

    def nodes(self, arrived: Floats) -> Floats:
        """Return the nodes (n, nodes), given the sub-nodes (n, subnodes)."""
        sums = self.sums
        return np.hstack([arrived[:, :sums], arrived[:, sums::2] * arrived[:, sums + 1 :: 2]])


def layers_of(network: Formula) -> tuple[Layer, ...]:
    """Return the layers of a network, from the inputs to the output.

    Raises
    ------
    FormulaError
        If the formula is no network.
    """
    layers: list[Layer] = []
    nodes: Sequence[Node] = (network.root,)
    while nodes:
        products = [node for node in nodes if isinstance(node, Product)]
        subnodes = [
            *nodes[: len(nodes) - len(products)],
            *(part for node in products for part in node.children),
        ]
        bias, starts = [], []
        for node in subnodes:
            if not isinstance(node, Sum) or not isinstance(node.terms[0], Constant):
                raise FormulaError("a node of the network is no sum that begins with a constant")
            bias.append(node.terms[0].value)
            starts.append([_start(edge) for edge in node.terms[1:]])
        nodes = starts[0] if starts else ()
        if any(each != nodes for each in starts) or 2 * len(products) > len(subnodes):
            raise FormulaError("the nodes of a layer of the network do not start from the same nodes")
        rows = zip(*(node.children[1:] for node in subnodes), strict=True)
        layers.append(Layer(tuple(rows), np.array(bias), len(products)))
        if inputs := [node for node in nodes if not node.children]:
            if tuple(node.names for node in inputs) != tuple((each.name,) for each in network.inputs):
                raise FormulaError("the network does not read its inputs in their order")
            break
    return tuple(layers[::-1])


def _shift(edge: Curve | Table) -> float:
    """Return what is added to the source of an edge before it is looked up among the knots."""
    match edge:
        case Curve(argument=Sum(terms=(_, Constant(value=shift)))):
            return shift
    return 0.0


def _start(edge: Node) -> Node:
    """Return what an edge starts from: a node, an input, or for a table an input of its name."""
    match edge:
        case Curve(argument=Sum(terms=(start, Constant()))) | Curve(argument=start):
            return start
        case Table(inputs=(name,)):
            return Input(name)
    raise FormulaError("an edge of the network is neither a curve nor a table of one category")
