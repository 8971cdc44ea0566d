"""Tasks of a schedule whose mode is outside the data a law was learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.formulas.binding import BoundFormula
from kanopt.problems.findings import Extrapolation
from kanopt.problems.scheduling.simulate import PlacedTasks

if TYPE_CHECKING:
    from kanopt.problems.scheduling.problem import SchedulingProblem


def schedule_extrapolations(problem: SchedulingProblem, placed: PlacedTasks) -> tuple[Extrapolation, ...]:
    """Return one entry per law and scheduled task whose mode lies outside the law's domain."""
    given = {"duration": problem.duration, "energy": problem.energy if problem.uses_energy else None}
    laws = {name: law for name, law in given.items() if isinstance(law, BoundFormula)}
    used = np.unique(placed.mode[placed.mode >= 0])
    return tuple(use for name, law in laws.items() for use in _law_extrapolations(problem, name, law, used))


def _law_extrapolations(
    problem: SchedulingProblem, name: str, law: BoundFormula, used: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[Extrapolation]:
    data = problem.data
    arguments = {
        key: np.broadcast_to(values, (len(data.modes),))[used]
        for key, values in law.arguments(data.mode_inputs.reference_values).items()
    }
    beyond = np.broadcast_to(law.formula.outside(arguments), used.shape)
    found = []
    for place in np.flatnonzero(beyond):
        where = data.modes[used[place]].label
        inputs = "; ".join(law.formula.outside_inputs({key: v[place] for key, v in arguments.items()}))
        message = f"{name} of {where} is read outside the data the law was learned from: {inputs}"
        found.append(Extrapolation(name, where, inputs, message))
    return found
