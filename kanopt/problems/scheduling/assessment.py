"""What becomes of a schedule: placed, checked and priced once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.problems.assessment import Assessment
from kanopt.problems.findings import Check, Extrapolation, Reason
from kanopt.problems.pricing import Pricing
from kanopt.problems.scheduling.extrapolations import schedule_extrapolations
from kanopt.problems.scheduling.plan import Schedule
from kanopt.problems.scheduling.reasons import lateness_reasons
from kanopt.problems.scheduling.simulate import PlacedTasks, check_schedule, price_schedule
from kanopt.problems.scheduling.views import views_of
from kanopt.problems.views import View

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

__all__ = ["SchedulingAssessment"]


class SchedulingAssessment(Assessment[Schedule, PlacedTasks]):
    """What becomes of a schedule; its tasks end when the law says. Nothing is frozen, so one simulation does."""

    problem: SchedulingProblem

    def views(self) -> tuple[View, ...]:
        """Return a Gantt chart by machine and, where energy is priced, the price of power and the load."""
        return views_of(self.problem, self.simulation)

    def _simulate(self) -> PlacedTasks:
        return PlacedTasks.of(self.problem, self.plan)

    def _check(self) -> Check:
        return check_schedule(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_schedule(self.problem, self.simulation)

    def _reasons(self) -> tuple[Reason, ...]:
        return lateness_reasons(self.problem, self.simulation)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        return schedule_extrapolations(self.problem, self.simulation)
