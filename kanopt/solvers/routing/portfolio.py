"""Routing by two engines within one budget: PyVRP where its features fit, OR-Tools for everything."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kanopt.errors import SolverError
from kanopt.interrupt import PATIENCE, Interrupt
from kanopt.problems.base import Problem
from kanopt.problems.result import EngineRun
from kanopt.problems.routing import RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.routing import engine_child
from kanopt.solvers.routing.arrays import NodeRoutes, Rank, RoutingArrays
from kanopt.solvers.routing.completion import complete_plan
from kanopt.solvers.routing.engine_solver import FoundRoutes, idle_routes, raise_routes
from kanopt.solvers.routing.engines import LARGE, ORTOOLS, PYVRP, EngineOrder, engine_name, run_engine
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.insertion_start import insert_all
from kanopt.solvers.routing.integers import RoutingIntegers, lower
from kanopt.solvers.routing.ortools_engine.solver import OrToolsRouting
from kanopt.solvers.routing.pyvrp_engine.relaxed import relaxed_for_pyvrp
from kanopt.solvers.routing.pyvrp_engine.solver import PyVrpRouting
from kanopt.solvers.routing.reversed_routes import reverse_routes
from kanopt.worker import run_workers

_FIRST_SHARE = 0.95
_START_SHARE = 0.2
_SMALL, _SHORT = 25, 5.0  # clients and seconds up to which the start of a process costs more than it brings
_NEXT_SEED = 1_000_003


class RoutingPortfolio(Solver):
    """PyVRP and OR-Tools on one routing problem within one budget; the better plan is the answer.

    With one worker the engines take turns in this process: PyVRP for 95 % of the time or until it ends by itself, then
    OR-Tools from its plan. So they do for up to 25 clients and up to 5 s. With more workers each engine has a process
    of its own, and all run side by side for the whole time: PyVRP, OR-Tools, and PyVRP again with other seeds where
    there are more than two workers. Between more than 2,000 places PyVRP has the whole time and runs in this process,
    so that matrices are in memory once. Where PyVRP does not model the whole problem, what fits of the plan it finds
    in a fifth of the time is the start of OR-Tools; where clients are loaded at others, PyVRP is not used.

    Every engine searches on the same integers, so that the certificate is the same whoever finds the plan; where load
    or clock are frozen in them, routes of the answer are reversed where that is better on the law. Clients for whom the
    time did not suffice are put in where they cost least. Ctrl-C, the time limit and a crash of one engine leave the
    best plan of all. Where every engine ends by itself, the same seed and the same number of workers give the same
    plan; where the time limit counts work, the same seed always.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> minutes = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a"), Client("b")], [VehicleType("van")], minutes, minutes, minutes
    ... )
    >>> outcome = RoutingPortfolio().solve(problem, SolveOptions())
    >>> outcome.objective, [run.won for run in outcome.engines]
    (42.0, [True, False])
    """

    @property
    def name(self) -> str:
        """Names and versions of the engines."""
        return f"{engine_name(PYVRP)} + {engine_name(ORTOOLS)}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem, else why it does not fit."""
        return OrToolsRouting().accepts(problem)

    def solve(self, problem: RoutingProblem, options: SolveOptions) -> Outcome:
        """Lower the problem, search for the time that is left, and return the best plan."""
        began = options.clock.now()
        model = self.lower(problem, options)
        left = max(0.0, options.time_limit - (options.clock.now() - began))
        return self.raise_plan(model, self.search(model, replace(options, time_limit=left)))

    def lower(self, problem: RoutingProblem, options: SolveOptions) -> RoutingIntegers:
        """Return the problem in the integers that all engines share."""
        return lower(problem, options.seed)

    def search(self, model: RoutingIntegers, options: SolveOptions) -> FoundRoutes:
        """Run the engines, and return the best plan of all.

        Raises
        ------
        SolverError
            If every engine failed before it had a plan.
        """
        if model.is_idle:
            return idle_routes(model)
        start = None if options.initial is None else model.node_routes(options.initial)
        beyond = PyVrpRouting().unsupported_rules(model.problem)
        with Interrupt() as interrupt:
            run = _PortfolioRun(model, options, interrupt)
            alone = options.workers == 1 or self._is_short(model, options)
            if beyond:
                note = f"start only: does not model {', '.join(beyond)}"
                run.run_relaxed_first(start, note, in_process=alone)
            elif run.is_large or alone:
                run.run_in_turn(start)
            else:
                run.run_in_parallel(start)
            run.insert_if_stopped()
        return run.found()

    @staticmethod
    def _is_short(model: RoutingIntegers, options: SolveOptions) -> bool:
        """Say whether the start of a process costs more than it brings."""
        return len(model.problem.clients) <= _SMALL or options.time_limit <= _SHORT

    def raise_plan(self, model: RoutingIntegers, found: FoundRoutes) -> Outcome:
        """Return the best plan with names and departures, after clients left out were put in and routes reversed."""
        if found.routes is None or model.is_idle:
            return raise_routes(model, found)
        complete = complete_plan(model, found.routes)
        return raise_routes(model, replace(found, routes=reverse_routes(model, complete)))


class _PortfolioRun:
    """The engines at work on one problem, the best plan of all, and what each has done."""

    def __init__(self, arrays: RoutingArrays, options: SolveOptions, interrupt: Interrupt) -> None:
        self.arrays = arrays
        self.options = options
        self.interrupt = interrupt
        self.best = Incumbents(arrays, options.progress, clock=options.clock)
        self.runs: list[EngineRun] = []
        self.plans: dict[int, tuple[Rank, NodeRoutes]] = {}

    def stop_requested(self, *, found: bool = False) -> bool:
        """Say whether the user asked to stop, and something is found or was looked for long enough.

        Parameters
        ----------
        found
            Whether an engine has something, which need not be a plan for the whole problem.
        """
        return self.best.stopped or self.interrupt.should_stop(found=found or self.best.best is not None)

    def seconds_left(self) -> float:
        """Return the wall seconds that are left."""
        return self.options.time_limit - self.best.seconds

    @property
    def is_large(self) -> bool:
        """Whether OR-Tools would read matrices for longer than it had to search."""
        return self.arrays.size > LARGE

    def run_in_turn(self, start: NodeRoutes | None) -> None:
        """Let PyVRP search, then OR-Tools from its plan, in this process."""
        if self.is_large:
            self._run_here(EngineOrder(PYVRP, self.options.seed, start), 1.0)
            why = f"not used: it reads matrices of more than {LARGE:,} places for too long"
            self.runs.append(EngineRun(engine_name(ORTOOLS), message=why))
            return
        self._run_here(EngineOrder(PYVRP, self.options.seed, start), _FIRST_SHARE)
        if not self.stop_requested():
            self._run_here(EngineOrder(ORTOOLS, self.options.seed, self.best.best), 1.0)

    def run_in_parallel(self, start: NodeRoutes | None) -> None:
        """Let every engine search in a process of its own."""
        seeds = [self.options.seed + place * _NEXT_SEED for place in range(self.options.workers - 1)]
        orders = [EngineOrder(PYVRP, seed, start) for seed in seeds]
        self._run_processes([orders[0], EngineOrder(ORTOOLS, self.options.seed, start), *orders[1:]])

    def run_relaxed_first(self, start: NodeRoutes | None, note: str, *, in_process: bool) -> None:
        """Let PyVRP search on the relaxed problem, and OR-Tools on the whole from what fits of that plan.

        Parameters
        ----------
        start
            A plan that fits, or None.
        note
            What PyVRP does not model.
        in_process
            Whether OR-Tools runs in this process.
        """
        relaxed = Incumbents(relaxed_for_pyvrp(self.arrays), clock=self.options.clock)
        if self.arrays.rules.source.size:
            # which clients belong together decides the routes, and PyVRP does not model it
            run = EngineRun(engine_name(PYVRP))
            note = note.replace("start only", "not used")
        else:
            run = self._timed(EngineOrder(PYVRP, self.options.seed, start), relaxed, _START_SHARE)
        self.runs.append(replace(run, message=note))
        starts = [
            routes for routes in (start, relaxed.best and self._fitting(relaxed.best)) if routes is not None
        ]
        if starts:
            routes = min(starts, key=self.arrays.rank)
            self._on_incumbent(0, routes, self.arrays.rank(routes))
        if self.stop_requested():
            return
        order = EngineOrder(ORTOOLS, self.options.seed, self.best.best)
        if in_process:
            self._run_here(order, 1.0)
        else:
            self._run_processes([order])

    def _fitting(self, routes: NodeRoutes) -> NodeRoutes:
        seen: set[int] = set()
        return [
            self.arrays.trimmed(kind, route, seen, place)
            for place, ((kind, _), route) in enumerate(zip(self.arrays.fleet, routes, strict=True))
        ]

    def _on_incumbent(self, place: int, routes: NodeRoutes, rank: Rank) -> None:
        """Record a better plan of an engine."""
        self.plans[place] = rank, routes
        self.runs[place] = self._with_rank(self.runs[place], rank)
        self.best.offer(routes, rank, self.runs[place].name)

    def _with_rank(self, run: EngineRun, rank: Rank | None) -> EngineRun:
        """Return a run with the rank of its best plan."""
        if rank is None:
            return run
        return replace(run, objective=self.arrays.money.to_float(rank[1]), unserved=rank[0])

    def _run_here(self, order: EngineOrder, share: float) -> None:
        """Run an engine in this process until a share of the time is over."""
        place = len(self.runs)
        self.runs.append(EngineRun(engine_name(order.engine)))
        own = Incumbents(
            self.arrays,
            on_incumbent=lambda routes, rank: self._on_incumbent(place, routes, rank),
            clock=self.options.clock,
        )
        self.runs[place] = self._timed(order, own, share)

    def _timed(self, order: EngineOrder, own: Incumbents, share: float) -> EngineRun:
        wall, cpu = time.perf_counter(), time.process_time()
        limit = share * self.options.time_limit - self.best.seconds
        message = run_engine(
            order,
            own,
            time_limit=limit,
            stop_requested=lambda: self.stop_requested(found=own.best is not None),
        )
        run = EngineRun(
            engine_name(order.engine),
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            message=message or self._why(),
        )
        return self._with_rank(run, own.rank)

    def _why(self) -> str:
        return "stopped" if self.stop_requested() else "time limit"

    def _run_processes(self, orders: Sequence[EngineOrder]) -> None:
        """Run engines in processes of their own until the time is over."""
        first = len(self.runs)
        for place, order in enumerate(orders):
            again = f", seed {order.seed}" if place > 1 else ""
            self.runs.append(EngineRun(engine_name(order.engine) + again))
        arrays = self.arrays.without_names()
        ends = run_workers(
            engine_child.__file__,
            [(arrays, order) for order in orders],
            seconds_left=self.seconds_left,
            stop_requested=self.stop_requested,
            on_message=lambda place, found: self._on_incumbent(
                first + place, found[0], (found[1][0], found[1][1])
            ),
        )
        for place, end in enumerate(ends, start=first):
            self.runs[place] = replace(
                self.runs[place],
                wall_seconds=end.wall_seconds,
                cpu_seconds=end.cpu_seconds,
                message=end.message or self._why(),
            )
        if self.best.best is None and all(end.failed for end in ends):
            failures = "; ".join(f"{run.name} {run.message}" for run in self.runs)
            raise SolverError(f"every engine failed before it had a plan: {failures}")

    def insert_if_stopped(self) -> None:
        """Where the user stopped the engines before they had a plan, insert one client after the other."""
        if self.best.best is not None or not self.interrupt.asked:
            return
        until = time.monotonic() + PATIENCE
        routes = insert_all(self.arrays, lambda: time.monotonic() > until)
        self.runs.append(EngineRun("insertion", message="no engine had a plan yet"))
        self._on_incumbent(len(self.runs) - 1, routes, self.arrays.rank(routes))

    def found(self) -> FoundRoutes:
        """Return the best plan of all, and what each engine did.

        Of equal plans it is that of the first engine, whichever was found first: the clock decides nothing.
        """
        winner = min(self.plans, key=lambda place: (self.plans[place][0], place), default=None)
        ended = winner is not None and all(
            "ended by itself" in run.message or run.message.startswith("not used") for run in self.runs
        )
        return FoundRoutes(
            None if winner is None else self.plans[winner][1],
            tuple(self.best.history),
            "every engine ended by itself: the same seed gives the same plan" if ended else "",
            self.best.stopped or self.interrupt.asked,
            tuple(replace(run, won=place == winner) for place, run in enumerate(self.runs)),
        )
