"""The same code on a CUDA device, where there is one."""

import numpy as np
import pytest
import torch

from kanopt import KANRegressor
from kanopt.kan.fit import describe_fit, fit_held_out, fit_starts
from kanopt.kan.network import Architecture, InputTensors
from kanopt.kan.ranges import ShapeConstraints
from kanopt.kan.trainer import Data, LeastSquares
from kanopt.kan.training import FitOptions, random_starts
from tests.kan.conftest import box, sample

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def law(x):
    return torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)


def on(device, data):
    inputs = InputTensors(data.inputs.numbers.to(device), data.inputs.codes.to(device))
    return Data(inputs, data.target.to(device), data.weights.to(device))


def test_normal_equations_are_those_of_the_cpu():
    data = sample(law, 500, 2, noise=0.1)
    shape = Architecture(2, hidden=(3,))
    found = []
    for device in ("cpu", "cuda"):
        rows = on(device, data)
        low, high = (end.to(device) for end in box(2))
        offset = rows.target.mean(0)
        network = random_starts(shape, 4, rows.inputs, (low, high), offset, torch.Generator().manual_seed(1))
        found.append(LeastSquares(rows).normal_equations(network))
    torch.testing.assert_close(found[1].matrix.cpu(), found[0].matrix, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found[1].vector.cpu(), found[0].vector, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wanted", [ShapeConstraints(), ShapeConstraints((0, 1))])
def test_a_fit_is_as_good_as_on_the_cpu(wanted):
    data = on("cuda", sample(law, 500, 2))
    bounds = tuple(end.to("cuda") for end in box(2))
    options = FitOptions(shape_constraints=wanted)
    run = fit_starts(
        Architecture(2, hidden=(1,), grid_size=10), data, bounds, torch.Generator().manual_seed(1), options
    )
    fit = describe_fit(run, data, options)
    if not wanted:
        assert np.std(fit.residual) < 1e-2 * float(data.target.std())


def test_a_large_network_is_as_good_as_on_the_cpu():
    shape, found = Architecture(2, hidden=(12,)), []
    for device in ("cpu", "cuda"):
        data = on(device, sample(law, 500, 2))
        bounds = tuple(end.to(device) for end in box(2))
        options = FitOptions(shape_constraints=ShapeConstraints((0, 1)), smoothing=1e-6)
        generator = torch.Generator().manual_seed(1)
        parts = data.rows(slice(100, None)), data.rows(slice(0, 100))
        run, _ = fit_held_out(shape, *parts, bounds, generator, options, 5)
        found.append(float(run.score))
    assert found[1] == pytest.approx(found[0], rel=0.1)


def test_a_regressor_predicts_alike():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1] ** 2
    models = [KANRegressor((), log_target=False, device=device).fit(x, y) for device in ("cpu", "cuda")]
    np.testing.assert_allclose(models[1].predict(x), models[0].predict(x), atol=1e-5)
