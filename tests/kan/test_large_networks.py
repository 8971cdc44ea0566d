from dataclasses import replace

import numpy as np
import pytest
import torch

from kanopt.kan import first_order, large_networks
from kanopt.kan.architecture import Architecture
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.first_order import choose_method
from kanopt.kan.fit_options import FitOptions
from kanopt.kan.large_networks import fit_large, is_large
from kanopt.kan.links import Exponential
from tests.kan.conftest import box, sample

SHAPE = Architecture(3, hidden=(6, 6), grid_size=5)
WIDE = Architecture(3, hidden=(16,), grid_size=5)


@pytest.fixture(autouse=True)
def _networks_of_a_few_hundred_numbers_are_large(monkeypatch):
    for module in (first_order, large_networks):
        monkeypatch.setattr(module, "LARGE", 300)


def law(x):
    return torch.sin(2.0 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2


def test_past_two_thousand_numbers_a_network_is_large(monkeypatch):
    monkeypatch.undo()
    assert is_large(Architecture(3, hidden=(16, 16), grid_size=5))
    assert not is_large(Architecture(3, hidden=(4,)))


@pytest.mark.parametrize("shape", [SHAPE, WIDE])
def test_those_of_these_tests_are_large(shape):
    assert is_large(shape)
    assert choose_method(shape.parameters, 1500) == "lbfgs"


@pytest.mark.slow
def test_a_large_network_is_trained_without_a_matrix_of_its_parameters():
    data = sample(law, 1500, 3, noise=0.05)
    _, fit = fit_large(SHAPE, data, box(3), torch.Generator().manual_seed(1), FitOptions())
    fresh = sample(law, 1000, 3, seed=9)
    predicted = fit.network(fresh.inputs.numbers.numpy())
    truth = fresh.target[:, 0].numpy()
    assert np.std(predicted - truth) < 0.2 * np.std(truth)
    assert fit.covariance.size == 0
    # rows left out err as much as fresh ones, within a half
    noise = 0.05 * float(law(data.inputs.numbers).std())
    expected = np.hypot(np.std(predicted - truth), noise)
    assert 0.67 < np.std(fit.left_out_residual) / expected < 1.5
    np.testing.assert_allclose(fit.output + fit.residual, data.target[:, 0].numpy())


def test_shapes_hold_in_a_large_network():
    data = sample(lambda x: x[:, 0] + torch.sin(2.0 * x[:, 1]), 300, 3, noise=0.1)
    options = FitOptions(shape_constraints=ShapeConstraints((1, 0, 0)))
    _, fit = fit_large(SHAPE, data, box(3), torch.Generator().manual_seed(1), options)
    line = np.linspace(-2.0, 2.0, 200)
    rows = np.column_stack([line, np.full((200, 2), 0.3)])
    assert (np.diff(fit.network(rows)) >= -1e-9).all()


def test_given_smoothing_is_kept():
    data = sample(law, 300, 3)
    options = FitOptions(smoothing=1e-3)
    run, fit = fit_large(SHAPE, data, box(3), torch.Generator().manual_seed(1), options)
    assert run.smoothing.shape == (1, 6)
    assert (fit.smoothing[:-1] == 1e-3).all()


def noisy(rows, noise=1.0, seed=0):
    data = sample(law, rows, 3, seed=seed)
    generator = torch.Generator().manual_seed(100 + seed)
    spread = float(data.target.std())
    error = noise * spread * torch.randn(rows, 1, dtype=torch.float64, generator=generator)
    return replace(data, target=(data.target + error) / spread)


def fresh_error(fit, noise=1.0):
    """Root mean squared error on new rows of the same noise, in units of the law's spread."""
    fresh = noisy(2000, 0.0, seed=9)
    gap = fit.network(fresh.inputs.numbers.numpy()) - fresh.target[:, 0].numpy()
    return float(np.hypot(np.sqrt(np.mean(gap**2)), noise))


@pytest.mark.slow
@pytest.mark.parametrize("copies", [1, 4])
def test_rows_left_out_err_as_new_ones_do_also_where_rows_are_copied(copies):
    data = noisy(250)
    order = torch.arange(250).repeat(copies)
    order = order[torch.randperm(len(order), generator=torch.Generator().manual_seed(2))]
    options = FitOptions(distinct=1.0 / copies)
    _, fit = fit_large(WIDE, data.rows(order), box(3), torch.Generator().manual_seed(1), options)
    assert 0.8 < np.std(fit.left_out_residual) / fresh_error(fit) < 1.25
    assert np.sqrt(fit.variance) == pytest.approx(np.std(fit.left_out_residual), rel=0.05)


@pytest.mark.slow
def test_outlying_rows_are_not_followed_where_the_loss_is_robust():
    data = noisy(250, 0.2)
    spoiled = data.target.clone()
    spoiled[::25] += 20.0
    spoiled = replace(data, target=spoiled)
    fits = {}
    for loss in ("squared", "huber"):
        options = FitOptions(loss=loss, smoothing=1e-4)
        _, fits[loss] = fit_large(WIDE, spoiled, box(3), torch.Generator().manual_seed(1), options)
    assert fresh_error(fits["huber"], 0.0) < 0.5 * fresh_error(fits["squared"], 0.0)
    assert fits["huber"].robust_weight[::25].max() < 0.1
    assert fits["huber"].robust_weight[1::25].mean() > 0.8
    usual = np.arange(250) % 25 != 0
    assert 0.6 < np.std(fits["huber"].left_out_residual[usual]) / fresh_error(fits["huber"], 0.2) < 1.6


@pytest.mark.slow
def test_squares_over_the_mean_make_sums_right():
    data = sample(lambda x: torch.exp(x[:, 0] + x[:, 1]), 300, 3)
    generator = torch.Generator().manual_seed(4)
    counts = torch.poisson(3.0 * data.target, generator=generator)
    data = replace(data, target=counts / counts.mean())
    options = FitOptions(loss="poisson", link=Exponential(), smoothing=1e-3)
    # from some starts rows end where an exponential has no slope, whatever the size of the network
    _, fit = fit_large(WIDE, data, box(3), torch.Generator().manual_seed(2), options)
    assert fit.output.sum() == pytest.approx(float(data.target.sum()), rel=0.02)
    assert (fit.robust_weight == 1.0).all()
    assert np.isfinite(fit.left_out_residual).all()
    assert np.std(fit.left_out_residual) > np.std(fit.residual)


@pytest.mark.slow
def test_a_single_kind_of_row_is_not_split():
    data = noisy(5).rows(torch.zeros(5, dtype=torch.int64))
    _, fit = fit_large(WIDE, data, box(3), torch.Generator().manual_seed(1), FitOptions(smoothing=1e-4))
    assert np.isfinite(fit.left_out_residual).all()
