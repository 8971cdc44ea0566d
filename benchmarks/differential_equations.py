"""Solve an ordinary and a partial differential equation, beside an MLP of 100 times the parameters.

1. A stock that a planner steers back to its level overshoots like a damped oscillator:
   u″ + 2·0.1·u′ + u = 0, u(0) = 1, u′(0) = 0 over 20 days. Exact: a damped cosine.
2. Poisson's equation on [−1, 1]² with zero boundary, the example of Liu et al. 2024 (arXiv:2404.19756) in pykan's
   tutorial on differential equations: u_xx + u_yy = −2π² sin(πx) sin(πy). Exact: sin(πx) sin(πy).

The KANs are trained by kanopt.informed: Levenberg-Marquardt, several starts, refined grids. The MLP is trained as
physics-informed networks usually are (tanh, inputs scaled to [−1, 1], Xavier weights; Adam in float32 on 256 random
points of every relation, its rate falling from 2e-3 to 2e-5 over 60 % of the time, then L-BFGS in float64 on all
points), with the boundary weight that did best for it of 1, 10, 100 and 1,000 in trials of 20 seconds on seed 0, and
for the CPU time given by --mlp-seconds, which is several times that of the KAN. The same seeds for both; the table has
the median and, in brackets, the worst. One thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from _bench import asked, footer, print_table
from torch import Tensor, nn

from kanopt.informed import (
    Knowledge,
    Relation,
    RelationState,
    collocation,
    fit_informed,
    observed,
)

PI = float(np.pi)
DAMPING, DAYS = 0.1, 20.0
BATCH = 256


@dataclass(frozen=True)
class Case:
    """A problem: what is known, where, its solution, both networks, and the boundary weight of the MLP."""

    title: str
    known: Knowledge
    ranges: dict[str, tuple[float, float]]
    exact: Callable[..., np.ndarray]
    kan: tuple[str, dict[str, Any]]
    mlp: tuple[int, ...]
    boundary: float

    def errors(self, predict: Callable[[dict[str, np.ndarray]], np.ndarray]) -> tuple[float, float]:
        """Return relative L2 error and largest error over a fine grid."""
        count = 4001 if len(self.ranges) == 1 else 173
        axes = [np.linspace(low, high, count) for low, high in self.ranges.values()]
        grid = np.meshgrid(*axes, indexing="ij")
        points = {name: column.ravel() for name, column in zip(self.ranges, grid, strict=True)}
        exact = self.exact(**points)
        error = predict(points) - exact
        return float(np.linalg.norm(error) / np.linalg.norm(exact)), float(np.abs(error).max())


def oscillator() -> Case:
    """Return the steered stock."""
    frequency = np.sqrt(1.0 - DAMPING**2)

    def exact(t: np.ndarray) -> np.ndarray:
        wave = np.cos(frequency * t) + DAMPING / frequency * np.sin(frequency * t)
        return np.asarray(np.exp(-DAMPING * t) * wave)

    options = {"grid_size": 20, "refinements": 2, "starts": 1}
    ranges = {"t": (0.0, DAYS)}
    control = Relation(
        "control",
        lambda s: s.derivative("u", "t", "t") + 2.0 * DAMPING * s.derivative("u", "t") + s["u"],
        collocation(ranges, 80),
    )
    at_rest = Relation("at rest", lambda s: s.derivative("u", "t"), {"t": 0.0}, weight=1e4)
    known = Knowledge(("t",), ("u",), (control, observed("u", {"t": 0.0}, 1.0, weight=1e4), at_rest))
    return Case("oscillator", known, ranges, exact, ("KAN [1, 1]", options), (90, 90), 1.0)


def poisson() -> Case:
    """Return Poisson's equation on the square."""

    def exact(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(np.sin(PI * x) * np.sin(PI * y))

    def residual(s: RelationState) -> Tensor:
        source = -2.0 * PI**2 * torch.sin(PI * s["x"]) * torch.sin(PI * s["y"])
        return s.derivative("u", "x", "x") + s.derivative("u", "y", "y") - source

    options = {"hidden": (5,)}
    ranges = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}
    side = np.linspace(-1.0, 1.0, 51)
    one = np.ones_like(side)
    edge = {"x": np.r_[side, side, one, -one], "y": np.r_[one, -one, side, side]}
    known = Knowledge(
        ("x", "y"),
        ("u",),
        (Relation("poisson", residual, collocation(ranges, 20)), observed("u", edge, 0.0, weight=1e4)),
    )
    return Case("Poisson", known, ranges, exact, ("KAN [2, 5, 1]", options), (130, 130, 130), 100.0)


def solve_by_kan(case: Case, options: dict[str, Any], seed: int) -> tuple[int, float, float, float]:
    """Return parameters, relative L2 error, largest error and CPU seconds of a KAN."""
    started = time.process_time()
    law = fit_informed(case.known, seed, bounds=case.ranges, **options)["u"]
    spent = time.process_time() - started
    size = sum(len(curve.coefficients) for curve in law.curves)
    return size, *case.errors(law.evaluate), spent


def perceptron(inputs: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Return a tanh network with one output."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.Tanh()]
        inputs = width
    network = nn.Sequential(*layers, nn.Linear(inputs, 1))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return network


@dataclass(frozen=True)
class Pinn:
    """An MLP with the loss of a case: mean squared residuals, those of boundary values weighted."""

    case: Case
    network: nn.Sequential
    boundary: float

    def outputs(self, numbers: Tensor) -> Tensor:
        """Return the output at inputs (points, inputs)."""
        low, high = torch.tensor(list(self.case.ranges.values()), dtype=numbers.dtype).T
        return self.network((2.0 * numbers - low - high) / (high - low)).squeeze(1)

    def loss(self, dtype: torch.dtype, points: int | None = None) -> Tensor:
        """Return the loss over all points or, where given, so many random ones of every relation."""
        total = torch.zeros((), dtype=dtype)
        names = tuple(self.case.ranges)
        for place, relation in enumerate(self.case.known.relations):
            some = (
                slice(None) if points is None else torch.randint(len(relation), (min(points, len(relation)),))
            )
            columns = {name: column[some].to(dtype) for name, column in relation.columns.items()}
            numbers = torch.stack([columns[name] for name in names], dim=1).requires_grad_()
            state = RelationState(columns, {"u": self.outputs(numbers)}, names, numbers)
            mean = relation.residual(state).square().mean()
            total = total + (mean if place == 0 else self.boundary * mean)
        return total

    def adam(self, seconds: float) -> None:
        """Train in float32, the rate falling a hundredfold over the time there is."""
        self.network.float()
        optimizer = torch.optim.Adam(self.network.parameters(), lr=2e-3)
        started = time.process_time()
        while (share := (time.process_time() - started) / seconds) < 1.0:
            optimizer.param_groups[0]["lr"] = 2e-3 * 10.0 ** (-2.0 * share)
            optimizer.zero_grad()
            self.loss(torch.float32, BATCH).backward()
            optimizer.step()

    def lbfgs(self, seconds: float) -> None:
        """Train on in float64."""
        self.network.double()
        optimizer = torch.optim.LBFGS(
            self.network.parameters(),
            max_iter=10,
            history_size=50,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = self.loss(torch.float64)
            loss.backward()
            return loss

        started = time.process_time()
        while time.process_time() - started < seconds:
            optimizer.step(closure)


def solve_by_mlp(case: Case, seed: int, seconds: float) -> tuple[int, float, float, float]:
    """Return parameters, relative L2 error, largest error and CPU seconds of an MLP."""
    torch.manual_seed(seed)
    pinn = Pinn(case, perceptron(len(case.ranges), case.mlp), case.boundary)
    started = time.process_time()
    pinn.adam(0.6 * seconds)
    pinn.lbfgs(0.4 * seconds)
    spent = time.process_time() - started

    def predict(points: dict[str, np.ndarray]) -> np.ndarray:
        numbers = torch.tensor(np.column_stack([points[name] for name in case.ranges]))
        with torch.no_grad():
            return np.asarray(pinn.outputs(numbers).numpy())

    parameters = sum(each.numel() for each in pinn.network.parameters())
    return (parameters, *case.errors(predict), spent)


def row(title: str, model: str, runs: list[tuple[int, float, float, float]]) -> dict[str, str]:
    """Return one line of the table: medians, and in brackets the worst."""
    parameters, l2, largest, spent = zip(*runs, strict=True)
    return {
        "problem": title,
        "model": model,
        "parameters": f"{parameters[0]:,}",
        "relative L2 error": f"{median(l2):.1e} ({max(l2):.1e})",
        "largest error": f"{median(largest):.1e} ({max(largest):.1e})",
        "CPU s": f"{median(spent):.1f}",
    }


def main() -> None:
    given = asked(
        __doc__,
        seeds=([0, 1, 2], "seeds of networks and points"),
        mlp_seconds=(50.0, "CPU seconds of every MLP"),
        case=([str], "only these", ("oscillator", "poisson")),
    )
    rows = []
    for make in (oscillator, poisson):
        if given.case and make.__name__ not in given.case:
            continue
        case = make()
        label, options = case.kan
        widths = ", ".join(str(width) for width in (len(case.ranges), *case.mlp, 1))
        runs = [solve_by_kan(case, options, seed) for seed in given.seeds]
        rows.append(row(case.title, label, runs))
        runs = [solve_by_mlp(case, seed, given.mlp_seconds) for seed in given.seeds]
        rows.append(row(case.title, f"MLP [{widths}]", runs))
    print_table(rows)
    print(f"\nMLP: {given.mlp_seconds:g} CPU s each; {footer([], str(given.seeds))}")


if __name__ == "__main__":
    main()
