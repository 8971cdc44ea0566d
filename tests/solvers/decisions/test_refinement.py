"""The rounds between HiGHS and the laws: what happens when it stops early, and at the limits of pieces."""

from __future__ import annotations

import pytest

import kanopt as ko
from kanopt import decisions
from kanopt.errors import FormulaError
from kanopt.problems import Status
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.decisions import HighsPieces, solver
from kanopt.solvers.highs import HighsResult, HighsTermination
from tests.solvers.decisions.brute import law

WAVE = ko.DecisionProblem({"x": (-2, 2)}, law("sin(3 * x) + x^2", ("x",)), tolerance=1e-3)
NOWHERE = ko.DecisionProblem(
    {"x": (0, 1)}, law("x", ("x",)), [decisions.at_least({"x": 1.0}, 2.0)], tolerance=1e-3
)


def solved(
    problem: ko.DecisionProblem, answer: HighsResult | BaseException, patch: pytest.MonkeyPatch
) -> Outcome:
    def run(*_: object) -> HighsResult:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    patch.setattr(solver, "run_highs", run)
    return HighsPieces().solve(problem, SolveOptions(time_limit=20))


def test_ctrl_c_keeps_the_best_plan_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = solved(WAVE, KeyboardInterrupt(), monkeypatch)
    assert outcome.interrupted
    assert (outcome.status, outcome.bound) == (Status.FEASIBLE, None)
    outcome = solved(NOWHERE, KeyboardInterrupt(), monkeypatch)
    assert (outcome.status, outcome.message) == (Status.NO_PLAN, "stopped before a first plan was found")


def test_a_search_without_a_point_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = HighsResult(HighsTermination.LIMIT, None, None)
    assert solved(WAVE, nothing, monkeypatch).status is Status.FEASIBLE
    outcome = solved(NOWHERE, nothing, monkeypatch)
    assert outcome.message == "no plan meets every constraint to a millionth; give limits more room"


def test_pieces_that_cannot_be_nearer_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = decisions.at_most(law("exp(x) * x", ("x",), "heat"), 1.0)
    problem = ko.DecisionProblem({"x": (-2, 2)}, law("-x", ("x",)), [rule], tolerance=1e-9)
    engine, options = HighsPieces(), SolveOptions(time_limit=20)
    model = engine.lower(problem, options)

    def refuse(*_: object) -> None:
        raise FormulaError("too many pieces")

    monkeypatch.setattr(solver, "lower_laws", refuse)
    outcome = engine.raise_plan(model, engine.search(model, options))
    assert outcome.status is Status.FEASIBLE
    assert outcome.message == "pieces nearer to the laws could not be made: too many pieces"
    assert outcome.plan is not None
    assert problem.check(outcome.plan).ok  # type: ignore[arg-type]
    assert any("heat on straight pieces" in each for each in outcome.solver_view)
