"""From a network of closed forms and curves to the graph of a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Curve, Input, Node, Power, Product, Sum, Table
from kanopt.formulas.nodes import rebuild
from kanopt.formulas.simplify import simplify_graph
from kanopt.kan.links import Link, Logistic, Softplus
from kanopt.surrogates.distill.mixed import Edge, Mixed
from kanopt.surrogates.encoding import Feature

__all__ = ["graph"]

Array = NDArray[np.float64]
TURN = 2.0 * np.pi
FROM_ORIGIN = ("linear", "quadratic", "exp")
FAR = 5.0
"""Distance of a column's values from zero, in their range, from which on its origin is moved: years, not kilometres."""


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


def graph(
    model: Mixed,
    features: Sequence[Feature],
    smearing: float | None,
    errors: Array,
    link: Link | None = None,
) -> Node:
    """Return the graph of a formula that computes what `model` computes.

    Parameters
    ----------
    model
        The distilled network.
    features
        One per input column, in the order of the columns.
    smearing
        Factor on exp(network) of a log target (Duan 1983), else None. The sum of edges behind a logarithm
        becomes a product of factors.
    errors
        Standard errors of ``model.parameters``; NaN where they mean nothing.
    link
        What makes the target of the network's output; not together with `smearing`.
    """
    writer = _Writer(model, features, errors)
    if link is not None:
        return rebuild(
            simplify_graph(rebuild(simplify_graph(_linked(link, writer.total())), _without_noise)), _ordered
        )
    return rebuild(writer.root(smearing), _ordered)


class _Writer:
    def __init__(self, model: Mixed, features: Sequence[Feature], errors: Array) -> None:
        self.model = model
        self.features = features
        sizes = [edge.form.size for edge in model.edges]
        self.errors = dict(
            zip((edge.place for edge in model.edges), np.split(errors, np.cumsum(sizes))[:-1], strict=True)
        )
        self.curves = sum(edge.form.name in ("curve", "cycle") for edge in model.edges)
        self.number = count(1)

    def root(self, smearing: float | None) -> Node:
        total = self.total()
        if smearing is None:
            return simplify_graph(rebuild(simplify_graph(total), _without_noise))
        product = simplify_graph(Product((Constant(smearing), Apply("exp", total))))
        return simplify_graph(rebuild(rebuild(product, _as_factor), _without_noise))

    def total(self) -> Node:
        """Return what arrives at the output."""
        arguments = [
            _Argument(Input(f.name), 1.0 / f.scale, f.log) if f.is_numeric else _Argument(Constant(0.0))
            for f in self.features
        ]
        last = len(self.model.bias) - 1
        for layer in range(last):
            sums = self.model.sums(layer)
            arrived = [self._sum(layer, target, arguments) for target in range(len(self.model.bias[layer]))]
            factors = [_as_one_factor(node) for node in arrived[sums:]]
            pairs = zip(factors[::2], factors[1::2], strict=True)
            nodes = [*arrived[:sums], *(simplify_graph(Product(pair)) for pair in pairs)]
            arguments = [_Argument(node) for node in nodes]
        return self._sum(last, 0, arguments)

    def _sum(self, layer: int, target: int, arguments: Sequence[_Argument]) -> Node:
        parts: list[Node] = [Constant(float(self.model.bias[layer][target]))]
        for edge in self.model.arriving(layer, target):
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
        tables = [each.place for each in self.model.edges if each.form.name == "table"]
        name = "by" if len(tables) == 1 else f"by{tables.index(edge.place) + 1}"
        return Table.of(values, feature.name, name=name)

    def _write(self, edge: Edge, argument: _Argument) -> list[Node]:
        """Return the terms of one edge."""
        name, theta = edge.form.name, [*edge.theta, *edge.form.fixed]
        if name in FROM_ORIGIN and (origin := _origin(edge, argument)):
            return self._from_origin(edge, argument, origin)
        if name == "table":
            return [self._table(edge)]
        if name in ("curve", "cycle"):
            return [self._curve(edge, argument)]
        if name in ("pure sine", "cosine", "wave"):
            return [self._wave(edge, argument)]
        if name == "linear":
            if argument.log:
                return [Product((self._constant(edge, 0), argument.written))]
            if isinstance(argument.node, Sum):
                # a node that goes on straight is no bracket: its terms are terms of the sum where it arrives
                return [_times(theta[0] * argument.factor, term) for term in argument.node.terms]
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

    def _from_origin(self, edge: Edge, argument: _Argument, origin: float) -> list[Node]:
        """Return the terms of an edge as a function of the distance from an origin, and what is then added.

        The distance is the column less the origin: 0.2 · (year − 2012) beside a constant of a typical size, where
        0.2 · year needs one of −402.
        """
        z0, f = origin * argument.factor, argument.factor
        moved = Sum((argument.node, Constant(-origin)))
        a = self._constant(edge, 0)
        if edge.form.name == "linear":
            return [Product((self._constant(edge, 0, f), moved)), Constant(a.value * z0)]
        if edge.form.name == "quadratic":
            b = self._constant(edge, 1, f * f)
            slope = (a.value + 2.0 * edge.theta[1] * z0) * f
            constant = a.value * z0 + edge.theta[1] * z0**2
            square = Product((b, Power(moved, Constant(2.0))))
            return [Product((Constant(slope), moved)), square, Constant(constant)]
        rate = self._constant(edge, 1, f)
        scale = a.value * float(np.exp(rate.value * origin))
        return [Product((Constant(scale), Apply("exp", Product((rate, moved)))))]

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

    def _wave(self, edge: Edge, argument: _Argument) -> Node:
        """Return one turn per period."""
        turns = Product((Constant(TURN * argument.factor), argument.node))
        if edge.form.name != "wave":
            function = "sin" if edge.form.name == "pure sine" else "cos"
            return Product((self._constant(edge, 0), Apply(function, turns)))
        factor = (edge.layer, edge.target) in self.model.factors()
        # a factor is divided by its constant; the amplitude shall be positive then
        sign = -1.0 if factor and self.model.bias[edge.layer][edge.target] < 0 else 1.0
        amplitude, phase = float(np.hypot(*edge.theta)), float(np.arctan2(*(sign * edge.theta[::-1])))
        frequency = TURN * argument.factor
        since = Sum((argument.node, Constant(-float(np.mod(-phase, TURN)) / frequency)))
        return Product((Constant(sign * amplitude), Apply("sin", Product((Constant(frequency), since)))))

    def _curve(self, edge: Edge, argument: _Argument) -> Node:
        low, high = edge.span
        coefficients = tuple(float(value) for value in edge.theta)
        name = "s" if self.curves == 1 else f"s{next(self.number)}"
        if edge.form.name == "cycle":
            # the formula's curve reads coefficients k … k + 3 on its span k, the network k − 1 … k + 2
            period = self.features[edge.source].scale
            return Curve(
                name, argument.node, (coefficients[-1], *coefficients[:-1]), 0.0, period, periodic=True
            )
        if argument.log:
            return Curve(name, argument.written, coefficients, low, high)
        inner, slope, shift = _straightened(argument.node)
        factor = argument.factor * slope
        ends = [(end / argument.factor - shift) / slope for end in (low, high)]
        # knots are evenly spaced, so that a curve read backwards has its coefficients backwards
        return Curve(name, inner, coefficients if factor > 0.0 else coefficients[::-1], min(ends), max(ends))


def _straightened(node: Node) -> tuple[Node, float, float]:
    """Return (inner, slope, shift) for a node that is slope · inner + shift: a curve of it is a curve of the inner."""
    plain = simplify_graph(node)
    terms = plain.terms if isinstance(plain, Sum) else (plain,)
    shift = sum(term.value for term in terms if isinstance(term, Constant))
    rest = [term for term in terms if not isinstance(term, Constant)]
    if len(rest) != 1:
        return node, 1.0, 0.0
    match rest[0]:
        case Product(factors=(Constant(value=slope), *others)) if slope and others:
            return (others[0] if len(others) == 1 else Product(tuple(others))), slope, shift
    return rest[0], 1.0, shift


def _origin(edge: Edge, argument: _Argument) -> float:
    """Return a round number amid the values of a column that are far from zero; 0 where they are not."""
    low, high = edge.span[0] / argument.factor, edge.span[1] / argument.factor
    width = high - low
    if not isinstance(argument.node, Input) or argument.log or edge.form.fixed or not width > 0.0:
        return 0.0
    if min(abs(low), abs(high)) < FAR * width or low * high < 0.0:
        return 0.0
    unit = 10.0 ** np.floor(np.log10(width))
    return float(unit * np.round(0.5 * (low + high) / unit))


def _linked(link: Link, total: Node) -> Node:
    """Return the target, of what arrives at the output."""
    match link:
        case Softplus(scale=scale, low=low):
            inner = simplify_graph(total)
            terms = inner.terms if isinstance(inner, Sum) else (inner,)
            argument = Sum(tuple(_times(1.0 / scale, term) for term in terms))
            return Sum((Constant(low), Product((Constant(scale), Apply("softplus", argument)))))
        case Logistic(low=low, high=high):
            return Sum((Constant(low), Product((Constant(high - low), Apply("logistic", total)))))
    raise TypeError(f"formulas have no function for the link {link!r}")


def _times(factor: float, node: Node) -> Node:
    """Return a multiple; a curve or a table takes the factor in."""
    match node:
        case Curve():
            return replace(node, coefficients=tuple(factor * c for c in node.coefficients))
        case Table():
            return replace(node, entries=tuple((key, factor * number) for key, number in node.entries))
    return Product((Constant(factor), node))


def _as_one_factor(arrived: Node) -> Node:
    """Write a sum, which is a factor of a product, so that its scale stands in front of the product.

    The scale of a factor is arbitrary, as another factor can make up for it. A straight line is divided by the slope
    of its first input, other sums by their constant, to read 1 + 0.4 · sin(…). A curve or a table that is alone takes
    in the constant beside it, and is one on average.
    """
    total = simplify_graph(arrived)
    terms = total.terms if isinstance(total, Sum) else (total,)
    rest = [term for term in terms if not isinstance(term, Constant)]
    constant = sum(term.value for term in terms if isinstance(term, Constant))
    match rest:
        case [Curve() as curve]:
            values = constant + np.array(curve.coefficients)
            scale = _middle(values)
            return Product((Constant(scale), replace(curve, coefficients=tuple((values / scale).tolist()))))
        case [Table() as table]:
            keys, numbers = zip(*table.entries, strict=True)
            values = constant + np.array(numbers)
            scale = _middle(values)
            entries = tuple(zip(keys, (values / scale).tolist(), strict=True))
            return Product((Constant(scale), replace(table, entries=entries)))
    lines = any(isinstance(term.children[-1] if term.children else term, Input) for term in rest)
    first = rest[0].children[0] if rest and isinstance(rest[0], Product) else Constant(1.0)
    slope = first.value if isinstance(first, Constant) else 1.0
    scale = slope if lines or not constant else constant
    if not scale or len(terms) < 2:
        return total
    parts = (_times(1.0 / scale, term) for term in terms)
    return Product((Constant(scale), Sum(tuple(parts))))


def _middle(values: Array) -> float:
    """Return the mean, or the largest of values that cancel out; one where all are zero."""
    mean, largest = float(values.mean()), float(np.abs(values).max())
    return mean if abs(mean) > 0.1 * largest else largest or 1.0


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


def _ordered(node: Node) -> Node:
    """Write inputs and their powers before the other factors of a product, whatever the order of the nodes."""
    if not isinstance(node, Product):
        return node

    def late(factor: Node) -> int:
        base = factor.base if isinstance(factor, Power) else factor
        return 0 if isinstance(factor, Constant) else 1 if isinstance(base, Input) else 2

    return Product(tuple(sorted(node.factors, key=late)))


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
