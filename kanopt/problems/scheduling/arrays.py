"""A scheduling problem as arrays: its structure and its times.

Times on the law and a solver's whole numbers of time steps have the same form, so that the same functions serve both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShopStructure:
    """Jobs, tasks, families and machines that belong together, as positions.

    Parameters
    ----------
    task_job
        Shape ``(tasks,)``: the job of each task.
    previous
        Shape ``(tasks,)``: the task before it in its job, -1 for the first.
    last
        Shape ``(jobs,)``: the last task of each job.
    task_family, machine_family
        Families as positions in the setup times; 0 is "none", which leaves a machine as it was set up.
    mode_task, mode_machine
        Shape ``(modes,)``.
    """

    task_job: Ints
    previous: Ints
    last: Ints
    task_family: Ints
    machine_family: Ints
    mode_task: Ints
    mode_machine: Ints

    def chain(self, job: int) -> list[int]:
        """Return the tasks of a job in the order in which they run."""
        tasks = [int(self.last[job])]
        while self.previous[tasks[-1]] >= 0:
            tasks.append(int(self.previous[tasks[-1]]))
        return tasks[::-1]


@dataclass(frozen=True, eq=False)
class ShopTiming:
    """Durations, dates, setups and opening windows of a schedule.

    Parameters
    ----------
    duration
        Shape ``(modes,)``, positive.
    release
        Shape ``(jobs,)``.
    due
        Shape ``(jobs,)``; infinite where nothing is promised.
    setup
        Shape ``(machines, families, families)``: from the family that the machine is set up for to that of the task.
        Nothing is needed for a task without a family.
    opens, closes
        Shape ``(machines, windows)``: when a machine may run tasks; rows are filled up with windows that close
        before they open.
    """

    duration: Floats
    release: Floats
    due: Floats
    setup: Floats
    opens: Floats
    closes: Floats


def families_found(first: int, families: Ints) -> Ints:
    """Return the family that a machine is set up for when each of its tasks begins to be prepared.

    A task without a family leaves the machine as it was set up.

    Parameters
    ----------
    first
        The family at time zero, 0 for none.
    families
        Shape ``(n,)``: families of the machine's tasks in the order in which they run, 0 for none.

    Examples
    --------
    >>> families_found(0, np.array([1, 0, 2, 0, 0, 1])).tolist()
    [0, 1, 1, 2, 2, 2]
    """
    known = np.append(first, families)
    place = np.where(known > 0, np.arange(len(known)), 0)
    found: Ints = known[np.maximum.accumulate(place)][:-1]
    return found


def windows_between(
    breaks: list[list[tuple[float, float]]], horizon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when each machine may run, given the breaks of each machine.

    Parameters
    ----------
    breaks
        Per machine, ``(start, end)`` in any order; they may overlap.
    horizon
        End of the last window; may be infinite.

    Returns
    -------
    opens, closes
        Shape ``(machines, windows)``, as in :class:`ShopTiming`.

    Examples
    --------
    >>> opens, closes = windows_between([[(30.0, 40.0), (35.0, 50.0)], []], 100.0)
    >>> opens.tolist(), closes.tolist()
    ([[0.0, 50.0], [0.0, 0.0]], [[30.0, 100.0], [100.0, -1.0]])
    """
    found: list[list[tuple[float, float]]] = []
    for own in breaks:
        windows, now = [], 0.0
        for start, end in sorted(own):
            if start > now:
                windows.append((now, min(start, horizon)))
            now = max(now, end)
        windows.append((now, horizon))
        found.append([(a, b) for a, b in windows if a < b])
    width = max(1, *(len(windows) for windows in found))
    opens, closes = np.zeros((len(found), width)), np.full((len(found), width), -1.0)
    for machine, windows in enumerate(found):
        for place, (start, end) in enumerate(windows):
            opens[machine, place], closes[machine, place] = start, end
    return opens, closes


def earliest_start(timing: ShopTiming, machine: Ints, ready: Floats, duration: Floats) -> Floats:
    """Return the earliest start at or after `ready` of a task that may not run through a break.

    Parameters
    ----------
    timing
        Holds the windows of the machines.
    machine, ready, duration
        Shape ``(n,)``: on which machine, from when, and for how long.

    Returns
    -------
    ndarray of shape ``(n,)``
        Infinite where no window is long enough.
    """
    start = np.maximum(ready[:, None], timing.opens[machine])
    fits = start + duration[:, None] <= timing.closes[machine]
    first = fits.argmax(axis=1)
    rows = np.arange(len(ready))
    found: Floats = np.where(fits[rows, first], start[rows, first], np.inf)
    return found
