from dataclasses import replace

import torch

from kanopt.kan.fit import EdgePlace, describe_fit, fit_starts, prune, remove_dead_nodes, remove_edges
from kanopt.kan.network import Architecture
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample


def single(law, shape, noise=0.05, rows=400, starts=4):
    data = sample(law, rows, shape.numbers, noise)
    options = FitOptions(starts=starts)
    return fit_starts(shape, data, box(shape.numbers), torch.Generator().manual_seed(2), options), data


def test_useless_input_and_node_are_pruned():
    def law(x):
        return torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)

    run, data = single(law, Architecture(3, hidden=(2,), grid_size=8))
    pruned, gone = prune(run, data, FitOptions())
    network = remove_dead_nodes(pruned.network)
    assert network.architecture.hidden == (1,)
    assert any(edge.layer == 0 and edge.source == 2 for edge in gone)
    assert network.blocks()[0][0, 2 * 11 :].abs().max() == 0.0
    truth = law(data.inputs.numbers)
    before = float((run.network.forward(data.inputs)[0, :, 0] - truth).std())
    after = float((network.forward(data.inputs)[0, :, 0] - truth).std())
    assert after <= 1.02 * before


def test_training_leaves_pruned_coefficients_at_zero():
    run, data = single(lambda x: x[:, 0] * x[:, 1], Architecture(2, hidden=(2,), grid_size=4), starts=2)
    smaller = remove_edges(run.network, (EdgePlace(0, 1, 0), EdgePlace(1, 1, 0)), data)
    kept = replace(run, network=smaller)
    fit = describe_fit(kept, data, FitOptions())
    gone = ~smaller.active[0]
    assert (smaller.theta[0][gone] == 0.0).all()
    assert fit.edf < 4 * 7 + 7


def test_dead_nodes_are_dropped_and_the_function_stays():
    run, data = single(
        lambda x: x[:, 0] * x[:, 1], Architecture(2, hidden=(3,), products=(1,), grid_size=4), starts=2
    )
    edges = (EdgePlace(1, 1, 0), EdgePlace(0, 0, 1), EdgePlace(0, 1, 1))
    smaller = remove_edges(run.network, edges, data)
    small = remove_dead_nodes(smaller)
    assert small.architecture.hidden == (2,)
    assert small.architecture.products == (1,)
    torch.testing.assert_close(small.forward(data.inputs), smaller.forward(data.inputs))
