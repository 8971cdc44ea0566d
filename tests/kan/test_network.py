from dataclasses import replace

import numpy as np
import pytest
import torch

from kanopt.kan.network import Inputs, Shape
from kanopt.kan.starts import random_starts
from tests.kan.conftest import box


def batch(shape, models=3, rows=40, seed=5):
    generator = torch.Generator().manual_seed(seed)
    numbers = 2.4 * torch.rand(rows, shape.numbers, dtype=torch.float64, generator=generator) - 1.2
    codes = [torch.randint(0, size, (rows, 1), generator=generator) for size in shape.categories]
    inputs = Inputs(numbers, torch.cat(codes, 1) if codes else torch.zeros(rows, 0, dtype=torch.int64))
    return random_starts(shape, models, inputs, box(shape.numbers), 0.3, generator), inputs


SHAPES = [
    Shape(2, (), (), 4),
    Shape(1, (3, 2), (), 3),
    Shape(2, (3,), (2,), 5),
    Shape(3, (), (3, 2), 4),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_jacobian_equals_autograd(shape):
    network, inputs = batch(shape)
    output, jacobian = network.forward_and_jacobian(inputs)
    torch.testing.assert_close(output, network.forward(inputs))

    def summed(theta):
        return replace(network, theta=theta).forward(inputs)

    full = torch.autograd.functional.jacobian(summed, network.theta)
    for model in range(len(network)):
        torch.testing.assert_close(jacobian[model], full[model, :, model], atol=1e-11, rtol=1e-9)


def test_parameter_count_and_blocks():
    shape = Shape(2, (3,), (4, 2), 5)
    network, _ = batch(shape)
    assert network.theta.shape == (3, shape.parameters)
    assert shape.parameters == (2 * 8 + 3) * 4 + 4 * 8 * 2 + 2 * 8
    assert [tuple(block.shape[1:]) for block in network.blocks()] == [(19, 4), (32, 2), (16, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_description_predicts_alike_and_its_edges_are_centred(shape):
    network, inputs = batch(shape)
    described = network.describe(1, inputs)
    numbers, codes = inputs.numbers.numpy(), inputs.codes.numpy()
    np.testing.assert_allclose(described(numbers, codes), network.forward(inputs)[1].numpy(), atol=1e-11)
    assert described.parameters.size == shape.parameters
    assert described.hidden == shape.hidden
    first = described.layers[0]
    for source in range(first.inputs):
        np.testing.assert_allclose(first.edges(source, numbers[:, source]).mean(0), 0.0, atol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        first.coefficients[0, 0, 0] = 1.0


def test_description_asks_for_codes():
    network, inputs = batch(Shape(1, (2,), (), 3))
    with pytest.raises(ValueError, match="pass their codes"):
        network.describe(0, inputs)(inputs.numbers.numpy())


def test_refined_network_is_the_same_function():
    network, inputs = batch(Shape(2, (3,), (2,), 4))
    finer = network.refined()
    assert finer.shape.grid_size == 8
    torch.testing.assert_close(finer.forward(inputs), network.forward(inputs), atol=1e-11, rtol=0.0)


def test_take_and_put():
    network, inputs = batch(Shape(2, (), (2,), 4))
    other, _ = batch(Shape(2, (), (2,), 4), seed=9)
    index = torch.tensor([2])
    mixed = network.put(index, other.take(index))
    expected = torch.cat([network.forward(inputs)[:2], other.forward(inputs)[2:]])
    torch.testing.assert_close(mixed.forward(inputs), expected)
