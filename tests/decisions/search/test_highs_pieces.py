"""Decision problems in HiGHS: against grids, closed forms and what must be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt import Result, Status
from kanopt.decisions.search import HighsPieces
from kanopt.engines.base import SolveOptions
from tests.cases.routing import random_problem as random_routing

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


@pytest.mark.slow
@given(st.integers(0, 10_000))
@settings(max_examples=6, deadline=None)
def test_no_point_of_a_grid_is_below_the_bound(seed: int) -> None:
    case = random_case(seed)
    result = ko.solve(case.problem, time_limit=30)
    assert_close(result, case)
    assert result.bound is None or result.bound <= case.smallest + 1e-9


def test_lot_sizes_that_share_a_budget_follow_the_multiplier() -> None:
    # minimise Σ dᵢ / qᵢ subject to Σ qᵢ ≤ B: qᵢ = B √dᵢ / Σ √d, at (Σ √d)² / B
    demand = np.array([40.0, 90.0, 250.0])
    names = ("a", "b", "c")
    objective = {name: law(f"{d} / {name}", (name,)) for name, d in zip(names, demand, strict=True)}
    budget = ko.decisions.at_most(dict.fromkeys(names, 1.0), 60.0, name="space")
    problem = ko.DecisionProblem(dict.fromkeys(names, (1, 60)), objective, [budget], tolerance=1e-3)
    result = ko.solve(problem)
    root = np.sqrt(demand)
    assert result.objective == pytest.approx(root.sum() ** 2 / 60.0, abs=1e-3)
    values = [result.plan.values[name] for name in names]  # type: ignore[union-attr]
    assert values == pytest.approx(60.0 * root / root.sum(), rel=1e-2)
    # jointly convex: cuts alone
    assert ": 0 binaries" in result.engines[0].message
    assert result.pricing is not None
    assert set(result.pricing.terms().index) == set(names)


def test_steps_are_exact_and_the_cheaper_side_of_a_jump_is_found() -> None:
    tariff = ko.Step(law("q", ("q",)).root, (10.0, 20.0), (30.0, 50.0, 90.0), name="tariff")
    root = tariff + law("-2.5 * q", ("q",)).root
    cost = ko.Formula(root, (ko.Variable("q"),), ko.Variable("cost"))
    result = ko.solve(ko.DecisionProblem({"q": (0, 30)}, cost, tolerance=1e-3))
    # just below 20 the price tends to 50 − 50; at 30 it is 90 − 75, at 10 it is 50 − 25, just below 10: 5
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(0.0, abs=1e-3)
    assert result.plan.values["q"] < 20.0  # type: ignore[union-attr]


def test_an_equation_of_laws_holds_in_the_plan() -> None:
    circle = law("x^2 + y^2", output="circle")
    box, row = {"x": (-2, 2), "y": (-2, 2)}, {"x": 1.0, "y": 2.0}
    problem = ko.DecisionProblem(box, row, [ko.decisions.equal_to(circle, 4)], tolerance=1e-4)
    result = ko.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.check.ok
    assert result.objective == pytest.approx(-2 * np.sqrt(5), abs=1e-4)


@pytest.mark.slow
def test_constraints_that_cannot_hold_are_named() -> None:
    box, total, power = {"x": (0, 1), "y": (0, 1)}, {"x": 1.0, "y": 1.0}, law("x^2 + y^2", output="power")
    rules = [ko.decisions.at_most(total, 1.0, name="space"), ko.decisions.at_least(power, 1.5)]
    problem = ko.DecisionProblem(box, law("x * y"), [*rules, ko.decisions.at_least({"x": 1.0}, 0.1)])
    result = ko.solve(problem)
    assert (result.status, result.has_plan) == (Status.INFEASIBLE, False)
    assert "constraints 'space' and 'power' cannot hold together" in result.message
    load = ko.decisions.at_least(total, 3.0, name="load")
    alone = ko.solve(ko.DecisionProblem(box, law("x"), [load]))
    assert "constraint 'load' cannot hold" in alone.message
    assert ko.explain(alone).causes[0].proved


def test_a_law_without_value_somewhere_is_refused_with_the_place() -> None:
    problem = ko.DecisionProblem({"x": (-1, 1)}, law("log(x)", ("x",)), tolerance=0.1)
    with pytest.raises(ko.errors.SolverError, match=r"log\(x\)"):
        ko.solve(problem, solver=HighsPieces())
    assert HighsPieces().accepts(random_routing(1)) == "it solves decision problems"


def test_ctrl_c_keeps_the_best_plan_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kanopt.decisions.search.solver.run_highs", press)
    wave = ko.DecisionProblem({"x": (-2, 2)}, law("sin(3 * x) + x^2", ("x",)), tolerance=1e-3)
    outcome = HighsPieces().solve(wave, SolveOptions(time_limit=20))
    assert (outcome.interrupted, outcome.status, outcome.bound) == (True, Status.FEASIBLE, None)
    nowhere = ko.DecisionProblem({"x": (0, 1)}, {"x": 1.0}, [ko.decisions.at_least({"x": 1.0}, 2.0)])
    outcome = HighsPieces().solve(nowhere, SolveOptions(time_limit=20))
    assert (outcome.status, outcome.message) == (Status.NO_PLAN, "stopped before a first plan was found")


@pytest.mark.parametrize(("size", "start", "price"), [(1e-3, 0.0, 1e4), (1e4, 1e7, 1e-3)])
def test_sizes_and_zeros_of_units_change_nothing(size: float, start: float, price: float) -> None:
    plain = ko.solve(ko.DecisionProblem({"x": (-1, 2)}, law("sin(3 * x) + x^2 / 2", ("x",)), tolerance=1e-3))
    text = f"{price!r} * (sin(3 * ((x - {start!r}) / {size!r})) + ((x - {start!r}) / {size!r})^2 / 2)"
    box = {"x": (start - size, start + 2 * size)}
    moved = ko.solve(ko.DecisionProblem(box, law(text, ("x",)), tolerance=1e-3 * price))
    assert moved.status is plain.status is Status.OPTIMAL
    assert moved.objective == pytest.approx(price * plain.objective, abs=1e-3 * price)  # type: ignore[operator]


def test_without_a_tolerance_the_gap_is_small_beside_the_price() -> None:
    # prices spread over millions, the best one is 2,000
    cost = law("3e4 * sqrt(x) + 2e9 / y + 0.5e-6 * x * y")
    box = {"x": (0, 1e6), "y": (1e3, 1e6)}
    result = ko.solve(ko.DecisionProblem(box, cost, [ko.decisions.at_least({"x": 1, "y": 1}, 5e5)]))
    assert result.objective == pytest.approx(2000.0, rel=1e-3)
    assert result.bound is not None
    assert result.bound >= 1900.0
