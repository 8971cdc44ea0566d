from dataclasses import replace

import pytest
import torch

from kanopt.errors import FitError
from kanopt.kan.architecture import Architecture
from kanopt.kan.fit import fit_starts
from kanopt.kan.training import FitOptions
from tests.kan.conftest import box, sample


def ratio(x):
    return x[:, 0] / (1.0 + x[:, 1])


@pytest.mark.parametrize("seed", [0, 1])
def test_the_score_is_that_of_the_network_returned_also_where_ends_hold_few_rows(seed):
    data = sample(ratio, 600, 2, seed=seed)
    tails = -(
        0.5 * (data.inputs.numbers + 1.0)
    ).log()  # exponential: the last cells hold the few largest rows
    target = ratio(tails).unsqueeze(1)
    data = replace(data, inputs=replace(data.inputs, numbers=tails), target=target / target.std())
    run = fit_starts(
        Architecture(2, hidden=(2,), grid_size=5),
        data,
        (tails.amin(0), tails.amax(0)),
        torch.Generator().manual_seed(1),
        FitOptions(),
    )
    error = (run.network.forward(data.inputs)[0] - data.target).square().mean().sqrt()
    assert float(error) < 1.2 * float(run.score[0].sqrt())
    assert float(error) < 0.01


def test_targets_far_beyond_unit_size_are_refused_rather_than_fitted_by_a_constant():
    data = sample(lambda x: 1e9 * x[:, 0] * x[:, 1], 100, 2)
    shape = Architecture(2, hidden=(2,), grid_size=4)
    with pytest.raises(FitError, match="about unit size"):
        fit_starts(shape, data, box(2), torch.Generator().manual_seed(1))
    additive = fit_starts(Architecture(2, grid_size=4), data, box(2), torch.Generator().manual_seed(1))
    assert torch.isfinite(additive.score).all()


@pytest.mark.parametrize("unit", [1e-3, 10.0])
def test_a_unit_within_reason_makes_no_difference(unit):
    data = sample(lambda x: torch.exp(x[:, 0] * x[:, 1]), 200, 2, noise=0.1)
    data = replace(data, target=data.target / data.target.std())
    errors = []
    for size in (1.0, unit):
        scaled = replace(data, target=size * data.target)
        run = fit_starts(
            Architecture(2, hidden=(2,), grid_size=4), scaled, box(2), torch.Generator().manual_seed(1)
        )
        errors.append(float((run.network.forward(data.inputs)[0] / size - data.target).square().mean()))
    assert errors[1] == pytest.approx(errors[0], rel=0.25)
