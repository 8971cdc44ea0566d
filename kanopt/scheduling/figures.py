"""What a manager asks of a schedule: when it ends, how late jobs are, how machines are used, what energy it takes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.plans.plan_figures import PlanFigure, Roster, share_of
from kanopt.scheduling.model import SchedulingModel
from kanopt.scheduling.simulate import TOLERANCE, PlacedTasks
from kanopt.text import amount_text, clock_text, count_text, percent_text


def work_to_start(problem: SchedulingModel, placed: PlacedTasks) -> str:
    """Say how many tasks are to run on how many machines, and when the last of them ends."""
    tasks, (used, machines) = count_text(len(placed.task), "task"), _machines_used(problem, placed)
    on = f" on {used:,} of {count_text(machines, 'machine')}" if machines else ""
    until = f", done by {_when(problem, float(placed.end.max()))}" if len(placed.task) else ""
    return f"Run {tasks}{on}{until}"


def _machines_used(problem: SchedulingModel, placed: PlacedTasks) -> tuple[int, int]:
    """Return how many machines run a task, and how many there are."""
    real = problem.data.structure.one_at_a_time
    return int(real[np.unique(placed.machine)].sum()), int(real.sum())


def lateness_of_jobs(problem: SchedulingModel, placed: PlacedTasks) -> Floats:
    """Return by how much each job ends after its due date; zero where it does not, or nothing is promised."""
    over = placed.completion(len(problem.data.jobs)) - problem.data.timing.due
    return np.where(over > TOLERANCE, over, 0.0)


def schedule_figures(problem: SchedulingModel, placed: PlacedTasks) -> tuple[PlanFigure, ...]:
    """Return the figures of a schedule whose tasks end when the laws say."""
    data, unit = problem.data, problem.units.time
    end = float(placed.end.max(initial=0.0))
    late = lateness_of_jobs(problem, placed)
    count, total = int((late > 0).sum()), math.fsum(late.tolist())
    text = amount_text(total, unit) if count else "none"
    note = f"of {count_text(count, 'job')}" if count else "every due date is kept"
    busy, real = _busy(problem, placed), data.structure.one_at_a_time
    used = share_of(float(busy[real].sum()), float(problem.open_time(end)[real].sum()))
    since = f"from {_when(problem, problem.begins)}, the earliest start, " if problem.begins else ""
    how = f"time in which tasks run, as a share of the time in which machines may run {since}until the last task ends"
    promised = int(np.isfinite(data.timing.due).sum())
    found = [
        PlanFigure(
            "end", "Last task ends", end, _when(problem, end), "end of the last task", "", "less", unit
        ),
        PlanFigure(
            "lateness",
            "Lateness",
            total,
            text,
            f"by how much jobs end after their due dates, all {promised:,} with one added up",
            note,
            "less",
            unit,
            bad=bool(count),
        ),
    ]
    count, machines = _machines_used(problem, placed)
    if machines:
        what = "machines that run a task, of those there are"
        found.append(
            PlanFigure("machines", "Machines used", count, f"{count:,} of {machines:,}", what, rank=3)
        )
    tasks = len(placed.task)
    found.append(PlanFigure("tasks", "Tasks run", tasks, f"{tasks:,}", "tasks in the schedule", rank=3))
    if math.isfinite(used):
        found.append(PlanFigure("use", "Use of machines", used, percent_text(used), how, "", "more", "%"))
    setups = math.fsum(_setups(problem, placed).tolist())
    if setups:
        what = "time that machines take to get ready for another family, added up"
        found.append(
            PlanFigure("setups", "Setups", setups, amount_text(setups, unit), what, "", "less", unit, rank=2)
        )
    if data.energy is not None:
        kind = problem.units.energy
        energy = math.fsum(data.energy[placed.mode[placed.mode >= 0]].tolist())
        said = "what the tasks take, added up"
        found.append(
            PlanFigure("energy", "Energy", energy, amount_text(energy, kind), said, "", "less", kind)
        )
    return tuple(found)


def schedule_rosters(problem: SchedulingModel, placed: PlacedTasks) -> tuple[Roster, ...]:
    """Return tables of jobs, with release, due date, end and lateness, and of machines and resources with their use."""
    tables = (_jobs(problem, placed), _machines(problem, placed), _resources(problem, placed))
    return tuple(table for table in tables if len(table.frame))


def _when(problem: SchedulingModel, time: float) -> str:
    return clock_text(time, problem.units.time) if problem.clock else amount_text(time, problem.units.time)


def _busy(problem: SchedulingModel, placed: PlacedTasks) -> Floats:
    """Return for how long each machine runs tasks."""
    took = placed.end - placed.start
    return np.asarray(np.bincount(placed.machine, took, minlength=len(problem.data.machines)), dtype=float)


def _setups(problem: SchedulingModel, placed: PlacedTasks) -> Floats:
    """Return for how long each machine is set up."""
    data = problem.data
    return np.array(
        [
            float(data.setups_of(machine, placed.task[placed.machine == machine]).sum())
            for machine in range(len(data.machines))
        ]
    )


def _jobs(problem: SchedulingModel, placed: PlacedTasks) -> Roster:
    data, clock = problem.data, problem.clock
    unit = "" if clock else f" ({problem.units.time})"
    count = len(data.jobs)
    begins = np.full(count, np.inf)
    np.minimum.at(begins, placed.job, placed.start)
    end = placed.completion(count)
    late = lateness_of_jobs(problem, placed)
    names = [f"{word}{unit}" for word in ("released", "starts", "ends", "due")]
    columns = (data.timing.release, begins, end, data.timing.due)
    frame = pd.DataFrame({"job": [job.name for job in data.jobs]})
    for name, column in zip(names, columns, strict=True):
        frame[name] = np.where(np.isfinite(column), column, np.nan)
    frame[f"late ({problem.units.time})"] = late
    frame[""] = np.where(late > 0, "late", np.where(np.isfinite(data.timing.due), "in time", ""))
    caption = "Jobs: when they are due, when they end"
    return Roster("job", caption, frame, clocks=tuple(names) if clock else (), time=problem.units.time)


def _machines(problem: SchedulingModel, placed: PlacedTasks) -> Roster:
    data, unit = problem.data, problem.units.time
    busy, count = _busy(problem, placed), len(data.machines)
    end = float(placed.end.max(initial=0.0))
    frame = pd.DataFrame(
        {
            "machine": [machine.name for machine in data.machines],
            "tasks": np.bincount(placed.machine, minlength=count),
            f"runs ({unit})": busy,
            f"setups ({unit})": _setups(problem, placed),
            "use": [share_of(*map(float, each)) for each in zip(busy, problem.open_time(end), strict=True)],
        }
    )
    if data.energy is not None:
        run = placed.mode >= 0
        drawn = np.bincount(placed.machine[run], data.energy[placed.mode[run]], minlength=count)
        frame[f"energy ({problem.units.energy})"] = drawn
    frame = frame[data.structure.one_at_a_time]
    return Roster("machine", "What each machine does", frame, shares=("use",))


def _resources(problem: SchedulingModel, placed: PlacedTasks) -> Roster:
    data, run = problem.data, placed.mode >= 0
    need, start, end = data.timing.need[placed.mode[run]], placed.start[run], placed.end[run] - TOLERANCE
    running = (start[:, None] >= start) & (start[:, None] < end)
    most = (running @ need).max(axis=0, initial=0.0)
    given = data.timing.capacity * (float(placed.end.max(initial=0.0)) - problem.begins)
    used = (placed.end - placed.start)[run] @ need
    frame = pd.DataFrame(
        {
            "resource": [resource.name for resource in data.resources],
            "there is": data.timing.capacity,
            "most at once": most,
            "use": [share_of(*map(float, each)) for each in zip(used, given, strict=True)],
        }
    )
    return Roster("resource", "What is needed of each resource", frame, shares=("use",))
