"""Why jobs are late, and why there can be no schedule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.plans.findings import Reason
from kanopt.scheduling.arrays import ShopTiming
from kanopt.scheduling.dispatch import dispatch_greedily, earliest_completions
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.simulate import TOLERANCE, PlacedTasks
from kanopt.text import amount_text, clock_text, list_names, number_text
from kanopt.units import convert


def lateness_reasons(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[Reason, ...]:
    """Return one reason per job that ends after its due date.

    Proved where the job would be late with every machine to itself; else the machine it waited for longest is named,
    which is what happened in this schedule and not a proof.
    """
    return tuple(_Lateness(problem, placed).reasons())


def infeasibility_reasons(problem: SchedulingProblem) -> tuple[Reason, ...]:
    """Return what makes a schedule impossible, proved by arithmetic where it can be."""
    asked = _Impossible(problem)
    proved = [*asked.without_mode(), *asked.beyond_capacity(), *asked.longer_than_windows()]
    if not proved and problem.horizon is not None:
        proved = [*asked.late_jobs(problem.horizon), *asked.overload()] or [*asked.combined(problem.horizon)]
    return tuple(proved)


class _Shop:
    """A shop, and times and moments as it states them."""

    def __init__(self, problem: SchedulingProblem) -> None:
        self.problem, self.data = problem, problem.data
        self.at, self.timing = problem.data.structure, problem.data.timing

    def time(self, value: float) -> str:
        """Write a length of time."""
        return amount_text(float(value), self.problem.units.time)

    def moment(self, value: float, *, at_least: bool = False) -> str:
        """Write a point in time; what must be at least so late, in whole minutes above it."""
        if not self.problem.clock:
            return self.time(value)
        minutes = convert(float(value), self.problem.units.time, "min")
        return clock_text(math.ceil(minutes - TOLERANCE) if at_least else minutes)

    def ends_alone(self, timing: ShopTiming) -> Floats:
        """Return when each job ends at the earliest, with every machine to itself."""
        ends: Floats = self.at.latest_of_jobs(earliest_completions(self.at, timing)[:, 0])
        return ends


class _Lateness(_Shop):
    """Finds the reasons of the jobs of one schedule that are late."""

    def __init__(self, problem: SchedulingProblem, placed: PlacedTasks) -> None:
        super().__init__(problem)
        self.placed, self.best = placed, self.ends_alone(self.timing)

    def reasons(self) -> Iterator[Reason]:
        """Yield the reason of each."""
        ends, due = self.placed.completion(len(self.data.jobs)), self.timing.due
        for job in np.flatnonzero(ends > due + TOLERANCE).tolist():
            lateness, least = float(ends[job] - due[job]), float(self.best[job] - due[job])
            if proved := least > TOLERANCE:
                why = (
                    f"even with every machine to itself it cannot end before {self.moment(self.best[job])}, "
                    f"{self.time(least)} after its due date of {self.moment(due[job])}"
                )
                enough, cause = (
                    self.moment(self.best[job], at_least=True),
                    "they are late even with every machine to themselves",
                )
                mend = f"a due date of at least {enough}"
            else:
                cause, why = self._bottleneck(job)
                mend = f"a due date of {self.moment(ends[job], at_least=True)}"
            subject, told = f"job {self.data.jobs[job].name}", f"{self.time(lateness)} late: {why}"
            yield Reason(subject, "late", told, mend, proved=proved, bottleneck=cause, amount=lateness)

    def _bottleneck(self, job: int) -> tuple[str, str]:
        """Say where the job waited longest, and in a clause what ran there meanwhile."""
        placed, tasks = self.placed, self.data.tasks
        rows = np.flatnonzero(placed.job == job)
        rows = rows[np.argsort(placed.start[rows], kind="stable")]
        ended = dict(zip(placed.task.tolist(), placed.end.tolist(), strict=True))
        before = [
            [ended[task] for task in self.at.before[each] if task in ended] for each in placed.task[rows]
        ]
        ready = np.array([max([self.timing.release[job], *ends]) for ends in before])
        wait, alone_end = placed.start[rows] - ready, float(self.best[job])
        alone = f"; alone the job would end at {self.moment(alone_end)}"
        longest = int(np.argmax(wait))
        slower = float(placed.end[rows].max()) - alone_end - float(wait.sum())
        if wait[longest] <= max(TOLERANCE, slower):
            told = f"it runs in modes that take {self.time(slower)} longer than the fastest, and waits"
            has_others = bool(np.any(placed.job != job))
            told = f"{told} {self.time(wait.sum())}{alone.replace('the job', 'it') * has_others}"
            return "they run in slower modes than the fastest", told
        row = int(rows[longest])
        # of those that are in the way equally long the machine comes first
        what, minutes, busy = max(self._blocked(row, float(ready[longest])), key=lambda each: each[1])
        cause = f"they wait longest for {what}"
        waits = f"task {tasks[placed.task[row]].name!r} waits {self.time(wait[longest])}"
        if not len(busy):
            why = "which runs no other job meanwhile (a break, a setup, or power is cheaper later)"
            return cause, f"{waits} for {what}, {why}"
        part = "" if minutes >= wait[longest] - TOLERANCE else f", {self.time(minutes)} of them"
        names = list_names([tasks[placed.task[at]].name for at in busy])
        # what tasks of the job take from each other, they would without other jobs too
        has_others = bool(np.any(placed.job[busy] != job))
        return cause, f"{waits}{part} for {what}, which runs {names} meanwhile{alone * has_others}"

    def _blocked(self, row: int, ready: float) -> Iterator[tuple[str, float, Integers]]:
        """Yield the machine and the resources that a task uses, how long each had no room for it, and for which rows.

        Counted is the time from when the task was ready until it started.
        """
        placed, data, machine = self.placed, self.data, int(self.placed.machine[row])
        times = np.unique(np.clip([ready, *placed.start, *placed.end], ready, placed.start[row]))
        middle, lengths = 0.5 * (times[1:] + times[:-1]), np.diff(times)
        running = (placed.start <= middle[:, None]) & (middle[:, None] < placed.end)
        used = [
            (f"resource {data.resources[place].name!r}", placed.need[:, place], self.timing.capacity[place])
            for place in np.flatnonzero(placed.need[row] > 0).tolist()
        ]
        alone = bool(self.at.one_at_a_time[machine])
        if alone or not used:
            name = f"machine {data.machines[machine].name!r}"
            used.insert(0, (name, (placed.machine == machine) * 1.0, 1.0 if alone else math.inf))
        for what, amounts, capacity in used:
            is_full = running @ amounts + amounts[row] > capacity + TOLERANCE * max(1.0, capacity)
            busy = np.flatnonzero(running[is_full].any(axis=0) & (amounts > 0))
            yield what, float(lengths[is_full].sum()), busy


_proved = partial(Reason, kind="infeasible", proved=True)


class _Impossible(_Shop):
    """Proves by arithmetic that a shop has no schedule."""

    def without_mode(self) -> Iterator[Reason]:
        """Find tasks that no machine can run."""
        counts = np.bincount(self.at.mode_task, minlength=len(self.data.tasks))
        for task in np.flatnonzero(counts == 0):
            yield _proved(
                subject=f"task {self.data.tasks[task].name}",
                message="no machine can run it: there is no mode for it",
                relaxation="a mode on one machine",
                bottleneck="no machine can run them",
            )

    def _hopeless(self, excess: Floats) -> Iterator[tuple[str, int]]:
        """Yield tasks of which every mode exceeds something, and the mode that does least."""
        for place, task in enumerate(self.data.tasks):
            own = np.flatnonzero(self.at.mode_task == place)
            if len(own) and (excess[own] > 0).all():
                yield f"task {task.name}", int(own[np.argmin(excess[own])])

    def beyond_capacity(self) -> Iterator[Reason]:
        """Find tasks that need more of a resource in every mode than there is."""
        over = np.clip(self.timing.need - self.timing.capacity, 0.0, None)
        for subject, mode in self._hopeless(over.sum(axis=1)):
            place = int(np.argmax(over[mode]))
            name = f"{self.data.resources[place].name!r}"
            need, there = (
                number_text(value, 6)
                for value in (self.timing.need[mode, place], self.timing.capacity[place])
            )
            yield _proved(
                subject=subject,
                message=f"it needs {need} of {name}, of which there is {there}",
                relaxation=f"a capacity of {need} of {name}",
                bottleneck="they need more of a resource than there is",
                amount=float(over[mode, place]),
            )

    def longer_than_windows(self) -> Iterator[Reason]:
        """Find tasks that are longer than every window of every machine they may use."""
        widest = (self.timing.closes - self.timing.opens).max(axis=1)[self.at.mode_machine]
        excess = self.timing.duration - widest
        for subject, mode in self._hopeless(excess):
            machine = self.data.modes[mode].machine
            where = f" on {machine!r}" if machine else ""
            yield _proved(
                subject=subject,
                message=(
                    f"it takes at least {self.time(self.timing.duration[mode])}{where}, but the longest time that it "
                    f"may run there without a break before the horizon is {self.time(max(0.0, widest[mode]))}"
                ),
                relaxation=f"a window {self.time(excess[mode])} longer{where}",
                bottleneck="they take longer than any machine runs without a break",
                amount=float(excess[mode]),
            )

    def late_jobs(self, horizon: float) -> Iterator[Reason]:
        """Find jobs that cannot be done before the horizon even with every machine to themselves."""
        ends = self.ends_alone(self.data.timing_without_horizon)
        for job in np.flatnonzero(ends > horizon + TOLERANCE):
            yield _proved(
                subject=f"job {self.data.jobs[job].name}",
                message=(
                    f"released at {self.moment(self.timing.release[job])}, it cannot end before "
                    f"{self.moment(ends[job])} even with every machine to itself; the horizon is "
                    f"{self.moment(horizon)}"
                ),
                relaxation=f"a horizon of at least {self.moment(ends[job], at_least=True)}",
                bottleneck="they cannot end before the horizon even with every machine to themselves",
                amount=float(ends[job] - horizon),
            )

    def overload(self) -> Iterator[Reason]:
        """Find machines, and the shop as a whole, with more work than time before the horizon."""
        at, machines = self.at, len(self.data.machines)
        shortest = at.of_tasks(self.timing.duration, np.minimum, np.inf)
        low = at.of_tasks(at.mode_machine, np.minimum, machines)
        high = at.of_tasks(at.mode_machine, np.maximum, -1)
        there = np.clip(self.timing.closes - self.timing.opens, 0.0, None).sum(axis=1)
        there[~at.one_at_a_time] = np.inf
        work = np.bincount(low[low == high], weights=shortest[low == high], minlength=machines)
        for machine in np.flatnonzero(work > there + TOLERANCE):
            name, over = self.data.machines[machine].name, self.time(work[machine] - there[machine])
            yield _proved(
                subject=f"machine {name}",
                message=(
                    f"tasks that run nowhere else take at least {self.time(work[machine])}, but it can run for "
                    f"{self.time(there[machine])} before the horizon"
                ),
                relaxation=f"{over} more on {name!r}, or another machine for these tasks",
            )
        if shortest.sum() > there.sum() + TOLERANCE:
            yield _proved(
                subject="all machines",
                message=(
                    f"all tasks take at least {self.time(shortest.sum())} together, but the machines can run for "
                    f"{self.time(there.sum())} before the horizon"
                ),
                relaxation=f"{self.time(shortest.sum() - there.sum())} more machine time",
            )

    def combined(self, horizon: float) -> Iterator[Reason]:
        """Give a horizon that suffices, where each single job and the total work would fit."""
        built = dispatch_greedily(self.at, self.data.timing_without_horizon)
        if built is None:
            return
        broken = self.problem.check(self.problem.schedule(*built)).violations
        if any(violation.constraint != "horizon" for violation in broken):
            return
        enough = float((built[1] + self.timing.duration[built[0]]).max())
        told = f"each job alone and the work of each machine would fit before the horizon of {self.moment(horizon)}"
        yield Reason(
            "schedule",
            "infeasible",
            f"{told}, but no schedule of all of them was found",
            f"a horizon of {self.moment(enough, at_least=True)} is enough",
        )
