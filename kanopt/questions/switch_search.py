"""The search for switch points: plans found at some values, priced exactly at all others, crossed with each other.

Where the prices of two plans cross, the problem is solved: if no plan is better there, that is where the one gives way
to the other; else the better plan stands between them, and both halves are looked at (Eisner and Severance, J. ACM 23,
1976). Prices need not be linear: halves are halved too, in turn. Where quantities follow the axis, what crosses are the
prices of decisions as a whole, such as which sites are open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError
from kanopt.interrupt import Interrupt
from kanopt.parallel import run_tasks
from kanopt.questions.point import (
    NO_DIFFERENCE,
    UNMEASURED,
    Decision,
    PointResult,
    decisions_of,
    edge_between,
)
from kanopt.questions.point_search import Task, do_task
from kanopt.questions.question import Question

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.engines.base import Solver
    from kanopt.plans.base import Plan, Problem, Rank
    from kanopt.plans.result import Result


# Plans priced at any value of an axis, by themselves or by what they decide as a whole.

_PROBLEMS, _RESULTS = 8, 32
"""So many problems, which hold their tables, and so many priced plans are kept."""
_EQUAL = 1e-8
"""Share of a price by which a plan has to be better to count as another one."""
_JUMP, _JUMP_SHARE = 1e-5, 0.01
"""Share of a price by which a difference jumps, where it does, and of what it changes by around it."""


class PlanPrices:
    """Plans found at some values of an axis, and their prices at all others.

    Where a plan names quantities that follow the axis, as flows follow demand, it cannot be carried out anywhere else.
    There its price is that of the best plan with the same decisions as a whole: sites that are open, whole numbers.

    Parameters
    ----------
    question
        What is asked; its points are not read.
    base
        The plan of the scenario as it is.
    kinds
        Kinds of decisions that are compared; see :class:`~kanopt.questions.point.Decision`.

    Attributes
    ----------
    plans, homes
        Every plan, and the value that it was made for.
    problem, result, rank, decisions
        The problem at a value; of a plan (by its number) at a value, its price, how good it is, and what it decides, of
        the kinds that are compared. None where it cannot be carried out there. Each is worked out once.
    follows
        Whether quantities follow the axis.
    refits
        How often quantities were worked out for decisions of another value.
    """

    def __init__(self, question: Question, base: Result, kinds: frozenset[str]) -> None:
        self.question, self.base, self.kinds = question, base, kinds
        self.plans: list[Plan] = []
        self.homes: list[float] = []
        self.follows = False
        self.refits = 0
        self.problem = lru_cache(_PROBLEMS)(self._problem)
        self.result = lru_cache(_RESULTS)(self._carried)
        self.rank = lru_cache(None)(self._rank)
        self.decisions = lru_cache(None)(self._decided)
        self._refitted = lru_cache(None)(self._refit)

    def _problem(self, x: float) -> Problem[Any]:
        """Return the problem at a value."""
        return replace(self.question, points=((x,),)).problem_at(0)

    def add(self, plan: Plan, x: float) -> int:
        """Add a plan made for a value; return its number."""
        self.plans.append(plan)
        self.homes.append(x)
        return len(self.plans) - 1

    def _rank(self, plan: int, x: float) -> Rank | None:
        """Return how good a plan is at a value; None where it cannot be carried out there."""
        found = self.result(plan, x)
        return None if found is None else found.rank

    def best(self, x: float) -> int | None:
        """Return the best of all plans at a value; None where none can be carried out there."""
        known = [(self.rank(plan, x), plan) for plan in range(len(self.plans))]
        ranks = [(rank, plan) for rank, plan in known if rank is not None]
        return min(ranks)[1] if ranks else None

    def _decided(self, plan: int, x: float) -> Mapping[Decision, str]:
        """Return what a plan decides, of the kinds that are compared."""
        result, spec = self.result(plan, x), self.question.scenario.problem
        found = {} if result is None else decisions_of(result, spec, self.base)
        return {one: way for one, way in found.items() if one.kind in self.kinds}

    def difference(self, one: int, other: int, x: float) -> float:
        """Return by how much a plan is dearer than another; infinite where they do not compare by price."""
        first, second = self.rank(one, x), self.rank(other, x)
        if first is None or second is None:
            return 0.0 if first is second else (math.inf if first is None else -math.inf)
        if first[:-1] != second[:-1]:
            return math.inf if first[:-1] > second[:-1] else -math.inf
        return first.objective - second.objective

    def is_worse(self, one: int, other: int, x: float, unproved: float = 0.0) -> bool:
        """Say whether a plan is dearer than another by more than nothing, and than what a solver left unproved."""
        rank = self.rank(other, x)
        least = 0.0 if rank is None else _EQUAL * max(1.0, abs(rank.objective))
        return self.difference(one, other, x) > max(least, unproved)

    def jumps(self, one: int, other: int, places: tuple[float, float], gap: tuple[float, float]) -> bool:
        """Say whether the difference of two plans jumps between two places, and does not merely pass zero there.

        Parameters
        ----------
        one, other
            The plans.
        places
            Both ends of the narrow interval.
        gap
            The wide one around it.
        """
        inside, whole = ([self.difference(one, other, x) for x in pair] for pair in (places, gap))
        if not all(map(math.isfinite, inside)):
            return True
        found = [self.rank(other, x) for x in places]
        prices = [abs(rank.objective) for rank in found if rank is not None]
        rise = abs(inside[1] - inside[0])
        return rise > _JUMP * max(1.0, *prices) and rise > _JUMP_SHARE * abs(whole[1] - whole[0])

    # -- quantities that follow the axis

    def whole(self, plan: int) -> Hashable | None:
        """Return what a plan decides as a whole; None where no quantities follow from that."""
        if self._solver is None:
            return None
        return self._solver.whole_decisions(self.base.problem, self.plans[plan])

    def is_same(self, one: int, other: int) -> bool:
        """Whether two plans are one; where quantities follow, whether they decide the same as a whole."""
        return one == other or (self.follows and self.whole(one) == self.whole(other))

    def follow(self, left: int, right: int) -> bool:
        """Let quantities follow the axis, if each of two plans that differ breaks rules where the other was made."""
        if self.follows or self.whole(left) is None or self.whole(right) is None:
            return self.follows
        ends = self.homes[left], self.homes[right]
        own = [self.rank(plan, x) for plan, x in ((left, ends[0]), (right, ends[1]))]
        away = [self.rank(plan, x) for plan, x in ((left, ends[1]), (right, ends[0]))]
        # a plan that breaks a rule or leaves out more where the other one does not
        pairs = ((own[1], away[0]), (own[0], away[1]))
        if any(here is not None and (other is None or other[:-1] > here[:-1]) for here, other in pairs):
            self.follows = True
            for known in (self.result, self.rank, self.decisions):
                known.cache_clear()
        return self.follows

    @cached_property
    def _solver(self) -> Solver | None:
        from kanopt.solvers.solve import solver_of_quantities

        return solver_of_quantities(self.base.problem, self.plans[0])

    def _carried(self, plan: int, x: float) -> Result | None:
        """Return a plan priced at a value, as it was made or with what follows from its decisions."""
        own = self._priced(self.plans[plan], x) if x == self.homes[plan] else None
        if own is not None and not self.follows:
            return own
        try:
            there = (
                self._refitted(self.whole(plan), x)
                if self.follows
                else self.problem(x).carried_over(self.plans[plan])
            )
        except KanoptError:
            return own
        fitted = None if there is None else self._priced(there, x)
        if own is None or fitted is None:
            return fitted if own is None else own
        return own if own.rank < fitted.rank else fitted

    def _priced(self, plan: Plan, x: float) -> Result | None:
        from kanopt.plans.result import evaluate

        try:
            return evaluate(self.problem(x), plan)
        except KanoptError:
            return None

    def _refit(self, whole: Hashable, x: float) -> Plan | None:
        """Return the best plan with some decisions as a whole; None where there is none."""
        from kanopt.engines.base import SolveOptions

        assert self._solver is not None
        options = SolveOptions(time_limit=self.question.time_limit, seed=self.question.seed)
        self.refits += 1
        return self._solver.with_quantities(self.problem(x), whole, options)


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
        Kinds of decisions that are compared; see :class:`~kanopt.questions.point.Decision`.
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
