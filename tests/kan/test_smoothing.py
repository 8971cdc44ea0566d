import math

import pytest
import torch

from kanopt.kan.architecture import Architecture
from kanopt.kan.objective import LeastSquares, NormalEquations
from kanopt.kan.penalty import Penalty
from kanopt.kan.robust import residual_scale, robust_weights, weighted_median
from kanopt.kan.smoothing import GaussNewtonModel, effective_parameters, gcv_score, update_smoothing
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


def test_evidence_is_the_marginal_likelihood_of_the_targets():
    data = sample(lambda x: torch.sin(3.0 * x[:, 0]) + x[:, 1], 50, 2, noise=0.2)
    shape = Architecture(2, grid_size=4)
    network = random_starts(shape, 1, data.inputs, box(2), torch.zeros(1), torch.Generator().manual_seed(1))
    penalty = Penalty.of(shape)
    normal = LeastSquares(data).normal_equations(network)
    model = GaussNewtonModel(normal, network.theta, penalty, 50.0, 50.0, 0.0, "evidence")
    _, jacobian = network.forward_and_jacobian(data.inputs)
    jacobian, target = jacobian[0, :, 0], data.target[:, 0]
    eye = torch.eye(50, dtype=torch.float64)
    scores, likelihoods = [], []
    for weight in (1e-6, 1e-4, 1e-2):
        smoothing = torch.tensor([[weight, weight, 1e-3]], dtype=torch.float64)
        spread = eye + jacobian @ torch.linalg.solve(penalty.matrices(smoothing, 50.0)[0], jacobian.T)
        variance = float(target @ torch.linalg.solve(spread, target)) / 50.0
        likelihoods.append(torch.logdet(spread) + 50.0 * math.log(variance))
        scores.append(50.0 * model.score(smoothing).log())
    differences = torch.stack(likelihoods).diff()
    torch.testing.assert_close(torch.cat(scores).diff(), differences, rtol=1e-6, atol=1e-6)


def test_equations_that_rounding_makes_singular_are_solved_all_the_same():
    """One pivot is exactly zero until 1e-14 is added to the diagonal, as effective_parameters does."""
    shape = Architecture(1, grid_size=1)
    penalty = Penalty.of(shape)
    one = torch.eye(4, dtype=torch.float64)
    one[:2, :2] = 1.0  # two columns of the Jacobian are alike
    matrix = (penalty.vectors @ one @ penalty.vectors.T).unsqueeze(0)
    vector = torch.zeros(1, 4, dtype=torch.float64)
    normal = NormalEquations(matrix, vector, torch.ones(1, dtype=torch.float64))
    model = GaussNewtonModel(normal, vector, penalty, 1.0, 80.0, 0.0)
    model.matrix = one.unsqueeze(0)  # without the rounding of the turn there and back
    weights = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    assert torch.linalg.cholesky_ex(one)[1] != 0
    assert torch.isfinite(model.score(weights)).all()


def test_groups_are_added_up_in_one_order_on_every_device(monkeypatch):
    def refused(*arguments, **named):
        raise AssertionError("scatter_add is not deterministic on a GPU")

    data = sample(lambda x: torch.sin(3.0 * x[:, 0]) + x[:, 1], 80, 2, noise=0.2)
    shape = Architecture(2, hidden=(2,), grid_size=4)
    network = random_starts(shape, 3, data.inputs, box(2), torch.zeros(1), torch.Generator().manual_seed(1))
    penalty = Penalty.of(shape)
    smoothing = torch.full((3, penalty.groups + 1), 1e-3, dtype=torch.float64)
    monkeypatch.setattr(torch.Tensor, "scatter_add", refused)
    normal = LeastSquares(data).normal_equations(network)
    weights, variance = update_smoothing(normal, network.theta, penalty, smoothing, 80.0)
    assert torch.isfinite(weights).all()
    # MacKay's fixed point, group by group, from the matrices themselves
    _, inverse = effective_parameters(normal.matrix, penalty.matrices(smoothing, 80.0))
    for group in range(penalty.groups):
        mine = penalty.group == group
        part = (penalty.vectors[:, mine] * penalty.values[mine]) @ penalty.vectors[:, mine].T
        size = (penalty.values[mine] > 0).sum() - 80.0 * 1e-3 * (inverse * part).sum((1, 2))
        rough = (network.theta @ part * network.theta).sum(1)
        expected = (variance * size.clamp(min=1e-3) / (80.0 * rough)).clamp(max=10.0)
        torch.testing.assert_close(weights[:, group], expected, rtol=1e-6, atol=0.0)


def test_too_many_parameters_score_infinity():
    score = gcv_score(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 8.0]), 10.0)
    assert score[0] < 1.0
    assert torch.isinf(score[1])


def test_inverse_of_a_singular_matrix_is_not_finite():
    _, inverse = effective_parameters(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
    assert not torch.isfinite(inverse).any()


def test_penalty_groups_are_features_then_layers():
    penalty = Penalty.of(Architecture(2, categories=(3,), hidden=(2,), grid_size=4))
    assert penalty.groups == 4
    assert penalty.group.bincount().tolist() == [14, 14, 6, 14]
    turned = penalty.vectors.T @ penalty.matrix @ penalty.vectors
    torch.testing.assert_close(turned, torch.diag(penalty.values), atol=1e-6, rtol=0.0)


def test_weighted_median_counts_repeats():
    values = torch.tensor([3.0, 1.0, 2.0, 9.0])
    repeats = torch.tensor([1.0, 2.0, 1.0, 3.0])
    assert float(weighted_median(values, repeats)) == 3.0
    assert float(weighted_median(values, torch.ones(4))) == 2.0


def test_robust_weights():
    residual = torch.tensor([0.1, -0.2, 0.1, -0.1, 10.0], dtype=torch.float64)
    ones = torch.ones(5, dtype=torch.float64)
    assert float(residual_scale(residual, ones)) == pytest.approx(0.1 / 0.6745)
    assert robust_weights(residual, ones, "squared") is ones
    huber = robust_weights(residual, ones, "huber")
    assert huber[0] == 1.0
    assert float(huber[4]) == pytest.approx(1.345 * 0.1 / 0.6745 / 10.0)
    assert robust_weights(residual, ones, "tukey")[4] == 0.0
    with pytest.raises(ValueError, match="unknown loss 'cauchy'"):
        robust_weights(residual, ones, "cauchy")


@pytest.mark.parametrize("criterion", ["gcv", "evidence"])
def test_scores_of_one_group_are_those_of_the_whole_equations(criterion):
    data = sample(lambda x: torch.sin(3.0 * x[:, 0]) + x[:, 1], 80, 3, noise=0.2)
    shape = Architecture(3, grid_size=6)
    network = random_starts(shape, 2, data.inputs, box(3), torch.zeros(1), torch.Generator().manual_seed(1))
    penalty = Penalty.of(shape)
    normal = LeastSquares(data).normal_equations(network)
    model = GaussNewtonModel(normal, network.theta, penalty, 80.0, 80.0, 0.0, criterion)
    base = torch.tensor([[1e-5, 1e-2, 1e-7, 1e-9]] * 2, dtype=torch.float64)
    weights = torch.tensor([[1e-9, 1e-7], [1e-3, 1e-2], [10.0, 10.0]], dtype=torch.float64)
    for group in range(3):
        trials = base.expand(3, 2, 4).clone()
        trials[..., group] = weights
        whole = torch.stack([model.score(trial) for trial in trials])
        torch.testing.assert_close(model.group_scores(base, group, weights), whole, rtol=1e-7, atol=0.0)
        torch.testing.assert_close(model.score(trials), whole, rtol=1e-12, atol=0.0)
