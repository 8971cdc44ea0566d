"""What came of a point: its plan, the plan that is kept, and what the change of data comes to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from pydantic import ConfigDict

from kanopt.plans.base import NO_PLAN, Plan, Rank
from kanopt.plans.differences import Service, still_holds
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.routing import RoutingPlan
from kanopt.scenarios.files.problem_spec import ProblemSpec
from kanopt.text import count_text, join_list, money_text, number_text, percent_text

# Whether a change of a price is more than the luck of the search: one verdict, and one sentence for it.

WITHOUT_PLAN = "no plan"
NO_DIFFERENCE = "no difference"
UNMEASURED = "noise not measured"
REPEAT = "search twice to know it (--repeats 2, SweepOptions(repeats=2))"
"""What is advised where the noise of searches was not measured."""
_EQUAL = 1e-9
"""Share of a price by which the order of summation may change it."""


@dataclass(frozen=True)
class Verdict:
    """What a change of a price comes to.

    Parameters
    ----------
    change
        The new price less the old one; NaN where one of them is missing.
    noise
        How far apart lie what searches say of the change; 0 where it is exact, NaN where that was not measured.
    alike
        Whether the prices of both plans compare, see :func:`still_compare` and :meth:`PointResult.unlike`.
    why
        What the new plan does instead, where they do not.
    does_less
        Whether it breaks a rule that the old one keeps, or leaves out more: a lower price is no saving then.
    price
        The old price.

    Examples
    --------
    >>> for change, noise in [(3.0, 0.5), (0.2, 0.5), (-3.0, math.nan), (0.0, 0.0)]:
    ...     verdict = Verdict(change, noise, price=100.0)
    ...     print(f"{verdict.word}; {verdict.text('EUR')}")
    dearer; +3.00 EUR (+3 %), dearer; noise of the search 0.50 EUR
    no difference; no difference: +0.20 EUR (+0.2 %) is within the noise of the search, 0.50 EUR
    cheaper, noise not measured; −3.00 EUR (−3 %), cheaper; noise not measured
    no difference; no difference
    >>> Verdict(-3.0, 0.0, alike=False, why="serves 2 clients fewer", does_less=True, price=100.0).text("EUR")
    '−3.00 EUR (−3 %), no saving: it serves 2 clients fewer'
    """

    change: float
    noise: float = 0.0
    alike: bool = True
    why: str = ""
    does_less: bool = False
    price: float = 0.0

    @property
    def is_nothing(self) -> bool:
        """Whether the prices are equal, or may be by the luck of the search."""
        tiny = _EQUAL * max(1.0, abs(self.price))
        return abs(self.change) <= (tiny if math.isnan(self.noise) else max(tiny, self.noise))

    @property
    def is_known(self) -> bool:
        """Whether the prices compare, and differ by more than luck; false where that was not measured."""
        return self.alike and abs(self.change) > self.noise and not self.is_nothing

    @property
    def word(self) -> str:
        """The verdict in a word or two, as tables have it."""
        if math.isnan(self.change):
            return WITHOUT_PLAN
        if not self.alike:
            return "no saving" if self.does_less and self.change < 0 else "not like with like"
        if self.is_nothing:
            return NO_DIFFERENCE
        word = "dearer" if self.change > 0 else "cheaper"
        return f"{word}, {UNMEASURED}" if math.isnan(self.noise) else word

    @property
    def _earns(self) -> bool:
        return self.price < 0 and self.price + self.change < 0

    def text(self, unit: str) -> str:
        """Say it in one sentence, without a full stop."""
        if math.isnan(self.change):
            return "no plan to compare"
        amount = self.amount(unit)
        if not self.alike:
            return f"{amount}, {self.word}: it {self.why}"
        if self.is_nothing:
            noise = f": {amount} is within the noise of the search, {money_text(self.noise, unit)}"
            return NO_DIFFERENCE + (noise if self.noise > 0 and self.change else "")
        word, _, noise = self.word.partition(", ")
        if self.noise > 0:
            noise = f"noise of the search {money_text(self.noise, unit)}"
        told = amount if self._earns else f"{amount}, {word}"
        return f"{told}; {noise}" if noise else told

    def amount(self, unit: str) -> str:
        """Return the change and its share; of a plan that earns, by how much more or less."""
        share = self.change / max(abs(self.price), 1e-12)
        if self._earns:
            more = "more" if self.change < 0 else "less"
            return f"{money_text(abs(self.change), unit)} {more} ({percent_text(-share, signed=True)})"
        return f"{money_text(self.change, unit, signed=True)} ({percent_text(share, signed=True)})"


def still_compare(change: float, *, does_more: bool, does_less: bool) -> bool:
    """Say whether prices compare though the new plan does more or less than the old one.

    They do where the plan that does more is the cheaper one as well. A plan that does less may owe a lower price to
    that, which flatters it.

    Examples
    --------
    >>> still_compare(-3.0, does_more=True, does_less=False), still_compare(-3.0, does_more=False, does_less=True)
    (True, False)
    """
    return (does_more and change < 0) or (does_less and change > 0)


def spread_of(values: Sequence[float]) -> float:
    """Return how far apart values lie that repeated searches say; NaN where fewer than two say something."""
    known = [value for value in values if not math.isnan(value)]
    return max(known) - min(known) if len(known) > 1 else math.nan


def noise_of(change: float, differences: Sequence[float]) -> float:
    """Return how far apart lie what searches say of a change; NaN where fewer than two say something.

    Where they disagree whether it is more or less, all of the change may be luck.

    Examples
    --------
    >>> noise_of(5.0, [4.5, 5.5]), noise_of(9.0, [-1.0, 7.0]), noise_of(5.0, [5.0])
    (1.0, 9.0, nan)
    """
    spread, signs = spread_of(differences), {value > 0 for value in differences if not math.isnan(value)}
    return max(spread, abs(change)) if len(signs) > 1 and not math.isnan(change) else spread


# What a plan decides, in a form in which two plans compare: what is used, what goes where, what is paid
# for.

_NAMES = 3
_AT_END = 1e-6
"""Share of a range within which a number is at its end."""


class Decision(NamedTuple):
    """Something that a plan decides.

    Parameters
    ----------
    kind
        ``"in use"`` (a site, a machine, how many vehicles), ``"assignment"`` (what is served, made or sent from where),
        ``"term"`` (whether something is paid for at all, such as overtime).
    thing
        What is decided about.
    """

    kind: str
    thing: str


def decisions_of(result: Result, spec: ProblemSpec, like: Result | None = None) -> dict[Decision, str]:
    """Return what a plan decides, each with its choice in words.

    Parameters
    ----------
    result
        The plan.
    spec
        The problem, of which columns of plans say what is put where.
    like
        Another plan, after whose numbers vehicles that are alike are numbered.
    """
    assessment = result.assessment
    if assessment is None:
        return {}
    plan = numbered_like(result, like)
    if spec.kind == "decision":
        found = dict(_numbers(result))
    else:
        found = {Decision("assignment", thing): place for thing, place in assignments(plan, spec).items()}
    if isinstance(plan, RoutingPlan):
        counts = Counter(route.vehicle for route in plan.routes if route.clients)
        found |= {Decision("in use", name): count_text(count, "vehicle") for name, count in counts.items()}
    elif assessment.in_use is not None:
        found |= {Decision("in use", name): "in use" for name in assessment.in_use.names}
    price = abs(assessment.pricing.objective)
    for term, amount in assessment.pricing.terms().items():
        paid = abs(float(amount)) > _EQUAL * max(1.0, price)
        found[Decision("term", str(term))] = "paid" if paid else "nothing"
    return found


def assignments(plan: Plan | None, spec: ProblemSpec) -> dict[str, str]:
    """Return where a plan puts each thing; several places are joined, and what has none is left out."""
    if plan is None:
        return {}
    frame = plan.to_frame()
    things, places = (
        _join_columns(frame, columns) for columns in (spec.entity_columns, spec.assignment_columns)
    )
    grouped = places.groupby(things, sort=False).agg(lambda found: ", ".join(sorted(set(found))))
    return {str(thing): str(place) or "left out" for thing, place in grouped.items()}


def _numbers(result: Result) -> Iterator[tuple[Decision, str]]:
    """Yield whole numbers as they are; of others, whether they are at an end of their range."""
    values: Mapping[str, float] = result.plan.values  # type: ignore[union-attr]
    for one in result.problem.records:  # type: ignore[attr-defined]
        value, slack = values[one.name], _AT_END * (one.high - one.low)
        place = "between its ends"
        if one.integer:
            place = number_text(value)
        elif value - one.low <= slack or one.high - value <= slack:
            place = f"at its {'low' if value - one.low <= slack else 'high'} end"
        yield Decision("assignment", one.name), place


def _join_columns(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series[Any]:
    words = frame[list(columns)].astype(object).where(frame[list(columns)].notna(), "")
    texts = words.map(lambda cell: number_text(cell) if isinstance(cell, float) else str(cell))
    rows = [" ".join(row).strip() for row in texts.itertuples(index=False)]
    return pd.Series(rows, index=frame.index, dtype=object)


def numbered_like(result: Result, like: Result | None) -> Plan | None:
    """Give vehicles of a type the numbers by which most clients keep theirs in another result.

    They are alike: a plan in which two of them change places is the same plan. One that is under way keeps its number,
    and no number is given that there is no vehicle for.
    """
    from scipy.optimize import linear_sum_assignment

    plan, before_it = result.plan, None if like is None else like.plan
    if not isinstance(plan, RoutingPlan) or not isinstance(before_it, RoutingPlan):
        return plan
    available = {vehicle.name: vehicle.num_available for vehicle in result.problem.vehicles}  # type: ignore[attr-defined]
    routes = list(plan.routes)
    if any(route.locked for route in routes):
        return plan
    for name in {route.vehicle for route in routes}:
        own = [place for place, route in enumerate(routes) if route.vehicle == name]
        before = {route.index: {*route.clients} for route in before_it.routes if route.vehicle == name}
        kept = {number for number in before if number <= available.get(name, 0)}
        numbers = sorted(kept | {routes[place].index for place in own})
        shared = np.array(
            [
                [len(before.get(number, set()).intersection(routes[place].clients)) for number in numbers]
                for place in own
            ]
        )
        # among equal ones, a vehicle keeps its number
        stays = 0.5 * np.equal.outer([routes[place].index for place in own], numbers)
        for row, column in zip(*linear_sum_assignment(shared + stays, maximize=True), strict=True):
            routes[own[row]] = replace(routes[own[row]], index=numbers[column])
    return replace(plan, routes=tuple(routes))


def edge_between(below: tuple[Result, Result | None], above: tuple[Result, Result | None]) -> str:
    """Say which rule makes two plans change places; empty where their prices cross.

    Parameters
    ----------
    below, above
        Each plan where it is the better one, and where the other is.
    """
    sides = ((*below, "below", "above"), (*above, "above", "below"))
    for good, bad, which, there in sides:
        if bad is None or bad.assessment is None:
            return f"the plan {which} cannot be carried out {there}"
        if bad.rank[:3] > good.rank[:3]:
            return f"the plan {which} breaks a rule {there}: {_rule(good, bad)}"
    return ""


def _rule(good: Result, bad: Result) -> str:
    """Name the rule that one plan breaks and the other does not, with the first places."""
    kept = {(violation.constraint, violation.where) for violation in good.check.violations}
    new = [one for one in bad.check.violations if (one.constraint, one.where) not in kept]
    rules = list(dict.fromkeys(one.constraint for one in new))
    places = list(dict.fromkeys(one.where for one in new if one.constraint == rules[0]))
    return f"{join_list(rules, _NAMES)} ({join_list(places, _NAMES)})"


BASE = -1
"""The number under which the plan of the scenario as it is stands."""
KEPT = ("kept_status", "kept_objective", "kept_message", "kept_terms", "kept_left_out")
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
    kept_left_out
        How many clients, jobs or markets the base's plan leaves out or has late here.
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
    kept_left_out: int = 0
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
        """Whether the base's plan may stay: another one gains no more than noise, and leaves out no less."""
        if self.service is not None and len(self.service.coverage.left_out) < self.kept_left_out:
            return False
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
        told = told if reason is None else f"{reason.subject}: {reason.message}"
        nothing = PointResult(0, Status.NO_PLAN, message=told, result=result)
        return {name: getattr(nothing, name) for name in _OUTCOME}
    terms = {str(term): float(amount) for term, amount in known.pricing.terms().items()}
    return {
        "status": str(result.status),
        "objective": rank.objective,
        "terms": terms,
        "unserved": float(rank.unserved),
        "violations": rank.violations,
        "service": Service.of(result),
        "message": next(iter(known.broken_rules), ""),
        "caveat": "; ".join(known.law_caveats),
        "result": result,
    }


_OUTCOME = ("status", "objective", "terms", "unserved", "violations", "service", "message", "result")


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
        kept_left_out=len(kept.assessment.coverage.left_out),
        **found,
    )


def with_plan(found: PointResult, result: Result) -> PointResult:
    """Return what came of a point with a plan in place of its own."""
    bound = math.nan if result.bound is None else result.bound
    return replace(found, plan=result.plan, bound=bound, **_outcome(result))


def point_of(point: int, result: Result) -> PointResult:
    """Return a result as that of a point at which nothing was kept."""
    return with_plan(PointResult(point, str(result.status)), result)
