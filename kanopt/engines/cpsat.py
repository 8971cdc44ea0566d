"""Run CP-SAT so that Ctrl-C keeps the best solution and progress reaches the caller in its own thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ortools.sat.python import cp_model

from kanopt.engines.base import Termination
from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt

_POLL = 0.05
WORK_PER_SECOND = 0.3
"""CP-SAT's deterministic time in a second on one core, about."""
_COMPLETION = 1.0


class SearchGoal(StrEnum):
    """What a search is for."""

    SOLVE = "solve"
    """Solutions and bound."""
    IMPROVE = "improve"
    """Better solutions than the hinted one, by large neighbourhood search; ends at its limit only."""
    PROVE = "prove"
    """A bound: one strategy is followed instead of all in turns."""


@dataclass(frozen=True)
class SearchLimits:
    """How long and how to search.

    Parameters
    ----------
    seconds
        Wall seconds.
    seed, workers
        As in :class:`~kanopt.engines.base.SolveOptions`.
    deterministic
        Whether `seconds` count work, by CP-SAT's deterministic time; then the same seed gives the same plan with one
        worker.
    goal
        What the search is for.
    linearization
        How much of the model is put into linear programmes: CP-SAT's own choice, or 0, 1 or 2.
    raises_bound
        Whether solutions are looked for at the lower bound alone, which rises as there are none.
    orders
        Whether what follows from the order of intervals that may not overlap is looked for with more effort.
    overloads
        Whether it is checked that what is to run in a time fits into the resources.
    work_per_second
        CP-SAT's deterministic time in a second, about, on such a model.
    """

    seconds: float
    seed: int = 0
    workers: int = 1
    deterministic: bool = False
    goal: SearchGoal = SearchGoal.SOLVE
    linearization: int | None = None
    raises_bound: bool = False
    orders: bool = False
    overloads: bool = False
    work_per_second: float = WORK_PER_SECOND


@dataclass(frozen=True)
class CpSatResult:
    """What a search found.

    Parameters
    ----------
    termination
        Why it ended.
    objective
        Of the best solution, or None.
    bound
        A proven lower bound on the model's objective; minus infinity where there is none.
    values
        The observed variables in the best solution; empty without one.
    work
        In seconds, by CP-SAT's deterministic time.
    """

    termination: Termination
    objective: float | None
    bound: float
    values: tuple[int, ...] = field(default=(), repr=False)
    work: float = 0.0


OnSolution = Callable[[tuple[int, ...], float, float], None]
"""Called with the observed values, the objective and the bound of every improving solution."""


class _SolutionQueue(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]  # ortools has no stubs
    """Puts every solution into a queue: the caller's code must not run in the solver's thread."""

    def __init__(self, variables: Sequence[Any], found: queue.SimpleQueue[Any]) -> None:
        super().__init__()
        self.variables, self.found = variables, found

    def on_solution_callback(self) -> None:
        """Put the observed values of a solution into the queue."""
        values = tuple(self.value(variable) for variable in self.variables)
        self.found.put((values, self.objective_value, self.best_objective_bound))


def run_cpsat(
    model: cp_model.CpModel,
    limits: SearchLimits,
    variables: Sequence[Any],
    interrupt: Interrupt,
    on_solution: OnSolution | None = None,
    *,
    has_plan: bool = False,
) -> CpSatResult:
    """Minimise a model.

    Parameters
    ----------
    model
        What to minimise.
    limits
        How long and how.
    variables
        Variables whose values are wanted.
    interrupt
        Polled while the search runs; once it is asked, the search stops and returns the best solution so far, or the
        first one that it finds soon.
    on_solution
        Called in this thread with every improving solution; an exception stops the search and is raised.
    has_plan
        Whether the caller has a plan to keep, so that a search that is stopped need not look for a first one.

    Raises
    ------
    SolverError
        If CP-SAT refuses the model.
    """
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    if limits.deterministic:
        parameters.max_deterministic_time = max(0.0, limits.work_per_second * limits.seconds)
    else:
        parameters.max_time_in_seconds = max(0.0, limits.seconds)
    parameters.random_seed = limits.seed % 2**31
    parameters.num_workers = max(1, limits.workers)
    # one worker takes turns between all strategies instead of following one
    parameters.interleave_search = limits.workers <= 1 and limits.goal is not SearchGoal.PROVE
    parameters.catch_sigint_signal = False
    parameters.use_lns_only = limits.goal is SearchGoal.IMPROVE
    parameters.use_objective_lb_search = limits.raises_bound
    parameters.use_dynamic_precedence_in_disjunctive = limits.orders
    parameters.use_strong_propagation_in_disjunctive = limits.orders
    parameters.use_overload_checker_in_cumulative = limits.overloads
    if limits.linearization is not None:
        parameters.linearization_level = limits.linearization
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()
    done: list[Any] = []
    thread = threading.Thread(
        target=lambda: done.append(solver.solve(model, _SolutionQueue(variables, found))), daemon=True
    )
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL)
            has_plan = has_plan or not found.empty()
            _forward_solutions(found, on_solution, interrupt)
            if interrupt.should_stop(found=has_plan):
                solver.stop_search()
    finally:
        solver.stop_search()
        thread.join()
    _forward_solutions(found, on_solution, interrupt)
    return _result(solver, done, model, variables, limits.work_per_second)


def complete_hint(model: cp_model.CpModel, seconds: float = _COMPLETION / WORK_PER_SECOND) -> float:
    """Complete a hint on some variables to one on all, where the others follow from it.

    CP-SAT first searches for a completion of a partial hint; from a complete one neighbourhood search starts at once.

    Parameters
    ----------
    model
        With a hint.
    seconds
        For how much work at most, by CP-SAT's deterministic time.

    Returns
    -------
    float
        The work, in seconds.
    """
    solver = cp_model.CpSolver()
    solver.parameters.fix_variables_to_their_hinted_value = True
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = max(0.0, min(_COMPLETION, WORK_PER_SECOND * seconds))
    solver.parameters.catch_sigint_signal = False  # CP-SAT would not put the caller's handler back
    status = solver.solve(model)
    work = float(solver.response_proto.deterministic_time) / WORK_PER_SECOND
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return work
    model.clear_hints()
    for place, value in enumerate(solver.response_proto.solution):
        model.add_hint(model.get_int_var_from_proto_index(place), value)
    return work


def _forward_solutions(
    found: queue.SimpleQueue[Any], on_solution: OnSolution | None, interrupt: Interrupt
) -> None:
    while not found.empty():
        values, objective, bound = found.get()
        if on_solution is None:
            continue
        try:
            on_solution(values, objective, bound)
        except KeyboardInterrupt:
            interrupt.ask()


def _result(
    solver: cp_model.CpSolver,
    done: Sequence[Any],
    model: cp_model.CpModel,
    variables: Sequence[Any],
    work_per_second: float,
) -> CpSatResult:
    if not done or done[0] == cp_model.MODEL_INVALID:
        raise SolverError(f"CP-SAT refused the model: {model.validate() or 'no reason given'}")
    status, work = done[0], float(solver.response_proto.deterministic_time) / work_per_second
    if status == cp_model.INFEASIBLE:
        return CpSatResult(Termination.INFEASIBLE, None, float("inf"), work=work)
    bound = float(solver.best_objective_bound) if model.has_objective() else 0.0
    if status == cp_model.UNKNOWN:
        return CpSatResult(Termination.LIMIT, None, bound, work=work)
    ending = Termination.OPTIMAL if status == cp_model.OPTIMAL else Termination.LIMIT
    values = tuple(solver.value(variable) for variable in variables)
    return CpSatResult(ending, float(solver.objective_value), bound, values, work)
