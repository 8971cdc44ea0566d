"""Search for routes scored on the law itself: loads, clock and departures as they are, nothing frozen or rounded."""

from kanopt.solvers.exact.refining import refine
from kanopt.solvers.exact.scores import Scores
from kanopt.solvers.exact.scoring import Scorer

__all__ = ["Scorer", "Scores", "refine"]
