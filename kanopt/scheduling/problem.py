"""What is to be scheduled: tasks of jobs on machines, priced by laws."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from kanopt.errors import knows_arguments
from kanopt.faults import Amount, Fault, Finite
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.base import Problem
from kanopt.plans.law_use import DAY_REFERENCES, law_mistake, laws_without_day, read_day, references_to
from kanopt.records.declaration import field_faults
from kanopt.records.reading import RecordCheck, RecordReader, idle_fields
from kanopt.records.unread_columns import TableUse, missing_price
from kanopt.scheduling.arrays import (
    ModeInputs,
    PowerTariff,
    SchedulingData,
    earliest_start,
    shop_structure,
    shop_timing,
)
from kanopt.scheduling.dispatch import moved_starts
from kanopt.scheduling.entities import (
    Break,
    Job,
    Machine,
    Mode,
    Need,
    PowerPrice,
    Resource,
    SchedulingRecords,
    SchedulingUnits,
    Setup,
    Task,
    free_changes,
    idle_machines,
    schedule_checks,
)
from kanopt.scheduling.plan import Schedule, read_schedule, schedule_of


@knows_arguments
@dataclass(frozen=True, eq=False, repr=False)
class SchedulingProblem(Problem[Schedule]):
    """A flexible job shop, unrelated parallel machines where every job has one task, or a project with resources.

    Every task runs once, on one of the machines it has a mode for, without interruption and not through a break; the
    tasks of a job run one after the other, and after those that they name; a machine runs one task at a time, with a
    setup between tasks of different families, and a task without a family leaves the machine as it was set up. At no
    time do the tasks that run need more of a resource than there is. The objective is money:
    ``makespan_cost`` times the makespan, from :attr:`begins` to the end of the last task, the tardiness cost of late
    jobs, and the energy of every task at the price of power while it runs (constant power during a task, exactly
    integrated over the steps of the price).

    What becomes of a plan is told by :meth:`assess`, times compared to a millionth of a time unit. Lines of its price:
    ``makespan`` (group: the machine that ends last, item: its task), ``tardiness`` (group: the job, item: its last
    task), ``energy`` (group: the machine, item: the task).

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

    kind: ClassVar[str] = "scheduling"
    solver: ClassVar[str] = "kanopt.scheduling.search.solver:CpSatScheduling"
    assessment: ClassVar[str] = "kanopt.scheduling.assessment:SchedulingAssessment"
    law_fields: ClassVar[tuple[str, ...]] = ("duration", "energy")

    jobs: Sequence[Job] | pd.DataFrame
    tasks: Sequence[Task] | pd.DataFrame
    machines: Sequence[Machine] | pd.DataFrame
    modes: Sequence[Mode] | pd.DataFrame
    duration: BoundFormula | Sequence[float] | NDArray[np.float64] | None = None
    energy: BoundFormula | Sequence[float] | NDArray[np.float64] | None = None
    resources: Sequence[Resource] | pd.DataFrame | None = None
    needs: Sequence[Need] | pd.DataFrame | None = None
    setups: Sequence[Setup] | pd.DataFrame | None = None
    calendars: Sequence[Break] | pd.DataFrame | None = None
    power_price: Sequence[PowerPrice] | pd.DataFrame | float | None = None
    makespan_cost: Amount = 0.0
    horizon: Annotated[Finite, Field(gt=0)] | None = None
    clock: bool = False
    units: SchedulingUnits = field(default_factory=SchedulingUnits)
    day: date | str | None = None
    data: SchedulingData = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", read_day(self.day))
        reader = RecordReader(read_day(self.day))
        object.__setattr__(self, "data", _resolved(self, reader))
        object.__setattr__(self, "clock", self.clock or self.data.of_day)
        self._tell_of_reading(questions=reader.questions, from_frames=bool(reader.filled))

    def __repr__(self) -> str:
        data = self.data
        return (
            f"SchedulingProblem({len(data.jobs)} jobs, {len(data.tasks)} tasks, {len(data.machines)} machines, "
            f"{len(data.modes)} modes)"
        )

    @cached_property
    def begins(self) -> float:
        """From when the makespan and the use of machines count, in time units.

        Time zero; where that is midnight (:attr:`clock`), the earliest time at which the first task of a job could
        start, given releases and breaks of machines: nobody pays for the night before the first shift.

        Examples
        --------
        >>> from kanopt import SchedulingProblem
        >>> shop = SchedulingProblem([Job("j", release_date=6.0)], [Task("a", "j")], [Machine("saw")],
        ...                          [Mode("a", "saw", duration=2.0)], calendars=[Break(0.0, 7.0)], clock=True)
        >>> shop.begins
        7.0
        """
        data = self.data
        waits = np.array([len(before) > 0 for before in data.structure.before])
        first = np.flatnonzero(~waits[data.structure.mode_task])
        if not self.clock or not len(first):
            return 0.0
        released = data.timing.release[data.structure.task_job[data.structure.mode_task[first]]]
        timing, machine = data.timing_without_horizon, data.structure.mode_machine[first]
        start = float(earliest_start(timing, machine, released, timing.duration[first]).min())
        return start if np.isfinite(start) else 0.0

    def open_time(self, until: float) -> NDArray[np.float64]:
        """Return for how long each machine may run tasks from :attr:`begins` until some time, in time units.

        Parameters
        ----------
        until
            In time units.
        """
        timing = self.data.timing_without_horizon
        both = np.minimum(timing.closes, until) - np.maximum(timing.opens, self.begins)
        return np.asarray(np.clip(both, 0.0, None).sum(axis=1))

    @property
    def uses_energy(self) -> bool:
        """Whether energy is part of the objective: a law, or numbers in the modes and a price to pay for them."""
        return self.energy is not None or self.power_price is not None

    def data_remarks(self) -> tuple[str, ...]:
        """Tell of fields that change nothing, because others are blank."""
        read = self.data.mode_inputs.read
        unpaid = not self.uses_energy and any(mode.energy for mode in read.modes)
        told = ("modes: there is an energy, but no power_price to pay for it",) if unpaid else ()
        return (*map(str, idle_fields([(self.units.table(Job), read.jobs)])), *told)

    def assumptions(self) -> tuple[str, ...]:
        """Tell which changes from one family to another take no time because no setup says how much."""
        return free_changes(self.data.mode_inputs.read)

    def table_uses(self) -> tuple[TableUse, ...]:
        """Return what is read of each table."""
        return self.data.mode_inputs.read.table_uses(self.units, (self.duration, self.energy))

    def plan_from(self, decision: Any) -> Schedule:
        """Read a schedule the user already has.

        Parameters
        ----------
        decision
            A :class:`Schedule`, a frame with the columns ``task``, ``machine``, ``start`` and, where a task has several
            modes on one machine, ``mode``; or a list of mappings with these keys. Ends are not read: the law says
            how long a task takes.

        Raises
        ------
        ProblemError
            If it names a task, machine or mode the problem does not know, or a start is no number.
        """
        return read_schedule(self.data, self.units.time, decision)

    def carried_over(self, plan: Any) -> Schedule:
        """Return a schedule made for other data as it is run here: its modes and its order on each machine stay.

        Tasks start when they were to, later where something before them is not over, or all as early as the order
        allows, whichever is better.
        """
        given = self.plan_from(plan)
        return min((given, *moved_starts(self.data, given)), key=lambda one: self.assess(one).rank)

    def schedule(self, modes: NDArray[np.int64], starts: NDArray[np.float64]) -> Schedule:
        """Return the schedule that runs mode ``modes[i]`` from ``starts[i]``.

        Parameters
        ----------
        modes
            Positions in ``data.modes``, shape ``(n,)``.
        starts
            In time units, shape ``(n,)``.
        """
        return schedule_of(self.data, modes, starts)


def _resolved(problem: SchedulingProblem, reader: RecordReader) -> SchedulingData:
    """Read and check everything a problem was given.

    Parameters
    ----------
    problem
        The problem.
    reader
        Reads its tables.

    Raises
    ------
    ProblemError
        With every mistake, one per line.
    """
    read = _read(problem, reader)
    reader.faults += field_faults(problem, "problem")
    reader.faults += _law_mistakes(problem, read, [table.removesuffix("s") for table in reader.broken])
    checks = schedule_checks(read, problem.units, uses_energy=problem.uses_energy)
    priced = bool(problem.makespan_cost) or problem.power_price is not None
    laws = (problem.duration, problem.energy)
    uses = partial(read.table_uses, problem.units, laws)
    law = "makespan_cost, or power_price and the energy of the tasks"
    late = [
        (SchedulingUnits().table(kind), part) for kind, part in ((Job, read.jobs), (Machine, read.machines))
    ]
    unpriced = () if priced else missing_price(late, reader.filled, uses, law)
    checks.append(RecordCheck(unpriced, ["jobs", "machines"]))
    reader.finish(checks)
    if "modes" in reader.filled:
        reader.questions += idle_machines(read)
    nowhere = (Machine(""),) if any(not mode.machine for mode in read.modes) else ()
    machines = (*read.machines, *nowhere)
    structure = shop_structure(read, [machine.name for machine in machines])
    modes = ModeInputs(problem.units, read, structure, read_day(problem.day))
    duration = modes.values("duration", problem.duration, "a duration must be positive")
    modes = replace(modes, duration=duration)
    energy = None
    if problem.uses_energy:
        energy = modes.values("energy", problem.energy, "an energy cannot be negative")
    tariff = None
    if read.power_price:
        ordered = sorted(read.power_price, key=lambda price: price.start)
        tariff = PowerTariff(np.array([p.start for p in ordered]), np.array([p.price for p in ordered]))
    return SchedulingData(
        **{**vars(read), "machines": machines},
        structure=structure,
        timing=shop_timing(read, structure, duration, problem.horizon),
        timing_without_horizon=shop_timing(read, structure, duration, None),
        energy=energy,
        tariff=tariff,
        tardiness_cost=np.array([job.tardiness_cost for job in read.jobs]),
        mode_cost=np.array([each.unit_duration_cost for each in machines])[structure.mode_machine],
        mode_inputs=modes,
    )


def _law_mistakes(
    problem: SchedulingProblem, read: SchedulingRecords, unread: Collection[str]
) -> list[Fault]:
    """Say which laws are none, such as a formula whose inputs are not bound, and what they cannot read."""
    units = problem.units
    known = {
        **references_to("task", Task, read.tasks, {}),
        **references_to("job", Job, read.jobs, units.of(Job)),
        **references_to("machine", Machine, read.machines, {}),
        **references_to("mode", Mode, read.modes, units.of(Mode)),
        **DAY_REFERENCES,
    }
    given = {"duration": problem.duration, "energy": problem.energy}
    forms = "a bound formula, one number per mode, or nothing where every mode states its own"
    laws = {name: law for name, law in given.items() if law is not None}
    return [
        *(wrong for name, law in laws.items() for wrong in law_mistake(name, law, forms, known, unread)),
        *laws_without_day(laws, problem.day),
    ]


def _read(problem: SchedulingProblem, reader: RecordReader) -> SchedulingRecords:
    found: dict[str, Any] = {}
    for schema in problem.units.tables():
        given = getattr(problem, schema.name)
        if isinstance(given, (int, float)):  # one price of power, for ever
            given = (PowerPrice(0.0, given),)
        asked = replace(schema, of_day=problem.clock)
        found[schema.name] = reader.read(() if given is None else given, asked)
    return SchedulingRecords(**found, of_day=reader.of_day)
