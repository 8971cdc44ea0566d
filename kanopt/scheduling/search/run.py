"""One search for a schedule: starts, local search, and CP-SAT beside it for better schedules and a lower bound."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from kanopt.array_types import Integers
from kanopt.engines.base import SolveOptions
from kanopt.engines.compiled.library import why_no_kernel
from kanopt.engines.cpsat import (
    CpSatResult,
    CpSatTermination,
    SearchGoal,
    SearchLimits,
    complete_hint,
    run_cpsat,
)
from kanopt.engines.highs import (
    HighsOptions,
    HighsTermination,
    MixedIntegerModel,
    RowCollector,
    VariableBlock,
    run_highs,
)
from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.plans.result import Progress
from kanopt.scheduling.dispatch import repair_starts
from kanopt.scheduling.search.grid import TimeGrid, task_windows
from kanopt.scheduling.search.key_search import KeySearch
from kanopt.scheduling.search.local_search import Annealing, ShopSearch, knows_rules
from kanopt.scheduling.search.model import ScheduleModel, model_size, work_per_second
from kanopt.scheduling.search.schedules import (
    FoundSchedule,
    ScheduleCandidate,
    ScheduleGrids,
    dispatch,
    dispatched,
    given_schedule,
    is_optimal,
)

# Lower bounds of a grid that do without the order of tasks: what machines work, and when they run at which
# price.

_SLACK = 1e-6
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
            makespan = max(makespan, math.ceil(found.fun - _SLACK * max(1.0, found.fun)))
    return int(costs.makespan * makespan) + math.ceil(float(costs.tardiness @ late) - _SLACK)


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
    common = np.minimum(timing.closes[:, :, None], edges[1:]) - np.maximum(
        timing.opens[:, :, None], edges[:-1]
    )
    opened = np.clip(common, 0, None).sum(axis=1)
    opened[~at.one_at_a_time] = np.inf
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


_GLANCE_SHARE, _FIRST_SHARE, _ANNEAL_SHARE, _IMPROVE_SHARE = 0.05, 0.15, 0.5, 0.05
_FIRST_PER_TASK, _FIRST_PER_TASK_PRICES = 0.04, 0.01
"""Seconds: what CP-SAT does not solve in that time takes it much longer."""
_SLICE_SHARE, _SLICE_PER_TASK = 0.4, 0.05
"""Share of the time and seconds for each task, at most, of a neighbourhood search of a project before it is judged."""
_KEYS_SHARE, _SMALL_PROJECT = 0.75, 40
"""Share of the time in which a project is searched by keys; tasks up to which most are proved, so that once will do."""
_EARLY_SHARE, _REGULAR_SHARE, _RELAXED_SHARE = 0.6, 0.75, 0.9
_SMALL, _SMALL_SHARE, _LARGE_SHARE = 120, 0.75, 0.3
"""Tasks up to which proofs end soon; their share of the time there, and where there are more."""
_LEAST_SECONDS = 0.5  # in which HiGHS starts and does something
_PAUSE = 0.2
"""Seconds between two schedules that local search offers: each is checked by the referee."""
_LARGEST_MODEL = 30_000
"""Of tasks and prices that may meet, and pairs of tasks that may follow each other: about a second to build."""


@dataclass(frozen=True, eq=False)
class _GridSearch:
    """One search on a grid.

    Parameters
    ----------
    grid
        What is searched; it is shortened to what can beat the best schedule so far.
    lower_bound
        A proven lower bound on makespan plus tardiness; None to minimise only these.
    goal
        What the search is for.
    on_safe_grid
        Whether schedules on the grid are schedules on the safe grid, or must be moved there.
    raises_bound
        As in :class:`~kanopt.engines.cpsat.SearchLimits`.
    """

    grid: TimeGrid
    lower_bound: int | None
    goal: SearchGoal
    on_safe_grid: bool
    raises_bound: bool = False

    def fits(self, grid: TimeGrid) -> bool:
        """Return whether the model is small enough to be built and searched in a moment."""
        return model_size(grid, whole=self.lower_bound is not None) <= _LARGEST_MODEL


class SchedulingRun:
    """One call of solve: the searches, and the best schedule so far."""

    def __init__(self, model: ScheduleGrids, options: SolveOptions, interrupt: Interrupt) -> None:
        self.model, self.options, self.interrupt = model, options, interrupt
        self.problem, self.safe, self.relaxed = model.problem, model.safe, model.relaxed
        self.best: ScheduleCandidate | None = None
        self.bound: float | None = None
        self.regular_bound = least_regular(model.relaxed)
        self.regular_is_best = False
        self.history: list[Progress] = []
        self.local = (
            None if why_no_kernel() or not knows_rules(model.safe) else ShopSearch(model.safe, options.seed)
        )
        self._looked = self._elapsed()

    def run(self) -> FoundSchedule:
        """Search until the time is over or nothing better is to be found."""
        self._start()
        self._raise_bound(self.regular_bound + self.relaxed.least_energy())
        limit = self.options.time_limit
        self._anneal(_GLANCE_SHARE * limit)
        first = self.safe if self.local is None else self.relaxed
        tasks, has_prices = len(self.problem.data.tasks), len(self.safe.costs.edges) > 2
        per_task = _FIRST_PER_TASK_PRICES if has_prices else _FIRST_PER_TASK
        share = min(_FIRST_SHARE * limit, per_task * tasks)
        ending = self._minimise(first, share, SearchGoal.SOLVE)
        is_known = ending is not CpSatTermination.LIMIT and first is self.relaxed
        if not knows_rules(self.safe):
            self._search_keys(_KEYS_SHARE * limit)
            self._improve_while_it_gains(min(_SLICE_SHARE * limit, _SLICE_PER_TASK * tasks))
        elif ending is CpSatTermination.LIMIT or not (self.model.exact or self.best is None):
            self._anneal(_ANNEAL_SHARE * limit)
            self._improve(_IMPROVE_SHARE * limit if self.local else _ANNEAL_SHARE * limit)
        if not (self._is_over or is_known):
            ending = self._minimise(self.relaxed, limit - self._elapsed(), SearchGoal.PROVE)
            if ending is CpSatTermination.LIMIT:
                self._anneal(limit - self._elapsed())
        proved = ending is CpSatTermination.INFEASIBLE
        return FoundSchedule(self.best, self.bound, proved, tuple(self.history), self.interrupt.asked)

    @property
    def _is_over(self) -> bool:
        """Whether nothing better is to be found, or the user asked to stop once there is a schedule."""
        return self._is_proved or self.interrupt.should_stop(found=self.best is not None)

    @property
    def _is_proved(self) -> bool:
        """Whether the bound has met the best schedule."""
        if self.best is None or self.bound is None:
            return False
        return is_optimal(self.best.cost / self.safe.scale, self.bound)

    def _elapsed(self) -> float:
        return self.options.clock.now() - self.model.began

    def _start(self) -> None:
        """Offer dispatched schedules, and the user's."""
        if self.local is None:
            for modes, starts in dispatched(self.safe):
                self._offer(modes, starts)
        else:
            dispatch(self.local)
            self._look(at_once=True)
        given = given_schedule(self.problem, self.options.initial, self.safe.step)
        if given is not None:
            self._offer(*given)

    def _anneal(self, seconds: float) -> None:
        """Search locally."""
        if self.local is not None and not self._is_over:
            Annealing(self.local, self.options.clock, self._look).run(seconds)
            self._look(at_once=True)

    def _look(self, *, at_once: bool = False) -> bool:
        """Offer what local search has found, some times a second; return whether to stop."""
        assert self.local is not None  # who calls this has it
        found = self.local.report
        is_better = found.best_over == 0 and (self.best is None or found.best_cost < self.best.cost)
        if is_better and (at_once or self._elapsed() - self._looked >= _PAUSE):
            modes, starts = self.local.best()
            cost = self.safe.cost(modes, starts)
            if cost != found.best_cost:
                raise SolverError(
                    f"local search counts {found.best_cost} for a schedule that costs {cost} on its grid"
                )
            self._offer(modes, starts)
            self._looked = self._elapsed()
        return self._is_over

    def _offer(self, modes: Integers, starts: Integers) -> None:
        """Accept a schedule that was not made by the solver, where it holds on the law."""
        if self.problem.check(self.model.schedule(modes, starts)).ok:
            self._accept(modes, starts, self.safe.cost(modes, starts))

    def _accept(self, modes: Integers, starts: Integers, cost: int) -> None:
        """Store and report a schedule if it is the best so far."""
        if self.best is not None and cost >= self.best.cost:
            return
        self.best = ScheduleCandidate(modes, starts, cost)
        bound = None if self.bound is None else self.bound - self.model.head_start
        progress = Progress(self._elapsed(), cost / self.safe.scale - self.model.head_start, bound)
        self.history.append(progress)
        if self.options.progress is not None:
            try:
                self.options.progress(progress)
            except KeyboardInterrupt:
                self.interrupt.ask()

    def _raise_bound(self, cost: float) -> None:
        """Turn a bound on a grid's cost into one on the law, and keep the highest."""
        if np.isfinite(cost):
            bound = cost / self.relaxed.scale - self.relaxed.slack
            self.bound = bound if self.bound is None else max(self.bound, bound)

    def _minimise(self, grid: TimeGrid, seconds: float, aim: SearchGoal) -> CpSatTermination:
        """Search a grid: makespan and tardiness first, then the whole cost; return how it ended.

        To prove something, the first part leaves setups out: what holds without them holds with them.
        """
        until = self._elapsed() + seconds
        floor = self.regular_bound if grid is self.relaxed else 0
        easier = aim is SearchGoal.PROVE and bool(grid.timing.setup.any())
        if aim is SearchGoal.PROVE and grid is self.relaxed and self.best is not None:
            short = grid.shortened(grid.cost(self.best.modes, self.best.starts))
            self._bound_energy(short, _EARLY_SHARE * seconds)
        if grid.has_regular_cost and (grid.costs.energy.any() or easier):
            part = grid.without_setups() if easier else grid
            search = _GridSearch(part, None, aim, on_safe_grid=grid is self.safe and not easier)
            found, short = self._prove(search, _REGULAR_SHARE * seconds)
            if found.termination is CpSatTermination.INFEASIBLE or self._is_over:
                return found.termination
            self.regular_is_best |= found.termination is CpSatTermination.OPTIMAL and not easier
            if np.isfinite(found.bound):  # not where the model was too large
                floor = max(floor, round(found.bound))
            if grid is self.relaxed:
                self.regular_bound = floor
                self._raise_bound(floor + short.least_energy())
                if aim is SearchGoal.PROVE:
                    self._bound_energy(short, _RELAXED_SHARE * (until - self._elapsed()))
        search = _GridSearch(grid, floor, aim, on_safe_grid=grid is self.safe)
        return self._prove(search, until - self._elapsed())[0].termination

    def _prove(self, search: _GridSearch, seconds: float) -> tuple[CpSatResult, TimeGrid]:
        """Search as a whole, which ends soon in small shops, then at the lower bound, which rises in large ones."""
        with_energy = search.lower_bound is not None and bool(search.grid.costs.energy.any())
        if search.goal is not SearchGoal.PROVE or with_energy:
            return self._search(search, seconds)
        if search.grid.timing.need.any():
            return self._search(replace(search, raises_bound=True), seconds)
        until = self._elapsed() + seconds
        is_small = len(self.problem.data.tasks) <= _SMALL
        found, grid = self._search(search, (_SMALL_SHARE if is_small else _LARGE_SHARE) * seconds)
        if found.termination is not CpSatTermination.LIMIT or self._is_over:
            return found, grid
        raised, grid = self._search(replace(search, raises_bound=True), until - self._elapsed())
        return (raised if raised.bound > found.bound else found), grid

    def _bound_energy(self, grid: TimeGrid, seconds: float) -> None:
        """Raise the bound by a linear relaxation that sees when power is cheap.

        HiGHS counts no work, so that a limit in work has no such bound.
        """
        if self.options.deterministic or len(grid.costs.edges) == 2 or seconds < _LEAST_SECONDS:
            return
        known = float(grid.cost(self.best.modes, self.best.starts)) if self.best is not None else np.inf
        model = relax(grid, self.regular_bound)
        # of 480 tasks at 48 prices: 2.7 CPU seconds by interior points, more than 20 by the simplex method
        options = HighsOptions(seconds, self.options.seed, has_plan=True, method="ipm")
        found = run_highs(model, options)
        if found.bound is not None and found.termination is HighsTermination.OPTIMAL:
            # the grid leaves out what is dearer than the best schedule
            self._raise_bound(min(known, grid.scale * (found.bound - _SLACK * max(1.0, abs(found.bound)))))

    def _search_keys(self, seconds: float) -> None:
        """Search the orders in which tasks are placed, from the best schedule again and again where proofs are rare."""
        until, is_small, rounds = self._elapsed() + seconds, len(self.problem.data.tasks) <= _SMALL_PROJECT, 0
        while not self._is_over and self._elapsed() < until and not (rounds and is_small):
            if self.best is None or not KeySearch.fits(self.safe, self.best.starts, self.best.modes):
                return
            modes = self.best.modes

            def offer(found: Integers, cost: int, modes: Integers = modes) -> bool:
                if self.best is None or cost < self.best.cost:
                    self._offer(modes, found)
                return self._is_over

            search = KeySearch(self.safe, modes, self.best.starts, self.options.seed + rounds)
            search.run(self.options.clock, until - self._elapsed(), offer)
            rounds += 1

    def _improve_while_it_gains(self, seconds: float) -> None:
        """Improve the best schedule again and again for some seconds, until that is in vain or the time is over."""
        before = None
        while not self._is_over and self.best is not before and self._elapsed() < self.options.time_limit:
            before = self.best
            self._improve(min(seconds, self.options.time_limit - self._elapsed()))

    def _improve(self, seconds: float) -> None:
        """Improve the best schedule by neighbourhood search: makespan and tardiness first, then the whole cost."""
        until = self._elapsed() + seconds
        whole = _GridSearch(self.safe, 0, SearchGoal.IMPROVE, on_safe_grid=True)
        if not whole.fits(self.safe):
            return
        if self.safe.costs.energy.any() and self.safe.has_regular_cost and not self.regular_is_best:
            self._search(
                _GridSearch(self.safe, None, SearchGoal.IMPROVE, on_safe_grid=True), _REGULAR_SHARE * seconds
            )
        self._search(whole, until - self._elapsed())

    def _search(self, search: _GridSearch, seconds: float) -> tuple[CpSatResult, TimeGrid]:
        """Run CP-SAT from the best schedule so far, and keep what it finds; return also the shortened grid."""
        grid, floor = search.grid, search.lower_bound
        if self._is_over or (search.goal is SearchGoal.IMPROVE and self.best is None):
            return CpSatResult(CpSatTermination.LIMIT, None, -np.inf), grid
        if self.best is not None:
            grid = grid.shortened(grid.cost(self.best.modes, self.best.starts))
        until = self._elapsed() + seconds
        if not search.fits(grid):
            return CpSatResult(CpSatTermination.LIMIT, None, -np.inf), grid
        model = ScheduleModel(grid)
        if model.impossible:
            return CpSatResult(CpSatTermination.INFEASIBLE, None, np.inf), grid
        if floor is None:
            model.minimise_regular()
        else:
            model.minimise(floor)
        with_energy = floor is not None and bool(grid.costs.energy.any())
        is_part = search.goal is SearchGoal.PROVE and floor is None and bool(grid.costs.energy.any())
        # where energy counts too, the best schedule is far from the one of the least makespan and tardiness
        if self.best is not None and not is_part:
            model.hint(self.best.modes, self.best.starts)
            self.options.clock.spend(complete_hint(model.model, until - self._elapsed()))
        bounding = floor is not None and (self.model.exact or not search.on_safe_grid)

        def on_solution(values: tuple[int, ...], objective: float, bound: float) -> None:
            modes, starts = model.read(values)
            cost = grid.cost(modes, starts)
            if floor is not None and objective < cost - 0.5:
                raise SolverError(
                    f"CP-SAT counts {objective:.0f} for a schedule that costs {cost} on its grid"
                )
            if bounding:
                self._raise_bound(bound)
            if search.on_safe_grid:
                self._accept(modes, starts, cost)
            else:
                self._move_to_safe_grid(modes, starts)

        # of several strategies in turns none gets far where resources are shared
        shares, goal = bool(grid.timing.need.any()), search.goal
        if shares and goal is SearchGoal.SOLVE:
            goal = SearchGoal.PROVE
        options = self.options
        limits = SearchLimits(
            until - self._elapsed(),
            options.seed,
            options.workers,
            options.deterministic,
            goal,
            # linear programmes help with energy alone: without them a job shop of 10 × 10 is proved in seconds
            linearization=None if with_energy else 0,
            raises_bound=search.raises_bound,
            orders=search.goal is not SearchGoal.IMPROVE and not (with_energy or search.raises_bound),
            overloads=shares and search.raises_bound,
            work_per_second=work_per_second(grid, whole=with_energy),
        )
        found = run_cpsat(
            model.model,
            limits,
            model.solution_variables,
            self.interrupt,
            on_solution,
            has_plan=self.best is not None,
        )
        options.clock.spend(found.work)
        if bounding:
            self._raise_bound(found.bound)
        return found, grid

    def _move_to_safe_grid(self, modes: Integers, starts: Integers) -> None:
        """Move a schedule from the relaxed to the safe grid, where it can be, and offer it."""
        moved = repair_starts(self.safe.structure, self.safe.timing, modes, starts.astype(np.float64))
        if moved is not None:
            self._offer(modes, moved.astype(np.int64))
