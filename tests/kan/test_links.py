import numpy as np
import pytest
import torch

from kanopt.kan.fit import FitOptions, fit_starts
from kanopt.kan.fitted import finish
from kanopt.kan.links import Exponential, Logistic, Softplus
from kanopt.kan.shape import Shape
from tests.kan.conftest import box, sample

LINKS = [Exponential(unit=2.0), Softplus(scale=0.4, low=2.0), Logistic(low=-1.0, high=5.0)]


@pytest.mark.parametrize("link", LINKS)
def test_slope_and_inverse(link):
    f = np.linspace(-3.0, 3.0, 31)
    step = 1e-6
    np.testing.assert_allclose(link.slope(f), (link(f + step) - link(f - step)) / (2 * step), rtol=1e-5)
    inside = f[link(f) > 2.0 + 1e-3] if isinstance(link, Softplus) else f
    np.testing.assert_allclose(link.inverse(link(inside)), inside, atol=1e-6)
    np.testing.assert_allclose(link(torch.tensor(f)).numpy(), link(f), rtol=1e-12)
    np.testing.assert_allclose(link.inverse(torch.tensor(link(f))).numpy(), link.inverse(link(f)), rtol=1e-9)


@pytest.mark.parametrize("link", LINKS)
def test_values_out_of_reach_have_a_finite_inverse(link):
    assert np.isfinite(link.inverse(np.array([-100.0, 100.0 if isinstance(link, Logistic) else 1e9]))).all()


@pytest.mark.parametrize("hidden", [(), (2,)])
def test_a_positive_law_is_learned_and_stays_positive(hidden):
    link = Softplus(scale=0.1)

    def law(x):
        return link(2.0 * x[:, 0] + x[:, 1])

    data = sample(law, 400, 2, noise=0.02)
    options = FitOptions(link=link, starts=3)
    shape = Shape(2, hidden=hidden, grid_size=6)
    run = fit_starts(shape, data, box(2), torch.Generator().manual_seed(1), options)
    output = options.objective(data).outputs(run.network, data.inputs)[0, :, 0]
    assert float((output - law(data.inputs.numbers)).std()) < 0.02 * float(data.target.std())
    fit = finish(run, data, options)
    far = np.random.default_rng(1).uniform(-9.0, 9.0, (500, 2))
    assert (link(fit.network(far)) > 0.0).all()
    np.testing.assert_allclose(fit.output, output.numpy(), atol=1e-9)


def test_a_bounded_law_stays_between_its_ends():
    link = Logistic(0.0, 1.0)
    data = sample(lambda x: (x[:, 0] > 0).to(x.dtype), 300, 1)
    options = FitOptions(link=link)
    run = fit_starts(Shape(1, grid_size=6), data, box(1), torch.Generator(), options)
    output = options.objective(data).outputs(run.network, data.inputs)
    assert float(output.min()) >= 0.0
    assert float(output.max()) <= 1.0
    assert float((output[0] - data.target).abs().mean()) < 0.1
