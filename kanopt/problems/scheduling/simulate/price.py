"""The price of a schedule on the law, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.pricing import Pricing
from kanopt.problems.scheduling.simulate.placed import PlacedTasks

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

__all__ = ["price_schedule"]


def price_schedule(problem: SchedulingProblem, placed: PlacedTasks) -> Pricing:
    """Return the lines that :meth:`SchedulingProblem.price` documents; amounts of zero are left out."""
    data = problem.data
    rows: list[tuple[str, str, str, float]] = []
    if len(placed.task) and problem.makespan_cost > 0:
        last = int(np.argmax(placed.end))
        machine, task = data.machines[placed.machine[last]].name, data.tasks[placed.task[last]].name
        rows.append(("makespan", machine, task, problem.makespan_cost * float(placed.end[last])))
    late = np.clip(placed.completion(len(data.jobs)) - data.timing.due, 0.0, None)
    tardiness = data.tardiness_cost * late
    for job in np.flatnonzero(tardiness > 0):
        task = data.tasks[data.structure.last[job]].name
        rows.append(("tardiness", data.jobs[job].name, task, float(tardiness[job])))
    if data.energy is not None and data.tariff is not None:
        run = np.flatnonzero(placed.mode >= 0)
        mode = placed.mode[run]
        paid = data.tariff.cost(placed.start[run], data.timing.duration[mode], data.energy[mode])
        for row, amount in zip(run, paid, strict=True):
            machine, task = data.machines[placed.machine[row]].name, data.tasks[placed.task[row]].name
            rows.append(("energy", machine, task, float(amount)))
    return Pricing.of(rows, problem.unit)
