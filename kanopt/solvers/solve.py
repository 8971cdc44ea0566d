"""``solve``: pick a solver, run it, and judge its plan by the law."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from kanopt.engines.base import Outcome, SolveOptions, Solver, cpu_seconds
from kanopt.errors import ProblemError, SolverError
from kanopt.faults import describe_value
from kanopt.interrupt import Interrupt
from kanopt.plans import law_use
from kanopt.plans.base import Plan, Problem
from kanopt.plans.days_in_time import DAYS_IN_TIME, DaysInTime
from kanopt.plans.findings import Status
from kanopt.plans.result import Certificate, Progress, Result
from kanopt.plans.uncertainty import Uncertainty
from kanopt.progress import told_by_line
from kanopt.text import list_names

_COUNTED = "the time limit counted work: the same seed gives the same plan"
_WRONG_BOUND = "the solver's lower bound lies above the price of this plan on the law, so none is claimed"
_LOADING = 0.1
"""Of the time limit: the most that loading solvers, seconds in a process that has not solved yet, takes from it."""
_RESERVED = 0.03
"""Of the time limit: what the choice of departures has, a third of a second for a day of sixty clients."""
_TOLERATED = 1e-6
"""By which a solver's plan may miss its own bound, as a share of the price and below one."""


def solvers() -> tuple[Solver, ...]:
    """Return every solver there is, in order of preference."""
    from kanopt.decisions.search import HighsPieces
    from kanopt.routing.search.solver import RoutingSearch
    from kanopt.scheduling.search.solver import CpSatScheduling
    from kanopt.supply.search.solver import HighsSupply

    return (RoutingSearch(), CpSatScheduling(), HighsSupply(), HighsPieces())


def named_solver(name: str | None) -> Solver | None:
    """Return the solver that a user calls by its name, ``"ortools"``; None where it is none."""
    if name != "ortools":
        return None
    from kanopt.routing.search.ortools import OrToolsRouting

    return OrToolsRouting()


def solver_of(result: Result) -> Solver | None:
    """Return the solver that a result came from where it was called by its name; None for the usual one."""
    return named_solver("ortools") if result.solver.startswith("OR-Tools routing") else None


def solver_of_quantities(problem: Problem[Any], plan: Plan) -> Solver | None:
    """Return the solver that knows the quantities that follow from what a plan decides; None where none follow."""
    known = (one for one in solvers() if one.whole_decisions(problem, plan) is not None)
    return next((one for one in known if not one.accepts(problem)), None)


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
        What to solve it with; the first of :func:`solvers` that accepts it where not given. ``"ortools"`` is OR-Tools
        routing, for problems of routing.
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
        same plan; see :class:`~kanopt.solvers.SolveOptions`. For routing and scheduling; other solvers refuse it.
    days_in_time
        Share of days on which everyone is to be in time, clients by the end of their windows and vehicles by that of
        their shifts; for routes where a law of time knows its errors. Vehicles leave as early as that takes. Where no
        departures of the routes found are enough, the second half of the time looks for other routes, and where these
        are not either, the most punctual ones are taken; :attr:`Result.days_in_time` tells what it costs. None for the
        plan that costs least on typical times.
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
        If no solver accepts the problem, or the one given does not or is none, or an option has no such value; says
        why.

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
        uncertainty=uncertainty or Uncertainty(),
    )
    if isinstance(solver, str):
        solver = named_solver(solver) or solver
    if solver is not None and not isinstance(solver, Solver):
        raise SolverError(_no_solver(solver))
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
    """Solve a problem as :func:`solve` does, without a warning of what was told before.

    Parameters
    ----------
    problem
        Any problem.
    options
        How long and how to search.
    solver
        What to solve it with; the first of :func:`solvers` that accepts it where not given.
    """
    wall, cpu = time.perf_counter(), cpu_seconds()
    with Interrupt() as interrupt:  # before and after the search, too, Ctrl-C must not lose the plan
        # a solver may have to make pieces of laws to know whether it accepts them
        solver = _choose(problem, solvers() if solver is None else (solver,))
        reserve = _RESERVED * options.time_limit if _holds(problem, options) else 0.0
        outcome = solver.solve(problem, _what_is_left(options, time.perf_counter() - wall + reserve))
        outcome, days = _leave_in_time(problem, outcome, options)
        if options.deterministic:
            outcome = replace(outcome, message="; ".join(filter(None, (outcome.message, _COUNTED))))
        result = _assess(
            problem,
            outcome,
            days_in_time=days,
            solver=solver.name,
            seed=options.seed,
            time_limit=options.time_limit,
            deterministic=options.deterministic,
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=cpu_seconds() - cpu,
        )
    return replace(result, interrupted=True) if interrupt.asked else result


def _holds(problem: Problem[Any], options: SolveOptions) -> bool:
    """Say whether departures are chosen so that everyone is in time on a share of days."""
    from kanopt.routing.search.departure_choice import knows_errors

    if options.days_in_time is None or problem.kind != "routing":
        return False
    return knows_errors(problem, options.uncertainty)


def _without_promises(problem: Problem[Any], outcome: Outcome) -> Outcome:
    """Say of a plan on typical times that promises of single clients were not planned for."""
    promised = [one.name for one in getattr(problem, "clients", ()) if one.on_time is not None]
    if outcome.plan is None or not promised:
        return outcome
    told = f"promises of being on time are not planned for: on_time of {list_names(promised)}"
    return replace(outcome, message="; ".join(filter(None, (outcome.message, told))))


def _leave_in_time(
    problem: Problem[Any], outcome: Outcome, options: SolveOptions
) -> tuple[Outcome, DaysInTime | None]:
    """Return what was found with departures that are in time on enough days, and how often they are."""
    from kanopt.routing.search.longer_times import leave_in_time_on_the_best

    if options.days_in_time is None:
        return _without_promises(problem, outcome), None
    if outcome.plan is None or not _holds(problem, options):
        return outcome, None
    typical: Any = problem.assess(outcome.plan)
    try:
        found, days = leave_in_time_on_the_best(typical, outcome.candidates, options)
    except ProblemError as error:
        # a late day is beyond where a law has a value, which is no fault of the plan
        told = f"it is not known how often the plan is in time: {error}"
        return replace(outcome, message="; ".join(filter(None, (outcome.message, told)))), None
    if not days.moved and not days.rerouted:
        return outcome, days
    # the bound of a solver is on departures that cost least
    status = Status.FEASIBLE if outcome.status is Status.OPTIMAL else outcome.status
    objective = found.planned_pricing.objective
    return replace(outcome, plan=found.plan, objective=objective, status=status), days


def _what_is_left(options: SolveOptions, spent: float) -> SolveOptions:
    """Return options without the seconds that went into loading solvers, up to a share of the limit."""
    if options.deterministic:
        return options
    return replace(options, time_limit=max(options.time_limit - spent, (1.0 - _LOADING) * options.time_limit))


def _no_solver(given: object) -> str:
    """Say what to pass where a name, a class or anything else was given for a solver."""
    known = ", ".join(f"{type(one).__name__}()" for one in solvers())
    return (
        f"solver must be a solver, not {describe_value(given)}; leave it out for the first one that accepts the "
        f'problem, or pass one of kanopt.solvers.solvers(): {known}, or "ortools" for a routing problem'
    )


def _choose(problem: Problem[Any], candidates: Sequence[Solver]) -> Solver:
    refusals = []
    for solver in candidates:
        refusal = solver.accepts(problem)
        if not refusal:
            return solver
        refusals.append(f"{solver.name}: {refusal}")
    if len(candidates) == 1:
        raise SolverError(f"{refusals[0]}; leave the solver out for the first one that accepts the problem")
    raise SolverError(f"no solver accepts this {problem.kind} problem: " + "; ".join(refusals))


def _is_refuted(bound: float, certificate: Certificate) -> bool:
    """Return whether a plan that keeps every rule costs less than a lower bound, by more than solvers tolerate."""
    price = certificate.law_objective
    return bound > price + certificate.rounding_bound + _TOLERATED * max(1.0, abs(price))


def _assess(problem: Problem[Any], outcome: Outcome, **about: Any) -> Result:
    shared: dict[str, Any] = {
        "problem": problem,
        "history": outcome.history,
        "interrupted": outcome.interrupted,
        "message": outcome.message,
        "engines": outcome.engines,
        **about,
    }
    if outcome.plan is None or outcome.objective is None:
        return Result(**shared, assessment=None, status=outcome.status, bound=None, certificate=None)
    assessment = problem.assess(outcome.plan)
    frozen = () if outcome.nothing_frozen else problem.frozen_inputs()
    planned = assessment.planned_pricing if frozen else assessment.pricing
    certificate = Certificate(
        solver_objective=outcome.objective,
        frozen_objective=planned.objective,
        law_objective=assessment.pricing.objective,
        rounding_bound=outcome.rounding_bound,
        frozen=frozen,
        solver_view=outcome.solver_view,
    )
    on_law = assessment.status
    proved = outcome.bound is not None and not frozen
    bound = outcome.bound - outcome.rounding_bound if outcome.bound is not None and proved else None
    status = outcome.status if on_law is Status.FEASIBLE else on_law
    refuted = on_law is Status.FEASIBLE and bound is not None and _is_refuted(bound, certificate)
    if refuted:
        shared["message"] = "; ".join(filter(None, [outcome.message, _WRONG_BOUND]))
        bound = None
    if status is Status.OPTIMAL and (frozen or refuted):
        status = Status.FEASIBLE
    return Result(
        **shared,
        assessment=assessment,
        status=status,
        bound=bound,
        certificate=certificate,
    )
