"""What a correction of a prior may be made of: terms of the prior, and a curve or a table per column.

Every block is a matrix of columns, scaled so that a coefficient of one is an effect of about one, and knows how its
coefficients are written as steps of a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Curve, Formula, Input, Node, Product, Sum, Table
from kanopt.kan.basis import periodic_roughness, roughness
from kanopt.kan.description import evaluate_periodic, evaluate_spline

__all__ = ["Block", "blocks_of_columns", "blocks_of_factors", "blocks_of_terms", "constant_block", "terms_of"]

Floats = NDArray[np.float64]
Writer = Callable[[Floats, Floats], list[Node]]

MOST_TERMS = 12
"""Terms, or factors, that are corrected one by one at most."""
GRID = 10
"""Intervals of a curve at most; one for every four different values."""
MOST_CATEGORIES = 300
"""Categories of a table at most: every one of them is a column of numbers."""
DECADE = 10.0
"""Ratio of the ends from which a curve is one of the logarithm."""


@dataclass(frozen=True, eq=False)
class Block:
    """Columns that come and go together.

    Parameters
    ----------
    columns
        Shape (n, size).
    write
        From coefficients and their standard errors, each (size,), to the steps that add up to columns @ coefficients.
    """

    columns: Floats
    write: Writer

    def of(self, node: Node, values: Floats) -> Block:
        """Return the block times a step that has `values` (n,)."""

        def write(w: Floats, errors: Floats) -> list[Node]:
            return [Product((node, Sum(tuple(self.write(w, errors)))))]

        return Block(self.columns * values[:, None], write)


def constant_block(count: int) -> Block:
    """Return the constant."""
    return Block(
        np.ones((count, 1)), lambda w, errors: [Constant(float(w[0]), standard_error=float(errors[0]))]
    )


def terms_of(root: Node) -> tuple[Node, ...]:
    """Return the terms of a sum, and of a product in which a factor is a sum; the step itself where there is but one.

    Examples
    --------
    >>> time, load = Input("time"), Input("load")
    >>> from kanopt.formulas.printing import to_infix
    >>> [to_infix(term) for term in terms_of(Product((time, Sum((Constant(1.0), load)))))]
    ['time', 'time · load']
    """
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Sum):
            stack += reversed(node.terms)
        elif isinstance(node, Product) and any(isinstance(factor, Sum) for factor in node.factors):
            parts = [f.terms if isinstance(f, Sum) else (f,) for f in node.factors]
            if np.prod([len(part) for part in parts]) + len(found) > MOST_TERMS:
                return (root,)
            stack += reversed([_times(chosen) for chosen in product(*parts)])
        else:
            found.append(node)
        if len(found) + len(stack) > 2 * MOST_TERMS:
            return (root,)
    return tuple(found) if len(found) <= MOST_TERMS else (root,)


def _times(factors: tuple[Node, ...]) -> Node:
    flat = [g for f in factors for g in (f.factors if isinstance(f, Product) else (f,))]
    kept = [f for f in flat if not (isinstance(f, Constant) and f.value == 1.0)]
    if len(kept) < 2:
        return kept[0] if kept else Constant(1.0)
    return Product(tuple(kept))


def blocks_of_terms(
    prior: Formula, columns: Mapping[str, NDArray[np.generic]], weights: Floats
) -> list[Block]:
    """Return one block for every term of the prior that varies: its coefficient is the share by which it is off."""
    found = []
    for term in terms_of(prior.root):
        values = _values(prior, term, columns, len(weights))
        if np.ptp(values) > 0.0:
            found.append(_multiple(term, values, weights))
    return found


def blocks_of_factors(
    prior: Formula, columns: Mapping[str, NDArray[np.generic]], weights: Floats
) -> list[Block]:
    """Return the logarithms of the factors of the prior that are positive and vary: coefficients change exponents."""
    factors = prior.root.factors if isinstance(prior.root, Product) else (prior.root,)
    found = []
    for factor in factors if len(factors) <= MOST_TERMS else (prior.root,):
        values = _values(prior, factor, columns, len(weights))
        if values.min() > 0.0 and np.ptp(values) > 0.0:
            found.append(_multiple(Apply("log", factor), np.log(values), weights))
    return found


def blocks_of_columns(
    columns: Mapping[str, NDArray[np.generic]], weights: Floats, periods: Mapping[str, float]
) -> list[Block]:
    """Return for every number a line and what bends away from it, for every category a table, for every cycle a curve.

    Parameters
    ----------
    columns
        By name, (n,) each: numbers, and text in object arrays.
    weights
        Of the rows.
    periods
        Of numbers that start anew.
    """
    found: list[Block] = []
    for name, values in columns.items():
        if values.dtype == object:
            found += _table(name, values)
        elif name in periods:
            found.append(_cycle(name, values.astype(np.float64), weights, float(periods[name])))
        elif np.ptp(values.astype(np.float64)) > 0.0:
            found += _curve(name, values.astype(np.float64), weights)
    return found


def _values(prior: Formula, node: Node, columns: Mapping[str, NDArray[np.generic]], count: int) -> Floats:
    values = Formula(node, prior.inputs, prior.output).evaluate(columns)
    return np.array(np.broadcast_to(values, count))


def _multiple(node: Node, values: Floats, weights: Floats) -> Block:
    """Return a step times a coefficient."""
    size = float(np.sqrt(np.average(values**2, weights=weights)))

    def write(w: Floats, errors: Floats) -> list[Node]:
        factor = Constant(float(w[0]) / size, standard_error=float(errors[0]) / size)
        return [Product((factor, node))]

    return Block(values[:, None] / size, write)


def _table(name: str, labels: NDArray[np.generic]) -> list[Block]:
    """Return one effect per category; one that was not seen has none. Too many have no table but in a network."""
    codes, known = pd.factorize(labels, sort=True)
    if len(known) > MOST_CATEGORIES:
        return []
    columns = np.eye(len(known))[codes]

    def write(w: Floats, errors: Floats) -> list[Node]:
        values = {str(label): float(value) for label, value in zip(known, w, strict=True)}
        return [Table.of(values, name, fallback=0.0, name="by")]

    return [Block(columns, write)]


def _curve(name: str, values: Floats, weights: Floats) -> list[Block]:
    """Return the line and the bends of a number, or of its logarithm where it spans a decade."""
    low, high = float(values.min()), float(values.max())
    log = 0.0 < DECADE * low <= high
    argument: Node = Apply("log", Input(name)) if log else Input(name)
    x = np.log(values) if log else values
    low, high = float(x.min()), float(x.max())
    mean = float(np.average(x, weights=weights))
    size = float(np.sqrt(np.average((x - mean) ** 2, weights=weights)))

    def line(w: Floats, errors: Floats) -> list[Node]:
        slope = Constant(float(w[0]) / size, standard_error=float(errors[0]) / size)
        return [Product((slope, argument)), Constant(-float(w[0]) / size * mean)]

    straight = Block((x - mean)[:, None] / size, line)
    grid = min(GRID, len(np.unique(x)) // 4)
    if grid < 1:
        return [straight]
    basis = evaluate_spline(x, low, high, np.eye(grid + 3))

    def curve(coefficients: Floats) -> Node:
        return Curve(f"s_{name}", argument, tuple(coefficients.tolist()), low, high)

    return [straight, _bending(basis, roughness(grid).numpy(), weights, curve)]


def _cycle(name: str, values: Floats, weights: Floats, period: float) -> Block:
    """Return a curve that meets itself after a period."""
    grid = max(4, min(GRID, len(np.unique(np.mod(values, period))) // 4))
    basis = evaluate_periodic(values / period, np.eye(grid))

    def curve(coefficients: Floats) -> Node:
        # the formula's curve reads coefficients k … k + 3 on its span k, a cycle of a network k − 1 … k + 2
        turned = np.roll(coefficients, 1)
        return Curve(f"s_{name}", Input(name), tuple(turned.tolist()), 0.0, period, periodic=True)

    return _bending(basis, periodic_roughness(grid).numpy(), weights, curve)


def _bending(basis: Floats, rough: Floats, weights: Floats, curve: Callable[[Floats], Node]) -> Block:
    """Return the directions that bend, each divided by the root of its roughness: the prior of a smoothing spline."""
    bend, directions = np.linalg.eigh(rough)
    bent = bend > 1e-9 * bend[-1]
    bends = directions[:, bent] / np.sqrt(bend[bent])
    columns = basis @ bends
    middle = np.average(columns, axis=0, weights=weights)
    centred = columns - middle
    spread = float(np.sqrt(np.average((centred**2).sum(1), weights=weights)))

    def write(w: Floats, errors: Floats) -> list[Node]:
        return [curve((bends @ w - float(middle @ w)) / spread)]

    return Block(centred / spread, write)
