import pytest
import torch

from kanopt.kan.architecture import Architecture
from kanopt.kan.edge_penalty import EdgePenalty
from kanopt.kan.penalty import Penalty

SHAPES = [
    Architecture(1, grid_size=3),
    Architecture(2, cycles=2, categories=(3, 2), hidden=(4, 3), products=(1, 0), outputs=2, grid_size=4),
    Architecture(0, categories=(4,), hidden=(2,), grid_size=2),
]


def uniform(*size, seed=2):
    return torch.rand(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_penalty_equals_the_matrix(shape):
    whole = Penalty.of(shape)
    smoothing, theta = uniform(3, whole.groups + 1), uniform(3, shape.parameters) - 0.5
    matrix = whole.matrices(smoothing, 11.0)
    expected = torch.einsum("mpq,mq->mp", matrix, theta)
    ours = EdgePenalty(shape, smoothing, 11.0)
    torch.testing.assert_close(ours.times(theta), expected, atol=1e-8, rtol=1e-9)
    some = torch.tensor([2, 0])
    torch.testing.assert_close(ours.for_models(some).times(theta[some]), expected[some], atol=1e-8, rtol=1e-9)
    assert ours.times(theta.float()).dtype == torch.float32


def test_penalty_wants_one_weight_per_group_and_the_ridge():
    with pytest.raises(
        ValueError, match=r"not \(models, 4\): one weight for each of 3 groups, and the ridge"
    ):
        EdgePenalty(Architecture(2, hidden=(3,)), torch.ones(1, 3), 1.0)
