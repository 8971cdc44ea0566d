"""Scheduling: tasks of jobs on machines, with setups, breaks and a price of power by time."""

from kanopt.problems.scheduling.model import (
    Break,
    Job,
    Machine,
    Mode,
    PowerPrice,
    SchedulingUnits,
    Setup,
    Task,
)
from kanopt.problems.scheduling.problem import SchedulingProblem
from kanopt.problems.scheduling.schedule import Assignment, Schedule

__all__ = [
    "Assignment",
    "Break",
    "Job",
    "Machine",
    "Mode",
    "PowerPrice",
    "Schedule",
    "SchedulingProblem",
    "SchedulingUnits",
    "Setup",
    "Task",
]
