"""From a network of closed forms and curves to the graph of a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Curve, Input, Node, Power, Product, Sum, Table
from kanopt.formulas.nodes import rebuilt
from kanopt.formulas.simplify import simplified
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.encoding import Feature

__all__ = ["graph"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Argument:
    """What an edge is a function of: ``node * factor``, or its logarithm where `log` is set."""

    node: Node
    factor: float = 1.0
    log: bool = False

    @property
    def written(self) -> Node:
        """The argument as the edge sees it."""
        scaled = self.node if self.factor == 1.0 else Product((Constant(self.factor), self.node))
        return Apply("log", scaled) if self.log else scaled


def graph(model: Mixed, features: Sequence[Feature], smearing: float | None, errors: Array) -> Node:
    """Return the graph of a formula that computes what `model` computes.

    Parameters
    ----------
    model
        The distilled network.
    features
        One per input column: the numbers, then the categories.
    smearing
        Factor on exp(network) of a log target (Duan 1983), else None. The sum of edges behind a logarithm
        becomes a product of factors.
    errors
        Standard errors of ``model.parameters``; NaN where they mean nothing.
    """
    return _Writer(model, features, errors).root(smearing)


class _Writer:
    def __init__(self, model: Mixed, features: Sequence[Feature], errors: Array) -> None:
        self.model = model
        self.features = features
        sizes = [edge.form.size for edge in model.edges]
        self.errors = dict(
            zip((edge.place for edge in model.edges), np.split(errors, np.cumsum(sizes))[:-1], strict=True)
        )
        self.curves = sum(edge.form.name == "curve" for edge in model.edges)
        self.number = count(1)

    def root(self, smearing: float | None) -> Node:
        arguments = [
            _Argument(Input(f.name), 1.0 / f.scale, f.log) if f.kind == "number" else _Argument(Constant(0.0))
            for f in self.features
        ]
        for layer in range(len(self.model.bias) - 1):
            arguments = [
                _Argument(self._sum(layer, target, arguments))
                for target in range(len(self.model.bias[layer]))
            ]
        total = self._sum(len(self.model.bias) - 1, 0, arguments)
        if smearing is None:
            return simplified(rebuilt(simplified(total), _without_noise))
        product = simplified(Product((Constant(smearing), Apply("exp", total))))
        return simplified(rebuilt(rebuilt(product, _as_factor), _without_noise))

    def _sum(self, layer: int, target: int, arguments: Sequence[_Argument]) -> Node:
        parts: list[Node] = [Constant(float(self.model.bias[layer][target]))]
        for edge in self.model.edges:
            if edge.layer == layer and edge.target == target and edge.form.name != "zero":
                parts += self._write(edge, arguments[edge.source])
        return Sum(tuple(parts))

    def _constant(self, edge: Edge, index: int, factor: float = 1.0) -> Constant:
        theta = [*edge.theta, *edge.form.fixed]
        errors = [*self.errors[edge.place], *(0.0 for _ in edge.form.fixed)]
        error = abs(float(errors[index]) * factor)
        learned = index < len(edge.theta) and np.isfinite(error)
        return Constant(float(theta[index]) * factor, standard_error=error if learned else None)

    def _table(self, edge: Edge) -> Node:
        feature = self.features[edge.source]
        values = {
            str(label): float(value) for label, value in zip(feature.categories, edge.theta, strict=True)
        }
        return Table.of(values, feature.name, name="by")

    def _write(self, edge: Edge, argument: _Argument) -> list[Node]:
        """Return the terms of one edge."""
        name, theta = edge.form.name, [*edge.theta, *edge.form.fixed]
        if name == "table":
            return [self._table(edge)]
        if name == "curve":
            return [self._curve(edge, argument)]
        if name == "linear":
            if argument.log:
                return [Product((self._constant(edge, 0), argument.written))]
            return [Product((self._constant(edge, 0, argument.factor), argument.node))]
        written = argument.written
        a = self._constant(edge, 0)
        if name == "quadratic":
            b = self._constant(edge, 1)
            return [Product((a, written)), Product((b, Power(written, Constant(2.0))))]
        if name == "sine":
            amplitude, phase = float(np.hypot(theta[0], theta[1])), float(np.arctan2(theta[1], theta[0]))
            wave = Apply("sin", Sum((Product((self._constant(edge, 2), written)), Constant(phase))))
            return [Product((Constant(amplitude), wave))]
        return [Product((a, self._body(edge, argument)))]

    def _body(self, edge: Edge, argument: _Argument) -> Node:
        """Return the function in a term ``a · f(z)``."""
        theta, written = [*edge.theta, *edge.form.fixed], argument.written
        match edge.form.name:
            case "log":
                return Apply("log", written)
            case "power":
                return Power(written, self._constant(edge, 1))
            case "exp":
                return Apply("exp", Product((self._constant(edge, 1), written)))
            case "log_shifted":
                return Apply("log", Sum((Constant(1.0), _scaled(float(np.exp(theta[1])), argument))))
            case "softplus" if isinstance(argument.node, Input) and not argument.log:
                # a number's exp would overflow where softplus does not; behind a logarithm it is a power, and reads
                return Apply("softplus", Sum((_scaled(theta[1], argument), Constant(theta[2]))))
            case "softplus":
                return Apply("log", Sum((Constant(1.0), _exp_of(theta[1], theta[2], argument))))
            case "tanh":
                return Apply("tanh", Sum((Product((Constant(theta[1]), written)), Constant(theta[2]))))
            case "hinge":
                return Apply("relu", Sum((written, Constant(-theta[1]))))
            case "gaussian":
                return Apply("exp", _negative_square(written, theta[1], theta[2]))
        raise AssertionError(f"no way to write an edge of form {edge.form.name!r}")

    def _curve(self, edge: Edge, argument: _Argument) -> Node:
        low, high = edge.span
        coefficients = tuple(float(value) for value in edge.theta)
        name = "s" if self.curves == 1 else f"s{next(self.number)}"
        if argument.log:
            return Curve(name, argument.written, coefficients, low, high)
        return Curve(name, argument.node, coefficients, low / argument.factor, high / argument.factor)


def _as_factor(node: Node) -> Node:
    """Write exp(table) as a table of factors, which is what a person would compare."""
    if isinstance(node, Apply) and node.function == "exp" and isinstance(node.argument, Table):
        table = node.argument
        entries = tuple((key, float(np.exp(number))) for key, number in table.entries)
        return Table(table.inputs, entries, name=table.name)
    return node


def _without_noise(node: Node) -> Node:
    """Round a constant to 12 digits: what is 1 but for the last bits of a float shall read 1."""
    if isinstance(node, Constant):
        return replace(node, value=float(f"{node.value:.12g}"))
    return node


def _scaled(factor: float, argument: _Argument) -> Node:
    if argument.log:
        return Product((Constant(factor), argument.written))
    return Product((Constant(factor * argument.factor), argument.node))


def _exp_of(slope: float, offset: float, argument: _Argument) -> Node:
    """Return exp(slope · z + offset); of a logarithm it is a power."""
    if argument.log:
        factor = float(np.exp(offset)) * argument.factor**slope
        return Product((Constant(factor), Power(argument.node, Constant(slope))))
    return Apply("exp", Sum((_scaled(slope, argument), Constant(offset))))


def _negative_square(written: Node, centre: float, rate: float) -> Node:
    moved = Product((Constant(rate), Sum((written, Constant(-centre)))))
    return Product((Constant(-1.0), Power(moved, Constant(2.0))))
