import pytest
import torch

from kanopt.kan import network as module
from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.objective import LeastSquares
from kanopt.kan.ranges import continue_ends, refit_ranges
from kanopt.kan.training import random_starts
from tests.kan.conftest import box, sample

SHAPE = Architecture(2, categories=(3,), hidden=(3, 2), products=(1, 0), grid_size=4)


def setting(rows=57):
    data = sample(lambda x: x[:, 0], rows, 2)
    codes = torch.arange(rows).remainder(3).unsqueeze(1)
    inputs = InputTensors(data.inputs.numbers, codes)
    zero = torch.zeros(1, dtype=torch.float64)
    return random_starts(SHAPE, 2, inputs, box(2), zero, torch.Generator().manual_seed(3)), inputs, data


def everything(network, inputs, data):
    """All that is worked out over rows, but not row by row."""
    moved = refit_ranges(network, inputs.rows(slice(0, 20)), slack=0.0)
    described = network.describe(1, inputs, data.weights)
    outputs = LeastSquares(data).outputs(network, inputs)
    return moved.theta, *moved.lower, continue_ends(network, inputs).theta, described.parameters, outputs


def test_rows_are_walked_in_blocks_and_nothing_else_changes(monkeypatch):
    whole = everything(*setting())
    monkeypatch.setattr(module, "BLOCK_BYTES", 16 * 2 * 21 * 10)
    seen = []
    activations = module.KANBatch.activations
    monkeypatch.setattr(
        module.KANBatch,
        "activations",
        lambda self, inputs: seen.append(len(inputs)) or activations(self, inputs),
    )
    for ours, theirs in zip(everything(*setting()), whole, strict=True):
        torch.testing.assert_close(torch.as_tensor(ours), torch.as_tensor(theirs), rtol=1e-9, atol=1e-12)
    assert max(seen) <= 20


@pytest.mark.parametrize("copies", [1, 3])
def test_a_row_of_weight_k_counts_as_k_rows_at_the_ends(copies):
    network, inputs, _ = setting()
    repeated = InputTensors(inputs.numbers.repeat(copies, 1), inputs.codes.repeat(copies, 1))
    weights = torch.full((len(inputs),), float(copies), dtype=torch.float64)
    ours, theirs = continue_ends(network, inputs, weights), continue_ends(network, repeated)
    torch.testing.assert_close(ours.theta, theirs.theta)
