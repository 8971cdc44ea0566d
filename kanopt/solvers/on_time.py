"""Routes for days in time: order and vehicles too, where departures alone do not bring them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.engines.base import SolveOptions, Solver
from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.nodes import Constant
from kanopt.interrupt import Interrupt
from kanopt.plans.days_in_time import DAYS_IN_TIME, DaysInTime
from kanopt.plans.result import Result, evaluate
from kanopt.plans.uncertainty import Uncertainty
from kanopt.routing import RoutingPlan
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import (
    COMMON_SEED,
    common_draws,
    drive_days,
    late_in_plan,
    routing_time_laws,
    shift_ends,
)
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.departure_choice import knows_errors, leave_in_time
from kanopt.solvers.solve import refuse_impossible, search_and_assess

_PLAIN, _MORE = 0.3, 0.35
"""Of the time limit: what the plan on typical times has, and each of two searches after it."""
_SURER = 1.5
"""By how much more or less travel times are stretched after a plan that misses the target or reaches it."""


def solve_on_time(
    problem: RoutingProblem,
    on_time: float = DAYS_IN_TIME,
    *,
    uncertainty: Uncertainty | None = None,
    time_limit: float = 60.0,
    seed: int = 0,
    deterministic: bool = False,
    solver: Solver | None = None,
) -> Result:
    """Plan routes so that everyone is in time on a share of days, by other routes where departures are not enough.

    A plan is made on typical times, and leaves as :func:`solve` has it leave. Where that is in time on too few days,
    plans are made on travel times that are longer by what brings arrivals to the quantile asked for: whatever order of
    stops is tried, those late on a route then have more time in hand than those early on it. Each plan leaves as early
    as it takes on the laws as they are, and the cheapest one that reaches the target is taken.

    Ctrl-C ends the searches, as in :func:`solve`, and keeps the best plan so far.

    Parameters
    ----------
    problem
        With windows or ends of shifts.
    on_time
        Share of days on which everyone is to be in time, between 0 and 1. Clients with a promise of their own have
        that as well.
    uncertainty
        What is taken to be uncertain, as of :func:`risk`.
    time_limit, seed, deterministic
        As of :func:`solve`; the limit is for all searches together.
    solver
        As of :func:`solve`, but no name.

    Returns
    -------
    Result
        Its :attr:`~Result.days_in_time` tells how often it is in time and what it costs, beside the plan on typical
        times. The plan that comes nearest where none reaches the target, which is told.

    Raises
    ------
    FormulaError
        If the plan rests on a law of time where that falls below zero.
    ProblemError
        If nothing has to be in time or no time is uncertain, or no plan is found on typical times.
    SolverError
        If `on_time` is no share.
    """
    if not isinstance(problem, RoutingProblem):
        raise ProblemError(
            f"solve_on_time plans routes, not a {type(problem).__name__}; give a RoutingProblem, such as "
            "scenario.run().problem"
        )
    assumed = uncertainty or Uncertainty()
    how = SolveOptions(time_limit, seed, deterministic=deterministic, days_in_time=on_time)
    if not knows_errors(problem, assumed):
        raise ProblemError(
            "nobody can be late: no client has a window that ends and no vehicle a shift, or no time is uncertain; "
            "learn travel times from a log, or state ko.Uncertainty(travel=0.1)"
        )
    problem.warn_of_unread()
    search = _Search(problem, assumed, how, solver)
    with Interrupt() as interrupt:  # Ctrl-C ends all searches, not one of them
        tries = [search.plan(1.0, None, _PLAIN)]
        stretch = 1.0 if interrupt.asked or tries[0].days.reached else search.stretch(tries[0])
        for _ in range(2):
            if interrupt.asked:
                break
            tries.append(search.plan(stretch, tries[-1], _MORE))
            surer = 1.0 / _SURER if tries[-1].days.reached else _SURER
            stretch = 1.0 + surer * (stretch - 1.0)
    best = min(tries, key=lambda each: each.rank).result
    refuse_impossible(best)
    return replace(best, interrupted=True) if interrupt.asked else best


@dataclass(frozen=True, eq=False)
class _Try:
    """A plan on the problem as it was given, with departures in time, and as it leaves on typical times."""

    result: Result
    days: DaysInTime
    typical: RoutingAssessment

    @property
    def rank(self) -> tuple[Any, ...]:
        """Smaller is better: rules and clients, then days in time where the target is not reached, then the mean."""
        short = 0.0 if self.days.reached else max(self.days.target - self.days.share, 1e-3)
        return (*self.result.rank[:3], round(short, 3), self.days.mean)


@dataclass(frozen=True, eq=False)
class _Search:
    """Plans a problem on longer travel times, and has the plans leave in time on its own."""

    given: RoutingProblem
    uncertainty: Uncertainty
    how: SolveOptions
    solver: Solver | None

    def plan(self, stretch: float, before: _Try | None, share: float) -> _Try:
        """Plan on longer travel times, from another plan, in a part of the time limit."""
        initial = None if before is None else before.typical.plan
        how = replace(self.how, time_limit=share * self.how.time_limit, initial=initial, days_in_time=None)
        longer = replace(self.given, duration=_stretched(self.given.duration, stretch))
        found = search_and_assess(longer, how, self.solver)
        if found.assessment is None:
            if before is None:
                raise ProblemError(
                    f"no plan was found on typical times: {found.message or found.status.value}"
                )
            return before
        plan: Any = found.plan
        assert isinstance(plan, RoutingPlan)
        typical: Any = self.given.assess(self.given.plan_from(plan.reopened()))
        target = self.how.days_in_time or DAYS_IN_TIME
        beside = None if before is None else before.typical
        held, days = leave_in_time(
            typical,
            target,
            uncertainty=self.uncertainty,
            beside=beside,
            stretch=stretch,
            time_limit=self.how.time_limit,
        )
        about = {name: getattr(found, name) for name in ("solver", "seed", "wall_seconds", "cpu_seconds")}
        result = replace(evaluate(self.given, held.plan), days_in_time=days, **about)
        return _Try(result, days, typical.settled() if before is None else before.typical)

    def stretch(self, tried: _Try) -> float:
        """Return the factor of travel times that brings arrivals to the quantile asked for, over all of them."""
        known, level = tried.typical, self.how.days_in_time or DAYS_IN_TIME
        laws = routing_time_laws(self.given, self.uncertainty)
        driven, plan = known.simulation, known.plan
        draws = common_draws(sum(len(route.clients) for route in plan.routes))
        days = drive_days(self.given, known, laws, self.uncertainty, draws, COMMON_SEED + 1, lenient=True)
        served = driven.head >= len(self.given.depots)
        so_far = [np.cumsum(driven.duration[driven.route == each]) for each in range(len(driven.finish))]
        stops_late, routes_late = late_in_plan(known)
        limited = np.isfinite(self.given.data.latest[days.client]) & ~stops_late
        ends = np.isfinite(shift_ends(known)) & ~routes_late
        later = np.concatenate(
            [
                _later(days.arrive, driven.arrive[served], level)[limited],
                _later(days.finish, driven.finish, level)[ends],
            ]
        )
        driving = np.concatenate(
            [np.concatenate(so_far)[served][limited], np.array([each[-1] for each in so_far])[ends]]
        )
        return float(1.0 + later.sum() / max(driving.sum(), 1e-9))


def _later(times: NDArray[np.float64], planned: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return by how much quantiles of times lie after the planned ones; 0 where they are never."""
    found = np.quantile(times, level, axis=0, method="higher") - planned
    return np.where(np.isfinite(found), np.maximum(found, 0.0), 0.0)


def _stretched(duration: Any, factor: float) -> Any:
    """Return travel times that are longer by a factor; tables of the clock and roads as they are."""
    if factor == 1.0 or not isinstance(duration, BoundFormula | np.ndarray):
        return duration
    if isinstance(duration, np.ndarray):
        return factor * duration
    law = duration.formula
    longer = replace(law, root=Constant(factor) * law.root, covariance=None, alternatives=())
    return replace(duration, formula=longer)
