"""Train single starts of a deep network to their end; print how many find the basin of the law, by first smoothing.

The law is exp((sin π(x₁² + x₂²) + sin π(x₃² + x₄²)) / 2), the network [4, 2, 1, 1]. A start has found the basin where
it ends below a twentieth of the target's standard deviation: those that do end at a two-hundredth, the others above a
tenth.
"""

from __future__ import annotations

import argparse
from unittest.mock import patch

import pandas as pd
import torch
from _bench import footer

from kanopt.kan import training
from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.fit import train_until_one
from kanopt.kan.objective import Data
from kanopt.kan.training import FitOptions, TrainedBatch, train_starts

SHAPE = Architecture(4, hidden=(2, 1), grid_size=5)
FOUND = 0.05


def rows_of(rows: int, seed: int) -> Data:
    generator = torch.Generator().manual_seed(seed)
    x = 2.0 * torch.rand(rows, 4, dtype=torch.float64, generator=generator) - 1.0
    waves = torch.sin(torch.pi * x[:, :2].square().sum(1)) + torch.sin(torch.pi * x[:, 2:].square().sum(1))
    target = torch.exp(0.5 * waves).unsqueeze(1)
    inputs = InputTensors(x, torch.zeros(rows, 0, dtype=torch.int64))
    return Data(inputs, target / target.std(), torch.ones(rows, dtype=torch.float64))


def errors(data: Data, strong: float, starts: int, seed: int) -> torch.Tensor:
    """Return the root mean squared error that every start ends with, (starts,)."""
    one, found = torch.ones(4, dtype=torch.float64), []
    generator = torch.Generator().manual_seed(seed)
    options = FitOptions(starts=starts)
    with patch.object(training, "STRONG", strong):
        run = train_starts(SHAPE, data, (-one, one), generator, options, kept=starts)
    for index in torch.arange(len(run.network)).split(1):
        alone = TrainedBatch(run.network.take(index), run.smoothing[index], run.score[index], run.history)
        output = train_until_one(alone, data, options).network.forward(data.inputs)[0]
        found.append((output - data.target).square().mean().sqrt())
    return torch.stack(found)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--starts", type=int, default=100, help="starts (default 100)")
    options.add_argument("--rows", type=int, default=3000, help="rows (default 3000)")
    options.add_argument("--seed", type=int, default=0, help="seed of rows and starts (default 0)")
    arguments = options.parse_args()
    torch.set_num_threads(1)
    data = rows_of(arguments.rows, arguments.seed)
    table = []
    for strong in (1e-2, training.STRONG, 1e-6, 1e-8):
        ends = errors(data, strong, arguments.starts, arguments.seed)
        share = float((ends < FOUND).double().mean())
        table.append({"smoothing": f"{strong:g}", "starts": len(ends), "in the basin": share})
    print(pd.DataFrame(table).to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(f"\n{footer([], arguments.seed)}")


if __name__ == "__main__":
    main()
