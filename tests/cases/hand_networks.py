"""Networks written down by hand as formulas of curves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Constant, Curve, Formula, Input, Node, Product, Sum, Table, Variable
from kanopt.splines import SplineGrid
from kanopt.surrogates.curves import curve_between, network_output, place_name

Floats = NDArray[np.float64]


@dataclass
class Layer:
    """Coefficients of edges by input, sub-node and knot; those of periodic inputs are centred at k / grid_size."""

    lower: Floats
    upper: Floats
    coefficients: Floats
    tables: tuple[Floats, ...]
    bias: Floats
    cycles: Floats | None = None
    products: int = 0

    @property
    def inputs(self) -> int:
        return len(self.coefficients)

    @property
    def periodic(self) -> Floats:
        return np.zeros((0, len(self.bias), 1)) if self.cycles is None else self.cycles

    def nodes(self, sources: list[Node]) -> list[Node]:
        ends = [*zip(np.ravel(self.lower).tolist(), np.ravel(self.upper).tolist(), strict=True)]
        arrived = []
        for target, bias in enumerate(self.bias):
            edges: list[Node] = [
                curve_between(node, own[target], *end)
                for node, own, end in zip(sources, self.coefficients, ends, strict=False)
            ]
            edges += [
                Curve("s", node, np.roll(own[target], 1), 0.0, 1.0, periodic=True)
                for node, own in zip(sources[self.inputs :], self.periodic, strict=True)
            ]
            first = self.inputs + len(self.periodic)
            edges += [
                Table.of({str(code): row[target] for code, row in enumerate(table)}, place_name(k), name="by")
                for k, table in enumerate(self.tables, first)
            ]
            arrived.append(Sum((Constant(bias), *edges)))
        sums = len(arrived) - 2 * self.products
        pairs = zip(arrived[sums::2], arrived[sums + 1 :: 2], strict=True)
        return [*arrived[:sums], *map(Product, pairs)]


@dataclass
class Network:
    layers: tuple[Layer, ...]

    @cached_property
    def formula(self) -> Formula:
        first = self.layers[0]
        numbers = [Variable(place_name(k)) for k in range(first.inputs + len(first.periodic))]
        labels = [
            Variable(place_name(k), kind="category", categories=tuple(map(str, range(len(table)))))
            for k, table in enumerate(first.tables, len(numbers))
        ]
        nodes: list[Node] = [Input(each.name) for each in numbers]
        for layer in self.layers:
            nodes = layer.nodes(nodes)
        return Formula(nodes[0], (*numbers, *labels), Variable("output"))

    def __call__(self, numbers: Floats, codes: NDArray[np.int64] | None = None) -> Floats:
        codes = np.zeros((len(numbers), 0), dtype=np.int64) if codes is None else codes
        return network_output(self.formula, np.asarray(numbers, dtype=np.float64), codes)


def spline_of(curve, low: float, high: float, cells: int) -> Floats:
    """Coefficients of a function, exact for cubics."""
    x = np.linspace(low, high, 20 * cells + 1)
    basis = SplineGrid(low, high, cells).basis(x)
    return np.linalg.lstsq(basis, curve(x) * np.ones_like(x), rcond=None)[0]


def cycle_of(curve, cells: int) -> Floats:
    """Coefficients of a function of period 1."""
    x = np.arange(20 * cells) / (20 * cells)
    basis = SplineGrid(0.0, 1.0, cells, periodic=True).basis(x)
    return np.roll(np.linalg.lstsq(basis, curve(x), rcond=None)[0], -1)
