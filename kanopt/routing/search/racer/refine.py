"""``refine``: make a plan better on the law, never worse."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from kanopt.engines.clock import SearchClock
from kanopt.errors import SolverError
from kanopt.plans.base import Rank
from kanopt.plans.result import Progress
from kanopt.routing import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.racer.annealing import Annealing, StoppingCriteria
from kanopt.routing.search.racer.plan_data import PlanData
from kanopt.routing.search.racer.search import RacerSearch
from kanopt.text import count_text

_PER_LEG = 1.2e-7  # seconds, for a clock that counts work
_NEXT_SEED = 1_000_003


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
    workers
        How many searches run side by side, each in a thread, from the same plan with chances of its own.

    Attributes
    ----------
    history
        The better plans, in order of time; seconds count from when this was made.
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
        workers: int = 1,
    ) -> None:
        self.clock = SearchClock() if clock is None else clock
        self.began = self.clock.now()
        self.problem = problem
        self.given = problem.plan_from(RoutingPlan(()) if plan is None else plan)
        self.progress = progress
        self.plan_data = PlanData(problem)
        searches = [RacerSearch(self.plan_data, seed + place * _NEXT_SEED) for place in range(workers)]
        clients, missed = len(problem.clients), self.plan_data.missed
        self.annealings = [Annealing(search, clients, missed) for search in searches]
        self.stopped = False
        self.history: list[Progress] = []
        self._given_rank = self._rank = problem.assess(self.given).rank
        self._legs = 0

    @property
    def steps(self) -> int:
        """How many plans were tried."""
        return sum(one.steps for one in self.annealings)

    @property
    def ended(self) -> bool:
        """Whether the search ended by itself."""
        return all(one.ended for one in self.annealings)

    def run(self, limits: StoppingCriteria) -> RoutingPlan:
        """Search, and return the best plan."""
        with ThreadPoolExecutor(len(self.annealings)) as threads:
            begin = repeat(self.given), repeat(limits), repeat(self._seconds)
            list(threads.map(Annealing.begin, self.annealings, *begin))
            self._look()
            while self.problem.clients and not self.ended and not self._is_over(limits):
                active, seconds = [one for one in self.annealings if not one.ended], self._seconds
                # the kernel gives up the lock of the interpreter, so that threads run on all cores
                list(threads.map(Annealing.advance, active, repeat(limits), repeat(seconds)))
                self._look()
        best = self.best_plan()
        return best if self.problem.assess(best).rank < self._given_rank else self.given

    def best_plan(self) -> RoutingPlan:
        """Return the best plan, each route leaving as the search says, or where that is better as the problem does."""
        plan = self._best.search.best_plan()
        reopened = self.problem.plan_from(plan.reopened())
        if self.problem.assess(reopened).rank < self.problem.assess(plan).rank:
            return self.problem.assess(reopened).settled().plan
        return plan

    @property
    def _seconds(self) -> float:
        return self.clock.now() - self.began

    @property
    def _best(self) -> Annealing:
        """The search with the best plan, the first of equal ones."""
        return min(self.annealings, key=lambda one: one.best)

    def _is_over(self, limits: StoppingCriteria) -> bool:
        """Whether a limit is met."""
        late = limits.seconds is not None and self._seconds >= limits.seconds
        done = limits.steps is not None and all(one.steps >= limits.steps for one in self.annealings)
        return self.stopped or limits.stop_requested() or late or done

    def _look(self) -> None:
        """Report work to the clock, and a better plan to who listens."""
        legs = sum(one.search.report.legs for one in self.annealings)
        self.clock.spend(_PER_LEG * (legs - self._legs))
        self._legs = legs
        missed, price = self._best.best
        rank = Rank(False, missed, 0, price)
        if not rank.is_better_than(self._rank):
            return
        self._rank = rank
        step = Progress(self._seconds, price, message=left_out_text(missed) if missed else "")
        self.history.append(step)
        try:
            if self.progress is not None:
                self.progress(step)
        except KeyboardInterrupt:
            self.stopped = True


def left_out_text(count: int) -> str:
    """Say how many clients a plan leaves out although they must be served.

    Examples
    --------
    >>> left_out_text(1), left_out_text(4)
    ('1 client that must be served is left out', '4 clients that must be served are left out')
    """
    one = "client that must be served is left out"
    return count_text(count, one, "clients that must be served are left out")
