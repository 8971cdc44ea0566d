"""Three laws with known truth: error and CPU seconds of kanopt beside pykan, without noise and with 5 %.

Without noise every network is given its shape. pykan is used as its own examples do it: LBFGS on grids 3, 5, 10 and 20,
each begun from the one before (`refine`), float64, no regularisation; shown is its best error and the CPU seconds until
then.

With noise everything of kanopt is left at "auto", the shape too. Beside it stands the best of the fixed grids 3, 5, 8,
10, 15 and 20, unpenalised and with the shape given, chosen with hindsight: by its error on the clean test rows.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from _bench import asked, footer, installed, print_table

import kanopt as ko

Floats = np.ndarray
GRIDS = (3, 5, 8, 10, 15, 20)


@dataclass(frozen=True)
class Target:
    """A law on [−1, 1]^inputs, the shape that represents it, and rows to learn from."""

    name: str
    law: Callable[[Floats], Floats]
    inputs: int
    hidden: tuple[int, ...]
    rows: int

    def sample(self, seed: int, noise: float) -> tuple[Floats, Floats]:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1.0, 1.0, (self.rows, self.inputs))
        y = self.law(x)
        return x, y + noise * y.std() * rng.normal(size=self.rows)

    def error(self, predict: Callable[[Floats], Floats]) -> float:
        x = np.random.default_rng(10_000).uniform(-1.0, 1.0, (10_000, self.inputs))
        return float(np.sqrt(np.mean((predict(x) - self.law(x)) ** 2)))


def two(x: Floats) -> Floats:
    return np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)


def product(x: Floats) -> Floats:
    return x[:, 0] * x[:, 1]


def deep(x: Floats) -> Floats:
    left, right = x[:, 0] ** 2 + x[:, 1] ** 2, x[:, 2] ** 2 + x[:, 3] ** 2
    return np.exp(0.5 * (np.sin(np.pi * left) + np.sin(np.pi * right)))


TARGETS = {
    "two": Target("exp(sin πx + y²)", two, 2, (1,), 1000),
    "product": Target("x·y", product, 2, (2,), 1000),
    "deep": Target("exp((sin π(x₁²+x₂²) + sin π(x₃²+x₄²))/2)", deep, 4, (2, 1), 3000),
}


def fitted(target: Target, seed: int, noise: float, **arguments: object) -> tuple[float, float, str]:
    """Return error, CPU seconds and structure of a KANRegressor."""
    x, y = target.sample(seed, noise)
    tick = time.process_time()
    model = ko.KANRegressor(seed=seed, **arguments).fit(x, y)
    cpu = time.process_time() - tick
    return target.error(model.predict), cpu, str(model.summary().structure)


GIVEN = {"log_target": False, "log_features": [], "loss": "squared"}


def pykan_path(target: Target, seed: int, steps: int) -> list[tuple[float, float]]:
    """Return error and CPU seconds so far of pykan, grid by grid."""
    from kan import KAN

    torch.set_default_dtype(torch.float64)
    x, y = (torch.tensor(part) for part in target.sample(seed, 0.0))
    rows = {"train_input": x, "train_label": y[:, None], "test_input": x[:100], "test_label": y[:100, None]}
    path, spent = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        model = None
        for grid in (3, 5, 10, 20):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                tick = time.process_time()
                if model is None:
                    width = [target.inputs, *target.hidden, 1]
                    model = KAN(width=width, grid=grid, k=3, seed=seed, auto_save=False, ckpt_path=folder)
                else:
                    model = model.refine(grid)
                model.fit(rows, opt="LBFGS", steps=steps, lamb=0.0)
                spent += time.process_time() - tick

            def predict(points: Floats, model: KAN = model) -> Floats:
                return model(torch.tensor(points)).detach().numpy()[:, 0]

            path.append((target.error(predict), spent))
    torch.set_default_dtype(torch.float32)
    return path


def clean(target: Target, given: argparse.Namespace, peer: bool) -> dict[str, object]:
    runs = [fitted(target, seed, 0.0, hidden=target.hidden, **GIVEN) for seed in range(given.seeds)]
    errors, cpu = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
    row: dict[str, object] = {
        "target": target.name,
        "median RMSE": np.median(errors),
        "worst RMSE": errors.max(),
        "median CPU s": np.median(cpu),
        "worst CPU s": cpu.max(),
    }
    if peer:
        best = [min(pykan_path(target, seed, given.steps)) for seed in range(given.peer_seeds)]
        row["pykan RMSE"], row["pykan CPU s"] = np.median(best, axis=0)
    return row


def noisy(target: Target, given: argparse.Namespace) -> dict[str, object]:
    ratios, cpu, shapes = [], [], []
    for seed in range(given.noise_seeds):
        error, spent, structure = fitted(target, seed, 0.05)
        fixed = [
            fitted(target, seed, 0.05, hidden=target.hidden, grid_size=grid, smoothing=0.0, **GIVEN)[0]
            for grid in GRIDS
        ]
        ratios.append(error / min(fixed))
        cpu.append(spent)
        shapes.append(structure.split(";")[0])
    return {
        "target": target.name,
        "error over the best fixed grid": ", ".join(f"{ratio:.2f}" for ratio in ratios),
        "CPU s": np.median(cpu),
        "structure": max(set(shapes), key=shapes.count),
    }


def main() -> None:
    given = asked(
        __doc__,
        targets=(list(TARGETS), "which", TARGETS),
        seeds=(10, "seeds of rows and starts without noise"),
        noise_seeds=(5, "the same with noise, 0 for none"),
        peers=(True, "run pykan too"),
        peer_seeds=(1, "seeds of pykan"),
        steps=(100, "LBFGS steps of pykan per grid"),
    )
    peer = given.peers and installed("pykan")
    chosen = [TARGETS[name] for name in given.targets]
    print("without noise, shape given")
    print_table([clean(target, given, peer) for target in chosen])
    if given.noise_seeds:
        print("\n5 % noise, everything auto, against the best fixed grid in hindsight")
        print_table([noisy(target, given) for target in chosen])
    print(f"\n{footer(['pykan'] if peer else [], f'0-{given.seeds - 1}')}")


if __name__ == "__main__":
    main()
