import torch

from kanopt.kan.fit import fit_starts, refine_grid
from kanopt.kan.network import Architecture
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample


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
