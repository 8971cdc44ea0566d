"""What a :class:`kanopt.SchedulingProblem` and its plans consist of.

Examples
--------
>>> from kanopt import scheduling
>>> scheduling.Machine("mill").name
'mill'
"""

from __future__ import annotations

from kanopt.scheduling.entities import (
    Break,
    Job,
    Machine,
    Mode,
    Need,
    PowerPrice,
    Resource,
    SchedulingUnits,
    Setup,
    Task,
)
from kanopt.scheduling.plan import Assignment, Schedule
from kanopt.scheduling.problem import SchedulingProblem as SchedulingProblem

__all__ = [
    "Assignment",
    "Break",
    "Job",
    "Machine",
    "Mode",
    "Need",
    "PowerPrice",
    "Resource",
    "Schedule",
    "SchedulingUnits",
    "Setup",
    "Task",
]
