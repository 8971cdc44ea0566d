"""The things a schedule is made of: jobs, tasks, machines, resources, modes, setups, breaks and the price of power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from kanopt.records.clock_times import CLOCK
from kanopt.records.declaration import Table, TimeUnit, Unit, UnitSystem, check_fields, field, record
from kanopt.records.record import Attribute
from kanopt.records.unread_columns import TableUse, fields_read, table_use
from kanopt.validation import Amount, Finite, Name


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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else laws may read as ``job.<name>``."
    )
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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else laws may read as ``task.<name>``."
    )
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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else laws may read as ``machine.<name>``."
    )


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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict,
        hash=False,
        doc="Whatever else laws may read as ``mode.<name>``, such as a speed.",
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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else is known."
    )


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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else is known."
    )


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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else is known."
    )


@record("calendars", key=("machine", "start"))
class Break:
    """A time during which no task may run on a machine; a task that does not fit before it waits."""

    start: Annotated[Finite, CLOCK] = field(
        unit="time", doc='A task may end then: a number, or a text such as ``"12:00"``.'
    )
    end: Annotated[Finite, CLOCK] = field(unit="time", doc="A task may begin then.")
    machine: str = field(default="", refers="machines", doc="Whose break it is; empty for every machine.")
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else is known."
    )


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
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Whatever else is known."
    )


@dataclass(frozen=True)
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
