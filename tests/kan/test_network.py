from dataclasses import replace

import numpy as np
import pytest
import torch

from kanopt.formulas import Curve, Input, Table
from kanopt.formulas.nodes import computed, postorder
from kanopt.kan.network import Architecture, InputTensors
from kanopt.kan.trainer import Data, LeastSquares
from kanopt.kan.training import random_starts
from kanopt.surrogates.curves import curves_of
from tests.kan.conftest import box


def batch(shape, models=3, rows=40, seed=5):
    generator = torch.Generator().manual_seed(seed)
    numbers = (
        2.4 * torch.rand(rows, shape.numbers + shape.cycles, dtype=torch.float64, generator=generator) - 1.2
    )
    codes = [torch.randint(0, size, (rows, 1), generator=generator) for size in shape.categories]
    inputs = InputTensors(numbers, torch.cat(codes, 1) if codes else torch.zeros(rows, 0, dtype=torch.int64))
    offset = 0.3 * torch.ones(shape.outputs, dtype=torch.float64)
    return random_starts(shape, models, inputs, box(shape.numbers), offset, generator), inputs


SHAPES = [
    Architecture(2, grid_size=4),
    Architecture(1, categories=(3, 2), grid_size=3),
    Architecture(2, categories=(3,), hidden=(2,)),
    Architecture(3, hidden=(3, 2), grid_size=4),
    Architecture(0, categories=(2, 3), hidden=(2,), grid_size=3),
    Architecture(1, cycles=2, categories=(3,), hidden=(2,), grid_size=4),
    Architecture(2, hidden=(1,), outputs=3, grid_size=3),
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
        torch.testing.assert_close(jacobian[model], full[model, :, :, model], atol=1e-11, rtol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_leaves_as_a_formula_of_curves_whose_edges_are_centred(shape):
    network, inputs = batch(shape)
    numeric = shape.numbers + shape.cycles
    names = [f"c{place}" for place in range(numeric + len(shape.categories))]
    nodes = curves_of(
        network.take(torch.tensor([1])), inputs, list(map(Input, names[:numeric])), names[numeric:]
    )
    columns = dict(zip(names, (*inputs.numbers.numpy().T, *inputs.codes.numpy().T), strict=True))
    expected = network.forward(inputs)[1].numpy()
    found = [np.broadcast_to(computed(node, columns), len(inputs)) for node in nodes]
    np.testing.assert_allclose(np.stack(found, axis=1), expected, atol=1e-11)
    edges = [
        edge for node in postorder(nodes[0]) for edge in node.children if isinstance(edge, Curve | Table)
    ]
    for edge in edges:
        np.testing.assert_allclose(computed(edge, columns).mean(), 0.0, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_refined_network_is_the_same_function(shape):
    network, inputs = batch(shape)
    finer = network.refine_grid()
    assert finer.architecture.grid_size == 2 * shape.grid_size
    torch.testing.assert_close(finer.forward(inputs), network.forward(inputs), atol=1e-11, rtol=0.0)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.numbers + shape.cycles])
def test_equations_of_numbers_with_few_values_are_those_of_all_basis_functions(shape):
    network, inputs = batch(shape, rows=300)
    numbers = inputs.numbers.clone()
    numbers[:, 0] = torch.arange(300) % 3 - 0.5
    inputs = replace(inputs, numbers=numbers)
    target = torch.randn(300, shape.outputs, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    data = Data(inputs, target, torch.linspace(0.5, 2.0, 300, dtype=torch.float64))
    prepared = data.prepared(network)
    for rows in (slice(None), torch.arange(20, 290, 3)):
        found = LeastSquares(prepared.rows(rows)).normal_equations(network)
        wanted = LeastSquares(data.rows(rows)).normal_equations(network)
        torch.testing.assert_close(vars(found), vars(wanted))
