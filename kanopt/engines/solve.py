"""``solve``: ask the solver of a problem, and judge its plan by the law."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

from kanopt.engines.base import Outcome, SolveOptions, Solver, cpu_seconds
from kanopt.errors import SolverError
from kanopt.faults import describe_value
from kanopt.interrupt import Interrupt
from kanopt.plans import law_use
from kanopt.plans.base import Plan, Problem, named_class
from kanopt.plans.days_in_time import DAYS_IN_TIME
from kanopt.plans.findings import Status
from kanopt.plans.result import Certificate, Progress, Result
from kanopt.plans.uncertainty import Uncertainty
from kanopt.progress import told_by_line

_COUNTED = "the time limit counted work: the same seed gives the same plan"
_WRONG_BOUND = "the solver's lower bound lies above the price of this plan on the law, so none is claimed"
_LOADING = 0.1
"""Of the time limit: the most that loading solvers, seconds in a process that has not solved yet, takes from it."""
_TOLERATED = 1e-6
"""By which a solver's plan may miss its own bound, as a share of the price and below one."""
_ORTOOLS = "kanopt.routing.search.ortools:OrToolsRouting"


def usual_solver(problem: Problem[Any]) -> Solver:
    """Return the solver that a problem is solved with where none is named."""
    # by name, at the first use: a process that searches loads this room too, and needs nothing but its engine
    made: Solver = named_class(problem.solver)()
    return made


def named_solver(name: str | None) -> Solver | None:
    """Return the solver that a user calls by its name, ``"ortools"``; None where it is none."""
    return named_class(_ORTOOLS)() if name == "ortools" else None


def whole_decisions(problem: Problem[Any], plan: Plan) -> Hashable | None:
    """Return what a plan decides as a whole, such as open sites; None where no quantities follow from that."""
    solver = usual_solver(problem)
    return None if solver.accepts(problem) else solver.whole_decisions(problem, plan)


def carried(problem: Problem[Any], plan: Plan, options: SolveOptions) -> Plan | None:
    """Return a plan made for other data as it is carried out: what it decides stays, times and quantities follow.

    None where no quantities can follow, as flows do from which sites are open.
    """
    whole = whole_decisions(problem, plan)
    return (
        problem.carried_over(plan)
        if whole is None
        else usual_solver(problem).with_quantities(problem, whole, options)
    )


@told_by_line
def solve(  # noqa: PLR0913 – the public face, all but one by name
    problem: Problem[Any],
    *,
    solver: Solver | str | None = None,
    time_limit: float = 30.0,
    seed: int = 0,
    initial: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: int = 1,
    deterministic: bool = False,
    days_in_time: float | None = DAYS_IN_TIME,
    uncertainty: Uncertainty | None = None,
) -> Result:
    """Solve a problem and judge the plan by the law.

    The plan is checked and priced again on the law itself, by code the solver did not use. A lower bound is
    claimed only where the solver proved one, no input was frozen, and then only after subtracting the rounding
    bound.

    Ctrl-C ends the search and keeps the best plan so far. Where there is none yet, the search goes on until there is,
    for 10 s at most. A second Ctrl-C raises KeyboardInterrupt at once.

    Parameters
    ----------
    problem
        Any problem.
    solver
        What to solve it with; the usual solver of its kind where not given. ``"ortools"`` is OR-Tools routing, for
        problems of routing.
    time_limit
        Wall seconds, at least 0; seconds' worth of work where `deterministic`.
    seed
        A whole number of at least 0. Same seed, same plan, where the solver stops by itself or `deterministic`.
    initial
        A plan to start from.
    progress
        Called with each new incumbent; ``print`` will do. Without it, a line tells at a terminal or in a notebook.
    workers
        Threads or processes a solver may use, at least 1. Where `deterministic`, one is used.
    deterministic
        Whether the time limit counts the steps of the search in place of seconds, so that the same seed gives the
        same plan; see :class:`~kanopt.engines.base.SolveOptions`. For routing and scheduling; other solvers refuse it.
    days_in_time
        Share of days on which everyone is to be in time, clients by the end of their windows and vehicles by that of
        their shifts; for routes where a law of time knows its errors. Vehicles leave as early as that takes. Where no
        departures of the routes found are enough, the second half of the time looks for other routes, and where these
        are not either, the most punctual ones are taken; :attr:`Result.days_in_time` tells what it costs. Of schedules
        likewise, where the law of duration knows its errors: every job is to be done by its due date, and tasks run in
        another order or earlier. None for the plan that costs least on typical times.
    uncertainty
        What is taken to be uncertain on those days, as of :func:`risk`; the errors of learned laws where not given.

    Returns
    -------
    Result
        Also for an infeasible problem, with its status and reasons.

    Raises
    ------
    FormulaError
        If the plan found rests on a law of time where that falls below zero; names the law, the places and the value.
    SolverError
        If the solver does not accept the problem or is none, or an option has no such value; says why.

    Warns
    -----
    KanoptWarning
        If nothing reads a column that looks like a field, or whose name is a word of planning, and the problem did not
        warn of it when it was built.
    """
    options = SolveOptions(
        time_limit=time_limit,
        seed=seed,
        initial=initial,
        progress=progress,
        workers=workers,
        deterministic=deterministic,
        days_in_time=days_in_time,
        uncertainty=Uncertainty() if uncertainty is None else uncertainty,
    )
    if isinstance(solver, str):
        solver = named_solver(solver) or solver
    if solver is not None and not isinstance(solver, Solver):
        raise SolverError(
            f"solver must be a solver, not {describe_value(solver)}; leave it out for the usual one, or pass "
            '"ortools" for a routing problem'
        )
    problem.warn_of_unread()
    result = search_and_assess(problem, options, solver)
    refuse_impossible(result)
    return result


def refuse_impossible(result: Result) -> None:
    """Refuse a plan that rests on a law of time or of an amount where that falls below zero.

    Raises
    ------
    LawValueError
        If the plan found does.
    """
    if result.assessment is not None:
        law_use.refuse_impossible(result.assessment.law_uses)


def search_and_assess(problem: Problem[Any], options: SolveOptions, solver: Solver | None = None) -> Result:
    """Solve a problem as :func:`solve` does, without a warning of what was told before."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    with Interrupt() as interrupt:  # before and after the search, too, Ctrl-C must not lose the plan
        usual = usual_solver(problem)
        solver = usual if solver is None else solver
        # a solver may have to make pieces of laws to know whether it accepts them
        if refusal := solver.accepts(problem):
            told = f"{solver.name}: {refusal}"
            raise SolverError(told if solver is usual else f"{told}; leave the solver out for the usual one")
        spent = time.perf_counter() - wall + usual.reserve(problem, options) * options.time_limit
        # loading solvers counts, up to a share of the limit
        left = max(options.time_limit - spent, (1.0 - _LOADING) * options.time_limit)
        outcome = solver.solve(
            problem, options if options.deterministic else replace(options, time_limit=left)
        )
        outcome = usual.finish(problem, outcome, options)
        if options.deterministic:
            outcome = outcome.with_message(_COUNTED)
        result = _assess(
            problem,
            outcome,
            solver=solver.name,
            seed=options.seed,
            time_limit=options.time_limit,
            deterministic=options.deterministic,
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=cpu_seconds() - cpu,
        )
    return replace(result, interrupted=True) if interrupt.asked else result


def _assess(problem: Problem[Any], outcome: Outcome, **about: Any) -> Result:
    about |= {"history": outcome.history, "interrupted": outcome.interrupted, "engines": outcome.engines}
    about |= {"problem": problem, "days_in_time": outcome.days_in_time, "message": outcome.message}
    if outcome.plan is None or outcome.objective is None:
        return Result(**about, assessment=None, status=outcome.status, bound=None, certificate=None)
    assessment = problem.assess(outcome.plan)
    frozen = () if outcome.nothing_frozen else problem.frozen_inputs()
    planned = assessment.planned_pricing if frozen else assessment.pricing
    price, rounding = assessment.pricing.objective, outcome.rounding_bound
    certificate = Certificate(
        outcome.objective, planned.objective, price, rounding, frozen, outcome.solver_view
    )
    holds = assessment.status is Status.FEASIBLE
    status = outcome.status if holds else assessment.status
    bound = None if outcome.bound is None or frozen else outcome.bound - rounding
    # a plan that keeps every rule costs no less than a lower bound, by more than solvers tolerate
    if holds and bound is not None and bound > price + rounding + _TOLERATED * max(1.0, abs(price)):
        about["message"] = outcome.with_message(_WRONG_BOUND).message
        bound, status = None, Status.FEASIBLE if status is Status.OPTIMAL else status
    if status is Status.OPTIMAL and frozen:
        status = Status.FEASIBLE
    return Result(**about, assessment=assessment, status=status, bound=bound, certificate=certificate)
