"""The rounds between HiGHS and the laws: what happens when it stops early, and at the limits of pieces."""

from __future__ import annotations

import pytest

import kanopt as ko
from kanopt import decisions
from kanopt.problems import Status
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.decisions import HighsPieces, solver
from kanopt.solvers.highs import HighsResult
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
