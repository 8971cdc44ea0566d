"""What laws are worth in decisions: normalised regret on the generators of PyEPO, beside models trained on decisions.

PyEPO (Tang and Khalil 2024, Mathematical Programming Computation) draws features from a normal distribution and costs
from ``((B x / √p + 3)^degree + 1) · noise``, B of zeros and ones: 40 arcs of a grid of 5 by 5 nodes between whose
corners the shortest path is sought, and 12 items of a knapsack with two capacities. The problems are small enough that
all their solutions are listed once, so that every model is given exact decisions and no solver has a part in the
figures.

Regret is what the decisions on predicted costs lose on the true costs of 1,000 fresh rows, over what the best decisions
cost there (PyEPO's ``metric.regret``). The truth without its noise has a regret, too: nobody who sees features alone
can do better. "formula" is `ko.fit_laws` with one law per arc or item;
"log-linear" is left out where a cost is not positive. SPO+ (Elmachtoub and Grigas 2022) and the perturbed Fenchel-Young
loss (PFYL, Berthet and others 2020) train a linear model on decisions, as PyEPO's examples do: Adam, batches of 32.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from _bench import asked, footer, print_table
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

import kanopt as ko

Floats = NDArray[np.float64]
Predictor = Callable[[Floats], Floats]
FRESH = 1_000
"""Rows on which decisions are judged."""


@dataclass(frozen=True)
class Case:
    """One problem: all its solutions, a row each, and costs that features tell up to noise.

    Parameters
    ----------
    name
        What is decided.
    solutions
        One row for each feasible solution, one column for each cost; smaller totals are better.
    features, costs
        Rows to learn from.
    fresh, expected, true
        Features of the rows that decisions are judged on, their costs without noise, and with it.
    """

    name: str
    solutions: Floats
    features: Floats
    costs: Floats
    fresh: Floats
    expected: Floats
    true: Floats

    def decide(self, costs: Floats) -> Floats:
        """Return the best solution for each row of costs."""
        best: Floats = self.solutions[np.argmin(costs @ self.solutions.T, axis=1)]
        return best

    def regret(self, predicted: Floats) -> float:
        """Return what decisions on predicted costs lose, over what the best ones cost."""
        best = np.einsum("ij,ij->i", self.decide(self.true), self.true)
        taken = np.einsum("ij,ij->i", self.decide(predicted), self.true)
        return float((taken - best).sum() / np.abs(best).sum())


def paths(side: int = 5) -> Floats:
    """Return all ways right and down through a square of nodes, from corner to corner, over its arcs."""
    right = {
        (row, column): number
        for number, (row, column) in enumerate(itertools.product(range(side), range(side - 1)))
    }
    down = {
        (row, column): len(right) + number
        for number, (row, column) in enumerate(itertools.product(range(side - 1), range(side)))
    }
    steps = 2 * (side - 1)
    found = []
    for turns in itertools.combinations(range(steps), side - 1):
        way, row, column = np.zeros(len(right) + len(down)), 0, 0
        for step in range(steps):
            if step in turns:
                way[right[row, column]] = 1.0
                column += 1
            else:
                way[down[row, column]] = 1.0
                row += 1
        found.append(way)
    return np.array(found)


def packings(rng: np.random.Generator, items: int = 12, capacity: float = 20.0) -> Floats:
    """Return all packings of a knapsack with two capacities, as negative numbers: value is sought, not cost."""
    weights = rng.choice(np.arange(300, 800), size=(2, items)) / 100
    packed = (np.arange(2**items)[:, None] >> np.arange(items)) & 1
    return -packed[(packed @ weights.T <= capacity).all(axis=1)].astype(float)


def drawn(name: str, degree: int, noise: float, rows: int, seed: int) -> Case:
    """Return a case as PyEPO draws it: ``noise`` is the half width of a factor around 1."""
    rng = np.random.default_rng(seed)
    solutions = paths() if name == "shortest path" else packings(rng)
    matrix = rng.binomial(1, 0.5, (solutions.shape[1], 5)).astype(float)
    features = rng.normal(0, 1, (rows + FRESH, 5))
    powers = (features @ matrix.T / np.sqrt(5) + 3) ** degree
    factor = rng.uniform(1 - noise, 1 + noise, powers.shape)
    expected = (powers + 1) * (5.0 if name == "knapsack" else 1.0) / 3.5**degree
    costs = expected * factor
    return Case(
        name, solutions, features[:rows], costs[:rows], features[rows:], expected[rows:], costs[rows:]
    )


def frame_of(features: Floats) -> pd.DataFrame:
    return pd.DataFrame(features, columns=[f"x{number}" for number in range(features.shape[1])])


def with_formulas(case: Case) -> Predictor:
    """Learn one law for each cost by `ko.fit_laws`; a cost without a law keeps its mean."""
    frame = frame_of(case.features)
    arcs = [f"a{number:02d}" for number in range(case.costs.shape[1])]
    table = pd.concat(
        [frame.assign(arc=arc, cost=case.costs[:, at]) for at, arc in enumerate(arcs)], ignore_index=True
    )
    laws = ko.fit_laws(table, "cost", list(frame.columns), by="arc", min_r2=-1e9)
    means = dict(zip(arcs, case.costs.mean(axis=0), strict=True))

    def predict(features: Floats) -> Floats:
        fresh = frame_of(features)
        return np.column_stack(
            [laws[arc].evaluate(fresh) if arc in laws else np.full(len(fresh), means[arc]) for arc in arcs]
        )

    return predict


def linear(case: Case) -> Predictor:
    """Learn costs linearly."""
    predictor: Predictor = LinearRegression().fit(case.features, case.costs).predict
    return predictor


def log_linear(case: Case) -> Predictor | None:
    """Learn the logarithm of costs linearly, with the mean of the factor by which it is missed (Duan 1983)."""
    if (case.costs <= 0).any():
        return None
    model = LinearRegression().fit(case.features, np.log(case.costs))
    factor = np.exp(np.log(case.costs) - model.predict(case.features)).mean(axis=0)
    return lambda features: np.exp(model.predict(features)) * factor


def on_decisions(gradient: Callable[[Case, Floats, Floats, Floats], Floats]) -> Callable[[Case], Predictor]:
    """Return the training of a linear model by a gradient of the loss of decisions with respect to the prediction."""

    def learn(case: Case) -> Predictor:
        torch.manual_seed(0)
        model = torch.nn.Linear(case.features.shape[1], case.costs.shape[1], dtype=torch.float64)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        best = case.decide(case.costs)
        rows = torch.tensor(case.features)
        rng = np.random.default_rng(0)
        for _ in range(max(20, 20_000 // len(rows))):
            for batch in np.array_split(rng.permutation(len(rows)), max(1, len(rows) // 32)):
                predicted = model(rows[batch])
                slope = gradient(case, predicted.detach().numpy(), case.costs[batch], best[batch])
                optimizer.zero_grad()
                predicted.backward(torch.tensor(slope) / len(batch))
                optimizer.step()

        def predict(features: Floats) -> Floats:
            with torch.no_grad():
                found: Floats = model(torch.tensor(features)).numpy()
            return found

        return predict

    return learn


def spo_plus(case: Case, predicted: Floats, costs: Floats, best: Floats) -> Floats:
    """Return a subgradient of the SPO+ loss: twice the best decision less that on 2 · prediction − cost."""
    return 2.0 * (best - case.decide(2.0 * predicted - costs))


def fenchel_young(case: Case, predicted: Floats, costs: Floats, best: Floats) -> Floats:
    """Return the gradient of the perturbed Fenchel-Young loss: the best decision less the mean of perturbed ones."""
    rng = np.random.default_rng(len(predicted))
    perturbed = [case.decide(predicted + rng.normal(0, 1, predicted.shape)) for _ in range(8)]
    mean: Floats = np.mean(perturbed, axis=0)
    return best - mean


MODELS: dict[str, Callable[[Case], Predictor | None]] = {
    "formula": with_formulas,
    "linear": linear,
    "log-linear": log_linear,
    "SPO+": on_decisions(spo_plus),
    "PFYL": on_decisions(fenchel_young),
}
PROBLEMS = ("shortest path", "knapsack")


def measured(case: Case, models: list[str]) -> dict[str, tuple[float, float]]:
    """Return regret and CPU seconds of learning by model, and the regret of the truth without its noise."""
    found = {"truth": (case.regret(case.expected), 0.0)}
    for name in models:
        began = time.process_time()
        predict = MODELS[name](case)
        seconds = time.process_time() - began
        if predict is not None:
            found[name] = case.regret(predict(case.fresh)), seconds
    return found


def main() -> None:
    given = asked(
        __doc__,
        problems=(list(PROBLEMS), "which", PROBLEMS),
        degrees=([4, 6, 8], "of the costs in the features"),
        noise=([0.5], "half widths of the factor around 1"),
        rows=([100], "to learn from"),
        seeds=([1, 2, 3, 4, 5], "of draws"),
        models=(list(MODELS), "which", MODELS),
    )
    rows, shown = [], ["truth", *given.models]
    seconds: dict[str, list[float]] = {name: [] for name in shown}
    for name, degree, noise, count in itertools.product(
        given.problems, given.degrees, given.noise, given.rows
    ):
        runs = [measured(drawn(name, degree, noise, count, seed), given.models) for seed in given.seeds]
        row: dict[str, object] = {"problem": name, "degree": degree, "noise": noise, "rows": count}
        for model in shown:
            found = [run[model] for run in runs if model in run]
            seconds[model] += [spent for _, spent in found]
            whole = len(found) == len(runs)
            row[model] = 100 * statistics.mean(regret for regret, _ in found) if whole else float("nan")
        rows.append(row)
        print(row, flush=True)
    print("\nmean regret in percent of the best decisions; last CPU seconds of learning, median")
    print_table(
        [*rows, {"problem": "CPU s", **{name: statistics.median(s or [0.0]) for name, s in seconds.items()}}],
        ".2f",
    )
    print(f"\n{footer(['scikit-learn'], ', '.join(map(str, given.seeds)))}")


if __name__ == "__main__":
    main()
