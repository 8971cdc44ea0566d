"""A schedule: which task runs where, from when to when; and how it is read from the user's rows and from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import ProblemError, nearest
from kanopt.faults import coerced_numbers, shown
from kanopt.plans.base import Plan
from kanopt.records.fields import clock_cells, unstated_times
from kanopt.scheduling.arrays import SchedulingData
from kanopt.tables import units_of
from kanopt.text import list_names

_COLUMNS = ["job", "task", "machine", "mode", "start", "end"]
_REQUIRED = ("task", "start", "machine")


@dataclass(frozen=True)
class Assignment:
    """One task on one machine.

    Parameters
    ----------
    job, task, machine, mode
        Names; `mode` is empty where the task has one way to run on the machine.
    start
        When it starts, as decided.
    end
        When it ends by the law: start plus duration.
    """

    job: str
    task: str
    machine: str
    mode: str
    start: float
    end: float


@dataclass(frozen=True)
class Schedule(Plan):
    """What was decided for every task.

    Parameters
    ----------
    assignments
        One per task, in order of start.

    Examples
    --------
    >>> Schedule((Assignment("j1", "cut", "saw", "", 0.0, 12.5),)).to_frame().iloc[0].to_dict()
    {'job': 'j1', 'task': 'cut', 'machine': 'saw', 'mode': '', 'start': 0.0, 'end': 12.5}
    """

    assignments: tuple[Assignment, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per task: ``job``, ``task``, ``machine``, ``mode``, ``start``, ``end``."""
        rows = [(a.job, a.task, a.machine, a.mode, a.start, a.end) for a in self.assignments]
        return pd.DataFrame(rows, columns=_COLUMNS).astype({"start": float, "end": float})


def schedule_of(data: SchedulingData, modes: NDArray[np.int64], starts: NDArray[np.float64]) -> Schedule:
    """Return the schedule that runs mode ``modes[i]`` from ``starts[i]``, in order of start."""
    ends = starts + data.timing.duration[modes]
    jobs = data.structure.task_job[data.structure.mode_task[modes]]
    rows = []
    for at in np.lexsort((modes, starts)):
        mode = data.modes[modes[at]]
        job = data.jobs[jobs[at]].name
        rows.append(Assignment(job, mode.task, mode.machine, mode.name, float(starts[at]), float(ends[at])))
    return Schedule(tuple(rows))


def assignment_positions(
    data: SchedulingData, rows: Sequence[Assignment]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Look up task, machine and mode of every row; the mode is -1 where the task has none on that machine.

    Raises
    ------
    ProblemError
        With every unknown or ambiguous name.
    """
    tasks = {task.name: place for place, task in enumerate(data.tasks)}
    machines = {machine.name: place for place, machine in enumerate(data.machines)}
    modes: dict[tuple[str, str], dict[str, int]] = {}
    for place, item in enumerate(data.modes):
        modes.setdefault((item.task, item.machine), {})[item.name] = place
    mistakes: list[str] = []
    found = np.full((3, len(rows)), -1, dtype=np.int64)
    for at, row in enumerate(rows):
        own = modes.get((row.task, row.machine), {})
        mistake = _mistake(row, tasks, machines, own)
        if not mistake:
            only = next(iter(own.values())) if len(own) == 1 and not row.mode else -1
            found[:, at] = tasks[row.task], machines[row.machine], own.get(row.mode, only)
            job = data.jobs[data.structure.task_job[tasks[row.task]]].name
            if row.job not in ("", job):
                mistake = f"task {row.task!r} belongs to job {job!r}, not {row.job!r}"
        if mistake:
            mistakes.append(f"schedule, row {at + 1}: {mistake}")
    if mistakes:
        raise ProblemError("\n".join(mistakes))
    return found[0], found[1], found[2]


def _mistake(
    row: Assignment, tasks: Mapping[str, int], machines: Mapping[str, int], own: Mapping[str, int]
) -> str:
    """Say which name of a row is unknown; empty where all are known."""
    if row.task not in tasks:
        return f"unknown task {row.task!r}; {nearest(row.task, tasks)}"
    if row.machine not in machines:
        return f"unknown machine {row.machine!r} for task {row.task!r}; {nearest(row.machine, machines)}"
    if own and row.mode not in own and (row.mode or len(own) > 1):
        named = f"has no mode {row.mode!r}" if row.mode else "has several modes; name one"
        return f"task {row.task!r} on {row.machine!r} {named}; {nearest(row.mode, own)}"
    return ""


def read_schedule(data: SchedulingData, time: str, decision: Any) -> Schedule:
    """Read what :meth:`SchedulingProblem.plan_from` documents."""
    # where some task runs on no machine, its rows need not name one
    needed = _REQUIRED if data.structure.one_at_a_time.all() else _REQUIRED[:-1]
    given = decision.assignments if isinstance(decision, Schedule) else _rows(decision, time, needed)
    tasks, _, modes = assignment_positions(data, given)
    rows = []
    for row, task, mode in zip(given, tasks, modes, strict=True):
        job = data.jobs[data.structure.task_job[task]].name
        name = data.modes[mode].name if mode >= 0 else row.mode
        end = row.start + data.timing.duration[mode] if mode >= 0 else max(row.start, row.end)
        rows.append(Assignment(job, row.task, row.machine, name, row.start, float(end)))
    plan = Schedule(tuple(sorted(rows, key=lambda row: row.start)))
    # what is known of a plan is known of this object
    return decision if isinstance(decision, Schedule) and decision == plan else plan


def _clock_numbers(table: pd.DataFrame, column: str, time: str) -> NDArray[np.float64]:
    """Return a column of clock times in a unit; NaN where there is none."""
    unit = units_of(table).get(column, "")
    read = clock_cells(table[column].tolist(), unit, time)
    if not unit and (asked := unstated_times([(column, read.bare)], time, of_day=False)):
        raise ProblemError(f"schedule: {asked}")
    return coerced_numbers(pd.Series(read.values, dtype=object))


def _rows(decision: Any, time: str, needed: Sequence[str]) -> tuple[Assignment, ...]:
    """Turn a frame or a list of mappings into assignments, checking columns and numbers."""
    if isinstance(decision, pd.DataFrame):
        table = decision
    elif isinstance(decision, Sequence) and all(isinstance(row, Mapping) for row in decision):
        table = pd.DataFrame(list(decision), columns=None if len(decision) else list(needed))
    else:
        raise ProblemError(
            f"schedule: cannot read a {type(decision).__name__}; give a Schedule, a frame or a list of mappings "
            "with task, machine and start"
        )
    columns = [str(column) for column in table.columns]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ProblemError(
            "\n".join(f"schedule: column {name!r} is missing; {nearest(name, columns)}" for name in missing)
        )
    numbers = _clock_numbers(table, "start", time)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        told = [f"row {at + 1}: start {shown(table['start'].iloc[at])}" for at in wrong]
        raise ProblemError(f"schedule: {list_names(told, quoted=False)} is no finite number")
    stated = numbers
    if "end" in columns:
        given = _clock_numbers(table, "end", time)
        stated = np.where(np.isfinite(given), given, numbers)
    texts = {
        name: table[name].map(lambda value: "" if pd.isna(value) else str(value)).tolist()
        if name in columns
        else [""] * len(table)
        for name in ("job", "task", "machine", "mode")
    }
    return tuple(
        Assignment(*row) for row in zip(*texts.values(), numbers.tolist(), stated.tolist(), strict=True)
    )
