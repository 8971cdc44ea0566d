import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kanopt.kan import first_order
from kanopt.kan import hidden_layers as hidden
from kanopt.kan.architecture import LayerArchitecture
from kanopt.kan.basis import dense_basis
from kanopt.kan.hidden_layers import hidden_layer


def setting(grid, dtype=torch.float64, models=2, rows=30):
    """A layer of three splines into two nodes, and node values of which some lie beyond the ranges."""
    generator = torch.Generator().manual_seed(grid)

    def uniform(*size):
        return torch.rand(*size, dtype=torch.float64, generator=generator)

    sizes = LayerArchitecture(splines=3, cycles=0, tables=(), sums=2, products=0, grid_size=grid)
    block = uniform(models, sizes.width, 2) - 0.5
    lower = uniform(models, 3) - 1.0
    ends = lower, lower + 1.0 + uniform(models, 3)
    signal = ends[0].unsqueeze(1) + (1.5 * uniform(models, rows, 3) - 0.25) * (ends[1] - lower).unsqueeze(1)
    signal[:, 0], signal[:, 1] = ends[0], ends[1]
    flow = uniform(models, rows, 2) - 0.5
    block, signal, flow, *ends = (tensor.to(dtype) for tensor in (block, signal, flow, *ends))
    return sizes, block, tuple(ends), signal, flow


def made(sizes, block, ends, rows=30):
    return hidden_layer(sizes, block, ends, block.new_empty(3, len(block) * sizes.width * rows))


def expected(sizes, block, ends, signal, flow):
    lower, upper = (end.unsqueeze(1) for end in ends)
    basis = dense_basis(signal, lower, upper, sizes.grid_size).flatten(2)
    slopes = dense_basis(signal, lower, upper, sizes.grid_size, 1).flatten(2)
    back = torch.unflatten(slopes * (flow @ block.transpose(1, 2)), 2, (3, -1)).sum(-1)
    return basis @ block, back, basis.transpose(1, 2) @ flow


@pytest.mark.parametrize("coarse", [0, 40])
@pytest.mark.parametrize("grid", [1, 2, 5, 8, 20])
def test_both_sets_of_functions_give_the_splines(grid, coarse, monkeypatch):
    monkeypatch.setattr(hidden, "COARSE", coarse)
    sizes, block, ends, signal, flow = setting(grid)
    layer = made(sizes, block, ends)
    arrived, back = layer.forward(signal), layer.backward(flow)
    wanted = expected(sizes, block, ends, signal, flow)
    for ours, theirs in zip((arrived, back, layer.gradient()), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-11 * grid**2, rtol=0.0)


@pytest.mark.parametrize("grid", [3, 5, 7, 8, 40])
def test_float32_keeps_five_digits_on_every_grid(grid):
    exact = expected(*setting(grid))
    sizes, block, ends, signal, flow = setting(grid, torch.float32)
    layer = made(sizes, block, ends)
    ours = layer.forward(signal), layer.backward(flow), layer.gradient()
    for rough, theirs in zip(ours, exact, strict=True):
        assert float((rough - theirs).abs().max() / theirs.abs().max()) < 2e-5


@pytest.mark.parametrize("grid", [5, 12])
def test_gradients_of_several_blocks_of_rows_add_up(grid):
    sizes, block, ends, signal, flow = setting(grid)
    layer = made(sizes, block, ends, rows=13)
    for rows in (slice(0, 13), slice(13, 26), slice(26, 30)):
        layer.forward(signal[:, rows])
        layer.backward(flow[:, rows])
    wanted = expected(sizes, block, ends, signal, flow)[2]
    torch.testing.assert_close(layer.gradient(), wanted, atol=1e-10, rtol=0.0)


@pytest.mark.parametrize("grid", [5, 12])
def test_not_a_number_stays_in_its_row(grid):
    sizes, block, ends, signal, _ = setting(grid)
    signal[1, 4, 2] = torch.nan
    arrived = made(sizes, block, ends).forward(signal)
    broken = arrived.isnan().any(2)
    assert broken.sum() == 1
    assert broken[1, 4]


@pytest.mark.parametrize("grid", range(1, hidden.COARSE + 1))
def test_the_change_to_powers_is_exact(grid):
    change = hidden._change_of_basis(grid)
    assert torch.equal(change * 48.0, torch.round(change * 48.0))


PROGRAM = """
import hashlib
import torch
torch.set_num_threads(1)
from kanopt.kan.fit_options import FitOptions
from kanopt.kan.large_networks import fit_large
from kanopt.kan.architecture import Architecture
from tests.kan.conftest import box, sample
data = sample(lambda x: torch.sin(2.0 * x[:, 0]) * x[:, 1], 60, 3, noise=0.5)
shape = Architecture(3, hidden=(12,), grid_size=5)
assert first_order.choose_method(shape.parameters, 60) == "lbfgs"
run, _ = fit_large(shape, data, box(3), torch.Generator().manual_seed(1), FitOptions(smoothing=1e-6))
digest = hashlib.sha256(run.network.theta.numpy().tobytes()).hexdigest()
"""


@pytest.mark.slow
def test_one_seed_gives_one_network_in_every_process(monkeypatch):
    # The least-squares solver of MKL differs in the last bits with where memory lies, which differs between processes.
    monkeypatch.setattr(first_order, "LARGE", 300)
    here = {"first_order": first_order}
    exec(PROGRAM, here)
    before = "from kanopt.kan import first_order\nfirst_order.LARGE = 300\n"
    there = subprocess.run(
        [sys.executable, "-c", f"{before}{PROGRAM}print(digest)"],
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
    )
    assert there.stdout.strip() == here["digest"]
