"""Simulated annealing of schedules by the kernel, on a grid of whole steps."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.scheduling.arrays import ShopStructure
from kanopt.solvers.compiled.library import kernel
from kanopt.solvers.scheduling.grid import TimeGrid
from kanopt.solvers.scheduling.local_search.shop_data import ShopData
from kanopt.solvers.scheduling.local_search.structures import ReportStruct

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class ShopSearch:
    """A schedule that is searched: modes, the order on every machine, and until when each task is held back.

    A step moves a task within a block of a critical path, to another machine or mode, or holds it back until the price
    of power changes; what follows is timed again. A schedule that costs more than the current one is accepted if it
    does so by no more than the heat times the logarithm of chance (simulated annealing). Tasks that end after the last
    window of their machine cost more than anything that this may save.

    Parameters
    ----------
    grid
        What is to be scheduled; every task has a mode.
    seed
        Of all random choices; the same seed gives the same steps.
    """

    def __init__(self, grid: TimeGrid, seed: int = 0) -> None:
        self.shop = ShopData(grid)
        self._tasks = len(grid.structure.task_job)
        library = kernel()
        library.shop_new.restype = ctypes.c_void_p
        library.shop_scale.restype = ctypes.c_double
        pointer = library.shop_new(ctypes.byref(self.shop.struct), ctypes.c_uint64(seed))
        if not pointer:
            raise MemoryError("the schedules of the search do not fit in memory")
        self._library, self._search = library, ctypes.c_void_p(pointer)
        # the kernel reads the shop while it frees its schedules: the finalizer keeps that alive until then
        weakref.finalize(self, _free, self._search, self.shop)

    def dispatch(self, priority: Floats, noise: float, work: int) -> None:
        """Build schedules task by task, and keep the best one.

        Parameters
        ----------
        priority
            Shape ``(tasks,)``: of the tasks that compete for a machine the one of the smallest is taken.
        noise
            By how much priorities are changed at random in every schedule but the first.
        work
            How many tasks are timed, at least those of one schedule.
        """
        keys = np.ascontiguousarray(priority, dtype=np.float64)
        numbers = ctypes.c_double(noise), ctypes.c_int64(work)
        self._library.shop_dispatch(self._search, ctypes.c_void_p(keys.ctypes.data), *numbers)

    def begin(self, modes: Ints, starts: Ints) -> None:
        """Start from a schedule: the modes of all tasks and their starts, before which each is held back."""
        mode = self.shop.place_of[modes].astype(np.int32)
        order = in_order(self.shop.grid.structure, starts).astype(np.int32)
        hold = np.ascontiguousarray(starts, dtype=np.int64)
        self._library.shop_begin(self._search, *_addresses(mode, order, hold))

    def anneal(self, work: int, hot: float, cold: float) -> None:
        """Take steps until so many tasks were timed, while the heat falls from hot to cold, in units of cost."""
        self._library.shop_anneal(
            self._search, ctypes.c_int64(work), ctypes.c_double(hot), ctypes.c_double(cold)
        )

    def scale(self) -> float:
        """Return the median of what a step costs that makes the schedule dearer, 0 where none does."""
        return float(self._library.shop_scale(self._search))

    @property
    def report(self) -> ReportStruct:
        """How far the search is."""
        report = ReportStruct()
        self._library.shop_report(self._search, ctypes.byref(report))
        return report

    def best(self) -> tuple[Ints, Ints]:
        """Return the modes and starts of the best schedule."""
        return self._schedule(best=True)

    def current(self) -> tuple[Ints, Ints]:
        """Return the modes and starts of the schedule that the search stands at."""
        return self._schedule(best=False)

    def _schedule(self, *, best: bool) -> tuple[Ints, Ints]:
        mode = np.zeros(self._tasks, dtype=np.int32)
        start = np.zeros(self._tasks, dtype=np.int64)
        self._library.shop_schedule(self._search, ctypes.c_int(best), *_addresses(mode, start))
        return self.shop.modes[mode], start


def in_order(structure: ShopStructure, starts: Ints) -> Ints:
    """Return all tasks by their starts, but none before the one that it follows in its job."""
    depth, begin = np.zeros(len(starts), dtype=np.int64), np.zeros(len(starts), dtype=np.int64)
    for job in range(len(structure.last)):
        chain = structure.chain(job)
        depth[chain] = np.arange(len(chain))
        begin[chain] = np.maximum.accumulate(starts[chain])
    return np.lexsort((depth, begin))


def _addresses(*arrays: NDArray[Any]) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


def _free(search: ctypes.c_void_p, shop: ShopData) -> None:
    kernel().shop_free(search)
