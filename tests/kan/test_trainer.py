from dataclasses import replace

import pytest
import torch

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.fit import fit_starts, refine_grid
from kanopt.kan.fitted import describe_fit
from kanopt.kan.objective import Data
from kanopt.kan.training import FitOptions, random_starts
from tests.kan.conftest import box, output, sample


def product(x):
    return x[:, 0] * x[:, 1]


def fitted(law, rows, dimensions, shape, noise=0.0, seed=0, **options):
    data = sample(law, rows, dimensions, noise, seed)
    generator = torch.Generator().manual_seed(seed)
    settings = FitOptions(**options)
    return fit_starts(shape, data, box(dimensions), generator, settings), data, settings


def error(run, law, data):
    return float(
        (run.network.forward(data.inputs)[0, :, 0] - law(data.inputs.numbers)).square().mean().sqrt()
    )


def starts(shape, data, models, seed=3, signs=()):
    generator = torch.Generator().manual_seed(seed)
    return random_starts(
        shape, models, data.inputs, box(shape.numbers), torch.zeros(1), generator, ShapeConstraints(signs)
    )


def test_product_is_learned_exactly():
    run, data, options = fitted(product, 1000, 2, Architecture(2, hidden=(2,), grid_size=5))
    assert error(refine_grid(run, data, options, 20), product, data) <= 1e-8


def test_smoothing_by_cross_validation_beats_none_at_noise():
    def law(x):
        return torch.sin(2.5 * x[:, 0]) + x[:, 1] ** 2

    shape = Architecture(2, grid_size=20)
    chosen, data, _ = fitted(law, 150, 2, shape, noise=0.3)
    free, _, _ = fitted(law, 150, 2, shape, noise=0.3, smoothing=0.0)
    assert error(chosen, law, data) < 0.7 * error(free, law, data)


@pytest.mark.parametrize("loss", ["huber", "tukey"])
def test_robust_losses_shrug_off_outliers(loss):
    def law(x):
        return x[:, 0] + x[:, 1] ** 2

    data = sample(law, 400, 2, noise=0.05)
    spoiled = data.target.clone()
    spoiled[::25] += 20.0
    data = replace(data, target=spoiled)
    runs = {}
    for name in ("squared", loss):
        options = FitOptions(loss=name)
        runs[name] = fit_starts(Architecture(2, grid_size=6), data, box(2), torch.Generator(), options)
    assert error(runs["squared"], law, data) > 0.5
    assert error(runs[loss], law, data) < 0.05
    trust = describe_fit(runs[loss], data, FitOptions(loss=loss)).robust_weight
    assert trust[::25].max() < 0.02
    assert trust[1::25].mean() > 0.8


@pytest.mark.parametrize("hidden", [(), (2,)])
def test_monotone_holds_on_a_dense_grid_and_beyond(hidden):
    def law(x):
        return torch.sin(3.0 * x[:, 0]) - x[:, 1] + 0.3 * x[:, 0] * x[:, 1]

    shape = Architecture(2, hidden=hidden, grid_size=6)
    run, *_ = fitted(law, 200, 2, shape, noise=0.3, shape_constraints=ShapeConstraints((1, -1)), starts=2)
    line = torch.linspace(-2.0, 2.0, 401, dtype=torch.float64)
    for fixed in (-1.5, 0.0, 0.9):
        other = torch.full_like(line, fixed)
        rising = output(run, torch.stack([line, other], 1).numpy())
        falling = output(run, torch.stack([other, line], 1).numpy())
        assert (rising[1:] >= rising[:-1] - 1e-10).all()
        assert (falling[1:] <= falling[:-1] + 1e-10).all()
    assert rising[-1] > rising[0]


def test_categories_are_tables_of_their_own():
    generator = torch.Generator().manual_seed(2)
    codes = torch.randint(0, 3, (300, 1), generator=generator)
    numbers = torch.rand(300, 1, dtype=torch.float64, generator=generator)
    effect = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
    target = 2.0 * numbers[:, 0] + effect[codes[:, 0]]
    data = Data(InputTensors(numbers, codes), target[:, None], torch.ones(300, dtype=torch.float64))
    bounds = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    run = fit_starts(Architecture(1, categories=(3,), grid_size=4), data, bounds, generator)
    table = run.network.blocks()[0][0, -3:, 0].numpy()
    assert table[1] - table[0] == pytest.approx(1.5, abs=1e-5)
    assert table[2] - table[0] == pytest.approx(3.0, abs=1e-5)


def test_standard_errors_match_repeated_experiments():
    def law(x):
        return x[:, 0]

    options, slopes, claimed = FitOptions(smoothing=10.0), [], []
    for seed in range(60):
        data = sample(law, 50, 1, noise=0.5, seed=seed)
        run = fit_starts(Architecture(1, grid_size=3), data, box(1), torch.Generator(), options)
        fit, first = describe_fit(run, data, options), run.network.theta[0]
        slopes.append(first[-1] - first[0])
        ends = [0, -1]
        block = fit.covariance[ends][:, ends]
        claimed.append(block[0, 0] + block[1, 1] - 2 * block[0, 1])
    measured = torch.tensor(slopes).std()
    assert float(measured) == pytest.approx(float(torch.tensor(claimed).mean().sqrt()), rel=0.3)


def test_same_seed_same_network():
    one, _, _ = fitted(product, 100, 2, Architecture(2, hidden=(2,), grid_size=4), starts=2, seed=4)
    two, _, _ = fitted(product, 100, 2, Architecture(2, hidden=(2,), grid_size=4), starts=2, seed=4)
    assert torch.equal(one.network.theta, two.network.theta)


def test_a_product_node_learns_a_product_that_sums_cannot():
    run, data, _ = fitted(
        lambda x: torch.sin(2.0 * x[:, 0]) * torch.exp(x[:, 1]),
        400,
        2,
        Architecture(2, hidden=(1,), products=(1,), grid_size=10),
        starts=4,
    )
    assert float((run.network.forward(data.inputs)[0] - data.target).std()) < 1e-3 * float(data.target.std())
