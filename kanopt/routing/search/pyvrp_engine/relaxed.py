"""What of a routing problem PyVRP does not model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules import beyond
from kanopt.routing.search.integers import splits_at_pickups

_TOLERANCE = 1e-9


MODELLED = frozenset(
    {
        "fleet", "depot", "visits", "prize", "skill", "capacity", "measures", "reload", "road", "time window",
        "release", "shift", "duration", "overtime",
    }
)  # fmt: skip
"""The rules that PyVRP models, as the referee calls them."""


def unsupported_rules(problem: RoutingProblem) -> tuple[str, ...]:
    """Name the rules of a problem that PyVRP does not model, in a few words each.

    Parameters
    ----------
    problem
        A routing problem.
    """
    return tuple(rule.what for rule in beyond(problem.data, MODELLED | set(_modelled_here(problem))))


def _modelled_here(problem: RoutingProblem) -> Iterator[str]:
    """Yield the rules that PyVRP models of some problems and not of others."""
    data = problem.data
    counts = {vehicle.name: vehicle.num_available for vehicle in data.vehicles}
    if all(counts[name] == 1 for name, _ in data.pinned.values()):
        yield "pinned"
    if splits_at_pickups(data):
        yield "backhaul"
    if _price_of_distance(problem):
        yield "distance"


def _price_of_distance(problem: RoutingProblem) -> bool:
    """Say whether each vehicle type with a limit of distance pays for its legs by their distance alone."""
    data = problem.data
    for kind in np.flatnonzero(np.isfinite(data.of_vehicles("max_distance"))):
        costs, lengths = problem.planning_values.costs[kind], data.distance
        every = np.arange(len(lengths))
        usable = data.usable(every[:, None], every) & np.isfinite(costs)
        total = float(lengths[usable].sum())
        rate = float(costs[usable].sum()) / total if total else 0.0
        proportional = np.allclose(
            costs[usable], rate * lengths[usable], rtol=_TOLERANCE, atol=_TOLERANCE * rate
        )
        if not (rate and proportional):
            return False
    return True
