"""What a :class:`kanopt.RoutingProblem` and its plans consist of.

Examples
--------
>>> from kanopt import routing
>>> routing.Client("anna", 2.0, 5.0, demand=3.0).demand
3.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.public_names import lazy_names

if TYPE_CHECKING:
    from kanopt.problems.road_network import RoadNetwork as RoadNetwork
    from kanopt.problems.routing import ArrivalFunctions as ArrivalFunctions
    from kanopt.problems.routing import Client as Client
    from kanopt.problems.routing import Depot as Depot
    from kanopt.problems.routing import Route as Route
    from kanopt.problems.routing import RoutingPlan as RoutingPlan
    from kanopt.problems.routing import RoutingPolicy as RoutingPolicy
    from kanopt.problems.routing import RoutingUnits as RoutingUnits
    from kanopt.problems.routing import VehicleType as VehicleType
else:
    __all__, __getattr__, __dir__ = lazy_names(__name__)
