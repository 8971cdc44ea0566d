"""The rungs of a ladder beside single formulas: sums and products of curves, laws by class, and the network itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas import Apply, Constant, Curve, Input, Node, Product, Sum, Table
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.estimation.class_search import class_law, written
from kanopt.formulas.estimation.least_squares import inverse_of
from kanopt.formulas.estimation.naming import numbered, order_of_rows
from kanopt.formulas.nodes import rebuild
from kanopt.formulas.simplify import simplify_graph
from kanopt.kan.trainer import Link
from kanopt.surrogates.curves import in_units, linked, network_output
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.additive import MOST, AdditiveLaw, Choice, additive_laws, fitted_alone
from kanopt.surrogates.ladder.functions import (
    RECIPROCAL,
    Component,
    functions_of,
    most_flexible,
    product_of,
    reciprocal,
)
from kanopt.surrogates.ladder.going_on import held_ends
from kanopt.surrogates.ladder.rungs import NETWORK, Rung, Trained, description_length, scales_of

FACTORS, RELATED, WIDE = 2, 0.3, 2.0
"""Numbers that a sum of curves is multiplied by in turn, their least correlation with the target, and range."""
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
    rows, link = trained.rows, trained.link
    output = output_of(trained)
    residual = rows.target - (output if link is None else link(output))
    factor = rows.smearing(residual)
    root = _of_target(in_units(trained.network.root, trained.features), link, factor, log=rows.log)
    root = numbered(simplify_graph(rebuild(root, _without_nothing)))
    left = rows.target - residual / max(1.0 - trained.edf / rows.total, 0.5)
    told = factor * rows.unscaled(left)
    yield Rung(NETWORK, root, trained.edf, lambda _: told, factor)


def by_class_rung(trained: Trained) -> Iterator[Rung]:
    """Yield the law whose constants differ by class that describes rows best, where there is one.

    Errors are taken for a share of the target, or for the same everywhere, whichever describes the rows more briefly.
    """
    rows, target = trained.rows, trained.rows.values
    if trained.link is not None or not any(feature.kind == "category" for feature in trained.features):
        return
    inputs = tuple(trained.variable(feature) for feature in trained.features)
    law = class_law(trained.decoded(inputs), target, rows.weight, should_stop=trained.watch.should_stop)
    if law is None:
        return
    # what groups share of a logarithm raises the mean of a law of the target, too
    factor = law.smearing * rows.lift
    root, known = written(law, factor)
    yield Rung(
        "by class", root, law.parameters, lambda blocks: factor * law.left_out(blocks), factor, told=known
    )


def sums_of_curves(trained: Trained) -> Iterator[Rung]:
    """Yield the sum of functions of a column each that describes rows best, the product of such, and more.

    On the scale that is better by itself products of two functions are added to the sum. A law that would be too long
    to read is told in full beside the one that is not.
    """
    found = list[tuple[AdditiveLaw, Choice, Rows]]()
    for own in scales_of(trained):
        choice = _choice(trained, own)
        link = trained.link
        working = own if link is None else _working_rows(own, link, output_of(trained))
        whole, plain = additive_laws(choice, working)
        found.append((whole, choice, own))
        yield _rung(_name(own), plain, trained, own)
    if trained.watch.should_stop():
        return
    whole, choice, own = min(found, key=lambda each: each[0].length)
    more = with_products(choice, whole.rows, trained.features, whole)
    name = _name(own) + (" with pairs" if more else "")
    if more is not None:
        whole, short = more
        yield _rung(name, short, trained, own)
    if whole.operators >= MOST:
        yield _rung(f"{name}, in full", whole, trained, own)


def rates_of_curves(trained: Trained) -> Iterator[Rung]:
    """Yield laws that are a number times a sum of curves of the others, as the price of a km is, beside a fixed part.

    The target is divided by the number, and the squares of what is left are weighed by its square: it is the target
    that is to be near.
    """
    rows = trained.rows
    if trained.link is not None or rows.shared is not None or len(trained.features) < 2:
        return
    target = rows.values
    for column, x in _likely_factors(trained, target):
        own = replace(rows, target=target / x, slope=x, log=False)
        choice = _choice(trained, own)
        name, signs = trained.features[column].name, list(choice.signs)
        curve, *others = choice.groups[column]
        groups = list(choice.groups)
        groups[column] = (curve, reciprocal(name, column, x), *others)
        signs[column] = 0
        _, law = additive_laws(replace(choice, groups=tuple(groups), signs=tuple(signs)), own)
        yield _rate(name, x, law, trained)


def _likely_factors(trained: Trained, target: Floats) -> list[tuple[int, Floats]]:
    """Return the numbers above zero that go with the target most, each with its place."""
    found = []
    for column, feature in enumerate(trained.features):
        x = feature.decode(trained.rows.inputs[:, column]) if feature.kind == "number" else np.zeros(1)
        if x.min() > 0.0 and x.max() >= WIDE * x.min():
            found.append((abs(float(np.corrcoef(x, target)[0, 1])), column, x))
    found.sort(key=lambda each: -each[0])
    return [(column, x) for likeness, column, x in found[:FACTORS] if likeness >= RELATED]


def _rate(name: str, x: Floats, law: AdditiveLaw, trained: Trained) -> Rung:
    """Return a number times a sum as a rung; what is divided by the number in the sum stands beside the product."""

    def write(sum_: Node) -> Node:
        constant, *parts = sum_.children
        told = list(zip(law.functions, parts, strict=True))
        fixed = [part.children[0] for function, part in told if function.kind == RECIPROCAL]
        rate = Sum((constant, *(part for function, part in told if function.kind != RECIPROCAL)))
        return Sum((*fixed, Product((Input(name), rate))))

    lift = trained.rows.lift
    return _of_sum(f"rate of curves by {name}", law, trained, write, lambda told: told * x * lift)


def _name(rows: Rows) -> str:
    return "product of curves" if rows.log else "sum of curves"


def _rung(name: str, law: AdditiveLaw, trained: Trained, rows: Rows) -> Rung:
    link = trained.link
    factor = rows.smearing(rows.target - (law.values if link is None else link(law.values)))

    def write(sum_: Node) -> Node:
        return _of_target(sum_, link, factor, log=rows.log)

    def of_target(told: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return factor * rows.unscaled(told) if link is None else link(told)

    return replace(_of_sum(name, law, trained, write, of_target), smearing=factor)


def _of_sum(
    name: str,
    law: AdditiveLaw,
    trained: Trained,
    write: Callable[[Node], Node],
    of_target: Callable[[Floats], Floats],
) -> Rung:
    """Return what a sum says of the target as a rung, given how that is written, and computed from its values."""

    def written(parameters: Floats) -> Node:
        return numbered(simplify_graph(write(law.written(parameters))))

    return Rung(
        name,
        written(law.parameters),
        law.freedom,
        lambda blocks: np.asarray(of_target(law.left_out(blocks))),
        written=written,
        values=law.parameters,
        covariance=law.covariance,
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


def _choice(trained: Trained, rows: Rows) -> Choice:
    groups, signs = [], []
    wanted = iter(trained.wanted.of_layer(0, sum(f.kind == "number" for f in trained.features)))
    for column, feature in enumerate(trained.features):
        sign = next(wanted) if feature.kind == "number" else 0
        kinds = functions_of(feature, column, rows.inputs[:, column], log_target=rows.log)
        # a parabola turns
        groups.append(tuple(f for f in kinds if not (sign and f.size == 2)))
        signs.append(sign)
    return Choice(
        tuple(groups),
        tuple(signs),
        lambda squares, freedom, price: description_length(rows, squares, freedom, price),
        lambda function: OPERATOR * (function.operators + 1),
        trained.watch.should_stop,
    )


# ── products of functions of two columns, those first that explain most of what is left ──
#
# The rows say by a coarse table of two columns how much a function of both would explain (the screening of Lou and
# others 2013, *Accurate Intelligible Models with Pairwise Interactions*). What is written is the product of two
# functions that comes nearest to it, each fitted in turn while the other is held; two of the same make a surface.


PRODUCTS = 8
"""Products that a law may have, and pairs of columns that are tried again after each."""
SCREENED, SPANS, WIDEST = 2000, 5, 400
"""Rows, spans and numbers at most of the coarse tables."""
TURNS = 3
"""Times that both factors of a product are fitted."""


@dataclass(frozen=True, eq=False)
class _ColumnPair:
    """Two columns, what a table of both would explain, and the values that the second factor begins with."""

    columns: tuple[int, int]
    gain: float
    values: Floats


def with_products(
    choice: Choice, rows: Rows, features: Sequence[Feature], plain: AdditiveLaw
) -> tuple[AdditiveLaw, AdditiveLaw] | None:
    """Return a sum with products of functions, and the same in few enough operators to read; None where none helps.

    Parameters
    ----------
    choice, rows
        What the columns may be, and the rows.
    features
        The columns.
    plain
        The sum without products.
    """
    free = [place for place, sign in enumerate(choice.signs) if choice.groups[place] and not sign]
    coarse = {place: most_flexible(features[place], place, rows.inputs[:, place], SPANS) for place in free}
    pairs = list(combinations(free, 2))
    standing = {place for function in plain.functions for place in function.columns}
    groups = [group for place, group in enumerate(choice.groups) if place in standing]
    some = order_of_rows(rows.inputs, rows.target)[:SCREENED]
    found, laws, refused = plain, None, set[tuple[int, int]]()
    for _ in range(PRODUCTS):
        left = replace(rows, target=rows.target - found.values)
        tried = [_screened(pair, coarse, left, some) for pair in pairs if pair not in refused]
        tried.sort(key=lambda pair: pair.gain, reverse=True)
        pairs = [pair.columns for pair in tried[:PRODUCTS]]
        if not tried or tried[0].gain <= 0.0 or choice.should_stop():
            break
        options = _products(tried[0], choice, left)
        more = additive_laws(choice.with_groups([*groups, options]), rows) if options else (found, found)
        if more[0].length < found.length and _pairs(more[0]) > _pairs(found):
            laws, found, groups = more, more[0], [*groups, options]
        else:
            refused.add(tried[0].columns)
    return laws


def _pairs(law: AdditiveLaw) -> int:
    return sum(len(function.columns) > 1 for function in law.functions)


def _screened(
    columns: tuple[int, int], coarse: dict[int, Component], rows: Rows, some: NDArray[np.intp]
) -> _ColumnPair:
    """Return how much a coarse table of two columns explains of what a law leaves, beyond what it would of chance."""
    sides = [coarse[column] for column in columns]
    if sides[0].size * sides[1].size > WIDEST:
        return _ColumnPair(columns, 0.0, rows.target)
    left, weight = rows.target[some], rows.precision[some]
    left = left - float(weight @ left) / float(weight.sum())
    parts = [side.basis[some] - side.basis[some].mean(axis=0) for side in sides]
    table = np.einsum("ni,nj->nij", *parts).reshape(len(some), -1)
    gram = table.T @ (weight[:, None] * table)
    held = gram + np.eye(len(gram)) * float(np.trace(gram)) / len(gram) / 4.0
    inverse, moments = inverse_of(held), table.T @ (weight * left)
    numbers = inverse @ moments
    noise = float(weight @ left**2) / len(some)
    gain = float(2.0 * numbers @ moments - numbers @ gram @ numbers) - noise * float(np.sum(inverse * gram))
    second = np.linalg.svd(numbers.reshape(parts[0].shape[1], -1))[2][0]
    return _ColumnPair(columns, gain, sides[1].basis @ second)


def _products(pair: _ColumnPair, choice: Choice, left: Rows) -> tuple[Component, ...]:
    """Return the products that two columns may have: of what is most flexible, or a line, of either."""
    kinds = [
        [f for f in choice.groups[column] if f.penalty is not None or f.kind in ("linear", "exp")]
        for column in pair.columns
    ]
    found = [_product(first, second, pair.values, left, choice) for first in kinds[0] for second in kinds[1]]
    return tuple(each for each in found if each.basis.any())


def _product(first: Component, second: Component, values: Floats, left: Rows, choice: Choice) -> Component:
    """Return the product of two functions that explains most of what is left; each is fitted beside the other."""
    for _ in range(TURNS):
        numbers, spent = _factor(first, values, left, choice)
        values = first.basis @ numbers
        others, own = _factor(second, values, left, choice)
        values = second.basis @ others
    if first.size >= second.size:
        return product_of(first, second, others, own)
    numbers, spent = _factor(first, values, left, choice)
    return product_of(second, first, numbers, spent)


def _factor(function: Component, values: Floats, left: Rows, choice: Choice) -> tuple[Floats, float]:
    """Return the numbers of a function beside the values of another one, and its effective number of parameters."""
    times = replace(function, columns=(*function.columns, -1), basis=function.basis * _sized(values)[:, None])
    numbers, spent = fitted_alone(times, left, choice)
    if function.penalty is not None:
        # its basis functions add up to one, and what it is on average is for the other one alone
        numbers = numbers - float(function.basis.mean(axis=0) @ numbers)
    size = float(np.sqrt(np.mean((function.basis @ numbers) ** 2)))
    return numbers / max(size, 1e-300), spent


def _sized(values: Floats) -> Floats:
    return np.asarray(values / max(float(np.sqrt(np.mean(values**2))), 1e-300))
