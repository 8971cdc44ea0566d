import torch
from hypothesis import given
from hypothesis import strategies as st

from kanopt.kan.network import Architecture
from kanopt.kan.ranges import ConstrainedCoefficients, ShapeConstraints


@given(sign=st.sampled_from([-1, 0, 1]), seed=st.integers(0, 1000))
def test_projected_coefficients_have_the_shape(sign, seed):
    shape = Architecture(1, grid_size=6)
    constraints = ConstrainedCoefficients.of(shape, ShapeConstraints((sign,)))
    theta = torch.randn(
        3, shape.parameters, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    if constraints is None:
        assert not sign
        return
    held = constraints.project(theta)
    assert (sign * held.diff(dim=1) >= -1e-9).all()
    torch.testing.assert_close(constraints.project(held), held, atol=1e-9, rtol=1e-9)


def test_constraints_of_a_wide_network_form_no_matrix():
    held = ConstrainedCoefficients.of(
        Architecture(20, hidden=(10,), grid_size=6), ShapeConstraints((1,) * 20)
    )
    stored = [*held.transforms, *held.inverses]
    assert sum(part.numel() for part in stored) == 2 * 30 * 9 * 9
