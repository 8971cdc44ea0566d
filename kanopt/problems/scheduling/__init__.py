"""Scheduling: tasks of jobs on machines, with setups, breaks and a price of power by time."""

from kanopt.problems.scheduling.entities import (
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
from kanopt.problems.scheduling.plan import Assignment, Schedule
from kanopt.problems.scheduling.problem import SchedulingProblem

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
    "SchedulingProblem",
    "SchedulingUnits",
    "Setup",
    "Task",
]
