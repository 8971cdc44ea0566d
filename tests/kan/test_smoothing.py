import pytest
import torch

from kanopt.kan.network import Architecture
from kanopt.kan.ranges import Penalty
from kanopt.kan.smoothing import GaussNewtonModel, effective_parameters, gcv_score
from kanopt.kan.trainer import LeastSquares
from kanopt.kan.training import random_starts
from tests.kan.conftest import box, sample


def test_score_of_the_linear_model_equals_the_score_of_the_refit():
    data = sample(lambda x: torch.sin(3.0 * x[:, 0]) + x[:, 1], 80, 2, noise=0.2)
    shape = Architecture(2, grid_size=6)
    network = random_starts(shape, 1, data.inputs, box(2), torch.zeros(1), torch.Generator().manual_seed(1))
    penalty = Penalty.of(shape)
    normal = LeastSquares(data).normal_equations(network)
    model = GaussNewtonModel(normal, network.theta, penalty, 80.0, 80.0, 0.0)
    smoothing = torch.tensor([[1e-5, 1e-2, 1e-7]], dtype=torch.float64)
    matrix = penalty.matrices(smoothing, 80.0)
    edf, inverse = effective_parameters(normal.matrix, matrix)
    _, jacobian = network.forward_and_jacobian(data.inputs)
    jacobian, target = jacobian[0, :, 0], data.target[:, 0]
    theta = inverse[0] @ jacobian.T @ target
    squares = (target - jacobian @ theta).square().sum()
    expected = gcv_score(squares.reshape(1), edf, 80.0)
    torch.testing.assert_close(model.score(smoothing), expected, rtol=1e-7, atol=0.0)
    hat = jacobian @ inverse[0] @ jacobian.T
    assert float(edf) == pytest.approx(float(hat.trace()), rel=1e-9)
