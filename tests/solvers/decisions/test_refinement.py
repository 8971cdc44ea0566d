"""The rounds between an engine and the laws: what happens when an engine stops early, and at the limits of pieces."""

from __future__ import annotations

import numpy as np
import pytest

import kanopt as ko
from kanopt import decisions
from kanopt.errors import FormulaError
from kanopt.problems import Status
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.decisions import HighsPieces, refinement
from kanopt.solvers.decisions.pieces_solver import PiecesSolver
from kanopt.solvers.decisions.refinement import EngineRequest, RelaxationResult
from kanopt.solvers.decisions.relaxation import Relaxation
from tests.solvers.decisions.brute import law


class Scripted(PiecesSolver):
    """An engine that answers from a list, and raises what is an exception there."""

    name = "scripted"
    max_refinements = 1

    def __init__(self, *answers: RelaxationResult | BaseException) -> None:
        self.answers = list(answers)
        self.wanted: list[EngineRequest] = []

    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        self.wanted.append(wanted)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def solved(
    problem: ko.DecisionProblem, *answers: RelaxationResult | BaseException
) -> tuple[Outcome, Scripted]:
    engine = Scripted(*answers)
    return engine.solve(problem, SolveOptions(time_limit=20)), engine


WAVE = ko.DecisionProblem({"x": (-2, 2)}, law("sin(3 * x) + x^2", ("x",)), tolerance=1e-3)
NOWHERE = ko.DecisionProblem(
    {"x": (0, 1)}, law("x", ("x",)), [decisions.at_least({"x": 1.0}, 2.0)], tolerance=1e-3
)


def test_ctrl_c_keeps_the_best_plan_so_far() -> None:
    outcome, _ = solved(WAVE, KeyboardInterrupt())
    assert outcome.interrupted
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None
    outcome, _ = solved(NOWHERE, KeyboardInterrupt())
    assert (outcome.status, outcome.message) == (Status.NO_PLAN, "stopped before a first plan was found")


def test_an_engine_that_ends_without_a_point_ends_the_search() -> None:
    outcome, _ = solved(WAVE, RelaxationResult(None, -5.0, finished=False))
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is not None
    assert outcome.bound - outcome.rounding_bound < -5.0 <= outcome.bound
    outcome, _ = solved(NOWHERE, RelaxationResult(None, -np.inf, finished=False))
    assert outcome.message == "no plan meets every constraint to a millionth; give limits more room"


def test_where_polygons_are_fine_the_engine_is_asked_to_round_less_and_then_left_in_peace() -> None:
    relaxation = Scripted().lower(WAVE, SolveOptions()).relaxation
    on_graph = relaxation.values(np.array([1.0]))
    answers = [RelaxationResult(on_graph, -3.0)] * 2
    outcome, engine = solved(WAVE, *answers)
    assert [wanted.finer for wanted in engine.wanted] == [0, 1]
    assert outcome.status is Status.FEASIBLE


def test_pieces_that_cannot_be_nearer_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = decisions.at_most(law("exp(x) * x", ("x",), "heat"), 1.0)
    problem = ko.DecisionProblem({"x": (-2, 2)}, law("-x", ("x",)), [rule], tolerance=1e-9)
    solver, options = HighsPieces(), SolveOptions(time_limit=20)
    model = solver.lower(problem, options)

    def refuse(*_: object) -> None:
        raise FormulaError("too many pieces")

    monkeypatch.setattr(refinement, "lower_laws", refuse)
    outcome = solver.raise_plan(model, solver.search(model, options))
    assert outcome.status is Status.FEASIBLE
    assert outcome.message == "pieces nearer to the laws could not be made: too many pieces"
    assert outcome.plan is not None
    assert problem.check(outcome.plan).ok  # type: ignore[arg-type]
    assert any("heat on straight pieces" in each for each in outcome.solver_view)
