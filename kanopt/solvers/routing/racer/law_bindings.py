"""What of a routing problem's laws only a plan fixes, and how engines and the search on the law take each of them."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.problems.findings import FrozenInput
from kanopt.problems.routing import ArrivalFunctions, RoutingProblem
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.service_times import SERVICE


@dataclass(frozen=True)
class LawBinding:
    """What one law reads, and how it is taken.

    Parameters
    ----------
    law
        What it is called: a cost term, ``"duration"`` or ``"service"``.
    data_inputs, plan_inputs
        Its inputs that are known before solving, and those that only a plan fixes.
    reads
        What the latter are bound to, such as ``"state.load"``.
    engines
        How the engines take it.
    search
        How the search on the law takes it.
    """

    law: str
    data_inputs: tuple[str, ...]
    plan_inputs: tuple[str, ...]
    reads: tuple[str, ...]
    engines: str
    search: str


def bindings_of(problem: RoutingProblem) -> tuple[LawBinding, ...]:
    """Return what every law of a routing problem reads, travel time first and service times last.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.refs import arc, state
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> km = np.array([[0.0, 10], [10, 0]])
    >>> law = parse_formula("km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR"))
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a")], [VehicleType("van")], {"fuel": law.bind(km=arc.distance, load=state.load)},
    ...     km, km)
    >>> one, = bindings_of(problem)
    >>> one.law, one.plan_inputs, one.search
    ('fuel', ('load',), 'evaluated leg by leg, exact')
    """
    frozen = problem.frozen_inputs()
    rules = problem.leg_laws
    found = []
    if isinstance(rules.duration, ArrivalFunctions):
        found.append(_arrivals(rules.duration, [one for one in frozen if one.law == DURATION]))
    laws = rules.formulas()
    if problem.policy.service is not None:
        laws[SERVICE] = problem.policy.service
    for name, law in laws.items():
        held = [one for one in frozen if one.law == name]
        moved = {one.input for one in held}
        fixed = tuple(sorted(law.formula.used - moved))
        by_clock = name in rules.cost and rules.reads(DURATION, "clock") and rules.reads(name, "arc.duration")
        found.append(
            LawBinding(
                name,
                fixed,
                tuple(sorted(moved)),
                tuple(sorted({one.reference for one in held})),
                _tabulated(held),
                _searched(held, by_clock),
            )
        )
    return tuple(found)


def _arrivals(law: ArrivalFunctions, held: list[FrozenInput]) -> LawBinding:
    repaired = f", {law.fifo_repaired:,} arcs repaired so that nobody arrives earlier by leaving later"
    how = f"arrival functions, {len(law.leave):,} points{repaired if law.fifo_repaired else ''}, exact"
    return LawBinding(DURATION, (), ("clock",), ("clock.minute",), _tabulated(held), how)


def _tabulated(held: list[FrozenInput]) -> str:
    if not held:
        return "tabulated before solving"
    values = "; ".join(f"{one.input} ({one.reference}) frozen at {one.value}" for one in held)
    return f"tabulated before solving with {values}"


def _searched(held: list[FrozenInput], by_clock: bool) -> str:
    return "evaluated leg by leg, exact" if held or by_clock else "tabulated before solving"
