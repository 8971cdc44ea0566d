"""Decision problems in CP-SAT: the same answers as grids give, in whole numbers that lose no plan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

import kanopt as ko
from kanopt.problems import Status
from kanopt.solvers.decisions import CpSatPieces
from kanopt.solvers.decisions.cpsat_pieces import IncrementalModel
from kanopt.solvers.decisions.lowered_laws import lower_laws
from kanopt.solvers.decisions.relaxation import relax
from tests.cases.routing import random_problem as random_routing
from tests.solvers.decisions.brute import assert_close, law, random_case


@given(st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_no_point_of_a_grid_is_below_the_bound(seed: int) -> None:
    case = random_case(seed)
    result = ko.solve(case.problem, solver=CpSatPieces(), time_limit=30)
    assert_close(result, case)
    assert result.bound is None or result.bound <= case.smallest + 1e-9


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=10, deadline=None)
def test_every_point_of_a_problem_is_a_point_of_its_integers(seed: int, first: float, second: float) -> None:
    problem = random_case(seed).problem
    relaxation = relax(problem, lower_laws(problem)).without(
        {rule.name for rule, _ in problem.constraint_laws}
    )
    point = problem.rounded(np.array([[-1 + 3 * first, -1 + 3 * second]])[:, : len(problem.records)])[0]
    made = IncrementalModel(relaxation, problem.optimality_tolerance)
    for place, value in enumerate(point):
        steps = int(np.floor((value - made.offset[place]) / made.step[place] + 0.5))
        made.model.add(made.columns[place] == steps)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(made.model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    least = made.bound(solver.best_objective_bound)
    assert least <= relaxation.values(point)[relaxation.objective] + 1e-9 * (1 + abs(least))


def test_whole_numbers_are_found_and_the_certificate_says_what_was_seen() -> None:
    cost = law("(n - 3.2)^2 + 3 * sin(n) + 0.1 * n * m", ("n", "m"))
    decisions = [ko.decisions.Decision(name, 0, 9, integer=True) for name in ("n", "m")]
    problem = ko.DecisionProblem(
        decisions, cost, [ko.decisions.at_least({"n": 1, "m": 1}, 7, name="load")], tolerance=0.01
    )
    result = ko.solve(problem, solver=CpSatPieces())
    n, m = np.meshgrid(np.arange(10.0), np.arange(10.0))
    price = np.where(n + m >= 7, (n - 3.2) ** 2 + 3 * np.sin(n) + 0.1 * n * m, np.inf)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(price.min())
    assert "the solver saw   the objective on straight pieces within" in str(result.certificate)


def test_jumps_and_steps_narrower_than_a_step_are_allowed() -> None:
    tariff = ko.Step(law("q", ("q",)).root, (1.0, 1.0 + 1e-9, 5.0), (3.0, 1.0, 2.0, 0.0), name="tariff")
    cost = ko.Formula(law("0.5 * q", ("q",)).root + tariff, (ko.Variable("q"),), ko.Variable("cost"))
    result = ko.solve(ko.DecisionProblem({"q": (0, 8)}, cost, tolerance=1e-3), solver=CpSatPieces())
    assert result.objective == pytest.approx(1.5, abs=1e-3)
    assert result.bound is not None
    assert result.bound <= 1.5


def test_what_cannot_hold_is_named_and_other_problems_are_refused() -> None:
    problem = ko.DecisionProblem(
        {"x": (0, 1)}, law("x^2", ("x",)), [ko.decisions.at_least({"x": 2.0}, 3.0, name="much")]
    )
    result = ko.solve(problem, solver=CpSatPieces())
    assert result.status is Status.INFEASIBLE
    assert "constraint 'much' cannot hold" in result.message
    assert CpSatPieces().accepts(random_routing(1)) == "it solves decision problems"
    assert "log(x)" in CpSatPieces().accepts(
        ko.DecisionProblem({"x": (-1, 1)}, law("log(x)", ("x",)), tolerance=0.1)
    )
