"""The rungs of a ladder beside single formulas: sums and products of curves, laws by class, and the network itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.formulas import Apply, Constant, Curve, Node, Product, Table
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.estimation.class_search import class_law
from kanopt.formulas.estimation.least_squares import smearing
from kanopt.formulas.estimation.naming import numbered
from kanopt.formulas.nodes import rebuild
from kanopt.formulas.simplify import simplify_graph
from kanopt.kan.trainer import Link
from kanopt.surrogates.curves import in_units, linked, network_output
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.additive import MOST, AdditiveLaw, Choice, additive_laws
from kanopt.surrogates.ladder.functions import Component, functions_of
from kanopt.surrogates.ladder.going_on import held_ends
from kanopt.surrogates.ladder.products import with_products
from kanopt.surrogates.ladder.rungs import NETWORK, Rung, Trained, description_length, scales_of

FLATTEST = 1e-6
"""Least slope of a link, as a share of the largest: where it is flat, the rows say nothing of the sum before it."""


def output_of(trained: Trained) -> Floats:
    """Return the output of a network on its training rows, before its link; (n,)."""
    numeric = sum(feature.is_numeric for feature in trained.features)
    inputs = trained.rows.inputs
    return network_output(trained.network, inputs[:, :numeric], inputs[:, numeric:].astype(np.int64))


def network_rung(trained: Trained) -> Iterator[Rung]:
    """Yield the network itself, every edge a curve or a table.

    A network is not fitted anew without a block: every row is left out by the mean of their leverages.
    """
    rows, link, log = trained.rows, trained.link, trained.log_target
    output = output_of(trained)
    residual = rows.target - (output if link is None else link(output))
    factor = smearing(residual, rows.weight) * rows.lift if log else 1.0
    root = _of_target(in_units(trained.network.root, trained.features), link, factor, log=log)
    root = numbered(simplify_graph(rebuild(root, _without_nothing)))
    left = rows.target - residual / max(1.0 - trained.edf / rows.total, 0.5)
    told = factor * np.exp(left) if log else left
    yield Rung(NETWORK, root, trained.edf, lambda _: told, factor)


def by_class_rung(trained: Trained) -> Iterator[Rung]:
    """Yield the law whose constants differ by class that describes rows best, where there is one.

    Errors are taken for a share of the target, or for the same everywhere, whichever describes the rows more briefly.
    """
    rows, log = trained.rows, trained.log_target
    if trained.link is not None:
        return
    if not any(feature.kind == "category" for feature in trained.features):
        return
    inputs = tuple(trained.variable(feature) for feature in trained.features)
    target = np.exp(rows.target) if log else rows.target
    law = class_law(trained.decoded(inputs), target, rows.weight, should_stop=trained.watch.should_stop)
    if law is None:
        return
    # what groups share of a logarithm raises the mean of a law of the target, too
    factor = law.smearing * rows.lift
    root, known = law.written(factor)

    def left(blocks: Integers) -> Floats:
        gap = law.fit.left_out(blocks) / np.sqrt(rows.weight)
        return np.asarray(factor * (np.exp(np.log(target) - gap) if law.log else target - gap))

    yield Rung("by class", root, law.fit.parameters, left, factor, told=known)


def sums_of_curves(trained: Trained) -> Iterator[Rung]:
    """Yield the sum of functions of a column each that describes rows best, the product of such, and more.

    On the scale that is better by itself products of two functions are added to the sum. A law that would be too long
    to read is told in full beside the one that is not.
    """
    found = list[tuple[AdditiveLaw, Choice, Rows, bool]]()
    for own, log in scales_of(trained):
        choice = _choice(trained, own, log=log)
        link = trained.link
        working = own if link is None else _working_rows(own, link, output_of(trained))
        whole, plain = additive_laws(choice, working)
        found.append((whole, choice, own, log))
        yield _rung(_name(log), plain, trained, own, log=log)
    if trained.watch.should_stop():
        return
    whole, choice, own, log = min(found, key=lambda each: each[0].length)
    more = with_products(choice, whole.rows, trained.features, whole)
    name = _name(log) + (" with pairs" if more else "")
    if more is not None:
        whole, short = more
        yield _rung(name, short, trained, own, log=log)
    if whole.operators >= MOST:
        yield _rung(f"{name}, in full", whole, trained, own, log=log)


def _name(log: bool) -> str:
    return "product of curves" if log else "sum of curves"


def _rung(name: str, law: AdditiveLaw, trained: Trained, rows: Rows, *, log: bool) -> Rung:
    link = trained.link
    residual = rows.target - (law.values if link is None else link(law.values))
    # what groups share of a logarithm raises the mean of a law of the target, too
    factor = rows.lift * (smearing(residual, rows.weight) if log else 1.0)

    def written(parameters: Floats) -> Node:
        return numbered(simplify_graph(_of_target(law.written(parameters), link, factor, log=log)))

    def left(blocks: Integers) -> Floats:
        told = law.left_out(blocks)
        with np.errstate(over="ignore"):
            return np.asarray(factor * np.exp(told) if log else told if link is None else link(told))

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


def _working_rows(rows: Rows, link: Link, output: Floats) -> Rows:
    """Return the rows with the working response as their target.

    With y = g(f) + noise, least squares of y on g(f) near f₀ is least squares of f₀ + (y − g(f₀)) / g′(f₀) on f, with
    weights g′(f₀)² (iteratively reweighted: McCullagh and Nelder 1989, *Generalized Linear Models*, section 2.5).
    """
    slope = link.slope(output)
    slope = np.maximum(slope, FLATTEST * float(slope.max()))
    return replace(rows, target=output + (rows.target - link(output)) / slope, slope=slope)


def _choice(trained: Trained, rows: Rows, *, log: bool) -> Choice:
    groups, shapes = [], []
    signs = iter(trained.wanted.of_layer(0, sum(f.kind == "number" for f in trained.features)))
    for column, feature in enumerate(trained.features):
        shape = next(signs) if feature.kind == "number" else (0, 0)
        kinds = functions_of(feature, column, rows.inputs[:, column], log_target=log)
        groups.append(tuple(f for f in kinds if _keeps(f, shape)))
        shapes.append(shape)
    return Choice(
        tuple(groups),
        tuple(shapes),
        lambda squares, freedom, price: description_length(rows, squares, freedom, price, log=log),
        lambda function: OPERATOR * (function.operators + 1),
        trained.watch.should_stop,
    )


def _keeps(function: Component, shape: tuple[int, int]) -> bool:
    """Whether a function can be had in a shape: a parabola turns, and a logarithm is bent."""
    sign, bend = shape
    if function.size == 2:
        return not (sign or bend)
    return not bend or function.size > 1 or function.kind in ("linear", "exp")
