"""The work order of each machine: tasks in order, with their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.work_orders import WorkOrder
from kanopt.text import amount_text, clock_text, number_text

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem
    from kanopt.problems.scheduling.simulate import PlacedTasks


def machine_orders(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[WorkOrder, ...]:
    """Return an order for each machine that runs a task.

    Parameters
    ----------
    problem
        The problem.
    placed
        The schedule.
    """
    data, unit = problem.data, problem.units.time

    def told(time: float) -> str:
        return clock_text(time, unit) if problem.clock else number_text(time)

    times = ("start", "end") if problem.clock else (f"start ({unit})", f"end ({unit})")
    columns = ("order", "task", "job", "mode", *times, "due", "notes")
    orders = []
    for place, machine in enumerate(data.machines):
        rows = np.flatnonzero(placed.machine == place)
        rows = rows[np.argsort(placed.start[rows], kind="stable")]
        lines = []
        for number, row in enumerate(rows.tolist(), start=1):
            job = int(placed.job[row])
            due, end = float(data.timing.due[job]), float(placed.end[row])
            mode = int(placed.mode[row])
            lines.append(
                (
                    f"{number}",
                    data.tasks[placed.task[row]].name,
                    data.jobs[job].name,
                    data.modes[mode].name if mode >= 0 else "",
                    told(float(placed.start[row])),
                    told(end),
                    told(due) if np.isfinite(due) else "",
                    f"{amount_text(end - due, unit, 3)} late" if end > due + 1e-9 else "",
                )
            )
        if lines:
            busy = float((placed.end[rows] - placed.start[rows]).sum())
            facts = (
                ("first task", told(float(placed.start[rows[0]]))),
                ("last task ends", told(float(placed.end[rows].max()))),
                ("tasks", f"{len(rows):,}"),
                ("busy", amount_text(busy, unit)),
            )
            orders.append(WorkOrder(machine.name, facts, columns, tuple(lines)))
    return tuple(orders)
