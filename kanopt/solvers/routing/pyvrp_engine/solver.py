"""Routing on PyVRP: iterated local search over the same integers as every routing engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any

from kanopt.problems.base import Problem
from kanopt.problems.routing import Client, Depot, RoutingPolicy, RoutingProblem, VehicleType
from kanopt.solvers.routing.engine_solver import EngineSolver
from kanopt.solvers.routing.engines import PYVRP, engine_name
from kanopt.solvers.routing.pyvrp_engine.relaxed import unsupported_rules

__all__ = ["PyVrpRouting"]

_MAP = ("name", "x", "y", "lat", "lon", "attributes")
_KNOWN: dict[type, tuple[str, ...]] = {
    RoutingProblem: (
        *("depots", "clients", "vehicles", "cost", "duration", "distance", "units", "planning", "policy"),
        "detour",
        "day",
    ),
    RoutingPolicy: ("service", "capacities", "apart", "backhaul", "cost_of_longest", "pinned"),
    Depot: _MAP,
    Client: (
        *(
            *_MAP,
            "demand",
            "pickup",
            "source",
            "service",
            "release",
            "earliest",
            "latest",
            "windows",
            "cost_per_lateness",
        ),
        *("prize", "needs", "vehicles", "goods", "demand_sd", "on_time"),
    ),
    VehicleType: (
        *("name", "count", "capacity", "fixed_cost", "cost_per_distance", "cost_per_time"),
        *(
            "shift_start",
            "shift_end",
            "depot",
            "end",
            "returns",
            "max_distance",
            "max_duration",
            "regular_time",
        ),
        *("cost_per_overtime", "reloads", "reload_time", "breaks", "skills", "attributes"),
    ),
}
"""What of a problem reaches PyVRP: as integers, as a name or a place that no plan depends on, or as a rule that
:func:`unsupported_rules` looks at."""


class PyVrpRouting(EngineSolver):
    """Iterated local search of PyVRP on a routing problem at its planning values.

    The problem is lowered to the same integers as for OR-Tools, with the same rounding bound. A client that must
    be served and cannot is left out, so that a partial plan always comes back. Several capacities, pickups, reloads,
    routes that do not come back, limits of duration and overtime are modelled, limits of distance where legs are paid
    by their distance; :meth:`unsupported_rules` names what is not. No bound is claimed.

    Notes
    -----
    PyVRP: Wouda, Lan and Kool (2024), "PyVRP: a high-performance VRP solver package", INFORMS Journal on Computing
    36(4), 943–955. The search ends at the time limit, or by itself after ``3000 + 5 × clients²`` iterations without
    a better plan; in the second case, and where the time limit counts work, the same seed gives the same plan.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.solvers.base import SolveOptions
    >>> minutes = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a"), Client("b")], [VehicleType("van")], minutes, minutes, minutes
    ... )
    >>> PyVrpRouting().solve(problem, SolveOptions()).objective
    42.0
    """

    engine = PYVRP

    @property
    def name(self) -> str:
        """Name and version."""
        return engine_name(PYVRP)

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem that PyVRP models in full, else why it does not fit."""
        if not isinstance(problem, RoutingProblem):
            return f"solves routing problems, not {problem.kind}"
        beyond = self.unsupported_rules(problem)
        return f"does not model {', '.join(beyond)}" if beyond else ""

    def unsupported_rules(self, problem: RoutingProblem) -> tuple[str, ...]:
        """Name what a problem asks for and PyVRP does not model.

        Without it, PyVRP solves a relaxation, whose plan is a start for an engine that models all. Anything that is
        set and was not lowered to PyVRP on purpose counts, so that a new rule of the problem is never dropped in
        silence.

        Parameters
        ----------
        problem
            A routing problem.

        Examples
        --------
        >>> import numpy as np
        >>> zero = np.zeros((1, 1))
        >>> PyVrpRouting().unsupported_rules(RoutingProblem([Depot("d")], [], [VehicleType("van")], zero, zero, zero))
        ()
        """
        groups: tuple[tuple[str, type, Sequence[Any]], ...] = (
            ("the problem", RoutingProblem, [problem]),
            ("depots", Depot, problem.depots),
            ("clients", Client, problem.clients),
            ("vehicle types", VehicleType, problem.vehicles),
            ("the policy", RoutingPolicy, [problem.policy]),
        )
        unknown = (
            f"{name.replace('_', ' ')} of {where}"
            for where, kind, items in groups
            for name in _set_fields(items, _KNOWN[kind])
        )
        return (*unsupported_rules(problem), *unknown)


def _set_fields(items: Sequence[Any], known: Sequence[str]) -> list[str]:
    """Return the fields beyond the known ones that some item sets to something else than their default."""
    found = {}
    for item in items:
        for each in fields(item):
            if each.name not in known and each.init:
                default = each.default_factory() if each.default_factory is not MISSING else each.default
                if getattr(item, each.name) != default:
                    found[each.name] = True
    return list(found)
