import pytest
import torch

from kanopt.kan.network import Architecture
from kanopt.kan.ranges import Penalty
from kanopt.kan.smoothing import effective_parameters, update_smoothing
from kanopt.kan.trainer import LeastSquares, QuadraticModel, TrainerOptions, train
from kanopt.kan.training import random_starts
from tests.kan.conftest import box, sample

ROWS = 80.0


@pytest.fixture
def fitted():
    data = sample(lambda x: torch.sin(3.0 * x[:, 0]) + x[:, 1] ** 2, int(ROWS), 2, noise=0.2)
    shape = Architecture(2, grid_size=6)
    network = random_starts(shape, 1, data.inputs, box(2), torch.zeros(1), torch.Generator().manual_seed(1))
    return network, data, Penalty.of(shape)


def test_effective_parameters_are_the_trace_of_the_hat_matrix(fitted):
    network, data, penalty = fitted
    matrix = penalty.matrices(torch.tensor([[1e-5, 1e-2, 1e-7]], dtype=torch.float64), ROWS)
    edf, inverse = effective_parameters(LeastSquares(data).normal_equations(network).matrix, matrix)
    _, jacobian = network.forward_and_jacobian(data.inputs)
    hat = jacobian[0, :, 0] @ inverse[0] @ jacobian[0, :, 0].T
    assert float(edf) == pytest.approx(float(hat.trace()), rel=1e-9)


def test_updates_reach_the_smoothing_of_largest_evidence(fitted):
    network, data, penalty = fitted
    model = QuadraticModel(network, LeastSquares(data).normal_equations(network), data.inputs)
    steps = TrainerOptions(iterations=3, damping=0.0)

    def solved(smoothing):
        return train(network, model, penalty.matrices(smoothing, ROWS), steps)[0]

    def evidence(smoothing):
        """E(λ) over n; of S, as of the direction that no weight reaches, the ridge is the least eigenvalue."""
        best, held = solved(smoothing), penalty.matrices(smoothing, ROWS)[0]
        theta, normal = best.theta[0], model.normal_equations(best)
        left = normal.squares[0] + theta @ held @ theta
        return ROWS * left.log() + torch.logdet(normal.matrix[0] + held) - torch.logdet(held)

    smoothing = torch.tensor([[1e-4, 1e-4, 1e-6]], dtype=torch.float64)
    for _ in range(60):
        normal = model.normal_equations(solved(smoothing))
        smoothing = update_smoothing(normal, solved(smoothing).theta, penalty, smoothing, ROWS)
    for group in range(2):
        for factor in (0.5, 2.0):
            other = smoothing.clone()
            other[:, group] *= factor
            assert evidence(other) > evidence(smoothing)
