"""The referee of schedules: when tasks end on the laws, which rules they break and what they cost.

No solver runs through here, and no solver's figure is trusted where this module gives another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Check, Violation
from kanopt.plans.slider_prices import Pricing
from kanopt.scheduling.plan import Schedule, assignment_positions
from kanopt.scheduling.problem import SchedulingProblem
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
    free, setup
        When the tasks before it on its machine have ended, 0 of the first one, and the setup that it needs there.
    need
        How much of each resource it needs, shape ``(n, resources)``.
    """

    task: NDArray[np.int64]
    machine: NDArray[np.int64]
    job: NDArray[np.int64]
    mode: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    free: NDArray[np.float64]
    setup: NDArray[np.float64]
    need: NDArray[np.float64]

    @classmethod
    def of(cls, problem: SchedulingProblem, plan: Schedule) -> PlacedTasks:
        """Look the names of a schedule up and compute its ends on the law.

        Raises
        ------
        ProblemError
            If it names a task, machine or mode the problem does not know.
        """
        data = problem.data
        task, machine, mode = assignment_positions(data, plan.assignments)
        times = np.array([(item.start, item.end) for item in plan.assignments], dtype=float).reshape(-1, 2)
        order = np.lexsort((times[:, 0], machine))
        task, machine, mode, (start, end) = task[order], machine[order], mode[order], times[order].T
        run, free, setup = mode >= 0, np.zeros(len(order)), np.zeros(len(order))
        end[run] = start[run] + data.timing.duration[mode[run]]
        need = np.zeros((len(order), len(data.resources)))
        need[run] = data.timing.need[mode[run]]
        for place in np.unique(machine).tolist():
            rows = np.flatnonzero(machine == place)
            free[rows[1:]] = np.maximum.accumulate(end[rows])[:-1]
            setup[rows] = data.setups_of(place, task[rows])
        return cls(task, machine, data.structure.task_job[task], mode, start, end, free, setup, need)

    @property
    def follows(self) -> NDArray[np.bool_]:
        """Whether another task is before it on its machine."""
        return np.append(np.zeros(1, dtype=bool), self.machine[1:] == self.machine[:-1])[: len(self.machine)]

    def running_at_starts(self) -> NDArray[np.bool_]:
        """Return which rows run when each of them starts, shape ``(n, n)``."""
        return (self.start <= self.start[:, None]) & (self.start[:, None] < self.end - TOLERANCE)

    def completion(self, jobs: int, ends: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return when the last placed task of each job ends; minus infinity where none is placed.

        Where the rows end at other times, shape ``(..., n)``, the shape is ``(..., jobs)``.
        """
        given = self.end if ends is None else ends
        found = np.full((*given.shape[:-1], jobs), -np.inf)
        for row, job in enumerate(self.job.tolist()):
            found[..., job] = np.maximum(found[..., job], given[..., row])
        return found


_Broken = Iterator[tuple[str, int, float, str]]
"""Rule, task as a position, by how much, and what is wrong with the task, as the predicate of a sentence."""


def check_schedule(problem: SchedulingProblem, placed: PlacedTasks) -> Check:
    """Return every rule that the schedule breaks."""
    tasks, unit = problem.data.tasks, problem.units.time

    def told(*rules: Callable[[SchedulingProblem, PlacedTasks], _Broken]) -> Iterator[Violation]:
        for rule in rules:
            for name, at, amount, what in rule(problem, placed):
                task = tasks[at].name
                yield Violation(name, f"task {task}", float(amount), unit, f"task {task!r} {what}")

    found = (
        *_assigned_once(problem, placed),
        *told(_release, _precedence, _machine),
        *_resources(problem, placed),
        *told(_breaks, _horizon),
    )
    return Check(found)


def _time(problem: SchedulingProblem, value: float) -> str:
    return amount_text(float(value), problem.units.time)


def _assigned_once(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    """Yield tasks that are nowhere, more than once, or on a machine that cannot run them."""
    tasks, machines = problem.data.tasks, problem.data.machines
    counts = np.bincount(placed.task, minlength=len(tasks))
    found = [("unserved", at, 1.0, "is not in the schedule") for at in np.flatnonzero(counts == 0)]
    found += [
        ("duplicate", at, counts[at] - 1.0, f"is in the schedule {counts[at]} times; once is enough")
        for at in np.flatnonzero(counts > 1)
    ]
    found += [
        (
            "eligibility",
            placed.task[row],
            1.0,
            f"has no mode on machine {machines[placed.machine[row]].name!r}",
        )
        for row in np.flatnonzero(placed.mode < 0)
    ]
    for rule, at, amount, what in found:
        name = tasks[at].name
        yield Violation(rule, f"task {name}", float(amount), "task", f"task {name!r} {what}")


def _release(problem: SchedulingProblem, placed: PlacedTasks) -> _Broken:
    early = problem.data.timing.release[placed.job] - placed.start
    for row in np.flatnonzero(early > TOLERANCE):
        job = problem.data.jobs[placed.job[row]].name
        what = f"starts {_time(problem, early[row])} before job {job!r} is released"
        yield "release", placed.task[row], early[row], what


def _precedence(problem: SchedulingProblem, placed: PlacedTasks) -> _Broken:
    """Compare the start of every task with the ends of those that it comes after, and what they wait for at most."""
    data = problem.data
    ends, starts = np.full(len(data.tasks), -np.inf), np.full(len(data.tasks), np.inf)
    np.maximum.at(ends, placed.task, placed.end)
    np.minimum.at(starts, placed.task, placed.start)
    for first, second in data.structure.pairs.tolist():
        early, earlier = float(ends[first] - starts[second]), data.tasks[first]
        of_job = " of the same job" if data.tasks[second].job == earlier.job else ""
        if early > TOLERANCE:
            what = f"starts {_time(problem, early)} before {earlier.name!r}{of_job} ends"
            yield "precedence", second, early, what
        elif earlier.max_wait is not None and np.isfinite(early) and -early > earlier.max_wait + TOLERANCE:
            what = f"starts {_time(problem, -early)} after {earlier.name!r}{of_job} ends, which lets it wait"
            yield (
                "wait",
                second,
                -early - earlier.max_wait,
                f"{what} {_time(problem, earlier.max_wait)} at most",
            )


def _resources(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[Violation]:
    """Add up what tasks need of every resource at each start, and tell of the worst moment of each."""
    data, running = problem.data, placed.running_at_starts()
    needed = np.where(placed.need > 0, running @ placed.need, 0.0)
    for place, resource in enumerate(data.resources):
        most = float(needed[:, place].max(initial=0.0))
        over = most - resource.capacity
        if over > TOLERANCE * max(1.0, resource.capacity):
            worst = int(np.argmax(needed[:, place]))
            using = np.flatnonzero(running[worst] & (placed.need[:, place] > 0))
            names = [data.tasks[placed.task[at]].name for at in using]
            message = (
                f"{list_names(names)} need {number_text(most, 6)} of {resource.name!r} at once, at "
                f"{_time(problem, placed.start[worst])}; there is {number_text(resource.capacity, 6)}"
            )
            yield Violation("resource", f"resource {resource.name}", over, "", message)


def _machine(problem: SchedulingProblem, placed: PlacedTasks) -> _Broken:
    """Compare every task with the latest end before it on its machine, and with the setup it needs."""
    data, late, follows = problem.data, placed.free - placed.start, placed.follows
    in_turn = data.structure.one_at_a_time[placed.machine]
    for row in np.flatnonzero(in_turn & (late + placed.setup > TOLERANCE)):
        task, name, over = placed.task[row], data.machines[placed.machine[row]].name, late[row]
        if over > TOLERANCE and follows[row]:
            what = f"starts on {name!r} {_time(problem, over)} before the machine is free"
            yield "overlap", task, over, what
        elif placed.setup[row] > 0:
            short = over + placed.setup[row]
            needed, missing = _time(problem, placed.setup[row]), _time(problem, short)
            yield "setup", task, short, f"needs a setup of {needed} on {name!r}; {missing} are missing"


def _breaks(problem: SchedulingProblem, placed: PlacedTasks) -> _Broken:
    """Measure how much of every task lies in every break of its machine, shape ``(rows, breaks)``."""
    data = problem.data
    if not data.calendars:
        return
    places = {machine.name: place for place, machine in enumerate(data.machines)}
    of = np.array([places[pause.machine] if pause.machine else -1 for pause in data.calendars])
    start, end = np.array([(pause.start, pause.end) for pause in data.calendars]).T
    common = np.minimum(placed.end[:, None], end) - np.maximum(placed.start[:, None], start)
    common[(of != placed.machine[:, None]) & (of >= 0)] = 0.0
    common[~data.structure.one_at_a_time[placed.machine]] = 0.0
    for row, pause in np.argwhere(common > TOLERANCE):
        machine, over = data.machines[placed.machine[row]].name, common[row, pause]
        when = f"from {_time(problem, start[pause])} to {_time(problem, end[pause])}"
        what = f"runs for {_time(problem, over)} in the break of {machine!r} {when}"
        yield "break", placed.task[row], over, what


def _horizon(problem: SchedulingProblem, placed: PlacedTasks) -> _Broken:
    if problem.horizon is None:
        return
    over = placed.end - problem.horizon
    for row in np.flatnonzero(over > TOLERANCE):
        yield "horizon", placed.task[row], over[row], f"ends {_time(problem, over[row])} after the horizon"


def price_schedule(problem: SchedulingProblem, placed: PlacedTasks) -> Pricing:
    """Return the lines that :meth:`SchedulingProblem.assess` documents; amounts of zero are left out."""
    data, rows = problem.data, list[tuple[str, str, str, float]]()
    for term, amounts in schedule_amounts(problem, placed, placed.start, placed.end).items():
        for place in np.flatnonzero(amounts).tolist():
            row, group = place, ""
            if term == "makespan":
                row = int(np.argmax(placed.end))
            elif term == "tardiness":
                of_job, group = np.flatnonzero(placed.job == place), data.jobs[place].name
                row = int(of_job[np.argmax(placed.end[of_job])])
            group = group or data.machines[placed.machine[row]].name
            rows.append((term, group, data.tasks[placed.task[row]].name, float(amounts[place])))
    return Pricing.of(rows, problem.unit)


def schedule_amounts(
    problem: SchedulingProblem, placed: PlacedTasks, start: Floats, end: Floats
) -> dict[str, Floats]:
    """Return what a schedule costs at some times, ``(..., n)``, by term.

    The makespan ``(..., 1)``, the tardiness of every job, and machines and energy of every row; nothing of a row that
    has no mode.
    """
    data, run = problem.data, placed.mode >= 0
    mode, took = placed.mode[run], (end - start)[..., run]
    late = np.maximum(placed.completion(len(data.jobs), end) - data.timing.due, 0.0)
    paid = {"machines": data.mode_cost[mode] * took}
    if data.energy is not None and data.tariff is not None:
        paid[ENERGY] = data.tariff.cost(start[..., run], took, data.energy[mode])
    found: dict[str, Floats] = {}
    if len(placed.task):
        found["makespan"] = problem.makespan_cost * (end.max(axis=-1, keepdims=True) - problem.begins)
    found["tardiness"] = late * data.tardiness_cost
    for term, amounts in paid.items():
        found[term] = np.zeros(end.shape)
        found[term][..., run] = amounts
    return found
