"""Why a decision and not another one: the plan with the other decision enforced, and the change in cost by term."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from kanopt.display import Fold, Part, Shown, grid_of
from kanopt.engines.base import SolveOptions
from kanopt.errors import ProblemError, nearest
from kanopt.explain.differences import Level, difference
from kanopt.plans.result import Progress, Result
from kanopt.routing import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules.skills import missing_skill
from kanopt.solvers.solve import search_and_assess, solver_of
from kanopt.text import fixed_text, join_list, money_decimals, money_text, percent_text

_LEAST_SECONDS = 2.0
_SAME = 1e-6
"""Share of an objective below which two prices are the same."""


@dataclass(frozen=True, repr=False)
class PlanAlternative(Shown):
    """A plan with one decision enforced, and the plan it is compared with.

    Parameters
    ----------
    question
        The enforced decision, in words.
    before, after
        The original result, and the one with the decision enforced.
    client
        The client that must be served in it; empty where there is none.
    """

    question: str
    before: Result
    after: Result
    client: str = ""

    @property
    def change(self) -> float:
        """How much more the alternative plan costs; NaN where there is none."""
        if self.before.objective is None or self.after.objective is None:
            return float("nan")
        return self.after.objective - self.before.objective

    @property
    def serves_client(self) -> bool:
        """Whether the alternative plan serves the client in question."""
        plan = self.after.plan
        return isinstance(plan, RoutingPlan) and self.client not in plan.unserved

    @property
    def newly_unserved(self) -> tuple[str, ...]:
        """Clients that the original plan serves and the alternative plan does not."""
        plans = (self.before.plan, self.after.plan)
        if not all(isinstance(plan, RoutingPlan) for plan in plans):
            return ()
        before, after = (set(plan.unserved) for plan in plans if isinstance(plan, RoutingPlan))
        return tuple(sorted(after - before))

    def terms(self, by: Level = "term") -> pd.DataFrame:
        """Return the price of both plans at a level of detail, and the change, largest first.

        Raises
        ------
        ProblemError
            If there is no alternative plan, or the level is unknown.
        """
        return difference(self.before, self.after, by)

    def _shown(self) -> Iterator[Part]:
        yield self._sentence()
        if self.after.objective is not None and self.serves_client:
            frame = self.terms()
            decimals = money_decimals(frame[["before", "after"]].to_numpy().ravel())
            yield Fold("both plans, term by term", (grid_of(frame, partial(fixed_text, decimals=decimals)),))

    def _sentence(self) -> str:
        if self.after.objective is None:
            return f"{self.question}: no plan was found ({self.after.status.value})"
        if not self.serves_client:
            assert self.after.assessment is not None
            reasons = self.after.assessment.reasons
            why = next((each.message for each in reasons if each.subject == f"client {self.client}"), "")
            return f"{self.question}: no plan was found in which it is" + (f"; {why}" if why else "")
        unit, change, base = self.before.problem.unit, self.change, abs(self.before.objective or 0.0)
        missing = ""
        if self.newly_unserved:
            missing = f", and leaves {join_list(list(self.newly_unserved), 5)} out"
        if abs(change) <= _SAME * max(base, 1e-12):
            return f"{self.question}: the plan costs the same{missing}"
        share = f" ({percent_text(abs(change) / base)})" if base else ""
        frame = self.terms()
        moved = frame[frame["change"].abs() > 0.005 * abs(change)]
        parts = [
            f"{term} {money_text(by, signed=True)}"
            for term, by in zip(moved["term"], moved["change"], strict=True)
        ]
        more = "more" if change > 0 else "less"
        costs = f"{money_text(abs(change), unit)}{share} {more}{missing}"
        said = f"{self.question}: the plan costs {costs}: {join_list(parts)}"
        better = change < 0 and not self.newly_unserved
        return f"{said}. The plan that was explained is not the best one" if better else said


@dataclass(frozen=True)
class AlternativeSearch:
    """Settings of the search for an alternative plan.

    Parameters
    ----------
    time_limit, seed
        By default those of the result.
    workers, progress
        As for :func:`kanopt.solve`.
    """

    time_limit: float | None = None
    seed: int | None = None
    workers: int = 1
    progress: Callable[[Progress], None] | None = None

    def solve(self, problem: RoutingProblem, start: Result) -> Result:
        """Solve a problem, starting from the plan of a result; deterministic where that search was."""
        seconds = max(start.wall_seconds, _LEAST_SECONDS)
        if start.deterministic and start.time_limit is not None:
            seconds = start.time_limit
        options = SolveOptions(
            time_limit=seconds if self.time_limit is None else self.time_limit,
            seed=start.seed if self.seed is None else self.seed,
            initial=start.plan,
            progress=self.progress,
            workers=self.workers,
            deterministic=start.deterministic,
            days_in_time=None if start.days_in_time is None else start.days_in_time.target,
        )
        return search_and_assess(problem, options, solver_of(start))


def with_client_on(result: Result, client: str, vehicle: str, search: AlternativeSearch) -> PlanAlternative:
    """Plan again with a client on another vehicle type; see :meth:`kanopt.Explanation.instead`."""
    problem, plan = _routing_plan(result)
    names = [each.name for each in problem.clients]
    if client not in names:
        raise ProblemError(f"there is no client {client!r}; {nearest(client, names)}")
    types = [each.name for each in problem.vehicles]
    if vehicle not in types:
        raise ProblemError(f"there is no vehicle type {vehicle!r}; {nearest(vehicle, types)}")
    now = [route.vehicle for route in plan.routes if client in route.clients]
    if now == [vehicle]:
        raise ProblemError(f"client {client!r} is on {vehicle!r} already; name another of {join_list(types)}")
    place = names.index(client)
    if not problem.data.allowed[types.index(vehicle), len(problem.depots) + place]:
        raise ProblemError(
            f"{vehicle!r} may not serve client {client!r}: {_ineligibility(problem, vehicle, client)}"
        )
    clients = list(problem.clients)
    # a client with a prize would be left out where that is cheaper
    clients[place] = replace(clients[place], vehicles=(vehicle,), prize=None)
    question = f"client {client} on {vehicle}"
    found = search.solve(replace(problem, clients=clients), result)
    return PlanAlternative(question, result, found, client)


def without_leg(result: Result, start: str, end: str, search: AlternativeSearch) -> PlanAlternative:
    """Plan again without a leg; see :meth:`kanopt.Explanation.leg`."""
    problem, plan = _routing_plan(result)
    data = problem.data
    for name in (start, end):
        if name not in data.index:
            raise ProblemError(f"there is no stop {name!r}; {nearest(name, data.names)}")
    routes = [data.way_of(route) for route in plan.routes]
    if not any((start, end) in itertools.pairwise(stops) for stops in routes):
        after = sorted({b for stops in routes for a, b in itertools.pairwise(stops) if a == start})
        hint = f"from {start} it goes to {join_list(after)}" if after else f"it does not come to {start}"
        raise ProblemError(f"the plan does not drive from {start!r} to {end!r}: {hint}")
    distance = data.distance.copy()
    distance[data.index[start], data.index[end]] = np.inf
    found = search.solve(replace(problem, distance=distance), result)
    return PlanAlternative(f"without the leg {start} → {end}", result, found)


def _routing_plan(result: Result) -> tuple[RoutingProblem, RoutingPlan]:
    problem, plan = result.problem, result.plan
    if not isinstance(problem, RoutingProblem):
        raise ProblemError(f"this is asked of routes, and the problem is a {problem.kind} problem")
    if not isinstance(plan, RoutingPlan):
        raise ProblemError(f"there is no plan to ask about ({result.status.value})")
    return problem, plan


def _ineligibility(problem: RoutingProblem, vehicle: str, client: str) -> str:
    return missing_skill(problem.data, problem.data.type_index[vehicle], client)
