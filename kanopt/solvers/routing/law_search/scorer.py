"""Exact scores of routes on the law."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kanopt.problems.routing import RoutingProblem
from kanopt.solvers.routing.law_search.compiled_problem import compile_problem
from kanopt.solvers.routing.law_search.departures import best_departures
from kanopt.solvers.routing.law_search.forward import RouteBatch, drive_clock_free
from kanopt.solvers.routing.law_search.scores import RouteScores

__all__ = ["RouteScorer"]

_PER_CALL, _PER_LEG = 2e-4, 1.2e-7  # seconds, for a clock that counts work
_ROUGHLY, _FINELY = 24, 200  # departures


class RouteScorer:
    """Scores many routes of a problem at once, exactly as the problem prices and checks them.

    Parameters
    ----------
    problem
        A routing problem; compiled here once.

    Attributes
    ----------
    work_seconds
        What all scores so far are worth, in seconds of a :class:`~kanopt.solvers.clock.WorkClock`.

    Examples
    --------
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> minutes = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a"), Client("b", latest=25)], [VehicleType("van")], minutes, minutes, minutes
    ... )
    >>> scores = RouteScorer(problem).score_routes([(0, [1, 2]), (0, [1]), (0, [2, 1])])
    >>> scores.price.tolist(), scores.ok.tolist()
    ([42.0, 20.0, 42.0], [True, True, True])
    """

    def __init__(self, problem: RoutingProblem) -> None:
        self.problem = problem
        self.tables = compile_problem(problem)
        self.work_seconds = 0.0

    @property
    def leaves_departures_open(self) -> bool:
        """Whether a plan need not say when its routes leave: the problem finds the best departure itself."""
        return not self.tables.follows_clock or self.tables.is_fifo

    @property
    def rough_is_exact(self) -> bool:
        """Whether a rough score is as good as any."""
        return not self.tables.follows_clock

    @property
    def rough_is_slow(self) -> bool:
        """Whether even a rough score takes so long that only what looks good on free roads should be scored."""
        return self.tables.follows_clock and not self.tables.is_fifo

    def score_routes(
        self, routes: Sequence[tuple[int, Sequence[int]]], *, rough: bool = False
    ) -> RouteScores:
        """Score routes, each given as vehicle type and clients in order of visit, by their positions."""
        return self.score_batch(RouteBatch.of(self.tables, routes), rough=rough)

    def score_batch(self, batch: RouteBatch, *, rough: bool = False) -> RouteScores:
        """Score routes.

        Parameters
        ----------
        batch
            The routes.
        rough
            Where the price depends on when a route leaves, try a few departures only, and read the clock to ten
            seconds: the price is nearly that of a departure there is, but not of the best one.
        """
        departures = 1
        if self.tables.follows_clock:
            departures = _ROUGHLY if rough else _FINELY
        self.work_seconds += _PER_CALL + _PER_LEG * departures * batch.arc.size
        if self.tables.follows_clock:
            return best_departures(batch, rough=rough)
        return RouteScores.of(batch, drive_clock_free(batch), np.arange(len(batch)))
