"""Decision problems: certified pieces in HiGHS."""

from kanopt.decisions.search.solver import HighsPieces

__all__ = ["HighsPieces"]
