"""How long and how hot a search of schedules is, within a limit of seconds or of work."""

from __future__ import annotations

from collections.abc import Callable

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.scheduling.local_search.search import ShopSearch

__all__ = ["Annealing"]

_HOT, _COLD, _COLD_PRICES = 0.5, 0.1, 0.005
"""Heat at first and at last, as shares of the median of what a step costs that makes a schedule dearer. Where the price
of power changes, many steps cost little."""
_FIRST, _CYCLE = 0.1, 1_000_000
"""Share of the time of the first way from hot to cold; tasks timed in each later one, for each task of the shop."""
_SLICE = 400_000
"""Tasks timed between two looks at the clock: about 20 ms."""
_PER_TASK = 4e-8  # seconds, for a clock that counts work


class Annealing:
    """Goes from hot to cold, again and again: first quickly, then as slowly as the size of the shop suggests.

    Parameters
    ----------
    search
        Has a schedule.
    clock
        What seconds are measured with.
    look
        Called some fifty times a second; returns whether to stop.
    """

    def __init__(self, search: ShopSearch, clock: SearchClock, look: Callable[[], bool]) -> None:
        self.search, self.clock, self.look = search, clock, look
        grid = search.shop.grid
        self._cold = _COLD if len(grid.costs.edges) == 2 else _COLD_PRICES
        self._cycle = _CYCLE * len(grid.structure.task_job)
        self._scale = search.scale()
        self._spent = search.report.work

    def run(self, seconds: float) -> None:
        """Search for some time."""
        until = self.clock.now() + seconds
        first = True
        while (left := until - self.clock.now()) > 0 and self._scale > 0:
            share = _FIRST if first else 1.0
            if self._cool(share * left):
                return
            first = False

    def _cool(self, seconds: float) -> bool:
        """Go from hot to cold in at most some time; return whether to stop."""
        began, spent = self.clock.now(), self._spent
        share = 0.0
        while share < 1.0:
            heat = self._scale * _HOT * (self._cold / _HOT) ** share
            self.search.anneal(_SLICE, heat, heat)
            work = self.search.report.work
            self.clock.spend(_PER_TASK * (work - self._spent))
            self._spent = work
            if self.look():
                return True
            share = max((self.clock.now() - began) / seconds, (work - spent) / self._cycle)
        return False
