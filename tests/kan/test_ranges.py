import pytest
import torch

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.ranges import continue_ends
from kanopt.kan.training import random_starts
from tests.kan.conftest import box, sample

SHAPE = Architecture(2, categories=(3,), hidden=(3, 2), products=(1, 0), grid_size=4)


def setting(rows=57):
    data = sample(lambda x: x[:, 0], rows, 2)
    codes = torch.arange(rows).remainder(3).unsqueeze(1)
    inputs = InputTensors(data.inputs.numbers, codes)
    zero = torch.zeros(1, dtype=torch.float64)
    return random_starts(SHAPE, 2, inputs, box(2), zero, torch.Generator().manual_seed(3)), inputs, data


@pytest.mark.parametrize("copies", [1, 3])
def test_a_row_of_weight_k_counts_as_k_rows_at_the_ends(copies):
    network, inputs, _ = setting()
    repeated = InputTensors(inputs.numbers.repeat(copies, 1), inputs.codes.repeat(copies, 1))
    weights = torch.full((len(inputs),), float(copies), dtype=torch.float64)
    ours, theirs = continue_ends(network, inputs, weights), continue_ends(network, repeated)
    torch.testing.assert_close(ours.theta, theirs.theta)
