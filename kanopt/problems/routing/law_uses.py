"""The laws of a routing problem, as the legs, stops and links of a plan use them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kanopt.formulas.binding import BoundFormula, Reference, ReferenceValue
from kanopt.problems.law_use import LawUse, unit_factor
from kanopt.problems.routing.delays import Delays
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.simulate import Drive, leg_names

if TYPE_CHECKING:
    from kanopt.problems.routing.data import Ints
    from kanopt.problems.routing.plan import RoutingPlan
    from kanopt.problems.routing.problem import RoutingProblem

_LEGS, _STOPS, _LINKS = ("leg", "legs"), ("client", "clients"), ("link driven", "links driven")


def driving_law_uses(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> tuple[LawUse, ...]:
    """Return each cost law and the law of travel time on the legs, of service at clients, and of the links driven."""
    return (*_legs(problem, plan, driven), *_stops(problem, plan, driven), *_links(problem, driven))


def _legs(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> Iterator[LawUse]:
    laws = problem.leg_laws
    reached = np.flatnonzero(laws.roads(driven.tail, driven.head) & np.isfinite(driven.duration))
    if not reached.size:
        return
    inputs = driven.inputs.select(reached)
    where = partial(_leg_names, problem, plan, driven, reached)
    for name, law in laws.formulas().items():
        factor = unit_factor(law.formula.output.unit, laws.unit(name))
        arguments = law.arguments(laws.resolver(name, inputs))
        shared = (law.formula, arguments, np.array(factor), reached.shape, _LEGS)
        if name == DURATION:
            changes = Delays(problem, driven).of_legs(factor, reached)
            yield LawUse(name, *shared, cut_off=True, price_change=changes, where=where)
        else:
            yield LawUse(f"cost {name!r}", *shared, cut_off=True, where=where, term=name)


def _leg_names(
    problem: RoutingProblem, plan: RoutingPlan, driven: Drive, legs: Ints
) -> list[tuple[str, str]]:
    names = leg_names(problem.data, plan, driven)
    return [names[leg] for leg in legs]


def _stop_names(
    problem: RoutingProblem, plan: RoutingPlan, driven: Drive, legs: Ints
) -> list[tuple[str, str]]:
    names = problem.data.names
    return [(plan.routes[driven.route[leg]].label, names[driven.head[leg]]) for leg in legs]


def _stops(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> Iterator[LawUse]:
    law, data = problem.policy.service, problem.data
    stops = np.flatnonzero((driven.head >= len(data.depots)) & np.isfinite(driven.begin))
    if law is None or not stops.size:
        return
    arguments = law.arguments(data.service_times.resolver(driven.stops(stops)))
    factor = unit_factor(law.formula.output.unit, data.units.time)
    changes = Delays(problem, driven).of_services(factor, stops)
    shared = (law.formula, arguments, np.array(factor), stops.shape, _STOPS)

    where = partial(_stop_names, problem, plan, driven, stops)
    yield LawUse("service", *shared, cut_off=True, price_change=changes, where=where)


def _links(problem: RoutingProblem, driven: Drive) -> Iterator[LawUse]:
    network = problem.network
    if network is None or not isinstance(network.law, BoundFormula):
        return
    names = problem.network_nodes
    pairs = [(names[tail], names[head]) for tail, head in zip(driven.tail, driven.head, strict=True)]
    paths = [() if path is None else path.links for path in network.paths(pairs)]
    used = np.array(sorted({link for links in paths for link in links}), dtype=np.intp)
    if not used.size:
        return
    law, graph = network.law, network

    def resolve(reference: Reference) -> ReferenceValue:
        known = graph.resolve(reference)
        return ReferenceValue(known.values[used], known.unit)

    place = {int(link): at for at, link in enumerate(used)}
    driven_on = np.zeros((len(used), len(paths)))
    for leg, links in enumerate(paths):
        for link in links:
            driven_on[place[int(link)], leg] += 1.0
    factor = unit_factor(law.formula.output.unit, problem.data.units.time)
    changes = Delays(problem, driven).of_links(factor, driven_on)
    arguments, rise = law.arguments(resolve), np.array(factor)
    yield LawUse(DURATION, law.formula, arguments, rise, used.shape, _LINKS, price_change=changes)
