"""How the engines and the search on the law take each law of a routing problem."""

from __future__ import annotations

from collections.abc import Iterator

from kanopt.engines.encodings import EncodedLaw
from kanopt.routing import ArrivalFunctions
from kanopt.routing.leg_laws import DURATION
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.service_times import SERVICE


def encoded_laws(problem: RoutingProblem, search: str) -> Iterator[EncodedLaw]:
    """Yield how every law of a routing problem is taken, travel time first and service times last.

    Parameters
    ----------
    problem
        The problem.
    search
        What the search on the law is called.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.refs import arc, state
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> km = np.array([[0.0, 10], [10, 0]])
    >>> law = parse_formula("km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR"))
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a")], [VehicleType("van")], {"fuel": law.bind(km=arc.distance, load=state.load)},
    ...     km, km)
    >>> one, = encoded_laws(problem, "search")
    >>> one.law, one.decided, one.method.split("; ")[-1]
    ('fuel', ('load',), 'search: evaluated leg by leg, exact')
    """
    laws, frozen = problem.leg_laws, problem.frozen_inputs()
    named = dict(laws.formulas())
    if problem.policy.service is not None:
        named[SERVICE] = problem.policy.service
    tables = isinstance(laws.duration, ArrivalFunctions)
    for name in ([DURATION] if tables else []) + list(named):
        held = [one for one in frozen if one.law == name]
        moved = {one.input for one in held}
        fixed = named[name].formula.used - moved if name in named else ()
        by_clock = name in laws.cost and laws.reads(DURATION, "clock") and laws.reads(name, "arc.duration")
        exact = "evaluated leg by leg, exact" if held or by_clock else "tabulated before solving"
        if isinstance(laws.duration, ArrivalFunctions) and name == DURATION:
            count = laws.duration.fifo_repaired
            repaired = f", {count:,} arcs repaired so that nobody arrives earlier by leaving later"
            exact = (
                f"arrival functions, {len(laws.duration.leave):,} points{repaired if count else ''}, exact"
            )
        values = "; ".join(f"{one.input} ({one.reference}) frozen at {one.value}" for one in held)
        how = f"PyVRP: tabulated before solving with {values}; {search}: {exact}" if held else exact
        yield EncodedLaw(name, how, tuple(sorted(fixed)), tuple(sorted(moved)))
