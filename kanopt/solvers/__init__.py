"""Solvers: one protocol, one engine for each kind of problem, and ``solve``, which judges every plan by the law."""

from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.encodings import EncodedLaw, Encoding, encodings
from kanopt.solvers.solve import solve, solvers

__all__ = [
    "EncodedLaw",
    "Encoding",
    "Outcome",
    "SolveOptions",
    "Solver",
    "encodings",
    "solve",
    "solvers",
]
