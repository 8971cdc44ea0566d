"""What came of a point: its plan, the plan that is kept, and what the change of data comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict

from kanopt.explain.service import Service, still_holds
from kanopt.plans.base import NO_PLAN, Rank
from kanopt.plans.findings import Status
from kanopt.questions.verdict import Verdict, noise_of, spread_of, still_compare
from kanopt.text import join_list

if TYPE_CHECKING:
    from kanopt.plans.result import Result

BASE = -1
"""The number under which the plan of the scenario as it is stands."""
KEPT = ("kept_status", "kept_objective", "kept_message", "kept_terms")
"""Fields of what the base's plan comes to."""
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
    kept_message
        Why that cannot be carried out, or which rules it breaks and what it leaves out; empty where it holds.
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
        Why it was refused or has no plan; else the first rule that its plan breaks.
    caveat
        What its price cannot be trusted for: laws below zero that count as zero, or used outside their data.
    figures
        What is told of the plan besides its price, by name, where the question asks for it.
    interrupted
        Whether its search was cut short by the user.
    result
        All that belongs to the plan, where the question asks for it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_inf_nan="constants")

    point: int
    status: str
    objective: float = math.nan
    bound: float = math.nan
    searches: tuple[float, ...] = ()
    differences: tuple[float, ...] = ()
    at_base: float = math.nan
    kept_status: str = ""
    kept_objective: float = math.nan
    kept_message: str = ""
    terms: Mapping[str, float] = field(default_factory=dict)
    kept_terms: Mapping[str, float] = field(default_factory=dict)
    unserved: float = 0.0
    violations: int = 0
    service: Service | None = None
    plan: Any = None
    plan_of: int | None = None
    seconds: float = 0.0
    message: str = ""
    caveat: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    interrupted: bool = False
    result: Any = None

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

    @property
    def noise(self) -> float:
        """How far independent searches lie apart; NaN where that was not measured."""
        if self.proved:
            return 0.0
        return spread_of(self.searches)

    def held_price(self, base: PointResult) -> float:
        """Return the price of the base's plan under the data of this point; NaN where it no longer holds."""
        return self.kept_objective if still_holds(self.kept_status, base.status) else math.nan

    def unlike(self, base: PointResult) -> str:
        """Say what the plan does that the base's does not; empty where their prices compare.

        They do where both serve the same and break the same rules, if any, and where the one that does more is cheaper
        too. A plan that breaks more rules, or leaves out more of what must be served, compares with none.
        """
        if self.service is None or base.service is None:
            return ""
        own, other = self.service.coverage, base.service.coverage
        keeps, kept = self.rank[:3], base.rank[:3]
        does_more = keeps <= kept and (
            other.is_less_than(own) or (keeps < kept and not own.is_less_than(other))
        )
        does_less = keeps == kept and own.is_less_than(other)
        if still_compare(self.objective - base.objective, does_more=does_more, does_less=does_less):
            return ""
        return self.service.against(base.service)

    def noise_beside(self, base: PointResult, *, anew: bool = True) -> float:
        """Return how far apart lie what searches say of the difference from the base; NaN where unmeasured."""
        if not anew or (self.proved and base.proved):
            return 0.0
        return noise_of(self.objective - base.objective, self.differences)

    def verdict(self, base: PointResult, *, anew: bool = True) -> Verdict:
        """Return what the change against the base comes to; `anew` where plans were searched."""
        why = self.unlike(base)
        return Verdict(
            change=self.objective - base.objective,
            noise=self.noise_beside(base, anew=anew),
            alike=not why,
            why=why,
            does_less=self._undone > base._undone,
            price=base.objective,
        )

    def keeps_plan(self, base: PointResult) -> bool:
        """Whether the base's plan may stay: what another one gains here is within the noise of the search."""
        held = self.held_price(base)
        noise = 0.0 if self.proved and base.proved else spread_of(self.differences)
        return Verdict(self.objective - held, noise, price=held).is_nothing

    @property
    def _undone(self) -> tuple[float, ...]:
        left_out = () if self.service is None else self.service.coverage.left_out
        return (*self.rank[:3], len(left_out))

    @property
    def serves_nobody(self) -> bool:
        """Whether nothing is served of what could be: its price is that of doing nothing."""
        if self.service is None or self.service.coverage.words.fully:  # all is done, though not in time
            return False
        coverage = self.service.coverage
        return 0 < coverage.things == len(coverage.left_out) and coverage.served <= 0


def _outcome(result: Result) -> dict[str, Any]:
    """Return what a plan comes to, by the names of the fields of a point."""
    known, rank = result.assessment, result.rank
    if known is None:
        reason = next(iter(result.problem.infeasibility_reasons()), None)
        told = result.message or "no plan was found"
        return {
            "status": str(Status.NO_PLAN),
            "objective": math.nan,
            "terms": {},
            "unserved": 0.0,
            "violations": 0,
            "service": None,
            "message": told if reason is None else f"{reason.subject}: {reason.message}",
            "result": result,
        }
    return {
        "status": str(result.status),
        "objective": rank.objective,
        "terms": {str(term): float(amount) for term, amount in known.pricing.terms().items()},
        "unserved": float(rank.unserved),
        "violations": rank.violations,
        "service": Service.of(result),
        "message": next(iter(known.broken_rules), ""),
        "caveat": "; ".join(known.law_caveats),
        "result": result,
    }


def of_kept(point: int, kept: Result | str) -> PointResult:
    """Return what comes of a point where the base's plan is kept, priced under its data; a text says why it is not."""
    if isinstance(kept, str) or kept.assessment is None:
        told = kept if isinstance(kept, str) else "the base has no plan"
        message = "the base's plan names what is not there"
        return PointResult(point, Status.NO_PLAN, kept_message=told, message=message)
    found = _outcome(kept)
    faults = [*kept.assessment.broken_rules]
    faults += [f"it {kept.assessment.coverage.text}"] if kept.status == Status.PARTIAL else []
    return PointResult(
        point,
        kept_status=found["status"],
        kept_objective=found["objective"],
        kept_terms=found["terms"],
        kept_message=join_list(faults, 2),
        **found,
    )


def with_plan(found: PointResult, result: Result) -> PointResult:
    """Return what came of a point with a plan in place of its own."""
    bound = math.nan if result.bound is None else result.bound
    return replace(found, plan=result.plan, bound=bound, **_outcome(result))


def point_of(point: int, result: Result) -> PointResult:
    """Return a result as that of a point at which nothing was kept."""
    return with_plan(PointResult(point, str(result.status)), result)
