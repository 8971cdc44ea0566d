"""The search for switch points: plans found at some values, priced exactly at all others, crossed with each other.

Where the prices of two plans cross, the problem is solved: if no plan is better there, that is where the one gives way
to the other; else the better plan stands between them, and both halves are looked at (Eisner and Severance, J. ACM 23,
1976). Prices need not be linear: halves are halved too, in turn. Where quantities follow the axis, what crosses are the
prices of decisions as a whole, such as which sites are open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kanopt.interrupt import Interrupt
from kanopt.parallel import run_tasks
from kanopt.questions.plan_decisions import Decision, edge_between
from kanopt.questions.plan_prices import PlanPrices, crossing
from kanopt.questions.point import PointResult
from kanopt.questions.point_search import Task, do_task
from kanopt.questions.question import Question
from kanopt.questions.verdict import NO_DIFFERENCE, UNMEASURED

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.plans.result import Result


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
        Kinds of decisions that are compared; see :class:`~kanopt.questions.plan_decisions.Decision`.
    workers, client
        Processes side by side, or a Dask cluster in their place.
    """

    tolerance: float
    most_solves: int
    kinds: frozenset[str]
    workers: int = 1
    client: Client | None = None


@dataclass(frozen=True)
class SwitchPoint:
    """One place at which decisions change.

    Parameters
    ----------
    value
        From here on the plan above is better.
    low, high
        The place lies between these: as far as prices are compared, and beyond it as far as the plans differ by less
        than the noise.
    changes
        What changes: decision, choice below, choice above.
    price_below, price_above
        Of the plan below just before it, and of the plan above just behind it.
    edge
        The edge of a law, or the rule, that is reached there; empty where prices merely cross.
    verdict
        ``"known"``, ``"no difference"`` (beyond the noise of the search), ``"noise not measured"``, or ``"not narrowed
        down"`` where the limit of solves was reached before.
    """

    value: float
    low: float
    high: float
    changes: tuple[tuple[Decision, str, str], ...]
    price_below: float
    price_above: float
    edge: str
    verdict: str


@dataclass(frozen=True)
class _At:
    """A value with the plan that is the best known there."""

    x: float
    plan: int


@dataclass(frozen=True)
class _Step:
    """One plan gives way to another between two values, with the values around them at which the problem was solved.

    Where prices of both are not crossed there, the values merely lie within the tolerance.
    """

    low: _At
    high: _At
    crossed: bool
    between: tuple[float, float]


KNOWN, WIDE = "known", "not narrowed down"
_NOTHING = {"in use": "not in use", "assignment": "nothing", "term": "nothing"}
_NARROWEST = 1e-6
"""Share of the range to which the crossing of two prices is found."""
_REFITS = 20
"""So many times as often as the problem is solved, at most, quantities are worked out for given decisions."""
_SLOW = 0.75
"""A gap that loses less than the rest of this share is halved next."""


class SwitchSearch:
    """A search under way.

    All that is kept are plans (`prices`), and what came of the values at which the problem was `solved`. Which plan is
    the best between, and where one gives way to another, follows from prices and is worked out again after every solve.
    """

    def __init__(self, question: Question, base: Result, limits: SearchLimits) -> None:
        self.question, self.base, self.limits = question, base, limits
        self.prices = PlanPrices(question, base, limits.kinds)
        self.solved: dict[float, PointResult] = {}
        self.solves = 0
        self.interrupted = False
        self._own: dict[float, int] = {}
        self._slow: set[tuple[float, float]] = set()
        self._stop = Interrupt()

    def run(self, values: Sequence[float]) -> None:
        """Solve at the values, then where plans differ, until nothing is left or a limit is reached."""
        self.range = max(values) - min(values)
        try:
            with Interrupt() as self._stop:
                self._solve(sorted(values))
                while (left := self.limits.most_solves - self.solves) > 0 and (asked := self._asked()):
                    self._solve(asked[:left])
        except KeyboardInterrupt:
            self.interrupted = True

    # -- where to solve

    def _solve(self, values: Sequence[float]) -> None:
        question = replace(self.question, points=tuple((x,) for x in values))
        tasks = [Task(number, self.base.plan, self._starts(x)) for number, x in enumerate(values)]
        workers, client = self.limits.workers, self.limits.client
        done: list[PointResult] = []
        with Interrupt(keeps=workers == 1 and client is None):
            for found in run_tasks(do_task, question, tasks, workers=workers, client=client):
                done.append(found)
                if self._stop.asked:
                    break
        for found in sorted(done, key=attrgetter("point")):
            self._take(values[found.point], found)
        if self._stop.asked:
            raise KeyboardInterrupt

    def _starts(self, x: float) -> tuple[Any, ...]:
        near = [max((one for one in self._own if one < x), default=None)]
        near.append(min((one for one in self._own if one > x), default=None))
        return tuple(self.prices.plans[self._own[one]] for one in near if one is not None)

    def _take(self, x: float, found: PointResult) -> None:
        """Keep what was found at a value."""
        for low, high in pairwise(sorted(self.solved)):
            for side in ((low, x), (x, high)) if low < x < high else ():
                if side[1] - side[0] > _SLOW * (high - low):
                    self._slow.add(side)
        self.solves += 1
        self.solved[x] = found
        if found.plan is not None:
            self._own[x] = self.prices.add(found.plan, x)

    def _asked(self) -> list[float]:
        """Return the values at which to solve next, those in the widest gaps first."""
        steps = [step for step in self._steps() if step.crossed and not self._is_confirmed(step)]
        asked: dict[float, None] = {}
        for step in sorted(steps, key=lambda step: step.between[0] - step.between[1]):
            if step.between in self._slow:
                asked[0.5 * sum(step.between)] = None
            else:
                asked |= dict.fromkeys(x for x in self._sides(step) if not self._is_solved(x))
        return list(asked)

    def _sides(self, step: _Step) -> tuple[float, ...]:
        """Return where a step is confirmed: on both sides where prices jump, since another plan may be better there."""
        places = step.low.x, step.high.x
        jumps = self.prices.jumps(step.low.plan, step.high.plan, places, step.between)
        return places if jumps else places[1:]

    def _is_solved(self, x: float) -> bool:
        return any(abs(one - x) <= 2.0 * _NARROWEST * self.range for one in self.solved)

    def _is_confirmed(self, step: _Step) -> bool:
        return all(map(self._is_solved, self._sides(step)))

    # -- which plan is the best where

    def _best_known(self) -> list[_At]:
        """Return the values at which the problem was solved and has a plan, each with the best one.

        Among plans that are as good, one stays from value to value.
        """
        found: list[_At] = []
        for x in sorted(self.solved):
            best = self._best(x)
            if best is None:
                continue
            before = found[-1].plan if found else None
            found.append(_At(x, best if before is None or self._is_worse(before, best, x) else before))
        return found

    def _best(self, x: float) -> int | None:
        """Return the best plan at a value; None where none holds."""
        if x in self.solved and self.solved[x].proved:
            return self._own.get(x)
        best = self.prices.best(x)
        if best is None or x in self._own or x not in self.solved:
            return best
        rank = self.prices.rank(best, x)
        return None if rank is None or rank.breaks_rules or rank.unserved else best

    def _is_worse(self, one: int, other: int, x: float) -> bool:
        found = self.solved.get(x)
        unproved = 0.0
        if found is not None and found.proved and not math.isnan(found.bound):
            unproved = found.objective - found.bound
        return self.prices.is_worse(one, other, x, unproved)

    def _steps(self) -> list[_Step]:
        """Return every place at which a plan gives way to another one, as far as prices of known plans say it."""
        known = self._best_known()
        for left, right in pairwise(known):
            if left.plan != right.plan and self.prices.follow(left.plan, right.plan):
                break
        return [
            step
            for left, right in pairwise(known)
            for step in self._steps_between(left, right, (left.x, right.x))
        ]

    def _steps_between(self, left: _At, right: _At, between: tuple[float, float]) -> Iterator[_Step]:
        if self._stop.asked and not self.interrupted:
            raise KeyboardInterrupt
        prices, same = self.prices, self.prices.is_same(left.plan, right.plan)
        if (same and not prices.follows) or self._decide_alike(left, right):
            return
        if right.x - left.x <= (self.limits.tolerance if same else _NARROWEST) * self.range:
            yield _Step(left, right, not same, between)
        elif same:
            yield from self._halves(left, right, between)
        else:
            yield from self._crossed(left, right, between)

    def _decide_alike(self, left: _At, right: _At) -> bool:
        return self.prices.decisions(left.plan, left.x) == self.prices.decisions(right.plan, right.x)

    def _halves(self, left: _At, right: _At, between: tuple[float, float]) -> Iterator[_Step]:
        """Halve a gap in which the quantities of one plan change, which needs no solver."""
        middle = _At(0.5 * (left.x + right.x), left.plan)
        spent = self.prices.refits >= _REFITS * self.limits.most_solves
        if spent or self.prices.result(middle.plan, middle.x) is None:
            yield _Step(left, right, False, between)
            return
        yield from self._steps_between(left, middle, between)
        yield from self._steps_between(middle, right, between)

    def _crossed(self, left: _At, right: _At, between: tuple[float, float]) -> Iterator[_Step]:
        """Cross the prices of two plans; where a third one is better there, it stands between them."""
        low, high = crossing(
            lambda x: self.prices.difference(left.plan, right.plan, x),
            left.x,
            right.x,
            _NARROWEST * self.range,
        )
        third = self._best(high)
        if (
            third is not None
            and left.x < high < right.x
            and self._is_worse(left.plan, third, high)
            and self._is_worse(right.plan, third, high)
        ):
            yield from self._steps_between(left, _At(high, third), between)
            yield from self._steps_between(_At(high, third), right, between)
            return
        ends = _At(low, left.plan), _At(high, right.plan)
        if self.prices.follows:
            yield from self._steps_between(left, ends[0], between)
        yield _Step(*ends, True, between)
        if self.prices.follows:
            yield from self._steps_between(ends[1], right, between)

    # -- what came of it

    @property
    def noise(self) -> float:
        """How far searches lie apart: repeated ones, and those that missed a plan found elsewhere; NaN unmeasured."""
        open_ones = {x: found for x, found in self.solved.items() if not found.proved}
        if not open_ones:
            return 0.0
        spreads = [found.noise for found in open_ones.values() if not math.isnan(found.noise)]
        return max([*spreads, *map(self._regret, open_ones)]) if spreads else math.nan

    def _regret(self, x: float) -> float:
        """Return by how much a plan found elsewhere is better than that of the search at a value."""
        best, own = self.prices.best(x), self._own.get(x)
        missed = 0.0 if best is None or own is None else self.prices.difference(own, best, x)
        return missed if math.isfinite(missed) else 0.0

    def solved_prices(self) -> Iterator[tuple[float, PointResult, float]]:
        """Yield the values at which the problem was solved, what came of each, and the best price known there."""
        best = {one.x: one.plan for one in self._best_known()}
        for x, found in sorted(self.solved.items()):
            result = None if x not in best else self.prices.result(best[x], x)
            price = None if result is None else result.objective
            yield x, found, math.nan if price is None else price

    def switches(self) -> Iterator[SwitchPoint]:
        """Yield every place where a plan gives way to one that decides otherwise."""
        steps, decisions = self._steps(), self.prices.decisions
        ends = [min(self.solved), *(x for step in steps for x in (step.low.x, step.high.x)), max(self.solved)]
        for number, step in enumerate(steps):
            below, above = (decisions(one.plan, one.x) for one in (step.low, step.high))
            changes = tuple(
                (one, below.get(one, _NOTHING[one.kind]), above.get(one, _NOTHING[one.kind]))
                for one in dict.fromkeys([*below, *above])
                if below.get(one) != above.get(one)
            )
            if changes:
                yield self._switch(step, changes, (ends[2 * number], ends[2 * number + 3]))

    def _switch(
        self, step: _Step, changes: tuple[tuple[Decision, str, str], ...], gap: tuple[float, float]
    ) -> SwitchPoint:
        """Return a place at which a plan gives way, between the ends of the gap in which no third one is better."""
        result, noise = self.prices.result, self.noise
        (low, a), (high, b) = (step.low.x, step.low.plan), (step.high.x, step.high.plan)
        before, after = result(a, low), result(b, high)
        assert before is not None, "a plan is the better one where it can be carried out"
        assert after is not None, "a plan is the better one where it can be carried out"
        confirmed = step.crossed and self._is_confirmed(step)
        if confirmed or (not step.crossed and high - low <= self.limits.tolerance * self.range):
            ends = self._within_noise(a, b, gap[0], low), self._within_noise(b, a, gap[1], high)
            known = not confirmed or (gap[0] < ends[0] and ends[1] < gap[1])
            verdict = UNMEASURED if math.isnan(noise) else KNOWN if known else NO_DIFFERENCE
        else:
            ends, verdict = (step.between if step.crossed else (low, high)), WIDE
        edge = ""
        if confirmed:
            edge = edge_between((before, result(a, high)), (after, result(b, low)))
            edge = edge or ("the price jumps" if self.prices.jumps(a, b, (low, high), gap) else "")
        return SwitchPoint(
            value=high if edge else 0.5 * (low + high),
            low=ends[0],
            high=ends[1],
            changes=changes,
            price_below=before.rank.objective,
            price_above=after.rank.objective,
            edge=edge,
            verdict=verdict,
        )

    def _within_noise(self, better: int, other: int, end: float, place: float) -> float:
        """Return how far from a crossing towards an end a plan is better by no more than the noise."""
        noise = self.noise
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
