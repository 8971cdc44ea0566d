"""What a :class:`kanopt.RoutingProblem` and its plans consist of.

Examples
--------
>>> from kanopt import routing
>>> routing.Client("anna", 2.0, 5.0, demand=3.0).demand
3.0
"""

from __future__ import annotations

from kanopt.routing.arrays import RoutingPolicy
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.routing.problem import RoutingProblem as RoutingProblem
from kanopt.routing.road_network import RoadNetwork

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
