"""What is to be scheduled: tasks of jobs on machines, priced by laws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kanopt.plans.findings import Reason
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.dispatch import repair_starts
from kanopt.scheduling.model import SchedulingModel
from kanopt.scheduling.plan import Schedule, assignment_positions, schedule_of
from kanopt.scheduling.reasons import infeasibility_reasons

_EARLY = 1e-9
"""Factor of starts by which they keep their order and ask for nothing later than their order does."""


@dataclass(frozen=True, eq=False, repr=False)
class SchedulingProblem(SchedulingModel):
    """A flexible job shop, unrelated parallel machines where every job has one task, or a project with resources.

    Every task runs once, on one of the machines it has a mode for, without interruption and not through a break; the
    tasks of a job run one after the other, and after those that they name; a machine runs one task at a time, with a
    setup between tasks of different families, and a task without a family leaves the machine as it was set up. At no
    time do the tasks that run need more of a resource than there is. The objective is money:
    ``makespan_cost`` times the makespan, from :attr:`begins` to the end of the last task, the tardiness cost of late
    jobs, and the energy of every task at the price of power while it runs (constant power during a task, exactly
    integrated over the steps of the price).

    Parameters
    ----------
    jobs, tasks, machines, modes
        Records (:class:`Job`, :class:`Task`, :class:`Machine`, :class:`Mode`) or frames with their fields as columns;
        further columns become attributes that laws may read.
    duration, energy
        A law bound to ``mode.…``, ``task.…``, ``job.…``, ``machine.…`` and ``day.…`` (for energy, ``mode.duration`` is
        what the duration law says), or one number per mode, or None to take the field of that name of every mode.
        Without an energy law and without a price of power, energy plays no part.
    resources, needs
        :class:`Resource` records or a frame; and :class:`Need` records or a frame, which say how much of them a task
        needs. A task without a machine is bound by its resources alone.
    setups
        :class:`Setup` records or a frame.
    calendars
        :class:`Break` records or a frame.
    power_price
        :class:`PowerPrice` records or a frame, or one number.
    makespan_cost
        Money per time unit of the makespan.
    horizon
        When everything must be done; None for no limit.
    clock
        Whether time zero is midnight, so that charts read as time of day; true where some time is written ``8:30``.
    units
        Units of time, energy and money.
    day
        The day on which the schedule begins, a date or ``"2026-03-02"``, which laws read as ``day.weekday`` and the
        like, and from whose midnight clock times count that are dates with a time of day. None where neither is read.

    Raises
    ------
    ProblemError
        With every mistake in the data, one per line.

    Examples
    --------
    >>> from kanopt.scheduling import Job, Machine, Mode, Task
    >>> problem = SchedulingProblem(
    ...     jobs=[Job("j1", due_date=10.0, tardiness_cost=2.0), Job("j2")],
    ...     tasks=[Task("a", "j1"), Task("b", "j2")],
    ...     machines=[Machine("saw")],
    ...     modes=[Mode("a", "saw", duration=8.0), Mode("b", "saw", duration=4.0)],
    ...     makespan_cost=1.0,
    ... )
    >>> plan = problem.plan_from([{"task": "b", "machine": "saw", "start": 0.0},
    ...                           {"task": "a", "machine": "saw", "start": 4.0}])
    >>> problem.check(plan).ok, problem.price(plan).terms().to_dict()
    (True, {'makespan': 12.0, 'tardiness': 4.0})
    """

    def assess(self, plan: Schedule) -> SchedulingAssessment:
        """Return what becomes of a schedule: whether every task runs once, where and when it may, and the price.

        Times are compared to a millionth of a time unit. Lines of the price: ``makespan`` (group: the machine that
        ends last, item: its task), ``tardiness`` (group: the job, item: its last task), ``energy`` (group: the machine,
        item: the task).
        """
        return self._cached_assessment(plan, SchedulingAssessment)

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say why there can be no schedule."""
        return infeasibility_reasons(self)

    def carried_over(self, plan: Any) -> Schedule:
        """Return a schedule made for other data as it is run here: its modes and its order on each machine stay.

        Tasks start when they were to, later where something before them is not over, or all as early as the order
        allows, whichever is better.
        """
        return _in_order(self, self.plan_from(plan))


def _in_order(problem: SchedulingProblem, schedule: Schedule) -> Schedule:
    """Return a schedule with starts at which it can be run, in its order; the schedule itself where there are none."""
    data = problem.data
    tasks, _, modes = assignment_positions(data, schedule.assignments)
    if sorted(tasks) != list(range(len(data.tasks))) or (modes < 0).any():
        return schedule
    place = np.argsort(tasks)
    wanted = np.array([row.start for row in schedule.assignments], dtype=np.float64)[place]
    found = [schedule]
    for starts in (wanted, _EARLY * wanted):
        moved = repair_starts(data.structure, data.timing, modes[place], starts)
        if moved is not None:
            found.append(schedule_of(data, modes[place], moved))
    return min(found, key=lambda one: problem.assess(one).rank)
