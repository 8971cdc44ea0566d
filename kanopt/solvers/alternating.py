"""Engines at planning values that follow the plan: solve, read loads and clock off the plan, solve again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from kanopt.problems.result import Progress
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.base import SolveOptions, Solver
from kanopt.solvers.standing import standing

__all__ = ["Alternation"]

_SHARE = 0.34
"""Of the time that is left, what one round may take."""
_LEAST = 0.2


class Alternation:
    """Rounds of an engine in which load and clock are frozen as they are in the best plan so far.

    A round can only find what is better at these values; whether it is better is judged on the law, and the best plan
    of all is kept. The rounds end with the time, or by themselves once one has found nothing better.

    Parameters
    ----------
    engine
        Solves at planning values.
    problem
        What is planned.
    plan
        Where to start.
    options
        Of the engine; the time limit is that of all rounds.
    heard
        Called with each better plan.

    Attributes
    ----------
    steps
        How many rounds there were.
    ended
        Whether the search ended by itself.
    history
        The better plans, in order of time.
    """

    def __init__(
        self,
        engine: Solver,
        problem: RoutingProblem,
        plan: RoutingPlan,
        options: SolveOptions,
        heard: Callable[[Progress], None],
    ) -> None:
        self.engine = engine
        self.problem = problem
        self.best = plan
        self.options = options
        self.heard = heard
        self.steps, self.ended, self.stopped = 0, False, False
        self.history: list[Progress] = []

    def run(self, asked: Callable[[], bool]) -> RoutingPlan:
        """Search, and return the best plan."""
        began = time.perf_counter()
        rank = standing(self.problem, self.best)
        while not (self.ended or self.stopped or asked()):
            left = self.options.time_limit - (time.perf_counter() - began)
            if left < _LEAST:
                break
            self.steps += 1
            frozen = self.problem.replanned(self.best)
            limit = left if left < 3 * _LEAST else _SHARE * left
            options = replace(self.options, time_limit=limit, initial=self.best, progress=None)
            outcome = self.engine.solve(frozen, options)
            self.stopped = outcome.interrupted
            found = outcome.plan
            better = False
            if isinstance(found, RoutingPlan):
                here = standing(self.problem, found)
                better = here < rank
                if better:
                    self.best, rank = found, here
                    self._tell(time.perf_counter() - began, here[2])
            self.ended = not better and "ended by itself" in outcome.message
            if not better and not self.ended and left < 1.0:
                break
        return self.best

    def _tell(self, seconds: float, price: float) -> None:
        step = Progress(seconds, price)
        self.history.append(step)
        try:
            self.heard(step)
        except KeyboardInterrupt:
            self.stopped = True
