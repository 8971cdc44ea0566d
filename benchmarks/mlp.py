"""Measure networks of splines beside multilayer perceptrons of as many weights.

Three smooth targets without noise: exp(sin πx + y²) and x·y from 1,000 rows, exp((sin π(x₁²+x₂²) + sin π(x₃²+x₄²))/2)
from 3,000, rows uniform on [−1, 1]. The network of splines has the shape that the literature gives it, its grid grows
while that pays, all else is "auto"; what is counted is the size it ends with. The perceptrons have one hidden layer, or
two of equal width, of tanh or SiLU, as wide as about as many weights allow; inputs and targets are standardised.
They are trained in float64 with Adam (full batch, 1e-2 falling to 1e-4 on a cosine), then L-BFGS with a strong Wolfe
line search, from several starts, all within a budget of CPU time that is a multiple of what the splines took, and never
under a minute in all; the start of least training error counts. So the budget favours the perceptron. Real tables are
in real_tables.py, whose last row per table is a perceptron of equal size.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from _bench import footer
from torch import Tensor, nn

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.fit import fit_starts, refine_grid
from kanopt.kan.objective import Data
from kanopt.kan.training import FitOptions

FINEST = 40


@dataclass(frozen=True)
class Target:
    """A law on [−1, 1]ᵈ, the rows to learn it from, and the hidden layers of its network of splines."""

    name: str
    law: Callable[[Tensor], Tensor]
    inputs: int
    rows: int
    hidden: tuple[int, ...]


def deep(x: Tensor) -> Tensor:
    first = torch.sin(math.pi * (x[:, 0] ** 2 + x[:, 1] ** 2))
    return torch.exp(0.5 * (first + torch.sin(math.pi * (x[:, 2] ** 2 + x[:, 3] ** 2))))


TARGETS = (
    Target(
        "exp(sin πx + y²)", lambda x: torch.exp(torch.sin(math.pi * x[:, 0]) + x[:, 1] ** 2), 2, 1000, (1,)
    ),
    Target("x·y", lambda x: x[:, 0] * x[:, 1], 2, 1000, (2,)),
    Target("exp((sin + sin)/2) of 4", deep, 4, 3000, (2, 1)),
)


@dataclass(frozen=True)
class Result:
    """Root mean square error on 10,000 clean rows, trained weights, and CPU seconds."""

    error: float
    weights: int
    cpu: float


def drawn(rows: int, inputs: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 2.0 * torch.rand(rows, inputs, dtype=torch.float64, generator=generator) - 1.0


def splines(target: Target, x: Tensor, y: Tensor, test: Tensor, seed: int) -> Result:
    tick = time.process_time()
    none = torch.zeros(len(x), 0, dtype=torch.int64)
    data = Data(InputTensors(x, none), y[:, None] / y.std(), torch.ones(len(x), dtype=torch.float64))
    shape = Architecture(target.inputs, hidden=target.hidden, grid_size=5)
    generator, options = torch.Generator().manual_seed(seed), FitOptions()
    run = fit_starts(shape, data, (x.amin(0), x.amax(0)), generator, options)
    run = refine_grid(run, data, options, FINEST)
    cpu = time.process_time() - tick
    none = torch.zeros(len(test), 0, dtype=torch.int64)
    predicted = run.network.forward(InputTensors(test, none))[0, :, 0] * y.std()
    return Result(rmse(predicted, target.law(test)), run.network.architecture.parameters, cpu)


def rmse(predicted: Tensor, actual: Tensor) -> float:
    return float((predicted - actual).square().mean().sqrt())


def perceptron(inputs: int, layers: int, weights: int, activation: type[nn.Module]) -> nn.Sequential:
    """Return a perceptron whose hidden layers are as wide as `weights` weights allow."""

    def size(width: int) -> int:
        return (inputs + 2) * width + 1 + (layers - 1) * (width + 1) * width

    width = max(w for w in range(1, weights + 2) if w == 1 or size(w) <= weights)
    parts: list[nn.Module] = []
    for place in range(layers):
        parts += [nn.Linear(inputs if place == 0 else width, width), activation()]
    return nn.Sequential(*parts, nn.Linear(width, 1)).double()


def trained(network: nn.Sequential, x: Tensor, y: Tensor, seconds: float) -> float:
    """Train for `seconds` of CPU time, a third of it Adam, and return the training error."""
    tick = time.process_time()
    target = y[:, None]
    optimiser: torch.optim.Optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    while (share := (time.process_time() - tick) / (seconds / 3.0)) < 1.0:
        optimiser.param_groups[0]["lr"] = 1e-4 + 0.5 * (1e-2 - 1e-4) * (1.0 + math.cos(math.pi * share))
        optimiser.zero_grad()
        (network(x) - target).square().mean().backward()
        optimiser.step()
    while time.process_time() - tick < seconds:
        optimiser = torch.optim.LBFGS(
            network.parameters(),
            max_iter=50,
            history_size=50,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

        def loss(optimiser: torch.optim.Optimizer = optimiser) -> Tensor:
            optimiser.zero_grad()
            value = (network(x) - target).square().mean()
            value.backward()
            return value

        optimiser.step(loss)
    with torch.no_grad():
        return float((network(x) - target).square().mean())


def perceptrons(
    target: Target, x: Tensor, y: Tensor, test: Tensor, ours: Result, arguments: argparse.Namespace
) -> dict[str, Result]:
    """Return the best start of every kind of perceptron."""
    seconds = max(arguments.seconds, arguments.times * ours.cpu) / arguments.starts
    middle, spread = y.mean(), y.std()
    results = {}
    for layers in (1, 2):
        for activation in (nn.Tanh, nn.SiLU):
            tick, best, least = time.process_time(), None, math.inf
            for _ in range(arguments.starts):
                network = perceptron(target.inputs, layers, ours.weights, activation)
                error = trained(network, x / x.std(0), (y - middle) / spread, seconds)
                if best is None or error < least:
                    best, least = network, error
            assert best is not None
            with torch.no_grad():
                predicted = best(test / x.std(0))[:, 0] * spread + middle
            size = sum(weights.numel() for weights in best.parameters())
            name = f"MLP, {layers} × {activation.__name__}"
            results[name] = Result(rmse(predicted, target.law(test)), size, time.process_time() - tick)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="tables drawn per target (default 3)")
    parser.add_argument("--starts", type=int, default=3, help="starts of every perceptron (default 3)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="least CPU seconds of all starts of a perceptron (default 60)",
    )
    parser.add_argument(
        "--times",
        type=float,
        default=10.0,
        help="CPU time of a perceptron over that of the splines (default 10)",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"{'target':26}{'model':22}{'weights':>8}{'RMSE, median':>14}{'least':>10}{'largest':>10}{'CPU s':>8}"
    )
    for target in TARGETS:
        found: dict[str, list[Result]] = {}
        for seed in range(arguments.seeds):
            x, test = drawn(target.rows, target.inputs, seed), drawn(10_000, target.inputs, 1000 + seed)
            torch.manual_seed(seed)
            ours = splines(target, x, target.law(x), test, seed)
            others = perceptrons(target, x, target.law(x), test, ours, arguments)
            for name, result in {"splines (kanopt)": ours, **others}.items():
                found.setdefault(name, []).append(result)
        for name, results in found.items():
            errors = [one.error for one in results]
            size, cpu = (
                statistics.median(values)
                for values in zip(*((r.weights, r.cpu) for r in results), strict=True)
            )
            middle, least, largest = statistics.median(errors), min(errors), max(errors)
            print(
                f"{target.name:26}{name:22}{size:8.0f}{middle:14.1e}{least:10.1e}{largest:10.1e}{cpu:8.1f}",
                flush=True,
            )
    print()
    print(footer([], f"0 to {arguments.seeds - 1}"))


if __name__ == "__main__":
    main()
