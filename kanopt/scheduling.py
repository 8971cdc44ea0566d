"""What a :class:`kanopt.SchedulingProblem` and its plans consist of.

Examples
--------
>>> from kanopt import scheduling
>>> scheduling.Machine("mill").name
'mill'
"""

from __future__ import annotations

from kanopt.problems.scheduling import (
    Assignment,
    Break,
    Job,
    Machine,
    Mode,
    Need,
    PowerPrice,
    Resource,
    Schedule,
    SchedulingUnits,
    Setup,
    Task,
)

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
