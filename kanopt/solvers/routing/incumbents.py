"""The best plan of a search so far, reported while the search runs."""

from __future__ import annotations

from collections.abc import Callable

from kanopt.progress import Progress
from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.arrays import NodeRoutes, Rank, RoutingArrays
from kanopt.text import count_text


class Incumbents:
    """The best plan so far.

    Parameters
    ----------
    arrays
        The problem.
    on_progress
        Called with each better plan as a step of progress, after it was stored.
    on_incumbent
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
        Whether `on_progress` raised KeyboardInterrupt, which asks the search to stop and keep the plan.
    """

    def __init__(
        self,
        arrays: RoutingArrays,
        on_progress: Callable[[Progress], None] | None = None,
        on_incumbent: Callable[[NodeRoutes, Rank], None] | None = None,
        clock: SearchClock | None = None,
    ) -> None:
        self.arrays = arrays
        self.on_progress = on_progress
        self.on_incumbent = on_incumbent
        self.clock = SearchClock() if clock is None else clock
        self.began = self.clock.now()
        self.best: NodeRoutes | None = None
        self.rank: Rank | None = None
        self.history: list[Progress] = []
        self.stopped = False

    @property
    def seconds(self) -> float:
        """Seconds since the search began."""
        return self.clock.now() - self.began

    def offer(self, routes: NodeRoutes, rank: Rank | None = None, by: str = "") -> bool:
        """Store and report a plan if it is the best so far; return whether it is.

        Parameters
        ----------
        routes
            A plan that fits.
        rank
            Its rank, where it is known.
        by
            Who found it.
        """
        rank = self.arrays.rank(routes) if rank is None else rank
        if self.rank is not None and rank >= self.rank:
            return False
        self.rank, self.best = rank, [list(route) for route in routes]
        left, value = rank
        parts = [left_out_text(left)] if left else []
        step = Progress(
            self.seconds,
            self.arrays.money.to_float(value),
            message="; ".join([*parts, *([by] if by else [])]),
        )
        self.history.append(step)
        if self.on_incumbent is not None:
            self.on_incumbent(self.best, rank)
        try:
            if self.on_progress is not None:
                self.on_progress(step)
        except KeyboardInterrupt:
            self.stopped = True
        return True


def left_out_text(count: int) -> str:
    """Say how many clients a plan leaves out although they must be served.

    Examples
    --------
    >>> left_out_text(1), left_out_text(4)
    ('1 client that must be served is left out', '4 clients that must be served are left out')
    """
    return count_text(
        count, "client that must be served is left out", "clients that must be served are left out"
    )
