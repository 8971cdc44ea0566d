"""The things a schedule is made of: jobs, tasks, machines, resources, modes, setups, breaks and the price of power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Annotated

from kanopt.errors import nearest
from kanopt.faults import Amount, Fault, Finite, Name
from kanopt.records.declaration import (
    Table,
    TimeUnit,
    Unit,
    UnitSystem,
    check_fields,
    field,
    other_columns,
    record,
)
from kanopt.records.fields import CLOCK
from kanopt.records.reading import Attribute, RecordCheck, empty_tables, reference_checks
from kanopt.records.unread_columns import TableUse, fields_read, table_use, without_row
from kanopt.text import clock_text, count_text, list_names, number_text


@dataclass(frozen=True)
class SchedulingUnits(UnitSystem):
    """The units a scheduling problem counts in.

    Parameters
    ----------
    time, energy, money
        Units of every duration and date, of every energy, and of the objective.

    Raises
    ------
    ProblemError
        If a unit is unknown, or `time` is no unit of time.

    Examples
    --------
    >>> SchedulingUnits().of(Job)["tardiness_cost"]
    'EUR/min'
    """

    time: TimeUnit = "min"
    energy: Unit = "kWh"
    money: Unit = "EUR"

    def __post_init__(self) -> None:
        check_fields(self, "units")

    def tables(self) -> tuple[Table, ...]:
        """Return the tables of a scheduling problem that counts in these units."""
        kinds = (Job, Task, Machine, Mode, Resource, Need, Setup, Break, PowerPrice)
        return tuple(map(self.table, kinds))


@record("jobs")
class Job:
    """An order: one or more tasks, run one after the other unless it says otherwise."""

    name: Name = field(doc="Unique among the jobs.")
    release_date: Annotated[Amount, CLOCK] = field(
        default=0.0,
        unit="time",
        doc='No task starts before this time: a number, or ``"8:30"`` where time zero is midnight.',
    )
    due_date: Annotated[Finite, CLOCK] | None = field(
        default=None,
        unit="time",
        doc="When the last task should end, as `release_date`; later is allowed, reported and paid for. "
        "None where nothing "
        "is promised.",
    )
    tardiness_cost: Amount = field(
        default=0.0,
        unit="money/time",
        price="tardiness",
        needs="due_date",
        doc="Price of each unit of time by which the last task ends after `due_date`.",
    )
    attributes: Mapping[str, Attribute] = other_columns("Whatever else laws may read as ``job.<name>``.")
    in_order: bool = field(
        default=True,
        doc="Whether its tasks run one after the other. If not, as in a project, only what each task comes `after` "
        "says what runs first.",
    )


@record("tasks")
class Task:
    """One step of a job; once started it runs to its end."""

    name: Name = field(doc="Unique among all tasks.")
    job: str = field(refers="jobs", doc="The job it belongs to.")
    order: int = field(
        default=0,
        doc="Tasks of a job run by increasing order; 0 for all of them means the order in which they are given.",
    )
    family: str = field(
        default="",
        doc="What decides the setup before it; empty where it needs none and leaves the machine as it was set up.",
    )
    attributes: Mapping[str, Attribute] = other_columns("Whatever else laws may read as ``task.<name>``.")
    after: tuple[str, ...] = field(
        default=(),
        refers="tasks",
        doc="Tasks of any job that must have ended before it starts, beside the one before it in its job: a list, or "
        'in a table a text such as ``"dig, pour"``.',
    )
    max_wait: Amount | None = field(
        default=None,
        unit="time",
        doc="How long whatever comes after it may wait once it has ended, as where something cools or dries; 0 for not "
        "at all, None for as long as it likes.",
    )


@record("machines")
class Machine:
    """Something that runs one task at a time."""

    name: Name = field(doc="Unique among the machines.")
    family: str = field(
        default="",
        doc="The family it is set up for at time zero; empty for none: the first setup is then that from "
        'the family ``""``.',
    )
    unit_duration_cost: Amount = field(
        default=0.0,
        unit="money/time",
        price="machines",
        usual=(0.05, 5_000.0, "EUR/h"),
        doc="Money per unit of time in which a task runs on it.",
    )
    attributes: Mapping[str, Attribute] = other_columns("Whatever else laws may read as ``machine.<name>``.")


@record("modes", key=("task", "machine", "name"))
class Mode:
    """A way to run a task: on which machine and, where there are several ways on one machine, how.

    What it needs of resources stands in a table of its own, :class:`Need`.
    """

    task: str = field(
        refers="tasks",
        doc="The task, which can run on the machines it has a mode for and on no other.",
    )
    machine: str = field(
        default="",
        refers="machines",
        doc="The machine; empty where the task runs on none and needs resources alone.",
    )
    name: str = field(default="", doc='Tells the modes of one task on one machine apart, such as ``"slow"``.')
    duration: float | None = field(
        default=None, unit="time", doc="How long it takes, read where the problem has no law for it."
    )
    energy: float | None = field(
        default=None, unit="energy", doc="Its energy, read where the problem has no law for it."
    )
    attributes: Mapping[str, Attribute] = other_columns(
        "Whatever else laws may read as ``mode.<name>``, such as a speed."
    )

    @property
    def label(self) -> str:
        """Task, machine and mode in words."""
        where = f" on {self.machine!r}" if self.machine else ""
        return f"task {self.task!r}{where}" + (f" ({self.name})" if self.name else "")


@record("resources")
class Resource:
    """Something of which tasks need an amount while they run, such as a crew or tools; it is there again afterwards."""

    name: Name = field(doc="Unique among the resources.")
    capacity: Amount = field(doc="How much of it there is at any time.")
    attributes: Mapping[str, Attribute] = other_columns()


@record("needs", key=("task", "resource", "machine", "mode"))
class Need:
    """How much of a resource a task needs while it runs."""

    task: str = field(refers="tasks", doc="The task.")
    resource: str = field(refers="resources", doc="The resource.")
    amount: Amount = field(default=1.0, doc="How much of it.")
    machine: str = field(
        default="", refers="machines", doc="On which machine; empty for every mode of the task."
    )
    mode: str = field(default="", doc="The name of the mode in which it does; empty for every one.")
    attributes: Mapping[str, Attribute] = other_columns()


@record("setups", key=("before", "after", "machine"))
class Setup:
    """Time that passes on a machine before a task of one family while the machine is set up for another.

    A machine is set up for the family of the last task that had one, or for that it had at time zero; tasks without a
    family in between change nothing. Pairs of families that are not given need no setup. The setup comes directly
    before its task, after whatever ran before; its time may run through a break.
    """

    before: str = field(
        doc="The family that the machine is set up for; empty for a machine that was not set up for any."
    )
    after: str = field(
        doc="The family of the task. Empty only with a time of zero: a task without a family needs no setup."
    )
    time: Amount = field(
        unit="time", doc="Time between the end of whatever ran before and the start of the task."
    )
    machine: str = field(
        default="",
        refers="machines",
        doc="Where it holds; empty for every machine. A line for one machine goes before a line for all.",
    )
    attributes: Mapping[str, Attribute] = other_columns()


@record("calendars", key=("machine", "start"))
class Break:
    """A time during which no task may run on a machine; a task that does not fit before it waits."""

    start: Annotated[Finite, CLOCK] = field(
        unit="time", doc='A task may end then: a number, or a text such as ``"12:00"``.'
    )
    end: Annotated[Finite, CLOCK] = field(unit="time", doc="A task may begin then.")
    machine: str = field(default="", refers="machines", doc="Whose break it is; empty for every machine.")
    attributes: Mapping[str, Attribute] = other_columns()


@record("power_price", key="start")
class PowerPrice:
    """The price of power from a time on, until the next price; the last one holds for ever."""

    start: Annotated[Finite, CLOCK] = field(
        unit="time",
        doc='From when the price holds, a number or a text such as ``"6:00"``; the first start is at or before zero.',
    )
    price: Finite = field(
        unit="money/energy",
        price="energy",
        usual=(0.0005, 10.0, "EUR/kWh"),
        doc="Money per unit of energy; may be negative.",
    )
    attributes: Mapping[str, Attribute] = other_columns()


@dataclass(frozen=True, eq=False)
class SchedulingRecords:
    """Everything a scheduling problem was given, as records; and whether some time was written as a time of day."""

    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    machines: tuple[Machine, ...]
    modes: tuple[Mode, ...]
    resources: tuple[Resource, ...]
    needs: tuple[Need, ...]
    setups: tuple[Setup, ...]
    calendars: tuple[Break, ...]
    power_price: tuple[PowerPrice, ...]
    of_day: bool = False

    def table_uses(self, units: SchedulingUnits, laws: Iterable[object]) -> tuple[TableUse, ...]:
        """Return what the laws, and the problem by itself, read of each table."""
        scopes = {"jobs": "job", "tasks": "task", "machines": "machine", "modes": "mode"}
        read = tuple(laws)
        return tuple(
            table_use(schema, getattr(self, schema.name), fields_read(scopes.get(schema.name, ""), read))
            for schema in units.tables()
        )


# Mistakes between the records of a scheduling problem, each as a sentence.


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
