"""Train 64 starts of a small network as one batch, and one after the other; print both.

The network is [4, 5, 1]; every start takes the same number of Levenberg-Marquardt steps either way and ends at the same
loss, which is checked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pandas as pd
import torch
from _bench import alternate, footer

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.constraints import Penalty
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.trainer import TrainerOptions, train
from kanopt.kan.training import random_starts


def law(x: torch.Tensor) -> torch.Tensor:
    return torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2) * x[:, 2] + torch.sqrt(x[:, 3] + 2.0)


def rows_of(rows: int, seed: int, device: torch.device) -> Data:
    generator = torch.Generator().manual_seed(seed)
    numbers = 2.0 * torch.rand(rows, 4, dtype=torch.float64, generator=generator) - 1.0
    target = law(numbers) + 0.05 * torch.randn(rows, dtype=torch.float64, generator=generator)
    inputs = InputTensors(numbers.to(device), torch.zeros(rows, 0, dtype=torch.int64, device=device))
    return Data(inputs, target[:, None].to(device), torch.ones(rows, dtype=torch.float64, device=device))


def starts_of(shape: Architecture, models: int, data: Data, seed: int) -> KANBatch:
    one = torch.ones(4, dtype=torch.float64, device=data.target.device)
    generator = torch.Generator().manual_seed(seed)
    return random_starts(shape, models, data.inputs, (-one, one), data.target.mean(0), generator)


def contenders(
    data: Data, models: int, grid_size: int, steps: int, seed: int
) -> tuple[dict[str, Callable[[], torch.Tensor]], int]:
    """Return the batch and the loop, each giving the losses (models,), and the parameters of one network."""
    shape = Architecture(4, hidden=(5,), grid_size=grid_size)
    network = starts_of(shape, models, data, seed)
    parts = Penalty.of(shape, data.target.device)
    smoothing = torch.full((models, parts.groups + 1), 1e-6, dtype=torch.float64, device=data.target.device)
    penalty = parts.matrices(smoothing, float(len(data)))
    objective, options = LeastSquares(data), TrainerOptions(iterations=steps, tolerance=0.0)

    def batch() -> torch.Tensor:
        return train(network, objective, penalty, options)[1].best

    def loop() -> torch.Tensor:
        best = []
        for model in range(models):
            index = torch.tensor([model], device=data.target.device)
            best.append(train(network.take(index), objective, penalty[index], options)[1].best)
        return torch.cat(best)

    return {"batch": batch, "loop": loop}, shape.parameters


def measure(arguments: argparse.Namespace, device: torch.device) -> pd.DataFrame:
    table = []
    for rows in arguments.rows:
        data = rows_of(rows, arguments.seed, device)
        runs, parameters = contenders(data, arguments.models, arguments.grid, arguments.steps, arguments.seed)
        together, apart = runs["batch"](), runs["loop"]()
        # Sums in another order end in other last digits, and after many steps in another basin now and then.
        close = float((torch.isclose(together, apart, rtol=1e-3)).double().mean())
        times = alternate(runs, arguments.repeats)
        table.append(
            {
                "device": device.type,
                "rows": rows,
                "starts": arguments.models,
                "parameters": parameters,
                "batch, wall s": times["batch"].wall,
                "loop, wall s": times["loop"].wall,
                "batch, CPU s": times["batch"].cpu,
                "loop, CPU s": times["loop"].cpu,
                "loop / batch": times["loop"].wall / times["batch"].wall,
                "same loss": close,
            }
        )
    return pd.DataFrame(table)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, nargs="+", default=[200, 5000], help="rows (default 200 5000)")
    options.add_argument("--models", type=int, default=64, help="starts (default 64)")
    options.add_argument("--grid", type=int, default=5, help="intervals of a spline (default 5)")
    options.add_argument("--steps", type=int, default=10, help="steps of every start (default 10)")
    options.add_argument(
        "--repeats", type=int, default=5, help="measured turns, medians are shown (default 5)"
    )
    options.add_argument("--seed", type=int, default=0, help="seed of rows and starts (default 0)")
    return options


def main() -> None:
    arguments = parser().parse_args()
    torch.set_num_threads(1)
    table = measure(arguments, torch.device("cpu"))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    print(f"\n{footer([], arguments.seed)}")


if __name__ == "__main__":
    main()
