"""From the nodes that a formula needs to the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.kan.description import Layer, Network, evaluate_spline
from kanopt.surrogates.compiling.parts import Additive, OneVariable, Signal
from kanopt.surrogates.compiling.splines import places, spline_through
from kanopt.surrogates.compiling.tracing import Tracer
from kanopt.surrogates.encoding import Feature, FeatureEncoding

__all__ = ["Assembly", "layers_of"]

Floats = NDArray[np.float64]

LARGEST = 20_000_000
"""Coefficients of a network at most."""
ROOM = 0.02
"""How far the range of a node reaches beyond the values of the sample, as a share of their span."""


@dataclass(frozen=True, eq=False)
class Assembly:
    """What a network is put together from.

    Parameters
    ----------
    tracer
        Knows the signals.
    total
        The output.
    encoding
        How the inputs enter.
    grid_size
        Intervals of every spline.
    """

    tracer: Tracer
    total: Additive
    encoding: FeatureEncoding
    grid_size: int


@dataclass(frozen=True, eq=False)
class _Source:
    """A signal that edges leave: its number, the ends of their splines, and its column where it is an input."""

    place: int
    signal: Signal
    ends: tuple[float, float]
    feature: Feature | None = None

    def decoded(self, z: Floats) -> Floats:
        """Return what the functions are functions of."""
        return z if self.feature is None else self.feature.decode(z)

    @property
    def encoded(self) -> Floats:
        """The signal on the sample, as its splines see it."""
        return self.signal.values if self.feature is None else self.feature.encode(self.signal.values)


def layers_of(parts: Assembly) -> Network:
    """Return the network.

    Edges have mean zero over the sample, and a bias takes their means; what has no edge is zero.

    Raises
    ------
    FormulaError
        Where it would be too large, and where an edge has no finite value on its interval.
    """
    tracer, level = parts.tracer, parts.tracer.level(parts.total)
    top = tracer.lifted(parts.total, level)
    stages: list[list[tuple[Additive, ...]]] = [[(top,)]]
    sources: list[list[int]] = []
    wanted = _needed(stages[0], ())
    for below in range(level, 0, -1):
        # a layer leads to its sums, then to its products
        ordered = sorted(wanted, key=lambda place: (len(tracer.signals[place].factors), place))
        sources.insert(0, ordered)
        stages.insert(0, [tracer.signals[place].factors for place in ordered])
        wanted = _needed(stages[0], ())
        assert all(tracer.signals[place].level == below - 1 for place in wanted)
    arriving = [sum(map(len, stage)) for stage in stages]
    leaving = [len(parts.encoding.features), *map(len, sources)]
    size = sum(a * b for a, b in zip(arriving, leaving, strict=True)) * (parts.grid_size + 3)
    if size > LARGEST:
        raise FormulaError(
            f"formula for {tracer.formula.output.name!r}: a network of {size:,} coefficients is too large, at most "
            f"{LARGEST:,}; compile parts of the formula"
        )
    layers = [_layer(parts, _inputs(parts), stages[0])]
    for nodes, stage in zip(sources, stages[1:], strict=True):
        layers.append(_layer(parts, [_source(parts, place, stage) for place in nodes], stage))
    return Network(tuple(layers))


def _needed(stage: Sequence[tuple[Additive, ...]], known: tuple[int, ...]) -> list[int]:
    return list(dict.fromkeys([*known, *(p for factors in stage for f in factors for p in f.terms)]))


def _inputs(parts: Assembly) -> list[_Source]:
    """Return the inputs in the order of the encoding: numbers, then categories."""
    inputs, signals = parts.tracer.inputs, parts.tracer.signals
    found = []
    for feature in parts.encoding.inputs:
        place = inputs[feature.name]
        numeric = feature.is_numeric
        ends = feature.bounds if numeric else (0.0, 1.0)
        found.append(_Source(place, signals[place], ends, feature if numeric else None))
    return found


def _source(parts: Assembly, place: int, stage: Sequence[tuple[Additive, ...]]) -> _Source:
    """Return a node, its range a little wider than the sample where the edges that leave it are defined there."""
    signal = parts.tracer.signals[place]
    low, high = signal.span
    room = ROOM * (high - low) or max(1e-6 * abs(low), 1e-6)
    edges = [factor.terms[place] for factors in stage for factor in factors if place in factor.terms]
    if all(np.isfinite(edge(np.array([low - room]))).all() for edge in edges):
        low -= room
    if all(np.isfinite(edge(np.array([high + room]))).all() for edge in edges):
        high += room
    if not low < high:
        raise FormulaError(f"{signal.name} has one value, {low:g}, and no room beside it")
    return _Source(place, signal, (low, high))


def _layer(parts: Assembly, sources: list[_Source], stage: Sequence[tuple[Additive, ...]]) -> Layer:
    """Return the layer from some signals to what is computed from them."""
    arriving = [factor for factors in stage for factor in factors]
    bias = np.array([factor.bias for factor in arriving])
    straight = [source for source in sources if not source.signal.categories]
    coefficients = np.zeros((len(straight), len(arriving), parts.grid_size + 3))
    tables = []
    for row, source in enumerate(straight):
        for column, factor in enumerate(arriving):
            if source.place in factor.terms:
                spline = _spline(factor.terms[source.place], source, parts.grid_size)
                mean = float(evaluate_spline(source.encoded, *source.ends, spline).mean())
                coefficients[row, column] = spline - mean
                bias[column] += mean
    for source in sources:
        if source.signal.categories:
            table = np.zeros((len(source.signal.categories), len(arriving)))
            codes = np.arange(len(table), dtype=np.float64)
            for column, factor in enumerate(arriving):
                if source.place in factor.terms:
                    values = factor.terms[source.place](codes)
                    mean = float(values[source.signal.values.astype(np.int64)].mean())
                    table[:, column] = values - mean
                    bias[column] += mean
            tables.append(table)
    lower, upper = (np.array([source.ends[end] for source in straight]) for end in (0, 1))
    products = sum(len(factors) == 2 for factors in stage)
    return Layer(lower, upper, coefficients, tuple(tables), bias, products=products)


def _spline(edge: OneVariable, source: _Source, grid_size: int) -> Floats:
    values = edge(source.decoded(places(*source.ends, grid_size)))
    if not np.isfinite(values).all():
        raise FormulaError(
            f"{edge.text} has no finite value somewhere between {source.ends[0]:g} and {source.ends[1]:g} of "
            f"{source.signal.name}; narrow the ranges"
        )
    return spline_through(values)
