"""The one protocol every solver meets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from kanopt.errors import SolverError
from kanopt.problems.base import Plan, Problem
from kanopt.problems.result import EngineRun, Progress, Status
from kanopt.solvers.clock import SearchClock, WorkClock

__all__ = ["Outcome", "SolveOptions", "Solver"]


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
    clock: SearchClock = field(default_factory=SearchClock, repr=False, compare=False)

    def __post_init__(self) -> None:
        limit: object = self.time_limit
        if not (isinstance(limit, int | float | np.integer) and 0 <= limit < math.inf):
            raise SolverError(f"time_limit must be a number of seconds of at least 0, not {limit!r}")
        for name, least in (("seed", 0), ("workers", 1)):
            value: object = getattr(self, name)
            if not (isinstance(value, int | np.integer) and value >= least):
                raise SolverError(f"{name} must be a whole number of at least {least}, not {value!r}")
        if not isinstance(self.deterministic, bool):
            raise SolverError(f"deterministic must be True or False, not {self.deterministic!r}")
        if not isinstance(self.clock, SearchClock):
            raise SolverError(f"clock must be a Clock or a WorkClock, not {self.clock!r}")
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


class Solver(Protocol):
    """A solver: says what it accepts, lowers a problem to its own model, and solves it."""

    @property
    def name(self) -> str:
        """Name and version, such as ``"OR-Tools routing 9.15"``."""
        ...

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text if the problem fits, else why it does not."""
        ...

    def solve(self, problem: Any, options: SolveOptions) -> Outcome:
        """Lower the problem, search, and return the best plan in the problem's own terms."""
        ...
