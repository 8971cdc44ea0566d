import numpy as np
import pytest
import torch

from kanopt.kan.fit import describe_fit, fit_starts
from kanopt.kan.network import Architecture, InputTensors
from kanopt.kan.trainer import Exponential, Logistic, Softplus
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample

LINKS = [Exponential(unit=2.0), Softplus(scale=0.4, low=2.0), Logistic(low=-1.0, high=5.0)]


@pytest.mark.parametrize("link", LINKS)
def test_the_slope_is_the_derivative_far_from_the_data_too(link):
    f = torch.linspace(-60.0, 60.0, 240, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(link(f).sum(), f)
    torch.testing.assert_close(link.slope(f.detach()), slope, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(link.slope(f.detach().numpy()), slope.numpy(), rtol=1e-9)
    assert (slope > 0.0).all()
    far = torch.tensor([-1e6, 1e6], dtype=torch.float64)
    assert torch.isfinite(link(far)).all()
    assert torch.isfinite(link.slope(far)).all()


def test_an_exponential_goes_on_along_its_tangent():
    link = Exponential(unit=2.0)
    f = np.linspace(-60.0, 60.0, 961)
    values = link(f)
    assert (np.diff(values) > 0.0).all()
    assert (np.diff(values, n=2) >= -1e-12 * values[2:]).all()
    np.testing.assert_allclose(link(np.array([40.0])), 2.0 * np.exp(30.0) * 11.0)


@pytest.mark.parametrize("link", LINKS)
def test_the_inverse_is_exact_within_the_ends_and_finite_at_them(link):
    low, high = link.ends
    targets = np.array([low + 0.1, low + 1.0, 1e15 if np.isinf(high) else high - 0.1])
    np.testing.assert_allclose(link(link.inverse(targets)), targets, rtol=1e-9, atol=1e-9)
    both = link.inverse(torch.tensor(targets)), torch.tensor(link.inverse(targets))
    torch.testing.assert_close(*both, rtol=1e-9, atol=0.0)
    assert np.isfinite(link.inverse(np.array([low, low - 1.0]))).all()


@pytest.mark.parametrize("hidden", [(), (2,)])
def test_a_positive_law_is_learned_and_stays_positive(hidden):
    link = Softplus(scale=0.1)

    def law(x):
        return link(2.0 * x[:, 0] + x[:, 1])

    data = sample(law, 400, 2, noise=0.02)
    options = FitOptions(link=link, starts=3)
    shape = Architecture(2, hidden=hidden, grid_size=6)
    run = fit_starts(shape, data, box(2), torch.Generator().manual_seed(1), options)
    output = options.objective(data).outputs(run.network, data.inputs)[0, :, 0]
    assert float((output - law(data.inputs.numbers)).std()) < 0.02 * float(data.target.std())
    fit = describe_fit(run, data, options)
    points = torch.tensor(np.random.default_rng(1).uniform(-9.0, 9.0, (500, 2)))
    far = InputTensors(points, torch.zeros((500, 0), dtype=torch.int64))
    assert (options.objective(data).outputs(run.network, far) > 0.0).all()
    np.testing.assert_allclose(fit.output, output.numpy(), atol=1e-9)
