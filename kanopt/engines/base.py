"""What every solver is, the options it takes, and the outcome it ends with."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from kanopt.errors import SolverError
from kanopt.faults import shown
from kanopt.plans.base import Plan, Problem
from kanopt.plans.days_in_time import DaysInTime
from kanopt.plans.findings import Status
from kanopt.plans.result import EngineRun, Progress
from kanopt.plans.uncertainty import Uncertainty
from kanopt.text import number_text

# What a time limit is measured with: wall seconds, or work that is counted.


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


def asks_to_stop(progress: Callable[[Progress], None] | None, step: Progress) -> bool:
    """Tell of a better plan; return whether whoever is told pressed Ctrl-C meanwhile, which ends the search."""
    try:
        if progress is not None:
            progress(step)
    except KeyboardInterrupt:
        return True
    return False


class Termination(StrEnum):
    """Why an engine stopped."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    LIMIT = "time limit"
    INTERRUPTED = "interrupted"


_LONGEST = 1e9
"""Seconds, about thirty years: longer waits overflow in some engines."""


@dataclass(frozen=True)
class SolveOptions:
    """How long and how to search.

    Parameters
    ----------
    time_limit
        Wall seconds, at least 0; seconds' worth of work where `deterministic`.
    seed
        A whole number of at least 0. Same seed, same plan, where the solver stops by itself or `deterministic`.
    initial
        A plan to start from.
    progress
        Called with each new incumbent; ``print`` will do.
    workers
        Threads or processes a solver may use, at least 1. Where `deterministic`, one is used.
    deterministic
        Whether the time limit counts the steps of the search in place of seconds, each as what it takes on one core
        of about 2025. Then the same seed gives the same plan, whatever else the machine does, with the same versions
        of all packages and the same kind of processor. For routing and scheduling; other solvers refuse it.
    days_in_time
        Of routes and schedules: share of days on which everyone is to be in time, where a law of time knows its errors.
        Departures are chosen for it last, and other routes where no departures are enough; of schedules the order and
        starts of tasks. None for what costs least on typical times.
    uncertainty
        What is taken to be uncertain on the days they are to be in time on.
    clock
        What the time limit is measured with; follows from `deterministic` where not given.

    Raises
    ------
    SolverError
        If an option is no such number.
    """

    time_limit: float = 30.0
    seed: int = 0
    initial: Plan | None = None
    progress: Callable[[Progress], None] | None = None
    workers: int = 1
    deterministic: bool = False
    days_in_time: float | None = None
    uncertainty: Uncertainty = field(default_factory=Uncertainty)
    clock: SearchClock = field(default_factory=SearchClock, repr=False, compare=False)

    def __post_init__(self) -> None:
        limit: object = self.time_limit
        if not (isinstance(limit, int | float | np.integer) and 0 <= limit <= _LONGEST):
            raise SolverError(
                f"time_limit must be a number of seconds from 0 to {number_text(_LONGEST)}, not {shown(limit)}"
            )
        for name, least in (("seed", 0), ("workers", 1)):
            value: object = getattr(self, name)
            if not (isinstance(value, int | np.integer) and value >= least):
                raise SolverError(f"{name} must be a whole number of at least {least}, not {value!r}")
        if not isinstance(self.deterministic, bool):
            raise SolverError(f"deterministic must be True or False, not {self.deterministic!r}")
        share: object = self.days_in_time
        if share is not None and not (isinstance(share, float | np.floating) and 0.0 < share < 1.0):
            raise SolverError(
                f"days_in_time must be a share of days above 0 and below 1, such as 0.95, or None, not {shown(share)}"
            )
        if not isinstance(self.uncertainty, Uncertainty):
            raise SolverError(
                f"uncertainty must be an Uncertainty, such as ko.Uncertainty(travel=0.1), not {shown(self.uncertainty)}"
            )
        if not isinstance(self.clock, SearchClock):
            raise SolverError(f"clock must be a SearchClock or a WorkClock, not {self.clock!r}")
        if self.deterministic != self.clock.counts_work:
            object.__setattr__(self, "clock", WorkClock() if self.deterministic else SearchClock())
        if self.deterministic:
            object.__setattr__(self, "workers", 1)

    def refuse_deterministic(self, name: str) -> None:
        """Refuse to count work, for a solver that cannot.

        Raises
        ------
        SolverError
            If asked to be deterministic.
        """
        if self.deterministic:
            raise SolverError(
                f"{name} stops by the clock and counts no work: leave the option deterministic out. The same seed "
                "gives the same plan where it ends by itself before the time limit"
            )


@dataclass(frozen=True)
class Outcome:
    """What a solver found, in the problem's own units.

    Parameters
    ----------
    plan
        The best plan, or None.
    status
        As the solver sees it.
    objective
        The plan's objective in the solver's rounded model, without penalties for what is left out; None without
        a plan.
    bound
        A proven lower bound *of the solver's model*, or None for a heuristic.
    rounding_bound
        Proven bound on the difference between ``objective`` and the same price on the law at planning values.
    history
        Incumbents in order of time.
    interrupted
        True where the user stopped the search.
    message
        What the solver has to say.
    engines
        What each engine did, where there is more than one.
    solver_view
        What the solver saw instead of the laws, in sentences.
    nothing_frozen
        Whether the solver decided on what the problem names as frozen; then its objective is near the law's own.
    candidates
        Of routes: plans to choose from where departures of the plan are in time on too few days.
    days_in_time
        How often everyone is in time, where departures were chosen for that.
    """

    plan: Plan | None
    status: Status
    objective: float | None
    bound: float | None
    rounding_bound: float
    history: tuple[Progress, ...] = ()
    interrupted: bool = False
    message: str = ""
    engines: tuple[EngineRun, ...] = ()
    solver_view: tuple[str, ...] = ()
    nothing_frozen: bool = False
    candidates: tuple[Any, ...] = ()
    days_in_time: DaysInTime | None = None

    def with_message(self, text: str) -> Outcome:
        """Return the same with one thing more to say."""
        return replace(self, message="; ".join(filter(None, (self.message, text))))


class Solver(ABC):
    """What solves a kind of problem: it says what it accepts, searches, and returns a plan in the problem's own terms.

    Notes
    -----
    To add an engine, write a subclass with

    - `name`, with the version of the package behind it;
    - `accepts`, which names everything in a problem that the engine does not model. What it does not name must reach
      the engine: a rule that is dropped in silence is found only by the check afterwards;
    - `solve`, which makes the engine's own model of the problem, rounded on the safe side, and looks for its best
      point. It begins at ``options.initial`` where it can, measures time with ``options.clock``, tells
      ``options.progress`` of every better plan, keeps the best one on Ctrl-C
      (:class:`~kanopt.interrupt.Interrupt`), and returns the plan in the problem's own terms, what the engine says it
      costs, and a proven bound on how far rounding moved that.

    A problem names its usual solver (:attr:`~kanopt.plans.base.Problem.solver`). That one may mend any plan at the end
    (`reserve`, `finish`), and where a plan holds quantities that follow from what is decided as a whole,
    `whole_decisions` and `with_quantities` take the two apart.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name and version, such as ``"OR-Tools routing 9.15"``."""

    @abstractmethod
    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text if the problem fits, else why it does not."""

    @abstractmethod
    def solve(self, problem: Any, options: SolveOptions) -> Outcome:
        """Search until a limit is met or the search ends by itself, and return the best plan."""

    def reserve(self, problem: Any, options: SolveOptions) -> float:
        """Return the share of the time limit that :meth:`finish` takes."""
        return 0.0

    def finish(self, problem: Any, outcome: Outcome, options: SolveOptions) -> Outcome:
        """Return what any solver of the kind found, mended where a plan is to hold on the day."""
        return outcome

    def whole_decisions(self, problem: Any, plan: Plan) -> Hashable | None:
        """Return what a plan decides as a whole, such as open sites; None where no quantities follow from it."""
        return None

    def with_quantities(self, problem: Any, whole: Any, options: SolveOptions) -> Plan | None:
        """Return the best plan that decides as a whole what :meth:`whole_decisions` says; None if there is none."""
        raise NotImplementedError(f"{self.name} knows no quantities that follow from decisions")
