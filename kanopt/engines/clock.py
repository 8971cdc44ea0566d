"""What a time limit is measured with: wall seconds, or work that is counted."""

from __future__ import annotations

import os
import time


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of the child processes it has waited for."""
    return sum(os.times()[:4])


class SearchClock:
    """Wall seconds.

    A search reads the time from its clock, and reports its work to it.

    Examples
    --------
    >>> clock = SearchClock()
    >>> clock.spend(1e6)
    >>> clock.now() < 1e6 + clock.now() and not clock.counts_work
    True
    """

    counts_work = False
    """Whether time passes by work alone, so that the same search stops at the same step on every machine."""

    def now(self) -> float:
        """Return the time in seconds; only differences mean anything."""
        return time.perf_counter()

    def spend(self, seconds: float) -> None:
        """Report work that takes about so many seconds on one core; ignored here, as wall time passes by itself."""


class WorkClock(SearchClock):
    """Counted work, in the seconds it takes on one core of about the year 2025.

    The seconds of a step are a constant of its search; how long it really takes depends on the machine and the problem.

    Examples
    --------
    >>> clock = WorkClock()
    >>> clock.spend(0.5)
    >>> clock.now()
    0.5
    """

    counts_work = True

    def __init__(self) -> None:
        self._spent = 0.0

    def now(self) -> float:
        """Return the seconds of all work so far."""
        return self._spent

    def spend(self, seconds: float) -> None:
        """Add the seconds of a piece of work."""
        self._spent += seconds
