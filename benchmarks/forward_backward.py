"""Forward and backward pass of a large network, beside flashkan, inkan and pykan, in one run.

Every library computes the same thing in the way its documentation shows: the mean squared error of a [8, 64, 64, 1]
network of cubic splines on 5 intervals over 8,192 rows in float32, and its gradient by all parameters, on one thread.
The order is A B A B …, so that what else the machine does falls on all alike. A peer that is not installed is named
and left out. flashkan and inkan compile their basis with torch.compile, which needs a C++ compiler; the time of the
first call, with the compilation, is printed apart.

    python benchmarks/forward_backward.py --rounds 15
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from statistics import median

import torch
from _bench import asked
from torch import Tensor

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.large import squares_and_gradient
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data
from kanopt.kan.training import random_starts

WIDTHS, GRID, ROWS = (8, 64, 64, 1), 5, 8_192

Step = Callable[[], float]


@dataclass
class Entry:
    """One library: its step, what it computes, and seconds of every call (wall clock, CPU)."""

    name: str
    computes: str
    step: Step
    parameters: int
    first: float = 0.0
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def call(self) -> float:
        """Take one step and note its time; return the loss."""
        wall, cpu = time.perf_counter(), time.process_time()
        loss = self.step()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)
        return loss


def ours(x: Tensor, y: Tensor, seed: int) -> Entry:
    """Return kanopt: analytic gradient, no autograd."""
    none = torch.zeros(len(x), 0, dtype=torch.int64)
    rows = InputTensors(x[:500].double(), none[:500])
    ends = -torch.ones(WIDTHS[0], dtype=torch.float64), torch.ones(WIDTHS[0], dtype=torch.float64)
    shape = Architecture(WIDTHS[0], hidden=WIDTHS[1:-1], grid_size=GRID)
    generator = torch.Generator().manual_seed(seed)
    start = random_starts(shape, 1, rows, ends, torch.zeros(1), generator)
    network = KANBatch(
        shape,
        start.theta.float(),
        tuple(end.float() for end in start.lower),
        tuple(end.float() for end in start.upper),
        start.offset.float(),
    )
    data = Data(InputTensors(x, none), y, torch.full((len(x),), 1.0 / len(x)))

    def step() -> float:
        squares, _ = squares_and_gradient(network, data)
        return float(squares)

    what = "splines with linear tails; analytic gradient (kanopt.kan.large), blocks of rows"
    return Entry("kanopt", what, step, shape.parameters)


def with_autograd(name: str, what: str, network: torch.nn.Module, x: Tensor, y: Tensor) -> Entry:
    """Return a peer: its module, the mean squared error, and autograd."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def step() -> float:
        for parameter in trained:
            parameter.grad = None
        loss = torch.nn.functional.mse_loss(network(x), y)
        torch.autograd.backward(loss)
        return float(loss.detach())

    return Entry(name, what, step, sum(parameter.numel() for parameter in trained))


def flashkan(x: Tensor, y: Tensor) -> Entry:
    """Return flashkan as its README uses it."""
    network = import_module("flashkan").KANNetwork(list(WIDTHS), grid_size=GRID, spline_order=3)
    what = "splines + SiLU base; compiled basis (dense, truncated powers), einsum, autograd"
    return with_autograd("flashkan", what, network, x, y)


def inkan(x: Tensor, y: Tensor, mode: str) -> Entry:
    """Return inkan with one of its two compiled basis modes."""
    make = import_module("inkan").KANNetwork
    network = make(list(WIDTHS), grid_size=GRID, spline_order=3, basis_mode=mode)
    default = ", its default" if mode == "local" else ""
    what = f"splines + SiLU base; compiled {mode} basis{default}, one linear map, autograd"
    return with_autograd(f"inkan ({mode})", what, network, x, y)


def pykan(x: Tensor, y: Tensor, seed: int) -> Entry:
    """Return pykan with its slow symbolic half switched off, as its documentation advises for speed."""
    make = import_module("kan").KAN
    network = make(
        width=list(WIDTHS), grid=GRID, k=3, seed=seed, auto_save=False, ckpt_path=tempfile.mkdtemp()
    )
    network.speed()
    return with_autograd(
        "pykan", "splines + SiLU base; Cox-de Boor recursion, autograd, speed()", network, x, y
    )


def entries(x: Tensor, y: Tensor, seed: int, skip: list[str]) -> list[Entry]:
    """Return all that is installed, and print what is not."""
    peers: dict[str, list[Callable[[], Entry]]] = {
        "flashkan": [lambda: flashkan(x, y)],
        "inkan": [lambda: inkan(x, y, "local"), lambda: inkan(x, y, "dense")],
        "pykan": [lambda: pykan(x, y, seed)],
    }
    found = [ours(x, y, seed)]
    for package, makers in peers.items():
        if package in skip:
            print(f"{package}: left out, as asked")
            continue
        try:
            found += [make() for make in makers]
            print(f"{package} {version(package)}")
        except (ImportError, PackageNotFoundError) as problem:
            print(f"{package}: left out, {problem}")
    return found


def table(found: list[Entry]) -> str:
    """Return the medians, and ratios to kanopt."""
    base = found[0]
    lines = [
        "| library | parameters | wall, ms | CPU, ms | least CPU, ms | CPU, × kanopt | first call, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in found:
        wall, cpu = median(entry.wall), median(entry.cpu)
        lines.append(
            f"| {entry.name} | {entry.parameters:,} | {1e3 * wall:.1f} | {1e3 * cpu:.1f} | "
            f"{1e3 * min(entry.cpu):.1f} | {cpu / median(base.cpu):.2f} | {entry.first:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    options = asked(
        __doc__,
        rounds=(15, "calls of every library"),
        seed=(0, "seed of the data and the networks"),
        skip=([str], "peers to leave out: flashkan inkan pykan"),
    )
    torch.manual_seed(options.seed)
    x = 2.0 * torch.rand(ROWS, WIDTHS[0]) - 1.0
    y = torch.sin(x).sum(1, keepdim=True)
    found = entries(x, y, options.seed, options.skip)
    for entry in found:
        start = time.perf_counter()
        loss = entry.step()
        entry.first = time.perf_counter() - start
        print(f"{entry.name}: {entry.computes}; first loss {loss:.4g}, {entry.first:.1f} s")
    for number in range(options.rounds):
        for entry in found:
            if number < 3 or entry.name != "pykan":
                entry.call()
    shape = ", ".join(str(width) for width in WIDTHS)
    print(
        f"\nForward + backward of [{shape}], cubic, grid {GRID}, batch {ROWS:,}, float32, one thread; medians."
    )
    print(
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"torch {version('torch')}, seed {options.seed}, {options.rounds} rounds\n"
    )
    print(table(found))


if __name__ == "__main__":
    main()
