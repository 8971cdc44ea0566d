"""Where a routing plan leans on a law outside the data it was learned from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kanopt.formulas.binding import BoundFormula, Known, Reference
from kanopt.problems.findings import OutsideUse
from kanopt.problems.road_network import RoadNetwork
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Ints
from kanopt.problems.routing.leg_laws import DURATION, Inputs, Laws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.wording import clock_text, number

if TYPE_CHECKING:
    from kanopt.problems.routing.problem import RoutingProblem

__all__ = ["driven_links", "outside_plan"]

_SHOWN = 3


def outside_plan(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> tuple[OutsideUse, ...]:
    """Name, for each law and route, the legs outside the law's domain or where it falls below zero."""
    found = []
    for name, law in problem.rules.formulas().items():
        found += list(_beyond(problem.rules, name, law, plan, driven))
        found += list(_below_zero(problem.rules, name, plan, driven))
    if problem.policy.service is not None:
        found += list(_stops(problem, problem.policy.service, plan))
    if isinstance(problem.rules.duration, ArrivalFunctions):
        found += list(_off_the_table(problem.rules, plan, driven))
    network = problem.network
    if network is not None and isinstance(network.law, BoundFormula):
        found += list(_links(network, network.law, driven_links(problem, driven)))
    return tuple(found)


def _some(texts: list[str]) -> str:
    shown = ", ".join(texts[:_SHOWN])
    return shown + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")


def _legs(laws: Laws, driven: Drive, places: Ints) -> str:
    names = laws.facts.names
    return _some([f"{names[driven.tail[p]]} → {names[driven.head[p]]}" for p in places])


def _beyond(
    laws: Laws, name: str, law: BoundFormula, plan: RoutingPlan, driven: Drive
) -> Iterator[OutsideUse]:
    outside = laws.outside(name, driven.inputs)
    for place in np.unique(driven.route[outside]):
        here = np.flatnonzero(outside & (driven.route == place))
        total = int((driven.route == place).sum())
        inputs = Inputs(
            driven.vehicle[here],
            driven.tail[here],
            driven.head[here],
            driven.load[here],
            driven.leave[here],
            driven.duration[here],
            driven.late[here],
        )
        which = "; ".join(law.formula.outside_inputs(law.arguments(laws.resolver(name, inputs))))
        label, legs = plan.routes[place].label, _legs(laws, driven, here)
        yield OutsideUse(
            law=name,
            where=f"{label}: {legs}",
            inputs=which,
            message=f"{name} is used outside its data on {len(here)} of {total} legs of {label} ({legs}): {which}",
        )


def _stops(problem: RoutingProblem, law: BoundFormula, plan: RoutingPlan) -> Iterator[OutsideUse]:
    """Name the clients at which the law of service times is used outside its data."""
    facts = problem.facts
    outside = np.broadcast_to(law.outside(facts.service_inputs), (len(facts.vehicles), len(facts.clients)))
    for route in plan.routes:
        kind, first = facts.type_index[route.vehicle], len(facts.depots)
        places = [facts.index[name] - first for name in route.clients if name != route.depot]
        names = [facts.clients[place].name for place in places if outside[kind, place]]
        if names:
            yield OutsideUse(
                law="service",
                where=f"{route.label}: {_some(names)}",
                inputs="",
                message=f"service is used outside its data at {len(names)} of {len(places)} clients of {route.label} "
                f"({_some(names)})",
            )


def _off_the_table(laws: Laws, plan: RoutingPlan, driven: Drive) -> Iterator[OutsideUse]:
    """Name the legs that begin before the first or after the last point of their arrival function."""
    outside = laws.outside(DURATION, driven.inputs)
    for place in np.unique(driven.route[outside]):
        here = np.flatnonzero(outside & (driven.route == place))
        label, legs = plan.routes[place].label, _legs(laws, driven, here)
        clocks = _some([clock_text(float(driven.leave[leg]), laws.facts.units.time) for leg in here])
        yield OutsideUse(
            law=DURATION,
            where=f"{label}: {legs}",
            inputs=f"clock {clocks}",
            message=f"{DURATION} is used outside its table on {len(here)} legs of {label} ({legs}), which begin at "
            f"{clocks}; travel time there is that of the nearest time in the table",
        )


def _below_zero(laws: Laws, name: str, plan: RoutingPlan, driven: Drive) -> Iterator[OutsideUse]:
    raw = laws.raw(name, driven.inputs)
    below = np.isfinite(raw) & (raw < 0)
    for place in np.unique(driven.route[below]):
        here = np.flatnonzero(below & (driven.route == place))
        label, legs = plan.routes[place].label, _legs(laws, driven, here)
        yield OutsideUse(
            law=name,
            where=f"{label}: {legs}",
            inputs="value below zero",
            message=f"{name} falls to {number(float(raw[here].min()))} {laws.unit(name)} on {len(here)} legs of "
            f"{label} ({legs}); it counts as zero there",
        )


def driven_links(problem: RoutingProblem, driven: Drive) -> dict[int, int]:
    """Return how often each link of the road network is driven."""
    assert problem.network is not None
    pairs = [(problem.stops[a], problem.stops[b]) for a, b in zip(driven.tail, driven.head, strict=True)]
    counts: dict[int, int] = {}
    for path in problem.network.paths(pairs):
        for link in path.links if path is not None else ():
            counts[link] = counts.get(link, 0) + 1
    return counts


def _links(network: RoadNetwork, law: BoundFormula, counts: dict[int, int]) -> Iterator[OutsideUse]:
    used = np.array(sorted(link for link in counts if network.outside[link]), dtype=np.intp)
    if not used.size:
        return

    def resolve(reference: Reference) -> Known:
        known = network.resolve(reference)
        return Known(known.values[used], known.unit)

    which = "; ".join(law.formula.outside_inputs(law.arguments(resolve)))
    labels = _some([network.label(int(link)) for link in used])
    times = sum(counts[int(link)] for link in used)
    yield OutsideUse(
        law=DURATION,
        where=f"links {labels}" if used.size > 1 else f"link {labels}",
        inputs=which,
        message=f"{DURATION} is used outside its data on {used.size} of {len(counts)} links driven ({labels}), "
        f"{times} times in all: {which}",
    )
