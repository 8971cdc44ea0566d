"""Which jobs a schedule finishes in time, and what the others cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.coverage import Coverage, CoverageWords, LeftOutPrice, refer_to
from kanopt.problems.scheduling.simulate import TOLERANCE, PlacedTasks
from kanopt.text import money_text

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

_WORDS = CoverageWords("finishes", "job", "jobs", "in time")
_LATE, _NOT_RUN = "late", "not run"


def jobs_in_time(problem: SchedulingProblem, placed: PlacedTasks) -> Coverage:
    """Count the jobs that end by their due dates, and name those that end later or do not run to their end."""
    data = problem.data
    late, unfinished = _late(problem, placed), _unfinished(problem, placed)
    left_out = tuple(job.name for job, left in zip(data.jobs, late | unfinished, strict=True) if left)
    lacking = [word for word, found in ((_LATE, late), (_NOT_RUN, unfinished)) if found.any()]
    return Coverage(_WORDS, len(data.jobs), left_out, lacking=" or ".join(lacking) or _LATE)


def price_of_lateness(problem: SchedulingProblem, placed: PlacedTasks) -> LeftOutPrice:
    """Return what is paid for the jobs that end late; what a job would cost that does not run is not known."""
    data, money = problem.data, problem.unit
    late, unfinished = _late(problem, placed), _unfinished(problem, placed)
    paid_for, free = late & (data.tardiness_cost > 0), late & (data.tardiness_cost <= 0)
    over = np.where(late, placed.completion(len(data.jobs)) - data.timing.due, 0.0)
    paid = math.fsum(data.tardiness_cost[paid_for] * over[paid_for])

    def refer(chosen: NDArray[np.bool_], noun: str = "") -> str:
        picked, everyone = (
            [data.jobs[job].name for job in np.flatnonzero(some)] for some in (chosen, late | unfinished)
        )
        return refer_to(picked, everyone, noun)

    sentences = []
    if paid_for.any():
        sentences.append(f"{refer(paid_for, 'lateness')}, {money_text(paid, money)}, is in the price")
    if free.any():
        sentences.append(f"{refer(free, 'lateness')} costs nothing in this problem")
    if unfinished.any():
        sentences.append(f"what running {refer(unfinished)} would cost is not known")
    return LeftOutPrice(paid, None if free.any() or unfinished.any() else 0.0, "; ".join(sentences))


def _late(problem: SchedulingProblem, placed: PlacedTasks) -> NDArray[np.bool_]:
    ends = placed.completion(len(problem.data.jobs))
    return np.asarray(ends > problem.data.timing.due + TOLERANCE)


def _unfinished(problem: SchedulingProblem, placed: PlacedTasks) -> NDArray[np.bool_]:
    """Say which jobs have a task that is not in the schedule."""
    data = problem.data
    missing = np.bincount(placed.task, minlength=len(data.tasks)) == 0
    return np.bincount(data.structure.task_job[missing], minlength=len(data.jobs)) > 0
