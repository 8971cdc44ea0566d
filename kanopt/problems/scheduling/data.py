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
    shop_structure,
    shop_timing,
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
        jobs=read.jobs,
        tasks=read.tasks,
        machines=machines,
        modes=read.modes,
        resources=read.resources,
        breaks=read.calendars,
        structure=structure,
        timing=shop_timing(read, structure, duration, problem.horizon),
        timing_without_horizon=shop_timing(read, structure, duration, None),
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
