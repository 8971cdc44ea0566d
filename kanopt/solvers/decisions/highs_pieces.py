"""Decision problems solved by HiGHS: piecewise linear laws with logarithmically many binaries."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from kanopt.solvers.base import SolveOptions
from kanopt.solvers.decisions.encoding import encode_pieces
from kanopt.solvers.decisions.logarithmic import LogarithmicModel
from kanopt.solvers.decisions.pieces_solver import PiecesSolver
from kanopt.solvers.decisions.refinement import EngineRequest, RelaxationResult
from kanopt.solvers.decisions.relaxation import Relaxation
from kanopt.solvers.encodings import Encoding
from kanopt.solvers.highs import HighsOptions, HighsTermination, run_highs


class HighsPieces(PiecesSolver):
    """Certified piecewise linear laws in HiGHS, refined where its answer is far from the laws.

    The bound is proved for the law: it is HiGHS's bound on a relaxation of the pieces, less the proved distance of the
    pieces from the law. A plan is optimal where its price on the law is within the problem's tolerance of it.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.problems.decisions import DecisionProblem
    >>> law = parse_formula("(x - 0.3)^2 + sin(4 * y) + x * y", [Variable("x"), Variable("y")], Variable("cost"))
    >>> problem = DecisionProblem({"x": (-1, 1), "y": (-1, 1)}, law, tolerance=0.01)
    >>> outcome = HighsPieces().solve(problem, SolveOptions())
    >>> outcome.status.value, round(problem.price(outcome.plan).objective, 3)
    ('optimal', -1.164)
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"HiGHS {version('highspy')} on certified pieces"

    def encoding(self, problem: Any) -> Encoding:
        """Describe how a problem that the solver accepts is encoded."""
        return encode_pieces(
            problem, "pieces with logarithmically many binaries", self.name, logarithmic=True
        )

    @property
    def max_refinements(self) -> int:
        """Numbers are not rounded, so that there is nothing to make finer."""
        return 0

    def run(self, relaxation: Relaxation, wanted: EngineRequest, options: SolveOptions) -> RelaxationResult:
        """Minimise a relaxation."""
        made = LogarithmicModel(relaxation, wanted.tolerance, wanted.price)
        answer = run_highs(
            made.linear,
            HighsOptions(
                time_limit=options.time_limit,
                seed=options.seed,
                threads=options.workers,
                has_plan=wanted.price is not None,
            ),
        )
        bound = -np.inf if answer.bound is None else made.bound(answer.bound)
        return RelaxationResult(
            point=None if answer.values is None else made.quantities(answer.values),
            bound=bound - made.slack,
            infeasible=answer.termination is HighsTermination.INFEASIBLE,
            finished=answer.termination in (HighsTermination.OPTIMAL, HighsTermination.INFEASIBLE),
            interrupted=answer.termination is HighsTermination.INTERRUPTED,
            binaries=made.binaries,
            columns=len(made.linear.cost),
        )
