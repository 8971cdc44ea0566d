"""Random formulas and rows for hypothesis, for every room that takes formulas.

``laws()`` draws formulas over the same four inputs: ``x`` in [0.1, 10], ``y`` in [-5, 5], ``hour`` in [0, 24] and the
category ``vehicle``; ``rows()`` draws data for them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from kanopt.formulas import (
    FUNCTIONS,
    Apply,
    Constant,
    Curve,
    Domain,
    Formula,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Step,
    Sum,
    Table,
    Variable,
)
from kanopt.formulas.nodes import fold

X = Variable("x", "km", low=0.1, high=10.0)
Y = Variable("y", low=-5.0, high=5.0)
HOUR = Variable("hour", "h", low=0.0, high=24.0)
VEHICLE = Variable("vehicle", kind="category", categories=("van", "truck", "cargo bike"))
INPUTS = (X, Y, HOUR, VEHICLE)
NUMBERS = (X, Y, HOUR)
OUTPUT = Variable("cost", "EUR")

values = st.floats(-5.0, 5.0).map(lambda value: round(value, 3))
exponents = st.sampled_from([-2.0, -1.0, -0.5, 0.5, 0.73, 1.0, 2.0, 3.0])


@st.composite
def curves(draw: st.DrawFn, arguments: st.SearchStrategy[Node]) -> Curve:
    """Draw a curve on a random range, periodic or not."""
    periodic = draw(st.booleans())
    low = draw(st.floats(-3.0, 3.0).map(lambda value: round(value, 2)))
    width = draw(st.floats(0.5, 12.0).map(lambda value: round(value, 2)))
    spans = draw(st.integers(1, 6))
    count = spans if periodic else spans + 3
    coefficients = draw(st.lists(values, min_size=count, max_size=count))
    return Curve(
        draw(st.sampled_from("suv")), draw(arguments), tuple(coefficients), low, low + width, periodic
    )


@st.composite
def steps(draw: st.DrawFn, arguments: st.SearchStrategy[Node]) -> Step:
    """Draw a staircase whose edges are no round numbers, so that rounding does not decide the stair."""
    edges = sorted(draw(st.sets(st.integers(-8, 8), max_size=4)))
    stairs = draw(st.lists(values, min_size=len(edges) + 1, max_size=len(edges) + 1))
    return Step(draw(arguments), tuple(edge + math.e / 10 for edge in edges), tuple(stairs), "step")


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw a table of the vehicle, complete or with a fallback."""
    labels = VEHICLE.categories
    known = draw(st.integers(1, len(labels)))
    entries = tuple(((label,), draw(values)) for label in labels[:known])
    fallback = draw(values) if known < len(labels) or draw(st.booleans()) else None
    return Table(("vehicle",), entries, fallback, "rate")


def _grown(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(nodes, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        several.map(Sum),
        several.map(Product),
        st.tuples(nodes, exponents.map(Constant)).map(lambda pair: Power(*pair)),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), nodes).map(lambda pair: Apply(*pair)),
        several.map(Maximum),
        several.map(Minimum),
        curves(nodes),
        steps(nodes),
    )


def nodes(tabulated: bool = True) -> st.SearchStrategy[Node]:
    """Draw a graph; without `tabulated` it has closed forms over numbers only."""
    leaves: list[st.SearchStrategy[Node]] = [
        values.map(Constant),
        st.sampled_from([Input(v.name) for v in NUMBERS]),
    ]
    if tabulated:
        return st.recursive(st.one_of(*leaves, tables()), _grown, max_leaves=8)
    grown = lambda below: st.one_of(  # noqa: E731
        st.lists(below, min_size=1, max_size=3).map(tuple).map(Sum),
        st.lists(below, min_size=1, max_size=3).map(tuple).map(Product),
        st.tuples(below, exponents.map(Constant)).map(lambda pair: Power(*pair)),
        st.tuples(st.sampled_from(sorted(FUNCTIONS)), below).map(lambda pair: Apply(*pair)),
        st.lists(below, min_size=2, max_size=3).map(tuple).map(Maximum),
    )
    return st.recursive(st.one_of(*leaves), grown, max_leaves=8)


def laws(tabulated: bool = True) -> st.SearchStrategy[Formula]:
    """Draw a formula over the four inputs."""
    return nodes(tabulated).map(lambda root: Formula(root, INPUTS, OUTPUT, per="leg", domain=Domain()))


def rows(count: int = 5) -> st.SearchStrategy[dict[str, NDArray[Any]]]:
    """Draw data: arrays of length `count`, one for each of the four inputs."""

    def column(variable: Variable) -> st.SearchStrategy[Any]:
        if variable.is_category:
            return st.sampled_from(variable.categories)
        return st.floats(variable.low, variable.high).map(lambda value: round(value, 4))

    return st.fixed_dictionaries(
        {v.name: st.lists(column(v), min_size=count, max_size=count).map(np.array) for v in INPUTS}
    )


def raw(formula: Formula, data: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Evaluate without refusing what is not finite; shape of the data."""
    with np.errstate(all="ignore"):
        value = fold(formula.root, lambda node, parts: node.compute(parts, data))
    return np.broadcast_to(value, next(iter(data.values())).shape)


def steady(formula: Formula, data: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return the rows on which rounding cannot grow: nothing large, nothing small but not zero, nothing cancelled."""
    fine = np.ones(next(iter(data.values())).shape, dtype=bool)

    def visit(node: Node, parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        value = node.compute(parts, data)
        fine[...] &= np.isfinite(value) & (np.abs(value) < 1e4) & ((value == 0) | (np.abs(value) > 1e-4))
        if isinstance(node, Sum) and len(parts) > 1:
            size = sum(np.abs(part) for part in parts)
            fine[...] &= np.abs(value) > 1e-3 * size
        return value

    with np.errstate(all="ignore"):
        fold(formula.root, visit)
    return fine
