"""How long and how hot a search of schedules is, within a limit of seconds or of work."""

from __future__ import annotations

from collections.abc import Callable

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.scheduling.local_search.search import ShopSearch

_HOT = 0.5
_COLD, _COLD_FLEXIBLE, _COLD_PRICES = 0.15, 0.05, 0.005
"""Heat at first and at last, as shares of the median of what a step costs that makes a schedule dearer. Many steps cost
little where tasks have several modes, and more so where the price of power changes."""
_FIRST, _CYCLE = 0.1, 1_000_000
"""Share of the time of the first way from hot to cold; tasks timed in each later one, for each task of the shop."""
_PATIENCE = 2
_SLICE = 400_000
"""Tasks timed between two looks at the clock: about 20 ms."""
_PER_TASK, _PER_TASK_PRICES = 3e-8, 4.5e-8  # seconds, for a clock that counts work


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
        flexible = len(grid.structure.mode_task) > len(grid.structure.task_job)
        self._cold = _COLD_FLEXIBLE if flexible else _COLD
        self._per_task = _PER_TASK
        if len(grid.costs.edges) > 2:
            self._cold, self._per_task = _COLD_PRICES, _PER_TASK_PRICES
        self._cycle = _CYCLE * len(grid.structure.task_job)
        self._scale = search.scale()
        self._spent = search.report.work

    def run(self, seconds: float) -> None:
        """Search for some time, or until nothing better was found on some whole ways from hot to cold."""
        until, share, vain = self.clock.now() + seconds, _FIRST, 0
        while (left := until - self.clock.now()) > 0 and self._scale > 0 and vain < _PATIENCE:
            improved, spent = self.search.report.improved, self._spent
            if self._cool(share * left):
                return
            share = 1.0
            if self.search.report.improved > improved:
                vain = 0
            elif self._spent - spent >= self._cycle:
                vain += 1

    def _cool(self, seconds: float) -> bool:
        """Go from hot to cold in at most some time; return whether to stop."""
        began, spent = self.clock.now(), self._spent
        share = 0.0
        while share < 1.0:
            heat = self._scale * _HOT * (self._cold / _HOT) ** share
            self.search.anneal(_SLICE, heat, heat)
            work = self.search.report.work
            self.clock.spend(self._per_task * (work - self._spent))
            self._spent = work
            if self.look():
                return True
            share = max((self.clock.now() - began) / seconds, (work - spent) / self._cycle)
        return False
