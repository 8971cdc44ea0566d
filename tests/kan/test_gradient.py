from dataclasses import replace

import pytest
import torch

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.gradient import squares, squares_and_gradient
from kanopt.kan.links import Logistic, Softplus
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.starts import random_starts

SHAPES = [
    Architecture(2, grid_size=4),
    Architecture(3, hidden=(4,), grid_size=1),
    Architecture(2, cycles=1, categories=(3, 2), hidden=(4, 3), products=(1, 2), outputs=2, grid_size=4),
    Architecture(2, hidden=(3, 2, 2), outputs=3, grid_size=12),
]


def problem(shape, models=3, rows=45, seed=1):
    """Random networks whose hidden nodes go past their ranges, and rows with a set of weights per network."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*size):
        return torch.rand(*size, dtype=torch.float64, generator=generator)

    codes = [torch.randint(0, size, (rows, 1), generator=generator) for size in shape.categories]
    empty = torch.zeros(rows, 0, dtype=torch.int64)
    inputs = InputTensors(
        1.6 * uniform(rows, shape.numbers + shape.cycles) - 0.3, torch.cat([empty, *codes], 1)
    )
    bounds = torch.zeros(shape.numbers).double(), torch.ones(shape.numbers).double()
    network = random_starts(shape, models, inputs, bounds, uniform(shape.outputs), generator)
    theta = 0.5 * torch.randn(network.theta.shape, dtype=torch.float64, generator=generator)
    data = Data(inputs, 3.0 * uniform(rows, shape.outputs), uniform(models, rows))
    return replace(network, theta=theta), data


@pytest.mark.parametrize("link", [None, Softplus(), Logistic(high=4.0)])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_minus_the_jacobian_times_the_weighted_residual(shape, link):
    network, data = problem(shape)
    normal = LeastSquares(data, link).normal_equations(network)
    total, gradient = squares_and_gradient(network, data, link)
    torch.testing.assert_close(total, normal.squares, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(gradient, -normal.vector, rtol=1e-10, atol=1e-12 * float(gradient.abs().max()))
    torch.testing.assert_close(squares(network, data, link), total, rtol=1e-14, atol=0.0)


def test_gradient_equals_finite_differences():
    network, data = problem(SHAPES[2], models=1)
    data = replace(data, weights=data.weights[0])
    _, gradient = squares_and_gradient(network, data)
    step = 1e-5
    for place in range(0, network.architecture.parameters, 17):
        change = torch.zeros_like(network.theta)
        change[:, place] = step
        up = squares(replace(network, theta=network.theta + change), data)
        down = squares(replace(network, theta=network.theta - change), data)
        slope = float((0.5 * (up - down) / (2.0 * step))[0])
        assert slope == pytest.approx(float(gradient[0, place]), rel=1e-6, abs=1e-6)


def test_rows_in_blocks_give_the_same_as_one_block():
    network, data = problem(SHAPES[2])
    whole = squares_and_gradient(network, data, rows=len(data))
    for rows in (1, 7, 44):
        pieces = squares_and_gradient(network, data, rows=rows)
        torch.testing.assert_close(pieces[0], whole[0], rtol=1e-13, atol=0.0)
        torch.testing.assert_close(pieces[1], whole[1], rtol=0.0, atol=1e-12 * float(whole[1].abs().max()))


def test_room_does_not_grow_with_the_rows(monkeypatch):
    network, data = problem(Architecture(2, hidden=(8, 8)), models=2, rows=3_000)
    sizes = []
    original = torch.Tensor.new_empty

    def noted(tensor, *size, **settings):
        made = original(tensor, *size, **settings)
        sizes.append(made.numel())
        return made

    monkeypatch.setattr(torch.Tensor, "new_empty", noted)
    squares_and_gradient(network, data, rows=50)
    assert max(sizes) <= 3 * 2 * 50 * 8 * 8
    assert len(sizes) < 20 + 2 * 3_000 // 50  # the hidden layers' room is made once, not block by block


def test_float32_gives_the_gradient_to_its_precision():
    network, data = problem(SHAPES[3])
    total, gradient = squares_and_gradient(network, data)
    small = replace(
        network,
        theta=network.theta.float(),
        lower=tuple(bound.float() for bound in network.lower),
        upper=tuple(bound.float() for bound in network.upper),
        offset=network.offset.float(),
    )
    rough_total, rough = squares_and_gradient(small, data)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough_total, total, rtol=1e-4, atol=0.0)
    assert float((rough - gradient).norm() / gradient.norm()) < 1e-4


def test_pruned_coefficients_have_no_gradient():
    network, data = problem(SHAPES[1])
    active = torch.ones_like(network.theta, dtype=torch.bool)
    active[:, :4] = False
    _, whole = squares_and_gradient(network, data)
    _, gradient = squares_and_gradient(replace(network, active=active), data)
    assert (gradient[:, :4] == 0).all()
    torch.testing.assert_close(gradient[:, 4:], whole[:, 4:])
