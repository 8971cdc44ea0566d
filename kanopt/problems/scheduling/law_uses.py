"""The laws of duration and energy, as a schedule uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kanopt.formulas.binding import BoundFormula
from kanopt.problems.law_use import LawUse, unit_factor
from kanopt.problems.scheduling.simulate import TOLERANCE, PlacedTasks

if TYPE_CHECKING:
    from kanopt.problems.scheduling.arrays import Floats, Ints
    from kanopt.problems.scheduling.problem import SchedulingProblem

__all__ = ["schedule_law_uses"]

_DELAY = 1e-4
"""Share of the shortest duration by which a task is made longer to see what that costs."""


def schedule_law_uses(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[LawUse, ...]:
    """Return the duration, and where it is paid for the energy, of every task that is placed."""
    runs = np.flatnonzero(placed.mode >= 0)
    if not runs.size:
        return ()
    return (*_duration(problem, placed, runs), *_energy(problem, placed, runs))


def _duration(problem: SchedulingProblem, placed: PlacedTasks, runs: Ints) -> Iterator[LawUse]:
    law = problem.duration
    if isinstance(law, BoundFormula):
        rise = delay_costs(problem, placed)[runs]
        yield _use(problem, "duration", law, placed.mode[runs], rise)


def _energy(problem: SchedulingProblem, placed: PlacedTasks, runs: Ints) -> Iterator[LawUse]:
    data, law = problem.data, problem.energy
    if problem.uses_energy and isinstance(law, BoundFormula):
        rise = np.zeros(len(runs))
        if data.tariff is not None:
            duration = data.timing.duration[placed.mode[runs]]
            rise = data.tariff.cost(placed.start[runs], duration, np.ones(len(runs)))
        yield _use(problem, "energy", law, placed.mode[runs], rise)


def _use(problem: SchedulingProblem, name: str, law: BoundFormula, modes: Ints, rise: Floats) -> LawUse:
    inputs, count = problem.data.mode_inputs, len(problem.data.modes)
    arguments = {
        key: np.broadcast_to(values, (count,))[modes]
        for key, values in law.arguments(inputs.reference_values).items()
    }
    factor = unit_factor(law.formula.output.unit, problem.units.of_mode()[name])
    return LawUse(name, law.formula, arguments, factor * rise, modes.shape, ("task", "tasks"))


def delay_costs(problem: SchedulingProblem, placed: PlacedTasks) -> Floats:
    """Return by how much the price rises for each unit of time by which a task takes longer; shape ``(n,)``.

    A longer task makes those later that start as soon as it ends: the next of its job, and the next on its machine. The
    order on machines stays as it is.
    """
    long = np.maximum(placed.end - placed.start, 0.0)
    after = _followers(problem, placed)
    step = _DELAY * float(long[long > 0].min(initial=1.0))
    base = _price(problem, placed, placed.start, placed.end)
    costs = np.zeros(len(placed.task))
    for row in range(len(costs)):
        moved = np.zeros(len(costs))
        waiting = list(after[row])
        while waiting:
            one = waiting.pop()
            if not moved[one]:
                moved[one] = step
                waiting += after[one]
        end = placed.end + moved
        end[row] += step
        costs[row] = (_price(problem, placed, placed.start + moved, end) - base) / step
    return costs


def _followers(problem: SchedulingProblem, placed: PlacedTasks) -> list[list[int]]:
    """Return for each row the rows that start as soon as it ends, by job and by machine."""
    data = problem.data
    row_of = dict(zip(placed.task.tolist(), range(len(placed.task)), strict=True))
    after: list[list[int]] = [[] for _ in placed.task]
    for row, task in enumerate(placed.task.tolist()):
        before = row_of.get(int(data.structure.previous[task]), -1)
        if before >= 0 and placed.start[row] - placed.end[before] <= TOLERANCE:
            after[before].append(row)
    for machine in range(len(data.machines)):
        rows = np.flatnonzero(placed.machine == machine)
        setup = data.setups_of(machine, placed.task[rows])
        for earlier, later, needed in zip(rows[:-1], rows[1:], setup[1:], strict=True):
            if placed.start[later] - placed.end[earlier] - needed <= TOLERANCE:
                after[int(earlier)].append(int(later))
    return after


def _price(problem: SchedulingProblem, placed: PlacedTasks, start: Floats, end: Floats) -> float:
    """Return the price of a schedule at other times, as :func:`price_schedule` adds it up."""
    data = problem.data
    ends = np.full(len(data.jobs), -np.inf)
    np.maximum.at(ends, placed.job, end)
    late = np.clip(ends - data.timing.due, 0.0, None)
    total = problem.makespan_cost * float(end.max()) + float((data.tardiness_cost * late).sum())
    run = placed.mode >= 0
    if data.energy is not None and data.tariff is not None and run.any():
        energy = data.energy[placed.mode[run]]
        total += float(data.tariff.cost(start[run], end[run] - start[run], energy).sum())
    return total
