"""What came of a point of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kanopt.explain.service import Service
from kanopt.problems.assessment import NO_PLAN, Rank
from kanopt.problems.result import Status

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.problems.base import Plan
    from kanopt.problems.result import Result

REPEAT = "search twice to know it (--repeats 2, SweepOptions(repeats=2))"
"""What is advised where the noise of searches was not measured."""
BASE = -1
"""The number under which the plan of the scenario as it is stands."""
REFUSED = "refused"
"""The status of a point whose data contradict themselves, so that there is no problem to solve."""


@dataclass(frozen=True, eq=False)
class PointResult:
    """What came of a point.

    Parameters
    ----------
    point
        Its number.
    status
        That of its plan, or ``"refused"`` where its data contradict themselves.
    objective, bound
        Price of its plan on the laws, and the proved bound; NaN where there is none.
    searches
        The objectives of independent searches; a proved one is alone.
    differences
        What each search says that the change of data costs: it and the search of the base that belongs to it, priced
        under both data and each taking the better plan. How far they lie apart is the noise; NaN of a search that left
        out more, or broke more rules, than others.
    at_base
        The price of the plan found here where nothing is changed; NaN where it cannot be carried out there, serves less
        or breaks a rule, or was found elsewhere.
    kept_status, kept_objective
        The base's plan under the data of this point; empty and NaN where that cannot be carried out.
    terms, kept_terms
        Both prices by term.
    unserved, violations
        What the plan leaves out of what must be served, and how many other rules it breaks.
    service
        What the plan serves, and which rules it breaks; None where there is no plan.
    plan
        The plan, as a frame where it was read from disk; None where there is none, or the base's was kept.
    plan_of
        The point at which the plan was found, where that is another one.
    seconds
        Wall seconds that it took.
    message
        Why it was refused, or has no plan; the first rule that a kept plan breaks.
    caveat
        What its price cannot be trusted for: laws below zero that count as zero, or used outside their data.
    interrupted
        Whether its search was cut short by the user.
    result
        All that belongs to the plan, where the question asks for it.
    """

    point: int
    status: str
    objective: float = math.nan
    bound: float = math.nan
    searches: tuple[float, ...] = ()
    differences: tuple[float, ...] = ()
    at_base: float = math.nan
    kept_status: str = ""
    kept_objective: float = math.nan
    terms: Mapping[str, float] = field(default_factory=dict)
    kept_terms: Mapping[str, float] = field(default_factory=dict)
    unserved: float = 0
    violations: int = 0
    service: Service | None = None
    plan: Plan | pd.DataFrame | None = None
    plan_of: int | None = None
    seconds: float = 0.0
    message: str = ""
    caveat: str = ""
    interrupted: bool = False
    result: Result | None = None

    @property
    def proved(self) -> bool:
        """Whether no plan is better."""
        return self.status == Status.OPTIMAL

    @property
    def rank(self) -> Rank:
        """How good its plan is, the smaller the better."""
        if math.isnan(self.objective):
            return NO_PLAN
        return Rank(self.violations > 0, self.unserved, self.violations, self.objective)

    def does_as_much_as(self, rank: Rank) -> bool:
        """Whether the plan leaves out as much of what must be served, and breaks as many rules, as another one."""
        return (self.unserved, self.violations) == (rank.unserved, rank.violations)

    @property
    def noise(self) -> float:
        """How far independent searches lie apart; NaN where that was not measured."""
        if self.proved:
            return 0.0
        return max(self.searches) - min(self.searches) if len(self.searches) > 1 else math.nan

    def noise_beside(self, base: Result) -> float:
        """Return how far apart lie what searches say of the difference from the base; NaN where unmeasured."""
        if self.proved and base.status == Status.OPTIMAL:
            return 0.0
        known = [value for value in self.differences if not math.isnan(value)]
        return max(known) - min(known) if len(known) > 1 else math.nan


def is_noise(change: float, noise: float, differences: Sequence[float]) -> bool:
    """Say whether a change may be the luck of the search: it is within its noise, or searches disagree on its sign.

    Parameters
    ----------
    change, noise
        Of a price; the noise is NaN where it was not measured.
    differences
        What each search says of the change.

    Examples
    --------
    >>> is_noise(5.0, 1.0, [4.5, 5.5]), is_noise(0.5, 1.0, [0.2, 1.2]), is_noise(9.0, 8.0, [-1.0, 7.0])
    (False, True, True)
    """
    signs = {value > 0 for value in differences if not math.isnan(value)}
    return abs(change) <= noise or len(signs) > 1


def _terms(result: Result | None) -> dict[str, float]:
    if result is None or result.pricing is None:
        return {}
    return {str(term): float(amount) for term, amount in result.pricing.terms().items()}


def of_kept(point: int, kept: Result | None) -> PointResult:
    """Return what comes of a point where the base's plan is kept, priced under its data."""
    if kept is None or kept.objective is None:
        return PointResult(point, Status.NO_PLAN, message="the base's plan names what is not there")
    rank = kept.rank
    return PointResult(
        point,
        str(kept.status),
        objective=kept.objective,
        kept_status=str(kept.status),
        kept_objective=kept.objective,
        terms=_terms(kept),
        kept_terms=_terms(kept),
        unserved=rank.unserved,
        violations=rank.violations,
        service=Service.of(kept),
        message=next(iter(() if kept.assessment is None else kept.assessment.broken_rules), ""),
        caveat=_caveat(kept),
        result=kept,
    )


def _caveat(result: Result) -> str:
    return "" if result.assessment is None else "; ".join(result.assessment.law_caveats)


def with_plan(found: PointResult, result: Result) -> PointResult:
    """Return what came of a point with a plan in place of its own."""
    if result.objective is None:
        return replace(
            found,
            status=str(result.status),
            objective=math.nan,
            terms={},
            unserved=0,
            violations=0,
            service=None,
            message="no plan was found",
            result=result,
        )
    return replace(
        found,
        status=str(result.status),
        objective=result.objective,
        bound=math.nan if result.bound is None else result.bound,
        terms=_terms(result),
        unserved=result.rank.unserved,
        violations=result.rank.violations,
        service=Service.of(result),
        plan=result.plan,
        message="",
        caveat=_caveat(result),
        result=result,
    )


def point_of(point: int, result: Result) -> PointResult:
    """Return a result as that of a point at which nothing was kept."""
    return with_plan(PointResult(point, str(result.status)), result)
