"""Polygons around functions of straight pieces: they hold the graph, and shrink to it where they are refined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from kanopt.formulas.lowering.program import Pieces
from kanopt.solvers.polygons import IntervalPartition, Polygons, Side

NUMBERS = st.floats(-10, 10).map(lambda value: round(value, 3))


@st.composite
def functions(draw: st.DrawFn) -> Pieces:
    steps = draw(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=12))
    x = np.concatenate([[0.0], np.cumsum(steps)])
    start = draw(st.lists(NUMBERS, min_size=len(steps), max_size=len(steps)))
    jumps = draw(st.booleans())
    stop = draw(st.lists(NUMBERS, min_size=len(steps), max_size=len(steps))) if jumps else [*start[1:], 0.0]
    return Pieces(tuple(x), tuple(start), tuple(stop))


def reach(polygons: Polygons, at: float) -> tuple[float, float]:
    """Return the lowest and the highest value that some polygon has at a place, by linear programming."""
    low, high = np.inf, -np.inf
    for polygon in range(polygons.count):
        own = polygons.polygon == polygon
        rows, values = np.stack([polygons.x[own], np.ones(int(own.sum()))]), polygons.y[own]
        for sign in (1.0, -1.0):
            found = linprog(sign * values, A_eq=rows, b_eq=[at, 1.0], bounds=(0.0, 1.0))
            if found.status == 0:
                low, high = min(low, float(values @ found.x)), max(high, float(values @ found.x))
    return low, high


@pytest.mark.slow
@given(functions(), st.sampled_from([Side.BELOW, Side.ABOVE, Side.BOTH]), st.integers(1, 6), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_the_graph_is_inside_whatever_the_intervals(
    pieces: Pieces, side: Side, parts: int, share: float
) -> None:
    partition = IntervalPartition(pieces, side, parts)
    at = pieces.low + share * (pieces.high - pieces.low)
    value = float(pieces.at(np.array([at]))[0])
    for _ in range(2):
        low, high = reach(partition.polygons(), at)
        if Side.BELOW in side:
            assert low <= value + 1e-6
        if Side.ABOVE in side:
            assert high >= value - 1e-6
        partition.refine(at)


@given(functions(), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_the_lowest_point_is_a_mixture_of_two_corners_of_a_polygon(pieces: Pieces, share: float) -> None:
    polygons = IntervalPartition(pieces, Side.BELOW).polygons()
    at = pieces.low + share * (pieces.high - pieces.low)
    found = polygons.lowest(at)
    assert found.value == pytest.approx(reach(polygons, at)[0], abs=1e-6)
    ends, mixture = [found.left, found.right], np.array([1.0 - found.share, found.share])
    assert mixture @ polygons.x[ends] == pytest.approx(at)
    assert polygons.polygon[found.left] == polygons.polygon[found.right]
    cut = polygons.up_to(at)
    assert (cut.x[-1], cut.y[-1]) == (pytest.approx(at), pytest.approx(found.value))
