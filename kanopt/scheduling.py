"""What a :class:`kanopt.SchedulingProblem` and its plans consist of.

Examples
--------
>>> from kanopt import scheduling
>>> scheduling.Machine("mill").name
'mill'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.public_names import lazy_names

if TYPE_CHECKING:
    from kanopt.problems.scheduling import Assignment as Assignment
    from kanopt.problems.scheduling import Break as Break
    from kanopt.problems.scheduling import Job as Job
    from kanopt.problems.scheduling import Machine as Machine
    from kanopt.problems.scheduling import Mode as Mode
    from kanopt.problems.scheduling import Need as Need
    from kanopt.problems.scheduling import PowerPrice as PowerPrice
    from kanopt.problems.scheduling import Resource as Resource
    from kanopt.problems.scheduling import Schedule as Schedule
    from kanopt.problems.scheduling import SchedulingUnits as SchedulingUnits
    from kanopt.problems.scheduling import Setup as Setup
    from kanopt.problems.scheduling import Task as Task
else:
    __all__, __getattr__, __dir__ = lazy_names(__name__)
