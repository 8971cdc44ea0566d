"""Decision problems: certified pieces in HiGHS and CP-SAT, and the law itself in SCIP where that is installed."""

from kanopt.solvers.decisions.cpsat_pieces import CpSatPieces
from kanopt.solvers.decisions.highs_pieces import HighsPieces
from kanopt.solvers.decisions.scip import ScipNative

__all__ = ["CpSatPieces", "HighsPieces", "ScipNative"]
