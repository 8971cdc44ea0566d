"""Scheduling: local search and CP-SAT on a grid of time steps; a good schedule, and a lower bound on the law."""

from __future__ import annotations

from typing import Any

import ortools

from kanopt.engines.base import Outcome, SolveOptions, Solver
from kanopt.engines.compiled.library import why_no_kernel
from kanopt.interrupt import Interrupt
from kanopt.plans.base import Problem
from kanopt.plans.findings import Status
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.search.grid import choose_step, is_exact, lower
from kanopt.scheduling.search.run import SchedulingRun
from kanopt.scheduling.search.schedules import FoundSchedule, ScheduleGrids, is_optimal


class CpSatScheduling(Solver):
    """Local search and CP-SAT on a grid of time steps.

    Schedules are dispatched first, so that there is a plan from the start, and improved by simulated annealing in
    compiled code, which knows every rule. For a tenth of the time limit CP-SAT tries to solve the problem outright.
    Then local search goes on, CP-SAT improves its best schedule by large neighbourhood search, and the rest of the time
    is for the lower bound; each takes less where it ends by itself. In CP-SAT makespan and tardiness come first and the
    whole cost after them, since energy is easily moved once the order of tasks is good; what was proved of the first
    part is a rule for the second. The horizon leaves out what is dearer than the best schedule so far. Where times are
    no multiples of the step, schedules come from the safe grid and bounds from the relaxed one. Networks of tasks and
    resources, which compiled code does not know, are searched by random keys instead. Where there is no compiled code,
    CP-SAT starts from greedy schedules, and its neighbourhood search gets the time of the local one.

    Where every search ends by itself, and where the time limit counts work (CP-SAT's deterministic time), the same seed
    gives the same plan.

    Examples
    --------
    >>> from kanopt.scheduling import Job, Machine, Mode, Task
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
        cpsat = f"OR-Tools CP-SAT {ortools.__version__}"
        return cpsat if why_no_kernel() else f"{cpsat} + local search"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a scheduling problem, else why it does not fit."""
        if isinstance(problem, SchedulingProblem):
            return ""
        return f"solves scheduling problems, not {problem.kind}"

    def lower(self, problem: SchedulingProblem, options: SolveOptions) -> ScheduleGrids | None:
        """Return the problem on grids of time; None where a task has no machine that can run it."""
        began = options.clock.now()
        if len(set(problem.data.structure.mode_task.tolist())) < len(problem.data.tasks):
            return None
        step = choose_step(problem)
        exact = is_exact(problem, step)
        safe = lower(problem, step, "safe")
        return ScheduleGrids(problem, safe, safe if exact else lower(problem, step, "relaxed"), began)

    def search(self, model: ScheduleGrids | None, options: SolveOptions) -> FoundSchedule:
        """Search the grids; every schedule that is found is one on the safe grid, or was moved there."""
        if model is None:
            return FoundSchedule(None, None, proved_infeasible=True)
        with Interrupt() as interrupt:
            return SchedulingRun(model, options, interrupt).run()

    def raise_plan(self, model: ScheduleGrids | None, found: FoundSchedule) -> Outcome:
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
        optimal = found.bound is not None and is_optimal(objective, found.bound)
        return Outcome(
            plan=model.schedule(found.best.modes, found.best.starts),
            status=Status.OPTIMAL if optimal else Status.FEASIBLE,
            objective=objective - model.head_start,
            # the caller subtracts the rounding bound again
            bound=None if found.bound is None else found.bound + slack - model.head_start,
            rounding_bound=slack,
            message=model.step_message(),
            **shared,
        )
