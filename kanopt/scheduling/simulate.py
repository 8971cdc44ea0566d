"""The referee of schedules: when tasks end on the laws, which rules they break and what they cost.

No solver runs through here, and no solver's figure is trusted where this module gives another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Check, Violation
from kanopt.plans.slider_prices import Pricing
from kanopt.scheduling.model import SchedulingModel
from kanopt.scheduling.plan import Schedule, assignment_positions
from kanopt.text import amount_text, list_names, number_text

ENERGY = "energy"
"""Term of the price of power."""
TOLERANCE = 1e-6
"""Times closer than this, in time units, count as equal."""

RULE_WORDS: Mapping[str, RuleWords] = {
    "duplicate": RuleWords(
        "task is in the schedule more than once", "tasks are in the schedule more than once"
    ),
    "eligibility": RuleWords(
        "task is on a machine that cannot run it", "tasks are on machines that cannot run them"
    ),
    "release": RuleWords(
        "task starts before its job is released", "tasks start before their jobs are released"
    ),
    "precedence": RuleWords(
        "task starts before the one ahead of it ends", "tasks start before the ones ahead of them end"
    ),
    "wait": RuleWords(
        "task waits too long after the one ahead of it", "tasks wait too long after the ones ahead of them"
    ),
    "overlap": RuleWords(
        "task starts before its machine is free", "tasks start before their machines are free"
    ),
    "resource": RuleWords(
        "resource is needed more than there is of it", "resources are needed more than there is of them"
    ),
    "setup": RuleWords("task starts without time for its setup", "tasks start without time for their setups"),
    "break": RuleWords("task runs in a break of its machine", "tasks run in breaks of their machines"),
    "horizon": RuleWords("task ends after the horizon", "tasks end after the horizon"),
}
"""How the breaking of each rule is told."""


@dataclass(frozen=True, eq=False)
class PlacedTasks:
    """The rows of a schedule, shape ``(n,)`` each, ordered by machine and start.

    Parameters
    ----------
    task, machine, job
        Positions in the problem's records.
    mode
        Position of the mode; -1 where the task cannot run on that machine.
    start, end
        In time units; the end is start plus the law's duration (the stated end where there is no mode).
    """

    task: NDArray[np.int64]
    machine: NDArray[np.int64]
    job: NDArray[np.int64]
    mode: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @classmethod
    def of(cls, problem: SchedulingModel, plan: Schedule) -> PlacedTasks:
        """Look the names of a schedule up and compute its ends on the law.

        Raises
        ------
        ProblemError
            If it names a task, machine or mode the problem does not know.
        """
        data = problem.data
        task, machine, mode = assignment_positions(data, plan.assignments)
        start = np.array([item.start for item in plan.assignments], dtype=float)
        stated = np.array([item.end for item in plan.assignments], dtype=float)
        end = stated
        if len(data.modes):
            end = np.where(mode >= 0, start + data.timing.duration[mode], stated)
        order = np.lexsort((start, machine))
        return cls(
            task=task[order],
            machine=machine[order],
            job=data.structure.task_job[task[order]],
            mode=mode[order],
            start=start[order],
            end=end[order],
        )

    def completion(self, jobs: int) -> NDArray[np.float64]:
        """Return when the last placed task of each job ends; minus infinity where none is placed."""
        ends = np.full(jobs, -np.inf)
        np.maximum.at(ends, self.job, self.end)
        return ends


def check_schedule(problem: SchedulingModel, placed: PlacedTasks) -> Check:
    """Return every rule that the schedule breaks."""
    rules = (_assigned_once, _eligible, _release, _precedence, _machine, _resources, _breaks, _horizon)
    return Check(tuple(violation for rule in rules for violation in rule(problem, placed)))


def _time(problem: SchedulingModel, value: float) -> str:
    return amount_text(float(value), problem.units.time)


def _violation(problem: SchedulingModel, rule: str, task: str, amount: float, message: str) -> Violation:
    return Violation(rule, f"task {task}", float(amount), problem.units.time, message)


def _assigned_once(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
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


def _eligible(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
    for row in np.flatnonzero(placed.mode < 0):
        task = problem.data.tasks[placed.task[row]].name
        machine = problem.data.machines[placed.machine[row]].name
        yield Violation(
            "eligibility", f"task {task}", 1.0, "task", f"task {task!r} has no mode on machine {machine!r}"
        )


def _release(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
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


def _precedence(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
    """Compare the start of every task with the ends of those that it comes after, and what they wait for at most."""
    data = problem.data
    ends, starts = np.full(len(data.tasks), -np.inf), np.full(len(data.tasks), np.inf)
    np.maximum.at(ends, placed.task, placed.end)
    np.minimum.at(starts, placed.task, placed.start)
    for first, second in data.structure.pairs.tolist():
        early, task, earlier = ends[first] - starts[second], data.tasks[second], data.tasks[first]
        of_job = " of the same job" if task.job == earlier.job else ""
        if early > TOLERANCE:
            message = (
                f"task {task.name!r} starts {_time(problem, early)} before {earlier.name!r}{of_job} ends"
            )
            yield _violation(problem, "precedence", task.name, early, message)
        elif earlier.max_wait is not None and np.isfinite(early) and -early > earlier.max_wait + TOLERANCE:
            message = (
                f"task {task.name!r} starts {_time(problem, -early)} after {earlier.name!r}{of_job} ends, which lets "
                f"it wait {_time(problem, earlier.max_wait)} at most"
            )
            yield _violation(problem, "wait", task.name, -early - earlier.max_wait, message)


def _resources(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
    """Add up what tasks need of every resource at each start, and tell of the worst moment of each."""
    data = problem.data
    run = np.flatnonzero(placed.mode >= 0)
    start, end, need = placed.start[run], placed.end[run] - TOLERANCE, data.timing.need[placed.mode[run]]
    for place, resource in enumerate(data.resources):
        using = np.flatnonzero(need[:, place] > 0)
        moments = start[using]
        running = (moments[:, None] >= start[using]) & (moments[:, None] < end[using])
        needed = running @ need[using, place]
        over = float(needed.max(initial=0.0)) - resource.capacity
        if over > TOLERANCE * max(1.0, resource.capacity):
            worst = int(np.argmax(needed))
            names = [data.tasks[placed.task[run[using[at]]]].name for at in np.flatnonzero(running[worst])]
            most = number_text(float(needed[worst]), 6)
            message = (
                f"{list_names(names)} need {most} of {resource.name!r} at once, at "
                f"{_time(problem, moments[worst])}; there is {number_text(resource.capacity, 6)}"
            )
            yield Violation("resource", f"resource {resource.name}", over, "", message)


def _machine(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
    """Compare every task with the latest end before it on its machine, and with the setup it needs."""
    data = problem.data
    for machine in np.flatnonzero(data.structure.one_at_a_time).tolist():
        rows = np.flatnonzero(placed.machine == machine)
        if not len(rows):
            continue
        name = data.machines[machine].name
        setup = data.setups_of(machine, placed.task[rows])
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


def _breaks(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
    """Measure how much of every task lies in every break of its machine, shape ``(rows, breaks)``."""
    data = problem.data
    if not data.breaks:
        return
    places = {machine.name: place for place, machine in enumerate(data.machines)}
    of = np.array([places[pause.machine] if pause.machine else -1 for pause in data.breaks])
    start, end = np.array([(pause.start, pause.end) for pause in data.breaks]).T
    common = np.minimum(placed.end[:, None], end) - np.maximum(placed.start[:, None], start)
    common[(of != placed.machine[:, None]) & (of >= 0)] = 0.0
    common[~data.structure.one_at_a_time[placed.machine]] = 0.0
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


def _horizon(problem: SchedulingModel, placed: PlacedTasks) -> Iterator[Violation]:
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


def price_schedule(problem: SchedulingModel, placed: PlacedTasks) -> Pricing:
    """Return the lines that :meth:`SchedulingProblem.assess` documents; amounts of zero are left out."""
    data = problem.data
    rows: list[tuple[str, str, str, float]] = []
    if len(placed.task) and problem.makespan_cost > 0:
        last = int(np.argmax(placed.end))
        machine, task = data.machines[placed.machine[last]].name, data.tasks[placed.task[last]].name
        rows.append(
            ("makespan", machine, task, problem.makespan_cost * (float(placed.end[last]) - problem.begins))
        )
    late = np.clip(placed.completion(len(data.jobs)) - data.timing.due, 0.0, None)
    tardiness = data.tardiness_cost * late
    for job in np.flatnonzero(tardiness > 0):
        of_job = np.flatnonzero(placed.job == job)
        task = data.tasks[placed.task[of_job[np.argmax(placed.end[of_job])]]].name
        rows.append(("tardiness", data.jobs[job].name, task, float(tardiness[job])))
    if data.energy is not None and data.tariff is not None:
        run = np.flatnonzero(placed.mode >= 0)
        mode = placed.mode[run]
        paid = data.tariff.cost(placed.start[run], data.timing.duration[mode], data.energy[mode])
        for row, amount in zip(run, paid, strict=True):
            machine, task = data.machines[placed.machine[row]].name, data.tasks[placed.task[row]].name
            rows.append((ENERGY, machine, task, float(amount)))
    return Pricing.of(rows, problem.unit)
