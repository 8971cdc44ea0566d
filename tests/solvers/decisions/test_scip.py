"""Decision problems in SCIP, where PySCIPOpt is installed, and what is said where it is not."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt import decisions
from kanopt.problems import Status
from kanopt.solvers.decisions import ScipNative, scip
from tests.cases.routing import random_problem as random_routing
from tests.solvers.decisions.brute import assert_close, law, random_case


def test_where_it_is_not_installed_that_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(scip, "version", missing)
    problem = ko.DecisionProblem({"x": (0, 1)}, law("x^2", ("x",)))
    assert ScipNative().accepts(problem) == "PySCIPOpt is not installed (pip install pyscipopt)"
    assert ScipNative().name == "SCIP"
    assert ScipNative().accepts(random_routing(1)) == "it solves decision problems"


class TestInstalled:
    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("pyscipopt")

    @given(st.integers(0, 10_000))
    @settings(max_examples=10, deadline=None)
    def test_answers_are_those_of_a_grid(self, seed: int) -> None:
        case = random_case(seed)
        assert_close(ko.solve(case.problem, solver=ScipNative(), time_limit=30), case)

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("log1p(x) + relu(x - 1)", np.log(0.5)),
            ("logistic(x) + softplus(x)", 1 / (1 + np.exp(0.5)) + np.log1p(np.exp(-0.5))),
            ("square(x - 1) + tanh(x)", None),
            ("(x + 1)^(x + 1) + 2^x", None),
            ("(x + y + 2)^3 * (x - y - 4)^2", None),
            ("max(x, y, 0.5) + min(x, 2 * y)", None),
            ("abs(-2) * x + exp(1) * y^2 + sqrt(4)", None),
        ],
    )
    def test_every_function_means_the_same(self, text: str, value: float | None) -> None:
        problem = ko.DecisionProblem({"x": (-0.5, 2), "y": (-0.5, 2)}, law(text), tolerance=1e-4)
        result = ko.solve(problem, solver=ScipNative())
        side = np.linspace(-0.5, 2, 501)
        x, y = np.meshgrid(side, side)
        grid = float(np.min(law(text).evaluate({"x": x, "y": y})))
        assert result.status is Status.OPTIMAL
        assert result.certificate is not None
        assert result.certificate.holds
        assert grid - 1e-3 <= result.objective <= grid + 1e-4  # type: ignore[operator]
        if value is not None:
            assert result.objective == pytest.approx(value, abs=1e-4)

    def test_points_without_a_value_are_left_out(self) -> None:
        problem = ko.DecisionProblem({"x": (-1, 1)}, law("x - log(x)", ("x",)), tolerance=1e-4)
        result = ko.solve(problem)
        assert "SCIP" in result.solver
        assert result.objective == pytest.approx(1.0, abs=1e-4)

    @pytest.mark.parametrize(
        ("objective", "rule", "least"),
        [
            ("log(x) + y", None, -18.0),  # falls without end; SCIP 10 says 100,000 and optimal
            ("log1p(x - 1) + y", None, -18.0),
            ("log(abs(x - 0.5)) + y", None, -5.0),
            ("log(x * y)", None, -5.0),
            ("x^(y - 0.5)", None, 1e-3),
            ("x + y", ("log(x)", None, -1.0), 1e-3),  # SCIP 10 says that nothing meets it
            ("x + y", ("1 / x", 5.0, None), 0.21),
        ],
    )
    def test_nothing_is_believed_of_laws_with_a_pole_but_the_plan(
        self, objective: str, rule: tuple[str, float | None, float | None] | None, least: float
    ) -> None:
        rules = []
        if rule is not None:
            text, low, high = rule
            rules = [
                decisions.Constraint(
                    law(text), -np.inf if low is None else low, np.inf if high is None else high
                )
            ]
        problem = ko.DecisionProblem({"x": (0, 1), "y": (0, 1)}, law(objective), rules)
        result = ko.solve(problem, solver=ScipNative(), time_limit=3)
        assert result.status is Status.FEASIBLE
        assert result.bound is None
        assert result.objective is not None
        assert result.objective <= least
        assert "no bound is claimed: a law has a pole in the ranges of its decisions" in str(result)

    def test_no_plan_beside_a_pole_proves_nothing(self) -> None:
        rule = decisions.at_most(law("1 / x"), 0.5)
        result = ko.solve(
            ko.DecisionProblem({"x": (0, 1), "y": (0, 1)}, law("x + y"), [rule]), solver=ScipNative()
        )
        assert result.status is Status.NO_PLAN
        assert "does not prove that there is none" in str(result)

    def test_what_it_has_not_is_named(self) -> None:
        curved = ko.DecisionProblem({"x": (-1, 1)}, law("atan(x)", ("x",)))
        assert ScipNative().accepts(curved) == "SCIP has no atan (in 'cost')"
        tariff = ko.Step(law("x", ("x",)).root, (0.0,), (1.0, 2.0), name="tariff")
        stairs = ko.DecisionProblem(
            {"x": (-1, 1)}, ko.Formula(tariff, (ko.Variable("x"),), ko.Variable("cost"))
        )
        assert ScipNative().accepts(stairs) == "SCIP has no step 'tariff' (in 'cost')"
        steep = ko.DecisionProblem({"x": (-1, 1)}, law("1e30 * x", ("x",)))
        assert ScipNative().accepts(steep) == "SCIP has no number 1e30 (in 'cost'); 1e20 is infinite to it"
        wide = ko.DecisionProblem({"x": (-1, 1e30)}, law("2 * x", ("x",)))
        assert ScipNative().accepts(wide).startswith("SCIP has no range −1 to 1e30 (of 'x')")

    def test_no_plan_is_told_with_the_reason(self) -> None:
        rules = [decisions.at_least({"x": 1.0}, 2.0)]
        infeasible = ko.solve(
            ko.DecisionProblem({"x": (0, 1)}, law("x^2", ("x",)), rules), solver=ScipNative()
        )
        assert infeasible.status is Status.INFEASIBLE
        seen: list[object] = []
        late = ko.solve(random_case(3).problem, solver=ScipNative(), time_limit=0.0, progress=seen.append)
        assert late.status in (Status.NO_PLAN, Status.FEASIBLE, Status.OPTIMAL)
