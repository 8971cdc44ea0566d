"""Why jobs are late, and why there can be no schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.findings import Reason
from kanopt.problems.scheduling.arrays import ShopTiming
from kanopt.problems.scheduling.dispatch import dispatch_greedily, earliest_completions
from kanopt.problems.scheduling.simulate import TOLERANCE, PlacedTasks
from kanopt.text import amount_text, clock_text, list_names
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem


def lateness_reasons(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[Reason, ...]:
    """Return one reason per job that ends after its due date.

    Proved where the job would be late with every machine to itself; else the machine it waited for longest is named,
    which is what happened in this schedule and not a proof.
    """
    data = problem.data
    best = earliest_completions(data.structure, data.timing)[data.structure.last]
    ends = placed.completion(len(data.jobs))
    found = []
    for job in np.flatnonzero(ends > data.timing.due + TOLERANCE):
        item, due = data.jobs[job], float(data.timing.due[job])
        lateness = float(ends[job] - due)
        late = _time(problem, lateness)
        least_lateness = best[job] - due
        if proved := bool(least_lateness > TOLERANCE):
            message = (
                f"{late} late: even with every machine to itself it cannot end before {_moment(problem, best[job])}, "
                f"{_time(problem, least_lateness)} after its due date of {_moment(problem, due)}"
            )
            relaxation = f"a due date of at least {_moment(problem, best[job], at_least=True)}"
            relaxation += _release_relaxation(problem, data.timing, int(job), float(least_lateness), due)
            cause = "they are late even with every machine to themselves"
        else:
            cause, why = _bottleneck(problem, placed, int(job))
            message, relaxation = (
                f"{late} late: {why}",
                f"a due date of {_moment(problem, ends[job], at_least=True)}",
            )
        subject = f"job {item.name}"
        found.append(
            Reason(subject, "late", message, relaxation, proved=proved, bottleneck=cause, amount=lateness)
        )
    return tuple(found)


def _time(problem: SchedulingProblem, value: float) -> str:
    return amount_text(float(value), problem.units.time)


def _moment(problem: SchedulingProblem, value: float, *, at_least: bool = False) -> str:
    """Write a point in time as the problem states them; what must be at least so late, in whole minutes above it."""
    unit = problem.units.time
    if not problem.clock:
        return _time(problem, value)
    minutes = convert(float(value), unit, "min")
    return clock_text(math.ceil(minutes - TOLERANCE) if at_least else minutes)


def _release_relaxation(
    problem: SchedulingProblem, timing: ShopTiming, job: int, amount: float, limit: float
) -> str:
    """Say that an earlier release would do, where it would: breaks may get in the way."""
    earlier = timing.release.copy()
    earlier[job] -= amount
    if earlier[job] < 0:
        return ""
    ends = earliest_completions(problem.data.structure, replace(timing, release=earlier))
    if ends[problem.data.structure.last[job]] > limit + TOLERANCE:
        return ""
    return f", or a release {_time(problem, amount)} earlier"


def _bottleneck(problem: SchedulingProblem, placed: PlacedTasks, job: int) -> tuple[str, str]:
    """Say where the job waited longest, in a clause, and what ran there meanwhile."""
    data = problem.data
    rows = np.flatnonzero(placed.job == job)
    rows = rows[np.argsort(placed.start[rows], kind="stable")]
    ready = np.concatenate([[data.timing.release[job]], placed.end[rows][:-1]])
    wait = placed.start[rows] - ready
    longest = int(np.argmax(wait))
    alone_end = float(earliest_completions(data.structure, data.timing)[data.structure.last[job]])
    slower = float(placed.end[rows].max()) - alone_end - float(wait.sum())
    if wait[longest] <= max(TOLERANCE, slower):
        return "they run in slower modes than the fastest", (
            f"it runs in modes that take {_time(problem, slower)} longer than the fastest, and waits "
            f"{_time(problem, wait.sum())}; alone it would end at {_moment(problem, alone_end)}"
        )
    row, begin = rows[longest], float(ready[longest])
    task, machine = data.tasks[placed.task[row]].name, data.machines[placed.machine[row]].name
    there = (placed.machine == placed.machine[row]) & (placed.job != job)
    busy = np.flatnonzero(there & (placed.end > begin) & (placed.start < placed.start[row]))
    cause = f"they wait longest for machine {machine!r}"
    waits = f"task {task!r} waits {_time(problem, wait[longest])} for machine {machine!r}"
    if not len(busy):
        return (
            cause,
            f"{waits}, which runs no other job meanwhile (a break, a setup, or power is cheaper later)",
        )
    names = list_names([data.tasks[placed.task[at]].name for at in busy])
    return (
        cause,
        f"{waits}, which runs {names} meanwhile; alone the job would end at {_moment(problem, alone_end)}",
    )


def infeasibility_reasons(problem: SchedulingProblem) -> tuple[Reason, ...]:
    """Return what makes a schedule impossible, proved by arithmetic where it can be."""
    proved = [*_tasks_without_mode(problem), *_tasks_longer_than_windows(problem)]
    if not proved:
        proved = [*_late_jobs(problem), *_overload(problem)]
    return tuple(proved) if proved else tuple(_combined_infeasibility(problem))


def _infeasible(
    subject: str, message: str, relaxation: str, bottleneck: str = "", amount: float | None = None
) -> Reason:
    return Reason(
        subject, "infeasible", message, relaxation, proved=True, bottleneck=bottleneck, amount=amount
    )


def _tasks_without_mode(problem: SchedulingProblem) -> Iterator[Reason]:
    data = problem.data
    counts = np.bincount(data.structure.mode_task, minlength=len(data.tasks))
    for task in np.flatnonzero(counts == 0):
        yield _infeasible(
            f"task {data.tasks[task].name}",
            "no machine can run it: there is no mode for it",
            "a mode on one machine",
            "no machine can run them",
        )


def _tasks_longer_than_windows(problem: SchedulingProblem) -> Iterator[Reason]:
    """Find tasks that are longer than every window of every machine they may use."""
    data = problem.data
    at, timing = data.structure, data.timing
    widest = (timing.closes - timing.opens).max(axis=1)
    excess = timing.duration - widest[at.mode_machine]
    least = np.full(len(data.tasks), np.inf)
    np.minimum.at(least, at.mode_task, excess)
    for task in np.flatnonzero(np.isfinite(least) & (least > 0)):
        own = np.flatnonzero(at.mode_task == task)
        mode = own[np.argmin(excess[own])]
        window = _time(problem, max(0.0, widest[at.mode_machine[mode]]))
        yield _infeasible(
            f"task {data.tasks[task].name}",
            f"it takes at least {_time(problem, timing.duration[mode])} on {data.modes[mode].machine!r}, but the "
            f"longest time that machine runs without a break before the horizon is {window}",
            f"a window {_time(problem, least[task])} longer on {data.modes[mode].machine!r}",
            "they take longer than any machine runs without a break",
            float(least[task]),
        )


def _late_jobs(problem: SchedulingProblem) -> Iterator[Reason]:
    """Find jobs that cannot be done before the horizon even with every machine to themselves."""
    data = problem.data
    if problem.horizon is None:
        return
    ends = earliest_completions(data.structure, data.timing_without_horizon)[data.structure.last]
    for job in np.flatnonzero(ends > problem.horizon + TOLERANCE):
        over = ends[job] - problem.horizon
        relaxation = f"a horizon of at least {_moment(problem, ends[job], at_least=True)}"
        relaxation += _release_relaxation(
            problem, data.timing_without_horizon, int(job), float(over), problem.horizon
        )
        yield _infeasible(
            f"job {data.jobs[job].name}",
            f"released at {_moment(problem, data.timing.release[job])}, it cannot end before "
            f"{_moment(problem, ends[job])} even with every machine to itself; the horizon is "
            f"{_moment(problem, problem.horizon)}",
            relaxation,
            "they cannot end before the horizon even with every machine to themselves",
            float(over),
        )


def _overload(problem: SchedulingProblem) -> Iterator[Reason]:
    """Find machines, and the shop as a whole, with more work than time before the horizon."""
    data = problem.data
    if problem.horizon is None:
        return
    at, timing = data.structure, data.timing
    shortest = np.full(len(data.tasks), np.inf)
    np.minimum.at(shortest, at.mode_task, timing.duration)
    low, high = np.full(len(data.tasks), len(data.machines)), np.full(len(data.tasks), -1)
    np.minimum.at(low, at.mode_task, at.mode_machine)
    np.maximum.at(high, at.mode_task, at.mode_machine)
    time = np.clip(timing.closes - timing.opens, 0.0, None).sum(axis=1)
    work = np.bincount(low[low == high], weights=shortest[low == high], minlength=len(data.machines))
    for machine in np.flatnonzero(work > time + TOLERANCE):
        name = data.machines[machine].name
        yield _infeasible(
            f"machine {name}",
            f"tasks that run nowhere else take at least {_time(problem, work[machine])}, but it can run for "
            f"{_time(problem, time[machine])} before the horizon",
            f"{_time(problem, work[machine] - time[machine])} more on {name!r}, or another machine for these tasks",
        )
    if shortest.sum() > time.sum() + TOLERANCE:
        yield _infeasible(
            "all machines",
            f"all tasks take at least {_time(problem, shortest.sum())} together, but the machines can run for "
            f"{_time(problem, time.sum())} before the horizon",
            f"{_time(problem, shortest.sum() - time.sum())} more machine time",
        )


def _combined_infeasibility(problem: SchedulingProblem) -> Iterator[Reason]:
    """Give a horizon that suffices, where each single job and the total work would fit."""
    if problem.horizon is None:
        return
    data = problem.data
    built = dispatch_greedily(data.structure, data.timing_without_horizon)
    if built is None:
        return
    modes, starts = built
    enough = float((starts + data.timing.duration[modes]).max())
    yield Reason(
        "schedule",
        "infeasible",
        f"each job alone and the work of each machine would fit before the horizon of "
        f"{_moment(problem, problem.horizon)}, but no schedule of all of them was found",
        f"a horizon of {_moment(problem, enough, at_least=True)} is enough",
        proved=False,
    )
