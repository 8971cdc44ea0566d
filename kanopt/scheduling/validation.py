"""Mistakes between the records of a scheduling problem, each as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.records.reading import RecordCheck, empty_tables, reference_checks
from kanopt.records.unread_columns import TableUse, missing_price, without_row
from kanopt.scheduling.entities import Job, SchedulingRecords, SchedulingUnits, Setup, Task
from kanopt.text import clock_text, count_text, list_names, number_text


def schedule_checks(
    read: SchedulingRecords, units: SchedulingUnits, *, uses_energy: bool
) -> list[RecordCheck]:
    """Look for what refers to nothing, what is missing, and times in the wrong order.

    Parameters
    ----------
    read
        Everything the problem was given.
    units
        What it counts in.
    uses_energy
        Whether energy is part of its objective.
    """
    records = {table.name: getattr(read, table.name) for table in units.tables()}
    # a project may need no machine
    needed = () if read.modes and not any(mode.machine for mode in read.modes) else ("machines",)
    return [
        *empty_tables(records, ("jobs", "tasks", *needed)),
        *reference_checks(units.tables(), records),
        RecordCheck(_setups_before_nothing(read.setups), ["setups"]),
        RecordCheck(_idle_jobs(read), ["jobs", "tasks"]),
        RecordCheck(_order_mistakes(read.tasks), ["tasks"]),
        RecordCheck(_circles(read), ["tasks", "jobs"]),
        RecordCheck(_needs_of_no_mode(read), ["needs", "modes"]),
        RecordCheck(_families(read), ["setups", "tasks", "machines"]),
        RecordCheck(_breaks(read, units.time), ["calendars"]),
        RecordCheck(_prices(read, units.time, uses_energy=uses_energy), ["power_price"]),
    ]


def unstated_price(
    jobs: Sequence[Job],
    uses: Callable[[], Iterable[TableUse]],
    filled: Mapping[str, Collection[str]],
    *,
    priced: bool,
) -> RecordCheck:
    """Look whether nothing costs anything, where tables were read and do not say so.

    Parameters
    ----------
    jobs
        What is late at a price.
    uses
        Returns what the problem makes of its tables; asked where nothing costs anything.
    filled
        Table to the fields that its columns fill, of tables that were given as frames.
    priced
        Whether the makespan or energy costs money.
    """
    law = "makespan_cost, or power_price and the energy of the tasks"
    records = [(SchedulingUnits().table(Job), jobs)]
    return RecordCheck(() if priced else missing_price(records, filled, uses, law), ["jobs"])


def idle_machines(read: SchedulingRecords) -> Iterable[Fault]:
    """Yield the machines that no mode runs on."""
    busy = {mode.machine for mode in read.modes}
    idle = [machine.name for machine in read.machines if machine.name not in busy]
    yield from without_row("modes", "machine", idle, "nothing runs on it")


def free_changes(read: SchedulingRecords) -> tuple[str, ...]:
    """Tell of changes from one family to another that no setup has, where there are setups.

    Changes from a machine that is not set up for any family yet are left out.
    """
    if not read.setups:
        return ()
    family = {task.name: task.family for task in read.tasks}
    given = {(setup.before, setup.after, setup.machine) for setup in read.setups}
    changes, free = set[tuple[str, str]](), set[tuple[str, str]]()
    for machine in read.machines:
        runs = {family[mode.task] for mode in read.modes if mode.machine == machine.name} - {""}
        for before in runs | ({machine.family} - {""}):
            for after in runs - {before}:
                changes.add((before, after))
                if not given & {(before, after, machine.name), (before, after, "")}:
                    free.add((before, after))
    if not free:
        return ()
    shown = list_names([f"{before} → {after}" for before, after in sorted(free)], 3, quoted=False)
    missing = count_text(len(free), "has no row and takes", "have no row and take")
    return (f"setups: of {len(changes):,} changes of family {missing} no time: {shown}",)


def _setups_before_nothing(setups: Sequence[Setup]) -> Iterable[Fault]:
    for setup in setups:
        if not setup.after and setup.time > 0:
            time = number_text(setup.time, 6)
            what = f"takes {time} before a task without a family, which needs no setup and changes none"
            advice = "give such tasks a family, or this setup a time of 0"
            yield Fault("setups", what, (f"{setup.before} → ",), advice=advice)


def _idle_jobs(read: SchedulingRecords) -> Iterable[Fault]:
    busy = {task.job for task in read.tasks}
    for job in read.jobs:
        if job.name not in busy:
            yield Fault("jobs", "has no task", (job.name,), advice="add one or leave the job out")


def _families(read: SchedulingRecords) -> Iterable[Fault]:
    """Tell of families without a setup time, where there are setup times."""
    families = {family for setup in read.setups for family in (setup.before, setup.after)}
    things = [("tasks", task.name, task.family) for task in read.tasks]
    things += [("machines", machine.name, machine.family) for machine in read.machines]
    for where, name, family in things if families else ():
        if family and family not in families:
            what = f"{family!r} has no setup time"
            yield Fault(where, what, (name,), "family", advice=nearest(family, families))


def _moment(read: SchedulingRecords, value: float, time: str) -> str:
    return clock_text(value, time) if read.of_day else number_text(value, 6)


def _breaks(read: SchedulingRecords, time: str) -> Iterable[Fault]:
    for pause in read.calendars:
        if pause.end <= pause.start:
            where = f"break of {pause.machine or 'every machine'}"
            start, end = _moment(read, pause.start, time), _moment(read, pause.end, time)
            yield Fault("calendars", f"{where} from {start} to {end} must end after it starts")


def _prices(read: SchedulingRecords, time: str, *, uses_energy: bool) -> Iterable[Fault]:
    first = min((price.start for price in read.power_price), default=0.0)
    if first > 0:
        start, zero = _moment(read, first, time), _moment(read, 0.0, time)
        what = f"the first price starts at {start}"
        yield Fault("power_price", what, advice=f"state one that starts at {zero}")
    if uses_energy and not read.power_price:
        what = "energy is given but power_price is not"
        yield Fault("problem", what, advice="give a price, or leave energy out")


def _order_mistakes(tasks: Sequence[Task]) -> Iterable[Fault]:
    seen: dict[str, list[int]] = {}
    for task in tasks:
        seen.setdefault(task.job, []).append(task.order)
    for job, orders in seen.items():
        if any(orders) and len(set(orders)) < len(orders):
            what = f"two tasks of job {job!r} have the same order"
            advice = "give each its own, or leave 'order' out to run them as listed"
            yield Fault("tasks", what, advice=advice)


def task_pairs(read: SchedulingRecords) -> Iterable[tuple[str, str]]:
    """Yield the names of two tasks of which the first must have ended before the second starts.

    Those of a job that runs in order, one by one; and what a task says that it comes after.
    """
    in_order = {job.name for job in read.jobs if job.in_order}
    last: dict[str, str] = {}
    for task in sorted(read.tasks, key=lambda task: task.order):
        if task.job in last and task.job in in_order:
            yield last[task.job], task.name
        last[task.job] = task.name
    for task in read.tasks:
        yield from ((name, task.name) for name in task.after)


def tasks_in_order(read: SchedulingRecords) -> list[str]:
    """Return the names of all tasks, each after those that must have ended before it.

    Raises
    ------
    CycleError
        If tasks wait for each other in a circle.
    """
    waits: dict[str, list[str]] = {task.name: [] for task in read.tasks}
    for first, second in task_pairs(read):
        waits[second].append(first)
    return list(TopologicalSorter(waits).static_order())


def _circles(read: SchedulingRecords) -> Iterable[Fault]:
    try:
        tasks_in_order(read)
    except CycleError as error:
        circle = error.args[1][::-1]
        what = f"wait for each other in a circle: {' → '.join(circle)}"
        advice = "leave one of 'after' out, or say in_order = false of a job whose tasks follow 'after' alone"
        yield Fault("tasks", what, (circle[0],), "after", advice=advice)


def _needs_of_no_mode(read: SchedulingRecords) -> Iterable[Fault]:
    """Tell of needs on a machine or in a mode that the task has not."""
    ways = {
        (mode.task, where, how)
        for mode in read.modes
        for where in ("", mode.machine)
        for how in ("", mode.name)
    }
    for need in read.needs:
        if (need.machine or need.mode) and (need.task, need.machine, need.mode) not in ways:
            where = " ".join(filter(None, (need.machine, need.mode)))
            what = f"task {need.task!r} has no mode {where!r}"
            yield Fault("needs", what, (f"{need.task} {need.resource}",), advice="name one of its modes")
