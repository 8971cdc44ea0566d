"""What a batch of starts and a CUDA device gain: the same fits in turns, on the CPU and on a device.

1. 64 starts of [4, 5, 1] as one batch, and one after the other. Every start takes the same number of steps of
   Levenberg-Marquardt either way and ends at the same loss, which is checked.
2. A whole fit of the deep target [4, 2, 1, 1].
3. One pass of normal equations of [8, 16, 1] over a million rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from _bench import alternate, asked, footer, print_table
from targets import GIVEN, TARGETS

import kanopt as ko
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
    """Return a line of part 1."""
    runs = contenders(rows, given, device)
    # Sums in another order end in other last digits, and after many steps in another basin now and then.
    close = torch.isclose(runs["batch"](), runs["loop"](), rtol=1e-3).double().mean()
    times = alternate(runs, given.repeats)
    seconds = {f"{name}, {what} s": getattr(times[name], what) for what in ("wall", "cpu") for name in times}
    gain = times["loop"].wall / times["batch"].wall
    return {"device": device, "rows": rows, **seconds, "loop / batch": gain, "same loss": float(close)}


def fits(given: argparse.Namespace, devices: list[str]) -> list[Row]:
    """Return the lines of part 2."""
    target, models = TARGETS["deep"], {}
    x, y = target.sample(given.seed, 0.0)

    def run(device: str) -> Callable[[], None]:
        def fit() -> None:
            models[device] = ko.KANRegressor(target.hidden, seed=given.seed, device=device, **GIVEN).fit(x, y)

        return fit

    times = alternate({device: run(device) for device in devices}, given.repeats)
    return [
        {
            "deep target": name,
            "wall s": time.wall,
            "CPU s": time.cpu,
            "RMSE": target.error(models[name].predict),
        }
        for name, time in times.items()
    ]


def equations(given: argparse.Namespace, devices: list[str]) -> list[Row]:
    """Return the lines of part 3."""
    generator = torch.Generator().manual_seed(given.seed)
    numbers = torch.rand(given.many, 8, dtype=torch.float64, generator=generator)
    shape = Architecture(8, hidden=(16,), grid_size=5)

    def run(device: str) -> Callable[[], object]:
        inputs = on(numbers, device)
        data = Data(inputs, numbers.prod(1, keepdim=True).to(device), inputs.numbers.new_ones(len(numbers)))
        ends = inputs.numbers.new_zeros(8), inputs.numbers.new_ones(8)
        draw = torch.Generator().manual_seed(given.seed)
        network = random_starts(shape, 1, inputs.rows(slice(0, 1000)), ends, data.target.mean(0), draw)
        objective = LeastSquares(data)
        return lambda: objective.normal_equations(network)

    times = alternate({device: run(device) for device in devices}, given.repeats)
    return [
        {f"{given.many:,} rows": name, "wall s": time.wall, "rows per s": given.many / time.wall}
        for name, time in times.items()
    ]


def main() -> None:
    given = asked(
        __doc__,
        rows=([200, 5000], "rows of part 1"),
        models=(64, "starts of part 1"),
        grid=(5, "intervals of a spline in part 1"),
        steps=(10, "steps of every start in part 1"),
        many=(1_000_000, "rows of part 3"),
        repeats=(3, "measured turns"),
        seed=(0, "seed of rows and starts"),
    )
    if not torch.cuda.is_available():
        print("there is no CUDA device: the CPU alone is measured")
    devices = [*(["cuda"] if torch.cuda.is_available() else []), "cpu"]
    print_table([starts(rows, given, device) for device in devices for rows in given.rows])
    print_table(fits(given, devices))
    print_table(equations(given, devices))
    print(footer([], given.seed))


if __name__ == "__main__":
    main()
