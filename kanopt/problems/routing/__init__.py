"""Vehicle routing: which vehicle serves which clients, in which order, priced by laws."""

from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.problem import RoutingProblem

__all__ = [
    "ArrivalFunctions",
    "Client",
    "Depot",
    "Route",
    "RoutingPlan",
    "RoutingPolicy",
    "RoutingProblem",
    "RoutingUnits",
    "VehicleType",
]
