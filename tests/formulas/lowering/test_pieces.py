"""Piecewise linear functions against numpy's interpolation and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Pieces

numbers = st.floats(-5.0, 5.0).map(lambda value: round(value, 2))


@st.composite
def polylines(draw):
    x = sorted(draw(st.sets(numbers, min_size=2, max_size=9)))
    y = draw(st.lists(numbers, min_size=len(x), max_size=len(x)))
    return Pieces.through(x, y)


@given(polylines())
def test_values_are_those_of_interpolation(pieces):
    x = np.linspace(pieces.low, pieces.high, 101)
    y = (*pieces.start, pieces.stop[-1])
    assert pieces.at(x) == pytest.approx(np.interp(x, pieces.x, y), abs=1e-9)
    assert pieces.before(x) == pytest.approx(pieces.at(x), abs=1e-9)
    assert pieces.jumps == ()


@given(polylines(), st.floats(0.0, 4.0), st.floats(0.0, 4.0))
@settings(max_examples=60)
def test_spread_is_the_largest_change_within_reach(pieces, down, up):
    falls, rises = pieces.spread(down, up)
    x = np.unique(np.concatenate([np.linspace(pieces.low, pieces.high, 90), pieces.x]))
    ends = np.concatenate([x, np.asarray(pieces.x) - down, np.asarray(pieces.x) + up, pieces.x])
    z = np.unique(np.clip(ends, pieces.low, pieces.high))
    x = np.unique(
        np.concatenate(
            [x, np.clip(z + down, pieces.low, pieces.high), np.clip(z - up, pieces.low, pieces.high)]
        )
    )
    near = (z - x[:, None] >= -down - 1e-12) & (z - x[:, None] <= up + 1e-12)
    change = np.where(near, pieces.at(z) - pieces.at(x)[:, None], 0.0)
    assert rises == pytest.approx(change.max(), abs=1e-7)
    assert falls == pytest.approx(-change.min(), abs=1e-7)


def test_spread_passes_over_jumps():
    stairs = Pieces((0.0, 1.0, 2.0), (0.0, 5.0), (1.0, 6.0))
    assert stairs.spread(0.5, 0.5) == (0.5, 0.5)


@given(polylines(), numbers, st.floats(0.01, 20.0))
def test_extended_is_the_same_within_and_goes_on_beyond(pieces, low, width):
    wider = pieces.extended(low, low + width)
    assert (wider.low, wider.high) == (low, low + width)
    x = np.linspace(low, low + width, 50)
    assert wider.at(x) == pytest.approx(pieces.at(x), abs=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "shape", "direction"),
    [
        ((0, 1, 2), (0, 1, 3), "convex", 1),
        ((0, 1, 2), (3, 1, 0), "convex", -1),
        ((0, 1, 2), (0, 2, 1), "concave", 0),
        ((0, 1, 2, 3), (0, 2, 1, 4), "neither", 0),
        ((0, 1), (0, 2), "linear", 1),
        ((0, 1), (2, 2), "linear", 1),
    ],
)
def test_shape_and_direction(x, y, shape, direction):
    pieces = Pieces.through(x, y)
    assert (pieces.shape, pieces.direction) == (shape, direction)


def test_a_convex_function_is_the_largest_of_its_lines():
    x = np.linspace(0.0, 3.0, 12)
    pieces = Pieces.through(x, np.exp(x))
    fine = np.linspace(0.0, 3.0, 500)
    lines = [y + s * (fine - a) for a, y, s in zip(pieces.x, pieces.start, pieces.slopes, strict=False)]
    assert pieces.shape == "convex"
    assert np.max(lines, axis=0) == pytest.approx(pieces.at(fine))


def test_jumps_belong_to_the_right():
    stairs = Pieces((0.0, 1.0, 2.0, 2.0), (1.0, 3.0, 9.0), (2.0, 3.0, 9.0))
    assert stairs.at(np.array([0.0, np.nextafter(1.0, 0.0), 1.0, 1.5, 2.0])).tolist() == pytest.approx(
        [1, 2, 3, 3, 9]
    )
    assert stairs.before(np.array([1.0, 2.0])).tolist() == [2.0, 3.0]
    assert [(jump.x, jump.before, jump.after) for jump in stairs.jumps] == [(1.0, 2.0, 3.0), (2.0, 3.0, 9.0)]
    assert stairs.shape == "neither"
    assert stairs.values == (1.0, 9.0)
    assert stairs.shifted(1.0).start == (2.0, 4.0, 10.0)
    assert stairs.extended(0.5, 2.0).x == (0.5, 1.0, 2.0, 2.0)
    assert stairs.extended(0.5, 1.5).x == (0.5, 1.0, 1.5)


@pytest.mark.parametrize(
    ("x", "start", "stop", "message"),
    [
        ((0.0, 1.0), (0.0, 1.0), (1.0,), "need as many ends"),
        ((0.0, 1.0), (), (), "need as many ends"),
        ((0.0, 0.0, 1.0), (0.0, 1.0), (1.0, 2.0), "must ascend"),
        ((1.0, 0.0), (0.0,), (1.0,), "must ascend"),
        ((0.0, math.inf), (0.0,), (1.0,), "must be finite"),
    ],
)
def test_what_is_no_function_is_refused(x, start, stop, message):
    with pytest.raises(FormulaError, match=message):
        Pieces(x, start, stop)
