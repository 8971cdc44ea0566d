"""Days as points of a question: each is planned, planned with something changed, and priced as it was driven."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.questions.question import Prepared, Question
from kanopt.scenarios.run import leaving_in_time, solve_problem
from kanopt.tables import report_of

if TYPE_CHECKING:
    from kanopt.plans.base import Plan, Problem
    from kanopt.questions.days_tables import Day
    from kanopt.scenarios.scenario import Scenario

PLANNED, DRIVEN, VARIANT = "planned", "driven", "variant"
AS_IT_WAS, WAS_IN_TIME = "as it was", "was in time"
"""What a driven day cost at the times that were, and whether everyone was served in time."""
REMARKS = "remarks"
"""How much is to be said of what was driven: stops that nobody ordered, clients visited twice, times that run back."""
IN_TIME = "in time"
_FIGURES = ("distance", "hours", "vehicles")
_TINY = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class DaysQuestion(Question):
    """What is asked of days; a point is the name of a day and how it is planned.

    Parameters
    ----------
    days
        The days.
    base
        The scenario as it is, with its laws.
    variant
        What is changed, with its laws; None where nothing is.
    """

    days: tuple[Day, ...]
    base: Prepared
    variant: Prepared | None = None

    @classmethod
    def of(cls, base: Prepared, days: tuple[Day, ...], variant: Prepared | None) -> DaysQuestion:
        """Return the question of some days."""
        points = [(day.name, PLANNED) for day in days]
        points += [(day.name, DRIVEN) for day in days if day.driven is not None]
        points += [(day.name, VARIANT) for day in days if variant is not None]
        asked = vars(base.question((), points, anew=True))
        return cls(**asked, days=days, base=base, variant=variant)

    def day(self, point: int) -> Day:
        """Return the day of a point."""
        return self.days[self._place[self.points[point][0]]]

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {day.name: place for place, day in enumerate(self.days)}

    def number(self, name: str, plan: str) -> int | None:
        """Return the number of a point; None where it is none."""
        return self._numbers.get((name, plan))

    @cached_property
    def _numbers(self) -> Mapping[Any, int]:
        return {place: number for number, place in enumerate(self.points)}

    @property
    def nothing(self) -> Result:
        """The problem as it is, without a plan."""
        return Result(self.base.problem, None, Status.NO_PLAN, None, None, "")

    def words(self) -> dict[str, Any]:
        """Return what tells one book of days from another."""
        frames = [frame for day in self.days for frame in (day.clients, day.driven) if frame is not None]
        texts, variant = "".join(frame.to_csv(index=False) for frame in frames), list[str]()
        if self.variant is not None:
            other = self.variant.scenario
            variant = [other.name, *map(str, other.changes), *(doc.sha256 for doc in other.layers.documents)]
            variant += [report_of(table).sha256 for table in other.tables.values()]
        return {"days": hashlib.sha256(texts.encode()).hexdigest(), "variant": variant}

    def asked(self, point: int) -> Prepared:
        """Return the scenario and the laws of a point."""
        return self.base if self.points[point][1] != VARIANT or self.variant is None else self.variant

    def scenario_at(self, point: int) -> Scenario:
        """Return the scenario on a day."""
        return self.day(point).of(self.asked(point).scenario)

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a day."""
        scenario = self.scenario_at(point)
        return scenario.build(scenario.formulas(self.asked(point).formulas))

    def days_in_time(self, point: int) -> float | None:
        """Return on which share of days a plan is to be in time."""
        return self.scenario_at(point).solver.share_in_time if point >= 0 else None

    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Plan a day, or price what was driven."""
        share = self.days_in_time(point)
        if self.points[point][1] == DRIVEN:
            return leaving_in_time(self._driven(point, problem), share, keep_given=True)
        found = solve_problem(
            self.scenario_at(point),
            problem,
            seed=self.seed + repeat,
            time_limit=self.time_limit,
            initial=initial,
        )
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    def _driven(self, point: int, problem: Any) -> Result:
        """Return the routes that were driven, on the laws: who served whom in which order, leaving when they did."""
        from kanopt.plans.evaluate import evaluate
        from kanopt.routing import RoutingPlan
        from kanopt.routing.driven import read_driven

        # nothing is taken as made because a plan has it: this one has no routes
        nothing: Any = evaluate(problem, RoutingPlan((), self.day(point).names)).assessment
        return evaluate(problem, read_driven(nothing, self.day(point).driven).plan)

    def figures(self, point: int, result: Result) -> Mapping[str, float]:
        """Return what is told of a plan besides its price."""
        known: Any = result.assessment
        if known is None:
            return {}
        found = {each.key: float(each.value) for each in known.figures() if each.key in _FIGURES}
        share, is_late = result.days_in_time, bool((known.simulation.late > _TINY).any())
        found[IN_TIME] = float(not is_late) if share is None else share.share
        used = Counter(route.vehicle for route in known.plan.routes)
        found |= {f"{one.name} used": float(used[one.name]) for one in known.problem.data.vehicles}
        return found | self._as_it_was(point, known) if self.points[point][1] == DRIVEN else found

    def _as_it_was(self, point: int, priced: Any) -> dict[str, float]:
        from kanopt.routing.review import ReviewedDay

        found = ReviewedDay.of(priced, self.day(point).driven)
        price, in_time = float(found.money["driven"].sum()), float(found.late.empty)
        return {AS_IT_WAS: price, WAS_IN_TIME: in_time, REMARKS: len(found.day.notes), **found.travel.of_day}

    def waves(self) -> Iterable[Sequence[tuple[int, int | None]]]:
        """Return days with clients that none before had, then those that start from the plan of a day with the same.

        With what is changed, a day starts from its own plan as it is.
        """
        waves: tuple[list[tuple[int, int | None]], ...] = ([], [], [])
        known: dict[frozenset[str], int] = {}
        for number, (name, plan) in enumerate(self.points):
            if plan == VARIANT:
                waves[2].append((number, self.number(name, PLANNED)))
                continue
            start = known.setdefault(frozenset(self.day(number).names), number) if plan == PLANNED else number
            waves[start != number].append((number, None if start == number else start))
        return waves

    def neighbours(self) -> Sequence[Sequence[int]]:
        """Return the other plans of the day, of which each planned one takes the best."""
        found = []
        for name, plan in self.points:
            others = [self.number(name, other) for other in (PLANNED, DRIVEN, VARIANT) if other != plan]
            found.append([] if plan == DRIVEN else [other for other in others if other is not None])
        return found
