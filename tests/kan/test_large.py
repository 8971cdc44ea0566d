"""Networks past a few thousand parameters, here past 300: training and fit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kanopt.kan import network, training
from kanopt.kan.fit import fit_held_out
from kanopt.kan.network import Architecture
from kanopt.kan.ranges import ConstrainedCoefficients, Penalty, ShapeConstraints
from kanopt.kan.trainer import Data, LeastSquares, TrainerOptions, train
from kanopt.kan.training import FitOptions, random_starts, train_large
from tests.kan.conftest import box, output, sample

WIDE = Architecture(3, hidden=(16,), grid_size=5)


@pytest.fixture(autouse=True)
def _networks_of_a_few_hundred_numbers_are_large(monkeypatch):
    monkeypatch.setattr(network, "LARGE", 300)


def test_past_two_thousand_numbers_a_network_is_large(monkeypatch):
    monkeypatch.undo()
    assert Architecture(3, hidden=(16, 16), grid_size=5).is_large
    assert not WIDE.is_large


@pytest.mark.parametrize("wanted", [ShapeConstraints(), ShapeConstraints(monotonic=(1, 0))])
def test_it_reaches_the_optimum_of_levenberg_marquardt(wanted, monkeypatch):
    monkeypatch.setattr(training, "STAGES", (50, 100))
    shape = Architecture(2, cycles=1, categories=(7,))
    generator = torch.Generator().manual_seed(3)
    rows = sample(lambda x: torch.exp(x[:, 0]) - x[:, 1] ** 2 + torch.sin(6.28 * x[:, 2]), 300, 3, noise=0.1)
    codes = torch.randint(0, 7, (300, 1), generator=generator)
    data = Data(replace(rows.inputs, codes=codes), rows.target + 0.3 * codes, rows.weights)
    network = random_starts(shape, 1, data.inputs, box(2), data.target.mean(0), generator, wanted)
    smoothing = torch.tensor([[1e-5, 1e-3, 1e-4, 1e-2, 1e-8]], dtype=torch.float64)
    held = Penalty.of(shape).matrices(smoothing, 300.0)
    constraints = ConstrainedCoefficients.of(shape, wanted)
    _, exact = train(network, LeastSquares(data), held, TrainerOptions(tolerance=1e-12), constraints)
    best, history = train_large(network, LeastSquares(data), smoothing[0], 300.0, constraints)
    torch.testing.assert_close(history.best, exact.best, rtol=1e-5, atol=0.0)
    loss = 0.5 * (LeastSquares(data).squares(best) + best.theta[0] @ held[0] @ best.theta[0])
    torch.testing.assert_close(history.loss[-1], loss)


def law(x):
    return torch.sin(2.0 * x[:, 0]) * x[:, 1] + x[:, 2] ** 2


def noisy(rows, noise=1.0, seed=0):
    data = sample(law, rows, 3, seed=seed)
    generator = torch.Generator().manual_seed(100 + seed)
    spread = float(data.target.std())
    error = noise * spread * torch.randn(rows, 1, dtype=torch.float64, generator=generator)
    return replace(data, target=(data.target + error) / spread)


def fitted(data, options=None, seed=1):
    """Train on all but the first fifth of the rows, at the smoothing that is best on these."""
    generator = torch.Generator().manual_seed(seed)
    parts = data.rows(slice(len(data) // 5, None)), data.rows(slice(0, len(data) // 5))
    return fit_held_out(WIDE, *parts, box(3), generator, options or FitOptions(), 5)[0]


def test_the_same_seed_gives_the_same_network_that_foretells_new_rows():
    data = noisy(250, 0.3)
    run, again = fitted(data), fitted(data)
    assert torch.equal(run.network.theta, again.network.theta)
    fresh = noisy(2000, 0.0, seed=9)
    gap = output(run, fresh.inputs.numbers.numpy()) - fresh.target[:, 0].numpy()
    assert np.sqrt(np.mean(gap**2)) < 0.35


def test_shapes_hold_and_a_given_smoothing_is_kept():
    data = sample(lambda x: x[:, 0] + torch.sin(2.0 * x[:, 1]), 300, 3, noise=0.1)
    options = FitOptions(shape_constraints=ShapeConstraints((1, 0, 0)), smoothing=1e-3)
    run = fitted(data, options)
    rows = np.column_stack([np.linspace(-2.0, 2.0, 200), np.full((200, 2), 0.3)])
    assert (np.diff(output(run, rows)) >= -1e-9).all()
    assert (run.smoothing[0, :-1] == 1e-3).all()
    assert float((run.network.forward(data.inputs)[0] - data.target).std()) < 0.2 * float(data.target.std())


def test_it_can_be_stopped():
    steps = []

    def watch(step, loss):
        steps.append(step)
        return len(steps) == 3

    options = FitOptions(smoothing=1e-4, trainer=TrainerOptions(watch=watch))
    assert fitted(noisy(60), options).history.stopped
    assert len(steps) < 20
