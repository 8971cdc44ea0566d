"""A schedule on many days, on which tasks take longer or shorter than their law says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.engines.base import Outcome, SolveOptions
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.days_in_time import (
    COMMON_SEED,
    DAYS_IN_TIME,
    SURE,
    DaysInTime,
    common_draws,
    days_needed,
    mean_days,
)
from kanopt.plans.findings import Status
from kanopt.plans.money_at_stake import draw_price_errors
from kanopt.plans.uncertainty import UncertainLaw, Uncertainty, uncertain_law
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.dispatch import earliest_completions, moved_starts
from kanopt.scheduling.law_uses import LEAST, delayed_days
from kanopt.scheduling.plan import Schedule
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.simulate import TOLERANCE

_AS_LEARNED = Uncertainty()
_TASKS, _PRICE = range(2)  # streams of random numbers


@dataclass(frozen=True, eq=False)
class RunDays:
    """A schedule on many days.

    Parameters
    ----------
    completion
        When each job is done, minus infinity where none of its tasks is placed; (days, jobs).
    cost
        What each day costs; (days,).
    """

    completion: Floats
    cost: Floats

    def in_time(self, due: Floats) -> NDArray[np.bool_]:
        """Say on which days every job is done by some dates; (days,)."""
        return np.asarray((self.completion <= due + TOLERANCE).all(axis=1))


def duration_law(problem: SchedulingProblem, uncertainty: Uncertainty) -> UncertainLaw:
    """Return what is known of the errors of durations."""
    law = problem.duration if isinstance(problem.duration, BoundFormula) else None
    unit = problem.units.time
    return uncertain_law("durations", "tasks", law, uncertainty.task, uncertainty, unit)


def knows_errors(problem: SchedulingProblem, uncertainty: Uncertainty) -> bool:
    """Say whether a job has a due date and errors of durations are known."""
    has_due_date = np.isfinite(problem.data.timing.due).any()
    return bool(has_due_date) and duration_law(problem, uncertainty).model is not None


def lateness_is_priced(problem: SchedulingProblem) -> bool:
    """Say whether every job with a due date pays for being late."""
    return bool((problem.data.tardiness_cost > 0)[np.isfinite(problem.data.timing.due)].all())


def run_days(assessment: SchedulingAssessment, law: UncertainLaw, days: int, seed: int) -> RunDays:
    """Run a schedule on many days, in its order on each machine.

    A task starts when it was to start, or as soon as what must be over before has ended and no break of its machine is
    in the way of what it takes by the law. What happens to a task on a day is the same in all schedules.

    Parameters
    ----------
    assessment
        The schedule on the laws.
    law
        Errors of durations, which tasks of a day may share.
    days, seed
        How many, and the seed of what happens.
    """
    problem, placed = assessment.problem, assessment.simulation
    streams = [np.random.default_rng([seed, part]) for part in range(2)]
    longer = np.zeros((days, len(placed.task)))
    errors = law.draw((days, 1, len(problem.data.tasks)), streams[_TASKS])
    if errors is not None:
        for row in np.flatnonzero(placed.mode >= 0).tolist():
            took = float(placed.end[row] - placed.start[row])
            longer[:, row] = errors.apply(int(placed.task[row]), np.full(days, took)) - took
    end, changes = delayed_days(problem, placed, longer)
    cost = assessment.pricing.objective + changes
    cost = cost + draw_price_errors(assessment.law_uses, days, streams[_PRICE])
    return RunDays(placed.completion(len(problem.data.jobs), end), cost)


def most_in_time(problem: SchedulingProblem, law: UncertainLaw, days: int, seed: int, dates: Floats) -> float:
    """Return a share of days that no schedule exceeds: on which each job alone in the shop is done by its date.

    Of every task the mode counts that ends first that day, without setups.
    """
    at, timing = problem.data.structure, problem.data.timing_without_horizon
    errors = law.draw((days, 1, len(problem.data.tasks)), np.random.default_rng([seed, _TASKS]))

    def took(task: int, planned: Floats) -> Floats:
        return planned if errors is None else np.maximum(errors.apply(task, planned), LEAST * planned)

    ends = earliest_completions(at, timing, days, took)
    return float((ends <= dates[at.task_job, None] + TOLERANCE).all(axis=0).mean())


def dates_kept(assessment: SchedulingAssessment, typical: SchedulingAssessment) -> Floats:
    """Return by when each job is to be done: infinite where nothing is promised, or both plans have it late."""
    due = assessment.problem.data.timing.due
    ends = (each.simulation.completion(len(due)) for each in (assessment, typical))
    return np.where(np.minimum(*ends) > due + TOLERANCE, np.inf, due)


def measured_days(
    assessment: SchedulingAssessment,
    target: float,
    uncertainty: Uncertainty = _AS_LEARNED,
    *,
    typical: SchedulingAssessment | None = None,
    reached: bool | None = None,
) -> DaysInTime | None:
    """Return how often a schedule is in time; None where no job has to be, or no errors of durations are known.

    Parameters
    ----------
    assessment
        The schedule.
    target
        Share of days that is asked for.
    uncertainty
        What is taken to be uncertain.
    typical
        The schedule that is cheapest on typical times, which is told beside; left out, the one given.
    reached
        Whether the share is reached, as far as other days tell; None where no other days were looked at.
    """
    problem, typical = assessment.problem, typical or assessment
    dates = dates_kept(assessment, typical)
    if not knows_errors(problem, uncertainty) or np.isinf(dates).all():
        return None
    law, draws = duration_law(problem, uncertainty), common_draws(len(problem.data.tasks))
    days, usual = (run_days(each, law, draws, COMMON_SEED) for each in (assessment, typical))
    share = float(days.in_time(dates).mean())
    reached = share >= target if reached is None else reached
    return DaysInTime(
        target=target,
        reached=reached,
        share=share,
        price=assessment.pricing.objective,
        typical_share=float(usual.in_time(dates_kept(typical, typical)).mean()),
        typical_price=typical.pricing.objective,
        **mean_days(days.cost, usual.cost),
        earlier=0.0,
        moved=0,
        rerouted=assessment is not typical,
        not_kept=(),
        draws=draws,
        money=problem.unit,
        time=problem.units.time,
        of_tasks=True,
        all_priced=lateness_is_priced(problem),
        most=1.0 if reached else most_in_time(problem, law, draws, COMMON_SEED, dates),
        late_in_plan=int((np.isinf(dates) & np.isfinite(problem.data.timing.due)).sum()),
    )


SHARE = 0.3
"""Of the time limit: what the choice takes."""
_CHOSEN = 2_000_003
"""Seed of the days on which schedules are chosen."""
_DAYS, _FEWEST, _MOST_TASKS = 1000, 200, 400_000
"""Days on which they are chosen, and where shops are large: so many tasks over all days."""
_PER_TASK = 5e-7  # seconds for each task and day, for a clock that counts work
_ROUNDS, _SEARCH = 8, 0.7
"""How often is searched, and the part of the time in which it is; in the rest schedules are driven."""
_CHOICES, _STEP = 4, 0.05
"""Schedules that are told beside the cheapest one on typical times, and shares of days by which they differ."""
_FIRST, _FACTOR = 0.25, 2.0
"""Part of what jobs are later by which due dates are earlier, after a search without; and by which factor it rises."""

_HALF = 0.5
"""Part of what jobs are later by that goes to longer tasks and not to earlier dates, so that machines get time too."""

Search = Callable[[Floats, float, Schedule, float], Sequence[Schedule]]
"""Returns schedules for other due dates, (jobs,), and tasks that take longer by a factor, from a schedule on, in some
seconds; the best one first."""


@dataclass(frozen=True, eq=False)
class _Run:
    """A schedule on the days of choice: how many are in time, and what they cost on average."""

    known: SchedulingAssessment
    days: RunDays
    in_time: int
    cost: float


def in_time_on_days(
    problem: SchedulingProblem, outcome: Outcome, options: SolveOptions, search: Search
) -> Outcome:
    """Return the cheapest schedule found that is in time on the share of days asked for, or the most punctual one.

    Parameters
    ----------
    problem
        One with due dates, and durations whose errors are known.
    outcome
        Has the schedule that costs least on typical times.
    options, search
        How.
    """
    target, uncertainty = options.days_in_time or DAYS_IN_TIME, options.uncertainty
    plan: Any = outcome.plan
    typical: Any = problem.assess(plan)
    if typical.rank.breaks_rules or np.isinf(dates_kept(typical, typical)).all():
        return outcome
    law, count = duration_law(problem, uncertainty), max(1, len(problem.data.tasks))
    days = min(_DAYS, max(_FEWEST, _MOST_TASKS // count))
    needed = days_needed(target, days)

    def drive(plan: Schedule) -> _Run:
        known: Any = problem.assess(plan)
        found = run_days(known, law, days, _CHOSEN)
        options.clock.spend(_PER_TASK * days * count)
        return _Run(
            known, found, int(found.in_time(dates_kept(known, typical)).sum()), float(found.cost.mean())
        )

    runs = [drive(plan)]
    if runs[0].in_time < needed:
        runs += map(drive, moved_starts(problem.data, plan))
        runs += _searched(runs[0], drive, options, (target, needed), search)
    runs = [run for run in runs if not run.known.rank.breaks_rules]
    best = _best(runs, needed)
    reached = best.in_time >= needed
    told = measured_days(best.known, target, uncertainty, typical=typical, reached=reached)
    if told is not None:
        told = replace(told, frontier=_frontier(runs, law, told.draws))
    if best.known is typical:
        return replace(outcome, days_in_time=told)
    # the bound of a solver is on schedules that cost least on typical times
    status = Status.FEASIBLE if outcome.status is Status.OPTIMAL else outcome.status
    objective = best.known.pricing.objective
    return replace(outcome, plan=best.known.plan, objective=objective, status=status, days_in_time=told)


def _best(runs: list[_Run], needed: int) -> _Run:
    """Return the run that costs least of those in time often enough.

    Where there is none, the most punctual one. Where all lateness has a price, that is the most punctual one of those
    that cost no more on average than the first one: nobody pays more for punctuality than lateness costs.
    """
    days = len(runs[0].days.cost)
    most = max(run.in_time for run in runs)
    if most < needed:
        if lateness_is_priced(runs[0].known.problem):
            # what has no cost on a day, as a law without a value there, is compared with nothing
            runs = [run for run in runs if run is runs[0] or run.cost <= runs[0].cost]
            most = max(run.in_time for run in runs)
        # what is in time on the most days does not differ from what is nearly so
        needed = int(most - SURE * np.sqrt(most * (days - most) / days + 1.0))
    return min((run for run in runs if run.in_time >= needed), key=lambda run: run.cost)


def _frontier(runs: list[_Run], law: UncertainLaw, draws: int) -> tuple[tuple[float, float], ...]:
    """Return share of days in time and mean price of a day, of the first run and of the best ones of the others."""
    found, most, first = [], -1.0, runs[0]
    for run in sorted(runs[1:], key=lambda run: run.cost):
        better = run.in_time > first.in_time or run.cost < first.cost
        if better and np.isfinite(run.cost) and run.in_time >= most + _STEP * len(run.days.cost):
            found.append(run)
            most = run.in_time
    some = np.unique(np.linspace(0, len(found) - 1, min(_CHOICES, len(found))).astype(int))
    told = []
    for run in (first, *(found[place] for place in some)):
        days = run_days(run.known, law, draws, COMMON_SEED)
        dates = dates_kept(run.known, first.known)
        told.append((float(days.in_time(dates).mean()), float(days.cost.mean())))
    return tuple(told) if np.isfinite(told).all() else ()


def _searched(
    typical: _Run,
    drive: Callable[[Schedule], _Run],
    options: SolveOptions,
    wanted: tuple[float, int],
    search: Search,
) -> Iterator[_Run]:
    """Yield schedules made for earlier due dates, later ones where those before held.

    Where none held in half of the searches, dates are earlier and tasks longer, less so where that costs too much.
    """
    due, (target, needed) = dates_kept(typical.known, typical.known), wanted
    until = options.clock.now() + SHARE * options.time_limit
    level, low, high, half, run = 0.0, 0.0, np.inf, 0.0, typical
    for rounds in range(_ROUNDS, 0, -1):
        if (left := until - options.clock.now()) <= 0.0:
            return
        if rounds == _ROUNDS // 2 and high == np.inf:
            level, low, half, run = _FIRST, 0.0, _HALF, typical
        planned = run.known.simulation.completion(len(due))
        later = np.maximum(np.quantile(run.days.completion, target, axis=0) - planned, 0.0)
        runs = []
        part = np.median((later / (planned - run.known.problem.begins))[np.isfinite(due)])
        longer = 1.0 + half * level * float(part)
        for plan in search(
            due - (1.0 - half) * level * later, longer, run.known.plan, _SEARCH * left / rounds
        ):
            runs.append(drive(plan))
            if until - options.clock.now() < left * (rounds - 1) / rounds:
                break
        yield from runs
        if not runs:
            return
        run = runs[0]
        enough = max(each.in_time for each in runs) >= needed
        if half and lateness_is_priced(run.known.problem):
            enough |= min(each.cost for each in runs) > typical.cost
        low, high = (low, level) if enough else (level, high)
        level = max(_FIRST, _FACTOR * level) if high == np.inf else (low + high) / 2.0
