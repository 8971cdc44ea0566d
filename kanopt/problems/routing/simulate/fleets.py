"""A plan priced with many fleets at once, which differ in what vehicles cost and drive alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.entities import VehicleType
from kanopt.problems.routing.leg_laws import RoutingLaws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.simulate.price import FIXED, LONGEST, MISSED, leg_costs, time_costs
from kanopt.records.declaration import declared_fields

PRICE_FIELDS = frozenset(item.name for item in declared_fields(VehicleType) if item.price)
"""Fields of a vehicle type that move the price of a plan and nothing else."""
_OF_LEGS = (
    "vehicle",
    "tail",
    "head",
    "loads",
    "leave",
    "duration",
    "arrive",
    "begin",
    "late",
)
"""What prices read of the legs of a drive."""


def prices_of_fleets(
    laws: RoutingLaws,
    planning: PlanningValues,
    plan: RoutingPlan,
    driven: Drive,
    fleets: Sequence[Sequence[VehicleType]],
) -> dict[str, Floats]:
    """Return what a plan costs with each of several fleets, by term.

    The fleets stand side by side as one, and each drives the routes once: what prices a plan prices all of them, in one
    evaluation of each law.

    Parameters
    ----------
    laws, planning
        Of the problem.
    plan, driven
        The plan, and how it is driven, which the fleets do not change.
    fleets
        The vehicle types of each fleet, in the order of the problem's.

    Returns
    -------
    dict
        By term, the amount with each fleet; (fleets,).
    """
    data, count, kinds, routes = laws.data, len(fleets), len(laws.data.vehicles), len(plan.routes)
    wide, repeated, fleet_of_leg = _side_by_side(laws, driven, fleets)
    found: dict[str, Floats] = {}
    for term, amounts in leg_costs(wide, planning, repeated, frozen=False).items():
        found[term] = np.asarray(np.bincount(fleet_of_leg, weights=amounts, minlength=count), dtype=float)
    types = [data.type_index[route.vehicle] for route in plan.routes]
    shifted = np.array([k * kinds + kind for k in range(count) for kind in types], dtype=np.intp)
    spent = np.tile(driven.route_durations, count)
    for term, paid in time_costs(wide, shifted, spent).items():
        found[term] = paid.reshape(count, routes).sum(axis=1)
    fixed = wide.data.of_vehicles("fixed_cost")
    if fixed.any():
        found[FIXED] = fixed[shifted].reshape(count, routes).sum(axis=1)
    return found | _alike(laws, plan, driven, count)


def fleets_below_zero(
    laws: RoutingLaws, driven: Drive, fleets: Sequence[Sequence[VehicleType]]
) -> NDArray[np.bool_]:
    """Say with which fleets a cost law falls below zero on some leg, where it counts as zero; (fleets,)."""
    wide, repeated, fleet_of_leg = _side_by_side(laws, driven, fleets)
    found = np.zeros(len(fleets), dtype=bool)
    for name in laws.cost:
        found[fleet_of_leg[wide.raw(name, repeated.inputs) < 0.0]] = True
    return found


def _side_by_side(
    laws: RoutingLaws, driven: Drive, fleets: Sequence[Sequence[VehicleType]]
) -> tuple[RoutingLaws, Drive, Ints]:
    """Return the laws of all fleets as one, the legs driven by each, and the fleet of each leg."""
    every = tuple(vehicle for fleet in fleets for vehicle in fleet)
    wide = RoutingLaws(replace(laws.data, vehicles=every), laws.cost, laws.duration)
    fleet_of_leg = np.repeat(np.arange(len(fleets), dtype=np.intp), len(driven.tail))
    return wide, _repeated(driven, len(fleets), fleet_of_leg * len(laws.data.vehicles)), fleet_of_leg


def _repeated(driven: Drive, count: int, offset: Ints) -> Drive:
    """Return the legs once for each fleet, its vehicle types behind those of the fleets before it."""
    tiled = {name: np.tile(getattr(driven, name), count) for name in _OF_LEGS}
    return replace(driven, **{**tiled, "vehicle": tiled["vehicle"] + offset})


def _alike(laws: RoutingLaws, plan: RoutingPlan, driven: Drive, count: int) -> dict[str, Floats]:
    """Return the terms that no vehicle moves."""
    found, policy = {}, laws.data.policy
    if policy.longest_route_cost and plan.routes:
        found[LONGEST] = np.full(count, policy.longest_route_cost * float(driven.route_durations.max()))
    if any(client.prize is not None for client in laws.data.clients):
        served = {name for route in plan.routes for name in route.clients}
        missed = [client.prize or 0.0 for client in laws.data.clients if client.name not in served]
        found[MISSED] = np.full(count, float(sum(missed)))
    return found
