"""The things a schedule is made of: jobs, tasks, machines, modes, setups, breaks and the price of power."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from kanopt.records.clock_times import CLOCK
from kanopt.records.record import Attribute
from kanopt.records.rules import TimeUnit, Unit, check_fields
from kanopt.records.table_schema import TableSchema
from kanopt.records.unread_columns import TableUse, fields_read, table_use
from kanopt.validation import Amount, Finite, Name

__all__ = [
    "Break",
    "Job",
    "Machine",
    "Mode",
    "PowerPrice",
    "SchedulingRecords",
    "SchedulingUnits",
    "Setup",
    "Task",
]


@dataclass(frozen=True)
class SchedulingUnits:
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
    >>> SchedulingUnits().of_job()["tardiness_cost"]
    'EUR/min'
    """

    time: TimeUnit = "min"
    energy: Unit = "kWh"
    money: Unit = "EUR"

    def __post_init__(self) -> None:
        check_fields(self, "units")

    def tables(self) -> tuple[TableSchema, ...]:
        """Return the tables of a scheduling problem that counts in these units."""
        return (
            TableSchema("jobs", Job, self.of_job()),
            TableSchema("tasks", Task),
            TableSchema("machines", Machine),
            TableSchema("modes", Mode, self.of_mode(), Mode.KEY),
            TableSchema("setups", Setup, self.of_setup(), Setup.KEY),
            TableSchema("calendars", Break, self.of_break(), Break.KEY),
            TableSchema("power_price", PowerPrice, self.of_price(), PowerPrice.KEY),
        )

    def of_job(self) -> dict[str, str]:
        """Return the unit of each field of a :class:`Job`."""
        return {"release": self.time, "due": self.time, "tardiness_cost": f"{self.money}/{self.time}"}

    def of_mode(self) -> dict[str, str]:
        """Return the unit of each field of a :class:`Mode`."""
        return {"duration": self.time, "energy": self.energy}

    def of_setup(self) -> dict[str, str]:
        """Return the unit of each field of a :class:`Setup`."""
        return {"time": self.time}

    def of_break(self) -> dict[str, str]:
        """Return the unit of each field of a :class:`Break`."""
        return {"start": self.time, "end": self.time}

    def of_price(self) -> dict[str, str]:
        """Return the unit of each field of a :class:`PowerPrice`."""
        return {"start": self.time, "price": f"{self.money}/{self.energy}"}


@dataclass(frozen=True)
class Job:
    """An order: one or more tasks, run one after the other.

    Parameters
    ----------
    name
        Unique among the jobs.
    release
        No task starts before this time: a number, or ``"8:30"`` where time zero is midnight.
    due
        When the last task should end, as `release`; later is allowed, reported and paid for. None where nothing is
        promised.
    tardiness_cost
        Money per time unit that the last task ends after `due`.
    attributes
        Whatever else laws may read as ``job.<name>``.
    """

    name: Name
    release: Annotated[Amount, CLOCK] = 0.0
    due: Annotated[Finite, CLOCK] | None = None
    tardiness_cost: Amount = 0.0
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One step of a job; once started it runs to its end.

    Parameters
    ----------
    name
        Unique among all tasks.
    job
        The job it belongs to.
    order
        Tasks of a job run by increasing order; 0 for all of them means the order in which they are given.
    family
        What decides the setup before it; empty where it needs none and leaves the machine as it was set up.
    attributes
        Whatever else laws may read as ``task.<name>``.
    """

    name: Name
    job: str
    order: int = 0
    family: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """Something that runs one task at a time.

    Parameters
    ----------
    name
        Unique among the machines.
    family
        The family it is set up for at time zero; empty for none: the first setup is then that from the family ``""``.
    attributes
        Whatever else laws may read as ``machine.<name>``.
    """

    name: Name
    family: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Mode:
    """A way to run a task: on which machine and, where there are several ways on one machine, how.

    Parameters
    ----------
    task, machine
        Names of both; a task can run on the machines it has a mode for and on no other.
    name
        Tells the modes of one task on one machine apart, such as ``"slow"``.
    duration, energy
        Given numbers, read where the problem has no law for them.
    attributes
        Whatever else laws may read as ``mode.<name>``, such as a speed.
    """

    task: str
    machine: str
    name: str = ""
    duration: float | None = None
    energy: float | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    KEY: ClassVar[tuple[str, ...]] = ("task", "machine", "name")

    @property
    def label(self) -> str:
        """Task, machine and mode in words."""
        return f"task {self.task!r} on {self.machine!r}" + (f" ({self.name})" if self.name else "")


@dataclass(frozen=True)
class Setup:
    """Time that passes on a machine before a task of one family while the machine is set up for another.

    A machine is set up for the family of the last task that had one, or for that it had at time zero; tasks without a
    family in between change nothing. Pairs of families that are not given need no setup. The setup comes directly
    before its task, after whatever ran before; its time may run through a break.

    Parameters
    ----------
    before
        The family that the machine is set up for; empty for a machine that was not set up for any.
    after
        The family of the task. Empty only with a time of zero: a task without a family needs no setup.
    time
        Time between the end of whatever ran before and the start of the task.
    machine
        Where it holds; empty for every machine. A line for one machine goes before a line for all.
    """

    before: str
    after: str
    time: Amount
    machine: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    KEY: ClassVar[tuple[str, ...]] = ("before", "after", "machine")


@dataclass(frozen=True)
class Break:
    """A time during which no task may run on a machine; a task that does not fit before it waits.

    Parameters
    ----------
    start, end
        The task may end at `start` and begin at `end`: numbers, or texts such as ``"12:00"``.
    machine
        Whose break it is; empty for every machine.
    """

    start: Annotated[Finite, CLOCK]
    end: Annotated[Finite, CLOCK]
    machine: str = ""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    KEY: ClassVar[tuple[str, ...]] = ("machine", "start")


@dataclass(frozen=True)
class PowerPrice:
    """The price of power from a time on, until the next price; the last one holds for ever.

    Parameters
    ----------
    start
        From when the price holds, a number or a text such as ``"6:00"``; the first start is at or before zero.
    price
        Money per unit of energy; may be negative.
    """

    start: Annotated[Finite, CLOCK]
    price: Finite
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    KEY: ClassVar[tuple[str, ...]] = ("start",)


@dataclass(frozen=True)
class SchedulingRecords:
    """Everything a scheduling problem was given, as records; and whether some time was written as a time of day."""

    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    machines: tuple[Machine, ...]
    modes: tuple[Mode, ...]
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
