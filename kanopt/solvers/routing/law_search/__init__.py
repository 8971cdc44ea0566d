"""Search for routes scored on the law itself: loads, clock and departures as they are, nothing frozen or rounded."""

from kanopt.solvers.routing.law_search.refine import refine
from kanopt.solvers.routing.law_search.scorer import RouteScorer
from kanopt.solvers.routing.law_search.scores import RouteScores

__all__ = ["RouteScorer", "RouteScores", "refine"]
