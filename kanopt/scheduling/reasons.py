"""Why jobs are late, and why there can be no schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kanopt.plans.findings import Reason
from kanopt.scheduling.dispatch import dispatch_greedily, earliest_completions
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.simulate import TOLERANCE, PlacedTasks
from kanopt.text import amount_text, clock_text, list_names, number_text
from kanopt.units import convert


def lateness_reasons(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[Reason, ...]:
    """Return one reason per job that ends after its due date.

    Proved where the job would be late with every machine to itself; else the machine it waited for longest is named,
    which is what happened in this schedule and not a proof.
    """
    data = problem.data
    best = data.structure.latest_of_jobs(earliest_completions(data.structure, data.timing))
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


def _bottleneck(problem: SchedulingProblem, placed: PlacedTasks, job: int) -> tuple[str, str]:
    """Say where the job waited longest, in a clause, and what ran there meanwhile."""
    data = problem.data
    rows = np.flatnonzero(placed.job == job)
    rows = rows[np.argsort(placed.start[rows], kind="stable")]
    ended = dict(zip(placed.task.tolist(), placed.end.tolist(), strict=True))
    before = [
        [ended[task] for task in data.structure.before[each].tolist() if task in ended]
        for each in placed.task[rows]
    ]
    ready = np.array([max([data.timing.release[job], *ends]) for ends in before])
    wait = placed.start[rows] - ready
    longest = int(np.argmax(wait))
    alone_end = float(data.structure.latest_of_jobs(earliest_completions(data.structure, data.timing))[job])
    slower = float(placed.end[rows].max()) - alone_end - float(wait.sum())
    if wait[longest] <= max(TOLERANCE, slower):
        return "they run in slower modes than the fastest", (
            f"it runs in modes that take {_time(problem, slower)} longer than the fastest, and waits "
            f"{_time(problem, wait.sum())}"
            + (f"; alone it would end at {_moment(problem, alone_end)}" if np.any(placed.job != job) else "")
        )
    row = int(rows[longest])
    waits = f"task {data.tasks[placed.task[row]].name!r} waits {_time(problem, wait[longest])}"
    blocked = _blocked(problem, placed, row, float(ready[longest]))
    # of those that are in the way equally long the machine comes first
    what, minutes, busy = max(blocked, key=lambda each: each[1])
    cause = f"they wait longest for {what}"
    if not len(busy):
        why = "which runs no other job meanwhile (a break, a setup, or power is cheaper later)"
        return cause, f"{waits} for {what}, {why}"
    part = "" if minutes >= wait[longest] - TOLERANCE else f", {_time(problem, minutes)} of them"
    names = list_names([data.tasks[placed.task[at]].name for at in busy])
    alone = f"; alone the job would end at {_moment(problem, alone_end)}"
    # what tasks of the job take from each other, they would without other jobs too
    has_others = bool(np.any(placed.job[busy] != job))
    return cause, f"{waits}{part} for {what}, which runs {names} meanwhile{alone if has_others else ''}"


def _blocked(
    problem: SchedulingProblem, placed: PlacedTasks, row: int, ready: float
) -> list[tuple[str, float, NDArray[np.int64]]]:
    """Return the machine and the resources that a task uses, how long each had no room for it, and for which rows.

    Counted is the time from when the task was ready until it started.
    """
    data, machine, start = problem.data, int(placed.machine[row]), float(placed.start[row])
    times = np.unique(np.clip([ready, start, *placed.start, *placed.end], ready, start))
    middle, lengths = 0.5 * (times[1:] + times[:-1]), np.diff(times)
    running = (placed.start <= middle[:, None]) & (middle[:, None] < placed.end)
    need = np.where(placed.mode[:, None] >= 0, data.timing.need[placed.mode], 0.0)
    used = [
        (f"resource {data.resources[place].name!r}", need[:, place], data.timing.capacity[place])
        for place in np.flatnonzero(need[row] > 0).tolist()
    ]
    if data.structure.one_at_a_time[machine] or not used:
        room = 1.0 if data.structure.one_at_a_time[machine] else math.inf
        used.insert(0, (f"machine {data.machines[machine].name!r}", (placed.machine == machine) * 1.0, room))
    found = []
    for what, amounts, capacity in used:
        is_full = running @ amounts + amounts[row] > capacity + TOLERANCE * max(1.0, capacity)
        busy = np.flatnonzero(running[is_full].any(axis=0) & (amounts > 0))
        found.append((what, float(lengths[is_full].sum()), busy))
    return found


def infeasibility_reasons(problem: SchedulingProblem) -> tuple[Reason, ...]:
    """Return what makes a schedule impossible, proved by arithmetic where it can be."""
    proved = [
        *_tasks_without_mode(problem),
        *_tasks_beyond_capacity(problem),
        *_tasks_longer_than_windows(problem),
    ]
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


def _tasks_beyond_capacity(problem: SchedulingProblem) -> Iterator[Reason]:
    """Find tasks that need more of a resource in every mode than there is."""
    data = problem.data
    over = np.clip(data.timing.need - data.timing.capacity, 0.0, None)
    for task in range(len(data.tasks)):
        own = np.flatnonzero(data.structure.mode_task == task)
        if not len(own) or not over[own].any(axis=1).all():
            continue
        mode = int(own[np.argmin(over[own].sum(axis=1))])
        place = int(np.argmax(over[mode]))
        resource = data.resources[place]
        need, there = (number_text(value, 6) for value in (data.timing.need[mode, place], resource.capacity))
        yield _infeasible(
            f"task {data.tasks[task].name}",
            f"it needs {need} of {resource.name!r}, of which there is {there}",
            f"a capacity of {need} of {resource.name!r}",
            "they need more of a resource than there is",
            float(over[mode, place]),
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
        where = f" on {data.modes[mode].machine!r}" if data.modes[mode].machine else ""
        yield _infeasible(
            f"task {data.tasks[task].name}",
            f"it takes at least {_time(problem, timing.duration[mode])}{where}, but the longest time that it may run "
            f"there without a break before the horizon is {window}",
            f"a window {_time(problem, least[task])} longer{where}",
            "they take longer than any machine runs without a break",
            float(least[task]),
        )


def _late_jobs(problem: SchedulingProblem) -> Iterator[Reason]:
    """Find jobs that cannot be done before the horizon even with every machine to themselves."""
    data = problem.data
    if problem.horizon is None:
        return
    ends = data.structure.latest_of_jobs(earliest_completions(data.structure, data.timing_without_horizon))
    for job in np.flatnonzero(ends > problem.horizon + TOLERANCE):
        over = ends[job] - problem.horizon
        relaxation = f"a horizon of at least {_moment(problem, ends[job], at_least=True)}"
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
    time[~at.one_at_a_time] = np.inf
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
    broken = problem.check(problem.schedule(modes, starts)).violations
    if any(violation.constraint != "horizon" for violation in broken):
        return
    enough = float((starts + data.timing.duration[modes]).max())
    yield Reason(
        "schedule",
        "infeasible",
        f"each job alone and the work of each machine would fit before the horizon of "
        f"{_moment(problem, problem.horizon)}, but no schedule of all of them was found",
        f"a horizon of {_moment(problem, enough, at_least=True)} is enough",
        proved=False,
    )
