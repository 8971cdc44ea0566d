import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import FUNCTIONS
from kanopt.formulas.shapes.ranges import range_over

SMOOTH = sorted(name for name, function in FUNCTIONS.items() if not function.kinked)


@given(st.sampled_from(SMOOTH), st.sampled_from([0, 1, 2]), st.floats(-12, 12), st.floats(0.0, 9.0))
def test_ranges_hold_every_value_and_no_more_than_a_grid_misses(name, order, low, width):
    function = FUNCTIONS[name]
    low = max(low, function.low + 0.01)
    compute = (function.value, function.derivative, function.second_derivative)[order]
    grid = np.linspace(low, low + width, 2001)
    values = compute(grid)
    least, most = (float(end[0]) for end in range_over(function, order, grid[:1], grid[-1:]))
    assert least <= values.min()
    assert most >= values.max()
    missed = np.abs(np.diff(values)).max() + 1e-12 * np.abs(values).max() + 1e-300
    assert least >= values.min() - missed
    assert most <= values.max() + missed


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_range_over_many_intervals_is_that_of_one_interval_at_a_time(name):
    function = FUNCTIONS[name]
    low = np.array([-3.0, -0.5, 0.0, 0.25, 2.0, 1e8 if name in ("sin", "cos") else 99.0])
    high = np.array([3.0, 0.5, 4.0, 7.0, 2.0, 2e8 if name in ("sin", "cos") else 120.0])
    least, most = range_over(function, 0, low, high)
    for place in range(len(low)):
        alone = range_over(function, 0, low[place : place + 1], high[place : place + 1])
        assert (least[place], most[place]) == (alone[0][0], alone[1][0])


@given(st.sampled_from(sorted(FUNCTIONS)), st.floats(-20, 20), st.floats(0, 30), st.floats(0, 1))
def test_the_range_holds_every_value_within_the_domain(name, low, width, part):
    function = FUNCTIONS[name]
    high = low + width
    x = low + part * width
    if x > function.low and low <= x <= high:
        least, most = range_over(function, 0, np.array([low]), np.array([high]))
        value = float(function.value(np.array(x)))
        assert least[0] <= value <= most[0]


@pytest.mark.parametrize("turns", [0, 3, -5])
def test_waves_reach_their_peak_only_where_it_lies_inside(turns):
    start = 2 * math.pi * turns

    def over(name, low, high):
        least, most = range_over(FUNCTIONS[name], 0, np.array([low]), np.array([high]))
        return pytest.approx((float(least[0]), float(most[0])), rel=1e-12)

    assert over("sin", start + 1.0, start + 2.0) == (min(math.sin(1.0), math.sin(2.0)), 1.0)
    assert over("sin", start + 0.1, start + 0.2) == (math.sin(0.1), math.sin(0.2))
    assert over("cos", start + 3.0, start + 3.3) == (-1.0, math.cos(3.3))
    assert over("cos", -math.inf, 3.0) == (-1.0, 1.0)


def test_a_kink_takes_both_slopes_and_bends_without_bound():
    low, high = np.array([-2.0, 1.0, -2.0, 0.0, -2.0]), np.array([3.0, 2.0, -1.0, 2.0, 0.0])
    assert np.array(range_over(FUNCTIONS["abs"], 1, low, high)).T.tolist() == [
        [-1, 1],
        [1, 1],
        [-1, -1],
        [1, 1],
        [-1, -1],
    ]
    assert range_over(FUNCTIONS["relu"], 1, low, high)[0].tolist() == [0, 1, 0, 1, 0]
    # at an end of an interval the kink lies between it and the next
    assert range_over(FUNCTIONS["abs"], 2, low, high)[1].tolist() == [math.inf, 0, 0, math.inf, math.inf]
    assert range_over(FUNCTIONS["relu"], 2, low, high)[0].tolist() == [0] * 5


def test_ends_of_the_domain_and_of_the_world():
    slope = range_over(FUNCTIONS["sqrt"], 1, np.array([-1.0]), np.array([4.0]))
    bend = range_over(FUNCTIONS["log"], 2, np.array([0.0]), np.array([math.inf]))
    wave = range_over(FUNCTIONS["cos"], 1, np.array([-math.inf]), np.array([5.0]))
    flat = range_over(FUNCTIONS["atan"], 2, np.array([-math.inf]), np.array([math.inf]))
    assert (float(slope[0][0]), float(slope[1][0])) == (pytest.approx(0.25), math.inf)
    assert (float(bend[0][0]), float(bend[1][0])) == (-math.inf, 0)
    assert (float(wave[0][0]), float(wave[1][0])) == pytest.approx((-1, 1))
    assert float(flat[1][0]) == pytest.approx(3 * math.sqrt(3) / 8)
