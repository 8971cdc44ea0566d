"""Decision problems: certified pieces in HiGHS."""

from kanopt.solvers.decisions.solver import HighsPieces

__all__ = ["HighsPieces"]
