"""Plans priced at any value of an axis, by themselves or by what they decide as a whole."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kanopt.errors import KanoptError
from kanopt.whatif.sensitivity.plan_decisions import Decision, decisions_of
from kanopt.whatif.sweeps.question import SweepQuestion

if TYPE_CHECKING:
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result
    from kanopt.solvers.base import Solver

__all__ = ["PlanPrices"]

_PROBLEMS = 8
"""So many problems are kept, since each holds its tables."""
_EQUAL = 1e-8
"""Share of a price by which a plan has to be better to count as another one."""
_JUMP, _JUMP_SHARE = 1e-5, 0.01
"""Share of a price by which a difference jumps, where it does, and of what it changes by around it."""


class PlanPrices:
    """Plans found at some values of an axis, and their prices at all others.

    Where a plan names quantities that follow the axis, as flows follow demand, it cannot be carried out anywhere else.
    There its price is that of the best plan with the same decisions as a whole, such as which sites are open.

    Parameters
    ----------
    question
        What is asked; its points are not read.
    base
        The plan of the scenario as it is.
    kinds
        Kinds of decisions that are compared; see :class:`~kanopt.whatif.sensitivity.plan_decisions.Decision`.

    Attributes
    ----------
    plans, homes
        Every plan, and the value that it was made for.
    follows
        Whether quantities follow the axis.
    refits
        How often quantities were worked out for decisions of another value.
    """

    def __init__(self, question: SweepQuestion, base: Result, kinds: frozenset[str]) -> None:
        self.question, self.base, self.kinds = question, base, kinds
        self.plans: list[Plan] = []
        self.homes: list[float] = []
        self.follows = False
        self.refits = 0
        self._problems: OrderedDict[float, Problem[Any]] = OrderedDict()
        self._results: dict[tuple[int, float], Result | None] = {}
        self._refitted: dict[tuple[Hashable, float], Result | None] = {}
        self._decisions: dict[tuple[int, float], Mapping[Decision, str]] = {}

    def problem(self, x: float) -> Problem[Any]:
        """Return the problem at a value."""
        if x not in self._problems:
            self._problems[x] = replace(self.question, points=((x,),)).problem_at(0)
            while len(self._problems) > _PROBLEMS:
                self._problems.popitem(last=False)
        self._problems.move_to_end(x)
        return self._problems[x]

    def add(self, plan: Plan, x: float) -> int:
        """Add a plan made for a value; return its number."""
        self.plans.append(plan)
        self.homes.append(x)
        return len(self.plans) - 1

    def result(self, plan: int, x: float) -> Result | None:
        """Return a plan priced at a value; None where it cannot be carried out there."""
        key = (plan, x)
        if key not in self._results:
            if self.follows and x != self.homes[plan]:
                self._results[key] = self._refit(plan, x)
            else:
                self._results[key] = self._as_is(plan, x)
        return self._results[key]

    def decisions(self, plan: int, x: float) -> Mapping[Decision, str]:
        """Return what a plan decides, of the kinds that are compared."""
        key = (plan, x)
        if key not in self._decisions:
            result = self.result(plan, x)
            spec = self.question.scenario.problem
            found = {} if result is None else decisions_of(result, spec, self.base)
            self._decisions[key] = {one: way for one, way in found.items() if one.kind in self.kinds}
        return self._decisions[key]

    def difference(self, one: int, other: int, x: float) -> float:
        """Return by how much a plan is dearer than another; infinite where they do not compare by price."""
        first, second = self.result(one, x), self.result(other, x)
        if first is None or second is None:
            return 0.0 if first is second else (math.inf if first is None else -math.inf)
        if first.rank[:3] != second.rank[:3]:
            return math.inf if first.rank[:3] > second.rank[:3] else -math.inf
        return first.rank.objective - second.rank.objective

    def is_worse(self, one: int, other: int, x: float, unproved: float = 0.0) -> bool:
        """Say whether a plan is dearer than another by more than nothing, and than what a solver left unproved."""
        result = self.result(other, x)
        least = _EQUAL * max(1.0, abs(result.rank.objective)) if result is not None else 0.0
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
        prices = [abs(result.rank.objective) for x in places if (result := self.result(other, x)) is not None]
        rise = abs(inside[1] - inside[0])
        return rise > _JUMP * max(1.0, *prices) and rise > _JUMP_SHARE * abs(whole[1] - whole[0])

    # -- quantities that follow the axis

    def whole(self, plan: int) -> Hashable | None:
        """Return what a plan decides as a whole; None where no quantities follow from that."""
        if self._solver is None:
            return None
        return self._solver.whole_decisions(self.base.problem, self.plans[plan])

    def follow(self, left: int, right: int) -> bool:
        """Let quantities follow the axis, if each of two plans that differ breaks rules where the other was made."""
        ends = self.homes[left], self.homes[right]
        if self.follows or self.whole(left) is None or self.whole(right) is None:
            return self.follows
        alike = [self._as_is(plan, x) for plan, x in ((left, ends[0]), (right, ends[1]))]
        moved = [self._as_is(plan, x) for plan, x in ((left, ends[1]), (right, ends[0]))]
        own, away = ([None if one is None else one.rank[:3] for one in some] for some in (alike, moved))
        if own[0] == own[1] and any(rank != own[0] for rank in away):
            self.follows = True
            self._results.clear()
            self._decisions.clear()
            for plan, x in enumerate(self.homes):
                self.settle(plan, x)
        return self.follows

    def settle(self, plan: int, x: float) -> int:
        """Return a plan with the quantities that are best at a value: itself where they are, else a new one."""
        if not self.follows:
            return plan
        result, own = self._refit(plan, x), self.result(plan, x)
        if result is None or result.plan is None:
            return plan
        if self.homes[plan] == x:
            if own is None or result.rank <= own.rank:
                self.plans[plan] = result.plan
                self._results[plan, x] = result
                self._decisions.pop((plan, x), None)
            return plan
        number = self.add(result.plan, x)
        self._results[number, x] = result
        return number

    @cached_property
    def _solver(self) -> Solver | None:
        from kanopt.solvers.solve import solver_of_quantities

        return solver_of_quantities(self.base.problem, self.plans[0])

    def _as_is(self, plan: int, x: float) -> Result | None:
        from kanopt.problems.evaluate import evaluate

        try:
            return evaluate(self.problem(x), self.plans[plan])
        except KanoptError:
            return None

    def _refit(self, plan: int, x: float) -> Result | None:
        """Return the best plan with the decisions as a whole of another; None where there is none."""
        from kanopt.problems.evaluate import evaluate
        from kanopt.solvers.base import SolveOptions

        whole = self.whole(plan)
        if (whole, x) not in self._refitted:
            assert self._solver is not None
            options = SolveOptions(time_limit=self.question.time_limit, seed=self.question.seed)
            self.refits += 1
            found = self._solver.with_quantities(self.problem(x), whole, options)
            self._refitted[whole, x] = None if found is None else evaluate(self.problem(x), found)
        return self._refitted[whole, x]
