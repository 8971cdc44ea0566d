import pytest
import torch

from kanopt.kan.robust import huber_loss, residual_scale, robust_weight_share, weighted_median


@pytest.mark.parametrize("loss", ["huber", "tukey"])
def test_rounding_does_not_decide_whom_to_trust_where_most_rows_are_met_exactly(loss):
    residual = torch.tensor([0.0, 1e-16, 3e-14, 0.0, -1e-13, 0.0, 1.0, -2.0], dtype=torch.float64)
    ones = torch.ones_like(residual)
    assert float(residual_scale(residual, ones)) > 1e-9
    trust = robust_weight_share(residual, ones, loss)
    assert (trust[:6] > 0.99).all()
    assert (trust[6:] < 0.01).all()


def test_weights_are_copies_for_medians_and_scales():
    values = torch.tensor([3.0, 1.0, 2.0, 8.0], dtype=torch.float64)
    weights = torch.tensor([1.0, 3.0, 2.0, 2.0], dtype=torch.float64)
    repeated = values.repeat_interleave(weights.to(torch.int64))
    ones = torch.ones_like(repeated)
    assert weighted_median(values, weights) == weighted_median(repeated, ones)
    torch.testing.assert_close(residual_scale(values, weights), residual_scale(repeated, ones))


def test_hubers_loss_goes_on_along_its_tangent():
    limit = torch.tensor(1.5, dtype=torch.float64)
    size = torch.tensor([1.0, 1.5, 2.5], dtype=torch.float64, requires_grad=True)
    huber_loss(size, limit).sum().backward()
    torch.testing.assert_close(size.grad, torch.tensor([2.0, 3.0, 3.0], dtype=torch.float64))
