"""A problem on grids of time, and schedules on them: dispatched ones, the user's, and the best one found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.plans.base import Plan
from kanopt.plans.result import Progress
from kanopt.scheduling import Schedule
from kanopt.scheduling.dispatch import dispatch_greedily, remaining_work
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.search.grid import TimeGrid
from kanopt.scheduling.search.local_search import ShopSearch, knows_rules
from kanopt.text import amount_text

_NOISE = 0.2
_WORK = 200
"""Tasks timed for each task, and each of its modes, by each rule."""


_OPTIMAL_GAP = 1e-4


def is_optimal(objective: float, bound: float) -> bool:
    """Return whether a bound is so near that nothing better is looked for."""
    return objective - bound <= _OPTIMAL_GAP * max(abs(objective), 1e-9)


@dataclass(frozen=True, eq=False)
class ScheduleGrids:
    """A problem on grids of time.

    Parameters
    ----------
    problem
        The problem.
    safe
        A schedule on it is one on the law.
    relaxed
        A bound on it is one on the law; the same grid where times are multiples of the step.
    began
        When lowering began: the time limit counts from then.
    """

    problem: SchedulingProblem
    safe: TimeGrid
    relaxed: TimeGrid
    began: float

    @property
    def exact(self) -> bool:
        """Whether all times are multiples of the step."""
        return self.relaxed is self.safe

    @property
    def head_start(self) -> float:
        """What the makespan on the grid, which counts from step 0, costs more than that of the problem."""
        return self.problem.makespan_cost * self.problem.begins

    def schedule(self, modes: Integers, starts: Integers) -> Schedule:
        """Return a schedule in clock times."""
        return self.problem.schedule(modes, starts.astype(np.float64) * self.safe.step)

    def step_message(self) -> str:
        """Say how times are rounded."""
        step = amount_text(self.safe.step, self.problem.units.time, 6)
        how = ", of which every time is a multiple" if self.exact else "; times rounded to the safe side"
        without = (
            "" if knows_rules(self.safe) else "; without local search, which knows no networks or resources"
        )
        return f"planned in steps of {step}{how}{without}"


@dataclass(frozen=True, eq=False)
class ScheduleCandidate:
    """A schedule on the safe grid and its cost there."""

    modes: Integers
    starts: Integers
    cost: int


@dataclass(frozen=True, eq=False)
class FoundSchedule:
    """What the searches found.

    Parameters
    ----------
    best
        The best schedule, or None.
    bound
        A lower bound on the law, or None.
    proved_infeasible
        Whether the last search proved that there is no schedule, or none better.
    history, interrupted
        As in :class:`~kanopt.solvers.Outcome`.
    """

    best: ScheduleCandidate | None
    bound: float | None
    proved_infeasible: bool
    history: tuple[Progress, ...] = ()
    interrupted: bool = False


def _priorities(grid: TimeGrid) -> list[Floats | None]:
    """Return priorities of the tasks, smallest first: the soonest end, the most work left, the least slack."""
    left = remaining_work(grid.structure, grid.timing)
    due = grid.timing.due[grid.structure.task_job]
    return [None, -left, *([due - left] if np.isfinite(due).any() else [])]


def dispatched(grid: TimeGrid) -> Iterator[tuple[Integers, Integers]]:
    """Yield the schedule of each rule that finds one."""
    for priority in _priorities(grid):
        greedy = dispatch_greedily(grid.structure, grid.timing, priority)
        if greedy is not None:
            yield greedy[0], greedy[1].astype(np.int64)


def dispatch(search: ShopSearch) -> None:
    """Dispatch by every rule, and many times with priorities moved at random."""
    grid = search.shop.grid
    work = _WORK * len(grid.structure.mode_task)
    for priority in _priorities(grid):
        keys = np.zeros(len(grid.structure.task_job)) if priority is None else priority
        keys = np.where(np.isfinite(keys), keys, np.max(keys[np.isfinite(keys)], initial=0.0) + 1.0)
        search.dispatch(keys, _NOISE * max(1.0, float(np.ptp(keys))), work)


def given_schedule(
    problem: SchedulingProblem, given: Plan | None, step: float
) -> tuple[Integers, Integers] | None:
    """Return a schedule of the user's on a grid of steps; None where it names what is no more, or breaks a rule."""
    place = {mode: at for at, mode in enumerate((m.task, m.machine, m.name) for m in problem.data.modes)}
    # a schedule made for other data may name modes that are no more
    if not isinstance(given, Schedule) or any(
        (row.task, row.machine, row.mode) not in place for row in given.assignments
    ):
        return None
    if not problem.check(given).ok:
        return None
    by_task = {row.task: row for row in given.assignments}
    rows = [by_task[task.name] for task in problem.data.tasks]
    modes = np.array([place[row.task, row.machine, row.mode] for row in rows], dtype=np.int64)
    return modes, np.rint(np.array([row.start for row in rows]) / step).astype(np.int64)
