"""Networks without an input that says nothing."""

from dataclasses import replace

import torch

from kanopt.kan.fit import describe_fit, fit_starts, without_input
from kanopt.kan.network import Architecture
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample


def test_a_network_without_an_input_keeps_its_level_and_trains_on() -> None:
    shape = Architecture(3, hidden=(2,), grid_size=4)
    data = sample(lambda x: x[:, 0] * x[:, 1], 400, 3, 0.05)
    run = fit_starts(shape, data, box(3), torch.Generator().manual_seed(2), FitOptions(starts=2))
    smaller = without_input(run.network, 2, data)
    gone = ~smaller.active[0]
    assert int(gone.sum()) == 2 * shape.layers[0].widths[2]
    assert (smaller.theta[0][gone] == 0.0).all()
    before, after = (one.forward(data.inputs)[0, :, 0] for one in (run.network, smaller))
    assert float((before - after).std()) < 0.1 * float(before.std())
    fit, whole = (
        describe_fit(replace(run, network=one), data, FitOptions()) for one in (smaller, run.network)
    )
    assert fit.edf < whole.edf
