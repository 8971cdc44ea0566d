"""The search for switch points: plans found at some values, priced exactly at all others, crossed with each other.

Where the prices of two plans cross, the problem is solved: if no plan is better there, that is where the one gives way
to the other; else the better plan stands between them, and both halves are looked at (parametric search, as by Eisner
and Severance, J. ACM 23, 1976). Prices need not be linear: halves are halved too, in turn. Where quantities follow the
axis, what crosses are the prices of decisions as a whole, such as which sites are open.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from kanopt.interrupt import Interrupt
from kanopt.parallel import run_tasks
from kanopt.whatif.questions.plan_prices import PlanPrices
from kanopt.whatif.questions.point import PointResult
from kanopt.whatif.questions.point_search import solve_point
from kanopt.whatif.questions.question import Question

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.problems.base import Plan
    from kanopt.problems.result import Result


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
        Kinds of decisions that are compared; see :class:`~kanopt.whatif.questions.plan_decisions.Decision`.
    workers, client
        Processes side by side, or a Dask cluster in their place.
    """

    tolerance: float
    most_solves: int
    kinds: frozenset[str]
    workers: int = 1
    client: Client | None = None


@dataclass(eq=False)
class Point:
    """A value with the best plan known there."""

    x: float
    found: PointResult
    plan: int | None
    regret: float = 0.0
    """By how much a plan found elsewhere is better than that of its own search."""
    solved: bool = True
    """Whether the problem was solved here; else what was found is that of a value nearby."""


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
    jumps
        Whether their prices jump there.
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
    jumps: bool
    gap: tuple[float, float]
    noise_low: float
    noise_high: float
    noise: float

    @property
    def known(self) -> bool:
        """Whether both plans differ by more than the noise on their side."""
        return not self.crossed or (self.gap[0] < self.noise_low and self.noise_high < self.gap[1])


Key: TypeAlias = tuple[float, float, int, int]
"""Two values, and the plans that are the best known there."""


@dataclass(frozen=True, eq=False)
class Target:
    """A crossing of two plans, to be confirmed by solving there."""

    key: Key
    places: tuple[float, float]
    jumps: bool
    left: set[float]
    """Where it is still to be solved."""


class Crossing(NamedTuple):
    """Where two plans cross and nothing beats them, and between which values that was searched."""

    places: tuple[float, float]
    gap: tuple[float, float]
    jumps: bool


# Where one of two plans becomes the better one, by exact prices.


def crossing(
    difference: Callable[[float], float], low: float, high: float, tolerance: float
) -> tuple[float, float]:
    """Return an interval at whose ends a difference has other signs, no wider than a tolerance.

    Rounds of a secant, a point just beyond it, and the middle: few values where the difference is smooth, and a third
    of bisection's speed at worst, where it jumps or is infinite.

    Parameters
    ----------
    difference
        Below zero or zero at `low`, above zero at `high`.
    low, high
        Where it is searched.
    tolerance
        The width of the interval.

    Returns
    -------
    low, high
        The ends: the difference is zero or below at the first, above zero at the second.

    Examples
    --------
    >>> low, high = crossing(lambda x: x * x - 2, 0.0, 2.0, 1e-9)
    >>> low <= 2**0.5 <= high <= low + 1e-9
    True
    >>> asked = []
    >>> low, high = crossing(lambda x: asked.append(x) or 3 * x - 1, 0.0, 1.0, 1e-9)
    >>> round(high, 8), len(asked) < 8
    (0.33333333, True)
    """
    ends = {low: difference(low), high: difference(high)}
    rounds = 0
    while high - low > tolerance:
        x = 0.5 * (low + high)
        rise = ends[high] - ends[low]
        if rounds % 3 < 2 and math.isfinite(rise) and rise > 0:
            x = low + (high - low) * -ends[low] / rise
            # the first try just below the secant and the second just above it take it between them
            x += (-0.4, 0.4)[rounds % 3] * tolerance
            x = min(max(x, low + 0.25 * tolerance), high - 0.25 * tolerance)
        if not low < x < high:
            break
        ends[x] = difference(x)
        if ends[x] <= 0:
            low = x
        else:
            high = x
        rounds += 1
    return low, high


_NEIGHBOURS = 2
"""To so many points on each side a new plan is offered where quantities follow."""
_NARROWEST = 1e-6
"""Share of the range to which the crossing of two prices is found."""
_REFITS = 20
"""So many times as often as the problem is solved, at most, quantities are worked out for given decisions."""
_SLOW = 0.75
"""A gap that loses less than the rest of this share is halved next."""


class SwitchSearch:
    """A search under way: which points are solved, and which plan is the best at each."""

    def __init__(self, question: Question, base: Result, limits: SearchLimits) -> None:
        self.question, self.base, self.limits = question, base, limits
        self.prices = PlanPrices(question, base, limits.kinds)
        self.points: list[Point] = []
        self.solves = 0
        self.interrupted = False
        self._stop = Interrupt()
        self._crossed: dict[Key, Crossing] = {}
        self._unproved: dict[float, float] = {}
        self._slow: set[tuple[float, float]] = set()
        self._targets: dict[float, Target] = {}

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

    def _gaps(self) -> Iterator[tuple[Point, Point, int, int]]:
        """Yield neighbours whose plans decide otherwise, with both plans."""
        for left, right in pairwise(self.points):
            if left.plan is None or right.plan is None or left.plan == right.plan:
                continue
            if self.prices.decisions(left.plan, left.x) != self.prices.decisions(right.plan, right.x):
                yield left, right, left.plan, right.plan

    def _wide_gaps(self) -> list[tuple[Point, Point, int, int]]:
        """Return gaps in which a place is still to be found, the widest first."""
        least = self.limits.tolerance * self.range
        wide = [
            gap
            for gap in self._gaps()
            if gap[1].x - gap[0].x > least and (gap[0].x, gap[1].x, *gap[2:]) not in self._crossed
        ]
        return sorted(wide, key=lambda gap: gap[0].x - gap[1].x)

    def _asked(self) -> list[float]:
        """Return the values at which to solve next, those in the widest gaps first."""
        self._halve()
        self._fill()
        asked: list[float] = []
        self._targets.clear()
        for left, right, a, b in self._wide_gaps():
            key = (left.x, right.x, a, b)
            if key[:2] in self._slow:
                asked.append(0.5 * (left.x + right.x))
                continue
            places = self._cross(a, b, left.x, right.x)
            # where prices jump, another plan may be better on either side; else both sides are the same
            jumps = self.prices.jumps(a, b, places, key[:2])
            sides = places if jumps else places[1:]
            target = Target(key, places, jumps, {x for x in sides if x not in key[:2]})
            self._targets |= dict.fromkeys(target.left, target)
            asked += sorted(target.left)
            if target.left:
                continue
            if len(sides) > 1:  # one plan can be carried out nowhere else
                self._slow.add(key[:2])
                asked.append(0.5 * (left.x + right.x))
            else:  # the plans cross where the problem was solved already
                self._cross_at(target)
        return asked

    def _halve(self) -> None:
        """Halve gaps between plans that decide alike as a whole, whose quantities need no solver."""
        pairs = [(left.plan, right.plan) for left, right in pairwise(self.points)]
        if not any(self.prices.follow(a, b) for a, b in pairs if a is not None and b is not None):
            return
        while self.prices.refits < _REFITS * self.limits.most_solves:
            halved = (gap for gap in self._wide_gaps() if self._halve_gap(*gap))
            if next(halved, None) is None:
                return
            if self._stop.asked:
                raise KeyboardInterrupt

    def _halve_gap(self, left: Point, right: Point, a: int, b: int) -> bool:
        """Put a point in the middle of a gap, if one of its plans is as good as the other at both ends."""
        prices = self.prices
        if prices.whole(a) == prices.whole(b):
            plan = a
        elif not prices.is_worse(a, b, right.x, self._unproved.get(right.x, 0.0)):
            plan, right.plan = a, prices.settle(a, right.x)
        elif not prices.is_worse(b, a, left.x, self._unproved.get(left.x, 0.0)):
            plan, left.plan = b, prices.settle(b, left.x)
        else:
            return False
        x = 0.5 * (left.x + right.x)
        if prices.result(plan, x) is None:
            return False
        self._put(Point(x, left.found, prices.settle(plan, x), solved=False))
        return True

    def _fill(self) -> None:
        """Put plans that are known between points where they beat those on both sides."""
        if not self.prices.follows:
            while any(self._fill_gap(*gap) for gap in self._wide_gaps()):
                if self._stop.asked:
                    raise KeyboardInterrupt

    def _fill_gap(self, left: Point, right: Point, a: int, b: int) -> bool:
        """Put a point where two plans cross, if a third one is better there; a search that proved its plan knew it."""
        if left.found.proved and right.found.proved:
            return False
        x = self._cross(a, b, left.x, right.x)[1]
        best = self.prices.best(x)
        if best is None or x in (left.x, right.x):
            return False
        if not (self._is_worse(a, best, x) and self._is_worse(b, best, x)):
            return False
        self._put(Point(x, left.found, best, solved=False))
        return True

    def _cross(self, a: int, b: int, low: float, high: float) -> tuple[float, float]:
        return crossing(lambda x: self.prices.difference(a, b, x), low, high, _NARROWEST * self.range)

    def _cross_at(self, target: Target) -> None:
        """Keep a crossing that is confirmed; where quantities follow, plans are as they are on its sides alone."""
        left, right, a, b = target.key
        low, high = target.places
        if not self.prices.follows:
            self._crossed[target.key] = Crossing(target.places, (left, right), target.jumps)
            return
        found = next(point.found for point in self.points if point.x == left)
        a, b = self.prices.settle(a, low), self.prices.settle(b, high)
        for x, plan in ((low, a), (high, b)):
            if x not in (left, right):
                self._put(Point(x, found, plan, solved=False))
        self._crossed[low, high, a, b] = Crossing(target.places, (left, right), target.jumps)

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
        left = [point.plan for point in self.points if point.x < x and point.plan is not None]
        right = [point.plan for point in self.points if point.x > x and point.plan is not None]
        return tuple(self.prices.plans[plan] for plan in (*left[-1:], *right[:1]))

    def _take(self, x: float, found: PointResult) -> None:
        """Keep what was found at a value, unless it is the crossing of two plans that nothing beats there."""
        number, prices = None, self.prices
        if found.proved and not math.isnan(found.bound):
            self._unproved[x] = found.objective - found.bound
        if found.plan is not None:
            number = prices.settle(prices.add(found.plan, x), x)  # type: ignore[arg-type]
        for left, right in self._around(x):
            ends = [one for one in (left.plan, right.plan) if one is not None]
            as_good = [one for one in ends if number is not None and not self._is_worse(one, number, x)]
            target = self._targets.get(x)
            if target is not None and target.key == (left.x, right.x, *ends) and as_good:
                target.left.remove(x)
                if not target.left:
                    self._cross_at(target)
                return
            for side in ((left.x, x), (x, right.x)):
                if side[1] - side[0] > _SLOW * (right.x - left.x):
                    self._slow.add(side)
            # among plans that are as good, one that is known already
            number = prices.settle(as_good[0], x) if as_good else number
        self._put(Point(x, found, number))
        self._offer(x)

    def _put(self, point: Point) -> None:
        insort(self.points, point, key=attrgetter("x"))

    def _is_worse(self, one: int, other: int, x: float) -> bool:
        return self.prices.is_worse(one, other, x, self._unproved.get(x, 0.0))

    def _around(self, x: float) -> list[tuple[Point, Point]]:
        """Return the points that a value lies between; none where it lies beyond them."""
        return [(left, right) for left, right in pairwise(self.points) if left.x < x < right.x]

    def _offer(self, x: float) -> None:
        """Offer the plan of a new point to others, and what is known to it, where searches prove nothing."""
        place = [point.x for point in self.points].index(x)
        # where quantities follow, each offer takes a linear programme
        near = _NEIGHBOURS if self.prices.follows else len(self.points)
        others = self.points[max(0, place - near) : place + near + 1]
        own = self.points[place]
        plans = [point.plan for point in others] if self.prices.follows else [self.prices.best(x)]
        for point in others:
            for plan in plans if point is own else [own.plan]:
                if plan is not None and not point.found.proved and self._is_better(plan, point):
                    self._take_over(point, plan)

    def _is_better(self, plan: int, point: Point) -> bool:
        if point.plan is not None:
            return self._is_worse(point.plan, plan, point.x)
        rank = self.prices.rank(plan, point.x)
        return rank is not None and not rank.breaks_rules and not rank.unserved

    def _take_over(self, point: Point, plan: int) -> None:
        if point.plan is not None:
            gained = self.prices.difference(point.plan, plan, point.x)
            point.regret += gained if math.isfinite(gained) else 0.0
        point.plan = self.prices.settle(plan, point.x)

    # -- what came of it

    @property
    def noise(self) -> float:
        """How far searches lie apart: repeated ones, and those that missed a plan found elsewhere; NaN unmeasured."""
        open_ones = [point for point in self.points if point.solved and not point.found.proved]
        if not open_ones:
            return 0.0
        spreads = [point.found.noise for point in open_ones]
        if all(map(math.isnan, spreads)):
            return math.nan
        return max([*(one for one in spreads if not math.isnan(one)), *(point.regret for point in open_ones)])

    def switches(self) -> Iterator[Switch]:
        """Yield every place where a plan gives way to one that decides otherwise."""
        noise, result = self.noise, self.prices.result
        for left, right, a, b in self._gaps():
            known = self._crossed.get((left.x, right.x, a, b))
            narrowed = known is not None or right.x - left.x <= self.limits.tolerance * self.range
            low, high = (left.x, right.x) if known is None else known.places
            gap = (left.x, right.x) if known is None else known.gap
            yield Switch(
                low=low,
                high=high,
                before=(_must(result(a, low)), result(a, high)),
                after=(result(b, low), _must(result(b, high))),
                narrowed=narrowed,
                crossed=known is not None,
                jumps=known is not None and known.jumps,
                gap=gap,
                noise_low=self._within_noise(a, b, gap[0], low, noise),
                noise_high=self._within_noise(b, a, gap[1], high, noise),
                noise=noise,
            )

    def _within_noise(self, better: int, other: int, end: float, place: float, noise: float) -> float:
        """Return how far from a crossing towards an end a plan is better by no more than the noise."""
        if not noise > 0 or end == place:
            return place
        difference = self.prices.difference
        if -difference(better, other, end) <= noise:
            return end
        low, high = sorted((end, place))
        sign = 1.0 if end < place else -1.0
        found = crossing(
            lambda x: sign * (difference(better, other, x) + noise), low, high, _NARROWEST * self.range
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


def _do(question: Question, task: _Task) -> PointResult:
    return solve_point(question, task.point, task.kept, task.starts)
