"""The rungs of a ladder of laws between a single formula and the network: sums and products of curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas import Apply, Constant, Curve, Node, Product, Table
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.formulas.estimation.variable_projection import smearing
from kanopt.formulas.extrapolation import Side
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.operators import OPERATORS
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.simplify import simplify_graph
from kanopt.kan.links import Link
from kanopt.surrogates.curves import in_units, linked, network_output
from kanopt.surrogates.ladder.additive import MOST, AdditiveLaw, Choice
from kanopt.surrogates.ladder.functions import Component, functions_of
from kanopt.surrogates.ladder.going_on import held_ends
from kanopt.surrogates.ladder.plainer import additive_laws
from kanopt.surrogates.ladder.products import with_products
from kanopt.surrogates.ladder.trained import Trained
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import PREFERRED

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

NETWORK = "network"
ALIKE = 4.0
"""Largest weight, in medians, with which rows of a logarithm are also rows of the target."""
FLATTEST = 1e-6
"""Least slope of a link, as a share of the largest: where it is flat, the rows say nothing of the sum before it."""


@dataclass(frozen=True, eq=False)
class Rung:
    """A law and what is known of it.

    Parameters
    ----------
    name
        By which a person picks it.
    root
        The graph of the law of the target itself.
    parameters
        Effective number of parameters.
    left_out
        What a law of this form says of every training row where its block is left out, (n,); NaN where nothing.
    smearing
        Factor of a law of the mean of a target whose logarithm was fitted; 1 for others.
    written, values, covariance
        The graph for other values of its parameters, these values, and their covariance; None where not known.
    told
        The covariance of its named constants, where these have been estimated themselves.
    refused
        Why it cannot be taken; empty where it can.
    ends
        Inputs, and sides on which they are held at the edge of their data, as rows there bear out.
    """

    name: str
    root: Node
    parameters: float
    left_out: Array
    smearing: float = 1.0
    written: Callable[[Array], Node] | None = None
    values: Array | None = None
    covariance: Array | None = None
    told: Covariance | None = None
    refused: str = ""
    ends: frozenset[tuple[str, Side]] = frozenset()

    @cached_property
    def operators(self) -> int:
        """How many operators a reader sees."""
        return count_operators(self.root)

    @cached_property
    def is_nested(self) -> bool:
        """Whether a curve of it is one of a sum of curves, which nobody reads."""
        curves = (node for node in postorder(self.root) if isinstance(node, Curve))
        return any(
            isinstance(node, Curve)
            for curve in curves
            for child in curve.children
            for node in postorder(child)
        )


def description_length(
    rows: Rows, squares: float, parameters: float, operators: float, *, log: bool
) -> float:
    """Return the length of the description of rows by a law.

    It is L = W log(squares / W + floor²) + log(W) · p + operators, with W the sum of the weights and p the effective
    number of parameters (Schwarz 1978; Hastie and Tibshirani 1990, ch. 5).

    Parameters
    ----------
    rows
        With the target to which `squares` belong.
    squares
        Weighted squared residuals.
    parameters
        Effective number of parameters.
    operators
        Length of the description of all operators.
    log
        Whether the target of the rows is a logarithm. The description is that of the target itself all the same: a
        density of log y is one of y once it is divided by y (Box and Cox 1964, JRSS B 26, section 3).
    """
    mean = float(rows.weight @ rows.target) / rows.total
    spread = float(rows.weight @ (rows.target - mean) ** 2) / rows.total
    noise = squares / rows.total + FLOOR**2 * max(spread, 1e-300)
    jacobian = 2.0 * float(rows.weight @ rows.target) if log else 0.0
    return float(rows.total * np.log(noise) + jacobian + np.log(rows.total) * parameters + operators)


def output_of(trained: Trained) -> Array:
    """Return the output of a network on its training rows, before its link; (n,)."""
    numeric = sum(feature.is_numeric for feature in trained.features)
    inputs = trained.rows.inputs
    return network_output(trained.network, inputs[:, :numeric], inputs[:, numeric:].astype(np.int64))


def network_rung(trained: Trained, blocks: Integers) -> Iterator[Rung]:
    """Yield the network itself, every edge a curve or a table; none where a person has decided about operators.

    A network is not fitted anew without a block: every row is left out by the mean of their leverages.
    """
    if trained.control.pin or trained.control.forbid:
        return
    rows, link, log = trained.rows, trained.link, trained.log_target
    output = output_of(trained)
    residual = rows.target - (output if link is None else link(output))
    factor = smearing(residual, rows.weight) * rows.lift if log else 1.0
    root = _of_target(in_units(trained.network.root, trained.features), link, factor, log=log)
    root = numbered(simplify_graph(rebuild(root, _without_nothing)))
    left = rows.target - residual / max(1.0 - trained.edf / rows.total, 0.5)
    yield Rung(NETWORK, root, trained.edf, factor * np.exp(left) if log else left, factor)


def sums_of_curves(trained: Trained, blocks: Integers) -> Iterator[Rung]:
    """Yield the sum of functions of a column each that describes rows best, the product of such, and more.

    On the scale that is better by itself products of two functions are added to the sum. A law that would be too long
    to read is told in full beside the one that is not.

    Raises
    ------
    FitError
        If a column can be nothing of what was asked of it, on no scale.
    """
    rows = trained.rows
    scales = [(rows, trained.log_target)]
    if trained.log_target and rows.weight.max() < ALIKE * np.median(rows.weight):
        scales.append((replace(rows, target=np.exp(rows.target)), False))
    elif not trained.log_target and trained.link is None and rows.shared is None and rows.target.min() > 0.0:
        scales.append((replace(rows, target=np.log(rows.target)), True))
    found, refused = list[tuple[AdditiveLaw, Choice, Rows, bool]](), list[FitError]()
    for own, log in scales:
        try:
            choice = _choice(trained, own, log=log)
        except FitError as error:  # an operator that was asked for is one on the other scale only
            refused.append(error)
            continue
        link = trained.link
        working = own if link is None else _working_rows(own, link, output_of(trained))
        whole, plain = additive_laws(choice, working)
        found.append((whole, choice, own, log))
        yield _rung(_name(log), plain, trained, own, blocks, log=log)
    if not found:
        raise refused[0]
    if trained.control.pin or trained.control.forbid or trained.watch.should_stop():
        return
    whole, choice, own, log = min(found, key=lambda each: each[0].length)
    more = with_products(choice, whole.rows, trained.features, whole)
    name = _name(log) + (" with pairs" if more else "")
    if more is not None:
        whole, short = more
        yield _rung(name, short, trained, own, blocks, log=log)
    if whole.operators >= MOST:
        yield _rung(f"{name}, in full", whole, trained, own, blocks, log=log)


def _name(log: bool) -> str:
    return "product of curves" if log else "sum of curves"


def _rung(name: str, law: AdditiveLaw, trained: Trained, rows: Rows, blocks: Integers, *, log: bool) -> Rung:
    link = trained.link
    residual = rows.target - (law.values if link is None else link(law.values))
    # what groups share of a logarithm raises the mean of a law of the target, too
    factor = rows.lift * (smearing(residual, rows.weight) if log else 1.0)

    def written(parameters: Array) -> Node:
        return numbered(simplify_graph(_of_target(law.written(parameters), link, factor, log=log)))

    left = law.left_out(blocks)
    with np.errstate(over="ignore"):
        left = factor * np.exp(left) if log else left if link is None else link(left)
    return Rung(
        name,
        written(law.parameters),
        law.freedom,
        left,
        factor,
        written,
        law.parameters,
        law.covariance,
        ends=held_ends(law, trained),
    )


def _without_nothing(node: Node) -> Node:
    """Return a zero for an edge that was pruned."""
    match node:
        case Curve(coefficients=numbers) if not any(numbers):
            return Constant(0.0)
        case Table(entries=entries) if not any(number for _, number in entries):
            return Constant(0.0)
    return node


def _of_target(output: Node, link: Link | None, factor: float, *, log: bool) -> Node:
    if log:
        return Product((Constant(factor), Apply("exp", output)))
    if link is not None:
        return linked(link, output)
    return output if factor == 1.0 else Product((Constant(factor), output))


def _working_rows(rows: Rows, link: Link, output: Array) -> Rows:
    """Return the rows with the working response as their target.

    With y = g(f) + noise, least squares of y on g(f) near f₀ is least squares of f₀ + (y − g(f₀)) / g′(f₀) on f, with
    weights g′(f₀)² (iteratively reweighted: McCullagh and Nelder 1989, *Generalized Linear Models*, section 2.5).
    """
    slope = link.slope(output)
    slope = np.maximum(slope, FLATTEST * float(slope.max()))
    return replace(rows, target=output + (rows.target - link(output)) / slope, slope=slope)


def numbered(root: Node) -> Node:
    """Return a graph with different names for its curves, and for its tables: s1, s2 …; s where there is one."""
    many = {kind: sum(isinstance(node, kind) for node in postorder(root)) > 1 for kind in (Curve, Table)}
    counts = {Curve: 0, Table: 0}

    def named(node: Node) -> Node:
        for kind, letter in ((Curve, "s"), (Table, "by")):
            if isinstance(node, kind):
                counts[kind] += 1
                return replace(node, name=f"{letter}{counts[kind]}" if many[kind] else letter)
        return node

    return rebuild(root, named)


def _choice(trained: Trained, rows: Rows, *, log: bool) -> Choice:
    control = trained.control
    groups, may_go, shapes = [], [], []
    signs = iter(trained.wanted.of_layer(0, sum(f.kind == "number" for f in trained.features)))
    for column, feature in enumerate(trained.features):
        shape = next(signs) if feature.kind == "number" else (0, 0)
        pins = control.pin.get(feature.name)
        kinds = functions_of(feature, column, rows.inputs[:, column], log_target=log)
        allowed = [
            function
            for function in kinds
            if _is_allowed(function, pins, control.forbid) and _keeps(function, shape)
        ]
        if pins == ("none",):
            allowed = []
        elif not allowed:
            raise FitError(
                f"pin: {feature.name!r} cannot become {' or '.join(pins or ())} in a sum of curves; fit it with other "
                "log_features or log_target, or pin it to something else"
            )
        groups.append(tuple(allowed))
        may_go.append(pins is None or "none" in pins)
        shapes.append(shape)

    def price(function: Component) -> float:
        preferred = PREFERRED if function.kind in control.prefer else 1.0
        return OPERATOR * preferred * (function.operators + 1)

    return Choice(
        tuple(groups),
        tuple(may_go),
        tuple(shapes),
        lambda squares, freedom, price: description_length(rows, squares, freedom, price, log=log),
        price,
        trained.watch.should_stop,
    )


def _keeps(function: Component, shape: tuple[int, int]) -> bool:
    """Whether a function can be had in a shape: a parabola turns, and a logarithm is bent."""
    sign, bend = shape
    if function.size == 2:
        return not (sign or bend)
    return not bend or function.size > 1 or function.kind in ("linear", "exp")


def _is_allowed(function: Component, pins: tuple[str, ...] | None, forbidden: tuple[str, ...]) -> bool:
    if function.kind == "table":
        return True
    assert function.kind in OPERATORS
    return function.kind not in forbidden and (pins is None or function.kind in pins)
