"""Quick feasible schedules, built task by task."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.scheduling.arrays import ShopStructure, ShopTiming, earliest_start

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def earliest_completions(structure: ShopStructure, timing: ShopTiming) -> Floats:
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


def dispatch_greedily(
    structure: ShopStructure, timing: ShopTiming, priority: Floats | None = None
) -> tuple[Ints, Floats] | None:
    """Build a schedule greedily, appending to each machine's sequence.

    Every task whose predecessors are placed has one candidate: the mode that would end it first. Of the candidates that
    compete with the one that ends first of all, on its machine and before that end, the one of the highest priority is
    placed: the rule of Giffler and Thompson (1960), "Algorithms for solving production-scheduling problems",
    Operations Research 8(4), for active schedules.

    Parameters
    ----------
    structure, timing
        The rules to be kept.
    priority
        Shape ``(tasks,)``, smallest first; None for the task that ends first.

    Returns
    -------
    modes, starts
        Shape ``(tasks,)`` each: the mode chosen for every task and its start; None where the horizon is too short
        for this rule (which does not prove that no schedule exists).
    """
    tasks, machines = len(structure.task_job), len(timing.opens)
    rank = np.zeros(tasks) if priority is None else priority
    ready = np.where(structure.previous < 0, timing.release[structure.task_job], np.inf)
    free, family = np.zeros(machines), structure.machine_family.copy()
    chosen, starts = np.full(tasks, -1, dtype=np.int64), np.full(tasks, np.inf)
    mode_task, mode_machine = structure.mode_task, structure.mode_machine
    for _ in range(tasks):
        setup = timing.setup[mode_machine, family[mode_machine], structure.task_family[mode_task]]
        earliest = np.maximum(ready[mode_task], free[mode_machine] + setup)
        begin = earliest_start(timing, mode_machine, earliest, timing.duration)
        ends = np.where(chosen[mode_task] < 0, begin + timing.duration, np.inf)
        soonest = np.full(tasks, np.inf)
        np.minimum.at(soonest, mode_task, ends)
        first = int(np.argmin(ends)) if len(ends) else -1
        if first < 0 or not np.isfinite(ends[first]):
            return None
        conflict_set = (
            (ends == soonest[mode_task]) & (begin < ends[first]) & (mode_machine == mode_machine[first])
        )
        conflict_set &= np.isfinite(ends)
        conflict_set[first] = True
        best = int(np.lexsort((ends, np.where(conflict_set, rank[mode_task], np.inf)))[0])
        task, machine = mode_task[best], mode_machine[best]
        chosen[task], starts[task] = best, begin[best]
        free[machine] = ends[best]
        # a task without a family leaves the machine as it was set up
        family[machine] = structure.task_family[task] or family[machine]
        ready[structure.previous == task] = ends[best]
    return chosen, starts


def remaining_work(structure: ShopStructure, timing: ShopTiming) -> Floats:
    """Return, for every task, the shortest time that it and the tasks after it in its job take."""
    shortest = np.full(len(structure.task_job), np.inf)
    np.minimum.at(shortest, structure.mode_task, timing.duration)
    remaining = np.empty(len(shortest))
    for job in range(len(structure.last)):
        chain = structure.chain(job)
        remaining[chain] = np.cumsum(shortest[chain][::-1])[::-1]
    return remaining


def repair_starts(structure: ShopStructure, timing: ShopTiming, modes: Ints, starts: Floats) -> Floats | None:
    """Move starts later until every rule holds, keeping modes and the order of starts.

    Parameters
    ----------
    structure, timing
        The rules to be kept.
    modes, starts
        Shape ``(tasks,)``: the mode and the wanted start of every task, in an order in which no task of a job comes
        before the one it follows.

    Returns
    -------
    ndarray of shape ``(tasks,)``
        The starts, none earlier than wanted; None where a task no longer fits.
    """
    ends, free = np.full(len(starts), np.inf), np.zeros(len(timing.opens))
    placed, family = np.zeros(len(starts)), structure.machine_family.copy()
    depth = np.zeros(len(starts), dtype=np.int64)
    for job in range(len(structure.last)):
        chain = structure.chain(job)
        depth[chain] = np.arange(len(chain))
    for task in np.lexsort((depth, starts)):
        mode, before = modes[task], structure.previous[task]
        machine, after = structure.mode_machine[mode], structure.task_family[task]
        ready = max(
            float(starts[task]),
            float(timing.release[structure.task_job[task]]),
            float(ends[before]) if before >= 0 else 0.0,
            float(free[machine] + timing.setup[machine, family[machine], after]),
        )
        long = timing.duration[mode]
        begin = earliest_start(timing, np.array([machine]), np.array([ready]), np.array([long]))[0]
        if not np.isfinite(begin):
            return None
        placed[task], ends[task] = begin, begin + long
        free[machine], family[machine] = begin + long, after or family[machine]
    return placed
