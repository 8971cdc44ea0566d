"""What is asked at many points, all that a worker needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.whatif.events import OnEvent, ignore_event
from kanopt.whatif.questions.axes import Axis
from kanopt.whatif.run import solve_problem

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result
    from kanopt.whatif.questions.prepare import Prepared
    from kanopt.whatif.scenario import Scenario

Place: TypeAlias = tuple[Any, ...]
"""The value of each axis at a point; None where an axis is left as it is."""
PlanChoice: TypeAlias = Literal["anew", "kept", "today"]


# In which order the points of a sweep are planned, and which lie near each other.


_NEIGHBOURS = 4
"""So many points count as those nearby."""
_ROUNDED_UP = 1.0 + 1e-9
"""By which sums of distances may be rounded otherwise by the tree."""


def waves(points: Sequence[Place]) -> Iterator[list[tuple[int, int | None]]]:
    """Yield points, each with the one it starts from, that can be solved side by side: their starts were solved before.

    Examples
    --------
    >>> list(waves([(1.0,), (1.5,), (2.0,)]))
    [[(1, None)], [(0, 1), (2, 1)]]
    """
    level: dict[int, int] = {}
    found: dict[int, list[tuple[int, int | None]]] = {}
    for point, parent in parents(points):
        level[point] = 0 if parent is None else level[parent] + 1
        found.setdefault(level[point], []).append((point, parent))
    for number in sorted(found):
        yield found[number]


def parents(points: Sequence[Place]) -> list[tuple[int, int | None]]:
    """Return the points in an order in which each one lies near one before it, with that one.

    Each next point is the one that lies farthest from those before it (Gonzalez 1985), so that a search starts from a
    plan nearby whichever point is first to be ready, and the same whatever the number of workers. Only points around
    each next one are looked at, of a few axes few: the work grows little faster than the number of points.

    Returns
    -------
    list of (int, int or None)
        Every point once, with the nearest one before it; None where the base is to be started from.

    Examples
    --------
    >>> parents([(1.0,), (1.5,), (2.0,)])
    [(1, None), (0, 1), (2, 1)]
    """
    from scipy.spatial import KDTree

    place = _coordinates(points)
    tree = KDTree(place)
    first = int(np.argmin(np.abs(place - place.mean(axis=0)).sum(axis=1)))
    nearest = np.full(len(place), first)
    distance = np.abs(place - place[first]).sum(axis=1)
    distance[first] = -1.0
    found: list[tuple[int, int | None]] = [(first, None)]
    # how far each lay when it was looked at last: it may have come nearer since, and is put back then
    waiting = [(-away, point) for point, away in enumerate(distance.tolist()) if point != first]
    heapify(waiting)
    while waiting:
        far, chosen = -waiting[0][0], waiting[0][1]
        if distance[chosen] < far:
            heapreplace(waiting, (-float(distance[chosen]), chosen))
            continue
        heappop(waiting)
        found.append((chosen, int(nearest[chosen])))
        distance[chosen] = -1.0
        # none lies farther from those before it, so that beyond this none comes nearer
        around = np.array(tree.query_ball_point(place[chosen], far * _ROUNDED_UP, p=1))
        away = np.abs(place[around] - place[chosen]).sum(axis=1)
        closer = away < distance[around]
        nearest[around[closer]], distance[around[closer]] = chosen, away[closer]
    return found


def neighbours(points: Sequence[Place]) -> list[list[int]]:
    """Return the points that lie nearest to each, by a k-d tree.

    Examples
    --------
    >>> neighbours([(1.0,), (1.5,), (3.0,)])[0]
    [1, 2]
    """
    from scipy.spatial import KDTree

    place = _coordinates(points)
    wanted = min(_NEIGHBOURS + 1, len(place))
    _, found = KDTree(place).query(place, k=np.arange(1, wanted + 1), p=1)
    return [[int(other) for other in row if other != point][:_NEIGHBOURS] for point, row in enumerate(found)]


def _coordinates(points: Sequence[Place]) -> NDArray[np.float64]:
    """Return where points lie, each axis from 0 to 1; different texts lie 1 apart, and what is left as it is between.

    Returns
    -------
    ndarray
        One row per point; an axis of texts has a column for each of them.
    """
    columns = []
    for values in zip(*points, strict=True):
        given = [value for value in values if value is not None]
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in given):
            low, high = min(given), max(given)
            numbers = [0.5 * (low + high) if value is None else value for value in values]
            columns.append((np.array(numbers, dtype=float) - low) / (float(high - low) or 1.0))
        else:
            columns += [
                np.array([0.5 * (value == word) for value in values]) for word in dict.fromkeys(values)
            ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """What is asked at points, each of which is a problem with its laws; all are compared with a base.

    Parameters
    ----------
    scenario
        The scenario at the base of it.
    formulas
        Its learned laws, before any change.
    axes, points
        What is varied, and the value of each axis at each point.
    variants
        Scenarios that are the points, in place of values of axes. What is found for them is kept with all that belongs
        to it, also after Ctrl-C.
    anew
        Whether each point is planned anew; else the plan of the base is priced there.
    seed, time_limit, repeats
        Of each search; seconds.
    least_in_time
        Share of days on which today's plan is in time, as far as that is sure: no new plan is to be in time less often.
    base_plans
        The plans that repeated searches found for the base; of one that was proved there is no other.
    ends_on_error
        Whether a point whose data contradict themselves ends all; else it is told of as refused.
    report
        Called while variants are searched.
    """

    scenario: Scenario
    formulas: Mapping[str, Formula]
    axes: tuple[Axis, ...] = ()
    points: tuple[Place, ...] = ()
    variants: tuple[Prepared, ...] = ()
    anew: bool
    seed: int
    time_limit: float
    repeats: int
    base_plans: tuple[Any, ...] = ()
    least_in_time: float = 0.0
    ends_on_error: bool = False
    report: OnEvent = ignore_event

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self.variants or self.points)

    @property
    def in_full(self) -> bool:
        """Whether each point keeps its result with all that belongs to it: for few points."""
        return bool(self.variants)

    @cached_property
    def base_problem(self) -> Problem[Any]:
        """The problem where nothing is changed."""
        return self.scenario.build(self.scenario.formulas(self.formulas))

    def scenario_at(self, point: int) -> Scenario:
        """Return the scenario of a point.

        Raises
        ------
        ScenarioError
            If a value does not belong where it is put.
        """
        if self.variants:
            return self.variants[point].scenario
        found = self.scenario
        for axis, value in zip(self.axes, self.points[point], strict=True):
            found = found if value is None else found.with_change(axis.change(value))
        return found

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a point.

        Raises
        ------
        KanoptError
            If its data contradict themselves.
        """
        if self.variants:
            return self.variants[point].problem
        scenario = self.scenario_at(point)
        return scenario.build(scenario.formulas(self.formulas))

    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Search the problem of a point once, each time with another seed, from a plan.

        Raises
        ------
        KeyboardInterrupt
            If it was cut short and nothing of it is to be kept: the point is done again.
        """
        # no axis varies how is searched, so that the solver of the scenario is that of the point
        asked = self.variants[point] if self.variants else self
        result = solve_problem(
            asked.scenario,
            problem,
            seed=asked.seed + repeat,
            time_limit=asked.time_limit,
            initial=initial,
            days_in_time=self.least_in_time,
            report=self.report,
        )
        if result.interrupted and not self.in_full:
            raise KeyboardInterrupt
        return result

    def days_in_time(self, point: int) -> float | None:
        """Return on which share of days a plan of a point or of the base is to be in time; None where not asked."""
        asked = self.variants[point] if self.variants and point >= 0 else self
        share = asked.scenario.solver.share_in_time
        return None if share is None else max(share, self.least_in_time)

    def waves(self) -> Iterable[Sequence[tuple[int, int | None]]]:
        """Return points, each with the one it starts from, that can be solved side by side, one set after the other."""
        if self.variants or any(
            None in place for place in self.points
        ):  # what is changed alone lies at the base
            return [[(point, None) for point in range(self.count)]]
        return waves(self.points)

    def neighbours(self) -> Sequence[Sequence[int]]:
        """Return for each point those whose plans are offered to it."""
        if self.variants:
            return [[other for other in range(self.count) if other != point] for point in range(self.count)]
        return neighbours(self.points)

    def known_plans(self, point: int) -> tuple[Any, ...]:
        """Return today's plan, where a variant names one."""
        today = self.variants[point].today if self.variants else None
        return () if today is None else (today.plan,)
