"""What becomes of a schedule: placed, checked and priced once."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.plans.base import Assessment
from kanopt.plans.coverage import Coverage, CoverageWords, InUse, InUseWords, LeftOutPrice
from kanopt.plans.findings import Check, GanttView, Reason, SeriesView, View
from kanopt.plans.law_use import LawUse
from kanopt.plans.plan_figures import PlanFigure, Roster, emissions, share_of
from kanopt.plans.slider_prices import Pricing, SliderPrices, priced_by_terms
from kanopt.scheduling.arrays import PowerTariff
from kanopt.scheduling.law_uses import schedule_law_uses
from kanopt.scheduling.model import SchedulingModel
from kanopt.scheduling.plan import Schedule
from kanopt.scheduling.reasons import lateness_reasons
from kanopt.scheduling.simulate import (
    ENERGY,
    RULE_WORDS,
    TOLERANCE,
    PlacedTasks,
    check_schedule,
    price_schedule,
)
from kanopt.text import amount_text, clock_text, count_text, join_list, percent_text
from kanopt.units import factor, same_dimension

# What a manager asks of a schedule: when it ends, how late jobs are, how machines are used, what energy it
# takes.


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


# Views of a schedule: the Gantt chart, and the price of power with the load.


_BAR = ["row", "start", "end", "label", "kind"]


def views_of(problem: SchedulingModel, placed: PlacedTasks) -> tuple[View, ...]:
    """Return the Gantt chart and, where energy is priced, the price of power and the load."""
    bars, marks = _bars(problem, placed), _marks(problem, placed)
    gantt = GanttView("Schedule by machine", bars, problem.units.time, problem.clock, marks)
    tariff, energy = problem.data.tariff, problem.data.energy
    if tariff is None or energy is None or not len(placed.task):
        return (gantt,)
    return (gantt, _price(problem, placed, tariff), _load(problem, placed, energy))


def _bars(problem: SchedulingModel, placed: PlacedTasks) -> pd.DataFrame:
    """Return the tasks (kind: the job), breaks and setups of every machine, in the order of the machines."""
    data = problem.data
    latest = float(placed.end.max(initial=0.0))
    bars: list[tuple[str, float, float, str, str]] = []
    for machine, item in enumerate(data.machines):
        bars += [
            (item.name, max(pause.start, 0.0), min(pause.end, latest), "break", "break")
            for pause in data.breaks
            if item.name and pause.machine in ("", item.name) and pause.start < latest and pause.end > 0
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
            # what runs on no machine has a row of its own
            row = item.name or data.tasks[task].name
            bars.append((row, start, end, data.tasks[task].name, data.jobs[job].name))
            free = end
    return pd.DataFrame(bars, columns=_BAR).astype({"start": float, "end": float})


def _marks(problem: SchedulingModel, placed: PlacedTasks) -> pd.DataFrame:
    """Return when each job is released, on its first task's row, and due, on its last one's, and what is late."""
    data, marks = problem.data, []
    late = lateness_of_jobs(problem, placed)
    for job, item in enumerate(data.jobs):
        rows = np.flatnonzero(placed.job == job)
        if not rows.size:
            continue
        first, last = rows[np.argmin(placed.start[rows])], rows[np.argmax(placed.end[rows])]
        of_first, of_last = (
            data.machines[placed.machine[row]].name or data.tasks[placed.task[row]].name
            for row in (first, last)
        )
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


def _price(problem: SchedulingModel, placed: PlacedTasks, tariff: PowerTariff) -> SeriesView:
    shown = tariff.starts < placed.end.max()
    index = np.append(tariff.starts[shown], placed.end.max())
    prices = np.append(tariff.prices[shown], tariff.prices[shown][-1])
    unit = problem.units.unit_of("money/energy")
    frame = pd.DataFrame({f"price [{unit}]": prices}, index=pd.Index(index, name="time"))
    return SeriesView(
        "Price of power", frame, f"time [{problem.units.time}]", unit, step=True, clock=_clock(problem)
    )


def _load(problem: SchedulingModel, placed: PlacedTasks, energy: NDArray[np.float64]) -> SeriesView:
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


def _clock(problem: SchedulingModel) -> str:
    return problem.units.time if problem.clock else ""


# Which jobs a schedule finishes in time, and what the others cost.


_WORDS = CoverageWords("finishes", "job", "jobs", "in time")
_LATE, _NOT_RUN = "late", "not run"


def jobs_in_time(problem: SchedulingModel, placed: PlacedTasks) -> Coverage:
    """Count the jobs that end by their due dates, and name those that end later or do not run to their end."""
    data = problem.data
    late, unfinished = _late(problem, placed), _unfinished(problem, placed)
    left_out = tuple(job.name for job, left in zip(data.jobs, late | unfinished, strict=True) if left)
    lacking = [word for word, found in ((_LATE, late), (_NOT_RUN, unfinished)) if found.any()]
    return Coverage(_WORDS, len(data.jobs), left_out, lacking=" or ".join(lacking) or _LATE)


def price_of_lateness(problem: SchedulingModel, placed: PlacedTasks) -> LeftOutPrice:
    """Return what is paid for the jobs that end late; of those without a price, or that do not run, it is not known."""
    data = problem.data
    late, unfinished = _late(problem, placed), _unfinished(problem, placed)
    over = np.where(late, placed.completion(len(data.jobs)) - data.timing.due, 0.0)
    paid = math.fsum(data.tardiness_cost * over)
    unpriced = (late & (data.tardiness_cost <= 0)) | unfinished
    names = join_list([data.jobs[job].name for job in np.flatnonzero(unpriced)], 5)
    return LeftOutPrice.of(
        paid, problem.unit, "lateness" * bool(paid), f"having {names} in time" * bool(names)
    )


def _late(problem: SchedulingModel, placed: PlacedTasks) -> NDArray[np.bool_]:
    ends = placed.completion(len(problem.data.jobs))
    return np.asarray(ends > problem.data.timing.due + TOLERANCE)


def _unfinished(problem: SchedulingModel, placed: PlacedTasks) -> NDArray[np.bool_]:
    """Say which jobs have a task that is not in the schedule."""
    data = problem.data
    missing = np.bincount(placed.task, minlength=len(data.tasks)) == 0
    return np.bincount(data.structure.task_job[missing], minlength=len(data.jobs)) > 0


_RATES = {
    "makespan": "cost of the makespan",
    "tardiness": "costs of lateness",
    ENERGY: "prices of power",
}

_IN_USE = InUseWords(("runs", "run"), ("no longer runs", "no longer run"))


class SchedulingAssessment(Assessment[Schedule, PlacedTasks]):
    """What becomes of a schedule; its tasks end when the law says. Nothing is frozen, so one simulation does."""

    problem: SchedulingModel
    rule_words = RULE_WORDS

    @property
    def in_use(self) -> InUse:
        """The machines that run a task."""
        machines = self.problem.data.machines
        names = (machines[place].name for place in sorted({*self.simulation.machine.tolist()}))
        return InUse(_IN_USE, tuple(filter(None, names)))

    @property
    def proposal(self) -> str:
        """What is to be run, and when it is done."""
        return work_to_start(self.problem, self.simulation)

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return the end, lateness, use of machines, setups and energy, and CO₂ where a law gives it."""
        return (*schedule_figures(self.problem, self.simulation), *emissions(self.law_uses))

    def rosters(self) -> tuple[Roster, ...]:
        """Return what becomes of each job, and what each machine does."""
        return schedule_rosters(self.problem, self.simulation)

    def slider_prices(self) -> SliderPrices | None:
        """Return what the schedule pays for: the makespan, lateness and power, each in proportion to its prices."""
        stays = "the same tasks on the same machines at the same times"
        return priced_by_terms(self.pricing.arrays(), _RATES, self.pricing.unit, stays)

    def views(self) -> tuple[View, ...]:
        """Return a Gantt chart by machine and, where energy is priced, the price of power and the load."""
        return views_of(self.problem, self.simulation)

    def _simulate(self) -> PlacedTasks:
        return PlacedTasks.of(self.problem, self.plan)

    def _check(self) -> Check:
        return check_schedule(self.problem, self.simulation)

    def _coverage(self) -> Coverage:
        return jobs_in_time(self.problem, self.simulation)

    def _left_out_price(self) -> LeftOutPrice:
        return price_of_lateness(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_schedule(self.problem, self.simulation)

    def _reasons(self) -> tuple[Reason, ...]:
        return lateness_reasons(self.problem, self.simulation)

    def _law_uses(self) -> tuple[LawUse, ...]:
        return schedule_law_uses(self.problem, self.simulation)
