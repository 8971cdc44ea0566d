"""The laws of a routing problem, as the legs, stops and links of a plan use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from kanopt.formulas.binding import BoundFormula, ReferenceValue
from kanopt.formulas.references import Reference
from kanopt.problems.law_use import LawUse, unit_factor
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.simulate import Drive

if TYPE_CHECKING:
    from kanopt.problems.routing.data import Floats
    from kanopt.problems.routing.problem import RoutingProblem

__all__ = ["delay_costs", "driving_law_uses"]

_WAITS = 1e-6
"""Waiting longer than this, in time units, takes up a delay."""
_LEGS, _STOPS, _LINKS = ("leg", "legs"), ("client", "clients"), ("link driven", "links driven")


def driving_law_uses(problem: RoutingProblem, driven: Drive) -> tuple[LawUse, ...]:
    """Return each cost law and the law of travel time on the legs, of service at clients, and of the links driven."""
    arriving, leaving = delay_costs(problem, driven)
    uses = [*_legs(problem, driven, arriving), *_stops(problem, driven, leaving)]
    return (*uses, *_links(problem, driven, arriving))


def delay_costs(problem: RoutingProblem, driven: Drive) -> tuple[Floats, Floats]:
    """Return what a plan pays more for each unit of time by which a leg, or service at its head, takes longer.

    A delay makes a route longer, and later clients later, up to where the vehicle waits for a window. Departures stay
    as they are.

    Returns
    -------
    arriving, leaving : ndarray
        Money per time unit for a delay on the leg, and for one of service at its head; shape ``(legs,)``.
    """
    data = problem.data
    rates = _route_rates(problem, driven)
    lateness = np.where(driven.late > 0, data.lateness_rate[driven.head], 0.0)
    waits = driven.begin - driven.arrive > _WAITS
    arriving, leaving = np.zeros(len(driven.route)), np.zeros(len(driven.route))
    for leg in range(len(driven.route) - 1, -1, -1):
        last = leg == len(driven.route) - 1 or driven.route[leg + 1] != driven.route[leg]
        leaving[leg] = rates[driven.route[leg]] if last else arriving[leg + 1]
        arriving[leg] = 0.0 if waits[leg] else lateness[leg] + leaving[leg]
    return arriving, leaving


def _route_rates(problem: RoutingProblem, driven: Drive) -> Floats:
    """Return what each route pays for each unit of time by which it ends later."""
    data, count = problem.data, len(driven.finish)
    kinds = np.zeros(count, dtype=np.intp)
    kinds[driven.route] = driven.vehicle
    rates = data.of_vehicles("cost_per_time")[kinds]
    regular = data.of_vehicles("regular_time")[kinds]
    over = np.isfinite(regular) & (driven.route_durations > regular)
    rates = rates + np.where(over, data.of_vehicles("cost_per_overtime")[kinds], 0.0)
    if data.policy.cost_of_longest and count:
        rates[int(np.argmax(driven.route_durations))] += data.policy.cost_of_longest
    return np.asarray(rates, dtype=float)


def _legs(problem: RoutingProblem, driven: Drive, arriving: Floats) -> Iterator[LawUse]:
    laws = problem.leg_laws
    reached = np.flatnonzero(laws.roads[driven.tail, driven.head] & np.isfinite(driven.duration))
    if not reached.size:
        return
    inputs = driven.inputs.select(reached)
    for name, law in laws.formulas().items():
        factor = unit_factor(law.formula.output.unit, laws.unit(name))
        rise = factor * (arriving[reached] if name == DURATION else np.ones(len(reached)))
        arguments = law.arguments(laws.resolver(name, inputs))
        told = name if name == DURATION else f"cost {name!r}"
        yield LawUse(told, law.formula, arguments, rise, reached.shape, _LEGS, cut_off=True)


def _stops(problem: RoutingProblem, driven: Drive, leaving: Floats) -> Iterator[LawUse]:
    law, data = problem.policy.service, problem.data
    stops = np.flatnonzero(driven.head >= len(data.depots))
    if law is None or not stops.size:
        return
    kind, place = driven.vehicle[stops], driven.head[stops] - len(data.depots)
    shape = (len(data.vehicles), len(data.clients))
    arguments = {
        name: np.broadcast_to(values, shape)[kind, place]
        for name, values in law.arguments(data.service_inputs).items()
    }
    rise = unit_factor(law.formula.output.unit, data.units.time) * leaving[stops]
    yield LawUse("service", law.formula, arguments, rise, stops.shape, _STOPS, cut_off=True)


def _links(problem: RoutingProblem, driven: Drive, arriving: Floats) -> Iterator[LawUse]:
    network = problem.network
    if network is None or not isinstance(network.law, BoundFormula):
        return
    names = problem.network_nodes
    pairs = [(names[tail], names[head]) for tail, head in zip(driven.tail, driven.head, strict=True)]
    paid: dict[int, float] = {}
    for path, cost in zip(network.paths(pairs), arriving, strict=True):
        for link in path.links if path is not None else ():
            paid[link] = paid.get(link, 0.0) + float(cost)
    if not paid:
        return
    used = np.array(sorted(paid), dtype=np.intp)
    law, graph = network.law, network

    def resolve(reference: Reference) -> ReferenceValue:
        known = graph.resolve(reference)
        return ReferenceValue(known.values[used], known.unit)

    factor = unit_factor(law.formula.output.unit, problem.data.units.time)
    rise = factor * np.array([paid[int(link)] for link in used])
    yield LawUse(DURATION, law.formula, law.arguments(resolve), rise, used.shape, _LINKS)
