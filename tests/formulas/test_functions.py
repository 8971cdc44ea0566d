import math

import numpy as np
import pytest

from kanopt.formulas import FUNCTIONS

POINTS = np.array([-2.3, -0.7, 0.4, 1.0, 3.1])


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_derivative_is_the_slope_of_the_value(name):
    function = FUNCTIONS[name]
    x = POINTS[function.low + 0.1 < POINTS]
    step = 1e-6
    slope = (function.value(x + step) - function.value(x - step)) / (2 * step)
    np.testing.assert_allclose(function.derivative(x), slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_and_its_derivatives_turn_where_they_say_and_nowhere_else(name):
    function = FUNCTIONS[name]
    grid = np.linspace(max(function.low + 0.01, -8.0), 8.0, 40_000)
    for compute, turns in zip(
        (function.value, function.derivative, function.second_derivative), function.extrema, strict=True
    ):
        change = np.diff(compute(grid))
        moving = np.abs(change) > 1e-13 * np.abs(compute(grid)).max()
        places, signs = grid[1:][moving], np.sign(change[moving])
        found = places[1:][signs[1:] != signs[:-1]]
        if np.isinf(function.period):
            expected = np.array(turns)
        else:
            expected = turns[0] + function.period * np.arange(-4, 5)
            expected = expected[np.abs(expected) < 8.0]
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("logistic", 0.0, 0.5),
        ("logistic", -800.0, 0.0),
        ("softplus", 800.0, 800.0),
        ("softplus", 0.0, math.log(2)),
        ("relu", -3.0, 0.0),
        ("log1p", 0.0, 0.0),
        ("atan", 1.0, math.pi / 4),
    ],
)
def test_known_values_without_overflow(name, x, expected):
    assert FUNCTIONS[name].value(np.array(x)) == pytest.approx(expected, abs=1e-15)
