"""The steps shared by all solvers of decision problems that work on piecewise linear laws."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.problems.base import Plan, Problem
from kanopt.problems.decisions import DecisionPlan, DecisionProblem
from kanopt.problems.result import EngineRun, Status
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.clock import cpu_seconds
from kanopt.solvers.decisions.lowered_laws import first_slacks, lower_laws
from kanopt.solvers.decisions.refinement import (
    EngineRequest,
    FoundDecisions,
    PiecesModel,
    RefinementRounds,
    RelaxationResult,
)
from kanopt.solvers.decisions.relaxation import Relaxation, relax


class PiecesSolver(Solver):
    """Certified piecewise linear laws in an engine, refined where its answer is far from the laws.

    A subclass says how its engine minimises a relaxation (:meth:`run`) and how often it can round more finely.
    """

    @property
    @abstractmethod
    def max_refinements(self) -> int:
        """How often the engine's rounding can be made finer."""

    @abstractmethod
    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        """Minimise a relaxation."""

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a decision problem whose laws can be made of pieces, else why they cannot."""
        if not isinstance(problem, DecisionProblem):
            return "it solves decision problems"
        try:
            lower_laws(problem)
        except FormulaError as error:
            return str(error)
        return ""

    def lower(self, problem: DecisionProblem, options: SolveOptions) -> PiecesModel:
        """Return the problem on straight pieces.

        Raises
        ------
        FormulaError
            If a law cannot be made of pieces.
        """
        options.refuse_deterministic(self.name)
        wall, cpu, slacks = time.perf_counter(), cpu_seconds(), first_slacks(problem)
        relaxation = relax(problem, lower_laws(problem, problem.optimality_tolerance, slacks))
        return PiecesModel(problem, slacks, relaxation, wall, cpu)

    def search(self, model: PiecesModel, options: SolveOptions) -> FoundDecisions:
        """Search, round after round, until the best values are proved to be within the tolerance."""
        return RefinementRounds(model, self, options).run()

    def raise_plan(self, model: PiecesModel, found: FoundDecisions) -> Outcome:
        """Return the best values as a plan; the error of the pieces is the rounding bound."""
        if found.best is None:
            infeasible = found.answer is not None and found.answer.infeasible
            return Outcome(
                plan=None,
                status=Status.INFEASIBLE if infeasible else Status.NO_PLAN,
                objective=None,
                bound=None,
                rounding_bound=0.0,
                history=found.history,
                interrupted=found.interrupted,
                message=found.conflict or _why_no_plan(found),
                engines=self._engine_runs(found),
            )
        problem, relaxation = model.problem, found.relaxation
        rounding = relaxation.programs[0].certificate.bound
        names = [one.name for one in problem.records]
        optimal = found.price - found.bound <= problem.optimality_tolerance
        return Outcome(
            plan=DecisionPlan(dict(zip(names, found.best.tolist(), strict=True))),
            status=Status.OPTIMAL if optimal else Status.FEASIBLE,
            objective=float(relaxation.values(found.best)[relaxation.objective]),
            bound=found.bound + rounding if np.isfinite(found.bound) else None,
            rounding_bound=rounding,
            history=found.history,
            interrupted=found.interrupted,
            message=found.limit,
            engines=self._engine_runs(found),
            solver_view=_solver_view(problem, found),
        )

    def whole_decisions(self, problem: Problem[Any], plan: Plan) -> tuple[tuple[str, float], ...] | None:
        """Return the whole numbers; the others follow."""
        if not (isinstance(problem, DecisionProblem) and isinstance(plan, DecisionPlan)):
            return None
        whole = tuple((one.name, plan.values[one.name]) for one in problem.records if one.integer)
        return whole if 0 < len(whole) < len(problem.records) else None

    def with_quantities(
        self, problem: DecisionProblem, whole: tuple[tuple[str, float], ...], options: SolveOptions
    ) -> Plan | None:
        """Return the best other numbers; None where the whole ones lie outside their ranges or no others fit."""
        ranges = {one.name: (one.low, one.high) for one in problem.records}
        if not all(ranges[name][0] <= value <= ranges[name][1] for name, value in whole):
            return None
        return self.solve(problem.with_values(dict(whole)), options).plan

    def _engine_runs(self, found: FoundDecisions) -> tuple[EngineRun, ...]:
        answer = found.answer
        message = (
            "the first plan was good enough" if answer is None else f"round {found.rounds}: {answer.size}"
        )
        won = found.best is not None
        price = found.price if won else None
        return (EngineRun(self.name, price, 0, found.wall_seconds, found.cpu_seconds, won, message),)


def _why_no_plan(found: FoundDecisions) -> str:
    if found.interrupted:
        return "stopped before a first plan was found"
    if found.time_is_over:
        return "no plan within the time limit"
    return "no plan meets every constraint to a millionth; give limits more room"


def _solver_view(problem: DecisionProblem, found: FoundDecisions) -> tuple[str, ...]:
    """Describe what the engine minimised instead of the laws."""
    objective, *rules = (program.certificate for program in found.relaxation.programs)
    views = [f"the objective on straight pieces {objective}" if objective.segments else "a linear objective"]
    for (rule, _), proof in zip(problem.constraint_laws, rules, strict=True):
        if proof.segments:
            views.append(f"{rule.name} on straight pieces {proof}, and looser by as much")
    if found.answer is not None and found.relaxation.curves:
        views.append(f"of them, {found.answer.size}")
    return tuple(views)
