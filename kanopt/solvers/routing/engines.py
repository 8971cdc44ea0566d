"""The routing engines, and one function that runs any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from kanopt.solvers.routing.arrays import NodeRoutes
from kanopt.solvers.routing.incumbents import Incumbents

PYVRP, ORTOOLS = "PyVRP", "OR-Tools routing"
LARGE = 2000
"""Places from which on part after part is searched, and OR-Tools would read matrices for longer than it searched."""
_PACKAGES = {PYVRP: "pyvrp", ORTOOLS: "ortools"}


def engine_name(engine: str) -> str:
    """Return an engine's name with its version.

    Examples
    --------
    >>> engine_name(ORTOOLS).startswith("OR-Tools routing 9.")
    True
    """
    return f"{engine} {version(_PACKAGES[engine])}"


@dataclass(frozen=True)
class EngineOrder:
    """What an engine is to do.

    Parameters
    ----------
    engine
        :data:`PYVRP` or :data:`ORTOOLS`.
    seed
        Any whole number of at least 0.
    start
        A plan to start from that fits, or None.
    """

    engine: str
    seed: int
    start: NodeRoutes | None = None


def run_engine(
    order: EngineOrder,
    incumbents: Incumbents,
    *,
    time_limit: float,
    stop_requested: Callable[[], bool],
    finish: Callable[[str], None] | None = None,
) -> str:
    """Run an engine; return why it ended, empty for its time limit.

    Only the engine that is asked for is imported.

    Parameters
    ----------
    order
        What to do.
    incumbents
        Called with every better plan.
    time_limit
        Wall seconds, counted from the beginning of `incumbents`.
    stop_requested
        Whether to stop.
    finish
        Ends the process, for an engine that runs in one of its own; see :class:`OrToolsSearch`.
    """
    if order.engine == PYVRP:
        from kanopt.solvers.routing.pyvrp_engine.search import PyVrpSearch

        by_pyvrp = PyVrpSearch(
            incumbents.arrays,
            incumbents,
            time_limit=time_limit,
            seed=order.seed,
            stop_requested=stop_requested,
        )
        by_pyvrp.run(order.start)
        return by_pyvrp.message
    from kanopt.solvers.routing.ortools_engine.search import OrToolsSearch

    by_ortools = OrToolsSearch(
        incumbents.arrays,
        incumbents,
        time_limit=time_limit,
        seed=order.seed,
        stop_requested=stop_requested,
        finish=finish,
    )
    by_ortools.run(order.start)
    if by_ortools.error is not None:
        raise by_ortools.error
    return by_ortools.message
