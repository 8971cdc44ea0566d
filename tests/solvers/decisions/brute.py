"""Small decision problems and their answers by trying a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import kanopt as ko
from kanopt.problems import Result, Status

ATOMS = (
    "sin(3 * {a})",
    "{a}^2",
    "exp({a} / 2)",
    "abs({a} - 0.3)",
    "{a} * {b}",
    "sqrt({a} + 1.5)",
    "1 / ({b} + 2)",
    "{a} * {b}^2",
    "cos(2 * {a} + {b})",
    "max({a}, {b})",
    "min({a}, 0.5 * {b})",
    "tanh(2 * {a})",
    "({a} - {b})^2",
    "exp(sin({a}) + {b}^2)",
)
LOW, HIGH = -1.0, 2.0


@dataclass(frozen=True)
class Case:
    """A problem, and the smallest price on a grid; infinity where no point of the grid meets the constraints."""

    problem: ko.DecisionProblem
    smallest: float


def law(text: str, names: tuple[str, ...] = ("x", "y"), output: str = "cost") -> ko.Formula:
    return ko.parse_formula(text, [ko.Variable(name) for name in names], ko.Variable(output))


def random_text(rng: np.random.Generator, names: tuple[str, ...], terms: int) -> str:
    def term() -> str:
        a, b = rng.choice(names), rng.choice(names)
        return f"{rng.uniform(-2, 2):.3f} * {rng.choice(ATOMS).format(a=a, b=b)}"

    return " + ".join(term() for _ in range(terms))


def random_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    names = ("x", "y")[: int(rng.integers(1, 3))]
    decisions = [ko.decisions.Decision(name, LOW, HIGH, integer=bool(rng.random() < 0.3)) for name in names]
    grids = [
        np.arange(LOW, HIGH + 1) if one.integer else np.linspace(LOW, HIGH, 241 if len(names) == 1 else 121)
        for one in decisions
    ]
    mesh = np.meshgrid(*grids, indexing="ij")
    points = {name: column.ravel() for name, column in zip(names, mesh, strict=True)}
    objective = law(random_text(rng, names, int(rng.integers(1, 4))), names)
    allowed = np.ones(mesh[0].size, dtype=bool)
    constraints = []
    for place in range(int(rng.integers(0, 3))):
        rule = law(random_text(rng, names, int(rng.integers(1, 3))), names, f"rule {place}")
        values = np.broadcast_to(rule.evaluate(points), allowed.shape)
        limit = float(np.quantile(values, rng.uniform(0.05, 0.95)))
        if rng.random() < 0.5:
            constraints.append(ko.decisions.at_most(rule, limit))
            allowed &= values <= limit
        else:
            constraints.append(ko.decisions.at_least(rule, limit))
            allowed &= values >= limit
    prices = np.broadcast_to(objective.evaluate(points), allowed.shape)
    tolerance = 1e-3 * max(float(np.ptp(prices)), 0.1)
    problem = ko.DecisionProblem(decisions, objective, constraints, tolerance=tolerance)
    return Case(problem, float(prices[allowed].min()) if allowed.any() else np.inf)


def assert_close(result: Result, case: Case) -> None:
    """Check what holds of every answer, and that it is the best one within the tolerance."""
    if result.status is Status.INFEASIBLE:
        assert case.smallest == np.inf
        return
    assert result.status is Status.OPTIMAL
    assert result.check.ok
    assert result.certificate is not None
    assert result.certificate.holds
    assert result.objective is not None
    assert result.bound is not None
    assert result.bound <= result.objective + 1e-9
    assert result.objective - result.bound <= case.problem.optimality_tolerance * (1 + 1e-9)
    assert result.objective <= case.smallest + case.problem.optimality_tolerance
