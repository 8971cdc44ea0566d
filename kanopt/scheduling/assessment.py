"""What becomes of a schedule: placed, checked and priced once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.plans.base import Assessment
from kanopt.plans.coverage import Coverage, CoverageWords, InUse, LeftOutPrice
from kanopt.plans.findings import Check, GanttView, Reason, SeriesView, View
from kanopt.plans.law_use import LawUse
from kanopt.plans.plan_figures import PlanFigure, Roster, shares_of
from kanopt.plans.slider_prices import Pricing
from kanopt.scheduling.arrays import SchedulingData
from kanopt.scheduling.law_uses import schedule_law_uses
from kanopt.scheduling.plan import Schedule
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.reasons import infeasibility_reasons, lateness_reasons
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

_RATES = {
    "makespan": "cost of the makespan",
    "tardiness": "costs of lateness",
    ENERGY: "prices of power",
    "machines": "costs of machines",
}
_IN_USE = ("runs", "run"), ("no longer runs", "no longer run")
_WORDS = CoverageWords("finishes", "job", "jobs", "in time")
_BAR = ["row", "start", "end", "label", "kind"]


class SchedulingAssessment(Assessment[Schedule, PlacedTasks]):
    """What becomes of a schedule; its tasks end when the law says. Nothing is frozen, so one simulation does."""

    problem: SchedulingProblem
    rule_words = RULE_WORDS
    rates, stays = _RATES, "the same tasks on the same machines at the same times"
    without_plan = staticmethod(infeasibility_reasons)

    @property
    def _data(self) -> SchedulingData:
        return self.problem.data

    def _when(self, time: float) -> str:
        return (clock_text if self.problem.clock else amount_text)(time, self.problem.units.time)

    # ---- when it ends, how late jobs are, how machines are used, what energy it takes

    @property
    def in_use(self) -> InUse:
        """The machines that run a task."""
        names = (self._data.machines[place].name for place in sorted({*self.simulation.machine.tolist()}))
        return InUse(*_IN_USE, tuple(filter(None, names)))

    @property
    def _machines_used(self) -> tuple[int, int]:
        """How many machines run a task, and how many there are."""
        real = self._data.structure.one_at_a_time
        return int(real[np.unique(self.simulation.machine)].sum()), int(real.sum())

    @property
    def proposal(self) -> str:
        """What is to be run, and when it is done."""
        placed, (used, machines) = self.simulation, self._machines_used
        on = f" on {used:,} of {count_text(machines, 'machine')}" if machines else ""
        until = f", done by {self._when(float(placed.end.max()))}" if len(placed.task) else ""
        return f"Run {count_text(len(placed.task), 'task')}{on}{until}"

    @cached_property
    def _ends(self) -> Floats:
        """When each job ends; minus infinity where none of its tasks is placed."""
        return self.simulation.completion(len(self._data.jobs))

    @cached_property
    def _lateness(self) -> Floats:
        """By how much each job ends after its due date; zero where it does not, or nothing is promised."""
        over = self._ends - self._data.timing.due
        return np.where(over > TOLERANCE, over, 0.0)

    @cached_property
    def _busy(self) -> Floats:
        """For how long each machine runs tasks."""
        return self._on_machines(self.simulation.end - self.simulation.start)

    @cached_property
    def _setups(self) -> Floats:
        """For how long each machine is set up."""
        return self._on_machines(self.simulation.setup)

    def _on_machines(self, amounts: Floats) -> Floats:
        """Add amounts of the tasks that are placed up by machine."""
        machine = self.simulation.machine
        return np.bincount(machine, amounts, minlength=len(self._data.machines)).astype(np.float64)

    @property
    def _energy(self) -> Floats:
        """The energy of each task that is placed in a mode."""
        placed, energy = self.simulation, self._data.energy
        return np.zeros(0) if energy is None else energy[placed.mode[placed.mode >= 0]]

    def _figures(self) -> Iterator[PlanFigure]:
        """Yield the end, lateness, use of machines, setups and energy."""
        problem, data, unit = self.problem, self._data, self.problem.units.time
        end, tasks = float(self.simulation.end.max(initial=0.0)), len(self.simulation.task)
        how = "end of the last task"
        yield PlanFigure("end", "Last task ends", end, self._when(end), how, "", "less", unit)
        count, total = int((self._lateness > 0).sum()), math.fsum(self._lateness.tolist())
        text = amount_text(total, unit) if count else "none"
        note = f"of {count_text(count, 'job')}" if count else "every due date is kept"
        promised = int(np.isfinite(data.timing.due).sum())
        how = f"by how much jobs end after their due dates, all {promised:,} with one added up"
        yield PlanFigure("lateness", "Lateness", total, text, how, note, "less", unit, bad=bool(count))
        used, machines = self._machines_used
        if machines:
            how = "machines that run a task, of those there are"
            yield PlanFigure("machines", "Machines used", used, f"{used:,} of {machines:,}", how, rank=3)
        yield PlanFigure("tasks", "Tasks run", tasks, f"{tasks:,}", "tasks in the schedule", rank=3)
        real = data.structure.one_at_a_time
        use = float(shares_of(self._busy[real].sum(), problem.open_time(end)[real].sum()))
        if math.isfinite(use):
            since = f"from {self._when(problem.begins)}, the earliest start, " if problem.begins else ""
            open_time = f"of the time in which machines may run {since}until the last task ends"
            how = f"time in which tasks run, as a share {open_time}"
            yield PlanFigure("use", "Use of machines", use, percent_text(use), how, "", "more", "%")
        if setups := math.fsum(self._setups.tolist()):
            how = "time that machines take to get ready for another family, added up"
            text = amount_text(setups, unit)
            yield PlanFigure("setups", "Setups", setups, text, how, "", "less", unit, rank=2)
        if data.energy is not None:
            energy, kind = math.fsum(self._energy.tolist()), problem.units.energy
            how, text = "what the tasks take, added up", amount_text(energy, kind)
            yield PlanFigure("energy", "Energy", energy, text, how, "", "less", kind)

    def rosters(self) -> tuple[Roster, ...]:
        """Return tables of jobs, and of machines and resources with their use."""
        tables = (self._jobs(), self._machines(), self._resources())
        return tuple(table for table in tables if len(table.frame))

    def _jobs(self) -> Roster:
        data, placed, clock, time = self._data, self.simulation, self.problem.clock, self.problem.units.time
        unit, begins = "" if clock else f" ({time})", np.full(len(data.jobs), np.inf)
        np.minimum.at(begins, placed.job, placed.start)
        names = [f"{word}{unit}" for word in ("released", "starts", "ends", "due")]
        frame = pd.DataFrame({"job": [job.name for job in data.jobs]})
        columns = (data.timing.release, begins, self._ends, data.timing.due)
        for name, column in zip(names, columns, strict=True):
            frame[name] = np.where(np.isfinite(column), column, np.nan)
        frame[f"late ({time})"] = self._lateness
        in_time = np.where(np.isfinite(data.timing.due), "in time", "")
        frame[""] = np.where(self._lateness > 0, "late", in_time)
        caption = "Jobs: when they are due, when they end"
        return Roster("job", caption, frame, clocks=tuple(names) if clock else (), time=time)

    def _machines(self) -> Roster:
        data, placed, unit, busy = self._data, self.simulation, self.problem.units.time, self._busy
        opened = self.problem.open_time(float(placed.end.max(initial=0.0)))
        frame = pd.DataFrame(
            {
                "machine": [machine.name for machine in data.machines],
                "tasks": np.bincount(placed.machine, minlength=len(busy)),
                f"runs ({unit})": busy,
                f"setups ({unit})": self._setups,
                "use": shares_of(busy, opened),
            }
        )
        if data.energy is not None:
            drawn = np.bincount(placed.machine[placed.mode >= 0], self._energy, minlength=len(busy))
            frame[f"energy ({self.problem.units.energy})"] = drawn
        frame = frame[data.structure.one_at_a_time]
        return Roster("machine", "What each machine does", frame, shares=("use",))

    def _resources(self) -> Roster:
        data, placed = self._data, self.simulation
        given = data.timing.capacity * (float(placed.end.max(initial=0.0)) - self.problem.begins)
        used = (placed.end - placed.start) @ placed.need
        frame = pd.DataFrame(
            {
                "resource": [resource.name for resource in data.resources],
                "there is": data.timing.capacity,
                "most at once": (placed.running_at_starts() @ placed.need).max(axis=0, initial=0.0),
                "use": shares_of(used, given),
            }
        )
        return Roster("resource", "What is needed of each resource", frame, shares=("use",))

    # ---- the Gantt chart, and the price of power with the load

    def views(self) -> tuple[View, ...]:
        """Return a Gantt chart by machine and, where energy is priced, the price of power and the load."""
        bars, marks = (
            pd.DataFrame(each, columns=_BAR).astype({"start": float, "end": float})
            for each in (self._bars(), self._marks())
        )
        time, clock = self.problem.units.time, self.problem.clock
        gantt = GanttView("Schedule by machine", bars, time, clock, marks)
        if self._data.tariff is None or self._data.energy is None or not len(self.simulation.task):
            return (gantt,)
        return (
            gantt,
            *(
                SeriesView(title, frame, f"time [{time}]", unit, step=True, clock=time * clock)
                for title, frame, unit in (self._power_price(), self._load())
            ),
        )

    def _bars(self) -> Iterator[tuple[str, float, float, str, str]]:
        """Yield the tasks (kind: the job), breaks and setups of every machine, in the order of the machines."""
        data, placed = self._data, self.simulation
        latest = float(placed.end.max(initial=0.0))
        for machine, item in enumerate(data.machines):
            for pause in data.calendars:
                of_it = item.name and pause.machine in ("", item.name)
                if of_it and pause.start < latest and pause.end > 0:
                    yield item.name, max(pause.start, 0.0), min(pause.end, latest), "break", "break"
            for row in np.flatnonzero(placed.machine == machine).tolist():
                task, start = data.tasks[placed.task[row]], placed.start[row]
                if (setup := placed.setup[row]) > 0:
                    begin = max(placed.free[row], start - setup)
                    yield item.name, begin, start, f"setup for {task.family}", "setup"
                # what runs on no machine has a row of its own
                job = data.jobs[placed.job[row]].name
                yield item.name or task.name, start, placed.end[row], task.name, job

    def _marks(self) -> Iterator[tuple[str, float, float, str, str]]:
        """Yield when each job is released, on its first task's row, and due, on its last one's, and what is late."""
        data, placed = self._data, self.simulation
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
                yield of_first, released, released, item.name, "release"
            if np.isfinite(due):
                yield of_last, due, due, item.name, "due"
            if self._lateness[job]:
                begin, end = max(due, float(placed.start[last])), float(placed.end[last])
                yield of_last, begin, end, item.name, "overdue"

    def _power_price(self) -> tuple[str, pd.DataFrame, str]:
        tariff, end = self._data.tariff, self.simulation.end.max()
        assert tariff is not None
        shown, unit = tariff.starts < end, self.problem.units.unit_of("money/energy")
        prices = np.append(tariff.prices[shown], tariff.prices[shown][-1])
        index = pd.Index(np.append(tariff.starts[shown], end), name="time")
        return "Price of power", pd.DataFrame({f"price [{unit}]": prices}, index=index), unit

    def _load(self) -> tuple[str, pd.DataFrame, str]:
        """Return the power drawn by all machines: a step up at every start and down at every end."""
        placed, units, run = self.simulation, self.problem.units, self.simulation.mode >= 0
        unit, scale = f"{units.energy}/{units.time}", 1.0
        if same_dimension(unit, "kW"):
            unit, scale = "kW", factor(unit, "kW")
        power = scale * self._energy / self._data.timing.duration[placed.mode[run]]
        times = np.concatenate([placed.start[run], placed.end[run]])
        steps = pd.DataFrame({"time": times, "power": np.concatenate([power, -power])})
        load = steps.groupby("time")["power"].sum().cumsum().clip(lower=0.0)
        return "Load of all machines", pd.DataFrame({f"load [{unit}]": load}), unit

    # ---- which jobs are done in time, and what the others cost

    @property
    def _unfinished(self) -> NDArray[np.bool_]:
        """Which jobs have a task that is not in the schedule."""
        data = self._data
        missing = np.bincount(self.simulation.task, minlength=len(data.tasks)) == 0
        return np.bincount(data.structure.task_job[missing], minlength=len(data.jobs)) > 0

    def _coverage(self) -> Coverage:
        late, unfinished = self._lateness > 0, self._unfinished
        left_out = [job.name for job, left in zip(self._data.jobs, late | unfinished, strict=True) if left]
        lacking = [word for word, found in (("late", late), ("not run", unfinished)) if found.any()]
        return Coverage(_WORDS, len(late), tuple(left_out), lacking=" or ".join(lacking) or "late")

    def _left_out_price(self) -> LeftOutPrice:
        """Return what is paid for the jobs that end late; of those without a price, or not run, it is not known."""
        data = self._data
        paid = math.fsum(data.tardiness_cost * self._lateness)
        unpriced = ((self._lateness > 0) & (data.tardiness_cost <= 0)) | self._unfinished
        names = join_list([data.jobs[job].name for job in np.flatnonzero(unpriced)], 5)
        unknown = f"having {names} in time" * bool(names)
        return LeftOutPrice.of(paid, self.problem.unit, "lateness" * bool(paid), unknown)

    def _simulate(self) -> PlacedTasks:
        return PlacedTasks.of(self.problem, self.plan)

    def _check(self) -> Check:
        return check_schedule(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_schedule(self.problem, self.simulation)

    def _reasons(self) -> tuple[Reason, ...]:
        return lateness_reasons(self.problem, self.simulation)

    def _law_uses(self) -> tuple[LawUse, ...]:
        return schedule_law_uses(self.problem, self.simulation)
