"""Routes where a law reads load or clock: engines at planning values, then a search scored by the law itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kanopt.interrupt import Interrupt
from kanopt.memory import available_bytes, gigabytes
from kanopt.problems.base import Problem
from kanopt.problems.result import EngineRun, Progress
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.problems.routing.service_times import SERVICE
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.compiled.library import why_no_kernel
from kanopt.solvers.encodings import EncodedLaw, Encoding
from kanopt.solvers.routing.alternation import Alternation
from kanopt.solvers.routing.engine_solver import FoundRoutes, idle_routes, raise_routes
from kanopt.solvers.routing.engines import LARGE
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.integers import RoutingIntegers
from kanopt.solvers.routing.ortools_engine.solver import OrToolsRouting
from kanopt.solvers.routing.parts_run import PartSearch, PartsRun
from kanopt.solvers.routing.portfolio import RoutingPortfolio
from kanopt.solvers.routing.racer.annealing import StoppingCriteria
from kanopt.solvers.routing.racer.law_bindings import LawBinding, bindings_of
from kanopt.solvers.routing.racer.plan_data import bytes_needed
from kanopt.solvers.routing.racer.refine import RacerRun
from kanopt.solvers.routing.savings_start import offer_first_plan
from kanopt.text import count_text, money_text

_LEAST_SHARE, _MOST_SHARE = 0.1, 0.3
"""Of the time: what the engines have at least and at most."""
_FIRST_PLAN, _FIRST_PLAN_PER_CLIENT = 1.0, 0.005
"""Seconds that engines have for a plan to start from."""
_CYCLE, _CYCLE_PER_CLIENT = 2000, 1000
_NAME = "search on the law"
_ROUNDS = "engines with load and clock of the plan"
_PARTS = "engines on parts of the plan"
_NOT_BEGUN = "not begun: the time limit was over, so that no plan was searched on the law"


class LawRouting(Solver):
    """Engines at planning values, then large neighbourhood search in which every plan is priced on the law.

    What an engine cannot be told, load on board and the clock, is frozen for it. Its plan is where a second search
    starts, which drives every plan it looks at with true loads, true clock and the best departures; the plan never
    gets worse on the law. No bound is claimed. It runs in as many threads as there are workers, each with chances of
    its own. That search is compiled code; where there is none on this machine, engines solve again in turns with load
    and clock as they are in the best plan so far: OR-Tools with the load on board priced on every leg, then all engines
    at planning values.

    Between more than 2,000 places it begins with savings over near neighbours, and takes one part of the plan after the
    other, whatever the laws read: searched on the law, or by the engines where there is no compiled code. Where a price
    of the longest route ties all parts together and its tables do not fit in memory, the engines have the whole time
    and the result says so.

    The second search ends with the time, or by itself once two cycles from hot to cold, the first of
    ``2000 + 1000 × clients`` steps and each twice as long as the one before, have found nothing better. In the second
    case the same seed gives the same plan.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.refs import arc, state
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> law = parse_formula("km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR"))
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a", demand=1.0), Client("b", demand=3.0)], [VehicleType("van")],
    ...     law.bind(km=arc.distance, load=state.load), km, km,
    ... )
    >>> outcome = LawRouting().solve(problem, SolveOptions())
    >>> [route.clients for route in outcome.plan.routes], problem.price(outcome.plan).objective
    ([('a', 'b')], 118.0)
    """

    def __init__(self) -> None:
        self.engines = RoutingPortfolio()

    @property
    def name(self) -> str:
        """Names and versions of the engines, and of the search after them."""
        return f"{self.engines.name} + {_NAME}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem of which a law reads load or clock, else why it does not fit."""
        refusal = self.engines.accepts(problem)
        if refusal or not isinstance(problem, RoutingProblem):
            return refusal
        if problem.frozen_inputs() or _is_split(problem):
            return ""
        return "no law reads load or clock, so that the engines see everything"

    def encoding(self, problem: RoutingProblem) -> Encoding:
        """Return how engines and search take each law of a problem that is accepted."""
        laws = tuple(
            EncodedLaw(
                one.law,
                _law_encoding(problem, one) if one.plan_inputs else one.search,
                one.data_inputs,
                one.plan_inputs,
            )
            for one in bindings_of(problem)
        )
        then = "load and clock read off the plan" if why_no_kernel() else "every plan driven on the laws"
        return Encoding(
            f"tables in whole numbers for the engines, then {then}", self.name, unit=problem.unit, laws=laws
        )

    def lower(self, problem: RoutingProblem, options: SolveOptions) -> _LawModel:
        """Return the problem as the engines see it; the search after them takes the laws as they are."""
        why_no_kernel()  # a checkout compiles it at its first use, which is no part of the time limit
        began = options.clock.now()
        return _LawModel(problem, self.engines.lower(problem, options), began)

    def search(self, model: _LawModel, options: SolveOptions) -> _FoundOnLaw:
        """Run the engines, then search on the law from their plan."""
        too_large = _why_too_large(model.problem)
        limit, elapsed = options.time_limit, options.clock.now() - model.began
        planned = limit if too_large else _engine_seconds(len(model.problem.clients), limit)
        limited = replace(options, time_limit=max(0.0, min(planned, limit - elapsed)))
        if _is_split(model.problem):
            first = _savings(model.integers, limited)
        else:
            first = self.engines.raise_plan(model.integers, self.engines.search(model.integers, limited))
        if too_large:
            return _FoundOnLaw(first, run=EngineRun(_NAME, message=too_large))
        offset = options.clock.now() - model.began
        plan = first.plan
        searches_on = not first.interrupted and offset < options.time_limit and model.problem.clients
        if not isinstance(plan, RoutingPlan) or not searches_on:
            over = isinstance(plan, RoutingPlan) and offset >= options.time_limit
            return _FoundOnLaw(first, run=EngineRun(_NAME, message=_NOT_BEGUN) if over else None)
        wall, cpu = time.perf_counter(), time.process_time()

        def on_progress(step: Progress) -> None:
            if options.progress is not None:
                options.progress(with_offset(step))

        def with_offset(step: Progress) -> Progress:
            message = "; ".join(["on the law", *([step.message] if step.message else [])])
            return replace(step, seconds=step.seconds + offset, message=message)

        remaining = replace(options, time_limit=options.time_limit - offset, progress=on_progress)
        with Interrupt() as interrupt:
            search, best = self._search_from(model.problem, plan, remaining, interrupt)
            stopped = interrupt.asked or search.stopped
        name, message = _work_of(search)
        run = EngineRun(
            name,
            wall_seconds=time.perf_counter() - wall,
            cpu_seconds=time.process_time() - cpu,
            won=best is not plan,
            message=message,
        )
        return _FoundOnLaw(first, best, run, tuple(map(with_offset, search.history)), stopped, search.ended)

    def _search_from(
        self, problem: RoutingProblem, plan: RoutingPlan, options: SolveOptions, interrupt: Interrupt
    ) -> tuple[RacerRun | PartsRun | Alternation, RoutingPlan]:
        """Search on the law where there is a kernel, else by engines; return the search and the best plan."""
        assert options.progress is not None  # set by the caller
        if _is_split(problem):
            search_part = self._part_by_engines(options) if why_no_kernel() else _part_on_law(options)
            by_parts = PartsRun(problem, plan, options.seed, options.progress, options.clock, search_part)
            return by_parts, by_parts.run(StoppingCriteria(options.time_limit, None, lambda: interrupt.asked))
        if why_no_kernel():
            by_load = any(one.reference == "state.load" for one in problem.frozen_inputs())
            loaded = [OrToolsRouting(loaded=True)] if by_load else []
            rounds = Alternation([*loaded, self.engines], problem, plan, options, options.progress)
            return rounds, rounds.run(lambda: interrupt.asked)
        search = RacerRun(problem, plan, options.seed, options.progress, options.clock, options.workers)
        return search, search.run(search_limits(problem, options.time_limit, lambda: interrupt.asked))

    def _part_by_engines(self, options: SolveOptions) -> PartSearch:
        """Return a search of engines on parts."""

        def search_part(
            problem: RoutingProblem, plan: RoutingPlan, seed: int, limits: StoppingCriteria
        ) -> tuple[RoutingPlan, int]:
            assert limits.seconds is not None  # parts are searched for so long
            asked = replace(
                options, time_limit=limits.seconds, seed=seed, initial=plan, progress=None, workers=1
            )
            found = self.engines.solve(problem, asked).plan
            return (found if isinstance(found, RoutingPlan) else plan), 0

        return search_part

    def raise_plan(self, model: _LawModel, found: _FoundOnLaw) -> Outcome:
        """Return the best plan with the departures that are best on the law; the engines' outcome if it is all."""
        first, run = found.first, found.run
        if run is None:
            return first
        if found.best is None:
            return replace(first, engines=(*first.engines, run))
        problem = model.problem
        assert isinstance(first.plan, RoutingPlan)  # the engines return nothing else
        assessment = problem.assess(found.best).settled()
        best = assessment.plan
        before, after = problem.price(first.plan).objective, assessment.pricing.objective
        # what an engine would see of the plan, so that the certificate compares like with like
        objective = assessment.planned_pricing.objective
        must = {client.name for client in problem.clients if client.mandatory}
        start = "first plan" if _is_split(problem) else "engines' plan"
        prices = f"{money_text(after)} on the law where the {start} costs {money_text(before)}"
        message = f"{prices}, {run.message}"
        run = replace(run, objective=objective, unserved=len(must & set(best.unserved)), message=message)
        ended = "every engine ended by itself" in first.message and found.ended
        return replace(
            first,
            plan=best,
            status=assessment.status,
            objective=objective,
            rounding_bound=0.0,
            history=(*first.history, *found.history),
            engines=(*(replace(each, won=each.won and not run.won) for each in first.engines), run),
            interrupted=found.interrupted,
            solver_view=tuple(
                f"{one.law}: {_law_encoding(problem, one)}" for one in bindings_of(problem) if one.plan_inputs
            ),
            message="every search ended by itself: the same seed gives the same plan" if ended else "",
        )


@dataclass(frozen=True, eq=False)
class _LawModel:
    """A problem, the integers that engines see of it, and when it was begun: the time limit counts from there."""

    problem: RoutingProblem
    integers: RoutingIntegers
    began: float


@dataclass(frozen=True, eq=False)
class _FoundOnLaw:
    """What the engines found, and what the search after them made of it.

    Parameters
    ----------
    first
        What the engines found.
    best
        The best plan on the law, without departures; None where there was no time for a search after the engines.
    run
        That search, with its steps as the message.
    history, interrupted
        Of that search.
    ended
        Whether it ended by itself.
    """

    first: Outcome
    best: RoutingPlan | None = None
    run: EngineRun | None = None
    history: tuple[Progress, ...] = ()
    interrupted: bool = False
    ended: bool = False


def _part_on_law(options: SolveOptions) -> PartSearch:
    """Return a search on the law on parts."""

    def search_part(
        problem: RoutingProblem, plan: RoutingPlan, seed: int, limits: StoppingCriteria
    ) -> tuple[RoutingPlan, int]:
        run = RacerRun(problem, plan, seed, None, options.clock, options.workers)
        return run.run(limits), run.steps

    return search_part


def _work_of(search: RacerRun | PartsRun | Alternation) -> tuple[str, str]:
    """Return what a search is called, and how much it did."""
    if isinstance(search, Alternation):
        return _ROUNDS, count_text(search.steps, "round")
    if isinstance(search, RacerRun):
        return _NAME, count_text(search.steps, "step")
    parts = count_text(search.parts, "part")
    return (_PARTS, parts) if why_no_kernel() else (_NAME, f"{count_text(search.steps, 'step')} in {parts}")


def search_limits(problem: RoutingProblem, seconds: float, asked: Callable[[], bool]) -> StoppingCriteria:
    """Return when a search on the law ends: with the time, when asked, or by itself; see :class:`LawRouting`."""
    return StoppingCriteria(seconds, None, asked, _CYCLE + _CYCLE_PER_CLIENT * len(problem.clients))


def _is_split(problem: RoutingProblem) -> bool:
    """Say whether the search takes part after part, from savings: between thousands of places.

    A price of the longest route ties all routes together.
    """
    return len(problem.data.names) > LARGE and not problem.policy.longest_route_cost


def _savings(integers: RoutingIntegers, options: SolveOptions) -> Outcome:
    """Return the first plan of a problem that is searched in parts."""
    if integers.is_idle:
        return raise_routes(integers, idle_routes(integers))
    start = None if options.initial is None else integers.node_routes(options.initial)
    wall, cpu = time.perf_counter(), time.process_time()
    with Interrupt() as interrupt:
        found = Incumbents(integers, options.progress, clock=options.clock)
        offer_first_plan(found, start, options.time_limit, lambda: interrupt.asked)
    assert found.rank is not None
    left, price = found.rank
    run = EngineRun(
        "savings",
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        objective=integers.money.to_float(price),
        unserved=left,
        won=True,
    )
    stopped = found.stopped or interrupt.asked
    return raise_routes(integers, FoundRoutes(found.best, tuple(found.history), "", stopped, (run,)))


def _engine_seconds(clients: int, limit: float) -> float:
    """Return for how many seconds engines search: until they have a good start, where the rest finds more than they."""
    if why_no_kernel():
        return _MOST_SHARE * limit
    wanted = max(_FIRST_PLAN + _FIRST_PLAN_PER_CLIENT * clients, _LEAST_SHARE * limit)
    return min(wanted, _MOST_SHARE * limit)


def _why_too_large(problem: RoutingProblem) -> str:
    """Say why the search on the law does not fit in memory, empty where it does or there is none."""
    needed, there = bytes_needed(problem.data), available_bytes()
    if why_no_kernel() or _is_split(problem) or needed <= there:
        return ""
    return (
        f"not used: it needs {gigabytes(needed)}, and {gigabytes(there)} are free; load and clock stay at their "
        f"planning values"
    )


def _law_encoding(problem: RoutingProblem, law: LawBinding) -> str:
    """Say how a law that reads load or clock is taken."""
    missing = why_no_kernel()
    if missing and _is_split(problem):
        return f"{law.engines}, on one part of the plan after the other; no {_NAME}: {missing}"
    if missing:
        load = (
            "; the load as a straight line in OR-Tools"
            if "state.load" in law.reads and law.law != SERVICE
            else ""
        )
        late = "; nobody counts as late" if "clock.late" in law.reads else ""
        return f"{law.engines}, then as in the best plan so far{load}{late}; no {_NAME}: {missing}"
    return f"engines: {law.engines}; search: {law.search}"
