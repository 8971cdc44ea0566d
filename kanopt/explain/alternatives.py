"""Why a client is not on another vehicle: the plan with it there, and the change in cost by term."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd

from kanopt.display import Fold, Part, Shown, grid_of
from kanopt.engines.base import SolveOptions
from kanopt.engines.solve import search_and_assess, solver_of
from kanopt.errors import ProblemError, nearest
from kanopt.explain.differences import Level, difference
from kanopt.plans.result import Result
from kanopt.routing import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules.skills import missing_skill
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
        The client that must be served in it.
    """

    question: str
    before: Result
    after: Result
    client: str

    @property
    def change(self) -> float:
        """How much more the alternative plan costs; NaN where there is none."""
        if self.before.objective is None or self.after.objective is None:
            return float("nan")
        return self.after.objective - self.before.objective

    @property
    def newly_unserved(self) -> tuple[str, ...]:
        """Clients that the original plan serves and the alternative plan does not."""
        before, after = (set(getattr(one.plan, "unserved", ())) for one in (self.before, self.after))
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
        if self.after.objective is not None:
            frame = self.terms()
            decimals = money_decimals(frame[["before", "after"]].to_numpy().ravel())
            yield Fold("both plans, term by term", (grid_of(frame, partial(fixed_text, decimals=decimals)),))

    def _sentence(self) -> str:
        known = self.after.assessment
        if known is None:
            return f"{self.question}: no plan was found ({self.after.status.value})"
        if self.client in getattr(self.after.plan, "unserved", ()):
            told = (each.message for each in known.reasons if each.subject == f"client {self.client}")
            return "; ".join([f"{self.question}: no plan was found in which it is", *list(told)[:1]])
        change, base, missing = self.change, abs(self.before.objective or 0.0), ""
        if self.newly_unserved:
            missing = f", and leaves {join_list(list(self.newly_unserved), 5)} out"
        if abs(change) <= _SAME * max(base, 1e-12):
            return f"{self.question}: the plan costs the same{missing}"
        frame = self.terms()
        moved = frame[frame["change"].abs() > 0.005 * abs(change)]
        pairs = zip(moved["term"], moved["change"], strict=True)
        parts = [f"{term} {money_text(by, signed=True)}" for term, by in pairs]
        share = f" ({percent_text(abs(change) / base)})" if base else ""
        costs = (
            f"{money_text(abs(change), self.before.problem.unit)}{share} {'more' if change > 0 else 'less'}"
        )
        said = f"{self.question}: the plan costs {costs}{missing}: {join_list(parts)}"
        better = change < 0 and not self.newly_unserved
        return f"{said}. The plan that was explained is not the best one" if better else said


def with_client_on(
    result: Result, client: str, vehicle: str, time_limit: float | None, seed: int | None
) -> PlanAlternative:
    """Plan again with a client on another vehicle type; see :meth:`kanopt.Explanation.instead`."""
    problem, plan = result.problem, result.plan
    if not isinstance(problem, RoutingProblem):
        raise ProblemError(f"this is asked of routes, and the problem is a {problem.kind} problem")
    if not isinstance(plan, RoutingPlan):
        raise ProblemError(f"there is no plan to ask about ({result.status.value})")
    names, types = [each.name for each in problem.clients], [each.name for each in problem.vehicles]
    if client not in names:
        raise ProblemError(f"there is no client {client!r}; {nearest(client, names)}")
    if vehicle not in types:
        raise ProblemError(f"there is no vehicle type {vehicle!r}; {nearest(vehicle, types)}")
    if [route.vehicle for route in plan.routes if client in route.clients] == [vehicle]:
        raise ProblemError(f"client {client!r} is on {vehicle!r} already; name another of {join_list(types)}")
    place = names.index(client)
    if not problem.data.allowed[types.index(vehicle), len(problem.depots) + place]:
        why = missing_skill(problem.data, problem.data.type_index[vehicle], client)
        raise ProblemError(f"{vehicle!r} may not serve client {client!r}: {why}")
    clients = list(problem.clients)
    # a client with a prize would be left out where that is cheaper
    clients[place] = replace(clients[place], vehicles=(vehicle,), prize=None)
    seconds = max(result.wall_seconds, _LEAST_SECONDS)
    if result.deterministic and result.time_limit is not None:
        seconds = result.time_limit
    options = SolveOptions(
        time_limit=seconds if time_limit is None else time_limit,
        seed=result.seed if seed is None else seed,
        initial=plan,
        deterministic=result.deterministic,
        days_in_time=None if result.days_in_time is None else result.days_in_time.target,
    )
    found = search_and_assess(replace(problem, clients=clients), options, solver_of(result))
    return PlanAlternative(f"client {client} on {vehicle}", result, found, client)
