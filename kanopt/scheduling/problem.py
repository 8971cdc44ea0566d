"""What is to be scheduled: tasks of jobs on machines, priced by laws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kanopt.errors import knows_arguments
from kanopt.plans.findings import Reason
from kanopt.plans.instance_text import TextLines, read_lines
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.dispatch import repair_starts
from kanopt.scheduling.entities import Job, Machine, Mode, Need, Resource, Task
from kanopt.scheduling.model import SchedulingModel
from kanopt.scheduling.plan import Schedule, assignment_positions, schedule_of
from kanopt.scheduling.reasons import infeasibility_reasons

_EARLY = 1e-9
"""Factor of starts by which they keep their order and ask for nothing later than their order does."""


@knows_arguments
@dataclass(frozen=True, eq=False, repr=False)
class SchedulingProblem(SchedulingModel):
    """A flexible job shop, unrelated parallel machines where every job has one task, or a project with resources.

    Every task runs once, on one of the machines it has a mode for, without interruption and not through a break; the
    tasks of a job run one after the other, and after those that they name; a machine runs one task at a time, with a
    setup between tasks of different families, and a task without a family leaves the machine as it was set up. At no
    time do the tasks that run need more of a resource than there is. The objective is money:
    ``makespan_cost`` times the makespan, from :attr:`begins` to the end of the last task, the tardiness cost of late
    jobs, and the energy of every task at the price of power while it runs (constant power during a task, exactly
    integrated over the steps of the price).

    Parameters
    ----------
    jobs, tasks, machines, modes
        Records (:class:`Job`, :class:`Task`, :class:`Machine`, :class:`Mode`) or frames with their fields as columns;
        further columns become attributes that laws may read.
    duration, energy
        A law bound to ``mode.…``, ``task.…``, ``job.…``, ``machine.…`` and ``day.…`` (for energy, ``mode.duration`` is
        what the duration law says), or one number per mode, or None to take the field of that name of every mode.
        Without an energy law and without a price of power, energy plays no part.
    resources, needs
        :class:`Resource` records or a frame; and :class:`Need` records or a frame, which say how much of them a task
        needs. A task without a machine is bound by its resources alone.
    setups
        :class:`Setup` records or a frame.
    calendars
        :class:`Break` records or a frame.
    power_price
        :class:`PowerPrice` records or a frame, or one number.
    makespan_cost
        Money per time unit of the makespan.
    horizon
        When everything must be done; None for no limit.
    clock
        Whether time zero is midnight, so that charts read as time of day; true where some time is written ``8:30``.
    units
        Units of time, energy and money.
    day
        The day on which the schedule begins, a date or ``"2026-03-02"``, which laws read as ``day.weekday`` and the
        like, and from whose midnight clock times count that are dates with a time of day. None where neither is read.

    Raises
    ------
    ProblemError
        With every mistake in the data, one per line.

    Examples
    --------
    >>> from kanopt.scheduling import Job, Machine, Mode, Task
    >>> problem = SchedulingProblem(
    ...     jobs=[Job("j1", due_date=10.0, tardiness_cost=2.0), Job("j2")],
    ...     tasks=[Task("a", "j1"), Task("b", "j2")],
    ...     machines=[Machine("saw")],
    ...     modes=[Mode("a", "saw", duration=8.0), Mode("b", "saw", duration=4.0)],
    ...     makespan_cost=1.0,
    ... )
    >>> plan = problem.plan_from([{"task": "b", "machine": "saw", "start": 0.0},
    ...                           {"task": "a", "machine": "saw", "start": 4.0}])
    >>> problem.check(plan).ok, problem.price(plan).terms().to_dict()
    (True, {'makespan': 12.0, 'tardiness': 4.0})
    """

    def assess(self, plan: Schedule) -> SchedulingAssessment:
        """Return what becomes of a schedule: whether every task runs once, where and when it may, and the price.

        Times are compared to a millionth of a time unit. Lines of the price: ``makespan`` (group: the machine that
        ends last, item: its task), ``tardiness`` (group: the job, item: its last task), ``energy`` (group: the machine,
        item: the task).
        """
        return self._cached_assessment(plan, SchedulingAssessment)

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say why there can be no schedule."""
        return infeasibility_reasons(self)

    def carried_over(self, plan: Any) -> Schedule:
        """Return a schedule made for other data as it is run here: its modes and its order on each machine stay.

        Tasks start when they were to, later where something before them is not over, or all as early as the order
        allows, whichever is better.
        """
        given = self.plan_from(plan)
        return min((given, *moved_starts(self, given)), key=lambda one: self.assess(one).rank)


def moved_starts(problem: SchedulingProblem, schedule: Schedule) -> list[Schedule]:
    """Return a schedule with starts at which it can be run, in its order: those it has, or later; and the earliest."""
    data = problem.data
    tasks, _, modes = assignment_positions(data, schedule.assignments)
    if sorted(tasks) != list(range(len(data.tasks))) or (modes < 0).any():
        return []
    place = np.argsort(tasks)
    wanted = np.array([row.start for row in schedule.assignments], dtype=np.float64)[place]
    moved = (
        repair_starts(data.structure, data.timing, modes[place], each * wanted) for each in (1.0, _EARLY)
    )
    return [schedule_of(data, modes[place], starts) for starts in moved if starts is not None]


# Readers of published shops and projects.

ENDINGS = (".sm", ".fjs", ".jsp")
_DURATIONS, _SUCCESSORS, _AVAILABLE = (
    "REQUESTS/DURATIONS",
    "PRECEDENCE RELATIONS",
    "RESOURCEAVAILABILITIES",
)


class _Row(NamedTuple):
    """A row of whole numbers and its line."""

    line: int
    numbers: list[int]


def read_shop(path: str | Path) -> SchedulingProblem:
    r"""Read a published shop or project, whose objective is the time until all is done.

    Parameters
    ----------
    path
        A project of PSPLIB with one mode for each activity (``.sm``), a flexible job shop as Brandimarte (1993) wrote
        them (``.fjs``), or a job shop as those of the OR-Library (``.jsp``: a line with the numbers of jobs and
        machines, then a line for each job with machine and duration in turn).

    Raises
    ------
    FileFormatError
        If the file is missing, cut off, of a kind that is not read, or contradicts itself; names the line.

    Notes
    -----
    Due dates of a project are not read: in the field its length counts. Activities that take no time, such as its
    beginning and end, are left out.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "two.jsp"
    >>> _ = file.write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    >>> read_shop(file)
    SchedulingProblem(2 jobs, 4 tasks, 2 machines, 4 modes)
    """
    file = Path(path)
    source = read_lines(file)
    if file.suffix.lower() == ".sm":
        return _project(source)
    return _shop(source, flexible=file.suffix.lower() == ".fjs")


def _whole_rows(source: TextLines) -> Iterator[_Row]:
    for line, text in enumerate(source.lines, start=1):
        if text:
            yield _Row(line, [source.whole(word, line, "a shop") for word in text.split()])


def _shop(source: TextLines, *, flexible: bool) -> SchedulingProblem:
    # a flexible shop may state how many machines a task has on average, which is no whole number
    head = source.lines[0].split()
    if len(head) < 2:
        raise source.refusal("the numbers of jobs and machines are expected here", 1)
    jobs, machines = (source.whole(word, 1, "jobs and machines", least=1) for word in head[:2])
    rows = list(_whole_rows(TextLines(source.path, ("", *source.lines[1:]))))[:jobs]
    if len(rows) < jobs:
        raise source.refusal(f"{jobs:,} jobs are announced, {len(rows):,} follow; the file is cut off")
    tasks: list[Task] = []
    modes: list[Mode] = []
    for job, row in enumerate(rows, start=1):
        for place, ways in enumerate(_tasks_of(source, row, flexible=flexible), start=1):
            name = f"{job}.{place}"
            tasks.append(Task(name, f"{job}"))
            for machine, duration in ways:
                if not 0 <= machine < machines or duration < 1:
                    least = "machines count from 1" if flexible else "machines count from 0"
                    raise source.refusal(
                        f"task {place} of job {job}: no machine {machine + flexible} of {machines}, or no duration "
                        f"above 0; {least}",
                        row.line,
                    )
                modes.append(Mode(name, f"m{machine + flexible}", duration=float(duration)))
    return SchedulingProblem(
        [Job(f"{job}") for job in range(1, jobs + 1)],
        tasks,
        [Machine(f"m{machine + flexible}") for machine in range(machines)],
        modes,
        makespan_cost=1.0,
    )


def _tasks_of(source: TextLines, row: _Row, *, flexible: bool) -> Iterator[list[tuple[int, int]]]:
    """Yield machine and duration of the ways to run each task of a job, machines counted from 0."""
    if not flexible:
        if len(row.numbers) % 2:
            raise source.refusal(
                "machine and duration in turn are expected, an even number of words", row.line
            )
        yield from ([way] for way in zip(row.numbers[::2], row.numbers[1::2], strict=True))
        return
    numbers = iter(row.numbers)
    try:
        for _ in range(next(numbers)):
            yield [(next(numbers) - 1, next(numbers)) for _ in range(next(numbers))]
    except StopIteration:
        raise source.refusal("the line ends before the last of its tasks", row.line) from None


def _project(source: TextLines) -> SchedulingProblem:
    sections = _sections(source)
    durations = {row.numbers[0]: row for row in sections[_DURATIONS]}
    capacities = sections[_AVAILABLE][0].numbers
    before: dict[int, set[int]] = {task: set() for task in durations}
    for row in sections[_SUCCESSORS]:
        task, *rest = row.numbers
        for after in rest[2:]:
            if task not in durations or after not in durations:
                raise source.refusal(f"activity {task} or {after} has no duration", row.line)
            before[after].add(task)
    for task, row in durations.items():
        if len(row.numbers) != 3 + len(capacities) or row.numbers[1] != 1:
            raise source.refusal(
                f"activity {task}: one mode is expected, with a duration and {len(capacities)} needs",
                row.line,
            )
        if row.numbers[2] == 0:  # whoever comes after it comes after those before it
            for waits in before.values():
                if task in waits:
                    waits |= before[task]
    real = [task for task, row in durations.items() if row.numbers[2] > 0]
    return SchedulingProblem(
        [Job("project", in_order=False)],
        [
            Task(f"{task}", "project", after=tuple(f"{one}" for one in sorted(before[task] & {*real})))
            for task in real
        ],
        (),
        [Mode(f"{task}", duration=float(durations[task].numbers[2])) for task in real],
        resources=[Resource(f"R{place}", float(amount)) for place, amount in enumerate(capacities, start=1)],
        needs=[
            Need(f"{task}", f"R{place}", float(amount))
            for task in real
            for place, amount in enumerate(durations[task].numbers[3:], start=1)
            if amount
        ],
        makespan_cost=1.0,
    )


def _sections(source: TextLines) -> dict[str, list[_Row]]:
    """Return the rows of numbers below each heading that is read."""
    found: dict[str, list[_Row]] = {name: [] for name in (_SUCCESSORS, _DURATIONS, _AVAILABLE)}
    now: list[_Row] = []
    for line, text in enumerate(source.lines, start=1):
        words = text.split()
        if text.startswith("- nonrenewable") and words[3:4] != ["0"]:
            raise source.refusal("resources that are used up are not read", line)
        if text.endswith(":"):
            now = found.get(text.removesuffix(":"), [])
        elif words and words[0].isdigit():
            now.append(_Row(line, [source.whole(word, line, "a project") for word in words]))
    if missing := [name for name, rows in found.items() if not rows]:
        raise source.refusal(f"no rows below {missing[0]}; the file is cut off or no project of PSPLIB")
    return found
