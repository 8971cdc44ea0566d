from dataclasses import replace

import pytest
import torch

import kanopt.kan.curvature as curvature
from kanopt.kan.architecture import Architecture
from kanopt.kan.curvature import LayerwiseCurvature
from kanopt.kan.edge_penalty import EdgePenalty
from kanopt.kan.links import Softplus
from tests.kan.test_gradient import problem


def penalised(network, smoothing=1e-5):
    groups = len(network.architecture.layers[0].widths) + len(network.architecture.hidden)
    weights = torch.full((len(network), groups + 1), smoothing, dtype=torch.float64)
    return EdgePenalty(network.architecture, weights, 45.0)


def gauss_newton(network, data, link):
    output, jacobian = network.forward_and_jacobian(data.inputs)
    if link is not None:
        jacobian = jacobian * link.slope(output).unsqueeze(-1)
    return torch.einsum("mnkp,mn,mnkq->mpq", jacobian, data.weights, jacobian)


@pytest.mark.parametrize("link", [None, Softplus()])
def test_last_layer_is_the_product_of_means(link):
    network, data = problem(Architecture(2, hidden=(3, 2), grid_size=3), rows=60)
    penalty = penalised(network)
    last = network.architecture.layers[-1]
    basis = network.layer_basis(2, network.activations(data.inputs)[1], None)
    second = torch.einsum("mna,mn,mnb->mab", basis, data.weights, basis)
    output = network.forward(data.inputs)
    slope = torch.ones_like(output) if link is None else link.slope(output)
    square = (data.weights.unsqueeze(-1) * slope**2).sum(1) / data.weights.sum(1, keepdim=True)
    block = square.unsqueeze(-1) * second + penalty.matrix(2, network.theta)
    if link is None:  # then it is the Gauss-Newton block itself
        whole = gauss_newton(network, data, link)[:, -last.parameters :, -last.parameters :]
        torch.testing.assert_close(block - penalty.matrix(2, network.theta), whole)
    gradient = torch.zeros_like(network.theta)
    gradient[:, -last.parameters :] = 1.0
    ours = LayerwiseCurvature.of(network, data, link, penalty).solve(gradient)
    assert (ours[:, : -last.parameters] == 0).all()
    there = torch.einsum("mab,mb->ma", block, ours[:, -last.parameters :])
    torch.testing.assert_close(there, torch.ones_like(there), atol=1e-3, rtol=0.0)


def test_blocks_of_hidden_nodes_differ_by_their_sensitivity():
    shape = Architecture(2, categories=(3,), hidden=(4,), products=(1,), outputs=2, grid_size=3)
    network, data = problem(shape, rows=60)
    penalty = penalised(network, 1e-3)
    solver = LayerwiseCurvature.of(network, data, None, penalty)
    layer = shape.layers[0]
    generator = torch.Generator().manual_seed(3)
    gradient = torch.zeros_like(network.theta)
    gradient[:, : layer.parameters] = torch.randn(layer.parameters, dtype=torch.float64, generator=generator)
    blocks = solver.solve(gradient)[:, : layer.parameters].reshape(3, layer.width, layer.subnodes)
    wanted = gradient[:, : layer.parameters].reshape(3, layer.width, layer.subnodes)
    basis = network.layer_basis(0, data.inputs.numbers, data.inputs.codes)
    second = torch.einsum("na,mn,nb->mab", basis, data.weights, basis)
    (_, squares), _ = curvature._moments(network, data, None)
    assert squares.shape == (3, layer.subnodes)
    for node in range(layer.subnodes):
        block = squares[:, node, None, None] * second + penalty.matrix(0, network.theta)
        there = torch.einsum("mab,mb->ma", block, blocks[..., node])
        torch.testing.assert_close(there, wanted[..., node], atol=1e-4, rtol=1e-4)


def test_wide_layers_keep_the_diagonal(monkeypatch):
    network, data = problem(Architecture(2, hidden=(3,), grid_size=3))
    penalty = penalised(network)
    monkeypatch.setattr(curvature, "WIDE", 12)
    solver = LayerwiseCurvature.of(network, data, None, penalty)
    assert solver.layers[0].root is not None
    assert solver.layers[1].root is None
    whole = gauss_newton(network, data, None)
    last = network.architecture.layers[-1].parameters
    diagonal = (whole.diagonal(dim1=1, dim2=2)[:, -last:]) + penalty.matrix(1, network.theta).diagonal(
        dim1=1, dim2=2
    )
    gradient = torch.zeros_like(network.theta)
    gradient[:, -last:] = diagonal
    torch.testing.assert_close(solver.solve(gradient)[:, -last:], torch.ones(3, last).double())


def test_float32_and_parts_of_the_batch():
    network, data = problem(Architecture(2, hidden=(3,), grid_size=3))
    solver = LayerwiseCurvature.of(network, data, None, penalised(network))
    gradient = torch.ones_like(network.theta)
    some = torch.tensor([2, 0])
    torch.testing.assert_close(solver.take(some).solve(gradient[some]), solver.solve(gradient)[some])
    small = replace(network, theta=network.theta.float())
    rough = LayerwiseCurvature.of(small, data, None, penalised(network)).solve(gradient.float())
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough.double(), solver.solve(gradient), rtol=0.05, atol=0.05)


def test_a_network_that_is_no_number_does_not_break_it():
    network, data = problem(Architecture(2, hidden=(3,), grid_size=3))
    network.theta[1] = torch.nan
    gradient = torch.ones_like(network.theta)
    solved = LayerwiseCurvature.of(network, data, None, penalised(network)).solve(gradient)
    assert torch.isfinite(solved).all()
