"""Routing on PyVRP: iterated local search over the same integers as every routing engine."""

from __future__ import annotations

from typing import Any

from kanopt.problems.base import Problem
from kanopt.problems.routing import RoutingProblem
from kanopt.solvers.routing.engine_solver import EngineSolver
from kanopt.solvers.routing.engines import PYVRP, engine_name
from kanopt.solvers.routing.pyvrp_engine.relaxed import unsupported_rules


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
    >>> from kanopt.problems import Client, Depot, VehicleType
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
        >>> from kanopt.problems import Depot, VehicleType
        >>> zero = np.zeros((1, 1))
        >>> PyVrpRouting().unsupported_rules(RoutingProblem([Depot("d")], [], [VehicleType("van")], zero, zero, zero))
        ()
        """
        under_way = ("routes under way",) if problem.data.is_under_way else ()
        return (*unsupported_rules(problem), *under_way)
