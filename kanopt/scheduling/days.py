"""A schedule on many days, on which tasks take longer or shorter than their law says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.days_in_time import COMMON_SEED, DaysInTime, common_draws, mean_days
from kanopt.plans.money_at_stake import draw_price_errors
from kanopt.plans.uncertainty import UncertainLaw, Uncertainty, uncertain_law
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.law_uses import delayed_days
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.simulate import TOLERANCE

_AS_LEARNED = Uncertainty()
_TASKS, _PRICE = range(2)  # streams of random numbers


@dataclass(frozen=True, eq=False)
class RunDays:
    """A schedule on many days.

    Parameters
    ----------
    completion
        When each job is done, minus infinity where none of its tasks is placed; (days, jobs).
    cost
        What each day costs; (days,).
    """

    completion: Floats
    cost: Floats

    def in_time(self, due: Floats) -> NDArray[np.bool_]:
        """Say on which days every job is done by some dates; (days,)."""
        return np.asarray((self.completion <= due + TOLERANCE).all(axis=1))


def duration_law(problem: SchedulingProblem, uncertainty: Uncertainty) -> UncertainLaw:
    """Return what is known of the errors of durations."""
    law = problem.duration if isinstance(problem.duration, BoundFormula) else None
    unit = problem.units.time
    return uncertain_law("durations", "tasks", law, uncertainty.task, uncertainty, unit)


def knows_errors(problem: SchedulingProblem, uncertainty: Uncertainty) -> bool:
    """Say whether a job has a due date and errors of durations are known."""
    has_due_date = np.isfinite(problem.data.timing.due).any()
    return bool(has_due_date) and duration_law(problem, uncertainty).model is not None


def lateness_is_priced(problem: SchedulingProblem) -> bool:
    """Say whether every job with a due date pays for being late."""
    return bool((problem.data.tardiness_cost > 0)[np.isfinite(problem.data.timing.due)].all())


def run_days(assessment: SchedulingAssessment, law: UncertainLaw, days: int, seed: int) -> RunDays:
    """Run a schedule on many days, in its order on each machine.

    A task starts when it was to start, or as soon as what must be over before has ended and no break of its machine is
    in the way of what it takes by the law. What happens to a task on a day is the same in all schedules.

    Parameters
    ----------
    assessment
        The schedule on the laws.
    law
        Errors of durations, which tasks of a day may share.
    days, seed
        How many, and the seed of what happens.
    """
    problem, placed = assessment.problem, assessment.simulation
    streams = [np.random.default_rng([seed, part]) for part in range(2)]
    longer = np.zeros((days, len(placed.task)))
    errors = law.draw((days, 1, len(problem.data.tasks)), streams[_TASKS])
    if errors is not None:
        for row in np.flatnonzero(placed.mode >= 0).tolist():
            took = float(placed.end[row] - placed.start[row])
            longer[:, row] = errors.apply(int(placed.task[row]), np.full(days, took)) - took
    end, changes = delayed_days(problem, placed, longer)
    cost = assessment.pricing.objective + changes
    cost = cost + draw_price_errors(assessment.law_uses, days, streams[_PRICE])
    return RunDays(placed.completion(len(problem.data.jobs), end), cost)


def dates_kept(assessment: SchedulingAssessment, typical: SchedulingAssessment) -> Floats:
    """Return by when each job is to be done: infinite where nothing is promised, or both plans have it late."""
    due = assessment.problem.data.timing.due
    ends = (each.simulation.completion(len(due)) for each in (assessment, typical))
    return np.where(np.minimum(*ends) > due + TOLERANCE, np.inf, due)


def measured_days(
    assessment: SchedulingAssessment,
    target: float,
    uncertainty: Uncertainty = _AS_LEARNED,
    *,
    typical: SchedulingAssessment | None = None,
    reached: bool | None = None,
) -> DaysInTime | None:
    """Return how often a schedule is in time; None where no job has to be, or no errors of durations are known.

    Parameters
    ----------
    assessment
        The schedule.
    target
        Share of days that is asked for.
    uncertainty
        What is taken to be uncertain.
    typical
        The schedule that is cheapest on typical times, which is told beside; left out, the one given.
    reached
        Whether the share is reached, as far as other days tell; None where no other days were looked at.
    """
    problem, typical = assessment.problem, typical or assessment
    dates = dates_kept(assessment, typical)
    if not knows_errors(problem, uncertainty) or np.isinf(dates).all():
        return None
    law, draws = duration_law(problem, uncertainty), common_draws(len(problem.data.tasks))
    days, usual = (run_days(each, law, draws, COMMON_SEED) for each in (assessment, typical))
    share = float(days.in_time(dates).mean())
    return DaysInTime(
        target=target,
        reached=share >= target if reached is None else reached,
        share=share,
        price=assessment.pricing.objective,
        typical_share=float(usual.in_time(dates_kept(typical, typical)).mean()),
        typical_price=typical.pricing.objective,
        **mean_days(days.cost, usual.cost),
        earlier=0.0,
        moved=0,
        rerouted=assessment is not typical,
        not_kept=(),
        draws=draws,
        money=problem.unit,
        time=problem.units.time,
        of_tasks=True,
        all_priced=lateness_is_priced(problem),
        late_in_plan=int((np.isinf(dates) & np.isfinite(problem.data.timing.due)).sum()),
    )
