"""What is asked at many points, all that a worker needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from kanopt.whatif.changes import Value
from kanopt.whatif.run import solve_problem
from kanopt.whatif.sweeps.axes import Axis
from kanopt.whatif.sweeps.order import neighbours, waves

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result
    from kanopt.whatif.scenario import Scenario

PlanChoice: TypeAlias = Literal["anew", "kept", "today"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Question(ABC):
    """What is asked at points, each of which is a problem with its laws; all are compared with a base.

    Parameters
    ----------
    anew
        Whether each point is planned anew; else the plan of the base is priced there.
    repeats
        Searches of each point.
    base_plans
        The plans that repeated searches found for the base; of one that was proved there is no other.
    ends_on_error
        Whether a point whose data contradict themselves ends all; else it is told of as refused.
    """

    in_full: ClassVar[bool] = False
    """Whether each point keeps its result with all that belongs to it: for few points."""

    anew: bool
    repeats: int
    base_plans: tuple[Any, ...] = ()
    ends_on_error: bool = False

    @property
    @abstractmethod
    def count(self) -> int:
        """How many points there are."""

    @property
    @abstractmethod
    def base_problem(self) -> Problem[Any]:
        """The problem of the base."""

    @abstractmethod
    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a point.

        Raises
        ------
        KanoptError
            If its data contradict themselves.
        """

    @abstractmethod
    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Search the problem of a point once, each time with another seed, from a plan.

        Raises
        ------
        KeyboardInterrupt
            If it was cut short, and nothing of it is to be kept.
        """

    @abstractmethod
    def waves(self) -> Iterable[Sequence[tuple[int, int | None]]]:
        """Return points, each with the one it starts from, that can be solved side by side, one set after the other."""

    @abstractmethod
    def neighbours(self) -> Sequence[Sequence[int]]:
        """Return for each point those whose plans are offered to it."""

    def known_plans(self, point: int) -> tuple[Any, ...]:
        """Return plans that a point has before it is searched."""
        return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class SweepQuestion(Question):
    """What a sweep asks: a scenario in which something is varied.

    Parameters
    ----------
    scenario
        The scenario at the base of it.
    formulas
        Its learned laws, before any change.
    axes
        What is varied.
    points
        The value of each axis at each point.
    seed, time_limit
        Of each search; seconds.
    """

    scenario: Scenario
    formulas: Mapping[str, Formula]
    axes: tuple[Axis, ...]
    points: tuple[tuple[Value, ...], ...]
    seed: int
    time_limit: float

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self.points)

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
        found = self.scenario
        for axis, value in zip(self.axes, self.points[point], strict=True):
            found = found.with_change(axis.change(value))
        return found

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a point.

        Raises
        ------
        KanoptError
            If its data contradict themselves.
        """
        scenario = self.scenario_at(point)
        return scenario.build(scenario.formulas(self.formulas))

    def search(self, point: int, problem: Problem[Any], repeat: int, initial: Plan | None) -> Result:
        """Search the problem of a point once.

        Raises
        ------
        KeyboardInterrupt
            If it was cut short: the point is done again, and not taken for one that was not.
        """
        # no axis varies how is searched, so that the solver of the scenario is that of the point
        result = solve_problem(
            self.scenario, problem, seed=self.seed + repeat, time_limit=self.time_limit, initial=initial
        )
        if result.interrupted:
            raise KeyboardInterrupt
        return result

    def waves(self) -> Iterable[Sequence[tuple[int, int | None]]]:
        """Return points in an order in which each one starts from one nearby."""
        return waves(self.points)

    def neighbours(self) -> Sequence[Sequence[int]]:
        """Return for each point those nearby."""
        return neighbours(self.points)
