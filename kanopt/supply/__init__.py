"""What a :class:`kanopt.SupplyProblem` and its plans consist of.

Examples
--------
>>> from kanopt import supply
>>> supply.Period("spring").name
'spring'
"""

from __future__ import annotations

from kanopt.supply.network import Facility, Lane, Market, Period, Product, Supplier, SupplyUnits
from kanopt.supply.plan import Flow, FlowPlan
from kanopt.supply.problem import SupplyProblem as SupplyProblem

__all__ = [
    "Facility",
    "Flow",
    "FlowPlan",
    "Lane",
    "Market",
    "Period",
    "Product",
    "Supplier",
    "SupplyUnits",
]
