"""Simulated annealing of schedules by the kernel, on a grid of whole steps."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.engines.base import SearchClock
from kanopt.engines.compiled.library import KernelArrays, kernel, kernel_for, structures
from kanopt.scheduling.arrays import ShopStructure
from kanopt.scheduling.search.grid import TimeGrid, task_windows

_KERNEL = Path(__file__).parent / "local_search" / "kernel"
_STRUCTURES = structures(_KERNEL / name for name in ("shop.h", "search.c"))
ShopStruct, ReportStruct = (_STRUCTURES[name] for name in ("Shop", "Report"))


def knows_rules(grid: TimeGrid) -> bool:
    """Return whether the kernel knows every rule: jobs that run in order, on machines with setups and windows."""
    at = grid.structure
    return at.has_chains and bool(at.one_at_a_time.all()) and not grid.timing.has_further_rules


_NEVER = 2**60


class ShopData(KernelArrays):
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
        super().__init__()
        self.grid = grid
        at, timing, costs = grid.structure, grid.timing, grid.costs
        self.modes = modes = np.argsort(at.mode_task, kind="stable")
        self.place_of = np.argsort(modes)
        tasks, jobs = len(at.task_job), len(timing.release)
        self.struct = shop = ShopStruct(tasks=tasks, jobs=jobs, machines=len(timing.opens), modes=len(modes))
        shop.families, shop.windows, shop.pieces = (
            timing.setup.shape[1],
            timing.opens.shape[1],
            len(costs.edges) - 1,
        )
        shop.makespan, shop.over, shop.least = costs.makespan, _price_of_excess(grid), grid.least_energy()
        previous, following, last = np.full(tasks, -1), np.full(tasks, -1), np.full(jobs, -1)
        previous[at.pairs[:, 1]], following[at.pairs[:, 0]] = at.pairs[:, 0], at.pairs[:, 1]
        last[at.task_job[at.ends_job]] = np.flatnonzero(at.ends_job)
        self.put(shop, task_job=at.task_job, previous=previous, next=following, last=last)
        self.put(shop, task_family=at.task_family, machine_family=at.machine_family)
        self.put(shop, mode_start=np.searchsorted(at.mode_task[modes], np.arange(tasks + 1)))
        self.put(shop, mode_task=at.mode_task[modes], mode_machine=at.mode_machine[modes])
        promised = np.isfinite(timing.due)
        self.put(shop, due=np.where(promised, timing.due, _NEVER), release=timing.release)
        self.put(shop, tardiness=np.where(promised, costs.tardiness, 0))
        # a machine that is never open has a window that closes before it opens
        counts = np.maximum(1, (timing.closes > timing.opens).sum(axis=1))
        self.put(shop, opens=timing.opens, closes=timing.closes, windows_of=counts, setup=timing.setup)
        self.put(shop, duration=timing.duration[modes], running=costs.running[modes], edges=costs.edges)
        self.put(shop, energy=costs.energy[modes], until=grid.paid_at_edges[modes, :-1])
        self.put(shop, tail=grid.horizon - task_windows(grid)[1] - grid.shortest)


def _price_of_excess(grid: TimeGrid) -> int:
    """Return what a step past the last window costs in the search: more than anything that it may save."""
    costs = grid.costs
    dearest = np.abs(costs.energy).max(initial=0)
    return int(10 * (costs.makespan + costs.tardiness.sum() + dearest) + 1)


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
        library = kernel_for(ShopStruct, "shop_size")
        library.shop_new.restype = ctypes.c_void_p
        library.shop_scale.restype = ctypes.c_double
        pointer = library.shop_new(ctypes.byref(self.shop.struct), ctypes.c_uint64(seed))
        if not pointer:
            raise MemoryError("the schedules of the search do not fit in memory")
        self._library, self._search = library, ctypes.c_void_p(pointer)
        # the kernel reads the shop while it frees its schedules: the finalizer keeps that alive until then
        weakref.finalize(self, lambda search, _: kernel().shop_free(search), self._search, self.shop)

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

    def begin(self, modes: Integers, starts: Integers) -> None:
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
    def report(self) -> Any:
        """How far the search is."""
        report = ReportStruct()
        self._library.shop_report(self._search, ctypes.byref(report))
        return report

    def best(self) -> tuple[Integers, Integers]:
        """Return the modes and starts of the best schedule."""
        return self._schedule(best=True)

    def current(self) -> tuple[Integers, Integers]:
        """Return the modes and starts of the schedule that the search stands at."""
        return self._schedule(best=False)

    def _schedule(self, *, best: bool) -> tuple[Integers, Integers]:
        mode = np.zeros(self._tasks, dtype=np.int32)
        start = np.zeros(self._tasks, dtype=np.int64)
        self._library.shop_schedule(self._search, ctypes.c_int(best), *_addresses(mode, start))
        return self.shop.modes[mode], start


def in_order(structure: ShopStructure, starts: Integers) -> Integers:
    """Return all tasks by their starts, but none before one that it comes after."""
    place, begin = np.empty(len(starts), dtype=np.int64), starts.astype(np.int64)
    place[structure.order] = np.arange(len(starts))
    for task in structure.order.tolist():
        begin[task] = np.max(begin[structure.before[task]], initial=begin[task])
    return np.lexsort((place, begin))


def _addresses(*arrays: NDArray[Any]) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


_HOT = 0.5
_COLD, _COLD_FLEXIBLE, _COLD_PRICES = 0.15, 0.05, 0.005
"""Heat at first and at last, as shares of the median of what a step costs that makes a schedule dearer. Many steps cost
little where tasks have several modes, and more so where the price of power changes."""
_FIRST, _CYCLE = 0.1, 1_000_000
"""Share of the time of the first way from hot to cold; tasks timed in each later one, for each task of the shop."""
_PATIENCE = 2
_SLICE = 400_000
"""Tasks timed between two looks at the clock: about 20 ms."""
_PER_TASK, _PER_TASK_PRICES = 3e-8, 4.5e-8  # seconds, for a clock that counts work


class Annealing:
    """Goes from hot to cold, again and again: first quickly, then as slowly as the size of the shop suggests.

    Parameters
    ----------
    search
        Has a schedule.
    clock
        What seconds are measured with.
    look
        Called some fifty times a second; returns whether to stop.
    """

    def __init__(self, search: ShopSearch, clock: SearchClock, look: Callable[[], bool]) -> None:
        self.search, self.clock, self.look = search, clock, look
        grid = search.shop.grid
        flexible = len(grid.structure.mode_task) > len(grid.structure.task_job)
        self._cold = _COLD_FLEXIBLE if flexible else _COLD
        self._per_task = _PER_TASK
        if len(grid.costs.edges) > 2:
            self._cold, self._per_task = _COLD_PRICES, _PER_TASK_PRICES
        self._cycle = _CYCLE * len(grid.structure.task_job)
        self._scale = search.scale()
        self._spent = search.report.work

    def run(self, seconds: float) -> None:
        """Search for some time, or until nothing better was found on some whole ways from hot to cold."""
        until, share, vain = self.clock.now() + seconds, _FIRST, 0
        while (left := until - self.clock.now()) > 0 and self._scale > 0 and vain < _PATIENCE:
            improved, spent = self.search.report.improved, self._spent
            if self._cool(share * left):
                return
            share = 1.0
            if self.search.report.improved > improved:
                vain = 0
            elif self._spent - spent >= self._cycle:
                vain += 1

    def _cool(self, seconds: float) -> bool:
        """Go from hot to cold in at most some time; return whether to stop."""
        began, spent = self.clock.now(), self._spent
        share = 0.0
        while share < 1.0:
            heat = self._scale * _HOT * (self._cold / _HOT) ** share
            self.search.anneal(_SLICE, heat, heat)
            work = self.search.report.work
            self.clock.spend(self._per_task * (work - self._spent))
            self._spent = work
            if self.look():
                return True
            share = max((self.clock.now() - began) / seconds, (work - spent) / self._cycle)
        return False


_LONGEST = 3_000
"""Of longer schedules, in steps, too many places would be tried for each task."""
_ROOM = 1.4
"""How much longer than the best schedule others may be that are looked at."""
_ORDERS, _ELITE, _NEW, _FROM_ELITE = 60, 0.2, 0.15, 0.7
"""Orders of a generation, the shares that live on and are drawn anew, and how often a child has the better key."""
_PATIENCE = 150
_PER_PLACE = 5e-9  # seconds for each step, resource, task and order, for a clock that counts work


class KeySearch:
    """Searches the orders in which tasks are placed, in the modes of a schedule.

    Parameters
    ----------
    grid
        What is to be scheduled; without setups and limits of waiting.
    modes, starts
        A schedule.
    seed
        Of all random choices.
    """

    def __init__(self, grid: TimeGrid, modes: Integers, starts: Integers, seed: int) -> None:
        at, timing = grid.structure, grid.timing
        self.grid, self.modes, self.rng = grid, modes, np.random.default_rng(seed)
        self.duration = timing.duration[modes].astype(np.int64)
        self.length = int(min(grid.horizon, _ROOM * (starts + self.duration).max()))
        machines = np.flatnonzero(at.one_at_a_time)
        of_machine = (at.mode_machine[modes][:, None] == machines).astype(np.int64)
        self.need = np.concatenate([timing.need[modes].astype(np.int64), of_machine], axis=1).astype(np.int32)
        steps = np.arange(self.length)[:, None, None]
        is_open = ((timing.opens[machines] <= steps) & (steps < timing.closes[machines])).any(axis=2)
        there = np.broadcast_to(timing.capacity.astype(np.int64), (self.length, len(timing.capacity)))
        self.room = np.concatenate([there, is_open.astype(np.int64)], axis=1).astype(np.int32)
        self.follows = np.zeros((len(modes), len(modes)), dtype=np.int64)
        self.follows[at.pairs[:, 0], at.pairs[:, 1]] = 1
        self.release = timing.release[at.task_job].astype(np.int64)
        # not the schedule itself: all would soon be like it
        self.first = task_windows(grid)[1][None, :].astype(float)

    @staticmethod
    def fits(grid: TimeGrid, starts: Integers, modes: Integers) -> bool:
        """Return whether it can search a grid, of which a schedule is given."""
        timing, length = grid.timing, float((starts + grid.timing.duration[modes]).max())
        return not timing.setup.any() and not np.isfinite(timing.follow).any() and _ROOM * length <= _LONGEST

    def run(self, clock: SearchClock, seconds: float, offer: Callable[[Integers, int], bool]) -> None:
        """Search for some time, or until some generations in a row found nothing better.

        Parameters
        ----------
        clock
            What seconds are measured with.
        seconds
            How long.
        offer
            Called with the starts and the cost of the best schedule of each generation; returns whether to stop.
        """
        until, vain, tasks = clock.now() + seconds, 0, len(self.modes)
        elite, new = int(_ELITE * _ORDERS), int(_NEW * _ORDERS)
        keys = np.concatenate([self.first, self.rng.random((_ORDERS - len(self.first), tasks))])
        starts, cost = self._placed(clock, keys)
        best = np.inf
        while clock.now() < until and vain < _PATIENCE:
            ranked = np.argsort(cost, kind="stable")
            starts, cost = starts[ranked], cost[ranked]
            vain = 0 if cost[0] < best else vain + 1
            best = cost[0]
            if np.isfinite(best) and offer(starts[0], int(best)):
                return
            # the order of a schedule says the same as the keys that it was made of, for each task alike
            keys = np.argsort(np.argsort(starts, axis=1, kind="stable"), axis=1) / tasks
            count = _ORDERS - elite - new
            better, other = self.rng.integers(0, elite, count), self.rng.integers(elite, _ORDERS, count)
            inherited = self.rng.random((count, tasks)) < _FROM_ELITE
            children = np.where(inherited, keys[better], keys[other])
            children = np.concatenate([children, self.rng.random((new, tasks))])
            found, prices = self._placed(clock, children)
            starts, cost = np.concatenate([starts[:elite], found]), np.concatenate([cost[:elite], prices])

    def _placed(self, clock: SearchClock, keys: Floats) -> tuple[Integers, Floats]:
        """Return starts and costs of schedules, placed forwards, backwards and forwards; infinite where too long."""
        starts = self._place(keys, backwards=False)
        mirrored = self._place(-(starts + self.duration).astype(float), backwards=True)
        starts = self._place((self.length - mirrored - self.duration).astype(float), backwards=False)
        clock.spend(3 * _PER_PLACE * keys.size * self.room.size)
        fits = np.all(starts + self.duration <= self.length, axis=1)
        cost = [
            self.grid.cost(self.modes, each) if fit else np.inf
            for each, fit in zip(starts, fits, strict=True)
        ]
        return starts, np.array(cost, dtype=float)

    def _place(self, keys: Floats, *, backwards: bool) -> Integers:
        """Place the task with the smallest key of those whose predecessors are placed, until all are; one order a row.

        Backwards, time runs from the end, and what follows comes first. What does not fit starts at the end.
        """
        follows, room = (self.follows.T, self.room[::-1]) if backwards else (self.follows, self.room)
        orders, rows, time = len(keys), np.arange(len(keys)), np.arange(self.length)
        waits = np.tile(follows.sum(axis=0), (orders, 1))
        ready = np.tile(0 * self.release if backwards else self.release, (orders, 1))
        left = [np.tile(each, (orders, 1)) for each in room.T]
        starts, taken = np.full(keys.shape, self.length), np.zeros((orders, self.length + 1), dtype=np.int32)
        for _ in range(keys.shape[1]):
            task = np.where(waits == 0, keys, np.inf).argmin(axis=1)
            waits[rows, task] = -1
            waits -= follows[task]
            need, until = self.need[task].T[:, :, None], time + self.duration[task][:, None]
            is_short = left[0] < need[0]
            for there, wanted in zip(left[1:], need[1:], strict=True):
                is_short |= there < wanted
            np.cumsum(is_short, axis=1, out=taken[:, 1:])
            is_free = np.take_along_axis(taken, np.minimum(until, self.length), axis=1) == taken[:, :-1]
            is_free &= (until <= self.length) & (time >= ready[rows, task][:, None])
            begin = np.where(is_free.any(axis=1), is_free.argmax(axis=1), self.length)
            end = begin + self.duration[task]
            used = (time >= begin[:, None]) & (time < end[:, None])
            for there, wanted in zip(left, need, strict=True):
                there -= used * wanted
            starts[rows, task] = begin
            ready = np.maximum(ready, follows[task] * end[:, None])
        return starts
