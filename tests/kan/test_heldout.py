from dataclasses import replace

import numpy as np
import pytest
import torch

from kanopt.kan.architecture import Architecture
from kanopt.kan.fit import fit_starts
from kanopt.kan.heldout import fit_held_out, train_on_all_rows
from kanopt.kan.links import Exponential
from kanopt.kan.robust import poisson_deviance, poisson_weights
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample


def law(x):
    return torch.exp(x[:, 0] * x[:, 1] + x[:, 1])


ZERO_LAST = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)


def noise(rows):
    return torch.tensor(np.random.default_rng(3).normal(size=(rows, 1)))


def split(data):
    count = len(data) // 5
    return data.rows(slice(count, None)), data.rows(slice(0, count))


@pytest.mark.slow
def test_heavy_tails_are_not_followed():
    clean, data = sample(law, 600, 2), sample(law, 600, 2)
    noise = torch.tensor(np.random.default_rng(0).standard_t(2.1, (600, 1)))
    data = type(data)(data.inputs, data.target + noise, data.weights)
    fresh = sample(law, 2000, 2, seed=9)
    generator, shape = torch.Generator().manual_seed(1), Architecture(2, hidden=(4,))
    found = fit_held_out(shape, *split(data), box(2), generator, FitOptions(), 10)
    run = train_on_all_rows(found.trained, data, FitOptions(), 480.0)
    free = fit_starts(shape, data, box(2), torch.Generator().manual_seed(1))
    error, before = (
        float((one.network.forward(fresh.inputs)[0] - fresh.target).square().mean().sqrt())
        for one in (run, free)
    )
    assert error < 1.2 * before
    assert error < 0.5 * float(clean.target.std())


def test_without_noise_nothing_is_smoothed_away():
    data = sample(law, 500, 2)
    generator = torch.Generator().manual_seed(2)
    found = fit_held_out(Architecture(2, hidden=(2,)), *split(data), box(2), generator, FitOptions(), 5)
    assert found.loss < 1e-4 * float(data.target.var())
    np.testing.assert_allclose(
        float((found.output - split(data)[1].target[:, 0]).square().mean()), found.loss, rtol=1e-9
    )


def test_an_input_that_hardly_varies_is_taken_away_and_one_that_matters_is_not():
    numbers = sample(law, 600, 3).inputs.numbers.clone()
    numbers[:, 2] = 0.0
    numbers[:3, 2] = torch.tensor([0.4, 0.7, 1.0])
    data = sample(law, 600, 3, noise=0.2)
    data = type(data)(
        replace(data.inputs, numbers=numbers), law(numbers)[:, None] + 0.2 * noise(600), data.weights
    )
    generator = torch.Generator().manual_seed(2)
    found = fit_held_out(Architecture(3, hidden=(2,)), *split(data), box(3), generator, FitOptions(), 5)
    wet = numbers[:50].clone()
    wet[:, 2] = 3.0
    change = found.trained.network.forward(replace(data.inputs.rows(slice(0, 50)), numbers=wet))
    change = change - found.trained.network.forward(
        replace(data.inputs.rows(slice(0, 50)), numbers=wet * ZERO_LAST)
    )
    assert float(change.abs().max()) == 0.0
    error = found.trained.network.forward(data.inputs)[0, :, 0] - law(numbers)
    assert float(error.square().mean().sqrt()) < 0.1


def test_quasi_poisson_weights_make_sums_right_and_follow_the_mean():
    data = sample(law, 800, 2)
    generator = torch.Generator().manual_seed(4)
    noise = torch.empty_like(data.target).exponential_(generator=generator)
    mean = float((data.target * noise).mean())
    data = type(data)(data.inputs, data.target * noise / mean, data.weights)
    options = FitOptions(link=Exponential(), loss="poisson")
    found = fit_held_out(Architecture(2, hidden=(2,)), *split(data), box(2), generator, options, 5)
    run = train_on_all_rows(found.trained, data, options, 640.0)
    output = options.objective(data).outputs(run.network, data.inputs)[0, :, 0]
    assert float(output.sum()) == pytest.approx(float(data.target.sum()), rel=0.01)
    truth = law(data.inputs.numbers) / mean
    assert float((output / truth - 1.0).square().mean().sqrt()) < 0.25


def test_poisson_deviance_is_the_weighted_square_near_the_mean():
    mean = torch.linspace(0.5, 3.0, 7, dtype=torch.float64)
    target = mean * (1.0 + 1e-4)
    expected = (target - mean).square() * poisson_weights(mean)
    torch.testing.assert_close(poisson_deviance(target, mean), expected, rtol=1e-3, atol=0.0)
    assert float(poisson_deviance(torch.zeros(1), torch.ones(1))) == 2.0
