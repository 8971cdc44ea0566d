"""A scheduling problem as arrays: its structure and its times.

Times on the law and a solver's whole numbers of time steps have the same form, so that the same functions serve both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShopStructure:
    """Jobs, tasks, families and machines that belong together, as positions.

    Parameters
    ----------
    task_job
        Shape ``(tasks,)``: the job of each task.
    pairs
        Shape ``(n, 2)``: tasks of which the first must have ended before the second starts.
    order
        Shape ``(tasks,)``: all tasks, each after those that must have ended before it.
    task_family, machine_family
        Families as positions in the setup times; 0 is "none", which leaves a machine as it was set up.
    one_at_a_time
        Shape ``(machines,)``: whether it is a machine. What stands for tasks that run on none takes any number of them.
    mode_task, mode_machine
        Shape ``(modes,)``.
    """

    task_job: Ints
    pairs: Ints
    order: Ints
    task_family: Ints
    machine_family: Ints
    one_at_a_time: NDArray[np.bool_]
    mode_task: Ints
    mode_machine: Ints

    @cached_property
    def before(self) -> list[Ints]:
        """For each task those that must have ended before it starts."""
        return self._around(1)

    @cached_property
    def behind(self) -> list[Ints]:
        """For each task those that start when it has ended."""
        return self._around(0)

    def _around(self, end: int) -> list[Ints]:
        ranked = self.pairs[np.argsort(self.pairs[:, end], kind="stable")]
        starts = np.searchsorted(ranked[:, end], np.arange(len(self.task_job) + 1))
        return [ranked[low:high, 1 - end] for low, high in pairwise(starts.tolist())]

    @cached_property
    def ends_job(self) -> NDArray[np.bool_]:
        """Whether a task may be the last of its job: none of the same job comes after it; (tasks,)."""
        inside = self.task_job[self.pairs[:, 0]] == self.task_job[self.pairs[:, 1]]
        found = np.ones(len(self.task_job), dtype=bool)
        found[self.pairs[inside, 0]] = False
        return found

    @cached_property
    def has_chains(self) -> bool:
        """Whether the tasks of every job run one after the other and wait for no other job."""
        first, second = self.pairs.T
        alone = len({*first.tolist()}) == len({*second.tolist()}) == len(self.pairs)
        inside = bool((self.task_job[first] == self.task_job[second]).all())
        return alone and inside and int(self.ends_job.sum()) == len({*self.task_job.tolist()})

    def latest_of_jobs(self, times: NDArray[Any]) -> NDArray[Any]:
        """Return the latest of a time of each task for every job, which all have tasks."""
        found = np.full(int(self.task_job.max(initial=-1)) + 1, times.min(initial=0))
        np.maximum.at(found, self.task_job, times)
        return found


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
    need, capacity
        How much of each resource a mode needs, shape ``(modes, resources)``, and how much there is.
    """

    duration: Floats
    release: Floats
    due: Floats
    setup: Floats
    opens: Floats
    closes: Floats
    need: Floats
    capacity: Floats


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


@dataclass(frozen=True, eq=False)
class PowerTariff:
    """A step function of time.

    Parameters
    ----------
    starts
        Shape ``(k,)``, increasing; price ``i`` holds from ``starts[i]`` to ``starts[i + 1]``, the last for ever,
        and the first also before its start.
    prices
        Shape ``(k,)``, money per unit of energy.

    Examples
    --------
    >>> tariff = PowerTariff(np.array([0.0, 60.0]), np.array([0.2, 0.4]))
    >>> float(tariff.cost(start=45.0, duration=30.0, energy=10.0))
    3.0
    """

    starts: NDArray[np.float64]
    prices: NDArray[np.float64]

    def integral(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return the integral of the price from the first start to `time` (any shape)."""
        at = np.asarray(time, dtype=float)
        place = np.clip(np.searchsorted(self.starts, at, side="right") - 1, 0, None)
        full = np.concatenate([[0.0], np.cumsum(self.prices[:-1] * np.diff(self.starts))])
        value: NDArray[np.float64] = full[place] + self.prices[place] * (at - self.starts[place])
        return value

    def cost(self, start: ArrayLike, duration: ArrayLike, energy: ArrayLike) -> NDArray[np.float64]:
        """Return the money for `energy` drawn at constant power over ``[start, start + duration]``.

        The three broadcast against each other; `duration` is positive.
        """
        begin, long = np.asarray(start, dtype=float), np.asarray(duration, dtype=float)
        paid: NDArray[np.float64] = (
            np.asarray(energy, dtype=float) * (self.integral(begin + long) - self.integral(begin)) / long
        )
        return paid
