"""What of a routing problem PyVRP does not model."""

from __future__ import annotations

import numpy as np

from kanopt.problems.routing import RoutingProblem
from kanopt.solvers.routing.integers import splits_at_pickups

_TOLERANCE = 1e-9


def unsupported_rules(problem: RoutingProblem) -> tuple[str, ...]:
    """Name the rules of a problem that PyVRP does not model, in a few words each.

    Parameters
    ----------
    problem
        A routing problem.
    """
    data, policy = problem.data, problem.policy
    counts = {vehicle.name: vehicle.num_available for vehicle in data.vehicles}
    found = {
        "driver breaks": any(data.breaks),
        "several time windows": len(data.opens) > 1,
        "service that is late at a price": bool((data.lateness_rate > 0).any()),
        "loading at clients": data.has_sources,
        "goods kept apart": bool(data.apart.any()),
        "clients pinned to one of several vehicles": any(
            counts[name] > 1 for name, _ in data.pinned.values()
        ),
        "deliveries before pickups": policy.backhaul and not splits_at_pickups(data),
        "a price of the longest route": bool(policy.longest_route_cost),
        "limits of distance beside prices of something else": not _price_of_distance(problem),
    }
    return tuple(words for words, there in found.items() if there)


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
