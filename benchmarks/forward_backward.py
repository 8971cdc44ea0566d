"""Forward and backward pass of a large network, beside flashkan, inkan and pykan, in one run.

Every library computes the same thing in the way its documentation shows: the mean squared error of a [8, 64, 64, 1]
network of cubic splines on 5 intervals over 8,192 rows in float32, and its gradient by all parameters, on one thread.
The order is A B A B …, so that what else the machine does falls on all alike. A peer that is not installed is named
and left out. flashkan and inkan compile their basis with torch.compile, which needs a C++ compiler; the first call of
each, with the compilation, is not measured.

    python benchmarks/forward_backward.py --rounds 15
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import torch
from _bench import alternate, asked, footer, installed, print_table
from torch import Tensor

from kanopt.kan.network import Architecture, InputTensors, KANBatch
from kanopt.kan.trainer import Data, LeastSquares
from kanopt.kan.training import random_starts

WIDTHS, GRID, ROWS = (8, 64, 64, 1), 5, 8_192
Step = Callable[[], float]


def ours(x: Tensor, y: Tensor, seed: int) -> Step:
    """Return kanopt: splines with linear tails, autograd, blocks of rows."""
    none = torch.zeros(len(x), 0, dtype=torch.int64)
    rows = InputTensors(x[:500].double(), none[:500])
    ends = -torch.ones(WIDTHS[0], dtype=torch.float64), torch.ones(WIDTHS[0], dtype=torch.float64)
    shape = Architecture(WIDTHS[0], hidden=WIDTHS[1:-1], grid_size=GRID)
    start = random_starts(shape, 1, rows, ends, torch.zeros(1), torch.Generator().manual_seed(seed))
    lower, upper = start.lower.float(), start.upper.float()
    network = KANBatch(shape, start.theta.float(), lower, upper, start.offset.float())
    data = Data(InputTensors(x, none), y, torch.full((len(x),), 1.0 / len(x)))
    objective = LeastSquares(data)

    def step() -> float:
        theta, value = network.theta.requires_grad_(), 0.0
        for part in objective.chunks(network):
            squares = LeastSquares(part).squares(replace(network, theta=theta)).sum()
            torch.autograd.grad(squares, theta)
            value += squares.item()
        return value

    return step


def with_autograd(network: torch.nn.Module, x: Tensor, y: Tensor) -> Step:
    """Return a peer: its module of splines beside a SiLU, the mean squared error, and autograd."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def step() -> float:
        for parameter in trained:
            parameter.grad = None
        loss = torch.nn.functional.mse_loss(network(x), y)
        torch.autograd.backward(loss)
        return float(loss.detach())

    return step


def inkan(mode: str) -> torch.nn.Module:
    """Return inkan with one of its two compiled basis modes."""
    return import_module("inkan").KANNetwork(list(WIDTHS), grid_size=GRID, spline_order=3, basis_mode=mode)


def pykan(seed: int) -> torch.nn.Module:
    """Return pykan with its slow symbolic half switched off, as its documentation advises for speed."""
    folder = tempfile.mkdtemp()
    made = import_module("kan").KAN(
        width=list(WIDTHS), grid=GRID, k=3, seed=seed, auto_save=False, ckpt_path=folder
    )
    made.speed()
    return made


def main() -> None:
    given = asked(
        __doc__,
        rounds=(15, "calls of every library"),
        seed=(0, "seed of the data and the networks"),
        skip=([str], "peers to leave out", ("flashkan", "inkan", "pykan")),
    )
    torch.manual_seed(given.seed)
    x = 2.0 * torch.rand(ROWS, WIDTHS[0]) - 1.0
    y = torch.sin(x).sum(1, keepdim=True)
    peers: dict[str, dict[str, Callable[[], torch.nn.Module]]] = {
        "flashkan": {
            "flashkan": lambda: import_module("flashkan").KANNetwork(
                list(WIDTHS), grid_size=GRID, spline_order=3
            )
        },
        "inkan": {
            "inkan (local, its default)": lambda: inkan("local"),
            "inkan (dense)": lambda: inkan("dense"),
        },
        "pykan": {"pykan": lambda: pykan(given.seed)},
    }
    there = [package for package in peers if package not in (given.skip or ()) and installed(package)]
    steps = {"kanopt": ours(x, y, given.seed)}
    for package in there:
        steps |= {name: with_autograd(make(), x, y) for name, make in peers[package].items()}
    times = alternate(steps, given.rounds)
    base = times["kanopt"].cpu
    print(
        f"Forward + backward of {list(WIDTHS)}, cubic, grid {GRID}, batch {ROWS:,}, float32; medians of {given.rounds}"
    )
    print_table(
        [
            {
                "library": name,
                "wall, ms": 1e3 * time.wall,
                "CPU, ms": 1e3 * time.cpu,
                "× kanopt": time.cpu / base,
            }
            for name, time in times.items()
        ]
    )
    print(f"\n{footer(there, given.seed)}")


if __name__ == "__main__":
    main()
