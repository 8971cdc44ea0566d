"""A grid as the kernel reads it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.scheduling.arrays import ShopStructure
from kanopt.solvers.scheduling.grid import TimeGrid, task_windows
from kanopt.solvers.scheduling.local_search.structures import ShopStruct

Ints = NDArray[np.int64]

_NEVER = 2**60


class ShopData:
    """The arrays of a grid, and the structure that points to them.

    Parameters
    ----------
    grid
        What is to be scheduled; every task has a mode.

    Attributes
    ----------
    struct
        What the kernel reads; valid as long as this object lives.
    modes
        Shape ``(modes,)``: the grid's mode at each place of the kernel's, where those of one task stand together.
    place_of
        The other way round.
    """

    def __init__(self, grid: TimeGrid) -> None:
        self.grid = grid
        at, timing, costs = grid.structure, grid.timing, grid.costs
        self.modes = np.argsort(at.mode_task, kind="stable")
        self.place_of = np.empty_like(self.modes)
        self.place_of[self.modes] = np.arange(len(self.modes))
        duration = timing.duration[self.modes].astype(np.int64)
        energy = costs.energy[self.modes]
        tasks, jobs = len(at.task_job), len(at.last)
        due = np.full(jobs, _NEVER)
        promised = np.isfinite(timing.due)
        due[promised] = timing.due[promised].astype(np.int64)
        tardiness = np.where(promised, costs.tardiness, 0)
        opens, closes, counts = _windows(timing.opens, timing.closes)
        latest = task_windows(grid)[1]
        mode_start = np.searchsorted(at.mode_task[self.modes], np.arange(tasks + 1))
        self._kept: list[NDArray[Any]] = []
        self.struct = ShopStruct(
            tasks=tasks,
            jobs=jobs,
            machines=len(timing.opens),
            modes=len(self.modes),
            families=timing.setup.shape[1],
            windows=opens.shape[1],
            pieces=energy.shape[1],
            task_job=self._short(at.task_job),
            previous=self._short(at.previous),
            next=self._short(_next(at)),
            last=self._short(at.last),
            task_family=self._short(at.task_family),
            machine_family=self._short(at.machine_family),
            mode_start=self._short(mode_start),
            mode_task=self._short(at.mode_task[self.modes]),
            mode_machine=self._short(at.mode_machine[self.modes]),
            duration=self._long(duration),
            release=self._long(timing.release),
            due=self._long(due),
            tardiness=self._long(tardiness),
            setup=self._long(timing.setup),
            opens=self._long(opens),
            closes=self._long(closes),
            windows_of=self._long(counts),
            edges=self._long(costs.edges),
            energy=self._long(energy),
            until=self._long(grid.paid_at_edges[self.modes, :-1]),
            running=self._long(costs.running[self.modes]),
            tail=self._long(grid.horizon - latest - grid.shortest),
            makespan=costs.makespan,
            over=_price_of_excess(grid),
            least=grid.least_energy(),
        )

    def _short(self, values: NDArray[Any]) -> Any:
        return self._pointer(np.ascontiguousarray(values, dtype=np.int32), ctypes.c_int32)

    def _long(self, values: NDArray[Any]) -> Any:
        return self._pointer(np.ascontiguousarray(values, dtype=np.int64), ctypes.c_int64)

    def _pointer(self, array: NDArray[Any], kind: Any) -> Any:
        self._kept.append(array)
        return array.ctypes.data_as(ctypes.POINTER(kind))


def _next(at: ShopStructure) -> Ints:
    after = np.full(len(at.previous), -1, dtype=np.int64)
    follows = np.flatnonzero(at.previous >= 0)
    after[at.previous[follows]] = follows
    return after


def _windows(opens: NDArray[np.float64], closes: NDArray[np.float64]) -> tuple[Ints, Ints, Ints]:
    """Return the windows of every machine; one that is never open closes before it opens."""
    counts = np.maximum(1, (closes > opens).sum(axis=1))
    return opens.astype(np.int64), closes.astype(np.int64), counts


def _price_of_excess(grid: TimeGrid) -> int:
    """Return what a step past the last window costs in the search: more than anything that it may save."""
    costs = grid.costs
    dearest = np.abs(costs.energy).max(initial=0)
    return int(10 * (costs.makespan + costs.tardiness.sum() + dearest) + 1)
