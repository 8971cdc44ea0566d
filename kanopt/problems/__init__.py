"""What is to be decided: problems, their plans, prices and reasons. No solver is needed for any of it."""

from kanopt.problems.base import Plan, Problem
from kanopt.problems.evaluate import evaluate, status_of
from kanopt.problems.findings import Check, FrozenInput, OutsideUse, Reason, Violation
from kanopt.problems.network import Path, RoadNetwork, Travel
from kanopt.problems.pricing import Pricing
from kanopt.problems.records import Attribute, Quantity, known, records
from kanopt.problems.result import Certificate, Progress, Result, Status
from kanopt.problems.routing import (
    Client,
    Depot,
    Route,
    RoutingPlan,
    RoutingProblem,
    RoutingUnits,
    VehicleType,
)
from kanopt.problems.supply import (
    Facility,
    Flow,
    FlowPlan,
    Lane,
    Market,
    Period,
    Product,
    Supplier,
    SupplyProblem,
    SupplyUnits,
)
from kanopt.problems.views import GanttView, MapView, NetworkView, SeriesView, View

__all__ = [
    "Attribute",
    "Certificate",
    "Check",
    "Client",
    "Depot",
    "Facility",
    "Flow",
    "FlowPlan",
    "FrozenInput",
    "GanttView",
    "Lane",
    "MapView",
    "Market",
    "NetworkView",
    "OutsideUse",
    "Path",
    "Period",
    "Plan",
    "Pricing",
    "Problem",
    "Product",
    "Progress",
    "Quantity",
    "Reason",
    "Result",
    "RoadNetwork",
    "Route",
    "RoutingPlan",
    "RoutingProblem",
    "RoutingUnits",
    "SeriesView",
    "Status",
    "Supplier",
    "SupplyProblem",
    "SupplyUnits",
    "Travel",
    "VehicleType",
    "View",
    "Violation",
    "evaluate",
    "known",
    "records",
    "status_of",
]
