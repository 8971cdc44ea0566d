import numpy as np
import pytest
from scipy.interpolate import BSpline

from kanopt.splines import SplineGrid

GRIDS = [SplineGrid(-2.0, 5.0, spans, periodic) for spans in (1, 2, 3, 7) for periodic in (False, True)]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_values_and_derivatives_are_those_of_scipy(grid):
    coefficients = np.random.default_rng(0).normal(size=grid.count)
    x = np.linspace(-2.0, 5.0, 41)
    knots = grid.low + grid.width * np.arange(-3, grid.spans + 4)
    spline = BSpline(knots, coefficients[np.arange(grid.spans + 3) % grid.count], 3)
    powers = grid.powers(coefficients)
    np.testing.assert_allclose(grid.values(x, powers), spline(x), atol=1e-12)
    np.testing.assert_allclose(grid.slopes(x, powers), spline(x, 1), atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_basis_gives_values_everywhere(grid):
    coefficients = np.random.default_rng(1).normal(size=grid.count)
    x = np.linspace(-9.0, 12.0, 60).reshape(5, 12)
    powers = grid.powers(coefficients)
    np.testing.assert_allclose(grid.basis(x) @ coefficients, grid.values(x, powers), atol=1e-12)
    np.testing.assert_allclose(grid.basis(x).sum(axis=-1), 1.0)
    width = 1e-6
    expected = (grid.values(x + width, powers) - grid.values(x - width, powers)) / (2.0 * width)
    np.testing.assert_allclose(grid.slopes(x, powers), expected, atol=1e-7)


def test_beyond_its_ends_a_spline_goes_on_straight():
    grid = SplineGrid(0.0, 1.0, 2)
    powers = grid.powers(np.array([1.0, 0.0, 2.0, 0.0, 1.0]))
    x = np.array([-3.0, 4.0, -np.inf])
    assert grid.slopes(x, powers).tolist() == grid.slopes(np.array([0.0, 1.0, 0.0]), powers).tolist()
    assert grid.values(x, powers)[2] == -np.inf
