"""A quick feasible schedule: the task that can start first goes next, on the machine that ends it first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.scheduling.timing import Structure, Timing, earliest_start

__all__ = ["alone", "dispatch"]


def alone(structure: Structure, timing: Timing) -> NDArray[np.float64]:
    """Return when each job ends if it has every machine to itself.

    No schedule ends a job earlier: each task starts as soon as the one before it allows and takes the mode that ends
    first, and ending one task earlier never delays the next. Setups are left out.

    Returns
    -------
    ndarray of shape ``(tasks,)``
        The earliest end of each task; infinite where no mode of it, or of a task before it, fits.
    """
    ends = np.full(len(structure.task_job), np.inf)
    for job in range(len(structure.last)):
        now = timing.release[job]
        for task in structure.chain(job):
            modes = np.flatnonzero(structure.mode_task == task)
            starts = earliest_start(
                timing, structure.mode_machine[modes], np.full(len(modes), now), timing.duration[modes]
            )
            now = float(np.min(starts + timing.duration[modes], initial=np.inf))
            ends[task] = now
    return ends


def dispatch(structure: Structure, timing: Timing) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Build a schedule greedily, appending to each machine's sequence.

    Of the tasks whose predecessors are placed, the one that can end first is placed next (ties: the job due first).

    Returns
    -------
    modes, starts
        Shape ``(tasks,)`` each: the mode chosen for every task and its start; None where the horizon is too short
        for this rule (which does not prove that no schedule exists).
    """
    tasks, machines = len(structure.task_job), len(timing.opens)
    ready = np.where(structure.previous < 0, timing.release[structure.task_job], np.inf)
    free, family = np.zeros(machines), structure.machine_family.copy()
    chosen, starts = np.full(tasks, -1, dtype=np.int64), np.full(tasks, np.inf)
    mode_task, mode_machine = structure.mode_task, structure.mode_machine
    due = timing.due[structure.task_job[mode_task]]
    for _ in range(tasks):
        setup = timing.setup[mode_machine, family[mode_machine], structure.task_family[mode_task]]
        earliest = np.maximum(ready[mode_task], free[mode_machine] + setup)
        begin = earliest_start(timing, mode_machine, earliest, timing.duration)
        ends = np.where(chosen[mode_task] < 0, begin + timing.duration, np.inf)
        best = int(np.lexsort((due, ends))[0]) if len(ends) else -1
        if best < 0 or not np.isfinite(ends[best]):
            return None
        task, machine = mode_task[best], mode_machine[best]
        chosen[task], starts[task] = best, begin[best]
        free[machine], family[machine] = ends[best], structure.task_family[task]
        ready[structure.previous == task] = ends[best]
    return chosen, starts
