"""Supply networks: suppliers, sites that open or close, markets, and what flows between them."""

from kanopt.problems.supply.entities import (
    Facility,
    Lane,
    Market,
    Period,
    Product,
    Supplier,
    SupplyUnits,
)
from kanopt.problems.supply.plan import Flow, FlowPlan
from kanopt.problems.supply.problem import SupplyProblem

__all__ = [
    "Facility",
    "Flow",
    "FlowPlan",
    "Lane",
    "Market",
    "Period",
    "Product",
    "Supplier",
    "SupplyProblem",
    "SupplyUnits",
]
