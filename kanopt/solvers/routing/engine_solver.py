"""Routing engines as solvers: the integers that all of them share, and the way back from these to a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from kanopt.interrupt import Interrupt
from kanopt.problems.result import EngineRun, Progress, Status
from kanopt.problems.routing import RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.routing.arrays import NodeRoutes
from kanopt.solvers.routing.engines import EngineOrder, run_engine
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.integers import RoutingIntegers, lower


@dataclass(frozen=True)
class FoundRoutes:
    """What engines found, in nodes.

    Parameters
    ----------
    routes
        The plan, or None where the time did not suffice for one.
    history, message, interrupted, engines
        As in :class:`~kanopt.solvers.Outcome`.
    """

    routes: NodeRoutes | None
    history: tuple[Progress, ...] = ()
    message: str = ""
    interrupted: bool = False
    engines: tuple[EngineRun, ...] = ()


class EngineSolver(Solver):
    """One routing engine by itself, on a problem at its planning values.

    Attributes
    ----------
    engine
        Which one, as :func:`~kanopt.solvers.routing.engines.run_engine` knows it.
    """

    engine: ClassVar[str]

    def lower(self, problem: RoutingProblem, options: SolveOptions) -> RoutingIntegers:
        """Return the problem in integers, rounded on the safe side."""
        return lower(problem, options.seed)

    def search(self, model: RoutingIntegers, options: SolveOptions) -> FoundRoutes:
        """Run the engine until its time is over, it ends by itself, or Ctrl-C."""
        if model.is_idle:
            return idle_routes(model)
        start = None if options.initial is None else model.node_routes(options.initial)
        with Interrupt() as interrupt:
            incumbents = Incumbents(model, options.progress, clock=options.clock)
            message = run_engine(
                EngineOrder(self.engine, options.seed, start),
                incumbents,
                time_limit=options.time_limit,
                stop_requested=lambda: (
                    incumbents.stopped or interrupt.should_stop(found=incumbents.best is not None)
                ),
            )
        stopped = interrupt.asked or incumbents.stopped
        return FoundRoutes(incumbents.best, tuple(incumbents.history), message, stopped)

    def raise_plan(self, model: RoutingIntegers, found: FoundRoutes) -> Outcome:
        """Return the routes with names and departures; no bound is claimed."""
        return raise_routes(model, found)


def idle_routes(model: RoutingIntegers) -> FoundRoutes:
    """Return the plan in which no vehicle drives, the best one where no client can be served."""
    return FoundRoutes([[] for _ in model.fleet], message="no client can be served by any vehicle")


def raise_routes(model: RoutingIntegers, found: FoundRoutes) -> Outcome:
    """Return routes of nodes as a plan in the problem's own names, with what they cost in its integers.

    Parameters
    ----------
    model
        The problem in integers.
    found
        The routes.
    """
    shared: dict[str, Any] = {
        "history": found.history,
        "interrupted": found.interrupted,
        "engines": found.engines,
    }
    if found.routes is None:
        why = (
            "stopped before a first plan was found" if found.interrupted else "no plan within the time limit"
        )
        return Outcome(None, Status.NO_PLAN, None, None, 0.0, message=found.message or why, **shared)
    plan = model.problem.assess(model.plan(found.routes)).settled().plan
    must = {client.name for client in model.problem.clients if client.mandatory}
    return Outcome(
        plan=plan,
        status=Status.PARTIAL if must & set(plan.unserved) else Status.FEASIBLE,
        objective=model.money.to_float(model.objective(found.routes)),
        bound=None,
        rounding_bound=model.rounding_bound(found.routes),
        message=found.message,
        **shared,
    )
