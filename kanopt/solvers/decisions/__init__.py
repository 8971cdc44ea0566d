"""Decision problems: certified pieces in HiGHS and CP-SAT, and the law itself in SCIP where that is installed."""

from kanopt.solvers.decisions.highs_pieces import HighsPieces

__all__ = ["HighsPieces"]
