"""How long a proof takes that a plan of continuous decisions is the best one, beside SCIP where it is installed.

    minimise Σ exp(sin π xᵢ + yᵢ²) + cᵢ xᵢ + dᵢ yᵢ,  i = 1…n,  xᵢ, yᵢ from −1 to 1,  Σ xᵢ + yᵢ ≥ 0.6 n

c, then d, are drawn from default_rng(7).uniform(−1, 1, 5). The problem comes apart but for its one constraint, which
gives it a reference that no engine has a part in: for each i the smallest price at every sum xᵢ + yᵢ on a grid, and the
sums put together by dynamic programming. The reference is that of a plan, so that no bound may be above it; it is
above the optimum by what the grid hides, which is of the order of its step squared.

Wall and CPU seconds are those of ``ko.solve``, everything included: pieces made and proved, first plans by local
search, every round of the engine, and the processes it starts. Python and the libraries are loaded before. A second
solve of the same problem would find the pieces made.
"""

from __future__ import annotations

import time

import numpy as np
from _bench import asked, footer, installed, print_table
from numpy.typing import NDArray

import kanopt as ko

Floats = NDArray[np.float64]
SEED, PAIRS = 7, 5


def coefficients(pairs: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(SEED)
    c, d = rng.uniform(-1, 1, PAIRS), rng.uniform(-1, 1, PAIRS)
    return c[:pairs], d[:pairs]


def problem_of(pairs: int, tolerance: float) -> ko.DecisionProblem:
    terms = [
        f"exp(sin(pi * x{i}) + y{i}^2) + {c!r} * x{i} + {d!r} * y{i}"
        for i, (c, d) in enumerate(
            zip(*(column.tolist() for column in coefficients(pairs)), strict=True), start=1
        )
    ]
    names = [f"{letter}{i}" for letter in "xy" for i in range(1, pairs + 1)]
    law = ko.parse_formula(" + ".join(terms), [ko.Variable(name) for name in names], ko.Variable("cost"))
    total = ko.decisions.at_least(dict.fromkeys(names, 1.0), 0.6 * pairs, name="total")
    return ko.DecisionProblem(dict.fromkeys(names, (-1.0, 1.0)), law, [total], tolerance=tolerance)


def reference(pairs: int, steps: int) -> float:
    """Return the price of the best plan of a grid of 2 · steps + 1 values for each decision."""
    side = np.arange(-steps, steps + 1) / steps
    x, y = np.meshgrid(side, side, indexing="ij")
    sums = np.add.outer(np.arange(2 * steps + 1), np.arange(2 * steps + 1)).ravel()
    best = np.zeros(1)
    for c, d in zip(*coefficients(pairs), strict=True):
        cheapest = np.full(4 * steps + 1, np.inf)
        np.minimum.at(cheapest, sums, (np.exp(np.sin(np.pi * x) + y**2) + c * x + d * y).ravel())
        longer = np.full(len(best) + 4 * steps, np.inf)
        for place, price in enumerate(cheapest):
            reach = slice(place, place + len(best))
            longer[reach] = np.minimum(longer[reach], best + price)
        best = longer
    least = int(np.ceil(0.6 * pairs * steps - 1e-9)) + 2 * steps * pairs
    return float(best[least:].min())


def of_scip(pairs: int, tolerance: float, seconds: float) -> tuple[float, float]:
    """Return price and bound that SCIP finds on the law itself; its bound is that of floating point."""
    from pyscipopt import Model, exp, sin

    model = Model()
    model.hideOutput()
    model.setParams({"limits/time": seconds, "limits/absgap": 0.5 * tolerance})
    x, y = ([model.addVar(lb=-1.0, ub=1.0) for _ in range(pairs)] for _ in "xy")
    total = model.addVar(lb=None)
    parts = zip(x, y, *(column.tolist() for column in coefficients(pairs)), strict=True)
    model.addCons(sum(exp(sin(np.pi * a) + b**2) + c * a + d * b for a, b, c, d in parts) <= total)
    model.addCons(sum(x) + sum(y) >= 0.6 * pairs)
    model.setObjective(total)
    model.optimize()
    return float(model.getObjVal()), float(model.getDualbound())


def main() -> None:
    given = asked(
        __doc__,
        pairs=(PAIRS, "of x and y", range(1, PAIRS + 1)),
        tolerance=([1e-2, 1e-3, 1e-4], "how far from the best"),
        steps=(400, "of the grid of the reference, in one unit"),
        time_limit=(60.0, "wall seconds of each engine"),
    )
    best, rows = reference(given.pairs, given.steps), []
    ko.solve(problem_of(1, 0.1))  # what is loaded at first use
    for tolerance in given.tolerance:
        problem = problem_of(given.pairs, tolerance)
        result = ko.solve(problem, time_limit=given.time_limit)
        row = {"engine": result.solver, "tolerance": tolerance, "CPU s": result.cpu_seconds}
        row |= {"price": result.objective, "bound": result.bound, "status": result.status.value}
        rows.append(row | {"bound above a plan": result.bound > best})
        if installed("pyscipopt"):
            cpu = time.process_time()
            price, bound = of_scip(given.pairs, tolerance, given.time_limit)
            row = {"engine": "SCIP on the law", "tolerance": tolerance, "CPU s": time.process_time() - cpu}
            rows.append(row | {"price": price, "bound": bound})
    print(f"{2 * given.pairs} decisions; best plan of a grid with steps of {1 / given.steps:g}: {best:.6f}")
    print_table(rows, ".7g")
    print(f"\n{footer(['highspy'], SEED)}")


if __name__ == "__main__":
    main()
