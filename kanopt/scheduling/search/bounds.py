"""Lower bounds of a grid that do without the order of tasks: what machines work, and when they run at which price."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from kanopt.engines.highs import MixedIntegerModel, RowCollector, VariableBlock
from kanopt.scheduling.search.grid import TimeGrid, task_windows

SLACK = 1e-6
"""Of a bound in floating point, as a share of it and below one."""


def least_regular(grid: TimeGrid) -> int:
    """Return a lower bound on makespan plus tardiness: no machine works faster, and no job ends before its tasks have.

    Each machine begins after what comes first in every job that it may work on, and ends before what comes last there;
    between, it does its share of the work, which a linear program spreads over the modes. So does each resource, the
    need of a task counted as a share of its capacity.
    """
    at, costs, due = grid.structure, grid.costs, grid.timing.due
    duration, modes = grid.timing.duration, len(at.mode_task)
    earliest, latest = task_windows(grid)
    job_ends = at.latest_of_jobs(earliest + grid.shortest).astype(float)
    late = np.where(np.isfinite(due), np.clip(job_ends - due, 0.0, None), 0.0)
    makespan = job_ends.max(initial=0.0)
    if costs.makespan:
        first, rest = earliest[at.mode_task], (grid.horizon - latest - grid.shortest)[at.mode_task]
        share = np.divide(
            grid.timing.need,
            grid.timing.capacity,
            out=np.zeros(grid.timing.need.shape),
            where=grid.timing.capacity > 0,
        )
        on_machine = at.mode_machine[:, None] == np.flatnonzero(at.one_at_a_time)
        share = np.concatenate([on_machine, share], axis=1)
        share = share[:, share.any(axis=0)]
        head, tail = (np.where(share > 0, ends[:, None], np.inf).min(axis=0) for ends in (first, rest))
        load = csr_array(np.vstack([share * duration[:, None], np.full(share.shape[1], -1.0)]).T)
        once = csr_array(
            (np.ones(modes), (at.mode_task, np.arange(modes))), shape=(len(at.task_job), modes + 1)
        )
        cost = np.append(np.zeros(modes), 1.0)
        found = linprog(cost, load, -(head + tail), once, np.ones(len(at.task_job)))
        if found.status == 0:
            makespan = max(makespan, math.ceil(found.fun - SLACK * max(1.0, found.fun)))
    return int(costs.makespan * makespan) + math.ceil(float(costs.tardiness @ late) - SLACK)


def relax(grid: TimeGrid, regular_bound: int = 0) -> MixedIntegerModel:
    """Return a linear model whose optimum is at most that of a grid, in units of the objective.

    A variable says how many steps of a mode run in a piece of constant price. A machine and a job run one task at a
    time, before the makespan, and a machine while it is open: so cheap power that is late costs makespan.

    Parameters
    ----------
    grid
        What is to be scheduled.
    regular_bound
        A proven lower bound on makespan plus tardiness.
    """
    at, timing, costs = grid.structure, grid.timing, grid.costs
    edges, count, duration = costs.edges, len(costs.edges) - 1, timing.duration.astype(float)
    earliest, latest = task_windows(grid)
    first, until = earliest[at.mode_task], (latest + grid.shortest)[at.mode_task]
    room = np.minimum(until[:, None], edges[1:]) - np.maximum(first[:, None], edges[:-1])
    room = np.clip(np.minimum(room, duration[:, None]), 0, None)
    runs = VariableBlock.of(room > 0, 0)
    mode, piece = runs.cells
    # then how much of each mode is chosen, the steps of each piece before the makespan, and what tardiness costs
    chosen = runs.stop + np.arange(len(duration))
    before = chosen[-1] + 1 + np.arange(count)
    late = before[-1] + 1
    rows = RowCollector()
    row = rows.add(np.ones(len(at.task_job)), np.ones(len(at.task_job)))
    rows.put(row + at.mode_task, chosen, 1.0)
    row = rows.add(np.zeros(len(duration)), np.zeros(len(duration)))
    rows.put(row + mode, runs.columns, 1.0)
    rows.put(row + np.arange(len(duration)), chosen, -duration)
    in_turn = at.one_at_a_time[at.mode_machine]
    for group, alone in (
        (at.mode_machine, in_turn),
        (at.task_job[at.mode_task], np.full(len(duration), at.has_chains)),
    ):
        size, one = int(group.max()) + 1, alone[mode]
        row = rows.add(np.full(size * count, -np.inf), np.zeros(size * count))
        rows.put(row + group[mode[one]] * count + piece[one], runs.columns[one], 1.0)
        rows.put(row + np.arange(size * count), np.tile(before, size), -1.0)
    opened = np.where(at.one_at_a_time[:, None], grid.open_steps, np.inf)
    row = rows.add(np.full(opened.size, -np.inf), opened)
    rows.put(row + at.mode_machine[mode] * count + piece, runs.columns, 1.0)
    # a piece is over before the next one begins
    share, steps = 1.0 / np.diff(edges), np.arange(count - 1)
    row = rows.add(np.zeros(count - 1), np.full(count - 1, np.inf))
    rows.put(row + steps, before[:-1], share[:-1])
    rows.put(row + steps, before[1:], -share[1:])
    row = rows.add(np.array([regular_bound / grid.scale]), np.array([np.inf]))
    rows.put(np.full(count, row), before, costs.makespan / grid.scale)
    rows.put(np.array([row]), np.array([late]), 1.0)
    paid, spent = costs.energy[mode, piece], np.full(count, costs.makespan)
    upper = np.concatenate([room[runs.cells], np.ones(len(duration)), np.diff(edges), [np.inf]])
    places, columns, values = rows.matrix
    return MixedIntegerModel(
        cost=np.append(np.concatenate([paid, costs.running, spent]) / grid.scale, 1.0),
        lower=np.zeros(len(upper)),
        upper=upper,
        integer=np.zeros(len(upper), dtype=bool),
        rows=places,
        columns=columns,
        values=values,
        row_lower=np.concatenate(rows.lower),
        row_upper=np.concatenate(rows.upper),
    )
