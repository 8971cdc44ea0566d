"""Every rule of a schedule, verified on the law without a solver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.findings import Check, Violation
from kanopt.problems.scheduling.simulate.placed import TOLERANCE, PlacedTasks
from kanopt.problems.wording import amount_text

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

__all__ = ["check_schedule"]


def check_schedule(problem: SchedulingProblem, placed: PlacedTasks) -> Check:
    """Return every rule that the schedule breaks."""
    rules = (_assigned_once, _eligible, _release, _precedence, _machine, _breaks, _horizon)
    return Check(tuple(violation for rule in rules for violation in rule(problem, placed)))


def _time(problem: SchedulingProblem, value: float) -> str:
    return amount_text(float(value), problem.units.time)


def _violation(problem: SchedulingProblem, rule: str, task: str, amount: float, message: str) -> Violation:
    return Violation(rule, f"task {task}", float(amount), problem.units.time, message)


def _assigned_once(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    tasks = problem.data.tasks
    counts = np.bincount(placed.task, minlength=len(tasks))
    for at in np.flatnonzero(counts == 0):
        name = tasks[at].name
        yield Violation("unserved", f"task {name}", 1.0, "task", f"task {name!r} is not in the schedule")
    for at in np.flatnonzero(counts > 1):
        name, times = tasks[at].name, int(counts[at])
        yield Violation(
            "duplicate",
            f"task {name}",
            times - 1.0,
            "task",
            f"task {name!r} is in the schedule {times} times; once is enough",
        )


def _eligible(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    for row in np.flatnonzero(placed.mode < 0):
        task = problem.data.tasks[placed.task[row]].name
        machine = problem.data.machines[placed.machine[row]].name
        yield Violation(
            "eligibility", f"task {task}", 1.0, "task", f"task {task!r} has no mode on machine {machine!r}"
        )


def _release(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    early = problem.data.timing.release[placed.job] - placed.start
    for row in np.flatnonzero(early > TOLERANCE):
        task, job = problem.data.tasks[placed.task[row]].name, problem.data.jobs[placed.job[row]].name
        yield _violation(
            problem,
            "release",
            task,
            early[row],
            f"task {task!r} starts {_time(problem, early[row])} before job {job!r} is released",
        )


def _precedence(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    data = problem.data
    ends = np.full(len(data.tasks), -np.inf)
    np.maximum.at(ends, placed.task, placed.end)
    before = data.structure.previous[placed.task]
    early = np.where(before >= 0, ends[before], -np.inf) - placed.start
    for row in np.flatnonzero(early > TOLERANCE):
        task, earlier = data.tasks[placed.task[row]].name, data.tasks[before[row]].name
        yield _violation(
            problem,
            "precedence",
            task,
            early[row],
            f"task {task!r} starts {_time(problem, early[row])} before {earlier!r} of the same job ends",
        )


def _machine(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    """Compare every task with the latest end before it on its machine, and with the setup it needs."""
    data = problem.data
    for machine in range(len(data.machines)):
        rows = np.flatnonzero(placed.machine == machine)
        if not len(rows):
            continue
        name = data.machines[machine].name
        family = data.structure.task_family[placed.task[rows]]
        before = np.concatenate([[data.structure.machine_family[machine]], family[:-1]])
        setup = data.timing.setup[machine, before, family]
        free = np.concatenate([[0.0], np.maximum.accumulate(placed.end[rows])[:-1]])
        late = free - placed.start[rows]
        for place in np.flatnonzero(late + setup > TOLERANCE):
            task = data.tasks[placed.task[rows[place]]].name
            if late[place] > TOLERANCE and place > 0:
                yield _violation(
                    problem,
                    "overlap",
                    task,
                    late[place],
                    f"task {task!r} starts on {name!r} {_time(problem, late[place])} before the machine is free",
                )
            elif setup[place] > 0:
                short = late[place] + setup[place]
                yield _violation(
                    problem,
                    "setup",
                    task,
                    short,
                    f"task {task!r} needs a setup of {_time(problem, setup[place])} on {name!r}; "
                    f"{_time(problem, short)} are missing",
                )


def _breaks(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    """Measure how much of every task lies in every break of its machine, shape ``(rows, breaks)``."""
    data = problem.data
    if not data.breaks:
        return
    places = {machine.name: place for place, machine in enumerate(data.machines)}
    of = np.array([places.get(pause.machine, -1) for pause in data.breaks])
    start, end = np.array([(pause.start, pause.end) for pause in data.breaks]).T
    common = np.minimum(placed.end[:, None], end) - np.maximum(placed.start[:, None], start)
    common[(of != placed.machine[:, None]) & (of >= 0)] = 0.0
    for row, pause in np.argwhere(common > TOLERANCE):
        task, machine = data.tasks[placed.task[row]].name, data.machines[placed.machine[row]].name
        yield _violation(
            problem,
            "break",
            task,
            common[row, pause],
            f"task {task!r} runs for {_time(problem, common[row, pause])} in the break of {machine!r} from "
            f"{_time(problem, start[pause])} to {_time(problem, end[pause])}",
        )


def _horizon(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    if problem.horizon is None:
        return
    over = placed.end - problem.horizon
    for row in np.flatnonzero(over > TOLERANCE):
        task = problem.data.tasks[placed.task[row]].name
        yield _violation(
            problem,
            "horizon",
            task,
            over[row],
            f"task {task!r} ends {_time(problem, over[row])} after the horizon",
        )
