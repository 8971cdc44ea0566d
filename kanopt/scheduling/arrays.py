"""A scheduling problem as arrays: its structure and its times.

Times on the law and a solver's whole numbers of time steps have the same form, so that the same functions serve both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import ProblemError
from kanopt.faults import LARGEST, float_array, too_large
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference, ReferenceValue
from kanopt.plans.law_use import day_value, refuse_below_zero
from kanopt.records.reading import Record, field_values
from kanopt.scheduling.entities import (
    Job,
    Mode,
    SchedulingRecords,
    SchedulingUnits,
    task_pairs,
    tasks_in_order,
)
from kanopt.text import amount_text, number_text


@dataclass(frozen=True, eq=False)
class ShopStructure:
    """Jobs, tasks, families and machines that belong together, as positions.

    Parameters
    ----------
    task_job
        Shape ``(tasks,)``: the job of each task.
    pairs
        Shape ``(n, 2)``: tasks of which the first must have ended before the second starts.
    order
        Shape ``(tasks,)``: all tasks, each after those that must have ended before it.
    task_family, machine_family
        Families as positions in the setup times; 0 is "none", which leaves a machine as it was set up.
    one_at_a_time
        Shape ``(machines,)``: whether it is a machine. What stands for tasks that run on none takes any number of them.
    mode_task, mode_machine
        Shape ``(modes,)``.
    """

    task_job: Integers
    pairs: Integers
    order: Integers
    task_family: Integers
    machine_family: Integers
    one_at_a_time: NDArray[np.bool_]
    mode_task: Integers
    mode_machine: Integers

    @cached_property
    def before(self) -> list[Integers]:
        """For each task those that must have ended before it starts."""
        return self._around(1)

    @cached_property
    def behind(self) -> list[Integers]:
        """For each task those that start when it has ended."""
        return self._around(0)

    def _around(self, end: int) -> list[Integers]:
        ranked = self.pairs[np.argsort(self.pairs[:, end], kind="stable")]
        starts = np.searchsorted(ranked[:, end], np.arange(len(self.task_job) + 1))
        return [ranked[low:high, 1 - end] for low, high in pairwise(starts.tolist())]

    @cached_property
    def ends_job(self) -> NDArray[np.bool_]:
        """Whether a task may be the last of its job: none of the same job comes after it; (tasks,)."""
        inside = self.task_job[self.pairs[:, 0]] == self.task_job[self.pairs[:, 1]]
        found = np.ones(len(self.task_job), dtype=bool)
        found[self.pairs[inside, 0]] = False
        return found

    @cached_property
    def has_chains(self) -> bool:
        """Whether the tasks of every job run one after the other and wait for no other job."""
        first, second = self.pairs.T
        alone = len({*first.tolist()}) == len({*second.tolist()}) == len(self.pairs)
        inside = bool((self.task_job[first] == self.task_job[second]).all())
        return alone and inside and int(self.ends_job.sum()) == len({*self.task_job.tolist()})

    def of_tasks(self, values: NDArray[Any], pick: np.ufunc, start: float) -> NDArray[Any]:
        """Return one of the values of the modes of each task, picked by `pick` beginning with `start`; (tasks,)."""
        found = np.full(len(self.task_job), start, dtype=values.dtype)
        pick.at(found, self.mode_task, values)
        return found

    def latest_of_jobs(self, times: NDArray[Any]) -> NDArray[Any]:
        """Return the latest of a time of each task for every job, which all have tasks."""
        found = np.full(int(self.task_job.max(initial=-1)) + 1, times.min(initial=0))
        np.maximum.at(found, self.task_job, times)
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class ShopTiming:
    """Durations, dates, setups and opening windows of a schedule.

    The fields say how times are rounded so that a schedule stays on the safe side, and which value stands for no rule.

    Parameters
    ----------
    duration
        Shape ``(modes,)``, positive.
    release
        Shape ``(jobs,)``.
    due
        Shape ``(jobs,)``; infinite where nothing is promised.
    setup
        Shape ``(machines, families, families)``: from the family that the machine is set up for to that of the task.
        Nothing is needed for a task without a family.
    opens, closes
        Shape ``(machines, windows)``: when a machine may run tasks; rows are filled up with windows that close
        before they open.
    need, capacity
        How much of each resource a mode needs, shape ``(modes, resources)``, and how much there is.
    follow
        Shape ``(modes,)``: how long after the start of a mode whatever comes after its task starts at the latest.
    """

    duration: Floats = field(metadata={"safe": "up"})
    release: Floats = field(metadata={"safe": "up"})
    due: Floats
    setup: Floats = field(metadata={"safe": "up"})
    opens: Floats = field(metadata={"safe": "up"})
    closes: Floats
    need: Floats = field(metadata={"absent": 0.0})
    capacity: Floats
    follow: Floats = field(metadata={"safe": "down", "absent": np.inf})

    @property
    def has_further_rules(self) -> bool:
        """Whether there is a rule of those that have a value for no rule."""
        rules = [one for one in fields(self) if "absent" in one.metadata]
        return any(bool((getattr(self, one.name) != one.metadata["absent"]).any()) for one in rules)


def windows_between(
    breaks: list[list[tuple[float, float]]], horizon: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when each machine may run, given the breaks of each machine.

    Parameters
    ----------
    breaks
        Per machine, ``(start, end)`` in any order; they may overlap.
    horizon
        End of the last window; may be infinite.

    Returns
    -------
    opens, closes
        Shape ``(machines, windows)``, as in :class:`ShopTiming`.

    Examples
    --------
    >>> opens, closes = windows_between([[(30.0, 40.0), (35.0, 50.0)], []], 100.0)
    >>> opens.tolist(), closes.tolist()
    ([[0.0, 50.0], [0.0, 0.0]], [[30.0, 100.0], [100.0, -1.0]])
    """
    found: list[list[tuple[float, float]]] = []
    for own in breaks:
        windows, now = [], 0.0
        for start, end in sorted(own):
            if start > now:
                windows.append((now, min(start, horizon)))
            now = max(now, end)
        windows.append((now, horizon))
        found.append([(a, b) for a, b in windows if a < b])
    width = max(1, *(len(windows) for windows in found))
    opens, closes = np.zeros((len(found), width)), np.full((len(found), width), -1.0)
    for machine, windows in enumerate(found):
        for place, (start, end) in enumerate(windows):
            opens[machine, place], closes[machine, place] = start, end
    return opens, closes


def earliest_start(timing: ShopTiming, machine: Integers, ready: Floats, duration: Floats) -> Floats:
    """Return the earliest start at or after `ready` of a task that may not run through a break.

    Parameters
    ----------
    timing
        Holds the windows of the machines.
    machine, ready, duration
        Shape ``(n,)``: on which machine, from when, and for how long.

    Returns
    -------
    ndarray of shape ``(n,)``
        Infinite where no window is long enough.
    """
    start = np.maximum(ready[:, None], timing.opens[machine])
    fits = start + duration[:, None] <= timing.closes[machine]
    first = fits.argmax(axis=1)
    rows = np.arange(len(ready))
    found: Floats = np.where(fits[rows, first], start[rows, first], np.inf)
    return found


def _positions(items: Sequence[Any]) -> dict[str, int]:
    return {item.name: place for place, item in enumerate(items)}


def _families(read: SchedulingRecords) -> dict[str, int]:
    used = {task.family for task in read.tasks} | {machine.family for machine in read.machines}
    names = sorted(used - {""})
    return {"": 0, **{name: place + 1 for place, name in enumerate(names)}}


def shop_structure(read: SchedulingRecords, machines: Sequence[str]) -> ShopStructure:
    """Return the structure of a shop; `machines` names those of the records, and perhaps a stand-in without a name."""
    job_at, task_at = _positions(read.jobs), _positions(read.tasks)
    families, family = _families(read), {machine.name: machine.family for machine in read.machines}
    machine_at = {name: place for place, name in enumerate(machines)}
    pairs = np.array(
        [(task_at[first], task_at[second]) for first, second in task_pairs(read)], dtype=np.int64
    )
    return ShopStructure(
        task_job=np.array([job_at[task.job] for task in read.tasks], dtype=np.int64),
        pairs=np.unique(pairs.reshape(-1, 2), axis=0),
        order=np.array([task_at[name] for name in tasks_in_order(read)], dtype=np.int64),
        task_family=np.array([families[task.family] for task in read.tasks], dtype=np.int64),
        machine_family=np.array([families[family.get(name, "")] for name in machines], dtype=np.int64),
        one_at_a_time=np.array([bool(name) for name in machines]),
        mode_task=np.array([task_at[mode.task] for mode in read.modes], dtype=np.int64),
        mode_machine=np.array([machine_at[mode.machine] for mode in read.modes], dtype=np.int64),
    )


def shop_timing(
    read: SchedulingRecords, structure: ShopStructure, duration: Floats, horizon: float | None
) -> ShopTiming:
    """Return the times of a shop, given the duration of every mode."""
    machine_at, families = _positions(read.machines), _families(read)
    setup = np.zeros((len(structure.one_at_a_time), len(families), len(families)))
    for item in sorted(read.setups, key=lambda item: bool(item.machine)):
        if item.before in families and item.after in families:
            where = machine_at[item.machine] if item.machine else slice(len(machine_at))
            setup[where, families[item.before], families[item.after]] = item.time
    breaks: list[list[tuple[float, float]]] = [[] for _ in structure.one_at_a_time]
    for pause in read.calendars:
        for machine in [machine_at[pause.machine]] if pause.machine else range(len(machine_at)):
            breaks[machine].append((pause.start, pause.end))
    opens, closes = windows_between(breaks, np.inf if horizon is None else horizon)
    most = np.array([np.inf if task.max_wait is None else task.max_wait for task in read.tasks])
    return ShopTiming(
        duration=duration,
        release=np.array([job.release_date for job in read.jobs]),
        due=np.array([np.inf if job.due_date is None else job.due_date for job in read.jobs]),
        setup=setup,
        opens=opens,
        closes=closes,
        need=_needs(read),
        capacity=np.array([resource.capacity for resource in read.resources], dtype=float),
        follow=duration + most[structure.mode_task],
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


@dataclass(frozen=True, eq=False)
class PowerTariff:
    """A step function of time.

    Parameters
    ----------
    starts
        Shape ``(k,)``, increasing; price ``i`` holds from ``starts[i]`` to ``starts[i + 1]``, the last for ever,
        and the first also before its start.
    prices
        Shape ``(k,)``, money per unit of energy.

    Examples
    --------
    >>> tariff = PowerTariff(np.array([0.0, 60.0]), np.array([0.2, 0.4]))
    >>> float(tariff.cost(start=45.0, duration=30.0, energy=10.0))
    3.0
    """

    starts: NDArray[np.float64]
    prices: NDArray[np.float64]

    def integral(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return the integral of the price from the first start to `time` (any shape)."""
        at = np.asarray(time, dtype=float)
        place = np.clip(np.searchsorted(self.starts, at, side="right") - 1, 0, None)
        full = np.concatenate([[0.0], np.cumsum(self.prices[:-1] * np.diff(self.starts))])
        value: NDArray[np.float64] = full[place] + self.prices[place] * (at - self.starts[place])
        return value

    def cost(self, start: ArrayLike, duration: ArrayLike, energy: ArrayLike) -> NDArray[np.float64]:
        """Return the money for `energy` drawn at constant power over ``[start, start + duration]``.

        The three broadcast against each other; `duration` is positive.
        """
        begin, long = np.asarray(start, dtype=float), np.asarray(duration, dtype=float)
        paid: NDArray[np.float64] = (
            np.asarray(energy, dtype=float) * (self.integral(begin + long) - self.integral(begin)) / long
        )
        return paid


# From records and laws to arrays, with every mistake found on the way.

_NOT_LARGER = f"no number of a problem is larger than {number_text(LARGEST)}"


@dataclass(frozen=True, eq=False, kw_only=True)
class SchedulingData(SchedulingRecords):
    """A checked scheduling problem: its records in order, and the arrays made of them.

    Arrays refer to records by position. Where a mode has no machine, the last machine is a stand-in without a name.

    Parameters
    ----------
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
    mode_cost
        Shape ``(modes,)``, money per time unit that machines cost while tasks run on them.
    mode_inputs
        What the laws read.
    """

    structure: ShopStructure
    timing: ShopTiming
    timing_without_horizon: ShopTiming
    energy: NDArray[np.float64] | None
    tariff: PowerTariff | None
    tardiness_cost: NDArray[np.float64]
    mode_cost: NDArray[np.float64]
    mode_inputs: ModeInputs

    def setups_of(self, machine: int, tasks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the setup before each task of a machine, given in the order in which they run.

        A task without a family leaves the machine as it was set up.
        """
        at = self.structure
        family = at.task_family[tasks]
        known = np.append(at.machine_family[machine], family)
        last = np.maximum.accumulate(np.where(known > 0, np.arange(len(known)), 0))
        found: NDArray[np.float64] = self.timing.setup[machine, known[last][:-1], family]
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
            labels = [mode.label for mode in self.read.modes]
            refuse_below_zero(name, law, values, unit, lambda mode: f"for {labels[mode]}", "modes")
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
        large = (values == np.inf) | too_large(values)
        wrong = large | ~np.isfinite(values) | (values <= 0 if name == "duration" else values < 0)
        texts = {
            at: f"{amount_text(values[at], unit, 6)}; {_NOT_LARGER if large[at] else rule}"
            for at in np.flatnonzero(wrong)
        }
        texts |= dict.fromkeys(np.flatnonzero(np.isnan(values)), f"no number; {rule}")
        _refuse(f"{name} of {self.read.modes[at].label} is {text}" for at, text in texts.items())
        return values
