"""The best plan of a search so far, and what is told of it while the search runs."""

from __future__ import annotations

from collections.abc import Callable

from kanopt.problems.result import Progress
from kanopt.solvers.clock import Clock
from kanopt.solvers.routing.arrays import Rank, RoutingArrays, Ways

__all__ = ["Incumbents"]


class Incumbents:
    """The best plan so far.

    Parameters
    ----------
    arrays
        The problem.
    told
        Called with each better plan as a step of progress, after it was noted.
    heard
        Called with each better plan and its rank.
    clock
        What its seconds are measured with; wall seconds where not given.

    Attributes
    ----------
    best
        The best plan, None before the first.
    rank
        Its rank.
    history
        Every better plan, in order of time.
    stopped
        Whether `told` raised KeyboardInterrupt, which asks the search to stop and keep the plan.
    """

    def __init__(
        self,
        arrays: RoutingArrays,
        told: Callable[[Progress], None] | None = None,
        heard: Callable[[Ways, Rank], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.arrays = arrays
        self.told = told
        self.heard = heard
        self.clock = Clock() if clock is None else clock
        self.began = self.clock.now()
        self.best: Ways | None = None
        self.rank: Rank | None = None
        self.history: list[Progress] = []
        self.stopped = False

    @property
    def seconds(self) -> float:
        """Seconds since the search began."""
        return self.clock.now() - self.began

    def offer(self, ways: Ways, rank: Rank | None = None, by: str = "") -> bool:
        """Note a plan if it is the best so far, and tell of it; return whether it is.

        Parameters
        ----------
        ways
            A plan that fits.
        rank
            Its rank, where it is known.
        by
            Who found it.
        """
        rank = self.arrays.rank(ways) if rank is None else rank
        if self.rank is not None and rank >= self.rank:
            return False
        self.rank, self.best = rank, [list(way) for way in ways]
        left, value = rank
        parts = [f"{left} clients that must be served are left out"] if left else []
        step = Progress(
            self.seconds,
            self.arrays.money.to_float(value),
            message="; ".join([*parts, *([by] if by else [])]),
        )
        self.history.append(step)
        if self.heard is not None:
            self.heard(self.best, rank)
        try:
            if self.told is not None:
                self.told(step)
        except KeyboardInterrupt:
            self.stopped = True
        return True
