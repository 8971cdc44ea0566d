"""The laws of duration and energy, as a schedule uses them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.law_use import LawUse, unit_factor
from kanopt.scheduling.arrays import earliest_start
from kanopt.scheduling.entities import Mode
from kanopt.scheduling.problem import SchedulingProblem
from kanopt.scheduling.simulate import ENERGY, TOLERANCE, PlacedTasks, schedule_amounts

LEAST = 1e-3
"""Share of its planned duration that a task takes at least, whatever the law is wrong by."""


def schedule_law_uses(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[LawUse, ...]:
    """Return the duration, and where it is paid for the energy, of every task that is placed."""
    runs = np.flatnonzero(placed.mode >= 0)
    if not runs.size:
        return ()
    return (*_duration(problem, placed, runs), *_energy(problem, placed, runs))


def _duration(problem: SchedulingProblem, placed: PlacedTasks, runs: Integers) -> Iterator[LawUse]:
    law = problem.duration
    if isinstance(law, BoundFormula):
        factor = unit_factor(law.formula.output.unit, problem.units.time)

        def change(changes: Floats) -> Floats:
            longer = np.zeros((len(changes), len(placed.task)))
            longer[:, runs] = factor * changes
            return delayed_days(problem, placed, longer)[1]

        use = _use(problem, "duration", law, placed.mode[runs], np.zeros(len(runs)))
        yield replace(use, price_change=change)


def _energy(problem: SchedulingProblem, placed: PlacedTasks, runs: Integers) -> Iterator[LawUse]:
    data, law = problem.data, problem.energy
    if problem.uses_energy and isinstance(law, BoundFormula):
        rise = np.zeros(len(runs))
        if data.tariff is not None:
            duration = data.timing.duration[placed.mode[runs]]
            rise = data.tariff.cost(placed.start[runs], duration, np.ones(len(runs)))
        use = _use(problem, "energy", law, placed.mode[runs], rise)
        yield use if data.tariff is None else replace(use, term=ENERGY)


def _use(
    problem: SchedulingProblem,
    name: str,
    law: BoundFormula,
    modes: Integers,
    rise: Floats,
) -> LawUse:
    inputs, count = problem.data.mode_inputs, len(problem.data.modes)
    arguments = {
        key: np.broadcast_to(values, (count,))[modes]
        for key, values in law.arguments(inputs.reference_values).items()
    }
    factor = unit_factor(law.formula.output.unit, problem.units.of(Mode)[name])
    shape, places = modes.shape, ("task", "tasks")
    where = partial(_task_names, problem, modes)
    return LawUse(name, law.formula, arguments, factor * rise, shape, places, where=where)


def _task_names(problem: SchedulingProblem, modes: Integers) -> list[tuple[str, str]]:
    known = problem.data.modes
    return [(known[mode].machine, known[mode].task) for mode in modes]


def delayed_days(problem: SchedulingProblem, placed: PlacedTasks, longer: Floats) -> tuple[Floats, Floats]:
    """Return when tasks end where they take longer or shorter than planned, and by how much the price changes.

    The order on machines stays as it is. A task starts when it was to start, or as soon as those that it comes after,
    the one ahead of it on its machine with the setup between, and each that leaves it too little of a resource while it
    runs, have ended. If that is later, it does not start where a break of its machine would come before its planned
    duration is over.

    Parameters
    ----------
    problem, placed
        The schedule.
    longer
        By how much each task takes longer, ``(draws, n)``.

    Returns
    -------
    ends, changes
        Shapes ``(draws, n)`` and ``(draws,)``.
    """
    # the first day is as planned
    start, end = delayed_times(problem, placed, np.vstack([np.zeros(longer.shape[1]), longer]))
    amounts = schedule_amounts(problem, placed, start, end).values()
    price = np.sum([each.sum(axis=1) for each in amounts], axis=0)
    return end[1:], price[1:] - price[0]


def delayed_times(problem: SchedulingProblem, placed: PlacedTasks, longer: Floats) -> tuple[Floats, Floats]:
    """Return starts and ends where tasks take longer or shorter, (draws, n) each; see :func:`delayed_days`."""
    ahead, took, timing = (
        _ahead(problem, placed),
        placed.end - placed.start,
        problem.data.timing_without_horizon,
    )
    start = np.tile(placed.start, (len(longer), 1))
    end = np.empty_like(start)
    for row in np.argsort(placed.start, kind="stable").tolist():
        for before, setup in ahead[row]:
            # a plan that breaks this rule breaks it as before
            gap = min(float(placed.start[row] - placed.end[before]), setup)
            if placed.start[before] <= placed.start[row] and before != row:
                start[:, row] = np.maximum(start[:, row], end[:, before] + gap)
        late = np.flatnonzero(start[:, row] > placed.start[row] + TOLERANCE)
        if late.size and timing.opens.shape[1] > 1:
            there, long = np.full(late.size, placed.machine[row]), np.full(late.size, took[row])
            free = earliest_start(timing, there, start[late, row], long)
            start[late, row] = np.where(np.isfinite(free), free, start[late, row])
        end[:, row] = start[:, row] + np.maximum(took[row] + longer[:, row], LEAST * took[row])
    return start, end


def _ahead(problem: SchedulingProblem, placed: PlacedTasks) -> list[list[tuple[int, float]]]:
    """Return for each row the rows that must have ended before it, by job and by machine, and the setup between."""
    data = problem.data
    row_of = dict(zip(placed.task.tolist(), range(len(placed.task)), strict=False))
    ahead: list[list[tuple[int, float]]] = [[] for _ in placed.task]
    for first, second in data.structure.pairs.tolist():
        if first in row_of and second in row_of:
            ahead[row_of[second]].append((row_of[first], 0.0))
    for first, second in _shared_resources(problem, placed):
        ahead[second].append((first, 0.0))
    in_turn = data.structure.one_at_a_time[placed.machine]
    for row in np.flatnonzero(placed.follows & in_turn).tolist():
        ahead[row].append((row - 1, float(placed.setup[row])))
    return ahead


def _shared_resources(problem: SchedulingProblem, placed: PlacedTasks) -> Iterator[tuple[int, int]]:
    """Yield two rows of which the second could not start while the first still ran: a resource would not suffice."""
    need, room = placed.need, problem.data.timing.capacity * (1.0 + TOLERANCE)
    for row in np.flatnonzero(need.any(axis=1)).tolist():
        start = placed.start[row]
        running = (placed.start <= start) & (placed.end > start + TOLERANCE)
        ended = np.flatnonzero(placed.end <= start + TOLERANCE)
        short = (need[running].sum(axis=0) + need[ended] > room) & (need[ended] > 0) & (need[row] > 0)
        yield from ((int(earlier), row) for earlier in ended[short.any(axis=1)])
