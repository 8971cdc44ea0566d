"""Plans priced at any value of an axis, by themselves or by what they decide as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError
from kanopt.questions.plan_decisions import Decision, decisions_of
from kanopt.questions.question import Question

if TYPE_CHECKING:
    from kanopt.engines.base import Solver
    from kanopt.plans.base import Plan, Problem, Rank
    from kanopt.plans.result import Result

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
        Kinds of decisions that are compared; see :class:`~kanopt.questions.plan_decisions.Decision`.

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
        from kanopt.plans.evaluate import evaluate

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
