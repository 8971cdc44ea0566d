"""A schedule: which task runs where, from when to when."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from kanopt.problems.base import Plan

__all__ = ["Assignment", "Schedule"]

_COLUMNS = ["job", "task", "machine", "mode", "start", "end"]


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
