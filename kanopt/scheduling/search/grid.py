"""A scheduling problem on a grid of time steps, and what that costs at most.

Two grids are made of one problem. The *safe* one rounds against the plan: durations, setups, releases and the ends
of breaks up, the starts of breaks and due dates down. A schedule that is feasible on it is feasible on the law, where
every task ends no later. The *relaxed* one rounds the other way: rounding every start of any schedule down to the
grid turns it into one that is feasible there and no dearer but for a shift of energy by less than two steps (because
``floor(start + duration) >= floor(start) + floor(duration)``), so that a lower bound found there, less the effect of
that shift, is a lower bound on the law. Where every time in the data is a multiple of the step, the two are the same
problem, and nothing is lost by starting on the grid: with the order of tasks fixed, starts solve a linear program of
differences between breakpoints that all lie on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from kanopt.array_types import Floats, Integers
from kanopt.engines.highs import MixedIntegerModel, RowCollector, VariableBlock
from kanopt.scheduling.arrays import SchedulingData, ShopStructure, ShopTiming
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.units import Scaling, scaling_for

Direction = Literal["safe", "relaxed"]

_STEPS = [float(f"{a}e{k}") for k in range(9, -13, -1) for a in (5, 2, 1)]
_FINER = 500.0
_EXACT_FINER = 10.0
_LARGEST = 1e12
_MOST = np.iinfo(np.int64).max
_AMOUNTS = 1e6
"""What the largest amount of a resource is rounded to where no power of ten makes all of them whole."""
_LARGEST_AMOUNT = 2.0**30
"""Amounts are whole numbers of 32 bits."""


@dataclass(frozen=True, eq=False)
class GridCosts:
    """Integer costs of a grid.

    Parameters
    ----------
    makespan, tardiness
        Per step; `tardiness` has the shape ``(jobs,)``.
    edges
        Shape ``(pieces + 1,)``: the steps between which the price of power is constant, from 0 to the horizon.
    energy
        Shape ``(modes, pieces)``: cost of one step of a mode in a piece.
    running
        Shape ``(modes,)``: cost of using a mode at all, which makes up for the rounded part of its duration.
    """

    makespan: int
    tardiness: Integers
    edges: Integers
    energy: Integers
    running: Integers


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """A scheduling problem in whole time steps and whole units of cost.

    Parameters
    ----------
    step
        Time units per step.
    structure, timing
        As in the problem; every time is a whole number of steps.
    horizon
        No task ends after this step.
    costs
        In units of ``1 / scale`` of the objective.
    scale
        Units of cost per unit of money.
    slack
        Safe grid: proven bound on the difference between the cost of a schedule here and its price on the law.
        Relaxed grid: proven bound on how far the optimum here may lie above the optimum on the law.
    """

    step: float
    structure: ShopStructure
    timing: ShopTiming
    horizon: int
    costs: GridCosts
    scale: float
    slack: float

    @property
    def has_regular_cost(self) -> bool:
        """Whether makespan or tardiness costs anything."""
        return self.costs.makespan > 0 or bool(self.costs.tardiness[np.isfinite(self.timing.due)].any())

    def cost(self, modes: Integers, starts: Integers) -> int:
        """Return the cost of running ``modes[task]`` from ``starts[task]``, in units of ``1 / scale``."""
        costs, at = self.costs, self.structure
        ends = starts + self.timing.duration[modes].astype(np.int64)
        completion = at.latest_of_jobs(ends)
        has_due_date = np.isfinite(self.timing.due)
        late = np.clip(completion[has_due_date] - self.timing.due[has_due_date].astype(np.int64), 0, None)
        total = costs.makespan * int(ends.max()) + int((costs.tardiness[has_due_date] * late).sum())
        overlap = np.minimum(ends[:, None], costs.edges[1:]) - np.maximum(starts[:, None], costs.edges[:-1])
        energy = costs.energy[modes] * np.clip(overlap, 0, None)
        return total + int(energy.sum()) + int(costs.running[modes].sum())

    def without_setups(self) -> TimeGrid:
        """Return the same without setups: a relaxation that is much easier to prove things of."""
        return replace(self, timing=replace(self.timing, setup=0.0 * self.timing.setup))

    def shortened(self, cost: int) -> TimeGrid:
        """Return the same with a horizon that only excludes schedules dearer than `cost`, a schedule's cost here.

        Whatever its energy costs at least is not left for the makespan; the shorter the horizon, the more energy
        costs at least, and so on.
        """
        grid = self
        while grid.costs.makespan > 0:
            horizon = (cost - grid.least_energy()) // grid.costs.makespan
            if horizon >= grid.horizon:
                break
            kept = grid.costs.edges[:-1] < horizon
            costs = replace(
                grid.costs,
                edges=np.append(grid.costs.edges[:-1][kept], horizon),
                energy=grid.costs.energy[:, kept],
            )
            timing = replace(grid.timing, closes=np.minimum(grid.timing.closes, horizon))
            grid = replace(grid, horizon=horizon, timing=timing, costs=costs)
        return grid

    def least_energy(self) -> int:
        """Return a lower bound on the cost of energy: every task in its cheapest mode at its cheapest time."""
        costs, at = self.costs, self.structure
        duration = self.timing.duration.astype(np.int64)[:, None]
        mode = np.arange(len(duration))[:, None]
        # the cost of a start is piecewise linear, so that a best one has its start or its end on an edge
        ends = np.concatenate(
            [
                np.broadcast_to(costs.edges[1:], (len(duration), len(costs.edges) - 1)),
                costs.edges[:-1] + duration,
            ],
            axis=1,
        )
        starts = np.clip(ends - duration, 0, np.maximum(self.horizon - duration, 0))
        paid = self.energy_cost(np.broadcast_to(mode, starts.shape), starts)
        least = at.of_tasks(paid.min(axis=1) + costs.running, np.minimum, _MOST)
        return int(least.sum())

    @cached_property
    def paid_at_edges(self) -> Integers:
        """What each mode would cost from step 0 to each change of price, running all the time; (modes, edges)."""
        costs = self.costs
        paid = np.zeros((len(costs.energy), len(costs.edges)), dtype=np.int64)
        np.cumsum(costs.energy * np.diff(costs.edges), axis=1, out=paid[:, 1:])
        return paid

    @property
    def open_steps(self) -> Integers:
        """How many steps of each piece of constant price a machine may run; (machines, pieces)."""
        edges, timing = self.costs.edges, self.timing
        common = np.minimum(timing.closes[:, :, None], edges[1:]) - np.maximum(
            timing.opens[:, :, None], edges[:-1]
        )
        steps: Integers = np.clip(common, 0, None).sum(axis=1).astype(np.int64)
        return steps

    @cached_property
    def shortest(self) -> Integers:
        """The duration of each task in its fastest mode; (tasks,)."""
        return self.structure.of_tasks(self.timing.duration.astype(np.int64), np.minimum, _MOST)

    def energy_cost(self, modes: Integers, starts: Integers) -> Integers:
        """Return what the energy of modes costs that run from given starts; any shape, the same for both."""
        duration = self.timing.duration[modes].astype(np.int64)
        return self._paid_until(modes, starts + duration) - self._paid_until(modes, starts)

    def _paid_until(self, modes: Integers, steps: Integers) -> Integers:
        """Return what modes would cost from step 0 on, running all the time."""
        costs = self.costs
        piece = np.clip(np.searchsorted(costs.edges, steps, side="right") - 1, 0, len(costs.edges) - 2)
        paid: Integers = self.paid_at_edges[modes, piece] + costs.energy[modes, piece] * (
            steps - costs.edges[piece]
        )
        return paid


def task_windows(grid: TimeGrid) -> tuple[Integers, Integers]:
    """Return the earliest and latest start of every task by the durations of those before and after it."""
    at, shortest = grid.structure, grid.shortest
    earliest = grid.timing.release[at.task_job].astype(np.int64)
    latest = grid.horizon - shortest
    for task in at.order.tolist():
        behind = at.behind[task]
        earliest[behind] = np.maximum(earliest[behind], earliest[task] + shortest[task])
    for task in at.order[::-1].tolist():
        before = at.before[task]
        latest[before] = np.minimum(latest[before], latest[task] - shortest[before])
    return earliest, latest


def choose_step(problem: SchedulingProblem) -> float:
    """Choose the time step of a problem from its data.

    The largest of 1, 2 or 5 times a power of ten of which every time in the data is a multiple, unless that is finer
    than a tenth of the default: the largest that is at most a 500th of the median duration.
    """
    times = _times(problem.data)
    typical = float(np.median(problem.data.timing.duration))
    default = next(step for step in _STEPS if step <= typical / _FINER)
    for step in _STEPS:
        if step < default / _EXACT_FINER * (1 - 1e-9):
            break
        if _multiples(times, step):
            return step
    return default


def is_exact(problem: SchedulingProblem, step: float) -> bool:
    """Whether times are multiples of the step, and amounts of resources whole ones, so that the grid loses nothing."""
    amounts = _given_amounts(problem.data.timing)
    whole = _multiples(amounts, 1.0 / _amount_factor(amounts))
    return whole and _multiples(_times(problem.data), step)


def due_sooner(grid: TimeGrid, due: Floats, longer: float) -> TimeGrid:
    """Return a grid with due dates to be kept, (jobs,) in time units, by tasks that take longer by a factor.

    Their price is above all that lateness may save.
    """
    costs, kept = grid.costs, np.isfinite(due)
    dearest = (
        costs.makespan + int(costs.tardiness.max(initial=0)) + int(np.abs(costs.energy).max(initial=0)) + 1
    )
    timing = replace(
        grid.timing,
        due=np.where(kept, np.floor(due / grid.step), grid.timing.due),
        duration=np.ceil(longer * grid.timing.duration),
    )
    return replace(grid, timing=timing, costs=replace(costs, tardiness=costs.tardiness + dearest * kept))


def _multiples(times: Floats, step: float) -> bool:
    steps = times / step
    noise = 1e-9 * np.minimum(1.0, np.abs(steps)) + 4 * np.finfo(float).eps * np.abs(steps)
    return bool((np.abs(steps - np.rint(steps)) <= noise).all())


def _times(data: SchedulingData) -> Floats:
    """Return every time that can matter: durations, setups, windows, releases, due dates that cost, price steps."""
    timing = data.timing
    parts: list[Floats] = [
        getattr(timing, one.name).ravel() for one in fields(timing) if "safe" in one.metadata
    ]
    parts += [timing.closes[timing.closes > timing.opens], timing.due[data.tardiness_cost > 0]]
    if data.tariff is not None:
        parts.append(data.tariff.starts[data.tariff.starts > 0])
    times: Floats = np.concatenate(parts)
    return times[np.isfinite(times)]


def lower(problem: SchedulingProblem, step: float, direction: Direction = "safe") -> TimeGrid:
    """Round a problem to a grid.

    Parameters
    ----------
    problem
        What is to be scheduled.
    step
        Time units per step.
    direction
        ``"safe"`` for schedules, ``"relaxed"`` for lower bounds.

    Raises
    ------
    UnitError
        If a time is too large for 64-bit integers at this step.
    """
    data, law = problem.data, problem.data.timing
    up, down = Scaling(1.0 / step, "up"), Scaling(1.0 / step, "down")
    against, along = (up, down) if direction == "safe" else (down, up)
    times = {}
    for one in fields(law):
        if "safe" in one.metadata:
            rounded = np.array(getattr(law, one.name))
            known = np.isfinite(rounded)
            rounded[known] = (against if one.metadata["safe"] == "up" else along).to_integers(rounded[known])
            times[one.name] = rounded
    horizon = _horizon(problem, up, times["duration"].astype(np.int64), times["setup"].astype(np.int64))
    closes: Floats = down.to_integers(np.minimum(law.closes, horizon * step)).astype(float)
    due = np.full(len(law.due), np.inf)
    has_due_date = np.isfinite(law.due) & (data.tardiness_cost > 0)
    due[has_due_date] = along.to_integers(law.due[has_due_date])
    closes = np.minimum(closes, horizon)
    timing = ShopTiming(due=due, closes=closes, **times, **_amounts(law, direction))
    return _grid_costs(problem, step, timing, horizon, direction)


def _amounts(law: ShopTiming, direction: Direction) -> dict[str, Floats]:
    """Return needs and capacities of resources in whole amounts, needs rounded as durations are."""
    factor = _amount_factor(_given_amounts(law))
    up, down = Scaling(factor, "up"), Scaling(factor, "down")
    against, along = (up, down) if direction == "safe" else (down, up)
    need, capacity = against.to_integers(law.need), along.to_integers(law.capacity)
    return {"need": need.astype(float), "capacity": capacity.astype(float)}


def _given_amounts(law: ShopTiming) -> Floats:
    return np.concatenate([law.need.ravel(), law.capacity])


def _amount_factor(given: Floats) -> float:
    """Return by what amounts of resources become whole: a power of ten where one does, else what keeps most digits."""
    most = max(float(given.max(initial=0.0)), 1e-9)
    tens = 10.0 ** -np.floor(np.log10(most))
    while tens * most <= _LARGEST_AMOUNT:
        if _multiples(given, 1.0 / tens):
            return float(tens)
        tens *= 10.0
    return _AMOUNTS / most


def _horizon(problem: SchedulingProblem, up: Scaling, duration: Integers, setup: Integers) -> int:
    """Return the last step: the given horizon, or one that excludes no best schedule.

    After the last release, break and change of price nothing depends on the time any more, so that every task can
    follow there without a gap and nothing is gained by waiting.
    """
    data = problem.data
    if problem.horizon is not None:
        return int(Scaling(up.factor, "down").to_integers(problem.horizon))
    ends = [pause.end for pause in data.calendars]
    steady = max(
        [float(data.timing.release.max()), *ends, *([] if data.tariff is None else data.tariff.starts)]
    )
    longest = data.structure.of_tasks(duration, np.maximum, 0)
    return int(up.to_integers(max(0.0, steady))) + int(longest.sum()) + len(data.tasks) * int(setup.max())


def _grid_costs(
    problem: SchedulingProblem, step: float, timing: ShopTiming, horizon: int, direction: Direction
) -> TimeGrid:
    """Turn the costs into integers and add up what rounding can change."""
    data = problem.data
    edges, prices, moved = _pieces(data, step, horizon)
    power = np.zeros(len(data.modes)) if data.energy is None else data.energy / data.timing.duration
    part = data.timing.duration - timing.duration * step
    late = np.where(np.isfinite(timing.due), data.tardiness_cost, 0.0)
    rates = np.concatenate([[problem.makespan_cost], late]) * step
    energy = (power[:, None] * prices + data.mode_cost[:, None]) * step
    middle = 0.5 * (prices.max() + prices.min())
    running = (power * middle + data.mode_cost) * part
    largest = rates.sum() * horizon + np.abs(energy).max(initial=0.0) * timing.duration.sum()
    scaling = scaling_for(max(largest, 1e-9), 1, limit=_LARGEST, target_resolution=1e-12)
    whole_rates = scaling.to_integers(rates)
    costs = GridCosts(
        makespan=int(whole_rates[0]),
        tardiness=whole_rates[1:],
        edges=edges,
        energy=scaling.to_integers(energy),
        running=scaling.to_integers(running),
    )
    spread = float(prices.max() - prices.min())
    shift = np.abs(part) / 2 if direction == "safe" else np.abs(part) / 2 + step
    per_mode = power * (spread * shift + moved)
    per_mode += np.abs(costs.energy / scaling.factor - energy).max(axis=1) * timing.duration
    per_mode += np.abs(costs.running / scaling.factor - running)
    slack = float((np.abs(whole_rates / scaling.factor - rates) * horizon).sum())
    slack += float(data.structure.of_tasks(per_mode, np.maximum, 0.0).sum())
    if direction == "safe":
        slack += _regular_slack(problem, step, timing)
    return TimeGrid(step, data.structure, timing, horizon, costs, scaling.factor, slack)


def _regular_slack(problem: SchedulingProblem, step: float, timing: ShopTiming) -> float:
    """Bound what later ends and earlier due dates add to makespan and tardiness."""
    data = problem.data
    longer = timing.duration * step - data.timing.duration
    makespan = problem.makespan_cost * float(longer.max(initial=0.0))
    per_task = data.structure.of_tasks(longer, np.maximum, 0.0)
    per_job = np.zeros(len(data.jobs))
    np.maximum.at(per_job, data.structure.task_job, per_task)
    has_due_date = np.isfinite(timing.due)
    earlier = data.timing.due[has_due_date] - timing.due[has_due_date] * step
    return makespan + float((data.tardiness_cost[has_due_date] * (per_job[has_due_date] + earlier)).sum())


def _pieces(data: SchedulingData, step: float, horizon: int) -> tuple[Integers, Floats, float]:
    """Return the edges between constant prices on the grid, the prices, and what moving the edges can change.

    The last is in money times time per energy: the sum over the edges of price change times distance moved.
    """
    if data.tariff is None:
        return np.array([0, horizon]), np.zeros(1), 0.0
    tariff = data.tariff
    change = np.concatenate([[True], np.diff(tariff.prices) != 0])
    starts, prices = tariff.starts[change], tariff.prices[change]
    rounded = Scaling(1.0 / step, "nearest").to_integers(starts)
    inside = (rounded > 0) & (rounded < horizon)
    first = int(np.searchsorted(rounded, 0, side="right")) - 1
    moved = np.abs(np.diff(prices)) * np.abs(starts[1:] - rounded[1:] * step)
    edges = np.concatenate([[0], rounded[inside], [horizon]])
    values = np.concatenate([[prices[max(first, 0)]], prices[inside]])
    wide = np.diff(edges) > 0
    return np.append(edges[:-1][wide], horizon), values[wide], float(moved.sum())


# Lower bounds that do without the order of tasks: what machines work, and when they run at which price.

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
