"""Decision problems solved by CP-SAT: piecewise linear laws in integers, by the incremental encoding."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from kanopt.interrupt import Interrupt
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.cpsat import CpSatTermination, SearchGoal, SearchLimits, run_cpsat
from kanopt.solvers.decisions.encoding import encode_pieces
from kanopt.solvers.decisions.incremental import IncrementalModel
from kanopt.solvers.decisions.pieces_solver import PiecesSolver
from kanopt.solvers.decisions.refinement import EngineRequest, RelaxationResult
from kanopt.solvers.decisions.relaxation import Relaxation
from kanopt.solvers.encodings import Encoding

_GAP = 0.1
"""The share of the tolerance at which CP-SAT need not go on."""


class CpSatPieces(PiecesSolver):
    """Certified piecewise linear laws in CP-SAT, refined where its answer is far from the laws.

    Every quantity is an integer, rounded so that no feasible plan is cut off: like that of HiGHS, the bound holds for
    the law. Worth a try where most decisions are integers; HiGHS is faster where they are not.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.problems.decisions import Decision, DecisionProblem
    >>> law = parse_formula("(n - 3.2)^2 + 3 * sin(n)", [Variable("n")], Variable("cost"))
    >>> problem = DecisionProblem([Decision("n", 0, 9, integer=True)], law, tolerance=0.01)
    >>> outcome = CpSatPieces().solve(problem, SolveOptions())
    >>> outcome.status.value, outcome.plan.values
    ('optimal', {'n': 4.0})
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"CP-SAT on certified pieces (OR-Tools {version('ortools')})"

    def encoding(self, problem: Any) -> Encoding:
        """Describe how a problem that the solver accepts is encoded."""
        return encode_pieces(problem, "incremental pieces in whole numbers", self.name, logarithmic=False)

    @property
    def max_refinements(self) -> int:
        """How many times the integer steps can be made finer."""
        return 2

    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        """Minimise a relaxation."""
        made = IncrementalModel(relaxation, wanted.tolerance, wanted.finer)
        limits = SearchLimits(
            options.time_limit,
            options.seed,
            options.workers,
            goal=SearchGoal.PROVE,
            linearization=2,
            gap=made.steps_of(_GAP * wanted.tolerance),
        )
        with Interrupt() as interrupt:
            found = run_cpsat(made.model, limits, made.columns, interrupt, has_plan=wanted.price is not None)
        return RelaxationResult(
            point=made.quantities(found.values) if found.values else None,
            bound=made.bound(found.bound)
            if found.termination is not CpSatTermination.INFEASIBLE
            else -np.inf,
            infeasible=found.termination is CpSatTermination.INFEASIBLE,
            finished=found.termination is not CpSatTermination.LIMIT,
            interrupted=interrupt.asked,
            binaries=made.binaries,
            columns=len(made.model.proto.variables),
        )
