import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from kanopt.kan.basis import (
    dense_basis,
    periodic_basis,
    periodic_roughness,
    refine,
    refine_periodic,
    roughness,
)

ZERO, ONE = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)


def scipy_basis(x, lower, upper, grid_size, derivative):
    step = (upper - lower) / grid_size
    knots = lower + step * np.arange(-3, grid_size + 4)
    columns = [BSpline.basis_element(knots[k : k + 5], extrapolate=False) for k in range(grid_size + 3)]
    with np.errstate(invalid="ignore"):
        return np.column_stack([np.nan_to_num(column(x, nu=derivative)) for column in columns])


@pytest.mark.parametrize("derivative", [0, 1])
@pytest.mark.parametrize("grid_size", [1, 2, 7, 30])
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
    slack = 1e-12 * (1.0 + grid_size * abs(x - lower) / width)
    assert abs(float(dense_basis(point, *ends, grid_size).sum()) - 1.0) < slack
    assert abs(float(dense_basis(point, *ends, grid_size, 1).sum())) < 1e-9 / width * grid_size


def bends(basis, points):
    """Return the second derivatives of basis functions between points, by differences of the first."""
    return basis.diff(dim=0) / points.diff()[:, None]


def test_roughness_is_the_integrated_squared_second_derivative():
    coefficients = torch.tensor(np.random.default_rng(3).normal(size=9))
    points = torch.linspace(0.0, 1.0, 60_001, dtype=torch.float64)
    second = bends(dense_basis(points, ZERO, ONE, 6, 1), points) @ coefficients
    integral = (second**2).mean()
    torch.testing.assert_close(coefficients @ roughness(6) @ coefficients, integral, rtol=1e-6, atol=0.0)


def test_refined_spline_is_the_same_function():
    coefficients = torch.tensor(np.random.default_rng(4).normal(size=(3, 8)))
    x = torch.linspace(-0.5, 1.5, 41, dtype=torch.float64)
    coarse = dense_basis(x, ZERO, ONE, 5) @ coefficients.T
    fine = dense_basis(x, ZERO, ONE, 10) @ refine(coefficients).T
    torch.testing.assert_close(coarse, fine, atol=1e-12, rtol=0.0)


@pytest.mark.parametrize("derivative", [0, 1])
@pytest.mark.parametrize(("grid_size", "points"), [(5, 23), (8, 3000), (9, 3000), (10, 9000), (30, 6000)])
def test_blocks_and_fine_grids_equal_scipy_and_go_on_straight(grid_size, points, derivative):
    generator = torch.Generator().manual_seed(7)
    x = 3.0 * torch.rand(2, points, 2, dtype=torch.float64, generator=generator) - 1.0
    x[0, :3, 0] = torch.tensor([0.0, 1.0, 0.2])
    lower, upper = torch.tensor([0.0, -0.3]).double(), torch.tensor([1.0, 0.9]).double()
    ours = dense_basis(x, lower, upper, grid_size, derivative)
    scale = float(grid_size) ** (derivative + 1)
    for column, (low, high) in enumerate(zip(lower.tolist(), upper.tolist(), strict=True)):
        at = x[..., column].numpy().ravel()
        inside = np.clip(at, low, high)
        expected = scipy_basis(inside, low, high, grid_size, derivative)
        if not derivative:
            expected += scipy_basis(inside, low, high, grid_size, 1) * (at - inside)[:, None]
        found = ours[..., column, :].reshape(len(at), -1)
        torch.testing.assert_close(found, torch.tensor(expected), atol=4e-15 * scale, rtol=1e-13)
    single = dense_basis(x.float(), lower.float(), upper.float(), grid_size, derivative)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), ours, atol=1e-5 * scale, rtol=1e-4)


def test_not_a_number_stays_one_and_hurts_nobody_else():
    x = torch.tensor([float("nan"), 0.3], dtype=torch.float64)
    for grid_size in (5, 30):
        basis = dense_basis(x, ZERO, ONE, grid_size)
        assert basis[0].isnan().any()
        assert abs(float(basis[1].sum()) - 1.0) < 1e-12


def test_second_derivatives_and_ranges_are_differentiated_too():
    x = torch.tensor([0.11, 0.37, 0.82, 1.4], dtype=torch.float64, requires_grad=True)
    lower, upper = ZERO.clone().requires_grad_(), ONE.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda *ends: dense_basis(*ends, 4), (x, lower, upper))
    assert torch.autograd.gradgradcheck(lambda x: dense_basis(x, ZERO, ONE, 4), (x,))


@pytest.mark.parametrize("grid_size", [1, 2, 3, 4, 7, 24])
def test_cyclic_basis_is_periodic_smooth_and_sums_to_one(grid_size):
    x = torch.linspace(-1.3, 2.2, 57, dtype=torch.float64)
    basis = periodic_basis(x, grid_size)
    assert basis.shape == (57, grid_size)
    torch.testing.assert_close(basis.sum(-1), torch.ones_like(x))
    torch.testing.assert_close(periodic_basis(x + 3.0, grid_size), basis, atol=1e-12, rtol=0.0)
    assert (periodic_basis(torch.arange(grid_size) / grid_size, grid_size).argmax(1).diff() > 0).all()
    seam = torch.tensor([-1e-9, 1e-9], dtype=torch.float64)
    for order in (0, 1):
        before, after = periodic_basis(seam, grid_size, order)
        torch.testing.assert_close(before, after, atol=1e-7 * grid_size**3, rtol=0.0)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(periodic_basis(x, grid_size)[:, 0].sum(), x)
    torch.testing.assert_close(slope, periodic_basis(x.detach(), grid_size, 1)[:, 0])


@pytest.mark.parametrize("grid_size", [1, 2, 3, 6])
def test_cyclic_roughness_and_refinement(grid_size):
    coefficients = torch.tensor(np.random.default_rng(9).normal(size=grid_size))
    points = torch.linspace(0.0, 1.0, 30_001, dtype=torch.float64)
    integral = ((bends(periodic_basis(points, grid_size, 1), points) @ coefficients) ** 2).mean()
    ours = coefficients @ periodic_roughness(grid_size) @ coefficients
    torch.testing.assert_close(ours, integral, rtol=1e-6, atol=1e-9)
    coarse = periodic_basis(points, grid_size) @ coefficients
    fine = periodic_basis(points, 2 * grid_size) @ refine_periodic(coefficients)
    torch.testing.assert_close(fine, coarse, atol=1e-12, rtol=0.0)
