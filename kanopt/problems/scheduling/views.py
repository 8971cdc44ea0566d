"""Views of a schedule: the Gantt chart, and the price of power with the load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.problems.scheduling.figures import lateness_of_jobs
from kanopt.problems.scheduling.power_tariff import PowerTariff
from kanopt.problems.scheduling.simulate import PlacedTasks
from kanopt.problems.views import GanttView, SeriesView, View
from kanopt.units import factor, same_dimension

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem

_BAR = ["row", "start", "end", "label", "kind"]


def views_of(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[View, ...]:
    """Return the Gantt chart and, where energy is priced, the price of power and the load."""
    bars, marks = _bars(problem, placed), _marks(problem, placed)
    gantt = GanttView("Schedule by machine", bars, problem.units.time, problem.clock, marks)
    tariff, energy = problem.data.tariff, problem.data.energy
    if tariff is None or energy is None or not len(placed.task):
        return (gantt,)
    return (gantt, _price(problem, placed, tariff), _load(problem, placed, energy))


def _bars(problem: SchedulingProblem, placed: PlacedTasks) -> pd.DataFrame:
    """Return the tasks (kind: the job), breaks and setups of every machine, in the order of the machines."""
    data = problem.data
    latest = float(placed.end.max(initial=0.0))
    bars: list[tuple[str, float, float, str, str]] = []
    for machine, item in enumerate(data.machines):
        bars += [
            (item.name, max(pause.start, 0.0), min(pause.end, latest), "break", "break")
            for pause in data.breaks
            if pause.machine in ("", item.name) and pause.start < latest and pause.end > 0
        ]
        rows = np.flatnonzero(placed.machine == machine)
        tasks, free = placed.task[rows], 0.0
        setups = data.setups_of(machine, tasks)
        for task, job, start, end, setup in zip(
            tasks, placed.job[rows], placed.start[rows], placed.end[rows], setups, strict=True
        ):
            if setup > 0:
                label = f"setup for {data.tasks[task].family}"
                bars.append((item.name, max(free, start - setup), start, label, "setup"))
            bars.append((item.name, start, end, data.tasks[task].name, data.jobs[job].name))
            free = end
    return pd.DataFrame(bars, columns=_BAR).astype({"start": float, "end": float})


def _marks(problem: SchedulingProblem, placed: PlacedTasks) -> pd.DataFrame:
    """Return when each job is released, on its first task's row, and due, on its last one's, and what is late."""
    data, marks = problem.data, []
    late = lateness_of_jobs(problem, placed)
    for job, item in enumerate(data.jobs):
        rows = np.flatnonzero(placed.job == job)
        if not rows.size:
            continue
        first, last = rows[np.argmin(placed.start[rows])], rows[np.argmax(placed.end[rows])]
        of_first, of_last = (data.machines[placed.machine[row]].name for row in (first, last))
        released, due = float(data.timing.release[job]), float(data.timing.due[job])
        if released > 0:
            marks.append((of_first, released, released, item.name, "release"))
        if np.isfinite(due):
            marks.append((of_last, due, due, item.name, "due"))
        if late[job]:
            begin, end = max(due, float(placed.start[last])), float(placed.end[last])
            marks.append((of_last, begin, end, item.name, "overdue"))
    columns = ["row", "start", "end", "label", "kind"]
    return pd.DataFrame(marks, columns=columns).astype({"start": float, "end": float})


def _price(problem: SchedulingProblem, placed: PlacedTasks, tariff: PowerTariff) -> SeriesView:
    shown = tariff.starts < placed.end.max()
    index = np.append(tariff.starts[shown], placed.end.max())
    prices = np.append(tariff.prices[shown], tariff.prices[shown][-1])
    unit = problem.units.unit_of("money/energy")
    frame = pd.DataFrame({f"price [{unit}]": prices}, index=pd.Index(index, name="time"))
    return SeriesView(
        "Price of power", frame, f"time [{problem.units.time}]", unit, step=True, clock=_clock(problem)
    )


def _load(problem: SchedulingProblem, placed: PlacedTasks, energy: NDArray[np.float64]) -> SeriesView:
    """Return the power drawn by all machines: a step up at every start and down at every end."""
    units = problem.units
    unit = f"{units.energy}/{units.time}"
    scale = 1.0
    if same_dimension(unit, "kW"):
        unit, scale = "kW", factor(unit, "kW")
    run = placed.mode >= 0
    power = scale * energy[placed.mode[run]] / problem.data.timing.duration[placed.mode[run]]
    steps = pd.DataFrame(
        {
            "time": np.concatenate([placed.start[run], placed.end[run]]),
            "power": np.concatenate([power, -power]),
        }
    )
    load = steps.groupby("time")["power"].sum().cumsum().clip(lower=0.0)
    frame = pd.DataFrame({f"load [{unit}]": load})
    return SeriesView(
        "Load of all machines", frame, f"time [{problem.units.time}]", unit, step=True, clock=_clock(problem)
    )


def _clock(problem: SchedulingProblem) -> str:
    return problem.units.time if problem.clock else ""
