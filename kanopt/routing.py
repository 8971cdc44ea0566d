"""What a :class:`kanopt.RoutingProblem` and its plans consist of.

Examples
--------
>>> from kanopt import routing
>>> routing.Client("anna", 2.0, 5.0, demand=3.0).demand
3.0
"""

from __future__ import annotations

from kanopt.problems.road_network import RoadNetwork
from kanopt.problems.routing import (
    ArrivalFunctions,
    Client,
    Depot,
    Route,
    RoutingPlan,
    RoutingPolicy,
    RoutingUnits,
    VehicleType,
)

__all__ = [
    "ArrivalFunctions",
    "Client",
    "Depot",
    "RoadNetwork",
    "Route",
    "RoutingPlan",
    "RoutingPolicy",
    "RoutingUnits",
    "VehicleType",
]
