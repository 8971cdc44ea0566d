import numpy as np
import torch

from kanopt.kan.constraints import Wanted
from kanopt.kan.fit import FitOptions
from kanopt.kan.large import fit_large, is_large
from kanopt.kan.shape import Shape
from tests.kan.conftest import box, sample

SHAPE = Shape(3, hidden=(16, 16), grid_size=5)


def law(x):
    return torch.sin(2.0 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2


def test_a_large_network_is_trained_without_a_matrix_of_its_parameters():
    assert is_large(SHAPE)
    assert not is_large(Shape(3, hidden=(4,)))
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
    assert 0.67 < np.std(fit.left_out) / expected < 1.5
    np.testing.assert_allclose(fit.output + fit.residual, data.target[:, 0].numpy())


def test_shapes_hold_in_a_large_network():
    data = sample(lambda x: x[:, 0] + torch.sin(2.0 * x[:, 1]), 300, 3, noise=0.1)
    options = FitOptions(wanted=Wanted((1, 0, 0)))
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
