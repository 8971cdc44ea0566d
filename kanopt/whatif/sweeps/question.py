"""What a sweep asks, all that a worker needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kanopt.whatif.changes import Value
from kanopt.whatif.sweeps.axes import Axis

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.problems.base import Problem
    from kanopt.whatif.scenario import Scenario

__all__ = ["PlanChoice", "SweepQuestion"]

PlanChoice: TypeAlias = Literal["anew", "kept", "today"]


@dataclass(frozen=True, eq=False)
class SweepQuestion:
    """What a sweep asks, all that a worker needs.

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
    anew
        Whether each point is planned anew; else the plan of the base is priced there.
    seed, time_limit, repeats
        Of each search; seconds.
    base_plans
        The plans that repeated searches found where nothing is changed.
    """

    scenario: Scenario
    formulas: Mapping[str, Formula]
    axes: tuple[Axis, ...]
    points: tuple[tuple[Value, ...], ...]
    anew: bool
    seed: int
    time_limit: float
    repeats: int
    base_plans: tuple[Any, ...] = ()

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
