"""The choice of a schedule with which every job is done in time on a share of days, on days drawn for all schedules.

Schedules are looked for with earlier due dates, by a part of what jobs are later on bad days than planned; the part
rises until enough days are in time, and is halved from there. What a search meets on its way is driven on the days too:
among schedules that cost much the same as planned some cost less on the average day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.engines.base import Outcome, SolveOptions
from kanopt.plans.days_in_time import DAYS_IN_TIME, SURE, days_needed
from kanopt.plans.findings import Status
from kanopt.scheduling.assessment import SchedulingAssessment
from kanopt.scheduling.days import (
    RunDays,
    dates_kept,
    duration_law,
    lateness_is_priced,
    measured_days,
    run_days,
)
from kanopt.scheduling.dispatch import moved_starts
from kanopt.scheduling.plan import Schedule
from kanopt.scheduling.problem import SchedulingProblem

SHARE = 0.3
"""Of the time limit: what the choice takes."""
_CHOSEN = 2_000_003
"""Seed of the days on which schedules are chosen."""
_DAYS, _FEWEST, _MOST_TASKS = 1000, 200, 400_000
"""Days on which they are chosen, and where shops are large: so many tasks over all days."""
_PER_TASK = 5e-7  # seconds for each task and day, for a clock that counts work
_ROUNDS, _SEARCH = 5, 0.7
"""How often is searched, and the part of the time in which it is; in the rest schedules are driven."""
_FIRST, _FACTOR = 0.25, 2.0
"""Part of what jobs are later by which due dates are earlier, after a search without; and by which factor it rises."""

Search = Callable[[Floats, Schedule, float], Sequence[Schedule]]
"""Returns schedules for other due dates, (jobs,), from a schedule on, in some seconds; the best one first."""


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
    best = _best([run for run in runs if not run.known.rank.breaks_rules], needed)
    reached = best.in_time >= needed
    told = measured_days(best.known, target, uncertainty, typical=typical, reached=reached)
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


def _searched(
    typical: _Run,
    drive: Callable[[Schedule], _Run],
    options: SolveOptions,
    wanted: tuple[float, int],
    search: Search,
) -> Iterator[_Run]:
    """Yield schedules made for earlier due dates, later ones where those before were in time often enough."""
    due, run, (target, needed) = dates_kept(typical.known, typical.known), typical, wanted
    until = options.clock.now() + SHARE * options.time_limit
    level, low, high = 0.0, 0.0, np.inf
    for rounds in range(_ROUNDS, 0, -1):
        if (left := until - options.clock.now()) <= 0.0:
            return
        planned = run.known.simulation.completion(len(due))
        later = np.maximum(np.quantile(run.days.completion, target, axis=0) - planned, 0.0)
        runs = []
        for plan in search(due - level * later, run.known.plan, _SEARCH * left / rounds):
            runs.append(drive(plan))
            if until - options.clock.now() < left * (rounds - 1) / rounds:
                break
        yield from runs
        if not runs:
            return
        run = runs[0]
        low, high = (low, level) if max(each.in_time for each in runs) >= needed else (level, high)
        level = max(_FIRST, _FACTOR * level) if high == np.inf else (low + high) / 2.0
