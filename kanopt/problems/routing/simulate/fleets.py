"""A plan priced with many fleets at once, which differ in what vehicles cost and drive alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.data import Floats
from kanopt.problems.routing.entities import VehicleType
from kanopt.problems.routing.leg_laws import RoutingLaws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.simulate.price import MISSED, missed_prizes, price_side_by_side
from kanopt.records.declaration import declared_fields

PRICE_FIELDS = frozenset(item.name for item in declared_fields(VehicleType) if item.price)
"""Fields of a vehicle type that move the price of a plan and nothing else."""
_OF_LEGS = (
    "route",
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
    count, kinds = len(fleets), len(laws.data.vehicles)
    wide, repeated = _side_by_side(laws, driven, fleets)
    types = np.array([laws.data.type_index[route.vehicle] for route in plan.routes], dtype=np.intp)
    shifted = (types + kinds * np.arange(count)[:, None]).reshape(-1)
    found = price_side_by_side(wide, planning, shifted, repeated, count)
    missed = missed_prizes(laws.data, plan)
    return found | ({MISSED: np.full(count, sum(missed.values()))} if missed else {})


def fleets_below_zero(
    laws: RoutingLaws, driven: Drive, fleets: Sequence[Sequence[VehicleType]]
) -> NDArray[np.bool_]:
    """Say with which fleets a cost law falls below zero on some leg, where it counts as zero; (fleets,)."""
    wide, repeated = _side_by_side(laws, driven, fleets)
    found = np.zeros(len(fleets), dtype=bool)
    fleet_of_leg = np.repeat(np.arange(len(fleets)), len(driven.tail))
    for name in laws.cost:
        found[fleet_of_leg[wide.raw(name, repeated.inputs) < 0.0]] = True
    return found


def _side_by_side(
    laws: RoutingLaws, driven: Drive, fleets: Sequence[Sequence[VehicleType]]
) -> tuple[RoutingLaws, Drive]:
    """Return the laws of all fleets as one, and the routes driven by each, its vehicle types behind those before it."""
    every = tuple(vehicle for fleet in fleets for vehicle in fleet)
    wide = RoutingLaws(replace(laws.data, vehicles=every), laws.cost, laws.duration)
    count, legs, routes = len(fleets), len(driven.tail), len(driven.departure)
    tiled = {name: np.tile(getattr(driven, name), count) for name in (*_OF_LEGS, "departure", "finish")}
    fleet_of_leg = np.repeat(np.arange(count, dtype=np.intp), legs)
    tiled["vehicle"] += fleet_of_leg * len(laws.data.vehicles)
    tiled["route"] += fleet_of_leg * routes
    return wide, replace(driven, **tiled)
