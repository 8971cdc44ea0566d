"""What a CUDA device gains: the same fits on it and on the CPU, in one run.

1. 64 starts of [4, 5, 1] as one batch, and one after the other, on the device (see starts.py).
2. A whole fit of the deep target [4, 2, 1, 1], double and mixed precision, on both.
3. One pass of normal equations of [8, 16, 1] over a million rows, on both.

Without a device it says so and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from _bench import alternate, footer
from starts import measure
from targets import GIVEN, TARGETS

import kanopt as ko
from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.training import random_starts


def fits(seed: int, repeats: int, devices: list[str]) -> pd.DataFrame:
    target = TARGETS["deep"]
    x, y = target.sample(seed, 0.0)
    models: dict[str, ko.KANRegressor] = {}

    def run(device: str, precision: str) -> Callable[[], None]:
        def fit() -> None:
            model = ko.KANRegressor(target.hidden, seed=seed, device=device, precision=precision, **GIVEN)
            models[f"{device}, {precision}"] = model.fit(x, y)

        return fit

    contenders = {f"{d}, {p}": run(d, p) for d in devices for p in ("double", "mixed")}
    times = alternate(contenders, repeats)
    return pd.DataFrame(
        [
            {
                "deep target": name,
                "wall s": time.wall,
                "CPU s": time.cpu,
                "RMSE": target.error(models[name].predict),
            }
            for name, time in times.items()
        ]
    )


def equations(rows: int, seed: int, repeats: int, devices: list[str]) -> pd.DataFrame:
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.rand(rows, 8, dtype=torch.float64, generator=generator)
    shape = Architecture(8, hidden=(16,), grid_size=5)

    def run(device: str, precision: str) -> Callable[[], object]:
        inputs = InputTensors(numbers.to(device), torch.zeros(rows, 0, dtype=torch.int64, device=device))
        data = Data(inputs, numbers.prod(1, keepdim=True).to(device), inputs.numbers.new_ones(rows))
        ends = inputs.numbers.new_zeros(8), inputs.numbers.new_ones(8)
        draw = torch.Generator().manual_seed(seed)
        network = random_starts(shape, 1, inputs.rows(slice(0, 1000)), ends, data.target.mean(0), draw)
        objective = LeastSquares(data, precision=precision)
        return lambda: objective.normal_equations(network)

    contenders = {f"{d}, {p}": run(d, p) for d in devices for p in ("double", "mixed")}
    times = alternate(contenders, repeats)
    return pd.DataFrame(
        [
            {f"{rows:,} rows": name, "wall s": time.wall, "rows per s": rows / time.wall}
            for name, time in times.items()
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 5000], help="rows of part 1")
    parser.add_argument("--models", type=int, default=64, help="starts of part 1 (default 64)")
    parser.add_argument("--grid", type=int, default=5, help="intervals of a spline in part 1 (default 5)")
    parser.add_argument("--steps", type=int, default=10, help="steps of every start in part 1 (default 10)")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows of part 3 (default a million)")
    parser.add_argument("--repeats", type=int, default=3, help="measured turns (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed (default 0)")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("there is no CUDA device, nothing was measured", file=sys.stderr)
        sys.exit(2)
    torch.set_num_threads(1)
    devices = ["cuda", "cpu"]
    starts = pd.concat([measure(arguments, torch.device(device)) for device in devices])
    tables = [
        starts,
        fits(arguments.seed, arguments.repeats, devices),
        equations(arguments.many, arguments.seed, arguments.repeats, devices),
    ]
    for table in tables:
        print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"), "\n")
    gain = float(np.min(starts.loc[starts["device"] == "cuda", "loop / batch"]))
    print(f"least gain of a batch over a loop on the device: {gain:.1f}")
    print(footer([], arguments.seed))


if __name__ == "__main__":
    main()
