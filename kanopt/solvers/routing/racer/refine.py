"""``refine``: make a plan better on the law, never worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kanopt.errors import SolverError
from kanopt.problems.assessment import Rank
from kanopt.problems.result import Progress
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.incumbents import left_out_text
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.search import RacerSearch

__all__ = ["RacerRun", "StoppingCriteria", "refine"]

_HOT, _COLD = 0.3, 0.01
"""Of the price for each client: by how much a plan may be worse than the current one with probability 1/e, at first and
at last. Christiaens and Vanden Berghe (2020) begin and end with 100 and 1 where an arc costs about 100."""
_SLICE = 200_000
"""Legs driven between two looks at the clock: about 20 ms."""
_PER_LEG = 1.2e-7  # seconds, for a clock that counts work


@dataclass(frozen=True)
class StoppingCriteria:
    """When a search ends.

    Parameters
    ----------
    seconds
        Wall seconds, None for no limit.
    steps
        Plans tried, None for no limit. Where no time limit is met the same seed gives the same plan.
    stop_requested
        Looked at some fifty times a second: whether to stop.
    cycle
        Steps from hot to cold, None for one cycle until a limit is met. Then the next begins at the best plan; the
        search ends by itself once a cycle has found nothing better.
    """

    seconds: float | None
    steps: int | None
    stop_requested: Callable[[], bool]
    cycle: int | None = None


def refine(
    problem: RoutingProblem,
    plan: RoutingPlan | None = None,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    interrupt: Callable[[], bool] | None = None,
) -> RoutingPlan:
    """Search for a better plan, driving every plan tried on the laws: true loads, true clock, best departures.

    Parameters
    ----------
    problem
        A routing problem.
    plan
        Where to start; None for no client served.
    seconds, steps
        Limits, at least one of them. With `steps` alone the same seed gives the same plan.
    seed
        Of all random choices.
    progress
        Called with each better plan.
    interrupt
        Looked at some fifty times a second: whether to stop and return the best plan so far.

    Returns
    -------
    RoutingPlan
        The best plan found, or the one given where none is better on the law: one that keeps the rules before one
        that does not, then one that leaves fewer clients out who must be served, then the cheaper one.

    Raises
    ------
    SolverError
        If there is no limit, or no compiled kernel on this machine.
    """
    if seconds is None and steps is None:
        raise SolverError("refine needs a limit: seconds or steps")
    return RacerRun(problem, plan, seed, progress).run(
        StoppingCriteria(seconds, steps, interrupt if interrupt is not None else lambda: False)
    )


class RacerRun:
    """One search on a problem, from plan to plan; see :func:`refine`.

    Parameters
    ----------
    problem, plan, seed, progress
        As in :func:`refine`.
    clock
        What seconds are measured with; wall seconds where not given.

    Attributes
    ----------
    history
        The better plans, in order of time; seconds count from when this was made.
    steps
        How many plans were tried.
    ended
        Whether the search ended by itself.
    stopped
        Whether `progress` raised KeyboardInterrupt, which asks the search to stop and keep the plan.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan | None,
        seed: int,
        progress: Callable[[Progress], None] | None,
        clock: SearchClock | None = None,
    ) -> None:
        self.clock = SearchClock() if clock is None else clock
        self.began = self.clock.now()
        self.problem = problem
        self.given = problem.plan_from(RoutingPlan(()) if plan is None else plan)
        self.progress = progress
        self.plan_data = PlanData(problem)
        self.search = RacerSearch(self.plan_data, seed)
        self.ended, self.stopped = False, False
        self.history: list[Progress] = []
        self._given_rank = self._rank = problem.assess(self.given).rank
        self._legs = 0

    @property
    def steps(self) -> int:
        """How many plans were tried."""
        return int(self.search.report.steps)

    def run(self, limits: StoppingCriteria) -> RoutingPlan:
        """Search, and return the best plan."""
        self.search.begin(self.given)
        self._look()
        if self.problem.clients:
            while not self.ended and not self._is_over(limits):
                self._cycle(limits)
        best = self.best_plan()
        return best if self.problem.assess(best).rank < self._given_rank else self.given

    def best_plan(self) -> RoutingPlan:
        """Return the best plan, each route leaving as the search says, or where that is better as the problem does."""
        plan = self.search.best_plan()
        reopened = self.problem.plan_from(plan.reopened())
        if self.problem.assess(reopened).rank < self.problem.assess(plan).rank:
            return self.problem.assess(reopened).with_departures().plan
        return plan

    def _cycle(self, limits: StoppingCriteria) -> None:
        """Search from hot to cold."""
        began, first = self.clock.now(), self.steps
        best = self.search.report.improved
        self.search.return_to_best()
        while not self._is_over(limits):
            share = self._share(limits, began, first)
            if share >= 1.0:
                break
            left = [_SLICE]
            if limits.steps is not None:
                left.append(limits.steps - self.steps)
            if limits.cycle is not None:
                left.append(first + limits.cycle - self.steps)
            self.search.take_steps(min(left), self._heat(share), legs=_SLICE)
            self._look()
        self.ended = self.search.report.improved == best and not self._is_over(limits)

    def _heat(self, share: float) -> float:
        """Return by how much a plan may be worse with probability 1/e, where a share of the cycle is over."""
        report = self.search.report
        price = abs(report.best_price - report.best_missed * self.plan_data.missed)
        each = price / len(self.problem.clients)
        return float(each * _HOT * (_COLD / _HOT) ** share)

    def _share(self, limits: StoppingCriteria, began: float, first: int) -> float:
        """Return how much of a cycle that began at a time and a step is over, from 0 to 1."""
        steps, shares = self.steps - first, [0.0]
        if limits.seconds is not None:
            left = limits.seconds - (began - self.began)
            shares.append((self.clock.now() - began) / left if left > 0 else 1.0)
        if limits.steps is not None:
            shares.append(steps / (limits.steps - first) if limits.steps > first else 1.0)
        if limits.cycle is not None:
            shares.append(steps / limits.cycle if limits.cycle > 0 else 1.0)
        return min(1.0, max(shares))

    def _is_over(self, limits: StoppingCriteria) -> bool:
        """Whether a limit is met."""
        late = limits.seconds is not None and self.clock.now() - self.began >= limits.seconds
        done = limits.steps is not None and self.steps >= limits.steps
        return self.stopped or limits.stop_requested() or late or done

    def _look(self) -> None:
        """Report work to the clock, and a better plan to who listens."""
        report = self.search.report
        self.clock.spend(_PER_LEG * (report.legs - self._legs))
        self._legs = report.legs
        missed, price = (
            int(report.best_missed),
            report.best_price - report.best_missed * self.plan_data.missed,
        )
        rank = Rank(False, missed, 0, price)
        if not rank.is_better_than(self._rank):
            return
        self._rank = rank
        step = Progress(self.clock.now() - self.began, price, message=left_out_text(missed) if missed else "")
        self.history.append(step)
        try:
            if self.progress is not None:
                self.progress(step)
        except KeyboardInterrupt:
            self.stopped = True
