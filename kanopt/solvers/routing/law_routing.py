"""Routes where a law reads load or clock: engines at planning values, then a search scored by the law itself."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from kanopt.interrupt import Interrupt
from kanopt.problems.base import Problem
from kanopt.problems.evaluate import status_of
from kanopt.problems.result import EngineRun, Progress
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.encodings import EncodedLaw, Encoding
from kanopt.solvers.routing.alternation import Alternation
from kanopt.solvers.routing.law_search.large_neighbourhood import StoppingCriteria
from kanopt.solvers.routing.law_search.law_bindings import LawBinding, bindings_of
from kanopt.solvers.routing.law_search.refine import LawSearchRun
from kanopt.solvers.routing.law_search.rules import unsupported_rules
from kanopt.solvers.routing.ortools_engine.solver import OrToolsRouting
from kanopt.solvers.routing.portfolio import RoutingPortfolio

__all__ = ["LawRouting"]

_ENGINES = 0.3
"""Share of the time that the engines have at most."""
_CYCLE, _CYCLE_PER_CLIENT = 1000, 150
_NAME = "search on the law"
_ROUNDS = "engines with load and clock of the plan"


class LawRouting:
    """Engines at planning values, then large neighbourhood search in which every plan is priced on the law.

    What an engine cannot be told, load on board and the clock, is frozen for it. Its plan is where a second search
    starts, which drives every plan it looks at with true loads, true clock and the best departures; the plan never
    gets worse on the law. No bound is claimed. Where a rule of the problem (reloads, breaks, pairs of pickup and
    delivery, pinned clients, the cost of the longest route) is beyond that search, engines solve again in turns with
    load and clock as they are in the best plan so far: OR-Tools with the load on board priced on every leg, then all
    engines at planning values.

    The second search ends with the time, or by itself once ``1000 + 150 × clients`` steps from hot to cold have found
    nothing better. In the second case the same seed gives the same plan.

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
        if problem.frozen_inputs():
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
        then = (
            "load and clock read off the plan"
            if unsupported_rules(problem)
            else "every plan driven on the laws"
        )
        return Encoding(
            f"tables in whole numbers for the engines, then {then}", self.name, unit=problem.unit, laws=laws
        )

    def solve(self, problem: RoutingProblem, options: SolveOptions) -> Outcome:
        """Run the engines, then search on the law from their plan."""
        began = options.clock.now()
        first = self.engines.solve(problem, replace(options, time_limit=_ENGINES * options.time_limit))
        left = options.time_limit - (options.clock.now() - began)
        if first.plan is None or first.interrupted or left <= 0 or not problem.clients:
            return first
        return self._refine(problem, options, first, began)

    def _refine(
        self, problem: RoutingProblem, options: SolveOptions, first: Outcome, began: float
    ) -> Outcome:
        plan = first.plan
        assert isinstance(plan, RoutingPlan)  # the engines return nothing else
        offset, wall, cpu = options.clock.now() - began, time.perf_counter(), time.process_time()

        def tell(step: Progress) -> None:
            if options.progress is not None:
                options.progress(later(step))

        def later(step: Progress) -> Progress:
            message = "; ".join(["on the law", *([step.message] if step.message else [])])
            return replace(step, seconds=step.seconds + offset, message=message)

        search: LawSearchRun | Alternation
        with Interrupt() as interrupt:
            if unsupported_rules(problem):
                rest = replace(options, time_limit=options.time_limit - offset)
                by_load = any(one.reference == "state.load" for one in problem.frozen_inputs())
                loaded = [OrToolsRouting(loaded=True)] if by_load else []
                search = Alternation([*loaded, self.engines], problem, plan, rest, tell)
                best = search.run(lambda: interrupt.asked)
            else:
                cycle = _CYCLE + _CYCLE_PER_CLIENT * len(problem.clients)
                search = LawSearchRun(problem, plan, options.seed, tell, options.clock)
                best = search.run(
                    StoppingCriteria(options.time_limit - offset, None, lambda: interrupt.asked, cycle)
                )
            stopped = interrupt.asked or search.stopped
        won = best is not plan
        best = _with_departures(problem, best)
        before, after = problem.price(plan).objective, problem.price(best).objective
        # what an engine would see of the plan, so that the certificate compares like with like
        seen = problem.price(best, frozen=True).objective
        must = {client.name for client in problem.clients if client.mandatory}
        step = "round" if isinstance(search, Alternation) else "step"
        count = f"{search.steps:,} {step}{'' if search.steps == 1 else 's'}"
        said = f"{after:,.2f} on the law where the engines' plan costs {before:,.2f}, {count}"
        run = EngineRun(
            _ROUNDS if isinstance(search, Alternation) else _NAME,
            seen,
            len(must & set(best.unserved)),
            time.perf_counter() - wall,
            time.process_time() - cpu,
            won,
            said,
        )
        engines = (*(replace(each, won=each.won and not won) for each in first.engines), run)
        own = "every engine ended by itself" in first.message and search.ended
        shared: dict[str, Any] = {
            "history": (*first.history, *map(later, search.history)),
            "engines": engines,
            "interrupted": stopped,
            "solver_view": tuple(
                f"{one.law}: {_law_encoding(problem, one)}" for one in bindings_of(problem) if one.plan_inputs
            ),
            "message": "every search ended by itself: the same seed gives the same plan" if own else "",
        }
        status = status_of(problem, best)
        return replace(first, plan=best, status=status, objective=seen, rounding_bound=0.0, **shared)


def _law_encoding(problem: RoutingProblem, law: LawBinding) -> str:
    """Say how a law that reads load or clock is taken."""
    beyond = unsupported_rules(problem)
    if beyond:
        load = "; the load as a straight line in OR-Tools" if "state.load" in law.reads else ""
        late = "; nobody counts as late" if "clock.late" in law.reads else ""
        unknown = f"the {_NAME} does not know {', '.join(beyond)}"
        return f"{law.engines}, then as in the best plan so far{load}{late}; {unknown}"
    return f"engines: {law.engines}; search: {law.search}"


def _with_departures(problem: RoutingProblem, plan: RoutingPlan) -> RoutingPlan:
    """Return a plan that says when each route leaves."""
    leaves = problem.drive(plan.routes).departure.tolist()
    dated = (replace(route, departure=clock) for route, clock in zip(plan.routes, leaves, strict=True))
    return replace(plan, routes=tuple(dated))
