"""Another way into a wide network: functions of single columns, and products of two for pairs that act together.

A network of four hidden nodes over many columns is curves of sums of curves, which take more than a page to write down
and cannot be followed. Often what it says is a sum of functions of single columns, and for some pairs the product of
two functions beside them, as in s1(hour) + s2(hour) · by(weekday): a functional analysis of variance (Hooker 2007,
J. Comput. Graph. Stat. 16) with interactions of low rank. Which pairs those are is told by what is left of the rows,
one pair after the other (Lou, Caruana, Gehrke and Hooker 2013, KDD). The curves are those of the network's columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.forms import LINEAR
from kanopt.surrogates.distill.judge import Judge
from kanopt.surrogates.distill.mixed import WHOLE, Edge, Mixed, Rows
from kanopt.surrogates.distill.monomials import with_fixed
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.interactions import INTERACTION, interaction_gain

__all__ = ["paired"]

Array = NDArray[np.float64]
Pair = tuple[int, int]

MOST = 4
"""Products of two columns at most: each takes five to twelve operators."""
FACTORS = (0.01, 0.1, 1.0, 10.0)
"""Of the roughness weights of the network's columns, which were chosen behind curves of sums."""
ITERATIONS, TOLERANCE = 15, 1e-6
CELLS = 16
"""Cells of a number in which a product is looked for; a number of fewer values has a cell for each."""
PRIOR = 4.0
"""Rows that speak for nothing in a cell."""
RIDGE = 1e-6
PASS = with_fixed(LINEAR, 1.0)


def paired(model: Mixed, judge: Judge) -> Refit | None:
    """Return a sum of functions of single columns and of products of two that says what a network says.

    None where edges were asked for a shape, or may not be what they like.

    Parameters
    ----------
    model
        The network.
    judge
        With the rows to which the sum is fitted.
    """
    free = all(
        edge.family in WHOLE and edge.keeps and not edge.sign and not edge.convexity for edge in model.edges
    )
    columns = _Columns.of(model)
    if not free or len(model.bias) != 2 or len(columns.templates) < 2:
        return None
    rows = judge.rows
    fits = [
        refit(columns.scaled(factor).model((), float(model.bias[-1][0])), rows, ITERATIONS, TOLERANCE)
        for factor in FACTORS
    ]
    place = min(range(len(fits)), key=lambda k: judge.expected(fits[k]))
    best, columns = fits[place], columns.scaled(FACTORS[place])
    pairs: list[Pair] = []
    while len(pairs) < MOST and not judge.reading.should_stop():
        residual = rows.target - best.model.predict(rows.inputs)
        gain, pair = columns.strongest(residual, rows, judge.reading.seed)
        if pair is None or gain < INTERACTION:
            break
        grown = columns.with_product(best.model, pair, residual, rows)
        trial = refit(grown, rows, ITERATIONS, TOLERANCE)
        if not judge.length(trial) < judge.length(best):
            break
        best, pairs = trial, [*pairs, pair]
    return best


@dataclass(frozen=True, eq=False)
class _Columns:
    """The columns that a network reads, with a curve or a table for each."""

    templates: tuple[Edge, ...]

    @classmethod
    def of(cls, model: Mixed) -> _Columns:
        first: dict[int, Edge] = {}
        for edge in model.edges:
            if edge.layer == 0 and edge.form.name in TABULATED:
                first.setdefault(edge.source, edge)
        return cls(tuple(replace(e, theta=np.zeros(e.form.size)) for _, e in sorted(first.items())))

    def scaled(self, factor: float) -> _Columns:
        """Return the columns with other roughness weights."""
        return _Columns(tuple(replace(edge, penalty=factor * edge.penalty) for edge in self.templates))

    def model(self, pairs: Sequence[Pair], constant: float) -> Mixed:
        """Return a function of every column, and products of the pairs, all of them zero."""
        edges = [replace(edge, target=0) for edge in self.templates]
        for place, pair in enumerate(pairs):
            edges += [
                replace(self.templates[k], target=1 + 2 * place + factor) for factor, k in enumerate(pair)
            ]
        edges += [Edge(1, node, 0, PASS, np.zeros(0)) for node in range(1 + len(pairs))]
        bias = np.zeros(1 + 2 * len(pairs))
        bias[0] = constant
        # what a factor lacks of a constant, the function of the other column has
        pinned = {(0, target) for target in range(1, len(bias))} | {(1, 0)}
        return Mixed(tuple(edges), (bias, np.zeros(1)), (len(pairs), 0), frozenset(pinned))

    def strongest(self, residual: Array, rows: Rows, seed: int) -> tuple[float, Pair | None]:
        """Return the share of what is left that the cells of a pair foretell, and the pair for which it is largest."""
        numbers = [k for k, edge in enumerate(self.templates) if edge.form.name != "table"]
        tables = [k for k, edge in enumerate(self.templates) if edge.form.name == "table"]
        inputs = (
            np.column_stack([self._values(k, rows) for k in numbers])
            if numbers
            else np.zeros((len(residual), 0))
        )
        codes = [self._values(k, rows).astype(np.int64) for k in tables]
        table = np.column_stack(codes) if codes else np.zeros((len(residual), 0), dtype=np.int64)
        gain, pair = interaction_gain(residual, inputs, table, rows.precision, seed)
        order = [*numbers, *tables]
        return gain, None if pair is None else (order[pair[0]], order[pair[1]])

    def _values(self, k: int, rows: Rows) -> Array:
        edge = self.templates[k]
        z = rows.inputs[:, edge.source]
        return np.mod(z, 1.0) if edge.form.name == "cycle" else z

    def with_product(self, model: Mixed, pair: Pair, residual: Array, rows: Rows) -> Mixed:
        """Return a model with one more product, which begins as the best one of the means in the cells of the pair."""
        known = {edge.place: edge for edge in model.edges if edge.layer == 0}
        before = self._pairs(model)
        grown = self.model([*before, pair], float(model.bias[0][0]))
        grown = grown.replaced(*known.values())
        last = 1 + 2 * len(before)
        edges = []
        for factor, values in enumerate(self._best_product(pair, residual, rows)):
            edge = next(e for e in grown.edges if e.layer == 0 and e.target == last + factor)
            edges.append(replace(edge, theta=_smoothed(edge, values, rows)))
        return grown.replaced(*edges)

    def _pairs(self, model: Mixed) -> list[Pair]:
        place = {edge.source: k for k, edge in enumerate(self.templates)}
        factors = [place[e.source] for _, target in model.factors() for e in model.arriving(0, target)]
        return list(zip(factors[::2], factors[1::2], strict=True))

    def _best_product(self, pair: Pair, residual: Array, rows: Rows) -> tuple[Array, Array]:
        """Return the two factors for every row: the first singular vectors of the means in the cells."""
        places = [_cells(self._values(k, rows)) for k in pair]
        shape = tuple(int(place.max()) + 1 for place in places)
        flat = np.ravel_multi_index(tuple(places), shape)
        weight = np.bincount(flat, rows.precision, shape[0] * shape[1]).reshape(shape)
        total = np.bincount(flat, rows.precision * residual, shape[0] * shape[1]).reshape(shape)
        means = total / (weight + PRIOR * float(rows.precision.mean()))
        sides = [np.sqrt(np.maximum(weight.sum(axis=axis), 1e-300)) for axis in (1, 0)]
        left, size, right = np.linalg.svd(means * np.outer(*sides), full_matrices=False)
        root = float(np.sqrt(size[0]))
        return root * (left[:, 0] / sides[0])[places[0]], root * (right[0] / sides[1])[places[1]]


def _cells(values: Array) -> NDArray[np.int64]:
    """Return the cell of every value: one for each where they are few, else cut by quantiles."""
    known, place = np.unique(values, return_inverse=True)
    if len(known) <= 2 * CELLS:
        return np.asarray(place, dtype=np.int64)
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, CELLS + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, values, side="right"), dtype=np.int64)


def _smoothed(edge: Edge, values: Array, rows: Rows) -> Array:
    """Return the parameters with which an edge has about these values."""
    assert edge.bend is not None
    basis = edge.form.gradient(rows.inputs[:, edge.source], edge.theta)
    weighted = basis.T * rows.precision
    size = rows.total * max(edge.penalty, RIDGE)
    ridge = size * edge.bend + RIDGE * float(rows.precision.sum()) * np.eye(edge.form.size)
    return np.asarray(np.linalg.solve(weighted @ basis + ridge, weighted @ values))
