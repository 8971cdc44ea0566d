"""Simulated annealing of one search: from hot to cold, and again, until that finds nothing better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kanopt.routing import RoutingPlan
from kanopt.routing.search.racer.search import RacerSearch

_HOT, _COLD = 0.3, 0.01
"""Of the price for each client: by how much a plan may be worse than the current one with probability 1/e, at first and
at last. Christiaens and Vanden Berghe (2020) begin and end with 100 and 1 where an arc costs about 100."""
_SLICE = 200_000
"""Legs driven between two looks at the clock: about 20 ms."""
_LONGER = 2
"""How many times as long each cycle is as the one before."""
_PATIENCE = 2
"""Cycles in a row that find nothing better, after which the search ends."""
_NOTICED = 0.05
"""Of the time that is left: from then on a cycle that lags behind the clock has no time for all its steps."""


@dataclass(frozen=True)
class StoppingCriteria:
    """When a search ends.

    Parameters
    ----------
    seconds
        Wall seconds, None for no limit.
    steps
        Plans tried by each search, None for no limit. Where no time limit is met the same seed gives the same plan.
    stop_requested
        Looked at some fifty times a second: whether to stop.
    cycle
        Steps from hot to cold, None for one cycle until a limit is met. Then another begins at the best plan, twice as
        long; the search ends by itself once two in a row have found nothing better.
    """

    seconds: float | None
    steps: int | None
    stop_requested: Callable[[], bool]
    cycle: int | None = None

    @property
    def most_steps(self) -> float:
        """Plans tried by each search, infinite where there is no limit."""
        return math.inf if self.steps is None else self.steps


class Annealing:
    """One search that accepts worse plans the less the colder it is.

    Parameters
    ----------
    search
        The search.
    clients
        How many clients there are.
    missed
        What the search counts for leaving out a client that must be served.

    Attributes
    ----------
    ended
        Whether it ended by itself.
    """

    def __init__(self, search: RacerSearch, clients: int, missed: float) -> None:
        self.search = search
        self.clients, self.missed = clients, missed
        self.ended = False
        self._idle, self._length = 0, 0.0

    def begin(self, plan: RoutingPlan, limits: StoppingCriteria, seconds: float) -> None:
        """Begin with a plan; limits and seconds as in :meth:`advance`."""
        self.search.begin(plan)
        self._begin_cycle(limits, seconds)

    @property
    def steps(self) -> int:
        """How many plans were tried."""
        return int(self.search.report.steps)

    @property
    def best(self) -> tuple[int, float]:
        """How many clients that must be served the best plan leaves out, and what it costs."""
        report = self.search.report
        return int(report.best_missed), report.best_price - report.best_missed * self.missed

    def advance(self, limits: StoppingCriteria, seconds: float) -> None:
        """Take steps for about 20 ms, or begin another cycle where this one is over.

        The clock has no say in a cycle that ends after so many steps: the same seed would not give the same plan. A
        cycle for which there is no time goes on until the time is over instead.

        Parameters
        ----------
        limits
            When the search is to end.
        seconds
            Since when time is counted.
        """
        by_steps, by_clock = self._share_of_steps, self._share_of_time(limits, seconds)
        if by_clock > max(by_steps, _NOTICED):
            self._until = limits.most_steps
        if self.steps >= self._until:
            self._idle = 0 if self.search.report.improved > self._improved else self._idle + 1
            self.ended = self._idle >= _PATIENCE
            self._begin_cycle(limits, seconds)
            return
        share = (
            self._share_of_steps if self._until < limits.most_steps else max(self._share_of_steps, by_clock)
        )
        left = min(self._until - self.steps, float(_SLICE))
        self.search.take_steps(int(left), self._heat(share), legs=_SLICE)

    def _begin_cycle(self, limits: StoppingCriteria, seconds: float) -> None:
        """Go back to the best plan, and say after how many steps the cycle ends."""
        self.search.return_to_best()
        report = self.search.report
        self._since, self._first, self._improved = seconds, int(report.steps), int(report.improved)
        self._length = _LONGER * self._length if self._length else limits.cycle or math.inf
        left = min(self._steps_left(limits, seconds), limits.most_steps - self._first)
        # where there is no time for a longer one after it, it is the last
        is_last = left < (1 + _LONGER) * self._length
        self._until = limits.most_steps if is_last else self._first + self._length

    def _steps_left(self, limits: StoppingCriteria, seconds: float) -> float:
        """Return for about how many steps there is time, where some were taken."""
        if limits.seconds is None or not self._first:
            return math.inf
        return self._first * (limits.seconds - seconds) / seconds

    def _heat(self, share: float) -> float:
        """Return by how much a plan may be worse with probability 1/e, where a share of the cycle is over."""
        each = abs(self.best[1]) / self.clients
        return float(each * _HOT * (_COLD / _HOT) ** min(share, 1.0))

    def _share_of_time(self, limits: StoppingCriteria, seconds: float) -> float:
        """How much of the time that was left when the cycle began is over."""
        if limits.seconds is None:
            return 0.0
        left = limits.seconds - self._since
        return (seconds - self._since) / left if left > 0 else 1.0

    @property
    def _share_of_steps(self) -> float:
        """How much of a cycle is over by its steps."""
        whole = self._until - self._first
        return float((self.steps - self._first) / whole) if whole > 0 else 1.0
