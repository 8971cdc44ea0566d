import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from kanopt.kan.basis import block_diagonal, dense_basis, local_basis, refine, roughness
from kanopt.kan.description import evaluate_spline

ZERO, ONE = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)


def scipy_basis(x, lower, upper, grid_size, derivative):
    step = (upper - lower) / grid_size
    knots = lower + step * np.arange(-3, grid_size + 4)
    columns = [BSpline.basis_element(knots[k : k + 5], extrapolate=False) for k in range(grid_size + 3)]
    with np.errstate(invalid="ignore"):
        return np.column_stack([np.nan_to_num(column(x, nu=derivative)) for column in columns])


@pytest.mark.parametrize("derivative", [0, 1, 2])
@pytest.mark.parametrize("grid_size", [1, 2, 7])
def test_basis_equals_scipy(derivative, grid_size):
    x = np.random.default_rng(1).uniform(-2.0, 5.0, 60)
    ours = dense_basis(torch.tensor(x), -2.0 * ONE, 5.0 * ONE, grid_size, derivative)
    np.testing.assert_allclose(ours.numpy(), scipy_basis(x, -2.0, 5.0, grid_size, derivative), atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-1e3, 1e3),
    lower=st.floats(-10, 10),
    width=st.floats(1e-2, 1e3),
    grid_size=st.integers(1, 12),
)
def test_basis_sums_to_one_everywhere(x, lower, width, grid_size):
    point = torch.tensor([x], dtype=torch.float64)
    ends = torch.tensor([lower], dtype=torch.float64), torch.tensor([lower + width], dtype=torch.float64)
    first, weights = local_basis(point, *ends, grid_size)
    slack = 1e-12 * (1.0 + grid_size * abs(x - lower) / width)
    assert abs(float(weights.sum()) - 1.0) < slack
    assert 0 <= int(first) <= grid_size - 1
    assert abs(float(dense_basis(point, *ends, grid_size, 1).sum())) < 1e-9 / width * grid_size


def test_derivatives_equal_finite_differences_and_tails_are_straight():
    x = torch.tensor([-0.7, -0.2, 0.13, 0.51, 0.97, 1.4], dtype=torch.float64)
    step = 1e-6
    for order in (0, 1):
        up = dense_basis(x + step, ZERO, ONE, 5, order)
        down = dense_basis(x - step, ZERO, ONE, 5, order)
        slope = dense_basis(x, ZERO, ONE, 5, order + 1)
        torch.testing.assert_close((up - down) / (2 * step), slope, atol=2e-3, rtol=1e-6)
    curvature = dense_basis(x, ZERO, ONE, 5, 2)
    assert (curvature[[0, 1, 5]] == 0).all()
    assert (curvature[2:5].abs().sum(1) > 1).all()


def test_unknown_derivative_is_refused():
    with pytest.raises(ValueError, match="must be 0, 1 or 2"):
        local_basis(ZERO, ZERO, ONE, 3, derivative=3)


def test_numpy_spline_equals_torch_basis():
    rng = np.random.default_rng(2)
    x, coefficients = rng.uniform(-3.0, 4.0, 50), rng.normal(size=(2, 9))
    basis = dense_basis(torch.tensor(x), -ONE, 2.0 * ONE, 6).numpy()
    np.testing.assert_allclose(
        evaluate_spline(x, -1.0, 2.0, coefficients), basis @ coefficients.T, atol=1e-12
    )


def test_roughness_is_the_integrated_squared_second_derivative():
    coefficients = torch.tensor(np.random.default_rng(3).normal(size=9))
    points = torch.linspace(0.0, 1.0, 60_001, dtype=torch.float64)
    second = dense_basis(points, ZERO, ONE, 6, 2) @ coefficients
    integral = torch.trapezoid(second**2, points)
    torch.testing.assert_close(coefficients @ roughness(6) @ coefficients, integral, rtol=1e-6, atol=0.0)


def test_refined_spline_is_the_same_function():
    coefficients = torch.tensor(np.random.default_rng(4).normal(size=(3, 8)))
    x = torch.linspace(-0.5, 1.5, 41, dtype=torch.float64)
    coarse = dense_basis(x, ZERO, ONE, 5) @ coefficients.T
    fine = dense_basis(x, ZERO, ONE, 10) @ refine(coefficients).T
    torch.testing.assert_close(coarse, fine, atol=1e-12, rtol=0.0)


def test_block_diagonal():
    ours = block_diagonal([torch.ones(1, 1), 2 * torch.ones(2, 2)])
    assert ours.tolist() == [[1, 0, 0], [0, 2, 2], [0, 2, 2]]
