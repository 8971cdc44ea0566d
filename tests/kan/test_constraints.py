import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kanopt.kan.architecture import Architecture
from kanopt.kan.constraints import ConstrainedCoefficients, ShapeConstraints
from kanopt.kan.fit import fit_starts
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, output, sample


def bends(run, column, at, width=2.0):
    """Second differences along one input, the other at `at`; over the data and far beyond."""
    line = torch.linspace(-width, width, 301, dtype=torch.float64)
    rows = torch.full((301, 2), at, dtype=torch.float64)
    rows[:, column] = line
    values = torch.tensor(output(run, rows.numpy()))
    return values.diff(), values.diff().diff()


@given(sign=st.sampled_from([-1, 0, 1]), bend=st.sampled_from([-1, 0, 1]), seed=st.integers(0, 1000))
def test_projected_coefficients_have_the_shape(sign, bend, seed):
    shape = Architecture(1, grid_size=6)
    constraints = ConstrainedCoefficients.of(shape, ShapeConstraints((sign,), (bend,)))
    theta = torch.randn(
        3, shape.parameters, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    if constraints is None:
        assert not sign
        assert not bend
        return
    held = constraints.project(theta)
    assert (sign * held.diff(dim=1) >= -1e-9).all()
    assert (bend * held.diff(dim=1).diff(dim=1) >= -1e-9).all()
    torch.testing.assert_close(constraints.project(held), held, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("bend", [1, -1])
@pytest.mark.parametrize("hidden", [(), (2,)])
def test_joint_convexity_holds_everywhere(hidden, bend):
    def law(x):
        return bend * (x[:, 0] + 0.5 * x[:, 1]) ** 2 + 0.3 * torch.sin(6.0 * x[:, 0])

    data = sample(law, 300, 2, noise=0.2)
    options = FitOptions(shape_constraints=ShapeConstraints(convexity=(bend, bend)), starts=2)
    shape = Architecture(2, hidden=hidden, grid_size=8)
    run = fit_starts(shape, data, box(2), torch.Generator().manual_seed(1), options)
    generator = torch.Generator().manual_seed(3)
    # Along random chords, inside the data and far beyond, the middle lies below (above) the mean of the ends.
    ends = 6.0 * torch.rand(2, 400, 2, dtype=torch.float64, generator=generator) - 3.0
    low, middle, high = (torch.tensor(output(run, p.numpy())) for p in (ends[0], ends.mean(0), ends[1]))
    assert (bend * (0.5 * (low + high) - middle) >= -1e-9).all()
    error = torch.tensor(output(run, data.inputs.numbers.numpy())) - data.target[:, 0]
    assert float(error.std()) < (0.6 if hidden else 0.75) * float(data.target.std())


def test_concave_and_rising_costs():
    data = sample(lambda x: torch.sqrt(x[:, 0] + 1.1) + torch.sin(3.0 * x[:, 1]), 300, 2, noise=0.1)
    options = FitOptions(shape_constraints=ShapeConstraints((1, 0), (-1, 0)), starts=2)
    shape = Architecture(2, hidden=(2,), grid_size=8)
    run = fit_starts(shape, data, box(2), torch.Generator().manual_seed(1), options)
    for at in (-0.7, 0.4):
        slopes, curvature = bends(run, 0, at)
        assert (slopes >= -1e-10).all()
        assert (curvature <= 1e-10).all()
        _, free = bends(run, 1, at, width=1.0)
        assert (free > 1e-4).any()
        assert (free < -1e-4).any()


@pytest.mark.parametrize(
    ("shape", "wanted", "what"),
    [
        (Architecture(2, hidden=(2,), products=(1,)), ShapeConstraints(monotonic=(1, 0)), "product node"),
        (Architecture(2, hidden=(2,)), ShapeConstraints(convexity=(1, -1)), "convex in one input"),
    ],
)
def test_what_cannot_be_held_is_refused(shape, wanted, what):
    with pytest.raises(ValueError, match=what):
        ConstrainedCoefficients.of(shape, wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        ShapeConstraints(monotonic=(1, 0)),
        ShapeConstraints(monotonic=(-1, 1), convexity=(1, 1)),
        ShapeConstraints(convexity=(-1, 0)),
    ],
)
def test_products_edge_by_edge_equal_those_of_the_matrix(wanted):
    shape = Architecture(2, cycles=1, categories=(3,), hidden=(2, 3), outputs=2, grid_size=4)
    held = ConstrainedCoefficients.of(shape, wanted)
    generator = torch.Generator().manual_seed(2)
    theta = torch.rand(2, shape.parameters, dtype=torch.float64, generator=generator) - 0.5
    torch.testing.assert_close(held.coefficients(theta), theta @ held.transform.T)
    torch.testing.assert_close(held.variables(held.coefficients(theta)), theta)
    torch.testing.assert_close(held.variables(theta), theta @ held.inverse.T)
    torch.testing.assert_close(held.gradient_to_free(theta), theta @ held.transform)
    hessian = torch.rand(2, *held.transform.shape, dtype=torch.float64, generator=generator)
    hessian = hessian + hessian.transpose(1, 2)
    torch.testing.assert_close(held.hessian_to_free(hessian), held.transform.T @ hessian @ held.transform)
    # T acts within the edges of one input: coefficients of one layer do not move with those of another.
    first = shape.layers[0].parameters
    assert (held.transform[:first, first:] == 0.0).all()
    assert held.coefficients(theta.float()).dtype == torch.float32


def test_constraints_of_a_wide_network_form_no_matrix():
    held = ConstrainedCoefficients.of(
        Architecture(20, hidden=(10,), grid_size=6), ShapeConstraints((1,) * 20)
    )
    stored = [*held.transforms, *held.inverses]
    assert sum(part.numel() for part in stored) == 2 * 30 * 9 * 9
    assert "transform" not in vars(held)
