"""What becomes of a schedule: placed, checked and priced once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.problems.assessment import Assessment
from kanopt.problems.coverage import Coverage, LeftOutPrice
from kanopt.problems.findings import Check, Extrapolation, Reason
from kanopt.problems.in_use import InUse, InUseWords
from kanopt.problems.law_use import LawUse
from kanopt.problems.plan_figures import PlanFigure, Roster, emissions
from kanopt.problems.pricing import Pricing
from kanopt.problems.replay import Replay, priced_by_terms
from kanopt.problems.scheduling.coverage import jobs_in_time, price_of_lateness
from kanopt.problems.scheduling.extrapolations import schedule_extrapolations
from kanopt.problems.scheduling.figures import schedule_figures, schedule_rosters, work_to_start
from kanopt.problems.scheduling.law_uses import schedule_law_uses
from kanopt.problems.scheduling.plan import Schedule
from kanopt.problems.scheduling.reasons import lateness_reasons
from kanopt.problems.scheduling.simulate import (
    ENERGY,
    RULE_WORDS,
    PlacedTasks,
    check_schedule,
    price_schedule,
)
from kanopt.problems.scheduling.views import views_of
from kanopt.problems.scheduling.work_orders import machine_orders
from kanopt.problems.views import View
from kanopt.problems.work_orders import WorkOrder

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

_RATES = {
    "makespan": "cost of the makespan",
    "tardiness": "costs of lateness",
    ENERGY: "prices of power",
}

_IN_USE = InUseWords(("runs", "run"), ("no longer runs", "no longer run"))


class SchedulingAssessment(Assessment[Schedule, PlacedTasks]):
    """What becomes of a schedule; its tasks end when the law says. Nothing is frozen, so one simulation does."""

    problem: SchedulingProblem
    rule_words = RULE_WORDS

    @property
    def in_use(self) -> InUse:
        """The machines that run a task."""
        names = tuple(
            self.problem.data.machines[place].name for place in sorted({*self.simulation.machine.tolist()})
        )
        return InUse(_IN_USE, names)

    @property
    def proposal(self) -> str:
        """What is to be run, and when it is done."""
        return work_to_start(self.problem, self.simulation)

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return the end, lateness, use of machines, setups and energy, and CO₂ where a law gives it."""
        return (*schedule_figures(self.problem, self.simulation), *emissions(self.law_uses))

    def rosters(self) -> tuple[Roster, ...]:
        """Return what becomes of each job, and what each machine does."""
        return schedule_rosters(self.problem, self.simulation)

    def work_orders(self) -> tuple[WorkOrder, ...]:
        """Return the tasks of each machine that runs any, in order."""
        return machine_orders(self.problem, self.simulation)

    def replay(self) -> Replay | None:
        """Return what the schedule pays for: the makespan, lateness and power, each in proportion to its prices."""
        stays = "the same tasks on the same machines at the same times"
        return priced_by_terms(self.pricing, _RATES, stays)

    def views(self) -> tuple[View, ...]:
        """Return a Gantt chart by machine and, where energy is priced, the price of power and the load."""
        return views_of(self.problem, self.simulation)

    def _simulate(self) -> PlacedTasks:
        return PlacedTasks.of(self.problem, self.plan)

    def _check(self) -> Check:
        return check_schedule(self.problem, self.simulation)

    def _coverage(self) -> Coverage:
        return jobs_in_time(self.problem, self.simulation)

    def _left_out_price(self) -> LeftOutPrice:
        return price_of_lateness(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_schedule(self.problem, self.simulation)

    def _reasons(self) -> tuple[Reason, ...]:
        return lateness_reasons(self.problem, self.simulation)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        return schedule_extrapolations(self.problem, self.simulation)

    def _law_uses(self) -> tuple[LawUse, ...]:
        return schedule_law_uses(self.problem, self.simulation)
