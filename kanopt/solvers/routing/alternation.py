"""Engines whose planning values follow the plan: solve, read load and clock off the plan, solve again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kanopt.problems.result import Progress
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.base import SolveOptions, Solver

_SHARE = 0.34
"""Of the time that is left, what one round may take."""
_LEAST = 0.2


class Alternation:
    """Rounds of engines, one after the other, with load and clock frozen as they are in the best plan so far.

    A round can only find what is better at these values; whether it is better is judged on the law, and the best plan
    of all is kept. The rounds end with the time, or by themselves once no engine has found anything better.

    Parameters
    ----------
    engines
        Solve at planning values.
    problem
        What is planned.
    plan
        Where to start.
    options
        Of the engine; the time limit is that of all rounds.
    on_progress
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
        engines: Sequence[Solver],
        problem: RoutingProblem,
        plan: RoutingPlan,
        options: SolveOptions,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.engines = engines
        self.problem = problem
        self.best = plan
        self.options = options
        self.on_progress = on_progress
        self.steps, self.ended, self.stopped = 0, False, False
        self.history: list[Progress] = []

    def run(self, asked: Callable[[], bool]) -> RoutingPlan:
        """Search, and return the best plan."""
        began = self.options.clock.now()
        rank = self.problem.assess(self.best).rank
        rounds_without_gain, by_themselves = 0, True
        while not (self.stopped or asked()):
            left = self.options.time_limit - (self.options.clock.now() - began)
            if left < _LEAST:
                break
            engine = self.engines[self.steps % len(self.engines)]
            self.steps += 1
            limit = left if left < 3 * _LEAST else _SHARE * left
            options = replace(self.options, time_limit=limit, initial=self.best, progress=None)
            outcome = engine.solve(self.problem.with_planning_from(self.best), options)
            self.stopped, found = outcome.interrupted, outcome.plan
            by_themselves = by_themselves and "ended by itself" in outcome.message
            here = self.problem.assess(found).rank if isinstance(found, RoutingPlan) else rank
            if isinstance(found, RoutingPlan) and here < rank:
                self.best, rank, rounds_without_gain = found, here, 0
                self._report(self.options.clock.now() - began, here.objective)
                continue
            rounds_without_gain += 1
            if rounds_without_gain >= len(self.engines):
                self.ended = by_themselves
                break
        return self.best

    def _report(self, seconds: float, price: float) -> None:
        step = Progress(seconds, price)
        self.history.append(step)
        try:
            self.on_progress(step)
        except KeyboardInterrupt:
            self.stopped = True
