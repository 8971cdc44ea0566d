"""Quick feasible schedules, built task by task."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.scheduling.arrays import SchedulingData, ShopStructure, ShopTiming, earliest_start
from kanopt.scheduling.plan import Schedule, assignment_positions, schedule_of


def earliest_completions(
    structure: ShopStructure,
    timing: ShopTiming,
    days: int = 1,
    took: Callable[[int, Floats], Floats] | None = None,
) -> Floats:
    """Return when each task ends if it has every machine and resource to itself.

    No schedule ends a task earlier: each starts as soon as those before it allow and takes the mode that ends first,
    and ending one task earlier never delays another. Setups are left out.

    Parameters
    ----------
    structure, timing
        The shop.
    days, took
        On how many days, and how long a task takes on each that is planned so long; as planned where not given.

    Returns
    -------
    ndarray of shape ``(tasks, days)``
        The earliest end of each task; infinite where no mode of it, or of a task before it, fits.
    """
    ends = np.full((len(structure.task_job), days), np.inf)
    for task in structure.order.tolist():
        released = timing.release[structure.task_job[task]]
        ready = np.max(ends[structure.before[task]], axis=0, initial=released)
        for mode in np.flatnonzero(structure.mode_task == task).tolist():
            planned = np.full(days, timing.duration[mode])
            begin = earliest_start(timing, np.full(days, structure.mode_machine[mode]), ready, planned)
            ends[task] = np.minimum(ends[task], begin + (planned if took is None else took(task, planned)))
    return ends


class _Room:
    """What machines and resources have left while a schedule is built, each machine from its last task on."""

    def __init__(self, structure: ShopStructure, timing: ShopTiming) -> None:
        self.structure, self.timing = structure, timing
        self.free = np.zeros(len(timing.opens))
        self.family = structure.machine_family.copy()
        # what uses resources: from when, until when, how much of each
        self.starts, self.ends = np.zeros(0), np.zeros(0)
        self.used = np.zeros((0, len(timing.capacity)))

    def begins(self, modes: Integers, ready: Floats) -> Floats:
        """Return the earliest starts of modes at or after given times; infinite where one does not fit."""
        at, timing = self.structure, self.timing
        machine, long = at.mode_machine[modes], timing.duration[modes]
        setup = timing.setup[machine, self.family[machine], at.task_family[at.mode_task[modes]]]
        begin = earliest_start(timing, machine, np.maximum(ready, self.free[machine] + setup), long)
        while True:
            later = begin.copy()
            for row in np.flatnonzero(timing.need[modes].any(axis=1) & np.isfinite(begin)).tolist():
                later[row] = self._with_resources(
                    timing.need[modes[row]], float(begin[row]), float(long[row])
                )
            if (later == begin).all():
                return begin
            begin = earliest_start(timing, machine, later, long)

    def _with_resources(self, need: Floats, ready: float, long: float) -> float:
        """Return the earliest time from which there is enough of every resource: some end of what uses them."""
        spare = self.timing.capacity - need
        if (spare < 0).any():
            return np.inf
        for begin in (ready, *np.unique(self.ends[self.ends > ready]).tolist()):
            along = (self.starts < begin + long) & (self.ends > begin)
            starts, used = self.starts[along], self.used[along]
            moments = np.maximum(starts, begin)
            running = (starts <= moments[:, None]) & (self.ends[along] > moments[:, None])
            if (running @ used <= spare * (1 + _ROUNDING)).all():
                break
        return float(begin)

    def put(self, mode: int, begin: float) -> float:
        """Place a mode, and return when it ends."""
        at, machine = self.structure, self.structure.mode_machine[mode]
        end = begin + float(self.timing.duration[mode])
        if at.one_at_a_time[machine]:
            self.free[machine] = end
            # a task without a family leaves the machine as it was set up
            self.family[machine] = at.task_family[at.mode_task[mode]] or self.family[machine]
        if self.timing.need[mode].any():
            self.starts, self.ends = np.append(self.starts, begin), np.append(self.ends, end)
            self.used = np.vstack([self.used, self.timing.need[mode]])
        return end


_ROUNDING = 1e-12
"""Share of a capacity by which a sum of amounts may be off."""


def dispatch_greedily(
    structure: ShopStructure, timing: ShopTiming, priority: Floats | None = None
) -> tuple[Integers, Floats] | None:
    """Build a schedule greedily, appending to each machine's sequence.

    Every task whose predecessors are placed has one candidate: the mode that would end it first. Of the candidates that
    compete with the one that ends first of all, on its machine or for its resources and before that end, the one of the
    highest priority is placed: the rule of Giffler and Thompson (1960), "Algorithms for solving production-scheduling
    problems", Operations Research 8(4), for active schedules.

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
    tasks, room = len(structure.task_job), _Room(structure, timing)
    rank = np.zeros(tasks) if priority is None else priority
    waits = np.array([len(before) for before in structure.before])
    ready = timing.release[structure.task_job].astype(float)
    chosen, starts = np.full(tasks, -1, dtype=np.int64), np.full(tasks, np.inf)
    mode_task, mode_machine = structure.mode_task, structure.mode_machine
    for _ in range(tasks):
        open_modes = np.flatnonzero((waits == 0)[mode_task] & (chosen < 0)[mode_task])
        task, machine = mode_task[open_modes], mode_machine[open_modes]
        begin = room.begins(open_modes, ready[task])
        ends = begin + timing.duration[open_modes]
        soonest = np.full(tasks, np.inf)
        np.minimum.at(soonest, task, ends)
        first = int(np.argmin(ends)) if len(ends) else -1
        if first < 0 or not np.isfinite(ends[first]):
            return None
        need = timing.need[open_modes]
        rivals = ((machine == machine[first]) & structure.one_at_a_time[machine]) | (need @ need[first] > 0)
        rivals &= np.isfinite(ends) & (ends == soonest[task]) & (begin < ends[first])
        rivals[first] = True
        best = int(np.lexsort((ends, np.where(rivals, rank[task], np.inf)))[0])
        done = int(task[best])
        chosen[done], starts[done] = open_modes[best], begin[best]
        end = room.put(int(open_modes[best]), float(begin[best]))
        after = structure.behind[done]
        waits[after] -= 1
        ready[after] = np.maximum(ready[after], end)
    return chosen, starts


def remaining_work(structure: ShopStructure, timing: ShopTiming) -> Floats:
    """Return, for every task, the shortest time that it and what follows it takes, the longest way to a last task."""
    shortest = structure.of_tasks(timing.duration, np.minimum, np.inf)
    remaining = np.zeros(len(shortest))
    for task in structure.order[::-1].tolist():
        remaining[task] = shortest[task] + np.max(remaining[structure.behind[task]], initial=0.0)
    return remaining


def repair_starts(
    structure: ShopStructure, timing: ShopTiming, modes: Integers, starts: Floats
) -> Floats | None:
    """Move starts later until every rule holds, keeping modes and the order of starts.

    Parameters
    ----------
    structure, timing
        The rules to be kept.
    modes, starts
        Shape ``(tasks,)``: the mode and the wanted start of every task, in an order in which no task comes before one
        that it follows.

    Returns
    -------
    ndarray of shape ``(tasks,)``
        The starts, none earlier than wanted; None where a task no longer fits.
    """
    room, ends, placed = _Room(structure, timing), np.full(len(starts), np.inf), np.zeros(len(starts))
    place = np.empty(len(starts), dtype=np.int64)
    place[structure.order] = np.arange(len(starts))
    for task in np.lexsort((place, starts)).tolist():
        ready = max(float(starts[task]), float(timing.release[structure.task_job[task]]))
        ready = np.max(ends[structure.before[task]], initial=ready)
        placed[task] = room.begins(modes[task : task + 1], np.array([ready]))[0]
        if not np.isfinite(placed[task]):
            return None
        ends[task] = room.put(int(modes[task]), float(placed[task]))
    return placed


_EARLY = 1e-9
"""Factor of starts by which they keep their order and ask for nothing later than their order does."""


def moved_starts(data: SchedulingData, schedule: Schedule) -> list[Schedule]:
    """Return a schedule with starts at which it can be run, in its order: those it has, or later; and the earliest."""
    tasks, _, modes = assignment_positions(data, schedule.assignments)
    if sorted(tasks) != list(range(len(data.tasks))) or (modes < 0).any():
        return []
    place = np.argsort(tasks)
    wanted = np.array([row.start for row in schedule.assignments], dtype=np.float64)[place]
    moved = (
        repair_starts(data.structure, data.timing, modes[place], each * wanted) for each in (1.0, _EARLY)
    )
    return [schedule_of(data, modes[place], starts) for starts in moved if starts is not None]
