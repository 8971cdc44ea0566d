from dataclasses import replace

import pytest
import torch

from kanopt.kan.architecture import Architecture
from kanopt.kan.constraints import ConstrainedCoefficients, ShapeConstraints
from kanopt.kan.edge_penalty import EdgePenalty
from kanopt.kan.first_order import FirstOrderOptions, choose_method, train_first_order, train_network
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.ranges import refit_ranges
from kanopt.kan.starts import random_starts
from kanopt.kan.trainer import TrainerOptions
from tests.kan.conftest import box, sample


def law(x):
    return torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)


def setting(shape, rows=300, models=2, noise=0.05, smoothing=1e-6, wanted=None, seed=1):
    data = sample(law, rows, 2, noise)
    generator = torch.Generator().manual_seed(seed)
    network = random_starts(shape, models, data.inputs, box(2), data.target.mean(0), generator, wanted)
    weights = torch.full((models, 3 + len(shape.hidden)), smoothing, dtype=torch.float64)
    weights[:, -1] = 1e-8
    return network, LeastSquares(data), weights


@pytest.mark.slow
def test_lbfgs_reaches_the_optimum_of_levenberg_marquardt():
    network, objective, smoothing = setting(Architecture(2))
    _, exact = train_network(network, objective, smoothing, "lm")
    _, history = train_network(network, objective, smoothing, "lbfgs")
    torch.testing.assert_close(history.best, exact.best, rtol=1e-5, atol=0.0)

    network, objective, smoothing = setting(Architecture(2, hidden=(2,)), models=1, smoothing=1e-4)
    settled, _ = train_network(network, objective, smoothing, "lm", TrainerOptions(iterations=60))
    near = replace(
        settled, theta=settled.theta + 0.02 * torch.sin(torch.arange(settled.architecture.parameters))
    )
    near = refit_ranges(near, objective.inputs) or near
    still = TrainerOptions(iterations=100, range_every=1_000, tolerance=1e-12)
    _, exact = train_network(near, objective, smoothing, "lm", still)
    options = FirstOrderOptions(iterations=400, range_refits=0, tolerance=1e-8)
    _, history = train_network(near, objective, smoothing, "lbfgs", first_order=options)
    assert float(history.best) <= 1.001 * float(exact.best)
    assert history.range_refits == 0


def test_best_state_is_returned_and_the_history_tells():
    network, objective, smoothing = setting(Architecture(2, hidden=(3,)), models=3)
    penalty = EdgePenalty(network.architecture, smoothing, 300.0)
    best, history = train_first_order(network, objective, penalty, FirstOrderOptions(iterations=60))
    bent = (penalty.times(best.theta) * best.theta).sum(1)
    torch.testing.assert_close(0.5 * (objective.squares(best) + bent), history.best)
    assert (history.best <= torch.stack(history.loss).amin(0)).all()
    assert len(history.loss) == 60
    assert history.range_refits > 0
    assert (history.best < 0.2 * history.loss[0]).all()


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_batch_of_models_equals_single_runs(method):
    network, objective, smoothing = setting(Architecture(2, hidden=(2,)), models=3)
    counts = torch.tensor([[1.0], [2.0], [1.0]], dtype=torch.float64) * objective.data.weights
    objective = objective.with_weights(counts)
    penalty = EdgePenalty(network.architecture, smoothing, 300.0)
    options = FirstOrderOptions(iterations=12)
    together, _ = train_first_order(network, objective, penalty, options, None, method)
    for model in range(3):
        index = torch.tensor([model])
        single, _ = train_first_order(
            network.take(index),
            objective.for_models(index),
            penalty.for_models(index),
            options,
            None,
            method,
        )
        torch.testing.assert_close(single.theta[0], together.theta[model], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_float32_is_close_to_float64(method):
    network, objective, smoothing = setting(Architecture(2, hidden=(3,)), models=1)
    options = FirstOrderOptions(iterations=20, batch_rows=100)
    _, history = train_network(network, objective, smoothing, method, first_order=options)
    best, rough = train_network(
        network, objective, smoothing, method, first_order=replace(options, single=True)
    )
    assert best.theta.dtype == torch.float64
    assert float(rough.best) == pytest.approx(float(history.best), rel=0.1)
    assert float(rough.best) < 0.5 * float(rough.loss[0])


def test_adam_lowers_the_loss_and_repeats_itself():
    network, objective, smoothing = setting(Architecture(2, hidden=(4,)), models=2)
    options = FirstOrderOptions(iterations=25, batch_rows=64)
    one, history = train_network(network, objective, smoothing, "adam", first_order=options)
    two, _ = train_network(network, objective, smoothing, "adam", first_order=options)
    assert torch.equal(one.theta, two.theta)
    assert (history.best < 0.2 * history.loss[0]).all()
    residual = objective.residuals(one).square().mean((1, 2))
    assert (residual < 0.05 * objective.data.target.var()).all()


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_shapes_are_held(method):
    wanted = ShapeConstraints(monotonic=(0, 1))
    network, objective, smoothing = setting(Architecture(2, hidden=(3,)), wanted=wanted)
    options = FirstOrderOptions(iterations=30, batch_rows=100)
    best, history = train_network(network, objective, smoothing, method, None, options, wanted)
    held = ConstrainedCoefficients.of(network.architecture, wanted)
    assert float(held.variables(best.theta)[:, held.bounded].min()) > -1e-9
    assert (history.best < 0.9 * history.loss[0]).all()
    steps = torch.linspace(-1.5, 1.5, 50, dtype=torch.float64)
    for level in (-1.0, 0.2, 0.9):
        numbers = torch.stack([torch.full_like(steps, level), steps], dim=1)
        values = best.forward(replace(objective.inputs, numbers=numbers, codes=torch.zeros(50, 0).long()))
        assert float(values[..., 0].diff(dim=1).min()) > -1e-9


def test_products_cycles_tables_and_outputs_are_trained():
    shape = Architecture(1, cycles=1, categories=(3,), hidden=(4,), products=(2,), outputs=2, grid_size=4)
    generator = torch.Generator().manual_seed(2)
    data = sample(lambda x: torch.stack([x[:, 0] * torch.sin(6.28 * x[:, 1]), x[:, 0]], 1), 300, 2)
    codes = torch.randint(0, 3, (300, 1), generator=generator)
    inputs = replace(data.inputs, codes=codes)
    data = Data(inputs, data.target + 0.3 * codes, data.weights)
    network = random_starts(shape, 2, inputs, box(1), data.target.mean(0), generator)
    smoothing = torch.full((2, 5), 1e-7, dtype=torch.float64)
    options = FirstOrderOptions(iterations=120)
    _, history = train_network(network, LeastSquares(data), smoothing, "lbfgs", first_order=options)
    assert (history.best < 0.01 * history.loss[0]).all()


def test_watch_stops_and_pruned_edges_stay_away():
    network, objective, smoothing = setting(Architecture(2, hidden=(3,)))
    active = torch.ones_like(network.theta, dtype=torch.bool)
    active.view(2, -1)[:, : 8 * 3].view(2, 8, 3)[:, :, 0] = False
    network = replace(network, theta=network.theta * active, active=active)
    for method in ("lbfgs", "adam"):
        options = FirstOrderOptions(iterations=9, watch=lambda step, loss: step == 3)
        best, history = train_network(network, objective, smoothing, method, first_order=options)
        assert history.stopped
        assert len(history.loss) == 4
        assert (best.theta[~active] == 0).all()


def test_method_by_size():
    assert choose_method(2_000, 10**9) == "lm"
    assert choose_method(2_001, 1_000) == "lbfgs"
    assert choose_method(2_001, 10**7) == "adam"
    assert choose_method(10, 10, "adam") == "adam"
