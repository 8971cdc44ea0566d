"""A schedule on many days, on which tasks take longer or shorter than their law says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.array_types import Floats
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.money_at_stake import draw_price_errors
from kanopt.plans.uncertainty import UncertainLaw, Uncertainty, uncertain_law
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.law_uses import delay_costs, delayed_times
from kanopt.scheduling.model import SchedulingModel

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


def duration_law(problem: SchedulingModel, uncertainty: Uncertainty) -> UncertainLaw:
    """Return what is known of the errors of durations."""
    law = problem.duration if isinstance(problem.duration, BoundFormula) else None
    unit = problem.units.time
    return uncertain_law("durations", "tasks", law, uncertainty.task, uncertainty, unit)


def run_days(assessment: SchedulingAssessment, law: UncertainLaw, days: int, seed: int) -> RunDays:
    """Run a schedule on many days, in its order on each machine.

    A task starts when it was to start, or as soon as what must be over before has ended.

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
    errors = law.draw((days, 1, len(placed.task)), streams[_TASKS])
    if errors is not None:
        for row in np.flatnonzero(placed.mode >= 0).tolist():
            took = float(placed.end[row] - placed.start[row])
            longer[:, row] = errors.apply(row, np.full(days, took)) - took
    _, end = delayed_times(problem, placed, longer)
    completion = np.full((days, len(problem.jobs)), -np.inf)
    for row, job in enumerate(placed.job.tolist()):
        completion[:, job] = np.maximum(completion[:, job], end[:, row])
    cost = assessment.pricing.objective + delay_costs(problem, placed, longer)
    return RunDays(completion, cost + draw_price_errors(assessment.law_uses, days, streams[_PRICE]))
