"""What a batch of starts gains, on the CPU and on a CUDA device: 64 starts of [4, 5, 1] at once and in turns.

Every start takes the same number of steps of Levenberg-Marquardt either way and ends at the same loss, which is
checked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from _bench import alternate, asked, footer, print_table

from kanopt.kan.network import Architecture, InputTensors
from kanopt.kan.ranges import Penalty
from kanopt.kan.trainer import Data, LeastSquares, TrainerOptions, train
from kanopt.kan.training import random_starts

Row = dict[str, object]


def on(numbers: torch.Tensor, device: str) -> InputTensors:
    """Return numbers as the inputs of a network that has no categories."""
    return InputTensors(numbers.to(device), torch.zeros(len(numbers), 0, dtype=torch.int64, device=device))


def contenders(rows: int, given: argparse.Namespace, device: str) -> dict[str, Callable[[], torch.Tensor]]:
    """Return the batch and the loop, each giving the losses (models,)."""
    generator = torch.Generator().manual_seed(given.seed)
    x = 2.0 * torch.rand(rows, 4, dtype=torch.float64, generator=generator) - 1.0
    law = torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2) * x[:, 2] + torch.sqrt(x[:, 3] + 2.0)
    target = law + 0.05 * torch.randn(rows, dtype=torch.float64, generator=generator)
    data = Data(on(x, device), target[:, None].to(device), torch.ones_like(target).to(device))
    shape, one = (
        Architecture(4, hidden=(5,), grid_size=given.grid),
        torch.ones(4, dtype=x.dtype, device=device),
    )
    draw = torch.Generator().manual_seed(given.seed)
    network = random_starts(shape, given.models, data.inputs, (-one, one), data.target.mean(0), draw)
    parts = Penalty.of(shape, data.target.device)
    smoothing = torch.full((given.models, parts.groups + 1), 1e-6, dtype=x.dtype, device=device)
    penalty = parts.matrices(smoothing, float(rows))
    objective, options = LeastSquares(data), TrainerOptions(iterations=given.steps, tolerance=0.0)

    def batch() -> torch.Tensor:
        return train(network, objective, penalty, options)[1].best

    def loop() -> torch.Tensor:
        places = torch.arange(given.models, device=device)[:, None]
        each = (train(network.take(at), objective, penalty[at], options)[1].best for at in places)
        return torch.cat(list(each))

    return {"batch": batch, "loop": loop}


def starts(rows: int, given: argparse.Namespace, device: str) -> Row:
    """Return a line of the table."""
    runs = contenders(rows, given, device)
    # Sums in another order end in other last digits, and after many steps in another basin now and then.
    close = torch.isclose(runs["batch"](), runs["loop"](), rtol=1e-3).double().mean()
    times = alternate(runs, given.repeats)
    seconds = {f"{name}, {what} s": getattr(times[name], what) for what in ("wall", "cpu") for name in times}
    gain = times["loop"].wall / times["batch"].wall
    return {"device": device, "rows": rows, **seconds, "loop / batch": gain, "same loss": float(close)}


def main() -> None:
    given = asked(
        __doc__,
        rows=([200, 5000], "rows"),
        models=(64, "starts"),
        grid=(5, "intervals of a spline"),
        steps=(10, "steps of every start"),
        repeats=(3, "measured turns"),
        seed=(0, "seed of rows and starts"),
    )
    if not torch.cuda.is_available():
        print("there is no CUDA device: the CPU alone is measured")
    devices = [*(["cuda"] if torch.cuda.is_available() else []), "cpu"]
    print_table([starts(rows, given, device) for device in devices for rows in given.rows])
    print(footer([], given.seed))


if __name__ == "__main__":
    main()
