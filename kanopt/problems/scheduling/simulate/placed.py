"""A schedule as arrays, with ends as the law gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.scheduling.plan import Schedule

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

__all__ = ["TOLERANCE", "PlacedTasks"]

TOLERANCE = 1e-6
"""Times closer than this, in time units, count as equal."""


@dataclass(frozen=True, eq=False)
class PlacedTasks:
    """The rows of a schedule, shape ``(n,)`` each, ordered by machine and start.

    Parameters
    ----------
    task, machine, job
        Positions in the problem's records.
    mode
        Position of the mode; -1 where the task cannot run on that machine.
    start, end
        In time units; the end is start plus the law's duration (the stated end where there is no mode).
    """

    task: NDArray[np.int64]
    machine: NDArray[np.int64]
    job: NDArray[np.int64]
    mode: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @classmethod
    def of(cls, problem: SchedulingProblem, plan: Schedule) -> PlacedTasks:
        """Look the names of a schedule up and compute its ends on the law.

        Raises
        ------
        ProblemError
            If it names a task, machine or mode the problem does not know.
        """
        from kanopt.problems.scheduling.reading import assignment_positions

        data = problem.data
        task, machine, mode = assignment_positions(data, plan.assignments)
        start = np.array([item.start for item in plan.assignments], dtype=float)
        stated = np.array([item.end for item in plan.assignments], dtype=float)
        end = stated
        if len(data.modes):
            end = np.where(mode >= 0, start + data.timing.duration[mode], stated)
        order = np.lexsort((start, machine))
        return cls(
            task=task[order],
            machine=machine[order],
            job=data.structure.task_job[task[order]],
            mode=mode[order],
            start=start[order],
            end=end[order],
        )

    def completion(self, jobs: int) -> NDArray[np.float64]:
        """Return when the last placed task of each job ends; minus infinity where none is placed."""
        ends = np.full(jobs, -np.inf)
        np.maximum.at(ends, self.job, self.end)
        return ends
