from dataclasses import replace

import numpy as np
import pytest
import torch

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.fit import fit_starts
from kanopt.kan.fitted import describe_fit
from kanopt.kan.objective import Data
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample


def wave(x):
    return torch.sin(2.0 * x[:, 0])


def bent(x):
    return torch.exp(x[:, 0] * x[:, 1]) * torch.sin(2.0 * x[:, 0])


def fit(data, shape=None, seed=5, **options):
    shape = shape or Architecture(1, grid_size=5)
    asked = FitOptions(**options)
    run = fit_starts(shape, data, box(shape.numbers), torch.Generator().manual_seed(seed), asked)
    return run, describe_fit(run, data, asked)


def repeated(data, times):
    """Every row so many times, in a mixed order, each of weight one."""
    order = torch.arange(len(data)).repeat_interleave(torch.as_tensor(times))
    order = order[torch.randperm(len(order), generator=torch.Generator().manual_seed(8))]
    rows = data.rows(order)
    return order, replace(rows, weights=torch.ones_like(rows.weights))


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("uneven", [False, True])
def test_left_out_residuals_equal_refits_without_the_row_its_weight_and_its_copies(uneven, copies):
    data = sample(wave, 40, 1, noise=0.2)
    if uneven:
        weights = torch.ones(40, dtype=torch.float64)
        weights[:10], weights[10:20], weights[3] = 0.05, 8.0, 0.0
        data = replace(data, weights=weights)
    order = torch.arange(40).repeat(copies)
    data = data.rows(order)
    _, full = fit(data, smoothing=1e-4)
    assert np.isfinite(full.left_out_residual).all()
    assert np.isfinite(full.robust_weight).all()
    for row in (0, 3, 7, 12, 31):
        rest = data.rows(torch.nonzero(order != row).squeeze(1))
        held = 1e-4 * float(data.weights.sum() / rest.weights.sum())
        run, _ = fit(rest, smoothing=held)
        missed = data.target[row, 0] - run.network.forward(data.inputs)[0, row, 0]
        assert full.left_out_residual[row] == pytest.approx(float(missed), abs=1e-6)


@pytest.mark.parametrize("hidden", [(), (2,)])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_a_row_of_weight_k_is_k_copies_in_all_that_is_known(hidden, loss):
    data = sample(bent, 60, 2, noise=0.3)
    times = 1 + torch.arange(60) % 3
    order, copied = repeated(data, times)
    weighted = replace(data, weights=times.to(torch.float64))
    options = {"loss": loss, "distinct": 0.5}
    if hidden:
        # Rounding apart, which training and choices between starts magnify.
        options |= {"starts": 2, "smoothing": 1e-3}
    shape = Architecture(2, hidden=hidden, grid_size=4)
    (_, one), (_, two) = fit(weighted, shape, **options), fit(copied, shape, **options)
    for name in ("output", "residual", "left_out_residual", "robust_weight"):
        np.testing.assert_allclose(
            getattr(two, name), getattr(one, name)[order], atol=1e-5, rtol=1e-4, err_msg=name
        )
    assert two.edf == pytest.approx(one.edf, rel=1e-4)
    assert two.variance == pytest.approx(one.variance, rel=1e-4)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=1e-3, atol=1e-3 * one.covariance.max())


def test_kinds_are_rows_alike_in_every_input_and_in_the_target():
    numbers = torch.tensor([[0.1, 5.0], [0.1, 5.0], [0.1, 6.0], [0.1, 5.0], [0.1 + 1e-16, 5.0]])
    codes = torch.tensor([[0], [0], [0], [1], [0]])
    target = torch.tensor([[1.0], [1.0], [1.0], [1.0], [2.0]])
    kinds = Data(InputTensors(numbers, codes), target, torch.ones(5)).row_groups().tolist()
    assert kinds[0] == kinds[1]
    assert len(set(kinds)) == 4
    assert sorted(set(kinds)) == [0, 1, 2, 3]
