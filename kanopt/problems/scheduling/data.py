"""From records and laws to arrays, with every mistake found on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import LawValueError, ProblemError
from kanopt.faults import Fault
from kanopt.formulas.binding import BoundFormula, Reference, ReferenceValue
from kanopt.problems.given_law import law_mistake, references_to
from kanopt.problems.law_use import falls_below_zero, impossible_value
from kanopt.problems.plan_day import DAY_REFERENCES, day_value, laws_without_day, read_day
from kanopt.problems.scheduling.arrays import (
    PowerTariff,
    ShopStructure,
    ShopTiming,
    families_found,
    windows_between,
)
from kanopt.problems.scheduling.entities import (
    Break,
    Job,
    Machine,
    Mode,
    PowerPrice,
    Resource,
    SchedulingRecords,
    SchedulingUnits,
    Task,
)
from kanopt.problems.scheduling.validation import (
    idle_machines,
    schedule_checks,
    task_pairs,
    tasks_in_order,
    unstated_price,
)
from kanopt.records.declaration import field_faults
from kanopt.records.reading import RecordReader
from kanopt.records.record import Record, field_values
from kanopt.text import amount_text, number_text
from kanopt.validation import LARGEST, float_array, too_large

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

_NOT_LARGER = f"no number of a problem is larger than {number_text(LARGEST)}"


@dataclass(frozen=True, eq=False)
class SchedulingData:
    """A checked scheduling problem: its records in order, and the arrays made of them.

    Parameters
    ----------
    jobs, tasks, machines, modes, resources, breaks
        The records; arrays refer to them by position. Where a mode has no machine, the last one is a stand-in without
        a name.
    structure, timing
        Structure of the shop, and its times on the law.
    timing_without_horizon
        The same times without a horizon.
    energy
        Shape ``(modes,)``, or None where energy plays no part.
    tariff
        The price of power, or None.
    tardiness_cost
        Shape ``(jobs,)``, money per time unit.
    mode_inputs
        What the laws read.
    """

    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    machines: tuple[Machine, ...]
    modes: tuple[Mode, ...]
    resources: tuple[Resource, ...]
    breaks: tuple[Break, ...]
    structure: ShopStructure
    timing: ShopTiming
    timing_without_horizon: ShopTiming
    energy: NDArray[np.float64] | None
    tariff: PowerTariff | None
    tardiness_cost: NDArray[np.float64]
    mode_inputs: ModeInputs

    def families_before(self, machine: int, tasks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what a machine is set up for before each of its tasks, given in the order in which they run."""
        at = self.structure
        return families_found(int(at.machine_family[machine]), at.task_family[tasks])

    def setups_of(self, machine: int, tasks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the setup before each task of a machine, given in the order in which they run."""
        before = self.families_before(machine, tasks)
        found: NDArray[np.float64] = self.timing.setup[machine, before, self.structure.task_family[tasks]]
        return found


def resolve(problem: SchedulingProblem, reader: RecordReader) -> SchedulingData:
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
    checks.append(unstated_price(read.jobs, uses, reader.filled, priced=priced))
    reader.finish(checks)
    if "modes" in reader.filled:
        reader.questions += idle_machines(read)
    nowhere = (Machine(""),) if any(not mode.machine for mode in read.modes) else ()
    machines = (*read.machines, *nowhere)
    places = _Places(_positions(read.tasks), _positions(machines), _families(read))
    structure = _structure(read, places)
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
        jobs=read.jobs,
        tasks=read.tasks,
        machines=machines,
        modes=read.modes,
        resources=read.resources,
        breaks=read.calendars,
        structure=structure,
        timing=_timing(read, duration, places, problem.horizon),
        timing_without_horizon=_timing(read, duration, places, None),
        energy=energy,
        tariff=tariff,
        tardiness_cost=np.array([job.tardiness_cost for job in read.jobs]),
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


def _refuse(mistakes: Iterable[str]) -> None:
    lines = list(mistakes)
    if lines:
        raise ProblemError("\n".join(lines))


def _read(problem: SchedulingProblem, reader: RecordReader) -> SchedulingRecords:
    found: dict[str, Any] = {}
    for schema in problem.units.tables():
        given = getattr(problem, schema.name)
        if isinstance(given, (int, float)):  # one price of power, for ever
            given = (PowerPrice(0.0, given),)
        asked = replace(schema, of_day=problem.clock)
        found[schema.name] = reader.read(() if given is None else given, asked)
    return SchedulingRecords(**found, of_day=reader.of_day)


def _positions(items: Sequence[Any]) -> dict[str, int]:
    return {item.name: place for place, item in enumerate(items)}


def _families(read: SchedulingRecords) -> dict[str, int]:
    used = {task.family for task in read.tasks} | {machine.family for machine in read.machines}
    names = sorted(used - {""})
    return {"": 0, **{name: place + 1 for place, name in enumerate(names)}}


@dataclass(frozen=True)
class _Places:
    """Where names stand in arrays: tasks, machines, families."""

    tasks: Mapping[str, int]
    machines: Mapping[str, int]
    families: Mapping[str, int]


def _structure(read: SchedulingRecords, places: _Places) -> ShopStructure:
    job_at, family = _positions(read.jobs), {machine.name: machine.family for machine in read.machines}
    pairs = np.array(
        [(places.tasks[first], places.tasks[second]) for first, second in task_pairs(read)], dtype=np.int64
    ).reshape(-1, 2)
    return ShopStructure(
        task_job=np.array([job_at[task.job] for task in read.tasks], dtype=np.int64),
        pairs=np.unique(pairs, axis=0),
        order=np.array([places.tasks[name] for name in tasks_in_order(read)], dtype=np.int64),
        task_family=np.array([places.families[task.family] for task in read.tasks], dtype=np.int64),
        machine_family=np.array([places.families[family.get(name, "")] for name in places.machines]),
        one_at_a_time=np.array([bool(name) for name in places.machines]),
        mode_task=np.array([places.tasks[mode.task] for mode in read.modes], dtype=np.int64),
        mode_machine=np.array([places.machines[mode.machine] for mode in read.modes], dtype=np.int64),
    )


def _timing(
    read: SchedulingRecords,
    duration: NDArray[np.float64],
    places: _Places,
    horizon: float | None,
) -> ShopTiming:
    machine_at, families = places.machines, places.families
    setup = np.zeros((len(machine_at), len(families), len(families)))
    for item in sorted(read.setups, key=lambda item: bool(item.machine)):
        if item.before in families and item.after in families:
            where = machine_at[item.machine] if item.machine else slice(len(read.machines))
            setup[where, families[item.before], families[item.after]] = item.time
    breaks: list[list[tuple[float, float]]] = [[] for _ in machine_at]
    for pause in read.calendars:
        for machine in [machine_at[pause.machine]] if pause.machine else range(len(read.machines)):
            breaks[machine].append((pause.start, pause.end))
    opens, closes = windows_between(breaks, np.inf if horizon is None else horizon)
    return ShopTiming(
        duration=duration,
        release=np.array([job.release_date for job in read.jobs]),
        due=np.array([np.inf if job.due_date is None else job.due_date for job in read.jobs]),
        setup=setup,
        opens=opens,
        closes=closes,
        need=_needs(read),
        capacity=np.array([resource.capacity for resource in read.resources], dtype=float),
    )


def _needs(read: SchedulingRecords) -> NDArray[np.float64]:
    """Return how much of each resource every mode needs, shape ``(modes, resources)``; several rows add up."""
    need = np.zeros((len(read.modes), len(read.resources)))
    place = _positions(read.resources)
    own: dict[str, list[int]] = {}
    for at, mode in enumerate(read.modes):
        own.setdefault(mode.task, []).append(at)
    for row in read.needs:
        for at in own.get(row.task, ()):
            mode = read.modes[at]
            if row.machine in ("", mode.machine) and row.mode in ("", mode.name):
                need[at, place[row.resource]] += row.amount
    return need


@dataclass(frozen=True)
class ModeInputs:
    """The data of every mode, which laws may read.

    Parameters
    ----------
    units, read, structure
        The units, the records, and the structure of the shop.
    day
        The day on which the schedule begins; None where none is stated.
    duration
        Values of the duration law, once it was evaluated.
    """

    units: SchedulingUnits
    read: SchedulingRecords
    structure: ShopStructure
    day: date | None = None
    duration: NDArray[np.float64] | None = None

    def reference_values(self, reference: Reference) -> ReferenceValue:
        """Return a reference for every mode, shape ``(modes,)``."""
        if reference == Reference("mode", "duration") and self.duration is not None:
            return ReferenceValue(self.duration, self.units.time)
        if reference.scope == "day":
            return day_value(self.day, reference)
        at = self.structure
        scopes: dict[str, tuple[Sequence[Record], Mapping[str, str], NDArray[np.int64]]] = {
            "mode": (self.read.modes, self.units.of(Mode), np.arange(len(at.mode_task))),
            "task": (self.read.tasks, {}, at.mode_task),
            "job": (self.read.jobs, self.units.of(Job), at.task_job[at.mode_task]),
            "machine": (self.read.machines, {}, at.mode_machine),
        }
        items, units, place = scopes[reference.scope]
        found = field_values(items, reference.field, units=units, where=f"{reference.scope}s")
        return ReferenceValue(found.values[place], found.unit)

    def values(self, name: str, law: Any, rule: str) -> NDArray[np.float64]:
        """Return the duration or energy of every mode, checked.

        A law is evaluated, an array taken as it is, and None means the field of that name of every mode.
        """
        count = len(self.read.modes)
        unit = self.units.of(Mode)[name]
        if count == 0:
            return np.zeros(0)
        if isinstance(law, BoundFormula):
            values = np.array(np.broadcast_to(law.evaluate(self.reference_values, unit), (count,)))
        elif law is None:
            missing = [mode.label for mode in self.read.modes if getattr(mode, name) is None]
            _refuse(f"modes: {label} has no {name}; give a number or a law" for label in missing)
            values = field_values(self.read.modes, name, units=self.units.of(Mode), where="modes").values
        else:
            try:
                values = float_array(law)
            except (TypeError, ValueError) as error:
                raise ProblemError(f"{name}: {error}") from None
            if values.shape != (count,):
                raise ProblemError(
                    f"{name}: has the shape {values.shape}; give one number per mode, that is {count}"
                )
        if isinstance(law, BoundFormula) and (below := falls_below_zero(values)).any():
            least = int(np.argmin(values))
            told = law.evaluate(self.reference_values, law.formula.output.unit)
            where = f" for {self.read.modes[least].label} ({int(below.sum())} of {count} modes)"
            value = float(np.broadcast_to(told, (count,))[least])
            raise LawValueError(impossible_value(name, law.formula, value, where))
        large = (values == np.inf) | too_large(values)
        wrong = large | ~np.isfinite(values) | (values <= 0 if name == "duration" else values < 0)
        texts = {
            at: f"{amount_text(values[at], unit, 6)}; {_NOT_LARGER if large[at] else rule}"
            for at in np.flatnonzero(wrong)
        }
        texts |= dict.fromkeys(np.flatnonzero(np.isnan(values)), f"no number; {rule}")
        _refuse(f"{name} of {self.read.modes[at].label} is {text}" for at, text in texts.items())
        return values
