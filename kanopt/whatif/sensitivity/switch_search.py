"""The search for switch points: plans found at some values, priced exactly at all others, crossed with each other.

Where the prices of two plans cross, the problem is solved: if no plan is better there, that is where the one gives way
to the other; else the better plan stands between them, and both halves are looked at (parametric search, as by Eisner
and Severance, J. ACM 23, 1976). Prices need not be linear: halves are halved too, in turn.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError
from kanopt.interrupt import Interrupt
from kanopt.parallel import run_tasks
from kanopt.whatif.sensitivity.crossing import crossing
from kanopt.whatif.sensitivity.plan_decisions import Decision, decisions_of
from kanopt.whatif.sweeps.point_result import PointResult
from kanopt.whatif.sweeps.point_search import solve_point
from kanopt.whatif.sweeps.question import SweepQuestion

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result

__all__ = ["SearchLimits", "Switch", "SwitchSearch"]

_PROBLEMS = 8
"""So many problems are kept, since each holds its tables."""
_NEIGHBOURS = 2
"""To so many points on each side a new plan is offered."""
_EQUAL = 1e-8
"""Share of a price by which a plan has to be better to count as another one, and what a solver leaves unproved."""
_JUMP = 1e-5
"""Share of a price by which it jumps, where it does."""
_NARROWEST = 1e-6
"""Share of the range to which the crossing of two prices is found."""
_SLOW = 0.75
"""A gap that loses less than the rest of this share is halved next."""


@dataclass(frozen=True)
class SearchLimits:
    """When a search for switch points ends.

    Parameters
    ----------
    tolerance
        Share of the range below which two plans are not told further apart.
    most_solves
        How often the problem is solved at most.
    kinds
        Kinds of decisions that are compared; see :class:`~kanopt.whatif.sensitivity.plan_decisions.Decision`.
    workers, client
        Processes side by side, or a Dask cluster in their place.
    """

    tolerance: float
    most_solves: int
    kinds: frozenset[str]
    workers: int = 1
    client: Client | None = None


@dataclass(eq=False)
class _Point:
    """A value at which the problem was solved, with the best plan known there."""

    x: float
    found: PointResult
    plan: int | None
    regret: float = 0.0
    """By how much a plan found elsewhere is better than that of its own search."""


@dataclass(frozen=True, eq=False)
class Switch:
    """A plan gives way to another one.

    Parameters
    ----------
    low, high
        Between these values; at the low one the first plan is better, at the high one the other.
    before, after
        Both plans, priced at both values.
    narrowed
        Whether the place is known as far as was asked; else the limits of the search were reached before.
    crossed
        Whether both plans were priced between the values, and nothing beats them there.
    gap
        The values between which it was searched.
    noise_low, noise_high
        Between these the plans differ by less than the noise of the search.
    noise
        How far searches lie apart; NaN where that was not measured.
    """

    low: float
    high: float
    before: tuple[Result, Result | None]
    after: tuple[Result | None, Result]
    narrowed: bool
    crossed: bool
    gap: tuple[float, float]
    noise_low: float
    noise_high: float
    noise: float

    @property
    def known(self) -> bool:
        """Whether both plans differ by more than the noise on their side."""
        return not self.crossed or (self.gap[0] < self.noise_low and self.noise_high < self.gap[1])


@dataclass(frozen=True, eq=False)
class _Target:
    """A crossing of two plans, to be confirmed by solving there."""

    key: tuple[float, float, int, int]
    places: tuple[float, float]
    left: set[float]
    """Where it is still to be solved."""


class SwitchSearch:
    """A search under way: which points are solved, and which plan is the best at each."""

    def __init__(self, question: SweepQuestion, base: Result, limits: SearchLimits) -> None:
        self.question, self.base, self.limits = question, base, limits
        self.points: list[_Point] = []
        self.plans: list[Plan] = []
        self.solves = 0
        self.interrupted = False
        self._stop = Interrupt()
        self._problems: OrderedDict[float, Problem[Any]] = OrderedDict()
        self._results: dict[tuple[int, float], Result | None] = {}
        self._decisions: dict[tuple[int, float], Mapping[Decision, str]] = {}
        self._crossed: dict[tuple[float, float, int, int], tuple[float, float]] = {}
        self._unproved: dict[float, float] = {}
        self._slow: set[tuple[float, float]] = set()
        self._targets: dict[float, _Target] = {}

    def run(self, values: Sequence[float]) -> None:
        """Solve at the values, then where plans differ, until nothing is left or a limit is reached."""
        low, high = min(values), max(values)
        self.range = high - low
        try:
            with Interrupt() as self._stop:
                self._solve(sorted(values))
                while asked := self._asked():
                    left = self.limits.most_solves - self.solves
                    if left <= 0:
                        break
                    self._solve(asked[:left])
        except KeyboardInterrupt:
            self.interrupted = True

    # -- what is known of a plan at a value

    def problem(self, x: float) -> Problem[Any]:
        """Return the problem at a value."""
        if x not in self._problems:
            self._problems[x] = replace(self.question, points=((x,),)).problem_at(0)
            while len(self._problems) > _PROBLEMS:
                self._problems.popitem(last=False)
        self._problems.move_to_end(x)
        return self._problems[x]

    def result(self, plan: int, x: float) -> Result | None:
        """Return a plan priced at a value; None where it cannot be carried out there."""
        from kanopt.problems.evaluate import evaluate

        key = (plan, x)
        if key not in self._results:
            try:
                self._results[key] = evaluate(self.problem(x), self.plans[plan])
            except KanoptError:
                self._results[key] = None
        return self._results[key]

    def decisions(self, plan: int, x: float) -> Mapping[Decision, str]:
        """Return what a plan decides, of the kinds that are compared."""
        key = (plan, x)
        if key not in self._decisions:
            result = self.result(plan, x)
            spec = self.question.scenario.problem
            found = {} if result is None else decisions_of(result, spec, self.base)
            self._decisions[key] = {one: way for one, way in found.items() if one.kind in self.limits.kinds}
        return self._decisions[key]

    def difference(self, one: int, other: int, x: float) -> float:
        """Return by how much a plan is dearer than another; infinite where they do not compare by price."""
        first, second = self.result(one, x), self.result(other, x)
        if first is None or second is None:
            return 0.0 if first is second else (math.inf if first is None else -math.inf)
        if first.rank[:3] != second.rank[:3]:
            return math.inf if first.rank[:3] > second.rank[:3] else -math.inf
        return first.rank.objective - second.rank.objective

    def _is_worse(self, one: int, other: int, x: float) -> bool:
        result = self.result(other, x)
        least = _EQUAL * max(1.0, abs(result.rank.objective)) if result is not None else 0.0
        return self.difference(one, other, x) > max(least, self._unproved.get(x, 0.0))

    # -- the search

    def _gaps(self) -> Iterator[tuple[_Point, _Point, int, int]]:
        """Yield neighbours whose plans decide otherwise, with both plans."""
        for left, right in pairwise(self.points):
            if left.plan is None or right.plan is None or left.plan == right.plan:
                continue
            if self.decisions(left.plan, left.x) != self.decisions(right.plan, right.x):
                yield left, right, left.plan, right.plan

    def _asked(self) -> list[float]:
        """Return the values at which to solve next, those in the widest gaps first."""
        asked: list[tuple[float, float]] = []
        self._targets.clear()
        for left, right, a, b in self._gaps():
            key = (left.x, right.x, a, b)
            width = right.x - left.x
            if key in self._crossed or width <= self.limits.tolerance * self.range:
                continue
            if (left.x, right.x) in self._slow:
                asked.append((-width, 0.5 * (left.x + right.x)))
                continue
            places = self._cross(a, b, left.x, right.x)
            # where prices jump, another plan may be better on either side; else both sides are the same
            sides = places if self._jumps(a, b, places) else places[1:]
            target = _Target(key, places, {x for x in sides if x not in (left.x, right.x)})
            self._targets |= dict.fromkeys(target.left, target)
            asked += [(-width, x) for x in target.left]
            if target.left:
                continue
            if len(sides) > 1:  # one plan can be carried out nowhere else, as where quantities follow demand
                self._slow.add(key[:2])
                asked.append((-width, 0.5 * (left.x + right.x)))
            else:  # the plans cross where the problem was solved already
                self._crossed[key] = places
        return [x for _, x in sorted(asked)]

    def _jumps(self, a: int, b: int, places: tuple[float, float]) -> bool:
        price = max(abs(result.rank.objective) for x in places if (result := self.result(b, x)) is not None)
        return any(abs(self.difference(a, b, x)) > _JUMP * max(1.0, price) for x in places)

    def _cross(self, a: int, b: int, low: float, high: float, shift: float = 0.0) -> tuple[float, float]:
        return crossing(lambda x: self.difference(a, b, x) + shift, low, high, _NARROWEST * self.range)

    def _solve(self, values: Sequence[float]) -> None:
        question = replace(self.question, points=tuple((x,) for x in values))
        tasks = [_Task(number, self.base.plan, self._starts(x)) for number, x in enumerate(values)]
        workers, client = self.limits.workers, self.limits.client
        done: list[PointResult] = []
        with Interrupt(keeps=workers == 1 and client is None):
            for found in run_tasks(_do, question, tasks, workers=workers, client=client):
                done.append(found)
                if self._stop.asked:
                    break
        for found in sorted(done, key=attrgetter("point")):
            self.solves += 1
            self._take(values[found.point], found)
        if self._stop.asked:
            raise KeyboardInterrupt

    def _starts(self, x: float) -> tuple[Any, ...]:
        left = [point for point in self.points if point.x < x and point.plan is not None]
        right = [point for point in self.points if point.x > x and point.plan is not None]
        near = [*left[-1:], *right[:1]]
        return tuple(self.plans[point.plan] for point in near if point.plan is not None)

    def _take(self, x: float, found: PointResult) -> None:
        """Keep what was found at a value, unless it is the crossing of two plans that nothing beats there."""
        number = None
        if found.proved and not math.isnan(found.bound):
            self._unproved[x] = found.objective - found.bound
        if found.plan is not None:
            self.plans.append(found.plan)  # type: ignore[arg-type]
            number = len(self.plans) - 1
        for left, right in self._around(x):
            ends = [one for one in (left.plan, right.plan) if one is not None]
            as_good = [one for one in ends if number is not None and not self._is_worse(one, number, x)]
            target = self._targets.get(x)
            if target is not None and target.key == (left.x, right.x, *ends) and as_good:
                target.left.remove(x)
                if not target.left:
                    self._crossed[target.key] = target.places
                return
            for side in ((left.x, x), (x, right.x)):
                if side[1] - side[0] > _SLOW * (right.x - left.x):
                    self._slow.add(side)
            # among plans that are as good, one that is known already
            number = as_good[0] if as_good else number
        insort(self.points, _Point(x, found, number), key=attrgetter("x"))
        self._offer(x)

    def _around(self, x: float) -> list[tuple[_Point, _Point]]:
        """Return the points that a value lies between; none where it lies beyond them."""
        return [(left, right) for left, right in pairwise(self.points) if left.x < x < right.x]

    def _offer(self, x: float) -> None:
        """Offer the plan of a new point to its neighbours, and theirs to it."""
        place = [point.x for point in self.points].index(x)
        near = self.points[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS + 1]
        plans = list(dict.fromkeys(point.plan for point in near if point.plan is not None))
        for point in near:
            for plan in plans:
                if point.plan is None or not self._is_worse(point.plan, plan, point.x):
                    continue
                gained = self.difference(point.plan, plan, point.x)
                point.regret += gained if math.isfinite(gained) else 0.0
                point.plan = plan

    # -- what came of it

    @property
    def noise(self) -> float:
        """How far searches lie apart: repeated ones, and those that missed a plan found elsewhere; NaN unmeasured."""
        open_ones = [point for point in self.points if not point.found.proved]
        if not open_ones:
            return 0.0
        spreads = [point.found.noise for point in open_ones]
        if all(map(math.isnan, spreads)):
            return math.nan
        return max([*(one for one in spreads if not math.isnan(one)), *(point.regret for point in open_ones)])

    def switches(self) -> Iterator[Switch]:
        """Yield every place where a plan gives way to one that decides otherwise."""
        noise = self.noise
        for left, right, a, b in self._gaps():
            known = self._crossed.get((left.x, right.x, a, b))
            narrowed = known is not None or right.x - left.x <= self.limits.tolerance * self.range
            low, high = (left.x, right.x) if known is None else known
            yield Switch(
                low=low,
                high=high,
                before=(_must(self.result(a, low)), self.result(a, high)),
                after=(self.result(b, low), _must(self.result(b, high))),
                narrowed=narrowed,
                crossed=known is not None,
                gap=(left.x, right.x),
                noise_low=self._within_noise(a, b, left.x, low, noise),
                noise_high=self._within_noise(b, a, right.x, high, noise),
                noise=noise,
            )

    def _within_noise(self, better: int, other: int, end: float, place: float, noise: float) -> float:
        """Return how far from a crossing towards an end a plan is better by no more than the noise."""
        if not noise > 0 or end == place:
            return place
        if -self.difference(better, other, end) <= noise:
            return end
        low, high = sorted((end, place))
        sign = 1.0 if end < place else -1.0
        found = crossing(
            lambda x: sign * (self.difference(better, other, x) + noise), low, high, _NARROWEST * self.range
        )
        return found[0] if end < place else found[1]


def _must(result: Result | None) -> Result:
    assert result is not None, "a plan is the better one where it can be carried out"
    return result


@dataclass(frozen=True, eq=False)
class _Task:
    """One value for a worker."""

    point: int
    kept: Plan | None
    starts: tuple[Any, ...]


def _do(question: SweepQuestion, task: _Task) -> PointResult:
    return solve_point(question, task.point, task.kept, task.starts)
