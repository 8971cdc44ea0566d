from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.jets import Orders, propagate
from kanopt.kan.network import KANBatch
from kanopt.kan.starts import random_starts
from tests.kan.conftest import box

EVERY = Orders.of([(0, 0), (0, 1), (1, 1)])
SHAPES = [
    Architecture(2, outputs=2, grid_size=3),
    Architecture(2, hidden=(3,), outputs=2, grid_size=3),
    Architecture(2, hidden=(3,), products=(2,), outputs=2, grid_size=3),
    Architecture(2, hidden=(3, 2), products=(1, 1), outputs=2, grid_size=3),
]


def rows(numbers: Tensor) -> InputTensors:
    return InputTensors(numbers, torch.zeros(len(numbers), 0, dtype=torch.int64))


def networks(shape: Architecture, models: int = 2) -> tuple[KANBatch, Tensor]:
    generator = torch.Generator().manual_seed(4)
    numbers = 2.0 * torch.rand(5, 2, dtype=torch.float64, generator=generator) - 1.0
    offset = torch.tensor([0.3, -1.0], dtype=torch.float64)
    network = random_starts(shape, models, rows(numbers), box(2), offset, generator)
    noise = torch.randn(network.theta.shape, dtype=torch.float64, generator=generator)
    return replace(network, theta=network.theta + 0.1 * noise), numbers


def by_functional(network: KANBatch, numbers: Tensor, theta: Tensor) -> Tensor:
    """The same jets by torch.func from the forward pass alone, (M, n, size, outputs)."""

    def at(point: Tensor) -> Tensor:
        return replace(network, theta=theta).forward(rows(point.unsqueeze(0)))[:, 0]

    def jet(point: Tensor) -> Tensor:
        slope = torch.func.jacrev(at)(point)
        bend = torch.func.jacrev(torch.func.jacrev(at))(point)
        entries = [at(point), *slope.unbind(-1)]
        entries += [bend[..., low, high] for low, high in EVERY.second]
        return torch.stack(entries, dim=1)

    return torch.stack([jet(point) for point in numbers], dim=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_jets_are_the_derivatives_of_the_forward_pass(shape: Architecture) -> None:
    network, numbers = networks(shape)
    with torch.no_grad():
        jets = propagate(network, numbers, EVERY)
    expected = by_functional(network, numbers, network.theta)
    torch.testing.assert_close(jets.outputs, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(jets.outputs[:, :, 0], network.forward(rows(numbers)))


@pytest.mark.parametrize("shape", SHAPES)
def test_jacobian_of_a_residual_is_that_of_autograd(shape: Architecture) -> None:
    network, numbers = networks(shape)

    def residual(jets: Tensor) -> Tensor:
        u, v = jets[..., 0, 0], jets[..., 0, 1]
        u_x, v_xy = jets[..., EVERY.place((0,)), 0], jets[..., EVERY.place((1, 0)), 1]
        u_xx, v_yy = jets[..., EVERY.place((0, 0)), 0], jets[..., EVERY.place((1, 1)), 1]
        return u * v + torch.sin(u_x) * v_yy + v_xy**2 - u_xx

    jets = propagate(network, numbers, EVERY)
    found = jets.jacobian(residual(jets.outputs))
    expected = torch.func.jacrev(lambda theta: residual(by_functional(network, numbers, theta)))(
        network.theta
    )
    own = expected.diagonal(dim1=0, dim2=2).movedim(-1, 0)
    torch.testing.assert_close(found, own, rtol=1e-9, atol=1e-9)


def test_pruned_coefficients_have_no_derivative() -> None:
    network, numbers = networks(SHAPES[1])
    active = torch.rand(network.theta.shape, generator=torch.Generator().manual_seed(2)) < 0.5
    network = replace(network, theta=network.theta * active, active=active)
    jets = propagate(network, numbers, EVERY)
    jacobian = jets.jacobian(jets.outputs[..., 3, 0])
    assert bool((jacobian.abs().amax(1)[~active] == 0).all())
    assert bool((jacobian.abs().amax(1)[active] > 0).any())


def test_orders_hold_the_first_derivatives_that_second_ones_need() -> None:
    orders = Orders.of([(1, 1)])
    assert orders.first == (1,)
    assert orders.holds((1,))
    assert orders.holds(())
    assert orders.holds((1, 1))
    assert not orders.holds((0,))
    assert not orders.holds((0, 1))
    assert Orders.of([]).size == 1
