"""A published instance, as a problem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kanopt.problems.routing.problem import RoutingProblem
from kanopt.problems.routing.remarks import InputFinding, input_findings

CVRP, VRPTW = "cvrp", "vrptw"

_ROUNDED = {"round": 1.0, "dimacs": 0.100001, "floor": 1.0, "thousandths": 1.0}
"""By how much each rounding can make an arc longer than the way over a third place."""


@dataclass(frozen=True, eq=False)
class Instance:
    """A published instance of vehicle routing.

    Parameters
    ----------
    name
        As the file says, else the name of the file.
    kind
        ``"cvrp"`` or ``"vrptw"``.
    problem
        What is to be solved; the objective is counted as the literature counts it.
    rounding
        How distances came from coordinates: ``"round"`` (to the nearest whole number), ``"dimacs"`` (down to 0.1),
        ``"exact"``, ``"ceil"``, ``"floor"``, ``"thousandths"``, or ``"given"`` where the file holds the numbers.
    best_known
        Objective of the solution that lies beside the file, None where none does.
    path
        The file.
    """

    name: str
    kind: str
    problem: RoutingProblem
    rounding: str
    best_known: float | None
    path: Path

    @cached_property
    def findings(self) -> tuple[InputFinding, ...]:
        """What is worth a look in the data, apart from what the rounding of distances does to triangles."""
        return input_findings(self.problem, rounded=_ROUNDED.get(self.rounding, 0.0))

    def gap(self, objective: float | None) -> float | None:
        """Return by which fraction an objective lies above the best known one; None where one is missing."""
        if objective is None or not self.best_known:
            return None
        return objective / self.best_known - 1.0
