"""From records and laws to arrays, with every mistake found on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import LawValueError, ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.references import Reference, ReferenceValue
from kanopt.plans.law_use import falls_below_zero, impossible_value
from kanopt.plans.plan_day import day_value
from kanopt.records.record import Record, field_values
from kanopt.scheduling.arrays import (
    PowerTariff,
    ShopStructure,
    ShopTiming,
    families_found,
)
from kanopt.scheduling.entities import (
    Break,
    Job,
    Machine,
    Mode,
    Resource,
    SchedulingRecords,
    SchedulingUnits,
    Task,
)
from kanopt.text import amount_text, number_text
from kanopt.validation import LARGEST, float_array, too_large

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


def _refuse(mistakes: Iterable[str]) -> None:
    lines = list(mistakes)
    if lines:
        raise ProblemError("\n".join(lines))


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
