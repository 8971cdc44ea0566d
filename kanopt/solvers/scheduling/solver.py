"""Scheduling on CP-SAT: a good schedule, and a lower bound that holds on the law."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import ortools
from numpy.typing import NDArray

from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.problems.base import Problem
from kanopt.problems.result import Progress, Status
from kanopt.problems.scheduling import Schedule, SchedulingProblem
from kanopt.problems.scheduling.dispatch import dispatch_greedily, remaining_work, repair_starts
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.cpsat import (
    CpSatResult,
    CpSatTermination,
    SearchGoal,
    SearchLimits,
    complete_hint,
    run_cpsat,
)
from kanopt.solvers.scheduling.grid import TimeGrid, choose_step, is_exact, lower
from kanopt.solvers.scheduling.model import ScheduleModel
from kanopt.text import amount_text

__all__ = ["CpSatScheduling"]

Ints = NDArray[np.int64]

_FIRST_SHARE = 0.1
_IMPROVE_SHARE = 0.45
_REGULAR_SHARE = 0.4
_OPTIMAL_GAP = 1e-4


class CpSatScheduling(Solver):
    """CP-SAT on a grid of time steps.

    Greedy schedules are built first, so that there is a plan from the start. Then CP-SAT tries to solve the problem
    outright, improves the best schedule by large neighbourhood search, and spends the rest of the time on the lower
    bound: 10, 45 and 45 % of the time limit, each less where it ends by itself. In each of these makespan and tardiness
    come first and the whole cost after them, since energy is easily moved once the order of tasks is good; what was
    proved of the first part is a rule for the second. The horizon leaves out what is dearer than the best schedule so
    far. Where times are no multiples of the step, schedules come from the safe grid and bounds from the relaxed one.

    Where every search ends by itself, and where the time limit counts work (CP-SAT's deterministic time), the same seed
    gives the same plan.

    Examples
    --------
    >>> from kanopt.problems import Job, Machine, Mode, Task
    >>> problem = SchedulingProblem(
    ...     jobs=[Job("j1"), Job("j2")], tasks=[Task("a", "j1"), Task("b", "j2")], machines=[Machine("saw")],
    ...     modes=[Mode("a", "saw", duration=8.0), Mode("b", "saw", duration=4.0)], makespan_cost=1.0)
    >>> outcome = CpSatScheduling().solve(problem, SolveOptions(time_limit=5))
    >>> outcome.status.value, outcome.objective, outcome.bound
    ('optimal', 12.0, 12.0)
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"OR-Tools CP-SAT {ortools.__version__}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a scheduling problem, else why it does not fit."""
        if isinstance(problem, SchedulingProblem):
            return ""
        return f"solves scheduling problems, not {problem.kind}"

    def lower(self, problem: SchedulingProblem, options: SolveOptions) -> _ScheduleGrids | None:
        """Return the problem on grids of time; None where a task has no machine that can run it."""
        began = options.clock.now()
        if len(set(problem.data.structure.mode_task.tolist())) < len(problem.data.tasks):
            return None
        step = choose_step(problem)
        exact = is_exact(problem, step)
        safe = lower(problem, step, "safe")
        return _ScheduleGrids(problem, safe, safe if exact else lower(problem, step, "relaxed"), began)

    def search(self, model: _ScheduleGrids | None, options: SolveOptions) -> _FoundSchedule:
        """Search the grids; every schedule that is found is one on the safe grid, or was moved there."""
        if model is None:
            return _FoundSchedule(None, None, proved_infeasible=True)
        with Interrupt() as interrupt:
            return _CpSatSchedulingRun(model, options, interrupt).run()

    def raise_plan(self, model: _ScheduleGrids | None, found: _FoundSchedule) -> Outcome:
        """Return the schedule in clock times; the bound is one on the law once ``rounding_bound`` is taken off."""
        if model is None:
            message = "a task has no machine that can run it"
            return Outcome(None, Status.INFEASIBLE, None, None, 0.0, message=message)
        shared: dict[str, Any] = {"history": found.history, "interrupted": found.interrupted}
        if found.best is None:
            status, message = Status.NO_PLAN, "no schedule was found within the limit"
            if found.proved_infeasible:
                status, message = Status.INFEASIBLE, "CP-SAT proved that there is no schedule"
            elif found.interrupted:
                message = "stopped before a first schedule was found"
            return Outcome(None, status, None, None, 0.0, message=message, **shared)
        objective, slack = found.best.cost / model.safe.scale, model.safe.slack
        near = _OPTIMAL_GAP * max(abs(objective), 1e-9)
        optimal = found.bound is not None and objective - found.bound <= near
        return Outcome(
            plan=model.schedule(found.best.modes, found.best.starts),
            status=Status.OPTIMAL if optimal else Status.FEASIBLE,
            objective=objective,
            # the caller subtracts the rounding bound again
            bound=None if found.bound is None else found.bound + slack,
            rounding_bound=slack,
            message=model.step_message(),
            **shared,
        )


@dataclass(frozen=True, eq=False)
class _ScheduleGrids:
    """A problem on grids of time.

    Parameters
    ----------
    problem
        The problem.
    safe
        A schedule on it is one on the law.
    relaxed
        A bound on it is one on the law; the same grid where times are multiples of the step.
    began
        When lowering began: the time limit counts from then.
    """

    problem: SchedulingProblem
    safe: TimeGrid
    relaxed: TimeGrid
    began: float

    @property
    def exact(self) -> bool:
        """Whether all times are multiples of the step."""
        return self.relaxed is self.safe

    def schedule(self, modes: Ints, starts: Ints) -> Schedule:
        """Return a schedule in clock times."""
        return self.problem.schedule(modes, starts.astype(np.float64) * self.safe.step)

    def step_message(self) -> str:
        """Say how times are rounded."""
        step = amount_text(self.safe.step, self.problem.units.time, 6)
        if self.exact:
            return f"planned in steps of {step}, of which every time is a multiple"
        return f"planned in steps of {step}; times rounded to the safe side"


@dataclass(frozen=True, eq=False)
class _ScheduleCandidate:
    """A schedule on the safe grid and its cost there."""

    modes: Ints
    starts: Ints
    cost: int


@dataclass(frozen=True, eq=False)
class _FoundSchedule:
    """What the searches found.

    Parameters
    ----------
    best
        The best schedule, or None.
    bound
        A lower bound on the law, or None.
    proved_infeasible
        Whether the last search proved that there is no schedule, or none better.
    history, interrupted
        As in :class:`~kanopt.solvers.Outcome`.
    """

    best: _ScheduleCandidate | None
    bound: float | None
    proved_infeasible: bool
    history: tuple[Progress, ...] = ()
    interrupted: bool = False


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
    """

    grid: TimeGrid
    lower_bound: int | None
    goal: SearchGoal
    on_safe_grid: bool


class _CpSatSchedulingRun:
    """One call of solve: the searches, and the best schedule so far."""

    def __init__(self, model: _ScheduleGrids, options: SolveOptions, interrupt: Interrupt) -> None:
        self.model, self.options, self.interrupt = model, options, interrupt
        self.problem, self.safe, self.relaxed = model.problem, model.safe, model.relaxed
        self.best: _ScheduleCandidate | None = None
        self.bound: float | None = None
        self.regular_bound = 0
        self.regular_is_best = False
        self.history: list[Progress] = []

    def run(self) -> _FoundSchedule:
        for modes, starts in self._starts():
            self._offer(modes, starts)
        limit = self.options.time_limit
        ending = self._minimise(self.safe, _FIRST_SHARE * limit, SearchGoal.SOLVE)
        if ending is CpSatTermination.LIMIT:
            self._improve(_IMPROVE_SHARE * limit)
        if not (self._is_stopped or (self.model.exact and ending is not CpSatTermination.LIMIT)):
            ending = self._minimise(self.relaxed, limit - self._elapsed(), SearchGoal.PROVE)
        proved = ending is CpSatTermination.INFEASIBLE
        return _FoundSchedule(self.best, self.bound, proved, tuple(self.history), self.interrupt.asked)

    @property
    def _is_stopped(self) -> bool:
        """Whether the user asked to stop, and there is a schedule or was time to find one."""
        return self.interrupt.should_stop(found=self.best is not None)

    def _elapsed(self) -> float:
        return self.options.clock.now() - self.model.began

    def _starts(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield schedules to start from: greedy ones, and the user's moved onto the grid."""
        structure, timing = self.safe.structure, self.safe.timing
        left = remaining_work(structure, timing)
        slack = timing.due[structure.task_job] - left
        for priority in (None, -left, slack):
            greedy = dispatch_greedily(structure, timing, priority)
            if greedy is not None:
                yield greedy[0], greedy[1].astype(np.int64)
        given = self.options.initial
        place = {
            mode: at for at, mode in enumerate((m.task, m.machine, m.name) for m in self.problem.data.modes)
        }
        # a schedule made for other data may name modes that are no more
        if not isinstance(given, Schedule) or any(
            (row.task, row.machine, row.mode) not in place for row in given.assignments
        ):
            return
        if not self.problem.check(given).ok:
            return
        by_task = {row.task: row for row in given.assignments}
        rows = [by_task[task.name] for task in self.problem.data.tasks]
        modes = np.array([place[row.task, row.machine, row.mode] for row in rows], dtype=np.int64)
        yield modes, np.rint(np.array([row.start for row in rows]) / self.safe.step).astype(np.int64)

    def _offer(self, modes: Ints, starts: Ints) -> None:
        """Accept a schedule that was not made by the solver, where it holds on the law."""
        if self.problem.check(self.model.schedule(modes, starts)).ok:
            self._accept(modes, starts, self.safe.cost(modes, starts))

    def _accept(self, modes: Ints, starts: Ints, cost: int) -> None:
        """Store and report a schedule if it is the best so far."""
        if self.best is not None and cost >= self.best.cost:
            return
        self.best = _ScheduleCandidate(modes, starts, cost)
        progress = Progress(self._elapsed(), cost / self.safe.scale, self.bound)
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
        if grid.has_regular_cost and (grid.costs.energy.any() or easier):
            part = grid.without_setups() if easier else grid
            search = _GridSearch(part, None, aim, on_safe_grid=grid is self.safe and not easier)
            found, short = self._search(search, _REGULAR_SHARE * seconds)
            if found.termination is CpSatTermination.INFEASIBLE or self._is_stopped:
                return found.termination
            self.regular_is_best |= found.termination is CpSatTermination.OPTIMAL and not easier
            floor = max(floor, round(found.bound))
            if grid is self.relaxed:
                self.regular_bound = floor
                self._raise_bound(floor + short.least_energy())
        found, _ = self._search(
            _GridSearch(grid, floor, aim, on_safe_grid=grid is self.safe), until - self._elapsed()
        )
        return found.termination

    def _improve(self, seconds: float) -> None:
        """Improve the best schedule by neighbourhood search: makespan and tardiness first, then the whole cost."""
        until = self._elapsed() + seconds
        if self.safe.costs.energy.any() and self.safe.has_regular_cost and not self.regular_is_best:
            self._search(
                _GridSearch(self.safe, None, SearchGoal.IMPROVE, on_safe_grid=True), _REGULAR_SHARE * seconds
            )
        self._search(
            _GridSearch(self.safe, 0, SearchGoal.IMPROVE, on_safe_grid=True), until - self._elapsed()
        )

    def _search(self, search: _GridSearch, seconds: float) -> tuple[CpSatResult, TimeGrid]:
        """Run CP-SAT from the best schedule so far, and keep what it finds; return also the shortened grid."""
        grid, floor = search.grid, search.lower_bound
        if self._is_stopped or (search.goal is SearchGoal.IMPROVE and self.best is None):
            return CpSatResult(CpSatTermination.LIMIT, None, -np.inf), grid
        if self.best is not None:
            grid = grid.shortened(grid.cost(self.best.modes, self.best.starts))
        model = ScheduleModel(grid)
        if model.impossible:
            return CpSatResult(CpSatTermination.INFEASIBLE, None, np.inf), grid
        if floor is None:
            model.minimise_regular()
        else:
            model.minimise(floor)
        if self.best is not None:
            model.hint(self.best.modes, self.best.starts)
            complete_hint(model.model)
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

        options = self.options
        limits = SearchLimits(seconds, options.seed, options.workers, options.deterministic, search.goal)
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

    def _move_to_safe_grid(self, modes: Ints, starts: Ints) -> None:
        """Move a schedule from the relaxed to the safe grid, where it can be, and offer it."""
        moved = repair_starts(self.safe.structure, self.safe.timing, modes, starts.astype(np.float64))
        if moved is not None:
            self._accept(modes, moved.astype(np.int64), self.safe.cost(modes, moved.astype(np.int64)))
