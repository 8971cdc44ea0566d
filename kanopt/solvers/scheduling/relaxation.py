"""A linear relaxation of a grid whose price of power changes: in which part of the day every task begins.

Time is cut into buckets, none of which spans a change of price. A variable says how much of a mode begins in a bucket,
another how many steps of it run there; work is conserved, a machine runs no longer than it is open, and a task begins
no earlier than the one before it may have ended. Energy is paid where it runs, and at least what the cheapest start in
the bucket costs. Such time-indexed relaxations are far stronger than what CP-SAT makes of energy by itself (Dyer and
Wolsey 1990; van den Akker, Hurkens and Savelsbergh 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.scheduling.arrays import earliest_start
from kanopt.solvers.highs import MixedIntegerModel
from kanopt.solvers.linear_blocks import RowCollector, VariableBlock
from kanopt.solvers.scheduling.grid import TimeGrid, task_windows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def relaxation_size(grid: TimeGrid, buckets: int) -> int:
    """Return about how many variables :func:`relax` makes."""
    tasks, modes = len(grid.structure.task_job), len(grid.structure.mode_task)
    return 2 * (tasks + modes) * max(buckets, len(grid.costs.edges) - 1)


def relax(grid: TimeGrid, buckets: int, regular_bound: int) -> MixedIntegerModel:
    """Return a linear model whose optimum is at most that of a grid, in units of the objective.

    Parameters
    ----------
    grid
        What is to be scheduled.
    buckets
        About how many buckets the time until the horizon is cut into, beside the changes of price.
    regular_bound
        A proven lower bound on makespan plus tardiness.
    """
    return _Relaxation(grid, _bucket_edges(grid, buckets)).model(regular_bound)


def _bucket_edges(grid: TimeGrid, buckets: int) -> Ints:
    """Return steps between buckets: all changes of price, and between them even widths."""
    edges, width = grid.costs.edges, max(1, grid.horizon // buckets)
    parts = np.maximum(1, np.rint(np.diff(edges) / width).astype(np.int64))
    inner = [
        np.linspace(low, high, count, endpoint=False)
        for low, high, count in zip(edges, edges[1:], parts, strict=False)
    ]
    return np.unique(np.append(np.rint(np.concatenate(inner)).astype(np.int64), edges[-1]))


@dataclass(frozen=True, eq=False)
class _Starts:
    """How modes may begin in buckets: mode, bucket, first and last start, and what energy costs at least."""

    mode: Ints
    bucket: Ints
    first: Ints
    last: Ints
    energy: Ints


class _Relaxation:
    """The variables and rows of the relaxation; see the module."""

    def __init__(self, grid: TimeGrid, edges: Ints) -> None:
        self.grid, self.edges = grid, edges
        self.count = len(edges) - 1
        self.duration = grid.timing.duration.astype(np.int64)
        self.rows = RowCollector()
        costs = grid.costs
        piece = np.searchsorted(costs.edges, edges[:-1], side="right") - 1
        self.price = costs.energy[:, np.clip(piece, 0, len(costs.edges) - 2)]
        self.starts = self._find_starts()
        # the job that a task is the last of, -1 for none
        self.job_ended = np.full(len(grid.structure.task_job), -1)
        self.job_ended[grid.structure.last] = np.arange(len(grid.structure.last))
        tasks = len(grid.structure.task_job)
        every = np.ones((tasks, self.count), dtype=bool)
        # how much of a mode begins in a bucket; how many steps of it run there; whether a task has begun, whether it
        # has ended, before the end of each bucket; whether the makespan reaches the begin of each; the makespan
        self.begins = VariableBlock((self.starts.mode,), (len(self.starts.mode),), 0)
        self.pairs = self._find_pairs()
        touched = np.zeros((len(self.duration), self.count), dtype=bool)
        touched[self.starts.mode[self.pairs[0]], self.pairs[1]] = True
        self.runs = VariableBlock.of(touched, self.begins.stop)
        self.begun = VariableBlock.of(every, self.runs.stop)
        self.ended = VariableBlock.of(every, self.begun.stop)
        self.reached = VariableBlock.of(np.ones(self.count, dtype=bool), self.ended.stop)
        self.makespan = self.reached.stop

    def _find_starts(self) -> _Starts:
        """Find the buckets in which each mode may begin, by its job and the windows of its machine."""
        grid, at = self.grid, self.grid.structure
        earliest, latest = task_windows(grid)
        last = (latest + grid.shortest)[at.mode_task] - self.duration
        first = np.maximum(self.edges[:-1], earliest[at.mode_task][:, None])
        until = np.minimum(self.edges[1:] - 1, last[:, None])
        mode, bucket = np.nonzero(first <= until)
        ready = first[mode, bucket].astype(np.float64)
        found = earliest_start(grid.timing, at.mode_machine[mode], ready, grid.timing.duration[mode])
        fits = found <= until[mode, bucket]
        mode, bucket = mode[fits], bucket[fits]
        begin, end = found[fits].astype(np.int64), until[mode, bucket]
        return _Starts(mode, bucket, begin, end, self._least_energy(mode, begin, end))

    def _least_energy(self, mode: Ints, first: Ints, last: Ints) -> Ints:
        """Return what energy costs at least where a mode begins between two steps."""
        duration, grid = self.duration[mode], self.grid
        least = np.minimum(grid.energy_cost(mode, first), grid.energy_cost(mode, last))
        # the cost of a start is piecewise linear: a best one is first, last, or has its start or its end on an edge
        for edge in grid.costs.edges[1:-1]:
            for start in (np.full(len(mode), edge), edge - duration):
                inside = np.flatnonzero((start > first) & (start < last))
                paid = grid.energy_cost(mode[inside], start[inside])
                least[inside] = np.minimum(least[inside], paid)
        return least

    def _find_pairs(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Return which begins may run in which buckets, with the most and the least steps."""
        of, duration = self.starts, self.duration[self.starts.mode]
        found: list[tuple[Ints, Ints, Ints, Ints]] = []
        for bucket in range(self.count):
            low, high = self.edges[bucket], self.edges[bucket + 1]
            # steps in a bucket rise with the start, stay, and fall: most are nearest to where they stay
            middle = np.clip(np.minimum(low, high - duration), of.first, of.last)
            most, early, late = (
                np.clip(np.minimum(start + duration, high) - np.maximum(start, low), 0, None)
                for start in (middle, of.first, of.last)
            )
            which = np.flatnonzero(most > 0)
            place = np.full(len(which), bucket)
            found.append((which, place, most[which], np.minimum(early, late)[which]))
        begins, buckets, mosts, leasts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return begins, buckets, mosts, leasts

    def model(self, regular_bound: int) -> MixedIntegerModel:
        """Return the whole model."""
        self._add_work()
        self._add_order()
        self._add_machines()
        late, cost = self._costs()
        regular = np.append(np.flatnonzero(late), self.makespan)
        if regular_bound > 0:
            row = self.rows.add(np.array([regular_bound]), np.array([np.inf]))
            amounts = np.append(late[late > 0], self.grid.costs.makespan)
            self.rows.put(np.full(len(regular), row), regular, amounts)
        rows, columns, values = self.rows.matrix
        upper = np.full(len(cost), np.inf)
        upper[: self.begins.stop] = 1.0
        upper[self.begun.start : self.reached.stop] = 1.0
        return MixedIntegerModel(
            cost=cost / self.grid.scale,
            lower=np.zeros(len(cost)),
            upper=upper,
            integer=np.zeros(len(cost), dtype=bool),
            rows=rows,
            columns=columns,
            values=values,
            row_lower=np.concatenate(self.rows.lower),
            row_upper=np.concatenate(self.rows.upper),
        )

    def _costs(self) -> tuple[Floats, Floats]:
        """Return what lateness costs by how a task begins, and all costs."""
        grid, of, at = self.grid, self.starts, self.grid.structure
        cost = np.zeros(self.makespan + 1)
        cost[self.runs.columns] = self.price[self.runs.cells]
        cost[self.makespan] = grid.costs.makespan
        mine = self.job_ended[at.mode_task[of.mode]]
        due = np.where(np.isfinite(grid.timing.due), grid.timing.due, grid.horizon)
        over = np.clip(of.first + self.duration[of.mode] - due[mine], 0, None)
        late = np.where(mine >= 0, grid.costs.tardiness[mine] * over, 0.0)
        cost[: self.begins.stop] = late + grid.costs.running[of.mode]
        return late, cost

    def _add_work(self) -> None:
        """Begin every task once, and run what has begun: as long as it takes, where it may, for what it costs."""
        of, rows, at = self.starts, self.rows, self.grid.structure
        once = rows.add(np.ones(len(at.task_job)), np.ones(len(at.task_job)))
        rows.put(once + at.mode_task[of.mode], self.begins.columns, 1.0)
        begin, bucket, most, least = self.pairs
        column = self.runs.column_of()
        place = column[of.mode[begin], bucket] - self.runs.start
        each, nothing = np.arange(len(self.runs.columns)), np.zeros(len(self.runs.columns))
        above = rows.add(nothing - np.inf, nothing)
        rows.put(above + each, self.runs.columns, 1.0)
        rows.put(above + place, begin, -most.astype(float))
        below = rows.add(nothing, nothing + np.inf)
        rows.put(below + each, self.runs.columns, 1.0)
        rows.put(below + place[least > 0], begin[least > 0], -least[least > 0].astype(float))
        modes = np.zeros(len(self.duration))
        whole, paid = rows.add(modes, modes), rows.add(modes, modes + np.inf)
        for row, amount, of_begin in (
            (whole, np.ones(len(each)), self.duration[of.mode]),
            (paid, self.price[self.runs.cells], of.energy),
        ):
            rows.put(row + self.runs.cells[0], self.runs.columns, amount.astype(float))
            rows.put(row + of.mode, self.begins.columns, -of_begin.astype(float))

    def _add_order(self) -> None:
        """Add up what has begun and ended; a task begins after the one before it, and the makespan is after all."""
        of, rows, at, count = self.starts, self.rows, self.grid.structure, self.count
        task = at.mode_task[of.mode]
        end = np.searchsorted(self.edges[1:], of.first + self.duration[of.mode], side="right")
        for block, bucket in ((self.begun, of.bucket), (self.ended, end)):
            column = block.column_of()
            row = rows.add(np.zeros(column.size), np.zeros(column.size))
            places = row + np.arange(column.size).reshape(column.shape)
            rows.put(places.ravel(), column.ravel(), 1.0)
            rows.put(places[:, 1:].ravel(), column[:, :-1].ravel(), -1.0)
            inside = bucket < count
            rows.put(places[task[inside], bucket[inside]], self.begins.columns[inside], -1.0)
        begun, ended, reached = self.begun.column_of(), self.ended.column_of(), self.reached.columns
        follows = np.flatnonzero(at.previous >= 0)
        later, earlier = begun[follows], ended[at.previous[follows]]
        self._keep_above(earlier, later, 0.0, of_other=-1.0)
        # what has not ended before a bucket ends no earlier than it begins
        self._keep_above(ended[at.last][:, :-1], np.tile(reached[1:], (len(at.last), 1)), 1.0)
        jobs = len(at.last)
        first = rows.add(np.zeros(jobs + 1), np.full(jobs + 1, np.inf))
        rows.put(first + np.arange(jobs + 1), np.full(jobs + 1, self.makespan), 1.0)
        mine = np.flatnonzero(self.job_ended[task] >= 0)
        soonest = (of.first + self.duration[of.mode])[mine].astype(float)
        rows.put(first + self.job_ended[task[mine]], self.begins.columns[mine], -soonest)
        rows.put(np.full(count - 1, first + jobs), reached[1:], -np.diff(self.edges[:-1]).astype(float))

    def _keep_above(self, one: Ints, other: Ints, least: float, *, of_other: float = 1.0) -> None:
        """Keep ``one + of_other · other`` at least at a number, pair by pair."""
        first = self.rows.add(np.full(one.size, least), np.full(one.size, np.inf))
        places = first + np.arange(one.size)
        self.rows.put(places, one.ravel(), 1.0)
        self.rows.put(places, other.ravel(), of_other)

    def _add_machines(self) -> None:
        """Let machines and jobs run no longer in a bucket than they can, and not after the makespan."""
        at, timing, rows = self.grid.structure, self.grid.timing, self.rows
        mode, bucket = self.runs.cells
        opens, closes = timing.opens[:, :, None], timing.closes[:, :, None]
        common = np.minimum(closes, self.edges[1:]) - np.maximum(opens, self.edges[:-1])
        open_steps = np.clip(common, 0, None).sum(axis=1)
        widths = np.broadcast_to(np.diff(self.edges), (len(at.last), self.count))
        for most, of_mode in ((open_steps, at.mode_machine), (widths, at.task_job[at.mode_task])):
            row = rows.add(np.full(most.size, -np.inf), np.zeros(most.size))
            rows.put(row + of_mode[mode] * self.count + bucket, self.runs.columns, 1.0)
            rows.put(
                row + np.arange(most.size),
                np.tile(self.reached.columns, len(most)),
                -most.ravel().astype(float),
            )
