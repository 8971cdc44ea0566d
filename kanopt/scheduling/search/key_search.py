"""Schedules of projects by a genetic search of the order in which tasks are placed, many orders at a time.

A biased random-key search (Gonçalves, Mendes and Resende 2008, "A genetic algorithm for the resource constrained
multi-project scheduling problem", European Journal of Operational Research 189): a key for each task says which of
those that may be placed comes next, as early as resources allow. Each schedule is then placed from its end backwards
and from its start again (Valls, Ballestín and Quintanilla 2005, "Justification and RCPSP", the same journal 165).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.engines.base import SearchClock
from kanopt.scheduling.search.grid import TimeGrid, task_windows

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
