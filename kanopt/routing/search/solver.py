"""Routing: a start by PyVRP on what it models, then a search that drives every plan on the laws."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from kanopt.engines.base import Outcome, SolveOptions, Solver, asks_to_stop
from kanopt.engines.compiled.library import why_no_kernel
from kanopt.errors import ProblemError, SolverError, UnitError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import Constant
from kanopt.interrupt import Interrupt
from kanopt.parallel import available_bytes, gigabytes
from kanopt.plans.base import Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import EngineRun, Progress
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules import beyond
from kanopt.routing.search.departure_choice import DepartureChoice, knows_errors, leave_in_time
from kanopt.routing.search.parts_run import PartsRun
from kanopt.routing.search.pyvrp_model import unsupported_rules
from kanopt.routing.search.racer.plan_data import bytes_needed
from kanopt.routing.search.racer.search import MODELLED, RacerRun, StoppingCriteria, left_out_text
from kanopt.text import count_text, join_list, list_names, money_text, percent_text

LARGE = 2000
"""Places from which on part after part is searched, and PyVRP is not used."""
_LEAST, _LEAST_PER_CLIENT = 1.0, 0.005
"""Seconds that PyVRP has for a start at least."""
_LEAST_SHARE, _LEAST_ALONE = 0.1, 0.6
"""Of the time: what PyVRP has at least, and where it models everything that a plan costs."""
_MOST_FROZEN, _MOST_RELAXED, _MOST_ALONE = 0.3, 0.5, 0.9
"""What it has at most where load or clock are frozen, where rules are left out, and where it models everything."""
_TYPICAL, _LONGER_TIMES = 0.5, (0.5, 1.0)
"""Of the time that is left: when it is looked whether departures are enough, and where they are not, what each of two
searches on longer travel times has after it."""
_SURER = 1.5
"""By how much more or less travel times are stretched after a plan that misses the target or reaches it."""
_CYCLE, _CYCLE_PER_CLIENT = 2000, 1000
_NAME = "search on the law"
_RESERVED = 0.03


_LOOKED = 0.25
"""Of the days on which departures are chosen in the end: on so many it is looked whether any are enough."""


@dataclass(frozen=True, eq=False)
class PlanInTime:
    """A plan on the laws as they are, and whether departures can be chosen for days in time.

    Parameters
    ----------
    typical
        The plan with the departures that cost least on typical times.
    price
        What it costs with departures that are chosen for days in time.
    reached
        Whether these bring as many as are asked for, and keep promises to single clients.
    stretch
        The factor of travel times that brings arrivals to the quantile asked for; 1 where these are enough.
    """

    typical: RoutingAssessment
    price: float
    reached: bool
    stretch: float


def in_time(problem: RoutingProblem, plan: RoutingPlan, options: SolveOptions) -> PlanInTime | None:
    """Look whether departures of a plan are in time on enough days, on few days.

    None where nobody has to be or no law of time knows its errors, where the plan breaks a rule, and where a late day
    is beyond where a law has a value.
    """
    if options.days_in_time is None or not knows_errors(problem, options.uncertainty):
        return None
    typical: Any = problem.assess(problem.plan_from(plan.reopened())).settled()
    routes = typical.plan.routes
    if typical.rank.breaks_rules or not routes:
        return None
    free, seconds = np.ones(len(routes), dtype=bool), _LOOKED * options.time_limit
    try:
        choice = DepartureChoice(typical, free, options.days_in_time, options.uncertainty, seconds)
        known, reached = choice.plan()
        return PlanInTime(typical, known.pricing.objective, reached, 1.0 if reached else choice.stretch())
    except ProblemError:
        return None


def outcome_in_time(problem: RoutingProblem, outcome: Outcome, options: SolveOptions) -> Outcome:
    """Return what was found with departures that are in time on enough days, and how often they are.

    Where those of its plan are not, the best of the other candidates is taken.
    """
    promised = [one.name for one in problem.clients if one.on_time is not None]
    if outcome.plan is None:
        return outcome
    if options.days_in_time is None:
        told = f"promises of being on time are not planned for: on_time of {list_names(promised)}"
        return outcome.with_message(told) if promised else outcome
    if not knows_errors(problem, options.uncertainty):
        return outcome
    plan: Any = outcome.plan
    typical: Any = problem.assess(plan)
    how: dict[str, Any] = {"uncertainty": options.uncertainty, "time_limit": options.time_limit}
    try:
        found, days = leave_in_time(typical, options.days_in_time, **how)
    except ProblemError as error:
        # a late day is beyond where a law has a value, which is no fault of the plan
        return outcome.with_message(f"it is not known how often the plan is in time: {error}")
    if not days.reached:
        enough = [each for each in outcome.candidates if each.reached]
        enough = [each for each in enough if each.typical.rank[:3] <= typical.rank[:3]]
        for best in sorted(enough, key=lambda each: (each.typical.rank[:3], each.price)):
            try:
                held, known = leave_in_time(
                    best.typical, options.days_in_time, beside=typical.settled(), **how
                )
            except ProblemError:
                continue  # of this one it is not known how often it is in time
            if known.reached:
                found, days = held, known
                price = best.typical.pricing.objective
                engines = tuple(replace(each, won=each.objective == price) for each in outcome.engines)
                outcome = replace(outcome, engines=engines)
                break
        else:
            days = replace(days, searched=len(outcome.candidates) > 1)
    if not days.moved and not days.rerouted:
        return replace(outcome, days_in_time=days)
    # the bound of a solver is on departures that cost least
    status = Status.FEASIBLE if outcome.status is Status.OPTIMAL else outcome.status
    objective = found.planned_pricing.objective
    return replace(outcome, plan=found.plan, objective=objective, status=status, days_in_time=days)


def on_longer_times(problem: RoutingProblem, factor: float) -> RoutingProblem:
    """Return a problem whose travel times are longer by a factor; tables of the clock and roads are as they were."""
    duration = problem.duration
    if isinstance(duration, np.ndarray):
        return replace(problem, duration=factor * duration)
    if not isinstance(duration, BoundFormula):
        return problem
    law = duration.formula
    longer = replace(law, root=Constant(factor) * law.root, covariance=None, alternatives=())
    return replace(problem, duration=replace(duration, formula=longer))


class RoutingSearch(Solver):
    """PyVRP on what it models, then large neighbourhood search in which every plan is priced on the law.

    PyVRP sees the problem at its planning values: load on board and clock are frozen, and rules that it does not model
    are left out. Its plan is where the second search starts. That drives every plan it looks at with every rule, true
    loads, true clock and the best departures; its plan never gets worse on the law. Where nothing is frozen and PyVRP
    models all, it goes on for as long as it finds much; else it has a share of the time. It is not used where clients
    are loaded at others, where a plan to start from is given and rules are beyond it, and where routes are under way:
    then clients are inserted one after the other. No bound is claimed.

    Between more than 2,000 places the search takes one part of the plan after the other, unless a price of the longest
    route ties all parts together. It runs in as many threads as there are workers, each with chances of its own. It is
    compiled code; where there is none on this machine, :class:`OrToolsRouting` is what is left.

    It ends with the time, or by itself once two cycles from hot to cold, the first of ``2000 + 1000 × clients`` steps
    and each twice as long as the one before, have found nothing better. In the second case the same seed gives the same
    plan.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.refs import arc, state
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> law = parse_formula("km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR"))
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a", demand=1.0), Client("b", demand=3.0)], [VehicleType("van")],
    ...     law.bind(km=arc.distance, load=state.load), km, km,
    ... )
    >>> outcome = RoutingSearch().solve(problem, SolveOptions())
    >>> [route.clients for route in outcome.plan.routes], problem.price(outcome.plan).objective
    ([('a', 'b')], 118.0)
    """

    @property
    def name(self) -> str:
        """Names of both searches, and the version of PyVRP."""
        return f"PyVRP {version('pyvrp')} + {_NAME}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem, else why it does not fit."""
        if (refused := not_modelled(problem, MODELLED)) or not isinstance(problem, RoutingProblem):
            return refused
        if missing := why_no_kernel():
            return (
                f"there is no compiled kernel: {missing}. Install a C compiler or the package ziglang, or pass "
                'solver="ortools"'
            )
        needed, there = bytes_needed(problem.data), available_bytes()
        if _is_split(problem) or needed <= there:
            return ""
        return f'it needs {gigabytes(needed)}, and {gigabytes(there)} are free; pass solver="ortools"'

    def solve(self, problem: RoutingProblem, options: SolveOptions) -> Outcome:
        """Let PyVRP make a plan, search on the law from there, and return the best plan with its best departures."""
        why_no_kernel()  # a checkout compiles it at its first use, which is no part of the time limit
        return _Search(problem, options).run()

    def reserve(self, problem: RoutingProblem, options: SolveOptions) -> float:
        """Return the share of time in which departures are chosen: a third of a second for a day of sixty clients."""
        if options.days_in_time is None or not knows_errors(problem, options.uncertainty):
            return 0.0
        return _RESERVED

    def finish(self, problem: RoutingProblem, outcome: Outcome, options: SolveOptions) -> Outcome:
        """Return the plan with departures with which everyone is in time on enough days."""
        return outcome_in_time(problem, outcome, options)


class _Search:
    """One search: the best plan so far, what the engines did, and how they ended; the time limit counts from here."""

    def __init__(self, problem: RoutingProblem, options: SolveOptions) -> None:
        self.problem, self.options, self.began = problem, options, options.clock.now()
        self.given = None if options.initial is None else known_part(problem, options.initial)
        started = RoutingPlan(tuple(replace(route, locked=0) for route in problem.started))
        self.plan = problem.plan_from(started) if self.given is None else self.given
        self.candidates: list[PlanInTime] = []
        self.searched = -1
        self.engines: list[EngineRun] = []
        self.history: list[Progress] = []
        self.stopped, self.ended = False, False

    @property
    def spent(self) -> float:
        """How much of the time limit is over."""
        return self.options.clock.now() - self.began

    def run(self) -> Outcome:
        """Search, and return the best plan."""
        problem = self.problem
        if self.given is None and self.spent >= self.options.time_limit:
            return Outcome(None, Status.NO_PLAN, None, None, 0.0, message="no plan within the time limit")
        with Interrupt() as interrupt:
            if problem.clients and problem.data.of_vehicles("num_available").any():
                self._start(lambda: self.stopped or interrupt.asked)
                self._search_in_time(lambda: self.stopped or interrupt.asked)
            interrupted = self.stopped or interrupt.asked
        assessment = better_with(problem.assess(self.plan).settled(), self.given)
        if self.engines:
            price, last = assessment.pricing.objective, self.engines[self.searched]
            must = {client.name for client in problem.clients if client.mandatory}
            unserved = len(must & set(assessment.plan.unserved))
            message = f"{money_text(price)} on the law, {last.message}"
            self.engines[self.searched] = replace(last, objective=price, unserved=unserved, message=message)
        return Outcome(
            assessment.plan,
            assessment.status,
            # what PyVRP would see of the plan, so that the certificate compares like with like
            objective=assessment.planned_pricing.objective,
            bound=None,
            rounding_bound=0.0,
            history=tuple(self.history),
            interrupted=interrupted,
            message="every search ended by itself: the same seed gives the same plan" if self.ended else "",
            engines=tuple(self.engines),
            candidates=tuple(self.candidates),
        )

    def _start(self, over: Callable[[], bool]) -> None:
        """Let PyVRP make a plan to start from."""
        from kanopt.routing.search.pyvrp_search import PyVrpRun

        problem, options, name = self.problem, self.options, f"PyVRP {version('pyvrp')}"
        beyond = unsupported_rules(problem)
        refused = _why_not_pyvrp(problem, beyond, given=self.given is not None)
        if refused:
            self.engines.append(EngineRun(name, message=f"not used: {refused}"))
            return
        models_all = not beyond and not problem.frozen_inputs()
        wall, cpu = time.perf_counter(), time.process_time()
        least, most = _pyvrp_seconds(problem, beyond, options.time_limit)
        most -= self.spent
        try:
            run = PyVrpRun(problem, options.seed, options.clock, self._reporter(known=models_all))
            run.search(self.given, least, most, over)
        except (SolverError, UnitError) as error:  # the search on the laws needs no whole numbers
            self.engines.append(EngineRun(name, message=f"not used: {error}"))
            return
        self.plan = run.plan or self.plan
        why = run.message or ("stopped" if over() else "its share of the time")
        note = f"start only: does not model {', '.join(beyond)}" if beyond else why
        spent = time.perf_counter() - wall, time.process_time() - cpu
        self.engines.append(EngineRun(name, run.price, run.unserved, *spent, message=note))
        self.ended = bool(run.message)

    def _search_in_time(self, over: Callable[[], bool]) -> None:
        """Search on the law, and on longer travel times where departures of its plan are in time on too few days."""
        problem, options = self.problem, self.options
        halfway = self.began + self._seconds_at(_TYPICAL)
        looked: list[PlanInTime | None] = []

        def is_late(plan: Callable[[], RoutingPlan]) -> bool:
            """Say once, when its share of the time is over, whether the plan so far needs other routes."""
            if looked or options.clock.now() < halfway:
                return False
            looked.append(in_time(problem, plan(), options))
            return looked[0] is not None and not looked[0].reached

        self._go_on(problem, over, is_late=is_late)
        self.engines[-1] = replace(self.engines[-1], won=True)
        self.searched = len(self.engines) - 1
        if not looked and not _is_split(problem):  # the search ended by itself
            looked.append(in_time(problem, self.plan, options))
        known = looked[0] if looked else None
        if known is None:
            return
        self.candidates.append(known)
        if known.reached:
            return
        typical, stretch = self.plan, known.stretch
        for share in _LONGER_TIMES:
            if over() or self.spent >= options.time_limit:
                break
            self._go_on(on_longer_times(problem, stretch), over, self._seconds_at(share), stretch=stretch)
            tried = in_time(problem, self.plan, options)
            if tried is None:
                break
            self.plan = tried.typical.plan
            self.candidates.append(tried)
            price = tried.typical.pricing.objective
            self.engines[-1] = replace(self.engines[-1], objective=price)
            surer = 1.0 / _SURER if tried.reached else _SURER
            stretch = 1.0 + surer * (stretch - 1.0)
        self.plan = typical

    def _seconds_at(self, share: float) -> float:
        """Return how much of the time limit is over when a share of what is left of it is."""
        spent = self.spent
        return spent + share * max(0.0, self.options.time_limit - spent)

    def _go_on(
        self,
        problem: RoutingProblem,
        over: Callable[[], bool],
        until: float = math.inf,
        *,
        is_late: Callable[[Callable[[], RoutingPlan]], bool] | None = None,
        stretch: float = 1.0,
    ) -> None:
        """Search on the law from the plan so far; on longer travel times prices of plans are not told."""
        options = self.options
        wall, cpu = time.perf_counter(), time.process_time()
        report = self._reporter(known=stretch == 1.0)
        if not self.history and self.plan.routes:
            rank = problem.assess(self.plan).rank
            if not rank.breaks_rules:
                report(Progress(0.0, rank.objective, message=left_out_text(int(rank.unserved))))
        left, stop = max(0.0, min(until, options.time_limit) - self.spent), over
        search: RacerRun | PartsRun
        if _is_split(problem):
            search, cycle = PartsRun(problem, self.plan, options, report), None
        else:
            search = racer = RacerRun(
                problem, self.plan, options.seed, report, options.clock, options.workers
            )

            def over_or_late() -> bool:
                return over() or (is_late is not None and is_late(racer.best_plan))

            stop = over_or_late
            cycle = _CYCLE + _CYCLE_PER_CLIENT * len(problem.clients)
        self.plan = search.run(StoppingCriteria(left, None, stop, cycle))
        self.stopped |= search.stopped
        parts = f" in {count_text(search.parts, 'part')}" if isinstance(search, PartsRun) else ""
        if stretch > 1.0:
            parts += f" on travel times {percent_text(stretch - 1.0)} longer, for days in time"
        told = f"{count_text(search.steps, 'step')}{parts}"
        by_itself = self.ended or all(run.message.startswith("not used") for run in self.engines)
        spent = time.perf_counter() - wall, time.process_time() - cpu
        self.engines.append(EngineRun(_NAME, None, 0, *spent, message=told))
        self.ended = search.ended and by_itself

    def _reporter(self, *, known: bool) -> Callable[[Progress], None]:
        """Return what tells better plans of a search that begins now; nobody, where their price is not the plan's."""
        offset = self.spent

        def report(step: Progress) -> None:
            if not known:
                return
            later = replace(step, seconds=step.seconds + offset)
            self.history.append(later)
            self.stopped |= asks_to_stop(self.options.progress, later)

        return report


def not_modelled(problem: Problem[Any], modelled: Collection[str]) -> str:
    """Return an empty text for a routing problem all of whose rules are among those modelled, else what is not."""
    if not isinstance(problem, RoutingProblem):
        return f"solves routing problems, not {problem.kind}"
    unknown = beyond(problem.data, modelled)
    return f"does not model {join_list([rule.what for rule in unknown])}" if unknown else ""


def better_with(found: Any, given: RoutingPlan | None) -> Any:
    """Return the plan found, or the one that was given, leaving when that costs least, where that is better."""
    if given is None:
        return found
    before = found.problem.assess(found.problem.plan_from(given.reopened())).settled()
    return before if before.rank.is_better_than(found.rank) else found


def known_part(problem: RoutingProblem, plan: object) -> RoutingPlan:
    """Return a plan, perhaps made for other data, without clients and vehicles that there are not.

    A route whose vehicle is gone goes to a free one.

    Parameters
    ----------
    problem
        What is planned.
    plan
        A plan to start from.

    Raises
    ------
    SolverError
        If it is no :class:`~kanopt.plans.RoutingPlan`.
    """
    if not isinstance(plan, RoutingPlan):
        raise SolverError(
            f"a routing problem starts from a RoutingPlan, not from a {type(plan).__name__}; problem.plan_from "
            "reads one from lists, a mapping or a table"
        )
    data = problem.data
    fleet = dict.fromkeys((data.vehicles[kind].name, number) for kind, number in data.fleet)
    own, homeless = dict[tuple[str, int], Route](), list[Route]()
    for route in plan.routes:
        vehicle = route.vehicle, route.index
        if vehicle in fleet and vehicle not in own:
            own[vehicle] = route
        else:  # of two routes of one vehicle the second is driven by a free one
            homeless.append(route)
    free = [vehicle for vehicle in fleet if vehicle not in own]
    own.update(zip(free, homeless, strict=False))
    left, known = set(data.names[len(data.depots) :]), []
    for (name, index), route in own.items():
        home, stops = data.depot_of[name], list[str]()
        for stop in route.clients:
            if stop in left:
                left.remove(stop)
                stops.append(stop)
            elif stop in (home, route.depot):
                stops.append(home)
        known.append(Route(name, index, home, tuple(stops), route.departure))
    return problem.plan_from(RoutingPlan(tuple(known)))


def _why_not_pyvrp(problem: RoutingProblem, beyond: tuple[str, ...], *, given: bool) -> str:
    """Say why a plan of PyVRP is no start, empty where it is one."""
    if problem.data.is_under_way:
        return "routes are under way"
    if len(problem.data.names) > LARGE:
        return f"its first local search of more than {LARGE:,} places cannot be stopped"
    if given and beyond:
        return f"a plan is given, and it does not model {', '.join(beyond)}"
    # which clients belong together decides the routes
    return "it does not model loading at clients" if problem.data.has_sources else ""


def _is_split(problem: RoutingProblem) -> bool:
    """Say whether the search takes part after part: between thousands of places.

    A price of the longest route ties all routes together.
    """
    large = len(problem.data.names) > LARGE and not problem.data.is_under_way
    return large and not problem.policy.longest_route_cost


def _pyvrp_seconds(problem: RoutingProblem, beyond: tuple[str, ...], limit: float) -> tuple[float, float]:
    """Return for how many seconds PyVRP searches at least, however little it finds, and at most."""
    if not beyond and not problem.frozen_inputs():
        return _LEAST_ALONE * limit, _MOST_ALONE * limit
    most = (_MOST_FROZEN if problem.frozen_inputs() else _MOST_RELAXED) * limit
    wanted = max(_LEAST + _LEAST_PER_CLIENT * len(problem.clients), _LEAST_SHARE * limit)
    return min(wanted, most), most
